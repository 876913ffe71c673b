//! The exchange in conversation with a user-side D-channel in the box's place, in virtual time.

// A test picks the facts that it is about.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use board_port::fcs;
use call::{Cause, LegPhase, Side};
use proptest::prelude::*;
use signal::q921::Role;
use signal::q931::dchannel::{
    CallId, CallSetup, ChannelState, ChannelWish, Config, DChannel, Output as Link,
};
use signal::q931::wire::{NumberType, Party, Presentation};

use super::*;
use crate::tones::{Melody, Nation, Tone};
use crate::town::{
    BearerTerms, Chance, Chances, Citizen, Dead, DeadBy, DeadSays, Event, Fate, Lot, Output, Setup,
    Sight, SoundFact, SoundOrder, Subscriber, Town, Way,
};
use crate::voice::{Language, Voice, Words};

const NUMBER: &str = "13800001111";
const WHO: &str = "8613800001111";
const OURS: &str = "861062010000";

fn span() -> Span {
    let last = 861_062_010_049;
    let numbers = vec![Numbers::Range { first: 861_062_010_000, last, digits: 12 }];
    Span { numbers, ..Span::plain("run/span1") }
}

fn setup() -> Setup {
    let at = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let mut setup = Setup::quiet(7, at(5070), at(5060));
    setup.subscribers.push(Subscriber::answering("+86138"));
    setup.spans.push(span());
    setup
}

/// What the box knows of one of its calls.
#[derive(Clone, Debug, Default)]
struct Seen {
    phases: Vec<LegPhase>,
    inband: bool,
    channel: Option<u8>,
    end: Option<(Cause, Side)>,
}

type Key = (u8, CallId);

/// The box's side of all spans, the town, and the wires between them.
struct Bench {
    now: Tick,
    setup: Setup,
    linebox: Vec<DChannel>,
    town: Town,
    /// Frames and pulled plugs on their way: to the town or not, the span, what.
    wire: BTreeMap<(Tick, u64), (bool, u8, Vec<u8>)>,
    count: u64,
    calls: BTreeMap<Key, Seen>,
    told: Vec<(u8, Link)>,
    sounds: Vec<SoundOrder>,
    events: Vec<Event>,
    /// The box answers whatever comes.
    answers: bool,
    to_answer: Vec<Key>,
}

impl Bench {
    fn new(setup: Setup) -> Bench {
        let role = Role::User;
        let config = |span: &Span| Config {
            channels: span.channels.clone(),
            overlap: span.overlap,
            ..Config::new(role)
        };
        let linebox = setup.spans.iter().map(|span| DChannel::new(Tick(0), config(span)));
        let mut bench = Bench {
            now: Tick(0),
            linebox: linebox.collect(),
            town: Town::new(Tick(0), setup.clone()),
            setup,
            wire: BTreeMap::new(),
            count: 0,
            calls: BTreeMap::new(),
            told: Vec::new(),
            sounds: Vec::new(),
            events: Vec::new(),
            answers: false,
            to_answer: Vec::new(),
        };
        bench.drain();
        bench.run(2_000);
        bench
    }

    fn put(&mut self, to_town: bool, span: u8, bytes: Vec<u8>) {
        self.count += 1;
        self.wire.insert((self.now + 1, self.count), (to_town, span, bytes));
    }

    fn has_fcs(&self, span: u8) -> bool {
        self.setup.spans[usize::from(span)].fcs
    }

    fn drain(&mut self) {
        for span in 0..self.linebox.len() as u8 {
            while let Some(output) = self.linebox[usize::from(span)].poll() {
                self.told(span, output);
            }
        }
        while let Some(output) = self.town.poll() {
            match output {
                Output::Frame { span, bytes } => self.put(false, span, bytes),
                Output::Span { span, up } => {
                    self.linebox[usize::from(span)].handle_layer1(self.now, up);
                    self.wire.retain(|_, (_, of, _)| up || *of != span);
                    self.drain();
                }
                Output::Sound(order) => self.sounds.push(order),
                Output::Event(event) => self.events.push(event),
                Output::Send { .. } => panic!("there is no SIP here"),
            }
        }
    }

