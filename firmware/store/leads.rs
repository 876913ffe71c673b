//! Leads: the rows of the machine in `dialer::lead`, which alone decides what happens to one.

use call::{AttemptId, CampaignId, LeadId, Number, Stamp};
use dialer::lead::{self, Lead, Over, Reason, Row as LeadRow, State};
use dialer::outcome::Outcome;
use rusqlite::Row;
use serde::Serialize;
use serde_json::{Value, json};

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::{Applied, BatchId};
use crate::page::Page;
use crate::scope::{Edit, Filtered, View, tenant_sql};
use crate::words::{count, json as json_column, number_or_none, to_json, word, word_or_none};

/// A lead with everything that is known about the person.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadRecord {
    /// Its id.
    pub id: LeadId,
    /// In which campaign.
    pub campaign: CampaignId,
    /// From which file.
    pub batch: Option<BatchId>,
    /// The number to dial; `None` after erasure.
    pub number: Option<Number>,
    /// The number as it was written in the file.
    pub raw: String,
    /// The person's name.
    pub name: String,
    /// The other columns of the file: a JSON object.
    pub fields: Value,
    /// Its life.
    pub life: LeadRow,
    /// When it came into the list.
    pub created_at: Stamp,
}

/// What a list of leads is narrowed to. Empty fields narrow nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadFilter {
    /// In this state: a word of `dialer::lead::State`.
    pub state: Option<&'static str>,
    /// Finished for this reason.
    pub reason: Option<Reason>,
    /// From this file.
    pub batch: Option<BatchId>,
    /// With this number, whole.
    pub number: Option<Number>,
}

/// How many leads of a campaign are where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeadCount {
    /// A word of `dialer::lead::State`.
    pub state: String,
    /// The reason's word, when finished.
    pub reason: Option<String>,
    /// How many.
    pub leads: u64,
}

impl View<'_> {
    /// One lead.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another tenant's.
    pub fn lead(&self, id: LeadId) -> Result<LeadRecord> {
        let sql = tenant_sql!("SELECT * FROM leads WHERE tenant_id = :tenant AND id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "lead", id: id.0 })
    }

    /// Leads of a campaign, newest first. Of the page's cursor only the id counts.
    ///
    /// # Errors
    /// When the database cannot be read in time.
    pub fn leads(
        &self,
        campaign: CampaignId,
        filter: &LeadFilter,
        page: Page,
    ) -> Result<Vec<LeadRecord>> {
        let mut query = Filtered::from(tenant_sql!(
            "SELECT * FROM leads WHERE tenant_id = :tenant AND campaign_id = :campaign"
        ));
        query.bind(":campaign", campaign.0);
        query.and("state = :state", ":state", filter.state.map(str::to_owned));
        query.and("reason = :reason", ":reason", filter.reason.map(|r| r.word().to_owned()));
        query.and("batch_id = :batch", ":batch", filter.batch.map(|b| b.0));
        let number = filter.number.as_ref().map(|n| n.as_str().to_owned());
        query.and("number = :number", ":number", number);
        query.and("id < :before", ":before", page.before.map(|c| c.id));
        query.clause(" ORDER BY id DESC LIMIT :rows");
        query.bind(":rows", page.limit());
        self.filtered(&query, read)
    }

    /// How many leads of a campaign are in which state.
    ///
    /// # Errors
    /// When the database cannot be read in time.
    pub fn lead_counts(&self, campaign: CampaignId) -> Result<Vec<LeadCount>> {
        let sql = tenant_sql!(
            "SELECT state, reason, count(*) AS leads FROM leads
             WHERE tenant_id = :tenant AND campaign_id = :campaign
             GROUP BY state, reason ORDER BY state, reason"
        );
        self.rows(sql, &[(":campaign", &campaign.0)], |row| {
            Ok(LeadCount {
                state: row.get("state")?,
                reason: row.get("reason")?,
                leads: count(row, "leads")?,
            })
        })
    }

    /// When the next lead of a campaign is due: `Some(0)` when one is new, `None` when none waits.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_due(&self, campaign: CampaignId) -> Result<Option<Stamp>> {
        let fresh = tenant_sql!(
            "SELECT 1 FROM leads
             WHERE tenant_id = :tenant AND campaign_id = :campaign AND state = 'new' LIMIT 1"
        );
        if self.row(fresh, &[(":campaign", &campaign.0)], |_| Ok(()))?.is_some() {
            return Ok(Some(Stamp(0)));
        }
        let due = tenant_sql!(
            "SELECT state_at FROM leads
             WHERE tenant_id = :tenant AND campaign_id = :campaign AND state = 'due'
             ORDER BY state_at, id LIMIT 1"
        );
        self.row(due, &[(":campaign", &campaign.0)], |row| Ok(Stamp(row.get(0)?)))
    }

    /// The machine of a stored lead.
    pub(crate) fn life(&self, record: &LeadRecord) -> Result<Lead> {
        Lead::restore(record.id, record.life).map_err(|e| Error::Damaged(e.to_string()))
    }
}

