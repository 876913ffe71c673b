//! A day on the floor: seats, lines, the queue of answers, in virtual milliseconds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use call::Tick;
use dialer::pacing::{Day, Event, Outcome};

use crate::draw::Draw;
use crate::world::{CONNECT_S, Fate, World};

/// Whoever decides how many to call.
pub trait Policy {
    /// A new day.
    fn start_day(&mut self, day: Day);
    /// Something happened.
    fn event(&mut self, now: Tick, event: Event);
    /// How many more to call now. `floor` is for those who may cheat.
    fn decide(&mut self, now: Tick, free_lines: usize, floor: &Floor<'_>) -> usize;
}

/// What an agent does, and when it will be over if the floor knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Not there.
    Away,
    /// Waits.
    Waits,
    /// Talks, and will be free after wrap-up at this millisecond.
    Talks(u64),
    /// Wraps up until this millisecond.
    Wraps(u64),
}

#[derive(Clone, Copy, Debug)]
struct Agent {
    doing: Doing,
    since: u64,
    break_due: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Comes(usize),
    Break(usize, u64),
    TalkEnds(usize),
    WrapEnds(usize),
    Resolves(u64),
    GivesUp(u64),
}

/// What a day came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Milliseconds of agents who waited while there was anybody to call.
    pub idle_ms: u64,
    /// Milliseconds of agents who talked or wrapped up in that time.
    pub busy_ms: u64,
    /// Answers that met an agent.
    pub connected: u64,
    /// Answers that met nobody in time, persons taken for machines included.
    pub abandoned: u64,
    /// Attempts.
    pub attempts: u64,
}

/// The floor on one day.
#[derive(Debug)]
pub struct Floor<'a> {
    world: &'a World,
    day: u64,
    now: u64,
    agents: Vec<Agent>,
    flight: BTreeMap<u64, (Fate, u64)>,
    waiting: VecDeque<(u64, u64, Fate)>,
    talking: usize,
    due: BinaryHeap<Reverse<(u64, u64, Due)>>,
    order: u64,
    told: Vec<(u64, Event)>,
    next: u64,
    closed: Option<u64>,
    sum: Sum,
}

impl<'a> Floor<'a> {
    /// The morning.
    pub fn new(world: &'a World, day: u64) -> Floor<'a> {
        let mut floor = Floor {
            world,
            day,
            now: 0,
            agents: vec![Agent { doing: Doing::Away, since: 0, break_due: None }; world.agents],
            flight: BTreeMap::new(),
            waiting: VecDeque::new(),
            talking: 0,
            due: BinaryHeap::new(),
            order: 0,
            told: Vec::new(),
            next: 0,
            closed: None,
            sum: Sum::default(),
        };
        let draw = Draw(world.seed ^ 0xF100);
        let (breaks, break_s) = world.breaks;
        for seat in 0..world.agents {
            let unit = |what| draw.unit(day, seat as u64, what);
            floor.at(unit(0) * 240.0, Due::Comes(seat));
            let part = world.end_s / f64::from(breaks + 1);
            for nth in 0..breaks {
                let at_s = part * (f64::from(nth) + 0.65 + 0.7 * unit(1 + u64::from(nth)));
                floor.at(at_s, Due::Break(seat, ms(break_s)));
            }
            let place = (seat as f64 + 0.5) / world.agents as f64;
            if let Some((at_s, _, length_s)) = world.exodus.filter(|exodus| place <= exodus.1) {
                floor.at(at_s + 90.0 * unit(50), Due::Break(seat, ms(length_s)));
            }
        }
        floor
    }

    /// Lets the day happen.
    pub fn run(mut self, policy: &mut dyn Policy, cap: f64) -> Sum {
        policy.start_day(Day {
            end_s: self.world.end_s,
            seats: self.world.agents,
            lines: self.world.lines,
            cap,
            ring_timeout_s: self.world.ring_timeout_s,
            connect_s: CONNECT_S,
        });
        let end = ms(self.world.end_s);
        for tick in (0..).map(|second: u64| second * 1000) {
            while let Some(&Reverse((at, _, due))) = self.due.peek() {
                if at > tick {
                    break;
                }
                self.due.pop();
                self.now = at;
                self.happen(due);
            }
            self.now = tick;
            for (at, event) in std::mem::take(&mut self.told) {
                policy.event(Tick(at), event);
            }
            if tick < end && self.closed.is_none() {
                let wanted = policy.decide(Tick(tick), self.free_lines(), &self);
                self.dial(wanted);
            } else if self.flight.is_empty() && self.waiting.is_empty() {
                break;
            }
        }
        for seat in 0..self.agents.len() {
            self.count(seat);
        }
        self.sum
    }

    /// The world.
    pub fn world(&self) -> &World {
        self.world
    }

    /// The number of the day.
    pub fn day(&self) -> u64 {
        self.day
    }

    /// What every agent does.
    pub fn doing(&self) -> impl Iterator<Item = Doing> + '_ {
        self.agents.iter().map(|agent| agent.doing)
    }

    /// The number of the next attempt.
    pub fn next_attempt(&self) -> u64 {
        self.next
    }

    /// The attempts in flight that will ask for an agent: when, and for how long (milliseconds).
    pub fn answers_coming(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let flying = self.flight.values().map(|&(fate, at)| (fate, at));
        let queued = self.waiting.iter().map(|&(_, at, fate)| (fate, at));
        flying.chain(queued).filter_map(|(fate, at)| takes_ms(fate).map(|length| (at, length)))
    }

