//! An agent at a seat: the person's wish (ready, paused) and the phone's facts made one state.

use std::collections::VecDeque;

use call::{AgentId, AttemptId, OfferId, Tick};
use serde::{Deserialize, Serialize};

use crate::limits;

/// How the seat's phone is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The phone stays off hook for the shift, hears a beep and is joined at once.
    #[default]
    NailedUp,
    /// The phone rings for every call; the agent's leg comes first.
    PerCall,
}

/// Why an agent is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// Has just signed in and not yet said "ready".
    SignedIn,
    /// Asked for it; the code is the tenant's (0: none given).
    Asked(u8),
    /// A leader ordered it.
    Ordered,
    /// The phone is not registered.
    PhoneGone,
    /// The nailed-up phone hung up.
    HungUp,
    /// The phone did not answer when it was called to be nailed up.
    NoAnswer,
    /// Missed too many offers in a row.
    Missed,
    /// Wrap-up ran out and the policy says to pause.
    WrapUpExpired,
}

/// The state of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Not at work.
    SignedOut,
    /// Free for a call.
    Ready,
    /// The seat is promised to an attempt.
    Reserved {
        /// By which promise.
        offer: OfferId,
        /// To which attempt.
        attempt: AttemptId,
        /// The promise is being taken back; a join may still win.
        withdrawing: bool,
    },
    /// The phone rings: for an attempt, or to be nailed up.
    Ringing {
        /// For which attempt; `None`: to be nailed up.
        attempt: Option<AttemptId>,
    },
    /// Talks with the customer of this attempt.
    Talking {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The customer of this attempt hears music.
    Holding {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// Finishes the work on this attempt.
    WrapUp {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// Does not take calls.
    Paused {
        /// Why.
        reason: Pause,
    },
}

impl State {
    /// The word under which this state is stored and shown.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            State::SignedOut => "signed_out",
            State::Ready => "ready",
            State::Reserved { .. } => "reserved",
            State::Ringing { .. } => "ringing",
            State::Talking { .. } => "talking",
            State::Holding { .. } => "holding",
            State::WrapUp { .. } => "wrap_up",
            State::Paused { .. } => "paused",
        }
    }
}
