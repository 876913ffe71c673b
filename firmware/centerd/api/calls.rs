//! Calls: every leg that carries or carried one, live and over, campaign or not.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use call::{AccountId, AgentId, LegId, LegPhase, Stamp, TrunkId};
use link::{Direction, LegRecord, Line};
use serde::Serialize;
use store::calls::{CallKind, CallRecord, NoteCall};
use store::{BoxView, View};
use utoipa::ToSchema;

use super::Front;
use super::agents;
use super::attempts::{RecordsAsked, side_word};
use super::errors::Problem;
use super::rights::Who;
use super::take::{Asked, Listed};
use crate::center::view::{CallView, View as Live};

/// A call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Call {
    /// Its leg's id, the same while it lives and after.
    pub id: u64,
    /// What it is for: `campaign`, `outbound`, `inbound`, `internal` or `seat`; null: not known yet.
    pub kind: Option<&'static str>,
    /// Of which attempt.
    pub attempt_id: Option<i64>,
    /// `in` or `out`.
    pub direction: &'static str,
    /// The trunk's name or the phone's user.
    pub line: String,
    /// On which trunk.
    pub trunk_id: Option<i64>,
    /// At which phone.
    pub phone_id: Option<i64>,
    /// On which channel of an E1 span.
    pub channel: Option<CallChannel>,
    /// The number or account that was called.
    pub called: String,
    /// The number or account shown to the called party.
    pub caller: String,
    /// Of a call that came in: the name that the caller's network sent.
    pub display: Option<String>,
    /// Of a call that came in: the number that the caller wanted before the call was sent on to us.
    pub redirected_from: Option<String>,
    /// `idle`, `seized`, `dialing`, `proceeding`, `alerting`, `answered`, `releasing` or `ended`.
    pub phase: &'static str,
    /// When it began.
    pub created: i64,
    /// When the INVITE went out.
    pub dialled: Option<i64>,
    /// When it rang.
    pub ringing: Option<i64>,
    /// When it was answered.
    pub answered: Option<i64>,
    /// When it was joined with another.
    pub joined: Option<i64>,
    /// When it was over.
    pub ended: Option<i64>,
    /// Why, a word.
    pub cause: Option<&'static str>,
    /// Who ended it: `far`, `peer` or `box`.
    pub ended_by: Option<&'static str>,
    /// With which agent.
    pub agent_id: Option<i64>,
    /// The agent's name.
    pub agent_name: Option<String>,
    /// Of which campaign.
    pub campaign_id: Option<i64>,
    /// Its recording.
    pub recording_id: Option<i64>,
}

/// A channel of an E1 span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CallChannel {
    /// Which span.
    pub span: i64,
    /// Its time slot.
    pub slot: u8,
}

/// Names of lines and agents, for rows that only hold ids.
pub struct Names {
    agents: BTreeMap<AgentId, String>,
    trunks: BTreeMap<TrunkId, String>,
    phones: BTreeMap<AccountId, String>,
}

impl Names {
    /// Of this tenant.
    ///
    /// # Errors
    /// What the store says.
    pub fn read(view: BoxView<'_>, rows: View<'_>) -> store::Result<Names> {
        Ok(Names {
            agents: agents::names(rows)?,
            trunks: view.trunks()?.into_iter().map(|row| (row.id, row.name)).collect(),
            phones: rows.accounts()?.into_iter().map(|row| (row.id, row.user)).collect(),
        })
    }

    fn line(&self, line: Option<Line>) -> String {
        let name = match line {
            Some(Line::Trunk(id)) => self.trunks.get(&id),
            Some(Line::Account(id)) => self.phones.get(&id),
            None => None,
        };
        name.cloned().unwrap_or_default()
    }
}

const fn phase_word(phase: LegPhase) -> &'static str {
    match phase {
        LegPhase::Idle => "idle",
        LegPhase::Seized => "seized",
        LegPhase::Dialing => "dialing",
        LegPhase::Proceeding => "proceeding",
        LegPhase::Alerting => "alerting",
        LegPhase::Answered => "answered",
        LegPhase::Releasing => "releasing",
        LegPhase::Ended => "ended",
    }
}

