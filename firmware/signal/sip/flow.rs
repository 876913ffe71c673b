//! Where a message came from and goes to: a transport and the far end's address on it (the "flow"
//! of RFC 5626 §3.1).
//!
//! Only UDP is spoken today. TCP and TLS add a variant to [`Carrier`] and an id of the connection
//! here; nothing else in the machines asks what a transport is, only whether it [repeats by
//! itself](Flow::is_reliable).

use core::fmt;
use std::net::SocketAddr;

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// Datagrams of the box's one SIP socket.
    Udp,
}

/// The far end of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// How the bytes travel.
    pub carrier: Carrier,
    /// The far end's address as we see it, behind whatever NAT.
    pub peer: SocketAddr,
}

impl Flow {
    /// Datagrams to and from `peer`.
    #[must_use]
    pub const fn udp(peer: SocketAddr) -> Flow {
        Flow { carrier: Carrier::Udp, peer }
    }

    /// Whether the transport repeats what is lost, so that a transaction need not.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        match self.carrier {
            Carrier::Udp => false,
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.carrier {
            Carrier::Udp => write!(f, "udp:{}", self.peer),
        }
    }
}
