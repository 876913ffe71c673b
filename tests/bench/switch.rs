//! A real switchd of the release build, alone: its model, its ports, its data, its end.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;

use crate::broken::{Broken, Doing};
use crate::child::Guarded;
use crate::limits::{CHILD_WAIT, LEGS_MAX};

/// Ports below those that the system gives to whoever asks for any.
const PORTS: std::ops::Range<u16> = 12_000..30_000;
/// From one try for a range of ports to the next.
const PORT_STEP: usize = 250;

/// The running switch.
pub struct Switch {
    process: Guarded,
    /// Where its data lies.
    pub data: PathBuf,
    log: PathBuf,
}

/// What switchd said at its end about its sound thread, if it did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastWords {
    /// Ticks of its life.
    pub ticks: u64,
    /// Ticks missed.
    pub overruns: u64,
    /// How late ticks began: median, 99th, 99.99th percentile, µs.
    pub late_us: [u64; 3],
}

impl Switch {
    /// Starts `program` with everything below `folder`, and waits until it serves.
    pub fn start(program: &Path, folder: &Path, prompts: &Path) -> Result<Switch, Broken> {
        let rtp = free_range().ok_or_else(|| Broken::Switch("no free range of ports".into()))?;
        let sip = free_port()?;
        let model = folder.join("bench.toml");
        fs::write(&model, model_text(sip, rtp, prompts)).doing("writing the bench's model")?;
        let data = folder.join("data");
        let log = folder.join("switchd.log");
        let errors = File::create(&log).doing("making switchd's log")?;
        let mut command = Command::new(program);
        command.arg("--model").arg(&model).arg("--data").arg(&data).arg("--json");
        // Its standard output is the pipe on which it says that it serves.
        command.env("LINEBOX_READY_FD", "1").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(errors);
        let started = command.spawn();
        let started =
            started.map_err(|source| Broken::Start { program: program.to_owned(), source });
        let mut switch = Switch { process: Guarded(started?), data, log };
        switch.await_ready()?;
        Ok(switch)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn await_ready(&mut self) -> Result<(), Broken> {
        let mute = || Broken::Switch("has no standard output".to_owned());
        // Kept open: it beats there once a second.
        let pipe = self.process.0.stdout.as_mut().ok_or_else(mute)?;
        let wait = PollTimeout::try_from(CHILD_WAIT).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
        let heard = poll(&mut fds, wait).doing("waiting for switchd")? > 0;
        let mut byte = [0];
        if heard && pipe.read(&mut byte).is_ok_and(|count| count == 1) {
            return Ok(());
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        Err(Broken::Switch(format!("does not serve: {}", log.lines().last().unwrap_or_default())))
    }

    /// Lines of its log above the level of information, at most `count`.
    pub fn complaints(&self, count: usize) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let loud = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
        log.lines().filter(loud).take(count).map(str::to_owned).collect()
    }

    /// Stops it. What it said at its end, if it does that; an error if it did not end in order.
    pub fn stop(mut self) -> Result<Option<LastWords>, Broken> {
        if !self.process.leave() {
            return Err(Broken::Switch("did not end in order after SIGTERM".to_owned()));
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        Ok(log.lines().rev().find_map(last_words))
    }
}

/// The line of switchd's log that has the lateness of its whole life.
fn last_words(line: &str) -> Option<LastWords> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields")?;
    let number = |key: &str| fields.get(key)?.as_u64();
    Some(LastWords {
        ticks: number("ticks")?,
        overruns: number("overruns")?,
        late_us: [number("late_p50_us")?, number("late_p99_us")?, number("late_p9999_us")?],
    })
}

fn model_text(sip: u16, rtp: (u16, u16), prompts: &Path) -> String {
    format!(
        "[box]\nname = \"bench\"\n[ports]\nlisten = \"127.0.0.1\"\nsip = {sip}\nrtp = \"{}-{}\"\n\
         [sound]\nprompts = \"{}\"\nlaw = \"alaw\"\n\
         [limits]\nlegs = {LEGS_MAX}\nrecordings_free_mb = 0\n",
        rtp.0,
        rtp.1,
        prompts.display(),
    )
}

fn free_port() -> Result<u16, Broken> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).doing("looking for a free port")?;
    Ok(socket.local_addr().doing("looking for a free port")?.port())
}

/// A range with a free even port for every leg.
fn free_range() -> Option<(u16, u16)> {
    let width = 2 * LEGS_MAX as u16;
    PORTS.step_by(PORT_STEP).map(|first| (first, first + width - 1)).find(|&(first, last)| {
        let open = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        // All at once, as switchd will.
        (first..=last).step_by(2).map(open).collect::<Result<Vec<_>, _>>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_range_has_room_for_every_leg() {
        let (first, last) = free_range().unwrap();
        assert_eq!((first % 2, usize::from(last - first + 1)), (0, 2 * LEGS_MAX));
    }

    #[test]
    fn the_last_words_are_found_among_other_lines() {
        let line = r#"{"level":"INFO","fields":{"message":"sound has stopped","ticks":9000,
            "overruns":0,"late_p50_us":80,"late_p99_us":200,"late_p9999_us":900}}"#;
        let words = LastWords { ticks: 9_000, overruns: 0, late_us: [80, 200, 900] };
        assert_eq!(last_words(line), Some(words));
        assert_eq!(last_words(r#"{"level":"INFO","fields":{"message":"switchd serves"}}"#), None);
        assert_eq!(last_words("not JSON"), None);
    }
}
