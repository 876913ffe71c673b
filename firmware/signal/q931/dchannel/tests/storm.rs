//! Bad weather: two D-channels over a wire that loses, doubles and corrupts frames, with calls from
//! both sides at once, meetings on one channel, digits one by one, restarts, and links that die.
//! Whatever happens: no channel carries two calls, every call ends once on both sides, nothing is left
//! behind; and as long as the link holds, both sides tell the same story.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::pair::{End, Pair, Weather};
use super::*;
use crate::q931::cause;

/// What the owner of a call does with it, and when after its beginning.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Proceed,
    Progress,
    Alert,
    Answer,
    Dial,
    Tone,
    HangUp(usize),
    Enquire,
}

/// What happens to the line.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Restart(End, Option<u8>),
    Block(End, u8, bool),
    /// One end sees an alarm for so many milliseconds.
    Alarm(End, u64),
    /// Nothing gets through for so many milliseconds.
    Silence(u64),
}

#[derive(Clone, Debug)]
struct Plan {
    at_ms: u64,
    from: End,
    channel: ChannelWish,
    complete: bool,
    caller: Vec<(u64, Deed)>,
    callee: Vec<(u64, Deed)>,
}

const CAUSES: [Cause; 5] = [
    Cause::NormalClearing,
    Cause::UserBusy,
    Cause::CallRejected,
    Cause::Machine,
    Cause::ChannelUnavailable,
];

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => Just(Deed::Proceed),
        1 => Just(Deed::Progress),
        2 => Just(Deed::Alert),
        3 => Just(Deed::Answer),
        1 => Just(Deed::Dial),
        1 => Just(Deed::Tone),
        2 => (0..CAUSES.len()).prop_map(Deed::HangUp),
        1 => Just(Deed::Enquire),
    ]
}

fn wish() -> impl Strategy<Value = ChannelWish> {
    prop_oneof![
        4 => Just(ChannelWish::Any),
        1 => (1..5_u8).prop_map(ChannelWish::Preferred),
        1 => (1..5_u8).prop_map(ChannelWish::Exclusive),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::User), Just(End::Network)]
}

fn plan() -> impl Strategy<Value = Plan> {
    // Whole tenths of a second, so that both sides often act in the same instant.
    let deeds = |max| prop::collection::vec(((0..200_u64).prop_map(|n| n * 100), deed()), 0..max);
    let at = (0..150_u64).prop_map(|n| n * 100);
    (at, end(), wish(), prop::bool::weighted(0.7), deeds(3), deeds(5)).prop_map(
        |(at_ms, from, channel, complete, caller, callee)| Plan {
            at_ms,
            from,
            channel,
            complete,
            caller,
            callee,
        },
    )
}

fn blow() -> impl Strategy<Value = Blow> {
    let slot = || prop::option::weighted(0.8, 1..5_u8);
    prop_oneof![
        (end(), slot()).prop_map(|(end, slot)| Blow::Restart(end, slot)),
        (end(), 1..5_u8, any::<bool>()).prop_map(|(end, slot, on)| Blow::Block(end, slot, on)),
        (end(), 0..120_000_u64).prop_map(|(end, ms)| Blow::Alarm(end, ms)),
        (0..120_000_u64).prop_map(Blow::Silence),
    ]
}

fn weather() -> impl Strategy<Value = Weather> {
    (0..100_u64, 0..100_u64, 0..100_u64).prop_map(|(lose, double, corrupt)| Weather {
        lose,
        double,
        corrupt,
    })
}

/// One side of one call, as its owner has heard of it.
#[derive(Clone, Debug, Default)]
struct Told {
    plan: Option<usize>,
    last: Option<LegPhase>,
    answered: bool,
    channel: Option<u8>,
    ends: Vec<(Cause, Side)>,
}

type Key = (End, CallId);

#[derive(Debug, Default)]
struct Book {
    calls: BTreeMap<Key, Told>,
    /// The far side of each call, in the order in which they came.
    callees: BTreeMap<usize, Vec<Key>>,
    callers: BTreeMap<usize, Key>,
    refused: usize,
    /// How often two calls met on one channel, and how often one was begun again for it.
    met: u64,
    again: u64,
    /// The link broke or came anew, so that the two sides may tell different stories.
    broken: bool,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Place(usize),
    Deed(Key, Deed),
    Blow(Blow),
    AlarmOver(End),
    SilenceOver,
}

