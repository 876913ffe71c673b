//! What must hold of a day's records and of the channels of its spans.

use std::collections::{BTreeMap, BTreeSet};

use board_sim::town::{Citizen, Sight};
use call::{Cause, Side, Stamp};
use dialer::attempt::Times;
use link::{ChannelState, Direction};
use store::Page;
use store::calls::{CallKind, CallRecord, NoteCall};

use crate::day::Day;
use crate::rows::span_numbers;

/// Rows of the database looked at in one go.
const PAGE_ROWS: usize = 400;

/// How a call ended, as the customer's side saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// Why.
    pub cause: Cause,
    /// Who ended it: `Far` is the box.
    pub by: Side,
    /// From the answer, ms; nothing without an answer.
    pub talked_ms: Option<u64>,
}

impl Day {
    /// Every call of the tenant, the oldest first.
    ///
    /// # Panics
    /// When the database cannot be read.
    #[must_use]
    pub fn calls(&self) -> Vec<NoteCall> {
        let rows = self.unit.store.tenant(self.tenant);
        let mut calls: Vec<CallRecord> = Vec::new();
        let mut page = Page::first(PAGE_ROWS);
        loop {
            let rows = rows.calls(&store::Filter::default(), page).expect("calls");
            let is_last = rows.len() < PAGE_ROWS;
            calls.extend(rows);
            match calls.last().filter(|_| !is_last) {
                Some(last) => page = Page { before: Some(last.cursor()), ..page },
                None => break,
            }
        }
        calls.into_iter().rev().map(|record| record.call).collect()
    }

    /// Calls that came from outside, the oldest first.
    #[must_use]
    pub fn calls_from_outside(&self) -> Vec<NoteCall> {
        self.calls().into_iter().filter(|call| call.kind == CallKind::Inbound).collect()
    }

    /// How each call of a customer ended, by the customer's number, in order.
    #[must_use]
    pub fn farewells(&self) -> BTreeMap<String, Vec<Farewell>> {
        let mut ends: BTreeMap<String, Vec<Farewell>> = BTreeMap::new();
        for event in &self.events {
            if let (Citizen::Customer(number), Sight::Ended { cause, by, talked_ms }) =
                (&event.who, &event.what)
            {
                let end = Farewell { cause: *cause, by: *by, talked_ms: *talked_ms };
                ends.entry(number.clone()).or_default().push(end);
            }
        }
        ends
    }

    /// What must hold at any instant, beside [`Day::check`]: no channel has two calls, no customer
    /// two lines, and nobody is shown a number that is not ours.
    ///
    /// # Panics
    /// When it does not hold.
    pub fn check_span(&self) {
        let town = self.town.snapshot();
        let mut slots = BTreeSet::new();
        let mut people = BTreeSet::new();
        for row in town.spans.iter().flat_map(|span| &span.calls) {
            let free = row.slot.is_none_or(|slot| slots.insert(slot));
            assert!(free, "two calls of the town are on one channel: {town:?}");
            let single = row.who.clone().is_none_or(|who| people.insert(who));
            assert!(single, "somebody has two calls: {town:?}");
        }
        let view = self.unit.view();
        let mut taken = BTreeMap::new();
        for record in view.iter().flat_map(|view| view.calls.values()).map(|call| &call.record) {
            if let (Some(channel), Some(_)) = (record.channel, record.answered) {
                let other = taken.insert(channel, record.leg);
                assert!(other.is_none(), "{:?} and {other:?} talk on {channel:?}", record.leg);
            }
        }
        let owned: BTreeSet<String> = span_numbers().collect();
        for event in &self.events {
            if let Sight::Rung { caller, .. } = &event.what {
                let shown = caller.as_deref().map(written);
                let ours = shown.as_ref().is_some_and(|shown| owned.contains(shown));
                assert!(ours, "{:?} was shown {caller:?}", event.who);
            }
        }
    }

    /// Whoever is in an answered call is on the same channel at both ends. Returns how many are.
    ///
    /// # Panics
    /// When they are not.
    pub fn check_channels(&self) -> usize {
        let view = self.unit.view();
        let records = view.iter().flat_map(|view| view.calls.values()).map(|call| &call.record);
        let slots: BTreeMap<&str, u8> = records
            .filter(|record| record.direction == Direction::Out && record.answered.is_some())
            .filter_map(|record| Some((national(&record.called), record.channel?.slot)))
            .collect();
        let mut both = 0;
        for customer in self.town.snapshot().customers {
            let Citizen::Customer(number) = &customer.who else { continue };
            let (Some((_, theirs)), Some(_)) = (customer.bearer, customer.answered_at) else {
                continue;
            };
            if let Some(ours) = slots.get(national(number)) {
                assert_eq!(*ours, theirs, "{customer:?}");
                both += 1;
            }
        }
        both
    }

