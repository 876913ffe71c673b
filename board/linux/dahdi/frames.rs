//! The D-channel of a card's span: the kernel makes and checks the FCS.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use board_port::{FrameChannel, LONGEST_FRAME, fcs};

use super::abi;
use super::device::{Channel, Heard, Taken};
use crate::limits::FRAME_OCTETS;
use crate::tally::Tally;
use crate::wake::Wake;

/// The frames of one span.
pub struct Frames {
    channel: Channel,
    wake: Wake,
    tally: Arc<Tally>,
}

impl Frames {
    /// Speaks over an open channel of HDLC frames.
    pub fn new(channel: Channel, tally: Arc<Tally>) -> io::Result<Frames> {
        let wake = Wake::new()?;
        wake.add(&channel)?;
        tally.set_frames(true);
        Ok(Frames { channel, wake, tally })
    }

    /// Takes every event that waits.
    fn take_events(&self) -> io::Result<()> {
        while let Some(event) = self.channel.event()? {
            match event {
                abi::EVENT_ABORT => self.tally.aborts.one(),
                abi::EVENT_OVERRUN => self.tally.overruns.one(),
                abi::EVENT_BADFCS => self.tally.bad_fcs.one(),
                abi::EVENT_REMOVED => return Err(io::ErrorKind::NotConnected.into()),
                // Alarms come and go: the span's status tells them.
                _ => {}
            }
        }
        Ok(())
    }
}

impl AsFd for Frames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl FrameChannel for Frames {
    fn receive(&mut self, frame: &mut [u8]) -> io::Result<Option<usize>> {
        let mut room = [0; FRAME_OCTETS];
        loop {
            let length = match self.channel.read(&mut room)? {
                Heard::Octets(length) => length,
                Heard::Nothing => return Ok(None),
                Heard::Event => {
                    self.take_events()?;
                    continue;
                }
            };
            // The kernel hands over the FCS that it has checked.
            let octets = length.checked_sub(fcs::LENGTH).and_then(|octets| room.get(..octets));
            let octets = octets.filter(|octets| octets.len() <= LONGEST_FRAME);
            let place = octets.and_then(|octets| frame.get_mut(..octets.len()));
            let (Some(octets), Some(place)) = (octets, place) else {
                self.tally.malformed.one();
                continue;
            };
            place.copy_from_slice(octets);
            return Ok(Some(octets.len()));
        }
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let mut room = [0; LONGEST_FRAME + fcs::LENGTH];
        // The kernel writes the FCS into the two octets behind the frame.
        let Some(whole) = room.get_mut(..frame.len() + fcs::LENGTH) else {
            self.tally.unsent.one();
            return Ok(());
        };
        let (place, _) = whole.split_at_mut(frame.len());
        place.copy_from_slice(frame);
        loop {
            match self.channel.write(whole)? {
                Taken::Whole => return Ok(()),
                Taken::Full => {
                    self.tally.unsent.one();
                    return Ok(());
                }
                Taken::Event => self.take_events()?,
            }
        }
    }
}