    fn told(&mut self, span: u8, output: Link) {
        match output {
            Link::Send(mut frame) => {
                if self.has_fcs(span) {
                    frame.extend(fcs::of(&frame).to_le_bytes());
                }
                self.put(true, span, frame);
                return;
            }
            Link::Phase { call, phase, cause, by, channel, inband } => {
                let seen = self.calls.entry((span, call)).or_default();
                assert!(seen.end.is_none(), "{call:?} goes on after its end");
                seen.phases.push(phase);
                seen.inband |= inband;
                seen.channel = channel.or(seen.channel);
                if phase == LegPhase::Ended {
                    seen.end = cause.zip(by);
                }
            }
            Link::Incoming { call, .. } => {
                self.calls.entry((span, call)).or_default();
                if self.answers {
                    self.to_answer.push((span, call));
                }
            }
            _ => {}
        }
        self.told.push((span, output));
    }

    fn run(&mut self, ms: u64) {
        let until = self.now + ms;
        loop {
            let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
            let town = self.town.next_timeout().map(|(at, _)| at);
            let linebox =
                self.linebox.iter().filter_map(|l| l.next_timeout()).map(|(at, _)| at).min();
            let next = [arrival, town, linebox].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (to_town, span, bytes)) = self.wire.pop_first().unwrap();
                if to_town {
                    self.town.handle_frame(self.now, span, &bytes);
                } else if !self.has_fcs(span) {
                    self.linebox[usize::from(span)].handle_frame(self.now, &bytes);
                } else if let Some(frame) = fcs::check(&bytes) {
                    self.linebox[usize::from(span)].handle_frame(self.now, frame);
                }
            } else if town == Some(next) {
                self.town.handle_timeout(self.now);
            } else {
                for linebox in &mut self.linebox {
                    linebox.handle_timeout(self.now);
                }
            }
            self.drain();
            for (span, call) in core::mem::take(&mut self.to_answer) {
                self.linebox[usize::from(span)].alert(self.now, call, false);
                self.linebox[usize::from(span)].answer(self.now, call);
                self.drain();
            }
        }
        self.now = until;
    }

    fn dial(&mut self, number: &str) -> Key {
        self.place(0, CallSetup { complete: true, ..outgoing(number) }).unwrap()
    }

    fn place(&mut self, span: u8, setup: CallSetup) -> Option<Key> {
        let call = self.linebox[usize::from(span)].place(self.now, setup);
        self.drain();
        Some((span, call.ok()?))
    }

    fn hang_up(&mut self, (span, call): Key) {
        self.linebox[usize::from(span)].hang_up(self.now, call, Cause::NormalClearing);
        self.drain();
    }

    fn order(&mut self, number: &str, order: Order) -> Result<(), OrderError> {
        let who = Citizen::Customer(number.to_owned());
        let done = self.town.handle_order(self.now, &who, order);
        self.drain();
        done
    }

    fn phases(&self, key: Key) -> Vec<LegPhase> {
        let mut phases = self.calls.get(&key).map(|seen| seen.phases.clone()).unwrap_or_default();
        phases.dedup();
        phases
    }

    fn end(&self, key: Key) -> Option<(Cause, Side)> {
        self.calls.get(&key)?.end
    }

    fn seen(&self, who: &Citizen) -> Vec<Sight> {
        self.events.iter().filter(|e| e.who == *who).map(|e| e.what.clone()).collect()
    }

    fn faults(&self) -> BTreeSet<Fault> {
        let fault = |event: &Event| match event.what {
            Sight::Misbehaved(fault) => Some(fault),
            _ => None,
        };
        self.events.iter().filter_map(fault).collect()
    }

    fn incoming(&self) -> Vec<(Key, CallSetup)> {
        let incoming = |(span, told): &(u8, Link)| match told {
            Link::Incoming { call, setup, .. } => Some(((*span, *call), setup.clone())),
            _ => None,
        };
        self.told.iter().filter_map(incoming).collect()
    }

    /// Everybody hangs up, and nothing is left over at either side.
    fn finish(&mut self) {
        for (key, seen) in self.calls.clone() {
            if seen.end.is_none() {
                self.hang_up(key);
            }
        }
        self.town.handle_shutdown(self.now);
        self.drain();
        self.run(300_000);
        assert!(self.town.is_quiet(), "{:?}", self.town.snapshot());
        let open = |order: &&SoundOrder| matches!(order, SoundOrder::OpenBearer(_));
        let close = |order: &&SoundOrder| matches!(order, SoundOrder::Close(_));
        let (opened, closed) = (self.sounds.iter().filter(open), self.sounds.iter().filter(close));
        assert_eq!(opened.count(), closed.count(), "every channel is closed as often as opened");
        let unended: Vec<_> = self.calls.iter().filter(|(_, seen)| seen.end.is_none()).collect();
        assert!(unended.is_empty(), "{unended:?}");
    }
}

