//! The simulated world: the whole box under one virtual clock.
//!
//! The real compositions (`switchd::switch::Switch`, the center of `centerd`, the store) run here with
//! no socket, no thread and no waiting: a day of calls takes seconds, and the same seed gives the same day
//! to the last byte. Nothing in this crate or below it may read another clock than [`Clock`].
//!
//! * [`clock`]: the only clock.
//! * [`chance`]: the only source of chance, seeded.
//! * [`net`]: a datagram network with delay, loss, doubling and reordering.

pub mod chance;
pub mod clock;
pub mod net;

pub use chance::Chance;
pub use clock::Clock;
pub use net::{Datagram, Faults, Net};
