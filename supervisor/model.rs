//! The box model: read, overridden, checked as a whole, and refused with the place of each
//! mistake.
//!
//! The whole vocabulary is checked here, the daemons' tables included, so that a wrong word is
//! told before anything starts. What a value means is the daemon's own affair.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Value;
use toml::de::{DeTable, DeValue};

use crate::limits::MODEL_BYTES;
use crate::schema::{self, Key};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Line of the file, counted from 1.
    Line(usize),
    /// `--set`.
    Override,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// `table.key`, or what stands there instead.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
    /// What would be right, nearest to what is there.
    pub nearest: Option<String>,
}

/// Why a model was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("{}: {source}; give an existing model with --model", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than any model.
    #[error("{}: larger than {MODEL_BYTES} bytes, which no model is", .0.display())]
    TooLarge(PathBuf),
    /// It has mistakes, each with its line.
    #[error("{}", Listed(path, mistakes))]
    Mistaken {
        /// The file.
        path: PathBuf,
        /// All of them, in the order of the file.
        mistakes: Vec<Mistake>,
    },
}

struct Listed<'a>(&'a Path, &'a [Mistake]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.1.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            match mistake.place {
                Place::Line(line) => write!(f, "{}:{line}: ", self.0.display())?,
                Place::Override => write!(f, "--set: ")?,
            }
            write!(f, "{}: {}", mistake.field, mistake.reason)?;
            if let Some(nearest) = &mistake.nearest {
                write!(f, "; nearest valid: {nearest}")?;
            }
        }
        Ok(())
    }
}

/// A model that is right.
#[derive(Clone, Debug)]
pub struct Model {
    values: BTreeMap<String, (Place, Value)>,
}

