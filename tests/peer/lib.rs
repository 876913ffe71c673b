//! The whole box against software that we did not write: baresip as desk phones, SIPp as trunk and
//! customers, on loopback, in real time.
//!
//! A test starts the shipped programs (release build) on free ports with a data folder of its own,
//! configures the box over its API as a developer would, places calls, and listens to what came out
//! at every end. It ends only processes that it has started.

// Tests may fail by panicking, and a helper of theirs too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod baresip;
pub mod console;
pub mod isdn;
pub mod probe;
pub mod sipp;
pub mod tone;
pub mod unit;

use std::time::{Duration, Instant};

/// A loopback address of this process: runs of the tests beside each other do not meet.
#[must_use]
pub fn host(n: u8) -> String {
    let process = std::process::id();
    format!("127.{}.{}.{n}", 1 + process / 250 % 250, 1 + process % 250)
}

/// Between two looks of [`wait_for`].
const LOOK: Duration = Duration::from_millis(50);

/// Looks every 50 ms until `look` has something, and says after `limit` what it waited for. Time
/// alone does not end it: a machine that stood still for a second has looked once, not twenty times.
///
/// # Panics
/// When the time is over.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + limit;
    let mut looks_left = limit.as_millis() / LOOK.as_millis() / 2;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until || looks_left > 0, "waited {limit:?} for {what}");
        looks_left = looks_left.saturating_sub(1);
        std::thread::sleep(LOOK);
    }
}

/// How far the same instant may stand apart in the records of two programs, ms. Both read one clock,
/// so the rest is a message under way on a machine that does other things, too.
pub const SAME_INSTANT_MS: i64 = 1_000;

/// Whether those who answered were joined at once: at most two ticks (40 ms) after the answer, as
/// the box promises. Virtual time shows that to the tick, and the bench measures it. Here one in ten
/// may have met a machine that stood still, and a handful of calls says nothing about one in ten;
/// a quarter of a second is too much for anybody.
///
/// # Panics
/// When they were not.
pub fn joined_at_once(late_ms: &[i64]) {
    let mut late_ms = late_ms.to_vec();
    late_ms.sort_unstable();
    let (first, worst) = (late_ms.first().copied(), late_ms.last().copied());
    let (Some(first), Some(worst)) = (first, worst) else { panic!("nobody was joined") };
    let nine_in_ten = late_ms.get((late_ms.len() * 9).div_ceil(10) - 1).copied().unwrap_or(worst);
    assert!(first >= 0 && worst < 250, "joined {late_ms:?} ms after the answer");
    assert!(late_ms.len() < 10 || nine_in_ten <= 40, "joined {late_ms:?} ms after the answer");
}
