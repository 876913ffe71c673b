//! The settings: a box model's TOML file, `--set` on top of it, and the place of the data.
//!
//! switchd reads only its own tables and keys; the supervisor has refused unknown ones before. A
//! value that cannot be used is refused with file, line, field, reason and the nearest valid value,
//! and the program exits with [`EX_CONFIG`].

use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, io};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::hardware::{self, SpanHardware};

/// The exit code for settings that cannot be used (`sysexits.h`).
pub const EX_CONFIG: u8 = 78;

/// What switchd must know before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `box.name`: in the User-Agent.
    pub name: String,
    /// `box.language`: prompts of the box's own.
    pub language: String,
    /// `ports.listen`: the address that SIP and RTP bind.
    pub listen: IpAddr,
    /// `ports.sip`: UDP.
    pub sip: u16,
    /// `ports.rtp`: first and last UDP port; even ones are used.
    pub rtp: (u16, u16),
    /// Where everything that the box remembers lies.
    pub data: PathBuf,
    /// `sound.prompts`: the folder of sound files.
    pub prompts: PathBuf,
    /// `sound.law`: whether A-law is offered before µ-law.
    pub alaw_first: bool,
    /// `sound.realtime_priority`: 1 to 99.
    pub realtime_priority: u8,
    /// `sip.realm`: of digest challenges, until centerd's desired state names one.
    pub realm: String,
    /// `limits.legs`: legs at once.
    pub legs: u16,
    /// `limits.recordings_free_mb`: recording stops below it, MB.
    pub recordings_free_mb: u64,
    /// `[[span]]`: E1 spans.
    pub spans: Vec<SpanHardware>,
}

/// The settings cannot be used. Each message says where, what and what would do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}; name the model with --model FILE")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{at}: not TOML: {reason}")]
    Syntax {
        /// File and line.
        at: String,
        /// What the reader says.
        reason: String,
    },
    /// One value cannot be used.
    #[error("{at}: {field} = {found}: {reason}; nearest that works: {nearest}")]
    Value {
        /// File and line, or the `--set` that brought it.
        at: String,
        /// Table and key.
        field: String,
        /// What is written there.
        found: String,
        /// Why it cannot be used.
        reason: String,
        /// What would work.
        nearest: String,
    },
    /// A `--set` is not `table.key=value`.
    #[error("--set {given}: write TABLE.KEY=VALUE, as in --set ports.sip=15060")]
    Set {
        /// As given.
        given: String,
    },
    /// A port is taken.
    #[error(
        "port {port} (setting {setting}) is in use by another program: {source}; stop it or choose \
         another port"
    )]
    PortInUse {
        /// UDP port.
        port: u16,
        /// Which setting names it.
        setting: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The address is not one of this machine's, or the port needs rights that we do not have.
    #[error("cannot listen on {address} (settings ports.listen, {setting}): {source}")]
    CannotListen {
        /// Address and port.
        address: String,
        /// Which setting names the port.
        setting: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Config {
    /// Reads `model`, puts `sets` (`table.key=value`) over it. `data` wins over the model's folder.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(model: &Path, sets: &[String], data: Option<&Path>) -> Result<Config, ConfigError> {
        let text = fs::read_to_string(model)
            .map_err(|source| ConfigError::File { path: model.to_owned(), source })?;
        Config::parse(&model.display().to_string(), &text, sets, data)
    }

    /// As [`Config::load`], from the text of `file`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(
        file: &str,
        text: &str,
        sets: &[String],
        data: Option<&Path>,
    ) -> Result<Config, ConfigError> {
        let model = parse_table(file, text)?;
        let sets = sets.iter().map(|s| split_set(s)).collect::<Result<Vec<_>, _>>()?;
        let r = Reader { file, text, model: model.get_ref(), sets };
        Ok(Config {
            name: r.text("box", "name", "linebox")?,
            language: r.one_of("box", "language", &["zh", "en"])?,
            listen: r.address("ports", "listen", "127.0.0.1")?,
            sip: r.number("ports", "sip", 1..65_536, 5060)?,
            rtp: r.ports("ports", "rtp", (10_000, 10_999))?,
            data: match data {
                Some(data) => data.to_owned(),
                None => r.text("data", "dir", "./var")?.into(),
            },
            prompts: r.text("sound", "prompts", "rootfs/overlay/share/prompts")?.into(),
            alaw_first: r.one_of("sound", "law", &["alaw", "ulaw"])? == "alaw",
            realtime_priority: r.number("sound", "realtime_priority", 1..100, 50)?,
            realm: r.text("sip", "realm", "linebox")?,
            legs: r.number("limits", "legs", 2..512, 400)?,
            recordings_free_mb: r.number("limits", "recordings_free_mb", 0..1_000_001, 500)?,
            spans: hardware::read(file, text)?,
        })
    }

    /// How many legs can have a pair of RTP ports.
    #[must_use]
    pub fn rtp_pairs(&self) -> u16 {
        let (first, last) = self.rtp;
        (last - first).div_ceil(2).max(1)
    }
}

