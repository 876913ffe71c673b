//! The carrier: one SIP endpoint that takes the calls of the box's trunks to its customers, and
//! brings those of its customers to the box.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use call::{AccountId, Cause, LegPhase, Side, Tick, TrunkId};
use signal::sip::endpoint::{CallKey, CallSpec, Callee, Config, Endpoint, Output as Sip, Trunk};
use signal::sip::guard::Account;
use signal::sip::wire::StatusCode;

use super::chance::Chance;
use super::customer::{self, Act, Customer, Manner};
use super::output::{Citizen, Gate, Sight, SoundOrder, SoundPort};
use super::people::Setup;
use super::stream::Stream;
use super::subscriber::plain;
use super::talk::Talk;
use super::{Around, Order, OrderError, Timer};

/// The realm of the carrier's challenges.
const REALM: &str = "town";
/// The box, where its address is enough.
const LINEBOX: TrunkId = TrunkId(1);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    endpoint: Endpoint,
    calls: BTreeMap<CallKey, Live>,
    /// The box's registered account, where it must prove itself.
    account: Option<AccountId>,
    next_call: u64,
    /// The town ends.
    leaving: bool,
}

/// A customer's call.
#[derive(Clone, Debug)]
struct Live {
    talk: Talk,
    stream: Stream,
    /// Our answer; given again with every response.
    answer: String,
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
            calls: BTreeMap::new(),
            account: None,
            next_call: 1,
            leaving: false,
        }
    }

    pub(super) fn receive(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        self.endpoint.handle_datagram(now, from, bytes);
        self.settle(now, around);
    }

    pub(super) fn expire(&mut self, now: Tick, around: &mut Around<'_>) {
        self.endpoint.handle_timeout(now);
        self.settle(now, around);
        for live in self.calls.values_mut().filter(|live| live.talk.is_due(now)) {
            live.talk.customer.handle_timeout(now);
        }
        self.settle(now, around);
    }

    pub(super) fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let customers = self.calls.values();
        let customer = customers.filter_map(|live| live.talk.customer.next_timeout()).min();
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

    pub(super) fn hear_start(&mut self, now: Tick, around: &mut Around<'_>, call: CallKey) {
        if let Some(live) = self.calls.get_mut(&call) {
            live.talk.handle_started(now, around.gate);
        }
        self.settle(now, around);
    }

    pub(super) fn hear_end(&mut self, now: Tick, around: &mut Around<'_>, call: CallKey) {
        if let Some(live) = self.calls.get_mut(&call) {
            live.talk.customer.handle_ended(now);
        }
        self.settle(now, around);
    }

    pub(super) fn hear_key(&mut self, now: Tick, gate: &mut Gate, call: CallKey, key: char) {
        if let Some(live) = self.calls.get(&call) {
            gate.tell(now, &live.talk.who, Sight::Key(key));
        }
    }

    /// The town ends: everybody hangs up.
    pub(super) fn leave(&mut self, now: Tick, around: &mut Around<'_>) {
        self.leaving = true;
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for call in calls {
            self.endpoint.hang_up(now, call, Cause::NormalClearing);
        }
        self.settle(now, around);
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn has_number(&self, number: &str) -> bool {
        let is = |live: &Live| matches!(&live.talk.who, Citizen::Customer(own) if own == number);
        self.calls.values().any(is)
    }

    /// Customers in a call, with where its sound goes.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&Talk, &Stream)> {
        self.calls.values().map(|live| (&live.talk, &live.stream))
    }

    pub(super) fn order(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        number: &str,
        order: Order,
    ) -> Result<(), OrderError> {
        let who = Citizen::Customer(plain(number).to_owned());
        let call = self.calls.iter().find(|(_, live)| live.talk.who == who).map(|(call, _)| *call);
        match (order, call) {
            (Order::Dial(_) | Order::Call(_), Some(_)) => return Err(OrderError::Busy),
            (Order::Dial(called), None) => self.dial(now, around, number, called)?,
            (Order::Call(dialling), None) => self.dial(now, around, number, dialling.called)?,
            (Order::Press(_) | Order::Say(_) | Order::HangUp, None) => {
                return Err(OrderError::NoCall);
            }
            (Order::Press(keys), Some(call)) => self.act(now, around, call, Act::Press(keys)),
            (Order::Say(voice), Some(call)) => self.act(now, around, call, Act::Say(voice)),
            (Order::HangUp, Some(call)) => self.act(now, around, call, Act::HangUp),
        }
        self.settle(now, around);
        Ok(())
    }

    /// Takes what the endpoint and the customers have to say until all are silent.
    fn settle(&mut self, now: Tick, around: &mut Around<'_>) {
        loop {
            while let Some(output) = self.endpoint.poll() {
                self.signalled(now, around, output);
            }
            let mut acted = false;
            let calls: Vec<CallKey> = self.calls.keys().copied().collect();
            for call in calls {
                while let Some(act) =
                    self.calls.get_mut(&call).and_then(|live| live.talk.customer.poll())
                {
                    self.act(now, around, call, act);
                    acted = true;
                }
            }
            if !acted {
                break;
            }
        }
    }

    fn act(&mut self, now: Tick, around: &mut Around<'_>, call: CallKey, act: Act) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        let gate = &mut *around.gate;
        match act {
            Act::Ring { heard } => {
                self.endpoint.progress(now, call, StatusCode::RINGING, None);
                if heard {
                    self.sound_early(now, gate, call);
                }
            }
            // SIP has no sound after the end, so it comes before.
            Act::Early | Act::Clear(_) => self.sound_early(now, gate, call),
            Act::Answer => {
                live.stream.order(gate, SoundOrder::Hush);
                live.stream.flow(gate);
                self.endpoint.answer(now, call, &live.answer);
            }
            Act::Refuse(cause) => self.endpoint.reject(now, call, cause),
            Act::HangUp => self.endpoint.hang_up(now, call, Cause::NormalClearing),
            Act::Say(voice) => live.stream.order(gate, |port| SoundOrder::Say(port, voice)),
            Act::Sound(tone) => live.stream.order(gate, |port| SoundOrder::Sound(port, tone)),
            Act::Press(keys) => {
                let pressed = keys.clone();
                live.stream.order(gate, |port| SoundOrder::Press(port, keys));
                gate.tell(now, &live.talk.who, Sight::Pressed(pressed));
            }
        }
    }

    fn sound_early(&mut self, now: Tick, gate: &mut Gate, call: CallKey) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        live.stream.flow(gate);
        let progress = StatusCode::SESSION_PROGRESS;
        self.endpoint.progress(now, call, progress, Some(&live.answer));
    }

    fn signalled(&mut self, now: Tick, around: &mut Around<'_>, output: Sip) {
        match output {
            Sip::Send { to, bytes } => around.gate.send(around.setup.carrier, to.peer, bytes),
            Sip::Incoming { call, caller, called, offer, .. } => {
                self.rung(now, around, call, caller.number, &called, offer.as_deref());
            }
            Sip::Phase { call, phase, cause, by, sdp } => {
                self.phase(now, around.gate, call, phase, (cause, by), sdp.as_deref());
            }
            Sip::Reoffer { call, offer } => {
                self.reoffered(now, around.gate, call, offer.as_deref())
            }
            Sip::LateAnswer { call, sdp } => {
                if let Some(live) = self.calls.get_mut(&call)
                    && live.stream.accept(&sdp).is_ok()
                {
                    live.stream.flow(around.gate);
                }
            }
            Sip::Digit { call, digit, .. } => self.hear_key(now, around.gate, call, digit),
            Sip::Registered { account, fresh, .. } => {
                self.account = Some(account);
                if fresh {
                    around.gate.tell(now, &Citizen::Carrier, Sight::Registered);
                }
            }
            Sip::Unregistered { remaining: 0, .. } => {
                self.account = None;
                around.gate.tell(now, &Citizen::Carrier, Sight::Unregistered { status: None });
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
        around: &mut Around<'_>,
        call: CallKey,
        caller: Option<String>,
        called: &str,
        offer: Option<&str>,
    ) {
        let number = plain(called);
        let who = Citizen::Customer(number.to_owned());
        let Some(port) = self.take_port(around.gate) else {
            around.gate.tell(now, &who, Sight::TurnedAway(Cause::Congestion));
            return self.endpoint.reject(now, call, Cause::Congestion);
        };
        let mut stream = stream(around.setup, port);
        let Ok(answer) = stream.answer(offer) else {
            around.gate.give_back(port);
            around.gate.tell(now, &who, Sight::TurnedAway(Cause::IncompatibleDestination));
            return self.endpoint.reject(now, call, Cause::IncompatibleDestination);
        };
        let person = around.directory.draw(around.setup, now, number);
        around.gate.tell(now, &who, Sight::Rung { caller, lot: person.lot });
        let customer = Customer::called(now, around.setup, person, manner(around.setup));
        self.calls.insert(call, Live { talk: Talk::new(who, customer), stream, answer });
    }

    fn take_port(&self, gate: &mut Gate) -> Option<SoundPort> {
        if self.leaving { None } else { gate.take_port() }
    }

    fn dial(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        number: &str,
        called: String,
    ) -> Result<(), OrderError> {
        let port = around.gate.take_port().ok_or(OrderError::NoPort)?;
        let mut stream = stream(around.setup, port);
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
            around.gate.give_back(port);
            return Err(OrderError::NoWay);
        }
        let who = Citizen::Customer(plain(number).to_owned());
        around.gate.tell(now, &who, Sight::Dialled(called));
        let person = around.directory.draw(around.setup, now, number);
        let customer = Customer::calling(around.setup, person, manner(around.setup));
        let answer = String::new();
        self.calls.insert(call, Live { talk: Talk::new(who, customer), stream, answer });
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
            LegPhase::Answered => live.talk.handle_answered(now, gate, !call.is_incoming()),
            LegPhase::Ended => {
                let Some(live) = self.calls.remove(&call) else { return };
                live.stream.close(gate);
                live.talk.end(now, gate, cause, by);
            }
            LegPhase::Idle
            | LegPhase::Seized
            | LegPhase::Dialing
            | LegPhase::Proceeding
            | LegPhase::Alerting
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
            gate.tell(now, &live.talk.who, Sight::Held(held));
        }
    }
}

fn stream(setup: &Setup, port: SoundPort) -> Stream {
    Stream::new(port, setup.carrier.ip(), setup.rtp_first, setup.codec)
}

/// A refusal has its status; it needs no tone.
const fn manner(setup: &Setup) -> Manner {
    Manner { nation: setup.tones, tells: false }
}
