//! The town in conversation with a SIP endpoint in the box's place, in virtual time.

// A test picks the facts that it is about.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use call::{AccountId, Cause, LegPhase, Side, TrunkId};
use proptest::prelude::*;
use signal::sip::endpoint::{
    CallKey, CallSpec, Callee, Config, Endpoint, Output as Sip, Register, Trunk as Way,
};
use signal::sip::guard::Account;
use signal::sip::login::Login;
use signal::sip::sdp::{self, Codec, Direction, Local};

use super::*;
use crate::voice::{Language, Words};

const TRUNK: TrunkId = TrunkId(1);
const NUMBER: &str = "+8613800001111";

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn local(port: u16, direction: Direction) -> Local {
    Local { address: at(port), session_id: 1, version: 1, dtmf_pt: 101, ptime_ms: 20, direction }
}

fn offer() -> String {
    sdp::offer(&local(10_000, Direction::SendRecv), &[Codec::Pcma])
}

fn person(n: u16) -> Phone {
    Phone {
        address: at(5070 + n),
        account: format!("800{n}"),
        secret: format!("secret {n}"),
        agent: format!("80{n}"),
        pin: "4711".to_owned(),
        name: format!("Agent {n}"),
        habit: Habit::Works,
    }
}

fn setup() -> Setup {
    let mut setup = Setup::quiet(7, at(5070), at(5060));
    setup.subscribers.push(Subscriber::answering("+86138"));
    setup
}

fn box_config(phones: &[Phone]) -> Config {
    let accounts = phones.iter().zip(1..);
    let account = |(p, id): (&Phone, i64)| {
        Account::with_password(AccountId(id), &p.account, "linebox", &p.secret)
    };
    Config {
        address: at(5060),
        agent: "box".to_owned(),
        realm: "linebox".to_owned(),
        accounts: accounts.map(account).collect(),
        trunks: vec![Way::plain(TRUNK, at(5070))],
    }
}

/// The box, the town, and the wire between them.
struct Bench {
    now: Tick,
    linebox: Endpoint,
    town: Town,
    wire: BTreeMap<(Tick, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    count: u64,
    /// Percent of the datagrams that are lost.
    loss: u64,
    chance: Chance,
    told: Vec<Sip>,
    sounds: Vec<SoundOrder>,
    events: Vec<Event>,
}

impl Bench {
    fn new(setup: Setup) -> Bench {
        let config = box_config(&setup.phones);
        Bench::with(setup, config)
    }

    fn with(setup: Setup, config: Config) -> Bench {
        let mut bench = Bench {
            now: Tick(0),
            linebox: Endpoint::new(Tick(0), [9; 32], config),
            town: Town::new(Tick(0), setup),
            wire: BTreeMap::new(),
            count: 0,
            loss: 0,
            chance: Chance::new(11),
            told: Vec::new(),
            sounds: Vec::new(),
            events: Vec::new(),
        };
        bench.drain();
        bench
    }

    fn put(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if self.chance.between(0, 99) < self.loss {
            return;
        }
        self.count += 1;
        self.wire.insert((self.now + 1, self.count), (from, to, bytes));
    }

    fn drain(&mut self) {
        while let Some(output) = self.linebox.poll() {
            match output {
                Sip::Send { to, bytes } => self.put(at(5060), to.peer, bytes),
                fact => self.told.push(fact),
            }
        }
        while let Some(output) = self.town.poll() {
            match output {
                Output::Send { from, to, bytes } => self.put(from, to, bytes),
                Output::Sound(order) => self.sounds.push(order),
                Output::Event(event) => self.events.push(event),
                Output::Frame { .. } | Output::Span { .. } => panic!("there is no span"),
            }
        }
    }

