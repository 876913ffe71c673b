//! The daemons die, and the span fails, in the middle of calls over the E1.

use board_sim::town::{Fate, Fault, Lot};
use call::Cause;
use dialer::attempt::Attempt;
use dialer::campaign::Order;
use dialer::outcome::Outcome;
use world::{Chance, Day, Plan};

use crate::deaths::{
    Dies, all_come_to_their_end, is_ringing, is_talking, kill_switchd, mixed_campaign, number,
    without,
};

/// One agent; the first lead talks for `talk_ms` after `ring_ms`, and is dialled by now.
fn one_call(seed: u64, ring_ms: u64, talk_ms: u64) -> Day {
    let mut plan = Plan::over_e1(seed);
    plan.agents = 1;
    plan.settings.retry.attempts_max = 2;
    plan.settings.retry.interval_ms = 600_000;
    let mut day = Day::begin(&plan);
    day.fix(&number(1), Lot { ring_ms, talk_ms, ..Lot::sure(Fate::Answers) });
    day.import([number(1)]);
    day.order(Order::Start);
    day
}

fn only(day: &Day) -> Attempt {
    let mut attempts = day.attempts();
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    attempts.remove(0).attempt
}

/// How long each answered call of a customer was, ms, as the customer saw it.
fn talks(day: &Day) -> Vec<u64> {
    day.farewells().into_values().flatten().filter_map(|end| end.talked_ms).collect()
}

/// The span stays in order when switchd dies: its driver lives in the kernel.
fn kill_switchd_over_e1(day: &mut Day, when: impl FnMut(&mut Day) -> bool) {
    kill_switchd(day, when);
    let left = day.town.snapshot();
    let span = &left.spans[0];
    assert!(span.is_up && span.calls.is_empty() && span.blocked.is_empty(), "{span:?}");
}

#[test]
fn a_killed_switchd_restarts_the_channels_and_a_ringing_call_is_lost_and_retried() {
    let mut day = one_call(601, 15_000, 10_000);
    kill_switchd_over_e1(&mut day, is_ringing);
    let first = only(&day);
    let end = first.end.expect("an end");
    assert_eq!((end.outcome, end.cause), (Outcome::Lost, Cause::Lost));
    assert!(day.run_while(3_600_000, |day| day.leads_finished() == 1));
    let second = day.attempts().remove(1).attempt;
    assert!(second.times.dialled.unwrap().since_ms(first.times.ended.unwrap()) >= 600_000);
    assert_eq!(second.end.unwrap().outcome, Outcome::Answered);
    day.run_ms(30_000);
    day.check_over();
}

#[test]
fn a_killed_switchd_ends_a_talk_which_counts_as_a_talk() {
    let mut day = one_call(602, 1_000, 100_000);
    kill_switchd_over_e1(&mut day, is_talking);
    let end = only(&day).end.expect("an end");
    assert_eq!((end.outcome, end.cause), (Outcome::Answered, Cause::Lost));
    day.run_ms(30_000);
    day.check_over();
}

#[test]
fn a_talk_and_an_answer_plan_over_e1_outlive_centerd_and_are_in_the_records_afterwards() {
    let mut plan = Plan::over_e1(603);
    plan.agents = 2;
    let mut day = Day::begin(&plan);
    day.fix(&number(1), Lot { talk_ms: 60_000, ..Lot::sure(Fate::Answers) });
    day.fix(&number(2), Lot { ring_ms: 14_000, talk_ms: 20_000, ..Lot::sure(Fate::Answers) });
    day.import((1..3).map(number));
    day.order(Order::Start);
    assert!(day.run_while(60_000, |day| is_talking(day) && is_ringing(day)));
    // The second customer answers now: only switchd is there to join.
    without(&mut day, Dies::Center, 20_000, |_| {});
    day.run_ms(120_000);
    assert!(talks(&day).iter().any(|ms| *ms >= 60_000), "the talk went on: {:?}", talks(&day));
    for record in day.attempts() {
        let attempt = record.attempt;
        let end = attempt.end.expect("an end");
        assert_eq!((end.outcome, end.cause), (Outcome::Answered, Cause::NormalClearing));
        assert!(attempt.times.joined.is_some() && attempt.agent.is_some(), "{attempt:?}");
        assert!(attempt.recording.is_some(), "{attempt:?}");
    }
    day.check_causes();
    day.check_over();
}

#[test]
fn a_talk_outlives_an_alarm_of_five_seconds() {
    let mut day = one_call(604, 1_000, 60_000);
    assert!(day.run_while(30_000, is_talking));
    day.harm(Fault::Alarm { for_ms: 5_000 });
    day.run_ms(2_000);
    assert!(is_talking(&mut day));
    assert_eq!(day.unit.view().expect("a center").spans.len(), 1);
    day.run_ms(120_000);
    let end = only(&day).end.expect("an end");
    assert_eq!((end.outcome, end.cause), (Outcome::Answered, Cause::NormalClearing));
    assert!(talks(&day)[0] >= 60_000, "{:?}", talks(&day));
    day.check_causes();
    day.check_over();
}

