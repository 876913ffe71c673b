//! Every voice prompt exists in every language and sounds right: the telephone's format, one
//! loudness, no clipping, and hold music without a seam.

use crate::Breach;

/// Folder of the sounds, from the root of the house.
pub const FOLDER: &str = "rootfs/overlay/share/prompts";

/// Loudness of speech in dBFS RMS, and how far from it a prompt may lie.
const SPEECH_DBFS: f64 = -18.0;
const TOLERANCE_DB: f64 = 1.0;

/// Samples of a canonical WAV file at 8 kHz, 16 bit, mono; or what else it is.
pub fn samples(bytes: &[u8]) -> Result<Vec<i16>, String> {
    let number = |at: usize, length: usize| {
        let field = bytes.get(at..at + length).unwrap_or_default();
        field.iter().rev().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte))
    };
    let named = |at: usize, name: &[u8]| bytes.get(at..at + 4) == Some(name);
    if !(named(0, b"RIFF") && named(8, b"WAVE") && named(12, b"fmt ") && named(36, b"data")) {
        return Err("is not a plain WAV file with a header of 44 bytes".to_owned());
    }
    let format = (number(20, 2), number(22, 2), number(24, 4), number(34, 2));
    if format != (1, 1, 8_000, 16) {
        return Err(format!("is {format:?}, not PCM, 1 channel, 8000 Hz, 16 bit"));
    }
    let sound = bytes.get(44..).unwrap_or_default();
    if number(40, 4) as usize != sound.len() || sound.len() < 160 {
        return Err("is shorter or longer than its header says".to_owned());
    }
    Ok(sound.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// Level in dBFS RMS.
pub fn level_dbfs(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|s| (f64::from(*s) / 32_768.0).powi(2)).sum();
    10.0 * (power / samples.len().max(1) as f64).max(1e-12).log10()
}

/// Checks one prompt.
pub fn check_speech(path: &str, bytes: &[u8]) -> Vec<Breach> {
    let wrong = |what: String| vec![Breach::new(path, 0, what)];
    match samples(bytes) {
        Err(what) => wrong(what),
        Ok(samples) => {
            let level = level_dbfs(&samples);
            let clipped = samples.iter().any(|s| s.unsigned_abs() >= 32_767);
            if (level - SPEECH_DBFS).abs() > TOLERANCE_DB {
                wrong(format!("is at {level:.1} dBFS, not {SPEECH_DBFS}"))
            } else if clipped {
                wrong("clips".to_owned())
            } else {
                Vec::new()
            }
        }
    }
}

/// Checks that a sound can be repeated: whole ticks of 20 ms, and its end leads into its
/// beginning with no larger step than it has inside.
pub fn check_loop(path: &str, bytes: &[u8]) -> Vec<Breach> {
    let wrong = |what: String| vec![Breach::new(path, 0, what)];
    let samples = match samples(bytes) {
        Err(what) => return wrong(what),
        Ok(samples) => samples,
    };
    let step = |a: i16, b: i16| i32::from(a).abs_diff(i32::from(b));
    let largest = samples.windows(2).map(|pair| step(pair[0], pair[1])).max().unwrap_or(0);
    let seam = step(samples[samples.len() - 1], samples[0]);
    if !samples.len().is_multiple_of(160) {
        wrong("is not whole ticks of 20 ms".to_owned())
    } else if seam > largest {
        wrong(format!("has a seam: a step of {seam} where {largest} is the largest inside"))
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;
    use std::fs;

    fn bytes(path: &str) -> Vec<u8> {
        fs::read(house::root().join(path)).unwrap_or_default()
    }

    #[test]
    fn every_prompt_is_there_in_both_languages_and_sounds_right() {
        let list = house::read(&format!("{FOLDER}/make/prompts.tsv"));
        let names: Vec<&str> = list
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split('\t').next())
            .collect();
        assert!(names.len() >= 13, "the list of prompts is {names:?}");
        let mut breaches = Vec::new();
        for language in ["zh", "en"] {
            for name in &names {
                let path = format!("{FOLDER}/{language}/{name}.wav");
                breaches.extend(check_speech(&path, &bytes(&path)));
            }
        }
        let music = format!("{FOLDER}/music.wav");
        breaches.extend(check_loop(&music, &bytes(&music)));
        let beep = format!("{FOLDER}/beep.wav");
        breaches.extend(check_speech(&beep, &bytes(&beep)));
        crate::refuse("prompts sound right", breaches);
    }

    fn wav(samples: &[i16]) -> Vec<u8> {
        let size = (samples.len() * 2) as u32;
        let mut out = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        out.extend(8_000u32.to_le_bytes());
        out.extend(16_000u32.to_le_bytes());
        out.extend([2, 0, 16, 0]);
        out.extend(b"data");
        out.extend(size.to_le_bytes());
        out.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
        out
    }

    #[test]
    fn a_loud_a_clipped_and_a_foreign_prompt_are_seen() {
        let square = |top: i16| wav(&[[top; 8], [-top; 8]].concat().repeat(100));
        assert_eq!(check_speech("x.wav", &square(4_125)).len(), 0);
        assert_eq!(check_speech("x.wav", &square(16_000)).len(), 1);
        let mut clipped = vec![4_000; 1_600];
        clipped[0] = i16::MAX;
        assert_eq!(check_speech("x.wav", &wav(&clipped)).len(), 1);
        assert_eq!(check_speech("x.wav", b"OggS").len(), 1);
    }

    #[test]
    fn a_seam_is_seen() {
        let ramp: Vec<i16> = (0..1_600).collect();
        assert_eq!(check_loop("x.wav", &wav(&ramp)).len(), 1);
        let flat = vec![5; 1_600];
        assert_eq!(check_loop("x.wav", &wav(&flat)).len(), 0);
        assert_eq!(check_loop("x.wav", &wav(&flat[..1_599])).len(), 1);
    }
}
