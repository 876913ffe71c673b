//! The town's subscribers as a network looks them up: by number, whatever line the call came over.

use std::collections::BTreeMap;
use std::sync::Arc;

use call::Tick;

use super::chance::Chance;
use super::people::Setup;
use super::subscriber::{Fate, Lot, Numbers, Press, Subscriber, plain};
use crate::limits::{FIXED_MAX, NUMBERS_MAX};
use crate::voice::Language;

/// Who is reached, and what becomes of this call.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// What was drawn, before the town's scale.
    pub(super) lot: Lot,
    /// What is pressed.
    pub(super) keys: Arc<[Press]>,
    /// What is spoken.
    pub(super) language: Language,
    /// For what is drawn later in the call.
    pub(super) chance: Chance,
}

/// Whether more digits may follow a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Digits are missing.
    Short,
    /// It is whole.
    Whole,
    /// Nobody knows: the caller's silence tells.
    Open,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    chance: Chance,
    subscribers: Vec<Subscriber>,
    /// Places in `subscribers`.
    prefixes: BTreeMap<String, usize>,
    /// By digits and first number; places in `subscribers`, the narrowest first.
    ranges: Vec<(usize, u64, u64, usize)>,
    /// By plain number: what a scenario wants.
    fixed: BTreeMap<String, Lot>,
    /// By plain number: how often it was called.
    called: BTreeMap<String, u32>,
}

impl Directory {
    pub(super) fn new(setup: &Setup) -> Directory {
        let subscribers = setup.subscribers.clone();
        let (mut prefixes, mut ranges) = (BTreeMap::new(), Vec::new());
        for (at, subscriber) in subscribers.iter().enumerate() {
            match &subscriber.numbers {
                Numbers::Prefix(prefix) => {
                    prefixes.entry(prefix.clone()).or_insert(at);
                }
                Numbers::Range { first, last, digits } => ranges.push((*digits, *first, *last, at)),
            }
        }
        ranges.sort_by_key(|(_, first, last, at)| (last - first, *at));
        Directory {
            chance: Chance::new(setup.seed),
            subscribers,
            prefixes,
            ranges,
            fixed: BTreeMap::new(),
            called: BTreeMap::new(),
        }
    }

    /// From now on this number fares so, whatever its entry says; nothing gives it back to chance.
    pub(super) fn fix(&mut self, number: &str, lot: Option<Lot>) -> bool {
        let number = plain(number).to_owned();
        match lot {
            None => {
                self.fixed.remove(&number);
            }
            Some(_) if self.fixed.len() >= FIXED_MAX && !self.fixed.contains_key(&number) => {
                return false;
            }
            Some(lot) => {
                self.fixed.insert(number, lot);
            }
        }
        true
    }

    /// Whose number this is.
    pub(super) fn find(&self, number: &str) -> Option<&Subscriber> {
        let number = plain(number);
        let at = self.prefixes.get(number).copied();
        let at = at.or_else(|| self.range(number)).or_else(|| {
            let mut shorter = (0..number.len()).rev().filter_map(|end| number.get(..end));
            shorter.find_map(|prefix| self.prefixes.get(prefix).copied())
        });
        self.subscribers.get(at?)
    }

    fn range(&self, number: &str) -> Option<usize> {
        let value: u64 = number.parse().ok()?;
        let within = |(digits, first, last, _): &&(usize, u64, u64, usize)| {
            *digits == number.len() && (*first..=*last).contains(&value)
        };
        self.ranges.iter().find(within).map(|(.., at)| *at)
    }

    /// Whether `number` is whole. `width` is how long numbers are where only their beginning is
    /// known.
    pub(super) fn length(&self, number: &str, width: Option<usize>) -> Length {
        let number = plain(number);
        match width {
            // The numbers of a range all have its length.
            _ if self.range(number).is_some() => Length::Whole,
            Some(width) if number.len() < width => Length::Short,
            Some(_) => Length::Whole,
            None => Length::Open,
        }
    }

