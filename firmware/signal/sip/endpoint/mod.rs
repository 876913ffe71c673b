//! One SIP endpoint: every machine of this folder composed behind one door.
//!
//! It is the box's side (accounts that register with us, trunks) and the town's side (simulated
//! phones, each a "trunk" to the box with a registration). It owns no socket: datagrams come in by
//! [`Endpoint::handle_datagram`], everything goes out by [`Endpoint::poll`], drained to `None`
//! after every call. What an SDP says, which call is joined to which, how long it may ring, are its
//! owner's business.
//!
//! ```text
//!   datagram ─► admission ─► wire ─► transactions ─┬─► session (a call)
//!                                                  ├─► guard ─► registrar, or a new session
//!                                                  └─► registration, keep-alive (a trunk)
//! ```

mod config;
mod fork;
mod inbound;
mod journal;
mod orders;
mod output;
mod trunks;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use call::{Cause, Tick, TrunkId};

pub use config::{Config, Register, Source, Trunk};
pub use journal::{DialogRecord, Stage};
pub use orders::{CallSpec, Callee, OrderRefused};
pub use output::{CallKey, Caller, Counted, Output, Party};

use super::admission::Admission;
use super::deadline::Agenda;
use super::flow::Flow;
use super::guard::Guard;
use super::keepalive;
use super::registrar::{self, Registrar};
use super::registration;
use super::session::{self, Ask, Failure, Session};
use super::token::{Seed, Tokens};
use super::transaction;
use super::transactions::{self, Transactions, TxId};
use super::wire::{HeaderName, Message, Refused, Response};
use fork::{Fork, Heard};
use trunks::Upkeep;

/// Which machine wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A transaction.
    Transaction(transaction::Timer),
    /// A call.
    Session(session::Timer),
    /// The registrar.
    Registrar(registrar::Timer),
    /// Our registration at a trunk.
    Registration(registration::Timer),
    /// A trunk's keep-alive.
    KeepAlive(keepalive::Timer),
}

/// For whom a request of ours is.
#[derive(Clone, Debug)]
enum Asker {
    Call(CallKey, Ask),
    Trunk(TrunkId),
    /// A call of a process before us, by its Call-ID.
    Record(String),
}

/// One call and its place in the tables.
#[derive(Clone, Debug)]
struct Leg {
    session: Session,
    party: Party,
    /// The transaction of its first INVITE: ours (caller) or the far end's (callee).
    invite: Option<TxId>,
    /// Under which it stands in `by_tag`.
    tag: (String, String),
    /// Under which it stands in `by_caller`, if it came in.
    caller_tag: Option<(String, String)>,
}

/// How full the endpoint is, and what it has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Every call: who, and where it stands; of one that rings at several contacts each by itself.
    pub calls: Vec<(CallKey, Party, session::Snapshot)>,
    /// Contacts registered with us.
    pub bindings: usize,
    /// Trunks and whether they are up; nothing until it is known.
    pub trunks: Vec<(TrunkId, Option<bool>)>,
    /// The table of transactions.
    pub transactions: transactions::Snapshot,
    /// What was counted since the start.
    pub counts: BTreeMap<Counted, u64>,
}

/// The composition.
#[derive(Clone, Debug)]
pub struct Endpoint {
    config: Config,
    tokens: Tokens,
    admission: Admission,
    transactions: Transactions,
    guard: Guard,
    registrar: Registrar,
    legs: BTreeMap<CallKey, Leg>,
    /// Calls of the owner that ring, or rang, at several contacts.
    forks: BTreeMap<CallKey, Fork>,
    /// The owner's call of each branch that has not lost.
    fork_of: BTreeMap<CallKey, CallKey>,
    /// Our tag with the Call-ID: names the call of a request inside a dialog.
    by_tag: BTreeMap<(String, String), CallKey>,
    /// The caller's tag with the Call-ID: recognises an INVITE that comes by a second way.
    by_caller: BTreeMap<(String, String), CallKey>,
    /// The INVITE of a call that came in: names the call of a CANCEL.
    by_invite: BTreeMap<TxId, CallKey>,
    upkeep: BTreeMap<TrunkId, Upkeep>,
    asked: BTreeMap<TxId, Asker>,
    agenda: Agenda<CallKey>,
    next_incoming: u64,
    next_branch: u64,
    counts: BTreeMap<Counted, u64>,
    out: VecDeque<Output>,
}

