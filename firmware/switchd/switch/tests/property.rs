//! Whatever happens in whatever order, some things hold always.

use call::{Cause, Epoch, LegId, LegPhase, OfferId, RecordingId};
use link::{Command, Connect, Direction, Event, OfferEnd, OnAnswer, Prompt, ToCenter};
use proptest::prelude::*;
use std::collections::BTreeMap;

use super::town::{Town, carrier, phone, plan, recorded};
use crate::limits::{RELEASE_MS, SEAL_MS};
use crate::switch::leg::Plan;

/// Something that the outside world may do.
#[derive(Clone, Debug)]
enum Step {
    Seat(u8),
    Dial { seats: Vec<i64>, record: bool },
    Offer(i64, usize),
    Withdraw(i64),
    Extend(usize, i64),
    Join(usize, usize),
    Part(usize),
    Hold(usize, bool),
    HangUp(usize),
    Play(usize),
    CustomerRings(usize),
    CustomerAnswers(usize),
    CustomerHangsUp(usize),
    SeatHangsUp(u8),
    Calls(bool),
    Answer(usize),
    RingDesk(u8, usize),
    DeskAnswers(u8),
    CenterGoes,
    CenterComes,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let leg = 0usize..8;
    let offer = 1i64..6;
    prop_oneof![
        3 => (1u8..4).prop_map(Step::Seat),
        4 => (prop::collection::vec(1i64..6, 0..4), any::<bool>())
            .prop_map(|(seats, record)| Step::Dial { seats, record }),
        4 => (offer.clone(), leg.clone()).prop_map(|(o, l)| Step::Offer(o, l)),
        1 => offer.clone().prop_map(Step::Withdraw),
        1 => (leg.clone(), offer).prop_map(|(l, o)| Step::Extend(l, o)),
        1 => (leg.clone(), leg.clone()).prop_map(|(a, b)| Step::Join(a, b)),
        1 => leg.clone().prop_map(Step::Part),
        1 => (leg.clone(), any::<bool>()).prop_map(|(l, on)| Step::Hold(l, on)),
        1 => leg.clone().prop_map(Step::HangUp),
        1 => leg.clone().prop_map(Step::Play),
        2 => (0usize..6).prop_map(Step::CustomerRings),
        4 => (0usize..6).prop_map(Step::CustomerAnswers),
        2 => (0usize..6).prop_map(Step::CustomerHangsUp),
        1 => (1u8..4).prop_map(Step::SeatHangsUp),
        2 => any::<bool>().prop_map(Step::Calls),
        1 => leg.clone().prop_map(Step::Answer),
        3 => (1u8..4, leg).prop_map(|(n, l)| Step::RingDesk(n, l)),
        2 => (1u8..4).prop_map(Step::DeskAnswers),
        1 => Just(Step::CenterGoes),
        1 => Just(Step::CenterComes),
        3 => prop_oneof![Just(20u64), Just(700), Just(6_000), Just(31_000)].prop_map(Step::Pass),
    ]
}

fn legs(town: &Town) -> Vec<LegId> {
    town.switch.legs.keys().copied().collect()
}

fn take(town: &mut Town, step: Step) {
    let legs = legs(town);
    let leg = |n: usize| legs.get(n % legs.len().max(1)).copied().unwrap_or_default();
    let up = town.switch.session.up;
    let order = |town: &mut Town, command: Command| {
        if up {
            let _ = town.command(command);
        }
    };
    match step {
        Step::Seat(n) if up => {
            let originate = Command::Originate {
                leg: town.new_leg(),
                tag: call::LegTag(u64::from(n)),
                to: link::Destination::Account {
                    account: call::AccountId(i64::from(n)),
                    caller: String::new(),
                    auto_answer: true,
                },
                ring_timeout_ms: 20_000,
                on_answer: OnAnswer::Tell,
            };
            town.fars.get_mut(&phone(n)).unwrap().answers = true;
            order(town, originate);
        }
        Step::Dial { seats, record } if up => {
            let name = 1_000 + town.heard.len() as i64;
            let plan = if record { recorded(&seats, name) } else { plan(&seats) };
            let _ = town.try_dial(15_000, OnAnswer::Plan(plan));
        }
        Step::RingDesk(n, at) => {
            let waits = |leg: &LegId| {
                let found = &town.switch.legs[leg].record;
                found.direction == Direction::In && found.phase < LegPhase::Answered
            };
            let waiting: Vec<LegId> = legs.iter().copied().filter(waits).collect();
            let caller = waiting.get(at % waiting.len().max(1)).copied().unwrap_or(leg(at));
            let record = Some(RecordingId(9_000 + town.heard.len() as i64));
            let originate = Command::Originate {
                leg: town.new_leg(),
                tag: call::LegTag(0),
                to: link::Destination::Account {
                    account: call::AccountId(i64::from(n)),
                    caller: String::new(),
                    auto_answer: false,
                },
                ring_timeout_ms: 15_000,
                on_answer: OnAnswer::Connect(Connect { caller, record }),
            };
            order(town, originate);
        }
        Step::DeskAnswers(n) => {
            if let Some(last) = town.fars[&phone(n)].incoming.len().checked_sub(1) {
                town.far_answers(phone(n), last);
            }
        }
        Step::Seat(_) | Step::Dial { .. } => {}
        Step::Offer(offer, n) => {
            order(town, Command::Offer { offer: OfferId(offer), seat: leg(n) })
        }
        Step::Withdraw(offer) => order(town, Command::Withdraw { offer: OfferId(offer) }),
        Step::Extend(n, offer) => {
            order(town, Command::Extend { leg: leg(n), seats: vec![OfferId(offer)] });
        }
        Step::Join(a, b) => {
            let record = Some(RecordingId(5_000 + town.heard.len() as i64));
            order(town, Command::Join { customer: leg(a), seat: leg(b), record });
        }
        Step::Part(n) => order(town, Command::Part { leg: leg(n) }),
        Step::Hold(n, on) => order(town, Command::Hold { leg: leg(n), on }),
        Step::HangUp(n) => {
            order(town, Command::HangUp { leg: leg(n), cause: Cause::NormalClearing });
        }
        Step::Play(n) => {
            let prompts = vec![Prompt::new("zh", "menu")];
            let (leg, play) = (leg(n), 1);
            order(town, Command::Play { leg, play, prompts, repeat: true, barge_in: true });
        }
        Step::CustomerRings(n) if n < town.fars[&carrier()].incoming.len() => {
            town.customer_rings(n);
        }
        Step::CustomerAnswers(n) if n < town.fars[&carrier()].incoming.len() => {
            town.customer_answers(n);
        }
        Step::CustomerHangsUp(n) if n < town.fars[&carrier()].incoming.len() => {
            town.far_hangs_up(carrier(), n);
        }
        Step::SeatHangsUp(n) => {
            let calls = town.fars[&phone(n)].incoming.len();
            if let Some(last) = calls.checked_sub(1) {
                town.far_hangs_up(phone(n), last);
            }
        }
        Step::CustomerRings(_) | Step::CustomerAnswers(_) | Step::CustomerHangsUp(_) => {}
        Step::Calls(outside) => {
            let from = if outside { carrier() } else { phone(1) };
            town.far_calls(from, "01012345678");
        }
        Step::Answer(n) => order(town, Command::Answer { leg: leg(n) }),
        Step::CenterGoes => town.lose_center(),
        Step::CenterComes => town.greet(Epoch(1)),
        Step::Pass(ms) => town.pass(ms),
    }
}