pub(crate) fn read(row: &Row<'_>) -> Result<LeadRecord> {
    let attempt = row.get::<_, Option<i64>>("attempt_id")?.map(AttemptId);
    let wish: Option<String> = row.get("wish")?;
    Ok(LeadRecord {
        id: LeadId(row.get("id")?),
        campaign: CampaignId(row.get("campaign_id")?),
        batch: row.get::<_, Option<i64>>("batch_id")?.map(BatchId),
        number: number_or_none(row, "number")?,
        raw: row.get("raw")?,
        name: row.get("name")?,
        fields: json_column(row, "fields")?,
        life: LeadRow {
            state: read_state(row, attempt)?,
            attempt,
            dialled: row.get("dialled")?,
            granted: row.get("granted")?,
            last_outcome: word_or_none(row, "last_outcome", Outcome::from_word)?,
            wish: wish.map(|_| json_column(row, "wish")).transpose()?,
        },
        created_at: Stamp(row.get("created_at")?),
    })
}

fn read_state(row: &Row<'_>, attempt: Option<AttemptId>) -> Result<State> {
    let at = Stamp(row.get::<_, Option<i64>>("state_at")?.unwrap_or_default());
    let text: String = row.get("state")?;
    let attempt = attempt.unwrap_or_default();
    match text.as_str() {
        "new" => Ok(State::New),
        "due" => Ok(State::Due { at }),
        "claimed" => Ok(State::Claimed { attempt, at }),
        "dialing" => Ok(State::Dialing { attempt, at }),
        "finished" => Ok(State::Finished { reason: word(row, "reason", Reason::from_word)?, at }),
        _ => Err(Error::UnknownWord { column: "leads.state", word: text }),
    }
}

/// Writes a lead's life and says so in the chain.
pub(crate) fn write(edit: &mut Edit<'_>, lead: &Lead) -> Result<()> {
    let row = lead.row();
    let (state_at, reason) = match row.state {
        State::New => (None, None),
        State::Due { at } | State::Claimed { at, .. } | State::Dialing { at, .. } => {
            (Some(at.0), None)
        }
        State::Finished { reason, at } => (Some(at.0), Some(reason.word())),
    };
    let outcome = row.last_outcome.map(Outcome::word);
    let sql = tenant_sql!(
        "UPDATE leads SET state = :state, state_at = :state_at, reason = :reason,
           attempt_id = :attempt, dialled = :dialled, granted = :granted,
           last_outcome = :outcome, wish = :wish
         WHERE tenant_id = :tenant AND id = :id"
    );
    edit.run_on(
        "lead",
        lead.id().0,
        sql,
        &[
            (":id", &lead.id().0),
            (":state", &row.state.word()),
            (":state_at", &state_at),
            (":reason", &reason),
            (":attempt", &row.attempt.map(|a| a.0)),
            (":dialled", &row.dialled),
            (":granted", &row.granted),
            (":outcome", &outcome),
            (":wish", &row.wish.as_ref().map(to_json).transpose()?),
        ],
    )?;
    let payload = json!({
        "state": row.state.word(), "at": state_at, "reason": reason, "dialled": row.dialled,
        "attempt": row.attempt,
    });
    edit.event(Event { kind: "lead_state", row: lead.id().0, payload, personal: None })
}

