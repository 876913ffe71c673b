//! One span between our D-channel and libpri's, in real time, and the records of both.
//!
//! What becomes of a call is told by the last digit of the called number, in both directions, so that
//! both ends do their part without being told (see [`RULES`]). The calling number is the name of a
//! call: the test gives each its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use call::{Cause, LegPhase, Side as Who, Tick};
use peer::isdn::{Event, Faults, Options, Peer, Side, Wire};
use signal::q921::{Role, Settings};
use signal::q931::cause::to_value;
use signal::q931::dchannel::{
    CallId, CallSetup, ChannelState, ChannelWish, Config, DChannel, Output, Refused,
};
use signal::q931::wire::{NumberType, Party};

/// What libpri does with calls to us, by the last digit; ours is in [`Span::rang`].
///
/// | digit | the callee | the caller |
/// |---|---|---|
/// | 1 | answers and hangs up | |
/// | 2 | is busy (17) | |
/// | 3 | rings | gives up |
/// | 4 | answers | hangs up |
/// | 5 | rejects (21) | |
/// | 6 | plays something, then answers | hangs up |
/// | 7 | has no such number (1) | |
/// | 8 | answers and clears with 31 | |
const RULES: [&str; 8] = [
    "ending=1 alert=20 answer=60 hold=200",
    "ending=2 reject=17",
    "ending=3 alert=20 answer=-1",
    "ending=4 alert=20 answer=60",
    "ending=5 reject=21",
    "ending=6 progress=10 alert=30 inband=1 answer=80",
    "ending=7 reject=1",
    "ending=8 alert=20 answer=60 hold=150 clear=31",
];

/// T303, T308, T310 and T313 of both ends, in milliseconds.
const PATIENT_MS: u64 = 20_000;

/// How long who talks last before a hang-up, in milliseconds.
const TALK_MS: u64 = 200;

/// One end's story of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Time slot.
    pub channel: Option<u8>,
    /// Whether two parties could talk.
    pub answered: bool,
    /// Q.850 value.
    pub cause: u8,
    /// Whether this end cleared it.
    pub cleared_here: bool,
}

/// By whom and under which name a call was placed.
pub type Name = (bool, String);

/// What we do with a call later.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Progress,
    Alert,
    Answer,
    HangUp(Cause),
}

/// Our side of a call that is not over.
#[derive(Clone, Debug)]
struct Open {
    name: Name,
    called: String,
    answered: bool,
}

/// Both ends.
pub struct Span {
    pub us: DChannel,
    pub peer: Peer,
    pub wire: Wire,
    born: Instant,
    open: BTreeMap<CallId, Open>,
    diary: Vec<(Tick, CallId, Deed)>,
    /// Calls of the peer, by its numbers: under which name, whom.
    placed: BTreeMap<i64, (String, String)>,
    pub ours: BTreeMap<Name, Record>,
    pub theirs: BTreeMap<Name, Record>,
    pub up: bool,
    /// Everything else that we were told.
    pub facts: Vec<Output>,
    /// Everything else that the peer has told.
    pub events: Vec<Event>,
}

impl Span {
    /// A span whose link is up and quiet, with [`RULES`]. `side` is libpri's.
    pub fn start(side: Side, seed: u64, change: impl FnOnce(&mut Config)) -> Span {
        Span::with_rules(side, seed, &RULES, change)
    }

