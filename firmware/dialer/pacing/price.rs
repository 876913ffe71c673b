//! What one whole abandoned call is worth, and how fast to spend the ones that are left.
//!
//! Idle time falls about with the logarithm of the loss rate, idle = a - b ln(rate + k). With m
//! whole calls left and r answers to come, the best rate solves the Bellman equation
//! V'(m) = max over u of ln(1 + u) - u (V(m) - V(m-1)), in units of b and of answers times k: so
//! 1 + u = 1 / price, price = V(m) - V(m-1). A last call is dear and is spent late; hundreds are
//! spent evenly, a little under what is left per answer. The table is made once.

/// Whole calls tabled; beyond, the rate per call left is that of the last row.
const CALLS: usize = 64;
/// Points of the answers' axis, a geometric scale.
const POINTS: usize = 96;
/// Least and ratio of that scale, in answers times [`Price::knee`].
const FIRST: f64 = 0.002;
const RATIO: f64 = 1.15;

/// Optimal rates of spending.
#[derive(Clone, Debug)]
pub struct Price {
    /// The loss rate below which idle time stops to grow logarithmically (one-to-one already
    /// does so much).
    knee: f64,
    value: Vec<[f64; POINTS]>,
}

impl Price {
    /// Solves the equation.
    pub fn new(knee: f64) -> Price {
        let mut value = vec![[0.0; POINTS]; CALLS + 1];
        let mut now = [0.0f64; CALLS + 1];
        let mut at = 0.0;
        for point in 0..POINTS {
            let goal = FIRST * RATIO.powi(point as i32);
            let steps = 24;
            let step = (goal - at) / f64::from(steps);
            for _ in 0..steps {
                let mut below = now[0];
                for cell in now.iter_mut().skip(1) {
                    let price = (*cell - below).clamp(1e-6, 1.0);
                    below = *cell;
                    *cell += step * (price - 1.0 - price.ln());
                }
            }
            at = goal;
            for (row, cell) in value.iter_mut().zip(now) {
                row[point] = cell;
            }
        }
        Price { knee, value }
    }

    /// The best loss rate with `calls` left (a careful mean, so not whole) and `answers` to come.
    pub fn rate(&self, calls: f64, answers: f64) -> f64 {
        if calls <= 0.0 {
            return 0.0;
        }
        let (whole, part) = (calls.floor() as usize, calls.fract());
        if whole >= CALLS {
            return self.exact(CALLS, answers * CALLS as f64 / calls);
        }
        let low = if whole == 0 { 0.0 } else { self.exact(whole, answers) };
        low + part * (self.exact(whole + 1, answers) - low)
    }

    /// The price of the next call in units of the logarithm's factor: 1 = never spend it.
    pub fn of(&self, calls: usize, answers: f64) -> f64 {
        if calls == 0 {
            return 1.0;
        }
        let at = ((answers * self.knee / FIRST).max(1e-9).ln() / RATIO.ln()).max(0.0);
        let (low, part) = ((at as usize).min(POINTS - 2), at.fract());
        let row = calls.min(CALLS);
        let at = |point: usize| self.value[row][point] - self.value[row - 1][point];
        (at(low) + part * (at(low + 1) - at(low))).clamp(1e-4, 1.0)
    }

    fn exact(&self, calls: usize, answers: f64) -> f64 {
        self.knee * (1.0 / self.of(calls, answers) - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_left_is_nothing_spent() {
        let price = Price::new(0.002);
        assert_eq!(price.rate(0.0, 100.0), 0.0);
        assert_eq!(price.rate(-3.0, 100.0), 0.0);
        assert_eq!(price.of(0, 100.0), 1.0);
    }

    #[test]
    fn a_call_is_dearer_the_fewer_are_left_and_the_longer_the_day() {
        let price = Price::new(0.002);
        for answers in [30.0, 300.0, 3_000.0] {
            for calls in 1..40 {
                assert!(price.of(calls, answers) >= price.of(calls + 1, answers) - 1e-9);
                assert!(price.of(calls, answers) <= price.of(calls, answers * 2.0) + 1e-9);
            }
        }
    }

    #[test]
    fn many_calls_are_spent_nearly_evenly_and_a_last_one_later() {
        let price = Price::new(0.002);
        let (many, one) = (price.rate(60.0, 2_000.0), price.rate(1.0, 2_000.0 / 60.0));
        assert!((0.8..1.01).contains(&(many / 0.03)), "{many}");
        assert!(one < 0.8 * 0.03, "{one}");
    }
}
