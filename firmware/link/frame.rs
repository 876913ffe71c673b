//! Framing: one JSON object per line, bounded by [`LINE_BYTES_MAX`].

use call::{Epoch, Stamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::LINE_BYTES_MAX;
use crate::{Command, Event, Refusal, Snapshot};

/// The version of this conversation. Both sides must say the same: the two daemons are updated
/// together, so there is nothing to negotiate.
pub const VERSION: u32 = 2;

/// What centerd writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ToSwitch {
    /// First line of every connection.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// centerd's epoch: counts its starts. Anything of an older epoch is refused.
        epoch: Epoch,
    },
    /// Do something. Answered by exactly one [`ToCenter::Done`] or [`ToCenter::Refused`].
    Command {
        /// Counts the commands of this connection.
        n: u64,
        /// What to do.
        command: Command,
    },
    /// Every event up to `seq` is on disk; the journal may forget it.
    Ack {
        /// The last event that is safe.
        seq: u64,
    },
}

/// What switchd writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ToCenter {
    /// Answer to the greeting; a [`ToCenter::Snapshot`] follows.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// switchd's epoch: counts its starts.
        epoch: Epoch,
        /// When switchd started.
        started: Stamp,
    },
    /// All that lives now, and all that ended and was not acknowledged.
    Snapshot(Box<Snapshot>),
    /// Command `n` was taken and done (its effects may still unfold as events).
    Done {
        /// The command's number.
        n: u64,
    },
    /// Command `n` had no effect.
    Refused {
        /// The command's number.
        n: u64,
        /// Why.
        refusal: Refusal,
    },
    /// Something happened.
    Event {
        /// Counts the events of this switchd epoch, over all connections.
        seq: u64,
        /// When it happened.
        at: Stamp,
        /// What.
        event: Event,
    },
}

/// A line that cannot be a message of this conversation. The reader closes the connection: the
/// daemons are of different builds, or something else speaks on the socket.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// No end of line within the bound.
    #[error("a line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// The line is not JSON of the expected shape.
    #[error("a line is not a message of link version {VERSION}: {0}")]
    NotAMessage(#[from] serde_json::Error),
}

/// `message` as one line with its end.
///
/// # Errors
/// [`FrameError::TooLong`] when it would not fit the bound.
pub fn emit<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    if line.len() > LINE_BYTES_MAX { Err(FrameError::TooLong) } else { Ok(line) }
}

/// Cuts a stream of bytes into messages, whatever the pieces in which it arrives.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
    /// Bytes of `pending` that are known to hold no end of line.
    searched: usize,
}

impl Lines {
    /// Adds what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole message, `None` until more bytes come.
    ///
    /// # Errors
    /// [`FrameError`]; the stream cannot be followed any further then.
    pub fn next_message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let fresh = self.pending.get(self.searched..).unwrap_or_default();
        let Some(at) = fresh.iter().position(|&b| b == b'\n') else {
            self.searched = self.pending.len();
            return if self.searched >= LINE_BYTES_MAX {
                Err(FrameError::TooLong)
            } else {
                Ok(None)
            };
        };
        let line: Vec<u8> = self.pending.drain(..=self.searched + at).collect();
        self.searched = 0;
        if line.len() > LINE_BYTES_MAX {
            return Err(FrameError::TooLong);
        }
        Ok(Some(serde_json::from_slice(&line)?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use call::{Cause, LegId};
    use proptest::prelude::*;

    fn hang_up(n: u64) -> ToSwitch {
        let command = Command::HangUp { leg: LegId(n), cause: Cause::NormalClearing };
        ToSwitch::Command { n, command }
    }

    proptest! {
        #[test]
        fn messages_come_out_whole_however_the_stream_is_cut(cuts in prop::collection::vec(1usize..40, 1..60)) {
            let sent: Vec<ToSwitch> = (0..9).map(hang_up).collect();
            let stream: Vec<u8> = sent.iter().flat_map(|m| emit(m).unwrap()).collect();
            let mut lines = Lines::default();
            let mut got = Vec::new();
            let mut rest = stream.as_slice();
            let mut cuts = cuts.into_iter().cycle();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                lines.push(piece);
                rest = after;
                while let Some(message) = lines.next_message::<ToSwitch>().unwrap() {
                    got.push(message);
                }
            }
            prop_assert_eq!(got, sent);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut lines = Lines::default();
            lines.push(&bytes);
            lines.push(b"\n");
            let _ = lines.next_message::<ToCenter>();
        }
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_bound() {
        let mut lines = Lines::default();
        lines.push(&vec![b' '; LINE_BYTES_MAX]);
        assert!(matches!(lines.next_message::<ToCenter>(), Err(FrameError::TooLong)));
    }
}
