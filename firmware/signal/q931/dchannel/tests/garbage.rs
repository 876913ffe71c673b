//! Nonsense in every state: nothing panics, everything stays bounded, and calls still end.

use proptest::prelude::*;

use super::*;

use MessageType as M;

/// One call in each state that a far end can bring us to.
fn desks(role: Role) -> Vec<Desk> {
    let slot = if role == Role::User { 3 } else { 1 };
    let calling = |kinds: &[(M, bool)]| {
        let mut desk = Desk::new(role, |_| {});
        let call = desk.place(CallSetup { complete: false, ..to("1") });
        for (kind, ours) in kinds {
            if *ours {
                desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
            } else {
                desk.answers(*kind, &[channel(slot), cause(16)]);
            }
        }
        desk
    };
    let called = |act: fn(&mut DChannel, Tick, CallId)| {
        let mut desk = Desk::new(role, |config| config.overlap = true);
        let mut elements = setup_on(2, true);
        elements.pop();
        desk.calls(M::Setup, &elements);
        let call = incoming(&desk.told());
        desk.act(|us, now| act(us, now, call));
        desk
    };
    vec![
        calling(&[]),
        calling(&[(M::SetupAcknowledge, false)]),
        calling(&[(M::CallProceeding, false)]),
        calling(&[(M::Alerting, false)]),
        calling(&[(M::Connect, false)]),
        calling(&[(M::Connect, false), (M::Disconnect, true)]),
        calling(&[(M::Connect, false), (M::Disconnect, false)]),
        called(|_, _, _| {}),
        called(|us, now, call| us.proceed(now, call, false)),
        called(|us, now, call| us.alert(now, call, true)),
        called(|us, now, call| us.answer(now, call)),
        called(|us, now, call| us.disconnect_with_tone(now, call, Cause::UserBusy)),
    ]
}

/// A message about a call that is there, or nearly: any type, elements of any contents.
fn nonsense() -> impl Strategy<Value = Vec<u8>> {
    let element = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..6)).prop_map(|(id, body)| {
        let mut octets = vec![id];
        if id < 0x80 {
            octets.push(body.len() as u8);
            octets.extend(body);
        }
        octets
    });
    let reference = prop_oneof![Just(vec![2, 0, 7]), Just(vec![2, 0x80, 1]), Just(vec![2, 0, 0])];
    let known = (0..M::KNOWN.len()).prop_map(|index| M::KNOWN[index].code());
    let kind = prop_oneof![4 => known, 1 => any::<u8>()];
    (reference, kind, prop::collection::vec(element, 0..5)).prop_map(|(reference, kind, rest)| {
        let mut message = vec![0x08];
        message.extend(reference);
        message.push(kind);
        message.extend(rest.concat());
        message
    })
}

/// A whole message of a type that fits, without or with what must be in it.
fn sense() -> impl Strategy<Value = Vec<u8>> {
    let reference = prop_oneof![Just(ours(7)), Just(theirs(1))];
    let kind = (0..M::KNOWN.len()).prop_map(|index| M::KNOWN[index]);
    (reference, kind, any::<[bool; 6]>(), 0..4_u8, 0..128_u8).prop_map(
        |(reference, kind, with, slot, value)| {
            let all = [
                channel(slot),
                cause(value),
                Element::CallState(value % 64),
                tones(),
                Element::Keypad("12".into()),
                Element::BearerCapability(BearerCapability::speech()),
            ];
            let elements = all.into_iter().zip(with).filter(|(_, with)| *with).map(|(e, _)| e);
            Message { elements: elements.collect(), ..Message::new(reference, kind) }.to_bytes()
        },
    )
}

fn survive(role: Role, messages: &[Vec<u8>]) {
    for mut desk in desks(role) {
        for message in messages {
            desk.hear_bytes(message.clone());
            desk.run(500);
        }
        desk.told();
        assert!(desk.us.snapshot().calls.len() <= 3);
        // Nobody answers any more: what is there ends by its own timers, or by ours.
        desk.run(600_000);
        for call in desk.us.snapshot().calls {
            desk.act(|us, now| us.hang_up(now, call.call, Cause::NormalClearing));
        }
        desk.run(600_000);
        let calls = desk.us.snapshot().calls;
        assert!(calls.is_empty(), "{calls:?}");
        let timer = desk.us.next_timeout().map(|(_, timer)| timer);
        assert_eq!(timer, Some(Timer::Link));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn octets_of_any_kind(
        user in any::<bool>(),
        messages in prop::collection::vec(nonsense(), 1..12),
    ) {
        survive(if user { Role::User } else { Role::Network }, &messages);
    }

    #[test]
    fn messages_in_the_wrong_place(
        user in any::<bool>(),
        messages in prop::collection::vec(sense(), 1..12),
    ) {
        survive(if user { Role::User } else { Role::Network }, &messages);
    }

    #[test]
    fn frames_of_any_kind(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..50)) {
        let (mut desk, _) = Desk::talking(Role::User);
        for frame in frames {
            desk.us.handle_frame(desk.now, &frame);
            desk.pump();
        }
    }
}

#[test]
fn the_desks_stand_in_every_state() {
    let mut states = Vec::new();
    for role in [Role::User, Role::Network] {
        states.extend(desks(role).iter().flat_map(Desk::states));
    }
    states.sort_unstable();
    states.dedup();
    assert_eq!(states, [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 19, 25]);
}
