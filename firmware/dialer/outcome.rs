//! What came of an attempt: the [`Outcome`] is what the network said, the [`Disposition`] what the
//! agent said. An attempt has exactly one outcome; only a talk has a disposition.
//!
//! An outcome is decided once, by [`Outcome::of`], from the cause that the line gave and from how
//! far the call had come. Nothing else in the box turns a cause into a word for a person.

use std::collections::BTreeMap;

use call::{Cause, Side};
use serde::{Deserialize, Serialize};

use crate::limits;

words! {
    /// The one thing that came of one attempt.
    pub enum Outcome {
        /// A person answered and was joined with an agent.
        Answered = "answered",
        /// A person answered, no seat was free in time, and we let them go.
        Abandoned = "abandoned",
        /// A person answered and hung up before the join.
        HungUpEarly = "hung_up_early",
        /// It rang and nobody answered within the ring time.
        NoAnswer = "no_answer",
        /// The person is on the phone.
        Busy = "busy",
        /// The person, or the network for them, refused the call.
        Rejected = "rejected",
        /// The phone is off, out of reach or out of order.
        Unreachable = "unreachable",
        /// The number is not assigned, has changed, or is not a number.
        InvalidNumber = "invalid_number",
        /// No line or no way through the network was free.
        Congestion = "congestion",
        /// A rule of the box, or of the trunk's provider, forbids this destination.
        Forbidden = "forbidden",
        /// A machine answered.
        Machine = "machine",
        /// The network's announcement was heard instead of a person.
        Announcement = "announcement",
        /// Somebody answered and nothing but silence was heard.
        Silence = "silence",
        /// The line, the trunk or the far end's equipment failed.
        Failed = "failed",
        /// A crash has hidden what came of it; it counts as dialled.
        Lost = "lost",
        /// We withdrew it before anybody answered.
        Cancelled = "cancelled",
    }
}

/// How a call ended, as far as its outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Why the outside leg ended.
    pub cause: Cause,
    /// Who ended it.
    pub by: Side,
    /// The outside leg had been answered.
    pub answered: bool,
    /// The outside leg had been joined with an agent's.
    pub joined: bool,
}

impl Outcome {
    /// The outcome of a call that ended so. Total: every ending has exactly one.
    ///
    /// A join outweighs everything that came after it. After an answer without a join the verdicts
    /// of detectors outweigh the cause, then it matters who hung up: the far side left early, or
    /// we abandoned them. Before an answer the cause alone decides.
    #[must_use]
    pub fn of(ending: Ending) -> Outcome {
        match (ending.joined, ending.answered) {
            (true, _) => Outcome::Answered,
            (false, true) => Outcome::of_answered(ending.cause, ending.by),
            (false, false) => Outcome::of_unanswered(ending.cause),
        }
    }

    fn of_answered(cause: Cause, by: Side) -> Outcome {
        match (cause, by) {
            (Cause::Machine, _) => Outcome::Machine,
            (Cause::Announcement, _) => Outcome::Announcement,
            (Cause::Silence, _) => Outcome::Silence,
            (Cause::Lost, _) => Outcome::Lost,
            (_, Side::Far) => Outcome::HungUpEarly,
            (_, Side::Box | Side::Peer) => Outcome::Abandoned,
        }
    }

    fn of_unanswered(cause: Cause) -> Outcome {
        match cause {
            Cause::UserBusy => Outcome::Busy,
            Cause::NoAnswer
            | Cause::NoUserResponding
            | Cause::NormalClearing
            | Cause::NormalUnspecified => Outcome::NoAnswer,
            Cause::CallRejected => Outcome::Rejected,
            Cause::SubscriberAbsent | Cause::DestinationOutOfOrder => Outcome::Unreachable,
            Cause::UnallocatedNumber | Cause::NumberChanged | Cause::InvalidNumber => {
                Outcome::InvalidNumber
            }
            Cause::NoRoute
            | Cause::NoCircuit
            | Cause::NetworkOutOfOrder
            | Cause::TemporaryFailure
            | Cause::Congestion
            | Cause::ChannelUnavailable
            | Cause::ResourceUnavailable
            | Cause::BearerNotAvailable => Outcome::Congestion,
            Cause::Forbidden | Cause::BearerNotAuthorized => Outcome::Forbidden,
            Cause::Machine => Outcome::Machine,
            Cause::Announcement => Outcome::Announcement,
            Cause::Silence => Outcome::Silence,
            Cause::NotSubscribed
            | Cause::BearerNotImplemented
            | Cause::IncompatibleDestination
            | Cause::MissingElement
            | Cause::TimerExpiry
            | Cause::ProtocolError
            | Cause::Interworking
            | Cause::MediaTimeout => Outcome::Failed,
            Cause::Abandoned => Outcome::Abandoned,
            Cause::Lost => Outcome::Lost,
            Cause::Cancelled | Cause::Shutdown => Outcome::Cancelled,
        }
    }

