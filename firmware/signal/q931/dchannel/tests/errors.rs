//! What is wrong with a message, and STATUS: §5.8.

use super::*;

use crate::q931::fault::Fault;
use MessageType as M;

/// An element that nobody knows and that must be understood (§5.8.7.1).
fn mystery() -> Element {
    Element::Other { codeset: 0, id: 0x02, content: vec![1] }
}

fn faults(told: &[Output]) -> Vec<Fault> {
    told.iter()
        .filter_map(|output| match output {
            Output::Error(Trouble::Call { fault, .. }) => Some(*fault),
            _ => None,
        })
        .collect()
}

#[test]
fn what_is_not_call_control_or_too_short_is_dropped() {
    let mut desk = Desk::user();
    for bytes in
        [&[0x03, 0x01, 0x81, 0x05][..], &[0x08][..], &[0x08, 0x01, 0x81][..], &[0x08, 0x13, 0]]
    {
        desk.hear_bytes(bytes.to_vec());
    }
    assert_eq!((desk.said(), desk.counted(Counted::Malformed)), (vec![], 4));
    assert!(desk.told().iter().all(|fact| matches!(fact, Output::Error(Trouble::Wire(_)))));
}

#[test]
fn a_message_of_no_call_is_answered_with_cause_81() {
    let mut desk = Desk::user();
    let kinds = [M::Alerting, M::Connect, M::Disconnect, M::Release, M::Information, M::Segment];
    for kind in kinds.into_iter().chain([M::Unknown(0x55)]) {
        desk.calls(kind, &[]);
        assert_eq!(desk.said(), ["RELEASE COMPLETE cr=7' | CAUSE 81 invalid_call_reference, user"]);
        desk.answers(kind, &[]);
        assert_eq!(desk.said(), ["RELEASE COMPLETE cr=1 | CAUSE 81 invalid_call_reference, user"]);
    }
    // Ours is no network that keeps suspended calls.
    desk.calls(M::Resume, &[]);
    assert_eq!(desk.said(), ["RELEASE COMPLETE cr=7' | CAUSE 81 invalid_call_reference, user"]);
    assert_eq!(desk.counted(Counted::NoSuchCall), 15);
    assert!(desk.told().is_empty());
}

#[test]
fn a_release_complete_or_a_setup_from_the_wrong_side_of_no_call_is_ignored() {
    let mut desk = Desk::user();
    desk.calls(M::ReleaseComplete, &[cause(16)]);
    desk.answers(M::Setup, &setup_on(1, true));
    desk.answers(M::Resume, &[]);
    assert_eq!((desk.said(), desk.states()), (vec![], vec![]));
}

#[test]
fn a_setup_of_a_call_that_is_there_is_ignored_whatever_is_in_it() {
    let (mut desk, _) = Desk::talking(Role::User);
    desk.answers(M::Setup, &setup_on(1, true));
    desk.answers(M::Setup, &[mystery(), Element::Display("Anna".into())]);
    desk.calls(M::Setup, &setup_on(1, true));
    desk.told();
    desk.calls(M::Setup, &[]);
    desk.calls(M::Setup, &setup_on(2, true));
    assert_eq!((desk.said(), desk.states(), desk.told()), (vec![], vec![10, 6], vec![]));
    assert_eq!(desk.counted(Counted::MessageIgnored), 4);
}

#[test]
fn a_status_of_no_call_is_answered_when_it_claims_one() {
    let mut desk = Desk::user();
    desk.calls(M::Status, &[cause(30), Element::CallState(0)]);
    desk.calls(M::Status, &[cause(30)]);
    assert_eq!(desk.said(), Vec::<String>::new());
    desk.calls(M::Status, &[cause(30), Element::CallState(10)]);
    assert!(desk.said()[0].starts_with("RELEASE COMPLETE cr=7' | CAUSE 101 "));
    desk.calls(M::StatusEnquiry, &[]);
    assert_eq!(
        desk.said(),
        ["STATUS cr=7' | CAUSE 30 response_to_status_enquiry, user | CALL STATE 0 null"]
    );
}

#[test]
fn the_dummy_reference_and_nonsense_of_the_global_one() {
    let mut desk = Desk::user();
    desk.hear(Message::new(CallReference::Dummy, M::Facility).with(Element::Facility(vec![1])));
    assert_eq!((desk.said(), desk.counted(Counted::MessageIgnored)), (vec![], 1));
    let global = CallReference::Global { from_origin: true };
    desk.hear(Message::new(global, M::Alerting));
    assert_eq!(
        desk.said(),
        ["STATUS cr=global' | CAUSE 81 invalid_call_reference, user | CALL STATE 0 null"]
    );
    desk.hear(Message::new(global, M::Status).with(cause(97)).with(Element::CallState(0)));
    assert_eq!(desk.said(), Vec::<String>::new());
    assert!(matches!(desk.told()[0], Output::Error(Trouble::Complaint { cause: 97, .. })));
}

