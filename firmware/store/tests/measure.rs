//! How fast it is, beside a bare insert: `cargo test --release -p store --test measure -- --ignored
//! --nocapture`. Prints; fails only when it is so slow that something is broken.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod office;

use std::time::{Duration, Instant};

use call::Epoch;
use office::*;
use rusqlite::{Connection, params};
use store::{Applied, Filter, Page, Reader, Store, TenantChange, Writer, limits};

const ROWS: u32 = 300_000;

#[test]
#[ignore = "a measurement, not a check"]
fn import_claims_and_pages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("box.db");
    let mut store = Store::open(&path, key(), "box-1", NOON).unwrap();
    let tenant = tenant(&mut store, "one");
    let small = campaign(&mut store, tenant, "small");
    let big = campaign(&mut store, tenant, "big");
    for part in 0..10 {
        import(&mut store, tenant, small, part * 2_000, 2_000);
    }
    let batch = batch(&mut store, tenant, big);
    let (writer, thread) = Writer::start(store).unwrap();

    let importer = {
        let writer = writer.clone();
        std::thread::spawn(move || {
            let begun = Instant::now();
            let chunk = limits::IMPORT_ROWS_MAX as u32;
            for first in (0..ROWS).step_by(limits::IMPORT_ROWS_MAX) {
                let rows = (first + 1..=first + chunk).map(|r| row(r, u64::from(r))).collect();
                let change = TenantChange::ImportRows { batch, rows };
                writer.submit(of(NOON, tenant, change)).unwrap().wait().unwrap();
            }
            begun.elapsed()
        })
    };
    let mut waits = Vec::new();
    while !importer.is_finished() {
        let begun = Instant::now();
        let change = TenantChange::ClaimLeads { campaign: small, count: 4, epoch: Epoch(1) };
        let claimed = writer.submit(of(NOON, tenant, change)).unwrap().wait().unwrap();
        assert!(matches!(claimed, Applied::Claimed(_)));
        waits.push(begun.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = importer.join().unwrap();
    waits.sort();
    let rate = f64::from(ROWS) / took.as_secs_f64();
    println!("import: {rate:.0} rows/s with claims between");
    println!("bare insert, same columns and index: {:.0} rows/s", bare(folder.path()));
    println!(
        "claim of 4 during the import: p50 {:?} p99 {:?} max {:?} of {}",
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
        waits[waits.len() - 1],
        waits.len()
    );

    let begun = Instant::now();
    let mut tickets = Vec::new();
    for _ in 0..1_000 {
        let change = TenantChange::ClaimLeads { campaign: big, count: 1, epoch: Epoch(1) };
        tickets.push(writer.submit(of(NOON, tenant, change)).unwrap());
    }
    tickets.into_iter().for_each(|t| drop(t.wait().unwrap()));
    println!("1000 claims submitted at once: {:?}", begun.elapsed());

    let reader = Reader::open(&path, key()).unwrap();
    let begun = Instant::now();
    let filter = Filter { campaign: Some(big), ..Filter::default() };
    let rows = reader.tenant(tenant, |view| view.attempts(&filter, Page::first(100))).unwrap();
    println!("a page of {} attempts: {:?}", rows.len(), begun.elapsed());
    let begun = Instant::now();
    reader.tenant(tenant, |view| view.lead_counts(big)).unwrap();
    println!("counts by state over {ROWS} leads: {:?}", begun.elapsed());
    let begun = Instant::now();
    let sound = reader.verify(Duration::from_secs(60), 1, None, None).unwrap().unwrap();
    println!("chain of {} events verified in {:?}", sound.events, begun.elapsed());
    writer.stop();
    thread.join().unwrap();
    assert!(rate > 5_000.0);
}

/// The floor: the same rows into a table of the same shape, nothing else done.
fn bare(folder: &std::path::Path) -> f64 {
    let mut conn = Connection::open(folder.join("bare.db")).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch(
        "CREATE TABLE leads (id INTEGER PRIMARY KEY, tenant_id INTEGER, campaign_id INTEGER,
           number TEXT, raw TEXT, name TEXT, fields TEXT, state TEXT, created_at INTEGER) STRICT;
         CREATE UNIQUE INDEX n ON leads (campaign_id, number);
         CREATE INDEX f ON leads (campaign_id, id) WHERE state = 'new';",
    )
    .unwrap();
    let begun = Instant::now();
    for first in (0..ROWS).step_by(limits::IMPORT_ROWS_MAX) {
        let tx = conn.transaction().unwrap();
        {
            let mut stmt = tx
                .prepare_cached("INSERT INTO leads VALUES (NULL, 1, 1, ?1, ?2, ?3, ?4, 'new', 1)")
                .unwrap();
            for n in first..first + limits::IMPORT_ROWS_MAX as u32 {
                let name = format!("person {n}");
                let number = format!("+86138{n:08}");
                stmt.execute(params![number, &number[3..], name, r#"{"city":"Wuhan"}"#]).unwrap();
            }
        }
        tx.commit().unwrap();
    }
    f64::from(ROWS) / begun.elapsed().as_secs_f64()
}
