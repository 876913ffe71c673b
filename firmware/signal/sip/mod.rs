//! SIP (RFC 3261) with SDP offer and answer (RFC 8866, RFC 3264) and digest (RFC 7616).

pub mod admission;
pub mod cause;
pub mod deadline;
pub mod digest;
pub mod flow;
pub mod lockout;
pub mod nonce;
pub mod sdp;
pub mod token;
pub mod transaction;
pub mod transactions;
pub mod wire;
