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

mod config;
mod output;

use std::collections::{BTreeMap, VecDeque};

use call::{Cause, Tick};

pub use config::{CallSetup, ChannelWish, Config, Hunt};
pub use output::{CallId, ChannelState, Counted, Output, Trouble};

use super::state::{Origin, State};
use crate::q921;

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

/// The composition.
#[derive(Clone, Debug)]
pub struct DChannel {
    config: Config,
    link: q921::Link,
    counts: BTreeMap<Counted, u64>,
    out: VecDeque<Output>,
}

impl DChannel {
    /// A D-channel that begins to establish its link at once. Layer 1 counts as up until
    /// [`DChannel::handle_layer1`] says otherwise.
    #[must_use]
    pub fn new(_now: Tick, config: Config) -> DChannel {
        DChannel {
            link: q921::Link::new(config.role, config.link),
            config,
            counts: BTreeMap::new(),
            out: VecDeque::new(),
        }
    }

    /// Takes over another configuration. Calls go on; a channel that is no more is forgotten when
    /// its call ends; role and link stay as they were.
    pub fn configure(&mut self, _now: Tick, config: Config) {
        self.config = Config { role: self.config.role, link: self.config.link, ..config };
    }

    /// A frame has come in, its check sequence checked and taken off.
    pub fn handle_frame(&mut self, _now: Tick, _frame: &[u8]) {}

    /// Layer 1 works, or shows an alarm. Talking calls are kept for T309.
    pub fn handle_layer1(&mut self, _now: Tick, _up: bool) {}

    /// Wakes every machine that is due.
    pub fn handle_timeout(&mut self, _now: Tick) {}

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted, and for which machine.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        None
    }

    /// How it stands, and what it has counted.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            up: false,
            link: self.link.snapshot(),
            calls: Vec::new(),
            channels: Vec::new(),
            counts: self.counts.clone(),
        }
    }

    /// Begins a call: SETUP goes out. Everything further is told by [`Output::Phase`].
    ///
    /// # Errors
    /// When it was not begun; the call never existed then and no phase is told.
    pub fn place(&mut self, _now: Tick, _setup: CallSetup) -> Result<CallId, Refused> {
        Err(Refused::LinkDown)
    }

    /// Sends further digits of a call of ours (§5.1.3). `complete`: no more will follow.
    pub fn dial(&mut self, _now: Tick, _call: CallId, _digits: &str, _complete: bool) {}

    /// Says of an incoming call that its number is complete: CALL PROCEEDING. `inband`: tones are in
    /// the channel.
    pub fn proceed(&mut self, _now: Tick, _call: CallId, _inband: bool) {}

    /// Says of an incoming call that it rings: ALERTING. `inband`: the ringing tone is in the
    /// channel.
    pub fn alert(&mut self, _now: Tick, _call: CallId, _inband: bool) {}

    /// Says of an incoming call that something has happened on its way: PROGRESS. `inband`: it is
    /// heard in the channel.
    pub fn progress(&mut self, _now: Tick, _call: CallId, _inband: bool) {}

    /// Answers an incoming call: CONNECT. `Answered` is told when the far end may talk.
    pub fn answer(&mut self, _now: Tick, _call: CallId) {}

    /// Ends a call: RELEASE COMPLETE, DISCONNECT or RELEASE, as its state demands.
    pub fn hang_up(&mut self, _now: Tick, _call: CallId, _cause: Cause) {}

    /// Ends a call with a tone or announcement for the far end: DISCONNECT with progress indicator
    /// 8 (§5.4.1), then RELEASE after T306 or at [`DChannel::hang_up`]. Only a network does so; on
    /// the user side this is `hang_up`.
    pub fn disconnect_with_tone(&mut self, _now: Tick, _call: CallId, _cause: Cause) {}

    /// Asks the far end for the state of a call: STATUS ENQUIRY (§5.8.10).
    pub fn enquire(&mut self, _now: Tick, _call: CallId) {}

    /// Restarts one channel, or all (§5.5). Their calls end at once.
    pub fn restart(&mut self, _now: Tick, _channel: Option<u8>) {}

    /// Takes a channel out of service for new calls, or back. A call that has it goes on.
    pub fn block(&mut self, _now: Tick, _channel: u8, _on: bool) {}
}