impl Endpoint {
    /// An endpoint that begins to register its trunks at once. Whoever knows the seed can forge
    /// nonces and guess tags; the same seed repeats a run.
    #[must_use]
    pub fn new(now: Tick, seed: Seed, config: Config) -> Endpoint {
        let tokens = Tokens::new(seed);
        let mut endpoint = Endpoint {
            admission: Admission::new(now),
            transactions: Transactions::new(config.address, tokens.fork("branch")),
            guard: Guard::new(&config.realm, tokens.fork("guard")),
            registrar: Registrar::default(),
            legs: BTreeMap::new(),
            forks: BTreeMap::new(),
            fork_of: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            by_caller: BTreeMap::new(),
            by_invite: BTreeMap::new(),
            upkeep: BTreeMap::new(),
            asked: BTreeMap::new(),
            agenda: Agenda::default(),
            next_incoming: 0,
            next_branch: 0,
            counts: BTreeMap::new(),
            out: VecDeque::new(),
            tokens: tokens.fork("tag"),
            config: Config { accounts: Vec::new(), trunks: Vec::new(), ..config.clone() },
        };
        endpoint.configure(now, config);
        endpoint
    }

    /// Takes over another configuration. Accounts that are no more lose their contacts; trunks
    /// that have changed register anew; calls go on. Address and realm stay as they were.
    pub fn configure(&mut self, now: Tick, config: Config) {
        let Config { agent, accounts, trunks, .. } = config;
        self.registrar.retain_accounts(|id| accounts.iter().any(|account| account.id == id));
        self.guard.set_accounts(accounts.clone());
        let before = core::mem::take(&mut self.config.trunks);
        self.config.agent = agent;
        self.config.accounts = accounts;
        self.config.trunks = trunks;
        self.keep_up_trunks(now, &before);
        self.settle(now);
    }

    /// A datagram has come in on our one socket.
    pub fn handle_datagram(&mut self, now: Tick, from: SocketAddr, bytes: &[u8]) {
        let known = self.registrar.knows(from.ip())
            || self.config.trunks.iter().any(|trunk| trunk.sends_from(from));
        if !self.admission.admit(now, from.ip(), known) {
            return self.count(Counted::Flood);
        }
        let from = Flow::udp(from);
        match Message::parse(bytes) {
            Ok(Message::Request(request)) => self.request_arrived(now, from, request),
            Ok(Message::Response(response)) => {
                if self.transactions.handle_response(now, response).is_some() {
                    self.count(Counted::StrayResponse);
                }
            }
            Err(Refused::Drop(super::wire::WireError::KeepAlive)) => {}
            Err(Refused::Drop(_)) => self.count(Counted::Malformed),
            Err(Refused::Answer(bad)) => {
                self.count(Counted::BadRequest);
                let (peer, bytes) = bad.answer(from.peer, &self.tokens.word());
                self.out.push_back(Output::Send { to: Flow::udp(peer), bytes });
            }
        }
        self.settle(now);
    }

