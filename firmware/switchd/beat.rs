//! When a tick begins: at the beat of a span where one beats, else by the timer.
//!
//! A span's line has a clock of its own, and who hears it without loss must follow that clock; so one
//! span is master of the tick. Its beat is a descriptor that becomes readable with each block. The
//! grid of due times goes on in any case and is drawn to the beats, so that the timer can take over
//! where the span left off:
//!
//! ```text
//!   beats    │    │    │    │                       │    │    │
//!   ticks    │    │    │    │         │││    │    │ │    │    │
//!            master         └ two ticks ┘    timer  master again
//!                             patience, made up
//! ```
//!
//! *Late* is a tick against that grid, whoever beats it. A master that itself is late is no lateness
//! of ours: we were awake when it should have come, and woke again in time to see that it had not.

use std::os::fd::BorrowedFd;

use media::TICK_MS;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// Length of a tick, ns.
pub const TICK_NS: i64 = TICK_MS as i64 * 1_000_000;

/// Ticks that are made up for after the thread was kept from running.
const CATCH_UP_MAX: i64 = 5;

/// Ticks that a new master's waiting blocks may begin before its phase is taken as it is: what a
/// driver may hold, and one more.
const RUSHED_MAX: u8 = 5;

/// Ticks that a master may be late before the timer takes over.
const PATIENCE_TICKS: i64 = 2;

/// The grid follows this part of what a beat lies beside it: a second to learn the phase, and a
/// millisecond of jitter moves it by little.
const DRAWN_BY: i64 = 16;

/// See the module.
#[derive(Debug)]
pub struct Beat {
    /// When the tick now waited for, or running, was due.
    due_ns: i64,
    master: Option<u8>,
    /// The grid has the master's phase.
    locked: bool,
    /// Ticks that a new master's waiting blocks have begun.
    rushed: u8,
    /// Ticks of a lost master are being made up.
    making_up: bool,
}

/// What one wait saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// The master's block is there.
    Beat,
    /// A block of a new master has waited: its phase is not known yet.
    Waiting,
    /// It is there, after we had looked for it in vain so many ns late.
    LateBeat(i64),
    /// The time has come, and nobody beats.
    Timer,
    /// The time and all patience is over.
    Nothing,
}

impl Beat {
    /// Begins now, by the timer.
    pub fn new() -> Beat {
        Beat { due_ns: now_ns(), master: None, locked: false, rushed: 0, making_up: false }
    }

    /// The span that is followed.
    pub fn master(&self) -> Option<u8> {
        self.master
    }

    /// Follows this span from the next tick on: its first beat sets the phase.
    pub fn follow(&mut self, span: u8) {
        if self.master != Some(span) {
            self.master = Some(span);
            self.locked = false;
            self.rushed = 0;
            self.making_up = false;
        }
    }

    /// Waits for the next tick and says how late it begins, ns. `fd` is the master's beat, and
    /// `waiting` the blocks of it that came while earlier ticks ran.
    pub fn wait(&mut self, fd: Option<BorrowedFd<'_>>, waiting: usize) -> i64 {
        self.due_ns += TICK_NS;
        let due = self.due_ns;
        let seen = match (self.master, fd) {
            (Some(_), Some(fd)) => {
                // A beat a whole tick before its time is none: whatever is wrong with the
                // descriptor or with the exchange behind it, the thread must not spin.
                if self.locked && now_ns() < due - TICK_NS {
                    sleep_until(due - TICK_NS);
                }
                match waiting > 0 {
                    true if self.locked || self.rushed >= RUSHED_MAX => Seen::Beat,
                    true => Seen::Waiting,
                    false => wait_for(fd, due),
                }
            }
            (Some(_), None) => {
                sleep_until(due);
                Seen::Nothing
            }
            (None, _) => {
                sleep_until(due);
                Seen::Timer
            }
        };
        self.begin(seen, now_ns())
    }

    /// A tick begins at `now_ns`.
    fn begin(&mut self, seen: Seen, now_ns: i64) -> i64 {
        let late = now_ns - self.due_ns;
        match seen {
            Seen::Waiting => {
                self.rushed += 1;
                self.due_ns = now_ns;
                0
            }
            Seen::Beat | Seen::LateBeat(_) if !self.locked => {
                self.locked = true;
                self.due_ns = now_ns;
                0
            }
            Seen::Beat => {
                self.skip(late);
                self.draw(late);
                late.max(0)
            }
            Seen::LateBeat(ours) => {
                self.draw(late);
                ours.max(0)
            }
            Seen::Nothing => {
                self.master = None;
                self.making_up = true;
                0
            }
            Seen::Timer if self.making_up => {
                self.skip(late);
                self.making_up = late > TICK_NS;
                0
            }
            Seen::Timer => {
                self.skip(late);
                late
            }
        }
    }

    /// What is later than can be made up is left out.
    fn skip(&mut self, late: i64) {
        if late > CATCH_UP_MAX * TICK_NS {
            self.due_ns += (late / TICK_NS) * TICK_NS;
        }
    }

    fn draw(&mut self, late: i64) {
        self.due_ns += late.clamp(-TICK_NS, TICK_NS) / DRAWN_BY;
    }
}

/// The monotonic clock; it cannot fail on Linux.
pub fn now_ns() -> i64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| now.num_nanoseconds())
}

/// Whether a descriptor is readable now.
pub fn is_readable(fd: BorrowedFd<'_>) -> bool {
    readable_before(fd, i64::MIN)
}

