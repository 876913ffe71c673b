//! The one connection that writes: opens, migrates, applies jobs, alone or in groups.
//!
//! A group of jobs is one transaction and one fsync. Each job runs in a savepoint of its own: one
//! that fails is undone alone, and a disk that fails undoes the whole group and says so to every
//! job in it. This is also the synchronous path of a simulated world, which has no threads.

use std::path::Path;

use call::{Stamp, TenantId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::chain::{self, Anchor, Broken, EventRow, Head, Verified};
use crate::error::{Error, Result};
use crate::job::{Applied, Change, Job};
use crate::limits::{BUSY_MS, STATEMENTS_MAX, WAL_BYTES_KEPT, WAL_PAGES};
use crate::scope::{self, BoxView, Log, View};
use crate::seal::BoxKey;
use crate::{apply, attempts::AttemptRecord, migrate};

/// The database of one box, open for writing. There is one per box and process.
#[derive(Debug)]
pub struct Store {
    conn: Connection,
    key: BoxKey,
    box_id: String,
    head: Head,
}

impl Store {
    /// Opens the database at `path`, makes it when there is none, and migrates it.
    ///
    /// `box_id` names a new box (an old one keeps its own); `now` is the birth of a new one.
    ///
    /// # Errors
    /// [`Error::TooNew`], [`Error::Damaged`], [`Error::DiskFull`] and the like: each says what the
    /// operator must do.
    pub fn open(path: &Path, key: BoxKey, box_id: &str, now: Stamp) -> Result<Store> {
        let conn = Connection::open(path)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        Store::prepare(conn, key, box_id, now)
    }

    /// A database in memory: for simulated worlds and tests. [`crate::Reader`] cannot see it; read
    /// through [`Store::whole`].
    ///
    /// # Errors
    /// When memory runs out.
    pub fn in_memory(key: BoxKey, box_id: &str, now: Stamp) -> Result<Store> {
        Store::prepare(Connection::open_in_memory()?, key, box_id, now)
    }

    fn prepare(mut conn: Connection, key: BoxKey, box_id: &str, now: Stamp) -> Result<Store> {
        conn.busy_timeout(core::time::Duration::from_millis(BUSY_MS))?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
        conn.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        migrate::migrate(&mut conn)?;
        conn.execute(
            "INSERT INTO box (one, box_id, created_at) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING",
            params![box_id, now.0],
        )?;
        let box_id = conn.query_row("SELECT box_id FROM box", [], |row| row.get(0))?;
        let head = chain::load_head(&conn)?;
        Ok(Store { conn, key, box_id, head })
    }

    /// The id that names this box anywhere.
    #[must_use]
    pub fn box_id(&self) -> &str {
        &self.box_id
    }

    /// The key of the box.
    #[must_use]
    pub const fn key(&self) -> &BoxKey {
        &self.key
    }

    /// The tables of the box, to read.
    #[must_use]
    pub fn whole(&self) -> BoxView<'_> {
        scope::box_view(&self.conn, &self.key)
    }

    /// One tenant's rows, to read.
    #[must_use]
    pub fn tenant(&self, tenant: TenantId) -> View<'_> {
        self.whole().tenant(tenant)
    }

    /// Applies one job in a transaction of its own. On `Ok` it is on disk.
    ///
    /// # Errors
    /// Nothing of the job is applied; the error says why.
    pub fn apply(&mut self, job: &Job) -> Result<Applied> {
        let mut answers = self.apply_group(std::slice::from_ref(job));
        answers.pop().unwrap_or_else(|| Err(Error::Bug("a job got no answer".into())))
    }

    /// Applies jobs in order in one transaction; answers in the same order. On `Ok` a job is on
    /// disk; on `Err` nothing of it is.
    pub fn apply_group(&mut self, jobs: &[Job]) -> Vec<Result<Applied>> {
        let before = self.head;
        let answers = self.try_group(jobs);
        answers.unwrap_or_else(|error| {
            if !self.conn.is_autocommit() {
                // When even this fails the connection is dead, and the next group will say so.
                let _ = self.conn.execute_batch("ROLLBACK");
            }
            self.head = before;
            jobs.iter().map(|_| Err(error.clone())).collect()
        })
    }

    fn try_group(&mut self, jobs: &[Job]) -> Result<Vec<Result<Applied>>> {
        self.run("BEGIN IMMEDIATE")?;
        let before = self.head;
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            let answer = self.apply_in_savepoint(job)?;
            answers.push(answer);
        }
        if self.head != before {
            chain::save_head(&self.conn, &self.head)?;
        }
        self.run("COMMIT")?;
        Ok(answers)
    }

    /// The outer error is one of the whole group: the disk failed, or SQLite has already undone
    /// the transaction by itself.
    fn apply_in_savepoint(&mut self, job: &Job) -> Result<Result<Applied>> {
        let before = self.head;
        self.run("SAVEPOINT job")?;
        let answer = self.dispatch(job);
        if let Err(error) = &answer {
            if error.blames_disk() || self.conn.is_autocommit() {
                return Err(error.clone());
            }
            self.head = before;
            self.run("ROLLBACK TO job")?;
        }
        self.run("RELEASE job")?;
        Ok(answer)
    }

    fn dispatch(&mut self, job: &Job) -> Result<Applied> {
        let view = scope::box_view(&self.conn, &self.key);
        let log = Log::new(&mut self.head, &self.box_id, job.at, job.actor);
        match &job.change {
            Change::Box(change) => apply::to_box(&mut scope::box_edit(view, log), change),
            Change::Tenant(tenant, change) => {
                apply::to_tenant(&mut scope::edit(view.tenant(*tenant), log), change)
            }
        }
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// After a start: every attempt that has no outcome, of every tenant. centerd compares them
    /// with the legs that switchd still knows, and ends the others with `Cause::Lost`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recover(&self) -> Result<Vec<AttemptRecord>> {
        let mut all = Vec::new();
        for tenant in self.whole().tenants()? {
            all.extend(self.tenant(tenant.id).attempts_in_flight()?);
        }
        Ok(all)
    }

    /// The last event: to be noted outside the box from time to time.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Checks the chain of events; see [`crate::chain`].
    ///
    /// # Errors
    /// The outer error: the database cannot be read. The inner one: where the chain is broken.
    pub fn verify(
        &self,
        from: i64,
        to: Option<i64>,
        anchor: Option<&Anchor>,
    ) -> Result<core::result::Result<Verified, Broken>> {
        chain::verify(&self.conn, &self.box_id, from, to, anchor)
    }

    /// Events after `after`, in order, at most `rows`: the outbox.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn events(&self, after: i64, rows: usize) -> Result<Vec<EventRow>> {
        chain::read(&self.conn, after, rows)
    }

    /// Asks SQLite whether the whole file is sound. Takes long on a large one.
    ///
    /// # Errors
    /// [`Error::Damaged`] with SQLite's first complaint.
    pub fn check(&self) -> Result<()> {
        crate::backup::check(&self.conn)
    }

    /// Limits the file's size: how a test fills the disk.
    #[doc(hidden)]
    pub fn limit_pages(&self, pages: u32) -> Result<u32> {
        let sql = format!("PRAGMA max_page_count = {pages}");
        Ok(self.conn.query_row(&sql, [], |row| row.get(0))?)
    }

    /// How many pages the file has now.
    #[doc(hidden)]
    pub fn pages(&self) -> Result<u32> {
        Ok(self.conn.query_row("PRAGMA page_count", [], |row| row.get(0))?)
    }
}

/// The id of the box whose database lies at a connection.
pub(crate) fn box_id_of(conn: &Connection) -> Result<String> {
    let found = conn.query_row("SELECT box_id FROM box", [], |row| row.get(0)).optional()?;
    found.ok_or_else(|| Error::Damaged("the box has no row".into()))
}