fn outgoing(number: &str) -> CallSetup {
    CallSetup {
        called: Some(Party::new(NumberType::National, number)),
        calling: Some(Party::new(NumberType::National, "1062010000")),
        ..CallSetup::default()
    }
}

fn customer() -> Citizen {
    Citizen::Customer(WHO.to_owned())
}

fn lot(lot: Lot) -> (Bench, Key) {
    let mut bench = Bench::new(setup());
    assert!(bench.town.fix(WHO, Some(lot)));
    let key = bench.dial(NUMBER);
    bench.run(4_000);
    (bench, key)
}

fn zh(words: Words) -> Voice {
    Voice { language: Language::Zh, words }
}

#[test]
fn the_link_comes_up_at_both_ends() {
    let bench = Bench::new(setup());
    assert_eq!(bench.seen(&Citizen::Span(0)), [Sight::Linked(true)]);
    assert!(bench.town.snapshot().spans[0].is_up);
    assert!(bench.linebox[0].snapshot().up);
}

#[test]
fn a_person_rings_answers_is_heard_and_hangs_up_first() {
    let (mut bench, key) = lot(Lot::sure(Fate::Answers));
    let expected = [LegPhase::Proceeding, LegPhase::Alerting, LegPhase::Answered];
    assert_eq!(bench.phases(key), expected);
    let slot = bench.calls[&key].channel.unwrap();
    let sight = &bench.town.snapshot().customers[0];
    assert_eq!((sight.bearer, sight.remote), (Some((0, slot)), None));
    bench.run(20_000);
    assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Far)));
    let port = SoundPort::of_bearer(0, slot);
    let opened = matches!(
        bench.sounds[0],
        SoundOrder::OpenBearer(t) if t.port == port && t.slot == slot && t.hears && t.speaks
    );
    assert!(opened, "{:?}", bench.sounds[0]);
    assert_eq!(
        bench.sounds[1..3],
        [SoundOrder::Hush(port), SoundOrder::Say(port, zh(Words::Hello))]
    );
    assert_eq!(bench.sounds.last(), Some(&SoundOrder::Close(port)));
    let seen = bench.seen(&customer());
    let lot = Lot::sure(Fate::Answers);
    assert_eq!(seen[0], Sight::Rung { caller: Some(OURS.to_owned()), lot });
    assert_eq!(seen[1], Sight::Answered);
    let Sight::Ended { cause: Cause::NormalClearing, by: Side::Box, talked_ms: Some(ms) } = seen[2]
    else {
        panic!("{seen:?}")
    };
    assert!((10_000..=10_010).contains(&ms), "{ms}");
    bench.finish();
}

#[test]
fn the_box_hangs_up_first_and_the_customer_knows() {
    let (mut bench, key) = lot(Lot::sure(Fate::Answers));
    bench.hang_up(key);
    bench.run(1_000);
    let last = bench.seen(&customer()).pop().unwrap();
    assert!(matches!(last, Sight::Ended { cause: Cause::NormalClearing, by: Side::Far, .. }));
    assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Box)));
    bench.finish();
}

