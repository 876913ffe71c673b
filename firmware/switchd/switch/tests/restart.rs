//! kill -9 of switchd, and what its successor does about it.

use call::{Cause, Epoch, LegPhase};
use link::{Command, OnAnswer, ToSwitch};

use super::town::{Town, carrier, phone, recorded};

#[test]
fn phones_and_carrier_are_told_bye_and_the_ends_are_reported_once() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    let customer = town.dial(recorded(&[7], 70));
    town.customer_answers(0);
    assert_eq!(town.fars[&carrier()].live() + town.fars[&phone(1)].live(), 2);

    town.kill_and_restart();
    town.pass(500);
    assert_eq!(town.fars[&carrier()].live() + town.fars[&phone(1)].live(), 0);

    town.greet(Epoch(1));
    let snapshot = town.snapshot();
    assert!(snapshot.legs.is_empty());
    let lost: Vec<_> = snapshot.ended.iter().map(|r| (r.leg, r.cause)).collect();
    assert_eq!(lost, [(seat, Some(Cause::Lost)), (customer, Some(Cause::Lost))]);
    let customer = snapshot.ended.iter().find(|r| r.leg == customer).unwrap();
    assert_eq!(customer.joined_to, Some(seat), "all that had happened to it is known");
    assert_eq!(snapshot.recordings.len(), 1);
    assert_eq!(snapshot.recordings[0].state, link::RecordingState::Cut);
    town.say(ToSwitch::Ack { seq: snapshot.seq });
    assert!(town.book.ended.is_empty() && town.book.recordings.is_empty());

    // The successor's successor has nothing to end.
    town.kill_and_restart();
    town.greet(Epoch(1));
    assert!(town.snapshot().ended.is_empty());
}

#[test]
fn phones_can_be_called_at_once() {
    let mut town = Town::new();
    town.kill_and_restart();
    assert_eq!(town.switch.snapshot().registrations.len(), 3);
    town.greet(Epoch(1));
    assert_eq!(town.snapshot().desired_version, 1);
    let leg = town.seat(2);
    assert_eq!(town.record(leg).phase, LegPhase::Answered);
}

#[test]
fn a_phone_that_rings_stops_ringing() {
    let mut town = Town::new();
    town.try_dial(30_000, OnAnswer::Tell).1.unwrap();
    town.customer_rings(0);
    assert_eq!(town.fars[&carrier()].live(), 1);
    town.kill_and_restart();
    town.pass(500);
    assert_eq!(town.fars[&carrier()].live(), 0);
}

#[test]
fn a_caller_who_waits_for_an_answer_is_told_that_there_is_none() {
    let mut town = Town::new();
    let call = town.far_calls(carrier(), "01012345678");
    town.kill_and_restart();
    town.pass(500);
    assert_eq!(town.fars[&carrier()].phases[&call], LegPhase::Ended);
}

#[test]
fn contacts_that_expired_meanwhile_are_not_restored() {
    let mut town = Town::new();
    town.cut = true;
    town.pass(700_000);
    town.kill_and_restart();
    assert!(town.switch.snapshot().registrations.is_empty());
}

#[test]
fn a_leg_that_ended_before_is_not_ended_again() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.command(Command::HangUp { leg: seat, cause: Cause::NormalClearing }).unwrap();
    town.pass(500);
    town.kill_and_restart();
    town.greet(Epoch(1));
    let ended = town.snapshot().ended;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].cause, Some(Cause::NormalClearing));
}
