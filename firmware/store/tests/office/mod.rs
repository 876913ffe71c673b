//! The office that the tests work in: a store with tenants, campaigns, agents and leads.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::missing_panics_doc,
    missing_docs
)]

use call::{AgentId, AttemptId, CampaignId, Cause, Epoch, Number, Side, Stamp, TenantId};
use dialer::agent::Reach;
use dialer::attempt::{Attempt, Moment};
use dialer::campaign::Settings;
use dialer::outcome::{DispositionSet, Language};
use store::agents::SaveAgent;
use store::batches::{ImportRow, Parsed};
use store::{
    Actor, Applied, BatchId, BoxChange, BoxKey, Job, Progress, Result, Store, TenantChange,
};

pub const NOON: Stamp = Stamp(1_790_000_000_000);

pub fn key() -> BoxKey {
    BoxKey::from_bytes([7; 32])
}

pub fn store() -> Store {
    Store::in_memory(key(), "box-1", NOON).unwrap()
}

pub fn of_box(at: Stamp, change: BoxChange) -> Job {
    Job::of_box(at, Actor::Box, change)
}

pub fn of(at: Stamp, tenant: TenantId, change: TenantChange) -> Job {
    Job::of_tenant(at, Actor::Box, tenant, change)
}

pub fn tenant(store: &mut Store, name: &str) -> TenantId {
    let change = BoxChange::AddTenant { name: name.into() };
    TenantId(store.apply(&of_box(NOON, change)).unwrap().id().unwrap())
}

pub fn settings(name: &str) -> Settings {
    Settings::new(name, DispositionSet::built_in(Language::En))
}

pub fn campaign(store: &mut Store, tenant: TenantId, name: &str) -> CampaignId {
    let settings = Box::new(settings(name));
    let change = TenantChange::SaveCampaign { campaign: None, settings };
    CampaignId(store.apply(&of(NOON, tenant, change)).unwrap().id().unwrap())
}

pub fn agent(store: &mut Store, tenant: TenantId, number: &str) -> AgentId {
    let change = TenantChange::SaveAgent(SaveAgent {
        id: None,
        number: number.into(),
        name: format!("agent {number}"),
        pin_hash: Some("$argon2id$".into()),
        person: None,
        account: None,
        language: Language::Zh,
        seat: Reach::NailedUp,
        disabled: false,
    });
    AgentId(store.apply(&of(NOON, tenant, change)).unwrap().id().unwrap())
}

pub fn number(n: u64) -> Number {
    format!("+86138{n:08}").parse().unwrap()
}

pub fn row(row: u32, n: u64) -> ImportRow {
    ImportRow {
        row,
        raw: format!("138{n:08},person {n}"),
        parsed: Parsed::Lead {
            number: number(n),
            number_raw: format!("138{n:08}"),
            name: format!("person {n}"),
            fields: r#"{"city":"Wuhan"}"#.into(),
            repaired: None,
        },
    }
}

pub fn batch(store: &mut Store, tenant: TenantId, campaign: CampaignId) -> BatchId {
    let change = TenantChange::OpenBatch { campaign, file_name: "list.csv".into() };
    BatchId(store.apply(&of(NOON, tenant, change)).unwrap().id().unwrap())
}

/// Imports `count` leads numbered from `first`.
pub fn import(store: &mut Store, tenant: TenantId, campaign: CampaignId, first: u64, count: u32) {
    let batch = batch(store, tenant, campaign);
    let rows = (1..=count).map(|r| row(r, first + u64::from(r))).collect();
    store.apply(&of(NOON, tenant, TenantChange::ImportRows { batch, rows })).unwrap();
    store.apply(&of(NOON, tenant, TenantChange::CloseBatch(batch))).unwrap();
}

pub fn claim(
    store: &mut Store,
    at: Stamp,
    tenant: TenantId,
    campaign: CampaignId,
    count: usize,
) -> Vec<Attempt> {
    let change = TenantChange::ClaimLeads { campaign, count, epoch: Epoch(1) };
    match store.apply(&of(at, tenant, change)).unwrap() {
        Applied::Claimed(attempts) => attempts,
        Applied::Unchanged => Vec::new(),
        other => panic!("a claim answered {other:?}"),
    }
}

pub fn progress(
    store: &mut Store,
    tenant: TenantId,
    attempt: AttemptId,
    moments: &[(Moment, Stamp)],
    agent: Option<AgentId>,
) -> Result<Applied> {
    let at = moments.last().map_or(NOON, |(_, at)| *at);
    let progress = Progress { moments: moments.to_vec(), agent, ..Progress::default() };
    store.apply(&of(at, tenant, TenantChange::AttemptProgress { attempt, progress }))
}

pub fn end(
    store: &mut Store,
    at: Stamp,
    tenant: TenantId,
    attempt: AttemptId,
    cause: Cause,
) -> Result<Applied> {
    store.apply(&of(at, tenant, TenantChange::EndAttempt { attempt, cause, by: Side::Far }))
}

/// An office with one tenant, one campaign and `leads` leads.
pub fn office(leads: u32) -> (Store, TenantId, CampaignId) {
    let mut store = store();
    let tenant = tenant(&mut store, "one");
    let campaign = campaign(&mut store, tenant, "spring");
    import(&mut store, tenant, campaign, 0, leads);
    (store, tenant, campaign)
}
