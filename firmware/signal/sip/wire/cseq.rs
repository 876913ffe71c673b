//! CSeq (RFC 3261 §8.1.1.5, §20.16).

use core::fmt;

use super::{Method, WireError, lex::Cursor};

/// The greatest sequence number: it must stay below 2^31.
pub const CSEQ_MAX: u32 = (1 << 31) - 1;

/// The place of a request in its dialog.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// At most [`CSEQ_MAX`].
    pub number: u32,
    /// The request's method; for ACK and CANCEL their own.
    pub method: Method,
}

impl CSeq {
    /// Reads a whole value.
    pub(crate) fn parse(text: &str) -> Result<CSeq, WireError> {
        let error = WireError::Malformed("CSeq");
        let mut cursor = Cursor::new(text, error);
        cursor.skip_space();
        let digits = cursor.take_while(|b| b.is_ascii_digit());
        let number: u32 = digits.parse().map_err(|_| error)?;
        if number > CSEQ_MAX || !matches!(cursor.peek(), Some(b' ' | b'\t')) {
            return Err(error);
        }
        cursor.skip_space();
        let method = Method::parse(cursor.token()?).map_err(|_| error)?;
        cursor.end()?;
        Ok(CSeq { number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}
