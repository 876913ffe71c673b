//! Which element may not be missing in which message (Q.931 §3.1 to §3.4, the tables' "M").

use super::{Element, Message, MessageType, RestartClass, id};

/// Which side of the interface sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The user.
    User,
    /// The network.
    Network,
}

/// Whether `id` (codeset 0) is mandatory in a message of this kind from this side. `first` says
/// that the message is the first answer to a SETUP, or the first message that clears the call:
/// then the network's answer names the channel (§3.1.1 note 2…; the user may leave it out to accept
/// the proposed one), and RELEASE and RELEASE COMPLETE tell a cause (§3.1.9, §3.1.10).
#[must_use]
pub fn is_mandatory(kind: MessageType, from: Sender, first: bool, id: u8) -> bool {
    use MessageType as M;
    match kind {
        M::Setup => {
            id == id::BEARER_CAPABILITY
                || (id == id::CHANNEL_IDENTIFICATION && from == Sender::Network)
        }
        M::SetupAcknowledge | M::CallProceeding | M::Alerting | M::Connect => {
            id == id::CHANNEL_IDENTIFICATION && from == Sender::Network && first
        }
        M::Progress => id == id::PROGRESS_INDICATOR,
        M::Disconnect | M::SuspendReject | M::ResumeReject => id == id::CAUSE,
        M::Release | M::ReleaseComplete => id == id::CAUSE && first,
        M::Status => id == id::CAUSE || id == id::CALL_STATE,
        M::Notify => id == id::NOTIFICATION_INDICATOR,
        M::Restart | M::RestartAcknowledge => id == id::RESTART_INDICATOR,
        M::ResumeAcknowledge => id == id::CHANNEL_IDENTIFICATION,
        M::UserInformation => id == id::USER_USER,
        M::CongestionControl => id == id::CONGESTION_LEVEL || id == id::CAUSE,
        M::Segment => id == id::SEGMENTED_MESSAGE,
        M::Facility => id == id::FACILITY,
        M::ConnectAcknowledge
        | M::Information
        | M::StatusEnquiry
        | M::Suspend
        | M::SuspendAcknowledge
        | M::Resume
        | M::National(_)
        | M::Unknown(_) => false,
    }
}

/// The identifiers of codeset 0 that some message must carry, in ascending order.
const CANDIDATES: [u8; 11] = [
    id::SEGMENTED_MESSAGE,
    id::BEARER_CAPABILITY,
    id::CAUSE,
    id::CALL_STATE,
    id::CHANNEL_IDENTIFICATION,
    id::FACILITY,
    id::PROGRESS_INDICATOR,
    id::NOTIFICATION_INDICATOR,
    id::RESTART_INDICATOR,
    id::USER_USER,
    id::CONGESTION_LEVEL,
];

/// The mandatory elements that the message does not have, in ascending order: the diagnostics of
/// cause 96 (§5.8.6.1). An element that could not be read is missing too; whether it was there tells
/// its fault (then cause 100, §5.8.6.2). A restart of indicated channels must indicate them (§5.5).
#[must_use]
pub fn missing(message: &Message, from: Sender, first: bool) -> Vec<u8> {
    let mut missing: Vec<u8> = CANDIDATES
        .into_iter()
        .filter(|id| is_mandatory(message.kind, from, first, *id) && !message.has(*id))
        .collect();
    let restarts = matches!(message.kind, MessageType::Restart | MessageType::RestartAcknowledge);
    let indicated = Element::RestartIndicator(RestartClass::IndicatedChannels);
    if restarts && message.elements.contains(&indicated) && message.channel().is_none() {
        missing.insert(0, id::CHANNEL_IDENTIFICATION);
    }
    missing
}
