//! The decision.

use call::Tick;

use super::budget::{Allowance, Budget, Thrift};
use super::convolution::Balance;
use super::event::{Day, Event, Outcome};
use super::flight::Flight;
use super::forecast::{Chances, Forecast};
use super::hit::HitRate;
use super::limits::{DIALS_MAX, HORIZONS, SEATS_MAX, TABLES_EVERY_S};
use super::roster::{Duty, Roster};

/// Policy numbers.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    pub thrift: Thrift,
    pub risk_max: f64,
    pub hit_memory_s: f64,
    pub alarm_s: f64,
    pub alarm_z: f64,
    pub guard: f64,
    pub x: [f64; 8],
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            thrift: Thrift {
                rush: 2.0,
                margin: 0.6,
                caution: 1.7,
                care: 2.0,
                trust: 0.97,
                recall: 0.9999,
                first_ratio: 0.5,
                first_worth: 2.0,
            },
            risk_max: 0.25,
            hit_memory_s: 1200.0,
            alarm_s: 90.0,
            alarm_z: 4.0,
            guard: 0.02,
            x: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        }
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Attempts to start now.
    pub dials: usize,
}

/// The pacing of one campaign.
#[derive(Clone, Debug)]
pub struct Pacer {
    tuning: Tuning,
    day: Day,
    roster: Roster,
    flight: Flight,
    forecast: Forecast,
    hit: HitRate,
    budget: Budget,
    waiting: usize,
    accepted: f64,
    tables_due_s: f64,
    balance: Vec<Balance>,
    pub allowance: Allowance,
}

impl Default for Pacer {
    fn default() -> Pacer {
        Pacer::new(Tuning::default())
    }
}

impl Pacer {
    pub fn new(tuning: Tuning) -> Pacer {
        Pacer {
            tuning,
            day: Day {
                end_s: 0.0,
                seats: 0,
                lines: 0,
                cap: 0.0,
                ring_timeout_s: 25.0,
                connect_s: 2.0,
            },
            roster: Roster::new(),
            flight: Flight::new(),
            forecast: Forecast::new(),
            hit: HitRate::new(tuning.hit_memory_s, tuning.alarm_s, tuning.alarm_z),
            budget: Budget::new(tuning.thrift),
            waiting: 0,
            accepted: 0.0,
            tables_due_s: 0.0,
            balance: vec![Balance::surely(0); HORIZONS],
            allowance: Allowance::default(),
        }
    }

    pub fn start_day(&mut self, day: Day) {
        self.day = Day { seats: day.seats.min(SEATS_MAX), ..day };
        self.roster.start_day(self.day.seats);
        self.flight.clear();
        self.hit.start_day();
        self.budget.start_day(day.cap, day.end_s);
        self.waiting = 0;
        self.accepted = 0.0;
        self.tables_due_s = 0.0;
    }

    pub fn handle_event(&mut self, now: Tick, event: Event) {
        let at_s = seconds(now);
        match event {
            Event::Ready(seat) => {
                self.after_wrap(seat, Duty::Ready, at_s);
            }
            Event::Pause(seat) => self.after_wrap(seat, Duty::Pause, at_s),
            Event::Logoff(seat) => self.after_wrap(seat, Duty::Off, at_s),
            Event::Talk(seat, _) => {
                self.roster.change(seat, Duty::Talk, at_s);
                self.waiting = self.waiting.saturating_sub(1);
            }
            Event::Wrap(seat) => {
                if let Some(before) = self.roster.change(seat, Duty::Wrap, at_s) {
                    if before.duty == Duty::Talk {
                        self.forecast.talk.learn(at_s - before.since_s);
                    }
                }
            }
            Event::Dialed(id) => {
                self.flight.start(id, at_s, self.accepted);
            }
            Event::Result(id, outcome) => self.resolve(at_s, id, outcome),
            Event::Abandoned(_) => {
                self.waiting = self.waiting.saturating_sub(1);
                self.budget.abandoned();
            }
        }
    }

    pub fn debug(&self) -> String {
        format!(
            "live {} lost {} {:?} ratio {:.3}",
            self.budget.live,
            self.budget.lost,
            self.allowance,
            self.budget.ratio()
        )
    }

    fn after_wrap(&mut self, seat: usize, duty: Duty, at_s: f64) {
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

    fn resolve(&mut self, at_s: f64, id: u64, outcome: Outcome) {
        let Some(attempt) = self.flight.end(id) else { return };
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

    pub fn decide(&mut self, now: Tick, free_lines: usize) -> Decision {
        let at_s = seconds(now);
        if at_s >= self.tables_due_s {
            self.tables_due_s = at_s + TABLES_EVERY_S;
            self.forecast.rebuild(at_s, self.day.connect_s);
        }
        if self.roster.staffed() == 0 || free_lines == 0 || at_s >= self.day.end_s {
            return Decision { dials: 0 };
        }
        let hit = self.hit.now(at_s);
        let free = self.roster.ready as i32 - self.waiting as i32;
        for balance in &mut self.balance {
            balance.reset(free);
        }
        for seat in self.roster.seats() {
            let age_s = at_s - seat.since_s;
            let chances = match seat.duty {
                Duty::Talk => self.forecast.talking(age_s),
                Duty::Wrap => self.forecast.wrapping(age_s),
                Duty::Pause => self.forecast.pausing(age_s),
                Duty::Off | Duty::Ready => continue,
            };
            for (balance, p) in self.balance.iter_mut().zip(chances) {
                balance.up(p);
            }
        }
        let mut last: Option<(f64, Chances, f64)> = None;
        let mut pending = 0.0;
        for attempt in self.flight.ringing() {
            let (chances, answers) = match last {
                Some((dialed_s, chances, answers)) if dialed_s == attempt.dialed_s => {
                    (chances, answers)
                }
                _ => {
                    let (chances, answers) = self.forecast.ringing(at_s - attempt.dialed_s, hit);
                    last = Some((attempt.dialed_s, chances, answers));
                    (chances, answers)
                }
            };
            pending += answers * attempt.risk;
            for (balance, p) in self.balance.iter_mut().zip(chances) {
                balance.down(p);
            }
        }
        let likely = pending * self.budget.ratio();
        let late = (self.waiting as f64 - self.roster.ready as f64).max(0.0);
        let allowance = self.budget.allow(at_s, likely + 0.5 * late);
        self.allowance = allowance;
        let risk = allowance.risk.min(self.tuning.risk_max);
        let worst = (allowance.whole.max(0.0) as i32).min(50);
        let most = free_lines.min(DIALS_MAX).min(self.flight.room());
        let mut dials = 0;
        while dials < most {
            let own: f64 = self.balance.iter().map(|b| b.at_most(0)).sum::<f64>() / HORIZONS as f64;
            if own > risk + 1e-6 {
                break;
            }
            let over = self.balance.iter().map(|b| b.at_most(-worst)).fold(0.0, f64::max);
            if over > self.tuning.guard && own > 1e-6 {
                break;
            }
            dials += 1;
            for (at, balance) in self.balance.iter_mut().enumerate() {
                balance.down(hit * (at as f64 + 0.5) / HORIZONS as f64);
            }
        }
        self.accepted = risk;
        Decision { dials }
    }
}

fn seconds(now: Tick) -> f64 {
    now.0 as f64 / 1000.0
}
