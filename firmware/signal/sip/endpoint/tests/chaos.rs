//! Bad weather: datagrams are lost, doubled, overtaken, and both sides do what they like. Whatever
//! happens, every call ends on both sides, with reasons that fit, and nothing is left behind.

use proptest::prelude::*;

use super::*;
use crate::limits::RING_LIMIT_MS;

/// What one end does with its side of a call, and when.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Ring,
    Answer,
    Reject,
    HangUp,
}

/// One side's end of one call.
#[derive(Clone, Debug, PartialEq)]
struct End {
    cause: Cause,
    by: Side,
}

#[derive(Debug, Default)]
struct Book {
    /// Keyed by address and call: times ended, how, and whether it was answered before.
    ended: BTreeMap<(SocketAddr, CallKey), (u32, Option<End>, bool)>,
    last: BTreeMap<(SocketAddr, CallKey), LegPhase>,
    /// The callee's key of each of the box's calls.
    pairs: BTreeMap<CallKey, (SocketAddr, CallKey)>,
}

impl Book {
    fn read(&mut self, facts: &[(SocketAddr, Output)]) -> Vec<(SocketAddr, CallKey)> {
        let mut incoming = Vec::new();
        for (who, fact) in facts {
            match fact {
                Output::Incoming { call, caller, .. } => {
                    let number = caller.number.as_deref().unwrap_or_default();
                    let ours = number.trim_start_matches("+8610").parse().unwrap();
                    let twice = self.pairs.insert(CallKey(ours), (*who, *call));
                    assert_eq!(twice, None, "a call came in twice");
                    incoming.push((*who, *call));
                }
                Output::Phase { call, phase, cause, by, .. } => {
                    let last = self.last.entry((*who, *call)).or_insert(LegPhase::Idle);
                    assert!(phase >= last, "{call:?} went back from {last:?} to {phase:?}");
                    *last = *phase;
                    let entry = self.ended.entry((*who, *call)).or_default();
                    entry.2 |= *phase == LegPhase::Answered;
                    if *phase == LegPhase::Ended {
                        entry.0 += 1;
                        entry.1 = Some(End { cause: cause.unwrap(), by: by.unwrap() });
                    }
                }
                _ => {}
            }
        }
        incoming
    }

    fn check(&self) {
        for (key, (times, end, _)) in &self.ended {
            assert_eq!(*times, 1, "{key:?} ended {times} times: {end:?}");
        }
        for (ours, theirs) in &self.pairs {
            let (_, Some(near), near_answered) = self.ended[&(at(BOX), *ours)].clone() else {
                panic!("{ours:?}")
            };
            let (_, Some(far), far_answered) = self.ended[theirs].clone() else {
                panic!("{theirs:?}")
            };
            // Who says that the other one ended it must be right; both may have at once.
            assert!(near.by == Side::Box || far.by == Side::Box, "{near:?} {far:?}");
            assert!(!near_answered || far_answered, "answered by nobody");
            // What was told in a BYE's or CANCEL's Reason is heard on the other side.
            if near.by == Side::Far && near_answered {
                assert_eq!(near.cause, far.cause);
            }
            if far.by == Side::Far && near.cause.q850().is_some() {
                assert_eq!(near.cause, far.cause);
            }
        }
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![Just(Deed::Ring), Just(Deed::Answer), Just(Deed::Reject), Just(Deed::HangUp)]
}

/// When the box calls, whether the phone or the carrier, when it hangs up, what the far end does.
type Call = (u64, bool, u64, Vec<(u64, Deed)>);

fn call() -> impl Strategy<Value = Call> {
    let deeds = prop::collection::vec((0..20_000_u64, deed()), 0..4);
    (0..5_000_u64, any::<bool>(), 0..30_000_u64, deeds)
}

fn live(seed: u64, weather: Weather, calls: &[Call]) {
    let mut town = Town::with_everybody(seed);
    town.weather = weather;
    let start = town.now;
    let mut diary: Vec<(Tick, &str, CallKey, Option<Deed>)> = Vec::new();
    for (n, (at_ms, _, hang_up_ms, _)) in calls.iter().enumerate() {
        let key = CallKey(n as u64 + 1);
        diary.push((start + *at_ms, BOX, key, None));
        diary.push((start + (at_ms + hang_up_ms), BOX, key, Some(Deed::HangUp)));
    }
    let mut book = Book::default();
    while let Some(next) = diary.iter().map(|(at, ..)| *at).min() {
        // What has come in by then gets its own plan.
        let step = next.since_ms(town.now).min(100);
        town.run(step);
        for (who, key) in book.read(&std::mem::take(&mut town.facts)) {
            let (ours, _) = book.pairs.iter().find(|(_, far)| **far == (who, key)).unwrap();
            let who = if who == at(PHONE) { PHONE } else { CARRIER };
            for (after_ms, deed) in &calls[ours.0 as usize - 1].3 {
                diary.push((town.now + *after_ms, who, key, Some(*deed)));
            }
        }
        let due: Vec<_> = diary.extract_if(.., |(at, ..)| *at <= town.now).collect();
        for (_, who, key, deed) in due {
            town.act(who, |e, now| match deed {
                None => {
                    let to_the_phone = calls[key.0 as usize - 1].1;
                    let spec =
                        if to_the_phone { to_phone(key.0) } else { to_number(key.0, "1234567") };
                    e.invite(now, spec).unwrap();
                }
                Some(Deed::Ring) => e.progress(now, key, StatusCode::RINGING, None),
                Some(Deed::Answer) => e.answer(now, key, ANSWER),
                Some(Deed::Reject) => e.reject(now, key, Cause::UserBusy),
                Some(Deed::HangUp) => e.hang_up(now, key, Cause::NormalClearing),
            });
        }
    }
    // The weather clears at last, or the last BYE might be lost for ever.
    town.run(60_000);
    town.weather = Weather::default();
    town.act(PHONE, |e, now| e.stop(now));
    // A caller whose every answer was lost gives up and may not cancel (RFC 3261 §9.1); then only
    // the ring limit ends the other side.
    town.run(RING_LIMIT_MS + 60_000);
    book.read(&std::mem::take(&mut town.facts));
    book.check();
    assert_quiet(&town);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_call_ends_on_both_sides_and_nothing_is_left(
        seed in any::<u64>(),
        loss in 0..25_u64,
        duplication in 0..30_u64,
        jitter_ms in 0..900_u64,
        calls in prop::collection::vec(call(), 1..12),
    ) {
        live(seed, Weather { loss, duplication, jitter_ms }, &calls);
    }
}
