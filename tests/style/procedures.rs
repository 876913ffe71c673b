//! A table of procedures names the test that shows each; every test that is named exists.

use std::collections::BTreeSet;

use crate::Breach;
use crate::lex;

/// Checks one table. A name of a test stands between backticks and has two underscores at least, which
/// no other word there has.
pub fn check(path: &str, text: &str, tests: &BTreeSet<String>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (at, line) in text.lines().enumerate() {
        // Odd parts stand between backticks.
        for name in line.split('`').skip(1).step_by(2).filter(|name| is_test(name)) {
            if !tests.contains(name) {
                let what = format!("there is no test `{name}`");
                breaches.push(Breach::new(path, at + 1, what));
            }
        }
    }
    breaches
}

/// The names of the functions of one Rust file, tests among them.
pub fn functions(text: &str) -> Vec<String> {
    let all = lex::tokens(text);
    let named = all.windows(2).filter(|pair| pair[0].is_word("fn"));
    named.map(|pair| pair[1].text.clone()).collect()
}

fn is_test(name: &str) -> bool {
    name.matches('_').count() >= 2
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;

    #[test]
    fn every_named_test_exists() {
        let committed = house::committed();
        let sources = committed.iter().filter(|path| path.ends_with(".rs"));
        let tests = sources.flat_map(|path| functions(&house::read(path))).collect();
        let tables: Vec<&String> =
            committed.iter().filter(|path| path.ends_with("/PROCEDURES.md")).collect();
        assert!(!tables.is_empty(), "there is no table of procedures");
        let breaches = tables.iter().flat_map(|path| check(path, &house::read(path), &tests));
        crate::refuse("tables of procedures name tests", breaches.collect());
    }

    #[test]
    fn a_test_that_is_not_there_is_seen() {
        let tests = functions("#[test]\nfn a_good_one() {}\n").into_iter().collect();
        let text = "| 1 | x | `a_good_one`, `storm` |\n| 2 | y | `a_bad_one` (../x_y_z.rs) |\n";
        let found = check("PROCEDURES.md", text, &tests);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
    }
}
