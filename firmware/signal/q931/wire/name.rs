//! The standards' names of elements and causes, for traces.

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
    /// The name of an element of codeset 0 with a length: Q.931 Table 4-3 with its older editions,
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
}
