//! The loop around the running office: it owns the [`Center`], feeds it with what arrives and does
//! what it asks. No decision is made here. One task, so that every turn sees the office whole.
//!
//! ```text
//!   written ─┐                                        ┌─► writer thread
//!   link   ──┤                                        ├─► link
//!   asks   ──┼─► handle_* ─► poll until quiet ────────┼─► load rows ─► handle_office
//!   pins   ──┤                                        ├─► proofs of PINs, counts of leads
//!   time   ──┘                                        └─► publish the view, then answer
//! ```
//!
//! A view is published before a question is answered: whoever has the answer sees its effect.

use core::future::Future;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use call::{AgentId, CampaignId, Now, Stamp, TenantId, Tick};
use dialer::campaign::Leads;
use link::ToSwitch;
use store::{Actor, Applied, BoxChange, Job, Reader, Writer};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::api::limits::{
    ASKS_MAX, BEAT_MS, COUNTS_MAX, INPUTS_A_TURN, PINS_MAX, PRUNE_MS, PUBLISH_MS, RELOAD_MS,
    STOP_MS,
};
use crate::center::outbox::Ticket;
use crate::center::request::{Answer, Asked, Request};
use crate::center::view::{Changed, View};
use crate::center::{Center, Output};
use crate::config::Config;
use crate::linkup::{self, Heard};
use crate::load;
use crate::ready::Ready;
use crate::secrets::Proofs;

/// What the running office is built from.
pub struct Parts {
    /// The office, just opened.
    pub center: Center,
    /// The disk.
    pub writer: Writer,
    /// A reader of the reactor's own: pages never make it wait.
    pub reader: Reader,
    /// Checks PINs.
    pub proofs: Proofs,
    /// The settings.
    pub config: Arc<Config>,
    /// The socket of switchd.
    pub socket: PathBuf,
    /// The supervisor's descriptor.
    pub ready: Ready,
    /// When `center` was built, as its tick zero.
    pub clock: Clock,
}

/// Both instants, read in one place.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Begins at tick zero.
    #[must_use]
    pub fn start() -> Clock {
        Clock(Instant::now())
    }

    /// Now.
    #[must_use]
    pub fn now(self) -> Now {
        let tick = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { tick: Tick(tick), stamp: stamp() }
    }

    fn instant(self, tick: Tick) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.0 + Duration::from_millis(tick.0))
    }
}

/// The wall clock.
#[must_use]
pub fn stamp() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A question to the running office, and where its answer goes.
#[derive(Debug)]
pub struct Ask {
    /// Who asks.
    pub actor: Actor,
    /// What.
    pub request: Request,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// Things that changed since somebody last took them: a set, so that it is never longer than the
/// office is large.
#[derive(Debug, Default)]
pub struct Changes {
    waiting: Mutex<BTreeSet<Changed>>,
    arrived: Notify,
}

impl Changes {
    /// These have changed.
    pub fn add(&self, changed: impl IntoIterator<Item = Changed>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waiting.len();
        waiting.extend(changed);
        if waiting.len() > before {
            self.arrived.notify_one();
        }
    }

    /// What has changed; waits until something has.
    pub async fn take(&self) -> BTreeSet<Changed> {
        loop {
            let taken = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *waiting)
            };
            if !taken.is_empty() {
                return taken;
            }
            self.arrived.notified().await;
        }
    }
}

/// How the rest of the daemon reaches the running office.
#[derive(Clone, Debug)]
pub struct Line {
    /// Questions.
    pub asks: mpsc::Sender<Ask>,
    /// What is live.
    pub view: watch::Receiver<Arc<View>>,
    /// What changed, for pushes.
    pub changes: Arc<Changes>,
}

/// The disk's answers: written by the writer's thread, which must not wait. Never more than the
/// jobs that the outbox holds.
#[derive(Debug, Default)]
struct Written {
    answers: Mutex<VecDeque<(Ticket, store::Result<Applied>)>>,
    arrived: Notify,
}

impl Written {
    fn put(&self, ticket: Ticket, result: store::Result<Applied>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push_back((ticket, result));
        self.arrived.notify_one();
    }

