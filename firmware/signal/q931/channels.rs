//! Who has which time slot of one E1: hunting, negotiation (Q.931 §5.1.2, §5.2.3), and what is out of
//! service.
//!
//! Who asks for which channel, and what becomes of it:
//!
//! ```text
//!  SETUP says      it is free    it is not
//!  X, exclusive    X             refused, cause 44
//!  X, preferred    X             another free one, or refused, cause 34
//!  any, nothing    a free one    refused, cause 34
//!  no channel      refused, cause 34: a waiting call has no place here
//! ```
//!
//! When both sides propose one channel in the same instant (§5.7), the network's call has it: a
//! user's proposal that was not answered yet steps back ([`Channels::offered`] says whose).

use std::collections::BTreeMap;

use call::Cause;

use super::dchannel::{CallId, ChannelState, Hunt};
use super::wire::{ChannelIdentification, Which};

/// One time slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Channel {
    call: Option<CallId>,
    restarting: bool,
    /// By our maintenance.
    blocked: bool,
    /// Its RESTART was never acknowledged.
    unanswered: bool,
    /// Calls that it has had.
    calls: u64,
    /// The configuration does not have it any more; it goes when its call does.
    leaving: bool,
}

impl Channel {
    fn is_free(&self) -> bool {
        self.call.is_none()
            && !self.restarting
            && !self.blocked
            && !self.unanswered
            && !self.leaving
    }

    fn state(&self) -> ChannelState {
        match self.call {
            Some(call) => ChannelState::Taken(call),
            None if self.restarting => ChannelState::Restarting,
            None if self.blocked || self.unanswered => {
                ChannelState::Blocked { ours: self.blocked, theirs: self.unanswered }
            }
            None => ChannelState::Idle,
        }
    }
}

/// What a SETUP of the far end gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The time slot.
    pub slot: u8,
    /// A call of ours that had proposed it and steps back.
    pub from: Option<CallId>,
}

/// The table. Every change of what a time slot does is told once, in order.
#[derive(Clone, Debug)]
pub struct Channels {
    slots: BTreeMap<u8, Channel>,
    hunt: Hunt,
    news: Vec<(u8, ChannelState)>,
}

impl Channels {
    /// A table of these time slots, all free.
    #[must_use]
    pub fn new(slots: &[u8], hunt: Hunt) -> Channels {
        let mut table = Channels { slots: BTreeMap::new(), hunt, news: Vec::new() };
        table.configure(slots, hunt);
        table
    }

    /// Takes over other time slots. One that is no more goes when its call has ended. Time slots 0
    /// (framing) and 16 (the D-channel) and above 31 never carry calls.
    pub fn configure(&mut self, slots: &[u8], hunt: Hunt) {
        self.hunt = hunt;
        let carries = |slot: &u8| (1..=31).contains(slot) && *slot != 16;
        for slot in slots.iter().copied().filter(carries) {
            self.slots.entry(slot).or_default().leaving = false;
        }
        self.slots.retain(|slot, channel| {
            channel.leaving = !slots.contains(slot);
            !channel.leaving || channel.call.is_some()
        });
    }

    /// Every time slot and what it does.
    #[must_use]
    pub fn states(&self) -> Vec<(u8, ChannelState)> {
        self.slots.iter().map(|(slot, channel)| (*slot, channel.state())).collect()
    }

    /// The next change that nobody was told.
    pub fn poll(&mut self) -> Option<(u8, ChannelState)> {
        if self.news.is_empty() { None } else { Some(self.news.remove(0)) }
    }

    /// Whether a call could be placed on this time slot.
    #[must_use]
    pub fn is_free(&self, slot: u8) -> bool {
        self.slots.get(&slot).is_some_and(Channel::is_free)
    }

    /// A free time slot in the order of [`Hunt`], none of `not`.
    #[must_use]
    pub fn hunt(&self, not: &[u8]) -> Option<u8> {
        let mut free =
            self.slots.iter().filter(|(slot, channel)| channel.is_free() && !not.contains(slot));
        let chosen = match self.hunt {
            Hunt::Ascending => free.next(),
            Hunt::Descending => free.next_back(),
            Hunt::LeastUsed => free.min_by_key(|(_, channel)| channel.calls),
        };
        chosen.map(|(slot, _)| *slot)
    }

