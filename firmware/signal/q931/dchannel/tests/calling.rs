//! The side that calls: §5.1 of a user, §5.2 of a network.

use super::*;

use MessageType as M;

#[test]
fn a_user_calls_en_bloc_and_proposes_its_highest_channel() {
    let mut desk = Desk::user();
    let call = desk.place(to("13800138000"));
    assert_eq!(
        desk.said(),
        ["SETUP cr=1 | SENDING COMPLETE | BEARER speech, A-law | CHANNEL 3 preferred \
          | CALLING 1060001234 national isdn | CALLED 13800138000 unknown isdn"]
    );
    assert_eq!(desk.states(), [1]);
    desk.answers(M::CallProceeding, &[channel(3)]);
    assert_eq!((desk.states(), desk.said()), (vec![3], vec![]));
    desk.answers(M::Alerting, &[tones()]);
    assert_eq!(desk.states(), [4]);
    desk.answers(M::Connect, &[]);
    assert_eq!((desk.states(), desk.said()), (vec![10], vec!["CONNECT ACKNOWLEDGE cr=1".into()]));
    assert_eq!(
        desk.told(),
        [
            phase(call, LegPhase::Proceeding, Some(3), false),
            phase(call, LegPhase::Alerting, Some(3), true),
            phase(call, LegPhase::Answered, Some(3), false),
        ]
    );
}

#[test]
fn a_network_calls_and_says_which_channel_and_who() {
    let mut desk = Desk::network();
    let setup = CallSetup { display: Some("Reception".into()), inband: true, ..to("60001234") };
    desk.place(setup);
    assert_eq!(
        desk.said(),
        ["SETUP cr=1 | SENDING COMPLETE | BEARER speech, A-law | CHANNEL 1 exclusive \
          | PROGRESS 1 not end-to-end ISDN, public-local | DISPLAY \"Reception\" \
          | CALLING 1060001234 national isdn | CALLED 60001234 unknown isdn"]
    );
    assert_eq!(desk.states(), [6]);
    desk.answers(M::Alerting, &[]);
    assert_eq!(desk.states(), [7]);
    desk.answers(M::Connect, &[]);
    assert_eq!((desk.states(), desk.kinds()), (vec![10], vec![M::ConnectAcknowledge]));
}

#[test]
fn a_user_shows_no_name() {
    let mut desk = Desk::user();
    desk.place(CallSetup { display: Some("Reception".into()), ..to("1") });
    assert!(!desk.said()[0].contains("DISPLAY"));
}

#[test]
fn an_answer_without_channel_accepts_the_proposed_one() {
    let mut desk = Desk::user();
    let call = desk.place(to("1"));
    desk.answers(M::Connect, &[]);
    assert_eq!(desk.told(), [phase(call, LegPhase::Answered, Some(3), false)]);
}

#[test]
fn digits_are_sent_one_by_one_when_the_network_wants_more() {
    let mut desk = Desk::user();
    let call = desk.place(CallSetup { complete: false, ..to("138") });
    desk.act(|us, now| us.dial(now, call, "0013", false));
    assert!(!desk.said()[0].contains("SENDING COMPLETE"));
    assert_eq!(desk.said(), Vec::<String>::new(), "kept until the far end asks");
    desk.answers(M::SetupAcknowledge, &[channel(3), tones()]);
    assert_eq!(desk.said(), ["INFORMATION cr=1 | CALLED 0013 unknown isdn"]);
    assert_eq!(desk.told(), [phase(call, LegPhase::Dialing, Some(3), true)]);
    desk.act(|us, now| us.dial(now, call, "8000", true));
    assert_eq!(desk.said(), ["INFORMATION cr=1 | SENDING COMPLETE | CALLED 8000 unknown isdn"]);
    desk.answers(M::CallProceeding, &[]);
    assert_eq!(desk.states(), [3]);
    desk.act(|us, now| us.dial(now, call, "1", false));
    assert_eq!((desk.said(), desk.counted(Counted::Misplaced)), (vec![], 1));
}

#[test]
fn a_number_that_never_ends_is_not_sent() {
    let mut desk = Desk::user();
    let call = desk.place(CallSetup { complete: false, ..to("1") });
    desk.answers(M::SetupAcknowledge, &[channel(3)]);
    for _ in 0..9 {
        desk.act(|us, now| us.dial(now, call, "12345", false));
    }
    assert_eq!((desk.kinds().len(), desk.counted(Counted::Misplaced)), (1 + 8, 1));
}

#[test]
fn an_overlap_that_nobody_ends_is_cleared_by_t304() {
    let mut desk = Desk::user();
    desk.place(CallSetup { complete: false, ..to("138") });
    desk.answers(M::SetupAcknowledge, &[channel(3)]);
    desk.run(29_999);
    assert_eq!(desk.states(), [2]);
    desk.said();
    desk.run(1);
    assert_eq!(desk.said(), ["DISCONNECT cr=1 | CAUSE 102 timer_expiry, user [33 30 34]"]);
    assert_eq!(desk.states(), [11]);
}

