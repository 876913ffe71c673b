//! Who may import whom: the table of the design, read against every manifest.

use crate::Breach;

/// Crate and the crates of ours that it may name under `[dependencies]`. What is free to import
/// anything (tests) stands in [`FREE`]; a crate in neither list is a breach until it is placed.
pub const TABLE: &[(&str, &[&str])] = &[
    ("call", &[]),
    ("supervisor", &[]),
    ("installer", &[]),
    ("board_port", &["call"]),
    ("signal", &["call"]),
    ("dialer", &["call"]),
    ("flow", &["call"]),
    ("link", &["call"]),
    ("media", &["call", "board_port"]),
    ("board_linux", &["call", "board_port"]),
    ("store", &["call", "dialer", "flow"]),
    ("board_sim", &["call", "board_port", "signal", "media"]),
    ("pacer", &["call", "dialer"]),
    ("switchd", &["call", "signal", "media", "link", "board_port", "board_linux", "board_sim"]),
    ("centerd", &["call", "dialer", "flow", "store", "link"]),
    ("cli", &["call", "link", "dialer"]),
];

/// Crates under `tests/` may import anything.
pub const FREE: &[&str] = &[
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

/// Outside crates that bring a clock, a thread, a socket, a lock or a log into a core.
pub const IMPURE: &[&str] = &[
    "tokio",
    "tokio-serial",
    "nix",
    "libc",
    "mio",
    "hyper",
    "axum",
    "rusqlite",
    "alsa",
    "sysinfo",
    "tracing",
    "tracing-subscriber",
    "log",
    "getrandom",
    "rand",
    "parking_lot",
    "crossbeam",
    "async-trait",
    "futures",
    "chrono",
];

/// The crates that must stay pure.
pub const CORES: &[&str] = &["call", "signal", "media", "dialer", "flow"];

/// Checks one manifest.
pub fn check(path: &str, name: &str, manifest: &toml::Table) -> Vec<Breach> {
    if FREE.contains(&name) {
        return Vec::new();
    }
    let Some((_, allowed)) = TABLE.iter().find(|(known, _)| *known == name) else {
        return vec![Breach::new(path, 0, format!("`{name}` has no row in the import table"))];
    };
    let ours = |dep: &str| TABLE.iter().any(|(known, _)| *known == dep) || FREE.contains(&dep);
    let mut breaches = Vec::new();
    for dep in dependencies(manifest) {
        if ours(&dep) && !allowed.contains(&dep.as_str()) {
            let may = if allowed.is_empty() { "nothing".into() } else { allowed.join(", ") };
            let what = format!("`{name}` imports `{dep}`; it may import {may}");
            breaches.push(Breach::new(path, 0, what));
        }
        if CORES.contains(&name) && IMPURE.contains(&dep.as_str()) {
            let what = format!("the core `{name}` imports `{dep}`, which is not pure");
            breaches.push(Breach::new(path, 0, what));
        }
    }
    breaches
}

/// Package names under `[dependencies]`, `[build-dependencies]` and the same per target.
/// Dev-dependencies are exempt: a test may compare with anything.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let mut out = Vec::new();
    let mut take = |table: &toml::Table| {
        for key in ["dependencies", "build-dependencies"] {
            let list = table.get(key).and_then(toml::Value::as_table);
            for (name, value) in list.into_iter().flatten() {
                let real = value.get("package").and_then(toml::Value::as_str);
                out.push(real.unwrap_or(name).to_owned());
            }
        }
    };
    take(manifest);
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    for target in targets.into_iter().flatten().filter_map(|(_, t)| t.as_table()) {
        take(target);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;

    #[test]
    fn the_house_imports_only_downward() {
        let all = house::members();
        let breaches = all
            .iter()
            .flat_map(|m| check(&format!("{}/Cargo.toml", m.folder), &m.name, &m.manifest));
        crate::refuse("the import table of ARCHITECTURE.md", breaches.collect());
    }

    fn breaches(name: &str, manifest: &str) -> usize {
        let table: toml::Table = manifest.parse().unwrap_or_default();
        check("x/Cargo.toml", name, &table).len()
    }

    #[test]
    fn an_import_upward_is_seen() {
        assert_eq!(breaches("signal", "[dependencies]\ncall.workspace = true"), 0);
        assert_eq!(breaches("signal", "[dependencies]\nmedia.workspace = true"), 1);
        assert_eq!(breaches("supervisor", "[dependencies]\ncall = {path = \"../x\"}"), 1);
    }

    #[test]
    fn a_renamed_or_targeted_import_is_seen() {
        assert_eq!(breaches("call", "[dependencies]\nx = {package = \"link\", path = \"y\"}"), 1);
        assert_eq!(breaches("call", "[target.'cfg(unix)'.dependencies]\nlink.path = \"y\""), 1);
    }

    #[test]
    fn an_impure_dependency_of_a_core_is_seen() {
        assert_eq!(breaches("media", "[dependencies]\ntokio.workspace = true"), 1);
        assert_eq!(breaches("link", "[dependencies]\ntokio.workspace = true"), 0);
    }

    #[test]
    fn a_dev_dependency_is_exempt_and_an_unplaced_crate_is_not() {
        assert_eq!(breaches("signal", "[dev-dependencies]\nmedia.workspace = true"), 0);
        assert_eq!(breaches("newcomer", ""), 1);
    }
}