    /// The same with other rules.
    pub fn with_rules(
        side: Side,
        seed: u64,
        rules: &[&str],
        change: impl FnOnce(&mut Config),
    ) -> Span {
        let role = if side == Side::Network { Role::User } else { Role::Network };
        let mut config = Config::new(role);
        // A frame that is lost shall not cost a second of the test.
        config.link = Settings { t200_ms: 250, n200: 10, ..Settings::default() };
        // Nor shall a machine that has other things to do for some seconds end a call.
        (config.timers.t303_ms, config.timers.t308_ms) = (PATIENT_MS, PATIENT_MS);
        (config.timers.t310_ms, config.timers.t313_ms) = (PATIENT_MS, PATIENT_MS);
        change(&mut config);
        let options = Options { overlap: config.overlap, seed, ..Options::new(side) };
        let (mut peer, wire) = Peer::start(&options);
        for rule in rules {
            peer.tell(&format!("rule {rule}"));
        }
        peer.tell("timer N200 10");
        peer.tell("timer T200 250");
        for timer in ["T303", "T308", "T313"] {
            peer.tell(&format!("timer {timer} {PATIENT_MS}"));
        }
        let mut span = Span {
            us: DChannel::new(Tick(0), config),
            peer,
            wire,
            born: Instant::now(),
            open: BTreeMap::new(),
            diary: Vec::new(),
            placed: BTreeMap::new(),
            ours: BTreeMap::new(),
            theirs: BTreeMap::new(),
            up: false,
            facts: Vec::new(),
            events: Vec::new(),
        };
        span.settle();
        span.until("the link", |span| span.up && span.heard("up"));
        // Both begin at once, and the second SABME resets what was sent after the first: nothing is
        // sent before nothing comes any more.
        loop {
            let before = span.us.snapshot().link.counters.frames_in;
            span.run(400);
            if span.up && span.us.snapshot().link.counters.frames_in == before {
                assert!(!span.heard("refused"), "the peer does not know what it was told");
                return span;
            }
        }
    }

    /// Milliseconds since it was started.
    pub fn now(&self) -> Tick {
        Tick(u64::try_from(self.born.elapsed().as_millis()).unwrap())
    }

    /// Both ends spoil frames in both directions.
    pub fn spoil(&mut self, percent: u64) {
        self.wire.spoil(Faults { drop: percent, corrupt: percent, double: percent }, 7);
        self.peer.tell(&format!("faults drop={percent} corrupt={percent} double={percent}"));
    }

    /// Frames pass unharmed again.
    pub fn heal(&mut self) {
        self.wire.spoil(Faults::default(), 7);
        self.peer.tell("faults");
    }

    /// We call.
    pub fn place(
        &mut self,
        called: &str,
        name: &str,
        wish: ChannelWish,
    ) -> Result<CallId, Refused> {
        self.place_in_parts(called, name, wish, true)
    }

    /// We call a number of which more digits may follow.
    pub fn place_in_parts(
        &mut self,
        called: &str,
        name: &str,
        channel: ChannelWish,
        complete: bool,
    ) -> Result<CallId, Refused> {
        let setup = CallSetup {
            called: Some(Party::new(NumberType::Unknown, called)),
            calling: Some(Party::new(NumberType::National, name)),
            channel,
            complete,
            ..CallSetup::default()
        };
        let call = self.us.place(self.now(), setup)?;
        let name = (true, name.to_owned());
        self.open.insert(call, Open { name, called: called.to_owned(), answered: false });
        self.settle();
        Ok(call)
    }

    /// The peer calls. Whether it hangs up by itself is told by the number.
    pub fn peer_places(&mut self, called: &str, name: &str, more: &str) {
        let hold = if called.ends_with(['4', '6']) { TALK_MS } else { 0 };
        self.peer.tell(&format!("call called={called} from={name} hold={hold} {more}"));
    }

    /// Waits until the peer has placed one more call, without reading its frames.
    pub fn peer_has_placed(&mut self) {
        let placed = self.peer.wait("placed", Duration::from_secs(10));
        self.told(placed);
    }

    /// An order of ours.
    pub fn act(&mut self, act: impl FnOnce(&mut DChannel, Tick)) {
        let now = self.now();
        act(&mut self.us, now);
        self.settle();
    }

    /// How many of our calls are not over.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Our calls that two parties talk on.
    pub fn talking(&self) -> usize {
        self.open.values().filter(|open| open.answered).count()
    }

    /// Whether both ends have told the end of every call that they know.
    pub fn is_quiet(&self) -> bool {
        self.open.is_empty() && self.placed.is_empty() && self.ours.len() == self.theirs.len()
    }

    /// Whether the peer has told the end of so many calls.
    pub fn ended_there(&self, count: usize) -> bool {
        self.theirs.len() == count
    }

    /// What a time slot does.
    pub fn channel(&self, slot: u8) -> ChannelState {
        let channels = self.us.snapshot().channels;
        channels.iter().find(|(channel, _)| *channel == slot).unwrap().1
    }

    /// Whether the peer has told this; it is forgotten then.
    pub fn heard(&mut self, event: &str) -> bool {
        let at = self.events.iter().position(|told| told.name == event);
        at.map(|at| self.events.remove(at)).is_some()
    }

