//! Attempts: every try to reach a lead, with all its times.

use axum::Json;
use axum::extract::State;
use call::{AgentId, AttemptId, CampaignId, Stamp};
use dialer::outcome::Outcome;
use serde::{Deserialize, Serialize};
use store::View;
use store::attempts::{AttemptRecord, ERASED_NUMBER};
use store::page::Filter;
use utoipa::{IntoParams, ToSchema};

use super::errors::Problem;
use super::rights::Who;
use super::take::{Asked, Id, Listed, Part};
use super::{Front, calls};

/// One try to reach a lead.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Attempt {
    /// Its id.
    pub id: i64,
    /// Of which campaign.
    pub campaign_id: i64,
    /// Of which lead.
    pub lead_id: i64,
    /// The number; empty: erased.
    pub number: String,
    /// The person's name.
    pub name: String,
    /// The lead was chosen.
    pub created: Option<i64>,
    /// The claim was safe on disk.
    pub claimed: Option<i64>,
    /// The INVITE may have gone out.
    pub dialled: Option<i64>,
    /// The far end rang.
    pub ringing: Option<i64>,
    /// The far end answered.
    pub answered: Option<i64>,
    /// Customer and agent heard each other.
    pub joined: Option<i64>,
    /// It was over.
    pub ended: Option<i64>,
    /// What the line said, a word.
    pub cause: Option<&'static str>,
    /// What came of it, a word; null while it runs.
    pub outcome: Option<&'static str>,
    /// Who ended it: `far`, `peer` (the agent) or `box`.
    pub ended_by: Option<&'static str>,
    /// On which trunk.
    pub trunk_id: Option<i64>,
    /// The number shown.
    pub caller_id: Option<String>,
    /// With which agent.
    pub agent_id: Option<i64>,
    /// Its recording.
    pub recording_id: Option<i64>,
    /// What the agent said, as the agent read it.
    pub disposition: Option<String>,
    /// What that means to the box, a word.
    pub disposition_category: Option<&'static str>,
    /// The agent's note.
    pub note: Option<String>,
}

/// Which attempts, or calls.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordsAsked {
    /// Only of this campaign.
    pub campaign: Option<i64>,
    /// Only with this agent.
    pub agent: Option<i64>,
    /// Only with this outcome (attempts only).
    pub outcome: Option<String>,
    /// Only with this number.
    pub number: Option<String>,
    /// Not before, UTC ms.
    pub from: Option<i64>,
    /// Before, UTC ms.
    pub to: Option<i64>,
    /// With a recording, or without.
    pub recorded: Option<bool>,
    /// Calls only, for this: `campaign`, `outbound`, `inbound`, `internal` or `seat`.
    pub kind: Option<String>,
    /// Calls only: `true`: those that live now; `false`: those that are over.
    pub live: Option<bool>,
    /// At most so many rows.
    pub limit: Option<usize>,
    /// The `next` of the part before.
    pub after: Option<String>,
}

impl RecordsAsked {
    /// As the store reads it, narrowed to what the asker may see.
    ///
    /// # Errors
    /// Names the field that cannot be read.
    pub fn filter(&self, front: &Front, who: &Who) -> Result<Filter, Problem> {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let number = text(&self.number).map(|text| front.plan.read(&text).map(|n| n.number));
        let outcome = text(&self.outcome).map(|word| {
            let words = || Outcome::ALL.iter().map(|o| o.word()).collect::<Vec<_>>().join(", ");
            let known = Outcome::from_word(&word);
            known.ok_or_else(|| Problem::field("outcome", format!("write one of {}", words())))
        });
        let kind = text(&self.kind).map(|word| {
            let known = calls::KINDS.into_iter().find(|kind| calls::kind_word(*kind) == word);
            let words = || calls::KINDS.map(calls::kind_word).join(", ");
            known.ok_or_else(|| Problem::field("kind", format!("write one of {}", words())))
        });
        Ok(Filter {
            campaign: self.campaign.map(CampaignId),
            agent: who.only_own().or(self.agent.map(AgentId)),
            number: number.transpose()?,
            from: self.from.map(Stamp),
            until: self.to.map(Stamp),
            recorded: self.recorded,
            outcome: outcome.transpose()?,
            kind: kind.transpose()?,
        })
    }

