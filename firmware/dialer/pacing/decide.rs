//! The decision: dial one more while the chance that its answer finds nobody is worth it.
//!
//! At each horizon the exact distribution of (agents free by then) - (answers come by then) is
//! made from the ages of every busy agent and every ringing call. A candidate finds nobody where
//! that number is zero or less; its risk is the mean over the horizons, which are the quantiles
//! of its own answer delay. It is dialled while the risk is within what the budget buys; each
//! dial moves the distributions, so the next one sees it.

use call::Tick;

use super::budget::InFlight;
use super::explain::{Decision, Forgone, Outlook, Reason};
use super::forecast::Chances;
use super::limits::{DIALS_MAX, HORIZONS, TABLES_EVERY_S, USUAL_CAP};
use super::pacer::{Pacer, seconds};
use super::roster::Duty;

/// What a decision may use. Campaigns that share agents and lines get theirs from
/// [`super::share`], a campaign that has just changed its mode from [`super::ramp`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Means {
    /// Lines that may be dialled on now.
    pub free_lines: usize,
    /// Waiting agents that this campaign may count on, when others may take them too.
    pub waiting_agents: Option<usize>,
    /// Share of the agents who become free that will come to this campaign, 0..=1.
    pub freeing_share: f64,
    /// Share of the full risk that may be taken, 0..=1; zero is one-to-one.
    pub risk_share: f64,
    /// Most dials of this decision.
    pub most_dials: usize,
}

impl Means {
    /// A campaign that shares nothing.
    pub fn alone(free_lines: usize) -> Means {
        Means {
            free_lines,
            waiting_agents: None,
            freeing_share: 1.0,
            risk_share: 1.0,
            most_dials: usize::MAX,
        }
    }
}

/// Risks below this are rounding.
const NO_RISK: f64 = 1e-6;
/// What one more decision weighs in the slow mean of lines at a cap of zero.
const SHARE_WEIGHT: f64 = 0.002;
/// Of an answer that waits while no agent is free, so many are lost.
const LATE_LOST: f64 = 0.5;

impl Pacer {
    /// How many more people to call now, with `free_lines` to call on.
    pub fn decide(&mut self, now: Tick, free_lines: usize) -> Decision {
        self.decide_within(now, Means::alone(free_lines))
    }

    /// How many more people to call now, within `means`.
    pub fn decide_within(&mut self, now: Tick, means: Means) -> Decision {
        let at_s = seconds(now);
        self.accepted = 0.0;
        if at_s >= self.day.end_s {
            return self.nothing(at_s, Reason::DayOver);
        }
        if at_s >= self.tables_due_s {
            self.tables_due_s = at_s + TABLES_EVERY_S;
            self.forecast.rebuild(at_s, self.day.connect_s);
            self.slow = self.one_to_one_share(at_s);
            self.budget.weigh(at_s);
            self.emphasis = self.budget.emphasis(at_s, |at_s| self.hit.habit(at_s));
        }
        if self.roster.staffed() == 0 {
            return self.nothing(at_s, Reason::NobodyThere);
        }
        if means.free_lines == 0 {
            return self.nothing(at_s, Reason::NoFreeLine);
        }
        let hit = self.hit.now(at_s);
        let ready = means.waiting_agents.map_or(self.roster.ready, |n| n.min(self.roster.ready));
        let free = ready as i32 - self.waiting as i32;
        let mut outlook = self.foresee_agents(at_s, free, means.freeing_share);
        let mut flying = self.foresee_answers(at_s, hit, &mut outlook);
        let late = (self.waiting as f64 - ready as f64).max(0.0) * LATE_LOST;
        flying.losses = flying.losses * self.budget.ratio() + late;
        let allowance = self.budget.allow(at_s, flying, self.slow, self.emphasis);

        let most = means.free_lines.min(means.most_dials).min(DIALS_MAX).min(self.flight.room());
        let (dials, reason) = if self.day.cap <= 0.0 {
            // Only an agent who leaves during the ringing can make an answer find nobody.
            let spare = usize::try_from(free).unwrap_or(0).saturating_sub(self.flight.ringing);
            let dials = spare.min(most);
            self.take_off(hit, dials);
            (dials, Reason::CapZero)
        } else {
            let risk = allowance.risk.min(self.tuning.risk_max) * means.risk_share.clamp(0.0, 1.0);
            self.accepted = risk;
            let (dials, reason) = self.search(hit, risk, allowance.whole, most);
            let spent = reason == Reason::RiskReached && allowance.rate <= 0.0;
            (dials, if spent { Reason::BudgetSpent } else { reason })
        };
        let reason = if dials == most && dials > 0 { bound(most, means, self) } else { reason };
        for (at, (seen, balance)) in outlook.iter_mut().zip(&self.balance).enumerate() {
            seen.answers += hit * reach(at) * dials as f64;
            seen.finds_nobody = balance.at_most(0);
        }
        let next_abandons = hit * self.own_risk();
        Decision {
            dials,
            reason,
            outlook,
            next_abandons,
            hit,
            allowance,
            wait_s: self.wait_s,
            one_to_one_wait_s: self.one_to_one_wait_s(at_s),
            forgone: (self.day.cap <= 0.0).then(|| self.forgo(at_s, hit, dials, most - dials)),
        }
    }

