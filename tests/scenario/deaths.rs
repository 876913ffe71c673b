//! What several scenarios say alike: whom a campaign dials, when there is a call, and daemons that
//! die in the middle of it.

use board_sim::town::{Fate, Lot};
use dialer::attempt::Attempt;
use dialer::campaign::Order;
use world::{Chance, Day, Plan};

/// The n-th lead of a list.
pub fn number(n: u32) -> String {
    format!("+861380000{n:04}")
}

/// A customer and an agent are in a talk.
pub fn is_talking(day: &mut Day) -> bool {
    day.attempts().iter().any(|r| r.attempt.times.joined.is_some() && r.attempt.end.is_none())
}

/// A customer's phone rings.
pub fn is_ringing(day: &mut Day) -> bool {
    let rings =
        |a: &Attempt| a.times.ringing.is_some() && a.times.answered.is_none() && a.end.is_none();
    day.attempts().iter().any(|r| rings(&r.attempt))
}

/// Who is killed with `kill -9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dies {
    Center,
    Switch,
    Both,
}

/// They die now, `meanwhile` goes on without them, and they are started again `dead_ms` later.
pub fn without(day: &mut Day, who: Dies, dead_ms: u64, meanwhile: impl FnOnce(&mut Day)) {
    let now = day.now();
    if who != Dies::Switch {
        day.unit.kill_center(now);
    }
    if who != Dies::Center {
        day.unit.kill_switch(now);
    }
    day.flush();
    meanwhile(day);
    day.run_ms(dead_ms);
    let now = day.now();
    if who != Dies::Center {
        day.unit.start_switch(now);
    }
    if who != Dies::Switch {
        day.unit.start_center(now);
    }
    day.flush();
}

/// switchd dies when `when` holds and is back half a second later. Whoever was in a call is told.
pub fn kill_switchd(day: &mut Day, when: impl FnMut(&mut Day) -> bool) {
    assert!(day.run_while(60_000, when));
    without(day, Dies::Switch, 500, |_| {});
    day.run_ms(8_000);
    let left = day.town.snapshot();
    assert!(left.customers.is_empty(), "the customer's network was told: {left:?}");
}

/// A list of so many, who answer, are busy or let it ring, each tried twice at most; it is dialled
/// from now on. `chance` says how long they ring and talk.
pub fn mixed_campaign(mut plan: Plan, leads: u32, chance: &mut Chance) -> Day {
    plan.settings.retry.attempts_max = 2;
    plan.settings.retry.interval_ms = 120_000;
    let mut day = Day::begin(&plan);
    for n in 0..leads {
        let fate = [Fate::Answers, Fate::Busy, Fate::RingsOut, Fate::Answers][(n % 4) as usize];
        let (ring_ms, talk_ms) = (chance.between(500, 15_000), chance.between(1_000, 30_000));
        day.fix(&number(n), Lot { ring_ms, talk_ms, ..Lot::sure(fate) });
    }
    day.import((0..leads).map(number));
    day.order(Order::Start);
    day
}

/// Every lead of [`mixed_campaign`] comes to its end, and none was dialled too often.
pub fn all_come_to_their_end(day: &mut Day, leads: u64, seed: u64) {
    let done = day.run_while(4 * 3_600_000, |day| day.leads_finished() == leads);
    assert!(
        done,
        "seed {seed}: {} of {leads} finished: {:?}",
        day.leads_finished(),
        day.unit.view()
    );
    day.run_until(day.clock.now() + 300_000);
    for record in day.attempts() {
        assert!(record.attempt.end.is_some(), "seed {seed}: no end: {record:?}");
    }
    assert!(day.tries().values().all(|tries| *tries <= 2), "seed {seed}: dialled too often");
}
