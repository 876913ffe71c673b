//! How likely the next attempt meets a person: a rate that drifts over the day, jumps when the
//! list changes, and has habits by the hour.
//!
//! Three memories. The *profile* is what earlier days were like in each slot of ten minutes; the
//! *level* says how today compares with it; the *alarm* is a short window that, when it disagrees
//! too much to be chance, is believed at once and throws the level away.
//!
//! Too low a rate dials too much, too high a rate only waits. So what the profile says of a slot is
//! believed at once when it is a rise; when it is a fall, as today's own outcomes bear it out.

use super::limits::{SLOT_S, SLOTS};

/// Trials and hits, possibly faded.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    hits: f64,
    trials: f64,
}

/// The learned chance of a live answer.
#[derive(Clone, Debug)]
pub struct HitRate {
    past: [Count; SLOTS],
    today: [Count; SLOTS],
    all: Count,
    level: Count,
    alarm: Count,
    /// The usual rate believed in when the slot began.
    before: f64,
    /// The chance that today has come down from it to what the slot is by habit.
    fallen: f64,
    at_s: f64,
    memory_s: f64,
    alarm_s: f64,
    alarm_z: f64,
}

/// What the overall rate is worth before anything was seen, trials; and the guess itself.
const FIRST_TRIALS: f64 = 20.0;
const FIRST_RATE: f64 = 0.25;
/// Relative variance of a slot around the overall rate: habits of the hour are within a third.
const HABIT_VARIANCE: f64 = 0.04;
/// Relative variance of a day around the profile: lists and weather are within a seventh.
const LEVEL_VARIANCE: f64 = 0.03;
/// What is kept of the profile from one day to the next.
const PROFILE_KEEP: f64 = 0.9;
/// Trials over which the overall rate is remembered.
const OVERALL_TRIALS: f64 = 20_000.0;

impl HitRate {
    /// A rate that forgets today's level over `memory_s` seconds, and is alarmed by a window of
    /// `alarm_s` that is `alarm_z` standard deviations off.
    pub fn new(memory_s: f64, alarm_s: f64, alarm_z: f64) -> HitRate {
        let first = Count { hits: FIRST_RATE * FIRST_TRIALS, trials: FIRST_TRIALS };
        HitRate {
            past: [Count::default(); SLOTS],
            today: [Count::default(); SLOTS],
            all: first,
            level: Count::default(),
            alarm: Count::default(),
            before: 0.0,
            fallen: 1.0,
            at_s: 0.0,
            memory_s,
            alarm_s,
            alarm_z,
        }
    }

    /// A new day: what today taught joins the profile, the level starts afresh.
    pub fn start_day(&mut self) {
        for (past, today) in self.past.iter_mut().zip(&mut self.today) {
            past.hits = past.hits * PROFILE_KEEP + today.hits;
            past.trials = past.trials * PROFILE_KEEP + today.trials;
            *today = Count::default();
        }
        self.level = Count::default();
        self.alarm = Count::default();
        (self.before, self.fallen) = (0.0, 1.0);
        self.at_s = 0.0;
    }

    /// An attempt has ended.
    pub fn learn(&mut self, at_s: f64, human: bool) {
        self.fade(at_s);
        let hit = f64::from(u8::from(human));
        let expected = self.usual(at_s);
        self.weigh_fall(at_s, human);
        if let Some(slot) = self.today.get_mut(slot_of(at_s)) {
            slot.hits += hit;
            slot.trials += 1.0;
        }
        self.all.hits += hit;
        self.all.trials += 1.0;
        if self.all.trials > OVERALL_TRIALS {
            self.all.hits *= 0.5;
            self.all.trials *= 0.5;
        }
        // In units of what the profile expects, so that a level survives the change of the hour.
        self.level.hits += hit;
        self.level.trials += expected;
        self.alarm.hits += hit;
        self.alarm.trials += expected;
        self.heed_alarm();
    }

