//! The running office: agents at their seats, campaigns that dial, calls that run. A composition
//! without I/O: events of the switch, requests of people, answers of the disk and time come in;
//! orders, rows to write and answers come out. The daemon and the simulated world run the same.
//!
//! ```text
//!  precise mode, one call
//!   look ── decide: dial 1 ─► Write ClaimLeads ──on disk──► reserve a seat, choose a trunk
//!        ─► Write dialled ──on disk──► Offer{seat}, Originate{plan} ─► legs ring, answer, join
//!        ─► (switchd joins by the plan) Leg{joined} ─► agent talks ─► Leg{ended} ─► wrap-up
//! ```
//!
//! * [`request`]: what people ask. * [`view`]: what is shown. * [`office`]: the rows it works from.
//! * [`spans`]: E1 spans. * [`outbox`]: what is on its way to the disk. * `attempts`, `campaigns`, `seats`, `incoming`,
//!   `reconcile`: one part of the work each, all as `impl Center`.

mod attempts;
mod campaigns;
mod hold;
mod incoming;
pub mod office;
pub mod outbox;
mod publish;
pub mod reception;
mod reconcile;
pub mod request;
mod seats;
pub mod spans;
mod switch;
pub mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use call::{
    AccountId, AgentId, AttemptId, CampaignId, Epoch, LegId, Now, RecordingId, SpanId, TenantId,
    Tick, TrunkId,
};
use dialer::caller::Shown;
use dialer::campaign::Order;
use dialer::outcome::Language;
use dialer::turns::Turns;
use link::{Channel, LegRecord, LoopResult, ToCenter, ToSwitch};
use store::attempts::AttemptRecord;
use store::{Actor, Applied, BoxChange, Job, TenantChange};

use crate::limits;
use attempts::Live;
use campaigns::{Running, Talks};
use incoming::{Caller, Guesses};
use office::Office;
use outbox::{Outbox, Ticket};
use reception::Bells;
use request::{Answer, Asked, Refused, Request};
use seats::Seat;
use spans::{Questions, Trace, Trouble};
use switch::{About, Switch};
use view::{Changed, View};

/// Everything the office can ask of the world.
#[derive(Debug)]
pub enum Output {
    /// To switchd.
    Link(ToSwitch),
    /// To the disk; answered by [`Center::handle_written`].
    Write(Ticket, Job),
    /// To whoever asked.
    Answer {
        /// The name of the request.
        id: u64,
        /// What came of it.
        answer: Answer,
    },
    /// Who has this agent number and PIN? Answered by [`Center::handle_pin`]. A proof of a PIN takes
    /// tens of milliseconds on purpose, so the shell does it beside.
    CheckPin {
        /// Comes back in the answer.
        check: u64,
        /// Whose agents.
        tenant: call::TenantId,
        /// The agent number that was keyed.
        number: String,
        /// The PIN that was keyed.
        pin: String,
    },
    /// Rows were changed: give them again by [`Center::handle_office`].
    Load,
    /// How many leads of this campaign are due? Answered by [`Center::handle_leads`]. It is enough
    /// to count as far as `dialer::limits::CALLS_MAX`.
    CountLeads {
        /// Whose.
        tenant: call::TenantId,
        /// Which campaign.
        campaign: CampaignId,
    },
}

/// What a timer of the office is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Look at the campaigns.
    Campaigns,
    /// An agent's state runs out.
    Agent,
    /// A caller in a menu takes too long.
    Caller,
    /// The disk is tried again.
    Disk,
    /// A question about a span is not answered.
    Question,
}

