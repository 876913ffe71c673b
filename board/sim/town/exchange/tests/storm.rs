//! Everybody and everything at once: nothing is left over, and the same seed repeats it.

use super::*;

/// Everybody who can be called, and everything that can go wrong.
fn stormy(seed: u64) -> Setup {
    let chances = Chances {
        answer: 0.45,
        busy: 0.1,
        refuse: 0.1,
        unallocated: 0.1,
        machine: 0.1,
        congested: 0.05,
    };
    let people = Subscriber {
        chances,
        ring_ms: (500, 5_000),
        talk_ms: (1_000, 15_000),
        stays: 0.1,
        ..Subscriber::answering("+86138")
    };
    let by = DeadBy::Disconnect;
    let musical = Subscriber {
        numbers: Numbers::Range { first: 8_613_800_001_000, last: 8_613_800_001_999, digits: 13 },
        colour_ring: true,
        dead: Dead { by, ..Dead::default() },
        ..people.clone()
    };
    let bad = Bad {
        lose: 0.01,
        double: 0.01,
        corrupt: 0.01,
        glare: 0.05,
        wrong_cause: 0.1,
        no_alerting: 0.05,
        never_alerting: 0.02,
        one_way: 0.05,
        echo: 0.05,
        stuck: 0.01,
        link_down: Outage { every_ms: 120_000, for_ms: 4_000 },
        alarm: Outage { every_ms: 300_000, for_ms: 2_000 },
    };
    let mut setup = Setup { seed, bad, subscribers: vec![people, musical], ..setup() };
    setup.spans[0].fcs = true;
    setup.spans.push(Span { fcs: true, overlap: true, ..Span::plain("run/span2") });
    setup
}

/// A thousand calls over two spans of a bad exchange, the box calling and being called.
fn storm(seed: u64) -> Bench {
    let mut bench = Bench::new(stormy(seed));
    bench.answers = true;
    let mut chance = Chance::new(seed).branch("storm");
    let mut keys = Vec::new();
    for n in 0..1_000u64 {
        if n % 10 == 9 {
            let who = format!("861380000{:04}", 5_000 + n);
            let _ = bench.order(&who, Order::Dial(OURS.to_owned()));
        } else {
            let setup = CallSetup { complete: true, ..outgoing(&number(n * 7)) };
            keys.extend(bench.place((n % 2) as u8, setup));
        }
        bench.run(chance.between(100, 1_200));
        if chance.between(0, 3) == 0 {
            let at = chance.between(0, keys.len() as u64 - 1) as usize;
            let key = keys[at];
            if bench.end(key).is_none() {
                bench.hang_up(key);
            }
        }
    }
    bench.finish();
    bench
}

#[test]
fn a_thousand_calls_over_a_bad_exchange_all_end_and_the_same_seed_repeats_them() {
    let (a, b, c) = (storm(7), storm(7), storm(8));
    assert_eq!(a.events, b.events);
    assert_eq!(a.sounds, b.sounds);
    assert_ne!(a.events, c.events);
    let kinds: HashSet<_> = a.faults().iter().map(core::mem::discriminant).collect();
    assert!(kinds.len() >= 8, "{:?}", a.faults());
    let rung = a.events.iter().filter(|e| matches!(e.what, Sight::Rung { .. })).count();
    let dialled = a.events.iter().filter(|e| matches!(e.what, Sight::Dialled(_))).count();
    let ended = a.events.iter().filter(|e| matches!(e.what, Sight::Ended { .. })).count();
    assert!(rung > 500, "{rung}");
    assert_eq!(ended, rung + dialled);
}

/// An hour of a good exchange, as lines.
fn hour() -> String {
    let mut setup = stormy(20_261_120);
    setup.bad = Bad::NONE;
    setup.day_ms = 19 * 3_600_000;
    let mut bench = Bench::new(setup);
    bench.answers = true;
    for n in 0..12 {
        let setup = CallSetup { complete: true, ..outgoing(&number(n * 501)) };
        bench.place((n % 2) as u8, setup).unwrap();
        bench.run(2_500);
    }
    bench.order("8613800008888", Order::Dial(OURS.to_owned())).unwrap();
    bench.run(40_000);
    bench.finish();
    let mut lines = String::new();
    for Event { at, who, what } in &bench.events {
        writeln!(lines, "{:>7} {who}: {what}", at.0).unwrap();
    }
    lines
}

