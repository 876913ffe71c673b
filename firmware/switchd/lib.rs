//! switchd: the daemon of lines, signalling and sound. It joins legs; it knows no campaign.
//!
//! [`switch`] is the whole of its behaviour without input and output; [`reactor`], [`sound`] and
//! [`disk`] are its three threads, which meet in [`seam`]; [`start`] puts them together.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm))]

pub mod archive;
mod bearer;
mod beat;
pub mod center;
pub mod config;
pub mod disk;
pub mod hardware;
pub mod journal;
pub mod keep;
pub mod limits;
pub mod live_span;
pub mod reactor;
pub mod ready;
pub mod realtime;
pub mod seam;
pub mod shelf;
pub mod sound;
pub mod start;
pub mod switch;
