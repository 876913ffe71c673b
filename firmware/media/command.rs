//! Everything the control thread may ask of the sound core. A [`Command`] is `Copy` and holds no
//! memory of its own, so that it crosses a ring between threads by value.

use crate::id::{Ear, Gain, PlayerId, PortId, PromptId, RecorderId, Source};
use crate::limits;
use crate::tone::Tone;

/// One request, applied before the next tick. Each is idempotent: said twice, it holds once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Takes a port into use. On an open port it starts afresh: what the port was joined to is
    /// undone and its statistics are told first ([`Fact::PortClosed`](crate::Fact::PortClosed)).
    OpenPort(OpenPort),
    /// Releases a port: every row it stands in goes, its statistics come as
    /// [`Fact::PortClosed`](crate::Fact::PortClosed).
    ClosePort(PortId),
    /// What we send from now on after a new offer/answer; receiving understands both laws anyway.
    SetCodec(PortId, Codec),
    /// The RTP payload type of telephone-events (RFC 4733), both ways; `None`: digits go and come
    /// in band. On a bearer they always do.
    SetDigitPayload(PortId, Option<u8>),
    /// What the two ends number otherwise than usual. A port that is opened has nothing so.
    SetMapping(PortId, Mapping),
    /// Whether sound is sent at all (`recvonly`, `inactive`: no). An open port sends.
    SetSending(PortId, bool),
    /// How long no packet may come before [`Fact::MediaTimeout`](crate::Fact::MediaTimeout), ms;
    /// 0: never (the far end holds us). A bearer has no such time: its line has alarms.
    SetMediaTimeout(PortId, u32),
    /// Whether the echo of what a bearer sends is taken out of what it receives. It begins anew
    /// each time it is turned on; the line is learned within a second or two of sound.
    SetEcho(PortId, bool),
    /// What the port's detector looks for. It hears what its rows say.
    SetDetector(PortId, Listening),
    /// A row of the table: this ear hears this source from now on, with this gain.
    Hear(Ear, Source, Gain),
    /// Removes a row.
    Unhear(Ear, Source),
    /// Removes all rows of an ear: it hears silence.
    Deafen(Ear),
    /// Puts a sound into the library, or replaces it. The samples are 8 kHz linear, and live as
    /// long as the process: the owner leaks them at load, so that nothing is freed on the tick.
    SetPrompt(PromptId, &'static [i16]),
    /// Plays a prompt.
    Play(Play),
    /// Plays a tone by its cadence; a tone without end plays until stopped.
    PlayTone(PlayerId, Tone, Barge),
    /// Silences a player and forgets what it had waiting.
    Stop(PlayerId),
    /// Sends digits to the far end of a port, by RFC 4733 if it understands them, else in band.
    SendDigits(PortId, Digits),
    /// Starts a recorder: blocks come from the next tick, silent where its ears hear nothing. A
    /// recorder that already runs goes on.
    StartRecorder(RecorderId),
    /// Stops a recorder and empties its ears. The last block has been given.
    StopRecorder(RecorderId),
    /// Asks for [`Fact::PortReport`](crate::Fact::PortReport).
    Report(PortId),
}

/// How a port is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenPort {
    /// Which.
    pub port: PortId,
    /// How its sound comes and goes. What is said of RTP below is of no meaning to a bearer.
    pub transport: Transport,
    /// What we send. Both laws are understood on receive by their static payload types.
    pub codec: Codec,
    /// The negotiated payload type of telephone-events, if any (96-127 as a rule).
    pub digit_payload: Option<u8>,
    /// Our RTP synchronisation source; random, given by the shell.
    pub ssrc: u32,
    /// First sequence number we send; random (RFC 3550 §5.1).
    pub sequence: u16,
    /// First timestamp we send; random (RFC 3550 §5.1).
    pub timestamp: u32,
    /// What the port's detector looks for; it starts with one row: it hears its own port.
    pub listening: Listening,
    /// As [`Command::SetMediaTimeout`], in ms.
    pub media_timeout_ms: u32,
}

impl OpenPort {
    /// A port with telephone-events on payload type 101, an idle detector and no time-out.
    #[must_use]
    pub const fn new(port: PortId, codec: Codec, ssrc: u32) -> OpenPort {
        OpenPort {
            port,
            transport: Transport::Rtp,
            codec,
            digit_payload: Some(101),
            ssrc,
            sequence: ssrc as u16,
            timestamp: ssrc.wrapping_mul(0x9E37_79B9),
            listening: Listening::Off,
            media_timeout_ms: 0,
        }
    }

    /// A port on a B-channel of a span. Its detector listens for digits, which come no other way.
    #[must_use]
    pub const fn bearer(port: PortId, codec: Codec) -> OpenPort {
        OpenPort {
            transport: Transport::Bearer { turnaround_ticks: 1 },
            digit_payload: None,
            listening: Listening::VoiceAndDigits,
            ..OpenPort::new(port, codec, 0)
        }
    }
}

