//! The drivers: `board_port`'s traits over what Linux offers. The only ioctls of the house.
//!
//! * [`attached`]: an outside exchange on two unix sockets, one message a D-channel frame and one
//!   message 20 ms of B-channels.
//! * [`dahdi`]: an E1 card over the kernel's DAHDI interface.
//!
//! Each driver gives the same three parts of a span ([`Parts`]); whoever holds them cannot tell
//! the drivers apart. Later kinds of line stand beside these two.
//! [`watch`] lets the reactor wait for a D-channel, which is the only thing of tokio here.

pub mod attached;
pub mod dahdi;
pub mod limits;
mod parts;
mod tally;
mod wake;
pub mod watch;

pub use parts::{OpenError, Parts};
