//! The disk thread: takes recorded blocks out of the ring, seals them, writes them. It may wait for
//! the disk; nobody waits for it. When the disk is full or fails it stops the recordings, says so,
//! and keeps looking whether there is room again.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use link::{RecordingRecord, RecordingState};
use media::RecorderId;

use crate::archive::{Archive, ArchiveError, Recording};
use crate::seam::{DiskEnds, DiskOrder, DiskReport, Doorbell, Recorded};

/// How long the thread sleeps when the ring is empty: the ring holds many times this.
const TURN: Duration = Duration::from_millis(40);
/// Written sound is made safe, and free space looked at, this often: what a power cut may take.
const SYNC: Duration = Duration::from_secs(1);
/// A growing recording is told this often.
const GROWTH: Duration = Duration::from_secs(5);

/// The disk thread's ways out and bounds.
pub struct Disk {
    /// Where recordings lie.
    pub archive: Archive,
    /// Recording stops below so many free bytes, and starts again above one and a half times them.
    pub free_bytes_min: u64,
    /// What the reactor asks.
    pub orders: Receiver<DiskOrder>,
    /// What the reactor hears.
    pub reports: SyncSender<DiskReport>,
    /// Rung after each report.
    pub bell: Doorbell,
}

impl Disk {
    /// Starts the thread. It ends after [`DiskOrder::Stop`], or when the reactor is gone.
    ///
    /// # Errors
    /// The system gave no thread.
    pub fn start(self, ends: DiskEnds) -> io::Result<JoinHandle<()>> {
        let writer =
            Writer { disk: self, ends, running: BTreeMap::new(), full: None, dirty: false };
        thread::Builder::new().name("disk".into()).spawn(move || writer.run())
    }
}

struct Writer {
    disk: Disk,
    ends: DiskEnds,
    running: BTreeMap<RecorderId, Recording>,
    /// Why nothing is recorded now.
    full: Option<String>,
    /// Something was written since the last sync.
    dirty: bool,
}

impl Writer {
    fn run(mut self) {
        let mut synced = Instant::now();
        let mut told = Instant::now();
        self.look_at_space();
        loop {
            // A start is sent before the order that makes blocks flow, so orders come first.
            let stop = self.take_orders();
            self.take_blocks();
            if synced.elapsed() >= SYNC {
                synced = Instant::now();
                self.sync();
                self.look_at_space();
            }
            if told.elapsed() >= GROWTH {
                told = Instant::now();
                self.tell_growth();
            }
            if stop {
                return self.finish_all();
            }
        }
    }

