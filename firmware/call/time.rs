//! Two instants, never mixed: [`Tick`] orders events inside one run, [`Stamp`] is what a person reads.

use core::fmt;
use core::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A monotonic instant in milliseconds since the daemon (or the simulated world) started.
/// Timers and state machines use it; it never goes back and never crosses a restart.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// The start of the run.
    pub const ZERO: Tick = Tick(0);

    /// The instant `ms` milliseconds later; saturates at the end of time.
    #[must_use]
    pub const fn after_ms(self, ms: u64) -> Tick {
        Tick(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Tick) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Tick {
    type Output = Tick;
    fn add(self, ms: u64) -> Tick {
        self.after_ms(ms)
    }
}

impl Sub for Tick {
    type Output = u64;
    fn sub(self, earlier: Tick) -> u64 {
        self.since_ms(earlier)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

/// A wall-clock instant: UTC milliseconds since 1970-01-01. Records and calendars use it; it may
/// jump when the clock is set, so no timer runs on it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Stamp(pub i64);

impl Stamp {
    /// The instant `ms` milliseconds later (earlier when negative); saturates.
    #[must_use]
    pub const fn after_ms(self, ms: i64) -> Stamp {
        Stamp(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`, negative when the clock was set back between them.
    #[must_use]
    pub const fn since_ms(self, earlier: Stamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Both instants at once: what every input of a composition carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// For timers.
    pub tick: Tick,
    /// For records.
    pub stamp: Stamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_never_goes_back() {
        assert_eq!(Tick(5).since_ms(Tick(9)), 0);
        assert_eq!(Tick(u64::MAX) + 1, Tick(u64::MAX));
        assert_eq!(Tick(61_007).to_string(), "61.007s");
    }

    #[test]
    fn a_stamp_tells_a_clock_set_back() {
        assert_eq!(Stamp(1_000).since_ms(Stamp(3_000)), -2_000);
    }
}
