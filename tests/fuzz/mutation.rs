//! Changes to an input: the same in every run.

/// Octets that readers stumble over: bounds of integers, signs of the texts.
const ODD: &[u8] =
    &[0, 1, 2, 0x7F, 0x80, 0x81, 0xFE, 0xFF, b'\r', b'\n', b' ', b',', b';', b'"', b'<', b':'];

/// Longest input that a mutation makes, octets.
const LONGEST: usize = 4_096;

/// A seeded source of numbers (splitmix64).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// The source that belongs to a name.
    pub fn of(name: &str) -> Chance {
        Chance(name.bytes().fold(0xCBF2_9CE4_8422_2325, |sum, octet| {
            (sum ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }
}

/// `input` with one to four changes; `other` lends a piece.
pub fn mutate(input: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut octets = input.to_vec();
    for _ in 0..=chance.below(4) {
        change(&mut octets, other, chance);
    }
    octets.truncate(LONGEST);
    octets
}

fn change(octets: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    let at = chance.below(octets.len());
    let end = (at + 1 + chance.below(16)).min(octets.len());
    match chance.below(8) {
        0 => octets.truncate(at),
        1 => octets.insert(at, ODD[chance.below(ODD.len())]),
        2 => {
            octets.drain(at..end);
        }
        3 => {
            let piece = octets[at..end].to_vec();
            octets.splice(at..at, piece);
        }
        4 => {
            let from = chance.below(other.len());
            let until = (from + 1 + chance.below(64)).min(other.len());
            octets.splice(at..end, other[from..until].iter().copied());
        }
        5 if at < octets.len() => octets[at] ^= 1 << chance.below(8),
        6 if at < octets.len() => octets[at] = octets[at].wrapping_add(1),
        _ if at < octets.len() => octets[at] = ODD[chance.below(ODD.len())],
        _ => octets.push(chance.next() as u8),
    }
}
