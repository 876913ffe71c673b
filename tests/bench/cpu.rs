//! CPU time of a process, by the kernel's own account of it (user and system together), to the
//! nanosecond. One yardstick for the floor, the switch and Asterisk.

use std::time::{Duration, Instant};

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::broken::Broken;

/// CPU time that process `pid` has used since its birth, all its threads together.
pub fn used(pid: u32) -> Result<Duration, Broken> {
    let gone = |source| Broken::Process { pid, source };
    let number = i32::try_from(pid).unwrap_or(i32::MAX);
    let clock = clock_getcpuclockid(Pid::from_raw(number)).map_err(gone)?;
    clock_gettime(clock).map(Duration::from).map_err(gone)
}

/// A window of time over which a process is watched.
pub struct Window {
    pid: u32,
    used: Duration,
    begun: Instant,
}

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// CPU time in the window.
    pub cpu: Duration,
    /// Length of the window.
    pub wall: Duration,
}

impl Window {
    /// Begins now.
    pub fn open(pid: u32) -> Result<Window, Broken> {
        Ok(Window { pid, used: used(pid)?, begun: Instant::now() })
    }

    /// Ends now.
    pub fn close(self) -> Result<Seen, Broken> {
        let cpu = used(self.pid)?.saturating_sub(self.used);
        Ok(Seen { cpu, wall: self.begun.elapsed() })
    }
}

impl Seen {
    /// CPU seconds for one call that lasts a minute, if `calls` were up all the time.
    pub fn per_call_minute(&self, calls: usize) -> f64 {
        self.cpu.as_secs_f64() * 60.0 / (calls as f64 * self.wall.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_work_is_seen_and_sleep_is_not() {
        let watched = Window::open(std::process::id()).unwrap();
        let mut sum = 0u64;
        while used(std::process::id()).unwrap() < watched.used + Duration::from_millis(30) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let seen = watched.close().unwrap();
        assert!(seen.cpu >= Duration::from_millis(30), "{seen:?}");
        let idle = Seen { cpu: Duration::from_secs(2), wall: Duration::from_secs(10) };
        assert!((idle.per_call_minute(100) - 0.12).abs() < 1e-9);
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        // One below the most that Linux ever gives.
        let error = used(4_194_303).unwrap_err().to_string();
        assert!(error.contains("4194303"), "{error}");
    }
}
