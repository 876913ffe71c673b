//! A datagram network in memory: what UDP does to packets, on purpose and repeatably.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use call::Tick;

use crate::Chance;

/// What may happen to a packet on its way.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Part of 1 that is lost.
    pub loss: f64,
    /// Part of 1 that arrives twice.
    pub doubled: f64,
    /// Shortest and longest time on the way, ms; a wide range reorders packets.
    pub delay_ms: (u64, u64),
}

impl Faults {
    /// A wire: nothing is lost, everything takes a millisecond.
    pub const NONE: Faults = Faults { loss: 0.0, doubled: 0.0, delay_ms: (1, 1) };
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// For whom it is.
    pub to: SocketAddr,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// The network: packets on their way, ordered by arrival.
#[derive(Debug)]
pub struct Net {
    faults: Faults,
    chance: Chance,
    /// By arrival, then by a count that keeps packets of one instant in order.
    on_the_way: BTreeMap<(Tick, u64), Datagram>,
    count: u64,
}

impl Net {
    /// A network with these faults and this chance.
    #[must_use]
    pub fn new(faults: Faults, chance: Chance) -> Net {
        Net { faults, chance, on_the_way: BTreeMap::new(), count: 0 }
    }

    /// Changes what happens to packets sent from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Sends a packet: it arrives once, twice or never.
    pub fn send(&mut self, now: Tick, datagram: Datagram) {
        if self.chance.happens(self.faults.loss) {
            return;
        }
        if self.chance.happens(self.faults.doubled) {
            self.put(now, datagram.clone());
        }
        self.put(now, datagram);
    }

    /// The next packet that has arrived by `now`.
    pub fn poll(&mut self, now: Tick) -> Option<Datagram> {
        let first = self.on_the_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next packet arrives.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        self.on_the_way.first_key_value().map(|((when, _), _)| *when)
    }

    fn put(&mut self, now: Tick, datagram: Datagram) {
        let (shortest, longest) = self.faults.delay_ms;
        let arrival = now + self.chance.between(shortest, longest);
        self.count += 1;
        self.on_the_way.insert((arrival, self.count), datagram);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(n: u8) -> Datagram {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Datagram { from: address(1), to: address(2), bytes: vec![n] }
    }

    fn received(faults: Faults) -> Vec<u8> {
        let mut net = Net::new(faults, Chance::new(3));
        for n in 0..200 {
            net.send(Tick(u64::from(n)), packet(n));
        }
        let mut got = Vec::new();
        while let Some(when) = net.next_timeout() {
            while let Some(datagram) = net.poll(when) {
                got.extend(datagram.bytes);
            }
        }
        got
    }

    #[test]
    fn a_wire_brings_everything_in_order() {
        assert_eq!(received(Faults::NONE), (0..200).collect::<Vec<u8>>());
    }

    #[test]
    fn a_bad_network_loses_doubles_and_reorders_the_same_packets_every_time() {
        let bad = Faults { loss: 0.2, doubled: 0.1, delay_ms: (1, 60) };
        let got = received(bad);
        assert_eq!(got, received(bad));
        assert!(!got.is_sorted());
        let mut kinds = got.clone();
        kinds.sort_unstable();
        kinds.dedup();
        assert!((130..180).contains(&kinds.len()), "{} of 200 arrived", kinds.len());
        assert!(got.len() > kinds.len(), "some arrived twice");
    }
}
