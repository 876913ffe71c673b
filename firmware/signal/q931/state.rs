//! The call states of Q.931 §2.1.1 (user side, U0 to U25) and §2.1.2 (network side, N0 to N25).
//!
//! One enum serves both sides: during one call both give a state the same number, and the standard
//! names it from the user's point of view. So a network that calls a user walks through 6, 9, 7, 8
//! and 10, as the called user does.
//!
//! ```text
//!   the user calls                              the network calls
//!
//!   1 ──SETUP ACK──► 2                          6 ──SETUP ACK──► 25
//!   │                │                          │                │
//!   ├──PROCEEDING──► 3 ◄─┘                      ├──PROCEEDING──► 9 ◄─┘
//!   ├──ALERTING────► 4 ◄─┘                      ├──ALERTING────► 7 ◄─┘
//!   └──CONNECT─────► 10 ◄┘                      └──CONNECT─────► 8 ──CONNECT ACK──► 10
//!
//!   any ──the user's DISCONNECT──► 11 ──RELEASE──► 19 ──RELEASE COMPLETE──► 0
//!   any ──the network's──────────► 12 ──RELEASE──► 19 ──RELEASE COMPLETE──► 0
//! ```
//!
//! States 15 and 17 (suspend, resume) and 22 (call abort, broadcast) are not used on a primary rate
//! interface.

use call::LegPhase;

use crate::q921::Role;

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        /// Where a call stands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum State {
            $($(#[$doc])* $name = $number,)*
        }

        impl State {
            /// Every state, in order of its number.
            pub const ALL: &'static [State] = &[$(State::$name,)*];

            /// The number of a call state element (§4.5.7).
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}

states! {
    /// U0, N0: there is no call.
    Null = 0;
    /// U1, N1: the user has sent SETUP, the network has not answered it.
    CallInitiated = 1;
    /// U2, N2: the user sends digits.
    OverlapSending = 2;
    /// U3, N3: the network has all digits.
    OutgoingCallProceeding = 3;
    /// U4, N4: the network has told the user that the far end rings.
    CallDelivered = 4;
    /// U6, N6: the network has sent SETUP, the user has not answered it.
    CallPresent = 6;
    /// U7, N7: the user rings and has not answered.
    CallReceived = 7;
    /// U8, N8: the user has answered and waits to get the call.
    ConnectRequest = 8;
    /// U9, N9: the user has all digits.
    IncomingCallProceeding = 9;
    /// U10, N10: two parties may talk.
    Active = 10;
    /// U11, N11: the user has sent DISCONNECT.
    DisconnectRequest = 11;
    /// U12, N12: the network has sent DISCONNECT.
    DisconnectIndication = 12;
    /// U19, N19: one side has sent RELEASE and waits.
    ReleaseRequest = 19;
    /// U25, N25: the user receives digits.
    OverlapReceiving = 25;
}

/// Who began the call: the side that sends SETUP, or the one that receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// We did.
    Ours,
    /// The far end did.
    Theirs,
}

/// How far a call has come, whichever side began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// 0.
    Null,
    /// 1, 6: SETUP was not answered yet.
    Begun,
    /// 2, 25: digits follow.
    Overlap,
    /// 3, 9: all digits are there.
    Proceeding,
    /// 4, 7: it rings.
    Ringing,
    /// 8: answered, not acknowledged.
    Answered,
    /// 10.
    Active,
    /// 11, 12, 19.
    Clearing,
}

impl State {
    /// How far a call in this state has come.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            State::Null => Stage::Null,
            State::CallInitiated | State::CallPresent => Stage::Begun,
            State::OverlapSending | State::OverlapReceiving => Stage::Overlap,
            State::OutgoingCallProceeding | State::IncomingCallProceeding => Stage::Proceeding,
            State::CallDelivered | State::CallReceived => Stage::Ringing,
            State::ConnectRequest => Stage::Answered,
            State::Active => Stage::Active,
            State::DisconnectRequest | State::DisconnectIndication | State::ReleaseRequest => {
                Stage::Clearing
            }
        }
    }

    /// Whether the user began the call, if the state tells.
    const fn user_began(self) -> Option<bool> {
        match self {
            State::CallInitiated
            | State::OverlapSending
            | State::OutgoingCallProceeding
            | State::CallDelivered => Some(true),
            State::CallPresent
            | State::CallReceived
            | State::ConnectRequest
            | State::IncomingCallProceeding
            | State::OverlapReceiving => Some(false),
            State::Null
            | State::Active
            | State::DisconnectRequest
            | State::DisconnectIndication
            | State::ReleaseRequest => None,
        }
    }

    /// The state after sending a DISCONNECT of ours.
    #[must_use]
    pub const fn after_disconnect_of(role: Role) -> State {
        match role {
            Role::User => State::DisconnectRequest,
            Role::Network => State::DisconnectIndication,
        }
    }

    /// Whether the far end can be in state `theirs` (by its number) while we are in this one
    /// (§5.8.11). A message on its way explains a difference of some steps. `settled` says that
    /// nothing can be on its way: theirs is the answer to an enquiry that we sent from this state.
    #[must_use]
    pub fn is_compatible(self, theirs: u8, settled: bool) -> bool {
        let Some(other) = State::ALL.iter().copied().find(|s| s.number() == theirs) else {
            return false;
        };
        if other == State::Null {
            return self == State::Null;
        }
        match (self.user_began(), other.user_began()) {
            (Some(ours), Some(far)) => ours == far,
            // An active side that asked and hears of a call that still rings has lost a CONNECT.
            (None, Some(_)) if settled && self == State::Active => false,
            (None, _) | (_, None) => true,
        }
    }

    /// The phase of a leg in this state.
    #[must_use]
    pub const fn phase(self) -> LegPhase {
        match self.stage() {
            Stage::Null => LegPhase::Ended,
            Stage::Begun | Stage::Overlap => LegPhase::Dialing,
            Stage::Proceeding => LegPhase::Proceeding,
            Stage::Ringing | Stage::Answered => LegPhase::Alerting,
            Stage::Active => LegPhase::Answered,
            Stage::Clearing => LegPhase::Releasing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_fit_when_a_message_on_its_way_explains_them() {
        assert!(State::CallInitiated.is_compatible(3, false));
        assert!(State::Active.is_compatible(4, false), "our CONNECT is on its way");
        assert!(!State::Active.is_compatible(4, true), "our CONNECT was lost");
        assert!(!State::Active.is_compatible(0, false));
        assert!(!State::CallDelivered.is_compatible(7, false), "two different calls");
        assert!(!State::Active.is_compatible(63, false), "no such state");
        assert!(State::ReleaseRequest.is_compatible(11, true));
    }
}