    fn run(&mut self, ms: u64) {
        let until = self.now + ms;
        loop {
            let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
            let linebox = self.linebox.next_timeout().map(|(at, _)| at);
            let town = self.town.next_timeout().map(|(at, _)| at);
            let next = [arrival, linebox, town].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (from, to, bytes)) = self.wire.pop_first().unwrap();
                if to == at(5060) {
                    self.linebox.handle_datagram(self.now, from, &bytes);
                } else {
                    self.town.handle_datagram(self.now, from, to, &bytes);
                }
            } else if linebox == Some(next) {
                self.linebox.handle_timeout(self.now);
            } else {
                self.town.handle_timeout(self.now);
            }
            self.drain();
        }
        self.now = until;
    }

    fn dial(&mut self, call: u64, number: &str) {
        let to = Callee::Number { trunk: TRUNK, number: number.to_owned() };
        self.invite(call, to);
    }

    fn invite(&mut self, call: u64, to: Callee) {
        let spec = CallSpec {
            call: CallKey(call),
            to,
            caller: "+861062000000".to_owned(),
            display: None,
            asserted: None,
            auto_answer: true,
            sdp: offer(),
        };
        self.linebox.invite(self.now, spec).unwrap();
        self.drain();
    }

    fn answer(&mut self, call: CallKey, theirs: &str) {
        let ours = local(10_002, Direction::SendRecv);
        let (answer, _) = sdp::answer(theirs.as_bytes(), &ours, &[Codec::Pcma]).unwrap();
        self.linebox.answer(self.now, call, &answer);
        self.drain();
    }

    fn hang_up(&mut self, call: CallKey) {
        self.linebox.hang_up(self.now, call, Cause::NormalClearing);
        self.drain();
    }

    fn order(&mut self, who: &Citizen, order: Order) -> Result<(), OrderError> {
        let done = self.town.handle_order(self.now, who, order);
        self.drain();
        done
    }

    /// The phases that the box has seen of a call, without repetitions, and how it ended.
    fn phases(&self, key: u64) -> (Vec<LegPhase>, Option<(Cause, Side)>) {
        let (mut phases, mut end) = (Vec::new(), None);
        for fact in &self.told {
            if let Sip::Phase { call, phase, cause, by, .. } = fact
                && *call == CallKey(key)
            {
                phases.push(*phase);
                end = cause.zip(*by);
            }
        }
        phases.dedup();
        (phases, end)
    }

    fn has_early_sound(&self) -> bool {
        self.told.iter().any(|fact| {
            matches!(fact, Sip::Phase { phase, sdp: Some(_), .. } if *phase < LegPhase::Answered)
        })
    }

    fn seen(&self, who: &Citizen) -> Vec<Sight> {
        self.events.iter().filter(|e| e.who == *who).map(|e| e.what.clone()).collect()
    }

    /// The last call that came in at the box, with its offer.
    fn incoming(&self) -> Option<(CallKey, String, String)> {
        self.told.iter().rev().find_map(|fact| match fact {
            Sip::Incoming { call, called, offer, .. } => {
                Some((*call, called.clone(), offer.clone().unwrap_or_default()))
            }
            _ => None,
        })
    }
}

fn customer() -> Citizen {
    Citizen::Customer(plain(NUMBER).to_owned())
}

fn fate(fate: Fate) -> Bench {
    let mut bench = Bench::new(setup());
    assert!(bench.town.fix(NUMBER, Some(Lot::sure(fate))));
    bench.dial(1, NUMBER);
    bench.run(8_000);
    bench
}

