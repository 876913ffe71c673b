//! The side that sent SETUP: a user's outgoing call (§5.1), a network's incoming call (§5.2).

use call::{Cause, Side, Tick};

use super::{Call, End, Event, Output, is_inband};
use crate::limits::OVERLAP_DIGITS_MAX;
use crate::q921::Role;
use crate::q931::cause;
use crate::q931::fault::Fault;
use crate::q931::state::{Origin, Stage, State};
use crate::q931::timer::Timer;
use crate::q931::wire::{Element, Message, MessageType, NumberType, Party};

impl Call {
    /// Sends further digits (§5.1.3), or keeps them until the far end has acknowledged the SETUP.
    /// Returns whether the call is in a state for it and the number is not too long.
    pub fn dial(&mut self, now: Tick, digits: &str, complete: bool) -> bool {
        let dialled = self.dialled.saturating_add(digits.len());
        if self.origin == Origin::Theirs || dialled > OVERLAP_DIGITS_MAX {
            return false;
        }
        match self.state.stage() {
            Stage::Begun => {
                self.waiting.0.push_str(digits);
                self.waiting.1 |= complete;
            }
            Stage::Overlap => self.send_digits(now, digits, complete),
            Stage::Null
            | Stage::Proceeding
            | Stage::Ringing
            | Stage::Answered
            | Stage::Active
            | Stage::Clearing => return false,
        }
        self.dialled = dialled;
        true
    }

    /// The channel of the far end's first answer is not free here: RELEASE with cause 6 (§5.3.2 c).
    pub fn refuse_channel(&mut self, now: Tick, channel: Option<u8>) {
        self.out.push_back(Output::Fault(Fault::ChannelUnacceptable { channel }));
        let mut end = End::new(Cause::ChannelUnavailable, Side::Box);
        end.value = cause::value::CHANNEL_UNACCEPTABLE;
        self.end = Some(end);
        self.send_release(now, true);
    }

    pub(super) fn hear_as_caller(&mut self, now: Tick, event: Event, message: &Message) {
        use {Event as E, Stage as S};
        match (self.state.stage(), event) {
            (S::Begun, E::SetupAcknowledge) => self.digits_wanted(now, message),
            (S::Begun | S::Overlap, E::CallProceeding) => self.proceeds(now, message),
            // PROGRESS does not answer a SETUP by the standard, but some exchanges begin with it.
            (S::Begun, E::Progress) => {
                self.proceeds(now, message);
                self.progressed(now, message);
            }
            (S::Overlap | S::Proceeding | S::Ringing, E::Progress) => {
                self.progressed(now, message);
            }
            (S::Begun | S::Overlap | S::Proceeding, E::Alerting) => {
                self.enter(State::CallDelivered, State::CallReceived);
                self.start(now, Timer::T301);
                self.phase(is_inband(message));
            }
            (S::Begun | S::Overlap | S::Proceeding | S::Ringing, E::Connect) => {
                self.connected(message);
            }
            // §5.1.8: without action where the call is active.
            (S::Active, E::ConnectAcknowledge) => {}
            (
                S::Null
                | S::Begun
                | S::Overlap
                | S::Proceeding
                | S::Ringing
                | S::Answered
                | S::Active
                | S::Clearing,
                E::Notice | E::Information,
            ) => self.out.push_back(Output::MessageIgnored),
            (S::Begun | S::Overlap | S::Proceeding | S::Ringing, E::ConnectAcknowledge)
            | (S::Overlap | S::Proceeding | S::Ringing, E::SetupAcknowledge)
            | (S::Proceeding | S::Ringing, E::CallProceeding)
            | (S::Ringing, E::Alerting)
            | (
                S::Null | S::Answered | S::Active | S::Clearing,
                E::SetupAcknowledge | E::CallProceeding | E::Alerting | E::Progress | E::Connect,
            )
            | (S::Null | S::Answered | S::Clearing, E::ConnectAcknowledge) => {
                self.wrong_state(message.kind);
            }
        }
    }

    /// SETUP ACKNOWLEDGE: the number is not complete for the far end (§5.1.3).
    fn digits_wanted(&mut self, now: Tick, message: &Message) {
        self.enter(State::OverlapSending, State::OverlapReceiving);
        self.start(now, Timer::T304);
        self.phase(is_inband(message));
        let (digits, complete) = core::mem::take(&mut self.waiting);
        if complete || !digits.is_empty() {
            self.send_digits(now, &digits, complete);
        }
    }

    fn proceeds(&mut self, now: Tick, message: &Message) {
        self.enter(State::OutgoingCallProceeding, State::IncomingCallProceeding);
        self.start(now, Timer::T310);
        self.phase(is_inband(message));
    }

    /// PROGRESS stops the timers that would give the call up too early (§5.1.6, §5.2.6). T301 takes
    /// their place, so that no call waits for ever.
    fn progressed(&mut self, now: Tick, message: &Message) {
        if self.state.stage() != Stage::Ringing && is_inband(message) {
            self.start(now, Timer::T301);
        }
        self.out.push_back(Output::Phase {
            phase: self.state.phase(),
            cause: message.cause().map(|element| cause::of_element(Some(element))),
            by: None,
            inband: is_inband(message),
        });
    }

    /// CONNECT. The network acknowledges and is active; the user may (§5.1.8, §5.2.8), and does, so
    /// that both sides are served by either kind of far end.
    fn connected(&mut self, message: &Message) {
        self.timer = None;
        self.send(MessageType::ConnectAcknowledge, Vec::new());
        self.state = State::Active;
        self.phase(is_inband(message));
    }

    fn send_digits(&mut self, now: Tick, digits: &str, complete: bool) {
        let first = self.setup.iter().find_map(|element| element.as_called());
        let mut elements = Vec::new();
        if !digits.is_empty() {
            let (kind, digits) = (first.map_or(NumberType::Unknown, |p| p.kind), digits.to_owned());
            let plan = first.map_or(Party::new(kind, "").plan, |p| p.plan);
            elements.push(Element::CalledParty(Party { plan, ..Party::new(kind, digits) }));
        }
        if complete {
            elements.push(Element::SendingComplete);
        }
        self.send(MessageType::Information, elements);
        self.start(now, Timer::T304);
    }

    /// T303: SETUP once more, then the call is given up (§5.1.1, §5.2.5.3).
    pub(super) fn setup_unanswered(&mut self, now: Tick) {
        if !self.again {
            self.send_setup();
            return self.start_again(now, Timer::T303);
        }
        let end = match self.role {
            Role::User => End::expired(Cause::TimerExpiry, b"303"),
            Role::Network => End::expired(Cause::NoUserResponding, b"303"),
        };
        self.send_cause(MessageType::ReleaseComplete, &end);
        self.finish(end.cause, end.by);
    }
}
