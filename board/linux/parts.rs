//! What a driver hands over.

use std::io;
use std::path::PathBuf;

use board_port::{Bearers, FrameChannel, Span};

/// The three parts of one open span, one for each thread that uses it.
pub struct Parts {
    /// The D-channel, for the reactor.
    pub frames: Box<dyn FrameChannel>,
    /// The B-channels, for the sound thread.
    pub bearers: Box<dyn Bearers>,
    /// Alarms, counters, loops, for the reactor.
    pub span: Box<dyn Span>,
}

/// Why a span could not be opened, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else listens where we should.
    #[error("{}: another program listens here; stop it or give the span another path", .0.display())]
    Taken(PathBuf),
    /// There is a file that is no socket.
    #[error("{}: this is not a socket and was left alone; remove it or give the span another path", .0.display())]
    NotASocket(PathBuf),
    /// A socket could not be made.
    #[error("{}: cannot listen: {error}; check the folder, its permissions and that the path is shorter than 108 octets", path.display())]
    Listen {
        /// Where.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The kernel refused something that every span needs.
    #[error("the kernel gave no descriptor to wait on: {0}; raise the limit of open files")]
    Wait(io::Error),
    /// The kernel has no DAHDI.
    #[error(
        "no DAHDI in the kernel: {0}; load the module of the card (see `lspci`, `dmesg`) and run as a user who may open /dev/dahdi"
    )]
    NoDriver(io::Error),
    /// There is no span with this number.
    #[error("span {0}: no card has it; look at /proc/dahdi for the spans that there are")]
    NoSpan(u16),
    /// The span is no E1.
    #[error(
        "span {span}: it has {channels} channels and an E1 has 31; set the card to E1 (jumper, or `default_linemode=e1` of its module)"
    )]
    NotE1 {
        /// The span.
        span: u16,
        /// Its channels.
        channels: i32,
    },
    /// The card refused a step.
    #[error("span {span}: cannot {step} it: {error}; look at `dmesg`")]
    Card {
        /// The span.
        span: u16,
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        error: io::Error,
    },
    /// A channel could not be opened.
    #[error(
        "span {span}, time slot {slot}: cannot open: {error}; another program may hold it (dahdi_cfg with hdlc, Asterisk, FreeSWITCH)"
    )]
    Channel {
        /// The span.
        span: u16,
        /// The time slot.
        slot: u8,
        /// What the kernel said.
        error: io::Error,
    },
}
