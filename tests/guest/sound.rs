//! The sound thread, as the switch has it: follows the span's beat, speaks and hears the pattern.

use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use board_port::{BLOCK, Bearers, Slots};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::pattern::{self, Heard, Listener};

/// How long a beat may stay away before a timer takes over, ms: two ticks.
const TIMER_MS: u16 = 40;

/// Orders that may wait: every slot opened and closed at once.
const ORDERS: usize = 64;

/// What the thread is told.
enum Order {
    Open(u8),
    Close(u8),
    Stop,
}

/// What the thread tells, by slot.
type Ears = Arc<Mutex<[Listener; Slots::COUNT as usize]>>;

/// A running sound thread.
pub struct Sound {
    orders: SyncSender<Order>,
    ears: Ears,
    thread: Option<JoinHandle<()>>,
}

impl Sound {
    /// Starts it over the bearers of one span.
    pub fn start(bearers: Box<dyn Bearers>) -> Sound {
        let (orders, taken) = sync_channel(ORDERS);
        let ears = Ears::default();
        let heard = ears.clone();
        let thread = thread::spawn(move || run(bearers, &taken, &heard));
        Sound { orders, ears, thread: Some(thread) }
    }

    /// Opens a slot: the pattern goes out from now on, and what comes is looked at anew.
    pub fn open(&self, slot: u8) {
        self.ears.lock().unwrap()[usize::from(slot)] = Listener::default();
        self.orders.send(Order::Open(slot)).unwrap();
    }

    /// Closes a slot.
    pub fn close(&self, slot: u8) {
        self.orders.send(Order::Close(slot)).unwrap();
    }

    /// What was heard in a slot since it was opened.
    pub fn heard(&self, slot: u8) -> Heard {
        self.ears.lock().unwrap()[usize::from(slot)].heard.clone()
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        // A thread that has ended by itself did so by a panic, which join tells.
        let _gone = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || thread::panicking(), "the sound thread fell over");
        }
    }
}

fn run(mut bearers: Box<dyn Bearers>, orders: &Receiver<Order>, ears: &Ears) {
    let mut open = Slots::NONE;
    let mut senders = [const { pattern::Sender::new() }; Slots::COUNT as usize];
    loop {
        for order in orders.try_iter() {
            match order {
                Order::Open(slot) => {
                    bearers.open(slot);
                    open.insert(slot);
                    senders[usize::from(slot)] = pattern::Sender::new();
                }
                Order::Close(slot) => {
                    bearers.close(slot);
                    open.remove(slot);
                }
                Order::Stop => return,
            }
        }
        if let Some(beat) = bearers.beat_fd() {
            let mut fds = [PollFd::new(beat.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::from(TIMER_MS)).unwrap();
        }
        loop {
            tick(bearers.as_mut(), open, &mut senders, ears);
            // A late thread makes up for it.
            if bearers.waiting() == 0 {
                break;
            }
        }
    }
}

fn tick(bearers: &mut dyn Bearers, open: Slots, senders: &mut [pattern::Sender], ears: &Ears) {
    let mut ears = ears.lock().unwrap();
    bearers.begin_tick();
    for slot in open.iter() {
        let (at, mut block) = (usize::from(slot), [0; BLOCK]);
        if bearers.read(slot, &mut block) {
            ears[at].look(&block);
        }
        let (block, next) = senders[at].block();
        if bearers.write(slot, &block) {
            senders[at] = next;
        }
    }
    bearers.end_tick();
}
