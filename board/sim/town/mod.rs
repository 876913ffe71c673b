//! The town: everybody behind one door.
//!
//! ```text
//!            ┌── carrier ── customers (one each call)
//!   box ─────┤
//!            └── phones ─── agents    (one each phone)
//! ```
//!
//! Each phone and the carrier is a SIP endpoint with an address of its own, so that the box cannot
//! tell them from real ones. Sound is asked for by [`SoundOrder`] and told by [`SoundFact`]; with
//! neither the town still lives ([`Setup::hears`]), if keys reach the box. Customers and agents draw
//! from streams of chance of their own: the same seed and the same inputs give the same town.

mod agent;
mod carrier;
mod chance;
mod customer;
mod output;
mod people;
mod phone;
mod stream;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use call::Tick;

pub use agent::{Duty, SIGN_IN};
pub use chance::Chance;
pub use output::{Citizen, Event, Output, Sight, SoundFact, SoundOrder, SoundPort, Terms};
pub use people::{Chances, Fate, Habit, Lot, Phone, Setup, Subscriber, Trunk, plain};

use crate::limits::PHONES_MAX;
use crate::voice::Voice;
use carrier::Carrier;
use output::Gate;

/// Without RTP for so long, in milliseconds, an agent's line is dead.
pub const LOST_MS: u32 = 30_000;

/// Who wants to be woken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A SIP endpoint.
    Sip(signal::sip::endpoint::Timer),
    /// A customer.
    Customer(customer::Timer),
    /// An agent.
    Agent(agent::Timer),
    /// A phone registers.
    Register,
}

/// What a scenario can tell a citizen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Call this number at the box.
    Dial(String),
    /// Press keys: `0-9 * #`.
    Press(String),
    /// Say something.
    Say(Voice),
    /// End the call, however far it is.
    HangUp,
}

/// Why an order was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Nobody of that name.
    #[error("nobody in the town has this account")]
    Nobody,
    /// It has a call.
    #[error("the citizen is in a call already: hang up first")]
    Busy,
    /// It has none.
    #[error("the citizen is in no call: dial or wait for one first")]
    NoCall,
    /// Every sound port is taken.
    #[error("all sound ports are taken: give the town more by town.rtp")]
    NoPort,
    /// The box's trunk is not registered.
    #[error("the carrier does not know where the box is: its trunk is not registered")]
    NoWay,
}

/// One call of the town.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSight {
    /// Whose.
    pub who: Citizen,
    /// When it was answered, if it was.
    pub answered_at: Option<Tick>,
    /// Its sound port.
    pub port: SoundPort,
    /// Where its sound goes: an RTP address of the box.
    pub remote: Option<SocketAddr>,
}

/// One phone of the town.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneSight {
    /// Its account.
    pub account: String,
    /// Whether it is registered.
    pub registered: bool,
    /// What its agent does.
    pub duty: Duty,
}

/// How the town stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Customers in a call.
    pub customers: Vec<CallSight>,
    /// All phones.
    pub phones: Vec<PhoneSight>,
    /// Sound ports in nobody's hands.
    pub ports_free: usize,
}

/// The composition.
#[derive(Clone, Debug)]
pub struct Town {
    setup: Setup,
    carrier: Carrier,
    phones: Vec<phone::Phone>,
    gate: Gate,
}

impl Town {
    /// A town that begins to live. Phones beyond [`PHONES_MAX`] are left out.
    #[must_use]
    pub fn new(now: Tick, setup: Setup) -> Town {
        let people = setup.phones.iter().take(PHONES_MAX).cloned();
        Town {
            carrier: Carrier::new(now, &setup),
            phones: people.map(|person| phone::Phone::new(now, &setup, person)).collect(),
            gate: Gate::new(setup.rtp_ports),
            setup,
        }
    }

