//! What makes the bench fail: something is broken. Slowness never does.

use std::io;
use std::path::PathBuf;

/// Something is broken.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A program cannot be started.
    #[error("{program} cannot be started: {source}; run `make build` first")]
    Start {
        /// Which.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A process is gone.
    #[error("process {pid} cannot be watched: {source}")]
    Process {
        /// Which.
        pid: u32,
        /// What the system said.
        source: nix::errno::Errno,
    },
    /// A child of ours has ended or said something that it must not.
    #[error("{child}: {what}")]
    Child {
        /// Which.
        child: &'static str,
        /// What it did.
        what: String,
    },
    /// The switch does not do what it was told.
    #[error("switchd: {0}")]
    Switch(String),
    /// The link cannot be followed.
    #[error(transparent)]
    Frame(#[from] link::frame::FrameError),
    /// Asterisk does not take the calls.
    #[error("Asterisk: {0}")]
    Asterisk(String),
    /// The system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What we were about.
        doing: String,
        /// What it said.
        source: io::Error,
    },
}

/// Says what we were about when the system refused.
pub trait Doing<T> {
    /// `doing` in words.
    fn doing(self, doing: &str) -> Result<T, Broken>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &str) -> Result<T, Broken> {
        self.map_err(|source| Broken::Io { doing: doing.to_owned(), source: source.into() })
    }
}
