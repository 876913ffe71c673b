//! All that switchd knows, at one instant: the first thing a returning centerd hears.

use call::{AccountId, LegId, OfferId, TrunkId};
use serde::{Deserialize, Serialize};

use crate::{Alarm, Contact, Health, LegRecord, RecordingRecord, SpanRecord, TrunkState};

/// All that lives, and all that ended and was not acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of the desired state that switchd holds; 0: none.
    pub desired_version: u64,
    /// Events up to this one are contained in this snapshot.
    pub seq: u64,
    /// Legs that live.
    pub legs: Vec<LegRecord>,
    /// Legs that ended and whose end was not acknowledged, of this and of earlier switchd epochs
    /// (those that died with an earlier process carry [`call::Cause::Lost`]).
    pub ended: Vec<LegRecord>,
    /// Offers that stand, with their seats.
    pub offers: Vec<(OfferId, LegId)>,
    /// Recordings that run, and those whose end was not acknowledged.
    pub recordings: Vec<RecordingRecord>,
    /// Accounts that have contacts.
    pub registrations: Vec<(AccountId, Vec<Contact>)>,
    /// Trunks.
    pub trunks: Vec<(TrunkId, TrunkState, String)>,
    /// Spans of the model.
    #[serde(default)]
    pub spans: Vec<SpanRecord>,
    /// Alarms that stand.
    pub alarms: Vec<(Alarm, String)>,
    /// The state of the switch.
    pub health: Health,
}