    /// Nothing is dialled; what is left of today is told all the same.
    fn nothing(&self, at_s: f64, reason: Reason) -> Decision {
        let left = self.budget.allow(at_s, InFlight::default(), self.slow, self.emphasis);
        Decision::none(reason, left)
    }

    /// What a cap of zero keeps us from, after its own `dials`: lines that ring for each agent
    /// are answered in proportion, so the wait shrinks as their number grows.
    fn forgo(&mut self, at_s: f64, hit: f64, dials: usize, most: usize) -> Forgone {
        let risk = (USUAL_CAP / self.budget.ratio()).min(self.tuning.risk_max);
        let (more, _) = self.search(hit, risk, f64::INFINITY, most);
        let lines = (self.flight.ringing + dials) as f64;
        if lines > 0.0 {
            self.bare_share += SHARE_WEIGHT * (lines / (lines + more as f64) - self.bare_share);
        }
        let wait_s = self.one_to_one_wait_s(at_s) * (1.0 - self.bare_share);
        Forgone { dials: more, wait_s }
    }

    /// Starts the balances with the agents; gives the expected number free at each horizon.
    fn foresee_agents(&mut self, at_s: f64, free: i32, share: f64) -> [Outlook; HORIZONS] {
        let mut outlook = [Outlook::default(); HORIZONS];
        for (seen, &horizon_s) in outlook.iter_mut().zip(self.forecast.horizons_s()) {
            seen.horizon_s = horizon_s;
            seen.free = f64::from(free.max(0));
            seen.answers = self.waiting as f64;
        }
        self.balance.iter_mut().for_each(|balance| balance.reset(free));
        for seat in self.roster.seats() {
            let age_s = at_s - seat.since_s;
            let chances = match seat.duty {
                Duty::Talk => self.forecast.talking(age_s),
                Duty::Wrap => self.forecast.wrapping(age_s),
                Duty::Pause => self.forecast.pausing(age_s),
                Duty::Off | Duty::Ready => continue,
            };
            for ((balance, seen), p) in self.balance.iter_mut().zip(&mut outlook).zip(chances) {
                balance.up(p * share);
                seen.free += p * share;
            }
        }
        outlook
    }

    /// Takes the answers in flight off the balances; gives the answers expected of them and
    /// the risk accepted for those.
    fn foresee_answers(
        &mut self,
        at_s: f64,
        hit: f64,
        outlook: &mut [Outlook; HORIZONS],
    ) -> InFlight {
        // Attempts of one decision have one age: their chances are computed once.
        let mut last: Option<(f64, (Chances, f64))> = None;
        let mut flying = InFlight::default();
        for attempt in self.flight.in_air() {
            let (chances, answered) = match last {
                Some((dialed_s, known)) if dialed_s == attempt.dialed_s => known,
                _ => self.forecast.ringing(at_s - attempt.dialed_s, hit),
            };
            last = Some((attempt.dialed_s, (chances, answered)));
            flying.answers += answered;
            flying.losses += answered * attempt.risk;
            for ((balance, seen), p) in self.balance.iter_mut().zip(&mut *outlook).zip(chances) {
                balance.down(p);
                seen.answers += p;
            }
        }
        flying
    }

    fn search(&mut self, hit: f64, risk: f64, whole: f64, most: usize) -> (usize, Reason) {
        // With `whole` calls left, this many answers beyond the agents break the promise.
        let too_many = whole.clamp(0.0, 64.0) as i32;
        for dials in 0..most {
            let own = self.own_risk();
            if own > risk + NO_RISK {
                return (dials, Reason::RiskReached);
            }
            let cluster = self.balance.iter().map(|b| b.at_most(-too_many)).fold(0.0, f64::max);
            if cluster > self.tuning.cluster_risk_max && own > NO_RISK {
                return (dials, Reason::ClusterRisk);
            }
            self.take_off(hit, 1);
        }
        (most, Reason::DialsBounded)
    }

    /// Takes `dials` attempts started now off the balances.
    fn take_off(&mut self, hit: f64, dials: usize) {
        for (at, balance) in self.balance.iter_mut().enumerate() {
            (0..dials).for_each(|_| balance.down(hit * reach(at)));
        }
    }

    /// The chance that one more answer finds nobody.
    fn own_risk(&self) -> f64 {
        self.balance.iter().map(|b| b.at_most(0)).sum::<f64>() / HORIZONS as f64
    }
}

/// The share of the answers of an attempt started now that come by horizon `at`.
fn reach(at: usize) -> f64 {
    (at as f64 + 0.5) / HORIZONS as f64
}

fn bound(most: usize, means: Means, pacer: &Pacer) -> Reason {
    if most == means.free_lines {
        Reason::LinesUsed
    } else if most == pacer.flight.room() {
        Reason::TableFull
    } else {
        Reason::DialsBounded
    }
}
