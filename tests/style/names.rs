//! Names that say nothing are refused: in files, folders, modules, types and functions.

use crate::Breach;
use crate::lex::{self, Kind};

/// Words that a name may not contain as a part, alone or in the plural.
pub const FORBIDDEN: &[&str] = &[
    "manager",
    "handler",
    "helper",
    "util",
    "common",
    "service",
    "processor",
    "context",
    "data",
    "info",
    "misc",
];

/// Names that contain such a part because a standard says so: name and reason.
pub const EXEMPT: &[(&str, &str)] = &[];

/// Checks the names that one Rust file declares.
pub fn check_rust(path: &str, text: &str) -> Vec<Breach> {
    let all = lex::shipped(text);
    let mut breaches = Vec::new();
    for pair in all.windows(2) {
        let [keyword, name] = pair else { continue };
        let declares = ["mod", "struct", "enum", "union", "trait", "type", "fn"]
            .iter()
            .any(|word| keyword.is_word(word));
        if declares
            && name.kind == Kind::Word
            && let Some(part) = forbidden_part(&name.text)
        {
            let what = format!("`{}` contains `{part}`, which says nothing", name.text);
            breaches.push(Breach::new(path, name.line, what));
        }
    }
    breaches
}

/// Checks the folders and the name of one file of code.
pub fn check_path(path: &str) -> Vec<Breach> {
    let code = [".rs", ".ts", ".svelte", ".mjs", ".js", ".py", ".sh"];
    if !code.iter().any(|ending| path.ends_with(ending)) {
        return Vec::new();
    }
    let part = path.split('/').find_map(forbidden_part);
    part.map(|part| Breach::new(path, 0, format!("path contains `{part}`, which says nothing")))
        .into_iter()
        .collect()
}

/// The first forbidden part of a name, whether it is snake, kebab, dotted or camel case.
fn forbidden_part(name: &str) -> Option<&'static str> {
    if EXEMPT.iter().any(|(exempt, _)| *exempt == name) {
        return None;
    }
    let parts = parts(name);
    FORBIDDEN
        .iter()
        .copied()
        .find(|word| parts.iter().any(|part| part == word || part.strip_suffix('s') == Some(word)))
}

fn parts(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut out = vec![String::new()];
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|n| chars.get(n));
        let after_lower = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit());
        let ends_acronym = before.is_some_and(|b| b.is_uppercase())
            && chars.get(at + 1).is_some_and(|n| n.is_lowercase());
        if !c.is_alphanumeric() || (c.is_uppercase() && (after_lower || ends_acronym)) {
            out.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(last) = out.last_mut()
        {
            last.extend(c.to_lowercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;

    #[test]
    fn no_name_of_the_house_says_nothing() {
        let mut breaches: Vec<Breach> =
            house::committed().iter().flat_map(|path| check_path(path)).collect();
        for member in house::members() {
            for path in crate::dead::shipped_files(&member) {
                breaches.extend(check_rust(&path, &house::read(&path)));
            }
        }
        crate::refuse("names say something", breaches);
    }

    #[test]
    fn an_empty_name_is_seen_in_every_form() {
        let bad = [
            "mod utils;",
            "struct CallManager;",
            "fn session_data() {}",
            "enum HTTPHandler { A }",
            "trait DataSource {}",
            "type Context = u8;",
        ];
        for text in bad {
            assert_eq!(check_rust("x.rs", text).len(), 1, "not seen: {text}");
        }
        assert_eq!(check_path("firmware/call/helper.rs").len(), 1);
        assert_eq!(check_path("firmware/common/leg.rs").len(), 1);
    }

    #[test]
    fn words_that_merely_contain_one_are_let_through() {
        let good =
            "mod database; struct Metadata; fn uncommon() { let data = 1; } struct Servicing;";
        assert_eq!(check_rust("x.rs", good), []);
        assert_eq!(check_path("docs/data.csv"), []);
    }
}
