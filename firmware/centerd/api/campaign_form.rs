//! A campaign's settings as they are written over the API, and back. Only the shape is changed
//! here; what may be is checked by `dialer::campaign`.

use std::collections::BTreeMap;

use call::{AgentId, Number, TrunkId};
use dialer::campaign::Settings;
use dialer::hours::{Hours, Window};
use dialer::number::Plan;
use dialer::outcome::{Category, Disposition, DispositionSet, Language};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::errors::Problem;
use crate::number_range;

/// A campaign to add, or what of it is to change. What is left out of a change stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct CampaignForm {
    /// Needed for a new one.
    pub name: Option<String>,
    /// `precise`: one free agent triggers one call.
    pub mode: Option<String>,
    /// The trunks it may use, in order of preference.
    pub trunk_ids: Option<Vec<i64>>,
    /// The one number shown; empty: the trunk's own. For several write `caller_ids`.
    pub caller_id: Option<String>,
    /// The numbers shown, or ranges of them (`+861062010000-0049`): each is one that a trunk of the
    /// campaign owns and that is granted to the tenant. None: the trunk's own.
    pub caller_ids: Option<Vec<String>>,
    /// How one of several is chosen: `in_turn` or `least_used`.
    pub caller_rule: Option<String>,
    /// The agents who take its calls.
    pub agent_ids: Option<Vec<i64>>,
    /// How long it may ring, 15,000 to 90,000 ms.
    pub ring_timeout_ms: Option<u64>,
    /// How often a lead may be dialled.
    pub attempts_max: Option<u16>,
    /// Between two attempts, at least 120,000 ms. Also after busy.
    pub interval_ms: Option<i64>,
    /// The time for wrap-up; 0: none.
    pub wrap_up_ms: Option<u64>,
    /// Whether talks are recorded.
    pub record: Option<bool>,
    /// When it may dial.
    pub hours: Option<HoursForm>,
    /// What an agent can say after a call.
    pub dispositions: Option<Vec<DispositionForm>>,
}

/// Calling hours on the wall clock of one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoursForm {
    /// IANA name.
    pub timezone: String,
    /// Open times; a day in none of them is closed.
    pub windows: Vec<WindowForm>,
    /// Dates (`2026-10-01`) on which nothing is dialled.
    #[serde(default)]
    pub holidays: Vec<String>,
}

/// One open time on some days of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WindowForm {
    /// 1 Monday to 7 Sunday.
    pub days: Vec<u8>,
    /// `09:00`.
    pub from: String,
    /// `20:00`; `24:00` is midnight at the end of the day.
    pub to: String,
}

/// What an agent can say after a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DispositionForm {
    /// What is sent back when it is chosen; made from the digit when left out.
    #[serde(default)]
    pub code: String,
    /// The key on the phone, 1 to 9.
    pub digit: u8,
    /// In Chinese.
    #[serde(default)]
    pub label_zh: String,
    /// In English.
    #[serde(default)]
    pub label_en: String,
    /// What it means to the box: `sale`, `contact`, `callback`, `refusal`, `unworkable`,
    /// `do_not_call`.
    pub category: String,
}

