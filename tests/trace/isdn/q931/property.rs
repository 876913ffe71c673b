//! Whatever comes in, nothing panics; whatever goes out comes back the same.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use signal::limits::{
    Q931_CHANNELS_MAX, Q931_DIGITS_MAX, Q931_ELEMENTS_MAX, Q931_MESSAGE_OCTETS_MAX,
};
use signal::q931::wire::{
    BearerCapability, CALL_REFERENCE_MAX, CallReference, Capability, CauseElement,
    ChannelIdentification, CodingStandard, DateTime, Digits, Element, FaultKind, Interface, Layer,
    Location, Message, MessageType, NumberPlan, NumberType, Party, Presentation, ProgressIndicator,
    Redirecting, RedirectionReason, RestartClass, Screening, Which, WireError, decode, encode,
    show,
};

/// What is true of any octets: no panic, bounded, and what was understood is written so that it is
/// understood the same.
pub fn holds(bytes: &[u8]) {
    let Ok(decoded) = decode(bytes) else { return };
    assert!(decoded.message.elements.len() <= Q931_ELEMENTS_MAX);
    assert!(show(&decoded, Digits::Masked).len() <= 1 + 2 * Q931_MESSAGE_OCTETS_MAX);
    let mut ours = Vec::new();
    if encode(&decoded.message, &mut ours) > 0 {
        return;
    }
    assert!(ours.len() <= Q931_MESSAGE_OCTETS_MAX);
    let again = decode(&ours).unwrap();
    let heavy = [FaultKind::Content, FaultKind::Repeated, FaultKind::OutOfSequence];
    assert!(again.faults.iter().all(|f| !heavy.contains(&f.kind)), "{:?}", again.faults);
    assert_eq!(again.message.to_bytes(), ours);
    assert_eq!(again.message.elements.len(), decoded.message.elements.len());
    for element in &again.message.elements {
        assert!(decoded.message.elements.contains(element), "{element:?}");
    }
}

fn standard() -> impl Strategy<Value = CodingStandard> {
    use CodingStandard as C;
    proptest::sample::select(vec![C::Itu, C::Iso, C::National, C::Network])
}

fn location() -> impl Strategy<Value = Location> {
    (0..16u8).prop_map(Location::from_code)
}

fn text(max: usize) -> impl Strategy<Value = String> {
    vec(0x20..0x7Fu8, 1..=max).prop_map(|octets| String::from_utf8(octets).unwrap())
}

fn layer(most: usize) -> impl Strategy<Value = Option<Layer>> {
    let layer = (0..32u8, vec(0..128u8, 0..=most));
    option::of(layer.prop_map(|(protocol, more)| Layer { protocol, more }))
}

prop_compose! {
    fn bearer()(
        standard in standard(),
        capability in proptest::sample::select(vec![
            Capability::Speech, Capability::Unrestricted, Capability::Restricted,
            Capability::Audio3k1, Capability::UnrestrictedWithTones, Capability::Video,
            Capability::Reserved(3),
        ]),
        mode in 0..4u8,
        rate in 0..32u8,
        multiplier in 0..128u8,
        layer1 in layer(2),
        layer2 in layer(1),
        layer3 in layer(1),
    ) -> BearerCapability {
        // A rate that is no multiple has no multiplier.
        let multiplier = (rate == 24).then_some(multiplier);
        BearerCapability { standard, capability, mode, rate, multiplier, layer1, layer2, layer3 }
    }
}

prop_compose! {
    fn cause()(
        standard in standard(),
        location in location(),
        recommendation in option::of(0..128u8),
        value in 0..128u8,
        diagnostics in vec(any::<u8>(), 0..27),
    ) -> CauseElement {
        CauseElement { standard, location, recommendation, value, diagnostics }
    }
}

fn channel() -> impl Strategy<Value = ChannelIdentification> {
    let interface = prop_oneof![
        3 => Just(Interface::Implicit),
        1 => vec(0..128u8, 1..4).prop_map(Interface::Explicit),
    ];
    let which = prop_oneof![
        Just(Which::None),
        Just(Which::Any),
        vec(0..128u8, 1..=Q931_CHANNELS_MAX).prop_map(Which::Slots),
        any::<u32>().prop_map(Which::Map),
    ];
    (interface, any::<bool>(), any::<bool>(), which).prop_map(
        |(interface, exclusive, d_channel, which)| ChannelIdentification {
            interface,
            exclusive,
            d_channel,
            which,
        },
    )
}

