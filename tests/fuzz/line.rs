//! The conversation between the two daemons.

use std::fmt::Debug;

use link::frame::{Lines, emit};
use link::{ToCenter, ToSwitch};
use serde::{Serialize, de::DeserializeOwned};

/// A message of either direction that is understood is understood the same when we write it.
///
/// # Panics
/// When it is not.
pub fn link_line(octets: &[u8]) {
    either::<ToSwitch>(octets);
    either::<ToCenter>(octets);
}

fn either<T: Serialize + DeserializeOwned + PartialEq + Debug>(octets: &[u8]) {
    let mut lines = Lines::default();
    lines.push(octets);
    lines.push(b"\n");
    while let Ok(Some(message)) = lines.next_message::<T>() {
        // Characters that we write with more octets may push it over the bound.
        let Ok(line) = emit(&message) else { continue };
        let mut again = Lines::default();
        again.push(&line);
        let read = again.next_message::<T>().expect("our own line is a message");
        assert_eq!(read, Some(message));
    }
}
