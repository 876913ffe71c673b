//! An exchange attaches to a span over real sockets, leaves, comes back and misbehaves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use board_linux::watch::Watch;
use board_linux::{OpenError, Parts, attached};
use board_port::block::{self, Frame, LONGEST};
use board_port::{BLOCK, FrameChannel, LONGEST_FRAME, Loop, Slots, fcs};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};
use tempfile::TempDir;

/// An SABME of the user side, SAPI 0, TEI 0.
const SABME: [u8; 3] = [0x00, 0x01, 0x7F];
/// Long enough for any message on a loaded machine, ms.
const PATIENCE_MS: u16 = 5_000;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("span1")
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("span1{ending}"))
    }

    fn listen(&self, fcs: bool) -> Parts {
        attached::listen(&self.path(), fcs).unwrap()
    }
}

/// The exchange's end of one socket.
struct Exchange(OwnedFd);

impl Exchange {
    fn attach(path: &Path) -> Exchange {
        let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_NONBLOCK, None);
        let fd = fd.unwrap();
        connect(fd.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
        Exchange(fd)
    }

    fn say(&self, message: &[u8]) {
        assert_eq!(send(self.0.as_raw_fd(), message, MsgFlags::MSG_NOSIGNAL), Ok(message.len()));
    }

    fn say_blocks(&self, sequence: u32, slots: Slots, frame: &Frame) {
        let mut message = [0; LONGEST];
        let length = block::encode(sequence, slots, frame, &mut message);
        self.say(&message[..length]);
    }

    /// The next message; `None` once the box has closed.
    fn hear(&self) -> Option<Vec<u8>> {
        assert!(readable(&self.0), "the box said nothing");
        let mut message = vec![0; LONGEST];
        match recv(self.0.as_raw_fd(), &mut message, MsgFlags::empty()) {
            Ok(0) | Err(_) => None,
            Ok(length) => Some(message[..length].to_vec()),
        }
    }

    fn hears_nothing(&self) -> bool {
        let mut message = [0; LONGEST];
        recv(self.0.as_raw_fd(), &mut message, MsgFlags::empty()) == Err(nix::Error::EAGAIN)
    }
}

fn readable(fd: impl AsFd) -> bool {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::from(PATIENCE_MS)).unwrap() == 1
}

fn receive(frames: &mut dyn FrameChannel) -> Option<Vec<u8>> {
    let mut frame = [0; LONGEST_FRAME];
    let length = frames.receive(&mut frame).unwrap()?;
    Some(frame[..length].to_vec())
}

/// A frame of blocks in which every octet tells its slot, its place and a seed.
fn frame_of(seed: u8) -> Box<Frame> {
    let mut frame: Box<Frame> = Box::new([[0; BLOCK]; 32]);
    for (slot, block) in frame.iter_mut().enumerate() {
        for (at, octet) in block.iter_mut().enumerate() {
            *octet = (slot * 31 + at * 3) as u8 ^ seed;
        }
    }
    frame
}

#[test]
fn nobody_attached_is_a_red_alarm_and_attaching_clears_it() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let status = parts.span.status().unwrap();
    assert!(status.alarms.red && !status.sound);

    let exchange = Exchange::attach(&place.file(".d"));
    assert!(readable(&parts.frames));
    assert_eq!(receive(parts.frames.as_mut()), None);
    assert!(parts.span.status().unwrap().alarms.clear());

    drop(exchange);
    assert!(readable(&parts.frames));
    assert_eq!(receive(parts.frames.as_mut()), None);
    assert!(parts.span.status().unwrap().alarms.red);
}

