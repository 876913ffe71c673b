//! SIP accounts of desk phones. The password and its digest hash lie sealed.

use call::{AccountId, TenantId};
use rusqlite::Row;
use serde_json::json;

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::Applied;
use crate::limits::ACCOUNTS_MAX;
use crate::scope::{Edit, View, tenant_sql};
use crate::seal::Secret;

/// A phone's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Whose.
    pub tenant: TenantId,
    /// The user part of its address; unique on the box.
    pub user: String,
    /// Where the phone stands, for people.
    pub label: String,
    /// Calls at once.
    pub calls_max: u32,
    /// May not register.
    pub disabled: bool,
}

/// What a registrar needs to check this account's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSecrets {
    /// The password, for provisioning a phone.
    pub secret: Secret,
    /// `MD5(user:realm:password)` in hex, RFC 2617 §3.2.2.2.
    pub ha1: Secret,
}

/// Adds (`id` `None`) or changes an account.
#[derive(Clone, Debug)]
pub struct SaveAccount {
    /// Which one to change.
    pub id: Option<AccountId>,
    /// See [`Account::user`]. It never changes: the digest hash holds it.
    pub user: String,
    /// See [`Account::label`].
    pub label: String,
    /// Needed for a new account; `None` leaves the old ones.
    pub secrets: Option<AccountSecrets>,
    /// See [`Account::calls_max`].
    pub calls_max: u32,
    /// See [`Account::disabled`].
    pub disabled: bool,
}

impl View<'_> {
    /// All accounts of the tenant, by user.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn accounts(&self) -> Result<Vec<Account>> {
        let sql = tenant_sql!("SELECT * FROM accounts WHERE tenant_id = :tenant ORDER BY user");
        self.rows(sql, &[], read)
    }

    /// One account.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another tenant's.
    pub fn account(&self, id: AccountId) -> Result<Account> {
        let sql = tenant_sql!("SELECT * FROM accounts WHERE tenant_id = :tenant AND id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "phone account", id: id.0 })
    }

    /// The secrets of one account, opened with the box key.
    ///
    /// # Errors
    /// [`Error::Key`] when the key file is not the one that sealed them.
    pub fn account_secrets(&self, id: AccountId) -> Result<AccountSecrets> {
        let sql = tenant_sql!(
            "SELECT user, secret, ha1 FROM accounts WHERE tenant_id = :tenant AND id = :id"
        );
        let found = self.row(sql, &[(":id", &id.0)], |row| {
            let (user, secret, ha1): (String, Vec<u8>, Vec<u8>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(AccountSecrets {
                secret: self.key().open(&place("secret", self.tenant(), &user), &secret)?,
                ha1: self.key().open(&place("ha1", self.tenant(), &user), &ha1)?,
            })
        })?;
        found.ok_or(Error::NotFound { what: "phone account", id: id.0 })
    }
}

fn place(column: &str, tenant: TenantId, user: &str) -> String {
    format!("accounts.{column}/{tenant}/{user}")
}

fn read(row: &Row<'_>) -> Result<Account> {
    Ok(Account {
        id: AccountId(row.get("id")?),
        tenant: TenantId(row.get("tenant_id")?),
        user: row.get("user")?,
        label: row.get("label")?,
        calls_max: row.get("calls_max")?,
        disabled: row.get("disabled")?,
    })
}

pub(crate) fn save(edit: &mut Edit<'_>, account: &SaveAccount) -> Result<Applied> {
    let sealed = match &account.secrets {
        Some(s) => {
            let at = |column| place(column, edit.tenant(), &account.user);
            Some((edit.key().seal(&at("secret"), &s.secret)?, edit.key().seal(&at("ha1"), &s.ha1)?))
        }
        None => None,
    };
    let id = match (account.id, &sealed) {
        (None, None) => {
            return Err(Error::NotAllowed("a new phone account needs a password".into()));
        }
        (None, Some((secret, ha1))) => add(edit, account, secret, ha1)?,
        (Some(id), _) => change(edit, account, id, sealed.as_ref())?,
    };
    if !account.disabled && edit.accounts_of_box()? > ACCOUNTS_MAX {
        return Err(Error::Full { what: "phones", max: ACCOUNTS_MAX });
    }
    edit.bump_desired()?;
    let payload = json!({
        "user": account.user, "calls_max": account.calls_max, "disabled": account.disabled,
        "secret_changed": sealed.is_some(),
    });
    edit.event(Event { kind: "account_saved", row: id, payload, personal: None })?;
    Ok(Applied::Id(id))
}

fn add(edit: &Edit<'_>, account: &SaveAccount, secret: &[u8], ha1: &[u8]) -> Result<i64> {
    let sql = tenant_sql!(
        "INSERT INTO accounts
           (tenant_id, user, label, secret, ha1, calls_max, disabled, created_at)
         VALUES (:tenant, :user, :label, :secret, :ha1, :calls_max, :disabled, :at)"
    );
    edit.insert(
        sql,
        &[
            (":user", &account.user),
            (":label", &account.label),
            (":secret", &secret),
            (":ha1", &ha1),
            (":calls_max", &account.calls_max),
            (":disabled", &account.disabled),
            (":at", &edit.at().0),
        ],
    )
}

fn change(
    edit: &Edit<'_>,
    account: &SaveAccount,
    id: AccountId,
    sealed: Option<&(Vec<u8>, Vec<u8>)>,
) -> Result<i64> {
    let sql = tenant_sql!(
        "UPDATE accounts SET label = :label, secret = ifnull(:secret, secret),
           ha1 = ifnull(:ha1, ha1), calls_max = :calls_max, disabled = :disabled
         WHERE tenant_id = :tenant AND id = :id AND user = :user"
    );
    edit.run_on(
        "phone account",
        id.0,
        sql,
        &[
            (":id", &id.0),
            (":user", &account.user),
            (":label", &account.label),
            (":secret", &sealed.map(|s| &s.0)),
            (":ha1", &sealed.map(|s| &s.1)),
            (":calls_max", &account.calls_max),
            (":disabled", &account.disabled),
        ],
    )?;
    Ok(id.0)
}
