//! The bearer socket's blocks.

use board_port::BLOCK;
use board_port::block::{Frame, LONGEST, decode, encode};

/// A message that is whole is written again octet by octet.
///
/// # Panics
/// When it is not.
pub fn bearer_block(octets: &[u8]) {
    let Ok(view) = decode(octets) else { return };
    let mut frame: Box<Frame> = Box::new([[0; BLOCK]; 32]);
    for (slot, block) in view.blocks() {
        let place = frame.get_mut(usize::from(slot)).expect("a slot is below 32");
        *place = *block;
    }
    let mut out = Box::new([0; LONGEST]);
    let length = encode(view.sequence, view.slots, &frame, &mut out);
    assert_eq!(out.get(..length), Some(octets));
}
