//! The order of the conversation: hello, days of events and ticks, bye.

use call::Tick;
use dialer::pacing::{Event, Pacer};

use crate::wire::{Broken, Line};

/// What is written back after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Silence,
    /// The greeting.
    Welcome,
    /// How many attempts to start now.
    Dial(usize),
    /// The driver said goodbye: the program ends well.
    Farewell,
}

impl Reply {
    /// The line to write, without its line feed, if there is one.
    pub fn emit(self) -> Option<String> {
        match self {
            Reply::Silence | Reply::Farewell => None,
            Reply::Welcome => Some(r#"{"ok":"pacer/1","name":"linebox"}"#.to_owned()),
            Reply::Dial(dials) => Some(format!("{{\"dial\":{dials}}}")),
        }
    }
}

/// Why the conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A line is not understood.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A line came before what it needs.
    #[error("the driver sent {sent} before {needs}; check the driver")]
    TooEarly {
        /// What came.
        sent: &'static str,
        /// What should have come first.
        needs: &'static str,
    },
    /// An instant lies before one already told.
    #[error("the driver went back in time, from {last} to {told}; check the driver")]
    BackInTime {
        /// The latest instant so far.
        last: Tick,
        /// The instant of this line.
        told: Tick,
    },
    /// A seat that the day does not have.
    #[error("the driver named agent {0}, and the day has fewer seats; check the driver")]
    NoSuchSeat(usize),
    /// An attempt that nobody has dialled today.
    #[error("the driver named attempt {0}, and it was not dialled today; check the driver")]
    NoSuchAttempt(u64),
    /// Numbers of attempts grow.
    #[error("the driver dialled attempt {told} after attempt {last}; check the driver")]
    NumberNotGrown {
        /// The highest number of today so far.
        last: u64,
        /// The number of this line.
        told: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Silent,
    Greeted,
    InDay,
    AfterDay,
}

/// One run of the protocol.
#[derive(Clone, Debug)]
pub struct Session {
    pacer: Pacer,
    phase: Phase,
    connect_s: f64,
    seats: usize,
    last: Tick,
    /// The highest attempt of today.
    dialed: Option<u64>,
}

impl Default for Session {
    fn default() -> Session {
        Session::new()
    }
}

impl Session {
    /// Nothing said yet.
    pub fn new() -> Session {
        Session {
            pacer: Pacer::default(),
            phase: Phase::Silent,
            connect_s: 2.0,
            seats: 0,
            last: Tick::ZERO,
            dialed: None,
        }
    }

    /// Takes one line (without its line feed) and gives what to answer.
    pub fn handle_line(&mut self, line: &[u8]) -> Result<Reply, Refused> {
        match Line::parse(line)? {
            Line::Hello { connect_s } => {
                self.connect_s = connect_s;
                self.phase = Phase::Greeted;
                Ok(Reply::Welcome)
            }
            Line::Day(day) => {
                if self.phase == Phase::Silent {
                    return Err(Refused::TooEarly { sent: "day", needs: "hello" });
                }
                self.pacer.start_day(dialer::pacing::Day { connect_s: self.connect_s, ..day });
                (self.phase, self.seats, self.last) = (Phase::InDay, day.seats, Tick::ZERO);
                self.dialed = None;
                Ok(Reply::Silence)
            }
            Line::Event(at, event) => {
                self.in_day("an event")?;
                self.forward(at)?;
                if let Some(seat) = seat_of(event).filter(|&seat| seat >= self.seats) {
                    return Err(Refused::NoSuchSeat(seat));
                }
                self.check_attempt(event)?;
                self.pacer.handle_event(at, event);
                Ok(Reply::Silence)
            }
            Line::Tick(at, free_lines) => {
                self.in_day("tick")?;
                self.forward(at)?;
                Ok(Reply::Dial(self.pacer.decide(at, free_lines).dials))
            }
            Line::DayEnd => {
                self.in_day("day_end")?;
                self.phase = Phase::AfterDay;
                Ok(Reply::Silence)
            }
            Line::Bye => Ok(Reply::Farewell),
            Line::Unknown => Ok(Reply::Silence),
        }
    }

