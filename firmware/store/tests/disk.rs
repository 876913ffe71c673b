//! The disk, the threads and the other connections: full, slow, shared, copied.
#![allow(clippy::unwrap_used, missing_docs)]

mod office;

use std::sync::mpsc;
use std::time::Duration;

use call::{Epoch, TenantId};
use office::*;
use store::accounts::{AccountSecrets, SaveAccount};
use store::trunks::SaveTrunk;
use store::{
    Applied, BoxChange, Error, Filter, Page, Reader, Secret, Store, TenantChange, Writer, backup,
    limits,
};

#[test]
fn a_job_that_fails_is_undone_alone_and_its_neighbours_stand() {
    let (mut store, tenant, campaign) = office(2);
    let claim = TenantChange::ClaimLeads { campaign, count: 1, epoch: Epoch(1) };
    let other = call::CampaignId(99);
    let bad = TenantChange::OpenBatch { campaign: other, file_name: "x".into() };
    let jobs = [claim.clone(), bad, claim].map(|change| of(NOON, tenant, change));
    let answers = store.apply_group(&jobs);
    assert!(matches!(answers[0], Ok(Applied::Claimed(_))));
    assert_eq!(answers[1], Err(Error::Dangling));
    assert!(matches!(answers[2], Ok(Applied::Claimed(_))));
    assert!(store.verify(1, None, None).unwrap().is_ok());
}

#[test]
fn a_full_disk_fails_the_whole_group_by_name_and_half_applies_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("box.db");
    let mut store = Store::open(&path, key(), "box-1", NOON).unwrap();
    let tenant = tenant(&mut store, "one");
    let campaign = campaign(&mut store, tenant, "spring");
    import(&mut store, tenant, campaign, 0, 10);
    let batch = batch(&mut store, tenant, campaign);
    let head = store.head();
    let full = store.pages().unwrap();
    store.limit_pages(full).unwrap();
    let rows = (1..=2_000).map(|r| row(r, 1_000 + u64::from(r))).collect();
    let jobs = [
        TenantChange::SetSetting { key: "k".into(), value: 1.into() },
        TenantChange::ImportRows { batch, rows },
    ]
    .map(|change| of(NOON, tenant, change));
    assert_eq!(store.apply_group(&jobs), [Err(Error::DiskFull), Err(Error::DiskFull)]);
    assert_eq!(store.head(), head);
    assert_eq!(store.tenant(tenant).setting("k").unwrap(), None);
    assert_eq!(store.tenant(tenant).batch(batch).unwrap().counts.total(), 0);
    store.limit_pages(1_000_000).unwrap();
    assert!(store.apply_group(&jobs).iter().all(Result::is_ok), "room again: it goes on");
    drop(store);
    let store = Store::open(&path, key(), "another", NOON).unwrap();
    assert_eq!(store.box_id(), "box-1");
    assert!(store.verify(1, None, None).unwrap().is_ok());
    store.check().unwrap();
}

fn on_disk() -> (tempfile::TempDir, Store, TenantId, call::CampaignId) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("box.db");
    let mut store = Store::open(&path, key(), "box-1", NOON).unwrap();
    let tenant = tenant(&mut store, "one");
    let campaign = campaign(&mut store, tenant, "spring");
    (folder, store, tenant, campaign)
}

#[test]
fn the_writer_answers_after_the_commit_and_readers_see_it_then() {
    let (folder, store, tenant, campaign) = on_disk();
    let path = folder.path().join("box.db");
    let reader = Reader::open(&path, key()).unwrap();
    let (writer, thread) = Writer::start(store).unwrap();
    let change = TenantChange::OpenBatch { campaign, file_name: "x".into() };
    let batch = writer.submit(of(NOON, tenant, change)).unwrap().wait().unwrap();
    let batch = store::BatchId(batch.id().unwrap());
    let (sender, receiver) = mpsc::sync_channel(4);
    for chunk in 0..4_u32 {
        let rows = (1..=500).map(|r| row(chunk * 500 + r, u64::from(chunk * 500 + r))).collect();
        let job = of(NOON, tenant, TenantChange::ImportRows { batch, rows });
        let (reader, sender) = (reader.clone(), sender.clone());
        writer
            .submit_with(job, move |answer| {
                let seen = reader.tenant(tenant, |view| view.batch(batch)).unwrap();
                sender.send((answer.is_ok(), seen.counts.total())).unwrap();
            })
            .unwrap();
    }
    for chunk in 1..=4 {
        let (good, seen) = receiver.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(good && seen >= chunk * 500, "{seen} after chunk {chunk}");
    }
    writer.stop();
    let job = of_box(NOON, BoxChange::BumpDesired);
    assert_eq!(writer.submit(job).map(|_| ()), Err(Error::Stopped));
    thread.join().unwrap().check().unwrap();
}