struct Storm<'a> {
    pair: Pair,
    plans: &'a [Plan],
    diary: BTreeMap<(Tick, u64), Act>,
    written: u64,
    book: Book,
    weather: Weather,
}

impl Storm<'_> {
    fn note(&mut self, at: Tick, act: Act) {
        self.written += 1;
        self.diary.insert((at, self.written), act);
    }

    fn deeds(&mut self, key: Key, deeds: &[(u64, Deed)]) {
        for (after_ms, deed) in deeds {
            self.note(self.pair.now + *after_ms, Act::Deed(key, *deed));
        }
    }

    /// Lives through the diary; when every ring has had its time, whoever still talks hangs up; and
    /// then until nothing is left to happen.
    fn live(&mut self) {
        self.until_quiet(500_000);
        for end in End::BOTH {
            for call in self.pair.at(end).snapshot().calls {
                self.act(Act::Deed((end, call.call), Deed::HangUp(0)));
            }
        }
        self.until_quiet(500_000);
    }

    /// Lives until the diary is empty, and for so many milliseconds more.
    fn until_quiet(&mut self, ms: u64) {
        let mut end = self.pair.now + ms;
        loop {
            let due = self.diary.first_key_value().map_or(end, |((at, _), _)| *at);
            let next = self.pair.next().map_or(end, |at| at.max(self.pair.now));
            if due.min(next) >= end && self.diary.is_empty() {
                return self.pair.run(end.since_ms(self.pair.now));
            }
            self.pair.run(due.min(next).since_ms(self.pair.now));
            if due <= next
                && let Some((_, act)) = self.diary.pop_first()
            {
                self.act(act);
                end = end.max(self.pair.now + ms);
            }
            self.read();
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Place(index) => self.place(index),
            Act::Deed((end, call), deed) => self.pair.act(end, |us, now| match deed {
                Deed::Proceed => us.proceed(now, call, false),
                Deed::Progress => us.progress(now, call, true),
                Deed::Alert => us.alert(now, call, false),
                Deed::Answer => us.answer(now, call),
                Deed::Dial => us.dial(now, call, "12", false),
                Deed::Tone => us.disconnect_with_tone(now, call, Cause::UnallocatedNumber),
                Deed::HangUp(cause) => us.hang_up(now, call, CAUSES[cause]),
                Deed::Enquire => us.enquire(now, call),
            }),
            Act::Blow(blow) => self.strike(blow),
            Act::AlarmOver(end) => self.pair.act(end, |us, now| us.handle_layer1(now, true)),
            Act::SilenceOver => self.pair.weather = self.weather,
        }
    }

    fn place(&mut self, index: usize) {
        let plan = &self.plans[index];
        let calling = Party::new(NumberType::National, format!("{index:04}"));
        let setup = CallSetup {
            calling: Some(calling),
            channel: plan.channel,
            complete: plan.complete,
            ..to("6000")
        };
        match self.pair.act(plan.from, |us, now| us.place(now, setup)) {
            Ok(call) => {
                let key = (plan.from, call);
                self.book.callers.insert(index, key);
                self.book.calls.entry(key).or_default().plan = Some(index);
                self.deeds(key, &plan.caller);
            }
            Err(_) => self.book.refused += 1,
        }
    }

    fn strike(&mut self, blow: Blow) {
        match blow {
            Blow::Restart(end, slot) => {
                // A restart forgets calls without a word: only what it leaves is checked.
                self.book.broken = true;
                self.pair.act(end, |us, now| us.restart(now, slot));
            }
            Blow::Block(end, slot, on) => self.pair.act(end, |us, now| us.block(now, slot, on)),
            Blow::Alarm(end, ms) => {
                self.pair.act(end, |us, now| us.handle_layer1(now, false));
                self.note(self.pair.now + ms, Act::AlarmOver(end));
            }
            Blow::Silence(ms) => {
                self.pair.weather.lose = 1_000;
                self.note(self.pair.now + ms, Act::SilenceOver);
            }
        }
    }

    /// Reads what the owners were told, and looks at both tables.
    fn read(&mut self) {
        for (end, fact) in std::mem::take(&mut self.pair.facts) {
            match fact {
                Output::Incoming { call, channel, setup } => {
                    let index: usize = setup.calling.unwrap().digits.parse().unwrap();
                    let key = (end, call);
                    let side = self.book.calls.entry(key).or_default();
                    (side.plan, side.channel) = (Some(index), Some(channel));
                    self.book.callees.entry(index).or_default().push(key);
                    let deeds = self.plans[index].callee.clone();
                    self.deeds(key, &deeds);
                }
                Output::Phase { call, phase, cause, by, channel, .. } => {
                    let side = self.book.calls.entry((end, call)).or_default();
                    let last = side.last.replace(phase).unwrap_or(LegPhase::Idle);
                    assert!(phase >= last, "{end:?} {call:?} went from {last:?} back to {phase:?}");
                    side.answered |= phase == LegPhase::Answered;
                    if let (Some(before), Some(channel)) = (side.channel, channel) {
                        assert_eq!(before, channel, "{end:?} {call:?} has changed its channel");
                    }
                    side.channel = side.channel.or(channel);
                    if phase == LegPhase::Ended {
                        side.ends.push((cause.unwrap(), by.unwrap()));
                    }
                }
                Output::Link { .. } | Output::Error(Trouble::Link(_)) => self.book.broken = true,
                _ => {}
            }
        }
        for end in End::BOTH {
            let snapshot = self.pair.at(end).snapshot();
            assert!(snapshot.calls.len() <= crate::limits::DCHANNEL_CALLS_MAX);
            let mut taken = BTreeSet::new();
            for call in &snapshot.calls {
                let Some(slot) = call.channel else { continue };
                assert!(taken.insert(slot), "{end:?}: two calls on channel {slot}");
                let state = ChannelState::Taken(call.call);
                assert!(snapshot.channels.contains(&(slot, state)), "{end:?}: {snapshot:?}");
            }
            let busy =
                snapshot.channels.iter().filter(|(_, s)| matches!(s, ChannelState::Taken(_)));
            assert_eq!(busy.count(), taken.len(), "{end:?}: {snapshot:?}");
        }
    }

    /// Nothing is left, and the two sides agree.
    fn check(&self) {
        for end in End::BOTH {
            let us = self.pair.at(end);
            let snapshot = us.snapshot();
            assert!(snapshot.up, "{end:?}: the link has not come back");
            assert_eq!(snapshot.calls, [], "{end:?}");
            for (slot, state) in &snapshot.channels {
                let idle = matches!(
                    state,
                    ChannelState::Idle | ChannelState::Blocked { ours: true, theirs: false }
                );
                assert!(idle, "{end:?}: channel {slot} is left {state:?}");
            }
            assert!(us.next_timeout().is_some_and(|(_, timer)| timer == Timer::Link));
            assert!(us.held.is_empty() && us.by_key.is_empty());
        }
        for (key, side) in &self.book.calls {
            assert_eq!(side.ends.len(), 1, "{key:?} ended {:?}", side.ends);
        }
        if !self.book.broken {
            self.agree();
        }
    }

    /// Takes over what the ends have counted.
    fn count(&mut self) {
        for end in End::BOTH {
            let counts = self.pair.at(end).snapshot().counts;
            self.book.met += counts.get(&Counted::Glare).copied().unwrap_or_default();
            self.book.again += counts.get(&Counted::Retried).copied().unwrap_or_default();
        }
    }

    fn agree(&self) {
        for (index, caller) in &self.book.callers {
            let near = &self.book.calls[caller];
            let callees = self.book.callees.get(index).map(Vec::as_slice).unwrap_or_default();
            // A SETUP that T303 repeats may find its first call over: that is another call there.
            let Some(callee) = callees.first() else {
                assert!(!near.answered, "{caller:?} was answered by nobody");
                continue;
            };
            let far = &self.book.calls[callee];
            let ((near_cause, near_by), (far_cause, far_by)) = (near.ends[0], far.ends[0]);
            let story = format!("{caller:?} {near:?}\n{callee:?} {far:?}");
            // Who says that the other one ended it must be right; both may have at once.
            assert!(near_by == Side::Box || far_by == Side::Box, "{story}");
            let value = |cause| Cause::from_q850(cause::to_value(cause));
            if near_by == Side::Far {
                assert_eq!(near_cause, value(far_cause), "{story}");
            }
            if far_by == Side::Far && near_cause != Cause::NoUserResponding {
                assert_eq!(far_cause, value(near_cause), "{story}");
            }
            if let (Some(ours), Some(theirs)) = (near.channel, far.channel) {
                assert_eq!(ours, theirs, "{story}");
            }
        }
    }
}

