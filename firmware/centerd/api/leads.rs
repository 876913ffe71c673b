//! Lists of leads: uploading one, what became of its rows, and who waits in a campaign.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use call::{CampaignId, Stamp};
use serde::{Deserialize, Serialize};
use store::batches::{Batch, RowReport, Verdict};
use store::leads::{LeadFilter, LeadRecord};
use store::page::Cursor;
use store::{BatchId, View};
use utoipa::{IntoParams, ToSchema};

use super::Front;
use super::errors::{ErrorAnswer, Problem};
use super::limits::DETAILS_MAX;
use super::rights::Who;
use super::take::{Asked, Id, Listed, Part};
use super::upload::{self, Target};
use crate::center::view::Changed;

/// What became of an uploaded file.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uploaded {
    /// The file, for asking again.
    pub batch_id: i64,
    /// Rows, without the header. The five counts add up to it.
    pub rows: u64,
    /// In as they were written.
    pub accepted: u64,
    /// In after a correction.
    pub repaired: u64,
    /// The number is in the campaign already.
    pub duplicate: u64,
    /// The number is on the do-not-call list.
    pub dnc: u64,
    /// Not leads.
    pub refused: u64,
    /// The first rows that did not go in as they were written.
    pub details: Vec<RowDetail>,
    /// How many such rows there are.
    pub details_total: u64,
}

/// A row that did not go in as it was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowDetail {
    /// Which row, from 1, the header not counted; empty rows have a number too, as in a spreadsheet.
    pub row: u32,
    /// `repaired`, `duplicate`, `do_not_call` or `refused`.
    pub verdict: &'static str,
    /// The column at fault.
    pub field: String,
    /// Why, a word: `repaired`; `in_campaign`, `in_file`; `do_not_call`; of the refused `empty`,
    /// `too_long`, `letters`, `rounded`, `too_short`, `too_many_digits`, `not_in_plan`, `emergency`,
    /// `premium`, `international`, `short`, `encoding`, `field_too_long`, `too_many_fields`,
    /// `row_too_long`, `quote_open`, `too_many_rows`. Empty in files of an older program.
    pub code: String,
    /// What the word speaks of: `how` (words) of `repaired`, `row` of `in_file`, `max` of bounds.
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
    /// Why, for people.
    pub reason: String,
    /// The row as it was written.
    pub raw: String,
}

/// A list file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListFile {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub file_name: String,
    /// When its import began.
    pub started: i64,
    /// When it was through; null: it runs, or was interrupted.
    pub finished: Option<i64>,
    /// Rows that have a verdict.
    pub rows: u64,
    /// In as they were written.
    pub accepted: u64,
    /// In after a correction.
    pub repaired: u64,
    /// The number was in the campaign already.
    pub duplicate: u64,
    /// The number was on the do-not-call list.
    pub dnc: u64,
    /// Not leads.
    pub refused: u64,
}

/// A lead.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lead {
    /// Its id.
    pub id: i64,
    /// From which file.
    pub batch_id: Option<i64>,
    /// The number; null: erased.
    pub number: Option<String>,
    /// The number as the list wrote it.
    pub raw: String,
    /// The person's name.
    pub name: String,
    /// The other columns of the list.
    #[schema(value_type = Object)]
    pub fields: serde_json::Value,
    /// `new`, `due`, `claimed`, `dialing` or `finished`.
    pub state: &'static str,
    /// Of `due`: when; of the others: since when.
    pub state_at: Option<i64>,
    /// Of `finished`: why, a word.
    pub reason: Option<&'static str>,
    /// How often it was dialled.
    pub dialled: u16,
    /// What came of the last attempt.
    pub last_outcome: Option<&'static str>,
    /// When it came into the list.
    pub created: i64,
}

/// Which leads.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LeadsAsked {
    /// Only in this state: `new`, `due`, `claimed`, `dialing` or `finished`.
    pub state: Option<String>,
    /// Only from this file.
    pub batch: Option<i64>,
    /// Only this number.
    pub number: Option<String>,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// The `next` of the part before.
    pub after: Option<String>,
}

/// The name of an uploaded file.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileAsked {
    /// What the file is called, for people.
    pub file: Option<String>,
}

const STATES: [&str; 5] = ["new", "due", "claimed", "dialing", "finished"];

