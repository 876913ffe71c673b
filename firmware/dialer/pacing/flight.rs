//! Attempts on their way: dialled, not yet resolved.

use std::collections::VecDeque;

use super::limits::ATTEMPTS_MAX;

/// One attempt in flight.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Its number; numbers grow.
    pub id: u64,
    /// When it was dialled, seconds.
    pub dialed_s: f64,
    /// The loss that was accepted for it, should it be answered.
    pub risk: f64,
    gone: bool,
}

/// The attempts in flight in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Flight {
    queue: VecDeque<Attempt>,
    /// Attempts that still ring.
    pub ringing: usize,
}

impl Default for Flight {
    fn default() -> Flight {
        Flight::new()
    }
}

impl Flight {
    /// Nothing in flight; room for [`ATTEMPTS_MAX`].
    pub fn new() -> Flight {
        Flight { queue: VecDeque::with_capacity(ATTEMPTS_MAX), ringing: 0 }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.ringing = 0;
    }

    /// Room for this many more.
    pub fn room(&self) -> usize {
        ATTEMPTS_MAX - self.queue.len()
    }

    /// An attempt was started. False when the table is full or the number does not grow.
    pub fn start(&mut self, id: u64, dialed_s: f64, risk: f64) -> bool {
        if self.room() == 0 || self.queue.back().is_some_and(|last| last.id >= id) {
            return false;
        }
        self.queue.push_back(Attempt { id, dialed_s, risk, gone: false });
        self.ringing += 1;
        true
    }

    /// The attempt ended; gives it back if it was in flight.
    pub fn end(&mut self, id: u64) -> Option<Attempt> {
        let at = self.queue.binary_search_by_key(&id, |attempt| attempt.id).ok()?;
        let attempt = self.queue.get_mut(at).filter(|attempt| !attempt.gone)?;
        attempt.gone = true;
        let ended = *attempt;
        self.ringing -= 1;
        while self.queue.front().is_some_and(|attempt| attempt.gone) {
            self.queue.pop_front();
        }
        Some(ended)
    }

    /// The attempts that still ring, oldest first.
    pub fn in_air(&self) -> impl Iterator<Item = &Attempt> {
        self.queue.iter().filter(|attempt| !attempt.gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_end_in_any_order_and_only_once() {
        let mut flight = Flight::new();
        assert!(flight.start(3, 1.0, 0.1) && flight.start(7, 2.0, 0.2));
        assert!(!flight.start(7, 2.0, 0.2) && !flight.start(5, 2.0, 0.2), "numbers grow");
        assert_eq!(flight.end(7).map(|attempt| attempt.risk), Some(0.2));
        assert!(flight.end(7).is_none() && flight.end(5).is_none());
        assert_eq!((flight.ringing, flight.in_air().count()), (1, 1));
    }

    #[test]
    fn a_full_table_refuses_by_answering_false() {
        let mut flight = Flight::new();
        assert!((0..ATTEMPTS_MAX as u64).all(|id| flight.start(id, 0.0, 0.0)));
        assert_eq!(flight.room(), 0);
        assert!(!flight.start(u64::MAX, 0.0, 0.0));
        assert!(flight.end(0).is_some() && flight.room() == 1);
    }
}
