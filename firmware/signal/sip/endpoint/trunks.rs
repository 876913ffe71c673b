//! Keeping trunks up: each has a registration, or is asked by OPTIONS, or neither.

use call::{Tick, TrunkId};

use super::{Asker, Endpoint, Output, Timer, Trunk};
use crate::sip::flow::Flow;
use crate::sip::keepalive::{self, KeepAlive};
use crate::sip::registration::{self, Plan, Registration};
use crate::sip::transactions::TxId;
use crate::sip::wire::{Host, NameAddr, Request, Response, SipUri, StatusCode};

#[derive(Clone, Debug)]
enum How {
    Register(Box<Registration>),
    Ask(Box<KeepAlive>),
}

/// What keeps one trunk up.
#[derive(Clone, Debug)]
pub(super) struct Upkeep {
    how: How,
    /// The request that is out; answers to older ones are not ours any more.
    asked: Option<TxId>,
    up: Option<bool>,
    /// The trunk is configured no more: gone when its registration has left.
    leaving: bool,
}

/// What either kind says.
enum Said {
    Request(Flow, Box<Request>),
    Up,
    Down(Option<StatusCode>),
}

impl Upkeep {
    pub(super) fn handle_response(&mut self, now: Tick, id: TxId, response: &Response) {
        if self.asked != Some(id) {
            return;
        }
        match &mut self.how {
            How::Register(registration) => registration.handle_response(now, response),
            How::Ask(keep_alive) => keep_alive.handle_response(now, response),
        }
    }

    pub(super) fn handle_failure(&mut self, now: Tick, id: TxId) {
        if self.asked == Some(id) {
            self.fail(now);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Tick) {
        match &mut self.how {
            How::Register(registration) => registration.handle_timeout(now),
            How::Ask(keep_alive) => keep_alive.handle_timeout(now),
        }
    }

    pub(super) fn next_timeout(&self) -> Option<(Tick, Timer)> {
        match &self.how {
            How::Register(registration) => {
                registration.next_timeout().map(|(at, timer)| (at, Timer::Registration(timer)))
            }
            How::Ask(keep_alive) => {
                keep_alive.next_timeout().map(|(at, timer)| (at, Timer::KeepAlive(timer)))
            }
        }
    }

    pub(super) const fn is_up(&self) -> Option<bool> {
        self.up
    }

    fn fail(&mut self, now: Tick) {
        match &mut self.how {
            How::Register(registration) => registration.handle_failure(now),
            How::Ask(keep_alive) => keep_alive.handle_failure(now),
        }
    }

    fn poll(&mut self) -> Option<Said> {
        match &mut self.how {
            How::Register(registration) => registration.poll().map(|output| match output {
                registration::Output::Request { to, request } => Said::Request(to, request),
                registration::Output::Up => Said::Up,
                registration::Output::Down { status } => Said::Down(status),
            }),
            How::Ask(keep_alive) => keep_alive.poll().map(|output| match output {
                keepalive::Output::Request { to, request } => Said::Request(to, request),
                keepalive::Output::Up => Said::Up,
                keepalive::Output::Down { status } => Said::Down(status),
            }),
        }
    }

    fn is_over(&self) -> bool {
        match &self.how {
            How::Register(registration) => {
                self.leaving && registration.snapshot() == registration::State::Stopped
            }
            How::Ask(_) => self.leaving,
        }
    }
}

impl Endpoint {
    /// Unregisters every trunk. The end of each is told as [`Output::TrunkDown`].
    pub fn stop(&mut self, now: Tick) {
        for upkeep in self.upkeep.values_mut() {
            upkeep.stop();
        }
        self.settle(now);
    }

    /// Starts, restarts and stops what keeps trunks up, after a change of the configuration.
    pub(super) fn keep_up_trunks(&mut self, now: Tick, before: &[Trunk]) {
        let trunks = self.config.trunks.clone();
        for (id, upkeep) in &mut self.upkeep {
            if !trunks.iter().any(|trunk| trunk.id == *id) {
                upkeep.stop();
            }
        }
        for trunk in &trunks {
            if before.contains(trunk) && self.upkeep.contains_key(&trunk.id) {
                continue;
            }
            let old = self.upkeep.remove(&trunk.id);
            let before = before.iter().find(|before| before.id == trunk.id);
            // At the same contact the new registration takes the old one's place; taking the old
            // one back there might undo the new one. Elsewhere it is taken back, once, unheard.
            if let Some(mut old) = old.filter(|_| !before.is_some_and(|b| same_place(b, trunk))) {
                old.stop();
                while let Some(said) = old.poll() {
                    if let Said::Request(to, request) = said {
                        let _ = self.transactions.request(now, to, *request);
                    }
                }
            }
            if let Some(how) = self.upkeep_of(trunk) {
                let upkeep = Upkeep { how, asked: None, up: None, leaving: false };
                self.upkeep.insert(trunk.id, upkeep);
            }
        }
    }

