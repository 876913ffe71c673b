//! The pacing of one campaign: what it has been told, and what it has learned from it.
//!
//! Within a day it follows seats and attempts; from day to day it keeps the laws of durations, the
//! habits of the hours, and how well its own risks were judged. The decision is in
//! [`super::decide`].

use call::Tick;

use super::budget::{Budget, Thrift};
use super::convolution::Balance;
use super::event::{Day, Event, Outcome};
use super::flight::Flight;
use super::forecast::Forecast;
use super::hit::HitRate;
use super::limits::{
    ALARM_DEVIATIONS, ALARM_S, CLUSTER_RISK_MAX, HIT_MEMORY_S, HORIZONS, RISK_MAX, SEATS_MAX,
};
use super::roster::{Duty, Roster};

/// Policy numbers of a pacer; the defaults are what measured best (see `WHY.md`).
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// How the budget is spent.
    pub thrift: Thrift,
    /// No dial may have a higher chance to find nobody once answered.
    pub risk_max: f64,
    /// Memory of today's hit rate, seconds.
    pub hit_memory_s: f64,
    /// Window that notices a sudden change of the hit rate, seconds.
    pub alarm_s: f64,
    /// Standard deviations at which that window is believed.
    pub alarm_deviations: f64,
    /// Highest chance, at any horizon, to lose more than what is left.
    pub cluster_risk_max: f64,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            thrift: Thrift::default(),
            risk_max: RISK_MAX,
            hit_memory_s: HIT_MEMORY_S,
            alarm_s: ALARM_S,
            alarm_deviations: ALARM_DEVIATIONS,
            cluster_risk_max: CLUSTER_RISK_MAX,
        }
    }
}

/// The pacing of one campaign.
#[derive(Clone, Debug)]
pub struct Pacer {
    pub(super) tuning: Tuning,
    pub(super) day: Day,
    pub(super) roster: Roster,
    pub(super) flight: Flight,
    pub(super) forecast: Forecast,
    pub(super) hit: HitRate,
    pub(super) budget: Budget,
    /// Live answers that wait for an agent.
    pub(super) waiting: usize,
    /// The risk accepted for the attempts of the last decision.
    pub(super) accepted: f64,
    /// Answers of a one-to-one hour as a share of today's.
    pub(super) slow: f64,
    /// How much more a lost call buys now than later today.
    pub(super) emphasis: f64,
    /// Slow mean of an agent's wait, seconds.
    pub(super) wait_s: f64,
    /// Lines of a cap of zero as a share of those of the usual cap, a slow mean.
    pub(super) bare_share: f64,
    pub(super) tables_due_s: f64,
    pub(super) balance: Vec<Balance>,
}

impl Default for Pacer {
    fn default() -> Pacer {
        Pacer::new(Tuning::default())
    }
}

/// What one more wait weighs in the slow mean of waits.
const WAIT_WEIGHT: f64 = 0.01;

impl Pacer {
    /// A cold start: nothing learned, no day begun.
    pub fn new(tuning: Tuning) -> Pacer {
        Pacer {
            tuning,
            day: Day {
                end_s: 0.0,
                seats: 0,
                lines: 0,
                cap: 0.0,
                ring_timeout_s: 0.0,
                connect_s: 0.0,
            },
            roster: Roster::new(),
            flight: Flight::new(),
            forecast: Forecast::new(),
            hit: HitRate::new(tuning.hit_memory_s, tuning.alarm_s, tuning.alarm_deviations),
            budget: Budget::new(tuning.thrift),
            waiting: 0,
            accepted: 0.0,
            slow: 0.6,
            emphasis: 1.0,
            wait_s: 60.0,
            bare_share: 1.0,
            tables_due_s: 0.0,
            balance: vec![Balance::surely(0); HORIZONS],
        }
    }

    /// A new day: all seats are empty, nothing is in flight, the budget is whole. What earlier
    /// days taught is kept. Seats beyond [`SEATS_MAX`] are not followed: they count as absent.
    pub fn start_day(&mut self, day: Day) {
        self.day = Day { seats: day.seats.min(SEATS_MAX), ..day };
        self.roster.start_day(self.day.seats);
        self.flight.clear();
        self.hit.start_day();
        self.budget.start_day(day.cap, day.end_s);
        (self.waiting, self.accepted, self.tables_due_s) = (0, 0.0, 0.0);
    }

