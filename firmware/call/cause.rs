//! Why a leg ended: ITU-T Q.850 values, plus our own for what a detector or a crash says.
//!
//! Every protocol maps its endings here in one function beside its machine.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $word:literal;)*) => {
        /// Why a leg ended. Values up to 127 are Q.850 §2.2.5; from 200 they are ours.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Cause {
            $($(#[$doc])* $name = $value,)*
        }

        impl Cause {
            /// Every cause, in order of its value.
            pub const ALL: &'static [Cause] = &[$(Cause::$name,)*];

            /// The snake-case word under which this cause is stored and shown.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Cause::$name => $word,)* }
            }
        }
    };
}

causes! {
    /// 1: the number is not assigned.
    UnallocatedNumber = 1, "unallocated_number";
    /// 3: no route to the destination.
    NoRoute = 3, "no_route";
    /// 16: somebody hung up after a normal call.
    NormalClearing = 16, "normal_clearing";
    /// 17: the person is on the phone.
    UserBusy = 17, "user_busy";
    /// 18: the phone did not answer our signalling at all.
    NoUserResponding = 18, "no_user_responding";
    /// 19: it rang and nobody answered.
    NoAnswer = 19, "no_answer";
    /// 20: the phone is off or out of reach.
    SubscriberAbsent = 20, "subscriber_absent";
    /// 21: the person (or the network for them) refused.
    CallRejected = 21, "call_rejected";
    /// 22: the number has changed.
    NumberChanged = 22, "number_changed";
    /// 27: the destination's equipment is out of order.
    DestinationOutOfOrder = 27, "destination_out_of_order";
    /// 28: the number is incomplete or malformed.
    InvalidNumber = 28, "invalid_number";
    /// 31: normal, nothing more precise is known.
    NormalUnspecified = 31, "normal_unspecified";
    /// 34: no line is free.
    NoCircuit = 34, "no_circuit";
    /// 38: the network is out of order.
    NetworkOutOfOrder = 38, "network_out_of_order";
    /// 41: a passing failure of the network.
    TemporaryFailure = 41, "temporary_failure";
    /// 42: the exchange is congested.
    Congestion = 42, "congestion";
    /// 44: the requested channel is not there.
    ChannelUnavailable = 44, "channel_unavailable";
    /// 47: some resource is missing.
    ResourceUnavailable = 47, "resource_unavailable";
    /// 50: we are not subscribed to this facility (wrong password on a trunk).
    NotSubscribed = 50, "not_subscribed";
    /// 57: this bearer is not authorised.
    BearerNotAuthorized = 57, "bearer_not_authorized";
    /// 58: this bearer is not free now.
    BearerNotAvailable = 58, "bearer_not_available";
    /// 65: the far end does not speak any codec of ours.
    BearerNotImplemented = 65, "bearer_not_implemented";
    /// 88: the two ends cannot talk to each other.
    IncompatibleDestination = 88, "incompatible_destination";
    /// 96: a message lacked something.
    MissingElement = 96, "missing_element";
    /// 102: a protocol timer expired.
    TimerExpiry = 102, "timer_expiry";
    /// 111: the far end broke the protocol.
    ProtocolError = 111, "protocol_error";
    /// 127: interworking with a network that tells no cause.
    Interworking = 127, "interworking";
    /// 200: we cancelled it before anybody answered.
    Cancelled = 200, "cancelled";
    /// 201: answered by a machine.
    Machine = 201, "machine";
    /// 202: a network announcement was heard instead of a person.
    Announcement = 202, "announcement";
    /// 203: answered, and nothing but silence was heard.
    Silence = 203, "silence";
    /// 204: somebody answered and no seat was free in time.
    Abandoned = 204, "abandoned";
    /// 205: a crash has hidden the end of this leg.
    Lost = 205, "lost";
    /// 206: a rule of the box forbids this destination.
    Forbidden = 206, "forbidden";
    /// 207: no sound came from the far end for too long.
    MediaTimeout = 207, "media_timeout";
    /// 208: the box is stopping.
    Shutdown = 208, "shutdown";
}

impl Cause {
    /// The number under which this cause is sent in a Q.850 cause element, if it has one.
    #[must_use]
    pub const fn q850(self) -> Option<u8> {
        let value = self as u8;
        if value <= 127 { Some(value) } else { None }
    }

    /// The cause of a Q.850 value; values that we do not name fall to the representative of
    /// their class (Q.850 §2.2.4: an unknown value is treated as its class's "unspecified").
    #[must_use]
    pub fn from_q850(value: u8) -> Cause {
        let known = Cause::ALL.iter().copied().find(|c| c.q850() == Some(value));
        known.unwrap_or(match value {
            0..=31 => Cause::NormalUnspecified,
            32..=47 => Cause::ResourceUnavailable,
            48..=63 => Cause::BearerNotAvailable,
            64..=79 => Cause::BearerNotImplemented,
            80..=95 => Cause::IncompatibleDestination,
            96..=111 => Cause::ProtocolError,
            _ => Cause::Interworking,
        })
    }

    /// The cause stored under `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Cause> {
        Cause::ALL.iter().copied().find(|c| c.word() == word)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_found_again_by_its_word_and_by_json() {
        for &cause in Cause::ALL {
            assert_eq!(Cause::from_word(cause.word()), Some(cause));
            let json = serde_json::to_string(&cause).unwrap();
            assert_eq!(json, format!("\"{}\"", cause.word()));
        }
    }

    #[test]
    fn an_unknown_q850_value_falls_to_its_class() {
        assert_eq!(Cause::from_q850(17), Cause::UserBusy);
        assert_eq!(Cause::from_q850(46), Cause::ResourceUnavailable);
        assert_eq!(Cause::from_q850(255), Cause::Interworking);
        assert_eq!(Cause::Machine.q850(), None);
    }
}