/// With octet 3a or without, in the form that a decoded one has.
fn party(shown: impl Strategy<Value = bool>) -> impl Strategy<Value = Party> {
    (0..8u8, 0..16u8, shown, 0..4u8, 0..4u8, "[0-9*#]{0,32}").prop_map(
        |(kind, plan, shown, presentation, screening, digits)| Party {
            kind: NumberType::from_code(kind),
            plan: NumberPlan::from_code(plan),
            presentation: shown.then(|| Presentation::from_code(presentation)),
            screening: shown.then(|| Screening::from_code(screening)),
            digits,
        },
    )
}

fn redirecting() -> impl Strategy<Value = Redirecting> {
    let with_reason = (party(Just(true)), (0..16u8).prop_map(RedirectionReason::from_code))
        .prop_map(|(party, reason)| Redirecting { party, reason: Some(reason) });
    let without = party(any::<bool>()).prop_map(|party| Redirecting { party, reason: None });
    prop_oneof![with_reason, without]
}

fn moment() -> impl Strategy<Value = DateTime> {
    (0..100u8, 1..13u8, 1..32u8, 0..4usize, 0..24u8, 0..60u8, 0..60u8).prop_map(
        |(year, month, day, told, hour, minute, second)| DateTime {
            year,
            month,
            day,
            hour: (told > 0).then_some(hour),
            minute: (told > 1).then_some(minute),
            second: (told > 2).then_some(second),
        },
    )
}

fn progress() -> impl Strategy<Value = ProgressIndicator> {
    (standard(), location(), 0..128u8).prop_map(|(standard, location, description)| {
        ProgressIndicator { standard, location, description }
    })
}

fn octets(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..=max)
}

fn restart() -> impl Strategy<Value = RestartClass> {
    use RestartClass as R;
    proptest::sample::select(vec![R::IndicatedChannels, R::SingleInterface, R::AllInterfaces])
}

fn other() -> impl Strategy<Value = Element> {
    // Codeset 0: an identifier that no typed element has.
    let untyped = proptest::sample::select(vec![0x00, 0x02, 0x10, 0x34, 0x6D, 0x71, 0x78, 0x7F]);
    let plain = (untyped, octets(8)).prop_map(|(id, content)| (0, id, content));
    let single = (1..8u8, proptest::sample::select(vec![0x80, 0xA1, 0xC5, 0xE0]))
        .prop_map(|(codeset, id)| (codeset, id, Vec::new()));
    let shifted = (1..8u8, 0..128u8, octets(8));
    prop_oneof![plain, single, shifted].prop_map(|(codeset, id, content)| Element::Other {
        codeset,
        id,
        content,
    })
}

fn element() -> impl Strategy<Value = Element> {
    prop_oneof![
        bearer().prop_map(Element::BearerCapability),
        cause().prop_map(Element::Cause),
        (0..64u8).prop_map(Element::CallState),
        channel().prop_map(Element::ChannelIdentification),
        octets(40).prop_map(Element::Facility),
        progress().prop_map(Element::ProgressIndicator),
        (0..128u8).prop_map(Element::NotificationIndicator),
        text(80).prop_map(Element::Display),
        moment().prop_map(Element::DateTime),
        text(Q931_DIGITS_MAX).prop_map(Element::Keypad),
        party(any::<bool>()).prop_map(Element::ConnectedNumber),
        party(any::<bool>()).prop_map(Element::CallingParty),
        party(Just(false)).prop_map(Element::CalledParty),
        redirecting().prop_map(Element::RedirectingNumber),
        restart().prop_map(Element::RestartIndicator),
        octets(16).prop_map(Element::LowLayer),
        octets(3).prop_map(Element::HighLayer),
        octets(129).prop_map(Element::UserUser),
        Just(Element::MoreData),
        Just(Element::SendingComplete),
        (0..16u8).prop_map(Element::CongestionLevel),
        other(),
    ]
}

