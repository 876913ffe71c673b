//! A session description as lines (RFC 8866 §5).

use core::fmt;
use core::net::IpAddr;

use super::SdpError;
use crate::limits::{
    SDP_ATTRIBUTES_MAX, SDP_BYTES_MAX, SDP_FORMATS_MAX, SDP_LINES_MAX, SDP_MEDIA_MAX,
};

/// Where media goes: `c=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// A unicast address; `0.0.0.0` is the old way to say hold (RFC 3264 §8.4).
    Ip(IpAddr),
    /// A name or something else that we do not follow, as it came.
    Other(String),
}

/// Who made the description, and which version of it this is: `o=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `-` if nobody.
    pub username: String,
    /// The same for the life of a session.
    pub session_id: u64,
    /// Rises by one with every new description.
    pub version: u64,
    /// The address of the machine that made it, as `nettype addrtype address`.
    pub address: String,
}

/// `a=name` or `a=name:value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Case-sensitive (RFC 8866 §5.13).
    pub name: String,
    /// What follows the colon.
    pub value: Option<String>,
}

/// One stream: `m=` and the lines below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `image`, …
    pub kind: String,
    /// 0 means refused or not wanted.
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP`, `udptl`, …
    pub protocol: String,
    /// Payload types for RTP, in order of preference.
    pub formats: Vec<String>,
    /// Its own `c=`, if it has one.
    pub connection: Option<Connection>,
    /// In order.
    pub attributes: Vec<Attribute>,
}

/// A session description: the lines that matter to a call; others are read over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `o=`.
    pub origin: Origin,
    /// `c=` of the session.
    pub connection: Option<Connection>,
    /// `a=` of the session.
    pub attributes: Vec<Attribute>,
    /// In order; answers must keep it.
    pub media: Vec<Media>,
}

impl Description {
    /// Reads a body. Lines end with CRLF or LF (RFC 8866 §5 asks parsers for both).
    pub fn parse(body: &[u8]) -> Result<Description, SdpError> {
        if body.len() > SDP_BYTES_MAX {
            return Err(SdpError::TooLarge);
        }
        // Text that is not UTF-8 stands only in names that nobody reads.
        let text = String::from_utf8_lossy(body);
        let mut lines = text.trim_ascii_end().split('\n').map(|line| line.trim_end_matches('\r'));
        if lines.next().map(str::trim_ascii_end) != Some("v=0") {
            return Err(SdpError::Malformed(1));
        }
        let mut description = Description::empty();
        let mut has_origin = false;
        for (at, line) in lines.enumerate() {
            if at + 2 > SDP_LINES_MAX {
                return Err(SdpError::TooLarge);
            }
            let bad = SdpError::Malformed(at + 2);
            let (kind, value) = line.split_once('=').ok_or(bad)?;
            has_origin |= kind == "o";
            description.read_line(kind, value.trim_ascii_end(), bad)?;
        }
        if has_origin { Ok(description) } else { Err(SdpError::Malformed(2)) }
    }

    /// The value of the session's or the stream's attribute; the stream's own wins.
    pub(crate) fn attribute<'a>(&'a self, media: &'a Media, name: &str) -> Option<&'a str> {
        let find = |list: &'a [Attribute]| list.iter().find(|a| a.name == name);
        let found = find(&media.attributes).or_else(|| find(&self.attributes))?;
        Some(found.value.as_deref().unwrap_or_default())
    }

    const fn empty() -> Description {
        let origin =
            Origin { username: String::new(), session_id: 0, version: 0, address: String::new() };
        Description { origin, connection: None, attributes: Vec::new(), media: Vec::new() }
    }

    fn read_line(&mut self, kind: &str, value: &str, bad: SdpError) -> Result<(), SdpError> {
        match kind {
            "o" => self.origin = parse_origin(value).ok_or(bad)?,
            "m" if self.media.len() == SDP_MEDIA_MAX => return Err(SdpError::TooLarge),
            "m" => self.media.push(parse_media(value, bad)?),
            "c" => {
                let connection = parse_connection(value).ok_or(bad)?;
                let place = match self.media.last_mut() {
                    Some(media) => &mut media.connection,
                    None => &mut self.connection,
                };
                // A stream may have several for layered multicast; the first is the one.
                place.get_or_insert(connection);
            }
            "a" => {
                let attributes = match self.media.last_mut() {
                    Some(media) => &mut media.attributes,
                    None => &mut self.attributes,
                };
                if attributes.len() == SDP_ATTRIBUTES_MAX {
                    return Err(SdpError::TooLarge);
                }
                attributes.push(parse_attribute(value));
            }
            // s, i, u, e, p, b, t, r, z, k: nothing in a call depends on them.
            _ => {}
        }
        Ok(())
    }
}

fn parse_origin(value: &str) -> Option<Origin> {
    let mut parts = value.splitn(4, ' ');
    let username = parts.next()?.to_owned();
    // Numeric by the standard; some phones send more digits than 64 bits hold.
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let session_id = number(parts.next()?)?;
    let version = number(parts.next()?)?;
    Some(Origin { username, session_id, version, address: parts.next()?.to_owned() })
}

fn parse_connection(value: &str) -> Option<Connection> {
    let address = value.split_ascii_whitespace().nth(2)?;
    let address = address.split('/').next().filter(|address| !address.is_empty())?;
    let ip = address.parse().map(Connection::Ip);
    Some(ip.unwrap_or_else(|_| Connection::Other(address.to_owned())))
}

fn parse_media(value: &str, bad: SdpError) -> Result<Media, SdpError> {
    let mut parts = value.split_ascii_whitespace();
    let mut word = || parts.next().map(str::to_owned).ok_or(bad);
    let (kind, port, protocol) = (word()?, word()?, word()?);
    let port = port.split('/').next().and_then(|port| port.parse().ok()).ok_or(bad)?;
    let formats: Vec<String> = parts.by_ref().take(SDP_FORMATS_MAX).map(str::to_owned).collect();
    if parts.next().is_some() {
        return Err(SdpError::TooLarge);
    }
    if formats.is_empty() {
        return Err(bad);
    }
    Ok(Media { kind, port, protocol, formats, connection: None, attributes: Vec::new() })
}

fn parse_attribute(value: &str) -> Attribute {
    match value.split_once(':') {
        Some((name, value)) => {
            Attribute { name: name.to_owned(), value: Some(value.trim_ascii().to_owned()) }
        }
        None => Attribute { name: value.to_owned(), value: None },
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Connection::Ip(ip @ IpAddr::V4(_)) => write!(f, "IN IP4 {ip}"),
            Connection::Ip(ip @ IpAddr::V6(_)) => write!(f, "IN IP6 {ip}"),
            Connection::Other(text) => write!(f, "IN IP4 {text}"),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "a={}:{value}\r\n", self.name),
            None => write!(f, "a={}\r\n", self.name),
        }
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let formats = self.formats.join(" ");
        write!(f, "m={} {} {} {formats}\r\n", self.kind, self.port, self.protocol)?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        self.attributes.iter().try_for_each(|attribute| write!(f, "{attribute}"))
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { username, session_id, version, address } = &self.origin;
        write!(f, "v=0\r\no={username} {session_id} {version} {address}\r\ns=-\r\n")?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        f.write_str("t=0 0\r\n")?;
        self.attributes.iter().try_for_each(|attribute| write!(f, "{attribute}"))?;
        self.media.iter().try_for_each(|media| write!(f, "{media}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_description_with_bare_line_feeds_and_unknown_lines_is_read() {
        let body = b"v=0\no=jdoe 2890844526 18446744073709551617 IN IP4 10.47.16.5\ns=\nx=?\n\
                     c=IN IP4 233.252.0.1/127\nt=0 0\nm=audio 49170/2 RTP/AVP 0\n\
                     c=IN IP6 2001:db8::1\na=recvonly\n";
        let description = Description::parse(body).unwrap();
        assert_eq!(description.origin.version, u64::MAX);
        assert_eq!(description.connection, Some(Connection::Ip([233, 252, 0, 1].into())));
        let audio = description.media.first().unwrap();
        assert_eq!(audio.port, 49170);
        assert_eq!(audio.connection.as_ref().unwrap().to_string(), "IN IP6 2001:db8::1");
        assert_eq!(description.attribute(audio, "recvonly"), Some(""));
    }

    #[test]
    fn what_is_wrong_is_told_by_line() {
        let bad = |body: &str| Description::parse(body.as_bytes()).unwrap_err();
        assert_eq!(bad(""), SdpError::Malformed(1));
        assert_eq!(bad("v=1\r\n"), SdpError::Malformed(1));
        assert_eq!(bad("v=0\r\ns=-\r\n"), SdpError::Malformed(2));
        assert_eq!(bad("v=0\r\no=- 1 x IN IP4 1.1.1.1\r\n"), SdpError::Malformed(2));
        assert_eq!(bad("v=0\r\no=- 1 1 IN IP4 x\r\nc=IN IP4 /127\r\n"), SdpError::Malformed(3));
        assert_eq!(
            bad("v=0\r\no=- 1 1 IN IP4 x\r\nm=audio 70000 RTP/AVP 0\r\n"),
            SdpError::Malformed(3)
        );
        assert_eq!(
            bad("v=0\r\no=- 1 1 IN IP4 x\r\nm=audio 7000 RTP/AVP\r\n"),
            SdpError::Malformed(3)
        );
        assert_eq!(bad("v=0\r\nnonsense\r\n"), SdpError::Malformed(2));
    }

    #[test]
    fn every_bound_refuses_the_first_beyond_it() {
        let head = "v=0\r\no=- 1 1 IN IP4 x\r\n";
        let with = |more: &str, count: usize| {
            Description::parse(format!("{head}{}", more.repeat(count)).as_bytes())
        };
        assert!(with("m=audio 0 RTP/AVP 0\r\n", SDP_MEDIA_MAX).is_ok());
        assert_eq!(with("m=audio 0 RTP/AVP 0\r\n", SDP_MEDIA_MAX + 1), Err(SdpError::TooLarge));
        assert!(with("a=x\r\n", SDP_ATTRIBUTES_MAX).is_ok());
        assert_eq!(with("a=x\r\n", SDP_ATTRIBUTES_MAX + 1), Err(SdpError::TooLarge));
        assert_eq!(with("b=AS:1\r\n", SDP_LINES_MAX), Err(SdpError::TooLarge));
        assert_eq!(with("b=A\r\n", SDP_BYTES_MAX / 5 + 1), Err(SdpError::TooLarge));
        let formats = format!("{head}m=audio 1 RTP/AVP{}\r\n", " 0".repeat(SDP_FORMATS_MAX + 1));
        assert_eq!(Description::parse(formats.as_bytes()), Err(SdpError::TooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body: Vec<u8>) {
            let _ = Description::parse(&body);
        }

        #[test]
        fn lines_of_the_right_letters_never_panic_and_what_parses_is_emitted_and_read_again(
            lines in proptest::collection::vec("[voscbtam]=[ -~]{0,24}", 0..24)
        ) {
            let body = format!("v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\n{}", lines.join("\r\n"));
            if let Ok(first) = Description::parse(body.as_bytes()) {
                let text = first.to_string();
                let second = Description::parse(text.as_bytes()).unwrap();
                prop_assert_eq!(second.to_string(), text);
            }
        }
    }
}