/// Gives a lead one event of the machine and writes what became of it. A lead that refuses because
/// its attempts are used has changed too, and is written before the refusal is told.
pub(crate) fn handle(
    edit: &mut Edit<'_>,
    record: &LeadRecord,
    event: lead::Event,
) -> Result<core::result::Result<Option<Over>, lead::Refused>> {
    let rules = edit.retry_rules(record.campaign)?;
    let mut life = edit.life(record)?;
    let before = *life.row();
    let answer = life.handle(edit.at(), event, &rules);
    if *life.row() != before {
        write(edit, &life)?;
    }
    Ok(answer)
}

pub(crate) fn withdraw(edit: &mut Edit<'_>, id: LeadId) -> Result<Applied> {
    stop(edit, id, lead::Event::Withdraw)?;
    Ok(Applied::Done)
}

/// Takes a lead out of its list; a claim that has not gone out ends with it.
pub(crate) fn stop(edit: &mut Edit<'_>, id: LeadId, event: lead::Event) -> Result<()> {
    let record = edit.lead(id)?;
    if let Some(over) = handle(edit, &record, event)?? {
        crate::attempts::cancel(edit, over)?;
    }
    Ok(())
}

pub(crate) fn reopen(edit: &mut Edit<'_>, id: LeadId) -> Result<Applied> {
    let record = edit.lead(id)?;
    handle(edit, &record, lead::Event::Reopen)??;
    Ok(Applied::Done)
}

/// Erases what is personal: also the raw rows of files in which the number was refused or met again,
/// and calls of the same number outside the campaign. The lead's life, its attempts' times, the
/// do-not-call list and the chain stay. Scans, because it is rare.
pub(crate) fn erase(edit: &mut Edit<'_>, id: LeadId) -> Result<Applied> {
    stop(edit, id, lead::Event::Withdraw)?;
    let record = edit.lead(id)?;
    if let Some(attempt) = edit.life(&record)?.in_flight() {
        return Err(Error::Lead(lead::Refused::InFlight(attempt)));
    }
    let Some(number) = &record.number else { return Ok(Applied::Unchanged) };
    let number = number.as_str();
    edit.run(
        tenant_sql!(
            "UPDATE leads SET number = NULL, raw = '', name = '', fields = '{}'
             WHERE tenant_id = :tenant AND id = :id"
        ),
        &[(":id", &id.0)],
    )?;
    edit.run(
        tenant_sql!(
            "UPDATE import_rows SET raw = '' WHERE tenant_id = :tenant AND batch_id IN
               (SELECT id FROM lead_batches WHERE tenant_id = :tenant AND campaign_id = :campaign)
               AND (instr(raw, :number) OR (:raw != '' AND instr(raw, :raw)))"
        ),
        &[(":campaign", &record.campaign.0), (":number", &number), (":raw", &record.raw)],
    )?;
    edit.run(
        tenant_sql!(
            "UPDATE calls SET number = '', display = NULL, redirected_from = NULL
             WHERE tenant_id = :tenant AND number = :number"
        ),
        &[(":number", &number)],
    )?;
    edit.run(
        tenant_sql!(
            "UPDATE attempts SET number = '', note = NULL
             WHERE tenant_id = :tenant AND lead_id = :id"
        ),
        &[(":id", &id.0)],
    )?;
    edit.run(
        tenant_sql!(
            "DELETE FROM event_personal
             WHERE tenant_id = :tenant AND (lead_id = :id OR text = :number)"
        ),
        &[(":id", &id.0), (":number", &number)],
    )?;
    edit.event(Event { kind: "lead_erased", row: id.0, payload: json!({}), personal: None })?;
    Ok(Applied::Done)
}
