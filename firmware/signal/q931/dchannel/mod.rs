//! One D-channel: data link, calls, channels and restart of one E1, behind one door.
//!
//! It is the box's side at a carrier's line and, in the town, the exchange's side. It owns no
//! device: frames come in by [`DChannel::handle_frame`], everything goes out by
//! [`DChannel::poll`], drained to `None` after every call. What is heard in a channel, which call is
//! joined to which, how long it may ring, whose number may be shown, are its owner's business.
//!
//! ```text
//!   frame ─► q921 link ─► wire ─┬─► a call (one machine each) ─┐
//!                               └─► restart                    ├─► channel table
//!   orders of the owner ────────────► place, answer, hang up ──┘
//! ```

mod arrival;
mod config;
mod leg;
mod orders;
mod output;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use call::{Cause, Tick};

pub use config::{CallSetup, ChannelWish, Config, Hunt};
pub use output::{CallId, ChannelState, Counted, Output, Trouble};

use super::call::Call;
use super::channels::Channels;
use super::restart::{Restart, Scope};
use super::state::{Origin, State};
use super::wire::Message;
use crate::limits::{DCHANNEL_HELD_MAX, LINK_RETRY_MS};
use crate::q921::{self, Link, Request};

/// Which machine wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The data link.
    Link,
    /// The next try to establish the data link.
    Establish,
    /// A call.
    Call(super::timer::Timer),
    /// The restart of a channel: T316.
    Restart,
}

/// Why a call was not even begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no data link.
    #[error("the D-channel is down: look at the span's alarms and at the exchange's side")]
    LinkDown,
    /// The time slot asked for is taken, blocked, or not ours.
    #[error("channel {0} is not free")]
    ChannelTaken(u8),
    /// No channel is free.
    #[error("no channel of this span is free")]
    NoChannel,
    /// There are [`crate::limits::DCHANNEL_CALLS_MAX`] calls already.
    #[error("too many calls at once on this D-channel: wait for one to end")]
    Full,
}

impl Refused {
    /// The same as a cause of a leg that ended before it began.
    #[must_use]
    pub const fn cause(self) -> Cause {
        match self {
            Refused::LinkDown => Cause::NetworkOutOfOrder,
            Refused::ChannelTaken(_) => Cause::ChannelUnavailable,
            Refused::NoChannel => Cause::NoCircuit,
            Refused::Full => Cause::ResourceUnavailable,
        }
    }
}

/// One call, for the console and for the world's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSnapshot {
    /// Its id.
    pub call: CallId,
    /// Its state, by the standard's number.
    pub state: State,
    /// Who began it.
    pub origin: Origin,
    /// Its time slot, when it has one.
    pub channel: Option<u8>,
}

/// How a D-channel stands, and what it has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether calls can be made.
    pub up: bool,
    /// The data link.
    pub link: q921::Snapshot,
    /// Every call.
    pub calls: Vec<CallSnapshot>,
    /// Every time slot of the configuration and what it does.
    pub channels: Vec<(u8, ChannelState)>,
    /// What was counted since the start.
    pub counts: BTreeMap<Counted, u64>,
}

/// Whose a message is that belongs to no call of ours.
const NOBODY: CallId = CallId(0);

/// One call and its place in the tables.
#[derive(Clone, Debug)]
struct Leg {
    call: Call,
    /// Its call reference, and whether we have chosen it.
    key: (u16, bool),
    /// Its time slot; nothing when it stepped back before a call of the far end (§5.7).
    slot: Option<u8>,
    /// Both sides know the time slot.
    agreed: bool,
    /// Our SETUP has said that no other time slot will do.
    exclusive: bool,
    /// How it is begun again when the far end took the same time slot; nothing for a call of theirs,
    /// or when its owner was told of a phase.
    retry: Option<Retry>,
}

/// What it takes to begin a call again on another channel.
#[derive(Clone, Debug)]
struct Retry {
    setup: CallSetup,
    /// How often it was begun.
    tries: u32,
    /// On which time slots.
    tried: Vec<u8>,
}

