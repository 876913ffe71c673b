//! WAV files: read at load as prompts, written for download. Not for the tick: this allocates.
//!
//! RIFF is chunks of a four-letter name, a length and so many bytes, padded to even length. We
//! read `fmt ` and `data` and skip the rest. Understood: linear 16-bit, A-law and µ-law, one or
//! two channels, 8 to 48 kHz. Lengths are checked against what is there; a `data` chunk that
//! promises more than the file holds (written by a recorder that never came back) is read as far
//! as it goes.

use core::f64::consts::PI;

use crate::command::Codec;
use crate::{g711, limits};

/// Length of the header that [`header`] writes, bytes.
pub const HEADER: usize = 44;

/// A sound file, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second of each channel.
    pub rate_hz: u32,
    /// 1 or 2; samples of the two alternate, left first.
    pub channels: u16,
    /// Linear samples of all channels.
    pub samples: Vec<i16>,
}

/// Why a file is no sound for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// It does not begin with RIFF and WAVE.
    #[error("not a WAV file: choose a file that a sound program saved as WAV")]
    NotWav,
    /// A chunk that is needed is missing or cut off.
    #[error("the WAV file has no whole '{0}' part: it was cut off, save it again")]
    Missing(&'static str),
    /// Compressed, or samples of another width.
    #[error("format {tag} with {bits} bits a sample: save it as 16-bit PCM, A-law or µ-law")]
    Format {
        /// The format tag.
        tag: u16,
        /// Bits of one sample.
        bits: u16,
    },
    /// Neither mono nor stereo.
    #[error("{0} channels: save it in mono")]
    Channels(u16),
    /// Not between 8 and 48 kHz.
    #[error("{0} samples a second: save it with 8000 to 48000")]
    Rate(u32),
    /// Longer than the bound.
    #[error("longer than {max} seconds: cut it", max = limits::PROMPT_SECONDS)]
    TooLong,
}

/// Format tags (RFC 2361).
const PCM: u16 = 1;
const ALAW: u16 = 6;
const ULAW: u16 = 7;
const EXTENSIBLE: u16 = 0xFFFE;

impl Wav {
    /// Reads a file.
    pub fn parse(file: &[u8]) -> Result<Wav, WavError> {
        let rest = file.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..));
        let mut chunks =
            rest.and_then(|rest| rest.strip_prefix(b"WAVE")).ok_or(WavError::NotWav)?;
        let mut format = None;
        while let Some((&head, body)) = chunks.split_first_chunk::<8>() {
            let [name @ .., l0, l1, l2, l3] = head;
            let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
            let chunk = body.get(..length).unwrap_or(body);
            match &name {
                b"fmt " => format = Some(Format::parse(chunk)?),
                b"data" => return format.ok_or(WavError::Missing("fmt "))?.unpack(chunk),
                _ => {}
            }
            chunks = body.get(length.saturating_add(length & 1)..).unwrap_or_default();
        }
        Err(WavError::Missing(if format.is_some() { "data" } else { "fmt " }))
    }

    /// The sound as a player takes it: one channel at 8 kHz, what lies above 3.6 kHz removed.
    #[must_use]
    pub fn to_prompt(&self) -> Vec<i16> {
        let mono: Vec<i16> = match self.channels {
            2 => self.samples.chunks_exact(2).map(|pair| middle(pair[0], pair[1])).collect(),
            _ => self.samples.clone(),
        };
        if self.rate_hz == 8000 { mono } else { to_8_khz(&mono, self.rate_hz) }
    }
}

/// The header of a linear 16-bit file with so many bytes of samples after it.
#[must_use]
pub fn header(rate_hz: u32, channels: u16, data_bytes: u32) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    let frame_bytes = channels * 2;
    let parts: [&[u8]; 13] = [
        b"RIFF",
        &data_bytes.saturating_add(36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16u32.to_le_bytes(),
        &PCM.to_le_bytes(),
        &channels.to_le_bytes(),
        &rate_hz.to_le_bytes(),
        &rate_hz.saturating_mul(u32::from(frame_bytes)).to_le_bytes(),
        &frame_bytes.to_le_bytes(),
        &16u16.to_le_bytes(),
        b"data",
        &data_bytes.to_le_bytes(),
    ];
    for (out, byte) in out.iter_mut().zip(parts.into_iter().flatten()) {
        *out = *byte;
    }
    out
}

