//! A box under load for the tripwire and the benchmark: joined, recorded calls whose phones send
//! a voice-like sound, lose packets, press keys; and menus with prompts and tones beside them.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each user reads its part of the counts")]

use media::{
    Barge, Channel, Codec, Command, Digits, Ear, Engine, Fact, Gain, Listening, OpenPort, Play,
    PlayerId, PortId, PromptId, RecorderId, Setup, Source, Tone, g711,
};

static PROMPT: [i16; 8000] = [300; 8000];

/// See the module.
pub struct Load {
    pub engine: Engine,
    pub packets: u64,
    pub blocks: u64,
    pub digits: u64,
    pub prompts_ended: u64,
    calls: u16,
    tick: u32,
    faults: bool,
    /// A second of voice as A-law.
    voice: Vec<u8>,
    datagram: [u8; 172],
}

impl Load {
    /// So many calls with every disturbance.
    pub fn new(calls: u16) -> Load {
        let mut load = Load::calm(calls, Codec::Alaw, true);
        load.faults = true;
        for call in 0..calls {
            let player = PlayerId(call);
            load.apply(Command::Hear(
                Ear::Port(PortId(2 * call)),
                Source::Player(player),
                Gain::from_db(-6.0),
            ));
            load.apply(Command::SetDetector(PortId(2 * call), Listening::VoiceAndDigits));
        }
        load
    }

    /// So many calls that only talk: the first leg in A-law, the second in `law`.
    pub fn calm(calls: u16, law: Codec, recorded: bool) -> Load {
        let legs = usize::from(calls) * 2;
        let mut load = Load {
            engine: Engine::new(Setup {
                ports: legs,
                players: usize::from(calls),
                recorders: usize::from(calls),
                echoes: usize::from(calls),
            }),
            packets: 0,
            blocks: 0,
            digits: 0,
            prompts_ended: 0,
            calls,
            tick: 0,
            faults: false,
            voice: voice(),
            datagram: [0; 172],
        };
        load.apply(Command::SetPrompt(PromptId(0), &PROMPT));
        for call in 0..calls {
            let (a, b) = (PortId(2 * call), PortId(2 * call + 1));
            load.apply(Command::OpenPort(OpenPort::new(a, Codec::Alaw, u32::from(a.0))));
            load.apply(Command::OpenPort(OpenPort::new(b, law, u32::from(b.0))));
            load.apply(Command::Hear(Ear::Port(a), Source::Port(b), Gain::UNITY));
            load.apply(Command::Hear(Ear::Port(b), Source::Port(a), Gain::UNITY));
            if recorded {
                let tape = RecorderId(call);
                load.apply(Command::StartRecorder(tape));
                for (channel, port) in [(Channel::Left, a), (Channel::Right, b)] {
                    let ear = Ear::Recorder(tape, channel);
                    load.apply(Command::Hear(ear, Source::Port(port), Gain::UNITY));
                }
            }
        }
        load
    }

    fn apply(&mut self, command: Command) {
        self.engine.apply(command).unwrap();
    }

    /// One turn of 20 ms, as the shell runs it.
    pub fn turn(&mut self) {
        self.tick += 1;
        if self.faults {
            self.disturb();
        }
        self.receive();
        self.engine.tick();
        self.packets +=
            self.engine.packets().map(|(_, packet)| (packet.len() > 12) as u64).sum::<u64>();
        while let Some(block) = self.engine.poll_block() {
            self.blocks += u64::from(block.samples.len() == 320);
        }
        while let Some(fact) = self.engine.poll_fact() {
            self.digits += u64::from(matches!(fact, Fact::Digit { .. }));
            self.prompts_ended += u64::from(matches!(fact, Fact::PlayEnded { .. }));
        }
    }

    /// Hands every leg its packet.
    pub fn receive(&mut self) {
        for port in 0..2 * self.calls {
            if !self.faults || !(self.tick + u32::from(port) * 7).is_multiple_of(23) {
                self.datagram(port);
                let now_us = u64::from(self.tick) * 20_000;
                let _ = self.engine.handle_packet(PortId(port), now_us, &self.datagram);
            }
        }
    }

