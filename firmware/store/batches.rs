//! List files: every row of a file ends with a verdict, and the counts add up to the rows.
//!
//! The caller has already parsed the row (`dialer::import`); the store adds what only it knows:
//! whether the number is in the campaign already, and whether it may not be called. A file comes
//! in chunks; each is one job, so that claims get between two of them, and may be sent again.

use call::{CampaignId, Number, Stamp};
use rusqlite::{Row, ToSql};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::{Applied, BatchId};
use crate::limits::{IMPORT_ROWS_MAX, RAW_CHARS_MAX};
use crate::scope::{Edit, View, tenant_sql};
use crate::words::{count, json as json_column, serde_of, serde_word, stamp, word};

/// One row of a file, as the parser understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// Its place in the file, from 1 (the header is not counted), ascending.
    pub row: u32,
    /// The row as it was written, for whoever corrects the file.
    pub raw: String,
    /// What it says.
    pub parsed: Parsed,
}

/// What the parser made of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A lead.
    Lead {
        /// The number to dial.
        number: Number,
        /// The number as it was written.
        number_raw: String,
        /// The person's name.
        name: String,
        /// The other columns: a JSON object as text.
        fields: String,
        /// What had to be put right, if anything: the field, and by words how.
        repaired: Option<(String, Vec<String>)>,
    },
    /// A number that an earlier row of the file has.
    Twin {
        /// The number.
        number: Number,
        /// That row.
        of: u64,
    },
    /// Not a lead.
    Refused {
        /// The column at fault.
        field: String,
        /// What is wrong with it.
        why: Why,
    },
}

/// Why a row did not go in as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// For programs: a word that never changes.
    pub code: String,
    /// What the word speaks of: a JSON object.
    pub params: serde_json::Value,
    /// For people.
    pub text: String,
}

impl Why {
    /// A word, what it speaks of, and the same for people.
    pub fn new(code: &str, params: serde_json::Value, text: impl Into<String>) -> Why {
        Why { code: code.to_owned(), params, text: text.into() }
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In as it was written.
    Accepted,
    /// In after a correction.
    Repaired,
    /// The number is in the campaign already.
    Duplicate,
    /// The number may not be called.
    DoNotCall,
    /// Not a lead.
    Refused,
}

/// The verdict on one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowVerdict {
    /// Which row.
    pub row: u32,
    /// What became of it.
    pub verdict: Verdict,
}

/// A row that did not go in as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowReport {
    /// Which row.
    pub row: u32,
    /// What became of it.
    pub verdict: Verdict,
    /// The column at fault.
    pub field: String,
    /// Why.
    pub why: Why,
    /// The row as it was written, at most [`RAW_CHARS_MAX`] characters.
    pub raw: String,
}

/// How many rows got which verdict. They add up to the rows done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// [`Verdict::Accepted`].
    pub accepted: u64,
    /// [`Verdict::Repaired`].
    pub repaired: u64,
    /// [`Verdict::Duplicate`].
    pub duplicate: u64,
    /// [`Verdict::DoNotCall`].
    pub do_not_call: u64,
    /// [`Verdict::Refused`].
    pub refused: u64,
}

impl Counts {
    /// All rows.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.accepted + self.repaired + self.duplicate + self.do_not_call + self.refused
    }

    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Accepted => self.accepted += 1,
            Verdict::Repaired => self.repaired += 1,
            Verdict::Duplicate => self.duplicate += 1,
            Verdict::DoNotCall => self.do_not_call += 1,
            Verdict::Refused => self.refused += 1,
        }
    }
}

/// A list file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// Into which campaign.
    pub campaign: CampaignId,
    /// Its name.
    pub file_name: String,
    /// When the import began.
    pub started_at: Stamp,
    /// When it was through; `None`: it runs, or was interrupted after `last_row`.
    pub finished_at: Option<Stamp>,
    /// The last row done.
    pub last_row: u32,
    /// The verdicts.
    pub counts: Counts,
}