/// A whole file of linear 16-bit samples.
#[must_use]
pub fn emit(rate_hz: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(HEADER + samples.len() * 2);
    file.extend(header(rate_hz, channels, bytes));
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[derive(Clone, Copy, Debug)]
struct Format {
    tag: u16,
    channels: u16,
    rate_hz: u32,
}

impl Format {
    fn parse(chunk: &[u8]) -> Result<Format, WavError> {
        let &[t0, t1, c0, c1, r0, r1, r2, r3, _, _, _, _, _, _, b0, b1] =
            chunk.first_chunk::<16>().ok_or(WavError::Missing("fmt "))?;
        let mut tag = u16::from_le_bytes([t0, t1]);
        if tag == EXTENSIBLE {
            // The true tag is the head of the sub-format's GUID.
            let guid = chunk.get(24..26).ok_or(WavError::Missing("fmt "))?;
            tag = u16::from_le_bytes([guid[0], guid[1]]);
        }
        let channels = u16::from_le_bytes([c0, c1]);
        let rate_hz = u32::from_le_bytes([r0, r1, r2, r3]);
        let bits = u16::from_le_bytes([b0, b1]);
        match (tag, bits) {
            (PCM, 16) | (ALAW | ULAW, 8) => {}
            _ => return Err(WavError::Format { tag, bits }),
        }
        if !(1..=2).contains(&channels) {
            return Err(WavError::Channels(channels));
        }
        if !(8000..=48_000).contains(&rate_hz) {
            return Err(WavError::Rate(rate_hz));
        }
        Ok(Format { tag, channels, rate_hz })
    }

    fn unpack(self, bytes: &[u8]) -> Result<Wav, WavError> {
        let width = if self.tag == PCM { 2 } else { 1 };
        let most = self.rate_hz as usize * usize::from(self.channels) * limits::PROMPT_SECONDS;
        if bytes.len() / width > most {
            return Err(WavError::TooLong);
        }
        let mut samples: Vec<i16> = if self.tag == PCM {
            bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
        } else {
            let mut samples = vec![0; bytes.len()];
            let law = if self.tag == ALAW { Codec::Alaw } else { Codec::Ulaw };
            g711::decode(law, bytes, &mut samples);
            samples
        };
        samples.truncate(samples.len() - samples.len() % usize::from(self.channels));
        Ok(Wav { rate_hz: self.rate_hz, channels: self.channels, samples })
    }
}

fn middle(left: i16, right: i16) -> i16 {
    ((i32::from(left) + i32::from(right)) / 2) as i16
}

/// Windowed-sinc resampling: a low pass at 3.6 kHz, 16 zero crossings to each side, Hann window.
fn to_8_khz(samples: &[i16], rate_hz: u32) -> Vec<i16> {
    let ratio = f64::from(rate_hz) / 8000.0;
    // cycles a sample of the input, twice
    let cutoff = 2.0 * 3600.0 / f64::from(rate_hz);
    let reach = 16.0 / cutoff;
    let count = (samples.len() as f64 / ratio) as usize;
    (0..count).map(|n| at(samples, n as f64 * ratio, cutoff, reach)).collect()
}

fn at(samples: &[i16], centre: f64, cutoff: f64, reach: f64) -> i16 {
    let first = (centre - reach).ceil().max(0.0) as usize;
    let last = ((centre + reach).floor() as usize).min(samples.len().saturating_sub(1));
    let near = samples.get(first..=last).unwrap_or_default();
    let sum: f64 = near
        .iter()
        .enumerate()
        .map(|(k, &sample)| {
            let x = (first + k) as f64 - centre;
            let sinc = if x == 0.0 { cutoff } else { (PI * cutoff * x).sin() / (PI * x) };
            let window = 0.5 + 0.5 * (PI * x / reach).cos();
            f64::from(sample) * sinc * window
        })
        .sum();
    sum.round().clamp(-32768.0, 32767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{level_dbm0, power_at_hz};
    use proptest::prelude::*;

    /// Written by hand: mono, 8 kHz, A-law, with a chunk of odd length before the sound.
    const GOLDEN: &[u8] = b"RIFF\x39\0\0\0WAVE\
        fmt \x12\0\0\0\x06\0\x01\0\x40\x1F\0\0\x40\x1F\0\0\x01\0\x08\0\0\0\
        LIST\x03\0\0\0abc\0\
        data\x02\0\0\0\xD5\xAA";

    fn sine(hz: f64, rate: f64, n: usize) -> Vec<i16> {
        (0..n).map(|n| (8000.0 * (2.0 * PI * hz * n as f64 / rate).sin()) as i16).collect()
    }

    #[test]
    fn a_file_written_by_hand_is_read_as_written() {
        let wav = Wav::parse(GOLDEN).unwrap();
        assert_eq!(wav, Wav { rate_hz: 8000, channels: 1, samples: vec![8, 32256] });
    }

    #[test]
    fn the_header_is_the_one_every_program_reads() {
        let expected = b"RIFF\xA4\x02\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1F\0\0\
            \x00\x7D\0\0\x04\0\x10\0data\x80\x02\0\0";
        assert_eq!(&header(8000, 2, 640), expected);
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_or_read_as_far_as_it_goes() {
        for n in 0..GOLDEN.len() {
            match Wav::parse(&GOLDEN[..n]) {
                Ok(wav) => assert!(wav.samples.len() < 2),
                Err(WavError::NotWav) => assert!(n < 12),
                Err(WavError::Missing(_)) => assert!(n >= 12),
                Err(other) => panic!("{other} at {n}"),
            }
        }
    }

    #[test]
    fn what_we_cannot_play_is_refused_by_name() {
        let with = |at: usize, byte: u8| {
            let mut file = emit(8000, 1, &[1, 2, 3]);
            file[at] = byte;
            Wav::parse(&file)
        };
        assert_eq!(with(20, 2), Err(WavError::Format { tag: 2, bits: 16 }));
        assert_eq!(with(34, 24), Err(WavError::Format { tag: 1, bits: 24 }));
        assert_eq!(with(22, 6), Err(WavError::Channels(6)));
        assert_eq!(with(25, 1), Err(WavError::Rate(320)));
        let long = vec![0; 8000 * limits::PROMPT_SECONDS + 1];
        assert_eq!(Wav::parse(&emit(8000, 1, &long)), Err(WavError::TooLong));
    }

    #[test]
    fn stereo_becomes_its_middle() {
        let wav = Wav::parse(&emit(8000, 2, &[100, 300, -5, -5])).unwrap();
        assert_eq!(wav.to_prompt(), [200, -5]);
    }

    #[test]
    fn wideband_sound_keeps_its_pitch_and_level_and_loses_what_would_fold() {
        for rate in [16_000u32, 44_100, 48_000] {
            let low = sine(1000.0, f64::from(rate), rate as usize);
            let wav = Wav { rate_hz: rate, channels: 1, samples: low };
            let prompt = wav.to_prompt();
            assert!((7999..=8000).contains(&prompt.len()));
            assert!(power_at_hz(&prompt[400..7600], 1000.0) > 0.99, "{rate}");
            let kept = level_dbm0(&prompt[400..7600]) - level_dbm0(&wav.samples);
            assert!(kept.abs() <= 1, "{rate}: {kept} dB");
            let high = sine(5200.0, f64::from(rate), rate as usize);
            let folded = Wav { rate_hz: rate, channels: 1, samples: high }.to_prompt();
            assert!(level_dbm0(&folded[400..7600]) < -50, "{rate}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_after_a_good_beginning_are_survived(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..44
        ) {
            let mut file = emit(8000, 1, &[])[..cut].to_vec();
            file.extend(bytes);
            let _ = Wav::parse(&file).map(|wav| wav.to_prompt());
        }

        #[test]
        fn what_is_emitted_is_read_back(
            samples in proptest::collection::vec(any::<i16>(), 0..100)
        ) {
            let wav = Wav::parse(&emit(16_000, 1, &samples)).unwrap();
            prop_assert_eq!(wav, Wav { rate_hz: 16_000, channels: 1, samples });
        }
    }
}
