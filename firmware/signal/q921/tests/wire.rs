//! Two links over a bad wire. Whatever the wire does within its rules (it may lose, spoil, delay and
//! double, but not overtake), each message arrives once and in order, or its sender is told that
//! messages may be lost; and when the wire is good again, the link is too.

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;
use board_port::fcs;

/// How bad the wire is, in percent of frames, and what layer 3 does besides sending.
#[derive(Clone, Copy, Debug)]
struct Weather {
    lost: u64,
    spoilt: u64,
    doubled: u64,
    /// One way, at most, in milliseconds. A round trip stays below T200: beyond it Q.921 itself
    /// mistakes the answer to a first SABME for that to a second.
    delay_ms: u64,
    /// Both ends ask for the link at once.
    collision: bool,
    /// Releases, resets, busy receivers and layer 1 failures.
    unrest: bool,
}

fn weather() -> impl Strategy<Value = Weather> {
    let bad = (0_u64..30, 0_u64..15, 0_u64..15, 1_u64..240);
    (bad, any::<bool>(), any::<bool>()).prop_map(|(bad, collision, unrest)| {
        let (lost, spoilt, doubled, delay_ms) = bad;
        Weather { lost, spoilt, doubled, delay_ms, collision, unrest }
    })
}

/// One end: its link, its layer 3, and what is on its way to it.
struct End {
    link: Link,
    inbox: VecDeque<(Tick, Vec<u8>)>,
    /// Layer 3 believes that there is a link.
    up: bool,
    /// Layer 3 asks for the link again then.
    ask_at: Option<Tick>,
    given: u32,
    /// Messages of ours that layer 3 must take as possibly lost: it was told.
    excused: u32,
    /// Messages refused when they were given.
    refused: BTreeSet<u32>,
    /// What the other end's layer 3 gave and we got.
    got: Vec<u32>,
    delivered: BTreeSet<u32>,
}

impl End {
    fn new(role: Role) -> End {
        End {
            link: Link::new(role, Settings::default()),
            inbox: VecDeque::new(),
            up: false,
            ask_at: None,
            given: 0,
            excused: 0,
            refused: BTreeSet::new(),
            got: Vec::new(),
            delivered: BTreeSet::new(),
        }
    }

    fn due(&self) -> Option<Tick> {
        let timer = self.link.next_timeout().map(|(at, _)| at);
        let frame = self.inbox.front().map(|(at, _)| *at);
        [timer, frame, self.ask_at].into_iter().flatten().min()
    }

    fn give(&mut self, now: Tick) {
        self.given += 1;
        let mut info = vec![8, 0];
        info.extend(self.given.to_be_bytes());
        self.link.handle_request(now, Request::Data(info));
    }
}

struct Wire {
    ends: [End; 2],
    now: Tick,
    dice: Dice,
    weather: Weather,
}

impl Wire {
    /// Lets everything happen up to `until`.
    fn run(&mut self, until: Tick) {
        while let Some((at, side)) =
            (0..2).filter_map(|n| self.ends[n].due().map(|at| (at, n))).min()
            && at <= until
        {
            self.now = self.now.max(at);
            let end = &mut self.ends[side];
            if end.inbox.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, octets) = end.inbox.pop_front().unwrap();
                if let Some(frame) = fcs::check(&octets) {
                    end.link.handle_frame(self.now, frame);
                }
            } else if end.ask_at.take_if(|at| *at <= self.now).is_some() {
                end.link.handle_request(self.now, Request::Establish);
            } else {
                end.link.handle_timeout(self.now);
            }
            self.settle(side);
        }
        self.now = until;
    }

    /// Carries out what a link says.
    fn settle(&mut self, side: usize) {
        assert_sound(&self.ends[side].link);
        for output in drain(&mut self.ends[side].link) {
            let end = &mut self.ends[side];
            match output {
                Output::Send(octets) => self.carry(1 - side, octets),
                Output::Established(_) => {
                    // A link that was up has been reset. One that comes up first loses nothing.
                    end.excused = end.given;
                    end.up = true;
                }
                Output::Released(_) => {
                    end.excused = end.given;
                    end.up = false;
                    end.ask_at = Some(self.now + 500);
                }
                Output::Data(info) => {
                    let number = u32::from_be_bytes(info[2..].try_into().unwrap());
                    end.got.push(number);
                    self.ends[1 - side].delivered.insert(number);
                }
                Output::NoLink | Output::QueueFull => {
                    end.refused.insert(end.given);
                }
                Output::UnitData(_) | Output::Error(_) => {}
                Output::TooLong => panic!("a message of six octets"),
            }
        }
    }

    fn carry(&mut self, to: usize, mut octets: Vec<u8>) {
        let (dice, weather) = (&mut self.dice, self.weather);
        if dice.percent(weather.lost) {
            return;
        }
        // A doubled SABME or DISC is no noise but a second request: no wire makes one.
        let numbered = octets[2] & 3 != 3;
        octets.extend(fcs::of(&octets).to_le_bytes());
        if dice.percent(weather.spoilt) {
            // A burst of up to 16 bits, which the check sequence always sees.
            let at = usize::try_from(dice.below(octets.len() as u64 - 1)).unwrap();
            let [first, second, ..] = (dice.next() | 1).to_le_bytes();
            octets[at] ^= first;
            octets[at + 1] ^= second;
        }
        let inbox = &mut self.ends[to].inbox;
        let arrives = self.now + 1 + dice.below(weather.delay_ms);
        let arrives = inbox.back().map_or(arrives, |(last, _)| arrives.max(*last));
        inbox.push_back((arrives, octets.clone()));
        if numbered && dice.percent(weather.doubled) {
            inbox.push_back((arrives, octets));
        }
    }

    /// Layer 3 of one end does something.
    fn act(&mut self) {
        let side = usize::from(self.dice.percent(50));
        let now = self.now;
        let unrest = self.weather.unrest && self.dice.percent(4);
        let what = self.dice.below(6);
        let end = &mut self.ends[side];
        match (unrest, what) {
            (true, 0) => end.link.handle_request(now, Request::Release),
            (true, 1) => end.link.handle_request(now, Request::Establish),
            (true, 2 | 3) => end.link.handle_request(now, Request::Busy(true)),
            (true, 4) => end.link.handle_layer1(now, false),
            (true, _) => end.link.handle_request(now, Request::Busy(false)),
            (false, _) if end.up => end.give(now),
            (false, _) => {}
        }
        // Establish on a living link drops what is queued, by layer 3's own wish.
        if unrest && what == 1 {
            end.excused = end.given;
        }
        self.settle(side);
    }
}

