//! What a D-channel is told about itself, and what its owner says of a call.

use crate::q921;
use crate::q931::timer::Timers;
use crate::q931::wire::{Party, Redirecting};

/// In which order free channels are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hunt {
    /// The lowest free time slot. The usual order of a network.
    Ascending,
    /// The highest free time slot. The usual order of a user, so that the two sides rarely meet.
    Descending,
    /// The free time slot with the fewest calls so far.
    LeastUsed,
}

/// Everything that can be changed while it runs, except the role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which side of the interface we play. A change takes a new D-channel.
    pub role: q921::Role,
    /// The data link. A change takes a new D-channel.
    pub link: q921::Settings,
    /// The timers of Q.931.
    pub timers: Timers,
    /// Time slots that carry calls: 1 to 31 without 16.
    pub channels: Vec<u8>,
    /// In which order we take them.
    pub hunt: Hunt,
    /// A called number without "sending complete" is taken digit by digit (§5.2.4); otherwise what
    /// stands in the SETUP is the whole number.
    pub overlap: bool,
    /// All channels are restarted when the link comes up for the first time (§5.5), as European
    /// networks do.
    pub restart_at_start: bool,
}

impl Config {
    /// The standard's defaults for one side of a whole E1.
    #[must_use]
    pub fn new(role: q921::Role) -> Config {
        let (timers, hunt) = match role {
            q921::Role::User => (Timers::USER, Hunt::Descending),
            q921::Role::Network => (Timers::NETWORK, Hunt::Ascending),
        };
        Config {
            role,
            link: q921::Settings::default(),
            timers,
            channels: (1..=31).filter(|slot| *slot != 16).collect(),
            hunt,
            overlap: false,
            restart_at_start: false,
        }
    }
}

/// Which channel a new call is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelWish {
    /// Any free one, in the order of [`Hunt`]; another one if the far end takes it in the same
    /// instant.
    #[default]
    Any,
    /// This time slot, or another one if the far end wants so.
    Preferred(u8),
    /// This time slot and no other.
    Exclusive(u8),
}

/// A call to be made, or one that has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallSetup {
    /// Whom it is for. When digits are still missing, the first of them.
    pub called: Option<Party>,
    /// Who calls, with presentation and screening. Sent as given: whether the number is ours to
    /// show is the owner's business.
    pub calling: Option<Party>,
    /// Who was called first, if the call was forwarded.
    pub redirecting: Option<Redirecting>,
    /// A name to be shown.
    pub display: Option<String>,
    /// Which channel. Of a call that has come: the one it has.
    pub channel: ChannelWish,
    /// The number is complete.
    pub complete: bool,
    /// The call does not come from an ISDN telephone, or tones may be heard in the channel
    /// (progress indicator 1, 2 or 8). Sent as 1.
    pub inband: bool,
}
