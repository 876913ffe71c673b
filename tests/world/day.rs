//! One day of the box in its town: everything that moves, under one clock.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use board_sim::town::{
    Bad, Citizen, Event, Fault, Habit, Lot, Order as Say, OrderError, Output, Phone, Setup, Sight,
    SoundOrder, SoundPort, Span, Subscriber, Terms, Town, Trunk,
};
use call::{AccountId, AgentId, CampaignId, LeadId, Now, Stamp, TenantId, Tick, TrunkId};
use dialer::campaign::{Order, Settings};
use dialer::hours::Hours;
use dialer::outcome::{DispositionSet, Language};
use store::attempts::AttemptRecord;
use store::batches::{ImportRow, Parsed};
use store::{Actor, BatchId, BoxChange, Job, Page, TenantChange};
use switchd::switch::SpanSetup;

use crate::rows::{add_agent, add_span, add_trunk, applied_id, phone, route_numbers, town_numbers};
use crate::unit::{SIP, Unit};
use crate::wire::{End, Wires};
use crate::{Chance, Clock, Datagram, Faults, Net};

/// 2026-11-20 10:00 in Shanghai.
pub const MORNING: Stamp = Stamp(1_795_140_000_000);

/// Where the SIP carrier is.
pub(crate) const CARRIER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 5060);
/// When the day began in Shanghai, of which the town's day is a part.
const MIDNIGHT: Stamp = Stamp(MORNING.0 - 10 * 3_600_000);

/// A day.
pub struct Day {
    /// The only clock.
    pub clock: Clock,
    /// The wires of IP.
    pub net: Net,
    /// The wires of the spans.
    pub wires: Wires,
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
    /// Their phones' accounts.
    pub accounts: Vec<AccountId>,
    /// The trunk over which the campaign dials.
    pub trunk: TrunkId,
    terms: BTreeMap<SoundPort, Terms>,
    /// Channels with a call, by the town's port: span (from 0) and time slot.
    bearers: BTreeMap<SoundPort, (u8, u8)>,
    /// Steps since time last moved.
    steps_at_once: u32,
}

/// Steps within one millisecond that even a storm of packets does not need: more means that somebody
/// asks to be woken at once for ever.
const STEPS_AT_ONCE_MAX: u32 = 10_000;

/// Rows of the database looked at in one go.
const PAGE_ROWS: usize = 400;

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
    /// The E1 over which the campaign dials in place of the SIP carrier.
    pub e1: Option<E1>,
    /// The wall clock at the start.
    pub start: Stamp,
}

/// An E1 between the box and the exchange.
#[derive(Clone, Debug)]
pub struct E1 {
    /// The exchange's side.
    pub span: Span,
    /// How bad it is.
    pub bad: Bad,
}

impl E1 {
    /// A good one with fifty numbers, en bloc, without check sequences.
    #[must_use]
    pub fn plain() -> E1 {
        let span = Span { numbers: vec![town_numbers()], ..Span::plain("run/span1") };
        E1 { span, bad: Bad::NONE }
    }
}

