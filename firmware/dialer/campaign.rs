//! A campaign: its settings, its state, and the decision to dial or the reason why not.

use call::{AgentId, CampaignId, Number, Stamp, TenantId, TrunkId};
use serde::{Deserialize, Serialize};

use crate::hours::{Hours, HoursRefused};
use crate::lead::RetryRules;
use crate::limits;
use crate::outcome::DispositionSet;

/// How a campaign dials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One free agent triggers one call.
    #[default]
    Precise,
}

/// Where a campaign is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Being set up; nothing is dialled.
    #[default]
    Draft,
    /// Dialling, as far as the rules allow.
    Running,
    /// Stopped by a person; calls in flight go on.
    Paused,
    /// Every lead is finished, or a person closed it.
    Finished,
}

/// What an administrator writes. Checked by [`Settings::check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What it is called on the screen: 1 to [`limits::LABEL_CHARS_MAX`] characters.
    pub name: String,
    /// How it dials.
    pub mode: Mode,
    /// How long it may ring, in milliseconds, [`limits::RING_MIN_MS`] to [`limits::RING_MAX_MS`].
    pub ring_ms: u64,
    /// How often and after what pause a lead is tried.
    pub retry: RetryRules,
    /// When it may dial.
    pub hours: Hours,
    /// The trunks it may use, in order of preference.
    pub trunks: Vec<TrunkId>,
    /// The caller id shown, if the trunk takes one.
    pub caller: Option<Number>,
    /// The agents who take its calls.
    pub agents: Vec<AgentId>,
    /// What an agent can say after a call.
    pub dispositions: DispositionSet,
    /// The time for wrap-up in milliseconds, up to [`limits::WRAP_UP_MAX_MS`]; 0: none.
    pub wrap_up_ms: u64,
    /// Whether talks are recorded.
    pub record: bool,
    /// Calls in flight at most; `None`: as many as its agents.
    pub calls_max: Option<u32>,
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