    /// A SETUP of the far end asks for a channel. `may_step_back` says of a call of ours whether it
    /// only proposes its time slot and gives it up (a user's call that nobody has answered).
    ///
    /// # Errors
    /// 44 when only a channel that is not free would do, 34 when none is free.
    pub fn offered(
        &self,
        asked: Option<&ChannelIdentification>,
        may_step_back: impl Fn(CallId) -> bool,
    ) -> Result<Grant, Cause> {
        let anything = || {
            let slot = self.hunt(&[]).ok_or(Cause::NoCircuit)?;
            Ok(Grant { slot, from: None })
        };
        let Some(asked) = asked else { return anything() };
        let slots = match &asked.which {
            Which::Any => return anything(),
            Which::None => return Err(Cause::NoCircuit),
            Which::Slots(_) | Which::Map(_) => asked.which.slots(),
        };
        let grant = slots.iter().find_map(|slot| {
            let channel = self.slots.get(slot)?;
            let silent = Channel { unanswered: false, ..*channel };
            match channel.call.filter(|call| may_step_back(*call)) {
                from @ Some(_) => Some(Grant { slot: *slot, from }),
                // Who offers a channel has it in service, whatever a RESTART of ours came to.
                None if silent.is_free() => Some(Grant { slot: *slot, from: None }),
                None => None,
            }
        });
        match grant {
            Some(grant) if !asked.d_channel => Ok(grant),
            Some(_) | None if asked.exclusive || asked.d_channel => Err(Cause::ChannelUnavailable),
            Some(_) | None => anything(),
        }
    }

    /// Gives a time slot to a call. What it was before is the caller's business.
    pub fn take(&mut self, slot: u8, call: CallId) {
        self.change(slot, |channel| {
            channel.call = Some(call);
            channel.unanswered = false;
            channel.calls += 1;
        });
    }

    /// A call is over, or has stepped back. The time slot may be another call's by now.
    pub fn give_back(&mut self, slot: u8, call: CallId) {
        self.change(slot, |channel| {
            channel.call.take_if(|holder| *holder == call);
        });
        self.slots.retain(|_, channel| !channel.leaving || channel.call.is_some());
    }

    /// RESTART was sent for these time slots.
    pub fn restart(&mut self, slots: &[u8]) {
        for slot in slots {
            self.change(*slot, |channel| channel.restarting = true);
        }
    }

    /// The RESTART for these time slots is over, with or without an answer.
    pub fn restarted(&mut self, slots: &[u8], answered: bool) {
        for slot in slots {
            self.change(*slot, |channel| {
                channel.restarting = false;
                channel.unanswered = !answered;
            });
        }
    }

    /// The far end has restarted this time slot: it is in service there.
    pub fn revive(&mut self, slot: u8) {
        self.change(slot, |channel| channel.unanswered = false);
    }

    /// Our maintenance takes a time slot out of service, or back. Whether there is such a one.
    pub fn block(&mut self, slot: u8, on: bool) -> bool {
        self.change(slot, |channel| channel.blocked = on);
        self.slots.contains_key(&slot)
    }

    /// Every time slot.
    #[must_use]
    pub fn all(&self) -> Vec<u8> {
        self.slots.keys().copied().collect()
    }

    /// Time slots whose RESTART was never acknowledged.
    #[must_use]
    pub fn unanswered(&self) -> Vec<u8> {
        let silent = self.slots.iter().filter(|(_, channel)| channel.unanswered);
        silent.map(|(slot, _)| *slot).collect()
    }

    /// The call that has a time slot.
    #[must_use]
    pub fn holder(&self, slot: u8) -> Option<CallId> {
        self.slots.get(&slot).and_then(|channel| channel.call)
    }

