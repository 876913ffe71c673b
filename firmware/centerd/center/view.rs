//! What the running office shows: everything live that is not a row in the database. The shell
//! publishes it after each turn; pages draw it and never ask the core.

use std::collections::BTreeMap;

use call::{
    AccountId, AgentId, AttemptId, CampaignId, LeadId, LegId, RecordingId, SpanId, Stamp, TenantId,
    TrunkId,
};
use link::{Alarm, Channel, Contact, Health, LegRecord, LoopResult, SpanRecord, TrunkState};

use super::spans::Trace;

/// All that is live.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Whether switchd is connected and has sent its snapshot.
    pub link_up: bool,
    /// Whether the wall clock can be trusted; nothing is dialled otherwise.
    pub clock_sane: bool,
    /// Agents that exist.
    pub agents: BTreeMap<AgentId, AgentView>,
    /// Phones that are registered.
    pub phones: BTreeMap<AccountId, Vec<Contact>>,
    /// Trunks.
    pub trunks: BTreeMap<TrunkId, (TrunkState, String)>,
    /// Spans, as switchd last told.
    pub spans: BTreeMap<SpanId, SpanRecord>,
    /// The last trace of a D-channel that somebody asked for.
    pub traces: BTreeMap<SpanId, Trace>,
    /// The last loop test of a channel.
    pub loops: BTreeMap<Channel, (Stamp, LoopResult)>,
    /// Campaigns that are not finished.
    pub campaigns: BTreeMap<CampaignId, CampaignView>,
    /// Legs that live.
    pub calls: BTreeMap<LegId, CallView>,
    /// Alarms that stand.
    pub alarms: BTreeMap<Alarm, String>,
    /// What switchd last said of itself.
    pub health: Health,
    /// Jobs that wait for the disk.
    pub outbox: usize,
}

/// An agent, live.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentView {
    /// Whose.
    pub tenant: TenantId,
    /// The state.
    pub state: dialer::agent::State,
    /// Since when.
    pub since: Stamp,
    /// Whether the phone is registered.
    pub registered: bool,
    /// The seat's leg, while it is up.
    pub leg: Option<LegId>,
    /// The attempt talked about: in talk, hold and wrap-up.
    pub attempt: Option<AttemptView>,
}

/// An attempt, live.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptView {
    /// Which.
    pub attempt: AttemptId,
    /// Of which lead.
    pub lead: LeadId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The number.
    pub number: String,
}

/// A campaign, live.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignView {
    /// Whose.
    pub tenant: TenantId,
    /// Calls in flight.
    pub dialing: u32,
    /// Why it does not dial now; empty while it does.
    pub why_not: Vec<WhyNot>,
}

/// A rule that keeps a campaign from dialling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNot {
    /// The rule's word.
    pub rule: String,
    /// For a person.
    pub text: String,
    /// When it clears, as far as that is known.
    pub clears_at: Option<Stamp>,
}

/// A leg, live.
#[derive(Clone, Debug, PartialEq)]
pub struct CallView {
    /// Whose.
    pub tenant: TenantId,
    /// What switchd says of it.
    pub record: LegRecord,
    /// Its attempt.
    pub attempt: Option<AttemptId>,
    /// Its campaign.
    pub campaign: Option<CampaignId>,
    /// Its agent.
    pub agent: Option<AgentId>,
    /// Its recording.
    pub recording: Option<RecordingId>,
}

/// What changed: pages that show it are told to draw it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// An agent.
    Agent(AgentId),
    /// A phone.
    Phone(AccountId),
    /// A trunk.
    Trunk(TrunkId),
    /// A span or one of its channels.
    Span(SpanId),
    /// A campaign, or its progress.
    Campaign(CampaignId),
    /// A leg.
    Call(LegId),
    /// An attempt.
    Attempt(AttemptId),
    /// Alarms or health.
    Health,
}
