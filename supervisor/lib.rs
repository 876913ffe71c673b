//! The supervisor: starts the daemons in order, restarts what dies, kills what hangs, stops all
//! in reverse.
//!
//! Its whole policy is the table in [`tree`], a pure function of state and event, and the turn of
//! each in [`order`]; the rest is a thin shell that carries their outputs out. It imports none of our crates, knows nothing
//! of calls or leads, and never waits on what it supervises: a child's silence is an event like
//! any other, and a full pipe holds up only the child's own lines.

pub mod args;
pub mod child;
pub mod health;
pub mod limits;
pub mod model;
pub mod order;
pub mod reactor;
pub mod schema;
pub mod spawn;
#[cfg(test)]
mod story;
pub mod tree;
pub mod voice;

/// Exit code for a setting that cannot work (`EX_CONFIG` of sysexits.h). A daemon that ends with
/// it is not restarted, because a restart would not help; the supervisor then ends with it too.
pub const EX_CONFIG: i32 = 78;
