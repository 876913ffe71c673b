//! The loop around the tree: it carries outputs out, brings events in, and decides nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::child::{self, Letter, News};
use crate::health::{self, Health};
use crate::limits::{EVENTS, LATE_MS, SIGNALS};
use crate::order::{Ending, Life, Output, Policy, Tick, Tree, Verdict, Which};
use crate::spawn::{self, Program};
use crate::tree::State;
use crate::voice::{Channel, say};

/// Name under which the supervisor itself speaks.
const SELF: &str = "supervisor";

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to stop, and everything is down.
    Stopped,
    /// A daemon's settings cannot work: its name and what it said.
    Refused(String),
}

/// Runs the programs, in order of starting, until asked to stop or until one refuses.
pub async fn run(programs: Vec<(Program, Policy)>, data: PathBuf, hail: String) -> io::Result<End> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut reactor = Reactor::new(programs, data, hail);
    let (send, mut news) = mpsc::channel(EVENTS);
    reactor.news = Some(send);
    reactor.tree.handle_start(reactor.now());
    loop {
        // 1. What the tree asks for.
        if let Some(end) = reactor.carry_out() {
            return Ok(end);
        }
        // 2. The next wake-up; 3. a wish to stop; 4. what the children say.
        let wake = reactor.tree.next_timeout().map(|(when, _)| reactor.instant(when));
        tokio::select! {
            biased;
            () = sleep_or_never(wake) => {
                reactor.catch_up(wake, &mut news).await;
                reactor.tree.handle_timeout(reactor.now());
            }
            _ = interrupt.recv() => reactor.stop(),
            _ = terminate.recv() => reactor.stop(),
            Some(letter) = news.recv() => reactor.read(letter),
        }
    }
}

