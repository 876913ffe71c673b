//! What a campaign sees of the box when it decides, and what it decided: how many to dial, or the
//! rule that says no and what clears it.

use call::Stamp;
use serde::{Deserialize, Serialize};

use super::State;
use crate::agent;

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

    pub(super) fn free(self) -> Result<u32, Why> {
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
    pub(super) fn free(self) -> Result<u32, Why> {
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
    pub(super) fn due_now(self, now: Stamp) -> Result<u32, Why> {
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
