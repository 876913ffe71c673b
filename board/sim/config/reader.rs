//! Values out of a TOML text, each with the line at which it stands.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// Reads a text as TOML.
pub(super) fn parse<'t>(file: &str, text: &'t str) -> Result<Spanned<DeTable<'t>>, ConfigError> {
    DeTable::parse(text).map_err(|e| ConfigError::Syntax {
        at: place(file, text, e.span().map_or(0, |s| s.start)),
        reason: e.message().to_owned(),
    })
}

/// `file:line` of the byte at `offset`.
fn place(file: &str, text: &str, offset: usize) -> String {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    format!("{file}:{}", before.iter().filter(|&&b| b == b'\n').count() + 1)
}

/// One `--set`, taken apart.
#[derive(Clone, Debug)]
struct Set {
    table: String,
    key: String,
    value: String,
}

impl Set {
    fn parse(given: &str) -> Result<Set, ConfigError> {
        let wrong = || ConfigError::Set { given: given.to_owned() };
        let (path, value) = given.split_once('=').ok_or_else(wrong)?;
        let (table, key) = path.trim().split_once('.').ok_or_else(wrong)?;
        let value = value.trim().to_owned();
        Ok(Set { table: table.to_owned(), key: key.to_owned(), value })
    }
}

/// A scalar, wherever it stood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    Whole(i64),
    Real(f64),
    Truth(bool),
    /// Not one of these.
    Other,
}

impl Scalar {
    pub(super) fn of(value: &DeValue<'_>) -> Scalar {
        match value {
            DeValue::String(text) => Scalar::Text(text.to_string()),
            DeValue::Integer(n) => {
                i64::from_str_radix(n.as_str(), n.radix()).map_or(Scalar::Other, Scalar::Whole)
            }
            DeValue::Float(x) => x.as_str().parse().map_or(Scalar::Other, Scalar::Real),
            DeValue::Boolean(truth) => Scalar::Truth(*truth),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => Scalar::Other,
        }
    }

    /// The value of a `--set`: one that is no TOML by itself is taken as plain text.
    fn of_set(text: &str) -> Scalar {
        let line = format!("v={text}");
        let parsed = DeTable::parse(&line).ok();
        let value = parsed.as_ref().and_then(|t| t.get_ref().get("v")).map(Spanned::get_ref);
        value.map_or_else(|| Scalar::Text(text.to_owned()), Scalar::of)
    }

    pub(super) fn as_real(&self) -> Option<f64> {
        match self {
            Scalar::Whole(n) => Some(*n as f64),
            Scalar::Real(x) => Some(*x),
            Scalar::Text(_) | Scalar::Truth(_) | Scalar::Other => None,
        }
    }
}

