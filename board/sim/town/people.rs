//! Who lives in the town and what they are like.

use std::net::SocketAddr;

use call::Tick;
use signal::sip::sdp::Codec;

use super::exchange::{Bad, Span};
use super::subscriber::Subscriber;
use crate::tones::Nation;
use crate::voice::Language;

const HOUR_MS: u64 = 3_600_000;

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
    /// Whose tones the network has.
    pub tones: Nation,
    /// How long the day was old at tick 0 where the subscribers live, in milliseconds.
    pub day_ms: u64,
    /// The customers, whatever line reaches them. A single number decides before a range, a narrow
    /// range before a wide one, a range before a prefix, a long prefix before a short one; of
    /// equals the first.
    pub subscribers: Vec<Subscriber>,
    /// The plugs of the exchange.
    pub spans: Vec<Span>,
    /// How bad the exchange is.
    pub bad: Bad,
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
            tones: Nation::China,
            day_ms: 0,
            subscribers: Vec::new(),
            spans: Vec::new(),
            bad: Bad::NONE,
        }
    }

    /// `ms` under the town's scale.
    #[must_use]
    pub fn scaled_ms(&self, ms: u64) -> u64 {
        (ms as f64 / self.scale) as u64
    }

    /// The hour of the day, 0 to 23, where the subscribers live.
    #[must_use]
    pub const fn hour(&self, now: Tick) -> usize {
        (self.day_ms.saturating_add(now.0) / HOUR_MS % 24) as usize
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_goes_round_the_day() {
        let at = SocketAddr::from(([127, 0, 0, 1], 5070));
        let setup = Setup { day_ms: 10 * HOUR_MS + 1, ..Setup::quiet(7, at, at) };
        let hours = [0, HOUR_MS - 2, HOUR_MS - 1, 14 * HOUR_MS];
        assert_eq!(hours.map(|ms| setup.hour(Tick(ms))), [10, 10, 11, 0]);
    }
}
