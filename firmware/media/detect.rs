//! What an ear learns from sound: how loud it is, when it begins, when it ends.
//!
//! Levels are dBm0 (ITU-T G.711: a sine as large as A-law carries is +3.14 dBm0). The onset rule
//! is the least that is useful before answer detection: louder than a threshold for two of
//! three ticks, and an end after a second of less.

use crate::Frame;

/// Sum of squares of 20 ms of sound. The tick compares energies and leaves logarithms for facts.
#[must_use]
pub fn energy(samples: &[i16]) -> u64 {
    samples.iter().map(|&s| i64::from(s) * i64::from(s)).sum::<i64>() as u64
}

/// Mean level of some samples in dBm0, limited to -96..=6; -96 for silence.
#[must_use]
pub fn level_dbm0(samples: &[i16]) -> i8 {
    level_of_energy(energy(samples), samples.len())
}

fn level_of_energy(energy: u64, samples: usize) -> i8 {
    if energy == 0 || samples == 0 {
        return -96;
    }
    let mean = energy as f64 / samples as f64;
    let dbm0 = 10.0 * (mean / (32767.0 * 32767.0)).log10() + 6.15;
    dbm0.round().clamp(-96.0, 6.0) as i8
}

/// Energy of 160 samples at -43 dBm0: quieter is taken for silence. Line noise lies below
/// -55 dBm0, a soft voice above -35.
pub const SOUND_ENERGY: u64 = 2_097_000;

/// Ticks of silence that end a sound: one second, longer than the pauses inside a sentence.
const END_TICKS: u16 = 50;

/// Onset and end of sound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Voice {
    /// The last ticks, newest in bit 0: 1 is loud.
    loud: u8,
    /// Ticks since sound began, if it goes on.
    sounding: Option<u32>,
    /// Silent ticks in a row.
    silent: u16,
}

/// What a tick changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sound began.
    Started {
        /// Level of this tick.
        level_dbm0: i8,
    },
    /// Sound ended a second ago.
    Ended {
        /// From its beginning to its last loud tick, ms.
        lasted_ms: u32,
    },
}

impl Voice {
    /// Takes one tick of sound with its energy.
    pub fn handle_energy(&mut self, energy: u64) -> Option<Change> {
        let loud = energy > SOUND_ENERGY;
        self.loud = (self.loud << 1 | u8::from(loud)) & 0b111;
        self.silent = if loud { 0 } else { self.silent.saturating_add(1) };
        match self.sounding {
            None if self.loud.count_ones() >= 2 => {
                self.sounding = Some(self.loud.count_ones());
                Some(Change::Started { level_dbm0: level_of_energy(energy, crate::FRAME) })
            }
            None => None,
            Some(ticks) if self.silent >= END_TICKS => {
                self.sounding = None;
                let loud_ticks = (ticks + 1).saturating_sub(u32::from(END_TICKS));
                Some(Change::Ended { lasted_ms: loud_ticks * crate::TICK_MS })
            }
            Some(ticks) => {
                self.sounding = Some(ticks.saturating_add(1));
                None
            }
        }
    }

    /// The same from samples.
    pub fn handle_frame(&mut self, frame: &Frame) -> Option<Change> {
        self.handle_energy(energy(frame))
    }
}

/// Share of the power of some samples that lies at one frequency (Goertzel); 1.0 for a pure tone.
/// For measuring, not for the tick.
#[must_use]
pub fn power_at_hz(samples: &[i16], hz: f64) -> f64 {
    let total: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    if total == 0.0 {
        return 0.0;
    }
    let turn = 2.0 * core::f64::consts::PI * hz / 8000.0;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &s) in samples.iter().enumerate() {
        let (sin, cos) = (turn * n as f64).sin_cos();
        re += f64::from(s) * cos;
        im += f64::from(s) * sin;
    }
    2.0 * (re * re + im * im) / (samples.len() as f64 * total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;

    fn sine(peak: f64) -> Frame {
        core::array::from_fn(|n| (peak * (n as f64 * 0.7).sin()) as i16)
    }

    #[test]
    fn the_largest_sine_of_a_law_is_3_dbm0_and_silence_the_bottom() {
        let loud: Vec<i16> = (0..8000).map(|n| (32767.0 * (n as f64 * 0.7).sin()) as i16).collect();
        assert_eq!(level_dbm0(&loud), 3);
        assert_eq!(level_dbm0(&[0; FRAME]), -96);
        assert_eq!(level_dbm0(&[]), -96);
        assert_eq!(level_dbm0(&[i16::MIN; FRAME]), 6);
    }

    #[test]
    fn the_threshold_lies_at_minus_43_dbm0() {
        assert_eq!(level_of_energy(SOUND_ENERGY, FRAME), -43);
    }

    #[test]
    fn a_voice_starts_once_and_ends_a_second_after_its_last_word() {
        let mut voice = Voice::default();
        let (loud, quiet) = (sine(3000.0), [0; FRAME]);
        assert_eq!(voice.handle_frame(&loud), None, "one loud tick may be a click");
        assert!(matches!(voice.handle_frame(&loud), Some(Change::Started { level_dbm0: -18 })));
        for _ in 0..20 {
            assert_eq!(voice.handle_frame(&quiet), None);
        }
        assert_eq!(voice.handle_frame(&loud), None, "a pause does not end it");
        for _ in 0..49 {
            assert_eq!(voice.handle_frame(&quiet), None);
        }
        assert_eq!(voice.handle_frame(&quiet), Some(Change::Ended { lasted_ms: 460 }));
        assert_eq!(voice.handle_frame(&quiet), None);
    }

    #[test]
    fn a_click_is_no_voice() {
        let mut voice = Voice::default();
        for n in 0..100 {
            let frame = if n % 4 == 0 { sine(9000.0) } else { [0; FRAME] };
            assert_eq!(voice.handle_frame(&frame), None);
        }
    }
}
