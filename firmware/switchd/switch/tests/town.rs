//! A small town for one switch: phones and a carrier (each a SIP endpoint of its own), a sound core
//! that only keeps books, a disk that always works, a journal in memory, and centerd's side of the
//! link. One clock; datagrams arrive at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use call::id::LegOrigin;
use call::{
    AccountId, Cause, Epoch, LegId, LegPhase, LegTag, Now, OfferId, RecordingId, SpanId, Stamp,
    Tick, TrunkId,
};
use link::{
    Account, AnswerPlan, Command, DesiredState, Destination, Event, LegRecord, NoSeat, OnAnswer,
    Prompt, RecordingRecord, RecordingState, Refusal, SipWay, Snapshot, ToCenter, ToSwitch, Trunk,
    VERSION, Way,
};
use media::{
    Ear, Fact, PlayEnd, PlayerId, PortId, PortStats, PromptId, RecorderId, Repeat, Source,
};
use signal::q921;
use signal::q931::dchannel::{self, DChannel};
use signal::sip::digest::{Algorithm, Ha1};
use signal::sip::endpoint::{
    CallKey, CallSpec, Callee, Config, Endpoint, Output as Says, Register, Trunk as Uplink,
};
use signal::sip::login::Login;
use signal::sip::sdp::{self, Codec, Direction, Local};
use signal::sip::wire::StatusCode;

use crate::journal::{Book, Entry};
use crate::seam::{DiskOrder, DiskReport, SoundOrder, SoundReport};
use crate::switch::{Library, Output, Parting, Setup, Sound, SpanSetup, Switch};

pub(super) const TRUNK: TrunkId = TrunkId(1);
/// The one span of the test's box.
pub(super) const SPAN: SpanId = SpanId(1);
/// Length of every prompt of the town, ms.
pub(super) const PROMPT_MS: u32 = 1_000;

pub(super) fn carrier() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 2], 5060))
}

pub(super) fn phone(n: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 1, n], 5060))
}

fn own() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 5060))
}

/// A far end: a phone or the carrier.
pub(super) struct Far {
    address: SocketAddr,
    pub(super) endpoint: Endpoint,
    /// Calls that came in, in order, with the offer.
    pub(super) incoming: Vec<(CallKey, String)>,
    /// The last phase of each call.
    pub(super) phases: BTreeMap<CallKey, LegPhase>,
    pub(super) causes: BTreeMap<CallKey, Cause>,
    /// Answers as soon as it rings.
    pub(super) answers: bool,
    own_calls: u64,
}

impl Far {
    pub(super) fn live(&self) -> usize {
        self.phases.values().filter(|p| **p != LegPhase::Ended).count()
    }
}

/// What the sound core would be doing.
#[derive(Default)]
pub(super) struct Core {
    pub(super) open: BTreeSet<PortId>,
    pub(super) rows: BTreeSet<(Ear, Source)>,
    pub(super) sending: BTreeSet<PortId>,
    /// When each player that plays will have ended; music never.
    players: BTreeMap<PlayerId, Option<Tick>>,
    facts: VecDeque<Fact>,
}

pub(super) struct Town {
    pub(super) now: Now,
    pub(super) switch: Switch,
    pub(super) fars: BTreeMap<SocketAddr, Far>,
    wire: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
    sent: BTreeMap<SocketAddr, String>,
    /// Datagrams to and from the box are lost.
    pub(super) cut: bool,
    pub(super) core: Core,
    /// The exchange behind the span, and what it said besides frames.
    pub(super) exchange: DChannel,
    pub(super) exchange_said: Vec<dchannel::Output>,
    /// Which port each channel of the span is connected with.
    pub(super) bearers: BTreeMap<u8, PortId>,
    disk: VecDeque<DiskReport>,
    pub(super) taping: BTreeMap<RecorderId, RecordingRecord>,
    pub(super) book: Book,
    pub(super) entries: Vec<Entry>,
    pub(super) kept: Option<DesiredState>,
    pub(super) heard: Vec<ToCenter>,
    pub(super) partings: Vec<Parting>,
    commands: u64,
    legs: u32,
}

impl Town {
    /// A box with two phones registered, a carrier, and centerd of epoch 1 connected.
    pub(super) fn new() -> Town {
        let mut town = Town::silent(Book::default(), None, Epoch(1));
        town.fars.insert(carrier(), carrier_far());
        town.greet(Epoch(1));
        town.command(Command::Desired(Box::new(desired()))).unwrap();
        for n in 1..=3 {
            town.add_phone(n);
        }
        town.pass(100);
        town
    }

