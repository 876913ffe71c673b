//! Text that must not be committed: paths of the machine it was written on, and references to
//! what lies outside the house.

use crate::Breach;

/// What is refused, and why. The pieces are joined here so that this file does not trip itself.
const REFUSED: &[(&str, &str)] = &[
    (concat!("../", "shared"), "points outside the house"),
    (concat!("/work", "/"), "a path of a build machine"),
    (concat!("/Us", "ers/"), "a path of a build machine"),
    (concat!("/home", "/"), "a path of a build machine"),
];

/// Checks one committed file.
pub fn check(path: &str, text: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (refused, why) in REFUSED {
            if let Some(at) = line.find(refused)
                && starts_here(line, at)
            {
                let what = format!("`{refused}` is {why}");
                breaches.push(Breach::new(path, number + 1, what));
            }
        }
        if path.ends_with("package-lock.json") && names_mirror(line) {
            let what = "a lock file names a mirror; only registry.npmjs.org is known everywhere";
            breaches.push(Breach::new(path, number + 1, what));
        }
    }
    breaches
}

/// The same letters further inside a path or a URL are a part of something else.
fn starts_here(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    !before.is_some_and(|c| c.is_alphanumeric() || c == '.' || c == '_' || c == '-' || c == '}')
}

fn names_mirror(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("\"resolved\": \"http") && !line.contains("\"https://registry.npmjs.org/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;

    #[test]
    fn nothing_committed_names_a_machine() {
        let files = house::committed();
        let breaches = files.iter().flat_map(|path| check(path, &house::read(path))).collect();
        crate::refuse("committed text stands alone", breaches);
    }

    #[test]
    fn a_machine_path_is_seen_and_a_route_is_not() {
        let line = |text: String| check("README.md", &text).len();
        assert_eq!(line(format!("see {}", REFUSED[0].0)), 1);
        assert_eq!(line(format!("cd {}main", REFUSED[1].0)), 1);
        assert_eq!(line(format!("https://example.org{}1", REFUSED[1].0)), 0);
    }

    #[test]
    fn a_mirror_in_a_lock_file_is_seen() {
        let lock = |host: &str| format!("      \"resolved\": \"https://{host}/a/-/a-1.tgz\",");
        assert_eq!(check("x/package-lock.json", &lock("mirror.example")).len(), 1);
        assert_eq!(check("x/package-lock.json", &lock("registry.npmjs.org")).len(), 0);
    }
}