#[test]
fn a_person_rings_answers_talks_and_hangs_up_first() {
    let mut bench = fate(Fate::Answers);
    assert_eq!(bench.phases(1).0.last(), Some(&LegPhase::Answered));
    bench.run(20_000);
    let (phases, end) = bench.phases(1);
    let expected = [
        LegPhase::Dialing,
        LegPhase::Proceeding,
        LegPhase::Alerting,
        LegPhase::Answered,
        LegPhase::Ended,
    ];
    assert_eq!(phases, expected);
    assert_eq!(end, Some((Cause::NormalClearing, Side::Far)));
    let seen = bench.seen(&customer());
    let lot = Lot::sure(Fate::Answers);
    assert_eq!(seen[0], Sight::Rung { caller: Some("+861062000000".to_owned()), lot });
    assert_eq!(seen[1], Sight::Answered);
    let Sight::Ended { cause: Cause::NormalClearing, by: Side::Box, talked_ms: Some(ms) } = seen[2]
    else {
        panic!("{seen:?}")
    };
    assert!((9_990..=10_010).contains(&ms), "{ms}");
    assert!(matches!(bench.sounds.first(), Some(SoundOrder::Open(t)) if t.remote == at(10_000)));
    let hello = Voice { language: Language::Zh, words: Words::Hello };
    assert!(matches!(bench.sounds[1], SoundOrder::Say(_, voice) if voice == hello));
    assert!(matches!(bench.sounds.last(), Some(SoundOrder::Close(_))));
    assert!(!bench.has_early_sound());
    assert_eq!(bench.town.snapshot().ports_free, 64);
}

#[test]
fn the_box_hangs_up_first_and_the_customer_knows() {
    let mut bench = fate(Fate::Answers);
    bench.hang_up(CallKey(1));
    bench.run(1_000);
    let last = bench.seen(&customer()).pop().unwrap();
    let over = matches!(
        last,
        Sight::Ended { cause: Cause::NormalClearing, by: Side::Far, talked_ms: Some(6_000..8_000) }
    );
    assert!(over, "{last:?}");
    assert!(bench.town.is_quiet());
}

#[test]
fn each_refusal_has_its_cause() {
    for (fated, cause, rings) in [
        (Fate::Busy, Cause::UserBusy, false),
        (Fate::Refuses, Cause::CallRejected, true),
        (Fate::Unallocated, Cause::UnallocatedNumber, false),
    ] {
        let bench = fate(fated);
        let (phases, end) = bench.phases(1);
        assert_eq!(end, Some((cause, Side::Far)), "{fated:?}");
        assert_eq!(phases.contains(&LegPhase::Alerting), rings, "{fated:?}");
        assert_eq!(bench.has_early_sound(), fated == Fate::Unallocated, "{fated:?}");
        assert_eq!(bench.town.snapshot().ports_free, 64, "{fated:?}");
        let end = Sight::Ended { cause, by: Side::Box, talked_ms: None };
        assert_eq!(bench.seen(&customer()).last(), Some(&end), "{fated:?}");
    }
}

#[test]
fn a_dead_number_is_announced_before_it_is_refused() {
    let bench = fate(Fate::Unallocated);
    let words = Voice { language: Language::Zh, words: Words::DeadNumber };
    let port = SoundPort(0);
    assert!(matches!(bench.sounds[0], SoundOrder::Open(terms) if terms.port == port));
    assert_eq!(bench.sounds[1..], [SoundOrder::Say(port, words), SoundOrder::Close(port)]);
}

#[test]
fn a_number_that_nobody_has_is_dead() {
    let mut bench = Bench::new(setup());
    bench.dial(1, "+8655512345");
    bench.run(10_000);
    assert_eq!(bench.phases(1).1, Some((Cause::UnallocatedNumber, Side::Far)));
}

#[test]
fn a_machine_greets_beeps_and_ends_when_its_time_is_over() {
    let mut bench = fate(Fate::Machine);
    bench.run(20_000);
    let sounds: Vec<_> = bench.sounds.iter().map(core::mem::discriminant).collect();
    let port = SoundPort(0);
    let voice = Voice { language: Language::Zh, words: Words::Machine };
    let open = bench.sounds[0].clone();
    let expected = [
        open,
        SoundOrder::Say(port, voice),
        SoundOrder::Sound(port, crate::tones::Tone::Beep),
        SoundOrder::Close(port),
    ];
    assert_eq!(sounds, expected.iter().map(core::mem::discriminant).collect::<Vec<_>>());
    assert_eq!(bench.phases(1).1, Some((Cause::NormalClearing, Side::Far)));
}

