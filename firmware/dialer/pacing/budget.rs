//! The promise of the day in whole calls: how many answers may still find nobody, and what rate
//! of that the rest of the day may have.
//!
//! The allowance is a whole number of calls, taken from a careful forecast of today's live
//! answers. What is left of it is spread over the answers still to come; the hazard left / answers
//! grows as the day ends, so that the last whole call is spent late but is spent.

use super::limits::{SLOT_S, SLOTS};
use super::price::{Dear, Price, Terms};

/// Policy numbers of the budget; the defaults are what measured best (see `WHY.md`).
#[derive(Clone, Copy, Debug)]
pub struct Thrift {
    /// What the price of a whole call is made of.
    pub terms: Terms,
    /// Share of days that may be foreseen as broken when the price of a broken day is chosen.
    pub foreseen: f64,
    /// Share of days that may really be broken: more of them, and less may be foreseen.
    pub broken: f64,
    /// Highest rate of loss aimed at, in caps.
    pub rush: f64,
    /// Where between a one-to-one rest of the day (0) and one as it is (1) the whole calls are
    /// counted that may be lost at all.
    pub least: f64,
    /// Calls left unspent on purpose: the allowance is a whole number, the plan is not.
    pub margin: f64,
    /// The same for what grows with the day: losses come in clusters; standard deviations of
    /// the whole allowance.
    pub spread: f64,
    /// Standard deviations of the losses already in flight that must still fit.
    pub caution: f64,
    /// Calls kept back for each answer expected of the calls in flight, and the most of them.
    pub burst: f64,
    /// Most calls kept back for a burst.
    pub burst_max: f64,
    /// Share of the future answers that is counted on.
    pub trust: f64,
    /// Standard deviations by which the forecast of answers is lowered.
    pub care: f64,
    /// Power of the usual hit rate by which the spending leans to hours when few answer.
    pub lean: f64,
    /// What is kept of the calibration from one live answer to the next.
    pub recall: f64,
    /// Calibration believed at first: realised loss per unit of accepted risk.
    pub first_ratio: f64,
    /// What that belief is worth, lost calls.
    pub first_worth: f64,
}

impl Default for Thrift {
    fn default() -> Thrift {
        Thrift {
            terms: Terms { knee: 0.002, cluster: 0.3, bare: 0.15, breach: 0.7 },
            foreseen: 0.1,
            broken: 0.04,
            rush: 1.6,
            least: 0.5,
            margin: 0.5,
            spread: 0.08,
            caution: 3.0,
            burst: 0.5,
            burst_max: 3.0,
            trust: 0.97,
            care: 0.5,
            lean: 0.5,
            recall: 0.9999,
            first_ratio: 0.5,
            first_worth: 2.0,
        }
    }
}

/// The budget of one day, and what earlier days taught about its size.
#[derive(Clone, Debug)]
pub struct Budget {
    thrift: Thrift,
    cap: f64,
    end_s: f64,
    /// Live answers so far today.
    pub live: f64,
    /// Live answers that found nobody so far today.
    pub lost: f64,
    past: [f64; SLOTS],
    today: [f64; SLOTS],
    days: u32,
    rate: f64,
    rate_at_s: f64,
    realised: f64,
    accepted: f64,
    price: Price,
    /// How dear it is to break today.
    dear: Dear,
    /// Days broken lately beyond [`Thrift::broken`]; each makes the next day 1/e as bold.
    debt: f64,
}

/// What the budget says at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Allowance {
    /// Live answers still expected today.
    pub answers: f64,
    /// Whole calls that may still be lost today (may be negative after bad luck).
    pub whole: f64,
    /// Rate of loss that the rest of the day may have.
    pub rate: f64,
    /// Losses expected of the calls in flight.
    pub pending: f64,
    /// Risk accepted for one more dial: the rate over the calibration.
    pub risk: f64,
}

/// What the calls in flight may still do to the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InFlight {
    /// Live answers expected of them.
    pub answers: f64,
    /// Losses expected of them, and of the answers that wait already.
    pub losses: f64,
}

/// Memory of the answer rate of the last while, seconds.
const RATE_MEMORY_S: f64 = 1800.0;

/// Most broken days that are held against the next ones.
const DEBT_MAX: f64 = 3.0;

impl Budget {
    /// Nothing known.
    pub fn new(thrift: Thrift) -> Budget {
        Budget {
            thrift,
            cap: 0.0,
            end_s: 0.0,
            live: 0.0,
            lost: 0.0,
            past: [0.0; SLOTS],
            today: [0.0; SLOTS],
            days: 0,
            rate: 0.0,
            rate_at_s: 0.0,
            realised: thrift.first_ratio * thrift.first_worth,
            accepted: thrift.first_worth,
            price: Price::new(thrift.terms),
            dear: Dear::default(),
            debt: 0.0,
        }
    }