/// See the module.
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    model: &'a DeTable<'a>,
    sets: Vec<Set>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        file: &'a str,
        text: &'a str,
        model: &'a DeTable<'a>,
        sets: &[String],
    ) -> Result<Reader<'a>, ConfigError> {
        let sets = sets.iter().map(|given| Set::parse(given)).collect::<Result<_, _>>()?;
        Ok(Reader { file, text, model, sets })
    }

    pub(super) fn whole(
        &self,
        table: &str,
        key: &str,
        low: u64,
        high: u64,
        default: u64,
    ) -> Result<u64, ConfigError> {
        match self.find(table, key) {
            None => Ok(default),
            Some(Scalar::Whole(n)) => match u64::try_from(n).ok().filter(|n| *n <= high) {
                Some(n) if n >= low => Ok(n),
                found => {
                    let nearest = found.map_or(if n < 0 { low } else { high }, |_| low);
                    let reason = format!("{n} is outside {low} to {high}");
                    Err(self.refuse(table, key, &reason, format!("nearest valid: {nearest}")))
                }
            },
            Some(Scalar::Text(_) | Scalar::Real(_) | Scalar::Truth(_) | Scalar::Other) => {
                let advice = format!("such as: {default}");
                Err(self.refuse(table, key, "is not a whole number", advice))
            }
        }
    }

    pub(super) fn port(&self, table: &str, key: &str, default: u16) -> Result<u16, ConfigError> {
        let port = self.whole(table, key, 1, 65_535, u64::from(default))?;
        Ok(u16::try_from(port).unwrap_or(default))
    }

    pub(super) fn real(
        &self,
        table: &str,
        key: &str,
        low: f64,
        high: f64,
        default: f64,
    ) -> Result<f64, ConfigError> {
        let Some(found) = self.find(table, key) else { return Ok(default) };
        let Some(x) = found.as_real() else {
            return Err(self.refuse(table, key, "is not a number", format!("such as: {default}")));
        };
        if (low..=high).contains(&x) {
            return Ok(x);
        }
        let nearest = if x > high { high } else { low };
        let reason = format!("{x} is outside {low} to {high}");
        Err(self.refuse(table, key, &reason, format!("nearest valid: {nearest}")))
    }

    pub(super) fn one_of(
        &self,
        table: &str,
        key: &str,
        words: &[&str],
    ) -> Result<String, ConfigError> {
        let first = words.first().copied().unwrap_or_default();
        match self.find(table, key) {
            None => Ok(first.to_owned()),
            Some(Scalar::Text(text)) if words.contains(&text.as_str()) => Ok(text),
            Some(_) => {
                let reason = format!("is none of {}", words.join(", "));
                Err(self.refuse(table, key, &reason, format!("such as: {first:?}")))
            }
        }
    }

    /// A text.
    pub(super) fn text(
        &self,
        table: &str,
        key: &str,
        default: &str,
    ) -> Result<String, ConfigError> {
        match self.find(table, key) {
            None => Ok(default.to_owned()),
            Some(Scalar::Text(text)) => Ok(text),
            Some(Scalar::Whole(_) | Scalar::Real(_) | Scalar::Truth(_) | Scalar::Other) => {
                Err(self.refuse(table, key, "is not text", format!("such as: {default:?}")))
            }
        }
    }

    pub(super) fn address(
        &self,
        table: &str,
        key: &str,
        default: IpAddr,
    ) -> Result<IpAddr, ConfigError> {
        let found = match self.find(table, key) {
            None => return Ok(default),
            Some(Scalar::Text(text)) => text.parse().ok(),
            Some(Scalar::Whole(_) | Scalar::Real(_) | Scalar::Truth(_) | Scalar::Other) => None,
        };
        let advice = format!("such as: \"{default}\"");
        found.ok_or_else(|| self.refuse(table, key, "is not an IP address", advice))
    }

    /// `"first-last"`.
    pub(super) fn ports(
        &self,
        table: &str,
        key: &str,
        default: (u16, u16),
    ) -> Result<(u16, u16), ConfigError> {
        let text = match self.find(table, key) {
            None => return Ok(default),
            Some(Scalar::Text(text)) => text,
            Some(Scalar::Whole(_) | Scalar::Real(_) | Scalar::Truth(_) | Scalar::Other) => {
                String::new()
            }
        };
        let ends = text.split_once('-').and_then(|(first, last)| {
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (0 < first && first < last).then_some((first, last))
        });
        let advice = format!("such as: \"{}-{}\"", default.0, default.1);
        ends.ok_or_else(|| self.refuse(table, key, "is not FIRST-LAST, two ports", advice))
    }

    /// The entries of `[[table.key]]`.
    pub(super) fn entries(&self, table: &str, key: &str) -> Result<Vec<Entry<'a>>, ConfigError> {
        let Some(found) = self.written(table, key) else { return Ok(Vec::new()) };
        let wrong = || {
            let advice = format!("write [[{table}.{key}]] before each entry");
            self.refuse(table, key, "is not a list of tables", advice)
        };
        let DeValue::Array(array) = found.get_ref() else { return Err(wrong()) };
        let entry = |(at, value): (usize, &'a Spanned<DeValue<'a>>)| {
            self.entry_of(value, format!("{table}.{key}[{at}]")).ok_or_else(wrong)
        };
        array.iter().enumerate().map(entry).collect()
    }

    /// The entries of `[[name]]`.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Entry<'a>>, ConfigError> {
        let Some(found) = self.model.get(name) else { return Ok(Vec::new()) };
        let wrong = || ConfigError::Value {
            at: place(self.file, self.text, found.span().start),
            field: name.to_owned(),
            reason: "is not a list of tables".to_owned(),
            advice: format!("write [[{name}]] before each entry"),
        };
        let DeValue::Array(array) = found.get_ref() else { return Err(wrong()) };
        let entry = |(at, value): (usize, &'a Spanned<DeValue<'a>>)| {
            self.entry_of(value, format!("{name}[{at}]")).ok_or_else(wrong)
        };
        array.iter().enumerate().map(entry).collect()
    }

    /// The table `[table.key]`, over which `--set table.key.field=value` may stand.
    pub(super) fn table(&self, table: &str, key: &str) -> Result<Entry<'a>, ConfigError> {
        let name = format!("{table}.{key}");
        let sets = self.sets.iter().filter(|set| set.table == table);
        let own = |set: &Set| {
            let field = set.key.strip_prefix(key)?.strip_prefix('.')?;
            Some((field.to_owned(), set.value.clone()))
        };
        let over = sets.filter_map(own).collect();
        let entry = match self.written(table, key) {
            None => Some(Entry::empty(self.file, self.text, name)),
            Some(found) => self.entry_of(found, name),
        };
        let wrong = || {
            self.refuse(table, key, "is not a table", format!("write [{table}.{key}] before it"))
        };
        Ok(Entry { over, ..entry.ok_or_else(wrong)? })
    }

    /// Refuses every table but these.
    pub(super) fn knows(&self, known: &[&str]) -> Result<(), ConfigError> {
        let name = self.file.to_owned();
        Entry { fields: Some(self.model), ..Entry::empty(self.file, self.text, name) }.knows(known)
    }

    fn entry_of(&self, value: &'a Spanned<DeValue<'a>>, name: String) -> Option<Entry<'a>> {
        let DeValue::Table(fields) = value.get_ref() else { return None };
        let empty = Entry::empty(self.file, self.text, name);
        Some(Entry { span: value.span(), fields: Some(fields), ..empty })
    }

    pub(super) fn refuse(
        &self,
        table: &str,
        key: &str,
        reason: &str,
        advice: String,
    ) -> ConfigError {
        let at = match (self.set(table, key), self.written(table, key)) {
            (Some(_), _) => "--set".to_owned(),
            (None, Some(value)) => place(self.file, self.text, value.span().start),
            (None, None) => self.file.to_owned(),
        };
        let field = format!("{table}.{key}");
        ConfigError::Value { at, field, reason: reason.to_owned(), advice }
    }

    fn find(&self, table: &str, key: &str) -> Option<Scalar> {
        if let Some(set) = self.set(table, key) {
            return Some(Scalar::of_set(&set.value));
        }
        self.written(table, key).map(|value| Scalar::of(value.get_ref()))
    }

    /// The last `--set` of a key wins.
    fn set(&self, table: &str, key: &str) -> Option<&Set> {
        self.sets.iter().rev().find(|s| s.table == table && s.key == key)
    }

    fn written(&self, table: &str, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let DeValue::Table(fields) = self.model.get(table)?.get_ref() else { return None };
        fields.get(key)
    }
}

