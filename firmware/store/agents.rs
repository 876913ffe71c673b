//! Agents: the people who take calls, their number and PIN for the phone, their seat.

use call::{AccountId, AgentId, PersonId, TenantId};
use dialer::agent::Reach;
use dialer::outcome::Language;
use rusqlite::Row;
use serde_json::json;

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::Applied;
use crate::persons::SavePerson;
use crate::scope::{Edit, View, tenant_sql};
use crate::words::{serde_of, serde_word, word};

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Whose.
    pub tenant: TenantId,
    /// The number that is typed at the phone; unique in the tenant.
    pub number: String,
    /// How people call them.
    pub name: String,
    /// The argon2 hash of the PIN.
    pub pin_hash: String,
    /// The console user, when there is one.
    pub person: Option<PersonId>,
    /// The phone where they sit, when it is fixed.
    pub account: Option<AccountId>,
    /// The language that the phone speaks to them.
    pub language: Language,
    /// How the phone is reached.
    pub seat: Reach,
    /// May not sign in.
    pub disabled: bool,
}

/// Adds (`id` `None`) or changes an agent; fields as in [`Agent`].
#[derive(Clone, Debug)]
pub struct SaveAgent {
    /// Whom to change.
    pub id: Option<AgentId>,
    /// See [`Agent::number`].
    pub number: String,
    /// See [`Agent::name`].
    pub name: String,
    /// Needed for a new agent; `None` leaves the old one.
    pub pin_hash: Option<String>,
    /// See [`Agent::person`].
    pub person: Option<PersonId>,
    /// See [`Agent::account`].
    pub account: Option<AccountId>,
    /// See [`Agent::language`].
    pub language: Language,
    /// See [`Agent::seat`].
    pub seat: Reach,
    /// See [`Agent::disabled`].
    pub disabled: bool,
}

impl View<'_> {
    /// All agents of the tenant, by number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agents(&self) -> Result<Vec<Agent>> {
        let sql = tenant_sql!("SELECT * FROM agents WHERE tenant_id = :tenant ORDER BY number");
        self.rows(sql, &[], read)
    }

    /// One agent.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another tenant's.
    pub fn agent(&self, id: AgentId) -> Result<Agent> {
        let sql = tenant_sql!("SELECT * FROM agents WHERE tenant_id = :tenant AND id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "agent", id: id.0 })
    }

    /// The agent who typed `number` at a phone.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agent_by_number(&self, number: &str) -> Result<Option<Agent>> {
        let sql =
            tenant_sql!("SELECT * FROM agents WHERE tenant_id = :tenant AND number = :number");
        self.row(sql, &[(":number", &number)], read)
    }

    /// The agent whom a console user is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn agent_of_person(&self, person: PersonId) -> Result<Option<Agent>> {
        let sql =
            tenant_sql!("SELECT * FROM agents WHERE tenant_id = :tenant AND person_id = :person");
        self.row(sql, &[(":person", &person.0)], read)
    }
}

fn read(row: &Row<'_>) -> Result<Agent> {
    Ok(Agent {
        id: AgentId(row.get("id")?),
        tenant: TenantId(row.get("tenant_id")?),
        number: row.get("number")?,
        name: row.get("name")?,
        pin_hash: row.get("pin_hash")?,
        person: row.get::<_, Option<i64>>("person_id")?.map(PersonId),
        account: row.get::<_, Option<i64>>("account_id")?.map(AccountId),
        language: word(row, "language", serde_of)?,
        seat: word(row, "seat", serde_of)?,
        disabled: row.get("disabled")?,
    })
}

pub(crate) fn save(edit: &mut Edit<'_>, agent: &SaveAgent) -> Result<Applied> {
    let (language, seat) = (serde_word(&agent.language)?, serde_word(&agent.seat)?);
    let (person, account) = (agent.person.map(|p| p.0), agent.account.map(|a| a.0));
    let mut params: Vec<(&str, &dyn rusqlite::ToSql)> = vec![
        (":number", &agent.number),
        (":name", &agent.name),
        (":pin_hash", &agent.pin_hash),
        (":person", &person),
        (":account", &account),
        (":language", &language),
        (":seat", &seat),
        (":disabled", &agent.disabled),
    ];
    let at = edit.at().0;
    let id = match agent.id {
        None => {
            if agent.pin_hash.is_none() {
                return Err(Error::NotAllowed("a new agent needs a PIN".into()));
            }
            params.push((":at", &at));
            let sql = tenant_sql!(
                "INSERT INTO agents (tenant_id, number, name, pin_hash, person_id, account_id,
                   language, seat, disabled, created_at)
                 VALUES (:tenant, :number, :name, :pin_hash, :person, :account,
                   :language, :seat, :disabled, :at)"
            );
            edit.insert(sql, &params)?
        }
        Some(ref id) => {
            params.push((":id", &id.0));
            let sql = tenant_sql!(
                "UPDATE agents SET number = :number, name = :name,
                   pin_hash = ifnull(:pin_hash, pin_hash), person_id = :person,
                   account_id = :account, language = :language, seat = :seat, disabled = :disabled
                 WHERE tenant_id = :tenant AND id = :id"
            );
            edit.run_on("agent", id.0, sql, &params)?;
            id.0
        }
    };
    let payload = json!({
        "number": agent.number, "account": account, "person": person, "seat": seat, "disabled": agent.disabled,
        "pin_changed": agent.pin_hash.is_some(),
    });
    edit.event(Event { kind: "agent_saved", row: id, payload, personal: None })?;
    Ok(Applied::Id(id))
}

pub(crate) fn save_with_person(
    edit: &mut Edit<'_>,
    agent: &SaveAgent,
    person: &SavePerson,
) -> Result<Applied> {
    let made = crate::persons::save(edit, person)?;
    let person = made.id().map(PersonId);
    save(edit, &SaveAgent { person, ..agent.clone() })
}

pub(crate) fn note_order(edit: &mut Edit<'_>, id: AgentId, order: &str) -> Result<Applied> {
    edit.agent(id)?;
    let payload = json!({ "order": order });
    edit.event(Event { kind: "agent_ordered", row: id.0, payload, personal: None })?;
    Ok(Applied::Done)
}
