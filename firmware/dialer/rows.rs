//! A list file, piece by piece, taken apart into rows of cells: RFC 4180 and what spreadsheets make
//! of it (a byte order mark, semicolons or tabs, any line end).
//!
//! A cell in quotes may hold line ends. So a quote that nobody closes would swallow the rows behind
//! it, and nobody would miss them: here such a row is given back alone as [`Broken::QuoteOpen`], and
//! the lines behind it are rows of their own. The `csv` crate does not tell; a test holds the two
//! together on files that are well formed.
//!
//! ```text
//!  handle_piece ─► lines ─► poll: one line, or as many as its quoted cells take ─► Row
//! ```

use std::collections::VecDeque;

use crate::limits::{CELL_LINES_MAX, ROW_BYTES_MAX};

/// One row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its place in the file as a spreadsheet counts it, from 1. Empty rows count and are not given.
    pub place: u64,
    /// As it is written; cut at [`ROW_BYTES_MAX`].
    pub raw: Vec<u8>,
    /// Its cells.
    pub cells: Result<Vec<Vec<u8>>, Broken>,
}

/// Why a row has no cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A quote is opened and not closed as it must be.
    QuoteOpen,
    /// It is longer than [`ROW_BYTES_MAX`].
    TooLong,
}

/// A line of the file, without its end.
#[derive(Clone, Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    /// It was longer; the rest is gone.
    cut: bool,
}

/// The file so far.
#[derive(Debug, Default)]
pub struct Rows {
    /// The line that has no end yet.
    open: Line,
    lines: VecDeque<Line>,
    /// The last byte was CR: an LF behind it is the same line end.
    after_cr: bool,
    ended: bool,
    /// Set by the first line that is not empty.
    separator: Option<u8>,
    place: u64,
}

/// Where a reader of cells stands at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The row is over.
    Over,
    /// Inside a quoted cell.
    Quoted,
    /// A quoted cell of several lines has ended in the middle of a word: it is none.
    Wrong,
}

impl Rows {
    /// The next bytes of the file. Poll until nothing comes, then hand over more.
    pub fn handle_piece(&mut self, piece: &[u8]) {
        for &byte in piece {
            let same_end = byte == b'\n' && core::mem::take(&mut self.after_cr);
            self.after_cr = byte == b'\r';
            match byte {
                b'\n' if same_end => {}
                b'\n' | b'\r' => self.end_line(),
                _ if self.open.bytes.len() < ROW_BYTES_MAX => self.open.bytes.push(byte),
                _ => self.open.cut = true,
            }
        }
    }

    /// The file is over.
    pub fn handle_end(&mut self) {
        if !self.open.bytes.is_empty() {
            self.end_line();
        }
        self.ended = true;
    }

    fn end_line(&mut self) {
        let mut line = core::mem::take(&mut self.open);
        if self.separator.is_none() {
            if line.bytes.starts_with("\u{feff}".as_bytes()) {
                line.bytes.drain(.."\u{feff}".len());
            }
            // The first line with something in it says how cells are parted.
            if !line.bytes.is_empty() {
                self.separator = Some(separator_of(&line.bytes));
            }
        }
        self.lines.push_back(line);
    }

    /// The next row; `None`: the file is over, or more of it is needed.
    pub fn poll(&mut self) -> Option<Row> {
        while self.lines.front().is_some_and(|line| line.bytes.is_empty()) {
            self.lines.pop_front();
            self.place += 1;
        }
        let (taken, broken) = self.extent()?;
        self.place += 1;
        let mut raw = Vec::new();
        for line in self.lines.drain(..taken) {
            if !raw.is_empty() {
                raw.push(b'\n');
            }
            raw.extend(line.bytes);
        }
        let separator = self.separator.unwrap_or(b',');
        let cells = broken.map_or_else(|| Ok(cells_of(&raw, separator)), Err);
        Some(Row { place: self.place, raw, cells })
    }

