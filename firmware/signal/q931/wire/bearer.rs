//! Bearer capability (Q.931 §4.5.5).

use super::{
    CodingStandard,
    octets::{Octets, emit_extended},
};

/// What is to be carried (octet 3 bits 5 to 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// 0: speech.
    Speech,
    /// 8: unrestricted digital.
    Unrestricted,
    /// 9: restricted digital.
    Restricted,
    /// 16: 3.1 kHz audio: speech, fax, modem.
    Audio3k1,
    /// 17: unrestricted digital with tones and announcements.
    UnrestrictedWithTones,
    /// 24: video.
    Video,
    /// A reserved code, at most 31.
    Reserved(u8),
}

/// One layer's protocol (octet groups 5, 6 and 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Bits 5 to 1 of its first octet. Layer 1: 2 is G.711 µ-law, 3 is G.711 A-law.
    pub protocol: u8,
    /// The octets behind it (5a to 5d, 6a…), 7 bits each.
    pub more: Vec<u8>,
}

/// What kind of connection is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerCapability {
    /// ITU-T.
    pub standard: CodingStandard,
    /// What is to be carried.
    pub capability: Capability,
    /// Octet 4 bits 7 and 6: 0 circuit, 2 packet.
    pub mode: u8,
    /// Octet 4 bits 5 to 1: 16 is 64 kbit/s, 24 multirate.
    pub rate: u8,
    /// Octet 4.1, only with rate 24: how many times 64 kbit/s.
    pub multiplier: Option<u8>,
    /// Octets 5.
    pub layer1: Option<Layer>,
    /// Octets 6.
    pub layer2: Option<Layer>,
    /// Octets 7.
    pub layer3: Option<Layer>,
}

/// Octet 5: Recommendation G.711 A-law.
pub const LAYER1_A_LAW: u8 = 3;

/// Octet 5: Recommendation G.711 µ-law.
pub const LAYER1_MU_LAW: u8 = 2;

/// Octet 4: 64 kbit/s.
const RATE_64K: u8 = 0x10;

/// Octet 4: a multiple of 64 kbit/s, told in octet 4.1.
const RATE_MULTIPLE: u8 = 0x18;

impl BearerCapability {
    /// Speech over 64 kbit/s, A-law: what a telephone asks for.
    #[must_use]
    pub fn speech() -> BearerCapability {
        BearerCapability::circuit(Capability::Speech, Some(LAYER1_A_LAW))
    }

    /// 3.1 kHz audio over 64 kbit/s, A-law: what a line with fax or modem asks for.
    #[must_use]
    pub fn audio() -> BearerCapability {
        BearerCapability::circuit(Capability::Audio3k1, Some(LAYER1_A_LAW))
    }

    /// Unrestricted digital over 64 kbit/s.
    #[must_use]
    pub fn unrestricted() -> BearerCapability {
        BearerCapability::circuit(Capability::Unrestricted, None)
    }

    fn circuit(capability: Capability, layer1: Option<u8>) -> BearerCapability {
        BearerCapability {
            standard: CodingStandard::Itu,
            capability,
            mode: 0,
            rate: RATE_64K,
            multiplier: None,
            layer1: layer1.map(|protocol| Layer { protocol, more: Vec::new() }),
            layer2: None,
            layer3: None,
        }
    }

    /// Whether a person can talk over it: speech or 3.1 kHz audio in one 64 kbit/s circuit.
    #[must_use]
    pub fn is_voice(&self) -> bool {
        matches!(self.capability, Capability::Speech | Capability::Audio3k1)
            && self.mode == 0
            && self.rate == RATE_64K
    }
}

impl Capability {
    /// The five bits on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Capability::Speech => 0,
            Capability::Unrestricted => 8,
            Capability::Restricted => 9,
            Capability::Audio3k1 => 16,
            Capability::UnrestrictedWithTones => 17,
            Capability::Video => 24,
            Capability::Reserved(code) => code & 0x1F,
        }
    }

    const fn from_code(code: u8) -> Capability {
        match code & 0x1F {
            0 => Capability::Speech,
            8 => Capability::Unrestricted,
            9 => Capability::Restricted,
            16 => Capability::Audio3k1,
            17 => Capability::UnrestrictedWithTones,
            24 => Capability::Video,
            other => Capability::Reserved(other),
        }
    }

    /// A short name for traces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Capability::Speech => "speech",
            Capability::Unrestricted => "unrestricted",
            Capability::Restricted => "restricted",
            Capability::Audio3k1 => "3.1kHz-audio",
            Capability::UnrestrictedWithTones => "unrestricted-with-tones",
            Capability::Video => "video",
            Capability::Reserved(_) => "reserved",
        }
    }
}

impl BearerCapability {
    pub(crate) fn parse(content: &[u8]) -> Option<BearerCapability> {
        let mut octets = Octets::new(content);
        // Bit 8 of octet 3 and of octet 4 is 1 today; what older editions put behind a 0 is skipped.
        let third = octets.next()?;
        octets.skip_extension(third)?;
        let fourth = octets.next()?;
        let rate = fourth & 0x1F;
        let multiplier = if rate == RATE_MULTIPLE {
            let octet = octets.next()?;
            octets.skip_extension(octet)?;
            Some(octet & 0x7F)
        } else {
            octets.skip_extension(fourth)?;
            None
        };
        let mut layers = [None, None, None];
        let mut before = 0;
        while let Some(first) = octets.next() {
            let number = usize::from(first >> 5 & 3);
            if number <= before {
                return None;
            }
            before = number;
            *layers.get_mut(number - 1)? =
                Some(Layer { protocol: first & 0x1F, more: octets.extension(first)? });
        }
        let [layer1, layer2, layer3] = layers;
        Some(BearerCapability {
            standard: CodingStandard::from_code(third >> 5),
            capability: Capability::from_code(third),
            mode: fourth >> 5 & 3,
            rate,
            multiplier,
            layer1,
            layer2,
            layer3,
        })
    }

    pub(crate) fn emit(&self, out: &mut Vec<u8>) {
        out.push(0x80 | self.standard.code() << 5 | self.capability.code());
        out.push(0x80 | (self.mode & 3) << 5 | (self.rate & 0x1F));
        if self.rate == RATE_MULTIPLE {
            out.push(0x80 | self.multiplier.unwrap_or(1));
        }
        for (number, layer) in [(1, &self.layer1), (2, &self.layer2), (3, &self.layer3)] {
            let Some(layer) = layer else { continue };
            let first = number << 5 | (layer.protocol & 0x1F);
            emit_extended(core::iter::once(first).chain(layer.more.iter().copied()), out);
        }
    }
}