#[test]
fn frames_pass_both_ways_whole_and_in_order() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let exchange = Exchange::attach(&place.file(".d"));
    let long = vec![0xA5; LONGEST_FRAME];
    exchange.say(&SABME);
    exchange.say(&long);
    assert_eq!(receive(parts.frames.as_mut()).as_deref(), Some(&SABME[..]));
    assert_eq!(receive(parts.frames.as_mut()).as_deref(), Some(&long[..]));
    assert_eq!(receive(parts.frames.as_mut()), None);
    parts.frames.send(&SABME).unwrap();
    parts.frames.send(&long).unwrap();
    assert_eq!(exchange.hear().as_deref(), Some(&SABME[..]));
    assert_eq!(exchange.hear().as_deref(), Some(&long[..]));
}

#[test]
fn with_an_fcs_it_is_made_checked_and_taken_off() {
    let place = Place::new();
    let mut parts = place.listen(true);
    let exchange = Exchange::attach(&place.file(".d"));
    let mut wire = [0; 5];
    fcs::append(&SABME, &mut wire);
    exchange.say(&wire);
    let mut broken = wire;
    broken[1] ^= 0x04;
    exchange.say(&broken);
    exchange.say(&[0x7F]);
    assert_eq!(receive(parts.frames.as_mut()).as_deref(), Some(&SABME[..]));
    assert_eq!(receive(parts.frames.as_mut()), None);
    assert_eq!(parts.span.status().unwrap().counters.bad_fcs, 2);
    parts.frames.send(&SABME).unwrap();
    assert_eq!(exchange.hear().as_deref(), Some(&wire[..]));
}

#[test]
fn what_is_too_long_is_counted_and_never_passed() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let exchange = Exchange::attach(&place.file(".d"));
    exchange.say(&[0; LONGEST_FRAME + 1]);
    exchange.say(&[0; 4_000]);
    exchange.say(&SABME);
    assert_eq!(receive(parts.frames.as_mut()).as_deref(), Some(&SABME[..]));
    assert_eq!(parts.span.status().unwrap().counters.malformed, 2);
    parts.frames.send(&[0; LONGEST_FRAME + 1]).unwrap();
    assert_eq!(parts.span.status().unwrap().counters.unsent, 1);
    assert!(exchange.hears_nothing());
}

/// A D-channel on which nothing but garbage comes gives the reactor back in between, and loses
/// neither the frame behind it nor the wake-up for it.
#[tokio::test]
async fn garbage_without_an_end_leaves_the_reactor_its_time() {
    const GARBAGE: u64 = 100;
    let place = Place::new();
    let mut parts = place.listen(false);
    let watch = Watch::new(parts.frames.as_ref()).unwrap();
    let exchange = Exchange::attach(&place.file(".d"));
    for _ in 0..GARBAGE {
        exchange.say(&[0; LONGEST_FRAME + 1]);
    }
    exchange.say(&SABME);
    let patience = Duration::from_millis(u64::from(PATIENCE_MS));
    let mut looks = 0;
    let frame = loop {
        tokio::time::timeout(patience, watch.ready()).await.expect("a wake-up is lost").unwrap();
        looks += 1;
        if let Some(frame) = receive(parts.frames.as_mut()) {
            break frame;
        }
    };
    assert_eq!(frame, SABME);
    assert!(looks > 1, "all of it in one look");
    assert_eq!(parts.span.status().unwrap().counters.malformed, GARBAGE);
}

#[test]
fn an_empty_message_is_garbage_and_not_the_end() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let exchange = Exchange::attach(&place.file(".d"));
    exchange.say(&[]);
    exchange.say(&SABME);
    assert_eq!(receive(parts.frames.as_mut()).as_deref(), Some(&SABME[..]));
    let status = parts.span.status().unwrap();
    assert!(status.alarms.clear());
    assert_eq!(status.counters.malformed, 1);
}

#[test]
fn a_new_connection_replaces_the_old_one() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let old = Exchange::attach(&place.file(".d"));
    assert_eq!(receive(parts.frames.as_mut()), None);
    let new = Exchange::attach(&place.file(".d"));
    new.say(&SABME);
    assert_eq!(receive(parts.frames.as_mut()).as_deref(), Some(&SABME[..]));
    assert_eq!(old.hear(), None);
    parts.frames.send(&SABME).unwrap();
    assert_eq!(new.hear().as_deref(), Some(&SABME[..]));
    assert!(parts.span.status().unwrap().alarms.clear());
}