    /// What must hold when all is over: every attempt and every call has an end, its times are in
    /// order, it says on which channel it was, and nothing is left on the span at either side.
    ///
    /// # Panics
    /// When it does not hold.
    pub fn check_over(&self) {
        self.check();
        self.check_span();
        let attempts = self.attempts();
        for record in &attempts {
            assert!(record.attempt.end.is_some(), "no end: {record:?}");
            check_times(&record.attempt.times);
        }
        let calls = self.calls();
        let of_attempt: BTreeMap<_, _> =
            calls.iter().filter_map(|call| Some((call.attempt?, call))).collect();
        for record in attempts.iter().filter(|r| r.attempt.times.ringing.is_some()) {
            let call = of_attempt.get(&record.attempt.id);
            assert!(call.is_some(), "an attempt that rang has no call record: {record:?}");
        }
        // Seats stay off hook.
        for call in calls.iter().filter(|call| call.trunk.is_some()) {
            assert!(call.ended.is_some(), "a call record without an end: {call:?}");
            assert_eq!(call.trunk, Some(self.trunk), "{call:?}");
            let was_out = call.ringing_at.is_some() || call.answered_at.is_some();
            assert!(call.channel.is_some() || !was_out, "no channel: {call:?}");
        }
        let town = self.town.snapshot();
        assert!(town.customers.is_empty(), "somebody is still in a call: {town:?}");
        let view = self.unit.view().expect("a center");
        let busy = view.calls.values().filter(|call| call.record.channel.is_some());
        assert_eq!(busy.count(), 0, "legs are left on the span: {:?}", view.calls);
        let at_work = view.agents.values().find(|agent| agent.attempt.is_some());
        assert!(at_work.is_none(), "an agent is left in a call: {at_work:?}");
        for span in view.spans.values() {
            for channel in &span.channels {
                assert_eq!(channel.state, ChannelState::Idle, "{channel:?}");
            }
        }
        for span in &town.spans {
            assert!(span.is_up && span.calls.is_empty(), "{span:?}");
            assert!(span.blocked.is_empty(), "{span:?}");
        }
    }

    /// Both sides tell the same end of every call that reached a customer: for a good carrier and
    /// daemons that live.
    ///
    /// # Panics
    /// When they do not.
    pub fn check_causes(&self) {
        let mut town = self.farewells();
        for record in self.attempts() {
            let attempt = record.attempt;
            let number = attempt.number.as_str().trim_start_matches('+');
            let ends = town.get_mut(number).filter(|ends| !ends.is_empty());
            let seen = ends.map(|ends| ends.remove(0));
            let (Some(seen), Some(end)) = (seen, attempt.end) else {
                panic!("the customer knows nothing of {attempt:?}");
            };
            let answered = (attempt.times.answered.is_some(), seen.talked_ms.is_some());
            assert_eq!(answered.0, answered.1, "{attempt:?}, {seen:?}");
            // The customer's `Far` is the box; the record's `Far` is the customer.
            let by_customer = (seen.by != Side::Far, end.by == Side::Far);
            assert_eq!(by_customer.0, by_customer.1, "{attempt:?}, {seen:?}");
            if end.by == Side::Far {
                assert_eq!(end.cause, seen.cause, "{attempt:?}, {seen:?}");
            }
        }
        let left = town.into_iter().find(|(_, ends)| !ends.is_empty());
        assert!(left.is_none(), "calls without a record: {left:?}");
    }
}

/// A number as it is shown in a calling party element, written with its plus sign.
fn written(shown: &str) -> String {
    format!("+{}", shown.trim_start_matches('+'))
}

/// A number of a person in China without country code and trunk prefix.
fn national(number: &str) -> &str {
    let digits = number.trim_start_matches('+').trim_start_matches('0');
    digits.strip_prefix("86").unwrap_or(digits)
}

fn check_times(times: &Times) {
    let all: [Option<Stamp>; 7] = [
        times.created,
        times.claimed,
        times.dialled,
        times.ringing,
        times.answered,
        times.joined,
        times.ended,
    ];
    let known: Vec<Stamp> = all.into_iter().flatten().collect();
    assert!(known.is_sorted(), "times out of order: {times:?}");
}
