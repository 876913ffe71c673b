//! The header of a message and the message as a value (Q.931 §4.1 to §4.4).

use super::{
    BearerCapability, CauseElement, ChannelIdentification, Element, NumberPlan, NumberType, Party,
    ProgressIndicator, RestartClass, id,
};

/// The protocol discriminator of Q.931 call control (§4.2).
pub(crate) const PROTOCOL_DISCRIMINATOR: u8 = 0x08;

/// The greatest call reference value: 15 bits (§4.3).
pub const CALL_REFERENCE_MAX: u16 = 0x7FFF;

/// Which call a message is about (Q.931 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallReference {
    /// Length 0: no call; used by supplementary procedures (Q.932).
    Dummy,
    /// Value 0: all calls of the interface; used by restart (§5.5).
    Global {
        /// Whether the sender is the side that began the procedure (flag 0).
        from_origin: bool,
    },
    /// One call.
    Call {
        /// 1 to [`CALL_REFERENCE_MAX`], chosen by the side that began the call.
        value: u16,
        /// Whether the sender is the side that chose the value (flag 0).
        from_origin: bool,
    },
}

macro_rules! message_types {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// What a message says (Q.931 §4.4, Table 4-2).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum MessageType {
            $($(#[$doc])* $name,)*
            /// Escape (code 0) and a national code behind it. Treated as an unknown message.
            National(u8),
            /// A code that is none of the above and not 0 (§5.8.4).
            Unknown(u8),
        }

        impl MessageType {
            /// The types that have a name here, in order of their codes.
            pub const KNOWN: &'static [MessageType] = &[$(MessageType::$name,)*];

            /// The octet on the wire; 0 for the escape.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $(MessageType::$name => $code,)*
                    MessageType::National(_) => 0,
                    MessageType::Unknown(code) => code,
                }
            }

            /// The type of a code that is not the escape.
            pub(crate) const fn from_code(code: u8) -> MessageType {
                match code {
                    $($code => MessageType::$name,)*
                    other => MessageType::Unknown(other),
                }
            }

            /// The standard's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(MessageType::$name => $text,)*
                    MessageType::National(_) => "NATIONAL",
                    MessageType::Unknown(_) => "UNKNOWN",
                }
            }
        }
    };
}

message_types! {
    /// §3.1.1: the called phone rings.
    Alerting = 0x01, "ALERTING";
    /// §3.1.2: all digits are there, the call is on its way.
    CallProceeding = 0x02, "CALL PROCEEDING";
    /// §3.1.8: something happened on the way, perhaps with tones in the channel.
    Progress = 0x03, "PROGRESS";
    /// §3.1.14: a call begins.
    Setup = 0x05, "SETUP";
    /// §3.1.3: answered.
    Connect = 0x07, "CONNECT";
    /// §3.1.15: the call has begun, more digits are wanted.
    SetupAcknowledge = 0x0D, "SETUP ACKNOWLEDGE";
    /// §3.1.4: the answer has arrived.
    ConnectAcknowledge = 0x0F, "CONNECT ACKNOWLEDGE";
    /// §3.3.13: user to user, outside the call.
    UserInformation = 0x20, "USER INFORMATION";
    /// §3.3: not used on a primary rate interface.
    SuspendReject = 0x21, "SUSPEND REJECT";
    /// §3.3: not used on a primary rate interface.
    ResumeReject = 0x22, "RESUME REJECT";
    /// §3.3: not used on a primary rate interface.
    Suspend = 0x25, "SUSPEND";
    /// §3.3: not used on a primary rate interface.
    Resume = 0x26, "RESUME";
    /// §3.3: not used on a primary rate interface.
    SuspendAcknowledge = 0x2D, "SUSPEND ACKNOWLEDGE";
    /// §3.3: not used on a primary rate interface.
    ResumeAcknowledge = 0x2E, "RESUME ACKNOWLEDGE";
    /// §3.1.5: the call is to end.
    Disconnect = 0x45, "DISCONNECT";
    /// §3.4.1: channels or the interface go back to idle.
    Restart = 0x46, "RESTART";
    /// §3.1.9: channel and call reference are to be let go.
    Release = 0x4D, "RELEASE";
    /// §3.4.2: the restart is done.
    RestartAcknowledge = 0x4E, "RESTART ACKNOWLEDGE";
    /// §3.1.10: channel and call reference are let go.
    ReleaseComplete = 0x5A, "RELEASE COMPLETE";
    /// Annex H: a part of a longer message.
    Segment = 0x60, "SEGMENT";
    /// Q.932 §7.1: a supplementary service.
    Facility = 0x62, "FACILITY";
    /// §3.1.7: something to know about the call.
    Notify = 0x6E, "NOTIFY";
    /// §3.1.17: in which state is the call?
    StatusEnquiry = 0x75, "STATUS ENQUIRY";
    /// §3.3: flow control of USER INFORMATION.
    CongestionControl = 0x79, "CONGESTION CONTROL";
    /// §3.1.6: more digits, or text.
    Information = 0x7B, "INFORMATION";
    /// §3.1.16: in which state the call is, or what was wrong with a message.
    Status = 0x7D, "STATUS";
}

