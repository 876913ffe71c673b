//! Information elements as values, and their identifiers (Q.931 §4.5.1, Table 4-3).

use super::{
    BearerCapability, CauseElement, ChannelIdentification, DateTime, Party, ProgressIndicator,
    Redirecting, text,
};
use crate::limits::{Q931_DIGITS_MAX, Q931_ELEMENTS_MAX};

/// Identifiers of codeset 0.
#[allow(missing_docs)] // the names are the standard's
pub mod id {
    pub const SEGMENTED_MESSAGE: u8 = 0x00;
    pub const BEARER_CAPABILITY: u8 = 0x04;
    pub const CAUSE: u8 = 0x08;
    pub const CALL_IDENTITY: u8 = 0x10;
    pub const CALL_STATE: u8 = 0x14;
    pub const CHANNEL_IDENTIFICATION: u8 = 0x18;
    pub const FACILITY: u8 = 0x1C;
    pub const PROGRESS_INDICATOR: u8 = 0x1E;
    pub const NETWORK_SPECIFIC_FACILITIES: u8 = 0x20;
    pub const NOTIFICATION_INDICATOR: u8 = 0x27;
    pub const DISPLAY: u8 = 0x28;
    pub const DATE_TIME: u8 = 0x29;
    pub const KEYPAD_FACILITY: u8 = 0x2C;
    pub const SIGNAL: u8 = 0x34;
    pub const CONNECTED_NUMBER: u8 = 0x4C;
    pub const CALLING_PARTY_NUMBER: u8 = 0x6C;
    pub const CALLING_PARTY_SUBADDRESS: u8 = 0x6D;
    pub const CALLED_PARTY_NUMBER: u8 = 0x70;
    pub const CALLED_PARTY_SUBADDRESS: u8 = 0x71;
    pub const REDIRECTING_NUMBER: u8 = 0x74;
    pub const REDIRECTION_NUMBER: u8 = 0x76;
    pub const TRANSIT_NETWORK_SELECTION: u8 = 0x78;
    pub const RESTART_INDICATOR: u8 = 0x79;
    pub const LOW_LAYER_COMPATIBILITY: u8 = 0x7C;
    pub const HIGH_LAYER_COMPATIBILITY: u8 = 0x7D;
    pub const USER_USER: u8 = 0x7E;
    /// Type 1: the codeset in bits 3 to 1, non-locking when bit 4 is set.
    pub const SHIFT: u8 = 0x90;
    pub const MORE_DATA: u8 = 0xA0;
    pub const SENDING_COMPLETE: u8 = 0xA1;
    /// Type 1: the level in bits 4 to 1.
    pub const CONGESTION_LEVEL: u8 = 0xB0;
    /// Type 1: the meaning in bits 4 to 1.
    pub const REPEAT_INDICATOR: u8 = 0xD0;
}

/// What a restart is about (Q.931 §4.5.25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartClass {
    /// 0: the channels of the channel identification.
    IndicatedChannels,
    /// 6: the whole interface, this one or the one in the channel identification.
    SingleInterface,
    /// 7: all interfaces of this D-channel.
    AllInterfaces,
}

/// One information element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// §4.5.5.
    BearerCapability(BearerCapability),
    /// §4.5.12, Q.850.
    Cause(CauseElement),
    /// §4.5.7: 0 to 63, the state's number, or 0, 61, 62 of the global call reference.
    CallState(u8),
    /// §4.5.13.
    ChannelIdentification(ChannelIdentification),
    /// Q.932 §8.2.3: the octets as they are.
    Facility(Vec<u8>),
    /// §4.5.23.
    ProgressIndicator(ProgressIndicator),
    /// §4.5.22: 0 user suspended, 1 user resumed, and more from Q.932 and EN 300 207.
    NotificationIndicator(u8),
    /// §4.5.16: text of IA5. Other characters are sent as `?`.
    Display(String),
    /// §4.5.15.
    DateTime(DateTime),
    /// §4.5.18: keys.
    Keypad(String),
    /// EN 300 097-1 §9: the number that answered.
    ConnectedNumber(Party),
    /// §4.5.10.
    CallingParty(Party),
    /// §4.5.8; without presentation and screening.
    CalledParty(Party),
    /// EN 300 207-1: who redirected the call to us, and why.
    RedirectingNumber(Redirecting),
    /// §4.5.25.
    RestartIndicator(RestartClass),
    /// §4.5.19: the octets as they are.
    LowLayer(Vec<u8>),
    /// §4.5.17: the octets as they are.
    HighLayer(Vec<u8>),
    /// §4.5.30: protocol discriminator and the user's octets.
    UserUser(Vec<u8>),
    /// §4.5.20: another USER INFORMATION follows.
    MoreData,
    /// §4.5.27: no more digits follow.
    SendingComplete,
    /// §4.5.14: 0 receiver ready, 15 not ready.
    CongestionLevel(u8),
    /// §4.5.24: what the two elements behind it mean together; 2 is a list of priorities.
    RepeatIndicator(u8),
    /// Everything else, kept as it came: known ones that nothing here reads (subaddresses, transit
    /// network selection…), unknown ones that may be skipped, and every element of codesets 4 to 7.
    Other {
        /// 0 to 7.
        codeset: u8,
        /// The identifier; of a single-octet element the whole octet.
        id: u8,
        /// Empty for a single-octet element, never empty for another.
        content: Vec<u8>,
    },
}

