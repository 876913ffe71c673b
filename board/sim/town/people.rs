//! Who lives in the town and what they are like.

use std::net::SocketAddr;

use signal::sip::sdp::Codec;

use super::chance::Chance;
use crate::voice::Language;

/// The whole town, as the model file or a scenario describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The same seed makes the same town.
    pub seed: u64,
    /// The seed of tags and branches. It must differ from run to run where the box outlives a run,
    /// because it still remembers the dialogs of the run before.
    pub words: u64,
    /// 2.0 halves the times of ringing, talking and resting.
    pub scale: f64,
    /// Whether facts about sound come in. Without, agents act after fixed waits.
    pub hears: bool,
    /// Where the carrier hears SIP.
    pub carrier: SocketAddr,
    /// Where the box hears SIP.
    pub linebox: SocketAddr,
    /// UDP port of sound port 0; sound port *i* is at `rtp_first + 2 i`, at the carrier's address.
    pub rtp_first: u16,
    /// How many sound ports there are.
    pub rtp_ports: u16,
    /// What the agents speak.
    pub language: Language,
    /// The codec that the town would rather speak.
    pub codec: Codec,
    /// The trunks that the carrier gives to the box.
    pub trunks: Vec<Trunk>,
    /// The agents' phones.
    pub phones: Vec<Phone>,
    /// The customers; the longest prefix that matches decides, of equals the first.
    pub subscribers: Vec<Subscriber>,
}

impl Setup {
    /// A town of its own with nobody in it: the carrier at `carrier`, the box at `linebox`, no
    /// sound, sixty-four sound ports from 11000.
    #[must_use]
    pub const fn quiet(seed: u64, carrier: SocketAddr, linebox: SocketAddr) -> Setup {
        Setup {
            seed,
            words: seed,
            scale: 1.0,
            hears: false,
            carrier,
            linebox,
            rtp_first: 11_000,
            rtp_ports: 64,
            language: Language::Zh,
            codec: Codec::Pcma,
            trunks: Vec::new(),
            phones: Vec::new(),
            subscribers: Vec::new(),
        }
    }

    /// `ms` under the town's scale.
    #[must_use]
    pub fn scaled_ms(&self, ms: u64) -> u64 {
        (ms as f64 / self.scale) as u64
    }

    /// The first of the longest prefixes that match `number`.
    #[must_use]
    pub fn subscriber(&self, number: &str) -> Option<&Subscriber> {
        let matching = self.subscribers.iter().filter(|s| number.starts_with(plain(&s.numbers)));
        matching.rev().max_by_key(|s| plain(&s.numbers).len())
    }
}

/// A trunk of the box at the town's carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trunk {
    /// Its name.
    pub name: String,
    /// Whether the box must register it and prove itself. Else its address is enough.
    pub register: bool,
    /// The user name of the digest.
    pub username: String,
    /// The password.
    pub secret: String,
}

/// A simulated phone with its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Where it hears SIP. Each phone has an address of its own.
    pub address: SocketAddr,
    /// The box's account: user name of the address of record and of the digest.
    pub account: String,
    /// Its password.
    pub secret: String,
    /// The agent's number, keyed at sign-in.
    pub agent: String,
    /// The agent's PIN, keyed at sign-in.
    pub pin: String,
    /// The agent's name.
    pub name: String,
    /// Who decides what the agent does.
    pub habit: Habit,
}

/// Who decides what an agent does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Habit {
    /// The agent: signs in, stays off hook, talks, presses digits, signs in again.
    #[default]
    Works,
    /// The scenario. The phone registers and answers whoever calls; everything else is ordered.
    Waits,
}

/// Customers with numbers that begin alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscriber {
    /// A prefix, E.164.
    pub numbers: String,
    /// How the calls fare.
    pub chances: Chances,
    /// From 180 to the answer (or the refusal): shortest and longest, in milliseconds.
    pub ring_ms: (u64, u64),
    /// From the answer until the customer hangs up, in milliseconds.
    pub talk_ms: (u64, u64),
    /// The carrier sends ring-back tone as early media (183) in place of 180 alone.
    pub ring_back: bool,
}

impl Subscriber {
    /// Customers who all answer after a second and talk for ten, at numbers that begin so.
    #[must_use]
    pub fn answering(numbers: &str) -> Subscriber {
        Subscriber {
            numbers: numbers.to_owned(),
            chances: Chances { answer: 1.0, ..Chances::default() },
            ring_ms: (1_000, 1_000),
            talk_ms: (10_000, 10_000),
            ring_back: false,
        }
    }

