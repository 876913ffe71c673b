//! What can be heard in the town: short sentences, made once by `voices/make.sh` and part of the
//! program.

use media::PromptId;
use media::wav::{Wav, WavError};

/// Language of a voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Mandarin.
    #[default]
    Zh,
    /// English.
    En,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        /// What is said.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Words {
            $($(#[$doc])* $name,)*
        }

        impl Words {
            /// All of them.
            pub const ALL: &'static [Words] = &[$(Words::$name,)*];
        }

        impl Voice {
            /// The sound file: 8 kHz, A-law, one channel.
            #[must_use]
            pub const fn wav(self) -> &'static [u8] {
                match (self.language, self.words) {
                    $(
                        (Language::Zh, Words::$name) =>
                            include_bytes!(concat!("voices/zh/", $file, ".wav")),
                        (Language::En, Words::$name) =>
                            include_bytes!(concat!("voices/en/", $file, ".wav")),
                    )*
                }
            }
        }
    };
}

words! {
    /// A person picks up.
    Hello = "hello";
    /// A person asks who calls.
    Customer1 = "customer1";
    /// A person asks for the price.
    Customer2 = "customer2";
    /// A person has not understood.
    Customer3 = "customer3";
    /// A person has understood.
    Customer4 = "customer4";
    /// An answering machine; its beep follows.
    Machine = "machine";
    /// The network: the number does not exist.
    DeadNumber = "dead_number";
    /// An agent greets.
    Agent1 = "agent1";
    /// An agent asks.
    Agent2 = "agent2";
    /// An agent writes something down.
    Agent3 = "agent3";
    /// An agent thanks.
    Agent4 = "agent4";
}

impl Words {
    /// What a customer says in the course of a talk.
    pub const CUSTOMER: [Words; 4] =
        [Words::Customer1, Words::Customer2, Words::Customer3, Words::Customer4];
    /// What an agent says in the course of a talk; the greeting is first.
    pub const AGENT: [Words; 4] = [Words::Agent1, Words::Agent2, Words::Agent3, Words::Agent4];
}

/// One sound of the town.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Voice {
    /// In which language.
    pub language: Language,
    /// What.
    pub words: Words,
}

impl Voice {
    /// Every voice.
    pub fn all() -> impl Iterator<Item = Voice> {
        [Language::Zh, Language::En]
            .into_iter()
            .flat_map(|language| Words::ALL.iter().map(move |&words| Voice { language, words }))
    }

    /// How long it lasts, in milliseconds, give or take the file's header.
    #[must_use]
    pub const fn length_ms(self) -> u64 {
        self.wav().len() as u64 / 8
    }

    /// Its place in the library of the sound core.
    #[must_use]
    pub fn prompt(self) -> PromptId {
        let at = Words::ALL.iter().position(|&words| words == self.words).unwrap_or(0);
        let first = match self.language {
            Language::Zh => 0,
            Language::En => Words::ALL.len(),
        };
        PromptId((first + at) as u16)
    }

    /// Its samples at 8 kHz.
    ///
    /// # Errors
    /// The file is none; only a broken build has such a one.
    pub fn samples(self) -> Result<Vec<i16>, WavError> {
        Wav::parse(self.wav()).map(|wav| wav.to_prompt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_voice_is_a_sound_with_a_place_of_its_own() {
        let mut places = Vec::new();
        for voice in Voice::all() {
            let samples = voice.samples().unwrap();
            let exact_ms = samples.len() as u64 / 8;
            assert!(voice.length_ms().abs_diff(exact_ms) < 12, "{voice:?}");
            let level = media::detect::level_dbm0(&samples);
            assert!((-22..=-10).contains(&level), "{voice:?}: {level} dBm0");
            places.push(voice.prompt());
        }
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), Voice::all().count());
    }

    #[test]
    fn only_recordings_are_longer_than_a_person_speaks() {
        for voice in Voice::all() {
            let recorded = matches!(voice.words, Words::Machine | Words::DeadNumber);
            assert_eq!(voice.length_ms() > 3_000, recorded, "{voice:?}");
        }
    }
}