#[test]
fn why_a_call_fails_is_heard_in_the_channel_and_told() {
    let nation = Nation::China;
    for (fate, cause, tone) in [
        (Fate::Busy, Cause::UserBusy, Tone::Busy(nation)),
        (Fate::Congested, Cause::Congestion, Tone::Congestion(nation)),
    ] {
        let (mut bench, key) = lot(Lot::sure(fate));
        assert_eq!(bench.phases(key).last(), Some(&LegPhase::Releasing), "{fate:?}");
        assert!(bench.calls[&key].inband, "{fate:?}");
        let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
        assert_eq!(bench.sounds.last(), Some(&SoundOrder::Sound(port, tone)));
        bench.run(4_000);
        assert_eq!(bench.end(key), Some((cause, Side::Far)), "{fate:?}");
        assert_eq!(bench.sounds.last(), Some(&SoundOrder::Close(port)));
        let end = Sight::Ended { cause, by: Side::Box, talked_ms: None };
        assert_eq!(bench.seen(&customer()).last(), Some(&end));
        bench.finish();
    }
}

#[test]
fn a_box_that_does_not_listen_ends_the_tone_at_once() {
    let (mut bench, key) = lot(Lot::sure(Fate::Busy));
    bench.hang_up(key);
    bench.run(500);
    assert_eq!(bench.end(key).map(|(cause, _)| cause), Some(Cause::UserBusy));
    assert_eq!(bench.town.snapshot().customers, []);
    bench.finish();
}

#[test]
fn a_span_without_tones_gives_the_channel_back_at_once() {
    let mut quiet = setup();
    quiet.spans[0].tells = false;
    for (fate, cause) in [
        (Fate::Busy, Cause::UserBusy),
        (Fate::Congested, Cause::Congestion),
        (Fate::Refuses, Cause::CallRejected),
    ] {
        let mut bench = Bench::new(quiet.clone());
        bench.town.fix(WHO, Some(Lot::sure(fate)));
        let key = bench.dial(NUMBER);
        bench.run(2_000);
        assert_eq!(bench.end(key), Some((cause, Side::Far)), "{fate:?}");
        assert_eq!(bench.phases(key).contains(&LegPhase::Alerting), fate == Fate::Refuses);
        bench.finish();
    }
}

#[test]
fn a_dead_number_is_announced_before_or_while_it_is_cleared() {
    for (by, says, before) in [
        (DeadBy::Progress, DeadSays::Announcement, LegPhase::Proceeding),
        (DeadBy::Disconnect, DeadSays::Announcement, LegPhase::Releasing),
        (DeadBy::Disconnect, DeadSays::Tone, LegPhase::Releasing),
        (DeadBy::Progress, DeadSays::Tone, LegPhase::Proceeding),
    ] {
        let dead = Dead { cause: Cause::NumberChanged, by, says };
        let (mut bench, key) = lot(Lot { dead, ..Lot::sure(Fate::Unallocated) });
        assert_eq!(bench.phases(key).last(), Some(&before), "{by:?} {says:?}");
        assert!(bench.calls[&key].inband, "{by:?} {says:?}");
        let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
        let sound = match says {
            DeadSays::Announcement => SoundOrder::Say(port, zh(Words::DeadNumber)),
            DeadSays::Tone => SoundOrder::Sound(port, Tone::SpecialInformation(Nation::China)),
        };
        assert_eq!(bench.sounds.last(), Some(&sound));
        bench.run(20_000);
        assert_eq!(bench.end(key), Some((Cause::NumberChanged, Side::Far)), "{by:?} {says:?}");
        bench.finish();
    }
}

#[test]
fn a_number_that_nobody_has_is_dead_and_one_that_is_none_is_invalid() {
    let mut bench = Bench::new(setup());
    let (vacant, empty) = (bench.dial("15500001111"), bench.dial(""));
    bench.run(20_000);
    assert_eq!(bench.end(vacant), Some((Cause::UnallocatedNumber, Side::Far)));
    let why = bench.end(empty).map(|(cause, _)| cause);
    assert!(matches!(why, Some(Cause::InvalidNumber | Cause::MissingElement)), "{why:?}");
    bench.finish();
}

#[test]
fn music_is_heard_while_it_rings_and_ends_with_the_answer() {
    let melody = Melody::Temple;
    let (mut bench, key) =
        lot(Lot { colour_ring: Some(melody), ring_ms: 6_000, ..Lot::sure(Fate::Answers) });
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Alerting));
    assert!(bench.calls[&key].inband);
    let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
    assert_eq!(bench.sounds[1], SoundOrder::Sound(port, Tone::ColourRing(melody)));
    bench.run(3_000);
    assert_eq!(bench.sounds[2], SoundOrder::Hush(port));
    bench.finish();
}