    /// Lets `ms` milliseconds pass.
    pub fn run(&mut self, ms: u64) {
        let until = Instant::now() + Duration::from_millis(ms);
        while Instant::now() < until {
            self.turn(until.saturating_duration_since(Instant::now()));
        }
    }

    /// Runs until it `looks` so.
    pub fn until(&mut self, what: &str, mut looks: impl FnMut(&mut Span) -> bool) {
        let until = Instant::now() + Duration::from_secs(60);
        while !looks(self) {
            let story = self.wire.story();
            assert!(
                Instant::now() < until,
                "no {what}: {:?} {:?} {:?}\n{:?}\n{:?}{story}",
                self.open,
                self.placed,
                self.us.snapshot(),
                self.ours,
                self.theirs
            );
            self.turn(Duration::from_millis(20));
        }
    }

    /// Waits at most so long for a frame, a timer or a deed, and does what comes of it.
    pub fn turn(&mut self, at_most: Duration) {
        let now = self.now();
        let timer = self.us.next_timeout().map(|(at, _)| at);
        let deed = self.diary.iter().map(|(at, ..)| *at).min();
        let due = timer.into_iter().chain(deed).min().map_or(u64::MAX, |at| at.since_ms(now));
        // The peer's words come by another way than its frames.
        let wait = Duration::from_millis(due.min(5)).min(at_most);
        if let Some(frame) = self.wire.receive(wait) {
            let now = self.now();
            self.us.handle_frame(now, &frame);
        }
        let now = self.now();
        self.us.handle_timeout(now);
        self.settle();
        while let Some(at) = self.diary.iter().position(|(at, ..)| *at <= now) {
            let (_, call, deed) = self.diary.remove(at);
            if self.open.contains_key(&call) {
                self.act(|us, now| match deed {
                    Deed::Progress => us.progress(now, call, true),
                    Deed::Alert => us.alert(now, call, false),
                    Deed::Answer => us.answer(now, call),
                    Deed::HangUp(cause) => us.hang_up(now, call, cause),
                });
            }
        }
        while let Some(event) = self.peer.next(Duration::ZERO) {
            self.told(event);
        }
    }

    fn later(&mut self, ms: u64, call: CallId, deed: Deed) {
        self.diary.push((self.now() + ms, call, deed));
    }

    fn settle(&mut self) {
        while let Some(output) = self.us.poll() {
            match output {
                Output::Send(frame) => self.wire.send(&frame),
                Output::Link { up } => self.up = up,
                Output::Incoming { call, channel, setup } => {
                    let name = setup.calling.map(|party| party.digits).unwrap_or_default();
                    let called = setup.called.map(|party| party.digits).unwrap_or_default();
                    let open = Open { name: (false, name), called, answered: false };
                    self.open.insert(call, open);
                    assert!((1..=31).contains(&channel));
                    if setup.complete {
                        self.rang(call);
                    }
                }
                Output::Digits { call, ref digits, complete } => {
                    if let Some(open) = self.open.get_mut(&call) {
                        open.called.push_str(digits);
                        // Eight digits are a whole number here.
                        if complete || open.called.len() == 8 {
                            self.rang(call);
                        }
                    }
                    self.facts.push(output);
                }
                Output::Phase { call, phase, cause, by, channel, .. } => {
                    self.phase(call, phase, cause, by, channel);
                    self.facts.push(output);
                }
                Output::Channel { .. } | Output::Display { .. } | Output::Counted(_) => {}
                Output::Error(_) => self.facts.push(output),
            }
        }
    }

    /// A call has come to us with a whole number.
    fn rang(&mut self, call: CallId) {
        self.act(|us, now| us.proceed(now, call, false));
        let called = self.open[&call].called.clone();
        match called.chars().last() {
            Some('1' | '4' | '8') => {
                self.later(20, call, Deed::Alert);
                self.later(60, call, Deed::Answer);
            }
            Some('2') => self.later(0, call, Deed::HangUp(Cause::UserBusy)),
            Some('3') => self.later(20, call, Deed::Alert),
            Some('5') => self.later(0, call, Deed::HangUp(Cause::CallRejected)),
            Some('6') => {
                self.later(10, call, Deed::Progress);
                self.later(30, call, Deed::Alert);
                self.later(80, call, Deed::Answer);
            }
            _ => self.later(0, call, Deed::HangUp(Cause::UnallocatedNumber)),
        }
    }

