//! A campaign: its settings, its state, and the decision to dial or the reason why not.
//!
//! [`Campaign::decide`] is a pure function of what is so now. It never answers "no" without the
//! rule that says no and what clears it ([`Why`], [`Clears`]), so that "why is it not dialling?"
//! has one answer, the same on the screen and in the code. The rules are asked in a fixed order,
//! the one that a person has to mend first coming first.

mod decision;
mod settings;
#[cfg(test)]
mod tests;

use call::{CampaignId, Stamp, TenantId};
use serde::{Deserialize, Serialize};

use crate::hours::Calendar;
use crate::limits;

pub use decision::{Clears, Decision, Leads, Lines, Seats, View, Why};
pub use settings::{SettingRefused, Settings};

words! {
    /// How a campaign dials.
    #[derive(Default)]
    pub enum Mode {
        /// One free agent triggers one call.
        #[default]
        Precise = "precise",
    }
}

words! {
    /// Where a campaign is in its life.
    #[derive(Default)]
    pub enum State {
        /// Being set up; nothing is dialled.
        #[default]
        Draft = "draft",
        /// Dialling, as far as the rules allow.
        Running = "running",
        /// Stopped by a person; calls in flight go on.
        Paused = "paused",
        /// Every lead is finished, or a person closed it.
        Finished = "finished",
    }
}

/// A person's order to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Dial.
    Start,
    /// Dial no more; calls in flight go on.
    Pause,
    /// It is done.
    Finish,
}

/// Why an order was not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// A setting is wrong.
    #[error("{} settings are wrong", .0.len())]
    Settings(Vec<SettingRefused>),
    /// No trunk is chosen.
    #[error("no trunk is chosen: choose one in the campaign's settings")]
    NoTrunk,
    /// No agent is assigned.
    #[error("no agent is assigned: assign one in the campaign's settings")]
    NoAgent,
    /// The campaign is in a state in which the order has no sense.
    #[error("the campaign is {}", .0.word())]
    State(State),
}

/// A campaign as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its settings.
    pub settings: Settings,
    /// Where it is in its life.
    pub state: State,
    /// When it came into this state.
    pub since: Stamp,
}

impl Campaign {
    /// Follows an order. A finished campaign may be started again, for example after an upload.
    ///
    /// # Errors
    /// Says what is missing, or that the order has no sense now.
    pub fn handle_order(&mut self, now: Stamp, order: Order) -> Result<(), OrderRefused> {
        let to = match (self.state, order) {
            (State::Draft | State::Paused | State::Finished, Order::Start) => {
                self.settings.check().map_err(OrderRefused::Settings)?;
                if self.settings.trunks.is_empty() {
                    return Err(OrderRefused::NoTrunk);
                }
                if self.settings.agents.is_empty() {
                    return Err(OrderRefused::NoAgent);
                }
                State::Running
            }
            (State::Running, Order::Start) | (State::Paused, Order::Pause) => return Ok(()),
            (State::Running, Order::Pause) => State::Paused,
            (State::Draft | State::Finished, Order::Pause) => {
                return Err(OrderRefused::State(self.state));
            }
            (State::Draft | State::Running | State::Paused, Order::Finish) => State::Finished,
            (State::Finished, Order::Finish) => return Ok(()),
        };
        self.state = to;
        self.since = now;
        Ok(())
    }

    /// Whether to dial now, and how many; or which rule says no.
    #[must_use]
    pub fn decide(&self, now: Stamp, calendar: &Calendar, view: &View) -> Decision {
        match self.asked(now, calendar, view) {
            Ok(calls) => Decision::Dial { calls },
            Err(why) => Decision::Wait(why),
        }
    }

    fn asked(&self, now: Stamp, calendar: &Calendar, view: &View) -> Result<u32, Why> {
        if !clock_is_sane(now) {
            return Err(Why::ClockNotSane);
        }
        if self.state != State::Running {
            return Err(Why::NotRunning { state: self.state });
        }
        if !calendar.is_open(now) {
            return Err(Why::OutsideHours { opens: calendar.next_open(now) });
        }
        let leads = view.leads.due_now(now)?;
        let seats = view.seats.free()?;
        let lines = view.lines.free()?;
        let assigned = u32::try_from(self.settings.agents.len()).unwrap_or(u32::MAX);
        let max = self.settings.calls_max.unwrap_or(assigned).min(limits::CALLS_MAX);
        let room = max.saturating_sub(view.calls_in_flight);
        if room == 0 {
            return Err(Why::CallsMax { max });
        }
        match self.settings.mode {
            Mode::Precise => Ok(leads.min(seats).min(lines).min(room)),
        }
    }
}

/// Whether the wall clock can be believed: nothing is dialled before it is known to be sane.
#[must_use]
pub const fn clock_is_sane(now: Stamp) -> bool {
    now.0 >= limits::SANE_AFTER_MS && now.0 < limits::SANE_BEFORE_MS
}
