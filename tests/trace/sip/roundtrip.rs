//! Whatever comes in, nothing panics; whatever goes out comes back the same.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use signal::limits::{HEADER_BYTES_MAX, HEADER_COUNT_MAX, MESSAGE_BYTES_MAX, PARAMS_MAX, VIA_MAX};
use signal::sip::wire::{
    HeaderName, Headers, Host, Message, Method, NameAddr, Params, Refused, Request, Response,
    Rport, SipUri, StatusCode, Transport, Uri, Via, WireError,
};

use crate::messages;

const TOKEN: &str = "[A-Za-z0-9.!%*_+`'~-]{1,12}";

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        proptest::sample::select(Method::KNOWN),
        TOKEN.prop_map(|text| Method::parse(&text).unwrap()),
    ]
}

fn params() -> impl Strategy<Value = Params> {
    let value = prop_oneof![
        Just((None, None)),
        "[a-zA-Z0-9.-]{1,10}".prop_map(|plain| (Some(plain), None)),
        "\\PC{0,10}".prop_map(|quoted| (None, Some(quoted))),
    ];
    vec((TOKEN, value), 0..4).prop_map(|list| {
        let mut params = Params::new();
        for (name, value) in list {
            match value {
                (Some(plain), _) => params.set(&name, plain),
                (_, Some(quoted)) => params.set_quoted(&name, quoted),
                (None, None) => params.set_flag(&name),
            }
        }
        params
    })
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}(\\.[a-z][a-z0-9]{0,6}){0,2}".prop_map(Host::Name),
        any::<std::net::IpAddr>().prop_map(Host::Ip),
    ]
}

fn uri() -> impl Strategy<Value = Uri> {
    let sip = (any::<bool>(), option::of("\\PC{1,10}"), host(), option::of(any::<u16>()), params());
    prop_oneof![
        3 => sip.prop_map(|(secure, user, host, port, params)| {
            let mut uri = user.map_or_else(
                || SipUri::to_host(host.clone()),
                |user| SipUri::new(&user, host.clone()),
            );
            (uri.secure, uri.port) = (secure, port);
            // In a URI, only names and values without escapes: the others are tested by hand.
            for param in params.iter().filter(|p| !p.name.contains(['%', '`'])) {
                match params.get(&param.name).filter(|v| v.is_ascii() && !v.is_empty()) {
                    Some(value) if value.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                        uri.params.set(&param.name, value);
                    }
                    _ => uri.params.set_flag(&param.name),
                }
            }
            Uri::Sip(uri)
        }),
        1 => "[0-9]{2,9}".prop_map(|number| Uri::parse(&format!("tel:+{number}")).unwrap()),
    ]
}

fn address() -> impl Strategy<Value = NameAddr> {
    (option::of("\\PC{0,12}"), uri(), params()).prop_map(|(display, uri, params)| NameAddr {
        display,
        uri,
        params,
    })
}

fn via() -> impl Strategy<Value = Via> {
    let transport = prop_oneof![
        Just(Transport::Udp),
        Just(Transport::Tls),
        Just(Transport::Other("WSS".to_owned())),
    ];
    (transport, any::<std::net::SocketAddrV4>(), TOKEN, params()).prop_map(
        |(transport, sent_by, branch, more)| {
            let mut via = Via::new(transport, sent_by.into(), &format!("z9hG4bK{branch}"));
            for param in more.iter() {
                if !via.params.has(&param.name) {
                    via.params.set_flag(&param.name);
                }
            }
            via
        },
    )
}

fn headers() -> impl Strategy<Value = Headers> {
    vec(("X-[A-Za-z]{1,9}", "\\PC{0,24}"), 0..5).prop_map(|list| {
        let mut headers = Headers::new();
        for (name, value) in list {
            headers.push(HeaderName::parse(&name).unwrap(), value.trim_matches([' ', '\t']));
        }
        headers
    })
}

pub fn request() -> impl Strategy<Value = Request> {
    let core = (method(), uri(), vec(via(), 1..4), address(), address(), 0..1_u32 << 31);
    let rest = ("[!-~]{1,20}", headers(), vec(any::<u8>(), 0..64), vec(address(), 0..3));
    (core, rest).prop_map(|((method, uri, via, from, to, number), rest)| {
        let (call_id, headers, body, contacts) = rest;
        let first = via.first().unwrap().clone();
        let mut request = Request::new(method, uri, first, from, to, call_id, number);
        request.via = via;
        for header in headers.iter() {
            request.headers.push(header.name.clone(), &header.value);
        }
        for contact in contacts {
            request.headers.push(HeaderName::Contact, contact);
        }
        request.body = body;
        request
    })
}

/// An INVITE as our trunks send it.
pub fn everyday() -> Request {
    let sent_by = "192.0.2.1:5060".parse().unwrap();
    let user = |user: &str| SipUri::new(user, Host::Name("example.com".to_owned()));
    let mut request = Request::new(
        Method::Invite,
        user("13800138000"),
        Via::new(Transport::Udp, sent_by, "z9hG4bKeveryday"),
        NameAddr::new(user("1001")).with_display("Box").with_tag("a1"),
        NameAddr::new(user("13800138000")),
        "everyday@192.0.2.1",
        1,
    );
    request.headers.push(HeaderName::Contact, NameAddr::new(SipUri::at(Some("1001"), sent_by)));
    request.set_body("application/sdp", "v=0\r\n");
    request
}