#[test]
fn nobody_answers_until_the_box_cancels() {
    let mut bench = fate(Fate::RingsOut);
    bench.run(60_000);
    assert_eq!(bench.phases(1).0.last(), Some(&LegPhase::Alerting));
    bench.linebox.hang_up(bench.now, CallKey(1), Cause::NoAnswer);
    bench.drain();
    bench.run(1_000);
    assert_eq!(bench.phases(1).1, Some((Cause::NoAnswer, Side::Box)));
    let end = Sight::Ended { cause: Cause::NoAnswer, by: Side::Far, talked_ms: None };
    assert_eq!(bench.seen(&customer()).last(), Some(&end));
    assert_eq!(bench.town.snapshot().ports_free, 64);
}

#[test]
fn ring_back_tone_comes_as_early_media() {
    let mut bench = Bench::new(setup());
    let lot = Lot { ring_back: true, ..Lot::sure(Fate::Answers) };
    bench.town.fix(NUMBER, Some(lot));
    bench.dial(1, NUMBER);
    bench.run(3_000);
    assert!(bench.has_early_sound());
    let (open, tone, hush) = (&bench.sounds[0], &bench.sounds[1], &bench.sounds[2]);
    assert!(matches!(open, SoundOrder::Open(_)));
    assert!(matches!(tone, SoundOrder::Sound(_, crate::tones::Tone::RingBack(_))));
    assert!(matches!(hush, SoundOrder::Hush(_)), "the tone ends with the answer");
}

#[test]
fn scale_divides_ringing_and_talking() {
    let mut bench = Bench::new(Setup { scale: 4.0, ..setup() });
    bench.dial(1, NUMBER);
    bench.run(600);
    assert_eq!(bench.phases(1).0.last(), Some(&LegPhase::Answered));
    bench.run(2_500);
    assert_eq!(bench.phases(1).1, Some((Cause::NormalClearing, Side::Far)));
}

#[test]
fn an_offer_without_a_common_codec_is_turned_away() {
    let mut bench = Bench::new(setup());
    let video = offer().replace("RTP/AVP 8 101", "RTP/AVP 18").replace("PCMA", "G729");
    let spec = CallSpec {
        call: CallKey(1),
        to: Callee::Number { trunk: TRUNK, number: NUMBER.to_owned() },
        caller: "1".to_owned(),
        display: None,
        asserted: None,
        auto_answer: false,
        sdp: video,
    };
    bench.linebox.invite(Tick(0), spec).unwrap();
    bench.drain();
    bench.run(1_000);
    assert_eq!(bench.phases(1).1, Some((Cause::IncompatibleDestination, Side::Far)));
    let turned = [Sight::TurnedAway(Cause::IncompatibleDestination)];
    assert_eq!(bench.seen(&customer()), turned);
    assert_eq!(bench.town.snapshot().ports_free, 64);
}

#[test]
fn calls_beyond_the_sound_ports_meet_congestion() {
    let mut bench = Bench::new(Setup { rtp_ports: 2, ..setup() });
    for call in 1..=3 {
        bench.dial(call, &format!("+861380000000{call}"));
    }
    bench.run(5_000);
    assert_eq!(bench.phases(3).1, Some((Cause::Congestion, Side::Far)));
    assert_eq!(bench.phases(2).0.last(), Some(&LegPhase::Answered));
}

/// A town whose carrier wants the trunk to register, and a box that does with this password.
fn registering(password: &str) -> Bench {
    let trunk = Trunk {
        name: "town".to_owned(),
        register: true,
        username: "linebox".to_owned(),
        secret: "right".to_owned(),
    };
    let login = Login { user: "linebox".to_owned(), password: password.to_owned() };
    let register = Register { user: "linebox".to_owned(), expires_s: 300 };
    let mut config = box_config(&[]);
    config.trunks[0].login = Some(login);
    config.trunks[0].register = Some(register);
    let mut bench = Bench::with(Setup { trunks: vec![trunk], ..setup() }, config);
    bench.run(1_000);
    bench
}

