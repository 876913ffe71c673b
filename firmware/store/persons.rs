//! Console users: who they are, what they may be, and whether they may sign in now.

use call::{PersonId, Stamp, TenantId};
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::chain::{Event, Personal};
use crate::error::{Error, Result};
use crate::job::Applied;
use crate::scope::{BoxView, Edit, View, box_sql, tenant_sql};
use crate::words::{serde_of, serde_word, stamp, word};

/// What a person is. Rights follow from it in one place (centerd), deny by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Of the box: lines, trunks, tenants, updates.
    Operator,
    /// Of one tenant.
    Administrator,
    /// Of a team.
    Leader,
    /// Quality checker.
    Quality,
    /// Takes calls.
    Agent,
}

/// A console user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// Whose.
    pub tenant: TenantId,
    /// What is typed to sign in; unique on the box.
    pub login: String,
    /// How people call them.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// The argon2 hash of the password, in its own text form.
    pub password_hash: String,
    /// The password must be changed before anything else.
    pub must_change: bool,
    /// Wrong passwords since the last right one.
    pub failures: u32,
    /// No try before this.
    pub locked_until: Option<Stamp>,
    /// May not sign in.
    pub disabled: bool,
}

/// Adds (`id` `None`) or changes a person.
#[derive(Clone, Debug)]
pub struct SavePerson {
    /// Whom to change.
    pub id: Option<PersonId>,
    /// See [`Person::login`].
    pub login: String,
    /// See [`Person::name`].
    pub name: String,
    /// See [`Person::role`].
    pub role: Role,
    /// Needed for a new person; `None` leaves the old one.
    pub password_hash: Option<String>,
    /// See [`Person::must_change`].
    pub must_change: bool,
    /// See [`Person::disabled`].
    pub disabled: bool,
}

impl BoxView<'_> {
    /// Who signs in under `login`, in whatever tenant. For signing in alone.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn person_by_login(&self, login: &str) -> Result<Option<Person>> {
        let sql = box_sql!("SELECT * FROM persons WHERE login = :login");
        self.row(sql, &[(":login", &login)], read)
    }

    /// Whether there is anybody at all: the first start makes an operator.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_persons(&self) -> Result<bool> {
        Ok(self.row(box_sql!("SELECT 1 FROM persons LIMIT 1"), &[], |_| Ok(()))?.is_some())
    }
}

impl View<'_> {
    /// All persons of the tenant, by login.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn persons(&self) -> Result<Vec<Person>> {
        let sql = tenant_sql!("SELECT * FROM persons WHERE tenant_id = :tenant ORDER BY login");
        self.rows(sql, &[], read)
    }

    /// One person.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another tenant's.
    pub fn person(&self, id: PersonId) -> Result<Person> {
        let sql = tenant_sql!("SELECT * FROM persons WHERE tenant_id = :tenant AND id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "person", id: id.0 })
    }
}

fn read(row: &Row<'_>) -> Result<Person> {
    Ok(Person {
        id: PersonId(row.get("id")?),
        tenant: TenantId(row.get("tenant_id")?),
        login: row.get("login")?,
        name: row.get("name")?,
        role: word(row, "role", serde_of)?,
        password_hash: row.get("password_hash")?,
        must_change: row.get("must_change")?,
        failures: row.get("failures")?,
        locked_until: stamp(row, "locked_until")?,
        disabled: row.get("disabled")?,
    })
}

pub(crate) fn save(edit: &mut Edit<'_>, person: &SavePerson) -> Result<Applied> {
    let role = serde_word(&person.role)?;
    let id = match person.id {
        None => {
            let Some(hash) = &person.password_hash else {
                return Err(Error::NotAllowed("a new person needs a password".into()));
            };
            let sql = tenant_sql!(
                "INSERT INTO persons
                   (tenant_id, login, name, role, password_hash, must_change, disabled, created_at)
                 VALUES (:tenant, :login, :name, :role, :hash, :must_change, :disabled, :at)"
            );
            edit.insert(
                sql,
                &[
                    (":login", &person.login),
                    (":name", &person.name),
                    (":role", &role),
                    (":hash", hash),
                    (":must_change", &person.must_change),
                    (":disabled", &person.disabled),
                    (":at", &edit.at().0),
                ],
            )?
        }
        Some(id) => {
            let sql = tenant_sql!(
                "UPDATE persons SET login = :login, name = :name, role = :role,
                   password_hash = ifnull(:hash, password_hash), must_change = :must_change,
                   disabled = :disabled
                 WHERE tenant_id = :tenant AND id = :id"
            );
            edit.run_on(
                "person",
                id.0,
                sql,
                &[
                    (":id", &id.0),
                    (":login", &person.login),
                    (":name", &person.name),
                    (":role", &role),
                    (":hash", &person.password_hash),
                    (":must_change", &person.must_change),
                    (":disabled", &person.disabled),
                ],
            )?;
            id.0
        }
    };
    let payload = json!({ "role": role, "disabled": person.disabled });
    let personal = Some(Personal { lead: call::LeadId(0), text: &person.login });
    edit.event(Event { kind: "person_saved", row: id, payload, personal })?;
    if person.disabled {
        crate::sessions::close_all(edit, PersonId(id))?;
    }
    Ok(Applied::Id(id))
}

/// A new password ends every session of the person.
pub(crate) fn set_password(
    edit: &mut Edit<'_>,
    person: PersonId,
    hash: &str,
    must_change: bool,
) -> Result<Applied> {
    let sql = tenant_sql!(
        "UPDATE persons SET password_hash = :hash, must_change = :must_change, failures = 0,
           locked_until = NULL
         WHERE tenant_id = :tenant AND id = :id"
    );
    edit.run_on(
        "person",
        person.0,
        sql,
        &[(":id", &person.0), (":hash", &hash), (":must_change", &must_change)],
    )?;
    crate::sessions::close_all(edit, person)?;
    let payload = json!({ "must_change": must_change });
    edit.event(Event { kind: "password_set", row: person.0, payload, personal: None })?;
    Ok(Applied::Done)
}

pub(crate) fn note_login(
    edit: &mut Edit<'_>,
    person: PersonId,
    good: bool,
    locked_until: Option<Stamp>,
) -> Result<Applied> {
    let sql = tenant_sql!(
        "UPDATE persons SET failures = iif(:good, 0, failures + 1), locked_until = :locked_until
         WHERE tenant_id = :tenant AND id = :id"
    );
    let locked_until = locked_until.filter(|_| !good).map(|s| s.0);
    edit.run_on(
        "person",
        person.0,
        sql,
        &[(":id", &person.0), (":good", &good), (":locked_until", &locked_until)],
    )?;
    let kind = if good { "signed_in" } else { "sign_in_failed" };
    let payload = json!({ "locked_until": locked_until });
    edit.event(Event { kind, row: person.0, payload, personal: None })?;
    Ok(Applied::Done)
}
