//! The due leads of a campaign in memory, and whose turn it is.
//!
//! The store finds due leads by index and hands them over in batches; here they wait, few enough
//! that a pause or a do-not-call entry leaves little to take back. Order: callbacks that a customer
//! was promised come first; then retries and new leads take turns, so that neither a fresh
//! list starves the retries nor the other way round. Within a kind, who is due earlier.

use std::collections::{BTreeMap, BTreeSet};

use call::{CampaignId, LeadId, Number, Stamp};

use crate::limits;

/// Why a lead is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The customer was promised this call.
    Callback,
    /// An earlier attempt did not reach the person.
    Retry,
    /// It was never tried.
    New,
}

/// One lead that waits for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which lead.
    pub lead: LeadId,
    /// Whom to call.
    pub number: Number,
    /// Why it is due.
    pub kind: Kind,
    /// Since when.
    pub at: Stamp,
}

/// The due leads of one campaign, at most [`limits::QUEUE_MAX`].
#[derive(Clone, Debug, Default)]
pub struct Queue {
    by_kind: BTreeMap<Kind, BTreeMap<(Stamp, LeadId), Number>>,
    place: BTreeMap<LeadId, (Kind, Stamp)>,
    new_is_next: bool,
}

impl Queue {
    /// How many leads wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.place.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.place.is_empty()
    }

    /// How many more to fetch from the store; 0 while enough are waiting.
    #[must_use]
    pub fn wants(&self) -> usize {
        if self.len() >= limits::QUEUE_LOW { 0 } else { limits::QUEUE_MAX - self.len() }
    }

    /// Puts a lead into the queue. `false`: it is already there, or the queue is full and the lead
    /// stays in the store.
    pub fn put(&mut self, due: Due) -> bool {
        if self.len() >= limits::QUEUE_MAX || self.place.contains_key(&due.lead) {
            return false;
        }
        self.place.insert(due.lead, (due.kind, due.at));
        self.by_kind.entry(due.kind).or_default().insert((due.at, due.lead), due.number);
        true
    }

    /// Takes the lead whose turn it is, if one is due at `now`.
    pub fn take(&mut self, now: Stamp) -> Option<Due> {
        let turns = if self.new_is_next {
            [Kind::Callback, Kind::New, Kind::Retry]
        } else {
            [Kind::Callback, Kind::Retry, Kind::New]
        };
        let (kind, key) = turns.into_iter().find_map(|kind| {
            let (key, _) = self.by_kind.get(&kind)?.first_key_value()?;
            (key.0 <= now).then_some((kind, *key))
        })?;
        match kind {
            Kind::Callback => {}
            Kind::Retry => self.new_is_next = true,
            Kind::New => self.new_is_next = false,
        }
        let (at, lead) = key;
        let number = self.by_kind.get_mut(&kind)?.remove(&key)?;
        self.place.remove(&lead);
        Some(Due { lead, number, kind, at })
    }

    /// Takes a lead out: its person must not be called, or the lead was withdrawn.
    pub fn remove(&mut self, lead: LeadId) -> bool {
        let Some((kind, at)) = self.place.remove(&lead) else { return false };
        self.by_kind.get_mut(&kind).is_some_and(|leads| leads.remove(&(at, lead)).is_some())
    }

    /// Empties the queue: the campaign was paused, or its rules have changed.
    pub fn clear(&mut self) {
        *self = Queue::default();
    }

    /// When the next waiting lead is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Stamp> {
        self.by_kind.values().filter_map(|leads| Some(leads.first_key_value()?.0.0)).min()
    }

    /// How many waiting leads are due at `now`.
    #[must_use]
    pub fn due_count(&self, now: Stamp) -> usize {
        self.place.values().filter(|(_, at)| *at <= now).count()
    }
}

/// Turns of campaigns that share agents and lines: each decision round starts with the campaign
/// after the one that was served last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    served: Option<CampaignId>,
}

impl Turns {
    /// The running campaigns in the order in which they may decide now.
    #[must_use]
    pub fn order(&self, running: &BTreeSet<CampaignId>) -> Vec<CampaignId> {
        let after = |id: &CampaignId| self.served.is_none_or(|served| *id > served);
        let (first, then): (Vec<_>, Vec<_>) = running.iter().copied().partition(after);
        first.into_iter().chain(then).collect()
    }

    /// Notes that `campaign` has placed a call.
    pub fn served(&mut self, campaign: CampaignId) {
        self.served = Some(campaign);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due(lead: i64, kind: Kind, at: i64) -> Due {
        let number = format!("+861380013{lead:04}").parse().unwrap();
        Due { lead: LeadId(lead), number, kind, at: Stamp(at) }
    }

    fn drain(queue: &mut Queue, now: i64) -> Vec<i64> {
        core::iter::from_fn(|| queue.take(Stamp(now))).map(|due| due.lead.0).collect()
    }

    #[test]
    fn callbacks_come_first_then_retries_and_new_leads_take_turns() {
        let mut queue = Queue::default();
        for (lead, kind) in [(1, Kind::New), (2, Kind::New), (3, Kind::Retry), (4, Kind::Retry)] {
            assert!(queue.put(due(lead, kind, lead)));
        }
        queue.put(due(5, Kind::Callback, 9));
        assert_eq!(drain(&mut queue, 9), [5, 3, 1, 4, 2]);
    }

    #[test]
    fn nobody_is_taken_before_due() {
        let mut queue = Queue::default();
        queue.put(due(1, Kind::Retry, 100));
        queue.put(due(2, Kind::Callback, 200));
        assert_eq!(drain(&mut queue, 99), [] as [i64; 0]);
        assert_eq!(queue.next_due(), Some(Stamp(100)));
        assert_eq!((queue.due_count(Stamp(150)), queue.len()), (1, 2));
        assert_eq!(drain(&mut queue, 200), [2, 1]);
    }

    #[test]
    fn campaigns_take_turns() {
        let mut turns = Turns::default();
        let running: BTreeSet<_> = [1, 2, 3].map(CampaignId).into();
        let mut served = Vec::new();
        for _ in 0..6 {
            let first = turns.order(&running)[0];
            turns.served(first);
            served.push(first.0);
        }
        assert_eq!(served, [1, 2, 3, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn every_lead_put_is_taken_once_or_removed_and_the_queue_never_overflows(
            steps in prop::collection::vec((0u8..4, 0i64..300, 0i64..100), 1..600)
        ) {
            let mut queue = Queue::default();
            let mut inside = BTreeSet::new();
            for (step, lead, at) in steps {
                match step {
                    0 | 1 => {
                        let kind = [Kind::Callback, Kind::Retry, Kind::New][(lead % 3) as usize];
                        let fits = inside.len() < limits::QUEUE_MAX && !inside.contains(&lead);
                        prop_assert_eq!(queue.put(due(lead, kind, at)), fits);
                        if fits {
                            inside.insert(lead);
                        }
                    }
                    2 => match queue.take(Stamp(at)) {
                        Some(taken) => {
                            prop_assert!(inside.remove(&taken.lead.0) && taken.at <= Stamp(at));
                        }
                        None => prop_assert_eq!(queue.due_count(Stamp(at)), 0),
                    },
                    _ => prop_assert_eq!(queue.remove(LeadId(lead)), inside.remove(&lead)),
                }
                prop_assert_eq!(queue.len(), inside.len());
                prop_assert!(queue.wants() + queue.len() <= limits::QUEUE_MAX);
            }
        }
    }
}
