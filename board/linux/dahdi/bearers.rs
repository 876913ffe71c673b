//! The B-channels of a card's span, for the sound thread: one descriptor a slot, two system calls
//! a slot and tick. All memory is taken at the making.
//!
//! The channels of a span run on one clock, so that one of them tells for all how many blocks have
//! come. That one is always read, used or not, and its descriptor is the beat.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use board_port::{BLOCK, Bearers, SILENCE, Slots};

use super::abi;
use super::device::{Channel, Heard, Taken};
use crate::limits::{AHEAD, QUIET_TICKS, WAITING};
use crate::tally::Tally;

/// The open channels of a span, each at its slot; shared with the span's upkeep.
pub type Channels = [Option<Channel>; Slots::COUNT as usize];

/// Blocks of the slot that beats, oldest first.
struct Beat {
    slot: u8,
    blocks: [[u8; BLOCK]; WAITING],
    oldest: usize,
    length: usize,
}

impl Beat {
    fn push(&mut self, block: &[u8; BLOCK]) {
        if self.length == WAITING {
            self.pop();
        }
        let newest = (self.oldest + self.length) % WAITING;
        self.blocks[newest] = *block;
        self.length += 1;
    }

    fn pop(&mut self) -> Option<&[u8; BLOCK]> {
        let at = self.oldest;
        self.length = self.length.checked_sub(1)?;
        self.oldest = (self.oldest + 1) % WAITING;
        self.blocks.get(at)
    }
}

/// One slot in use or not.
#[derive(Clone, Copy, Default)]
struct Slot {
    open: bool,
    /// A block has come since it was opened: from here on one that is missing is a slip.
    begun: bool,
    /// Nothing waits to be sent: a block of silence goes first, so that a late tick is not heard.
    empty: bool,
    /// Blocks to be thrown away before the next one is read.
    skip: usize,
    /// Ticks that are behind the opening and find nothing.
    late: usize,
    /// Blocks given to the kernel and not sent yet.
    ahead: usize,
}

/// The B-channels of one span.
pub struct DahdiBearers {
    channels: Arc<Channels>,
    slots: [Slot; Slots::COUNT as usize],
    beat: Beat,
    /// Blocks that came and that no tick has taken.
    behind: usize,
    /// Ticks since a block came.
    quiet_ticks: u32,
    tally: Arc<Tally>,
}

impl DahdiBearers {
    /// Over open channels that carry sound; the lowest slot beats.
    pub fn new(channels: Arc<Channels>, tally: Arc<Tally>) -> DahdiBearers {
        let lowest = (1..Slots::COUNT).find(|slot| channel(&channels, *slot).is_some());
        let slot = lowest.unwrap_or_default();
        let beat = Beat { slot, blocks: [[SILENCE; BLOCK]; WAITING], oldest: 0, length: 0 };
        DahdiBearers {
            channels,
            slots: [Slot::default(); Slots::COUNT as usize],
            beat,
            behind: 0,
            quiet_ticks: QUIET_TICKS,
            tally,
        }
    }

    /// Takes in all blocks of the slot that beats and says how many.
    fn drain_beat(&mut self) -> usize {
        let Some(channel) = channel(&self.channels, self.beat.slot) else { return 0 };
        let open = slot(&self.slots, self.beat.slot).open;
        let (mut block, mut came) = ([0; BLOCK], 0);
        loop {
            match channel.read(&mut block) {
                Ok(Heard::Octets(BLOCK)) => came += 1,
                Ok(Heard::Event) => {
                    if take_events(channel, &self.tally) {
                        set_empty(&mut self.slots, self.beat.slot, true);
                    }
                    continue;
                }
                Ok(Heard::Octets(_) | Heard::Nothing) | Err(_) => return came,
            }
            if open {
                self.beat.push(&block);
            }
        }
    }

    /// Reads one block of a slot that does not beat.
    fn read_channel(&mut self, number: u8, block: &mut [u8; BLOCK]) -> bool {
        let Some(channel) = channel(&self.channels, number) else { return false };
        let mut skip = slot(&self.slots, number).skip;
        let came = loop {
            match channel.read(block) {
                Ok(Heard::Octets(BLOCK)) if skip > 0 => skip -= 1,
                Ok(Heard::Octets(BLOCK)) => break true,
                Ok(Heard::Event) => {
                    if take_events(channel, &self.tally) {
                        set_empty(&mut self.slots, number, true);
                    }
                }
                Ok(Heard::Octets(_) | Heard::Nothing) | Err(_) => break false,
            }
        };
        if let Some(slot) = self.slots.get_mut(usize::from(number)) {
            slot.skip = skip;
        }
        came
    }