/// What a call can be for.
pub const KINDS: [CallKind; 5] =
    [CallKind::Campaign, CallKind::Outbound, CallKind::Inbound, CallKind::Internal, CallKind::Seat];

/// The word of what a call is for.
#[must_use]
pub const fn kind_word(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Campaign => "campaign",
        CallKind::Outbound => "outbound",
        CallKind::Inbound => "inbound",
        CallKind::Internal => "internal",
        CallKind::Seat => "seat",
    }
}

/// A call that lives, as it is shown.
#[must_use]
pub fn living(call: &CallView, names: &Names) -> Call {
    let record: &LegRecord = &call.record;
    let at = |stamp: Option<Stamp>| stamp.map(|stamp| stamp.0);
    let (trunk, phone) = match record.line {
        Line::Trunk(id) => (Some(id.0), None),
        Line::Account(id) => (None, Some(id.0)),
    };
    let kind = match (call.attempt, call.agent, record.line, record.direction) {
        (Some(_), _, _, _) => Some("campaign"),
        (None, Some(_), Line::Account(_), _) => Some("seat"),
        (None, _, Line::Trunk(_), Direction::In) => Some("inbound"),
        (None, _, _, _) => None,
    };
    Call {
        id: record.leg.0,
        kind,
        attempt_id: call.attempt.map(|id| id.0),
        direction: match record.direction {
            Direction::In => "in",
            Direction::Out => "out",
        },
        line: names.line(Some(record.line)),
        trunk_id: trunk,
        phone_id: phone,
        channel: record.channel.map(|at| CallChannel { span: at.span.0, slot: at.slot }),
        called: record.called.clone(),
        caller: record.caller.clone(),
        display: Some(record.display.clone()).filter(|name| !name.is_empty()),
        redirected_from: Some(record.redirected_from.clone()).filter(|from| !from.is_empty()),
        phase: phase_word(record.phase),
        created: record.created.0,
        dialled: at(record.dialled),
        ringing: at(record.ringing),
        answered: at(record.answered),
        joined: at(record.joined),
        ended: at(record.ended),
        cause: record.cause.map(|cause| cause.word()),
        ended_by: record.ended_by.map(side_word),
        agent_id: call.agent.map(|id| id.0),
        agent_name: call.agent.and_then(|id| names.agents.get(&id).cloned()),
        campaign_id: call.campaign.map(|id| id.0),
        recording_id: call.recording.map(|id| id.0),
    }
}

/// A call in the records, as it is shown.
#[must_use]
pub fn recorded(record: &CallRecord, names: &Names) -> Call {
    let call: &NoteCall = &record.call;
    let at = |stamp: Option<Stamp>| stamp.map(|stamp| stamp.0);
    let (incoming, phase) = match (call.kind, call.ended) {
        (CallKind::Inbound | CallKind::Internal, ended) => (true, ended),
        (CallKind::Campaign | CallKind::Outbound | CallKind::Seat, ended) => (false, ended),
    };
    let reached = if call.answered_at.is_some() {
        LegPhase::Answered
    } else if call.ringing_at.is_some() {
        LegPhase::Alerting
    } else {
        LegPhase::Dialing
    };
    let shown = call.caller_id.clone().unwrap_or_default();
    let (called, caller) = match call.kind {
        CallKind::Inbound => (call.called.clone().unwrap_or_default(), call.number.clone()),
        CallKind::Campaign | CallKind::Outbound | CallKind::Internal | CallKind::Seat => {
            (call.number.clone(), shown)
        }
    };
    let trunk = call.trunk.map(Line::Trunk);
    Call {
        id: call.leg.0,
        kind: Some(kind_word(call.kind)),
        attempt_id: call.attempt.map(|id| id.0),
        direction: if incoming { "in" } else { "out" },
        line: names.line(trunk.or(call.account.map(Line::Account))),
        trunk_id: call.trunk.map(|id| id.0),
        phone_id: call.account.map(|id| id.0),
        channel: call.channel.map(|(span, slot)| CallChannel { span: span.0, slot }),
        called,
        caller,
        display: call.display.clone(),
        redirected_from: call.redirected_from.clone(),
        phase: phase_word(phase.map_or(reached, |_| LegPhase::Ended)),
        created: call.created_at.0,
        dialled: at(call.dialled_at),
        ringing: at(call.ringing_at),
        answered: at(call.answered_at),
        joined: at(call.joined_at),
        ended: call.ended.map(|(at, _, _)| at.0),
        cause: call.ended.map(|(_, cause, _)| cause.word()),
        ended_by: call.ended.map(|(_, _, by)| side_word(by)),
        agent_id: call.agent.map(|id| id.0),
        agent_name: call.agent.and_then(|id| names.agents.get(&id).cloned()),
        campaign_id: call.campaign.map(|id| id.0),
        recording_id: call.recording.map(|id| id.0),
    }
}

