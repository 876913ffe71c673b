//! The bounds of the shell and the API. Those of the running office are in [`crate::limits`].

/// Proofs of passwords and PINs at once: each takes a core and 19 MB for tens of milliseconds.
pub const PROOFS_AT_ONCE: usize = 2;
/// Sign-ins that wait for their turn: a second of proofs. Full: told to try again.
pub const SIGN_INS_WAITING_MAX: usize = 32;
/// Names and addresses whose wrong passwords are remembered. Full: the oldest is forgotten.
pub const GUESSERS_MAX: usize = 4_096;
/// Wrong passwords from one address, whatever the names, before it is locked: an office behind one
/// address mistypes too.
pub const ADDRESS_FAILURES_MAX: u32 = 30;

/// Questions that wait for the running office: it answers within a turn.
pub const ASKS_MAX: usize = 256;
/// Answers about PINs on their way to the running office: calls at once that key one.
pub const PINS_MAX: usize = 64;
/// Counts of leads on their way to the running office: campaigns that are counted at once.
pub const COUNTS_MAX: usize = 64;
/// Inputs of one kind taken in one turn before the next kind is looked at.
pub const INPUTS_A_TURN: usize = 64;
/// How long a page may be behind the running office, ms.
pub const PUBLISH_MS: u64 = 50;
/// How often changed things are pushed to pages, ms: what a person can still follow.
pub const PUSH_MS: u64 = 200;
/// Pause after making pushes, in times of what the making took: a tenth of a core at most.
pub const PUSH_PAUSE_TIMES: u32 = 9;
/// Between two signs of life for the supervisor, ms: a tenth of its patience.
pub const BEAT_MS: u64 = 2_000;
/// Before rows that could not be read are read again, ms.
pub const RELOAD_MS: u64 = 1_000;
/// How often sessions that have run out are forgotten, ms.
pub const PRUNE_MS: u64 = 600_000;
/// How long centerd waits for the disk before it stops, ms.
pub const STOP_MS: u64 = 2_500;

/// Messages of switchd that wait. Full: switchd keeps them, and closes the link if it must.
pub const LINK_IN_MAX: usize = 1_024;
/// Messages to switchd that wait. Full: the link is closed and the snapshot begins anew.
pub const LINK_OUT_MAX: usize = 8_192;
/// First pause before the link is tried again, ms.
pub const RECONNECT_FIRST_MS: u64 = 50;
/// Longest pause before the link is tried again, ms: a seat waits for it.
pub const RECONNECT_MAX_MS: u64 = 500;

/// Readings of files and database at once beside the reactor.
pub const BLOCKING_MAX: usize = 16;
/// Lists that are uploaded at once: each holds a chunk of rows and the numbers it has met.
pub const UPLOADS_AT_ONCE: usize = 2;
/// Pieces of a file on their way between the network and its reader.
pub const PIECES_MAX: usize = 8;
/// Parts of one recording that one person asks for with less than this between them are one
/// listening, ms.
pub const LISTENING_MS: u64 = 600_000;
/// Listenings that are remembered. Full: every part is written as one of its own.
pub const LISTENERS_MAX: usize = 1_024;
/// Rows of a list that are told in the answer to its upload.
pub const DETAILS_MAX: usize = 200;
/// Numbers of one do-not-call file.
pub const DNC_FILE_MAX: u64 = 100_000;
/// Do-not-call numbers on their way to the disk at once.
pub const DNC_AT_ONCE: usize = 200;
/// Further addresses from which a trunk may call us.
pub const TRUNK_SOURCES_MAX: usize = 32;
/// Numbers in a trunk's own settings; those of ranges are counted by the store.
pub const TRUNK_NUMBERS_MAX: usize = 100;
/// Characters of a trunk's password: the document for the switch has a bound.
pub const TRUNK_PASSWORD_CHARS_MAX: usize = 128;
/// Characters of a free note.
pub const NOTE_CHARS_MAX: usize = 2_000;
/// Characters of a name that a person gives to something.
pub const NAME_CHARS_MAX: usize = 80;
/// Characters of a password: argon2 reads all of them.
pub const PASSWORD_CHARS_MAX: usize = 200;
/// Characters of the shortest password that a person may choose.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Rows of a page when nothing is said.
pub const PAGE_ROWS: usize = 50;

/// From the first byte of a request's head to its last, ms; also the longest silence between two
/// requests on one connection.
pub const HEAD_MS: u64 = 30_000;
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long the chain of events may be checked, ms.
pub const VERIFY_MS: u64 = 60_000;
/// Events looked through for one page of the audit.
pub const AUDIT_LOOK_MAX: usize = 20_000;
/// How long one message may take to reach a page, ms; then the page is cut off.
pub const PUSH_SEND_MS: u64 = 10_000;
/// Between two signs of life on an event stream, ms.
pub const PING_MS: u64 = 20_000;
