//! Call records: one row for every leg that ever carried or sought a call, campaign or not.

use call::{
    AccountId, AgentId, AttemptId, CampaignId, Cause, LegId, RecordingId, Side, SpanId, Stamp,
    TrunkId,
};
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::chain::{Event, Personal};
use crate::error::Result;
use crate::job::Applied;
use crate::page::{Cursor, Filter, Page};
use crate::scope::{Edit, Filtered, View, tenant_sql};
use crate::words::{cause, hung_up_by, serde_of, serde_word, side_word, stamp, word};

/// What a call was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// To a lead.
    Campaign,
    /// Out, by somebody's hand.
    Outbound,
    /// From outside.
    Inbound,
    /// Between two phones of the box.
    Internal,
    /// To an agent's phone, to seat the agent.
    Seat,
}

/// What became known about a call. The first note of a leg needs `kind` and `number`; later ones
/// fill what is still empty, and never rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteCall {
    /// The leg; its key for ever.
    pub leg: LegId,
    /// What it is for.
    pub kind: CallKind,
    /// The other party, as the network said it.
    pub number: String,
    /// The number shown to the other party.
    pub caller_id: Option<String>,
    /// Of which attempt.
    pub attempt: Option<AttemptId>,
    /// Of which campaign.
    pub campaign: Option<CampaignId>,
    /// With which agent.
    pub agent: Option<AgentId>,
    /// At which phone.
    pub account: Option<AccountId>,
    /// Over which trunk.
    pub trunk: Option<TrunkId>,
    /// On which channel of a span.
    pub channel: Option<(SpanId, u8)>,
    /// The number of ours that was called, on a call from outside.
    pub called: Option<String>,
    /// The name that the caller's network sent.
    pub display: Option<String>,
    /// The number that the caller wanted before the call was sent on to us.
    pub redirected_from: Option<String>,
    /// With which recording.
    pub recording: Option<RecordingId>,
    /// When the leg began.
    pub created_at: Stamp,
    /// When the INVITE or the first digit went out.
    pub dialled_at: Option<Stamp>,
    /// When it rang.
    pub ringing_at: Option<Stamp>,
    /// When it was answered.
    pub answered_at: Option<Stamp>,
    /// When it was joined with another.
    pub joined_at: Option<Stamp>,
    /// When and why it was over, and who ended it.
    pub ended: Option<(Stamp, Cause, Side)>,
}

impl NoteCall {
    /// A note that says only that a leg exists.
    #[must_use]
    pub fn new(leg: LegId, kind: CallKind, number: impl Into<String>, created_at: Stamp) -> Self {
        NoteCall {
            leg,
            kind,
            number: number.into(),
            caller_id: None,
            attempt: None,
            campaign: None,
            agent: None,
            account: None,
            trunk: None,
            channel: None,
            called: None,
            display: None,
            redirected_from: None,
            recording: None,
            created_at,
            dialled_at: None,
            ringing_at: None,
            answered_at: None,
            joined_at: None,
            ended: None,
        }
    }
}

/// A call as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Its row.
    pub id: i64,
    /// What is known.
    pub call: NoteCall,
}

impl CallRecord {
    /// Where a following page begins.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.call.created_at, id: self.id }
    }
}

