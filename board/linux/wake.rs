//! One descriptor that stays the same while what lies behind it comes and goes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

/// An epoll set that is itself waited for: readable when any of its members is. A reactor
/// registers it once; whoever attaches later is added here.
pub struct Wake(Epoll);

impl Wake {
    /// A set without members.
    pub fn new() -> io::Result<Wake> {
        Ok(Wake(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// Adds a descriptor whose octets, events and end are waited for. It leaves by being closed.
    pub fn add(&self, member: impl AsFd) -> io::Result<()> {
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLPRI | EpollFlags::EPOLLRDHUP;
        Ok(self.0.add(member, EpollEvent::new(flags, 0))?)
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}
