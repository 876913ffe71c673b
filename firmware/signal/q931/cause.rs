//! Q.931's endings and ours: a cause element to a [`Cause`], and a cause to a Q.850 value.

use call::Cause;

use super::wire::CauseElement;

/// Why the far end cleared. A message without a cause means "normal, unspecified" (§5.8.6.1).
#[must_use]
pub fn of_element(element: Option<&CauseElement>) -> Cause {
    element.map_or(Cause::NormalUnspecified, |element| Cause::from_q850(element.value))
}

/// The value under which `cause` is sent. What only we know is told as what it is to the network.
#[must_use]
pub const fn to_value(cause: Cause) -> u8 {
    match cause {
        // Who gives up, or hears a machine, hangs up in the ordinary way.
        Cause::Cancelled
        | Cause::Machine
        | Cause::Announcement
        | Cause::Silence
        | Cause::Abandoned => Cause::NormalClearing as u8,
        Cause::Forbidden => Cause::BearerNotAuthorized as u8,
        Cause::Lost | Cause::MediaTimeout | Cause::Shutdown => Cause::TemporaryFailure as u8,
        Cause::UnallocatedNumber
        | Cause::NoRoute
        | Cause::NormalClearing
        | Cause::UserBusy
        | Cause::NoUserResponding
        | Cause::NoAnswer
        | Cause::SubscriberAbsent
        | Cause::CallRejected
        | Cause::NumberChanged
        | Cause::DestinationOutOfOrder
        | Cause::InvalidNumber
        | Cause::NormalUnspecified
        | Cause::NoCircuit
        | Cause::NetworkOutOfOrder
        | Cause::TemporaryFailure
        | Cause::Congestion
        | Cause::ChannelUnavailable
        | Cause::ResourceUnavailable
        | Cause::NotSubscribed
        | Cause::BearerNotAuthorized
        | Cause::BearerNotAvailable
        | Cause::BearerNotImplemented
        | Cause::IncompatibleDestination
        | Cause::MissingElement
        | Cause::TimerExpiry
        | Cause::ProtocolError
        | Cause::Interworking => cause as u8,
    }
}

/// Values of Q.850 that only the machine itself says.
pub mod value {
    /// 6: the far end's channel is not acceptable.
    pub const CHANNEL_UNACCEPTABLE: u8 = 6;
    /// 30: the answer to STATUS ENQUIRY.
    pub const ENQUIRY_ANSWER: u8 = 30;
    /// 81: no such call.
    pub const INVALID_CALL_REFERENCE: u8 = 81;
    /// 82: the interface has no such channel.
    pub const NO_SUCH_CHANNEL: u8 = 82;
    /// 96: a mandatory element is missing.
    pub const ELEMENT_MISSING: u8 = 96;
    /// 97: no such message.
    pub const MESSAGE_UNKNOWN: u8 = 97;
    /// 99: an element that nobody knows.
    pub const ELEMENT_UNKNOWN: u8 = 99;
    /// 100: the contents of an element are not valid.
    pub const ELEMENT_INVALID: u8 = 100;
    /// 101: the message does not fit the state.
    pub const WRONG_STATE: u8 = 101;
    /// Causes of a STATUS that says: your RESTART has not been carried out.
    pub const REFUSES_RESTART: [u8; 7] = [
        INVALID_CALL_REFERENCE,
        NO_SUCH_CHANNEL,
        ELEMENT_MISSING,
        MESSAGE_UNKNOWN,
        98, // 97 or 101, from who does not tell them apart
        ELEMENT_INVALID,
        WRONG_STATE,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::q931::wire::Location;

    #[test]
    fn every_cause_has_a_value_and_those_of_q850_come_back() {
        for &cause in Cause::ALL {
            let value = to_value(cause);
            assert!(value <= 127, "{cause}");
            let element = CauseElement::new(Location::User, value);
            if cause.q850().is_some() {
                assert_eq!(of_element(Some(&element)), cause);
            }
        }
        assert_eq!(of_element(None), Cause::NormalUnspecified);
    }
}
