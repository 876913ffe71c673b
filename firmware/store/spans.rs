//! E1 spans: how each is used. What is plugged in stands in the model.

use call::SpanId;
use rusqlite::Row;
use serde_json::{Value, json};

use crate::chain::Event;
use crate::error::Result;
use crate::job::Applied;
use crate::scope::{BoxEdit, BoxView, box_sql};
use crate::words::json as json_column;

/// One span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its place in the model, from 1.
    pub id: SpanId,
    /// Its name; unique on the box.
    pub name: String,
    /// How it is used: a JSON object of centerd's (side, overlap, digits, blocked slots).
    pub settings: Value,
}

impl BoxView<'_> {
    /// All spans that were ever configured, in the order of the model.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn spans(&self) -> Result<Vec<Span>> {
        self.rows(box_sql!("SELECT * FROM spans ORDER BY id"), &[], read)
    }
}

fn read(row: &Row<'_>) -> Result<Span> {
    Ok(Span {
        id: SpanId(row.get("id")?),
        name: row.get("name")?,
        settings: json_column(row, "settings")?,
    })
}

pub(crate) fn save(edit: &mut BoxEdit<'_>, span: &Span) -> Result<Applied> {
    let sql = box_sql!(
        "INSERT INTO spans (id, name, settings) VALUES (:id, :name, :settings)
         ON CONFLICT (id) DO UPDATE SET name = :name, settings = :settings"
    );
    let settings = span.settings.to_string();
    edit.run(sql, &[(":id", &span.id.0), (":name", &span.name), (":settings", &settings)])?;
    edit.bump_desired()?;
    let payload = json!({ "settings": span.settings });
    edit.event(None, Event { kind: "span_saved", row: span.id.0, payload, personal: None })?;
    Ok(Applied::Id(span.id.0))
}

pub(crate) fn note_restart(
    edit: &mut BoxEdit<'_>,
    span: SpanId,
    slot: Option<u8>,
) -> Result<Applied> {
    let payload = json!({ "slot": slot });
    edit.event(None, Event { kind: "span_restarted", row: span.0, payload, personal: None })?;
    Ok(Applied::Done)
}
