//! Trunks belong to the box and are granted to tenants. Their passwords lie sealed.

use call::{TenantId, TrunkId};
use rusqlite::Row;
use serde_json::{Value, json};

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::Applied;
use crate::limits::TRUNKS_MAX;
use crate::scope::{BoxEdit, BoxView, View, box_sql, tenant_sql};
use crate::seal::Secret;
use crate::words::json as json_column;

/// A trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Its id.
    pub id: TrunkId,
    /// Its name; unique on the box.
    pub name: String,
    /// How it is reached: a JSON object of centerd and switchd's agreement (host, user, codecs).
    pub settings: Value,
    /// Whether a password is kept for it.
    pub has_secret: bool,
    /// Nothing is sent over it.
    pub disabled: bool,
}

/// Adds (`id` `None`) or changes a trunk.
#[derive(Clone, Debug)]
pub struct SaveTrunk {
    /// Which one to change.
    pub id: Option<TrunkId>,
    /// See [`Trunk::name`].
    pub name: String,
    /// See [`Trunk::settings`].
    pub settings: Value,
    /// `None` leaves the old password.
    pub secret: Option<Secret>,
    /// See [`Trunk::disabled`].
    pub disabled: bool,
}

/// A tenant's leave to dial on a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkGrant {
    /// On which trunk.
    pub trunk: TrunkId,
    /// For whom.
    pub tenant: TenantId,
    /// The trunk's name.
    pub name: String,
    /// Calls at once.
    pub calls_max: u32,
    /// The number shown, when the trunk takes one.
    pub caller_id: Option<String>,
}

impl BoxView<'_> {
    /// All trunks, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn trunks(&self) -> Result<Vec<Trunk>> {
        self.rows(box_sql!("SELECT * FROM trunks ORDER BY name"), &[], read)
    }

    /// One trunk.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn trunk(&self, id: TrunkId) -> Result<Trunk> {
        let sql = box_sql!("SELECT * FROM trunks WHERE id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "trunk", id: id.0 })
    }

    /// The password of a trunk, opened with the box key.
    ///
    /// # Errors
    /// [`Error::Key`] when the key file is not the one that sealed it.
    pub fn trunk_secret(&self, id: TrunkId) -> Result<Option<Secret>> {
        let sql = box_sql!("SELECT secret FROM trunks WHERE id = :id");
        let found: Option<Option<Vec<u8>>> =
            self.row(sql, &[(":id", &id.0)], |row| Ok(row.get(0)?))?;
        let sealed = found.ok_or(Error::NotFound { what: "trunk", id: id.0 })?;
        sealed.map(|blob| self.key().open(&place(id), &blob)).transpose()
    }

    /// Who may dial on a trunk.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn trunk_grants_of(&self, id: TrunkId) -> Result<Vec<TrunkGrant>> {
        let sql = box_sql!(
            "SELECT g.*, t.name FROM trunk_grants g JOIN trunks t ON t.id = g.trunk_id
             WHERE g.trunk_id = :id ORDER BY g.tenant_id"
        );
        self.rows(sql, &[(":id", &id.0)], read_grant)
    }
}

impl View<'_> {
    /// The trunks on which this tenant may dial, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn trunk_grants(&self) -> Result<Vec<TrunkGrant>> {
        let sql = tenant_sql!(
            "SELECT g.*, t.name FROM trunk_grants g JOIN trunks t ON t.id = g.trunk_id
             WHERE g.tenant_id = :tenant ORDER BY t.name"
        );
        self.rows(sql, &[], read_grant)
    }
}

fn place(id: TrunkId) -> String {
    format!("trunks.secret/{}", id.0)
}

fn read(row: &Row<'_>) -> Result<Trunk> {
    Ok(Trunk {
        id: TrunkId(row.get("id")?),
        name: row.get("name")?,
        settings: json_column(row, "settings")?,
        has_secret: row.get::<_, Option<Vec<u8>>>("secret")?.is_some(),
        disabled: row.get("disabled")?,
    })
}

