//! Promises of the whole: properties that hold for every campaign.

use call::Tick;
use proptest::prelude::*;

use super::*;

const DAY: Day =
    Day { end_s: 28_800.0, seats: 6, lines: 30, cap: 0.03, ring_timeout_s: 25.0, connect_s: 2.0 };

thread_local! {
    /// Its prices are solved once for all cases of a test.
    static FRESH: Pacer = Pacer::default();
}

fn started(cap: f64) -> Pacer {
    let mut pacer = FRESH.with(Pacer::clone);
    pacer.start_day(Day { cap, ..DAY });
    pacer
}

/// Any event, right or wrong, about a few seats and attempts.
fn event() -> impl Strategy<Value = Event> {
    let seat = 0usize..8;
    let attempt = 0u64..60;
    let outcome = prop::sample::select(vec![
        Outcome::Human,
        Outcome::Machine,
        Outcome::NoAnswer,
        Outcome::Busy,
        Outcome::Dead,
    ]);
    prop_oneof![
        4 => seat.clone().prop_map(Event::Ready),
        2 => (seat.clone(), attempt.clone()).prop_map(|(s, a)| Event::Talk(s, a)),
        2 => seat.clone().prop_map(Event::Wrap),
        1 => seat.clone().prop_map(Event::Pause),
        1 => seat.prop_map(Event::Logoff),
        4 => attempt.clone().prop_map(Event::Dialed),
        3 => (attempt.clone(), outcome).prop_map(|(a, o)| Event::Result(a, o)),
        1 => attempt.prop_map(Event::Abandoned),
    ]
}

fn history() -> impl Strategy<Value = Vec<(u64, Event)>> {
    prop::collection::vec((0u64..20_000, event()), 0..120)
}

/// Plays a history with a decision after every event.
fn play(pacer: &mut Pacer, history: &[(u64, Event)], free: usize) -> Vec<Decision> {
    let mut now = Tick::ZERO;
    let mut decisions = Vec::new();
    for &(later_ms, event) in history {
        now = now + later_ms;
        pacer.handle_event(now, event);
        decisions.push(pacer.decide(now, free));
    }
    decisions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn never_more_than_the_free_lines(history in history(), free in 0usize..40, cap in 0.0f64..0.2) {
        for decision in play(&mut started(cap), &history, free) {
            prop_assert!(decision.dials <= free);
        }
    }

    #[test]
    fn never_a_dial_without_an_agent_who_is_or_will_be_there(history in history()) {
        let mut pacer = started(0.03);
        let mut now = Tick::ZERO;
        for (later_ms, event) in history {
            now = now + later_ms;
            pacer.handle_event(now, event);
            let staffed = pacer.roster.staffed();
            let decision = pacer.decide(now, 30);
            prop_assert!(staffed > 0 || decision.dials == 0);
            if staffed == 0 && now.0 < 28_800_000 {
                prop_assert_eq!(decision.reason, Reason::NobodyThere);
            }
        }
    }

    #[test]
    fn the_same_input_gives_the_same_output(history in history()) {
        prop_assert_eq!(
            play(&mut started(0.03), &history, 25),
            play(&mut started(0.03), &history, 25)
        );
    }

    #[test]
    fn at_a_cap_of_zero_no_more_ring_than_agents_wait(history in history()) {
        let mut pacer = started(0.0);
        let mut now = Tick::ZERO;
        for (later_ms, event) in history {
            now = now + later_ms;
            pacer.handle_event(now, event);
            let before = pacer.ringing();
            let dials = pacer.decide(now, 30).dials;
            prop_assert!(dials == 0 || before + dials <= pacer.ready());
        }
    }

    #[test]
    fn with_the_budget_spent_no_risk_is_taken(history in history(), lost in 1u32..5) {
        let mut pacer = started(0.03);
        for attempt in 0..u64::from(lost) {
            pacer.handle_event(Tick(1), Event::Abandoned(attempt));
        }
        for decision in play(&mut pacer, &history, 25) {
            if decision.allowance.whole <= 0.0 {
                prop_assert_eq!(decision.allowance.risk, 0.0);
                // Nor does a dial that is made anyway carry any: one more would, or would not.
                prop_assert!(decision.dials == 0 || decision.allowance.rate == 0.0);
            }
        }
    }

    #[test]
    fn what_it_shows_are_chances_and_counts(history in history()) {
        for decision in play(&mut started(0.05), &history, 25) {
            prop_assert!((0.0..=1.0).contains(&decision.next_abandons));
            prop_assert!((0.0..=1.0).contains(&decision.hit));
            for seen in decision.outlook {
                prop_assert!((0.0..=1.0).contains(&seen.finds_nobody));
                prop_assert!(seen.free >= 0.0 && seen.answers >= 0.0 && seen.horizon_s >= 0.0);
            }
        }
    }
}

