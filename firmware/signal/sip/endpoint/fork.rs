//! One call at several contacts of an account: every phone rings, the first that answers has the
//! call, the others are cancelled (RFC 3261 §16.7, done by a user agent).
//!
//! Each contact is called by a session of its own, with a Call-ID of its own, so that two contacts
//! of one phone are not taken for a loop. The owner sees one call: the furthest phase of all until
//! somebody answers, then the winner's; and of those that have failed, the most telling cause. All
//! contacts are called at once, whatever their preference (§16.6 leaves that to us).

use call::{Cause, LegPhase, Side};

use super::CallKey;
use crate::sip::session::Fact;

/// Two highest bits: a session that the owner knows under another key.
const BRANCH: u64 = 3 << 62;

/// The key of the `n`-th branch of this endpoint.
pub(super) const fn branch_key(n: u64) -> CallKey {
    CallKey(BRANCH | n)
}

/// Whether a key is a branch's.
pub(super) const fn is_branch(call: CallKey) -> bool {
    call.0 >> 62 == 3
}

/// One branch that lives and has not lost.
#[derive(Clone, Debug)]
struct Branch {
    call: CallKey,
    /// Sound that it described before its answer.
    early: Option<String>,
}

/// A call of the owner with its branches.
#[derive(Clone, Debug)]
pub(super) struct Fork {
    branches: Vec<Branch>,
    /// Somebody has answered; only that branch is left.
    won: bool,
    told: LegPhase,
    /// The owner has hung up.
    released: Option<(Cause, Side)>,
    /// The most telling end so far.
    best: Option<(Cause, Side)>,
}

/// What a fact of a branch means for the owner's call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing new.
    Nothing,
    /// Tell the owner.
    Tell(Fact),
    /// Tell the owner; these have lost and are to give way.
    Won(Fact, Vec<CallKey>),
    /// The person has refused at one phone: the others stop ringing too.
    Refused(Vec<CallKey>),
    /// Tell the owner; the call is over.
    Over(Fact),
}

impl Fork {
    pub(super) fn new(calls: impl IntoIterator<Item = CallKey>) -> Fork {
        let branch = |call| Branch { call, early: None };
        Fork {
            branches: calls.into_iter().map(branch).collect(),
            won: false,
            told: LegPhase::Idle,
            released: None,
            best: None,
        }
    }

    /// The branches that the owner's orders are for: the winner, or all.
    pub(super) fn calls(&self) -> impl Iterator<Item = CallKey> + '_ {
        self.branches.iter().map(|branch| branch.call)
    }

    /// A branch that has not lost says something.
    pub(super) fn handle_fact(&mut self, call: CallKey, fact: Fact) -> Heard {
        let Fact::Phase { phase, cause, by, sdp } = fact else {
            return if self.won { Heard::Tell(fact) } else { Heard::Nothing };
        };
        let end = cause.zip(by);
        if self.won && phase != LegPhase::Ended {
            return Heard::Tell(Fact::Phase { phase, cause, by, sdp });
        }
        match phase {
            LegPhase::Idle
            | LegPhase::Seized
            | LegPhase::Dialing
            | LegPhase::Proceeding
            | LegPhase::Alerting => {
                // Whose early sound should be heard, nobody can say before the answer.
                if let Some(branch) = self.branches.iter_mut().find(|b| b.call == call) {
                    branch.early = sdp.or(branch.early.take());
                }
                self.further(phase)
            }
            LegPhase::Releasing => {
                self.released = self.released.or(end);
                self.further(phase)
            }
            LegPhase::Answered => self.answered(call, sdp),
            LegPhase::Ended => self.ended(call, end),
        }
    }

    /// Tells a phase that no branch has reached before.
    fn further(&mut self, phase: LegPhase) -> Heard {
        if phase <= self.told {
            return Heard::Nothing;
        }
        self.told = phase;
        let (cause, by) = self.released.unzip();
        Heard::Tell(Fact::Phase { phase, cause, by, sdp: None })
    }

    fn answered(&mut self, call: CallKey, sdp: Option<String>) -> Heard {
        let (mine, others): (Vec<Branch>, Vec<Branch>) =
            self.branches.drain(..).partition(|branch| branch.call == call);
        let early = mine.iter().find_map(|branch| branch.early.clone());
        self.branches = mine;
        self.won = true;
        let phase = LegPhase::Answered;
        let fact = Fact::Phase { phase, cause: None, by: None, sdp: sdp.or(early) };
        Heard::Won(fact, others.iter().map(|branch| branch.call).collect())
    }

    fn ended(&mut self, call: CallKey, end: Option<(Cause, Side)>) -> Heard {
        self.branches.retain(|branch| branch.call != call);
        if self.won {
            return over(end);
        }
        let telling = |end: &(Cause, Side)| core::cmp::Reverse(rank(end.0));
        self.best = self.best.into_iter().chain(end).max_by_key(telling);
        if self.branches.is_empty() {
            return over(self.released.or(self.best));
        }
        if self.released.is_none() && end == Some((Cause::CallRejected, Side::Far)) {
            self.released = end;
            return Heard::Refused(self.calls().collect());
        }
        Heard::Nothing
    }
}

fn over(end: Option<(Cause, Side)>) -> Heard {
    let (cause, by) = end.unzip();
    Heard::Over(Fact::Phase { phase: LegPhase::Ended, cause, by, sdp: None })
}

/// How much a cause tells of the person, the most telling first (after RFC 3261 §16.7 step 6).
fn rank(cause: Cause) -> u8 {
    // A contact that does not speak to us, or does not know the account, is one left behind.
    let left_behind = [
        Cause::SubscriberAbsent,
        Cause::NoUserResponding,
        Cause::NetworkOutOfOrder,
        Cause::UnallocatedNumber,
    ];
    let telling = [Cause::CallRejected, Cause::UserBusy, Cause::NoAnswer];
    match telling.iter().position(|c| *c == cause) {
        Some(place) => place as u8,
        None if left_behind.contains(&cause) => 4,
        None => 3,
    }
}
