//! The tripwire: two hundred joined, recorded calls with digits, prompts, tones and loss for ten
//! thousand ticks, then four spans of bearers with echo, keys both ways and drift for two thousand,
//! and not one allocation, in Rust or in C.

mod load;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use load::{Lines, Load};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
#[allow(unsafe_code, reason = "an allocator cannot be counted otherwise")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes that C's malloc has given out in all arenas of this process.
#[allow(unsafe_code, reason = "asks the C library about itself")]
fn c_bytes_in_use() -> usize {
    // SAFETY: mallinfo2 takes nothing and returns a plain structure.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

// One test, because the counts are of the whole process.
#[test]
fn twelve_thousand_ticks_of_packets_and_of_bearers_allocate_nothing() {
    packets();
    bearers();
}

/// So many turns, and not one allocation. The counts are of the whole process, and the harness says
/// by and by that a test takes long: what it takes for that, it takes once. Gives the turns made.
fn quiet(turns: u64, mut turn: impl FnMut()) -> u64 {
    let mut counts = Vec::with_capacity(2);
    for tried in 1..=2 {
        let (rust_before, c_before) = (ALLOCATIONS.load(Ordering::Relaxed), c_bytes_in_use());
        for _ in 0..turns {
            turn();
        }
        let (rust_after, c_after) = (ALLOCATIONS.load(Ordering::Relaxed), c_bytes_in_use());
        counts.push((rust_after - rust_before, c_after.abs_diff(c_before)));
        if counts.last() == Some(&(0, 0)) {
            return tried * turns;
        }
    }
    panic!("allocated, Rust times and C bytes: {counts:?}");
}

fn packets() {
    let mut load = Load::new(200);
    for _ in 0..100 {
        load.turn();
    }
    let turns = 100 + quiet(10_000, || load.turn());
    // Everything happened in between:
    assert!(load.packets > 3_900_000, "{} packets", load.packets);
    assert_eq!(load.blocks, 200 * turns);
    assert!(load.digits > 1000 && load.prompts_ended > 100 && load.lost_ms() > 100_000);
}

fn bearers() {
    let mut lines = Lines::new(60);
    for _ in 0..100 {
        lines.turn();
    }
    let turns = 100 + quiet(2_000, || lines.turn());
    // Everything happened in between:
    assert_eq!((lines.blocks, lines.recorded), (120 * turns, 60 * turns));
    assert!(lines.digits > 500, "{} digits", lines.digits);
    assert!(lines.digits_sent > 100, "{} digits sent", lines.digits_sent);
    assert!(lines.bent_ms() > 10_000, "{} ms", lines.bent_ms());
}