    /// A box alone, as it starts.
    pub(super) fn silent(book: Book, kept: Option<DesiredState>, epoch: Epoch) -> Town {
        let now = Now { tick: Tick(1_000), stamp: Stamp(1_795_000_000_000) };
        let mut town = Town {
            now,
            switch: Switch::new(now, setup(epoch), &book, kept.clone()),
            fars: BTreeMap::new(),
            wire: VecDeque::new(),
            sent: BTreeMap::new(),
            cut: false,
            core: Core::default(),
            exchange: exchange(now),
            exchange_said: Vec::new(),
            bearers: BTreeMap::new(),
            disk: VecDeque::new(),
            taping: BTreeMap::new(),
            book,
            entries: Vec::new(),
            kept,
            heard: Vec::new(),
            partings: Vec::new(),
            commands: 0,
            legs: 0,
        };
        town.settle();
        town
    }

    /// kill -9 and a new process: what was in the journal and the kept state is all it knows.
    pub(super) fn kill_and_restart(&mut self) {
        let epoch = Epoch(2);
        self.switch = Switch::new(self.now, setup(epoch), &self.book, self.kept.clone());
        self.core = Core::default();
        self.disk.clear();
        self.taping.clear();
        self.settle();
    }

    fn add_phone(&mut self, n: u8) {
        let address = phone(n);
        let user = format!("80{n}");
        let mut uplink = Uplink::plain(TrunkId(9), own());
        uplink.login = Some(Login { user: user.clone(), password: format!("secret-{n}") });
        uplink.register = Some(Register { user, expires_s: 600 });
        self.fars.insert(address, far(address, vec![uplink], n));
    }

    // ---- centerd

    pub(super) fn greet(&mut self, epoch: Epoch) {
        self.say(ToSwitch::Hello { version: VERSION, epoch });
    }

    pub(super) fn say(&mut self, said: ToSwitch) {
        self.switch.handle_link(self.now, said);
        self.settle();
    }

    pub(super) fn lose_center(&mut self) {
        self.switch.handle_center_lost(self.now);
        self.settle();
    }

    pub(super) fn command(&mut self, command: Command) -> Result<(), Refusal> {
        self.commands += 1;
        let n = self.commands;
        self.say(ToSwitch::Command { n, command });
        let answer = self.heard.iter().rev().find_map(|m| match m {
            ToCenter::Done { n: of } if *of == n => Some(Ok(())),
            ToCenter::Refused { n: of, refusal } if *of == n => Some(Err(refusal.clone())),
            _ => None,
        });
        answer.expect("every command is answered in its turn")
    }

    pub(super) fn new_leg(&mut self) -> LegId {
        self.legs += 1;
        LegId::new(LegOrigin::Center, Epoch(1), self.legs)
    }

    /// A seat: phone `n` is called, answers by itself, and stays.
    pub(super) fn seat(&mut self, n: u8) -> LegId {
        self.fars.get_mut(&phone(n)).unwrap().answers = true;
        let leg = self.new_leg();
        self.command(Command::Originate {
            leg,
            tag: LegTag(u64::from(n)),
            to: Destination::Account {
                account: AccountId(i64::from(n)),
                caller: "box".to_owned(),
                auto_answer: true,
            },
            ring_timeout_ms: 20_000,
            on_answer: OnAnswer::Tell,
        })
        .unwrap();
        self.pass(50);
        assert_eq!(self.record(leg).phase, LegPhase::Answered, "the seat is up");
        leg
    }

    pub(super) fn offer(&mut self, offer: i64, seat: LegId) {
        self.command(Command::Offer { offer: OfferId(offer), seat }).unwrap();
    }

    pub(super) fn try_dial(
        &mut self,
        ring_timeout_ms: u32,
        on_answer: OnAnswer,
    ) -> (LegId, Result<(), Refusal>) {
        let leg = self.new_leg();
        let to = Destination::Trunk {
            trunk: TRUNK,
            number: format!("1380000{:04}", leg.0 & 0xfff),
            caller_id: None,
        };
        let tag = LegTag(100);
        let originate = Command::Originate { leg, tag, to, ring_timeout_ms, on_answer };
        let done = self.command(originate);
        self.pass(20);
        (leg, done)
    }

