//! Which channel a call gets: §5.1.2, §5.2.3, §5.7; restart §5.5; maintenance.

use super::*;

use crate::q931::wire::{RestartClass, Which};
use MessageType as M;

fn restart(class: RestartClass, slots: Option<Vec<u8>>) -> Message {
    let mut message = Message::new(CallReference::Global { from_origin: true }, M::Restart);
    if let Some(slots) = slots {
        let mut channel = ChannelIdentification::slot(1, true);
        channel.which = Which::Slots(slots);
        message.elements.push(Element::ChannelIdentification(channel));
    }
    message.with(Element::RestartIndicator(class))
}

/// The acknowledgement for these time slots, or for the interface.
fn acknowledge(slots: Option<Vec<u8>>) -> Message {
    let class = match slots {
        Some(_) => RestartClass::IndicatedChannels,
        None => RestartClass::SingleInterface,
    };
    let reference = CallReference::Global { from_origin: false };
    Message { reference, kind: M::RestartAcknowledge, ..restart(class, slots) }
}

/// STATUS of the far end about a RESTART of ours.
fn refuse(value: u8) -> Message {
    let reference = CallReference::Global { from_origin: false };
    Message::new(reference, M::Status).with(cause(value)).with(Element::CallState(0))
}

#[test]
fn the_network_gives_another_channel_than_the_user_prefers() {
    let mut desk = Desk::user();
    let call = desk.place(to("1"));
    assert_eq!(desk.state_of(3), ChannelState::Taken(call));
    desk.facts.clear();
    desk.answers(M::CallProceeding, &[channel(1)]);
    let picture = |channel, state| Output::Channel { channel, state };
    assert!(desk.facts.contains(&picture(3, ChannelState::Idle)));
    assert!(desk.facts.contains(&picture(1, ChannelState::Taken(call))));
    assert_eq!(
        (desk.state_of(3), desk.state_of(1)),
        (ChannelState::Idle, ChannelState::Taken(call))
    );
    assert_eq!(desk.told(), [phase(call, LegPhase::Proceeding, Some(1), false)]);
}

#[test]
fn a_channel_that_is_not_free_here_is_refused_with_cause_6() {
    let (mut desk, _) = Desk::talking(Role::User);
    let call = desk.place(to("2"));
    desk.said();
    desk.hear(Message::new(theirs(2), M::CallProceeding).with(channel(3)));
    assert_eq!(desk.said(), ["RELEASE cr=2 | CAUSE 6 channel_unacceptable, user"]);
    desk.hear(Message::new(theirs(2), M::ReleaseComplete));
    let told = desk.told();
    let fault = crate::q931::fault::Fault::ChannelUnacceptable { channel: Some(3) };
    assert_eq!(told[0], Output::Error(Trouble::Call { call, fault }));
    assert_eq!(end_of(told.last().unwrap()), Some((Cause::ChannelUnavailable, Side::Box)));
    assert_eq!(desk.states(), [10]);
}

#[test]
fn an_exclusive_channel_is_that_one_or_none() {
    let mut desk = Desk::user();
    let wish = |slot| CallSetup { channel: ChannelWish::Exclusive(slot), ..to("1") };
    desk.place(wish(2));
    assert!(desk.said()[0].contains("CHANNEL 2 exclusive"));
    assert_eq!(desk.us.place(desk.now, wish(2)), Err(Refused::ChannelTaken(2)));
    assert_eq!(desk.us.place(desk.now, wish(16)), Err(Refused::ChannelTaken(16)));
    desk.answers(M::CallProceeding, &[channel(1)]);
    assert!(desk.said()[0].contains("RELEASE cr=1 | CAUSE 6 "));
    // A refusal for the channel's sake is final.
    let call = desk.place(wish(3));
    desk.told();
    desk.hear(Message::new(theirs(2), M::ReleaseComplete).with(cause(44)));
    assert_eq!(end_of(&desk.told()[0]), Some((Cause::ChannelUnavailable, Side::Far)));
    assert_eq!(call, CallId(2));
}

#[test]
fn a_preferred_channel_that_is_taken_becomes_another() {
    let mut desk = Desk::user();
    let setup = || CallSetup { channel: ChannelWish::Preferred(2), ..to("1") };
    desk.place(setup());
    desk.place(setup());
    let said = desk.said();
    assert!(said[0].contains("CHANNEL 2 preferred") && said[1].contains("CHANNEL 3 preferred"));
}

