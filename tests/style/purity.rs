//! Cores read no clock, spawn nothing, lock nothing, do no I/O and do not log; and nobody in
//! the house has an unbounded channel.

use crate::Breach;
use crate::lex::{self, Kind, Token};

/// Words that have only one meaning, with what to do instead.
const WORDS: &[(&str, &str)] = &[
    ("Instant", "take `now: Tick`"),
    ("SystemTime", "take `now: Stamp`"),
    ("UdpSocket", "put bytes into `Output`"),
    ("TcpStream", "put bytes into `Output`"),
    ("TcpListener", "put bytes into `Output`"),
    ("UnixStream", "put bytes into `Output`"),
    ("tokio", "a daemon's reactor waits, a core is polled"),
    ("async", "a core is polled"),
    ("Mutex", "a core has one owner"),
    ("RwLock", "a core has one owner"),
    ("Condvar", "a core never waits"),
    ("tracing", "put a typed note into `Output`"),
    ("HashMap", "use BTreeMap: order must be the same on every run"),
    ("HashSet", "use BTreeSet: order must be the same on every run"),
];

/// Paths (and everything below them) that a core may not name.
const PATHS: &[(&str, &str)] = &[
    ("std::time::Instant", "take `now: Tick`"),
    ("std::time::SystemTime", "take `now: Stamp`"),
    ("std::thread", "a core has no threads"),
    ("thread::spawn", "a core has no threads"),
    ("std::fs", "a core has no files"),
    ("std::env", "settings come in through the constructor"),
    ("std::process", "a core starts nothing"),
    ("std::os", "a core knows no operating system"),
    ("std::io::stdin", "a core has no console"),
    ("std::io::stdout", "a core has no console"),
    ("std::io::stderr", "a core has no console"),
    ("std::sync::mpsc", "outputs are polled"),
    ("std::sync::Mutex", "a core has one owner"),
    ("std::sync::RwLock", "a core has one owner"),
    ("Timestamp::now", "take `now: Stamp`"),
    ("Zoned::now", "take `now: Stamp`"),
    ("Utc::now", "take `now: Stamp`"),
    ("log", "put a typed note into `Output`"),
];

const PRINTS: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];

/// Checks one file of a core.
pub fn check_core(path: &str, text: &str) -> Vec<Breach> {
    let all = lex::shipped(text);
    let mut breaches = Vec::new();
    for (at, token) in all.iter().enumerate().filter(|(_, t)| t.kind == Kind::Word) {
        let next = |mark| all.get(at + 1).is_some_and(|t| t.is_mark(mark));
        if let Some((word, instead)) = WORDS.iter().find(|(word, _)| *word == token.text) {
            let what = format!("a core names `{word}`; {instead}");
            breaches.push(Breach::new(path, token.line, what));
        }
        if PRINTS.contains(&token.text.as_str()) && next('!') {
            let what = format!("a core prints with `{}!`", token.text);
            breaches.push(Breach::new(path, token.line, what));
        }
        if token.text == "static" && all.get(at + 1).is_some_and(|t| t.is_word("mut")) {
            breaches.push(Breach::new(path, token.line, "a core has a `static mut`"));
        }
    }
    for (found, line) in lex::paths(&all) {
        let hit = PATHS.iter().find(|(banned, _)| {
            let below = found.strip_prefix(banned);
            below
                .is_some_and(|rest| rest.starts_with("::") || (rest.is_empty() && *banned != "log"))
        });
        if let Some((banned, instead)) = hit {
            breaches.push(Breach::new(path, line, format!("a core names `{banned}`; {instead}")));
        }
        if found.starts_with("std::") && found.ends_with("::*") {
            let what = format!("a core imports `{found}`, which hides what it takes");
            breaches.push(Breach::new(path, line, what));
        }
    }
    breaches
}

