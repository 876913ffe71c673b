//! What is to become of each torture message, as a table.

use std::net::SocketAddr;

use signal::sip::digest::{Algorithm, Credentials};
use signal::sip::sdp::{self, Codec, Direction, Local, Negotiated};
use signal::sip::wire::{
    Contacts, HeaderName, Host, Message, Method, NameAddr, Refused, Request, Response, Rport,
    StatusCode, Transport, Uri, WireError,
};

use crate::{message, messages};

enum Verdict {
    /// A request, and what must be found in it.
    Request(fn(&Request)),
    /// A response, and what must be found in it.
    Response(fn(&Response)),
    /// Refused, and the sender is told with this code.
    Answer(u16, WireError),
    /// Refused, and nobody may be told.
    Drop(WireError),
}

use Verdict::{Answer, Drop};

/// RFC 4475 in the order of its sections. Where the RFC leaves a choice, the comment says ours.
const RFC_4475: [(&str, Verdict); 49] = [
    // 3.1.1 valid messages
    ("wsinv", Verdict::Request(wsinv)),
    ("intmeth", Verdict::Request(intmeth)),
    ("esc01", Verdict::Request(esc01)),
    ("escnull", Verdict::Request(escnull)),
    ("esc02", Verdict::Request(esc02)),
    ("lwsdisp", Verdict::Request(lwsdisp)),
    ("longreq", Verdict::Request(longreq)),
    ("dblreq", Verdict::Request(dblreq)),
    ("semiuri", Verdict::Request(semiuri)),
    ("transports", Verdict::Request(transports)),
    ("mpart01", Verdict::Request(mpart01)),
    ("unreason", Verdict::Response(unreason)),
    ("noreason", Verdict::Response(noreason)),
    // 3.1.2 invalid messages
    ("badinv01", Answer(400, WireError::Malformed("Via"))),
    ("clerr", Answer(400, WireError::BodyShort)),
    ("ncl", Answer(400, WireError::Malformed("Content-Length"))),
    ("scalar02", Answer(400, WireError::Malformed("CSeq"))),
    ("scalarlg", Drop(WireError::Malformed("CSeq"))),
    ("quotbal", Answer(400, WireError::Malformed("To"))),
    ("ltgtruri", Answer(400, WireError::RequestUri)),
    ("lwsruri", Answer(400, WireError::StartLine)),
    // The RFC permits to repair these two; a start line that one reader repairs and another does
    // not is a way around the first.
    ("lwsstart", Answer(400, WireError::StartLine)),
    ("trws", Answer(400, WireError::StartLine)),
    ("escruri", Answer(400, WireError::RequestUri)),
    // We do not read Date, and may ignore it.
    ("baddate", Verdict::Request(|r| assert_eq!(r.method, Method::Invite))),
    ("regbadct", Answer(400, WireError::Malformed("Contact"))),
    // The RFC permits to be liberal; nobody sends this who means well.
    ("badaspec", Answer(400, WireError::Malformed("To"))),
    ("baddn", Answer(400, WireError::Malformed("From"))),
    ("badvers", Answer(505, WireError::Version)),
    ("mismatch01", Answer(400, WireError::CSeqMethod)),
    ("mismatch02", Answer(400, WireError::CSeqMethod)),
    ("bigcode", Drop(WireError::Status)),
    // 3.2 transaction layer
    ("badbranch", Answer(400, WireError::Malformed("Via"))),
    // 3.3 application layer: well-formed but for the four that miss or repeat a field; the codec
    // hands the others on, and the endpoint answers 416, 420, 415, 401, 483, 406.
    ("insuf", Answer(400, WireError::Missing("From"))),
    ("unkscm", Verdict::Request(unkscm)),
    ("novelsc", Verdict::Request(novelsc)),
    ("unksm2", Verdict::Request(unksm2)),
    ("bext01", Verdict::Request(bext01)),
    ("invut", Verdict::Request(invut)),
    ("regaut01", Verdict::Request(regaut01)),
    ("multi01", Answer(400, WireError::Duplicate("From"))),
    ("mcl01", Answer(400, WireError::Duplicate("Content-Length"))),
    ("bcast", Verdict::Response(bcast)),
    ("zeromf", Verdict::Request(|r| assert_eq!(r.headers.max_forwards(), Ok(Some(0))))),
    ("cparam01", Verdict::Request(cparam01)),
    ("cparam02", Verdict::Request(cparam02)),
    ("regescrt", Verdict::Request(regescrt)),
    ("sdp01", Verdict::Request(sdp01)),
    // 3.4 backward compatibility
    ("inv2543", Verdict::Request(inv2543)),
];

