//! Sizes, for the eye: which files and functions have grown, worst first. Nothing fails here,
//! because a thing that is one thing is not split to please a number.

use crate::lex::{self, Kind};

/// Lines past which a file (without its tests) is worth another look.
pub const FILE_LINES: usize = 500;

/// Lines past which a function is.
pub const FN_LINES: usize = 70;

/// One thing that has grown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// How many lines.
    pub lines: usize,
    /// `path` or `path:line name`.
    pub place: String,
}

/// Lines of a file that hold something other than tests: the lines with a shipped token or a
/// comment between them.
pub fn file_lines(text: &str) -> usize {
    let all = lex::tokens(text);
    let ships = lex::shipped(text);
    let tests: usize = all.len() - ships.len();
    if tests == 0 {
        return text.lines().count();
    }
    let last = ships.iter().map(|t| t.line).max().unwrap_or(0);
    let first_cut = all.iter().zip(&ships).find(|(a, s)| a != s).map(|(a, _)| a.line);
    let after = ships.iter().filter(|t| first_cut.is_some_and(|cut| t.line > cut)).count();
    match first_cut {
        Some(cut) if after == 0 => cut.saturating_sub(1),
        _ => last,
    }
}

/// Functions of a file longer than `past` lines.
pub fn long_functions(path: &str, text: &str, past: usize) -> Vec<Size> {
    let all = lex::shipped(text);
    let mut out = Vec::new();
    for at in 0..all.len() {
        let named = all[at].is_word("fn") && all.get(at + 1).is_some_and(|t| t.kind == Kind::Word);
        if !named {
            continue;
        }
        let body = (at..all.len()).find(|n| all[*n].is_mark('{') || all[*n].is_mark(';'));
        let Some(open) = body.filter(|n| all[*n].is_mark('{')) else { continue };
        let close = lex::group_end(&all, open).saturating_sub(1);
        let lines = all[close].line - all[at].line + 1;
        if lines > past {
            let place = format!("{path}:{} {}", all[at].line, all[at + 1].text);
            out.push(Size { lines, place });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;
    use std::io::Write;

    /// Written past the test harness's capture: a report that only shows on failure of a test
    /// that never fails would never be read.
    #[test]
    fn sizes_are_reported_worst_first() {
        let mut files = Vec::new();
        let mut functions = Vec::new();
        for member in house::members() {
            for path in crate::dead::shipped_files(&member) {
                let text = house::read(&path);
                let lines = file_lines(&text);
                if lines > FILE_LINES {
                    files.push(Size { lines, place: path.clone() });
                }
                functions.extend(long_functions(&path, &text, FN_LINES));
            }
        }
        let mut out = std::io::stderr().lock();
        for (what, mut list) in [("files", files), ("functions", functions)] {
            list.sort_by(|a, b| b.cmp(a));
            let past = if what == "files" { FILE_LINES } else { FN_LINES };
            let _ = writeln!(out, "sizes: {} {what} past {past} lines", list.len());
            for size in &list {
                let _ = writeln!(out, "sizes: {:6} {}", size.lines, size.place);
            }
        }
    }

    #[test]
    fn a_long_function_is_measured_and_tests_are_not_counted() {
        let text = format!("fn short() {{}}\nfn long() {{\n{}}}\n", "    x();\n".repeat(80));
        let found = long_functions("x.rs", &text, FN_LINES);
        assert_eq!(found, [Size { lines: 82, place: "x.rs:2 long".to_owned() }]);
        let with_tests = format!("{text}#[cfg(test)]\nmod tests {{\n{}}}\n", "//\n".repeat(50));
        assert_eq!(file_lines(&text), 83);
        assert_eq!(file_lines(&with_tests), 83);
    }
}
