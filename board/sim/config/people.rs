//! The subscribers: `[[town.subscriber]]` of the model, and the file that `town.people` names.
//!
//! ```toml
//! [[kind]]                                  # fields that many have in common
//! name = "worker"
//! answer = 0.6
//! hours = [[0, 7, 0.02], [9, 17, 0.2]]
//!
//! [[subscriber]]                            # fields of one's own come before those of the kind
//! numbers = "+8613800000000"
//! kind = "worker"
//! ring_ms = [1800, 6400]
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use call::Cause;

use super::ConfigError;
use super::reader::{Entry, Reader, Scalar, nearest};
use crate::limits::{KEYS_MAX, KINDS_MAX, SUBSCRIBERS_MAX, TIME_MS_MAX};
use crate::town::{Chances, Dead, DeadBy, DeadSays, HOURS, Numbers, Press, Subscriber, plain};

/// What an entry says of the people themselves.
const FIELDS: [&str; 18] = [
    "answer",
    "hours",
    "busy",
    "refuse",
    "unallocated",
    "machine",
    "congested",
    "ring_ms",
    "talk_ms",
    "stays",
    "ring_back",
    "colour_ring",
    "cause",
    "dead_by",
    "dead_says",
    "keys",
    "numbers",
    "kind",
];

/// Where an entry says nothing else.
const RING_MS: (u64, u64) = (2_000, 12_000);
const TALK_MS: (u64, u64) = (8_000, 40_000);

/// `[[town.subscriber]]`: their kinds are those of the same file's `[[town.kind]]`.
pub(super) fn of_model(r: &Reader<'_>) -> Result<Vec<Subscriber>, ConfigError> {
    read(&r.entries("town", "subscriber")?, &r.entries("town", "kind")?)
}

/// The file of people.
pub(super) fn of_file(r: &Reader<'_>) -> Result<Vec<Subscriber>, ConfigError> {
    r.knows(&["kind", "subscriber"])?;
    read(&r.list("subscriber")?, &r.list("kind")?)
}

fn read(entries: &[Entry<'_>], kinds: &[Entry<'_>]) -> Result<Vec<Subscriber>, ConfigError> {
    if let Some(first_too_many) = entries.get(SUBSCRIBERS_MAX) {
        let reason = format!("more than {SUBSCRIBERS_MAX} entries");
        return Err(first_too_many.refuse("", &reason, "describe ranges, not single numbers"));
    }
    if let Some(first_too_many) = kinds.get(KINDS_MAX) {
        let reason = format!("more than {KINDS_MAX} kinds");
        return Err(first_too_many.refuse("", &reason, "leave some out"));
    }
    let mut by_name = BTreeMap::new();
    for kind in kinds {
        kind.knows(&[&FIELDS[..16], &["name"]].concat())?;
        let name = kind.text("name", None, |name| !name.is_empty(), "name the kind")?;
        // A mistake in a kind is told where it stands, though nobody may be of it.
        traits(kind)?;
        if by_name.insert(name.clone(), kind).is_some() {
            let reason = format!("{name} is there twice");
            return Err(kind.refuse("name", &reason, "give each kind its own name"));
        }
    }
    entries.iter().map(|entry| subscriber(entry, &by_name)).collect()
}

fn subscriber(
    entry: &Entry<'_>,
    kinds: &BTreeMap<String, &Entry<'_>>,
) -> Result<Subscriber, ConfigError> {
    entry.knows(&FIELDS)?;
    let kind = entry.text("kind", Some(""), |_| true, "name a kind")?;
    let numbers = entry.text("numbers", None, |_| true, NUMBERS)?;
    let numbers = parse_numbers(&numbers)
        .map_err(|(reason, advice)| entry.refuse("numbers", &reason, &advice))?;
    let own = match kinds.get(&kind) {
        Some(base) => traits(&entry.clone().over(base))?,
        None if kind.is_empty() => traits(entry)?,
        None => {
            let known = nearest(&kind, kinds.keys().map(String::as_str));
            let advice = match known {
                "" => "describe it with [[kind]] first".to_owned(),
                known => format!("nearest valid: {known:?}"),
            };
            return Err(entry.refuse("kind", &format!("there is no kind {kind:?}"), &advice));
        }
    };
    Ok(Subscriber { numbers, ..own })
}

/// What people are like, without their numbers.
fn traits(entry: &Entry<'_>) -> Result<Subscriber, ConfigError> {
    let listed = entry.parts("answer", HOURS)?;
    let answer = if listed.is_some() { 0.0 } else { entry.part("answer")? };
    let chances = Chances {
        answer,
        busy: entry.part("busy")?,
        refuse: entry.part("refuse")?,
        unallocated: entry.part("unallocated")?,
        machine: entry.part("machine")?,
        congested: entry.part("congested")?,
    };
    let hours = listed.and_then(|hours| <[f64; HOURS]>::try_from(hours).ok());
    let answer_by_hour = bands(entry, hours, answer)?;
    let subscriber = Subscriber {
        chances,
        answer_by_hour,
        ring_ms: entry.span_ms("ring_ms", RING_MS, TIME_MS_MAX)?,
        talk_ms: entry.span_ms("talk_ms", TALK_MS, TIME_MS_MAX)?,
        stays: entry.part("stays")?,
        ring_back: entry.truth("ring_back", false)?,
        colour_ring: entry.truth("colour_ring", false)?,
        dead: dead(entry)?,
        keys: keys(entry)?,
        ..Subscriber::answering("")
    };
    for hour in 0..HOURS {
        let sum: f64 = subscriber.chances_at(hour).parts().iter().map(|(part, _)| part).sum();
        if sum > 1.000_001 {
            let at = if subscriber.answer_by_hour.is_some() {
                format!(" at {hour} o'clock")
            } else {
                String::new()
            };
            let sum = format!("{sum:.3}");
            let reason = format!("the chances{at} add up to {}", sum.trim_end_matches('0'));
            return Err(entry.refuse("", &reason, "lower them: together they are at most 1"));
        }
    }
    Ok(subscriber)
}

