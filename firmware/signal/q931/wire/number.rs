//! Numbers of parties (Q.931 §4.5.8, §4.5.10; EN 300 097-1, EN 300 207-1).

use super::{
    octets::{Octets, emit_extended},
    text,
};
use crate::limits::Q931_DIGITS_MAX;

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident, $mask:literal; $($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal;)*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A reserved code.
            Reserved(u8),
        }

        impl $name {
            /// The bits on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $($name::$variant => $code,)*
                    $name::Reserved(code) => code & $mask,
                }
            }

            /// The meaning of the low bits of `code`.
            #[must_use]
            pub const fn from_code(code: u8) -> $name {
                match code & $mask {
                    $($code => $name::$variant,)*
                    other => $name::Reserved(other),
                }
            }

            /// A short name for traces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                    $name::Reserved(_) => "reserved",
                }
            }
        }
    };
}

codes! {
    /// What kind of number the digits are (octet 3 bits 7 to 5).
    NumberType, 0x07;
    /// Not told, or by the receiver's dialling plan, with prefixes in the digits.
    Unknown = 0, "unknown";
    /// Country code first.
    International = 1, "international";
    /// Area code first.
    National = 2, "national";
    /// Of the serving network.
    NetworkSpecific = 3, "network";
    /// Local.
    Subscriber = 4, "subscriber";
    /// Short.
    Abbreviated = 6, "abbreviated";
}

codes! {
    /// By which plan (octet 3 bits 4 to 1).
    NumberPlan, 0x0F;
    /// Not told.
    Unknown = 0, "unknown";
    /// E.164.
    Isdn = 1, "isdn";
    /// X.121.
    X121 = 3, "x121";
    /// F.69.
    Telex = 4, "telex";
    /// National standard.
    National = 8, "national";
    /// Private.
    Private = 9, "private";
}

codes! {
    /// Whether the number may be shown (octet 3a bits 7 and 6).
    Presentation, 0x03;
    /// It may.
    Allowed = 0, "allowed";
    /// It must not.
    Restricted = 1, "restricted";
    /// There is none because of interworking.
    NotAvailable = 2, "unavailable";
}

codes! {
    /// Who vouches for the number (octet 3a bits 2 and 1).
    Screening, 0x03;
    /// The user gave it, nobody looked.
    UserNotScreened = 0, "unscreened";
    /// The user gave it, the network found it right.
    UserPassed = 1, "passed";
    /// The user gave it, the network found it wrong.
    UserFailed = 2, "failed";
    /// The network gave it.
    Network = 3, "network";
}

codes! {
    /// Why a call was redirected (EN 300 207-1, octet 3b bits 4 to 1).
    RedirectionReason, 0x0F;
    /// Not told.
    Unknown = 0, "unknown";
    /// Busy.
    Busy = 1, "busy";
    /// No reply.
    NoReply = 2, "no-reply";
    /// Deflected while ringing.
    Deflected = 4, "deflected";
    /// The phone is out of order.
    OutOfOrder = 9, "out-of-order";
    /// Forwarded by the phone itself.
    ByEquipment = 10, "by-equipment";
    /// Always.
    Unconditional = 15, "unconditional";
}

/// A number with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// What kind of number.
    pub kind: NumberType,
    /// By which plan.
    pub plan: NumberPlan,
    /// Octet 3a; on the wire together with screening. `None` with `screening` set is sent as
    /// allowed.
    pub presentation: Option<Presentation>,
    /// Octet 3a; `None` with `presentation` set is sent as not screened.
    pub screening: Option<Screening>,
    /// IA5 digits, `*` and `#`; at most [`crate::limits::Q931_DIGITS_MAX`]; may be empty where the
    /// number is withheld.
    pub digits: String,
}

impl Party {
    /// A number of the ISDN plan without octet 3a: a called party.
    #[must_use]
    pub fn new(kind: NumberType, digits: impl Into<String>) -> Party {
        Party {
            kind,
            plan: NumberPlan::Isdn,
            presentation: None,
            screening: None,
            digits: digits.into(),
        }
    }

    /// The same with octet 3a.
    #[must_use]
    pub fn shown(mut self, presentation: Presentation, screening: Screening) -> Party {
        (self.presentation, self.screening) = (Some(presentation), Some(screening));
        self
    }
}

/// Who sent the call on to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirecting {
    /// The number that redirected.
    pub party: Party,
    /// Why (octet 3b); goes out only behind octet 3a.
    pub reason: Option<RedirectionReason>,
}

impl Party {
    pub(crate) fn parse(content: &[u8]) -> Option<Party> {
        Some(parse_number(content)?.0)
    }

    pub(crate) fn emit(&self, out: &mut Vec<u8>) {
        emit_number(self, None, out);
    }
}

impl Redirecting {
    pub(crate) fn parse(content: &[u8]) -> Option<Redirecting> {
        let (party, reason) = parse_number(content)?;
        Some(Redirecting { party, reason })
    }

    pub(crate) fn emit(&self, out: &mut Vec<u8>) {
        emit_number(&self.party, self.reason, out);
    }
}

/// Octets 3, 3a, 3b, then the digits. Octets behind 3b that belong to its group are skipped.
fn parse_number(content: &[u8]) -> Option<(Party, Option<RedirectionReason>)> {
    let mut octets = Octets::new(content);
    let third = octets.next()?;
    let more = octets.extension(third)?;
    let digits = octets.rest();
    if digits.len() > Q931_DIGITS_MAX {
        return None;
    }
    let party = Party {
        kind: NumberType::from_code(third >> 4),
        plan: NumberPlan::from_code(third),
        presentation: more.first().map(|octet| Presentation::from_code(octet >> 5)),
        screening: more.first().map(|octet| Screening::from_code(*octet)),
        digits: text::read_digits(digits)?,
    };
    Some((party, more.get(1).map(|octet| RedirectionReason::from_code(*octet))))
}

fn emit_number(party: &Party, reason: Option<RedirectionReason>, out: &mut Vec<u8>) {
    let third = party.kind.code() << 4 | party.plan.code();
    let shown = party.presentation.is_some() || party.screening.is_some() || reason.is_some();
    let presentation = party.presentation.unwrap_or(Presentation::Allowed);
    let screening = party.screening.unwrap_or(Screening::UserNotScreened);
    let third_a = shown.then(|| presentation.code() << 5 | screening.code());
    let third_b = reason.map(RedirectionReason::code);
    emit_extended(core::iter::once(third).chain(third_a).chain(third_b), out);
    text::emit_digits(&party.digits, out);
}
