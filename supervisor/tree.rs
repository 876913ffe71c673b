//! The process tree as a table: state and event give the next state and what to do.
//!
//! One process, in order of its life:
//!
//! ```text
//!   Down ──Start──► Queued ──Turn──► Starting ──Ready──► Up ◄─┐ Beat
//!    ▲                 ▲  spawn      │   │  ▲            │ │ └──┘
//!    │                 │             │   │  └─Timeout──┐ │ │
//!    │                 │     Timeout │   └──Died──► Backoff ◄── Died
//!    │                 │       abort ▼                 ▲  │
//!    │                 │         Aborting ─────Died────┘  │ Timeout (watchdog): abort
//!    │                 │             ▲                    │
//!    │                 │             └────────────────────┘
//!    └──Died── Stopping ◄──Stop (from every state that has a process): TERM, then KILL
//! ```
//!
//! `Refused` is the end of a process whose settings cannot work; it takes the whole tree down.
//!
//! The tree above the table decides only order: a process gets its turn when nobody before it is
//! still starting, and is told to stop when everybody behind it is down. A predecessor that fails
//! holds nobody back: the console must come up to say what is wrong with the line side.
//!
//! Never here: a clock, a process id that is acted upon, a wait. Readiness is one newline on a
//! descriptor, as in s6; every byte after it is a sign of life.

use std::collections::VecDeque;

use crate::limits::{BACKOFF_FIRST_MS, BACKOFF_MAX_MS, OUTPUTS, REFUSALS_MAX, SETTLED_MS};

/// Milliseconds on a clock that only goes forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub u64);

impl Tick {
    fn after(self, ms: u64) -> Tick {
        Tick(self.0.saturating_add(ms))
    }

    fn since(self, earlier: Tick) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What one process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing runs and nothing is wanted.
    Down,
    /// Wanted; waits until those before it have started.
    Queued,
    /// A copy runs and has not said that it is ready.
    Starting,
    /// A copy runs and has said so.
    Up,
    /// A copy was silent too long and has been told to die; another is wanted.
    Aborting,
    /// A copy has been told to end; no other is wanted.
    Stopping,
    /// No copy runs; the next starts after a delay.
    Backoff,
    /// No copy runs, and none will: its settings cannot work.
    Refused,
}

impl State {
    /// Every state, for tests and tables.
    pub const ALL: [State; 8] = [
        State::Down,
        State::Queued,
        State::Starting,
        State::Up,
        State::Aborting,
        State::Stopping,
        State::Backoff,
        State::Refused,
    ];

    /// True while a copy of the process exists.
    pub fn has_process(self) -> bool {
        match self {
            State::Starting | State::Up | State::Aborting | State::Stopping => true,
            State::Down | State::Queued | State::Backoff | State::Refused => false,
        }
    }

    /// The word that people and the health page read.
    pub fn name(self) -> &'static str {
        match self {
            State::Down => "down",
            State::Queued => "queued",
            State::Starting => "starting",
            State::Up => "up",
            State::Aborting => "aborting",
            State::Stopping => "stopping",
            State::Backoff => "backoff",
            State::Refused => "refused",
        }
    }
}

/// What can happen to one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is wanted.
    Start,
    /// Those before it have started.
    Turn,
    /// The first newline on its readiness descriptor.
    Ready,
    /// A later byte there: it lives.
    Beat,
    /// It ended, or could not be started, in a way that a restart may cure.
    Died,
    /// It ended, or could not be started, in a way that a restart will not cure.
    Refused,
    /// The one timer that its state has set.
    Timeout,
    /// It is no longer wanted.
    Stop,
}

impl Event {
    /// Every event, for tests and tables.
    pub const ALL: [Event; 8] = [
        Event::Start,
        Event::Turn,
        Event::Ready,
        Event::Beat,
        Event::Died,
        Event::Refused,
        Event::Timeout,
        Event::Stop,
    ];
}

/// Why the next wake-up of a process exists. A state has at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// `Starting`: readiness is overdue.
    Ready,
    /// `Up`: no sign of life for the time that the model allows; not set if it allows any.
    Watchdog,
    /// `Aborting` and `Stopping`: it did not die of what it was sent, so it is killed.
    Grace,
    /// `Backoff`: the next copy is due.
    Delay,
}

/// What the table asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Start a copy.
    Spawn,
    /// Send SIGTERM: end in order.
    Term,
    /// Send SIGABRT: a hung copy leaves a core for whoever looks.
    Abort,
    /// Send SIGKILL.
    Kill,
    /// Set the timer, replacing the one that was set.
    Arm(Timer),
    /// Clear the timer.
    Disarm,
    /// Take the whole tree down.
    Halt,
    /// This event has no meaning here; it is told with both names and dropped.
    Odd,
}

