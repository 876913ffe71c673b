//! Roll-ups: counted in the same transaction as the fact, so a report is a sum over few rows and
//! always agrees with the records.
//!
//! The grain is the UTC hour. A day of any zone whose offset is whole hours is a sum of 24; an
//! attempt counts in the hour of its claim, talk in the hour of its join, and an agent's interval
//! in every hour it touches.

use call::{AgentId, CampaignId, Stamp};
use dialer::attempt::{Attempt, Ended};
use dialer::outcome::Outcome;
use serde::Serialize;

use crate::error::Result;
use crate::scope::{Edit, View, tenant_sql};
use crate::words::{count, word};

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// The attempts of one campaign in one hour that came to one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CampaignHour {
    /// The campaign.
    pub campaign: CampaignId,
    /// The first millisecond of the hour.
    pub hour: Stamp,
    /// What came of them.
    pub outcome: Outcome,
    /// How many.
    pub attempts: u64,
    /// How many of them were answered.
    pub answered: u64,
    /// How many of them were joined with an agent.
    pub joined: u64,
    /// Milliseconds of ringing, together.
    pub ring_ms: u64,
    /// Milliseconds from answer to join, together.
    pub wait_ms: u64,
    /// Milliseconds of talk, together.
    pub talk_ms: u64,
}

/// What one agent did on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentDay {
    /// The agent.
    pub agent: AgentId,
    /// The first millisecond of the day.
    pub day: Stamp,
    /// Talks with customers.
    pub joined: u64,
    /// Milliseconds of them, together.
    pub talk_ms: u64,
    /// Dispositions given.
    pub disposed: u64,
}

/// How long one agent was in one state on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentStateDay {
    /// The agent.
    pub agent: AgentId,
    /// The first millisecond of the day.
    pub day: Stamp,
    /// A word of `dialer::agent::State`.
    pub state: String,
    /// How often it was entered.
    pub entries: u64,
    /// Milliseconds in it.
    pub state_ms: u64,
}

impl View<'_> {
    /// The hours of a campaign (or of all) in `from..until`.
    ///
    /// # Errors
    /// When the database cannot be read in time.
    pub fn campaign_hours(
        &self,
        campaign: Option<CampaignId>,
        from: Stamp,
        until: Stamp,
    ) -> Result<Vec<CampaignHour>> {
        let sql = tenant_sql!(
            "SELECT * FROM rollup_campaign_hour
             WHERE tenant_id = :tenant AND campaign_id BETWEEN :low AND :high
               AND hour >= :from AND hour < :until
             ORDER BY campaign_id, hour, outcome"
        );
        let (low, high) = campaign.map_or((0, i64::MAX), |c| (c.0, c.0));
        let params: crate::scope::Params<'_> =
            &[(":low", &low), (":high", &high), (":from", &from.0), (":until", &until.0)];
        self.rows(sql, params, |row| {
            Ok(CampaignHour {
                campaign: CampaignId(row.get("campaign_id")?),
                hour: Stamp(row.get("hour")?),
                outcome: word(row, "outcome", Outcome::from_word)?,
                attempts: count(row, "attempts")?,
                answered: count(row, "answered")?,
                joined: count(row, "joined")?,
                ring_ms: count(row, "ring_ms")?,
                wait_ms: count(row, "wait_ms")?,
                talk_ms: count(row, "talk_ms")?,
            })
        })
    }

    /// What each agent did on each day of `from..until`; days begin `offset_ms` before UTC's
    /// (28,800,000 in China).
    ///
    /// # Errors
    /// When the database cannot be read in time.
    pub fn agent_days(&self, from: Stamp, until: Stamp, offset_ms: i64) -> Result<Vec<AgentDay>> {
        let sql = tenant_sql!(
            "SELECT agent_id, (hour + :offset) / 86400000 * 86400000 - :offset AS day,
               sum(joined) AS joined, sum(talk_ms) AS talk_ms, sum(disposed) AS disposed
             FROM rollup_agent_calls
             WHERE tenant_id = :tenant AND hour >= :from AND hour < :until
             GROUP BY agent_id, day ORDER BY agent_id, day"
        );
        let params: crate::scope::Params<'_> =
            &[(":from", &from.0), (":until", &until.0), (":offset", &offset_ms)];
        self.rows(sql, params, |row| {
            Ok(AgentDay {
                agent: AgentId(row.get("agent_id")?),
                day: Stamp(row.get("day")?),
                joined: count(row, "joined")?,
                talk_ms: count(row, "talk_ms")?,
                disposed: count(row, "disposed")?,
            })
        })
    }

    /// How long each agent was in each state on each day of `from..until`, as in
    /// [`View::agent_days`]. An interval counts when it is over.
    ///
    /// # Errors
    /// When the database cannot be read in time.
    pub fn agent_state_days(
        &self,
        from: Stamp,
        until: Stamp,
        offset_ms: i64,
    ) -> Result<Vec<AgentStateDay>> {
        let sql = tenant_sql!(
            "SELECT agent_id, (hour + :offset) / 86400000 * 86400000 - :offset AS day, state,
               sum(entries) AS entries, sum(state_ms) AS state_ms
             FROM rollup_agent_hour
             WHERE tenant_id = :tenant AND hour >= :from AND hour < :until
             GROUP BY agent_id, day, state ORDER BY agent_id, day, state"
        );
        let params: crate::scope::Params<'_> =
            &[(":from", &from.0), (":until", &until.0), (":offset", &offset_ms)];
        self.rows(sql, params, |row| {
            Ok(AgentStateDay {
                agent: AgentId(row.get("agent_id")?),
                day: Stamp(row.get("day")?),
                state: row.get("state")?,
                entries: count(row, "entries")?,
                state_ms: count(row, "state_ms")?,
            })
        })
    }
}

