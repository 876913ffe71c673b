//! E1 spans: how each is used, what it does now, its alarms, its trace, its loop test. What is
//! plugged in stands in the model file; spans belong to the box.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::{SpanId, Stamp};
use link::span::{D_SLOT, all_slots};
use link::{Channel as Slot, SpanRole};
use serde::{Deserialize, Serialize};
use store::page::Cursor;
use store::spans::Span as Row;
use store::{BoxChange, BoxView};
use utoipa::ToSchema;

use super::Front;
use super::errors::Problem;
use super::rights::Who;
use super::span_picture::{LoopTest, Sources, Span, one_of, tested};
use super::take::{self, Asked, DONE, Id, Listed, Maybe, Part, Sent, Slotted};
use crate::center::request::{Refused, Request};
use crate::center::spans::{Question, subject};
use crate::center::view::Changed;
use crate::load::SpanSettings;

/// How a span is to be used. What is left out stays.
#[derive(Default, Deserialize, ToSchema)]
pub struct SpanForm {
    /// Its name.
    pub name: Option<String>,
    /// Our side: `user` (the far end is the public exchange) or `network`.
    pub role: Option<String>,
    /// Whether numbers come and go digit by digit.
    pub overlap: Option<bool>,
    /// Digits of a called number that the exchange sends, 0 (all) to 15.
    pub did_digits: Option<u8>,
    /// Time slots taken out of service; calls on them go on.
    pub blocked: Option<Vec<u8>>,
}

/// What of a span is to start anew.
#[derive(Default, Deserialize, ToSchema)]
pub struct RestartForm {
    /// Only this time slot; left out: all of them. Calls on it end.
    pub slot: Option<u8>,
}

/// Which channel to test.
#[derive(Deserialize, ToSchema)]
pub struct TestForm {
    /// Its time slot.
    pub slot: u8,
}

/// Whether a channel is out of service.
#[derive(Deserialize, ToSchema)]
pub struct BlockForm {
    /// Take it out of service, or back in. A call on it goes on.
    pub blocked: bool,
}

/// An alarm of a span, standing or over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpanHistory {
    /// Its id.
    pub id: i64,
    /// `not_open`, `red`, `yellow`, `blue`, `loopback`, or `d_channel`: the line was in order and
    /// the D-channel was not up.
    pub alarm: String,
    /// `warning` or `critical`.
    pub severity: &'static str,
    /// What it is and what to do.
    pub text: String,
    /// Since when.
    pub raised: i64,
    /// Until when; null: still.
    pub cleared: Option<i64>,
}

/// The latest lines of a D-channel's trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpanTrace {
    /// When it was taken.
    pub at: i64,
    /// At most 400, oldest first.
    pub lines: Vec<TraceText>,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TraceText {
    /// When.
    pub at: i64,
    /// Sent by us, or received.
    pub sent: bool,
    /// What it says. Numbers are masked but for their last four digits.
    pub text: String,
}

async fn found(front: &Front, who: &Who, id: i64) -> Result<Span, Problem> {
    let (live, tenant, reach) = (front.live(), who.tenant, front.clone());
    let read = move |view: BoxView<'_>| one_of(view, &live, &reach.config, tenant, SpanId(id));
    front.read_box(read).await?.ok_or(Problem::NotFound { what: "span", id })
}

/// The time slot, if the span has it.
fn slot_of(span: &Span, slot: u8) -> Result<u8, Problem> {
    let carried = span.channels.iter().any(|channel| channel.slot == slot);
    let known = if span.channels.is_empty() { all_slots().contains(&slot) } else { carried };
    let wrong =
        || Problem::field("slot", format!("span {} has no channel in time slot {slot}", span.id));
    if known { Ok(slot) } else { Err(wrong()) }
}

