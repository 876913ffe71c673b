//! Every bound of the sound core, with its unit and reason. All memory is taken at
//! [`Engine::new`](crate::Engine::new) from these; nothing grows afterwards.

/// Ports: 512 joined calls of two legs, more than one box's lines and seats together.
pub const PORTS: usize = 1024;

/// Players: one for each call in a menu or a queue, and some for music that many hear.
pub const PLAYERS: usize = 512;

/// Recorders: every joined call may be recorded.
pub const RECORDERS: usize = 512;

/// Prompts in the library: a hundred sounds in each of a few languages, plus what an
/// enterprise uploads.
pub const PROMPTS: usize = 4096;

/// Sources one ear may hear at once: a conference room of sixteen and its music. A row beyond
/// it is refused by name ([`Refusal::EarFull`](crate::Refusal::EarFull)).
pub const SOURCES_PER_EAR: usize = 16;

/// Prompts one player may have waiting: "you are caller number | twenty | three | in the queue"
/// with room. Beyond it: [`Refusal::PlaylistFull`](crate::Refusal::PlaylistFull).
pub const PLAYLIST: usize = 16;

/// Digits one command may carry, and a port may have waiting: an E.164 number with an access
/// code and an extension. Beyond it: [`Refusal::DigitsFull`](crate::Refusal::DigitsFull).
pub const DIGITS: usize = 32;

/// Longest datagram looked at, bytes: what an Ethernet carries in one piece. A longer one is refused
/// and counted.
pub const DATAGRAM: usize = 1500;

/// Longest sound payload accepted, in samples: 180 ms, as much as fits a datagram (RFC 3551 §4.2 asks
/// receivers for up to 200 ms, and recommends that senders keep to 20).
pub const PAYLOAD_SAMPLES: usize = 1_440;

/// Chunks of 10 ms one jitter buffer holds: 640 ms, twice the longest delay people accept.
/// Sound further ahead restarts the buffer and is counted as a jump. A power of two.
pub const JITTER_CHUNKS: usize = 64;

/// Longest delay the jitter buffer gives itself, in samples: 240 ms. ITU-T G.114 puts the whole
/// mouth-to-ear path at 400 ms at most.
pub const JITTER_DEPTH_SAMPLES: usize = 1920;

/// Echo cancellers: four E1 spans of thirty channels, and some lines more. Who comes later goes
/// without, by name ([`Refusal::EchoesTaken`](crate::Refusal::EchoesTaken)).
pub const ECHOES: usize = 128;

/// Longest way of a block to the line and of its echo back, ticks: what drivers queue.
pub const TURNAROUND_TICKS: usize = 4;

/// Facts waiting for the shell: every port may say two things in one tick. When it is full the
/// fact is dropped, counted, and told by [`Fact::FactsLost`](crate::Fact::FactsLost).
pub const FACTS: usize = 2048;

/// Seconds of sound in one WAV file that is loaded as a prompt: ten minutes of music.
pub const PROMPT_SECONDS: usize = 600;