impl Element {
    /// The identifier octet; for single-octet elements with a value (§4.5.1 type 1) with value 0.
    #[must_use]
    pub fn id(&self) -> u8 {
        match self {
            Element::BearerCapability(_) => id::BEARER_CAPABILITY,
            Element::Cause(_) => id::CAUSE,
            Element::CallState(_) => id::CALL_STATE,
            Element::ChannelIdentification(_) => id::CHANNEL_IDENTIFICATION,
            Element::Facility(_) => id::FACILITY,
            Element::ProgressIndicator(_) => id::PROGRESS_INDICATOR,
            Element::NotificationIndicator(_) => id::NOTIFICATION_INDICATOR,
            Element::Display(_) => id::DISPLAY,
            Element::DateTime(_) => id::DATE_TIME,
            Element::Keypad(_) => id::KEYPAD_FACILITY,
            Element::ConnectedNumber(_) => id::CONNECTED_NUMBER,
            Element::CallingParty(_) => id::CALLING_PARTY_NUMBER,
            Element::CalledParty(_) => id::CALLED_PARTY_NUMBER,
            Element::RedirectingNumber(_) => id::REDIRECTING_NUMBER,
            Element::RestartIndicator(_) => id::RESTART_INDICATOR,
            Element::LowLayer(_) => id::LOW_LAYER_COMPATIBILITY,
            Element::HighLayer(_) => id::HIGH_LAYER_COMPATIBILITY,
            Element::UserUser(_) => id::USER_USER,
            Element::MoreData => id::MORE_DATA,
            Element::SendingComplete => id::SENDING_COMPLETE,
            Element::CongestionLevel(_) => id::CONGESTION_LEVEL,
            Element::RepeatIndicator(_) => id::REPEAT_INDICATOR,
            Element::Other { id, .. } => *id,
        }
    }

    /// The codeset to which the identifier belongs (§4.5.2).
    #[must_use]
    pub fn codeset(&self) -> u8 {
        if let Element::Other { codeset, .. } = self { *codeset } else { 0 }
    }

    pub(crate) fn as_bearer(&self) -> Option<&BearerCapability> {
        if let Element::BearerCapability(bearer) = self { Some(bearer) } else { None }
    }

    pub(crate) fn as_cause(&self) -> Option<&CauseElement> {
        if let Element::Cause(cause) = self { Some(cause) } else { None }
    }

    pub(crate) fn as_channel(&self) -> Option<&ChannelIdentification> {
        if let Element::ChannelIdentification(channel) = self { Some(channel) } else { None }
    }

    pub(crate) fn as_call_state(&self) -> Option<u8> {
        if let Element::CallState(state) = self { Some(*state) } else { None }
    }

    pub(crate) fn as_progress(&self) -> Option<&ProgressIndicator> {
        if let Element::ProgressIndicator(progress) = self { Some(progress) } else { None }
    }

    pub(crate) fn as_calling(&self) -> Option<&Party> {
        if let Element::CallingParty(party) = self { Some(party) } else { None }
    }

    pub(crate) fn as_called(&self) -> Option<&Party> {
        if let Element::CalledParty(party) = self { Some(party) } else { None }
    }

    pub(crate) fn to_display(&self) -> Option<String> {
        if let Element::Display(text) = self {
            Some(text.clone())
        } else if let Element::Other { codeset: 6, id: id::DISPLAY, content } = self {
            text::plain(content)
        } else {
            None
        }
    }
}

impl RestartClass {
    /// The three bits on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            RestartClass::IndicatedChannels => 0,
            RestartClass::SingleInterface => 6,
            RestartClass::AllInterfaces => 7,
        }
    }

    pub(crate) fn parse(content: &[u8]) -> Option<RestartClass> {
        match content.first()? & 7 {
            0 => Some(RestartClass::IndicatedChannels),
            6 => Some(RestartClass::SingleInterface),
            7 => Some(RestartClass::AllInterfaces),
            _ => None,
        }
    }
}

/// Whether the identifier of an element with a length is one of Table 4-3, Q.932, EN 300 207 or the
/// other supplementary services of ETSI: then it may be there although nothing here reads it.
pub(crate) const fn is_known(id: u8) -> bool {
    super::name::of_element(id).is_some()
}

/// How often an element may stand in one message (§4.5.1, notes to the tables of §3). Single-octet
/// elements once, except the repeat indicator.
pub(crate) const fn times_max(id: u8) -> usize {
    match id {
        // §3.1.14 notes: three bearer capabilities, four low layers, two high layers by fallback.
        id::BEARER_CAPABILITY | id::PROGRESS_INDICATOR | id::NOTIFICATION_INDICATOR => 3,
        id::LOW_LAYER_COMPATIBILITY
        | id::NETWORK_SPECIFIC_FACILITIES
        | id::TRANSIT_NETWORK_SELECTION => 4,
        // EN 300 092-1: two calling numbers; Q.850 §2.1: two causes.
        id::HIGH_LAYER_COMPATIBILITY | id::CALLING_PARTY_NUMBER | id::CALLING_PARTY_SUBADDRESS => 2,
        id::CAUSE | id::REDIRECTING_NUMBER | id::REPEAT_INDICATOR => 2,
        id::FACILITY => Q931_ELEMENTS_MAX,
        _ => 1,
    }
}

/// The greatest count of octets of the contents, from Table 4-3's lengths where it gives one; longer
/// ones are an error of the contents (§5.8.6.2, §5.8.7.2).
pub(crate) const fn content_max(id: u8) -> usize {
    match id {
        id::BEARER_CAPABILITY => 10,
        id::CAUSE => 30,
        id::CALL_STATE | id::RESTART_INDICATOR => 1,
        id::PROGRESS_INDICATOR => 2,
        id::DISPLAY => 80,
        id::DATE_TIME => 6,
        id::KEYPAD_FACILITY => Q931_DIGITS_MAX,
        id::LOW_LAYER_COMPATIBILITY => 16,
        id::HIGH_LAYER_COMPATIBILITY => 3,
        id::USER_USER => 129,
        _ => 255,
    }
}