impl CampaignForm {
    /// Puts what was sent over `settings`.
    ///
    /// # Errors
    /// Names the first field that cannot be read, or everything that the dialer refuses.
    pub fn fill(
        self,
        settings: &mut Settings,
        plan: &Plan,
        language: Language,
    ) -> Result<(), Problem> {
        if let Some(name) = self.name {
            settings.name = name.trim().to_owned();
        }
        if let Some(mode) = self.mode {
            settings.mode = dialer::campaign::Mode::from_word(&mode)
                .ok_or_else(|| Problem::field("mode", "write precise"))?;
        }
        if let Some(trunks) = self.trunk_ids {
            settings.trunks = trunks.into_iter().map(TrunkId).collect();
        }
        if let Some(agents) = self.agent_ids {
            settings.agents = agents.into_iter().map(AgentId).collect();
        }
        if let Some(caller) = self.caller_id {
            let caller = Some(caller).filter(|text| !text.trim().is_empty());
            settings.callers = callers("caller_id", caller.as_slice(), plan)?;
        }
        if let Some(sent) = self.caller_ids {
            settings.callers = callers("caller_ids", &sent, plan)?;
        }
        if let Some(rule) = self.caller_rule {
            settings.caller_rule = dialer::caller::Rule::from_word(&rule)
                .ok_or_else(|| Problem::field("caller_rule", "write in_turn or least_used"))?;
        }
        settings.ring_ms = self.ring_timeout_ms.unwrap_or(settings.ring_ms);
        settings.wrap_up_ms = self.wrap_up_ms.unwrap_or(settings.wrap_up_ms);
        settings.record = self.record.unwrap_or(settings.record);
        settings.retry.attempts_max = self.attempts_max.unwrap_or(settings.retry.attempts_max);
        if let Some(interval_ms) = self.interval_ms {
            settings.retry.interval_ms = interval_ms;
            settings.retry.by_outcome.clear();
        }
        if let Some(hours) = self.hours {
            settings.hours = hours.read()?;
        }
        if let Some(dispositions) = self.dispositions {
            settings.dispositions = read_dispositions(dispositions, language)?;
        }
        settings.check().map(drop).map_err(Problem::Settings)
    }
}

/// Numbers, and ranges of them as the page Numbers shows them.
fn callers(field: &'static str, sent: &[String], plan: &Plan) -> Result<Vec<Number>, Problem> {
    let mut read = Vec::new();
    for text in sent {
        // A dash may also part the groups of one number; that is no range.
        let range = Some(text).filter(|text| text.contains('-'));
        let range = range.and_then(|text| number_range::read(text).ok());
        match range {
            Some(range) => read.extend(range.iter().filter_map(|text| text.parse().ok())),
            None => {
                let normal = plan.read(text).map_err(|why| Problem::number(field, why))?;
                read.push(normal.number);
            }
        }
    }
    Ok(read)
}

impl HoursForm {
    /// The hours as the dialer keeps them.
    ///
    /// # Errors
    /// Names what cannot be read.
    pub fn read(&self) -> Result<Hours, Problem> {
        let mut weekly: [Vec<Window>; 7] = core::array::from_fn(|_| Vec::new());
        for window in &self.windows {
            let read =
                Window { from_minute: minute(&window.from)?, to_minute: minute(&window.to)? };
            for day in &window.days {
                let wrong = || Problem::field("hours", format!("day {day}: write 1 to 7"));
                let at = usize::from(*day).checked_sub(1).ok_or_else(wrong)?;
                weekly.get_mut(at).ok_or_else(wrong)?.push(read);
            }
        }
        for day in &mut weekly {
            day.sort();
        }
        let special = self.holidays.iter().map(|date| (date.clone(), Vec::new())).collect();
        Ok(Hours { zone: self.timezone.clone(), weekly, special })
    }

    /// The hours as they are shown: days with the same window together.
    #[must_use]
    pub fn of(hours: &Hours) -> HoursForm {
        let mut days_of: BTreeMap<Window, Vec<u8>> = BTreeMap::new();
        for (day, windows) in (1u8..).zip(&hours.weekly) {
            for window in windows {
                days_of.entry(*window).or_default().push(day);
            }
        }
        let windows = days_of.into_iter().map(|(window, days)| WindowForm {
            days,
            from: clock(window.from_minute),
            to: clock(window.to_minute),
        });
        let closed = hours.special.iter().filter(|(_, windows)| windows.is_empty());
        HoursForm {
            timezone: hours.zone.clone(),
            windows: windows.collect(),
            holidays: closed.map(|(date, _)| date.clone()).collect(),
        }
    }
}

