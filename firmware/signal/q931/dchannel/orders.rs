//! The owner's orders: call somebody, lead a call to its end, look after the channels.

use call::{Cause, Side, Tick};

use super::{CallId, CallSetup, ChannelWish, Counted, DChannel, Output, Refused, Trouble};
use crate::limits::DCHANNEL_CALLS_MAX;
use crate::q931::call::Call;
use crate::q931::restart::{self, Scope};
use crate::q931::state::{Origin, Stage};
use crate::q931::wire::{
    CallReference, ChannelIdentification, Element, Message, MessageType, RestartClass,
};

impl DChannel {
    /// Begins a call: SETUP goes out. Everything further is told by [`Output::Phase`].
    ///
    /// # Errors
    /// When it was not begun; the call never existed then and no phase is told.
    pub fn place(&mut self, now: Tick, setup: CallSetup) -> Result<CallId, Refused> {
        if !self.up {
            return Err(Refused::LinkDown);
        }
        if self.legs.len() >= DCHANNEL_CALLS_MAX {
            return Err(Refused::Full);
        }
        let wanted = match setup.channel {
            ChannelWish::Any => None,
            ChannelWish::Preferred(slot) => Some(slot).filter(|slot| self.channels.is_free(*slot)),
            ChannelWish::Exclusive(slot) if self.channels.is_free(slot) => Some(slot),
            ChannelWish::Exclusive(slot) => return Err(Refused::ChannelTaken(slot)),
        };
        let slot = wanted.or_else(|| self.channels.hunt(&[])).ok_or(Refused::NoChannel)?;
        let call = self.next_call();
        self.begin(now, call, setup, slot, (0, Vec::new()));
        self.settle(now);
        Ok(call)
    }

    /// Sends further digits of a call of ours (§5.1.3). `complete`: no more will follow.
    pub fn dial(&mut self, now: Tick, call: CallId, digits: &str, complete: bool) {
        self.order(now, call, |call| call.dial(now, digits, complete));
    }

    /// Says of an incoming call that its number is complete: CALL PROCEEDING. `inband`: tones are in
    /// the channel.
    pub fn proceed(&mut self, now: Tick, call: CallId, inband: bool) {
        self.order(now, call, |call| call.proceed(inband));
    }

    /// Says of an incoming call that it rings: ALERTING. `inband`: the ringing tone is in the
    /// channel.
    pub fn alert(&mut self, now: Tick, call: CallId, inband: bool) {
        self.order(now, call, |call| call.alert(inband));
    }

    /// Says of an incoming call that something has happened on its way: PROGRESS. `inband`: it is
    /// heard in the channel.
    pub fn progress(&mut self, now: Tick, call: CallId, inband: bool) {
        self.order(now, call, |call| call.progress(inband));
    }

    /// Answers an incoming call: CONNECT. `Answered` is told when the far end may talk.
    pub fn answer(&mut self, now: Tick, call: CallId) {
        self.order(now, call, |call| call.answer(now));
    }

    /// Ends a call: RELEASE COMPLETE, DISCONNECT or RELEASE, as its state demands. Of two reasons
    /// the first counts; on a call that shows a tone it ends the tone.
    pub fn hang_up(&mut self, now: Tick, call: CallId, cause: Cause) {
        self.order(now, call, |call| call.hang_up(now, cause, false));
    }

    /// Ends a call with a tone or announcement for the far end: DISCONNECT with progress indicator
    /// 8 (§5.4.1), then RELEASE after T306 or at [`DChannel::hang_up`]. Only a network does so; on
    /// the user side this is `hang_up`.
    pub fn disconnect_with_tone(&mut self, now: Tick, call: CallId, cause: Cause) {
        self.order(now, call, |call| call.hang_up(now, cause, true));
    }

    /// Asks the far end for the state of a call: STATUS ENQUIRY (§5.8.10).
    pub fn enquire(&mut self, now: Tick, call: CallId) {
        self.order(now, call, |call| call.enquire(now));
    }

    /// Restarts one channel, or all (§5.5). Their calls end at once.
    pub fn restart(&mut self, now: Tick, channel: Option<u8>) {
        match channel {
            Some(slot) if !self.channels.all().contains(&slot) => self.count(Counted::Misplaced),
            Some(slot) => self.begin_restart(now, Scope::Slot(slot)),
            None => self.begin_restart(now, Scope::Interface),
        }
        self.settle(now);
    }

