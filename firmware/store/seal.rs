//! Secrets at rest: the key of the box in a file of its own, and AES-256-GCM under it.
//!
//! The database never holds the key, so a stolen backup tells no trunk password. A sealed secret
//! is `version (1) · nonce (12) · ciphertext and tag`; the place where it lies (table, column,
//! owner) is authenticated with it, so that a sealed password cannot be moved to another row.

use core::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
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
    /// The key in `path`; made there (readable by its owner alone) when there is none yet.
    ///
    /// # Errors
    /// [`Error::Key`] when it cannot be read or made, is not a key, or others may read it.
    pub fn open_or_create(path: &Path) -> Result<BoxKey> {
        match File::open(path) {
            Ok(file) => read_key(file, path),
            Err(e) if e.kind() == ErrorKind::NotFound => create_key(path),
            Err(e) => Err(key_error(path, &e.to_string())),
        }
    }

    /// A key of given bytes: for simulated worlds.
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

fn read_key(mut file: File, path: &Path) -> Result<BoxKey> {
    let fail = |e: std::io::Error| key_error(path, &e.to_string());
    let mode = file.metadata().map_err(fail)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(key_error(path, "others may read it: chmod 600"));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    let bytes = bytes.try_into().map_err(|_| key_error(path, "it is not 32 bytes long"))?;
    Ok(BoxKey::from_bytes(bytes))
}

/// Writes a new key beside its place and renames it there, so that a power cut leaves no half key.
fn create_key(path: &Path) -> Result<BoxKey> {
    let fail = |e: std::io::Error| key_error(path, &e.to_string());
    let bytes: [u8; KEY_BYTES] = random()?;
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(fail)?;
    file.write_all(&bytes).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    std::fs::rename(&fresh, path).map_err(fail)?;
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        File::open(folder).and_then(|f| f.sync_all()).map_err(fail)?;
    }
    Ok(BoxKey::from_bytes(bytes))
}

fn key_error(path: &Path, why: &str) -> Error {
    Error::Key(format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box.key");
        let key = BoxKey::open_or_create(&path).unwrap();
        let sealed = key.seal("trunks.secret/1", &Secret::new("hush")).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = BoxKey::open_or_create(&path).unwrap();
        assert_eq!(again.open("trunks.secret/1", &sealed).unwrap().reveal(), "hush");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(BoxKey::open_or_create(&path), Err(Error::Key(_))));
    }

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
