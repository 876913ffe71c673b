//! Lexical rules of RFC 3261 §25.1: tokens, white space, quoted strings, escapes, lists.
//!
//! Works on text that is already unfolded: white space is SP and HTAB only. Every method moves
//! forward only, so that parsing is linear in the length of its input.

use super::WireError;

/// One of the characters of `token` (RFC 3261 §25.1).
pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// One of the characters of `unreserved` (RFC 3261 §25.1).
pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

/// Whether `text` is a whole, non-empty token.
pub(crate) fn is_whole_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token)
}

/// Whether every byte is permitted by `allowed` or belongs to a `%HH` escape.
pub(crate) fn is_escaped_text(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                let (high, low) = (bytes.next(), bytes.next());
                high.is_some_and(|b| b.is_ascii_hexdigit())
                    && low.is_some_and(|b| b.is_ascii_hexdigit())
            }
            other => allowed(other),
        };
        if !fine {
            return false;
        }
    }
    true
}

/// The bytes that a text with `%HH` escapes stands for. A broken escape stands for itself.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes().peekable();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        let mut ahead = bytes.clone();
        match (digit(ahead.next()), digit(ahead.next())) {
            (Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                bytes = ahead;
            }
            (_, _) => plain.push(byte),
        }
    }
    plain
}

/// `text` with every byte that `allowed` does not permit written as `%HH`.
pub(crate) fn escape(text: &str, allowed: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if allowed(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Appends `text` as a quoted string. A line break cannot be quoted in SIP and becomes a space.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\r' | '\n' => out.push(' '),
            // Other controls are legal only as a quoted pair (RFC 3261 §25.1).
            '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f' => {
                out.push('\\');
                out.push(c);
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

/// A reading position in unfolded text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a str,
    /// What a caller hears if something does not fit.
    error: WireError,
}

impl<'a> Cursor<'a> {
    /// Starts at the beginning of `text`; whatever does not fit is reported as `error`.
    pub(crate) const fn new(text: &'a str, error: WireError) -> Cursor<'a> {
        Cursor { rest: text, error }
    }

    pub(crate) const fn error(&self) -> WireError {
        self.error
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    /// Skips white space.
    pub(crate) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Takes everything up to the first byte for which `fits` is false. The class
    /// must be one of ASCII or the complement of one, so that the cut is at a character's edge.
    pub(crate) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(|b| !fits(b)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Takes a non-empty token.
    pub(crate) fn token(&mut self) -> Result<&'a str, WireError> {
        let token = self.take_while(is_token);
        if token.is_empty() { Err(self.error) } else { Ok(token) }
    }

    /// Takes `byte` if it stands here (after white space, which is then also taken, as is the
    /// white space behind: the `SWS` of the grammar's separators).
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let mut ahead = *self;
        ahead.skip_space();
        let Some(rest) = ahead.rest.strip_prefix(char::from(byte)) else { return false };
        ahead.rest = rest;
        ahead.skip_space();
        *self = ahead;
        true
    }

    /// Takes `byte` if it stands exactly here.
    pub(crate) fn eat_bare(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(char::from(byte));
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes everything up to the first of `stops` (ASCII), in any language.
    pub(crate) fn take_until(&mut self, stops: &[u8]) -> &'a str {
        self.take_while(|b| !stops.contains(&b))
    }

    /// Takes `byte` or fails.
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), WireError> {
        if self.eat(byte) { Ok(()) } else { Err(self.error) }
    }

    /// Takes a quoted string whose opening quote stands here; gives its text without escapes.
    pub(crate) fn quoted(&mut self) -> Result<String, WireError> {
        let mut chars = self.rest.strip_prefix('"').ok_or(self.error)?.chars();
        let mut text = String::new();
        loop {
            match chars.next().ok_or(self.error)? {
                '"' => break,
                '\\' => match chars.next().ok_or(self.error)? {
                    '\r' | '\n' => return Err(self.error),
                    escaped if escaped.is_ascii() => text.push(escaped),
                    _ => return Err(self.error),
                },
                plain => text.push(plain),
            }
        }
        self.rest = chars.as_str();
        Ok(text)
    }

    /// Nothing but white space may be left.
    pub(crate) fn end(mut self) -> Result<(), WireError> {
        self.skip_space();
        if self.rest.is_empty() { Ok(()) } else { Err(self.error) }
    }
}

/// The values of a comma-separated list; commas inside quotes or angle brackets do not separate.
pub(crate) fn split_list(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    core::iter::from_fn(move || {
        let text = rest?;
        let comma = list_comma(text);
        let (item, after) = match comma {
            Some(at) => (text.get(..at)?, text.get(at + 1..)),
            None => (text, None),
        };
        rest = after;
        Some(item.trim_matches([' ', '\t']))
    })
}

/// Where the first comma outside quotes and angle brackets stands.
fn list_comma(text: &str) -> Option<usize> {
    let (mut in_quotes, mut in_angles, mut escaped) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if in_quotes => escaped = true,
            b'"' if !in_angles => in_quotes = !in_quotes,
            b'<' if !in_quotes => in_angles = true,
            b'>' if !in_quotes => in_angles = false,
            b',' if !in_quotes && !in_angles => return Some(at),
            _ => {}
        }
    }
    None
}