    /// How many lines the next row has, and what is wrong with it. `None`: cannot be said yet.
    fn extent(&self) -> Option<(usize, Option<Broken>)> {
        let separator = self.separator.unwrap_or(b',');
        let mut standing = Standing::Over;
        let mut bytes = 0;
        for (taken, line) in (1..).zip(&self.lines) {
            bytes += line.bytes.len();
            if line.cut && taken == 1 {
                return Some((1, Some(Broken::TooLong)));
            }
            let fits = !line.cut && taken <= CELL_LINES_MAX && bytes <= ROW_BYTES_MAX;
            standing =
                if fits { read_on(standing, &line.bytes, separator) } else { Standing::Wrong };
            match standing {
                Standing::Over => return Some((taken, None)),
                Standing::Wrong => return Some((1, Some(Broken::QuoteOpen))),
                Standing::Quoted => {}
            }
        }
        (self.ended && standing == Standing::Quoted).then_some((1, Some(Broken::QuoteOpen)))
    }
}

/// Whichever of comma, semicolon and tab stands most often outside quotes; the comma of equals.
fn separator_of(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0usize), (b';', 0), (b'\t', 0)];
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(sign, _)| sign == byte && !quoted) {
            *count += 1;
        }
    }
    // The last of equals wins, so they are asked from the end.
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(sign, _)| *sign)
}

/// Reads one more line of a row.
fn read_on(standing: Standing, line: &[u8], separator: u8) -> Standing {
    /// Where in a cell.
    #[derive(PartialEq)]
    enum At {
        Begin,
        Plain,
        Quoted,
        /// Behind the quote that may close the cell or be the first of two.
        Closed,
        /// Behind it and a space.
        Spaced,
    }
    let mut from_before = standing == Standing::Quoted;
    let mut at = if from_before { At::Quoted } else { At::Begin };
    for &byte in line {
        at = match (at, byte) {
            (At::Begin | At::Plain | At::Closed | At::Spaced, sign) if sign == separator => {
                from_before = false;
                At::Begin
            }
            (At::Begin | At::Closed, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) => At::Quoted,
            (At::Closed | At::Spaced, b' ') => At::Spaced,
            (At::Closed | At::Spaced, _) if from_before => return Standing::Wrong,
            (At::Begin | At::Plain | At::Closed | At::Spaced, _) => At::Plain,
        };
    }
    if at == At::Quoted { Standing::Quoted } else { Standing::Over }
}

