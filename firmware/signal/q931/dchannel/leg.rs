//! The life of a call in the tables: what its machine asks for, another try after a meeting of two
//! calls on one channel, the end.

use call::{Cause, LegPhase, Side, Tick};

use super::{CallId, CallSetup, ChannelWish, Counted, DChannel, Leg, Output, Retry, Trouble};
use crate::limits::GLARE_TRIES;
use crate::q921::Role;
use crate::q931::call::{self as machine, Call};
use crate::q931::channels::Grant;
use crate::q931::restart::Scope;
use crate::q931::wire::{
    BearerCapability, CALL_REFERENCE_MAX, CallReference, ChannelIdentification, Element, Message,
    ProgressIndicator,
};

impl DChannel {
    /// Begins a call of ours on this time slot. `tried`: where it was begun before; `tries`: how
    /// often.
    pub(super) fn begin(
        &mut self,
        now: Tick,
        call: CallId,
        setup: CallSetup,
        slot: u8,
        (tries, tried): (u32, Vec<u8>),
    ) {
        let role = self.config.role;
        // The network's choice stands; the user's is a proposal (§5.1.2, §5.2.3).
        let exclusive = match (setup.channel, role) {
            (ChannelWish::Exclusive(_), _) | (ChannelWish::Any, Role::Network) => true,
            (ChannelWish::Any, Role::User) | (ChannelWish::Preferred(_), _) => false,
        };
        let elements = setup_elements(role, &setup, slot, exclusive);
        let key = (self.next_reference(), true);
        self.by_key.insert(key, call);
        self.channels.take(slot, call);
        let leg = Leg {
            call: Call::place(now, role, self.config.timers, elements, true),
            key,
            slot: Some(slot),
            agreed: false,
            exclusive,
            retry: Some(Retry { setup, tries: tries + 1, tried }),
        };
        self.legs.insert(call, leg);
        self.drain(now, call);
    }

    /// Gives a call of ours the time slot that it was granted, and takes it from a proposal of ours.
    pub(super) fn occupy(&mut self, call: CallId, grant: Grant) {
        let before = self.legs.get(&call).and_then(|leg| leg.slot);
        for (slot, holder) in
            [before.map(|slot| (slot, call)), grant.from.map(|from| (grant.slot, from))]
                .into_iter()
                .flatten()
        {
            self.channels.give_back(slot, holder);
        }
        if let Some(yielding) = grant.from.and_then(|from| self.legs.get_mut(&from)) {
            yielding.slot = None;
            yielding.call.yield_channel();
            self.count(Counted::Glare);
        }
        self.channels.take(grant.slot, call);
        if let Some(leg) = self.legs.get_mut(&call) {
            leg.slot = Some(grant.slot);
        }
    }

    /// Whether a call of ours gives its channel up for one that the network assigns (§5.7).
    pub(super) fn may_step_back(&self, call: CallId) -> bool {
        let proposes = |leg: &Leg| leg.call.awaits_channel() && !leg.agreed;
        self.config.role == Role::User && self.legs.get(&call).is_some_and(proposes)
    }

    /// Does what a call asks for, until it asks for nothing.
    pub(super) fn drain(&mut self, now: Tick, call: CallId) {
        while let Some(output) = self.legs.get_mut(&call).and_then(|leg| leg.call.poll()) {
            self.call_says(now, call, output);
        }
    }

    fn call_says(&mut self, now: Tick, call: CallId, output: machine::Output) {
        let Some(leg) = self.legs.get(&call) else { return };
        match output {
            machine::Output::Send { kind, elements } => {
                let (value, from_origin) = leg.key;
                let reference = CallReference::Call { value, from_origin };
                self.send(now, call, &Message { reference, kind, elements });
            }
            machine::Output::Phase { phase, cause, by, inband } => {
                let channel = leg.slot.filter(|_| leg.agreed);
                if phase == LegPhase::Ended {
                    return self.ended(now, call, channel, cause, by);
                }
                // What the owner was told cannot begin again.
                if let Some(leg) = self.legs.get_mut(&call) {
                    leg.retry = None;
                }
                self.out.push_back(Output::Phase { call, phase, cause, by, channel, inband });
            }
            machine::Output::Digits { digits, complete } => {
                self.out.push_back(Output::Digits { call, digits, complete });
            }
            machine::Output::Display(text) => self.out.push_back(Output::Display { call, text }),
            machine::Output::Fault(fault) => {
                self.out.push_back(Output::Error(Trouble::Call { call, fault }));
            }
            machine::Output::Complaint { cause, state } => {
                self.out.push_back(Output::Error(Trouble::Complaint { call, cause, state }));
            }
            machine::Output::ElementIgnored => self.count(Counted::ElementIgnored),
            machine::Output::MessageIgnored => self.count(Counted::MessageIgnored),
            machine::Output::Unconfirmed => {
                if let Some(slot) = leg.slot {
                    self.begin_restart(now, Scope::Slot(slot));
                }
            }
        }
    }

    /// A call is over: it is begun again if only its channel was the matter, or forgotten.
    fn ended(
        &mut self,
        now: Tick,
        call: CallId,
        channel: Option<u8>,
        cause: Option<Cause>,
        by: Option<Side>,
    ) {
        let Some(leg) = self.legs.remove(&call) else { return };
        self.by_key.remove(&leg.key);
        self.held.retain(|(whose, _)| *whose != call);
        if let Some(slot) = leg.slot {
            self.channels.give_back(slot, call);
        }
        let met = (cause, by) == (Some(Cause::ChannelUnavailable), Some(Side::Far));
        if let Some(Retry { setup, tries, mut tried }) = leg.retry.filter(|_| met) {
            tried.extend(leg.slot);
            let again = !matches!(setup.channel, ChannelWish::Exclusive(_))
                && tries < GLARE_TRIES
                && self.up;
            if let Some(slot) = self.channels.hunt(&tried).filter(|_| again) {
                self.count(Counted::Retried);
                return self.begin(now, call, setup, slot, (tries, tried));
            }
        }
        let phase = LegPhase::Ended;
        self.out.push_back(Output::Phase { call, phase, cause, by, channel, inband: false });
    }

    /// The next free call reference of ours: counted up, so that one is not used again soon.
    fn next_reference(&mut self) -> u16 {
        loop {
            self.last_reference = match self.last_reference {
                CALL_REFERENCE_MAX.. => 1,
                last => last + 1,
            };
            if !self.by_key.contains_key(&(self.last_reference, true)) {
                return self.last_reference;
            }
        }
    }

    /// A new id.
    pub(super) fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }
}

/// Everything of our SETUP. A name goes only from a network to a user (§3.1.14 note 11).
fn setup_elements(role: Role, setup: &CallSetup, slot: u8, exclusive: bool) -> Vec<Element> {
    let channel = ChannelIdentification::slot(slot, exclusive);
    let mut elements = vec![
        Element::BearerCapability(BearerCapability::speech()),
        Element::ChannelIdentification(channel),
    ];
    if setup.inband {
        let indicator =
            ProgressIndicator::new(machine::location(role), ProgressIndicator::NOT_ISDN);
        elements.push(Element::ProgressIndicator(indicator));
    }
    if role == Role::Network {
        elements.extend(setup.display.clone().map(Element::Display));
    }
    elements.extend(setup.calling.clone().map(Element::CallingParty));
    elements.extend(setup.called.clone().map(Element::CalledParty));
    elements.extend(setup.redirecting.clone().map(Element::RedirectingNumber));
    if setup.complete {
        elements.push(Element::SendingComplete);
    }
    elements
}
