//! The end of a call: §5.3 and §5.4.

use super::*;

use MessageType as M;

#[test]
fn we_hang_up_and_the_far_end_releases() {
    for (role, state) in [(Role::User, 11), (Role::Network, 12)] {
        let (mut desk, call) = Desk::talking(role);
        desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
        assert_eq!(desk.states(), [state]);
        assert!(desk.said()[0].starts_with("DISCONNECT cr=1 | CAUSE 16 "));
        desk.act(|us, now| us.hang_up(now, call, Cause::UserBusy));
        assert_eq!((desk.said(), desk.counted(Counted::Misplaced)), (vec![], 1));
        desk.answers(M::Release, &[]);
        assert_eq!(desk.said(), ["RELEASE COMPLETE cr=1"]);
        let told = desk.told();
        assert!(matches!(
            told[0],
            Output::Phase { phase: LegPhase::Releasing, by: Some(Side::Box), inband: false, .. }
        ));
        assert_eq!(end_of(&told[1]), Some((Cause::NormalClearing, Side::Box)));
        assert!(told.len() == 2 && desk.is_clean());
    }
}

#[test]
fn the_far_end_hangs_up_and_we_release() {
    for role in [Role::User, Role::Network] {
        let (mut desk, _) = Desk::talking(role);
        desk.answers(M::Disconnect, &[cause(17)]);
        assert_eq!((desk.said(), desk.states()), (vec!["RELEASE cr=1".to_owned()], vec![19]));
        desk.answers(M::ReleaseComplete, &[]);
        assert_eq!(desk.ended(), (Cause::UserBusy, Side::Far));
        assert!(desk.is_clean());
    }
}

#[test]
fn a_call_that_is_not_answered_is_given_up_by_disconnect_too() {
    let mut desk = Desk::user();
    let call = desk.place(to("1"));
    desk.act(|us, now| us.hang_up(now, call, Cause::Cancelled));
    assert_eq!(desk.said()[1], "DISCONNECT cr=1 | CAUSE 16 normal_clearing, user");
    // What crosses it on its way is answered (§5.8.4) and is no trouble.
    for (kind, code) in [(M::CallProceeding, "02"), (M::Alerting, "01"), (M::Connect, "07")] {
        desk.answers(kind, &[channel(3)]);
        let line = format!(
            "STATUS cr=1 | CAUSE 101 message_not_for_state, user [{code}] \
             | CALL STATE 11 disconnect request"
        );
        assert_eq!((desk.said(), desk.states()), (vec![line], vec![11]));
    }
    desk.answers(M::Information, &[]);
    assert_eq!((desk.said(), desk.states()), (vec![], vec![11]));
    assert_eq!(desk.counted(Counted::MessageIgnored), 4);
    let told = desk.told();
    assert!(told.iter().all(|fact| !matches!(fact, Output::Error(_))), "{told:?}");
    desk.answers(M::Release, &[]);
    assert_eq!(desk.ended(), (Cause::Cancelled, Side::Box));
}

#[test]
fn a_disconnect_that_nobody_answers_becomes_a_release_and_then_a_restart_of_the_channel() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
    desk.said();
    desk.run(29_999);
    assert_eq!(desk.said(), Vec::<String>::new());
    desk.run(1);
    assert_eq!(desk.said(), ["RELEASE cr=1 | CAUSE 16 normal_clearing, user"]);
    desk.run(4_000);
    assert_eq!(desk.said(), ["RELEASE cr=1 | CAUSE 16 normal_clearing, user"]);
    desk.run(3_999);
    assert_eq!(desk.states(), [19]);
    desk.run(1);
    assert_eq!(desk.ended(), (Cause::NormalClearing, Side::Box));
    assert_eq!(
        desk.said(),
        ["RESTART cr=global | CHANNEL 3 exclusive | RESTART OF indicated channels"]
    );
    assert_eq!(desk.state_of(3), ChannelState::Restarting);
}

#[test]
fn a_release_that_nobody_answers_after_their_disconnect_keeps_their_reason() {
    let (mut desk, _) = Desk::talking(Role::Network);
    desk.answers(M::Disconnect, &[cause(16)]);
    desk.run(8_000);
    assert_eq!(desk.kinds(), [M::Release, M::Release, M::Restart]);
    assert_eq!(desk.ended(), (Cause::NormalClearing, Side::Far));
}

#[test]
fn both_disconnect_at_once() {
    for role in [Role::User, Role::Network] {
        let (mut desk, call) = Desk::talking(role);
        desk.act(|us, now| us.hang_up(now, call, Cause::UserBusy));
        desk.answers(M::Disconnect, &[cause(16)]);
        assert_eq!((desk.kinds(), desk.states()), (vec![M::Disconnect, M::Release], vec![19]));
        // Both release at once: nobody answers.
        desk.answers(M::Release, &[]);
        assert_eq!(desk.kinds(), []);
        assert_eq!(desk.ended(), (Cause::UserBusy, Side::Box));
        assert!(desk.is_clean());
    }
}

#[test]
fn a_release_or_release_complete_out_of_the_blue_ends_the_call() {
    for (kind, answer) in [(M::Release, vec![M::ReleaseComplete]), (M::ReleaseComplete, vec![])] {
        for role in [Role::User, Role::Network] {
            let (mut desk, _) = Desk::talking(role);
            desk.answers(kind, &[cause(41)]);
            assert_eq!(desk.kinds(), answer);
            assert_eq!(desk.ended(), (Cause::TemporaryFailure, Side::Far));
            assert!(desk.is_clean());
        }
    }
}

