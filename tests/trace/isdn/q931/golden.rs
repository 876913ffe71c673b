//! The hand-written traces, forth and back, and cut off at every octet.

use signal::q931::wire::{Digits, Element, MessageType, decode, id, name, show};

use crate::traces;

#[test]
fn every_trace_is_shown_as_written() {
    let mut checked = 0;
    for trace in traces() {
        let title = &trace.title;
        match (decode(&trace.bytes), &trace.ignored) {
            (Ok(decoded), None) => {
                assert_eq!(show(&decoded, Digits::Plain), trace.lines, "{title}")
            }
            (Err(error), Some(why)) => assert_eq!(&error.to_string(), why, "{title}"),
            (result, why) => panic!("{title}: {result:?}, expected {why:?}"),
        }
        checked += 1;
    }
    assert!(checked > 120, "{checked}");
}

#[test]
fn our_own_writing_of_every_trace_is_the_same_octets_or_those_told() {
    for trace in traces() {
        let Ok(decoded) = decode(&trace.bytes) else { continue };
        let expected = trace.ours.as_ref().unwrap_or(&trace.bytes);
        assert_eq!(&decoded.message.to_bytes(), expected, "{}", trace.title);
        assert_ne!(trace.ours.as_ref(), Some(&trace.bytes), "{}: ~ is not needed", trace.title);
    }
}

#[test]
fn every_message_type_has_a_trace() {
    let all: Vec<MessageType> =
        traces().iter().filter_map(|t| Some(decode(&t.bytes).ok()?.message.kind)).collect();
    for kind in MessageType::KNOWN {
        assert!(all.contains(kind), "no trace of {}", kind.name());
    }
    assert!(all.iter().any(|kind| matches!(kind, MessageType::National(_))));
    assert!(all.iter().any(|kind| matches!(kind, MessageType::Unknown(_))));
}

#[test]
fn every_element_has_a_trace() {
    let all: Vec<Element> = traces()
        .into_iter()
        .filter_map(|t| Some(decode(&t.bytes).ok()?.message.elements))
        .flatten()
        .collect();
    let typed = [
        id::BEARER_CAPABILITY,
        id::CAUSE,
        id::CALL_STATE,
        id::CHANNEL_IDENTIFICATION,
        id::FACILITY,
        id::PROGRESS_INDICATOR,
        id::NOTIFICATION_INDICATOR,
        id::DISPLAY,
        id::DATE_TIME,
        id::KEYPAD_FACILITY,
        id::CONNECTED_NUMBER,
        id::CALLING_PARTY_NUMBER,
        id::CALLED_PARTY_NUMBER,
        id::REDIRECTING_NUMBER,
        id::RESTART_INDICATOR,
        id::LOW_LAYER_COMPATIBILITY,
        id::HIGH_LAYER_COMPATIBILITY,
        id::USER_USER,
        id::MORE_DATA,
        id::SENDING_COMPLETE,
        id::CONGESTION_LEVEL,
        id::REPEAT_INDICATOR,
    ];
    for id in typed {
        let is_typed = |e: &&Element| !matches!(e, Element::Other { .. }) && e.id() == id;
        assert!(all.iter().any(|e| is_typed(&e)), "no trace of {id:#04x}");
    }
    let kept = [
        id::SEGMENTED_MESSAGE,
        id::CALL_IDENTITY,
        id::NETWORK_SPECIFIC_FACILITIES,
        id::SIGNAL,
        id::CALLING_PARTY_SUBADDRESS,
        id::CALLED_PARTY_SUBADDRESS,
        id::TRANSIT_NETWORK_SELECTION,
    ];
    for id in kept {
        let is_kept = |e: &&Element| matches!(e, Element::Other { codeset: 0, id: found, .. } if *found == id);
        assert!(all.iter().any(|e| is_kept(&e)), "no trace of {id:#04x}");
        assert!(name::of_element(id).is_some());
    }
}

#[test]
fn a_trace_cut_off_anywhere_loses_only_its_end() {
    for trace in traces().iter().filter(|t| t.ignored.is_none()) {
        let whole = decode(&trace.bytes).unwrap().message.elements;
        for length in 0..trace.bytes.len() {
            let Ok(cut) = decode(&trace.bytes[..length]) else { continue };
            let found = &cut.message.elements;
            assert!(whole.starts_with(found), "{} at {length}: {found:?}", trace.title);
        }
    }
}

#[test]
fn every_octet_of_every_trace_may_be_another() {
    for trace in traces() {
        for at in 0..trace.bytes.len() {
            for octet in (0..=255).step_by(17) {
                let mut bytes = trace.bytes.clone();
                bytes[at] = octet;
                crate::property::holds(&bytes);
            }
        }
    }
}

#[test]
fn a_masked_line_keeps_the_last_four_digits_only() {
    let masked = |hex: &str| {
        let bytes: Vec<u8> =
            hex.split(' ').map(|word| u8::from_str_radix(word, 16).unwrap()).collect();
        show(&decode(&bytes).unwrap(), Digits::Masked)
    };
    let lines = masked("08 02 00 01 05 6C 0A 00 80 38 38 38 38 30 30 30 31 70 05 80 36 30 30 31");
    assert_eq!(lines[1], "CALLING ****0001 unknown unknown, allowed, unscreened");
    assert_eq!(lines[2], "CALLED **** unknown unknown", "four digits are a whole extension");
    let lines = masked("08 02 00 01 7B 28 03 42 6F 62 2C 02 31 32 7E 02 04 41");
    assert_eq!(lines[1..], ["DISPLAY \"***\"", "KEYPAD **", "USER-USER 2 octets"]);
}
