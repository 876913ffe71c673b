//! The box's key: 32 random bytes in a file that only the box's user may read.
//!
//! It seals recordings (by switchd) and secrets in the database (by centerd). Whichever daemon
//! starts first on a fresh box makes it. It is never sent anywhere and never logged.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// 32 bytes; `Debug` shows nothing of them.
#[derive(Clone)]
pub struct BoxKey(pub [u8; 32]);

impl core::fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BoxKey(..)")
    }
}

/// The key file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is there and is not a key. It must never be replaced in silence: recordings and
    /// secrets are sealed with it.
    #[error("{0}: not a box key (32 bytes); restore it from the backup")]
    NotAKey(PathBuf),
    /// Reading or making it failed.
    #[error("{path}: {source}; check the owner and the rights of the data folder")]
    Io {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no random bytes.
    #[error("no random bytes from the system: {0}")]
    NoRandom(getrandom::Error),
}

/// Reads the key at `path`; makes it first where there is none. Two daemons may do this at the
/// same instant: one of them makes it, both read the same.
///
/// # Errors
/// [`KeyError`].
pub fn load_or_make(path: &Path) -> Result<BoxKey, KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    match fs::read(path) {
        Ok(bytes) => as_key(&bytes, path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            make(path)?;
            as_key(&fs::read(path).map_err(io)?, path)
        }
        Err(e) => Err(io(e)),
    }
}

fn as_key(bytes: &[u8], path: &Path) -> Result<BoxKey, KeyError> {
    bytes.try_into().map(BoxKey).map_err(|_| KeyError::NotAKey(path.to_owned()))
}

/// Writes a whole key under another name first and links it into place, so that nobody ever reads
/// half a key and nobody's key is overwritten.
fn make(path: &Path) -> Result<(), KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(KeyError::NoRandom)?;
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(io)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(io)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft).map_err(io)?;
    match linked {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(io(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_only_for_the_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("box.key");
        let first = load_or_make(&path).unwrap();
        assert_eq!(load_or_make(&path).unwrap().0, first.0);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_key_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("box.key");
        fs::write(&path, b"short").unwrap();
        assert!(matches!(load_or_make(&path), Err(KeyError::NotAKey(_))));
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }
}
