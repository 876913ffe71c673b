//! Takes the echo of what we sent to a line out of what comes from it (the task of ITU-T G.168).
//!
//! A hybrid somewhere on the way sends a part of our own sound back, some milliseconds later. Two
//! filters of 32 ms learn that path:
//!
//! ```text
//!             sent ───┬──► background, learns always (NLMS) ──► its error ┐
//!                     │           │ copied when it has been better        │ compared each tick
//!                     └──► foreground, never learns ──► its error ────────┴──► what is heard
//! ```
//!
//! The background is led astray when both sides speak; the foreground is not, because only a filter
//! that cancels better replaces it. So a voice on the line is never taken for echo, and nothing here
//! has to guess whether somebody speaks: the guess (learning rests while the line is louder than
//! echo can be) only saves the background from unlearning.
//!
//! What is left of the echo is heard as it is: no centre clipper, no noise put in its place.

use crate::command::Codec;
use crate::{FRAME, Frame, g711, limits};

/// Length of the path that can be learned, samples: 32 ms.
const TAPS: usize = 256;

/// Sound sent that is remembered: the longest turnaround, and the path before it.
const SENT: usize = limits::TURNAROUND_TICKS * FRAME + TAPS;

/// Step of learning: below 1 it converges, and half of it is fast and quiet enough.
const STEP: f32 = 0.5;

/// Mean square of what was sent below which there is nothing to learn: -50 dBm0.
const QUIET: f32 = 2_600.0;

/// A hybrid gives back half of what it gets at most (6 dB): what is louder is a voice.
const LOUDEST_ECHO: f32 = 0.5;

/// Samples during which learning rests after a voice was noticed: 30 ms.
const REST_SAMPLES: u16 = 240;

/// The background replaces the foreground when the energy it leaves is below this part of the
/// other's, for [`BETTER_TICKS`] ticks in a row.
const BETTER: f32 = 0.7;
const BETTER_TICKS: u8 = 3;

/// The background is thrown away when it leaves more than this times what the foreground leaves,
/// or more than came.
const WORSE: f32 = 2.0;

/// Partial sums of a filter, as many as a vector unit takes at once.
const LANES: usize = 16;

const _: () = assert!(TAPS.is_multiple_of(LANES), "a filter is whole vectors");

/// See the module.
#[derive(Debug)]
pub struct EchoCanceller {
    /// What was sent, oldest first.
    sent: [f32; SENT],
    /// Ticks from a block's going out to the first block that can hold its echo.
    turnaround: usize,
    /// Taps, oldest sample first, like `sent`.
    foreground: [f32; TAPS],
    background: [f32; TAPS],
    better_ticks: u8,
    rest: u16,
}

impl EchoCanceller {
    /// Forgets the line. `turnaround_ticks` as in [`Transport::Bearer`](crate::Transport::Bearer).
    pub fn reset(&mut self, turnaround_ticks: usize) {
        *self = EchoCanceller {
            turnaround: turnaround_ticks.clamp(1, limits::TURNAROUND_TICKS),
            ..EchoCanceller::default()
        };
    }

    /// Takes note of what goes out in this tick; `None`: silence.
    pub fn handle_sent(&mut self, codec: Codec, block: Option<&[u8; FRAME]>) {
        self.sent.copy_within(FRAME.., 0);
        let mut frame: Frame = [0; FRAME];
        if let Some(block) = block {
            g711::decode(codec, block, &mut frame);
        }
        if let Some(newest) = self.sent.last_chunk_mut::<FRAME>() {
            for (place, &sample) in newest.iter_mut().zip(&frame) {
                *place = f32::from(sample);
            }
        }
    }

