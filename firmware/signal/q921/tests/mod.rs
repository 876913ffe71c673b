//! The machine against the tables of the standard, two machines over a bad wire, and one machine
//! against noise. Golden traces in octets stand in `tests/trace/isdn/q921`.

mod noise;
mod table;
mod wire;

use call::Tick;

use super::frame::{Frame, Seq, Supervision, Turn};
use super::*;

// A frame whose information exceeds N201 must come up here to be answered (§3.6.11 d).
const _: () = assert!(board_port::LONGEST_FRAME > 4 + crate::limits::Q921_N201_MAX);

/// SplitMix64: a test's only source of chance.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

fn drain(link: &mut Link) -> Vec<Output> {
    std::iter::from_fn(|| link.poll()).collect()
}

/// What must be true of a link at any time, whatever has happened to it.
fn assert_sound(link: &Link) {
    let seen = link.snapshot();
    let runs = link.next_timeout().map(|(_, timer)| timer);
    match seen.state {
        State::TeiAssigned => assert_eq!((runs, seen.queued), (None, 0), "{seen:?}"),
        State::AwaitingEstablishment | State::AwaitingRelease | State::TimerRecovery => {
            assert_eq!(runs, Some(Timer::T200), "{seen:?}");
        }
        State::MultipleFrameEstablished => {
            let asks = seen.in_flight > 0 || seen.peer_busy;
            let timer = if asks { Timer::T200 } else { Timer::T203 };
            assert_eq!(runs, Some(timer), "{seen:?}");
        }
    }
    assert!(link.t200.is_none() || link.t203.is_none(), "{seen:?}");
    assert!(seen.queued <= crate::limits::Q921_QUEUE_MAX, "{seen:?}");
    assert!(seen.in_flight <= seen.queued.min(usize::from(link.settings.k)), "{seen:?}");
}

/// A frame in words: `SABME1`, `UA1`, `RR c1 5` (a command with P = 1 and N(R) = 5), `REJ r0 2`,
/// `I 3 5 0` (N(S), N(R), P), `UI`, `XID`.
fn frame(words: &str) -> Frame<'static> {
    let parts: Vec<&str> = words.split(' ').collect();
    let number = |n: usize| Seq::new(parts[n].parse().unwrap());
    let info: &[u8] = b"\x08\x00\x7d";
    let s = || {
        let (turn, pf) = match parts[1] {
            "c0" => (Turn::Command, false),
            "c1" => (Turn::Command, true),
            "r0" => (Turn::Response, false),
            "r1" => (Turn::Response, true),
            other => panic!("{other}"),
        };
        Supervision { turn, nr: number(2), pf }
    };
    match parts[0] {
        "SABME1" => Frame::Sabme { p: true },
        "SABME0" => Frame::Sabme { p: false },
        "DISC1" => Frame::Disc { p: true },
        "DISC0" => Frame::Disc { p: false },
        "UA1" => Frame::Ua { f: true },
        "UA0" => Frame::Ua { f: false },
        "DM1" => Frame::Dm { f: true },
        "DM0" => Frame::Dm { f: false },
        "FRMR1" => Frame::Frmr { f: true, info },
        "UI" => Frame::Ui { p: false, info },
        "XID" => Frame::Xid { turn: Turn::Command, pf: true, info },
        "RR" => Frame::Rr(s()),
        "RNR" => Frame::Rnr(s()),
        "REJ" => Frame::Rej(s()),
        "I" => Frame::I { ns: number(1), nr: number(2), p: parts[3] == "1", info },
        other => panic!("{other}"),
    }
}

/// What a user's link said, in the same words; `up`, `down`, `data`, `!A` for the rest.
fn words(output: &Output) -> String {
    let octets = match output {
        Output::Send(octets) => octets,
        Output::Established(by) => return format!("up {by:?}"),
        Output::Released(why) => return format!("down {why:?}"),
        Output::Data(_) => return "data".to_owned(),
        Output::UnitData(_) => return "unit".to_owned(),
        Output::Error(code) => return format!("!{}", code.letter()),
        Output::QueueFull => return "full".to_owned(),
        Output::NoLink => return "nolink".to_owned(),
        Output::TooLong => return "long".to_owned(),
    };
    let s = |name: &str, s: Supervision| {
        let turn = if s.turn == Turn::Command { 'c' } else { 'r' };
        format!("{name} {turn}{} {}", u8::from(s.pf), s.nr.number())
    };
    match Frame::decode(octets, Role::User, 260).unwrap() {
        Frame::I { ns, nr, p, .. } => {
            format!("I {} {} {}", ns.number(), nr.number(), u8::from(p))
        }
        Frame::Rr(f) => s("RR", f),
        Frame::Rnr(f) => s("RNR", f),
        Frame::Rej(f) => s("REJ", f),
        Frame::Sabme { p } => format!("SABME{}", u8::from(p)),
        Frame::Dm { f } => format!("DM{}", u8::from(f)),
        Frame::Disc { p } => format!("DISC{}", u8::from(p)),
        Frame::Ua { f } => format!("UA{}", u8::from(f)),
        Frame::Frmr { .. } => panic!("FRMR is never sent"),
        Frame::Ui { .. } => "UI".to_owned(),
        Frame::Xid { .. } => "XID".to_owned(),
    }
}

/// A user's link, a clock, and the whole vocabulary.
struct Talk {
    link: Link,
    now: Tick,
}

impl Talk {
    fn new() -> Talk {
        Talk { link: Link::new(Role::User, Settings::default()), now: Tick::ZERO }
    }

    /// One happening in words: a frame of [`frame`], or `est`, `rel`, `data`, `unit`, `long`,
    /// `busy`, `ready`, `down`, `due` (the running timer fires), `bad` (an undefined frame).
    fn does(&mut self, event: &str) -> &mut Talk {
        let request = match event {
            "est" => Request::Establish,
            "rel" => Request::Release,
            "data" => Request::Data(vec![8]),
            "unit" => Request::UnitData(vec![8]),
            "long" => Request::Data(vec![8; 261]),
            "busy" => Request::Busy(true),
            "ready" => Request::Busy(false),
            "down" => {
                self.link.handle_layer1(self.now, false);
                return self;
            }
            "due" => {
                if let Some((at, _)) = self.link.next_timeout() {
                    self.now = at;
                }
                self.link.handle_timeout(self.now);
                return self;
            }
            "bad" => {
                self.link.handle_frame(self.now, &[2, 1, 0x0D, 0]);
                return self;
            }
            heard => {
                self.link.handle_frame(self.now, &frame(heard).encode(Role::Network));
                return self;
            }
        };
        self.link.handle_request(self.now, request);
        self
    }

    /// Everything said since, joined by commas.
    fn said(&mut self) -> String {
        assert_sound(&self.link);
        drain(&mut self.link).iter().map(words).collect::<Vec<_>>().join(", ")
    }

    #[track_caller]
    fn says(&mut self, expected: &str) -> &mut Talk {
        let said = self.said();
        assert_eq!(said, expected, "at {} in {:?}", self.now, self.link.snapshot());
        self
    }

    /// Several happenings, joined by semicolons; what is said is not looked at.
    fn after(&mut self, events: &str) -> &mut Talk {
        for event in events.split("; ").filter(|e| !e.is_empty()) {
            self.does(event).said();
        }
        self
    }
}
