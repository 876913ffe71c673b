//! What a subscriber of the town is like, and what becomes of one call.
//!
//! Nothing here knows a line: the same people are reached over the SIP carrier and over the
//! exchange, and every later kind of line reaches them too.

use std::sync::Arc;

use call::Cause;

use super::chance::Chance;
use crate::tones::Melody;

/// Hours of a day.
pub const HOURS: usize = 24;

/// Subscribers with numbers that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscriber {
    /// Which.
    pub numbers: Numbers,
    /// How the calls fare.
    pub chances: Chances,
    /// The chance that a person answers, hour by hour, in place of [`Chances::answer`].
    pub answer_by_hour: Option<[f64; HOURS]>,
    /// From the ring to the answer (or the refusal): shortest and longest, in milliseconds.
    pub ring_ms: (u64, u64),
    /// From the answer until the customer hangs up, in milliseconds.
    pub talk_ms: (u64, u64),
    /// The part of the answered calls in which the customer leaves it to the other to hang up.
    pub stays: f64,
    /// The network's ring-back tone comes as early sound.
    pub ring_back: bool,
    /// Music in its place.
    pub colour_ring: bool,
    /// How the network tells that such a number cannot be reached.
    pub dead: Dead,
    /// What is pressed in the course of a talk.
    pub keys: Arc<[Press]>,
}

impl Subscriber {
    /// Customers who all answer after a second and talk for ten, at numbers that begin so.
    #[must_use]
    pub fn answering(prefix: &str) -> Subscriber {
        Subscriber {
            numbers: Numbers::Prefix(plain(prefix).to_owned()),
            chances: Chances { answer: 1.0, ..Chances::default() },
            answer_by_hour: None,
            ring_ms: (1_000, 1_000),
            talk_ms: (10_000, 10_000),
            stays: 0.0,
            ring_back: false,
            colour_ring: false,
            dead: Dead::default(),
            keys: Arc::default(),
        }
    }

    /// The chances in one hour of the day.
    #[must_use]
    pub fn chances_at(&self, hour: usize) -> Chances {
        let by_hour = self.answer_by_hour.and_then(|hours| hours.get(hour).copied());
        Chances { answer: by_hour.unwrap_or(self.chances.answer), ..self.chances }
    }

    /// What becomes of one call in this hour of the day.
    #[must_use]
    pub fn draw(&self, hour: usize, chance: &mut Chance) -> Lot {
        Lot {
            fate: self.chances_at(hour).draw(chance),
            ring_ms: chance.between(self.ring_ms.0, self.ring_ms.1),
            talk_ms: chance.between(self.talk_ms.0, self.talk_ms.1),
            ring_back: self.ring_back,
            // Drawn only where it is wanted, so that older towns keep their days.
            colour_ring: self.colour_ring.then(|| Melody::ALL[chance.between(0, 2) as usize]),
            stays: self.stays > 0.0 && chance.part() < self.stays,
            dead: self.dead,
        }
    }
}

/// Which numbers, in digits alone with the country code first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Numbers {
    /// Those that begin so. One whole number is such a prefix too.
    Prefix(String),
    /// Those from the first to the last, all of one length.
    Range {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
        /// How many digits each has.
        digits: usize,
    },
}

impl Numbers {
    /// Whether `number`, in digits alone, is one of them.
    #[must_use]
    pub fn contain(&self, number: &str) -> bool {
        match self {
            Numbers::Prefix(prefix) => number.starts_with(prefix.as_str()),
            Numbers::Range { first, last, digits } => {
                number.len() == *digits
                    && number.parse().is_ok_and(|value| (*first..=*last).contains(&value))
            }
        }
    }

    /// The first of them; of a prefix the prefix itself.
    #[must_use]
    pub fn first(&self) -> String {
        match self {
            Numbers::Prefix(prefix) => prefix.clone(),
            Numbers::Range { first, digits, .. } => format!("{first:0digits$}"),
        }
    }
}

/// Keys in the course of a talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Press {
    /// From the answer, in milliseconds.
    pub after_ms: u64,
    /// `0-9 * #`.
    pub keys: String,
}

/// How the network tells that a number cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Why, in the end.
    pub cause: Cause,
    /// When it is told.
    pub by: DeadBy,
    /// What is heard.
    pub says: DeadSays,
}

impl Default for Dead {
    fn default() -> Dead {
        let (by, says) = (DeadBy::Progress, DeadSays::Announcement);
        Dead { cause: Cause::UnallocatedNumber, by, says }
    }
}

