//! Draws without a stream: a number is a function of seed, day, person and question, so that the
//! same person behaves the same whoever calls.

/// The randomness of one world.
#[derive(Clone, Copy, Debug)]
pub struct Draw(pub u64);

impl Draw {
    /// Uniform in (0, 1).
    pub fn unit(self, day: u64, who: u64, what: u64) -> f64 {
        let mut bits = self.0;
        for part in [day, who, what] {
            bits = scramble(bits.wrapping_add(0x632B_E59B_D9B4_E019) ^ scramble(part));
        }
        ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// Standard normal (Box and Muller).
    pub fn normal(self, day: u64, who: u64, what: u64) -> f64 {
        let radius = (-2.0 * self.unit(day, who, what ^ 0x5555_0000).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit(day, who, what ^ 0xAAAA_0000)).cos()
    }
}

/// The finaliser of MurmurHash3.
fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    bits ^ (bits >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_evenly_and_do_not_depend_on_order() {
        let draw = Draw(7);
        let mean = (0..10_000).map(|n| draw.unit(1, n, 2)).sum::<f64>() / 1e4;
        let normal = (0..10_000).map(|n| draw.normal(1, n, 2)).map(|z| z * z).sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 0.01 && (normal - 1.0).abs() < 0.05);
        assert_eq!(draw.unit(3, 4, 5), Draw(7).unit(3, 4, 5));
    }
}
