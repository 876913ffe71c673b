//! What an administrator writes of a campaign, and what of it is wrong.

use std::collections::BTreeSet;

use call::{AgentId, Number, TrunkId};
use serde::{Deserialize, Deserializer, Serialize};

use super::Mode;
use crate::caller;
use crate::hours::{Calendar, Hours, HoursRefused};
use crate::lead::{Retry, RetryRules};
use crate::limits;
use crate::outcome::{DispositionSet, Outcome};
use crate::route::Rule;

/// What an administrator writes. Checked by [`Settings::check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What it is called on the screen: 1 to [`limits::LABEL_CHARS_MAX`] characters.
    pub name: String,
    /// How it dials.
    pub mode: Mode,
    /// How long it may ring, in milliseconds, [`limits::RING_MIN_MS`] to [`limits::RING_MAX_MS`].
    pub ring_ms: u64,
    /// How often and after what pause a lead is tried.
    pub retry: RetryRules,
    /// When it may dial.
    pub hours: Hours,
    /// The trunks it may use, in order of preference.
    pub trunks: Vec<TrunkId>,
    /// How one of them is chosen.
    #[serde(default)]
    pub trunk_rule: Rule,
    /// The numbers that are shown, if the trunk takes one: those of them that the trunk owns and that
    /// are granted to the tenant. None: the trunk's own.
    #[serde(default, alias = "caller", deserialize_with = "one_or_many")]
    pub callers: Vec<Number>,
    /// How one of them is chosen.
    #[serde(default)]
    pub caller_rule: caller::Rule,
    /// The agents who take its calls.
    pub agents: Vec<AgentId>,
    /// What an agent can say after a call.
    pub dispositions: DispositionSet,
    /// The time for wrap-up in milliseconds, up to [`limits::WRAP_UP_MAX_MS`]; 0: none.
    pub wrap_up_ms: u64,
    /// Whether talks are recorded.
    pub record: bool,
    /// Calls in flight at most; `None`: as many as its agents.
    pub calls_max: Option<u32>,
}

/// Why a setting was refused. [`SettingRefused::field`] names it as the API does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingRefused {
    /// The name is empty or too long.
    #[error("name has {length} characters: write 1 to {}", limits::LABEL_CHARS_MAX)]
    Name {
        /// Its length.
        length: usize,
    },
    /// The ring time is too short or too long.
    #[error(
        "ring_ms is {ms}: write {} to {} (15 s or four rings are the least a person is left)",
        limits::RING_MIN_MS,
        limits::RING_MAX_MS
    )]
    Ring {
        /// What was written, in milliseconds.
        ms: u64,
    },
    /// No attempt, or too many.
    #[error("retry.attempts_max is {attempts}: write 1 to {}", limits::ATTEMPTS_MAX)]
    Attempts {
        /// What was written.
        attempts: u16,
    },
    /// An interval is too short or too long.
    #[error(
        "the interval {}is {ms} ms: write {} to {}",
        .after.map_or(String::new(), |o| format!("after {} ", o.word())),
        limits::INTERVAL_MIN_MS, limits::INTERVAL_MAX_MS
    )]
    Interval {
        /// After which outcome; `None`: the general one.
        after: Option<Outcome>,
        /// What was written, in milliseconds.
        ms: i64,
    },
    /// The calling hours are wrong.
    #[error("hours: {0}")]
    Hours(#[from] HoursRefused),
    /// Too many trunks.
    #[error("{count} trunks: choose at most {}", limits::CAMPAIGN_TRUNKS_MAX)]
    Trunks {
        /// How many.
        count: usize,
    },
    /// A trunk is named twice.
    #[error("trunk {0} is named twice")]
    TrunkTwice(TrunkId),
    /// The caller id is no full number.
    #[error("caller id {0} is not a full number: write it with + and country code")]
    Caller(Number),
    /// A caller id is named twice.
    #[error("caller id {0} is named twice")]
    CallerTwice(Number),
    /// Too many caller ids.
    #[error("{count} caller ids: choose at most {}", limits::CAMPAIGN_CALLERS_MAX)]
    Callers {
        /// How many.
        count: usize,
    },
    /// Too many agents.
    #[error("{count} agents: assign at most {}", limits::CAMPAIGN_AGENTS_MAX)]
    Agents {
        /// How many.
        count: usize,
    },
    /// An agent is named twice.
    #[error("agent {0} is named twice")]
    AgentTwice(AgentId),
    /// The wrap-up time is too long.
    #[error("wrap_up_ms is {ms}: write 0 to {}", limits::WRAP_UP_MAX_MS)]
    WrapUp {
        /// What was written, in milliseconds.
        ms: u64,
    },
    /// The ceiling of calls is zero or more than the box has.
    #[error("calls_max is {calls}: write 1 to {}, or leave it out", limits::CALLS_MAX)]
    Calls {
        /// What was written.
        calls: u32,
    },
}

