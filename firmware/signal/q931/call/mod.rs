//! One call: Q.931 §5.1 to §5.4 and §5.8, either side of the interface.
//!
//! `caller` is the side that sent SETUP, `callee` the one that received it, `clearing` §5.3, and
//! `status` §5.8.4 to §5.8.11. The two sides of the interface differ in a few places only: the network
//! is active as soon as it sends CONNECT (there is no state 8 on that side of a user's call), it
//! acknowledges CONNECT at once, it alone clears with a tone, and it alone shows a name.
//!
//! A machine knows its elements and its time slot, but not who else wants that slot: the D-channel
//! negotiates channels and hands in the outcome. It never chooses a call reference.

mod callee;
mod caller;
mod clearing;
mod status;

pub use status::{Lack, lack};

use std::collections::VecDeque;

use call::{Cause, LegPhase, Side, Tick};

use super::cause;
use super::fault::Fault;
use super::state::{Origin, Stage, State};
use super::timer::{Timer, Timers};
use super::wire::{
    CauseElement, ChannelIdentification, Decoded, Element, Location, Message, MessageType,
    ProgressIndicator,
};
use crate::q921::Role;

/// What a call asks of its D-channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a message of this call.
    Send {
        /// What it says.
        kind: MessageType,
        /// With what.
        elements: Vec<Element>,
    },
    /// The call is in a further phase, or has news about its sound.
    Phase {
        /// The phase. `Ended` comes once; the call is to be forgotten then.
        phase: LegPhase,
        /// Why, when releasing or ended, or when PROGRESS tells a cause.
        cause: Option<Cause>,
        /// Who ended it, when releasing or ended.
        by: Option<Side>,
        /// Something may be heard in the channel.
        inband: bool,
    },
    /// Further digits of the called number.
    Digits {
        /// They.
        digits: String,
        /// No more will come.
        complete: bool,
    },
    /// The far end wants something shown.
    Display(String),
    /// The far end has broken the protocol; it was answered as the standard says.
    Fault(Fault),
    /// The far end says that a message of ours was wrong.
    Complaint {
        /// The value of its cause.
        cause: u8,
        /// Its call state.
        state: u8,
    },
    /// An element was left out (§5.8.7).
    ElementIgnored,
    /// A message was taken without action.
    MessageIgnored,
    /// Nobody answered our RELEASE, twice: the channel may be in use at the far end (§5.3.3).
    Unconfirmed,
}

/// What happens to a call from the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    SetupAcknowledge,
    CallProceeding,
    Alerting,
    Progress,
    Connect,
    ConnectAcknowledge,
    Information,
    /// NOTIFY, FACILITY: nothing that our profile acts on.
    Notice,
}

/// Why a call ends, and under which value the far end is told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    cause: Cause,
    by: Side,
    value: u8,
    diagnostics: Vec<u8>,
}

impl End {
    fn new(cause: Cause, by: Side) -> End {
        End { cause, by, value: cause::to_value(cause), diagnostics: Vec::new() }
    }

    /// Recovery on timer expiry (cause 102 and the timer's digits), known to us as `cause`.
    fn expired(cause: Cause, digits: &[u8; 3]) -> End {
        let value = Cause::TimerExpiry as u8;
        End { cause, by: Side::Box, value, diagnostics: digits.to_vec() }
    }
}

/// One call. At most three timers run: that of the state, T309 and T322.
#[derive(Clone, Debug)]
pub struct Call {
    role: Role,
    origin: Origin,
    timers: Timers,
    state: State,
    timer: Option<(Tick, Timer)>,
    /// The running timer has fired once already.
    again: bool,
    t309: Option<Tick>,
    t322: Option<Tick>,
    enquiries: u32,
    /// In which state we were when we last asked for theirs.
    asked_in: Option<State>,
    /// Elements of our SETUP, for its repetition and for the kind of number in INFORMATION.
    setup: Vec<Element>,
    /// The time slot that the next message of ours must name: our first answer to a SETUP.
    confirm: Option<u8>,
    /// Whether the time slot that we proposed is still ours, so that an answer need not name it.
    proposal_stands: bool,
    /// Digits that wait for SETUP ACKNOWLEDGE, and whether they are the last.
    waiting: (String, bool),
    /// Digits that came or went one by one.
    dialled: usize,
    end: Option<End>,
    /// What was wrong with the DISCONNECT of the far end: our RELEASE says it (§5.8.6, §5.8.7.1 a).
    reproach: Option<Element>,
    out: VecDeque<Output>,
}