    /// Takes a channel out of service for new calls, or back. A call that has it goes on.
    pub fn block(&mut self, now: Tick, channel: u8, on: bool) {
        if !self.channels.block(channel, on) {
            self.count(Counted::Misplaced);
        }
        self.settle(now);
    }

    fn order(&mut self, now: Tick, call: CallId, act: impl FnOnce(&mut Call) -> bool) {
        if self.with(now, call, act) != Some(true) {
            self.count(Counted::Misplaced);
        }
        self.settle(now);
    }

    /// Ends the calls of these channels and asks the far end to restart them.
    pub(super) fn begin_restart(&mut self, now: Tick, scope: Scope) {
        let slots = self.slots_of(scope);
        self.free(now, &slots, Side::Box);
        self.channels.restart(&slots);
        self.restart.request(now, scope, self.config.timers.t316_ms);
    }

    /// Ends the calls of these time slots without a message, except where only one side knows of
    /// the call yet: a SETUP that we have not answered is refused, so that its sender tries another
    /// channel, and one that the far end has not answered waits for its refusal.
    pub(super) fn free(&mut self, now: Tick, slots: &[u8], by: Side) {
        for slot in slots {
            let Some(call) = self.channels.holder(*slot) else { continue };
            self.with(now, call, |call| {
                let (state, origin) = call.snapshot();
                match (state.stage(), origin, by) {
                    (Stage::Begun, Origin::Ours, Side::Far) => {}
                    (Stage::Begun, Origin::Theirs, Side::Box) => {
                        call.hang_up(now, Cause::ChannelUnavailable, false);
                    }
                    _ => call.restarted(by),
                }
            });
        }
    }

    pub(super) fn restart_says(&mut self, now: Tick, output: restart::Output) {
        match output {
            restart::Output::Send(scope) => self.send_restart(now, scope),
            restart::Output::Done(scope, only) => {
                let named = |slot: &u8| only.as_ref().is_none_or(|only| only.contains(slot));
                let (done, not): (Vec<u8>, Vec<u8>) =
                    self.slots_of(scope).into_iter().partition(named);
                self.channels.restarted(&done, true);
                for slot in not {
                    self.not_restarted(Some(slot), &[slot]);
                }
            }
            // What cannot be restarted as a whole is asked for one by one.
            restart::Output::Refused(Scope::Interface, _) => {
                for slot in self.slots_of(Scope::Interface) {
                    self.begin_restart(now, Scope::Slot(slot));
                }
            }
            // A far end that knows no RESTART is used without: it refuses a channel that it holds.
            restart::Output::Refused(Scope::Slot(slot), true) => {
                self.channels.restarted(&[slot], true);
            }
            restart::Output::Refused(Scope::Slot(slot), false) => {
                self.not_restarted(Some(slot), &[slot]);
            }
            restart::Output::Unanswered(scope) => {
                let channel = match scope {
                    Scope::Interface => None,
                    Scope::Slot(slot) => Some(slot),
                };
                let slots = self.slots_of(scope);
                self.not_restarted(channel, &slots);
            }
        }
    }

    /// Channels that the far end has not restarted are out of service until it uses or restarts them,
    /// or maintenance does (§5.5.1).
    fn not_restarted(&mut self, channel: Option<u8>, slots: &[u8]) {
        self.channels.restarted(slots, false);
        self.out.push_back(Output::Error(Trouble::RestartUnanswered { channel }));
    }

    /// What cannot go out now goes out when the link is there.
    fn send_restart(&mut self, now: Tick, scope: Scope) {
        if !self.up {
            return;
        }
        let reference = CallReference::Global { from_origin: true };
        let mut message = Message::new(reference, MessageType::Restart);
        let class = match scope {
            Scope::Interface => RestartClass::SingleInterface,
            Scope::Slot(slot) => {
                let channel = ChannelIdentification::slot(slot, true);
                message.elements.push(Element::ChannelIdentification(channel));
                RestartClass::IndicatedChannels
            }
        };
        message.elements.push(Element::RestartIndicator(class));
        self.send(now, super::NOBODY, &message);
    }

    fn slots_of(&self, scope: Scope) -> Vec<u8> {
        match scope {
            Scope::Interface => self.channels.all(),
            Scope::Slot(slot) => vec![slot],
        }
    }
}
