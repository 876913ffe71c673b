//! Attempts: claimed before the first digit goes out, filled as the call goes, ended once.

use call::{
    AgentId, AttemptId, CampaignId, Cause, Epoch, LeadId, LegId, RecordingId, Side, Stamp,
    TenantId, TrunkId,
};
use dialer::attempt::{Attempt, Ended, Moment, Times};
use dialer::lead::{self, Over, Refused};
use dialer::outcome::{Category, Outcome};
use rusqlite::Row;
use serde_json::{Map, json};

use crate::chain::{Event, Personal};
use crate::error::{Error, Result};
use crate::job::{Applied, Progress};
use crate::leads::{self, LeadRecord};
use crate::limits::CLAIM_LEADS_MAX;
use crate::page::{Cursor, Filter, Page};
use crate::scope::{Edit, Filtered, View, tenant_sql};
use crate::words::{cause, hung_up_by, number_or_none, serde_word, side_word, stamp, word_or_none};

/// An attempt as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The attempt. After erasure its number is [`ERASED_NUMBER`].
    pub attempt: Attempt,
    /// The epoch of the centerd that claimed it.
    pub epoch: Epoch,
    /// What the agent said, with the label as it was then.
    pub disposition: Option<(Category, String)>,
    /// The agent's note.
    pub note: Option<String>,
    /// When the agent said it.
    pub disposed_at: Option<Stamp>,
}

impl AttemptRecord {
    /// Where a following page begins.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let at = self.attempt.times.claimed.unwrap_or_default();
        Cursor { at, id: self.attempt.id.0 }
    }
}

impl View<'_> {
    /// One attempt.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another tenant's.
    pub fn attempt(&self, id: AttemptId) -> Result<AttemptRecord> {
        let sql = tenant_sql!("SELECT * FROM attempts WHERE tenant_id = :tenant AND id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "attempt", id: id.0 })
    }

    /// Attempts, newest claim first.
    ///
    /// # Errors
    /// [`Error::TooSlow`] when the filters leave too much to look through.
    pub fn attempts(&self, filter: &Filter, page: Page) -> Result<Vec<AttemptRecord>> {
        let mut query =
            Filtered::from(tenant_sql!("SELECT * FROM attempts WHERE tenant_id = :tenant"));
        query.and("campaign_id = :campaign", ":campaign", filter.campaign.map(|c| c.0));
        query.and("agent_id = :agent", ":agent", filter.agent.map(|a| a.0));
        let number = filter.number.as_ref().map(|n| n.as_str().to_owned());
        query.and("number = :number", ":number", number);
        query.and("outcome = :outcome", ":outcome", filter.outcome.map(|o| o.word().to_owned()));
        query.and("claimed_at >= :from", ":from", filter.from.map(|s| s.0));
        query.and("claimed_at < :until", ":until", filter.until.map(|s| s.0));
        query.and("(recording_id IS NOT NULL) = :recorded", ":recorded", filter.recorded);
        if let Some(before) = page.before {
            query.clause(" AND (claimed_at, id) < (:before_at, :before_id)");
            query.bind(":before_at", before.at.0);
            query.bind(":before_id", before.id);
        }
        query.clause(" ORDER BY claimed_at DESC, id DESC LIMIT :rows");
        query.bind(":rows", page.limit());
        self.filtered(&query, read)
    }

    /// Every attempt that has no outcome: after a crash these are to be reconciled with the legs
    /// that switchd still knows; those that it does not know end with [`Cause::Lost`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempts_in_flight(&self) -> Result<Vec<AttemptRecord>> {
        let sql = tenant_sql!(
            "SELECT * FROM attempts INDEXED BY attempts_open
             WHERE tenant_id = :tenant AND state != 'ended' ORDER BY id"
        );
        self.rows(sql, &[], read)
    }
}

