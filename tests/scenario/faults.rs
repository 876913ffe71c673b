//! Either daemon may die at any instant.

use board_sim::town::{Citizen, Fate, Lot, Sight};
use call::{Cause, Tick};
use dialer::campaign::Order;
use dialer::outcome::Outcome;
use world::{Chance, Day, Plan};

fn number(n: u32) -> String {
    format!("+861380000{n:04}")
}

fn is_talking(day: &mut Day) -> bool {
    day.attempts().iter().any(|r| r.attempt.times.joined.is_some() && r.attempt.end.is_none())
}

fn is_ringing(day: &mut Day) -> bool {
    let rings = |r: &store::attempts::AttemptRecord| {
        r.attempt.times.ringing.is_some()
            && r.attempt.times.answered.is_none()
            && r.attempt.end.is_none()
    };
    day.attempts().iter().any(rings)
}

#[test]
fn a_talk_and_an_answer_plan_outlive_centerd_and_are_in_the_records_afterwards() {
    let mut plan = Plan::new(31);
    plan.agents = 2;
    let mut day = Day::begin(&plan);
    day.fix(&number(1), Lot { talk_ms: 60_000, ..Lot::sure(Fate::Answers) });
    day.fix(&number(2), Lot { ring_ms: 14_000, talk_ms: 20_000, ..Lot::sure(Fate::Answers) });
    day.import((1..3).map(number));
    day.order(Order::Start);
    let both_out = |day: &mut Day| {
        let attempts = day.attempts();
        is_talking(day)
            && attempts
                .iter()
                .any(|r| r.attempt.times.ringing.is_some() && r.attempt.times.joined.is_none())
    };
    assert!(day.run_while(60_000, both_out), "{:?}", day.attempts());
    let now = day.now();
    day.unit.kill_center(now);
    // The second customer answers now: only switchd is there to join.
    day.run_ms(20_000);
    let answered = day
        .events
        .iter()
        .filter(|e| matches!(e.who, Citizen::Customer(_)) && e.what == Sight::Answered);
    assert_eq!(answered.count(), 2);
    let now = day.now();
    day.unit.start_center(now);
    day.flush();
    day.run_ms(120_000);
    let attempts = day.attempts();
    assert_eq!(attempts.len(), 2);
    for record in &attempts {
        assert_eq!(record.attempt.end.expect("an end").outcome, Outcome::Answered, "{record:?}");
        assert!(
            record.attempt.times.joined.is_some() && record.attempt.agent.is_some(),
            "{record:?}"
        );
        assert!(record.attempt.recording.is_some(), "{record:?}");
    }
    day.check();
}

#[test]
fn a_centerd_that_is_back_while_it_rings_keeps_its_promise_and_its_agents_work_on() {
    let mut plan = Plan::new(34);
    plan.agents = 1;
    let mut day = Day::begin(&plan);
    day.fix(&number(1), Lot { ring_ms: 12_000, ..Lot::sure(Fate::Answers) });
    day.fix(&number(2), Lot { talk_ms: 20_000, ..Lot::sure(Fate::Answers) });
    day.import((1..4).map(number));
    day.order(Order::Start);
    for when in [is_ringing, is_talking] {
        assert!(day.run_while(120_000, when));
        let now = day.now();
        day.unit.kill_center(now);
        day.run_ms(700);
        let now = day.now();
        day.unit.start_center(now);
        day.flush();
    }
    assert!(day.run_while(600_000, |day| day.leads_finished() == 3), "{:?}", day.unit.view());
    for record in day.attempts() {
        assert_eq!(record.attempt.end.expect("an end").outcome, Outcome::Answered, "{record:?}");
    }
    day.check();
}

/// switchd dies when `when` holds and is back half a second later; returns when that was.
fn kill_switchd(day: &mut Day, when: impl FnMut(&mut Day) -> bool) {
    assert!(day.run_while(60_000, when));
    let now = day.now();
    day.unit.kill_switch(now);
    day.run_ms(500);
    let now = day.now();
    day.unit.start_switch(now);
    day.flush();
    day.run_ms(5_000);
    let left = day.town.snapshot();
    assert!(left.customers.is_empty(), "the customer's phone was told: {left:?}");
}

