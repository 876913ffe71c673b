//! Who hears whom, as rows that were asked for, and the fewest commands that make the sound core
//! follow.
//!
//! A row may be asked for by the join of two legs, by an order of centerd (listen, whisper, barge),
//! or both; an order may also forbid a row of the join (mute). [`Wires`] keeps the reasons apart, so
//! that the end of one never takes away what another still wants.

use std::collections::{BTreeMap, BTreeSet};

use media::{Command, Ear, Gain, PortId, Source};

/// One row: this ear hears this source.
pub(crate) type Row = (Ear, Source);

#[derive(Clone, Debug, Default)]
pub(crate) struct Wires {
    joined: BTreeSet<Row>,
    ordered: BTreeMap<Row, Gain>,
    muted: BTreeSet<Row>,
    /// What the sound core does.
    applied: BTreeMap<Row, Gain>,
}

impl Wires {
    /// The rows of the joined legs at these ports become `rows`.
    pub(crate) fn join(&mut self, ports: [PortId; 2], rows: &[Row]) -> Vec<Command> {
        let ears = ports.map(Ear::Port);
        let old: Vec<Row> = self.joined.iter().filter(|r| ears.contains(&r.0)).copied().collect();
        let mut touched: BTreeSet<Row> = old.iter().copied().collect();
        for row in old {
            self.joined.remove(&row);
        }
        self.joined.extend(rows.iter().copied());
        touched.extend(rows.iter().copied());
        touched.into_iter().filter_map(|row| self.follow(row)).collect()
    }

    /// The join of these ports is over, and with it what was muted in it.
    pub(crate) fn part(&mut self, ports: [PortId; 2]) -> Vec<Command> {
        self.muted.retain(|row| !ports.map(Ear::Port).contains(&row.0));
        self.join(ports, &[])
    }

    /// An order: hear it, with this gain.
    pub(crate) fn hear(&mut self, row: Row, gain: Gain) -> Option<Command> {
        self.muted.remove(&row);
        self.ordered.insert(row, gain);
        self.follow(row)
    }

    /// An order: do not hear it, whoever wants it.
    pub(crate) fn unhear(&mut self, row: Row) -> Option<Command> {
        self.ordered.remove(&row);
        if self.joined.contains(&row) {
            self.muted.insert(row);
        }
        self.follow(row)
    }

    /// A port was closed; the sound core has taken its rows away already.
    pub(crate) fn forget(&mut self, port: PortId) {
        let stays = |row: &Row| row.0 != Ear::Port(port) && row.1 != Source::Port(port);
        self.joined.retain(stays);
        self.ordered.retain(|row, _| stays(row));
        self.muted.retain(stays);
        self.applied.retain(|row, _| stays(row));
    }

    /// The rows that sound now.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.applied.keys().copied()
    }

    fn follow(&mut self, row: Row) -> Option<Command> {
        let joined = self.joined.contains(&row).then_some(Gain::UNITY);
        let wanted = match self.muted.contains(&row) {
            true => None,
            false => self.ordered.get(&row).copied().or(joined),
        };
        let before = match wanted {
            Some(gain) => self.applied.insert(row, gain),
            None => self.applied.remove(&row),
        };
        if before == wanted {
            return None;
        }
        Some(match wanted {
            Some(gain) => Command::Hear(row.0, row.1, gain),
            None => Command::Unhear(row.0, row.1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PortId = PortId(0);
    const B: PortId = PortId(1);

    fn row(ear: PortId, source: PortId) -> Row {
        (Ear::Port(ear), Source::Port(source))
    }

    #[test]
    fn what_an_order_wants_outlives_the_join() {
        let mut wires = Wires::default();
        assert_eq!(wires.join([A, B], &[row(A, B), row(B, A)]).len(), 2);
        let loud = Gain::from_db(6.0);
        assert!(wires.hear(row(A, B), loud).is_some());
        let parted = wires.part([A, B]);
        assert_eq!(parted, [Command::Unhear(Ear::Port(B), Source::Port(A))]);
        assert_eq!(wires.rows().collect::<Vec<_>>(), [row(A, B)]);
    }

    #[test]
    fn mute_takes_a_row_of_the_join_away_until_it_is_wanted_again() {
        let mut wires = Wires::default();
        let _ = wires.join([A, B], &[row(A, B), row(B, A)]);
        assert!(wires.unhear(row(A, B)).is_some());
        assert_eq!(wires.join([A, B], &[row(A, B), row(B, A)]), []);
        assert!(wires.hear(row(A, B), Gain::UNITY).is_some());
        assert!(wires.unhear(row(A, B)).is_some());
        let _ = wires.part([A, B]);
        assert_eq!(wires.join([A, B], &[row(A, B)]).len(), 1);
    }

    #[test]
    fn the_same_again_commands_nothing() {
        let mut wires = Wires::default();
        let rows = [row(A, B), row(B, A)];
        let _ = wires.join([A, B], &rows);
        assert_eq!(wires.join([A, B], &rows), []);
        wires.forget(A);
        assert_eq!(wires.rows().count(), 0);
    }
}
