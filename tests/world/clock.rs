//! The only clock of the world. It stands still until somebody moves it, and only the world does.

use call::{Stamp, Tick};

/// Virtual time: a monotonic tick and the wall clock that hangs on it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now: Tick,
    /// Wall clock minus tick, ms. Changes only when somebody sets the clock.
    offset_ms: i64,
}

impl Clock {
    /// A clock that starts at tick zero, on the wall at `start`.
    #[must_use]
    pub fn starting(start: Stamp) -> Clock {
        Clock { now: Tick::ZERO, offset_ms: start.0 }
    }

    /// The monotonic instant.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.now
    }

    /// The wall clock.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp(self.offset_ms.saturating_add_unsigned(self.now.0))
    }

    /// Moves on to `when`; an instant that is past already changes nothing, so time never goes back.
    pub fn advance_to(&mut self, when: Tick) {
        self.now = self.now.max(when);
    }

    /// Somebody sets the wall clock; ticks do not notice.
    pub fn set_wall(&mut self, to: Stamp) {
        self.offset_ms = to.0.saturating_sub_unsigned(self.now.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_it_is_moved_and_never_back() {
        let mut clock = Clock::starting(Stamp(1_000_000));
        assert_eq!((clock.now(), clock.stamp()), (Tick::ZERO, Stamp(1_000_000)));
        clock.advance_to(Tick(250));
        clock.advance_to(Tick(100));
        assert_eq!((clock.now(), clock.stamp()), (Tick(250), Stamp(1_000_250)));
    }

    #[test]
    fn setting_the_wall_clock_leaves_the_ticks_alone() {
        let mut clock = Clock::starting(Stamp(1_000_000));
        clock.advance_to(Tick(500));
        clock.set_wall(Stamp(7));
        assert_eq!((clock.now(), clock.stamp()), (Tick(500), Stamp(7)));
        clock.advance_to(Tick(600));
        assert_eq!(clock.stamp(), Stamp(107));
    }
}
