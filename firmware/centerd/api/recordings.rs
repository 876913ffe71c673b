//! Recordings: played in the browser with seeking, also while they grow, and downloaded.

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use call::RecordingId;
use link::sealed::RATE_HZ;
use serde::{Deserialize, Serialize};
use store::TenantChange;
use store::page::{Filter, Page};
use store::recordings::{Recording as Row, RecordingState};
use utoipa::{IntoParams, ToSchema};

use super::Front;
use super::errors::{ErrorAnswer, Problem};
use super::limits::{LISTENERS_MAX, LISTENING_MS};
use super::rights::Who;
use super::take::{Asked, Id};
use super::wav::{self, Ranged, Sealed, Span};

/// What is known of a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recording {
    /// Its id.
    pub recording: i64,
    /// `growing`, `sealed`, `cut` (the power went, or the process) or `stopped` (the disk was
    /// full), `erased`.
    pub state: &'static str,
    /// How much sound is there, so far, ms.
    pub length_ms: u64,
    /// Sound that had to be left out because the disk was slow or full, ms.
    pub gap_ms: u64,
    /// When its first sample was heard.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// Bytes of the WAV file, so far.
    pub wav_bytes: u64,
}

/// How to send it.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlayAsked {
    /// 1: as a file to keep.
    pub download: Option<u8>,
}

/// The sound as WAV: stereo, the customer left and the agent right. `Range` is understood. While
/// the call runs the length is what there is so far; ask again for more. Each listening is in the
/// chain of events.
#[utoipa::path(
    get, path = "/api/v1/recordings/{id}", tag = "records",
    params(("id" = i64, Path), PlayAsked),
    responses(
        (status = 200, content_type = "audio/wav", body = Vec<u8>),
        (status = 206, content_type = "audio/wav", body = Vec<u8>),
        (status = 416, body = ErrorAnswer, description = "behind the end")
    )
)]
pub async fn play(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Asked(asked): Asked<PlayAsked>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let row = found(&front, &who, id).await?;
    if row.state == RecordingState::Erased {
        return Err(Problem::NotFound { what: "recording", id });
    }
    let sealed = open(&front, &row).await?;
    let length = sealed.length();
    let tag = sealed.extent.complete.then(|| format!("\"r{id}-{length}\""));
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // A part of another version than the one that the player has would be noise.
    let same = text(IF_RANGE).is_none_or(|known| tag.as_deref() == Some(known));
    let ranged = Ranged::read(text(RANGE).filter(|_| same), length);
    let (status, span) = match ranged {
        Ranged::Whole => (StatusCode::OK, Span { first: 0, last: length - 1 }),
        Ranged::Part(span) => (StatusCode::PARTIAL_CONTENT, span),
        Ranged::BehindEnd => return Err(Problem::BehindEnd { length }),
    };
    let download = asked.download.is_some_and(|wanted| wanted != 0);
    if method != Method::HEAD {
        note_listening(&front, &who, row.id, download).await?;
    }
    let mut answer = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "audio/wav")
        .header(ACCEPT_RANGES, "bytes")
        .header(CONTENT_LENGTH, span.last - span.first + 1);
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{length}", span.first, span.last);
        answer = answer.header(CONTENT_RANGE, range);
    }
    if let Some(tag) = tag {
        answer = answer.header(ETAG, tag);
    }
    if download {
        let name = format!("attachment; filename=\"linebox-r{id}.wav\"");
        answer = answer.header(CONTENT_DISPOSITION, name);
    }
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        let (pieces, body) = wav::stream();
        tokio::task::spawn_blocking(move || sealed.send(span, &pieces));
        body
    };
    answer.body(body).map_err(|e| Problem::Bug(e.to_string()))
}

/// What is known of a recording.
#[utoipa::path(
    get, path = "/api/v1/recordings/{id}/record", tag = "records", params(("id" = i64, Path)),
    responses((status = 200, body = Recording))
)]
pub async fn record(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Recording>, Problem> {
    let row = found(&front, &who, id).await?;
    let sidecar = place(&front, &row)?.with_extension("json");
    let read = tokio::task::spawn_blocking(move || std::fs::read(sidecar)).await;
    let bytes = read.ok().and_then(Result::ok).unwrap_or_default();
    let record: Option<link::RecordingRecord> = serde_json::from_slice(&bytes).ok();
    let sealed = match row.state {
        RecordingState::Erased => None,
        RecordingState::Running | RecordingState::Complete | RecordingState::Damaged => {
            open(&front, &row).await.ok()
        }
    };
    let length_ms = sealed.as_ref().map_or(0, |s| s.extent.frames * 1_000 / u64::from(RATE_HZ));
    let known = record.as_ref().map(|record| record.state);
    Ok(Json(Recording {
        recording: id,
        state: state_word(row.state, known),
        length_ms,
        gap_ms: record.as_ref().map_or(0, |record| record.gap_ms),
        started: record.as_ref().map_or(row.started_at.0, |record| record.started.0),
        ended: row.ended_at.map(|at| at.0),
        wav_bytes: sealed.map_or(0, |sealed| sealed.length()),
    }))
}

/// The sidecar knows more than the row: how exactly a recording that is not whole ended.
const fn state_word(row: RecordingState, sidecar: Option<link::RecordingState>) -> &'static str {
    match (row, sidecar) {
        (RecordingState::Erased, _) => "erased",
        (_, Some(link::RecordingState::Growing)) | (RecordingState::Running, None) => "growing",
        (_, Some(link::RecordingState::Sealed)) | (RecordingState::Complete, None) => "sealed",
        (_, Some(link::RecordingState::Stopped)) => "stopped",
        (_, Some(link::RecordingState::Cut)) | (RecordingState::Damaged, None) => "cut",
    }
}

