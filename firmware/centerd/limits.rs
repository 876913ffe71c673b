//! Every bound of centerd, with its unit and reason. Those of the business rules are in
//! `dialer::limits`, those of the store in `store::limits`, those of the conversation in
//! `link::limits`.

/// Jobs that may wait for the disk before no new lead is claimed: minutes of a busy office.
pub const OUTBOX_MAX: usize = 2_000;

/// How long a job waits that the disk could not take, ms.
pub const OUTBOX_RETRY_MS: u64 = 1_000;

/// How often a campaign is looked at when nothing happens, ms: hours open, intervals end.
pub const CAMPAIGN_LOOK_MS: u64 = 1_000;

/// From the answer until an agent must be found, ms: the two seconds that rules of several
/// countries name.
pub const ANSWER_DEADLINE_MS: u32 = 2_000;

/// Ids of recordings reserved at once, so that no call waits for the disk to have one.
pub const RECORDINGS_RESERVED: u32 = 64;
/// More are reserved when fewer than this are left.
pub const RECORDINGS_LOW: usize = 32;

/// How long switchd may take to say the end of a leg that it was told to end, ms; then it is asked
/// for a snapshot.
pub const HANG_UP_MS: u64 = 40_000;

/// Longest talk by the answer plan, ms: four hours; a forgotten call must end.
pub const TALK_MAX_MS: u32 = 4 * 3_600_000;

/// Wrong PINs by phone in a row before that agent number is locked, and for how long, ms.
pub const PIN_FAILURES_MAX: u32 = 5;
/// See [`PIN_FAILURES_MAX`].
pub const PIN_LOCK_MS: u64 = 300_000;

/// Agent numbers whose wrong PINs are counted. When they are so many somebody tries numbers, and
/// nobody signs in by phone until that has ended.
pub const GUESSED_NUMBERS_MAX: usize = 1_000;

/// Pushes waiting for one page. When they are too many the page is told to load afresh.
pub const PUSHES_MAX: usize = 256;

/// Bytes of an uploaded list: five million short rows.
pub const UPLOAD_BYTES_MAX: usize = 256 << 20;

/// Bytes of any other request.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;

/// Rows of a page of a list.
pub const PAGE_ROWS_MAX: usize = 500;

/// Connections of pages and programs at once.
pub const CONNECTIONS_MAX: usize = 512;

/// How long a session of the console lasts without use, ms: a shift.
pub const SESSION_MS: i64 = 12 * 3_600_000;
/// How long it lasts at most, ms: a week of shifts.
pub const SESSION_LONGEST_MS: i64 = 7 * 24 * 3_600_000;
/// How much of it is used before it is written that it lasts longer, ms.
pub const SESSION_RENEW_MS: i64 = 600_000;

/// Wrong passwords in a row before a person is locked, and for how long, ms.
pub const LOGIN_FAILURES_MAX: u32 = 5;
/// See [`LOGIN_FAILURES_MAX`].
pub const LOGIN_LOCK_MS: i64 = 300_000;

/// For how long a desk phone rings for a caller from outside, in milliseconds: six rings.
pub const DESK_RING_MS: u32 = 30_000;

/// How long somebody from outside, or at a phone without a menu, is spoken to at most, ms: longer than
/// any announcement.
pub const CALLER_MS: u64 = 30_000;

/// Questions about spans that wait for switchd: people who look at once.
pub const QUESTIONS_MAX: usize = 32;

/// How long one may wait, ms: a loop test takes half a second of sound.
pub const QUESTION_MS: u64 = 5_000;
