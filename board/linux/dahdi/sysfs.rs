//! What DAHDI says and takes in sysfs: which spans there are, and where their channels begin.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The cards.
const DEVICES: &str = "/sys/bus/dahdi_devices/devices";
/// The spans that have a number.
const SPANS: &str = "/sys/bus/dahdi_spans/devices";

/// Gives every span that has no number yet one, in the order of the cards. Cards that can speak
/// E1 as well as T1 are told E1 first, which only works before. A span that has its number keeps
/// it.
pub fn assign_spans() -> io::Result<()> {
    let mut cards: Vec<PathBuf> =
        fs::read_dir(DEVICES)?.map(|card| Ok(card?.path())).collect::<io::Result<_>>()?;
    cards.sort();
    for card in cards {
        choose_e1(&card)?;
        fs::write(card.join("auto_assign"), "1")?;
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

fn choose_e1(card: &Path) -> io::Result<()> {
    let file = card.join("spantype");
    for wish in wishes(&fs::read_to_string(&file)?) {
        // A card that cannot, or whose span has its number already, says no and stays as it is;
        // whether it is E1 is looked at afterwards.
        let _refused = fs::write(&file, wish);
    }
    Ok(())
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
