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

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// Why a lead is finished.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The word under which this reason is stored.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Reason::$name => $word,)* }
            }
        }
    };
}

reasons! {
    /// An agent talked with the person.
    Reached = "reached";
    /// An agent talked and sold.
    Sold = "sold";
    /// The person does not want it.
    Refused = "refused";
    /// The person is on the do-not-call list.
    DoNotCall = "do_not_call";
    /// An agent says that this lead cannot be worked.
    Unworkable = "unworkable";
    /// The network says that the number does not exist.
    BadNumber = "bad_number";
    /// A rule forbids this destination.
    Forbidden = "forbidden";
    /// The campaign's rule says not to try again after this outcome.
    GivenUp = "given_up";
    /// All attempts are used.
    AttemptsUsed = "attempts_used";
    /// A person took it out of the list.
    Withdrawn = "withdrawn";
}

impl Reason {
    /// The reason stored under `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|r| r.word() == word)
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
