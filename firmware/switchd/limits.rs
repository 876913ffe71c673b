//! Every bound of switchd, with its unit and reason. The bounds of the conversation with centerd
//! are in `link::limits`, those of a SIP message in `signal::limits`, those of sound in
//! `media::limits`.

/// Orders waiting for the sound thread. A full box of 500 joined calls needs about six orders a
/// call; when it is full the reactor keeps the rest and tries again a tick later.
pub const SOUND_ORDERS_MAX: usize = 4_096;

/// Reports waiting for the reactor. When it is full the sound thread drops and counts.
pub const SOUND_REPORTS_MAX: usize = 4_096;

/// Blocks of 20 ms waiting for the disk thread: 1.6 s of 200 recordings. When it is full the block
/// is dropped, counted, and shows as a gap in its recording.
pub const RECORDED_MAX: usize = 16_384;

/// Orders and reports waiting between reactor and disk thread: two for each recorder.
pub const DISK_ORDERS_MAX: usize = 1_024;

/// Lines of the journal below which compaction is not worth its sync: about half a megabyte.
pub const JOURNAL_COMPACT_MIN: usize = 1_000;

/// Lines for each entry of the book above which the journal is mostly history.
pub const JOURNAL_COMPACT_FACTOR: usize = 4;
