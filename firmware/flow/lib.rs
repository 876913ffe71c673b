//! Conversations by phone: what the box says, what it waits for, and what follows.
//!
//! Pure machines; sound and calls are outputs. Today: signing in and out by phone ([`signin`]) and
//! the disposition by digit ([`disposition`]). Menus and queues will stand beside them.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm))]

pub mod disposition;
pub mod limits;
pub mod prompt;
pub mod signin;

pub use prompt::{Collect, CollectEnd, Prompt};
