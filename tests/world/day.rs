//! One day of the box in its town: everything that moves, under one clock.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use board_sim::town::{
    Event, Habit, Lot, Output, Phone, Setup, Sight, SoundOrder, SoundPort, Subscriber, Terms, Town,
    Trunk,
};
use call::{AccountId, AgentId, CampaignId, LeadId, Now, Stamp, TenantId, Tick, TrunkId};
use dialer::campaign::{Order, Settings};
use dialer::hours::Hours;
use dialer::outcome::{DispositionSet, Language};
use signal::sip::digest::{Algorithm, Ha1};
use store::accounts::{AccountSecrets, SaveAccount};
use store::agents::SaveAgent;
use store::attempts::AttemptRecord;
use store::batches::{ImportRow, Parsed};
use store::trunks::SaveTrunk;
use store::{Actor, BatchId, BoxChange, Job, Page, Secret, TenantChange};

use crate::unit::{SIP, Unit};
use crate::{Chance, Clock, Datagram, Faults, Net};

/// 2026-11-20 10:00 in Shanghai.
pub const MORNING: Stamp = Stamp(1_795_140_000_000);

const CARRIER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 5060);
const REALM: &str = "linebox";

/// A day.
pub struct Day {
    /// The only clock.
    pub clock: Clock,
    /// The wires.
    pub net: Net,
    /// The box.
    pub unit: Unit,
    /// Everybody else.
    pub town: Town,
    /// What citizens did and saw.
    pub events: Vec<Event>,
    /// The tenant.
    pub tenant: TenantId,
    /// The campaign.
    pub campaign: CampaignId,
    /// The agents, in order of their numbers.
    pub agents: Vec<AgentId>,
    terms: BTreeMap<SoundPort, Terms>,
    /// Steps since time last moved.
    steps_at_once: u32,
}

/// Steps within one millisecond that even a storm of packets does not need: more means that somebody
/// asks to be woken at once for ever.
const STEPS_AT_ONCE_MAX: u32 = 10_000;

/// How a day is set up.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of everything.
    pub seed: u64,
    /// Agents, each at a phone.
    pub agents: u32,
    /// Who decides what agents do.
    pub habit: Habit,
    /// Customers by prefix.
    pub subscribers: Vec<Subscriber>,
    /// What the campaign's settings are, beside trunks and agents.
    pub settings: Settings,
    /// What the wires do to packets.
    pub faults: Faults,
    /// The wall clock at the start.
    pub start: Stamp,
}

impl Plan {
    /// Three agents who sign in by themselves, customers who all answer, good wires.
    #[must_use]
    pub fn new(seed: u64) -> Plan {
        let mut settings = Settings::new("Day", DispositionSet::built_in(Language::En));
        settings.hours = Hours::always("Asia/Shanghai");
        settings.ring_ms = 20_000;
        settings.wrap_up_ms = 5_000;
        settings.retry.attempts_max = 1;
        Plan {
            seed,
            agents: 3,
            habit: Habit::Works,
            subscribers: vec![Subscriber::answering("+86")],
            settings,
            faults: Faults::NONE,
            start: MORNING,
        }
    }
}

