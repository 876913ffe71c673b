//! Guessers, repeaters, scanners, floods, and bytes that are no SIP.

use proptest::prelude::*;

use super::*;
use crate::limits::{FAILURES_MAX, LOCKOUT_MS, NONCE_LIFE_MS, STRANGER_BURST};
use crate::sip::digest::{Algorithm, Challenge, Counted as Count, Credentials, Ha1};
use crate::sip::wire::{Message, Method, StatusCode};

const STRANGER: &str = "203.0.113.7:5060";

/// A sender of single requests who reads the answers.
struct Stranger {
    end: Endpoint,
    now: Tick,
    cseq: u32,
}

impl Stranger {
    fn new() -> Stranger {
        Stranger { end: Endpoint::new(Tick(0), [9; 32], box_config()), now: Tick(0), cseq: 0 }
    }

    /// Sends a request and reads the first answer.
    fn asks(&mut self, method: &str, extra: &str) -> Option<Response> {
        self.cseq += 1;
        let text = format!(
            "{method} sip:100@{BOX} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {STRANGER};branch=z9hG4bKs{};rport\r\n\
             From: <sip:100@linebox>;tag=s\r\nTo: <sip:100@linebox>\r\nCall-ID: s1\r\n\
             CSeq: {} {method}\r\nContact: <sip:100@{STRANGER}>\r\n{extra}Content-Length: 0\r\n\r\n",
            self.cseq, self.cseq
        );
        self.throws(text.as_bytes())
    }

    fn throws(&mut self, bytes: &[u8]) -> Option<Response> {
        self.end.handle_datagram(self.now, at(STRANGER), bytes);
        let mut answer = None;
        for output in std::iter::from_fn(|| self.end.poll()) {
            if let Output::Send { to, bytes } = output {
                assert_eq!(to.peer, at(STRANGER));
                let response = Message::parse(&bytes).unwrap().response();
                answer = answer.or(response);
            }
        }
        answer
    }

    fn challenge(&mut self) -> Challenge {
        let response = self.asks("REGISTER", "").unwrap();
        challenge_of(&response)
    }

    fn registers(
        &mut self,
        challenge: &Challenge,
        user: &str,
        password: &str,
        nc: u32,
    ) -> Response {
        let ha1 = Ha1::new(Algorithm::Md5, user, &challenge.realm, password);
        let uri = format!("sip:100@{BOX}");
        let count = Count::new("c", nc);
        let given = Credentials::answer(challenge, user, &ha1, &Method::Register, &uri, count);
        self.asks("REGISTER", &format!("Authorization: {given}\r\n")).unwrap()
    }

    fn counted(&self, what: Counted) -> u64 {
        self.end.snapshot().counts.get(&what).copied().unwrap_or(0)
    }
}

fn challenge_of(response: &Response) -> Challenge {
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    Challenge::parse(response.headers.get(&HeaderName::WwwAuthenticate).unwrap()).unwrap()
}

#[test]
fn a_nonce_count_is_taken_once() {
    let mut s = Stranger::new();
    let challenge = s.challenge();
    assert_eq!(s.registers(&challenge, "100", "secret", 1).status, StatusCode::OK);
    let again = s.registers(&challenge, "100", "secret", 1);
    assert!(challenge_of(&again).stale);
    assert_eq!(s.counted(Counted::Replayed), 1);
    assert_eq!(s.registers(&challenge, "100", "secret", 2).status, StatusCode::OK);
}

#[test]
fn an_old_nonce_is_stale_but_only_for_who_knows_the_password() {
    let mut s = Stranger::new();
    let challenge = s.challenge();
    s.now = s.now + NONCE_LIFE_MS + 1;
    let old = s.registers(&challenge, "100", "secret", 1);
    assert!(challenge_of(&old).stale);
    let wrong = s.registers(&challenge, "100", "guess", 1);
    assert!(!challenge_of(&wrong).stale);
}

