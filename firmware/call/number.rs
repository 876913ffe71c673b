//! A telephone number as we store and compare it: E.164 with its plus sign, or a short code.
//!
//! Turning what a list or a person wrote into a [`Number`] is the business of `dialer::number`,
//! which knows the country's numbering plan. Here is only the shape.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// E.164 §6.2.1: at most 15 digits after the plus sign.
pub const DIGITS_MAX: usize = 15;

/// A number in its one stored form: `+` and 7 to 15 digits, or a short code of 2 to 6 digits (also
/// with `*` and `#`) that only a local exchange knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number(String);

/// The text is not a number in stored form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a number: write + and 7 to 15 digits, or a short code of 2 to 6 digits")]
pub struct NotANumber(pub String);

impl Number {
    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a full E.164 number, not a short code.
    #[must_use]
    pub fn is_e164(&self) -> bool {
        self.0.starts_with('+')
    }

    /// The digits without the plus sign.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }
}

impl FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Number, NotANumber> {
        let good = match text.strip_prefix('+') {
            Some(digits) => {
                (7..=DIGITS_MAX).contains(&digits.len())
                    && digits.bytes().all(|b| b.is_ascii_digit())
            }
            None => {
                (2..=6).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#')
            }
        };
        if good { Ok(Number(text.to_owned())) } else { Err(NotANumber(text.to_owned())) }
    }
}

impl TryFrom<String> for Number {
    type Error = NotANumber;
    fn try_from(text: String) -> Result<Number, NotANumber> {
        text.parse()
    }
}

impl From<Number> for String {
    fn from(number: Number) -> String {
        number.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn stored_forms_are_taken_and_nothing_else() {
        for good in ["+8613800138000", "110", "95588", "*11"] {
            assert_eq!(good.parse::<Number>().unwrap().as_str(), good);
        }
        for bad in ["", "+", "13800138000", "+86 138", "+1234567890123456", "1", "+12a4567"] {
            assert!(bad.parse::<Number>().is_err(), "{bad}");
        }
    }
}
