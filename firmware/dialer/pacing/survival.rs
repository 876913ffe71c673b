//! A learned law of a duration: how long it lasts, and what is left of it at a given age.
//!
//! A histogram with a prior that is worth a few observations, a kernel that widens with the
//! duration (a law of talk times is smooth on a logarithmic scale), and forgetting by halves.
//! It says nothing about *which* call ends: that is [`super::forecast`].

/// A law of a duration on bins of equal width, in seconds.
#[derive(Clone, Debug)]
pub struct Law {
    width_s: f64,
    weight: Vec<f64>,
    total: f64,
    memory: f64,
    kernel: f64,
    tail_s: f64,
    tail: Vec<f64>,
    cdf: Vec<f64>,
    fresh: f64,
}

/// Share of the thin exponential tail.
const TAIL_SHARE: f64 = 0.02;
/// A table is made anew when this share of what the law knows is new.
const FRESH_SHARE: f64 = 0.01;

impl Law {
    /// A law that believes in `prior` (any positive density, seconds) as if it had seen it
    /// `worth` times. `kernel` is the half-width of the smoothing relative to the duration;
    /// `tail_s` is the mean of the thin exponential tail that keeps a hazard alive at every age.
    pub fn new(
        bins: usize,
        width_s: f64,
        memory: f64,
        kernel: f64,
        tail_s: f64,
        worth: f64,
        prior: impl Fn(f64) -> f64,
    ) -> Law {
        let mut weight: Vec<f64> =
            (0..bins).map(|bin| prior((bin as f64 + 0.5) * width_s).max(0.0)).collect();
        let sum: f64 = weight.iter().sum();
        let scale = if sum > 0.0 { worth / sum } else { 0.0 };
        weight.iter_mut().for_each(|w| *w *= scale);
        let tail = (0..bins)
            .map(|bin| 1.0 - (-((bin + 1) as f64) * width_s / tail_s.max(1e-9)).exp())
            .collect();
        let mut law = Law {
            width_s,
            weight,
            total: worth,
            memory,
            kernel,
            tail_s,
            tail,
            cdf: vec![0.0; bins],
            fresh: worth,
        };
        law.rebuild();
        law
    }

    /// One duration was seen, seconds.
    pub fn learn(&mut self, duration_s: f64) {
        let last = self.weight.len() - 1;
        let at = (duration_s.max(0.0) / self.width_s).min(last as f64);
        let half = (self.kernel * at).max(0.75);
        let from = (at - half).max(0.0) as usize;
        let to = ((at + half) as usize).min(last);
        let height = |bin: usize| (half - (bin as f64 + 0.5 - at).abs()).max(0.0);
        let sum: f64 = (from..=to).map(height).sum();
        if sum > 0.0 {
            for bin in from..=to {
                if let Some(weight) = self.weight.get_mut(bin) {
                    *weight += height(bin) / sum;
                }
            }
        } else if let Some(weight) = self.weight.get_mut(last.min(at as usize)) {
            *weight += 1.0;
        }
        self.total += 1.0;
        self.fresh += 1.0;
        if self.total > self.memory {
            self.weight.iter_mut().for_each(|w| *w *= 0.5);
            self.total *= 0.5;
        }
    }

    /// Takes what was learned since the last time into the distribution, when it is enough to
    /// matter; says whether it did.
    pub fn rebuild(&mut self) -> bool {
        if self.fresh < FRESH_SHARE * self.total {
            return false;
        }
        self.fresh = 0.0;
        let thin = if self.tail_s > 0.0 { TAIL_SHARE } else { 0.0 };
        let mut sum = 0.0;
        for ((cdf, weight), tail) in self.cdf.iter_mut().zip(&self.weight).zip(&self.tail) {
            sum += weight / self.total.max(1e-9);
            *cdf = ((1.0 - thin) * sum + thin * tail).min(1.0);
        }
        true
    }

    /// The chance that it is over by `age_s`.
    pub fn over_by(&self, age_s: f64) -> f64 {
        if age_s <= 0.0 {
            return 0.0;
        }
        let at = age_s / self.width_s;
        let bin = at as usize;
        let Some(&high) = self.cdf.get(bin) else { return 1.0 };
        let low = if bin == 0 { 0.0 } else { self.cdf.get(bin - 1).copied().unwrap_or(0.0) };
        low + (high - low) * (at - bin as f64)
    }

    /// The chance that it ends within the next `within_s`, given that it has lasted `age_s`.
    pub fn ends_within(&self, age_s: f64, within_s: f64) -> f64 {
        let (now, then) = (self.over_by(age_s), self.over_by(age_s + within_s));
        let left = 1.0 - now;
        if left < 1e-6 { 0.0 } else { ((then - now) / left).clamp(0.0, 1.0) }
    }

    /// The age by which a share of `share` is over, seconds.
    pub fn quantile_s(&self, share: f64) -> f64 {
        let bin = self.cdf.partition_point(|&c| c < share);
        let high = self.cdf.get(bin).copied().unwrap_or(1.0);
        let low = if bin == 0 { 0.0 } else { self.cdf.get(bin - 1).copied().unwrap_or(0.0) };
        let part = if high > low { (share - low) / (high - low) } else { 0.5 };
        (bin as f64 + part.clamp(0.0, 1.0)) * self.width_s
    }

    /// The mean, seconds.
    pub fn mean_s(&self) -> f64 {
        self.cdf.iter().map(|c| 1.0 - c).sum::<f64>() * self.width_s
    }
}

/// A log-normal density up to a factor, for priors.
pub fn log_normal(x: f64, median: f64, sigma: f64) -> f64 {
    let z = (x / median).ln() / sigma;
    (-0.5 * z * z).exp() / x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law() -> Law {
        Law::new(600, 1.0, 2000.0, 0.05, 0.0, 5.0, |x| log_normal(x, 60.0, 0.5))
    }

    #[test]
    fn before_anything_is_seen_the_prior_speaks() {
        let law = law();
        assert!((law.over_by(60.0) - 0.5).abs() < 0.03);
        assert!((law.quantile_s(0.5) - 60.0).abs() < 3.0);
        assert_eq!((law.over_by(0.0), law.over_by(1e9)), (0.0, 1.0));
    }

    #[test]
    fn what_is_seen_outweighs_the_prior_and_is_forgotten_again() {
        let mut law = law();
        (0..1_000).for_each(|_| law.learn(20.0));
        assert!(law.rebuild());
        assert!(law.ends_within(10.0, 15.0) > 0.95, "{}", law.ends_within(10.0, 15.0));
        (0..12_000).for_each(|_| law.learn(200.0));
        assert!(law.rebuild());
        assert!(law.over_by(100.0) < 0.05);
    }

    #[test]
    fn a_few_new_observations_are_not_worth_a_new_table() {
        let mut law = law();
        (0..1_000).for_each(|n| law.learn(f64::from(n % 90)));
        assert!(law.rebuild());
        law.learn(30.0);
        assert!(!law.rebuild());
    }

    #[test]
    fn the_chance_to_end_grows_with_the_horizon_and_never_leaves_its_range() {
        let mut law = Law::new(300, 1.0, 500.0, 0.08, 40.0, 20.0, |x| log_normal(x, 18.0, 0.7));
        for nth in 0..900u32 {
            law.learn(f64::from(nth * 7919 % 400));
        }
        law.rebuild();
        for age in 0..400 {
            let mut last = 0.0;
            for within in 0..60 {
                let chance = law.ends_within(f64::from(age), f64::from(within));
                assert!((0.0..=1.0).contains(&chance) && chance >= last - 1e-12);
                last = chance;
            }
        }
    }
}