/// When the network tells that a number cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadBy {
    /// Before it clears: early sound (PROGRESS with indicator 8, SIP 183).
    #[default]
    Progress,
    /// While it clears, on lines that can (DISCONNECT with indicator 8); else as before.
    Disconnect,
}

/// What is heard at a number that cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadSays {
    /// A voice.
    #[default]
    Announcement,
    /// The special information tone.
    Tone,
}

/// Parts of 1; what is left over rings out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chances {
    /// A person answers.
    pub answer: f64,
    /// In a call.
    pub busy: f64,
    /// It rings, and then the person refuses.
    pub refuse: f64,
    /// The number cannot be reached.
    pub unallocated: f64,
    /// A machine answers.
    pub machine: f64,
    /// The network has no way there.
    pub congested: f64,
}

impl Chances {
    /// All chances with the fate of each.
    #[must_use]
    pub const fn parts(&self) -> [(f64, Fate); 6] {
        [
            (self.answer, Fate::Answers),
            (self.busy, Fate::Busy),
            (self.refuse, Fate::Refuses),
            (self.unallocated, Fate::Unallocated),
            (self.machine, Fate::Machine),
            (self.congested, Fate::Congested),
        ]
    }

    fn draw(&self, chance: &mut Chance) -> Fate {
        let mut left = chance.part();
        for (part, fate) in self.parts() {
            if left < part {
                return fate;
            }
            left -= part;
        }
        Fate::RingsOut
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// A person answers, talks and hangs up.
    Answers,
    /// In a call: at once.
    Busy,
    /// It rings, and then the person refuses.
    Refuses,
    /// The network says that the number cannot be reached, and why.
    Unallocated,
    /// A machine answers with a greeting and a beep, and listens.
    Machine,
    /// The network has no way there: at once.
    Congested,
    /// It rings until the caller gives up.
    RingsOut,
}

/// What was drawn for one call, before the town's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// What becomes of it.
    pub fate: Fate,
    /// From the ring to the answer or the refusal, in milliseconds.
    pub ring_ms: u64,
    /// From the answer until this side hangs up, in milliseconds.
    pub talk_ms: u64,
    /// Ring-back tone as early sound.
    pub ring_back: bool,
    /// Music as early sound while it rings.
    pub colour_ring: Option<Melody>,
    /// Leaves it to the other to hang up.
    pub stays: bool,
    /// How it is told that the number cannot be reached.
    pub dead: Dead,
}

impl Lot {
    /// This fate, decided after a second, with ten seconds of talk.
    #[must_use]
    pub const fn sure(fate: Fate) -> Lot {
        let dead = Dead {
            cause: Cause::UnallocatedNumber,
            by: DeadBy::Progress,
            says: DeadSays::Announcement,
        };
        Lot {
            fate,
            ring_ms: 1_000,
            talk_ms: 10_000,
            ring_back: false,
            colour_ring: None,
            stays: false,
            dead,
        }
    }
}

/// A number as the town compares it: digits alone, without plus sign or `00`.
#[must_use]
pub fn plain(number: &str) -> &str {
    let digits = number.strip_prefix('+').unwrap_or(number);
    digits.strip_prefix("00").unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_come_about_as_often_as_they_are_told_to() {
        let chances = Chances {
            answer: 0.5,
            busy: 0.1,
            refuse: 0.05,
            unallocated: 0.05,
            machine: 0.05,
            congested: 0.1,
        };
        let subscriber = Subscriber { chances, ..Subscriber::answering("+86") };
        let root = Chance::new(3);
        let mut counts = std::collections::BTreeMap::<Fate, u32>::new();
        for n in 0..20_000 {
            let lot = subscriber.draw(0, &mut root.branch(&n.to_string()));
            *counts.entry(lot.fate).or_default() += 1;
        }
        for (part, fate) in chances.parts().into_iter().chain([(0.15, Fate::RingsOut)]) {
            let found = f64::from(counts[&fate]) / 20_000.0;
            assert!((found - part).abs() < 0.01, "{fate:?}: {found}");
        }
    }

    #[test]
    fn whoever_sleeps_does_not_answer() {
        let mut hours = [0.0; HOURS];
        hours[20] = 1.0;
        let answer_by_hour = Some(hours);
        let subscriber = Subscriber { answer_by_hour, ..Subscriber::answering("+86") };
        let mut chance = Chance::new(3);
        assert_eq!(subscriber.draw(3, &mut chance).fate, Fate::RingsOut);
        assert_eq!(subscriber.draw(20, &mut chance).fate, Fate::Answers);
    }
}
