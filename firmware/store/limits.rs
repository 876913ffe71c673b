//! Every bound of the store, with its unit and its reason.

/// Jobs waiting for the writer that somebody waits for. Full: the submitter is told so at once.
pub const URGENT_JOBS_MAX: usize = 4_096;
/// Bulk jobs (import chunks) waiting for the writer. Full: the submitter is told so at once; an
/// importer submits its next chunk when the last one is on disk, so a few are plenty.
pub const BULK_JOBS_MAX: usize = 8;
/// Jobs in one transaction: one fsync for all of them, yet a failing disk takes no more with it.
pub const GROUP_JOBS_MAX: usize = 256;
/// Rows of one import chunk: about 20 ms of writing, which is how long a claim may wait behind it.
pub const IMPORT_ROWS_MAX: usize = 2_000;
/// Leads of one claim: no box has more channels to dial on at once.
pub const CLAIM_LEADS_MAX: usize = 240;
/// Phone accounts of a box that are not removed: what the switch takes. Beyond it adding is refused.
pub const ACCOUNTS_MAX: usize = 2_000;
/// Trunks of a box that are not removed, likewise.
pub const TRUNKS_MAX: usize = 64;
/// Numbers that the trunks of a box own: a hundred for each of 40 trunks. Beyond it saving is refused.
pub const NUMBERS_MAX: usize = 4_000;
/// Alarms that are kept when they are over: years of a quiet box, a day of a line that flaps.
pub const ALARMS_KEPT: i64 = 10_000;
/// Rows on one page of a list.
pub const PAGE_ROWS_MAX: usize = 500;
/// Read-only connections: pages and reports at once. All busy: the next reader waits, at most
/// [`QUERY_MS`].
pub const READERS_MAX: usize = 4;
/// Milliseconds that one query of a page may take.
pub const QUERY_MS: u64 = 2_000;
/// Virtual machine steps of SQLite between two looks at the stopwatch: about a tenth of a
/// millisecond.
pub const STEPS_PER_LOOK: i32 = 2_000;
/// Milliseconds to wait for a lock that only a backup or a check can hold.
pub const BUSY_MS: u64 = 5_000;
/// Prepared statements kept per connection: more than the store has.
pub const STATEMENTS_MAX: usize = 256;
/// Pages of the write-ahead log after which it is moved into the database: 16 MB, so that a big
/// import does not checkpoint in every group.
pub const WAL_PAGES: u32 = 4_000;
/// Bytes of the write-ahead log that stay on disk after it has been moved in: a long report lets it
/// grow, and it must not keep that room.
pub const WAL_BYTES_KEPT: u32 = 64 << 20;
/// Pages copied by one step of a backup, so that the writer gets between two steps.
pub const BACKUP_PAGES: i32 = 256;
/// Characters of a raw row that are kept with its refusal.
pub const RAW_CHARS_MAX: usize = 500;
/// Bytes of the key of the box: AES-256.
pub const KEY_BYTES: usize = 32;