    fn free_lines(&self) -> usize {
        let used = self.flight.len() + self.waiting.len() + self.talking;
        self.world.lines.saturating_sub(used)
    }

    fn dial(&mut self, wanted: usize) {
        for _ in 0..wanted.min(self.free_lines()) {
            if self.world.list.is_some_and(|list| self.next >= list) {
                self.close();
                return;
            }
            let (fate, after_s) = self.world.fate(self.day, self.next, self.now as f64 / 1000.0);
            let at = self.now + ms(after_s);
            self.flight.insert(self.next, (fate, at));
            self.put(at, Due::Resolves(self.next));
            self.told.push((self.now, Event::Dialed(self.next)));
            self.next += 1;
            self.sum.attempts += 1;
        }
    }

    /// The list is empty: from now on nobody waits through the fault of a policy.
    fn close(&mut self) {
        for seat in 0..self.agents.len() {
            self.count(seat);
        }
        self.closed = Some(self.now);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Comes(seat) => self.free(seat),
            Due::Break(seat, length) => match self.agents[seat].doing {
                Doing::Waits => self.leave(seat, length),
                Doing::Talks(_) | Doing::Wraps(_) => self.agents[seat].break_due = Some(length),
                Doing::Away => {}
            },
            Due::TalkEnds(seat) => {
                if let Doing::Talks(until) = self.agents[seat].doing {
                    self.talking -= 1;
                    self.set(seat, Doing::Wraps(until));
                    self.tell(Event::Wrap(seat));
                    self.put(until, Due::WrapEnds(seat));
                }
            }
            Due::WrapEnds(seat) => match self.agents[seat].break_due.take() {
                Some(length) => self.leave(seat, length),
                None => self.free(seat),
            },
            Due::Resolves(attempt) => self.resolve(attempt),
            Due::GivesUp(attempt) => {
                if let Some(at) = self.waiting.iter().position(|waiting| waiting.0 == attempt) {
                    self.waiting.remove(at);
                    self.sum.abandoned += 1;
                    self.tell(Event::Abandoned(attempt));
                }
            }
        }
    }

    fn resolve(&mut self, attempt: u64) {
        let Some((fate, _)) = self.flight.remove(&attempt) else { return };
        let outcome = match fate {
            Fate::Person(..) | Fate::Passed(..) => Outcome::Human,
            Fate::Machine | Fate::Missed => Outcome::Machine,
            Fate::NoAnswer => Outcome::NoAnswer,
            Fate::Busy => Outcome::Busy,
            Fate::Dead => Outcome::Dead,
        };
        self.sum.abandoned += u64::from(fate == Fate::Missed);
        self.tell(Event::Result(attempt, outcome));
        if outcome != Outcome::Human {
            return;
        }
        let longest = (0..self.agents.len())
            .filter(|&seat| self.agents[seat].doing == Doing::Waits)
            .min_by_key(|&seat| (self.agents[seat].since, seat));
        match longest {
            Some(seat) => self.connect(seat, attempt, fate),
            None => {
                self.waiting.push_back((attempt, self.now, fate));
                self.put(self.now + ms(CONNECT_S), Due::GivesUp(attempt));
            }
        }
    }

    fn free(&mut self, seat: usize) {
        self.set(seat, Doing::Waits);
        self.tell(Event::Ready(seat));
        if let Some((attempt, _, fate)) = self.waiting.pop_front() {
            self.connect(seat, attempt, fate);
        }
    }

    fn leave(&mut self, seat: usize, length: u64) {
        self.set(seat, Doing::Away);
        self.tell(Event::Pause(seat));
        self.put(self.now + length, Due::Comes(seat));
    }

    fn connect(&mut self, seat: usize, attempt: u64, fate: Fate) {
        let (Fate::Person(talk_s, wrap_s) | Fate::Passed(talk_s, wrap_s)) = fate else { return };
        self.set(seat, Doing::Talks(self.now + ms(talk_s) + ms(wrap_s)));
        self.talking += 1;
        self.sum.connected += 1;
        self.tell(Event::Talk(seat, attempt));
        self.put(self.now + ms(talk_s), Due::TalkEnds(seat));
    }

    fn set(&mut self, seat: usize, doing: Doing) {
        self.count(seat);
        self.agents[seat].doing = doing;
        self.agents[seat].since = self.now;
    }

    /// Books the time since the agent's last change, up to the end of the day or the list.
    fn count(&mut self, seat: usize) {
        let end = self.closed.unwrap_or(ms(self.world.end_s));
        let agent = self.agents[seat];
        let spent = self.now.min(end).saturating_sub(agent.since.min(end));
        match agent.doing {
            Doing::Waits => self.sum.idle_ms += spent,
            Doing::Talks(_) | Doing::Wraps(_) => self.sum.busy_ms += spent,
            Doing::Away => {}
        }
    }

    fn tell(&mut self, event: Event) {
        self.told.push((self.now, event));
    }

    fn at(&mut self, at_s: f64, due: Due) {
        self.put(ms(at_s), due);
    }

    fn put(&mut self, at: u64, due: Due) {
        self.order += 1;
        self.due.push(Reverse((at, self.order, due)));
    }
}

/// How long an attempt of this fate will keep an agent, if it asks for one.
pub fn takes_ms(fate: Fate) -> Option<u64> {
    match fate {
        Fate::Person(talk_s, wrap_s) | Fate::Passed(talk_s, wrap_s) => {
            Some(ms(talk_s) + ms(wrap_s))
        }
        Fate::Missed | Fate::Machine | Fate::NoAnswer | Fate::Busy | Fate::Dead => None,
    }
}

fn ms(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}