fn read(row: &Row<'_>) -> Result<AttemptRecord> {
    let outcome = word_or_none(row, "outcome", Outcome::from_word)?;
    let end = match (outcome, cause(row)?, hung_up_by(row)?) {
        (Some(outcome), Some(cause), Some(by)) => Some(Ended { outcome, cause, by }),
        (_, _, _) => None,
    };
    let category = word_or_none(row, "category", Category::from_word)?;
    let label: Option<String> = row.get("label")?;
    Ok(AttemptRecord {
        attempt: Attempt {
            id: AttemptId(row.get("id")?),
            tenant: TenantId(row.get("tenant_id")?),
            campaign: CampaignId(row.get("campaign_id")?),
            lead: LeadId(row.get("lead_id")?),
            number: read_number(row)?,
            trunk: row.get::<_, Option<i64>>("trunk_id")?.map(TrunkId),
            caller: number_or_none(row, "caller_id")?,
            leg: row.get::<_, Option<i64>>("leg")?.map(|leg| LegId(leg.cast_unsigned())),
            agent: row.get::<_, Option<i64>>("agent_id")?.map(AgentId),
            recording: row.get::<_, Option<i64>>("recording_id")?.map(RecordingId),
            times: Times {
                created: stamp(row, "created_at")?,
                claimed: stamp(row, "claimed_at")?,
                dialled: stamp(row, "dialled_at")?,
                ringing: stamp(row, "ringing_at")?,
                answered: stamp(row, "answered_at")?,
                joined: stamp(row, "joined_at")?,
                ended: stamp(row, "ended_at")?,
            },
            end,
        },
        epoch: Epoch(row.get("epoch")?),
        disposition: category.map(|c| (c, label.unwrap_or_default())),
        note: row.get("note")?,
        disposed_at: stamp(row, "disposed_at")?,
    })
}

fn read_number(row: &Row<'_>) -> Result<call::Number> {
    let text: String = row.get("number")?;
    let text = if text.is_empty() { ERASED_NUMBER } else { &text };
    text.parse().map_err(|_| Error::UnknownWord { column: "attempts.number", word: text.into() })
}

/// What stands for a number that has been erased: no exchange knows it.
pub const ERASED_NUMBER: &str = "00";

/// Claims up to `count` leads: those whose time has come first (a callback is a promise), then new
/// ones in the order of the list. Whoever has come on the do-not-call list is finished instead.
pub(crate) fn claim(
    edit: &mut Edit<'_>,
    campaign: CampaignId,
    count: usize,
    epoch: Epoch,
) -> Result<Applied> {
    let rules = edit.retry_rules(campaign)?;
    let count = count.min(CLAIM_LEADS_MAX);
    let mut claimed = Vec::new();
    while claimed.len() < count {
        let wanted = count - claimed.len();
        let found = claimable(edit, campaign, wanted)?;
        if found.is_empty() {
            break;
        }
        for record in &found {
            let mut life = edit.life(record)?;
            let Some(number) = &record.number else {
                return Err(Error::Damaged(format!("{} waits without a number", record.id)));
            };
            if edit.is_dnc(campaign, number)? {
                let _ = life.handle(edit.at(), lead::Event::DoNotCall, &rules);
                leads::write(edit, &life)?;
                continue;
            }
            let mut trial = life;
            let probe = lead::Event::Claim { attempt: AttemptId(0) };
            match trial.handle(edit.at(), probe, &rules) {
                Ok(_) => {}
                Err(Refused::AttemptsUsed) => {
                    leads::write(edit, &trial)?;
                    continue;
                }
                Err(refused) => return Err(Error::Lead(refused)),
            }
            let attempt = insert(edit, record, number, epoch)?;
            life.handle(edit.at(), lead::Event::Claim { attempt: attempt.id }, &rules)?;
            leads::write(edit, &life)?;
            claimed.push(attempt);
        }
    }
    Ok(if claimed.is_empty() { Applied::Unchanged } else { Applied::Claimed(claimed) })
}

fn claimable(edit: &Edit<'_>, campaign: CampaignId, count: usize) -> Result<Vec<LeadRecord>> {
    let rows = |n: usize| i64::try_from(n).unwrap_or(0);
    let due = tenant_sql!(
        "SELECT * FROM leads
         WHERE tenant_id = :tenant AND campaign_id = :campaign AND state = 'due'
           AND state_at <= :now ORDER BY state_at, id LIMIT :rows"
    );
    let now = edit.at().0;
    let mut found = edit.rows(
        due,
        &[(":campaign", &campaign.0), (":now", &now), (":rows", &rows(count))],
        leads::read,
    )?;
    let fresh = tenant_sql!(
        "SELECT * FROM leads
         WHERE tenant_id = :tenant AND campaign_id = :campaign AND state = 'new'
         ORDER BY id LIMIT :rows"
    );
    let left = rows(count - found.len().min(count));
    let params: crate::scope::Params<'_> = &[(":campaign", &campaign.0), (":rows", &left)];
    found.extend(edit.rows(fresh, params, leads::read)?);
    Ok(found)
}

