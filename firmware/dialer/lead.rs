//! The life of a lead: one person to call in one campaign. This is the exemplar of a business
//! module: a pure value, one event at a time, every (state, event) pair answered by name.
//!
//! ```text
//!                 Claim                Dialled               Ended, FateHidden
//!   New ──────────────────► Claimed ──────────────► Dialing ───────────────────┐
//!   Due{at} ──(at is past)──►   │                                              │
//!     ▲  ▲                      │ GiveBack (nothing went out)                  ▼
//!     │  └──────────────────────┘                        retry left? ── yes ── Due{at}
//!     └── Said(call back), Reopen ──────────────┐            └────────── no ── Finished{reason}
//!                                           Finished
//! ```
//!
//! What it promises, whatever the order of events (see the tests):
//! - At most one attempt is in flight, and every attempt that was claimed is over exactly once,
//!   with one outcome.
//! - It is dialled at most `attempts_max` times, plus once for each attempt that a person granted
//!   (a callback that the customer asked for, a re-opening).
//! - After an attempt it is not due before the interval of that outcome, unless a person chose the
//!   time.
//! - Whoever is on the do-not-call list is never claimed again.
//!
//! The order that keeps these promises over a power cut is the caller's duty: write the row after
//! `Claim` to disk, then handle `Dialled`, then let the first digit go out. A restart that finds a
//! claim whose fate nobody knows handles `FateHidden`: the attempt counts as dialled, ends `lost`
//! and is retried only after its interval.
//!
//! A lead has no timer of its own: a list may hold millions. `Due{at}` is its deadline, and the
//! store's index finds those that are due.

use std::collections::BTreeMap;

use call::{AttemptId, LeadId, Stamp};
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::outcome::{Category, Outcome};

words! {
    /// Why a lead is finished.
    pub enum Reason {
        /// An agent talked with the person.
        Reached = "reached",
        /// An agent talked and sold.
        Sold = "sold",
        /// The person does not want it.
        Refused = "refused",
        /// The person is on the do-not-call list.
        DoNotCall = "do_not_call",
        /// An agent says that this lead cannot be worked.
        Unworkable = "unworkable",
        /// The network says that the number does not exist.
        BadNumber = "bad_number",
        /// A rule forbids this destination.
        Forbidden = "forbidden",
        /// The campaign's rule says not to try again after this outcome.
        GivenUp = "given_up",
        /// All attempts are used.
        AttemptsUsed = "attempts_used",
        /// A person took it out of the list.
        Withdrawn = "withdrawn",
    }
}

/// Where a lead is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Never tried.
    New,
    /// To be tried (again) from `at` on.
    Due {
        /// The earliest instant of the next attempt.
        at: Stamp,
    },
    /// Taken by an attempt; nothing has gone out yet.
    Claimed {
        /// By which attempt.
        attempt: AttemptId,
        /// Since when.
        at: Stamp,
    },
    /// The attempt may have gone out.
    Dialing {
        /// Which attempt.
        attempt: AttemptId,
        /// Since when.
        at: Stamp,
    },
    /// Over.
    Finished {
        /// Why.
        reason: Reason,
        /// Since when.
        at: Stamp,
    },
}

impl State {
    /// The word under which this state is stored.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            State::New => "new",
            State::Due { .. } => "due",
            State::Claimed { .. } => "claimed",
            State::Dialing { .. } => "dialing",
            State::Finished { .. } => "finished",
        }
    }
}

/// What a person wants to happen with the lead after the talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Nothing more.
    Finish(Reason),
    /// Call again at this instant.
    CallBack(Stamp),
}

impl Wish {
    /// The wish behind a disposition of `category`; a callback goes with its instant.
    #[must_use]
    pub const fn of(category: Category, call_back_at: Option<Stamp>) -> Option<Wish> {
        match (category, call_back_at) {
            (Category::Contact, _) => Some(Wish::Finish(Reason::Reached)),
            (Category::Sale, _) => Some(Wish::Finish(Reason::Sold)),
            (Category::Refusal, _) => Some(Wish::Finish(Reason::Refused)),
            (Category::DoNotCall, _) => Some(Wish::Finish(Reason::DoNotCall)),
            (Category::Unworkable, _) => Some(Wish::Finish(Reason::Unworkable)),
            (Category::Callback, Some(at)) => Some(Wish::CallBack(at)),
            (Category::Callback, None) => None,
        }
    }

