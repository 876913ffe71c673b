//! SIP (RFC 3261) with SDP offer and answer (RFC 8866, RFC 3264) and digest (RFC 7616).
//!
//! From the bytes up: `wire` and `sdp` are text and values; `transaction` is the machine that all
//! others imitate and `transactions` its table; `dialog` and `session` are a call; `guard` (with
//! `nonce`, `lockout`, `digest`) tells who is an account and `registrar` where it is; `registration`
//! and `keepalive` keep a trunk up; `endpoint` composes them behind one door. UDP only so far: what
//! TCP and TLS would change is [`flow`].

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
