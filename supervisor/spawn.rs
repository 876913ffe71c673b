//! Starting one copy of a daemon. The only `unsafe` of the supervisor stands here.
#![allow(unsafe_code, reason = "pre_exec: a child must be tied to us before it becomes itself")]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{getppid, pipe2};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

/// The variable that tells a daemon which descriptor takes its newline and its heartbeats.
pub const READY_FD: &str = "LINEBOX_READY_FD";

/// How to start a daemon.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name, which its lines carry.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// A copy that has just been started.
pub struct Spawned {
    /// The process, with its standard streams.
    pub child: Child,
    /// The reading end of its readiness descriptor.
    pub ready: pipe::Receiver,
}

/// Starts a copy. It has a process group of its own, so that Ctrl-C reaches only us and stopping
/// keeps its order, and it is killed by the kernel if we die: a second supervisor must find the
/// ports free.
pub fn spawn(program: &Program) -> io::Result<Spawned> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let ready = pipe::Receiver::from_owned_fd(read)?;
    let mut command = Command::new(&program.path);
    command
        .args(&program.args)
        .env(READY_FD, write.as_raw_fd().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = tie(command, write)?;
    Ok(Spawned { child, ready })
}

/// Ties the child to us and hands it the writing end, which is closed on our side on return: when
/// the copy is gone, the reading end says so.
fn tie(mut command: Command, write: OwnedFd) -> io::Result<Child> {
    let parent = nix::unistd::getpid();
    let raw = write.as_raw_fd();
    let before_exec = move || {
        set_pdeathsig(Signal::SIGKILL)?;
        // If we died before the line above, nobody will ever send that signal.
        if getppid() != parent {
            return Err(io::Error::from(Errno::ESRCH));
        }
        // SAFETY: `raw` is open in the child: `write` outlives the fork, and the descriptors of
        // the parent are copied by it. The number stays its own, so nothing is overwritten.
        let kept = unsafe { std::os::fd::BorrowedFd::borrow_raw(raw) };
        fcntl(kept, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes three system calls (prctl, getppid, fcntl),
    // all async-signal-safe, and neither allocates nor locks; errors are plain numbers.
    unsafe { command.pre_exec(before_exec) };
    let child = command.spawn();
    drop(write);
    child
}
