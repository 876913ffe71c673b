//! Via (RFC 3261 §20.42): the way an answer goes back; rport of RFC 3581.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use super::{Host, Params, WireError, lex::Cursor, uri::parse_port};

/// The start of a branch that follows RFC 3261 (§8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

const BAD: WireError = WireError::Malformed("Via");

/// How a message travels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream under TLS.
    Tls,
    /// Anything else, as it came (WS, SCTP, names nobody knows).
    Other(String),
}

impl Transport {
    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Other(text) => text,
        }
    }

    /// Reads a transport; any token is one, without case.
    #[must_use]
    pub fn parse(text: &str) -> Transport {
        match text.to_ascii_uppercase().as_str() {
            "UDP" => Transport::Udp,
            "TCP" => Transport::Tcp,
            "TLS" => Transport::Tls,
            _ => Transport::Other(text.to_owned()),
        }
    }
}

/// What the `rport` parameter says (RFC 3581 §3, §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rport {
    /// Not there: the answer goes to the port of `sent-by`.
    Absent,
    /// Asked for, not yet filled in.
    Asked,
    /// Where the request really came from.
    Port(u16),
}

/// One value of a Via header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Via {
    /// Name and version of the protocol, `SIP/2.0` from everyone who means it.
    pub protocol: String,
    /// How the request travelled.
    pub transport: Transport,
    /// Host of `sent-by`.
    pub host: Host,
    /// Port of `sent-by`; nothing means the transport's default.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport` and whatever else.
    pub params: Params,
}

impl Via {
    /// Our own Via: SIP/2.0, with `branch` and a request for `rport`.
    #[must_use]
    pub fn new(transport: Transport, sent_by: SocketAddr, branch: &str) -> Via {
        let mut params = Params::new();
        params.set("branch", branch);
        params.set_flag("rport");
        Via {
            protocol: "SIP/2.0".to_owned(),
            transport,
            host: sent_by.ip().into(),
            port: Some(sent_by.port()),
            params,
        }
    }

    /// The whole branch, empty if there is none.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.params.get("branch").unwrap_or_default()
    }

    /// Whether the branch names a transaction by itself (RFC 3261 §17.2.3).
    #[must_use]
    pub fn has_magic_cookie(&self) -> bool {
        let head = self.branch().get(..MAGIC_COOKIE.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(MAGIC_COOKIE))
    }

    /// The `received` address.
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.get("received")?;
        text.trim_matches(['[', ']']).parse().ok()
    }

    /// The `rport` parameter. One that does not fit counts as asked for.
    #[must_use]
    pub fn rport(&self) -> Rport {
        match self.params.get("rport") {
            Some(text) => text.parse().map_or(Rport::Asked, Rport::Port),
            None if self.params.has("rport") => Rport::Asked,
            None => Rport::Absent,
        }
    }

    /// The port of `sent-by`, or the transport's default (RFC 3261 §18.2.2).
    #[must_use]
    pub fn sent_by_port(&self) -> u16 {
        let default = if self.transport == Transport::Tls { 5061 } else { 5060 };
        self.port.unwrap_or(default)
    }

    /// Writes down where the request really came from: `received` if `sent-by` says something
    /// else (RFC 3261 §18.2.1) or if `rport` is asked for, which is then filled in (RFC 3581 §4).
    pub fn stamp(&mut self, source: SocketAddr) {
        let asked = self.rport() != Rport::Absent;
        if asked {
            self.params.set("rport", source.port().to_string());
        }
        if asked || self.host.ip() != Some(source.ip()) {
            self.params.set("received", source.ip().to_string());
        } else {
            self.params.remove("received");
        }
    }

    /// Where a response over UDP goes (RFC 3261 §18.2.2, RFC 3581 §4): `maddr` is not followed,
    /// so that no Via can aim our answers at a third party. Nothing if only a name is known.
    #[must_use]
    pub fn response_address(&self) -> Option<SocketAddr> {
        let address = self.received().or(self.host.ip())?;
        match self.rport() {
            Rport::Port(port) => Some(SocketAddr::new(address, port)),
            Rport::Asked | Rport::Absent => Some(SocketAddr::new(address, self.sent_by_port())),
        }
    }

    /// Reads one whole value.
    pub(crate) fn parse(text: &str) -> Result<Via, WireError> {
        let (via, fault) = Via::read(text)?;
        fault.map_or(Ok(via), Err)
    }

    /// Reads as much of a broken value as an answer to it needs: the way back, and the parameters
    /// before the fault.
    pub(crate) fn parse_way_back(text: &str) -> Option<Via> {
        Via::read(text).ok().map(|(via, _)| via)
    }

    fn read(text: &str) -> Result<(Via, Option<WireError>), WireError> {
        let mut cursor = Cursor::new(text, BAD);
        cursor.skip_space();
        let name = cursor.token()?;
        cursor.expect(b'/')?;
        let version = cursor.token()?;
        cursor.expect(b'/')?;
        let transport = Transport::parse(cursor.token()?);
        if !matches!(cursor.peek(), Some(b' ' | b'\t')) {
            return Err(BAD);
        }
        cursor.skip_space();
        // Colons inside brackets belong to the address.
        let end: &[u8] = if cursor.peek() == Some(b'[') { b"]" } else { b":;, \t" };
        let mut host = cursor.take_until(end).to_owned();
        if cursor.eat_bare(b']') {
            host.push(']');
        }
        let host = Host::parse(&host).map_err(|_| BAD)?;
        let port = match cursor.eat(b':') {
            true => Some(parse_port(cursor.take_while(|b| b.is_ascii_digit())).map_err(|_| BAD)?),
            false => None,
        };
        let mut params = Params::new();
        let fault = params.read_header(&mut cursor).err();
        let protocol = format!("{}/{version}", name.to_ascii_uppercase());
        Ok((Via { protocol, transport, host, port, params }, fault))
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.protocol, self.transport.as_str(), self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)
    }
}