/// The spans of the model, with their channels as they are now.
#[utoipa::path(
    get, path = "/api/v1/spans", tag = "spans", responses((status = 200, body = Listed<Span>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Span>>, Problem> {
    let (live, tenant, reach) = (front.live(), who.tenant, front.clone());
    let spans = front
        .read_box(move |view| {
            let sources = Sources::read(view, &live, &reach.config, tenant)?;
            Ok(sources.ids().map(|id| sources.span(id)).collect())
        })
        .await?;
    Ok(Listed::whole(spans))
}

/// One span.
#[utoipa::path(
    get, path = "/api/v1/spans/{id}", tag = "spans", params(("id" = i64, Path)),
    responses((status = 200, body = Span))
)]
pub async fn one(State(front): State<Front>, who: Who, Id(id): Id) -> Result<Json<Span>, Problem> {
    found(&front, &who, id).await.map(Json)
}

/// Uses a span, or changes how. Calls that run on it go on.
#[utoipa::path(
    put, path = "/api/v1/spans/{id}", tag = "spans", params(("id" = i64, Path)),
    request_body = SpanForm, responses((status = 200, body = Span))
)]
pub async fn change(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<SpanForm>,
) -> Result<Json<Span>, Problem> {
    let _alone = front.lines.lock().await;
    let span = found(&front, &who, id).await?;
    let name = take::name("name", sent.name.as_deref().unwrap_or(&span.name))?;
    let rows = front.read_box(|view| view.spans()).await?;
    if let Some(other) = rows.iter().find(|row| row.id.0 != id && row.name == name) {
        let reason = format!("span {} is called {name} already: choose another name", other.id.0);
        return Err(Problem::field("name", reason));
    }
    let row = rows.iter().find(|row| row.id.0 == id);
    let mut settings = row.map(SpanSettings::of).unwrap_or_default();
    fill(&mut settings, sent)?;
    save(&front, &who, id, name, &settings).await?;
    found(&front, &who, id).await.map(Json)
}

fn fill(settings: &mut SpanSettings, sent: SpanForm) -> Result<(), Problem> {
    if let Some(role) = sent.role {
        settings.role = match role.as_str() {
            "user" => SpanRole::User,
            "network" => SpanRole::Network,
            _ => return Err(Problem::field("role", format!("{role:?}: write user or network"))),
        };
    }
    settings.overlap = sent.overlap.unwrap_or(settings.overlap);
    if let Some(digits) = sent.did_digits {
        if usize::from(digits) > call::number::DIGITS_MAX {
            return Err(Problem::field("did_digits", format!("{digits}: write 0 (all) to 15")));
        }
        settings.did_digits = digits;
    }
    if let Some(mut blocked) = sent.blocked {
        if let Some(wrong) = blocked.iter().find(|slot| !all_slots().contains(slot)) {
            let reason = format!("{wrong} is no channel: write 1 to 31 without {D_SLOT}");
            return Err(Problem::field("blocked", reason));
        }
        blocked.sort_unstable();
        blocked.dedup();
        settings.blocked = blocked;
    }
    Ok(())
}

async fn save(
    front: &Front,
    who: &Who,
    id: i64,
    name: String,
    settings: &SpanSettings,
) -> Result<(), Problem> {
    let settings = serde_json::to_value(settings).map_err(|e| Problem::Bug(e.to_string()))?;
    let row = Row { id: SpanId(id), name, settings };
    front.write_box(who, BoxChange::SaveSpan(row)).await?;
    front.reload(who, [Changed::Span(SpanId(id))]).await
}

/// Takes a channel out of service, or back in. A call on it goes on.
#[utoipa::path(
    post, path = "/api/v1/spans/{id}/channels/{slot}", tag = "spans",
    params(("id" = i64, Path), ("slot" = u8, Path)),
    request_body = BlockForm, responses((status = 200, body = Span))
)]
pub async fn block(
    State(front): State<Front>,
    who: Who,
    Slotted(id, slot): Slotted,
    Sent(sent): Sent<BlockForm>,
) -> Result<Json<Span>, Problem> {
    let _alone = front.lines.lock().await;
    let span = found(&front, &who, id).await?;
    let slot = slot_of(&span, slot)?;
    let rows = front.read_box(|view| view.spans()).await?;
    let row = rows.into_iter().find(|row| row.id.0 == id).ok_or_else(|| not_used(id))?;
    let mut settings = SpanSettings::of(&row);
    settings.blocked.retain(|known| *known != slot);
    if sent.blocked {
        settings.blocked.push(slot);
        settings.blocked.sort_unstable();
    }
    save(&front, &who, id, row.name, &settings).await?;
    found(&front, &who, id).await.map(Json)
}

