//! The do-not-call list.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use call::{CampaignId, Number, Stamp};
use dialer::import::RowReason;
use serde::{Deserialize, Serialize};
use store::batches::Why;
use store::limits::RAW_CHARS_MAX;
use store::page::Cursor;
use store::{Applied, DncEntry, DncId, Job, TenantChange};
use utoipa::{IntoParams, ToSchema};

use super::errors::{ErrorAnswer, Problem};
use super::limits::{DETAILS_MAX, DNC_AT_ONCE, DNC_FILE_MAX, NAME_CHARS_MAX};
use super::rights::Who;
use super::take::{Asked, DONE, Id, Listed, Part, Sent};
use super::{Front, id_of, upload};

/// Whom nobody calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct Barred {
    /// Its id.
    pub id: i64,
    /// The number.
    pub number: String,
    /// Why, for people.
    pub reason: String,
    /// Only in this campaign; null: in all.
    pub campaign_id: Option<i64>,
    /// Since when.
    pub added: i64,
}

/// A number to bar.
#[derive(Deserialize, ToSchema)]
pub struct BarredForm {
    /// As somebody would dial it, or with + and country code.
    pub number: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Only in this campaign; left out: in all.
    pub campaign_id: Option<i64>,
}

/// Which of them.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BarredAsked {
    /// Only this number.
    pub number: Option<String>,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// The `next` of the part before.
    pub after: Option<String>,
}

/// What became of a file of numbers. The counts add up to the rows.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct BarredFile {
    /// Rows, without a header.
    pub rows: u64,
    /// On the list now.
    pub accepted: u64,
    /// On the list twice in this file.
    pub duplicate: u64,
    /// Not numbers.
    pub refused: u64,
    /// The first rows that were refused or come twice.
    pub details: Vec<super::leads::RowDetail>,
}

fn shown(row: DncEntry) -> Barred {
    Barred {
        id: row.id.0,
        number: row.number.as_str().to_owned(),
        reason: row.reason,
        campaign_id: row.campaign.map(|id| id.0),
        added: row.added_at.0,
    }
}

/// The list, newest first.
#[utoipa::path(
    get, path = "/api/v1/dnc", tag = "do not call", params(BarredAsked),
    responses((status = 200, body = Listed<Barred>))
)]
pub async fn list(
    State(front): State<Front>,
    who: Who,
    Asked(asked): Asked<BarredAsked>,
) -> Result<Json<Listed<Barred>>, Problem> {
    let part = Part { limit: asked.limit, after: asked.after };
    let (page, rows) = (part.page()?, part.rows());
    let number = asked.number.filter(|text| !text.is_empty());
    let number = number.map(|text| front.plan.read(&text).map(|n| n.number)).transpose()?;
    let found = front.read(&who, move |view| view.dnc(number.as_ref(), page)).await?;
    let last = found.last().map(|row| Cursor { at: Stamp(0), id: row.id.0 });
    Ok(Listed::part(found.into_iter().map(shown).collect(), rows, last))
}

/// Bars a number. Its leads are finished; what is being dialled now is finished when it is over.
#[utoipa::path(
    post, path = "/api/v1/dnc", tag = "do not call", request_body = BarredForm,
    responses((status = 201, body = Barred))
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<BarredForm>,
) -> Result<(StatusCode, Json<Barred>), Problem> {
    let number = front.plan.read(&sent.number)?.number;
    if sent.reason.chars().count() > NAME_CHARS_MAX {
        return Err(Problem::field("reason", format!("write at most {NAME_CHARS_MAX} characters")));
    }
    let change = TenantChange::AddDnc {
        campaign: sent.campaign_id.map(CampaignId),
        number: number.clone(),
        reason: sent.reason,
    };
    let id = id_of(&front.write(&who, change).await?)?;
    let rows =
        front.read(&who, move |view| view.dnc(Some(&number), store::Page::first(50))).await?;
    let row = rows.into_iter().find(|row| row.id.0 == id);
    let row = row.ok_or(Problem::NotFound { what: "entry", id })?;
    Ok((StatusCode::CREATED, Json(shown(row))))
}

