//! SIP (RFC 3261) with SDP offer and answer (RFC 8866, RFC 3264) and digest (RFC 7616).

pub mod wire;