fn insert(
    edit: &mut Edit<'_>,
    record: &LeadRecord,
    number: &call::Number,
    epoch: Epoch,
) -> Result<Attempt> {
    let sql = tenant_sql!(
        "INSERT INTO attempts
           (tenant_id, campaign_id, lead_id, number, state, epoch, created_at, claimed_at)
         VALUES (:tenant, :campaign, :lead, :number, 'claimed', :epoch, :at, :at)"
    );
    let at = edit.at();
    let id = edit.insert(
        sql,
        &[
            (":campaign", &record.campaign.0),
            (":lead", &record.id.0),
            (":number", &number.as_str()),
            (":epoch", &epoch.0),
            (":at", &at.0),
        ],
    )?;
    edit.event(Event {
        kind: "attempt_claimed",
        row: id,
        payload: json!({ "campaign": record.campaign, "lead": record.id, "epoch": epoch }),
        personal: Some(Personal { lead: record.id, text: number.as_str() }),
    })?;
    Ok(Attempt {
        id: AttemptId(id),
        tenant: edit.tenant(),
        campaign: record.campaign,
        lead: record.id,
        number: number.clone(),
        trunk: None,
        caller: None,
        leg: None,
        agent: None,
        recording: None,
        times: Times { created: Some(at), claimed: Some(at), ..Times::default() },
        end: None,
    })
}

/// Fills in what became known. An order to dial is refused when the attempt is already over (a
/// person withdrew the lead meanwhile), so that no digit goes out for it.
pub(crate) fn progress(edit: &mut Edit<'_>, id: AttemptId, progress: &Progress) -> Result<Applied> {
    let mut attempt = edit.attempt(id)?.attempt;
    let dials = progress.moments.iter().any(|(m, _)| *m == Moment::Dialled);
    if attempt.end.is_some() {
        return if dials { Err(Refused::Stale(id).into()) } else { Ok(Applied::Unchanged) };
    }
    let before = attempt.clone();
    for (moment, at) in progress.moments.iter().filter(|(m, _)| *m != Moment::Ended) {
        attempt.times.note(*moment, *at);
    }
    attempt.leg = attempt.leg.or(progress.leg);
    attempt.trunk = progress.trunk.or(attempt.trunk);
    attempt.caller = progress.caller.clone().or(attempt.caller);
    attempt.agent = progress.agent.or(attempt.agent);
    attempt.recording = progress.recording.or(attempt.recording);
    if attempt == before {
        return Ok(Applied::Unchanged);
    }
    if attempt.times.dialled.is_some() && before.times.dialled.is_none() {
        let record = edit.lead(attempt.lead)?;
        leads::handle(edit, &record, lead::Event::Dialled { attempt: id })??;
    }
    write(edit, &attempt)?;
    let mut facts = Map::new();
    for moment in Moment::ALL {
        if let (None, Some(at)) = (before.times.at(moment), attempt.times.at(moment)) {
            facts.insert(serde_word(&moment)?, json!(at));
        }
    }
    facts.insert("trunk".into(), json!(attempt.trunk));
    facts.insert("agent".into(), json!(attempt.agent));
    facts.insert("leg".into(), json!(attempt.leg));
    let payload = facts.into();
    edit.event(Event { kind: "attempt_progress", row: id.0, payload, personal: None })?;
    Ok(Applied::Done)
}

/// Ends an attempt with its one outcome and moves its lead on.
pub(crate) fn end(edit: &mut Edit<'_>, id: AttemptId, cause: Cause, by: Side) -> Result<Applied> {
    let mut attempt = edit.attempt(id)?.attempt;
    if attempt.end.is_some() {
        return Ok(Applied::Unchanged);
    }
    let ended = attempt.end(edit.at(), cause, by);
    let event = if ended.outcome == Outcome::Lost {
        lead::Event::FateHidden { attempt: id }
    } else {
        lead::Event::Ended { attempt: id, outcome: ended.outcome }
    };
    let record = edit.lead(attempt.lead)?;
    leads::handle(edit, &record, event)??;
    write_end(edit, &attempt, ended)?;
    Ok(Applied::Ended(ended))
}

pub(crate) fn give_back(edit: &mut Edit<'_>, id: AttemptId) -> Result<Applied> {
    let attempt = edit.attempt(id)?.attempt;
    if attempt.end.is_some() {
        return Ok(Applied::Unchanged);
    }
    let record = edit.lead(attempt.lead)?;
    match leads::handle(edit, &record, lead::Event::GiveBack { attempt: id })?? {
        Some(over) => cancel(edit, over).map(Applied::Ended),
        None => Ok(Applied::Unchanged),
    }
}