#[test]
fn a_machine_greets_beeps_and_listens() {
    let (mut bench, key) = lot(Lot { talk_ms: 12_000, ..Lot::sure(Fate::Machine) });
    bench.run(20_000);
    let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
    let said: Vec<_> = bench.sounds[2..].to_vec();
    let expected = [
        SoundOrder::Say(port, zh(Words::Machine)),
        SoundOrder::Sound(port, Tone::Beep),
        SoundOrder::Close(port),
    ];
    assert_eq!(said, expected);
    bench.finish();
}

#[test]
fn nobody_answers_until_the_box_gives_up() {
    let (mut bench, key) = lot(Lot::sure(Fate::RingsOut));
    bench.run(60_000);
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Alerting));
    bench.linebox[0].hang_up(bench.now, key.1, Cause::NoAnswer);
    bench.drain();
    bench.run(1_000);
    let end = Sight::Ended { cause: Cause::NoAnswer, by: Side::Far, talked_ms: None };
    assert_eq!(bench.seen(&customer()).last(), Some(&end));
    bench.finish();
}

#[test]
fn facts_about_sound_reach_whoever_has_the_channel() {
    let (mut bench, key) = lot(Lot { talk_ms: 30_000, ..Lot::sure(Fate::Answers) });
    let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
    for fact in [
        SoundFact::Started(port),
        SoundFact::Key(port, '5'),
        SoundFact::Ended { port, lasted_ms: 900 },
        SoundFact::Started(SoundPort::of_bearer(3, 9)),
    ] {
        bench.town.handle_sound(bench.now, fact);
    }
    bench.drain();
    let seen = bench.seen(&customer());
    assert!(seen.iter().any(|sight| matches!(sight, Sight::Heard { .. })), "{seen:?}");
    assert_eq!(seen.last(), Some(&Sight::Key('5')));
    bench.finish();
}

#[test]
fn a_number_may_come_digit_by_digit() {
    let mut late = setup();
    late.spans[0].overlap = true;
    let mut bench = Bench::new(late);
    let key = bench.place(0, CallSetup { complete: false, ..outgoing("138") }).unwrap();
    for digit in "00001111".chars() {
        bench.run(400);
        assert!(!bench.phases(key).contains(&LegPhase::Proceeding), "before {digit}");
        bench.linebox[0].dial(bench.now, key.1, &digit.to_string(), false);
        bench.drain();
    }
    bench.run(4_000);
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Answered));
    assert!(matches!(bench.seen(&customer())[0], Sight::Rung { .. }));
    // And whoever stops in the middle is told so, after T302.
    let key = bench.place(0, CallSetup { complete: false, ..outgoing("13") }).unwrap();
    bench.run(60_000);
    assert_eq!(bench.end(key), Some((Cause::UnallocatedNumber, Side::Far)));
    bench.finish();
}

#[test]
fn a_customer_calls_a_number_of_the_box_and_talks() {
    let mut bench = Bench::new(setup());
    bench.answers = true;
    bench.order(WHO, Order::Dial(format!("+{OURS}"))).unwrap();
    assert_eq!(bench.order(WHO, Order::Dial("1".to_owned())), Err(OrderError::Busy));
    bench.run(2_000);
    let (key, setup) = bench.incoming().remove(0);
    assert_eq!(setup.called, Some(Party::new(NumberType::National, "1062010000")));
    let calling = setup.calling.unwrap();
    assert_eq!((calling.kind, calling.digits.as_str()), (NumberType::National, NUMBER));
    assert!(setup.complete);
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Answered));
    bench.order(WHO, Order::Press("42".to_owned())).unwrap();
    bench.order(WHO, Order::Say(zh(Words::Customer1))).unwrap();
    bench.run(1_000);
    let port = bench.town.snapshot().customers[0].port;
    assert!(bench.sounds.contains(&SoundOrder::Press(port, "42".to_owned())));
    bench.order(WHO, Order::HangUp).unwrap();
    bench.run(1_000);
    assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Far)));
    let seen = bench.seen(&customer());
    assert_eq!(seen[0], Sight::Dialled(format!("+{OURS}")));
    assert!(matches!(seen.last(), Some(Sight::Ended { by: Side::Box, talked_ms: Some(_), .. })));
    assert_eq!(bench.order(WHO, Order::HangUp), Err(OrderError::NoCall));
    bench.finish();
}

