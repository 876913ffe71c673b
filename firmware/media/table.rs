//! Who hears whom: one sparse table of ears and sources. Every feature of the box that touches
//! sound is rows of it, and nothing else:
//!
//! ```text
//! talk         A hears B, B hears A
//! hold         the customer hears the music player; the agent's ear has no row
//! listen       the leader hears both; no ear hears the leader
//! whisper      the agent hears the leader too; the customer does not
//! barge        everybody hears everybody else (a conference is the same)
//! mute         one source removed from the ears
//! record       the left channel hears the customer, the right one the agent
//! prompt       the customer hears a player
//! detector     hears the line
//! ```
//!
//! The table holds numbers only and touches no sample; the mixer reads it. Every operation is
//! idempotent: a row said twice is there once, with the gain said last. An ear never hears its
//! own port back unless a row says so.

use crate::command::Refusal;
use crate::id::{Channel, Ear, Gain, Source};
use crate::limits;

/// One thing an ear hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is heard.
    pub source: Source,
    /// How loud.
    pub gain: Gain,
}

/// The rows of one ear, in the order in which they were first said.
type Rows = heapless::Vec<Row, { limits::SOURCES_PER_EAR }>;

/// The table. Ears are laid out as ports, detectors, recorder channels; memory is taken once.
#[derive(Debug)]
pub struct Table {
    ears: Vec<Rows>,
    /// How many rows name each source (ports, then players), so that a source nobody hears is
    /// known at once, and forgetting one stops when its last row is found.
    heard_by: Vec<u32>,
    ports: usize,
    recorders: usize,
}

impl Table {
    /// A table in which nobody hears anything.
    #[must_use]
    pub fn new(ports: usize, players: usize, recorders: usize) -> Table {
        let ears = 2 * ports + 2 * recorders;
        Table {
            ears: vec![Rows::new(); ears],
            heard_by: vec![0; ports + players],
            ports,
            recorders,
        }
    }

    /// From now on `ear` hears `source` with `gain`.
    pub fn hear(&mut self, ear: Ear, source: Source, gain: Gain) -> Result<(), Refusal> {
        let heard = self.source_index(source).ok_or(no_source(source))?;
        let at = self.ear_index(ear).ok_or(no_ear(ear))?;
        let Some(rows) = self.ears.get_mut(at) else {
            return Err(no_ear(ear));
        };
        if let Some(row) = rows.iter_mut().find(|row| row.source == source) {
            row.gain = gain;
            return Ok(());
        }
        rows.push(Row { source, gain }).map_err(|_| Refusal::EarFull(ear))?;
        if let Some(count) = self.heard_by.get_mut(heard) {
            *count += 1;
        }
        Ok(())
    }

    /// `ear` no longer hears `source`. Nothing happens if it did not.
    pub fn unhear(&mut self, ear: Ear, source: Source) {
        let at = self.ear_index(ear);
        if let Some(rows) = at.and_then(|at| self.ears.get_mut(at)) {
            let before = rows.len();
            rows.retain(|row| row.source != source);
            if rows.len() < before {
                self.uncount(source);
            }
        }
    }

    /// `ear` hears nothing any more.
    pub fn deafen(&mut self, ear: Ear) {
        let at = self.ear_index(ear);
        while let Some(row) = at.and_then(|at| self.ears.get_mut(at)).and_then(Rows::pop) {
            self.uncount(row.source);
        }
    }

    /// No ear hears `source` any more: its port was closed and may be given to a stranger.
    pub fn forget(&mut self, source: Source) {
        let Some(index) = self.source_index(source) else {
            return;
        };
        for rows in &mut self.ears {
            let Some(count) = self.heard_by.get_mut(index).filter(|count| **count > 0) else {
                return;
            };
            let before = rows.len();
            rows.retain(|row| row.source != source);
            *count -= (before - rows.len()) as u32;
        }
    }

