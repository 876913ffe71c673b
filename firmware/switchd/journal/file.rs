//! The journal on disk: files of lines that only grow, and a thread that makes them durable.
//!
//! ```text
//! <data>/switchd/journal-7     every entry since the last compaction, one JSON object a line
//! <data>/switchd/journal-8     compaction: the book of -7 again, then the new entries; when it is
//!                              on disk, -7 is removed. A crash between leaves both: read in order,
//!                              they add up to the same book.
//! ```
//!
//! [`Journal::append`] writes to the page cache in the caller's turn, so that the entry outlives the
//! process from then on; entries that must outlive a power cut are synced by the thread, many at
//! once. A last line that was torn by a power cut is no entry and is passed over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use call::Epoch;

use crate::journal::{Book, Entry};
use crate::limits::{JOURNAL_COMPACT_FACTOR, JOURNAL_COMPACT_MIN, JOURNAL_UNWRITTEN_MAX};

/// The journal cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; check space and rights of the data folder")]
pub struct JournalError {
    /// File or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> JournalError + '_ {
    move |source| JournalError { path: path.to_owned(), source }
}

/// What the syncing thread is asked to do. One waiting order is enough: it syncs all before it.
enum Order {
    Sync(File),
    /// Sync the first, then remove the second.
    Replace(File, PathBuf),
}

/// The open journal.
pub struct Journal {
    folder: PathBuf,
    generation: u64,
    file: File,
    book: Book,
    /// Lines in the file.
    lines: usize,
    /// What the disk has not taken yet. It goes first when there is room again, so that no line is
    /// torn by the next.
    unwritten: Vec<u8>,
    /// More waited than is kept: only a compaction writes all of it.
    gap: bool,
    /// Something durable was written and not yet handed to the thread.
    unsynced: bool,
    orders: Option<SyncSender<Order>>,
    syncer: Option<JoinHandle<()>>,
    failed: Arc<AtomicBool>,
}

impl Journal {
    /// Opens the journal in `folder` (made if missing) and compacts it. [`Journal::book`] then says
    /// what an earlier switchd left.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(folder: &Path) -> Result<Journal, JournalError> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let generations = generations(folder)?;
        let mut book = Book::default();
        for &generation in &generations {
            read_into(&mut book, &path_of(folder, generation))?;
        }
        let generation = generations.last().map_or(1, |g| g + 1);
        let file = write_image(folder, generation, &book)?;
        let path = path_of(folder, generation);
        file.sync_all().map_err(at(&path))?;
        for &old in &generations {
            let path = path_of(folder, old);
            fs::remove_file(&path).map_err(at(&path))?;
        }
        let failed = Arc::new(AtomicBool::new(false));
        let (orders, waiting) = sync_channel(1);
        let told = Arc::clone(&failed);
        let syncer = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || sync_loop(&waiting, &told))
            .map_err(at(folder))?;
        Ok(Journal {
            folder: folder.to_owned(),
            generation,
            file,
            lines: book.len(),
            book,
            unwritten: Vec::new(),
            gap: false,
            unsynced: false,
            orders: Some(orders),
            syncer: Some(syncer),
            failed,
        })
    }

    /// What the journal adds up to.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Writes one entry. It outlives this process when the call returns.
    ///
    /// # Errors
    /// [`JournalError`]; the entry counts in [`Journal::book`] all the same, and is written as soon as
    /// the disk takes it.
    pub fn append(&mut self, entry: Entry) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(&entry).unwrap_or_default();
        line.push(b'\n');
        self.unsynced |= entry.must_be_durable();
        self.book.take(entry);
        self.lines += 1;
        self.gap |= self.unwritten.len() + line.len() > JOURNAL_UNWRITTEN_MAX;
        if !self.gap {
            self.unwritten.extend_from_slice(&line);
        }
        self.write()
    }

    /// Writes what waits.
    fn write(&mut self) -> Result<(), JournalError> {
        while !self.unwritten.is_empty() {
            let written = match self.file.write(&self.unwritten) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                written => written,
            };
            let path = path_of(&self.folder, self.generation);
            self.unwritten.drain(..written.map_err(at(&path))?);
        }
        Ok(())
    }

    /// Called once a turn, after its entries: has the durable ones synced (by the thread) and
    /// compacts the file when most of it is history.
    ///
    /// # Errors
    /// [`JournalError`], also for what the thread met since the last call.
    pub fn settle(&mut self) -> Result<(), JournalError> {
        self.write()?;
        let long = JOURNAL_COMPACT_MIN + JOURNAL_COMPACT_FACTOR * self.book.len();
        if self.gap || self.lines > long {
            self.compact()?;
        }
        if self.unsynced {
            let path = path_of(&self.folder, self.generation);
            let file = self.file.try_clone().map_err(at(&path))?;
            // Full: a sync is waiting already, but it may have begun before our last line; the
            // next turn tries again.
            self.unsynced = !self.hand(Order::Sync(file));
        }
        if self.failed.swap(false, Ordering::Relaxed) {
            let source = io::Error::other("the disk did not take what was written");
            return Err(JournalError { path: path_of(&self.folder, self.generation), source });
        }
        Ok(())
    }

    /// Whether [`Journal::settle`] has something left to do.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.unsynced || self.gap || !self.unwritten.is_empty()
    }

    fn compact(&mut self) -> Result<(), JournalError> {
        let old = path_of(&self.folder, self.generation);
        let path = path_of(&self.folder, self.generation + 1);
        let file = write_image(&self.folder, self.generation + 1, &self.book)?;
        let synced = file.try_clone().map_err(at(&path))?;
        if !self.hand(Order::Replace(synced, old)) {
            // The thread is busy: another time. The image must not stay, it would be read as newer
            // than what is appended to the old file from now on.
            return fs::remove_file(&path).map_err(at(&path));
        }
        self.file = file;
        self.generation += 1;
        self.lines = self.book.len();
        self.gap = false;
        Ok(())
    }

    fn hand(&self, order: Order) -> bool {
        match self.orders.as_ref().map(|o| o.try_send(order)) {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_))) | None => false,
            Some(Err(TrySendError::Disconnected(_))) => {
                self.failed.store(true, Ordering::Relaxed);
                true
            }
        }
    }
}

