//! Who sits where, and since when.

use super::limits::SEATS_MAX;

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Not logged on.
    Off,
    /// Waits for a call.
    Ready,
    /// Talks.
    Talk,
    /// Writes up the call.
    Wrap,
    /// Is away for a while.
    Pause,
}

/// A seat and the instant (seconds) since which it is in its duty.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// What the agent does.
    pub duty: Duty,
    /// Since when, seconds from the start of the day.
    pub since_s: f64,
}

/// All seats of the campaign, with the counts that every decision needs.
#[derive(Clone, Debug)]
pub struct Roster {
    seats: Vec<Seat>,
    /// Agents who wait.
    pub ready: usize,
    /// Agents who talk.
    pub talk: usize,
    /// Agents who wrap up.
    pub wrap: usize,
    /// Agents on pause.
    pub pause: usize,
}

impl Default for Roster {
    fn default() -> Roster {
        Roster::new()
    }
}

impl Roster {
    /// An empty floor.
    pub fn new() -> Roster {
        Roster { seats: Vec::with_capacity(SEATS_MAX), ready: 0, talk: 0, wrap: 0, pause: 0 }
    }

    /// A new day with `seats` seats, all logged off.
    pub fn start_day(&mut self, seats: usize) {
        self.seats.clear();
        self.seats.resize(seats.min(SEATS_MAX), Seat { duty: Duty::Off, since_s: 0.0 });
        (self.ready, self.talk, self.wrap, self.pause) = (0, 0, 0, 0);
    }

    /// The seat changes its duty; gives back what it was before, or nothing for an unknown seat.
    pub fn change(&mut self, seat: usize, duty: Duty, at_s: f64) -> Option<Seat> {
        let seat = self.seats.get_mut(seat)?;
        let before = std::mem::replace(seat, Seat { duty, since_s: at_s });
        self.count(before.duty, false);
        self.count(duty, true);
        Some(before)
    }

    /// Every seat.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Agents who work or wait (not on pause).
    pub fn staffed(&self) -> usize {
        self.ready + self.talk + self.wrap
    }

    fn count(&mut self, duty: Duty, up: bool) {
        let count = match duty {
            Duty::Off => return,
            Duty::Ready => &mut self.ready,
            Duty::Talk => &mut self.talk,
            Duty::Wrap => &mut self.wrap,
            Duty::Pause => &mut self.pause,
        };
        *count = if up { *count + 1 } else { count.saturating_sub(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_follow_every_change_and_unknown_seats_change_nothing() {
        let mut roster = Roster::new();
        roster.start_day(2);
        assert!(roster.change(0, Duty::Ready, 1.0).is_some());
        assert!(roster.change(1, Duty::Talk, 2.0).is_some());
        assert_eq!(roster.change(1, Duty::Wrap, 9.0).map(|seat| seat.since_s), Some(2.0));
        assert!(roster.change(2, Duty::Ready, 9.0).is_none());
        assert_eq!((roster.ready, roster.talk, roster.wrap, roster.staffed()), (1, 0, 1, 2));
    }
}
