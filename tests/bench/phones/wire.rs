//! As much SIP as a load generator must speak, as plain text. Deliberately not the box's own codec:
//! what is measured must not be its own far end.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// A message, taken apart.
pub struct Message<'a> {
    /// Request line or status line.
    pub first: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    /// What follows the empty line.
    pub body: &'a str,
}

impl<'a> Message<'a> {
    /// Takes a datagram apart; `None` if it is not a message.
    pub fn parse(bytes: &'a [u8]) -> Option<Message<'a>> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let first = lines.next().filter(|line| line.contains("SIP/2.0"))?;
        let header = |line: &'a str| {
            line.split_once(':').map(|(name, value)| (name.trim_end(), value.trim()))
        };
        Some(Message { first, headers: lines.filter_map(header).collect(), body })
    }

    /// Every header of that name, in its long or its compact form (RFC 3261 §7.3.3).
    pub fn all(&self, name: &'a str) -> impl Iterator<Item = &'a str> + '_ {
        let compact = match name {
            "Via" => "v",
            "From" => "f",
            "To" => "t",
            "Call-ID" => "i",
            "Contact" => "m",
            _ => name,
        };
        let named = move |n: &str| n.eq_ignore_ascii_case(name) || n.eq_ignore_ascii_case(compact);
        self.headers.iter().filter(move |(n, _)| named(n)).map(|&(_, value)| value)
    }

    /// The first header of that name, or nothing.
    pub fn one(&self, name: &'a str) -> &'a str {
        self.all(name).next().unwrap_or_default()
    }

    /// The status code of a response.
    pub fn status(&self) -> Option<u16> {
        self.first.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    /// The method, of a request or (by its CSeq) of a response.
    pub fn method(&self) -> &'a str {
        match self.status() {
            Some(_) => self.one("CSeq").split(' ').nth(1).unwrap_or_default(),
            None => self.first.split(' ').next().unwrap_or_default(),
        }
    }

    /// The user part of the request URI: the number called.
    pub fn called(&self) -> &'a str {
        let uri = self.first.split(' ').nth(1).unwrap_or_default();
        let user = uri.trim_start_matches("sip:").split('@').next().unwrap_or_default();
        user.split(';').next().unwrap_or_default()
    }

    /// The URI between the angle brackets of Contact.
    pub fn contact(&self) -> Option<&'a str> {
        let value = self.one("Contact");
        let (_, rest) = value.split_once('<')?;
        rest.split_once('>').map(|(uri, _)| uri)
    }

    /// The answer to this request.
    pub fn answered(&self, status: &str, us: SocketAddr, body: &str) -> String {
        let mut out = format!("SIP/2.0 {status}\r\n");
        for via in self.all("Via") {
            let _ = write!(out, "Via: {via}\r\n");
        }
        for route in self.all("Record-Route") {
            let _ = write!(out, "Record-Route: {route}\r\n");
        }
        let to = self.one("To");
        let tag = if to.contains(";tag=") { "" } else { ";tag=bench" };
        let _ = write!(
            out,
            "From: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:bench@{us}>\r\n",
            self.one("From"),
            self.one("Call-ID"),
            self.one("CSeq"),
        );
        finish(out, body)
    }
}

/// A request of a call that we placed.
pub struct Request<'a> {
    /// Method.
    pub method: &'a str,
    /// Request URI.
    pub uri: &'a str,
    /// To, with its tag as soon as there is one.
    pub to: &'a str,
    /// Call-ID.
    pub call: &'a str,
    /// CSeq number.
    pub seq: u32,
    /// Tells its transaction from others of the call (RFC 3261 §8.1.1.7).
    pub branch: &'a str,
    /// Where we are.
    pub us: SocketAddr,
}

impl Request<'_> {
    /// As text.
    pub fn text(&self, body: &str) -> String {
        let Request { method, uri, to, call, seq, branch, us } = self;
        let head = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{call}{branch}\r\n\
             From: <sip:bench@{us}>;tag={call}\r\nTo: {to}\r\nCall-ID: {call}\r\n\
             CSeq: {seq} {method}\r\nContact: <sip:bench@{us}>\r\nMax-Forwards: 70\r\n"
        );
        finish(head, body)
    }
}

fn finish(mut head: String, body: &str) -> String {
    if !body.is_empty() {
        head.push_str("Content-Type: application/sdp\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\n\r\n{body}", body.len());
    head
}

/// Our session description: A-law at `us`, and digits under the number that the far end gave them.
pub fn describe(us: SocketAddr, digits: Option<u8>) -> String {
    let ip = us.ip();
    let port = us.port();
    let (format, map) = match digits {
        Some(pt) => (
            format!(" {pt}"),
            format!("a=rtpmap:{pt} telephone-event/8000\r\na=fmtp:{pt} 0-15\r\n"),
        ),
        None => (String::new(), String::new()),
    };
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8{format}\r\na=rtpmap:8 PCMA/8000\r\n{map}a=ptime:20\r\na=sendrecv\r\n"
    )
}

/// Where a session description wants its sound.
pub fn sound_of(sdp: &str) -> Option<SocketAddr> {
    let ip = sdp.lines().find_map(|l| l.strip_prefix("c=IN IP4 "))?.trim();
    let port = sdp.lines().find_map(|l| l.strip_prefix("m=audio "))?.split(' ').next()?;
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

/// The payload type that a session description gives to digits.
pub fn digits_of(sdp: &str) -> Option<u8> {
    let mut maps = sdp.lines().filter_map(|l| l.strip_prefix("a=rtpmap:"));
    let map = maps.find(|m| m.contains("telephone-event"))?;
    map.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:900012@127.0.0.1:5080 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa;rport\r\nf: <sip:1@h>;tag=x\r\n\
        To: <sip:900012@127.0.0.1:5080>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\
        Contact: <sip:1@127.0.0.1:5060>\r\nContent-Length: 0\r\n\r\n\
        v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 20004 RTP/AVP 8 0 101\r\n\
        a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

    #[test]
    fn an_invite_is_understood() {
        let invite = Message::parse(INVITE.as_bytes()).unwrap();
        assert_eq!((invite.method(), invite.called()), ("INVITE", "900012"));
        assert_eq!(invite.contact(), Some("sip:1@127.0.0.1:5060"));
        assert_eq!(sound_of(invite.body), Some("127.0.0.1:20004".parse().unwrap()));
        assert_eq!(digits_of(invite.body), Some(101));
    }

    #[test]
    fn an_answer_belongs_to_its_request() {
        let us = "127.0.0.1:5080".parse().unwrap();
        let invite = Message::parse(INVITE.as_bytes()).unwrap();
        let text = invite.answered("200 OK", us, &describe(us, Some(101)));
        let answer = Message::parse(text.as_bytes()).unwrap();
        assert_eq!((answer.status(), answer.method()), (Some(200), "INVITE"));
        assert_eq!(answer.one("From"), "<sip:1@h>;tag=x");
        assert!(answer.one("To").ends_with(";tag=bench"));
        assert_eq!(answer.one("Content-Length"), answer.body.len().to_string());
        assert_eq!(sound_of(answer.body), Some(us));
    }

    #[test]
    fn what_is_not_a_message_is_nothing() {
        for bytes in [&b"\r\n\r\n"[..], b"hello", b"\xff\xfe\r\n\r\n", b""] {
            assert!(Message::parse(bytes).is_none());
        }
    }
}
