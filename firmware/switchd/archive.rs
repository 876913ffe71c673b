//! The recordings on disk: one sealed file and one sidecar each. Owned by the disk thread, which may
//! wait; nothing here is ever called by the reactor or the sound thread.
//!
//! ```text
//! recordings/2026/11/20/r42.lbr    sealed sound (link::sealed), grows by one second at a time
//! recordings/2026/11/20/r42.json   the sidecar: link::RecordingRecord, rewritten when it is over
//! ```
//!
//! The journal knows which recordings an earlier process left running, so that nobody need walk
//! through years of files: [`Archive::mend`] closes the books on each. What a power cut can take is
//! the second that was not yet synced: whole segments before it stay good.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use link::key::BoxKey;
use link::sealed::{
    FOOTER_BYTES, HEADER_BYTES, Header, Opener, RATE_HZ, SEGMENT_BYTES, SOUND_BYTES, Sealer,
};
use link::{RecordingRecord, RecordingState};
use media::Block;

/// Length of one block, ms.
const BLOCK_MS: u64 = 20;
/// Bytes of one block.
const BLOCK_BYTES: usize = SOUND_BYTES / 50;
/// A leap in the block numbers longer than this is not filled with silence but taken as the fault of
/// ours that it must be: 60 s.
const GAP_BLOCKS_MAX: u32 = 3_000;

/// A recording could not be started or could not go on.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path}: {source}; recordings stop, calls go on: free space on the data disk or replace it"
)]
pub struct ArchiveError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// The folder of recordings.
pub struct Archive {
    folder: PathBuf,
    key: BoxKey,
}

impl Archive {
    /// Opens the folder, making it where it is missing.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(folder: &Path, key: BoxKey) -> Result<Archive, ArchiveError> {
        fs::create_dir_all(folder)
            .map_err(|source| ArchiveError { path: folder.to_owned(), source })?;
        Ok(Archive { folder: folder.to_owned(), key })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Free bytes for recordings.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn free_bytes(&self) -> Result<u64, ArchiveError> {
        let stat = nix::sys::statvfs::statvfs(&self.folder)
            .map_err(|e| self.failed(&self.folder, e.into()))?;
        Ok(stat.blocks_available() * stat.fragment_size())
    }

    /// Makes everything written so far safe, in one call for all recordings.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn sync(&self) -> Result<(), ArchiveError> {
        let folder = File::open(&self.folder).map_err(|e| self.failed(&self.folder, e))?;
        nix::unistd::syncfs(&folder).map_err(|e| self.failed(&self.folder, e.into()))
    }

    /// Begins a recording: header and sidecar.
    ///
    /// # Errors
    /// [`ArchiveError`]; nothing usable is left behind then.
    pub fn begin(&self, record: RecordingRecord) -> Result<Recording, ArchiveError> {
        let path = self.folder.join(&record.path);
        let begun = || -> io::Result<(File, Sealer)> {
            fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
            let header = Header { recording: record.recording, started: record.started };
            let (sealer, bytes) = Sealer::begin(&self.key, header).map_err(io::Error::other)?;
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(&bytes)?;
            Ok((file, sealer))
        };
        let (file, sealer) = begun().map_err(|e| self.failed(&path, e))?;
        let recording = Recording {
            path,
            file,
            sealer,
            second: Vec::with_capacity(SOUND_BYTES),
            next_block: 0,
            whole_seconds: 0,
            record,
        };
        recording.keep()?;
        Ok(recording)
    }

    /// Closes the books on a recording that an earlier process left running: measures what is on
    /// disk and rewrites the sidecar. `Sealed` where the footer was written after all, else `Cut`.
    #[must_use]
    pub fn mend(&self, record: RecordingRecord) -> RecordingRecord {
        let path = self.folder.join(&record.path);
        let (length_ms, state) = self.measure(&path).unwrap_or((0, RecordingState::Cut));
        let record = RecordingRecord { length_ms, state, ..record };
        if let Err(error) = write_record(&path.with_extension("json"), &record) {
            tracing::warn!(path = %path.display(), %error, "the sidecar of a cut recording is out of date");
        }
        record
    }

    fn measure(&self, path: &Path) -> Option<(u64, RecordingState)> {
        let mut file = File::open(path).ok()?;
        let bytes = file.metadata().ok()?.len();
        let mut head = [0; HEADER_BYTES];
        file.read_exact(&mut head).ok()?;
        let opener = Opener::open(&self.key, &head).ok()?;
        let mut last = Vec::new();
        file.seek(SeekFrom::Start(bytes.saturating_sub(FOOTER_BYTES as u64))).ok()?;
        file.read_to_end(&mut last).ok()?;
        let extent = opener.extent(bytes, &last);
        let state = if extent.complete { RecordingState::Sealed } else { RecordingState::Cut };
        Some((extent.frames * 1_000 / u64::from(RATE_HZ), state))
    }

    fn failed(&self, path: &Path, source: io::Error) -> ArchiveError {
        ArchiveError { path: path.to_owned(), source }
    }
}

