//! Secrets at rest: the key of the box in a file of its own, and AES-256-GCM under it.
//!
//! The database never holds the key, so a stolen backup tells no trunk password. A sealed secret
//! is `version (1) · nonce (12) · ciphertext and tag`; the place where it lies (table, column,
//! owner) is authenticated with it, so that a sealed password cannot be moved to another row.

use core::fmt;
use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};

use crate::error::{Error, Result};
use crate::limits::KEY_BYTES;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// A secret in clear. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The secret itself, for the one who must use it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The key of the box.
#[derive(Clone)]
pub struct BoxKey {
    cipher: Arc<Aes256Gcm>,
    bytes: Arc<[u8; KEY_BYTES]>,
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(…)")
    }
}

impl BoxKey {
    /// The key of these bytes: those of the box's key file (`link::key`), which its daemons share.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> BoxKey {
        BoxKey { cipher: Arc::new(Aes256Gcm::new(&bytes.into())), bytes: Arc::new(bytes) }
    }

    /// A key for another purpose (recordings), derived from this one: SHA-256 over a fixed label,
    /// the purpose and this key.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; KEY_BYTES] {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(b"linebox key 1\0");
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(self.bytes.as_slice());
        hash.finalize().into()
    }

    /// Seals `secret` for `place`.
    ///
    /// # Errors
    /// [`Error::Key`] when the kernel gives no randomness.
    pub fn seal(&self, place: &str, secret: &Secret) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let payload = Payload { msg: secret.0.as_bytes(), aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| Error::Key("sealing failed".into()))?;
        let mut blob = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        blob.push(VERSION);
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    /// Opens what [`BoxKey::seal`] has sealed for the same `place`.
    ///
    /// # Errors
    /// [`Error::Key`] when it was sealed by another key, for another place, or was altered.
    pub fn open(&self, place: &str, blob: &[u8]) -> Result<Secret> {
        let wrong = || Error::Key(format!("{place} was not sealed by this key"));
        let Some((&VERSION, rest)) = blob.split_first() else { return Err(wrong()) };
        let Some((nonce, sealed)) = rest.split_at_checked(NONCE_BYTES) else { return Err(wrong()) };
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let clear = self.cipher.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| wrong())?;
        String::from_utf8(clear).map(Secret).map_err(|_| wrong())
    }
}

/// Bytes from the kernel's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::Key(format!("no randomness: {e}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_whole_and_only_at_its_place() {
        let key = BoxKey::from_bytes([7; KEY_BYTES]);
        let sealed = key.seal("a", &Secret::new("hush")).unwrap();
        assert!(!sealed.windows(4).any(|w| w == b"hush"));
        assert!(key.open("b", &sealed).is_err());
        assert!(BoxKey::from_bytes([8; KEY_BYTES]).open("a", &sealed).is_err());
        for cut in 0..sealed.len() {
            assert!(key.open("a", &sealed[..cut]).is_err());
            let mut bent = sealed.clone();
            bent[cut] ^= 1;
            assert!(key.open("a", &bent).is_err());
        }
        assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(…)");
    }
}