#[test]
fn an_exchange_that_does_not_read_blocks_nobody() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let _exchange = Exchange::attach(&place.file(".d"));
    assert_eq!(receive(parts.frames.as_mut()), None);
    for _ in 0..10_000 {
        parts.frames.send(&[0; LONGEST_FRAME]).unwrap();
    }
    let status = parts.span.status().unwrap();
    assert!(status.counters.unsent > 1_000 && status.alarms.clear());
}

#[test]
fn the_sockets_are_the_owners_alone_and_a_dead_one_is_replaced() {
    let place = Place::new();
    drop(place.listen(false));
    // The files of the dead program are still there.
    assert!(place.file(".d").exists() && place.file(".b").exists());
    let mut parts = place.listen(false);
    for ending in [".d", ".b"] {
        let mode = std::fs::metadata(place.file(ending)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{ending}");
    }
    let again = attached::listen(&place.path(), false).err().unwrap();
    assert!(matches!(&again, OpenError::Taken(path) if *path == place.file(".d")), "{again}");
    // The probe was no exchange: it came and went.
    while receive(parts.frames.as_mut()).is_some() {}
    assert!(parts.span.status().unwrap().alarms.red);
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let place = Place::new();
    std::fs::write(place.file(".b"), "letters").unwrap();
    let refused = attached::listen(&place.path(), false).err().unwrap();
    assert!(matches!(&refused, OpenError::NotASocket(path) if *path == place.file(".b")));
    assert_eq!(std::fs::read_to_string(place.file(".b")).unwrap(), "letters");
}

#[test]
fn sound_passes_both_ways_octet_by_octet() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let bearers = parts.bearers.as_mut();
    assert!(bearers.beat_fd().is_none());
    let exchange = Exchange::attach(&place.file(".b"));
    bearers.begin_tick();
    bearers.end_tick();
    assert_eq!(exchange.hear().map(|m| m.len()), Some(block::HEAD));
    Slots::BEARERS.iter().for_each(|slot| bearers.open(slot));
    for tick in 0..200u32 {
        let (there, here) = (frame_of(tick as u8), frame_of(!(tick as u8)));
        exchange.say_blocks(tick, Slots::BEARERS, &there);
        assert!(readable(bearers.beat_fd().unwrap()));
        bearers.begin_tick();
        for slot in Slots::BEARERS.iter() {
            let mut heard = [0; BLOCK];
            assert!(bearers.read(slot, &mut heard));
            assert_eq!(heard, there[usize::from(slot)]);
            assert!(bearers.write(slot, &here[usize::from(slot)]));
        }
        assert!(!bearers.write(16, &[0; BLOCK]) && !bearers.write(0, &[0; BLOCK]));
        bearers.end_tick();
        let message = exchange.hear().unwrap();
        let view = block::decode(&message).unwrap();
        assert_eq!((view.sequence, view.slots), (tick + 1, Slots::BEARERS));
        assert!(view.blocks().all(|(slot, octets)| *octets == here[usize::from(slot)]));
    }
    let status = parts.span.status().unwrap();
    assert!(status.sound);
    assert_eq!(status.counters.slips, 0);
}

#[test]
fn a_tick_takes_one_block_and_tells_how_many_wait() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let exchange = Exchange::attach(&place.file(".b"));
    let slot: Slots = [1].into_iter().collect();
    parts.bearers.open(1);
    parts.bearers.begin_tick();
    for sequence in 0..6 {
        exchange.say_blocks(sequence, slot, &frame_of(sequence as u8));
    }
    // Six came, four fit: the two oldest are two slips.
    for (sequence, waiting) in [(2, 3), (3, 2), (4, 1), (5, 0)] {
        let mut heard = [0; BLOCK];
        parts.bearers.begin_tick();
        assert!(parts.bearers.read(1, &mut heard));
        assert_eq!(heard, frame_of(sequence)[1]);
        assert_eq!(parts.bearers.waiting(), waiting);
        parts.bearers.end_tick();
    }
    parts.bearers.begin_tick();
    assert!(!parts.bearers.read(1, &mut [0; BLOCK]));
    let counters = parts.span.status().unwrap().counters;
    assert_eq!((counters.slips, counters.overruns), (3, 2));
    // One that the exchange lost on the way.
    exchange.say_blocks(7, slot, &frame_of(0));
    parts.bearers.begin_tick();
    assert_eq!(parts.span.status().unwrap().counters.slips, 4);
}