#[test]
fn a_call_can_bring_everything_that_a_call_can() {
    let mut bench = Bench::new(setup());
    let dialling = Dialling {
        over: Way::Span(0),
        withheld: true,
        redirected: Some("+861088880000".to_owned()),
        display: Some("Wang".to_owned()),
        ..Dialling::to(OURS)
    };
    bench.order(WHO, Order::Call(dialling.clone())).unwrap();
    bench.run(500);
    let (_, setup) = bench.incoming().remove(0);
    let calling = setup.calling.unwrap();
    let withheld = (Some(Presentation::Restricted), "");
    assert_eq!((calling.presentation, calling.digits.as_str()), withheld);
    assert_eq!(setup.redirecting.unwrap().party.digits, "1088880000");
    assert_eq!(setup.display.as_deref(), Some("Wang"));
    let nowhere = Dialling { over: Way::Span(3), ..dialling };
    let ordered = bench.order("8613800002222", Order::Call(nowhere));
    assert_eq!(ordered, Err(OrderError::NoWay));
    bench.finish();
}

#[test]
fn the_exchange_gives_digits_one_by_one_where_it_is_wanted() {
    let mut late = setup();
    late.spans[0].overlap = true;
    let mut bench = Bench::new(late);
    bench.order(WHO, Order::Dial(OURS.to_owned())).unwrap();
    bench.run(5_000);
    let (key, setup) = bench.incoming().remove(0);
    assert!(!setup.complete);
    let mut digits = setup.called.unwrap().digits;
    assert_eq!(digits, "106201");
    let mut complete = false;
    for (_, told) in &bench.told {
        if let Link::Digits { digits: further, complete: last, .. } = told {
            digits.push_str(further);
            complete |= last;
        }
    }
    assert_eq!((digits.as_str(), complete), ("1062010000", true));
    bench.linebox[0].answer(bench.now, key.1);
    bench.drain();
    bench.run(1_000);
    assert!(bench.seen(&customer()).contains(&Sight::Answered));
    let en_bloc = Dialling { overlap: Some(false), ..Dialling::to(OURS) };
    bench.order("8613800002222", Order::Call(en_bloc)).unwrap();
    bench.run(500);
    assert!(bench.incoming()[1].1.complete);
    bench.finish();
}

#[test]
fn a_number_of_no_span_goes_to_the_carrier() {
    let mut bench = Bench::new(setup());
    let who = Citizen::Customer(WHO.to_owned());
    let done = bench.town.handle_order(bench.now, &who, Order::Dial("+861099990000".to_owned()));
    assert_eq!(done, Ok(()));
    assert!(matches!(bench.town.poll(), Some(Output::Event(_) | Output::Send { .. })));
    let dialled = bench.town.handle_order(bench.now, &who, Order::Dial(OURS.to_owned()));
    assert_eq!(dialled, Err(OrderError::Busy), "in a call over the carrier already");
}

#[test]
fn a_customer_in_a_call_over_one_span_is_found_on_it() {
    let mut two = setup();
    two.spans.push(Span::plain("run/span2"));
    let mut bench = Bench::new(two);
    let setup = CallSetup { complete: true, ..outgoing(NUMBER) };
    let key = bench.place(1, setup).unwrap();
    bench.run(4_000);
    assert_eq!(bench.town.snapshot().customers[0].bearer.map(|(span, _)| span), Some(1));
    bench.order(WHO, Order::HangUp).unwrap();
    bench.run(500);
    assert!(bench.end(key).is_some());
    bench.finish();
}

fn bad(bad: Bad) -> Bench {
    Bench::new(Setup { bad, ..setup() })
}

/// A hundred calls, of which the box ends those that do not end.
fn hundred(bench: &mut Bench, number: impl Fn(u64) -> String) -> Vec<Key> {
    let mut keys = Vec::new();
    for n in 0..100 {
        let setup = CallSetup { complete: true, ..outgoing(&number(n)) };
        keys.extend(bench.place((n % bench.linebox.len() as u64) as u8, setup));
        bench.run(500);
    }
    bench.run(20_000);
    keys
}

