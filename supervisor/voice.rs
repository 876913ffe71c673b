//! What the supervisor and its children say, line by line, each line under its speaker's name.

use std::io::Write;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::limits::LINE_BYTES;

/// Where a line belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Says one line. A reader who has gone away (a closed terminal) is no reason to stop calls, so
/// the error is dropped.
pub fn say(channel: Channel, name: &str, line: &str) {
    let text = format!("{name:>10} | {line}\n");
    let _ = match channel {
        Channel::Out => std::io::stdout().lock().write_all(text.as_bytes()),
        Channel::Err => std::io::stderr().lock().write_all(text.as_bytes()),
    };
}

/// Gives every line of a child's stream to `say` until the stream ends; returns the last one.
pub async fn pass_on(stream: impl AsyncRead + Unpin, say: impl Fn(&str)) -> String {
    let mut reader = BufReader::with_capacity(LINE_BYTES, stream);
    let mut line = Line::default();
    let mut last = String::new();
    while let Ok(chunk) = reader.fill_buf().await {
        if chunk.is_empty() {
            break;
        }
        let newline = chunk.iter().position(|byte| *byte == b'\n');
        let used = newline.map_or(chunk.len(), |at| at + 1);
        line.push(chunk.get(..newline.unwrap_or(used)).unwrap_or_default());
        reader.consume(used);
        if newline.is_some() {
            last = line.take();
            say(&last);
        }
    }
    if !line.bytes.is_empty() {
        last = line.take();
        say(&last);
    }
    last
}

/// A line under way, cut at its bound.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    cut: bool,
}

impl Line {
    fn push(&mut self, more: &[u8]) {
        let room = LINE_BYTES.saturating_sub(self.bytes.len());
        self.cut |= more.len() > room;
        self.bytes.extend(more.iter().take(room));
    }

    fn take(&mut self) -> String {
        let mut text = String::from_utf8_lossy(&self.bytes).trim_end_matches('\r').to_owned();
        if self.cut {
            text.push_str(" [cut]");
        }
        *self = Line::default();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_of(bytes: &[u8]) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(pass_on(bytes, |_| {}))
    }

    #[test]
    fn the_last_line_is_kept_with_or_without_its_newline() {
        assert_eq!(last_of(b"one\ntwo\n"), "two");
        assert_eq!(last_of(b"one\ntwo"), "two");
        assert_eq!(last_of(b""), "");
    }

    #[test]
    fn every_line_is_passed_on_once() {
        let said = std::cell::RefCell::new(Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let stream = b"one\r\n\ntwo".as_slice();
        runtime.block_on(pass_on(stream, |line| said.borrow_mut().push(line.to_owned())));
        assert_eq!(said.into_inner(), ["one", "", "two"]);
    }

    #[test]
    fn an_endless_line_is_cut_at_its_bound() {
        let long = vec![b'x'; LINE_BYTES * 3];
        let line = last_of(&long);
        assert!(line.ends_with("x [cut]"));
        assert_eq!(line.len(), LINE_BYTES + " [cut]".len());
    }
}
