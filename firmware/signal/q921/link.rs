//! One data link (Q.921 §5.5 to §5.8 and Annex B), from outside: what comes in, what goes out, and
//! what a person may see of it.
//!
//! It reads frames without check sequence from layer 1, and hands layer 3 its messages in order and
//! once each, or says that some may be lost ([`Output::Established`] while the link was up,
//! [`Output::Released`]). It never establishes a link that nobody asked for, except to repair one,
//! or when the peer's DM asks for it: after [`Output::Released`] layer 3 requests again.

use std::collections::VecDeque;

use call::Tick;

use super::code::{Code, Tally};
use super::frame::{Frame, FrameError, Role, Seq};
use super::queue::Queue;
use super::state::{Event, Saved, State};
use crate::limits::Q921_N201_MAX;

/// The system parameters (§5.9; EN 300 402 for primary rate).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// T200: how long an acknowledgement may take, in milliseconds.
    pub t200_ms: u64,
    /// N200: how often something is sent again.
    pub n200: u32,
    /// T203: how long both may be silent, in milliseconds.
    pub t203_ms: u64,
    /// k: I frames on the way without acknowledgement, 1 to 127.
    pub k: u8,
    /// N201: octets of information in one frame, at most [`Q921_N201_MAX`].
    pub n201: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { t200_ms: 1_000, n200: 3, t203_ms: 10_000, k: 7, n201: Q921_N201_MAX }
    }
}

/// The timers of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// An acknowledgement or answer is awaited.
    T200,
    /// The link is idle; the peer will be asked whether it lives.
    T203,
}

/// What layer 3 or its management asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// DL-ESTABLISH: answered by `Established(By::Request)` or `Released`. On a link that is up it
    /// drops what is queued.
    Establish,
    /// DL-RELEASE: answered by `Released`. What is queued is dropped.
    Release,
    /// DL-DATA: an acknowledged message. Refused by `NoLink`, `QueueFull` or `TooLong`.
    Data(Vec<u8>),
    /// DL-UNIT DATA: a message without acknowledgement, sent in any state.
    UnitData(Vec<u8>),
    /// Whether we can not take messages now. It outlives the link.
    Busy(bool),
}

/// Who wanted the link that is now there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// We, by request (DL-ESTABLISH confirm).
    Request,
    /// The peer (DL-ESTABLISH indication). If the link was up, messages of ours may be lost.
    Peer,
    /// Layer 2 repaired it (DL-ESTABLISH indication): messages of ours may be lost.
    Recovery,
}

/// Why there is no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// We asked for it (DL-RELEASE confirm).
    Request,
    /// The peer sent DISC.
    Peer,
    /// The peer answered our SABME with DM.
    Refused,
    /// Nobody answered our SABME.
    NoAnswer,
    /// Layer 1 is down.
    Layer1,
}

/// What a link asks of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Put these octets on the D-channel, as one frame without check sequence.
    Send(Vec<u8>),
    /// The link is there, or there anew.
    Established(By),
    /// The link is gone or did not come; everything queued is dropped.
    Released(Why),
    /// A message of the peer, in order and once.
    Data(Vec<u8>),
    /// A message of the peer that came without number.
    UnitData(Vec<u8>),
    /// MDL-ERROR: something to count and to show.
    Error(Code),
    /// The message just given is dropped: the I queue is full.
    QueueFull,
    /// The message just given is dropped: there is no link.
    NoLink,
    /// The message just given is dropped: it is longer than N201.
    TooLong,
}

/// What has happened on a link since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that came, whatever was in them.
    pub frames_in: u64,
    /// Frames that went out.
    pub frames_out: u64,
    /// Messages taken from the peer in sequence.
    pub information_in: u64,
    /// Messages sent for the first time.
    pub information_out: u64,
    /// Messages sent again.
    pub retransmitted: u64,
    /// REJ received: something of ours was lost.
    pub rej_in: u64,
    /// REJ sent: something of the peer's was lost.
    pub rej_out: u64,
    /// RNR received: the peer can not follow.
    pub rnr_in: u64,
    /// RNR sent: we could not follow.
    pub rnr_out: u64,
    /// Frames that were invalid or rejected, for whatever reason.
    pub bad: u64,
    /// Of these, frames for another SAPI or TEI.
    pub foreign: u64,
    /// Of these, frames that only our own side sends: both ends are set alike, or the line is looped.
    pub same_side: u64,
    /// XID frames, which are left unanswered.
    pub xid: u64,
    /// Messages of layer 3 for which the I queue had no room.
    pub queue_full: u64,
    /// MDL-ERROR indications by code.
    pub errors: Tally,
}

/// Where a link stands, for the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which side we are.
    pub role: Role,
    /// State of the machine.
    pub state: State,
    /// Layer 1, as last told.
    pub layer1: bool,
    /// V(S), 0 to 127.
    pub vs: u8,
    /// V(A), 0 to 127.
    pub va: u8,
    /// V(R), 0 to 127.
    pub vr: u8,
    /// Repetitions so far of what is being repeated.
    pub rc: u32,
    /// The peer's receiver is busy.
    pub peer_busy: bool,
    /// Our receiver is busy.
    pub own_busy: bool,
    /// We have rejected and wait for the repetition.
    pub reject_exception: bool,
    /// Messages in the I queue, sent or not.
    pub queued: usize,
    /// Messages sent and not acknowledged.
    pub in_flight: usize,
    /// What has happened so far.
    pub counters: Counters,
}

