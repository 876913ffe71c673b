//! libpri at the other end of a D-channel: an exchange or a PBX that we did not write.
//!
//! [`Peer`] is the program `libpri_peer.c`, compiled on first use and started with its end of a
//! `SOCK_SEQPACKET` socket; its head lists the commands that [`Peer::tell`] takes and the events
//! that [`Peer::next`] and [`Peer::wait`] give. [`Wire`] is our end: one frame a message, the
//! check sequence made and checked here, so that a core sees frames as it does from a card. [`Line`]
//! runs a `q921::Link` over it in real time. A machine that holds its own link (a whole D-channel)
//! takes the wire alone and does as [`Line::turn`] does: wait for a frame until its next time-out,
//! hand in one or the other, send what it says.
//!
//! ```text
//!     let (mut peer, wire) = Peer::start(&Options::new(Side::Network));
//!     peer.tell("rule ending=7 alert=200 answer=-1");       // a number that never answers
//!     peer.tell("call called=62581000 from=13800138000 hold=1000");
//!     let record = peer.wait("record", Duration::from_secs(5));
//!     assert_eq!(record.number("cause"), 16);
//!     let counters = peer.quit();                            // its `end` event
//! ```
//!
//! A command given before a frame is obeyed before that frame. libpri asks for its link at once and
//! always; if both ends do, the later SABME resets the link of the earlier: wait until it is quiet
//! before the first call.
//!
//! Nothing here starts the box: these tests need `libpri-dev` and no release program. Their names
//! begin with `isdn`, so that `cargo test -p peer isdn` runs them alone.

mod line;
mod wire;

pub use line::Line;
pub use wire::{Faults, Wire};

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};
use serde_json::Value;

/// Events that wait to be read; a peer whose events nobody reads stands still.
const EVENTS_MAX: usize = 65_536;

/// Which side of the interface the peer plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A PBX.
    User,
    /// An exchange.
    Network,
}

/// How a peer is started.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Its side.
    pub side: Side,
    /// Frames carry a check sequence. Without one, spoilt frames are taken as they are.
    pub fcs: bool,
    /// Numbers come and go digit by digit.
    pub overlap: bool,
    /// What its `faults` command spoils.
    pub seed: u64,
}

impl Options {
    /// En-bloc numbers, frames with check sequence.
    #[must_use]
    pub const fn new(side: Side) -> Options {
        Options { side, fcs: true, overlap: false, seed: 1 }
    }
}

/// Something that the peer has told.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its kind, as the head of `libpri_peer.c` lists them.
    pub name: String,
    /// Milliseconds since the peer was started.
    pub ms: u64,
    /// Everything else.
    pub fields: Value,
}

impl Event {
    fn read(line: &str) -> Event {
        let fields: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let name = fields["event"].as_str().unwrap_or_default().to_owned();
        Event { name, ms: fields["ms"].as_u64().unwrap_or_default(), fields }
    }

    /// A field that is a number.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn number(&self, field: &str) -> i64 {
        let number = self.fields[field].as_i64();
        number.unwrap_or_else(|| panic!("no {field} in {}", self.fields))
    }

    /// A field that is text.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        let text = self.fields[field].as_str();
        text.unwrap_or_else(|| panic!("no {field} in {}", self.fields))
    }
}

/// A running peer.
pub struct Peer {
    process: Child,
    commands: ChildStdin,
    events: Receiver<Event>,
    /// Told and not yet asked for, because `wait` looked for something else.
    kept: VecDeque<Event>,
}

