//! The exchange: `[[town.span]]` with the `[[span]]` of the box that it is attached to, and
//! `[town.bad]`.

use board_port::Slots;

use super::ConfigError;
use super::people::parse_numbers;
use super::reader::{Entry, Reader, nearest};
use crate::limits::{SPANS_MAX, TIME_MS_MAX};
use crate::town::{Bad, Form, Outage, Plan, Span};

const SPAN: &[&str] = &[
    "attach",
    "numbers",
    "overlap",
    "tones",
    "restarts",
    "gives",
    "country_code",
    "area",
    "digits",
];
const BAD: &[&str] = &[
    "lose",
    "double",
    "corrupt",
    "glare",
    "wrong_cause",
    "no_alerting",
    "never_alerting",
    "one_way",
    "echo",
    "stuck",
    "link_down",
    "alarm",
];

/// Country codes of the countries that the town knows of itself: ISO 3166, code, digits of a number
/// with it.
const COUNTRIES: &[(&str, &str, Option<usize>)] = &[
    ("CN", "86", Some(13)),
    ("US", "1", Some(11)),
    ("CA", "1", Some(11)),
    ("GB", "44", None),
    ("DE", "49", None),
    ("FR", "33", Some(11)),
    ("IT", "39", None),
    ("ES", "34", Some(11)),
    ("PL", "48", Some(11)),
    ("HK", "852", Some(11)),
];

/// `[[town.span]]`.
pub(super) fn spans(r: &Reader<'_>, country: &str) -> Result<Vec<Span>, ConfigError> {
    let entries = r.entries("town", "span")?;
    if let Some(first_too_many) = entries.get(SPANS_MAX) {
        let reason = format!("more than {SPANS_MAX} spans");
        return Err(first_too_many.refuse("", &reason, "leave some out"));
    }
    let boxes = r.list("span")?;
    let mut spans: Vec<Span> = Vec::with_capacity(entries.len());
    for entry in &entries {
        let span = span(entry, &boxes, country)?;
        if spans.iter().any(|other| other.attach == span.attach) {
            let reason = format!("{:?} is there twice", span.attach);
            return Err(entry.refuse("attach", &reason, "attach each span to its own"));
        }
        spans.push(span);
    }
    Ok(spans)
}

fn span(entry: &Entry<'_>, boxes: &[Entry<'_>], country: &str) -> Result<Span, ConfigError> {
    entry.knows(SPAN)?;
    let attach =
        entry.text("attach", None, |path| !path.is_empty(), "write the box's, \"run/span1\"")?;
    let attached = |span: &&Entry<'_>| {
        span.text("attach", Some(""), |_| true, "").is_ok_and(|own| own == attach)
    };
    let Some(theirs) = boxes.iter().find(attached) else {
        let others = boxes.iter().filter_map(|span| span.text("attach", None, |_| true, "").ok());
        let others: Vec<String> = others.collect();
        let advice = match nearest(&attach, others.iter().map(String::as_str)) {
            "" => "give the box a [[span]] with the same attach".to_owned(),
            known => format!("nearest valid: {known:?}"),
        };
        return Err(entry.refuse("attach", "no [[span]] of the box is attached there", &advice));
    };
    let numbers = entry.texts("numbers", "write the box's numbers, \"+8610620000-49\"")?;
    let number = |text: &String| {
        parse_numbers(text).map_err(|(reason, advice)| entry.refuse("numbers", &reason, &advice))
    };
    let known = COUNTRIES.iter().find(|(name, ..)| *name == country);
    let code = known.map(|(_, code, _)| *code);
    let is_digits = |text: &str| text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit());
    let area = if country == "CN" { "10" } else { "" };
    let digits = entry.whole("digits", 1, call::number::DIGITS_MAX as u64)?;
    let plan = Plan {
        country_code: entry.text("country_code", code, is_digits, "write it as in \"86\"")?,
        area: entry.text("area", Some(area), is_digits, "write it as in \"10\"")?,
        digits: digits.map(|digits| digits as usize).or(known.and_then(|(.., digits)| *digits)),
        gives: match entry.one_of("gives", &["national", "international", "local"])?.as_str() {
            "international" => Form::International,
            "local" => Form::Local,
            _ => Form::National,
        },
    };
    Ok(Span {
        fcs: theirs.truth("fcs", false)?,
        channels: channels(theirs)?,
        numbers: numbers.iter().map(number).collect::<Result<_, _>>()?,
        overlap: entry.truth("overlap", false)?,
        tells: entry.truth("tones", true)?,
        restarts: entry.truth("restarts", false)?,
        plan,
        attach,
    })
}

/// `channels = "1-15,17-31"` of the box's span.
fn channels(entry: &Entry<'_>) -> Result<Vec<u8>, ConfigError> {
    const ALL: &str = "1-15,17-31";
    let text = entry.text("channels", Some(ALL), |_| true, "write \"1-15,17-31\"")?;
    let mut slots = Slots::NONE;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let slot =
            |text: &str| text.trim().parse::<u8>().ok().filter(|slot| (1..32).contains(slot));
        let (Some(first), Some(last)) = (slot(first), slot(last)) else {
            let reason = format!("{part:?} is no time slot from 1 to 31");
            return Err(entry.refuse("channels", &reason, "nearest valid: \"1-15,17-31\""));
        };
        (first..=last).for_each(|slot| slots.insert(slot));
    }
    slots.remove(16);
    Ok(slots.iter().collect())
}

/// `[town.bad]`.
pub(super) fn bad(r: &Reader<'_>) -> Result<Bad, ConfigError> {
    let entry = r.table("town", "bad")?;
    entry.knows(BAD)?;
    let outage = |key| {
        let advice = format!("write [every_ms, for_ms], each from 0 to {TIME_MS_MAX}");
        let found = entry.pair_ms(key, TIME_MS_MAX, &advice)?;
        Ok(found.map_or(Outage::NEVER, |(every_ms, for_ms)| Outage { every_ms, for_ms }))
    };
    Ok(Bad {
        lose: entry.part("lose")?,
        double: entry.part("double")?,
        corrupt: entry.part("corrupt")?,
        glare: entry.part("glare")?,
        wrong_cause: entry.part("wrong_cause")?,
        no_alerting: entry.part("no_alerting")?,
        never_alerting: entry.part("never_alerting")?,
        one_way: entry.part("one_way")?,
        echo: entry.part("echo")?,
        stuck: entry.part("stuck")?,
        link_down: outage("link_down")?,
        alarm: outage("alarm")?,
    })
}
