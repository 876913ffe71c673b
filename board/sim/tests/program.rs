//! The program `town` as the supervisor and the box meet it: processes, sockets, real sound.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use board_linux::{Parts, attached};
use board_port::{BLOCK, LONGEST_FRAME, SILENCE, Slots, block};
use board_sim::bearers::Bearers;
use board_sim::sound::Sound;
use board_sim::town::{BearerTerms, SoundFact, SoundOrder, SoundPort, Terms};
use board_sim::voice::{Language, Voice, Words};
use call::{AccountId, Cause, LegPhase, Tick, TrunkId};
use signal::q921::Role;
use signal::q931::dchannel::{CallId, CallSetup, Config as LinkConfig, DChannel, Output as Link};
use signal::q931::wire::{NumberType, Party};
use signal::sip::endpoint::{CallKey, CallSpec, Callee, Config, Endpoint, Output as Sip, Trunk};
use signal::sip::guard::Account;
use signal::sip::sdp::{self, Codec, Direction, Local, Negotiated};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Sixteen ports that nobody uses now.
fn free_ports() -> u16 {
    static SEARCH: AtomicU16 = AtomicU16::new(24_000);
    loop {
        let first = SEARCH.fetch_add(16, Ordering::Relaxed);
        let free = |port| UdpSocket::bind((LOOPBACK, port)).is_ok();
        if (first..first + 16).all(free) {
            return first;
        }
    }
}

/// Where a town of these ports finds the sockets of its span.
fn data(base: u16) -> PathBuf {
    std::env::temp_dir().join(format!("linebox-town-{}-{base}", std::process::id()))
}

/// A running town. The box is at `base`, the carrier at `base + 1`, its one phone at `base + 2`,
/// the town's sound from `base + 4` on, the box's from `base + 10` on.
struct Running {
    child: Child,
    model: PathBuf,
}