#[test]
fn a_full_queue_is_told_at_once_and_every_taken_job_is_answered() {
    let (_folder, store, tenant, campaign) = on_disk();
    let (writer, thread) = Writer::start(store).unwrap();
    let (gate, wait) = mpsc::sync_channel::<()>(1);
    // The first answer holds the writer's thread, so that what follows piles up.
    let first = of_box(NOON, BoxChange::BumpDesired);
    writer.submit_with(first, move |_| wait.recv().unwrap()).unwrap();
    let chunk =
        || of(NOON, tenant, TenantChange::ImportRows { batch: store::BatchId(1), rows: vec![] });
    let mut tickets = Vec::new();
    let refused = loop {
        match writer.submit(chunk()) {
            Ok(ticket) => tickets.push(ticket),
            Err(error) => break error,
        }
        assert!(tickets.len() <= 2 * limits::BULK_JOBS_MAX);
    };
    assert_eq!(refused, Error::QueueFull(limits::BULK_JOBS_MAX));
    let change = TenantChange::OpenBatch { campaign, file_name: "x".into() };
    tickets.push(writer.submit(of(NOON, tenant, change)).unwrap());
    gate.send(()).unwrap();
    for ticket in tickets {
        assert_ne!(ticket.wait(), Err(Error::Stopped));
    }
    writer.stop();
    thread.join().unwrap();
}

#[test]
fn a_query_past_its_time_is_stopped_and_its_connection_serves_on() {
    let (folder, mut store, tenant, campaign) = on_disk();
    for part in 0..5 {
        import(&mut store, tenant, campaign, part * 2_000, 2_000);
    }
    let reader = Reader::open(&folder.path().join("box.db"), key()).unwrap();
    for _ in 0..2 * limits::READERS_MAX {
        let slow = reader.tenant_within(Duration::ZERO, tenant, |view| view.lead_counts(campaign));
        assert_eq!(slow, Err(Error::TooSlow(0)));
    }
    let counts = reader.tenant(tenant, |view| view.lead_counts(campaign)).unwrap();
    assert_eq!(counts[0].leads, 10_000);
}

#[test]
fn secrets_lie_sealed_and_open_only_with_the_box_key() {
    let (folder, mut store, tenant, _) = on_disk();
    let trunk = SaveTrunk {
        id: None,
        name: "carrier".into(),
        settings: serde_json::json!({ "host": "127.0.0.1" }),
        secret: Some(Secret::new("trunk-hush")),
        disabled: false,
    };
    let before = store.whole().desired_version().unwrap();
    let trunk = store.apply(&of_box(NOON, BoxChange::SaveTrunk(trunk))).unwrap().id().unwrap();
    let account = SaveAccount {
        id: None,
        user: "1001".into(),
        label: "desk 1".into(),
        secrets: Some(AccountSecrets {
            secret: Secret::new("phone-hush"),
            ha1: Secret::new("d41d8"),
        }),
        calls_max: 2,
        disabled: false,
    };
    let account = of(NOON, tenant, TenantChange::SaveAccount(account));
    let account = call::AccountId(store.apply(&account).unwrap().id().unwrap());
    assert_eq!(store.whole().desired_version().unwrap(), before + 2);
    let opened = store.whole().trunk_secret(call::TrunkId(trunk)).unwrap().unwrap();
    assert_eq!(opened.reveal(), "trunk-hush");
    let opened = store.tenant(tenant).account_secrets(account).unwrap();
    assert_eq!((opened.secret.reveal(), opened.ha1.reveal()), ("phone-hush", "d41d8"));
    drop(store);
    let path = folder.path().join("box.db");
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(4).any(|w| w == b"hush"));
    let thief = Store::open(&path, store::BoxKey::from_bytes([9; 32]), "x", NOON).unwrap();
    assert!(matches!(thief.tenant(tenant).account_secrets(account), Err(Error::Key(_))));
}

#[test]
fn a_backup_taken_while_the_box_works_is_sound_and_complete() {
    let (folder, mut store, tenant, campaign) = on_disk();
    import(&mut store, tenant, campaign, 0, 2_000);
    let (from, to) = (folder.path().join("box.db"), folder.path().join("copy.db"));
    let mut steps = 0;
    backup::backup(&from, &to, |_| steps += 1).unwrap();
    claim(&mut store, NOON, tenant, campaign, 1);
    backup::check_file(&to).unwrap();
    let copy = Store::open(&to, key(), "x", NOON).unwrap();
    assert_eq!(copy.tenant(tenant).lead_counts(campaign).unwrap()[0].leads, 2_000);
    assert!(copy.verify(1, None, None).unwrap().is_ok());
    assert!(copy.tenant(tenant).attempts(&Filter::default(), Page::first(1)).unwrap().is_empty());
}

#[test]
fn epochs_and_reserved_ids_never_come_twice() {
    let (folder, mut store, ..) = on_disk();
    let epoch = of_box(NOON, BoxChange::BeginEpoch);
    assert_eq!(store.apply(&epoch).unwrap(), Applied::Epoch(Epoch(1)));
    let reserve = of_box(NOON, BoxChange::ReserveRecordings { count: 10 });
    assert_eq!(store.apply(&reserve).unwrap(), Applied::Recordings(call::RecordingId(1)));
    drop(store);
    let path = folder.path().join("box.db");
    let mut store = Store::open(&path, key(), "box-1", NOON).unwrap();
    assert_eq!(store.apply(&epoch).unwrap(), Applied::Epoch(Epoch(2)));
    assert_eq!(store.apply(&reserve).unwrap(), Applied::Recordings(call::RecordingId(11)));
}
