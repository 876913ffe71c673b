//! The far end: everything in the guest that we did not write.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::pattern::{Break, Heard};

/// Our end of the cable.
const NEAR_PORT: &str = "near";
/// The far end of it.
const FAR_PORT: &str = "far";

/// Events of libpri that may wait to be asked for: more than the whole test has.
const EVENTS: usize = 4_096;

/// How long libpri may take to say something.
const PATIENCE: Duration = Duration::from_secs(40);

/// Makes the four dynamic spans. They have no numbers yet and are not configured.
pub fn make_spans() {
    run("ip", &["link", "add", NEAR_PORT, "type", "veth", "peer", "name", FAR_PORT]);
    let [near, far] = [NEAR_PORT, FAR_PORT].map(|port| {
        run("ip", &["link", "set", port, "up"]);
        let address = fs::read_to_string(format!("/sys/class/net/{port}/address")).unwrap();
        address.trim().to_owned()
    });
    let spans = format!(
        "dynamic=loc,1:0,31,0\ndynamic=loc,1:1,31,0\n\
         dynamic=eth,{NEAR_PORT}/{far}/0,31,0\ndynamic=eth,{FAR_PORT}/{near}/0,31,0\n"
    );
    dahdi_cfg("spans", &spans);
}

/// Configures the far ends, spans 2 and 4, as an administrator of DAHDI does.
pub fn configure() {
    dahdi_cfg(
        "far",
        "bchan=32-46,48-62\ndchan=47\nalaw=32-62\nbchan=94-108,110-124\ndchan=109\nalaw=94-124\n",
    );
}

/// Pulls the cable, or puts it back.
pub fn set_cable(plugged: bool) {
    run("ip", &["link", "set", NEAR_PORT, if plugged { "up" } else { "down" }]);
}

fn dahdi_cfg(name: &str, text: &str) {
    let path = format!("/tmp/{name}.conf");
    fs::write(&path, text).unwrap();
    run("dahdi_cfg", &["-c", &path]);
}

fn run(program: &str, arguments: &[&str]) {
    let out = Command::new(program).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {arguments:?}: {}: {told}", out.status);
}

/// Something that libpri has told.
pub struct Event {
    /// Its kind.
    pub name: String,
    /// The rest.
    pub fields: Value,
}

/// libpri on the D-channel of a far span.
pub struct Exchange {
    process: Child,
    orders: ChildStdin,
    events: Receiver<Event>,
    kept: VecDeque<Event>,
    /// The channel in slot 1 of its span.
    first: u8,
}

impl Exchange {
    /// Starts it as `net` or `cpe` on the span whose slot 1 is channel `first`.
    pub fn start(side: &str, first: u8) -> Exchange {
        let channel = (first + 15).to_string();
        let mut command = Command::new("./relay");
        command.args([&channel, "./libpri_peer", &format!("--{side}")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let orders = process.stdin.take().unwrap();
        let events = listen(process.stdout.take().unwrap());
        let mut exchange = Exchange { process, orders, events, kept: VecDeque::new(), first };
        assert!(exchange.hears("start", PATIENCE), "libpri does not start");
        exchange
    }

    /// Tells it what to do.
    pub fn tell(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    /// Whether it has told this, waiting no longer than `patience`.
    pub fn hears(&mut self, name: &str, patience: Duration) -> bool {
        self.wait(name, patience).is_some()
    }

    /// The earliest event of this kind; others stay for later.
    pub fn wait(&mut self, name: &str, patience: Duration) -> Option<Event> {
        if let Some(at) = self.kept.iter().position(|event| event.name == name) {
            return self.kept.remove(at);
        }
        while let Ok(event) = self.events.recv_timeout(patience) {
            if event.name == name {
                return Some(event);
            }
            self.kept.push_back(event);
        }
        None
    }

    /// How many calls it has.
    pub fn calls(&mut self) -> i64 {
        self.tell("count");
        let event = self.wait("count", PATIENCE).expect("libpri lives");
        let calls = event.fields["calls"].as_i64();
        calls.unwrap_or_else(|| panic!("no count of calls in {}", event.fields))
    }

    /// Speaks and hears the pattern in slots of its span, and tells when it has heard `enough`
    /// octets in each.
    pub fn speak(&self, slots: &[u8], enough: i64) -> Speaker {
        let channels = slots.iter().map(|slot| (self.first + slot - 1).to_string());
        let mut command = Command::new("./pattern");
        command.arg(enough.to_string()).args(channels);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (tell, lines) = sync_channel(EVENTS);
        let out = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)).ok();
        });
        Speaker { process, lines, first: self.first }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.tell("quit");
        // The relay ends with libpri.
        let _status = self.process.wait();
    }
}

fn listen(from: ChildStdout) -> Receiver<Event> {
    let (tell, events) = sync_channel(EVENTS);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            println!("    libpri {line}");
            let fields: Value = serde_json::from_str(&line).unwrap();
            let name = fields["event"].as_str().unwrap_or_default().to_owned();
            if tell.send(Event { name, fields }).is_err() {
                return;
            }
        }
    });
    events
}

/// The pattern on the B-channels of a far span.
pub struct Speaker {
    process: Child,
    lines: Receiver<String>,
    first: u8,
}

impl Speaker {
    /// Whether it has just told that it has heard enough.
    pub fn has_enough(&self) -> bool {
        self.lines.try_recv().is_ok_and(|line| line == "enough")
    }

    /// Ends it and returns what it heard of our pattern, by slot.
    pub fn finish(mut self) -> BTreeMap<u8, Heard> {
        drop(self.process.stdin.take());
        let first = i64::from(self.first);
        let mut slots: BTreeMap<u8, Heard> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line != "enough") {
            let (kind, numbers) = line.split_once(' ').unwrap();
            let numbers: Vec<i64> = numbers.split(' ').map(|n| n.parse().unwrap()).collect();
            let slot = slots.entry((numbers[0] - first + 1) as u8).or_default();
            match (kind, &numbers[1..]) {
                ("heard", [good, silent, spoilt]) => {
                    (slot.good, slot.silent, slot.spoilt) = (*good, *silent, *spoilt);
                }
                ("break", [before, after, octets, silent]) => {
                    let (before, after) = (*before as u32, *after as u32);
                    let (octets, silent) = (*octets, *silent);
                    slot.breaks.push(Break { before, after, octets, silent });
                }
                _ => panic!("pattern said {line}"),
            }
        }
        assert!(self.process.wait().unwrap().success(), "pattern failed");
        slots
    }
}
