//! Calls over a span, against the exchange's side of the same machines.

use board_port::SpanStatus;
use call::{Cause, LegId, LegPhase, LegTag, Side, TrunkId};
use link::{
    Alarm, ChannelGroup, ChannelState, Command, Destination, Event, Hunt, Line, OnAnswer, Refusal,
    Span, SpanAlarm, SpanLink, SpanRole, Trunk, TrunkState, Way,
};
use signal::q931::dchannel::{CallId, CallSetup, ChannelWish, Output as Said};
use signal::q931::wire::Redirecting;

use super::town::{SLOTS, SPAN, Town, desired, plan};
use crate::switch::number::called_party;

const E1: TrunkId = TrunkId(9);

/// A box with three phones, a SIP carrier, and a span whose trunk owns two numbers.
fn with_span(change: impl FnOnce(&mut Span, &mut Vec<ChannelGroup>)) -> Town {
    let mut town = Town::new();
    let mut span = Span {
        id: SPAN,
        name: "exchange".to_owned(),
        role: SpanRole::User,
        overlap: false,
        did_digits: 0,
        blocked: vec![],
    };
    let mut groups = vec![ChannelGroup { span: SPAN, slots: SLOTS.to_vec() }];
    change(&mut span, &mut groups);
    let mut wanted = desired();
    wanted.version = 2;
    wanted.spans = vec![span];
    wanted.trunks.push(Trunk {
        id: E1,
        name: "e1".to_owned(),
        way: Way::Channels { groups, hunt: Hunt::Ascending },
        numbers: vec!["+861062000000".to_owned(), "+861062000001".to_owned()],
        channels_max: 30,
    });
    town.command(Command::Desired(Box::new(wanted))).unwrap();
    town.switch.handle_span(town.now, SPAN, SpanStatus::default());
    town.pass(3_000);
    town
}

fn plain() -> Town {
    with_span(|_, _| {})
}

fn try_call(
    town: &mut Town,
    caller_id: Option<&str>,
    on_answer: OnAnswer,
) -> Result<LegId, Refusal> {
    let leg = town.new_leg();
    let to = Destination::Trunk {
        trunk: E1,
        number: "013800138000".to_owned(),
        caller_id: caller_id.map(str::to_owned),
    };
    let ring_timeout_ms = 30_000;
    let order = Command::Originate { leg, tag: LegTag(5), to, ring_timeout_ms, on_answer };
    town.command(order).map(|()| leg)
}

fn call(town: &mut Town) -> LegId {
    try_call(town, None, OnAnswer::Tell).unwrap()
}

/// The call that reached the exchange last.
fn reached(town: &Town) -> (CallId, u8, CallSetup) {
    let found = town.exchange_said.iter().rev().find_map(|said| match said {
        Said::Incoming { call, channel, setup } => Some((*call, *channel, setup.clone())),
        _ => None,
    });
    found.unwrap()
}

fn at_exchange(town: &mut Town, act: impl FnOnce(&mut Town)) {
    act(town);
    town.pass(50);
}

/// Somebody outside calls this number.
fn outside_calls(town: &mut Town, number: &str, channel: ChannelWish) -> CallId {
    let setup = CallSetup {
        called: Some(called_party(number)),
        calling: Some(called_party("13900139000")),
        channel,
        complete: true,
        ..CallSetup::default()
    };
    let call = town.exchange.place(town.now.tick, setup).unwrap();
    town.pass(50);
    call
}

fn incoming(town: &Town) -> Option<link::LegRecord> {
    town.events().rev().find_map(|event| match event {
        Event::Incoming(record) => Some((**record).clone()),
        _ => None,
    })
}

fn end_at_exchange(town: &Town, of: CallId) -> Option<Cause> {
    town.exchange_said.iter().rev().find_map(|said| match said {
        Said::Phase { call, phase: LegPhase::Ended, cause, .. } if *call == of => *cause,
        _ => None,
    })
}

#[test]
fn a_call_goes_out_on_a_channel_of_the_trunk_and_shows_an_owned_number() {
    let mut town = plain();
    let leg = try_call(&mut town, Some("+861062000001"), OnAnswer::Tell).unwrap();
    town.pass(50);
    let (_, channel, setup) = reached(&town);
    assert_eq!(channel, SLOTS[0]);
    assert_eq!(setup.called.unwrap().digits, "013800138000");
    assert_eq!(setup.calling.unwrap().digits, "861062000001");
    let record = town.record(leg);
    assert_eq!(record.line, Line::Trunk(E1));
    assert_eq!(record.channel.unwrap().slot, channel);
    let strange = try_call(&mut town, Some("+8610999"), OnAnswer::Tell);
    assert!(matches!(strange, Err(Refusal::Unknown { .. })), "{strange:?}");
}

