//! The town: everybody behind one door.
//!
//! ```text
//!            ┌── carrier ───┬── customers (one each call) ── directory (the subscribers)
//!   box ─────┼── exchange ──┘
//!            └── phones ─────── agents    (one each phone)
//! ```
//!
//! Each phone and the carrier is a SIP endpoint with an address of its own, so that the box cannot
//! tell them from real ones; the exchange is the network's side of the box's E1 spans. One body of
//! subscribers stands behind every line, and a customer does not know which one it is: a line turns
//! what a customer does ([`customer`]) into its own signals. A further kind of line is a further
//! folder beside the exchange. Sound is asked for by [`SoundOrder`] and told by [`SoundFact`]; with
//! neither the town still lives ([`Setup::hears`]), if keys reach the box. Customers and agents draw
//! from streams of chance of their own: the same seed and the same inputs give the same town.

mod agent;
mod carrier;
mod chance;
mod customer;
mod directory;
mod exchange;
mod output;
mod people;
mod phone;
mod stream;
mod subscriber;
mod talk;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use call::Tick;

pub use agent::{Duty, SIGN_IN};
pub use chance::Chance;
pub use exchange::{Bad, CallRow, Fault, Form, Outage, Plan, Span, SpanSight};
pub use output::{
    BearerTerms, Citizen, Event, Output, Sight, SoundFact, SoundOrder, SoundPort, Terms,
};
pub use people::{Habit, Phone, Setup, Trunk};
pub use subscriber::{
    Chances, Dead, DeadBy, DeadSays, Fate, HOURS, Lot, Numbers, Press, Subscriber, plain,
};

use crate::limits::PHONES_MAX;
use crate::voice::Voice;
use carrier::Carrier;
use directory::Directory;
use exchange::Exchange;
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
    /// A D-channel of the exchange.
    Span(signal::q931::dchannel::Timer),
    /// The next digit of a number that is given digit by digit.
    Digit,
    /// Something goes wrong on purpose, or is well again.
    Mischief,
}

/// What a scenario can tell a citizen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Call this number at the box: over the span that has it, else over the carrier.
    Dial(String),
    /// The same with everything that a call can bring.
    Call(Dialling),
    /// Press keys: `0-9 * #`.
    Press(String),
    /// Say something.
    Say(Voice),
    /// End the call, however far it is.
    HangUp,
}

/// A call to the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialling {
    /// Whom.
    pub called: String,
    /// Over which line.
    pub over: Way,
    /// Digit by digit, or not; as the span does it where nothing is said.
    pub overlap: Option<bool>,
    /// The caller's number is not shown.
    pub withheld: bool,
    /// Who has sent the call on to the box.
    pub redirected: Option<String>,
    /// The caller's name.
    pub display: Option<String>,
}

impl Dialling {
    /// A plain call.
    #[must_use]
    pub fn to(called: &str) -> Dialling {
        Dialling {
            called: called.to_owned(),
            over: Way::ByNumber,
            overlap: None,
            withheld: false,
            redirected: None,
            display: None,
        }
    }
}

/// Over which line somebody calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The span that has the called number, else the carrier.
    #[default]
    ByNumber,
    /// The SIP carrier.
    Carrier,
    /// This span, counted from 0.
    Span(u8),
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
    /// Every sound port is taken, or every channel of the span.
    #[error("all sound ports are taken: give the town more by town.rtp, or the span more channels")]
    NoPort,
    /// The box's trunk is not registered, or the span is down.
    #[error("the line does not reach the box: its trunk is not registered, or the span is down")]
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
    /// Where its sound goes: a span, counted from 0, and a time slot of it.
    pub bearer: Option<(u8, u8)>,
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
    /// All spans of the exchange.
    pub spans: Vec<SpanSight>,
    /// RTP sound ports in nobody's hands.
    pub ports_free: usize,
}

