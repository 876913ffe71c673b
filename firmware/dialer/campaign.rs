//! A campaign: its settings, its state, and the decision to dial or the reason why not.
//!
//! [`Campaign::decide`] is a pure function of what is so now. It never answers "no" without the
//! rule that says no and what clears it ([`Why`], [`Clears`]), so that "why is it not dialling?"
//! has one answer, the same on the screen and in the code. The rules are asked in a fixed order,
//! the one that a person has to mend first coming first.

use std::collections::BTreeSet;

use call::{AgentId, CampaignId, Number, Stamp, TenantId, TrunkId};
use serde::{Deserialize, Deserializer, Serialize};

use crate::agent;
use crate::caller;
use crate::hours::{Calendar, Hours, HoursRefused};
use crate::lead::{Retry, RetryRules};
use crate::limits;
use crate::outcome::{DispositionSet, Outcome};
use crate::route::Rule;

words! {
    /// How a campaign dials.
    #[derive(Default)]
    pub enum Mode {
        /// One free agent triggers one call.
        #[default]
        Precise = "precise",
    }
}

words! {
    /// Where a campaign is in its life.
    #[derive(Default)]
    pub enum State {
        /// Being set up; nothing is dialled.
        #[default]
        Draft = "draft",
        /// Dialling, as far as the rules allow.
        Running = "running",
        /// Stopped by a person; calls in flight go on.
        Paused = "paused",
        /// Every lead is finished, or a person closed it.
        Finished = "finished",
    }
}

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

/// A person's order to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Dial.
    Start,
    /// Dial no more; calls in flight go on.
    Pause,
    /// It is done.
    Finish,
}

/// Why an order was not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// A setting is wrong.
    #[error("{} settings are wrong", .0.len())]
    Settings(Vec<SettingRefused>),
    /// No trunk is chosen.
    #[error("no trunk is chosen: choose one in the campaign's settings")]
    NoTrunk,
    /// No agent is assigned.
    #[error("no agent is assigned: assign one in the campaign's settings")]
    NoAgent,
    /// The campaign is in a state in which the order has no sense.
    #[error("the campaign is {}", .0.word())]
    State(State),
}

/// A campaign as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its settings.
    pub settings: Settings,
    /// Where it is in its life.
    pub state: State,
    /// When it came into this state.
    pub since: Stamp,
}

impl Campaign {
    /// Follows an order. A finished campaign may be started again, for example after an upload.
    ///
    /// # Errors
    /// Says what is missing, or that the order has no sense now.
    pub fn handle_order(&mut self, now: Stamp, order: Order) -> Result<(), OrderRefused> {
        let to = match (self.state, order) {
            (State::Draft | State::Paused | State::Finished, Order::Start) => {
                self.settings.check().map_err(OrderRefused::Settings)?;
                if self.settings.trunks.is_empty() {
                    return Err(OrderRefused::NoTrunk);
                }
                if self.settings.agents.is_empty() {
                    return Err(OrderRefused::NoAgent);
                }
                State::Running
            }
            (State::Running, Order::Start) | (State::Paused, Order::Pause) => return Ok(()),
            (State::Running, Order::Pause) => State::Paused,
            (State::Draft | State::Finished, Order::Pause) => {
                return Err(OrderRefused::State(self.state));
            }
            (State::Draft | State::Running | State::Paused, Order::Finish) => State::Finished,
            (State::Finished, Order::Finish) => return Ok(()),
        };
        self.state = to;
        self.since = now;
        Ok(())
    }

    /// Whether to dial now, and how many; or which rule says no.
    #[must_use]
    pub fn decide(&self, now: Stamp, calendar: &Calendar, view: &View) -> Decision {
        match self.asked(now, calendar, view) {
            Ok(calls) => Decision::Dial { calls },
            Err(why) => Decision::Wait(why),
        }
    }

