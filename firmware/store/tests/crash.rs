//! The process is killed in the middle of its writing, again and again: what was acknowledged is
//! there, what is there is whole, and the chain is unbroken.
//!
//! SIGKILL shows that no acknowledgement runs ahead of the transaction. That a power cut keeps
//! what the kernel was told to sync is SQLite's `synchronous=FULL` and is not shown here.
#![allow(clippy::unwrap_used, missing_docs)]

mod office;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use call::{AttemptId, CampaignId, Cause, Epoch, Side, TenantId};
use dialer::attempt::Moment;
use dialer::lead::State;
use office::*;
use rusqlite::Connection;
use store::{Applied, Job, Progress, Reader, Store, TenantChange, Writer};

const DATABASE: &str = "LINEBOX_CRASH_TEST_DATABASE";
const TENANT: TenantId = TenantId(1);
const CAMPAIGN: CampaignId = CampaignId(1);
const ROUNDS: u64 = 20;
const LEADS: u32 = 2_000;

#[test]
fn a_killed_writer_loses_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("box.db");
    let mut store = Store::open(&path, key(), "box-1", NOON).unwrap();
    assert_eq!(tenant(&mut store, "one"), TENANT);
    assert_eq!(campaign(&mut store, TENANT, "spring"), CAMPAIGN);
    import(&mut store, TENANT, CAMPAIGN, 0, LEADS);
    drop(store);

    let begun = Instant::now();
    let (mut ended, mut killed, mut seed) = (BTreeSet::new(), 0, 20_261_120_u64);
    for round in 0..ROUNDS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = Duration::from_millis(20 + (seed >> 33) % 150);
        let acked = run_and_kill(&path, round, wait);
        killed += u32::from(!acked.is_empty());
        check(&path, &acked, &mut ended);
        if begun.elapsed() > Duration::from_secs(20) {
            break;
        }
    }
    assert!(killed >= 3, "only {killed} rounds wrote anything before they were killed");
    assert!(ended.len() > 20, "only {} attempts were ended", ended.len());
}

/// One acknowledged fact: the attempt and whether it has ended.
type Ack = (AttemptId, bool);

fn run_and_kill(path: &Path, round: u64, wait: Duration) -> Vec<Ack> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child_that_is_killed", "--nocapture"])
        .env(DATABASE, path)
        .env("LINEBOX_CRASH_TEST_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    while !first.contains("begun") && lines.read_line(&mut first).unwrap() > 0 {}
    std::thread::sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut acks = Vec::new();
    let mut line = String::new();
    // A line without its end was cut off by the kill: nobody has seen it.
    while lines.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
        let mut words = line.split_whitespace();
        if let (Some(what @ ("claimed" | "ended")), Some(id)) = (words.next(), words.next()) {
            acks.push((AttemptId(id.parse().unwrap()), what == "ended"));
        }
        line.clear();
    }
    acks
}

/// Claims, dials and ends leads as fast as it can, and tells every answer. Without the variable
/// this is no test and does nothing.
#[test]
fn the_child_that_is_killed() {
    let Ok(path) = std::env::var(DATABASE) else { return };
    let round: u32 = std::env::var("LINEBOX_CRASH_TEST_ROUND").unwrap().parse().unwrap();
    let now = NOON.after_ms(i64::from(round) * 100_000_000);
    let store = Store::open(Path::new(&path), key(), "box-1", now).unwrap();
    let left = store.recover().unwrap();
    let (writer, _thread) = Writer::start(store).unwrap();
    let submit = |change| writer.submit(Job::of_tenant(now, store::Actor::Box, TENANT, change));
    let tell = |what: &str, id: AttemptId| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{what} {}", id.0).unwrap();
        out.flush().unwrap();
    };
    tell("begun", AttemptId(0));
    for record in left {
        let change = TenantChange::EndAttempt {
            attempt: record.attempt.id,
            cause: Cause::Lost,
            by: Side::Box,
        };
        submit(change).unwrap().wait().unwrap();
        tell("ended", record.attempt.id);
    }
    loop {
        let change = TenantChange::ClaimLeads { campaign: CAMPAIGN, count: 4, epoch: Epoch(round) };
        let Applied::Claimed(attempts) = submit(change).unwrap().wait().unwrap() else { return };
        attempts.iter().for_each(|a| tell("claimed", a.id));
        let mut tickets = Vec::new();
        for attempt in &attempts {
            let progress =
                Progress { moments: vec![(Moment::Dialled, now)], ..Progress::default() };
            let attempt = attempt.id;
            submit(TenantChange::AttemptProgress { attempt, progress }).unwrap();
            let change =
                TenantChange::EndAttempt { attempt, cause: Cause::UserBusy, by: Side::Far };
            tickets.push((attempt, submit(change).unwrap()));
        }
        for (id, ticket) in tickets {
            ticket.wait().unwrap();
            tell("ended", id);
        }
    }
}

fn check(path: &Path, acked: &[Ack], ended_before: &mut BTreeSet<AttemptId>) {
    ended_before.extend(acked.iter().filter(|(_, ended)| *ended).map(|(id, _)| *id));
    let store = Store::open(path, key(), "box-1", NOON).unwrap();
    store.check().unwrap();
    store.verify(1, None, None).unwrap().unwrap();
    let view = store.tenant(TENANT);
    for (id, _) in acked {
        view.attempt(*id).unwrap();
    }
    for id in ended_before.iter() {
        assert!(view.attempt(*id).unwrap().attempt.end.is_some(), "{id} has lost its end");
    }
    // Every attempt in flight has its lead, and every lead in flight its attempt.
    let open = store.recover().unwrap();
    let by_attempt: BTreeSet<_> = open.iter().map(|r| (r.attempt.lead, r.attempt.id)).collect();
    let by_lead: BTreeSet<_> = in_flight(&view);
    assert_eq!(by_attempt, by_lead);
    drop(store);
    agree(path);
    Reader::open(path, key()).unwrap().whole(|view| view.tenants()).unwrap();
}

fn in_flight(view: &store::View<'_>) -> BTreeSet<(call::LeadId, AttemptId)> {
    let mut found = BTreeSet::new();
    for state in ["claimed", "dialing"] {
        let filter = store::leads::LeadFilter { state: Some(state), ..Default::default() };
        for lead in view.leads(CAMPAIGN, &filter, store::Page::first(500)).unwrap() {
            if let State::Claimed { attempt, .. } | State::Dialing { attempt, .. } = lead.life.state
            {
                found.insert((lead.id, attempt));
            }
        }
    }
    found
}

/// Records, roll-ups and events were written together, so they count the same.
fn agree(path: &Path) {
    let conn = Connection::open(path).unwrap();
    let count = |sql: &str| -> i64 { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
    let ended = count("SELECT count(*) FROM attempts WHERE state = 'ended'");
    let claimed = count("SELECT count(*) FROM attempts");
    assert_eq!(count("SELECT ifnull(sum(attempts), 0) FROM rollup_campaign_hour"), ended);
    assert_eq!(count("SELECT count(*) FROM events WHERE kind = 'attempt_ended'"), ended);
    assert_eq!(count("SELECT count(*) FROM events WHERE kind = 'attempt_claimed'"), claimed);
    assert_eq!(count("SELECT sum(dialled) FROM leads"), ended, "every end counts as dialled once");
    assert_eq!(count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