    fn phase(
        &mut self,
        call: CallId,
        phase: LegPhase,
        cause: Option<Cause>,
        by: Option<Who>,
        channel: Option<u8>,
    ) {
        let Some(open) = self.open.get_mut(&call) else { panic!("{call:?} is over: {phase:?}") };
        let last = open.called.chars().last();
        let (placed, _) = open.name;
        match phase {
            LegPhase::Alerting if placed && last == Some('3') => {
                self.later(TALK_MS, call, Deed::HangUp(Cause::NormalClearing));
            }
            LegPhase::Answered => {
                open.answered = true;
                match (placed, last) {
                    (true, Some('4' | '6')) | (false, Some('1')) => {
                        self.later(TALK_MS, call, Deed::HangUp(Cause::NormalClearing));
                    }
                    (false, Some('8')) => {
                        self.later(TALK_MS, call, Deed::HangUp(Cause::NormalUnspecified));
                    }
                    _ => {}
                }
            }
            LegPhase::Ended => {
                let record = Record {
                    channel,
                    answered: open.answered,
                    cause: to_value(cause.unwrap()),
                    cleared_here: by == Some(Who::Box),
                };
                let name = open.name.clone();
                self.open.remove(&call);
                assert_eq!(self.ours.insert(name.clone(), record), None, "{name:?} ended twice");
            }
            LegPhase::Idle
            | LegPhase::Seized
            | LegPhase::Dialing
            | LegPhase::Proceeding
            | LegPhase::Alerting
            | LegPhase::Releasing => {}
        }
    }

    fn told(&mut self, event: Event) {
        match event.name.as_str() {
            "placed" => {
                let names = (event.text("calling").to_owned(), event.text("called").to_owned());
                self.placed.insert(event.number("call"), names);
            }
            "alerting" => {
                let call = event.number("call");
                if self.placed.get(&call).is_some_and(|(_, called)| called.ends_with('3')) {
                    self.peer.tell(&format!("hangup {call} 16"));
                }
            }
            "record" => {
                let name = (event.text("direction") == "in", event.text("calling").to_owned());
                let record = Record {
                    channel: u8::try_from(event.number("channel")).ok(),
                    answered: event.number("answered") == 1,
                    cause: u8::try_from(event.number("cause")).unwrap(),
                    cleared_here: event.text("cleared") == "here",
                };
                self.placed.remove(&event.number("call"));
                // Whom they refuse for a channel's sake may come again on another.
                let again = |before: &Record| before.cause == 44 && before.cleared_here;
                let before = self.theirs.insert(name, record);
                assert!(before.as_ref().is_none_or(again), "{} and {before:?}", event.fields);
            }
            _ => self.events.push(event),
        }
    }

    /// Both ends tell the same of every call. Returns how many calls that were, by cause and by
    /// whether we cleared them.
    pub fn agree(&self) -> BTreeMap<(u8, bool), usize> {
        let mut kinds = BTreeMap::new();
        assert!(self.ours.keys().eq(self.theirs.keys()), "{:?}\n{:?}", self.ours, self.theirs);
        for (name, our) in &self.ours {
            let their = &self.theirs[name];
            let wire = self.wire.story();
            let story = format!("{name:?}\nours   {our:?}\ntheirs {their:?}{wire}");
            assert_eq!(our.channel, their.channel, "{story}");
            assert_eq!(our.answered, their.answered, "{story}");
            assert_eq!(our.cause, their.cause, "{story}");
            assert_ne!(our.cleared_here, their.cleared_here, "{story}");
            *kinds.entry((our.cause, our.cleared_here)).or_default() += 1;
        }
        kinds
    }

    /// Nothing is left at either end.
    pub fn is_clean(&mut self) -> bool {
        let snapshot = self.us.snapshot();
        self.peer.tell("count");
        self.until("the peer's count", |span| span.events.iter().any(|e| e.name == "count"));
        let at = self.events.iter().position(|event| event.name == "count").unwrap();
        let left = self.events.remove(at).number("calls");
        left == 0
            && snapshot.calls.is_empty()
            && snapshot.channels.iter().all(|(_, state)| *state == ChannelState::Idle)
    }
}
