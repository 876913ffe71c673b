//! Conversations with the tree, and what no sequence of events may do.

use super::*;
use proptest::prelude::*;

const POLICY: Policy = Policy { ready_ms: 30_000, watchdog_ms: Some(5_000), grace_ms: 4_000 };
const SWITCHD: Which = Which(0);
const CENTERD: Which = Which(1);

fn tree() -> Tree {
    Tree::new(vec![("switchd".into(), POLICY), ("centerd".into(), POLICY)])
}

/// What was asked for, without the announcements.
fn acts(tree: &mut Tree) -> Vec<Output> {
    std::iter::from_fn(|| tree.poll()).filter(|o| !matches!(o, Output::Changed(..))).collect()
}

/// A tree whose two processes are up at 100 ms.
fn running() -> Tree {
    let mut tree = tree();
    tree.handle_start(Tick(0));
    tree.handle_spawned(SWITCHD, Life(1), 11);
    tree.handle_ready(Tick(50), SWITCHD, Life(1));
    tree.handle_spawned(CENTERD, Life(1), 12);
    tree.handle_ready(Tick(100), CENTERD, Life(1));
    acts(&mut tree);
    tree
}

#[test]
fn the_second_starts_when_the_first_is_ready() {
    let mut tree = tree();
    tree.handle_start(Tick(0));
    assert_eq!(acts(&mut tree), [Output::Spawn(SWITCHD, Life(1))]);
    assert_eq!(tree.next_timeout(), Some((Tick(30_000), Timer::Ready)));
    tree.handle_ready(Tick(50), SWITCHD, Life(1));
    assert_eq!(acts(&mut tree), [Output::Spawn(CENTERD, Life(1))]);
}

#[test]
fn a_first_that_cannot_start_does_not_hold_back_the_second() {
    let mut tree = tree();
    tree.handle_start(Tick(0));
    acts(&mut tree);
    tree.handle_died(Tick(10), SWITCHD, Life(1), Ending::Curable);
    assert_eq!(acts(&mut tree), [Output::Spawn(CENTERD, Life(1))]);
}

#[test]
fn what_ran_well_is_back_within_a_second() {
    let mut tree = running();
    tree.handle_died(Tick(60_000), SWITCHD, Life(1), Ending::Curable);
    assert_eq!(acts(&mut tree), []);
    assert_eq!(tree.next_timeout().map(|t| t.1), Some(Timer::Watchdog));
    tree.handle_beat(Tick(60_000), CENTERD, Life(1));
    assert_eq!(tree.next_timeout(), Some((Tick(60_100), Timer::Delay)));
    tree.handle_timeout(Tick(60_100));
    assert_eq!(acts(&mut tree), [Output::Spawn(SWITCHD, Life(2))]);
    assert_eq!(tree.snapshot()[0].restarts, 1);
}

#[test]
fn what_dies_at_once_waits_longer_each_time_up_to_a_ceiling() {
    let mut tree = Tree::new(vec![("switchd".into(), POLICY)]);
    tree.handle_start(Tick(0));
    let mut now = Tick(0);
    let mut delays = Vec::new();
    for copy in 1..=11 {
        tree.handle_died(now, SWITCHD, Life(copy), Ending::Curable);
        let Some((when, Timer::Delay)) = tree.next_timeout() else { panic!("no delay") };
        delays.push(when.since(now));
        now = when;
        tree.handle_timeout(now);
    }
    assert_eq!(delays[..4], [100, 200, 400, 800]);
    assert_eq!(delays[10], BACKOFF_MAX_MS);
}

#[test]
fn a_settled_run_forgives_earlier_deaths() {
    let mut tree = Tree::new(vec![("switchd".into(), POLICY)]);
    tree.handle_start(Tick(0));
    tree.handle_died(Tick(0), SWITCHD, Life(1), Ending::Curable);
    tree.handle_timeout(Tick(100));
    tree.handle_died(Tick(100), SWITCHD, Life(2), Ending::Curable);
    tree.handle_timeout(Tick(300));
    tree.handle_ready(Tick(400), SWITCHD, Life(3));
    tree.handle_died(Tick(400 + SETTLED_MS), SWITCHD, Life(3), Ending::Curable);
    assert_eq!(tree.next_timeout(), Some((Tick(500 + SETTLED_MS), Timer::Delay)));
}

#[test]
fn silence_is_answered_with_abort_then_kill_then_a_new_copy() {
    let mut tree = running();
    tree.handle_beat(Tick(4_000), SWITCHD, Life(1));
    tree.handle_timeout(Tick(5_100));
    assert_eq!(acts(&mut tree), [Output::Abort(CENTERD, Life(1))]);
    tree.handle_beat(Tick(9_000), SWITCHD, Life(1));
    tree.handle_timeout(Tick(9_100));
    assert_eq!(acts(&mut tree), [Output::Kill(CENTERD, Life(1))]);
    tree.handle_died(Tick(9_110), CENTERD, Life(1), Ending::Curable);
    tree.handle_timeout(Tick(9_210));
    assert_eq!(acts(&mut tree), [Output::Spawn(CENTERD, Life(2))]);
}

