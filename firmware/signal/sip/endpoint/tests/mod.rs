//! Endpoints that talk to each other over a simulated network, in virtual time.

// A test picks the facts that it is about.
#![allow(clippy::wildcard_enum_match_arm)]

mod calls;
mod chaos;
mod forks;
mod hostile;
mod phones;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use call::{AccountId, Cause, LegPhase, Side, Tick, TrunkId};

use super::*;
use crate::sip::guard::Account;
use crate::sip::login::Login;
use crate::sip::wire::StatusCode;

/// The box, a phone that registers with it, a carrier.
pub(super) const BOX: &str = "192.0.2.1:5060";
pub(super) const PHONE: &str = "192.0.2.100:5062";
pub(super) const CARRIER: &str = "198.51.100.1:5060";

/// The box's trunk to the carrier; also the one trunk that phone and carrier have: the box.
pub(super) const TRUNK: TrunkId = TrunkId(1);
pub(super) const ACCOUNT: AccountId = AccountId(100);

pub(super) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nm=audio 1 RTP/AVP 8\r\n";
pub(super) const ANSWER: &str = "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\nm=audio 2 RTP/AVP 8\r\n";

pub(super) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// What the network does to datagrams, in percent and milliseconds.
#[derive(Clone, Copy, Default)]
pub(super) struct Weather {
    pub loss: u64,
    pub duplication: u64,
    pub jitter_ms: u64,
}

/// The simulated network with everything on it.
pub(super) struct Town {
    pub now: Tick,
    pub weather: Weather,
    ends: BTreeMap<SocketAddr, Endpoint>,
    on_the_way: BTreeMap<(Tick, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    count: u64,
    chance: u64,
    /// Every fact, in order, with who was told.
    pub facts: Vec<(SocketAddr, Output)>,
    /// Every message, in order of sending: `sender what`.
    pub ladder: Vec<String>,
}

impl Town {
    pub fn new(seed: u64) -> Town {
        Town {
            now: Tick(0),
            weather: Weather::default(),
            ends: BTreeMap::new(),
            on_the_way: BTreeMap::new(),
            count: 0,
            chance: seed | 1,
            facts: Vec::new(),
            ladder: Vec::new(),
        }
    }

    /// A box with one account and a carrier, a phone, the carrier itself.
    pub fn with_everybody(seed: u64) -> Town {
        let mut town = Town::new(seed);
        town.add(BOX, box_config());
        town.add(CARRIER, carrier_config());
        town.add(PHONE, phone_config("secret"));
        town.run(1_000);
        town.facts.clear();
        town.ladder.clear();
        town
    }

    pub fn add(&mut self, address: &str, config: Config) {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.chance.to_be_bytes());
        seed[8..12].copy_from_slice(&(self.ends.len() as u32).to_be_bytes());
        self.ends.insert(at(address), Endpoint::new(self.now, seed, config));
        self.drain(at(address));
    }

    /// A process dies without a word.
    pub fn kill(&mut self, address: &str) {
        self.ends.remove(&at(address));
    }

    pub fn end(&self, address: &str) -> &Endpoint {
        &self.ends[&at(address)]
    }

    /// Does something at an endpoint and then what it asks for.
    pub fn act<T>(&mut self, address: &str, act: impl FnOnce(&mut Endpoint, Tick) -> T) -> T {
        let now = self.now;
        let done = act(self.ends.get_mut(&at(address)).unwrap(), now);
        self.drain(at(address));
        done
    }

    /// Lets `ms` milliseconds pass.
    pub fn run(&mut self, ms: u64) {
        let until = self.now + ms;
        loop {
            let datagram = self.on_the_way.first_key_value().map(|((at, _), _)| *at);
            let timer = self.ends.iter().filter_map(|(a, e)| Some((e.next_timeout()?.0, *a))).min();
            let Some(next) = datagram.into_iter().chain(timer.map(|(at, _)| at)).min() else {
                break;
            };
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            if datagram == Some(next) {
                let (_, (from, to, bytes)) = self.on_the_way.pop_first().unwrap();
                if let Some(end) = self.ends.get_mut(&to) {
                    end.handle_datagram(self.now, from, &bytes);
                    self.drain(to);
                }
            } else if let Some((_, address)) = timer {
                self.ends.get_mut(&address).unwrap().handle_timeout(self.now);
                self.drain(address);
            }
        }
        self.now = until;
    }

    /// Puts a datagram on the network as it stands.
    pub fn throw(&mut self, from: &str, to: &str, bytes: &[u8]) {
        self.count += 1;
        let key = (self.now + 1, self.count);
        self.on_the_way.insert(key, (at(from), at(to), bytes.to_vec()));
    }

    /// The facts told at one address, which are forgotten by it.
    pub fn told(&mut self, address: &str) -> Vec<Output> {
        let (told, rest): (Vec<_>, Vec<_>) =
            self.facts.drain(..).partition(|(who, _)| *who == at(address));
        self.facts = rest;
        told.into_iter().map(|(_, fact)| fact).collect()
    }

