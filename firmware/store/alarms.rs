//! Alarms: one row from the moment something is wrong until it is right again.

use call::{Stamp, TenantId};
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::chain::Event;
use crate::error::Result;
use crate::job::{AlarmId, Applied};
use crate::limits::ALARMS_KEPT;
use crate::page::Page;
use crate::scope::{BoxEdit, BoxView, View, box_sql, tenant_sql};
use crate::words::{serde_of, serde_word, stamp, word};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody should look at it today.
    Warning,
    /// Calls, records or recordings are being lost.
    Critical,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Its id.
    pub id: AlarmId,
    /// Whose; `None`: the box's.
    pub tenant: Option<TenantId>,
    /// What kind.
    pub kind: String,
    /// About what.
    pub subject: String,
    /// How bad.
    pub severity: Severity,
    /// What the operator reads.
    pub detail: String,
    /// Since when.
    pub raised_at: Stamp,
    /// Until when; `None`: still.
    pub cleared_at: Option<Stamp>,
}

impl BoxView<'_> {
    /// Every alarm that is up, of the box and of all tenants: for the operator.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alarms_up(&self) -> Result<Vec<Alarm>> {
        let sql = box_sql!("SELECT * FROM alarms WHERE cleared_at IS NULL ORDER BY id");
        self.rows(sql, &[], read)
    }

    /// Alarms, newest first, cleared ones too. Of the page's cursor only the id counts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alarms(&self, page: Page) -> Result<Vec<Alarm>> {
        let sql = box_sql!("SELECT * FROM alarms WHERE id < :before ORDER BY id DESC LIMIT :rows");
        let before = page.before.map_or(i64::MAX, |c| c.id);
        self.rows(sql, &[(":before", &before), (":rows", &page.limit())], read)
    }
}

impl BoxView<'_> {
    /// Alarms of the box about one thing, newest first, cleared ones too. Of the page's cursor only
    /// the id counts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alarms_about(&self, subject: &str, page: Page) -> Result<Vec<Alarm>> {
        let sql = box_sql!(
            "SELECT * FROM alarms WHERE tenant_id IS NULL AND subject = :subject AND id < :before
             ORDER BY id DESC LIMIT :rows"
        );
        let before = page.before.map_or(i64::MAX, |c| c.id);
        self.rows(
            sql,
            &[(":subject", &subject), (":before", &before), (":rows", &page.limit())],
            read,
        )
    }
}

impl View<'_> {
    /// The tenant's alarms that are up.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alarms_up(&self) -> Result<Vec<Alarm>> {
        let sql = tenant_sql!(
            "SELECT * FROM alarms WHERE tenant_id = :tenant AND cleared_at IS NULL ORDER BY id"
        );
        self.rows(sql, &[], read)
    }
}

fn read(row: &Row<'_>) -> Result<Alarm> {
    Ok(Alarm {
        id: AlarmId(row.get("id")?),
        tenant: row.get::<_, Option<i64>>("tenant_id")?.map(TenantId),
        kind: row.get("kind")?,
        subject: row.get("subject")?,
        severity: word(row, "severity", serde_of)?,
        detail: row.get("detail")?,
        raised_at: Stamp(row.get("raised_at")?),
        cleared_at: stamp(row, "cleared_at")?,
    })
}

/// Which alarm.
pub(crate) struct Which<'a> {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) kind: &'a str,
    pub(crate) subject: &'a str,
}

pub(crate) fn raise(
    edit: &mut BoxEdit<'_>,
    which: &Which<'_>,
    severity: Severity,
    detail: &str,
) -> Result<Applied> {
    let tenant = which.tenant.map(|t| t.0);
    let severity = serde_word(&severity)?;
    let sql = box_sql!(
        "INSERT INTO alarms (tenant_id, kind, subject, severity, detail, raised_at)
         VALUES (:of, :kind, :subject, :severity, :detail, :at) ON CONFLICT DO NOTHING"
    );
    let changed = edit.run(
        sql,
        &[
            (":of", &tenant),
            (":kind", &which.kind),
            (":subject", &which.subject),
            (":severity", &severity),
            (":detail", &detail),
            (":at", &edit.at().0),
        ],
    )?;
    let open = box_sql!(
        "SELECT id FROM alarms WHERE ifnull(tenant_id, 0) = ifnull(:of, 0) AND kind = :kind
           AND subject = :subject AND cleared_at IS NULL"
    );
    let params: crate::scope::Params<'_> =
        &[(":of", &tenant), (":kind", &which.kind), (":subject", &which.subject)];
    let id: i64 = edit.row(open, params, |row| Ok(row.get(0)?))?.unwrap_or_default();
    if changed > 0 {
        let payload = json!({ "kind": which.kind, "severity": severity });
        let event = Event { kind: "alarm_raised", row: id, payload, personal: None };
        edit.event(which.tenant, event)?;
        forget_old(edit)?;
    }
    Ok(Applied::Id(id))
}

/// A line that flaps must not fill the disk: the oldest alarms that are over are forgotten.
fn forget_old(edit: &BoxEdit<'_>) -> Result<()> {
    let sql = box_sql!(
        "DELETE FROM alarms
         WHERE cleared_at IS NOT NULL AND id <= (SELECT max(id) FROM alarms) - :kept"
    );
    edit.run(sql, &[(":kept", &ALARMS_KEPT)])?;
    Ok(())
}

pub(crate) fn clear(edit: &mut BoxEdit<'_>, which: &Which<'_>) -> Result<Applied> {
    let tenant = which.tenant.map(|t| t.0);
    let sql = box_sql!(
        "UPDATE alarms SET cleared_at = :at
         WHERE ifnull(tenant_id, 0) = ifnull(:of, 0) AND kind = :kind AND subject = :subject
           AND cleared_at IS NULL RETURNING id"
    );
    let params: crate::scope::Params<'_> = &[
        (":of", &tenant),
        (":kind", &which.kind),
        (":subject", &which.subject),
        (":at", &edit.at().0),
    ];
    let Some(id) = edit.row(sql, params, |row| Ok(row.get::<_, i64>(0)?))? else {
        return Ok(Applied::Unchanged);
    };
    let payload = json!({ "kind": which.kind });
    let event = Event { kind: "alarm_cleared", row: id, payload, personal: None };
    edit.event(which.tenant, event)?;
    Ok(Applied::Done)
}
