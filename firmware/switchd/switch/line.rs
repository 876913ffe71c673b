//! The lines of the box: the SIP endpoint with what only the switch adds to it, which leg a call
//! belongs to and what was said about its sound.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use call::{AccountId, Cause, LegId, Now, Tick, TrunkId};
use link::{DesiredState, Line, Trunk, TrunkState};
use media::PortId;
use signal::sip::digest::{Algorithm, Ha1};
use signal::sip::endpoint::{
    CallKey, CallSpec, Callee, Config, Counted, DialogRecord, Endpoint, OrderRefused, Output,
    Party, Register, Source, Stage,
};
use signal::sip::login::Login;
use signal::sip::registrar::BindingRecord;
use signal::sip::sdp::{self, Codec, Direction, Local, Negotiated, SdpError};
pub(super) use signal::sip::session::Fact;
use signal::sip::token::Tokens;
use signal::sip::wire::StatusCode;

use super::Setup;
use super::number::Shown;
use crate::journal::{KeptContact, KeptDialog};
use crate::limits::{TRUNK_ASKED_MS, TRUNK_REGISTER_S};

/// The payload type of RFC 4733 digits in our offers.
const DIGITS_PT: u8 = 101;

/// Whom to call, resolved.
#[derive(Clone, Debug)]
pub(super) enum Dial {
    Account { account: AccountId, caller: String, auto_answer: bool },
    Trunk { trunk: TrunkId, number: String, caller: String },
}

/// A call that has come in.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) call: CallKey,
    pub(super) line: Line,
    pub(super) called: String,
    pub(super) caller: Shown,
    pub(super) offer: Option<String>,
}

/// What the guard at the door met.
#[derive(Clone, Debug)]
pub(super) enum Guarded {
    LockedOut { who: String },
    Flood { dropped: u64 },
}

/// What the endpoint says, in the switch's words.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Send { to: SocketAddr, bytes: Vec<u8> },
    Arrived(Box<Arrival>),
    Fact { leg: LegId, fact: Fact },
    Contacts { account: AccountId },
    Trunk { trunk: TrunkId, state: TrunkState, text: String },
    Guard(Guarded),
}

/// Our side of the sound of one port.
#[derive(Clone, Debug)]
struct OwnSound {
    session_id: u64,
    version: u64,
    /// Our last offer.
    offer: String,
}

pub(super) struct Lines {
    endpoint: Endpoint,
    config: Config,
    legs: BTreeMap<CallKey, LegId>,
    sounds: BTreeMap<PortId, OwnSound>,
    tokens: Tokens,
    codecs: [Codec; 2],
    rtp: (std::net::IpAddr, u16),
    /// When the last lock-out ends.
    locked_until: Tick,
    dropped: u64,
    dropped_told: u64,
    malformed: u64,
    /// Trunks whose registration is being taken back.
    leaving: BTreeSet<TrunkId>,
    registered: BTreeSet<TrunkId>,
    waiting: VecDeque<Said>,
}

impl Lines {
    pub(super) fn new(now: Now, setup: &Setup, realm: &str) -> Lines {
        let tokens = Tokens::new(setup.seed);
        let config = Config {
            address: setup.sip,
            agent: setup.agent.clone(),
            realm: realm.to_owned(),
            accounts: Vec::new(),
            trunks: Vec::new(),
        };
        let mut codecs = [Codec::Pcma, Codec::Pcmu];
        if !setup.alaw_first {
            codecs.reverse();
        }
        Lines {
            endpoint: Endpoint::new(now.tick, setup.seed, config.clone()),
            config,
            legs: BTreeMap::new(),
            sounds: BTreeMap::new(),
            tokens: tokens.fork("switch"),
            codecs,
            rtp: (setup.rtp, setup.rtp_first),
            locked_until: Tick::ZERO,
            dropped: 0,
            dropped_told: 0,
            malformed: 0,
            leaving: BTreeSet::new(),
            registered: BTreeSet::new(),
            waiting: VecDeque::new(),
        }
    }

    // ---- the endpoint's five verbs

    pub(super) fn receive(&mut self, now: Tick, from: SocketAddr, bytes: &[u8]) {
        self.endpoint.handle_datagram(now, from, bytes);
    }

    pub(super) fn expire(&mut self, now: Tick) {
        self.endpoint.handle_timeout(now);
    }

