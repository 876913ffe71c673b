//! The exact distribution of a sum of unlike coins: free agents minus live answers at one instant.
//!
//! An agent who may become free is a step up, an attempt that may be answered is a step down,
//! each with its own chance (Poisson-binomial). Ends lighter than [`BALANCE_TRIM`] are folded
//! inwards so that the width follows the spread, not the number of lines.

use super::limits::{BALANCE_TRIM, BALANCE_WIDTH};

/// Distribution of a whole number that lies in a window of [`BALANCE_WIDTH`] cells.
#[derive(Clone, Debug)]
pub struct Balance {
    low: i32,
    len: usize,
    mass: [f64; BALANCE_WIDTH],
}

impl Balance {
    /// Surely `value`.
    pub fn surely(value: i32) -> Balance {
        let mut mass = [0.0; BALANCE_WIDTH];
        mass[0] = 1.0;
        Balance { low: value, len: 1, mass }
    }

    /// Forgets everything: surely `value`.
    pub fn reset(&mut self, value: i32) {
        self.low = value;
        self.len = 1;
        self.mass[0] = 1.0;
    }

    /// One more agent may be free, with chance `p`.
    pub fn up(&mut self, p: f64) {
        if p > 1e-9 {
            self.step(p.min(1.0));
        }
    }

    /// One more answer may have come, with chance `p`.
    pub fn down(&mut self, p: f64) {
        if p > 1e-9 {
            self.low -= 1;
            self.step(1.0 - p.min(1.0));
        }
    }

    /// The chance that the value is `at` or less.
    pub fn at_most(&self, at: i32) -> f64 {
        let cells = i64::from(at) - i64::from(self.low) + 1;
        let cells = cells.clamp(0, self.len as i64) as usize;
        self.mass[..cells].iter().sum::<f64>().min(1.0)
    }

    /// The chance that the value is exactly `at`.
    pub fn exactly(&self, at: i32) -> f64 {
        let cell = i64::from(at) - i64::from(self.low);
        if cell < 0 || cell >= self.len as i64 { 0.0 } else { self.mass[cell as usize] }
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        let (mut sum, mut all) = (0.0, 0.0);
        for (cell, mass) in self.mass[..self.len].iter().enumerate() {
            sum += mass * (f64::from(self.low) + cell as f64);
            all += mass;
        }
        if all > 0.0 { sum / all } else { 0.0 }
    }

    /// The sum of all masses (1 but for rounding).
    pub fn total(&self) -> f64 {
        self.mass[..self.len].iter().sum()
    }

    fn step(&mut self, p: f64) {
        if self.len == BALANCE_WIDTH {
            self.fold_lighter_end();
        }
        let (mut below, stay) = (0.0, 1.0 - p);
        for mass in &mut self.mass[..self.len] {
            let here = *mass;
            *mass = here * stay + below * p;
            below = here;
        }
        self.mass[self.len] = below * p;
        self.len += 1;
        self.trim();
    }

    fn trim(&mut self) {
        while self.len > 1 && self.mass[self.len - 1] < BALANCE_TRIM {
            self.mass[self.len - 2] += self.mass[self.len - 1];
            self.len -= 1;
        }
        if self.mass[0] < BALANCE_TRIM && self.len > 1 {
            self.fold_low_end();
        }
    }

    fn fold_lighter_end(&mut self) {
        if self.mass[0] < self.mass[self.len - 1] {
            self.fold_low_end();
        } else {
            self.mass[self.len - 2] += self.mass[self.len - 1];
            self.len -= 1;
        }
    }

    fn fold_low_end(&mut self) {
        self.mass[1] += self.mass[0];
        self.mass.copy_within(1..self.len, 0);
        self.len -= 1;
        self.low += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by counting every combination.
    fn by_hand(start: i32, ups: &[f64], downs: &[f64], at: i32) -> f64 {
        let all: Vec<(f64, i32)> =
            ups.iter().map(|&p| (p, 1)).chain(downs.iter().map(|&p| (p, -1))).collect();
        (0u32..1 << all.len())
            .map(|set| {
                let mut value = start;
                let mut mass = 1.0;
                for (bit, (p, step)) in all.iter().enumerate() {
                    let happens = set >> bit & 1 == 1;
                    mass *= if happens { *p } else { 1.0 - p };
                    value += if happens { *step } else { 0 };
                }
                if value <= at { mass } else { 0.0 }
            })
            .sum()
    }

    #[test]
    fn it_is_the_sum_of_unlike_coins() {
        let (ups, downs) = ([0.3, 0.9, 0.05], [0.5, 0.25, 0.7, 0.01]);
        let mut balance = Balance::surely(1);
        ups.iter().for_each(|&p| balance.up(p));
        downs.iter().for_each(|&p| balance.down(p));
        for at in -5..=5 {
            assert!((balance.at_most(at) - by_hand(1, &ups, &downs, at)).abs() < 1e-6, "{at}");
        }
        let mean = 1.0 + ups.iter().sum::<f64>() - downs.iter().sum::<f64>();
        assert!((balance.mean() - mean).abs() < 1e-6);
    }

    #[test]
    fn no_mass_is_lost_at_any_width() {
        let mut balance = Balance::surely(100);
        for nth in 0..2_000 {
            balance.up(0.5);
            balance.down(f64::from(nth % 10) / 10.0);
        }
        assert!((balance.total() - 1.0).abs() < 1e-9);
        assert!((balance.mean() - 200.0).abs() < 1.0, "{}", balance.mean());
    }

    #[test]
    fn certain_and_impossible_steps_stay_certain() {
        let mut balance = Balance::surely(0);
        balance.up(1.0);
        balance.down(0.0);
        assert!((balance.exactly(1) - 1.0).abs() < 1e-6);
        balance.down(1.0);
        assert!((balance.exactly(0) - 1.0).abs() < 1e-6);
        assert_eq!(balance.exactly(7), 0.0);
    }
}