fn not_used(id: i64) -> Problem {
    Problem::Conflict(format!("span {id} is not used yet: save its settings first"))
}

/// Alarms of a span, newest first, those that are over too.
#[utoipa::path(
    get, path = "/api/v1/spans/{id}/history", tag = "spans", params(("id" = i64, Path), Part),
    responses((status = 200, body = Listed<SpanHistory>))
)]
pub async fn history(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Asked(part): Asked<Part>,
) -> Result<Json<Listed<SpanHistory>>, Problem> {
    found(&front, &who, id).await?;
    let (page, rows) = (part.page()?, part.rows());
    let about = subject(SpanId(id));
    let found = front.read_box(move |view| view.alarms_about(&about, page)).await?;
    let last = found.last().map(|row| Cursor { at: Stamp(0), id: row.id.0 });
    let shown = found.into_iter().map(|alarm| SpanHistory {
        id: alarm.id.0,
        alarm: alarm.kind.strip_prefix("span_").unwrap_or(&alarm.kind).to_owned(),
        severity: super::alarms::severity_word(alarm.severity),
        text: alarm.detail,
        raised: alarm.raised_at.0,
        cleared: alarm.cleared_at.map(|at| at.0),
    });
    Ok(Listed::part(shown.collect(), rows, last))
}

/// The latest lines of a span's D-channel.
#[utoipa::path(
    get, path = "/api/v1/spans/{id}/trace", tag = "spans", params(("id" = i64, Path)),
    responses((status = 200, body = SpanTrace))
)]
pub async fn trace(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<SpanTrace>, Problem> {
    found(&front, &who, id).await?;
    front.ask(&who, Request::Span(Question::Trace(SpanId(id)))).await?;
    let trace = front.live().traces.get(&SpanId(id)).cloned();
    let trace = trace.ok_or(Problem::Office(Refused::NoAnswer))?;
    let line = |line: &link::TraceLine| TraceText {
        at: line.at.0,
        sent: line.sent,
        text: line.text.clone(),
    };
    Ok(Json(SpanTrace { at: trace.at.0, lines: trace.lines.iter().map(line).collect() }))
}

/// Starts a channel or the whole span anew (Q.931 RESTART). Calls on it end.
#[utoipa::path(
    post, path = "/api/v1/spans/{id}/restart", tag = "spans", params(("id" = i64, Path)),
    request_body = RestartForm, responses((status = 204))
)]
pub async fn restart(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Maybe(sent): Maybe<RestartForm>,
) -> Result<StatusCode, Problem> {
    let span = found(&front, &who, id).await?;
    let slot = sent.slot.map(|slot| slot_of(&span, slot)).transpose()?;
    let restart = BoxChange::NoteRestart { span: SpanId(id), slot };
    front.ask(&who, Request::Span(Question::Restart(SpanId(id), slot))).await?;
    front.write_box(&who, restart).await?;
    Ok(DONE)
}

/// Sends a pattern on an idle channel and listens whether it comes back. Answers within five
/// seconds, in most cases in less than one.
#[utoipa::path(
    post, path = "/api/v1/spans/{id}/test", tag = "spans", params(("id" = i64, Path)),
    request_body = TestForm, responses((status = 200, body = LoopTest))
)]
pub async fn test(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<TestForm>,
) -> Result<Json<LoopTest>, Problem> {
    let span = found(&front, &who, id).await?;
    let at = Slot { span: SpanId(id), slot: slot_of(&span, sent.slot)? };
    let silent =
        LoopTest { result: "no_answer", errors_per_mille: None, delay_ms: None, at: front.now().0 };
    match front.ask(&who, Request::Span(Question::Loop(at))).await {
        Ok(()) => Ok(Json(front.live().loops.get(&at).map_or(silent, tested))),
        Err(Problem::Office(Refused::NoAnswer)) => Ok(Json(silent)),
        Err(problem) => Err(problem),
    }
}
