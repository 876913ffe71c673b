//! Somebody tries PINs at a desk phone.

use board_sim::town::{Citizen, Habit, Order as Say};
use dialer::agent::State;
use world::{Day, Plan};

fn key(day: &mut Day, order: Say) {
    let now = day.now().tick;
    let phone = Citizen::Phone("8001".into());
    day.town.handle_order(now, &phone, order).expect("the phone can do it");
    day.flush();
}

/// Dials `*11`, keys agent 801 and a PIN; gives back the agent's state afterwards.
fn sign_in(day: &mut Day, pin: &str) -> State {
    key(day, Say::Dial("*11".into()));
    day.run_ms(5_000);
    key(day, Say::Press("801#".into()));
    day.run_ms(4_000);
    key(day, Say::Press(format!("{pin}#")));
    day.run_ms(6_000);
    day.unit.view().expect("a center").agents[&day.agents[0]].state
}

fn locks(day: &Day) -> usize {
    let events = day.unit.store.events(0, 500).expect("events");
    events.iter().filter(|event| event.kind == "guessing_locked").count()
}

#[test]
fn wrong_pins_lock_the_number_for_a_while_and_the_right_one_opens_it_then() {
    let mut plan = Plan::new(741);
    plan.agents = 1;
    plan.habit = Habit::Waits;
    let mut day = Day::begin(&plan);
    day.run_ms(2_000);
    for _ in 0..centerd::limits::PIN_FAILURES_MAX {
        assert_eq!(sign_in(&mut day, "1234"), State::SignedOut);
        key(&mut day, Say::HangUp);
        day.run_ms(1_000);
    }
    assert_eq!(locks(&day), 1, "the operator reads it");
    assert_eq!(sign_in(&mut day, "4711"), State::SignedOut, "the number is locked");
    day.run_ms(centerd::limits::PIN_LOCK_MS);
    assert_eq!(sign_in(&mut day, "4711"), State::Ready);
    day.check_over();
}