#[test]
fn an_answer_joins_the_seat_in_the_same_turn() {
    let mut town = plain();
    let seat = town.seat(1);
    town.offer(7, seat);
    let leg = try_call(&mut town, None, OnAnswer::Plan(plan(&[7]))).unwrap();
    town.pass(50);
    let (call, channel, _) = reached(&town);
    at_exchange(&mut town, |t| t.exchange.alert(t.now.tick, call, false));
    assert_eq!(town.record(leg).phase, LegPhase::Alerting);
    assert!(town.record(leg).ringing.is_some());
    let before = town.now.stamp;
    town.exchange.answer(town.now.tick, call);
    town.pass(0);
    let record = town.record(leg);
    assert_eq!((record.answered, record.joined), (Some(before), Some(before)));
    assert!(town.hears(leg, seat) && town.hears(seat, leg));
    assert_eq!(town.bearers.get(&channel), Some(&town.port(leg)));
}

#[test]
fn both_sides_can_hang_up_and_the_channel_is_free_again() {
    for far_first in [true, false] {
        let mut town = plain();
        let leg = call(&mut town);
        town.pass(50);
        let (at_far, ..) = reached(&town);
        at_exchange(&mut town, |t| t.exchange.answer(t.now.tick, at_far));
        if far_first {
            town.exchange.hang_up(town.now.tick, at_far, Cause::NormalClearing);
        } else {
            town.command(Command::HangUp { leg, cause: Cause::NormalClearing }).unwrap();
        }
        town.pass(50);
        let record = town.record(leg);
        assert_eq!(record.phase, LegPhase::Ended);
        assert_eq!(record.cause, Some(Cause::NormalClearing));
        assert_eq!(record.ended_by, Some(if far_first { Side::Far } else { Side::Box }));
        assert_eq!(end_at_exchange(&town, at_far), Some(Cause::NormalClearing));
        assert!(town.bearers.is_empty() && town.core.open.is_empty());
        let channels = &town.switch.snapshot().spans[0].channels;
        assert!(channels.iter().all(|c| c.state == ChannelState::Idle), "{channels:?}");
    }
}

#[test]
fn causes_of_the_exchange_are_told_as_they_came() {
    for cause in [Cause::UserBusy, Cause::UnallocatedNumber, Cause::CallRejected, Cause::NoAnswer] {
        let mut town = plain();
        let leg = call(&mut town);
        town.pass(50);
        let (at_far, ..) = reached(&town);
        at_exchange(&mut town, |t| t.exchange.hang_up(t.now.tick, at_far, cause));
        let record = town.record(leg);
        assert_eq!((record.phase, record.cause), (LegPhase::Ended, Some(cause)));
        assert_eq!(record.ended_by, Some(Side::Far));
    }
}

#[test]
fn nobody_answers_in_time() {
    let mut town = plain();
    let leg = call(&mut town);
    town.pass(50);
    let (at_far, ..) = reached(&town);
    at_exchange(&mut town, |t| t.exchange.alert(t.now.tick, at_far, true));
    assert!(town.record(leg).early_media);
    town.pass(29_000);
    assert_eq!(town.record(leg).phase, LegPhase::Alerting);
    town.pass(2_000);
    assert_eq!(town.record(leg).cause, Some(Cause::NoAnswer));
    assert_eq!(town.record(leg).ended_by, Some(Side::Box));
}

#[test]
fn a_full_trunk_refuses_and_a_blocked_channel_is_never_taken() {
    let mut town = with_span(|span, _| span.blocked = vec![SLOTS[0]]);
    let channels = town.switch.snapshot().spans[0].channels.clone();
    assert_eq!(channels[0].state, ChannelState::Blocked);
    for slot in &SLOTS[1..] {
        let leg = call(&mut town);
        town.pass(50);
        assert_eq!(town.record(leg).channel.unwrap().slot, *slot);
    }
    let full = try_call(&mut town, None, OnAnswer::Tell);
    assert!(matches!(full, Err(Refusal::Full { .. })), "{full:?}");
}