/// What must hold after every step.
fn check(town: &Town) {
    let switch = &town.switch;
    let mut joined = BTreeMap::new();
    for &customer in switch.legs.keys() {
        let Some(talk) = switch.talks.get(customer) else { continue };
        for leg in [customer, talk.seat] {
            assert_eq!(joined.insert(leg, customer), None, "{leg} is in two joins");
            let found = switch.legs.get(&leg).expect("a joined leg lives");
            assert!(found.is_talkable(), "{leg} is joined and {:?}", found.record.phase);
        }
    }
    for leg in switch.legs.values().filter(|leg| leg.ending.is_none()) {
        if let Plan::Connect(connect) = &leg.plan {
            let caller = switch.legs.get(&connect.caller).filter(|caller| caller.ending.is_none());
            assert!(caller.is_some(), "{} rings for nobody", leg.id());
        }
    }
    for (offer, seat) in switch.offers.standing() {
        assert!(!joined.contains_key(&seat), "{offer} stands for a joined seat");
        assert!(switch.legs[&seat].is_talkable(), "{offer} stands for a seat that is gone");
    }
    // The books of the sound core and ours are the same.
    let open = switch.legs.values().filter(|l| l.sound.is_some()).map(|l| l.port);
    assert_eq!(open.collect::<std::collections::BTreeSet<_>>(), town.core.open);
    for row in switch.wires.rows() {
        assert!(town.core.rows.contains(&row), "{row:?} is not in the sound core");
    }
    // The journal knows of every leg that lives and of every end that is not acknowledged.
    assert_eq!(town.book.legs.keys().collect::<Vec<_>>(), switch.legs.keys().collect::<Vec<_>>());
    for (leg, (record, _)) in &town.book.legs {
        assert_eq!(record, &switch.legs[leg].record);
    }
    assert_eq!(town.book.ended.len(), switch.session.unacknowledged_legs());
}

/// What must hold when everything has been quiet for long.
fn check_quiet(town: &Town) {
    let switch = &town.switch;
    assert!(switch.legs.is_empty(), "legs are left: {:?}", legs(town));
    assert!(switch.recordings.is_empty() && town.taping.is_empty());
    assert_eq!(switch.offers.standing().count(), 0);
    assert_eq!(switch.wires.rows().count(), 0);
    assert_eq!(switch.ports.free_count(), 12);
    assert!(town.fars.values().all(|far| far.live() == 0), "a far end is left in a call");
    // Each offer was consumed at most once, and by one leg.
    let mut by = BTreeMap::new();
    for (offer, how) in town.offer_ends() {
        if let OfferEnd::Consumed { by: leg } = how {
            assert_eq!(*by.entry(offer).or_insert(leg), leg, "{offer} was consumed twice");
        }
    }
    // Each leg that ended has one end, and nothing is told of it afterwards on this connection.
    let mut ends = BTreeMap::new();
    for message in &town.heard {
        match message {
            ToCenter::Snapshot(_) => ends.clear(),
            ToCenter::Event { event: Event::Leg(r), .. } => {
                if let Some(ended) = ends.get(&r.leg) {
                    assert_eq!(r.ended.as_ref(), Some(ended), "{} lives after its end", r.leg);
                }
                if let Some(ended) = r.ended {
                    ends.insert(r.leg, ended);
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]
    #[test]
    fn whatever_happens_nobody_is_in_two_calls_and_everything_ends(
        steps in prop::collection::vec(step(), 1..50),
    ) {
        let mut town = Town::new();
        for step in steps {
            take(&mut town, step);
            check(&town);
        }
        town.greet(Epoch(1));
        for leg in legs(&town) {
            let _ = town.command(Command::HangUp { leg, cause: Cause::NormalClearing });
        }
        town.pass(RELEASE_MS + SEAL_MS);
        check(&town);
        check_quiet(&town);
    }
}
