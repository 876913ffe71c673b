//! The do-not-call list: whom nobody of this tenant calls.
//!
//! A number is matched in its stored form, so that no way of writing it slips through. An entry
//! may be a whole number or the beginning of one (a range of a company), and may end at an instant
//! where the law lets it; most never end.

use std::collections::BTreeMap;

use call::{Number, Stamp};
use serde::{Deserialize, Serialize};

words! {
    /// Why somebody is on the list.
    pub enum Source {
        /// The person said so to an agent.
        Asked = "asked",
        /// An administrator wrote or uploaded it.
        Listed = "listed",
        /// A regulator's or a carrier's list.
        Authority = "authority",
    }
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Why.
    pub source: Source,
    /// Since when.
    pub since: Stamp,
    /// Until when; `None`: for good.
    pub until: Option<Stamp>,
}

impl Entry {
    fn holds(&self, now: Stamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The list of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoNotCall {
    numbers: BTreeMap<Number, Entry>,
    /// Beginnings in stored form, with the plus sign.
    ranges: BTreeMap<String, Entry>,
}

/// The text is not the beginning of a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the beginning of a number: write + and 4 to 15 digits")]
pub struct NotARange(pub String);

impl DoNotCall {
    /// Puts a number on the list. An entry that lasts longer is kept.
    pub fn add(&mut self, number: Number, entry: Entry) {
        let slot = self.numbers.entry(number).or_insert(entry);
        *slot = longer(*slot, entry);
    }

    /// Puts every number on the list that begins so: `+86755888`.
    ///
    /// # Errors
    /// Refuses a beginning that is none, or so short that it would bar a country.
    pub fn add_range(&mut self, beginning: &str, entry: Entry) -> Result<(), NotARange> {
        let digits = beginning.strip_prefix('+').unwrap_or("");
        let good = (4..=call::number::DIGITS_MAX).contains(&digits.len());
        if !good || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotARange(beginning.to_owned()));
        }
        let slot = self.ranges.entry(beginning.to_owned()).or_insert(entry);
        *slot = longer(*slot, entry);
        Ok(())
    }

    /// Takes a number off the list; tells whether it was on it.
    pub fn remove(&mut self, number: &Number) -> bool {
        self.numbers.remove(number).is_some()
    }

    /// The entry that bars `number` now.
    #[must_use]
    pub fn bars(&self, now: Stamp, number: &Number) -> Option<Entry> {
        let whole = self.numbers.get(number).copied().filter(|entry| entry.holds(now));
        whole.or_else(|| {
            let text = number.as_str();
            let beginnings = (5..=text.len()).filter_map(|length| text.get(..length));
            let mut entries = beginnings.filter_map(|beginning| self.ranges.get(beginning));
            entries.find(|entry| entry.holds(now)).copied()
        })
    }
}

fn longer(a: Entry, b: Entry) -> Entry {
    match (a.until, b.until) {
        (None, _) => a,
        (_, None) => b,
        (Some(until_a), Some(until_b)) if until_a >= until_b => a,
        (Some(_), Some(_)) => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Plan;
    use proptest::prelude::*;

    const NOW: Stamp = Stamp(1_000);

    fn entry(until: Option<i64>) -> Entry {
        Entry { source: Source::Asked, since: Stamp(0), until: until.map(Stamp) }
    }

    fn number(text: &str) -> Number {
        Plan::default().read(text).unwrap().number
    }

    #[test]
    fn no_way_of_writing_a_number_slips_through() {
        let mut list = DoNotCall::default();
        list.add(number("13800138000"), entry(None));
        for written in
            ["+86 138 0013 8000", "0086-13800138000", "17912 13800138000", "１３８００１３８０００"]
        {
            assert!(list.bars(NOW, &number(written)).is_some(), "{written}");
        }
        assert!(list.bars(NOW, &number("13800138001")).is_none());
        assert!(list.remove(&number("013800138000")));
        assert!(list.bars(NOW, &number("13800138000")).is_none());
    }

    #[test]
    fn an_entry_ends_when_it_says_so_and_a_longer_one_is_never_shortened() {
        let mut list = DoNotCall::default();
        let person = number("13800138000");
        list.add(person.clone(), entry(Some(1_000)));
        assert!(list.bars(Stamp(999), &person).is_some());
        assert!(list.bars(Stamp(1_000), &person).is_none());
        list.add(person.clone(), entry(None));
        list.add(person.clone(), entry(Some(5)));
        assert!(list.bars(NOW, &person).is_some());
    }

    #[test]
    fn a_range_bars_all_of_a_company_and_never_a_country() {
        let mut list = DoNotCall::default();
        list.add_range("+867558888", entry(None)).unwrap();
        assert!(list.bars(NOW, &number("0755-88886666")).is_some());
        assert!(list.bars(NOW, &number("0755-88896666")).is_none());
        for wrong in ["+86", "8675588", "+8675x", ""] {
            assert_eq!(list.add_range(wrong, entry(None)), Err(NotARange(wrong.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn whoever_is_barred_stays_barred_whatever_else_is_added(
            added in prop::collection::vec((0u32..50, prop::option::of(0i64..2_000)), 1..40)
        ) {
            let mut list = DoNotCall::default();
            let mut barred = std::collections::BTreeSet::new();
            for (who, until) in added {
                let person: Number = format!("+86138001380{who:02}").parse().unwrap();
                list.add(person.clone(), entry(until));
                if until.is_none_or(|until| until > NOW.0) {
                    barred.insert(person);
                }
                for person in &barred {
                    prop_assert!(list.bars(NOW, person).is_some());
                }
            }
        }
    }
}
