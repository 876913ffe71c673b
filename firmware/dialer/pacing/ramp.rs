//! A soft start after a change of mode.
//!
//! From manual or one-to-one dialling to predictive, the pipeline of ringing calls fills slowly:
//! the risk taken per dial grows linearly to full over [`RAMP_S`], and the number dialled in one
//! second is bounded by a slope. A change to a more careful mode takes effect at once.

use call::Tick;

use super::limits::{RAMP_DIALS_PER_S, RAMP_S};

/// How boldly a campaign dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Nothing is dialled ahead; a person presses the key.
    Manual,
    /// One line per waiting agent.
    OneToOne,
    /// By the state of every call and agent.
    Predictive,
}

/// The mode, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    mode: Mode,
    since: Tick,
}

impl Ramp {
    /// Starts in `mode` at full.
    pub fn new(mode: Mode) -> Ramp {
        Ramp { mode, since: Tick::ZERO }
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Changes the mode at `now`; the same mode again changes nothing.
    pub fn change(&mut self, now: Tick, mode: Mode) {
        if mode != self.mode {
            *self = Ramp { mode, since: now };
        }
    }

    /// Share of the full risk that may be taken at `now`, 0..=1.
    pub fn risk_share(&self, now: Tick) -> f64 {
        match self.mode {
            Mode::Manual | Mode::OneToOne => 0.0,
            Mode::Predictive if self.since == Tick::ZERO => 1.0,
            Mode::Predictive => (self.age_s(now) / RAMP_S).min(1.0),
        }
    }

    /// Most dials in one second at `now`.
    pub fn most_dials(&self, now: Tick) -> usize {
        match self.mode {
            Mode::Manual => 0,
            Mode::OneToOne | Mode::Predictive if self.since == Tick::ZERO => usize::MAX,
            Mode::OneToOne | Mode::Predictive => {
                (1.0 + self.age_s(now) * RAMP_DIALS_PER_S).min(1e6) as usize
            }
        }
    }

    fn age_s(&self, now: Tick) -> f64 {
        now.since_ms(self.since) as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risk_grows_after_a_change_to_predictive_and_stops_at_once_after_a_change_back() {
        let mut ramp = Ramp::new(Mode::OneToOne);
        ramp.change(Tick(60_000), Mode::Predictive);
        assert_eq!(ramp.risk_share(Tick(60_000)), 0.0);
        let half = Tick(60_000 + (RAMP_S * 500.0) as u64);
        assert!((ramp.risk_share(half) - 0.5).abs() < 1e-9);
        assert_eq!(ramp.risk_share(Tick(1_000_000)), 1.0);
        ramp.change(half, Mode::Predictive);
        assert!((ramp.risk_share(half) - 0.5).abs() < 1e-9, "no change, no new ramp");
        ramp.change(half, Mode::Manual);
        assert_eq!((ramp.risk_share(half), ramp.most_dials(half)), (0.0, 0));
    }

    #[test]
    fn the_first_second_after_a_change_dials_one() {
        let mut ramp = Ramp::new(Mode::Manual);
        assert_eq!(ramp.most_dials(Tick(5)), 0);
        ramp.change(Tick(1_000), Mode::OneToOne);
        assert_eq!(ramp.most_dials(Tick(1_000)), 1);
        assert!(ramp.most_dials(Tick(11_000)) > 5);
        assert_eq!(Ramp::new(Mode::Predictive).most_dials(Tick(0)), usize::MAX);
    }
}
