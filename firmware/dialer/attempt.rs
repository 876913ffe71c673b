//! One try to reach one lead: its times, who ended it and why.
//!
//! The times are what a report is made of, so they are filled in the order in which they happen
//! and never rewritten: the first claim on "when did it ring" wins, and one that would run
//! backwards is moved up to the time before it (the clock was set back meanwhile).

use call::{
    AgentId, AttemptId, CampaignId, Cause, LeadId, LegId, Number, RecordingId, Side, Stamp,
    TenantId, TrunkId,
};
use serde::{Deserialize, Serialize};

use crate::outcome::{Ending, Outcome};

/// The instants of an attempt, in the order of its life. `None`: it never came so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The lead was chosen.
    pub created: Option<Stamp>,
    /// The claim was safe on disk.
    pub claimed: Option<Stamp>,
    /// The first digit or the INVITE may have gone out.
    pub dialled: Option<Stamp>,
    /// The far end rang.
    pub ringing: Option<Stamp>,
    /// The far end answered.
    pub answered: Option<Stamp>,
    /// Customer and agent heard each other.
    pub joined: Option<Stamp>,
    /// It was over.
    pub ended: Option<Stamp>,
}

/// One moment of [`Times`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// See [`Times::created`].
    Created,
    /// See [`Times::claimed`].
    Claimed,
    /// See [`Times::dialled`].
    Dialled,
    /// See [`Times::ringing`].
    Ringing,
    /// See [`Times::answered`].
    Answered,
    /// See [`Times::joined`].
    Joined,
    /// See [`Times::ended`].
    Ended,
}

impl Moment {
    /// Every moment in order.
    pub const ALL: [Moment; 7] = [
        Moment::Created,
        Moment::Claimed,
        Moment::Dialled,
        Moment::Ringing,
        Moment::Answered,
        Moment::Joined,
        Moment::Ended,
    ];
}

impl Times {
    /// The instant of `moment`.
    #[must_use]
    pub const fn at(&self, moment: Moment) -> Option<Stamp> {
        match moment {
            Moment::Created => self.created,
            Moment::Claimed => self.claimed,
            Moment::Dialled => self.dialled,
            Moment::Ringing => self.ringing,
            Moment::Answered => self.answered,
            Moment::Joined => self.joined,
            Moment::Ended => self.ended,
        }
    }

    /// Notes that `moment` was at `at`, unless it is already known or the attempt is over.
    pub fn note(&mut self, moment: Moment, at: Stamp) {
        if self.at(moment).is_some() || self.ended.is_some() {
            return;
        }
        let before = Moment::ALL.into_iter().filter(|m| *m < moment).filter_map(|m| self.at(m));
        let after = Moment::ALL.into_iter().filter(|m| *m > moment).filter_map(|m| self.at(m));
        let at = before.max().map_or(at, |floor| at.max(floor));
        let at = after.min().map_or(at, |ceiling| at.min(ceiling));
        let slot = match moment {
            Moment::Created => &mut self.created,
            Moment::Claimed => &mut self.claimed,
            Moment::Dialled => &mut self.dialled,
            Moment::Ringing => &mut self.ringing,
            Moment::Answered => &mut self.answered,
            Moment::Joined => &mut self.joined,
            Moment::Ended => &mut self.ended,
        };
        *slot = Some(at);
    }

    /// Milliseconds of ringing before the answer or the end.
    #[must_use]
    pub fn ring_ms(&self) -> Option<i64> {
        let until = self.answered.or(self.ended)?;
        Some(until.since_ms(self.ringing?))
    }

    /// Milliseconds from the answer to the join: what the customer waited.
    #[must_use]
    pub fn wait_ms(&self) -> Option<i64> {
        Some(self.joined?.since_ms(self.answered?))
    }

    /// Milliseconds of talk.
    #[must_use]
    pub fn talk_ms(&self) -> Option<i64> {
        Some(self.ended?.since_ms(self.joined?))
    }
}

/// How an attempt is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// What came of it.
    pub outcome: Outcome,
    /// What the line said.
    pub cause: Cause,
    /// Who ended it.
    pub by: Side,
}

/// One try to reach one lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id, also the key by which everything about it is idempotent.
    pub id: AttemptId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Of which lead.
    pub lead: LeadId,
    /// The number dialled.
    pub number: Number,
    /// The trunk that was chosen.
    pub trunk: Option<TrunkId>,
    /// The caller id shown.
    pub caller: Option<Number>,
    /// The outside leg.
    pub leg: Option<LegId>,
    /// The agent it was meant for, then the one who talked.
    pub agent: Option<AgentId>,
    /// Its recording.
    pub recording: Option<RecordingId>,
    /// Its times.
    pub times: Times,
    /// How it is over; `None` while it lives.
    pub end: Option<Ended>,
}

impl Attempt {
    /// Ends the attempt. The first end wins and is returned by every later call, so that a cause
    /// that arrives twice (an event, then a snapshot) changes nothing.
    pub fn end(&mut self, at: Stamp, cause: Cause, by: Side) -> Ended {
        if let Some(end) = self.end {
            return end;
        }
        let answered = self.times.answered.is_some();
        let joined = self.times.joined.is_some();
        let outcome = Outcome::of(Ending { cause, by, answered, joined });
        let end = Ended { outcome, cause, by };
        self.times.note(Moment::Ended, at);
        self.end = Some(end);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attempt() -> Attempt {
        Attempt {
            id: AttemptId(1),
            tenant: TenantId(1),
            campaign: CampaignId(1),
            lead: LeadId(1),
            number: "+8613800138000".parse().unwrap(),
            trunk: None,
            caller: None,
            leg: None,
            agent: None,
            recording: None,
            times: Times::default(),
            end: None,
        }
    }

    #[test]
    fn a_talk_tells_how_long_it_rang_waited_and_lasted() {
        let mut attempt = attempt();
        for (moment, at) in Moment::ALL.into_iter().zip([0, 5, 10, 2_000, 9_000, 9_040, 69_040]) {
            if moment == Moment::Ended {
                attempt.end(Stamp(at), Cause::NormalClearing, Side::Far);
            } else {
                attempt.times.note(moment, Stamp(at));
            }
        }
        assert_eq!(attempt.times.ring_ms(), Some(7_000));
        assert_eq!(attempt.times.wait_ms(), Some(40));
        assert_eq!(attempt.times.talk_ms(), Some(60_000));
        assert_eq!(attempt.end.unwrap().outcome, Outcome::Answered);
    }

    #[test]
    fn the_first_end_wins() {
        let mut attempt = attempt();
        let first = attempt.end(Stamp(5), Cause::UserBusy, Side::Far);
        assert_eq!(attempt.end(Stamp(9), Cause::Lost, Side::Box), first);
        assert_eq!(attempt.times.ended, Some(Stamp(5)));
        assert_eq!(first.outcome, Outcome::Busy);
    }

    proptest! {
        #[test]
        fn times_never_run_backwards_however_the_notes_arrive(
            notes in proptest::collection::vec((0usize..7, -50i64..50), 0..30)
        ) {
            let mut times = Times::default();
            for (which, at) in notes {
                let before = times;
                times.note(Moment::ALL[which], Stamp(at));
                for moment in Moment::ALL {
                    prop_assert!(before.at(moment).is_none() || before.at(moment) == times.at(moment));
                }
                let known: Vec<_> = Moment::ALL.into_iter().filter_map(|m| times.at(m)).collect();
                prop_assert!(known.is_sorted());
            }
        }
    }
}
