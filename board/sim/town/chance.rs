//! The town's only source of chance: SplitMix64 (Steele, Lea, Flood 2014).

/// A seeded stream of chance.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// A stream of its own for `name`: what one citizen draws moves nothing of another's.
    #[must_use]
    pub fn branch(&self, name: &str) -> Chance {
        let mixed = name.bytes().fold(self.0 ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // Names that differ in their last letter only must not begin alike.
        Chance(Chance(mixed).bits())
    }

    /// 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        let width = high.saturating_sub(low).saturating_add(1);
        low + self.bits() % if width == 0 { 1 } else { width }
    }

    /// A number from 0 up to, and without, 1.
    pub fn part(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// 256 random bits, as a key.
    pub fn key(&mut self) -> [u8; 32] {
        let mut key = [0; 32];
        for eight in key.chunks_exact_mut(8) {
            eight.copy_from_slice(&self.bits().to_be_bytes());
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_branches_are_strangers() {
        let root = Chance::new(7);
        assert_eq!(root.branch("a").bits(), Chance::new(7).branch("a").bits());
        assert_ne!(root.branch("a").bits(), root.branch("b").bits());
        assert_ne!(root.branch("a").key(), Chance::new(8).branch("a").key());
    }

    #[test]
    fn neighbouring_numbers_draw_evenly() {
        let root = Chance::new(7);
        let below = (0..10_000).filter(|n| root.branch(&format!("+8613800{n:06}")).part() < 0.3);
        let below = below.count();
        assert!((2_800..3_200).contains(&below), "{below}");
    }
}