#[test]
fn a_trunk_that_must_register_does_and_may_call_both_ways() {
    let mut bench = registering("right");
    assert_eq!(bench.seen(&Citizen::Carrier), [Sight::Registered]);
    bench.dial(1, NUMBER);
    bench.run(3_000);
    assert_eq!(bench.phases(1).0.last(), Some(&LegPhase::Answered));
    let caller = Citizen::Customer("8613800002222".to_owned());
    bench.order(&caller, Order::Dial("+861062000000".to_owned())).unwrap();
    bench.run(1_000);
    assert!(bench.incoming().is_some());
}

#[test]
fn a_trunk_with_a_wrong_password_neither_registers_nor_calls() {
    let mut bench = registering("wrong");
    assert_eq!(bench.seen(&Citizen::Carrier), []);
    bench.dial(1, NUMBER);
    bench.run(1_000);
    assert_eq!(bench.phases(1).1, Some((Cause::NotSubscribed, Side::Far)));
    assert_eq!(bench.seen(&customer()), []);
    let ordered = bench.order(&customer(), Order::Dial("1".to_owned()));
    assert_eq!(ordered, Err(OrderError::NoWay), "nobody knows where such a trunk is");
}

#[test]
fn a_customer_calls_the_box_talks_and_is_hung_up() {
    let mut bench = Bench::new(setup());
    bench.order(&customer(), Order::Dial("+861062000000".to_owned())).unwrap();
    assert_eq!(bench.order(&customer(), Order::Dial("1".to_owned())), Err(OrderError::Busy));
    bench.run(500);
    let (call, called, offer) = bench.incoming().unwrap();
    assert_eq!(called, "+861062000000");
    bench.answer(call, &offer);
    bench.run(2_000);
    bench.order(&customer(), Order::Press("3".to_owned())).unwrap();
    assert!(bench.sounds.contains(&SoundOrder::Press(SoundPort(0), "3".to_owned())));
    assert!(bench.sounds.iter().any(|order| matches!(order, SoundOrder::Say(..))));
    bench.hang_up(call);
    bench.run(1_000);
    let seen = bench.seen(&customer());
    assert!(matches!(seen.last(), Some(Sight::Ended { by: Side::Far, talked_ms: Some(_), .. })));
    assert_eq!(bench.order(&customer(), Order::HangUp), Err(OrderError::NoCall));
}

fn agents(n: u16) -> Setup {
    Setup { phones: (1..=n).map(person).collect(), ..setup() }
}

fn agent(n: u16) -> Citizen {
    Citizen::Phone(format!("800{n}"))
}

#[test]
fn an_agent_registers_signs_in_by_digits_stays_and_presses_dispositions() {
    let mut bench = Bench::new(agents(1));
    bench.run(5_000);
    let (call, called, offer) = bench.incoming().unwrap();
    assert_eq!(called, "*11");
    bench.answer(call, &offer);
    bench.run(60_000);
    let seen = bench.seen(&agent(1));
    let expected = [
        Sight::Registered,
        Sight::Dialled("*11".to_owned()),
        Sight::Answered,
        Sight::Pressed("801#".to_owned()),
        Sight::Pressed("4711#".to_owned()),
        Sight::SignedIn,
    ];
    assert_eq!(seen[..6], expected);
    assert!(seen.len() >= 9, "{seen:?}");
    for digit in &seen[6..] {
        assert!(matches!(digit, Sight::Pressed(d) if d.len() == 1), "{digit:?}");
    }
    let pressed = SoundOrder::Press(SoundPort(0), "801#".to_owned());
    assert!(bench.sounds.contains(&pressed));
    assert_eq!(bench.town.snapshot().phones[0].duty, Duty::Seated);
    bench.hang_up(call);
    bench.run(10_000);
    let (again, called, _) = bench.incoming().unwrap();
    assert_eq!(called, "*11");
    assert_ne!(again, call, "signs in again");
}

