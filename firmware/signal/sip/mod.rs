//! SIP (RFC 3261) with SDP offer and answer (RFC 8866, RFC 3264) and digest (RFC 7616).

pub mod admission;
pub mod cause;
pub mod deadline;
pub mod dialog;
pub mod digest;
pub mod endpoint;
pub mod flow;
pub mod guard;
pub mod keepalive;
pub mod lockout;
pub mod login;
pub mod nonce;
pub mod registrar;
pub mod registration;
pub mod sdp;
pub mod session;
pub mod token;
pub mod transaction;
pub mod transactions;
pub mod wire;
