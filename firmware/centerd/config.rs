//! The settings: a box model's TOML file, `--set` on top of it, and the place of the files.
//!
//! The supervisor has refused unknown keys before; here only what centerd needs is read. What
//! cannot be used is refused with file, line, field and reason, and the program exits with
//! [`EX_CONFIG`].

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use toml::{Table, Value};

/// The exit code for settings that cannot be used (`sysexits.h`).
pub const EX_CONFIG: u8 = 78;

/// What centerd must know before it starts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// What the box is.
    #[serde(rename = "box")]
    pub about: About,
    /// Where it listens.
    pub ports: Ports,
    /// Where everything that the box remembers lies.
    #[serde(rename = "data")]
    pub place: Place,
    /// What centerd needs of the telephone side.
    pub sip: Sip,
    /// `[[span]]`: E1 spans, in order; the first is span 1.
    pub span: Vec<ModelSpan>,
    /// The simulated town, if the model has one.
    pub town: Town,
}

/// `[box]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct About {
    /// Shown in the console.
    pub name: String,
    /// First language of the console and of the voice: `zh` or `en`.
    pub language: String,
    /// IANA name.
    pub timezone: String,
    /// ISO 3166: how a number without a country code is read.
    pub country: String,
}

/// `[ports]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Ports {
    /// The address that the console binds.
    pub listen: IpAddr,
    /// SIP, UDP: shown to whoever sets up a phone.
    pub sip: u16,
    /// HTTP, TCP.
    pub console: u16,
    /// RTP, UDP, first-last: shown only.
    pub rtp: String,
}

/// `[data]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The folder.
    pub dir: PathBuf,
}

/// `[sip]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Sip {
    /// The digest realm.
    pub realm: String,
}

/// `[town]`: simulated customers and agents' phones.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Town {
    /// Whether there is one.
    pub simulated: bool,
    /// The carrier.
    pub trunk: Vec<TownTrunk>,
    /// Phones with their agents.
    pub phone: Vec<TownPhone>,
    /// The exchange behind spans of the box.
    pub span: Vec<TownSpan>,
    /// Who can be called.
    pub subscriber: Vec<TownSubscriber>,
}

/// `[[town.trunk]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TownTrunk {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub host: IpAddr,
    /// UDP.
    pub port: u16,
    /// Whether the box registers there.
    #[serde(default)]
    pub register: bool,
    /// The user name.
    #[serde(default)]
    pub username: String,
    /// The password.
    #[serde(default)]
    pub secret: String,
    /// The number shown to customers.
    #[serde(default)]
    pub caller_id: String,
}

/// `[[town.span]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TownSpan {
    /// The `attach` of the `[[span]]` that it is plugged into.
    pub attach: String,
    /// The box's numbers there.
    #[serde(default)]
    pub numbers: OneOrMany,
}

/// One text or a list of them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// A list.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> OneOrMany {
        OneOrMany::Many(Vec::new())
    }
}

impl OneOrMany {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            OneOrMany::One(one) => (Some(one), None),
            OneOrMany::Many(many) => (None, Some(many)),
        };
        one.into_iter().chain(many.into_iter().flatten()).map(String::as_str)
    }
}

/// `[[span]]`, as far as it matters here: its place in the list is its id.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ModelSpan {
    /// What a person calls it.
    pub name: String,
    /// The sockets at which an outside exchange attaches.
    pub attach: Option<String>,
    /// Time slots that carry calls.
    pub channels: Option<String>,
}

/// `[[town.phone]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TownPhone {
    /// The SIP user.
    pub account: String,
    /// The SIP password.
    pub secret: String,
    /// The number of the agent who sits there.
    pub agent: String,
    /// The agent's PIN.
    pub pin: String,
    /// The agent's name.
    pub name: String,
}

/// `[[town.subscriber]]`, as far as lists are made of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TownSubscriber {
    /// The beginning of their numbers, with the plus sign.
    pub numbers: String,
}

