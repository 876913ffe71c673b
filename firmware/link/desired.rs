//! The desired state: one versioned document that centerd pushes whole and switchd keeps on disk.
//! By it alone switchd serves phones and trunks while centerd is away.

use call::{AccountId, SpanId, TrunkId};
use serde::{Deserialize, Serialize};

use crate::{Hunt, Prompt, Span};

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
    /// E1 spans. A span of the model that is not named here stays silent.
    #[serde(default)]
    pub spans: Vec<Span>,
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

/// A trunk: lines to the outside that are dialled as one and own the same numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunk {
    /// Which.
    pub id: TrunkId,
    /// Shown in logs.
    pub name: String,
    /// By which kind of line.
    pub way: Way,
    /// Numbers that this trunk owns: the only ones shown as caller id. The first is the default.
    pub numbers: Vec<String>,
    /// Most legs at once on it.
    pub channels_max: u16,
}

impl Trunk {
    /// The SIP peer, if it is reached by SIP.
    #[must_use]
    pub fn sip(&self) -> Option<&SipWay> {
        match &self.way {
            Way::Sip(sip) => Some(sip),
            Way::Channels { .. } => None,
        }
    }
}

/// How a trunk reaches the outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Way {
    /// A SIP peer.
    Sip(SipWay),
    /// Channels of E1 spans: a tenant's group.
    Channels {
        /// Tried in this order by [`Hunt::Ascending`].
        groups: Vec<ChannelGroup>,
        /// Which free channel is taken.
        hunt: Hunt,
    },
}

/// A SIP peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipWay {
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
}

/// Channels of one span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelGroup {
    /// Which span.
    pub span: SpanId,
    /// Time slots, 1 to 31 without 16. No slot is in the groups of two trunks.
    pub slots: Vec<u8>,
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
