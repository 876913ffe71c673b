//! What can be wrong with a message (Q.931 §5.8).

use super::Message;

/// The message cannot be given to any call: it is ignored (and counted).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Another protocol on the same D-channel (§5.8.1), such as the maintenance of some exchanges.
    #[error("protocol discriminator {0:#04x} is not call control")]
    Discriminator(u8),
    /// It ends before the message type (§5.8.2).
    #[error("message ends before its type")]
    TooShort,
    /// The octet of the call reference's length has bits 8 to 5 set, or says more than two
    /// (§5.8.3.1).
    #[error("call reference length octet {0:#04x}")]
    CallReference(u8),
    /// Longer than [`crate::limits::Q931_MESSAGE_OCTETS_MAX`]: no link delivers that.
    #[error("message of {0} octets")]
    TooLong(usize),
}

/// What is wrong with one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It stands behind one with a higher identifier; it was read all the same (§5.8.5.1).
    OutOfSequence,
    /// It stands more often than permitted; only the first are kept (§5.8.5.2).
    Repeated,
    /// Its contents could not be read; it is left out. Cause 100, with the weight of
    /// [`super::is_mandatory`] (§5.8.6.2, §5.8.7.2).
    Content,
    /// Nobody knows it. Cause 99 may be told (§5.8.7.1); it is kept as `Element::Other`.
    Unrecognised,
    /// Nobody knows it and it may not be ignored (identifier 0000xxxx): as if a mandatory element
    /// were missing, cause 96 (§5.8.7.1).
    Comprehension,
    /// More than [`crate::limits::Q931_ELEMENTS_MAX`] elements; this one and the rest are left out.
    TooMany,
}

/// One element that was not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Codeset of the element.
    pub codeset: u8,
    /// Its identifier: the diagnostic octet of causes 96, 99, 100 (Q.850 Table 1).
    pub id: u8,
}

/// A message that can be given to a call, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What could be read.
    pub message: Message,
    /// In the order of the elements; empty for a message without fault.
    pub faults: Vec<Fault>,
}