    /// Calls a customer with this plan.
    pub(super) fn dial(&mut self, plan: AnswerPlan) -> LegId {
        let (leg, done) = self.try_dial(30_000, OnAnswer::Plan(plan));
        done.unwrap();
        leg
    }

    // ---- far ends

    /// The `n`-th call that came to the carrier rings, and is answered.
    pub(super) fn customer_answers(&mut self, n: usize) {
        self.far_answers(carrier(), n);
    }

    pub(super) fn customer_rings(&mut self, n: usize) {
        let now = self.now.tick;
        let far = self.fars.get_mut(&carrier()).unwrap();
        let call = far.incoming[n].0;
        far.endpoint.progress(now, call, StatusCode::RINGING, None);
        self.settle();
    }

    pub(super) fn far_answers(&mut self, address: SocketAddr, n: usize) {
        let now = self.now.tick;
        let far = self.fars.get_mut(&address).unwrap();
        let (call, offer) = far.incoming[n].clone();
        let answer = answer_to(&offer, address, Direction::SendRecv);
        far.endpoint.answer(now, call, &answer);
        self.settle();
    }

    pub(super) fn far_hangs_up(&mut self, address: SocketAddr, n: usize) {
        let now = self.now.tick;
        let far = self.fars.get_mut(&address).unwrap();
        let call = far.incoming[n].0;
        far.endpoint.hang_up(now, call, Cause::NormalClearing);
        self.settle();
    }

    /// A far end that was called wants other sound: its re-INVITE and the ACK, written by hand
    /// because our endpoint never sends one.
    pub(super) fn far_reoffers(&mut self, address: SocketAddr, n: usize, direction: Direction) {
        let far = self.fars.get_mut(&address).unwrap();
        let d = far.endpoint.dialog_records(far.incoming[n].0).remove(0);
        far.own_calls += 100;
        let cseq = u64::from(d.cseq) + far.own_calls;
        let offer = sdp::offer(&Local { direction, ..local(address) }, &[Codec::Pcma]);
        let request = |method: &str, body: &str| {
            format!(
                "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{cseq}{method}\r\n\
                 From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
                 Max-Forwards: 70\r\nContact: <sip:{address}>\r\n\
                 Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                d.target,
                d.local,
                d.remote,
                d.call_id,
                body.len(),
            )
        };
        for bytes in [request("INVITE", &offer), request("ACK", "")] {
            self.switch.handle_datagram(self.now, address, bytes.as_bytes());
            self.settle();
        }
    }

    /// A datagram of a far end that we did not write.
    pub(super) fn receive(&mut self, from: SocketAddr, bytes: &[u8]) {
        self.switch.handle_datagram(self.now, from, bytes);
        self.settle();
    }

    /// The last datagram that the box sent there.
    pub(super) fn last_sent(&self, to: SocketAddr) -> String {
        self.sent.get(&to).cloned().unwrap_or_default()
    }

    /// A far end calls the box.
    pub(super) fn far_calls(&mut self, address: SocketAddr, number: &str) -> CallKey {
        let now = self.now.tick;
        let far = self.fars.get_mut(&address).unwrap();
        far.own_calls += 1;
        let call = CallKey(far.own_calls);
        let spec = CallSpec {
            call,
            to: Callee::Number { trunk: TrunkId(9), number: number.to_owned() },
            caller: "13900001111".to_owned(),
            display: None,
            asserted: None,
            auto_answer: false,
            sdp: offer_of(address),
        };
        far.endpoint.invite(now, spec).unwrap();
        self.settle();
        call
    }

    pub(super) fn press(&mut self, leg: LegId, digit: char) {
        let port = self.switch.legs[&leg].port;
        let by = media::DigitPath::Event;
        self.core.facts.push_back(Fact::Digit { port, digit: digit as u8, by });
        self.settle();
    }

    pub(super) fn sound(&mut self, fact: Fact) {
        self.core.facts.push_back(fact);
        self.settle();
    }

