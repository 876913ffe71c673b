//! Somebody calls a number of the span from outside.

use board_sim::town::{Citizen, Dialling, Fate, Fault, Habit, Lot, Order as Say, Sight};
use call::{Cause, Side};
use serde_json::json;
use store::calls::NoteCall;
use world::{Chance, Day, Faults, Plan};

use crate::deaths::{Dies, without};

pub const OURS: &str = "+861062010005";
const CALLER: &str = "8613900000001";

pub fn caller() -> Citizen {
    Citizen::Customer(CALLER.into())
}

fn phone() -> Citizen {
    Citizen::Phone("8001".into())
}

/// One desk phone, which picks up; a caller with patience.
pub fn plan(seed: u64) -> Plan {
    let mut plan = Plan::over_e1(seed);
    plan.agents = 1;
    plan.habit = Habit::Waits;
    plan
}

pub fn open(plan: &Plan) -> Day {
    let mut day = Day::begin(plan);
    day.fix(CALLER, Lot { talk_ms: 300_000, ..Lot::sure(Fate::Answers) });
    day.run_ms(3_000);
    day
}

fn lead_to_phone(day: &mut Day) {
    let account = day.accounts[0];
    day.route(OURS, json!({ "to": "phone", "account": account }));
}

fn with_phone(seed: u64) -> Day {
    let mut day = open(&plan(seed));
    lead_to_phone(&mut day);
    day
}

pub fn dial(day: &mut Day) {
    day.say(&caller(), Say::Dial(OURS.into())).expect("a line");
}

fn saw(day: &Day, who: &Citizen, what: &Sight) -> bool {
    day.events.iter().any(|event| event.who == *who && event.what == *what)
}

/// How the caller's call ended: why, by whom, and how long it was, ms.
pub fn end(day: &Day) -> Option<(Cause, Side, Option<u64>)> {
    let end = *day.farewells().get(CALLER)?.first()?;
    Some((end.cause, end.by, end.talked_ms))
}

/// The only call from outside; what every such record must say.
pub fn record(day: &Day) -> NoteCall {
    let mut calls = day.calls_from_outside();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let call = calls.remove(0);
    assert_eq!(call.trunk, Some(day.trunk), "{call:?}");
    assert_eq!(call.called.as_deref(), Some(OURS), "{call:?}");
    assert!(call.number.ends_with("13900000001"), "{call:?}");
    assert!(call.channel.is_some(), "{call:?}");
    assert!(call.attempt.is_none() && call.campaign.is_none(), "{call:?}");
    call
}

#[test]
fn a_number_with_an_announcement_says_it_and_hangs_up() {
    let mut day = open(&plan(701));
    dial(&mut day);
    day.run_ms(30_000);
    assert!(saw(&day, &caller(), &Sight::Answered));
    let (cause, by, talked_ms) = end(&day).expect("an end");
    assert_eq!((cause, by), (Cause::NormalClearing, Side::Far));
    assert!(talked_ms.is_some_and(|ms| (2_000..3_000).contains(&ms)), "{talked_ms:?}");
    let call = record(&day);
    assert!(call.ended.is_some() && call.joined_at.is_none(), "{call:?}");
    day.check_over();
}

#[test]
fn a_number_with_a_phone_rings_it_and_they_talk_and_are_recorded() {
    let mut day = with_phone(702);
    dial(&mut day);
    day.run_ms(10_000);
    assert!(saw(&day, &phone(), &Sight::Answered) && saw(&day, &caller(), &Sight::Answered));
    let shown = day.events.iter().any(|event| {
        let shows = |caller: &Option<String>| {
            caller.as_deref().is_some_and(|caller| caller.ends_with("13900000001"))
        };
        matches!(&event.what, Sight::Called { caller } if shows(caller))
    });
    assert!(shown, "the phone shows who calls: {:?}", day.events);
    day.say(&caller(), Say::HangUp).expect("a call");
    day.run_ms(5_000);
    let call = record(&day);
    assert!(call.answered_at.is_some() && call.joined_at.is_some(), "{call:?}");
    assert!(call.recording.is_some(), "{call:?}");
    let (_, cause, by) = call.ended.expect("an end");
    assert_eq!((cause, by), (Cause::NormalClearing, Side::Far));
    let phone_ended =
        day.events.iter().any(|e| e.who == phone() && matches!(e.what, Sight::Ended { .. }));
    assert!(phone_ended);
    day.check_over();
}

#[test]
fn whoever_hangs_up_at_the_phone_ends_the_callers_call() {
    let mut day = with_phone(703);
    dial(&mut day);
    day.run_ms(10_000);
    day.say(&phone(), Say::HangUp).expect("a call");
    day.run_ms(2_000);
    let (cause, by, _) = end(&day).expect("an end");
    assert_eq!((cause, by), (Cause::NormalClearing, Side::Far));
    assert!(record(&day).ended.is_some());
    day.check_over();
}