/// Ends the attempt of a claim that the lead itself has given up.
pub(crate) fn cancel(edit: &mut Edit<'_>, over: Over) -> Result<Ended> {
    let mut attempt = edit.attempt(over.attempt)?.attempt;
    let ended = Ended { outcome: over.outcome, cause: Cause::Cancelled, by: Side::Box };
    attempt.times.note(Moment::Ended, edit.at());
    attempt.end = Some(ended);
    write_end(edit, &attempt, ended)?;
    Ok(ended)
}

fn write_end(edit: &mut Edit<'_>, attempt: &Attempt, ended: Ended) -> Result<()> {
    write(edit, attempt)?;
    crate::rollup::count_attempt(edit, attempt, ended)?;
    let payload = json!({
        "outcome": ended.outcome.word(), "cause": ended.cause.word(), "by": side_word(ended.by),
        "ended": attempt.times.ended, "lead": attempt.lead, "campaign": attempt.campaign,
    });
    let row = attempt.id.0;
    edit.event(Event { kind: "attempt_ended", row, payload, personal: None })
}

fn write(edit: &Edit<'_>, attempt: &Attempt) -> Result<()> {
    let times = &attempt.times;
    let state = match (attempt.end, times.dialled) {
        (Some(_), _) => "ended",
        (None, Some(_)) => "dialing",
        (None, None) => "claimed",
    };
    let ms = |moment| times.at(moment).map(|s| s.0);
    let sql = tenant_sql!(
        "UPDATE attempts SET state = :state, leg = :leg, trunk_id = :trunk, caller_id = :caller,
           agent_id = :agent, recording_id = :recording, dialled_at = :dialled,
           ringing_at = :ringing, answered_at = :answered, joined_at = :joined, ended_at = :ended,
           outcome = :outcome, cause = :cause, hung_up_by = :by
         WHERE tenant_id = :tenant AND id = :id"
    );
    edit.run_on(
        "attempt",
        attempt.id.0,
        sql,
        &[
            (":id", &attempt.id.0),
            (":state", &state),
            (":leg", &attempt.leg.map(|l| l.0.cast_signed())),
            (":trunk", &attempt.trunk.map(|t| t.0)),
            (":caller", &attempt.caller.as_ref().map(call::Number::as_str)),
            (":agent", &attempt.agent.map(|a| a.0)),
            (":recording", &attempt.recording.map(|r| r.0)),
            (":dialled", &ms(Moment::Dialled)),
            (":ringing", &ms(Moment::Ringing)),
            (":answered", &ms(Moment::Answered)),
            (":joined", &ms(Moment::Joined)),
            (":ended", &ms(Moment::Ended)),
            (":outcome", &attempt.end.map(|e| e.outcome.word())),
            (":cause", &attempt.end.map(|e| e.cause.word())),
            (":by", &attempt.end.map(|e| side_word(e.by))),
        ],
    )
}

/// What the agent said; the last word holds.
pub(crate) fn dispose(
    edit: &mut Edit<'_>,
    id: AttemptId,
    category: Category,
    said: (&str, &str),
    call_back_at: Option<Stamp>,
) -> Result<Applied> {
    let (label, note) = said;
    let wish = crate::job::wish(category, call_back_at)?;
    let record = edit.attempt(id)?;
    let lead = edit.lead(record.attempt.lead)?;
    leads::handle(edit, &lead, lead::Event::Said { attempt: id, wish })??;
    let sql = tenant_sql!(
        "UPDATE attempts SET category = :category, label = :label, note = :note, disposed_at = :at
         WHERE tenant_id = :tenant AND id = :id"
    );
    edit.run(
        sql,
        &[
            (":id", &id.0),
            (":category", &category.word()),
            (":label", &label),
            (":note", &note),
            (":at", &edit.at().0),
        ],
    )?;
    if record.disposition.is_none() {
        crate::rollup::count_disposition(edit, record.attempt.agent)?;
    }
    let payload = json!({ "category": category.word(), "call_back_at": call_back_at });
    edit.event(Event { kind: "disposition_saved", row: id.0, payload, personal: None })?;
    if let (Category::DoNotCall, Some(number)) = (category, &lead.number) {
        crate::dnc::add(edit, None, number, label)?;
    }
    Ok(Applied::Done)
}