/// One table: an entry of a list, or one that stands alone.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    file: &'a str,
    text: &'a str,
    name: String,
    span: Range<usize>,
    fields: Option<&'a DeTable<'a>>,
    /// What holds where this one says nothing.
    base: Option<&'a DeTable<'a>>,
    /// What `--set` says in its place.
    over: Vec<(String, String)>,
}

impl<'a> Entry<'a> {
    const fn empty(file: &'a str, text: &'a str, name: String) -> Entry<'a> {
        Entry { file, text, name, span: 0..0, fields: None, base: None, over: Vec::new() }
    }

    /// The same with the fields of `base` where this one says nothing.
    pub(super) fn over(self, base: &Entry<'a>) -> Entry<'a> {
        Entry { base: base.fields, ..self }
    }

    /// Refuses every key that is none of `known`.
    pub(super) fn knows(&self, known: &[&str]) -> Result<(), ConfigError> {
        let mut written = self.fields.into_iter().flat_map(|fields| fields.keys());
        let strange = written.find(|key| !known.contains(&key.get_ref().as_ref()));
        let over = self.over.iter().find(|(key, _)| !known.contains(&key.as_str()));
        let (at, name) = match (strange, over) {
            (Some(key), _) => {
                let name: &Cow<'_, str> = key.get_ref();
                (place(self.file, self.text, key.span().start), name.to_string())
            }
            (None, Some((key, _))) => ("--set".to_owned(), key.clone()),
            (None, None) => return Ok(()),
        };
        let advice = format!("nearest: {}", nearest(&name, known.iter().copied()));
        let (field, reason) = (format!("{}.{name}", self.name), "no such key".to_owned());
        Err(ConfigError::Value { at, field, reason, advice })
    }

    /// A text that satisfies `right`; a key that is not there must have a default.
    pub(super) fn text(
        &self,
        key: &str,
        default: Option<&str>,
        right: impl Fn(&str) -> bool,
        advice: &str,
    ) -> Result<String, ConfigError> {
        match (self.scalar(key), default) {
            (None, Some(default)) => Ok(default.to_owned()),
            (None, None) => Err(self.refuse(key, "is missing", advice)),
            (Some(Scalar::Text(text)), _) if right(&text) => Ok(text),
            (Some(_), _) => Err(self.refuse(key, "cannot be used", advice)),
        }
    }

    /// One of these words; the first where nothing stands.
    pub(super) fn one_of(&self, key: &str, words: &[&str]) -> Result<String, ConfigError> {
        let first = words.first().copied().unwrap_or_default();
        match self.scalar(key) {
            None => Ok(first.to_owned()),
            Some(Scalar::Text(text)) if words.contains(&text.as_str()) => Ok(text),
            Some(found) => {
                let meant = if let Scalar::Text(text) = &found { text.as_str() } else { "" };
                let advice = format!("nearest valid: {:?}", nearest(meant, words.iter().copied()));
                Err(self.refuse(key, &format!("is none of {}", words.join(", ")), &advice))
            }
        }
    }

    pub(super) fn truth(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.scalar(key) {
            None => Ok(default),
            Some(Scalar::Truth(truth)) => Ok(truth),
            Some(_) => Err(self.refuse(key, "cannot be used", "write true or false")),
        }
    }

    /// A whole number; nothing where nothing stands.
    pub(super) fn whole(&self, key: &str, low: u64, high: u64) -> Result<Option<u64>, ConfigError> {
        let Some(found) = self.scalar(key) else { return Ok(None) };
        let Scalar::Whole(n) = found else {
            return Err(self.refuse(key, "is not a whole number", &format!("such as: {low}")));
        };
        match u64::try_from(n).ok().filter(|n| (low..=high).contains(n)) {
            Some(n) => Ok(Some(n)),
            None => {
                let nearest = u64::try_from(n).unwrap_or(0).clamp(low, high);
                let reason = format!("{n} is outside {low} to {high}");
                Err(self.refuse(key, &reason, &format!("nearest valid: {nearest}")))
            }
        }
    }

    /// A part of 1; 0 where nothing stands.
    pub(super) fn part(&self, key: &str) -> Result<f64, ConfigError> {
        match self.scalar(key) {
            None => Ok(0.0),
            Some(found) => self.as_part(key, &found),
        }
    }

    /// A part of 1, or one for each of `count`.
    pub(super) fn parts(&self, key: &str, count: usize) -> Result<Option<Vec<f64>>, ConfigError> {
        let Some(DeValue::Array(list)) = self.get(key).map(Spanned::get_ref) else {
            return Ok(None);
        };
        if list.len() != count {
            let reason = format!("has {} values", list.len());
            return Err(self.refuse(key, &reason, &format!("write {count}, or one for all")));
        }
        let part = |value: &Spanned<DeValue<'_>>| self.as_part(key, &Scalar::of(value.get_ref()));
        list.iter().map(part).collect::<Result<_, _>>().map(Some)
    }

    fn as_part(&self, key: &str, found: &Scalar) -> Result<f64, ConfigError> {
        match found.as_real() {
            Some(part) if (0.0..=1.0).contains(&part) => Ok(part),
            Some(part) => {
                let nearest = if part > 1.0 { 1 } else { 0 };
                let reason = format!("{part} is no part of 1");
                Err(self.refuse(key, &reason, &format!("nearest valid: {nearest}")))
            }
            None => Err(self.refuse(key, "is no part of 1", "write a number from 0 to 1")),
        }
    }

    /// Shortest and longest, in milliseconds.
    pub(super) fn span_ms(
        &self,
        key: &str,
        default: (u64, u64),
        max: u64,
    ) -> Result<(u64, u64), ConfigError> {
        let advice = format!("write [shortest, longest], each from 0 to {max}");
        match self.pair_ms(key, max, &advice)? {
            None => Ok(default),
            Some((low, high)) if low <= high => Ok((low, high)),
            Some((low, high)) => {
                let advice = format!("nearest valid: [{high}, {low}]");
                Err(self.refuse(key, "the first is above the second", &advice))
            }
        }
    }

    /// Two times in milliseconds; nothing where nothing stands.
    pub(super) fn pair_ms(
        &self,
        key: &str,
        max: u64,
        advice: &str,
    ) -> Result<Option<(u64, u64)>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let whole = |value: &Spanned<DeValue<'_>>| {
            let Scalar::Whole(n) = Scalar::of(value.get_ref()) else { return None };
            u64::try_from(n).ok().filter(|n| *n <= max)
        };
        let numbers = if let DeValue::Array(list) = value.get_ref() {
            list.iter().map(whole).collect::<Option<Vec<u64>>>()
        } else {
            None
        };
        match numbers.as_deref() {
            Some([first, second]) => Ok(Some((*first, *second))),
            _ => Err(self.refuse(key, "is not two times in milliseconds", advice)),
        }
    }

    /// Rows of a list of lists: the scalars of each.
    pub(super) fn rows(&self, key: &str, advice: &str) -> Result<Vec<Vec<Scalar>>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let wrong = || self.refuse(key, "is not a list of lists", advice);
        let DeValue::Array(rows) = value.get_ref() else { return Err(wrong()) };
        let row = |row: &Spanned<DeValue<'_>>| {
            let DeValue::Array(fields) = row.get_ref() else { return Err(wrong()) };
            Ok(fields.iter().map(|field| Scalar::of(field.get_ref())).collect())
        };
        rows.iter().map(row).collect()
    }

    /// A text, or a list of texts.
    pub(super) fn texts(&self, key: &str, advice: &str) -> Result<Vec<String>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let text = |value: &DeValue<'_>| match Scalar::of(value) {
            Scalar::Text(text) => Ok(text),
            Scalar::Whole(_) | Scalar::Real(_) | Scalar::Truth(_) | Scalar::Other => {
                Err(self.refuse(key, "is neither text nor a list of texts", advice))
            }
        };
        if let DeValue::Array(list) = value.get_ref() {
            return list.iter().map(|value| text(value.get_ref())).collect();
        }
        Ok(vec![text(value.get_ref())?])
    }

    /// Refuses a key, or the whole entry if `key` is empty.
    pub(super) fn refuse(&self, key: &str, reason: &str, advice: &str) -> ConfigError {
        let start = self.get(key).map_or(self.span.start, |value| value.span().start);
        let is_over = self.over.iter().any(|(own, _)| own == key);
        let at = if is_over { "--set".to_owned() } else { place(self.file, self.text, start) };
        let field = if key.is_empty() { self.name.clone() } else { format!("{}.{key}", self.name) };
        ConfigError::Value { at, field, reason: reason.to_owned(), advice: advice.to_owned() }
    }

    fn scalar(&self, key: &str) -> Option<Scalar> {
        let over = self.over.iter().rev().find(|(own, _)| own == key);
        over.map(|(_, value)| Scalar::of_set(value))
            .or_else(|| self.get(key).map(|value| Scalar::of(value.get_ref())))
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let own = self.fields.and_then(|fields| fields.get(key));
        own.or_else(|| self.base.and_then(|fields| fields.get(key)))
    }
}

/// The word that is most like `word`.
pub(super) fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> &'w str {
    words.into_iter().min_by_key(|known| distance(known, word)).unwrap_or_default()
}

/// How unlike two words are: letters of either that the other lacks, and their lengths.
fn distance(a: &str, b: &str) -> usize {
    let missing = |a: &str, b: &str| a.chars().filter(|c| !b.contains(*c)).count();
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    (missing(a, b) + missing(b, a)) * 2 + a.len().abs_diff(b.len()) + 8usize.saturating_sub(common)
}
