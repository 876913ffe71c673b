//! Copies of the database while the box works, and the question whether a file is sound.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, Result};
use crate::limits::BACKUP_PAGES;

/// How far a backup is, in pages of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Still to copy.
    pub remaining: u32,
    /// Altogether.
    pub total: u32,
}

/// Copies the database at `from` to a new file `to` while others use it, checks the copy, and only
/// then lets it stand under its name. `progress` is told between two steps.
///
/// # Errors
/// [`Error::DiskFull`] and the like; no file is left at `to` then.
pub fn backup(from: &Path, to: &Path, mut progress: impl FnMut(Progress)) -> Result<()> {
    let partial = to.with_extension("partial");
    let _ = std::fs::remove_file(&partial);
    let copied = copy(from, &partial, &mut progress).and_then(|()| {
        std::fs::File::open(&partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&partial, to))
            .map_err(|e| Error::DiskFailed(e.to_string()))
    });
    if copied.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    copied
}

fn copy(from: &Path, partial: &Path, progress: &mut impl FnMut(Progress)) -> Result<()> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut target = Connection::open(partial)?;
    {
        let backup = Backup::new(&source, &mut target)?;
        loop {
            match backup.step(BACKUP_PAGES)? {
                StepResult::Done => break,
                StepResult::More => {}
                // Locked by a checkpoint: the next step is as good.
                StepResult::Busy | StepResult::Locked | _ => {
                    std::thread::sleep(Duration::from_millis(5))
                }
            }
            let at = backup.progress();
            let pages = |n: i32| u32::try_from(n).unwrap_or(0);
            progress(Progress { remaining: pages(at.remaining), total: pages(at.pagecount) });
        }
    }
    target.pragma_update(None, "journal_mode", "DELETE")?;
    check(&target)
}

/// Asks SQLite whether the file at a path is a sound database.
///
/// # Errors
/// [`Error::Damaged`] with SQLite's first complaint.
pub fn check_file(path: &Path) -> Result<()> {
    check(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

pub(crate) fn check(conn: &Connection) -> Result<()> {
    let verdict: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Error::Damaged(verdict)) }
}