    /// The number of somebody who lives here; `width` as in [`Directory::length`].
    pub(super) fn somebody(&self, chance: &mut Chance, width: Option<usize>) -> Option<String> {
        let last = self.subscribers.len().checked_sub(1)?;
        let at = chance.between(0, last as u64) as usize;
        Some(match &self.subscribers.get(at)?.numbers {
            Numbers::Range { first, last, digits } => {
                format!("{:0digits$}", chance.between(*first, *last))
            }
            Numbers::Prefix(prefix) => {
                let missing = width.unwrap_or(prefix.len()).saturating_sub(prefix.len());
                let digits = (0..missing).map(|_| char::from(b'0' + chance.between(0, 9) as u8));
                prefix.chars().chain(digits).collect()
            }
        })
    }

    /// A number that nobody has is dead. Each call to a number draws anew, from a stream of its own.
    pub(super) fn draw(&mut self, setup: &Setup, now: Tick, number: &str) -> Person {
        let number = plain(number);
        let times = self.called.get(number).copied().unwrap_or(0);
        if self.called.len() < NUMBERS_MAX || self.called.contains_key(number) {
            self.called.insert(number.to_owned(), times + 1);
        }
        let mut chance = self.chance.branch(&format!("customer {number} {times}"));
        let found = self.find(number);
        let drawn = found.map(|subscriber| subscriber.draw(setup.hour(now), &mut chance));
        let keys = found.map(|subscriber| subscriber.keys.clone()).unwrap_or_default();
        let lot = self.fixed.get(number).copied().or(drawn);
        Person {
            lot: lot.unwrap_or(Lot::sure(Fate::Unallocated)),
            keys,
            language: language_of(number),
            chance,
        }
    }
}

/// People in China speak Mandarin here, everybody else English.
fn language_of(number: &str) -> Language {
    if number.starts_with("86") { Language::Zh } else { Language::En }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn prefix(digits: &str) -> Numbers {
        Numbers::Prefix(digits.to_owned())
    }

    fn range(first: u64, last: u64) -> Numbers {
        Numbers::Range { first, last, digits: first.to_string().len() }
    }

    fn directory(entries: &[Numbers]) -> Directory {
        let at = SocketAddr::from(([127, 0, 0, 1], 5070));
        let mut setup = Setup::quiet(7, at, at);
        for (n, numbers) in (1u64..).zip(entries) {
            setup.subscribers.push(Subscriber {
                numbers: numbers.clone(),
                talk_ms: (n, n),
                ..Subscriber::answering("")
            });
        }
        Directory::new(&setup)
    }

    #[test]
    fn a_number_beats_a_range_a_narrow_one_a_wide_one_and_any_range_a_prefix() {
        let directory = directory(&[
            prefix("86138"),
            prefix("8613800"),
            prefix("8613800"),
            range(8_613_800_001_000, 8_613_800_001_999),
            range(8_613_800_001_100, 8_613_800_001_199),
            prefix("8613800001150"),
        ]);
        let which = |number: &str| directory.find(number).map(|s| s.talk_ms.0);
        assert_eq!(which("8613800009999"), Some(2), "of equals the first");
        assert_eq!(which("+8613800001000"), Some(4));
        assert_eq!(which("+8613800001199"), Some(5));
        assert_eq!(which("008613800001150"), Some(6));
        assert_eq!(which("8613900001111"), None);
        assert_eq!(which("86138"), Some(1));
        assert_eq!(which("861380000110"), Some(2), "a range has whole numbers only");
        assert_eq!(which(""), None);
        assert_eq!(which("not a number"), None);
    }

    #[test]
    fn an_exchange_knows_when_a_number_is_whole() {
        let directory =
            directory(&[prefix("86138"), range(86_108_000, 86_108_999), prefix("8610112")]);
        assert_eq!(directory.length("86138", Some(13)), Length::Short);
        assert_eq!(directory.length("8613800001111", Some(13)), Length::Whole);
        assert_eq!(directory.length("86138000011", None), Length::Open);
        assert_eq!(directory.length("86108123", None), Length::Whole);
        assert_eq!(directory.length("8610812", None), Length::Open);
        assert_eq!(directory.length("8610112", None), Length::Open);
    }

    #[test]
    fn ten_thousand_subscribers_are_looked_up_as_fast_as_ten() {
        let entries: Vec<Numbers> =
            (0..10_000u64).map(|n| prefix(&(8_613_800_000_000 + n).to_string())).collect();
        let directory = directory(&entries);
        for n in 0..10_000u64 {
            let found = directory.find(&format!("+{}", 8_613_800_000_000 + n)).unwrap();
            assert_eq!(found.talk_ms.0, n + 1);
        }
    }
}
