//! The chain of events: outbox, audit and dialling ledger in one table.
//!
//! ```text
//! hash(n) = SHA-256( label · box id · seq · at · tenant · actor · kind · row · payload
//!                    · personal hash · hash(n-1) )         each field length-prefixed
//! personal hash = SHA-256( label · salt · personal text )
//! ```
//!
//! A changed row, a missing row and two swapped rows each break the chain at a seq that [`verify`]
//! names. Rows cut off at the end are seen against the head row and, when somebody has cut that
//! too, against an [`Anchor`] kept outside the box. Personal data (numbers, names) lies beside the
//! chain with a salt of its own; erasing it leaves the chain whole and the hash meaningless.

use call::{LeadId, Stamp, TenantId};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::job::Actor;
use crate::seal::random;

const EVENT_LABEL: &[u8] = b"linebox event 1";
const PERSONAL_LABEL: &[u8] = b"linebox personal 1";
const SALT_BYTES: usize = 16;

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The last event: what the next one is chained to. Seq 0 and a zero hash before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its seq.
    pub seq: i64,
    /// Its hash.
    pub hash: Hash,
}

/// A head noted earlier, outside the box: the chain must still pass through it.
pub type Anchor = Head;

/// What is appended.
pub(crate) struct Event<'a> {
    /// What happened, one snake-case word.
    pub(crate) kind: &'static str,
    /// The row it happened to.
    pub(crate) row: i64,
    /// The facts, without personal data.
    pub(crate) payload: serde_json::Value,
    /// Personal data that belongs to it.
    pub(crate) personal: Option<Personal<'a>>,
}

/// Personal data of an event: kept beside the chain, erasable.
pub(crate) struct Personal<'a> {
    /// Whose; 0 when it is not a lead.
    pub(crate) lead: LeadId,
    /// A number or a name.
    pub(crate) text: &'a str,
}

/// One event as the outbox reads it. `(box id, seq)` names it anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRow {
    /// Its place in the chain.
    pub seq: i64,
    /// When the job happened.
    pub at: Stamp,
    /// Whose; 0 for the box.
    pub tenant: TenantId,
    /// Who did it: see [`Actor`].
    pub actor: String,
    /// What happened.
    pub kind: String,
    /// The row it happened to.
    pub row: i64,
    /// JSON of the facts.
    pub payload: String,
    /// Personal data, until it is erased.
    pub personal: Option<String>,
}

/// The result of a sound [`verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Events checked.
    pub events: u64,
    /// Events whose personal data has been erased.
    pub erased: u64,
}

/// Where and how the chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An event is missing.
    #[error("event {0} is missing")]
    Missing(i64),
    /// An event (or the one before it) is not what was written.
    #[error("event {0} was altered or moved")]
    Altered(i64),
    /// The personal data beside an event is not what was written.
    #[error("the personal data of event {0} was altered")]
    Personal(i64),
    /// The chain does not end where its head says, or does not pass through the anchor.
    #[error("the chain does not pass through event {0} as it was noted")]
    Anchor(i64),
}

pub(crate) fn load_head(conn: &Connection) -> Result<Head> {
    let row = conn
        .query_row("SELECT seq, hash FROM chain_head", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    Ok(row.map_or_else(Head::default, |(seq, hash)| Head { seq, hash }))
}

pub(crate) fn append(
    conn: &Connection,
    head: &mut Head,
    box_id: &str,
    at: Stamp,
    actor: Actor,
    tenant: TenantId,
    event: Event<'_>,
) -> Result<()> {
    let seq = head.seq + 1;
    let payload = event.payload.to_string();
    let actor = actor.to_string();
    let salted = match &event.personal {
        Some(personal) => {
            let salt: [u8; SALT_BYTES] = random()?;
            Some((salt, personal_hash(&salt, personal.text), personal))
        }
        None => None,
    };
    let written = Written {
        seq,
        at: at.0,
        tenant: tenant.0,
        actor: &actor,
        kind: event.kind,
        row: event.row,
        payload: &payload,
        personal_hash: salted.as_ref().map(|(_, hash, _)| hash.as_slice()),
    };
    let hash = written.hash(box_id, &head.hash);
    conn.prepare_cached(
        "INSERT INTO events (seq, at, tenant_id, actor, kind, row_id, payload, personal_hash, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        seq,
        at.0,
        tenant.0,
        actor,
        event.kind,
        event.row,
        payload,
        written.personal_hash,
        hash
    ])?;
    if let Some((salt, _, personal)) = salted {
        conn.prepare_cached(
            "INSERT INTO event_personal (seq, tenant_id, lead_id, salt, text)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![seq, tenant.0, personal.lead.0, salt, personal.text])?;
    }
    *head = Head { seq, hash };
    Ok(())
}

/// Writes the head beside the chain; once per transaction.
pub(crate) fn save_head(conn: &Connection, head: &Head) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO chain_head (one, seq, hash) VALUES (1, ?1, ?2)")?
        .execute(params![head.seq, head.hash])?;
    Ok(())
}

struct Written<'a> {
    seq: i64,
    at: i64,
    tenant: i64,
    actor: &'a str,
    kind: &'a str,
    row: i64,
    payload: &'a str,
    personal_hash: Option<&'a [u8]>,
}

impl Written<'_> {
    fn hash(&self, box_id: &str, before: &Hash) -> Hash {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        field(EVENT_LABEL);
        field(box_id.as_bytes());
        field(&self.seq.to_le_bytes());
        field(&self.at.to_le_bytes());
        field(&self.tenant.to_le_bytes());
        field(self.actor.as_bytes());
        field(self.kind.as_bytes());
        field(&self.row.to_le_bytes());
        field(self.payload.as_bytes());
        field(self.personal_hash.unwrap_or(&[]));
        field(before);
        hash.finalize().into()
    }
}