    /// A new day with its own cap.
    pub fn start_day(&mut self, cap: f64, end_s: f64) {
        if self.live > 0.0 {
            let keep = if self.days == 0 { 0.0 } else { 0.7 };
            for (past, today) in self.past.iter_mut().zip(&self.today) {
                *past = *past * keep + today * (1.0 - keep);
            }
            self.days = self.days.saturating_add(1);
            if self.cap > 0.0 {
                let broken = f64::from(u8::from(self.lost > self.cap * self.live + 1e-9));
                self.debt = (self.debt + broken - self.thrift.broken).clamp(0.0, DEBT_MAX);
            }
        }
        self.today = [0.0; SLOTS];
        (self.cap, self.end_s) = (cap, end_s);
        (self.live, self.lost, self.rate, self.rate_at_s) = (0.0, 0.0, 0.0, 0.0);
    }

    /// A person answered an attempt for which `risk` had been accepted.
    pub fn answered(&mut self, at_s: f64, risk: f64) {
        self.live += 1.0;
        if let Some(slot) = self.today.get_mut(slot_of(at_s)) {
            *slot += 1.0;
        }
        let fade = (-(at_s - self.rate_at_s).max(0.0) / RATE_MEMORY_S).exp();
        self.rate = self.rate * fade + 1.0 / RATE_MEMORY_S;
        self.rate_at_s = at_s;
        let keep = self.thrift.recall;
        let prior = (1.0 - keep) * self.thrift.first_worth;
        self.realised = self.realised * keep + prior * self.thrift.first_ratio;
        self.accepted = self.accepted * keep + prior + risk;
    }

    /// A live answer found nobody.
    pub fn abandoned(&mut self) {
        self.lost += 1.0;
        self.realised += 1.0;
    }

    /// Realised loss per unit of accepted risk.
    pub fn ratio(&self) -> f64 {
        (self.realised / self.accepted.max(1e-9)).clamp(0.05, 3.0)
    }

    /// Chooses how dear it is to break a day that will be as long as this one seems at `at_s`.
    pub fn weigh(&mut self, at_s: f64) {
        let answers = self.live + self.answers_to_come(at_s);
        let doubt = self.cap * self.thrift.care * answers.sqrt();
        let calls = self.cap * answers - doubt - self.margin(answers);
        let share = self.thrift.foreseen * (-self.debt).exp();
        self.dear = self.price.dear(calls, answers, share);
    }

    /// Calls left unspent on purpose in a day of so many answers.
    fn margin(&self, answers: f64) -> f64 {
        self.thrift.margin + self.thrift.spread * (self.cap * answers).sqrt()
    }

    /// What may be done at `at_s` with these calls in flight. `slow` is the share of the answers
    /// that still come when nothing is risked, `emphasis` what a loss buys now against later.
    pub fn allow(&self, at_s: f64, flying: InFlight, slow: f64, emphasis: f64) -> Allowance {
        let answers = self.answers_to_come(at_s);
        let counted = answers * self.lasting(at_s);
        let pending = flying.losses;
        // A burst of answers can find nobody together, and none of it can be called back.
        let burst = (self.thrift.burst * flying.answers).min(self.thrift.burst_max);
        let reserve = pending + self.thrift.caution * pending.sqrt() + burst;
        let doubt = self.thrift.care * counted.sqrt();
        let margin = self.margin(self.live + counted);
        let left = |share: f64| {
            self.cap * (self.live + (share * counted - doubt).max(0.0)) - self.lost - reserve
        };
        // Whoever risks nothing any more also calls fewer people, and a smaller day allows less.
        let mut rate = self.cap;
        for _ in 0..3 {
            let share = slow
                + (self.thrift.trust - slow).max(0.0) * (rate / self.cap.max(1e-9)).min(1.0).sqrt();
            rate = self.price.rate(self.dear, left(share) - margin, counted);
        }
        let rate = (rate * emphasis).min(self.thrift.rush * self.cap * emphasis.max(1.0));
        let whole = (left(slow + (1.0 - slow) * self.thrift.least) + reserve + 1e-9).floor();
        let rate = if whole - reserve <= 0.0 { 0.0 } else { rate };
        Allowance { answers, whole, rate, pending, risk: rate / self.ratio() }
    }

    /// How much more a lost call buys now than in the rest of the day, as a factor of the rate.
    ///
    /// An hour in which few people answer has long waits and few answers: there a loss saves the
    /// most idle time. `habit` is the usual hit rate at an instant; without earlier days it is 1.
    pub fn emphasis(&self, at_s: f64, habit: impl Fn(f64) -> f64) -> f64 {
        let worth = |at_s: f64| habit(at_s).max(1e-3).powf(-self.thrift.lean);
        let (mut answers, mut sum) = (0.0, 0.0);
        for (slot, past) in self.past.iter().enumerate().skip(slot_of(at_s)) {
            answers += past;
            sum += past * worth((slot as f64 + 0.5) * SLOT_S);
        }
        if sum <= 0.0 { 1.0 } else { (worth(at_s) * answers / sum).clamp(0.5, 2.0) }
    }

    /// The share of the answers to come that is counted on. The day before tells when a list
    /// ends; without one, what has lasted `t` seconds lasts `s` more with chance `t / (t + s)`.
    fn lasting(&self, at_s: f64) -> f64 {
        if self.days > 0 {
            return 1.0;
        }
        let (so_far, left) = (at_s.max(1.0), (self.end_s - at_s).max(1.0));
        so_far / left * (left / so_far).ln_1p()
    }