impl Day {
    /// The box is set up, both daemons run, nothing is dialled yet.
    ///
    /// # Panics
    /// When a row is refused.
    #[must_use]
    pub fn begin(plan: &Plan) -> Day {
        let clock = Clock::starting(plan.start);
        let chance = Chance::new(plan.seed);
        let now = Now { tick: clock.now(), stamp: clock.stamp() };
        let mut unit = Unit::new(now, chance.branch("box"));
        let tenant = TenantId(applied_id(
            &mut unit,
            Job::of_box(now.stamp, Actor::Box, BoxChange::AddTenant { name: "Office".into() }),
        ));
        let trunk = add_trunk(&mut unit, now, tenant);
        let phones: Vec<Phone> = (0..plan.agents).map(|n| phone(n, plan.habit)).collect();
        let agents =
            phones.iter().map(|phone| add_agent(&mut unit, now, tenant, phone)).collect::<Vec<_>>();
        let mut settings = plan.settings.clone();
        settings.trunks = vec![trunk];
        settings.agents.clone_from(&agents);
        let change = TenantChange::SaveCampaign { campaign: None, settings: Box::new(settings) };
        let campaign = CampaignId(applied_id(
            &mut unit,
            Job::of_tenant(now.stamp, Actor::Box, tenant, change),
        ));
        unit.start_switch(now);
        unit.start_center(now);
        let mut setup = Setup::quiet(plan.seed, CARRIER, SIP);
        setup.trunks = vec![Trunk { name: "town".into(), ..Trunk::default() }];
        setup.phones = phones;
        setup.subscribers.clone_from(&plan.subscribers);
        let town = Town::new(now.tick, setup);
        let net = Net::new(plan.faults, chance.branch("net"));
        let mut day = Day {
            clock,
            net,
            unit,
            town,
            events: Vec::new(),
            tenant,
            campaign,
            agents,
            terms: BTreeMap::new(),
            steps_at_once: 0,
        };
        day.flush();
        day
    }