#[test]
fn a_request_is_emitted_exactly_so() {
    let expected = "INVITE sip:13800138000@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKeveryday;rport\r\n\
        From: \"Box\" <sip:1001@example.com>;tag=a1\r\n\
        To: <sip:13800138000@example.com>\r\n\
        Call-ID: everyday@192.0.2.1\r\n\
        CSeq: 1 INVITE\r\n\
        Max-Forwards: 70\r\n\
        Contact: <sip:1001@192.0.2.1:5060>\r\n\
        Content-Type: application/sdp\r\n\
        Content-Length: 5\r\n\r\nv=0\r\n";
    assert_eq!(String::from_utf8(everyday().emit()).unwrap(), expected);
}

#[test]
fn a_response_copies_what_rfc_3261_section_8_2_6_names_and_nothing_else() {
    let mut request = everyday();
    request.headers.push(HeaderName::Timestamp, "54");
    request.headers.push(HeaderName::Subject, "x");
    let mut response = Response::to_request(&request, StatusCode::RINGING);
    response.tag_to("b2");
    assert_eq!((&response.via, &response.from), (&request.via, &request.from));
    assert_eq!((&response.call_id, &response.cseq), (&request.call_id, &request.cseq));
    assert_eq!(response.to.tag(), Some("b2"));
    response.tag_to("c3");
    assert_eq!(response.to.tag(), Some("b2"));
    assert!(response.headers.is_empty());
    let trying = Response::to_request(&request, StatusCode::TRYING);
    assert_eq!(trying.headers.get(&HeaderName::Timestamp), Some("54"));
    assert_eq!(Message::parse(&response.emit()), Ok(Message::Response(response)));
}

#[test]
fn no_value_can_start_a_header_of_its_own() {
    let mut request = everyday();
    request.headers.push(HeaderName::Subject, "x\r\nContact: *\r\n\r\nbody");
    request.call_id = "a\r\nEvil: 1".to_owned();
    request.from.params.set("tag", "a\nEvil: 2");
    request.via.first_mut().unwrap().params.set("branch", "z\rEvil: 3");
    let text = String::from_utf8(request.emit()).unwrap();
    let evil = text.split(['\r', '\n']).filter(|l| l.starts_with("Evil") || *l == "Contact: *");
    assert_eq!(evil.count(), 0, "{text}");
}

#[test]
fn a_via_is_stamped_with_where_the_request_came_from() {
    let source = "203.0.113.9:40000".parse().unwrap();
    let stamped = |text: &str| {
        let mut request = everyday();
        let lines = String::from_utf8(request.emit()).unwrap();
        let lines = lines.replace(";branch=z9hG4bKeveryday;rport", text);
        request = Message::parse(lines.as_bytes()).unwrap().request().unwrap();
        let mut via = request.via.remove(0);
        via.stamp(source);
        (via.rport(), via.received(), via.response_address().unwrap().to_string())
    };
    let ip = Some(source.ip());
    assert_eq!(
        stamped(";rport;branch=z9hG4bK1"),
        (Rport::Port(40000), ip, "203.0.113.9:40000".to_owned())
    );
    // Without rport the port is the Via's, and a received that the sender wrote is not believed.
    assert_eq!(
        stamped(";branch=z9hG4bK1;received=198.51.100.1"),
        (Rport::Absent, ip, "203.0.113.9:5060".to_owned())
    );
}

/// A small message around `lines`.
fn with(lines: &str) -> Result<Message, Refused> {
    let head = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nFrom: <sip:a@b>\r\n\
                To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n";
    Message::parse(format!("{head}{lines}\r\n").as_bytes())
}

#[test]
fn every_bound_refuses_the_first_beyond_it() {
    let error = |lines: &str| with(lines).unwrap_err().error();
    assert!(with(&"X: 1\r\n".repeat(HEADER_COUNT_MAX - 5)).is_ok());
    assert_eq!(error(&"X: 1\r\n".repeat(HEADER_COUNT_MAX - 4)), WireError::TooManyHeaders);
    assert!(with(&format!("X: {}\r\n", "x".repeat(HEADER_BYTES_MAX))).is_ok());
    let long = format!("X: {}\r\n", "x".repeat(HEADER_BYTES_MAX + 1));
    assert_eq!(error(&long), WireError::HeaderTooLong);
    let folded = format!("X: {}\r\n", "x\r\n ".repeat(HEADER_BYTES_MAX));
    assert_eq!(error(&folded[..MESSAGE_BYTES_MAX - 200]), WireError::NoHeaderEnd);
    let folded = format!("X: {}\r\n", format!("{}\r\n ", "x".repeat(1000)).repeat(5));
    assert_eq!(error(&folded), WireError::HeaderTooLong);
    let via = "Via: SIP/2.0/UDP c\r\n".repeat(VIA_MAX);
    assert_eq!(error(&via), WireError::TooMany("Via"));
    let params = |count| format!("Contact: <sip:a@b>{}\r\n", ";x".repeat(count));
    assert!(with(&params(PARAMS_MAX)).is_ok());
    assert_eq!(error(&params(PARAMS_MAX + 1)), WireError::Malformed("Contact"));
    let contacts = format!("Contact: {}<sip:a@b>\r\n", "<sip:a@b>,".repeat(70));
    assert_eq!(error(&contacts), WireError::TooMany("Contact"));
    let body = format!("\r\n{}", "x".repeat(MESSAGE_BYTES_MAX));
    let Err(Refused::Answer(bad)) = with(&body) else { panic!() };
    assert_eq!(bad.status, StatusCode::MESSAGE_TOO_LARGE);
}

