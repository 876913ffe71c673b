//! The carrier: one SIP endpoint that takes the calls of the box's trunks to its customers, and
//! brings those of its customers to the box.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use call::{AccountId, Cause, LegPhase, Side, Tick, TrunkId};
use signal::sip::endpoint::{CallKey, CallSpec, Callee, Config, Endpoint, Output as Sip, Trunk};
use signal::sip::guard::Account;
use signal::sip::wire::StatusCode;

use super::chance::Chance;
use super::customer::{self, Act, Customer};
use super::output::{Citizen, Gate, Sight, SoundOrder, SoundPort};
use super::people::{Fate, Lot, Setup, plain};
use super::stream::Stream;
use super::{Order, OrderError, Timer};
use crate::limits::{FIXED_MAX, NUMBERS_MAX};
use crate::voice::Language;

/// The realm of the carrier's challenges.
const REALM: &str = "town";
/// The box, where its address is enough.
const LINEBOX: TrunkId = TrunkId(1);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    endpoint: Endpoint,
    chance: Chance,
    calls: BTreeMap<CallKey, Live>,
    /// By plain number: what a scenario wants.
    fixed: BTreeMap<String, Lot>,
    /// By plain number: how often it was called.
    called: BTreeMap<String, u32>,
    /// The box's registered account, where it must prove itself.
    account: Option<AccountId>,
    next_call: u64,
    /// The town ends.
    leaving: bool,
}

/// A customer's call.
#[derive(Clone, Debug)]
struct Live {
    who: Citizen,
    customer: Customer,
    stream: Stream,
    /// Our answer; given again with every response.
    answer: String,
    answered_at: Option<Tick>,
    heard: bool,
}

impl Carrier {
    pub(super) fn new(now: Tick, setup: &Setup) -> Carrier {
        let words = Chance::new(setup.words).branch("carrier").key();
        let accounts = setup.trunks.iter().zip(1..).filter(|(trunk, _)| trunk.register);
        let accounts: Vec<Account> = accounts
            .map(|(trunk, id)| {
                Account::with_password(AccountId(id), &trunk.username, REALM, &trunk.secret)
            })
            .collect();
        let open = setup.trunks.is_empty() || setup.trunks.iter().any(|trunk| !trunk.register);
        let trunks = if open { vec![Trunk::plain(LINEBOX, setup.linebox)] } else { Vec::new() };
        let config = Config {
            address: setup.carrier,
            agent: "Linebox town".to_owned(),
            realm: REALM.to_owned(),
            accounts,
            trunks,
        };
        Carrier {
            endpoint: Endpoint::new(now, words, config),
            chance: Chance::new(setup.seed),
            calls: BTreeMap::new(),
            fixed: BTreeMap::new(),
            called: BTreeMap::new(),
            account: None,
            next_call: 1,
            leaving: false,
        }
    }

    /// From now on this number fares so, whatever its entry says; nothing gives it back to chance.
    pub(super) fn fix(&mut self, number: &str, lot: Option<Lot>) -> bool {
        let number = plain(number).to_owned();
        match lot {
            None => {
                self.fixed.remove(&number);
            }
            Some(_) if self.fixed.len() >= FIXED_MAX && !self.fixed.contains_key(&number) => {
                return false;
            }
            Some(lot) => {
                self.fixed.insert(number, lot);
            }
        }
        true
    }

    pub(super) fn receive(
        &mut self,
        now: Tick,
        setup: &Setup,
        gate: &mut Gate,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        self.endpoint.handle_datagram(now, from, bytes);
        self.settle(now, setup, gate);
    }

    pub(super) fn expire(&mut self, now: Tick, setup: &Setup, gate: &mut Gate) {
        self.endpoint.handle_timeout(now);
        self.settle(now, setup, gate);
        let due = |live: &&mut Live| live.customer.next_timeout().is_some_and(|(at, _)| at <= now);
        for live in self.calls.values_mut().filter(due) {
            live.customer.handle_timeout(now);
        }
        self.settle(now, setup, gate);
    }