fn live(seed: u64, weather: Weather, overlap: bool, plans: &[Plan], blows: &[(u64, Blow)]) -> Book {
    let mut pair = Pair::new(seed, |config| {
        config.channels = vec![1, 2, 3, 4];
        config.overlap = overlap;
        // Both hunt from one end, so that they meet often.
        config.hunt = Hunt::Ascending;
        config.timers.t316_ms = 10_000;
    });
    pair.weather = weather;
    let book = Book::default();
    let mut storm = Storm { pair, plans, diary: BTreeMap::new(), written: 0, book, weather };
    for (index, plan) in plans.iter().enumerate() {
        storm.note(storm.pair.now + plan.at_ms, Act::Place(index));
    }
    for (at_ms, blow) in blows {
        storm.note(storm.pair.now + *at_ms, Act::Blow(*blow));
    }
    storm.live();
    storm.check();
    storm.count();
    storm.book
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn in_fair_weather_both_sides_tell_the_same_story(
        seed in any::<u64>(),
        overlap in any::<bool>(),
        plans in prop::collection::vec(plan(), 1..12),
    ) {
        let book = live(seed, Weather::default(), overlap, &plans, &[]);
        prop_assert!(!book.broken);
    }

    #[test]
    fn on_a_bad_wire_they_still_do_as_long_as_the_link_holds(
        seed in any::<u64>(),
        weather in weather(),
        overlap in any::<bool>(),
        plans in prop::collection::vec(plan(), 1..12),
    ) {
        live(seed, weather, overlap, &plans, &[]);
    }

    #[test]
    fn whatever_happens_to_the_line_nothing_is_left_behind(
        seed in any::<u64>(),
        weather in weather(),
        overlap in any::<bool>(),
        plans in prop::collection::vec(plan(), 1..12),
        blows in prop::collection::vec((0..30_000_u64, blow()), 1..6),
    ) {
        live(seed, weather, overlap, &plans, &blows);
    }
}

