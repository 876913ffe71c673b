//! A user and a network back to back, over a wire that may be bad.

use super::*;
use board_port::fcs;

/// A generator that needs nothing (xorshift64*): the same seed gives the same weather.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// 0 to `below` - 1.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % below
    }
}

/// What the wire does to frames, in parts of 1 000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    pub lose: u64,
    pub double: u64,
    /// One bit is turned; the check sequence finds it.
    pub corrupt: u64,
}

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    User,
    Network,
}

impl End {
    pub const BOTH: [End; 2] = [End::User, End::Network];

    pub fn other(self) -> End {
        match self {
            End::User => End::Network,
            End::Network => End::User,
        }
    }
}

/// Both ends and the wire.
pub struct Pair {
    pub now: Tick,
    pub start: Tick,
    ends: [DChannel; 2],
    /// Frames on their way, in order of arrival: (when, a number) to (to whom, octets).
    wire: BTreeMap<(Tick, u64), (End, Vec<u8>)>,
    sent: u64,
    pub dice: Dice,
    pub weather: Weather,
    /// How long a frame takes, in milliseconds.
    pub delay_ms: u64,
    /// What the ends told their owners, but for counts.
    pub facts: Vec<(End, Output)>,
    /// Messages, one a line.
    pub ladder: Vec<String>,
}

impl Pair {
    pub fn new(seed: u64, change: impl Fn(&mut Config)) -> Pair {
        let now = Tick(1_000);
        let end = |role| {
            let mut config = Config::new(role);
            change(&mut config);
            DChannel::new(now, config)
        };
        let mut pair = Pair {
            now,
            start: now,
            ends: [end(Role::User), end(Role::Network)],
            wire: BTreeMap::new(),
            sent: 0,
            dice: Dice::new(seed),
            weather: Weather::default(),
            delay_ms: 10,
            facts: Vec::new(),
            ladder: Vec::new(),
        };
        pair.collect();
        pair.run(200);
        for end in End::BOTH {
            assert!(pair.at(end).snapshot().up);
        }
        pair.facts.clear();
        pair.start = pair.now;
        pair
    }

    pub fn at(&self, end: End) -> &DChannel {
        &self.ends[end as usize]
    }

    /// The owner of an end does something.
    pub fn act<T>(&mut self, end: End, act: impl FnOnce(&mut DChannel, Tick) -> T) -> T {
        let done = act(&mut self.ends[end as usize], self.now);
        self.collect();
        done
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Tick> {
        let timers = self.ends.iter().filter_map(|end| end.next_timeout().map(|(at, _)| at));
        let frame = self.wire.first_key_value().map(|((at, _), _)| *at);
        timers.chain(frame).min()
    }

    /// Lets `ms` milliseconds pass.
    pub fn run(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some(at) = self.next().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            if let Some(entry) = self.wire.first_entry().filter(|e| e.key().0 <= self.now) {
                let (end, frame) = entry.remove();
                self.arrive(end, &frame);
            } else {
                for end in &mut self.ends {
                    end.handle_timeout(self.now);
                }
            }
            self.collect();
        }
        self.now = until;
    }

    fn arrive(&mut self, end: End, frame: &[u8]) {
        if let Some(frame) = fcs::check(frame) {
            self.ends[end as usize].handle_frame(self.now, frame);
        }
    }

    fn collect(&mut self) {
        for end in End::BOTH {
            while let Some(output) = self.ends[end as usize].poll() {
                match output {
                    Output::Send(frame) => self.send(end, frame),
                    Output::Counted(_) => {}
                    fact => self.facts.push((end, fact)),
                }
            }
        }
    }

    fn send(&mut self, from: End, mut frame: Vec<u8>) {
        self.write_down(from, &frame);
        frame.extend(fcs::of(&frame).to_le_bytes());
        let Weather { lose, double, corrupt } = self.weather;
        let copies = 1 + u64::from(self.dice.roll(1_000) < double);
        for _ in 0..copies {
            let mut frame = frame.clone();
            if self.dice.roll(1_000) < corrupt {
                let at = self.dice.roll(frame.len() as u64) as usize;
                frame[at] ^= 1 << self.dice.roll(8);
            }
            if self.dice.roll(1_000) >= lose {
                self.sent += 1;
                let key = (self.now + self.delay_ms, self.sent);
                self.wire.insert(key, (from.other(), frame));
            }
        }
    }

    fn write_down(&mut self, from: End, frame: &[u8]) {
        let [_, _, control, _, message @ ..] = frame else { return };
        if control & 1 == 1 || message.is_empty() {
            return;
        }
        let decoded = wire::decode(message).unwrap();
        let lines = wire::show(&decoded, Digits::Plain);
        let way = if from == End::User { "user ─► net" } else { "user ◄─ net" };
        let ms = self.now - self.start;
        self.ladder.push(format!("{ms:>7} {way} {}", lines.join(" | ")));
    }
}