/// The first three were captured on loopback from baresip 1.0.0 and SIPp 3.6.1.
const FIELD: [(&str, Verdict); 8] = [
    ("baresipinvite", Verdict::Request(baresipinvite)),
    ("baresipregister", Verdict::Request(baresipregister)),
    ("sippinvite", Verdict::Request(sippinvite)),
    ("hashuser", Verdict::Request(hashuser)),
    ("ipv6", Verdict::Request(ipv6)),
    ("teluri", Verdict::Request(teluri)),
    ("twocontacts", Verdict::Request(twocontacts)),
    ("unregister", Verdict::Request(unregister)),
];

#[test]
fn every_message_of_rfc_4475_gets_its_verdict() {
    judge("rfc4475", &RFC_4475);
}

#[test]
fn every_message_from_the_field_gets_its_verdict() {
    judge("field", &FIELD);
}

#[allow(clippy::print_stdout)] // the only sign of which message a failed check was about
fn judge(folder: &str, table: &[(&str, Verdict)]) {
    let mut labels: Vec<&str> = table.iter().map(|(label, _)| *label).collect();
    labels.sort_unstable();
    let files = messages(folder);
    assert_eq!(labels, files.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>());
    for (label, verdict) in table {
        // Shown only if an assertion fails.
        println!("{folder}/{label}");
        match (verdict, Message::parse(&message(folder, label))) {
            (Verdict::Request(check), Ok(Message::Request(request))) => check(&request),
            (Verdict::Response(check), Ok(Message::Response(response))) => check(&response),
            (Answer(code, error), Err(Refused::Answer(bad))) => {
                assert_eq!((bad.status.code(), bad.error), (*code, *error), "{label}");
            }
            (Drop(error), Err(Refused::Drop(found))) => assert_eq!(found, *error, "{label}"),
            (_, other) => panic!("{label}: {other:?}"),
        }
    }
}

#[test]
fn whatever_is_understood_is_emitted_so_that_it_is_understood_the_same() {
    for (label, bytes) in messages("rfc4475").into_iter().chain(messages("field")) {
        let Ok(first) = Message::parse(&bytes) else { continue };
        let emitted = first.emit();
        assert_eq!(Message::parse(&emitted), Ok(first.clone()), "{label}");
        assert_eq!(Message::parse(&emitted).unwrap().emit(), emitted, "{label}");
    }
}

#[test]
fn the_sender_of_a_broken_request_gets_an_answer_that_it_can_match() {
    let source: SocketAddr = "203.0.113.9:40000".parse().unwrap();
    let mut answered = 0;
    for (label, bytes) in messages("rfc4475") {
        let Err(Refused::Answer(bad)) = Message::parse(&bytes) else { continue };
        answered += 1;
        let (address, answer) = bad.answer(source, "ours");
        assert_eq!(address.ip(), source.ip(), "{label}");
        let text = String::from_utf8(answer.clone()).unwrap();
        assert!(text.starts_with(&format!("SIP/2.0 {} ", bad.status)), "{text}");
        assert!(text.contains(";received=203.0.113.9\r\n"), "{text}");
        // Where what we echo is whole, so is the answer.
        if let Ok(Message::Response(response)) = Message::parse(&answer) {
            assert_eq!(response.to.tag(), Some("ours"), "{label}");
        } else {
            let broken = ["insuf", "scalar02", "quotbal", "badaspec", "baddn"];
            assert!(broken.contains(&label.as_str()), "{label}: {text}");
        }
    }
    assert_eq!(answered, 20);
}

