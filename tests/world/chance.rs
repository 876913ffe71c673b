//! The only source of chance: SplitMix64 (Steele, Lea, Flood 2014), small and the same everywhere.

/// A seeded stream of chance.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// A stream of its own for `name`, so that adding a draw in one place moves nothing elsewhere.
    #[must_use]
    pub fn branch(&self, name: &str) -> Chance {
        let mixed = name.bytes().fold(self.0 ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Chance(mixed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let width = high.saturating_sub(low).saturating_add(1);
        low + self.bits() % width.max(1)
    }

    /// True in `part` of 1 of all draws.
    pub fn happens(&mut self, part: f64) -> bool {
        ((self.bits() >> 11) as f64) < part * (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream_and_branches_do_not_disturb_each_other() {
        let mut a = Chance::new(7);
        let mut b = Chance::new(7);
        let branch = a.branch("net").bits();
        assert_eq!(
            (0..9).map(|_| a.bits()).collect::<Vec<_>>(),
            (0..9).map(|_| b.bits()).collect::<Vec<_>>()
        );
        assert_eq!(Chance::new(7).branch("net").bits(), branch);
        assert_ne!(Chance::new(7).branch("town").bits(), branch);
    }

    #[test]
    fn chances_come_out_about_as_often_as_they_say() {
        let mut chance = Chance::new(1);
        let hits = (0..10_000).filter(|_| chance.happens(0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| (5..=9).contains(&chance.between(5, 9))));
    }
}
