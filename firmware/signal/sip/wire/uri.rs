//! URIs (RFC 3261 §19.1): SIP and SIPS taken apart, every other scheme kept whole.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Param, Params, WireError, lex};

/// A host name or an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A host name, in lower case (names are compared without case).
    Name(String),
    /// An address; an IPv6 address stands in brackets on the wire.
    Ip(IpAddr),
}

impl Host {
    /// Reads a host without port; an IPv6 address must be in brackets.
    pub fn parse(text: &str) -> Result<Host, WireError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(WireError::Uri)?;
            let address: Ipv6Addr = inner.parse().map_err(|_| WireError::Uri)?;
            return Ok(Host::Ip(address.into()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Ip(address.into()));
        }
        // The underscore is no host name's by RFC 1034, but container networks are full of it.
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        let name = text.strip_suffix('.').unwrap_or(text);
        let last = name.rsplit('.').next().unwrap_or_default();
        let fits = text.bytes().all(is_name)
            && name.split('.').all(|label| !label.is_empty() && label.len() <= 63)
            && last.bytes().any(|b| !b.is_ascii_digit());
        if fits { Ok(Host::Name(text.to_ascii_lowercase())) } else { Err(WireError::Uri) }
    }

    /// The address, if it is one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Ip(address) => Some(*address),
            Host::Name(_) => None,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        Host::Ip(address)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Reads `host` or `host:port`.
fn parse_host_port(text: &str) -> Result<(Host, Option<u16>), WireError> {
    let colon = match text.rfind(']') {
        Some(bracket) => text.get(bracket..).and_then(|t| t.find(':')).map(|at| bracket + at),
        None => text.find(':'),
    };
    let (host, port) = match colon {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    let port = port.map(parse_port).transpose()?;
    Ok((Host::parse(host)?, port))
}

/// A port: digits only, up to 65535.
pub(crate) fn parse_port(text: &str) -> Result<u16, WireError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().map_err(|_| WireError::Uri) } else { Err(WireError::Uri) }
}

/// A SIP or SIPS URI. User, password, parameters and headers are kept as they are escaped on the
/// wire; [`SipUri::user_text`] gives what the user part means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SipUri {
    /// `sips:`.
    pub secure: bool,
    /// The user part, escaped.
    pub user: Option<String>,
    /// The password part, escaped. Deprecated by RFC 3261 §19.1.1; kept so that URIs compare.
    pub password: Option<String>,
    /// Where the resource is.
    pub host: Host,
    /// Nothing means the transport's default.
    pub port: Option<u16>,
    /// Parameters behind the host.
    pub params: Params,
    /// What stands behind `?`, escaped, as name and value.
    pub headers: Vec<(String, String)>,
}

impl SipUri {
    /// `sip:user@host`; `user` is plain text and is escaped here.
    #[must_use]
    pub fn new(user: &str, host: impl Into<Host>) -> SipUri {
        SipUri { user: Some(lex::escape(user, is_user)), ..SipUri::to_host(host) }
    }

    /// `sip:host`.
    #[must_use]
    pub fn to_host(host: impl Into<Host>) -> SipUri {
        SipUri {
            secure: false,
            user: None,
            password: None,
            host: host.into(),
            port: None,
            params: Params::new(),
            headers: Vec::new(),
        }
    }

    /// `sip:address:port`, with a user if there is one.
    #[must_use]
    pub fn at(user: Option<&str>, address: SocketAddr) -> SipUri {
        let user = user.map(|user| lex::escape(user, is_user));
        SipUri { user, port: Some(address.port()), ..SipUri::to_host(address.ip()) }
    }

    /// The user part without escapes; nothing if there is none or if it is not UTF-8.
    #[must_use]
    pub fn user_text(&self) -> Option<String> {
        String::from_utf8(lex::unescape(self.user.as_ref()?)).ok()
    }

    /// The `transport` parameter in lower case.
    #[must_use]
    pub fn transport(&self) -> Option<String> {
        self.params.get("transport").map(str::to_ascii_lowercase)
    }

    /// Whether the `lr` parameter is there (RFC 3261 §19.1.1).
    #[must_use]
    pub fn is_loose_router(&self) -> bool {
        self.params.has("lr")
    }

    /// Whether both name the same resource by the rules of RFC 3261 §19.1.4.
    #[must_use]
    pub fn same_as(&self, other: &SipUri) -> bool {
        self.secure == other.secure
            && same_part(self.user.as_deref(), other.user.as_deref())
            && same_part(self.password.as_deref(), other.password.as_deref())
            && self.host == other.host
            && self.port == other.port
            && same_params(&self.params, &other.params)
            && same_params(&other.params, &self.params)
            && same_headers(&self.headers, &other.headers)
    }