fn number(n: u64) -> String {
    format!("1380000{:04}", n % 2_000)
}

#[test]
fn glare_is_met_on_the_very_channel_and_both_calls_live() {
    let mut bench = bad(Bad { glare: 1.0, ..Bad::NONE });
    bench.answers = true;
    let setup =
        CallSetup { complete: true, channel: ChannelWish::Preferred(9), ..outgoing(NUMBER) };
    let key = bench.place(0, setup).unwrap();
    bench.run(6_000);
    assert_eq!(bench.faults(), BTreeSet::from([Fault::Glare { channel: 9 }]));
    let met = bench.incoming().remove(0).0;
    assert_eq!(bench.phases(met).last(), Some(&LegPhase::Answered));
    assert_eq!(bench.calls[&met].channel, Some(9), "the network's call has it");
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Answered));
    assert_ne!(bench.calls[&key].channel, Some(9));
    bench.finish();
}

#[test]
fn a_wrong_cause_is_told_in_place_of_the_right_one() {
    for tells in [true, false] {
        let mut setup = Setup { bad: Bad { wrong_cause: 1.0, ..Bad::NONE }, ..setup() };
        setup.spans[0].tells = tells;
        let mut bench = Bench::new(setup);
        bench.town.fix(WHO, Some(Lot::sure(Fate::Busy)));
        let key = bench.dial(NUMBER);
        bench.run(10_000);
        let fault = *bench.faults().first().unwrap();
        let Fault::WrongCause { right: Cause::UserBusy, told } = fault else { panic!("{fault:?}") };
        assert_ne!(told, Cause::UserBusy);
        assert_eq!(bench.end(key), Some((told, Side::Far)));
        bench.finish();
    }
}

#[test]
fn an_answer_without_alerting_and_an_alerting_that_never_comes() {
    let mut bench = bad(Bad { no_alerting: 1.0, ..Bad::NONE });
    let key = bench.dial(NUMBER);
    bench.run(4_000);
    let expected = [LegPhase::Proceeding, LegPhase::Answered];
    assert_eq!(bench.phases(key), expected);
    bench.finish();
    let mut bench = bad(Bad { never_alerting: 1.0, ..Bad::NONE });
    let key = bench.dial(NUMBER);
    bench.run(25_000);
    assert_eq!(bench.phases(key), [LegPhase::Proceeding]);
    bench.hang_up(key);
    bench.run(1_000);
    assert!(bench.end(key).is_some());
    bench.finish();
}

#[test]
fn one_way_sound_and_echo_are_told_to_whoever_makes_the_sound() {
    let mut bench = bad(Bad { one_way: 1.0, echo: 0.5, ..Bad::NONE });
    hundred(&mut bench, number);
    let terms = bench.sounds.iter().filter_map(|order| match order {
        SoundOrder::OpenBearer(terms) => Some(*terms),
        _ => None,
    });
    let terms: Vec<_> = terms.collect();
    assert!(terms.iter().all(|terms| terms.hears != terms.speaks));
    let count = |is: fn(&BearerTerms) -> bool| terms.iter().filter(|terms| is(terms)).count();
    assert!((20..80).contains(&count(|terms| terms.hears)));
    assert!((20..80).contains(&count(|terms| terms.echoes)));
    bench.finish();
}

#[test]
fn a_stuck_channel_is_never_given_back_until_the_plug_is_pulled() {
    let mut bench = bad(Bad { stuck: 1.0, ..Bad::NONE });
    let key = bench.dial(NUMBER);
    bench.run(4_000);
    let slot = bench.calls[&key].channel.unwrap();
    bench.hang_up(key);
    bench.run(3_000);
    assert_eq!(bench.end(key), None, "the box waits for RELEASE");
    bench.run(400_000);
    assert!(bench.end(key).is_some());
    let state = |bench: &Bench| {
        let channels = bench.linebox[0].snapshot().channels;
        channels.into_iter().find(|(of, _)| *of == slot).map(|(_, state)| state)
    };
    assert!(matches!(state(&bench), Some(ChannelState::Blocked { theirs: true, .. })));
    bench.setup.bad = Bad::NONE;
    bench.town.harm(bench.now, 0, Fault::Alarm { for_ms: 2_000 });
    bench.drain();
    bench.run(10_000);
    bench.linebox[0].restart(bench.now, Some(slot));
    bench.drain();
    bench.run(2_000);
    assert_eq!(state(&bench), Some(ChannelState::Idle));
    bench.finish();
}