#[test]
fn a_phone_that_nobody_answers_leaves_the_caller_to_the_announcement() {
    let mut day = with_phone(704);
    // The phone cannot be reached any more; the E1 can.
    day.net.set_faults(Faults { loss: 1.0, ..Faults::NONE });
    dial(&mut day);
    day.run_ms(20_000);
    assert!(end(&day).is_none() && !saw(&day, &caller(), &Sight::Answered), "it rings");
    day.run_ms(40_000);
    let (cause, by, talked_ms) = end(&day).expect("an end");
    assert_eq!((cause, by), (Cause::NormalClearing, Side::Far));
    assert!(talked_ms.is_some_and(|ms| ms >= 2_000), "{talked_ms:?}");
    let call = record(&day);
    assert!(call.joined_at.is_none() && call.ended.is_some(), "{call:?}");
    day.net.set_faults(Faults::NONE);
    day.run_ms(60_000);
    day.check_over();
}

#[test]
fn a_caller_who_gives_up_silences_the_phone() {
    let mut day = with_phone(705);
    dial(&mut day);
    // The phone rings and has not been picked up.
    day.run_ms(200);
    day.say(&caller(), Say::HangUp).expect("a call");
    day.run_ms(5_000);
    assert!(!saw(&day, &phone(), &Sight::Answered));
    let call = record(&day);
    assert!(call.answered_at.is_none() && call.ended.is_some(), "{call:?}");
    day.check_over();
}

#[test]
fn a_number_that_comes_digit_by_digit_rings_the_phone_once_it_is_whole() {
    let mut plan = plan(711);
    plan.e1.as_mut().expect("an E1").span.overlap = true;
    let mut day = open(&plan);
    lead_to_phone(&mut day);
    dial(&mut day);
    day.run_ms(600);
    let rung = |day: &Day| day.events.iter().any(|e| matches!(e.what, Sight::Called { .. }));
    assert!(!rung(&day), "digits are missing");
    day.run_ms(10_000);
    assert!(rung(&day) && saw(&day, &caller(), &Sight::Answered));
    day.say(&caller(), Say::HangUp).expect("a call");
    day.run_ms(5_000);
    assert!(record(&day).joined_at.is_some());
    day.check_over();
}

#[test]
fn a_caller_who_hides_has_a_record_without_a_number() {
    let mut day = with_phone(712);
    let hidden = Dialling { withheld: true, ..Dialling::to(OURS) };
    day.say(&caller(), Say::Call(hidden)).expect("a line");
    day.run_ms(10_000);
    day.say(&caller(), Say::HangUp).expect("a call");
    day.run_ms(5_000);
    let calls = day.calls_from_outside();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].number.is_empty() && calls[0].joined_at.is_some(), "{calls:?}");
    day.check_over();
}

#[test]
fn a_killed_switchd_ends_a_talk_from_outside_at_both_ends() {
    let mut day = with_phone(713);
    dial(&mut day);
    day.run_ms(10_000);
    without(&mut day, Dies::Switch, 500, |_| {});
    day.run_ms(8_000);
    assert!(end(&day).is_some(), "the channel was restarted");
    let phone_ended =
        day.events.iter().any(|e| e.who == phone() && matches!(e.what, Sight::Ended { .. }));
    assert!(phone_ended);
    let call = record(&day);
    assert!(call.joined_at.is_some(), "{call:?}");
    assert_eq!(call.ended.expect("an end").1, Cause::Lost);
    day.check_over();
}

#[test]
fn a_talk_from_outside_outlives_centerd_and_its_record_is_whole() {
    let mut day = with_phone(706);
    dial(&mut day);
    day.run_ms(10_000);
    assert!(saw(&day, &phone(), &Sight::Answered));
    without(&mut day, Dies::Center, 0, |day| {
        day.run_ms(30_000);
        assert!(end(day).is_none(), "the talk goes on");
    });
    day.run_ms(30_000);
    assert!(end(&day).is_none(), "the talk still goes on");
    day.say(&caller(), Say::HangUp).expect("a call");
    day.run_ms(5_000);
    let call = record(&day);
    assert!(call.joined_at.is_some() && call.recording.is_some(), "{call:?}");
    let (_, cause, by) = call.ended.expect("an end");
    assert_eq!((cause, by), (Cause::NormalClearing, Side::Far));
    day.check_over();
}

#[test]
fn a_talk_from_outside_that_ends_while_centerd_is_dead_has_a_whole_record_too() {
    let mut day = with_phone(707);
    dial(&mut day);
    day.run_ms(10_000);
    without(&mut day, Dies::Center, 5_000, |day| {
        day.run_ms(5_000);
        day.say(&caller(), Say::HangUp).expect("a call");
    });
    day.run_ms(1_000);
    let phone_ended =
        day.events.iter().any(|e| e.who == phone() && matches!(e.what, Sight::Ended { .. }));
    assert!(phone_ended, "the phone is not left alone on the line");
    let call = record(&day);
    assert!(call.joined_at.is_some() && call.ended.is_some(), "{call:?}");
    day.check_over();
}

