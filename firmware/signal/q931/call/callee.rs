//! The side that received SETUP: a user's incoming call (§5.2), a network's outgoing call (§5.1).

use call::{Cause, Side, Tick};

use super::{Call, End, Event, Output};
use crate::limits::OVERLAP_DIGITS_MAX;
use crate::q921::Role;
use crate::q931::state::{Origin, Stage, State};
use crate::q931::timer::Timer;
use crate::q931::wire::{Element, Message, MessageType, ProgressIndicator};

impl Call {
    /// Asks for the digits that are missing: SETUP ACKNOWLEDGE (§5.1.3, §5.2.4). `inband`: the dial
    /// tone is in the channel. Returns whether the call is in a state for it, as all orders do.
    pub fn want_digits(&mut self, now: Tick, inband: bool) -> bool {
        if !self.stands_as_callee(&[Stage::Begun]) {
            return false;
        }
        self.send(MessageType::SetupAcknowledge, self.inband(inband));
        self.enter(State::OverlapSending, State::OverlapReceiving);
        self.start(now, Timer::T302);
        true
    }

    /// The number is complete: CALL PROCEEDING.
    pub fn proceed(&mut self, inband: bool) -> bool {
        if !self.stands_as_callee(&[Stage::Begun, Stage::Overlap]) {
            return false;
        }
        self.send(MessageType::CallProceeding, self.inband(inband));
        self.enter(State::OutgoingCallProceeding, State::IncomingCallProceeding);
        self.timer = None;
        true
    }

    /// It rings: ALERTING.
    pub fn alert(&mut self, inband: bool) -> bool {
        if !self.stands_as_callee(&[Stage::Begun, Stage::Overlap, Stage::Proceeding]) {
            return false;
        }
        self.send(MessageType::Alerting, self.inband(inband));
        self.enter(State::CallDelivered, State::CallReceived);
        self.timer = None;
        true
    }

    /// Something has happened on the way: PROGRESS. A SETUP that was not answered yet is answered
    /// with CALL PROCEEDING first.
    pub fn progress(&mut self, inband: bool) -> bool {
        self.proceed(false);
        if !self.stands_as_callee(&[Stage::Proceeding, Stage::Ringing]) {
            return false;
        }
        let mut elements = self.inband(inband);
        if elements.is_empty() {
            let back = ProgressIndicator::BACK_TO_ISDN;
            let indicator = ProgressIndicator::new(self.location(), back);
            elements.push(Element::ProgressIndicator(indicator));
        }
        self.send(MessageType::Progress, elements);
        true
    }

    /// Answered: CONNECT. The network is active at once, the user when it gets the call (§5.2.7).
    pub fn answer(&mut self, now: Tick) -> bool {
        let may = [Stage::Begun, Stage::Overlap, Stage::Proceeding, Stage::Ringing];
        if !self.stands_as_callee(&may) {
            return false;
        }
        self.send(MessageType::Connect, Vec::new());
        match self.role {
            Role::User => {
                self.state = State::ConnectRequest;
                self.start(now, Timer::T313);
            }
            Role::Network => {
                self.state = State::Active;
                self.timer = None;
                self.phase(false);
            }
        }
        true
    }

    pub(super) fn hear_as_callee(&mut self, now: Tick, event: Event, message: &Message) {
        use {Event as E, Stage as S};
        match (self.state.stage(), event) {
            (S::Overlap, E::Information) => self.digits_came(now, message),
            (S::Answered, E::ConnectAcknowledge) => {
                self.timer = None;
                self.state = State::Active;
                self.phase(false);
            }
            // §5.1.8: a network that is active already takes no action.
            (S::Active, E::ConnectAcknowledge) => {}
            // A caller may tell progress too (§5.2.6), for instance that it left the ISDN.
            (S::Begun | S::Overlap | S::Proceeding | S::Ringing | S::Answered, E::Progress)
            | (
                S::Null
                | S::Begun
                | S::Overlap
                | S::Proceeding
                | S::Ringing
                | S::Answered
                | S::Active
                | S::Clearing,
                E::Notice,
            )
            | (
                S::Null
                | S::Begun
                | S::Proceeding
                | S::Ringing
                | S::Answered
                | S::Active
                | S::Clearing,
                E::Information,
            ) => self.out.push_back(Output::MessageIgnored),
            (
                S::Null
                | S::Begun
                | S::Overlap
                | S::Proceeding
                | S::Ringing
                | S::Answered
                | S::Active
                | S::Clearing,
                E::SetupAcknowledge | E::CallProceeding | E::Alerting | E::Connect,
            )
            | (S::Null | S::Active | S::Clearing, E::Progress)
            | (
                S::Null | S::Begun | S::Overlap | S::Proceeding | S::Ringing | S::Clearing,
                E::ConnectAcknowledge,
            ) => self.wrong_state(message.kind),
        }
    }

    fn stands_as_callee(&self, stages: &[Stage]) -> bool {
        self.origin == Origin::Theirs && stages.contains(&self.state.stage())
    }

    /// INFORMATION: digits in the called number or, from some exchanges, as keys.
    fn digits_came(&mut self, now: Tick, message: &Message) {
        let digits: String = message
            .elements
            .iter()
            .filter_map(|element| {
                if let Element::CalledParty(party) = element {
                    Some(party.digits.as_str())
                } else if let Element::Keypad(keys) = element {
                    Some(keys.as_str())
                } else {
                    None
                }
            })
            .collect();
        let complete = message.is_complete();
        if digits.is_empty() && !complete {
            return self.out.push_back(Output::MessageIgnored);
        }
        self.dialled = self.dialled.saturating_add(digits.len());
        if self.dialled > OVERLAP_DIGITS_MAX {
            return self.clear(now, End::new(Cause::InvalidNumber, Side::Box));
        }
        // The owner that was told "complete" has one more T302 to act.
        self.start(now, Timer::T302);
        self.again = complete;
        self.out.push_back(Output::Digits { digits, complete });
    }

    /// T302: no more digits come, and the owner says whether they suffice (§5.2.4). If it says
    /// nothing for another T302, they do not.
    pub(super) fn digits_ended(&mut self, now: Tick) {
        if self.again {
            return self.clear(now, End::new(Cause::InvalidNumber, Side::Box));
        }
        self.start_again(now, Timer::T302);
        self.out.push_back(Output::Digits { digits: String::new(), complete: true });
    }
}