/// What a line needs of the town: who is who, and the way out.
#[derive(Debug)]
struct Around<'a> {
    setup: &'a Setup,
    directory: &'a mut Directory,
    gate: &'a mut Gate,
}

/// The composition.
#[derive(Clone, Debug)]
pub struct Town {
    setup: Setup,
    directory: Directory,
    carrier: Carrier,
    exchange: Exchange,
    phones: Vec<phone::Phone>,
    gate: Gate,
}

impl Town {
    /// A town that begins to live. Phones beyond [`PHONES_MAX`] are left out.
    #[must_use]
    pub fn new(now: Tick, setup: Setup) -> Town {
        let people = setup.phones.iter().take(PHONES_MAX).cloned();
        Town {
            directory: Directory::new(&setup),
            carrier: Carrier::new(now, &setup),
            exchange: Exchange::new(now, &setup),
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
        if to == self.setup.carrier {
            let (carrier, _, mut around) = self.lines();
            carrier.receive(now, &mut around, from, bytes);
        } else if let Some(phone) = self.phones.iter_mut().find(|p| p.person().address == to) {
            phone.receive(now, &self.setup, &mut self.gate, from, bytes);
        }
    }

    /// A D-channel frame has come from the box, on a span counted from 0; with its check sequence
    /// where the span has one. On a span that is not there it is dropped.
    pub fn handle_frame(&mut self, now: Tick, span: u8, bytes: &[u8]) {
        let (_, exchange, mut around) = self.lines();
        exchange.handle_frame(now, &mut around, span, bytes);
    }

    /// The box is there at the other end of a span, or is gone. A span counts as connected until
    /// this says otherwise.
    pub fn handle_span(&mut self, now: Tick, span: u8, up: bool) {
        let (_, exchange, mut around) = self.lines();
        exchange.handle_span(now, &mut around, span, up);
    }

    /// Something goes wrong at a span, at once: [`Fault::LinkDown`], [`Fault::Alarm`] and
    /// [`Fault::Glare`]; what is a matter of single calls is left to chance ([`Bad`]). `false`: there
    /// is no such span.
    pub fn harm(&mut self, now: Tick, span: u8, fault: Fault) -> bool {
        let (_, exchange, mut around) = self.lines();
        exchange.harm(now, &mut around, span, fault)
    }

    /// Something was heard. About a port without a call it means nothing.
    pub fn handle_sound(&mut self, now: Tick, fact: SoundFact) {
        let port = fact.port();
        let (carrier, exchange, mut around) = self.lines();
        if let Some(plug) = exchange.plug_at(port) {
            match fact {
                SoundFact::Started(_) => plug.hear_start(now, &mut around, port),
                SoundFact::Ended { .. } => plug.hear_end(now, &mut around, port),
                SoundFact::Key(_, key) => plug.hear_key(now, around.gate, port, key),
                SoundFact::Lost(_) => {}
            }
            return;
        }
        if let Some(call) = carrier.call_at(port) {
            match fact {
                SoundFact::Started(_) => carrier.hear_start(now, &mut around, call),
                SoundFact::Ended { .. } => carrier.hear_end(now, &mut around, call),
                SoundFact::Key(_, key) => carrier.hear_key(now, around.gate, call, key),
                // A customer who hears nothing hangs up when its time has come.
                SoundFact::Lost(_) => {}
            }
            return;
        }
        let (setup, gate) = (&self.setup, &mut self.gate);
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
        let (carrier, exchange, mut around) = self.lines();
        carrier.expire(now, &mut around);
        exchange.expire(now, &mut around);
        let (setup, gate) = (&self.setup, &mut self.gate);
        for phone in &mut self.phones {
            if phone.next_timeout().is_some_and(|(at, _)| at <= now) {
                phone.expire(now, setup, gate);
            }
        }
    }

    /// Everybody hangs up and signs off.
    pub fn handle_shutdown(&mut self, now: Tick) {
        let (carrier, exchange, mut around) = self.lines();
        carrier.leave(now, &mut around);
        exchange.leave(now, &mut around);
        let (setup, gate) = (&self.setup, &mut self.gate);
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
        match who {
            Citizen::Customer(number) => self.customer(now, number, order),
            Citizen::Phone(account) => {
                let (setup, gate) = (&self.setup, &mut self.gate);
                let phone = self.phones.iter_mut().find(|p| p.person().account == *account);
                phone.ok_or(OrderError::Nobody)?.order(now, setup, gate, order)
            }
            Citizen::Carrier | Citizen::Span(_) => Err(OrderError::Nobody),
        }
    }

    /// A customer is in one call at a time, on whichever line.
    fn customer(&mut self, now: Tick, number: &str, order: Order) -> Result<(), OrderError> {
        let (carrier, exchange, mut around) = self.lines();
        if let Some(plug) = exchange.plug_of(plain(number)) {
            return plug.order(now, &mut around, plain(number), order);
        }
        let dialling = match &order {
            Order::Dial(called) => Dialling::to(called),
            Order::Call(dialling) => dialling.clone(),
            Order::Press(_) | Order::Say(_) | Order::HangUp => {
                return carrier.order(now, &mut around, number, order);
            }
        };
        let span = match dialling.over {
            Way::ByNumber => exchange.span_to(&dialling.called),
            Way::Carrier => None,
            Way::Span(span) => Some(span),
        };
        match span {
            Some(_) if carrier.has_number(plain(number)) => Err(OrderError::Busy),
            Some(span) => exchange.dial(now, &mut around, span, number, dialling),
            None => carrier.order(now, &mut around, number, order),
        }
    }

    /// The lines, and what they need.
    const fn lines(&mut self) -> (&mut Carrier, &mut Exchange, Around<'_>) {
        let Town { setup, directory, carrier, exchange, gate, .. } = self;
        (carrier, exchange, Around { setup, directory, gate })
    }

    /// From now on every call to this number fares so; `None` leaves it to chance again. `false`
    /// if too many fates are fixed ([`crate::limits::FIXED_MAX`]).
    pub fn fix(&mut self, number: &str, lot: Option<Lot>) -> bool {
        self.directory.fix(number, lot)
    }

    /// Whether nobody is in a call and no phone is registered.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let lines = self.carrier.is_quiet() && self.exchange.is_quiet();
        lines && self.phones.iter().all(phone::Phone::is_quiet)
    }

