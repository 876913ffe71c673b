//! Pacing allocates nothing once a day has begun: counted at 100 agents and 400 lines.
#![allow(unsafe_code)] // A counting allocator can only be written with unsafe.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use call::Tick;
use dialer::pacing::{Day, Event, Outcome, Pacer};

struct Counting;

static TAKEN: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_day_of_events_and_decisions_allocates_nothing() {
    let mut pacer = Pacer::default();
    let day = Day {
        end_s: 28_800.0,
        seats: 100,
        lines: 400,
        cap: 0.03,
        ring_timeout_s: 25.0,
        connect_s: 2.0,
    };
    pacer.start_day(day);
    let before = TAKEN.load(Ordering::Relaxed);
    let mut dialed = 0u64;
    for second in 0..2_000u64 {
        let now = Tick(second * 1000);
        let seat = (second % 100) as usize;
        pacer.handle_event(now, Event::Ready(seat));
        for old in dialed.saturating_sub(30)..dialed.saturating_sub(25) {
            let outcome = if old % 4 == 0 { Outcome::Human } else { Outcome::NoAnswer };
            pacer.handle_event(now, Event::Result(old, outcome));
            if outcome == Outcome::Human {
                pacer.handle_event(now, Event::Talk(seat, old));
            }
        }
        pacer.handle_event(now, Event::Wrap((seat + 50) % 100));
        for _ in 0..pacer.decide(now, 100).dials {
            pacer.handle_event(now, Event::Dialed(dialed));
            dialed += 1;
        }
    }
    pacer.start_day(day);
    assert!(dialed > 100, "the floor was busy");
    assert_eq!(TAKEN.load(Ordering::Relaxed) - before, 0);
}