/// A message as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which call.
    pub reference: CallReference,
    /// What it says.
    pub kind: MessageType,
    /// With what; in any order when built by hand, as received when decoded.
    pub elements: Vec<Element>,
}

impl Message {
    /// A message without elements.
    #[must_use]
    pub fn new(reference: CallReference, kind: MessageType) -> Message {
        Message { reference, kind, elements: Vec::new() }
    }

    /// The same with one more element.
    #[must_use]
    pub fn with(mut self, element: Element) -> Message {
        self.elements.push(element);
        self
    }

    /// The octets.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        super::encode(self, &mut out);
        out
    }

    /// Whether an element with this identifier of codeset 0 is there.
    #[must_use]
    pub fn has(&self, id: u8) -> bool {
        self.elements.iter().any(|element| element.codeset() == 0 && element.id() == id)
    }

    /// The first bearer capability.
    #[must_use]
    pub fn bearer(&self) -> Option<&BearerCapability> {
        self.elements.iter().find_map(|element| element.as_bearer())
    }

    /// The first cause.
    #[must_use]
    pub fn cause(&self) -> Option<&CauseElement> {
        self.elements.iter().find_map(|element| element.as_cause())
    }

    /// The channel identification.
    #[must_use]
    pub fn channel(&self) -> Option<&ChannelIdentification> {
        self.elements.iter().find_map(|element| element.as_channel())
    }

    /// What a restart is about (§4.5.25).
    #[must_use]
    pub fn restart_class(&self) -> Option<RestartClass> {
        self.elements.iter().find_map(|element| {
            let Element::RestartIndicator(class) = element else { return None };
            Some(*class)
        })
    }

    /// The call state (§4.5.7).
    #[must_use]
    pub fn call_state(&self) -> Option<u8> {
        self.elements.iter().find_map(|element| element.as_call_state())
    }

    /// Every progress indicator.
    pub fn progress(&self) -> impl Iterator<Item = &ProgressIndicator> {
        self.elements.iter().filter_map(|element| element.as_progress())
    }

    /// The first calling party number.
    #[must_use]
    pub fn calling(&self) -> Option<&Party> {
        self.elements.iter().find_map(|element| element.as_calling())
    }

    /// The called party number.
    #[must_use]
    pub fn called(&self) -> Option<&Party> {
        self.elements.iter().find_map(|element| element.as_called())
    }

    /// The number that is called, from the called party number or, from a telephone that only knows
    /// keys, from the keypad facility (§5.1.1).
    #[must_use]
    pub fn dialled(&self) -> Option<Party> {
        let keys = || {
            self.elements.iter().find_map(|element| {
                let Element::Keypad(keys) = element else { return None };
                let party = Party::new(NumberType::Unknown, keys.as_str());
                Some(Party { plan: NumberPlan::Unknown, ..party })
            })
        };
        self.called().cloned().or_else(keys)
    }

    /// Whether no more digits follow (§4.5.27).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.has(id::SENDING_COMPLETE)
    }

    /// The text to be shown: from the display, or from the display of codeset 6 that some exchanges
    /// send, when it is plain text.
    #[must_use]
    pub fn display(&self) -> Option<String> {
        self.elements.iter().find_map(|element| element.to_display())
    }
}
