//! What comes with a request, checked: a body, a query, an id, a page of a list.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use call::Stamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::page::{Cursor, Page};
use utoipa::{IntoParams, ToSchema};

use super::Front;
use super::errors::Problem;
use super::limits::{NAME_CHARS_MAX, PAGE_ROWS};
use super::rights::Who;
use crate::limits::{PAGE_ROWS_MAX, REQUEST_BYTES_MAX};

/// A JSON body.
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Front> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, front: &Front) -> Result<Sent<T>, Problem> {
        match Json::<T>::from_request(request, front).await {
            Ok(Json(body)) => Ok(Sent(body)),
            Err(JsonRejection::BytesRejection(_)) => Err(Problem::TooLarge(REQUEST_BYTES_MAX)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem::Malformed("send JSON, with content-type: application/json".into()))
            }
            Err(other) => Err(Problem::Malformed(plain(&other.body_text()))),
        }
    }
}

/// A JSON body that may be left out.
pub struct Maybe<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<Front> for Maybe<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Front) -> Result<Maybe<T>, Problem> {
        let body = axum::body::to_bytes(request.into_body(), REQUEST_BYTES_MAX).await;
        let body = body.map_err(|_| Problem::TooLarge(REQUEST_BYTES_MAX))?;
        if body.is_empty() {
            return Ok(Maybe(T::default()));
        }
        let parsed = serde_json::from_slice(&body);
        parsed.map(Maybe).map_err(|e| Problem::Malformed(e.to_string()))
    }
}

/// What stands behind the question mark.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Front> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<Asked<T>, Problem> {
        let asked: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, front).await;
        asked.map(|Query(q)| Asked(q)).map_err(|e| Problem::Malformed(plain(&e.body_text())))
    }
}

/// The id in a path.
#[derive(Clone, Copy)]
pub struct Id(pub i64);

impl FromRequestParts<Front> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<Id, Problem> {
        let id = Path::<i64>::from_request_parts(parts, front).await;
        id.map(|Path(id)| Id(id)).map_err(|_| Problem::NoSuchPage)
    }
}

/// The two ids in a path.
#[derive(Clone, Copy)]
pub struct TwoIds(pub i64, pub i64);

impl FromRequestParts<Front> for TwoIds {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<TwoIds, Problem> {
        let both = Path::<(i64, i64)>::from_request_parts(parts, front).await;
        both.map(|Path((first, second))| TwoIds(first, second)).map_err(|_| Problem::NoSuchPage)
    }
}

/// The id and the time slot in a path.
#[derive(Clone, Copy)]
pub struct Slotted(pub i64, pub u8);

impl FromRequestParts<Front> for Slotted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<Slotted, Problem> {
        let both = Path::<(i64, u8)>::from_request_parts(parts, front).await;
        both.map(|Path((id, slot))| Slotted(id, slot)).map_err(|_| Problem::NoSuchPage)
    }
}

impl FromRequestParts<Front> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Front) -> Result<Who, Problem> {
        // The guard has put it there; without the guard nobody is let in.
        parts.extensions.get::<Who>().cloned().ok_or(Problem::NotSignedIn)
    }
}

/// What the reader says, without its own preface.
fn plain(text: &str) -> String {
    let prefaces = [
        ("Failed to deserialize the JSON body into the target type: ", ""),
        ("Failed to parse the request body as JSON: ", "this is no JSON: "),
        ("Failed to deserialize query string: ", ""),
    ];
    let told = prefaces.iter().find_map(|(preface, instead)| {
        text.strip_prefix(preface).map(|rest| format!("{instead}{rest}"))
    });
    told.unwrap_or_else(|| "the request cannot be read".to_owned())
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// At most so many rows, up to 500; 50 when left out.
    pub limit: Option<usize>,
    /// The `next` of the part before.
    pub after: Option<String>,
}

impl Part {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.limit.unwrap_or(PAGE_ROWS).clamp(1, PAGE_ROWS_MAX)
    }

    /// The part as the store reads it.
    ///
    /// # Errors
    /// When the cursor is none of ours.
    pub fn page(&self) -> Result<Page, Problem> {
        let before = self.after.as_deref().map(read_cursor).transpose()?;
        Ok(Page { before, rows: self.rows() })
    }
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Given as `after`, it brings the next part; null: this was the last.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// A list that is always whole.
    pub fn whole(items: Vec<T>) -> Json<Listed<T>> {
        Json(Listed { items, next: None })
    }

    /// A part that ends with `last`, if it is full.
    pub fn part(items: Vec<T>, rows: usize, last: Option<Cursor>) -> Json<Listed<T>> {
        let next = last.filter(|_| items.len() >= rows).map(write_cursor);
        Json(Listed { items, next })
    }
}

fn write_cursor(cursor: Cursor) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{}", cursor.at.0, cursor.id))
}

fn read_cursor(text: &str) -> Result<Cursor, Problem> {
    let wrong = || Problem::field("after", "is not the `next` of a list");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (at, id) = text.split_once('.').ok_or_else(wrong)?;
    let (at, id) = (at.parse().map_err(|_| wrong())?, id.parse().map_err(|_| wrong())?);
    Ok(Cursor { at: Stamp(at), id })
}

/// A name that a person gave: trimmed, and neither empty nor longer than a line.
///
/// # Errors
/// Names the field.
pub fn name(field: &'static str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let length = text.chars().count();
    if (1..=NAME_CHARS_MAX).contains(&length) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Problem::field(field, format!("write 1 to {NAME_CHARS_MAX} characters")))
}

/// An answer without a body.
pub const DONE: axum::http::StatusCode = axum::http::StatusCode::NO_CONTENT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_and_others_are_refused() {
        let cursor = Cursor { at: Stamp(1_795_158_000_000), id: 42 };
        assert_eq!(read_cursor(&write_cursor(cursor)).unwrap(), cursor);
        for wrong in ["", "x", "MTIz", "🦀"] {
            assert!(read_cursor(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_without_the_readers_preface() {
        let json = "Failed to parse the request body as JSON: EOF while parsing a value";
        assert_eq!(plain(json), "this is no JSON: EOF while parsing a value");
        let query = "Failed to deserialize query string: limit: invalid digit found in string";
        assert_eq!(plain(query), "limit: invalid digit found in string");
        assert_eq!(plain("whatever"), "the request cannot be read");
    }

    #[test]
    fn a_full_part_has_a_next_and_a_short_one_has_none() {
        let last = Some(Cursor { at: Stamp(1), id: 2 });
        assert!(Listed::part(vec![1, 2], 2, last).0.next.is_some());
        assert!(Listed::part(vec![1], 2, last).0.next.is_none());
        let part = Part { limit: Some(9_999), after: None };
        assert_eq!(part.rows(), PAGE_ROWS_MAX);
    }
}
