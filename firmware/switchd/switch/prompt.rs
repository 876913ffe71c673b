//! The prompt library by name: which sound of the sound core a [`Prompt`] is, and how long.

use std::collections::BTreeMap;

use link::Prompt;
use media::PromptId;

/// Name of the music that a held party hears; a prompt without language.
pub const MUSIC: &str = "music";
/// Name of the short tone that a seat hears as a call is joined; a prompt without language.
pub const BEEP: &str = "beep";

/// One sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Its place in the sound core.
    pub id: PromptId,
    /// How long it is, ms.
    pub length_ms: u32,
}

/// All sounds that were loaded at start.
#[derive(Clone, Debug, Default)]
pub struct Library {
    sounds: BTreeMap<Prompt, Sound>,
}

impl Library {
    /// Adds a sound.
    pub fn add(&mut self, prompt: Prompt, sound: Sound) {
        self.sounds.insert(prompt, sound);
    }

    /// The sound of this name, else the one of that name without language.
    #[must_use]
    pub fn find(&self, prompt: &Prompt) -> Option<Sound> {
        let bare = || self.sounds.get(&Prompt::new("", &prompt.name));
        self.sounds.get(prompt).or_else(bare).copied()
    }

    /// How many sounds there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sounds.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sounds.is_empty()
    }
}
