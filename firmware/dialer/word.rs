//! One word for one thing: an enum whose variants are stored and sent under a fixed word.

/// Declares an enum together with the word of each variant: `ALL`, `word`, `from_word`, and serde
/// by the same words. A renamed variant keeps its word; a word in a database is never reused.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
            serde::Deserialize,
        )]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every one of them, in the order in which a report lists them.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The word under which it is stored and sent.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The one stored under `word`.
            #[must_use]
            pub fn from_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|it| it.word() == word)
            }
        }
    };
}