#[test]
fn silence_is_allowed_where_the_model_says_so() {
    let quiet = Policy { watchdog_ms: None, ..POLICY };
    let mut tree = Tree::new(vec![("town".into(), quiet)]);
    tree.handle_start(Tick(0));
    tree.handle_ready(Tick(10), Which(0), Life(1));
    assert_eq!(tree.next_timeout(), None);
}

#[test]
fn stopping_goes_backward_and_waits_for_each() {
    let mut tree = running();
    tree.handle_stop(Tick(1_000));
    assert_eq!(acts(&mut tree), [Output::Term(CENTERD, Life(1))]);
    tree.handle_died(Tick(1_200), CENTERD, Life(1), Ending::Curable);
    assert_eq!(acts(&mut tree), [Output::Term(SWITCHD, Life(1))]);
    tree.handle_timeout(Tick(5_200));
    assert_eq!(acts(&mut tree), [Output::Kill(SWITCHD, Life(1))]);
    tree.handle_died(Tick(5_210), SWITCHD, Life(1), Ending::Curable);
    assert_eq!(acts(&mut tree), [Output::Finished(Verdict::Stopped)]);
    assert_eq!(tree.next_timeout(), None);
}

#[test]
fn who_dies_while_others_stop_does_not_come_back() {
    let mut tree = running();
    tree.handle_stop(Tick(1_000));
    tree.handle_died(Tick(1_010), SWITCHD, Life(1), Ending::Curable);
    assert_eq!(acts(&mut tree), [Output::Term(CENTERD, Life(1))]);
    tree.handle_timeout(Tick(2_000));
    assert_eq!(acts(&mut tree), []);
    tree.handle_died(Tick(2_010), CENTERD, Life(1), Ending::Curable);
    assert_eq!(acts(&mut tree), [Output::Finished(Verdict::Stopped)]);
}

#[test]
fn a_bad_setting_at_the_first_start_takes_the_tree_down() {
    let mut tree = tree();
    tree.handle_start(Tick(0));
    tree.handle_ready(Tick(50), SWITCHD, Life(1));
    acts(&mut tree);
    tree.handle_died(Tick(60), CENTERD, Life(1), Ending::BadSetting);
    assert_eq!(acts(&mut tree), [Output::Term(SWITCHD, Life(1))]);
    tree.handle_died(Tick(70), SWITCHD, Life(1), Ending::Curable);
    assert_eq!(acts(&mut tree), [Output::Finished(Verdict::Refused(CENTERD))]);
}

#[test]
fn a_setting_that_has_worked_gets_further_tries_but_not_for_ever() {
    let mut tree = Tree::new(vec![("switchd".into(), POLICY)]);
    tree.handle_start(Tick(0));
    tree.handle_ready(Tick(0), SWITCHD, Life(1));
    let mut now = Tick(SETTLED_MS);
    for copy in 1..REFUSALS_MAX {
        tree.handle_died(now, SWITCHD, Life(copy), Ending::BadSetting);
        let Some((when, Timer::Delay)) = tree.next_timeout() else { panic!("no delay") };
        now = when;
        tree.handle_timeout(now);
    }
    acts(&mut tree);
    tree.handle_died(now, SWITCHD, Life(REFUSALS_MAX), Ending::BadSetting);
    assert_eq!(acts(&mut tree), [Output::Finished(Verdict::Refused(SWITCHD))]);
}

#[test]
fn what_an_earlier_copy_says_is_dropped() {
    let mut tree = running();
    tree.handle_died(Tick(200), CENTERD, Life(1), Ending::Curable);
    tree.handle_timeout(Tick(400));
    acts(&mut tree);
    tree.handle_ready(Tick(401), CENTERD, Life(1));
    assert_eq!(tree.snapshot()[1].state, State::Starting);
    tree.handle_died(Tick(402), CENTERD, Life(1), Ending::Curable);
    assert_eq!(tree.snapshot()[1].state, State::Starting);
    assert_eq!(acts(&mut tree), []);
}

