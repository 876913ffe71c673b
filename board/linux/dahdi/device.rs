//! DAHDI's device files, one safe call for each ioctl.

// The ioctls: each takes a pointer to a structure that the kernel reads or fills.
#![allow(unsafe_code)]

use std::ffi::c_char;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;

use super::abi;

/// Where spans are configured.
pub const CONTROL: &str = "/dev/dahdi/ctl";
/// Where a channel is opened, by its number.
const CHANNEL: &str = "/dev/dahdi/channel";

/// The name under which DAHDI knows the echo canceller of the card itself.
const HARDWARE_CANCELLER: &[u8] = b"hwec";
/// Taps of the echo canceller: 32 ms at 8 kHz.
const ECHO_TAPS: i32 = 256;

/// The control device.
pub struct Control(File);

impl Control {
    /// Opens it.
    pub fn open() -> io::Result<Control> {
        Ok(Control(OpenOptions::new().read(true).write(true).open(CONTROL)?))
    }

    /// What the kernel knows of a span.
    pub fn status(&self, span: i32) -> io::Result<abi::SpanStat> {
        let mut about = abi::SpanStat::of(span);
        // SAFETY: the kernel reads and fills exactly this structure (its size is in the call's
        // number), which lives through the call, and every bit pattern of it is a value.
        unsafe { abi::span_stat(self.0.as_raw_fd(), &raw mut about) }?;
        Ok(about)
    }

    /// Sets line code, framing and the rank as a source of the clock.
    pub fn configure_span(&self, span: i32, lineconfig: i32, sync: i32) -> io::Result<()> {
        let line = abi::LineConfig { span, name: [0; 20], lbo: 0, lineconfig, sync };
        // SAFETY: the kernel reads exactly this structure, which lives through the call.
        unsafe { abi::span_config(self.0.as_raw_fd(), &raw const line) }?;
        Ok(())
    }

    /// Says what a channel carries: a `SIG_` of [`abi`], A-law.
    pub fn configure_channel(&self, chan: i32, sigtype: i32) -> io::Result<()> {
        let mut channel = abi::ChanConfig {
            chan,
            name: [0; 40],
            sigtype,
            deflaw: abi::LAW_ALAW,
            master: 0,
            idlebits: 0,
            netdev_name: [0; 16],
        };
        // SAFETY: the kernel reads exactly this structure and writes it back, against what the
        // call's number says; it is ours to be written and lives through the call.
        unsafe { abi::chan_config(self.0.as_raw_fd(), &raw mut channel) }?;
        Ok(())
    }

    /// Starts a span.
    pub fn start(&self, span: i32) -> io::Result<()> {
        // SAFETY: the kernel reads one number, which lives through the call.
        unsafe { abi::startup(self.0.as_raw_fd(), &raw const span) }?;
        Ok(())
    }

    /// Stops a span, which also forgets what its channels carry.
    pub fn stop(&self, span: i32) -> io::Result<()> {
        // SAFETY: the kernel reads one number, which lives through the call.
        unsafe { abi::shutdown(self.0.as_raw_fd(), &raw const span) }?;
        Ok(())
    }

    /// Puts a span into a mode of maintenance: a `MAINT_` of [`abi`].
    pub fn maintain(&self, spanno: i32, command: i32) -> io::Result<()> {
        let wanted = abi::Maintenance { spanno, command };
        // SAFETY: the kernel reads exactly this structure, which lives through the call.
        unsafe { abi::maint(self.0.as_raw_fd(), &raw const wanted) }?;
        Ok(())
    }

    /// Gives a channel the card's own echo canceller.
    pub fn attach_canceller(&self, chan: i32) -> io::Result<()> {
        let mut wanted = abi::AttachEchocan { chan, echocan: [0; 16] };
        for (place, letter) in wanted.echocan.iter_mut().zip(HARDWARE_CANCELLER) {
            *place = *letter as c_char;
        }
        // SAFETY: the kernel reads exactly this structure, which lives through the call, and its
        // name ends with a zero.
        unsafe { abi::attach_echocan(self.0.as_raw_fd(), &raw const wanted) }?;
        Ok(())
    }
}