    /// Which of two wishes holds: do-not-call outweighs all, a withdrawal all but that, and
    /// otherwise the later word.
    fn or_later(self, later: Wish) -> Wish {
        match (self, later) {
            (Wish::Finish(Reason::DoNotCall), _) => self,
            (Wish::Finish(Reason::Withdrawn), Wish::Finish(Reason::DoNotCall)) => later,
            (Wish::Finish(Reason::Withdrawn), _) => self,
            (Wish::Finish(_) | Wish::CallBack(_), _) => later,
        }
    }
}

/// What a campaign does after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Try again after so many milliseconds, while attempts are left.
    AfterMs(i64),
    /// Do not try again.
    Never,
}

/// A campaign's rules for trying again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRules {
    /// How often a lead may be dialled.
    pub attempts_max: u16,
    /// Milliseconds between two attempts where no rule below says otherwise.
    pub interval_ms: i64,
    /// What differs for an outcome.
    pub by_outcome: BTreeMap<Outcome, Retry>,
}

impl Default for RetryRules {
    fn default() -> RetryRules {
        RetryRules {
            attempts_max: 3,
            interval_ms: 60 * 60 * 1000,
            by_outcome: BTreeMap::from([(Outcome::Busy, Retry::AfterMs(10 * 60 * 1000))]),
        }
    }
}

/// What happens to a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// This attempt wants to dial it.
    Claim {
        /// The attempt's new id.
        attempt: AttemptId,
    },
    /// The attempt is about to go out. Handled before the order to dial is given.
    Dialled {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// Nothing went out for this claim, and nothing will.
    GiveBack {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The attempt is over.
    Ended {
        /// Which attempt.
        attempt: AttemptId,
        /// What came of it.
        outcome: Outcome,
    },
    /// A crash has hidden what came of the attempt.
    FateHidden {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The agent of this attempt says what shall happen.
    Said {
        /// Which attempt.
        attempt: AttemptId,
        /// What the agent wants.
        wish: Wish,
    },
    /// The person has come on the do-not-call list.
    DoNotCall,
    /// A person takes the lead out of the list.
    Withdraw,
    /// A person puts a finished lead back, for one more attempt if none is left.
    Reopen,
}

/// The end of one attempt: comes once for every claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// Which attempt.
    pub attempt: AttemptId,
    /// What came of it.
    pub outcome: Outcome,
}

/// Why an event was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not due yet.
    #[error("not due before {}", .0.0)]
    NotDue(Stamp),
    /// Another attempt has it.
    #[error("attempt {0} has it")]
    InFlight(AttemptId),
    /// It is finished.
    #[error("finished: {}", .0.word())]
    Finished(Reason),
    /// All its attempts are used. The lead is finished by this refusal: write its row.
    #[error("all attempts are used")]
    AttemptsUsed,
    /// The event is about an attempt that is not this lead's present or last one.
    #[error("attempt {0} is not the present one")]
    Stale(AttemptId),
    /// The attempt is already past what the event asks for.
    #[error("attempt {0} is already dialling")]
    AlreadyDialling(AttemptId),
    /// No agent talked in the last attempt, so there is nothing to say about it.
    #[error("nobody talked in attempt {0}")]
    NoTalk(AttemptId),
    /// It is not finished, so it cannot be re-opened.
    #[error("it is not finished")]
    NotFinished,
    /// Persons have granted as many attempts as a lead may have.
    #[error("no more attempts can be granted to this lead")]
    GrantsUsed,
}

/// A lead as the store keeps it: one column each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its state, with `due_at`/since and reason inside.
    pub state: State,
    /// The present attempt, or else the last one.
    pub attempt: Option<AttemptId>,
    /// How often it was dialled.
    pub dialled: u16,
    /// How many attempts persons granted on top of the rule.
    pub granted: u16,
    /// What came of the last attempt.
    pub last_outcome: Option<Outcome>,
    /// What a person wants once the present attempt is over.
    pub wish: Option<Wish>,
}

