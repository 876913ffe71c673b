//! Simulated far ends and the shell around the engine, on virtual time. Tones are made and
//! measured here with trigonometry of our own, not with the engine's oscillator.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, VecDeque};
use std::f64::consts::TAU;

use media::{
    Codec, Command, DigitPath, Ear, Engine, Fact, Gain, OpenPort, PortId, Setup, Source, g711,
};

pub const A: PortId = PortId(0);
pub const B: PortId = PortId(1);
pub const C: PortId = PortId(2);

/// A small box with phones at its ports.
pub struct Switchbox {
    pub engine: Engine,
    pub facts: Vec<Fact>,
    phones: BTreeMap<PortId, Phone>,
    wires: Vec<(PortId, PortId)>,
    left: Vec<i16>,
    right: Vec<i16>,
    ticks: u64,
}

impl Switchbox {
    pub fn new() -> Switchbox {
        Switchbox {
            engine: Engine::new(Setup { ports: 5, players: 4, recorders: 4, echoes: 2 }),
            facts: Vec::new(),
            phones: (0..5).map(|n| (PortId(n), Phone::new(u32::from(n) + 100))).collect(),
            wires: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
            ticks: 0,
        }
    }

    pub fn open(&mut self, port: PortId) {
        self.open_as(port, Codec::Alaw);
    }

    pub fn open_as(&mut self, port: PortId, law: Codec) {
        self.phone(port).law = law;
        self.apply(Command::OpenPort(OpenPort::new(port, law, u32::from(port.0) + 1)));
    }

    pub fn apply(&mut self, command: Command) {
        self.engine.apply(command).unwrap();
    }

    pub fn join(&mut self, a: PortId, b: PortId) {
        self.apply(Command::Hear(Ear::Port(a), Source::Port(b), Gain::UNITY));
        self.apply(Command::Hear(Ear::Port(b), Source::Port(a), Gain::UNITY));
    }

    /// What `from` sends comes to `to`: a call of the box to itself.
    pub fn wire(&mut self, from: PortId, to: PortId) {
        self.wires.push((from, to));
    }

    pub fn phone(&mut self, port: PortId) -> &mut Phone {
        self.phones.get_mut(&port).unwrap()
    }

    pub fn recorded(&self) -> (&[i16], &[i16]) {
        (&self.left, &self.right)
    }

    pub fn digits(&self, port: PortId, by: DigitPath) -> Vec<u8> {
        let told = |fact: &Fact| {
            let Fact::Digit { port: p, digit, by: b } = *fact else {
                return None;
            };
            (p == port && b == by).then_some(digit)
        };
        self.facts.iter().filter_map(told).collect()
    }

    /// So many turns of 20 ms, as the shell runs them.
    pub fn run(&mut self, ticks: usize) {
        for _ in 0..ticks {
            let now_us = self.ticks * 20_000;
            self.ticks += 1;
            for (&port, phone) in &mut self.phones {
                if let Some(packet) = phone.speak() {
                    let _ = self.engine.handle_packet(port, now_us, &packet);
                }
            }
            let wired: Vec<(PortId, Vec<u8>)> = self
                .wires
                .iter()
                .filter_map(|&(from, to)| {
                    let (_, packet) = self.engine.packets().find(|p| p.0 == from)?;
                    Some((to, packet.to_vec()))
                })
                .collect();
            for (to, packet) in wired {
                self.engine.handle_packet(to, now_us, &packet).unwrap();
            }
            self.engine.tick();
            for (port, packet) in self.engine.packets() {
                self.phones.get_mut(&port).unwrap().packets.push(packet.to_vec());
            }
            while let Some(block) = self.engine.poll_block() {
                for pair in block.samples.chunks(2) {
                    self.left.push(pair[0]);
                    self.right.push(pair[1]);
                }
            }
            self.facts.extend(std::iter::from_fn(|| self.engine.poll_fact()));
        }
    }
}

/// The far end of one port.
pub struct Phone {
    pub law: Codec,
    /// What it was sent.
    pub packets: Vec<Vec<u8>>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    sound: Option<Sound>,
    said: Vec<u8>,
    heard: Vec<i16>,
    heard_bytes: Vec<u8>,
    keys: VecDeque<Vec<u8>>,
    lose_every: usize,
    sent: usize,
}

enum Sound {
    Tone { hz: u32, dbm0: i32 },
    Noise(u32),
    Samples(VecDeque<i16>),
}

impl Phone {
    fn new(ssrc: u32) -> Phone {
        Phone {
            law: Codec::Alaw,
            packets: Vec::new(),
            ssrc,
            sequence: 65_500,
            timestamp: u32::MAX - 5000,
            sound: None,
            said: Vec::new(),
            heard: Vec::new(),
            heard_bytes: Vec::new(),
            keys: VecDeque::new(),
            lose_every: usize::MAX,
            sent: 0,
        }
    }

    pub fn say_tone(&mut self, hz: u32, dbm0: i32) {
        self.sound = Some(Sound::Tone { hz, dbm0 });
    }

    pub fn say_noise(&mut self, seed: u32) {
        self.sound = Some(Sound::Noise(seed));
    }

    pub fn mute(&mut self) {
        self.sound = None;
    }

    pub fn lose_every(&mut self, packets: usize) {
        self.lose_every = packets;
    }

