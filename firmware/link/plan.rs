//! What switchd does by itself when somebody answers.
//!
//! ```text
//! centerd: Offer{o7, seat}  Offer{o8, seat'}  Originate{leg, plan: seats [o7, o8]}
//! switchd: .. INVITE .. 180 .. 200 OK ──┐ the same turn
//!                                       ├─ first offer of the plan that stands is consumed
//!                                       ├─ customer and seat hear each other; the seat hears a beep
//!                                       ├─ recording starts; release links are laid
//!                                       └─ OfferEnded{o7, Consumed}, Leg{joined}
//!          none stands ── deadline_ms ──── plays no_seat.prompt, hangs up: Cause::Abandoned
//! ```
//!
//! Two calls may name the same offer; the first to be answered has it. An offer is consumed by
//! switchd alone. centerd may take it back only by [`crate::Command::Withdraw`], and it *is* back
//! only when the answering [`crate::OfferEnd`] says so. A seat that hangs up ends its offers.

use call::{Cause, LegId, OfferId, RecordingId};
use serde::{Deserialize, Serialize};

/// What to do when the person answers. It works with centerd stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerPlan {
    /// The offered seats in the order to try. At most [`crate::limits::PLAN_SEATS_MAX`].
    pub seats: Vec<OfferId>,
    /// From the answer until a seat must be found, ms; a seat that [`crate::Command::Extend`] adds
    /// in time is joined at once.
    pub deadline_ms: u32,
    /// What happens when no seat is found by then.
    pub no_seat: NoSeat,
    /// Record the joined call under this id: customer left, agent right.
    pub record: Option<RecordingId>,
    /// The seat hears a short beep as the call is joined.
    pub beep: bool,
    /// Longest talk, ms; then the call is hung up. 0: no bound.
    pub talk_max_ms: u32,
}

/// What to do when a phone that rings for a caller is picked up. It works with centerd stopped.
///
/// ```text
/// caller hangs up while it rings ──── the phone stops ringing
/// phone answers ───────────────────── caller is answered, both hear each other, in one turn
/// phone refuses, or nobody answers ── the caller waits for centerd, or for the fallback
/// either hangs up while they talk ─── the other is hung up too
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connect {
    /// A leg that came in and is not answered. It is the customer of the join.
    pub caller: LegId,
    /// Record the joined call under this id: caller left, phone right.
    pub record: Option<RecordingId>,
}

/// What a person hears who answered and for whom nobody is free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoSeat {
    /// Played once; silence when `None`.
    pub prompt: Option<Prompt>,
    /// Then the leg ends with this.
    pub cause: Cause,
}

/// A prompt: a sound file of the box, in a language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Prompt {
    /// `zh` or `en`; empty for sound without words (music, beep).
    pub language: String,
    /// The file's name without folder and ending.
    pub name: String,
}

impl Prompt {
    /// The prompt `name` in `language`.
    #[must_use]
    pub fn new(language: &str, name: &str) -> Prompt {
        Prompt { language: language.to_owned(), name: name.to_owned() }
    }
}