    /// Gives one block to a channel.
    fn give(&mut self, number: u8, block: &[u8; BLOCK]) -> bool {
        let Some(channel) = channel(&self.channels, number) else { return false };
        loop {
            match channel.write(block) {
                Ok(Taken::Whole) => {
                    let slot = self.slots.get_mut(usize::from(number));
                    slot.into_iter().for_each(|slot| slot.ahead += 1);
                    return true;
                }
                Ok(Taken::Event) => {
                    if take_events(channel, &self.tally) {
                        set_empty(&mut self.slots, number, true);
                    }
                }
                Ok(Taken::Full) | Err(_) => {
                    self.tally.unsent.one();
                    return false;
                }
            }
        }
    }

    fn count_missing(&mut self, number: u8, came: bool) {
        let Some(slot) = self.slots.get_mut(usize::from(number)) else { return };
        if !came && slot.begun && self.tally.sound() {
            self.tally.slips.one();
        }
        slot.begun |= came;
    }
}

impl Bearers for DahdiBearers {
    fn beat_fd(&self) -> Option<BorrowedFd<'_>> {
        channel(&self.channels, self.beat.slot).map(AsFd::as_fd)
    }

    fn open(&mut self, number: u8) {
        let Some(channel) = channel(&self.channels, number) else { return };
        if number == self.beat.slot {
            // The kernel's blocks go on being counted; only those taken in already are stale.
            self.beat.length = 0;
        } else if channel.flush().is_err() {
            self.tally.malformed.one();
        }
        if channel.tell_buffers(true).is_err() {
            self.tally.malformed.one();
        }
        if let Some(slot) = self.slots.get_mut(usize::from(number)) {
            *slot = Slot { open: true, empty: true, late: self.behind, ..Slot::default() };
        }
    }

    fn close(&mut self, number: u8) {
        let Some(channel) = channel(&self.channels, number) else { return };
        // What is refused here is refused again, and counted, when the slot is opened.
        let _refused = channel.tell_buffers(false);
        if let Some(slot) = self.slots.get_mut(usize::from(number)) {
            slot.open = false;
        }
    }

    fn begin_tick(&mut self) {
        let came = self.drain_beat();
        self.quiet_ticks = if came > 0 { 0 } else { self.quiet_ticks.saturating_add(1) };
        self.tally.set_sound(self.quiet_ticks < QUIET_TICKS);
        // The kernel has sent as many blocks of each slot as it has received of this one; without a
        // beat, as many as there are ticks.
        let sent = if self.tally.sound() { came } else { 1 };
        self.slots.iter_mut().for_each(|slot| slot.ahead = slot.ahead.saturating_sub(sent));
        self.behind = (self.behind + came).saturating_sub(1);
        if self.behind >= WAITING {
            let surplus = self.behind - 1;
            self.behind = 1;
            self.tally.overruns.one();
            self.tally.slips.many(surplus as u64);
            self.slots.iter_mut().for_each(|slot| slot.skip += surplus);
        }
    }

    fn read(&mut self, number: u8, block: &mut [u8; BLOCK]) -> bool {
        let Some(slot) = self.slots.get_mut(usize::from(number)).filter(|slot| slot.open) else {
            return false;
        };
        if slot.late > 0 {
            slot.late -= 1;
            return false;
        }
        let came = if number == self.beat.slot {
            // One block for this tick and one for each that waits; more are surplus.
            while self.beat.length > self.behind + 1 {
                self.beat.pop();
            }
            self.beat.pop().map(|oldest| *block = *oldest).is_some()
        } else {
            self.read_channel(number, block)
        };
        self.count_missing(number, came);
        came
    }

    fn write(&mut self, number: u8, block: &[u8; BLOCK]) -> bool {
        let state = slot(&self.slots, number);
        if !state.open {
            return false;
        }
        if state.empty {
            set_empty(&mut self.slots, number, false);
            self.give(number, &[SILENCE; BLOCK]);
        }
        if slot(&self.slots, number).ahead >= AHEAD {
            // A tick made up after silence had to be sent in its place: its time is over.
            if self.tally.sound() {
                self.tally.slips.one();
            }
            return false;
        }
        self.give(number, block)
    }

    fn end_tick(&mut self) {}

    fn waiting(&self) -> usize {
        self.behind
    }
}

fn channel(channels: &Channels, slot: u8) -> Option<&Channel> {
    channels.get(usize::from(slot)).and_then(Option::as_ref)
}

fn slot(slots: &[Slot], number: u8) -> Slot {
    slots.get(usize::from(number)).copied().unwrap_or_default()
}

fn set_empty(slots: &mut [Slot], number: u8, empty: bool) {
    if let Some(slot) = slots.get_mut(usize::from(number)) {
        slot.empty = empty;
    }
}

/// Takes every event that waits at a channel, and says whether it ran empty.
fn take_events(channel: &Channel, tally: &Tally) -> bool {
    let mut empty = false;
    // An error here is seen again by the read or write that follows.
    while let Ok(Some(event)) = channel.event() {
        match event {
            abi::EVENT_WRITE_UNDERRUN => {
                empty = true;
                tally.slips.one();
            }
            abi::EVENT_READ_OVERRUN => tally.overruns.one(),
            // Alarms come and go: the span's status tells them.
            _ => {}
        }
    }
    empty
}