#[test]
fn an_exchange_that_floods_fills_its_own_socket_and_not_the_tick() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let exchange = Exchange::attach(&place.file(".b"));
    let slot: Slots = [1].into_iter().collect();
    parts.bearers.open(1);
    parts.bearers.begin_tick();
    for sequence in 0..60 {
        exchange.say_blocks(sequence, slot, &frame_of(0));
    }
    parts.bearers.begin_tick();
    // Eight were looked at, of which four fit.
    assert_eq!(parts.span.status().unwrap().counters.overruns, 4);
}

#[test]
fn what_came_before_opening_is_not_heard() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let exchange = Exchange::attach(&place.file(".b"));
    parts.bearers.begin_tick();
    exchange.say_blocks(0, Slots::BEARERS, &frame_of(1));
    exchange.say_blocks(1, Slots::BEARERS, &frame_of(2));
    parts.bearers.begin_tick();
    assert!(!parts.bearers.read(5, &mut [0; BLOCK]));
    parts.bearers.open(5);
    parts.bearers.begin_tick();
    assert!(!parts.bearers.read(5, &mut [0; BLOCK]));
    exchange.say_blocks(2, Slots::BEARERS, &frame_of(3));
    let mut heard = [0; BLOCK];
    parts.bearers.begin_tick();
    assert!(parts.bearers.read(5, &mut heard));
    assert_eq!(heard, frame_of(3)[5]);
    parts.bearers.close(5);
    assert!(!parts.bearers.read(5, &mut heard) && !parts.bearers.write(5, &heard));
}

#[test]
fn nonsense_on_the_bearer_socket_is_counted() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let exchange = Exchange::attach(&place.file(".b"));
    parts.bearers.begin_tick();
    exchange.say(&[1, 2, 3]);
    exchange.say(&[0; 8_000]);
    parts.bearers.begin_tick();
    let status = parts.span.status().unwrap();
    assert_eq!((status.counters.malformed, status.sound), (2, false));
}

#[test]
fn the_exchange_may_go_and_come_in_the_middle_of_a_call() {
    let place = Place::new();
    let mut parts = place.listen(false);
    parts.bearers.open(9);
    for round in 0..3 {
        let exchange = Exchange::attach(&place.file(".b"));
        parts.bearers.begin_tick();
        exchange.say_blocks(round * 7, Slots::BEARERS, &frame_of(4));
        parts.bearers.begin_tick();
        assert!(parts.bearers.read(9, &mut [0; BLOCK]) && parts.bearers.beat_fd().is_some());
        assert!(parts.span.status().unwrap().sound);
        drop(exchange);
        parts.bearers.begin_tick();
        parts.bearers.end_tick();
        assert!(parts.bearers.beat_fd().is_none());
        assert!(!parts.span.status().unwrap().sound);
    }
}

#[test]
fn a_stopped_span_sends_everybody_away_until_it_is_started() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let (frames, sound) =
        (Exchange::attach(&place.file(".d")), Exchange::attach(&place.file(".b")));
    assert_eq!(receive(parts.frames.as_mut()), None);
    parts.bearers.begin_tick();
    parts.span.set_running(false).unwrap();
    let alarms = parts.span.status().unwrap().alarms;
    assert!(alarms.not_open && alarms.red);
    // The reactor is woken to close the door.
    assert!(readable(&parts.frames));
    assert_eq!(receive(parts.frames.as_mut()), None);
    parts.bearers.begin_tick();
    assert_eq!((frames.hear(), sound.hear()), (None, None));

    parts.span.set_running(true).unwrap();
    let exchange = Exchange::attach(&place.file(".d"));
    exchange.say(&SABME);
    assert_eq!(receive(parts.frames.as_mut()).as_deref(), Some(&SABME[..]));
    assert!(parts.span.status().unwrap().alarms.clear());
}