impl Drop for Journal {
    /// Waits until all is on disk.
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(syncer) = self.syncer.take() {
            let _ = syncer.join();
        }
        let _ = self.file.sync_data();
    }
}

fn sync_loop(orders: &Receiver<Order>, failed: &AtomicBool) {
    while let Ok(order) = orders.recv() {
        let done = match order {
            Order::Sync(file) => file.sync_data(),
            Order::Replace(file, old) => file.sync_all().and_then(|()| fs::remove_file(old)),
        };
        if done.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
    }
}

fn path_of(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("journal-{generation}"))
}

/// The generations that lie in the folder, oldest first.
fn generations(folder: &Path) -> Result<Vec<u64>, JournalError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let name = entry.map_err(at(folder))?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|n| n.strip_prefix("journal-")?.parse().ok());
        found.extend(number);
    }
    found.sort_unstable();
    Ok(found)
}

fn read_into(book: &mut Book, path: &Path) -> Result<(), JournalError> {
    let mut reader = BufReader::new(File::open(path).map_err(at(path))?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(at(path))? == 0 {
            return Ok(());
        }
        if let Ok(entry) = serde_json::from_slice(&line) {
            book.take(entry);
        }
    }
}

/// The book as the file of this generation. Where the disk does not take all of it nothing is left:
/// a piece would be read as newer than the file that it was to replace.
fn write_image(folder: &Path, generation: u64, book: &Book) -> Result<File, JournalError> {
    let path = path_of(folder, generation);
    let mut image = Vec::new();
    for entry in book.entries() {
        let line = serde_json::to_vec(&entry).unwrap_or_default();
        image.extend_from_slice(&line);
        image.push(b'\n');
    }
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(at(&path))?;
    let written = file.set_len(0).and_then(|()| file.write_all(&image));
    if let Err(error) = written {
        let _ = fs::remove_file(&path);
        return Err(at(&path)(error));
    }
    Ok(file)
}

/// Counts this start: the number in `folder/epoch` plus one, on disk before it is returned.
///
/// # Errors
/// [`JournalError`].
pub fn next_epoch(folder: &Path) -> Result<Epoch, JournalError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let path = folder.join("epoch");
    let before: u32 = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| JournalError {
            path: path.clone(),
            source: io::Error::other("is not a number; restore it from the backup"),
        })?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
        Err(e) => return Err(at(&path)(e)),
    };
    let epoch = before.wrapping_add(1);
    replace(&path, format!("{epoch}\n").as_bytes())?;
    Ok(Epoch(epoch))
}