    fn parse(secure: bool, rest: &str) -> Result<SipUri, WireError> {
        let (userinfo, rest) = match rest.split_once('@') {
            Some((userinfo, rest)) => (Some(userinfo), rest),
            None => (None, rest),
        };
        let (user, password) = match userinfo.map(|u| u.split_once(':').ok_or(u)) {
            None => (None, None),
            Some(Ok((user, password))) => (Some(user), Some(password)),
            Some(Err(user)) => (Some(user), None),
        };
        // A bare '#' is not in the grammar, but phones dial service codes with it.
        let user_fits = |b| is_user(b) || b == b'#';
        let fits = user.is_none_or(|u| !u.is_empty() && lex::is_escaped_text(u, user_fits))
            && password.is_none_or(|p| lex::is_escaped_text(p, is_password));
        if !fits {
            return Err(WireError::Uri);
        }
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, parse_headers(headers)?),
            None => (rest, Vec::new()),
        };
        let (host_port, params) = match rest.split_once(';') {
            Some((host_port, params)) => (host_port, Params::parse_uri(params)?),
            None => (rest, Params::new()),
        };
        let (host, port) = parse_host_port(host_port)?;
        let (user, password) = (user.map(str::to_owned), password.map(str::to_owned));
        Ok(SipUri { secure, user, password, host, port, params, headers })
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        write!(f, "{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)?;
        for (at, (name, value)) in self.headers.iter().enumerate() {
            write!(f, "{}{name}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// A URI of any scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uri {
    /// `sip:` or `sips:`.
    Sip(SipUri),
    /// Any other absolute URI (`tel:`, `http:`, …), which we can compare and hand on.
    Other {
        /// In lower case, without the colon; never `sip` or `sips`.
        scheme: String,
        /// What follows the colon, as it came.
        rest: String,
    },
}

impl Uri {
    /// Reads a whole URI; neither white space nor angle brackets belong to it.
    pub fn parse(text: &str) -> Result<Uri, WireError> {
        let (scheme, rest) = text.split_once(':').ok_or(WireError::Uri)?;
        let scheme = scheme.to_ascii_lowercase();
        let is_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
        let fits = scheme.bytes().all(is_scheme)
            && scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        match scheme.as_str() {
            _ if !fits => Err(WireError::Uri),
            "sip" => Ok(Uri::Sip(SipUri::parse(false, rest)?)),
            "sips" => Ok(Uri::Sip(SipUri::parse(true, rest)?)),
            _ if is_opaque(rest) => Ok(Uri::Other { scheme, rest: rest.to_owned() }),
            _ => Err(WireError::Uri),
        }
    }

    /// The SIP URI, if it is one.
    #[must_use]
    pub const fn sip(&self) -> Option<&SipUri> {
        match self {
            Uri::Sip(uri) => Some(uri),
            Uri::Other { .. } => None,
        }
    }

    /// What somebody dialled: the user part of a SIP URI or the number of a `tel:` URI, without
    /// escapes and without parameters.
    #[must_use]
    pub fn dialled(&self) -> Option<String> {
        match self {
            Uri::Sip(uri) => {
                // An escaped semicolon is part of the name, a bare one starts a parameter.
                let user = uri.user.as_deref()?.split(';').next()?;
                String::from_utf8(lex::unescape(user)).ok()
            }
            Uri::Other { scheme, rest } if scheme == "tel" => {
                Some(rest.split(';').next().unwrap_or_default().to_owned())
            }
            Uri::Other { .. } => None,
        }
    }

    /// Whether both name the same resource: RFC 3261 §19.1.4 for SIP, same text for the rest.
    #[must_use]
    pub fn same_as(&self, other: &Uri) -> bool {
        match (self, other) {
            (Uri::Sip(a), Uri::Sip(b)) => a.same_as(b),
            (a, b) => a == b,
        }
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Uri {
        Uri::Sip(uri)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Sip(uri) => write!(f, "{uri}"),
            Uri::Other { scheme, rest } => write!(f, "{scheme}:{rest}"),
        }
    }
}

/// `user` of RFC 3261 §25.1, without escapes.
const fn is_user(byte: u8) -> bool {
    lex::is_unreserved(byte)
        || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
}

/// `password` of RFC 3261 §25.1, without escapes.
const fn is_password(byte: u8) -> bool {
    lex::is_unreserved(byte) || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',')
}

/// Visible, and not a delimiter of the places in which a URI stands.
fn is_opaque(rest: &str) -> bool {
    !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"".contains(&b))
}

