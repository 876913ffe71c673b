//! The box under test: the compositions of both daemons and the store, pumped by hand.
//!
//! Each daemon may be killed at any instant: what it had in memory is gone, what it had on disk (the
//! journal, the desired state, the database) is there for the next start. Written means written: the
//! store is called in the same turn.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use board_port::SpanStatus;
use call::{Epoch, Now, SpanId, Tick};
use centerd::center::request::{Answer, Asked, Request};
use centerd::center::view::View;
use centerd::center::{Beginning, Center, Output as Wanted};
use centerd::config::Config;
use centerd::load;
use link::{DesiredState, Prompt, ToCenter, ToSwitch};
use media::fact::DigitPath;
use media::{PortId, PromptId};
use store::{Actor, Applied, BoxChange, BoxKey, Job, Store};
use switchd::journal::Book;
use switchd::switch::{Library, Output as Effect, Setup, Sound, SpanSetup, Switch};

use crate::Chance;
use crate::facts::Facts;

/// Where the box is heard.
pub const SIP: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 5060);

/// UDP port of sound port 0.
const RTP_FIRST: u16 = 10_000;

/// The box.
pub struct Unit {
    /// The database.
    pub store: Store,
    config: Config,
    chance: Chance,
    switch: Option<Switch>,
    center: Option<Center>,
    linked: bool,
    facts: Facts,
    lengths: BTreeMap<PromptId, u64>,
    library: Library,
    book: Book,
    desired: Option<DesiredState>,
    switch_epoch: u32,
    to_switch: VecDeque<ToSwitch>,
    to_center: VecDeque<ToCenter>,
    sip: VecDeque<(SocketAddr, Vec<u8>)>,
    frames: VecDeque<(u8, Vec<u8>)>,
    /// Keys pressed in channels that no port of the box heard.
    pub keys_lost: u64,
    /// What is plugged in, and whether layer 1 is in order: a driver's, not switchd's.
    spans: Vec<(SpanSetup, bool)>,
    asks: u64,
    answers: BTreeMap<u64, Answer>,
    /// PINs by tenant's agent number; proofs cost time that the world does not have.
    pins: BTreeMap<String, (call::AgentId, String)>,
}

impl Unit {
    /// A fresh box with an empty database; no daemon runs yet.
    ///
    /// # Panics
    /// When SQLite cannot make a database in memory.
    #[must_use]
    pub fn new(now: Now, chance: Chance, spans: Vec<SpanSetup>) -> Unit {
        let key = BoxKey::from_bytes([7; 32]);
        let store = Store::in_memory(key, "world", now.stamp).expect("a database in memory");
        let mut library = Library::default();
        let mut lengths = BTreeMap::new();
        for (id, name) in (0u16..).zip(flow::Prompt::ALL.map(flow::Prompt::word)) {
            for language in ["zh", "en"] {
                let sound = Sound { id: PromptId(id), length_ms: 2_000 };
                library.add(Prompt::new(language, name), sound);
            }
            lengths.insert(PromptId(id), 2_000);
        }
        for (id, name, length_ms) in
            [(900, "music", 20_000), (901, "beep", 200), (902, "no_seat", 4_000)]
        {
            library.add(Prompt::new("", name), Sound { id: PromptId(id), length_ms });
            lengths.insert(PromptId(id), u64::from(length_ms));
        }
        Unit {
            store,
            config: Config::default(),
            chance,
            switch: None,
            center: None,
            linked: false,
            facts: Facts::new(lengths.clone()),
            lengths,
            library,
            book: Book::default(),
            desired: None,
            switch_epoch: 0,
            to_switch: VecDeque::new(),
            to_center: VecDeque::new(),
            sip: VecDeque::new(),
            frames: VecDeque::new(),
            keys_lost: 0,
            spans: spans.into_iter().map(|span| (span, true)).collect(),
            asks: 0,
            answers: BTreeMap::new(),
            pins: BTreeMap::new(),
        }
    }

    /// Names the PIN of an agent number.
    pub fn know_pin(&mut self, number: &str, pin: &str, agent: call::AgentId) {
        self.pins.insert(number.to_owned(), (agent, pin.to_owned()));
    }

    /// Starts switchd on what an earlier one has left.
    pub fn start_switch(&mut self, now: Now) {
        self.switch_epoch += 1;
        let mut seed = [0; 32];
        for part in seed.chunks_mut(8) {
            part.copy_from_slice(&self.chance.bits().to_le_bytes());
        }
        let setup = Setup {
            epoch: Epoch(self.switch_epoch),
            seed,
            sip: SIP,
            rtp: SIP.ip(),
            rtp_first: RTP_FIRST,
            legs_max: 120,
            recorders: 60,
            alaw_first: true,
            agent: "Linebox/world".to_owned(),
            // There are no packets in this world.
            media_timeout_ms: 0,
            realm: self.config.sip.realm.clone(),
            library: self.library.clone(),
            spans: self.spans.iter().map(|(setup, _)| setup.clone()).collect(),
        };
        self.facts = Facts::new(self.lengths.clone());
        self.switch = Some(Switch::new(now, setup, &self.book, self.desired.clone()));
        self.connect(now);
        for place in 0..self.spans.len() {
            self.tell_layer1(now, place);
        }
        self.pump(now);
    }