/// Puts `bytes` in place of the file at `path` so that after a power cut there is the old or the
/// new one, never a piece.
///
/// # Errors
/// [`JournalError`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft).map_err(at(&draft))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&draft))?;
    fs::rename(&draft, path).map_err(at(path))?;
    match path.parent() {
        Some(folder) => File::open(folder).and_then(|f| f.sync_all()).map_err(at(folder)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::{AccountId, LegId, LegTag, Stamp};
    use link::{Direction, LegRecord, Line};

    fn record(n: u64) -> Box<LegRecord> {
        let line = Line::Account(AccountId(1));
        Box::new(LegRecord::new(LegId(n), LegTag(n), line, Direction::Out, Stamp(5)))
    }

    fn ended(n: u64) -> Entry {
        Entry::Ended { record: record(n) }
    }

    #[test]
    fn what_was_appended_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.append(ended(1)).unwrap();
        journal.append(Entry::Leg { record: record(2), dialogs: vec![] }).unwrap();
        // Killed here: neither settled nor dropped.
        std::mem::forget(journal);
        let journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.book().ended.len(), 1);
        assert_eq!(journal.book().legs.len(), 1);
    }

    #[test]
    fn a_cut_at_any_byte_loses_at_most_the_last_entry() {
        let dir = tempfile::tempdir().unwrap();
        let whole: Vec<u8> = (1..4)
            .flat_map(|n| {
                let mut line = serde_json::to_vec(&ended(n)).unwrap();
                line.push(b'\n');
                line
            })
            .collect();
        let line = whole.len() / 3;
        for cut in (0..whole.len()).step_by(7) {
            let folder = dir.path().join(cut.to_string());
            fs::create_dir(&folder).unwrap();
            fs::write(path_of(&folder, 3), &whole[..cut]).unwrap();
            let journal = Journal::open(&folder).unwrap();
            assert!(journal.book().ended.len() + 1 > cut / line, "cut at {cut}");
        }
    }

    #[test]
    fn an_entry_after_a_torn_line_is_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(path_of(dir.path(), 1), b"{\"is\":\"ended\",\"rec").unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.append(ended(9)).unwrap();
        drop(journal);
        assert!(Journal::open(dir.path()).unwrap().book().ended.contains_key(&LegId(9)));
    }

    #[test]
    fn history_is_compacted_away_while_it_runs_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.append(ended(1)).unwrap();
        for n in 2..(3 * JOURNAL_COMPACT_MIN as u64) {
            journal.append(Entry::Leg { record: record(n), dialogs: vec![] }).unwrap();
            journal.append(ended(n)).unwrap();
            let acked = Entry::Acked { legs: vec![LegId(n)], recordings: vec![] };
            journal.append(acked).unwrap();
            journal.settle().unwrap();
        }
        drop(journal);
        let bytes: u64 =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes < 800 * 3 * JOURNAL_COMPACT_MIN as u64, "{bytes} bytes are left");
        let journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.book().ended.keys().collect::<Vec<_>>(), [&LegId(1)]);
        assert!(journal.book().legs.is_empty());
    }

    /// A disk without room, and what was there before.
    fn fill_disk(journal: &mut Journal) -> File {
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        std::mem::replace(&mut journal.file, full)
    }

    #[test]
    fn what_a_full_disk_did_not_take_is_written_when_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        let room = fill_disk(&mut journal);
        assert!(journal.append(ended(1)).is_err());
        assert!(journal.settle().is_err() && journal.is_unsettled(), "the alarm must stand");
        journal.file = room;
        // A piece of the line had still found room.
        let (piece, rest) = journal.unwritten.split_at(40);
        journal.file.write_all(piece).unwrap();
        journal.unwritten = rest.to_vec();
        journal.append(ended(2)).unwrap();
        journal.settle().unwrap();
        // Killed here.
        std::mem::forget(journal);
        let journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.book().ended.keys().collect::<Vec<_>>(), [&LegId(1), &LegId(2)]);
    }

    #[test]
    fn what_waited_longer_than_is_kept_is_in_the_next_compaction() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        let room = fill_disk(&mut journal);
        let count = JOURNAL_UNWRITTEN_MAX as u64 / 200;
        for n in 0..count {
            assert!(journal.append(ended(n)).is_err());
        }
        assert!(journal.gap && journal.unwritten.len() <= JOURNAL_UNWRITTEN_MAX);
        journal.file = room;
        journal.settle().unwrap();
        assert!(!journal.gap);
        drop(journal);
        assert_eq!(Journal::open(dir.path()).unwrap().book().ended.len() as u64, count);
    }

    #[test]
    fn a_compaction_without_room_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.append(ended(1)).unwrap();
        let next = path_of(dir.path(), journal.generation + 1);
        std::os::unix::fs::symlink("/dev/full", &next).unwrap();
        journal.gap = true;
        assert!(journal.settle().is_err());
        assert!(fs::symlink_metadata(&next).is_err(), "a piece would be read as the newest");
        journal.settle().unwrap();
        assert!(!journal.gap && next.exists());
    }

    #[test]
    fn every_start_has_an_epoch_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(next_epoch(dir.path()).unwrap(), Epoch(1));
        assert_eq!(next_epoch(dir.path()).unwrap(), Epoch(2));
        fs::write(dir.path().join("epoch"), "rubbish").unwrap();
        assert!(next_epoch(dir.path()).is_err());
    }
}
