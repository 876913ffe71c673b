//! The connection to centerd: a stream of lines with a bounded queue. No decision is made here.

use std::collections::VecDeque;
use std::io;

use link::frame::{self, FrameError, Lines};
use link::limits::EVENTS_QUEUED_MAX;
use link::{ToCenter, ToSwitch};
use tokio::net::UnixStream;

/// Bytes taken from the socket at once.
const READ_BYTES: usize = 16 * 1024;

/// One connection.
pub struct Center {
    stream: UnixStream,
    lines: Lines,
    queue: VecDeque<Vec<u8>>,
    /// Bytes of the queue's first line that are written.
    written: usize,
}

/// The connection is at its end.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// centerd closed it, or died.
    #[error("closed by centerd")]
    Closed,
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came cannot be followed.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl Center {
    /// A connection that has just been made.
    #[must_use]
    pub fn new(stream: UnixStream) -> Center {
        Center { stream, lines: Lines::default(), queue: VecDeque::new(), written: 0 }
    }

    /// Waits until there is something to read, or to write if something waits for that.
    pub async fn ready(&self) {
        let interest = match self.queue.is_empty() {
            true => tokio::io::Interest::READABLE,
            false => tokio::io::Interest::READABLE | tokio::io::Interest::WRITABLE,
        };
        // An error shows again at the next read.
        let _ = self.stream.ready(interest).await;
    }

    /// The next message that is here, without waiting.
    ///
    /// # Errors
    /// [`Lost`]; messages before the end have been given.
    pub fn take(&mut self) -> Result<Option<ToSwitch>, Lost> {
        loop {
            if let Some(message) = self.lines.next_message()? {
                return Ok(Some(message));
            }
            let mut bytes = [0; READ_BYTES];
            match self.stream.try_read(&mut bytes) {
                Ok(0) => return Err(Lost::Closed),
                Ok(count) => self.lines.push(bytes.get(..count).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Puts a message into the queue. `false`: the queue is full.
    ///
    /// # Errors
    /// The message is longer than a line may be.
    pub fn push(&mut self, message: &ToCenter) -> Result<bool, FrameError> {
        if self.queue.len() >= EVENTS_QUEUED_MAX {
            return Ok(false);
        }
        self.queue.push_back(frame::emit(message)?);
        Ok(true)
    }

    /// Writes as much of the queue as the socket takes.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn flush(&mut self) -> Result<(), Lost> {
        while let Some(line) = self.queue.front() {
            let rest = line.get(self.written..).unwrap_or_default();
            match self.stream.try_write(rest) {
                Ok(count) if count == rest.len() => {
                    self.queue.pop_front();
                    self.written = 0;
                }
                Ok(count) => self.written += count,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// Messages that wait.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::Epoch;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn lines_come_whole_and_the_end_of_the_stream_is_told_behind_them() {
        runtime().block_on(async {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let mut center = Center::new(ours);
            let hello = ToSwitch::Hello { version: 1, epoch: Epoch(4) };
            let line = frame::emit(&hello).unwrap();
            let (first, rest) = line.split_at(9);
            theirs.write_all(first).await.unwrap();
            center.ready().await;
            assert_eq!(center.take().unwrap(), None);
            theirs.write_all(rest).await.unwrap();
            drop(theirs);
            center.ready().await;
            assert_eq!(center.take().unwrap(), Some(hello));
            assert!(matches!(center.take(), Err(Lost::Closed)));
        });
    }

    #[test]
    fn a_reader_that_sleeps_fills_the_queue_and_nothing_is_lost_before() {
        runtime().block_on(async {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let mut center = Center::new(ours);
            let mut pushed = 0;
            while center.push(&ToCenter::Done { n: pushed }).unwrap() {
                pushed += 1;
            }
            assert_eq!(center.queued(), EVENTS_QUEUED_MAX);
            let reader = tokio::spawn(async move {
                let mut all = String::new();
                theirs.read_to_string(&mut all).await.map(|_| all)
            });
            while center.queued() > 0 {
                center.ready().await;
                center.flush().unwrap();
                tokio::task::yield_now().await;
            }
            drop(center);
            let all = reader.await.unwrap().unwrap();
            assert_eq!(all.lines().count() as u64, pushed);
            assert_eq!(all.lines().last(), Some(r#"{"is":"done","n":8191}"#));
        });
    }
}
