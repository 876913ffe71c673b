//! A campaign over the town's E1.

use board_sim::town::{Bad, Chances, Dead, Fault, Sight, Subscriber};
use dialer::campaign::Order;
use dialer::outcome::Outcome;
use world::{Day, Plan};

const LEADS: u32 = 200;

fn number(n: u32) -> String {
    format!("+861380000{n:04}")
}

/// People as they are: most answer, some talk for long.
fn people() -> Subscriber {
    Subscriber {
        chances: Chances {
            answer: 0.5,
            busy: 0.12,
            refuse: 0.08,
            unallocated: 0.08,
            machine: 0.04,
            congested: 0.04,
        },
        ring_ms: (1_500, 14_000),
        talk_ms: (3_000, 60_000),
        ring_back: true,
        dead: Dead::default(),
        ..Subscriber::answering("+86")
    }
}

fn plan(seed: u64) -> Plan {
    let mut plan = Plan::over_e1(seed);
    plan.agents = 10;
    plan.subscribers = vec![people()];
    plan.settings.retry.attempts_max = 2;
    plan.settings.retry.interval_ms = 120_000;
    plan
}

/// The whole list is dialled; what must hold is looked at again and again.
fn dial_all(plan: &Plan) -> Day {
    let mut day = Day::begin(plan);
    day.import((0..LEADS).map(number));
    day.order(Order::Start);
    let mut looks = 0;
    let done = day.run_while(4 * 3_600_000, |day| {
        looks += 1;
        if looks % 5 == 0 {
            day.check_span();
        }
        if looks % 250 == 0 {
            day.check();
        }
        day.leads_finished() == u64::from(LEADS)
    });
    let seed = plan.seed;
    assert!(done, "seed {seed}: {} of {LEADS}; {:?}", day.leads_finished(), day.unit.view());
    day.run_ms(300_000);
    assert_eq!(day.tries().len(), LEADS as usize, "seed {seed}: every lead was dialled");
    assert!(day.tries().values().all(|tries| *tries <= 2), "seed {seed}: dialled too often");
    day.check_over();
    day
}

#[test]
fn two_hundred_leads_are_dialled_over_the_e1_and_both_sides_tell_the_same() {
    let day = dial_all(&plan(501));
    day.check_causes();
    let attempts = day.attempts();
    let answered = attempts
        .iter()
        .filter(|record| record.attempt.end.is_some_and(|end| end.outcome == Outcome::Answered));
    let mut joined = 0;
    for record in answered {
        let attempt = &record.attempt;
        assert!(attempt.agent.is_some() && attempt.recording.is_some(), "{attempt:?}");
        let late_ms = attempt.times.wait_ms().expect("a join");
        assert!(late_ms <= 40, "joined {late_ms} ms after the answer");
        joined += 1;
    }
    assert!(joined >= 80, "{joined} talks");
    let outcomes: std::collections::BTreeSet<&str> =
        attempts.iter().filter_map(|r| Some(r.attempt.end?.outcome.word())).collect();
    for outcome in [Outcome::Busy, Outcome::NoAnswer, Outcome::Rejected, Outcome::InvalidNumber] {
        assert!(outcomes.contains(outcome.word()), "{outcomes:?}");
    }
    let open = day.unit.store.tenant(day.tenant).calls_open().expect("calls");
    assert!(open.iter().all(|record| record.call.trunk.is_none()), "only seats are left: {open:?}");
}

#[test]
fn the_same_seed_gives_the_same_day_over_the_e1() {
    let mut bad = plan(502);
    bad.agents = 4;
    let e1 = bad.e1.as_mut().expect("an E1");
    e1.span.fcs = true;
    e1.bad = Bad { lose: 0.02, double: 0.02, corrupt: 0.02, glare: 0.05, ..Bad::NONE };
    let day = || {
        let mut day = Day::begin(&bad);
        day.import((0..40).map(number));
        day.order(Order::Start);
        assert!(day.run_while(2 * 3_600_000, |day| day.leads_finished() == 40));
        day
    };
    let (one, two) = (day(), day());
    assert_eq!(one.events, two.events);
    assert_eq!(one.attempts(), two.attempts());
    assert_eq!(one.calls(), two.calls());
}

/// A carrier on which everything goes wrong now and then.
const BAD: Bad = Bad {
    lose: 0.01,
    double: 0.01,
    corrupt: 0.01,
    glare: 0.08,
    wrong_cause: 0.1,
    no_alerting: 0.05,
    never_alerting: 0.05,
    one_way: 0.05,
    stuck: 0.03,
    ..Bad::NONE
};

/// Longer than T309 (90 s), which clears what the exchange has forgotten.
const PULLED_MS: u64 = 120_000;

fn bad_day(seed: u64) {
    const LEADS: u32 = 60;
    let mut plan = plan(seed);
    let e1 = plan.e1.as_mut().expect("an E1");
    e1.span.fcs = true;
    e1.bad = BAD;
    let mut day = Day::begin(&plan);
    day.import((0..LEADS).map(number));
    day.order(Order::Start);
    let mut pulled = 0;
    loop {
        let mut looks = 0;
        let done = day.run_while(1_800_000, |day| {
            looks += 1;
            if looks % 5 == 0 {
                day.check_span();
            }
            day.leads_finished() == u64::from(LEADS)
        });
        // Only a pulled plug frees a stuck channel, and the agent on it.
        pulled += 1;
        day.harm(Fault::Alarm { for_ms: PULLED_MS });
        day.run_ms(2 * PULLED_MS);
        day.check();
        if done {
            break;
        }
        let state = day.unit.view();
        assert!(pulled < 6, "seed {seed}: {} of {LEADS}; {state:?}", day.leads_finished());
    }
    day.check_over();
    assert!(day.tries().values().all(|tries| *tries <= 2), "seed {seed}: dialled too often");
    assert!(day.wires.bad_fcs > 0, "seed {seed}: no frame was wrong");
    let faults: std::collections::BTreeSet<_> = day
        .events
        .iter()
        .filter_map(|event| match event.what {
            Sight::Misbehaved(Fault::Glare { .. }) => Some("glare"),
            Sight::Misbehaved(Fault::WrongCause { .. }) => Some("wrong cause"),
            Sight::Misbehaved(Fault::NeverAlerting) => Some("never alerting"),
            Sight::Misbehaved(Fault::NoAlerting) => Some("no alerting"),
            Sight::Misbehaved(Fault::Stuck) => Some("stuck"),
            _ => None,
        })
        .collect();
    assert_eq!(faults.len(), 5, "seed {seed}: only {faults:?}");
}

#[test]
fn every_call_over_a_bad_e1_ends_once_and_leaves_nothing_behind() {
    for seed in 510..514 {
        bad_day(seed);
    }
}
