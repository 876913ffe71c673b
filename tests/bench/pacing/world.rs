//! What the people called and the agents are like.

use crate::draw::Draw;

/// A law of a duration, seconds.
#[derive(Clone, Copy, Debug)]
pub enum Span {
    /// Log-normal: median and sigma.
    Skewed(f64, f64),
    /// Exponential: mean.
    Memoryless(f64),
    /// Always the same.
    Fixed(f64),
    /// Whole rings of a cadence: length of one ring, and the chance to pick up after each.
    Rings(f64, f64),
}

impl Span {
    fn take(self, draw: Draw, day: u64, who: u64, what: u64) -> f64 {
        let unit = draw.unit(day, who, what);
        match self {
            Span::Skewed(median, sigma) => median * (sigma * draw.normal(day, who, what)).exp(),
            Span::Memoryless(mean) => -mean * unit.ln(),
            Span::Fixed(length) => length,
            Span::Rings(length, pick) => length * (unit.ln() / (1.0 - pick).ln()).ceil(),
        }
    }
}

/// How one attempt will go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// A person, who wants to talk this long and leaves this much wrap-up, seconds.
    Person(f64, f64),
    /// A person whom the detector takes for a machine.
    Missed,
    /// A machine.
    Machine,
    /// A machine that reaches an agent: a short call.
    Passed(f64, f64),
    /// It rings out.
    NoAnswer,
    /// Busy.
    Busy,
    /// The number does not work.
    Dead,
}

/// A campaign's world. Times are seconds.
#[derive(Clone, Debug)]
pub struct World {
    /// Its name in the table.
    pub name: &'static str,
    /// Seats.
    pub agents: usize,
    /// Lines.
    pub lines: usize,
    /// Length of a day.
    pub end_s: f64,
    /// Its randomness.
    pub seed: u64,
    /// Mean share of attempts that meet a person.
    pub hit: f64,
    /// Relative swing of it over the day.
    pub swing: f64,
    /// Relative spread of it between days.
    pub spread: f64,
    /// From this time on it is multiplied.
    pub jumps: Vec<(f64, f64)>,
    /// Attempts in the list of a day, when it ends before the day.
    pub list: Option<u64>,
    /// Talk: weights and laws.
    pub talk: Vec<(f64, Span)>,
    /// Talk times grow by this share over the day.
    pub talk_growth: f64,
    /// Wrap-up.
    pub wrap: Span,
    /// Ringing until a person answers.
    pub ring: Span,
    /// Ringing that is given up.
    pub ring_timeout_s: f64,
    /// Breaks of each agent a day, and their length.
    pub breaks: (u32, f64),
    /// A share of the agents leaves together at a time, for a time.
    pub exodus: Option<(f64, f64, f64)>,
    /// Shares of persons missed and machines passed by the detector.
    pub errors: (f64, f64),
}

/// A live answer that waits longer than this is abandoned.
pub const CONNECT_S: f64 = 2.0;
/// Time of the network before ringing starts.
const SETUP: Span = Span::Skewed(2.2, 0.35);
/// Of the attempts that meet nobody: machines, no answer, busy; the rest is dead.
const OTHERS: [f64; 3] = [0.33, 0.40, 0.12];

impl World {
    /// An ordinary campaign.
    pub fn new(name: &'static str, agents: usize, lines: usize, hit: f64, seed: u64) -> World {
        World {
            name,
            agents,
            lines,
            end_s: 28_800.0,
            seed,
            hit,
            swing: 0.15,
            spread: 0.1,
            jumps: Vec::new(),
            list: None,
            talk: vec![(0.4, Span::Skewed(25.0, 0.6)), (0.6, Span::Skewed(140.0, 0.7))],
            talk_growth: 0.0,
            wrap: Span::Skewed(14.0, 0.6),
            ring: Span::Skewed(8.0, 0.55),
            ring_timeout_s: 25.0,
            breaks: (3, 600.0),
            exodus: None,
            errors: (0.0, 0.0),
        }
    }