/// The row, if the asker may hear it: an agent only where the talk was their own.
async fn found(front: &Front, who: &Who, id: i64) -> Result<Row, Problem> {
    let (recording, own) = (RecordingId(id), who.only_own());
    front
        .read(who, move |rows| {
            let row = rows.recording(recording)?;
            let Some(own) = own else { return Ok(Some(row)) };
            // A recording lies in the time of its call, so few rows have to be looked at.
            let hour = store::rollup::HOUR_MS;
            let filter = Filter {
                agent: Some(own),
                from: Some(row.started_at.after_ms(-5 * hour)),
                until: Some(row.started_at.after_ms(hour)),
                recorded: Some(true),
                ..Filter::default()
            };
            let attempts = rows.attempts(&filter, Page::first(store::limits::PAGE_ROWS_MAX))?;
            let mine = attempts.iter().any(|a| a.attempt.recording == Some(recording));
            Ok(Some(row).filter(|_| mine))
        })
        .await?
        .ok_or(Problem::NotFound { what: "recording", id })
}

/// Who hears a recording is in the chain before the sound goes out; a player that asks for one part
/// after another is written once.
async fn note_listening(
    front: &Front,
    who: &Who,
    recording: RecordingId,
    download: bool,
) -> Result<(), Problem> {
    if front.heard.is_news(&who.actor.to_string(), recording, download, Instant::now()) {
        let noted = front.write(who, TenantChange::NoteListening { recording, download }).await;
        if noted.is_err() {
            front.heard.forget(&who.actor.to_string(), recording, download);
        }
        noted?;
    }
    Ok(())
}

/// Who has heard what of late.
#[derive(Debug, Default)]
pub struct Heard(Mutex<BTreeMap<(String, RecordingId, bool), Instant>>);

impl Heard {
    /// Whether this is a listening of its own; remembers it.
    fn is_news(&self, who: &str, what: RecordingId, download: bool, now: Instant) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = Duration::from_millis(LISTENING_MS);
        heard.retain(|_, at| now.saturating_duration_since(*at) < lately);
        // A download is a file of its own each time.
        let name = (who.to_owned(), what, download);
        let known = heard.contains_key(&name);
        if heard.len() < LISTENERS_MAX || known {
            heard.insert(name, now);
        }
        !known || download
    }

    fn forget(&self, who: &str, what: RecordingId, download: bool) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.remove(&(who.to_owned(), what, download));
    }
}

async fn open(front: &Front, row: &Row) -> Result<Sealed, Problem> {
    let (key, path) = (front.key.clone(), place(front, row)?);
    let opened = tokio::task::spawn_blocking(move || Sealed::open(&key, &path)).await;
    opened.map_err(|e| Problem::Bug(e.to_string()))?
}

/// The file, never outside the folder of recordings.
fn place(front: &Front, row: &Row) -> Result<PathBuf, Problem> {
    let path = Path::new(&row.path);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if inside && !row.path.is_empty() {
        return Ok(front.recordings().join(path));
    }
    Err(Problem::Sound("its path leads outside the folder of recordings".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_in_many_parts_is_one_and_the_table_is_bounded() {
        let heard = Heard::default();
        let (now, one) = (Instant::now(), RecordingId(1));
        assert!(heard.is_news("p1", one, false, now));
        let later = now + Duration::from_millis(LISTENING_MS - 1);
        assert!(!heard.is_news("p1", one, false, later));
        assert!(heard.is_news("p2", one, false, later) && heard.is_news("p1", one, true, later));
        // Parts that follow each other are one listening, however long it is.
        let much_later = later + Duration::from_millis(LISTENING_MS - 1);
        assert!(!heard.is_news("p1", one, false, much_later));
        assert!(heard.is_news("p1", one, true, much_later));
        let end = much_later + Duration::from_millis(LISTENING_MS);
        assert!(heard.is_news("p1", one, false, end));
        for id in 0..2 * LISTENERS_MAX as i64 {
            heard.is_news("p1", RecordingId(id), false, end);
        }
        assert!(heard.0.lock().unwrap().len() <= LISTENERS_MAX);
    }
}