    /// Takes one thing that happened. Events about seats or attempts that do not exist change
    /// nothing.
    pub fn handle_event(&mut self, now: Tick, event: Event) {
        let at_s = seconds(now);
        match event {
            Event::Ready(seat) => self.leaves(seat, Duty::Ready, at_s),
            Event::Pause(seat) => self.leaves(seat, Duty::Pause, at_s),
            Event::Logoff(seat) => self.leaves(seat, Duty::Off, at_s),
            Event::Talk(seat, _) => {
                self.waiting = self.waiting.saturating_sub(1);
                let before = self.roster.change(seat, Duty::Talk, at_s);
                if let Some(since_s) = before.filter(|b| b.duty == Duty::Ready).map(|b| b.since_s) {
                    self.wait_s += WAIT_WEIGHT * (at_s - since_s - self.wait_s);
                }
            }
            Event::Wrap(seat) => {
                let before = self.roster.change(seat, Duty::Wrap, at_s);
                if let Some(since_s) = before.filter(|b| b.duty == Duty::Talk).map(|b| b.since_s) {
                    self.forecast.talk.learn(at_s - since_s);
                }
            }
            Event::Dialed(attempt) => {
                self.flight.start(attempt, at_s, self.accepted);
            }
            Event::Result(attempt, outcome) => self.resolve(at_s, attempt, outcome),
            Event::Abandoned(_) => {
                self.waiting = self.waiting.saturating_sub(1);
                self.budget.abandoned();
            }
        }
    }

    /// Live answers so far today, and how many of them found nobody.
    pub fn today(&self) -> (u64, u64) {
        (self.budget.live as u64, self.budget.lost as u64)
    }

    /// Attempts that ring now.
    pub fn ringing(&self) -> usize {
        self.flight.ringing
    }

    /// Agents who wait for a call now.
    pub fn ready(&self) -> usize {
        self.roster.ready
    }

    /// Seconds an agent waits for a call when each has one line.
    pub fn one_to_one_wait_s(&self, at_s: f64) -> f64 {
        let hit = self.hit.now(at_s);
        let try_s =
            hit * self.forecast.answer.mean_s() + (1.0 - hit) * self.forecast.other.mean_s();
        try_s / hit
    }

    /// Answers of an hour with one line per waiting agent, as a share of an hour as it is now.
    pub(super) fn one_to_one_share(&self, at_s: f64) -> f64 {
        let call_s = self.forecast.talk.mean_s() + self.forecast.wrap.mean_s();
        let share = (self.wait_s + call_s) / (self.one_to_one_wait_s(at_s) + call_s);
        share.clamp(0.2, 1.0)
    }

    fn leaves(&mut self, seat: usize, duty: Duty, at_s: f64) {
        let Some(before) = self.roster.change(seat, duty, at_s) else { return };
        match before.duty {
            Duty::Wrap => {
                self.forecast.wrap.learn(at_s - before.since_s);
                self.forecast.learn_pausing(at_s, duty != Duty::Ready);
            }
            Duty::Pause => self.forecast.pause.learn(at_s - before.since_s),
            Duty::Off | Duty::Ready | Duty::Talk => {}
        }
    }

    fn resolve(&mut self, at_s: f64, attempt: u64, outcome: Outcome) {
        let Some(attempt) = self.flight.end(attempt) else { return };
        let human = outcome == Outcome::Human;
        self.hit.learn(at_s, human);
        if human {
            self.forecast.answer.learn(at_s - attempt.dialed_s);
            self.budget.answered(at_s, attempt.risk);
            self.waiting += 1;
        } else {
            self.forecast.other.learn(at_s - attempt.dialed_s);
        }
    }
}

/// Seconds since the start of the day.
pub(super) fn seconds(now: Tick) -> f64 {
    now.0 as f64 / 1000.0
}
