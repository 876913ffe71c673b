//! An exchange at the sockets of an attached span: the network's side of the D-channel, and sound on
//! every channel that carries a call. Each customer says a tone of their own, octet by octet, and
//! what comes back is kept octet by octet.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use board_port::block::{self, Frame, LONGEST};
use board_port::{BLOCK, LONGEST_FRAME, SILENCE, Slots};
use call::{Cause, LegPhase, Side, Tick};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use peer::tone;
use peer::unit::now_ms;
use signal::q921::Role;
use signal::q931::dchannel::{CallId, Config, DChannel, Output};

/// One block of sound.
const BLOCK_TIME: Duration = Duration::from_millis(20);
/// From one look for a box that is away to the next.
const LOOK: Duration = Duration::from_millis(100);
/// Orders that wait for the exchange; whoever gives more waits, too.
const ORDERS_MAX: usize = 4;
/// From SETUP to ALERTING.
const ALERT: Duration = Duration::from_millis(60);

/// What becomes of the calls that come.
#[derive(Clone, Copy, Debug)]
pub struct Customers {
    /// From ALERTING to CONNECT.
    pub ring: Duration,
    /// How long a customer talks before hanging up. Those whose number ends with an odd digit leave
    /// that to the other.
    pub talk: Duration,
}

/// One call, as the exchange saw it. Times are UTC milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Its time slot.
    pub slot: u8,
    /// Digits of the number called.
    pub called: String,
    /// Digits of the number shown.
    pub caller: String,
    /// SETUP came.
    pub setup: i64,
    /// ALERTING went out.
    pub alerted: Option<i64>,
    /// CONNECT went out.
    pub connected: Option<i64>,
    /// The first octet came that is not silence.
    pub heard_from: Option<i64>,
    /// It was over here, why, and by whom: `Box` is the exchange itself.
    pub ended: Option<(i64, Cause, Side)>,
    /// What the customer says, Hz.
    pub tone_hz: u32,
    /// What the customer heard from CONNECT on, A-law.
    pub heard: Vec<u8>,
}

/// What an exchange has seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The data link is up.
    pub up: bool,
    /// How often the sockets were found.
    pub attached: u32,
    /// RESTART messages that came, with the time of each.
    pub restarts: Vec<i64>,
    /// Blocks of sound whose number was not the next.
    pub missed: u32,
    /// Every call, in the order of coming.
    pub calls: Vec<Call>,
}

enum Order {
    Plug(bool),
    Quit,
}

/// A running exchange.
pub struct Exchange {
    orders: SyncSender<Order>,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    /// Plugs an exchange into the span at `path` (without `.d` and `.b`), as soon as it is there.
    #[must_use]
    pub fn start(path: &Path, customers: Customers) -> Exchange {
        let (orders, from) = sync_channel(ORDERS_MAX);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut work = Work::new(path.to_owned(), customers, seen.clone());
        let thread = thread::spawn(move || work.run(&from));
        Exchange { orders, seen, thread: Some(thread) }
    }

    /// What it has seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// The latest call to a number.
    #[must_use]
    pub fn call_to(&self, number: &str) -> Option<Call> {
        let seen = self.seen.lock().unwrap();
        seen.calls.iter().rev().find(|call| call.called.ends_with(number)).cloned()
    }

    /// Pulls the plug, or puts it back. Calls are kept as long as T309 runs.
    pub fn plug(&self, on: bool) {
        self.orders.send(Order::Plug(on)).unwrap();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Quit);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A call that is not over.
struct Open {
    id: CallId,
    /// Its place in what was seen.
    at: usize,
    slot: u8,
    alert_at: Option<Instant>,
    answer_at: Option<Instant>,
    clear_at: Option<Instant>,
    talks: bool,
    /// One second of the customer's tone; a multiple of 20 Hz is without a seam.
    voice: Vec<u8>,
    said: usize,
}

struct Work {
    path: PathBuf,
    customers: Customers,
    seen: Arc<Mutex<Seen>>,
    born: Instant,
    dchannel: DChannel,
    open: Vec<Open>,
    sockets: Option<(UnixDatagram, UnixDatagram)>,
    pulled: bool,
    look_at: Instant,
    block_at: Instant,
    sequence: u32,
    expected: Option<u32>,
}

impl Work {
    fn new(path: PathBuf, customers: Customers, seen: Arc<Mutex<Seen>>) -> Work {
        let born = Instant::now();
        Work {
            path,
            customers,
            seen,
            born,
            dchannel: DChannel::new(Tick(0), Config::new(Role::Network)),
            open: Vec::new(),
            sockets: None,
            pulled: false,
            look_at: born,
            block_at: born,
            sequence: 0,
            expected: None,
        }
    }