#[test]
fn a_user_listens_to_the_networks_tone_until_it_hangs_up() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.answers(M::Disconnect, &[cause(17), tones()]);
    assert_eq!((desk.states(), desk.said()), (vec![12], vec![]));
    let releasing = Output::Phase {
        call,
        phase: LegPhase::Releasing,
        cause: Some(Cause::UserBusy),
        by: Some(Side::Far),
        channel: Some(3),
        inband: true,
    };
    assert_eq!(desk.told(), [releasing]);
    desk.run(10_000);
    // Said again, it is heard on.
    desk.answers(M::Disconnect, &[cause(17), tones()]);
    assert_eq!((desk.kinds(), desk.states()), (vec![M::Status], vec![12]));
    desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
    assert_eq!((desk.said(), desk.states()), (vec!["RELEASE cr=1".to_owned()], vec![19]));
    desk.answers(M::ReleaseComplete, &[]);
    assert_eq!(desk.ended(), (Cause::UserBusy, Side::Far));
}

#[test]
fn a_tone_that_nobody_ends_is_over_after_a_while_or_with_the_networks_release() {
    let (mut desk, _) = Desk::talking(Role::User);
    desk.answers(M::Disconnect, &[cause(1), tones()]);
    desk.run(30_000);
    assert_eq!((desk.kinds(), desk.states()), (vec![M::Release], vec![19]));

    let (mut desk, _) = Desk::talking(Role::User);
    desk.answers(M::Disconnect, &[cause(1), tones()]);
    desk.answers(M::Release, &[cause(1)]);
    assert_eq!(desk.kinds(), [M::ReleaseComplete]);
    assert_eq!(desk.ended(), (Cause::UnallocatedNumber, Side::Far));
}

#[test]
fn an_owner_that_does_not_want_tones_releases_at_once() {
    let mut desk = Desk::new(Role::User, |config| config.timers.listen_ms = 0);
    desk.place(to("1"));
    desk.answers(M::Alerting, &[channel(3)]);
    desk.answers(M::Disconnect, &[cause(1), tones()]);
    assert_eq!(desk.kinds(), [M::Setup, M::Release]);
}

#[test]
fn a_disconnect_is_listened_to_only_when_it_says_that_there_is_a_tone() {
    for description in [ProgressIndicator::NOT_ISDN, ProgressIndicator::FAR_NOT_ISDN] {
        let (mut desk, _) = Desk::talking(Role::User);
        let indicator = ProgressIndicator::new(wire::Location::PublicLocal, description);
        desk.answers(M::Disconnect, &[cause(17), Element::ProgressIndicator(indicator)]);
        assert_eq!(desk.kinds(), [M::Release]);
    }
}

#[test]
fn a_network_does_not_listen_to_a_users_tone() {
    let (mut desk, _) = Desk::talking(Role::Network);
    desk.answers(M::Disconnect, &[cause(16), tones()]);
    assert_eq!(desk.kinds(), [M::Release]);
}

#[test]
fn a_network_clears_with_a_tone_until_t306() {
    let mut desk = Desk::network();
    desk.calls(M::Setup, &setup_on(2, true));
    let call = incoming(&desk.told());
    desk.act(|us, now| us.disconnect_with_tone(now, call, Cause::UnallocatedNumber));
    assert_eq!(
        desk.said(),
        [
            "CALL PROCEEDING cr=7' | CHANNEL 2 exclusive",
            "DISCONNECT cr=7' | CAUSE 1 unallocated_number, public-local \
             | PROGRESS 8 tones in the channel, public-local",
        ]
    );
    assert!(matches!(
        desk.told()[0],
        Output::Phase { phase: LegPhase::Releasing, channel: Some(2), inband: true, .. }
    ));
    desk.run(29_999);
    assert_eq!(desk.states(), [12]);
    desk.run(1);
    assert_eq!(desk.said(), ["RELEASE cr=7' | CAUSE 1 unallocated_number, public-local"]);
    desk.calls(M::ReleaseComplete, &[]);
    assert_eq!(desk.ended(), (Cause::UnallocatedNumber, Side::Box));
}

#[test]
fn a_network_ends_its_tone_by_hanging_up_once_more() {
    let (mut desk, call) = Desk::talking(Role::Network);
    desk.act(|us, now| us.disconnect_with_tone(now, call, Cause::NormalClearing));
    desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
    assert_eq!(desk.kinds(), [M::Disconnect, M::Release]);
}

#[test]
fn a_user_clears_without_tone() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.act(|us, now| us.disconnect_with_tone(now, call, Cause::NormalClearing));
    assert_eq!(desk.said(), ["DISCONNECT cr=1 | CAUSE 16 normal_clearing, user"]);
}

#[test]
fn what_only_we_know_is_told_as_what_it_is_to_the_network() {
    for (cause, value) in [(Cause::Machine, 16), (Cause::Forbidden, 57), (Cause::Shutdown, 41)] {
        let (mut desk, call) = Desk::talking(Role::User);
        desk.act(|us, now| us.hang_up(now, call, cause));
        assert!(desk.said()[0].starts_with(&format!("DISCONNECT cr=1 | CAUSE {value} ")));
        desk.answers(M::Release, &[]);
        assert_eq!(desk.ended(), (cause, Side::Box));
    }
}
