//! What is said, and how an answer by digits is collected.

/// A recorded prompt. Its word is the name of its file in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prompt {
    /// "Please enter your agent number, then the hash key."
    AgentNumber,
    /// "Please enter your PIN, then the hash key."
    Pin,
    /// "You are signed in."
    SignedIn,
    /// "You are signed out."
    SignedOut,
    /// "You are ready."
    Ready,
    /// "You are paused."
    Paused,
    /// "The number or the PIN is wrong."
    WrongNumberOrPin,
    /// "Please try again."
    TryAgain,
    /// "Goodbye."
    Goodbye,
    /// "This is not possible now."
    NotAvailable,
    /// "Please enter the result of the call."
    Disposition,
    /// "Saved."
    Saved,
}

impl Prompt {
    /// Every prompt: the files that a language must have.
    pub const ALL: [Prompt; 12] = [
        Prompt::AgentNumber,
        Prompt::Pin,
        Prompt::SignedIn,
        Prompt::SignedOut,
        Prompt::Ready,
        Prompt::Paused,
        Prompt::WrongNumberOrPin,
        Prompt::TryAgain,
        Prompt::Goodbye,
        Prompt::NotAvailable,
        Prompt::Disposition,
        Prompt::Saved,
    ];

    /// The name of its file, without language and extension.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Prompt::AgentNumber => "agent_number",
            Prompt::Pin => "pin",
            Prompt::SignedIn => "signed_in",
            Prompt::SignedOut => "signed_out",
            Prompt::Ready => "ready",
            Prompt::Paused => "paused",
            Prompt::WrongNumberOrPin => "wrong_number_or_pin",
            Prompt::TryAgain => "try_again",
            Prompt::Goodbye => "goodbye",
            Prompt::NotAvailable => "not_available",
            Prompt::Disposition => "disposition",
            Prompt::Saved => "saved",
        }
    }
}

/// How digits are collected. The first digit stops whatever is being played; collecting itself is
/// switchd's, so that it goes on when nobody else is quick enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collect {
    /// So many digits end it.
    pub digits_max: u8,
    /// The hash key ends it; it is not part of the answer.
    pub hash_ends: bool,
    /// How long to wait for the first digit after the last prompt, in milliseconds.
    pub first_ms: u64,
    /// How long to wait between two digits, in milliseconds.
    pub next_ms: u64,
}

/// How collecting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectEnd {
    /// By the hash key.
    Hash,
    /// By the last digit.
    Full,
    /// By silence: nothing more was dialled in time.
    Silence,
}
