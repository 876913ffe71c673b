//! Signs of life for the supervisor: a newline when ready, then a byte from the loop that works.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

/// The variable that names the descriptor.
const READY_FD: &str = "LINEBOX_READY_FD";

/// The descriptor, if the supervisor gave one.
#[derive(Debug, Default)]
pub struct Ready(Option<File>);

impl Ready {
    /// Opens what the environment names. Through `/proc`, so that a wrong number is an error and
    /// not somebody else's descriptor closed; without blocking, so that a supervisor that does not
    /// read never holds the loop up.
    #[must_use]
    pub fn open() -> Ready {
        let number = std::env::var(READY_FD).ok().and_then(|text| text.parse::<u32>().ok());
        let opened = number.map(|number| {
            OpenOptions::new()
                .write(true)
                .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
                .open(format!("/proc/self/fd/{number}"))
        });
        match opened {
            Some(Ok(file)) => Ready(Some(file)),
            Some(Err(error)) => {
                tracing::warn!(%error, "the supervisor's descriptor cannot be opened");
                Ready(None)
            }
            None => Ready(None),
        }
    }

    /// Ready, or still alive.
    pub fn beat(&mut self) {
        if let Some(file) = &mut self.0 {
            // Full: the supervisor has bytes enough to see us alive.
            let _ = file.write(b"\n");
        }
    }
}
