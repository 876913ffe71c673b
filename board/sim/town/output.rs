//! Everything that the town asks for, hears and tells.

use core::fmt;
use std::collections::VecDeque;
use std::net::SocketAddr;

use call::{Cause, Side, Tick};
use signal::sip::sdp::Codec;

use super::exchange::Fault;
use super::subscriber::Lot;
use crate::tones::Tone;
use crate::voice::Voice;

/// A place for the sound of one call: below [`SoundPort::BEARERS`] on RTP, its UDP port being
/// `rtp_first` and twice its number; from there on in a time slot of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SoundPort(pub u16);

impl SoundPort {
    /// The first in a span.
    pub const BEARERS: u16 = 0x1000;

    /// The place of a time slot: 1 to 31 of span 0 to 3.
    #[must_use]
    pub const fn of_bearer(span: u8, slot: u8) -> SoundPort {
        SoundPort(SoundPort::BEARERS + span as u16 * 32 + slot as u16)
    }
}

/// One effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Put one datagram on the wire.
    Send {
        /// From which of the town's addresses.
        from: SocketAddr,
        /// Where to.
        to: SocketAddr,
        /// A SIP message.
        bytes: Vec<u8>,
    },
    /// Put one D-channel frame on a span; with its check sequence where [`super::Span::fcs`] says so.
    Frame {
        /// Which span, from 0 on.
        span: u8,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// Layer 1 of a span shows an alarm at the box, or does no more: pull the plug, or put it back.
    Span {
        /// Which span, from 0 on.
        span: u8,
        /// It works again.
        up: bool,
    },
    /// Make, change or end sound. Nothing breaks if nobody does; but the digits of
    /// [`SoundOrder::Press`] must reach the box, or nobody signs in.
    Sound(SoundOrder),
    /// Something that a citizen did or saw.
    Event(Event),
}

/// What is agreed on about the sound of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Ours.
    pub port: SoundPort,
    /// Where the far end hears RTP.
    pub remote: SocketAddr,
    /// How we encode.
    pub codec: Codec,
    /// The payload type of RFC 4733 digits, if the far end knows them.
    pub digits: Option<u8>,
    /// Whether we send; not while we are held.
    pub sends: bool,
}

/// What a call's channel in a span is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BearerTerms {
    /// Ours.
    pub port: SoundPort,
    /// Which span, from 0 on.
    pub span: u8,
    /// Which time slot.
    pub slot: u8,
    /// The customer hears the box.
    pub hears: bool,
    /// The box hears the customer.
    pub speaks: bool,
    /// The box hears itself.
    pub echoes: bool,
}

/// An order for sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoundOrder {
    /// A call has sound from now on.
    Open(Terms),
    /// Something else was agreed on.
    Change(Terms),
    /// A call has a channel of a span from now on.
    OpenBearer(BearerTerms),
    /// Say this now, whatever is being said.
    Say(SoundPort, Voice),
    /// Make this tone now, whatever is being said.
    Sound(SoundPort, Tone),
    /// Be silent.
    Hush(SoundPort),
    /// Press these keys: `0-9 * #`.
    Press(SoundPort, String),
    /// The call is over.
    Close(SoundPort),
}

impl SoundOrder {
    /// Which call it is about.
    #[must_use]
    pub const fn port(&self) -> SoundPort {
        match self {
            SoundOrder::Open(terms) | SoundOrder::Change(terms) => terms.port,
            SoundOrder::OpenBearer(terms) => terms.port,
            SoundOrder::Say(port, _)
            | SoundOrder::Sound(port, _)
            | SoundOrder::Hush(port)
            | SoundOrder::Press(port, _)
            | SoundOrder::Close(port) => *port,
        }
    }
}

/// A fact about what a far end's sound was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundFact {
    /// Something can be heard.
    Started(SoundPort),
    /// A second ago it fell silent.
    Ended {
        /// Where.
        port: SoundPort,
        /// For how long it had sounded, in milliseconds.
        lasted_ms: u32,
    },
    /// A key was pressed at the far end.
    Key(SoundPort, char),
    /// No RTP at all has come for [`super::LOST_MS`].
    Lost(SoundPort),
}

impl SoundFact {
    /// Which call it is about.
    #[must_use]
    pub const fn port(self) -> SoundPort {
        match self {
            SoundFact::Started(port)
            | SoundFact::Ended { port, .. }
            | SoundFact::Key(port, _)
            | SoundFact::Lost(port) => port,
        }
    }
}

/// Somebody of the town.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Citizen {
    /// The agent at the phone of this account.
    Phone(String),
    /// The customer with this number, in digits alone.
    Customer(String),
    /// The carrier itself.
    Carrier,
    /// The exchange at this span, counted from 0.
    Span(u8),
}

/// One thing that a citizen did or saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Tick,
    /// Who.
    pub who: Citizen,
    /// What.
    pub what: Sight,
}

