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

/// Looks every 50 ms until `look` has something, and says after `limit` what it waited for.
///
/// # Panics
/// When the time is over.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited {limit:?} for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