    /// Both instants.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { tick: self.clock.now(), stamp: self.clock.stamp() }
    }

    /// Puts numbers into the campaign's list.
    ///
    /// # Panics
    /// When a row is refused.
    pub fn import(&mut self, numbers: impl IntoIterator<Item = String>) {
        let now = self.now();
        let file_name = "list.csv".to_owned();
        let open = TenantChange::OpenBatch { campaign: self.campaign, file_name };
        let batch = BatchId(self.apply(open));
        let rows = (2u32..).zip(numbers).map(|(row, number)| ImportRow {
            row,
            raw: number.clone(),
            parsed: Parsed::Lead {
                number: number.parse().expect("a stored number"),
                number_raw: number,
                name: format!("Person {row}"),
                fields: "{}".into(),
                repaired: None,
            },
        });
        let rows = rows.collect();
        let import = Job::of_tenant(
            now.stamp,
            Actor::Box,
            self.tenant,
            TenantChange::ImportRows { batch, rows },
        );
        self.unit.store.apply(&import).expect("rows");
        let close =
            Job::of_tenant(now.stamp, Actor::Box, self.tenant, TenantChange::CloseBatch(batch));
        self.unit.store.apply(&close).expect("a closed batch");
        self.unit.reload(now);
        self.flush();
    }

    /// A person's order to the campaign.
    ///
    /// # Panics
    /// When it is refused.
    pub fn order(&mut self, order: Order) {
        let request =
            centerd::center::request::Request::Campaign { campaign: self.campaign, order };
        let now = self.now();
        self.unit.ask(now, request).expect("an order that makes sense");
        self.flush();
    }

    /// Fixes what becomes of every call to a number.
    pub fn fix(&mut self, number: &str, lot: Lot) {
        assert!(self.town.fix(number, Some(lot)), "too many fixed fates");
    }

    /// Lets time pass until `until`.
    pub fn run_until(&mut self, until: Tick) {
        self.flush();
        loop {
            let next = [
                self.net.next_timeout(),
                self.unit.next_timeout(),
                self.town.next_timeout().map(|(at, _)| at),
            ];
            match next.into_iter().flatten().min().filter(|at| *at <= until) {
                Some(at) => self.step(at),
                None => return self.clock.advance_to(until),
            }
        }
    }

    /// Lets `ms` pass.
    pub fn run_ms(&mut self, ms: u64) {
        let until = self.clock.now() + ms;
        self.run_until(until);
    }

    /// Lets time pass until `done`, at most `ms`. Returns whether it came to that.
    pub fn run_while(&mut self, ms: u64, mut done: impl FnMut(&mut Day) -> bool) -> bool {
        let until = self.clock.now() + ms;
        while self.clock.now() < until {
            if done(self) {
                return true;
            }
            self.run_ms(200.min(until - self.clock.now()));
        }
        done(self)
    }

    /// Every attempt of the campaign, the oldest first.
    ///
    /// # Panics
    /// When the database cannot be read.
    #[must_use]
    pub fn attempts(&self) -> Vec<AttemptRecord> {
        let rows = self.unit.store.tenant(self.tenant);
        let filter = store::Filter { campaign: Some(self.campaign), ..store::Filter::default() };
        let mut attempts = rows.attempts(&filter, Page::first(10_000)).expect("attempts");
        attempts.reverse();
        attempts
    }

    /// How many leads are finished.
    ///
    /// # Panics
    /// When the database cannot be read.
    #[must_use]
    pub fn leads_finished(&self) -> u64 {
        let counts =
            self.unit.store.tenant(self.tenant).lead_counts(self.campaign).expect("counts");
        counts.iter().filter(|count| count.state == "finished").map(|count| count.leads).sum()
    }

    /// How often each lead was tried.
    #[must_use]
    pub fn tries(&self) -> BTreeMap<LeadId, usize> {
        let mut tries = BTreeMap::new();
        for attempt in self.attempts() {
            *tries.entry(attempt.attempt.lead).or_insert(0) += 1;
        }
        tries
    }

    /// What a supervisor of a call centre would assert, at any instant.
    ///
    /// # Panics
    /// When it does not hold.
    pub fn check(&self) {
        let attempts = self.attempts();
        for record in &attempts {
            let attempt = &record.attempt;
            assert!(attempt.times.claimed.is_some(), "dialled without a claim: {attempt:?}");
            let end = (attempt.end.is_some(), attempt.times.ended.is_some());
            assert_eq!(end.0, end.1, "an end without an outcome: {attempt:?}");
        }
        let mut in_flight = BTreeMap::new();
        for record in attempts.iter().filter(|record| record.attempt.end.is_none()) {
            let agent_or_none = record.attempt.agent;
            let lead = record.attempt.lead;
            assert!(
                in_flight.insert(lead, agent_or_none).is_none(),
                "{lead} is called twice at once"
            );
        }
        let talking: Vec<AgentId> = attempts
            .iter()
            .filter(|r| r.attempt.times.joined.is_some() && r.attempt.end.is_none())
            .filter_map(|r| r.attempt.agent)
            .collect();
        let mut once = talking.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), talking.len(), "an agent is on two calls");
        let rung = self.events.iter().filter(|e| matches!(e.what, Sight::Rung { .. })).count();
        let dialled = attempts.iter().filter(|r| r.attempt.times.dialled.is_some()).count();
        assert!(rung <= dialled, "{rung} people were rung by {dialled} attempts on disk");
        let verified = self.unit.store.verify(1, None, None).expect("a readable chain");
        verified.expect("a whole chain");
    }

    fn step(&mut self, at: Tick) {
        self.steps_at_once = if at > self.clock.now() { 0 } else { self.steps_at_once + 1 };
        assert!(
            self.steps_at_once < STEPS_AT_ONCE_MAX,
            "time stands still at {}: box {:?}, town {:?}, net {:?}",
            self.clock.now(),
            self.unit.wakes(),
            self.town.next_timeout(),
            self.net.next_timeout()
        );
        self.clock.advance_to(at);
        let now = self.now();
        while let Some(datagram) = self.net.poll(now.tick) {
            if datagram.to == SIP {
                self.unit.handle_datagram(now, datagram.from, &datagram.bytes);
            } else {
                self.town.handle_datagram(now.tick, datagram.from, datagram.to, &datagram.bytes);
            }
        }
        if self.unit.next_timeout().is_some_and(|due| due <= now.tick) {
            self.unit.handle_timeout(now);
        }
        if self.town.next_timeout().is_some_and(|(due, _)| due <= now.tick) {
            self.town.handle_timeout(now.tick);
        }
        self.flush();
    }

    /// Puts what was said on the wires.
    pub fn flush(&mut self) {
        let now = self.now();
        while let Some((to, bytes)) = self.unit.poll() {
            self.net.send(now.tick, Datagram { from: SIP, to, bytes });
        }
        while let Some(output) = self.town.poll() {
            match output {
                Output::Send { from, to, bytes } => {
                    self.net.send(now.tick, Datagram { from, to, bytes });
                }
                Output::Event(event) => self.events.push(event),
                Output::Sound(order) => self.sound(now, order),
                // The day's town has no span.
                Output::Frame { .. } | Output::Span { .. } => {}
            }
        }
    }

    /// Of the town's sound only the keys matter here: they arrive at the box at once.
    fn sound(&mut self, now: Now, order: SoundOrder) {
        match order {
            SoundOrder::Open(terms) | SoundOrder::Change(terms) => {
                self.terms.insert(terms.port, terms);
            }
            SoundOrder::Press(port, keys) => {
                if let Some(terms) = self.terms.get(&port) {
                    self.unit.press(now, terms.remote, &keys);
                }
            }
            SoundOrder::Close(port) => drop(self.terms.remove(&port)),
            SoundOrder::OpenBearer(_)
            | SoundOrder::Say(..)
            | SoundOrder::Sound(..)
            | SoundOrder::Hush(_) => {}
        }
    }

    fn apply(&mut self, change: TenantChange) -> i64 {
        let job = Job::of_tenant(self.clock.stamp(), Actor::Box, self.tenant, change);
        applied_id(&mut self.unit, job)
    }
}