#[test]
fn an_unknown_user_and_a_wrong_password_look_the_same_up_to_the_lock() {
    let tries = |user: &str| {
        let mut s = Stranger::new();
        let mut seen = Vec::new();
        for nc in 1..=FAILURES_MAX + 2 {
            let challenge = s.challenge();
            let answer = s.registers(&challenge, user, "guess", nc);
            let names: Vec<String> =
                answer.headers.iter().map(|header| header.name.to_string()).collect();
            seen.push((answer.status, names));
        }
        let locked = s.counted(Counted::Locked);
        (seen, locked)
    };
    let (known, locked) = tries("100");
    assert_eq!(known, tries("nobody").0);
    assert_eq!(known.last().map(|(status, _)| *status), Some(StatusCode::FORBIDDEN));
    assert_eq!(locked, 3);
}

#[test]
fn a_lock_shuts_out_the_right_password_too_and_opens_by_itself() {
    let mut s = Stranger::new();
    let challenge = s.challenge();
    for nc in 1..=FAILURES_MAX {
        s.registers(&challenge, "100", "guess", nc);
    }
    let challenge = s.challenge();
    assert_eq!(s.registers(&challenge, "100", "secret", 1).status, StatusCode::FORBIDDEN);
    s.now = s.now + LOCKOUT_MS;
    let challenge = s.challenge();
    assert_eq!(s.registers(&challenge, "100", "secret", 1).status, StatusCode::OK);
}

#[test]
fn an_overheard_answer_does_not_pay_for_another_number() {
    let mut s = Stranger::new();
    let challenge = s.challenge();
    let ha1 = Ha1::new(Algorithm::Md5, "100", &challenge.realm, "secret");
    let uri = "sip:+861095588@192.0.2.1";
    let given =
        Credentials::answer(&challenge, "100", &ha1, &Method::Invite, uri, Count::new("c", 1));
    let answer = s.asks("INVITE", &format!("Authorization: {given}\r\n")).unwrap();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(s.end.snapshot().calls.is_empty());
}

#[test]
fn strangers_leave_no_trace_in_the_table() {
    let mut s = Stranger::new();
    for method in ["INVITE", "REGISTER", "OPTIONS", "BYE", "CANCEL", "ACK", "SUBSCRIBE", "FOO"] {
        s.asks(method, "");
    }
    let snapshot = s.end.snapshot();
    assert_eq!((snapshot.transactions.client, snapshot.transactions.server), (0, 0));
    assert!(snapshot.calls.is_empty());
}

#[test]
fn every_unfit_request_is_refused_by_its_own_number() {
    let mut s = Stranger::new();
    let mut status = |method: &str, extra: &str| s.asks(method, extra).map(|r| r.status.code());
    assert_eq!(status("OPTIONS", ""), Some(200));
    assert_eq!(status("FOO", ""), Some(501));
    assert_eq!(status("SUBSCRIBE", ""), Some(405));
    assert_eq!(status("REFER", ""), Some(405));
    assert_eq!(status("OPTIONS", "Max-Forwards: 0\r\n"), Some(483));
    assert_eq!(status("INVITE", "Require: 100rel\r\n"), Some(420));
    assert_eq!(status("INVITE", "Content-Encoding: gzip\r\n"), Some(415));
    assert_eq!(status("BYE", ""), Some(481));
    assert_eq!(status("CANCEL", ""), Some(481));
    assert_eq!(status("ACK", "Require: 100rel\r\n"), None);
    let answer = s.asks("INVITE", "Require: 100rel, timer\r\n").unwrap();
    let unsupported: Vec<&str> = answer.headers.items(&HeaderName::Unsupported).collect();
    assert_eq!(unsupported, ["100rel", "timer"]);
}

#[test]
fn a_malformed_request_is_400_and_noise_is_nothing() {
    let mut s = Stranger::new();
    let broken = format!(
        "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};branch=z9hG4bKb\r\n\
         From: <sip:a@b>;tag=s\r\nTo: <sip:a@b>\r\nCall-ID: b\r\nCSeq: many OPTIONS\r\n\r\n"
    );
    s.end.handle_datagram(Tick(0), at(STRANGER), broken.as_bytes());
    let answers: Vec<Output> = std::iter::from_fn(|| s.end.poll()).collect();
    let [Output::Counted(Counted::BadRequest), Output::Send { to, bytes }] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert!(to.peer == at(STRANGER) && bytes.starts_with(b"SIP/2.0 400 Bad CSeq\r\n"));
    assert_eq!(s.throws(b"\r\n\r\n"), None);
    assert_eq!(s.throws(b"GET / HTTP/1.1\r\n\r\n"), None);
    assert_eq!(s.throws(b"SIP/2.0 200 OK\r\n\r\n"), None);
    assert_eq!((s.counted(Counted::BadRequest), s.counted(Counted::Malformed)), (1, 2));
}

