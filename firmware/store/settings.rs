//! The box itself, its tenants, and settings: JSON values under a key, of the box or of a tenant.

use call::{Epoch, Stamp, TenantId};
use serde_json::{Value, json};

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::Applied;
use crate::persons::SavePerson;
use crate::scope::{BoxEdit, BoxView, Edit, View, box_sql, tenant_sql};
use crate::words::json as json_column;

/// An enterprise on the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// Nothing of it runs.
    pub disabled: bool,
}

impl BoxView<'_> {
    /// All tenants, in the order in which they came.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tenants(&self) -> Result<Vec<Tenant>> {
        self.rows(box_sql!("SELECT * FROM tenants ORDER BY id"), &[], |row| {
            Ok(Tenant {
                id: TenantId(row.get("id")?),
                name: row.get("name")?,
                disabled: row.get("disabled")?,
            })
        })
    }

    /// The id that names this box anywhere.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn box_id(&self) -> Result<String> {
        let found = self.row(box_sql!("SELECT box_id FROM box"), &[], |row| Ok(row.get(0)?))?;
        found.ok_or_else(|| Error::Damaged("the box has no row".into()))
    }

    /// The version of the desired state that switchd must have.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn desired_version(&self) -> Result<u64> {
        let sql = box_sql!("SELECT desired_version FROM box");
        let found = self.row(sql, &[], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))?;
        found.ok_or_else(|| Error::Damaged("the box has no row".into()))
    }

    /// The newest epoch of centerd and when it began.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn epoch(&self) -> Result<Option<(Epoch, Stamp)>> {
        let sql = box_sql!("SELECT epoch, started_at FROM epochs ORDER BY epoch DESC LIMIT 1");
        self.row(sql, &[], |row| Ok((Epoch(row.get(0)?), Stamp(row.get(1)?))))
    }

    /// One setting of the box.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<Value>> {
        let sql = box_sql!("SELECT value FROM box_settings WHERE key = :key");
        self.row(sql, &[(":key", &key)], |row| json_column(row, "value"))
    }
}

impl View<'_> {
    /// One setting of the tenant.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<Value>> {
        let sql = tenant_sql!(
            "SELECT value FROM tenant_settings WHERE tenant_id = :tenant AND key = :key"
        );
        self.row(sql, &[(":key", &key)], |row| json_column(row, "value"))
    }

    /// All settings of the tenant, by key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn settings(&self) -> Result<Vec<(String, Value)>> {
        let sql = tenant_sql!(
            "SELECT key, value FROM tenant_settings WHERE tenant_id = :tenant ORDER BY key"
        );
        self.rows(sql, &[], |row| Ok((row.get("key")?, json_column(row, "value")?)))
    }
}

pub(crate) fn begin_epoch(edit: &mut BoxEdit<'_>) -> Result<Applied> {
    let sql = box_sql!(
        "INSERT INTO epochs (epoch, started_at)
         SELECT ifnull(max(epoch), 0) + 1, :at FROM epochs"
    );
    let id = edit.insert(sql, &[(":at", &edit.at().0)])?;
    let epoch = u32::try_from(id).map_err(|_| Error::Damaged("epochs have run out".into()))?;
    edit.event(None, Event { kind: "epoch_begun", row: id, payload: json!({}), personal: None })?;
    Ok(Applied::Epoch(Epoch(epoch)))
}

pub(crate) fn add_tenant(edit: &mut BoxEdit<'_>, name: &str) -> Result<Applied> {
    let sql = box_sql!("INSERT INTO tenants (name, created_at) VALUES (:name, :at)");
    let id = edit.insert(sql, &[(":name", &name), (":at", &edit.at().0)])?;
    let payload = json!({ "name": name });
    edit.event(None, Event { kind: "tenant_added", row: id, payload, personal: None })?;
    Ok(Applied::Id(id))
}

pub(crate) fn open_tenant(
    edit: &mut BoxEdit<'_>,
    name: &str,
    administrator: &SavePerson,
) -> Result<Applied> {
    let added = add_tenant(edit, name)?;
    if let Some(id) = added.id() {
        crate::persons::save(&mut edit.of_tenant(TenantId(id)), administrator)?;
    }
    Ok(added)
}

pub(crate) fn bump_desired(edit: &BoxEdit<'_>) -> Result<Applied> {
    edit.bump_desired()?;
    Ok(Applied::Desired(edit.desired_version()?))
}

pub(crate) fn set_for_box(edit: &mut BoxEdit<'_>, key: &str, value: &Value) -> Result<Applied> {
    if edit.setting(key)?.unwrap_or(Value::Null) == *value {
        return Ok(Applied::Unchanged);
    }
    if value.is_null() {
        edit.run(box_sql!("DELETE FROM box_settings WHERE key = :key"), &[(":key", &key)])?;
    } else {
        let sql =
            box_sql!("INSERT OR REPLACE INTO box_settings (key, value) VALUES (:key, :value)");
        edit.run(sql, &[(":key", &key), (":value", &value.to_string())])?;
    }
    let payload = json!({ "key": key, "value": value });
    edit.event(None, Event { kind: "setting_saved", row: 0, payload, personal: None })?;
    Ok(Applied::Done)
}

pub(crate) fn set_for_tenant(edit: &mut Edit<'_>, key: &str, value: &Value) -> Result<Applied> {
    if edit.setting(key)?.unwrap_or(Value::Null) == *value {
        return Ok(Applied::Unchanged);
    }
    if value.is_null() {
        let sql =
            tenant_sql!("DELETE FROM tenant_settings WHERE tenant_id = :tenant AND key = :key");
        edit.run(sql, &[(":key", &key)])?;
    } else {
        let sql = tenant_sql!(
            "INSERT OR REPLACE INTO tenant_settings (tenant_id, key, value)
             VALUES (:tenant, :key, :value)"
        );
        edit.run(sql, &[(":key", &key), (":value", &value.to_string())])?;
    }
    let payload = json!({ "key": key, "value": value });
    edit.event(Event { kind: "setting_saved", row: 0, payload, personal: None })?;
    Ok(Applied::Done)
}