#[test]
fn a_called_side_takes_the_channel_or_another_or_refuses() {
    let mut desk = Desk::network();
    desk.calls(M::Setup, &setup_on(2, false));
    let setup = |value, slot, exclusive| Message {
        elements: setup_on(slot, exclusive),
        ..Message::new(ours(value), M::Setup)
    };
    desk.hear(setup(8, 2, true));
    assert_eq!(
        desk.said(),
        ["RELEASE COMPLETE cr=8' | CAUSE 44 channel_unavailable, public-local"]
    );
    desk.hear(setup(9, 2, false));
    desk.hear(setup(10, 2, false));
    desk.hear(setup(11, 2, false));
    assert_eq!(desk.said(), ["RELEASE COMPLETE cr=11' | CAUSE 34 no_circuit, public-local"]);
    let slots: Vec<u8> = desk
        .told()
        .iter()
        .map(|fact| match fact {
            Output::Incoming { channel, .. } => *channel,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(slots, [2, 1, 3]);
}

#[test]
fn glare_on_the_user_side_lets_the_networks_call_in_and_moves_ours() {
    let mut desk = Desk::user();
    let ours = desk.place(to("1"));
    desk.calls(M::Setup, &setup_on(3, true));
    let told = desk.told();
    let theirs = incoming(&told);
    assert_eq!(desk.state_of(3), ChannelState::Taken(theirs));
    assert_eq!(desk.counted(Counted::Glare), 1);
    desk.answers(M::CallProceeding, &[channel(1)]);
    assert_eq!(desk.told(), [phase(ours, LegPhase::Proceeding, Some(1), false)]);
    assert_eq!(desk.states(), [3, 6]);
}

#[test]
fn glare_that_costs_our_call_its_channel_begins_it_again_on_another() {
    let mut desk = Desk::user();
    let ours = desk.place(to("1"));
    desk.calls(M::Setup, &setup_on(3, true));
    desk.answers(M::ReleaseComplete, &[cause(44)]);
    let said = desk.said();
    assert!(said[1].starts_with("SETUP cr=2 ") && said[1].contains("CHANNEL 2 preferred"));
    assert_eq!(desk.counted(Counted::Retried), 1);
    desk.hear(Message::new(theirs(2), M::Connect).with(channel(2)));
    assert_eq!(desk.told().last(), Some(&phase(ours, LegPhase::Answered, Some(2), false)));
}

#[test]
fn a_call_is_not_begun_again_for_ever() {
    let mut desk = Desk::new(Role::User, |config| config.channels = (1..=15).collect());
    desk.place(to("1"));
    for value in 1..=crate::limits::GLARE_TRIES as u16 {
        desk.hear(Message::new(theirs(value), M::ReleaseComplete).with(cause(44)));
    }
    assert_eq!(desk.kinds().len(), crate::limits::GLARE_TRIES as usize);
    assert_eq!(desk.ended(), (Cause::ChannelUnavailable, Side::Far));
    assert!(desk.is_clean());
}

#[test]
fn a_call_that_its_owner_has_seen_end_is_not_begun_again() {
    let mut desk = Desk::user();
    desk.place(to("1"));
    desk.answers(M::Disconnect, &[cause(44)]);
    desk.answers(M::ReleaseComplete, &[]);
    assert_eq!(desk.kinds(), [M::Setup, M::Release]);
    assert_eq!(desk.ended(), (Cause::ChannelUnavailable, Side::Far));
}

#[test]
fn an_answer_without_channel_after_glare_is_refused() {
    let mut desk = Desk::user();
    desk.place(to("1"));
    desk.calls(M::Setup, &setup_on(3, true));
    desk.answers(M::CallProceeding, &[]);
    assert!(desk.said()[1].starts_with("RELEASE cr=1 | CAUSE 6 "));
}

#[test]
fn glare_on_the_network_side_keeps_our_call_and_gives_the_users_another_channel() {
    let mut desk = Desk::network();
    let ours = desk.place(to("1"));
    desk.calls(M::Setup, &setup_on(1, false));
    assert!(matches!(desk.told()[0], Output::Incoming { channel: 2, .. }));
    desk.hear(Message { elements: setup_on(1, true), ..Message::new(super::ours(8), M::Setup) });
    assert!(desk.said()[1].starts_with("RELEASE COMPLETE cr=8' | CAUSE 44 "));
    assert_eq!(desk.state_of(1), ChannelState::Taken(ours));
    assert_eq!(desk.counted(Counted::Glare), 2);
}

#[test]
fn a_blocked_channel_is_neither_hunted_nor_given_and_its_call_goes_on() {
    let mut desk = Desk::new(Role::User, |config| config.hunt = Hunt::Ascending);
    desk.calls(M::Setup, &setup_on(1, true));
    let call = incoming(&desk.told());
    desk.act(|us, now| us.block(now, 1, true));
    desk.act(|us, now| us.block(now, 2, true));
    assert_eq!(desk.state_of(1), ChannelState::Taken(call));
    desk.place(to("1"));
    assert!(desk.said()[0].contains("CHANNEL 3 preferred"));
    desk.hear(Message { elements: setup_on(2, true), ..Message::new(ours(8), M::Setup) });
    assert!(desk.said()[0].starts_with("RELEASE COMPLETE cr=8' | CAUSE 44 "));
    desk.act(|us, now| us.hang_up(now, call, Cause::UserBusy));
    assert_eq!(desk.state_of(1), ChannelState::Blocked { ours: true, theirs: false });
    desk.act(|us, now| us.block(now, 1, false));
    assert_eq!(desk.state_of(1), ChannelState::Idle);
}

#[test]
fn the_far_end_restarts_a_channel_and_its_call_ends_without_a_word() {
    let (mut desk, _) = Desk::talking(Role::User);
    desk.hear(restart(RestartClass::IndicatedChannels, Some(vec![3])));
    assert_eq!(
        desk.said(),
        ["RESTART ACKNOWLEDGE cr=global' | CHANNEL 3 exclusive | RESTART OF indicated channels"]
    );
    assert_eq!(desk.ended(), (Cause::TemporaryFailure, Side::Far));
    assert!(desk.is_clean());
}

#[test]
fn the_far_end_restarts_everything() {
    let (mut desk, _) = Desk::talking(Role::Network);
    desk.calls(M::Setup, &setup_on(3, true));
    for class in [RestartClass::SingleInterface, RestartClass::AllInterfaces] {
        desk.hear(restart(class, None));
        assert!(desk.said()[0].starts_with("RESTART ACKNOWLEDGE cr=global' | RESTART OF "));
    }
    assert_eq!(desk.told().iter().filter_map(end_of).count(), 2);
    assert!(desk.is_clean());
    desk.hear(restart(RestartClass::AllInterfaces, Some(vec![3])));
    assert_eq!(desk.said(), ["RESTART ACKNOWLEDGE cr=global' | RESTART OF all interfaces"]);
}

#[test]
fn a_restart_that_cannot_be_done_is_answered_with_status() {
    let mut desk = Desk::user();
    desk.hear(Message::new(CallReference::Global { from_origin: true }, M::Restart));
    assert!(desk.said()[0].starts_with("STATUS cr=global' | CAUSE 96 missing_element, user [79]"));
    desk.hear(restart(RestartClass::IndicatedChannels, None));
    assert!(desk.said()[0].starts_with("STATUS cr=global' | CAUSE 96 missing_element, user [18]"));
    desk.hear(restart(RestartClass::IndicatedChannels, Some(vec![31])));
    assert!(desk.said()[0].starts_with("STATUS cr=global' | CAUSE 82 "));
}

#[test]
fn we_restart_a_channel() {
    let (mut desk, call) = Desk::talking(Role::User);
    desk.act(|us, now| us.restart(now, Some(3)));
    assert_eq!(desk.kinds(), [M::Restart]);
    assert!(
        matches!(desk.told()[0], Output::Phase { call: c, by: Some(Side::Box), .. } if c == call)
    );
    assert_eq!(desk.state_of(3), ChannelState::Restarting);
    desk.calls(M::Setup, &setup_on(3, true));
    assert!(desk.said()[0].starts_with("RELEASE COMPLETE cr=7' | CAUSE 44 "));
    desk.hear(acknowledge(Some(vec![2])));
    assert_eq!(desk.state_of(3), ChannelState::Restarting, "that was of another channel");
    desk.hear(acknowledge(Some(vec![3])));
    assert!(desk.is_clean());
    desk.hear(acknowledge(Some(vec![3])));
    assert_eq!(desk.counted(Counted::MessageIgnored), 2);
}

#[test]
fn an_interface_that_is_restarted_in_part_is_in_service_in_part() {
    let mut desk = Desk::network();
    desk.act(|us, now| us.restart(now, None));
    desk.hear(acknowledge(Some(vec![1, 3])));
    assert_eq!(desk.told(), [Output::Error(Trouble::RestartUnanswered { channel: Some(2) })]);
    let out = ChannelState::Blocked { ours: false, theirs: true };
    let states = [1, 2, 3].map(|slot| desk.state_of(slot));
    assert_eq!(states, [ChannelState::Idle, out, ChannelState::Idle]);
}

#[test]
fn a_far_end_that_refuses_a_restart_is_not_waited_for() {
    let mut desk = Desk::new(Role::User, |config| config.restart_at_start = true);
    assert_eq!(desk.said(), ["RESTART cr=global | RESTART OF one interface"]);
    // Not as a whole; then one by one.
    desk.hear(refuse(100));
    let single = |slot| {
        format!("RESTART cr=global | CHANNEL {slot} exclusive | RESTART OF indicated channels")
    };
    assert_eq!(desk.said(), [single(1)]);
    desk.hear(refuse(97));
    assert_eq!((desk.said(), desk.state_of(1)), (vec![single(2)], ChannelState::Idle));
    // A word about something else is no answer.
    desk.hear(refuse(30));
    assert_eq!((desk.said(), desk.state_of(2)), (vec![], ChannelState::Restarting));
    desk.hear(refuse(82));
    let out = ChannelState::Blocked { ours: false, theirs: true };
    assert_eq!((desk.said(), desk.state_of(2)), (vec![single(3)], out));
    desk.hear(acknowledge(Some(vec![3])));
    assert_eq!((desk.said(), desk.state_of(3)), (vec![], ChannelState::Idle));
    desk.hear(refuse(97));
    assert_eq!(desk.said(), Vec::<String>::new());
    let complaints = desk.told().into_iter().filter_map(|fact| match fact {
        Output::Error(Trouble::Complaint { cause, .. }) => Some(cause),
        _ => None,
    });
    assert_eq!(complaints.collect::<Vec<u8>>(), [100, 97, 30, 82, 97]);
}

#[test]
fn all_channels_are_restarted_when_the_link_first_comes_up() {
    let mut desk = Desk::new(Role::Network, |config| config.restart_at_start = true);
    assert_eq!(desk.said(), ["RESTART cr=global | RESTART OF one interface"]);
    assert_eq!(desk.us.place(desk.now, to("1")), Err(Refused::NoChannel));
    desk.hear(acknowledge(None));
    assert!(desk.is_clean());
}

#[test]
fn a_restart_that_nobody_acknowledges_takes_the_channel_out_of_service() {
    let mut desk = Desk::user();
    desk.act(|us, now| us.restart(now, Some(2)));
    desk.run(120_000);
    assert_eq!(desk.kinds(), [M::Restart; 2]);
    desk.run(120_000);
    assert_eq!(desk.told(), [Output::Error(Trouble::RestartUnanswered { channel: Some(2) })]);
    assert_eq!(desk.state_of(2), ChannelState::Blocked { ours: false, theirs: true });
    desk.place(to("1"));
    desk.place(to("2"));
    let taken = Err(Refused::NoChannel);
    assert_eq!(desk.us.place(desk.now, to("3")), taken);
    // The far end uses it: so it is in service.
    desk.calls(M::Setup, &setup_on(2, true));
    incoming(&desk.told());
}

#[test]
fn a_restart_meets_a_setup_that_nobody_has_answered() {
    // Theirs crosses our restart: it is refused, so that its sender tries another channel.
    let mut desk = Desk::user();
    desk.calls(M::Setup, &setup_on(2, true));
    desk.act(|us, now| us.restart(now, Some(2)));
    let said = desk.said();
    assert!(said[0].starts_with("RELEASE COMPLETE cr=7' | CAUSE 44 ") && said.len() == 2);
    // Ours crosses their restart: it lives, they have never seen it on this channel.
    let mut desk = Desk::user();
    desk.place(to("1"));
    desk.hear(restart(RestartClass::IndicatedChannels, Some(vec![3])));
    assert_eq!(desk.states(), [1]);
}

#[test]
fn a_changed_configuration_keeps_calls_and_takes_other_channels() {
    let (mut desk, call) = Desk::talking(Role::User);
    let mut config = Config::new(Role::Network);
    config.channels = vec![1, 20];
    config.hunt = Hunt::Descending;
    desk.act(|us, now| us.configure(now, config));
    assert_eq!(desk.us.config.role, Role::User, "it cannot change");
    desk.place(to("1"));
    assert!(desk.said()[0].contains("CHANNEL 20 preferred"));
    desk.act(|us, now| us.hang_up(now, call, Cause::NormalClearing));
    desk.answers(M::Release, &[]);
    let slots: Vec<u8> = desk.us.snapshot().channels.iter().map(|(slot, _)| *slot).collect();
    assert_eq!(slots, [1, 20]);
}
