//! The frame check sequence (Q.921 §2.7): the 16-bit CRC of X.25 with all-ones preset and inverted
//! result, low octet first.
//!
//! A card's HDLC controller and the kernel do this by themselves. It is for transports that carry
//! the two octets: a frame socket, a capture, a raw bit stream.

use thiserror::Error;

/// Octets that the check sequence takes.
pub const FCS_OCTETS: usize = 2;

/// x¹⁶ + x¹² + x⁵ + 1, least significant bit first.
const POLYNOMIAL: u16 = 0x8408;

/// What a receiver's register holds after a frame and its own check sequence (Q.921 §2.7,
/// 0001 1101 0000 1111 in the standard's order of bits).
const RESIDUE: u16 = 0xF0B8;

const TABLE: [u16; 256] = table();

/// Why a frame is dropped before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FcsError {
    /// Not even a check sequence.
    #[error("{octets} octets hold no frame check sequence: is the far end set to send one?")]
    Short {
        /// Octets that came.
        octets: usize,
    },
    /// The sum does not fit the octets.
    #[error("frame check sequence is wrong: look at the span's cable, clock and CRC-4 counters")]
    Wrong,
}

/// Appends the check sequence of what is in `frame`.
pub fn append(frame: &mut Vec<u8>) {
    let sum = !register(frame);
    frame.extend(sum.to_le_bytes());
}

/// The frame without its check sequence, if that fits.
///
/// # Errors
/// When it does not fit or is not there. Never panics.
pub fn check(octets: &[u8]) -> Result<&[u8], FcsError> {
    let Some(end) = octets.len().checked_sub(FCS_OCTETS) else {
        return Err(FcsError::Short { octets: octets.len() });
    };
    if register(octets) != RESIDUE {
        return Err(FcsError::Wrong);
    }
    Ok(octets.get(..end).unwrap_or_default())
}

fn register(octets: &[u8]) -> u16 {
    octets.iter().fold(0xFFFF, |sum, octet| {
        // The low byte of the sum indexes the table: 256 entries, so it always hits.
        let [low, high] = sum.to_le_bytes();
        let step = TABLE.get(usize::from(low ^ octet)).copied().unwrap_or_default();
        u16::from(high) ^ step
    })
}

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut sum = n as u16;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        table[n] = sum;
        n += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_x25_crc_is_right() {
        let mut frame = b"123456789".to_vec();
        append(&mut frame);
        assert_eq!(frame[9..], [0x6E, 0x90]);
        assert_eq!(check(&frame), Ok(&b"123456789"[..]));
    }

    #[test]
    fn every_single_wrong_bit_and_every_burst_of_16_is_seen() {
        let mut frame = vec![0x02, 0x01, 0x7F];
        append(&mut frame);
        for bit in 0..frame.len() * 8 {
            let mut wrong = frame.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(check(&wrong), Err(FcsError::Wrong), "bit {bit}");
        }
        for first in 0..frame.len() - 1 {
            let mut wrong = frame.clone();
            wrong[first] ^= 0xA5;
            wrong[first + 1] ^= 0x5A;
            assert_eq!(check(&wrong), Err(FcsError::Wrong), "octet {first}");
        }
    }

    #[test]
    fn what_is_too_short_is_told_and_an_empty_frame_has_a_sum() {
        assert_eq!(check(&[]), Err(FcsError::Short { octets: 0 }));
        assert_eq!(check(&[0]), Err(FcsError::Short { octets: 1 }));
        let mut nothing = Vec::new();
        append(&mut nothing);
        assert_eq!(check(&nothing), Ok(&[][..]));
    }
}