impl SettingRefused {
    /// The field, as the API names it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            SettingRefused::Name { .. } => "name",
            SettingRefused::Ring { .. } => "ring_ms",
            SettingRefused::Attempts { .. } => "retry.attempts_max",
            SettingRefused::Interval { after: None, .. } => "retry.interval_ms",
            SettingRefused::Interval { after: Some(_), .. } => "retry.by_outcome",
            SettingRefused::Hours(_) => "hours",
            SettingRefused::Trunks { .. } | SettingRefused::TrunkTwice(_) => "trunks",
            SettingRefused::Caller(_)
            | SettingRefused::CallerTwice(_)
            | SettingRefused::Callers { .. } => "callers",
            SettingRefused::Agents { .. } | SettingRefused::AgentTwice(_) => "agents",
            SettingRefused::WrapUp { .. } => "wrap_up_ms",
            SettingRefused::Calls { .. } => "calls_max",
        }
    }
}

impl Settings {
    /// Settings of a new campaign: it dials nothing before trunks and agents are chosen.
    #[must_use]
    pub fn new(name: &str, dispositions: DispositionSet) -> Settings {
        Settings {
            name: name.to_owned(),
            mode: Mode::Precise,
            ring_ms: 30_000,
            retry: RetryRules::default(),
            hours: Hours::default(),
            trunks: Vec::new(),
            trunk_rule: Rule::default(),
            callers: Vec::new(),
            caller_rule: caller::Rule::default(),
            agents: Vec::new(),
            dispositions,
            wrap_up_ms: limits::WRAP_UP_MS,
            record: true,
            calls_max: None,
        }
    }

    /// The calendar of these settings, if every field is right.
    ///
    /// # Errors
    /// Every field that is wrong, not only the first.
    pub fn check(&self) -> Result<Calendar, Vec<SettingRefused>> {
        let mut wrong = Vec::new();
        let length = self.name.trim().chars().count();
        if !(1..=limits::LABEL_CHARS_MAX).contains(&length) {
            wrong.push(SettingRefused::Name { length });
        }
        if !(limits::RING_MIN_MS..=limits::RING_MAX_MS).contains(&self.ring_ms) {
            wrong.push(SettingRefused::Ring { ms: self.ring_ms });
        }
        self.check_retry(&mut wrong);
        self.check_people_and_lines(&mut wrong);
        if self.wrap_up_ms > limits::WRAP_UP_MAX_MS {
            wrong.push(SettingRefused::WrapUp { ms: self.wrap_up_ms });
        }
        if let Some(calls) = self.calls_max.filter(|calls| !(1..=limits::CALLS_MAX).contains(calls))
        {
            wrong.push(SettingRefused::Calls { calls });
        }
        match Calendar::new(&self.hours) {
            Ok(calendar) if wrong.is_empty() => Ok(calendar),
            Ok(_) => Err(wrong),
            Err(refused) => {
                wrong.push(SettingRefused::Hours(refused));
                Err(wrong)
            }
        }
    }

    fn check_retry(&self, wrong: &mut Vec<SettingRefused>) {
        let attempts = self.retry.attempts_max;
        if !(1..=limits::ATTEMPTS_MAX).contains(&attempts) {
            wrong.push(SettingRefused::Attempts { attempts });
        }
        let by_outcome = self.retry.by_outcome.iter().filter_map(|(outcome, retry)| match retry {
            Retry::AfterMs(ms) => Some((Some(*outcome), *ms)),
            Retry::Never => None,
        });
        for (after, ms) in by_outcome.chain([(None, self.retry.interval_ms)]) {
            if !(limits::INTERVAL_MIN_MS..=limits::INTERVAL_MAX_MS).contains(&ms) {
                wrong.push(SettingRefused::Interval { after, ms });
            }
        }
    }

    fn check_people_and_lines(&self, wrong: &mut Vec<SettingRefused>) {
        if self.trunks.len() > limits::CAMPAIGN_TRUNKS_MAX {
            wrong.push(SettingRefused::Trunks { count: self.trunks.len() });
        }
        let mut seen = BTreeSet::new();
        let twice = self.trunks.iter().find(|trunk| !seen.insert(**trunk));
        wrong.extend(twice.map(|trunk| SettingRefused::TrunkTwice(*trunk)));
        if self.agents.len() > limits::CAMPAIGN_AGENTS_MAX {
            wrong.push(SettingRefused::Agents { count: self.agents.len() });
        }
        let mut seen = BTreeSet::new();
        let twice = self.agents.iter().find(|agent| !seen.insert(**agent));
        wrong.extend(twice.map(|agent| SettingRefused::AgentTwice(*agent)));
        if self.callers.len() > limits::CAMPAIGN_CALLERS_MAX {
            wrong.push(SettingRefused::Callers { count: self.callers.len() });
        }
        let mut seen = BTreeSet::new();
        let twice = self.callers.iter().find(|caller| !seen.insert(*caller));
        wrong.extend(twice.map(|caller| SettingRefused::CallerTwice(caller.clone())));
        let short = self.callers.iter().find(|caller| !caller.is_e164());
        wrong.extend(short.map(|caller| SettingRefused::Caller(caller.clone())));
    }
}

/// Earlier settings had one number or none.
fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Number>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Many(Vec<Number>),
        One(Option<Number>),
    }
    Ok(match Kept::deserialize(from)? {
        Kept::Many(many) => many,
        Kept::One(one) => one.into_iter().collect(),
    })
}
