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
    pub fn ringing(&self) -> impl Iterator<Item = &Attempt> {
        self.queue.iter().filter(|attempt| !attempt.gone)
    }
}