    /// Whether a person was at the other end: the denominator of the abandonment rate (answered
    /// live; machines and dead numbers are out of it).
    #[must_use]
    pub const fn reached_person(self) -> bool {
        matches!(self, Outcome::Answered | Outcome::Abandoned | Outcome::HungUpEarly)
    }
}

words! {
    /// What a disposition means to the box; the label is the tenant's own.
    pub enum Category {
        /// Talked; nothing more to do.
        Contact = "contact",
        /// Talked and sold, or whatever success is here.
        Sale = "sale",
        /// Talked; the person does not want it.
        Refusal = "refusal",
        /// The person never wants to be called again: goes on the do-not-call list.
        DoNotCall = "do_not_call",
        /// The person wants to be called again, at a time that goes with the disposition.
        Callback = "callback",
        /// Wrong person, fax, dead line: this lead cannot be worked.
        Unworkable = "unworkable",
    }
}

/// One entry of a tenant's list of dispositions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// The key on the phone that chooses it in wrap-up: 1 to 9.
    pub digit: u8,
    /// What the agent reads, in the tenant's own words.
    pub label: String,
    /// What it means to the box.
    pub category: Category,
}

/// A tenant's list of dispositions: 1 to 9 entries, each with its own digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Disposition>", into = "Vec<Disposition>")]
pub struct DispositionSet(BTreeMap<u8, Disposition>);

/// Why a list of dispositions was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DispositionRefused {
    /// The list has no entry.
    #[error("a disposition list needs at least one entry")]
    Empty,
    /// The digit is not a key that can be dialled for a disposition.
    #[error("digit {0} is outside 1 to 9: give each disposition a key of the phone")]
    Digit(u8),
    /// Two entries share a digit.
    #[error("two dispositions share the digit {0}: give each its own")]
    Twice(u8),
    /// The label is empty or too long.
    #[error("the label of digit {digit} has {length} characters: write 1 to {max}")]
    Label {
        /// Whose label.
        digit: u8,
        /// Its length in characters.
        length: usize,
        /// The most that is taken.
        max: usize,
    },
}

/// A language of the console and of the prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

impl DispositionSet {
    /// The set of these entries.
    ///
    /// # Errors
    /// Names the entry and what is wrong with it.
    pub fn new(entries: Vec<Disposition>) -> Result<DispositionSet, DispositionRefused> {
        let mut set = BTreeMap::new();
        for entry in entries {
            let digit = entry.digit;
            if !(1..=9).contains(&digit) {
                return Err(DispositionRefused::Digit(digit));
            }
            let length = entry.label.trim().chars().count();
            let max = limits::LABEL_CHARS_MAX;
            if length == 0 || length > max {
                return Err(DispositionRefused::Label { digit, length, max });
            }
            if set.insert(digit, entry).is_some() {
                return Err(DispositionRefused::Twice(digit));
            }
        }
        if set.is_empty() {
            return Err(DispositionRefused::Empty);
        }
        Ok(DispositionSet(set))
    }

    /// The list that a new tenant starts with.
    #[must_use]
    pub fn built_in(language: Language) -> DispositionSet {
        const BUILT_IN: [(u8, &str, &str, Category); 6] = [
            (1, "成交", "Sale", Category::Sale),
            (2, "已联系", "Contacted", Category::Contact),
            (3, "预约回访", "Call back", Category::Callback),
            (4, "拒绝", "Refused", Category::Refusal),
            (5, "无效客户", "Cannot be worked", Category::Unworkable),
            (9, "请勿再拨", "Do not call again", Category::DoNotCall),
        ];
        let entry = |(digit, zh, en, category): (u8, &str, &str, Category)| {
            let label = match language {
                Language::Zh => zh,
                Language::En => en,
            };
            (digit, Disposition { digit, label: label.to_owned(), category })
        };
        DispositionSet(BUILT_IN.into_iter().map(entry).collect())
    }