impl Peer {
    /// Compiles the program if this run has not yet, starts it, and waits until it has attached.
    ///
    /// # Panics
    /// When it can not be compiled or started.
    #[must_use]
    pub fn start(options: &Options) -> (Peer, Wire) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d-channel");
        let listening = listen(&path);
        let mut peer = Peer::spawn(options, &path);
        let wire = Wire::new(wire::accept(listening, Duration::from_secs(10)), options.fcs);
        peer.wait("start", Duration::from_secs(10));
        (peer, wire)
    }

    /// The same at a socket where somebody else listens: a running box.
    ///
    /// # Panics
    /// When it can not be compiled or started, or does not attach.
    #[must_use]
    pub fn attach(options: &Options, path: &Path) -> Peer {
        let mut peer = Peer::spawn(options, path);
        peer.wait("start", Duration::from_secs(10));
        peer
    }

    fn spawn(options: &Options, path: &Path) -> Peer {
        let mut command = Command::new(program());
        command.arg("--connect").arg(path).args(["--seed", &options.seed.to_string()]);
        command.arg(if options.side == Side::Network { "--net" } else { "--cpe" });
        command.args(options.fcs.then_some("--fcs"));
        command.args(options.overlap.then_some("--overlap"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let commands = process.stdin.take().unwrap();
        let events = read_events(process.stdout.take().unwrap());
        Peer { process, commands, events, kept: VecDeque::new() }
    }

    /// Gives a command.
    ///
    /// # Panics
    /// When the peer is gone.
    pub fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").expect("the peer lives");
    }

    /// The next event, whatever it is.
    #[must_use]
    pub fn next(&mut self, patience: Duration) -> Option<Event> {
        self.kept.pop_front().or_else(|| self.hear(patience))
    }

    /// The next event of this kind. Others that come before it stay for later.
    ///
    /// # Panics
    /// When it does not come within `patience`.
    pub fn wait(&mut self, name: &str, patience: Duration) -> Event {
        let until = Instant::now() + patience;
        loop {
            if let Some(event) = self.take(name) {
                return event;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Some(event) = self.hear(left) else {
                let told: Vec<&str> = self.kept.iter().map(|event| event.name.as_str()).collect();
                panic!("waited {patience:?} for {name}, and heard {told:?}")
            };
            self.kept.push_back(event);
        }
    }

    /// The earliest event of this kind that was told already. Does not wait, so that a test can run
    /// its own end between two looks.
    pub fn take(&mut self, name: &str) -> Option<Event> {
        self.take_where(|event| event.name == name)
    }

    /// The same of one call, by the peer's number of it.
    pub fn take_of(&mut self, name: &str, call: i64) -> Option<Event> {
        self.take_where(|event| event.name == name && event.fields["call"] == call)
    }

    /// The earliest event told already that `looks` so. Others stay.
    pub fn take_where(&mut self, looks: impl Fn(&Event) -> bool) -> Option<Event> {
        while let Some(event) = self.hear(Duration::ZERO) {
            self.kept.push_back(event);
        }
        let at = self.kept.iter().position(looks)?;
        self.kept.remove(at)
    }

    /// Ends the peer and returns what it counted.
    pub fn quit(mut self) -> Event {
        self.tell("quit");
        self.wait("end", Duration::from_secs(5))
    }

    fn hear(&self, patience: Duration) -> Option<Event> {
        self.events.recv_timeout(patience).ok()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read_events(from: ChildStdout) -> Receiver<Event> {
    let (tell, events) = sync_channel(EVENTS_MAX);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if tell.send(Event::read(&line)).is_err() {
                return;
            }
        }
    });
    events
}

fn listen(path: &Path) -> OwnedFd {
    let kind = SockType::SeqPacket;
    let fd = socket::socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let at = UnixAddr::new(path).unwrap();
    socket::bind(fd.as_raw_fd(), &at).unwrap();
    socket::listen(&fd, Backlog::new(1).unwrap()).unwrap();
    fd
}

/// The compiled program, beside the test that runs.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("isdn/libpri_peer.c");
        let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        // Another run beside this one may compile too: each its own file.
        let program = folder.join(format!("libpri_peer-{}", std::process::id()));
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program);
        let done = compiler.arg(&source).arg("-lpri").status().unwrap();
        assert!(done.success(), "libpri_peer.c does not compile: make setup brings libpri-dev");
        let shared = folder.join("libpri_peer");
        std::fs::rename(&program, &shared).unwrap();
        shared
    })
}
