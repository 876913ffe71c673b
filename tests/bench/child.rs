//! Processes of ours: started, asked, and ended, whatever happens to us in between.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::broken::{Broken, Doing};
use crate::limits::{CHILD_WAIT, LEAVE_WAIT};

/// Lines that a child may be ahead of us.
const LINES_MAX: usize = 64;

/// A process that ends with us.
pub struct Guarded(pub Child);

impl Guarded {
    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Asks it to leave and waits; kills it if it does not. Whether it left in order.
    pub fn leave(&mut self) -> bool {
        let number = i32::try_from(self.pid()).unwrap_or(i32::MAX);
        let _ = kill(Pid::from_raw(number), Signal::SIGTERM);
        let until = Instant::now() + LEAVE_WAIT;
        while Instant::now() < until {
            match self.0.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => thread::sleep(Duration::from_millis(20)),
                Err(_) => break,
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
        false
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Another instance of this program that plays a part.
pub struct Part {
    name: &'static str,
    process: Guarded,
    /// `None` when nothing more will be told.
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Part {
    /// Starts `program` as the part `name`.
    pub fn start(program: &Path, name: &'static str, words: &[String]) -> Result<Part, Broken> {
        let mut command = Command::new(program);
        command.arg(name).args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = command.spawn();
        let mut child = started
            .map_err(|source| Broken::Start { program: program.to_owned(), source })
            .map(Guarded)?;
        let mute = || Broken::Child { child: name, what: "has no pipes".to_owned() };
        let orders = child.0.stdin.take().ok_or_else(mute)?;
        let out = child.0.stdout.take().ok_or_else(mute)?;
        let (said, lines) = sync_channel(LINES_MAX);
        // Ends with the child's output.
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if said.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Part { name, process: child, orders: Some(orders), lines })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Tells it something.
    pub fn tell<T: Serialize>(&mut self, order: &T) -> Result<(), Broken> {
        let line = link::frame::emit(order)?;
        let ended = || Broken::Child { child: self.name, what: "was told to end".to_owned() };
        let orders = self.orders.as_mut().ok_or_else(ended)?;
        orders.write_all(&line).doing(&format!("telling the part {}", self.name))
    }

    /// Lets it end, and hears its last line.
    pub fn finish<T: DeserializeOwned>(mut self) -> Result<T, Broken> {
        self.orders = None;
        self.hear()
    }

    /// What it says next, within `wait`.
    pub fn hear_within<T: DeserializeOwned>(&mut self, wait: Duration) -> Result<T, Broken> {
        let silent = |_| Broken::Child { child: self.name, what: "says nothing".to_owned() };
        let line = self.lines.recv_timeout(wait).map_err(silent)?;
        serde_json::from_str(&line)
            .map_err(|e| Broken::Child { child: self.name, what: format!("said {line}: {e}") })
    }

    /// What it says next.
    pub fn hear<T: DeserializeOwned>(&mut self) -> Result<T, Broken> {
        self.hear_within(CHILD_WAIT)
    }

    /// Tells it something and hears its answer.
    pub fn ask<T: Serialize, A: DeserializeOwned>(&mut self, order: &T) -> Result<A, Broken> {
        self.tell(order)?;
        self.hear()
    }
}
