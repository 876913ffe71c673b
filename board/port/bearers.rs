//! The B-channels of a span as the sound thread uses them: octets of A-law, 20 ms at a time.

use std::os::fd::BorrowedFd;

/// Octets of one B-channel in one tick: 20 ms at 8,000 octets a second.
pub const BLOCK: usize = 160;

/// What an idle B-channel carries: A-law's quietest octet (ITU-T G.711, even bits inverted).
pub const SILENCE: u8 = 0xD5;

/// All B-channels of one span.
///
/// Used by the sound thread alone. Nothing here waits, allocates, locks or logs after its making;
/// what goes wrong is counted and seen in [`SpanStatus`](crate::SpanStatus). One tick is
/// `begin_tick`, then `read` and `write` in any order at most once a slot, then `end_tick`. Slots
/// are numbered as in ITU-T G.704 §2.3: 1 to 31, of which 16 is the D-channel; a slot the span
/// does not have reads nothing and takes nothing.
pub trait Bearers: Send {
    /// Readable when a block has come, which makes this span the master of the tick. `None`:
    /// nothing beats now (nobody attached). Ask again after each tick: the descriptor changes
    /// when another exchange attaches.
    fn beat_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Begins to use a slot. Sound that came before is thrown away.
    fn open(&mut self, slot: u8);

    /// Ends the use of a slot; it carries nothing, or [`SILENCE`], from here on.
    fn close(&mut self, slot: u8);

    /// Takes in what has come; afterwards `beat_fd` is not readable until the next block.
    fn begin_tick(&mut self);

    /// The block of an open slot for this tick. `false`: nothing came, `block` is untouched.
    fn read(&mut self, slot: u8, block: &mut [u8; BLOCK]) -> bool;

    /// Gives the block of an open slot for this tick. `false`: it could not be taken.
    fn write(&mut self, slot: u8, block: &[u8; BLOCK]) -> bool;

    /// Hands over what was written.
    fn end_tick(&mut self);

    /// How many blocks still waited when the last `begin_tick` had taken this tick's. When the
    /// thread that follows this span's beat was late, it makes up one tick for each.
    fn waiting(&self) -> usize;
}