    fn change(&mut self, slot: u8, act: impl FnOnce(&mut Channel)) {
        let Some(channel) = self.slots.get_mut(&slot) else { return };
        let before = channel.state();
        act(channel);
        let after = channel.state();
        if before != after {
            self.news.push((slot, after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::q931::wire::Interface;

    fn table() -> Channels {
        Channels::new(&[0, 1, 2, 3, 16, 32], Hunt::Ascending)
    }

    fn never(_: CallId) -> bool {
        false
    }

    fn granted(slot: u8) -> Result<Grant, Cause> {
        Ok(Grant { slot, from: None })
    }

    #[test]
    fn each_order_of_hunting_finds_its_channel() {
        let mut table = table();
        assert_eq!(
            table.all(),
            [1, 2, 3],
            "framing, D-channel and what an E1 has not are left out"
        );
        assert_eq!(table.hunt(&[]), Some(1));
        assert_eq!(table.hunt(&[1]), Some(2));
        table.hunt = Hunt::Descending;
        assert_eq!(table.hunt(&[]), Some(3));
        table.hunt = Hunt::LeastUsed;
        for slot in [1, 1, 2, 3, 3] {
            table.take(slot, CallId(9));
            table.give_back(slot, CallId(9));
        }
        assert_eq!(table.hunt(&[]), Some(2));
    }

    #[test]
    fn exclusive_preferred_and_any_channel() {
        let mut table = table();
        let slot = ChannelIdentification::slot;
        assert_eq!(table.offered(Some(&slot(2, true)), never), granted(2));
        assert_eq!(table.offered(None, never), granted(1));
        table.take(2, CallId(1));
        assert_eq!(table.offered(Some(&slot(2, true)), never), Err(Cause::ChannelUnavailable));
        assert_eq!(table.offered(Some(&slot(2, false)), never), granted(1));
        assert_eq!(table.offered(Some(&slot(9, true)), never), Err(Cause::ChannelUnavailable));
        assert_eq!(table.offered(Some(&slot(9, false)), never), granted(1));
        assert_eq!(table.offered(Some(&ChannelIdentification::any()), never), granted(1));
        table.take(1, CallId(2));
        table.take(3, CallId(3));
        assert_eq!(table.offered(Some(&slot(2, false)), never), Err(Cause::NoCircuit));
        assert_eq!(table.offered(None, never), Err(Cause::NoCircuit));
    }

    #[test]
    fn a_proposal_of_ours_steps_back_before_the_far_ends_call() {
        let mut table = table();
        table.take(2, CallId(1));
        let asked = ChannelIdentification::slot(2, true);
        let grant = Grant { slot: 2, from: Some(CallId(1)) };
        assert_eq!(table.offered(Some(&asked), |call| call == CallId(1)), Ok(grant));
    }

    #[test]
    fn a_waiting_call_and_the_d_channel_get_nothing() {
        let table = table();
        let mut asked = ChannelIdentification::slot(1, false);
        asked.d_channel = true;
        assert_eq!(table.offered(Some(&asked), never), Err(Cause::ChannelUnavailable));
        let none = ChannelIdentification {
            interface: Interface::Implicit,
            exclusive: false,
            d_channel: false,
            which: Which::None,
        };
        assert_eq!(table.offered(Some(&none), never), Err(Cause::NoCircuit));
    }

    #[test]
    fn a_blocked_channel_is_passed_over_and_told() {
        let mut table = table();
        assert!(table.block(1, true));
        assert!(!table.block(9, true));
        let asked = ChannelIdentification::slot(1, true);
        assert_eq!(table.offered(Some(&asked), never), Err(Cause::ChannelUnavailable));
        assert_eq!(table.hunt(&[]), Some(2));
        let blocked = ChannelState::Blocked { ours: true, theirs: false };
        assert_eq!(table.poll(), Some((1, blocked)));
        table.block(1, false);
        assert_eq!(table.poll(), Some((1, ChannelState::Idle)));
        assert_eq!(table.poll(), None);
    }

    #[test]
    fn a_channel_with_an_unanswered_restart_is_out_until_the_far_end_uses_it() {
        let mut table = table();
        table.restart(&[1]);
        assert_eq!(table.hunt(&[]), Some(2));
        table.restarted(&[1], false);
        assert_eq!((table.hunt(&[]), table.unanswered()), (Some(2), vec![1]));
        assert_eq!(table.offered(Some(&ChannelIdentification::slot(1, true)), never), granted(1));
        table.take(1, CallId(1));
        table.give_back(1, CallId(1));
        assert_eq!((table.hunt(&[]), table.unanswered()), (Some(1), vec![]));
    }

    #[test]
    fn a_channel_that_is_configured_away_goes_with_its_call() {
        let mut table = table();
        table.take(1, CallId(1));
        table.configure(&[2], Hunt::Ascending);
        assert_eq!(table.all(), [1, 2]);
        assert!(!table.is_free(1));
        table.give_back(1, CallId(1));
        assert_eq!(table.all(), [2]);
    }
}