impl View<'_> {
    /// Calls, newest first. The filter's outcome narrows nothing here.
    ///
    /// # Errors
    /// [`crate::Error::TooSlow`] when the filters leave too much to look through.
    pub fn calls(&self, filter: &Filter, page: Page) -> Result<Vec<CallRecord>> {
        let mut query =
            Filtered::from(tenant_sql!("SELECT * FROM calls WHERE tenant_id = :tenant"));
        query.and("campaign_id = :campaign", ":campaign", filter.campaign.map(|c| c.0));
        query.and("agent_id = :agent", ":agent", filter.agent.map(|a| a.0));
        let number = filter.number.as_ref().map(|n| n.as_str().to_owned());
        query.and("number = :number", ":number", number);
        query.and("created_at >= :from", ":from", filter.from.map(|s| s.0));
        query.and("created_at < :until", ":until", filter.until.map(|s| s.0));
        query.and("(recording_id IS NOT NULL) = :recorded", ":recorded", filter.recorded);
        let kind = filter.kind.map(|kind| serde_word(&kind)).transpose()?;
        query.and("kind = :kind", ":kind", kind);
        if let Some(before) = page.before {
            query.clause(" AND (created_at, id) < (:before_at, :before_id)");
            query.bind(":before_at", before.at.0);
            query.bind(":before_id", before.id);
        }
        query.clause(" ORDER BY created_at DESC, id DESC LIMIT :rows");
        query.bind(":rows", page.limit());
        self.filtered(&query, read)
    }

    /// The call of a leg.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn call_of_leg(&self, leg: LegId) -> Result<Option<CallRecord>> {
        let sql = tenant_sql!("SELECT * FROM calls WHERE tenant_id = :tenant AND leg = :leg");
        self.row(sql, &[(":leg", &leg.0.cast_signed())], read)
    }

    /// Calls without an end: after a restart, to be reconciled with the legs of switchd.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn calls_open(&self) -> Result<Vec<CallRecord>> {
        let sql = tenant_sql!(
            "SELECT * FROM calls INDEXED BY calls_open
             WHERE tenant_id = :tenant AND ended_at IS NULL ORDER BY id"
        );
        self.rows(sql, &[], read)
    }
}

fn read(row: &Row<'_>) -> Result<CallRecord> {
    let id = |column: &str| row.get::<_, Option<i64>>(column);
    let ended = match (stamp(row, "ended_at")?, cause(row)?, hung_up_by(row)?) {
        (Some(at), Some(cause), Some(by)) => Some((at, cause, by)),
        (_, _, _) => None,
    };
    Ok(CallRecord {
        id: row.get("id")?,
        call: NoteCall {
            leg: LegId(row.get::<_, i64>("leg")?.cast_unsigned()),
            kind: word(row, "kind", serde_of)?,
            number: row.get("number")?,
            caller_id: row.get("caller_id")?,
            attempt: id("attempt_id")?.map(AttemptId),
            campaign: id("campaign_id")?.map(CampaignId),
            agent: id("agent_id")?.map(AgentId),
            account: id("account_id")?.map(AccountId),
            trunk: id("trunk_id")?.map(TrunkId),
            channel: id("span")?.map(SpanId).zip(row.get("slot")?),
            called: row.get("called")?,
            display: row.get("display")?,
            redirected_from: row.get("redirected_from")?,
            recording: id("recording_id")?.map(RecordingId),
            created_at: Stamp(row.get("created_at")?),
            dialled_at: stamp(row, "dialled_at")?,
            ringing_at: stamp(row, "ringing_at")?,
            answered_at: stamp(row, "answered_at")?,
            joined_at: stamp(row, "joined_at")?,
            ended,
        },
    })
}

/// Makes or fills the row of a leg.
pub(crate) fn note(edit: &mut Edit<'_>, note: &NoteCall) -> Result<Applied> {
    let lead = match note.attempt {
        Some(attempt) => edit.attempt(attempt)?.attempt.lead,
        None => call::LeadId(0),
    };
    let known = edit.call_of_leg(note.leg)?;
    let merged = known.as_ref().map_or_else(|| note.clone(), |old| merge(&old.call, note));
    if known.as_ref().is_some_and(|old| old.call == merged) {
        return Ok(Applied::Unchanged);
    }
    let id = match &known {
        Some(old) => old.id,
        None => insert(edit, &merged)?,
    };
    fill(edit, id, &merged)?;
    let (kind, personal) = match (&known, merged.ended) {
        (None, _) => ("call_begun", Some(Personal { lead, text: &merged.number })),
        (Some(_), None) => ("call_progress", None),
        (Some(_), Some(_)) => ("call_ended", None),
    };
    let payload = json!({
        "leg": merged.leg, "kind": merged.kind, "attempt": merged.attempt, "agent": merged.agent,
        "trunk": merged.trunk, "answered": merged.answered_at, "joined": merged.joined_at,
        "ended": merged.ended.map(|(at, _, _)| at),
        "cause": merged.ended.map(|(_, cause, _)| cause.word()),
    });
    edit.event(Event { kind, row: id, payload, personal })?;
    Ok(Applied::Id(id))
}