impl Plan {
    /// The same over a good E1.
    #[must_use]
    pub fn over_e1(seed: u64) -> Plan {
        Plan { e1: Some(E1::plain()), ..Plan::new(seed) }
    }

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
            e1: None,
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
        let e1: Vec<&E1> = plan.e1.iter().collect();
        let plugged = |e1: &&E1| SpanSetup {
            device: e1.span.attach.clone(),
            slots: e1.span.channels.clone(),
            echo: false,
            turnaround_ticks: 2,
        };
        let spans = e1.iter().map(plugged).collect();
        let mut unit = Unit::new(now, chance.branch("box"), spans);
        let tenant = TenantId(applied_id(
            &mut unit,
            Job::of_box(now.stamp, Actor::Box, BoxChange::AddTenant { name: "Office".into() }),
        ));
        let trunk = match &plan.e1 {
            Some(e1) => add_span(&mut unit, now, tenant, &e1.span),
            None => add_trunk(&mut unit, now, tenant),
        };
        let phones: Vec<Phone> = (0..plan.agents).map(|n| phone(n, plan.habit)).collect();
        let added = phones.iter().map(|phone| add_agent(&mut unit, now, tenant, phone));
        let (agents, accounts): (Vec<AgentId>, Vec<AccountId>) = added.unzip();
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
        setup.day_ms = u64::try_from(plan.start.since_ms(MIDNIGHT)).unwrap_or(0);
        setup.spans = e1.iter().map(|e1| e1.span.clone()).collect();
        setup.bad = plan.e1.as_ref().map_or(Bad::NONE, |e1| e1.bad);
        let town = Town::new(now.tick, setup);
        let net = Net::new(plan.faults, chance.branch("net"));
        let wires = Wires::new(e1.iter().map(|e1| e1.span.fcs).collect());
        let mut day = Day {
            clock,
            net,
            wires,
            unit,
            town,
            events: Vec::new(),
            tenant,
            campaign,
            agents,
            accounts,
            trunk,
            terms: BTreeMap::new(),
            bearers: BTreeMap::new(),
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

    /// Where calls from outside to this number of the span go: the JSON of its row.
    pub fn route(&mut self, number: &str, route: serde_json::Value) {
        let now = self.now();
        let whose = (self.trunk, self.tenant);
        route_numbers(&mut self.unit, now, whose, vec![number.to_owned()], route);
        self.unit.reload(now);
        self.flush();
    }

    /// Tells a citizen what to do.
    ///
    /// # Errors
    /// When the citizen cannot.
    pub fn say(&mut self, who: &Citizen, order: Say) -> Result<(), OrderError> {
        let done = self.town.handle_order(self.clock.now(), who, order);
        self.flush();
        done
    }

    /// Something goes wrong at the span.
    pub fn harm(&mut self, fault: Fault) {
        assert!(self.town.harm(self.clock.now(), 0, fault), "there is no span");
        self.flush();
    }

    /// Lets time pass until `until`.
    pub fn run_until(&mut self, until: Tick) {
        self.flush();
        loop {
            let next = [
                self.net.next_timeout(),
                self.wires.next_timeout(),
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
        let mut attempts = Vec::new();
        let mut page = Page::first(PAGE_ROWS);
        loop {
            let rows = rows.attempts(&filter, page).expect("attempts");
            let is_last = rows.len() < PAGE_ROWS;
            attempts.extend(rows);
            match attempts.last().filter(|_| !is_last) {
                Some(last) => page = Page { before: Some(last.cursor()), ..page },
                None => break,
            }
        }
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
            "time stands still at {}: box {:?}, town {:?}, net {:?}, wires {:?}",
            self.clock.now(),
            self.unit.wakes(),
            self.town.next_timeout(),
            self.net.next_timeout(),
            self.wires.next_timeout()
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
        while let Some((to, span, frame)) = self.wires.poll(now.tick) {
            match to {
                End::Unit => self.unit.handle_frame(now, span, &frame),
                End::Exchange => self.town.handle_frame(now.tick, span, &frame),
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
        self.collect(now);
        while let Some(output) = self.town.poll() {
            match output {
                Output::Send { from, to, bytes } => {
                    self.net.send(now.tick, Datagram { from, to, bytes });
                }
                Output::Event(event) => self.events.push(event),
                Output::Sound(order) => self.sound(now, order),
                Output::Frame { span, bytes } => {
                    self.wires.send(now.tick, End::Unit, span, bytes);
                }
                Output::Span { span, up } => {
                    self.wires.cut(span);
                    self.unit.handle_span(now, span, up);
                }
            }
        }
        self.collect(now);
    }

    /// Takes what the box says.
    fn collect(&mut self, now: Now) {
        while let Some((to, bytes)) = self.unit.poll() {
            self.net.send(now.tick, Datagram { from: SIP, to, bytes });
        }
        while let Some((span, frame)) = self.unit.poll_frame() {
            self.wires.send(now.tick, End::Exchange, span, frame);
        }
    }

    /// Of the town's sound only the keys matter here: they arrive at the box at once.
    fn sound(&mut self, now: Now, order: SoundOrder) {
        match order {
            SoundOrder::Open(terms) | SoundOrder::Change(terms) => {
                self.terms.insert(terms.port, terms);
            }
            SoundOrder::OpenBearer(terms) => {
                let channel = (terms.span, terms.slot);
                let other = self.bearers.insert(terms.port, channel);
                assert!(other.is_none(), "two calls of the town are on channel {channel:?}");
            }
            SoundOrder::Press(port, keys) => {
                if let Some(terms) = self.terms.get(&port) {
                    self.unit.press(now, terms.remote, &keys);
                } else if let Some(channel) = self.bearers.get(&port) {
                    self.unit.press_bearer(now, *channel, &keys);
                }
            }
            SoundOrder::Close(port) => {
                self.terms.remove(&port);
                self.bearers.remove(&port);
            }
            SoundOrder::Say(..) | SoundOrder::Sound(..) | SoundOrder::Hush(_) => {}
        }
    }

    fn apply(&mut self, change: TenantChange) -> i64 {
        let job = Job::of_tenant(self.clock.stamp(), Actor::Box, self.tenant, change);
        applied_id(&mut self.unit, job)
    }
}