fn model(base: u16, lists: &str) -> PathBuf {
    let text = format!(
        "[ports]\nsip = {base}\n[town]\nsimulated = true\nsip = {}\nrtp = \"{}-{}\"\n{lists}",
        base + 1,
        base + 4,
        base + 9
    );
    let path =
        std::env::temp_dir().join(format!("linebox-town-{}-{base}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

impl Running {
    /// Starts it and waits for its sign of life.
    fn start(base: u16, lists: &str) -> Running {
        let model = model(base, lists);
        let mut child = Command::new(env!("CARGO_BIN_EXE_town"))
            .args(["--model".as_ref(), model.as_os_str()])
            .args(["--data".as_ref(), data(base).as_os_str()])
            // The readiness descriptor is whatever the variable names: here, standard output.
            .env("LINEBOX_READY_FD", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut newline = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut newline).unwrap();
        assert_eq!(newline, *b"\n");
        Running { child, model }
    }

    /// Ends it in order and gives its exit code.
    fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.model);
    }
}

/// A box of one thread: an endpoint, a socket, and the town's own sound in the place of the box's.
struct Linebox {
    begun: Instant,
    base: u16,
    socket: UdpSocket,
    endpoint: Endpoint,
    sound: Sound,
    facts: Vec<Sip>,
    heard: Vec<SoundFact>,
}

impl Linebox {
    fn new(base: u16, accounts: Vec<Account>) -> Linebox {
        let socket = UdpSocket::bind((LOOPBACK, base)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let config = Config {
            address: SocketAddr::new(LOOPBACK, base),
            agent: "box".to_owned(),
            realm: "linebox".to_owned(),
            accounts,
            trunks: vec![Trunk::plain(TrunkId(1), SocketAddr::new(LOOPBACK, base + 1))],
        };
        Linebox {
            begun: Instant::now(),
            base,
            socket,
            endpoint: Endpoint::new(Tick(0), [5; 32], config),
            sound: Sound::new(LOOPBACK, base + 10, 2, 1).unwrap(),
            facts: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn now(&self) -> Tick {
        Tick(self.begun.elapsed().as_millis() as u64)
    }

    fn local(&self, port: SoundPort) -> Local {
        Local {
            address: SocketAddr::new(LOOPBACK, self.base + 10 + 2 * port.0),
            session_id: 1,
            version: 1,
            dtmf_pt: 101,
            ptime_ms: 20,
            direction: Direction::SendRecv,
        }
    }

    fn open(&mut self, port: SoundPort, agreed: &Negotiated) {
        let terms = Terms {
            port,
            remote: agreed.remote,
            codec: agreed.codec,
            digits: agreed.dtmf_pt,
            sends: true,
        };
        self.sound.apply(SoundOrder::Open(terms)).unwrap();
    }

    /// Lives until `done` says so, for 20 s at most.
    fn until(&mut self, what: &str, mut done: impl FnMut(&Linebox) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(20);
        let mut tick = Instant::now();
        let mut datagram = [0; 4_096];
        while !done(self) {
            assert!(Instant::now() < give_up, "no {what}: {:?} {:?}", self.facts, self.heard);
            while let Ok((length, from)) = self.socket.recv_from(&mut datagram) {
                self.endpoint.handle_datagram(self.now(), from, &datagram[..length]);
            }
            self.endpoint.handle_timeout(self.now());
            while let Some(output) = self.endpoint.poll() {
                match output {
                    Sip::Send { to, bytes } => {
                        self.socket.send_to(&bytes, to.peer).unwrap();
                    }
                    fact => self.facts.push(fact),
                }
            }
            if Instant::now() >= tick {
                tick += Duration::from_millis(20);
                self.sound.tick();
                while let Some(fact) = self.sound.poll() {
                    self.heard.push(fact);
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn keys(&self) -> String {
        let key = |fact: &SoundFact| match fact {
            SoundFact::Key(_, key) => Some(*key),
            _ => None,
        };
        self.heard.iter().filter_map(key).collect()
    }
}

const PHONE: &str =
    "[[town.phone]]\naccount = \"8001\"\nsecret = \"s\"\nagent = \"801\"\npin = \"4711\"\n";

#[test]
fn a_called_customer_answers_and_is_heard_over_rtp() {
    let base = free_ports();
    let town = Running::start(
        base,
        "[[town.subscriber]]\nnumbers = \"+86138\"\nanswer = 1.0\nring_ms = [100, 300]\n",
    );
    let mut linebox = Linebox::new(base, Vec::new());
    let port = SoundPort(0);
    let offer = sdp::offer(&linebox.local(port), &[Codec::Pcma]);
    let call = CallKey(1);
    let to = Callee::Number { trunk: TrunkId(1), number: "+8613800000001".to_owned() };
    let spec = CallSpec {
        call,
        to,
        caller: "+861062000000".to_owned(),
        display: None,
        asserted: None,
        auto_answer: false,
        sdp: offer.clone(),
    };
    linebox.endpoint.invite(linebox.now(), spec).unwrap();
    let answer = |fact: &Sip| match fact {
        Sip::Phase { phase: LegPhase::Answered, sdp, .. } => sdp.clone(),
        _ => None,
    };
    linebox.until("answer", |b| b.facts.iter().any(|fact| answer(fact).is_some()));
    let theirs = linebox.facts.iter().find_map(answer).unwrap();
    let agreed = sdp::accept_answer(offer.as_bytes(), theirs.as_bytes()).unwrap();
    linebox.open(port, &agreed);
    linebox.until("voice", |b| b.heard.contains(&SoundFact::Started(port)));
    linebox.endpoint.hang_up(linebox.now(), call, Cause::NormalClearing);
    let ended = |fact: &Sip| matches!(fact, Sip::Phase { phase: LegPhase::Ended, .. });
    linebox.until("end", |b| b.facts.iter().any(ended));
    assert_eq!(town.terminate(), Some(0));
}

#[test]
fn an_agent_registers_and_keys_number_and_pin_when_the_prompts_are_over() {
    let base = free_ports();
    let town = Running::start(base, PHONE);
    let account = Account::with_password(AccountId(1), "8001", "linebox", "s");
    let mut linebox = Linebox::new(base, vec![account]);
    let incoming = |fact: &Sip| match fact {
        Sip::Incoming { call, offer: Some(offer), called, .. } if called == "*11" => {
            Some((*call, offer.clone()))
        }
        _ => None,
    };
    linebox.until("sign-in", |b| b.facts.iter().any(|fact| incoming(fact).is_some()));
    let (call, offer) = linebox.facts.iter().find_map(incoming).unwrap();
    let port = SoundPort(1);
    let (answer, agreed) =
        sdp::answer(offer.as_bytes(), &linebox.local(port), &[Codec::Pcma]).unwrap();
    linebox.open(port, &agreed);
    linebox.endpoint.answer(linebox.now(), call, &answer);
    let prompt = Voice { language: Language::En, words: Words::Agent2 };
    for keys in ["801#", "801#4711#"] {
        linebox.sound.apply(SoundOrder::Say(port, prompt)).unwrap();
        linebox.until(keys, |b| b.keys() == keys);
    }
    let bye = |fact: &Sip| matches!(fact, Sip::Phase { phase: LegPhase::Ended, .. });
    let gone = |fact: &Sip| matches!(fact, Sip::Unregistered { remaining: 0, .. });
    let ending = std::thread::spawn(move || town.terminate());
    linebox.until("BYE", |b| b.facts.iter().any(bye) && b.facts.iter().any(gone));
    assert_eq!(ending.join().unwrap(), Some(0));
}

#[test]
fn a_port_in_use_or_a_wrong_value_ends_the_program_with_78_and_one_line() {
    let run = |model: &PathBuf| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_town")).arg("--model").arg(model).output().unwrap();
        let _ = std::fs::remove_file(model);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
    };
    for (offset, setting) in [(1, "town.sip"), (2, "town.sip"), (6, "town.rtp")] {
        let base = free_ports();
        let _taken = UdpSocket::bind((LOOPBACK, base + offset)).unwrap();
        let (code, told) = run(&model(base, PHONE));
        assert_eq!(code, Some(78), "{told}");
        assert!(told.contains(&format!("port {} (setting {setting}", base + offset)), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    let (code, told) = run(&model(free_ports(), "[[town.phone]]\naccount = \"8001\"\n"));
    assert_eq!(code, Some(78));
    assert!(told.contains("town.phone[0].secret: is missing"), "{told}");
}

const SPAN: &str = "[[span]]\nattach = \"e1\"\nfcs = true\n[[town.span]]\nattach = \"e1\"\n";

/// The box at the other end of a span: the shipped driver for attached exchanges, a user-side
/// D-channel, and the town's own sound in the place of the box's. Calls are alerted and answered.
struct Plugged {
    begun: Instant,
    parts: Parts,
    link: DChannel,
    is_up: bool,
    sound: Bearers,
    open: BTreeMap<u8, BearerTerms>,
    facts: Vec<Link>,
    heard: Vec<SoundFact>,
}

impl Plugged {
    fn new(base: u16) -> Plugged {
        std::fs::create_dir_all(data(base)).unwrap();
        let mut link = DChannel::new(Tick(0), LinkConfig::new(Role::User));
        link.handle_layer1(Tick(0), false);
        Plugged {
            begun: Instant::now(),
            parts: attached::listen(&data(base).join("e1"), true).unwrap(),
            link,
            is_up: false,
            sound: Bearers::new(1).unwrap(),
            open: BTreeMap::new(),
            facts: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn now(&self) -> Tick {
        Tick(self.begun.elapsed().as_millis() as u64)
    }

    fn call(&mut self, number: &str) -> CallId {
        let setup = CallSetup {
            called: Some(Party::new(NumberType::National, number)),
            complete: true,
            ..CallSetup::default()
        };
        self.link.place(self.now(), setup).unwrap()
    }

    fn live(&mut self) {
        let is_up = !self.parts.span.status().unwrap().alarms.red;
        if is_up != self.is_up {
            self.is_up = is_up;
            self.link.handle_layer1(self.now(), is_up);
        }
        let mut frame = [0; LONGEST_FRAME];
        while let Some(length) = self.parts.frames.receive(&mut frame).unwrap() {
            self.link.handle_frame(self.now(), &frame[..length]);
        }
        self.link.handle_timeout(self.now());
        while let Some(output) = self.link.poll() {
            match &output {
                Link::Send(frame) => {
                    self.parts.frames.send(frame).unwrap();
                    continue;
                }
                Link::Incoming { call, .. } => self.link.answer(self.now(), *call),
                Link::Phase { phase: LegPhase::Ended, .. } => self.close(),
                Link::Phase { channel: Some(slot), .. } => self.open(*slot),
                _ => {}
            }
            self.facts.push(output);
        }
    }

    fn open(&mut self, slot: u8) {
        if !self.open.contains_key(&slot) {
            let port = SoundPort::of_bearer(0, slot);
            let (hears, speaks, echoes) = (true, true, false);
            let terms = BearerTerms { port, span: 0, slot, hears, speaks, echoes };
            self.parts.bearers.open(slot);
            self.sound.apply(SoundOrder::OpenBearer(terms)).unwrap();
            self.open.insert(slot, terms);
        }
    }

    /// There is one call at a time here.
    fn close(&mut self) {
        for (slot, terms) in core::mem::take(&mut self.open) {
            self.parts.bearers.close(slot);
            self.sound.apply(SoundOrder::Close(terms.port)).unwrap();
        }
    }

    fn tick(&mut self) {
        let mut frame: Box<block::Frame> = Box::new([[SILENCE; BLOCK]; 32]);
        let mut slots = Slots::NONE;
        self.parts.bearers.begin_tick();
        for slot in self.open.keys().copied() {
            if self.parts.bearers.read(slot, &mut frame[usize::from(slot)]) {
                slots.insert(slot);
            }
        }
        let mut message = [0; block::LONGEST];
        let length = block::encode(0, slots, &frame, &mut message);
        self.sound.handle_message(0, &message[..length]);
        self.sound.tick();
        let said = self.sound.message(0).unwrap().to_vec();
        for (slot, block) in block::decode(&said).unwrap().blocks() {
            self.parts.bearers.write(slot, block);
        }
        self.parts.bearers.end_tick();
        self.heard.extend(core::iter::from_fn(|| self.sound.poll()));
    }

    /// Lives until `done` says so, for 30 s at most.
    fn until(&mut self, what: &str, mut done: impl FnMut(&Plugged) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(30);
        let mut tick = Instant::now();
        while !done(self) {
            assert!(Instant::now() < give_up, "no {what}: {:?} {:?}", self.facts, self.heard);
            self.live();
            if Instant::now() >= tick {
                tick += Duration::from_millis(20);
                self.tick();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn has(&self, of: CallId, wanted: LegPhase) -> bool {
        let is = |fact: &Link| matches!(fact, Link::Phase { call, phase, .. } if *call == of && *phase == wanted);
        self.facts.iter().any(is)
    }

    fn keys(&self) -> String {
        let key = |fact: &SoundFact| match fact {
            SoundFact::Key(_, key) => Some(*key),
            _ => None,
        };
        self.heard.iter().filter_map(key).collect()
    }
}

#[test]
fn the_exchange_finds_the_box_again_and_people_are_heard_in_their_channels() {
    let base = free_ports();
    let people = "[[town.subscriber]]\nnumbers = \"+86138\"\nanswer = 1.0\n\
                  ring_ms = [300, 300]\nstays = 1.0\nkeys = [[1500, \"12\"], [3000, \"#\"]]\n\
                  [[town.subscriber]]\nnumbers = \"+86139\"\nanswer = 1.0\n\
                  ring_ms = [60000, 60000]\ncolour_ring = true\n\
                  [[town.subscriber]]\nnumbers = \"+86137\"\nbusy = 1.0\n";
    // It lives before the box does.
    let town = Running::start(base, &format!("{SPAN}{people}"));
    let mut linebox = Plugged::new(base);
    let linked = |b: &Plugged| b.facts.iter().any(|f| matches!(f, Link::Link { up: true }));
    linebox.until("link", linked);

    let call = linebox.call("13800000001");
    linebox.until("answer", |b| b.has(call, LegPhase::Answered));
    let started = |fact: &SoundFact| matches!(fact, SoundFact::Started(_));
    linebox.until("voice", |b| b.heard.iter().any(started));
    linebox.until("keys", |b| b.keys() == "12#");
    linebox.link.hang_up(linebox.now(), call, Cause::NormalClearing);
    linebox.until("end", |b| b.has(call, LegPhase::Ended));

    // Music while it rings.
    linebox.heard.clear();
    let call = linebox.call("13900000001");
    linebox.until("music", |b| b.heard.iter().any(started));
    assert!(linebox.has(call, LegPhase::Alerting) && !linebox.has(call, LegPhase::Answered));
    linebox.link.hang_up(linebox.now(), call, Cause::NormalClearing);
    linebox.until("end", |b| b.has(call, LegPhase::Ended));

    // The box goes, with its sockets, and comes again.
    drop(linebox);
    let mut linebox = Plugged::new(base);
    linebox.until("link", linked);
    let call = linebox.call("13700000001");
    linebox.until("busy tone", |b| b.heard.iter().any(started));
    assert!(linebox.has(call, LegPhase::Releasing));
    linebox.until("end", |b| b.has(call, LegPhase::Ended));

    // And whoever talks when the town ends hangs up.
    let call = linebox.call("13800000002");
    linebox.until("answer", |b| b.has(call, LegPhase::Answered));
    let ending = std::thread::spawn(move || town.terminate());
    linebox.until("end", |b| b.has(call, LegPhase::Ended));
    assert_eq!(ending.join().unwrap(), Some(0));
    let _ = std::fs::remove_dir_all(data(base));
}

#[test]
fn a_bad_exchange_pulls_its_plug_and_puts_it_back() {
    let base = free_ports();
    let bad = "[town.bad]\nalarm = [800, 1200]\n";
    let town = Running::start(base, &format!("{SPAN}{bad}"));
    let mut linebox = Plugged::new(base);
    let ups = |b: &Plugged| b.facts.iter().filter(|f| matches!(f, Link::Link { up: true })).count();
    linebox.until("second link", |b| ups(b) >= 2);
    drop(town);
    let _ = std::fs::remove_dir_all(data(base));
}