    /// Starts centerd on what an earlier one has left.
    ///
    /// # Panics
    /// When the database cannot be read.
    pub fn start_center(&mut self, now: Now) {
        let job = Job::of_box(now.stamp, Actor::Box, BoxChange::BeginEpoch);
        let Ok(Applied::Epoch(epoch)) = self.store.apply(&job) else { panic!("no epoch") };
        let whole = self.store.whole();
        let office = load::office(whole, &self.config).expect("rows");
        let mut agents = Vec::new();
        for tenant in whole.tenants().expect("tenants") {
            let states = self.store.tenant(tenant.id).agent_states_now().expect("states");
            agents.extend(states.into_iter().map(|interval| (interval.agent, interval.state)));
        }
        let attempts = self.store.recover().expect("attempts");
        let beginning = Beginning { office, attempts, agents };
        self.center = Some(Center::new(now, epoch, beginning));
        self.connect(now);
        self.pump(now);
    }

    /// `kill -9` of switchd.
    pub fn kill_switch(&mut self, now: Now) {
        self.switch = None;
        self.disconnect(now);
        self.sip.clear();
        self.frames.clear();
        self.pump(now);
    }

    /// `kill -9` of centerd.
    pub fn kill_center(&mut self, now: Now) {
        self.center = None;
        self.disconnect(now);
        self.pump(now);
    }

    /// Rows were changed behind centerd's back, as the API does it: load them.
    pub fn reload(&mut self, now: Now) {
        self.ask(now, Request::Reload).expect("a reload is always taken");
    }

    /// Somebody asks for something; `None` while centerd is dead or the answer waits for the disk.
    pub fn ask(&mut self, now: Now, request: Request) -> Answer {
        self.asks += 1;
        let id = self.asks;
        if let Some(center) = &mut self.center {
            center.handle_request(now, Asked { id, actor: Actor::Box, request });
        }
        self.pump(now);
        self.answers.remove(&id).unwrap_or(Ok(()))
    }

    /// What is live; nothing while centerd is dead.
    #[must_use]
    pub fn view(&self) -> Option<View> {
        self.center.as_ref().map(Center::snapshot)
    }