/// What a look at a channel found.
pub enum Heard {
    /// This many octets.
    Octets(usize),
    /// Nothing now.
    Nothing,
    /// An event waits and has to be taken before anything else.
    Event,
}

/// What became of octets given to a channel.
pub enum Taken {
    /// All are on their way.
    Whole,
    /// The kernel has no room now.
    Full,
    /// An event waits and has to be taken before anything else.
    Event,
}

/// One open channel. Nothing here waits.
pub struct Channel(File);

impl Channel {
    /// Opens the channel with this number, with `count` buffers of `size` octets each way.
    pub fn open(number: i32, count: i32, size: i32) -> io::Result<Channel> {
        let flags = OFlag::O_NONBLOCK.bits();
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(CHANNEL)?;
        let fd = file.as_raw_fd();
        // SAFETY: the kernel reads one number, which lives through the call.
        unsafe { abi::specify(fd, &raw const number) }?;
        // SAFETY: the kernel reads one number, which lives through the call.
        unsafe { abi::set_blocksize(fd, &raw const size) }?;
        let buffers = abi::Buffers {
            txbufpolicy: abi::POLICY_IMMEDIATE,
            rxbufpolicy: abi::POLICY_IMMEDIATE,
            numbufs: count,
            bufsize: size,
            readbufs: 0,
            writebufs: 0,
        };
        // SAFETY: the kernel reads exactly this structure, which lives through the call.
        unsafe { abi::set_buffers(fd, &raw const buffers) }?;
        Ok(Channel(file))
    }

    /// Makes a clear channel carry sound: silence when nothing is written.
    pub fn carry_sound(&self) -> io::Result<()> {
        let on = 1;
        // SAFETY: the kernel reads one number, which lives through the call.
        unsafe { abi::audio_mode(self.0.as_raw_fd(), &raw const on) }?;
        Ok(())
    }

    /// Throws away what waits in both directions, and the events.
    pub fn flush(&self) -> io::Result<()> {
        let everything = abi::FLUSH_ALL;
        // SAFETY: the kernel reads one number, which lives through the call.
        unsafe { abi::flush(self.0.as_raw_fd(), &raw const everything) }?;
        Ok(())
    }

    /// Whether running empty or over is told as an event.
    pub fn tell_buffers(&self, on: bool) -> io::Result<()> {
        let on = i32::from(on);
        // SAFETY: the kernel reads one number, which lives through the call.
        unsafe { abi::buffer_events(self.0.as_raw_fd(), &raw const on) }?;
        Ok(())
    }

    /// Switches the echo canceller that is attached to the channel.
    pub fn cancel_echo(&self, on: bool) -> io::Result<()> {
        let taps = if on { ECHO_TAPS } else { 0 };
        // SAFETY: the kernel reads one number, which lives through the call.
        unsafe { abi::echo_cancel(self.0.as_raw_fd(), &raw const taps) }?;
        Ok(())
    }

    /// The next event that waits: an `EVENT_` of [`abi`]. `None`: none.
    pub fn event(&self) -> io::Result<Option<i32>> {
        let mut event = 0;
        // SAFETY: the kernel writes one number, which lives through the call.
        unsafe { abi::get_event(self.0.as_raw_fd(), &raw mut event) }?;
        Ok((event != 0).then_some(event))
    }

    /// Looks for what has come.
    pub fn read(&self, octets: &mut [u8]) -> io::Result<Heard> {
        match (&self.0).read(octets) {
            Ok(length) => Ok(Heard::Octets(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Heard::Nothing),
            Err(error) if error.raw_os_error() == Some(abi::ELAST) => Ok(Heard::Event),
            Err(error) => Err(error),
        }
    }

    /// Gives octets to be sent.
    pub fn write(&self, octets: &[u8]) -> io::Result<Taken> {
        match (&self.0).write(octets) {
            Ok(length) if length == octets.len() => Ok(Taken::Whole),
            Ok(_) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Taken::Full),
            Err(error) if error.raw_os_error() == Some(abi::ELAST) => Ok(Taken::Event),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
