//! Pacing: how many more people to call now.
//!
//! The least waiting for agents at a kept promise to the people called. A pure function of what
//! has happened so far: events with their instants come in, one decision comes out; it reads no
//! clock, and the same events give the same decisions. It knows nothing of lines, legs or the
//! database, and nothing of any simulator. `WHY.md` says what was tried.

pub mod budget;
pub mod convolution;
pub mod decide;
pub mod event;
pub mod flight;
pub mod forecast;
pub mod hit;
pub mod limits;
pub mod roster;
pub mod survival;

pub use decide::{Decision, Pacer, Tuning};
pub use event::{Day, Event, Outcome};