/// The running office.
pub struct Center {
    epoch: Epoch,
    office: Office,
    outbox: Outbox,
    /// What to do when a job is written, where there is more to do.
    pending: BTreeMap<Ticket, Pending>,
    switch: Switch,
    seats: BTreeMap<AgentId, Seat>,
    campaigns: BTreeMap<CampaignId, Running>,
    turns: Turns,
    attempts: BTreeMap<AttemptId, Live>,
    callers: BTreeMap<LegId, Caller>,
    /// The last talk of each agent, until its wrap-up is over.
    talked: Talks,
    /// Agents who were at work when the last epoch ended, and whether they were taking calls.
    at_work: BTreeMap<AgentId, bool>,
    /// Phones that are registered.
    phones: BTreeMap<AccountId, Vec<link::Contact>>,
    trunks: BTreeMap<TrunkId, (link::TrunkState, String)>,
    spans: BTreeMap<SpanId, link::SpanRecord>,
    /// Alarms of spans that are written as standing.
    troubles: BTreeMap<SpanId, Vec<Trouble>>,
    traces: BTreeMap<SpanId, Trace>,
    loops: BTreeMap<Channel, (call::Stamp, LoopResult)>,
    questions: Questions,
    /// Which caller ids were shown.
    shown: Shown,
    /// Callers for whom a phone rings.
    bells: Bells,
    /// Recordings that have a row and run, with their tenant.
    recorded: BTreeMap<RecordingId, TenantId>,
    clock_sane: bool,
    /// What switchd last said of each leg that lives.
    legs: BTreeMap<LegId, LegRecord>,
    /// Reserved ids of recordings.
    recordings: VecDeque<RecordingId>,
    reserving: bool,
    /// Attempts that an earlier epoch left in flight, until switchd tells what became of them.
    left_over: BTreeMap<AttemptId, AttemptRecord>,
    look_at: Tick,
    leg_count: u32,
    offer_count: u32,
    /// PINs that are being checked: the caller, and the agent number that was keyed with its tenant.
    checks: BTreeMap<u64, (LegId, String)>,
    guesses: BTreeMap<String, Guesses>,
    check_count: u64,
    outputs: VecDeque<Output>,
    changed: BTreeSet<Changed>,
    /// What was told as changed before its rows were on disk: told again when they are, because a
    /// page draws from rows too.
    echoes: BTreeSet<(Ticket, Changed)>,
    /// Those of them whose rows are on disk now.
    echoed: BTreeSet<Changed>,
    alarms: BTreeMap<link::Alarm, String>,
    health: link::Health,
}

/// What follows when a job is written.
#[derive(Debug)]
enum Pending {
    /// Dial the claimed leads.
    Claim { campaign: CampaignId, count: u32 },
    /// Give the order to dial.
    Dial(AttemptId),
    /// More ids of recordings.
    Recordings,
    /// Answer a person, and load the rows that were changed.
    Answer(u64),
    /// Answer a person.
    Told(u64),
    /// Load the rows that were changed: the person has been told that the disk is full.
    Load,
}

/// What the store knew when this epoch began.
#[derive(Debug, Default)]
pub struct Beginning {
    /// The rows.
    pub office: Office,
    /// Attempts in flight when the last epoch ended.
    pub attempts: Vec<AttemptRecord>,
    /// The state in which each agent was then.
    pub agents: Vec<(AgentId, String)>,
}

impl Center {
    /// An office that opens: nothing is dialled before switchd has sent its snapshot.
    #[must_use]
    pub fn new(now: Now, epoch: Epoch, beginning: Beginning) -> Center {
        let mut center = Center {
            epoch,
            office: Office::default(),
            outbox: Outbox::default(),
            pending: BTreeMap::new(),
            switch: Switch::default(),
            seats: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            turns: Turns::default(),
            attempts: BTreeMap::new(),
            callers: BTreeMap::new(),
            talked: Talks::new(),
            at_work: BTreeMap::new(),
            phones: BTreeMap::new(),
            trunks: BTreeMap::new(),
            spans: BTreeMap::new(),
            troubles: BTreeMap::new(),
            traces: BTreeMap::new(),
            loops: BTreeMap::new(),
            questions: Questions::default(),
            shown: Shown::default(),
            recorded: BTreeMap::new(),
            bells: Bells::default(),
            clock_sane: dialer::campaign::clock_is_sane(now.stamp),
            legs: BTreeMap::new(),
            recordings: VecDeque::new(),
            reserving: false,
            left_over: beginning.attempts.into_iter().map(|a| (a.attempt.id, a)).collect(),
            look_at: now.tick,
            leg_count: 0,
            offer_count: 0,
            checks: BTreeMap::new(),
            guesses: BTreeMap::new(),
            check_count: 0,
            outputs: VecDeque::new(),
            changed: BTreeSet::new(),
            echoes: BTreeSet::new(),
            echoed: BTreeSet::new(),
            alarms: BTreeMap::new(),
            health: link::Health::default(),
        };
        center.open_seats_of(&beginning.agents);
        center.handle_office(now, beginning.office);
        center.reserve_recordings(now);
        center
    }

    /// The rows, after they were changed.
    pub fn handle_office(&mut self, now: Now, office: Office) {
        let pushed = office.desired_version != self.office.desired_version;
        self.office = office;
        self.campaigns_from_office();
        self.seats_from_office(now);
        if pushed {
            self.push_desired();
        }
        self.look_at = now.tick;
        self.settle(now);
    }

    /// The connection to switchd stands: greet it.
    pub fn handle_link_up(&mut self, now: Now) {
        self.switch.greet(self.epoch);
        self.settle(now);
    }

    /// The connection is gone. Calls go on by their plans; what became of them comes with the next
    /// snapshot.
    pub fn handle_link_down(&mut self, now: Now) {
        self.switch.lost();
        self.questions_lost();
        self.changed.insert(Changed::Health);
        self.settle(now);
    }