#[test]
fn what_is_not_sip_is_dropped_by_its_name() {
    let dropped = |bytes: &[u8]| match Message::parse(bytes) {
        Err(Refused::Drop(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(dropped(b""), WireError::KeepAlive);
    assert_eq!(dropped(b"\r\n\r\n"), WireError::KeepAlive);
    assert_eq!(dropped(b"\0\x01\0\x08stun"), WireError::NotSip);
    assert_eq!(dropped(b"GET / HTTP/1.1\r\nVia: SIP/2.0/UDP c\r\n\r\n"), WireError::StartLine);
    assert_eq!(dropped(b"\xff\xff\xff"), WireError::NotSip);
    // An ACK is never answered, whatever is wrong with it.
    assert_eq!(
        dropped(b"ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\n\r\n"),
        WireError::Missing("From")
    );
    assert_eq!(dropped(b"INVITE sip:a@b SIP/2.0\r\n\r\n"), WireError::Missing("From"));
}

#[test]
fn keep_alive_line_breaks_before_a_request_are_skipped() {
    let mut bytes = b"\r\n\r\n".to_vec();
    bytes.extend(everyday().emit());
    assert_eq!(Message::parse(&bytes), Ok(Message::Request(everyday())));
}

#[test]
fn a_lone_line_feed_or_text_that_is_not_utf_8_is_answered_400() {
    for bad in [&b"X: a\nb\r\n"[..], b"X: a\rb\r\n", b"X: \xff\xfe\r\n"] {
        let text = everyday().emit();
        let at = text.windows(8).position(|w| w == b"Max-Forw").unwrap();
        let bytes = [&text[..at], bad, &text[at..]].concat();
        let Err(Refused::Answer(answer)) = Message::parse(&bytes) else { panic!() };
        assert_eq!(answer.error, WireError::NotText);
    }
}

#[test]
fn the_nasty_ones_are_refused_or_read_as_they_are_emitted() {
    let taken = ["multibyteedge"];
    for (label, bytes) in messages("nasty") {
        match Message::parse(&bytes) {
            Ok(message) => {
                assert_eq!(Message::parse(&message.emit()), Ok(message));
                assert!(taken.contains(&label.as_str()), "{label}");
            }
            Err(_) => assert!(!taken.contains(&label.as_str()), "{label}"),
        }
    }
}

#[test]
fn cutting_or_changing_any_byte_of_a_committed_message_never_panics() {
    let mut odd = [0, b'\r', b'"', b'<', b',', b';', b'\\', b' ', b'@', b':', 0xc3].iter().cycle();
    let all = ["rfc4475", "field", "nasty"].into_iter().flat_map(messages);
    for (_, bytes) in all {
        for at in 0..bytes.len() {
            let _ = Message::parse(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] = *odd.next().unwrap();
            if let Ok(message) = Message::parse(&changed) {
                assert_eq!(Message::parse(&message.emit()), Ok(message));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..600)) {
        let _ = Message::parse(&bytes);
    }

    #[test]
    fn no_header_text_makes_it_panic(
        name in "(Via|v|From|To|CSeq|Contact|m|Route|Expires|l|X)", value in "\\PC{0,80}"
    ) {
        if let Ok(message) = with(&format!("{name}: {value}\r\n")) {
            prop_assert_eq!(Message::parse(&message.emit()), Ok(message));
        }
    }

    #[test]
    fn what_is_emitted_is_read_as_the_same_value(request in request()) {
        let bytes = request.emit();
        prop_assert_eq!(Message::parse(&bytes), Ok(Message::Request(request)));
    }

    #[test]
    fn what_is_emitted_is_little_more_than_what_came_in(request in request()) {
        // Every control character doubles, every address gains brackets and quotes: never more
        // than three times what was read, plus the fixed words.
        let bytes = request.emit();
        let again = Message::parse(&bytes).unwrap().emit();
        prop_assert!(again.len() <= 3 * bytes.len() + 256);
    }

    #[test]
    fn a_response_is_read_as_it_was_written(
        request in request(), code in 100_u16..=699, reason in "\\PC{0,20}"
    ) {
        let mut response = Response::to_request(&request, StatusCode::new(code).unwrap());
        response.reason = reason;
        prop_assert_eq!(Message::parse(&response.emit()), Ok(Message::Response(response)));
    }
}