    /// Writes this port's packet of this tick.
    fn datagram(&mut self, port: u16) {
        let n = self.tick;
        let at = (n as usize * 160 + usize::from(port) * 80) % (self.voice.len() - 160);
        self.datagram[0] = 0x80;
        self.datagram[1] = 8;
        self.datagram[2..4].copy_from_slice(&(n as u16).to_be_bytes());
        self.datagram[4..8].copy_from_slice(&(n * 160).to_be_bytes());
        self.datagram[8..12].copy_from_slice(&u32::from(port).to_be_bytes());
        self.datagram[12..].copy_from_slice(&self.voice[at..at + 160]);
    }

    /// Keys, prompts, tones, reopened ports, in turn over all calls.
    fn disturb(&mut self) {
        let call = (self.tick % u32::from(self.calls)) as u16;
        let (a, b, player) = (PortId(2 * call), PortId(2 * call + 1), PlayerId(call));
        let n = self.tick as u16;
        let event = [0x80, 101, (n >> 8) as u8 ^ 0x40, n as u8, 0, 0, n as u8, 9];
        let mut press = [0; 16];
        press[..8].copy_from_slice(&event);
        press[8..12].copy_from_slice(&u32::from(b.0).to_be_bytes());
        press[12..].copy_from_slice(&[(n % 16) as u8, 0x8A, 3, 32]);
        let _ = self.engine.handle_packet(b, 0, &press);
        let play = Play { barge: Barge::Digit(b), ..Play::once(player, PromptId(0)) };
        let _ = match self.tick / u32::from(self.calls) % 5 {
            0 => self.engine.apply(Command::Play(play)),
            1 => self.engine.apply(Command::SendDigits(a, Digits::new("12#").unwrap())),
            2 => self.engine.apply(Command::PlayTone(player, Tone::Beep, Barge::None)),
            3 => self
                .engine
                .apply(Command::SetDigitPayload(a, Some(101).filter(|_| n.is_multiple_of(2)))),
            _ => self.engine.apply(Command::Report(b)),
        };
    }

    /// Sound lost on all legs, ms.
    pub fn lost_ms(&self) -> u32 {
        let legs = (0..2 * self.calls).filter_map(|n| self.engine.stats(PortId(n)));
        legs.map(|stats| stats.lost_ms).sum()
    }
}

/// Joined, recorded pairs of bearers on lines that lose and double blocks, press keys and send
/// part of what they hear back, with echo cancelled and digits sent.
pub struct Lines {
    pub engine: Engine,
    pub blocks: u64,
    pub recorded: u64,
    pub digits: u64,
    pub digits_sent: u64,
    pairs: u16,
    tick: u32,
    faults: bool,
    voice: Vec<u8>,
    /// A key by the line: five blocks of it.
    key: Vec<u8>,
    /// What went out to each line in the last tick.
    sent: Vec<[u8; 160]>,
}

impl Lines {
    /// So many pairs with every disturbance.
    pub fn new(pairs: u16) -> Lines {
        let mut lines = Lines::calm(pairs, Listening::VoiceAndDigits, true);
        lines.faults = true;
        lines
    }

    /// So many pairs that only talk, recorded.
    pub fn calm(pairs: u16, listening: Listening, echo: bool) -> Lines {
        let legs = usize::from(pairs) * 2;
        let players = usize::from(pairs);
        let setup = Setup { ports: legs, players, recorders: players, echoes: legs };
        let mut low = media::tone::Pair::of_digit(b'7').unwrap();
        let mut key = [0; 800];
        low.fill(&mut key);
        let mut key_octets = vec![0; 800];
        g711::encode(Codec::Alaw, &key, &mut key_octets);
        let mut lines = Lines {
            engine: Engine::new(setup),
            blocks: 0,
            recorded: 0,
            digits: 0,
            digits_sent: 0,
            pairs,
            tick: 0,
            faults: false,
            voice: voice(),
            key: key_octets,
            sent: vec![[0xD5; 160]; legs],
        };
        for pair in 0..pairs {
            let (a, b, tape) = (PortId(2 * pair), PortId(2 * pair + 1), RecorderId(pair));
            for port in [a, b] {
                lines.apply(Command::OpenPort(OpenPort::bearer(port, Codec::Alaw)));
                lines.apply(Command::SetDetector(port, listening));
                lines.apply(Command::SetEcho(port, echo));
            }
            lines.apply(Command::StartRecorder(tape));
            for (channel, ear, source) in [(Channel::Left, a, b), (Channel::Right, b, a)] {
                lines.apply(Command::Hear(Ear::Port(ear), Source::Port(source), Gain::UNITY));
                let ear = Ear::Recorder(tape, channel);
                lines.apply(Command::Hear(ear, Source::Port(source), Gain::UNITY));
            }
        }
        lines
    }

