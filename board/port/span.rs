//! One E1 span's upkeep: layer-1 alarms, counters, loops, start and stop.

use std::io;

/// What can be seen and done at a span beside its channels. Used by the reactor; a call may take
/// as long as one ioctl.
pub trait Span: Send {
    /// What layer 1 says now. Poll it (a few times a second is enough): alarms have no descriptor.
    ///
    /// # Errors
    /// The device is gone.
    fn status(&mut self) -> io::Result<SpanStatus>;

    /// Closes or opens a test loop. While one is closed, [`Alarms::loopback`] is set.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`]: this hardware has no such loop.
    fn set_loop(&mut self, wanted: Loop) -> io::Result<()>;

    /// Starts or stops the span. A stopped span is not open ([`Alarms::not_open`]), and its far
    /// end sees it fail.
    ///
    /// # Errors
    /// The hardware refused.
    fn set_running(&mut self, on: bool) -> io::Result<()>;

    /// Switches the echo canceller of the hardware for one slot. The answer tells who cancels
    /// from now on.
    ///
    /// # Errors
    /// The hardware has a canceller and refused.
    fn set_echo(&mut self, slot: u8, on: bool) -> io::Result<EchoPlace>;
}

/// A test loop of the span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loop {
    /// None: normal work.
    #[default]
    Off,
    /// What we send comes back to us. Tests the box.
    Local,
    /// What the far end sends goes back to it. Tests the line, from there.
    Remote,
}

/// Who cancels the echo of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoPlace {
    /// The card does.
    Card,
    /// The card has no canceller: ours must.
    Ours,
    /// Nobody; it is switched off.
    Nobody,
}

/// Layer 1 at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanStatus {
    /// What is wrong.
    pub alarms: Alarms,
    /// What was counted since the span was opened.
    pub counters: Counters,
    /// Whether the B-channels bring octets. An attached exchange may speak on its D-channel only.
    pub sound: bool,
}

/// Alarms of layer 1, after ITU-T G.775 and ETS 300 011 §9.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// We receive no signal or no framing: check the cable.
    pub red: bool,
    /// The far end says that it does not receive us (RAI).
    pub yellow: bool,
    /// The far end sends all ones: it has failed behind its own line (AIS).
    pub blue: bool,
    /// The signal is back and has to hold for a while first.
    pub recovering: bool,
    /// A test loop is closed.
    pub loopback: bool,
    /// The span is stopped or was never started.
    pub not_open: bool,
}

impl Alarms {
    /// Whether the span can carry calls: no alarm of any kind stands.
    pub const fn clear(self) -> bool {
        !(self.red || self.yellow || self.blue || self.recovering || self.loopback || self.not_open)
    }
}

/// Counters of one span. They only grow, and begin at 0 when the span is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Blocks of 20 ms left out or missing because the clocks of both ends differ, or because
    /// this box was late (ITU-T G.823).
    pub slips: u64,
    /// Bipolar violations: the line is noisy or coded otherwise.
    pub bipolar_violations: u64,
    /// Sub-multiframes received with a wrong CRC-4 (ITU-T G.704 §2.3.3).
    pub crc4_errors: u64,
    /// Sub-multiframes that the far end received with a wrong CRC-4 (E bits).
    pub e_bits: u64,
    /// Frame alignment signals received wrong.
    pub frame_alignment: u64,
    /// Frames on the D-channel that were broken off.
    pub aborts: u64,
    /// Frames on the D-channel with a wrong FCS.
    pub bad_fcs: u64,
    /// Frames on the D-channel too long or too short, or block messages that make no sense.
    pub malformed: u64,
    /// Frames and blocks that came faster than they were taken.
    pub overruns: u64,
    /// Frames and blocks that could not be sent: nobody there, or the way was full.
    pub unsent: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alarm_alone_keeps_calls_off_the_span() {
        assert!(Alarms::default().clear());
        let alone = [
            Alarms { red: true, ..Alarms::default() },
            Alarms { yellow: true, ..Alarms::default() },
            Alarms { blue: true, ..Alarms::default() },
            Alarms { recovering: true, ..Alarms::default() },
            Alarms { loopback: true, ..Alarms::default() },
            Alarms { not_open: true, ..Alarms::default() },
        ];
        assert!(alone.into_iter().all(|alarms| !alarms.clear()));
    }
}