fn parse_headers(text: &str) -> Result<Vec<(String, String)>, WireError> {
    let fits = |text: &str| {
        lex::is_escaped_text(text, |b| lex::is_unreserved(b) || b"[]/?:+$".contains(&b))
    };
    let mut headers = Vec::new();
    for part in text.split('&') {
        let (name, value) = part.split_once('=').ok_or(WireError::Uri)?;
        if name.is_empty() || !fits(name) || !fits(value) {
            return Err(WireError::Uri);
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(headers)
}

/// Case matters in user and password; escapes do not (RFC 3261 §19.1.4).
fn same_part(a: Option<&str>, b: Option<&str>) -> bool {
    a.map(lex::unescape) == b.map(lex::unescape)
}

/// Whether every parameter of `a` permits `b`: a parameter in both must have the same value; five
/// must not stand in one alone.
fn same_params(a: &Params, b: &Params) -> bool {
    const ALONE_DIFFERS: [&str; 5] = ["transport", "user", "ttl", "method", "maddr"];
    let same = |name: &str| match (a.get(name), b.get(name)) {
        (Some(x), Some(y)) => lex::unescape(x).eq_ignore_ascii_case(&lex::unescape(y)),
        (x, y) => x == y,
    };
    a.iter().map(|Param { name, .. }| name).all(|name| match b.has(name) {
        true => same(name),
        false => !ALONE_DIFFERS.iter().any(|alone| alone.eq_ignore_ascii_case(name)),
    })
}

fn same_headers(a: &[(String, String)], b: &[(String, String)]) -> bool {
    let holds = |list: &[(String, String)], (name, value): &(String, String)| {
        let value = lex::unescape(value);
        list.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && lex::unescape(v) == value)
    };
    a.len() == b.len() && a.iter().all(|h| holds(b, h)) && b.iter().all(|h| holds(a, h))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let (a, b) = (Uri::parse(a).unwrap(), Uri::parse(b).unwrap());
        assert_eq!(a.same_as(&b), b.same_as(&a), "{a} {b}");
        a.same_as(&b)
    }

    #[test]
    fn the_examples_of_rfc_3261_section_19_1_4_are_the_same() {
        assert!(same(
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp"
        ));
        assert!(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
        assert!(same("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"));
        assert!(same(
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"
        ));
        assert!(same(
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x"
        ));
    }

    #[test]
    fn the_counter_examples_of_rfc_3261_section_19_1_4_differ() {
        assert!(!same(
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP"
        ));
        assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
        assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
        assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
        assert!(!same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
        assert!(!same("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
        assert!(!same("sip:carol@c.com;security=off", "sip:carol@c.com;security=on"));
        assert!(!same("sip:a@b.com", "sips:a@b.com"));
        assert!(!same("tel:+861", "tel:+862"));
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_nothing_between() {
        for good in ["a", "a.b.", "a_b-c.d1", "127.0.0.1", "[::1]", "3com"] {
            assert!(Host::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "a..b", "1.2.3", "256.1.1.1", "::1", "[::1", "[1.2.3.4]", "a b", "é"]
        {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
        assert!(Host::parse(&format!("{}.com", "a".repeat(64))).is_err());
    }

    #[test]
    fn what_is_not_a_uri_is_refused() {
        for bad in [
            "",
            "sip",
            "sip:",
            ":a",
            "sip:@b",
            "sip:a@",
            "sip:a@b@c",
            "sip:a@b:",
            "sip:a@b:65536",
            "sip:a@b:+1",
            "sip:a@b;",
            "sip:a@b;=1",
            "sip:a@b;x=",
            "sip:a@b?x",
            "sip:a b@c",
            "sip:a%4@b",
            "sip:a\"@b",
            "1x:y",
            "tel:",
            "tel:<1>",
            "sip:é@b",
        ] {
            assert!(Uri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn any_user_text_is_escaped_on_its_way_out_and_found_again() {
        for user in ["alice", "a;b@c:d", "100% #1", "张三", "\0\r\n"] {
            let uri = SipUri::new(user, Host::Name("b".to_owned()));
            let again = Uri::parse(&uri.to_string()).unwrap();
            assert_eq!(again.sip().unwrap().user_text().as_deref(), Some(user));
        }
    }
}