    /// Live answers expected from now to the end of the day.
    pub fn answers_to_come(&self, at_s: f64) -> f64 {
        let left_s = (self.end_s - at_s).max(0.0);
        let ramp = 1.0 - (-at_s.max(1.0) / RATE_MEMORY_S).exp();
        let recent = self.rate * left_s / ramp;
        if self.days == 0 {
            let long = self.live / (at_s + 600.0) * left_s;
            let share = (at_s / RATE_MEMORY_S).min(1.0) * 0.5;
            return (1.0 - share) * long + share * recent;
        }
        let (mut done, mut to_come) = (0.0, 0.0);
        for (slot, &past) in self.past.iter().enumerate() {
            let over = |by_s: f64| ((by_s - slot as f64 * SLOT_S) / SLOT_S).clamp(0.0, 1.0);
            done += past * over(at_s);
            to_come += past * (over(self.end_s) - over(at_s)).max(0.0);
        }
        let worth = 0.15 * (done + to_come) + 10.0;
        let habit = to_come * (self.live + worth) / (done + worth);
        let share = (at_s / RATE_MEMORY_S).min(1.0) * 0.3;
        (1.0 - share) * habit + share * recent
    }
}

fn slot_of(at_s: f64) -> usize {
    ((at_s.max(0.0) / SLOT_S) as usize).min(SLOTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mid_day(lost: u32) -> Budget {
        let mut budget = Budget::new(Thrift::default());
        budget.start_day(0.03, 28_800.0);
        for nth in 0..500 {
            budget.answered(f64::from(nth) * 28.8, 0.03);
        }
        (0..lost).for_each(|_| budget.abandoned());
        budget
    }

    #[test]
    fn the_rest_of_the_day_is_foreseen_from_what_was() {
        let answers = mid_day(0).answers_to_come(14_400.0);
        assert!((answers - 500.0).abs() < 40.0, "{answers}");
    }

    #[test]
    fn who_lost_more_may_lose_less() {
        let rate = |lost| mid_day(lost).allow(14_400.0, InFlight::default(), 0.7, 1.0).rate;
        assert!(rate(5) > rate(15) && rate(15) > rate(25));
        assert_eq!(rate(40), 0.0);
        let at_plan = rate(15);
        assert!((0.015..0.032).contains(&at_plan), "{at_plan}");
    }

    #[test]
    fn a_first_day_pays_its_debts_before_its_list_can_end() {
        let mut known = mid_day(0);
        (500..1_000).for_each(|nth| known.answered(f64::from(nth) * 28.8, 0.03));
        known.start_day(0.03, 28_800.0);
        (0..500).for_each(|nth| known.answered(f64::from(nth) * 28.8, 0.03));
        (0..18).for_each(|_| known.abandoned());
        let rate = |budget: &Budget| budget.allow(14_400.0, InFlight::default(), 0.7, 1.0).rate;
        let (first, known) = (rate(&mid_day(18)), rate(&known));
        assert!(first > 0.0 && first < 0.9 * known, "{first} {known}");
    }

    #[test]
    fn calls_in_flight_are_promised_already() {
        let budget = mid_day(18);
        assert!(budget.allow(14_400.0, InFlight::default(), 0.7, 1.0).rate > 0.0);
        assert_eq!(
            budget.allow(14_400.0, InFlight { answers: 9.0, losses: 6.0 }, 0.7, 1.0).rate,
            0.0
        );
    }

    #[test]
    fn yesterday_tells_how_long_the_day_will_be_in_answers() {
        let mut budget = mid_day(0);
        budget.start_day(0.03, 28_800.0);
        let answers = budget.answers_to_come(0.0);
        assert!((answers - 500.0).abs() < 30.0, "yesterday ended at noon: {answers}");
    }

    #[test]
    fn after_a_broken_day_the_next_ones_are_more_careful_for_a_while() {
        let dear = |lost: u32| -> Vec<Dear> {
            let mut budget = mid_day(lost);
            let days = (0..60).map(|_| {
                budget.start_day(0.03, 28_800.0);
                (0..500).for_each(|nth| budget.answered(f64::from(nth) * 28.8, 0.03));
                budget.weigh(14_400.0);
                budget.dear
            });
            days.collect()
        };
        let (kept, broken) = (dear(15), dear(16));
        assert!(broken[0] > kept[0], "{:?} {:?}", broken[0], kept[0]);
        assert_eq!(broken[59], kept[59]);
    }

    #[test]
    fn the_calibration_follows_what_really_happens() {
        let mut budget = Budget::new(Thrift::default());
        budget.start_day(0.03, 28_800.0);
        for nth in 0..4_000 {
            budget.answered(f64::from(nth), 0.05);
            if nth % 25 == 0 {
                budget.abandoned();
            }
        }
        assert!((budget.ratio() - 0.8).abs() < 0.08, "{}", budget.ratio());
    }
}
