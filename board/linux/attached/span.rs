//! The upkeep of an attached span: its only layer 1 is whether somebody is there.

use std::io;
use std::sync::Arc;

use board_port::{Alarms, EchoPlace, Loop, Span, SpanStatus};
use nix::sys::eventfd::EventFd;

use crate::tally::Tally;

/// One attached span.
pub struct AttachedSpan {
    tally: Arc<Tally>,
    bell: Arc<EventFd>,
}

impl AttachedSpan {
    /// The upkeep beside the other two parts that share `tally`.
    pub fn new(tally: Arc<Tally>, bell: Arc<EventFd>) -> AttachedSpan {
        AttachedSpan { tally, bell }
    }
}

impl Span for AttachedSpan {
    fn status(&mut self) -> io::Result<SpanStatus> {
        let alarms = Alarms {
            red: !self.tally.frames(),
            loopback: self.tally.looped() != Loop::Off,
            not_open: !self.tally.running(),
            ..Alarms::default()
        };
        Ok(SpanStatus { alarms, counters: self.tally.counters(), sound: self.tally.sound() })
    }

    fn set_loop(&mut self, wanted: Loop) -> io::Result<()> {
        self.tally.set_loop(wanted);
        Ok(())
    }

    fn set_running(&mut self, on: bool) -> io::Result<()> {
        self.tally.set_running(on);
        if !on {
            // True before the reactor has been round to close the door.
            self.tally.set_frames(false);
        }
        self.bell.write(1)?;
        Ok(())
    }

    fn set_echo(&mut self, _slot: u8, on: bool) -> io::Result<EchoPlace> {
        Ok(if on { EchoPlace::Ours } else { EchoPlace::Nobody })
    }
}
