//! SIPp as the trunk and the customers behind it. What a customer does is told by the last digit of
//! the number that is dialled:
//!
//! | digit | customer |
//! | --- | --- |
//! | 0-2 | answers, and hangs up after [`TALK`] |
//! | 3-5 | answers, and waits for the agent to hang up |
//! | 6 | is busy (486) |
//! | 7 | lets it ring (CANCEL, 487) |
//! | 8 | does not exist (404) |
//! | 9 | refuses (603) |

mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use scenario::Customers;

use crate::tone;

/// How long a customer talks who hangs up.
pub const TALK: Duration = Duration::from_secs(4);

/// What customers of a trunk are heard to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A tone of so many Hz.
    Tone(u32),
    /// What they hear.
    Echo,
}

/// How the far network says that it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// 180.
    Ringing,
    /// 183 with a session description, and sound from then on.
    EarlyMedia,
}

/// What comes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A talk that the customer ends.
    CustomerLeaves,
    /// A talk that the agent ends.
    AgentLeaves,
    /// 486.
    Busy,
    /// It rings out.
    NoAnswer,
    /// 404.
    Unallocated,
    /// 603.
    Refused,
}

/// What comes of this number.
#[must_use]
pub fn fate_of(number: &str) -> Fate {
    match number.chars().last() {
        Some('0'..='2') => Fate::CustomerLeaves,
        Some('3'..='5') => Fate::AgentLeaves,
        Some('6') => Fate::Busy,
        Some('7') => Fate::NoAnswer,
        Some('8') => Fate::Unallocated,
        _ => Fate::Refused,
    }
}

/// A running trunk.
pub struct Sipp {
    process: Child,
    host: String,
    folder: PathBuf,
}

impl Sipp {
    /// Starts a trunk at port 5060 of host `host` whose customers answer quickly.
    #[must_use]
    pub fn start(dir: &Path, host: u8, voice: Voice) -> Sipp {
        Sipp::start_with(dir, host, voice, Progress::Ringing, Duration::from_millis(700))
    }

    /// The same, with how it rings and for how long.
    #[must_use]
    pub fn start_with(
        dir: &Path,
        host: u8,
        voice: Voice,
        progress: Progress,
        ring: Duration,
    ) -> Sipp {
        let folder = dir.join(format!("sipp-{host}"));
        fs::create_dir_all(&folder).unwrap();
        // SIPp echoes on one port for all calls, and speaks from one of its own for each.
        let (say, port) = match voice {
            Voice::Tone(tone_hz) => {
                fs::write(folder.join("tone.al"), tone::alaw_of_tone(tone_hz, 60)).unwrap();
                (scenario::SAY, "[auto_media_port]")
            }
            Voice::Echo => ("", "[media_port]"),
        };
        let customers = Customers { progress, ring, say, port };
        fs::write(folder.join("customers.xml"), customers.scenario()).unwrap();
        let address = crate::host(host);
        let mut command = Command::new("sipp");
        command
            .args(["-sf", "customers.xml", "-i", &address, "-mi", &address, "-p", "5060"])
            .args(["-mp", "16000", "-nostdin", "-nd", "-trace_err"])
            .args(["-trace_msg", "-message_file", "messages"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.join("screen")).unwrap())
            .stderr(fs::File::create(folder.join("errors")).unwrap());
        if voice == Voice::Echo {
            command.arg("-rtp_echo");
        }
        let process = command.spawn().expect("sipp is installed by make setup");
        Sipp { process, host: address, folder }
    }

    /// The requests of a method that came from the box, without repetitions: the Call-IDs of each
    /// user part of the request line.
    #[must_use]
    pub fn received(&self, method: &str) -> BTreeMap<String, BTreeSet<String>> {
        let text = fs::read_to_string(self.folder.join("messages")).unwrap_or_default();
        let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for message in text.split("UDP message received").skip(1) {
            let mut lines = message.lines().skip_while(|line| !line.ends_with("SIP/2.0"));
            let Some((asked, rest)) = lines.next().and_then(|line| line.split_once(' ')) else {
                continue;
            };
            let user = rest.trim_start_matches("sip:").split('@').next().unwrap_or_default();
            let call = lines.find_map(|line| line.strip_prefix("Call-ID: "));
            if asked == method {
                calls.entry(user.to_owned()).or_default().extend(call.map(str::to_owned));
            }
        }
        calls
    }

    /// Where it listens, as a trunk's address is written.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:5060", self.host)
    }

    /// What went wrong in its eyes.
    #[must_use]
    pub fn errors(&self) -> String {
        let files = fs::read_dir(&self.folder).unwrap().filter_map(Result::ok);
        let errors = files.filter(|file| file.file_name().to_string_lossy().contains("errors"));
        errors.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
