//! Tags, branches, call ids and nonces: words that nobody can guess and a seed can repeat.
//!
//! Each word is a keyed hash of a counter, so that whoever sees one cannot tell the next
//! (RFC 3261 §19.3 asks 32 bits of randomness of a tag). The seed comes from the owner: from the
//! kernel in the box, from the scenario in the simulated world.

use sha2::{Digest, Sha256};

/// The key of a generator, 256 bits.
pub type Seed = [u8; 32];

/// A generator of unguessable words.
#[derive(Clone)]
pub struct Tokens {
    seed: Seed,
    count: u64,
}

impl core::fmt::Debug for Tokens {
    /// The seed is a secret: whoever has it can forge nonces.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tokens").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Tokens {
    /// A generator that repeats itself for the same seed.
    #[must_use]
    pub const fn new(seed: Seed) -> Tokens {
        Tokens { seed, count: 0 }
    }

    /// A generator of its own for another purpose.
    #[must_use]
    pub fn fork(&self, purpose: &str) -> Tokens {
        Tokens::new(keyed_hash(&self.seed, &[b"fork", purpose.as_bytes()]))
    }

    /// The next word: 16 hexadecimal digits, 64 bits.
    pub fn word(&mut self) -> String {
        self.count += 1;
        hex(&keyed_hash(&self.seed, &[b"word", &self.count.to_be_bytes()]), 8)
    }

    /// A mark that only the holder of the seed can put on `text`: 32 hexadecimal digits.
    #[must_use]
    pub fn mark(&self, text: &str) -> String {
        hex(&keyed_hash(&self.seed, &[b"mark", text.as_bytes()]), 16)
    }
}

/// SHA-256 over the key twice and parts of known length, so that no part slides into the next.
fn keyed_hash(key: &Seed, parts: &[&[u8]]) -> Seed {
    let mut inner = Sha256::new();
    inner.update(key);
    for part in parts {
        inner.update((part.len() as u64).to_be_bytes());
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(key);
    outer.update(inner.finalize());
    outer.finalize().into()
}

fn hex(bytes: &[u8], count: usize) -> String {
    use core::fmt::Write;
    bytes.iter().take(count).fold(String::with_capacity(2 * count), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_words_and_no_word_comes_twice() {
        let (mut a, mut b) = (Tokens::new([7; 32]), Tokens::new([7; 32]));
        let words: Vec<String> = (0..100).map(|_| a.word()).collect();
        assert!(words.iter().all(|word| *word == b.word()));
        let distinct: std::collections::BTreeSet<&String> = words.iter().collect();
        assert_eq!(distinct.len(), 100);
        assert_ne!(Tokens::new([8; 32]).word(), words[0]);
    }

    #[test]
    fn forks_and_marks_depend_on_the_seed_and_on_the_purpose() {
        let a = Tokens::new([7; 32]);
        assert_ne!(a.fork("tag").word(), a.fork("branch").word());
        assert_eq!(a.mark("x"), a.clone().mark("x"));
        assert_ne!(a.mark("x"), Tokens::new([8; 32]).mark("x"));
    }
}
