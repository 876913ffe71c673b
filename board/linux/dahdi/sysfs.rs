//! What DAHDI says and takes in sysfs: which spans there are, and where their channels begin.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The cards.
const DEVICES: &str = "/sys/bus/dahdi_devices/devices";
/// The spans that have a number.
const SPANS: &str = "/sys/bus/dahdi_spans/devices";

/// Gives every span that has no number yet one, in the order in which the cards came. Cards that
/// can speak E1 as well as T1 are told E1 first, which only works before. A span that has its
/// number keeps it.
pub fn assign_spans() -> io::Result<()> {
    let found = fs::read_dir(DEVICES).map_err(|e| at(Path::new(DEVICES), &e))?;
    let mut cards: Vec<PathBuf> = found.map(|card| Ok(card?.path())).collect::<io::Result<_>>()?;
    // Seconds and nanoseconds, in as many digits always.
    cards.sort_by_cached_key(|card| (read_either(card, "registration_time"), card.clone()));
    for card in cards {
        choose_e1(&card);
        let switch = card.join("auto_assign");
        fs::write(&switch, "1").map_err(|e| at(&switch, &e))?;
    }
    Ok(())
}

/// The number of the channel in time slot 1 of a span; the others follow. `None`: no such span.
pub fn first_channel(span: u16) -> io::Result<Option<i32>> {
    let path = Path::new(SPANS).join(format!("span-{span}")).join("basechan");
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tells a card to be an E1. One that cannot, or whose span has its number already, says no and
/// stays as it is; whether it is E1 is looked at afterwards.
fn choose_e1(card: &Path) {
    for wish in wishes(&read_either(card, "spantype").unwrap_or_default()) {
        for name in either("spantype") {
            let _refused = fs::write(card.join(name), &wish);
        }
    }
}

/// What a card says in one of its files.
fn read_either(card: &Path, name: &str) -> Option<String> {
    either(name).into_iter().find_map(|name| fs::read_to_string(card.join(name)).ok())
}

/// The names of one file: Debian's module, for kernels since 4.13, puts its own before some.
fn either(name: &str) -> [String; 2] {
    [name.to_owned(), format!("dahdi_{name}")]
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// What to write for each span that a card offers as T1 or J1: `<span of the card>:E1`.
fn wishes(spantypes: &str) -> Vec<String> {
    let named = spantypes.lines().filter_map(|line| line.trim().split_once(':'));
    named
        .filter(|(_, kind)| ["T1", "J1"].contains(kind))
        .map(|(local, _)| format!("{local}:E1"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_e1_is_told_to_be() {
        assert_eq!(wishes("1:T1\n2:E1\n3:J1\n4:FXS\n"), ["1:E1", "3:E1"]);
        assert!(wishes("1:DYNAMIC\n").is_empty() && wishes("").is_empty());
    }
}