impl Call {
    /// A call of ours: asks at once to send SETUP with these elements. `proposes`: they name a
    /// channel.
    #[must_use]
    pub fn place(
        now: Tick,
        role: Role,
        timers: Timers,
        setup: Vec<Element>,
        proposes: bool,
    ) -> Call {
        let mut new = Call::new(role, Origin::Ours, timers);
        new.setup = setup;
        new.proposal_stands = proposes;
        new.send_setup();
        new.start(now, Timer::T303);
        new
    }

    /// A call that has come and gets this time slot. It waits for an order of its owner.
    #[must_use]
    pub fn arrive(role: Role, timers: Timers, slot: u8) -> Call {
        let mut new = Call::new(role, Origin::Theirs, timers);
        new.confirm = Some(slot);
        new
    }

    fn new(role: Role, origin: Origin, timers: Timers) -> Call {
        let user_calls = (role == Role::User) == (origin == Origin::Ours);
        Call {
            role,
            origin,
            timers,
            state: if user_calls { State::CallInitiated } else { State::CallPresent },
            timer: None,
            again: false,
            t309: None,
            t322: None,
            enquiries: 0,
            asked_in: None,
            setup: Vec::new(),
            confirm: None,
            proposal_stands: false,
            waiting: (String::new(), false),
            dialled: 0,
            end: None,
            reproach: None,
            out: VecDeque::new(),
        }
    }

    /// A message of this call has arrived. Its channel, if it is the first answer to our SETUP, was
    /// taken before ([`Call::awaits_channel`]).
    pub fn handle_message(&mut self, now: Tick, decoded: &Decoded) {
        let message = &decoded.message;
        // Of a message that nobody here knows, nobody knows what must be in it either.
        if !status::has_no_place(message.kind) {
            if let Some(text) = message.display() {
                self.out.push_back(Output::Display(text));
            }
            if !self.weigh(now, decoded) {
                return;
            }
        }
        let event = match message.kind {
            MessageType::SetupAcknowledge => Event::SetupAcknowledge,
            MessageType::CallProceeding => Event::CallProceeding,
            MessageType::Alerting => Event::Alerting,
            MessageType::Progress => Event::Progress,
            MessageType::Connect => Event::Connect,
            MessageType::ConnectAcknowledge => Event::ConnectAcknowledge,
            MessageType::Information => Event::Information,
            // §5.8.3.2 d, e: whatever is in it and whoever sends it.
            MessageType::Setup => return self.out.push_back(Output::MessageIgnored),
            MessageType::Notify | MessageType::Facility => Event::Notice,
            MessageType::Disconnect => return self.disconnected(now, message, None),
            MessageType::Release => return self.released(message, None),
            MessageType::ReleaseComplete => return self.release_completed(message),
            MessageType::StatusEnquiry => {
                return self.send_status(cause::value::ENQUIRY_ANSWER, Vec::new());
            }
            MessageType::Status => return self.status_told(now, message),
            // Nothing of it belongs to one call of a primary rate interface.
            MessageType::Suspend
            | MessageType::SuspendAcknowledge
            | MessageType::SuspendReject
            | MessageType::Resume
            | MessageType::ResumeAcknowledge
            | MessageType::ResumeReject
            | MessageType::Restart
            | MessageType::RestartAcknowledge
            | MessageType::Segment
            | MessageType::UserInformation
            | MessageType::CongestionControl
            | MessageType::National(_)
            | MessageType::Unknown(_) => return self.message_unknown(message.kind),
        };
        match self.origin {
            Origin::Ours => self.hear_as_caller(now, event, message),
            Origin::Theirs => self.hear_as_callee(now, event, message),
        }
    }

    /// Whether the next answer of the far end settles the channel of this call (§5.1.2, §5.2.3).
    #[must_use]
    pub fn awaits_channel(&self) -> bool {
        self.origin == Origin::Ours && self.state.stage() == Stage::Begun
    }

    /// The time slot that our SETUP proposed went to a call of the far end (§5.7).
    pub fn yield_channel(&mut self) {
        self.proposal_stands = false;
    }

