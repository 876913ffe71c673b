//! Who may knock how often: token buckets before anything is parsed.
//!
//! A flood from strangers must not cost a registered phone or a trunk its service, so the two have
//! separate purses: a stranger spends from its own bucket and from one that all strangers share; a
//! known source (a trunk, a phone with a live registration) spends only from its own, larger one.
//! An empty bucket drops the datagram without an answer: an answer would make us a reflector.

use std::collections::BTreeMap;
use std::net::IpAddr;

use call::Tick;

use crate::limits::{
    KNOWN_BURST, KNOWN_PER_S, SOURCES_MAX, STRANGER_BURST, STRANGER_PER_S, STRANGERS_BURST,
    STRANGERS_PER_S,
};

/// A bucket that fills by so many tokens a second up to its burst. Counts thousandths, so that a
/// millisecond adds exactly the rate.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    milli_tokens: u64,
    at: Tick,
}

impl Bucket {
    const fn full(now: Tick, burst: u64) -> Bucket {
        Bucket { milli_tokens: burst * 1_000, at: now }
    }

    fn take(&mut self, now: Tick, per_s: u64, burst: u64) -> bool {
        let gained = now.since_ms(self.at).saturating_mul(per_s);
        self.milli_tokens = self.milli_tokens.saturating_add(gained).min(burst * 1_000);
        self.at = self.at.max(now);
        let enough = self.milli_tokens >= 1_000;
        if enough {
            self.milli_tokens -= 1_000;
        }
        enough
    }
}

/// The door before the parser.
#[derive(Clone, Debug)]
pub struct Admission {
    strangers: Bucket,
    sources: BTreeMap<IpAddr, Bucket>,
    dropped: u64,
}

impl Admission {
    /// A door with full buckets.
    #[must_use]
    pub fn new(now: Tick) -> Admission {
        let strangers = Bucket::full(now, STRANGERS_BURST);
        Admission { strangers, sources: BTreeMap::new(), dropped: 0 }
    }

    /// Whether one datagram from `source` may come in. `known` is a trunk or a registered phone.
    pub fn admit(&mut self, now: Tick, source: IpAddr, known: bool) -> bool {
        let (per_s, burst) =
            if known { (KNOWN_PER_S, KNOWN_BURST) } else { (STRANGER_PER_S, STRANGER_BURST) };
        if !self.sources.contains_key(&source) {
            self.make_room();
        }
        let bucket = self.sources.entry(source).or_insert(Bucket::full(now, burst));
        let admitted = bucket.take(now, per_s, burst)
            && (known || self.strangers.take(now, STRANGERS_PER_S, STRANGERS_BURST));
        self.dropped += u64::from(!admitted);
        admitted
    }

    /// Datagrams that were dropped since the start.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Forgets the source that has been quiet for longest. Its full bucket is no gift: whoever
    /// sends from many sources still spends from the strangers' common bucket.
    fn make_room(&mut self) {
        if self.sources.len() < SOURCES_MAX {
            return;
        }
        let quietest = self.sources.iter().min_by_key(|(_, bucket)| bucket.at).map(|(ip, _)| *ip);
        if let Some(ip) = quietest {
            self.sources.remove(&ip);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn ip(n: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + n).into()
    }

    fn admitted(door: &mut Admission, now: Tick, source: IpAddr, known: bool, of: u64) -> u64 {
        (0..of).filter(|_| door.admit(now, source, known)).count() as u64
    }

    #[test]
    fn a_stranger_has_a_burst_and_then_a_rate() {
        let mut door = Admission::new(Tick::ZERO);
        let first = admitted(&mut door, Tick::ZERO, ip(1), false, 10_000);
        assert_eq!(first, STRANGER_BURST);
        assert_eq!(door.dropped(), 10_000 - STRANGER_BURST);
        let second = admitted(&mut door, Tick(1_000), ip(1), false, 10_000);
        assert_eq!(second, STRANGER_PER_S);
    }

    #[test]
    fn a_flood_from_many_strangers_leaves_a_trunk_its_service() {
        let mut door = Admission::new(Tick::ZERO);
        let flood: u64 =
            (0..20_000).map(|n| admitted(&mut door, Tick::ZERO, ip(n), false, 2)).sum();
        assert_eq!(flood, STRANGERS_BURST);
        assert!(door.sources.len() <= SOURCES_MAX);
        assert_eq!(admitted(&mut door, Tick::ZERO, ip(90_000), true, 1_000), 1_000);
    }
}
