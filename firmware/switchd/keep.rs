//! The last desired state on disk, sealed with the box's key because trunk passwords are in it.
//!
//! ```text
//! <data>/switchd/desired    nonce 12 · AES-256-GCM of the document as JSON · tag 16
//! ```

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use link::DesiredState;
use link::key::BoxKey;

use crate::journal::file::{JournalError, replace};

const NONCE_BYTES: usize = 12;

/// Keeps the newest document. Cloned for the thread that writes.
#[derive(Clone)]
pub struct Keeper {
    path: PathBuf,
    key: BoxKey,
    /// The version on disk: two writers never put an older one over a newer.
    written: Arc<Mutex<u64>>,
}

impl Keeper {
    /// Keeps it in `folder`.
    #[must_use]
    pub fn new(folder: &Path, key: BoxKey) -> Keeper {
        Keeper { path: folder.join("desired"), key, written: Arc::default() }
    }

    /// The document kept last; `None` on a fresh box, and where the file is not readable with this
    /// key: centerd will push it again.
    #[must_use]
    pub fn load(&self) -> Option<DesiredState> {
        let sealed = fs::read(&self.path).ok()?;
        let (nonce, text) = sealed.split_at_checked(NONCE_BYTES)?;
        let plain = self.cipher().decrypt(Nonce::from_slice(nonce), text).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// Writes a document and waits until it is on disk.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn keep(&self, desired: &DesiredState) -> Result<(), JournalError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if desired.version <= *written {
            return Ok(());
        }
        let failed = |source| JournalError { path: self.path.clone(), source };
        let plain = serde_json::to_vec(desired).map_err(|e| failed(io::Error::other(e)))?;
        let mut bytes = vec![0; NONCE_BYTES];
        getrandom::fill(&mut bytes).map_err(|e| failed(io::Error::other(e.to_string())))?;
        let sealed = self
            .cipher()
            .encrypt(Nonce::from_slice(&bytes), plain.as_slice())
            .map_err(|_| failed(io::Error::other("the document is too large to seal")))?;
        bytes.extend_from_slice(&sealed);
        replace(&self.path, &bytes)?;
        *written = desired.version;
        Ok(())
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&self.key.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(version: u64) -> DesiredState {
        DesiredState { version, realm: "secret-realm".to_owned(), ..DesiredState::default() }
    }

    #[test]
    fn the_newest_document_is_kept_and_nobody_else_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(dir.path(), BoxKey([1; 32]));
        assert_eq!(keeper.load(), None);
        keeper.keep(&desired(2)).unwrap();
        keeper.keep(&desired(1)).unwrap();
        assert_eq!(keeper.load(), Some(desired(2)));
        assert_eq!(Keeper::new(dir.path(), BoxKey([2; 32])).load(), None);
        let bytes = fs::read(dir.path().join("desired")).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"secret"));
    }
}
