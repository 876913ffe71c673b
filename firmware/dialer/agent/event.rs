//! Everything that goes into an agent's machine and everything that comes out.

use call::{AgentId, AttemptId, OfferId, Tick};
use serde::{Deserialize, Serialize};

use super::state::{Next, Pause, State};

/// What a person orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The agent comes to work.
    SignIn,
    /// The agent leaves work, after the present call.
    SignOut,
    /// The agent takes calls. In wrap-up: ends it without a disposition.
    Ready,
    /// The agent takes no calls, after the present one.
    Pause(Pause),
}

/// What the seat's phone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneFact {
    /// It is registered.
    Registered,
    /// It is not registered any more.
    Gone,
    /// The seat's leg was answered.
    SeatUp,
    /// The seat's leg is over.
    SeatDown,
}

/// What happens to the call that this agent is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFact {
    /// The dialler wants this seat for an attempt.
    Reserve {
        /// By which promise.
        offer: OfferId,
        /// For which attempt.
        attempt: AttemptId,
    },
    /// switchd has confirmed that the offer was taken back unconsumed.
    Withdrawn {
        /// Which promise.
        offer: OfferId,
    },
    /// switchd has joined the seat with the customer of this attempt.
    Joined {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The customer was put on hold.
    Held {
        /// Of which attempt.
        attempt: AttemptId,
    },
    /// The customer was taken back from hold.
    Unheld {
        /// Of which attempt.
        attempt: AttemptId,
    },
    /// The attempt is over, with or without a talk.
    Over {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The agent has given a disposition.
    Disposed {
        /// For which attempt.
        attempt: AttemptId,
    },
}

/// Every effect of an agent's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Call the seat's phone, with auto-answer where it knows that.
    CallSeat,
    /// End the seat's leg.
    HangUpSeat,
    /// Promise the seat to the attempt's answer plan. The attempt may be dialled now.
    OfferSeat {
        /// By this promise.
        offer: OfferId,
        /// To this attempt.
        attempt: AttemptId,
    },
    /// Take the promise back; answer with [`CallFact::Withdrawn`] when switchd confirms.
    WithdrawSeat {
        /// Which promise.
        offer: OfferId,
    },
    /// The phone was not picked up for this attempt: it has no seat and must not be dialled.
    Missed {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// Let the agent hear that the nailed-up seat is now ready. (The beep before a join is in the
    /// answer plan: it must not wait for this daemon.)
    Beep,
    /// Wrap-up is over.
    WrapUpOver {
        /// Of which attempt.
        attempt: AttemptId,
        /// With a disposition, or without one because the time ran out or the agent moved on.
        disposed: bool,
    },
    /// The state has changed.
    StateChanged {
        /// From this.
        from: State,
        /// To this.
        to: State,
        /// How long the first one lasted, in milliseconds. The sum of all is the time since birth.
        lasted_ms: u64,
    },
}

/// The timers of an agent's machine; at most one runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timer {
    /// The phone has rung long enough.
    SeatRing,
    /// The promise has lasted long enough.
    Reserved,
    /// The withdrawal is not confirmed yet.
    WithdrawAgain,
    /// Wrap-up is over.
    WrapUp,
}

/// Why an input was not taken. The machine is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The agent is not signed in.
    #[error("the agent is not signed in")]
    NotSignedIn,
    /// The agent is already signed in.
    #[error("the agent is already signed in")]
    AlreadySignedIn,
    /// The phone is not registered, so the seat cannot be ready.
    #[error("the phone is not registered: check its cable, its account and its password")]
    PhoneGone,
    /// The seat is not ready.
    #[error("the agent is {}", .0.word())]
    NotReady(State),
    /// The input is about another attempt or promise than the present one.
    #[error("it is about another call than the present one")]
    Stale,
}

/// The whole of a machine, for dumps, the console and the checks of the simulated world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Who.
    pub id: AgentId,
    /// In which state.
    pub state: State,
    /// Since when.
    pub since: Tick,
    /// The phone is registered.
    pub registered: bool,
    /// The seat's leg is up.
    pub seat_up: bool,
    /// What holds after the present work.
    pub next: Next,
    /// Misses in a row.
    pub misses: u8,
    /// The running timer.
    pub timer: Option<(Tick, Timer)>,
}
