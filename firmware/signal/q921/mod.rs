//! LAPD, the data link of the D-channel (ITU-T Q.921 of 1997 as endorsed by ETSI EN 300 402): point
//! to point over a primary rate access, SAPI 0, TEI 0, either side.
//!
//! `frame` is octets and values; `link` is the machine of Annex B with its face, `state`
//! its five tables, `procedure` what the tables share (figure B.9), `queue` the I queue; `code` is
//! what layer management hears. Not here, because a point-to-point line has none of it: TEI
//! management, broadcast links, XID negotiation (received XID is counted and left unanswered).

pub mod code;
pub mod frame;
pub mod link;
mod procedure;
mod queue;
mod state;

#[cfg(test)]
mod tests;

pub use code::Code;
pub use frame::{Frame, FrameError, Role, Seq, Supervision, Turn};
pub use link::{By, Link, Output, Request, Settings, Snapshot, Timer, Why};
pub use state::State;