/// Leads of a campaign, newest first.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/leads", tag = "leads",
    params(("id" = i64, Path), LeadsAsked), responses((status = 200, body = Listed<Lead>))
)]
pub async fn list(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Asked(asked): Asked<LeadsAsked>,
) -> Result<Json<Listed<Lead>>, Problem> {
    let part = Part { limit: asked.limit, after: asked.after };
    let (page, rows) = (part.page()?, part.rows());
    let state = asked.state.filter(|word| !word.is_empty());
    let state = state.map(|word| {
        let known = STATES.into_iter().find(|state| *state == word);
        known.ok_or_else(|| Problem::field("state", format!("write one of {}", STATES.join(", "))))
    });
    let number = asked.number.filter(|text| !text.is_empty());
    let number = number.map(|text| front.plan.read(&text).map(|normal| normal.number));
    let filter = LeadFilter {
        state: state.transpose()?,
        reason: None,
        batch: asked.batch.map(BatchId),
        number: number.transpose()?,
    };
    let campaign = CampaignId(id);
    let found = front
        .read(&who, move |view| {
            view.campaign(campaign)?;
            view.leads(campaign, &filter, page)
        })
        .await?;
    let last = found.last().map(|lead| Cursor { at: Stamp(0), id: lead.id.0 });
    Ok(Listed::part(found.into_iter().map(shown).collect(), rows, last))
}

fn shown(lead: LeadRecord) -> Lead {
    use dialer::lead::State as S;
    let (state_at, reason) = match lead.life.state {
        S::New => (None, None),
        S::Due { at } | S::Claimed { at, .. } | S::Dialing { at, .. } => (Some(at.0), None),
        S::Finished { reason, at } => (Some(at.0), Some(reason.word())),
    };
    Lead {
        id: lead.id.0,
        batch_id: lead.batch.map(|batch| batch.0),
        number: lead.number.map(|number| number.as_str().to_owned()),
        raw: lead.raw,
        name: lead.name,
        fields: lead.fields,
        state: lead.life.state.word(),
        state_at,
        reason,
        dialled: lead.life.dialled,
        last_outcome: lead.life.last_outcome.map(|outcome| outcome.word()),
        created: lead.created_at.0,
    }
}