#[test]
fn a_message_that_does_not_fit_the_state_is_told_with_cause_101() {
    let (mut desk, call) = Desk::talking(Role::User);
    for kind in [M::Alerting, M::SetupAcknowledge, M::CallProceeding, M::Connect] {
        desk.answers(kind, &[channel(3)]);
        let line = format!(
            "STATUS cr=1 | CAUSE 101 message_not_for_state, user [{:02x}] \
             | CALL STATE 10 active",
            kind.code()
        );
        assert_eq!(desk.said(), [line]);
        let fault = Fault::WrongState { message: kind, state: State::Active };
        assert_eq!(desk.told(), [Output::Error(Trouble::Call { call, fault })]);
    }
    assert_eq!(desk.states(), [10]);
}

#[test]
fn a_callee_is_not_told_what_only_a_caller_may_hear() {
    for role in [Role::User, Role::Network] {
        let mut desk = Desk::new(role, |_| {});
        desk.calls(M::Setup, &setup_on(1, true));
        desk.told();
        for kind in [M::Alerting, M::SetupAcknowledge, M::ConnectAcknowledge, M::Connect] {
            desk.calls(kind, &[channel(1)]);
            assert!(desk.said()[0].starts_with("STATUS cr=7' | CAUSE 101 "), "{role:?} {kind:?}");
        }
        desk.calls(M::Progress, &[tones()]);
        assert_eq!((desk.said(), desk.states().len()), (vec![], 1));
    }
}

#[test]
fn a_message_that_nobody_knows_or_that_has_no_place_here_is_told_with_cause_97() {
    let (mut desk, call) = Desk::talking(Role::User);
    for kind in [M::Unknown(0x55), M::Suspend, M::ResumeReject, M::Segment, M::Restart] {
        desk.answers(kind, &[mystery()]);
        let code = kind.code();
        let line = format!(
            "STATUS cr=1 | CAUSE 97 message_type_unknown, user [{code:02x}] | CALL STATE 10 active"
        );
        assert_eq!(desk.said(), [line]);
        let fault = Fault::MessageUnknown(kind);
        assert_eq!(desk.told(), [Output::Error(Trouble::Call { call, fault })]);
    }
    assert_eq!(desk.states(), [10]);
}

#[test]
fn a_setup_without_bearer_is_refused_with_cause_96_and_a_garbled_one_with_100() {
    let mut desk = Desk::user();
    desk.calls(M::Setup, &setup_on(1, true)[1..]);
    assert_eq!(desk.said(), ["RELEASE COMPLETE cr=7' | CAUSE 96 missing_element, user [04]"]);
    let garbled = [0x08, 0x02, 0, 7, 0x05, 0x04, 0x01, 0x80, 0x18, 0x03, 0xA9, 0x83, 0x81];
    desk.hear_bytes(garbled.to_vec());
    let said = desk.said();
    assert!(said[0].starts_with("RELEASE COMPLETE cr=7' | CAUSE 100 "), "{said:?}");
    let message = M::Setup;
    assert_eq!(
        faults(&desk.told()),
        [Fault::ElementMissing { message, id: 4 }, Fault::ElementInvalid { message, id: 4 }]
    );
    assert!(desk.is_clean());
}

#[test]
fn a_networks_setup_must_name_a_channel_and_a_users_need_not() {
    let mut elements = setup_on(1, true);
    elements.remove(1);
    let mut desk = Desk::user();
    desk.calls(M::Setup, &elements);
    assert_eq!(desk.said(), ["RELEASE COMPLETE cr=7' | CAUSE 96 missing_element, user [18]"]);
    let mut desk = Desk::network();
    desk.calls(M::Setup, &elements);
    assert!(matches!(desk.told()[0], Output::Incoming { channel: 1, .. }));
}

#[test]
fn a_message_without_its_mandatory_element_changes_nothing() {
    let mut desk = Desk::user();
    desk.place(to("1"));
    desk.answers(M::CallProceeding, &[channel(3)]);
    desk.said();
    desk.answers(M::Progress, &[]);
    assert_eq!(
        desk.said(),
        [
            "STATUS cr=1 | CAUSE 96 missing_element, user [1e] | CALL STATE 3 outgoing call proceeding"
        ]
    );
    desk.answers(M::Alerting, &[mystery()]);
    assert!(desk.said()[0].contains("CAUSE 96 missing_element, user [02] | CALL STATE 3"));
    assert_eq!(desk.states(), [3]);
}

#[test]
fn clearing_messages_work_without_their_cause() {
    let lacking = |kind, expected: &[&str], role| {
        let (mut desk, _) = Desk::talking(role);
        desk.answers(kind, &[]);
        assert_eq!(desk.said(), expected);
        if kind == M::Disconnect {
            desk.answers(M::ReleaseComplete, &[]);
        }
        assert_eq!(desk.ended(), (Cause::NormalUnspecified, Side::Far));
    };
    let role = Role::User;
    lacking(M::Disconnect, &["RELEASE cr=1 | CAUSE 96 missing_element, user [08]"], role);
    lacking(M::Release, &["RELEASE COMPLETE cr=1 | CAUSE 96 missing_element, user [08]"], role);
    lacking(M::ReleaseComplete, &[], role);
}

