//! A leg is one side of one call on any kind of line. All kinds share one life.

use serde::{Deserialize, Serialize};

/// The life of a leg: `Idle → Seized → Dialing → Proceeding → Alerting → Answered → Releasing →
/// Ended`. A leg only moves forward; phases may be skipped. Facts (early media, hold, digits) stand
/// beside the phase, never in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegPhase {
    /// No line is taken yet.
    Idle,
    /// A line is taken; nothing is sent yet.
    Seized,
    /// Digits or the INVITE are on their way out; or an inbound call has arrived.
    Dialing,
    /// The far end's network works on it (SIP 100/183, Q.931 CALL PROCEEDING).
    Proceeding,
    /// The far end rings (SIP 180, Q.931 ALERTING).
    Alerting,
    /// Answered (200 OK, CONNECT, polarity reversal): two parties may talk.
    Answered,
    /// We have asked for the end and wait for its confirmation.
    Releasing,
    /// Over, with a [`crate::Cause`].
    Ended,
}

/// Who acted on a leg: named in "who hung up".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The party at the far end of this leg.
    Far,
    /// The party at the other leg of the joined call (by a release link).
    Peer,
    /// The box itself: a deadline, a rule, an order of centerd.
    Box,
}

/// A mark that centerd puts on a leg and switchd gives back in every event and snapshot without
/// reading it, so that centerd finds its own attempt or seat again after a restart.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LegTag(pub u64);