/// One data link.
#[derive(Clone, Debug)]
pub struct Link {
    pub(super) role: Role,
    pub(super) settings: Settings,
    pub(super) state: State,
    pub(super) layer1: bool,
    pub(super) layer_3_initiated: bool,
    pub(super) saved: Option<Saved>,
    pub(super) queue: Queue,
    /// V(A); V(S) follows from it and the queue.
    pub(super) va: Seq,
    pub(super) vr: Seq,
    pub(super) rc: u32,
    pub(super) peer_busy: bool,
    pub(super) own_busy: bool,
    /// What layer 3 last said of us; `own_busy` is what the peer was told.
    pub(super) busy_wanted: bool,
    pub(super) reject_exception: bool,
    pub(super) acknowledge_pending: bool,
    /// SABME of ours whose UA may still come.
    pub(super) sabme_open: u32,
    pub(super) t200: Option<Tick>,
    pub(super) t203: Option<Tick>,
    pub(super) counters: Counters,
    pub(super) out: VecDeque<Output>,
}

impl Link {
    /// A link in state 4. A window of 0 or above 127 and an N201 above our bound become the nearest
    /// that is possible.
    #[must_use]
    pub fn new(role: Role, settings: Settings) -> Link {
        let k = settings.k.clamp(1, 127);
        let n201 = settings.n201.min(Q921_N201_MAX);
        Link {
            role,
            settings: Settings { k, n201, ..settings },
            state: State::TeiAssigned,
            layer1: false,
            layer_3_initiated: false,
            saved: None,
            queue: Queue::default(),
            va: Seq::ZERO,
            vr: Seq::ZERO,
            rc: 0,
            peer_busy: false,
            own_busy: false,
            busy_wanted: false,
            reject_exception: false,
            acknowledge_pending: false,
            sabme_open: 0,
            t200: None,
            t203: None,
            counters: Counters::default(),
            out: VecDeque::new(),
        }
    }

    /// A frame has arrived, its check sequence checked and taken off.
    pub fn handle_frame(&mut self, now: Tick, octets: &[u8]) {
        self.counters.frames_in += 1;
        let frame = match Frame::decode(octets, self.role.other(), self.settings.n201) {
            Ok(frame) => frame,
            Err(error) => return self.refuse(now, error),
        };
        let event = match frame {
            Frame::I { ns, nr, p, info } => Event::I { ns, nr, p, info },
            Frame::Rr(frame) => Event::Rr(frame),
            Frame::Rnr(frame) => {
                self.counters.rnr_in += 1;
                Event::Rnr(frame)
            }
            Frame::Rej(frame) => {
                self.counters.rej_in += 1;
                Event::Rej(frame)
            }
            Frame::Sabme { p } => Event::Sabme { p },
            Frame::Dm { f } => Event::Dm { f },
            Frame::Disc { p } => Event::Disc { p },
            Frame::Ua { f } => Event::Ua { f },
            Frame::Frmr { .. } => Event::Frmr,
            Frame::Ui { info, .. } => return self.tell(Output::UnitData(info.to_vec())),
            Frame::Xid { .. } => {
                self.counters.xid += 1;
                return;
            }
        };
        self.step(now, event);
    }

    /// Layer 3 asks something.
    pub fn handle_request(&mut self, now: Tick, request: Request) {
        match request {
            Request::Establish => self.step(now, Event::Establish),
            Request::Release => self.step(now, Event::Release),
            Request::Data(info) | Request::UnitData(info) if info.len() > self.settings.n201 => {
                self.tell(Output::TooLong);
            }
            Request::Data(info) => self.step(now, Event::Information(info)),
            Request::UnitData(info) => self.send(Frame::Ui { p: false, info: &info }),
            Request::Busy(busy) => {
                self.busy_wanted = busy;
                self.step(now, if busy { Event::OwnBusy } else { Event::OwnReady });
            }
        }
    }

    /// Layer 1 works, or has failed for longer than a persistent deactivation takes. Short alarms
    /// are not told: the link outlives them by its own repetitions.
    pub fn handle_layer1(&mut self, now: Tick, up: bool) {
        self.layer1 = up;
        if !up {
            self.step(now, Event::Deactivated);
        }
    }

    /// Fires the timer that is due. At most one runs at a time.
    pub fn handle_timeout(&mut self, now: Tick) {
        if self.t200.take_if(|at| *at <= now).is_some() {
            self.step(now, Event::T200);
        } else if self.t203.take_if(|at| *at <= now).is_some() {
            self.step(now, Event::T203);
        }
    }

    /// The next thing to do, in order; `None` when all is done. To be drained after every
    /// `handle_*`, each of which adds one window of frames and a few words at most.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted, and for which timer.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let t203 = self.t203.map(|at| (at, Timer::T203));
        self.t200.map(|at| (at, Timer::T200)).or(t203)
    }

    /// Where the link stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            role: self.role,
            state: self.state,
            layer1: self.layer1,
            vs: self.vs().number(),
            va: self.va.number(),
            vr: self.vr.number(),
            rc: self.rc,
            peer_busy: self.peer_busy,
            own_busy: self.own_busy,
            reject_exception: self.reject_exception,
            queued: self.queue.len(),
            in_flight: self.queue.in_flight(),
            counters: self.counters,
        }
    }

    fn refuse(&mut self, now: Tick, error: FrameError) {
        self.counters.bad += 1;
        match error {
            FrameError::Foreign { .. } => self.counters.foreign += 1,
            FrameError::SameSide { .. } => self.counters.same_side += 1,
            FrameError::Short { .. }
            | FrameError::Address
            | FrameError::Undefined { .. }
            | FrameError::Information { .. }
            | FrameError::Size { .. }
            | FrameError::TooLong { .. } => {}
        }
        if let Some(code) = error.code() {
            self.error(code);
            self.step(now, Event::Rejected);
        }
    }
}
