//! What no story may do: two copies of one process, a signal to nobody, a stop that does not end.

use proptest::prelude::*;

use crate::order::{Ending, Life, Output, Policy, Tick, Tree, Which};
use crate::tree::State;

const POLICY: Policy = Policy { ready_ms: 30_000, watchdog_ms: Some(5_000), grace_ms: 4_000 };

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
                    now = Tick(now.0 + ms);
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
