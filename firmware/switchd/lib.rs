//! switchd: the daemon of lines, signalling and sound. It joins legs; it knows no campaign.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod archive;
pub mod config;
pub mod disk;
pub mod journal;
pub mod limits;
pub mod realtime;
pub mod seam;
pub mod sound;
pub mod switch;
