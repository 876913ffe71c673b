//! What must survive a power cut: the database of one box. The only crate that speaks SQL.
//!
//! It does I/O, so it is no pure core; but it reads no clock (every [`Job`] carries its instant)
//! and starts no thread except the writer's, when asked to.
//!
//! ```text
//!   business ── Job ──► Writer (one thread) ──► Store::apply_group ── one transaction, one fsync
//!      ▲                                             │  savepoint per job
//!      └── Result<Applied>, after the commit ◄───────┤  events appended to the chain
//!   pages  ── Reader (4 connections, read only) ◄────┘  WAL: readers and writer never wait
//! ```
//!
//! | want | use |
//! |---|---|
//! | open or make the database, migrate it | [`BoxKey::from_bytes`], [`Store::open`] |
//! | write from a daemon | [`Writer::start`], [`Writer::submit`], [`Writer::submit_with`] |
//! | write in a simulated world (no threads) | [`Store::in_memory`], [`Store::apply`] |
//! | what can be written | [`TenantChange`], [`BoxChange`]; answers are [`Applied`] |
//! | read one tenant's rows | [`Reader::tenant`] or [`Store::tenant`] → methods of [`View`] |
//! | read the box (trunks, tenants, sign-in) | [`Reader::whole`] or [`Store::whole`] → [`BoxView`] |
//! | reconcile after a crash | [`Store::recover`], [`View::calls_open`] |
//! | outbox, audit, ledger | [`Reader::events`], [`Reader::verify`]; see [`chain`] |
//! | copy it while it works | [`backup::backup`], [`backup::check_file`] |
//!
//! What it promises:
//! - `Ok` means on disk (`synchronous=FULL`); `Err` means nothing of the job is there.
//! - No query of a tenant's rows can be written without its tenant: it does not compile (`scope`).
//! - What happens to a lead is decided by `dialer::lead` alone; the store runs that machine inside
//!   the transaction, so row, attempt, roll-up and event always agree.
//! - A lead has at most one attempt in flight and an attempt one end, by unique indexes too.
//! - Every job that changes something appends to a hash chain, without personal data in it.
//! - `(box id, row id)` and `(box id, seq)` name a row and an event anywhere.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod accounts;
pub mod agent_states;
pub mod agents;
pub mod alarms;
mod apply;
pub mod attempts;
pub mod backup;
pub mod batches;
pub mod calls;
pub mod campaigns;
pub mod chain;
mod dnc;
mod error;
mod job;
pub mod leads;
pub mod limits;
mod migrate;
pub mod numbers;
pub mod page;
pub mod persons;
mod reader;
pub mod recordings;
pub mod rollup;
mod rules;
mod scope;
mod seal;
pub mod sessions;
pub mod settings;
pub mod spans;
mod store;
pub mod trunks;
mod words;
mod writer;

pub use dnc::DncEntry;
pub use error::{Error, Result};
pub use job::{
    Actor, AlarmId, Applied, BatchId, BoxChange, Change, DncId, Job, Progress, RuleId,
    TenantChange, TokenId,
};
pub use migrate::NEWEST as NEWEST_SCHEMA;
pub use page::{Cursor, Filter, Page};
pub use reader::Reader;
pub use rules::DestinationRule;
pub use scope::{BoxView, View};
pub use seal::{BoxKey, Secret};
pub use store::Store;
pub use writer::{Ticket, Waiting, Writer, WriterThread};
