//! Octets from outside into every reader of the house, and what must hold whatever they are.
//!
//! A target is a function over octets that panics when something does not hold. `cargo test` replays
//! each over its committed corpus and over mutations of it that are the same in every run; it never
//! explores. Exploring is done with libFuzzer, where cargo-fuzz is installed:
//!
//! ```text
//! cargo fuzz run -s none --fuzz-dir tests/fuzz/libfuzzer q931_message
//! ```
//!
//! (`-s none` runs on the stable compiler; with the address sanitizer it wants a nightly.) What it
//! finds lies in `libfuzzer/corpus`, which is not committed; to keep the shortest inputs that reach
//! something new, merge them into the committed corpus:
//!
//! ```text
//! cargo fuzz run -s none --fuzz-dir tests/fuzz/libfuzzer q931_message \
//!     tests/fuzz/corpus/q931_message tests/fuzz/libfuzzer/corpus/q931_message -- -merge=1 -max_len=300
//! ```
//!
//! An input that broke something goes into the corpus under the name of what it broke.

#![allow(clippy::expect_used)]

mod block;
mod dchannel;
mod lapd;
mod line;
mod q931;
mod sdp;
mod sip;

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod replay;

pub use block::bearer_block;
pub use dchannel::dchannel;
pub use lapd::{q921_frame, q921_link};
pub use line::link_line;
pub use q931::q931_message;
pub use sdp::sdp;
pub use sip::sip_message;

/// Panics if something does not hold for these octets.
pub type Target = fn(&[u8]);

/// Every target by its name: a file in `libfuzzer/fuzz_targets`, a folder in `corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("bearer_block", bearer_block),
    ("dchannel", dchannel),
    ("link_line", link_line),
    ("q921_frame", q921_frame),
    ("q921_link", q921_link),
    ("q931_message", q931_message),
    ("sdp", sdp),
    ("sip_message", sip_message),
];
