//! centerd comes back to people to whom somebody was speaking.

use board_sim::town::{Citizen, Habit, Order as Say, Sight};
use call::{Cause, Side};
use dialer::agent::State;
use world::{Day, Plan};

use crate::deaths::{Dies, without};
use crate::incoming;

#[test]
fn a_caller_in_the_middle_of_the_announcement_hears_it_from_its_beginning() {
    let mut day = incoming::open(&incoming::plan(731));
    incoming::dial(&mut day);
    // It lasts between two and three seconds.
    let answered = |day: &mut Day| day.events.iter().any(|e| e.what == Sight::Answered);
    assert!(day.run_while(10_000, answered));
    day.run_ms(1_000);
    without(&mut day, Dies::Center, 400, |_| {});
    day.run_ms(20_000);
    let (cause, by, talked_ms) = incoming::end(&day).expect("an end");
    assert_eq!((cause, by), (Cause::NormalClearing, Side::Far));
    assert!(talked_ms.is_some_and(|ms| (3_300..6_000).contains(&ms)), "{talked_ms:?}");
    let call = incoming::record(&day);
    assert_eq!(call.ended.map(|(_, cause, _)| cause), Some(Cause::NormalClearing), "{call:?}");
    day.check_over();
}

#[test]
fn a_caller_whose_announcement_ends_while_centerd_is_away_is_not_left_in_silence() {
    let mut day = incoming::open(&incoming::plan(732));
    incoming::dial(&mut day);
    let answered = |day: &mut Day| day.events.iter().any(|e| e.what == Sight::Answered);
    assert!(day.run_while(10_000, answered));
    day.run_ms(1_000);
    without(&mut day, Dies::Center, 6_000, |_| {});
    day.run_ms(20_000);
    let (cause, by, _) = incoming::end(&day).expect("an end");
    assert_eq!((cause, by), (Cause::NormalClearing, Side::Far));
    day.check_over();
}

#[test]
fn an_agent_in_the_middle_of_signing_in_by_keys_is_asked_again() {
    let mut plan = Plan::new(733);
    plan.agents = 1;
    plan.habit = Habit::Waits;
    let mut day = Day::begin(&plan);
    day.run_ms(2_000);
    let phone = Citizen::Phone("8001".into());
    let say = |day: &mut Day, order: Say| {
        let now = day.now().tick;
        day.town.handle_order(now, &phone, order).expect("the phone can do it");
        day.flush();
    };
    say(&mut day, Say::Dial("*11".into()));
    day.run_ms(5_000);
    say(&mut day, Say::Press("801#".into()));
    day.run_ms(2_000);
    without(&mut day, Dies::Center, 700, |_| {});
    day.run_ms(5_000);
    let ended = day.events.iter().any(|e| e.who == phone && matches!(e.what, Sight::Ended { .. }));
    assert!(!ended, "the phone was not hung up");
    say(&mut day, Say::Press("801#".into()));
    day.run_ms(4_000);
    say(&mut day, Say::Press("4711#".into()));
    day.run_ms(6_000);
    let state = day.unit.view().expect("a center").agents[&day.agents[0]].state;
    assert_eq!(state, State::Ready);
    day.check_over();
}
