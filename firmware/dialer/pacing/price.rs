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
//! not given up. Hundreds of calls are spent evenly, a little under what is left per answer.
//!
//! What a broken day should cost depends on how often days are broken at that cost, and the same
//! equation tells it: with the rate it gives, the chance P(m) that more are lost than may be solves
//!
//! P'(m) = (u + bare) (E P(m - J) - P(m))
//!
//! So prices are tabled for several breaches, and a day takes the lowest that keeps enough days.
//! The tables are made once.

/// Whole calls tabled; beyond, the rate per call left is that of the last row.
const CALLS: usize = 64;
/// Points of the answers' axis, a geometric scale: up to four times the answers that 64 calls at
/// 3 % are earned by, so that a longer day is priced like that one.
const POINTS: usize = 64;
/// Least and ratio of that scale, in answers times [`Terms::knee`].
const FIRST: f64 = 0.002;
const RATIO: f64 = 1.15;
/// Steps of the solution from one point to the next.
const STEPS: u32 = 16;
/// The breaches that are tabled, in [`Terms::breach`].
const BREACHES: [f64; 6] = [1.0, 1.6, 2.5, 4.0, 6.5, 11.0];

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
    /// What a loss with nothing left costs at least, in units of b and answers times knee.
    pub breach: f64,
}

/// How dear a broken day is: one of the tabled breaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dear(usize);

/// By answers to come, on the geometric scale.
type Row = [f64; POINTS];

/// The solution for one breach, by whole calls left.
#[derive(Clone, Debug)]
struct Table {
    /// 1 = never spend the next call.
    price: Vec<Row>,
    /// The chance that the day is broken.
    broken: Vec<Row>,
}

impl Table {
    fn new(terms: Terms) -> Table {
        let mut table =
            Table { price: vec![[1.0; POINTS]; CALLS + 1], broken: vec![[0.0; POINTS]; CALLS + 1] };
        let (mut value, mut broken) = ([0.0f64; CALLS + 1], [0.0f64; CALLS + 1]);
        let after = |here: f64, beyond: f64| (1.0 - terms.cluster) * here + terms.cluster * beyond;
        let mut at = 0.0;
        for point in 0..POINTS {
            let goal = FIRST * RATIO.powi(point as i32);
            let step = (goal - at) / f64::from(STEPS);
            for _ in 0..STEPS {
                let (mut beyond, mut worse) = (value[0] - terms.breach, 1.0);
                for (calls, (value, broken)) in value.iter_mut().zip(&mut broken).enumerate() {
                    let lost = (*value - beyond).max(1e-6);
                    // With no call left nothing is risked, whatever the price.
                    let price = if calls == 0 { 1.0 } else { lost.min(1.0) };
                    let next = after(*broken, worse);
                    beyond = after(*value, beyond);
                    *value += step * (price - 1.0 - price.ln() - terms.bare * lost);
                    let goes = (step * (1.0 / price - 1.0 + terms.bare)).min(1.0);
                    *broken += goes * (worse - *broken);
                    worse = next;
                }
            }
            at = goal;
            let mut beyond = value[0] - terms.breach;
            for (calls, (row, value)) in table.price.iter_mut().zip(value).enumerate() {
                if calls > 0 {
                    row[point] = (value - beyond).clamp(1e-4, 1.0);
                }
                beyond = after(value, beyond);
            }
            for (row, broken) in table.broken.iter_mut().zip(broken) {
                row[point] = broken;
            }
        }
        table
    }
}

/// Optimal rates of spending.
#[derive(Clone, Debug)]
pub struct Price {
    terms: Terms,
    tables: Vec<Table>,
}

impl Price {
    /// Solves the equation for every breach.
    pub fn new(terms: Terms) -> Price {
        let breaches = BREACHES.iter().map(|times| terms.breach * times);
        let tables = breaches.map(|breach| Table::new(Terms { breach, ..terms })).collect();
        Price { terms, tables }
    }

    /// The lowest breach at which at most `share` of the days with `calls` to lose and `answers`
    /// to come are broken; the highest when none does.
    pub fn dear(&self, calls: f64, answers: f64, share: f64) -> Dear {
        let keeps = |&at: &usize| self.broken(Dear(at), calls, answers) <= share;
        let last = self.tables.len() - 1;
        Dear((0..last).find(keeps).unwrap_or(last))
    }

    /// The chance that a day with `calls` to lose and `answers` to come is broken.
    pub fn broken(&self, dear: Dear, calls: f64, answers: f64) -> f64 {
        // What is larger than the table is as good as its last row.
        let scale = (calls / CALLS as f64).max(1.0);
        let (calls, answers) = ((calls / scale).max(0.0), answers / scale);
        let (whole, part) = (calls.floor() as usize, calls.fract());
        let at = |calls: usize| self.read(&self.tables[dear.0].broken[calls.min(CALLS)], answers);
        at(whole) + part * (at(whole + 1) - at(whole))
    }

    /// The best loss rate with `calls` left (a careful mean, so not whole) and `answers` to come.
    pub fn rate(&self, dear: Dear, calls: f64, answers: f64) -> f64 {
        if calls <= 0.0 {
            return 0.0;
        }
        let (whole, part) = (calls.floor() as usize, calls.fract());
        if whole >= CALLS {
            return self.exact(dear, CALLS, answers * CALLS as f64 / calls);
        }
        let low = if whole == 0 { 0.0 } else { self.exact(dear, whole, answers) };
        low + part * (self.exact(dear, whole + 1, answers) - low)
    }

    /// The price of the next call in units of the logarithm's factor: 1 = never spend it.
    pub fn of(&self, dear: Dear, calls: usize, answers: f64) -> f64 {
        if calls == 0 {
            return 1.0;
        }
        self.read(&self.tables[dear.0].price[calls.min(CALLS)], answers)
    }

