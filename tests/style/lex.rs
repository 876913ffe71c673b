//! Rust text to tokens: comments and the insides of strings fall away, lines stay known.
//!
//! Enough of the language to find words, paths and braces without being fooled by a comment or
//! a string: nested block comments, raw and byte strings, character literals beside lifetimes.

/// One token with the line it starts on (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its text; empty for strings, whose inside is of no concern here.
    pub text: String,
    /// Line of its first character.
    pub line: usize,
}

/// Kinds of token that the checks tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Identifier or keyword, without `r#`.
    Word,
    /// One punctuation character.
    Mark,
    /// String, character or number.
    Literal,
    /// `'a`.
    Lifetime,
    /// A documentation comment (outer or inner).
    Doc,
}

impl Token {
    /// True for the given identifier or keyword.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    /// True for the given punctuation.
    pub fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark && self.text.starts_with(mark)
    }
}

/// All tokens of `text`, documentation included.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line: 1, out: Vec::new() };
    while reader.step() {}
    reader.out
}

/// Tokens of what ships: items under `#[cfg(test)]`, `#[test]` and the like are left out.
pub fn shipped(text: &str) -> Vec<Token> {
    without_tests(&tokens(text))
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn bump(&mut self) -> char {
        let c = self.peek(0);
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        c
    }

    fn push(&mut self, kind: Kind, text: String, line: usize) {
        self.out.push(Token { kind, text, line });
    }

    fn step(&mut self) -> bool {
        if self.at >= self.chars.len() {
            return false;
        }
        let line = self.line;
        match (self.peek(0), self.peek(1)) {
            (c, _) if c.is_whitespace() => {
                self.bump();
            }
            ('/', '/') => self.line_comment(line),
            ('/', '*') => self.block_comment(line),
            ('"', _) => self.string(line),
            ('\'', _) => self.quote(line),
            (c, _) if c.is_alphabetic() || c == '_' => self.word(line),
            (c, _) if c.is_ascii_digit() => self.number(line),
            (c, _) => {
                self.bump();
                self.push(Kind::Mark, c.to_string(), line);
            }
        }
        true
    }

    fn line_comment(&mut self, line: usize) {
        let mut text = String::new();
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            text.push(self.bump());
        }
        let doc = text.starts_with("//!") || (text.starts_with("///") && !text.starts_with("////"));
        if doc {
            self.push(Kind::Doc, text, line);
        }
    }

    fn block_comment(&mut self, line: usize) {
        let doc =
            self.peek(2) == '!' || (self.peek(2) == '*' && !['*', '/'].contains(&self.peek(3)));
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => {
                    depth += 1;
                    self.at += 2;
                }
                ('*', '/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {
                    self.bump();
                }
            }
        }
        if doc {
            self.push(Kind::Doc, String::new(), line);
        }
    }

    fn string(&mut self, line: usize) {
        self.bump();
        while self.at < self.chars.len() {
            match self.bump() {
                '\\' => {
                    self.bump();
                }
                '"' => break,
                _ => {}
            }
        }
        self.push(Kind::Literal, String::new(), line);
    }

    /// `r"…"` and `r##"…"##`; `hashes` are already known to be followed by a quote.
    fn raw_string(&mut self, hashes: usize, line: usize) {
        self.at += hashes + 1;
        while self.at < self.chars.len() {
            if self.bump() == '"' && (0..hashes).all(|n| self.peek(n) == '#') {
                self.at += hashes;
                break;
            }
        }
        self.push(Kind::Literal, String::new(), line);
    }

    /// A character literal or a lifetime.
    fn quote(&mut self, line: usize) {
        let name = self.peek(1).is_alphabetic() || self.peek(1) == '_';
        self.bump();
        if name && self.peek(1) != '\'' {
            let mut text = String::from("'");
            while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
                text.push(self.bump());
            }
            self.push(Kind::Lifetime, text, line);
            return;
        }
        while self.at < self.chars.len() {
            match self.bump() {
                '\\' => {
                    self.bump();
                }
                '\'' => break,
                _ => {}
            }
        }
        self.push(Kind::Literal, String::new(), line);
    }

    fn word(&mut self, line: usize) {
        let mut text = String::new();
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            text.push(self.bump());
        }
        let prefix = matches!(text.as_str(), "r" | "b" | "br" | "c" | "cr");
        if prefix && text.contains('r') {
            let mut hashes = 0;
            while self.peek(hashes) == '#' {
                hashes += 1;
            }
            if self.peek(hashes) == '"' {
                return self.raw_string(hashes, line);
            }
            if text == "r" && hashes == 1 {
                self.bump();
                return self.word(line);
            }
        }
        if prefix && self.peek(0) == '"' {
            return self.string(line);
        }
        if text == "b" && self.peek(0) == '\'' {
            return self.quote(line);
        }
        self.push(Kind::Word, text, line);
    }

    fn number(&mut self, line: usize) {
        let mut text = String::new();
        loop {
            let c = self.peek(0);
            let fraction = c == '.' && self.peek(1).is_ascii_digit();
            if !(c.is_alphanumeric() || c == '_' || fraction) {
                break;
            }
            text.push(self.bump());
        }
        self.push(Kind::Literal, text, line);
    }
}

