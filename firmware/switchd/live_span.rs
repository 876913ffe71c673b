//! The reactor's hold on one span: frames in and out, and a look at layer 1 a few times a second.

use std::io;

use board_linux::watch::Watch;
use board_port::{FrameChannel, LONGEST_FRAME, Span, SpanStatus};

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
    watch: Watch,
    span: Box<dyn Span>,
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
                let watch = Watch::new(frames.as_ref())?;
                Some(Open { frames, watch, span })
            }
        };
        Ok(LiveSpan { open })
    }

    /// Waits until a frame may be there. Then [`LiveSpan::take`] must be called until it says that
    /// there is no more: what is left is not told again.
    pub async fn readable(&self) {
        match &self.open {
            // An error shows up again when the frame is taken.
            Some(open) => drop(open.watch.ready().await),
            None => std::future::pending().await,
        }
    }

    /// Takes the frames that are there, and says whether there may be more.
    pub fn take(&mut self, mut each: impl FnMut(&[u8])) -> bool {
        let Some(open) = &mut self.open else { return false };
        let mut frame = [0; LONGEST_FRAME];
        for _ in 0..FRAMES_A_TURN {
            match open.frames.receive(&mut frame) {
                Ok(Some(length)) => each(frame.get(..length).unwrap_or_default()),
                Ok(None) => return false,
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