    // ---- what there is to see

    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.heard.iter().filter_map(|m| match m {
            ToCenter::Event { event, .. } => Some(event),
            _ => None,
        })
    }

    /// The last that centerd heard of a leg.
    pub(super) fn record(&self, leg: LegId) -> LegRecord {
        let told = self.events().rev().find_map(|e| match e {
            Event::Leg(r) | Event::Incoming(r) if r.leg == leg => Some((**r).clone()),
            _ => None,
        });
        told.expect("centerd heard of the leg")
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let last = self.heard.iter().rev().find_map(|m| match m {
            ToCenter::Snapshot(s) => Some((**s).clone()),
            _ => None,
        });
        last.expect("a snapshot was sent")
    }

    pub(super) fn offer_ends(&self) -> Vec<(OfferId, link::OfferEnd)> {
        let ends = self.events().filter_map(|e| match e {
            Event::OfferEnded { offer, how } => Some((*offer, *how)),
            _ => None,
        });
        ends.collect()
    }

    pub(super) fn port(&self, leg: LegId) -> PortId {
        self.switch.legs[&leg].port
    }

    /// Whether `ear` hears `source` now.
    pub(super) fn hears(&self, ear: LegId, source: LegId) -> bool {
        let row = (Ear::Port(self.port(ear)), Source::Port(self.port(source)));
        self.core.rows.contains(&row)
    }

    pub(super) fn hears_music(&self, ear: LegId) -> bool {
        self.core.rows.contains(&(Ear::Port(self.port(ear)), Source::Player(PlayerId(0))))
    }

    pub(super) fn plays(&self, leg: LegId) -> bool {
        self.core.players.contains_key(&PlayerId(self.port(leg).0 + 1))
    }

    // ---- time

    /// Lets `ms` milliseconds pass.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now.tick + ms;
        self.settle();
        loop {
            let fars = self.fars.values().filter_map(|f| f.endpoint.next_timeout()).map(|t| t.0);
            let plays = self.core.players.values().flatten().copied();
            let exchange = self.exchange.next_timeout().map(|(due, _)| due);
            let next = fars.chain(plays).chain(self.switch.next_timeout()).chain(exchange).min();
            let Some(next) = next.filter(|t| *t <= end) else { break };
            self.jump(next.max(self.now.tick));
            self.step();
        }
        self.jump(end);
        self.settle();
    }

    fn jump(&mut self, to: Tick) {
        let ms = to.since_ms(self.now.tick);
        self.now = Now { tick: to, stamp: self.now.stamp.after_ms(ms as i64) };
    }

    fn step(&mut self) {
        let tick = self.now.tick;
        let ended: Vec<PlayerId> = (self.core.players.iter())
            .filter(|(_, end)| end.is_some_and(|end| end <= tick))
            .map(|(&player, _)| player)
            .collect();
        for player in ended {
            self.core.players.remove(&player);
            self.core.facts.push_back(Fact::PlayEnded { player, why: PlayEnd::Finished });
        }
        for far in self.fars.values_mut() {
            far.endpoint.handle_timeout(tick);
        }
        if self.exchange.next_timeout().is_some_and(|(due, _)| due <= tick) {
            self.exchange.handle_timeout(tick);
        }
        self.switch.handle_timeout(self.now);
        self.settle();
    }

    /// Carries everything to where it belongs until nobody has anything to say.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.switch.poll() {
                self.do_for_switch(output);
            } else if let Some(said) = self.exchange.poll() {
                match said {
                    dchannel::Output::Send(frame) if self.cut => drop(frame),
                    dchannel::Output::Send(frame) => {
                        self.switch.handle_frame(self.now, SPAN, &frame);
                    }
                    said => self.exchange_said.push(said),
                }
            } else if let Some((address, says)) = self.far_says() {
                self.do_for_far(address, says);
            } else if let Some((from, to, bytes)) = self.wire.pop_front() {
                self.deliver(from, to, &bytes);
            } else if let Some(fact) = self.core.facts.pop_front() {
                let report = SoundReport::Fact { tick: 0, fact };
                self.switch.handle_sound(self.now, report);
            } else if let Some(report) = self.disk.pop_front() {
                self.switch.handle_disk(self.now, report);
            } else {
                return;
            }
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if self.cut {
            return;
        }
        if to == own() {
            self.switch.handle_datagram(self.now, from, bytes);
        } else if let Some(far) = self.fars.get_mut(&to) {
            far.endpoint.handle_datagram(self.now.tick, from, bytes);
        }
    }

    fn do_for_switch(&mut self, output: Output) {
        match output {
            Output::Sip { to, bytes } => {
                self.sent.insert(to, String::from_utf8_lossy(&bytes).into_owned());
                self.wire.push_back((own(), to, bytes));
            }
            Output::Frame { span, bytes } => {
                assert_eq!(span, SPAN);
                if !self.cut {
                    self.exchange.handle_frame(self.now.tick, &bytes);
                }
            }
            Output::Link(message) => self.heard.push(message),
            Output::Sound(order) => self.core_obeys(order),
            Output::Journal(entry) => {
                self.book.take(entry.clone());
                self.entries.push(entry);
            }
            Output::Disk(order) => self.disk_obeys(order),
            Output::KeepDesired(desired) => self.kept = Some(*desired),
            Output::CloseLink(parting) => self.partings.push(parting),
            Output::Note(note) => {
                assert!(!matches!(note, crate::switch::Note::SoundFault(_)), "{note:?}");
            }
        }
    }

    fn disk_obeys(&mut self, order: DiskOrder) {
        match order {
            DiskOrder::Start { recorder, record } => {
                let before = self.taping.insert(recorder, record);
                assert_eq!(before, None, "{recorder} records two at once");
            }
            DiskOrder::Stop => {}
            DiskOrder::Mend { mut record } => {
                record.state = RecordingState::Cut;
                self.disk.push_back(DiskReport::Recording { recorder: None, record });
            }
        }
    }

    fn core_obeys(&mut self, order: SoundOrder) {
        if let SoundOrder::Bearer { port, channel } = order {
            self.bearers.retain(|_, at| *at != port);
            let before = channel.and_then(|(_, slot)| self.bearers.insert(slot, port));
            assert_eq!(before, None, "a channel is connected twice");
        }
        let SoundOrder::Media(command) = order else { return };
        let tick = self.now.tick;
        match command {
            media::Command::OpenPort(open) => {
                assert!(self.core.open.insert(open.port), "{} is opened twice", open.port);
            }
            media::Command::ClosePort(port) => {
                assert!(self.core.open.remove(&port), "{port} is closed twice");
                let stays =
                    |row: &(Ear, Source)| row.0 != Ear::Port(port) && row.1 != Source::Port(port);
                self.core.rows.retain(stays);
                let stats = PortStats::default();
                self.core.facts.push_back(Fact::PortClosed { port, stats });
            }
            media::Command::Hear(ear, source, _) => {
                if let Ear::Port(port) = ear {
                    assert!(self.core.open.contains(&port), "{port} is closed");
                }
                self.core.rows.insert((ear, source));
            }
            media::Command::Unhear(ear, source) => {
                self.core.rows.remove(&(ear, source));
            }
            media::Command::SetSending(port, true) => {
                self.core.sending.insert(port);
            }
            media::Command::SetSending(port, false) => {
                self.core.sending.remove(&port);
            }
            media::Command::Play(play) => {
                let forever = play.repeat == Repeat::Forever;
                let length = u64::from(PROMPT_MS);
                let before = self.core.players.get(&play.player).copied().flatten();
                let from = before.filter(|_| play.append).unwrap_or(tick);
                let end = (!forever).then_some(from + length);
                let player = play.player;
                if self.core.players.insert(player, end).is_some() && !play.append {
                    self.core.facts.push_back(Fact::PlayEnded { player, why: PlayEnd::Stopped });
                }
            }
            media::Command::Stop(player) => {
                let played = self.core.players.remove(&player).is_some();
                let stopped = Fact::PlayEnded { player, why: PlayEnd::Stopped };
                self.core.facts.extend(played.then_some(stopped));
            }
            media::Command::StopRecorder(recorder) => {
                if let Some(mut record) = self.taping.remove(&recorder) {
                    record.state = RecordingState::Sealed;
                    let recorder = Some(recorder);
                    self.disk.push_back(DiskReport::Recording { recorder, record });
                }
            }
            _ => {}
        }
    }

    fn far_says(&mut self) -> Option<(SocketAddr, Says)> {
        self.fars.values_mut().find_map(|f| f.endpoint.poll().map(|says| (f.address, says)))
    }

    fn do_for_far(&mut self, address: SocketAddr, says: Says) {
        let now = self.now.tick;
        let Some(far) = self.fars.get_mut(&address) else { return };
        match says {
            Says::Send { to, bytes } => self.wire.push_back((address, to.peer, bytes)),
            Says::Incoming { call, offer, .. } => {
                let offer = offer.unwrap_or_default();
                far.phases.insert(call, LegPhase::Dialing);
                far.incoming.push((call, offer.clone()));
                if far.answers {
                    let answer = answer_to(&offer, address, Direction::SendRecv);
                    far.endpoint.answer(now, call, &answer);
                }
            }
            Says::Phase { call, phase, cause, .. } => {
                far.phases.insert(call, phase);
                if let Some(cause) = cause {
                    far.causes.insert(call, cause);
                }
            }
            _ => {}
        }
    }
}

