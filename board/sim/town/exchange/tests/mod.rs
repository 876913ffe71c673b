//! The exchange in conversation with a user-side D-channel in the box's place, in virtual time.

// A test picks the facts that it is about.
#![allow(clippy::wildcard_enum_match_arm)]

mod calls;
mod mischief;
mod storm;

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

fn number(n: u64) -> String {
    format!("1380000{:04}", n % 2_000)
}
