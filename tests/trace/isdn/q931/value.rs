//! Octets against values that are written out field by field: what the lines of a trace do not tell
//! apart, and what the machine relies on.

use signal::limits::Q931_MESSAGE_OCTETS_MAX;
use signal::q931::wire::{
    BearerCapability, CallReference, CauseElement, ChannelIdentification, Element, Fault,
    FaultKind, Location, Message, MessageType, NumberPlan, NumberType, Party, Presentation,
    ProgressIndicator, Redirecting, RedirectionReason, RestartClass, Screening, Sender, Which,
    decode, encode, id, is_mandatory, missing,
};

const CALL: CallReference = CallReference::Call { value: 5, from_origin: true };

#[test]
fn a_setup_is_these_octets() {
    // Built in another order than the standard's.
    let setup = Message::new(CALL, MessageType::Setup)
        .with(Element::CalledParty(Party::new(NumberType::International, "8613800000001")))
        .with(Element::RedirectingNumber(Redirecting {
            party: Party::new(NumberType::Subscriber, "99")
                .shown(Presentation::Restricted, Screening::Network),
            reason: Some(RedirectionReason::NoReply),
        }))
        .with(Element::CallingParty(
            Party::new(NumberType::National, "1088")
                .shown(Presentation::Allowed, Screening::UserPassed),
        ))
        .with(Element::ChannelIdentification(ChannelIdentification::slot(3, false)))
        .with(Element::ProgressIndicator(ProgressIndicator::new(
            Location::User,
            ProgressIndicator::NEAR_NOT_ISDN,
        )))
        .with(Element::BearerCapability(BearerCapability::speech()))
        .with(Element::SendingComplete);
    let octets = [
        &[0x08, 0x02, 0x00, 0x05, 0x05, 0xA1][..],
        &[0x04, 0x03, 0x80, 0x90, 0xA3],
        &[0x18, 0x03, 0xA1, 0x83, 0x83],
        &[0x1E, 0x02, 0x80, 0x83],
        &[0x6C, 0x06, 0x21, 0x81, b'1', b'0', b'8', b'8'],
        &[0x70, 0x0E, 0x91],
        b"8613800000001",
        &[0x74, 0x05, 0x41, 0x23, 0x82, b'9', b'9'],
    ];
    assert_eq!(setup.to_bytes(), octets.concat());
    let read = decode(&setup.to_bytes()).unwrap();
    assert_eq!(read.faults, []);
    assert_eq!(read.message.reference, CALL);
    assert_eq!(read.message.called().unwrap().digits, "8613800000001");
    assert_eq!(read.message.calling().unwrap().screening, Some(Screening::UserPassed));
    assert_eq!(read.message.channel().unwrap().single(), Some(3));
    assert!(read.message.bearer().unwrap().is_voice());
    assert!(read.message.is_complete());
}

#[test]
fn the_flag_tells_who_chose_the_reference() {
    let reference = |bytes: &[u8]| decode(bytes).unwrap().message.reference;
    let theirs = CallReference::Call { value: 0x7FFF, from_origin: false };
    assert_eq!(reference(&[8, 2, 0xFF, 0xFF, 1]), theirs);
    assert_eq!(reference(&[8, 2, 0, 0, 0x46]), CallReference::Global { from_origin: true });
    assert_eq!(reference(&[8, 1, 0x80, 0x4E]), CallReference::Global { from_origin: false });
    assert_eq!(reference(&[8, 0, 0x62]), CallReference::Dummy);
}

#[test]
fn slots_are_the_same_by_number_and_by_map() {
    let numbers = ChannelIdentification {
        which: Which::Slots(vec![31, 1, 17, 1]),
        ..ChannelIdentification::any()
    };
    let map = ChannelIdentification {
        which: Which::Map(1 << 1 | 1 << 17 | 1 << 31),
        ..ChannelIdentification::any()
    };
    assert_eq!(numbers.which.slots(), [1, 17, 31]);
    assert_eq!(map.which.slots(), [1, 17, 31]);
    assert_eq!(map.single(), None);
    assert_eq!(ChannelIdentification::any().single(), None);
}

#[test]
fn a_cause_is_the_cause_of_the_house() {
    assert_eq!(CauseElement::new(Location::User, 17).cause(), call::Cause::UserBusy);
    assert_eq!(CauseElement::new(Location::User, 26).cause(), call::Cause::NormalUnspecified);
}

#[test]
fn what_may_be_heard_in_the_channel() {
    let heard: Vec<u8> =
        (0..=127).filter(|d| ProgressIndicator::new(Location::User, *d).is_inband()).collect();
    assert_eq!(heard, [1, 2, 8]);
}

#[test]
fn a_display_is_found_in_codeset_0_and_as_plain_text_in_6() {
    let display = |elements: &[u8]| {
        let mut bytes = vec![8, 2, 0, 1, 0x7B];
        bytes.extend_from_slice(elements);
        decode(&bytes).unwrap().message.display()
    };
    assert_eq!(display(&[0x28, 2, b'O', b'K']), Some("OK".to_owned()));
    assert_eq!(display(&[0x96, 0x28, 2, b'O', b'K']), Some("OK".to_owned()));
    assert_eq!(display(&[0x96, 0x28, 2, b'O', 0x05]), None);
    assert_eq!(display(&[0x95, 0x28, 2, b'O', b'K']), None);
}