#[test]
fn a_trunk_keeps_to_its_own_group() {
    let mut town = with_span(|_, groups| groups[0].slots = vec![SLOTS[3]]);
    let leg = call(&mut town);
    assert_eq!(town.record(leg).channel.unwrap().slot, SLOTS[3]);
    assert!(matches!(try_call(&mut town, None, OnAnswer::Tell), Err(Refusal::Full { .. })));
}

#[test]
fn a_call_from_outside_reaches_centerd_with_the_number_that_was_meant() {
    let mut town = plain();
    let far = outside_calls(&mut town, "62000001", ChannelWish::Any);
    let record = incoming(&town).unwrap();
    assert_eq!((record.called.as_str(), record.caller.as_str()), ("+861062000001", "13900139000"));
    assert_eq!(record.line, Line::Trunk(E1));
    town.command(Command::Ring { leg: record.leg }).unwrap();
    town.command(Command::Answer { leg: record.leg }).unwrap();
    town.pass(50);
    assert_eq!(town.record(record.leg).phase, LegPhase::Answered);
    assert_eq!(town.bearers.len(), 1);
    at_exchange(&mut town, |t| t.exchange.hang_up(t.now.tick, far, Cause::NormalClearing));
    assert_eq!(town.record(record.leg).phase, LegPhase::Ended);
}

#[test]
fn a_number_of_nobody_is_unallocated() {
    let mut town = with_span(|_, groups| groups[0].slots = vec![SLOTS[3]]);
    let far = outside_calls(&mut town, "99999999", ChannelWish::Exclusive(SLOTS[0]));
    assert_eq!(end_at_exchange(&town, far), Some(Cause::UnallocatedNumber));
    assert_eq!(incoming(&town), None);
}

#[test]
fn digits_that_come_one_by_one_are_gathered() {
    let mut town = with_span(|span, _| {
        span.overlap = true;
        span.did_digits = 8;
    });
    let setup = CallSetup { called: Some(called_party("620")), ..CallSetup::default() };
    let far = town.exchange.place(town.now.tick, setup).unwrap();
    town.pass(50);
    for digit in ["0", "00", "0"] {
        assert_eq!(incoming(&town), None);
        town.exchange.dial(town.now.tick, far, digit, false);
        town.pass(50);
    }
    assert_eq!(incoming(&town), None);
    at_exchange(&mut town, |t| t.exchange.dial(t.now.tick, far, "1", false));
    assert_eq!(incoming(&town).unwrap().called, "+861062000001");
}

#[test]
fn without_centerd_a_caller_hears_the_fallback() {
    let mut town = plain();
    town.lose_center();
    let _far = outside_calls(&mut town, "62000001", ChannelWish::Any);
    town.pass(4_500);
    assert_eq!(town.bearers.len(), 1);
    assert!(!town.core.open.is_empty());
}

#[test]
fn a_red_alarm_is_told_with_advice_and_a_talk_outlives_a_short_one() {
    let mut town = plain();
    let leg = call(&mut town);
    town.pass(50);
    let (at_far, ..) = reached(&town);
    at_exchange(&mut town, |t| t.exchange.answer(t.now.tick, at_far));
    let mut red = SpanStatus::default();
    red.alarms.red = true;
    town.switch.handle_span(town.now, SPAN, red);
    town.exchange.handle_layer1(town.now.tick, false);
    town.cut = true;
    town.pass(1_000);
    let span = &town.switch.snapshot().spans[0];
    assert_eq!((span.alarms.as_slice(), span.link), ([SpanAlarm::Red].as_slice(), SpanLink::Down));
    let alarms = town.switch.snapshot().alarms;
    assert!(alarms.iter().any(|(_, text)| text.contains("cable")), "{alarms:?}");
    let trunk =
        |t: &Town| t.switch.snapshot().trunks.iter().find(|(id, ..)| *id == E1).map(|t| t.1);
    assert_eq!(trunk(&town), Some(TrunkState::Down));
    assert!(try_call(&mut town, None, OnAnswer::Tell).is_err());
    town.pass(20_000);
    town.cut = false;
    town.exchange.handle_layer1(town.now.tick, true);
    town.switch.handle_span(town.now, SPAN, SpanStatus::default());
    town.pass(10_000);
    assert_eq!(town.record(leg).phase, LegPhase::Answered);
    assert_eq!(trunk(&town), Some(TrunkState::Up));
    assert_eq!(town.switch.snapshot().spans[0].link, SpanLink::Up);
}

