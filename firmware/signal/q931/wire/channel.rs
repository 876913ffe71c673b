//! Channel identification of a primary rate interface (Q.931 §4.5.13).

use super::octets::{Octets, emit_extended};
use crate::limits::Q931_CHANNELS_MAX;

/// On which interface (octet 3 bit 7, octets 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interface {
    /// The one of this D-channel.
    Implicit,
    /// Another one of this D-channel: its identifier, 7 bits an octet, at least one octet.
    Explicit(Vec<u8>),
}

/// Which channels of it (octet 3 bits 2 and 1, octets 3.2 and 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// No channel.
    None,
    /// Any channel.
    Any,
    /// These time slots, each by its number (0 to 127; at most
    /// [`crate::limits::Q931_CHANNELS_MAX`], at least one).
    Slots(Vec<u8>),
    /// These time slots by a slot map: bit t is time slot t.
    Map(u32),
}

impl Which {
    /// The time slots in ascending order, however they were written. Empty for none and any.
    #[must_use]
    pub fn slots(&self) -> Vec<u8> {
        match self {
            Which::None | Which::Any => Vec::new(),
            Which::Slots(slots) => {
                let mut slots = slots.clone();
                slots.sort_unstable();
                slots.dedup();
                slots
            }
            Which::Map(map) => (0..32).filter(|slot| map >> slot & 1 == 1).collect(),
        }
    }
}

/// The channel of a call, or the channels of a restart. B-channels of 64 kbit/s only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelIdentification {
    /// On which interface.
    pub interface: Interface,
    /// Whether only the indicated channel will do (octet 3 bit 4).
    pub exclusive: bool,
    /// Whether it is the D-channel (octet 3 bit 3).
    pub d_channel: bool,
    /// Which channels.
    pub which: Which,
}

impl ChannelIdentification {
    /// One time slot of this interface, by its number.
    #[must_use]
    pub fn slot(slot: u8, exclusive: bool) -> ChannelIdentification {
        ChannelIdentification {
            interface: Interface::Implicit,
            exclusive,
            d_channel: false,
            which: Which::Slots(vec![slot]),
        }
    }

    /// Any channel of this interface.
    #[must_use]
    pub fn any() -> ChannelIdentification {
        ChannelIdentification {
            interface: Interface::Implicit,
            exclusive: false,
            d_channel: false,
            which: Which::Any,
        }
    }

    /// The one time slot, when exactly one of this D-channel's interface is named.
    #[must_use]
    pub fn single(&self) -> Option<u8> {
        match (&self.interface, self.which.slots().as_slice()) {
            (Interface::Implicit, [slot]) => Some(*slot),
            (Interface::Implicit | Interface::Explicit(_), _) => None,
        }
    }
}

/// Octet 3 bit 7: the interface is named in octets 3.1.
const EXPLICIT: u8 = 0x40;
/// Octet 3 bit 6: not a basic rate interface.
const PRIMARY: u8 = 0x20;
const EXCLUSIVE: u8 = 0x08;
const D_CHANNEL: u8 = 0x04;
/// Octet 3 bits 2 and 1.
const INDICATED: u8 = 1;
const ANY: u8 = 3;
/// Octet 3.2: ITU-T coding, B-channel units.
const B_CHANNELS: u8 = 0x03;
/// Octet 3.2 bit 5: a slot map follows, not numbers.
const SLOT_MAP: u8 = 0x10;

impl ChannelIdentification {
    pub(crate) fn parse(content: &[u8]) -> Option<ChannelIdentification> {
        let mut octets = Octets::new(content);
        let third = octets.next()?;
        octets.skip_extension(third)?;
        if third & PRIMARY == 0 {
            return None;
        }
        let interface = if third & EXPLICIT == 0 {
            Interface::Implicit
        } else {
            let first = octets.next()?;
            let mut identifier = vec![first & 0x7F];
            identifier.extend(octets.extension(first)?);
            Interface::Explicit(identifier)
        };
        let which = match third & 3 {
            0 => Which::None,
            INDICATED => Which::parse(&mut octets)?,
            ANY => Which::Any,
            _ => return None,
        };
        Some(ChannelIdentification {
            interface,
            exclusive: third & EXCLUSIVE != 0,
            d_channel: third & D_CHANNEL != 0,
            which,
        })
    }

    pub(crate) fn emit(&self, out: &mut Vec<u8>) {
        let mut third = 0x80 | PRIMARY;
        third |= if self.exclusive { EXCLUSIVE } else { 0 };
        third |= if self.d_channel { D_CHANNEL } else { 0 };
        third |= match &self.which {
            Which::None => 0,
            Which::Any => ANY,
            Which::Slots(slots) if slots.is_empty() => 0,
            Which::Slots(_) | Which::Map(_) => INDICATED,
        };
        match &self.interface {
            Interface::Explicit(identifier) if !identifier.is_empty() => {
                out.push(third | EXPLICIT);
                emit_extended(identifier.iter().copied(), out);
            }
            Interface::Implicit | Interface::Explicit(_) => out.push(third),
        }
        match &self.which {
            Which::None | Which::Any => {}
            Which::Slots(slots) if slots.is_empty() => {}
            Which::Slots(slots) => {
                out.push(0x80 | B_CHANNELS);
                emit_extended(slots.iter().copied().take(Q931_CHANNELS_MAX), out);
            }
            Which::Map(map) => {
                out.push(0x80 | SLOT_MAP | B_CHANNELS);
                out.extend_from_slice(&map.to_be_bytes());
            }
        }
    }
}

impl Which {
    /// Octets 3.2 and 3.3. Bit 8 of a number is not looked at: some exchanges set it on each number
    /// of a list, some on none.
    fn parse(octets: &mut Octets<'_>) -> Option<Which> {
        let kind = octets.next()?;
        octets.skip_extension(kind)?;
        if kind & 0x6F != B_CHANNELS {
            return None;
        }
        let rest = octets.rest();
        if kind & SLOT_MAP != 0 {
            return Some(Which::Map(u32::from_be_bytes(rest.try_into().ok()?)));
        }
        let fine = (1..=Q931_CHANNELS_MAX).contains(&rest.len());
        fine.then(|| Which::Slots(rest.iter().map(|octet| octet & 0x7F).collect()))
    }
}
