//! The settings: what of a box's model file concerns the town, with `--set` on top of it.
//!
//! The supervisor has refused unknown tables and keys before; the town's own lists
//! (`[[town.trunk]]`, `[[town.phone]]`, `[[town.subscriber]]`, `[[town.span]]`) and the file of its
//! people are checked here alone. A value that cannot be used is refused with file, line, field,
//! reason and what would work.

mod exchange;
mod lists;
mod people;
mod reader;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::tz::TimeZone;
use signal::sip::sdp::Codec;

use crate::limits::{MODEL_BYTES_MAX, PEOPLE_BYTES_MAX, SOUND_PORTS_MAX};
use crate::tones::Nation;
use crate::town::{Setup, Subscriber};
use crate::voice::Language;
use reader::Reader;

/// The exit code for settings that cannot be used (`sysexits.h`).
pub const EX_CONFIG: u8 = 78;

/// Why the town cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The model cannot be read.
    #[error("{path}: {source}; give an existing model with --model")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The model is no model.
    #[error("{path}: larger than {MODEL_BYTES_MAX} bytes, which no model is")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The model is no TOML.
    #[error("{at}: {reason}")]
    Syntax {
        /// `file:line`.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value cannot be used.
    #[error("{at}: {field}: {reason}; {advice}")]
    Value {
        /// `file:line`, or `--set`.
        at: String,
        /// Table and key.
        field: String,
        /// Why it cannot be used.
        reason: String,
        /// What would work.
        advice: String,
    },
    /// A `--set` is not `table.key=value`.
    #[error("--set {given}: write TABLE.KEY=VALUE, as in --set town.sip=15070")]
    Set {
        /// As given.
        given: String,
    },
    /// A port cannot be had.
    #[error(
        "port {port} (setting {setting}) cannot be used: {source}; stop the other program or choose another"
    )]
    Port {
        /// UDP port.
        port: u16,
        /// Which setting names it.
        setting: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// What the program `town` must know.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The town. Its day begins at midnight ([`Setup::day_ms`]); whoever has a clock sets it.
    pub setup: Setup,
    /// Where its subscribers live.
    pub timezone: TimeZone,
    /// Where the box keeps its data, if nobody says otherwise.
    pub data: PathBuf,
    /// The longest silence on the readiness descriptor, in milliseconds; 0: none is too long.
    pub watchdog_ms: u64,
}

impl Config {
    /// Reads `model` and puts `sets` (`table.key=value`) over it.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(model: &Path, sets: &[String]) -> Result<Config, ConfigError> {
        let failed = |source| ConfigError::File { path: model.to_owned(), source };
        if fs::metadata(model).map_err(failed)?.len() > MODEL_BYTES_MAX {
            return Err(ConfigError::TooLarge { path: model.to_owned() });
        }
        let text = fs::read_to_string(model).map_err(failed)?;
        Config::parse(&model.display().to_string(), &text, sets)
    }

    /// As [`Config::load`], from the text of `file`.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(file: &str, text: &str, sets: &[String]) -> Result<Config, ConfigError> {
        let model = reader::parse(file, text)?;
        let r = Reader::new(file, text, model.get_ref(), sets)?;
        let listen: IpAddr = r.address("ports", "listen", IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        let linebox = SocketAddr::new(reached_at(listen), r.port("ports", "sip", 5060)?);
        let carrier = SocketAddr::new(loopback_of(listen), r.port("town", "sip", 5070)?);
        let (rtp_first, rtp_ports) = rtp(&r)?;
        let language = match r.one_of("box", "language", &["zh", "en"])?.as_str() {
            "en" => Language::En,
            _ => Language::Zh,
        };
        let codec = match r.one_of("sound", "law", &["alaw", "ulaw"])?.as_str() {
            "ulaw" => Codec::Pcmu,
            _ => Codec::Pcma,
        };
        let country = r.text("box", "country", "CN")?;
        let seed = r.whole("town", "seed", 0, i64::MAX as u64, 7)?;
        let setup = Setup {
            seed,
            words: seed,
            scale: r.real("town", "scale", 0.01, 1_000.0, 1.0)?,
            hears: true,
            carrier,
            linebox,
            rtp_first,
            rtp_ports,
            language,
            codec,
            trunks: lists::trunks(&r)?,
            phones: lists::phones(&r, carrier)?,
            tones: Nation::of_country(&country),
            day_ms: 0,
            subscribers: subscribers(&r)?,
            spans: exchange::spans(&r, &country)?,
            bad: exchange::bad(&r)?,
        };
        let watchdog_ms = r.whole("watchdog", "town_ms", 0, 600_000, 0)?;
        let zone = r.text("box", "timezone", "Asia/Shanghai")?;
        let timezone = TimeZone::get(&zone).map_err(|_| {
            let reason = format!("{zone:?} is no time zone");
            r.refuse("box", "timezone", &reason, "such as: \"Asia/Shanghai\"".to_owned())
        })?;
        let data = PathBuf::from(r.text("data", "dir", "./var")?);
        Ok(Config { setup, watchdog_ms, timezone, data })
    }
}

/// Those of the model, then those of the file that `town.people` names.
fn subscribers(r: &Reader<'_>) -> Result<Vec<Subscriber>, ConfigError> {
    let mut subscribers = people::of_model(r)?;
    let people = r.text("town", "people", "")?;
    if !people.is_empty() {
        let path = Path::new(&people);
        let text = read_bounded(path, PEOPLE_BYTES_MAX)
            .map_err(|reason| r.refuse("town", "people", &reason, PEOPLE.to_owned()))?;
        let parsed = reader::parse(&people, &text)?;
        subscribers.extend(people::of_file(&Reader::new(&people, &text, parsed.get_ref(), &[])?)?);
    }
    Ok(subscribers)
}

const PEOPLE: &str = "name a file, as in \"people.toml\", or leave the key out";

fn read_bounded(path: &Path, bytes_max: u64) -> Result<String, String> {
    let failed = |source: io::Error| format!("{}: {source}", path.display());
    if fs::metadata(path).map_err(failed)?.len() > bytes_max {
        return Err(format!("{}: larger than {bytes_max} bytes", path.display()));
    }
    fs::read_to_string(path).map_err(failed)
}

/// The UDP port of sound port 0, and how many there are.
fn rtp(r: &Reader<'_>) -> Result<(u16, u16), ConfigError> {
    let (first, last) = r.ports("town", "rtp", (11_000, 11_999))?;
    let advice = || format!("write \"{}-{last}\"", first & !1);
    if first % 2 == 1 {
        return Err(r.refuse("town", "rtp", "must begin with an even port", advice()));
    }
    let ports = (last - first).div_ceil(2).clamp(1, SOUND_PORTS_MAX);
    Ok((first, ports))
}

/// The town never leaves the machine: accounts of simulated phones are taken from loopback alone.
const fn loopback_of(listen: IpAddr) -> IpAddr {
    match listen {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

const fn reached_at(listen: IpAddr) -> IpAddr {
    if listen.is_unspecified() { loopback_of(listen) } else { listen }
}