    /// The chance that an attempt started now is answered by a person.
    pub fn now(&self, at_s: f64) -> f64 {
        (self.usual(at_s) * self.today_factor()).clamp(0.002, 0.98)
    }

    /// The rate of this time of the day by earlier days, shrunk towards the overall rate.
    pub fn habit(&self, at_s: f64) -> f64 {
        let (mean, worth) = (self.overall(), self.habit_worth());
        let slot = self.past.get(slot_of(at_s)).copied().unwrap_or_default();
        (slot.hits + worth * mean) / (slot.trials + worth)
    }

    /// The habit as far as today bears it out. A slot remembers its mean, not when in it the rate
    /// fell, and who believes a fall too early dials too much: a rise is believed at once, a fall
    /// as likely as it has happened by now.
    fn usual(&self, at_s: f64) -> f64 {
        let (before, fallen) = self.step(at_s);
        self.habit(at_s) + self.fall(at_s, before) * (1.0 - fallen)
    }

    /// How far the slot is known to lie below `before`: beyond the error of what is remembered.
    fn fall(&self, at_s: f64, before: f64) -> f64 {
        let trials = self.habit_worth() + self.past.get(slot_of(at_s)).map_or(0.0, |s| s.trials);
        let error = (2.0 * before * (1.0 - before) / trials).sqrt();
        (before - self.habit(at_s) - error).max(0.0)
    }

    /// [`Self::before`] and [`Self::fallen`] at `at_s` when nothing more was seen: the moment of
    /// the fall is anywhere in the slot.
    fn step(&self, at_s: f64) -> (f64, f64) {
        let stays = |gone_s: f64| (-gone_s.max(0.0) / SLOT_S).exp();
        if slot_of(at_s) <= slot_of(self.at_s) {
            return (self.before, 1.0 - (1.0 - self.fallen) * stays(at_s - self.at_s));
        }
        let begun_s = slot_of(at_s) as f64 * SLOT_S;
        // After a pause of a whole slot today says nothing of the last one: its habit does.
        let paused = begun_s - self.at_s > SLOT_S;
        let before = if paused { self.habit(begun_s - SLOT_S) } else { self.usual(self.at_s) };
        (before, 1.0 - stays(at_s - begun_s))
    }

    /// Whether an outcome speaks for the rate before the slot or for that of the slot (Bayes).
    fn weigh_fall(&mut self, at_s: f64, human: bool) {
        let (habit, fall) = (self.habit(at_s), self.fall(at_s, self.before));
        if fall <= 0.0 {
            return;
        }
        let factor = self.today_factor();
        let chance = |rate: f64| {
            let hit = (rate * factor).clamp(0.002, 0.98);
            if human { hit } else { 1.0 - hit }
        };
        let (low, high) = (self.fallen * chance(habit), (1.0 - self.fallen) * chance(habit + fall));
        self.fallen = low / (low + high);
    }

    fn overall(&self) -> f64 {
        self.all.hits / self.all.trials.max(1e-9)
    }

    /// What the overall rate is worth against the memory of a slot, trials.
    fn habit_worth(&self) -> f64 {
        let mean = self.overall();
        (1.0 - mean) / (mean.max(1e-4) * HABIT_VARIANCE)
    }

    fn today_factor(&self) -> f64 {
        let prior = 1.0 / LEVEL_VARIANCE;
        (self.level.hits + prior) / (self.level.trials + prior)
    }

    fn heed_alarm(&mut self) {
        let factor = self.today_factor();
        let expected = self.alarm.trials * factor;
        if expected < 3.0 {
            return;
        }
        let off = (self.alarm.hits - expected) / expected.sqrt();
        if off.abs() > self.alarm_z {
            self.level = self.alarm;
            let prior = 1.0 / LEVEL_VARIANCE;
            // Cancel the pull of the prior towards yesterday: today is another day now.
            let ratio = self.alarm.hits / self.alarm.trials.max(1e-9);
            self.level.hits += prior * (ratio - 1.0);
            self.alarm = Count::default();
        }
    }

