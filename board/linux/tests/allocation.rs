//! The tripwire: a minute of a whole span over real sockets, and not one allocation on the side
//! of the sound thread.

// An allocator cannot be counted otherwise.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};

use board_port::block::{self, LONGEST};
use board_port::{BLOCK, Slots};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
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
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn three_thousand_ticks_of_thirty_channels_allocate_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("span");
    let mut parts = board_linux::attached::listen(&path, false).unwrap();
    let address = UnixAddr::new(&folder.path().join("span.b")).unwrap();
    let attach = || {
        let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_NONBLOCK, None);
        let fd = fd.unwrap();
        connect(fd.as_raw_fd(), &address).unwrap();
        fd
    };
    let mut exchange = attach();
    let sound = [[0xD5; BLOCK]; 32];
    let (mut message, mut heard) = ([0; LONGEST], [0; BLOCK]);
    let (mut blocks, mut spent) = (0, 0);
    Slots::BEARERS.iter().for_each(|slot| parts.bearers.open(slot));
    for tick in 0..3_000u32 {
        // An exchange that comes anew is part of the day's work.
        if tick % 1_000 == 999 {
            exchange = attach();
        }
        let length = block::encode(tick, Slots::BEARERS, &sound, &mut message);
        send(exchange.as_raw_fd(), &message[..length], MsgFlags::empty()).unwrap();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        parts.bearers.begin_tick();
        for slot in Slots::BEARERS.iter() {
            blocks += u32::from(parts.bearers.read(slot, &mut heard));
            parts.bearers.write(slot, &heard);
        }
        parts.bearers.end_tick();
        spent += ALLOCATIONS.load(Ordering::Relaxed) - before;
        recv(exchange.as_raw_fd(), &mut message, MsgFlags::empty()).unwrap();
    }
    assert_eq!((blocks, spent), (3_000 * 30, 0));
}
