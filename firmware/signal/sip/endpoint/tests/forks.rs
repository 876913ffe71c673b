//! An account with two phones: both ring, one has the call.

use super::*;
use LegPhase::{Alerting, Answered, Dialing, Ended, Proceeding, Releasing};

const ONE: CallKey = CallKey(1);
/// The second phone of the same account.
const OTHER: &str = "192.0.2.101:5062";

/// Both phones ring for the box's call; the calls' keys there.
fn ring_both(seed: u64) -> (Town, CallKey, CallKey) {
    let mut town = Town::with_everybody(seed);
    town.add(OTHER, Config { address: at(OTHER), ..phone_config("secret") });
    town.run(1_000);
    assert_eq!(town.end(BOX).snapshot().bindings, 2);
    town.facts.clear();
    town.act(BOX, |e, now| e.invite(now, to_phone(1))).unwrap();
    town.run(10);
    let (here, there) = (town.incoming(PHONE), town.incoming(OTHER));
    (town, here, there)
}

fn phase_names(told: &[Output]) -> Vec<LegPhase> {
    phases(told, ONE).into_iter().map(|(phase, ..)| phase).collect()
}

/// All is over, and the phones have left.
fn end(town: &mut Town) {
    town.run(40_000);
    assert_quiet(town);
}

#[test]
fn both_ring_and_the_first_that_answers_has_the_call() {
    let (mut town, here, there) = ring_both(1);
    for (phone, call) in [(PHONE, here), (OTHER, there)] {
        town.act(phone, |e, now| e.progress(now, call, StatusCode::RINGING, Some(OFFER)));
    }
    town.run(3_000);
    town.act(OTHER, |e, now| e.answer(now, there, ANSWER));
    town.run(100);
    let told = town.told(BOX);
    assert_eq!(phase_names(&told), [Dialing, Proceeding, Alerting, Answered]);
    let sounds: Vec<&str> = told.iter().filter_map(sdp).collect();
    assert_eq!(sounds, [ANSWER], "nobody's early sound is heard before one has won");
    let lost = phases(&town.told(PHONE), here);
    assert_eq!(lost.last(), Some(&(Ended, Some(Cause::NormalClearing), Some(Side::Far))));

    // The winner is a call like any other.
    town.act(OTHER, |e, now| e.hang_up(now, there, Cause::NormalClearing));
    town.run(100);
    let over = (Ended, Some(Cause::NormalClearing), Some(Side::Far));
    assert_eq!(phases(&town.told(BOX), ONE), [over]);
    end(&mut town);
}

fn sdp(fact: &Output) -> Option<&str> {
    match fact {
        Output::Phase { sdp, .. } => sdp.as_deref(),
        _ => None,
    }
}

#[test]
fn who_answers_a_moment_later_is_let_go_and_told_that_nothing_was_missed() {
    let (mut town, here, there) = ring_both(2);
    let cancelled = town.act(BOX, |e, _| e.dialog_records(ONE).len());
    assert_eq!(cancelled, 2, "both would need a CANCEL after our death");
    town.act(PHONE, |e, now| e.answer(now, here, ANSWER));
    town.act(OTHER, |e, now| e.answer(now, there, ANSWER));
    town.run(100);
    assert_eq!(town.end(BOX).dialog_records(ONE).len(), 1);
    let lost = [(PHONE, here), (OTHER, there)].map(|(phone, call)| {
        let told = town.told(phone);
        phases(&told, call).last().is_some_and(|(phase, ..)| *phase == Ended)
    });
    assert_eq!(lost.iter().filter(|lost| **lost).count(), 1, "one is let go");
    assert_eq!(phase_names(&town.told(BOX)).last(), Some(&Answered));
    town.act(BOX, |e, now| e.hang_up(now, ONE, Cause::NormalClearing));
    town.run(100);
    assert_eq!(phase_names(&town.told(BOX)), [Releasing, Ended]);
    end(&mut town);
}