/// Checks one file of any crate for channels without a bound.
pub fn check_channels(path: &str, text: &str) -> Vec<Breach> {
    let all = lex::shipped(text);
    let mut breaches = Vec::new();
    for (at, token) in all.iter().enumerate().filter(|(_, t)| t.kind == Kind::Word) {
        let named = token.text == "unbounded"
            || token.text == "unbounded_channel"
            || token.text.starts_with("Unbounded");
        if named || is_bare_channel(&all, at) {
            let what = format!("`{}` has no bound; name one in limits.rs", token.text);
            breaches.push(Breach::new(path, token.line, what));
        }
    }
    breaches
}

/// `channel()` and `channel::<T>()`: the one of `std::sync::mpsc`, which takes no bound.
fn is_bare_channel(all: &[Token], at: usize) -> bool {
    if !all[at].is_word("channel") || at > 0 && all[at - 1].is_word("fn") {
        return false;
    }
    // Methods and other modules' `channel()` getters are not constructors of a queue.
    let of_mpsc = at >= 3 && all[at - 1].is_mark(':') && all[at - 3].is_word("mpsc");
    let mut next = at + 1;
    if all.get(next).is_some_and(|t| t.is_mark(':')) {
        while next < all.len() && !all[next].is_mark('(') {
            next += 1;
        }
    }
    let empty = all.get(next).is_some_and(|t| t.is_mark('('))
        && all.get(next + 1).is_some_and(|t| t.is_mark(')'));
    of_mpsc && empty
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{house, imports::CORES};

    #[test]
    fn the_cores_of_the_house_are_pure() {
        let cores = house::members().into_iter().filter(|m| CORES.contains(&m.name.as_str()));
        let files = cores.flat_map(|m| crate::dead::shipped_files(&m));
        let breaches = files.flat_map(|path| check_core(&path, &house::read(&path)));
        crate::refuse("a core is pure", breaches.collect());
    }

    #[test]
    fn no_channel_of_the_house_is_unbounded() {
        let files = house::members().into_iter().flat_map(|m| m.sources);
        let breaches = files.flat_map(|path| check_channels(&path, &house::read(&path)));
        crate::refuse("every channel has a bound", breaches.collect());
    }

    #[test]
    fn each_impurity_is_seen() {
        let bad = [
            "use std::time::{Duration, Instant};",
            "fn f() { let t = std::time::SystemTime::now(); }",
            "use std::thread;",
            "use std::{fs, collections::BTreeMap};",
            "fn f() -> Option<String> { std::env::var(\"X\").ok() }",
            "use std::net::UdpSocket;",
            "use std::net::{SocketAddr, TcpStream};",
            "struct S { m: std::sync::Mutex<u8> }",
            "struct S { m: RwLock<u8> }",
            "use tokio::sync::mpsc;",
            "async fn f() {}",
            "fn f() { println!(\"x\"); }",
            "fn f() { tracing::info!(\"x\"); }",
            "fn f() { log::info!(\"x\"); }",
            "static mut X: u8 = 0;",
            "use std::time::*;",
            "use std::collections::HashMap;",
            "fn f() { jiff::Timestamp::now(); } use jiff::Timestamp; fn g() { Timestamp::now(); }",
        ];
        for text in bad {
            assert!(!check_core("x.rs", text).is_empty(), "not seen: {text}");
        }
    }

    #[test]
    fn what_only_sounds_impure_is_let_through() {
        let good = "//! No std::thread, no println! here.\n\
            use std::net::SocketAddr; use std::time::Duration;\n\
            /// Never calls Instant::now.\n fn log(x: f64) -> &'static str { \"tokio::spawn\" }\n\
            fn thread(x: u8) { x.log(); }\n\
            #[cfg(test)] mod tests { use std::time::Instant; fn f() { println!(\"x\"); } }";
        assert_eq!(check_core("x.rs", good), []);
    }

    #[test]
    fn a_channel_without_a_bound_is_seen() {
        let seen = |text| check_channels("x.rs", text).len();
        assert_eq!(seen("fn f() { let (a, b) = std::sync::mpsc::channel::<u8>(); }"), 1);
        assert_eq!(seen("fn f() { let (a, b) = mpsc::unbounded_channel(); }"), 1);
        assert_eq!(seen("fn f() { let (a, b) = mpsc::channel(16); self.channel(); }"), 0);
    }
}
