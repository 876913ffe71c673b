//! The side that is called: §5.2 of a user, §5.1 of a network.

use super::*;

use MessageType as M;

#[test]
fn a_user_is_called_and_answers() {
    let mut desk = Desk::user();
    let mut elements = setup_on(2, true);
    elements.push(Element::Display("Bob".into()));
    desk.calls(M::Setup, &elements);
    assert_eq!(desk.states(), [6]);
    let told = desk.told();
    let call = incoming(&told);
    let setup = CallSetup {
        called: Some(Party::new(NumberType::Subscriber, "60001234")),
        display: Some("Bob".into()),
        channel: ChannelWish::Exclusive(2),
        complete: true,
        ..CallSetup::default()
    };
    assert_eq!(told, [Output::Incoming { call, channel: 2, setup }]);
    desk.act(|us, now| us.proceed(now, call, false));
    assert_eq!(desk.states(), [9]);
    desk.act(|us, now| us.alert(now, call, true));
    assert_eq!(desk.states(), [7]);
    desk.act(|us, now| us.answer(now, call));
    assert_eq!(desk.states(), [8]);
    assert_eq!(
        desk.said(),
        [
            "CALL PROCEEDING cr=7' | CHANNEL 2 exclusive",
            "ALERTING cr=7' | PROGRESS 8 tones in the channel, private-local",
            "CONNECT cr=7'",
        ]
    );
    assert_eq!(desk.told(), []);
    desk.calls(M::ConnectAcknowledge, &[]);
    assert_eq!(desk.states(), [10]);
    assert_eq!(desk.told(), [phase(call, LegPhase::Answered, Some(2), false)]);
}

#[test]
fn a_network_is_called_and_is_active_with_its_connect() {
    let mut desk = Desk::network();
    desk.calls(M::Setup, &setup_on(3, false));
    assert_eq!(desk.states(), [1]);
    let call = incoming(&desk.told());
    desk.act(|us, now| us.progress(now, call, true));
    desk.act(|us, now| us.progress(now, call, false));
    assert_eq!(desk.states(), [3]);
    desk.act(|us, now| us.alert(now, call, false));
    assert_eq!(desk.states(), [4]);
    desk.act(|us, now| us.answer(now, call));
    assert_eq!(desk.states(), [10]);
    assert_eq!(desk.told(), [phase(call, LegPhase::Answered, Some(3), false)]);
    assert_eq!(
        desk.said(),
        [
            "CALL PROCEEDING cr=7' | CHANNEL 3 exclusive",
            "PROGRESS cr=7' | PROGRESS 8 tones in the channel, public-local",
            "PROGRESS cr=7' | PROGRESS 4 back in the ISDN, public-local",
            "ALERTING cr=7'",
            "CONNECT cr=7'",
        ]
    );
    desk.calls(M::ConnectAcknowledge, &[]);
    assert_eq!((desk.said(), desk.states()), (vec![], vec![10]));
}

#[test]
fn a_connect_that_the_network_does_not_acknowledge_is_cleared_by_t313() {
    let mut desk = Desk::user();
    desk.calls(M::Setup, &setup_on(2, true));
    let call = incoming(&desk.told());
    desk.act(|us, now| us.answer(now, call));
    assert_eq!(desk.kinds(), [M::Connect]);
    desk.run(4_000);
    let line = "DISCONNECT cr=7' | CAUSE 102 timer_expiry, user [33 31 33]";
    assert_eq!((desk.said(), desk.states()), (vec![line.to_owned()], vec![11]));
}

fn overlapping(role: Role) -> (Desk, CallId) {
    let mut desk = Desk::new(role, |config| config.overlap = true);
    let mut elements = setup_on(2, true);
    elements.pop();
    desk.calls(M::Setup, &elements);
    let told = desk.told();
    let call = incoming(&told);
    assert!(matches!(&told[0], Output::Incoming { setup, .. } if !setup.complete));
    assert_eq!(desk.said(), ["SETUP ACKNOWLEDGE cr=7' | CHANNEL 2 exclusive"]);
    (desk, call)
}

#[test]
fn digits_are_taken_one_by_one() {
    for (role, state) in [(Role::User, 25), (Role::Network, 2)] {
        let (mut desk, call) = overlapping(role);
        assert_eq!(desk.states(), [state]);
        let digits = |text: &str| Element::CalledParty(Party::new(NumberType::Unknown, text));
        desk.calls(M::Information, &[digits("5")]);
        desk.calls(M::Information, &[Element::Keypad("67".into())]);
        desk.calls(M::Information, &[digits("8"), Element::SendingComplete]);
        let told =
            |digits: &str, complete| Output::Digits { call, digits: digits.into(), complete };
        assert_eq!(desk.told(), [told("5", false), told("67", false), told("8", true)]);
        desk.act(|us, now| us.alert(now, call, false));
        assert_eq!(desk.said(), ["ALERTING cr=7'"]);
        desk.calls(M::Information, &[digits("9")]);
        assert_eq!((desk.told(), desk.said()), (vec![], vec![]));
    }
}

