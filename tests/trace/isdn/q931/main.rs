//! The Q.931 codec against messages that it did not write.
//!
//! Each `.txt` file holds traces written by hand from the octet layouts of the standards. A block is
//! a title, octets in hexadecimal (indented; what follows `;` explains them), and either `=` the
//! lines that the trace view shows, or `!` why the message is ignored. `~` gives the octets that we
//! would write ourselves where the far end wrote another permitted form; without it our own writing
//! must be the same octets. `-` stands for no octets, `#` begins a remark.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod golden;
mod property;
mod value;

use std::path::PathBuf;

/// One block of a file.
#[derive(Debug)]
pub struct Trace {
    /// File and title, for failures.
    pub title: String,
    /// The message.
    pub bytes: Vec<u8>,
    /// The lines of the trace view.
    pub lines: Vec<String>,
    /// Why it is ignored.
    pub ignored: Option<String>,
    /// What we would write, where it differs.
    pub ours: Option<Vec<u8>>,
}

/// Every block of every file.
pub fn traces() -> Vec<Trace> {
    ["messages", "elements", "faults", "calls"].into_iter().flat_map(read).collect()
}

fn read(file: &str) -> Vec<Trace> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/trace/isdn/q931");
    let text = std::fs::read_to_string(here.join(file).with_extension("txt")).unwrap();
    let blocks = text
        .split("\n\n")
        .map(|block| block.lines().filter(|line| !line.starts_with('#')).collect::<Vec<&str>>());
    blocks.filter(|lines| !lines.is_empty()).map(|lines| trace(file, &lines)).collect()
}

fn trace(file: &str, lines: &[&str]) -> Trace {
    let (title, rest) = lines.split_first().unwrap();
    let mut trace = Trace {
        title: format!("{file}: {}", title.trim()),
        bytes: Vec::new(),
        lines: Vec::new(),
        ignored: None,
        ours: None,
    };
    for line in rest {
        let (mark, text) = line.split_at(2);
        match mark {
            "  " => trace.bytes.extend(octets(text)),
            "= " => trace.lines.push(text.to_owned()),
            "! " => trace.ignored = Some(text.to_owned()),
            "~ " => trace.ours.get_or_insert_default().extend(octets(text)),
            other => panic!("{}: a line begins with {other:?}", trace.title),
        }
    }
    trace
}

fn octets(text: &str) -> Vec<u8> {
    let text = text.split(';').next().unwrap();
    let words = text.split_whitespace().filter(|word| *word != "-");
    words.map(|word| u8::from_str_radix(word, 16).unwrap()).collect()
}
