//! Recordings: which recorder has which, and when each is over.

use call::{LegId, Now, RecordingId, Stamp};
use link::{Alarm, Event, RecordingRecord, RecordingState, Refusal};
use media::{Channel, Command, Ear, Gain, RecorderId, Source};

use super::talk::wrong_phase;
use super::{Output, Switch, Timer};
use crate::journal::Entry;
use crate::limits::SEAL_MS;
use crate::seam::{DiskOrder, DiskReport};

/// A recording that has a recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taping {
    pub(super) record: RecordingRecord,
    /// `None`: it is only being mended after the death of an earlier switchd.
    recorder: Option<RecorderId>,
    /// The recorder was told to stop.
    stopping: bool,
}

impl Switch {
    /// An order of centerd: record these two.
    pub(super) fn record(
        &mut self,
        recording: RecordingId,
        left: LegId,
        right: LegId,
    ) -> Result<(), Refusal> {
        for leg in [left, right] {
            let found = self.leg(leg).ok_or(Refusal::NoSuchLeg { leg })?;
            if !found.is_talkable() {
                return Err(wrong_phase(leg, "not answered"));
            }
        }
        if let Some(taping) = self.recordings.get(&recording)
            && (taping.record.left, taping.record.right) == (left, right)
        {
            return Ok(());
        }
        if self.knows_recording(recording) {
            return Err(Refusal::InUse { name: recording.to_string() });
        }
        self.start_recording(recording, left, right);
        Ok(())
    }

    /// Starts a recording. One whose name was used before is not started again: its file must not
    /// be overwritten.
    pub(super) fn start_recording(&mut self, recording: RecordingId, left: LegId, right: LegId) {
        if self.knows_recording(recording) {
            return;
        }
        let ends = [left, right].map(|leg| self.leg(leg).map(|l| (l.port, l.record.tag)));
        let [Some((left_port, tag)), Some((right_port, _))] = ends else { return };
        let mut record = RecordingRecord {
            recording,
            left,
            right,
            tag,
            path: path_of(recording, self.now.stamp),
            started: self.now.stamp,
            length_ms: 0,
            gap_ms: 0,
            state: RecordingState::Growing,
        };
        self.change(left, |leg| leg.record.recording = Some(recording));
        let Some(recorder) = self.recorders.take() else {
            // Every recorder is busy: the call goes on, and the record says that it has no sound.
            record.state = RecordingState::Stopped;
            return self.keep_recording(record);
        };
        self.write(Entry::Recording { record: Box::new(record.clone()) });
        let order = DiskOrder::Start { recorder, record: record.clone() };
        self.out.push_back(Output::Disk(order));
        self.order_sound(Command::StartRecorder(recorder));
        for (channel, port) in [(Channel::Left, left_port), (Channel::Right, right_port)] {
            let ear = Ear::Recorder(recorder, channel);
            self.order_sound(Command::Hear(ear, Source::Port(port), Gain::UNITY));
        }
        self.tell(Event::Recording(Box::new(record.clone())));
        let taping = Taping { record, recorder: Some(recorder), stopping: false };
        self.recordings.insert(recording, taping);
    }

    /// Ends a recording; that it is sealed comes from the disk thread.
    pub(super) fn stop_recording(&mut self, recording: RecordingId) {
        let Some(taping) = self.recordings.get_mut(&recording) else { return };
        let (false, Some(recorder)) = (taping.stopping, taping.recorder) else { return };
        taping.stopping = true;
        self.order_sound(Command::StopRecorder(recorder));
        self.deadlines.set(Timer::Recorder(recording), self.now.tick + SEAL_MS);
    }

    /// A leg ends: what records it ends too.
    pub(super) fn stop_recordings_of(&mut self, leg: LegId) {
        let of_leg = |t: &&Taping| t.record.left == leg || t.record.right == leg;
        let over: Vec<RecordingId> =
            self.recordings.values().filter(of_leg).map(|t| t.record.recording).collect();
        for recording in over {
            self.stop_recording(recording);
        }
    }

