//! The processes in order: a turn for each, forward to start and backward to stop.
//!
//! The table in [`crate::tree`] decides what one process does; this decides only whose turn it is.
//! A process starts when nobody before it is still starting, and is told to stop when everybody
//! behind it is down. A predecessor that fails holds nobody back: the console must come up to say
//! what is wrong with the line side.

use std::collections::VecDeque;

use crate::limits::{BACKOFF_FIRST_MS, BACKOFF_MAX_MS, OUTPUTS, REFUSALS_MAX, SETTLED_MS};
use crate::tree::{Act, Event, State, Timer, step};

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
mod tests {
    use super::*;

    const POLICY: Policy = Policy { ready_ms: 30_000, watchdog_ms: Some(5_000), grace_ms: 4_000 };
    const SWITCHD: Which = Which(0);
    const CENTERD: Which = Which(1);

    fn tree() -> Tree {
        Tree::new(vec![("switchd".into(), POLICY), ("centerd".into(), POLICY)])
    }

    /// What was asked for, without the announcements.
    fn acts(tree: &mut Tree) -> Vec<Output> {
        std::iter::from_fn(|| tree.poll()).filter(|o| !matches!(o, Output::Changed(..))).collect()
    }

    /// A tree whose two processes are up at 100 ms.
    fn running() -> Tree {
        let mut tree = tree();
        tree.handle_start(Tick(0));
        tree.handle_spawned(SWITCHD, Life(1), 11);
        tree.handle_ready(Tick(50), SWITCHD, Life(1));
        tree.handle_spawned(CENTERD, Life(1), 12);
        tree.handle_ready(Tick(100), CENTERD, Life(1));
        acts(&mut tree);
        tree
    }

    #[test]
    fn the_second_starts_when_the_first_is_ready() {
        let mut tree = tree();
        tree.handle_start(Tick(0));
        assert_eq!(acts(&mut tree), [Output::Spawn(SWITCHD, Life(1))]);
        assert_eq!(tree.next_timeout(), Some((Tick(30_000), Timer::Ready)));
        tree.handle_ready(Tick(50), SWITCHD, Life(1));
        assert_eq!(acts(&mut tree), [Output::Spawn(CENTERD, Life(1))]);
    }

    #[test]
    fn a_first_that_cannot_start_does_not_hold_back_the_second() {
        let mut tree = tree();
        tree.handle_start(Tick(0));
        acts(&mut tree);
        tree.handle_died(Tick(10), SWITCHD, Life(1), Ending::Curable);
        assert_eq!(acts(&mut tree), [Output::Spawn(CENTERD, Life(1))]);
    }

    #[test]
    fn what_ran_well_is_back_within_a_second() {
        let mut tree = running();
        tree.handle_died(Tick(60_000), SWITCHD, Life(1), Ending::Curable);
        assert_eq!(acts(&mut tree), []);
        assert_eq!(tree.next_timeout().map(|t| t.1), Some(Timer::Watchdog));
        tree.handle_beat(Tick(60_000), CENTERD, Life(1));
        assert_eq!(tree.next_timeout(), Some((Tick(60_100), Timer::Delay)));
        tree.handle_timeout(Tick(60_100));
        assert_eq!(acts(&mut tree), [Output::Spawn(SWITCHD, Life(2))]);
        assert_eq!(tree.snapshot()[0].restarts, 1);
    }

    #[test]
    fn what_dies_at_once_waits_longer_each_time_up_to_a_ceiling() {
        let mut tree = Tree::new(vec![("switchd".into(), POLICY)]);
        tree.handle_start(Tick(0));
        let mut now = Tick(0);
        let mut delays = Vec::new();
        for copy in 1..=11 {
            tree.handle_died(now, SWITCHD, Life(copy), Ending::Curable);
            let Some((when, Timer::Delay)) = tree.next_timeout() else { panic!("no delay") };
            delays.push(when.since(now));
            now = when;
            tree.handle_timeout(now);
        }
        assert_eq!(delays[..4], [100, 200, 400, 800]);
        assert_eq!(delays[10], BACKOFF_MAX_MS);
    }

    #[test]
    fn a_settled_run_forgives_earlier_deaths() {
        let mut tree = Tree::new(vec![("switchd".into(), POLICY)]);
        tree.handle_start(Tick(0));
        tree.handle_died(Tick(0), SWITCHD, Life(1), Ending::Curable);
        tree.handle_timeout(Tick(100));
        tree.handle_died(Tick(100), SWITCHD, Life(2), Ending::Curable);
        tree.handle_timeout(Tick(300));
        tree.handle_ready(Tick(400), SWITCHD, Life(3));
        tree.handle_died(Tick(400 + SETTLED_MS), SWITCHD, Life(3), Ending::Curable);
        assert_eq!(tree.next_timeout(), Some((Tick(500 + SETTLED_MS), Timer::Delay)));
    }