    pub(super) fn next_timeout(&self) -> Option<Tick> {
        self.endpoint.next_timeout().map(|(at, _)| at)
    }

    pub(super) fn poll(&mut self) -> Option<Said> {
        loop {
            if let Some(said) = self.waiting.pop_front() {
                return Some(said);
            }
            let output = self.endpoint.poll()?;
            self.sort(output);
        }
    }

    fn sort(&mut self, output: Output) {
        let said = match output {
            Output::Send { to, bytes } => Some(Said::Send { to: to.peer, bytes }),
            Output::Incoming { call, from, caller, called, offer } => {
                let line = match from {
                    Party::Account(account) => Line::Account(account),
                    Party::Trunk(trunk) => Line::Trunk(trunk),
                };
                let caller = Shown {
                    number: caller.number.unwrap_or_default(),
                    display: caller.display,
                    redirecting: caller.redirecting,
                };
                Some(Said::Arrived(Box::new(Arrival { call, line, called, caller, offer })))
            }
            Output::Phase { call, phase, cause, by, sdp } => {
                self.of_leg(call, Fact::Phase { phase, cause, by, sdp })
            }
            Output::Reoffer { call, offer } => self.of_leg(call, Fact::Reoffer { offer }),
            Output::LateAnswer { call, sdp } => self.of_leg(call, Fact::LateAnswer { sdp }),
            Output::Digit { call, digit, duration_ms } => {
                self.of_leg(call, Fact::Digit { digit, duration_ms })
            }
            Output::Registered { account, .. } | Output::Unregistered { account, .. } => {
                Some(Said::Contacts { account })
            }
            Output::TrunkUp { trunk } => {
                self.registered.insert(trunk);
                let text = String::new();
                Some(Said::Trunk { trunk, state: TrunkState::Up, text })
            }
            Output::TrunkDown { trunk, status } => {
                self.leaving.remove(&trunk);
                self.registered.remove(&trunk);
                let text = status.map_or("no answer".to_owned(), describe);
                Some(Said::Trunk { trunk, state: TrunkState::Down, text })
            }
            Output::LockedOut { user, source, until } => {
                self.locked_until = self.locked_until.max(until);
                let who = user.map_or(source.to_string(), |user| format!("{user} from {source}"));
                Some(Said::Guard(Guarded::LockedOut { who }))
            }
            Output::RecordEnded { .. } => None,
            Output::Counted(what) => self.counted(what),
        };
        self.waiting.extend(said);
    }

    fn of_leg(&self, call: CallKey, fact: Fact) -> Option<Said> {
        self.legs.get(&call).map(|&leg| Said::Fact { leg, fact })
    }

    fn counted(&mut self, what: Counted) -> Option<Said> {
        match what {
            Counted::Flood => {
                self.dropped += 1;
                Some(Said::Guard(Guarded::Flood { dropped: self.dropped }))
            }
            Counted::Malformed | Counted::BadRequest => {
                self.malformed += 1;
                None
            }
            Counted::MethodUnknown
            | Counted::MethodNotAllowed
            | Counted::Unacceptable
            | Counted::NoSuchCall
            | Counted::StrayResponse
            | Counted::Merged
            | Counted::Challenged
            | Counted::WrongCredentials
            | Counted::Replayed
            | Counted::Locked
            | Counted::Full => None,
        }
    }

