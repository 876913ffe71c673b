//! What can be wrong with received bytes.

/// The first thing that was wrong with a message. The text goes into the reason phrase of the
/// refusal, so that whoever operates the far end can find it in their own trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Nothing but line breaks: a keep-alive of the far end's NAT (RFC 5626 §3.5.1). Not a fault.
    #[error("keep-alive")]
    KeepAlive,
    /// The datagram does not start like SIP.
    #[error("Not a SIP message")]
    NotSip,
    /// Longer than [`crate::limits::MESSAGE_BYTES_MAX`].
    #[error("Message Too Large")]
    MessageTooLong,
    /// No empty line ends the header.
    #[error("Header section has no end")]
    NoHeaderEnd,
    /// The header holds bytes that are not UTF-8, or a lone CR or LF.
    #[error("Header section is not text")]
    NotText,
    /// The start line has wrong spaces, parts, or is too long.
    #[error("Bad start line")]
    StartLine,
    /// The version is not SIP/2.0.
    #[error("Version Not Supported")]
    Version,
    /// The request URI does not parse.
    #[error("Bad Request-URI")]
    RequestUri,
    /// The status code is not three digits from 100 to 699.
    #[error("Bad status code")]
    Status,
    /// A header line has no name or no colon.
    #[error("Bad header line")]
    HeaderLine,
    /// More than [`crate::limits::HEADER_COUNT_MAX`] header lines.
    #[error("Too many header fields")]
    TooManyHeaders,
    /// A value longer than [`crate::limits::HEADER_BYTES_MAX`].
    #[error("Header field too long")]
    HeaderTooLong,
    /// A mandatory header (RFC 3261 §8.1.1) is not there.
    #[error("Missing {0}")]
    Missing(&'static str),
    /// A header that may stand only once stands twice.
    #[error("More than one {0}")]
    Duplicate(&'static str),
    /// The value of this header does not fit its grammar.
    #[error("Bad {0}")]
    Malformed(&'static str),
    /// More values than the bound of this header.
    #[error("Too many {0} values")]
    TooMany(&'static str),
    /// The method of CSeq is not the method of the request (RFC 3261 §8.1.1.5).
    #[error("CSeq method mismatch")]
    CSeqMethod,
    /// Content-Length promises more bytes than the datagram holds (RFC 3261 §18.3).
    #[error("Body shorter than Content-Length")]
    BodyShort,
    /// A text that is not a SIP, SIPS or other absolute URI.
    #[error("Bad URI")]
    Uri,
}
