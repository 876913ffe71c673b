//! The engine: one turn of the sound of the whole box.

use crate::command::{Command, Refusal};
use crate::fact::{Block, Fact, PacketRefusal, PortStats};
use crate::id::PortId;
use crate::limits;
use crate::table::Table;

/// How large the engine is built. Each count is limited by [`limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Ports, at most [`limits::PORTS`].
    pub ports: usize,
    /// Players, at most [`limits::PLAYERS`].
    pub players: usize,
    /// Recorders, at most [`limits::RECORDERS`].
    pub recorders: usize,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup { ports: limits::PORTS, players: limits::PLAYERS, recorders: limits::RECORDERS }
    }
}

/// What the shell may conclude from a packet that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The first packet of this synchronisation source: symmetric RTP may learn the sender's
    /// address from it.
    pub new_source: bool,
}

/// The sound of the box. `Send`: built at start, then given to the sound thread.
#[derive(Debug)]
pub struct Engine {
    table: Table,
}

impl Engine {
    /// Builds everything; the only call that allocates. Counts above [`limits`] are cut to them.
    #[must_use]
    pub fn new(setup: Setup) -> Engine {
        let ports = setup.ports.min(limits::PORTS);
        let players = setup.players.min(limits::PLAYERS);
        let recorders = setup.recorders.min(limits::RECORDERS);
        Engine { table: Table::new(ports, players, recorders) }
    }

    /// Does one command; it is audible from the next tick on.
    pub fn apply(&mut self, command: Command) -> Result<(), Refusal> {
        if let Command::Hear(ear, source, gain) = command {
            self.table.hear(ear, source, gain)?;
        }
        Ok(())
    }

    /// Takes one datagram that came to a port. `now_us` is a monotonic time in microseconds, used
    /// for the jitter figure only.
    pub fn handle_packet(
        &mut self,
        port: PortId,
        now_us: u64,
        datagram: &[u8],
    ) -> Result<Accepted, PacketRefusal> {
        let _ = (port, now_us, datagram);
        Err(PacketRefusal::PortClosed)
    }

    /// One turn of 20 ms: takes sound from the jitter buffers and players, runs the detectors,
    /// mixes and encodes. Fills what [`Engine::packets`] and [`Engine::poll_block`] give.
    pub fn tick(&mut self) {}

    /// The packets of the last tick, one at most for each port, in order of opening. They stay
    /// until the next tick, so that one `sendmmsg` can point at them all.
    pub fn packets(&self) -> impl Iterator<Item = (PortId, &[u8])> {
        core::iter::empty()
    }

    /// The next recorded block of the last tick. What is not taken before the next tick is lost
    /// and counted.
    pub fn poll_block(&mut self) -> Option<&Block> {
        None
    }

    /// The next fact.
    pub fn poll_fact(&mut self) -> Option<Fact> {
        None
    }

    /// The counts of an open port.
    #[must_use]
    pub fn stats(&self, port: PortId) -> Option<PortStats> {
        let _ = port;
        None
    }
}
