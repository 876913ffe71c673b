//! Addresses of From, To, Contact, Route and Record-Route (RFC 3261 §20.10, §25.1 `name-addr`).

use core::fmt;

use super::{Params, Uri, WireError, lex, lex::Cursor};
use crate::limits::ADDRESSES_MAX;

/// A URI with an optional name before it and parameters behind it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameAddr {
    /// The display name without quotes and escapes.
    pub display: Option<String>,
    /// Whom it names.
    pub uri: Uri,
    /// Parameters of the header, not of the URI: `tag`, `expires`, `q`, `+sip.instance`.
    pub params: Params,
}

impl NameAddr {
    /// `<uri>`.
    #[must_use]
    pub fn new(uri: impl Into<Uri>) -> NameAddr {
        NameAddr { display: None, uri: uri.into(), params: Params::new() }
    }

    /// The same with a display name.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> NameAddr {
        self.display = Some(display.to_owned());
        self
    }

    /// The same with a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> NameAddr {
        self.params.set("tag", tag);
        self
    }

    /// The dialog tag (RFC 3261 §19.3). An empty one counts as none.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// The `expires` parameter in seconds. What is not a number is taken as not there
    /// (RFC 3261 §20.10 says: as one hour, which is the registrar's default); a number beyond 32
    /// bits is the greatest that we know.
    #[must_use]
    pub fn expires_s(&self) -> Option<u32> {
        parse_seconds(self.params.get("expires")?)
    }

    /// The preference of a contact in thousandths, from 0 to 1000; without a `q` it is 1000.
    #[must_use]
    pub fn q_milli(&self) -> u16 {
        let Some(q) = self.params.get("q") else { return 1000 };
        let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
        let digits = fraction.bytes().chain([b'0'; 3]).take(3);
        let milli = digits.fold(0, |sum, b| sum * 10 + u16::from(b.wrapping_sub(b'0').min(9)));
        if whole.starts_with('1') { 1000 } else { milli }
    }

    /// Reads one whole address. `error` is what the caller hears if it does not fit.
    pub(crate) fn parse(text: &str, error: WireError) -> Result<NameAddr, WireError> {
        let mut cursor = Cursor::new(text, error);
        cursor.skip_space();
        let display = match cursor.peek() {
            Some(b'"') => Some(cursor.quoted()?),
            Some(_) => bare_display(&mut cursor),
            None => return Err(error),
        };
        cursor.skip_space();
        let uri = if cursor.peek() == Some(b'<') {
            cursor.eat_bare(b'<');
            let uri = cursor.take_while(|b| b.is_ascii_graphic() && b != b'>');
            if !cursor.eat_bare(b'>') {
                return Err(error);
            }
            Uri::parse(uri).map_err(|_| error)?
        } else if display.is_none() {
            addr_spec(&mut cursor)?
        } else {
            return Err(error);
        };
        let params = Params::parse_header(&mut cursor)?;
        Ok(NameAddr { display, uri, params })
    }

    /// Reads a comma-separated list; at most [`ADDRESSES_MAX`].
    pub(crate) fn parse_list(
        value: &str,
        name: &'static str,
        into: &mut Vec<NameAddr>,
    ) -> Result<(), WireError> {
        for item in lex::split_list(value) {
            if into.len() == ADDRESSES_MAX {
                return Err(WireError::TooMany(name));
            }
            into.push(NameAddr::parse(item, WireError::Malformed(name))?);
        }
        Ok(())
    }
}

/// Seconds of a `delta-seconds`; too large a number is the greatest that we know.
pub(crate) fn parse_seconds(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

/// Tokens before `<`. If no `<` follows, what stands here is a URI and nothing is taken.
fn bare_display(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut ahead = *cursor;
    // Wider than the grammar's tokens (RFC 4475 §3.1.2.15 permits to be liberal): anything that
    // cannot be mistaken for a delimiter, any language.
    let name = ahead.take_until(b"<>\",;:@\\");
    if ahead.peek() != Some(b'<') {
        return None;
    }
    *cursor = ahead;
    let name = name.trim_matches([' ', '\t']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// A URI without angle brackets: its parameters are the header's, so it has none of its own, and
/// neither comma nor question mark (RFC 3261 §20.10).
fn addr_spec(cursor: &mut Cursor<'_>) -> Result<Uri, WireError> {
    let text = cursor.take_while(|b| b.is_ascii_graphic() && !b";,?<>\"".contains(&b));
    Uri::parse(text).map_err(|_| cursor.error())
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            let mut quoted = String::with_capacity(display.len() + 2);
            lex::push_quoted(&mut quoted, display);
            write!(f, "{quoted} ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// What a Contact header asks for (RFC 3261 §10.2, §20.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts {
    /// `Contact: *`: every binding, to be removed.
    Star,
    /// Addresses, possibly none (the header is not there).
    List(Vec<NameAddr>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> NameAddr {
        NameAddr::parse(text, WireError::Uri).unwrap()
    }

    #[test]
    fn without_brackets_every_parameter_is_the_header_s() {
        let bare = address("sip:a@b;tag=1;x");
        assert_eq!((bare.tag(), bare.params.has("x")), (Some("1"), true));
        let bracketed = address("<sip:a@b;x>;tag=1");
        assert!(!bracketed.params.has("x"));
        assert!(bracketed.uri.sip().unwrap().params.has("x"));
        assert_eq!(address("<sip:a@b>;tag").tag(), None);
    }

    #[test]
    fn preferences_and_seconds_are_read_as_far_as_they_make_sense() {
        let q = |text| address(&format!("<sip:a@b>;q={text}")).q_milli();
        assert_eq!(
            [q("0"), q("0.5"), q("0.33"), q("0.1234"), q("1.0"), q("1")],
            [0, 500, 330, 123, 1000, 1000]
        );
        assert_eq!(address("<sip:a@b>").q_milli(), 1000);
        let expires = |text| address(&format!("<sip:a@b>;expires={text}")).expires_s();
        assert_eq!(expires("60"), Some(60));
        assert_eq!(expires("99999999999"), Some(u32::MAX));
        assert_eq!([expires("-1"), expires("x"), expires("\"60\"")], [None, None, Some(60)]);
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for bad in [
            "",
            "a",
            "<sip:a@b",
            "sip:a@b>",
            "<sip:a@b> x",
            "\"a <sip:a@b>",
            "\"a\" sip:a@b",
            "< sip:a@b>",
            "<sip:a@b>;",
            "<sip:a@b>;x=",
            "<sip:a@b>;x=\"",
            "<>",
            "a, b <sip:a@b>",
        ] {
            assert!(NameAddr::parse(bad, WireError::Uri).is_err(), "{bad}");
        }
    }
}
