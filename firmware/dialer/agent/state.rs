//! The states of an agent, and the policy by which they end.

use call::{AttemptId, OfferId};
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
    /// switchd did not confirm a withdrawal for too long.
    NotConfirmed,
    /// centerd has restarted and has not yet seen the phone.
    Restarted,
}

impl Pause {
    /// The word under which this reason is stored and shown; the code of `Asked` goes beside it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Pause::SignedIn => "signed_in",
            Pause::Asked(_) => "asked",
            Pause::Ordered => "ordered",
            Pause::PhoneGone => "phone_gone",
            Pause::HungUp => "hung_up",
            Pause::NoAnswer => "no_answer",
            Pause::Missed => "missed",
            Pause::WrapUpExpired => "wrap_up_expired",
            Pause::NotConfirmed => "not_confirmed",
            Pause::Restarted => "restarted",
        }
    }
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
        /// For which promise and attempt; `None`: to be nailed up.
        #[serde(rename = "for")]
        purpose: Option<(OfferId, AttemptId)>,
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

    /// The attempt that this agent is working on.
    #[must_use]
    pub const fn attempt(&self) -> Option<AttemptId> {
        match *self {
            State::Reserved { attempt, .. }
            | State::Ringing { purpose: Some((_, attempt)) }
            | State::Talking { attempt }
            | State::Holding { attempt }
            | State::WrapUp { attempt } => Some(attempt),
            State::SignedOut
            | State::Ready
            | State::Ringing { purpose: None }
            | State::Paused { .. } => None,
        }
    }
}

/// What holds once the present work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Ready for the next call.
    Ready,
    /// Paused.
    Pause(Pause),
    /// Signed out.
    SignOut,
}

/// How this agent is treated. Taken from the campaign and the seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How the phone is reached.
    pub reach: Reach,
    /// How long the phone rings before it is a miss, in milliseconds.
    pub seat_ring_ms: u64,
    /// How long the seat stays promised to one attempt, in milliseconds.
    pub reserved_max_ms: u64,
    /// The time for wrap-up in milliseconds; 0: none.
    pub wrap_up_ms: u64,
    /// Whether an agent whose wrap-up runs out is paused instead of made ready.
    pub pause_after_wrap_up: bool,
    /// Misses in a row after which the agent is paused.
    pub misses_max: u8,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            reach: Reach::NailedUp,
            seat_ring_ms: limits::SEAT_RING_MS,
            reserved_max_ms: limits::RESERVED_MAX_MS,
            wrap_up_ms: limits::WRAP_UP_MS,
            pause_after_wrap_up: false,
            misses_max: limits::MISSES_MAX,
        }
    }
}