    fn in_day(&self, sent: &'static str) -> Result<(), Refused> {
        match self.phase {
            Phase::InDay => Ok(()),
            Phase::Silent | Phase::Greeted | Phase::AfterDay => {
                Err(Refused::TooEarly { sent, needs: "day" })
            }
        }
    }

    fn check_attempt(&mut self, event: Event) -> Result<(), Refused> {
        match event {
            Event::Dialed(told) => match self.dialed.replace(told) {
                Some(last) if last >= told => Err(Refused::NumberNotGrown { last, told }),
                Some(_) | None => Ok(()),
            },
            Event::Talk(_, attempt) | Event::Result(attempt, _) | Event::Abandoned(attempt) => {
                match self.dialed {
                    Some(last) if attempt <= last => Ok(()),
                    Some(_) | None => Err(Refused::NoSuchAttempt(attempt)),
                }
            }
            Event::Ready(_) | Event::Wrap(_) | Event::Pause(_) | Event::Logoff(_) => Ok(()),
        }
    }

    fn forward(&mut self, at: Tick) -> Result<(), Refused> {
        if at < self.last {
            return Err(Refused::BackInTime { last: self.last, told: at });
        }
        self.last = at;
        Ok(())
    }
}

fn seat_of(event: Event) -> Option<usize> {
    match event {
        Event::Ready(seat)
        | Event::Talk(seat, _)
        | Event::Wrap(seat)
        | Event::Pause(seat)
        | Event::Logoff(seat) => Some(seat),
        Event::Dialed(_) | Event::Result(..) | Event::Abandoned(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    thread_local! {
        /// Its prices are solved once for all cases of a test.
        static FRESH: Session = Session::new();
    }

    fn fresh() -> Session {
        FRESH.with(Session::clone)
    }

    fn talk(lines: &[&str]) -> Vec<Result<Reply, String>> {
        let mut session = fresh();
        lines
            .iter()
            .map(|line| session.handle_line(line.as_bytes()).map_err(|refused| refused.to_string()))
            .collect()
    }

    const HELLO: &str = r#"{"ev":"hello","proto":"pacer/1","tick_s":1.0,"connect_s":2.0}"#;
    const DAY: &str = r#"{"ev":"day","t":0.0,"day":0,"end_s":28800.0,"seats":2,"lines":16,"cap":0.03,"ring_timeout_s":25.0}"#;

    #[test]
    fn the_conversation_of_the_protocol_text() {
        let said = talk(&[
            HELLO,
            DAY,
            r#"{"ev":"tick","t":0.000,"free_lines":16}"#,
            r#"{"ev":"ready","t":0.412,"agent":1}"#,
            r#"{"ev":"tick","t":1.000,"free_lines":16}"#,
        ]);
        assert_eq!(said[0], Ok(Reply::Welcome));
        assert_eq!(said[1], Ok(Reply::Silence));
        assert_eq!(said[2], Ok(Reply::Dial(0)), "nobody is there");
        assert!(matches!(said[4], Ok(Reply::Dial(dials)) if (1..=16).contains(&dials)));
    }

    #[test]
    fn an_answer_that_waits_is_served_before_anybody_else_is_called() {
        let said = talk(&[
            HELLO,
            DAY,
            r#"{"ev":"ready","t":0.412,"agent":1}"#,
            r#"{"ev":"dialed","t":1.0,"att":0}"#,
            r#"{"ev":"dialed","t":1.0,"att":1}"#,
            r#"{"ev":"result","t":8.0,"att":0,"out":"human"}"#,
            r#"{"ev":"talk","t":8.0,"agent":1,"att":0}"#,
            r#"{"ev":"result","t":8.5,"att":1,"out":"human"}"#,
            r#"{"ev":"tick","t":9.0,"free_lines":14}"#,
            r#"{"ev":"abandoned","t":10.5,"att":1}"#,
            r#"{"ev":"day_end","t":28830.0}"#,
            r#"{"ev":"bye"}"#,
        ]);
        assert_eq!(said[8], Ok(Reply::Dial(0)));
        assert_eq!(said[11], Ok(Reply::Farewell));
    }

    #[test]
    fn what_comes_too_early_or_from_the_past_is_refused() {
        assert!(talk(&[DAY])[0].as_ref().unwrap_err().contains("before hello"));
        let early = talk(&[HELLO, r#"{"ev":"tick","t":1,"free_lines":1}"#]);
        assert!(early[1].as_ref().unwrap_err().contains("before day"));
        let back = talk(&[
            HELLO,
            DAY,
            r#"{"ev":"ready","t":5,"agent":1}"#,
            r#"{"ev":"ready","t":4,"agent":0}"#,
        ]);
        assert!(back[3].as_ref().unwrap_err().contains("back in time"));
        let seat = talk(&[HELLO, DAY, r#"{"ev":"ready","t":5,"agent":2}"#]);
        assert!(seat[2].as_ref().unwrap_err().contains("agent 2"));
    }

    #[test]
    fn attempts_that_were_not_dialled_today_are_refused() {
        let dialed = |att: u32| format!(r#"{{"ev":"dialed","t":1.0,"att":{att}}}"#);
        let result = r#"{"ev":"result","t":1.0,"att":1,"out":"busy"}"#;
        let said = talk(&[HELLO, DAY, &dialed(0), &dialed(1), result, &dialed(1)]);
        assert_eq!(said[4], Ok(Reply::Silence));
        assert!(said[5].as_ref().unwrap_err().contains("attempt 1 after attempt 1"));
        let unknown = talk(&[HELLO, DAY, &dialed(0), result]);
        assert!(unknown[3].as_ref().unwrap_err().contains("attempt 1, and it was not dialled"));
        let yesterday = talk(&[HELLO, DAY, &dialed(0), &dialed(1), DAY, result]);
        assert!(yesterday[5].as_ref().unwrap_err().contains("not dialled today"));
    }

    /// Lines that are almost right: every event, with numbers from sane to absurd.
    fn near_line() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "ready",
            "talk",
            "wrap",
            "pause",
            "logoff",
            "dialed",
            "result",
            "abandoned",
            "tick",
            "day",
            "day_end",
            "hello",
            "other",
        ]);
        let out = prop::sample::select(vec!["human", "machine", "noanswer", "busy", "dead", "x"]);
        let number = prop_oneof![
            6 => (0u32..6).prop_map(f64::from),
            2 => 0.0f64..30_000.0,
            1 => any::<f64>().prop_filter("json has no nan", |x| x.is_finite()),
        ];
        (word, out, number.clone(), number.clone(), number).prop_map(|(ev, out, t, a, b)| {
            format!(
                concat!(
                    r#"{{"ev":"{ev}","t":{t:?},"agent":{a:.0},"att":{b:.0},"out":"{out}","#,
                    r#""free_lines":{a:.0},"end_s":{t:?},"seats":{a:.0},"lines":{b:.0},"#,
                    r#""cap":0.03,"ring_timeout_s":25.0,"proto":"pacer/1","connect_s":2.0}}"#
                ),
                ev = ev,
                out = out,
                t = t,
                a = a,
                b = b
            )
        })
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(lines in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..200), 0..20)) {
            let mut session = fresh();
            for line in &lines {
                let _ = session.handle_line(line);
            }
        }

        #[test]
        fn nearly_right_lines_never_panic_nor_dial_beyond_the_free_lines(
            lines in prop::collection::vec(near_line(), 0..200)) {
            let mut session = fresh();
            let _ = session.handle_line(HELLO.as_bytes());
            let _ = session.handle_line(DAY.as_bytes());
            for line in &lines {
                if let Ok(Reply::Dial(dials)) = session.handle_line(line.as_bytes()) {
                    let Ok(Line::Tick(_, free)) = Line::parse(line.as_bytes()) else {
                        panic!("a dial without a tick");
                    };
                    prop_assert!(dials <= free);
                }
            }
        }

        #[test]
        fn the_same_lines_give_the_same_answers(
            lines in prop::collection::vec(near_line(), 0..100)) {
            let run = || {
                let mut session = fresh();
                let _ = session.handle_line(HELLO.as_bytes());
                let _ = session.handle_line(DAY.as_bytes());
                lines.iter().map(|l| format!("{:?}", session.handle_line(l.as_bytes())))
                    .collect::<Vec<_>>()
            };
            prop_assert_eq!(run(), run());
        }
    }
}
