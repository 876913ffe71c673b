//! Every bound of the drivers, with its unit and reason.

/// Blocks of 20 ms that may wait between an exchange and the tick. Two are the usual jitter of
/// two processes on one box; a fourth says that the clocks differ, and the oldest goes, counted as
/// a slip.
pub const WAITING: usize = 4;

/// Block messages taken from an exchange in one look: twice as many as may wait. One that sends
/// more than time passes fills its own socket, not our tick.
pub const MESSAGES_A_LOOK: usize = 2 * WAITING;

/// Messages on a D-channel's socket that are no frames, passed over in one look. The rest waits for
/// the next: whoever sends nothing else must not keep the reactor from its other work.
pub const GARBAGE_A_LOOK: usize = 64;

/// Lost block messages told one by one by their sequence; a greater jump is a new count of the
/// sender, not a loss.
pub const SEQUENCE_JUMP: u32 = 50;

/// Connections that may wait to be accepted on one socket: an exchange and its successor.
pub const BACKLOG: i32 = 2;

/// Ticks of 20 ms without a block after which a span counts as without sound: a fifth of a second,
/// longer than any process is kept waiting.
pub const QUIET_TICKS: u32 = 10;

/// Blocks of 20 ms that the kernel holds for one channel of a card, each way: as many as may wait.
/// More would only be delay.
pub const BLOCK_BUFFERS: i32 = WAITING as i32;

/// Blocks of 20 ms that one channel of a card may be ahead of what is sent: this tick's, and one of
/// silence before it, so that a tick may be 20 ms late and nobody hears it.
pub const AHEAD: usize = 2;

/// Frames that the kernel holds for one D-channel, each way: the most it allows. A window of seven
/// and what a busy second answers.
pub const FRAME_BUFFERS: i32 = 32;

/// Octets of one such frame: the longest of Q.921 with its FCS, and room to tell a longer one.
pub const FRAME_OCTETS: usize = 512;