#[test]
fn the_call_fails_when_all_have_failed_with_what_tells_most() {
    let (mut town, here, there) = ring_both(3);
    town.act(OTHER, |e, now| e.reject(now, there, Cause::UserBusy));
    town.run(1_000);
    assert!(!phase_names(&town.told(BOX)).contains(&Ended), "the other still rings");
    town.act(PHONE, |e, now| e.reject(now, here, Cause::SubscriberAbsent));
    town.run(100);
    let over = (Ended, Some(Cause::UserBusy), Some(Side::Far));
    assert_eq!(phases(&town.told(BOX), ONE), [over]);
    end(&mut town);
}

#[test]
fn who_refuses_at_one_phone_is_not_rung_at_the_other() {
    let (mut town, here, there) = ring_both(4);
    town.act(PHONE, |e, now| e.reject(now, here, Cause::CallRejected));
    town.run(100);
    let lost = phases(&town.told(OTHER), there);
    assert_eq!(lost.last().map(|(phase, ..)| *phase), Some(Ended));
    let over = (Ended, Some(Cause::CallRejected), Some(Side::Far));
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&over));
    end(&mut town);
}

#[test]
fn a_contact_left_behind_takes_nothing_from_the_phone_that_lives() {
    let mut town = Town::with_everybody(5);
    town.add(OTHER, Config { address: at(OTHER), ..phone_config("secret") });
    town.run(1_000);
    town.kill(PHONE);
    town.facts.clear();
    town.act(BOX, |e, now| e.invite(now, to_phone(1))).unwrap();
    town.run(10);
    let there = town.incoming(OTHER);
    town.act(OTHER, |e, now| e.answer(now, there, ANSWER));
    // By now the call to nobody is over too.
    town.run(35_000);
    let told = town.told(BOX);
    assert_eq!(phase_names(&told), [Dialing, Proceeding, Answered]);
    assert_eq!(town.end(BOX).snapshot().calls.len(), 1);
    town.act(BOX, |e, now| e.hang_up(now, ONE, Cause::NormalClearing));
    end(&mut town);

    // Nobody lives: that is said, and not that nobody answered.
    town.kill(OTHER);
    town.facts.clear();
    town.act(BOX, |e, now| e.invite(now, to_phone(1))).unwrap();
    town.run(33_000);
    let over = (Ended, Some(Cause::SubscriberAbsent), Some(Side::Box));
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&over));
}

#[test]
fn the_owner_s_end_is_for_all_and_is_told_once() {
    let (mut town, here, there) = ring_both(6);
    town.act(BOX, |e, now| e.hang_up(now, ONE, Cause::NoAnswer));
    town.run(100);
    let told = phases(&town.told(BOX), ONE);
    let ends = [Releasing, Ended].map(|phase| (phase, Some(Cause::NoAnswer), Some(Side::Box)));
    assert_eq!(told[told.len() - 2..], ends);
    for (phone, call) in [(PHONE, here), (OTHER, there)] {
        let last = phases(&town.told(phone), call).last().copied();
        assert_eq!(last, Some((Ended, Some(Cause::NoAnswer), Some(Side::Far))));
    }
    let again = town.act(BOX, |e, now| e.invite(now, to_phone(1)));
    assert_eq!(again, Ok(()), "its key is free again");
}

#[test]
fn a_successor_cancels_at_every_phone() {
    let (mut town, here, there) = ring_both(7);
    let records = town.end(BOX).dialog_records(ONE);
    town.kill(BOX);
    town.add(BOX, box_config());
    for record in &records {
        town.act(BOX, |e, now| e.bye_from_record(now, record));
    }
    town.run(100);
    for (phone, call) in [(PHONE, here), (OTHER, there)] {
        let last = phases(&town.told(phone), call).last().map(|(phase, ..)| *phase);
        assert_eq!(last, Some(Ended));
    }
}