    fn run(&mut self, orders: &Receiver<Order>) {
        self.dchannel.handle_layer1(self.now(), false);
        self.settle();
        loop {
            while let Ok(order) = orders.try_recv() {
                match order {
                    Order::Plug(on) => {
                        self.pulled = !on;
                        if self.pulled {
                            self.lose();
                        }
                    }
                    Order::Quit => return,
                }
            }
            self.look();
            self.wait();
            self.receive();
            self.dchannel.handle_timeout(self.now());
            self.settle();
            self.lead();
            self.sound();
        }
    }

    fn now(&self) -> Tick {
        Tick(u64::try_from(self.born.elapsed().as_millis()).unwrap())
    }

    /// Looks for the box, if nobody is there.
    fn look(&mut self) {
        if self.sockets.is_some() || self.pulled || Instant::now() < self.look_at {
            return;
        }
        self.look_at = Instant::now() + LOOK;
        // Frames last: with them the alarm ends, and then the sound has to be there.
        let (Some(blocks), Some(frames)) = (connect(&self.path, "b"), connect(&self.path, "d"))
        else {
            return;
        };
        self.sockets = Some((frames, blocks));
        self.expected = None;
        self.block_at = Instant::now();
        self.seen.lock().unwrap().attached += 1;
        self.dchannel.handle_layer1(self.now(), true);
        self.settle();
    }

    fn lose(&mut self) {
        if self.sockets.take().is_some() {
            self.dchannel.handle_layer1(self.now(), false);
            self.settle();
        }
    }