#[test]
fn a_fault_names_its_element() {
    let decoded = decode(&[8, 2, 0, 1, 0x45, 0x08, 1, 0x80, 0x03, 1, 1]).unwrap();
    let fault = |kind, id| Fault { kind, codeset: 0, id };
    let expected = [
        fault(FaultKind::Content, id::CAUSE),
        fault(FaultKind::OutOfSequence, 0x03),
        fault(FaultKind::Comprehension, 0x03),
    ];
    assert_eq!(decoded.faults, expected);
    assert_eq!(missing(&decoded.message, Sender::User, true), [id::CAUSE]);
    assert!(is_mandatory(MessageType::Disconnect, Sender::User, true, id::CAUSE));
}

#[test]
fn a_bare_message_misses_what_the_tables_of_section_3_demand() {
    use MessageType as M;
    let from = |kind, sender, first| missing(&Message::new(CALL, kind), sender, first);
    let (user, network) = (Sender::User, Sender::Network);
    assert_eq!(from(M::Setup, user, true), [id::BEARER_CAPABILITY]);
    assert_eq!(from(M::Setup, network, true), [id::BEARER_CAPABILITY, id::CHANNEL_IDENTIFICATION]);
    for kind in [M::SetupAcknowledge, M::CallProceeding, M::Alerting, M::Connect] {
        assert_eq!(from(kind, network, true), [id::CHANNEL_IDENTIFICATION]);
        assert_eq!(from(kind, network, false), []);
        assert_eq!(from(kind, user, true), [], "silence accepts the proposed channel");
    }
    for kind in [M::Release, M::ReleaseComplete] {
        assert_eq!(from(kind, user, true), [id::CAUSE]);
        assert_eq!(from(kind, user, false), []);
    }
    assert_eq!(from(M::Disconnect, user, false), [id::CAUSE]);
    assert_eq!(from(M::Status, user, false), [id::CAUSE, id::CALL_STATE]);
    assert_eq!(from(M::Progress, network, false), [id::PROGRESS_INDICATOR]);
    assert_eq!(from(M::Notify, network, false), [id::NOTIFICATION_INDICATOR]);
    assert_eq!(from(M::Restart, network, false), [id::RESTART_INDICATOR]);
    assert_eq!(from(M::RestartAcknowledge, user, false), [id::RESTART_INDICATOR]);
    assert_eq!(from(M::Facility, user, false), [id::FACILITY]);
    assert_eq!(from(M::Segment, user, false), [id::SEGMENTED_MESSAGE]);
    assert_eq!(from(M::UserInformation, user, false), [id::USER_USER]);
    assert_eq!(from(M::CongestionControl, user, false), [id::CAUSE, id::CONGESTION_LEVEL]);
    for kind in [M::ConnectAcknowledge, M::Information, M::StatusEnquiry, M::Unknown(0x55)] {
        assert_eq!(from(kind, network, true), []);
    }
}

#[test]
fn a_restart_of_indicated_channels_must_indicate_them() {
    let restart = |class| {
        let global = CallReference::Global { from_origin: true };
        Message::new(global, MessageType::Restart).with(Element::RestartIndicator(class))
    };
    let bare = restart(RestartClass::IndicatedChannels);
    assert_eq!(missing(&bare, Sender::User, false), [id::CHANNEL_IDENTIFICATION]);
    let slot = Element::ChannelIdentification(ChannelIdentification::slot(1, true));
    assert_eq!(missing(&bare.with(slot), Sender::User, false), []);
    assert_eq!(missing(&restart(RestartClass::SingleInterface), Sender::User, false), []);
}

#[test]
fn what_cannot_be_sent_is_cut_off_or_left_out() {
    let long = "1".repeat(40);
    let message = Message::new(CALL, MessageType::Information)
        .with(Element::CalledParty(Party {
            plan: NumberPlan::Unknown,
            ..Party::new(NumberType::Unknown, format!("1\u{7}{long}"))
        }))
        .with(Element::Display("\u{5f20}\u{4e09} 1".to_owned() + &"x".repeat(90)))
        .with(Element::Keypad(String::new()))
        .with(Element::Other { codeset: 0, id: 0x96, content: Vec::new() })
        .with(Element::Other { codeset: 8, id: 0x01, content: vec![1] });
    let read = decode(&message.to_bytes()).unwrap();
    assert_eq!(read.faults, []);
    assert_eq!(read.message.elements.len(), 2);
    assert_eq!(read.message.called().unwrap().digits, "1".repeat(32));
    assert_eq!(read.message.display().unwrap(), "?? 1".to_owned() + &"x".repeat(76));

    let octets = |id: u8| Element::Other { codeset: 0, id, content: vec![7; 120] };
    let full = Message::new(CALL, MessageType::Information)
        .with(octets(0x6D))
        .with(octets(0x71))
        .with(octets(0x78))
        .with(Element::Keypad("5".to_owned()));
    let mut out = Vec::new();
    assert_eq!(encode(&full, &mut out), 1);
    assert!(out.len() <= Q931_MESSAGE_OCTETS_MAX);
    assert_eq!(decode(&out).unwrap().message.elements.len(), 3);
}

#[test]
fn nothing_is_said_about_the_origin_of_digits_that_octet_3a_does_not_tell() {
    let bytes = [8, 2, 0, 1, 5, 0x6C, 3, 0x21, 0x81, b'7'];
    let shown = decode(&bytes).unwrap().message;
    let expected =
        Party::new(NumberType::National, "7").shown(Presentation::Allowed, Screening::UserPassed);
    assert_eq!(shown.calling(), Some(&expected));
    let bytes = [8, 2, 0, 1, 5, 0x6C, 2, 0xA1, b'7'];
    let plain = decode(&bytes).unwrap().message;
    assert_eq!(plain.calling(), Some(&Party::new(NumberType::National, "7")));
}