    pub(super) fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let customers = self.calls.values().filter_map(|live| live.customer.next_timeout());
        let customer = customers.min();
        [
            self.endpoint.next_timeout().map(|(at, timer)| (at, Timer::Sip(timer))),
            customer.map(|(at, timer): (_, customer::Timer)| (at, Timer::Customer(timer))),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn call_at(&self, port: SoundPort) -> Option<CallKey> {
        self.calls.iter().find(|(_, live)| live.stream.port() == port).map(|(call, _)| *call)
    }

    pub(super) fn hear_start(&mut self, now: Tick, setup: &Setup, gate: &mut Gate, call: CallKey) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        if !core::mem::replace(&mut live.heard, true) {
            let after_ms = now.since_ms(live.answered_at.unwrap_or(now));
            gate.tell(now, &live.who, Sight::Heard { after_ms });
        }
        live.customer.handle_started(now);
        self.settle(now, setup, gate);
    }

    pub(super) fn hear_end(&mut self, now: Tick, setup: &Setup, gate: &mut Gate, call: CallKey) {
        if let Some(live) = self.calls.get_mut(&call) {
            live.customer.handle_ended(now);
        }
        self.settle(now, setup, gate);
    }

    pub(super) fn hear_key(&mut self, now: Tick, gate: &mut Gate, call: CallKey, key: char) {
        if let Some(live) = self.calls.get(&call) {
            gate.tell(now, &live.who, Sight::Key(key));
        }
    }

    /// The town ends: everybody hangs up.
    pub(super) fn leave(&mut self, now: Tick, setup: &Setup, gate: &mut Gate) {
        self.leaving = true;
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for call in calls {
            self.endpoint.hang_up(now, call, Cause::NormalClearing);
        }
        self.settle(now, setup, gate);
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.calls.is_empty()
    }

