//! The vocabulary that every part of Linebox shares: ids, instants, causes, numbers, a leg.
//!
//! It does no work and depends on nothing of ours. A word that crosses a crate lives here; a
//! word that only one crate needs lives there. Nothing here reads a clock: instants come in.

pub mod cause;
pub mod id;
pub mod leg;
pub mod number;
pub mod time;

pub use cause::Cause;
pub use id::{
    AccountId, AgentId, AttemptId, CampaignId, Epoch, LeadId, LegId, OfferId, PersonId,
    RecordingId, SpanId, TenantId, TrunkId,
};
pub use leg::{LegPhase, LegTag, Side};
pub use number::Number;
pub use time::{Now, Stamp, Tick};
