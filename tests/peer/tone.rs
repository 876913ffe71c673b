//! Tones: made for the phones to say, and found again in what came out.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

/// Samples a second, of everything here.
pub const RATE_HZ: u32 = 8_000;

/// Bytes of the shortest header of a WAV file.
const HEADER_BYTES: usize = 44;

/// A WAV file (8 kHz, 16 bit, mono) of a tone at a quarter of full scale.
#[must_use]
pub fn wav_of_tone(tone_hz: u32, seconds: u32) -> Vec<u8> {
    let samples = samples_of_tone(tone_hz, seconds);
    let bytes = samples.len() as u32 * 2;
    let mut wav = Vec::with_capacity(samples.len() * 2 + 44);
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]);
    wav.extend(RATE_HZ.to_le_bytes());
    wav.extend((RATE_HZ * 2).to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}

/// A tone in A-law (ITU-T G.711), as SIPp streams it.
#[must_use]
pub fn alaw_of_tone(tone_hz: u32, seconds: u32) -> Vec<u8> {
    samples_of_tone(tone_hz, seconds).into_iter().map(alaw).collect()
}

fn samples_of_tone(tone_hz: u32, seconds: u32) -> Vec<i16> {
    let step = TAU * f64::from(tone_hz) / f64::from(RATE_HZ);
    (0..seconds * RATE_HZ).map(|n| ((f64::from(n) * step).sin() * 8_000.0) as i16).collect()
}

/// G.711 table 1a: sign, three bits of segment, four of step; even bits inverted. A second
/// implementation beside the box's tables.
fn alaw(sample: i16) -> u8 {
    let sign = if sample >= 0 { 0x80 } else { 0 };
    let mut step = if sample >= 0 { sample >> 4 } else { !sample >> 4 };
    if step > 15 {
        let mut segment = 1;
        while step > 31 {
            step >>= 1;
            segment += 1;
        }
        step = step - 16 + (segment << 4);
    }
    (sign | step as u8) ^ 0x55
}

/// What A-law octets mean, as 16-bit samples: the middle of each step of table 1a.
#[must_use]
pub fn samples_of_alaw(octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|octet| linear(*octet)).collect()
}

fn linear(octet: u8) -> i16 {
    let code = octet ^ 0x55;
    let (segment, step) = (i16::from(code >> 4 & 7), i16::from(code & 15));
    let size = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -size } else { size }
}

/// The samples of a mono 16-bit WAV file.
#[must_use]
pub fn read_mono(path: &Path) -> Vec<i16> {
    let bytes = fs::read(path).unwrap();
    if bytes.len() > HEADER_BYTES { channel(&bytes, 0, 1) } else { Vec::new() }
}

/// One channel of a 16-bit WAV file's bytes.
///
/// # Panics
/// When there is no sound in it.
#[must_use]
pub fn channel(wav: &[u8], which: usize, channels: usize) -> Vec<i16> {
    let data = wav.windows(4).position(|four| four == b"data").expect("a data chunk") + 8;
    let samples = wav[data..].chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]]));
    samples.skip(which).step_by(channels).collect()
}

/// The last so many seconds of something.
#[must_use]
pub fn last_seconds(samples: &[i16], seconds: usize) -> &[i16] {
    &samples[samples.len().saturating_sub(seconds * RATE_HZ as usize)..]
}

/// How much of the power of the loudest second is the tone: 1 for nothing but the tone, 0 for none
/// of it, or for silence.
#[must_use]
pub fn share_in_loudest_second(samples: &[i16], tone_hz: u32) -> f64 {
    let loudest = seconds(samples).max_by(|a, b| power(a).total_cmp(&power(b)));
    loudest.map_or(0.0, |second| share_by_tenths(&second, tone_hz))
}

/// The same of the second in which the tone has its largest share: of sound in which other things
/// are heard, too.
#[must_use]
pub fn share_in_best_second(samples: &[i16], tone_hz: u32) -> f64 {
    seconds(samples).map(|second| share(&second, tone_hz)).fold(0.0, f64::max)
}

/// The same of all of something.
#[must_use]
pub fn share_in_whole(samples: &[i16], tone_hz: u32) -> f64 {
    share_by_tenths(samples, tone_hz)
}

/// Seconds that overlap by half.
fn seconds(samples: &[i16]) -> impl Iterator<Item = Vec<i16>> + '_ {
    let halves = samples.chunks(RATE_HZ as usize / 2);
    halves.clone().zip(halves.skip(1)).map(|(a, b)| [a, b].concat())
}

fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum()
}

/// The part of the power that is the tone; 0 for silence.
fn share(samples: &[i16], tone_hz: u32) -> f64 {
    let whole = power(samples);
    if whole < 1e6 { 0.0 } else { goertzel(samples, tone_hz) / whole }
}

/// The same, of tenths of a second one by one. Where a block was lost on a full machine the tone
/// goes on in another phase: that is one tenth that is not clean, not two halves that cancel.
fn share_by_tenths(samples: &[i16], tone_hz: u32) -> f64 {
    let whole = power(samples);
    let tenths = samples.chunks(RATE_HZ as usize / 10);
    let tone: f64 = tenths.map(|tenth| goertzel(tenth, tone_hz)).sum();
    if whole < 1e6 { 0.0 } else { tone / whole }
}

/// The longest run of samples that are, step for step of A-law, those of the tone of
/// [`alaw_of_tone`], wherever in it they begin. `tone_hz`: a multiple of 20, whose period fits.
#[must_use]
pub fn unbroken(samples: &[i16], tone_hz: u32) -> usize {
    let period = RATE_HZ as usize / 20;
    let tone = &samples_of_tone(tone_hz, 1)[..period];
    let tone: Vec<i16> = tone.iter().map(|sample| linear(alaw(*sample))).collect();
    let run_from = |phase: usize| {
        let (mut run, mut longest) = (0, 0);
        for (n, sample) in samples.iter().enumerate() {
            run = if *sample == tone[(n + phase) % period] { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest
    };
    (0..period).map(run_from).max().unwrap_or(0)
}

/// The longest run of samples that repeat, to the bit, those of a period of 1/20 s before: a tone of
/// a multiple of 20 Hz, whoever's tables made it, without one sample lost, doubled or changed.
#[must_use]
pub fn steady(samples: &[i16]) -> usize {
    let (mut run, mut longest) = (0, 0);
    for (sample, before) in samples.iter().skip(RATE_HZ as usize / 20).zip(samples) {
        run = if sample == before { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// The power of one frequency, in the measure in which a pure tone has all of the power.
fn goertzel(samples: &[i16], tone_hz: u32) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let phase = TAU * f64::from(tone_hz) * n as f64 / f64::from(RATE_HZ);
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
    }
    2.0 * (re * re + im * im) / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_that_jumps_in_phase_is_a_tone() {
        let samples = samples_of_tone(700, 2);
        let half = [&samples[..7_500], &samples[7_506..]].concat();
        assert!(share_in_whole(&half, 700) > 0.9 && share_in_loudest_second(&half, 700) > 0.9);
        assert!(share(&half[3_500..11_500], 700) < 0.8, "else this shows nothing");
    }

    #[test]
    fn a_tone_is_found_and_another_is_not() {
        let samples = samples_of_tone(700, 3);
        assert!(share_in_loudest_second(&samples, 700) > 0.99);
        assert!(share_in_loudest_second(&samples, 600) < 0.01);
        assert!(share_in_loudest_second(&vec![0; 24_000], 700) < 0.01);
        let two = [samples, samples_of_tone(600, 3)].concat();
        assert!(share_in_best_second(&two, 700) > 0.99 && share_in_best_second(&two, 600) > 0.99);
    }

    #[test]
    fn one_octet_missing_or_changed_breaks_a_tone() {
        let mut octets = alaw_of_tone(700, 1);
        assert_eq!(unbroken(&samples_of_alaw(&octets), 700), 8_000);
        assert_eq!(steady(&samples_of_alaw(&octets)), 7_600);
        octets.remove(3_000);
        assert_eq!(unbroken(&samples_of_alaw(&octets), 700), 4_999);
        octets[5_000] ^= 1;
        assert_eq!(unbroken(&samples_of_alaw(&octets), 700), 3_000);
        assert!(steady(&samples_of_alaw(&octets)) < 3_000);
    }

    #[test]
    fn known_samples_have_the_codes_of_the_recommendation() {
        assert_eq!([alaw(0), alaw(-1), alaw(32_767), alaw(-32_768)], [0xd5, 0x55, 0xaa, 0x2a]);
        assert_eq!(samples_of_alaw(&[0xd5, 0x55, 0xaa, 0x2a]), [8, -8, 32_256, -32_256]);
        assert!((0..=255).all(|octet| alaw(linear(octet)) == octet));
    }
}
