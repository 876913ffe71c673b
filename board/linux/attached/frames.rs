//! The D-channel of an attached exchange.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use board_port::{FrameChannel, LONGEST_FRAME, Loop, fcs};
use nix::sys::eventfd::EventFd;

use super::listener::{Listener, Peer, Received, Sent};
use crate::limits::GARBAGE_A_LOOK;
use crate::tally::Tally;
use crate::wake::Wake;

/// Room for the longest frame and its FCS, octets.
const ROOM: usize = LONGEST_FRAME + fcs::LENGTH;

/// The frames of one span.
pub struct Frames {
    listener: Listener,
    peer: Option<Peer>,
    fcs: bool,
    /// Rung by the span's upkeep when it starts or stops.
    bell: Arc<EventFd>,
    wake: Wake,
    tally: Arc<Tally>,
}

impl Frames {
    /// Waits at `listener`. Nobody is attached yet.
    pub fn new(
        listener: Listener,
        fcs: bool,
        bell: Arc<EventFd>,
        tally: Arc<Tally>,
    ) -> io::Result<Frames> {
        let wake = Wake::new()?;
        wake.add(&listener)?;
        wake.add(bell.as_fd())?;
        Ok(Frames { listener, peer: None, fcs, bell, wake, tally })
    }

    /// Lets in whoever knocks, the last one staying; sends everybody away while stopped.
    fn attend_door(&mut self) -> io::Result<()> {
        // An empty bell says EAGAIN, which is no news.
        let _rung = self.bell.read();
        while let Some(peer) = self.listener.accept()? {
            self.wake.add(&peer)?;
            self.peer = Some(peer);
        }
        if !self.tally.running() {
            self.peer = None;
        }
        self.tally.set_frames(self.peer.is_some());
        Ok(())
    }

    fn part(&mut self) {
        self.peer = None;
        self.tally.set_frames(false);
    }

    /// The octets of a frame without its FCS, if it is one that may go up.
    fn looked_at<'a>(&self, message: Option<&'a [u8]>) -> Option<&'a [u8]> {
        let Some(message) = message else {
            self.tally.malformed.one();
            return None;
        };
        let octets = if self.fcs { fcs::check(message) } else { Some(message) };
        match octets {
            None => self.tally.bad_fcs.one(),
            Some(octets) if octets.is_empty() || octets.len() > LONGEST_FRAME => {
                self.tally.malformed.one();
            }
            Some(octets) => return Some(octets),
        }
        None
    }
}

impl AsFd for Frames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl FrameChannel for Frames {
    fn receive(&mut self, frame: &mut [u8]) -> io::Result<Option<usize>> {
        self.attend_door()?;
        let mut room = [0; ROOM];
        for _ in 0..GARBAGE_A_LOOK {
            let Some(peer) = &self.peer else { return Ok(None) };
            let length = match peer.receive(&mut room) {
                Received::Message(length) => length,
                Received::Nothing => return Ok(None),
                Received::Gone => {
                    self.part();
                    return Ok(None);
                }
            };
            match self.tally.looped() {
                Loop::Off => {}
                Loop::Local => continue,
                Loop::Remote => {
                    let back = room.get(..length).map(|message| peer.send(message));
                    if back != Some(Sent::Whole) {
                        self.tally.unsent.one();
                    }
                    continue;
                }
            }
            let Some(octets) = self.looked_at(room.get(..length)) else { continue };
            let Some(place) = frame.get_mut(..octets.len()) else {
                self.tally.malformed.one();
                continue;
            };
            place.copy_from_slice(octets);
            return Ok(Some(octets.len()));
        }
        // There may be more, and nothing else would say so to whoever watches for edges.
        self.bell.write(1)?;
        Ok(None)
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let mut room = [0; ROOM];
        let message = if frame.len() > LONGEST_FRAME {
            None
        } else if self.fcs {
            fcs::append(frame, &mut room).and_then(|length| room.get(..length))
        } else {
            Some(frame)
        };
        let sent = match (message, &self.peer, self.tally.looped()) {
            (Some(message), Some(peer), Loop::Off) => peer.send(message),
            (None, _, _) | (_, None, _) | (_, _, Loop::Local | Loop::Remote) => Sent::Full,
        };
        if sent != Sent::Whole {
            self.tally.unsent.one();
        }
        if sent == Sent::Gone {
            self.part();
        }
        Ok(())
    }
}
