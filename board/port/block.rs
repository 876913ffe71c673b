//! One message on the bearer socket of an attached span: 20 ms of every B-channel in use.
//!
//! ```text
//!   octet 0..4   sequence, big-endian; one more with each message, wraps
//!         4..8   bitmap of the time slots that follow, big-endian; bit t = slot t
//!         8..    160 octets of A-law for each of them, in ascending order of the slots
//! ```
//!
//! Each end sends one every 20 ms, with no slot at all when nothing is in use: it is the beat of
//! the other end's tick. Slot 0 carries framing and is never in a message.

use crate::bearers::BLOCK;
use crate::slots::Slots;

/// Octets before the blocks.
pub const HEAD: usize = 8;

/// Longest message, octets: slots 1 to 31.
pub const LONGEST: usize = HEAD + 31 * BLOCK;

/// One block for each time slot of a frame, at the slot's number.
pub type Frame = [[u8; BLOCK]; Slots::COUNT as usize];

/// A message that was looked at and found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    /// The sender's number of this message.
    pub sequence: u32,
    /// The slots that it carries.
    pub slots: Slots,
    blocks: &'a [[u8; BLOCK]],
}

impl<'a> View<'a> {
    /// Every slot with its block, in ascending order.
    pub fn blocks(&self) -> impl Iterator<Item = (u8, &'a [u8; BLOCK])> + use<'a> {
        self.slots.iter().zip(self.blocks)
    }
}

/// Why a message is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Shorter than sequence and bitmap.
    #[error("{0} octets are no block message: sequence and bitmap alone are 8")]
    Short(usize),
    /// Slot 0 is said to be in it.
    #[error("a block message with time slot 0, which carries framing")]
    FramingSlot,
    /// The bitmap and the length disagree.
    #[error("a block message of {got} octets whose bitmap says {wanted}")]
    Length {
        /// Octets that the bitmap asks for.
        wanted: usize,
        /// Octets that there are.
        got: usize,
    },
}

/// Looks at one message.
///
/// # Errors
/// See [`BlockError`]; every sequence of octets is either a message or one of these.
pub fn decode(message: &[u8]) -> Result<View<'_>, BlockError> {
    let short = BlockError::Short(message.len());
    let (sequence, rest) = message.split_first_chunk::<4>().ok_or(short)?;
    let (bits, blocks) = rest.split_first_chunk::<4>().ok_or(short)?;
    let slots = Slots::from_bits(u32::from_be_bytes(*bits));
    if slots.contains(0) {
        return Err(BlockError::FramingSlot);
    }
    let wanted = HEAD + slots.len() * BLOCK;
    if message.len() != wanted {
        return Err(BlockError::Length { wanted, got: message.len() });
    }
    let (blocks, _) = blocks.as_chunks::<BLOCK>();
    Ok(View { sequence: u32::from_be_bytes(*sequence), slots, blocks })
}

/// Writes one message with the given slots of `frame` into `out` and says how many octets it has.
/// Slot 0 is left out.
pub fn encode(sequence: u32, mut slots: Slots, frame: &Frame, out: &mut [u8; LONGEST]) -> usize {
    slots.remove(0);
    let (head, rest) = out.split_at_mut(HEAD);
    head[..4].copy_from_slice(&sequence.to_be_bytes());
    head[4..].copy_from_slice(&slots.bits().to_be_bytes());
    let (places, _) = rest.as_chunks_mut::<BLOCK>();
    for (slot, place) in slots.iter().zip(places) {
        *place = frame[usize::from(slot)];
    }
    HEAD + slots.len() * BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame_of(seed: u8) -> Box<Frame> {
        let mut frame: Box<Frame> = Box::new([[0; BLOCK]; 32]);
        for (slot, block) in frame.iter_mut().enumerate() {
            for (at, octet) in block.iter_mut().enumerate() {
                *octet = seed ^ (slot * 7 + at) as u8;
            }
        }
        frame
    }

    #[test]
    fn a_message_by_hand() {
        let frame = frame_of(0);
        let mut out = [0; LONGEST];
        let length = encode(0x0102_0304, [31, 1].into_iter().collect(), &frame, &mut out);
        assert_eq!(length, 328);
        assert_eq!(out[..8], [1, 2, 3, 4, 0x80, 0, 0, 2]);
        assert_eq!(out[8..168], frame[1]);
        assert_eq!(out[168..328], frame[31]);
    }

    #[test]
    fn nothing_in_use_is_a_message_too() {
        let mut out = [0; LONGEST];
        let length = encode(7, Slots::NONE, &frame_of(1), &mut out);
        let view = decode(&out[..length]).unwrap();
        assert_eq!((length, view.sequence, view.blocks().count()), (8, 7, 0));
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        assert_eq!(decode(&[0; 7]), Err(BlockError::Short(7)));
        assert_eq!(decode(&[0, 0, 0, 0, 0, 0, 0, 1]), Err(BlockError::FramingSlot));
        let short = BlockError::Length { wanted: 168, got: 8 };
        assert_eq!(decode(&[0, 0, 0, 0, 0, 0, 0, 2]), Err(short));
        let long = BlockError::Length { wanted: 8, got: 9 };
        assert_eq!(decode(&[0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(long));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(sequence: u32, bits: u32, seed: u8) {
            let frame = frame_of(seed);
            let mut out = [0; LONGEST];
            let length = encode(sequence, Slots::from_bits(bits), &frame, &mut out);
            let view = decode(&out[..length]).unwrap();
            prop_assert_eq!(view.sequence, sequence);
            prop_assert_eq!(view.slots.bits(), bits & !1);
            for (slot, block) in view.blocks() {
                prop_assert_eq!(block, &frame[usize::from(slot)]);
            }
        }

        #[test]
        fn any_octets_are_a_message_or_an_error(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(view) = decode(&octets) {
                let mut frame: Box<Frame> = Box::new([[0; BLOCK]; 32]);
                for (slot, block) in view.blocks() {
                    frame[usize::from(slot)] = *block;
                }
                let mut out = [0; LONGEST];
                let length = encode(view.sequence, view.slots, &frame, &mut out);
                prop_assert_eq!(&out[..length], &octets[..]);
            }
        }
    }
}
