//! Every bound of the signalling cores, with its unit, its reason, and what happens beyond it.

/// Bytes of one SIP message. Four times the largest INVITE that we have seen from a desk phone;
/// a longer datagram is answered 513 and counted, never parsed beyond this.
pub const MESSAGE_BYTES_MAX: usize = 16_384;

/// Header lines in one SIP message, after unfolding. The long request of RFC 4475 has 43; beyond
/// it the request is refused with 400.
pub const HEADER_COUNT_MAX: usize = 128;

/// Bytes of one header value, after unfolding. A digest or identity header of a large operator
/// stays below 2 kB; beyond it the request is refused with 400.
pub const HEADER_BYTES_MAX: usize = 4_096;

/// Bytes of a start line: a request URI may be as long as a header.
pub const START_LINE_BYTES_MAX: usize = HEADER_BYTES_MAX;

/// Via values in one message: Max-Forwards starts at 70, so no honest path is longer.
pub const VIA_MAX: usize = 70;

/// Values in one comma-separated list of addresses (Contact, Route, Record-Route).
pub const ADDRESSES_MAX: usize = 70;

/// Parameters of one URI or one header value.
pub const PARAMS_MAX: usize = 64;

/// Datagrams a second from one address that we do not know. A phone that registers, subscribes
/// and keeps alive sends fewer than ten; beyond it they are dropped and counted.
pub const STRANGER_PER_S: u64 = 200;
/// Datagrams at once from one address that we do not know: an office of phones behind one NAT
/// after a power cut.
pub const STRANGER_BURST: u64 = 400;
/// Datagrams a second from all addresses that we do not know together: what the parser does in a
/// twentieth of one small core.
pub const STRANGERS_PER_S: u64 = 2_000;
/// Datagrams at once from all addresses that we do not know together.
pub const STRANGERS_BURST: u64 = 4_000;
/// Datagrams a second from one trunk or one registered phone's address: 500 calls a second.
pub const KNOWN_PER_S: u64 = 5_000;
/// Datagrams at once from one trunk or one registered phone's address.
pub const KNOWN_BURST: u64 = 10_000;
/// Source addresses whose buckets are remembered; the one quiet for longest is forgotten.
pub const SOURCES_MAX: usize = 1_024;

/// How long a nonce serves, in milliseconds. A phone that refreshes each few minutes is told
/// `stale=true` and answers at once; a thief of one nonce has five minutes at most.
pub const NONCE_LIFE_MS: u64 = 300_000;
/// Nonces whose counts are remembered: every phone of a full box twice. The oldest is forgotten
/// and is stale from then on.
pub const NONCES_MAX: usize = 2_048;
/// Wrong passwords of one user from one source before the pair is locked: a person mistypes
/// twice, and a phone tries each of its lines once.
pub const FAILURES_MAX: u32 = 5;
/// Wrong passwords from one source, with whatever names, before the source is locked: an office
/// behind one NAT whose passwords were changed has this many phones to correct.
pub const SOURCE_FAILURES_MAX: u32 = 50;
/// For how long failures are added up, in milliseconds.
pub const FAILURES_WINDOW_MS: u64 = 60_000;
/// For how long a lock holds, in milliseconds: 5 guesses in 5 minutes need decades for a password.
pub const LOCKOUT_MS: u64 = 300_000;
/// Pairs and sources whose failures are remembered; what is over first is forgotten.
pub const LOCKOUTS_MAX: usize = 4_096;
/// Characters of a user name that are compared and remembered.
pub const USER_BYTES_MAX: usize = 64;

/// SIP transactions at once, both directions: a call leaves three that linger 32 s, so this is 150
/// calls begun a second. Beyond it requests are answered 503 and counted.
pub const TRANSACTIONS_MAX: usize = 16_384;

/// Bytes of one session description. A phone with video, encryption and every codec sends 3 kB;
/// beyond it the call is refused with 488.
pub const SDP_BYTES_MAX: usize = 8_192;

/// Lines of one session description.
pub const SDP_LINES_MAX: usize = 256;

/// Streams (`m=`) of one session description.
pub const SDP_MEDIA_MAX: usize = 16;

/// Formats of one stream; RTP has 128 payload types.
pub const SDP_FORMATS_MAX: usize = 128;

/// Attributes of the session or of one stream.
pub const SDP_ATTRIBUTES_MAX: usize = 128;

/// Challenges that we answer for one request of a call: two proxies and a nonce that was too old for
/// each. Who asks on is not answered, or his `stale=true` would draw requests from us for ever.
pub const CHALLENGES_MAX: u32 = 4;

