//! One call over a span: whose it is, and the channel that it has.

use std::collections::VecDeque;

use call::Tick;
use signal::q931::wire::Party;

use super::super::output::{BearerTerms, Citizen, Gate, SoundOrder, SoundPort};
use super::super::talk::Talk;
use super::mischief::Flaws;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// Nobody, while digits are still missing.
    pub(super) talk: Option<Talk>,
    /// The called number as far as it has come.
    pub(super) called: Party,
    pub(super) caller: Option<String>,
    /// This side called.
    pub(super) ours: bool,
    pub(super) slot: Option<u8>,
    pub(super) is_open: bool,
    /// A tone tells why it has failed.
    pub(super) is_cleared: bool,
    pub(super) flaws: Flaws,
    /// The box's reference of a call of its own.
    pub(super) reference: Option<u16>,
    /// Digits that are still to be given, and when the next is.
    pub(super) late: VecDeque<char>,
    pub(super) late_at: Option<Tick>,
}

impl Live {
    pub(super) fn new(talk: Option<Talk>, called: Party) -> Live {
        Live {
            talk,
            called,
            caller: None,
            ours: false,
            slot: None,
            is_open: false,
            is_cleared: false,
            flaws: Flaws::default(),
            reference: None,
            late: VecDeque::new(),
            late_at: None,
        }
    }

    pub(super) fn is_of(&self, number: &str) -> bool {
        let who = self.talk.as_ref().map(|talk| &talk.who);
        matches!(who, Some(Citizen::Customer(own)) if own == number)
    }

    pub(super) fn port(&self, index: u8) -> Option<SoundPort> {
        self.slot.map(|slot| SoundPort::of_bearer(index, slot))
    }

    /// Connects the channel.
    pub(super) fn open(&mut self, gate: &mut Gate, index: u8, slot: u8) {
        if self.slot == Some(slot) && self.is_open {
            return;
        }
        self.close(gate, index);
        self.slot = Some(slot);
        self.is_open = true;
        gate.sound(SoundOrder::OpenBearer(BearerTerms {
            port: SoundPort::of_bearer(index, slot),
            span: index,
            slot,
            hears: !self.flaws.deaf,
            speaks: !self.flaws.mute,
            echoes: self.flaws.echo,
        }));
    }

    pub(super) fn close(&mut self, gate: &mut Gate, index: u8) {
        if core::mem::take(&mut self.is_open)
            && let Some(port) = self.port(index)
        {
            gate.sound(SoundOrder::Close(port));
        }
    }

    pub(super) fn order(
        &self,
        gate: &mut Gate,
        index: u8,
        order: impl FnOnce(SoundPort) -> SoundOrder,
    ) {
        if let Some(port) = self.port(index).filter(|_| self.is_open) {
            gate.sound(order(port));
        }
    }
}