fn storm(seed: u64, weather: Weather, acts: u32) -> Wire {
    let ends = [End::new(Role::User), End::new(Role::Network)];
    let mut wire = Wire { ends, now: Tick::ZERO, dice: Dice(seed), weather };
    wire.ends[0].ask_at = Some(Tick(1));
    wire.ends[1].ask_at = weather.collision.then_some(Tick(1));
    for _ in 0..acts {
        let pause = wire.dice.below(120);
        wire.run(wire.now + pause);
        wire.act();
    }
    wire
}

/// The weather clears, and two minutes later everything is as it should be.
fn calm(wire: &mut Wire) {
    wire.weather = Weather { lost: 0, spoilt: 0, doubled: 0, unrest: false, ..wire.weather };
    for side in 0..2 {
        wire.ends[side].link.handle_request(wire.now, Request::Busy(false));
        wire.settle(side);
    }
    wire.run(wire.now + 120_000);
    for side in 0..2 {
        assert!(wire.ends[side].up, "{:?}", wire.ends[side].link.snapshot());
        wire.ends[side].give(wire.now);
        wire.settle(side);
    }
    wire.run(wire.now + 5_000);
    for end in &wire.ends {
        let seen = end.link.snapshot();
        assert_eq!((seen.state, seen.queued), (State::MultipleFrameEstablished, 0), "{seen:?}");
        assert!(end.got.is_sorted_by(|a, b| a < b), "twice or out of order: {:?}", end.got);
        for number in end.excused + 1..=end.given {
            let told = end.refused.contains(&number);
            assert!(told != end.delivered.contains(&number), "{number} of {}", end.given);
        }
        assert!(end.delivered.is_disjoint(&end.refused));
        assert!(end.delivered.contains(&end.given), "the last message did not arrive");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn over_any_wire_messages_arrive_once_and_in_order_or_their_loss_is_told(
        seed in any::<u64>(),
        weather in weather(),
    ) {
        calm(&mut storm(seed, weather, 400));
    }
}

#[test]
fn over_a_good_wire_nothing_is_repeated_and_nothing_is_told() {
    let weather =
        Weather { lost: 0, spoilt: 0, doubled: 0, delay_ms: 30, collision: false, unrest: false };
    let mut wire = storm(7, weather, 2_000);
    calm(&mut wire);
    for end in &wire.ends {
        let counters = end.link.snapshot().counters;
        assert_eq!((counters.retransmitted, counters.rej_out, counters.bad), (0, 0, 0));
        assert_eq!(counters.errors.total(), 0);
        assert_eq!(end.delivered.len(), usize::try_from(end.given).unwrap());
    }
}

#[test]
fn over_a_bad_wire_most_messages_still_arrive() {
    let weather =
        Weather { lost: 5, spoilt: 3, doubled: 5, delay_ms: 50, collision: true, unrest: false };
    let mut wire = storm(11, weather, 4_000);
    calm(&mut wire);
    for end in &wire.ends {
        let counters = end.link.snapshot().counters;
        assert!(counters.retransmitted > 100 && counters.rej_out > 20, "{counters:?}");
        let (arrived, given) = (end.delivered.len(), usize::try_from(end.given).unwrap());
        assert!(arrived * 100 > given * 95, "{arrived} of {given}: {counters:?}");
    }
}
