//! Fixed seeds, exact results: a change of policy shows here before the long bench is run.
#![allow(clippy::expect_used)]

use pacing_bench::measure::measure;
use pacing_bench::rivals::{Clairvoyant, OneToOne, Shipped};
use pacing_bench::world::{World, worlds};

/// The world of this name with days of three hours.
fn short(name: &str) -> World {
    let world = worlds().into_iter().find(|world| world.name == name);
    World { end_s: 10_800.0, ..world.expect("a world of the bench") }
}

fn result(name: &str) -> [u64; 3] {
    let row = measure(&short(name), &mut Shipped::default(), 2, 0.03);
    let sum = |take: fn(&pacing_bench::floor::Sum) -> u64| row.days.iter().map(take).sum();
    [sum(|day| day.attempts), sum(|day| day.connected), sum(|day| day.abandoned)]
}

#[test]
fn a_small_team_with_ringing_cadence_gives_exactly_this() {
    assert_eq!(result("five-rings"), [3736, 451, 12]);
}

#[test]
fn a_team_whose_list_changes_twice_gives_exactly_this() {
    assert_eq!(result("eight-jumps"), [3745, 785, 22]);
}

#[test]
fn pacing_lies_between_one_to_one_and_the_clairvoyant_and_keeps_the_cap() {
    let world = short("twelve-long-calls");
    let pacing = measure(&world, &mut Shipped::default(), 2, 0.03);
    let beside = measure(&world, &mut OneToOne::default(), 2, 0.03);
    let bound = measure(&world, &mut Clairvoyant, 2, 0.03);
    assert!(pacing.idle_pct < beside.idle_pct, "{pacing:?} {beside:?}");
    assert!(bound.idle_pct < pacing.idle_pct, "{bound:?}");
    assert!(pacing.most_over <= 1, "{pacing:?}");
}