/// One recording that runs.
pub struct Recording {
    record: RecordingRecord,
    path: PathBuf,
    file: File,
    sealer: Sealer,
    /// The second that is being filled: less than [`SOUND_BYTES`].
    second: Vec<u8>,
    next_block: u32,
    whole_seconds: u64,
}

impl Recording {
    /// What is known of it.
    #[must_use]
    pub fn record(&self) -> &RecordingRecord {
        &self.record
    }

    /// Adds 20 ms. Blocks that were left out before it become silence, so that both channels stay in
    /// time. Returns whether a whole second went to the disk.
    ///
    /// # Errors
    /// [`ArchiveError`]: call [`Recording::stop`] then.
    pub fn add(&mut self, block: &Block) -> Result<bool, ArchiveError> {
        let gap = block.number.saturating_sub(self.next_block).min(GAP_BLOCKS_MAX);
        let mut wrote = false;
        for _ in 0..gap {
            self.record.gap_ms += BLOCK_MS;
            wrote |= self.append(|second| second.resize(second.len() + BLOCK_BYTES, 0))?;
        }
        self.next_block = block.number.saturating_add(1);
        let samples = |second: &mut Vec<u8>| {
            second.extend(block.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        };
        Ok(self.append(samples)? | wrote)
    }

    /// The call is over: seals the rest and the footer, and writes the sidecar. The file is on disk
    /// when this returns.
    ///
    /// # Errors
    /// [`ArchiveError`]; what was written before is good.
    pub fn finish(mut self) -> Result<RecordingRecord, (RecordingRecord, ArchiveError)> {
        let rest = std::mem::take(&mut self.second);
        self.record.length_ms =
            self.whole_seconds * 1_000 + (rest.len() / BLOCK_BYTES) as u64 * BLOCK_MS;
        self.record.state = RecordingState::Sealed;
        let Recording { record, path, mut file, sealer, .. } = self;
        let finished = file
            .write_all(&sealer.finish(rest))
            .and_then(|()| file.sync_data())
            .and_then(|()| write_record(&path.with_extension("json"), &record));
        match finished {
            Ok(()) => Ok(record),
            Err(source) => {
                let stopped = RecordingRecord { state: RecordingState::Stopped, ..record };
                Err((stopped, ArchiveError { path, source }))
            }
        }
    }

    /// The disk is full or fails: keeps what is whole. Needs no free space to succeed; where even the
    /// sidecar cannot be written, it still says `Growing` and the file tells the truth.
    #[must_use]
    pub fn stop(mut self) -> RecordingRecord {
        let good = HEADER_BYTES as u64 + self.whole_seconds * SEGMENT_BYTES as u64;
        self.record.length_ms = self.whole_seconds * 1_000;
        self.record.state = RecordingState::Stopped;
        let closed = self
            .file
            .set_len(good)
            .and_then(|()| write_record(&self.path.with_extension("json"), &self.record));
        if let Err(error) = closed {
            tracing::warn!(path = %self.path.display(), %error, "a stopped recording could not be closed");
        }
        self.record
    }

    fn append(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> Result<bool, ArchiveError> {
        fill(&mut self.second);
        if self.second.len() < SOUND_BYTES {
            return Ok(false);
        }
        let tag = self.sealer.seal(&mut self.second);
        self.second.extend_from_slice(&tag);
        let written = self.file.write_all(&self.second);
        self.second.clear();
        written.map_err(|source| ArchiveError { path: self.path.clone(), source })?;
        self.whole_seconds += 1;
        self.record.length_ms = self.whole_seconds * 1_000;
        Ok(true)
    }

    fn keep(&self) -> Result<(), ArchiveError> {
        write_record(&self.path.with_extension("json"), &self.record)
            .map_err(|source| ArchiveError { path: self.path.clone(), source })
    }
}

/// Replaces a sidecar in one step, so that it is never half written.
fn write_record(path: &Path, record: &RecordingRecord) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec(record)?)?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::{LegId, LegTag, RecordingId, Stamp};
    use media::RecorderId;

