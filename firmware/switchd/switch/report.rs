//! What centerd is told: greeting, snapshot, changes, ends, alarms, health.

use call::{Epoch, LegId, Now, RecordingId};
use link::{Alarm, Event, Health, RecordingState, Snapshot, ToCenter, ToSwitch, VERSION};

use super::{Note, Output, Parting, Switch, Timer, Vitals};
use crate::journal::Entry;
use crate::limits::{ENDS_A_TURN_MAX, HEALTH_MS, ORPHANS_MS, OVERRUN_CALM_MS, SNAPSHOT_ENDS_MAX};

/// What the sound thread last said about itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SoundHealth {
    pub(super) late_us: [u32; 3],
    pub(super) lost_packets: u64,
    overruns_told: u64,
    /// When the last overrun was seen.
    overrun_at: Option<call::Tick>,
}

impl Switch {
    /// centerd says something. The first line of a connection is its greeting.
    pub fn handle_link(&mut self, now: Now, said: ToSwitch) {
        self.now = now;
        match said {
            ToSwitch::Hello { version, epoch } => self.greeted(version, epoch),
            ToSwitch::Command { .. } | ToSwitch::Ack { .. } if !self.session.up => {
                self.part_link(Parting::NoGreeting);
            }
            ToSwitch::Command { n, command } => {
                let answer = match self.obey(command) {
                    Ok(()) => ToCenter::Done { n },
                    Err(refusal) => ToCenter::Refused { n, refusal },
                };
                self.out.push_back(Output::Link(answer));
            }
            ToSwitch::Ack { seq } => self.acknowledged(seq),
        }
        self.settle();
    }

