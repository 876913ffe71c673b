//! The vocabulary of a model file: every table and key, what a right value looks like, and the
//! nearest right value to a wrong one.
//!
//! The town's lists (`[[town.trunk]]`, `[[town.phone]]`, `[[town.subscriber]]`, `[[town.span]]`, …)
//! are the town's own and are checked by it.

use std::net::IpAddr;

use toml::Value;

/// What a right value looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// 1 to 63 of `a-z 0-9 -`, as a host name.
    Name,
    /// Any text that is not empty.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Two capital letters.
    Country,
    /// `Area/City`, or `UTC`.
    Zone,
    /// A whole number from first to last.
    Whole(i64, i64),
    /// A number from first to last.
    Real(f64, f64),
    /// `true` or `false`.
    Truth,
    /// An IPv4 or IPv6 address.
    Address,
    /// `"first-last"`, two ports.
    Ports,
    /// Time slots of a span: `"1-15,17-31"`.
    Slots,
}

/// One key of the vocabulary.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `table.key`.
    pub path: &'static str,
    /// What a right value looks like.
    pub form: Form,
    /// The value, written as TOML, where the file does not say.
    pub default: &'static str,
}

const fn key(path: &'static str, form: Form, default: &'static str) -> Key {
    Key { path, form, default }
}

const PORT: Form = Form::Whole(1, 65_535);
const SPAN_MS: Form = Form::Whole(100, 600_000);

/// Every key that a model may have, with the exception of the town's lists.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("box.name", Form::Name, "\"linebox\""),
    key("box.language", Form::Choice(&["zh", "en"]), "\"zh\""),
    key("box.timezone", Form::Zone, "\"Asia/Shanghai\""),
    key("box.country", Form::Country, "\"CN\""),
    key("ports.listen", Form::Address, "\"127.0.0.1\""),
    key("ports.sip", PORT, "5060"),
    key("ports.console", PORT, "8080"),
    key("ports.rtp", Form::Ports, "\"10000-10999\""),
    key("data.dir", Form::Text, "\"./var\""),
    key("sound.prompts", Form::Text, "\"rootfs/overlay/share/prompts\""),
    key("sound.law", Form::Choice(&["alaw", "ulaw"]), "\"alaw\""),
    key("sound.realtime_priority", Form::Whole(1, 99), "50"),
    key("sip.realm", Form::Text, "\"linebox\""),
    key("limits.legs", Form::Whole(2, 511), "400"),
    key("limits.recordings_free_mb", Form::Whole(10, 10_000_000), "500"),
    key("watchdog.ready_ms", SPAN_MS, "30000"),
    key("watchdog.switchd_ms", Form::Whole(0, 600_000), "5000"),
    key("watchdog.centerd_ms", Form::Whole(0, 600_000), "20000"),
    key("watchdog.town_ms", Form::Whole(0, 600_000), "0"),
    key("watchdog.grace_ms", SPAN_MS, "5000"),
    key("town.simulated", Form::Truth, "false"),
    key("town.seed", Form::Whole(0, i64::MAX), "1"),
    key("town.scale", Form::Real(0.01, 1_000.0), "1.0"),
    key("town.sip", PORT, "5070"),
    key("town.rtp", Form::Ports, "\"11000-11999\""),
    key("town.people", Form::Text, "\"people.toml\""),
];

/// Every key of an entry of `[[span]]`.
#[rustfmt::skip]
pub const SPAN: &[Key] = &[
    key("name", Form::Name, "\"span1\""),
    key("attach", Form::Text, "\"run/span1\""),
    key("dahdi", Form::Whole(1, 128), "1"),
    key("fcs", Form::Truth, "false"),
    key("crc4", Form::Truth, "true"),
    key("line", Form::Choice(&["hdb3", "ami"]), "\"hdb3\""),
    key("timing", Form::Whole(0, 15), "1"),
    key("channels", Form::Slots, "\"1-15,17-31\""),
    key("echo", Form::Truth, "true"),
];

