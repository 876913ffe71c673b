//! Q.931 messages: octets to values and back (Q.931 §4, EN 300 403-1 §4, EN 300 207-1 for diversion).
//!
//! # Contract
//!
//! - No input makes [`decode`] panic; it reads every octet once. A message is at most
//!   [`crate::limits::Q931_MESSAGE_OCTETS_MAX`], so what a decoded value owns is bounded by it.
//! - A [`WireError`] means that the message is to be ignored (§5.8.1 to §5.8.3.1). Everything else is
//!   a message, with [`Fault`]s for the elements that were left out or noticed; [`missing`] and
//!   [`is_mandatory`] tell how heavy they weigh (§5.8.6, §5.8.7).
//! - An element without contents is the same as an absent one (§4.5.1): it is neither kept nor sent.
//! - [`encode`] writes the elements in the order of the standard's tables (§3, §4.5.1), the call
//!   reference in two octets (§4.3), and other codesets behind a locking shift (§4.5.3).
//!   `decode(encode(m))` gives `m` back without faults for every decoded `m` whose elements stood in
//!   that order.
//!
//! Only the primary rate form of the channel identification is read; the basic rate form is an error
//! of its contents. Segmented messages (annex H) are not joined.

mod bearer;
mod cause;
mod channel;
mod decode;
mod element;
mod encode;
mod fault;
mod mandatory;
mod message;
mod moment;
pub mod name;
mod number;
mod octets;
mod progress;
mod show;
mod text;

pub use bearer::{BearerCapability, Capability, LAYER1_A_LAW, LAYER1_MU_LAW, Layer};
pub use cause::{CauseElement, CodingStandard, Location};
pub use channel::{ChannelIdentification, Interface, Which};
pub use decode::decode;
pub use element::{Element, RestartClass, id};
pub use encode::encode;
pub use fault::{Decoded, Fault, FaultKind, WireError};
pub use mandatory::{Sender, is_mandatory, missing};
pub use message::{CALL_REFERENCE_MAX, CallReference, Message, MessageType};
pub use moment::DateTime;
pub use number::{
    NumberPlan, NumberType, Party, Presentation, Redirecting, RedirectionReason, Screening,
};
pub use progress::ProgressIndicator;
pub use show::{Digits, show};