    fn take(&self) -> VecDeque<(Ticket, store::Result<Applied>)> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The loop.
pub struct Reactor {
    parts: Parts,
    asks: mpsc::Receiver<Ask>,
    link: mpsc::Receiver<Heard>,
    switch: Option<mpsc::Sender<ToSwitch>>,
    written: Arc<Written>,
    pins: (mpsc::Sender<Pin>, mpsc::Receiver<Pin>),
    counts: (mpsc::Sender<Count>, mpsc::Receiver<Count>),
    view: watch::Sender<Arc<View>>,
    changes: Arc<Changes>,
    changed: BTreeSet<Changed>,
    /// Who waits for which answer.
    asked: BTreeMap<u64, oneshot::Sender<Answer>>,
    ask_count: u64,
    /// Answers of this turn.
    answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    published_at: Tick,
    beat_at: Tick,
    prune_at: Tick,
    reload_at: Option<Tick>,
}

type Pin = (u64, Option<AgentId>);
type Count = (CampaignId, Leads);

impl Reactor {
    /// A loop around `parts`, and the line to it.
    #[must_use]
    pub fn new(parts: Parts) -> (Reactor, Line) {
        let (asking, asks) = mpsc::channel(ASKS_MAX);
        let (view, watching) = watch::channel(Arc::new(parts.center.snapshot()));
        let changes = Arc::new(Changes::default());
        let line = Line { asks: asking, view: watching, changes: Arc::clone(&changes) };
        let link = linkup::keep(parts.socket.clone());
        let now = parts.clock.now().tick;
        let reactor = Reactor {
            parts,
            asks,
            link,
            switch: None,
            written: Arc::default(),
            pins: mpsc::channel(PINS_MAX),
            counts: mpsc::channel(COUNTS_MAX),
            view,
            changes,
            changed: BTreeSet::new(),
            asked: BTreeMap::new(),
            ask_count: 0,
            answers: Vec::new(),
            published_at: now,
            beat_at: now,
            prune_at: now,
            reload_at: None,
        };
        (reactor, line)
    }

    /// Runs until `stop`, then until everything is on disk, but no longer than
    /// [`crate::api::limits::STOP_MS`].
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut stop_at: Option<Tick> = None;
        self.turn();
        loop {
            let wake = self.parts.clock.instant(self.wake_at(stop_at));
            let written = Arc::clone(&self.written);
            tokio::select! {
                biased;
                () = &mut stop, if stop_at.is_none() => {
                    stop_at = Some(self.parts.clock.now().tick + STOP_MS);
                }
                () = written.arrived.notified() => {}
                Some(heard) = self.link.recv() => self.handle_heard(heard),
                Some(ask) = self.asks.recv() => self.handle_ask(ask),
                Some((check, agent)) = self.pins.1.recv() => {
                    self.parts.center.handle_pin(self.parts.clock.now(), check, agent);
                }
                Some((campaign, leads)) = self.counts.1.recv() => {
                    self.parts.center.handle_leads(self.parts.clock.now(), campaign, leads);
                }
                () = tokio::time::sleep_until(wake) => {}
            }
            self.take_more();
            self.turn();
            let now = self.parts.clock.now().tick;
            if stop_at.is_some_and(|at| now >= at || self.parts.center.snapshot().outbox == 0) {
                return;
            }
        }
    }

    /// What else has arrived meanwhile, so that one publication serves all.
    fn take_more(&mut self) {
        for (ticket, result) in self.written.take() {
            self.parts.center.handle_written(self.parts.clock.now(), ticket, &result);
        }
        for _ in 0..INPUTS_A_TURN {
            let Ok(heard) = self.link.try_recv() else { break };
            self.handle_heard(heard);
        }
        for _ in 0..INPUTS_A_TURN {
            let Ok(ask) = self.asks.try_recv() else { break };
            self.handle_ask(ask);
        }
    }

    fn handle_heard(&mut self, heard: Heard) {
        let now = self.parts.clock.now();
        match heard {
            Heard::Up(sender) => {
                self.switch = Some(sender);
                self.parts.center.handle_link_up(now);
            }
            Heard::Said(message) => self.parts.center.handle_link(now, message),
            Heard::Down => {
                self.switch = None;
                self.parts.center.handle_link_down(now);
            }
        }
    }

    fn handle_ask(&mut self, ask: Ask) {
        self.ask_count += 1;
        let id = self.ask_count;
        self.asked.insert(id, ask.answer);
        let asked = Asked { id, actor: ask.actor, request: ask.request };
        self.parts.center.handle_request(self.parts.clock.now(), asked);
    }

    fn turn(&mut self) {
        let now = self.parts.clock.now();
        if self.reload_at.is_some_and(|at| now.tick >= at) {
            self.load();
        }
        if self.parts.center.next_timeout().is_some_and(|(at, _)| at <= now.tick) {
            self.parts.center.handle_timeout(now);
        }
        while let Some(output) = self.parts.center.poll() {
            self.follow(output);
        }
        self.changed.extend(self.parts.center.take_changed());
        self.publish(now.tick);
        if now.tick >= self.beat_at {
            self.beat_at = now.tick + BEAT_MS;
            self.parts.ready.beat();
        }
        if now.tick >= self.prune_at {
            self.prune_at = now.tick + PRUNE_MS;
            let job = Job::of_box(now.stamp, Actor::Box, BoxChange::PruneSessions);
            // Nobody waits for it, and it comes again.
            let _ = self.parts.writer.submit_with(job, drop);
        }
    }