/// For how long a call may ring when its owner sets no limit of its own, in milliseconds: what the
/// public network itself allows. Then it is cancelled (outbound) or refused (inbound).
pub const RING_LIMIT_MS: u64 = 300_000;
/// How often a callee repeats its last 18x, in milliseconds (RFC 3261 §13.3.1.1: each minute).
pub const REMIND_MS: u64 = 60_000;
/// For how long a new offer of the far end waits for its owner, in milliseconds; then 488. The
/// owner answers in the same turn; this catches one that has forgotten it.
pub const REOFFER_LIMIT_MS: u64 = 5_000;

/// Contacts of one account: a desk phone, a soft phone, a spare, and what a crash left behind.
/// The one refreshed longest ago gives way.
pub const CONTACTS_MAX: usize = 8;
/// Characters of a phone's name for itself that are kept.
pub const AGENT_CHARS_MAX: usize = 64;
/// The shortest registration, in seconds; less is answered 423. 200 phones at this rate are seven
/// messages a second.
pub const REGISTER_MIN_S: u32 = 60;
/// The longest registration, in seconds: for so long at most a dead phone counts as reachable.
pub const REGISTER_MAX_S: u32 = 3_600;
/// A registration that asks for no time, in seconds.
pub const REGISTER_DEFAULT_S: u32 = 300;

/// The first pause after a failed registration of ours, in milliseconds; it doubles.
pub const REGISTRATION_RETRY_MIN_MS: u64 = 5_000;
/// The longest pause after a failed registration of ours, in milliseconds, and the only one after
/// a refusal, so that a provider does not lock us out.
pub const REGISTRATION_RETRY_MAX_MS: u64 = 300_000;

/// Calls (SIP sessions) of one endpoint at once: the largest box has 240 lines and as many seats,
/// the rest is air for bursts. Beyond it an INVITE is answered 503.
pub const CALLS_MAX: usize = 2_048;

/// Messages that wait in one D-channel's I queue, sent or not: eight for each of 30 channels, which
/// at 64 kbit/s are eight seconds of line. Beyond it the message is refused by name.
pub const Q921_QUEUE_MAX: usize = 256;
/// Octets of information in one LAPD frame (N201 of Q.921 §5.9.3). A longer one resets the link.
pub const Q921_N201_MAX: usize = 260;

/// Octets of one Q.931 message: what one I frame carries (N201, Q.921 §5.9.3). Longer ones are
/// ignored; what we send is kept below by leaving out elements.
pub const Q931_MESSAGE_OCTETS_MAX: usize = 260;

/// Elements of one Q.931 message: a SETUP with every element of Table 3-15 has 26. The rest is left
/// out and told as a fault.
pub const Q931_ELEMENTS_MAX: usize = 64;

/// Digits of one number or keypad element: twice the longest number of E.164, and what a keypad may
/// carry (Q.931 §4.5.18). More is an error of the contents; what we send is cut off.
pub const Q931_DIGITS_MAX: usize = 32;

/// Channels in one channel identification that lists their numbers: all of a span.
pub const Q931_CHANNELS_MAX: usize = 31;

/// Calls of one D-channel at once: twice its channels, because a call that is refused or being
/// cleared holds its place for some seconds. Beyond it a SETUP is refused with cause 42.
pub const DCHANNEL_CALLS_MAX: usize = 64;
/// Messages of a D-channel that wait for its data link to come back: four for each call. Beyond it
/// the message is dropped and counted; the call's timer repeats what matters.
pub const DCHANNEL_HELD_MAX: usize = 256;
/// How long a D-channel waits before it tries to establish its link again, in milliseconds.
pub const LINK_RETRY_MS: u64 = 1_000;
/// RESTART messages before a channel that nobody acknowledges is out of service (Q.931 §5.5.1: the
/// default is two).
pub const RESTART_TRIES: u32 = 2;
/// STATUS ENQUIRY messages before a call whose far end does not answer them is cleared.
pub const ENQUIRY_TRIES: u32 = 3;
/// Digits of one number that come or go one by one; the longest dialled string is an international
/// number with its prefixes. Beyond it the call is cleared with cause 28.
pub const OVERLAP_DIGITS_MAX: usize = 40;
/// Channels that one call is tried on when the far end takes each of them in the same instant
/// (Q.931 §5.7); then it ends with cause 44.
pub const GLARE_TRIES: u32 = 4;
