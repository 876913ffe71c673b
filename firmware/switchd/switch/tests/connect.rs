//! A desk phone rings for a caller from outside, and centerd is not there.

use call::{AccountId, Cause, LegId, LegPhase, LegTag, RecordingId, Side};
use link::{Command, Connect, Destination, Event, OnAnswer, Refusal};
use signal::sip::endpoint::CallKey;

use super::conversation::{acknowledge, offerless};
use super::town::{PROMPT_MS, Town, carrier, offer_of, phone};

/// The leg of the call that came in last.
fn came(town: &Town) -> LegId {
    let came = town.events().rev().find_map(|event| match event {
        Event::Incoming(record) => Some(record.leg),
        _ => None,
    });
    came.unwrap()
}

/// Lets phone `n` ring for a caller; its leg.
fn ring_for(town: &mut Town, n: u8, caller: LegId) -> Result<LegId, Refusal> {
    let leg = town.new_leg();
    let to = Destination::Account {
        account: AccountId(i64::from(n)),
        caller: "139".to_owned(),
        auto_answer: false,
    };
    let on_answer = OnAnswer::Connect(Connect { caller, record: Some(RecordingId(i64::from(n))) });
    let ring_timeout_ms = 25_000;
    let order = Command::Originate { leg, tag: LegTag(0), to, ring_timeout_ms, on_answer };
    town.command(order).map(|()| leg)
}

/// Somebody calls from outside, phone 1 rings, and centerd dies.
fn ringing() -> (Town, CallKey, LegId, LegId) {
    let mut town = Town::new();
    let call = town.far_calls(carrier(), "01012345678");
    let caller = came(&town);
    town.command(Command::Ring { leg: caller }).unwrap();
    let desk = ring_for(&mut town, 1, caller).unwrap();
    town.pass(100);
    town.lose_center();
    (town, call, caller, desk)
}

fn caller_hangs_up(town: &mut Town, call: CallKey) {
    let now = town.now.tick;
    let far = town.fars.get_mut(&carrier()).unwrap();
    far.endpoint.hang_up(now, call, Cause::NormalClearing);
    town.pass(0);
}

fn at_caller(town: &Town, call: CallKey) -> LegPhase {
    town.fars[&carrier()].phases[&call]
}

#[test]
fn who_picks_up_talks_with_the_caller_at_once() {
    let (mut town, call, caller, desk) = ringing();
    // Longer than the fallback would wait: the phone rings on.
    town.pass(10_000);
    let at = town.now;
    town.far_answers(phone(1), 0);
    assert_eq!(town.now, at);
    assert_eq!(at_caller(&town, call), LegPhase::Answered);
    assert!(town.hears(caller, desk) && town.hears(desk, caller));
    assert_eq!(town.taping.len(), 1);

    // centerd is back and says what it would have said.
    town.greet(call::Epoch(1));
    town.command(Command::Answer { leg: caller }).unwrap();
    let record = Some(RecordingId(99));
    town.command(Command::Join { customer: caller, seat: desk, record }).unwrap();
    assert_eq!(town.taping.len(), 1);
    let snapshot = town.snapshot();
    let told = snapshot.legs.iter().find(|leg| leg.leg == caller).unwrap();
    assert_eq!((told.joined_to, told.recording), (Some(desk), Some(RecordingId(1))));
    assert_eq!(told.joined, told.answered);
}

#[test]
fn either_takes_the_other_along_when_the_talk_ends() {
    for caller_first in [true, false] {
        let (mut town, call, caller, desk) = ringing();
        town.far_answers(phone(1), 0);
        town.pass(5_000);
        if caller_first {
            caller_hangs_up(&mut town, call);
        } else {
            town.far_hangs_up(phone(1), 0);
        }
        town.pass(100);
        assert!(town.fars.values().all(|far| far.live() == 0), "nobody is left in silence");
        let (far, peer) = if caller_first { (caller, desk) } else { (desk, caller) };
        let ended_by = |leg: LegId| town.book.ended[&leg].ended_by;
        assert_eq!((ended_by(far), ended_by(peer)), (Some(Side::Far), Some(Side::Peer)));
        assert!(town.taping.is_empty());
    }
}

#[test]
fn a_caller_who_gives_up_takes_the_ringing_along() {
    let (mut town, call, caller, desk) = ringing();
    caller_hangs_up(&mut town, call);
    town.pass(0);
    assert_eq!(town.fars[&phone(1)].live(), 0, "it rings for nobody");
    assert_eq!(town.book.ended[&caller].ended_by, Some(Side::Far));
    assert_eq!(town.book.ended[&desk].ended_by, Some(Side::Peer));
}

#[test]
fn a_phone_that_nobody_picks_up_leaves_the_caller_to_the_fallback() {
    let (mut town, call, _, desk) = ringing();
    town.pass(36_000);
    assert_eq!(town.book.ended[&desk].cause, Some(Cause::NoAnswer));
    assert_ne!(at_caller(&town, call), LegPhase::Answered);
    town.pass(3_500);
    assert_eq!(at_caller(&town, call), LegPhase::Answered, "he hears that nobody is there");
    town.pass(u64::from(PROMPT_MS) + 200);
    assert_eq!(at_caller(&town, call), LegPhase::Ended);
}

#[test]
fn a_second_phone_rings_on_when_the_first_refuses_and_stops_when_it_is_picked_up() {
    let mut town = Town::new();
    let call = town.far_calls(carrier(), "01012345678");
    let caller = came(&town);
    let desks = [1, 2, 3].map(|n| ring_for(&mut town, n, caller).unwrap());
    town.lose_center();
    let now = town.now.tick;
    let far = town.fars.get_mut(&phone(1)).unwrap();
    let busy = far.incoming[0].0;
    far.endpoint.reject(now, busy, Cause::UserBusy);
    town.pass(8_000);
    assert_ne!(at_caller(&town, call), LegPhase::Answered, "no fallback while others ring");
    town.far_answers(phone(2), 0);
    assert!(town.hears(caller, desks[1]));
    assert_eq!(town.fars[&phone(3)].live(), 0);
    town.pass(10_000);
    assert!(town.hears(caller, desks[1]));
}

#[test]
fn a_caller_who_made_no_offer_is_connected_when_his_sound_comes() {
    let mut town = Town::new();
    town.receive(carrier(), offerless("INVITE", "", "").as_bytes());
    let caller = came(&town);
    let desk = ring_for(&mut town, 1, caller).unwrap();
    town.lose_center();
    town.far_answers(phone(1), 0);
    assert!(town.taping.is_empty(), "there is nothing to hear yet");
    acknowledge(&mut town, &offer_of(carrier()));
    assert!(town.hears(caller, desk) && town.hears(desk, caller));
}

#[test]
fn a_phone_rings_only_for_a_caller_who_waits() {
    let mut town = Town::new();
    assert!(matches!(ring_for(&mut town, 1, LegId(77)), Err(Refusal::NoSuchLeg { .. })));
    let seat = town.seat(2);
    assert!(matches!(ring_for(&mut town, 1, seat), Err(Refusal::WrongPhase { .. })));
}
