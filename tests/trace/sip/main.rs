//! The SIP codec against messages that it did not write.
//!
//! `rfc4475/` holds one message for each section of RFC 4475 (SIP torture test messages), named by
//! the section's label: the same torture, our own words. `field/` holds what phones and trunks
//! really send that parsers stumble over, `nasty/` what only an enemy sends. The bytes are written by hand from the standards, never
//! from our emitter, so that a shared misreading in `parse` and `emit` cannot hide.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod differential;
mod roundtrip;
mod torture;

use std::path::PathBuf;

/// Every message of a folder with its label, in order of the labels.
fn messages(folder: &str) -> Vec<(String, Vec<u8>)> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/trace/sip");
    let entries = std::fs::read_dir(here.join(folder)).unwrap();
    let mut messages: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let label = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (label, std::fs::read(path).unwrap())
        })
        .collect();
    messages.sort();
    messages
}

/// One message.
fn message(folder: &str, label: &str) -> Vec<u8> {
    let found = messages(folder).into_iter().find(|(name, _)| name == label);
    found.unwrap_or_else(|| panic!("{folder}/{label}.sip is not there")).1
}