/// The whole policy of one process: what it does next on each event in each state.
#[rustfmt::skip]
pub fn step(state: State, event: Event) -> (State, &'static [Act]) {
    use Act::{Abort, Arm, Disarm, Halt, Kill, Odd, Spawn, Term};
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Down, E::Start)         => (S::Queued, &[]),
        (S::Down, E::Stop)          => (S::Down, &[]),
        (S::Down, E::Turn | E::Ready | E::Beat | E::Died | E::Refused | E::Timeout)
                                    => (S::Down, &[Odd]),

        (S::Queued, E::Turn)        => (S::Starting, &[Spawn, Arm(Timer::Ready)]),
        (S::Queued, E::Stop)        => (S::Down, &[]),
        (S::Queued, E::Start)       => (S::Queued, &[]),
        (S::Queued, E::Ready | E::Beat | E::Died | E::Refused | E::Timeout)
                                    => (S::Queued, &[Odd]),

        (S::Starting, E::Ready)     => (S::Up, &[Arm(Timer::Watchdog)]),
        (S::Starting, E::Died)      => (S::Backoff, &[Arm(Timer::Delay)]),
        (S::Starting, E::Refused)   => (S::Refused, &[Disarm, Halt]),
        (S::Starting, E::Timeout)   => (S::Aborting, &[Abort, Arm(Timer::Grace)]),
        (S::Starting, E::Stop)      => (S::Stopping, &[Term, Arm(Timer::Grace)]),
        (S::Starting, E::Start)     => (S::Starting, &[]),
        (S::Starting, E::Turn | E::Beat)
                                    => (S::Starting, &[Odd]),

        (S::Up, E::Beat)            => (S::Up, &[Arm(Timer::Watchdog)]),
        (S::Up, E::Died)            => (S::Backoff, &[Arm(Timer::Delay)]),
        (S::Up, E::Refused)         => (S::Refused, &[Disarm, Halt]),
        (S::Up, E::Timeout)         => (S::Aborting, &[Abort, Arm(Timer::Grace)]),
        (S::Up, E::Stop)            => (S::Stopping, &[Term, Arm(Timer::Grace)]),
        (S::Up, E::Start)           => (S::Up, &[]),
        (S::Up, E::Turn | E::Ready) => (S::Up, &[Odd]),

        // What it says while it dies comes too late to matter.
        (S::Aborting, E::Ready | E::Beat | E::Start)
                                    => (S::Aborting, &[]),
        (S::Aborting, E::Died | E::Refused)
                                    => (S::Backoff, &[Arm(Timer::Delay)]),
        (S::Aborting, E::Timeout)   => (S::Aborting, &[Kill, Arm(Timer::Grace)]),
        // Its abort is under way; the grace that runs will kill it.
        (S::Aborting, E::Stop)      => (S::Stopping, &[]),
        (S::Aborting, E::Turn)      => (S::Aborting, &[Odd]),

        (S::Stopping, E::Ready | E::Beat | E::Stop)
                                    => (S::Stopping, &[]),
        (S::Stopping, E::Died | E::Refused)
                                    => (S::Down, &[Disarm]),
        (S::Stopping, E::Timeout)   => (S::Stopping, &[Kill, Arm(Timer::Grace)]),
        (S::Stopping, E::Start | E::Turn)
                                    => (S::Stopping, &[Odd]),

        (S::Backoff, E::Timeout)    => (S::Starting, &[Spawn, Arm(Timer::Ready)]),
        (S::Backoff, E::Stop)       => (S::Down, &[Disarm]),
        (S::Backoff, E::Start)      => (S::Backoff, &[]),
        (S::Backoff, E::Turn | E::Ready | E::Beat | E::Died | E::Refused)
                                    => (S::Backoff, &[Odd]),

        (S::Refused, E::Stop)       => (S::Down, &[]),
        (S::Refused, E::Start)      => (S::Refused, &[]),
        (S::Refused, E::Turn | E::Ready | E::Beat | E::Died | E::Refused | E::Timeout)
                                    => (S::Refused, &[Odd]),
    }
}

/// Which process, by its place in the order of starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Which(pub usize);

/// Which life of a process, 1 for its first copy. What an earlier copy still says is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(pub u32);

/// What the model allows one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// From start to readiness, in milliseconds.
    pub ready_ms: u64,
    /// Longest silence in milliseconds; `None` if silence is allowed.
    pub watchdog_ms: Option<u64>,
    /// From SIGTERM or SIGABRT to SIGKILL, in milliseconds.
    pub grace_ms: u64,
}

