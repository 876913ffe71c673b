//! Whether a loop is closed somewhere on a channel that carries no call: a known pattern goes out,
//! and what comes in is searched for it.
//!
//! ```text
//!   ticks   0      5              12                   37        54
//!           silence│ pattern      │ silence            │ judging │ verdict
//!                  └ heard ────────────────────────────┘
//! ```
//!
//! The pattern is a maximum-length sequence of 1,023 signs (ITU-T O.150 speaks of such), as loud as
//! a voice: it is like nothing else, so one correlation tells whether it came back, after how long,
//! and how loud. The search is cut into pieces so that no tick bears it whole.

use crate::g711::{self, silence};
use crate::{Codec, FRAME, detect};

/// One block of a bearer.
pub type Block = [u8; FRAME];

/// Ticks of silence before the pattern: what the line still held is over then.
const SETTLE_TICKS: u16 = 5;

/// Ticks of pattern: it is a little longer than one round of the sequence.
const PATTERN_TICKS: u16 = 7;

/// Ticks in which it may come back: half a second of delay.
const LISTEN_TICKS: u16 = 25;

/// Signs of one round (a register of ten bits).
const SIGNS: usize = 1023;

/// Samples that are listened to.
const HEARD: usize = (PATTERN_TICKS + LISTEN_TICKS) as usize * FRAME;

/// Delays looked at, samples, and how many of them in one tick.
const LAGS: usize = HEARD - SIGNS;
const LAGS_A_TICK: usize = 256;

/// Peak of the pattern: -12 dBm0.
const PEAK: i16 = 4000;

/// How alike what was heard must be: this part of its power is the pattern.
const ALIKE: f64 = 0.25;

/// What came back weaker than this, dB, was no loop but an echo.
const LOSS_MAX_DB: f64 = 6.0;

/// What a test found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopVerdict {
    /// The pattern came back.
    Closed {
        /// From the tick that handed it out to the tick that had it back, ms.
        delay_ms: u16,
        /// How loud it was, dBm0; it went out at -12.
        level_dbm0: i8,
        /// Octets that came back changed, of a thousand.
        errors_per_mille: u16,
    },
    /// It did not, or not as a loop gives it back.
    Open {
        /// How loud it was while the pattern should have come, dBm0.
        level_dbm0: i8,
    },
}

/// What to do in a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopTurn {
    /// This goes to the line.
    Say(Block),
    /// It is over.
    Done(LoopVerdict),
}

/// One test of one channel. Makes one call a tick, for a little more than a second.
#[derive(Clone, Debug)]
pub struct LoopTest {
    tick: u16,
    heard: [u8; HEARD],
    lag: usize,
    best: Option<Match>,
}

#[derive(Clone, Copy, Debug)]
struct Match {
    lag: usize,
    /// Part of the power heard that is the pattern.
    alike: f64,
}

impl LoopTest {
    /// A test that has not begun.
    #[must_use]
    pub const fn new() -> LoopTest {
        LoopTest { tick: 0, heard: [silence(Codec::Alaw); HEARD], lag: 0, best: None }
    }

    /// One tick: what came from the line, if anything did.
    pub fn handle_tick(&mut self, came: Option<&Block>) -> LoopTurn {
        let tick = self.tick;
        self.tick += 1;
        let listened = tick.checked_sub(SETTLE_TICKS).map(usize::from);
        let place = listened.and_then(|n| self.heard.get_mut(n * FRAME..(n + 1) * FRAME));
        match (place, came) {
            (Some(place), Some(came)) => place.copy_from_slice(came),
            (Some(_), None) => {}
            (None, _) if tick < SETTLE_TICKS => {}
            (None, _) => {
                self.search();
                if self.lag == LAGS {
                    return LoopTurn::Done(self.verdict());
                }
            }
        }
        LoopTurn::Say(pattern(listened))
    }

    /// Looks at the next delays.
    fn search(&mut self) {
        let mut sound = [0; SIGNS + LAGS_A_TICK];
        let part = self.heard.get(self.lag..).unwrap_or_default();
        g711::decode(Codec::Alaw, part, &mut sound);
        for window in sound.windows(SIGNS).take(LAGS_A_TICK.min(LAGS - self.lag)) {
            let sum: i64 = window
                .chunks(FRAME)
                .zip(SEQUENCE.chunks(FRAME))
                .map(|(sound, signs)| i64::from(correlate(sound, signs)))
                .sum();
            let power = detect::energy(window) as f64;
            let alike = sum as f64 * sum as f64 / (SIGNS as f64 * power.max(1.0));
            if self.best.is_none_or(|best| alike > best.alike) {
                self.best = Some(Match { lag: self.lag, alike });
            }
            self.lag += 1;
        }
    }

    fn verdict(&self) -> LoopVerdict {
        let Some(Match { lag, alike }) = self.best else {
            return LoopVerdict::Open { level_dbm0: i8::MIN };
        };
        let octets = self.heard.get(lag..lag + SIGNS).unwrap_or_default();
        let mut sound = [0; SIGNS];
        g711::decode(Codec::Alaw, octets, &mut sound);
        let level_dbm0 = detect::level_dbm0(&sound);
        let gain = detect::energy(&sound) as f64 / (SIGNS as f64 * f64::from(PEAK).powi(2));
        if alike < ALIKE || 10.0 * gain.log10() < -LOSS_MAX_DB {
            return LoopVerdict::Open { level_dbm0 };
        }
        let errors = octets.iter().zip(&SEQUENCE).filter(|(got, sign)| **got != octet(**sign));
        let errors_per_mille = (errors.count() * 1000).div_ceil(SIGNS) as u16;
        LoopVerdict::Closed { delay_ms: (lag / 8) as u16, level_dbm0, errors_per_mille }
    }
}

