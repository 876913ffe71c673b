//! Every bound of the bench, with its unit and reason. The bench may find the switch slow, but it
//! must itself always come to an end.

use std::time::Duration;

/// Legs that the phones can play: 250 calls of two, more than one switch's `limits.legs` allows.
pub const LEGS_MAX: usize = 500;

/// Length of a packet of sound: 12 bytes of RTP header and 20 ms of G.711.
pub const PACKET_BYTES: usize = 172;

/// From one packet of a leg to the next.
pub const TICK: Duration = Duration::from_millis(20);

/// Longest wait for a child process to say something: a machine that is full of other work.
pub const CHILD_WAIT: Duration = Duration::from_secs(20);

/// Longest wait for a batch of legs to be answered, joined or ended. Above 64 × T1 of RFC 3261, so
/// that a lost datagram shows as a failed call and not as a broken bench.
pub const LEGS_WAIT: Duration = Duration::from_secs(40);

/// Longest wait for recordings to be sealed after the calls have ended.
pub const SEAL_WAIT: Duration = Duration::from_secs(20);

/// Between the last join and the window: jitter buffers fill, caches warm.
pub const SETTLE: Duration = Duration::from_secs(2);

/// Legs set up a second while a round of joined calls is built.
pub const RAMP_PER_S: u32 = 100;

/// Longest wait for a process to leave after SIGTERM: `switchd` gives its far ends four seconds.
pub const LEAVE_WAIT: Duration = Duration::from_secs(8);

/// Longest wait for the first sound after an answer.
pub const SOUND_WAIT: Duration = Duration::from_secs(2);

/// Legs of an Asterisk call that are given up without an answer.
pub const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// Longest wait for switchd to tell of itself: it does every five seconds.
pub const HEALTH_WAIT: Duration = Duration::from_secs(7);

/// Time for the whole bench, an Asterisk beside it included. What is not measured by then is left out
/// and said so.
pub const WHOLE: Duration = Duration::from_secs(600);