#[test]
fn whoever_hangs_up_at_a_stuck_channel_is_not_noticed() {
    let mut bench = bad(Bad { stuck: 1.0, ..Bad::NONE });
    let key = bench.dial(NUMBER);
    bench.run(60_000);
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Answered));
    assert_eq!(bench.faults(), BTreeSet::from([Fault::Stuck]));
    bench.finish();
}

#[test]
fn frames_are_lost_doubled_and_spoilt_and_every_call_is_the_same_at_both_ends() {
    let harm = Bad { lose: 0.03, double: 0.03, corrupt: 0.03, ..Bad::NONE };
    let mut setup = Setup { bad: harm, ..setup() };
    setup.spans[0].fcs = true;
    let mut bench = Bench::new(setup);
    bench.run(5_000);
    let keys = hundred(&mut bench, number);
    assert!(keys.len() > 90, "{}", keys.len());
    for key in keys {
        assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Far)), "{key:?}");
    }
    let talked = |event: &&Event| {
        matches!(event.what, Sight::Ended { cause: Cause::NormalClearing, talked_ms: Some(_), .. })
    };
    assert_eq!(bench.events.iter().filter(talked).count(), bench.calls.len());
    bench.finish();
}

#[test]
fn the_d_channel_falls_silent_and_comes_back_and_talks_go_on() {
    let mut bench = Bench::new(setup());
    bench.town.fix(WHO, Some(Lot { talk_ms: 60_000, ..Lot::sure(Fate::Answers) }));
    let key = bench.dial(NUMBER);
    bench.run(4_000);
    let fault = Fault::LinkDown { for_ms: 15_000 };
    assert!(bench.town.harm(bench.now, 0, fault));
    assert!(!bench.town.harm(bench.now, 3, fault));
    bench.drain();
    bench.run(40_000);
    assert_eq!(bench.end(key), None);
    assert!(bench.faults().contains(&fault));
    assert!(bench.linebox[0].snapshot().up);
    bench.run(40_000);
    assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Far)));
    bench.finish();
}

#[test]
fn an_alarm_comes_and_goes_by_itself() {
    let alarm = Outage { every_ms: 60_000, for_ms: 3_000 };
    let link_down = Outage { every_ms: 100_000, for_ms: 2_000 };
    let mut bench = bad(Bad { alarm, link_down, ..Bad::NONE });
    bench.run(600_000);
    let spans = bench.seen(&Citizen::Span(0));
    let count = |is: Sight| spans.iter().filter(|sight| **sight == is).count();
    let alarms = count(Sight::Misbehaved(Fault::Alarm { for_ms: 3_000 }));
    assert!((6..=14).contains(&alarms), "{alarms}");
    let downs = count(Sight::Misbehaved(Fault::LinkDown { for_ms: 2_000 }));
    assert!((3..=9).contains(&downs), "{downs}");
    assert!(count(Sight::Linked(true)) >= alarms);
    bench.run(10_000);
    bench.finish();
}

#[test]
fn a_dead_line_is_silent_until_the_box_is_there() {
    let mut bench = Bench::new(setup());
    bench.town.handle_span(bench.now, 0, false);
    bench.linebox[0].handle_layer1(bench.now, false);
    bench.drain();
    bench.run(10_000);
    assert!(!bench.town.snapshot().spans[0].is_up);
    assert_eq!(bench.order(WHO, Order::Dial(OURS.to_owned())), Err(OrderError::NoWay));
    bench.town.handle_span(bench.now, 0, true);
    bench.linebox[0].handle_layer1(bench.now, true);
    bench.drain();
    bench.run(10_000);
    assert!(bench.town.snapshot().spans[0].is_up);
    bench.town.handle_frame(bench.now, 9, &[0, 1, 0x7F]);
    bench.town.handle_span(bench.now, 9, true);
    bench.finish();
}

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
