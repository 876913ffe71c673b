//! LAPD links against conversations written by hand from Q.921, octet for octet.
//!
//! One thing a line; `#` begins a comment. What the world does, in order and on time:
//!
//! ```text
//!     side user|network                 first line: which side the link is
//!     at 1000                           milliseconds since the start; no timer may be due earlier
//!     l3 establish|release|busy|ready   layer 3 asks
//!     l3 data 08 01, l3 unit 08 01      layer 3 gives a message
//!     l1 up|down                        layer 1
//!     rx 00 01 73                       a frame arrives
//! ```
//!
//! and what the link must do thereupon, no more and no less, before the next happening:
//!
//! ```text
//!     tx 00 01 7f                       a frame goes out
//!     up request|peer|recovery          DL-ESTABLISH confirm or indication
//!     down request|peer|refused|noanswer|layer1
//!     data 08 01, unit 08 01            a message for layer 3
//!     error G                           MDL-ERROR indication
//!     full, nolink, long                the message just given was dropped
//!     state 7 1 0 0                     the state's number, then V(S) V(A) V(R)
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use call::Tick;
use signal::q921::{By, Link, Output, Request, Role, Settings, Why};

fn octets(words: &str) -> Vec<u8> {
    words.split_whitespace().map(|word| u8::from_str_radix(word, 16).unwrap()).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!(" {octet:02x}")).collect()
}

fn line(output: &Output) -> String {
    match output {
        Output::Send(octets) => format!("tx{}", hex(octets)),
        Output::Established(By::Request) => "up request".to_owned(),
        Output::Established(By::Peer) => "up peer".to_owned(),
        Output::Established(By::Recovery) => "up recovery".to_owned(),
        Output::Released(Why::Request) => "down request".to_owned(),
        Output::Released(Why::Peer) => "down peer".to_owned(),
        Output::Released(Why::Refused) => "down refused".to_owned(),
        Output::Released(Why::NoAnswer) => "down noanswer".to_owned(),
        Output::Released(Why::Layer1) => "down layer1".to_owned(),
        Output::Data(info) => format!("data{}", hex(info)),
        Output::UnitData(info) => format!("unit{}", hex(info)),
        Output::Error(code) => format!("error {}", code.letter()),
        Output::QueueFull => "full".to_owned(),
        Output::NoLink => "nolink".to_owned(),
        Output::TooLong => "long".to_owned(),
    }
}

/// One link on one page.
struct Reader<'a> {
    name: &'a str,
    link: Link,
    now: Tick,
    lines: u32,
}

impl Reader<'_> {
    /// Carries out a happening. Anything else is something that the link must have said.
    fn read(&mut self, number: usize, text: &str) {
        let place = format!("{}:{number}: {text}", self.name);
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let asked = match (word, rest.split_once(' ').unwrap_or((rest, ""))) {
            ("l3", ("establish", "")) => Some(Request::Establish),
            ("l3", ("release", "")) => Some(Request::Release),
            ("l3", ("busy", "")) => Some(Request::Busy(true)),
            ("l3", ("ready", "")) => Some(Request::Busy(false)),
            ("l3", ("data", info)) => Some(Request::Data(octets(info))),
            ("l3", ("unit", info)) => Some(Request::UnitData(octets(info))),
            ("l3", _) => panic!("{place}: layer 3 asks something else"),
            _ => None,
        };
        if ["at", "l3", "l1", "rx"].contains(&word) {
            assert_eq!(self.link.poll(), None, "{place}: before it, the link said more");
        }
        match (word, asked) {
            (_, Some(request)) => self.link.handle_request(self.now, request),
            ("at", _) => {
                self.now = Tick(rest.parse().unwrap());
                let due = self.link.next_timeout();
                assert!(due.is_none_or(|(at, _)| at >= self.now), "{place}: {due:?} was earlier");
                self.link.handle_timeout(self.now);
            }
            ("l1", _) => self.link.handle_layer1(self.now, rest == "up"),
            ("rx", _) => self.link.handle_frame(self.now, &octets(rest)),
            ("state", _) => {
                let seen = self.link.snapshot();
                let state = seen.state.number();
                let said = format!("state {state} {} {} {}", seen.vs, seen.va, seen.vr);
                assert_eq!(said, text, "{place}");
            }
            _ => {
                let said = self.link.poll().as_ref().map(line);
                assert_eq!(said.as_deref(), Some(text), "{place}");
            }
        }
        self.lines += 1;
    }
}

fn play(name: &str, text: &str) -> u32 {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(n, text)| (n + 1, text.split('#').next().unwrap_or_default().trim()))
        .filter(|(_, text)| !text.is_empty());
    let role = match lines.next() {
        Some((_, "side user")) => Role::User,
        Some((_, "side network")) => Role::Network,
        other => panic!("{name}: {other:?} is not the side"),
    };
    let link = Link::new(role, Settings::default());
    let mut reader = Reader { name, link, now: Tick::ZERO, lines: 0 };
    lines.for_each(|(number, text)| reader.read(number, text));
    assert_eq!(reader.link.poll(), None, "{name}: at the end the link said more");
    reader.lines
}

#[test]
fn every_conversation_goes_as_the_standard_has_it() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/trace/isdn/q921");
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    pages.sort();
    assert!(pages.len() >= 16, "{pages:?}");
    for path in pages {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let lines = play(&name, &std::fs::read_to_string(&path).unwrap());
        assert!(lines >= 5, "{name} says hardly anything");
    }
}

#[test]
#[should_panic(expected = "wrong.txt:3")]
fn a_conversation_that_goes_otherwise_is_seen() {
    play("wrong.txt", "side user\nl3 establish\ntx 02 01 7f\n");
}

#[test]
#[should_panic(expected = "the link said more")]
fn a_word_too_many_is_seen() {
    play("more.txt", "side user\nl3 establish\n");
}

#[test]
#[should_panic(expected = "was earlier")]
fn a_timer_that_fires_too_early_is_seen() {
    play("early.txt", "side user\nl3 establish\ntx 00 01 7f\nat 1001\n");
}
