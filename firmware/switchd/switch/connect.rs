//! Phones that ring for a caller: what happens when one is picked up, and the release links between
//! the two ([`link::Connect`]). All of it works with centerd away.

use call::{Cause, LegId, LegPhase, Side};
use link::{Connect, Refusal};

use super::Switch;
use super::leg::{Leg, Plan};

impl Switch {
    /// Takes the caller that a phone is to ring for: from now on its plan answers it.
    pub(super) fn take_caller(&mut self, connect: &Connect) -> Result<(), Refusal> {
        if let Some(recording) = connect.record.filter(|r| self.knows_recording(*r)) {
            return Err(Refusal::InUse { name: recording.to_string() });
        }
        self.taken(connect.caller).map(drop)
    }

    /// The phones that ring for this caller, and those that were picked up and wait for its sound.
    pub(super) fn phones_for(&self, caller: LegId) -> Vec<LegId> {
        let rings = |leg: &&Leg| {
            let plan = matches!(&leg.plan, Plan::Connect(connect) if connect.caller == caller);
            plan && leg.ending.is_none()
        };
        self.legs.values().filter(rings).map(Leg::id).collect()
    }

    /// A phone was picked up: its caller is answered, and both talk.
    pub(super) fn connect(&mut self, phone: LegId, connect: &Connect) {
        let Connect { caller, record } = *connect;
        let unanswered = |leg: &Leg| leg.record.phase < LegPhase::Answered && leg.ending.is_none();
        if self.leg(caller).is_some_and(unanswered) {
            self.accept(caller);
        }
        let free = |leg: &Leg| leg.record.phase == LegPhase::Answered && leg.ending.is_none();
        if !self.leg(caller).is_some_and(free) || self.talks.has(caller) {
            return self.end_leg(phone, Cause::NormalClearing, Side::Peer);
        }
        if !self.leg(caller).is_some_and(Leg::is_talkable) {
            // Who made no offer of sound sends his with the ACK; then it goes on here.
            return;
        }
        self.join(caller, phone, record);
        self.talks.bind(caller);
        for other in self.phones_for(caller) {
            self.end_leg(other, Cause::NormalClearing, Side::Peer);
        }
    }

    /// Sound was agreed on: of a caller who was answered before it, because a phone was picked up.
    pub(super) fn connect_waiting(&mut self, caller: LegId) {
        if !self.leg(caller).is_some_and(Leg::is_talkable) {
            return;
        }
        for phone in self.phones_for(caller) {
            self.follow_plan(phone);
        }
    }

    /// A leg ends that rings for a caller, or for which phones ring.
    pub(super) fn leave_connect(&mut self, leg: LegId) {
        for phone in self.phones_for(leg) {
            self.end_leg(phone, Cause::NormalClearing, Side::Peer);
        }
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Plan::Connect(Connect { caller, .. }) = found.plan else { return };
        found.plan = Plan::None;
        if !self.phones_for(caller).is_empty() || self.talks.has(caller) {
            return;
        }
        match self.leg(caller).filter(|l| l.ending.is_none()).map(|l| l.record.phase) {
            Some(LegPhase::Answered) => self.end_leg(caller, Cause::NormalClearing, Side::Peer),
            // Where else it may go, centerd says, or the fallback.
            Some(_) => self.await_center(caller),
            None => {}
        }
    }
}
