//! What is wrong with a message that belongs to a call (Q.931 §5.8.4 to §5.8.7).

use super::state::State;
use super::wire::MessageType;

/// A breach of the protocol by the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A mandatory element is missing (§5.8.6.1, cause 96).
    ElementMissing {
        /// In which message.
        message: MessageType,
        /// Its identifier.
        id: u8,
    },
    /// The contents of a mandatory element cannot be read (§5.8.6.2, cause 100).
    ElementInvalid {
        /// In which message.
        message: MessageType,
        /// Its identifier.
        id: u8,
    },
    /// An element that nobody knows and that must not be skipped (§5.8.7.1, cause 96).
    ElementUnknown {
        /// In which message.
        message: MessageType,
        /// Its identifier.
        id: u8,
    },
    /// A message that nobody knows, or that has no place on this interface (§5.8.4, cause 97).
    MessageUnknown(MessageType),
    /// A message that does not fit the state (§5.8.4, cause 101).
    WrongState {
        /// Which message.
        message: MessageType,
        /// In which state it came.
        state: State,
    },
    /// The far end says that the call is in a state in which it cannot be (§5.8.11).
    StateMismatch {
        /// Where we are.
        ours: State,
        /// The number that it told.
        theirs: u8,
    },
    /// The first answer names a channel that is not free (§5.3.2 c, cause 6).
    ChannelUnacceptable {
        /// The time slot, if it named one.
        channel: Option<u8>,
    },
}
