//! A phone: a SIP endpoint whose one trunk is the box, with an agent at it. One call at a time.

use call::{Cause, LegPhase, Side, Tick, TrunkId};
use signal::sip::endpoint::{
    CallKey, CallSpec, Callee, Config, Endpoint, Output as Sip, Register, Timer as SipTimer, Trunk,
};
use signal::sip::login::Login;

use super::agent::{self, Act, Agent, Duty, Nature};
use super::chance::Chance;
use super::output::{Citizen, Gate, Sight, SoundOrder, SoundPort};
use super::people::{Phone as Person, Setup};
use super::stream::Stream;
use super::{Order, OrderError, Timer};

/// The box, as a phone sees it.
const LINEBOX: TrunkId = TrunkId(1);
/// For how long a phone registers, in seconds.
const EXPIRES_S: u32 = 120;
/// The first pause after a refused or unanswered registration, in milliseconds; it doubles. At
/// first the box may not know the account yet; insisting faster would lock it out.
const RETRY_MS: u64 = 5_000;
/// The longest pause, in milliseconds.
const RETRY_MAX_MS: u64 = 60_000;
/// Phones begin to register within so many milliseconds.
const SPREAD_MS: u64 = 500;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Phone {
    person: Person,
    who: Citizen,
    endpoint: Endpoint,
    config: Config,
    agent: Agent,
    live: Option<Live>,
    next_call: u64,
    registered: bool,
    /// When it registers (again).
    register_at: Option<Tick>,
    failures: u32,
    /// The town ends.
    leaving: bool,
}

/// The call at a phone.
#[derive(Clone, Debug)]
struct Live {
    call: CallKey,
    stream: Stream,
    /// Our answer, until it is given.
    answer: Option<String>,
    answered_at: Option<Tick>,
    heard: bool,
}

impl Phone {
    pub(super) fn new(now: Tick, setup: &Setup, person: Person) -> Phone {
        let own = format!("phone {}", person.account);
        let mut chance = Chance::new(setup.seed).branch(&own);
        let words = Chance::new(setup.words).branch(&own).key();
        let login = Login { user: person.account.clone(), password: person.secret.clone() };
        let register = Register { user: person.account.clone(), expires_s: EXPIRES_S };
        let linebox = Trunk {
            login: Some(login),
            register: Some(register),
            ..Trunk::plain(LINEBOX, setup.linebox)
        };
        let config = Config {
            address: person.address,
            agent: "Linebox town phone".to_owned(),
            realm: "town".to_owned(),
            accounts: Vec::new(),
            trunks: vec![linebox],
        };
        let away = Config { trunks: Vec::new(), ..config.clone() };
        let nature = Nature {
            number: person.agent.clone(),
            pin: person.pin.clone(),
            language: setup.language,
            hears: setup.hears,
            habit: person.habit,
            scale: setup.scale,
        };
        Phone {
            who: Citizen::Phone(person.account.clone()),
            endpoint: Endpoint::new(now, words, away),
            config,
            register_at: Some(now + chance.between(0, SPREAD_MS)),
            agent: Agent::new(nature, chance),
            person,
            live: None,
            next_call: 1,
            registered: false,
            failures: 0,
            leaving: false,
        }
    }

    pub(super) const fn person(&self) -> &Person {
        &self.person
    }

    pub(super) const fn duty(&self) -> Duty {
        self.agent.duty()
    }

    pub(super) const fn is_registered(&self) -> bool {
        self.registered
    }

    pub(super) fn stream(&self) -> Option<&Stream> {
        self.live.as_ref().map(|live| &live.stream)
    }

    pub(super) fn receive(
        &mut self,
        now: Tick,
        setup: &Setup,
        gate: &mut Gate,
        from: std::net::SocketAddr,
        bytes: &[u8],
    ) {
        self.endpoint.handle_datagram(now, from, bytes);
        self.settle(now, setup, gate);
    }

