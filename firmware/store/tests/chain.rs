//! Somebody has been at the chain of events: is it seen, and where?
#![allow(clippy::unwrap_used, missing_docs)]

mod office;

use std::path::Path;

use office::*;
use rusqlite::Connection;
use store::Store;
use store::chain::Broken;

/// An office on disk with some events; then `tamper` goes at the file behind the store's back.
fn tampered(tamper: impl FnOnce(&Connection)) -> (Store, i64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("box.db");
    let last = {
        let mut store = Store::open(&path, key(), "box-1", NOON).unwrap();
        let tenant = tenant(&mut store, "one");
        let campaign = campaign(&mut store, tenant, "spring");
        import(&mut store, tenant, campaign, 0, 5);
        claim(&mut store, NOON, tenant, campaign, 5);
        store.head().seq
    };
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    tamper(&conn);
    drop(conn);
    (reopen(&path), last)
}

fn reopen(path: &Path) -> Store {
    Store::open(path, key(), "box-1", NOON).unwrap()
}

fn run(sql: &str) -> impl FnOnce(&Connection) {
    let sql = sql.to_owned();
    move |conn| {
        assert!(conn.execute_batch(&sql).is_ok(), "{sql}");
        assert!(conn.changes() > 0, "{sql}");
    }
}

#[test]
fn an_untouched_chain_is_sound_in_whole_and_in_parts() {
    let (store, last) = tampered(|_| {});
    let whole = store.verify(1, None, None).unwrap().unwrap();
    assert_eq!(whole.events, last.cast_unsigned());
    assert_eq!(store.verify(3, Some(6), None).unwrap().unwrap().events, 4);
    assert!(store.verify(1, None, Some(&store.head())).unwrap().is_ok());
}

#[test]
fn a_changed_field_a_missing_row_and_a_swap_are_each_seen_where_they_are() {
    for column in [
        "at = at + 1",
        "tenant_id = 9",
        "actor = 'p1'",
        "kind = 'x'",
        "row_id = 99",
        "payload = '{}'",
        "hash = zeroblob(32)",
        "personal_hash = zeroblob(32)",
    ] {
        let (store, _) = tampered(run(&format!("UPDATE events SET {column} WHERE seq = 6")));
        assert_eq!(store.verify(1, None, None).unwrap(), Err(Broken::Altered(6)), "{column}");
        assert!(store.verify(1, Some(5), None).unwrap().is_ok(), "{column}");
    }
    let (store, _) = tampered(run("DELETE FROM events WHERE seq = 4"));
    assert_eq!(store.verify(1, None, None).unwrap(), Err(Broken::Missing(4)));
    let (store, _) = tampered(run(
        "UPDATE events SET seq = -1 WHERE seq = 6; UPDATE events SET seq = 6 WHERE seq = 7;
         UPDATE events SET seq = 7 WHERE seq = -1;",
    ));
    assert_eq!(store.verify(1, None, None).unwrap(), Err(Broken::Altered(6)));
}

#[test]
fn a_cut_tail_is_seen_by_the_head_and_a_cut_head_by_the_anchor() {
    let anchor = tampered(|_| {}).0.head();
    let (store, last) = tampered(run("DELETE FROM events WHERE seq > 8"));
    assert_eq!(store.verify(1, None, None).unwrap(), Err(Broken::Missing(9)));
    assert!(last > 9);
    let (store, _) = tampered(run("DELETE FROM events WHERE seq > 8;
         UPDATE chain_head SET seq = 8, hash = (SELECT hash FROM events WHERE seq = 8)"));
    assert!(store.verify(1, None, None).unwrap().is_ok(), "only the anchor can know");
    assert_eq!(store.verify(1, None, Some(&anchor)).unwrap(), Err(Broken::Missing(anchor.seq)));
}

#[test]
fn changed_personal_data_is_seen_and_erased_data_is_not_a_fault() {
    let (store, _) = tampered(run("UPDATE event_personal SET text = '+8613900000000'"));
    assert!(matches!(store.verify(1, None, None).unwrap(), Err(Broken::Personal(_))));
    let (store, _) = tampered(run("DELETE FROM event_personal"));
    assert_eq!(store.verify(1, None, None).unwrap().unwrap().erased, 5);
}