impl View<'_> {
    /// The files of a campaign, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn batches(&self, campaign: CampaignId) -> Result<Vec<Batch>> {
        let sql = tenant_sql!(
            "SELECT * FROM lead_batches WHERE tenant_id = :tenant AND campaign_id = :campaign
             ORDER BY id DESC"
        );
        self.rows(sql, &[(":campaign", &campaign.0)], read)
    }

    /// One file.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another tenant's.
    pub fn batch(&self, id: BatchId) -> Result<Batch> {
        let sql = tenant_sql!("SELECT * FROM lead_batches WHERE tenant_id = :tenant AND id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "list file", id: id.0 })
    }

    /// Rows of a file that did not go in as they were written, after row `after`, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn import_rows(&self, batch: BatchId, after: u32, rows: usize) -> Result<Vec<RowReport>> {
        let sql = tenant_sql!(
            "SELECT * FROM import_rows WHERE tenant_id = :tenant AND batch_id = :batch
               AND row > :after ORDER BY row LIMIT :rows"
        );
        let rows = crate::page::Page::first(rows).limit();
        self.rows(sql, &[(":batch", &batch.0), (":after", &after), (":rows", &rows)], |row| {
            Ok(RowReport {
                row: row.get("row")?,
                verdict: word(row, "verdict", serde_of)?,
                field: row.get("field")?,
                why: Why {
                    code: row.get("code")?,
                    params: json_column(row, "params")?,
                    text: row.get("reason")?,
                },
                raw: row.get("raw")?,
            })
        })
    }
}

fn read(row: &Row<'_>) -> Result<Batch> {
    Ok(Batch {
        id: BatchId(row.get("id")?),
        campaign: CampaignId(row.get("campaign_id")?),
        file_name: row.get("file_name")?,
        started_at: Stamp(row.get("started_at")?),
        finished_at: stamp(row, "finished_at")?,
        last_row: row.get("last_row")?,
        counts: Counts {
            accepted: count(row, "accepted")?,
            repaired: count(row, "repaired")?,
            duplicate: count(row, "duplicate")?,
            do_not_call: count(row, "do_not_call")?,
            refused: count(row, "refused")?,
        },
    })
}

pub(crate) fn open(edit: &mut Edit<'_>, campaign: CampaignId, file_name: &str) -> Result<Applied> {
    let sql = tenant_sql!(
        "INSERT INTO lead_batches (tenant_id, campaign_id, file_name, started_at)
         VALUES (:tenant, :campaign, :file_name, :at)"
    );
    let at = edit.at().0;
    let id =
        edit.insert(sql, &[(":campaign", &campaign.0), (":file_name", &file_name), (":at", &at)])?;
    let payload = json!({ "campaign": campaign });
    edit.event(Event { kind: "batch_opened", row: id, payload, personal: None })?;
    Ok(Applied::Id(id))
}

pub(crate) fn close(edit: &mut Edit<'_>, id: BatchId) -> Result<Applied> {
    let batch = edit.batch(id)?;
    if batch.finished_at.is_some() {
        return Ok(Applied::Unchanged);
    }
    let sql = tenant_sql!(
        "UPDATE lead_batches SET finished_at = :at WHERE tenant_id = :tenant AND id = :id"
    );
    edit.run(sql, &[(":id", &id.0), (":at", &edit.at().0)])?;
    let payload = json!({ "counts": batch.counts });
    edit.event(Event { kind: "batch_closed", row: id.0, payload, personal: None })?;
    Ok(Applied::Done)
}

/// Writes a chunk. One event tells of all its leads; a million rows need no million events.
pub(crate) fn import(edit: &mut Edit<'_>, id: BatchId, rows: &[ImportRow]) -> Result<Applied> {
    if rows.len() > IMPORT_ROWS_MAX {
        return Err(Error::TooMany {
            what: "import chunk",
            found: rows.len(),
            max: IMPORT_ROWS_MAX,
        });
    }
    let batch = edit.batch(id)?;
    if batch.finished_at.is_some() {
        return Err(Error::NotAllowed("this list file is already through".into()));
    }
    let mut table = Tables::prepare(edit, &batch)?;
    let mut counts = batch.counts;
    let mut last_row = batch.last_row;
    let mut verdicts = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|r| r.row > batch.last_row) {
        if row.row <= last_row {
            return Err(Error::NotAllowed(format!("row {} is out of order", row.row)));
        }
        let verdict = table.take(row)?;
        counts.add(verdict);
        verdicts.push(RowVerdict { row: row.row, verdict });
        last_row = row.row;
    }
    if verdicts.is_empty() {
        return Ok(Applied::Imported(verdicts));
    }
    drop(table);
    write_counts(edit, id, &counts, last_row)?;
    let payload = json!({
        "campaign": batch.campaign, "rows": [batch.last_row + 1, last_row], "counts": counts,
        "last_lead": edit.last_id(),
    });
    edit.event(Event { kind: "rows_imported", row: id.0, payload, personal: None })?;
    Ok(Applied::Imported(verdicts))
}