    fn asked(&self, now: Stamp, calendar: &Calendar, view: &View) -> Result<u32, Why> {
        if !clock_is_sane(now) {
            return Err(Why::ClockNotSane);
        }
        if self.state != State::Running {
            return Err(Why::NotRunning { state: self.state });
        }
        if !calendar.is_open(now) {
            return Err(Why::OutsideHours { opens: calendar.next_open(now) });
        }
        let leads = view.leads.due_now(now)?;
        let seats = view.seats.free()?;
        let lines = view.lines.free()?;
        let assigned = u32::try_from(self.settings.agents.len()).unwrap_or(u32::MAX);
        let max = self.settings.calls_max.unwrap_or(assigned).min(limits::CALLS_MAX);
        let room = max.saturating_sub(view.calls_in_flight);
        if room == 0 {
            return Err(Why::CallsMax { max });
        }
        match self.settings.mode {
            Mode::Precise => Ok(leads.min(seats).min(lines).min(room)),
        }
    }
}

/// Whether the wall clock can be believed: nothing is dialled before it is known to be sane.
#[must_use]
pub const fn clock_is_sane(now: Stamp) -> bool {
    now.0 >= limits::SANE_AFTER_MS && now.0 < limits::SANE_BEFORE_MS
}

/// What is so now, as far as the decision depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The seats of the campaign's agents.
    pub seats: Seats,
    /// The lines of the campaign's trunks.
    pub lines: Lines,
    /// The campaign's leads.
    pub leads: Leads,
    /// Attempts that are claimed and not over, talks included.
    pub calls_in_flight: u32,
}

/// The campaign's agents, counted by what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seats {
    /// Free for a call.
    pub ready: u32,
    /// Promised to an attempt, or their phone is ringing.
    pub waiting: u32,
    /// In a talk, hold included.
    pub talking: u32,
    /// In wrap-up.
    pub wrap_up: u32,
    /// Paused.
    pub paused: u32,
    /// Not at work.
    pub signed_out: u32,
}

impl Seats {
    /// The agents in these states, counted.
    #[must_use]
    pub fn count(states: impl IntoIterator<Item = agent::State>) -> Seats {
        let mut seats = Seats::default();
        for state in states {
            let slot = match state {
                agent::State::Ready => &mut seats.ready,
                agent::State::Reserved { .. } | agent::State::Ringing { .. } => &mut seats.waiting,
                agent::State::Talking { .. } | agent::State::Holding { .. } => &mut seats.talking,
                agent::State::WrapUp { .. } => &mut seats.wrap_up,
                agent::State::Paused { .. } => &mut seats.paused,
                agent::State::SignedOut => &mut seats.signed_out,
            };
            *slot = slot.saturating_add(1);
        }
        seats
    }

    fn free(self) -> Result<u32, Why> {
        let busy = self.waiting.saturating_add(self.talking).saturating_add(self.wrap_up);
        match (self.ready, busy, self.paused) {
            (0, 0, 0) => Err(Why::NobodySignedIn { assigned: self.signed_out }),
            (0, 0, paused) => Err(Why::AllPaused { paused }),
            (0, busy, _) => Err(Why::AllBusy { busy }),
            (ready, _, _) => Ok(ready),
        }
    }
}

/// The lines of the campaign's trunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Trunks that can be used now.
    pub trunks_up: u32,
    /// Trunks in all.
    pub trunks: u32,
    /// Channels of usable trunks that are free.
    pub free: u32,
}

impl Lines {
    fn free(self) -> Result<u32, Why> {
        match (self.trunks_up, self.free) {
            (0, _) => Err(Why::TrunksDown { trunks: self.trunks }),
            (_, 0) => Err(Why::NoLineFree),
            (_, free) => Ok(free),
        }
    }
}

/// The campaign's leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leads {
    /// Due now and not claimed, as far as is known (a lower bound).
    pub due: u32,
    /// When the next one is due that is not yet.
    pub next_due: Option<Stamp>,
    /// Not finished, those in flight included.
    pub unfinished: u64,
}

