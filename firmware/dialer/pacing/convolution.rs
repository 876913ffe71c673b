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
