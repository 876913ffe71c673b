//! Errors and questions: Q.931 §5.8.4 to §5.8.7, STATUS and STATUS ENQUIRY §5.8.10 and §5.8.11.
//!
//! The standard lets a side answer unknown or unreadable optional elements with STATUS or not
//! (§5.8.7: "may"). Ours does not; it counts them. In a clearing message unknown ones are named in
//! the answer, as they must be.

use call::{Cause, Side, Tick};

use super::{Call, End, Output, cause_of};
use crate::limits::ENQUIRY_TRIES;
use crate::q921::Role;
use crate::q931::cause::{self, value};
use crate::q931::fault::Fault;
use crate::q931::state::{Stage, State};
use crate::q931::timer::Timer;
use crate::q931::wire::{self, Decoded, Element, FaultKind, Message, MessageType, Sender, id};

/// Why a message cannot be acted on: the cause value, its diagnostics, and what an operator reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// 96 or 100.
    pub value: u8,
    /// Identifiers of the elements.
    pub diagnostics: Vec<u8>,
    /// The first of them.
    pub fault: Fault,
}

/// What is so wrong with a message from the far end of `role` that it cannot be acted on (§5.8.6,
/// and §5.8.7.1 for elements that must be understood). `first` as in [`wire::missing`].
#[must_use]
pub fn lack(role: Role, decoded: &Decoded, first: bool) -> Option<Lack> {
    let (message, from) = (
        &decoded.message,
        match role {
            Role::User => Sender::Network,
            Role::Network => Sender::User,
        },
    );
    let kind = message.kind;
    let mut missing = wire::missing(message, from, first);
    let garbled = |id: &u8| {
        let of = |fault: &&wire::Fault| fault.kind == FaultKind::Content && fault.codeset == 0;
        decoded.faults.iter().filter(of).any(|fault| fault.id == *id)
    };
    if let Some(id) = missing.iter().copied().find(garbled) {
        missing.retain(garbled);
        let fault = Fault::ElementInvalid { message: kind, id };
        return Some(Lack { value: value::ELEMENT_INVALID, diagnostics: missing, fault });
    }
    if let Some(id) = missing.first().copied() {
        let fault = Fault::ElementMissing { message: kind, id };
        return Some(Lack { value: value::ELEMENT_MISSING, diagnostics: missing, fault });
    }
    let unknown = decoded.faults.iter().find(|fault| fault.kind == FaultKind::Comprehension)?;
    let fault = Fault::ElementUnknown { message: kind, id: unknown.id };
    Some(Lack { value: value::ELEMENT_MISSING, diagnostics: vec![unknown.id], fault })
}

/// Whether a message has no place in a call of a primary rate interface that is there (§5.8.4; for
/// SETUP §5.8.3.2 e).
pub(super) const fn has_no_place(kind: MessageType) -> bool {
    match kind {
        MessageType::Setup
        | MessageType::Suspend
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
        | MessageType::Unknown(_) => true,
        MessageType::Alerting
        | MessageType::CallProceeding
        | MessageType::Progress
        | MessageType::Connect
        | MessageType::SetupAcknowledge
        | MessageType::ConnectAcknowledge
        | MessageType::Disconnect
        | MessageType::Release
        | MessageType::ReleaseComplete
        | MessageType::Facility
        | MessageType::Notify
        | MessageType::StatusEnquiry
        | MessageType::Information
        | MessageType::Status => false,
    }
}

impl Call {
    /// Asks the far end for its state (§5.8.10). Returns whether there is a call to ask about.
    pub fn enquire(&mut self, now: Tick) -> bool {
        match self.state.stage() {
            Stage::Null | Stage::Clearing => return false,
            Stage::Begun
            | Stage::Overlap
            | Stage::Proceeding
            | Stage::Ringing
            | Stage::Answered
            | Stage::Active => {}
        }
        // One question at a time: T322 repeats it.
        if self.t322.is_none() {
            self.enquiries = 0;
            self.send_enquiry(now);
        }
        true
    }