    /// Takes the echo out of what came in this tick, before anything is sent in it.
    pub fn handle_received(&mut self, frame: &mut Frame) {
        let first = SENT - self.turnaround * FRAME;
        let Some(heard) = self.sent.get(first - (TAPS - 1)..first + FRAME) else {
            return;
        };
        let mut power: f32 = heard.iter().take(TAPS - 1).map(|x| x * x).sum();
        let whole = power + heard.iter().skip(TAPS - 1).map(|x| x * x).sum::<f32>();
        if whole < QUIET * (TAPS + FRAME) as f32 {
            return;
        }
        let loudest = heard.iter().fold(0f32, |most, x| most.max(x.abs()));
        let (mut came, mut left_fore, mut left_back) = (0.0, 0.0, 0.0);
        for (window, sample) in heard.windows(TAPS).zip(frame.iter_mut()) {
            let (Some(oldest), Some(newest)) = (window.first(), window.last()) else {
                return;
            };
            power += newest * newest;
            let line = f32::from(*sample);
            let fore = line - filter(&self.foreground, window);
            let back = line - filter(&self.background, window);
            came += line * line;
            left_fore += fore * fore;
            left_back += back * back;
            self.rest = if line.abs() > LOUDEST_ECHO * loudest {
                REST_SAMPLES
            } else {
                self.rest.saturating_sub(1)
            };
            if self.rest == 0 && power > QUIET * TAPS as f32 {
                learn(&mut self.background, window, STEP * back / power);
            }
            power = (power - oldest * oldest).max(0.0);
            *sample = fore as i16;
        }
        self.compare(came, left_fore, left_back);
    }

    /// Which filter was better in this tick, by the energies that came and that each left.
    fn compare(&mut self, came: f32, left_fore: f32, left_back: f32) {
        if left_back < BETTER * left_fore && left_back < came {
            self.better_ticks += 1;
            if self.better_ticks >= BETTER_TICKS {
                self.better_ticks = 0;
                self.foreground = self.background;
            }
            return;
        }
        self.better_ticks = 0;
        if left_back > WORSE * left_fore.min(came) {
            self.background = self.foreground;
        }
        if left_fore > WORSE * came {
            // The path has changed so much that the filter adds echo.
            self.foreground = [0.0; TAPS];
        }
    }
}

impl Default for EchoCanceller {
    fn default() -> EchoCanceller {
        EchoCanceller {
            sent: [0.0; SENT],
            turnaround: 1,
            foreground: [0.0; TAPS],
            background: [0.0; TAPS],
            better_ticks: 0,
            rest: 0,
        }
    }
}

/// The sum of products, in lanes that the compiler may take side by side.
fn filter(taps: &[f32; TAPS], window: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    for (taps, window) in taps.chunks_exact(LANES).zip(window.chunks_exact(LANES)) {
        for (lane, (tap, x)) in lanes.iter_mut().zip(taps.iter().zip(window)) {
            *lane += tap * x;
        }
    }
    lanes.iter().sum()
}

