//! Channels of E1 spans: what the sound thread costs for one, beside a bare loop that reads and
//! writes the same blocks.
//!
//! ```text
//!   exchange ◄── a block message every 20 ms each way ──► sound thread   first,
//!   (its own process)        on each span's socket         bare loop     then
//! ```
//!
//! Every channel is joined with another one, and the exchange hears on each what it said on the
//! other. The sound thread is switchd's own, without the rest of switchd: once as the talking part
//! of a call needs it, once with a receiver for keys on every channel, as menus need it.

mod exchange;
mod floor;
mod sound;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::broken::{Broken, Doing};
use crate::child::Part;
use crate::cpu::Window;
use crate::limits::SETTLE;

pub use exchange::run as exchange;
pub use floor::run as floor;
pub use sound::run as sound;

/// Channels of one span.
pub const PER_SPAN: usize = 30;

/// The blocks of a message whose channels are all in use, in octets before the first.
const HEAD: usize = board_port::block::HEAD;

/// One number of channels by both.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Channels in use.
    pub channels: usize,
    /// Whether keys were listened for on all of them.
    pub keys: bool,
    /// The sound thread's CPU for one channel that is used for a minute, ms.
    pub thread_ms: f64,
    /// The bare loop's.
    pub floor_ms: f64,
    /// What the exchange heard of the sound thread.
    pub heard: Heard,
    /// What the exchange heard of the bare loop.
    pub floor_heard: Heard,
    /// What the sound thread counted.
    pub counted: Counted,
}

impl Line {
    /// Sound thread divided by bare loop.
    pub fn ratio(&self) -> f64 {
        self.thread_ms / self.floor_ms
    }
}

/// Last line of the part `line-exchange`: what became of the blocks of a window.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Heard {
    /// Blocks of a partner that came in turn.
    pub good: u64,
    /// Blocks that never came.
    pub lost: u64,
    /// Blocks that nobody said so.
    pub foreign: u64,
    /// The exchange's own worst lateness, ms.
    pub late_ms: f64,
}

/// Last line of the part `line-thread`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Counted {
    /// Ticks in which a span brought nothing.
    pub underruns: u64,
    /// Blocks beyond one a tick.
    pub more: u64,
    /// Blocks that a span would not take.
    pub slips: u64,
    /// Ticks that were missed.
    pub overruns: u64,
}

/// First line of a part that is ready.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Channels that it serves.
    pub channels: usize,
}

/// Where a part listens for the exchange on one span.
fn socket_of(folder: &Path, span: usize) -> PathBuf {
    folder.join(format!("span{span}.b"))
}

/// Span and place among its channels (0 to 29) of channel `channel`.
const fn place_of(channel: usize) -> (usize, usize) {
    (channel / PER_SPAN, channel % PER_SPAN)
}

/// The time slot of a place: 1 to 15 and 17 to 31.
const fn slot_of(place: usize) -> u8 {
    if place < 15 { place as u8 + 1 } else { place as u8 + 2 }
}

/// The channel that `channel` is joined with: one of the other half.
const fn partner_of(channel: usize, channels: usize) -> usize {
    (channel + channels / 2) % channels
}

/// Measures `channels` channels (a multiple of [`PER_SPAN`]) for `seconds` by the bare loop, then by
/// the sound thread without and with keys.
pub fn round(
    program: &Path,
    folder: &Path,
    channels: usize,
    seconds: u64,
) -> Result<[Line; 2], Broken> {
    let half = |part: &'static str, keys: bool| -> Result<(f64, Heard, Counted), Broken> {
        let place = folder.join(format!("{part}{channels}{keys}"));
        fs::create_dir_all(&place).doing("making a folder for spans")?;
        let mut words =
            vec!["--folder".to_owned(), place.display().to_string(), "--channels".to_owned()];
        words.push(channels.to_string());
        let for_exchange = words.clone();
        if keys {
            words.push("--keys".to_owned());
        }
        let mut served = Part::start(program, part, &words)?;
        let Ready { .. } = served.hear()?;
        let mut exchange = Part::start(program, "line-exchange", &for_exchange)?;
        let Ready { .. } = exchange.hear()?;
        thread::sleep(SETTLE);
        // What was heard until now does not count.
        exchange.tell(&Ready { channels })?;
        let watched = Window::open(served.pid())?;
        thread::sleep(Duration::from_secs(seconds));
        let ms = watched.close()?.per_call_minute(channels) * 1_000.0;
        Ok((ms, exchange.finish()?, served.finish()?))
    };
    let (floor_ms, floor_heard, _) = half("line-floor", false)?;
    let line = |keys: bool| -> Result<Line, Broken> {
        let (thread_ms, heard, counted) = half("line-thread", keys)?;
        Ok(Line { channels, keys, thread_ms, floor_ms, heard, floor_heard, counted })
    };
    Ok([line(false)?, line(true)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_a_partner_and_a_slot_that_carries_speech() {
        for channels in [30, 120] {
            for channel in 0..channels {
                let partner = partner_of(channel, channels);
                assert_ne!(partner, channel);
                assert_eq!(partner_of(partner, channels), channel);
            }
        }
        let slots: Vec<u8> = (0..PER_SPAN).map(slot_of).collect();
        assert_eq!(slots, (1..=31).filter(|slot| *slot != 16).collect::<Vec<u8>>());
        assert_eq!(place_of(119), (3, 29));
    }
}
