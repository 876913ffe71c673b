//! What the data link and layer 1 do to calls: §5.8.8 and §5.8.9.

use super::*;

use MessageType as M;

impl Desk {
    /// The far end says DISC and then nothing more.
    fn lose_link(&mut self) {
        self.peer.handle_request(self.now, Request::Release);
        self.pump();
        assert!(!self.us.snapshot().up);
    }
}

#[test]
fn the_link_is_asked_for_until_it_is_there() {
    let config = Config::new(Role::User);
    let mut us = DChannel::new(Tick(0), config);
    let mut sent = 0;
    while let Some((at, _)) = us.next_timeout().filter(|(at, _)| *at <= Tick(60_000)) {
        us.handle_timeout(at);
        while let Some(output) = us.poll() {
            match output {
                Output::Send(_) => sent += 1,
                Output::Error(Trouble::Link(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    // Four SABME in four seconds, a second of rest.
    assert!((40..=52).contains(&sent), "{sent}");
    assert_eq!(us.place(Tick(60_000), to("1")), Err(Refused::LinkDown));
    assert_eq!(Refused::LinkDown.cause(), Cause::NetworkOutOfOrder);
}

#[test]
fn a_lost_link_ends_calls_that_are_not_active_and_keeps_the_others_for_t309() {
    let (mut desk, talking) = Desk::talking(Role::User);
    let ringing = desk.place(to("2"));
    desk.lose_link();
    let told = desk.told();
    assert_eq!(told[0], Output::Link { up: false });
    let end = Output::Phase {
        call: ringing,
        phase: LegPhase::Ended,
        cause: Some(Cause::TemporaryFailure),
        by: Some(Side::Box),
        channel: None,
        inband: false,
    };
    assert_eq!(told[1..], [end]);
    desk.peer = Link::new(Role::User, desk.us.config.link); // deaf: it drops our frames
    desk.run(89_999);
    assert_eq!(desk.states(), [10]);
    desk.run(1);
    let ends: Vec<Output> = desk.told().into_iter().filter(|f| end_of(f).is_some()).collect();
    assert_eq!(end_of(&ends[0]), Some((Cause::DestinationOutOfOrder, Side::Box)));
    assert!(matches!(ends[0], Output::Phase { call, .. } if call == talking));
    assert!(desk.us.snapshot().calls.is_empty());
}

#[test]
fn a_link_that_comes_back_finds_its_active_call_and_asks_for_its_state() {
    let (mut desk, _) = Desk::talking(Role::User);
    desk.lose_link();
    desk.run(2_000);
    assert!(desk.us.snapshot().up);
    assert_eq!(desk.said(), ["STATUS ENQUIRY cr=1"]);
    desk.answers(M::Status, &[cause(30), Element::CallState(10)]);
    desk.run(200_000);
    assert_eq!(desk.states(), [10]);
}

#[test]
fn a_call_that_ends_while_the_link_is_gone_says_so_when_it_is_back() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.lose_link();
    desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
    assert_eq!((desk.said(), desk.states()), (vec![], vec![11]));
    desk.run(2_000);
    assert_eq!(desk.said(), ["DISCONNECT cr=1 | CAUSE 16 normal_clearing, user"]);
    desk.answers(M::Release, &[]);
    assert_eq!(desk.ended(), (Cause::NormalClearing, Side::Box));
}

#[test]
fn an_alarm_is_a_lost_link_and_its_end_brings_it_back_at_once() {
    let (mut desk, _) = Desk::talking(Role::Network);
    desk.act(|us, now| us.handle_layer1(now, false));
    assert!(!desk.us.snapshot().up);
    desk.act(|us, now| us.handle_layer1(now, false));
    desk.run(30_000);
    assert!(!desk.us.snapshot().up, "nothing is sent or heard while the line is dead");
    desk.act(|us, now| us.handle_layer1(now, true));
    assert!(desk.us.snapshot().up);
    assert_eq!((desk.states(), desk.kinds()), (vec![10], vec![M::StatusEnquiry]));
}

#[test]
fn a_link_that_is_set_up_anew_ends_overlap_and_asks_for_the_rest() {
    let (mut desk, _) = Desk::talking(Role::User);
    desk.place(CallSetup { complete: false, ..to("1") });
    desk.hear(Message::new(theirs(2), M::SetupAcknowledge).with(channel(2)));
    desk.place(to("2"));
    desk.said();
    // A frame of ours is under way when the far end begins anew.
    let call = CallId(1);
    desk.us.enquire(desk.now, call);
    while desk.us.poll().is_some() {}
    desk.peer.handle_request(desk.now, Request::Establish);
    desk.pump();
    assert!(desk.us.snapshot().up);
    assert_eq!(desk.kinds(), [M::StatusEnquiry, M::Disconnect]);
    assert_eq!(desk.states(), [10, 11, 1]);
}

#[test]
fn a_far_end_that_begins_anew_when_nothing_is_under_way_ends_no_call() {
    let (mut desk, _) = Desk::talking(Role::User);
    desk.place(CallSetup { complete: false, ..to("1") });
    desk.hear(Message::new(theirs(2), M::SetupAcknowledge).with(channel(2)));
    desk.said();
    desk.peer.handle_request(desk.now, Request::Establish);
    desk.pump();
    assert_eq!((desk.said(), desk.states()), (vec!["STATUS ENQUIRY cr=1".into()], vec![10, 2]));
    desk.act(|us, now| us.dial(now, CallId(2), "5", true));
    assert_eq!(desk.kinds(), [M::Information]);
}

#[test]
fn what_waited_when_layer_1_failed_is_never_sent() {
    let mut us = DChannel::new(Tick(0), Config::new(Role::User));
    us.handle_layer1(Tick(0), false);
    us.handle_layer1(Tick(0), true);
    let sent = std::iter::from_fn(|| us.poll()).filter(|output| matches!(output, Output::Send(_)));
    assert_eq!(sent.count(), 1, "one SABME");
}

#[test]
fn the_link_is_told_once_for_each_change() {
    let mut desk = Desk::user();
    desk.lose_link();
    desk.run(1_500);
    assert_eq!(desk.told(), [Output::Link { up: false }, Output::Link { up: true }]);
    assert!(desk.is_clean());
}

#[test]
fn what_waits_for_the_link_is_bounded() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.lose_link();
    let message = Message::new(ours(1), M::Notify);
    for _ in 0..=crate::limits::DCHANNEL_HELD_MAX {
        desk.us.send(desk.now, call, &message);
    }
    assert_eq!(desk.us.held.len(), crate::limits::DCHANNEL_HELD_MAX);
    assert_eq!(desk.counted(Counted::Unsent), 1);
}
