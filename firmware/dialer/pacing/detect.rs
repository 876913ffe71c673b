//! What listening for machines does to pacing: it takes time, and it errs.
//!
//! A person who is taken for a machine is hung up on: counted as abandoned (Ofcom's formula does)
//! but no agent could have helped. A machine taken for a person reaches an agent: it is an answer
//! for pacing, and a short call. So the errors come off the cap before it is spent, and the
//! detection delay is part of the time a person has waited.

use super::event::Day;

/// What is known of a machine detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detector {
    /// Time from the answer to the verdict, seconds.
    pub delay_s: f64,
    /// Share of persons taken for machines (each is abandoned).
    pub person_missed: f64,
    /// Share of machines taken for persons (each takes an agent).
    pub machine_passed: f64,
}

impl Detector {
    /// No detection: every answer goes to an agent at once.
    pub const NONE: Detector = Detector { delay_s: 0.0, person_missed: 0.0, machine_passed: 1.0 };

    /// The cap that is left for pacing when `cap` is promised for all live answers: errors of the
    /// detector have already spent theirs. Zero when nothing is left: then only one-to-one may run,
    /// and even that breaks the promise, which [`Detector::breaks`] says.
    pub fn cap_left(&self, cap: f64) -> f64 {
        let passed = 1.0 - self.person_missed;
        if passed <= 0.0 {
            return 0.0;
        }
        // lost / live <= cap, where live includes the missed: cap' on those who are passed on.
        ((cap - self.person_missed) / passed).max(0.0)
    }

    /// Whether the detector alone breaks the promise.
    pub fn breaks(&self, cap: f64) -> bool {
        self.person_missed > cap
    }

    /// The chance that an attempt asks for an agent, when `human` and `machine` of all attempts
    /// are answered by a person and by a machine.
    pub fn asks_for_agent(&self, human: f64, machine: f64) -> f64 {
        (human * (1.0 - self.person_missed) + machine * self.machine_passed).clamp(0.0, 1.0)
    }

    /// The day as pacing must see it behind this detector: what is left of the cap, and of the
    /// time that an answer may wait once pacing hears of it.
    pub fn behind(&self, day: Day) -> Day {
        Day { cap: self.cap_left(day.cap), connect_s: self.wait_left_s(day.connect_s), ..day }
    }

    /// How long a person may still wait for an agent after the verdict, when the law gives
    /// `connect_s` from the answer. Zero means: an agent must be free before the verdict.
    pub fn wait_left_s(&self, connect_s: f64) -> f64 {
        (connect_s - self.delay_s).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_detector_are_paid_from_the_cap_first() {
        let detector = Detector { delay_s: 1.2, person_missed: 0.01, machine_passed: 0.1 };
        let left = detector.cap_left(0.03);
        // 1000 live answers: 10 missed, 990 passed on, of which left * 990 may be abandoned.
        assert!((10.0 + left * 990.0 - 30.0).abs() < 1e-9);
        assert!(!detector.breaks(0.03) && detector.breaks(0.005));
        assert_eq!(detector.cap_left(0.005), 0.0);
        assert!((detector.wait_left_s(2.0) - 0.8).abs() < 1e-12);
        let day = Day {
            end_s: 28_800.0,
            seats: 5,
            lines: 20,
            cap: 0.03,
            ring_timeout_s: 25.0,
            connect_s: 2.0,
        };
        let seen = detector.behind(day);
        assert_eq!((seen.cap, seen.seats), (left, 5));
        assert!((seen.connect_s - 0.8).abs() < 1e-12);
    }

    #[test]
    fn machines_that_pass_ask_for_agents_too() {
        assert!((Detector::NONE.asks_for_agent(0.2, 0.3) - 0.5).abs() < 1e-12);
        let deaf = Detector { person_missed: 1.0, ..Detector::NONE };
        assert_eq!(deaf.cap_left(1.0), 0.0);
    }
}
