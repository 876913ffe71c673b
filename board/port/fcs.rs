//! The frame check sequence of HDLC: ITU-T Q.921 §2.7 (ISO/IEC 13239 §4.2.5.2).
//!
//! Hardware and the kernel make and check it themselves; an attached exchange may want it in the
//! message. The polynomial is x¹⁶ + x¹² + x⁵ + 1, the register begins with ones, its complement
//! is sent with the coefficient of the highest power first, which means low octet first, as octets
//! go out low bit first.

/// Octets of an FCS.
pub const LENGTH: usize = 2;

/// The FCS of some octets; its low octet is sent first.
pub fn of(octets: &[u8]) -> u16 {
    !octets.iter().fold(0xFFFF, |register, octet| step(register, *octet))
}

/// The frame without its FCS, or `None` when the FCS is missing or wrong.
pub fn check(frame: &[u8]) -> Option<&[u8]> {
    let (octets, sent) = frame.split_last_chunk::<LENGTH>()?;
    (of(octets) == u16::from_le_bytes(*sent)).then_some(octets)
}

/// Writes a frame and its FCS into the front of `out` and says how many octets that is. `None`:
/// there is no room.
pub fn append(octets: &[u8], out: &mut [u8]) -> Option<usize> {
    let whole = octets.len() + LENGTH;
    let (front, sum) = out.get_mut(..whole)?.split_at_mut(octets.len());
    front.copy_from_slice(octets);
    sum.copy_from_slice(&of(octets).to_le_bytes());
    Some(whole)
}

/// Takes one octet into the register, low bit first.
fn step(register: u16, octet: u8) -> u16 {
    (0..8).fold(register ^ u16::from(octet), |register, _| {
        if register & 1 == 1 { (register >> 1) ^ 0x8408 } else { register >> 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_check_word_of_the_catalogue() {
        // CRC-16/X-25 over the digits one to nine.
        assert_eq!(of(b"123456789"), 0x906E);
    }

    #[test]
    fn a_sabme_for_tei_0_with_its_fcs() {
        // SAPI 0, TEI 0, SABME with P: 00 01 7F, as every trace of a starting link shows it.
        let mut out = [0; 8];
        let length = append(&[0x00, 0x01, 0x7F], &mut out).unwrap();
        assert_eq!(check(&out[..length]), Some(&[0x00, 0x01, 0x7F][..]));
        assert_eq!(length, 5);
    }

    #[test]
    fn what_is_too_short_has_no_fcs() {
        assert_eq!(check(&[]), None);
        assert_eq!(check(&[0x00]), None);
        assert_eq!(append(&[1, 2, 3], &mut [0; 4]), None);
    }

    proptest! {
        #[test]
        fn up_to_three_wrong_bits_are_seen(
            octets in prop::collection::vec(any::<u8>(), 3..264),
            wrong in prop::collection::vec(any::<prop::sample::Index>(), 1..=3),
        ) {
            let mut out = [0; 300];
            let length = append(&octets, &mut out).unwrap();
            prop_assert_eq!(check(&out[..length]), Some(&octets[..]));
            let bits: std::collections::BTreeSet<usize> =
                wrong.iter().map(|w| w.index(length * 8)).collect();
            for bit in &bits {
                out[bit / 8] ^= 1 << (bit % 8);
            }
            prop_assert_eq!(check(&out[..length]), None);
        }
    }
}