#[test]
fn t302_says_that_no_more_digits_come_and_then_that_they_did_not_suffice() {
    let (mut desk, call) = overlapping(Role::User);
    desk.run(14_000);
    desk.calls(M::Information, &[Element::Keypad("5".into())]);
    desk.told();
    desk.run(14_999);
    assert_eq!(desk.told(), []);
    desk.run(1);
    assert_eq!(desk.told(), [Output::Digits { call, digits: String::new(), complete: true }]);
    desk.run(15_000);
    assert_eq!(desk.said(), ["DISCONNECT cr=7' | CAUSE 28 invalid_number, user"]);
}

#[test]
fn a_number_that_never_ends_is_refused() {
    let (mut desk, _) = overlapping(Role::Network);
    for _ in 0..9 {
        desk.calls(M::Information, &[Element::Keypad("12345".into())]);
    }
    assert_eq!(desk.said(), ["DISCONNECT cr=7' | CAUSE 28 invalid_number, public-local"]);
}

#[test]
fn without_overlap_a_number_is_whole_as_it_comes() {
    let mut desk = Desk::user();
    let mut elements = setup_on(2, true);
    elements.pop();
    desk.calls(M::Setup, &elements);
    assert!(matches!(&desk.told()[0], Output::Incoming { setup, .. } if setup.complete));
    assert_eq!(desk.said(), Vec::<String>::new());
}

#[test]
fn a_number_may_come_as_keys() {
    let mut desk = Desk::network();
    let mut elements = setup_on(2, true);
    elements[2] = Element::Keypad("62581001".into());
    desk.calls(M::Setup, &elements);
    let told = desk.told();
    let Output::Incoming { setup, .. } = &told[0] else { panic!("{told:?}") };
    assert_eq!(setup.called.as_ref().unwrap().digits, "62581001");
    assert_eq!(setup.called.as_ref().unwrap().kind, NumberType::Unknown);
}

#[test]
fn a_call_is_refused_at_once_with_the_owners_cause() {
    let mut desk = Desk::user();
    desk.calls(M::Setup, &setup_on(2, true));
    let call = incoming(&desk.told());
    desk.act(|us, now| us.hang_up(now, call, Cause::UserBusy));
    assert_eq!(desk.said(), ["RELEASE COMPLETE cr=7' | CAUSE 17 user_busy, user"]);
    assert_eq!(desk.ended(), (Cause::UserBusy, Side::Box));
    assert!(desk.is_clean());
}

#[test]
fn a_call_that_is_not_for_talking_is_refused() {
    for (role, value) in [(Role::User, 88), (Role::Network, 65)] {
        let mut desk = Desk::new(role, |_| {});
        let mut elements = setup_on(2, true);
        elements[0] = Element::BearerCapability(BearerCapability::unrestricted());
        desk.calls(M::Setup, &elements);
        assert!(desk.said()[0].starts_with(&format!("RELEASE COMPLETE cr=7' | CAUSE {value} ")));
        assert!(desk.told().is_empty() && desk.is_clean());
    }
}

#[test]
fn a_repeated_setup_is_one_call() {
    let mut desk = Desk::user();
    desk.calls(M::Setup, &setup_on(2, true));
    desk.calls(M::Setup, &setup_on(2, true));
    assert_eq!((desk.states(), desk.said()), (vec![6], vec![]));
    incoming(&desk.told());
}

#[test]
fn orders_that_do_not_fit_are_counted_and_do_nothing() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.act(|us, now| us.answer(now, call));
    desk.act(|us, now| us.alert(now, call, true));
    desk.act(|us, now| us.proceed(now, call, false));
    desk.act(|us, now| us.progress(now, call, false));
    desk.act(|us, now| us.hang_up(now, CallId(99), Cause::NormalClearing));
    desk.act(|us, now| us.block(now, 16, true));
    desk.act(|us, now| us.restart(now, Some(16)));
    assert_eq!(desk.counted(Counted::Misplaced), 7);
    assert_eq!((desk.said(), desk.states()), (vec![], vec![10]));
}

#[test]
fn the_place_of_every_call_is_bounded() {
    let mut desk = Desk::network();
    for n in 0..crate::limits::DCHANNEL_CALLS_MAX as u16 {
        // Refused calls hold no place; these have none of the three channels, but hold theirs.
        let key = (n + 1, false);
        let call = desk.us.next_call();
        let machine = Call::arrive(Role::Network, desk.us.config.timers, 1);
        let (slot, agreed, exclusive, retry) = (None, true, true, None);
        desk.us.legs.insert(call, Leg { call: machine, key, slot, agreed, exclusive, retry });
    }
    desk.hear(Message { elements: setup_on(2, true), ..Message::new(ours(99), M::Setup) });
    assert!(desk.said()[0].starts_with("RELEASE COMPLETE cr=99' | CAUSE 42 "));
    assert_eq!(desk.counted(Counted::Full), 1);
    assert_eq!(desk.us.place(desk.now, to("1")), Err(Refused::Full));
}