    /// Hands on one thing that a trunk's upkeep says; false if none says anything.
    pub(super) fn trunk_says(&mut self, now: Tick) -> bool {
        let mut said = None;
        for (id, upkeep) in &mut self.upkeep {
            if let Some(what) = upkeep.poll() {
                said = Some((*id, what));
                break;
            }
        }
        let Some((trunk, what)) = said else {
            self.upkeep.retain(|_, upkeep| !upkeep.is_over());
            return false;
        };
        match what {
            Said::Request(to, request) => self.ask_trunk(now, trunk, to, *request),
            Said::Up => {
                self.mark(trunk, true);
                self.out.push_back(Output::TrunkUp { trunk });
            }
            Said::Down(status) => {
                self.mark(trunk, false);
                self.out.push_back(Output::TrunkDown { trunk, status });
            }
        }
        true
    }

    fn ask_trunk(&mut self, now: Tick, trunk: TrunkId, to: Flow, request: Request) {
        let asked = self.transactions.request(now, to, request).ok();
        if let Some(id) = asked {
            self.asked.insert(id, Asker::Trunk(trunk));
        }
        if let Some(upkeep) = self.upkeep.get_mut(&trunk) {
            upkeep.asked = asked;
            if asked.is_none() {
                upkeep.fail(now);
            }
        }
    }

    fn mark(&mut self, trunk: TrunkId, up: bool) {
        if let Some(upkeep) = self.upkeep.get_mut(&trunk) {
            upkeep.up = Some(up);
        }
    }

    fn upkeep_of(&mut self, trunk: &Trunk) -> Option<How> {
        let to = Flow::udp(trunk.address);
        let contact = NameAddr::new(self.contact_of(trunk));
        let word = self.tokens.word();
        let tokens = self.tokens.fork(&word);
        if let Some(register) = &trunk.register {
            let plan = Plan {
                to,
                registrar: uri_at(trunk, None).into(),
                aor: SipUri::new(&register.user, host_of(trunk)).into(),
                contact,
                expires_s: register.expires_s,
                login: trunk.login.clone(),
                agent: self.config.agent.clone(),
            };
            return Some(How::Register(Box::new(Registration::start(plan, tokens))));
        }
        let every_ms = trunk.keep_alive_ms?;
        let target = uri_at(trunk, None).into();
        let agent = &self.config.agent;
        let keep_alive = KeepAlive::start(to, target, contact, agent, every_ms, tokens);
        Some(How::Ask(Box::new(keep_alive)))
    }

    /// Our Contact towards a trunk.
    pub(super) fn contact_of(&self, trunk: &Trunk) -> SipUri {
        SipUri::at(trunk.own_user(), self.config.address)
    }
}

impl Upkeep {
    fn stop(&mut self) {
        self.leaving = true;
        if let How::Register(registration) = &mut self.how {
            registration.stop();
        }
    }
}

/// Whether both register the same contact for the same address at the same registrar.
fn same_place(a: &Trunk, b: &Trunk) -> bool {
    let place = |trunk: &Trunk| {
        let user = trunk.register.as_ref().map(|register| register.user.clone());
        (trunk.address, trunk.domain.clone(), user, trunk.own_user().map(str::to_owned))
    };
    b.register.is_some() && place(a) == place(b)
}

/// A URI at a trunk. One that is known by its address alone is named with its port.
pub(super) fn uri_at(trunk: &Trunk, user: Option<&str>) -> SipUri {
    let host = host_of(trunk);
    let port = trunk.address.port();
    let bare = host.ip() == Some(trunk.address.ip()) && port != 5060;
    let mut uri = match user {
        Some(user) => SipUri::new(user, host),
        None => SipUri::to_host(host),
    };
    uri.port = bare.then_some(port);
    uri
}

/// The host in the URIs of a trunk; an address if its domain does not read.
pub(super) fn host_of(trunk: &Trunk) -> Host {
    Host::parse(&trunk.domain).unwrap_or_else(|_| trunk.address.ip().into())
}