fn reference() -> impl Strategy<Value = CallReference> {
    let call = (1..=CALL_REFERENCE_MAX, any::<bool>())
        .prop_map(|(value, from_origin)| CallReference::Call { value, from_origin });
    let global = any::<bool>().prop_map(|from_origin| CallReference::Global { from_origin });
    prop_oneof![8 => call, 1 => global, 1 => Just(CallReference::Dummy)]
}

fn kind() -> impl Strategy<Value = MessageType> {
    prop_oneof![
        8 => proptest::sample::select(MessageType::KNOWN),
        1 => any::<u8>().prop_map(MessageType::National),
        1 => proptest::sample::select(vec![0x04, 0x24, 0x55, 0x80, 0xFF])
            .prop_map(MessageType::Unknown),
    ]
}

/// A message with elements in any order, each identifier once.
fn message() -> impl Strategy<Value = Message> {
    (reference(), kind(), vec(element(), 0..8)).prop_map(|(reference, kind, all)| {
        let mut elements: Vec<Element> = Vec::new();
        for element in all {
            let place = (element.codeset(), element.id());
            if elements.iter().all(|e| (e.codeset(), e.id()) != place) {
                elements.push(element);
            }
        }
        Message { reference, kind, elements }
    })
}

/// For comparing without order: within a codeset no identifier stands twice.
fn sorted(mut elements: Vec<Element>) -> Vec<Element> {
    elements.sort_by_key(|element| (element.codeset(), element.id()));
    elements
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn what_we_write_is_read_the_same(message in message()) {
        let mut bytes = vec![0xEE];
        let left_out = encode(&message, &mut bytes);
        prop_assert_eq!(bytes.remove(0), 0xEE, "appends");
        prop_assert!(bytes.len() <= Q931_MESSAGE_OCTETS_MAX);
        let again = decode(&bytes).unwrap();
        let harmless = |kind| matches!(kind, FaultKind::Unrecognised | FaultKind::Comprehension);
        prop_assert!(again.faults.iter().all(|f| harmless(f.kind)), "{:?}", again.faults);
        prop_assert_eq!(again.message.reference, message.reference);
        prop_assert_eq!(again.message.kind, message.kind);
        prop_assert_eq!(again.message.elements.len() + left_out, message.elements.len());
        if left_out == 0 {
            prop_assert_eq!(again.message.to_bytes(), bytes);
            prop_assert_eq!(sorted(again.message.elements), sorted(message.elements));
        }
    }

    #[test]
    fn a_message_in_the_order_of_the_standard_comes_back_equal(message in message()) {
        let Ok(in_order) = decode(&message.to_bytes()) else { unreachable!() };
        prop_assert_eq!(decode(&in_order.message.to_bytes()).unwrap(), in_order);
    }

    #[test]
    fn any_octets_are_read_without_panic(bytes in vec(any::<u8>(), 0..300)) {
        holds(&bytes);
    }

    #[test]
    fn any_octets_behind_a_header_are_read_without_panic(
        kind in any::<u8>(),
        elements in vec(any::<u8>(), 0..255),
    ) {
        let mut bytes = vec![0x08, 0x02, 0x00, 0x01, kind];
        bytes.extend(elements);
        holds(&bytes);
    }
}

#[test]
fn more_octets_than_a_frame_carries_are_refused() {
    let bytes = vec![0x08; Q931_MESSAGE_OCTETS_MAX + 1];
    assert_eq!(decode(&bytes), Err(WireError::TooLong(Q931_MESSAGE_OCTETS_MAX + 1)));
}

#[test]
fn more_elements_than_the_bound_are_left_out_and_told() {
    let mut bytes = vec![0x08, 0x02, 0x00, 0x01, 0x62];
    for _ in 0..=Q931_ELEMENTS_MAX {
        bytes.extend([0x1C, 0x01, 0x91]);
    }
    let decoded = decode(&bytes).unwrap();
    assert_eq!(decoded.message.elements.len(), Q931_ELEMENTS_MAX);
    assert_eq!(decoded.faults.len(), 1);
    assert_eq!(decoded.faults[0].kind, FaultKind::TooMany);
}