#[test]
fn an_agent_with_ears_listens_to_the_prompts_and_to_the_customer() {
    let mut bench = Bench::new(Setup { hears: true, ..agents(1) });
    bench.run(5_000);
    let (call, _, offer) = bench.incoming().unwrap();
    bench.answer(call, &offer);
    let port = SoundPort(0);
    let hear = |bench: &mut Bench, fact: SoundFact| {
        bench.town.handle_sound(bench.now, fact);
        bench.drain();
    };
    for keys in ["801#", "4711#"] {
        hear(&mut bench, SoundFact::Started(port));
        bench.run(3_000);
        hear(&mut bench, SoundFact::Ended { port, lasted_ms: 2_000 });
        bench.run(500);
        let last = bench.seen(&agent(1)).into_iter().rfind(|s| matches!(s, Sight::Pressed(_)));
        assert_eq!(last, Some(Sight::Pressed(keys.to_owned())));
    }
    bench.run(10_000);
    let before = bench.sounds.len();
    hear(&mut bench, SoundFact::Started(port));
    bench.run(1_000);
    hear(&mut bench, SoundFact::Ended { port, lasted_ms: 600 });
    bench.run(600);
    let greeting = Voice { language: Language::Zh, words: Words::Agent1 };
    assert_eq!(bench.sounds[before..], [SoundOrder::Say(port, greeting)]);
    bench.run(20_000);
    assert!(matches!(bench.sounds.last(), Some(SoundOrder::Press(_, digit)) if digit.len() == 1));
    hear(&mut bench, SoundFact::Lost(port));
    bench.run(500);
    let seen = bench.seen(&agent(1));
    let cause = Cause::MediaTimeout;
    assert!(
        matches!(seen.last(), Some(Sight::Ended { cause: c, by: Side::Box, .. }) if *c == cause)
    );
    assert!(seen.iter().any(|s| matches!(s, Sight::Heard { .. })));
}

#[test]
fn a_phone_that_the_box_calls_answers_by_itself_and_only_once() {
    let mut bench = Bench::new(agents(1));
    bench.run(600);
    let to = Callee::Account(AccountId(1));
    bench.invite(1, to.clone());
    bench.run(1_000);
    assert_eq!(bench.phases(1).0.last(), Some(&LegPhase::Answered));
    bench.invite(2, to);
    bench.run(1_000);
    assert_eq!(bench.phases(2).1, Some((Cause::UserBusy, Side::Far)));
    bench.hang_up(CallKey(1));
    bench.run(30_000);
    assert_eq!(bench.incoming(), None, "whoever was called has no need to sign in");
}

#[test]
fn a_phone_that_the_box_does_not_know_yet_tries_again_and_is_not_locked_out() {
    let setup = agents(2);
    let phones = setup.phones.clone();
    let mut bench = Bench::with(setup, box_config(&phones[1..]));
    bench.run(50_000);
    let seen = bench.seen(&agent(1));
    assert!(!seen.contains(&Sight::Registered));
    assert!(seen.len() >= 3, "{seen:?}");
    assert!(!bench.told.iter().any(|fact| matches!(fact, Sip::LockedOut { .. })));
    bench.linebox.configure(bench.now, box_config(&phones));
    bench.drain();
    bench.run(61_000);
    assert!(bench.seen(&agent(1)).contains(&Sight::Registered));
}

#[test]
fn a_phone_finds_a_box_that_was_away() {
    let setup = agents(1);
    let config = box_config(&setup.phones);
    let mut bench = Bench::new(setup);
    bench.loss = 100;
    bench.run(120_000);
    assert!(bench.seen(&agent(1)).contains(&Sight::Unregistered { status: None }));
    bench.loss = 0;
    bench.linebox = Endpoint::new(bench.now, [3; 32], config);
    bench.run(65_000);
    assert!(bench.seen(&agent(1)).contains(&Sight::Registered));
}

