//! Parameters of URIs (RFC 3261 §19.1.1) and of header values (§7.3.1): `;name` or `;name=value`.

use core::fmt;

use super::{WireError, lex, lex::Cursor};
use crate::limits::PARAMS_MAX;

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ParamValue {
    /// As it stands on the wire: a token, a host, or for a URI an escaped text.
    Plain(String),
    /// A quoted string, here without quotes and escapes.
    Quoted(String),
}

/// One parameter. The name keeps its spelling; it is compared without case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Param {
    /// A token.
    pub name: String,
    /// Nothing for a flag such as `;lr` or `;rport`.
    pub value: Option<ParamValue>,
}

/// Parameters in the order in which they came; at most [`PARAMS_MAX`] when parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params(Vec<Param>);

impl Params {
    /// No parameter.
    #[must_use]
    pub const fn new() -> Params {
        Params(Vec::new())
    }

    /// In order.
    pub fn iter(&self) -> core::slice::Iter<'_, Param> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `name` stands there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of `name`, without quotes and escapes; nothing for a flag.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.find(name)?.value.as_ref()? {
            ParamValue::Plain(text) | ParamValue::Quoted(text) => Some(text),
        }
    }

    /// Sets `;name=value` in place, or appends it. `value` must fit the wire as it is.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.put(name, Some(ParamValue::Plain(value.into())));
    }

    /// Sets `;name="value"`, with whatever escapes it needs.
    pub fn set_quoted(&mut self, name: &str, value: impl Into<String>) {
        self.put(name, Some(ParamValue::Quoted(value.into())));
    }

    /// Sets `;name`.
    pub fn set_flag(&mut self, name: &str) {
        self.put(name, None);
    }

    /// Takes every `name` away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|p| !p.name.eq_ignore_ascii_case(name));
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.0.iter().find(|p| p.name.eq_ignore_ascii_case(name))
    }

    fn put(&mut self, name: &str, value: Option<ParamValue>) {
        match self.0.iter_mut().find(|p| p.name.eq_ignore_ascii_case(name)) {
            Some(param) => param.value = value,
            None => self.0.push(Param { name: name.to_owned(), value }),
        }
    }

    /// Reads `;a;b=c;d="e"` of a header value up to the end of the text.
    pub(crate) fn parse_header(cursor: &mut Cursor<'_>) -> Result<Params, WireError> {
        let mut params = Params::new();
        params.read_header(cursor)?;
        Ok(params)
    }

    /// The same, keeping what could be read before an error.
    pub(crate) fn read_header(&mut self, cursor: &mut Cursor<'_>) -> Result<(), WireError> {
        while cursor.eat(b';') {
            let name = cursor.token()?.to_owned();
            let value = match cursor.eat(b'=') {
                false => None,
                true if cursor.peek() == Some(b'"') => Some(ParamValue::Quoted(cursor.quoted()?)),
                true => Some(ParamValue::Plain(plain_value(cursor)?)),
            };
            self.push_parsed(Param { name, value }, cursor.error())?;
        }
        cursor.end()
    }

    /// Reads `a;b=c` of a URI, which has neither white space nor quotes.
    pub(crate) fn parse_uri(text: &str) -> Result<Params, WireError> {
        let is_param = |b| lex::is_unreserved(b) || b"[]/:&+$".contains(&b);
        let mut params = Params::new();
        for part in text.split(';') {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (part, None),
            };
            let fits = |text: &str| !text.is_empty() && lex::is_escaped_text(text, is_param);
            if !fits(name) || !value.is_none_or(fits) {
                return Err(WireError::Uri);
            }
            let value = value.map(|v| ParamValue::Plain(v.to_owned()));
            params.push_parsed(Param { name: name.to_owned(), value }, WireError::Uri)?;
        }
        Ok(params)
    }

    fn push_parsed(&mut self, param: Param, error: WireError) -> Result<(), WireError> {
        if self.0.len() == PARAMS_MAX {
            return Err(error);
        }
        self.0.push(param);
        Ok(())
    }
}

/// A token or a host. Wider than the grammar (an address in `received` may come without its
/// brackets, and vendors put URIs here), but never a separator.
fn plain_value(cursor: &mut Cursor<'_>) -> Result<String, WireError> {
    let value = cursor.take_while(|b| b.is_ascii_graphic() && !b";,\"<>\\".contains(&b));
    if value.is_empty() { Err(cursor.error()) } else { Ok(value.to_owned()) }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in &self.0 {
            write!(f, ";{}", param.name)?;
            match &param.value {
                None => {}
                Some(ParamValue::Plain(text)) => write!(f, "={text}")?,
                Some(ParamValue::Quoted(text)) => {
                    let mut quoted = String::with_capacity(text.len() + 2);
                    lex::push_quoted(&mut quoted, text);
                    write!(f, "={quoted}")?;
                }
            }
        }
        Ok(())
    }
}
