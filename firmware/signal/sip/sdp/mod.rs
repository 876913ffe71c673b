//! SDP (RFC 8866) and the offer/answer of audio in it (RFC 3264): G.711 and RFC 4733 digits.
//!
//! `description` is the codec: bounded, lenient in what does not concern us, attributes kept as
//! text. `negotiate` decides: which stream, which codec, which direction, whom to send to. It keeps
//! no state; session id and version come from the caller, who must raise the version by one with
//! every new description of the same session (RFC 3264 §8).
//!
//! Contract: no input makes anything here panic; what is parsed is bounded by
//! [`crate::limits`] (`SDP_*`); names are not resolved, so a connection address that is a name is
//! an error to whoever would have to send there.

mod description;
mod negotiate;

pub use description::{Attribute, Connection, Description, Media, Origin};
pub use negotiate::{Codec, Direction, Local, Negotiated, accept_answer, answer, offer};

/// Media type of a body that holds a description.
pub const CONTENT_TYPE: &str = "application/sdp";

/// Why a description cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Beyond one of the `SDP_*` bounds.
    #[error("the session description is too large: the far end offers more than it can mean")]
    TooLarge,
    /// Not SDP from this line on, counted from one.
    #[error("line {0} of the session description does not parse: look at it in a trace")]
    Malformed(usize),
    /// No stream that we could take: no audio over RTP/AVP with an open port.
    #[error("no audio stream over plain RTP: the far end wants video, fax or encryption only")]
    NoAudio,
    /// Audio, but no codec of ours.
    #[error("no common codec: allow G.711 A-law or \u{b5}-law at the far end")]
    NoCodec,
    /// The stream has no numeric address.
    #[error("no usable media address: the far end must send an IP address, not a name")]
    NoAddress,
    /// An answer with another number of streams than our offer (RFC 3264 §6).
    #[error("the answer does not fit our offer: the far end breaks RFC 3264 section 6")]
    AnswerMismatch,
}