fn personal_hash(salt: &[u8], text: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(PERSONAL_LABEL);
    hash.update((salt.len() as u64).to_le_bytes());
    hash.update(salt);
    hash.update(text.as_bytes());
    hash.finalize().into()
}

/// Checks the events `from..=to` (both from 1; `to` `None`: up to the head, which must be there),
/// and that the chain passes through `anchor`. The inner result is the verdict on the chain, the
/// outer one whether it could be read.
///
/// # Errors
/// Only when the database cannot be read.
pub(crate) fn verify(
    conn: &Connection,
    box_id: &str,
    from: i64,
    to: Option<i64>,
    anchor: Option<&Anchor>,
) -> Result<core::result::Result<Verified, Broken>> {
    let from = from.max(1);
    let head = load_head(conn)?;
    let last = to.unwrap_or(head.seq);
    let before: Option<Hash> = conn
        .query_row("SELECT hash FROM events WHERE seq = ?1", [from - 1], |r| r.get(0))
        .optional()?;
    let Some(mut before) = before.or((from == 1).then(Hash::default)) else {
        return Ok(Err(Broken::Missing(from - 1)));
    };
    let mut stmt = conn.prepare(
        "SELECT e.seq, e.at, e.tenant_id, e.actor, e.kind, e.row_id, e.payload, e.personal_hash,
                e.hash, p.salt, p.text
         FROM events e LEFT JOIN event_personal p ON p.seq = e.seq
         WHERE e.seq >= ?1 AND (?2 IS NULL OR e.seq <= ?2) ORDER BY e.seq",
    )?;
    let mut rows = stmt.query(params![from, to])?;
    let mut done = Verified { events: 0, erased: 0 };
    let mut expected = from;
    while let Some(row) = rows.next()? {
        let bytes = |at: usize| row.get_ref(at).map_err(Error::from);
        let text = |at: usize| -> Result<&str> {
            bytes(at)?.as_str().map_err(|e| Error::Bug(e.to_string()))
        };
        let written = Written {
            seq: row.get(0)?,
            at: row.get(1)?,
            tenant: row.get(2)?,
            actor: text(3)?,
            kind: text(4)?,
            row: row.get(5)?,
            payload: text(6)?,
            personal_hash: bytes(7)?.as_blob_or_null().map_err(|e| Error::Bug(e.to_string()))?,
        };
        if written.seq != expected {
            return Ok(Err(Broken::Missing(expected)));
        }
        let hash = written.hash(box_id, &before);
        if bytes(8)?.as_blob().ok() != Some(hash.as_slice()) {
            return Ok(Err(Broken::Altered(expected)));
        }
        let salt: Option<Vec<u8>> = row.get(9)?;
        let personal: Option<String> = row.get(10)?;
        match (written.personal_hash, salt, personal) {
            (Some(hash), Some(salt), Some(text)) => {
                if personal_hash(&salt, &text) != hash {
                    return Ok(Err(Broken::Personal(expected)));
                }
            }
            (Some(_), _, _) => done.erased += 1,
            (None, None, None) => {}
            (None, _, _) => return Ok(Err(Broken::Personal(expected))),
        }
        if anchor.is_some_and(|a| a.seq == expected && a.hash != hash) {
            return Ok(Err(Broken::Anchor(expected)));
        }
        before = hash;
        done.events += 1;
        expected += 1;
    }
    if expected <= last {
        return Ok(Err(Broken::Missing(expected)));
    }
    if to.is_none() && (head != Head { seq: expected - 1, hash: before }) {
        return Ok(Err(Broken::Anchor(head.seq)));
    }
    if let Some(anchor) = anchor.filter(|a| to.is_none() && a.seq >= expected) {
        return Ok(Err(Broken::Missing(anchor.seq)));
    }
    Ok(Ok(done))
}

/// Events after `after`, at most `rows`: the outbox.
pub(crate) fn read(conn: &Connection, after: i64, rows: usize) -> Result<Vec<EventRow>> {
    let sql = "SELECT e.seq, e.at, e.tenant_id, e.actor, e.kind, e.row_id, e.payload, p.text
               FROM events e LEFT JOIN event_personal p ON p.seq = e.seq
               WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2";
    rows_of(conn, sql, after, rows)
}

/// Events before `before`, at most `rows`, the newest first: what people look at.
pub(crate) fn read_back(conn: &Connection, before: i64, rows: usize) -> Result<Vec<EventRow>> {
    let sql = "SELECT e.seq, e.at, e.tenant_id, e.actor, e.kind, e.row_id, e.payload, p.text
               FROM events e LEFT JOIN event_personal p ON p.seq = e.seq
               WHERE e.seq < ?1 ORDER BY e.seq DESC LIMIT ?2";
    rows_of(conn, sql, before, rows)
}

fn rows_of(conn: &Connection, sql: &str, from: i64, rows: usize) -> Result<Vec<EventRow>> {
    let mut stmt = conn.prepare_cached(sql)?;
    let rows = i64::try_from(rows.min(crate::limits::PAGE_ROWS_MAX)).unwrap_or(i64::MAX);
    let found = stmt.query_map(params![from, rows], |r| {
        Ok(EventRow {
            seq: r.get(0)?,
            at: Stamp(r.get(1)?),
            tenant: TenantId(r.get(2)?),
            actor: r.get(3)?,
            kind: r.get(4)?,
            row: r.get(5)?,
            payload: r.get(6)?,
            personal: r.get(7)?,
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
