//! An exchange that is a program: it attaches to two unix sockets of a span.
//!
//! `<path>.d` takes D-channel frames, one a message, and `<path>.b` the B-channels, one
//! [`block`](board_port::block) message every 20 ms each way. Both are `SOCK_SEQPACKET`, so that
//! a message stays whole, and both are for the box's own user alone. The box listens; the
//! exchange connects. Nobody on `<path>.d` is a red alarm; nobody on `<path>.b` is a span without
//! sound. Whoever connects replaces the one before.

mod bearers;
mod frames;
mod listener;
mod span;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::parts::{OpenError, Parts};
use crate::tally::Tally;

/// Listens for an exchange at `<path>.d` and `<path>.b`. `fcs`: whether each D-channel message
/// ends with its FCS.
///
/// # Errors
/// See [`OpenError`].
pub fn listen(path: &Path, fcs: bool) -> Result<Parts, OpenError> {
    let for_frames = listener::Listener::bind(&with_ending(path, ".d"))?;
    let for_bearers = listener::Listener::bind(&with_ending(path, ".b"))?;
    let tally = Arc::new(Tally::new());
    let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
    let bell = EventFd::from_value_and_flags(0, flags).map_err(|e| OpenError::Wait(e.into()))?;
    let bell = Arc::new(bell);
    let frames = frames::Frames::new(for_frames, fcs, bell.clone(), tally.clone());
    let frames = frames.map_err(OpenError::Wait)?;
    let bearers = bearers::AttachedBearers::new(for_bearers, tally.clone());
    let span = span::AttachedSpan::new(tally, bell);
    Ok(Parts { frames: Box::new(frames), bearers: Box::new(bearers), span: Box::new(span) })
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut whole = OsString::from(path);
    whole.push(ending);
    PathBuf::from(whole)
}
