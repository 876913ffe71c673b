//! Lets a tokio reactor wait for a channel.

// tokio wants a promise about the descriptor that it registers.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits for the descriptor of one [`FrameChannel`](board_port::FrameChannel), beside it.
pub struct Watch(AsyncFd<OwnedFd>);

impl Watch {
    /// Registers a duplicate of the channel's descriptor with the running reactor.
    ///
    /// # Errors
    /// The limit of open files is reached.
    pub fn new(channel: &(impl AsFd + ?Sized)) -> io::Result<Watch> {
        let own = channel.as_fd().try_clone_to_owned()?;
        // SAFETY: the AsyncFd owns this descriptor, so that it stays open and the same until the
        // AsyncFd is dropped, and nothing here hands it out.
        let registered = unsafe { AsyncFd::register_with_interest(own, Interest::READABLE) };
        Ok(Watch(registered?))
    }

    /// Comes back when the channel may have something. Then call
    /// [`receive`](board_port::FrameChannel::receive) until it says `None`: only what comes later
    /// is told again. Nothing is lost when this is dropped while it waits.
    ///
    /// # Errors
    /// The reactor is shutting down.
    pub async fn ready(&self) -> io::Result<()> {
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}