    /// Customers in a call, with when it was answered and where its sound goes.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&Citizen, Option<Tick>, &Stream)> {
        self.calls.values().map(|live| (&live.who, live.answered_at, &live.stream))
    }

    pub(super) fn order(
        &mut self,
        now: Tick,
        setup: &Setup,
        gate: &mut Gate,
        number: &str,
        order: Order,
    ) -> Result<(), OrderError> {
        let who = Citizen::Customer(plain(number).to_owned());
        let call = self.calls.iter().find(|(_, live)| live.who == who).map(|(call, _)| *call);
        match (order, call) {
            (Order::Dial(_), Some(_)) => return Err(OrderError::Busy),
            (Order::Dial(called), None) => self.dial(now, setup, gate, number, called)?,
            (Order::Press(_) | Order::Say(_) | Order::HangUp, None) => {
                return Err(OrderError::NoCall);
            }
            (Order::Press(keys), Some(call)) => {
                if let Some(live) = self.calls.get(&call) {
                    let pressed = keys.clone();
                    live.stream.order(gate, |port| SoundOrder::Press(port, keys));
                    gate.tell(now, &live.who, Sight::Pressed(pressed));
                }
            }
            (Order::Say(voice), Some(call)) => {
                if let Some(live) = self.calls.get(&call) {
                    live.stream.order(gate, |port| SoundOrder::Say(port, voice));
                }
            }
            (Order::HangUp, Some(call)) => {
                self.endpoint.hang_up(now, call, Cause::NormalClearing);
            }
        }
        self.settle(now, setup, gate);
        Ok(())
    }

    /// Takes what the endpoint and the customers have to say until all are silent.
    fn settle(&mut self, now: Tick, setup: &Setup, gate: &mut Gate) {
        loop {
            while let Some(output) = self.endpoint.poll() {
                self.signalled(now, setup, gate, output);
            }
            let mut acted = false;
            let calls: Vec<CallKey> = self.calls.keys().copied().collect();
            for call in calls {
                while let Some(act) = self.calls.get_mut(&call).and_then(|l| l.customer.poll()) {
                    self.act(now, gate, call, act);
                    acted = true;
                }
            }
            if !acted {
                break;
            }
        }
    }

    fn act(&mut self, now: Tick, gate: &mut Gate, call: CallKey, act: Act) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        match act {
            Act::Ring => self.endpoint.progress(now, call, StatusCode::RINGING, None),
            Act::Progress => {
                live.stream.flow(gate);
                let progress = StatusCode::SESSION_PROGRESS;
                self.endpoint.progress(now, call, progress, Some(&live.answer));
            }
            Act::Answer => {
                live.stream.order(gate, SoundOrder::Hush);
                live.stream.flow(gate);
                self.endpoint.answer(now, call, &live.answer);
            }
            Act::Reject(cause) => self.endpoint.reject(now, call, cause),
            Act::HangUp => self.endpoint.hang_up(now, call, Cause::NormalClearing),
            Act::Say(voice) => live.stream.order(gate, |port| SoundOrder::Say(port, voice)),
            Act::Sound(tone) => live.stream.order(gate, |port| SoundOrder::Sound(port, tone)),
        }
    }

    fn signalled(&mut self, now: Tick, setup: &Setup, gate: &mut Gate, output: Sip) {
        match output {
            Sip::Send { to, bytes } => gate.send(setup.carrier, to.peer, bytes),
            Sip::Incoming { call, caller, called, offer, .. } => {
                self.rung(now, setup, gate, call, caller.number, &called, offer.as_deref());
            }
            Sip::Phase { call, phase, cause, by, sdp } => {
                self.phase(now, gate, call, phase, (cause, by), sdp.as_deref());
            }
            Sip::Reoffer { call, offer } => self.reoffered(now, gate, call, offer.as_deref()),
            Sip::LateAnswer { call, sdp } => {
                if let Some(live) = self.calls.get_mut(&call)
                    && live.stream.accept(&sdp).is_ok()
                {
                    live.stream.flow(gate);
                }
            }
            Sip::Digit { call, digit, .. } => self.hear_key(now, gate, call, digit),
            Sip::Registered { account, fresh, .. } => {
                self.account = Some(account);
                if fresh {
                    gate.tell(now, &Citizen::Carrier, Sight::Registered);
                }
            }
            Sip::Unregistered { remaining: 0, .. } => {
                self.account = None;
                gate.tell(now, &Citizen::Carrier, Sight::Unregistered { status: None });
            }
            Sip::Unregistered { .. }
            | Sip::TrunkUp { .. }
            | Sip::TrunkDown { .. }
            | Sip::LockedOut { .. }
            | Sip::RecordEnded { .. }
            | Sip::Counted(_) => {}
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one output")]
    fn rung(
        &mut self,
        now: Tick,
        setup: &Setup,
        gate: &mut Gate,
        call: CallKey,
        caller: Option<String>,
        called: &str,
        offer: Option<&str>,
    ) {
        let number = plain(called);
        let who = Citizen::Customer(number.to_owned());
        let Some(port) = self.take_port(gate) else {
            gate.tell(now, &who, Sight::TurnedAway(Cause::Congestion));
            return self.endpoint.reject(now, call, Cause::Congestion);
        };
        let mut stream = Stream::new(port, setup.carrier.ip(), setup.rtp_first, setup.codec);
        let Ok(answer) = stream.answer(offer) else {
            gate.give_back(port);
            gate.tell(now, &who, Sight::TurnedAway(Cause::IncompatibleDestination));
            return self.endpoint.reject(now, call, Cause::IncompatibleDestination);
        };
        let (lot, chance) = self.draw(setup, number);
        gate.tell(now, &who, Sight::Rung { caller, lot });
        let customer = Customer::called(now, scaled(setup, lot), language_of(number), chance);
        let live = Live { who, customer, stream, answer, answered_at: None, heard: false };
        self.calls.insert(call, live);
    }

    fn take_port(&self, gate: &mut Gate) -> Option<SoundPort> {
        if self.leaving { None } else { gate.take_port() }
    }

    /// A number that nobody has is dead. Each call to a number draws anew, from a stream of its own.
    fn draw(&mut self, setup: &Setup, number: &str) -> (Lot, Chance) {
        let times = self.called.get(number).copied().unwrap_or(0);
        if self.called.len() < NUMBERS_MAX || self.called.contains_key(number) {
            self.called.insert(number.to_owned(), times + 1);
        }
        let mut chance = self.chance.branch(&format!("customer {number} {times}"));
        let drawn = setup.subscriber(number).map(|subscriber| subscriber.draw(&mut chance));
        let lot = self.fixed.get(number).copied().or(drawn);
        (lot.unwrap_or(Lot::sure(Fate::Unallocated)), chance)
    }

    fn dial(
        &mut self,
        now: Tick,
        setup: &Setup,
        gate: &mut Gate,
        number: &str,
        called: String,
    ) -> Result<(), OrderError> {
        let port = gate.take_port().ok_or(OrderError::NoPort)?;
        let mut stream = Stream::new(port, setup.carrier.ip(), setup.rtp_first, setup.codec);
        let call = CallKey(self.next_call);
        self.next_call += 1;
        let to = match self.account {
            Some(account) => Callee::Account(account),
            None => Callee::Number { trunk: LINEBOX, number: called.clone() },
        };
        let spec = CallSpec {
            call,
            to,
            caller: number.to_owned(),
            display: None,
            asserted: None,
            auto_answer: false,
            sdp: stream.offer(),
        };
        if self.endpoint.invite(now, spec).is_err() {
            gate.give_back(port);
            return Err(OrderError::NoWay);
        }
        let who = Citizen::Customer(plain(number).to_owned());
        gate.tell(now, &who, Sight::Dialled(called));
        let (lot, chance) = self.draw(setup, plain(number));
        let customer = Customer::calling(scaled(setup, lot), language_of(number), chance);
        let answer = String::new();
        let live = Live { who, customer, stream, answer, answered_at: None, heard: false };
        self.calls.insert(call, live);
        Ok(())
    }

    fn phase(
        &mut self,
        now: Tick,
        gate: &mut Gate,
        call: CallKey,
        phase: LegPhase,
        (cause, by): (Option<Cause>, Option<Side>),
        sdp: Option<&str>,
    ) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        let agreed = sdp.map(|sdp| live.stream.accept(sdp).map(|()| live.stream.flow(gate)));
        if let Some(Err(_)) = agreed {
            return self.endpoint.hang_up(now, call, Cause::IncompatibleDestination);
        }
        match phase {
            LegPhase::Answered if live.answered_at.is_none() => {
                live.answered_at = Some(now);
                gate.tell(now, &live.who, Sight::Answered);
                if !call.is_incoming() {
                    live.customer.handle_answered(now);
                }
            }
            LegPhase::Ended => {
                let Some(live) = self.calls.remove(&call) else { return };
                let talked_ms = live.answered_at.map(|at| now.since_ms(at));
                let cause = cause.unwrap_or(Cause::NormalUnspecified);
                let by = by.unwrap_or(Side::Far);
                live.stream.close(gate);
                gate.tell(now, &live.who, Sight::Ended { cause, by, talked_ms });
            }
            LegPhase::Idle
            | LegPhase::Seized
            | LegPhase::Dialing
            | LegPhase::Proceeding
            | LegPhase::Alerting
            | LegPhase::Answered
            | LegPhase::Releasing => {}
        }
    }

    fn reoffered(&mut self, now: Tick, gate: &mut Gate, call: CallKey, offer: Option<&str>) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        let was_held = live.stream.is_held();
        let Ok(answer) = live.stream.answer(offer) else {
            return self.endpoint.refuse_reoffer(now, call);
        };
        live.stream.flow(gate);
        let held = live.stream.is_held();
        self.endpoint.accept_reoffer(now, call, &answer);
        if held != was_held {
            gate.tell(now, &live.who, Sight::Held(held));
        }
    }
}

fn scaled(setup: &Setup, lot: Lot) -> Lot {
    Lot { ring_ms: setup.scaled_ms(lot.ring_ms), talk_ms: setup.scaled_ms(lot.talk_ms), ..lot }
}

/// People in China speak Mandarin here, everybody else English.
fn language_of(number: &str) -> Language {
    if plain(number).starts_with("86") { Language::Zh } else { Language::En }
}
