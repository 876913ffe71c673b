//! Sessions of the console and tokens of programs. Only hashes of tokens are kept.

use call::{PersonId, Stamp, TenantId};
use rusqlite::Row;
use serde_json::json;

use crate::chain::{Event, Personal};
use crate::error::Result;
use crate::job::{Applied, TokenId};
use crate::scope::{BoxEdit, BoxView, Edit, View, box_sql, tenant_sql};
use crate::words::{json as json_column, stamp, to_json};

/// The SHA-256 of a random token; the token itself is only in the cookie or with the program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token as it was presented.
    #[must_use]
    pub fn of(token: &str) -> TokenHash {
        use sha2::{Digest, Sha256};
        TokenHash(Sha256::digest(token.as_bytes()).into())
    }
}

impl core::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// A session that has not run out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// In whose name.
    pub tenant: TenantId,
    /// Whose.
    pub person: PersonId,
    /// When it began.
    pub created_at: Stamp,
    /// When it runs out.
    pub expires_at: Stamp,
}

/// A new token for a program.
#[derive(Clone, Debug)]
pub struct SaveToken {
    /// Its name; unique in the tenant.
    pub name: String,
    /// Its hash.
    pub token: TokenHash,
    /// What it may do: words of centerd's table of rights.
    pub rights: Vec<String>,
    /// When it runs out, if ever.
    pub expires_at: Option<Stamp>,
}

/// A program's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// In whose name.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub rights: Vec<String>,
    /// When it was made.
    pub created_at: Stamp,
    /// When it runs out.
    pub expires_at: Option<Stamp>,
    /// When it was taken back.
    pub revoked_at: Option<Stamp>,
}

impl BoxView<'_> {
    /// The session of a cookie, unless it has run out at `now` or its person is disabled.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn session(&self, token: TokenHash, now: Stamp) -> Result<Option<Session>> {
        let sql = box_sql!(
            "SELECT s.* FROM sessions s JOIN persons p ON p.id = s.person_id
             WHERE s.token_hash = :token AND s.expires_at > :now AND NOT p.disabled"
        );
        self.row(sql, &[(":token", &token.0), (":now", &now.0)], |row| {
            Ok(Session {
                tenant: TenantId(row.get("tenant_id")?),
                person: PersonId(row.get("person_id")?),
                created_at: Stamp(row.get("created_at")?),
                expires_at: Stamp(row.get("expires_at")?),
            })
        })
    }

    /// The program's token, unless it is revoked or has run out at `now`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn api_token(&self, token: TokenHash, now: Stamp) -> Result<Option<ApiToken>> {
        let sql = box_sql!(
            "SELECT * FROM api_tokens WHERE token_hash = :token AND revoked_at IS NULL
               AND (expires_at IS NULL OR expires_at > :now)"
        );
        self.row(sql, &[(":token", &token.0), (":now", &now.0)], read_token)
    }
}

impl View<'_> {
    /// The tenant's tokens, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        let sql = tenant_sql!("SELECT * FROM api_tokens WHERE tenant_id = :tenant ORDER BY name");
        self.rows(sql, &[], read_token)
    }
}

fn read_token(row: &Row<'_>) -> Result<ApiToken> {
    Ok(ApiToken {
        id: TokenId(row.get("id")?),
        tenant: TenantId(row.get("tenant_id")?),
        name: row.get("name")?,
        rights: json_column(row, "rights")?,
        created_at: Stamp(row.get("created_at")?),
        expires_at: stamp(row, "expires_at")?,
        revoked_at: stamp(row, "revoked_at")?,
    })
}

pub(crate) fn open(
    edit: &mut Edit<'_>,
    person: PersonId,
    token: TokenHash,
    expires_at: Stamp,
    remote: &str,
) -> Result<Applied> {
    let sql = tenant_sql!(
        "INSERT INTO sessions (token_hash, tenant_id, person_id, created_at, expires_at, remote)
         VALUES (:token, :tenant, :person, :at, :expires_at, :remote)"
    );
    edit.run(
        sql,
        &[
            (":token", &token.0),
            (":person", &person.0),
            (":at", &edit.at().0),
            (":expires_at", &expires_at.0),
            (":remote", &remote),
        ],
    )?;
    let payload = json!({ "expires_at": expires_at });
    // From where, for whoever looks whether it was really this person.
    let personal = Some(Personal { lead: call::LeadId(0), text: remote });
    edit.event(Event { kind: "session_opened", row: person.0, payload, personal })?;
    Ok(Applied::Done)
}

