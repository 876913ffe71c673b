//! Against guessing passwords: who has failed too often waits.
//!
//! A pair of (user name, source address) is locked after a few wrong passwords, whether or not the
//! user exists, so that the lock tells nobody which names do. A source that fails with many names
//! is locked as a whole. A lock-out ends by itself; the right password clears the count of its pair.

use std::collections::BTreeMap;
use std::net::IpAddr;

use call::Tick;

use crate::limits::{
    FAILURES_MAX, FAILURES_WINDOW_MS, LOCKOUT_MS, LOCKOUTS_MAX, SOURCE_FAILURES_MAX, USER_BYTES_MAX,
};

/// Failures of one pair or one source.
#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    /// When the window of the count ends.
    forget_at: Tick,
    /// When the lock ends, if it is closed.
    locked_until: Option<Tick>,
}

/// A lock that has just closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The name that was tried; nothing if the whole source is locked.
    pub user: Option<String>,
    /// Where it was tried from.
    pub source: IpAddr,
    /// When it opens again.
    pub until: Tick,
}

/// Keyed by source, then by user; no user means the whole source.
type Key = (IpAddr, Option<String>);

/// The table of failures.
#[derive(Clone, Debug, Default)]
pub struct Lockout {
    failures: BTreeMap<Key, Failures>,
}

impl Lockout {
    /// Whether this user may not even try from this source now. The lock of a whole source does
    /// not shut out a source where a phone is `settled` (registered): its neighbours' wrong
    /// passwords must not silence it, and the locks of pairs still guard every name.
    #[must_use]
    pub fn is_locked(&self, now: Tick, user: &str, source: IpAddr, settled: bool) -> bool {
        let shut = |key: &Key| {
            let until = self.failures.get(key).and_then(|f| f.locked_until);
            until.is_some_and(|until| now < until)
        };
        shut(&(source, Some(short(user)))) || (!settled && shut(&(source, None)))
    }

    /// A wrong password or an unknown user. Returns the lock if it closes now.
    pub fn failed(&mut self, now: Tick, user: &str, source: IpAddr) -> Option<Lock> {
        let pair = self.count(now, (source, Some(short(user))), FAILURES_MAX);
        let whole = self.count(now, (source, None), SOURCE_FAILURES_MAX);
        whole.or(pair)
    }

    /// The right password.
    pub fn succeeded(&mut self, user: &str, source: IpAddr) {
        self.failures.remove(&(source, Some(short(user))));
    }

    fn count(&mut self, now: Tick, key: Key, max: u32) -> Option<Lock> {
        if !self.failures.contains_key(&key) {
            self.make_room(now);
        }
        let fresh = Failures { count: 0, forget_at: now + FAILURES_WINDOW_MS, locked_until: None };
        let entry = self.failures.entry(key.clone()).or_insert(fresh);
        if entry.forget_at <= now {
            *entry = fresh;
        }
        entry.count += 1;
        if entry.count < max || entry.locked_until.is_some() {
            return None;
        }
        let until = now + LOCKOUT_MS;
        entry.locked_until = Some(until);
        entry.forget_at = until;
        Some(Lock { user: key.1, source: key.0, until })
    }

    /// Drops what is over; if nothing is, what would be over first.
    fn make_room(&mut self, now: Tick) {
        if self.failures.len() < LOCKOUTS_MAX {
            return;
        }
        self.failures.retain(|_, f| f.forget_at > now);
        if self.failures.len() >= LOCKOUTS_MAX {
            let first = self.failures.iter().min_by_key(|(_, f)| f.forget_at);
            if let Some(key) = first.map(|(key, _)| key.clone()) {
                self.failures.remove(&key);
            }
        }
    }
}

/// A name no longer than any account's, so that the table's memory is bounded too.
fn short(user: &str) -> String {
    user.chars().take(USER_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn a_pair_is_locked_after_its_failures_and_opens_by_itself() {
        let mut l = Lockout::default();
        for _ in 1..FAILURES_MAX {
            assert_eq!(l.failed(Tick(0), "100", HERE), None);
        }
        assert!(!l.is_locked(Tick(0), "100", HERE, false));
        let lock = l.failed(Tick(0), "100", HERE).unwrap();
        assert_eq!((lock.user.as_deref(), lock.source), (Some("100"), HERE));
        assert!(l.is_locked(Tick(LOCKOUT_MS - 1), "100", HERE, false));
        assert!(
            !l.is_locked(Tick(0), "100", THERE, false) && !l.is_locked(Tick(0), "101", HERE, false)
        );
        assert!(!l.is_locked(Tick(LOCKOUT_MS), "100", HERE, false));
        assert_eq!(l.failed(Tick(LOCKOUT_MS), "100", HERE), None);
    }

    #[test]
    fn a_source_that_tries_many_names_is_locked_as_a_whole() {
        let mut l = Lockout::default();
        let locks: Vec<Lock> = (0..SOURCE_FAILURES_MAX)
            .filter_map(|n| l.failed(Tick(0), &format!("guess{n}"), HERE))
            .collect();
        assert_eq!(locks.len(), 1);
        assert_eq!(locks[0].user, None);
        assert!(!l.is_locked(Tick(1), "anybody", HERE, true));
        assert!(
            l.is_locked(Tick(1), "anybody", HERE, false)
                && !l.is_locked(Tick(1), "100", THERE, false)
        );
    }

    #[test]
    fn the_right_password_and_time_clear_the_count() {
        let mut l = Lockout::default();
        for round in 0..10 {
            let now = Tick(round * FAILURES_WINDOW_MS);
            for _ in 1..FAILURES_MAX {
                assert_eq!(l.failed(now, "100", HERE), None);
            }
        }
        l.succeeded("100", HERE);
        assert_eq!(l.failed(Tick(9 * FAILURES_WINDOW_MS), "100", HERE), None);
    }

    #[test]
    fn the_table_of_failures_is_bounded() {
        let mut l = Lockout::default();
        for n in 0..LOCKOUTS_MAX as u32 + 200 {
            l.failed(Tick(0), "x", Ipv4Addr::from(n).into());
        }
        assert!(l.failures.len() <= LOCKOUTS_MAX);
    }
}