fn write_counts(edit: &Edit<'_>, id: BatchId, counts: &Counts, last_row: u32) -> Result<()> {
    let sql = tenant_sql!(
        "UPDATE lead_batches SET last_row = :last_row, accepted = :accepted, repaired = :repaired,
           duplicate = :duplicate, do_not_call = :do_not_call, refused = :refused
         WHERE tenant_id = :tenant AND id = :id"
    );
    let params: [(&str, &dyn ToSql); 7] = [
        (":id", &id.0),
        (":last_row", &last_row),
        (":accepted", &counts.accepted.cast_signed()),
        (":repaired", &counts.repaired.cast_signed()),
        (":duplicate", &counts.duplicate.cast_signed()),
        (":do_not_call", &counts.do_not_call.cast_signed()),
        (":refused", &counts.refused.cast_signed()),
    ];
    edit.run_on("list file", id.0, sql, &params)
}

/// The three statements of an import, prepared once for a chunk; positions are fixed by the SQL.
struct Tables<'c> {
    lead: crate::scope::Many<'c>,
    lead_at: [usize; 4],
    dnc: crate::scope::Many<'c>,
    dnc_number: usize,
    report: crate::scope::Many<'c>,
    report_at: [usize; 7],
}

impl<'c> Tables<'c> {
    fn prepare(edit: &Edit<'c>, batch: &Batch) -> Result<Tables<'c>> {
        let mut lead = edit.prepare(tenant_sql!(
            "INSERT INTO leads
               (tenant_id, campaign_id, batch_id, number, raw, name, fields, state, created_at)
             VALUES (:tenant, :campaign, :batch, :number, :raw, :name, :fields, 'new', :at)
             ON CONFLICT (campaign_id, number) DO NOTHING"
        ))?;
        lead.bind(":campaign", &batch.campaign.0)?;
        lead.bind(":batch", &batch.id.0)?;
        lead.bind(":at", &edit.at().0)?;
        let mut dnc = edit.prepare(tenant_sql!(
            "SELECT 1 FROM dnc WHERE tenant_id = :tenant AND number = :number
               AND ifnull(campaign_id, 0) IN (0, :campaign)"
        ))?;
        dnc.bind(":campaign", &batch.campaign.0)?;
        let mut report = edit.prepare(tenant_sql!(
            "INSERT INTO import_rows
               (tenant_id, batch_id, row, verdict, field, code, params, reason, raw)
             VALUES (:tenant, :batch, :row, :verdict, :field, :code, :params, :reason, :raw)"
        ))?;
        report.bind(":batch", &batch.id.0)?;
        Ok(Tables {
            lead_at: lead.indexes([":number", ":raw", ":name", ":fields"])?,
            dnc_number: dnc.index(":number")?,
            report_at: report
                .indexes([":row", ":verdict", ":field", ":code", ":params", ":reason", ":raw"])?,
            lead,
            dnc,
            report,
        })
    }

    fn take(&mut self, row: &ImportRow) -> Result<Verdict> {
        match &row.parsed {
            Parsed::Lead { number, .. } | Parsed::Twin { number, .. }
                if self.dnc.exists(&[(self.dnc_number, &number.as_str())])? =>
            {
                let why = Why::new("do_not_call", json!({}), "on the do-not-call list");
                self.report(row, Verdict::DoNotCall, "number", &why)
            }
            Parsed::Lead { number, number_raw, name, fields, repaired } => {
                let [at_number, at_raw, at_name, at_fields] = self.lead_at;
                let written = self.lead.run(&[
                    (at_number, &number.as_str()),
                    (at_raw, number_raw),
                    (at_name, name),
                    (at_fields, fields),
                ])?;
                match (written, repaired) {
                    (0, _) => {
                        let why = Why::new("in_campaign", json!({}), "already in this campaign");
                        self.report(row, Verdict::Duplicate, "number", &why)
                    }
                    (_, Some((field, how))) => {
                        let why = Why::new("repaired", json!({ "how": how }), how.join(", "));
                        self.report(row, Verdict::Repaired, field, &why)
                    }
                    (_, None) => Ok(Verdict::Accepted),
                }
            }
            Parsed::Twin { of, .. } => {
                let text = format!("already in row {of} of this file");
                let why = Why::new("in_file", json!({ "row": of }), text);
                self.report(row, Verdict::Duplicate, "number", &why)
            }
            Parsed::Refused { field, why } => self.report(row, Verdict::Refused, field, why),
        }
    }

    fn report(
        &mut self,
        row: &ImportRow,
        verdict: Verdict,
        field: &str,
        why: &Why,
    ) -> Result<Verdict> {
        let raw: String = row.raw.chars().take(RAW_CHARS_MAX).collect();
        let [at_row, at_verdict, at_field, at_code, at_params, at_reason, at_raw] = self.report_at;
        self.report.run(&[
            (at_row, &row.row),
            (at_verdict, &serde_word(&verdict)?),
            (at_field, &field),
            (at_code, &why.code),
            (at_params, &why.params.to_string()),
            (at_reason, &why.text),
            (at_raw, &raw),
        ])?;
        Ok(verdict)
    }
}