/// Takes an entry off the list. Leads that it has finished stay finished.
#[utoipa::path(
    delete, path = "/api/v1/dnc/{id}", tag = "do not call", params(("id" = i64, Path)),
    responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    front.write(&who, TenantChange::RemoveDnc(DncId(id))).await?;
    Ok(DONE)
}

/// Bars every number of a CSV file: the first column, UTF-8; a first row without a digit in it is
/// taken for a header.
#[utoipa::path(
    post, path = "/api/v1/dnc/import", tag = "do not call",
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, body = BarredFile),
        (status = 400, body = ErrorAnswer, description = "not a file, or not to its end")
    )
)]
pub async fn import(
    State(front): State<Front>,
    who: Who,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<BarredFile>, Problem> {
    upload::check_kind(&headers)?;
    let _place = front.uploads.try_acquire().map_err(|_| Problem::Busy)?;
    let (pieces, file) = upload::pipe();
    let (theirs, asker) = (front.clone(), who.clone());
    let reading = tokio::task::spawn_blocking(move || read_all(&theirs, &asker, file));
    upload::feed(body, pieces).await;
    Ok(Json(reading.await.map_err(|e| Problem::Bug(e.to_string()))??))
}

fn read_all(front: &Front, who: &Who, mut file: upload::Incoming) -> Result<BarredFile, Problem> {
    let mut answer = BarredFile::default();
    let mut seen = BTreeMap::new();
    let mut waiting = Vec::new();
    let mut before = None;
    while let Some(row) = file.next_row()? {
        let text = match &row.cells {
            Ok(cells) => core::str::from_utf8(cells.first().map_or(&[], Vec::as_slice))
                .map_err(|_| RowReason::Encoding),
            Err(broken) => Err(RowReason::from(*broken)),
        };
        let read = text.and_then(|text| Ok(front.plan.read(text)?.number));
        let header = text.is_ok_and(|text| !text.contains(char::is_numeric));
        if before.is_none() && header {
            before = Some(row.place);
            continue;
        }
        let place = row.place - *before.get_or_insert(row.place - 1);
        answer.rows += 1;
        if answer.rows > DNC_FILE_MAX {
            settle(&mut waiting)?;
            let reason = format!(
                "more than {DNC_FILE_MAX} rows: those are on the list, send the others as a file \
                 of their own"
            );
            return Err(Problem::Malformed(reason));
        }
        match read {
            Ok(number) if !seen.contains_key(&number) => {
                answer.accepted += 1;
                seen.insert(number.clone(), place);
                waiting.push(bar(front, who, number)?);
            }
            Ok(number) => {
                answer.duplicate += 1;
                let of = seen.get(&number).copied().unwrap_or_default();
                let told = format!("already in row {of} of this file");
                let why = Why::new("in_file", serde_json::json!({ "row": of }), told);
                answer.tell(place, "duplicate", why, &row.raw);
            }
            Err(reason) => {
                answer.refused += 1;
                answer.tell(place, "refused", upload::why(reason), &row.raw);
            }
        }
        if waiting.len() >= DNC_AT_ONCE {
            settle(&mut waiting)?;
        }
    }
    settle(&mut waiting)?;
    Ok(answer)
}

fn bar(front: &Front, who: &Who, number: Number) -> Result<store::Ticket, Problem> {
    let change = TenantChange::AddDnc { campaign: None, number, reason: "list".into() };
    Ok(front.writer.submit(Job::of_tenant(front.now(), who.actor, who.tenant, change))?)
}

fn settle(waiting: &mut Vec<store::Ticket>) -> Result<(), Problem> {
    for ticket in waiting.drain(..) {
        let _: Applied = ticket.wait()?;
    }
    Ok(())
}

impl BarredFile {
    fn tell(&mut self, place: u64, verdict: &'static str, why: Why, raw: &[u8]) {
        if self.details.len() < DETAILS_MAX {
            self.details.push(super::leads::RowDetail {
                row: u32::try_from(place).unwrap_or(u32::MAX),
                verdict,
                field: "number".into(),
                code: why.code,
                params: why.params,
                reason: why.text,
                raw: String::from_utf8_lossy(raw).chars().take(RAW_CHARS_MAX).collect(),
            });
        }
    }
}