fn far(address: SocketAddr, trunks: Vec<Uplink>, seed: u8) -> Far {
    let config = Config {
        address,
        agent: "town".to_owned(),
        realm: "town".to_owned(),
        accounts: Vec::new(),
        trunks,
    };
    Far {
        address,
        endpoint: Endpoint::new(Tick(1_000), [seed; 32], config),
        incoming: Vec::new(),
        phases: BTreeMap::new(),
        causes: BTreeMap::new(),
        answers: false,
        own_calls: 0,
    }
}

fn carrier_far() -> Far {
    far(carrier(), vec![Uplink::plain(TrunkId(9), own())], 77)
}

fn local(address: SocketAddr) -> Local {
    Local {
        address: SocketAddr::new(address.ip(), 20_000),
        session_id: 1,
        version: 1,
        dtmf_pt: 101,
        ptime_ms: 20,
        direction: Direction::SendRecv,
    }
}

pub(super) fn offer_of(address: SocketAddr) -> String {
    sdp::offer(&local(address), &[Codec::Pcma, Codec::Pcmu])
}

fn answer_to(offer: &str, address: SocketAddr, direction: Direction) -> String {
    let local = Local { direction, ..local(address) };
    sdp::answer(offer.as_bytes(), &local, &[Codec::Pcma, Codec::Pcmu]).unwrap().0
}