#[test]
fn a_centerd_that_is_back_at_once_lets_the_phone_ring_again() {
    let mut day = with_phone(708);
    dial(&mut day);
    day.run_ms(200);
    assert!(!saw(&day, &phone(), &Sight::Answered));
    without(&mut day, Dies::Center, 700, |_| {});
    day.run_ms(10_000);
    assert!(end(&day).is_none() && saw(&day, &caller(), &Sight::Answered), "{:?}", day.events);
    day.say(&caller(), Say::HangUp).expect("a call");
    day.run_ms(5_000);
    let call = record(&day);
    assert!(call.joined_at.is_some() && call.recording.is_some(), "{call:?}");
    let legs = day.unit.view().expect("a center").calls;
    assert!(legs.is_empty(), "{legs:?}");
    day.check_over();
}

#[test]
fn who_calls_while_centerd_is_away_for_a_second_reaches_the_phone() {
    let mut day = with_phone(709);
    without(&mut day, Dies::Center, 1_000, dial);
    day.run_ms(10_000);
    assert!(saw(&day, &phone(), &Sight::Answered) && saw(&day, &caller(), &Sight::Answered));
    assert!(end(&day).is_none(), "{:?}", day.events);
    day.say(&phone(), Say::HangUp).expect("a call");
    day.run_ms(5_000);
    assert!(record(&day).joined_at.is_some());
    day.check_over();
}

#[test]
fn who_calls_while_centerd_stays_away_hears_that_nobody_can_be_reached() {
    let mut day = with_phone(710);
    without(&mut day, Dies::Center, 30_000, dial);
    let (cause, by, talked_ms) = end(&day).expect("an end");
    assert_eq!((cause, by), (Cause::NormalClearing, Side::Far));
    assert!(talked_ms.is_some_and(|ms| ms >= 2_000), "{talked_ms:?}");
    day.run_ms(5_000);
    assert!(record(&day).ended.is_some());
    let legs = day.unit.view().expect("a center").calls;
    assert!(legs.is_empty(), "the phone is not left alone: {legs:?}");
    day.check_over();
}

/// The phone rings, and centerd dies: whoever picks it up talks, and who hangs up ends it for both.
#[test]
fn a_phone_that_rings_needs_no_centerd_to_be_picked_up() {
    for gives_up in [false, true] {
        let mut day = with_phone(711);
        dial(&mut day);
        day.run_ms(200);
        without(&mut day, Dies::Center, 30_000, |day| {
            if !gives_up {
                day.run_ms(15_000);
                assert!(saw(day, &phone(), &Sight::Answered), "{:?}", day.events);
                assert!(saw(day, &caller(), &Sight::Answered), "{:?}", day.events);
            }
            day.say(&caller(), Say::HangUp).expect("a call");
            day.run_ms(2_000);
            let over = |e: &board_sim::town::Event| {
                e.who == phone() && matches!(e.what, Sight::Ended { .. })
            };
            assert!(day.events.iter().any(over), "the phone is left alone: {:?}", day.events);
        });
        day.run_ms(5_000);
        let call = record(&day);
        assert!(call.ended.is_some(), "{call:?}");
        assert_eq!((call.joined_at.is_some(), call.recording.is_some()), (!gives_up, !gives_up));
        let legs = day.unit.view().expect("a center").calls;
        assert!(legs.is_empty(), "{legs:?}");
        day.check_over();
    }
}

/// Callers come and go while the daemons die and the span fails at seeded instants.
fn stormy_reception(seed: u64) {
    let mut day = with_phone(seed);
    let mut chance = Chance::new(seed).branch("reception");
    for _ in 0..12 {
        let before_ms = chance.between(0, 2_000);
        let dead_ms = chance.between(50, 8_000);
        let talk_ms = chance.between(0, 8_000);
        // The line may be down, and then nobody gets through.
        let _ = day.say(&caller(), Say::Dial(OURS.into()));
        day.run_ms(before_ms);
        let (what, leaves) = (chance.between(0, 3), chance.between(0, 1) == 0);
        let meanwhile = |day: &mut Day| {
            if leaves {
                let _ = day.say(&caller(), Say::HangUp);
            }
        };
        match what {
            0 => without(&mut day, Dies::Center, dead_ms, meanwhile),
            1 => without(&mut day, Dies::Switch, dead_ms, meanwhile),
            failure => {
                let for_ms = dead_ms;
                day.harm(match failure {
                    2 => Fault::Alarm { for_ms },
                    _ => Fault::LinkDown { for_ms },
                });
                meanwhile(&mut day);
                day.run_ms(dead_ms);
            }
        }
        day.run_ms(talk_ms);
        let who = if chance.between(0, 1) == 0 { caller() } else { phone() };
        // Whoever is in no call has nothing to hang up.
        let _ = day.say(&who, Say::HangUp);
        day.check_span();
        day.run_ms(60_000);
        let _ = day.say(&caller(), Say::HangUp);
        day.run_ms(60_000);
        let legs = day.unit.view().expect("a center").calls;
        assert!(legs.is_empty(), "seed {seed}: legs are left: {legs:?}");
        day.check_over();
    }
    assert!(day.calls_from_outside().iter().any(|call| call.joined_at.is_some()));
}

#[test]
fn no_caller_and_no_phone_is_left_hanging_when_daemons_die_and_the_span_fails() {
    for seed in 720..726 {
        stormy_reception(seed);
    }
}
