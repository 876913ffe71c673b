//! What centerd can ask for.

use call::{AccountId, Cause, LegId, LegTag, OfferId, RecordingId, SpanId, TrunkId};
use serde::{Deserialize, Serialize};

use crate::{AnswerPlan, Channel, Connect, DesiredState, Prompt};

/// One order. Orders about a leg that is gone are refused with [`Refusal::NoSuchLeg`] and change
/// nothing; repeating an order is harmless.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Replace the desired state if its version is newer than the one held.
    Desired(Box<DesiredState>),
    /// Call somebody. The leg's changes follow as [`crate::Event::Leg`].
    Originate {
        /// Named by centerd ([`LegId::new`] with its epoch).
        leg: LegId,
        /// Given back in every record of the leg.
        tag: LegTag,
        /// Whom, over which line.
        to: Destination,
        /// From the first ringing (or 10 s after dialling, whichever is first) until we give up, ms.
        ring_timeout_ms: u32,
        /// What happens when they answer.
        on_answer: OnAnswer,
    },
    /// Let an incoming leg ring (180).
    Ring {
        /// The incoming leg.
        leg: LegId,
    },
    /// Answer an incoming leg.
    Answer {
        /// The incoming leg.
        leg: LegId,
    },
    /// Put centerd's mark on a leg that came in, so that it is found again after a restart.
    Mark {
        /// Which leg.
        leg: LegId,
        /// Given back in every later record of the leg.
        tag: LegTag,
    },
    /// End a leg in the way its phase demands (reject, CANCEL, BYE).
    HangUp {
        /// Which.
        leg: LegId,
        /// Told to the far end and kept in the record.
        cause: Cause,
    },
    /// Put a seat at the disposal of the answer plans that name `offer`.
    Offer {
        /// Named by centerd, never used twice.
        offer: OfferId,
        /// An answered leg of a seat.
        seat: LegId,
    },
    /// Take an offer back. Answered by [`crate::Event::OfferEnded`] in any case; until then it stands.
    Withdraw {
        /// Which.
        offer: OfferId,
    },
    /// Add seats to the plan of a leg that still rings or waits.
    Extend {
        /// A leg with a plan.
        leg: LegId,
        /// More offers, tried after those it has.
        seats: Vec<OfferId>,
    },
    /// Let two answered legs hear each other, with release links as a joined call has them: when
    /// `customer` ends nothing else ends; when `seat` ends, `customer` is hung up.
    Join {
        /// The leg that is released with the call.
        customer: LegId,
        /// The leg that stays.
        seat: LegId,
        /// Record it: customer left, seat right.
        record: Option<RecordingId>,
    },
    /// End a join: neither hears the other; links between them are gone; both legs live on.
    Part {
        /// One leg of the join.
        leg: LegId,
    },
    /// The customer hears music and the seat hears nothing, or back to talk.
    Hold {
        /// The customer's leg of a join.
        leg: LegId,
        /// Hold, or talk again.
        on: bool,
    },
    /// `ear` hears `source` besides what it hears already.
    Hear {
        /// Who hears.
        ear: LegId,
        /// Who is heard.
        source: LegId,
        /// dB, 0 is as it came; -30 to +12.
        gain_db: i8,
    },
    /// `ear` no longer hears `source`.
    Unhear {
        /// Who hears.
        ear: LegId,
        /// Who was heard.
        source: LegId,
    },
    /// Play sounds one after another to a leg; ends what it played before. [`crate::Event::Played`].
    Play {
        /// Who hears.
        leg: LegId,
        /// Named by centerd; comes back in the event.
        play: u32,
        /// At most [`crate::limits::PLAY_PROMPTS_MAX`].
        prompts: Vec<Prompt>,
        /// Begin again at the end, until stopped.
        repeat: bool,
        /// A digit stops it.
        barge_in: bool,
    },
    /// Stop what a leg plays.
    StopPlay {
        /// Which leg.
        leg: LegId,
    },
    /// Gather digits from a leg into one [`crate::Event::Collected`]. Replaces a running collection.
    Collect {
        /// Who presses.
        leg: LegId,
        /// Named by centerd; comes back in the event.
        collect: u32,
        /// Ends at so many digits, at most [`crate::limits::COLLECT_DIGITS_MAX`].
        digits_max: u8,
        /// Until the first digit (counted from the end of a running play), ms.
        first_ms: u32,
        /// Between digits, ms.
        inter_ms: u32,
        /// A digit that ends it and is not part of the result.
        end: Option<char>,
    },
    /// Record two legs: `left` and `right` channel.
    Record {
        /// Named by centerd, never used twice.
        recording: RecordingId,
        /// The customer.
        left: LegId,
        /// The agent.
        right: LegId,
    },
    /// End a recording; it is sealed.
    StopRecord {
        /// Which.
        recording: RecordingId,
    },
    /// Tell the latest lines of a D-channel's trace. [`crate::Event::Trace`].
    TraceSpan {
        /// Which span.
        span: SpanId,
    },
    /// Send a pattern on an idle channel and listen for it. [`crate::Event::LoopTested`].
    TestLoop {
        /// Which channel.
        channel: Channel,
    },
    /// Send RESTART for one channel or all (Q.931 §5.5); calls on it end.
    RestartSpan {
        /// Which span.
        span: SpanId,
        /// `None`: all of it.
        slot: Option<u8>,
    },
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Destination {
    /// A desk phone, at all contacts it has registered.
    Account {
        /// Whose.
        account: AccountId,
        /// The number or name its display shows.
        caller: String,
        /// Ask the phone to answer by itself.
        auto_answer: bool,
    },
    /// A number over a trunk.
    Trunk {
        /// Which.
        trunk: TrunkId,
        /// As the trunk wants it dialled.
        number: String,
        /// One of the numbers that the trunk owns; the trunk's first when `None`.
        caller_id: Option<String>,
    },
}

/// What happens when a leg that we called is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum OnAnswer {
    /// Only tell. The leg hears silence until an order comes.
    Tell,
    /// Follow the plan.
    Plan(AnswerPlan),
    /// Connect a caller who waits for this leg.
    Connect(Connect),
}

/// Why an order had no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Refusal {
    /// The leg has ended or never was.
    #[error("leg {leg} is not there")]
    NoSuchLeg {
        /// Which.
        leg: LegId,
    },
    /// The leg is not in a phase in which the order makes sense.
    #[error("leg {leg} is {phase}, which does not allow this")]
    WrongPhase {
        /// Which.
        leg: LegId,
        /// Its phase.
        phase: String,
    },
    /// A name that must be new was used before.
    #[error("{name} is in use already")]
    InUse {
        /// The name.
        name: String,
    },
    /// The desired state has no such account, trunk, prompt or caller id.
    #[error("{name} is not known to the switch")]
    Unknown {
        /// What.
        name: String,
    },
    /// The phone is not registered.
    #[error("the phone of {account} is not registered")]
    NotRegistered {
        /// Whose.
        account: AccountId,
    },
    /// A bound was reached.
    #[error("no room: {bound} is the bound")]
    Full {
        /// The bound's name.
        bound: String,
    },
    /// The order breaks a rule of its own type.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which field.
        field: String,
        /// Why.
        reason: String,
    },
}
