//! What switchd tells.

use call::{AccountId, LegId, OfferId, SpanId, Stamp, TrunkId};
use serde::{Deserialize, Serialize};

use crate::{Channel, LegRecord, LoopResult, RecordingRecord, SpanRecord, TraceLine};

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Event {
    /// A leg changed; the whole record. Its end is kept in the journal until acknowledged.
    Leg(Box<LegRecord>),
    /// A leg came in from a phone or a trunk and waits for [`crate::Command::Ring`],
    /// [`crate::Command::Answer`] or [`crate::Command::HangUp`] within the fallback's time.
    Incoming(Box<LegRecord>),
    /// A key was pressed (outside a collection).
    Digit {
        /// Who pressed.
        leg: LegId,
        /// `0-9 * # A-D`.
        digit: char,
    },
    /// A collection ended.
    Collected {
        /// Who pressed.
        leg: LegId,
        /// The name it was given.
        collect: u32,
        /// What was pressed, without the ending digit.
        digits: String,
        /// How it ended.
        how: Collected,
    },
    /// A play ended.
    Played {
        /// Who heard it.
        leg: LegId,
        /// The name it was given.
        play: u32,
        /// How it ended.
        how: PlayEnd,
    },
    /// An offer is over.
    OfferEnded {
        /// Which.
        offer: OfferId,
        /// How.
        how: OfferEnd,
    },
    /// A recording changed; the whole record.
    Recording(Box<RecordingRecord>),
    /// The contacts of an account changed; all of them. Empty: the phone is gone.
    Registration {
        /// Whose.
        account: AccountId,
        /// Where it can be reached.
        contacts: Vec<Contact>,
    },
    /// A trunk's state changed.
    Trunk {
        /// Which.
        trunk: TrunkId,
        /// How it is.
        state: TrunkState,
        /// The status line or the reason, for a person to read.
        text: String,
    },
    /// A span changed: alarms, data link, channels; or five seconds have passed and it has counted.
    Span(Box<SpanRecord>),
    /// The answer to [`crate::Command::TraceSpan`]: the latest lines, oldest first.
    Trace {
        /// Which span.
        span: SpanId,
        /// At most [`crate::limits::TRACE_LINES_MAX`].
        lines: Vec<TraceLine>,
    },
    /// The answer to [`crate::Command::TestLoop`].
    LoopTested {
        /// Which channel.
        channel: Channel,
        /// What was found.
        result: LoopResult,
    },
    /// Something a person must know of began or ended.
    Alarm {
        /// Which.
        alarm: Alarm,
        /// Began, or ended.
        raised: bool,
        /// What it is and what to do.
        text: String,
    },
    /// The state of the switch, every five seconds.
    Health(Health),
}

/// How a collection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collected {
    /// The ending digit was pressed.
    Ended,
    /// As many digits as asked for.
    Full,
    /// Time ran out.
    TimedOut,
}

/// How a play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlayEnd {
    /// To its end.
    Complete,
    /// A digit or another order stopped it.
    Stopped,
}

/// How an offer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum OfferEnd {
    /// A call was answered and joined with the seat.
    Consumed {
        /// The customer's leg.
        by: LegId,
    },
    /// centerd took it back.
    Withdrawn,
    /// The seat's leg ended, or switchd has never heard of it.
    Gone,
}

/// Where a phone can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The address that packets came from.
    pub address: String,
    /// What the phone says it is.
    pub agent: String,
    /// Until when.
    pub expires: Stamp,
}

/// How a trunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkState {
    /// Not known yet.
    Trying,
    /// It takes calls.
    Up,
    /// It does not answer, or refuses our registration.
    Down,
}

/// What a person must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// Recordings stopped: the disk is full or fails.
    RecordingDisk,
    /// The sound thread was late by more than a tick.
    SoundOverrun,
    /// The journal could not be written.
    Journal,
    /// Somebody guesses passwords; locked out.
    Guessing,
    /// More requests than the box takes; some were dropped.
    Flood,
    /// A trunk is down.
    TrunkDown,
    /// A span has an alarm of layer 1, or its D-channel is down.
    SpanDown,
}

/// The state of the switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Ticks of the sound thread so far.
    pub sound_ticks: u64,
    /// Ticks that began more than one tick late.
    pub sound_overruns: u64,
    /// Lateness of the ticks, microseconds: median, 99th percentile and worst of a second, each
    /// the worst of the seconds since the last report.
    pub late_us: [u32; 3],
    /// Legs that live now.
    pub legs: u32,
    /// Recordings that run now.
    pub recordings: u32,
    /// Events waiting for centerd.
    pub events_queued: u32,
    /// Requests dropped by admission control since the start.
    pub sip_dropped: u64,
    /// Malformed messages since the start.
    pub sip_malformed: u64,
    /// Packets of sound that came too late or not at all, since the start.
    pub sound_lost: u64,
}