    /// A message of switchd.
    pub fn handle_link(&mut self, now: Now, message: ToCenter) {
        match message {
            ToCenter::Hello { epoch, .. } => self.switch.greeted(epoch),
            ToCenter::Snapshot(snapshot) => self.reconcile(now, *snapshot),
            ToCenter::Done { n } => match self.switch.answered(n) {
                Some(About::Question(id)) => self.question_taken(id),
                Some(About::Desired) => self.desired_taken(now),
                Some(About::Attempt(_) | About::Leg(_) | About::Withdraw(_) | About::Nothing)
                | None => {}
            },
            ToCenter::Refused { n, refusal } => {
                if let Some(about) = self.switch.answered(n) {
                    self.refused_by_switch(now, about, &refusal);
                }
            }
            ToCenter::Event { seq, at, event } => {
                self.handle_event(now, at, event);
                self.outbox.handled_event(seq);
            }
        }
        self.settle(now);
    }

    /// The disk's answer to a job.
    pub fn handle_written(&mut self, now: Now, ticket: Ticket, result: &store::Result<Applied>) {
        let passes = result.as_ref().is_err_and(|e| e.passes() || e.blames_disk());
        if result.as_ref().is_err_and(store::Error::blames_disk) {
            self.tell_of_disk(ticket);
        }
        if self.outbox.handle_written(now.tick, ticket, passes) == outbox::Fate::Done
            && let Some(pending) = self.pending.remove(&ticket)
        {
            self.follow(now, pending, result);
        }
        while let Some(&(ticket, change)) = self.echoes.first()
            && self.outbox.is_written(ticket)
        {
            self.echoes.pop_first();
            self.echoed.insert(change);
        }
        self.settle(now);
    }

    /// The answer to [`Output::CheckPin`]: whose it is, if anybody's.
    pub fn handle_pin(&mut self, now: Now, check: u64, agent: Option<AgentId>) {
        if let Some((leg, number)) = self.checks.remove(&check) {
            self.pin_checked(now, leg, &number, agent);
        }
        self.settle(now);
    }

