//! Everything the sound core says to the outside: facts, recorded blocks, counts.

use std::collections::VecDeque;

use crate::command::Codec;
use crate::id::{PlayerId, PortId, RecorderId};
use crate::limits;

/// Something that happened in the sound. `Copy`, so that it crosses a ring by value. The shell
/// knows the time: a fact belongs to the tick after which it was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A key was pressed at the far end of a port. Told once a press, at its start.
    Digit {
        /// Who pressed.
        port: PortId,
        /// ASCII: `0-9 * # A-D`.
        digit: u8,
        /// How it came.
        by: DigitPath,
    },
    /// A player has nothing more to play, or was stopped.
    PlayEnded {
        /// Which.
        player: PlayerId,
        /// Why.
        why: PlayEnd,
    },
    /// The port's detector hears sound above its threshold (a voice, a tone).
    SoundStarted {
        /// The port beside which the detector stands.
        port: PortId,
        /// Level of the tick in which it began, dBm0.
        level_dbm0: i8,
    },
    /// The port's detector hears silence again.
    SoundEnded {
        /// The port beside which the detector stands.
        port: PortId,
        /// How long it had sounded, ms.
        lasted_ms: u32,
    },
    /// The first valid packet or block of a port has come: the far end can be heard.
    MediaStarted {
        /// The port.
        port: PortId,
        /// What it sends.
        codec: Codec,
    },
    /// No valid packet has come for as long as the port allows. Told once a silence.
    MediaTimeout {
        /// The port.
        port: PortId,
        /// How long, ms.
        silent_ms: u32,
    },
    /// Packets come again after a [`Fact::MediaTimeout`].
    MediaResumed {
        /// The port.
        port: PortId,
    },
    /// The far end sends from a new synchronisation source (it was transferred or restarted).
    SourceChanged {
        /// The port.
        port: PortId,
        /// The new one.
        ssrc: u32,
    },
    /// All waiting digits have been sent.
    DigitsSent {
        /// The port.
        port: PortId,
    },
    /// A recorder's block was not taken before the next came: the recording has a hole of 20 ms
    /// that the next block's frame number shows. Told at the first of a series.
    RecorderOverrun {
        /// The recorder.
        recorder: RecorderId,
        /// Blocks lost since it started.
        lost: u32,
    },
    /// The answer to [`Command::Report`](crate::Command::Report).
    PortReport {
        /// The port.
        port: PortId,
        /// Its counts so far.
        stats: PortStats,
    },
    /// A port was closed.
    PortClosed {
        /// The port.
        port: PortId,
        /// Its final counts.
        stats: PortStats,
    },
    /// The shell polled too slowly and facts were dropped.
    FactsLost {
        /// How many since the start.
        lost: u32,
    },
}

/// How a digit came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitPath {
    /// As a telephone-event (RFC 4733).
    Event,
    /// As two tones in the sound (ITU-T Q.23).
    InBand,
}

/// Why a player ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayEnd {
    /// It came to its end.
    Finished,
    /// It was told to stop, or to play something else.
    Stopped,
    /// This digit silenced it.
    Digit(u8),
}

/// Counts of one port since it was opened. Packets unless a unit is named; a block of a bearer
/// counts as a packet that came in time, and a missing one as `stretched_ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Valid sound packets taken.
    pub received: u32,
    /// Telephone-event packets taken.
    pub events: u32,
    /// Packets sent.
    pub sent: u32,
    /// Not RTP, unknown payload type, wrong source, too long.
    pub refused: u32,
    /// Came after their time to be played had gone.
    pub late: u32,
    /// Came a second time.
    pub duplicate: u32,
    /// Came after a later one, and still in time.
    pub reordered: u32,
    /// Came too far ahead or behind, so that the stream was taken up afresh.
    pub jumps: u32,
    /// Sound that never came, in ms; concealed.
    pub lost_ms: u32,
    /// Sound made up because nothing had come in time, in ms; the delay grew by it.
    pub stretched_ms: u32,
    /// Sound left out to give delay back, in ms.
    pub squeezed_ms: u32,
    /// Delay in the jitter buffer now, ms.
    pub depth_ms: u16,
    /// Interarrival jitter (RFC 3550 §6.4.1), in µs.
    pub jitter_us: u32,
}

/// 20 ms of a stereo recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Whose.
    pub recorder: RecorderId,
    /// Number of this block since the recorder started; a leap is a hole of 20 ms a step, which
    /// the disk thread fills with silence.
    pub number: u32,
    /// Left, right, left, right, ...
    pub samples: [i16; 320],
}

/// Why a datagram was not taken as sound of a port. Each is counted there as `refused`; the shell
/// learns no address from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketRefusal {
    /// The port is not open.
    #[error("the port is closed: the far end still sends after the call")]
    PortClosed,
    /// The port is a bearer.
    #[error("the port is a channel of a span: no packets belong to it")]
    Bearer,
    /// Too short, wrong version, or its lengths contradict each other (RFC 3550 §5.1).
    #[error("not RTP: the far end or a stranger sends something else to this port")]
    NotRtp,
    /// Longer than [`limits::DATAGRAM`](crate::limits::DATAGRAM) or its sound than 40 ms.
    #[error("the packet is too long: the far end uses a packet time above 40 ms")]
    TooLong,
    /// A payload type that was not negotiated.
    #[error("payload type {0} was not negotiated")]
    PayloadType(u8),
    /// A second source beside the living one, not yet believed (RFC 3550 §A.1 probation).
    #[error("synchronisation source {0:#010x} is not the one that speaks here")]
    Source(u32),
    /// Came a second time.
    #[error("duplicate of a packet already taken")]
    Duplicate,
}

/// Facts waiting for the shell. Memory is taken once; when it is full, facts are dropped and the
/// number dropped becomes the last fact.
#[derive(Debug)]
pub(crate) struct Facts {
    waiting: VecDeque<Fact>,
    lost: u32,
    told: u32,
}

impl Facts {
    pub fn new() -> Facts {
        Facts { waiting: VecDeque::with_capacity(limits::FACTS), lost: 0, told: 0 }
    }

    pub fn push(&mut self, fact: Fact) {
        if self.waiting.len() < limits::FACTS {
            self.waiting.push_back(fact);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }

    pub fn pop(&mut self) -> Option<Fact> {
        if let Some(fact) = self.waiting.pop_front() {
            return Some(fact);
        }
        if self.lost > self.told {
            self.told = self.lost;
            return Some(Fact::FactsLost { lost: self.lost });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_beyond_the_bound_are_dropped_and_their_number_is_told_last() {
        let mut facts = Facts::new();
        for _ in 0..limits::FACTS + 7 {
            facts.push(Fact::MediaResumed { port: PortId(1) });
        }
        for _ in 0..limits::FACTS {
            assert_eq!(facts.pop(), Some(Fact::MediaResumed { port: PortId(1) }));
        }
        assert_eq!(facts.pop(), Some(Fact::FactsLost { lost: 7 }));
        assert_eq!(facts.pop(), None);
    }
}
