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

/// Bytes of the journal that wait for a disk that is full: some thousand entries. Beyond it they
/// stand in the book alone, and the whole book is written when there is room.
pub const JOURNAL_UNWRITTEN_MAX: usize = 1 << 20;

/// Ends of offers that are remembered, so that a late withdrawal hears the truth: an hour of a
/// busy box.
pub const OFFERS_REMEMBERED: usize = 4_096;

/// Calls at once of one desk phone: what it can show, and what a stolen account can cost.
pub const LEGS_PER_ACCOUNT_MAX: usize = 4;

/// Accounts of one desired state.
pub const ACCOUNTS_MAX: usize = 2_000;

/// Trunks of one desired state.
pub const TRUNKS_MAX: usize = 64;

/// Frames of each D-channel that are kept for the trace: the last half minute of a busy span.
pub const TRACE_FRAMES_MAX: usize = 400;

/// Spans of one box: four E1, 120 channels.
pub const SPANS_MAX: usize = 4;

/// How long changes of a span are gathered before centerd hears of them, ms. A busy span changes
/// some hundred times a second, and each record tells all of its channels.
pub const SPAN_TELL_MS: u64 = 250;

/// Ends in one snapshot, legs and recordings each: at about 600 bytes each well within a line of
/// the link beside what lives. The others follow as events.
pub const SNAPSHOT_ENDS_MAX: usize = 400;

/// Ends told behind a snapshot before centerd must acknowledge: a part of its queue.
pub const ENDS_A_TURN_MAX: usize = 500;

/// From dialling until it counts as ringing if no ringing is told, ms (`link::Command::Originate`).
pub const RING_BEGINS_MS: u64 = 10_000;

/// Longest ring time-out that is taken, ms. The endpoint gives up by itself soon after.
pub const RING_TIMEOUT_MAX_MS: u32 = 170_000;

/// From the moment centerd takes an incoming leg until it must be answered, ms: as long as the
/// network lets it ring (RFC 3261 §16.6, timer C, is above three minutes).
pub const UNANSWERED_MS: u64 = 170_000;

/// From our 200 with an offer until the far end's answer in its ACK, ms: 64 × T1.
pub const MUTE_MS: u64 = 32_000;

/// Without a packet of sound for so long an answered leg is dead, ms. Twice the longest
/// comfort-noise pause we allow a phone.
pub const MEDIA_TIMEOUT_MS: u32 = 60_000;

/// From our BYE or CANCEL until a leg is over without the far end's word, ms: a little above
/// 64 × T1 (RFC 3261 §17.1.2.2, timer F), in which the endpoint tells it by itself.
pub const RELEASE_MS: u64 = 34_000;

/// Longest wait for the sound core's last word about a closed port, ms.
pub const PORT_CLOSE_MS: u64 = 2_000;

/// Longest wait for a stopped recording to be sealed, ms: a disk that is slow but alive.
pub const SEAL_MS: u64 = 60_000;

/// How much longer than its length a play may take until its end counts as lost, ms.
pub const PLAY_LATE_MS: u64 = 2_000;

/// While centerd is away: how long legs wait for it that nothing in the switch will end, ms.
pub const ORPHANS_MS: u64 = 120_000;

/// From one report of the state to the next, ms.
pub const HEALTH_MS: u64 = 5_000;

/// A sound alarm stands until the ticks have been in time for so long, ms.
pub const OVERRUN_CALM_MS: u64 = 60_000;

/// How often a trunk without registration is asked whether it is there, ms.
pub const TRUNK_ASKED_MS: u64 = 30_000;

/// For how long we ask a trunk to register us, s.
pub const TRUNK_REGISTER_S: u32 = 300;

/// SIP datagrams taken in one turn before the other inputs have theirs.
pub const DATAGRAMS_A_TURN: usize = 64;

/// Bytes of a datagram that are read: a UDP datagram has no more. What is longer than a SIP message
/// may be is refused by the endpoint, which must see that it is.
pub const DATAGRAM_BYTES_MAX: usize = 65_536;

/// How long a connection may wait with its greeting, ms.
pub const GREETING_MS: u64 = 5_000;

/// Orders that wait for room in a ring. Beyond it the thread behind the ring is dead, and the
/// watchdog is about to end the process.
pub const ORDERS_WAITING_MAX: usize = 65_536;

/// From SIGTERM until the process leaves whatever far ends have confirmed, ms; the supervisor kills
/// after five seconds.
pub const SHUTDOWN_MS: u64 = 4_000;