#[test]
fn an_alarm_of_two_minutes_clears_a_talk_after_t309_and_the_work_goes_on_after_it() {
    let mut day = one_call(605, 1_000, 600_000);
    assert!(day.run_while(30_000, is_talking));
    let began = day.clock.now();
    day.harm(Fault::Alarm { for_ms: 120_000 });
    day.run_ms(1_000);
    // Somebody else waits in the list; nobody is dialled into an alarm.
    day.import([number(2)]);
    day.run_ms(84_000);
    assert!(is_talking(&mut day), "T309 has not expired: {:?}", day.attempts());
    assert!(day.run_while(30_000, |day| !is_talking(day)), "T309 has expired");
    assert!(day.clock.now().since_ms(began) >= 90_000);
    let end = only(&day).end.expect("an end");
    assert_eq!((end.outcome, end.cause), (Outcome::Answered, Cause::DestinationOutOfOrder));
    let again = |day: &mut Day| day.attempts().len() == 2;
    assert!(day.run_while(300_000, again), "{:?}", day.unit.view());
    let dialled = day.attempts()[1].attempt.times.dialled.expect("a dial");
    assert!(dialled.since_ms(day.attempts()[0].attempt.times.joined.unwrap()) >= 119_000);
    assert!(day.run_while(300_000, |day| day.leads_finished() == 2));
    day.run_ms(30_000);
    day.check_over();
}

#[test]
fn a_ringing_call_does_not_outlive_an_alarm_and_is_retried() {
    let mut day = one_call(606, 15_000, 10_000);
    assert!(day.run_while(30_000, is_ringing));
    day.harm(Fault::Alarm { for_ms: 5_000 });
    day.run_ms(10_000);
    let first = only(&day);
    assert!(first.end.is_some() && first.times.answered.is_none(), "{first:?}");
    assert!(day.run_while(3_600_000, |day| day.leads_finished() == 1));
    assert_eq!(day.attempts()[1].attempt.end.unwrap().outcome, Outcome::Answered);
    day.run_ms(30_000);
    day.check_over();
}

#[test]
fn a_silent_d_channel_leaves_talks_alone_for_t309_and_dials_nobody() {
    for (down_ms, kept) in [(20_000, true), (150_000, false)] {
        let mut day = one_call(607, 1_000, 160_000);
        assert!(day.run_while(30_000, is_talking));
        day.harm(Fault::LinkDown { for_ms: down_ms });
        day.run_ms(15_000);
        day.import([number(2)]);
        assert!(is_talking(&mut day), "{:?}", day.attempts());
        day.run_ms(300_000);
        let attempts = day.attempts();
        let end = attempts[0].attempt.end.expect("an end");
        let cause = if kept { Cause::NormalClearing } else { Cause::DestinationOutOfOrder };
        assert_eq!((end.outcome, end.cause), (Outcome::Answered, cause));
        assert_eq!(talks(&day)[0] >= 160_000, kept, "{:?}", talks(&day));
        assert!(day.run_while(300_000, |day| day.leads_finished() == 2), "{:?}", day.attempts());
        day.run_ms(30_000);
        day.check_over();
    }
}

/// A busy half hour in which daemons die and the span fails at seeded instants.
fn stormy_half_hour(seed: u64) {
    let mut chance = Chance::new(seed).branch("storm");
    let mut day = mixed_campaign(Plan::over_e1(seed), 20, &mut chance);
    for _ in 0..6 {
        let calm_ms = chance.between(1_000, 60_000);
        day.run_ms(calm_ms);
        let dead_ms = chance.between(100, 20_000);
        match chance.between(0, 4) {
            0 => without(&mut day, Dies::Center, dead_ms, |_| {}),
            1 => without(&mut day, Dies::Switch, dead_ms, |_| {}),
            2 => without(&mut day, Dies::Both, dead_ms, |_| {}),
            3 => day.harm(Fault::Alarm { for_ms: 6 * dead_ms }),
            _ => day.harm(Fault::LinkDown { for_ms: 6 * dead_ms }),
        }
        day.flush();
        assert!(day.unit.is_whole());
        day.check();
        day.check_span();
    }
    all_come_to_their_end(&mut day, 20, seed);
    day.check_over();
}

#[test]
fn no_lead_is_lost_and_no_channel_is_left_in_stormy_half_hours_over_e1() {
    for seed in 620..626 {
        stormy_half_hour(seed);
    }
}