#[test]
fn a_scripted_phone_does_only_what_it_is_told() {
    let mut setup = agents(1);
    setup.phones[0].habit = Habit::Waits;
    let mut bench = Bench::new(setup);
    bench.run(30_000);
    assert_eq!(bench.seen(&agent(1)), [Sight::Registered]);
    assert_eq!(bench.order(&agent(1), Order::HangUp), Err(OrderError::NoCall));
    bench.order(&agent(1), Order::Dial("*13".to_owned())).unwrap();
    bench.run(1_000);
    let (call, called, offer) = bench.incoming().unwrap();
    assert_eq!(called, "*13");
    bench.answer(call, &offer);
    bench.run(60_000);
    bench.order(&agent(1), Order::Press("2".to_owned())).unwrap();
    bench.order(&agent(1), Order::HangUp).unwrap();
    bench.run(1_000);
    let seen = bench.seen(&agent(1));
    assert!(matches!(seen.last(), Some(Sight::Ended { by: Side::Box, .. })), "{seen:?}");
    assert_eq!(bench.order(&agent(9), Order::HangUp), Err(OrderError::Nobody));
}

#[test]
fn at_the_end_everybody_hangs_up_and_signs_off() {
    let mut bench = Bench::new(agents(2));
    bench.run(5_000);
    bench.dial(1, NUMBER);
    bench.run(2_000);
    let (call, _, offer) = bench.incoming().unwrap();
    bench.answer(call, &offer);
    bench.run(500);
    bench.town.handle_shutdown(bench.now);
    bench.drain();
    bench.run(1_000);
    assert!(bench.town.is_quiet());
    assert_eq!(bench.linebox.snapshot().bindings, 0);
    assert!(bench.linebox.snapshot().calls.is_empty());
    bench.run(120_000);
    assert!(bench.town.is_quiet(), "nobody comes back");
}

/// A day of calls: what everybody saw, and when.
fn day(seed: u64, loss: u64) -> Vec<Event> {
    let subscriber = Subscriber {
        chances: Chances {
            answer: 0.5,
            busy: 0.1,
            refuse: 0.1,
            unallocated: 0.1,
            machine: 0.1,
            congested: 0.0,
        },
        ring_ms: (500, 5_000),
        talk_ms: (1_000, 20_000),
        ..Subscriber::answering("+86138")
    };
    let mut bench = Bench::new(Setup { seed, subscribers: vec![subscriber], ..agents(2) });
    bench.loss = loss;
    for call in 1..=60 {
        bench.dial(call, &format!("+8613800000{:03}", call % 40));
        bench.run(500);
    }
    bench.run(30_000);
    for call in 1..=60 {
        bench.hang_up(CallKey(call));
    }
    bench.run(60_000);
    bench.events
}

#[test]
fn the_same_seed_gives_the_same_day_and_another_seed_another() {
    let (a, b, c) = (day(7, 10), day(7, 10), day(8, 10));
    assert_eq!(a, b);
    assert_ne!(a, c);
    let ended = a.iter().filter(|e| matches!(e.what, Sight::Ended { .. })).count();
    let rung = a.iter().filter(|e| matches!(e.what, Sight::Rung { .. })).count();
    assert_eq!((ended, rung), (60, 60));
}

#[test]
fn one_citizen_s_chance_does_not_move_another_s() {
    let lots = |numbers: &[&str]| {
        let mut bench = Bench::new(Setup {
            subscribers: vec![Subscriber {
                talk_ms: (1, 1_000_000),
                ..Subscriber::answering("+86138")
            }],
            ..setup()
        });
        for (number, call) in numbers.iter().zip(1..) {
            bench.dial(call, number);
            bench.run(500);
        }
        let rung = bench.events.iter().filter_map(|e| match &e.what {
            Sight::Rung { lot, .. } => Some((e.who.clone(), *lot)),
            _ => None,
        });
        rung.collect::<BTreeMap<_, _>>()
    };
    let forth = lots(&["+8613800000001", "+8613800000002", "+8613800000003"]);
    let back = lots(&["+8613800000003", "+8613800000002"]);
    for (who, lot) in back {
        assert_eq!(forth[&who], lot);
    }
}

