//! The town: simulated customers at a simulated carrier and a simulated exchange, and simulated
//! agents at their phones.
//!
//! [`town`] is the core: SIP messages, D-channel frames and facts about sound come in, messages,
//! frames, orders for sound and events come out; it reads no clock, so `tests/world` runs it beside
//! the box in virtual time. [`program`] runs it in real time over loopback, with [`sound`] as real
//! RTP, [`attach`] as the plugs of its spans and [`bearers`] as the sound in them; `main` is the
//! program `town` that the supervisor starts beside the daemons. [`config`] reads the model file for
//! it. [`voice`] and [`tones`] are all that can be heard.
//!
//! The town plays the outside world. It knows nothing of the box but SIP and ISDN, and never shares
//! a type with it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod attach;
pub mod bearers;
pub mod config;
pub mod limits;
pub mod program;
pub mod sound;
pub mod tones;
pub mod town;
pub mod voice;
