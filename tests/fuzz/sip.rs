//! SIP datagrams.

use std::net::SocketAddr;

use signal::sip::wire::{Message, Refused};

/// What is understood is understood the same when we write it. What is refused is refused in one
/// header without a body, whatever it echoes.
///
/// # Panics
/// When it is not.
pub fn sip_message(octets: &[u8]) {
    match Message::parse(octets) {
        Ok(message) => assert_eq!(Message::parse(&message.emit()), Ok(message)),
        Err(Refused::Answer(bad)) => {
            let (_, answer) = bad.answer(SocketAddr::from(([192, 0, 2, 1], 5_060)), "tag");
            one_header(&answer);
        }
        Err(Refused::Drop(_)) => {}
    }
}

fn one_header(answer: &[u8]) {
    let text = str::from_utf8(answer).expect("an answer is text");
    let header = text.strip_suffix("\r\n\r\n").expect("an answer ends with an empty line");
    assert!(header.starts_with("SIP/2.0 "), "{header:?}");
    for line in header.split("\r\n") {
        assert!(!line.is_empty() && !line.contains(['\r', '\n']), "{header:?}");
    }
}