    fn follow(&mut self, output: Output) {
        match output {
            Output::Link(message) => self.send(message),
            Output::Write(ticket, job) => self.write(ticket, job),
            Output::Answer { id, answer } => {
                if let Some(asker) = self.asked.remove(&id) {
                    self.answers.push((asker, answer));
                }
            }
            Output::CheckPin { check, tenant, number, pin } => {
                self.check_pin(check, tenant, number, pin);
            }
            Output::Load => self.load(),
            Output::CountLeads { tenant, campaign } => self.count_leads(tenant, campaign),
        }
    }

    /// A link that does not take more is closed: its end and the snapshot after it say the rest.
    fn send(&mut self, message: ToSwitch) {
        let full = self.switch.as_ref().is_some_and(|switch| switch.try_send(message).is_err());
        if full {
            self.switch = None;
        }
    }

    fn write(&self, ticket: Ticket, job: Job) {
        let written = Arc::clone(&self.written);
        let submitted =
            self.parts.writer.submit_with(job, move |result| written.put(ticket, result));
        if let Err(error) = submitted {
            self.written.put(ticket, Err(error));
        }
    }

    fn load(&mut self) {
        let now = self.parts.clock.now();
        match self.parts.reader.whole(|view| load::office(view, &self.parts.config)) {
            Ok(office) => {
                self.reload_at = None;
                self.parts.center.handle_office(now, office);
            }
            Err(error) => {
                tracing::error!(%error, "the rows of the office cannot be read; trying again");
                self.reload_at = Some(now.tick + RELOAD_MS);
            }
        }
    }

    /// A number that nobody has takes as long as a wrong PIN.
    fn check_pin(&self, check: u64, tenant: TenantId, number: String, pin: String) {
        let (reader, proofs) = (self.parts.reader.clone(), self.parts.proofs.clone());
        let answer = self.pins.0.clone();
        tokio::spawn(async move {
            let finding = move || reader.tenant(tenant, |rows| rows.agent_by_number(&number));
            let found = match tokio::task::spawn_blocking(finding).await {
                Ok(Ok(found)) => found.filter(|agent| !agent.disabled),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a PIN cannot be checked");
                    None
                }
                Err(_) => None,
            };
            let hash = found.as_ref().map(|agent| agent.pin_hash.clone());
            let right = proofs.check(pin, hash).await;
            let whose = found.map(|agent| agent.id).filter(|_| right);
            // Nobody is there when the daemon stops.
            let _ = answer.send((check, whose)).await;
        });
    }

    fn count_leads(&self, tenant: TenantId, campaign: CampaignId) {
        let (reader, answer) = (self.parts.reader.clone(), self.counts.0.clone());
        let now = self.parts.clock.now().stamp;
        tokio::spawn(async move {
            let counting = move || reader.tenant(tenant, |rows| load::leads(rows, campaign, now));
            let counted = tokio::task::spawn_blocking(counting).await;
            let leads = match counted {
                Ok(Ok(leads)) => leads,
                Ok(Err(error)) => {
                    tracing::warn!(%campaign, %error, "leads cannot be counted");
                    tokio::time::sleep(Duration::from_millis(RELOAD_MS)).await;
                    Leads { due: 0, next_due: Some(now), unfinished: 1 }
                }
                Err(_) => return,
            };
            // Nobody is there when the daemon stops.
            let _ = answer.send((campaign, leads)).await;
        });
    }

    fn publish(&mut self, now: Tick) {
        let stale = !self.changed.is_empty() && now >= self.published_at + PUBLISH_MS;
        if self.answers.is_empty() && !stale {
            return;
        }
        self.published_at = now;
        self.view.send_replace(Arc::new(self.parts.center.snapshot()));
        self.changes.add(std::mem::take(&mut self.changed));
        for (asker, answer) in self.answers.drain(..) {
            // Who has gone away does not want the answer.
            let _ = asker.send(answer);
        }
    }

    fn wake_at(&self, stop_at: Option<Tick>) -> Tick {
        let center = self.parts.center.next_timeout().map(|(at, _)| at);
        let publish = (!self.changed.is_empty()).then(|| self.published_at + PUBLISH_MS);
        [center, publish, self.reload_at, stop_at, Some(self.beat_at), Some(self.prune_at)]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.beat_at)
    }
}
