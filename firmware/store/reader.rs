//! Read-only connections for pages and reports: they never wait for the writer, nor it for them.
//!
//! Each reading is one snapshot with a time limit; what takes longer is stopped with
//! [`Error::TooSlow`]. The stopwatch is the store's only look at time and touches no row.

use core::time::Duration;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use call::TenantId;
use rusqlite::{Connection, OpenFlags};

use crate::chain::{self, Anchor, Broken, EventRow, Verified};
use crate::error::{Error, Result};
use crate::limits::{BUSY_MS, QUERY_MS, READERS_MAX, STATEMENTS_MAX, STEPS_PER_LOOK};
use crate::scope::{self, BoxView, View};
use crate::seal::BoxKey;

/// A pool of read-only connections. Cloning shares it.
#[derive(Clone)]
pub struct Reader {
    pool: Arc<Pool>,
    key: BoxKey,
}

struct Pool {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Reader {
    /// Opens [`READERS_MAX`] connections to a database that [`crate::Store::open`] has made.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path, key: BoxKey) -> Result<Reader> {
        let mut idle = Vec::with_capacity(READERS_MAX);
        for _ in 0..READERS_MAX {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let conn = Connection::open_with_flags(path, flags)?;
            conn.busy_timeout(Duration::from_millis(BUSY_MS))?;
            conn.pragma_update(None, "query_only", true)?;
            conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
            idle.push(conn);
        }
        let pool = Pool { idle: Mutex::new(idle), returned: Condvar::new() };
        Ok(Reader { pool: Arc::new(pool), key })
    }

    /// Reads one tenant's rows in one snapshot. Blocks: call it off the reactor.
    ///
    /// # Errors
    /// [`Error::TooSlow`] past [`QUERY_MS`]; else what `read` says.
    pub fn tenant<T>(
        &self,
        tenant: TenantId,
        read: impl FnOnce(View<'_>) -> Result<T>,
    ) -> Result<T> {
        self.whole(|view| read(view.tenant(tenant)))
    }

    /// Reads the tables of the box in one snapshot, as [`Reader::tenant`].
    ///
    /// # Errors
    /// As [`Reader::tenant`].
    pub fn whole<T>(&self, read: impl FnOnce(BoxView<'_>) -> Result<T>) -> Result<T> {
        self.limited(Duration::from_millis(QUERY_MS), |conn| read(scope::box_view(conn, &self.key)))
    }

    /// As [`Reader::tenant`] for a report or an export that may take `limit`.
    ///
    /// # Errors
    /// As [`Reader::tenant`].
    pub fn tenant_within<T>(
        &self,
        limit: Duration,
        tenant: TenantId,
        read: impl FnOnce(View<'_>) -> Result<T>,
    ) -> Result<T> {
        self.limited(limit, |conn| read(scope::box_view(conn, &self.key).tenant(tenant)))
    }

    /// Events after `after`, in order, at most `rows`: the outbox.
    ///
    /// # Errors
    /// As [`Reader::tenant`].
    pub fn events(&self, after: i64, rows: usize) -> Result<Vec<EventRow>> {
        self.limited(Duration::from_millis(QUERY_MS), |conn| chain::read(conn, after, rows))
    }

    /// Events of the chain before `before`, the newest first, at most `rows`.
    ///
    /// # Errors
    /// [`crate::Error::TooSlow`] when the query takes longer than it may.
    pub fn events_back(&self, before: i64, rows: usize) -> Result<Vec<EventRow>> {
        self.limited(Duration::from_millis(QUERY_MS), |conn| chain::read_back(conn, before, rows))
    }

    /// Checks the chain within `limit`; see [`crate::Store::verify`].
    ///
    /// # Errors
    /// As [`crate::Store::verify`].
    pub fn verify(
        &self,
        limit: Duration,
        from: i64,
        to: Option<i64>,
        anchor: Option<&Anchor>,
    ) -> Result<core::result::Result<Verified, Broken>> {
        self.limited(limit, |conn| {
            let box_id = crate::store::box_id_of(conn)?;
            chain::verify(conn, &box_id, from, to, anchor)
        })
    }

    fn limited<T>(
        &self,
        limit: Duration,
        read: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let mut lent = Lent { pool: &self.pool, conn: self.lend(deadline) };
        let conn = lent.conn.as_mut().ok_or(Error::TooSlow(limit_ms))?;
        conn.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() >= deadline))?;
        conn.execute_batch("BEGIN")?;
        let answer = read(conn);
        answer.map_err(|e| if let Error::TooSlow(_) = e { Error::TooSlow(limit_ms) } else { e })
    }

    fn lend(&self, deadline: Instant) -> Option<Connection> {
        let mut idle = self.pool.idle();
        loop {
            if let Some(conn) = idle.pop() {
                return Some(conn);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            let waited = self.pool.returned.wait_timeout(idle, left);
            idle = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that goes back to the pool when it is dropped, also by a panic of the reading.
struct Lent<'p> {
    pool: &'p Pool,
    conn: Option<Connection>,
}

impl Drop for Lent<'_> {
    /// Ends the snapshot, so that the write-ahead log can be taken in. A connection that cannot
    /// even do that is dropped; the pool is smaller by it and the next reader waits.
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        let quiet = conn.progress_handler(0, None::<fn() -> bool>).is_ok();
        if quiet && (conn.is_autocommit() || conn.execute_batch("ROLLBACK").is_ok()) {
            self.pool.idle().push(conn);
            self.pool.returned.notify_one();
        }
    }
}