/// Leaves out every item whose attribute says that it is only built for tests.
fn without_tests(all: &[Token]) -> Vec<Token> {
    let mut out = Vec::with_capacity(all.len());
    let mut at = 0;
    while at < all.len() {
        let Some(end) = attribute_end(all, at) else {
            out.push(all[at].clone());
            at += 1;
            continue;
        };
        let inner = all.get(at + 1).is_some_and(|t| t.is_mark('!'));
        let test = is_test_attribute(&all[at..end]);
        match (test, inner) {
            (true, true) => return out,
            (true, false) => at = item_end(all, end),
            (false, _) => {
                out.extend_from_slice(&all[at..end]);
                at = end;
            }
        }
    }
    out
}

/// Index after the `]` of the attribute that starts at `at`, if one does.
pub fn attribute_end(all: &[Token], at: usize) -> Option<usize> {
    if !all.get(at)?.is_mark('#') {
        return None;
    }
    let open = if all.get(at + 1)?.is_mark('!') { at + 2 } else { at + 1 };
    if !all.get(open)?.is_mark('[') {
        return None;
    }
    Some(group_end(all, open))
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`; not `not(test)`.
fn is_test_attribute(attribute: &[Token]) -> bool {
    let words: Vec<&str> =
        attribute.iter().filter(|t| t.kind == Kind::Word).map(|t| t.text.as_str()).collect();
    match words.first() {
        Some(&"cfg") => words.contains(&"test") && !words.contains(&"not"),
        Some(&"cfg_attr") | None => false,
        Some(_) => {
            let path = attribute.iter().skip_while(|t| !t.is_mark('[')).skip(1);
            let path = path.take_while(|t| t.kind == Kind::Word || t.is_mark(':'));
            path.filter(|t| t.kind == Kind::Word).last().is_some_and(|t| t.text == "test")
        }
    }
}

/// Index after the item that starts at `at`: its `;`, or its braces.
fn item_end(all: &[Token], mut at: usize) -> usize {
    while at < all.len() {
        if let Some(end) = attribute_end(all, at) {
            at = end;
        } else if all[at].is_mark('{') {
            return group_end(all, at);
        } else if all[at].is_mark('(') || all[at].is_mark('[') {
            at = group_end(all, at);
        } else if all[at].is_mark(';') {
            return at + 1;
        } else {
            at += 1;
        }
    }
    at
}

/// Index after the bracket that closes the one at `open`.
pub fn group_end(all: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in all.iter().enumerate().skip(open) {
        if token.kind != Kind::Mark {
            continue;
        }
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    all.len()
}

/// Paths that are written or imported, `use` groups taken apart: `use std::{fs, io::Read}` gives
/// `std::fs` and `std::io::Read`, each with its line.
pub fn paths(all: &[Token]) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if all[at].is_word("use") {
            at = use_tree(all, at + 1, "", &mut out);
        } else if all[at].kind == Kind::Word {
            let line = all[at].line;
            let (path, end) = plain_path(all, at);
            out.push((path, line));
            at = end;
        } else {
            at += 1;
        }
    }
    out
}

fn plain_path(all: &[Token], mut at: usize) -> (String, usize) {
    let mut path = all[at].text.clone();
    at += 1;
    while is_colons(all, at) && all.get(at + 2).is_some_and(|t| t.kind == Kind::Word) {
        path.push_str("::");
        path.push_str(&all[at + 2].text);
        at += 3;
    }
    (path, at)
}

/// Reads one tree of a `use`; returns the index after it.
fn use_tree(all: &[Token], mut at: usize, before: &str, out: &mut Vec<(String, usize)>) -> usize {
    let mut path = before.to_owned();
    let mut ended = false;
    while at < all.len() {
        let token = &all[at];
        if token.kind == Kind::Word && token.text == "as" {
            at += 2;
        } else if token.kind == Kind::Word || token.is_mark('*') {
            if !path.is_empty() {
                path.push_str("::");
            }
            path.push_str(&token.text);
            at += 1;
        } else if token.is_mark(':') {
            at += 1;
        } else if token.is_mark('{') {
            let end = group_end(all, at);
            at += 1;
            while at + 1 < end {
                at = use_tree(all, at, &path, out);
                if all.get(at).is_some_and(|t| t.is_mark(',')) {
                    at += 1;
                }
            }
            at = end;
            ended = true;
        } else {
            break;
        }
    }
    if ended {
        return at;
    }
    if path == before {
        // A tree that consumed nothing would hold its caller's loop for ever.
        return at + 1;
    }
    out.push((path, all[at - 1].line));
    at
}

fn is_colons(all: &[Token], at: usize) -> bool {
    all.get(at).is_some_and(|t| t.is_mark(':')) && all.get(at + 1).is_some_and(|t| t.is_mark(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let all = tokens(text).into_iter().filter(|t| t.kind == Kind::Word);
        all.map(|t| t.text).collect()
    }

    #[test]
    fn comments_and_strings_say_nothing() {
        let text = r##"a /* b /* c */ d */ "e \" f" r#"g " h"# b"i" 'j' '\'' k // l"##;
        assert_eq!(words(text), ["a", "k"]);
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        assert_eq!(words("fn f<'a>(x: &'a str) -> char { 'x' }"), ["fn", "f", "x", "str", "char"]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let all = tokens("/* 1\n2 */ \"3\n\" x");
        assert_eq!(all.last().map(|t| t.line), Some(3));
    }

    #[test]
    fn raw_identifiers_lose_their_prefix() {
        assert_eq!(words("r#type x"), ["type", "x"]);
    }

    #[test]
    fn test_items_are_left_out_and_the_rest_stays() {
        let text = "fn a() {} #[cfg(test)] mod t { fn b() {} } #[cfg(not(test))] fn c() {} \
                    #[tokio::test] async fn d() { x } #[cfg_attr(test, derive(Debug))] struct E;";
        let all = shipped(text);
        let has = |w: &str| all.iter().any(|t| t.is_word(w));
        assert!(has("a") && has("c") && has("E"));
        assert!(!has("b") && !has("d") && !has("async"));
    }

    #[test]
    fn use_groups_are_taken_apart() {
        let all = tokens("use std::{fs, io::{self, Read}, net::UdpSocket as U}; std::env::var()");
        let found: Vec<String> = paths(&all).into_iter().map(|p| p.0).collect();
        let want = ["std::fs", "std::io::self", "std::io::Read", "std::net::UdpSocket"];
        assert_eq!(found[..4], want);
        assert!(found.contains(&"std::env::var".to_owned()));
    }
}
