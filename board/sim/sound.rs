//! Real sound for the town: RTP sockets around the box's own sound core.
//!
//! One socket a call, bound when the call begins to sound and dropped with it. [`Sound::tick`] is
//! called every 20 ms by whoever owns it; in between it does nothing. Simpler than the box's own
//! sound thread on purpose: it may be late, it may allocate, nobody's call depends on it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use media::wav::WavError;
use media::{
    Codec, Command, Digits, Ear, Engine, Fact, Gain, Listening, OpenPort, Play, PlayerId, PortId,
    Repeat, Setup, Source,
};
use signal::sip::sdp;

use crate::tones::Tone;
use crate::town::{Chance, LOST_MS, SoundFact, SoundOrder, SoundPort, Terms};
use crate::voice::Voice;

/// Packets of one call taken in one tick.
const PACKETS_A_TICK: usize = 8;

/// Why an order for sound was not done. The call goes on without.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// The UDP port is another program's.
    #[error("port {port} (setting town.rtp) cannot be used: {source}; this call stays silent")]
    Port {
        /// UDP port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The sound core did not take it.
    #[error("the sound core refuses: {0}")]
    Refused(#[from] media::Refusal),
    /// More keys than the sound core takes at once.
    #[error("{0:?} is no string of keys")]
    Keys(String),
    /// It is about another kind of line.
    #[error("sound port {} is on another kind of line", .0.0)]
    Elsewhere(SoundPort),
}

/// One call's sound.
#[derive(Debug)]
struct Line {
    socket: UdpSocket,
    remote: SocketAddr,
}

/// See the module.
#[derive(Debug)]
pub struct Sound {
    engine: Engine,
    listen: IpAddr,
    rtp_first: u16,
    chance: Chance,
    lines: BTreeMap<SoundPort, Line>,
    ticks: u64,
}

impl Sound {
    /// Sound for `ports` calls at once, at `listen` and the even UDP ports from `rtp_first` on.
    ///
    /// # Errors
    /// A voice of the program is broken.
    pub fn new(listen: IpAddr, rtp_first: u16, ports: u16, seed: u64) -> Result<Sound, WavError> {
        let count = usize::from(ports);
        let setup = Setup { ports: count, players: count, recorders: 0, echoes: 0 };
        let mut engine = Engine::new(setup);
        fill_library(&mut engine)?;
        let chance = Chance::new(seed);
        Ok(Sound { engine, listen, rtp_first, chance, lines: BTreeMap::new(), ticks: 0 })
    }

    /// Whether every port can be bound now: whoever starts wants to know it at once.
    ///
    /// # Errors
    /// The first port that cannot be had.
    pub fn check(listen: IpAddr, rtp_first: u16, ports: u16) -> Result<(), (u16, io::Error)> {
        let udp = |n: u16| rtp_first.saturating_add(n.saturating_mul(2));
        (0..ports).map(udp).try_for_each(|port| match UdpSocket::bind((listen, port)) {
            Ok(_) => Ok(()),
            Err(source) => Err((port, source)),
        })
    }

    /// Does what the town asks for.
    ///
    /// # Errors
    /// [`SoundError`]; nothing has changed then.
    pub fn apply(&mut self, order: SoundOrder) -> Result<(), SoundError> {
        match order {
            SoundOrder::Open(terms) => self.open(&terms),
            SoundOrder::Change(terms) => self.change(&terms),
            SoundOrder::OpenBearer(terms) => Err(SoundError::Elsewhere(terms.port)),
            SoundOrder::Say(port, voice) => {
                let play = Play::once(PlayerId(port.0), voice.prompt());
                Ok(self.engine.apply(Command::Play(play))?)
            }
            SoundOrder::Sound(port, tone) => {
                let repeat = if tone.is_endless() { Repeat::Forever } else { Repeat::Times(1) };
                let play = Play::once(PlayerId(port.0), tone.prompt());
                Ok(self.engine.apply(Command::Play(Play { repeat, ..play }))?)
            }
            SoundOrder::Hush(port) => Ok(self.engine.apply(Command::Stop(PlayerId(port.0)))?),
            SoundOrder::Press(port, keys) => {
                let digits = Digits::new(&keys).ok_or(SoundError::Keys(keys))?;
                Ok(self.engine.apply(Command::SendDigits(PortId(port.0), digits))?)
            }
            SoundOrder::Close(port) => {
                self.lines.remove(&port);
                self.engine.apply(Command::Stop(PlayerId(port.0)))?;
                Ok(self.engine.apply(Command::ClosePort(PortId(port.0)))?)
            }
        }
    }

    /// One turn of 20 ms: receives, hears, speaks, sends.
    pub fn tick(&mut self) {
        self.receive();
        self.engine.tick();
        for (port, bytes) in self.engine.packets() {
            if let Some(line) = self.lines.get(&SoundPort(port.0)) {
                // A far end that is gone shows up here; signalling or its silence tells it better.
                let _ = line.socket.send_to(bytes, line.remote);
            }
        }
        self.ticks += 1;
    }

    /// The next thing that was heard.
    pub fn poll(&mut self) -> Option<SoundFact> {
        while let Some(fact) = self.engine.poll_fact() {
            match fact {
                Fact::SoundStarted { port, .. } => return Some(SoundFact::Started(at(port))),
                Fact::SoundEnded { port, lasted_ms } => {
                    return Some(SoundFact::Ended { port: at(port), lasted_ms });
                }
                Fact::Digit { port, digit, .. } => {
                    return Some(SoundFact::Key(at(port), char::from(digit)));
                }
                Fact::MediaTimeout { port, .. } => return Some(SoundFact::Lost(at(port))),
                Fact::PlayEnded { .. }
                | Fact::MediaStarted { .. }
                | Fact::MediaResumed { .. }
                | Fact::SourceChanged { .. }
                | Fact::DigitsSent { .. }
                | Fact::RecorderOverrun { .. }
                | Fact::PortReport { .. }
                | Fact::PortClosed { .. }
                | Fact::FactsLost { .. } => {}
            }
        }
        None
    }

    fn open(&mut self, terms: &Terms) -> Result<(), SoundError> {
        let udp = self.rtp_first.saturating_add(terms.port.0.saturating_mul(2));
        let bound = UdpSocket::bind((self.listen, udp));
        let socket = bound.and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        let socket = socket.map_err(|source| SoundError::Port { port: udp, source })?;
        let (port, ear) = (PortId(terms.port.0), Ear::Port(PortId(terms.port.0)));
        self.engine.apply(Command::OpenPort(OpenPort {
            digit_payload: terms.digits,
            listening: Listening::Voice,
            media_timeout_ms: LOST_MS,
            ..OpenPort::new(port, codec(terms.codec), self.chance.bits() as u32)
        }))?;
        let mouth = Source::Player(PlayerId(terms.port.0));
        self.engine.apply(Command::Hear(ear, mouth, Gain::UNITY))?;
        self.engine.apply(Command::SetSending(port, terms.sends))?;
        self.lines.insert(terms.port, Line { socket, remote: terms.remote });
        Ok(())
    }

    fn change(&mut self, terms: &Terms) -> Result<(), SoundError> {
        let port = PortId(terms.port.0);
        self.engine.apply(Command::SetCodec(port, codec(terms.codec)))?;
        self.engine.apply(Command::SetDigitPayload(port, terms.digits))?;
        self.engine.apply(Command::SetSending(port, terms.sends))?;
        if let Some(line) = self.lines.get_mut(&terms.port) {
            line.remote = terms.remote;
        }
        Ok(())
    }

    fn receive(&mut self) {
        let now_us = self.ticks * u64::from(media::TICK_MS) * 1_000;
        let mut datagram = [0; media::limits::DATAGRAM];
        for (port, line) in &mut self.lines {
            for _ in 0..PACKETS_A_TICK {
                let Ok((length, from)) = line.socket.recv_from(&mut datagram) else { break };
                let Some(bytes) = datagram.get(..length) else { continue };
                let taken = self.engine.handle_packet(PortId(port.0), now_us, bytes);
                // Symmetric RTP: the far end may sit behind a translator.
                if taken.is_ok() && from.ip() == line.remote.ip() {
                    line.remote = from;
                }
            }
        }
    }
}

/// Puts everything that can be heard in the town into the library of a sound core.
///
/// # Errors
/// A voice of the program is broken.
pub(crate) fn fill_library(engine: &mut Engine) -> Result<(), WavError> {
    // The library has room for thousands.
    for voice in Voice::all() {
        let samples: &'static [i16] = Box::leak(voice.samples()?.into_boxed_slice());
        let _ = engine.apply(Command::SetPrompt(voice.prompt(), samples));
    }
    for tone in Tone::all() {
        let samples: &'static [i16] = Box::leak(tone.samples().into_boxed_slice());
        let _ = engine.apply(Command::SetPrompt(tone.prompt(), samples));
    }
    Ok(())
}

const fn at(port: PortId) -> SoundPort {
    SoundPort(port.0)
}

const fn codec(codec: sdp::Codec) -> Codec {
    match codec {
        sdp::Codec::Pcma => Codec::Alaw,
        sdp::Codec::Pcmu => Codec::Ulaw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::{Language, Words};
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicU16, Ordering};

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const A: SoundPort = SoundPort(0);
    const B: SoundPort = SoundPort(1);

    /// Tests run beside each other: each begins its search where the last has ended.
    static SEARCH: AtomicU16 = AtomicU16::new(22_000);

    /// Two lines of one town that talk to each other over real sockets.
    fn pair() -> Sound {
        let first = loop {
            let first = SEARCH.fetch_add(16, Ordering::Relaxed);
            if Sound::check(LOOPBACK, first, 2).is_ok() {
                break first;
            }
        };
        let mut sound = Sound::new(LOOPBACK, first, 2, 7).unwrap();
        for (port, other) in [(A, first + 2), (B, first)] {
            let remote = SocketAddr::new(LOOPBACK, other);
            let codec = sdp::Codec::Pcma;
            let terms = Terms { port, remote, codec, digits: Some(101), sends: true };
            sound.apply(SoundOrder::Open(terms)).unwrap();
        }
        sound
    }

    /// Ticks as fast as it goes: the core counts ticks, not time.
    fn run(sound: &mut Sound, ticks: u32) -> Vec<SoundFact> {
        let mut facts = Vec::new();
        for _ in 0..ticks {
            sound.tick();
            facts.extend(core::iter::from_fn(|| sound.poll()));
        }
        facts
    }

    #[test]
    fn a_voice_is_heard_at_the_other_end_and_only_there() {
        let mut sound = pair();
        let voice = Voice { language: Language::Zh, words: Words::Hello };
        sound.apply(SoundOrder::Say(A, voice)).unwrap();
        let facts = run(&mut sound, 150);
        assert_eq!(facts.first(), Some(&SoundFact::Started(B)));
        let Some(SoundFact::Ended { port: B, lasted_ms }) = facts.get(1) else {
            panic!("{facts:?}")
        };
        assert!(u64::from(*lasted_ms).abs_diff(voice.length_ms()) < 200, "{lasted_ms}");
        assert_eq!(facts.len(), 2, "{facts:?}");
    }

    #[test]
    fn keys_pressed_here_are_heard_there_in_order() {
        let mut sound = pair();
        sound.apply(SoundOrder::Press(B, "801#".to_owned())).unwrap();
        let keys: Vec<SoundFact> = run(&mut sound, 100);
        assert_eq!(keys, ['8', '0', '1', '#'].map(|key| SoundFact::Key(A, key)));
    }

    #[test]
    fn a_closed_line_gives_its_port_back_and_the_other_notices_the_silence() {
        let mut sound = pair();
        run(&mut sound, 10);
        sound.apply(SoundOrder::Close(A)).unwrap();
        let first = sound.rtp_first;
        assert!(UdpSocket::bind((LOOPBACK, first)).is_ok());
        let facts = run(&mut sound, LOST_MS / media::TICK_MS + 10);
        assert_eq!(facts, [SoundFact::Lost(B)]);
    }

    #[test]
    fn a_port_in_use_is_named_and_the_call_stays_silent() {
        let mut sound = pair();
        sound.apply(SoundOrder::Close(A)).unwrap();
        let first = sound.rtp_first;
        let _taken = UdpSocket::bind((LOOPBACK, first)).unwrap();
        assert_eq!(Sound::check(LOOPBACK, first, 2).unwrap_err().0, first);
        let remote = SocketAddr::new(LOOPBACK, 9);
        let terms = Terms { port: A, remote, codec: sdp::Codec::Pcma, digits: None, sends: true };
        let error = sound.apply(SoundOrder::Open(terms)).unwrap_err().to_string();
        assert!(error.contains(&format!("port {first} (setting town.rtp)")), "{error}");
        let voice = Voice { language: Language::En, words: Words::Hello };
        sound.apply(SoundOrder::Say(A, voice)).unwrap();
        run(&mut sound, 5);
    }

    #[test]
    fn a_held_line_is_silent_until_it_is_taken_back() {
        let mut sound = pair();
        let first = sound.rtp_first;
        let remote = SocketAddr::new(LOOPBACK, first + 2);
        let held =
            Terms { port: A, remote, codec: sdp::Codec::Pcmu, digits: Some(101), sends: false };
        sound.apply(SoundOrder::Change(held)).unwrap();
        let voice = Voice { language: Language::En, words: Words::Machine };
        sound.apply(SoundOrder::Say(A, voice)).unwrap();
        assert_eq!(run(&mut sound, 50), []);
        sound.apply(SoundOrder::Change(Terms { sends: true, ..held })).unwrap();
        assert_eq!(run(&mut sound, 50), [SoundFact::Started(B)]);
    }
}