fn hour_of(at: Stamp) -> i64 {
    at.0.div_euclid(HOUR_MS) * HOUR_MS
}

pub(crate) fn count_attempt(edit: &Edit<'_>, attempt: &Attempt, ended: Ended) -> Result<()> {
    let times = &attempt.times;
    let sql = tenant_sql!(
        "INSERT INTO rollup_campaign_hour (tenant_id, campaign_id, hour, outcome, attempts,
           answered, joined, ring_ms, wait_ms, talk_ms)
         VALUES (:tenant, :campaign, :hour, :outcome, 1, :answered, :joined, :ring, :wait, :talk)
         ON CONFLICT DO UPDATE SET attempts = attempts + 1, answered = answered + :answered,
           joined = joined + :joined, ring_ms = ring_ms + :ring, wait_ms = wait_ms + :wait,
           talk_ms = talk_ms + :talk"
    );
    edit.run(
        sql,
        &[
            (":campaign", &attempt.campaign.0),
            (":hour", &hour_of(times.claimed.unwrap_or_default())),
            (":outcome", &ended.outcome.word()),
            (":answered", &times.answered.is_some()),
            (":joined", &times.joined.is_some()),
            (":ring", &times.ring_ms().unwrap_or(0)),
            (":wait", &times.wait_ms().unwrap_or(0)),
            (":talk", &times.talk_ms().unwrap_or(0)),
        ],
    )?;
    let (Some(agent), Some(joined)) = (attempt.agent, times.joined) else { return Ok(()) };
    let sql = tenant_sql!(
        "INSERT INTO rollup_agent_calls (tenant_id, agent_id, hour, joined, talk_ms)
         VALUES (:tenant, :agent, :hour, 1, :talk)
         ON CONFLICT DO UPDATE SET joined = joined + 1, talk_ms = talk_ms + :talk"
    );
    edit.run(
        sql,
        &[
            (":agent", &agent.0),
            (":hour", &hour_of(joined)),
            (":talk", &times.talk_ms().unwrap_or(0)),
        ],
    )?;
    Ok(())
}

pub(crate) fn count_disposition(edit: &Edit<'_>, agent: Option<AgentId>) -> Result<()> {
    let Some(agent) = agent else { return Ok(()) };
    let sql = tenant_sql!(
        "INSERT INTO rollup_agent_calls (tenant_id, agent_id, hour, disposed)
         VALUES (:tenant, :agent, :hour, 1)
         ON CONFLICT DO UPDATE SET disposed = disposed + 1"
    );
    edit.run(sql, &[(":agent", &agent.0), (":hour", &hour_of(edit.at()))])?;
    Ok(())
}

/// Lays an interval over the hours it touches, at most a year of them: a clock that jumps from
/// 1970 to today must not write half a million rows.
pub(crate) fn count_state(
    edit: &Edit<'_>,
    agent: AgentId,
    state: &str,
    from: Stamp,
    until: Stamp,
) -> Result<()> {
    const HOURS_MAX: i64 = 366 * 24;
    let sql = tenant_sql!(
        "INSERT INTO rollup_agent_hour (tenant_id, agent_id, hour, state, entries, state_ms)
         VALUES (:tenant, :agent, :hour, :state, :entries, :ms)
         ON CONFLICT DO UPDATE SET entries = entries + :entries, state_ms = state_ms + :ms"
    );
    let from = Stamp(from.0.max(until.0.saturating_sub(HOURS_MAX * HOUR_MS)));
    let mut begin = from;
    loop {
        let end = until.min(Stamp(hour_of(begin) + HOUR_MS));
        edit.run(
            sql,
            &[
                (":agent", &agent.0),
                (":hour", &hour_of(begin)),
                (":state", &state),
                (":entries", &(begin == from)),
                (":ms", &end.since_ms(begin)),
            ],
        )?;
        if end >= until {
            return Ok(());
        }
        begin = end;
    }
}
