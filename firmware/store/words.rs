//! Enums as words in text columns, and back.

use call::{Cause, Number, Side, Stamp};
use rusqlite::Row;

use crate::error::{Error, Result};

/// The word of a side.
pub(crate) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Far => "far",
        Side::Peer => "peer",
        Side::Box => "box",
    }
}

/// The side of a word.
pub(crate) fn side_of(word: &str) -> Option<Side> {
    [Side::Far, Side::Peer, Side::Box].into_iter().find(|s| side_word(*s) == word)
}

/// Reads a word that must be there.
pub(crate) fn word<T>(
    row: &Row<'_>,
    column: &'static str,
    of: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    let text: String = row.get(column)?;
    of(&text).ok_or(Error::UnknownWord { column, word: text })
}

/// Reads a word that may be missing.
pub(crate) fn word_or_none<T>(
    row: &Row<'_>,
    column: &'static str,
    of: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| of(&text).ok_or(Error::UnknownWord { column, word: text })).transpose()
}

/// Reads a cause that may be missing.
pub(crate) fn cause(row: &Row<'_>) -> Result<Option<Cause>> {
    word_or_none(row, "cause", Cause::from_word)
}

/// Reads who hung up.
pub(crate) fn hung_up_by(row: &Row<'_>) -> Result<Option<Side>> {
    word_or_none(row, "hung_up_by", side_of)
}

/// Reads an instant that may be missing.
pub(crate) fn stamp(row: &Row<'_>, column: &str) -> Result<Option<Stamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Stamp))
}

/// Reads a count or a length, which is never negative.
pub(crate) fn count(row: &Row<'_>, column: &'static str) -> Result<u64> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map_err(|_| Error::UnknownWord { column, word: stored.to_string() })
}

/// Reads a number in stored form.
pub(crate) fn number(row: &Row<'_>, column: &'static str) -> Result<Number> {
    word(row, column, |text| text.parse().ok())
}

/// Reads a number that may be missing.
pub(crate) fn number_or_none(row: &Row<'_>, column: &'static str) -> Result<Option<Number>> {
    word_or_none(row, column, |text| text.parse().ok())
}

/// Reads a JSON column.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| Error::UnknownWord { column, word: text })
}

/// Writes a value as JSON text.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Bug(e.to_string()))
}

/// The word of a unit variant, as serde writes it.
pub(crate) fn serde_word<T: serde::Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(Error::Bug(format!("{other} is not a word"))),
        Err(e) => Err(Error::Bug(e.to_string())),
    }
}

/// The unit variant of a word, as serde reads it.
pub(crate) fn serde_of<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}
