//! Names of the things in the table: ports, players, recorders; sources, ears, gains.

use core::fmt;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            /// The place of this one in its array.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($word, " {}"), self.0)
            }
        }
    };
}

index!(
    /// One leg's place in the sound core: what it says (its receive side, a [`Source`]) and what
    /// it hears (its transmit side, an [`Ear`]). Numbers run from 0 to `Setup::ports - 1`.
    PortId, "port"
);
index!(
    /// One player of prompts, music or tones: a [`Source`]. From 0 to `Setup::players - 1`.
    PlayerId, "player"
);
index!(
    /// One stereo recorder: two [`Ear`]s. From 0 to `Setup::recorders - 1`.
    RecorderId, "recorder"
);
index!(
    /// One sound of the prompt library. From 0 to `limits::PROMPTS - 1`.
    PromptId, "prompt"
);

/// Anything that can be heard. Silence needs no name: it is an ear without rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// What the far end of a port says.
    Port(PortId),
    /// What a player plays: a prompt, music, a tone.
    Player(PlayerId),
}

/// Anything that hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ear {
    /// What is sent to the far end of a port.
    Port(PortId),
    /// One channel of a recorder.
    Recorder(RecorderId, Channel),
    /// The detector that stands beside a port (digits in band, voice onset, level). Its facts
    /// name that port, whatever it hears.
    Detector(PortId),
}

/// A channel of a stereo recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The customer.
    Left,
    /// The agent.
    Right,
}

/// How loud an ear hears a source: a linear factor in steps of 1/4096, from 0 to +18 dB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gain(i16);

impl Gain {
    /// As loud as it came.
    pub const UNITY: Gain = Gain(4096);
    /// Nothing at all; the row stays.
    pub const ZERO: Gain = Gain(0);

    /// The gain of `db` decibels, limited to +18 dB; below -72 dB it is [`Gain::ZERO`].
    #[must_use]
    pub fn from_db(db: f32) -> Gain {
        let factor = 4096.0 * 10f32.powf(db / 20.0);
        Gain(factor.round().clamp(0.0, 32767.0) as i16)
    }

    /// The factor in steps of 1/4096.
    #[must_use]
    pub const fn steps(self) -> i16 {
        self.0
    }

    /// Whether a sample passes unchanged.
    #[must_use]
    pub const fn is_unity(self) -> bool {
        self.0 == Gain::UNITY.0
    }
}

impl Default for Gain {
    fn default() -> Gain {
        Gain::UNITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_in_decibels_is_a_factor_within_its_bounds() {
        assert_eq!(Gain::from_db(0.0), Gain::UNITY);
        assert_eq!(Gain::from_db(-6.02).steps(), 2048);
        assert_eq!(Gain::from_db(40.0).steps(), 32767);
        assert_eq!(Gain::from_db(f32::NEG_INFINITY), Gain::ZERO);
        assert_eq!(Gain::from_db(f32::NAN), Gain::ZERO);
    }
}