fn setup(epoch: Epoch) -> Setup {
    let mut library = Library::default();
    let names = [("", "music"), ("", "beep"), ("zh", "no_seat"), ("zh", "menu"), ("zh", "away")];
    for (id, (language, name)) in (0..).zip(names) {
        let sound = Sound { id: PromptId(id), length_ms: PROMPT_MS };
        library.add(Prompt::new(language, name), sound);
    }
    Setup {
        epoch,
        seed: [epoch.0 as u8; 32],
        sip: own(),
        rtp: IpAddr::V4(Ipv4Addr::LOCALHOST),
        rtp_first: 10_000,
        legs_max: 12,
        recorders: 8,
        alaw_first: true,
        agent: "Linebox".to_owned(),
        media_timeout_ms: 60_000,
        realm: "linebox".to_owned(),
        library,
        spans: vec![SpanSetup {
            slots: SLOTS.to_vec(),
            echo: true,
            ..SpanSetup::plain("run/span1")
        }],
    }
}

/// The channels of the test's span: fewer than an E1 has, so that a trunk fills soon.
pub(super) const SLOTS: [u8; 4] = [1, 2, 3, 17];

/// The exchange behind the span: the other side of the same machines.
fn exchange(now: Now) -> DChannel {
    let config = dchannel::Config::new(q921::Role::Network);
    DChannel::new(now.tick, dchannel::Config { channels: SLOTS.to_vec(), ..config })
}

pub(super) fn desired() -> DesiredState {
    let account = |n: u8| {
        let user = format!("80{n}");
        let ha1 = Ha1::new(Algorithm::Md5, &user, "linebox", &format!("secret-{n}"));
        Account { id: AccountId(i64::from(n)), user, ha1: ha1.expose().to_owned() }
    };
    DesiredState {
        version: 1,
        realm: "linebox".to_owned(),
        accounts: (1..=3).map(account).collect(),
        trunks: vec![Trunk {
            id: TRUNK,
            name: "carrier".to_owned(),
            way: Way::Sip(SipWay {
                address: carrier().to_string(),
                sources: vec![],
                register: false,
                user: String::new(),
                password: String::new(),
            }),
            numbers: vec!["01012345678".to_owned()],
            channels_max: 6,
        }],
        spans: Vec::new(),
        fallback: link::Fallback {
            route_within_ms: 4_000,
            prompt: Some(Prompt::new("zh", "away")),
        },
    }
}

/// A plan with these offers, a deadline of 5 s and a farewell.
pub(super) fn plan(seats: &[i64]) -> AnswerPlan {
    AnswerPlan {
        seats: seats.iter().map(|&n| OfferId(n)).collect(),
        deadline_ms: 5_000,
        no_seat: NoSeat { prompt: Some(Prompt::new("zh", "no_seat")), cause: Cause::Abandoned },
        record: None,
        beep: true,
        talk_max_ms: 0,
    }
}

pub(super) fn recorded(seats: &[i64], recording: i64) -> AnswerPlan {
    AnswerPlan { record: Some(RecordingId(recording)), ..plan(seats) }
}
