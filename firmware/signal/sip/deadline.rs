//! An agenda: at most one deadline for each key, and the earliest of them at hand.
//!
//! The tables of the endpoint hold thousands of machines of which a handful is due; asking each
//! machine at each datagram would cost more than the work itself.

use std::collections::{BTreeMap, BTreeSet};

use call::Tick;

/// When each key wants to be woken.
#[derive(Clone, Debug)]
pub struct Agenda<K> {
    by_key: BTreeMap<K, Tick>,
    by_time: BTreeSet<(Tick, K)>,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Agenda { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Agenda<K> {
    /// Wakes `key` at `at`, or no longer.
    pub fn set(&mut self, key: &K, at: Option<Tick>) {
        let before = match at {
            Some(at) => self.by_key.insert(key.clone(), at),
            None => self.by_key.remove(key),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, key.clone()));
        }
        if let Some(at) = at {
            self.by_time.insert((at, key.clone()));
        }
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<(Tick, &K)> {
        self.by_time.first().map(|(at, key)| (*at, key))
    }

    /// Takes one key that is due; its deadline is gone afterwards.
    pub fn take_due(&mut self, now: Tick) -> Option<K> {
        let due = self.next().filter(|(at, _)| *at <= now).map(|(_, key)| key.clone())?;
        self.set(&due, None);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_order_of_time_and_only_once() {
        let mut agenda = Agenda::default();
        agenda.set(&1, Some(Tick(30)));
        agenda.set(&2, Some(Tick(10)));
        agenda.set(&1, Some(Tick(5)));
        assert_eq!(agenda.next(), Some((Tick(5), &1)));
        assert_eq!(agenda.take_due(Tick(20)), Some(1));
        assert_eq!(agenda.take_due(Tick(20)), Some(2));
        assert_eq!(agenda.take_due(Tick(99)), None);
        agenda.set(&3, Some(Tick(1)));
        agenda.set(&3, None);
        assert_eq!(agenda.next(), None);
    }
}