    /// The share of attempts started at `at_s` of `day` that meet a person.
    pub fn hit_at(&self, day: u64, at_s: f64) -> f64 {
        let draw = Draw(self.seed);
        let day_factor = (self.spread * draw.normal(day, 0, 900)).exp();
        let turn = std::f64::consts::TAU * (at_s / self.end_s + draw.unit(0, 0, 901));
        let jumps = self.jumps.iter().filter(|jump| at_s >= jump.0).map(|jump| jump.1);
        let hit = self.hit * day_factor * (1.0 + self.swing * turn.sin());
        (hit * jumps.product::<f64>()).clamp(0.005, 0.9)
    }

    /// Attempt `who` of `day`, dialled at `at_s`: what happens, and after how long.
    pub fn fate(&self, day: u64, who: u64, at_s: f64) -> (Fate, f64) {
        let draw = Draw(self.seed);
        let setup_s = SETUP.take(draw, day, who, 1).min(8.0);
        if draw.unit(day, who, 2) < self.hit_at(day, at_s) {
            let ring_s = self.ring.take(draw, day, who, 3).min(self.ring_timeout_s);
            let fate = if draw.unit(day, who, 4) < self.errors.0 {
                Fate::Missed
            } else {
                let growth = 1.0 + self.talk_growth * (at_s / self.end_s - 0.5);
                let talk = self.mixed_talk(draw, day, who) * growth;
                let wrap = self.wrap.take(draw, day, who, 7);
                Fate::Person(talk.clamp(2.0, 3600.0), wrap.clamp(1.0, 900.0))
            };
            return (fate, setup_s + ring_s);
        }
        let kind = draw.unit(day, who, 5);
        if kind < OTHERS[0] {
            let quick = draw.unit(day, who, 8) < 0.3;
            let ring_s = if quick { 0.5 } else { 17.0 + 4.0 * draw.unit(day, who, 9) };
            let passed = draw.unit(day, who, 4) < self.errors.1;
            let fate = if passed { Fate::Passed(6.0, 3.0) } else { Fate::Machine };
            (fate, setup_s + ring_s.min(self.ring_timeout_s) + 2.0)
        } else if kind < OTHERS[0] + OTHERS[1] {
            (Fate::NoAnswer, setup_s + self.ring_timeout_s)
        } else if kind < OTHERS[0] + OTHERS[1] + OTHERS[2] {
            (Fate::Busy, setup_s + 1.0)
        } else {
            (Fate::Dead, setup_s + 2.0 * draw.unit(day, who, 10))
        }
    }

    fn mixed_talk(&self, draw: Draw, day: u64, who: u64) -> f64 {
        let all: f64 = self.talk.iter().map(|part| part.0).sum();
        let mut left = draw.unit(day, who, 6) * all;
        let mut law = Span::Fixed(60.0);
        for part in &self.talk {
            law = part.1;
            if left <= part.0 {
                break;
            }
            left -= part.0;
        }
        law.take(draw, day, who, 11)
    }
}

/// The worlds of the bench. None has the laws of another.
pub fn worlds() -> Vec<World> {
    let base = World::new;
    vec![
        World { talk: vec![(1.0, Span::Memoryless(110.0))], ..base("pair", 2, 16, 0.22, 11) },
        World { wrap: Span::Fixed(10.0), ..base("trio-fixed-wrap", 3, 24, 0.35, 12) },
        World { ring: Span::Rings(5.0, 0.4), swing: 0.3, ..base("five-rings", 5, 60, 0.12, 13) },
        World { end_s: 7_200.0, ..base("five-short-days", 5, 50, 0.15, 21) },
        World {
            jumps: vec![(9_000.0, 0.5), (20_000.0, 2.2)],
            ..base("eight-jumps", 8, 70, 0.25, 14)
        },
        World { list: Some(6_000), ..base("ten-list-ends", 10, 90, 0.2, 15) },
        World {
            talk: vec![(0.5, Span::Skewed(20.0, 0.5)), (0.5, Span::Skewed(420.0, 0.4))],
            talk_growth: 0.4,
            ..base("twelve-long-calls", 12, 60, 0.4, 16)
        },
        World { errors: (0.004, 0.1), ..base("fifteen-detector", 15, 110, 0.2, 17) },
        World { exodus: Some((12_000.0, 0.6, 2_400.0)), ..base("thirty-exodus", 30, 200, 0.3, 18) },
        World { swing: 0.45, spread: 0.25, ..base("forty-drift", 40, 380, 0.12, 19) },
        World { breaks: (6, 300.0), ..base("hundred-breaks", 100, 400, 0.3, 20) },
    ]
}
