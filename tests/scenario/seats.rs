//! Agents at their seats.

use board_sim::town::{Citizen, Fate, Habit, Lot, Order as Say, Sight};
use call::Side;
use centerd::center::request::Request;
use dialer::agent::State;
use dialer::campaign::Order;
use dialer::outcome::Outcome;
use world::{Day, Plan};

fn number(n: u32) -> String {
    format!("+861380000{n:04}")
}

fn state(day: &Day, agent: usize) -> State {
    day.unit.view().expect("a center").agents[&day.agents[agent]].state
}

/// One agent at a phone that does only what it is told, signed in from the console.
fn one_agent() -> Day {
    let mut plan = Plan::new(21);
    plan.agents = 1;
    plan.habit = Habit::Waits;
    let mut day = Day::begin(&plan);
    day.run_ms(2_000);
    let now = day.now();
    day.unit.ask(now, Request::SignIn { agent: day.agents[0] }).expect("a registered phone");
    day.run_ms(2_000);
    assert_eq!(state(&day, 0), State::Ready);
    day
}

fn phone() -> Citizen {
    Citizen::Phone("8001".into())
}

fn say(day: &mut Day, order: Say) {
    let now = day.now().tick;
    day.town.handle_order(now, &phone(), order).expect("the phone can do it");
    day.flush();
}

#[test]
fn an_agent_signs_in_by_keys_and_a_wrong_pin_opens_nothing() {
    let mut plan = Plan::new(22);
    plan.agents = 1;
    plan.habit = Habit::Waits;
    let mut day = Day::begin(&plan);
    day.run_ms(2_000);
    say(&mut day, Say::Dial("*11".into()));
    day.run_ms(5_000);
    say(&mut day, Say::Press("801#".into()));
    day.run_ms(4_000);
    say(&mut day, Say::Press("1234#".into()));
    day.run_ms(4_000);
    assert_eq!(state(&day, 0), State::SignedOut);
    say(&mut day, Say::Press("801#".into()));
    day.run_ms(4_000);
    say(&mut day, Say::Press("4711#".into()));
    day.run_ms(6_000);
    assert_eq!(state(&day, 0), State::Ready);
    say(&mut day, Say::Press("*14".into()));
    day.run_ms(1_000);
    assert!(matches!(state(&day, 0), State::Paused { .. }));
    say(&mut day, Say::Press("*12".into()));
    day.run_ms(6_000);
    assert_eq!(state(&day, 0), State::SignedOut);
    let ended =
        day.events.iter().any(|e| e.who == phone() && matches!(e.what, Sight::Ended { .. }));
    assert!(ended, "the seat was hung up");
}

#[test]
fn a_seat_that_hangs_up_is_not_ready_within_a_second() {
    let mut day = one_agent();
    say(&mut day, Say::HangUp);
    day.run_ms(1_000);
    assert!(matches!(state(&day, 0), State::Paused { .. }));
}

#[test]
fn a_phone_that_is_switched_off_takes_its_seat_out() {
    let mut day = one_agent();
    let now = day.clock.now();
    day.town.handle_shutdown(now);
    day.flush();
    day.run_ms(1_000);
    assert!(matches!(state(&day, 0), State::Paused { .. }));
}

#[test]
fn an_agent_who_leaves_while_it_rings_lets_nobody_answer_to_silence() {
    let mut day = one_agent();
    day.fix(&number(1), Lot { ring_ms: 15_000, ..Lot::sure(Fate::Answers) });
    day.import([number(1)]);
    day.order(Order::Start);
    let rings = |day: &mut Day| day.attempts().iter().any(|r| r.attempt.times.ringing.is_some());
    assert!(day.run_while(30_000, rings));
    let now = day.now();
    let pause = Request::Pause { agent: day.agents[0], reason: 0, ordered: false };
    day.unit.ask(now, pause).expect("a pause");
    day.flush();
    day.run_ms(30_000);
    let end = day.attempts()[0].attempt.end.expect("an end");
    assert_eq!(end.outcome, Outcome::Cancelled);
    let answered = day
        .events
        .iter()
        .any(|e| matches!(e.who, Citizen::Customer(_)) && e.what == Sight::Answered);
    assert!(!answered);
    day.check();
}

#[test]
fn a_seat_that_hangs_up_in_a_talk_lets_the_customer_go() {
    let mut day = one_agent();
    day.fix(&number(1), Lot { talk_ms: 600_000, ..Lot::sure(Fate::Answers) });
    day.import([number(1)]);
    day.order(Order::Start);
    assert!(day.run_while(30_000, |day| matches!(state(day, 0), State::Talking { .. })));
    say(&mut day, Say::HangUp);
    day.run_ms(1_000);
    let end = day.attempts()[0].attempt.end.expect("an end");
    assert_eq!((end.outcome, end.by), (Outcome::Answered, Side::Peer));
    day.check();
}

#[test]
fn wrap_up_ends_by_a_disposition_or_by_time() {
    let mut day = one_agent();
    day.import((1..3).map(number));
    day.order(Order::Start);
    assert!(day.run_while(60_000, |day| matches!(state(day, 0), State::WrapUp { .. })));
    let State::WrapUp { attempt } = state(&day, 0) else { unreachable!() };
    let now = day.now();
    let said = Request::Dispose {
        agent: day.agents[0],
        attempt,
        digit: 1,
        note: "sold".into(),
        call_back_at: None,
    };
    day.unit.ask(now, said).expect("a disposition");
    day.flush();
    assert!(!matches!(state(&day, 0), State::WrapUp { .. }));
    assert!(day.run_while(60_000, |day| matches!(state(day, 0), State::WrapUp { .. })));
    assert!(day.run_while(10_000, |day| state(day, 0) == State::Ready));
    let disposed = day.attempts().iter().filter(|r| r.disposition.is_some()).count();
    assert_eq!(disposed, 1);
    day.check();
}
