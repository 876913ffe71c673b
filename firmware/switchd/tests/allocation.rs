//! The tripwire of the sound thread: two spans that come, stop and come again, calls over their
//! channels and a loop test, and not one allocation on that thread after its start.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod exchange;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use exchange::{Boxed, Exchange};
use media::{Codec, Command, Digits, OpenPort, PortId};
use switchd::seam::{SoundOrder, SoundReport};

struct Counting;

/// The thread that is watched; 0: nobody yet.
static WATCHED: AtomicI32 = AtomicI32::new(0);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[allow(unsafe_code, reason = "asks the kernel who we are; thread-local storage may allocate")]
fn count() {
    let watched = WATCHED.load(Ordering::Relaxed);
    // SAFETY: the call takes nothing, changes nothing and cannot fail.
    if watched != 0 && unsafe { libc::gettid() } == watched {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged.
#[allow(unsafe_code, reason = "an allocator cannot be counted otherwise")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn sound_thread() -> i32 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let named = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "sound")
    };
    let mut found = tasks.filter(named);
    found.next().unwrap().file_name().to_str().unwrap().parse().unwrap()
}

/// What this thread allocates while it is watched.
#[allow(unsafe_code, reason = "asks the kernel who we are")]
fn own_allocations(work: impl FnOnce()) -> u64 {
    // SAFETY: the call takes nothing, changes nothing and cannot fail.
    WATCHED.store(unsafe { libc::gettid() }, Ordering::Relaxed);
    work();
    WATCHED.store(0, Ordering::Relaxed);
    ALLOCATIONS.swap(0, Ordering::Relaxed)
}

#[test]
fn the_sound_thread_allocates_nothing_while_spans_come_and_go() {
    assert_eq!(own_allocations(|| drop(std::hint::black_box(Box::new(7)))), 2, "nobody counts");
    let mut boxed = Boxed::start(2, 8);
    // The thread is built when it has made its first tick.
    while boxed.pulse.ticks() < 5 {
        sleep(Duration::from_millis(5));
    }
    WATCHED.store(sound_thread(), Ordering::Relaxed);
    let exchange = Exchange::attach(&boxed, 2, Box::new(|_, _, _, last| Some(*last)));
    boxed.await_report(|report| *report == SoundReport::Master { span: Some(0) });
    for port in 0..4 {
        let channel = Some(((port % 2) as u8, 1 + port as u8));
        let port = PortId(port);
        boxed.apply(Command::OpenPort(OpenPort::bearer(port, Codec::Alaw)));
        boxed.order(SoundOrder::Bearer { port, channel });
        boxed.apply(Command::SetEcho(port, true));
        boxed.apply(Command::SendDigits(port, Digits::new("12").unwrap()));
    }
    boxed.apply(Command::OpenPort(OpenPort::new(PortId(5), Codec::Alaw, 1)));
    boxed.join(PortId(0), PortId(1));
    boxed.order(SoundOrder::LoopTest { span: 1, slot: 30 });
    boxed.await_report(|report| matches!(report, SoundReport::LoopTest { .. }));
    boxed.await_report(|report| matches!(report, SoundReport::Lateness { .. }));
    exchange.pause(true);
    boxed.await_report(|report| *report == SoundReport::Master { span: None });
    exchange.pause(false);
    boxed.reports.clear();
    boxed.await_report(|report| *report == SoundReport::Master { span: Some(0) });
    boxed.apply(Command::ClosePort(PortId(2)));
    // The spans lose their exchange altogether, and another one comes.
    exchange.stop();
    boxed.await_report(|report| *report == SoundReport::Master { span: None });
    boxed.reports.clear();
    let exchange = Exchange::attach(&boxed, 2, Box::new(|_, _, _, last| Some(*last)));
    boxed.await_report(|report| *report == SoundReport::Master { span: Some(0) });
    let counted = ALLOCATIONS.load(Ordering::Relaxed);
    WATCHED.store(0, Ordering::Relaxed);
    exchange.stop();
    boxed.stop();
    assert_eq!(counted, 0, "the sound thread allocated");
}