impl Leads {
    fn due_now(self, now: Stamp) -> Result<u32, Why> {
        match (self.due, self.unfinished, self.next_due) {
            (0, 0, _) => Err(Why::ListDone),
            (0, _, Some(at)) if at > now => Err(Why::NoneDue { next: at }),
            (0, _, Some(_)) => Err(Why::Fetching),
            (0, _, None) => Err(Why::AllInFlight),
            (due, _, _) => Ok(due),
        }
    }
}

/// To dial or not to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Place so many calls now, one for each of so many ready agents: at least 1.
    Dial {
        /// How many.
        calls: u32,
    },
    /// Place none.
    Wait(Why),
}

/// The rule by which a campaign is not dialling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum Why {
    /// The box's clock shows a time that cannot be.
    #[error("the clock of the box is not set: connect it to a time server or set it by hand")]
    ClockNotSane,
    /// Nobody has started it, or somebody has stopped it.
    #[error("the campaign is {}", .state.word())]
    NotRunning {
        /// What it is instead.
        state: State,
    },
    /// It is outside the calling hours.
    #[error("outside the calling hours")]
    OutsideHours {
        /// When they begin; `None`: never within a year.
        opens: Option<Stamp>,
    },
    /// Every lead is finished.
    #[error("every lead of the list is finished")]
    ListDone,
    /// No lead is due.
    #[error("no lead is due yet")]
    NoneDue {
        /// When the next one is.
        next: Stamp,
    },
    /// Due leads are being fetched from the database.
    #[error("due leads are being fetched")]
    Fetching,
    /// Every lead that is left is being called.
    #[error("every lead that is left is being called")]
    AllInFlight,
    /// No agent of the campaign is signed in.
    #[error("none of its {assigned} agents is signed in")]
    NobodySignedIn {
        /// Its agents.
        assigned: u32,
    },
    /// Every agent who is signed in is paused.
    #[error("all {paused} agents who are signed in are paused")]
    AllPaused {
        /// How many.
        paused: u32,
    },
    /// Every agent is on a call or in wrap-up.
    #[error("all {busy} agents at work are on a call or in wrap-up")]
    AllBusy {
        /// How many.
        busy: u32,
    },
    /// No trunk of the campaign can be used.
    #[error("none of its {trunks} trunks is up")]
    TrunksDown {
        /// Its trunks.
        trunks: u32,
    },
    /// Every line is in use.
    #[error("no line is free")]
    NoLineFree,
    /// As many calls as allowed are in flight.
    #[error("{max} calls are in flight, the most that is allowed")]
    CallsMax {
        /// The ceiling.
        max: u32,
    },
}

/// What clears a [`Why`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clears {
    /// Time alone, at this instant.
    At(Stamp),
    /// A moment: the box is at it.
    Soon,
    /// The end of a call or of a wrap-up.
    CallEnds,
    /// An agent who signs in or becomes ready.
    AgentReady,
    /// A trunk that comes up.
    TrunkUp,
    /// A person: start it, upload leads, change its hours, set the clock.
    Person,
}