/// Payload types of a port that an offer and its answer have mapped otherwise than usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Number and codec of the sound, both ways, where the number is not the codec's own
    /// (`a=rtpmap:97 PCMU/8000`).
    pub sound: Option<(u8, Codec)>,
    /// A second number under which telephone-events may come: that of our offer, where the answer
    /// named another one for what we send.
    pub digits: Option<u8>,
}

/// How the sound of a port comes and goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// In RTP packets, through a jitter buffer.
    #[default]
    Rtp,
    /// In blocks of 160 octets of a line that has a clock of its own
    /// ([`Engine::handle_bearer`](crate::Engine::handle_bearer)).
    Bearer {
        /// Ticks from the one that hands out a block until the first one whose received block can
        /// hold an echo of its beginning: 1 if the line plays a block as soon as it has it, and
        /// one more for each block that waits before it. For the echo canceller; 1 to
        /// [`limits::TURNAROUND_TICKS`].
        turnaround_ticks: u8,
    },
}

/// Codec of a stream; the number is the static RTP payload type (RFC 3551 §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// G.711 µ-law, payload type 0.
    Ulaw = 0,
    /// G.711 A-law, payload type 8.
    #[default]
    Alaw = 8,
}

impl Codec {
    /// The codec of a static payload type.
    #[must_use]
    pub const fn from_payload_type(payload_type: u8) -> Option<Codec> {
        match payload_type {
            0 => Some(Codec::Ulaw),
            8 => Some(Codec::Alaw),
            _ => None,
        }
    }

    /// Its static payload type.
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        self as u8
    }
}

/// What a port's detector looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listening {
    /// Nothing.
    #[default]
    Off,
    /// Onset and end of sound ([`Fact::SoundStarted`](crate::Fact::SoundStarted)).
    Voice,
    /// The same, and DTMF digits in band.
    VoiceAndDigits,
}

/// One prompt for one player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    /// The player.
    pub player: PlayerId,
    /// The prompt.
    pub prompt: PromptId,
    /// How often.
    pub repeat: Repeat,
    /// `false`: at once, forgetting what played; `true`: after what is already there.
    pub append: bool,
    /// Whether a digit ends it.
    pub barge: Barge,
}

impl Play {
    /// The prompt once, at once, not ended by digits.
    #[must_use]
    pub const fn once(player: PlayerId, prompt: PromptId) -> Play {
        Play { player, prompt, repeat: Repeat::Times(1), append: false, barge: Barge::None }
    }
}

/// How often a prompt is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// So many times (0 counts as 1).
    Times(u16),
    /// Until stopped.
    Forever,
}

/// Whether a digit silences a player in the very tick in which it is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Barge {
    /// No digit does.
    #[default]
    None,
    /// Any digit from this port.
    Digit(PortId),
}

/// A short bounded string of DTMF digits `0-9 * # A-D`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    digit: [u8; limits::DIGITS],
    len: u8,
}

impl Digits {
    /// The digits of `text`, or `None` if one is no DTMF digit or they are too many
    /// ([`limits::DIGITS`]).
    #[must_use]
    pub fn new(text: &str) -> Option<Digits> {
        let mut digits = Digits { digit: [0; limits::DIGITS], len: 0 };
        for c in text.bytes() {
            let c = c.to_ascii_uppercase();
            crate::telephone_event::event_of_digit(c)?;
            *digits.digit.get_mut(usize::from(digits.len))? = c;
            digits.len += 1;
        }
        Some(digits)
    }

    /// The digits as ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.digit.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

impl core::fmt::Debug for Digits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for &c in self.as_bytes() {
            write!(f, "{}", char::from(c))?;
        }
        Ok(())
    }
}

/// Why a command was not done. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The number is beyond what the core was built with.
    #[error("there is no {0}: the switch counts its sound ports differently than it built them")]
    NoPort(PortId),
    /// The port is not open.
    #[error("{0} is closed: its leg has ended")]
    PortClosed(PortId),
    /// The number is beyond what the core was built with.
    #[error("there is no {0}")]
    NoPlayer(PlayerId),
    /// The number is beyond what the core was built with.
    #[error("there is no {0}")]
    NoRecorder(RecorderId),
    /// The library has no such sound.
    #[error("{0} is not in the library: load its sound file first")]
    NoPrompt(PromptId),
    /// The ear already hears as many sources as it can.
    #[error("an ear cannot hear more than {max} sources at once", max = limits::SOURCES_PER_EAR)]
    EarFull(Ear),
    /// The player has enough waiting.
    #[error("{0} already has {max} prompts waiting", max = limits::PLAYLIST)]
    PlaylistFull(PlayerId),
    /// A bearer's command or sound for a port of packets.
    #[error("{0} is no bearer: it was opened for RTP")]
    NotBearer(PortId),
    /// More lines want echo cancelled than the core was built for.
    #[error("all {max} echo cancellers are at work: {0} goes without", max = limits::ECHOES)]
    EchoesTaken(PortId),
    /// The port has enough digits waiting.
    #[error("{0} already has {max} digits to send", max = limits::DIGITS)]
    DigitsFull(PortId),
}