    /// Until something comes, or the next block is due.
    fn wait(&self) {
        let Some((frames, blocks)) = &self.sockets else { return thread::sleep(BLOCK_TIME) };
        let left = self.block_at.saturating_duration_since(Instant::now());
        let ms = u8::try_from(left.as_millis()).unwrap_or(20);
        let mut on = [frames.as_fd(), blocks.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        // Whatever it says, the sockets are looked at next.
        let _ = poll(&mut on, PollTimeout::from(ms));
    }

    fn receive(&mut self) {
        let mut octets = [0; LONGEST];
        while let Some((frames, _)) = &self.sockets {
            match take(frames, &mut octets[..LONGEST_FRAME]) {
                Taken::Message(length) => {
                    let frame = octets[..length].to_vec();
                    if is_restart(&frame) {
                        self.seen.lock().unwrap().restarts.push(now_ms());
                    }
                    self.dchannel.handle_frame(self.now(), &frame);
                    self.settle();
                }
                Taken::Nothing => break,
                Taken::Gone => self.lose(),
            }
        }
        while let Some((_, blocks)) = &self.sockets {
            match take(blocks, &mut octets) {
                Taken::Message(length) => self.hear(&octets[..length]),
                Taken::Nothing => break,
                Taken::Gone => self.lose(),
            }
        }
    }

    fn hear(&mut self, message: &[u8]) {
        let view = block::decode(message).expect("a whole block of sound");
        let mut seen = self.seen.lock().unwrap();
        seen.missed += u32::from(self.expected.is_some_and(|next| next != view.sequence));
        self.expected = Some(view.sequence.wrapping_add(1));
        for (slot, octets) in view.blocks() {
            let Some(open) = self.open.iter().find(|o| o.talks && o.slot == slot) else { continue };
            let call = &mut seen.calls[open.at];
            if octets.iter().any(|octet| *octet != SILENCE) {
                call.heard_from.get_or_insert_with(now_ms);
            }
            call.heard.extend(octets);
        }
    }

    /// Does with every call what is due.
    fn lead(&mut self) {
        let (now, tick) = (Instant::now(), self.now());
        let due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        for open in &mut self.open {
            if due(&mut open.alert_at) {
                self.dchannel.alert(tick, open.id, false);
                self.seen.lock().unwrap().calls[open.at].alerted = Some(now_ms());
            }
            if due(&mut open.answer_at) {
                open.talks = true;
                self.seen.lock().unwrap().calls[open.at].connected = Some(now_ms());
                self.dchannel.answer(tick, open.id);
            }
            if due(&mut open.clear_at) {
                self.dchannel.hang_up(tick, open.id, Cause::NormalClearing);
            }
        }
        self.settle();
    }

    /// Sends 20 ms of every customer, if it is time.
    fn sound(&mut self) {
        let Some((_, blocks)) = &self.sockets else { return };
        while self.block_at <= Instant::now() {
            self.block_at += BLOCK_TIME;
            let mut frame: Frame = [[SILENCE; BLOCK]; Slots::COUNT as usize];
            let mut slots = Slots::NONE;
            for open in &mut self.open {
                slots.insert(open.slot);
                if open.talks {
                    let place = &mut frame[usize::from(open.slot)];
                    place.copy_from_slice(&open.voice[open.said..open.said + BLOCK]);
                    open.said = (open.said + BLOCK) % open.voice.len();
                }
            }
            let mut message = [0; LONGEST];
            let length = block::encode(self.sequence, slots, &frame, &mut message);
            self.sequence = self.sequence.wrapping_add(1);
            // To a box that does not read, sound is lost as on a line that is cut.
            let _ = blocks.send(&message[..length]);
        }
    }

    fn settle(&mut self) {
        while let Some(output) = self.dchannel.poll() {
            match output {
                Output::Send(frame) => {
                    if let Some((frames, _)) = &self.sockets {
                        let _ = frames.send(&frame);
                    }
                }
                Output::Link { up } => self.seen.lock().unwrap().up = up,
                Output::Incoming { call, channel, setup } => {
                    let digits = |party: Option<signal::q931::wire::Party>| {
                        party.map(|party| party.digits).unwrap_or_default()
                    };
                    self.begin(call, channel, digits(setup.called), digits(setup.calling));
                }
                Output::Phase { call, phase: LegPhase::Ended, cause, by, .. } => {
                    if let Some(at) = self.open.iter().position(|open| open.id == call) {
                        let open = self.open.remove(at);
                        let end = (now_ms(), cause.expect("why"), by.expect("by whom"));
                        self.seen.lock().unwrap().calls[open.at].ended = Some(end);
                    }
                }
                Output::Digits { .. }
                | Output::Phase { .. }
                | Output::Channel { .. }
                | Output::Display { .. }
                | Output::Error(_)
                | Output::Counted(_) => {}
            }
        }
    }

    fn begin(&mut self, id: CallId, slot: u8, called: String, caller: String) {
        let mut seen = self.seen.lock().unwrap();
        let tone_hz = customer_hz(&called);
        let leaves = called.ends_with(['0', '2', '4', '6', '8']);
        let now = Instant::now();
        let answer_at = now + ALERT + self.customers.ring;
        self.open.push(Open {
            id,
            at: seen.calls.len(),
            slot,
            alert_at: Some(now + ALERT),
            answer_at: Some(answer_at),
            clear_at: leaves.then_some(answer_at + self.customers.talk),
            talks: false,
            voice: tone::alaw_of_tone(tone_hz, 1),
            said: 0,
        });
        seen.calls.push(Call { slot, called, caller, setup: now_ms(), tone_hz, ..Call::default() });
        drop(seen);
        self.dchannel.proceed(self.now(), id, false);
    }
}

/// What the customer with this number says: 660 to 1040 Hz by its last two digits.
pub fn customer_hz(number: &str) -> u32 {
    let tail = number.get(number.len().saturating_sub(2)..).and_then(|tail| tail.parse().ok());
    660 + 20 * (tail.unwrap_or(0) % 20)
}

/// RESTART in an I frame: control with bit 1 clear, then protocol 8, reference of two octets, 0, and
/// message 0x46 (Q.931 §4, Q.921 §3.4).
fn is_restart(frame: &[u8]) -> bool {
    frame.get(2).is_some_and(|control| control & 1 == 0)
        && frame.get(4..9) == Some(&[0x08, 0x02, 0x00, 0x00, 0x46])
}

enum Taken {
    Message(usize),
    Nothing,
    Gone,
}

fn take(from: &UnixDatagram, octets: &mut [u8]) -> Taken {
    match from.recv(octets) {
        Ok(0) => Taken::Gone,
        Ok(length) => Taken::Message(length),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Taken::Nothing,
        Err(_) => Taken::Gone,
    }
}

/// Numbered messages that keep their bounds are sent and received as datagrams are.
fn connect(path: &Path, which: &str) -> Option<UnixDatagram> {
    let address = UnixAddr::new(&path.with_extension(which)).ok()?;
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd: OwnedFd =
        socket::socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).unwrap();
    socket::connect(fd.as_raw_fd(), &address).ok()?;
    Some(fd.into())
}
