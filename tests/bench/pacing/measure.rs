//! Days turned into a row, and rows into a comparison.

use dialer::pacing::detect::Detector;

use crate::floor::{Floor, Policy, Sum};
use crate::world::World;

/// What some days of one policy in one world came to.
#[derive(Clone, Debug)]
pub struct Row {
    /// Share of the agents' time spent waiting, percent.
    pub idle_pct: f64,
    /// Share of live answers that met nobody, percent.
    pub lost_pct: f64,
    /// Share of days within the cap, percent.
    pub kept_pct: f64,
    /// Most whole calls by which a day was over the cap.
    pub most_over: u64,
    /// Every day.
    pub days: Vec<Sum>,
}

/// Runs `days` days of `world` under `policy`, which may learn from day to day.
pub fn measure(world: &World, policy: &mut dyn Policy, days: u64, cap: f64) -> Row {
    let detector =
        Detector { delay_s: 0.0, person_missed: world.errors.0, machine_passed: world.errors.1 };
    // Every policy is told the cap that its detector leaves.
    let told = detector.cap_left(cap);
    let days: Vec<Sum> = (0..days).map(|day| Floor::new(world, day).run(policy, told)).collect();
    let total = |take: fn(&Sum) -> u64| days.iter().map(take).sum::<u64>() as f64;
    let over = |day: &Sum| {
        let allowed = (cap * (day.abandoned + day.connected) as f64 + 1e-9) as u64;
        day.abandoned.saturating_sub(allowed)
    };
    let (idle, busy) = (total(|d| d.idle_ms), total(|d| d.busy_ms));
    let (lost, met) = (total(|d| d.abandoned), total(|d| d.connected));
    let kept = days.iter().filter(|day| over(day) == 0).count();
    Row {
        idle_pct: 100.0 * idle / (idle + busy).max(1.0),
        lost_pct: 100.0 * lost / (lost + met).max(1.0),
        kept_pct: 100.0 * kept as f64 / days.len().max(1) as f64,
        most_over: days.iter().map(over).max().unwrap_or(0),
        days,
    }
}

/// The geometric mean.
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len().max(1) as f64).exp()
}
