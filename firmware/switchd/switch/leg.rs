//! One leg as the switch knows it: its record, and what it is in the middle of.

use call::{Cause, LegId, Side};
use link::{AnswerPlan, Connect, LegRecord};
use media::{PortId, PromptId};
use signal::sip::sdp::Negotiated;

use super::way::LineCall;

/// One leg.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) record: LegRecord,
    /// Its place in the sound core, and its pair of RTP ports.
    pub(crate) port: PortId,
    /// Its call.
    pub(crate) call: LineCall,
    pub(crate) plan: Plan,
    pub(crate) ring_timeout_ms: u32,
    pub(crate) play: Option<Playing>,
    pub(crate) collect: Option<Collecting>,
    /// How its sound comes and goes; the port is open from then on.
    pub(crate) sound: Option<LegSound>,
    /// Why and by whom it ends, once we have asked for the end.
    pub(crate) ending: Option<(Cause, Side)>,
    /// Incoming: our answer to the caller's offer of sound, until it is given.
    pub(crate) answer: Option<(String, Negotiated)>,
}

impl Leg {
    pub(crate) fn new(
        record: LegRecord,
        port: PortId,
        call: LineCall,
        plan: Plan,
        ring_timeout_ms: u32,
    ) -> Leg {
        Leg {
            record,
            port,
            call,
            plan,
            ring_timeout_ms,
            play: None,
            collect: None,
            sound: None,
            ending: None,
            answer: None,
        }
    }

    pub(crate) fn id(&self) -> LegId {
        self.record.leg
    }

    /// Answered, its sound agreed on, and nobody has asked for its end.
    pub(crate) fn is_talkable(&self) -> bool {
        let answered = self.record.phase == call::LegPhase::Answered;
        answered && self.sound.is_some() && self.ending.is_none()
    }
}

/// How the sound of a leg comes and goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LegSound {
    /// In packets, as agreed on with the far end.
    Packets(Negotiated),
    /// In the channel of a span.
    Bearer,
}

/// What remains of a leg's answer plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// There is none, or it has been fulfilled.
    None,
    /// It waits for the answer.
    Armed(AnswerPlan),
    /// Somebody has answered and waits for a seat.
    Waiting(AnswerPlan),
    /// It rings for a caller, or was picked up and waits for the caller's sound.
    Connect(Connect),
    /// No seat was found; when the prompt has been heard the leg ends so.
    Leaving(Cause),
}

/// What a leg hears from its own player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Playing {
    /// centerd's name for it; `None`: the box's own.
    pub(crate) play: Option<u32>,
    pub(crate) prompts: Vec<PromptId>,
    pub(crate) repeat: bool,
    pub(crate) barge_in: bool,
    /// All of it once, ms.
    pub(crate) length_ms: u32,
}

/// Digits that are being gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Collecting {
    pub(crate) collect: u32,
    pub(crate) digits: String,
    pub(crate) digits_max: u8,
    pub(crate) first_ms: u32,
    pub(crate) inter_ms: u32,
    pub(crate) end: Option<char>,
}