/// Everything that the tree can ask of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Start this copy. Answered by `handle_spawned`, or by `handle_died` if it cannot be.
    Spawn(Which, Life),
    /// Send SIGTERM to this copy.
    Term(Which, Life),
    /// Send SIGABRT to this copy.
    Abort(Which, Life),
    /// Send SIGKILL to this copy.
    Kill(Which, Life),
    /// A process changed its state; the snapshot is worth writing.
    Changed(Which, State),
    /// An event had no meaning in this state.
    Odd(Which, State, Event),
    /// Every process is down and none is wanted.
    Finished(Verdict),
}

/// Why the tree ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was asked to.
    Stopped,
    /// The settings of this process cannot work.
    Refused(Which),
}

/// How a copy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By any signal or exit code that a restart may cure.
    Curable,
    /// With [`crate::EX_CONFIG`], or the program is not there.
    BadSetting,
}

/// One process as the health page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: State,
    /// Process id of the copy that runs.
    pub pid: Option<u32>,
    /// Copies started after the first.
    pub restarts: u32,
    /// When it entered its state.
    pub since: Tick,
}

#[derive(Clone, Debug)]
struct Process {
    name: String,
    policy: Policy,
    state: State,
    since: Tick,
    timer: Option<(Tick, Timer)>,
    copy: Life,
    pid: Option<u32>,
    /// When the running copy said that it was ready.
    ready_at: Option<Tick>,
    /// True once any copy was ready: its settings have worked.
    has_been_up: bool,
    /// Deaths in a row without a settled run between them.
    streak: u32,
    /// Exits with a bad setting in a row, since a run that settled.
    refusals: u32,
}

/// The processes in order of starting.
#[derive(Clone, Debug)]
pub struct Tree {
    processes: Vec<Process>,
    /// `None` while the tree is to run.
    end: Option<Verdict>,
    finished: bool,
    outputs: VecDeque<Output>,
}

impl Tree {
    /// A tree of processes in order of starting; nothing runs yet.
    pub fn new(processes: Vec<(String, Policy)>) -> Self {
        let make = |(name, policy)| Process {
            name,
            policy,
            state: State::Down,
            since: Tick(0),
            timer: None,
            copy: Life(0),
            pid: None,
            ready_at: None,
            has_been_up: false,
            streak: 0,
            refusals: 0,
        };
        Tree {
            processes: processes.into_iter().map(make).collect(),
            end: None,
            finished: false,
            outputs: VecDeque::with_capacity(OUTPUTS),
        }
    }

    /// Starts everything, in order.
    pub fn handle_start(&mut self, now: Tick) {
        for at in 0..self.processes.len() {
            self.apply(now, at, Event::Start);
        }
        self.advance(now);
    }

    /// The copy runs under this process id.
    pub fn handle_spawned(&mut self, which: Which, copy: Life, pid: u32) {
        if let Some(process) = self.running(which, copy) {
            process.pid = Some(pid);
        }
    }

    /// The copy wrote its newline.
    pub fn handle_ready(&mut self, now: Tick, which: Which, copy: Life) {
        if let Some(process) = self.running(which, copy) {
            process.ready_at = Some(now);
            process.has_been_up = true;
            self.apply(now, which.0, Event::Ready);
            self.advance(now);
        }
    }

    /// The copy wrote a further byte.
    pub fn handle_beat(&mut self, now: Tick, which: Which, copy: Life) {
        if self.running(which, copy).is_some() {
            self.apply(now, which.0, Event::Beat);
        }
    }

    /// The copy ended and has been waited for, or it could not be started.
    pub fn handle_died(&mut self, now: Tick, which: Which, copy: Life, ending: Ending) {
        let Some(process) = self.running(which, copy) else { return };
        let event = process.account_for_death(now, ending);
        self.apply(now, which.0, event);
        self.advance(now);
    }

    /// Stops everything, in reverse order.
    pub fn handle_stop(&mut self, now: Tick) {
        self.end.get_or_insert(Verdict::Stopped);
        self.advance(now);
    }

    /// Fires every timer that is due.
    pub fn handle_timeout(&mut self, now: Tick) {
        for at in 0..self.processes.len() {
            let due = self.processes[at].timer.filter(|(when, _)| *when <= now);
            if due.is_some() {
                self.processes[at].timer = None;
                self.apply(now, at, Event::Timeout);
            }
        }
        self.advance(now);
    }