    /// Datagrams dropped at the door, and broken ones.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.dropped, self.malformed)
    }

    /// Whether somebody is locked out, and whether datagrams were dropped since this was last asked.
    pub(super) fn guard_now(&mut self, now: Tick) -> (bool, bool) {
        let flooded = self.dropped > self.dropped_told;
        self.dropped_told = self.dropped;
        (now < self.locked_until, flooded)
    }

    // ---- configuration

    pub(super) fn configure(&mut self, now: Tick, desired: &DesiredState) {
        let account = |a: &link::Account| {
            let ha1 = Ha1::from_hex(Algorithm::Md5, &a.ha1)?;
            Some(signal::sip::guard::Account { id: a.id, user: a.user.clone(), ha1 })
        };
        self.config.accounts = desired.accounts.iter().filter_map(account).collect();
        self.config.trunks = desired.trunks.iter().filter_map(trunk_of).collect();
        if self.config.realm == desired.realm {
            return self.endpoint.configure(now, self.config.clone());
        }
        // The realm is in every password; the endpoint is born with it. The caller has seen that
        // no call runs.
        self.config.realm.clone_from(&desired.realm);
        let seed = core::array::from_fn(|i| (self.random() >> (i % 8 * 8)) as u8);
        self.endpoint = Endpoint::new(now, seed, self.config.clone());
    }

    /// The realm in force.
    pub(super) fn realm(&self) -> &str {
        &self.config.realm
    }

    /// Takes the registrations of trunks back.
    pub(super) fn sign_off(&mut self, now: Tick) {
        let registers = self.config.trunks.iter().filter(|t| t.register.is_some());
        let registered = registers.map(|t| t.id).filter(|id| self.registered.contains(id));
        self.leaving = registered.collect();
        self.endpoint.stop(now);
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.leaving.is_empty()
    }

    // ---- what outlives us

    pub(super) fn contacts(&self, now: Now, account: AccountId) -> Vec<KeptContact> {
        let records = self.endpoint.binding_records(now.tick).into_iter();
        let kept = records.filter(|b| b.account == account).map(|b| KeptContact {
            contact: b.contact,
            peer: b.peer,
            expires: now.stamp.after_ms(i64::try_from(b.expires_in_ms).unwrap_or(i64::MAX)),
            call_id: b.call_id,
            cseq: b.cseq,
            agent: b.agent,
        });
        kept.collect()
    }

    pub(super) fn restore(&mut self, now: Now, account: AccountId, kept: &KeptContact) {
        let left_ms = u64::try_from(kept.expires.since_ms(now.stamp)).unwrap_or_default();
        let record = BindingRecord {
            account,
            contact: kept.contact.clone(),
            peer: kept.peer,
            expires_in_ms: left_ms,
            call_id: kept.call_id.clone(),
            cseq: kept.cseq,
            agent: kept.agent.clone(),
        };
        self.endpoint.restore_binding(now.tick, &record);
    }

    pub(super) fn kept_dialogs(&self, call: CallKey) -> Vec<KeptDialog> {
        self.endpoint.dialog_records(call).into_iter().map(kept).collect()
    }

    pub(super) fn end_kept(&mut self, now: Tick, kept: &KeptDialog) {
        let stage = match kept.branch.clone() {
            Some(branch) => Stage::Ringing { branch },
            None if !kept.via.is_empty() => Stage::Waiting { via: kept.via.clone() },
            None => Stage::Confirmed,
        };
        let record = DialogRecord {
            stage,
            call_id: kept.call_id.clone(),
            local: kept.local.clone(),
            remote: kept.remote.clone(),
            cseq: kept.cseq,
            target: kept.target.clone(),
            routes: kept.routes.clone(),
            peer: kept.peer,
        };
        self.endpoint.bye_from_record(now, &record);
    }

    // ---- calls

    /// Begins a call, with an offer of sound at this port.
    pub(super) fn dial(
        &mut self,
        now: Tick,
        leg: LegId,
        dial: Dial,
        port: PortId,
    ) -> Result<CallKey, OrderRefused> {
        let call = CallKey(leg.0);
        let (to, caller, asserted, auto_answer) = match dial {
            Dial::Account { account, caller, auto_answer } => {
                (Callee::Account(account), caller, None, auto_answer)
            }
            Dial::Trunk { trunk, number, caller } => {
                let asserted = (!caller.is_empty()).then(|| caller.clone());
                (Callee::Number { trunk, number }, caller, asserted, false)
            }
        };
        let sdp = self.offer(port);
        let spec = CallSpec { call, to, caller, display: None, asserted, auto_answer, sdp };
        self.legs.insert(call, leg);
        let begun = self.endpoint.invite(now, spec);
        if begun.is_err() {
            self.forget(call, port);
        }
        begun.map(|()| call)
    }

    pub(super) fn belongs(&mut self, call: CallKey, leg: LegId) {
        self.legs.insert(call, leg);
    }

    /// The leg of this call is over.
    pub(super) fn forget(&mut self, call: CallKey, port: PortId) {
        self.legs.remove(&call);
        self.sounds.remove(&port);
    }

    pub(super) fn ring(&mut self, now: Tick, call: CallKey) {
        self.endpoint.progress(now, call, StatusCode::RINGING, None);
    }

    pub(super) fn accept(&mut self, now: Tick, call: CallKey, sdp: &str) {
        self.endpoint.answer(now, call, sdp);
    }

    pub(super) fn hang_up(&mut self, now: Tick, call: CallKey, cause: Cause) {
        self.endpoint.hang_up(now, call, cause);
    }

    pub(super) fn accept_reoffer(&mut self, now: Tick, call: CallKey, sdp: &str) {
        self.endpoint.accept_reoffer(now, call, sdp);
    }

    pub(super) fn refuse_reoffer(&mut self, now: Tick, call: CallKey) {
        self.endpoint.refuse_reoffer(now, call);
    }

    // ---- sound

    /// A new offer of sound at this port.
    pub(super) fn offer(&mut self, port: PortId) -> String {
        let local = self.local(port);
        let offer = sdp::offer(&local, &self.codecs);
        if let Some(own) = self.sounds.get_mut(&port) {
            own.offer.clone_from(&offer);
        }
        offer
    }

    /// Our answer to the far end's offer, and what is agreed on by it.
    pub(super) fn answer(
        &mut self,
        port: PortId,
        offer: &str,
    ) -> Result<(String, Negotiated), SdpError> {
        let local = self.local(port);
        sdp::answer(offer.as_bytes(), &local, &self.codecs)
    }

    /// What is agreed on by the far end's answer to our last offer.
    pub(super) fn answered(&self, port: PortId, answer: &str) -> Result<Negotiated, SdpError> {
        let offer = self.sounds.get(&port).map_or("", |own| own.offer.as_str());
        sdp::accept_answer(offer.as_bytes(), answer.as_bytes())
    }

    fn local(&mut self, port: PortId) -> Local {
        // RFC 8866 §5.2 wants a number; 63 bits are what everybody reads.
        let session_id = self.random() >> 1;
        let fresh = OwnSound { session_id, version: 0, offer: String::new() };
        let own = self.sounds.entry(port).or_insert(fresh);
        own.version += 1;
        let (address, first) = self.rtp;
        Local {
            address: SocketAddr::new(address, first + 2 * port.0),
            session_id: own.session_id,
            version: own.version,
            dtmf_pt: DIGITS_PT,
            ptime_ms: media::TICK_MS as u8,
            direction: Direction::SendRecv,
        }
    }

    /// 64 bits that nobody can guess and a seed can repeat.
    pub(super) fn random(&mut self) -> u64 {
        u64::from_str_radix(&self.tokens.word(), 16).unwrap_or_default()
    }
}