/// `hours = [[from, to, chance], …]` over what holds all day.
fn bands(
    entry: &Entry<'_>,
    listed: Option<[f64; HOURS]>,
    all_day: f64,
) -> Result<Option<[f64; HOURS]>, ConfigError> {
    const ADVICE: &str =
        "write [[from, to, chance], …]: hours from 0 to 24, the chance from 0 to 1";
    let rows = entry.rows("hours", ADVICE)?;
    if rows.is_empty() {
        return Ok(listed);
    }
    let mut hours = listed.unwrap_or([all_day; HOURS]);
    for row in rows {
        let [Scalar::Whole(from), Scalar::Whole(to), chance] = row.as_slice() else {
            return Err(entry.refuse("hours", "is not three values a row", ADVICE));
        };
        let chance = chance.as_real().filter(|chance| (0.0..=1.0).contains(chance));
        let (from, to) = (usize::try_from(*from), usize::try_from(*to));
        let (Ok(from), Ok(to), Some(chance)) = (from, to, chance) else {
            return Err(entry.refuse("hours", "a value is out of its range", ADVICE));
        };
        if from >= to || to > HOURS {
            let reason = format!("{from} to {to} is no part of a day");
            return Err(entry.refuse("hours", &reason, ADVICE));
        }
        hours.iter_mut().take(to).skip(from).for_each(|hour| *hour = chance);
    }
    Ok(Some(hours))
}

fn dead(entry: &Entry<'_>) -> Result<Dead, ConfigError> {
    let value = entry.whole("cause", 1, 127)?.unwrap_or(1) as u8;
    let known = Cause::ALL.iter().filter_map(|cause| cause.q850());
    let closest = known.min_by_key(|known| known.abs_diff(value)).unwrap_or(1);
    if closest != value {
        let reason = format!("{value} is no cause that is told here (Q.850)");
        return Err(entry.refuse("cause", &reason, &format!("nearest valid: {closest}")));
    }
    let by = match entry.one_of("dead_by", &["progress", "disconnect"])?.as_str() {
        "disconnect" => DeadBy::Disconnect,
        _ => DeadBy::Progress,
    };
    let says = match entry.one_of("dead_says", &["announcement", "tone"])?.as_str() {
        "tone" => DeadSays::Tone,
        _ => DeadSays::Announcement,
    };
    Ok(Dead { cause: Cause::from_q850(value), by, says })
}

fn keys(entry: &Entry<'_>) -> Result<Arc<[Press]>, ConfigError> {
    const ADVICE: &str =
        "write [[ms after the answer, \"keys\"], …] in order of time, keys 0-9 * #";
    let rows = entry.rows("keys", ADVICE)?;
    if rows.len() > KEYS_MAX {
        return Err(entry.refuse("keys", &format!("more than {KEYS_MAX} rows"), ADVICE));
    }
    let mut last_ms = 0;
    let mut pressed = Vec::with_capacity(rows.len());
    for row in rows {
        let [Scalar::Whole(after_ms), Scalar::Text(keys)] = row.as_slice() else {
            return Err(entry.refuse("keys", "is not a time and keys", ADVICE));
        };
        let after_ms = u64::try_from(*after_ms).ok();
        let after_ms = after_ms.filter(|ms| (last_ms..=TIME_MS_MAX).contains(ms));
        let are_keys = (1..=media::limits::DIGITS).contains(&keys.len())
            && keys.bytes().all(|key| b"0123456789*#".contains(&key));
        let (Some(after_ms), true) = (after_ms, are_keys) else {
            return Err(entry.refuse("keys", "is not a time and keys", ADVICE));
        };
        last_ms = after_ms;
        pressed.push(Press { after_ms, keys: keys.clone() });
    }
    Ok(pressed.into())
}

const NUMBERS: &str = "write + and the first digits, or FIRST-LAST";

/// A prefix, or `FIRST-LAST`.
pub(super) fn parse_numbers(text: &str) -> Result<Numbers, (String, String)> {
    let is_number = |digits: &str| {
        (1..=call::number::DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let wrong = || ("cannot be used".to_owned(), NUMBERS.to_owned());
    let Some((first, last)) = text.split_once('-') else {
        let prefix = plain(text);
        return is_number(prefix).then(|| Numbers::Prefix(prefix.to_owned())).ok_or_else(wrong);
    };
    let (first, last) = (plain(first.trim()), plain(last.trim()));
    if !is_number(first) || !is_number(last) || last.len() > first.len() {
        return Err(wrong());
    }
    // The last may leave out what it has in common with the first.
    let common = first.get(..first.len() - last.len()).unwrap_or_default();
    let whole = format!("{common}{last}");
    let (low, high): (u64, u64) = match (first.parse(), whole.parse()) {
        (Ok(low), Ok(high)) => (low, high),
        _ => return Err(wrong()),
    };
    if low > high {
        let reason = format!("the first number is above the last, +{whole}");
        return Err((reason, format!("nearest valid: \"+{whole}-+{first}\"")));
    }
    Ok(Numbers::Range { first: low, last: high, digits: first.len() })
}
