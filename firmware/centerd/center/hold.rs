//! Hold: an agent is *holding* while the console or the agent's own phone keeps the customer waiting.

use call::{AgentId, LegId, Now};
use dialer::agent::{CallFact, State};
use link::Command;

use super::Center;
use super::request::Refused;
use super::switch::About;

type Answer = Result<(), Refused>;

impl Center {
    /// The console holds the customer, or talks again.
    pub(super) fn hold_customer(&mut self, now: Now, agent: AgentId, on: bool) -> Answer {
        let leg: LegId = self.customer_of(agent)?;
        self.switch.order(About::Leg(leg), Command::Hold { leg, on });
        self.seat(agent)?.held_by_console = on;
        self.follow_hold(now, agent);
        Ok(())
    }

    /// Lets the agent's state follow what the console and the phone say. Called when either has.
    pub(super) fn follow_hold(&mut self, now: Now, agent: AgentId) {
        let Some(seat) = self.seats.get_mut(&agent) else { return };
        let by_phone = seat.leg.and_then(|leg| self.legs.get(&leg)).is_some_and(|leg| leg.held);
        let fact = match (seat.machine.state(), seat.held_by_console || by_phone) {
            (State::Talking { attempt }, true) => CallFact::Held { attempt },
            (State::Holding { attempt }, false) => CallFact::Unheld { attempt },
            (State::Talking { .. }, false) | (State::Holding { .. }, true) => return,
            (
                State::SignedOut
                | State::Ready
                | State::Reserved { .. }
                | State::Ringing { .. }
                | State::WrapUp { .. }
                | State::Paused { .. },
                _,
            ) => {
                seat.held_by_console = false;
                return;
            }
        };
        // The machine is in the state that was just read.
        let _ = seat.machine.handle_call(now.tick, fact);
    }
}
