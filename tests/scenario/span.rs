//! A campaign over the town's E1.

use std::collections::BTreeSet;

use board_sim::town::{Bad, Chances, Dead, Event, Fault, Outage, Press, Sight, Subscriber};
use call::SpanId;
use dialer::campaign::Order;
use dialer::outcome::Outcome;
use link::SpanLink;
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
        keys: [Press { after_ms: 2_000, keys: "5".into() }].into(),
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
    let (mut looks, mut together) = (0, 0);
    let done = day.run_while(4 * 3_600_000, |day| {
        looks += 1;
        if looks % 5 == 0 {
            day.check_span();
            together += day.check_channels();
        }
        if looks % 250 == 0 {
            day.check();
        }
        day.leads_finished() == u64::from(LEADS)
    });
    let seed = plan.seed;
    assert!(done, "seed {seed}: {} of {LEADS}; {:?}", day.leads_finished(), day.unit.view());
    day.run_ms(300_000);
    assert!(together > 1_000, "seed {seed}: seen in a call on the same channel: {together}");
    assert_eq!(day.unit.keys_lost, 0, "seed {seed}: the box hears what is pressed");
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
    let outcomes: BTreeSet<&str> =
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

#[test]
fn numbers_that_go_digit_by_digit_reach_the_same_people() {
    let mut plan = plan(503);
    plan.agents = 4;
    plan.settings.retry.attempts_max = 1;
    plan.e1.as_mut().expect("an E1").span.overlap = true;
    let mut day = Day::begin(&plan);
    day.import((0..40).map(number));
    day.order(Order::Start);
    assert!(day.run_while(2 * 3_600_000, |day| day.leads_finished() == 40));
    day.run_ms(120_000);
    day.check_causes();
    day.check_over();
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

/// What went wrong on purpose, by kind.
fn bad_day(seed: u64, bad: Bad) -> BTreeSet<&'static str> {
    const LEADS: u32 = 60;
    let mut plan = plan(seed);
    let e1 = plan.e1.as_mut().expect("an E1");
    e1.span.fcs = true;
    e1.bad = bad;
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
    // Not in the midst of an outage.
    let link = |day: &Day| day.unit.view().map(|view| view.spans[&SpanId(1)].link);
    let in_order =
        |day: &mut Day| day.town.snapshot().spans[0].is_up && link(day) == Some(SpanLink::Up);
    assert!(day.run_while(60_000, in_order), "seed {seed}: {:?}", link(&day));
    day.check_over();
    assert!(day.tries().values().all(|tries| *tries <= 2), "seed {seed}: dialled too often");
    assert!(day.wires.bad_fcs > 0, "seed {seed}: no frame was wrong");
    let fault = |event: &Event| {
        if let Sight::Misbehaved(fault) = event.what { kind(fault) } else { None }
    };
    day.events.iter().filter_map(fault).collect()
}

/// What goes wrong with single calls.
const fn kind(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::Glare { .. } => Some("glare"),
        Fault::WrongCause { .. } => Some("wrong cause"),
        Fault::NoAlerting => Some("no alerting"),
        Fault::NeverAlerting => Some("never alerting"),
        Fault::Stuck => Some("stuck"),
        Fault::Deaf | Fault::Mute | Fault::Echo | Fault::LinkDown { .. } | Fault::Alarm { .. } => {
            None
        }
    }
}

/// One that fails as a whole as well.
const WORSE: Bad = Bad {
    link_down: Outage { every_ms: 90_000, for_ms: 4_000 },
    alarm: Outage { every_ms: 150_000, for_ms: 7_000 },
    ..BAD
};

#[test]
fn every_call_over_a_bad_e1_ends_once_and_leaves_nothing_behind() {
    let faults: BTreeSet<&str> = (510..514).flat_map(|seed| bad_day(seed, BAD)).collect();
    assert_eq!(faults.len(), 5, "{faults:?}");
}

#[test]
fn a_bad_e1_that_falls_silent_every_minute_or_two_leaves_nothing_behind_either() {
    let faults: BTreeSet<&str> = (520..522).flat_map(|seed| bad_day(seed, WORSE)).collect();
    assert!(faults.contains("stuck"), "{faults:?}");
}