#[test]
fn a_restart_clears_the_channel_and_the_trace_shows_it() {
    let mut town = plain();
    let leg = call(&mut town);
    town.pass(50);
    let (at_far, channel, _) = reached(&town);
    at_exchange(&mut town, |t| t.exchange.answer(t.now.tick, at_far));
    town.command(Command::RestartSpan { span: SPAN, slot: Some(channel) }).unwrap();
    town.pass(500);
    assert_eq!(town.record(leg).phase, LegPhase::Ended);
    assert!(end_at_exchange(&town, at_far).is_some());
    town.command(Command::TraceSpan { span: SPAN }).unwrap();
    let lines = town.events().rev().find_map(|event| match event {
        Event::Trace { lines, .. } => Some(lines.clone()),
        _ => None,
    });
    let lines = lines.unwrap();
    for word in ["SABME", "SETUP", "CONNECT", "RESTART"] {
        assert!(lines.iter().any(|line| line.text.contains(word)), "{word}: {lines:?}");
    }
    assert!(lines.iter().all(|line| !line.text.contains("13800138000")), "numbers are masked");
}

#[test]
fn the_trace_says_what_is_wrong_with_a_frame_and_it_is_counted() {
    let mut town = plain();
    let before = town.switch.snapshot().spans[0].counters.bad_frames;
    // Information of one octet more than N201.
    town.switch.handle_frame(town.now, SPAN, &[&[2, 1, 0, 0][..], &[8; 261]].concat());
    town.pass(1_000);
    assert_eq!(town.switch.snapshot().spans[0].counters.bad_frames, before + 1);
    town.command(Command::TraceSpan { span: SPAN }).unwrap();
    let lines = town.events().rev().find_map(|event| match event {
        Event::Trace { lines, .. } => Some(lines.clone()),
        _ => None,
    });
    let texts: Vec<String> = lines.unwrap().into_iter().map(|line| line.text).collect();
    let seen = |start: &str| texts.iter().position(|text| text.starts_with(start));
    let (frame, error) =
        (seen("? 261 octets of information").unwrap(), seen("! error O: ").unwrap());
    let again = texts.iter().rposition(|text| text == "SABME P").unwrap();
    assert!(frame < error && error < again, "{texts:#?}");
}

#[test]
fn a_number_of_which_the_setup_brought_no_digit_is_gathered_too() {
    let mut town = with_span(|span, _| {
        span.overlap = true;
        span.did_digits = 8;
    });
    let far = town.exchange.place(town.now.tick, CallSetup::default()).unwrap();
    town.pass(50);
    at_exchange(&mut town, |t| t.exchange.dial(t.now.tick, far, "62000001", false));
    assert_eq!(incoming(&town).unwrap().called, "+861062000001");
}

#[test]
fn who_redirected_a_call_and_the_name_of_its_caller_are_told() {
    let mut town = plain();
    let setup = CallSetup {
        called: Some(called_party("62000001")),
        calling: Some(called_party("13900139000")),
        redirecting: Some(Redirecting { party: called_party("+861088880000"), reason: None }),
        display: Some("Zhang San".to_owned()),
        complete: true,
        ..CallSetup::default()
    };
    town.exchange.place(town.now.tick, setup).unwrap();
    town.pass(50);
    let record = incoming(&town).unwrap();
    assert_eq!(record.redirected_from, "+861088880000");
    assert_eq!(record.display, "Zhang San");
}

#[test]
fn what_an_alarm_says_follows_what_is_wrong() {
    let mut town = plain();
    let mut red = SpanStatus::default();
    red.alarms.red = true;
    town.cut = true;
    town.switch.handle_span(town.now, SPAN, red);
    town.pass(1_000);
    town.switch.handle_span(town.now, SPAN, SpanStatus::default());
    town.pass(10_000);
    let told = town.events().filter_map(|event| match event {
        Event::Alarm { alarm: Alarm::SpanDown, raised: true, text } => Some(text.as_str()),
        _ => None,
    });
    let told: Vec<&str> = told.collect();
    assert!(told.iter().any(|text| text.contains("cable")), "{told:?}");
    assert!(told.last().is_some_and(|text| text.contains("D-channel")), "{told:?}");
}