    /// What becomes of one call.
    #[must_use]
    pub fn draw(&self, chance: &mut Chance) -> Lot {
        Lot {
            fate: self.chances.draw(chance),
            ring_ms: chance.between(self.ring_ms.0, self.ring_ms.1),
            talk_ms: chance.between(self.talk_ms.0, self.talk_ms.1),
            ring_back: self.ring_back,
        }
    }
}

/// Parts of 1; what is left over rings out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chances {
    /// A person answers.
    pub answer: f64,
    /// 486.
    pub busy: f64,
    /// It rings, and then 603.
    pub refuse: f64,
    /// An announcement in early media, and then 404.
    pub unallocated: f64,
    /// A machine answers.
    pub machine: f64,
}

impl Chances {
    /// All chances with the fate of each.
    #[must_use]
    pub const fn parts(&self) -> [(f64, Fate); 5] {
        [
            (self.answer, Fate::Answers),
            (self.busy, Fate::Busy),
            (self.refuse, Fate::Refuses),
            (self.unallocated, Fate::Unallocated),
            (self.machine, Fate::Machine),
        ]
    }

    fn draw(&self, chance: &mut Chance) -> Fate {
        let mut left = chance.part();
        for (part, fate) in self.parts() {
            if left < part {
                return fate;
            }
            left -= part;
        }
        Fate::RingsOut
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// A person answers, talks and hangs up.
    Answers,
    /// 486 at once.
    Busy,
    /// It rings, and then 603.
    Refuses,
    /// The network says in early media that the number does not exist, and then 404.
    Unallocated,
    /// A machine answers with a greeting and a beep, and listens.
    Machine,
    /// It rings until the caller gives up.
    RingsOut,
}

/// What was drawn for one call, before the town's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// What becomes of it.
    pub fate: Fate,
    /// From 180 to the answer or the refusal, in milliseconds.
    pub ring_ms: u64,
    /// From the answer until this side hangs up, in milliseconds.
    pub talk_ms: u64,
    /// Ring-back tone as early media.
    pub ring_back: bool,
}

impl Lot {
    /// This fate, decided after a second, with ten seconds of talk.
    #[must_use]
    pub const fn sure(fate: Fate) -> Lot {
        Lot { fate, ring_ms: 1_000, talk_ms: 10_000, ring_back: false }
    }
}

/// A number as the town compares it: digits alone, without plus sign or `00`.
#[must_use]
pub fn plain(number: &str) -> &str {
    let digits = number.strip_prefix('+').unwrap_or(number);
    digits.strip_prefix("00").unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn town() -> Setup {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mut setup = Setup::quiet(7, at(5070), at(5060));
        for numbers in ["+86138", "+8613800", "+8613800", "+8610"] {
            setup.subscribers.push(Subscriber::answering(numbers));
        }
        setup.subscribers[1].talk_ms = (1, 1);
        setup
    }

    #[test]
    fn the_longest_prefix_decides_and_of_equals_the_first() {
        let setup = town();
        let found = setup.subscriber("8613800001111").unwrap();
        assert_eq!((found.numbers.as_str(), found.talk_ms), ("+8613800", (1, 1)));
        assert_eq!(setup.subscriber("8613900001111"), None);
        assert_eq!(setup.subscriber("86138").unwrap().numbers, "+86138");
    }

    #[test]
    fn fates_come_about_as_often_as_they_are_told_to() {
        let chances =
            Chances { answer: 0.6, busy: 0.1, refuse: 0.05, unallocated: 0.05, machine: 0.05 };
        let subscriber = Subscriber { chances, ..Subscriber::answering("+86") };
        let root = Chance::new(3);
        let mut counts = std::collections::BTreeMap::<Fate, u32>::new();
        for n in 0..20_000 {
            let lot = subscriber.draw(&mut root.branch(&n.to_string()));
            *counts.entry(lot.fate).or_default() += 1;
        }
        for (part, fate) in chances.parts().into_iter().chain([(0.15, Fate::RingsOut)]) {
            let found = f64::from(counts[&fate]) / 20_000.0;
            assert!((found - part).abs() < 0.01, "{fate:?}: {found}");
        }
    }
}
