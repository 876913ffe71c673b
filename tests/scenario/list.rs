//! A list is dialled, and every record is exact.

use board_sim::town::{Fate, Lot, Sight};
use call::{Cause, Side};
use dialer::campaign::Order;
use dialer::outcome::Outcome;
use world::{Day, Faults, Plan};

/// Ten numbers for each fate; the last digit tells which.
fn fate(n: u32) -> (Fate, Outcome) {
    match n % 5 {
        0 => (Fate::Busy, Outcome::Busy),
        1 => (Fate::Refuses, Outcome::Rejected),
        2 => (Fate::Unallocated, Outcome::InvalidNumber),
        3 => (Fate::RingsOut, Outcome::NoAnswer),
        _ => (Fate::Answers, Outcome::Answered),
    }
}

fn number(n: u32) -> String {
    format!("+861380000{n:04}")
}

fn dial_fifty(plan: &Plan) -> Day {
    let mut day = Day::begin(plan);
    for n in 0..50 {
        day.fix(&number(n), Lot::sure(fate(n).0));
    }
    day.import((0..50).map(number));
    day.order(Order::Start);
    let done = day.run_while(3_600_000, |day| day.leads_finished() == 50);
    assert!(done, "{} of 50 finished; {:?}", day.leads_finished(), day.unit.view());
    day.run_ms(30_000);
    day.check();
    day
}

#[test]
fn fifty_numbers_end_as_their_people_decided_each_dialled_once() {
    let day = dial_fifty(&Plan::new(1));
    let attempts = day.attempts();
    assert_eq!(attempts.len(), 50);
    for record in attempts {
        let attempt = record.attempt;
        let n: u32 = attempt.number.as_str()[10..].parse().unwrap();
        let end = attempt.end.expect("an end");
        assert_eq!(end.outcome, fate(n).1, "{attempt:?}");
        if end.outcome == Outcome::Answered {
            let late_ms = attempt.times.wait_ms().expect("a join");
            assert!(late_ms <= 40, "joined {late_ms} ms after the answer");
            assert_eq!((end.cause, end.by), (Cause::NormalClearing, Side::Far));
            assert!(attempt.recording.is_some() && attempt.agent.is_some());
        } else {
            assert!(attempt.times.joined.is_none());
        }
    }
    let rung = day.events.iter().filter(|e| matches!(e.what, Sight::Rung { .. })).count();
    assert_eq!(rung, 50, "nobody was rung twice");
}

#[test]
fn a_network_that_loses_doubles_and_reorders_changes_no_record() {
    let bad = Faults { loss: 0.1, doubled: 0.05, delay_ms: (5, 80) };
    let day = dial_fifty(&Plan { faults: bad, ..Plan::new(2) });
    let right = day.attempts().into_iter().filter(|record| {
        let n: u32 = record.attempt.number.as_str()[10..].parse().unwrap();
        record.attempt.end.map(|end| end.outcome) == Some(fate(n).1)
    });
    // A person who answers while the 200 OK is lost may hang up before the box hears of it.
    assert!(right.count() >= 45);
}

#[test]
fn the_same_seed_gives_the_same_day() {
    let one = dial_fifty(&Plan::new(3));
    let two = dial_fifty(&Plan::new(3));
    assert_eq!(one.events, two.events);
    assert_eq!(one.attempts(), two.attempts());
}

#[test]
fn who_does_not_answer_is_called_again_after_the_interval_and_not_more_often_than_allowed() {
    let mut plan = Plan::new(4);
    plan.settings.retry.attempts_max = 3;
    plan.settings.retry.interval_ms = 600_000;
    let mut day = Day::begin(&plan);
    day.fix(&number(1), Lot::sure(Fate::RingsOut));
    day.import([number(1)]);
    day.order(Order::Start);
    assert!(day.run_while(7_200_000, |day| day.leads_finished() == 1));
    let attempts = day.attempts();
    assert_eq!(attempts.len(), 3);
    for pair in attempts.windows(2) {
        let ended = pair[0].attempt.times.ended.unwrap();
        let dialled = pair[1].attempt.times.dialled.unwrap();
        assert!(dialled.since_ms(ended) >= 600_000);
    }
    day.check();
}
