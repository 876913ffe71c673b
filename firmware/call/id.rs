//! Ids are newtypes over 64-bit integers, so that an agent's id is never taken for a lead's.
//!
//! Database ids are positive and given by the store. [`LegId`] is given by whichever daemon
//! starts the leg; the two sides can never give the same one (see [`LegId::new`]).

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
    };
}

id!(
    /// A tenant (enterprise): the owner of every business row.
    TenantId, "t"
);
id!(
    /// Somebody who may sign in to the console: an agent, a leader, an administrator.
    PersonId, "p"
);
id!(
    /// An agent of a tenant.
    AgentId, "a"
);
id!(
    /// A SIP account that a desk phone registers with.
    AccountId, "s"
);
id!(
    /// A trunk: a group of lines to the outside that is dialled as one.
    TrunkId, "k"
);
id!(
    /// An E1 span: one plug with thirty channels. Counted from 1 in the order of the model file.
    SpanId, "e"
);
id!(
    /// A campaign: a list of leads and the rules by which they are dialled.
    CampaignId, "c"
);
id!(
    /// A lead: one person to call in one campaign.
    LeadId, "l"
);
id!(
    /// One try to reach a lead.
    AttemptId, "n"
);
id!(
    /// A sealed recording. Given before the recording starts; also the name of its file.
    RecordingId, "r"
);
id!(
    /// One promise of one seat to the calls that an answer plan names. Consumed or withdrawn once.
    OfferId, "o"
);

/// How many times a daemon has started on this box, counted on disk. A message of an older epoch
/// is fenced off.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u32);

/// One leg for the life of the box. Unique over restarts of both daemons.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LegId(pub u64);

/// Which daemon named a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegOrigin {
    /// centerd asked for it (outbound).
    Center,
    /// switchd met it at a line (inbound).
    Switch,
}

impl LegId {
    /// Bits of the counter below the epoch.
    const COUNT_BITS: u32 = 24;

    /// The `count`-th leg (modulo 2^24) that `origin` names in its `epoch`. The lowest bit tells
    /// the origin, so that ids of the two daemons never meet.
    #[must_use]
    pub const fn new(origin: LegOrigin, epoch: Epoch, count: u32) -> LegId {
        let count = (count as u64) & ((1 << Self::COUNT_BITS) - 1);
        let origin = match origin {
            LegOrigin::Center => 0,
            LegOrigin::Switch => 1,
        };
        LegId(((epoch.0 as u64) << (Self::COUNT_BITS + 1)) | (count << 1) | origin)
    }

    /// Which daemon named this leg.
    #[must_use]
    pub const fn origin(self) -> LegOrigin {
        if self.0 & 1 == 0 { LegOrigin::Center } else { LegOrigin::Switch }
    }
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{:x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_of_the_two_daemons_and_of_two_epochs_never_meet() {
        let a = LegId::new(LegOrigin::Center, Epoch(3), 7);
        let b = LegId::new(LegOrigin::Switch, Epoch(3), 7);
        let c = LegId::new(LegOrigin::Center, Epoch(4), 7);
        assert!(a != b && a != c && b != c);
        assert_eq!(a.origin(), LegOrigin::Center);
        assert_eq!(b.origin(), LegOrigin::Switch);
    }
}