impl Default for About {
    fn default() -> About {
        About {
            name: "linebox".into(),
            language: "zh".into(),
            timezone: "Asia/Shanghai".into(),
            country: "CN".into(),
        }
    }
}

impl Default for Ports {
    fn default() -> Ports {
        let listen = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        Ports { listen, sip: 5060, console: 8080, rtp: "10000-10999".into() }
    }
}

impl Default for Place {
    fn default() -> Place {
        Place { dir: "./var".into() }
    }
}

impl Default for Sip {
    fn default() -> Sip {
        Sip { realm: "linebox".into() }
    }
}

/// The settings cannot be used. Each message is one line and says where, what and why.
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
    /// The file is not TOML, or a value has the wrong shape.
    #[error("{at}: {reason}")]
    Shape {
        /// File and line, or the `--set` that brought it.
        at: String,
        /// What the reader says.
        reason: String,
    },
    /// One value cannot be used.
    #[error("{file}: {field} = {found:?}: {reason}; what works: {nearest}")]
    Value {
        /// The model.
        file: String,
        /// Table and key.
        field: &'static str,
        /// What is written there.
        found: String,
        /// Why it cannot be used.
        reason: &'static str,
        /// What would work.
        nearest: &'static str,
    },
    /// A `--set` is not `table.key=value`.
    #[error("--set {0}: write TABLE.KEY=VALUE, as in --set ports.console=8081")]
    Set(String),
    /// The folder cannot be used.
    #[error("{path} (setting data.dir): {source}; name a folder that can be written")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The console's port is taken.
    #[error(
        "port {port} (setting ports.console) is in use by another program: stop it, or choose \
         another port as in --set ports.console={}", port.saturating_add(1)
    )]
    PortInUse {
        /// TCP port.
        port: u16,
    },
    /// The address is not one of this machine's, or the port needs rights that we do not have.
    #[error("cannot listen on {address} (settings ports.listen, ports.console): {source}")]
    CannotListen {
        /// Address and port.
        address: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Config {
    /// Reads `model`, puts `sets` (`table.key=value`) over it. `folder` wins over `LINEBOX_DATA`,
    /// which wins over the model's.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(
        model: &Path,
        sets: &[String],
        folder: Option<&Path>,
    ) -> Result<Config, ConfigError> {
        let text = fs::read_to_string(model)
            .map_err(|source| ConfigError::File { path: model.to_owned(), source })?;
        let mut config = Config::parse(&model.display().to_string(), &text, sets)?;
        let environment = std::env::var_os("LINEBOX_DATA").filter(|dir| !dir.is_empty());
        if let Some(folder) = folder.map(Path::to_owned).or(environment.map(PathBuf::from)) {
            config.place.dir = folder;
        }
        Ok(config)
    }

    /// As [`Config::load`], from the text of `file`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(file: &str, text: &str, sets: &[String]) -> Result<Config, ConfigError> {
        let shape = |e: &toml::de::Error| {
            let offset = e.span().map_or(0, |span| span.start);
            let line = text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
            ConfigError::Shape { at: format!("{file}:{line}"), reason: one_line(e.message()) }
        };
        // Read once as it stands, so that a mistake in the file is told with its line.
        let mut config: Config = toml::from_str(text).map_err(|e| shape(&e))?;
        if !sets.is_empty() {
            let mut table: Table = toml::from_str(text).map_err(|e| shape(&e))?;
            for set in sets {
                apply(&mut table, set)?;
                config = table.clone().try_into().map_err(|e: toml::de::Error| {
                    ConfigError::Shape { at: format!("--set {set}"), reason: one_line(e.message()) }
                })?;
            }
        }
        config.check(file)?;
        Ok(config)
    }

    fn check(&self, file: &str) -> Result<(), ConfigError> {
        let refuse = |field, found: &str, reason, nearest| {
            let (file, found) = (file.to_owned(), found.to_owned());
            Err(ConfigError::Value { file, field, found, reason, nearest })
        };
        let About { language, timezone, country, .. } = &self.about;
        if !["zh", "en"].contains(&language.as_str()) {
            return refuse(
                "box.language",
                language,
                "is not a language of the console",
                "zh or en",
            );
        }
        if jiff::tz::TimeZone::get(timezone).is_err() {
            let nearest = "an IANA name such as Asia/Shanghai";
            return refuse("box.timezone", timezone, "is not a time zone", nearest);
        }
        if dialer::number::Plan::new(country, "", "").is_err() {
            return refuse("box.country", country, "is not a country", "ISO 3166, such as CN");
        }
        if self.ports.console == 0 {
            return refuse("ports.console", "0", "is not a port", "1 to 65535");
        }
        if self.sip.realm.is_empty() || self.sip.realm.contains(['"', ':', '\\']) {
            return refuse("sip.realm", &self.sip.realm, "is not a realm", "letters, digits, dots");
        }
        Ok(())
    }

    /// The simulated phone with this SIP user.
    #[must_use]
    pub fn is_simulated_phone(&self, user: &str) -> bool {
        self.town.simulated && self.town.phone.iter().any(|phone| phone.account == user)
    }
}