    pub fn restart(&mut self, ssrc: u32) {
        self.ssrc = ssrc;
        self.sequence = 1;
        self.timestamp = 0x1234_5678;
    }

    /// Each key: 4 packets growing, 3 with the end bit, one in seven lost, then a pause.
    pub fn press_events(&mut self, keys: &[u8]) {
        for (n, key) in keys.iter().enumerate() {
            let code = b"0123456789*#ABCD".iter().position(|k| k == key).unwrap() as u8;
            let start = self.timestamp.wrapping_add(n as u32 * 1600);
            for part in 1..=7u16 {
                let end = if part > 4 { 0x80 } else { 0 };
                let [high, low] = (part.min(5) * 160).to_be_bytes();
                let payload = [code, end | 10, high, low];
                let bytes = packet(self.ssrc, self.sequence, start, 101, &payload);
                self.sequence = self.sequence.wrapping_add(1);
                self.keys.push_back(if part == 2 { Vec::new() } else { bytes });
            }
        }
    }

    pub fn press_tones(&mut self, keys: &str) {
        let mut samples = VecDeque::new();
        for key in keys.chars() {
            let at = "123A456B789C*0#D".find(key).unwrap();
            let low = sine([697, 770, 852, 941][at / 4], -9, 640);
            let high = sine([1209, 1336, 1477, 1633][at % 4], -7, 640);
            samples.extend(low.iter().zip(&high).map(|(a, b)| a + b));
            samples.extend([0; 640]);
        }
        self.sound = Some(Sound::Samples(samples));
    }

    /// Linear sound it was sent, from this packet on.
    pub fn heard_after(&mut self, packets: usize) -> &[i16] {
        self.listen();
        &self.heard[packets * 160..]
    }

    pub fn heard_bytes(&mut self) -> &[u8] {
        self.listen();
        &self.heard_bytes
    }

    pub fn said_bytes(&self) -> &[u8] {
        &self.said
    }

    fn listen(&mut self) {
        self.heard_bytes = self
            .packets
            .iter()
            .filter(|p| p[1] & 0x7F == self.law.payload_type())
            .flat_map(|p| p[12..].to_vec())
            .collect();
        self.heard = vec![0; self.heard_bytes.len()];
        g711::decode(self.law, &self.heard_bytes, &mut self.heard);
    }

    /// What it sends in this tick.
    fn speak(&mut self) -> Option<Vec<u8>> {
        if let Some(key) = self.keys.pop_front() {
            self.timestamp = self.timestamp.wrapping_add(160);
            return (!key.is_empty()).then_some(key);
        }
        let first = self.sent * 160;
        let bytes = match self.sound.as_mut()? {
            Sound::Tone { hz, dbm0 } => tone(self.law, first, *hz, *dbm0),
            Sound::Noise(state) => (0..160)
                .map(|_| {
                    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (*state >> 24) as u8
                })
                .collect(),
            Sound::Samples(samples) => {
                let frame: Vec<i16> = (0..160).map(|_| samples.pop_front().unwrap_or(0)).collect();
                let mut bytes = vec![0; 160];
                g711::encode(self.law, &frame, &mut bytes);
                bytes
            }
        };
        let payload_type = self.law.payload_type();
        let packet = packet(self.ssrc, self.sequence, self.timestamp, payload_type, &bytes);
        self.said.extend(bytes);
        self.sent += 1;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        (!self.sent.is_multiple_of(self.lose_every)).then_some(packet)
    }
}

fn tone(law: Codec, first: usize, hz: u32, dbm0: i32) -> Vec<u8> {
    let frame: Vec<i16> = (first..first + 160).map(|n| sample(hz, dbm0, n)).collect();
    let mut bytes = vec![0; 160];
    g711::encode(law, &frame, &mut bytes);
    bytes
}

/// An RTP packet written by hand.
pub fn packet(ssrc: u32, sequence: u16, timestamp: u32, pt: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, pt];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// G.711: the largest sine of A-law.
const LOUDEST_SINE_DBM0: f64 = 3.139;

fn sample(hz: u32, dbm0: i32, n: usize) -> i16 {
    let peak = 32767.0 * 10f64.powf((f64::from(dbm0) - LOUDEST_SINE_DBM0) / 20.0);
    (peak * (TAU * f64::from(hz) * n as f64 / 8000.0).sin()).round() as i16
}

pub fn sine(hz: u32, dbm0: i32, samples: usize) -> Vec<i16> {
    (0..samples).map(|n| sample(hz, dbm0, n)).collect()
}

/// Share of the power at one frequency (Goertzel's sum).
pub fn purity(samples: &[i16], hz: f64) -> f64 {
    let total: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    let (re, im) = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, &s)| {
        let (sin, cos) = (TAU * hz * n as f64 / 8000.0).sin_cos();
        (re + f64::from(s) * cos, im + f64::from(s) * sin)
    });
    2.0 * (re * re + im * im) / (samples.len() as f64 * total.max(1.0))
}

/// Mean level, dBm0.
pub fn level(samples: &[i16]) -> i32 {
    let mean = samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / samples.len() as f64;
    (10.0 * (mean.max(1.0) / (32767.0 * 32767.0)).log10() + 6.15).round() as i32
}