impl Why {
    /// What clears it.
    #[must_use]
    pub const fn clears(&self) -> Clears {
        match *self {
            Why::OutsideHours { opens: Some(at) } | Why::NoneDue { next: at } => Clears::At(at),
            Why::Fetching => Clears::Soon,
            Why::AllInFlight | Why::AllBusy { .. } | Why::NoLineFree | Why::CallsMax { .. } => {
                Clears::CallEnds
            }
            Why::NobodySignedIn { .. } | Why::AllPaused { .. } => Clears::AgentReady,
            Why::TrunksDown { .. } => Clears::TrunkUp,
            Why::ClockNotSane
            | Why::NotRunning { .. }
            | Why::OutsideHours { opens: None }
            | Why::ListDone => Clears::Person,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Language;
    use proptest::prelude::*;

    /// 2026-11-20 15:00 in China, inside the default hours.
    const OPEN: Stamp = Stamp(1_795_158_000_000);

    fn campaign() -> Campaign {
        let mut settings = Settings::new("Autumn", DispositionSet::built_in(Language::En));
        settings.trunks = vec![TrunkId(1)];
        settings.agents = (1..=3).map(AgentId).collect();
        let state = State::Running;
        Campaign { id: CampaignId(1), tenant: TenantId(1), settings, state, since: Stamp(0) }
    }

    fn view() -> View {
        View {
            seats: Seats { ready: 2, talking: 1, ..Seats::default() },
            lines: Lines { trunks_up: 1, trunks: 1, free: 10 },
            leads: Leads { due: 50, next_due: None, unfinished: 60 },
            calls_in_flight: 1,
        }
    }

    fn decide(campaign: &Campaign, now: Stamp, view: &View) -> Decision {
        campaign.decide(now, &campaign.settings.check().unwrap(), view)
    }

    #[test]
    fn one_free_agent_triggers_one_call() {
        assert_eq!(decide(&campaign(), OPEN, &view()), Decision::Dial { calls: 2 });
    }

    #[test]
    fn every_rule_that_says_no_is_named_with_what_clears_it() {
        let says = |campaign: &Campaign, now, view: &View| match decide(campaign, now, view) {
            Decision::Wait(why) => (why, why.clears()),
            Decision::Dial { .. } => panic!("it dials"),
        };
        let running = campaign();
        let paused = Campaign { state: State::Paused, ..campaign() };
        let night = OPEN.after_ms(6 * 3_600_000);
        let opens = OPEN.after_ms(18 * 3_600_000);
        assert_eq!(says(&running, Stamp(0), &view()), (Why::ClockNotSane, Clears::Person));
        assert_eq!(says(&paused, OPEN, &view()).0, Why::NotRunning { state: State::Paused });
        assert_eq!(
            says(&running, night, &view()),
            (Why::OutsideHours { opens: Some(opens) }, Clears::At(opens))
        );
        let mut empty = view();
        empty.leads = Leads::default();
        assert_eq!(says(&running, OPEN, &empty).0, Why::ListDone);
        empty.leads = Leads { due: 0, next_due: Some(opens), unfinished: 3 };
        assert_eq!(says(&running, OPEN, &empty).1, Clears::At(opens));
        empty.leads.next_due = None;
        assert_eq!(says(&running, OPEN, &empty), (Why::AllInFlight, Clears::CallEnds));
        let mut nobody = view();
        nobody.seats = Seats { signed_out: 3, ..Seats::default() };
        assert_eq!(says(&running, OPEN, &nobody).0, Why::NobodySignedIn { assigned: 3 });
        nobody.seats = Seats { paused: 2, signed_out: 1, ..Seats::default() };
        assert_eq!(says(&running, OPEN, &nobody).1, Clears::AgentReady);
        nobody.seats = Seats { wrap_up: 1, talking: 1, paused: 1, ..Seats::default() };
        assert_eq!(says(&running, OPEN, &nobody).0, Why::AllBusy { busy: 2 });
        let mut lines = view();
        lines.lines.free = 0;
        assert_eq!(says(&running, OPEN, &lines).0, Why::NoLineFree);
        lines.lines = Lines { trunks_up: 0, trunks: 2, free: 0 };
        assert_eq!(says(&running, OPEN, &lines), (Why::TrunksDown { trunks: 2 }, Clears::TrunkUp));
        let full = View { calls_in_flight: 3, ..view() };
        assert_eq!(says(&running, OPEN, &full).0, Why::CallsMax { max: 3 });
    }

    #[test]
    fn settings_with_one_number_or_none_are_read_as_they_were_written_before() {
        let settings = campaign().settings;
        let mut kept = serde_json::to_value(&settings).unwrap();
        let fields = kept.as_object_mut().unwrap();
        fields.remove("callers");
        fields.remove("caller_rule");
        for (caller, callers) in [
            (serde_json::Value::Null, vec![]),
            ("+861062000000".into(), vec!["+861062000000".parse().unwrap()]),
        ] {
            kept["caller"] = caller;
            let read: Settings = serde_json::from_value(kept.clone()).unwrap();
            assert_eq!(read, Settings { callers, ..settings.clone() });
        }
    }

    #[test]
    fn every_wrong_setting_is_named_at_once() {
        let mut settings = campaign().settings;
        settings.name = " ".to_owned();
        settings.ring_ms = 5_000;
        settings.retry.attempts_max = 0;
        settings.retry.by_outcome.insert(Outcome::Busy, Retry::AfterMs(1));
        settings.hours.zone = "Mars".to_owned();
        settings.trunks.push(TrunkId(1));
        settings.agents.push(AgentId(3));
        settings.wrap_up_ms = u64::MAX;
        settings.calls_max = Some(0);
        settings.callers = vec!["95588".parse().unwrap()];
        let fields: Vec<_> =
            settings.check().unwrap_err().iter().map(SettingRefused::field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "ring_ms",
                "retry.attempts_max",
                "retry.by_outcome",
                "trunks",
                "agents",
                "callers",
                "wrap_up_ms",
                "calls_max",
                "hours"
            ]
        );
    }

    #[test]
    fn a_campaign_without_trunk_or_agent_cannot_be_started() {
        let mut campaign = Campaign { state: State::Draft, ..campaign() };
        campaign.settings.agents.clear();
        assert_eq!(campaign.handle_order(OPEN, Order::Start), Err(OrderRefused::NoAgent));
        campaign.settings.trunks.clear();
        assert_eq!(campaign.handle_order(OPEN, Order::Start), Err(OrderRefused::NoTrunk));
        assert_eq!(
            campaign.handle_order(OPEN, Order::Pause),
            Err(OrderRefused::State(State::Draft))
        );
        assert_eq!(campaign.state, State::Draft);
    }

    #[test]
    fn settings_survive_being_written_down() {
        let campaign = campaign();
        let json = serde_json::to_string(&campaign).unwrap();
        assert_eq!(serde_json::from_str::<Campaign>(&json).unwrap(), campaign);
    }

    fn any_view() -> impl Strategy<Value = View> {
        let seats = (0u32..4, 0u32..4, 0u32..4, 0u32..4, 0u32..4, 0u32..4);
        let leads = (0u32..3, prop::option::of(-5i64..5), 0u64..3);
        (seats, 0u32..3, 0u32..5, leads, 0u32..5).prop_map(|(s, up, free, leads, in_flight)| {
            let (ready, waiting, talking, wrap_up, paused, signed_out) = s;
            View {
                seats: Seats { ready, waiting, talking, wrap_up, paused, signed_out },
                lines: Lines { trunks_up: up, trunks: 2, free },
                leads: Leads {
                    due: leads.0,
                    next_due: leads.1.map(|ms| OPEN.after_ms(ms)),
                    unfinished: leads.2 + u64::from(leads.0),
                },
                calls_in_flight: in_flight,
            }
        })
    }

    proptest! {
        #[test]
        fn it_dials_only_what_an_agent_a_line_and_a_lead_are_there_for(
            view in any_view(),
            minute in 0i64..3 * 24 * 60,
            state in prop::sample::select(State::ALL),
        ) {
            let campaign = Campaign { state, ..campaign() };
            let now = OPEN.after_ms(minute * 60_000);
            let calendar = campaign.settings.check().unwrap();
            match campaign.decide(now, &calendar, &view) {
                Decision::Dial { calls } => {
                    prop_assert!(calls >= 1 && calls <= view.seats.ready);
                    prop_assert!(calls <= view.lines.free && calls <= view.leads.due);
                    prop_assert!(calls + view.calls_in_flight <= 3);
                    prop_assert!(calendar.is_open(now), "dialled outside the hours");
                    prop_assert_eq!(state, State::Running);
                }
                Decision::Wait(why) => {
                    if let Clears::At(at) = why.clears() {
                        prop_assert!(at > now, "clears in the past: {:?}", why);
                    }
                    prop_assert!(!why.to_string().is_empty());
                }
            }
        }
    }
}