#[test]
fn a_local_loop_brings_our_own_sound_back_and_keeps_the_line_out() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let (frames, sound) =
        (Exchange::attach(&place.file(".d")), Exchange::attach(&place.file(".b")));
    assert_eq!(receive(parts.frames.as_mut()), None);
    parts.span.set_loop(Loop::Local).unwrap();
    assert!(parts.span.status().unwrap().alarms.loopback);
    parts.bearers.open(3);
    for tick in 0..20 {
        frames.say(&SABME);
        sound.say_blocks(tick, Slots::BEARERS, &frame_of(0xFF));
        assert_eq!(receive(parts.frames.as_mut()), None);
        parts.bearers.begin_tick();
        assert_eq!(parts.bearers.waiting(), 0);
        let mut heard = [0; BLOCK];
        assert_eq!(parts.bearers.read(3, &mut heard), tick > 0);
        if tick > 0 {
            assert_eq!(heard, frame_of(tick as u8 - 1)[3]);
        }
        assert!(parts.bearers.write(3, &frame_of(tick as u8)[3]));
        parts.bearers.end_tick();
    }
    assert!(sound.hears_nothing());
}

#[test]
fn a_remote_loop_sends_the_exchange_its_own_back() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let (frames, sound) =
        (Exchange::attach(&place.file(".d")), Exchange::attach(&place.file(".b")));
    parts.span.set_loop(Loop::Remote).unwrap();
    frames.say(&SABME);
    assert_eq!(receive(parts.frames.as_mut()), None);
    assert_eq!(frames.hear().as_deref(), Some(&SABME[..]));
    let mut message = [0; LONGEST];
    let length = block::encode(77, Slots::BEARERS, &frame_of(9), &mut message);
    sound.say(&message[..length]);
    parts.bearers.begin_tick();
    parts.bearers.end_tick();
    assert_eq!(sound.hear().as_deref(), Some(&message[..length]));
    parts.span.set_loop(Loop::Off).unwrap();
    frames.say(&SABME);
    assert_eq!(receive(parts.frames.as_mut()).as_deref(), Some(&SABME[..]));
}

/// The descriptor of a channel is registered once with an edge-triggered reactor, and still tells
/// of exchanges that attach later.
#[tokio::test]
async fn an_edge_triggered_reactor_sees_every_exchange_and_frame() {
    let place = Place::new();
    let mut parts = place.listen(false);
    let watch = Watch::new(parts.frames.as_ref()).unwrap();
    let file = place.file(".d");
    let exchange = tokio::task::spawn_blocking(move || {
        for round in 0..5u8 {
            let exchange = Exchange::attach(&file);
            for number in 0..20u8 {
                std::thread::sleep(Duration::from_millis(u64::from(number % 3)));
                exchange.say(&[round, number]);
            }
            // Gone only after the box has had all of it.
            assert_eq!(exchange.hear().as_deref(), Some(&[0xFF][..]));
        }
    });
    for round in 0..5u8 {
        for number in 0..20u8 {
            let frame = loop {
                if let Some(frame) = receive(parts.frames.as_mut()) {
                    break frame;
                }
                let patience = Duration::from_millis(u64::from(PATIENCE_MS));
                let ready = tokio::time::timeout(patience, watch.ready()).await;
                ready.expect("the reactor was told nothing").unwrap();
            };
            assert_eq!(frame, [round, number]);
        }
        parts.frames.send(&[0xFF]).unwrap();
    }
    exchange.await.unwrap();
}