/// Spans of a box.
pub const SPANS_MAX: usize = 4;

/// Tables inside [town] that the town checks itself.
pub const FREE: &[&str] =
    &["town.trunk", "town.phone", "town.subscriber", "town.kind", "town.span", "town.bad"];

/// The key of this path; of an entry of `[[span]]` as `span[0].name`.
pub fn find(path: &str) -> Option<&'static Key> {
    match span_field(path) {
        Some(field) => SPAN.iter().find(|key| key.path == field),
        None => KEYS.iter().find(|key| key.path == path),
    }
}

/// Whether this is an entry of `[[span]]` as a whole.
pub fn is_span(path: &str) -> bool {
    path.starts_with("span[") && path.ends_with(']')
}

/// The field of an entry of `[[span]]`.
pub fn span_field(path: &str) -> Option<&str> {
    path.strip_prefix("span[")?.split_once("].").map(|(_, field)| field)
}

impl Form {
    /// `Ok` if the value is right, or why it is not and the nearest right one, written as TOML.
    pub fn check(self, value: &Value, default: &str) -> Result<(), (String, String)> {
        let wrong = |reason: String, nearest: String| Err((reason, nearest));
        match self {
            Form::Whole(first, last) => match value.as_integer() {
                Some(n) if (first..=last).contains(&n) => Ok(()),
                Some(n) => wrong(
                    format!("{n} is outside {first} to {last}"),
                    n.clamp(first, last).to_string(),
                ),
                None => {
                    let meant = value.as_str().and_then(|text| text.trim().parse::<i64>().ok());
                    let nearest = meant.filter(|n| (first..=last).contains(n));
                    let nearest = nearest.map_or(default.to_owned(), |n| n.to_string());
                    wrong(format!("must be a whole number from {first} to {last}"), nearest)
                }
            },
            Form::Real(first, last) => {
                let number = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
                match number {
                    Some(x) if (first..=last).contains(&x) => Ok(()),
                    Some(x) => wrong(
                        format!("{x} is outside {first} to {last}"),
                        format!("{:?}", if x.is_nan() { first } else { x.clamp(first, last) }),
                    ),
                    None => {
                        wrong(format!("must be a number from {first} to {last}"), default.into())
                    }
                }
            }
            Form::Truth if value.is_bool() => Ok(()),
            Form::Truth => wrong("must be true or false".into(), default.into()),
            Form::Name
            | Form::Text
            | Form::Choice(_)
            | Form::Country
            | Form::Zone
            | Form::Address
            | Form::Ports
            | Form::Slots => match value.as_str() {
                Some(text) => self.check_text(text, default),
                None => wrong("must be text in quotation marks".into(), default.into()),
            },
        }
    }

    fn check_text(self, text: &str, default: &str) -> Result<(), (String, String)> {
        let (right, reason, nearest): (bool, String, String) = match self {
            Form::Name => (is_name(text), NAME.into(), quoted(&as_name(text))),
            Form::Text => (!text.trim().is_empty(), "must not be empty".into(), default.into()),
            Form::Choice(words) => (
                words.contains(&text),
                format!("`{text}` is none of: {}", words.join(", ")),
                quoted(closest(text, words.iter().copied()).unwrap_or_default()),
            ),
            Form::Country => {
                let letters = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
                let nearest = if letters { quoted(&text.to_uppercase()) } else { default.into() };
                let right = letters && text.bytes().all(|b| b.is_ascii_uppercase());
                (right, "must be the two capital letters of a country".into(), nearest)
            }
            Form::Zone => {
                let reason = "must be a time zone such as Europe/Paris".into();
                (is_zone(text), reason, default.into())
            }
            Form::Address => (
                text.parse::<IpAddr>().is_ok(),
                format!("`{text}` is not an IP address"),
                if text == "localhost" { quoted("127.0.0.1") } else { default.into() },
            ),
            Form::Ports => match ports(text) {
                Some((first, last)) => (
                    first <= last,
                    format!("the first port, {first}, is above the last, {last}"),
                    quoted(&format!("{last}-{first}")),
                ),
                None => (false, "must be two ports as \"first-last\"".into(), default.into()),
            },
            Form::Slots => (
                is_slots(text),
                "must be time slots from 1 to 31 without 16, as in \"1-15,17-31\"".into(),
                default.into(),
            ),
            Form::Whole(..) | Form::Real(..) | Form::Truth => {
                (false, "must not be text".into(), default.into())
            }
        };
        if right { Ok(()) } else { Err((reason, nearest)) }
    }
}