    fn read(&self, row: &Row, answers: f64) -> f64 {
        let at = (answers * self.terms.knee / FIRST).max(1e-9).ln() / RATIO.ln();
        let at = at.clamp(0.0, (POINTS - 1) as f64 - 1e-6);
        let (low, part) = (at as usize, at.fract());
        row[low] + part * (row[low + 1] - row[low])
    }

    /// The table gives the rate of clusters; each is 1 / (1 - cluster) calls.
    fn exact(&self, dear: Dear, calls: usize, answers: f64) -> f64 {
        let Terms { knee, cluster, .. } = self.terms;
        knee * (1.0 / self.of(dear, calls, answers) - 1.0) / (1.0 - cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { knee: 0.002, cluster: 0.3, bare: 0.15, breach: 0.7 };

    #[test]
    fn nothing_left_is_nothing_spent() {
        let price = Price::new(TERMS);
        assert_eq!(price.rate(Dear(0), 0.0, 100.0), 0.0);
        assert_eq!(price.rate(Dear(0), -3.0, 100.0), 0.0);
        assert_eq!(price.of(Dear(0), 0, 100.0), 1.0);
    }

    #[test]
    fn a_call_is_dearer_the_fewer_are_left_and_the_longer_the_day() {
        let price = Price::new(TERMS);
        for answers in [30.0, 300.0, 3_000.0] {
            for calls in 1..40 {
                assert!(
                    price.of(Dear(0), calls, answers)
                        >= price.of(Dear(0), calls + 1, answers) - 1e-9
                );
                assert!(
                    price.of(Dear(0), calls, answers)
                        <= price.of(Dear(0), calls, answers * 2.0) + 1e-9
                );
            }
        }
    }

    #[test]
    fn many_calls_are_spent_nearly_evenly_and_a_last_one_later() {
        let price = Price::new(TERMS);
        let (many, one) =
            (price.rate(Dear(0), 60.0, 2_000.0), price.rate(Dear(0), 1.0, 2_000.0 / 60.0));
        assert!((0.8..1.01).contains(&(many / 0.03)), "{many}");
        assert!(one < 0.5 * 0.03, "{one}");
    }

    #[test]
    fn the_dearer_a_broken_day_the_later_the_last_calls_are_spent() {
        let (dear, cheap) = (Price::new(TERMS), Price::new(Terms { breach: 0.0, ..TERMS }));
        assert!(dear.rate(Dear(0), 2.0, 60.0) < 0.8 * cheap.rate(Dear(0), 2.0, 60.0));
        let (few, many) = (dear.rate(Dear(0), 60.0, 2_000.0), cheap.rate(Dear(0), 60.0, 2_000.0));
        assert!((few / many - 1.0).abs() < 0.1, "a large day hardly feels it: {few} {many}");
    }

    #[test]
    fn no_day_is_so_long_that_a_price_leaves_its_range() {
        for knee in [0.0005, 0.002, 0.01] {
            let price = Price::new(Terms { knee, ..TERMS });
            for answers in [0.0, 0.5, 1e3, 1e6, 1e9] {
                for calls in 0..200 {
                    let at = price.of(Dear(0), calls, answers);
                    assert!((1e-4..=1.0).contains(&at), "{calls} {answers} {at}");
                }
            }
        }
    }

    #[test]
    fn a_day_takes_the_lowest_price_that_keeps_enough_days() {
        let price = Price::new(TERMS);
        // One in a hundred of a few hundred answers, and three.
        for (calls, answers) in [(2.0, 250.0), (6.0, 600.0), (7.0, 250.0), (600.0, 20_000.0)] {
            let broken = |dear: Dear| price.broken(dear, calls, answers);
            for dear in 1..BREACHES.len() {
                assert!(broken(Dear(dear)) <= broken(Dear(dear - 1)) + 1e-9, "{calls} {dear}");
            }
            let dear = price.dear(calls, answers, 0.1);
            assert!(broken(dear) <= 0.1 || dear == Dear(BREACHES.len() - 1), "{calls} {dear:?}");
            assert!(dear == Dear(0) || broken(Dear(dear.0 - 1)) > 0.1, "{calls} {dear:?}");
        }
        assert!(price.dear(2.0, 250.0, 0.1) > price.dear(7.0, 250.0, 0.1));
        assert!(price.dear(2.0, 250.0, 0.02) > price.dear(2.0, 250.0, 0.2));
    }

    /// The tabled chance beside days that are played: answer by answer, cluster by cluster.
    #[test]
    fn as_many_days_are_broken_as_the_table_says() {
        let price = Price::new(TERMS);
        let mut state = 7u64;
        let mut unit = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        for (dear, calls, answers) in [(Dear(0), 3, 120), (Dear(3), 2, 250)] {
            let broken = (0..4_000)
                .filter(|_| {
                    let mut left = calls;
                    for to_come in (1..=answers).rev() {
                        let risk = match usize::try_from(left) {
                            Ok(whole) => price.rate(dear, whole as f64, f64::from(to_come)),
                            Err(_) => 0.0,
                        };
                        let clusters = risk * (1.0 - TERMS.cluster) + TERMS.bare * TERMS.knee;
                        if unit() < clusters {
                            left -= 1;
                            while unit() < TERMS.cluster {
                                left -= 1;
                            }
                        }
                    }
                    left < 0
                })
                .count();
            let (seen, told) =
                (broken as f64 / 4_000.0, price.broken(dear, f64::from(calls), f64::from(answers)));
            assert!((seen - told).abs() < 0.25 * told + 0.005, "{dear:?}: {seen} {told}");
        }
    }
}
