//! A tenant's rules about destinations: which prefixes may be dialled. What is not ruled on is for
//! `dialer::route`, which denies premium and international numbers.

use serde_json::json;

use crate::chain::Event;
use crate::error::Result;
use crate::job::{Applied, RuleId};
use crate::scope::{Edit, View, tenant_sql};

/// One rule. The longest prefix that fits a number decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRule {
    /// Its id.
    pub id: RuleId,
    /// Digits after the plus sign; empty: everything.
    pub prefix: String,
    /// Whether such numbers may be dialled.
    pub allow: bool,
    /// For people.
    pub note: String,
}

impl View<'_> {
    /// The tenant's rules, by prefix.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn destination_rules(&self) -> Result<Vec<DestinationRule>> {
        let sql = tenant_sql!(
            "SELECT * FROM destination_rules WHERE tenant_id = :tenant ORDER BY prefix"
        );
        self.rows(sql, &[], |row| {
            Ok(DestinationRule {
                id: RuleId(row.get("id")?),
                prefix: row.get("prefix")?,
                allow: row.get::<_, String>("verdict")? == "allow",
                note: row.get("note")?,
            })
        })
    }
}

pub(crate) fn save(edit: &mut Edit<'_>, prefix: &str, allow: bool, note: &str) -> Result<Applied> {
    let verdict = if allow { "allow" } else { "deny" };
    let sql = tenant_sql!(
        "INSERT INTO destination_rules (tenant_id, prefix, verdict, note)
         VALUES (:tenant, :prefix, :verdict, :note)
         ON CONFLICT (tenant_id, prefix) DO UPDATE SET verdict = :verdict, note = :note
         RETURNING id"
    );
    let params: crate::scope::Params<'_> =
        &[(":prefix", &prefix), (":verdict", &verdict), (":note", &note)];
    let id: i64 = edit.row(sql, params, |row| Ok(row.get(0)?))?.unwrap_or_default();
    edit.bump_desired()?;
    let payload = json!({ "prefix": prefix, "verdict": verdict });
    edit.event(Event { kind: "rule_saved", row: id, payload, personal: None })?;
    Ok(Applied::Id(id))
}

pub(crate) fn remove(edit: &mut Edit<'_>, id: RuleId) -> Result<Applied> {
    let sql = tenant_sql!("DELETE FROM destination_rules WHERE tenant_id = :tenant AND id = :id");
    edit.run_on("rule", id.0, sql, &[(":id", &id.0)])?;
    edit.bump_desired()?;
    edit.event(Event { kind: "rule_removed", row: id.0, payload: json!({}), personal: None })?;
    Ok(Applied::Done)
}
