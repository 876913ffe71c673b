//! What the box wants of hardware, and nothing about how it is had.
//!
//! Traits and plain types only. `board_linux` keeps them over the kernel, `board_sim` plays the
//! other end; `switchd` knows these names and no driver's.
//!
//! An E1 span is three things, because three threads use it:
//!
//! * [`FrameChannel`]: the D-channel, frame by frame, for the reactor;
//! * [`Bearers`]: the B-channels, 20 ms at a time, for the sound thread;
//! * [`Span`]: alarms, counters, loops, start and stop, for the reactor.
//!
//! Each later kind of hardware is one file beside these when its driver comes, cut the same way
//! (signalling apart from sound apart from upkeep): an analogue line, a modem, a sound card, a
//! lamp, the battery clock.
//!
//! [`block`] and [`fcs`] are the two byte formats that both ends of an attached span share.

pub mod bearers;
pub mod block;
pub mod fcs;
pub mod frames;
pub mod slots;
pub mod span;

pub use bearers::{BLOCK, Bearers, SILENCE};
pub use frames::{FrameChannel, LONGEST_FRAME};
pub use slots::Slots;
pub use span::{Alarms, Counters, EchoPlace, Loop, Span, SpanStatus};
