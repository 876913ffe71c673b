//! The exchange at the other end of the spans: says a numbered block on every channel every 20 ms,
//! and judges what it hears there.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use board_port::block::{self, Frame, LONGEST};
use board_port::{BLOCK, Slots};

use super::{Heard, PER_SPAN, Ready, partner_of, slot_of, socket_of};
use crate::broken::{Broken, Doing};
use crate::limits::TICK;
use crate::socket;

/// Lateness after which lost ticks are not made up for.
const GIVE_UP: Duration = Duration::from_millis(60);

/// Speaks and hears until standard input ends. A line on it begins the window.
pub fn run(folder: &Path, channels: usize) -> Result<(), Broken> {
    let spans = channels.div_ceil(PER_SPAN);
    let lines: Result<Vec<OwnedFd>, Broken> =
        (0..spans).map(|span| socket::connect(&socket_of(folder, span))).collect();
    let lines = lines?;
    let line = link::frame::emit(&Ready { channels })?;
    io::stdout().write_all(&line).doing("answering the bench")?;
    let begun = Arc::new(AtomicU64::new(0));
    let told = begun.clone();
    let over = Arc::new(AtomicBool::new(false));
    let end = over.clone();
    thread::spawn(move || {
        for _ in io::stdin().lines().map_while(Result::ok) {
            told.fetch_add(1, Ordering::Relaxed);
        }
        end.store(true, Ordering::Relaxed);
    });
    let mut ears = Ears::new(channels);
    let mut window = 0;
    let mut late = Duration::ZERO;
    let mut due = Instant::now();
    let mut tick = 0;
    while !over.load(Ordering::Relaxed) {
        due += TICK;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        late = late.max(due.elapsed());
        if due.elapsed() > GIVE_UP {
            due = Instant::now();
        }
        if begun.load(Ordering::Relaxed) != window {
            window += 1;
            ears.begin();
            late = Duration::ZERO;
        }
        for (span, line) in lines.iter().enumerate() {
            hear(line, span, channels, &mut ears);
            say(line, span, tick, channels)?;
        }
        tick += 1;
    }
    let heard = Heard { late_ms: late.as_secs_f64() * 1_000.0, ..ears.heard };
    let line = link::frame::emit(&heard)?;
    io::stdout().write_all(&line).doing("answering the bench")
}

fn say(line: &OwnedFd, span: usize, tick: u64, channels: usize) -> Result<(), Broken> {
    let mut frame: Frame = [[0xD5; BLOCK]; 32];
    let mut slots = Slots::NONE;
    for place in 0..PER_SPAN.min(channels) {
        let slot = slot_of(place);
        frame[usize::from(slot)] = spoken(span * PER_SPAN + place, tick);
        slots.insert(slot);
    }
    let mut message = [0; LONGEST];
    let length = block::encode(tick as u32, slots, &frame, &mut message);
    socket::send(line, &message[..length]).doing("speaking to a span")
}

/// Block `tick` of a channel: its name, its number, and something like a voice.
fn spoken(channel: usize, tick: u64) -> [u8; BLOCK] {
    let mut said: [u8; BLOCK] = std::array::from_fn(|n| (n * 7 + channel * 13) as u8);
    said[..8].copy_from_slice(&tick.to_be_bytes());
    said[8] = channel as u8;
    said
}

fn hear(line: &OwnedFd, span: usize, channels: usize, ears: &mut Ears) {
    let mut message = [0; LONGEST];
    while let Some(length) = socket::receive(line, &mut message) {
        let Some(Ok(view)) = message.get(..length).map(block::decode) else {
            ears.heard.foreign += 1;
            continue;
        };
        for (slot, heard) in view.blocks() {
            let place = usize::from(slot) - if slot < 16 { 1 } else { 2 };
            ears.hear(span * PER_SPAN + place, channels, heard);
        }
    }
}

/// What was heard on each channel.
struct Ears {
    /// The next number of each channel's partner.
    next: Vec<Option<u64>>,
    heard: Heard,
}

impl Ears {
    fn new(channels: usize) -> Ears {
        Ears { next: vec![None; channels], heard: Heard::default() }
    }

    fn begin(&mut self) {
        self.next.fill(None);
        self.heard = Heard::default();
    }

    fn hear(&mut self, channel: usize, channels: usize, block: &[u8; BLOCK]) {
        let partner = partner_of(channel, channels);
        let number = block.first_chunk::<8>().map_or(0, |number| u64::from_be_bytes(*number));
        if *block != spoken(partner, number) {
            self.heard.foreign += 1;
            return;
        }
        let Some(next) = self.next.get_mut(channel) else { return };
        match number.checked_sub(next.unwrap_or(number)) {
            Some(missed) => {
                self.heard.lost += missed;
                self.heard.good += 1;
                *next = Some(number + 1);
            }
            None => self.heard.foreign += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_and_what_is_foreign_is_told_apart() {
        let mut ears = Ears::new(30);
        for tick in [4, 5, 7] {
            ears.hear(0, 30, &spoken(15, tick));
        }
        ears.hear(0, 30, &spoken(14, 8));
        ears.hear(0, 30, &[0xD5; BLOCK]);
        let Heard { good, lost, foreign, .. } = ears.heard;
        assert_eq!((good, lost, foreign), (3, 1, 2));
    }
}
