//! Fixed seeds, exact results: a change of policy shows here before the long bench is run.
#![allow(clippy::expect_used)]

use pacing_bench::floor::Sum;
use pacing_bench::measure::{Row, measure};
use pacing_bench::rivals::{Clairvoyant, OneToOne, Shipped};
use pacing_bench::world::{World, worlds};

fn named(name: &str) -> World {
    worlds().into_iter().find(|world| world.name == name).expect("a world of the bench")
}

/// The world of this name with days of three hours.
fn short(name: &str) -> World {
    World { end_s: 10_800.0, ..named(name) }
}

fn result(name: &str) -> [u64; 3] {
    let row = measure(&short(name), &mut Shipped::default(), 2, 0.03);
    let sum = |take: fn(&Sum) -> u64| row.days.iter().map(take).sum();
    [sum(|day| day.attempts), sum(|day| day.connected), sum(|day| day.abandoned)]
}

#[test]
fn a_small_team_with_ringing_cadence_gives_exactly_this() {
    assert_eq!(result("five-rings"), [3514, 431, 8]);
}

#[test]
fn a_team_whose_list_changes_twice_gives_exactly_this() {
    assert_eq!(result("eight-jumps"), [3756, 791, 19]);
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

#[test]
fn days_of_a_few_whole_calls_keep_the_cap() {
    let world = named("five-short-days");
    let pacing = measure(&world, &mut Shipped::default(), 20, 0.03);
    let beside = measure(&world, &mut OneToOne::default(), 20, 0.03);
    let sum = |take: fn(&Sum) -> u64| pacing.days.iter().map(take).sum();
    let days: [u64; 2] = [sum(|day| day.connected), sum(|day| day.abandoned)];
    assert_eq!(days, [2756, 48], "{pacing:?}");
    assert!(pacing.kept_pct >= 95.0 && pacing.most_over <= 1, "{pacing:?}");
    assert!(pacing.idle_pct < 0.9 * beside.idle_pct, "{pacing:?} {beside:?}");
}

/// Two agents at a cap of 1 %: two or three whole calls a day, and breaks that no budget foresees.
#[test]
fn days_of_two_whole_calls_keep_a_cap_of_one_in_a_hundred() {
    let world = named("pair");
    let pacing = measure(&world, &mut Shipped::default(), 8, 0.01);
    let beside = measure(&world, &mut OneToOne::default(), 8, 0.01);
    let sum = |take: fn(&Sum) -> u64| pacing.days.iter().map(take).sum();
    let days: [u64; 2] = [sum(|day| day.connected), sum(|day| day.abandoned)];
    assert_eq!(days, [2233, 7], "{pacing:?}");
    assert!(pacing.kept_pct >= 90.0 && pacing.most_over <= 1, "{pacing:?}");
    assert!(pacing.idle_pct < beside.idle_pct, "{pacing:?} {beside:?}");
}

/// What a cap of zero says it costs beside what a cap of 3 % really saves: within a factor of two.
#[test]
fn the_cost_of_a_cap_of_zero_is_told_within_a_factor_of_two() {
    for name in ["five-short-days", "twelve-long-calls"] {
        let world = short(name);
        let mut policy = Shipped::default();
        let zero = measure(&world, &mut policy, 2, 0.0);
        let usual = measure(&world, &mut Shipped::default(), 2, 0.03);
        let saved_s = wait_s(&zero) - wait_s(&usual);
        let told = policy.1.and_then(|decision| decision.forgone).map(|forgone| forgone.wait_s);
        let near = |told: f64| (0.5..2.0).contains(&(told / saved_s));
        assert!(told.is_some_and(near), "{name}: told {told:?}, saved {saved_s}");
    }
}

/// Seconds that an agent waits for each call.
fn wait_s(row: &Row) -> f64 {
    let sum = |take: fn(&Sum) -> u64| row.days.iter().map(take).sum::<u64>() as f64;
    sum(|day| day.idle_ms) / 1000.0 / sum(|day| day.connected)
}
