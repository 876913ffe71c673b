//! The conversation with centerd as far as it has a memory: who is there, what was told, and what
//! ended and is not acknowledged.

use std::collections::{BTreeMap, VecDeque};

use call::{Epoch, LegId, RecordingId};
use link::{LegRecord, RecordingRecord};

/// Something that is over and that centerd has not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Over {
    Leg(LegId),
    Recording(RecordingId),
}

/// A record, and with which event (or snapshot) this connection has heard it.
#[derive(Clone, Debug)]
struct Kept<T> {
    record: T,
    told: Option<u64>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// The newest centerd that was ever here.
    pub(crate) newest: Epoch,
    /// Whether one is here now.
    pub(crate) up: bool,
    /// The last event of this switchd epoch.
    pub(crate) seq: u64,
    legs: BTreeMap<LegId, Kept<LegRecord>>,
    recordings: BTreeMap<RecordingId, Kept<RecordingRecord>>,
    /// What did not fit into the snapshot and is still to be told.
    untold: VecDeque<Over>,
}

impl Session {
    /// How many legs ended and are not acknowledged.
    pub(crate) fn unacknowledged_legs(&self) -> usize {
        self.legs.len()
    }

    /// A leg that lives no longer; told with event `told` if somebody is there.
    pub(crate) fn keep_leg(&mut self, record: LegRecord, told: Option<u64>) {
        self.legs.insert(record.leg, Kept { record, told });
    }

    /// A recording that is over; as above.
    pub(crate) fn keep_recording(&mut self, record: RecordingRecord, told: Option<u64>) {
        self.recordings.insert(record.recording, Kept { record, told });
    }

    pub(crate) fn ended_leg(&self, leg: LegId) -> Option<&LegRecord> {
        self.legs.get(&leg).map(|k| &k.record)
    }

    pub(crate) fn knows_recording(&self, recording: RecordingId) -> bool {
        self.recordings.contains_key(&recording)
    }

    /// A connection begins: the first `legs_max` ends of legs and `recordings_max` of recordings go
    /// into its snapshot, the others are to be told behind it.
    pub(crate) fn begin(
        &mut self,
        legs_max: usize,
        recordings_max: usize,
    ) -> (Vec<LegRecord>, Vec<RecordingRecord>) {
        self.untold.clear();
        let seq = self.seq;
        let mut legs = Vec::new();
        for (&leg, kept) in &mut self.legs {
            if legs.len() < legs_max {
                kept.told = Some(seq);
                legs.push(kept.record.clone());
            } else {
                kept.told = None;
                self.untold.push_back(Over::Leg(leg));
            }
        }
        let mut recordings = Vec::new();
        for (&recording, kept) in &mut self.recordings {
            if recordings.len() < recordings_max {
                kept.told = Some(seq);
                recordings.push(kept.record.clone());
            } else {
                kept.told = None;
                self.untold.push_back(Over::Recording(recording));
            }
        }
        (legs, recordings)
    }

    /// The next end that this connection has not heard, and that it will hear with event `seq`.
    pub(crate) fn tell_next(&mut self, seq: u64) -> Option<Result<LegRecord, RecordingRecord>> {
        while let Some(over) = self.untold.pop_front() {
            match over {
                Over::Leg(leg) => {
                    if let Some(kept) = self.legs.get_mut(&leg).filter(|k| k.told.is_none()) {
                        kept.told = Some(seq);
                        return Some(Ok(kept.record.clone()));
                    }
                }
                Over::Recording(recording) => {
                    let kept = self.recordings.get_mut(&recording);
                    if let Some(kept) = kept.filter(|k| k.told.is_none()) {
                        kept.told = Some(seq);
                        return Some(Err(kept.record.clone()));
                    }
                }
            }
        }
        None
    }

    pub(crate) fn has_untold(&self) -> bool {
        !self.untold.is_empty()
    }

    /// Every event up to `seq` is on centerd's disk: what it told is forgotten.
    pub(crate) fn acknowledge(&mut self, seq: u64) -> (Vec<LegId>, Vec<RecordingId>) {
        let safe = |told: Option<u64>| told.is_some_and(|told| told <= seq);
        let legs: Vec<LegId> =
            self.legs.iter().filter(|(_, k)| safe(k.told)).map(|(&leg, _)| leg).collect();
        let recordings: Vec<RecordingId> =
            self.recordings.iter().filter(|(_, k)| safe(k.told)).map(|(&r, _)| r).collect();
        for leg in &legs {
            self.legs.remove(leg);
        }
        for recording in &recordings {
            self.recordings.remove(recording);
        }
        (legs, recordings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::{AccountId, LegTag, Stamp};
    use link::{Direction, Line};

    fn record(n: u64) -> LegRecord {
        let line = Line::Account(AccountId(1));
        LegRecord::new(LegId(n), LegTag(n), line, Direction::Out, Stamp(5))
    }

    #[test]
    fn an_end_is_kept_until_it_was_told_and_acknowledged() {
        let mut session = Session::default();
        for n in 1..=5 {
            session.keep_leg(record(n), None);
        }
        assert_eq!(session.acknowledge(u64::MAX), (vec![], vec![]));
        let (first, _) = session.begin(2, 2);
        assert_eq!(first.iter().map(|r| r.leg.0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(session.acknowledge(0).0, [LegId(1), LegId(2)]);
        assert_eq!(session.tell_next(1).unwrap().unwrap().leg, LegId(3));
        assert_eq!(session.acknowledge(1).0, [LegId(3)]);
        // The connection breaks: what was told and not acknowledged is told again.
        assert!(session.tell_next(2).is_some());
        let (again, _) = session.begin(9, 9);
        assert_eq!(again.iter().map(|r| r.leg.0).collect::<Vec<_>>(), [4, 5]);
    }
}
