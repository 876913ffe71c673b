//! The bounds of the conversation.

/// Longest line, bytes. A desired state of 1,000 accounts is about 200 kB; the snapshot of the fullest
/// box, each of its 2,000 accounts with every contact that it may have, is 5 MB. A snapshot that did
/// not fit would keep the two daemons apart for ever.
pub const LINE_BYTES_MAX: usize = 8 << 20;

/// Events that switchd keeps for a slow centerd. When it is full the link is closed and the next
/// connection begins with a snapshot: nothing is dropped in silence.
pub const EVENTS_QUEUED_MAX: usize = 8_192;

/// Commands that switchd takes in one turn before it looks at the lines again.
pub const COMMANDS_A_TURN_MAX: usize = 64;

/// Characters of a number or name that a far end shows; the rest is cut off. The longest display of
/// Q.931 has 82 octets, and a person reads no more than this.
pub const SHOWN_CHARS_MAX: usize = 64;

/// Seats that one answer plan may name: more than a box has agents for one call to try.
pub const PLAN_SEATS_MAX: usize = 128;

/// Digits of one collection.
pub const COLLECT_DIGITS_MAX: usize = 32;

/// Prompts of one play.
pub const PLAY_PROMPTS_MAX: usize = 16;

/// Ended legs that the journal keeps until centerd has acknowledged them. When it is full new
/// outbound calls are refused (a box whose records cannot be kept must not dial).
pub const JOURNAL_ENDED_MAX: usize = 65_536;

/// Lines of one answer to a question for a D-channel's trace.
pub const TRACE_LINES_MAX: usize = 400;