/// The composition.
#[derive(Clone, Debug)]
pub struct DChannel {
    config: Config,
    link: Link,
    layer1: bool,
    up: bool,
    /// The link was up once.
    started: bool,
    /// When the link is to be asked for again.
    establish_at: Option<Tick>,
    legs: BTreeMap<CallId, Leg>,
    by_key: BTreeMap<(u16, bool), CallId>,
    channels: Channels,
    restart: Restart,
    /// Messages that wait for the link, and whose they are.
    held: VecDeque<(CallId, Vec<u8>)>,
    last_call: u64,
    last_reference: u16,
    counts: BTreeMap<Counted, u64>,
    out: VecDeque<Output>,
}

impl DChannel {
    /// A D-channel that begins to establish its link at once. Layer 1 counts as up until
    /// [`DChannel::handle_layer1`] says otherwise.
    #[must_use]
    pub fn new(now: Tick, config: Config) -> DChannel {
        let mut new = DChannel {
            link: Link::new(config.role, config.link),
            layer1: true,
            up: false,
            started: false,
            establish_at: None,
            legs: BTreeMap::new(),
            by_key: BTreeMap::new(),
            channels: Channels::new(&config.channels, config.hunt),
            restart: Restart::default(),
            held: VecDeque::new(),
            last_call: 0,
            last_reference: 0,
            counts: BTreeMap::new(),
            out: VecDeque::new(),
            config,
        };
        new.link.handle_layer1(now, true);
        new.link.handle_request(now, Request::Establish);
        new.settle(now);
        new
    }

    /// Takes over another configuration. Calls go on with the timers they have; a channel that is
    /// no more is forgotten when its call ends; role and link stay as they were.
    pub fn configure(&mut self, now: Tick, config: Config) {
        self.channels.configure(&config.channels, config.hunt);
        self.config = Config { role: self.config.role, link: self.config.link, ..config };
        self.settle(now);
    }

    /// A frame has come in, its check sequence checked and taken off.
    pub fn handle_frame(&mut self, now: Tick, frame: &[u8]) {
        if self.layer1 {
            self.link.handle_frame(now, frame);
            self.settle(now);
        }
    }

    /// Layer 1 works, or shows an alarm. Talking calls are kept for T309.
    pub fn handle_layer1(&mut self, now: Tick, up: bool) {
        if up == self.layer1 {
            return;
        }
        self.layer1 = up;
        self.link.handle_layer1(now, up);
        if up {
            self.link.handle_request(now, Request::Establish);
        } else {
            self.link_lost(now);
        }
        self.settle(now);
        if !up {
            // What waits to be put on a dead line would come late: a SABME of before, behind which
            // the far end begins anew once more, takes the frames between with it.
            self.out.retain(|output| !matches!(output, Output::Send(_)));
        }
    }

