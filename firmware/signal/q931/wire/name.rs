//! The standards' names of elements and causes, for traces.

use call::Cause;

macro_rules! table {
    ($(#[$doc:meta])* $name:ident; $($code:literal = $text:literal;)*) => {
        $(#[$doc])*
        #[must_use]
        pub const fn $name(code: u8) -> Option<&'static str> {
            match code {
                $($code => Some($text),)*
                _ => None,
            }
        }
    };
}

table! {
    /// The name of an element of codeset 0: Q.931 Table 4-3 with its older editions,
    /// Q.932 Table 8-1, and the supplementary services of ETSI and of Q.95x.
    of_element;
    0x00 = "segmented message";
    0x04 = "bearer capability";
    0x08 = "cause";
    0x0C = "connected address";
    0x0D = "extended facility";
    0x10 = "call identity";
    0x14 = "call state";
    0x18 = "channel identification";
    0x19 = "data link connection identifier";
    0x1C = "facility";
    0x1E = "progress indicator";
    0x20 = "network-specific facilities";
    0x24 = "terminal capabilities";
    0x27 = "notification indicator";
    0x28 = "display";
    0x29 = "date/time";
    0x2C = "keypad facility";
    0x32 = "information request";
    0x34 = "signal";
    0x36 = "switchhook";
    0x38 = "feature activation";
    0x39 = "feature indication";
    0x3A = "service profile identification";
    0x3B = "endpoint identifier";
    0x40 = "information rate";
    0x42 = "end-to-end transit delay";
    0x43 = "transit delay selection and indication";
    0x44 = "packet layer binary parameters";
    0x45 = "packet layer window size";
    0x46 = "packet size";
    0x47 = "closed user group";
    0x4A = "reverse charging indication";
    0x4C = "connected number";
    0x4D = "connected subaddress";
    0x50 = "X.213 priority";
    0x60 = "bearer capability (ETSI)";
    0x6C = "calling party number";
    0x6D = "calling party subaddress";
    0x70 = "called party number";
    0x71 = "called party subaddress";
    0x73 = "original called number";
    0x74 = "redirecting number";
    0x76 = "redirection number";
    0x78 = "transit network selection";
    0x79 = "restart indicator";
    0x7C = "low layer compatibility";
    0x7D = "high layer compatibility";
    0x7E = "user-user";
    0x7F = "escape for extension";
    0xA0 = "more data";
    0xA1 = "sending complete";
}

/// The name of a cause value: the house's own word where it has one for exactly this value,
/// otherwise that of Q.850 Table 1.
#[must_use]
pub fn of_cause(value: u8) -> Option<&'static str> {
    let ours = Cause::ALL.iter().find(|cause| cause.q850() == Some(value));
    ours.map(|cause| cause.word()).or_else(|| of_other_cause(value))
}

table! {
    /// Causes for which the house has no word of its own (Q.850 Table 1).
    of_other_cause;
    2 = "no_route_to_transit_network";
    4 = "send_special_information_tone";
    5 = "misdialled_trunk_prefix";
    6 = "channel_unacceptable";
    7 = "call_awarded";
    8 = "preemption";
    9 = "preemption_circuit_reserved";
    14 = "query_on_release";
    23 = "redirection_to_new_destination";
    24 = "call_rejected_by_feature";
    25 = "exchange_routing_error";
    26 = "non_selected_user_clearing";
    29 = "facility_rejected";
    30 = "response_to_status_enquiry";
    39 = "permanent_connection_out_of_service";
    40 = "permanent_connection_operational";
    43 = "access_information_discarded";
    46 = "precedence_call_blocked";
    49 = "quality_of_service_not_available";
    53 = "outgoing_calls_barred_in_group";
    55 = "incoming_calls_barred_in_group";
    62 = "inconsistent_access_information";
    63 = "service_not_available";
    66 = "channel_type_not_implemented";
    69 = "facility_not_implemented";
    70 = "only_restricted_digital";
    79 = "service_not_implemented";
    81 = "invalid_call_reference";
    82 = "channel_does_not_exist";
    83 = "suspended_call_not_this_identity";
    84 = "call_identity_in_use";
    85 = "no_call_suspended";
    86 = "call_cleared";
    87 = "not_member_of_group";
    90 = "group_does_not_exist";
    91 = "invalid_transit_network";
    95 = "invalid_message";
    97 = "message_type_unknown";
    98 = "message_not_for_state_or_unknown";
    99 = "element_unknown";
    100 = "invalid_element_contents";
    101 = "message_not_for_state";
    103 = "parameter_unknown_passed_on";
    110 = "parameter_unknown_discarded";
}

table! {
    /// The name of a call state (Q.931 §2.1, Table 4-8): of the user's side; the network's has the
    /// same numbers. 61 and 62 are of the global call reference (§4.5.7).
    of_call_state;
    0 = "null";
    1 = "call initiated";
    2 = "overlap sending";
    3 = "outgoing call proceeding";
    4 = "call delivered";
    6 = "call present";
    7 = "call received";
    8 = "connect request";
    9 = "incoming call proceeding";
    10 = "active";
    11 = "disconnect request";
    12 = "disconnect indication";
    15 = "suspend request";
    17 = "resume request";
    19 = "release request";
    22 = "call abort";
    25 = "overlap receiving";
    61 = "restart request";
    62 = "restart";
}

table! {
    /// What a progress description says (Q.931 §4.5.23).
    of_progress;
    1 = "not end-to-end ISDN";
    2 = "far end not ISDN";
    3 = "near end not ISDN";
    4 = "back in the ISDN";
    5 = "interworking";
    8 = "tones in the channel";
}

table! {
    /// What a notification says (Q.931 §4.5.22, EN 300 207-1, EN 300 141-1).
    of_notification;
    0x00 = "user suspended";
    0x01 = "user resumed";
    0x02 = "bearer service change";
    0x60 = "call is waiting";
    0x68 = "diversion activated";
    0x69 = "call transfer, alerting";
    0x6A = "call transfer, active";
    0x79 = "remote hold";
    0x7A = "remote retrieval";
    0x7B = "call is diverting";
}

table! {
    /// Messages that are unknown to the call machine but not to the standards (Q.932 §7.1), by code.
    of_other_message;
    0x24 = "HOLD";
    0x28 = "HOLD ACKNOWLEDGE";
    0x30 = "HOLD REJECT";
    0x31 = "RETRIEVE";
    0x33 = "RETRIEVE ACKNOWLEDGE";
    0x37 = "RETRIEVE REJECT";
    0x64 = "REGISTER";
}