/// Calls, newest first. With `live=true` those that live now, all at once.
#[utoipa::path(
    get, path = "/api/v1/calls", tag = "records", params(RecordsAsked),
    responses((status = 200, body = Listed<Call>))
)]
pub async fn list(
    State(front): State<Front>,
    who: Who,
    Asked(asked): Asked<RecordsAsked>,
) -> Result<Json<Listed<Call>>, Problem> {
    let filter = asked.filter(&front, &who)?;
    let part = asked.part();
    let (page, rows) = (part.page()?, part.rows());
    let (live, tenant, wanted) = (front.live(), who.tenant, asked.live);
    let (items, last) = front
        .read_box(move |view| {
            let names = Names::read(view, view.tenant(tenant))?;
            if wanted == Some(true) {
                return Ok((living_of(&live, tenant, &filter, &names), None));
            }
            let found = view.tenant(tenant).calls(&filter, page)?;
            let last = found.last().map(CallRecord::cursor).filter(|_| found.len() >= rows);
            let over = |record: &&CallRecord| wanted.is_none() || record.call.ended.is_some();
            let shown = found.iter().filter(over).map(|record| recorded(record, &names));
            Ok((shown.collect::<Vec<_>>(), last))
        })
        .await?;
    // A part may hold fewer than asked for when those that live are left out; its cursor stands.
    let least = items.len().min(rows);
    Ok(Listed::part(items, least, last))
}

fn living_of(
    live: &Live,
    tenant: call::TenantId,
    filter: &store::Filter,
    names: &Names,
) -> Vec<Call> {
    let mine = live.calls.values().filter(|call| {
        call.tenant == tenant
            && filter.campaign.is_none_or(|wanted| call.campaign == Some(wanted))
            && filter.agent.is_none_or(|wanted| call.agent == Some(wanted))
            && filter.number.as_ref().is_none_or(|wanted| of_number(call, wanted.as_str()))
            && filter.from.is_none_or(|from| call.record.created >= from)
            && filter.until.is_none_or(|until| call.record.created < until)
            && filter.recorded.is_none_or(|wanted| call.recording.is_some() == wanted)
    });
    let mut calls: Vec<Call> = mine.map(|call| living(call, names)).collect();
    let wanted = filter.kind.map(kind_word);
    calls.retain(|call| wanted.is_none() || call.kind == wanted);
    calls.sort_by_key(|call| core::cmp::Reverse(call.created));
    calls
}

/// Whether the other party of a call that lives has this number.
fn of_number(call: &CallView, number: &str) -> bool {
    match call.record.direction {
        Direction::In => call.record.caller == number,
        Direction::Out => call.record.called == number,
    }
}

/// The call of a leg, living or in the records, with whose it is.
///
/// # Errors
/// What the store says.
pub fn of_leg(
    view: BoxView<'_>,
    live: &Live,
    leg: LegId,
) -> store::Result<Option<(call::TenantId, Call)>> {
    if let Some(call) = live.calls.get(&leg) {
        let names = Names::read(view, view.tenant(call.tenant))?;
        return Ok(Some((call.tenant, living(call, &names))));
    }
    for tenant in view.tenants()? {
        let rows = view.tenant(tenant.id);
        if let Some(record) = rows.call_of_leg(leg)? {
            return Ok(Some((tenant.id, recorded(&record, &Names::read(view, rows)?))));
        }
    }
    Ok(None)
}