    #[test]
    fn silence_is_answered_with_abort_then_kill_then_a_new_copy() {
        let mut tree = running();
        tree.handle_beat(Tick(4_000), SWITCHD, Life(1));
        tree.handle_timeout(Tick(5_100));
        assert_eq!(acts(&mut tree), [Output::Abort(CENTERD, Life(1))]);
        tree.handle_beat(Tick(9_000), SWITCHD, Life(1));
        tree.handle_timeout(Tick(9_100));
        assert_eq!(acts(&mut tree), [Output::Kill(CENTERD, Life(1))]);
        tree.handle_died(Tick(9_110), CENTERD, Life(1), Ending::Curable);
        tree.handle_timeout(Tick(9_210));
        assert_eq!(acts(&mut tree), [Output::Spawn(CENTERD, Life(2))]);
    }

    #[test]
    fn silence_is_allowed_where_the_model_says_so() {
        let quiet = Policy { watchdog_ms: None, ..POLICY };
        let mut tree = Tree::new(vec![("town".into(), quiet)]);
        tree.handle_start(Tick(0));
        tree.handle_ready(Tick(10), Which(0), Life(1));
        assert_eq!(tree.next_timeout(), None);
    }

    #[test]
    fn stopping_goes_backward_and_waits_for_each() {
        let mut tree = running();
        tree.handle_stop(Tick(1_000));
        assert_eq!(acts(&mut tree), [Output::Term(CENTERD, Life(1))]);
        tree.handle_died(Tick(1_200), CENTERD, Life(1), Ending::Curable);
        assert_eq!(acts(&mut tree), [Output::Term(SWITCHD, Life(1))]);
        tree.handle_timeout(Tick(5_200));
        assert_eq!(acts(&mut tree), [Output::Kill(SWITCHD, Life(1))]);
        tree.handle_died(Tick(5_210), SWITCHD, Life(1), Ending::Curable);
        assert_eq!(acts(&mut tree), [Output::Finished(Verdict::Stopped)]);
        assert_eq!(tree.next_timeout(), None);
    }

    #[test]
    fn who_dies_while_others_stop_does_not_come_back() {
        let mut tree = running();
        tree.handle_stop(Tick(1_000));
        tree.handle_died(Tick(1_010), SWITCHD, Life(1), Ending::Curable);
        assert_eq!(acts(&mut tree), [Output::Term(CENTERD, Life(1))]);
        tree.handle_timeout(Tick(2_000));
        assert_eq!(acts(&mut tree), []);
        tree.handle_died(Tick(2_010), CENTERD, Life(1), Ending::Curable);
        assert_eq!(acts(&mut tree), [Output::Finished(Verdict::Stopped)]);
    }

    #[test]
    fn a_bad_setting_at_the_first_start_takes_the_tree_down() {
        let mut tree = tree();
        tree.handle_start(Tick(0));
        tree.handle_ready(Tick(50), SWITCHD, Life(1));
        acts(&mut tree);
        tree.handle_died(Tick(60), CENTERD, Life(1), Ending::BadSetting);
        assert_eq!(acts(&mut tree), [Output::Term(SWITCHD, Life(1))]);
        tree.handle_died(Tick(70), SWITCHD, Life(1), Ending::Curable);
        assert_eq!(acts(&mut tree), [Output::Finished(Verdict::Refused(CENTERD))]);
    }

    #[test]
    fn a_setting_that_has_worked_gets_further_tries_but_not_for_ever() {
        let mut tree = Tree::new(vec![("switchd".into(), POLICY)]);
        tree.handle_start(Tick(0));
        tree.handle_ready(Tick(0), SWITCHD, Life(1));
        let mut now = Tick(SETTLED_MS);
        for copy in 1..REFUSALS_MAX {
            tree.handle_died(now, SWITCHD, Life(copy), Ending::BadSetting);
            let Some((when, Timer::Delay)) = tree.next_timeout() else { panic!("no delay") };
            now = when;
            tree.handle_timeout(now);
        }
        acts(&mut tree);
        tree.handle_died(now, SWITCHD, Life(REFUSALS_MAX), Ending::BadSetting);
        assert_eq!(acts(&mut tree), [Output::Finished(Verdict::Refused(SWITCHD))]);
    }

    #[test]
    fn what_an_earlier_copy_says_is_dropped() {
        let mut tree = running();
        tree.handle_died(Tick(200), CENTERD, Life(1), Ending::Curable);
        tree.handle_timeout(Tick(400));
        acts(&mut tree);
        tree.handle_ready(Tick(401), CENTERD, Life(1));
        assert_eq!(tree.snapshot()[1].state, State::Starting);
        tree.handle_died(Tick(402), CENTERD, Life(1), Ending::Curable);
        assert_eq!(tree.snapshot()[1].state, State::Starting);
        assert_eq!(acts(&mut tree), []);
    }
}
