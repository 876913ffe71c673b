//! A listening `SOCK_SEQPACKET` socket, and the messages of the one that has attached.

// The descriptor that accept4 gives is a number and has to be owned by somebody.
#![allow(unsafe_code)]

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    self, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept4, bind, connect,
};

use crate::limits::BACKLOG;
use crate::parts::OpenError;

/// Who may connect: the user that the box runs as.
const OWNER_ONLY: u32 = 0o600;

/// A socket that waits for an exchange.
pub struct Listener(OwnedFd);

impl Listener {
    /// Listens at `path`. A socket that a dead program left behind is removed.
    pub fn bind(path: &Path) -> Result<Listener, OpenError> {
        let failed = |error: io::Error| OpenError::Listen { path: path.to_owned(), error };
        let address = UnixAddr::new(path).map_err(|e| failed(e.into()))?;
        clear_the_way(path, &address)?;
        let fd = seqpacket().map_err(failed)?;
        bind(fd.as_raw_fd(), &address).map_err(|e| failed(e.into()))?;
        // Before it listens nobody can connect, so nobody slips in under the wider permissions.
        fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY)).map_err(failed)?;
        let backlog = Backlog::new(BACKLOG).map_err(|e| failed(e.into()))?;
        socket::listen(&fd, backlog).map_err(|e| failed(e.into()))?;
        Ok(Listener(fd))
    }

    /// The next exchange that waits, if one does.
    pub fn accept(&self) -> io::Result<Option<Peer>> {
        loop {
            match accept4(self.0.as_raw_fd(), SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC) {
                // SAFETY: the call has just made this descriptor, and nobody else knows it.
                Ok(raw) => return Ok(Some(Peer(unsafe { OwnedFd::from_raw_fd(raw) }))),
                Err(Errno::EAGAIN) => return Ok(None),
                // It went away before we looked, or a signal came: look again.
                Err(Errno::ECONNABORTED | Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// An exchange that has attached.
pub struct Peer(OwnedFd);

/// What a look at an exchange's socket found.
pub enum Received {
    /// A message; its length in octets, which may be more than there was room for.
    Message(usize),
    /// Nothing now.
    Nothing,
    /// It has gone.
    Gone,
}

/// What became of a message to an exchange.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Whole,
    /// The exchange does not read and the socket is full.
    Full,
    /// It has gone.
    Gone,
}

impl Peer {
    /// Looks for one message.
    pub fn receive(&self, buffer: &mut [u8]) -> Received {
        loop {
            return match socket::recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC) {
                // An empty message looks like the end; only the end is also told as such.
                Ok(0) if self.has_hung_up() => Received::Gone,
                Ok(length) => Received::Message(length),
                Err(Errno::EAGAIN) => Received::Nothing,
                Err(Errno::EINTR) => continue,
                Err(_) => Received::Gone,
            };
        }
    }

    fn has_hung_up(&self) -> bool {
        // nix has no name for the end of the other's sending alone.
        let no_more = PollFlags::from_bits_retain(nix::libc::POLLRDHUP);
        let mut fds = [PollFd::new(self.0.as_fd(), no_more)];
        let over = no_more | PollFlags::POLLHUP | PollFlags::POLLERR;
        let seen = poll(&mut fds, PollTimeout::ZERO).ok().and_then(|_| fds[0].revents());
        seen.is_none_or(|seen| seen.intersects(over))
    }

    /// Sends one message.
    pub fn send(&self, message: &[u8]) -> Sent {
        loop {
            return match socket::send(self.0.as_raw_fd(), message, MsgFlags::MSG_NOSIGNAL) {
                Ok(_) => Sent::Whole,
                Err(Errno::EAGAIN | Errno::ENOBUFS) => Sent::Full,
                Err(Errno::EINTR) => continue,
                Err(_) => Sent::Gone,
            };
        }
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Removes what a dead program left at `path`, and nothing else.
fn clear_the_way(path: &Path, address: &UnixAddr) -> Result<(), OpenError> {
    let failed = |error: io::Error| OpenError::Listen { path: path.to_owned(), error };
    let kind = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !kind.is_socket() {
        return Err(OpenError::NotASocket(path.to_owned()));
    }
    let probe = seqpacket().map_err(failed)?;
    match connect(probe.as_raw_fd(), address) {
        Err(Errno::ECONNREFUSED) => fs::remove_file(path).map_err(failed),
        // Connected, or its queue is full, or another kind of socket: somebody lives there.
        Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => Err(OpenError::Taken(path.to_owned())),
        Err(error) => Err(failed(error.into())),
    }
}

fn seqpacket() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    Ok(socket::socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?)
}
