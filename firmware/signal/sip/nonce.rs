//! Nonces of our digest challenges (RFC 7616 §3.3, §5.12): made, recognised, aged, never replayed.
//!
//! A nonce carries its own birth and a mark that only we can make, so an unanswered challenge
//! costs no memory and a flood of them fills no table. Only a nonce that somebody has used
//! correctly is written down, with the highest nonce count seen. When that table is full the
//! oldest is forgotten, and from then on every nonce as old as it counts as stale: a forgotten
//! count can never be replayed.

use std::collections::BTreeMap;

use call::Tick;

use super::token::Tokens;
use crate::limits::{NONCE_LIFE_MS, NONCES_MAX};

/// What a nonce is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Ours, young, and this count was never used.
    Good,
    /// Ours but too old: challenge again with `stale=true`, the password may be right.
    Stale,
    /// Ours, but this count (or a higher one) was used before: somebody repeats what they heard.
    Replayed,
    /// Not ours, or from before our restart.
    Foreign,
}

/// Maker and judge of nonces.
#[derive(Clone, Debug)]
pub struct Nonces {
    tokens: Tokens,
    /// Keyed by birth and nonce, so that the oldest is first; the value is the highest count.
    used: BTreeMap<(Tick, String), u32>,
    /// Nonces born up to here are stale, because a count of that age was forgotten.
    forgotten: Option<Tick>,
}

impl Nonces {
    /// A maker whose nonces nobody without the seed can make.
    #[must_use]
    pub const fn new(tokens: Tokens) -> Nonces {
        Nonces { tokens, used: BTreeMap::new(), forgotten: None }
    }

    /// A fresh nonce: birth, word and mark in hexadecimal digits.
    pub fn make(&mut self, now: Tick) -> String {
        let body = format!("{:x}-{}", now.0, self.tokens.word());
        let mark = self.tokens.mark(&body);
        format!("{body}-{mark}")
    }

    /// What `nonce` with this count is worth; takes nothing down. A client of RFC 2069 sends no
    /// count, which is as good as 1: each nonce serves it once.
    #[must_use]
    pub fn judge(&self, now: Tick, nonce: &str, count: Option<u32>) -> Worth {
        let Some(born) = self.born(nonce) else { return Worth::Foreign };
        let key = (born, nonce.to_owned());
        let too_old = now.since_ms(born) > NONCE_LIFE_MS || born > now;
        match self.used.get(&key) {
            Some(highest) if count.unwrap_or(1) <= *highest => Worth::Replayed,
            Some(_) if too_old => Worth::Stale,
            Some(_) => Worth::Good,
            None if too_old || self.forgotten.is_some_and(|at| born <= at) => Worth::Stale,
            None => Worth::Good,
        }
    }

    /// The credentials with this nonce were right: its counts up to this one are used up.
    pub fn use_up(&mut self, now: Tick, nonce: &str, count: Option<u32>) {
        let Some(born) = self.born(nonce) else { return };
        while self
            .used
            .first_key_value()
            .is_some_and(|((born, _), _)| now.since_ms(*born) > NONCE_LIFE_MS)
        {
            self.used.pop_first();
        }
        self.used.insert((born, nonce.to_owned()), count.unwrap_or(1));
        if self.used.len() > NONCES_MAX {
            let oldest = self.used.pop_first().map(|((born, _), _)| born);
            self.forgotten = self.forgotten.max(oldest);
        }
    }

    /// When this nonce was made, if we made it.
    fn born(&self, nonce: &str) -> Option<Tick> {
        let (body, mark) = nonce.rsplit_once('-')?;
        let genuine = self.tokens.mark(body) == mark;
        let (born, _) = body.split_once('-')?;
        if genuine { u64::from_str_radix(born, 16).ok().map(Tick) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonces() -> Nonces {
        Nonces::new(Tokens::new([1; 32]))
    }

    #[test]
    fn a_count_is_good_once_and_only_upwards() {
        let mut n = nonces();
        let nonce = n.make(Tick(5));
        assert_eq!(n.judge(Tick(6), &nonce, Some(1)), Worth::Good);
        n.use_up(Tick(6), &nonce, Some(1));
        assert_eq!(n.judge(Tick(7), &nonce, Some(1)), Worth::Replayed);
        assert_eq!(n.judge(Tick(7), &nonce, Some(3)), Worth::Good);
        n.use_up(Tick(7), &nonce, Some(3));
        assert_eq!(n.judge(Tick(8), &nonce, Some(2)), Worth::Replayed);
        assert_eq!(n.judge(Tick(8), &nonce, None), Worth::Replayed);
    }

    #[test]
    fn an_old_nonce_is_stale_and_an_invented_one_is_foreign() {
        let mut n = nonces();
        let nonce = n.make(Tick(5));
        let late = Tick(6 + NONCE_LIFE_MS);
        assert_eq!(n.judge(late, &nonce, Some(1)), Worth::Stale);
        let mut other = Nonces::new(Tokens::new([2; 32]));
        for foreign in [other.make(Tick(5)).as_str(), "", "-", "5-x-y", "zz"] {
            assert_eq!(n.judge(Tick(6), foreign, Some(1)), Worth::Foreign);
        }
    }

    #[test]
    fn a_full_table_forgets_the_oldest_and_never_takes_it_again() {
        let mut n = nonces();
        let first = n.make(Tick(0));
        n.use_up(Tick(0), &first, Some(1));
        for t in 1..=NONCES_MAX as u64 {
            let nonce = n.make(Tick(t));
            n.use_up(Tick(t), &nonce, Some(1));
        }
        assert_eq!(n.used.len(), NONCES_MAX);
        assert_eq!(n.judge(Tick(9_999), &first, Some(1)), Worth::Stale);
        assert_eq!(n.judge(Tick(9_999), &first, Some(2)), Worth::Stale);
    }
}