    const KEY: [u8; 32] = [9; 32];

    fn record(id: i64) -> RecordingRecord {
        RecordingRecord {
            recording: RecordingId(id),
            left: LegId(1),
            right: LegId(2),
            tag: LegTag(3),
            path: format!("2026/11/20/r{id}.lbr"),
            started: Stamp(1_000),
            length_ms: 0,
            gap_ms: 0,
            state: RecordingState::Growing,
        }
    }

    fn block(number: u32) -> Block {
        Block { recorder: RecorderId(0), number, samples: [number as i16; 320] }
    }

    fn archive(dir: &tempfile::TempDir) -> Archive {
        Archive::open(dir.path(), BoxKey(KEY)).unwrap()
    }

    /// The left channel, one sample a block, and whether the file is known to be complete.
    fn heard(dir: &tempfile::TempDir, id: i64) -> (Vec<i16>, bool) {
        let bytes = fs::read(dir.path().join(record(id).path)).unwrap();
        let opener = Opener::open(&BoxKey(KEY), &bytes).unwrap();
        let last = &bytes[bytes.len().saturating_sub(FOOTER_BYTES)..];
        let extent = opener.extent(bytes.len() as u64, last);
        let mut sound = Vec::new();
        for n in 0.. {
            let Some((at, length)) = Opener::segment(extent, n) else { break };
            sound.extend(opener.sound(n, &bytes[at as usize..at as usize + length]).unwrap());
        }
        let first = |b: &[u8]| i16::from_le_bytes([b[0], b[1]]);
        (sound.chunks(BLOCK_BYTES).map(first).collect(), extent.complete)
    }

    #[test]
    fn a_finished_recording_is_whole_and_has_its_sidecar() {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive(&dir);
        let mut recording = archive.begin(record(1)).unwrap();
        let whole: Vec<bool> = (0..120).map(|n| recording.add(&block(n)).unwrap()).collect();
        assert_eq!(whole.iter().filter(|w| **w).count(), 2);
        let kept = recording.finish().unwrap();
        assert_eq!((kept.length_ms, kept.state), (2_400, RecordingState::Sealed));
        assert_eq!(heard(&dir, 1), ((0..120).collect(), true));
        let sidecar = fs::read(dir.path().join("2026/11/20/r1.json")).unwrap();
        assert_eq!(serde_json::from_slice::<RecordingRecord>(&sidecar).unwrap(), kept);
        assert_eq!(archive.mend(record(1)), kept);
    }

    #[test]
    fn blocks_that_were_left_out_are_silence_and_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let mut recording = archive(&dir).begin(record(2)).unwrap();
        for number in [0, 1, 5, 6] {
            recording.add(&block(number)).unwrap();
        }
        let kept = recording.finish().unwrap();
        assert_eq!((kept.length_ms, kept.gap_ms), (140, 60));
        assert_eq!(heard(&dir, 2).0, vec![0, 1, 0, 0, 0, 5, 6]);
    }

    #[test]
    fn a_recording_cut_by_a_kill_is_good_to_its_last_whole_second() {
        let dir = tempfile::tempdir().unwrap();
        let mut recording = archive(&dir).begin(record(3)).unwrap();
        for number in 0..130 {
            recording.add(&block(number)).unwrap();
        }
        drop(recording);
        let cut = archive(&dir).mend(record(3));
        assert_eq!((cut.length_ms, cut.state), (2_000, RecordingState::Cut));
        let (sound, complete) = heard(&dir, 3);
        assert_eq!((sound.len(), complete), (100, false));
    }

    #[test]
    fn a_stopped_recording_keeps_its_whole_seconds() {
        let dir = tempfile::tempdir().unwrap();
        let mut recording = archive(&dir).begin(record(4)).unwrap();
        for number in 0..60 {
            recording.add(&block(number)).unwrap();
        }
        let kept = recording.stop();
        assert_eq!((kept.length_ms, kept.state), (1_000, RecordingState::Stopped));
        assert_eq!(heard(&dir, 4).0.len(), 50);
    }

    #[test]
    fn an_id_is_never_recorded_over() {
        let dir = tempfile::tempdir().unwrap();
        let archive = archive(&dir);
        drop(archive.begin(record(5)).unwrap());
        assert!(archive.begin(record(5)).is_err());
    }
}
