//! What is known of one leg and of one recording: facts that are sent whole, so that hearing them
//! twice, or missing all but the last, leaves the same knowledge.

use call::{AccountId, Cause, LegId, LegPhase, LegTag, OfferId, RecordingId, Side, Stamp, TrunkId};
use serde::{Deserialize, Serialize};

use crate::Channel;

/// Everything that happened to a leg so far. Times only ever fill in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRecord {
    /// Which leg.
    pub leg: LegId,
    /// centerd's mark; 0 on legs that it did not start.
    pub tag: LegTag,
    /// The kind of line and which.
    pub line: Line,
    /// The channel of an E1 span, once it is known.
    #[serde(default)]
    pub channel: Option<Channel>,
    /// Who began.
    pub direction: Direction,
    /// The number or account that was called, as dialled.
    pub called: String,
    /// The number or account shown to the called party.
    pub caller: String,
    /// Of a leg that came in: the name that the caller's network sent; empty: none.
    #[serde(default)]
    pub display: String,
    /// Of a leg that came in: the number that the caller wanted before the call was sent on to us;
    /// empty: none.
    #[serde(default)]
    pub redirected_from: String,
    /// Where in its life it is.
    pub phase: LegPhase,
    /// When the order or the INVITE came in.
    pub created: Stamp,
    /// When the first digit (INVITE, SETUP) went out.
    pub dialled: Option<Stamp>,
    /// When it began to ring.
    pub ringing: Option<Stamp>,
    /// When it was answered.
    pub answered: Option<Stamp>,
    /// When it was first joined with another leg.
    pub joined: Option<Stamp>,
    /// The other leg of the present join, or of the last.
    pub joined_to: Option<LegId>,
    /// The offer that its answer plan consumed.
    pub offer: Option<OfferId>,
    /// Its recording.
    pub recording: Option<RecordingId>,
    /// When it ended.
    pub ended: Option<Stamp>,
    /// Why it ended.
    pub cause: Option<Cause>,
    /// Who ended it.
    pub ended_by: Option<Side>,
    /// Sound came before the answer.
    pub early_media: bool,
    /// The far end has put us on hold.
    pub held: bool,
}

impl LegRecord {
    /// A leg in its first instant.
    #[must_use]
    pub fn new(leg: LegId, tag: LegTag, line: Line, direction: Direction, at: Stamp) -> LegRecord {
        LegRecord {
            leg,
            tag,
            line,
            channel: None,
            direction,
            called: String::new(),
            caller: String::new(),
            display: String::new(),
            redirected_from: String::new(),
            phase: LegPhase::Idle,
            created: at,
            dialled: None,
            ringing: None,
            answered: None,
            joined: None,
            joined_to: None,
            offer: None,
            recording: None,
            ended: None,
            cause: None,
            ended_by: None,
            early_media: false,
            held: false,
        }
    }
}

/// On which line a leg lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A desk phone.
    Account(AccountId),
    /// A trunk to the outside.
    Trunk(TrunkId),
}

/// Who began a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The far end called us.
    In,
    /// We called.
    Out,
}

/// What is known of a recording. The same JSON is the sidecar beside its file, which switchd writes
/// alone, so that no recording is lost with a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRecord {
    /// Which.
    pub recording: RecordingId,
    /// The left channel: the customer's leg.
    pub left: LegId,
    /// The right channel: the agent's leg.
    pub right: LegId,
    /// The left leg's tag.
    pub tag: LegTag,
    /// Below the folder of recordings.
    pub path: String,
    /// When its first sample was heard.
    pub started: Stamp,
    /// Length so far, ms, as far as it is sealed on disk.
    pub length_ms: u64,
    /// Sound that had to be left out because the disk was slow or full, ms.
    pub gap_ms: u64,
    /// Where in its life it is.
    pub state: RecordingState,
}

/// The life of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// The call runs; whole seconds are playable.
    Growing,
    /// Complete, closed by its footer.
    Sealed,
    /// It ended without a footer (power cut, kill): what is there is good to the last whole second.
    Cut,
    /// The disk was full or failed; what is there is good.
    Stopped,
}
