//! The sound thread with attached spans, and the exchange at their other end: a thread with a clock
//! of its own that says and hears blocks of every time slot.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use board_port::block::{self, Frame, LONGEST};
use board_port::{BLOCK, Slots};
use media::{Command, Ear, Gain, PortId, Source};
use nix::sys::socket::{
    self, AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, recvmsg, sendmsg,
};
use switchd::seam::{Doorbell, ReactorEnds, SoundOrder, SoundPulse, SoundReport, rings};
use switchd::sound::{Sound, bind_ports};

pub type Block = [u8; BLOCK];

const TICK: Duration = Duration::from_millis(20);

/// A box of spans and ports without its reactor.
pub struct Boxed {
    pub ends: ReactorEnds,
    pub pulse: Arc<SoundPulse>,
    pub reports: Vec<SoundReport>,
    pub rtp_first: u16,
    pub folder: tempfile::TempDir,
    thread: Option<JoinHandle<()>>,
}

impl Boxed {
    /// Starts it with so many attached spans, on which nobody is yet.
    pub fn start(spans: usize, ports: u16) -> Boxed {
        let folder = tempfile::tempdir().unwrap();
        let attached = (0..spans).map(|span| {
            board_linux::attached::listen(&place(folder.path(), span), false).unwrap().bearers
        });
        let spans = attached.collect();
        // Nobody records here; a ring that is full counts and goes on.
        let (ends, sound_ends, _) = rings().unwrap();
        let (bell, _heard) = Doorbell::pair().unwrap();
        let pulse = Arc::new(SoundPulse::default());
        let listen = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (rtp_first, sockets) = (20_000..60_000)
            .step_by(1_024)
            .find_map(|first| Some((first, bind_ports(listen, first, first + 2 * ports - 1).ok()?)))
            .unwrap();
        let sound = Sound {
            sockets,
            realtime_priority: None,
            ends: sound_ends,
            bell,
            pulse: pulse.clone(),
            spans,
        };
        let thread = Some(sound.start().unwrap());
        Boxed { ends, pulse, reports: Vec::new(), rtp_first, folder, thread }
    }

    pub fn order(&mut self, order: SoundOrder) {
        self.ends.orders.enqueue(order).unwrap();
    }

    pub fn apply(&mut self, command: Command) {
        self.order(SoundOrder::Media(command));
    }

    pub fn join(&mut self, a: PortId, b: PortId) {
        self.apply(Command::Hear(Ear::Port(a), Source::Port(b), Gain::UNITY));
        self.apply(Command::Hear(Ear::Port(b), Source::Port(a), Gain::UNITY));
    }

    /// What it has told so far, kept in `reports`.
    pub fn listen(&mut self) -> &[SoundReport] {
        while let Some(report) = self.ends.reports.dequeue() {
            self.reports.push(report);
        }
        &self.reports
    }

    /// Waits until it has told something, or ten seconds.
    pub fn await_report(&mut self, wanted: impl Fn(&SoundReport) -> bool) -> SoundReport {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(found) = self.listen().iter().find(|report| wanted(report)) {
                return *found;
            }
            assert!(Instant::now() < until, "it told only {:?}", self.reports);
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn stop(mut self) -> Vec<SoundReport> {
        self.order(SoundOrder::Stop);
        self.thread.take().unwrap().join().unwrap();
        self.listen();
        std::mem::take(&mut self.reports)
    }
}

fn place(folder: &Path, span: usize) -> std::path::PathBuf {
    folder.join(format!("span{span}"))
}

/// What an exchange says on a slot: tick, span, slot, what it heard there last.
pub type Say = Box<dyn FnMut(u64, usize, u8, &Block) -> Option<Block> + Send>;

/// What it heard, and how well it kept pace.
pub struct Heard {
    /// By span and slot, in order.
    pub blocks: Vec<[Vec<Block>; 32]>,
    /// The latest it ever was.
    pub late: Duration,
}

/// An exchange that is attached to all spans.
pub struct Exchange {
    stop: Arc<AtomicBool>,
    pause: Arc<AtomicBool>,
    pub ticks: Arc<AtomicU64>,
    thread: JoinHandle<Heard>,
}

impl Exchange {
    pub fn attach(boxed: &Boxed, spans: usize, mut say: Say) -> Exchange {
        let lines: Vec<OwnedFd> =
            (0..spans).map(|span| line(&place(boxed.folder.path(), span))).collect();
        let (stop, pause) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let ticks = Arc::new(AtomicU64::new(0));
        let (stopped, paused, ticked) = (stop.clone(), pause.clone(), ticks.clone());
        let thread = thread::spawn(move || {
            let mut heard = Heard { blocks: Vec::new(), late: Duration::ZERO };
            heard.blocks.resize_with(spans, || std::array::from_fn(|_| Vec::new()));
            let mut last: Vec<Frame> = vec![[[0xD5; BLOCK]; 32]; spans];
            let mut due = Instant::now();
            let mut tick = 0;
            while !stopped.load(Ordering::Relaxed) {
                due += TICK;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if paused.load(Ordering::Relaxed) {
                    continue;
                }
                for (span, line) in lines.iter().enumerate() {
                    speak(line, tick, span, &last[span], &mut say);
                    hear(line, &mut heard.blocks[span], &mut last[span]);
                }
                heard.late = heard.late.max(Instant::now().saturating_duration_since(due));
                tick += 1;
                ticked.store(tick, Ordering::Relaxed);
            }
            heard
        });
        Exchange { stop, pause, ticks, thread }
    }

