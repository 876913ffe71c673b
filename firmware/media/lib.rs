//! The sound of the box: who hears whom, and everything that touches a sample.
//!
//! A pure real-time core. It never reads a clock, does I/O, spawns, locks or logs, and after
//! [`Engine::new`] nothing it does on the sound tick allocates. The shell (one sound thread in
//! switchd) owns the sockets, the timer and the rings between threads, and runs one turn each
//! [`TICK_MS`]:
//!
//! ```text
//! every 20 ms   1  apply(command)            each command from the control thread
//!               2  handle_packet(port, ..)   each datagram that lies in the sockets
//!                  handle_bearer(port, ..)   the block of each channel of a span
//!               3  tick()                    hear, detect, mix, encode
//!               4  packets(), bearers()      send them all (they stay until the next tick)
//!               5  poll_block()              recorded blocks, to the disk thread's ring
//!               6  poll_fact()               facts, to the control thread's ring
//! ```
//!
//! A command applied before tick *n* is audible in the packets of tick *n*.
//!
//! What runs in C on the sound thread, all of spandsp: `dtmf_rx`, `dtmf_rx_get`, `plc_rx`,
//! `plc_fillin` in the tick, `dtmf_rx_init` and `plc_init` when a port is opened. Each works in the
//! state that [`Engine::new`] made and calls neither malloc nor the system; `tests/allocation.rs`
//! watches both allocators.
//!
//! Digits that a port hears are facts; they are not passed on to its hearers by themselves. Who
//! joins two legs and wants keys to reach the far side says [`Command::SendDigits`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod command;
mod conceal;
pub mod detect;
mod echo;
pub mod engine;
pub mod fact;
pub mod g711;
pub mod id;
mod jitter;
pub mod limits;
pub mod looptest;
mod mix;
mod player;
mod port;
mod record;
pub mod rtp;
mod slack;
mod spandsp;
pub mod table;
pub mod telephone_event;
pub mod tone;
mod transmit;
pub mod wav;

pub use command::{
    Barge, Codec, Command, Digits, Listening, Mapping, OpenPort, Play, Refusal, Repeat, Transport,
};
pub use engine::{Accepted, Engine, Setup};
pub use fact::{Block, DigitPath, Fact, PacketRefusal, PlayEnd, PortStats};
pub use id::{Channel, Ear, Gain, PlayerId, PortId, PromptId, RecorderId, Source};
pub use looptest::{LoopTest, LoopTurn, LoopVerdict};
pub use tone::{Country, Tone};

/// Length of one turn of the sound thread, in milliseconds.
pub const TICK_MS: u32 = 20;

/// Samples of one turn at 8 kHz.
pub const FRAME: usize = 160;

/// One turn of one direction of one voice: 20 ms of linear sound at 8 kHz.
pub type Frame = [i16; FRAME];

const _: () = {
    const fn crosses_to_the_sound_thread<T: Send>() {}
    crosses_to_the_sound_thread::<Engine>();
    crosses_to_the_sound_thread::<Command>();
    crosses_to_the_sound_thread::<Fact>();
    crosses_to_the_sound_thread::<Block>();
};
