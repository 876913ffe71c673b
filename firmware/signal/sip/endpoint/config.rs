//! What an endpoint is told about itself, its accounts and its trunks.

use std::net::{IpAddr, SocketAddr};

use call::TrunkId;

use crate::sip::guard::Account;
use crate::sip::login::Login;

/// Everything that can be changed while it runs, except the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the far ends reach us: in Via and Contact. A change takes a new endpoint.
    pub address: SocketAddr,
    /// What we call ourselves in User-Agent and Server.
    pub agent: String,
    /// The realm of our challenges; also the host of our accounts' addresses of record.
    pub realm: String,
    /// The phones that may register and call.
    pub accounts: Vec<Account>,
    /// The trunks that may call and be called.
    pub trunks: Vec<Trunk>,
}

/// An address from which a trunk calls us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// The port; nothing means any.
    pub port: Option<u16>,
}

/// That and how a trunk wants a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The user of the address of record.
    pub user: String,
    /// For how long we ask, in seconds.
    pub expires_s: u32,
}

/// A way to the outside. (For a simulated phone: its way to the box.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Its id.
    pub id: TrunkId,
    /// Where our requests go. Names are resolved by the owner.
    pub address: SocketAddr,
    /// The host in the URIs that we send: the provider's domain, or its address.
    pub domain: String,
    /// From where else its calls come. Its own address always counts.
    pub sources: Vec<Source>,
    /// What we answer its challenges with.
    pub login: Option<Login>,
    /// The registration it wants, if any.
    pub register: Option<Register>,
    /// How often it is asked by OPTIONS whether it is there, in milliseconds. Only for a trunk
    /// without registration; nothing means that it is never asked and never said to be down.
    pub keep_alive_ms: Option<u64>,
    /// The user in our Contact; nothing means the registered user, or none.
    pub contact_user: Option<String>,
}

impl Trunk {
    /// A trunk that wants no password and no registration.
    #[must_use]
    pub fn plain(id: TrunkId, address: SocketAddr) -> Trunk {
        Trunk {
            id,
            address,
            domain: address.ip().to_string(),
            sources: Vec::new(),
            login: None,
            register: None,
            keep_alive_ms: None,
            contact_user: None,
        }
    }

    /// Whether a request from there is this trunk's.
    #[must_use]
    pub fn sends_from(&self, from: SocketAddr) -> bool {
        let matches = |source: &Source| {
            source.address == from.ip() && source.port.is_none_or(|port| port == from.port())
        };
        self.address == from || self.sources.iter().any(matches)
    }

    /// The user in our Contact.
    #[must_use]
    pub fn own_user(&self) -> Option<&str> {
        self.contact_user.as_deref().or(self.register.as_ref().map(|r| r.user.as_str()))
    }
}
