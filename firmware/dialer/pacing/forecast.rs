//! What the next seconds may bring: the chance that each busy agent is free, and that each
//! ringing attempt has been answered, by each horizon.
//!
//! Horizons are quantiles of the answer delay of an attempt started now, so that a candidate
//! dial is judged where its own answer would fall. A busy agent counts as free when the call and
//! the wrap-up end within the horizon and the time a live answer may wait.

use super::limits::{
    HORIZONS, LAW_MEMORY, PAUSE_BIN_S, PAUSE_BINS, RING_BIN_S, RING_BINS, SLOT_S, SLOTS, TALK_BINS,
    WRAP_BINS,
};
use super::survival::{Law, log_normal};

/// One chance for every horizon.
pub type Chances = [f64; HORIZONS];

/// Talk ages are tabled every second up to two minutes, then every six seconds.
const TALK_FINE_S: usize = 120;
const TALK_AGES: usize = 400;
const TALK_COARSE_S: f64 = 6.0;

/// Learned laws and the tables made of them.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Delay from the dial to a live answer.
    pub answer: Law,
    /// Delay from the dial to any other end.
    pub other: Law,
    /// Talk time.
    pub talk: Law,
    /// Wrap-up time.
    pub wrap: Law,
    /// Length of a pause.
    pub pause: Law,
    pausing: [(f64, f64); SLOTS],
    slot: usize,
    horizon_s: Chances,
    talk_by_age: Vec<Chances>,
    wrap_by_age: Vec<Chances>,
    pause_by_age: Vec<Chances>,
}

impl Default for Forecast {
    fn default() -> Forecast {
        Forecast::new()
    }
}

impl Forecast {
    /// The laws of an ordinary campaign, believed a little.
    pub fn new() -> Forecast {
        let ring = |prior: fn(f64) -> f64| {
            Law::new(RING_BINS, RING_BIN_S, LAW_MEMORY, 0.04, 0.0, 20.0, prior)
        };
        let mut forecast = Forecast {
            answer: ring(|s| log_normal(s, 10.0, 0.5)),
            other: ring(|s| 0.3 * log_normal(s, 4.0, 0.4) + 0.7 * log_normal(s, 24.0, 0.2)),
            talk: Law::new(TALK_BINS, 1.0, LAW_MEMORY, 0.08, 150.0, 20.0, |s| {
                0.4 * log_normal(s, 25.0, 0.8) + 0.6 * log_normal(s, 130.0, 0.9)
            }),
            wrap: Law::new(WRAP_BINS, 1.0, LAW_MEMORY, 0.08, 40.0, 20.0, |s| {
                log_normal(s, 18.0, 0.7)
            }),
            pause: Law::new(PAUSE_BINS, PAUSE_BIN_S, 400.0, 0.02, 600.0, 5.0, |s| {
                log_normal(s, 600.0, 1.0)
            }),
            pausing: [(0.02 * 20.0, 20.0); SLOTS],
            slot: SLOTS,
            horizon_s: [0.0; HORIZONS],
            talk_by_age: vec![[0.0; HORIZONS]; TALK_AGES],
            wrap_by_age: vec![[0.0; HORIZONS]; WRAP_BINS],
            pause_by_age: vec![[0.0; HORIZONS]; PAUSE_BINS],
        };
        forecast.rebuild(0.0, 2.0);
        forecast
    }

    /// An agent ended a wrap-up, and paused (or left) instead of waiting for a call, or not.
    pub fn learn_pausing(&mut self, at_s: f64, paused: bool) {
        if let Some(slot) = self.pausing.get_mut(slot_of(at_s)) {
            slot.0 += f64::from(u8::from(paused));
            slot.1 += 1.0;
            if slot.1 > 400.0 {
                slot.0 *= 0.5;
                slot.1 *= 0.5;
            }
        }
    }

