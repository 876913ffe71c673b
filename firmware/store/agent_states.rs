//! What an agent was doing, interval by interval, without a gap from sign-in to sign-out.

use call::{AgentId, AttemptId, CampaignId, Stamp};
use rusqlite::Row;
use serde::Serialize;
use serde_json::json;

use crate::chain::Event;
use crate::error::Result;
use crate::job::Applied;
use crate::scope::{Edit, View, tenant_sql};
use crate::words::stamp;

/// An agent came into a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentState {
    /// Who.
    pub agent: AgentId,
    /// A word of `dialer::agent::State`.
    pub state: &'static str,
    /// Of a pause: why.
    pub reason: Option<String>,
    /// In which campaign.
    pub campaign: Option<CampaignId>,
    /// With which attempt.
    pub attempt: Option<AttemptId>,
}

/// One interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentInterval {
    /// Who.
    pub agent: AgentId,
    /// In which state.
    pub state: String,
    /// Of a pause: why.
    pub reason: Option<String>,
    /// In which campaign.
    pub campaign: Option<CampaignId>,
    /// With which attempt.
    pub attempt: Option<AttemptId>,
    /// From when.
    pub started_at: Stamp,
    /// Until when; `None`: still.
    pub ended_at: Option<Stamp>,
}

impl View<'_> {
    /// The intervals of an agent that touch `from..until`, in order.
    ///
    /// # Errors
    /// When the database cannot be read in time.
    pub fn agent_intervals(
        &self,
        agent: AgentId,
        from: Stamp,
        until: Stamp,
    ) -> Result<Vec<AgentInterval>> {
        let sql = tenant_sql!(
            "SELECT * FROM agent_state_log
             WHERE tenant_id = :tenant AND agent_id = :agent AND started_at < :until
               AND (ended_at IS NULL OR ended_at > :from)
             ORDER BY started_at, id"
        );
        self.rows(sql, &[(":agent", &agent.0), (":from", &from.0), (":until", &until.0)], read)
    }

    /// The open interval of every agent: what each is doing now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agent_states_now(&self) -> Result<Vec<AgentInterval>> {
        let sql = tenant_sql!(
            "SELECT * FROM agent_state_log WHERE tenant_id = :tenant AND ended_at IS NULL
             ORDER BY agent_id"
        );
        self.rows(sql, &[], read)
    }
}

fn read(row: &Row<'_>) -> Result<AgentInterval> {
    Ok(AgentInterval {
        agent: AgentId(row.get("agent_id")?),
        state: row.get("state")?,
        reason: row.get("reason")?,
        campaign: row.get::<_, Option<i64>>("campaign_id")?.map(CampaignId),
        attempt: row.get::<_, Option<i64>>("attempt_id")?.map(AttemptId),
        started_at: Stamp(row.get("started_at")?),
        ended_at: stamp(row, "ended_at")?,
    })
}

/// Ends the open interval and begins the next. A clock that was set back makes the old one empty,
/// never negative.
pub(crate) fn change(edit: &mut Edit<'_>, next: &AgentState) -> Result<Applied> {
    let open = tenant_sql!(
        "SELECT * FROM agent_state_log
         WHERE tenant_id = :tenant AND agent_id = :agent AND ended_at IS NULL"
    );
    let old = edit.row(open, &[(":agent", &next.agent.0)], read)?;
    let at = old.as_ref().map_or(edit.at(), |old| edit.at().max(old.started_at));
    if let Some(old) = &old {
        let same = old.state == next.state
            && old.reason == next.reason
            && old.campaign == next.campaign
            && old.attempt == next.attempt;
        if same {
            return Ok(Applied::Unchanged);
        }
        let close = tenant_sql!(
            "UPDATE agent_state_log SET ended_at = :at
             WHERE tenant_id = :tenant AND agent_id = :agent AND ended_at IS NULL"
        );
        edit.run(close, &[(":agent", &next.agent.0), (":at", &at.0)])?;
        crate::rollup::count_state(edit, next.agent, &old.state, old.started_at, at)?;
    }
    let insert = tenant_sql!(
        "INSERT INTO agent_state_log
           (tenant_id, agent_id, state, reason, campaign_id, attempt_id, started_at)
         VALUES (:tenant, :agent, :state, :reason, :campaign, :attempt, :at)"
    );
    edit.insert(
        insert,
        &[
            (":agent", &next.agent.0),
            (":state", &next.state),
            (":reason", &next.reason),
            (":campaign", &next.campaign.map(|c| c.0)),
            (":attempt", &next.attempt.map(|a| a.0)),
            (":at", &at.0),
        ],
    )?;
    let payload = json!({
        "state": next.state, "reason": next.reason, "campaign": next.campaign,
        "attempt": next.attempt,
    });
    edit.event(Event { kind: "agent_state", row: next.agent.0, payload, personal: None })?;
    Ok(Applied::Done)
}
