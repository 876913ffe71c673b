//! Messages of the far end: whose they are, new calls, restarts, and those that belong to nobody
//! (Q.931 §5.8.1 to §5.8.3).

use call::{Cause, Side, Tick};

use super::{CallId, CallSetup, ChannelWish, Counted, DChannel, Leg, NOBODY, Output, Trouble};
use crate::limits::DCHANNEL_CALLS_MAX;
use crate::q921::Role;
use crate::q931::call::{Call, cause_of, lack};
use crate::q931::cause::{to_value, value};
use crate::q931::channels::Grant;
use crate::q931::state::State;
use crate::q931::wire::{
    self, CallReference, ChannelIdentification, Decoded, Element, Message, MessageType,
    ProgressIndicator, RestartClass, Which,
};

impl DChannel {
    pub(super) fn message_arrived(&mut self, now: Tick, bytes: &[u8]) {
        let decoded = match wire::decode(bytes) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.count(Counted::Malformed);
                return self.out.push_back(Output::Error(Trouble::Wire(error)));
            }
        };
        match decoded.message.reference {
            CallReference::Dummy => self.count(Counted::MessageIgnored),
            CallReference::Global { from_origin } => self.global(now, &decoded, from_origin),
            CallReference::Call { value, from_origin } => {
                match self.by_key.get(&(value, !from_origin)).copied() {
                    Some(call) => self.of_call(now, call, &decoded),
                    None if decoded.message.kind == MessageType::Setup && from_origin => {
                        self.call_arrived(now, value, &decoded);
                    }
                    None => self.of_nobody(now, &decoded.message, value, from_origin),
                }
            }
        }
    }

    fn of_call(&mut self, now: Tick, call: CallId, decoded: &Decoded) {
        let answers = matches!(
            decoded.message.kind,
            MessageType::SetupAcknowledge
                | MessageType::CallProceeding
                | MessageType::Progress
                | MessageType::Alerting
                | MessageType::Connect
        );
        let settles = answers && self.legs.get(&call).is_some_and(|leg| leg.call.awaits_channel());
        if settles && !self.settle_channel(now, call, &decoded.message) {
            return self.drain(now, call);
        }
        self.with(now, call, |call| call.handle_message(now, decoded));
    }

    /// The first answer to our SETUP settles its channel (§5.1.2, §5.2.3). Returns whether it could
    /// be settled; otherwise the call is being released.
    fn settle_channel(&mut self, now: Tick, call: CallId, message: &Message) -> bool {
        let Some(leg) = self.legs.get(&call) else { return false };
        let named = message.channel();
        let slot = named.and_then(|channel| channel.which.slots().first().copied());
        let settled = match (slot, leg.slot) {
            (None, ours) => ours.is_some(),
            (Some(theirs), Some(ours)) if theirs == ours => true,
            (Some(_), _) if leg.exclusive => false,
            (Some(theirs), _) => {
                let asked = ChannelIdentification::slot(theirs, true);
                let grant = self.channels.offered(Some(&asked), |other| self.may_step_back(other));
                grant.map(|grant| self.occupy(call, grant)).is_ok()
            }
        };
        if let Some(leg) = self.legs.get_mut(&call) {
            if settled {
                leg.agreed = true;
            } else {
                leg.call.refuse_channel(now, slot);
            }
        }
        settled
    }

    /// SETUP of a new call.
    fn call_arrived(&mut self, now: Tick, reference: u16, decoded: &Decoded) {
        let role = self.config.role;
        let message = &decoded.message;
        let grant = match self.admit(decoded) {
            Ok(grant) => grant,
            Err(cause) => {
                let mut refusal = reply(message, MessageType::ReleaseComplete);
                refusal.elements.push(cause);
                return self.send(now, NOBODY, &refusal);
            }
        };
        let call = self.next_call();
        let key = (reference, false);
        let machine = Call::arrive(role, self.config.timers, grant.slot);
        let leg =
            Leg { call: machine, key, slot: None, agreed: true, exclusive: true, retry: None };
        self.legs.insert(call, leg);
        self.by_key.insert(key, call);
        self.occupy(call, grant);
        let complete = message.is_complete() || !self.config.overlap;
        let setup = CallSetup {
            called: message.dialled(),
            calling: message.calling().cloned(),
            redirecting: message.elements.iter().find_map(|element| {
                let Element::RedirectingNumber(redirecting) = element else { return None };
                Some(redirecting.clone())
            }),
            display: message.display(),
            channel: ChannelWish::Exclusive(grant.slot),
            complete,
            inband: message.progress().any(ProgressIndicator::is_inband),
        };
        self.out.push_back(Output::Incoming { call, channel: grant.slot, setup });
        if !complete {
            self.with(now, call, |call| call.want_digits(now, false));
        }
    }

    /// Whether a new call gets a place and which channel; otherwise the cause of its refusal.
    fn admit(&mut self, decoded: &Decoded) -> Result<Grant, Element> {
        let role = self.config.role;
        let refuse = |cause: Cause| cause_of(role, to_value(cause), Vec::new());
        if let Some(lack) = lack(role, decoded, false) {
            let call = NOBODY;
            self.out.push_back(Output::Error(Trouble::Call { call, fault: lack.fault }));
            return Err(cause_of(role, lack.value, lack.diagnostics));
        }
        if self.legs.len() >= DCHANNEL_CALLS_MAX {
            self.count(Counted::Full);
            return Err(refuse(Cause::Congestion));
        }
        let voice = decoded.message.bearer().is_some_and(wire::BearerCapability::is_voice);
        if !voice {
            return Err(refuse(match role {
                Role::User => Cause::IncompatibleDestination,
                Role::Network => Cause::BearerNotImplemented,
            }));
        }
        let asked = decoded.message.channel();
        let grant = self.channels.offered(asked, |call| self.may_step_back(call));
        if self.meets(asked, &grant) {
            self.count(Counted::Glare);
        }
        grant.map_err(refuse)
    }

    /// Whether a user's SETUP has met a call of ours that has the same channel and is not answered
    /// (§5.7): ours has it.
    fn meets(&self, asked: Option<&ChannelIdentification>, grant: &Result<Grant, Cause>) -> bool {
        let slots = asked.map(|asked| asked.which.slots()).unwrap_or_default();
        let lost = |slot: &u8| grant.is_err() || grant.is_ok_and(|grant| grant.slot != *slot);
        let holder = |slot: &u8| self.channels.holder(*slot).and_then(|call| self.legs.get(&call));
        slots
            .iter()
            .any(|slot| lost(slot) && holder(slot).is_some_and(|leg| leg.call.awaits_channel()))
    }

    /// A message of a call that is not there (§5.8.3.2).
    fn of_nobody(&mut self, now: Tick, message: &Message, value: u16, from_origin: bool) {
        self.count(Counted::NoSuchCall);
        let role = self.config.role;
        let reference = CallReference::Call { value, from_origin: !from_origin };
        use MessageType as M;
        let claims = message.call_state().is_some_and(|state| state != State::Null.number());
        // d: a SETUP or RESUME with the call reference flag of an answer.
        let wrong_flag = !from_origin && matches!(message.kind, M::Setup | M::Resume);
        if wrong_flag || message.kind == M::ReleaseComplete {
            return;
        }
        let (kind, cause) = if message.kind == M::StatusEnquiry {
            (M::Status, value::ENQUIRY_ANSWER)
        } else if message.kind != M::Status {
            // a to c
            (M::ReleaseComplete, value::INVALID_CALL_REFERENCE)
        } else if claims {
            // g
            (M::ReleaseComplete, value::WRONG_STATE)
        } else {
            return;
        };
        let cause = cause_of(role, cause, Vec::new());
        let mut answer = Message::new(reference, kind).with(cause);
        if kind == MessageType::Status {
            answer.elements.push(Element::CallState(State::Null.number()));
        }
        self.send(now, NOBODY, &answer);
    }

    /// A message of the global call reference: a restart, its acknowledgement, or nonsense
    /// (§5.8.3.2 f).
    fn global(&mut self, now: Tick, decoded: &Decoded, from_origin: bool) {
        let message = &decoded.message;
        let role = self.config.role;
        let wrong = match (message.kind, from_origin) {
            (MessageType::Restart, true) => match lack(role, decoded, false) {
                Some(lack) => (lack.value, lack.diagnostics),
                None => return self.restarted_by_peer(now, message),
            },
            (MessageType::RestartAcknowledge, false) => match lack(role, decoded, false) {
                Some(lack) => (lack.value, lack.diagnostics),
                None => return self.restart_acknowledged(now, message),
            },
            (MessageType::Status, _) => return self.restart_complained_of(now, message),
            _ => (value::INVALID_CALL_REFERENCE, Vec::new()),
        };
        let state = Element::CallState(self.restart.state() as u8);
        let (value, diagnostics) = wrong;
        let status = reply(message, MessageType::Status)
            .with(cause_of(role, value, diagnostics))
            .with(state);
        self.send(now, NOBODY, &status);
    }

    /// RESTART ACKNOWLEDGE (§5.5.1).
    fn restart_acknowledged(&mut self, now: Tick, message: &Message) {
        let indicated = message.restart_class() == Some(RestartClass::IndicatedChannels);
        let slots = message.channel().filter(|_| indicated).map(|channel| channel.which.slots());
        if !self.restart.handle_acknowledge(now, slots, self.config.timers.t316_ms) {
            self.count(Counted::MessageIgnored);
        }
    }

    /// STATUS of the global call reference: the far end says what it thinks of a RESTART of ours. No
    /// acknowledgement will follow then, and it is not waited for.
    fn restart_complained_of(&mut self, now: Tick, message: &Message) {
        let cause = message.cause().map_or(0, |element| element.value);
        let state = message.call_state().unwrap_or_default();
        let trouble = Trouble::Complaint { call: NOBODY, cause, state };
        self.out.push_back(Output::Error(trouble));
        if value::REFUSES_RESTART.contains(&cause) {
            let exists = cause != value::NO_SUCH_CHANNEL;
            self.restart.handle_refusal(now, exists, self.config.timers.t316_ms);
        }
    }

    /// RESTART of the far end (§5.5.2): its channels are idle in the same turn, without a word to
    /// their calls, and that is acknowledged.
    fn restarted_by_peer(&mut self, now: Tick, message: &Message) {
        let class = message.restart_class();
        // With all interfaces no channel may be named; one that is counts as unknown (§5.5.2).
        let channel = message.channel().filter(|_| class != Some(RestartClass::AllInterfaces));
        let all = self.channels.all();
        let slots = match (class, channel.map(|channel| &channel.which)) {
            (
                Some(RestartClass::IndicatedChannels),
                Some(which @ (Which::Slots(_) | Which::Map(_))),
            ) => which.slots().into_iter().filter(|slot| all.contains(slot)).collect(),
            (Some(RestartClass::IndicatedChannels), None | Some(Which::None | Which::Any)) => {
                Vec::new()
            }
            (Some(RestartClass::SingleInterface | RestartClass::AllInterfaces) | None, _) => all,
        };
        if slots.is_empty() {
            let status = reply(message, MessageType::Status)
                .with(cause_of(self.config.role, value::NO_SUCH_CHANNEL, Vec::new()))
                .with(Element::CallState(self.restart.state() as u8));
            return self.send(now, NOBODY, &status);
        }
        self.free(now, &slots, Side::Far);
        for slot in slots {
            self.channels.revive(slot);
        }
        let mut answer = reply(message, MessageType::RestartAcknowledge);
        answer.elements.extend(channel.cloned().map(Element::ChannelIdentification));
        answer.elements.extend(class.map(Element::RestartIndicator));
        self.send(now, NOBODY, &answer);
    }
}

/// A message to the sender of another, under the same call reference.
fn reply(to: &Message, kind: MessageType) -> Message {
    let reference = match to.reference {
        CallReference::Dummy => CallReference::Dummy,
        CallReference::Global { from_origin } => {
            CallReference::Global { from_origin: !from_origin }
        }
        CallReference::Call { value, from_origin } => {
            CallReference::Call { value, from_origin: !from_origin }
        }
    };
    Message::new(reference, kind)
}