/// What a citizen can do or see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The phone is registered with the box; of the carrier: the box's trunk is registered with it.
    Registered,
    /// It is no more, or could not be.
    Unregistered {
        /// With which SIP status; nothing if nobody answered.
        status: Option<u16>,
    },
    /// A customer is called.
    Rung {
        /// By which number.
        caller: Option<String>,
        /// What becomes of it.
        lot: Lot,
    },
    /// A phone is called.
    Called {
        /// By which number.
        caller: Option<String>,
    },
    /// Calls the box.
    Dialled(String),
    /// Two can talk: this side picked up, or the box did.
    Answered,
    /// The far end's voice, for the first time in this call.
    Heard {
        /// How long after the answer, in milliseconds.
        after_ms: u64,
    },
    /// The far end has pressed a key.
    Key(char),
    /// Has pressed keys.
    Pressed(String),
    /// The agent has keyed number and PIN.
    SignedIn,
    /// The far end holds this side, or does no more.
    Held(bool),
    /// The call is over.
    Ended {
        /// Why.
        cause: Cause,
        /// Who ended it: `Far` is the box, `Box` is this side.
        by: Side,
        /// From the answer, in milliseconds; nothing without an answer.
        talked_ms: Option<u64>,
    },
    /// A call was turned away before anybody was asked.
    TurnedAway(Cause),
    /// Calls can be made over the span, or can no more.
    Linked(bool),
    /// Something went wrong on purpose.
    Misbehaved(Fault),
}

impl fmt::Display for Citizen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Citizen::Phone(account) => write!(f, "phone {account}"),
            Citizen::Customer(number) => write!(f, "customer +{number}"),
            Citizen::Carrier => f.write_str("carrier"),
            Citizen::Span(span) => write!(f, "span {}", span + 1),
        }
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sight::Registered => f.write_str("registered"),
            Sight::Unregistered { status: Some(status) } => write!(f, "not registered: {status}"),
            Sight::Unregistered { status: None } => f.write_str("not registered: no answer"),
            Sight::Rung { caller, lot } => {
                let caller = caller.as_deref().unwrap_or("nobody");
                write!(f, "called by {caller}; {:?} after {} ms", lot.fate, lot.ring_ms)
            }
            Sight::Called { caller } => {
                write!(f, "called by {}", caller.as_deref().unwrap_or("nobody"))
            }
            Sight::Dialled(number) => write!(f, "dials {number}"),
            Sight::Answered => f.write_str("answered"),
            Sight::Heard { after_ms } => write!(f, "hears somebody after {after_ms} ms"),
            Sight::Key(key) => write!(f, "hears key {key}"),
            // A PIN is keyed too.
            Sight::Pressed(keys) if keys.len() > 1 => write!(f, "presses {} keys", keys.len()),
            Sight::Pressed(keys) => write!(f, "presses {keys}"),
            Sight::SignedIn => f.write_str("has keyed number and PIN"),
            Sight::Held(true) => f.write_str("held"),
            Sight::Held(false) => f.write_str("taken back from hold"),
            Sight::Ended { cause, by, talked_ms } => {
                let who = match by {
                    Side::Far => "the box",
                    Side::Peer | Side::Box => "this side",
                };
                match talked_ms {
                    Some(ms) => write!(f, "{cause}, ended by {who} after {ms} ms"),
                    None => write!(f, "{cause}, ended by {who} without an answer"),
                }
            }
            Sight::TurnedAway(cause) => write!(f, "turned away: {cause}"),
            Sight::Linked(true) => f.write_str("the D-channel is up"),
            Sight::Linked(false) => f.write_str("the D-channel is down"),
            Sight::Misbehaved(fault) => write!(f, "misbehaves: {fault:?}"),
        }
    }
}

/// The way out of the town and the sound ports, which all citizens share.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    free: VecDeque<SoundPort>,
    out: VecDeque<Output>,
}

impl Gate {
    pub(super) fn new(ports: u16) -> Gate {
        Gate { free: (0..ports).map(SoundPort).collect(), out: VecDeque::new() }
    }

    /// The port that was given back longest ago, so that late packets find nobody.
    pub(super) fn take_port(&mut self) -> Option<SoundPort> {
        self.free.pop_front()
    }

    pub(super) fn give_back(&mut self, port: SoundPort) {
        self.free.push_back(port);
    }

    pub(super) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.out.push_back(Output::Send { from, to, bytes });
    }

    pub(super) fn frame(&mut self, span: u8, bytes: Vec<u8>) {
        self.out.push_back(Output::Frame { span, bytes });
    }

    pub(super) fn span(&mut self, span: u8, up: bool) {
        self.out.push_back(Output::Span { span, up });
    }

    pub(super) fn sound(&mut self, order: SoundOrder) {
        self.out.push_back(Output::Sound(order));
    }

    pub(super) fn tell(&mut self, at: Tick, who: &Citizen, what: Sight) {
        self.out.push_back(Output::Event(Event { at, who: who.clone(), what }));
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    pub(super) fn ports_free(&self) -> usize {
        self.free.len()
    }
}