    /// Wakes every machine that is due.
    pub fn handle_timeout(&mut self, now: Tick) {
        self.link.handle_timeout(now);
        if self.establish_at.take_if(|at| *at <= now).is_some() {
            self.link.handle_request(now, Request::Establish);
        }
        self.settle(now);
        let due = |(call, leg): (&CallId, &Leg)| {
            leg.call.next_timeout().filter(|(at, _)| *at <= now).map(|_| *call)
        };
        for call in self.legs.iter().filter_map(due).collect::<Vec<CallId>>() {
            self.with(now, call, |call| call.handle_timeout(now));
        }
        self.restart.handle_timeout(now, self.config.timers.t316_ms);
        self.settle(now);
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted, and for which machine.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let calls = self.legs.values().filter_map(|leg| leg.call.next_timeout()).min();
        [
            self.link.next_timeout().map(|(at, _)| (at, Timer::Link)),
            self.establish_at.map(|at| (at, Timer::Establish)),
            calls.map(|(at, timer)| (at, Timer::Call(timer))),
            self.restart.next_timeout().map(|at| (at, Timer::Restart)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How it stands, and what it has counted.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let of = |(call, leg): (&CallId, &Leg)| {
            let (state, origin) = leg.call.snapshot();
            CallSnapshot { call: *call, state, origin, channel: leg.slot }
        };
        Snapshot {
            up: self.up,
            link: self.link.snapshot(),
            calls: self.legs.iter().map(of).collect(),
            channels: self.channels.states(),
            counts: self.counts.clone(),
        }
    }

    /// Hands every machine's outputs to their takers until nobody has any.
    fn settle(&mut self, now: Tick) {
        loop {
            if let Some(output) = self.link.poll() {
                self.link_says(now, output);
            } else if let Some(output) = self.restart.poll() {
                self.restart_says(now, output);
            } else if let Some((channel, state)) = self.channels.poll() {
                self.out.push_back(Output::Channel { channel, state });
            } else {
                break;
            }
        }
    }

    fn link_says(&mut self, now: Tick, output: q921::Output) {
        match output {
            q921::Output::Send(frame) => self.out.push_back(Output::Send(frame)),
            // Code F has had the rest done.
            q921::Output::Established(q921::By::Peer) if self.up => self.ask_calls(now, true),
            q921::Output::Established(_) if self.up => {
                self.ask_calls(now, true);
                self.ask_restart(now);
            }
            q921::Output::Established(_) => self.link_came(now),
            q921::Output::Released(_) => self.link_lost(now),
            q921::Output::Data(bytes) => self.message_arrived(now, &bytes),
            // Broadcast has no place on a primary rate interface.
            q921::Output::UnitData(_) => self.count(Counted::MessageIgnored),
            q921::Output::Error(code) => {
                self.out.push_back(Output::Error(Trouble::Link(code)));
                // The far end has begun anew. Q.921 tells layer 3 only where a frame of ours may be
                // lost, but the far end may have ended calls while it could not say so.
                if code == q921::Code::F {
                    self.ask_calls(now, false);
                    self.ask_restart(now);
                }
            }
            q921::Output::QueueFull | q921::Output::NoLink | q921::Output::TooLong => {
                self.count(Counted::Unsent);
            }
        }
    }

    fn link_came(&mut self, now: Tick) {
        self.up = true;
        self.establish_at = None;
        self.out.push_back(Output::Link { up: true });
        for (_, bytes) in core::mem::take(&mut self.held) {
            self.link.handle_request(now, Request::Data(bytes));
        }
        self.each(now, |call| call.handle_link_up(now));
        self.ask_restart(now);
        let first = !core::mem::replace(&mut self.started, true);
        if first && self.config.restart_at_start {
            self.begin_restart(now, Scope::Interface);
        }
        for slot in self.channels.unanswered() {
            self.begin_restart(now, Scope::Slot(slot));
        }
    }

    /// The link was set up anew while it was there. `lost`: messages of ours may be.
    fn ask_calls(&mut self, now: Tick, lost: bool) {
        self.each(now, |call| call.handle_link_reset(now, lost));
    }

    fn ask_restart(&mut self, now: Tick) {
        self.restart.handle_link_up(now, self.config.timers.t316_ms);
    }

    /// The link is gone, or did not come. It is asked for until it is there.
    fn link_lost(&mut self, now: Tick) {
        self.establish_at = self.layer1.then(|| now + LINK_RETRY_MS);
        if !core::mem::replace(&mut self.up, false) {
            return;
        }
        self.out.push_back(Output::Link { up: false });
        self.each(now, |call| call.handle_link_lost(now));
    }

    /// Does something with every call.
    fn each(&mut self, now: Tick, mut act: impl FnMut(&mut Call)) {
        for call in self.legs.keys().copied().collect::<Vec<CallId>>() {
            self.with(now, call, &mut act);
        }
    }

    /// Does something with a call and then what the call asks for.
    fn with<T>(&mut self, now: Tick, call: CallId, act: impl FnOnce(&mut Call) -> T) -> Option<T> {
        let done = act(&mut self.legs.get_mut(&call)?.call);
        self.drain(now, call);
        Some(done)
    }

    /// Sends a message of a call, or keeps it until the link is back.
    fn send(&mut self, now: Tick, call: CallId, message: &Message) {
        let bytes = message.to_bytes();
        if self.up {
            self.link.handle_request(now, Request::Data(bytes));
        } else if self.held.len() < DCHANNEL_HELD_MAX {
            self.held.push_back((call, bytes));
        } else {
            self.count(Counted::Unsent);
        }
    }

    fn count(&mut self, what: Counted) {
        *self.counts.entry(what).or_default() += 1;
        self.out.push_back(Output::Counted(what));
    }
}