    /// Somebody asks for something.
    pub fn handle_request(&mut self, now: Now, asked: Asked) {
        let Asked { id, actor, request } = asked;
        let answer = match request {
            Request::Campaign { campaign, order } => {
                match self.set_campaign_state(now, id, actor, campaign, order) {
                    // Answered when it is on disk.
                    Ok(()) => return self.settle(now),
                    Err(refused) => Err(refused),
                }
            }
            Request::Reload => {
                self.outputs.push_back(Output::Load);
                Ok(())
            }
            Request::Span(question) => match self.ask_span(now, id, question) {
                // Answered when switchd has answered.
                Ok(()) => return self.settle(now),
                Err(refused) => Err(refused),
            },
            Request::SignIn { agent } => self.sign_in(now, agent),
            Request::SignOut { agent } => self.sign_out(now, agent),
            Request::Ready { agent } => self.ready(now, agent),
            Request::Pause { agent, reason, ordered } => self.pause(now, agent, reason, ordered),
            Request::Dispose { agent, attempt, digit, note, call_back_at } => {
                match self.dispose(now, actor, agent, attempt, digit, note, call_back_at) {
                    Ok(ticket) => {
                        // Answered when it is on disk.
                        self.pending.insert(ticket, Pending::Told(id));
                        return self.settle(now);
                    }
                    Err(refused) => Err(refused),
                }
            }
            Request::HangUp { agent } => self.hang_up_customer(agent),
            Request::Hold { agent, on } => self.hold_customer(now, agent, on),
        };
        self.outputs.push_back(Output::Answer { id, answer });
        self.settle(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.outbox.handle_timeout(now.tick);
        self.seats_timeout(now);
        self.callers_timeout(now);
        self.questions_timeout(now);
        self.settle(now);
    }

    /// What the office wants next.
    pub fn poll(&mut self) -> Option<Output> {
        if let Some((ticket, job)) = self.outbox.poll() {
            return Some(Output::Write(ticket, job));
        }
        if let Some(message) = self.switch.poll() {
            return Some(Output::Link(message));
        }
        if self.switch.is_up()
            && let Some(seq) = self.outbox.poll_ack()
        {
            return Some(Output::Link(ToSwitch::Ack { seq }));
        }
        self.outputs.pop_front()
    }

    /// When to call [`Center::handle_timeout`], and for what.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let agents = self.seats.values().filter_map(Seat::next_timeout).min();
        let callers = self.callers.values().filter_map(Caller::next_timeout).min();
        [
            Some((self.look_at, Timer::Campaigns)),
            agents.map(|at| (at, Timer::Agent)),
            callers.map(|at| (at, Timer::Caller)),
            self.outbox.next_timeout().map(|at| (at, Timer::Disk)),
            self.questions.next_timeout().map(|at| (at, Timer::Question)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What changed since the last call, for pages to draw anew.
    pub fn take_changed(&mut self) -> BTreeSet<Changed> {
        let mut changed = std::mem::take(&mut self.changed);
        let youngest = self.outbox.youngest();
        if !self.outbox.is_written(youngest) {
            self.echoes.extend(changed.iter().map(|change| (youngest, *change)));
        }
        changed.append(&mut self.echoed);
        changed
    }

    /// Everything live, for pages, dumps and the world's checks.
    #[must_use]
    pub fn snapshot(&self) -> View {
        self.build_view()
    }

    /// After every input: agents' machines are drained, and campaigns looked at when it is time.
    fn settle(&mut self, now: Now) {
        self.bound_callers(now);
        self.drain_seats(now);
        if now.tick >= self.look_at {
            self.look_at = now.tick + limits::CAMPAIGN_LOOK_MS;
            self.look_at_campaigns(now);
            self.drain_seats(now);
        }
    }

    /// Puts a change of a tenant's rows on its way to the disk.
    fn write(&mut self, now: Now, tenant: call::TenantId, change: TenantChange) -> Ticket {
        self.outbox.put(Job::of_tenant(now.stamp, Actor::Box, tenant, change))
    }

    /// Nobody waits until there is room on the disk: it is said, and done then.
    fn tell_of_disk(&mut self, ticket: Ticket) {
        let (id, later) = match self.pending.get(&ticket) {
            Some(Pending::Answer(id)) => (*id, Some(Pending::Load)),
            Some(Pending::Told(id)) => (*id, None),
            Some(
                Pending::Claim { .. } | Pending::Dial(_) | Pending::Recordings | Pending::Load,
            )
            | None => return,
        };
        self.pending.remove(&ticket);
        self.pending.extend(later.map(|later| (ticket, later)));
        self.outputs.push_back(Output::Answer { id, answer: Err(Refused::DiskFull) });
    }

    fn follow(&mut self, now: Now, pending: Pending, result: &store::Result<Applied>) {
        match (pending, result) {
            (Pending::Claim { campaign, count }, Ok(Applied::Claimed(attempts))) => {
                self.claimed(now, campaign, count, attempts);
            }
            (Pending::Claim { campaign, count }, _) => self.claimed(now, campaign, count, &[]),
            (Pending::Dial(attempt), Ok(_)) => self.dial(now, attempt),
            (Pending::Dial(attempt), Err(_)) => self.forget_undialled(now, attempt),
            (Pending::Recordings, Ok(Applied::Recordings(first))) => {
                let count = i64::from(limits::RECORDINGS_RESERVED);
                self.recordings.extend((0..count).map(|n| RecordingId(first.0 + n)));
                self.reserving = false;
            }
            (Pending::Recordings, _) => self.reserving = false,
            (Pending::Told(id), result) => {
                let answer = match result {
                    Ok(_) => Ok(()),
                    Err(error) => Err(Refused::NotKept(error.to_string())),
                };
                self.outputs.push_back(Output::Answer { id, answer });
            }
            (Pending::Load, _) => self.outputs.push_back(Output::Load),
            (Pending::Answer(id), result) => {
                let answer = match result {
                    Ok(_) => Ok(()),
                    Err(error) => Err(Refused::CannotStart(error.to_string())),
                };
                self.outputs.push_back(Output::Answer { id, answer });
                self.outputs.push_back(Output::Load);
            }
        }
    }

    fn reserve_recordings(&mut self, now: Now) {
        if self.reserving || self.recordings.len() >= limits::RECORDINGS_LOW {
            return;
        }
        self.reserving = true;
        let change = BoxChange::ReserveRecordings { count: limits::RECORDINGS_RESERVED };
        let ticket = self.outbox.put(Job::of_box(now.stamp, Actor::Box, change));
        self.pending.insert(ticket, Pending::Recordings);
    }

    fn set_campaign_state(
        &mut self,
        now: Now,
        id: u64,
        actor: Actor,
        campaign: CampaignId,
        order: Order,
    ) -> Answer {
        let row = self.office.campaigns.get(&campaign).ok_or(Refused::NoCampaign(campaign))?;
        let mut row = row.clone();
        row.handle_order(now.stamp, order).map_err(|e| Refused::CannotStart(e.to_string()))?;
        let state = row.state;
        let change = TenantChange::SetCampaignState { campaign, state };
        let job = Job::of_tenant(now.stamp, actor, row.tenant, change);
        let ticket = self.outbox.put(job);
        self.pending.insert(ticket, Pending::Answer(id));
        Ok(())
    }
}

/// The folder of the prompts in a language.
fn word_of(language: Language) -> &'static str {
    match language {
        Language::Zh => "zh",
        Language::En => "en",
    }
}
