//! One line of `pacer/1`, checked once.
//!
//! Unknown events and unknown fields are ignored as the protocol asks. A known event with a
//! missing, mistyped or impossible field is [`Broken`]; nothing here panics.

use call::Tick;
use dialer::pacing::limits::SEATS_MAX;
use dialer::pacing::{Day, Event, Outcome};
use serde::Deserialize;

use crate::limits::{INSTANT_S_MAX, LINE_BYTES_MAX, LINES_MAX};

/// What one line says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    /// The driver greets. A live answer waits `connect_s` seconds at most.
    Hello {
        /// How long a live answer may wait, seconds.
        connect_s: f64,
    },
    /// A new day begins.
    Day(Day),
    /// Something happened at this instant.
    Event(Tick, Event),
    /// A decision is asked for.
    Tick(Tick, usize),
    /// Every attempt of the day has ended.
    DayEnd,
    /// The run is over.
    Bye,
    /// An event of a later protocol, to be ignored.
    Unknown,
}

/// Why a line cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It is longer than the protocol allows.
    #[error("the driver sent a line of {0} bytes, more than {LINE_BYTES_MAX}; check the driver")]
    TooLong(usize),
    /// It is not a JSON object with the fields of its event.
    #[error("the driver sent a line that is not pacer/1: {0}; check the driver")]
    NotProtocol(#[from] serde_json::Error),
    /// A number cannot be what its field says.
    #[error("the driver sent an impossible {field} in \"{event}\"; check the driver")]
    Impossible {
        /// The event's name.
        event: &'static str,
        /// The field's name.
        field: &'static str,
    },
    /// A floor larger than pacing follows.
    #[error("the driver sent a day of {0} agents, pacing follows {SEATS_MAX}; divide the campaign")]
    TooManySeats(u64),
    /// A protocol that this program does not speak.
    #[error("the driver speaks {0:?}, this program pacer/1; use the matching program")]
    OtherProtocol(String),
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    ev: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
struct Hello {
    proto: String,
    connect_s: f64,
}

#[derive(Deserialize)]
struct NewDay {
    end_s: f64,
    seats: u64,
    lines: u64,
    cap: f64,
    ring_timeout_s: f64,
}

#[derive(Deserialize)]
struct Seat {
    t: f64,
    agent: u64,
}

#[derive(Deserialize)]
struct Given {
    t: f64,
    agent: u64,
    att: u64,
}

#[derive(Deserialize)]
struct Tried {
    t: f64,
    att: u64,
}

#[derive(Deserialize)]
struct Ended {
    t: f64,
    att: u64,
    out: Out,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Out {
    Human,
    Machine,
    NoAnswer,
    Busy,
    Dead,
}

#[derive(Deserialize)]
struct Asked {
    t: f64,
    free_lines: u64,
}

impl Line {
    /// Reads one line, without its line feed.
    pub fn parse(line: &[u8]) -> Result<Line, Broken> {
        if line.len() > LINE_BYTES_MAX {
            return Err(Broken::TooLong(line.len()));
        }
        let head: Head<'_> = serde_json::from_slice(line)?;
        match head.ev.as_ref() {
            "hello" => hello(serde_json::from_slice(line)?),
            "day" => day(serde_json::from_slice(line)?),
            "ready" => seat("ready", serde_json::from_slice(line)?, Event::Ready),
            "wrap" => seat("wrap", serde_json::from_slice(line)?, Event::Wrap),
            "pause" => seat("pause", serde_json::from_slice(line)?, Event::Pause),
            "logoff" => seat("logoff", serde_json::from_slice(line)?, Event::Logoff),
            "talk" => {
                let given: Given = serde_json::from_slice(line)?;
                let agent = seat_number("talk", given.agent)?;
                Ok(Line::Event(instant("talk", given.t)?, Event::Talk(agent, given.att)))
            }
            "dialed" => {
                let tried: Tried = serde_json::from_slice(line)?;
                Ok(Line::Event(instant("dialed", tried.t)?, Event::Dialed(tried.att)))
            }
            "abandoned" => {
                let tried: Tried = serde_json::from_slice(line)?;
                Ok(Line::Event(instant("abandoned", tried.t)?, Event::Abandoned(tried.att)))
            }
            "result" => {
                let ended: Ended = serde_json::from_slice(line)?;
                let event = Event::Result(ended.att, outcome(ended.out));
                Ok(Line::Event(instant("result", ended.t)?, event))
            }
            "tick" => {
                let asked: Asked = serde_json::from_slice(line)?;
                let free = checked(asked.free_lines <= LINES_MAX, "tick", "free_lines")
                    .map(|()| asked.free_lines as usize)?;
                Ok(Line::Tick(instant("tick", asked.t)?, free))
            }
            "day_end" => Ok(Line::DayEnd),
            "bye" => Ok(Line::Bye),
            _ => Ok(Line::Unknown),
        }
    }
}

fn hello(hello: Hello) -> Result<Line, Broken> {
    if hello.proto != "pacer/1" {
        return Err(Broken::OtherProtocol(hello.proto));
    }
    checked((0.0..=60.0).contains(&hello.connect_s), "hello", "connect_s")?;
    Ok(Line::Hello { connect_s: hello.connect_s })
}

fn day(day: NewDay) -> Result<Line, Broken> {
    checked((0.0..=INSTANT_S_MAX).contains(&day.end_s), "day", "end_s")?;
    if day.seats > SEATS_MAX as u64 {
        return Err(Broken::TooManySeats(day.seats));
    }
    checked(day.lines <= LINES_MAX, "day", "lines")?;
    checked((0.0..=1.0).contains(&day.cap), "day", "cap")?;
    checked((0.0..=600.0).contains(&day.ring_timeout_s), "day", "ring_timeout_s")?;
    Ok(Line::Day(Day {
        end_s: day.end_s,
        seats: day.seats as usize,
        lines: day.lines as usize,
        cap: day.cap,
        ring_timeout_s: day.ring_timeout_s,
        connect_s: 2.0,
    }))
}

fn seat(event: &'static str, seat: Seat, make: fn(usize) -> Event) -> Result<Line, Broken> {
    Ok(Line::Event(instant(event, seat.t)?, make(seat_number(event, seat.agent)?)))
}

fn outcome(out: Out) -> Outcome {
    match out {
        Out::Human => Outcome::Human,
        Out::Machine => Outcome::Machine,
        Out::NoAnswer => Outcome::NoAnswer,
        Out::Busy => Outcome::Busy,
        Out::Dead => Outcome::Dead,
    }
}

fn seat_number(event: &'static str, agent: u64) -> Result<usize, Broken> {
    checked(agent < SEATS_MAX as u64, event, "agent")?;
    Ok(agent as usize)
}

fn instant(event: &'static str, t_s: f64) -> Result<Tick, Broken> {
    checked((0.0..=INSTANT_S_MAX).contains(&t_s), event, "t")?;
    Ok(Tick((t_s * 1000.0).round() as u64))
}

fn checked(holds: bool, event: &'static str, field: &'static str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::Impossible { event, field }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_the_protocol_is_read() {
        let read = |line: &str| Line::parse(line.as_bytes()).unwrap();
        assert_eq!(
            read(r#"{"ev":"hello","proto":"pacer/1","tick_s":1.0,"connect_s":2.0,"new":[1]}"#),
            Line::Hello { connect_s: 2.0 }
        );
        assert_eq!(
            read(r#"{"ev":"talk","t":8.214,"agent":1,"att":7}"#),
            Line::Event(Tick(8214), Event::Talk(1, 7))
        );
        assert_eq!(
            read(r#"{"ev":"result","t":8.9,"att":0,"out":"noanswer"}"#),
            Line::Event(Tick(8900), Event::Result(0, Outcome::NoAnswer))
        );
        assert_eq!(read(r#"{"ev":"tick","t":1.0,"free_lines":16}"#), Line::Tick(Tick(1000), 16));
        assert_eq!(read(r#"{"ev":"weather","t":1.0}"#), Line::Unknown);
        assert_eq!(read(r#"{"ev":"bye"}"#), Line::Bye);
    }

    #[test]
    fn an_impossible_number_is_named_with_its_event_and_field() {
        let said = |line: &str| Line::parse(line.as_bytes()).unwrap_err().to_string();
        assert!(said(r#"{"ev":"ready","t":-1,"agent":1}"#).contains("impossible t in \"ready\""));
        assert!(said(r#"{"ev":"ready","t":1,"agent":512}"#).contains("impossible agent"));
        assert!(said(r#"{"ev":"tick","t":1}"#).contains("free_lines"));
        assert!(said(r#"{"ev":"hello","proto":"pacer/2","connect_s":2}"#).contains("pacer/2"));
        let day = r#"{"ev":"day","end_s":9,"seats":513,"lines":9,"cap":0.03,"ring_timeout_s":25}"#;
        assert!(said(day).contains("513 agents, pacing follows 512"));
        assert!(said("hello").contains("not pacer/1"));
        assert!(said(&" ".repeat(4097)).contains("4097 bytes"));
    }
}
