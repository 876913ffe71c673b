//! What is heard where sound is missing: the voice's own last period fading over 50 ms, then a
//! noise as loud as the line's background was, so that the line does not sound dead.

use crate::detect;
use crate::spandsp::LossConcealer;

/// Samples after which the repeated period has faded away (spandsp: 1/400 a sample).
const FADED_SAMPLES: u32 = 400;

/// Every so many stretches of sound the background is measured.
const MEASURE_EVERY: u8 = 4;

/// Loudest comfort noise, as the energy of 160 samples: -52 dBm0. Louder is no background.
const NOISE_ENERGY_MAX: u64 = 264_000;

/// Conceals holes of one port's sound.
#[derive(Debug)]
pub struct Concealer {
    period: LossConcealer,
    /// Samples made up since the last real one.
    missing: u32,
    /// Estimated energy of 160 samples of background: falls at once, rises slowly.
    background: u64,
    since_measured: u8,
    random: u32,
}

impl Concealer {
    /// A concealer that has heard nothing. Allocates; not for the tick.
    #[must_use]
    pub fn new() -> Concealer {
        Concealer {
            period: LossConcealer::new(),
            missing: 0,
            background: 0,
            since_measured: 0,
            random: 0x2545_F491,
        }
    }

    /// Forgets the voice it knew.
    pub fn reset(&mut self) {
        self.period.reset();
        self.missing = 0;
        self.background = 0;
        self.since_measured = 0;
    }

    /// Learns from real sound. After a hole its beginning is faded in from what was made up;
    /// `false` then: the samples are no longer those that came.
    pub fn handle_sound(&mut self, samples: &mut [i16]) -> bool {
        let untouched = self.missing == 0;
        self.missing = 0;
        self.period.handle_sound(samples);
        self.since_measured += 1;
        if self.since_measured >= MEASURE_EVERY {
            self.since_measured = 0;
            self.measure(samples);
        }
        untouched
    }

    /// Makes up sound.
    pub fn fill(&mut self, samples: &mut [i16]) {
        self.period.fill(samples);
        let before = self.missing;
        self.missing = before.saturating_add(samples.len() as u32);
        if self.missing > FADED_SAMPLES {
            let from = FADED_SAMPLES.saturating_sub(before) as usize;
            self.noise(samples.get_mut(from..).unwrap_or_default());
        }
    }

    fn measure(&mut self, samples: &[i16]) {
        let energy = detect::energy(samples) * crate::FRAME as u64 / samples.len().max(1) as u64;
        self.background = if energy < self.background || self.background == 0 {
            energy
        } else {
            self.background + self.background / 32 + 1
        };
    }

    fn noise(&mut self, samples: &mut [i16]) {
        // Uniform noise of +-peak has the mean square peak^2 / 3.
        let mean_square = self.background.min(NOISE_ENERGY_MAX) / crate::FRAME as u64;
        let peak = (3 * mean_square).isqrt() as i32;
        for sample in samples {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            *sample = ((i32::from(self.random as u16 as i16) * peak) >> 15) as i16;
        }
    }
}

impl Default for Concealer {
    fn default() -> Concealer {
        Concealer::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FRAME;
    use crate::detect::{level_dbm0, power_at_hz};

    fn voice(n: usize, peak: f64) -> Vec<i16> {
        let turn = 2.0 * std::f64::consts::PI * 125.0 / 8000.0;
        (0..n).map(|n| (peak * (turn * n as f64).sin()) as i16).collect()
    }

    #[test]
    fn a_hole_goes_on_with_the_voice_and_fades() {
        let mut concealer = Concealer::new();
        let sound = voice(1600, 8000.0);
        for frame in sound.chunks(FRAME) {
            assert!(concealer.handle_sound(&mut frame.to_vec()));
        }
        let mut hole = vec![0; 480];
        for part in hole.chunks_mut(FRAME) {
            concealer.fill(part);
        }
        // a sine of this peak moves 785 a sample at most
        let step = (i32::from(hole[0]) - i32::from(sound[1599])).abs();
        assert!(step < 1600, "a click of {step}");
        let pitch = power_at_hz(&hole[..FRAME], 125.0);
        assert!(pitch > 0.8, "only {pitch} of the sound is at the voice's pitch");
        let levels: Vec<i8> = hole.chunks(FRAME).map(level_dbm0).collect();
        assert!(levels[0] > levels[1] && levels[1] > levels[2], "{levels:?}");
    }

    #[test]
    fn the_return_of_real_sound_is_faded_in_and_told() {
        let mut concealer = Concealer::new();
        for frame in voice(1600, 8000.0).chunks(FRAME) {
            concealer.handle_sound(&mut frame.to_vec());
        }
        let mut hole = vec![0; FRAME];
        concealer.fill(&mut hole);
        let mut back = voice(FRAME, 8000.0);
        assert!(!concealer.handle_sound(&mut back));
        let step = (i32::from(back[0]) - i32::from(hole[FRAME - 1])).abs();
        assert!(step < 1200, "a click of {step}");
        assert!(concealer.handle_sound(&mut back));
    }

    #[test]
    fn after_the_fade_there_is_noise_as_loud_as_the_background_and_no_louder() {
        let mut concealer = Concealer::new();
        for _ in 0..20 {
            concealer.handle_sound(&mut voice(FRAME, 60.0));
        }
        let mut hole = vec![0; 4000];
        for part in hole.chunks_mut(FRAME) {
            concealer.fill(part);
        }
        let (background, noise) = (level_dbm0(&voice(FRAME, 60.0)), level_dbm0(&hole[800..]));
        assert!((background - noise).abs() <= 2, "{background} dBm0 became {noise} dBm0");
        for _ in 0..200 {
            concealer.handle_sound(&mut voice(FRAME, 20000.0));
        }
        for part in hole.chunks_mut(FRAME) {
            concealer.fill(part);
        }
        assert!(level_dbm0(&hole[800..]) <= -50);
    }
}
