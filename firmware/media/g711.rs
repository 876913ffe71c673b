//! ITU-T G.711 by tables: A-law and µ-law bytes to and from 16-bit linear sound.
//!
//! Decoding is one look-up in 256 values. Encoding looks up in 4096 (A-law, whose finest step is
//! 16 of ours) or by magnitude in 4097 (µ-law, finest step 8), so that both stay in the first
//! cache. Tables are computed at compile time from the segments of the recommendation.

use crate::command::Codec;

/// Decodes bytes to samples; as many as the shorter of the two holds.
pub fn decode(codec: Codec, bytes: &[u8], samples: &mut [i16]) {
    let table = match codec {
        Codec::Alaw => &ALAW_TO_LINEAR,
        Codec::Ulaw => &ULAW_TO_LINEAR,
    };
    for (sample, &byte) in samples.iter_mut().zip(bytes) {
        *sample = table[usize::from(byte)];
    }
}

/// Encodes samples to bytes; as many as the shorter of the two holds.
pub fn encode(codec: Codec, samples: &[i16], bytes: &mut [u8]) {
    match codec {
        Codec::Alaw => {
            for (byte, &sample) in bytes.iter_mut().zip(samples) {
                *byte = alaw(sample);
            }
        }
        Codec::Ulaw => {
            for (byte, &sample) in bytes.iter_mut().zip(samples) {
                *byte = ulaw(sample);
            }
        }
    }
}

/// The byte of silence, as a transmitter sends it: the smallest positive value.
#[must_use]
pub const fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Alaw => 0xD5,
        Codec::Ulaw => 0xFF,
    }
}

fn alaw(sample: i16) -> u8 {
    LINEAR_TO_ALAW[usize::from((sample as u16) >> 4)]
}

fn ulaw(sample: i16) -> u8 {
    let magnitude = usize::from(sample.unsigned_abs());
    let sign = ((sample as u16) >> 8) as u8 & 0x80;
    // 4 + 32768 shifted by 3 is 4097 at most: the mask only tells the compiler so.
    LINEAR_TO_ULAW[((magnitude + 4) >> 3) & 8191] ^ sign
}

static ALAW_TO_LINEAR: [i16; 256] = alaw_decode_table();
static ULAW_TO_LINEAR: [i16; 256] = ulaw_decode_table();
static LINEAR_TO_ALAW: [u8; 4096] = alaw_encode_table();
static LINEAR_TO_ULAW: [u8; 8192] = ulaw_encode_table();

/// G.711 table 1: sign, three bits of segment, four of step; even bits inverted. Our values are
/// the table's times 8, so that they fill 16 bits.
const fn alaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let code = byte ^ 0x55;
        let segment = (code >> 4) & 7;
        let step = (code & 15) as i32;
        let magnitude =
            if segment == 0 { (step << 4) + 8 } else { ((step << 4) + 0x108) << (segment - 1) };
        table[byte] = if code & 0x80 != 0 { magnitude as i16 } else { -magnitude as i16 };
        byte += 1;
    }
    table
}

/// G.711 table 2: all bits inverted; a bias of 33 (132 in ours) makes the segments powers of two.
const fn ulaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let code = !(byte as u8) as i32;
        let segment = (code >> 4) & 7;
        let magnitude = ((((code & 15) << 3) + ULAW_BIAS) << segment) - ULAW_BIAS;
        table[byte] = if code & 0x80 == 0 { magnitude as i16 } else { -magnitude as i16 };
        byte += 1;
    }
    table
}

const ULAW_BIAS: i32 = 132;

/// Indexed by the upper 12 bits of a sample in two's complement.
const fn alaw_encode_table() -> [u8; 4096] {
    let mut table = [0; 4096];
    let mut index = 0;
    while index < 4096 {
        let negative = index >= 2048;
        let magnitude = if negative { 4095 - index } else { index } as u32;
        // magnitude is in steps of 16: below 16 is segment 0, and each doubling one more.
        let segment = if magnitude < 16 { 0 } else { magnitude.ilog2() - 3 };
        let step = if segment == 0 { magnitude } else { magnitude >> (segment - 1) } & 15;
        let sign = if negative { 0 } else { 0x80 };
        table[index] = ((segment << 4 | step) as u8 | sign) ^ 0x55;
        index += 1;
    }
    table
}

/// Indexed by (magnitude + 4) / 8; positive sign.
const fn ulaw_encode_table() -> [u8; 8192] {
    let mut table = [0; 8192];
    let mut index = 0;
    while index < 8192 {
        // (magnitude + 132) / 8, clipped to the top of segment 7
        let biased = if index + 16 > 4095 { 4095 } else { index + 16 } as u32;
        let segment = biased.ilog2() - 4;
        let step = (biased >> segment) & 15;
        table[index] = !((segment << 4 | step) as u8);
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spandsp;

    fn decoded(codec: Codec, byte: u8) -> i16 {
        let mut sample = [0];
        decode(codec, &[byte], &mut sample);
        sample[0]
    }

    fn encoded(codec: Codec, sample: i16) -> u8 {
        let mut byte = [0];
        encode(codec, &[sample], &mut byte);
        byte[0]
    }

    #[test]
    fn the_decoder_outputs_of_the_recommendation_are_met() {
        // G.711 tables 1a, 1b, 2a, 2b: character signal (as sent), decoder output times 8 or 4.
        for (byte, value) in [
            (0xAA, 4032),
            (0xA5, 2112),
            (0xB5, 1056),
            (0x85, 528),
            (0xD5, 1),
            (0x55, -1),
            (0x25, -2112),
            (0x2A, -4032),
        ] {
            assert_eq!(decoded(Codec::Alaw, byte), value * 8, "A-law {byte:#04x}");
        }
        for (byte, value) in [
            (0x80, 8031),
            (0x8F, 4191),
            (0x9F, 2079),
            (0xEF, 33),
            (0xFE, 2),
            (0xFF, 0),
            (0x00, -8031),
        ] {
            assert_eq!(decoded(Codec::Ulaw, byte), value * 4, "µ-law {byte:#04x}");
        }
    }

    #[test]
    fn every_byte_comes_back_from_its_own_sound() {
        for byte in 0..=255u8 {
            assert_eq!(encoded(Codec::Alaw, decoded(Codec::Alaw, byte)), byte);
            // µ-law has two zeros; the negative one comes back as the positive
            let expected = if byte == 0x7F { 0xFF } else { byte };
            assert_eq!(encoded(Codec::Ulaw, decoded(Codec::Ulaw, byte)), expected);
        }
    }

    #[test]
    fn a_second_implementation_agrees_on_every_sample_and_every_byte() {
        for sample in i16::MIN..=i16::MAX {
            for codec in [Codec::Alaw, Codec::Ulaw] {
                let (ours, theirs) = (encoded(codec, sample), spandsp::g711_encode(codec, sample));
                assert_eq!(ours, theirs, "{codec:?} {sample}");
            }
        }
        for byte in 0..=255 {
            for codec in [Codec::Alaw, Codec::Ulaw] {
                assert_eq!(decoded(codec, byte), spandsp::g711_decode(codec, byte));
            }
        }
    }

    #[test]
    fn silence_is_the_smallest_positive_value() {
        assert_eq!(decoded(Codec::Alaw, silence(Codec::Alaw)), 8);
        assert_eq!(decoded(Codec::Ulaw, silence(Codec::Ulaw)), 0);
        assert_eq!(encoded(Codec::Alaw, 0), silence(Codec::Alaw));
        assert_eq!(encoded(Codec::Ulaw, 0), silence(Codec::Ulaw));
    }
}