fn read_grant(row: &Row<'_>) -> Result<TrunkGrant> {
    Ok(TrunkGrant {
        trunk: TrunkId(row.get("trunk_id")?),
        tenant: TenantId(row.get("tenant_id")?),
        name: row.get("name")?,
        calls_max: row.get("calls_max")?,
        caller_id: row.get("caller_id")?,
    })
}

pub(crate) fn save(edit: &mut BoxEdit<'_>, trunk: &SaveTrunk) -> Result<Applied> {
    let settings = trunk.settings.to_string();
    let id = match trunk.id {
        None => {
            let sql = box_sql!(
                "INSERT INTO trunks (name, settings, created_at, disabled)
                 VALUES (:name, :settings, :at, :disabled)"
            );
            edit.insert(
                sql,
                &[
                    (":name", &trunk.name),
                    (":settings", &settings),
                    (":at", &edit.at().0),
                    (":disabled", &trunk.disabled),
                ],
            )?
        }
        Some(id) => {
            let sql = box_sql!(
                "UPDATE trunks SET name = :name, settings = :settings, disabled = :disabled
                 WHERE id = :id"
            );
            let changed = edit.run(
                sql,
                &[
                    (":id", &id.0),
                    (":name", &trunk.name),
                    (":settings", &settings),
                    (":disabled", &trunk.disabled),
                ],
            )?;
            if changed == 0 {
                return Err(Error::NotFound { what: "trunk", id: id.0 });
            }
            id.0
        }
    };
    let there = edit.trunks()?.iter().filter(|row| !row.disabled).count();
    if !trunk.disabled && there > TRUNKS_MAX {
        return Err(Error::Full { what: "trunks", max: TRUNKS_MAX });
    }
    if let Some(secret) = &trunk.secret {
        let sealed = edit.key().seal(&place(TrunkId(id)), secret)?;
        let sql = box_sql!("UPDATE trunks SET secret = :secret WHERE id = :id");
        edit.run(sql, &[(":id", &id), (":secret", &sealed)])?;
    }
    edit.bump_desired()?;
    let payload = json!({
        "name": trunk.name, "settings": trunk.settings, "disabled": trunk.disabled,
        "secret_changed": trunk.secret.is_some(),
    });
    edit.event(None, Event { kind: "trunk_saved", row: id, payload, personal: None })?;
    Ok(Applied::Id(id))
}

pub(crate) fn grant(
    edit: &mut BoxEdit<'_>,
    trunk: TrunkId,
    tenant: TenantId,
    calls_max: u32,
    caller_id: Option<&str>,
) -> Result<Applied> {
    let sql = box_sql!(
        "INSERT INTO trunk_grants (tenant_id, trunk_id, calls_max, caller_id)
         VALUES (:of, :trunk, :calls_max, :caller_id)
         ON CONFLICT DO UPDATE SET calls_max = :calls_max, caller_id = :caller_id"
    );
    edit.run(
        sql,
        &[
            (":of", &tenant.0),
            (":trunk", &trunk.0),
            (":calls_max", &calls_max),
            (":caller_id", &caller_id),
        ],
    )?;
    edit.bump_desired()?;
    let payload = json!({ "tenant": tenant.0, "calls_max": calls_max, "caller_id": caller_id });
    edit.event(None, Event { kind: "trunk_granted", row: trunk.0, payload, personal: None })?;
    Ok(Applied::Done)
}

pub(crate) fn revoke(edit: &mut BoxEdit<'_>, trunk: TrunkId, tenant: TenantId) -> Result<Applied> {
    let sql = box_sql!("DELETE FROM trunk_grants WHERE tenant_id = :of AND trunk_id = :trunk");
    if edit.run(sql, &[(":of", &tenant.0), (":trunk", &trunk.0)])? == 0 {
        return Ok(Applied::Unchanged);
    }
    edit.bump_desired()?;
    let payload = json!({ "tenant": tenant.0 });
    edit.event(None, Event { kind: "trunk_revoked", row: trunk.0, payload, personal: None })?;
    Ok(Applied::Done)
}