    /// The disposition on this key.
    #[must_use]
    pub fn by_digit(&self, digit: u8) -> Option<&Disposition> {
        self.0.get(&digit)
    }

    /// The entries in order of their digits.
    pub fn iter(&self) -> impl Iterator<Item = &Disposition> {
        self.0.values()
    }
}

impl TryFrom<Vec<Disposition>> for DispositionSet {
    type Error = DispositionRefused;
    fn try_from(entries: Vec<Disposition>) -> Result<DispositionSet, DispositionRefused> {
        DispositionSet::new(entries)
    }
}

impl From<DispositionSet> for Vec<Disposition> {
    fn from(set: DispositionSet) -> Vec<Disposition> {
        set.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(cause: Cause, answered: bool, joined: bool, by: Side) -> Ending {
        Ending { cause, by, answered, joined }
    }

    #[test]
    fn a_join_is_an_answer_whatever_ended_it() {
        for &cause in Cause::ALL {
            for by in [Side::Far, Side::Peer, Side::Box] {
                assert_eq!(Outcome::of(ending(cause, true, true, by)), Outcome::Answered);
            }
        }
    }

    #[test]
    fn an_answer_without_a_join_is_laid_at_the_door_of_who_hung_up() {
        let of = |cause, by| Outcome::of(ending(cause, true, false, by));
        assert_eq!(of(Cause::NormalClearing, Side::Far), Outcome::HungUpEarly);
        assert_eq!(of(Cause::NormalClearing, Side::Box), Outcome::Abandoned);
        assert_eq!(of(Cause::Abandoned, Side::Box), Outcome::Abandoned);
        assert_eq!(of(Cause::Machine, Side::Box), Outcome::Machine);
        assert_eq!(of(Cause::Lost, Side::Box), Outcome::Lost);
    }

    #[test]
    fn what_nobody_answered_never_counts_as_a_person_reached() {
        for &cause in Cause::ALL {
            let outcome = Outcome::of(ending(cause, false, false, Side::Far));
            assert!(!outcome.reached_person() || cause == Cause::Abandoned, "{cause}: {outcome:?}");
        }
        assert_eq!(
            Outcome::of(ending(Cause::Shutdown, false, false, Side::Box)),
            Outcome::Cancelled
        );
    }

    #[test]
    fn every_outcome_and_category_is_found_again_by_its_word_and_by_json() {
        for &outcome in Outcome::ALL {
            assert_eq!(Outcome::from_word(outcome.word()), Some(outcome));
            let json = serde_json::to_string(&outcome).unwrap();
            assert_eq!(json, format!("\"{}\"", outcome.word()));
        }
        for &category in Category::ALL {
            assert_eq!(Category::from_word(category.word()), Some(category));
            let json = serde_json::to_string(&category).unwrap();
            assert_eq!(json, format!("\"{}\"", category.word()));
        }
    }

    #[test]
    fn both_built_in_lists_have_every_category_under_the_same_digits() {
        let zh = DispositionSet::built_in(Language::Zh);
        let en = DispositionSet::built_in(Language::En);
        for &category in Category::ALL {
            assert!(zh.iter().any(|d| d.category == category), "{category:?}");
        }
        let keys = |set: &DispositionSet| -> Vec<_> {
            set.iter().map(|d| (d.digit, d.category)).collect()
        };
        assert_eq!(keys(&zh), keys(&en));
        assert_eq!(DispositionSet::new(Vec::from(zh.clone())), Ok(zh));
    }

    #[test]
    fn a_list_with_a_shared_or_impossible_digit_is_refused_by_name() {
        let entry = |digit, label: &str| Disposition {
            digit,
            label: label.to_owned(),
            category: Category::Contact,
        };
        let refused = |entries| DispositionSet::new(entries).unwrap_err();
        assert_eq!(refused(vec![]), DispositionRefused::Empty);
        assert_eq!(refused(vec![entry(0, "x")]), DispositionRefused::Digit(0));
        assert_eq!(refused(vec![entry(1, "x"), entry(1, "y")]), DispositionRefused::Twice(1));
        assert!(matches!(refused(vec![entry(1, "  ")]), DispositionRefused::Label { .. }));
    }
}