/// One `--set`, taken apart: table, key, the value as TOML.
struct Set {
    table: String,
    key: String,
    value: String,
}

fn split_set(given: &str) -> Result<Set, ConfigError> {
    let wrong = || ConfigError::Set { given: given.to_owned() };
    let (path, value) = given.split_once('=').ok_or_else(wrong)?;
    let (table, key) = path.trim().split_once('.').ok_or_else(wrong)?;
    let value = value.trim().to_owned();
    Ok(Set { table: table.to_owned(), key: key.to_owned(), value })
}

fn parse_table<'t>(file: &str, text: &'t str) -> Result<Spanned<DeTable<'t>>, ConfigError> {
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

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    model: &'a DeTable<'a>,
    sets: Vec<Set>,
}

/// A scalar as it stands in the file or in a `--set`.
enum Found {
    Text(String),
    Number(i64),
    Other,
}

impl Reader<'_> {
    fn text(&self, table: &str, key: &str, default: &str) -> Result<String, ConfigError> {
        match self.find(table, key) {
            None => Ok(default.to_owned()),
            Some(Found::Text(t)) if !t.is_empty() => Ok(t),
            Some(_) => Err(self.refuse(table, key, "is not text", &format!("{default:?}"))),
        }
    }

    fn one_of(&self, table: &str, key: &str, words: &[&str]) -> Result<String, ConfigError> {
        let default = words.first().copied().unwrap_or_default();
        let text = self.text(table, key, default)?;
        if words.contains(&text.as_str()) {
            return Ok(text);
        }
        let nearest = words.iter().max_by_key(|w| alike(w, &text)).copied().unwrap_or(default);
        let reason = format!("is none of {}", words.join(", "));
        Err(self.refuse(table, key, &reason, &format!("{nearest:?}")))
    }

    fn number<T: TryFrom<i64>>(
        &self,
        table: &str,
        key: &str,
        range: Range<i64>,
        default: i64,
    ) -> Result<T, ConfigError> {
        let (low, high) = (range.start, range.end - 1);
        let found = match self.find(table, key) {
            None => default,
            Some(Found::Number(n)) => n,
            Some(Found::Text(_) | Found::Other) => {
                return Err(self.refuse(table, key, "is not a number", &default.to_string()));
            }
        };
        let out = || {
            let reason = format!("is outside {low} to {high}");
            self.refuse(table, key, &reason, &found.clamp(low, high).to_string())
        };
        if !range.contains(&found) {
            return Err(out());
        }
        T::try_from(found).map_err(|_| out())
    }

    fn address(&self, table: &str, key: &str, default: &str) -> Result<IpAddr, ConfigError> {
        let text = self.text(table, key, default)?;
        text.parse()
            .map_err(|_| self.refuse(table, key, "is not an IP address", &format!("{default:?}")))
    }

    fn ports(
        &self,
        table: &str,
        key: &str,
        default: (u16, u16),
    ) -> Result<(u16, u16), ConfigError> {
        let as_text = format!("{}-{}", default.0, default.1);
        let text = self.text(table, key, &as_text)?;
        let wrong =
            |reason: &str, nearest: &str| self.refuse(table, key, reason, &format!("{nearest:?}"));
        let ends = text.split_once('-').map(|(a, b)| (a.trim().parse(), b.trim().parse()));
        let Some((Ok(first), Ok(last))) = ends else {
            return Err(wrong("is not FIRST-LAST, two ports up to 65535", &as_text));
        };
        let (first, last): (u16, u16) = (first, last);
        if first % 2 == 1 {
            return Err(wrong("must begin with an even port", &format!("{}-{last}", first - 1)));
        }
        if first < 1024 || last < first.saturating_add(3) {
            let first = first.max(1024);
            let last = last.max(first.saturating_add(99));
            return Err(wrong("holds fewer than two pairs above 1023", &format!("{first}-{last}")));
        }
        Ok((first, last))
    }

    fn find(&self, table: &str, key: &str) -> Option<Found> {
        if let Some(set) = self.set(table, key) {
            // A value that is no TOML by itself is taken as plain text.
            let line = format!("v={}", set.value);
            let parsed = DeTable::parse(&line).ok();
            let value = parsed.as_ref().and_then(|t| t.get_ref().get("v")).map(Spanned::get_ref);
            return Some(value.map_or_else(|| Found::Text(set.value.clone()), as_found));
        }
        self.written(table, key).map(|v| as_found(v.get_ref()))
    }

    /// The last `--set` of a key wins.
    fn set(&self, table: &str, key: &str) -> Option<&Set> {
        self.sets.iter().rev().find(|s| s.table == table && s.key == key)
    }

    fn written(&self, table: &str, key: &str) -> Option<&Spanned<DeValue<'_>>> {
        match self.model.get(table)?.get_ref() {
            DeValue::Table(t) => t.get(key),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => None,
        }
    }

    fn refuse(&self, table: &str, key: &str, reason: &str, nearest: &str) -> ConfigError {
        let (at, found) = match (self.set(table, key), self.written(table, key)) {
            (Some(set), _) => ("--set".to_owned(), set.value.clone()),
            (None, Some(value)) => {
                let span = value.span();
                let found = self.text.get(span.clone()).unwrap_or_default().to_owned();
                (place(self.file, self.text, span.start), found)
            }
            (None, None) => (self.file.to_owned(), "(not written)".to_owned()),
        };
        let (reason, nearest) = (reason.to_owned(), nearest.to_owned());
        ConfigError::Value { at, field: format!("{table}.{key}"), found, reason, nearest }
    }
}