/// Uploads a list: CSV in UTF-8, a header row first, cells parted by commas, semicolons or tabs. Every
/// row is accounted for. Who goes away during the import finds it among the files of the campaign.
#[utoipa::path(
    post, path = "/api/v1/campaigns/{id}/leads", tag = "leads",
    params(("id" = i64, Path), FileAsked),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, body = Uploaded),
        (status = 400, body = ErrorAnswer, description = "not a file, or not to its end"),
        (status = 413, body = ErrorAnswer, description = "too large"),
        (status = 422, body = ErrorAnswer, description = "no column of numbers, or not UTF-8"),
        (status = 503, body = ErrorAnswer, description = "two lists are being imported already")
    )
)]
pub async fn upload(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Asked(asked): Asked<FileAsked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Uploaded>, Problem> {
    upload::check_kind(&headers)?;
    // A task of its own: the office learns of what went in, also when the asker has gone.
    let importing = tokio::spawn(async move {
        let _place = front.uploads.try_acquire().map_err(|_| Problem::Busy)?;
        import(&front, &who, CampaignId(id), asked.file.unwrap_or_default(), body).await
    });
    importing.await.map_err(|e| Problem::Bug(e.to_string()))?.map(Json)
}

async fn import(
    front: &Front,
    who: &Who,
    campaign: CampaignId,
    file_name: String,
    body: Body,
) -> Result<Uploaded, Problem> {
    let destinations = front
        .read(who, move |rows| {
            rows.campaign(campaign)?;
            crate::load::destinations(rows)
        })
        .await?;
    let target = Target {
        writer: front.writer.clone(),
        tenant: who.tenant,
        actor: who.actor,
        campaign,
        file_name: file_name.chars().take(200).collect(),
        plan: front.plan.clone(),
        destinations,
    };
    let (pieces, file) = upload::pipe();
    let reading = tokio::task::spawn_blocking(move || upload::import(&target, file));
    upload::feed(body, pieces).await;
    let batch = reading.await.map_err(|e| Problem::Bug(e.to_string()))?;
    // Whatever went in is there, also when the file broke off.
    front.reload(who, [Changed::Campaign(campaign)]).await?;
    told(front, who, batch?).await
}

async fn told(front: &Front, who: &Who, id: BatchId) -> Result<Uploaded, Problem> {
    let read = move |rows: View<'_>| Ok((rows.batch(id)?, rows.import_rows(id, 0, DETAILS_MAX)?));
    let (batch, reports) = front.read(who, read).await?;
    let counts = batch.counts;
    Ok(Uploaded {
        batch_id: id.0,
        rows: upload::rows_of(&batch),
        accepted: counts.accepted,
        repaired: counts.repaired,
        duplicate: counts.duplicate,
        dnc: counts.do_not_call,
        refused: counts.refused,
        details: reports.into_iter().map(detail).collect(),
        details_total: counts.total() - counts.accepted,
    })
}

fn detail(report: RowReport) -> RowDetail {
    let verdict = match report.verdict {
        Verdict::Accepted => "accepted",
        Verdict::Repaired => "repaired",
        Verdict::Duplicate => "duplicate",
        Verdict::DoNotCall => "do_not_call",
        Verdict::Refused => "refused",
    };
    let RowReport { row, field, why, raw, .. } = report;
    let store::batches::Why { code, params, text: reason } = why;
    RowDetail { row, verdict, field, code, params, reason, raw }
}

/// The files of a campaign, newest first.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/batches", tag = "leads", params(("id" = i64, Path)),
    responses((status = 200, body = Listed<ListFile>))
)]
pub async fn batches(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Listed<ListFile>>, Problem> {
    let campaign = CampaignId(id);
    let found = front
        .read(&who, move |rows| {
            rows.campaign(campaign)?;
            rows.batches(campaign)
        })
        .await?;
    Ok(Listed::whole(found.into_iter().map(file).collect()))
}

fn file(batch: Batch) -> ListFile {
    ListFile {
        id: batch.id.0,
        rows: batch.counts.total(),
        file_name: batch.file_name,
        started: batch.started_at.0,
        finished: batch.finished_at.map(|at| at.0),
        accepted: batch.counts.accepted,
        repaired: batch.counts.repaired,
        duplicate: batch.counts.duplicate,
        dnc: batch.counts.do_not_call,
        refused: batch.counts.refused,
    }
}

/// Rows of a file that did not go in as they were written, in order. With `Accept: text/csv` all of
/// them as a file, to be corrected and uploaded again.
#[utoipa::path(
    get, path = "/api/v1/batches/{id}/rows", tag = "leads", params(("id" = i64, Path), Part),
    responses(
        (status = 200, body = Listed<RowDetail>),
        (status = 200, content_type = "text/csv", body = String)
    )
)]
pub async fn batch_rows(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Asked(part): Asked<Part>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let batch = BatchId(id);
    if accepted.is_some_and(|kinds| kinds.contains("text/csv")) {
        return as_file(&front, &who, batch).await;
    }
    let rows = part.rows();
    let after = part.page()?.before.map_or(0, |cursor| u32::try_from(cursor.id).unwrap_or(0));
    let found = front
        .read(&who, move |view| {
            view.batch(batch)?;
            view.import_rows(batch, after, rows)
        })
        .await?;
    let last = found.last().map(|row| Cursor { at: Stamp(0), id: i64::from(row.row) });
    Ok(Listed::part(found.into_iter().map(detail).collect(), rows, last).into_response())
}

/// The whole report, read part by part in one thread and sent as it is read.
async fn as_file(front: &Front, who: &Who, batch: BatchId) -> Result<Response, Problem> {
    front.read(who, move |rows| rows.batch(batch)).await?;
    let (reader, tenant) = (front.reader.clone(), who.tenant);
    let (pieces, body) = super::wav::stream();
    tokio::task::spawn_blocking(move || {
        let mut after = 0;
        let mut text = "\u{feff}row,verdict,field,code,reason,raw\n".to_owned();
        loop {
            let most = crate::limits::PAGE_ROWS_MAX;
            let part = reader.tenant(tenant, |rows| rows.import_rows(batch, after, most));
            let Ok(part) = part else {
                // The file breaks off, so that nobody takes a half for the whole.
                let _ = pieces.blocking_send(Err(std::io::ErrorKind::Interrupted.into()));
                return;
            };
            let full = part.len() >= most;
            for row in part.into_iter().map(detail) {
                after = row.row;
                let fields = [row.field, row.code, row.reason, row.raw].map(|text| quoted(&text));
                text.push_str(&format!("{},{},{}\n", row.row, row.verdict, fields.join(",")));
            }
            let piece = std::mem::take(&mut text).into();
            if pieces.blocking_send(Ok(piece)).is_err() || !full {
                return;
            }
        }
    });
    let name = format!("attachment; filename=\"rows-{}.csv\"", batch.0);
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((StatusCode::OK, headers, body).into_response())
}

/// A field that a spreadsheet reads as text, whatever it begins with.
fn quoted(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if risky { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(quoted("=cmd()"), "\"'=cmd()\"");
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
    }
}
