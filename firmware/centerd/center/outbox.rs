//! What is on its way to the disk. Order is kept, a disk that is full for a while loses nothing, and
//! switchd is told to forget an event only when everything that came of it is written.
//!
//! ```text
//!   put(job) ─► sent ──written──► gone, its ticket is done
//!                └─disk full──► waiting, and every later job behind it ──after RETRY_MS──► sent
//! ```

use std::collections::{BTreeMap, VecDeque};

use call::Tick;
use store::Job;

use crate::limits::{OUTBOX_MAX, OUTBOX_RETRY_MS};

/// Names one job until it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What became of a job that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is on disk, or was refused for good.
    Done,
    /// It is kept and will be sent again.
    Kept,
}

/// Jobs that are not written yet.
#[derive(Debug, Default)]
pub struct Outbox {
    next: u64,
    /// By ticket; `true`: at the writer.
    jobs: BTreeMap<Ticket, (Job, bool)>,
    /// To be given to the shell.
    ready: VecDeque<(Ticket, Job)>,
    /// The disk refused: everything waits until then.
    retry_at: Option<Tick>,
    /// Events of the link, each with the last ticket that came of it.
    events: VecDeque<(u64, Ticket)>,
    acknowledged: u64,
}

impl Outbox {
    /// Takes a job. It is written after all that came before it.
    pub fn put(&mut self, job: Job) -> Ticket {
        self.next += 1;
        let ticket = Ticket(self.next);
        let sent = self.retry_at.is_none();
        if sent {
            self.ready.push_back((ticket, job.clone()));
        }
        self.jobs.insert(ticket, (job, sent));
        ticket
    }

    /// Whether so much waits that no new work may be begun. What must be recorded is still taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.jobs.len() >= OUTBOX_MAX
    }

    /// Jobs that are not written yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// The youngest job so far.
    #[must_use]
    pub fn youngest(&self) -> Ticket {
        Ticket(self.next)
    }

    /// Whether this job and all before it are written.
    #[must_use]
    pub fn is_written(&self, ticket: Ticket) -> bool {
        self.jobs.keys().next().is_none_or(|oldest| *oldest > ticket)
    }

    /// Whether everything is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The writer's answer. `passes`: the disk could not take it now and may later.
    pub fn handle_written(&mut self, now: Tick, ticket: Ticket, passes: bool) -> Fate {
        if !passes {
            self.jobs.remove(&ticket);
            return Fate::Done;
        }
        if let Some((_, sent)) = self.jobs.get_mut(&ticket) {
            *sent = false;
        }
        self.retry_at.get_or_insert(now + OUTBOX_RETRY_MS);
        Fate::Kept
    }

    /// Sends again what had to wait.
    pub fn handle_timeout(&mut self, now: Tick) {
        if self.retry_at.is_none_or(|at| now < at) {
            return;
        }
        self.retry_at = None;
        for (&ticket, (job, sent)) in &mut self.jobs {
            if !*sent {
                *sent = true;
                self.ready.push_back((ticket, job.clone()));
            }
        }
    }

    /// When to look again.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        self.retry_at
    }

    /// The next job for the writer.
    pub fn poll(&mut self) -> Option<(Ticket, Job)> {
        self.ready.pop_front()
    }

    /// Event `seq` of the link was handled; all that came of it has been put.
    pub fn handled_event(&mut self, seq: u64) {
        self.events.push_back((seq, Ticket(self.next)));
    }

    /// A new conversation begins at `seq`; what was not acknowledged is repeated by the snapshot.
    pub fn begin_events(&mut self, seq: u64) {
        self.events.clear();
        self.acknowledged = 0;
        self.events.push_back((seq, Ticket(self.next)));
    }

    /// The last event whose consequences are all on disk, if that is news.
    pub fn poll_ack(&mut self) -> Option<u64> {
        let mut safe = None;
        while let Some(&(seq, ticket)) = self.events.front() {
            if !self.is_written(ticket) {
                break;
            }
            safe = Some(seq);
            self.events.pop_front();
        }
        let safe = safe.filter(|&seq| seq > self.acknowledged)?;
        self.acknowledged = safe;
        Some(safe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::Stamp;
    use store::{Actor, BoxChange};

    fn job() -> Job {
        Job::of_box(Stamp(1), Actor::Box, BoxChange::PruneSessions)
    }

    fn sent(outbox: &mut Outbox) -> Vec<u64> {
        std::iter::from_fn(|| outbox.poll()).map(|(ticket, _)| ticket.0).collect()
    }

    #[test]
    fn an_event_is_acknowledged_when_all_that_came_of_it_is_written() {
        let mut outbox = Outbox::default();
        let first = outbox.put(job());
        outbox.handled_event(10);
        outbox.handled_event(11);
        let second = outbox.put(job());
        outbox.handled_event(12);
        assert_eq!(outbox.poll_ack(), None);
        outbox.handle_written(Tick(0), first, false);
        assert_eq!(outbox.poll_ack(), Some(11));
        assert_eq!(outbox.poll_ack(), None);
        outbox.handle_written(Tick(0), second, false);
        assert_eq!(outbox.poll_ack(), Some(12));
    }

    #[test]
    fn a_full_disk_loses_nothing_and_keeps_the_order() {
        let mut outbox = Outbox::default();
        for _ in 0..3 {
            outbox.put(job());
        }
        outbox.handled_event(5);
        assert_eq!(sent(&mut outbox), [1, 2, 3]);
        assert_eq!(outbox.handle_written(Tick(0), Ticket(1), false), Fate::Done);
        assert_eq!(outbox.handle_written(Tick(0), Ticket(2), true), Fate::Kept);
        assert_eq!(outbox.handle_written(Tick(0), Ticket(3), true), Fate::Kept);
        outbox.put(job());
        assert!(sent(&mut outbox).is_empty());
        assert_eq!(outbox.poll_ack(), None);
        outbox.handle_timeout(outbox.next_timeout().unwrap());
        assert_eq!(sent(&mut outbox), [2, 3, 4]);
        for ticket in 2..=4 {
            outbox.handle_written(Tick(0), Ticket(ticket), false);
        }
        assert!(outbox.is_empty());
        assert_eq!(outbox.poll_ack(), Some(5));
    }
}