    /// What `ear` hears.
    #[must_use]
    pub fn rows(&self, ear: Ear) -> &[Row] {
        self.ear_index(ear).and_then(|at| self.ears.get(at)).map_or(&[], Rows::as_slice)
    }

    /// How many ears hear `source`.
    #[must_use]
    pub fn hearers(&self, source: Source) -> u32 {
        self.source_index(source).and_then(|at| self.heard_by.get(at)).copied().unwrap_or(0)
    }

    /// The place of a source in an array of ports followed by players.
    #[must_use]
    pub fn source_index(&self, source: Source) -> Option<usize> {
        let players = self.heard_by.len() - self.ports;
        match source {
            Source::Port(port) => Some(port.index()).filter(|&at| at < self.ports),
            Source::Player(player) => {
                Some(player.index()).filter(|&at| at < players).map(|at| self.ports + at)
            }
        }
    }

    fn ear_index(&self, ear: Ear) -> Option<usize> {
        match ear {
            Ear::Port(port) => Some(port.index()).filter(|&at| at < self.ports),
            Ear::Detector(port) => {
                Some(port.index()).filter(|&at| at < self.ports).map(|at| self.ports + at)
            }
            Ear::Recorder(recorder, channel) => {
                let side = match channel {
                    Channel::Left => 0,
                    Channel::Right => 1,
                };
                Some(recorder.index())
                    .filter(|&at| at < self.recorders)
                    .map(|at| 2 * self.ports + 2 * at + side)
            }
        }
    }

    fn uncount(&mut self, source: Source) {
        let at = self.source_index(source);
        if let Some(count) = at.and_then(|at| self.heard_by.get_mut(at)) {
            *count -= 1;
        }
    }
}

fn no_source(source: Source) -> Refusal {
    match source {
        Source::Port(port) => Refusal::NoPort(port),
        Source::Player(player) => Refusal::NoPlayer(player),
    }
}