    fn fade(&mut self, at_s: f64) {
        let gone = (at_s - self.at_s).max(0.0);
        (self.before, self.fallen) = self.step(at_s);
        self.at_s = self.at_s.max(at_s);
        let (slow, quick) = ((-gone / self.memory_s).exp(), (-gone / self.alarm_s).exp());
        self.level.hits *= slow;
        self.level.trials *= slow;
        self.alarm.hits *= quick;
        self.alarm.trials *= quick;
    }
}

fn slot_of(at_s: f64) -> usize {
    ((at_s.max(0.0) / SLOT_S) as usize).min(SLOTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attempts every second whose share of persons is `rate`, spread evenly.
    fn dial(hit: &mut HitRate, from_s: u32, to_s: u32, rate: f64) {
        let mut owed = 0.0;
        for at_s in from_s..to_s {
            owed += rate;
            let human = owed >= 1.0;
            owed -= f64::from(u8::from(human));
            hit.learn(f64::from(at_s), human);
        }
    }

    fn fresh() -> HitRate {
        HitRate::new(1200.0, 90.0, 4.0)
    }

    #[test]
    fn it_learns_the_rate_of_today() {
        let mut hit = fresh();
        dial(&mut hit, 0, 3_000, 0.12);
        assert!((hit.now(3_000.0) - 0.12).abs() < 0.015, "{}", hit.now(3_000.0));
    }

    #[test]
    fn a_sudden_change_is_believed_within_minutes() {
        let mut hit = fresh();
        dial(&mut hit, 0, 3_000, 0.1);
        dial(&mut hit, 3_000, 3_150, 0.5);
        assert!(hit.now(3_150.0) > 0.3, "{}", hit.now(3_150.0));
    }

    #[test]
    fn habits_of_an_hour_are_expected_the_next_day() {
        let mut hit = fresh();
        for _ in 0..12 {
            hit.start_day();
            dial(&mut hit, 0, 6_000, 0.3);
            dial(&mut hit, 6_000, 12_000, 0.15);
        }
        hit.start_day();
        assert!(hit.now(3_000.0) > 0.25 && hit.now(9_000.0) < 0.19);
    }

    /// Twenty days whose list ends two minutes into a slot, and today up to `to_s`.
    fn after_days_that_end(to_s: u32) -> HitRate {
        let mut hit = fresh();
        for _ in 0..20 {
            hit.start_day();
            dial(&mut hit, 0, 3_120, 0.2);
            dial(&mut hit, 3_120, 3_600, 0.004);
        }
        hit.start_day();
        dial(&mut hit, 0, to_s.min(3_120), 0.2);
        dial(&mut hit, 3_120, to_s.max(3_120), 0.004);
        hit
    }

    #[test]
    fn a_slot_that_falls_is_believed_when_today_has_fallen() {
        let before = after_days_that_end(3_000);
        assert!(before.habit(3_001.0) < 0.09, "{}", before.habit(3_001.0));
        assert!(before.now(3_001.0) > 0.17, "{}", before.now(3_001.0));
        let still = after_days_that_end(3_110);
        assert!(still.now(3_110.0) > 0.15, "{}", still.now(3_110.0));
        let fallen = after_days_that_end(3_180);
        assert!(fallen.now(3_180.0) < 0.08, "{}", fallen.now(3_180.0));
    }

    #[test]
    fn a_slot_that_rises_is_believed_at_once() {
        let mut hit = fresh();
        for _ in 0..20 {
            hit.start_day();
            dial(&mut hit, 0, 3_000, 0.1);
            dial(&mut hit, 3_000, 3_600, 0.3);
        }
        hit.start_day();
        dial(&mut hit, 0, 3_000, 0.1);
        assert!(hit.now(3_001.0) > 0.25, "{}", hit.now(3_001.0));
    }
}