fn wsinv(r: &Request) {
    assert_eq!(r.to.tag(), Some("77181b"));
    assert_eq!(r.from.display.as_deref(), Some("W Tester \\\""));
    assert_eq!(r.from.tag(), Some("98folded"));
    assert_eq!(r.headers.max_forwards(), Ok(Some(68)));
    assert_eq!((r.cseq.number, &r.cseq.method), (9, &Method::Invite));
    let via: Vec<String> = r.via.iter().map(ToString::to_string).collect();
    assert_eq!(
        via,
        [
            "SIP/2.0/UDP 192.0.2.2;branch=390old",
            "SIP/2.0/TCP loom.example.com;branch=z9hG4bK9fold",
            "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30240"
        ]
    );
    assert_eq!(r.headers.get(&HeaderName::Subject), Some(""));
    let strange = HeaderName::parse("strangeHEADER").unwrap();
    assert_eq!(r.headers.get(&strange), Some("first part second part of it"));
    let no_list = HeaderName::parse("HeaderThatIsNoList").unwrap();
    assert_eq!(r.headers.get(&no_list), Some(";;,,;;,;"));
    let contact = r.headers.contact().unwrap();
    assert_eq!(contact.display.as_deref(), Some("Quoted \"\""));
    assert_eq!((contact.q_milli(), contact.params.has("secondparam")), (330, true));
    assert_eq!(contact.params.get("newparam"), Some("newvalue"));
    let route = r.headers.addresses(&HeaderName::Route).unwrap();
    assert!(route.first().unwrap().uri.sip().unwrap().is_loose_router());
    assert!(r.body.starts_with(b"v=0\r\n"));
}