impl Model {
    /// Reads a file and applies the overrides (`table.key=value`) in their order.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Model, Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(unreadable)?.len() > MODEL_BYTES {
            return Err(Error::TooLarge(path.to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Model::parse(&text, overrides)
            .map_err(|mistakes| Error::Mistaken { path: path.to_owned(), mistakes })
    }

    /// Reads a text; every mistake in it is found, not only the first.
    pub fn parse(text: &str, overrides: &[String]) -> Result<Model, Vec<Mistake>> {
        let mut found = read(text).map_err(|mistake| vec![mistake])?;
        for text in overrides {
            let (path, value) = text.split_once('=').unwrap_or((text, ""));
            found.insert(path.trim().to_owned(), (Place::Override, override_value(value)));
        }
        let mut mistakes: Vec<Mistake> =
            found.iter().filter_map(|(path, (place, value))| mistake(path, place, value)).collect();
        let model = Model { values: found };
        if mistakes.is_empty() {
            mistakes.extend(model.contradiction());
        }
        mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        if mistakes.is_empty() { Ok(model) } else { Err(mistakes) }
    }

    /// A whole number; the default of the vocabulary where the file says nothing.
    pub fn whole(&self, path: &str) -> u64 {
        let number = self.value(path).and_then(|value| value.as_integer());
        number.and_then(|n| u64::try_from(n).ok()).unwrap_or_default()
    }

    /// A text, likewise.
    pub fn text(&self, path: &str) -> String {
        self.value(path).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// A truth, likewise.
    pub fn truth(&self, path: &str) -> bool {
        self.value(path).and_then(|v| v.as_bool()).unwrap_or_default()
    }

    fn value(&self, path: &str) -> Option<Value> {
        let written = self.values.get(path).map(|(_, value)| value.clone());
        written.or_else(|| toml_value(schema::find(path)?.default))
    }

    /// Two settings that are each right and cannot be true together.
    fn contradiction(&self) -> Option<Mistake> {
        let (first, last) = schema::ports(&self.text("ports.rtp"))?;
        let within = |port: u64| (u64::from(first)..=u64::from(last)).contains(&port);
        let clash = |field: &str, other: &str, reason: String, nearest: String| {
            // One of the two is written somewhere: the defaults do not contradict each other.
            let written = self.values.get(field).or_else(|| self.values.get(other));
            let place = written.map_or(Place::Line(1), |(place, _)| place.clone());
            Mistake { place, field: field.to_owned(), reason, nearest: Some(nearest) }
        };
        let sip = self.whole("ports.sip");
        if within(sip) {
            let reason = format!("{sip} lies within ports.rtp, {first}-{last}");
            return Some(clash("ports.sip", "ports.rtp", reason, "5060".into()));
        }
        if self.truth("town.simulated") && (self.whole("town.sip") == sip) {
            let reason = format!("{sip} is ports.sip too; the town needs a port of its own");
            return Some(clash(
                "town.sip",
                "ports.sip",
                reason,
                (sip + 10).min(65_535).to_string(),
            ));
        }
        self.span_mistake()
    }

    /// A span is one thing, and there are only so many.
    fn span_mistake(&self) -> Option<Mistake> {
        let spans = self.values.iter().filter(|(path, _)| schema::is_span(path));
        for (n, (path, (place, _))) in spans.enumerate() {
            let told = |reason: &str, nearest: Option<&str>| {
                let nearest = nearest.map(str::to_owned);
                let (place, field) = (place.clone(), path.clone());
                Some(Mistake { place, field, reason: reason.to_owned(), nearest })
            };
            if n >= schema::SPANS_MAX {
                return told("a box has at most 4 spans", None);
            }
            let has = |key: &str| self.values.contains_key(&format!("{path}.{key}"));
            match (has("attach"), has("dahdi")) {
                (true, false) | (false, true) => {}
                (false, false) => {
                    let reason = "says neither where it is attached nor which card it is";
                    return told(reason, Some("attach = \"run/span1\", or dahdi = 1"));
                }
                (true, true) => {
                    return told("is attached and a card at once", Some("attach or dahdi alone"));
                }
            }
        }
        None
    }
}

/// What is wrong with one value, if anything is.
fn mistake(path: &str, place: &Place, value: &Value) -> Option<Mistake> {
    if schema::is_span(path) {
        return None;
    }
    if schema::FREE.iter().any(|free| path == *free || path.starts_with(&format!("{free}."))) {
        return None;
    }
    let told = |reason, nearest| {
        Some(Mistake { place: place.clone(), field: path.to_owned(), reason, nearest })
    };
    match schema::find(path) {
        Some(Key { form, default, .. }) => {
            let (reason, nearest) = form.check(value, default).err()?;
            told(reason, Some(nearest))
        }
        None => {
            if let Some(field) = schema::span_field(path) {
                let nearest = schema::closest(field, schema::SPAN.iter().map(|key| key.path));
                return told("there is no such key".to_owned(), nearest.map(str::to_owned));
            }
            let table = path.split('.').next().unwrap_or_default();
            if table == "span" {
                let reason = "must be a list of tables: write [[span]] before each".to_owned();
                return told(reason, None);
            }
            let siblings = schema::KEYS.iter().map(|key| key.path);
            let known = siblings.clone().any(|key| key.split('.').next() == Some(table));
            let (reason, nearest) = if known {
                let inside = siblings.filter(|key| key.split('.').next() == Some(table));
                ("there is no such key".to_owned(), schema::closest(path, inside))
            } else {
                let tables = siblings.map(|key| key.split('.').next().unwrap_or_default());
                ("there is no such table".to_owned(), schema::closest(table, tables))
            };
            told(reason, nearest.map(str::to_owned))
        }
    }
}

/// Every value of a text by its path, with its line. Tables of the vocabulary are opened; what
/// lies deeper is one value.
fn read(text: &str) -> Result<BTreeMap<String, (Place, Value)>, Mistake> {
    let line = |at: usize| {
        let before = text.as_bytes().get(..at).unwrap_or_default();
        Place::Line(before.iter().filter(|byte| **byte == b'\n').count() + 1)
    };
    let broken = |error: toml::de::Error| Mistake {
        place: line(error.span().map_or(0, |span| span.start)),
        field: "syntax".to_owned(),
        reason: error.message().replace('\n', ", "),
        nearest: None,
    };
    let whole: toml::Table = text.parse().map_err(broken)?;
    let spans = DeTable::parse(text).map_err(broken)?;
    let mut found = BTreeMap::new();
    for (table, inside) in spans.get_ref() {
        let name = table.get_ref().as_ref();
        let values = whole.get(name);
        match (inside.get_ref(), values) {
            (DeValue::Table(keys), Some(Value::Table(values))) => {
                if keys.is_empty() && !schema::KEYS.iter().any(|k| k.path.starts_with(name)) {
                    let place = line(table.span().start);
                    found.insert(name.to_owned(), (place, Value::Boolean(false)));
                }
                for (key, _) in keys {
                    let word = key.get_ref().as_ref();
                    if let Some(value) = values.get(word) {
                        let place = line(key.span().start);
                        found.insert(format!("{name}.{word}"), (place, value.clone()));
                    }
                }
            }
            (DeValue::Array(entries), Some(Value::Array(listed))) if name == "span" => {
                for (n, (entry, value)) in entries.iter().zip(listed).enumerate() {
                    let (DeValue::Table(keys), Value::Table(values)) = (entry.get_ref(), value)
                    else {
                        let place = line(entry.span().start);
                        found.insert(name.to_owned(), (place, value.clone()));
                        continue;
                    };
                    found.insert(format!("{name}[{n}]"), (line(entry.span().start), value.clone()));
                    for (key, _) in keys {
                        let word = key.get_ref().as_ref();
                        if let Some(value) = values.get(word) {
                            let place = line(key.span().start);
                            found.insert(format!("{name}[{n}].{word}"), (place, value.clone()));
                        }
                    }
                }
            }
            (_, Some(value)) => {
                found.insert(name.to_owned(), (line(table.span().start), value.clone()));
            }
            (_, None) => {}
        }
    }
    Ok(found)
}

/// The value of an override: TOML where it is, plain text where it is not.
fn override_value(text: &str) -> Value {
    toml_value(text).unwrap_or_else(|| Value::String(text.to_owned()))
}

fn toml_value(text: &str) -> Option<Value> {
    let table: toml::Table = format!("x = {text}").parse().ok()?;
    table.get("x").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: &str = include_str!("../board/models/demo.toml");

    fn refused(text: &str, overrides: &[&str]) -> String {
        let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
        let mistakes = Model::parse(text, &overrides).unwrap_err();
        Listed(Path::new("m.toml"), &mistakes).to_string()
    }

    #[test]
    fn the_demo_model_is_right_and_says_every_key_with_its_default() {
        let model = Model::parse(DEMO, &[]).unwrap();
        for key in schema::KEYS {
            assert!(model.values.contains_key(key.path), "demo.toml does not show {}", key.path);
        }
        let unsaid = Model::parse("[box]\nname = \"x\"", &[]).unwrap();
        assert_eq!(unsaid.whole("ports.sip"), model.whole("ports.sip"));
        assert_eq!(unsaid.text("ports.rtp"), model.text("ports.rtp"));
        assert_eq!(unsaid.whole("watchdog.switchd_ms"), model.whole("watchdog.switchd_ms"));
        assert!(!unsaid.truth("town.simulated"));
    }

    #[test]
    fn a_mistake_names_file_line_field_reason_and_nearest() {
        assert_eq!(
            refused("[ports]\nlisten = \"127.0.0.1\"\nsip = 70000\n", &[]),
            "m.toml:3: ports.sip: 70000 is outside 1 to 65535; nearest valid: 65535"
        );
        assert_eq!(
            refused("[ports]\nsipp = 5060\n", &[]),
            "m.toml:2: ports.sipp: there is no such key; nearest valid: ports.sip"
        );
        assert_eq!(
            refused("\n[port]\nsip = 5060\n", &[]),
            "m.toml:3: port.sip: there is no such table; nearest valid: ports"
        );
    }

    #[test]
    fn every_mistake_is_told_at_once_in_the_order_of_the_file() {
        let text = "[ports]\nsip = \"x\"\n[box]\nlanguage = \"eng\"\n";
        let lines: Vec<String> = refused(text, &[]).lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("m.toml:2: ports.sip: must be a whole number"));
        assert!(lines[1].ends_with("nearest valid: \"en\""));
    }

    #[test]
    fn broken_toml_names_its_line() {
        assert!(refused("[box]\nname = \n", &[]).starts_with("m.toml:2: syntax: "));
        assert!(refused("[box\nname = 1\n", &[]).starts_with("m.toml:1: syntax: "));
    }

    #[test]
    fn an_override_wins_and_is_checked_like_the_file() {
        let over = |text: &str| Model::parse(DEMO, &[text.to_owned()]).unwrap();
        assert_eq!(over("ports.sip=15060").whole("ports.sip"), 15_060);
        assert_eq!(over("ports.rtp=20000-20099").text("ports.rtp"), "20000-20099");
        assert!(!over("town.simulated=false").truth("town.simulated"));
        assert!(refused(DEMO, &["ports.sip=99999"]).starts_with("--set: ports.sip: 99999"));
        assert!(refused(DEMO, &["prots.sip=1"]).contains("nearest valid: ports"));
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let told = refused(DEMO, &["ports.sip=10500"]);
        assert!(told.starts_with("--set: ports.sip: 10500 lies within ports.rtp"), "{told}");
        let file = refused("[ports]\nsip = 10500\n", &[]);
        assert!(file.starts_with("m.toml:2: ports.sip: 10500 lies within"), "{file}");
        assert!(refused(DEMO, &["town.sip=5060"]).contains("nearest valid: 5070"));
    }

    #[test]
    fn spans_are_checked_entry_by_entry_each_with_its_line() {
        let right = "[[span]]\nname = \"a\"\nattach = \"run/a\"\n[[span]]\ndahdi = 2\n";
        assert!(Model::parse(right, &[]).is_ok());
        let told = refused(&format!("{right}crc4 = 1\n"), &[]);
        assert!(told.starts_with("m.toml:6: span[1].crc4: must be true or false"), "{told}");
        let told = refused(&format!("{right}chanels = \"1-15\"\n"), &[]);
        assert!(told.ends_with("span[1].chanels: there is no such key; nearest valid: channels"));
        let told = refused("[[span]]\nattach = \"x\"\nchannels = \"1-31\"\n", &[]);
        assert!(told.starts_with("m.toml:3: span[0].channels: must be time slots"), "{told}");
        let told = refused("[[span]]\nname = \"a\"\n", &[]);
        assert!(told.starts_with("m.toml:1: span[0]: says neither"), "{told}");
        let told = refused("[[span]]\nattach = \"x\"\ndahdi = 1\n", &[]);
        assert!(told.starts_with("m.toml:1: span[0]: is attached and a card"), "{told}");
        let five = refused(&"[[span]]\ndahdi = 1\n".repeat(5), &[]);
        assert!(five.starts_with("m.toml:9: span[4]: a box has at most 4"), "{five}");
        let told = refused("[span]\nname = \"a\"\n", &[]);
        assert!(told.contains("must be a list of tables"), "{told}");
    }

    #[test]
    fn the_lists_of_the_town_are_left_to_the_town() {
        let text = "[town]\nsimulated = true\n[[town.phone]]\nanything = 1\n";
        assert!(Model::parse(text, &["town.phone.0.secret=x".to_owned()]).is_ok());
        assert!(Model::parse("[town]\nseeed = 1\n", &[]).is_err());
    }
}