#[test]
fn the_table_spawns_only_where_no_copy_exists_and_signals_only_where_one_does() {
    for state in State::ALL {
        for event in Event::ALL {
            let (next, acts) = step(state, event);
            let spawns = acts.contains(&Act::Spawn);
            let signals = acts.iter().any(|a| matches!(a, Act::Term | Act::Abort | Act::Kill));
            let ends = matches!(event, Event::Died | Event::Refused);
            assert!(!(spawns && state.has_process()), "{state:?} {event:?}");
            assert!(!signals || state.has_process(), "{state:?} {event:?}");
            if spawns {
                assert!(next.has_process(), "{state:?} {event:?} forgets its copy");
            } else if state.has_process() {
                assert_eq!(next.has_process(), !ends, "{state:?} {event:?}");
            } else {
                assert!(!next.has_process(), "{state:?} {event:?} invents a copy");
            }
            assert!(!(acts.contains(&Act::Odd) && next != state), "{state:?} {event:?}");
        }
    }
}

/// What the world may do between two looks at the tree.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Wait(u64),
    Ready(usize),
    Beat(usize),
    Die(usize, bool),
    StaleDeath(usize),
    Start,
    Stop,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0u64..40_000).prop_map(Happening::Wait),
        4 => (0usize..3).prop_map(Happening::Ready),
        2 => (0usize..3).prop_map(Happening::Beat),
        3 => (0usize..3, any::<bool>()).prop_map(|(n, bad)| Happening::Die(n, bad)),
        1 => (0usize..3).prop_map(Happening::StaleDeath),
        1 => Just(Happening::Start),
        1 => Just(Happening::Stop),
    ]
}

/// The reference: which copies exist, as the operating system would know it.
#[derive(Default)]
struct World {
    alive: [Option<Life>; 3],
    doomed: Vec<(Which, Life)>,
    finished: usize,
}

impl World {
    fn carry_out(&mut self, tree: &mut Tree) {
        while let Some(output) = tree.poll() {
            match output {
                Output::Spawn(which, copy) => {
                    assert_eq!(self.alive[which.0], None, "two copies of {which:?}");
                    self.alive[which.0] = Some(copy);
                }
                Output::Term(which, copy) | Output::Abort(which, copy) => {
                    assert_eq!(self.alive[which.0], Some(copy), "a signal to nobody");
                }
                Output::Kill(which, copy) => {
                    assert_eq!(self.alive[which.0], Some(copy), "a signal to nobody");
                    self.doomed.push((which, copy));
                }
                Output::Finished(_) => {
                    assert_eq!(self.alive, [None; 3], "finished with a copy left behind");
                    self.finished += 1;
                }
                Output::Changed(..) | Output::Odd(..) => {}
            }
        }
    }

    fn bury(&mut self, tree: &mut Tree, now: Tick, which: Which, ending: Ending) {
        if let Some(copy) = self.alive[which.0].take() {
            tree.handle_died(now, which, copy, ending);
            self.carry_out(tree);
        }
    }
}

proptest! {
    #[test]
    fn never_two_copies_and_always_down_after_a_stop(
        story in proptest::collection::vec(happening(), 0..120)
    ) {
        let named = |name: &str| (name.to_owned(), POLICY);
        let mut tree = Tree::new(vec![named("switchd"), named("centerd"), named("town")]);
        let mut world = World::default();
        let mut now = Tick(0);
        tree.handle_start(now);
        world.carry_out(&mut tree);
        for happening in story {
            match happening {
                Happening::Wait(ms) => {
                    now = now.after(ms);
                    tree.handle_timeout(now);
                }
                Happening::Ready(n) => {
                    let copy = world.alive[n].unwrap_or(Life(1));
                    tree.handle_ready(now, Which(n), copy);
                }
                Happening::Beat(n) => {
                    let copy = world.alive[n].unwrap_or(Life(1));
                    tree.handle_beat(now, Which(n), copy);
                }
                Happening::Die(n, bad) => {
                    let ending = if bad { Ending::BadSetting } else { Ending::Curable };
                    world.bury(&mut tree, now, Which(n), ending);
                }
                Happening::StaleDeath(n) => {
                    let old = world.alive[n].map_or(9_999, |copy| copy.0 + 1);
                    tree.handle_died(now, Which(n), Life(old), Ending::Curable);
                }
                Happening::Start => tree.handle_start(now),
                Happening::Stop => tree.handle_stop(now),
            }
            world.carry_out(&mut tree);
        }

        // Whoever is asked to stop ignores it and dies only of a kill.
        tree.handle_stop(now);
        world.carry_out(&mut tree);
        for _ in 0..12 {
            if world.finished > 0 {
                break;
            }
            if let Some((when, _)) = tree.next_timeout() {
                now = now.max(when);
            }
            tree.handle_timeout(now);
            world.carry_out(&mut tree);
            for (which, _) in std::mem::take(&mut world.doomed) {
                world.bury(&mut tree, now, which, Ending::Curable);
            }
        }
        prop_assert_eq!(world.finished, 1);
        prop_assert!(tree.snapshot().iter().all(|p| p.state == State::Down));
        prop_assert_eq!(tree.next_timeout(), None);
    }
}
