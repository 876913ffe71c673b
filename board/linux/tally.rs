//! What the three parts of a span know of each other: counters and a few flags, all atomic,
//! because they live on two threads and the sound thread may not lock.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use board_port::{Counters, Loop};

/// One number that only grows.
#[derive(Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn one(&self) {
        self.many(1);
    }

    /// Some more.
    pub fn many(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Shared by the parts of one span.
pub struct Tally {
    /// See [`Counters::slips`].
    pub slips: Count,
    /// See [`Counters::aborts`].
    pub aborts: Count,
    /// See [`Counters::bad_fcs`].
    pub bad_fcs: Count,
    /// See [`Counters::malformed`].
    pub malformed: Count,
    /// See [`Counters::overruns`].
    pub overruns: Count,
    /// See [`Counters::unsent`].
    pub unsent: Count,
    frames: AtomicBool,
    sound: AtomicBool,
    running: AtomicBool,
    looped: AtomicU8,
}

impl Tally {
    /// Nothing counted, nobody there, running, no loop.
    pub fn new() -> Tally {
        Tally {
            slips: Count::default(),
            aborts: Count::default(),
            bad_fcs: Count::default(),
            malformed: Count::default(),
            overruns: Count::default(),
            unsent: Count::default(),
            frames: AtomicBool::new(false),
            sound: AtomicBool::new(false),
            running: AtomicBool::new(true),
            looped: AtomicU8::new(0),
        }
    }

    /// What this side counted; a card's own counters are added by its driver.
    pub fn counters(&self) -> Counters {
        Counters {
            slips: self.slips.now(),
            aborts: self.aborts.now(),
            bad_fcs: self.bad_fcs.now(),
            malformed: self.malformed.now(),
            overruns: self.overruns.now(),
            unsent: self.unsent.now(),
            ..Counters::default()
        }
    }

    /// Whether somebody is there on the D-channel.
    pub fn frames(&self) -> bool {
        self.frames.load(Ordering::Acquire)
    }

    /// Tells whether somebody is there on the D-channel.
    pub fn set_frames(&self, there: bool) {
        self.frames.store(there, Ordering::Release);
    }

    /// Whether the B-channels bring octets.
    pub fn sound(&self) -> bool {
        self.sound.load(Ordering::Acquire)
    }

    /// Tells whether the B-channels bring octets.
    pub fn set_sound(&self, there: bool) {
        self.sound.store(there, Ordering::Release);
    }

    /// Whether the span is started.
    pub fn running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Tells whether the span is started.
    pub fn set_running(&self, on: bool) {
        self.running.store(on, Ordering::Release);
    }

    /// The test loop that is closed.
    pub fn looped(&self) -> Loop {
        match self.looped.load(Ordering::Acquire) {
            1 => Loop::Local,
            2 => Loop::Remote,
            _ => Loop::Off,
        }
    }

    /// Tells which test loop is closed.
    pub fn set_loop(&self, wanted: Loop) {
        let number = match wanted {
            Loop::Off => 0,
            Loop::Local => 1,
            Loop::Remote => 2,
        };
        self.looped.store(number, Ordering::Release);
    }
}