/// The session is in use: it lasts longer. No event: a click is none.
pub(crate) fn keep(edit: &Edit<'_>, token: TokenHash, expires_at: Stamp) -> Result<Applied> {
    let sql = tenant_sql!(
        "UPDATE sessions SET expires_at = :expires_at
         WHERE tenant_id = :tenant AND token_hash = :token AND expires_at < :expires_at"
    );
    let kept = edit.run(sql, &[(":token", &token.0), (":expires_at", &expires_at.0)])?;
    Ok(if kept == 0 { Applied::Unchanged } else { Applied::Done })
}

pub(crate) fn close(edit: &mut Edit<'_>, token: TokenHash) -> Result<Applied> {
    let sql = tenant_sql!(
        "DELETE FROM sessions WHERE tenant_id = :tenant AND token_hash = :token
         RETURNING person_id"
    );
    let person: Option<i64> = edit.row(sql, &[(":token", &token.0)], |r| Ok(r.get(0)?))?;
    let Some(person) = person else { return Ok(Applied::Unchanged) };
    let payload = json!({});
    edit.event(Event { kind: "session_closed", row: person, payload, personal: None })?;
    Ok(Applied::Done)
}

pub(crate) fn close_all(edit: &mut Edit<'_>, person: PersonId) -> Result<()> {
    let sql = tenant_sql!("DELETE FROM sessions WHERE tenant_id = :tenant AND person_id = :person");
    edit.run(sql, &[(":person", &person.0)]).map(|_| ())
}

/// A name or an address is locked out that belongs to nobody: of the box, so that the operator reads
/// it. Both are personal.
pub(crate) fn note_guessing(edit: &mut BoxEdit<'_>, who: &str, until: Stamp) -> Result<Applied> {
    let payload = json!({ "locked_until": until });
    let personal = Some(Personal { lead: call::LeadId(0), text: who });
    edit.event(None, Event { kind: "guessing_locked", row: 0, payload, personal })?;
    Ok(Applied::Done)
}

pub(crate) fn prune(edit: &BoxEdit<'_>) -> Result<Applied> {
    let sql = box_sql!("DELETE FROM sessions WHERE expires_at <= :now");
    let gone = edit.run(sql, &[(":now", &edit.at().0)])?;
    Ok(if gone == 0 { Applied::Unchanged } else { Applied::Done })
}

pub(crate) fn add_token(edit: &mut Edit<'_>, token: &SaveToken) -> Result<Applied> {
    let sql = tenant_sql!(
        "INSERT INTO api_tokens (tenant_id, name, token_hash, rights, created_at, expires_at)
         VALUES (:tenant, :name, :token, :rights, :at, :expires_at)"
    );
    let id = edit.insert(
        sql,
        &[
            (":name", &token.name),
            (":token", &token.token.0),
            (":rights", &to_json(&token.rights)?),
            (":at", &edit.at().0),
            (":expires_at", &token.expires_at.map(|s| s.0)),
        ],
    )?;
    let payload = json!({
        "name": token.name, "rights": token.rights, "expires_at": token.expires_at,
    });
    edit.event(Event { kind: "token_added", row: id, payload, personal: None })?;
    Ok(Applied::Id(id))
}

pub(crate) fn revoke_token(edit: &mut Edit<'_>, token: TokenId) -> Result<Applied> {
    let sql = tenant_sql!(
        "UPDATE api_tokens SET revoked_at = ifnull(revoked_at, :at)
         WHERE tenant_id = :tenant AND id = :id"
    );
    edit.run_on("token", token.0, sql, &[(":id", &token.0), (":at", &edit.at().0)])?;
    edit.event(Event { kind: "token_revoked", row: token.0, payload: json!({}), personal: None })?;
    Ok(Applied::Done)
}