/// Puts one `table.key=value` over the file. The value is read as TOML where it can be and as
/// plain text where it cannot.
fn apply(table: &mut Table, set: &str) -> Result<(), ConfigError> {
    let wrong = || ConfigError::Set(set.to_owned());
    let (path, text) = set.split_once('=').ok_or_else(wrong)?;
    let (outer, key) = path.trim().split_once('.').ok_or_else(wrong)?;
    let text = text.trim();
    let value = toml::from_str::<Table>(&format!("v = {text}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let slot = table.entry(outer).or_insert_with(|| Value::Table(Table::new()));
    slot.as_table_mut().ok_or_else(wrong)?.insert(key.to_owned(), value);
    Ok(())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, sets: &[&str]) -> Result<Config, String> {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Config::parse("m.toml", text, &sets).map_err(|e| e.to_string())
    }

    #[test]
    fn the_demo_model_is_understood_with_its_town() {
        let config = parse(include_str!("../../board/models/demo.toml"), &[]).unwrap();
        assert_eq!((config.about.name.as_str(), config.ports.console), ("demo", 8080));
        assert!(config.town.simulated && config.is_simulated_phone("8001"));
        assert!(!config.is_simulated_phone("7001"));
        assert_eq!(config.town.trunk.len(), 1);
    }

    #[test]
    fn an_empty_model_is_the_defaults_on_loopback() {
        let config = parse("", &[]).unwrap();
        assert_eq!(config.ports.listen.to_string(), "127.0.0.1");
        assert!(!config.town.simulated);
    }

    #[test]
    fn a_set_wins_over_the_file_and_may_be_plain_text() {
        let config = parse("[ports]\nconsole = 1\n", &["ports.console=9090", "box.name=a b"]);
        let config = config.unwrap();
        assert_eq!((config.ports.console, config.about.name.as_str()), (9090, "a b"));
    }

    #[test]
    fn a_wrong_value_is_one_line_with_its_place_and_reason() {
        let cases = [
            ("[ports]\nconsole = 70000\n", &[][..], "m.toml:2:"),
            ("[box]\nlanguage = \"fr\"\n", &[][..], "m.toml: box.language = \"fr\""),
            ("", &["ports.console=x"][..], "--set ports.console=x:"),
            ("", &["console=1"][..], "--set console=1: write TABLE.KEY=VALUE"),
            ("[box]\ntimezone = \"Mars/Base\"", &[][..], "box.timezone"),
        ];
        for (text, sets, expected) in cases {
            let told = parse(text, sets).unwrap_err();
            assert!(told.contains(expected), "{told}");
            assert_eq!(told.lines().count(), 1, "{told}");
        }
    }
}