    /// Every address at which the town hears SIP.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let phones = self.phones.iter().map(|phone| phone.person().address);
        core::iter::once(self.setup.carrier).chain(phones)
    }

    /// A datagram has come to one of our addresses. At another it is dropped.
    pub fn handle_datagram(&mut self, now: Tick, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let (setup, gate) = (&self.setup, &mut self.gate);
        if to == setup.carrier {
            self.carrier.receive(now, setup, gate, from, bytes);
        } else if let Some(phone) = self.phones.iter_mut().find(|p| p.person().address == to) {
            phone.receive(now, setup, gate, from, bytes);
        }
    }

    /// Something was heard. About a port without a call it means nothing.
    pub fn handle_sound(&mut self, now: Tick, fact: SoundFact) {
        let (setup, gate) = (&self.setup, &mut self.gate);
        let port = fact.port();
        if let Some(call) = self.carrier.call_at(port) {
            match fact {
                SoundFact::Started(_) => self.carrier.hear_start(now, setup, gate, call),
                SoundFact::Ended { .. } => self.carrier.hear_end(now, setup, gate, call),
                SoundFact::Key(_, key) => self.carrier.hear_key(now, gate, call, key),
                // A customer who hears nothing hangs up when its time has come.
                SoundFact::Lost(_) => {}
            }
            return;
        }
        let mut phones = self.phones.iter_mut();
        let at = phones.find(|phone| phone.stream().is_some_and(|s| s.port() == port));
        let Some(phone) = at else { return };
        match fact {
            SoundFact::Started(_) => phone.hear_start(now, setup, gate),
            SoundFact::Ended { lasted_ms, .. } => phone.hear_end(now, setup, gate, lasted_ms),
            SoundFact::Key(_, key) => phone.hear_key(now, gate, key),
            SoundFact::Lost(_) => phone.lose_sound(now, setup, gate),
        }
    }

    /// Everything that is due by now happens.
    pub fn handle_timeout(&mut self, now: Tick) {
        let (setup, gate) = (&self.setup, &mut self.gate);
        self.carrier.expire(now, setup, gate);
        for phone in &mut self.phones {
            if phone.next_timeout().is_some_and(|(at, _)| at <= now) {
                phone.expire(now, setup, gate);
            }
        }
    }

    /// Everybody hangs up and signs off.
    pub fn handle_shutdown(&mut self, now: Tick) {
        let (setup, gate) = (&self.setup, &mut self.gate);
        self.carrier.leave(now, setup, gate);
        for phone in &mut self.phones {
            phone.leave(now, setup, gate);
        }
    }

    /// Somebody does what a scenario says, at once.
    ///
    /// # Errors
    /// It cannot, and nothing was done.
    pub fn handle_order(
        &mut self,
        now: Tick,
        who: &Citizen,
        order: Order,
    ) -> Result<(), OrderError> {
        let (setup, gate) = (&self.setup, &mut self.gate);
        match who {
            Citizen::Customer(number) => self.carrier.order(now, setup, gate, number, order),
            Citizen::Phone(account) => {
                let phone = self.phones.iter_mut().find(|p| p.person().account == *account);
                phone.ok_or(OrderError::Nobody)?.order(now, setup, gate, order)
            }
            Citizen::Carrier => Err(OrderError::Nobody),
        }
    }

    /// From now on every call to this number fares so; `None` leaves it to chance again. `false`
    /// if too many fates are fixed ([`crate::limits::FIXED_MAX`]).
    pub fn fix(&mut self, number: &str, lot: Option<Lot>) -> bool {
        self.carrier.fix(number, lot)
    }

    /// Whether nobody is in a call and no phone is registered.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.carrier.is_quiet() && self.phones.iter().all(phone::Phone::is_quiet)
    }

    /// The next effect, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.gate.poll()
    }

    /// When [`Town::handle_timeout`] is wanted, and for whom.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let phones = self.phones.iter().filter_map(phone::Phone::next_timeout);
        phones.chain(self.carrier.next_timeout()).min()
    }

    /// How it stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let customer = |(who, answered_at, stream): (&Citizen, _, &stream::Stream)| CallSight {
            who: who.clone(),
            answered_at,
            port: stream.port(),
            remote: stream.remote(),
        };
        let phone = |phone: &phone::Phone| PhoneSight {
            account: phone.person().account.clone(),
            registered: phone.is_registered(),
            duty: phone.duty(),
        };
        Snapshot {
            customers: self.carrier.calls().map(customer).collect(),
            phones: self.phones.iter().map(phone).collect(),
            ports_free: self.gate.ports_free(),
        }
    }
}