#[test]
fn the_storms_have_everything_in_them() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let plans = prop::collection::vec(plan(), 12);
    let (mut calls, mut answered, mut both, mut met, mut again, mut refused) = (0, 0, 0, 0, 0, 0);
    for seed in 0..100 {
        let plans = plans.new_tree(&mut runner).unwrap().current();
        let book = live(seed, Weather::default(), seed % 2 == 0, &plans, &[]);
        calls += book.calls.len();
        answered += book.calls.values().filter(|side| side.answered).count();
        let by_far = |key: &&Key| book.calls[*key].ends.iter().any(|(_, by)| *by == Side::Far);
        both += book.callers.values().filter(by_far).count();
        (met, again) = (met + book.met, again + book.again);
        refused += book.refused;
    }
    assert!(calls > 1_000 && answered > 200 && both > 100, "{calls} {answered} {both}");
    assert!(met > 5 && again > 0 && refused > 20, "{met} {again} {refused}");
}

#[test]
fn a_hundred_and_twenty_calls_on_four_d_channels() {
    let mut pairs: Vec<Pair> = (0..4).map(|seed| Pair::new(seed, |_| {})).collect();
    for pair in &mut pairs {
        pair.weather = Weather { lose: 30, double: 30, corrupt: 30 };
        for n in 0..30 {
            // The two sides hunt from opposite ends and meet in the middle.
            let from = End::BOTH[n % 2];
            pair.act(from, |us, now| us.place(now, to("1"))).unwrap();
            pair.run(20);
        }
        pair.run(3_000);
        for end in End::BOTH {
            for call in pair.at(end).snapshot().calls {
                if call.origin == Origin::Theirs {
                    pair.act(end, |us, now| us.answer(now, call.call));
                }
            }
        }
        pair.run(5_000);
    }
    for pair in &mut pairs {
        for end in End::BOTH {
            let snapshot = pair.at(end).snapshot();
            assert_eq!(snapshot.calls.len(), 30);
            assert!(snapshot.calls.iter().all(|call| call.state == State::Active));
            let slots: BTreeSet<u8> = snapshot.calls.iter().filter_map(|c| c.channel).collect();
            assert_eq!(slots.len(), 30);
            let full = pair.act(end, |us, now| us.place(now, to("1")));
            assert_eq!(full, Err(Refused::NoChannel));
        }
        for call in pair.at(End::User).snapshot().calls {
            pair.act(End::User, |us, now| us.hang_up(now, call.call, Cause::NormalClearing));
        }
        pair.run(60_000);
        for end in End::BOTH {
            let snapshot = pair.at(end).snapshot();
            assert!(snapshot.calls.is_empty());
            assert!(snapshot.channels.iter().all(|(_, state)| *state == ChannelState::Idle));
        }
    }
}
