//! Schema versions: numbered SQL files, forward only, counted in `user_version`.
//!
//! Each file runs in one transaction with the count, so that a power cut leaves the old version or
//! the new one. A file that has been shipped is never edited; a new one is added below it.

use rusqlite::Connection;

use crate::error::{Error, Result};

/// The files in order: the first makes version 1.
const STEPS: &[&str] = &[
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_spans.sql"),
    include_str!("schema/0003_said.sql"),
];

/// The newest schema that this program knows.
pub const NEWEST: u32 = STEPS.len() as u32;

/// Brings the database to [`NEWEST`] and returns the version it had.
///
/// # Errors
/// [`Error::TooNew`] when a newer program has written it; nothing is touched then.
pub(crate) fn migrate(conn: &mut Connection) -> Result<u32> {
    let found = version(conn)?;
    if found > NEWEST {
        return Err(Error::TooNew { found, known: NEWEST });
    }
    migrate_to(conn, NEWEST)?;
    Ok(found)
}

fn version(conn: &Connection) -> Result<u32> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn migrate_to(conn: &mut Connection, target: u32) -> Result<()> {
    let found = version(conn)?;
    for (step, sql) in (1..).zip(STEPS) {
        if step <= found || step > target {
            continue;
        }
        let tx = conn.transaction()?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", step)?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(conn: &Connection) -> Vec<(String, String)> {
        let mut all = conn.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = all.query_map([], |r| Ok((r.get(0)?, r.get::<_, Option<String>>(1)?)));
        rows.unwrap().map(|r| r.map(|(n, s)| (n, s.unwrap_or_default())).unwrap()).collect()
    }

    #[test]
    fn every_earlier_version_and_the_empty_file_reach_the_newest_shape() {
        let mut fresh = Connection::open_in_memory().unwrap();
        assert_eq!(migrate(&mut fresh).unwrap(), 0);
        for start in 0..=NEWEST {
            let mut old = Connection::open_in_memory().unwrap();
            migrate_to(&mut old, start).unwrap();
            assert_eq!(version(&old).unwrap(), start);
            assert_eq!(migrate(&mut old).unwrap(), start);
            assert_eq!(version(&old).unwrap(), NEWEST);
            assert_eq!(shape(&old), shape(&fresh), "from version {start}");
        }
    }

    #[test]
    fn a_newer_database_is_refused_untouched() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.pragma_update(None, "user_version", NEWEST + 1).unwrap();
        let refused = Error::TooNew { found: NEWEST + 1, known: NEWEST };
        assert_eq!(migrate(&mut conn), Err(refused));
        assert!(shape(&conn).is_empty());
    }

    #[test]
    fn every_table_of_the_business_is_strict_and_carries_its_tenant() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        let of_the_box =
            ["box", "epochs", "box_settings", "tenants", "trunks", "spans", "chain_head"];
        for (name, sql) in shape(&conn) {
            if !sql.starts_with("CREATE TABLE") {
                continue;
            }
            assert!(sql.contains("STRICT"), "{name} is not strict");
            let carries = sql.contains("tenant_id");
            assert_eq!(carries, !of_the_box.contains(&name.as_str()), "{name}");
        }
    }
}