#[test]
fn unknown_and_unreadable_optional_elements_are_left_out_and_counted() {
    let mut desk = Desk::user();
    let call = desk.place(to("1"));
    let unknown = Element::Other { codeset: 0, id: 0x55, content: vec![1, 2] };
    desk.said();
    desk.answers(M::Alerting, &[channel(3), unknown]);
    assert_eq!(desk.said(), Vec::<String>::new());
    assert_eq!(desk.told(), [phase(call, LegPhase::Alerting, Some(3), false)]);
    assert_eq!(desk.counted(Counted::ElementIgnored), 1);
}

#[test]
fn a_clearing_message_with_unknown_elements_is_obeyed_and_answered_with_cause_99() {
    let unknown = |id| Element::Other { codeset: 0, id, content: vec![1] };
    let elements = [cause(17), unknown(0x55), unknown(0x66)];
    let wrong = "CAUSE 99 element_unknown, user [55 66]";
    for (kind, answer) in [(M::Disconnect, "RELEASE"), (M::Release, "RELEASE COMPLETE")] {
        let (mut desk, _) = Desk::talking(Role::User);
        desk.answers(kind, &elements);
        assert_eq!(desk.said(), [format!("{answer} cr=1 | {wrong}")]);
        if kind == M::Disconnect {
            // The repetition is the same.
            desk.run(4_000);
            assert_eq!(desk.said(), [format!("{answer} cr=1 | {wrong}")]);
            desk.answers(M::ReleaseComplete, &elements);
        }
        assert_eq!(desk.said(), Vec::<String>::new());
        assert_eq!(desk.ended(), (Cause::UserBusy, Side::Far));
    }
    // A tone is heard all the same.
    let (mut desk, call) = Desk::talking(Role::User);
    desk.answers(M::Disconnect, &[cause(17), tones(), unknown(0x55)]);
    assert_eq!((desk.said(), desk.states()), (vec![], vec![12]));
    desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
    assert_eq!(desk.said(), ["RELEASE cr=1 | CAUSE 99 element_unknown, user [55]"]);
}

#[test]
fn an_enquiry_is_answered_with_the_state_in_every_state() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.answers(M::StatusEnquiry, &[]);
    assert_eq!(
        desk.said(),
        ["STATUS cr=1 | CAUSE 30 response_to_status_enquiry, user | CALL STATE 10 active"]
    );
    desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
    desk.answers(M::StatusEnquiry, &[]);
    assert!(desk.said()[1].ends_with("CALL STATE 11 disconnect request"));
    assert_eq!(desk.states(), [11]);
}

#[test]
fn we_ask_and_a_fitting_answer_changes_nothing() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.act(|us, now| us.enquire(now, call));
    assert_eq!(desk.said(), ["STATUS ENQUIRY cr=1"]);
    desk.answers(M::Status, &[cause(30), Element::CallState(10)]);
    desk.run(60_000);
    assert_eq!((desk.said(), desk.states(), desk.told()), (vec![], vec![10], vec![]));
}

#[test]
fn an_enquiry_that_nobody_answers_is_repeated_and_then_the_call_is_cleared_by_t322() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.act(|us, now| us.enquire(now, call));
    desk.run(2_000);
    // There is one question at a time, however often it is put.
    desk.act(|us, now| us.enquire(now, call));
    desk.run(6_000);
    assert_eq!(desk.kinds(), [M::StatusEnquiry; 3]);
    desk.run(4_000);
    assert_eq!(desk.said(), ["DISCONNECT cr=1 | CAUSE 41 temporary_failure, user"]);
}

#[test]
fn a_far_end_without_the_call_ends_it() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.act(|us, now| us.enquire(now, call));
    desk.answers(M::Status, &[cause(30), Element::CallState(0)]);
    assert_eq!(desk.kinds(), [M::StatusEnquiry]);
    assert_eq!(desk.ended(), (Cause::TemporaryFailure, Side::Far));
    assert!(desk.is_clean());
}

#[test]
fn a_far_end_in_an_impossible_state_is_cleared_with_cause_101() {
    let (mut desk, call) = Desk::talking(Role::Network);
    desk.act(|us, now| us.enquire(now, call));
    desk.said();
    desk.answers(M::Status, &[cause(30), Element::CallState(9)]);
    assert!(desk.said()[0].starts_with("DISCONNECT cr=1 | CAUSE 101 "));
    let fault = Fault::StateMismatch { ours: State::Active, theirs: 9 };
    let told = desk.told();
    assert_eq!(faults(&told), [fault]);
    desk.answers(M::Status, &[cause(30), Element::CallState(9)]);
    desk.answers(M::Release, &[]);
    assert_eq!(desk.ended(), (Cause::ProtocolError, Side::Box));
}

#[test]
fn a_complaint_is_told_and_a_status_is_never_answered() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.answers(M::Status, &[cause(101), Element::CallState(10)]);
    desk.answers(M::Status, &[cause(101)]);
    assert_eq!((desk.said(), desk.states()), (vec![], vec![10]));
    let complaint = Output::Error(Trouble::Complaint { call, cause: 101, state: 10 });
    assert_eq!(desk.told()[0], complaint);
}