fn no_ear(ear: Ear) -> Refusal {
    match ear {
        Ear::Port(port) | Ear::Detector(port) => Refusal::NoPort(port),
        Ear::Recorder(recorder, _) => Refusal::NoRecorder(recorder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{PlayerId, PortId, RecorderId};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const CUSTOMER: PortId = PortId(0);
    const AGENT: PortId = PortId(1);
    const LEADER: PortId = PortId(2);
    const MUSIC: PlayerId = PlayerId(0);
    const TAPE: RecorderId = RecorderId(0);

    fn table() -> Table {
        Table::new(4, 2, 2)
    }

    fn hears(table: &Table, ear: Ear) -> Vec<Source> {
        table.rows(ear).iter().map(|row| row.source).collect()
    }

    fn join(table: &mut Table, a: PortId, b: PortId) {
        table.hear(Ear::Port(a), Source::Port(b), Gain::UNITY).unwrap();
        table.hear(Ear::Port(b), Source::Port(a), Gain::UNITY).unwrap();
    }

    fn talk() -> Table {
        let mut table = table();
        join(&mut table, CUSTOMER, AGENT);
        table
    }

    #[test]
    fn in_a_talk_each_hears_the_other_and_not_himself() {
        let table = talk();
        assert_eq!(hears(&table, Ear::Port(CUSTOMER)), [Source::Port(AGENT)]);
        assert_eq!(hears(&table, Ear::Port(AGENT)), [Source::Port(CUSTOMER)]);
    }

    #[test]
    fn on_hold_the_customer_hears_music_and_the_agent_nothing() {
        let mut table = talk();
        table.deafen(Ear::Port(CUSTOMER));
        table.deafen(Ear::Port(AGENT));
        table.hear(Ear::Port(CUSTOMER), Source::Player(MUSIC), Gain::UNITY).unwrap();
        assert_eq!(hears(&table, Ear::Port(CUSTOMER)), [Source::Player(MUSIC)]);
        assert!(hears(&table, Ear::Port(AGENT)).is_empty());
        assert_eq!(table.hearers(Source::Port(CUSTOMER)), 0);
    }

    #[test]
    fn a_listening_leader_hears_both_and_nobody_hears_the_leader() {
        let mut table = talk();
        for source in [CUSTOMER, AGENT] {
            table.hear(Ear::Port(LEADER), Source::Port(source), Gain::UNITY).unwrap();
        }
        let both = [Source::Port(CUSTOMER), Source::Port(AGENT)];
        assert_eq!(hears(&table, Ear::Port(LEADER)), both);
        assert_eq!(table.hearers(Source::Port(LEADER)), 0);
    }

    #[test]
    fn a_whisper_reaches_the_agent_and_not_the_customer() {
        let mut table = talk();
        table.hear(Ear::Port(AGENT), Source::Port(LEADER), Gain::from_db(-6.0)).unwrap();
        let agent = table.rows(Ear::Port(AGENT));
        assert_eq!(agent.len(), 2);
        assert_eq!(agent[1].gain, Gain::from_db(-6.0));
        assert_eq!(hears(&table, Ear::Port(CUSTOMER)), [Source::Port(AGENT)]);
    }

    #[test]
    fn after_a_barge_everybody_hears_everybody_else() {
        let mut table = talk();
        join(&mut table, LEADER, AGENT);
        join(&mut table, LEADER, CUSTOMER);
        for me in [CUSTOMER, AGENT, LEADER] {
            let heard = hears(&table, Ear::Port(me));
            assert_eq!(heard.len(), 2);
            assert!(!heard.contains(&Source::Port(me)));
        }
    }

    #[test]
    fn a_muted_source_is_heard_by_nobody_and_the_rest_goes_on() {
        let mut table = talk();
        join(&mut table, LEADER, AGENT);
        table.forget(Source::Port(AGENT));
        assert!(hears(&table, Ear::Port(CUSTOMER)).is_empty());
        assert!(hears(&table, Ear::Port(LEADER)).is_empty());
        let rest = [Source::Port(CUSTOMER), Source::Port(LEADER)];
        assert_eq!(hears(&table, Ear::Port(AGENT)), rest);
    }

    #[test]
    fn a_recording_hears_the_customer_left_and_the_agent_right() {
        let mut table = talk();
        let (left, right) =
            (Ear::Recorder(TAPE, Channel::Left), Ear::Recorder(TAPE, Channel::Right));
        table.hear(left, Source::Port(CUSTOMER), Gain::UNITY).unwrap();
        table.hear(right, Source::Port(AGENT), Gain::UNITY).unwrap();
        assert_eq!(hears(&table, left), [Source::Port(CUSTOMER)]);
        assert_eq!(hears(&table, right), [Source::Port(AGENT)]);
        assert_eq!(hears(&table, Ear::Port(CUSTOMER)), [Source::Port(AGENT)]);
    }

    #[test]
    fn a_menu_is_a_player_to_the_customer_and_a_detector_on_him() {
        let mut table = table();
        table.hear(Ear::Port(CUSTOMER), Source::Player(MUSIC), Gain::UNITY).unwrap();
        table.hear(Ear::Detector(CUSTOMER), Source::Port(CUSTOMER), Gain::UNITY).unwrap();
        assert_eq!(hears(&table, Ear::Port(CUSTOMER)), [Source::Player(MUSIC)]);
        assert_eq!(hears(&table, Ear::Detector(CUSTOMER)), [Source::Port(CUSTOMER)]);
    }

    #[test]
    fn a_full_ear_refuses_by_name_and_keeps_what_it_has() {
        let mut table = Table::new(40, 0, 0);
        let ear = Ear::Port(PortId(39));
        for n in 0..limits::SOURCES_PER_EAR as u16 {
            table.hear(ear, Source::Port(PortId(n)), Gain::UNITY).unwrap();
        }
        let refused = table.hear(ear, Source::Port(PortId(20)), Gain::UNITY);
        assert_eq!(refused, Err(Refusal::EarFull(ear)));
        assert_eq!(table.rows(ear).len(), limits::SOURCES_PER_EAR);
        assert_eq!(table.hear(ear, Source::Port(PortId(0)), Gain::ZERO), Ok(()));
    }

    #[test]
    fn what_does_not_exist_is_refused_by_its_name() {
        let mut table = table();
        let (port, player) = (PortId(4), PlayerId(2));
        let ear = Ear::Port(CUSTOMER);
        let hear = |t: &mut Table, ear, source| t.hear(ear, source, Gain::UNITY);
        assert_eq!(hear(&mut table, ear, Source::Port(port)), Err(Refusal::NoPort(port)));
        assert_eq!(hear(&mut table, ear, Source::Player(player)), Err(Refusal::NoPlayer(player)));
        let tape = RecorderId(2);
        let channel = Ear::Recorder(tape, Channel::Left);
        let source = Source::Port(CUSTOMER);
        assert_eq!(hear(&mut table, channel, source), Err(Refusal::NoRecorder(tape)));
        table.unhear(channel, source);
        table.deafen(Ear::Detector(port));
        table.forget(Source::Port(port));
    }

    #[derive(Clone, Copy, Debug)]
    enum Op {
        Hear(Ear, Source, i16),
        Unhear(Ear, Source),
        Deafen(Ear),
        Forget(Source),
    }

    fn any_op() -> impl Strategy<Value = Op> {
        let ear = prop_oneof![
            (0u16..5).prop_map(|n| Ear::Port(PortId(n))),
            (0u16..5).prop_map(|n| Ear::Detector(PortId(n))),
            (0u16..3).prop_map(|n| Ear::Recorder(RecorderId(n), Channel::Left)),
            (0u16..3).prop_map(|n| Ear::Recorder(RecorderId(n), Channel::Right)),
        ];
        let source = prop_oneof![
            (0u16..5).prop_map(|n| Source::Port(PortId(n))),
            (0u16..3).prop_map(|n| Source::Player(PlayerId(n))),
        ];
        prop_oneof![
            4 => (ear.clone(), source.clone(), 0i16..100).prop_map(|(e, s, g)| Op::Hear(e, s, g)),
            2 => (ear.clone(), source.clone()).prop_map(|(e, s)| Op::Unhear(e, s)),
            1 => ear.prop_map(Op::Deafen),
            1 => source.prop_map(Op::Forget),
        ]
    }

    proptest! {
        /// The table against the plainest model of it; each operation is done twice.
        #[test]
        fn the_table_is_a_set_of_rows(ops in proptest::collection::vec(any_op(), 0..200)) {
            let mut table = table();
            let mut model: BTreeMap<(Ear, Source), Gain> = BTreeMap::new();
            for op in ops.iter().flat_map(|&op| [op, op]) {
                match op {
                    Op::Hear(ear, source, db) => {
                        let gain = Gain::from_db(-f32::from(db));
                        if table.hear(ear, source, gain).is_ok() {
                            model.insert((ear, source), gain);
                        }
                    }
                    Op::Unhear(ear, source) => {
                        table.unhear(ear, source);
                        model.remove(&(ear, source));
                    }
                    Op::Deafen(ear) => {
                        table.deafen(ear);
                        model.retain(|key, _| key.0 != ear);
                    }
                    Op::Forget(source) => {
                        table.forget(source);
                        model.retain(|key, _| key.1 != source);
                    }
                }
            }
            for (&(ear, source), &gain) in &model {
                let row = Row { source, gain };
                prop_assert!(table.rows(ear).contains(&row));
            }
            let rows: usize = table.ears.iter().map(|rows| rows.len()).sum();
            prop_assert_eq!(rows, model.len());
            let counted: u32 = table.heard_by.iter().sum();
            prop_assert_eq!(counted as usize, model.len());
        }
    }
}
