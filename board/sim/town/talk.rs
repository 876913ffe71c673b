//! A customer's side of one call, on whatever line it came: what is told of it, and when.

use call::{Cause, Side, Tick};

use super::customer::Customer;
use super::output::{Citizen, Gate, Sight};

/// See the module. The line owns it from the first ring to the end.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) who: Citizen,
    pub(super) customer: Customer,
    answered_at: Option<Tick>,
    heard: bool,
}

impl Talk {
    pub(super) const fn new(who: Citizen, customer: Customer) -> Talk {
        Talk { who, customer, answered_at: None, heard: false }
    }

    pub(super) const fn answered_at(&self) -> Option<Tick> {
        self.answered_at
    }

    pub(super) fn is_due(&self, now: Tick) -> bool {
        self.customer.next_timeout().is_some_and(|(at, _)| at <= now)
    }

    /// The far end begins to sound.
    pub(super) fn handle_started(&mut self, now: Tick, gate: &mut Gate) {
        if !core::mem::replace(&mut self.heard, true) {
            let after_ms = now.since_ms(self.answered_at.unwrap_or(now));
            gate.tell(now, &self.who, Sight::Heard { after_ms });
        }
        self.customer.handle_started(now);
    }

    /// Two can talk; `ours`: this side called.
    pub(super) fn handle_answered(&mut self, now: Tick, gate: &mut Gate, ours: bool) {
        if self.answered_at.is_none() {
            self.answered_at = Some(now);
            gate.tell(now, &self.who, Sight::Answered);
            if ours {
                self.customer.handle_answered(now);
            }
        }
    }

    /// The call is over.
    pub(super) fn end(self, now: Tick, gate: &mut Gate, cause: Option<Cause>, by: Option<Side>) {
        let talked_ms = self.answered_at.map(|at| now.since_ms(at));
        let cause = cause.unwrap_or(Cause::NormalUnspecified);
        let by = by.unwrap_or(Side::Far);
        gate.tell(now, &self.who, Sight::Ended { cause, by, talked_ms });
    }
}
