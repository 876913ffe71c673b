//! Files that nothing reaches: every `.rs` file must hang on a `mod` declaration below a root
//! of its crate.

use std::collections::BTreeMap;

use crate::Breach;
use crate::house::{self, Member};
use crate::lex::{self, Kind, Token};

/// Reads a file of the house, or `None` if it is not there.
type Reader<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Every file that the roots reach, with whether it is only built for tests.
pub fn reached(roots: &[(String, bool)], read: Reader<'_>) -> BTreeMap<String, bool> {
    let mut found: BTreeMap<String, bool> = BTreeMap::new();
    let mut open: Vec<(String, bool, bool)> =
        roots.iter().map(|(path, test)| (path.clone(), *test, true)).collect();
    while let Some((path, test, root)) = open.pop() {
        let Some(text) = read(&path) else { continue };
        // A file reached both ways ships.
        if found.get(&path).is_some_and(|before| !*before || test) {
            continue;
        }
        found.insert(path.clone(), test);
        let folder = module_folder(&path, root);
        let ships = modules(&lex::shipped(&text), &folder);
        for places in modules(&lex::tokens(&text), &folder) {
            let as_test = test || !ships.contains(&places);
            open.extend(places.into_iter().map(|place| (place, as_test, false)));
        }
    }
    found
}

/// Roots of a crate: its library, its programs, its build script, and what cargo finds by place.
pub fn roots(member: &Member) -> Vec<(String, bool)> {
    let folder = &member.folder;
    let mut out = Vec::new();
    for name in ["lib.rs", "main.rs", "build.rs", "src/lib.rs", "src/main.rs"] {
        out.push((format!("{folder}/{name}"), false));
    }
    for (key, test) in
        [("lib", false), ("bin", false), ("test", true), ("bench", true), ("example", true)]
    {
        let listed = member.manifest.get(key);
        let tables = listed
            .and_then(toml::Value::as_array)
            .cloned()
            .unwrap_or_else(|| listed.into_iter().cloned().collect());
        for path in tables.iter().filter_map(|t| t.get("path")).filter_map(toml::Value::as_str) {
            out.push((format!("{folder}/{path}"), test));
        }
    }
    for source in &member.sources {
        let inside = source.strip_prefix(&format!("{folder}/")).unwrap_or(source);
        let place = inside.split('/').next().unwrap_or_default();
        let direct = inside.matches('/').count() == 1 || inside.ends_with("/main.rs");
        if direct && ["tests", "benches", "examples"].contains(&place) {
            out.push((source.clone(), true));
        }
        if inside.starts_with("src/bin/") {
            out.push((source.clone(), false));
        }
    }
    out
}

/// Files of a crate that ship: reached, and not only for tests. Checks of content read these.
pub fn shipped_files(member: &Member) -> Vec<String> {
    let found = reached(&roots(member), &house_reader);
    found.into_iter().filter(|(_, test)| !*test).map(|(path, _)| path).collect()
}

fn house_reader(path: &str) -> Option<String> {
    house::root().join(path).is_file().then(|| house::read(path))
}

/// Files of the crate that no root reaches.
pub fn check(member: &Member) -> Vec<Breach> {
    let found = reached(&roots(member), &house_reader);
    let dead = member.sources.iter().filter(|path| !found.contains_key(*path));
    dead.map(|path| Breach::new(path, 0, "no `mod` declaration reaches this file")).collect()
}

/// Where the modules declared in a file lie.
fn module_folder(path: &str, root: bool) -> String {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    if root || stem == "mod" || stem == "lib" || stem == "main" {
        parent(path).to_owned()
    } else {
        format!("{}/{stem}", parent(path))
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// For each `mod x;` of a file the paths where it may lie. `#[path]` is not followed: a module
/// lies where its name says.
fn modules(all: &[Token], folder: &str) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    let mut inline: Vec<(String, usize)> = Vec::new();
    for at in 0..all.len() {
        inline.retain(|(_, end)| at < *end);
        let declares =
            all[at].is_word("mod") && all.get(at + 1).is_some_and(|t| t.kind == Kind::Word);
        if !declares {
            continue;
        }
        let name = &all[at + 1].text;
        let within: String = inline.iter().map(|(name, _)| format!("/{name}")).collect();
        if all.get(at + 2).is_some_and(|t| t.is_mark('{')) {
            inline.push((name.clone(), lex::group_end(all, at + 2)));
        } else if all.get(at + 2).is_some_and(|t| t.is_mark(';')) {
            out.push(vec![
                format!("{folder}{within}/{name}.rs"),
                format!("{folder}{within}/{name}/mod.rs"),
            ]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_the_house_is_dead() {
        let breaches = house::members().iter().flat_map(check).collect();
        crate::refuse("every file is reached", breaches);
    }

    fn walk(files: &[(&str, &str)]) -> BTreeMap<String, bool> {
        let files: BTreeMap<String, String> =
            files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
        reached(&[("c/lib.rs".to_owned(), false)], &|path| files.get(path).cloned())
    }

    #[test]
    fn a_file_without_a_declaration_is_not_reached() {
        let found = walk(&[
            ("c/lib.rs", "mod a; /* mod dead; */ pub mod b;"),
            ("c/a.rs", "mod inner;"),
            ("c/a/inner.rs", ""),
            ("c/b/mod.rs", "mod deep;"),
            ("c/b/deep.rs", ""),
            ("c/dead.rs", ""),
        ]);
        let paths: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(paths, ["c/a.rs", "c/a/inner.rs", "c/b/deep.rs", "c/b/mod.rs", "c/lib.rs"]);
    }

    #[test]
    fn a_file_only_for_tests_is_reached_as_such() {
        let found = walk(&[
            ("c/lib.rs", "mod a; #[cfg(test)] mod probe;"),
            ("c/a.rs", ""),
            ("c/probe.rs", ""),
        ]);
        assert_eq!(found.get("c/a.rs"), Some(&false));
        assert_eq!(found.get("c/probe.rs"), Some(&true));
    }
}
