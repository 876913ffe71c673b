//! Every bound of the business core, with its unit and its reason.

/// Characters of a label that a tenant writes (disposition, campaign): what a table shows in one line.
pub const LABEL_CHARS_MAX: usize = 40;

// --- leads ---------------------------------------------------------------------------------

/// Attempts at one lead that a campaign may allow. Beyond a dozen no country's rules nor any
/// person's patience reach.
pub const ATTEMPTS_MAX: u16 = 20;
/// Attempts that persons may grant to one lead on top (callbacks and re-openings). Full: refused.
pub const GRANTED_MAX: u16 = 50;
/// The shortest interval between two attempts at one lead, in milliseconds: a carrier's hard stop
/// is three calls in five minutes to one person.
pub const INTERVAL_MIN_MS: i64 = 2 * 60 * 1000;
/// The longest interval and the farthest callback, in milliseconds: a campaign's life.
pub const INTERVAL_MAX_MS: i64 = 366 * 24 * 3600 * 1000;

/// How long a lead rests whose claim was given back before anything went out, in milliseconds: long
/// enough that a fault which repeats itself does not spin.
pub const GIVEN_BACK_MS: i64 = 10_000;

// --- agents --------------------------------------------------------------------------------

/// How long a seat stays promised to one attempt, in milliseconds: the longest ring time plus the
/// signalling around it. After it the promise is withdrawn.
pub const RESERVED_MAX_MS: u64 = 120_000;
/// How often an unacknowledged withdrawal is repeated, in milliseconds.
pub const WITHDRAW_AGAIN_MS: u64 = 2_000;
/// How often a withdrawal is asked for before the agent is paused instead: a minute of silence of
/// switchd, which is long past its restart.
pub const WITHDRAWALS_MAX: u8 = 30;
/// How long a seat's phone rings before it is a miss, in milliseconds.
pub const SEAT_RING_MS: u64 = 20_000;
/// The default time for wrap-up, in milliseconds.
pub const WRAP_UP_MS: u64 = 30_000;
/// The longest wrap-up that a campaign may set, in milliseconds.
pub const WRAP_UP_MAX_MS: u64 = 30 * 60 * 1000;
/// Missed offers in a row after which an agent is paused: somebody has left the desk.
pub const MISSES_MAX: u8 = 3;
/// Effects waiting in one agent's machine. Each input adds fewer than eight and the daemon drains
/// after each; beyond it the machine asserts.
pub const AGENT_OUTPUTS_MAX: usize = 16;

// --- campaigns -----------------------------------------------------------------------------

/// The shortest ring time, in milliseconds: 15 s or four rings are the least that the rules of
/// the US and the UK leave a person.
pub const RING_MIN_MS: u64 = 15_000;
/// The longest ring time, in milliseconds: networks give up about here.
pub const RING_MAX_MS: u64 = 90_000;
/// Trunks that one campaign may use.
pub const CAMPAIGN_TRUNKS_MAX: usize = 32;
/// Numbers that one campaign shows: those of a span.
pub const CAMPAIGN_CALLERS_MAX: usize = 100;
/// Agents that one campaign may have: twice the seats of the largest box.
pub const CAMPAIGN_AGENTS_MAX: usize = 512;
/// Calls in flight of one campaign: the channels of the largest box (four E1).
pub const CALLS_MAX: u32 = 120;

// --- clock ---------------------------------------------------------------------------------

/// Nothing is dialled with a wall clock before this instant (2026-01-01 UTC, in milliseconds): a
/// box whose battery is flat starts in 1970 or at the kernel's build date.
pub const SANE_AFTER_MS: i64 = 1_767_225_600_000;
/// Nor after this instant (2100-01-01 UTC, in milliseconds).
pub const SANE_BEFORE_MS: i64 = 4_102_444_800_000;

// --- hours ---------------------------------------------------------------------------------

/// Windows in one day.
pub const WINDOWS_PER_DAY_MAX: usize = 8;
/// Special dates of one calendar: several years of holidays.
pub const SPECIAL_DATES_MAX: usize = 400;
/// How far ahead an opening is looked for, in days.
pub const OPENING_SEARCH_DAYS: i32 = 400;

// --- numbers and lists ---------------------------------------------------------------------

/// Bytes of the text of one number that are looked at. Longer: refused.
pub const NUMBER_TEXT_MAX: usize = 64;
/// Digits of an outside-line prefix.
pub const OUTSIDE_PREFIX_MAX: usize = 4;
/// Columns of one row. More: the row is refused.
pub const COLUMNS_MAX: usize = 64;
/// Characters of a column's title. The rest is left out.
pub const TITLE_CHARS_MAX: usize = 80;
/// Bytes of one field. Longer: the row is refused.
pub const FIELD_BYTES_MAX: usize = 4_096;
/// Lines of one quoted cell, which is as many as people write into one. More: its quote is taken for
/// one that nobody has closed.
pub const CELL_LINES_MAX: usize = 100;
/// Bytes of one row, all cells at their longest. Longer: the row is refused.
pub const ROW_BYTES_MAX: usize = 2 * COLUMNS_MAX * FIELD_BYTES_MAX;
/// Rows of one list file: about 100 MB of memory for finding duplicates. More: each is refused by name, and counted.
pub const ROWS_MAX: u64 = 2_000_000;
/// Entries of a tenant's table of allowed destinations.
pub const ALLOWED_DESTINATIONS_MAX: usize = 1_000;
