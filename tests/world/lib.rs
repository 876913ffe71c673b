//! The simulated world: the whole box under one virtual clock.
//!
//! The real compositions (`switchd::switch::Switch`, the center of `centerd`, the store) run here with
//! no socket, no thread and no waiting: a day of calls takes seconds, and the same seed gives the same day
//! to the last byte. Nothing in this crate or below it may read another clock than [`Clock`].
//!
//! * [`clock`]: the only clock.
//! * [`chance`]: the only source of chance, seeded.
//! * [`unit`]: the box: both daemons' compositions and the store, each of which may be killed.
//! * [`day`]: the box in its town, and what must hold at any instant.
//! * [`facts`]: sound and disk without samples.
//! * [`ledger`]: what must hold of the records and of the channels.
//! * [`net`]: a datagram network with delay, loss, doubling and reordering.
//! * [`rows`]: what an administrator types in before the day.
//! * [`wire`]: the wires of the spans.

// A world may stop a test by panicking.
#![allow(clippy::expect_used, clippy::panic)]

pub mod chance;
pub mod clock;
pub mod day;
pub mod facts;
pub mod ledger;
pub mod net;
pub mod rows;
pub mod unit;
pub mod wire;

pub use chance::Chance;
pub use clock::Clock;
pub use day::{Day, E1, Plan};
pub use net::{Datagram, Faults, Net};
pub use unit::Unit;
