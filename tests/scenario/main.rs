//! Scenarios of the whole box in virtual time: both daemons, the disk, the wires and the people.

// A scenario stops by panicking, and so do the words it is told in.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod deaths;
mod faults;
mod guesses;
mod hours;
mod incoming;
mod list;
mod returns;
mod seats;
mod span;
mod span_faults;
