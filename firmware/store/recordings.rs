//! The index of recordings. The sound itself is a file that switchd writes alone.

use call::{RecordingId, Stamp};
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::Applied;
use crate::page::{Cursor, Page};
use crate::scope::{BoxEdit, Edit, Filtered, View, box_sql, tenant_sql};
use crate::words::{serde_of, serde_word, stamp, word};

/// Where a recording is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// It grows; it can be played meanwhile.
    Running,
    /// Whole.
    Complete,
    /// Something of it is missing: the disk was full, or the power went.
    Damaged,
    /// The file has been deleted on purpose.
    Erased,
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// Its life.
    pub state: RecordingState,
    /// Its file, below the recordings' folder.
    pub path: String,
    /// When the sound began.
    pub started_at: Stamp,
    /// When it ended.
    pub ended_at: Option<Stamp>,
    /// How long it is, in milliseconds of sound.
    pub duration_ms: Option<u64>,
    /// How long its file is.
    pub bytes: Option<u64>,
}

impl Recording {
    /// Where a following page begins.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.started_at, id: self.id.0 }
    }
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Any state but [`RecordingState::Running`].
    pub state: RecordingState,
    /// How long the sound is.
    pub duration_ms: u64,
    /// How long the file is.
    pub bytes: u64,
}

impl View<'_> {
    /// One recording.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another tenant's.
    pub fn recording(&self, id: RecordingId) -> Result<Recording> {
        let sql = tenant_sql!("SELECT * FROM recordings WHERE tenant_id = :tenant AND id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "recording", id: id.0 })
    }

    /// Recordings, newest id first. Of the page's cursor only the id counts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recordings(&self, state: Option<RecordingState>, page: Page) -> Result<Vec<Recording>> {
        let mut query =
            Filtered::from(tenant_sql!("SELECT * FROM recordings WHERE tenant_id = :tenant"));
        query.and("state = :state", ":state", state.map(|s| serde_word(&s)).transpose()?);
        query.and("id < :before", ":before", page.before.map(|c| c.id));
        query.clause(" ORDER BY id DESC LIMIT :rows");
        query.bind(":rows", page.limit());
        self.filtered(&query, read)
    }
}

fn read(row: &Row<'_>) -> Result<Recording> {
    let unsigned = |column: &str| -> Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
    };
    Ok(Recording {
        id: RecordingId(row.get("id")?),
        state: word(row, "state", serde_of)?,
        path: row.get("path")?,
        started_at: Stamp(row.get("started_at")?),
        ended_at: stamp(row, "ended_at")?,
        duration_ms: unsigned("duration_ms")?,
        bytes: unsigned("bytes")?,
    })
}

/// Ids are given before the sound begins; one that is never used names nothing.
pub(crate) fn reserve(edit: &BoxEdit<'_>, count: u32) -> Result<Applied> {
    let sql = box_sql!(
        "UPDATE box SET next_recording = next_recording + :count
         RETURNING next_recording - :count"
    );
    let first: Option<i64> = edit.row(sql, &[(":count", &count)], |row| Ok(row.get(0)?))?;
    let first = first.ok_or_else(|| Error::Damaged("the box has no row".into()))?;
    Ok(Applied::Recordings(RecordingId(first)))
}

pub(crate) fn start(edit: &mut Edit<'_>, id: RecordingId, path: &str) -> Result<Applied> {
    let sql = tenant_sql!(
        "INSERT INTO recordings (id, tenant_id, state, path, started_at)
         VALUES (:id, :tenant, 'running', :path, :at)"
    );
    match edit.recording(id) {
        Ok(_) => return Ok(Applied::Unchanged),
        Err(Error::NotFound { .. }) => {}
        Err(other) => return Err(other),
    }
    edit.run(sql, &[(":id", &id.0), (":path", &path), (":at", &edit.at().0)])?;
    let payload = json!({});
    edit.event(Event { kind: "recording_started", row: id.0, payload, personal: None })?;
    Ok(Applied::Done)
}

/// Ends a recording, or tells that the file of an ended one is damaged or erased.
pub(crate) fn end(edit: &mut Edit<'_>, id: RecordingId, ending: Ending) -> Result<Applied> {
    let old = edit.recording(id)?;
    if ending.state == RecordingState::Running {
        return Err(Error::NotAllowed("a recording does not end as running".into()));
    }
    if old.state == ending.state {
        return Ok(Applied::Unchanged);
    }
    let sql = tenant_sql!(
        "UPDATE recordings SET state = :state, ended_at = ifnull(ended_at, :at),
           duration_ms = :duration_ms, bytes = :bytes
         WHERE tenant_id = :tenant AND id = :id"
    );
    let state = serde_word(&ending.state)?;
    edit.run(
        sql,
        &[
            (":id", &id.0),
            (":state", &state),
            (":at", &edit.at().0),
            (":duration_ms", &ending.duration_ms.cast_signed()),
            (":bytes", &ending.bytes.cast_signed()),
        ],
    )?;
    let payload =
        json!({ "state": state, "duration_ms": ending.duration_ms, "bytes": ending.bytes });
    edit.event(Event { kind: "recording_ended", row: id.0, payload, personal: None })?;
    Ok(Applied::Done)
}

/// Who has heard a recording is in the chain.
pub(crate) fn note_listening(
    edit: &mut Edit<'_>,
    id: RecordingId,
    download: bool,
) -> Result<Applied> {
    edit.recording(id)?;
    let payload = json!({ "download": download });
    edit.event(Event { kind: "recording_heard", row: id.0, payload, personal: None })?;
    Ok(Applied::Done)
}