    pub(super) fn expire(&mut self, now: Tick, setup: &Setup, gate: &mut Gate) {
        if self.register_at.take_if(|at| *at <= now).is_some() {
            // Leaving the trunk out for a moment makes it begin anew.
            let away = Config { trunks: Vec::new(), ..self.config.clone() };
            self.endpoint.configure(now, away);
            self.endpoint.configure(now, self.config.clone());
        }
        self.endpoint.handle_timeout(now);
        self.settle(now, setup, gate);
        self.agent.handle_timeout(now);
        self.settle(now, setup, gate);
    }

    pub(super) fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let sip = self.endpoint.next_timeout();
        [
            self.register_at.map(|at| (at, Timer::Register)),
            sip.map(|(at, timer): (Tick, SipTimer)| (at, Timer::Sip(timer))),
            self.agent
                .next_timeout()
                .map(|(at, timer): (_, agent::Timer)| (at, Timer::Agent(timer))),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn hear_start(&mut self, now: Tick, setup: &Setup, gate: &mut Gate) {
        if let Some(live) = &mut self.live
            && !core::mem::replace(&mut live.heard, true)
        {
            let after_ms = now.since_ms(live.answered_at.unwrap_or(now));
            gate.tell(now, &self.who, Sight::Heard { after_ms });
        }
        self.agent.handle_started(now);
        self.settle(now, setup, gate);
    }

    pub(super) fn hear_end(&mut self, now: Tick, setup: &Setup, gate: &mut Gate, lasted_ms: u32) {
        self.agent.handle_silence(now, lasted_ms);
        self.settle(now, setup, gate);
    }

    pub(super) fn hear_key(&mut self, now: Tick, gate: &mut Gate, key: char) {
        gate.tell(now, &self.who, Sight::Key(key));
    }

    pub(super) fn lose_sound(&mut self, now: Tick, setup: &Setup, gate: &mut Gate) {
        self.agent.handle_lost();
        self.settle(now, setup, gate);
    }

    /// The town ends: the phone goes on hook and signs off.
    pub(super) fn leave(&mut self, now: Tick, setup: &Setup, gate: &mut Gate) {
        self.leaving = true;
        self.register_at = None;
        if let Some(live) = &self.live {
            self.endpoint.hang_up(now, live.call, Cause::NormalClearing);
        }
        self.endpoint.stop(now);
        self.settle(now, setup, gate);
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.live.is_none() && !self.registered
    }

    pub(super) fn order(
        &mut self,
        now: Tick,
        setup: &Setup,
        gate: &mut Gate,
        order: Order,
    ) -> Result<(), OrderError> {
        match order {
            Order::Dial(number) if self.live.is_none() => {
                self.agent.handle_dialled();
                self.dial(now, setup, gate, number);
            }
            Order::Call(dialling) if self.live.is_none() => {
                self.agent.handle_dialled();
                self.dial(now, setup, gate, dialling.called);
            }
            Order::Dial(_) | Order::Call(_) => return Err(OrderError::Busy),
            Order::Press(_) | Order::Say(_) | Order::HangUp if self.live.is_none() => {
                return Err(OrderError::NoCall);
            }
            Order::Press(keys) => self.press(now, gate, keys),
            Order::Say(voice) => {
                if let Some(live) = &self.live {
                    live.stream.order(gate, |port| SoundOrder::Say(port, voice));
                }
            }
            Order::HangUp => self.hang_up(now, Cause::NormalClearing),
        }
        self.settle(now, setup, gate);
        Ok(())
    }

    /// Takes what the endpoint and the agent have to say until both are silent.
    fn settle(&mut self, now: Tick, setup: &Setup, gate: &mut Gate) {
        loop {
            if let Some(output) = self.endpoint.poll() {
                self.signalled(now, setup, gate, output);
            } else if let Some(act) = self.agent.poll() {
                self.act(now, setup, gate, act);
            } else {
                break;
            }
        }
    }

    fn act(&mut self, now: Tick, setup: &Setup, gate: &mut Gate, act: Act) {
        match act {
            Act::Dial(_) if self.leaving || self.live.is_some() => {}
            Act::Dial(number) => self.dial(now, setup, gate, number),
            Act::Answer => self.answer(now, gate),
            Act::Press(keys) => self.press(now, gate, keys),
            Act::SignedIn => gate.tell(now, &self.who, Sight::SignedIn),
            Act::Say(voice) => {
                if let Some(live) = &self.live {
                    live.stream.order(gate, |port| SoundOrder::Say(port, voice));
                }
            }
            Act::HangUp(cause) => self.hang_up(now, cause),
        }
    }

    fn signalled(&mut self, now: Tick, setup: &Setup, gate: &mut Gate, output: Sip) {
        match output {
            Sip::Send { to, bytes } => gate.send(self.person.address, to.peer, bytes),
            Sip::Incoming { call, caller, offer, .. } => {
                let caller = caller.number;
                self.rung(now, setup, gate, call, caller, offer.as_deref());
            }
            Sip::Phase { call, phase, cause, by, sdp } => {
                self.phase(now, gate, call, phase, cause, by, sdp.as_deref());
            }
            Sip::Reoffer { call, offer } => self.reoffered(now, gate, call, offer.as_deref()),
            Sip::LateAnswer { call, sdp } => {
                if let Some(live) = self.live.as_mut().filter(|live| live.call == call)
                    && live.stream.accept(&sdp).is_ok()
                {
                    live.stream.flow(gate);
                }
            }
            Sip::Digit { digit, .. } => gate.tell(now, &self.who, Sight::Key(digit)),
            Sip::TrunkUp { .. } => {
                self.failures = 0;
                self.register_at = None;
                self.registered = true;
                gate.tell(now, &self.who, Sight::Registered);
                self.agent.handle_registered(now);
            }
            Sip::TrunkDown { status, .. } => {
                self.registered = false;
                if self.leaving {
                    return;
                }
                let status = status.map(|status| status.code());
                gate.tell(now, &self.who, Sight::Unregistered { status });
                self.agent.handle_unregistered();
                let pause_ms = (RETRY_MS << self.failures.min(8)).min(RETRY_MAX_MS);
                self.failures = self.failures.saturating_add(1);
                self.register_at = Some(now + pause_ms);
            }
            Sip::Registered { .. }
            | Sip::Unregistered { .. }
            | Sip::LockedOut { .. }
            | Sip::RecordEnded { .. }
            | Sip::Counted(_) => {}
        }
    }

    fn stream_at(&self, setup: &Setup, port: SoundPort) -> Stream {
        Stream::new(port, self.person.address.ip(), setup.rtp_first, setup.codec)
    }

    fn dial(&mut self, now: Tick, setup: &Setup, gate: &mut Gate, number: String) {
        let Some(port) = gate.take_port() else {
            gate.tell(now, &self.who, Sight::TurnedAway(Cause::NoCircuit));
            return self.agent.handle_ended(now);
        };
        let mut stream = self.stream_at(setup, port);
        let call = CallKey(self.next_call);
        self.next_call += 1;
        let spec = CallSpec {
            call,
            to: Callee::Number { trunk: LINEBOX, number: number.clone() },
            caller: self.person.account.clone(),
            display: Some(self.person.name.clone()).filter(|name| !name.is_empty()),
            asserted: None,
            auto_answer: false,
            sdp: stream.offer(),
        };
        gate.tell(now, &self.who, Sight::Dialled(number));
        self.live = Some(Live { call, stream, answer: None, answered_at: None, heard: false });
        if let Err(refused) = self.endpoint.invite(now, spec) {
            self.over(now, gate, refused.cause(), Side::Box);
        }
    }

    fn rung(
        &mut self,
        now: Tick,
        setup: &Setup,
        gate: &mut Gate,
        call: CallKey,
        caller: Option<String>,
        offer: Option<&str>,
    ) {
        let turned = |cause| Sight::TurnedAway(cause);
        if self.live.is_some() || self.leaving {
            gate.tell(now, &self.who, turned(Cause::UserBusy));
            return self.endpoint.reject(now, call, Cause::UserBusy);
        }
        let Some(port) = gate.take_port() else {
            gate.tell(now, &self.who, turned(Cause::NoCircuit));
            return self.endpoint.reject(now, call, Cause::NoCircuit);
        };
        let mut stream = self.stream_at(setup, port);
        let Ok(answer) = stream.answer(offer) else {
            gate.give_back(port);
            gate.tell(now, &self.who, turned(Cause::IncompatibleDestination));
            return self.endpoint.reject(now, call, Cause::IncompatibleDestination);
        };
        gate.tell(now, &self.who, Sight::Called { caller });
        let ringing = signal::sip::wire::StatusCode::RINGING;
        self.endpoint.progress(now, call, ringing, None);
        let answer = Some(answer);
        self.live = Some(Live { call, stream, answer, answered_at: None, heard: false });
        self.agent.handle_rung(now);
    }

    fn answer(&mut self, now: Tick, gate: &mut Gate) {
        let Some(live) = &mut self.live else { return };
        let Some(answer) = live.answer.take() else { return };
        live.stream.flow(gate);
        self.endpoint.answer(now, live.call, &answer);
    }

    fn press(&mut self, now: Tick, gate: &mut Gate, keys: String) {
        let Some(live) = &self.live else { return };
        live.stream.order(gate, |port| SoundOrder::Press(port, keys.clone()));
        gate.tell(now, &self.who, Sight::Pressed(keys));
    }

    fn hang_up(&mut self, now: Tick, cause: Cause) {
        if let Some(live) = &self.live {
            self.endpoint.hang_up(now, live.call, cause);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one output")]
    fn phase(
        &mut self,
        now: Tick,
        gate: &mut Gate,
        call: CallKey,
        phase: LegPhase,
        cause: Option<Cause>,
        by: Option<Side>,
        sdp: Option<&str>,
    ) {
        let Some(live) = self.live.as_mut().filter(|live| live.call == call) else { return };
        let agreed = sdp.map(|sdp| live.stream.accept(sdp).map(|()| live.stream.flow(gate)));
        if let Some(Err(_)) = agreed {
            return self.endpoint.hang_up(now, call, Cause::IncompatibleDestination);
        }
        match phase {
            LegPhase::Answered if live.answered_at.is_none() => {
                live.answered_at = Some(now);
                gate.tell(now, &self.who, Sight::Answered);
                self.agent.handle_answered(now);
            }
            LegPhase::Ended => {
                let cause = cause.unwrap_or(Cause::NormalUnspecified);
                self.over(now, gate, cause, by.unwrap_or(Side::Far));
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
        let Some(live) = self.live.as_mut().filter(|live| live.call == call) else { return };
        let was_held = live.stream.is_held();
        let Ok(answer) = live.stream.answer(offer) else {
            return self.endpoint.refuse_reoffer(now, call);
        };
        live.stream.flow(gate);
        let held = live.stream.is_held();
        self.endpoint.accept_reoffer(now, call, &answer);
        if held != was_held {
            gate.tell(now, &self.who, Sight::Held(held));
        }
    }

    fn over(&mut self, now: Tick, gate: &mut Gate, cause: Cause, by: Side) {
        let Some(live) = self.live.take() else { return };
        let talked_ms = live.answered_at.map(|at| now.since_ms(at));
        live.stream.close(gate);
        gate.tell(now, &self.who, Sight::Ended { cause, by, talked_ms });
        self.agent.handle_ended(now);
    }
}