fn minute(text: &str) -> Result<u16, Problem> {
    let wrong = || Problem::field("hours", format!("{text:?} is not a time: write it as 09:00"));
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let (hour, minute): (u16, u16) =
        (hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?);
    let total = hour.checked_mul(60).and_then(|minutes| minutes.checked_add(minute));
    total.filter(|total| minute < 60 && *total <= 1_440).ok_or_else(wrong)
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn read_dispositions(
    sent: Vec<DispositionForm>,
    language: Language,
) -> Result<DispositionSet, Problem> {
    let mut read = Vec::with_capacity(sent.len());
    for entry in sent {
        let category = Category::from_word(&entry.category).ok_or_else(|| {
            let words: Vec<&str> = Category::ALL.iter().map(|c| c.word()).collect();
            Problem::field("dispositions", format!("category: write one of {}", words.join(", ")))
        })?;
        let (first, second) = match language {
            Language::Zh => (entry.label_zh, entry.label_en),
            Language::En => (entry.label_en, entry.label_zh),
        };
        let label = if first.trim().is_empty() { second } else { first };
        read.push(Disposition { digit: entry.digit, label: label.trim().to_owned(), category });
    }
    Ok(DispositionSet::new(read)?)
}

/// Dispositions as they are shown. One label is kept; those of the built-in list are known in both
/// languages.
#[must_use]
pub fn dispositions(set: &DispositionSet) -> Vec<DispositionForm> {
    let (zh, en) = (DispositionSet::built_in(Language::Zh), DispositionSet::built_in(Language::En));
    let shown = |entry: &Disposition| {
        let built_in = (zh.by_digit(entry.digit), en.by_digit(entry.digit));
        let known = match built_in {
            (Some(a), Some(b)) if a.label == entry.label || b.label == entry.label => {
                Some((a.label.clone(), b.label.clone()))
            }
            (_, _) => None,
        };
        let (label_zh, label_en) =
            known.unwrap_or_else(|| (entry.label.clone(), entry.label.clone()));
        DispositionForm {
            code: entry.digit.to_string(),
            digit: entry.digit,
            label_zh,
            label_en,
            category: entry.category.word().to_owned(),
        }
    };
    set.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window() -> impl Strategy<Value = Window> {
        (0u16..1_440, 1u16..=1_440)
            .prop_filter("a window ends after it begins", |(from, to)| from < to)
            .prop_map(|(from_minute, to_minute)| Window { from_minute, to_minute })
    }

    proptest! {
        #[test]
        fn hours_come_back_as_they_went(
            weekly in prop::array::uniform7(prop::collection::btree_set(window(), 0..3)),
            holidays in prop::collection::btree_set("2026-1[0-2]-[012][1-8]", 0..4),
        ) {
            let hours = Hours {
                zone: "Asia/Shanghai".into(),
                weekly: weekly.map(|day| day.into_iter().collect()),
                special: holidays.into_iter().map(|date| (date, Vec::new())).collect(),
            };
            prop_assert_eq!(HoursForm::of(&hours).read().unwrap(), hours);
        }
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        for wrong in ["", "9", "24:01", "12:60", "x:00", "99999:00"] {
            assert!(minute(wrong).is_err(), "{wrong}");
        }
        assert_eq!(minute("24:00").unwrap(), 1_440);
    }

    #[test]
    fn a_form_changes_what_it_names_and_nothing_else() {
        let set = DispositionSet::built_in(Language::Zh);
        let mut settings = Settings::new("Autumn", set);
        let before = settings.clone();
        let form = CampaignForm { ring_timeout_ms: Some(20_000), ..CampaignForm::default() };
        form.fill(&mut settings, &Plan::default(), Language::Zh).unwrap();
        assert_eq!(settings, Settings { ring_ms: 20_000, ..before });
        let form = CampaignForm { ring_timeout_ms: Some(1), ..CampaignForm::default() };
        let refused = form.fill(&mut settings, &Plan::default(), Language::Zh);
        assert!(matches!(refused, Err(Problem::Settings(_))));
    }

    #[test]
    fn the_built_in_dispositions_are_shown_in_both_languages_and_read_again() {
        let set = DispositionSet::built_in(Language::En);
        let shown = dispositions(&set);
        assert_eq!((shown[0].label_zh.as_str(), shown[0].label_en.as_str()), ("成交", "Sale"));
        assert_eq!(read_dispositions(shown, Language::En).unwrap(), set);
    }
}
