//! Cause (Q.931 §4.5.12, Q.850 §2.1): where and why.

use super::octets::{Octets, emit_extended};

/// Who defined a coding (Q.931 §4.5.5, octet 3 bits 7 and 6; the same in several elements).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodingStandard {
    /// 0: ITU-T.
    Itu,
    /// 1: ISO/IEC.
    Iso,
    /// 2: national.
    National,
    /// 3: of the network or of the location.
    Network,
}

macro_rules! locations {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Where something happened (Q.850 §2.2.3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Location {
            $($(#[$doc])* $name,)*
            /// A reserved code, at most 15.
            Reserved(u8),
        }

        impl Location {
            /// The four bits on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $(Location::$name => $code,)*
                    Location::Reserved(code) => code & 0x0F,
                }
            }

            /// The location of the low four bits.
            #[must_use]
            pub const fn from_code(code: u8) -> Location {
                match code & 0x0F {
                    $($code => Location::$name,)*
                    other => Location::Reserved(other),
                }
            }

            /// A short name for traces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Location::$name => $text,)*
                    Location::Reserved(_) => "reserved",
                }
            }
        }
    };
}

locations! {
    /// The user.
    User = 0, "user";
    /// The private network at this end.
    PrivateLocal = 1, "private-local";
    /// The public network at this end.
    PublicLocal = 2, "public-local";
    /// A network between.
    Transit = 3, "transit";
    /// The public network at the far end.
    PublicRemote = 4, "public-remote";
    /// The private network at the far end.
    PrivateRemote = 5, "private-remote";
    /// An international network.
    International = 7, "international";
    /// A network beyond an interworking point.
    BeyondInterworking = 10, "beyond-interworking";
}

/// Why, as it stands in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseElement {
    /// ITU-T unless a network has causes of its own.
    pub standard: CodingStandard,
    /// Where.
    pub location: Location,
    /// Octet 3a: by which Recommendation the value is coded; absent means Q.931 (Q.850 §2.1).
    pub recommendation: Option<u8>,
    /// 0 to 127, Q.850 Table 1.
    pub value: u8,
    /// More, as the value says: of 96, 99, 100 the identifiers of elements, of 97, 98, 101 the
    /// message type, of 102 the timer's digits (Q.850 Table 1).
    pub diagnostics: Vec<u8>,
}

impl CauseElement {
    /// A cause of ITU-T without diagnostics.
    #[must_use]
    pub fn new(location: Location, value: u8) -> CauseElement {
        CauseElement {
            standard: CodingStandard::Itu,
            location,
            recommendation: None,
            value,
            diagnostics: Vec::new(),
        }
    }

    /// The same with diagnostics.
    #[must_use]
    pub fn with_diagnostics(mut self, diagnostics: impl Into<Vec<u8>>) -> CauseElement {
        self.diagnostics = diagnostics.into();
        self
    }

    /// The cause that the house knows it by.
    #[must_use]
    pub fn cause(&self) -> call::Cause {
        call::Cause::from_q850(self.value)
    }
}

impl CodingStandard {
    /// The two bits on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            CodingStandard::Itu => 0,
            CodingStandard::Iso => 1,
            CodingStandard::National => 2,
            CodingStandard::Network => 3,
        }
    }

    /// The standard of the low two bits.
    pub(crate) const fn from_code(code: u8) -> CodingStandard {
        match code & 3 {
            0 => CodingStandard::Itu,
            1 => CodingStandard::Iso,
            2 => CodingStandard::National,
            _ => CodingStandard::Network,
        }
    }
}

impl CauseElement {
    pub(crate) fn parse(content: &[u8]) -> Option<CauseElement> {
        let mut octets = Octets::new(content);
        let third = octets.next()?;
        let recommendation = octets.extension(third)?.first().copied();
        let value = octets.next()? & 0x7F;
        Some(CauseElement {
            standard: CodingStandard::from_code(third >> 5),
            location: Location::from_code(third),
            recommendation,
            value,
            diagnostics: octets.rest().to_vec(),
        })
    }

    pub(crate) fn emit(&self, out: &mut Vec<u8>) {
        let third = self.standard.code() << 5 | self.location.code();
        emit_extended(core::iter::once(third).chain(self.recommendation), out);
        out.push(0x80 | self.value);
        out.extend_from_slice(&self.diagnostics);
    }
}
