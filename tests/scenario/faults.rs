//! Either daemon may die at any instant.

use board_sim::town::{Citizen, Fate, Lot, Sight};
use call::Cause;
use dialer::campaign::Order;
use dialer::outcome::Outcome;
use world::{Chance, Day, Plan};

use crate::deaths::{
    Dies, all_come_to_their_end, is_ringing, is_talking, kill_switchd, mixed_campaign, number,
    without,
};

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
    // The second customer answers now: only switchd is there to join.
    without(&mut day, Dies::Center, 0, |day| {
        day.run_ms(20_000);
        let answered = day
            .events
            .iter()
            .filter(|e| matches!(e.who, Citizen::Customer(_)) && e.what == Sight::Answered);
        assert_eq!(answered.count(), 2);
    });
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
        without(&mut day, Dies::Center, 700, |_| {});
    }
    assert!(day.run_while(600_000, |day| day.leads_finished() == 3), "{:?}", day.unit.view());
    for record in day.attempts() {
        assert_eq!(record.attempt.end.expect("an end").outcome, Outcome::Answered, "{record:?}");
    }
    day.check();
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
    let mut chance = Chance::new(seed).branch("storm");
    let mut day = mixed_campaign(Plan::new(seed), 40, &mut chance);
    for _ in 0..6 {
        let calm_ms = chance.between(1_000, 60_000);
        day.run_ms(calm_ms);
        let who = [Dies::Center, Dies::Switch, Dies::Both][chance.between(0, 2) as usize];
        without(&mut day, who, chance.between(100, 20_000), |_| {});
        assert!(day.unit.is_whole());
        day.check();
    }
    all_come_to_their_end(&mut day, 40, seed);
    day.check();
    assert!(day.town.snapshot().customers.is_empty(), "a customer is still in a call");
}

#[test]
fn no_lead_is_lost_or_dialled_too_often_in_twelve_stormy_hours() {
    for seed in 100..112 {
        stormy_hour(seed);
    }
}