    /// Whether the message can be acted on. If not, it is answered here.
    pub(super) fn weigh(&mut self, now: Tick, decoded: &Decoded) -> bool {
        let message = &decoded.message;
        for fault in &decoded.faults {
            match fault.kind {
                FaultKind::Content
                | FaultKind::Unrecognised
                | FaultKind::Repeated
                | FaultKind::TooMany => self.out.push_back(Output::ElementIgnored),
                FaultKind::OutOfSequence | FaultKind::Comprehension => {}
            }
        }
        let releases = matches!(message.kind, MessageType::Release | MessageType::ReleaseComplete);
        let clears_first = releases && self.state.stage() != Stage::Clearing;
        let first = clears_first || !releases && self.awaits_channel();
        let Some(lack) = lack(self.role, decoded, first) else {
            return !self.clears_with_unknown(now, decoded);
        };
        // A far end that names no channel accepts the one that we proposed.
        let channel =
            Fault::ElementMissing { message: message.kind, id: id::CHANNEL_IDENTIFICATION };
        if lack.fault == channel && self.proposal_stands {
            return true;
        }
        self.out.push_back(Output::Fault(lack.fault));
        let wrong = cause_of(self.role, lack.value, lack.diagnostics.clone());
        if message.kind == MessageType::Disconnect {
            self.disconnected(now, message, Some(wrong));
        } else if message.kind == MessageType::Release {
            self.released(message, Some(wrong));
        } else if message.kind == MessageType::ReleaseComplete {
            self.release_completed(message);
        } else if message.kind != MessageType::Status {
            // A STATUS is never answered with STATUS.
            self.send_status(lack.value, lack.diagnostics);
        }
        false
    }

    /// A clearing message with elements that nobody knows is obeyed, and they are named in its answer
    /// (§5.8.7.1 a, b). Returns whether it was one.
    fn clears_with_unknown(&mut self, now: Tick, decoded: &Decoded) -> bool {
        let message = &decoded.message;
        let unknown = decoded
            .faults
            .iter()
            .filter(|fault| fault.kind == FaultKind::Unrecognised && fault.codeset == 0);
        let ids: Vec<u8> = unknown.map(|fault| fault.id).collect();
        if ids.is_empty() {
            return false;
        }
        let wrong = cause_of(self.role, value::ELEMENT_UNKNOWN, ids);
        if message.kind == MessageType::Disconnect {
            self.disconnected(now, message, Some(wrong));
        } else if message.kind == MessageType::Release {
            self.released(message, Some(wrong));
        } else {
            return false;
        }
        true
    }

    /// A message that nobody knows, or that has no place here (§5.8.4).
    pub(super) fn message_unknown(&mut self, kind: MessageType) {
        self.out.push_back(Output::Fault(Fault::MessageUnknown(kind)));
        self.send_status(value::MESSAGE_UNKNOWN, vec![kind.code()]);
    }

    /// A message that does not fit the state (§5.8.4). One that finds a call in clearing has crossed
    /// it on its way: that is answered too, but it is nobody's fault.
    pub(super) fn wrong_state(&mut self, kind: MessageType) {
        self.out.push_back(if self.state.stage() == Stage::Clearing {
            Output::MessageIgnored
        } else {
            Output::Fault(Fault::WrongState { message: kind, state: self.state })
        });
        self.send_status(value::WRONG_STATE, vec![kind.code()]);
    }

    pub(super) fn send_status(&mut self, value: u8, diagnostics: Vec<u8>) {
        let cause = cause_of(self.role, value, diagnostics);
        let state = Element::CallState(self.state.number());
        self.send(MessageType::Status, vec![cause, state]);
    }

    /// STATUS (§5.8.11).
    pub(super) fn status_told(&mut self, now: Tick, message: &Message) {
        let Some(theirs) = message.call_state() else { return };
        let value = message.cause().map_or(0, |element| element.value);
        if value != value::ENQUIRY_ANSWER {
            self.out.push_back(Output::Complaint { cause: value, state: theirs });
        }
        if theirs == State::Null.number() {
            // The far end has no such call: nothing is left to clear.
            return self.finish(Cause::TemporaryFailure, Side::Far);
        }
        let answered = self.t322.take().is_some() && value == value::ENQUIRY_ANSWER;
        let settled = answered && self.asked_in == Some(self.state);
        if self.state.stage() == Stage::Clearing || self.state.is_compatible(theirs, settled) {
            return;
        }
        let fault = Fault::StateMismatch { ours: self.state, theirs };
        self.out.push_back(Output::Fault(fault));
        let mut end = End::new(Cause::ProtocolError, Side::Box);
        end.value = cause::value::WRONG_STATE;
        self.clear(now, end);
    }

    /// T322: asked again, then the call is cleared with cause 41 (§5.8.10).
    pub(super) fn enquiry_unanswered(&mut self, now: Tick) {
        if self.enquiries < ENQUIRY_TRIES {
            self.send_enquiry(now);
        } else {
            self.clear(now, End::new(Cause::TemporaryFailure, Side::Box));
        }
    }

    fn send_enquiry(&mut self, now: Tick) {
        self.enquiries += 1;
        self.asked_in = Some(self.state);
        self.t322 = Some(now + self.timers.of(Timer::T322));
        self.send(MessageType::StatusEnquiry, Vec::new());
    }
}