impl Default for LoopTest {
    fn default() -> LoopTest {
        LoopTest::new()
    }
}

/// What goes out in tick `listened` since the pattern began.
fn pattern(listened: Option<usize>) -> Block {
    let said = |n: usize| {
        let at = listened.filter(|&tick| tick < usize::from(PATTERN_TICKS))? * FRAME + n;
        SEQUENCE.get(at % SIGNS).map(|&sign| octet(sign))
    };
    core::array::from_fn(|n| said(n).unwrap_or(silence(Codec::Alaw)))
}

fn octet(sign: i16) -> u8 {
    let mut octet = [0];
    g711::encode(Codec::Alaw, &[sign * PEAK], &mut octet);
    octet[0]
}

/// The sum of some samples by their signs; 160 of them fit.
fn correlate(sound: &[i16], signs: &[i16]) -> i32 {
    sound.iter().zip(signs).map(|(&x, &sign)| i32::from(x) * i32::from(sign)).sum()
}

static SEQUENCE: [i16; SIGNS] = sequence();

/// x^10 + x^7 + 1, all ones first.
const fn sequence() -> [i16; SIGNS] {
    let mut signs = [0; SIGNS];
    let mut register: u16 = 0x3FF;
    let mut n = 0;
    while n < SIGNS {
        signs[n] = if register & 1 == 1 { 1 } else { -1 };
        let bit = (register ^ (register >> 3)) & 1;
        register = register >> 1 | bit << 9;
        n += 1;
    }
    signs
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Runs a test on a line: `line` is given each octet that went out and gives what comes in.
    fn tested(mut line: impl FnMut(u8) -> u8, delay: usize) -> LoopVerdict {
        let mut test = LoopTest::new();
        let mut way: VecDeque<u8> = vec![0xD5; delay].into();
        for _ in 0..200 {
            let came = core::array::from_fn(|_| way.pop_front().unwrap());
            match test.handle_tick(Some(&came)) {
                LoopTurn::Say(block) => way.extend(block.map(&mut line)),
                LoopTurn::Done(verdict) => return verdict,
            }
        }
        panic!("the test has no end");
    }

    fn scaled(octet: u8, factor: f64) -> u8 {
        let (mut sound, mut scaled) = ([0], [0]);
        g711::decode(Codec::Alaw, &[octet], &mut sound);
        g711::encode(Codec::Alaw, &[(f64::from(sound[0]) * factor) as i16], &mut scaled);
        scaled[0]
    }

    #[test]
    fn a_closed_loop_is_told_with_its_delay_and_without_errors() {
        for (delay, delay_ms) in [(160, 20), (480, 60), (1003, 125), (4000, 500)] {
            let expected = LoopVerdict::Closed { delay_ms, level_dbm0: -12, errors_per_mille: 0 };
            assert_eq!(tested(|octet| octet, delay), expected);
        }
    }

    #[test]
    fn a_loop_that_changes_octets_is_closed_and_says_how_many() {
        let mut n = 0u32;
        let line = |octet: u8| {
            n += 1;
            if n.is_multiple_of(50) { octet ^ 0x04 } else { octet }
        };
        let verdict = tested(line, 320);
        let LoopVerdict::Closed { delay_ms: 40, errors_per_mille: 18..=22, .. } = verdict else {
            panic!("{verdict:?}");
        };
    }

    #[test]
    fn silence_a_voice_and_a_weak_echo_are_no_loop() {
        assert_eq!(tested(|_| 0xD5, 160), LoopVerdict::Open { level_dbm0: -66 });
        let mut random = 1u32;
        let noise = |_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        };
        assert!(matches!(tested(noise, 160), LoopVerdict::Open { .. }));
        let echo = tested(|octet| scaled(octet, 0.25), 400);
        assert_eq!(echo, LoopVerdict::Open { level_dbm0: -24 });
    }

    #[test]
    fn a_loop_under_noise_and_with_some_loss_is_found() {
        let mut random = 1u32;
        let line = |octet: u8| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (mut sound, mut mixed) = ([0], [0]);
            g711::decode(Codec::Alaw, &[scaled(octet, 0.7)], &mut sound);
            let noise = (random >> 16) as i16 / 16;
            g711::encode(Codec::Alaw, &[sound[0] + noise], &mut mixed);
            mixed[0]
        };
        let verdict = tested(line, 200);
        assert!(matches!(verdict, LoopVerdict::Closed { delay_ms: 25, .. }), "{verdict:?}");
    }

    #[test]
    fn a_line_from_which_nothing_comes_is_open() {
        let mut test = LoopTest::new();
        let verdict = (0..200).find_map(|_| match test.handle_tick(None) {
            LoopTurn::Done(verdict) => Some(verdict),
            LoopTurn::Say(_) => None,
        });
        assert_eq!(verdict, Some(LoopVerdict::Open { level_dbm0: -66 }));
    }

    #[test]
    fn the_sequence_is_balanced_and_unlike_itself_moved() {
        assert_eq!(SEQUENCE.iter().map(|&s| i32::from(s)).sum::<i32>(), 1);
        for shift in 1..SIGNS {
            let moved = SEQUENCE.iter().cycle().skip(shift);
            let sum: i32 = SEQUENCE.iter().zip(moved).map(|(a, b)| i32::from(a * b)).sum();
            assert_eq!(sum, -1);
        }
    }
}
