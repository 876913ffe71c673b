//! The D-channel of a span: HDLC frames with flags, stuffing and FCS taken off (ITU-T Q.921 §2).

use std::io;
use std::os::fd::AsFd;

/// Longest frame that a channel carries, in octets without the FCS. Q.921 §5.9.3 allows 264: 260 of
/// information, before them 2 of address and 2 of control. The room beyond is for the far end's
/// mistakes: the link layer must see a frame that is too long, because it answers it by a new link
/// (§3.6.11).
pub const LONGEST_FRAME: usize = 320;

/// One D-channel. Non-blocking; used by one thread.
///
/// The descriptor stays the same for the channel's life, whoever attaches or goes. It is readable
/// when [`receive`](FrameChannel::receive) has something to do; watch it edge- or level-triggered
/// and call `receive` until it says `None`.
pub trait FrameChannel: AsFd + Send {
    /// Takes the next frame, without its FCS, into the front of `frame` and says its length in
    /// octets. `None`: nothing now. Frames with a wrong FCS, aborted ones, and ones longer than
    /// `frame` or than [`LONGEST_FRAME`] are counted in the span's counters and never come here.
    ///
    /// # Errors
    /// The device is gone. Somebody attaching or going is no error but layer 1's business
    /// ([`SpanStatus`](crate::SpanStatus)).
    fn receive(&mut self, frame: &mut [u8]) -> io::Result<Option<usize>>;

    /// Sends one frame, given without its FCS. A frame that cannot go now (nobody attached, the
    /// queue full, longer than [`LONGEST_FRAME`]) is dropped and counted: the link layer repeats.
    ///
    /// # Errors
    /// The device is gone.
    fn send(&mut self, frame: &[u8]) -> io::Result<()>;
}
