//! Sockets whose messages stay whole (`SOCK_SEQPACKET`), as those of attached spans are.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    self, AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, recvmsg, sendmsg,
};

use crate::broken::{Broken, Doing};

/// A socket that waits at `path`.
pub fn listen(path: &Path) -> Result<UnixListener, Broken> {
    let fd = seqpacket(SockFlag::SOCK_CLOEXEC)?;
    let address = UnixAddr::new(path).doing("naming a socket")?;
    socket::bind(fd.as_raw_fd(), &address).doing("binding a span's socket")?;
    let backlog = Backlog::new(1).doing("naming a backlog")?;
    socket::listen(&fd, backlog).doing("listening at a span's socket")?;
    // The standard library accepts whatever kind the socket is.
    Ok(UnixListener::from(fd))
}

/// Who knocks first.
pub fn accept(listener: &UnixListener) -> Result<OwnedFd, Broken> {
    let (peer, _) = listener.accept().doing("waiting for the exchange")?;
    peer.set_nonblocking(true).doing("setting up a span's socket")?;
    Ok(peer.into())
}

/// The socket that waits at `path`, from the other side.
pub fn connect(path: &Path) -> Result<OwnedFd, Broken> {
    let fd = seqpacket(SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)?;
    let address = UnixAddr::new(path).doing("naming a socket")?;
    socket::connect(fd.as_raw_fd(), &address).doing("attaching to a span")?;
    Ok(fd)
}

/// Sends one message; a peer that does not read loses it.
pub fn send(line: &OwnedFd, message: &[u8]) -> Result<(), Errno> {
    let parts = [IoSlice::new(message)];
    match sendmsg::<()>(line.as_raw_fd(), &parts, &[], MsgFlags::MSG_NOSIGNAL, None) {
        Ok(_) | Err(Errno::EAGAIN | Errno::EPIPE | Errno::ECONNRESET) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The next message, if there is one: its length.
pub fn receive(line: &OwnedFd, message: &mut [u8]) -> Option<usize> {
    let mut parts = [IoSliceMut::new(message)];
    let got = recvmsg::<()>(line.as_raw_fd(), &mut parts, None, MsgFlags::empty());
    got.ok().map(|got| got.bytes).filter(|&length| length > 0)
}

fn seqpacket(flags: SockFlag) -> Result<OwnedFd, Broken> {
    socket::socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).doing("making a socket")
}
