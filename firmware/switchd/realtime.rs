//! Asks the kernel for what the sound thread needs: a real-time priority and memory that is never
//! paged out. Where it is not permitted the box works too, with a line in the log.

// The one system call that no safe wrapper of ours covers.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::sys::mman::{MlockAllFlags, mlockall};

/// Gives the calling thread `SCHED_FIFO` at `priority` (1 to 99).
///
/// # Errors
/// What the system said; `EPERM` without the right to do so.
pub fn become_realtime(priority: u8) -> Result<(), Errno> {
    let parameters = libc::sched_param { sched_priority: i32::from(priority) };
    // SAFETY: pid 0 is the calling thread; the pointer is to a live local that the call only reads.
    Errno::result(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) })
        .map(drop)
}

/// Keeps the process's present memory, which holds all that the sound thread uses, out of the
/// swap and faulted in.
///
/// # Errors
/// What the system said; `ENOMEM` or `EPERM` where the limit of locked memory is low.
pub fn lock_memory() -> Result<(), Errno> {
    mlockall(MlockAllFlags::MCL_CURRENT)
}
