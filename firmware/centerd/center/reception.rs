//! Calls from outside to a number with a route: a desk phone rings, and whoever picks it up talks
//! with the caller. Nobody there: the caller hears so, as on a number without a route.
//!
//! That the two are connected, and that one who hangs up takes the other along, is switchd's: it was
//! told with the call to the phone ([`link::Connect`]) and does it with us away.

use std::collections::BTreeMap;

use call::{AccountId, Cause, LegId, LegPhase, LegTag, Now, TenantId};
use link::{Command, Connect, Destination, Direction, LegRecord, Line, OnAnswer};
use serde::{Deserialize, Serialize};

use super::switch::About;
use super::{Center, limits};

/// Where calls to a number go: the JSON beside its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum NumberRoute {
    /// The caller hears that nobody can be reached.
    #[default]
    Announcement,
    /// This desk phone rings.
    Phone {
        /// Whose.
        account: AccountId,
    },
}

impl NumberRoute {
    /// The route in a number's row. What an older program wrote is read as far as it fits.
    #[must_use]
    pub fn of(number: &store::numbers::OwnNumber) -> NumberRoute {
        serde_json::from_value(number.route.clone()).unwrap_or_default()
    }
}

/// A caller for whom a phone rings, or who talks at it.
#[derive(Clone, Copy, Debug)]
struct Bell {
    phone: LegId,
    talking: bool,
}

/// Every such caller, by the caller's leg.
#[derive(Clone, Debug, Default)]
pub(super) struct Bells(BTreeMap<LegId, Bell>);

impl Bells {
    /// Whether a phone rings for this caller, or the two talk.
    pub(super) fn has(&self, caller: LegId) -> bool {
        self.0.contains_key(&caller)
    }

    fn of_phone(&self, phone: LegId) -> Option<(LegId, Bell)> {
        let found = self.0.iter().find(|(_, bell)| bell.phone == phone);
        found.map(|(caller, bell)| (*caller, *bell))
    }
}

impl Center {
    /// Whose call this is: that of the number that was called, else of the line.
    pub(super) fn tenant_of_leg(&self, record: &LegRecord) -> Option<TenantId> {
        let from_outside =
            record.direction == Direction::In && matches!(record.line, Line::Trunk(_));
        let number = self.office.numbers.get(&record.called).filter(|_| from_outside);
        number.and_then(|own| own.tenant).or_else(|| self.tenant_of_line(record.line))
    }

    /// Lets the phone ring that the called number leads to. `false`: it leads to none.
    pub(super) fn ring_for(&mut self, record: &LegRecord, tenant: TenantId) -> bool {
        let Some(own) = self.office.numbers.get(&record.called) else { return false };
        let NumberRoute::Phone { account } = NumberRoute::of(own) else { return false };
        let ours = self.office.phones.get(&account).is_some_and(|phone| phone.tenant == tenant);
        if !ours || !self.phones.contains_key(&account) {
            return false;
        }
        let (caller, phone) = (record.leg, self.new_leg());
        let shown = record.caller.clone();
        // What is reserved is filled up when the leg changes for the first time.
        let record = self.recordings.pop_front();
        self.bells.0.insert(caller, Bell { phone, talking: false });
        self.switch.order(About::Leg(caller), Command::Ring { leg: caller });
        let command = Command::Originate {
            leg: phone,
            tag: LegTag(0),
            to: Destination::Account { account, caller: shown, auto_answer: false },
            ring_timeout_ms: limits::DESK_RING_MS,
            on_answer: OnAnswer::Connect(Connect { caller, record }),
        };
        self.switch.order(About::Leg(phone), command);
        true
    }

    /// A leg without a mark has changed. `false`: it is no caller for whom a phone rings, nor that
    /// phone.
    pub(super) fn bell_leg(&mut self, now: Now, record: &LegRecord) -> bool {
        let leg = record.leg;
        if let Some(bell) = self.bells.0.get(&leg).copied() {
            self.reserve_recordings(now);
            if record.phase == LegPhase::Ended {
                self.bells.0.remove(&leg);
                self.end_leg(bell.phone, Cause::NormalClearing);
            }
            return true;
        }
        let Some((caller, bell)) = self.bells.of_phone(leg) else { return false };
        match record.phase {
            LegPhase::Answered => {
                self.bells.0.insert(caller, Bell { talking: true, ..bell });
            }
            LegPhase::Ended if bell.talking => {
                self.bells.0.remove(&caller);
                self.end_leg(caller, Cause::NormalClearing);
            }
            LegPhase::Ended => self.nobody_there(caller),
            LegPhase::Idle
            | LegPhase::Seized
            | LegPhase::Dialing
            | LegPhase::Proceeding
            | LegPhase::Alerting
            | LegPhase::Releasing => {}
        }
        true
    }

    /// The switch would not call the phone.
    pub(super) fn bell_refused(&mut self, phone: LegId) {
        if let Some((caller, _)) = self.bells.of_phone(phone) {
            self.nobody_there(caller);
        }
    }

    /// A talk at a phone that began before a restart of ours goes on.
    pub(super) fn adopt_bell(&mut self, record: &LegRecord) -> bool {
        if self.bells.0.contains_key(&record.leg) || self.bells.of_phone(record.leg).is_some() {
            return true;
        }
        let (Some(other), LegPhase::Answered) = (record.joined_to, record.phase) else {
            return false;
        };
        let (caller, phone) = match record.line {
            Line::Trunk(_) => (record.leg, other),
            Line::Account(_) => (other, record.leg),
        };
        self.bells.0.insert(caller, Bell { phone, talking: true });
        true
    }

    /// Phones whose caller has gone while we were away are hung up.
    pub(super) fn settle_bells(&mut self) {
        let gone = self.bells.0.iter().filter(|(caller, _)| !self.legs.contains_key(caller));
        for (caller, bell) in gone.map(|(c, b)| (*c, *b)).collect::<Vec<_>>() {
            self.bells.0.remove(&caller);
            self.end_leg(bell.phone, Cause::NormalClearing);
        }
    }

    fn nobody_there(&mut self, caller: LegId) {
        self.bells.0.remove(&caller);
        self.announce(caller);
    }
}
