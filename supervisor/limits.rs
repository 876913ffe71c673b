//! Every bound of the supervisor, with its unit and its reason.

/// Milliseconds before the first restart. A daemon that ran well is back within a second, and
/// one that dies at once does not burn a core.
pub const BACKOFF_FIRST_MS: u64 = 100;

/// Milliseconds that a delay never exceeds: a repaired cause (a cable, a full disk) is noticed
/// within half a minute without anybody's help.
pub const BACKOFF_MAX_MS: u64 = 30_000;

/// Milliseconds that a copy must have been ready for its death to count as the first again.
pub const SETTLED_MS: u64 = 2_000;

/// Exits with [`crate::EX_CONFIG`] in a row, after a copy had already run, before the box gives
/// up. A port can still be held by a dying copy for a moment; a setting that has worked once
/// deserves a second look. Before the first readiness one is enough.
pub const REFUSALS_MAX: u32 = 4;

/// Outputs of the tree that may wait to be carried out. The shell drains to nothing after each
/// input, and one input gives at most a few per process.
pub const OUTPUTS: usize = 64;

/// Events that children may have waiting for the loop. When full, the child's task waits, and
/// with it only that child's own heartbeats.
pub const EVENTS: usize = 64;

/// Signals waiting for one child; one stop and its kill are all that ever wait.
pub const SIGNALS: usize = 4;

/// Bytes of one line of a child that are passed on; the rest of the line is cut and marked.
pub const LINE_BYTES: usize = 8 * 1024;

/// Milliseconds to read what a dead child had still written, before its death is reported. A
/// grandchild may hold the pipe open for ever.
pub const LAST_WORDS_MS: u64 = 200;

/// Bytes of a model file. The demo model has about 6 kB.
pub const MODEL_BYTES: u64 = 1024 * 1024;

/// Milliseconds by which the loop may wake late before it doubts itself, and for which it then
/// listens to the children before it judges their silence.
pub const LATE_MS: u64 = 250;
