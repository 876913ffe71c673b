//! `unsafe` has few addresses, and each use says what keeps it sound.

use crate::Breach;
use crate::lex;

/// Where `unsafe` may stand, and why. A path that ends in `/` means everything below it.
pub const ALLOWED: &[(&str, &str)] = &[
    ("board/linux/", "the drivers: the only ioctls of the house"),
    ("firmware/media/spandsp.rs", "the wrapper of a C library"),
    ("firmware/switchd/realtime.rs", "the system call for the sound thread's priority"),
    ("firmware/media/tests/allocation.rs", "the tripwire: an allocator that counts"),
    ("firmware/switchd/tests/allocation.rs", "the tripwire: an allocator that counts"),
    ("tests/bench/pacing/tests/allocation.rs", "the tripwire: an allocator that counts"),
    ("supervisor/spawn.rs", "pre_exec: what a child does between fork and exec"),
];

/// How many lines above an `unsafe` its invariant may stand.
const INVARIANT_REACH_LINES: usize = 12;

/// Checks one file.
pub fn check(path: &str, text: &str) -> Vec<Breach> {
    let places: Vec<usize> =
        lex::tokens(text).iter().filter(|t| t.is_word("unsafe")).map(|t| t.line).collect();
    if places.is_empty() {
        return Vec::new();
    }
    let allowed = ALLOWED.iter().any(|(place, _)| {
        if place.ends_with('/') { path.starts_with(place) } else { path == *place }
    });
    if !allowed {
        let what = "`unsafe` outside the list in tests/style/unsafety.rs";
        return places.iter().map(|line| Breach::new(path, *line, what)).collect();
    }
    let lines: Vec<&str> = text.lines().collect();
    let mute = places.into_iter().filter(|line| !has_invariant(&lines, *line));
    mute.map(|line| Breach::new(path, line, "`unsafe` without `// SAFETY:` above it")).collect()
}

fn has_invariant(lines: &[&str], line: usize) -> bool {
    let from = line.saturating_sub(INVARIANT_REACH_LINES);
    lines.iter().take(line).skip(from).any(|text| {
        let text = text.to_lowercase();
        text.contains("//") && (text.contains("safety") || text.contains("invariant"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;

    #[test]
    fn unsafe_stands_only_at_its_addresses() {
        let files = house::members().into_iter().flat_map(|m| m.sources);
        let breaches = files.flat_map(|path| check(&path, &house::read(&path)));
        crate::refuse("`unsafe` at its address, with its invariant", breaches.collect());
    }

    #[test]
    fn a_stray_unsafe_is_seen_and_a_word_in_a_comment_is_not() {
        assert_eq!(check("firmware/call/lib.rs", "fn f() { unsafe { g() } }").len(), 1);
        assert_eq!(check("firmware/call/lib.rs", "// unsafe\n#![deny(unsafe_code)]").len(), 0);
    }

    #[test]
    fn an_allowed_unsafe_must_say_its_invariant() {
        let mute = "fn f() { unsafe { g() } }";
        let told = "// SAFETY: g has no precondition.\nfn f() { unsafe { g() } }";
        assert_eq!(check("board/linux/dahdi.rs", mute).len(), 1);
        assert_eq!(check("board/linux/dahdi.rs", told).len(), 0);
    }
}
