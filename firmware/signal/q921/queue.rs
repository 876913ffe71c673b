//! The I queue (Q.921 §B.4): what layer 3 gave, until the peer has acknowledged it.

use std::collections::VecDeque;

use crate::limits::Q921_QUEUE_MAX;

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Frames in order; the first `in_flight` of them are sent and not acknowledged, so that
/// V(S) = V(A) + `in_flight` always.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    frames: VecDeque<Waiting>,
    in_flight: usize,
}

/// One frame's information.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What layer 3 gave.
    pub info: Vec<u8>,
    /// It was on the wire before.
    pub sent: bool,
}

impl Queue {
    /// Puts information at the end.
    pub fn push(&mut self, info: Vec<u8>) -> Result<(), Full> {
        if self.frames.len() >= Q921_QUEUE_MAX {
            return Err(Full);
        }
        self.frames.push_back(Waiting { info, sent: false });
        Ok(())
    }

    /// The first frame that is not in flight; it is from now on.
    pub fn send_next(&mut self) -> Option<&mut Waiting> {
        let next = self.frames.get_mut(self.in_flight)?;
        self.in_flight += 1;
        Some(next)
    }

    /// The first `count` frames in flight have arrived.
    pub fn acknowledge(&mut self, count: usize) {
        let count = count.min(self.in_flight);
        self.frames.drain(..count);
        self.in_flight -= count;
    }

    /// Nothing is in flight: everything not acknowledged is to be sent again.
    pub const fn rewind(&mut self) {
        self.in_flight = 0;
    }

    /// Forgets everything.
    pub fn discard(&mut self) {
        self.frames.clear();
        self.in_flight = 0;
    }

    /// Frames sent and not acknowledged.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Frames in all.
    pub fn len(&self) -> usize {
        self.frames.len()
    }
}