#[test]
fn an_hour_in_the_town_is_as_it_was_written_down() {
    let hour = hour();
    for (n, (now, then)) in hour.lines().zip(include_str!("hour.txt").lines()).enumerate() {
        assert_eq!(now, then, "line {}", n + 1);
    }
    assert_eq!(hour.lines().count(), include_str!("hour.txt").lines().count(), "{hour}");
}

/// Something that happens at a span.
#[derive(Clone, Debug)]
enum Deed {
    Dial(u16),
    Digits(String),
    HangUp(u8),
    Order(u16, u8),
    Frame(Vec<u8>),
    Plug(bool),
    Harm(u8),
    Wait(u16),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => any::<u16>().prop_map(Deed::Dial),
        2 => "[0-9]{0,12}".prop_map(Deed::Digits),
        3 => any::<u8>().prop_map(Deed::HangUp),
        3 => (any::<u16>(), 0u8..4).prop_map(|(who, what)| Deed::Order(who, what)),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Deed::Frame),
        1 => any::<bool>().prop_map(Deed::Plug),
        1 => any::<u8>().prop_map(Deed::Harm),
        8 => (0u16..6_000).prop_map(Deed::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_every_call_ends_and_every_channel_is_closed(
        deeds in proptest::collection::vec(deed(), 1..60),
        seed in 0u64..1_000,
        answers in any::<bool>(),
    ) {
        let mut setup = stormy(seed);
        setup.spans[0].fcs = false;
        setup.bad.corrupt = 0.0;
        let mut bench = Bench::new(setup);
        bench.answers = answers;
        for deed in deeds {
            match deed {
                Deed::Dial(n) => {
                    let setup = CallSetup { complete: true, ..outgoing(&number(u64::from(n))) };
                    bench.place((n % 2) as u8, setup);
                }
                Deed::Digits(digits) => {
                    bench.place(1, CallSetup { complete: false, ..outgoing(&digits) });
                }
                Deed::HangUp(n) => {
                    let live = bench.calls.iter().filter(|(_, seen)| seen.end.is_none());
                    let live: Vec<Key> = live.map(|(key, _)| *key).collect();
                    if let Some(key) = live.get(usize::from(n) % live.len().max(1)) {
                        bench.hang_up(*key);
                    }
                }
                Deed::Order(who, what) => {
                    let order = match what {
                        0 => Order::Dial(OURS.to_owned()),
                        1 => Order::Press("12".to_owned()),
                        2 => Order::HangUp,
                        _ => Order::Call(Dialling { over: Way::Span(1), ..Dialling::to(OURS) }),
                    };
                    let _ = bench.order(&format!("861380000{:04}", who % 50), order);
                }
                Deed::Frame(bytes) => bench.put(true, 0, bytes),
                Deed::Plug(up) => {
                    bench.town.handle_span(bench.now, 0, up);
                    bench.linebox[0].handle_layer1(bench.now, up);
                    bench.drain();
                }
                Deed::Harm(n) => {
                    let for_ms = u64::from(n) * 50;
                    let fault = match n % 3 {
                        0 => Fault::LinkDown { for_ms },
                        1 => Fault::Alarm { for_ms },
                        _ => Fault::Glare { channel: n % 31 },
                    };
                    bench.town.harm(bench.now, n % 2, fault);
                    bench.drain();
                }
                Deed::Wait(ms) => bench.run(u64::from(ms)),
            }
        }
        bench.town.handle_span(bench.now, 0, true);
        bench.linebox[0].handle_layer1(bench.now, true);
        bench.drain();
        bench.run(20_000);
        bench.finish();
    }
}
