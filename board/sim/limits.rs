//! Every bound of the town, with its unit and its reason.

/// Simulated phones. More than the seats of the largest box; beyond it the model is refused.
pub const PHONES_MAX: usize = 300;

/// Entries of `[[town.subscriber]]`. Each is a range of numbers, not a number; beyond it the model
/// is refused.
pub const SUBSCRIBERS_MAX: usize = 10_000;

/// Numbers whose fate was fixed by a scenario. Beyond it a fate is not taken.
pub const FIXED_MAX: usize = 100_000;

/// Numbers of which it is remembered how often they were called, so that the second call may fare
/// differently. Beyond it every further number is called as if for the first time.
pub const NUMBERS_MAX: usize = 1_000_000;

/// Sound ports, and so calls with sound at once; what the sound core has room for, within half.
pub const SOUND_PORTS_MAX: u16 = 512;

/// Datagrams that wait between the sockets and the town. When it is full, reading waits, and the
/// kernel drops what its own queue does not hold.
pub const DATAGRAMS: usize = 1_024;

/// Bytes of the model file that are read. The demo model has about 6 kB.
pub const MODEL_BYTES_MAX: u64 = 1024 * 1024;

/// The longest time that a model may set for ringing or talking, in milliseconds: an hour.
pub const TIME_MS_MAX: u64 = 3_600_000;

/// E1 spans of the exchange. As many as a box has; beyond it the model is refused.
pub const SPANS_MAX: usize = 4;

/// Bytes of the file of subscribers that are read: ten thousand entries have about 1.5 MB.
pub const PEOPLE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Kinds of people in one file; beyond it the file is refused.
pub const KINDS_MAX: usize = 1_000;

/// Times at which one person presses keys in one call; beyond it the entry is refused.
pub const KEYS_MAX: usize = 20;

/// Block messages of the box that wait for a tick, for each span: 80 ms. Of more the oldest is
/// dropped.
pub const MOMENTS_WAITING: usize = 4;

/// D-channel frames that wait for a span's socket. Of more the newest is dropped, as on a line that
/// is cut; Q.921 says it again.
pub const FRAMES_WAITING: usize = 256;
