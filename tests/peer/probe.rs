//! A hand that writes single SIP messages and reads what comes back: for what no decent phone sends.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};

/// How long an answer may take. Loopback needs a millisecond; a loaded machine needs patience.
const PATIENCE: Duration = Duration::from_secs(2);

/// A message that came from the box.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its first line.
    pub start: String,
    /// Its header lines.
    pub headers: Vec<(String, String)>,
    /// What follows the empty line.
    pub body: String,
}

impl Message {
    fn read(bytes: &[u8]) -> Message {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Message { start, headers: headers.collect(), body: body.to_owned() }
    }

    /// The status code; 0 if it is a request.
    #[must_use]
    pub fn status(&self) -> u16 {
        let code = self.start.strip_prefix("SIP/2.0 ").and_then(|rest| rest.split(' ').next());
        code.and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The method; empty if it is a response.
    #[must_use]
    pub fn method(&self) -> &str {
        if self.status() > 0 { "" } else { self.start.split(' ').next().unwrap_or_default() }
    }

    /// The values of a header, in their order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let same = |(n, _): &&(String, String)| n.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a header, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// A word of the digest challenge in this answer.
    #[must_use]
    pub fn challenge(&self, word: &str) -> String {
        let challenge = self.header("WWW-Authenticate").trim_start_matches("Digest ").to_owned();
        let words = challenge.split(',').filter_map(|pair| pair.trim().split_once('='));
        let value = words.filter(|(name, _)| *name == word).map(|(_, value)| value).next();
        value.unwrap_or_default().trim_matches('"').to_owned()
    }
}

/// A sender of single messages at an address of its own.
pub struct Probe {
    socket: UdpSocket,
    /// Where it sits: address and port.
    pub address: String,
    box_address: String,
    call_id: String,
    cseq: u32,
}

impl Probe {
    /// A probe at host `host` that talks to the box at `sip`.
    #[must_use]
    pub fn at(host: u8, sip: u16) -> Probe {
        let socket = UdpSocket::bind((crate::host(host), 0)).unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let call_id = format!("probe-{address}");
        Probe { socket, address, box_address: format!("127.0.0.1:{sip}"), call_id, cseq: 0 }
    }

    /// Sends bytes as they are.
    pub fn throw(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, &self.box_address).unwrap();
    }

    /// The next message that arrives within `patience`.
    #[must_use]
    pub fn hear(&self, patience: Duration) -> Option<Message> {
        let mut bytes = [0; 65_536];
        self.socket.set_read_timeout(Some(patience.max(Duration::from_millis(1)))).unwrap();
        let count = self.socket.recv(&mut bytes).ok()?;
        Some(Message::read(&bytes[..count]))
    }

    /// The next message that has this method, or is an answer where it is empty.
    #[must_use]
    pub fn hear_method(&self, method: &str, patience: Duration) -> Option<Message> {
        let until = Instant::now() + patience;
        loop {
            let left = until.checked_duration_since(Instant::now())?;
            if let Some(message) = self.hear(left).filter(|m| m.method() == method) {
                return Some(message);
            }
        }
    }

    /// A request outside a dialog, with further header lines and a body.
    #[must_use]
    pub fn request(&mut self, method: &str, user: &str, extra: &str, body: &str) -> String {
        self.cseq += 1;
        format!(
            "{method} sip:{user}@{} SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bKp{}x{}\r\n\
             From: <sip:{user}@linebox>;tag=probe\r\nTo: <sip:{user}@linebox>\r\nCall-ID: {}\r\n\
             CSeq: {} {method}\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            self.box_address,
            self.address,
            std::process::id(),
            self.cseq,
            self.call_id,
            self.cseq,
            body.len()
        )
    }

    /// Sends a request and waits for its final answer.
    pub fn ask(&mut self, method: &str, user: &str, extra: &str) -> Option<Message> {
        let request = self.request(method, user, extra, "");
        self.throw(request.as_bytes());
        self.answer()
    }

    /// The next final answer.
    #[must_use]
    pub fn answer(&self) -> Option<Message> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.checked_duration_since(Instant::now())?;
            if let Some(message) = self.hear(left).filter(|m| m.status() >= 200) {
                return Some(message);
            }
        }
    }

    /// A challenge: the answer to a REGISTER without credentials.
    #[must_use]
    pub fn challenged(&mut self, user: &str) -> Message {
        let answer = self.ask("REGISTER", user, "").expect("an answer to REGISTER");
        assert_eq!(answer.status(), 401, "{answer:?}");
        answer
    }

    /// Registers with an answer to `challenge`; `lines` carry the contacts.
    #[must_use]
    pub fn register(
        &mut self,
        challenge: &Message,
        user: &str,
        password: &str,
        count: u32,
        lines: &str,
    ) -> Message {
        let uri = format!("sip:{user}@{}", self.box_address);
        let credentials = credentials(challenge, "REGISTER", &uri, user, password, count);
        let lines = format!("Authorization: {credentials}\r\n{lines}");
        self.ask("REGISTER", user, &lines).expect("an answer to REGISTER")
    }

    /// The probe's own contact, for so many seconds.
    #[must_use]
    pub fn contact(&self, expires_s: u32) -> String {
        format!("Contact: <sip:probe@{}>\r\nExpires: {expires_s}\r\n", self.address)
    }

    /// Answers a request of the box.
    pub fn reply(&self, request: &Message, status: &str, extra: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for via in request.all("Via") {
            text += &format!("Via: {via}\r\n");
        }
        for name in ["From", "To", "Call-ID", "CSeq"] {
            let tag = if name == "To" && !request.header("To").contains("tag=") {
                ";tag=probe"
            } else {
                ""
            };
            text += &format!("{name}: {}{tag}\r\n", request.header(name));
        }
        text += &format!("{extra}Content-Length: {}\r\n\r\n{body}", body.len());
        self.throw(text.as_bytes());
    }
}

/// RFC 2617 §3.2.2 with `qop=auth`: a second implementation beside the box's own.
#[must_use]
pub fn credentials(
    challenge: &Message,
    method: &str,
    uri: &str,
    user: &str,
    password: &str,
    count: u32,
) -> String {
    let (realm, nonce) = (challenge.challenge("realm"), challenge.challenge("nonce"));
    let response = digest_response((&realm, &nonce), (method, uri), (user, password), (count, "c"));
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm=MD5, cnonce=\"c\", qop=auth, nc={count:08x}"
    )
}

/// The response word: of realm and nonce, method and URI, user and password, and the nonce count
/// with the client's own nonce.
#[must_use]
pub fn digest_response(
    (realm, nonce): (&str, &str),
    (method, uri): (&str, &str),
    (user, password): (&str, &str),
    (count, client): (u32, &str),
) -> String {
    let who = md5(&format!("{user}:{realm}:{password}"));
    let what = md5(&format!("{method}:{uri}"));
    md5(&format!("{who}:{nonce}:{count:08x}:{client}:auth:{what}"))
}

fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_has_its_response() {
        // RFC 2617 §3.5.
        let who = md5("Mufasa:testrealm@host.com:Circle Of Life");
        let what = md5("GET:/dir/index.html");
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let response = md5(&format!("{who}:{nonce}:00000001:0a4f113b:auth:{what}"));
        assert_eq!(response, "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn a_challenge_is_read_word_by_word() {
        let text = "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"box\", \
                    nonce=\"1-2\", qop=\"auth\", stale=true\r\n\r\n";
        let message = Message::read(text.as_bytes());
        assert_eq!((message.status(), message.challenge("nonce").as_str()), (401, "1-2"));
        assert_eq!(message.challenge("stale"), "true");
    }
}