#[test]
fn a_held_side_knows_it_and_sends_nothing() {
    let mut stream = stream::Stream::new(SoundPort(2), at(0).ip(), 11_000, Codec::Pcma);
    stream.answer(Some(&offer())).unwrap();
    assert!(!stream.is_held());
    let hold = sdp::offer(&local(10_000, Direction::SendOnly), &[Codec::Pcma]);
    let answer = stream.answer(Some(&hold)).unwrap();
    assert!(stream.is_held());
    assert!(answer.contains("a=recvonly"), "{answer}");
    assert!(answer.contains("m=audio 11004 "), "{answer}");
    stream.answer(Some(&offer())).unwrap();
    assert!(!stream.is_held());
}

/// Something that a scenario does.
#[derive(Clone, Debug)]
enum Deed {
    Dial(u8),
    HangUp(u8),
    Order(u8, Order),
    Hear(u16, bool),
    Datagram(Vec<u8>),
    Wait(u16),
}

fn deed() -> impl Strategy<Value = Deed> {
    let order = prop_oneof![
        "[0-9*#]{1,5}".prop_map(Order::Dial),
        "[0-9*#]{1,5}".prop_map(Order::Press),
        Just(Order::HangUp),
    ];
    prop_oneof![
        4 => any::<u8>().prop_map(Deed::Dial),
        2 => any::<u8>().prop_map(Deed::HangUp),
        3 => (any::<u8>(), order).prop_map(|(who, order)| Deed::Order(who, order)),
        3 => (0u16..10, any::<bool>()).prop_map(|(port, start)| Deed::Hear(port, start)),
        1 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Deed::Datagram),
        6 => (0u16..8_000).prop_map(Deed::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_no_sound_port_is_lost_and_every_call_ends(
        deeds in proptest::collection::vec(deed(), 1..60),
        loss in 0u64..25,
        hears in any::<bool>(),
    ) {
        let chances =
            Chances { answer: 0.5, busy: 0.1, refuse: 0.1, unallocated: 0.1, machine: 0.1, congested: 0.0 };
        let subscriber = Subscriber { chances, ..Subscriber::answering("+86138") };
        let mut bench = Bench::new(Setup {
            hears,
            rtp_ports: 10,
            subscribers: vec![subscriber],
            ..agents(2)
        });
        bench.loss = loss;
        let mut calls = 0u64;
        for deed in deeds {
            match deed {
                Deed::Dial(n) => {
                    calls += 1;
                    bench.dial(calls, &format!("+8613800000{:03}", n % 20));
                }
                Deed::HangUp(n) => bench.hang_up(CallKey(u64::from(n) % (calls + 1))),
                Deed::Order(n, order) => {
                    let number = format!("8613800000{:03}", n % 20);
                    let who = if n < 128 { agent(1) } else { Citizen::Customer(number) };
                    let _ = bench.order(&who, order);
                }
                Deed::Hear(port, start) => {
                    let port = SoundPort(port);
                    let fact = if start {
                        SoundFact::Started(port)
                    } else {
                        SoundFact::Ended { port, lasted_ms: 900 }
                    };
                    bench.town.handle_sound(bench.now, fact);
                    bench.drain();
                }
                Deed::Datagram(bytes) => {
                    bench.town.handle_datagram(bench.now, at(5060), at(5070), &bytes);
                    bench.drain();
                }
                Deed::Wait(ms) => bench.run(u64::from(ms)),
            }
        }
        bench.loss = 0;
        bench.town.handle_shutdown(bench.now);
        bench.drain();
        bench.run(120_000);
        prop_assert_eq!(bench.town.snapshot().ports_free, 10);
        prop_assert!(bench.town.is_quiet(), "{:?}", bench.town.snapshot());
        let opened = bench.sounds.iter().filter(|o| matches!(o, SoundOrder::Open(_))).count();
        let closed = bench.sounds.iter().filter(|o| matches!(o, SoundOrder::Close(_))).count();
        prop_assert_eq!(opened, closed);
    }
}
