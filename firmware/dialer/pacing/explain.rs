//! Why this many: everything a decision knows, as values for the screen and the log.

use super::budget::Allowance;
use super::limits::HORIZONS;

/// What stopped the count of dials where it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No agent is logged on, or all are on pause.
    NobodyThere,
    /// No line is free.
    NoFreeLine,
    /// The day is over.
    DayOver,
    /// The cap is zero: one line for each waiting agent and not one more.
    CapZero,
    /// The whole calls of today are spent (or promised to calls in flight): one-to-one.
    BudgetSpent,
    /// One more answer would more likely find nobody than the day can afford.
    RiskReached,
    /// Several losses at once could exceed what is left.
    ClusterRisk,
    /// Every free line is used.
    LinesUsed,
    /// The bound on dials of one decision, or of a ramp.
    DialsBounded,
    /// The table of attempts is full.
    TableFull,
}

/// The next seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outlook {
    /// Seconds from now.
    pub horizon_s: f64,
    /// Agents expected to be free by then for an answer that comes then.
    pub free: f64,
    /// Live answers expected by then, those that wait now included.
    pub answers: f64,
    /// The chance that one more answer at that time would find nobody.
    pub finds_nobody: f64,
}

/// A decision and everything behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Attempts to start now.
    pub dials: usize,
    /// Why not more.
    pub reason: Reason,
    /// The next seconds, with the dials of this decision made.
    pub outlook: [Outlook; HORIZONS],
    /// The chance that one more dial would be answered and find nobody.
    pub next_abandons: f64,
    /// The chance that an attempt meets a person.
    pub hit: f64,
    /// What is left of today's promise.
    pub allowance: Allowance,
    /// Seconds an agent waits for a call at present (a slow mean).
    pub wait_s: f64,
    /// Seconds an agent would wait with one line each.
    pub one_to_one_wait_s: f64,
    /// What a cap of zero costs; nothing at any other cap.
    pub forgone: Option<Forgone>,
}

/// What is not done because the cap is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forgone {
    /// Dials that a cap of [`super::limits::USUAL_CAP`] would add to this decision.
    pub dials: usize,
    /// Seconds of each agent's wait that they would save, a slow mean. An estimate from the lines
    /// alone, good to a factor of two.
    pub wait_s: f64,
}

impl Decision {
    /// Nothing is dialled, and the next seconds had not to be computed.
    pub(super) fn none(reason: Reason, allowance: Allowance) -> Decision {
        Decision {
            dials: 0,
            reason,
            outlook: [Outlook::default(); HORIZONS],
            next_abandons: 0.0,
            hit: 0.0,
            allowance,
            wait_s: 0.0,
            one_to_one_wait_s: 0.0,
            forgone: None,
        }
    }
}
