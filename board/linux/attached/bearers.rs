//! The B-channels of an attached exchange, for the sound thread. All memory is taken at the
//! making.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use board_port::block::{self, Frame, LONGEST};
use board_port::{BLOCK, Bearers, Loop, Slots};

use super::listener::{Listener, Peer, Received, Sent};
use crate::limits::{MESSAGES_A_LOOK, QUIET_TICKS, SEQUENCE_JUMP, WAITING};
use crate::tally::Tally;

/// 20 ms of the span.
struct Moment {
    slots: Slots,
    frame: Frame,
}

impl Moment {
    const EMPTY: Moment = Moment { slots: Slots::NONE, frame: [[0; BLOCK]; 32] };

    fn get(&self, slot: u8) -> Option<&[u8; BLOCK]> {
        let block = self.frame.get(usize::from(slot))?;
        self.slots.contains(slot).then_some(block)
    }

    fn put(&mut self, slot: u8, block: &[u8; BLOCK]) {
        if let Some(place) = self.frame.get_mut(usize::from(slot)) {
            *place = *block;
            self.slots.insert(slot);
        }
    }
}

/// The moments that came and that no tick has taken, oldest first.
struct Queue {
    moments: Box<[Moment; WAITING]>,
    oldest: usize,
    length: usize,
}

impl Queue {
    fn new() -> Queue {
        Queue { moments: Box::new([Moment::EMPTY; WAITING]), oldest: 0, length: 0 }
    }

    /// A place for the newest moment, and whether the oldest was given up for it.
    fn push(&mut self) -> (&mut Moment, bool) {
        let full = self.length == WAITING;
        if full {
            self.oldest = (self.oldest + 1) % WAITING;
        } else {
            self.length += 1;
        }
        let newest = (self.oldest + self.length - 1) % WAITING;
        let moment = &mut self.moments[newest];
        moment.slots = Slots::NONE;
        (moment, full)
    }

    /// Moves the oldest moment to `current`. `false`: none waits.
    fn pop(&mut self, current: &mut Moment) -> bool {
        if self.length == 0 {
            return false;
        }
        std::mem::swap(&mut self.moments[self.oldest], current);
        self.oldest = (self.oldest + 1) % WAITING;
        self.length -= 1;
        true
    }

    fn clear(&mut self) {
        self.length = 0;
    }

    fn forget(&mut self, slot: u8) {
        self.moments.iter_mut().for_each(|moment| moment.slots.remove(slot));
    }
}

/// The B-channels of one span.
pub struct AttachedBearers {
    listener: Listener,
    peer: Option<Peer>,
    open: Slots,
    queue: Queue,
    /// What this tick reads.
    current: Box<Moment>,
    /// What this tick writes.
    outgoing: Box<Moment>,
    message: Box<[u8; LONGEST]>,
    /// Our number of the next message.
    sequence: u32,
    /// The exchange's number of its next message, once it has sent one.
    expected: Option<u32>,
    /// Moments that waited when this tick had taken its own.
    behind: usize,
    /// Ticks since the exchange last brought octets.
    quiet_ticks: u32,
    tally: Arc<Tally>,
}

impl AttachedBearers {
    /// Waits at `listener`. Nobody is attached yet.
    pub fn new(listener: Listener, tally: Arc<Tally>) -> AttachedBearers {
        AttachedBearers {
            listener,
            peer: None,
            open: Slots::NONE,
            queue: Queue::new(),
            current: Box::new(Moment::EMPTY),
            outgoing: Box::new(Moment::EMPTY),
            message: Box::new([0; LONGEST]),
            sequence: 0,
            expected: None,
            behind: 0,
            quiet_ticks: QUIET_TICKS,
            tally,
        }
    }

    /// Lets in whoever knocks, the last one staying; sends everybody away while stopped.
    fn attend_door(&mut self) {
        // Whatever is wrong with the listening socket shows as a span without sound.
        while let Ok(Some(peer)) = self.listener.accept() {
            self.peer = Some(peer);
            self.expected = None;
            self.queue.clear();
        }
        if !self.tally.running() {
            self.peer = None;
        }
    }