    /// Wakes every machine that is due.
    pub fn handle_timeout(&mut self, now: Tick) {
        self.transactions.handle_timeout(now);
        self.settle(now);
        while let Some(call) = self.agenda.take_due(now) {
            self.with(now, call, |session| session.handle_timeout(now));
        }
        self.registrar.handle_timeout(now);
        for upkeep in self.upkeep.values_mut() {
            upkeep.handle_timeout(now);
        }
        self.settle(now);
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted, and for which timer.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let session = self.agenda.next().and_then(|(_, call)| {
            let (at, timer) = self.legs.get(call)?.session.next_timeout()?;
            Some((at, Timer::Session(timer)))
        });
        let transaction = self.transactions.next_timeout();
        let registrar = self.registrar.next_timeout();
        let trunk = self.upkeep.values().filter_map(Upkeep::next_timeout).min();
        [
            transaction.map(|(at, timer)| (at, Timer::Transaction(timer))),
            session,
            registrar.map(|(at, timer)| (at, Timer::Registrar(timer))),
            trunk,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// How full it is, and what it has counted.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let leg = |(call, leg): (&CallKey, &Leg)| (*call, leg.party, leg.session.snapshot());
        let accounts = self.config.accounts.iter();
        Snapshot {
            calls: self.legs.iter().map(leg).collect(),
            bindings: accounts.map(|a| self.registrar.bindings(a.id).len()).sum(),
            trunks: self.upkeep.iter().map(|(id, upkeep)| (*id, upkeep.is_up())).collect(),
            transactions: self.transactions.snapshot(),
            counts: self.counts.clone(),
        }
    }

    /// Hands every machine's outputs to their takers until nobody has any.
    fn settle(&mut self, now: Tick) {
        loop {
            if let Some(output) = self.transactions.poll() {
                self.transaction_says(now, output);
            } else if let Some(output) = self.registrar.poll() {
                self.registrar_says(output);
            } else if !self.trunk_says(now) {
                break;
            }
        }
    }

    fn transaction_says(&mut self, now: Tick, output: transactions::Output) {
        match output {
            transactions::Output::Send { to, bytes } => {
                self.out.push_back(Output::Send { to, bytes });
            }
            transactions::Output::Response { id, response } => {
                self.answered(now, id, &response);
            }
            transactions::Output::TimedOut { id } => self.failed(now, id, Failure::TimedOut),
            transactions::Output::Terminated { id } => {
                self.asked.remove(&id);
                self.by_invite.remove(&id);
            }
        }
    }

    fn answered(&mut self, now: Tick, id: TxId, response: &Response) {
        match self.asked.get(&id).cloned() {
            Some(Asker::Call(call, ask)) => {
                self.with(now, call, |session| session.handle_response(ask, response));
            }
            Some(Asker::Trunk(trunk)) => {
                if let Some(upkeep) = self.upkeep.get_mut(&trunk) {
                    upkeep.handle_response(now, id, response);
                }
            }
            Some(Asker::Record(call_id)) if response.status.is_final() => {
                self.out.push_back(Output::RecordEnded { call_id, confirmed: true });
            }
            Some(Asker::Record(_)) | None => {}
        }
    }

    fn failed(&mut self, now: Tick, id: TxId, failure: Failure) {
        match self.asked.remove(&id) {
            Some(Asker::Call(call, ask)) => {
                self.with(now, call, |session| session.handle_failure(failure, ask));
            }
            Some(Asker::Trunk(trunk)) => {
                if let Some(upkeep) = self.upkeep.get_mut(&trunk) {
                    upkeep.handle_failure(now, id);
                }
            }
            Some(Asker::Record(call_id)) => {
                self.out.push_back(Output::RecordEnded { call_id, confirmed: false });
            }
            // A refusal of ours that was never acknowledged: its call is over for us.
            None => {}
        }
    }

    fn registrar_says(&mut self, output: registrar::Output) {
        self.out.push_back(match output {
            registrar::Output::Registered { account, contact, flow, expires_s, fresh } => {
                Output::Registered { account, contact, flow, expires_s, fresh }
            }
            registrar::Output::Unregistered { account, contact, reason, remaining } => {
                Output::Unregistered { account, contact, reason, remaining }
            }
        });
    }

    /// Does something with a call and then what the call asks for.
    fn with(&mut self, now: Tick, call: CallKey, act: impl FnOnce(&mut Session)) {
        let Some(leg) = self.legs.get_mut(&call) else { return };
        act(&mut leg.session);
        self.drain(now, call);
    }

    fn drain(&mut self, now: Tick, call: CallKey) {
        while let Some(output) = self.legs.get_mut(&call).and_then(|leg| leg.session.poll()) {
            self.session_says(now, call, output);
        }
        let Some(leg) = self.legs.get(&call) else { return };
        if leg.session.snapshot().state == session::State::Ended {
            self.forget(now, call);
        } else {
            let wake = leg.session.next_timeout().map(|(at, _)| at.max(now));
            self.agenda.set(&call, wake);
        }
    }

    fn session_says(&mut self, now: Tick, call: CallKey, output: session::Output) {
        match output {
            session::Output::Request { ask, to, request } => {
                let asked = self.transactions.request(now, to, *request);
                self.remember(call, ask, asked);
            }
            session::Output::Cancel { reason } => {
                let invite = self.legs.get(&call).and_then(|leg| leg.invite);
                let extra = [(HeaderName::Reason, reason)];
                let asked = invite.and_then(|invite| self.transactions.cancel(now, invite, &extra));
                if let Some(asked) = asked {
                    self.remember(call, Ask::Cancel, asked);
                }
            }
            session::Output::Ack { to, request } => self.transactions.acknowledge(to, *request),
            session::Output::Respond { tx, response } => {
                self.transactions.respond(now, tx, &response);
            }
            session::Output::Fact(fact) => self.fact(now, call, fact),
        }
    }

    /// Tells the owner what a session says; of a branch, what it means for the owner's call.
    fn fact(&mut self, now: Tick, call: CallKey, fact: session::Fact) {
        let owner = self.fork_of.get(&call).copied();
        let Some((owner, fork)) = owner.and_then(|o| Some((o, self.forks.get_mut(&o)?))) else {
            // A branch that has lost concerns nobody any more.
            if !fork::is_branch(call) {
                self.out.push_back(told(call, fact));
            }
            return;
        };
        match fork.handle_fact(call, fact) {
            Heard::Nothing => {}
            Heard::Tell(fact) => self.out.push_back(told(owner, fact)),
            Heard::Won(fact, losers) => {
                self.out.push_back(told(owner, fact));
                for loser in losers {
                    self.fork_of.remove(&loser);
                    self.with(now, loser, Session::give_way);
                }
            }
            Heard::Refused(others) => {
                for other in others {
                    self.with(now, other, |session| session.hang_up(Cause::CallRejected));
                }
            }
            Heard::Over(fact) => {
                self.forks.remove(&owner);
                self.out.push_back(told(owner, fact));
            }
        }
    }

    /// The sessions that an order about a call is for.
    fn sessions_of(&self, call: CallKey) -> Vec<CallKey> {
        self.forks.get(&call).map_or(vec![call], |fork| fork.calls().collect())
    }

    fn remember(&mut self, call: CallKey, ask: Ask, asked: Result<TxId, transactions::Full>) {
        match asked {
            Ok(id) => {
                self.asked.insert(id, Asker::Call(call, ask));
                if let (Ask::Invite, Some(leg)) = (ask, self.legs.get_mut(&call)) {
                    leg.invite = Some(id);
                }
            }
            Err(transactions::Full) => {
                self.count(Counted::Full);
                if let Some(leg) = self.legs.get_mut(&call) {
                    leg.session.handle_failure(Failure::Full, ask);
                }
            }
        }
    }

    fn forget(&mut self, now: Tick, call: CallKey) {
        self.agenda.set(&call, None);
        self.fork_of.remove(&call);
        let Some(leg) = self.legs.remove(&call) else { return };
        self.by_tag.remove(&leg.tag);
        if let Some(caller_tag) = &leg.caller_tag {
            self.by_caller.remove(caller_tag);
        }
        if let Some(invite) = leg.invite {
            self.by_invite.remove(&invite);
            // An INVITE of ours that still rings somewhere must not wait for ever.
            self.transactions.abandon(now, invite);
        }
    }

    fn count(&mut self, what: Counted) {
        *self.counts.entry(what).or_default() += 1;
        self.out.push_back(Output::Counted(what));
    }
}

fn told(call: CallKey, fact: session::Fact) -> Output {
    match fact {
        session::Fact::Phase { phase, cause, by, sdp } => {
            Output::Phase { call, phase, cause, by, sdp }
        }
        session::Fact::Reoffer { offer } => Output::Reoffer { call, offer },
        session::Fact::LateAnswer { sdp } => Output::LateAnswer { call, sdp },
        session::Fact::Digit { digit, duration_ms } => Output::Digit { call, digit, duration_ms },
    }
}