fn intmeth(r: &Request) {
    assert_eq!(r.method.as_str(), "!odd-Method0123456789_*+`.%even'~");
    let uri = r.uri.sip().unwrap();
    assert_eq!(uri.user.as_deref(), Some("1_odd.User~(to-be!sure)&isn't+it$/mad?,/;;*"));
    assert_eq!(uri.password.as_deref(), Some("&it+has=1,odd!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(r.to.display.as_deref(), Some("BEL:\x07 NUL:\x00 DEL:\x7f"));
    assert_eq!(r.from.display.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(r.from.params.get("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(r.from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(r.call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
    assert_eq!(r.via.first().unwrap().branch(), "z9hG4bK-.!%66*_+`'~");
    let header = HeaderName::parse("extensionheader-!.%*+_`'~").unwrap();
    assert_eq!(r.headers.get(&header), Some("\u{feff}大停電"));
}

fn esc01(r: &Request) {
    let uri = r.uri.sip().unwrap();
    assert_eq!(uri.user_text().as_deref(), Some("sips:anna@example.com"));
    assert_eq!(uri.host, Host::Name("example.net".to_owned()));
    let to = r.to.uri.sip().unwrap();
    assert_eq!(to.user_text().as_deref(), Some("anna"));
    let plain = Uri::parse("sip:anna@EXAMPLE.com").unwrap();
    assert!(r.to.uri.same_as(&plain));
    assert_eq!(r.from.uri.dialled().as_deref(), Some("I have spaces"));
    let contact = r.headers.contact().unwrap();
    let contact = contact.uri.sip().unwrap();
    assert_eq!(contact.user_text().as_deref(), Some("caller"));
    // Escapes are resolved once: this is not "valueA".
    assert_eq!(contact.params.get("n%61me"), Some("v%61lue%25%34%31"));
}

fn escnull(r: &Request) {
    assert_eq!(r.to.uri.dialled().as_deref(), Some("null-\0-null"));
    let Ok(Contacts::List(list)) = r.headers.contacts() else { panic!() };
    let [one, two] = list.as_slice() else { panic!() };
    assert_eq!(one.uri.dialled().as_deref(), Some("\0"));
    assert!(!one.uri.same_as(&two.uri));
}

fn esc02(r: &Request) {
    assert_eq!(r.method, Method::Other("RE%47IST%45R".into()));
    assert_eq!(r.to.display.as_deref(), Some("%Z%45"));
    let Ok(Contacts::List(list)) = r.headers.contacts() else { panic!() };
    assert_eq!(list.len(), 2);
}

fn lwsdisp(r: &Request) {
    assert_eq!(r.from.display.as_deref(), Some("caller"));
    assert_eq!(r.from.tag(), Some("323"));
}

fn longreq(r: &Request) {
    assert_eq!(r.via.len(), 34);
    assert_eq!(r.via.first().unwrap().host, Host::Name("hop33.example.com".to_owned()));
    assert_eq!(r.via.last().unwrap().received(), Some("192.0.2.5".parse().unwrap()));
    assert_eq!(r.from.tag().unwrap().len(), 144);
    assert_eq!(r.to.uri.sip().unwrap().port, Some(6000));
}

fn dblreq(r: &Request) {
    assert_eq!(r.method, Method::Register);
    assert!(r.body.is_empty());
    let contact = r.headers.contact().unwrap();
    assert_eq!(contact.uri.dialled().as_deref(), Some("a.phone"));
}

fn semiuri(r: &Request) {
    let uri = r.uri.sip().unwrap();
    assert_eq!(uri.user_text().as_deref(), Some("anna;par=u@example.net"));
    assert_eq!(r.uri.dialled().as_deref(), Some("anna"));
    assert!(uri.params.is_empty());
    assert_eq!(r.headers.items(&HeaderName::Accept).count(), 6);
    assert!(r.headers.lists(&HeaderName::Accept, "multipart/signed"));
}

fn transports(r: &Request) {
    let transports: Vec<&str> = r.via.iter().map(|via| via.transport.as_str()).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    assert_eq!(r.via.first().unwrap().transport, Transport::Udp);
}

fn mpart01(r: &Request) {
    assert_eq!(r.method, Method::Message);
    assert_eq!(r.headers.content_type().as_deref(), Some("multipart/mixed"));
    assert!(r.body.windows(3).any(|w| w == [0xfd, 0xfe, 0xff]));
    assert!(r.body.ends_with(b"--edge0--\r\n"));
    assert_eq!(r.via.first().unwrap().rport(), Rport::Asked);
}

fn unreason(r: &Response) {
    assert_eq!(r.status, StatusCode::OK);
    assert_eq!(r.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
}

fn noreason(r: &Response) {
    assert_eq!((r.status, r.reason.as_str()), (StatusCode::TRYING, ""));
}

fn unkscm(r: &Request) {
    assert!(r.uri.sip().is_none());
    assert_eq!(r.uri.to_string(), "nobodyknowsthisscheme:totallyopaquecontent");
}

fn novelsc(r: &Request) {
    assert_eq!(r.uri.to_string(), "soap.beep://192.0.2.103:3002");
}

fn unksm2(r: &Request) {
    assert_eq!(r.to.uri.to_string(), "isbn:2983792873");
    assert_eq!(r.headers.contact().unwrap().uri.to_string(), "name:Anna_Bert");
}

fn bext01(r: &Request) {
    let required: Vec<&str> = r.headers.items(&HeaderName::Require).collect();
    assert_eq!(required, ["nothingSupportsThis", "nothingSupportsThisEither"]);
}

fn invut(r: &Request) {
    assert_eq!(r.headers.content_type().as_deref(), Some("application/unknownformat"));
    assert_eq!(r.body.len(), 40);
}

fn regaut01(r: &Request) {
    let value = r.headers.get(&HeaderName::Authorization).unwrap();
    assert!(Credentials::parse(value).is_err());
}

fn bcast(r: &Response) {
    // The second Via shows that this response is not for us: the endpoint compares the topmost
    // with its own and counts the rest as somebody's mistake.
    assert_eq!(r.via.len(), 2);
    assert_eq!(r.via.last().unwrap().host.ip(), Some([255; 4].into()));
}

fn cparam01(r: &Request) {
    let contact = r.headers.contact().unwrap();
    assert!(contact.params.has("unknownparam"));
    assert!(contact.uri.sip().unwrap().params.is_empty());
}

fn cparam02(r: &Request) {
    let contact = r.headers.contact().unwrap();
    assert!(contact.params.is_empty());
    assert!(contact.uri.sip().unwrap().params.has("unknownparam"));
    let plain = Uri::parse("sip:+19725552222@gw1.example.net").unwrap();
    assert!(contact.uri.same_as(&plain));
}

fn regescrt(r: &Request) {
    let contact = r.headers.contact().unwrap();
    let header = ("Route".to_owned(), "%3Csip:edge.example.com%3E".to_owned());
    assert_eq!(contact.uri.sip().unwrap().headers, [header]);
}

fn sdp01(r: &Request) {
    assert!(!r.headers.lists(&HeaderName::Accept, "application/sdp"));
}

fn inv2543(r: &Request) {
    assert_eq!(r.via.first().unwrap().branch(), "");
    assert_eq!(r.from.tag(), None);
    assert_eq!(r.headers.max_forwards(), Ok(None));
    // No Content-Length: the body is the rest of the datagram.
    assert!(r.body.ends_with(b"a=rtpmap:31 LPC\r\n"));
}

fn baresipinvite(r: &Request) {
    let agreed = taken(r);
    assert_eq!((agreed.codec, agreed.dtmf_pt), (Codec::Pcma, Some(101)));
}

fn baresipregister(r: &Request) {
    let contact = r.headers.contact().unwrap();
    assert_eq!(contact.expires_s(), Some(60));
    assert!(contact.params.get("+sip.instance").unwrap().starts_with("<urn:uuid:"));
    assert_eq!(r.via.first().unwrap().rport(), Rport::Asked);
}

fn sippinvite(r: &Request) {
    let agreed = taken(r);
    assert_eq!((agreed.codec, agreed.payload_type), (Codec::Pcmu, 0));
    assert_eq!(agreed.remote, "127.0.0.1:6000".parse().unwrap());
}

/// What we would agree on with the sender of an INVITE.
fn taken(r: &Request) -> Negotiated {
    assert_eq!(r.headers.content_type().as_deref(), Some(sdp::CONTENT_TYPE));
    let local = Local {
        address: "127.0.0.1:10000".parse().unwrap(),
        session_id: 1,
        version: 1,
        dtmf_pt: 101,
        ptime_ms: 20,
        direction: Direction::SendRecv,
    };
    sdp::answer(&r.body, &local, &[Codec::Pcma, Codec::Pcmu]).unwrap().1
}

fn hashuser(r: &Request) {
    assert_eq!(r.uri.dialled().as_deref(), Some("*31#10086"));
    assert_eq!(r.from.display.as_deref(), Some("张三"));
}

fn ipv6(r: &Request) {
    let uri = r.uri.sip().unwrap();
    assert_eq!(uri.host, Host::Ip("2001:db8::10".parse().unwrap()));
    assert_eq!((uri.port, uri.transport().as_deref()), (Some(5070), Some("udp")));
    let via = r.via.first().unwrap();
    assert_eq!(via.host.ip(), Some("2001:db8::9:1".parse().unwrap()));
    assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()));
    assert_eq!(r.from.display.as_deref(), Some("Ürsel \"Ü\""));
}

fn teluri(r: &Request) {
    assert_eq!(r.uri.dialled().as_deref(), Some("+8613800138000"));
    let identities = r.headers.addresses(&HeaderName::PAssertedIdentity).unwrap();
    let dialled: Vec<_> = identities.iter().filter_map(|i| i.uri.dialled()).collect();
    assert_eq!(dialled, ["+861012345678", "+861012345678"]);
}

fn twocontacts(r: &Request) {
    assert_eq!(r.to.uri.dialled().as_deref(), Some("desk.7"));
    let Ok(Contacts::List(list)) = r.headers.contacts() else { panic!() };
    let [one, two] = list.as_slice() else { panic!() };
    assert_eq!(one.display.as_deref(), Some("Desk, 7"));
    assert_eq!((one.expires_s(), one.q_milli()), (Some(60), 500));
    assert_eq!((two.expires_s(), two.q_milli()), (None, 1000));
    let instance = two.params.get("+sip.instance");
    assert_eq!(instance, Some("<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"));
    assert_eq!(r.headers.expires_s(), Ok(Some(3600)));
    assert!(r.headers.lists(&HeaderName::Allow, "bye"));
}

fn unregister(r: &Request) {
    assert_eq!(r.headers.contacts(), Ok(Contacts::Star));
    let value = r.headers.get(&HeaderName::Authorization).unwrap();
    let credentials = Credentials::parse(value).unwrap();
    assert_eq!(credentials.algorithm, Algorithm::Sha256);
    let counted = credentials.counted.unwrap();
    assert_eq!((counted.cnonce.as_str(), counted.nc), ("a\"b", 15));
}

#[test]
fn a_display_name_can_never_leave_its_quotes() {
    let address = NameAddr::new(Uri::parse("sip:a@b").unwrap())
        .with_display("x\" <sip:evil@b>\r\nContact: *");
    assert_eq!(address.to_string(), "\"x\\\" <sip:evil@b>  Contact: *\" <sip:a@b>");
}