    /// Takes in the messages that have come, a bounded number.
    fn drain(&mut self) {
        for _ in 0..MESSAGES_A_LOOK {
            let Some(peer) = &self.peer else { return };
            let length = match peer.receive(&mut self.message[..]) {
                Received::Message(length) => length,
                Received::Nothing => return,
                Received::Gone => {
                    self.peer = None;
                    return;
                }
            };
            match self.tally.looped() {
                Loop::Off => self.take(length),
                // The line is cut off from us: its octets go nowhere.
                Loop::Local => {}
                Loop::Remote => self.send_back(length),
            }
        }
    }

    fn take(&mut self, length: usize) {
        let message = self.message.get(..length);
        let Some(Ok(view)) = message.map(block::decode) else {
            self.tally.malformed.one();
            return;
        };
        if let Some(expected) = self.expected {
            let lost = view.sequence.wrapping_sub(expected);
            if lost <= SEQUENCE_JUMP {
                self.tally.slips.many(u64::from(lost));
            }
        }
        self.expected = Some(view.sequence.wrapping_add(1));
        self.quiet_ticks = 0;
        let (moment, dropped) = self.queue.push();
        for (slot, octets) in view.blocks() {
            moment.put(slot, octets);
        }
        if dropped {
            self.tally.overruns.one();
            self.tally.slips.one();
        }
    }

    fn send_back(&mut self, length: usize) {
        let sent = match (&self.peer, self.message.get(..length)) {
            (Some(peer), Some(message)) => peer.send(message),
            (_, _) => Sent::Full,
        };
        self.count_sent(sent);
    }

    fn count_sent(&mut self, sent: Sent) {
        if sent != Sent::Whole {
            self.tally.unsent.one();
        }
        if sent == Sent::Gone {
            self.peer = None;
        }
    }

    /// Hands this tick's writing to the line.
    fn send(&mut self) {
        let slots = self.outgoing.slots;
        let length = block::encode(self.sequence, slots, &self.outgoing.frame, &mut self.message);
        let sent = match (&self.peer, self.message.get(..length)) {
            (Some(peer), Some(message)) => peer.send(message),
            // Sound that was meant for somebody is missed; silence is not.
            (_, _) if slots.is_empty() => Sent::Whole,
            (_, _) => Sent::Full,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.count_sent(sent);
    }
}

impl Bearers for AttachedBearers {
    fn beat_fd(&self) -> Option<BorrowedFd<'_>> {
        self.peer.as_ref().map(AsFd::as_fd)
    }

    fn open(&mut self, slot: u8) {
        self.queue.forget(slot);
        self.current.slots.remove(slot);
        self.outgoing.slots.remove(slot);
        self.open.insert(slot);
        self.open.remove(0);
    }

    fn close(&mut self, slot: u8) {
        self.open.remove(slot);
        self.outgoing.slots.remove(slot);
    }

    fn begin_tick(&mut self) {
        self.attend_door();
        self.quiet_ticks = self.quiet_ticks.saturating_add(1);
        self.drain();
        let sound = self.peer.is_some() && self.quiet_ticks < QUIET_TICKS;
        self.tally.set_sound(sound);
        if !self.queue.pop(&mut self.current) {
            self.current.slots = Slots::NONE;
            if sound && !self.open.is_empty() {
                self.tally.slips.one();
            }
        }
        self.behind = self.queue.length;
    }

    fn read(&mut self, slot: u8, block: &mut [u8; BLOCK]) -> bool {
        match self.current.get(slot) {
            Some(octets) if self.open.contains(slot) => {
                *block = *octets;
                true
            }
            Some(_) | None => false,
        }
    }

    fn write(&mut self, slot: u8, block: &[u8; BLOCK]) -> bool {
        let open = self.open.contains(slot);
        if open {
            self.outgoing.put(slot, block);
        }
        open
    }

    fn end_tick(&mut self) {
        match self.tally.looped() {
            Loop::Off => self.send(),
            Loop::Local => {
                let (moment, _) = self.queue.push();
                std::mem::swap(moment, &mut self.outgoing);
            }
            Loop::Remote => {}
        }
        self.outgoing.slots = Slots::NONE;
    }

    fn waiting(&self) -> usize {
        self.behind
    }
}