const NAME: &str = "must be 1 to 63 of a-z, 0-9 and -, and not begin or end with -";

fn is_name(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    letters && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

fn as_name(text: &str) -> String {
    let lower = text.to_lowercase();
    let letters = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let name: String = letters.take(63).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "linebox".to_owned() } else { name.to_owned() }
}

fn is_zone(text: &str) -> bool {
    let parts = text.split('/').collect::<Vec<_>>();
    let word = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+".contains(&b))
    };
    text == "UTC" || (parts.len() >= 2 && parts.iter().all(word))
}

/// Ranges and single slots, each in ascending order; 16 carries the D-channel.
fn is_slots(text: &str) -> bool {
    let slot = |text: &str| text.trim().parse::<u8>().ok().filter(|slot| (1..32).contains(slot));
    text.split(',').all(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (slot(first), slot(last)) {
            (Some(first), Some(last)) => first <= last && !(first..=last).contains(&16),
            _ => false,
        }
    })
}

/// Two ports out of `first-last`, in the order written.
pub fn ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-')?;
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    Some((port(first)?, port(last)?))
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// The word nearest to `text` by edits, if any is near enough to have been meant; for a choice
/// among few words the first is offered when none is.
pub fn closest<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    words.into_iter().min_by_key(|word| edits(text, word))
}

/// Edits between two words (Levenshtein).
pub fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let cost = (diagonal + usize::from(x != *y)).min(left + 1).min(*above + 1);
            diagonal = *above;
            *above = cost;
            left = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        let table: toml::Table = format!("x = {text}").parse().unwrap();
        table["x"].clone()
    }

    #[test]
    fn every_default_is_right() {
        for key in KEYS.iter().chain(SPAN) {
            assert_eq!(key.form.check(&value(key.default), ""), Ok(()), "{}", key.path);
        }
    }

    #[test]
    fn a_wrong_value_names_the_nearest_right_one() {
        let nearest = |form: Form, text: &str| form.check(&value(text), "\"D\"").unwrap_err().1;
        assert_eq!(nearest(PORT, "70000"), "65535");
        assert_eq!(nearest(PORT, "0"), "1");
        assert_eq!(nearest(PORT, "\"5060\""), "5060");
        assert_eq!(nearest(Form::Choice(&["zh", "en"]), "\"eng\""), "\"en\"");
        assert_eq!(nearest(Form::Ports, "\"11000-10000\""), "\"10000-11000\"");
        assert_eq!(nearest(Form::Country, "\"cn\""), "\"CN\"");
        assert_eq!(nearest(Form::Name, "\"My Box!\""), "\"my-box\"");
        assert_eq!(nearest(Form::Address, "\"localhost\""), "\"127.0.0.1\"");
        assert_eq!(nearest(Form::Real(0.5, 2.0), "9.0"), "2.0");
    }

    #[test]
    fn slots_are_ranges_of_bearer_channels() {
        let is = |text: &str| Form::Slots.check(&value(&format!("{text:?}")), "").is_ok();
        assert!(is("1-15,17-31") && is("1") && is("1-3, 5 ,20-31"));
        for wrong in ["", "0-15", "1-31", "16", "17-32", "5-3", "1-15;17", "x"] {
            assert!(!is(wrong), "{wrong}");
        }
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("listen", "listen"), 0);
        assert_eq!(closest("sipp", ["console", "sip", "rtp"]), Some("sip"));
    }
}
