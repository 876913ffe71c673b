//! The numbers that trunks own: who may show them, and where calls to them go.

use call::{TenantId, TrunkId};
use rusqlite::Row;
use serde_json::{Value, json};

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::Applied;
use crate::limits::NUMBERS_MAX;
use crate::scope::{BoxEdit, BoxView, View, box_sql, tenant_sql};
use crate::words::json as json_column;

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnNumber {
    /// Its row.
    pub id: i64,
    /// As it is shown and called; unique on the box.
    pub number: String,
    /// Which trunk owns it.
    pub trunk: TrunkId,
    /// Who may show it and is called by it; `None`: nobody yet.
    pub tenant: Option<TenantId>,
    /// Where calls to it go: a JSON object of centerd's.
    pub route: Value,
    /// For people.
    pub note: String,
}

/// Adds numbers to a trunk, or changes those that it owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveNumbers {
    /// Which trunk owns them.
    pub trunk: TrunkId,
    /// The numbers, at most [`NUMBERS_MAX`].
    pub numbers: Vec<String>,
    /// See [`OwnNumber::tenant`].
    pub tenant: Option<TenantId>,
    /// See [`OwnNumber::route`].
    pub route: Value,
    /// See [`OwnNumber::note`].
    pub note: String,
}

impl BoxView<'_> {
    /// All numbers, by trunk and number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn numbers(&self) -> Result<Vec<OwnNumber>> {
        self.rows(box_sql!("SELECT * FROM numbers ORDER BY trunk_id, number"), &[], read)
    }
}

impl View<'_> {
    /// The numbers granted to this tenant.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn numbers(&self) -> Result<Vec<OwnNumber>> {
        let sql = tenant_sql!("SELECT * FROM numbers WHERE tenant_id = :tenant ORDER BY number");
        self.rows(sql, &[], read)
    }
}

fn read(row: &Row<'_>) -> Result<OwnNumber> {
    Ok(OwnNumber {
        id: row.get("id")?,
        number: row.get("number")?,
        trunk: TrunkId(row.get("trunk_id")?),
        tenant: row.get::<_, Option<i64>>("tenant_id")?.map(TenantId),
        route: json_column(row, "route")?,
        note: row.get("note")?,
    })
}

/// All of them or none: a number that another trunk owns is named in the refusal.
pub(crate) fn save(edit: &mut BoxEdit<'_>, save: &SaveNumbers) -> Result<Applied> {
    let owned = edit.numbers()?;
    let foreign = |number: &&String| {
        owned.iter().any(|own| own.number == **number && own.trunk != save.trunk)
    };
    if let Some(number) = save.numbers.iter().find(foreign) {
        return Err(Error::Exists(format!("number {number} on another trunk")));
    }
    let new = |number: &&String| owned.iter().all(|own| own.number != **number);
    let found = owned.len() + save.numbers.iter().filter(new).count();
    if found > NUMBERS_MAX {
        return Err(Error::TooMany { what: "the box's list of numbers", found, max: NUMBERS_MAX });
    }
    let sql = box_sql!(
        "INSERT INTO numbers (number, trunk_id, tenant_id, route, note, created_at)
         VALUES (:number, :trunk, :of, :route, :note, :at)
         ON CONFLICT (number) DO UPDATE SET tenant_id = :of, route = :route, note = :note"
    );
    let (route, of) = (save.route.to_string(), save.tenant.map(|tenant| tenant.0));
    for number in &save.numbers {
        edit.run(
            sql,
            &[
                (":number", number),
                (":trunk", &save.trunk.0),
                (":of", &of),
                (":route", &route),
                (":note", &save.note),
                (":at", &edit.at().0),
            ],
        )?;
    }
    edit.bump_desired()?;
    let payload = json!({ "numbers": save.numbers, "tenant": save.tenant, "route": save.route });
    let event = Event { kind: "numbers_saved", row: save.trunk.0, payload, personal: None };
    edit.event(save.tenant, event)?;
    Ok(Applied::Done)
}

pub(crate) fn remove(
    edit: &mut BoxEdit<'_>,
    trunk: TrunkId,
    numbers: &[String],
) -> Result<Applied> {
    let sql = box_sql!("DELETE FROM numbers WHERE trunk_id = :trunk AND number = :number");
    let mut removed = Vec::new();
    for number in numbers {
        if edit.run(sql, &[(":trunk", &trunk.0), (":number", number)])? > 0 {
            removed.push(number);
        }
    }
    if removed.is_empty() {
        return Ok(Applied::Unchanged);
    }
    edit.bump_desired()?;
    let payload = json!({ "numbers": removed });
    edit.event(None, Event { kind: "numbers_removed", row: trunk.0, payload, personal: None })?;
    Ok(Applied::Done)
}
