//! The chain of events: who changed what, when; and whether anybody has altered it since.

use core::time::Duration;

use axum::Json;
use axum::extract::State;
use call::{Stamp, TenantId};
use serde::{Deserialize, Serialize};
use store::Actor;
use store::chain::EventRow;
use store::page::Cursor;
use utoipa::{IntoParams, ToSchema};

use super::Front;
use super::errors::Problem;
use super::limits::{AUDIT_LOOK_MAX, VERIFY_MS};
use super::rights::{Right, Who};
use super::take::{Asked, Listed, Part};
use crate::limits::PAGE_ROWS_MAX;

/// One event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// Its place in the chain.
    pub seq: i64,
    /// When.
    pub at: i64,
    /// Who: `box`, `p1` a person, `a1` an agent by phone, `k1` a token.
    pub actor: String,
    /// What happened, a word.
    pub kind: String,
    /// The row it happened to.
    pub row: i64,
    /// The facts.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
    /// The number or name that belongs to it, until it is erased.
    pub personal: Option<String>,
}

/// Whether the chain is whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checked {
    /// It is.
    pub ok: bool,
    /// Events checked.
    pub events: u64,
    /// Events whose personal data has been erased.
    pub erased: u64,
    /// Where it is broken, and how.
    pub broken: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsAsked {
    /// The newest first, and `next` goes back; otherwise the oldest first.
    pub newest: Option<bool>,
    /// Only what people and programs did, without what the box did by itself.
    pub people: Option<bool>,
    /// At most so many rows, up to 500; 50 when left out.
    pub limit: Option<usize>,
    /// The `next` of the part before.
    pub after: Option<String>,
}

/// Events of the tenant (for the operator also of the box).
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", params(EventsAsked),
    responses((status = 200, body = Listed<Event>))
)]
pub async fn list(
    State(front): State<Front>,
    who: Who,
    Asked(asked): Asked<EventsAsked>,
) -> Result<Json<Listed<Event>>, Problem> {
    let (newest, people) = (asked.newest.unwrap_or(false), asked.people.unwrap_or(false));
    let part = Part { limit: asked.limit, after: asked.after };
    let rows = part.rows();
    let begin = if newest { i64::MAX } else { 0 };
    let after = part.page()?.before.map_or(begin, |cursor| cursor.id);
    let (reader, tenant, operator) = (front.reader.clone(), who.tenant, who.may(Right::EditTrunks));
    let reading = move || -> store::Result<(Vec<EventRow>, i64, bool)> {
        let by_box = Actor::Box.to_string();
        let (mut found, mut after, mut looked) = (Vec::new(), after, 0);
        loop {
            let part = match newest {
                true => reader.events_back(after, PAGE_ROWS_MAX)?,
                false => reader.events(after, PAGE_ROWS_MAX)?,
            };
            looked += part.len();
            let more = part.len() >= PAGE_ROWS_MAX;
            for event in part {
                after = event.seq;
                let mine = event.tenant == tenant || (operator && event.tenant == TenantId(0));
                if mine && !(people && event.actor == by_box) {
                    found.push(event);
                }
                if found.len() >= rows {
                    return Ok((found, after, true));
                }
            }
            if !more || looked >= AUDIT_LOOK_MAX {
                return Ok((found, after, more));
            }
        }
    };
    let read = tokio::task::spawn_blocking(reading).await;
    let (found, after, more) = read.map_err(|e| Problem::Bug(e.to_string()))??;
    let last = more.then_some(Cursor { at: Stamp(0), id: after });
    let items: Vec<Event> = found.into_iter().map(shown).collect();
    let least = items.len();
    Ok(Listed::part(items, least, last))
}

fn shown(event: EventRow) -> Event {
    Event {
        seq: event.seq,
        at: event.at.0,
        actor: event.actor,
        kind: event.kind,
        row: event.row,
        payload: serde_json::from_str(&event.payload).unwrap_or_default(),
        personal: event.personal,
    }
}

/// Checks the whole chain. Takes long on a large one.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", tag = "audit", responses((status = 200, body = Checked))
)]
pub async fn verify(State(front): State<Front>, _: Who) -> Result<Json<Checked>, Problem> {
    let reader = front.reader.clone();
    let checking = move || reader.verify(Duration::from_millis(VERIFY_MS), 1, None, None);
    let checked = tokio::task::spawn_blocking(checking).await;
    let checked = checked.map_err(|e| Problem::Bug(e.to_string()))??;
    Ok(Json(match checked {
        Ok(whole) => Checked { ok: true, events: whole.events, erased: whole.erased, broken: None },
        Err(broken) => {
            Checked { ok: false, events: 0, erased: 0, broken: Some(broken.to_string()) }
        }
    }))
}