    /// Waits up to one turn for orders. Returns whether to stop.
    fn take_orders(&mut self) -> bool {
        let mut wait = TURN;
        loop {
            match self.disk.orders.recv_timeout(wait) {
                Ok(DiskOrder::Start { recorder, record }) => self.begin(recorder, record),
                Ok(DiskOrder::Mend { record }) => self.tell(None, self.disk.archive.mend(record)),
                Ok(DiskOrder::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
            wait = Duration::ZERO;
        }
    }

    fn begin(&mut self, recorder: RecorderId, record: RecordingRecord) {
        if let Some(earlier) = self.running.remove(&recorder) {
            self.finish(recorder, earlier);
        }
        if self.full.is_some() {
            return self.refuse(recorder, record);
        }
        match self.disk.archive.begin(record.clone()) {
            Ok(recording) => {
                self.running.insert(recorder, recording);
                self.dirty = true;
            }
            Err(error) => {
                self.refuse(recorder, record);
                self.fail(&error);
            }
        }
    }

    fn refuse(&self, recorder: RecorderId, record: RecordingRecord) {
        self.tell(Some(recorder), RecordingRecord { state: RecordingState::Stopped, ..record });
    }

    fn take_blocks(&mut self) {
        while let Some(recorded) = self.ends.recorded.dequeue() {
            match recorded {
                Recorded::Block(block) => {
                    let added = match self.running.get_mut(&block.recorder) {
                        Some(recording) => recording.add(&block),
                        None => continue,
                    };
                    match added {
                        Ok(wrote) => self.dirty |= wrote,
                        Err(error) => self.fail(&error),
                    }
                }
                Recorded::Ended(recorder) => {
                    if let Some(recording) = self.running.remove(&recorder) {
                        self.finish(recorder, recording);
                    }
                }
            }
        }
    }

    fn finish(&mut self, recorder: RecorderId, recording: Recording) {
        match recording.finish() {
            Ok(record) => self.tell(Some(recorder), record),
            Err((record, error)) => {
                self.tell(Some(recorder), record);
                self.fail(&error);
            }
        }
    }

    /// The reactor has stopped the sound thread before, so that nothing more comes.
    fn finish_all(mut self) {
        self.take_blocks();
        for (recorder, recording) in std::mem::take(&mut self.running) {
            self.finish(recorder, recording);
        }
        self.sync();
    }

    fn sync(&mut self) {
        if std::mem::take(&mut self.dirty)
            && let Err(error) = self.disk.archive.sync()
        {
            self.fail(&error);
        }
    }

    /// Stops everything before the disk is so full that the database cannot write.
    fn look_at_space(&mut self) {
        let free = match self.disk.archive.free_bytes() {
            Ok(free) => free,
            Err(error) => return self.fail(&error),
        };
        let min = self.disk.free_bytes_min;
        if free < min {
            self.stop_all(format!(
                "the data disk has {} MB free, fewer than limits.recordings_free_mb = {}: \
                 recording has stopped, calls go on; delete old recordings or add space",
                free >> 20,
                min >> 20
            ));
        } else if self.full.is_some() && free > min + min / 2 {
            self.full = None;
            self.report(DiskReport::Disk { raised: false, text: String::new() });
        }
    }

    fn fail(&mut self, error: &ArchiveError) {
        self.stop_all(error.to_string());
    }

    fn stop_all(&mut self, why: String) {
        for (recorder, recording) in std::mem::take(&mut self.running) {
            self.tell(Some(recorder), recording.stop());
        }
        if self.full.is_none() {
            self.report(DiskReport::Disk { raised: true, text: why.clone() });
        }
        self.full = Some(why);
    }

    fn tell_growth(&self) {
        for (recorder, recording) in &self.running {
            self.tell(Some(*recorder), recording.record().clone());
        }
    }

    fn tell(&self, recorder: Option<RecorderId>, record: RecordingRecord) {
        self.report(DiskReport::Recording { recorder, record });
    }

    /// Waits while the reactor's queue is full; when the reactor is gone there is nobody to tell.
    fn report(&self, report: DiskReport) {
        let _ = self.disk.reports.send(report);
        self.disk.bell.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::rings;
    use call::{LegId, LegTag, RecordingId, Stamp};
    use link::key::BoxKey;
    use media::Block;
    use std::sync::mpsc::sync_channel;

    fn record(id: i64) -> RecordingRecord {
        RecordingRecord {
            recording: RecordingId(id),
            left: LegId(1),
            right: LegId(2),
            tag: LegTag(3),
            path: format!("a/r{id}.lbr"),
            started: Stamp(1_000),
            length_ms: 0,
            gap_ms: 0,
            state: RecordingState::Growing,
        }
    }

    /// Runs the thread over `blocks` of one recording and returns what it told.
    fn told(free_bytes_min: u64, blocks: u32) -> Vec<DiskReport> {
        let dir = tempfile::tempdir().unwrap();
        let (_, mut sound, disk_ends) = rings().unwrap();
        let (bell, _heard) = Doorbell::pair().unwrap();
        let (order, orders) = sync_channel(8);
        let (reports, report) = sync_channel(8);
        let archive = Archive::open(dir.path(), BoxKey([1; 32])).unwrap();
        let thread =
            Disk { archive, free_bytes_min, orders, reports, bell }.start(disk_ends).unwrap();
        order.send(DiskOrder::Start { recorder: RecorderId(3), record: record(7) }).unwrap();
        // The reactor's order reaches the sound thread later than ours reaches the disk thread.
        let first = (free_bytes_min > 0).then(|| report.recv().unwrap());
        thread::sleep(TURN * 2);
        for number in 0..blocks {
            let block = Block { recorder: RecorderId(3), number, samples: [5; 320] };
            sound.recorded.enqueue(Recorded::Block(block)).unwrap();
        }
        sound.recorded.enqueue(Recorded::Ended(RecorderId(3))).unwrap();
        order.send(DiskOrder::Stop).unwrap();
        thread.join().unwrap();
        first.into_iter().chain(report.try_iter()).collect()
    }

    #[test]
    fn a_recording_is_sealed_when_its_recorder_ends() {
        let reports = told(0, 75);
        let [DiskReport::Recording { recorder, record }] = reports.as_slice() else {
            panic!("{reports:?}")
        };
        assert_eq!(*recorder, Some(RecorderId(3)));
        assert_eq!((record.state, record.length_ms), (RecordingState::Sealed, 1_500));
    }

    #[test]
    fn nothing_is_recorded_on_a_full_disk_and_the_alarm_says_what_to_do() {
        let reports = told(u64::MAX / 2, 75);
        assert!(
            matches!(&reports[0], DiskReport::Disk { raised: true, text } if text.contains("delete old recordings"))
        );
        assert!(
            matches!(&reports[1], DiskReport::Recording { record, .. } if record.state == RecordingState::Stopped)
        );
        assert_eq!(reports.len(), 2);
    }
}