fn merge(old: &NoteCall, new: &NoteCall) -> NoteCall {
    NoteCall {
        leg: old.leg,
        kind: old.kind,
        number: old.number.clone(),
        caller_id: old.caller_id.clone().or_else(|| new.caller_id.clone()),
        attempt: old.attempt.or(new.attempt),
        campaign: old.campaign.or(new.campaign),
        agent: old.agent.or(new.agent),
        account: old.account.or(new.account),
        trunk: old.trunk.or(new.trunk),
        // An exchange may put a call on another channel than we asked for.
        channel: new.channel.or(old.channel),
        called: old.called.clone().or_else(|| new.called.clone()),
        display: old.display.clone().or_else(|| new.display.clone()),
        redirected_from: old.redirected_from.clone().or_else(|| new.redirected_from.clone()),
        recording: old.recording.or(new.recording),
        created_at: old.created_at,
        dialled_at: old.dialled_at.or(new.dialled_at),
        ringing_at: old.ringing_at.or(new.ringing_at),
        answered_at: old.answered_at.or(new.answered_at),
        joined_at: old.joined_at.or(new.joined_at),
        ended: old.ended.or(new.ended),
    }
}

fn insert(edit: &Edit<'_>, call: &NoteCall) -> Result<i64> {
    let sql = tenant_sql!(
        "INSERT INTO calls (tenant_id, leg, kind, number, created_at)
         VALUES (:tenant, :leg, :kind, :number, :created_at)"
    );
    edit.insert(
        sql,
        &[
            (":leg", &call.leg.0.cast_signed()),
            (":kind", &serde_word(&call.kind)?),
            (":number", &call.number),
            (":created_at", &call.created_at.0),
        ],
    )
}

fn fill(edit: &Edit<'_>, id: i64, call: &NoteCall) -> Result<()> {
    let sql = tenant_sql!(
        "UPDATE calls SET caller_id = :caller_id, attempt_id = :attempt, campaign_id = :campaign,
           agent_id = :agent, account_id = :account, trunk_id = :trunk, recording_id = :recording,
           span = :span, slot = :slot, called = :called, display = :display,
           redirected_from = :redirected_from,
           dialled_at = :dialled_at, ringing_at = :ringing_at, answered_at = :answered_at,
           joined_at = :joined_at, ended_at = :ended_at, cause = :cause, hung_up_by = :by
         WHERE tenant_id = :tenant AND id = :id"
    );
    edit.run_on(
        "call",
        id,
        sql,
        &[
            (":id", &id),
            (":caller_id", &call.caller_id),
            (":attempt", &call.attempt.map(|a| a.0)),
            (":campaign", &call.campaign.map(|c| c.0)),
            (":agent", &call.agent.map(|a| a.0)),
            (":account", &call.account.map(|a| a.0)),
            (":trunk", &call.trunk.map(|t| t.0)),
            (":span", &call.channel.map(|(span, _)| span.0)),
            (":slot", &call.channel.map(|(_, slot)| slot)),
            (":called", &call.called),
            (":display", &call.display),
            (":redirected_from", &call.redirected_from),
            (":recording", &call.recording.map(|r| r.0)),
            (":dialled_at", &call.dialled_at.map(|s| s.0)),
            (":ringing_at", &call.ringing_at.map(|s| s.0)),
            (":answered_at", &call.answered_at.map(|s| s.0)),
            (":joined_at", &call.joined_at.map(|s| s.0)),
            (":ended_at", &call.ended.map(|(at, _, _)| at.0)),
            (":cause", &call.ended.map(|(_, cause, _)| cause.word())),
            (":by", &call.ended.map(|(_, _, by)| side_word(by))),
        ],
    )
}
