//! Which places of the sound core are free.
//!
//! Port *i* of the sound core is the *i*-th pair of RTP ports; player *i* + 1 is its leg's own, and
//! player 0 plays the music that all held parties hear. A port that was closed is used again only
//! when the sound core has said its last about it, and the one that rested longest comes first, so
//! that late packets of an old call never reach a new one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use media::{PlayerId, PortId, RecorderId};

/// The player of the music that all held parties hear.
pub(crate) const MUSIC_PLAYER: PlayerId = PlayerId(0);

/// The player of the leg at this port.
pub(crate) fn player_of(port: PortId) -> PlayerId {
    PlayerId(port.0 + 1)
}

/// The port whose leg this player belongs to.
pub(crate) fn port_of(player: PlayerId) -> Option<PortId> {
    player.0.checked_sub(1).map(PortId)
}

#[derive(Clone, Debug)]
pub(crate) struct Ports {
    free: VecDeque<PortId>,
    closing: BTreeSet<PortId>,
    /// Plays that were begun at each port and whose end has not been told.
    plays: BTreeMap<PortId, u32>,
}

impl Ports {
    pub(crate) fn new(count: u16) -> Ports {
        let free = (0..count).map(PortId).collect();
        Ports { free, closing: BTreeSet::new(), plays: BTreeMap::new() }
    }

    pub(crate) fn take(&mut self) -> Option<PortId> {
        self.free.pop_front()
    }

    /// The port was never opened.
    pub(crate) fn give_back(&mut self, port: PortId) {
        self.free.push_back(port);
    }

    /// The port was told to close.
    pub(crate) fn closing(&mut self, port: PortId) {
        self.closing.insert(port);
    }

    /// The sound core has said its last about this port (or should have by now).
    pub(crate) fn closed(&mut self, port: PortId) {
        if self.closing.remove(&port) {
            self.plays.remove(&port);
            self.free.push_back(port);
        }
    }

    /// A play was begun; the sound core tells the end of each, also of one that another replaces.
    pub(crate) fn play_begun(&mut self, port: PortId) {
        *self.plays.entry(port).or_default() += 1;
    }

    /// An end was told. Whether it is that of the latest play.
    pub(crate) fn play_ended(&mut self, port: PortId) -> bool {
        let Some(count) = self.plays.get_mut(&port) else { return false };
        *count = count.saturating_sub(1);
        *count == 0
    }

    /// The end of the latest play was lost.
    pub(crate) fn forget_plays(&mut self, port: PortId) {
        self.plays.remove(&port);
    }

    /// Ports that are neither used nor closing.
    #[cfg(test)]
    pub(crate) fn free_count(&self) -> usize {
        self.free.len()
    }
}

/// Which recorders of the sound core are free.
#[derive(Clone, Debug)]
pub(crate) struct Recorders {
    free: VecDeque<RecorderId>,
}

impl Recorders {
    pub(crate) fn new(count: u16) -> Recorders {
        Recorders { free: (0..count).map(RecorderId).collect() }
    }

    pub(crate) fn take(&mut self) -> Option<RecorderId> {
        self.free.pop_front()
    }

    pub(crate) fn give_back(&mut self, recorder: RecorderId) {
        self.free.push_back(recorder);
    }
}
