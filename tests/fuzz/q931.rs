//! Q.931 messages.

use signal::limits::{Q931_ELEMENTS_MAX, Q931_MESSAGE_OCTETS_MAX};
use signal::q931::wire::{Digits, FaultKind, Sender, decode, encode, missing, show};

/// What is understood is written so that it is understood the same, without an error of contents,
/// of sequence or of repetition; and everything stays within its bound.
///
/// # Panics
/// When it does not.
pub fn q931_message(octets: &[u8]) {
    let Ok(decoded) = decode(octets) else { return };
    let message = &decoded.message;
    assert!(message.elements.len() <= Q931_ELEMENTS_MAX);
    for digits in [Digits::Plain, Digits::Masked] {
        let lines = show(&decoded, digits).len();
        assert_eq!(lines, 1 + message.elements.len() + decoded.faults.len());
    }
    for sender in [Sender::User, Sender::Network] {
        let missing = missing(message, sender, true);
        assert!(missing.iter().all(|id| !message.has(*id)), "{missing:?}");
    }
    let mut ours = Vec::new();
    let left_out = encode(message, &mut ours);
    assert!(ours.len() <= Q931_MESSAGE_OCTETS_MAX);
    let again = decode(&ours).expect("our own octets are a message");
    let odd = [FaultKind::Content, FaultKind::OutOfSequence, FaultKind::Repeated];
    assert!(again.faults.iter().all(|fault| !odd.contains(&fault.kind)), "{:?}", again.faults);
    assert_eq!(again.message.elements.len() + left_out, message.elements.len());
    assert_eq!((again.message.reference, again.message.kind), (message.reference, message.kind));
    for element in &again.message.elements {
        assert!(message.elements.contains(element), "{element:?}");
    }
    assert_eq!(again.message.to_bytes(), ours, "the second writing is the first");
}
