//! switchd: the daemon of lines, signalling and sound. It joins legs; it knows no campaign.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod limits;
pub mod seam;