fn as_found(value: &DeValue<'_>) -> Found {
    match value {
        DeValue::String(s) => Found::Text(s.to_string()),
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => Found::Number(n),
            Err(_) => Found::Other,
        },
        DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => Found::Other,
    }
}

/// How many letters two words share at their beginning.
fn alike(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, sets: &[&str]) -> Result<Config, String> {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Config::parse("m.toml", text, &sets, None).map_err(|e| e.to_string())
    }

    #[test]
    fn an_empty_model_is_the_defaults_on_loopback() {
        let config = parse("", &[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1");
        assert_eq!((config.sip, config.rtp, config.rtp_pairs()), (5060, (10_000, 10_999), 500));
    }

    #[test]
    fn the_demo_model_is_understood() {
        let text = include_str!("../../board/models/demo.toml");
        let config = parse(text, &[]).unwrap();
        assert_eq!((config.name.as_str(), config.legs), ("demo", 400));
    }

    #[test]
    fn a_set_wins_over_the_file_and_may_be_plain_text() {
        let sets = ["ports.sip=15060", "ports.rtp=20000-20099", "data.dir=/tmp/x"];
        let config = parse("[ports]\nsip = 5062\n", &sets).unwrap();
        assert_eq!((config.sip, config.rtp), (15_060, (20_000, 20_099)));
        assert_eq!(config.data, PathBuf::from("/tmp/x"));
    }

    #[test]
    fn a_wrong_value_is_refused_with_line_field_reason_and_the_nearest() {
        let cases = [
            (
                "[ports]\nsip = 70000\n",
                "m.toml:2: ports.sip = 70000: is outside 1 to 65535; nearest that works: 65535",
            ),
            (
                "\n[sound]\nlaw = \"alow\"\n",
                "m.toml:3: sound.law = \"alow\": is none of alaw, ulaw; nearest that works: \"alaw\"",
            ),
            (
                "[ports]\nrtp = \"10001-10999\"\n",
                "m.toml:2: ports.rtp = \"10001-10999\": must begin with an even port; nearest that \
                 works: \"10000-10999\"",
            ),
            (
                "[ports]\nlisten = \"localhost\"\n",
                "m.toml:2: ports.listen = \"localhost\": is not an IP address; nearest that works: \
                 \"127.0.0.1\"",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text, &[]).unwrap_err(), message);
        }
        let message = parse("", &["limits.legs=9000"]).unwrap_err();
        let wanted = "--set: limits.legs = 9000: is outside 2 to 511; nearest that works: 511";
        assert_eq!(message, wanted);
    }

    #[test]
    fn what_is_not_toml_or_not_a_set_is_named() {
        assert!(parse("[ports]\nsip = = 1\n", &[]).unwrap_err().starts_with("m.toml:2: not TOML"));
        assert!(parse("", &["sip"]).unwrap_err().contains("TABLE.KEY=VALUE"));
    }
}