async fn sleep_or_never(wake: Option<Instant>) {
    match wake {
        Some(when) => sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}

struct Reactor {
    tree: Tree,
    programs: Vec<Program>,
    data: PathBuf,
    /// Said once, when everything has come up for the first time.
    hail: Option<String>,
    /// What each process last said about its end; kept for the verdict.
    told: BTreeMap<usize, String>,
    signals: BTreeMap<(usize, Life), mpsc::Sender<Signal>>,
    news: Option<mpsc::Sender<Letter>>,
    stopping: bool,
    born: Instant,
    born_utc_ms: u64,
}

impl Reactor {
    fn new(programs: Vec<(Program, Policy)>, data: PathBuf, hail: String) -> Self {
        let named = programs.iter().map(|(program, policy)| (program.name.clone(), *policy));
        let utc = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Reactor {
            tree: Tree::new(named.collect()),
            programs: programs.into_iter().map(|(program, _)| program).collect(),
            data,
            hail: Some(hail),
            told: BTreeMap::new(),
            signals: BTreeMap::new(),
            news: None,
            stopping: false,
            born: Instant::now(),
            born_utc_ms: utc.as_millis().try_into().unwrap_or(u64::MAX),
        }
    }

    fn now(&self) -> Tick {
        Tick(self.born.elapsed().as_millis().try_into().unwrap_or(u64::MAX))
    }

    fn instant(&self, tick: Tick) -> Instant {
        self.born + Duration::from_millis(tick.0)
    }

    fn name(&self, which: Which) -> &str {
        self.programs.get(which.0).map_or("?", |program| program.name.as_str())
    }

    fn stop(&mut self) {
        if !self.stopping {
            self.stopping = true;
            say(Channel::Out, SELF, "stopping");
        }
        self.tree.handle_stop(self.now());
    }

    /// After we ourselves were held up (stopped by Ctrl-Z, starved), the children's signs of life
    /// lie unread in their pipes; nobody is aborted for our own silence.
    async fn catch_up(&mut self, wake: Option<Instant>, news: &mut mpsc::Receiver<Letter>) {
        let late = wake.is_some_and(|when| when.elapsed() > Duration::from_millis(LATE_MS));
        if late {
            tokio::time::sleep(Duration::from_millis(LATE_MS)).await;
            while let Ok(letter) = news.try_recv() {
                self.read(letter);
            }
        }
    }

    fn read(&mut self, (which, life, news): Letter) {
        let now = self.now();
        match news {
            News::Ready => self.tree.handle_ready(now, which, life),
            News::Beat => self.tree.handle_beat(now, which, life),
            News::Ended { ending, told } => {
                say(Channel::Err, SELF, &format!("{}: {told}", self.name(which)));
                self.signals.remove(&(which.0, life));
                self.told.insert(which.0, told);
                self.tree.handle_died(now, which, life, ending);
            }
        }
    }

    fn carry_out(&mut self) -> Option<End> {
        let mut changed = false;
        let mut end = None;
        while let Some(output) = self.tree.poll() {
            match output {
                Output::Spawn(which, life) => self.spawn(which, life),
                Output::Term(which, life) => self.signal(which, life, Signal::SIGTERM),
                Output::Abort(which, life) => {
                    let line = format!("{}: no sign of life; aborting it", self.name(which));
                    say(Channel::Err, SELF, &line);
                    self.signal(which, life, Signal::SIGABRT);
                }
                Output::Kill(which, life) => {
                    let line = format!("{}: did not end in time; killing it", self.name(which));
                    say(Channel::Err, SELF, &line);
                    self.signal(which, life, Signal::SIGKILL);
                }
                Output::Changed(which, state) => {
                    changed = true;
                    let line = format!("{}: {}", self.name(which), state.name());
                    say(Channel::Out, SELF, &line);
                }
                Output::Odd(which, state, event) => {
                    let line =
                        format!("{}: {event:?} means nothing in {state:?}", self.name(which));
                    say(Channel::Err, SELF, &line);
                }
                Output::Finished(Verdict::Stopped) => end = Some(End::Stopped),
                Output::Finished(Verdict::Refused(which)) => {
                    let told = self.told.get(&which.0).cloned().unwrap_or_default();
                    end = Some(End::Refused(format!("{}: {told}", self.name(which))));
                }
            }
        }
        if changed {
            self.write_health();
            self.greet();
        }
        end
    }

    fn spawn(&mut self, which: Which, life: Life) {
        let (Some(program), Some(news)) = (self.programs.get(which.0), &self.news) else { return };
        match spawn::spawn(program) {
            Ok(spawned) => {
                let pid = spawned.child.id().unwrap_or_default();
                let (send, signals) = mpsc::channel(SIGNALS);
                let name = program.name.clone();
                tokio::spawn(child::follow(name, (which, life), spawned, signals, news.clone()));
                self.signals.insert((which.0, life), send);
                self.tree.handle_spawned(which, life, pid);
            }
            Err(error) => {
                let path = program.path.display();
                let absent = [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied];
                let (ending, advice) = if absent.contains(&error.kind()) {
                    (Ending::BadSetting, "; run `make build`, or name its folder by --programs")
                } else {
                    (Ending::Curable, "")
                };
                let told = format!("{path} cannot be started: {error}{advice}");
                say(Channel::Err, SELF, &told);
                self.told.insert(which.0, told);
                let now = self.now();
                self.tree.handle_died(now, which, life, ending);
            }
        }
    }

    /// A full queue means that earlier signals have not been sent yet; the tree will ask again.
    fn signal(&mut self, which: Which, life: Life, signal: Signal) {
        if let Some(sender) = self.signals.get(&(which.0, life)) {
            let _ = sender.try_send(signal);
        }
    }

    fn greet(&mut self) {
        let up = self.tree.snapshot().iter().all(|process| process.state == State::Up);
        if let Some(hail) = self.hail.take_if(|_| up) {
            hail.lines().for_each(|line| say(Channel::Out, SELF, line));
        }
    }

    fn write_health(&self) {
        let utc_ms = |tick: Tick| self.born_utc_ms.saturating_add(tick.0);
        let processes = self.tree.snapshot().into_iter().map(|process| health::Process {
            name: process.name,
            state: process.state.name(),
            pid: process.pid,
            restarts: process.restarts,
            since_ms: utc_ms(process.since),
        });
        let health = Health {
            supervisor_pid: std::process::id(),
            written_ms: utc_ms(self.now()),
            processes: processes.collect(),
        };
        if let Err(error) = health::write(&self.data, &health) {
            let path = health::path(&self.data);
            say(Channel::Err, SELF, &format!("{}: {error}", path.display()));
        }
    }
}
