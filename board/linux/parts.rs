//! What a driver hands over.

use std::io;
use std::path::PathBuf;

use board_port::{Bearers, FrameChannel, Span};

/// The three parts of one open span, one for each thread that uses it.
pub struct Parts {
    /// The D-channel, for the reactor.
    pub frames: Box<dyn FrameChannel>,
    /// The B-channels, for the sound thread.
    pub bearers: Box<dyn Bearers>,
    /// Alarms, counters, loops, for the reactor.
    pub span: Box<dyn Span>,
}

/// Why a span could not be opened, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else listens where we should.
    #[error("{}: another program listens here; stop it or give the span another path", .0.display())]
    Taken(PathBuf),
    /// There is a file that is no socket.
    #[error("{}: this is not a socket and was left alone; remove it or give the span another path", .0.display())]
    NotASocket(PathBuf),
    /// A socket could not be made.
    #[error("{}: cannot listen: {error}; check the folder, its permissions and that the path is shorter than 108 octets", path.display())]
    Listen {
        /// Where.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The kernel refused something that every span needs.
    #[error("the kernel gave no descriptor to wait on: {0}; raise the limit of open files")]
    Wait(io::Error),
}