fn wait_for(fd: BorrowedFd<'_>, due: i64) -> Seen {
    if readable_before(fd, due + TICK_NS) {
        return Seen::Beat;
    }
    let ours = now_ns() - (due + TICK_NS);
    if readable_before(fd, due + PATIENCE_TICKS * TICK_NS) {
        Seen::LateBeat(ours)
    } else {
        Seen::Nothing
    }
}

/// Waits until a descriptor is readable, until `deadline_ns` at most.
fn readable_before(fd: BorrowedFd<'_>, deadline_ns: i64) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
    loop {
        let left = deadline_ns.saturating_sub(now_ns()).max(0);
        match ppoll(&mut fds, Some(TimeSpec::nanoseconds(left)), None) {
            Err(Errno::EINTR) => {}
            Ok(count) => return count > 0,
            Err(_) => return false,
        }
    }
}

fn sleep_until(when_ns: i64) {
    let when = TimeSpec::nanoseconds(when_ns);
    // Interrupted by a signal: sleep on.
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &when)
        == Err(Errno::EINTR)
    {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn beat_at(due_ns: i64) -> Beat {
        Beat { due_ns, master: None, locked: false, rushed: 0, making_up: false }
    }

    /// One tick as `wait` would find it.
    fn tick(beat: &mut Beat, seen: Seen, now_ns: i64) -> i64 {
        beat.due_ns += TICK_NS;
        beat.begin(seen, now_ns)
    }

    #[test]
    fn a_master_s_first_beat_sets_the_phase_and_none_of_it_is_late() {
        let mut beat = beat_at(0);
        assert_eq!(tick(&mut beat, Seen::Timer, 20 * MS), 0);
        beat.follow(1);
        assert_eq!(beat.master(), Some(1));
        assert_eq!(tick(&mut beat, Seen::Beat, 27 * MS), 0);
        for n in 1..100 {
            assert_eq!(tick(&mut beat, Seen::Beat, 27 * MS + n * TICK_NS), 0);
        }
    }

    #[test]
    fn a_tick_is_late_against_the_steady_beat_and_drift_is_followed() {
        let mut beat = beat_at(0);
        beat.follow(0);
        // 100 ppm slow: 2 µs a tick.
        let drift = 2_000;
        for n in 1..2_000 {
            let late = tick(&mut beat, Seen::Beat, n * (TICK_NS + drift));
            assert!(late < MS / 10, "{late} ns late in tick {n}");
        }
        let late = tick(&mut beat, Seen::Beat, 2_000 * (TICK_NS + drift) + 5 * MS);
        assert!((4 * MS..6 * MS).contains(&late), "{late}");
    }

    #[test]
    fn a_master_that_stops_is_made_up_for_by_the_timer_on_the_same_grid() {
        let mut beat = beat_at(0);
        beat.follow(0);
        for n in 1..10 {
            tick(&mut beat, Seen::Beat, n * TICK_NS);
        }
        // Nothing comes for the tick at 200 ms; patience ends at 240.
        assert_eq!(tick(&mut beat, Seen::Nothing, 240 * MS), 0);
        assert_eq!(beat.master(), None);
        for now in [240, 240, 260, 280] {
            assert_eq!(tick(&mut beat, Seen::Timer, now * MS), 0, "at {now} ms");
        }
        // 13 ticks in 280 ms: none is missing.
        assert_eq!(beat.due_ns, 280 * MS);
        assert_eq!(tick(&mut beat, Seen::Timer, 303 * MS), 3 * MS, "late counts again");
    }

    #[test]
    fn a_master_that_is_late_is_no_lateness_of_ours() {
        let mut beat = beat_at(0);
        beat.follow(0);
        tick(&mut beat, Seen::Beat, TICK_NS);
        assert_eq!(tick(&mut beat, Seen::LateBeat(MS), 75 * MS), MS);
        assert_eq!(beat.master(), Some(0));
    }

    #[test]
    fn what_was_slept_through_is_made_up_to_a_bound() {
        let mut beat = beat_at(0);
        assert_eq!(tick(&mut beat, Seen::Timer, 80 * MS), 60 * MS);
        assert_eq!(beat.due_ns, 20 * MS);
        assert_eq!(tick(&mut beat, Seen::Timer, 1_000 * MS), 960 * MS);
        assert_eq!(beat.due_ns, 1_000 * MS);
    }

    #[test]
    fn the_thread_waits_for_a_beat_and_gives_up_after_two_ticks() {
        let (ours, theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
        let fd = || Some(std::os::fd::AsFd::as_fd(&ours));
        let mut beat = Beat::new();
        beat.follow(3);
        theirs.send(&[0]).unwrap();
        assert_eq!(beat.wait(fd(), 0), 0);
        assert!(is_readable(fd().unwrap()));
        ours.recv(&mut [0]).unwrap();
        assert!(!is_readable(fd().unwrap()));
        let begun = now_ns();
        assert_eq!(beat.wait(fd(), 0), 0);
        assert!(now_ns() - begun >= 2 * TICK_NS, "it gave up early");
        assert_eq!(beat.master(), None);
    }

    #[test]
    fn a_master_that_brings_blocks_faster_than_time_passes_does_not_make_the_thread_spin() {
        let (ours, _theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
        let mut beat = Beat::new();
        beat.follow(0);
        let begun = now_ns();
        let ticks = i64::from(RUSHED_MAX) + 12;
        for _ in 0..ticks {
            beat.wait(Some(std::os::fd::AsFd::as_fd(&ours)), 3);
        }
        assert_eq!(beat.master(), Some(0));
        let took = now_ns() - begun;
        assert!(took >= 9 * TICK_NS, "{ticks} ticks in {took} ns");
    }
}
