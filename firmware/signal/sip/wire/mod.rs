//! SIP messages: bytes to values and back (RFC 3261 §7, §18.3, §25; UTF-8 text in headers).
//!
//! A datagram is first cut into a view (`frame`: start line, header lines, rest), then understood
//! into a value ([`Message`]), which holds what every machine needs typed and the other header
//! fields as text in their order. `emit` writes the canonical form of a value.
//!
//! # Contract
//!
//! - No input makes `parse` panic, and none makes it work more than linearly in its length:
//!   nothing here indexes, recurses or backtracks over more than one token.
//! - Bounded, each in [`crate::limits`]: bytes of a message, of the start line and of a header
//!   value, count of header lines, of Via values, of addresses in one list, of parameters. What a
//!   parsed value can own is therefore bounded by a small multiple of the message's bytes.
//! - A parsed message has one From, To, Call-ID, CSeq, at least one Via, a CSeq method equal to
//!   the request's, and Contact, Route, Record-Route, Expires, Max-Forwards that read without
//!   error. Every other header is text: whoever reads it must take malformed text.
//! - `emit` never writes a line break that comes from a value, so that no value can forge a
//!   header; Content-Length is always the body's length. `parse(emit(m)) == m` for every parsed `m`.
//! - A value built by hand may hold text that the grammar does not permit (a space in a Call-ID);
//!   that is emitted as it stands, and the far end will refuse it. Text from outside enters through
//!   [`SipUri::new`], display names and quoted parameters, which escape.
//!
//! What cannot be understood is [`Refused`]: dropped and counted, or answered by [`BadRequest`].
//! Streams (TCP, TLS) need a framing of their own by Content-Length, which is not here yet.

mod address;
mod cseq;
mod error;
mod frame;
mod header;
pub(crate) mod lex;
mod message;
mod method;
mod param;
mod parse;
mod refusal;
mod uri;
mod via;

pub use address::{Contacts, NameAddr};
pub use cseq::{CSEQ_MAX, CSeq};
pub use error::WireError;
pub use header::{Header, HeaderName, Headers};
pub use message::{Message, Request, Response};
pub use method::{Method, StatusCode};
pub use param::{Param, ParamValue, Params};
pub use parse::Refused;
pub use refusal::BadRequest;
pub use uri::{Host, SipUri, Uri};
pub use via::{MAGIC_COOKIE, Rport, Transport, Via};