    /// Whether both daemons run and talk.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.linked
    }

    /// A datagram for the box.
    pub fn handle_datagram(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) {
        if let Some(switch) = &mut self.switch {
            switch.handle_datagram(now, from, bytes);
        }
        self.pump(now);
    }

    /// A D-channel frame of a span (from 0) for the box.
    pub fn handle_frame(&mut self, now: Now, span: u8, frame: &[u8]) {
        if let Some(switch) = &mut self.switch {
            switch.handle_frame(now, span_id(usize::from(span)), frame);
        }
        self.pump(now);
    }

    /// Layer 1 of a span (from 0) fails or is in order again.
    pub fn handle_span(&mut self, now: Now, span: u8, is_up: bool) {
        let place = usize::from(span);
        if let Some((_, layer1)) = self.spans.get_mut(place) {
            *layer1 = is_up;
            self.tell_layer1(now, place);
        }
        self.pump(now);
    }

    fn tell_layer1(&mut self, now: Now, place: usize) {
        let Some((_, is_up)) = self.spans.get(place) else { return };
        let mut status = SpanStatus::default();
        status.alarms.red = !is_up;
        if let Some(switch) = &mut self.switch {
            switch.handle_span(now, span_id(place), status);
        }
    }

    /// Somebody presses keys towards one of the box's sound ports.
    pub fn press(&mut self, now: Now, rtp: SocketAddr, keys: &str) {
        let port = PortId(rtp.port().saturating_sub(RTP_FIRST) / 2);
        self.digits(now, port, keys, DigitPath::Event);
    }

    /// Somebody presses keys in a channel: a span (from 0) and a time slot.
    pub fn press_bearer(&mut self, now: Now, channel: (u8, u8), keys: &str) {
        match self.facts.bearer(channel) {
            Some(port) => self.digits(now, port, keys, DigitPath::InBand),
            None => self.keys_lost += keys.len() as u64,
        }
    }

    fn digits(&mut self, now: Now, port: PortId, keys: &str, by: DigitPath) {
        for key in keys.bytes() {
            let fact = media::Fact::Digit { port, digit: key, by };
            if let Some(switch) = &mut self.switch {
                switch.handle_sound(now, switchd::seam::SoundReport::Fact { tick: 0, fact });
            }
            self.pump(now);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.facts.handle_timeout(now.tick);
        if let Some(switch) = &mut self.switch {
            switch.handle_timeout(now);
        }
        if let Some(center) = &mut self.center {
            center.handle_timeout(now);
        }
        self.pump(now);
    }

    /// When the box wants to be woken.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        let switch = self.switch.as_ref().and_then(Switch::next_timeout);
        let center = self.center.as_ref().and_then(Center::next_timeout).map(|(at, _)| at);
        let facts = self.switch.as_ref().and_then(|_| self.facts.next_timeout());
        [switch, center, facts].into_iter().flatten().min()
    }

    /// Who wants to be woken when, for whoever looks for a spin.
    #[must_use]
    pub fn wakes(&self) -> String {
        let switch = self.switch.as_ref().map(Switch::next_timeout);
        let center = self.center.as_ref().map(Center::next_timeout);
        format!("switch {switch:?}, center {center:?}, facts {:?}", self.facts.next_timeout())
    }

    /// The next datagram from the box.
    pub fn poll(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.sip.pop_front()
    }

    /// The next D-channel frame from the box, with its span (from 0).
    pub fn poll_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        self.frames.pop_front()
    }

    fn connect(&mut self, now: Now) {
        if let (Some(_), Some(center), false) = (&self.switch, &mut self.center, self.linked) {
            self.linked = true;
            center.handle_link_up(now);
        }
    }

    fn disconnect(&mut self, now: Now) {
        self.linked = false;
        self.to_switch.clear();
        self.to_center.clear();
        if let Some(center) = &mut self.center {
            center.handle_link_down(now);
        }
        if let Some(switch) = &mut self.switch {
            switch.handle_center_lost(now);
        }
    }

    /// Passes everything on until all is quiet.
    fn pump(&mut self, now: Now) {
        loop {
            let mut quiet = true;
            while let Some(effect) = self.switch.as_mut().and_then(Switch::poll) {
                quiet = false;
                self.do_effect(now, effect);
            }
            while let Some(report) = self.facts.poll_sound() {
                quiet = false;
                if let Some(switch) = &mut self.switch {
                    switch.handle_sound(now, report);
                }
            }
            while let Some(report) = self.facts.poll_disk() {
                quiet = false;
                if let Some(switch) = &mut self.switch {
                    switch.handle_disk(now, report);
                }
            }
            while let Some(wanted) = self.center.as_mut().and_then(Center::poll) {
                quiet = false;
                self.do_wanted(now, wanted);
            }
            if let Some(message) = self.to_switch.pop_front() {
                quiet = false;
                if let Some(switch) = &mut self.switch {
                    switch.handle_link(now, message);
                }
            }
            if let Some(message) = self.to_center.pop_front() {
                quiet = false;
                if let Some(center) = &mut self.center {
                    center.handle_link(now, message);
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn do_effect(&mut self, now: Now, effect: Effect) {
        match effect {
            Effect::Sip { to, bytes } => self.sip.push_back((to, bytes)),
            Effect::Frame { span, bytes } => self.frames.push_back((span.0 as u8 - 1, bytes)),
            Effect::Link(message) => {
                if self.linked {
                    self.to_center.push_back(message);
                }
            }
            Effect::Sound(order) => self.facts.handle_sound(now.tick, order),
            Effect::Journal(entry) => self.book.take(entry),
            Effect::Disk(order) => self.facts.handle_disk(now.tick, order),
            Effect::KeepDesired(desired) => self.desired = Some(*desired),
            Effect::CloseLink(parting) => panic!("the switch closed the link: {parting}"),
            Effect::Note(_) => {}
        }
    }

    fn do_wanted(&mut self, now: Now, wanted: Wanted) {
        match wanted {
            Wanted::Link(message) => {
                if self.linked {
                    self.to_switch.push_back(message);
                }
            }
            Wanted::Write(ticket, job) => {
                let result = self.store.apply(&job);
                if let Some(center) = &mut self.center {
                    center.handle_written(now, ticket, &result);
                }
            }
            Wanted::Answer { id, answer } => {
                self.answers.insert(id, answer);
            }
            Wanted::CheckPin { check, number, pin, .. } => {
                let right = self.pins.get(&number).filter(|(_, known)| *known == pin);
                let agent = right.map(|(agent, _)| *agent);
                if let Some(center) = &mut self.center {
                    center.handle_pin(now, check, agent);
                }
            }
            Wanted::Load => {
                let office = load::office(self.store.whole(), &self.config).expect("rows");
                if let Some(center) = &mut self.center {
                    center.handle_office(now, office);
                }
            }
            Wanted::CountLeads { tenant, campaign } => {
                let leads =
                    load::leads(self.store.tenant(tenant), campaign, now.stamp).expect("leads");
                if let Some(center) = &mut self.center {
                    center.handle_leads(now, campaign, leads);
                }
            }
        }
    }
}

const fn span_id(place: usize) -> SpanId {
    SpanId(place as i64 + 1)
}