    /// Fires the timers that are due, each at most once.
    pub fn handle_timeout(&mut self, now: Tick) {
        if self.t309.take_if(|at| *at <= now).is_some() {
            return self.finish(Cause::DestinationOutOfOrder, Side::Box);
        }
        if self.t322.take_if(|at| *at <= now).is_some() {
            self.enquiry_unanswered(now);
        }
        let Some((_, timer)) = self.timer.take_if(|(at, _)| *at <= now) else { return };
        match timer {
            Timer::T301 => self.clear(now, End::new(Cause::NoAnswer, Side::Box)),
            Timer::T302 => self.digits_ended(now),
            Timer::T303 => self.setup_unanswered(now),
            Timer::T304 => self.clear(now, End::expired(Cause::TimerExpiry, b"304")),
            Timer::T310 => self.clear(now, End::expired(Cause::TimerExpiry, b"310")),
            Timer::T313 => self.clear(now, End::expired(Cause::TimerExpiry, b"313")),
            Timer::T305 | Timer::T306 | Timer::Listen => self.send_release(now, true),
            Timer::T308 => self.release_unanswered(now),
            // They stand in fields of their own, or beside the calls.
            Timer::T309 | Timer::T316 | Timer::T322 => {}
        }
    }

    /// The next thing to do, in order; `None` when all is done.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted, and for which timer.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let t309 = self.t309.map(|at| (at, Timer::T309));
        let t322 = self.t322.map(|at| (at, Timer::T322));
        [self.timer, t309, t322].into_iter().flatten().min()
    }

    /// Where the call stands, and who began it.
    #[must_use]
    pub const fn snapshot(&self) -> (State, Origin) {
        (self.state, self.origin)
    }

    /// The state of this side's kind of call: the first when the user began it, the second when the
    /// network did.
    fn enter(&mut self, user_began: State, network_began: State) {
        let user_calls = (self.role == Role::User) == (self.origin == Origin::Ours);
        self.state = if user_calls { user_began } else { network_began };
    }

    fn start(&mut self, now: Tick, timer: Timer) {
        self.again = false;
        self.timer = Some((now + self.timers.of(timer), timer));
    }

    /// Starts the timer that has just fired a second and last time.
    fn start_again(&mut self, now: Tick, timer: Timer) {
        self.start(now, timer);
        self.again = true;
    }

    /// Sends a message; the first answer to a SETUP also names the channel.
    fn send(&mut self, kind: MessageType, mut elements: Vec<Element>) {
        let answers = matches!(
            kind,
            MessageType::SetupAcknowledge
                | MessageType::CallProceeding
                | MessageType::Alerting
                | MessageType::Connect
        );
        if let Some(slot) = self.confirm.take_if(|_| answers) {
            let channel = ChannelIdentification::slot(slot, true);
            elements.push(Element::ChannelIdentification(channel));
        }
        self.out.push_back(Output::Send { kind, elements });
    }

    fn send_setup(&mut self) {
        self.send(MessageType::Setup, self.setup.clone());
    }

    fn phase(&mut self, inband: bool) {
        let (phase, cause, by) = (self.state.phase(), None, None);
        self.out.push_back(Output::Phase { phase, cause, by, inband });
    }

    fn location(&self) -> Location {
        location(self.role)
    }

    /// A progress indicator 8, if there is something to be heard.
    fn inband(&self, inband: bool) -> Vec<Element> {
        let location = match self.role {
            Role::User => Location::PrivateLocal,
            Role::Network => Location::PublicLocal,
        };
        let indicator = ProgressIndicator::new(location, ProgressIndicator::IN_BAND);
        if inband { vec![Element::ProgressIndicator(indicator)] } else { Vec::new() }
    }
}

/// Where causes of this side arise.
#[must_use]
pub fn location(role: Role) -> Location {
    match role {
        Role::User => Location::User,
        Role::Network => Location::PublicLocal,
    }
}

/// A cause element of this side.
#[must_use]
pub fn cause_of(role: Role, value: u8, diagnostics: Vec<u8>) -> Element {
    Element::Cause(CauseElement::new(location(role), value).with_diagnostics(diagnostics))
}

/// Whether the message says that something may be heard in the channel.
fn is_inband(message: &Message) -> bool {
    message.progress().any(ProgressIndicator::is_inband)
}
