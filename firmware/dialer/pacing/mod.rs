//! Pacing: how many more people to call now.
//!
//! The least waiting for agents at a kept promise to the people called. A pure function of what
//! has happened so far: events with their instants come in, one decision comes out; it reads no
//! clock, and the same events give the same decisions. It knows nothing of lines, legs or the
//! database, and nothing of any simulator. `WHY.md` says what was tried.

//!
//! | file | holds |
//! |---|---|
//! | `event` | what pacing is told |
//! | `pacer` | what it has been told and has learned |
//! | `decide` | how many to call now, and `explain` why |
//! | `budget`, `price` | today's promise in whole calls, and what one of them is worth |
//! | `forecast`, `survival`, `hit` | when agents will be free and people will answer |
//! | `convolution` | the exact distribution of agents minus answers |
//! | `roster`, `flight` | seats and attempts |
//! | `share`, `skill` | campaigns that share agents and lines, lines kept for inbound |
//! | `detect` | what a machine detector costs |
//! | `ramp`, `recall` | a soft start; giving up surplus ringing calls |
//! | `limits` | every bound and policy number |

pub mod budget;
pub mod convolution;
pub mod decide;
pub mod detect;
pub mod event;
pub mod explain;
pub mod flight;
pub mod forecast;
pub mod hit;
pub mod limits;
pub mod pacer;
pub mod price;
pub mod ramp;
pub mod recall;
pub mod roster;
pub mod share;
pub mod skill;
pub mod survival;

pub use decide::Means;
pub use event::{Day, Event, Outcome};
pub use explain::{Decision, Forgone, Outlook, Reason};
pub use pacer::{Pacer, Tuning};

#[cfg(test)]
mod tests;
