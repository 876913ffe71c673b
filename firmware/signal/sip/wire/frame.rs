//! The view: one datagram cut into start line, header lines and body, and nothing understood yet.
//!
//! [`Frame::cut`] checks everything that the other methods rely on: the sizes of [`crate::limits`],
//! CRLF line ends, UTF-8 in the header section, a first line that is no continuation.

use super::{HeaderName, WireError, lex};
use crate::limits::{HEADER_BYTES_MAX, HEADER_COUNT_MAX, MESSAGE_BYTES_MAX, START_LINE_BYTES_MAX};

/// A message cut into its parts; borrows the datagram.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'a> {
    /// Without its line end.
    pub(crate) start_line: &'a str,
    /// Name and unfolded value of every header line, in order.
    pub(crate) lines: Vec<(HeaderName, String)>,
    /// Everything behind the empty line, before Content-Length is applied.
    pub(crate) rest: &'a [u8],
    /// What is wrong with the message although its header lines can be shown.
    pub(crate) fault: Option<WireError>,
}

impl<'a> Frame<'a> {
    /// Cuts a datagram. An error means that nothing can be shown; a fault that can be told to the
    /// sender stands in [`Frame::fault`], with the lines that were still readable.
    pub(crate) fn cut(datagram: &'a [u8]) -> Result<Frame<'a>, WireError> {
        let too_long = datagram.len() > MESSAGE_BYTES_MAX;
        let bytes = datagram.get(..MESSAGE_BYTES_MAX).unwrap_or(datagram);
        let (head, rest) = split_head(trim_line_breaks(bytes)?);
        let mut fault = too_long.then_some(WireError::MessageTooLong);
        let (head, rest) = match (head, rest) {
            (head, Some(rest)) => (head, rest),
            (head, None) => {
                fault.get_or_insert(WireError::NoHeaderEnd);
                (head, [].as_slice())
            }
        };
        let head = valid_text(head, &mut fault);
        let mut frame = Frame { start_line: "", lines: Vec::new(), rest, fault };
        frame.cut_head(head)?;
        Ok(frame)
    }

    /// The values of `name`, in order.
    pub(crate) fn all(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    fn cut_head(&mut self, head: &'a str) -> Result<(), WireError> {
        let (start_line, lines) = head.split_once("\r\n").unwrap_or((head, ""));
        if start_line.len() > START_LINE_BYTES_MAX || start_line.contains(['\r', '\n']) {
            return Err(WireError::NotSip);
        }
        self.start_line = start_line;
        for line in lines.split("\r\n") {
            if let Err(error) = self.cut_line(line) {
                // The first fault is the one that a person would look for.
                self.fault.get_or_insert(error);
            }
        }
        Ok(())
    }

    fn cut_line(&mut self, line: &str) -> Result<(), WireError> {
        if line.is_empty() {
            return Ok(());
        }
        if line.contains(['\r', '\n']) {
            return Err(WireError::NotText);
        }
        if line.starts_with([' ', '\t']) {
            let (_, value) = self.lines.last_mut().ok_or(WireError::HeaderLine)?;
            return unfold(value, line);
        }
        let (name, value) = line.split_once(':').ok_or(WireError::HeaderLine)?;
        let name = name.trim_end_matches([' ', '\t']);
        let name = HeaderName::parse(name).ok_or(WireError::HeaderLine)?;
        let value = value.trim_matches([' ', '\t']);
        if value.len() > HEADER_BYTES_MAX {
            return Err(WireError::HeaderTooLong);
        }
        if self.lines.len() == HEADER_COUNT_MAX {
            return Err(WireError::TooManyHeaders);
        }
        self.lines.push((name, value.to_owned()));
        Ok(())
    }
}

/// RFC 3261 §7.3.1: a folded line continues the value; the fold counts as one space.
fn unfold(value: &mut String, line: &str) -> Result<(), WireError> {
    let more = line.trim_matches([' ', '\t']);
    if value.len() + 1 + more.len() > HEADER_BYTES_MAX {
        return Err(WireError::HeaderTooLong);
    }
    if !value.is_empty() && !more.is_empty() {
        value.push(' ');
    }
    value.push_str(more);
    Ok(())
}

/// RFC 3261 §7.5: line breaks before the start line are skipped.
fn trim_line_breaks(bytes: &[u8]) -> Result<&[u8], WireError> {
    let start = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n'));
    let bytes = start.and_then(|at| bytes.get(at..)).ok_or(WireError::KeepAlive)?;
    let is_start = bytes.first().is_some_and(|&b| lex::is_token(b));
    if is_start { Ok(bytes) } else { Err(WireError::NotSip) }
}

/// Header section and what follows its empty line, if there is one.
fn split_head(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
    match end.and_then(|at| Some((bytes.get(..at)?, bytes.get(at + 4..)?))) {
        Some((head, rest)) => (head, Some(rest)),
        None => (bytes, None),
    }
}

/// The header section as text; what is not UTF-8 is a fault, and the text ends before it.
fn valid_text<'a>(head: &'a [u8], fault: &mut Option<WireError>) -> &'a str {
    match core::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => {
            fault.get_or_insert(WireError::NotText);
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            core::str::from_utf8(valid).unwrap_or_default()
        }
    }
}