    /// Which part.
    #[must_use]
    pub fn part(&self) -> Part {
        Part { limit: self.limit, after: self.after.clone() }
    }
}

/// An attempt as it is shown.
///
/// # Errors
/// What the store says.
pub fn shown(rows: View<'_>, record: &AttemptRecord) -> store::Result<Attempt> {
    let attempt = &record.attempt;
    let (times, end) = (attempt.times, attempt.end);
    let at = |stamp: Option<Stamp>| stamp.map(|stamp| stamp.0);
    let number = attempt.number.as_str();
    Ok(Attempt {
        id: attempt.id.0,
        campaign_id: attempt.campaign.0,
        lead_id: attempt.lead.0,
        number: if number == ERASED_NUMBER { String::new() } else { number.to_owned() },
        name: rows.lead(attempt.lead)?.name,
        created: at(times.created),
        claimed: at(times.claimed),
        dialled: at(times.dialled),
        ringing: at(times.ringing),
        answered: at(times.answered),
        joined: at(times.joined),
        ended: at(times.ended),
        cause: end.map(|end| end.cause.word()),
        outcome: end.map(|end| end.outcome.word()),
        ended_by: end.map(|end| side_word(end.by)),
        trunk_id: attempt.trunk.map(|trunk| trunk.0),
        caller_id: attempt.caller.as_ref().map(|caller| caller.as_str().to_owned()),
        agent_id: attempt.agent.map(|agent| agent.0),
        recording_id: attempt.recording.map(|recording| recording.0),
        disposition: record.disposition.as_ref().map(|(_, label)| label.clone()),
        disposition_category: record.disposition.as_ref().map(|(category, _)| category.word()),
        note: record.note.clone().filter(|note| !note.is_empty()),
    })
}

/// The word of a side.
#[must_use]
pub const fn side_word(side: call::Side) -> &'static str {
    match side {
        call::Side::Far => "far",
        call::Side::Peer => "peer",
        call::Side::Box => "box",
    }
}

/// Attempts, newest first.
#[utoipa::path(
    get, path = "/api/v1/attempts", tag = "records", params(RecordsAsked),
    responses((status = 200, body = Listed<Attempt>))
)]
pub async fn list(
    State(front): State<Front>,
    who: Who,
    Asked(asked): Asked<RecordsAsked>,
) -> Result<Json<Listed<Attempt>>, Problem> {
    let filter = asked.filter(&front, &who)?;
    let part = asked.part();
    let (page, rows) = (part.page()?, part.rows());
    let (items, last) = front
        .read(&who, move |view| {
            let found = view.attempts(&filter, page)?;
            let last = found.last().map(AttemptRecord::cursor);
            let items: Vec<Attempt> =
                found.iter().map(|record| shown(view, record)).collect::<Result<_, _>>()?;
            Ok((items, last))
        })
        .await?;
    Ok(Listed::part(items, rows, last))
}

/// One attempt.
#[utoipa::path(
    get, path = "/api/v1/attempts/{id}", tag = "records", params(("id" = i64, Path)),
    responses((status = 200, body = Attempt))
)]
pub async fn one(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<Attempt>, Problem> {
    let read = move |rows: View<'_>| shown(rows, &rows.attempt(AttemptId(id))?);
    let attempt = front.read(&who, read).await?;
    if !who.may_see_row_of(attempt.agent_id.map(AgentId)) {
        return Err(Problem::NotFound { what: "attempt", id });
    }
    Ok(Json(attempt))
}
