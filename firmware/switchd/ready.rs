//! The pipe to the supervisor: a newline when we serve, then a byte a second as long as both the
//! reactor and the sound thread are alive.
//!
//! The supervisor names the pipe's descriptor in `LINEBOX_READY_FD`. Without it nobody watches.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

/// Where the supervisor says which descriptor its pipe has.
const VARIABLE: &str = "LINEBOX_READY_FD";

/// Our end of the pipe.
#[derive(Debug, Default)]
pub struct Ready {
    pipe: Option<File>,
    /// The sound thread's count at the last beat.
    ticks: Option<u64>,
}

impl Ready {
    /// Opens what the supervisor named, if it did.
    #[must_use]
    pub fn open() -> Ready {
        let named = env::var(VARIABLE).ok().and_then(|fd| fd.parse::<u32>().ok());
        // Opened by its name in /proc, the pipe gets a non-blocking end of our own.
        let pipe = named.and_then(|fd| {
            let path = format!("/proc/self/fd/{fd}");
            OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path).ok()
        });
        Ready { pipe, ticks: None }
    }

    /// Says that we serve.
    pub fn serving(&mut self) {
        self.write(b"\n");
    }

    /// Once a second: a sign of life, if sound has gone on since the last.
    pub fn beat(&mut self, ticks: u64) {
        if self.ticks.replace(ticks) != Some(ticks) {
            self.write(b".");
        }
    }

    fn write(&mut self, byte: &[u8]) {
        // A full pipe means that the supervisor is not reading; it has had its sign of life.
        if let Some(pipe) = &mut self.pipe {
            let _ = pipe.write(byte);
        }
    }
}