    fn apply(&mut self, command: Command) {
        self.engine.apply(command).unwrap();
    }

    /// One turn of 20 ms, as the shell runs it.
    pub fn turn(&mut self) {
        self.tick += 1;
        for line in 0..2 * self.pairs {
            self.speak(line);
        }
        if self.faults {
            self.disturb();
        }
        self.engine.tick();
        for (port, block) in self.engine.bearers() {
            self.sent[port.index()] = *block;
            self.blocks += 1;
        }
        while let Some(block) = self.engine.poll_block() {
            self.recorded += u64::from(block.samples.len() == 320);
        }
        while let Some(fact) = self.engine.poll_fact() {
            self.digits += u64::from(matches!(fact, Fact::Digit { .. }));
            self.digits_sent += u64::from(matches!(fact, Fact::DigitsSent { .. }));
        }
    }

    /// Digits, echo on and off, in turn over all pairs.
    fn disturb(&mut self) {
        let pair = (self.tick % u32::from(self.pairs)) as u16;
        let (a, b) = (PortId(2 * pair), PortId(2 * pair + 1));
        let _ = match self.tick / u32::from(self.pairs) % 4 {
            0 => self.engine.apply(Command::SendDigits(a, Digits::new("42*").unwrap())),
            1 => self.engine.apply(Command::SetEcho(b, false)),
            2 => self.engine.apply(Command::SetEcho(b, true)),
            _ => self.engine.apply(Command::Report(a)),
        };
    }

    /// What one line says in this tick: as a rule a voice, at times a key, what it heard, nothing,
    /// or two blocks at once.
    fn speak(&mut self, line: u16) {
        let n = self.tick + u32::from(line) * 13;
        let at = (n as usize * 160 + usize::from(line) * 80) % (self.voice.len() - 160);
        let block: [u8; 160] = match n % 400 {
            _ if !self.faults => self.voice[at..at + 160].try_into().unwrap(),
            moment @ 0..5 => self.key[moment as usize * 160..][..160].try_into().unwrap(),
            100..150 => self.sent[usize::from(line)],
            _ => self.voice[at..at + 160].try_into().unwrap(),
        };
        let count = if self.faults { [1, 1, 1, 0, 2, 1, 1][n as usize / 7 % 7] } else { 1 };
        for _ in 0..count {
            let _ = self.engine.handle_bearer(PortId(line), &block);
        }
    }

    /// Sound made up and left out on all lines, ms.
    pub fn bent_ms(&self) -> u32 {
        let lines = (0..2 * self.pairs).filter_map(|n| self.engine.stats(PortId(n)));
        lines.map(|stats| stats.stretched_ms + stats.squeezed_ms).sum()
    }
}

/// A second of 180 Hz with harmonics under a syllable's envelope.
fn voice() -> Vec<u8> {
    let turn = std::f64::consts::TAU / 8000.0;
    let samples: Vec<i16> = (0..8000)
        .map(|n| {
            let t = turn * f64::from(n);
            let sound = (180.0 * t).sin() + 0.5 * (360.0 * t).sin() + 0.3 * (900.0 * t).sin();
            (4000.0 * sound * (3.0 * t).sin().max(0.0)) as i16
        })
        .collect();
    let mut bytes = vec![0; 8000];
    g711::encode(Codec::Alaw, &samples, &mut bytes);
    bytes
}