/// One step of the normalised least mean squares.
fn learn(taps: &mut [f32; TAPS], window: &[f32], step: f32) {
    for (tap, x) in taps.iter_mut().zip(window) {
        *tap += step * x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::energy;

    const SECOND: usize = 50;

    /// A voice by its look: noise through two resonances that wander, in syllables.
    struct Talker {
        random: u32,
        memory: [f64; 2],
        at: usize,
        peak: f64,
    }

    impl Talker {
        fn new(random: u32, peak: f64) -> Talker {
            Talker { random, memory: [0.0; 2], at: 0, peak }
        }

        fn frame(&mut self) -> Frame {
            core::array::from_fn(|_| {
                self.at += 1;
                let seconds = self.at as f64 / 8000.0;
                self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(self.random >> 8) / f64::from(1 << 23) - 1.0;
                let turn =
                    core::f64::consts::TAU * (600.0 + 300.0 * (seconds * 2.0).sin()) / 8000.0;
                let sound = noise + 1.2 * turn.cos() * self.memory[0] - 0.64 * self.memory[1];
                self.memory = [sound, self.memory[0]];
                let syllable = (seconds * 9.0).sin().max(0.0).sqrt();
                (sound * syllable * self.peak).clamp(-32000.0, 32000.0) as i16
            })
        }
    }

    /// A line with a hybrid at its far end, and the canceller at ours.
    struct Line {
        canceller: EchoCanceller,
        /// What went out, newest last, octets.
        sent: Vec<[u8; FRAME]>,
        turnaround: usize,
        /// Impulse response of the hybrid: from sample, factor.
        path: Vec<(usize, f64)>,
    }

    impl Line {
        fn new(turnaround: usize) -> Line {
            let mut canceller = EchoCanceller::default();
            canceller.reset(turnaround);
            // 8 ms away; about 11 dB of return loss, ringing for 6 ms.
            let path = (0..48)
                .map(|n| (64 + n, 0.2 * 0.9f64.powi(n as i32) * f64::from(n as u32 * 7).cos()));
            Line { canceller, sent: Vec::new(), turnaround, path: path.collect() }
        }

        /// One tick: what came from the line before, and after the canceller.
        fn tick(&mut self, ours: &Frame, theirs: &Frame) -> (Frame, Frame) {
            let came = self.received(theirs);
            let mut clean = came;
            self.canceller.handle_received(&mut clean);
            let mut block = [0; FRAME];
            g711::encode(Codec::Alaw, ours, &mut block);
            self.canceller.handle_sent(Codec::Alaw, Some(&block));
            self.sent.push(block);
            (came, clean)
        }

        /// Their voice and our echo, as A-law carries them.
        fn received(&self, theirs: &Frame) -> Frame {
            let mut sent = vec![0i16; self.sent.len() * FRAME];
            let octets: Vec<u8> = self.sent.concat();
            g711::decode(Codec::Alaw, &octets, &mut sent);
            let start = self.sent.len().checked_sub(self.turnaround).map(|n| n * FRAME);
            let mixed: Frame = core::array::from_fn(|n| {
                let echo = |&(delay, factor): &(usize, f64)| {
                    let at = (start? + n).checked_sub(delay)?;
                    Some(f64::from(*sent.get(at)?) * factor)
                };
                let echo: f64 = self.path.iter().filter_map(echo).sum();
                (f64::from(theirs[n]) + echo).clamp(-32768.0, 32767.0) as i16
            });
            let (mut octets, mut heard) = ([0; FRAME], [0; FRAME]);
            g711::encode(Codec::Alaw, &mixed, &mut octets);
            g711::decode(Codec::Alaw, &octets, &mut heard);
            heard
        }

        /// Echo return loss enhancement over some ticks of our voice alone, dB.
        fn erle(&mut self, us: &mut Talker, ticks: usize) -> f64 {
            let (mut came, mut clean) = (1, 1);
            for _ in 0..ticks {
                let (before, after) = self.tick(&us.frame(), &[0; FRAME]);
                came += energy(&before);
                clean += energy(&after);
            }
            10.0 * (came as f64 / clean as f64).log10()
        }
    }

    #[test]
    fn after_two_seconds_of_voice_the_echo_is_twenty_decibels_down() {
        for turnaround in 1..=limits::TURNAROUND_TICKS {
            let (mut line, mut us) = (Line::new(turnaround), Talker::new(7, 1500.0));
            line.erle(&mut us, 2 * SECOND);
            let erle = line.erle(&mut us, SECOND);
            assert!(erle > 20.0, "{erle:.1} dB with a turnaround of {turnaround}");
        }
    }

    #[test]
    fn a_voice_on_the_line_is_heard_as_it_is_while_both_speak() {
        let (mut line, mut us) = (Line::new(1), Talker::new(7, 1500.0));
        let mut them = Talker::new(99, 1200.0);
        line.erle(&mut us, 3 * SECOND);
        let (mut voice, mut changed) = (0, 0);
        for _ in 0..3 * SECOND {
            let theirs = them.frame();
            let (_, clean) = line.tick(&us.frame(), &theirs);
            let difference: Frame = core::array::from_fn(|n| clean[n].saturating_sub(theirs[n]));
            voice += energy(&theirs);
            changed += energy(&difference);
        }
        let distance = 10.0 * (voice as f64 / changed as f64).log10();
        assert!(distance > 20.0, "their voice is only {distance:.1} dB above what was done to it");
        let erle = line.erle(&mut us, SECOND / 2);
        assert!(erle > 20.0, "{erle:.1} dB are left of what was learned");
    }

    #[test]
    fn a_line_without_echo_and_a_silent_box_change_nothing() {
        let (mut line, mut them) = (Line::new(1), Talker::new(3, 2000.0));
        for _ in 0..SECOND {
            let (came, clean) = line.tick(&[0; FRAME], &them.frame());
            assert_eq!(came, clean);
        }
    }

    #[test]
    fn a_path_that_changes_is_learned_anew() {
        let (mut line, mut us) = (Line::new(1), Talker::new(7, 1500.0));
        line.erle(&mut us, 2 * SECOND);
        line.path = vec![(20, -0.15), (23, 0.1), (150, 0.05)];
        line.erle(&mut us, 2 * SECOND);
        let erle = line.erle(&mut us, SECOND);
        assert!(erle > 20.0, "{erle:.1} dB");
    }
}