/// The cells of a row that is whole.
fn cells_of(mut rest: &[u8], separator: u8) -> Vec<Vec<u8>> {
    let mut cells = Vec::new();
    loop {
        let mut cell = Vec::new();
        if let Some(mut quoted) = rest.strip_prefix(b"\"") {
            rest = &[];
            while let Some(at) = quoted.iter().position(|byte| *byte == b'"') {
                let (text, behind) = quoted.split_at(at);
                cell.extend_from_slice(text);
                rest = behind.strip_prefix(b"\"").unwrap_or_default();
                let Some(again) = rest.strip_prefix(b"\"") else { break };
                // Two quotes are one.
                cell.push(b'"');
                quoted = again;
                rest = &[];
            }
        }
        let end = rest.iter().position(|byte| *byte == separator);
        let (text, behind) = rest.split_at(end.unwrap_or(rest.len()));
        cell.extend_from_slice(text);
        cells.push(cell);
        match behind.split_first() {
            Some((_, next)) => rest = next,
            None => return cells,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(file: &[u8], piece: usize) -> Vec<Row> {
        let mut rows = Rows::default();
        let mut found = Vec::new();
        for piece in file.chunks(piece.max(1)) {
            rows.handle_piece(piece);
            found.extend(core::iter::from_fn(|| rows.poll()));
        }
        rows.handle_end();
        found.extend(core::iter::from_fn(|| rows.poll()));
        found
    }

    fn told(file: &str) -> Vec<(u64, Result<Vec<String>, Broken>)> {
        let text = |cells: Vec<Vec<u8>>| {
            cells.into_iter().map(|cell| String::from_utf8(cell).unwrap()).collect()
        };
        all(file.as_bytes(), 7).into_iter().map(|row| (row.place, row.cells.map(text))).collect()
    }

    fn cells(cells: &[&str]) -> Result<Vec<String>, Broken> {
        Ok(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn marks_line_ends_and_separators_of_every_spreadsheet_are_read() {
        for file in [
            "\u{feff}name,phone\r\nAda,1\r\n\r\n\"B,\"\"C\"\"\",2",
            "name;phone\nAda;1\n\n\"B,\"\"C\"\"\";2\n",
            "\u{feff}name\tphone\rAda\t1\r\rB,\"C\"\t2\r",
        ] {
            let expected = [
                (1, cells(&["name", "phone"])),
                (2, cells(&["Ada", "1"])),
                (4, cells(&["B,\"C\"", "2"])),
            ];
            assert_eq!(told(file), expected, "{file:?}");
        }
    }

    #[test]
    fn a_cell_of_several_lines_is_one_row() {
        let expected =
            [(1, cells(&["a", "b"])), (2, cells(&["x\ny", "1"])), (3, cells(&["z", "2"]))];
        assert_eq!(told("a,b\n\"x\r\ny\" ,1\nz,2\n").as_slice()[..1], expected[..1]);
        assert_eq!(told("a,b\n\"x\r\ny\",1\nz,2\n"), expected);
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_its_own_row_and_no_other() {
        let broken = Err(Broken::QuoteOpen);
        let (ada, ben) = (cells(&["Ada", "1"]), cells(&["Ben", "2"]));
        // Nothing closes it; another cell's quote seems to; too many lines stand between.
        let file = "a,b\nAda,1\n\"Eve,3\nBen,2\n";
        let expected = [(1, cells(&["a", "b"])), (2, ada), (3, broken.clone()), (4, ben.clone())];
        assert_eq!(told(file), expected);
        let found = told("a,b\n\"Eve,3\nBen,2\n\"Cleo\",4\n");
        let expected = [(2, broken.clone()), (3, ben.clone()), (4, cells(&["Cleo", "4"]))];
        assert_eq!(found.get(1..).unwrap(), expected);
        let many = "Ben,2\n".repeat(CELL_LINES_MAX);
        let found = told(&format!("a,b\n\"Eve,3\n{many}\"\n"));
        assert_eq!(found.len(), 3 + CELL_LINES_MAX);
        assert_eq!((found[1].1.clone(), found[2].1.clone()), (broken, ben));
    }

    #[test]
    fn a_line_without_end_is_bounded_and_the_next_is_read() {
        let mut file = b"a,b\n".to_vec();
        file.extend(core::iter::repeat_n(b'x', 3 * ROW_BYTES_MAX));
        file.extend(b"\nBen,2\n");
        let rows = all(&file, 4_096);
        assert_eq!(rows[1].cells, Err(Broken::TooLong));
        assert_eq!(rows[1].raw.len(), ROW_BYTES_MAX);
        assert_eq!(rows[2].cells, Ok(vec![b"Ben".to_vec(), b"2".to_vec()]));
    }

    proptest! {
        #[test]
        fn a_well_formed_file_is_read_as_the_csv_crate_reads_it(
            table in prop::collection::vec(
                prop::collection::vec("[a-z\"\n, ]{0,6}|[一-三]{1,2}", 1..5), 1..12),
            piece in 1usize..40,
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            // The first row has more commas than anything else could have semicolons.
            writer.write_record(["h", "h", "h"]).unwrap();
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let file = writer.into_inner().unwrap();
            let found: Vec<_> = all(&file, piece).into_iter().map(|row| row.cells).collect();
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false).flexible(true).from_reader(file.as_slice());
            let expected: Vec<Result<Vec<Vec<u8>>, Broken>> = reader
                .byte_records()
                .map(|row| Ok(row.unwrap().iter().map(<[u8]>::to_vec).collect()))
                .collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn whatever_comes_every_line_is_in_some_row(
            file in prop::collection::vec(prop::sample::select(b"ab\"\"\",,\n\n\r;\t\xff".to_vec()), 0..200),
            piece in 1usize..40,
        ) {
            let rows = all(&file, piece);
            let text = |bytes: &[u8]| -> Vec<u8> {
                bytes.iter().copied().filter(|b| !b"\r\n".contains(b)).collect()
            };
            let raw: Vec<u8> = rows.iter().flat_map(|row| text(&row.raw)).collect();
            prop_assert_eq!(raw, text(&file));
            let whole = all(&file, file.len());
            prop_assert_eq!(rows, whole);
        }
    }
}
