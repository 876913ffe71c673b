//! The desired state: one versioned document that centerd pushes whole and switchd keeps on disk.
//! By it alone switchd serves phones and trunks while centerd is away.

use call::{AccountId, TrunkId};
use serde::{Deserialize, Serialize};

use crate::Prompt;

/// All that switchd must know to serve lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredState {
    /// Grows with every change; an older one is ignored.
    pub version: u64,
    /// The digest realm, and the domain of the box's own addresses.
    pub realm: String,
    /// Phone accounts.
    pub accounts: Vec<Account>,
    /// Trunks.
    pub trunks: Vec<Trunk>,
    /// What happens to calls when centerd does not answer in time.
    pub fallback: Fallback,
}

/// A SIP account that desk phones register with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// The user name: also the extension that others dial.
    pub user: String,
    /// RFC 7616 §3.4.2 `H(user:realm:password)` in hex (MD5). The password itself never leaves centerd.
    pub ha1: String,
}

/// A SIP trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunk {
    /// Which.
    pub id: TrunkId,
    /// Shown in logs.
    pub name: String,
    /// `address:port` to which INVITEs go.
    pub address: String,
    /// Further addresses from which it may call us.
    pub sources: Vec<String>,
    /// Register there with `user` and `password`; otherwise OPTIONS tell whether it lives.
    pub register: bool,
    /// The user name for REGISTER and for challenges; empty: none.
    pub user: String,
    /// The password for challenges, in the clear on this socket and sealed on disk.
    pub password: String,
    /// Numbers that this trunk owns: the only ones shown as caller id. The first is the default.
    pub numbers: Vec<String>,
    /// Most legs at once on it.
    pub channels_max: u16,
}

/// What switchd does by itself with an incoming call when centerd is away or silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// Time that centerd has to take an incoming leg, ms.
    pub route_within_ms: u32,
    /// Played to callers from outside before hanging up; `None`: rejected with 480.
    pub prompt: Option<Prompt>,
}

impl Default for Fallback {
    fn default() -> Fallback {
        Fallback { route_within_ms: 4_000, prompt: None }
    }
}
