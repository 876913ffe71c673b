//! The house on disk: its crates, their source files, and the files that would be committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One member of the workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// Package name.
    pub name: String,
    /// Folder from the root, such as `firmware/call`.
    pub folder: String,
    /// Its manifest.
    pub manifest: toml::Table,
    /// Its `.rs` files from the root, without those of crates nested in its folder.
    pub sources: Vec<String>,
}

/// The root of the house: two folders above this crate.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Text of a file given from the root; empty if it is not text.
pub fn read(path: &str) -> String {
    fs::read(root().join(path))
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default()
}

/// Every member of the workspace.
///
/// # Panics
/// When a manifest does not parse: nothing else can be checked then.
pub fn members() -> Vec<Member> {
    let root_manifest = parse("Cargo.toml");
    let folders: Vec<String> = root_manifest
        .get("workspace")
        .and_then(|w| w.get("members"))
        .and_then(toml::Value::as_array)
        .map(|list| list.iter().filter_map(|m| m.as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    folders
        .iter()
        .map(|folder| {
            let manifest = parse(&format!("{folder}/Cargo.toml"));
            let name = manifest
                .get("package")
                .and_then(|p| p.get("name"))
                .and_then(toml::Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let mut sources = Vec::new();
            rust_files(folder, &folders, &mut sources);
            sources.sort();
            Member { name, folder: folder.clone(), manifest, sources }
        })
        .collect()
}

#[allow(clippy::panic)]
fn parse(path: &str) -> toml::Table {
    match read(path).parse() {
        Ok(table) => table,
        Err(error) => panic!("{path} does not parse: {error}"),
    }
}

fn rust_files(folder: &str, members: &[String], out: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        let skipped = name.starts_with('.') || name == "target" || name == "node_modules";
        // A manifest below a member is a workspace of its own (tests/fuzz/libfuzzer).
        let apart = members.contains(&path) || entry.path().join("Cargo.toml").is_file();
        if entry.path().is_dir() {
            if !skipped && !apart {
                rust_files(&path, members, out);
            }
        } else if name.ends_with(".rs") {
            out.push(path);
        }
    }
}

/// Every file that is committed or would be: what git tracks, and what it does not ignore.
/// Outside a git tree (a source archive) every file below the root.
pub fn committed() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    if let Ok(output) = listed
        && output.status.success()
    {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = text.split('\0').filter(|name| !name.is_empty());
        return names.filter(|name| root().join(name).is_file()).map(str::to_owned).collect();
    }
    let mut out = Vec::new();
    every_file(Path::new(""), &mut out);
    out
}

fn every_file(folder: &Path, out: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        let skipped = ["target", "node_modules", "var", "dist", ".git"].contains(&name.as_str());
        if entry.path().is_dir() {
            if !skipped {
                every_file(&path, out);
            }
        } else {
            out.push(path.to_string_lossy().into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_has_its_crates_and_their_files() {
        let all = members();
        let style = all.iter().find(|m| m.name == "style");
        let sources = style.map(|m| m.sources.clone()).unwrap_or_default();
        assert!(sources.contains(&"tests/style/lex.rs".to_owned()), "{sources:?}");
        assert!(committed().contains(&"Cargo.toml".to_owned()));
    }
}