    /// The key of the first call that has come in at an address.
    pub fn incoming(&self, address: &str) -> CallKey {
        self.facts
            .iter()
            .find_map(|(who, fact)| match fact {
                Output::Incoming { call, .. } if *who == at(address) => Some(*call),
                _ => None,
            })
            .expect("no call has come in")
    }

    pub fn chance(&mut self, below: u64) -> u64 {
        // xorshift64*: enough for weather.
        self.chance ^= self.chance >> 12;
        self.chance ^= self.chance << 25;
        self.chance ^= self.chance >> 27;
        (self.chance.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below
    }

    fn drain(&mut self, address: SocketAddr) {
        while let Some(output) = self.ends.get_mut(&address).and_then(Endpoint::poll) {
            match output {
                Output::Send { to, bytes } => self.send(address, to.peer, bytes),
                fact => self.facts.push((address, fact)),
            }
        }
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        let line = String::from_utf8_lossy(&bytes);
        let line = line.lines().next().unwrap_or_default();
        let what = line.strip_prefix("SIP/2.0 ").unwrap_or(line);
        let what = what.split(' ').next().unwrap_or_default().to_owned();
        let who = match from.to_string().as_str() {
            BOX => "box",
            PHONE => "phone",
            CARRIER => "carrier",
            _ => "other",
        };
        self.ladder.push(format!("{who} {what}"));
        let copies = if self.chance(100) < self.weather.loss {
            0
        } else {
            1 + u64::from(self.chance(100) < self.weather.duplication)
        };
        for _ in 0..copies {
            self.count += 1;
            let delay = 1 + if self.weather.jitter_ms == 0 {
                0
            } else {
                self.chance(self.weather.jitter_ms)
            };
            self.on_the_way.insert((self.now + delay, self.count), (from, to, bytes.clone()));
        }
    }
}

pub(super) fn box_config() -> Config {
    Config {
        address: at(BOX),
        agent: "Linebox".to_owned(),
        realm: "linebox".to_owned(),
        accounts: vec![Account::with_password(ACCOUNT, "100", "linebox", "secret")],
        trunks: vec![Trunk::plain(TRUNK, at(CARRIER))],
    }
}

/// A phone: its one trunk is the box, with which it registers.
pub(super) fn phone_config(password: &str) -> Config {
    let login = Login { user: "100".to_owned(), password: password.to_owned() };
    let register = Register { user: "100".to_owned(), expires_s: 120 };
    Config {
        address: at(PHONE),
        agent: "Phone".to_owned(),
        realm: "phone".to_owned(),
        accounts: Vec::new(),
        trunks: vec![Trunk {
            login: Some(login),
            register: Some(register),
            ..Trunk::plain(TRUNK, at(BOX))
        }],
    }
}

pub(super) fn carrier_config() -> Config {
    Config {
        address: at(CARRIER),
        agent: "Carrier".to_owned(),
        realm: "carrier".to_owned(),
        accounts: Vec::new(),
        trunks: vec![Trunk::plain(TRUNK, at(BOX))],
    }
}

pub(super) fn to_number(call: u64, number: &str) -> CallSpec {
    CallSpec {
        call: CallKey(call),
        to: Callee::Number { trunk: TRUNK, number: number.to_owned() },
        caller: format!("+8610{call:08}"),
        display: None,
        asserted: None,
        auto_answer: false,
        sdp: OFFER.to_owned(),
    }
}

pub(super) fn to_phone(call: u64) -> CallSpec {
    CallSpec { to: Callee::Account(ACCOUNT), ..to_number(call, "") }
}

/// The phases of one call, shortened to what a test reads.
pub(super) fn phases(
    facts: &[Output],
    key: CallKey,
) -> Vec<(LegPhase, Option<Cause>, Option<Side>)> {
    let phase = |fact: &Output| match fact {
        Output::Phase { call, phase, cause, by, .. } if *call == key => Some((*phase, *cause, *by)),
        _ => None,
    };
    facts.iter().filter_map(phase).collect()
}

/// Nothing is left anywhere of calls and of what they did.
#[track_caller]
pub(super) fn assert_quiet(town: &Town) {
    for (address, end) in &town.ends {
        let snapshot = end.snapshot();
        assert!(snapshot.calls.is_empty(), "{address}: {:?}", snapshot.calls);
        assert_eq!(
            (snapshot.transactions.client, snapshot.transactions.server),
            (0, 0),
            "{address}"
        );
        assert!(end.asked.is_empty() && end.by_tag.is_empty() && end.by_caller.is_empty());
        assert!(end.by_invite.is_empty() && end.agenda.next().is_none());
        assert!(end.forks.is_empty() && end.fork_of.is_empty());
    }
}
