//! Our parser beside `rsip`, which somebody else wrote: where both take a message, they must find
//! the same in it. What rsip 0.4 refuses or cannot type is not held against it here.

use proptest::prelude::*;
use rsip::prelude::{HasHeaders, HeadersExt, UntypedHeader};
use signal::sip::wire::{Message, Request};

use crate::{messages, roundtrip};

/// Method, request URI, Call-ID, CSeq number and method, as texts. The URI is in lower case: rsip
/// writes known parameter values (`transport=UDP`) in a case of its own.
type Essence = [String; 5];

fn ours(request: &Request) -> Essence {
    [
        request.method.to_string(),
        request.uri.to_string().to_lowercase(),
        request.call_id.clone(),
        request.cseq.number.to_string(),
        request.cseq.method.to_string(),
    ]
}

fn theirs(bytes: &[u8]) -> Option<Essence> {
    let rsip::SipMessage::Request(request) = rsip::SipMessage::try_from(bytes).ok()? else {
        return None;
    };
    // rsip keeps the first of several; with several, what it finds is no measure.
    let count =
        |name: &str| request.headers().iter().filter(|h| h.to_string().starts_with(name)).count();
    if count("CSeq:") != 1 || count("Call-ID:") != 1 {
        return None;
    }
    let cseq = request.cseq_header().ok()?.value().to_owned();
    let (number, method) = cseq.split_once(' ')?;
    Some([
        request.method.to_string(),
        request.uri.to_string().to_lowercase(),
        request.call_id_header().ok()?.value().to_owned(),
        number.trim_start_matches('0').to_owned(),
        method.trim().to_owned(),
    ])
}

/// Whether both take the message; panics if they then disagree.
fn agree(label: &str, bytes: &[u8]) -> bool {
    let (Ok(Message::Request(request)), Some(theirs)) = (Message::parse(bytes), theirs(bytes))
    else {
        return false;
    };
    // rsip takes every scheme for a host with a port, and so loses the plus sign of a `tel:`.
    if request.uri.sip().is_none() {
        return false;
    }
    assert_eq!(ours(&request), theirs, "{label}");
    true
}

#[test]
fn both_parsers_find_the_same_in_the_committed_messages() {
    let all = messages("rfc4475").into_iter().chain(messages("field"));
    let both = all.filter(|(label, bytes)| agree(label, bytes)).count();
    assert!(both >= 10, "rsip takes so few ({both}) that this shows nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rsip_reads_what_we_emit_as_we_meant_it(request in roundtrip::request()) {
        agree("emitted", &request.emit());
    }
}

#[test]
fn an_everyday_invite_of_ours_is_read_by_rsip() {
    let bytes = roundtrip::everyday().emit();
    assert!(agree("everyday", &bytes));
}