    /// Takes what was learned into the tables, for a wait of `connect_s`.
    pub fn rebuild(&mut self, at_s: f64, connect_s: f64) {
        let answers = self.answer.rebuild();
        self.other.rebuild();
        let slot = slot_of(at_s);
        let (talks, wraps) = (self.talk.rebuild(), self.wrap.rebuild());
        let pauses = self.pause.rebuild();
        if !(answers || talks || wraps || pauses) && slot == self.slot {
            return;
        }
        self.slot = slot;
        for (at, horizon) in self.horizon_s.iter_mut().enumerate() {
            *horizon = self.answer.quantile_s((at as f64 + 0.5) / HORIZONS as f64);
        }
        let (paused, ends) = self.pausing.get(slot).copied().unwrap_or((0.0, 1.0));
        let stays = 1.0 - paused / ends.max(1.0);
        let by = self.horizon_s.map(|horizon| horizon + connect_s);
        for (age, row) in self.wrap_by_age.iter_mut().enumerate() {
            *row = by.map(|by| stays * self.wrap.ends_within(age as f64 + 0.5, by));
        }
        for (age, row) in self.pause_by_age.iter_mut().enumerate() {
            *row = by.map(|by| self.pause.ends_within((age as f64 + 0.5) * PAUSE_BIN_S, by));
        }
        for (age, row) in self.talk_by_age.iter_mut().enumerate() {
            *row = by.map(|by| stays * through_wrap(&self.talk, &self.wrap, talk_age_s(age), by));
        }
    }

    /// The horizons, seconds from now.
    pub fn horizons_s(&self) -> &Chances {
        &self.horizon_s
    }

    /// An agent who has talked for `age_s`.
    pub fn talking(&self, age_s: f64) -> Chances {
        row(&self.talk_by_age, talk_row(age_s))
    }

    /// An agent who has been in wrap-up for `age_s`.
    pub fn wrapping(&self, age_s: f64) -> Chances {
        row(&self.wrap_by_age, age_s.max(0.0) as usize)
    }

    /// An agent who has been away for `age_s`.
    pub fn pausing(&self, age_s: f64) -> Chances {
        row(&self.pause_by_age, (age_s.max(0.0) / PAUSE_BIN_S) as usize)
    }

    /// An attempt that has rung for `age_s`, when one in `1 / hit` meets a person; and the chance
    /// that it is answered at all.
    pub fn ringing(&self, age_s: f64, hit: f64) -> (Chances, f64) {
        let (answered, ended) = (self.answer.over_by(age_s), self.other.over_by(age_s));
        let all = hit * (1.0 - answered) + (1.0 - hit) * (1.0 - ended).max(0.02);
        if all < 1e-9 {
            return ([0.0; HORIZONS], 0.0);
        }
        let by = |horizon: f64| {
            (hit * (self.answer.over_by(age_s + horizon) - answered) / all).clamp(0.0, 1.0)
        };
        (self.horizon_s.map(by), hit * (1.0 - answered) / all)
    }
}

/// The chance that a talk of age `age_s` ends and its wrap-up too, within `by_s`.
fn through_wrap(talk: &Law, wrap: &Law, age_s: f64, by_s: f64) -> f64 {
    let left = 1.0 - talk.over_by(age_s);
    if left < 1e-6 {
        return 0.02;
    }
    let (mut sum, mut at, mut over) = (0.0, 0.0, talk.over_by(age_s));
    while at < by_s {
        let step = (by_s - at).min(1.0);
        let next = talk.over_by(age_s + at + step);
        sum += (next - over) * wrap.over_by(by_s - at - 0.5 * step);
        over = next;
        at += 1.0;
    }
    (sum / left).clamp(0.0, 1.0)
}

fn talk_row(age_s: f64) -> usize {
    let age = age_s.max(0.0);
    if age < TALK_FINE_S as f64 {
        age as usize
    } else {
        TALK_FINE_S + ((age - TALK_FINE_S as f64) / TALK_COARSE_S) as usize
    }
}

fn talk_age_s(row: usize) -> f64 {
    if row < TALK_FINE_S {
        row as f64 + 0.5
    } else {
        TALK_FINE_S as f64 + (row - TALK_FINE_S) as f64 * TALK_COARSE_S + 0.5 * TALK_COARSE_S
    }
}

fn row(table: &[Chances], at: usize) -> Chances {
    table.get(at.min(table.len().saturating_sub(1))).copied().unwrap_or([0.0; HORIZONS])
}

fn slot_of(at_s: f64) -> usize {
    ((at_s.max(0.0) / SLOT_S) as usize).min(SLOTS - 1)
}