#[test]
fn a_killed_switchd_ends_a_ringing_call_as_lost_and_the_lead_waits_for_its_interval() {
    let mut plan = Plan::new(32);
    plan.agents = 1;
    plan.settings.retry.attempts_max = 2;
    plan.settings.retry.interval_ms = 600_000;
    let mut day = Day::begin(&plan);
    day.fix(&number(1), Lot { ring_ms: 15_000, ..Lot::sure(Fate::Answers) });
    day.import([number(1)]);
    day.order(Order::Start);
    kill_switchd(&mut day, |day| day.attempts().iter().any(|r| r.attempt.times.ringing.is_some()));
    let first = day.attempts().remove(0).attempt;
    let end = first.end.expect("an end");
    assert_eq!((end.outcome, end.cause), (Outcome::Lost, Cause::Lost));
    assert!(day.run_while(3_600_000, |day| day.attempts().len() == 2));
    let second = day.attempts().remove(1).attempt;
    assert!(second.times.dialled.unwrap().since_ms(first.times.ended.unwrap()) >= 600_000);
    day.check();
}

#[test]
fn a_killed_switchd_sends_bye_to_both_sides_of_a_talk_which_counts_as_a_talk() {
    let mut plan = Plan::new(33);
    plan.agents = 1;
    let mut day = Day::begin(&plan);
    day.fix(&number(1), Lot { talk_ms: 100_000, ..Lot::sure(Fate::Answers) });
    day.import([number(1)]);
    day.order(Order::Start);
    kill_switchd(&mut day, is_talking);
    let end = day.attempts().remove(0).attempt.end.expect("an end");
    assert_eq!((end.outcome, end.cause), (Outcome::Answered, Cause::Lost));
    day.check();
}

/// A busy hour in which the daemons die at seeded instants, alone and together.
fn stormy_hour(seed: u64) {
    let mut plan = Plan::new(seed);
    plan.settings.retry.attempts_max = 2;
    plan.settings.retry.interval_ms = 120_000;
    let mut day = Day::begin(&plan);
    let mut chance = Chance::new(seed).branch("storm");
    for n in 0..40 {
        let fate = [Fate::Answers, Fate::Busy, Fate::RingsOut, Fate::Answers][(n % 4) as usize];
        let lot = Lot {
            ring_ms: chance.between(500, 15_000),
            talk_ms: chance.between(1_000, 30_000),
            ..Lot::sure(fate)
        };
        day.fix(&number(n), lot);
    }
    day.import((0..40).map(number));
    day.order(Order::Start);
    for _ in 0..6 {
        let calm_ms = chance.between(1_000, 60_000);
        day.run_ms(calm_ms);
        let now = day.now();
        let (center, switch) = match chance.between(0, 2) {
            0 => (true, false),
            1 => (false, true),
            _ => (true, true),
        };
        if center {
            day.unit.kill_center(now);
        }
        if switch {
            day.unit.kill_switch(now);
        }
        let dead_ms = chance.between(100, 20_000);
        day.run_ms(dead_ms);
        let now = day.now();
        if switch {
            day.unit.start_switch(now);
        }
        if center {
            day.unit.start_center(now);
        }
        day.flush();
        assert!(day.unit.is_whole());
        day.check();
    }
    let done = day.run_while(4 * 3_600_000, |day| day.leads_finished() == 40);
    assert!(done, "seed {seed}: {} of 40 finished: {:?}", day.leads_finished(), day.unit.view());
    day.run_until(day.clock.now() + 120_000);
    day.check();
    for record in day.attempts() {
        assert!(record.attempt.end.is_some(), "seed {seed}: no end: {record:?}");
    }
    assert!(day.tries().values().all(|tries| *tries <= 2), "seed {seed}: dialled too often");
    assert!(day.town.snapshot().customers.is_empty(), "seed {seed}: a customer is still in a call");
    assert!(day.clock.now() > Tick::ZERO);
}

#[test]
fn no_lead_is_lost_or_dialled_too_often_in_twelve_stormy_hours() {
    for seed in 100..112 {
        stormy_hour(seed);
    }
}