fn kept(record: DialogRecord) -> KeptDialog {
    let (branch, via) = match record.stage {
        Stage::Ringing { branch } => (Some(branch), Vec::new()),
        Stage::Waiting { via } => (None, via),
        Stage::Confirmed => (None, Vec::new()),
    };
    KeptDialog {
        branch,
        via,
        call_id: record.call_id,
        local: record.local,
        remote: record.remote,
        cseq: record.cseq,
        target: record.target,
        routes: record.routes,
        peer: record.peer,
    }
}

fn describe(status: StatusCode) -> String {
    format!("refused with {}", status.code())
}

/// A trunk as the endpoint wants it; nothing if its address is none, which was refused before.
fn trunk_of(trunk: &Trunk) -> Option<signal::sip::endpoint::Trunk> {
    let sip = trunk.sip()?;
    let (address, domain) = address_of(&sip.address)?;
    let source = |text: &String| {
        let with_port = text.parse::<SocketAddr>().ok();
        let bare = || text.parse().ok().map(|address| Source { address, port: None });
        with_port.map(|a| Source { address: a.ip(), port: Some(a.port()) }).or_else(bare)
    };
    let login = (!sip.user.is_empty())
        .then(|| Login { user: sip.user.clone(), password: sip.password.clone() });
    let register =
        sip.register.then(|| Register { user: sip.user.clone(), expires_s: TRUNK_REGISTER_S });
    Some(signal::sip::endpoint::Trunk {
        id: trunk.id,
        address,
        domain,
        sources: sip.sources.iter().filter_map(source).collect(),
        login,
        keep_alive_ms: (!sip.register).then_some(TRUNK_ASKED_MS),
        register,
        contact_user: None,
    })
}

/// `address:port`, or an address alone with SIP's own port.
pub(super) fn address_of(text: &str) -> Option<(SocketAddr, String)> {
    let bare = || text.parse().ok().map(|ip| SocketAddr::new(ip, 5060));
    let address = text.parse().ok().or_else(bare)?;
    Some((address, address.ip().to_string()))
}