    /// The next thing to do; drained to `None` after every input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call `handle_timeout`, and which timer asks for it.
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.processes.iter().filter_map(|p| p.timer).min_by_key(|(when, _)| *when)
    }

    /// Every process as it is now.
    pub fn snapshot(&self) -> Vec<Snapshot> {
        let one = |process: &Process| Snapshot {
            name: process.name.clone(),
            state: process.state,
            pid: process.pid,
            restarts: process.copy.0.saturating_sub(1),
            since: process.since,
        };
        self.processes.iter().map(one).collect()
    }

    /// The process, if this very copy of it exists.
    fn running(&mut self, which: Which, copy: Life) -> Option<&mut Process> {
        let process = self.processes.get_mut(which.0)?;
        (process.copy == copy && process.state.has_process()).then_some(process)
    }

    /// One turn of the table.
    fn apply(&mut self, now: Tick, at: usize, event: Event) {
        let Some(process) = self.processes.get_mut(at) else { return };
        let before = process.state;
        let (state, acts) = step(before, event);
        process.state = state;
        if !state.has_process() {
            process.pid = None;
            process.ready_at = None;
        }
        for act in acts {
            match act {
                Act::Spawn => {
                    process.copy = Life(process.copy.0.saturating_add(1));
                    self.outputs.push_back(Output::Spawn(Which(at), process.copy));
                }
                Act::Term => self.outputs.push_back(Output::Term(Which(at), process.copy)),
                Act::Abort => self.outputs.push_back(Output::Abort(Which(at), process.copy)),
                Act::Kill => self.outputs.push_back(Output::Kill(Which(at), process.copy)),
                Act::Arm(timer) => process.arm(now, *timer),
                Act::Disarm => process.timer = None,
                Act::Halt => {
                    self.end.get_or_insert(Verdict::Refused(Which(at)));
                }
                Act::Odd => self.outputs.push_back(Output::Odd(Which(at), before, event)),
            }
        }
        if state != before {
            process.since = now;
            self.outputs.push_back(Output::Changed(Which(at), state));
        }
    }

    /// Gives the next process its turn, forward while running and backward while stopping.
    fn advance(&mut self, now: Tick) {
        match self.end {
            None => {
                let starting = |p: &Process| p.state == State::Starting;
                while let Some(next) = self.processes.iter().position(|p| p.state == State::Queued)
                    && !self.processes.iter().take(next).any(starting)
                {
                    self.apply(now, next, Event::Turn);
                }
            }
            Some(verdict) => self.retreat(now, verdict),
        }
    }

    fn retreat(&mut self, now: Tick, verdict: Verdict) {
        for at in 0..self.processes.len() {
            // A copy that is not there must not come back while the others stop.
            if !self.processes[at].state.has_process() {
                self.apply(now, at, Event::Stop);
            }
        }
        let Some(last) = self.processes.iter().rposition(|p| p.state != State::Down) else {
            if !self.finished {
                self.finished = true;
                self.outputs.push_back(Output::Finished(verdict));
            }
            return;
        };
        if self.processes[last].state != State::Stopping {
            self.apply(now, last, Event::Stop);
        }
    }
}

impl Process {
    fn arm(&mut self, now: Tick, timer: Timer) {
        let ms = match timer {
            Timer::Ready => Some(self.policy.ready_ms),
            Timer::Watchdog => self.policy.watchdog_ms,
            Timer::Grace => Some(self.policy.grace_ms),
            Timer::Delay => Some(delay_ms(self.streak)),
        };
        self.timer = ms.map(|ms| (now.after(ms), timer));
    }

    /// Counts a death, and says which event of the table it is.
    fn account_for_death(&mut self, now: Tick, ending: Ending) -> Event {
        let settled = self.ready_at.is_some_and(|at| now.since(at) >= SETTLED_MS);
        if settled {
            self.streak = 0;
            self.refusals = 0;
        }
        self.streak = self.streak.saturating_add(1);
        match ending {
            Ending::Curable => Event::Died,
            Ending::BadSetting => {
                self.refusals = self.refusals.saturating_add(1);
                if self.has_been_up && self.refusals < REFUSALS_MAX {
                    Event::Died
                } else {
                    Event::Refused
                }
            }
        }
    }
}

/// Milliseconds to wait after this many deaths in a row: doubling, up to a ceiling.
fn delay_ms(streak: u32) -> u64 {
    let doublings = streak.saturating_sub(1).min(31);
    BACKOFF_FIRST_MS.saturating_mul(1 << doublings).min(BACKOFF_MAX_MS)
}

#[cfg(test)]
mod tests;