#[test]
fn a_flood_is_dropped_and_counted_and_the_registered_phone_still_calls() {
    let mut town = Town::with_everybody(1);
    let options = format!(
        "OPTIONS sip:{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER};branch=z9hG4bKf\r\n\
         From: <sip:a@b>;tag=s\r\nTo: <sip:a@b>\r\nCall-ID: f\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    for _ in 0..5_000 {
        town.throw(STRANGER, BOX, options.as_bytes());
    }
    town.act(PHONE, |e, now| e.invite(now, to_number(1, "*11"))).unwrap();
    town.run(100);
    town.incoming(BOX);
    let flood = town.end(BOX).snapshot().counts[&Counted::Flood];
    assert!(flood >= 5_000 - STRANGER_BURST - 100, "{flood}");
}

#[test]
fn a_call_that_comes_by_two_ways_rings_once() {
    let mut town = Town::with_everybody(2);
    for branch in ["one", "two"] {
        let invite = format!(
            "INVITE sip:200@{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bK{branch}\r\n\
             From: <sip:x@c>;tag=f\r\nTo: <sip:200@{BOX}>\r\nCall-ID: m\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:{CARRIER}>\r\nContent-Length: 0\r\n\r\n"
        );
        town.throw(CARRIER, BOX, invite.as_bytes());
    }
    town.run(10);
    assert_eq!(town.ladder, ["box 100", "box 482"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_an_endpoint_panic_or_remember(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut s = Stranger::new();
        s.throws(&bytes);
        prop_assert!(s.end.snapshot().calls.is_empty());
    }

    #[test]
    fn no_message_of_known_words_makes_an_endpoint_panic(
        start in prop::sample::select(vec![
            "INVITE sip:100@192.0.2.1 SIP/2.0", "ACK sip:h SIP/2.0", "BYE sip:h SIP/2.0",
            "CANCEL sip:h SIP/2.0", "REGISTER sip:h SIP/2.0", "SIP/2.0 200 OK", "SIP/2.0 401 No",
            "UPDATE tel:1 SIP/2.0", "OPTIONS mailto:x SIP/2.0",
        ]),
        lines in prop::collection::vec(prop::sample::select(vec![
            "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKa;rport", "Via: SIP/2.0/UDP h",
            "From: <sip:a@b>;tag=1", "From: a <tel:1>", "To: <sip:100@b>", "To: <sip:a@b>;tag=2",
            "Call-ID: x", "CSeq: 1 INVITE", "CSeq: 2 ACK", "CSeq: 1 REGISTER", "CSeq: 3 BYE",
            "CSeq: 1 UPDATE", "Contact: *", "Contact: <sip:a@b>;q=0.5;expires=60", "Expires: 0",
            "Authorization: Digest username=\"100\", realm=\"linebox\", nonce=\"\", uri=\"sip:h\", response=\"\"",
            "Record-Route: <sip:h;lr>, <sip:i>", "Content-Type: application/sdp", "Reason: Q.850;cause=17",
            "Require: timer", "Max-Forwards: 0", "P-Asserted-Identity: \"x\" <tel:+1>",
        ]), 0..14),
        body in "[ -~\r\n]{0,40}",
    ) {
        let mut end = Endpoint::new(Tick(0), [9; 32], box_config());
        let text = format!("{start}\r\n{}\r\n\r\n{body}", lines.join("\r\n"));
        end.handle_datagram(Tick(1), at(CARRIER), text.as_bytes());
        end.handle_datagram(Tick(2), at(CARRIER), text.as_bytes());
        while end.poll().is_some() {}
        end.handle_timeout(Tick(1_000_000));
        while end.poll().is_some() {}
    }
}