    /// The disk thread tells something.
    pub fn handle_disk(&mut self, now: Now, report: DiskReport) {
        self.now = now;
        match report {
            DiskReport::Recording { recorder, record } => self.recording_told(recorder, record),
            DiskReport::Disk { raised: true, text } => self.raise(Alarm::RecordingDisk, text),
            DiskReport::Disk { raised: false, .. } => self.lower(Alarm::RecordingDisk),
        }
        self.settle();
    }

    fn recording_told(&mut self, recorder: Option<RecorderId>, record: RecordingRecord) {
        let recording = record.recording;
        let Some(taping) = self.recordings.get_mut(&recording) else { return };
        if taping.recorder.is_some() && taping.recorder != recorder {
            return;
        }
        match record.state {
            RecordingState::Growing => {
                taping.record = record.clone();
                self.tell(Event::Recording(Box::new(record)));
            }
            RecordingState::Stopped if !taping.stopping => {
                // The disk failed under it. Its recorder is used again only after the time-out:
                // blocks of it may still be on their way.
                taping.record = record.clone();
                self.stop_recording(recording);
                self.tell(Event::Recording(Box::new(record)));
            }
            RecordingState::Stopped if self.deadlines.runs(Timer::Recorder(recording)) => {
                if let Some(taping) = self.recordings.get_mut(&recording) {
                    taping.record = record;
                }
            }
            RecordingState::Sealed | RecordingState::Cut | RecordingState::Stopped => {
                self.recording_over(record);
            }
        }
    }

    /// A recording was stopped long ago and the disk thread has not said that it is over.
    pub(super) fn seal_overdue(&mut self, recording: RecordingId) {
        let Some(taping) = self.recordings.get(&recording) else { return };
        let mut record = taping.record.clone();
        if record.state == RecordingState::Growing {
            record.state = RecordingState::Cut;
        }
        self.recording_over(record);
    }

    fn recording_over(&mut self, record: RecordingRecord) {
        let Some(taping) = self.recordings.remove(&record.recording) else { return };
        self.deadlines.stop(Timer::Recorder(record.recording));
        if let Some(recorder) = taping.recorder {
            self.recorders.give_back(recorder);
        }
        self.keep_recording(record);
    }

    fn keep_recording(&mut self, record: RecordingRecord) {
        self.write(Entry::Recording { record: Box::new(record.clone()) });
        let told = self.tell(Event::Recording(Box::new(record.clone())));
        self.session.keep_recording(record, told);
    }

    /// A recording that ran when an earlier switchd died: the disk thread says what is left of it.
    pub(super) fn mend_recording(&mut self, record: RecordingRecord) {
        self.out.push_back(Output::Disk(DiskOrder::Mend { record: record.clone() }));
        let recording = record.recording;
        self.recordings.insert(recording, Taping { record, recorder: None, stopping: true });
        self.deadlines.set(Timer::Recorder(recording), self.now.tick + SEAL_MS);
    }
}

/// Where a recording lies below the folder of recordings: a folder for each day (UTC).
fn path_of(recording: RecordingId, started: Stamp) -> String {
    let (year, month, day) = civil(started);
    format!("{year:04}/{month:02}/{day:02}/{recording}.lbr")
}

/// Year, month and day (UTC) of an instant: the Gregorian calendar in whole days from 0000-03-01,
/// so that the leap day is a year's last.
fn civil(at: Stamp) -> (i64, i64, i64) {
    let days = at.0.div_euclid(86_400_000) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_lies_in_the_folder_of_its_day() {
        let path = |ms| path_of(RecordingId(42), Stamp(ms));
        assert_eq!(path(0), "1970/01/01/r42.lbr");
        assert_eq!(path(951_782_400_000), "2000/02/29/r42.lbr");
        assert_eq!(path(1_795_132_799_999), "2026/11/19/r42.lbr");
        assert_eq!(path(1_795_132_800_000), "2026/11/20/r42.lbr");
    }
}
