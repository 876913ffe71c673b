//! The settings: what of a box's model file concerns the town, with `--set` on top of it.
//!
//! The supervisor has refused unknown tables and keys before; the town's own lists
//! (`[[town.trunk]]`, `[[town.phone]]`, `[[town.subscriber]]`) are checked here alone. A value that
//! cannot be used is refused with file, line, field, reason and what would work.

mod lists;
mod reader;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::{fs, io};

use signal::sip::sdp::Codec;

use crate::limits::{MODEL_BYTES_MAX, SOUND_PORTS_MAX};
use crate::town::Setup;
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
    /// The town.
    pub setup: Setup,
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
            subscribers: lists::subscribers(&r)?,
        };
        let watchdog_ms = r.whole("watchdog", "town_ms", 0, 600_000, 0)?;
        Ok(Config { setup, watchdog_ms })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::{Chances, Habit};

    fn read(text: &str, sets: &[&str]) -> Result<Config, ConfigError> {
        let sets: Vec<String> = sets.iter().map(|&s| s.to_owned()).collect();
        Config::parse("m.toml", text, &sets)
    }

    fn refused(text: &str) -> String {
        read(text, &[]).unwrap_err().to_string()
    }

    #[test]
    fn the_demo_model_is_a_town_of_three_agents() {
        let text = include_str!("../../models/demo.toml");
        let setup = read(text, &[]).unwrap().setup;
        assert_eq!(setup.carrier, "127.0.0.1:5070".parse().unwrap());
        assert_eq!(setup.linebox, "127.0.0.1:5060".parse().unwrap());
        assert_eq!((setup.rtp_first, setup.rtp_ports), (11_000, 500));
        let accounts: Vec<&str> = setup.phones.iter().map(|p| p.account.as_str()).collect();
        assert_eq!(accounts, ["8001", "8002", "8003"]);
        assert_eq!(setup.phones[2].address.port(), 5073);
        assert_eq!(setup.phones[0].habit, Habit::Works);
        assert_eq!(setup.trunks[0].username, "linebox");
        let subscriber = &setup.subscribers[0];
        let chances =
            Chances { answer: 0.6, busy: 0.1, refuse: 0.05, unallocated: 0.05, machine: 0.05 };
        assert_eq!(subscriber.chances, chances);
        assert_eq!(subscriber.ring_ms, (2_000, 12_000));
    }

    #[test]
    fn a_set_wins_over_the_file_and_plain_text_needs_no_quotes() {
        let text = "[town]\nsip = 5070\nrtp = \"11000-11999\"\n";
        let sets = ["town.sip=15070", "ports.sip=15060", "town.rtp=12000-12009", "town.scale=2"];
        let setup = read(text, &sets).unwrap().setup;
        assert_eq!((setup.carrier.port(), setup.linebox.port()), (15_070, 15_060));
        assert_eq!((setup.rtp_first, setup.rtp_ports), (12_000, 5));
        assert_eq!(setup.scale.to_bits(), 2.0f64.to_bits());
        let wrong = read("", &["town"]).unwrap_err().to_string();
        assert!(wrong.starts_with("--set town:"), "{wrong}");
    }

    #[test]
    fn the_town_stays_on_loopback_wherever_the_box_listens() {
        let setup = read("[ports]\nlisten = \"0.0.0.0\"\n", &[]).unwrap().setup;
        assert_eq!(setup.carrier.ip().to_string(), "127.0.0.1");
        assert_eq!(setup.linebox.ip().to_string(), "127.0.0.1");
        let setup = read("[ports]\nlisten = \"192.0.2.7\"\n", &[]).unwrap().setup;
        assert_eq!(setup.carrier.ip().to_string(), "127.0.0.1");
        assert_eq!(setup.linebox.ip().to_string(), "192.0.2.7");
    }

    #[test]
    fn a_wrong_value_is_refused_with_line_field_reason_and_advice() {
        let said = refused("[town]\nseed = 7\nsip = 70000\n");
        assert_eq!(said, "m.toml:3: town.sip: 70000 is outside 1 to 65535; nearest valid: 65535");
        let said = refused("[town]\nscale = \"fast\"\n");
        assert_eq!(said, "m.toml:2: town.scale: is not a number; such as: 1");
        let said = refused("[town]\nrtp = \"11001-11999\"\n");
        assert!(said.starts_with("m.toml:2: town.rtp: must begin with an even port"), "{said}");
        let said = refused("[box]\nlanguage = \"fr\"\n");
        assert!(said.contains("m.toml:2: box.language: is none of zh, en"), "{said}");
        let said = refused("[town\n");
        assert!(said.starts_with("m.toml:1: "), "{said}");
        let said = read("", &["town.sip=x"]).unwrap_err().to_string();
        assert!(said.starts_with("--set: town.sip: is not a whole number"), "{said}");
    }

    const SUBSCRIBER: &str = "[[town.subscriber]]\nnumbers = \"+86138\"\n";

    #[test]
    fn entries_of_lists_are_checked_each_with_its_line() {
        let said = refused(&format!("{SUBSCRIBER}answer = 0.7\nbusy = 0.4\n"));
        let expected = "m.toml:1: town.subscriber[0]: the chances add up to 1.1; lower them: \
                        together they are at most 1";
        assert_eq!(said, expected);
        let said = refused(&format!("{SUBSCRIBER}ring_ms = [5000, 2000]\n"));
        assert!(said.starts_with("m.toml:3: town.subscriber[0].ring_ms: the first"), "{said}");
        let said = refused(&format!("{SUBSCRIBER}anwser = 0.7\n"));
        let expected = "m.toml:3: town.subscriber[0].anwser: no such key; nearest: answer";
        assert_eq!(said, expected);
        let said = refused("[[town.subscriber]]\nanswer = 1.0\n");
        assert!(said.contains("m.toml:1: town.subscriber[0].numbers: is missing"), "{said}");
        let said = refused("[[town.subscriber]]\nnumbers = \"abc\"\n");
        assert!(said.contains("m.toml:2: town.subscriber[0].numbers"), "{said}");
        let said = refused("[town]\nsubscriber = 7\n");
        assert!(said.contains("m.toml:2: town.subscriber: "), "{said}");
    }

    const PHONE: &str = "[[town.phone]]\naccount = \"8001\"\nsecret = \"s\"\nagent = \"801\"\n";

    #[test]
    fn phones_are_checked_for_what_can_be_keyed_and_for_doubles() {
        let said = refused(PHONE);
        assert!(said.contains("town.phone[0].pin: is missing"), "{said}");
        let said = refused(&format!("{PHONE}pin = \"47a1\"\n"));
        assert!(said.contains("m.toml:5: town.phone[0].pin: "), "{said}");
        let two = format!("{PHONE}pin = \"1\"\n{PHONE}pin = \"2\"\n");
        let said = refused(&two);
        assert!(said.contains("m.toml:7: town.phone[1].account: 8001 is there twice"), "{said}");
        let high = format!("[town]\nsip = 65535\n{PHONE}pin = \"1\"\n");
        let said = refused(&high);
        assert!(said.contains("town.sip"), "{said}");
    }

    #[test]
    fn a_trunk_that_registers_needs_a_password() {
        let text = "[[town.trunk]]\nname = \"t\"\nhost = \"127.0.0.1\"\nport = 5070\n\
                    register = true\nusername = \"u\"\ncaller_id = \"+86\"\n";
        let said = refused(text);
        assert!(said.contains("town.trunk[0].secret: is missing"), "{said}");
        let setup = read(&format!("{text}secret = \"s\"\n"), &[]).unwrap().setup;
        assert!(setup.trunks[0].register);
    }
}