    /// The next effect, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.gate.poll()
    }

    /// When [`Town::handle_timeout`] is wanted, and for whom.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let phones = self.phones.iter().filter_map(phone::Phone::next_timeout);
        let lines = [self.carrier.next_timeout(), self.exchange.next_timeout()];
        phones.chain(lines.into_iter().flatten()).min()
    }

    /// How it stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let over_sip = |(talk, stream): (&talk::Talk, &stream::Stream)| CallSight {
            who: talk.who.clone(),
            answered_at: talk.answered_at(),
            port: stream.port(),
            remote: stream.remote(),
            bearer: None,
        };
        let over_e1 = |(talk, span, slot): (&talk::Talk, u8, u8)| CallSight {
            who: talk.who.clone(),
            answered_at: talk.answered_at(),
            port: SoundPort::of_bearer(span, slot),
            remote: None,
            bearer: Some((span, slot)),
        };
        let customers = self.carrier.calls().map(over_sip);
        let phone = |phone: &phone::Phone| PhoneSight {
            account: phone.person().account.clone(),
            registered: phone.is_registered(),
            duty: phone.duty(),
        };
        Snapshot {
            customers: customers.chain(self.exchange.calls().map(over_e1)).collect(),
            spans: self.exchange.sights().collect(),
            phones: self.phones.iter().map(phone).collect(),
            ports_free: self.gate.ports_free(),
        }
    }
}
