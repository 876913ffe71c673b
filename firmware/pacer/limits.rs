//! Bounds of the conversation.

/// Longest line that is read, bytes (the protocol's own bound, the line feed not counted).
pub const LINE_BYTES_MAX: usize = 4096;
/// Latest instant of a day, seconds: a week, so that no arithmetic can lose a millisecond.
pub const INSTANT_S_MAX: f64 = 604_800.0;
/// Most lines of a campaign.
pub const LINES_MAX: u64 = 100_000;
