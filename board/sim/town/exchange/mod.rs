//! The exchange: the network's side of the box's E1 spans. Whoever is called over a span is the
//! same subscriber whom the carrier reaches.
//!
//! ```text
//!   box ── span ── plug ──┬── live (one each call) ── talk ── customer
//!                         └── mischief (what goes wrong on purpose)
//! ```

mod begin;
mod live;
mod mischief;
mod number;
mod plug;

#[cfg(test)]
mod tests;

use call::Tick;

pub use mischief::{Bad, Fault, Outage};
pub use number::{Form, Plan};
pub use plug::{CallRow, SpanSight};

use super::output::SoundPort;
use super::people::Setup;
use super::subscriber::Numbers;
use super::talk::Talk;
use super::{Around, Dialling, Order, OrderError, Timer};
use crate::limits::SPANS_MAX;
use plug::Plug;

/// One plug for the box.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The socket of the box to which it is attached, without `.d` and `.b`.
    pub attach: String,
    /// Frames carry their check sequence.
    pub fcs: bool,
    /// Time slots that carry calls.
    pub channels: Vec<u8>,
    /// The box's numbers at this span.
    pub numbers: Vec<Numbers>,
    /// Numbers are taken from the box digit by digit, and given to it so.
    pub overlap: bool,
    /// It is told by a tone in the channel why a call has failed.
    pub tells: bool,
    /// All channels are restarted when the link comes up for the first time.
    pub restarts: bool,
    /// How numbers are written.
    pub plan: Plan,
}

impl Span {
    /// A whole E1 without numbers, en bloc, with tones, without check sequences, in Beijing.
    #[must_use]
    pub fn plain(attach: &str) -> Span {
        Span {
            attach: attach.to_owned(),
            fcs: false,
            channels: (1..=31).filter(|slot| *slot != 16).collect(),
            numbers: Vec::new(),
            overlap: false,
            tells: true,
            restarts: false,
            plan: Plan::default(),
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    plugs: Vec<Plug>,
}

impl Exchange {
    pub(super) fn new(now: Tick, setup: &Setup) -> Exchange {
        let spans = (0u8..).zip(setup.spans.iter().take(SPANS_MAX));
        Exchange { plugs: spans.map(|(n, span)| Plug::new(now, setup, n, span)).collect() }
    }

    pub(super) fn handle_frame(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        span: u8,
        bytes: &[u8],
    ) {
        if let Some(plug) = self.plugs.get_mut(usize::from(span)) {
            plug.handle_frame(now, around, bytes);
        }
    }

    pub(super) fn handle_span(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        span: u8,
        is_up: bool,
    ) {
        if let Some(plug) = self.plugs.get_mut(usize::from(span)) {
            plug.handle_layer1(now, around, is_up);
        }
    }

    /// Something goes wrong now. `false`: there is no such span.
    pub(super) fn harm(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        span: u8,
        fault: Fault,
    ) -> bool {
        let plug = self.plugs.get_mut(usize::from(span));
        plug.map(|plug| plug.harm(now, around, fault)).is_some()
    }

    pub(super) fn expire(&mut self, now: Tick, around: &mut Around<'_>) {
        for plug in &mut self.plugs {
            if plug.next_timeout().is_some_and(|(at, _)| at <= now) {
                plug.expire(now, around);
            }
        }
    }

    pub(super) fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.plugs.iter().filter_map(Plug::next_timeout).min()
    }

    /// The plug with a call at `port`.
    pub(super) fn plug_at(&mut self, port: SoundPort) -> Option<&mut Plug> {
        self.plugs.iter_mut().find(|plug| plug.has_port(port))
    }

    /// The plug over which the customer with this number is in a call.
    pub(super) fn plug_of(&mut self, number: &str) -> Option<&mut Plug> {
        self.plugs.iter_mut().find(|plug| plug.has_number(number))
    }

    /// The first span on which `called` is a number of the box.
    pub(super) fn span_to(&self, called: &str) -> Option<u8> {
        self.plugs.iter().find(|plug| plug.reaches(called)).map(Plug::index)
    }

    /// A customer calls the box over `span`.
    pub(super) fn dial(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        span: u8,
        number: &str,
        dialling: Dialling,
    ) -> Result<(), OrderError> {
        let plug = self.plugs.get_mut(usize::from(span)).ok_or(OrderError::NoWay)?;
        plug.dial(now, around, number, dialling)
    }

    pub(super) fn leave(&mut self, now: Tick, around: &mut Around<'_>) {
        for plug in &mut self.plugs {
            plug.leave(now, around);
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.plugs.iter().all(Plug::is_quiet)
    }

    /// Customers in a call.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&Talk, u8, u8)> {
        self.plugs.iter().flat_map(Plug::calls)
    }

    pub(super) fn sights(&self) -> impl Iterator<Item = SpanSight> {
        self.plugs.iter().map(Plug::sight)
    }
}

impl Plug {
    /// A customer of this plug does what a scenario says.
    pub(super) fn order(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        number: &str,
        order: Order,
    ) -> Result<(), OrderError> {
        match order {
            Order::Dial(_) | Order::Call(_) => Err(OrderError::Busy),
            Order::Press(keys) => self.press(now, around, number, keys),
            Order::Say(voice) => self.say(now, around, number, voice),
            Order::HangUp => self.hang_up(now, around, number),
        }
    }
}
