//! Signalling without input and output: every protocol by which a line or a phone talks to us.
//!
//! Each protocol is a folder with the same faces: `wire` (bytes to values and back), machines
//! (`handle_*`, `handle_timeout`, `poll`, `next_timeout`), and the standard's own timer names.
//! Nothing here reads a clock, opens a socket, spawns, locks or logs, so that the whole box can
//! run in virtual time. Every bound is named in [`limits`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod limits;
pub mod q921;
pub mod q931;
pub mod sip;