#[test]
fn one_waiting_agent_and_a_budget_not_yet_earned_is_one_call() {
    let mut pacer = started(0.03);
    pacer.handle_event(Tick(100), Event::Ready(0));
    let decision = pacer.decide(Tick(1_000), 30);
    assert_eq!((decision.dials, decision.reason), (1, Reason::BudgetSpent));
}

#[test]
fn with_nothing_left_a_second_line_for_one_agent_is_not_dialled() {
    let mut pacer = started(0.03);
    pacer.handle_event(Tick(100), Event::Ready(0));
    pacer.handle_event(Tick(200), Event::Dialed(0));
    for attempt in 1..4 {
        pacer.handle_event(Tick(300), Event::Abandoned(attempt));
    }
    let decision = pacer.decide(Tick(1_000), 30);
    assert!(decision.allowance.whole < 0.0 && decision.allowance.risk == 0.0, "{decision:?}");
    assert_eq!((decision.dials, decision.reason), (0, Reason::BudgetSpent));
    assert!(decision.next_abandons > 0.0);
}

#[test]
fn a_cap_of_zero_says_what_it_costs() {
    let mut pacer = started(0.0);
    for seat in 0..3 {
        pacer.handle_event(Tick(100), Event::Ready(seat));
    }
    let decision = pacer.decide(Tick(1_000), 30);
    assert_eq!((decision.dials, decision.reason), (3, Reason::CapZero));
    assert!(decision.one_to_one_wait_s > 20.0, "{decision:?}");
    let told = |forgone: Forgone| {
        forgone.dials > 0 && forgone.wait_s > 0.0 && forgone.wait_s < decision.one_to_one_wait_s
    };
    assert!(decision.forgone.is_some_and(told), "{decision:?}");
    assert_eq!(started(0.03).decide(Tick(1_000), 30).forgone, None);
}

#[test]
fn what_is_left_of_today_is_told_even_when_nothing_can_be_dialled() {
    let mut pacer = started(0.03);
    for attempt in 0..100 {
        pacer.handle_event(Tick(attempt * 10_000), Event::Dialed(attempt));
        pacer.handle_event(Tick(attempt * 10_000 + 5), Event::Result(attempt, Outcome::Human));
    }
    let decision = pacer.decide(Tick(28_800_000), 30);
    assert_eq!((decision.reason, decision.allowance.whole), (Reason::DayOver, 3.0));
}

#[test]
fn a_share_of_the_agents_and_of_the_risk_is_less_than_all() {
    let mut pacer = started(0.03);
    for attempt in 0..600u64 {
        let (now, seat) = (Tick(attempt * 10_000), (attempt % 6) as usize);
        pacer.handle_event(now, Event::Ready(seat));
        pacer.handle_event(now, Event::Dialed(attempt));
        pacer.handle_event(now + 8_000, Event::Result(attempt, Outcome::Human));
        pacer.handle_event(now + 8_000, Event::Talk(seat, attempt));
        let ends = (attempt + 3) % 6;
        pacer.handle_event(now + 9_000, Event::Wrap(ends as usize));
    }
    for seat in 0..6 {
        pacer.handle_event(Tick(6_000_000), Event::Wrap(seat));
    }
    let now = Tick(6_015_000);
    let dials = |means| pacer.clone().decide_within(now, means).dials;
    let all = dials(Means::alone(30));
    assert!(all > 0, "six agents will be free soon");
    assert!(dials(Means { freeing_share: 0.3, ..Means::alone(30) }) < all);
    assert!(dials(Means { risk_share: 0.0, ..Means::alone(30) }) < all);
}

#[test]
fn no_line_no_agent_no_day_are_told_apart() {
    let mut pacer = started(0.03);
    assert_eq!(pacer.decide(Tick(0), 30).reason, Reason::NobodyThere);
    pacer.handle_event(Tick(100), Event::Ready(0));
    assert_eq!(pacer.decide(Tick(1_000), 0).reason, Reason::NoFreeLine);
    assert_eq!(pacer.decide(Tick(28_800_000), 30).reason, Reason::DayOver);
}

#[test]
fn promised_agents_and_a_ramp_bound_a_decision() {
    let mut pacer = started(0.03);
    for seat in 0..6 {
        pacer.handle_event(Tick(100), Event::Ready(seat));
    }
    let mut clone = pacer.clone();
    let shared = Means { waiting_agents: Some(2), ..Means::alone(30) };
    assert_eq!(pacer.decide_within(Tick(1_000), shared).dials, 2);
    let ramped = Means { most_dials: 1, ..Means::alone(30) };
    let decision = clone.decide_within(Tick(1_000), ramped);
    assert_eq!((decision.dials, decision.reason), (1, Reason::DialsBounded));
}