    /// Whether a centerd that greets so would be taken; it then replaces one that is here.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, version: u32, epoch: Epoch) -> Result<(), Parting> {
        if version != VERSION {
            return Err(Parting::Version { ours: VERSION, theirs: version });
        }
        if epoch < self.session.newest {
            return Err(Parting::Fenced { theirs: epoch, newest: self.session.newest });
        }
        Ok(())
    }

    /// The connection to centerd is gone. Calls and plans go on.
    pub fn handle_center_lost(&mut self, now: Now) {
        self.now = now;
        self.lose_center();
        self.settle();
    }

    /// centerd reads so slowly that the shell's queue is full.
    pub fn handle_link_full(&mut self, now: Now) {
        self.now = now;
        if self.session.up {
            self.part_link(Parting::QueueFull);
        }
        self.settle();
    }

    /// What only the shell can see; to be told about once a second.
    pub fn handle_vitals(&mut self, now: Now, vitals: Vitals) {
        self.now = now;
        if vitals.sound_overruns > self.sound.overruns_told {
            self.sound.overruns_told = vitals.sound_overruns;
            self.sound.overrun_at = Some(now.tick);
            let text = format!(
                "the sound thread was late {} times since the start; the machine is overloaded",
                vitals.sound_overruns
            );
            self.raise(Alarm::SoundOverrun, text);
        }
        let calm = |at: call::Tick| now.tick.since_ms(at) >= OVERRUN_CALM_MS;
        if self.sound.overrun_at.is_some_and(calm) {
            self.sound.overrun_at = None;
            self.lower(Alarm::SoundOverrun);
        }
        self.vitals = vitals;
        self.settle();
    }

    /// The journal could not be written (`Some` says what), or can be again.
    pub fn handle_journal(&mut self, now: Now, failure: Option<String>) {
        self.now = now;
        match failure {
            Some(text) => self.raise(Alarm::Journal, text),
            None => self.lower(Alarm::Journal),
        }
        self.settle();
    }

    /// All that is known at this instant, as a returning centerd would hear it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            desired_version: self.desired.version,
            seq: self.session.seq,
            legs: self.legs.values().map(|leg| leg.record.clone()).collect(),
            ended: Vec::new(),
            offers: self.offers.standing().collect(),
            recordings: self.recordings.values().map(|t| t.record.clone()).collect(),
            registrations: self.registrations.iter().map(|(&a, c)| (a, c.clone())).collect(),
            trunks: self.trunks.iter().map(|(&t, (s, text))| (t, *s, text.clone())).collect(),
            spans: self.spans.all().map(|span| self.span_record(span)).collect(),
            alarms: self.alarms.iter().map(|(&a, text)| (a, text.clone())).collect(),
            health: self.health(),
        }
    }

    fn greeted(&mut self, version: u32, epoch: Epoch) {
        if let Err(parting) = self.admits(version, epoch) {
            return self.part_link(parting);
        }
        self.session.newest = epoch;
        self.session.up = true;
        self.deadlines.stop(Timer::Orphans);
        self.note(Note::CenterUp { epoch });
        let hello =
            ToCenter::Hello { version: VERSION, epoch: self.setup.epoch, started: self.born.stamp };
        self.out.push_back(Output::Link(hello));
        let (ended, recordings) = self.session.begin(SNAPSHOT_ENDS_MAX, SNAPSHOT_ENDS_MAX);
        let mut snapshot = self.snapshot();
        snapshot.ended = ended;
        snapshot.recordings.extend(recordings);
        self.out.push_back(Output::Link(ToCenter::Snapshot(Box::new(snapshot))));
        self.tell_ends();
    }

    /// Tells ends that did not fit into the snapshot; the others when these are acknowledged.
    fn tell_ends(&mut self) {
        for _ in 0..ENDS_A_TURN_MAX {
            let Some(end) = self.session.tell_next(self.session.seq + 1) else { return };
            let event = match end {
                Ok(leg) => Event::Leg(Box::new(leg)),
                Err(recording) => Event::Recording(Box::new(recording)),
            };
            self.tell(event);
        }
    }

    fn acknowledged(&mut self, seq: u64) {
        let (legs, recordings) = self.session.acknowledge(seq);
        if !legs.is_empty() || !recordings.is_empty() {
            self.write(Entry::Acked { legs, recordings });
        }
        if self.session.has_untold() {
            self.tell_ends();
        }
    }

    fn part_link(&mut self, parting: Parting) {
        self.out.push_back(Output::CloseLink(parting));
        self.lose_center();
    }

    fn lose_center(&mut self) {
        if !self.session.up {
            return;
        }
        self.session.up = false;
        self.note(Note::CenterLost);
        self.deadlines.set(Timer::Orphans, self.now.tick + ORPHANS_MS);
        self.await_center_for_incoming();
    }

    /// Writes and tells every record that changed in this turn.
    pub(super) fn tell_changes(&mut self) {
        while let Some(leg) = self.changed.pop_first() {
            self.keep(leg);
            if let Some(found) = self.legs.get(&leg) {
                let record = Box::new(found.record.clone());
                self.tell(Event::Leg(record));
            }
        }
    }

    /// Writes what is known of a leg, and what a CANCEL or BYE after our death needs.
    pub(super) fn keep(&mut self, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else { return };
        let dialogs = self.kept_call(found.call);
        let record = Box::new(found.record.clone());
        self.write(Entry::Leg { record, dialogs });
    }

    /// An alarm stands, or says something else now: another trunk is down, another cable is out.
    pub(super) fn raise(&mut self, alarm: Alarm, text: String) {
        if self.alarms.insert(alarm, text.clone()).as_ref() != Some(&text) {
            self.tell(Event::Alarm { alarm, raised: true, text });
        }
    }

    pub(super) fn lower(&mut self, alarm: Alarm) {
        if let Some(text) = self.alarms.remove(&alarm) {
            self.tell(Event::Alarm { alarm, raised: false, text });
        }
    }

    pub(super) fn tell_health(&mut self) {
        self.deadlines.set(Timer::Health, self.now.tick + HEALTH_MS);
        self.tell_guard();
        let health = self.health();
        self.sound.late_us = [0; 3];
        self.tell(Event::Health(health));
        self.tell_all_spans();
    }

    fn health(&self) -> Health {
        let (sip_dropped, sip_malformed) = self.lines.counts();
        let runs = |state| state == RecordingState::Growing;
        Health {
            sound_ticks: self.vitals.sound_ticks,
            sound_overruns: self.vitals.sound_overruns,
            late_us: self.sound.late_us,
            legs: self.legs.len() as u32,
            recordings: self.recordings.values().filter(|t| runs(t.record.state)).count() as u32,
            events_queued: self.vitals.events_queued,
            sip_dropped,
            sip_malformed,
            sound_lost: self.sound.lost_packets,
        }
    }

    /// Whether a leg or recording of this name is or was there, as far as is remembered.
    pub(super) fn knows_leg(&self, leg: LegId) -> bool {
        self.legs.contains_key(&leg) || self.session.ended_leg(leg).is_some()
    }

    pub(super) fn knows_recording(&self, recording: RecordingId) -> bool {
        self.recordings.contains_key(&recording) || self.session.knows_recording(recording)
    }
}
