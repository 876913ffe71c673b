//! Every effect and fact of a D-channel.

use call::{Cause, LegPhase, Side};

use crate::q921;
use crate::q931::dchannel::CallSetup;
use crate::q931::fault::Fault;
use crate::q931::wire::WireError;

/// A call of a D-channel. Named by it, counted up from 1, never given twice in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What a channel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    /// Free for a call.
    Idle,
    /// A call has it, from SETUP to the end of clearing.
    Taken(CallId),
    /// RESTART was sent and is not acknowledged yet.
    Restarting,
    /// Out of service. Calls do not get it.
    Blocked {
        /// By our maintenance.
        ours: bool,
        /// The far end has not acknowledged its RESTART.
        theirs: bool,
    },
}

/// Something went wrong outside. Nobody needs to act at once; an operator wants to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The data link tells its management (Q.921 table II.1).
    Link(q921::Code),
    /// A message could not be read at all and was dropped (§5.8.1 to §5.8.3.1).
    Wire(WireError),
    /// A message of a call was not as the standard demands (§5.8.4 to §5.8.7), and was treated as
    /// it says.
    Call {
        /// Which call.
        call: CallId,
        /// What was wrong.
        fault: Fault,
    },
    /// The far end says by STATUS that a message of ours was wrong.
    Complaint {
        /// Which call.
        call: CallId,
        /// The cause value of the STATUS: 96 to 101 mostly.
        cause: u8,
        /// The call state that the far end reports.
        state: u8,
    },
    /// A channel's RESTART was not acknowledged, or the far end has no such channel; it is out of
    /// service now.
    RestartUnanswered {
        /// Its time slot; nothing when all channels were asked for.
        channel: Option<u8>,
    },
}

/// Something that is counted and needs nobody's action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// A message could not be read and was dropped.
    Malformed,
    /// A message came for a call that is not there (§5.8.3.2).
    NoSuchCall,
    /// An element that could not be read, or is unknown, was left out (§5.8.7).
    ElementIgnored,
    /// A message that our profile has no use for was taken without action (FACILITY, …).
    MessageIgnored,
    /// Both sides took one channel in the same instant (§5.7).
    Glare,
    /// A call of ours was begun again on another channel after such a meeting.
    Retried,
    /// A SETUP was refused with cause 42 because all places are taken.
    Full,
    /// An order came for a call that is not there, or not in a state for it.
    Misplaced,
    /// A message of ours was dropped: too many wait for the link. The call's timer repeats what
    /// matters.
    Unsent,
}

/// What a D-channel asks of its owner, or tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Put one HDLC frame on the D-channel; without its check sequence.
    Send(Vec<u8>),
    /// Whether calls can be made.
    Link {
        /// They can.
        up: bool,
    },
    /// Somebody calls. Proceed, alert, answer or hang up; the far end waits 4 s for the first of
    /// them, unless digits are still missing.
    Incoming {
        /// Its id from now on.
        call: CallId,
        /// The time slot it has.
        channel: u8,
        /// Everything it brought. With `complete == false` more digits follow.
        setup: CallSetup,
    },
    /// More digits of an incoming call's number.
    Digits {
        /// Which call.
        call: CallId,
        /// The further digits; may be empty when `complete` is the news.
        digits: String,
        /// No more will come: the far end says so, or T302 has ended. Proceed now, or hang up with
        /// cause 28.
        complete: bool,
    },
    /// A call is in a further phase, or has news about its sound.
    Phase {
        /// Which call.
        call: CallId,
        /// The phase. With `Ended` the call is forgotten here and its channel is free; every call
        /// ends once. `Releasing` by the far end with `inband`: a tone or announcement is heard
        /// until [`super::DChannel::hang_up`], at most `listen_ms`.
        phase: LegPhase,
        /// Why, when releasing or ended. With another phase: a cause that PROGRESS told, mostly of
        /// an announcement in the channel.
        cause: Option<Cause>,
        /// Who ended it, when releasing or ended: `Far` or `Box` (a release link is the owner's).
        by: Option<Side>,
        /// Its time slot, as soon as both sides agree on it: from here on the bearer is connected.
        channel: Option<u8>,
        /// There is something to be heard in the channel (progress indicator 1, 2 or 8).
        inband: bool,
    },
    /// A channel does something else now.
    Channel {
        /// Its time slot.
        channel: u8,
        /// What it does.
        state: ChannelState,
    },
    /// The far end wants something shown.
    Display {
        /// Which call.
        call: CallId,
        /// The text.
        text: String,
    },
    /// Something went wrong outside.
    Error(Trouble),
    /// Something to be counted.
    Counted(Counted),
}
