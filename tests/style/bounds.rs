//! Every crate that holds something that can grow names its bounds in `limits.rs`, and each
//! bound says its unit and its reason.

use crate::Breach;
use crate::house::{self, Member};
use crate::lex::{self, Kind};

/// Types that grow. A crate that never names one has nothing to bound.
const GROWS: &[&str] =
    &["VecDeque", "BTreeMap", "BTreeSet", "HashMap", "HashSet", "BinaryHeap", "Sender", "channel"];

/// Crates without bounds of their own: tests, and programs that read one line at a time.
const EXEMPT: &[&str] = &[
    "style",
    "world",
    "scenario",
    "trace",
    "peer",
    "guest",
    "browser",
    "fuzz",
    "bench",
    "pacing_bench",
];

/// Checks one crate.
pub fn check(member: &Member) -> Vec<Breach> {
    if EXEMPT.contains(&member.name.as_str()) {
        return Vec::new();
    }
    let limits = format!("{}/limits.rs", member.folder);
    if member.sources.contains(&limits) {
        return check_limits(&limits, &house::read(&limits));
    }
    let files = crate::dead::shipped_files(member);
    let first = files.iter().find_map(|path| check_growth(path, &house::read(path)));
    first.into_iter().collect()
}

/// The first thing in a file that can grow, in a crate that has no `limits.rs`.
pub fn check_growth(path: &str, text: &str) -> Option<Breach> {
    let all = lex::shipped(text);
    let token = all.iter().find(|t| GROWS.contains(&t.text.as_str()))?;
    let what = format!("`{}` grows, and the crate has no limits.rs", token.text);
    Some(Breach::new(path, token.line, what))
}

/// Checks the text of a `limits.rs`: it has bounds, and each is documented.
pub fn check_limits(path: &str, text: &str) -> Vec<Breach> {
    let all = lex::shipped(text);
    let mut breaches = Vec::new();
    let mut count = 0;
    for (at, token) in all.iter().enumerate().filter(|(_, t)| t.is_word("const")) {
        if all.get(at + 1).is_some_and(|t| t.is_word("fn")) {
            continue;
        }
        count += 1;
        let documented = all[..at]
            .iter()
            .rev()
            .take_while(|t| !t.is_mark(';') && !t.is_mark('}'))
            .any(|t| t.kind == Kind::Doc && t.text.starts_with("///"));
        if !documented {
            let name = all.get(at + 1).map_or("", |t| t.text.as_str());
            let what = format!("`{name}` does not say its unit and its reason");
            breaches.push(Breach::new(path, token.line, what));
        }
    }
    if count == 0 {
        breaches.push(Breach::new(path, 0, "names no bound"));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_names_its_bounds() {
        let breaches = house::members().iter().flat_map(check).collect();
        crate::refuse("bounds stand in limits.rs", breaches);
    }

    #[test]
    fn a_bound_without_a_reason_is_seen() {
        assert_eq!(check_limits("x/limits.rs", "//! Bounds.\n").len(), 1);
        assert_eq!(check_limits("x/limits.rs", "pub const LEGS: usize = 4;").len(), 1);
        let good = "/// Legs: one E1 and its phones.\npub const LEGS: usize = 4;";
        assert_eq!(check_limits("x/limits.rs", good).len(), 0);
        let second = format!("{good}\npub const CALLS: usize = 2;");
        assert_eq!(check_limits("x/limits.rs", &second).len(), 1);
    }

    #[test]
    fn a_crate_that_grows_without_limits_is_seen() {
        assert!(check_growth("x.rs", "struct S { legs: BTreeMap<Leg, Life> }").is_some());
        assert!(check_growth("x.rs", "/// Not a VecDeque.\nstruct S { legs: [Leg; 4] }").is_none());
    }
}