/// Why a stored row is not a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    /// State and attempt column do not name the same attempt.
    #[error("state names attempt {0} and the row another: restore the database from its backup")]
    Attempts(AttemptId),
    /// A wish waits although no attempt is in flight.
    #[error("a wish waits for no attempt: restore the database from its backup")]
    IdleWish,
}

/// One person to call in one campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    id: LeadId,
    row: Row,
}

impl Lead {
    /// A lead that was just imported.
    #[must_use]
    pub const fn new(id: LeadId) -> Lead {
        let row = Row {
            state: State::New,
            attempt: None,
            dialled: 0,
            granted: 0,
            last_outcome: None,
            wish: None,
        };
        Lead { id, row }
    }

    /// The lead of a stored row.
    ///
    /// # Errors
    /// Says in what the row contradicts itself.
    pub fn restore(id: LeadId, row: Row) -> Result<Lead, BadRow> {
        match row.state {
            State::Claimed { attempt, .. } | State::Dialing { attempt, .. } => {
                if row.attempt != Some(attempt) {
                    return Err(BadRow::Attempts(attempt));
                }
            }
            State::New | State::Due { .. } | State::Finished { .. } => {
                if row.wish.is_some() {
                    return Err(BadRow::IdleWish);
                }
            }
        }
        Ok(Lead { id, row })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> LeadId {
        self.id
    }

    /// What the store keeps.
    #[must_use]
    pub const fn row(&self) -> &Row {
        &self.row
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn state(&self) -> State {
        self.row.state
    }

    /// The attempt in flight.
    #[must_use]
    pub const fn in_flight(&self) -> Option<AttemptId> {
        match self.row.state {
            State::Claimed { attempt, .. } | State::Dialing { attempt, .. } => Some(attempt),
            State::New | State::Due { .. } | State::Finished { .. } => None,
        }
    }

    /// The instant from which it may be claimed: `None` while an attempt is in flight and after
    /// the end.
    #[must_use]
    pub const fn due_at(&self) -> Option<Stamp> {
        match self.row.state {
            State::New => Some(Stamp(i64::MIN)),
            State::Due { at } => Some(at),
            State::Claimed { .. } | State::Dialing { .. } | State::Finished { .. } => None,
        }
    }

    /// Takes one event. On `Ok` the row is to be written; `Some` tells that an attempt is over.
    ///
    /// # Errors
    /// Says why the event was not taken. The lead is unchanged, except after
    /// [`Refused::AttemptsUsed`], which finishes it.
    pub fn handle(
        &mut self,
        now: Stamp,
        event: Event,
        rules: &RetryRules,
    ) -> Result<Option<Over>, Refused> {
        match (self.row.state, event) {
            (State::New, Event::Claim { attempt }) => self.claim(now, attempt, rules),
            (State::Due { at }, Event::Claim { attempt }) if at <= now => {
                self.claim(now, attempt, rules)
            }
            (State::Due { at }, Event::Claim { .. }) => Err(Refused::NotDue(at)),
            (
                State::Claimed { attempt, .. } | State::Dialing { attempt, .. },
                Event::Claim { .. },
            ) => Err(Refused::InFlight(attempt)),
            (State::Finished { reason, .. }, Event::Claim { .. }) => Err(Refused::Finished(reason)),

            (State::Claimed { attempt, .. }, Event::Dialled { attempt: named }) => {
                same(attempt, named)?;
                self.row.state = State::Dialing { attempt, at: now };
                Ok(None)
            }
            (State::Dialing { attempt, .. }, Event::Dialled { attempt: named }) => {
                same(attempt, named)?;
                Err(Refused::AlreadyDialling(attempt))
            }
            (State::Claimed { attempt, .. }, Event::GiveBack { attempt: named }) => {
                same(attempt, named)?;
                Ok(Some(self.give_back(now, attempt)))
            }
            (State::Dialing { attempt, .. }, Event::GiveBack { attempt: named }) => {
                same(attempt, named)?;
                Err(Refused::AlreadyDialling(attempt))
            }
            (
                State::Claimed { attempt, .. } | State::Dialing { attempt, .. },
                Event::Ended { attempt: named, outcome },
            ) => {
                same(attempt, named)?;
                Ok(Some(self.settle(now, attempt, outcome, rules)))
            }
            (
                State::Claimed { attempt, .. } | State::Dialing { attempt, .. },
                Event::FateHidden { attempt: named },
            ) => {
                same(attempt, named)?;
                Ok(Some(self.settle(now, attempt, Outcome::Lost, rules)))
            }
            (
                State::New | State::Due { .. } | State::Finished { .. },
                Event::Dialled { attempt }
                | Event::GiveBack { attempt }
                | Event::Ended { attempt, .. }
                | Event::FateHidden { attempt },
            ) => Err(Refused::Stale(attempt)),

            (State::Dialing { attempt, .. }, Event::Said { attempt: named, wish }) => {
                same(attempt, named)?;
                self.row.wish = Some(self.row.wish.map_or(wish, |old| old.or_later(wish)));
                Ok(None)
            }
            (State::Due { .. }, Event::Said { attempt, wish }) => {
                self.said_of_last(attempt)?;
                self.fulfil(now, wish, rules).map(|()| None)
            }
            (State::Finished { reason, .. }, Event::Said { attempt, wish }) => {
                self.said_of_last(attempt)?;
                self.fulfil(now, Wish::Finish(reason).or_later(wish), rules).map(|()| None)
            }
            (State::New | State::Claimed { .. }, Event::Said { attempt, .. }) => {
                Err(Refused::Stale(attempt))
            }

            (_, Event::DoNotCall) => Ok(self.stop(now, Reason::DoNotCall)),
            (_, Event::Withdraw) => Ok(self.stop(now, Reason::Withdrawn)),

            (State::Finished { reason: Reason::DoNotCall, .. }, Event::Reopen) => {
                Err(Refused::Finished(Reason::DoNotCall))
            }
            (State::Finished { .. }, Event::Reopen) => {
                self.call_back(now, now, rules).map(|()| None)
            }
            (
                State::New | State::Due { .. } | State::Claimed { .. } | State::Dialing { .. },
                Event::Reopen,
            ) => Err(Refused::NotFinished),
        }
    }

    fn claim(
        &mut self,
        now: Stamp,
        attempt: AttemptId,
        rules: &RetryRules,
    ) -> Result<Option<Over>, Refused> {
        if !self.attempts_left(rules) {
            self.finish(now, Reason::AttemptsUsed);
            return Err(Refused::AttemptsUsed);
        }
        self.row.attempt = Some(attempt);
        self.row.state = State::Claimed { attempt, at: now };
        Ok(None)
    }

    /// A claim that never went out costs no attempt, but rests a moment, so that a fault that
    /// repeats itself does not spin.
    fn give_back(&mut self, now: Stamp, attempt: AttemptId) -> Over {
        self.row.last_outcome = Some(Outcome::Cancelled);
        self.row.state = State::Due { at: now.after_ms(limits::GIVEN_BACK_MS) };
        Over { attempt, outcome: Outcome::Cancelled }
    }

    fn settle(
        &mut self,
        now: Stamp,
        attempt: AttemptId,
        outcome: Outcome,
        rules: &RetryRules,
    ) -> Over {
        self.row.dialled = self.row.dialled.saturating_add(1);
        self.row.last_outcome = Some(outcome);
        match self.row.wish.take() {
            Some(wish) => {
                if self.fulfil(now, wish, rules).is_err() {
                    self.finish(now, Reason::AttemptsUsed);
                }
            }
            None => self.row.state = self.after(now, outcome, rules),
        }
        Over { attempt, outcome }
    }

    /// Where the rules lead after `outcome`, no person having said anything.
    fn after(&self, now: Stamp, outcome: Outcome, rules: &RetryRules) -> State {
        let finished = |reason| State::Finished { reason, at: now };
        let default = match outcome {
            Outcome::Answered => return finished(Reason::Reached),
            Outcome::InvalidNumber => return finished(Reason::BadNumber),
            Outcome::Forbidden => return finished(Reason::Forbidden),
            Outcome::Abandoned
            | Outcome::HungUpEarly
            | Outcome::NoAnswer
            | Outcome::Busy
            | Outcome::Rejected
            | Outcome::Unreachable
            | Outcome::Congestion
            | Outcome::Machine
            | Outcome::Announcement
            | Outcome::Silence
            | Outcome::Failed
            | Outcome::Lost
            | Outcome::Cancelled => Retry::AfterMs(rules.interval_ms),
        };
        match rules.by_outcome.get(&outcome).copied().unwrap_or(default) {
            Retry::Never => finished(Reason::GivenUp),
            Retry::AfterMs(_) if !self.attempts_left(rules) => finished(Reason::AttemptsUsed),
            Retry::AfterMs(ms) => State::Due {
                at: now.after_ms(ms.clamp(limits::INTERVAL_MIN_MS, limits::INTERVAL_MAX_MS)),
            },
        }
    }

    fn attempts_left(&self, rules: &RetryRules) -> bool {
        self.row.dialled < rules.attempts_max.saturating_add(self.row.granted)
    }

    /// A disposition may come late, after the end of its attempt; but only if somebody may have
    /// talked in it.
    fn said_of_last(&self, attempt: AttemptId) -> Result<(), Refused> {
        if self.row.attempt != Some(attempt) {
            return Err(Refused::Stale(attempt));
        }
        match self.row.last_outcome {
            Some(Outcome::Answered | Outcome::Lost) => Ok(()),
            Some(_) | None => Err(Refused::NoTalk(attempt)),
        }
    }

    fn fulfil(&mut self, now: Stamp, wish: Wish, rules: &RetryRules) -> Result<(), Refused> {
        match wish {
            Wish::Finish(reason) => {
                self.finish(now, reason);
                Ok(())
            }
            Wish::CallBack(at) => self.call_back(now, at, rules),
        }
    }

    /// A person's word outweighs the attempt rule: if none is left, one is granted.
    fn call_back(&mut self, now: Stamp, at: Stamp, rules: &RetryRules) -> Result<(), Refused> {
        if !self.attempts_left(rules) {
            if self.row.granted >= limits::GRANTED_MAX {
                return Err(Refused::GrantsUsed);
            }
            let over = self.row.dialled.saturating_sub(rules.attempts_max);
            self.row.granted = self.row.granted.max(over).saturating_add(1);
        }
        let latest = now.after_ms(limits::INTERVAL_MAX_MS);
        self.row.state = State::Due { at: at.max(now).min(latest) };
        Ok(())
    }

    fn stop(&mut self, now: Stamp, reason: Reason) -> Option<Over> {
        let wish = Wish::Finish(reason);
        match self.row.state {
            State::New | State::Due { .. } => {
                self.finish(now, reason);
                None
            }
            State::Claimed { attempt, .. } => {
                self.row.last_outcome = Some(Outcome::Cancelled);
                self.finish(now, reason);
                Some(Over { attempt, outcome: Outcome::Cancelled })
            }
            State::Dialing { .. } => {
                self.row.wish = Some(self.row.wish.map_or(wish, |old| old.or_later(wish)));
                None
            }
            State::Finished { reason: old, .. } => {
                if let Wish::Finish(kept) = Wish::Finish(old).or_later(wish)
                    && kept != old
                {
                    self.finish(now, kept);
                }
                None
            }
        }
    }

    fn finish(&mut self, now: Stamp, reason: Reason) {
        self.row.state = State::Finished { reason, at: now };
    }
}

fn same(present: AttemptId, named: AttemptId) -> Result<(), Refused> {
    if present == named { Ok(()) } else { Err(Refused::Stale(named)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const A: AttemptId = AttemptId(1);
    const B: AttemptId = AttemptId(2);
    const HOUR_MS: i64 = 60 * 60 * 1000;

    /// A lead, its rules and a clock, so that a test reads as a conversation.
    struct Life {
        lead: Lead,
        rules: RetryRules,
        now: Stamp,
    }

    impl Life {
        fn new(attempts_max: u16) -> Life {
            let rules = RetryRules { attempts_max, ..RetryRules::default() };
            Life { lead: Lead::new(LeadId(7)), rules, now: Stamp(1_000_000) }
        }

        fn takes(&mut self, event: Event) -> Option<Over> {
            self.lead.handle(self.now, event, &self.rules).unwrap()
        }

        fn refuses(&mut self, event: Event) -> Refused {
            self.lead.handle(self.now, event, &self.rules).unwrap_err()
        }

        fn dials(&mut self, attempt: AttemptId, outcome: Outcome) {
            self.takes(Event::Claim { attempt });
            self.takes(Event::Dialled { attempt });
            assert_eq!(
                self.takes(Event::Ended { attempt, outcome }),
                Some(Over { attempt, outcome })
            );
        }

        fn passes_ms(&mut self, ms: i64) {
            self.now = self.now.after_ms(ms);
        }

        fn finished(&self) -> Option<Reason> {
            match self.lead.state() {
                State::Finished { reason, .. } => Some(reason),
                _ => None,
            }
        }
    }

    #[test]
    fn a_busy_person_is_due_again_after_the_interval_of_busy_and_not_before() {
        let mut life = Life::new(3);
        life.dials(A, Outcome::Busy);
        life.passes_ms(10 * 60 * 1000 - 1);
        assert!(matches!(life.refuses(Event::Claim { attempt: B }), Refused::NotDue(_)));
        life.passes_ms(1);
        assert_eq!(life.takes(Event::Claim { attempt: B }), None);
    }

    #[test]
    fn a_person_who_never_answers_is_finished_after_the_last_attempt() {
        let mut life = Life::new(2);
        life.dials(A, Outcome::NoAnswer);
        life.passes_ms(HOUR_MS);
        life.dials(B, Outcome::NoAnswer);
        assert_eq!(life.finished(), Some(Reason::AttemptsUsed));
        assert_eq!(
            life.refuses(Event::Claim { attempt: AttemptId(3) }),
            Refused::Finished(Reason::AttemptsUsed)
        );
    }

    #[test]
    fn a_talk_finishes_the_lead_and_a_number_that_does_not_exist_too() {
        let mut life = Life::new(3);
        life.dials(A, Outcome::Answered);
        assert_eq!(life.finished(), Some(Reason::Reached));
        let mut life = Life::new(3);
        life.dials(A, Outcome::InvalidNumber);
        assert_eq!(life.finished(), Some(Reason::BadNumber));
    }

    #[test]
    fn two_attempts_never_have_it_at_once() {
        let mut life = Life::new(3);
        life.takes(Event::Claim { attempt: A });
        assert_eq!(life.refuses(Event::Claim { attempt: B }), Refused::InFlight(A));
        life.takes(Event::Dialled { attempt: A });
        assert_eq!(life.refuses(Event::Claim { attempt: B }), Refused::InFlight(A));
        assert_eq!(life.refuses(Event::GiveBack { attempt: A }), Refused::AlreadyDialling(A));
        assert_eq!(
            life.refuses(Event::Ended { attempt: B, outcome: Outcome::Busy }),
            Refused::Stale(B)
        );
    }

    #[test]
    fn a_claim_whose_fate_a_crash_has_hidden_counts_as_dialled_and_waits_its_interval() {
        let mut life = Life::new(2);
        life.takes(Event::Claim { attempt: A });
        life.lead = Lead::restore(LeadId(7), *life.lead.row()).unwrap();
        let over = life.takes(Event::FateHidden { attempt: A });
        assert_eq!(over, Some(Over { attempt: A, outcome: Outcome::Lost }));
        assert_eq!(life.lead.row().dialled, 1);
        assert_eq!(life.lead.due_at(), Some(life.now.after_ms(HOUR_MS)));
    }

    #[test]
    fn a_claim_given_back_costs_no_attempt_but_rests_a_moment() {
        let mut life = Life::new(1);
        life.takes(Event::Claim { attempt: A });
        let over = life.takes(Event::GiveBack { attempt: A });
        assert_eq!(over, Some(Over { attempt: A, outcome: Outcome::Cancelled }));
        assert_eq!(life.lead.row().dialled, 0);
        assert!(matches!(life.refuses(Event::Claim { attempt: B }), Refused::NotDue(_)));
        life.passes_ms(limits::GIVEN_BACK_MS);
        life.dials(B, Outcome::Busy);
        assert_eq!(life.finished(), Some(Reason::AttemptsUsed));
    }

    #[test]
    fn what_the_agent_says_during_the_talk_holds_when_it_ends() {
        let mut life = Life::new(1);
        life.takes(Event::Claim { attempt: A });
        life.takes(Event::Dialled { attempt: A });
        life.takes(Event::Said { attempt: A, wish: Wish::Finish(Reason::Sold) });
        life.takes(Event::Ended { attempt: A, outcome: Outcome::Answered });
        assert_eq!(life.finished(), Some(Reason::Sold));
    }

    #[test]
    fn a_callback_that_the_customer_asked_for_is_granted_beyond_the_rule_once() {
        let mut life = Life::new(1);
        life.dials(A, Outcome::Answered);
        let at = life.now.after_ms(HOUR_MS);
        life.takes(Event::Said { attempt: A, wish: Wish::CallBack(at) });
        assert_eq!(life.lead.due_at(), Some(at));
        life.passes_ms(HOUR_MS);
        life.dials(B, Outcome::NoAnswer);
        assert_eq!(life.finished(), Some(Reason::AttemptsUsed));
    }

    #[test]
    fn nothing_can_be_said_about_an_attempt_in_which_nobody_talked() {
        let mut life = Life::new(3);
        life.dials(A, Outcome::Busy);
        let said = Event::Said { attempt: A, wish: Wish::Finish(Reason::Sold) };
        assert_eq!(life.refuses(said), Refused::NoTalk(A));
        let said = Event::Said { attempt: B, wish: Wish::Finish(Reason::Sold) };
        assert_eq!(life.refuses(said), Refused::Stale(B));
    }

    #[test]
    fn do_not_call_outweighs_every_other_word_and_is_never_undone() {
        let mut life = Life::new(3);
        life.takes(Event::Claim { attempt: A });
        life.takes(Event::Dialled { attempt: A });
        life.takes(Event::DoNotCall);
        life.takes(Event::Said { attempt: A, wish: Wish::CallBack(Stamp(0)) });
        life.takes(Event::Ended { attempt: A, outcome: Outcome::Busy });
        assert_eq!(life.finished(), Some(Reason::DoNotCall));
        assert_eq!(life.refuses(Event::Reopen), Refused::Finished(Reason::DoNotCall));
        life.takes(Event::Withdraw);
        assert_eq!(life.finished(), Some(Reason::DoNotCall));
    }

    #[test]
    fn do_not_call_between_claim_and_first_digit_cancels_the_attempt() {
        let mut life = Life::new(3);
        life.takes(Event::Claim { attempt: A });
        let over = life.takes(Event::DoNotCall);
        assert_eq!(over, Some(Over { attempt: A, outcome: Outcome::Cancelled }));
        assert_eq!(life.refuses(Event::Dialled { attempt: A }), Refused::Stale(A));
    }

    #[test]
    fn a_row_that_contradicts_itself_is_refused() {
        let mut row = *Lead::new(LeadId(1)).row();
        row.state = State::Claimed { attempt: A, at: Stamp(0) };
        assert_eq!(Lead::restore(LeadId(1), row), Err(BadRow::Attempts(A)));
        row.state = State::New;
        row.wish = Some(Wish::CallBack(Stamp(0)));
        assert_eq!(Lead::restore(LeadId(1), row), Err(BadRow::IdleWish));
    }

    fn wish() -> impl Strategy<Value = Wish> {
        prop_oneof![
            prop::sample::select(Reason::ALL).prop_map(Wish::Finish),
            (0i64..100).prop_map(|h| Wish::CallBack(Stamp(h * HOUR_MS))),
        ]
    }

    /// Any event, about the newest attempt, an older one, or one that never was.
    fn event() -> impl Strategy<Value = (u8, i64, Outcome, Wish, i64)> {
        (0u8..12, 0i64..3, prop::sample::select(Outcome::ALL), wish(), 0i64..3 * HOUR_MS)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_order_of_events_loses_a_lead_dials_it_too_often_or_twice_at_once(
            attempts_max in 1u16..4,
            events in prop::collection::vec(event(), 1..60),
        ) {
            let mut life = Life::new(attempts_max);
            let mut newest = 0;
            let mut claimed = BTreeSet::new();
            let mut over = BTreeSet::new();
            let mut went_out = 0u32;
            let mut granted = 0u32;
            let mut earliest = Stamp(i64::MIN);
            let mut barred = false;
            for (which, back, outcome, wish, pause_ms) in events {
                life.passes_ms(pause_ms);
                let attempt = AttemptId(newest - back);
                let event = match which {
                    0..=2 => Event::Claim { attempt: AttemptId(newest + 1) },
                    3 | 4 => Event::Dialled { attempt },
                    5 | 6 => Event::Ended { attempt, outcome },
                    7 => Event::Said { attempt, wish },
                    8 => Event::GiveBack { attempt },
                    9 => Event::FateHidden { attempt },
                    10 if pause_ms % 3 == 0 => Event::DoNotCall,
                    10 => Event::Reopen,
                    _ if pause_ms % 3 == 0 => Event::Withdraw,
                    _ => {
                        // A power cut: what is on disk is all there is.
                        life.lead = Lead::restore(LeadId(7), *life.lead.row()).unwrap();
                        continue;
                    }
                };
                let before = life.lead;
                let answer = life.lead.handle(life.now, event, &life.rules);
                if answer.is_err() && answer != Err(Refused::AttemptsUsed) {
                    prop_assert_eq!(life.lead, before, "a refusal changed it");
                }
                match (event, answer) {
                    (Event::Claim { attempt }, Ok(_)) => {
                        newest += 1;
                        prop_assert!(life.now >= earliest, "claimed before it was due");
                        prop_assert!(!barred, "claimed from the do-not-call list");
                        prop_assert_eq!(claimed.len(), over.len(), "two at once");
                        claimed.insert(attempt);
                    }
                    (Event::Dialled { .. }, Ok(_)) => went_out += 1,
                    (Event::DoNotCall, Ok(_)) => barred = true,
                    (Event::Said { .. } | Event::Reopen, Ok(_)) => granted += 1,
                    _ => {}
                }
                if let (Event::Said { wish: Wish::Finish(Reason::DoNotCall), .. }, Ok(_)) =
                    (event, answer)
                {
                    barred = true;
                }
                if let Ok(Some(end)) = answer {
                    prop_assert!(claimed.contains(&end.attempt));
                    prop_assert!(over.insert(end.attempt), "two outcomes");
                }
                if let Some(at) = life.lead.due_at() {
                    prop_assert!(at.since_ms(life.now) <= limits::INTERVAL_MAX_MS, "lost in time");
                    earliest = at;
                }
                prop_assert_eq!(life.lead.in_flight().is_some(), claimed.len() > over.len());
                prop_assert!(went_out <= u32::from(attempts_max) + granted, "dialled too often");
                prop_assert!(u32::from(life.lead.row().granted) <= granted);
                let json = serde_json::to_string(life.lead.row()).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Row>(&json).unwrap(), life.lead.row());
            }
        }

        #[test]
        fn after_an_attempt_nobody_is_called_again_before_the_shortest_interval(
            interval_ms in -5i64..2 * HOUR_MS,
            outcome in prop::sample::select(Outcome::ALL),
        ) {
            let mut life = Life::new(5);
            life.rules = RetryRules { attempts_max: 5, interval_ms, by_outcome: BTreeMap::new() };
            life.dials(A, outcome);
            if let Some(due) = life.lead.due_at() {
                prop_assert!(due.since_ms(life.now) >= limits::INTERVAL_MIN_MS.max(interval_ms));
            }
        }
    }
}
