//! The style of the house as a test.
//!
//! Fails on architecture only: who imports whom, impure cores, `unsafe` in the wrong place,
//! forbidden names, missing bounds, unreadable board models, dead files, words that must not be
//! committed. Sizes are reported for the eye and never fail. Every check is also run on a small
//! bad example, so that a check which has gone blind is noticed.
//!
//! It reads text: a lexer stands in [`lex`], and no check knows more of Rust than tokens.

pub mod bounds;
pub mod dead;
pub mod house;
pub mod imports;
pub mod lex;
pub mod models;
pub mod names;
pub mod procedures;
pub mod prompts;
pub mod purity;
pub mod sizes;
pub mod unsafety;
pub mod words;

/// One place that breaks one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// Path from the root of the house.
    pub path: String,
    /// Line, counted from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

impl Breach {
    /// A breach at `path:line`.
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Breach { path: path.to_owned(), line, what: what.into() }
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Fails the running test with every breach on a line of its own.
///
/// # Panics
/// When there is a breach; that is the point.
pub fn refuse(rule: &str, mut breaches: Vec<Breach>) {
    breaches.sort();
    breaches.dedup();
    let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{rule}: {} places\n{}\n", lines.len(), lines.join("\n"));
}