fn applied_id(unit: &mut Unit, job: Job) -> i64 {
    unit.store.apply(&job).expect("a row").id().expect("an id")
}

fn phone(n: u32, habit: Habit) -> Phone {
    Phone {
        address: SocketAddr::from(([10, 0, 1, n as u8], 5060)),
        account: format!("{}", 8001 + n),
        secret: format!("secret {n}"),
        agent: format!("{}", 801 + n),
        pin: "4711".into(),
        name: format!("Agent {n}"),
        habit,
    }
}

fn add_agent(unit: &mut Unit, now: Now, tenant: TenantId, phone: &Phone) -> AgentId {
    let ha1 = Ha1::new(Algorithm::Md5, &phone.account, REALM, &phone.secret);
    let account = TenantChange::SaveAccount(SaveAccount {
        id: None,
        user: phone.account.clone(),
        label: phone.name.clone(),
        secrets: Some(AccountSecrets {
            secret: Secret::new(phone.secret.clone()),
            ha1: Secret::new(ha1.expose()),
        }),
        calls_max: 4,
        disabled: false,
    });
    let account =
        AccountId(applied_id(unit, Job::of_tenant(now.stamp, Actor::Box, tenant, account)));
    let agent = TenantChange::SaveAgent(SaveAgent {
        id: None,
        number: phone.agent.clone(),
        name: phone.name.clone(),
        pin_hash: Some("the world knows it".into()),
        person: None,
        account: Some(account),
        language: Language::En,
        seat: dialer::agent::Reach::NailedUp,
        disabled: false,
    });
    let agent = AgentId(applied_id(unit, Job::of_tenant(now.stamp, Actor::Box, tenant, agent)));
    unit.know_pin(&phone.agent, &phone.pin, agent);
    agent
}

fn add_trunk(unit: &mut Unit, now: Now, tenant: TenantId) -> TrunkId {
    let settings = serde_json::json!({
        "address": CARRIER.to_string(), "numbers": ["+861062000000"], "channels_max": 30,
    });
    let name = "town".to_owned();
    let save =
        BoxChange::SaveTrunk(SaveTrunk { id: None, name, settings, secret: None, disabled: false });
    let trunk = TrunkId(applied_id(unit, Job::of_box(now.stamp, Actor::Box, save)));
    let grant = BoxChange::GrantTrunk { trunk, tenant, calls_max: 30, caller_id: None };
    unit.store.apply(&Job::of_box(now.stamp, Actor::Box, grant)).expect("a grant");
    trunk
}
