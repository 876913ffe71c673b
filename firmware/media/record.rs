//! A recorder: two ears become one stereo block each tick.
//!
//! A block waits for one tick. If the shell does not take it, the next one takes its place, the
//! loss is counted and told, and the block numbers show the hole: the recorder never waits.

use crate::Frame;
use crate::fact::Block;
use crate::id::RecorderId;

/// See the module.
#[derive(Debug)]
pub struct Recorder {
    /// Whether it writes.
    pub running: bool,
    block: Block,
    next: u32,
    /// The block has not been taken.
    waiting: bool,
    lost: u32,
    in_hole: bool,
}

impl Recorder {
    /// A recorder at rest.
    #[must_use]
    pub const fn new(recorder: RecorderId) -> Recorder {
        Recorder {
            running: false,
            block: Block { recorder, number: 0, samples: [0; 320] },
            next: 0,
            waiting: false,
            lost: 0,
            in_hole: false,
        }
    }

    /// Starts with block 0. One that runs goes on; `false` then.
    pub fn start(&mut self) -> bool {
        let starts = !self.running;
        if starts {
            self.running = true;
            self.next = 0;
            self.lost = 0;
            self.in_hole = false;
            self.waiting = false;
        }
        starts
    }

    /// Writes the block of this tick. `Some(lost)` at the first block of a hole.
    pub fn handle_tick(&mut self, left: &Frame, right: &Frame) -> Option<u32> {
        let overrun = self.waiting;
        let begins = overrun && !self.in_hole;
        self.in_hole = overrun;
        self.lost = self.lost.saturating_add(u32::from(overrun));
        for ((pair, &left), &right) in self.block.samples.chunks_exact_mut(2).zip(left).zip(right) {
            if let [l, r] = pair {
                (*l, *r) = (left, right);
            }
        }
        self.block.number = self.next;
        self.next = self.next.wrapping_add(1);
        self.waiting = true;
        begins.then_some(self.lost)
    }

    /// The block of this tick, once.
    pub fn take(&mut self) -> Option<&Block> {
        core::mem::take(&mut self.waiting).then_some(&self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;

    fn recorder() -> Recorder {
        let mut recorder = Recorder::new(RecorderId(3));
        assert!(recorder.start());
        recorder
    }

    #[test]
    fn the_left_ear_comes_first_in_every_pair() {
        let mut recorder = recorder();
        let left = core::array::from_fn(|n| n as i16);
        recorder.handle_tick(&left, &[-5; FRAME]);
        let block = recorder.take().unwrap();
        assert_eq!((block.recorder, block.number), (RecorderId(3), 0));
        assert_eq!(block.samples[..6], [0, -5, 1, -5, 2, -5]);
        assert_eq!(block.samples[318..], [159, -5]);
        assert!(recorder.take().is_none());
    }

    #[test]
    fn blocks_not_taken_leave_a_hole_that_is_told_once() {
        let mut recorder = recorder();
        let frame = [1; FRAME];
        let told: Vec<_> = (0..4).map(|_| recorder.handle_tick(&frame, &frame)).collect();
        assert_eq!(told, [None, Some(1), None, None]);
        assert_eq!(recorder.take().unwrap().number, 3);
        assert_eq!(recorder.handle_tick(&frame, &frame), None);
        assert_eq!(recorder.handle_tick(&frame, &frame), Some(4));
    }

    #[test]
    fn a_second_start_changes_nothing_and_a_new_recording_counts_from_zero() {
        let mut recorder = recorder();
        recorder.handle_tick(&[0; FRAME], &[0; FRAME]);
        assert!(!recorder.start());
        recorder.handle_tick(&[0; FRAME], &[0; FRAME]);
        assert_eq!(recorder.take().unwrap().number, 1);
        recorder.running = false;
        assert!(recorder.start());
        recorder.handle_tick(&[0; FRAME], &[0; FRAME]);
        assert_eq!(recorder.take().unwrap().number, 0);
    }
}
