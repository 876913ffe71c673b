//! The conversation `pacer/1`: a driver tells what happens on a campaign, one JSON object a line;
//! the pacer answers how many more people to call.
//!
//! [`wire`] turns a line into a message, once, with every number checked. [`session`] holds the
//! order of the conversation and drives [`dialer::pacing`]. Neither reads a clock or a file; the
//! program in `main.rs` owns the pipes. There is no state but what the lines have told.

pub mod limits;
pub mod session;
pub mod wire;

pub use session::{Reply, Session};
pub use wire::{Broken, Line};