#[test]
fn a_setup_that_nobody_answers_goes_out_twice_and_is_given_up_by_t303() {
    for (role, cause) in
        [(Role::User, Cause::TimerExpiry), (Role::Network, Cause::NoUserResponding)]
    {
        let mut desk = Desk::new(role, |_| {});
        desk.place(to("1"));
        let first = desk.said();
        desk.run(4_000);
        assert_eq!(desk.said(), first);
        desk.run(4_000);
        assert_eq!(desk.kinds(), [M::ReleaseComplete]);
        assert_eq!(desk.ended(), (cause, Side::Box));
        assert!(desk.is_clean());
    }
}

#[test]
fn a_call_that_only_proceeds_is_cleared_by_t310() {
    for (role, ms) in [(Role::User, 120_000), (Role::Network, 10_000)] {
        let mut desk = Desk::new(role, |_| {});
        desk.place(to("1"));
        desk.answers(M::CallProceeding, &[channel(if role == Role::User { 3 } else { 1 })]);
        desk.run(ms - 1);
        assert_eq!(desk.kinds(), [M::Setup]);
        desk.run(1);
        assert!(desk.said()[0].contains("DISCONNECT cr=1 | CAUSE 102"));
    }
}

#[test]
fn a_call_that_only_rings_is_cleared_by_t301_as_not_answered() {
    let mut desk = Desk::user();
    desk.place(to("1"));
    desk.answers(M::Alerting, &[channel(3)]);
    desk.said();
    desk.run(180_000);
    assert_eq!(desk.said(), ["DISCONNECT cr=1 | CAUSE 19 no_answer, user"]);
    desk.answers(M::Release, &[]);
    assert_eq!(
        (desk.kinds(), desk.ended()),
        (vec![M::ReleaseComplete], (Cause::NoAnswer, Side::Box))
    );
}

#[test]
fn progress_with_an_announcement_is_heard_and_stops_t310() {
    let mut desk = Desk::user();
    let call = desk.place(to("1"));
    desk.answers(M::CallProceeding, &[channel(3)]);
    desk.told();
    desk.answers(M::Progress, &[cause(1), tones()]);
    let told = Output::Phase {
        call,
        phase: LegPhase::Proceeding,
        cause: Some(Cause::UnallocatedNumber),
        by: None,
        channel: Some(3),
        inband: true,
    };
    assert_eq!(desk.told(), [told]);
    desk.run(179_999);
    assert_eq!(desk.states(), [3]);
    desk.run(1);
    assert_eq!(desk.states(), [11]);
}

#[test]
fn an_exchange_that_begins_with_progress_is_understood() {
    let mut desk = Desk::user();
    let call = desk.place(to("1"));
    desk.answers(M::Progress, &[channel(2), tones()]);
    assert_eq!(desk.states(), [3]);
    assert_eq!(desk.told().last(), Some(&phase(call, LegPhase::Proceeding, Some(2), true)));
    desk.run(20_000);
    assert_eq!(desk.kinds(), [M::Setup], "the SETUP counts as answered");
}

#[test]
fn a_connect_can_come_at_once_and_a_name_is_shown() {
    let mut desk = Desk::user();
    let call = desk.place(to("1"));
    desk.answers(M::Connect, &[channel(3), Element::Display("Anna".into())]);
    assert_eq!(
        desk.told(),
        [
            Output::Display { call, text: "Anna".into() },
            phase(call, LegPhase::Answered, Some(3), false),
        ]
    );
}

#[test]
fn notices_in_a_call_change_nothing() {
    let (mut desk, _) = Desk::talking(Role::User);
    desk.answers(M::Notify, &[Element::NotificationIndicator(0)]);
    desk.answers(M::Facility, &[Element::Facility(vec![0x91])]);
    desk.answers(M::Information, &[Element::Keypad("5".into())]);
    desk.answers(M::ConnectAcknowledge, &[]);
    assert_eq!((desk.states(), desk.said(), desk.told()), (vec![10], vec![], vec![]));
    assert_eq!(desk.counted(Counted::MessageIgnored), 3);
}

#[test]
fn call_references_are_counted_up_and_never_given_twice_at_once() {
    let mut desk = Desk::user();
    desk.us.last_reference = 0x7FFE;
    let first = desk.place(to("1"));
    desk.place(to("2"));
    assert!(desk.said()[1].starts_with("SETUP cr=1 "));
    desk.us.last_reference = 0x7FFE;
    desk.place(to("3"));
    assert!(desk.said()[0].starts_with("SETUP cr=2 "), "32767 and 1 are in use");
    assert_eq!(first, CallId(1));
    assert_eq!(desk.us.place(desk.now, to("4")), Err(Refused::NoChannel));
}
