//! The reactor's hold on one span: frames in and out, and a look at layer 1 a few times a second.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use board_port::{FrameChannel, LONGEST_FRAME, Span, SpanStatus};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Frames taken from one span in one turn, so that none starves the others.
const FRAMES_A_TURN: usize = 32;

/// What the reactor needs of an open span.
pub type Watched = (Box<dyn FrameChannel>, Box<dyn Span>);

/// One span as the reactor has it.
pub struct LiveSpan {
    open: Option<Open>,
}

struct Open {
    frames: Box<dyn FrameChannel>,
    /// A second descriptor of the same channel, to wait on.
    wait: AsyncFd<OwnedFd>,
    span: Box<dyn Span>,
}

// tokio deprecates what takes a raw descriptor from any type; of an `OwnedFd` it is sound.
#[allow(deprecated)]
fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

impl LiveSpan {
    /// Watches a span; `None` keeps the place of one that could not be opened.
    ///
    /// # Errors
    /// The descriptor cannot be watched.
    pub fn new(parts: Option<Watched>) -> io::Result<LiveSpan> {
        let open = match parts {
            None => None,
            Some((frames, span)) => {
                let wait = watch(frames.as_fd().try_clone_to_owned()?)?;
                Some(Open { frames, wait, span })
            }
        };
        Ok(LiveSpan { open })
    }

    /// Waits until a frame may be there.
    pub async fn readable(&self) {
        match &self.open {
            // An error shows up again when the frame is taken.
            Some(open) => drop(open.wait.readable().await.map(|mut ready| ready.retain_ready())),
            None => std::future::pending().await,
        }
    }

    /// Takes the frames that are there, and says whether there may be more.
    pub fn take(&mut self, mut each: impl FnMut(&[u8])) -> bool {
        let Some(open) = &mut self.open else { return false };
        let mut frame = [0; LONGEST_FRAME];
        for _ in 0..FRAMES_A_TURN {
            let taken = open.wait.try_io(Interest::READABLE, |_| {
                let received = open.frames.receive(&mut frame)?;
                received.ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            match taken {
                Ok(length) => each(frame.get(..length).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) => {
                    tracing::error!(%error, "a D-channel cannot be read; its span is given up");
                    self.open = None;
                    return false;
                }
            }
        }
        true
    }

    /// Sends a frame. What cannot go is repeated by Q.921.
    pub fn send(&mut self, frame: &[u8]) {
        if let Some(open) = &mut self.open
            && let Err(error) = open.frames.send(frame)
        {
            tracing::error!(%error, "a D-channel cannot be written; its span is given up");
            self.open = None;
        }
    }

    /// What layer 1 says; a span that is not there is not open.
    pub fn status(&mut self) -> SpanStatus {
        let seen = self.open.as_mut().map(|open| open.span.status());
        match seen {
            Some(Ok(status)) => status,
            Some(Err(_)) | None => {
                let mut status = SpanStatus::default();
                status.alarms.not_open = true;
                status
            }
        }
    }
}