    /// Says nothing from now on, or speaks again.
    pub fn pause(&self, on: bool) {
        self.pause.store(on, Ordering::Relaxed);
    }

    pub fn stop(self) -> Heard {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn line(place: &Path) -> OwnedFd {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket::socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).unwrap();
    let mut path = place.as_os_str().to_owned();
    path.push(".b");
    socket::connect(fd.as_raw_fd(), &UnixAddr::new(Path::new(&path)).unwrap()).unwrap();
    fd
}

fn speak(line: &OwnedFd, tick: u64, span: usize, last: &Frame, say: &mut Say) {
    let mut frame = [[0; BLOCK]; 32];
    let mut slots = Slots::NONE;
    for slot in Slots::BEARERS.iter() {
        if let Some(said) = say(tick, span, slot, &last[usize::from(slot)]) {
            frame[usize::from(slot)] = said;
            slots.insert(slot);
        }
    }
    let mut message = [0; LONGEST];
    let length = block::encode(tick as u32, slots, &frame, &mut message);
    let parts = [IoSlice::new(&message[..length])];
    // A box that does not read is the test's business.
    let _ = sendmsg::<()>(line.as_raw_fd(), &parts, &[], MsgFlags::empty(), None);
}

fn hear(line: &OwnedFd, heard: &mut [Vec<Block>; 32], last: &mut Frame) {
    let mut message = [0; LONGEST];
    loop {
        let mut parts = [IoSliceMut::new(&mut message)];
        let got = recvmsg::<()>(line.as_raw_fd(), &mut parts, None, MsgFlags::empty());
        let Ok(length) = got.map(|got| got.bytes) else { return };
        if length == 0 {
            return;
        }
        for (slot, said) in block::decode(&message[..length]).unwrap().blocks() {
            heard[usize::from(slot)].push(*said);
            last[usize::from(slot)] = *said;
        }
    }
}

/// A phone that sends a packet each 20 ms from a thread of its own and keeps what it is sent.
pub struct Phone {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Vec<u8>>>,
    pub address: SocketAddr,
}

impl Phone {
    /// `say` gives the octets of packet *n*.
    pub fn start(to: SocketAddr, say: impl Fn(u16) -> Block + Send + 'static) -> Phone {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        socket.set_nonblocking(true).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut packets = Vec::new();
            let mut due = Instant::now();
            let mut sequence = 0u16;
            while !stopped.load(Ordering::Relaxed) {
                due += TICK;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let mut packet = vec![0x80, 8];
                packet.extend(sequence.to_be_bytes());
                packet.extend((u32::from(sequence) * 160).to_be_bytes());
                packet.extend(7u32.to_be_bytes());
                packet.extend(say(sequence));
                let _ = socket.send_to(&packet, to);
                sequence += 1;
                let mut heard = [0; 400];
                while let Ok(length) = socket.recv(&mut heard) {
                    packets.push(heard[..length].to_vec());
                }
            }
            packets
        });
        Phone { stop, thread, address }
    }

    /// Packets it was sent.
    pub fn stop(self) -> Vec<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
