//! What one whole abandoned call is worth, and how fast to spend the ones that are left.
//!
//! Idle time falls about with the logarithm of the loss rate, idle = a - b ln(rate + k). In units
//! of b and of answers times k, with u = rate / k, m whole calls left and r answers to come, the
//! best rate solves the Bellman equation
//!
//! V'(m) = max over u of ln(1 + u) - (u + bare) (V(m) - E V(m - J))
//!
//! so that 1 + u = 1 / price, price = V(m) - E V(m - J). Three things make the last calls of a
//! small day dear: losses come in clusters (J is geometric: whoever is lost while all agents talk
//! is soon followed), a few are lost whatever is dialled (an agent leaves during the ringing), and
//! each loss with nothing left costs `breach`, more than any call saves: a day that is broken is
//! not given up. Hundreds of calls are spent evenly, a little under what is left per answer. The
//! table is made once.

/// Whole calls tabled; beyond, the rate per call left is that of the last row.
const CALLS: usize = 64;
/// Points of the answers' axis, a geometric scale: up to four times the answers that 64 calls at
/// 3 % are earned by, so that a longer day is priced like that one.
const POINTS: usize = 64;
/// Least and ratio of that scale, in answers times [`Terms::knee`].
const FIRST: f64 = 0.002;
const RATIO: f64 = 1.15;
/// Steps of the solution from one point to the next.
const STEPS: u32 = 48;

/// What the equation takes for granted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// The loss rate below which idle time stops to grow logarithmically (one-to-one already
    /// does so much).
    pub knee: f64,
    /// The chance that a lost call is followed at once by another.
    pub cluster: f64,
    /// Losses that come whatever is dialled, in knees.
    pub bare: f64,
    /// What a loss with nothing left costs, in units of b and answers times knee.
    pub breach: f64,
}

/// Optimal rates of spending.
#[derive(Clone, Debug)]
pub struct Price {
    terms: Terms,
    /// By whole calls left, by answers to come: 1 = never spend it.
    price: Vec<[f64; POINTS]>,
}

impl Price {
    /// Solves the equation.
    pub fn new(terms: Terms) -> Price {
        let mut price = vec![[1.0; POINTS]; CALLS + 1];
        let mut value = [0.0f64; CALLS + 1];
        let mut at = 0.0;
        for point in 0..POINTS {
            let goal = FIRST * RATIO.powi(point as i32);
            let step = (goal - at) / f64::from(STEPS);
            for _ in 0..STEPS {
                let mut after = value[0] - terms.breach;
                for (calls, cell) in value.iter_mut().enumerate() {
                    let lost = (*cell - after).max(1e-6);
                    // With no call left nothing is risked, whatever the price.
                    let price = if calls == 0 { 1.0 } else { lost.min(1.0) };
                    after = (1.0 - terms.cluster) * *cell + terms.cluster * after;
                    *cell += step * (price - 1.0 - price.ln() - terms.bare * lost);
                }
            }
            at = goal;
            let mut after = value[0] - terms.breach;
            for (calls, (row, cell)) in price.iter_mut().zip(value).enumerate() {
                if calls > 0 {
                    row[point] = (cell - after).clamp(1e-4, 1.0);
                }
                after = (1.0 - terms.cluster) * cell + terms.cluster * after;
            }
        }
        Price { terms, price }
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
        let at = (answers * self.terms.knee / FIRST).max(1e-9).ln() / RATIO.ln();
        let at = at.clamp(0.0, (POINTS - 1) as f64 - 1e-6);
        let (low, part) = (at as usize, at.fract());
        let row = &self.price[calls.min(CALLS)];
        row[low] + part * (row[low + 1] - row[low])
    }

    /// The table gives the rate of clusters; each is 1 / (1 - cluster) calls.
    fn exact(&self, calls: usize, answers: f64) -> f64 {
        let Terms { knee, cluster, .. } = self.terms;
        knee * (1.0 / self.of(calls, answers) - 1.0) / (1.0 - cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { knee: 0.002, cluster: 0.3, bare: 0.15, breach: 0.7 };

    #[test]
    fn nothing_left_is_nothing_spent() {
        let price = Price::new(TERMS);
        assert_eq!(price.rate(0.0, 100.0), 0.0);
        assert_eq!(price.rate(-3.0, 100.0), 0.0);
        assert_eq!(price.of(0, 100.0), 1.0);
    }

    #[test]
    fn a_call_is_dearer_the_fewer_are_left_and_the_longer_the_day() {
        let price = Price::new(TERMS);
        for answers in [30.0, 300.0, 3_000.0] {
            for calls in 1..40 {
                assert!(price.of(calls, answers) >= price.of(calls + 1, answers) - 1e-9);
                assert!(price.of(calls, answers) <= price.of(calls, answers * 2.0) + 1e-9);
            }
        }
    }

    #[test]
    fn many_calls_are_spent_nearly_evenly_and_a_last_one_later() {
        let price = Price::new(TERMS);
        let (many, one) = (price.rate(60.0, 2_000.0), price.rate(1.0, 2_000.0 / 60.0));
        assert!((0.8..1.01).contains(&(many / 0.03)), "{many}");
        assert!(one < 0.5 * 0.03, "{one}");
    }

    #[test]
    fn the_dearer_a_broken_day_the_later_the_last_calls_are_spent() {
        let (dear, cheap) = (Price::new(TERMS), Price::new(Terms { breach: 0.0, ..TERMS }));
        assert!(dear.rate(2.0, 60.0) < 0.8 * cheap.rate(2.0, 60.0));
        let (few, many) = (dear.rate(60.0, 2_000.0), cheap.rate(60.0, 2_000.0));
        assert!((few / many - 1.0).abs() < 0.1, "a large day hardly feels it: {few} {many}");
    }

    #[test]
    fn no_day_is_so_long_that_a_price_leaves_its_range() {
        for knee in [0.0005, 0.002, 0.01] {
            let price = Price::new(Terms { knee, ..TERMS });
            for answers in [0.0, 0.5, 1e3, 1e6, 1e9] {
                for calls in 0..200 {
                    let at = price.of(calls, answers);
                    assert!((1e-4..=1.0).contains(&at), "{calls} {answers} {at}");
                }
            }
        }
    }
}
