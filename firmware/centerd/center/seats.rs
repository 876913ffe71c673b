//! Agents at their seats: the machine of `dialer::agent` tied to a phone, a leg and the disk.

use std::collections::BTreeMap;

use call::{
    AccountId, AgentId, AttemptId, Cause, LegId, LegPhase, LegTag, Now, OfferId, Stamp, TenantId,
    Tick,
};
use dialer::agent::{self, Agent, CallFact, Order, Output, Pause, PhoneFact, Policy, Reach, State};
use dialer::outcome::Category;
use flow::CollectEnd;
use flow::disposition::{Disposition, Output as Asked};
use link::{Command, Destination, LegRecord, OnAnswer, Prompt};
use store::agent_states::AgentState;
use store::{Actor, TenantChange};

use super::Center;
use super::outbox::Ticket;
use super::request::{Answer, Refused};
use super::switch::About;
use super::view::Changed;

/// One agent and what the box knows of the seat.
pub(super) struct Seat {
    pub(super) machine: Agent,
    pub(super) tenant: TenantId,
    /// The phone at which the agent sits now.
    pub(super) account: Option<AccountId>,
    /// The phone that the agent's row names.
    home: Option<AccountId>,
    reach: Reach,
    /// The box asks for the result of the talk.
    question: Option<Disposition>,
    /// The newest leg of the seat; only its facts count.
    pub(super) leg: Option<LegId>,
    pub(super) since: Stamp,
    /// `*` and what was pressed after it.
    keys: String,
    /// The console keeps the customer waiting.
    pub(super) held_by_console: bool,
}

impl Seat {
    pub(super) fn next_timeout(&self) -> Option<Tick> {
        let question = self.question.as_ref().and_then(Disposition::next_timeout);
        let due = [self.machine.next_timeout().map(|(at, _)| at), question.map(|(at, _)| at)];
        due.into_iter().flatten().min()
    }

    /// The campaign of the next call says how long its wrap-up may last.
    pub(super) fn set_wrap_up(&mut self, wrap_up_ms: u64) {
        self.machine.set_policy(Policy { reach: self.reach, wrap_up_ms, ..Policy::default() });
    }

    /// Promised to nobody, and free for a call at once.
    pub(super) fn is_free(&self) -> bool {
        self.machine.state() == State::Ready
    }
}

/// The mark of an agent's seat leg, and of an attempt's leg. The lowest bit tells which.
pub(super) fn seat_tag(agent: AgentId) -> LegTag {
    LegTag(agent.0.unsigned_abs() << 1 | 1)
}

pub(super) fn attempt_tag(attempt: AttemptId) -> LegTag {
    LegTag(attempt.0.unsigned_abs() << 1)
}

/// What a mark means; `None` on legs that nobody has marked.
pub(super) fn read_tag(tag: LegTag) -> Option<Result<AgentId, AttemptId>> {
    let id = (tag.0 >> 1).cast_signed();
    match (id, tag.0 & 1) {
        (0, _) => None,
        (id, 1) => Some(Ok(AgentId(id))),
        (id, _) => Some(Err(AttemptId(id))),
    }
}

impl Center {
    /// Agents who were at work when the last epoch ended are at work; whether they can take calls
    /// is told by the snapshot of their phones.
    pub(super) fn open_seats_of(&mut self, states: &[(AgentId, String)]) {
        for (agent, state) in states {
            if state != State::SignedOut.word() {
                self.at_work.insert(*agent, state != "paused");
            }
        }
    }

    /// Every agent of the office has a seat; who was taken out goes home.
    pub(super) fn seats_from_office(&mut self, now: Now) {
        for (id, row) in &self.office.agents {
            let policy = Policy { reach: row.seat, ..Policy::default() };
            let seat = self.seats.entry(*id).or_insert_with(|| Seat {
                machine: match self.at_work.contains_key(id) {
                    true => Agent::restarted(now.tick, *id, policy),
                    false => Agent::new(now.tick, *id, policy),
                },
                tenant: row.tenant,
                account: None,
                home: None,
                reach: row.seat,
                question: None,
                leg: None,
                since: now.stamp,
                keys: String::new(),
                held_by_console: false,
            });
            seat.reach = row.seat;
            if seat.home != row.account {
                seat.home = row.account;
                seat.account = row.account;
                let known = row.account.is_some_and(|account| self.phones.contains_key(&account));
                let fact = if known { PhoneFact::Registered } else { PhoneFact::Gone };
                seat.machine.handle_phone(now.tick, fact);
            }
        }
        let gone = self.seats.keys().copied().filter(|id| !self.office.agents.contains_key(id));
        for id in gone.collect::<Vec<_>>() {
            let Some(seat) = self.seats.get_mut(&id) else { continue };
            // Who has gone home already needs no order.
            let _ = seat.machine.handle_order(now.tick, Order::SignOut);
            if seat.machine.state() == State::SignedOut && seat.leg.is_none() {
                self.seats.remove(&id);
            }
        }
    }

    pub(super) fn seats_timeout(&mut self, now: Now) {
        for agent in self.seats.keys().copied().collect::<Vec<_>>() {
            let Some(seat) = self.seats.get_mut(&agent) else { continue };
            seat.machine.handle_timeout(now.tick);
            if let Some(question) = &mut seat.question {
                question.handle_timeout(now.tick);
                self.drain_question(now, agent);
            }
        }
    }

    /// The contacts of a phone have changed.
    pub(super) fn registration(
        &mut self,
        now: Now,
        account: AccountId,
        contacts: Vec<link::Contact>,
    ) {
        let fact = if contacts.is_empty() { PhoneFact::Gone } else { PhoneFact::Registered };
        if contacts.is_empty() {
            self.phones.remove(&account);
        } else {
            self.phones.insert(account, contacts);
        }
        self.changed.insert(Changed::Phone(account));
        for (id, seat) in &mut self.seats {
            if seat.account == Some(account) {
                seat.machine.handle_phone(now.tick, fact);
                self.changed.insert(Changed::Agent(*id));
            }
        }
    }

    /// A leg of a seat has changed.
    pub(super) fn seat_leg(&mut self, now: Now, agent: AgentId, record: &LegRecord) {
        let Some(seat) = self.seats.get_mut(&agent) else {
            return self.end_leg(record.leg, Cause::NormalClearing);
        };
        if seat.leg != Some(record.leg) {
            // An older leg of the seat; its end is only a record.
            return;
        }
        self.changed.insert(Changed::Agent(agent));
        match record.phase {
            LegPhase::Answered => {
                if !seat.machine.snapshot().seat_up {
                    seat.machine.handle_phone(now.tick, PhoneFact::SeatUp);
                }
                self.follow_hold(now, agent);
            }
            LegPhase::Ended => {
                seat.leg = None;
                seat.keys.clear();
                seat.machine.handle_phone(now.tick, PhoneFact::SeatDown);
            }
            LegPhase::Idle
            | LegPhase::Seized
            | LegPhase::Dialing
            | LegPhase::Proceeding
            | LegPhase::Alerting
            | LegPhase::Releasing => {}
        }
    }

    pub(super) fn sign_in(&mut self, now: Now, agent: AgentId) -> Answer {
        let account = self.seat(agent)?.account.ok_or(Refused::NoPhone)?;
        self.phone_is_free(agent, account)?;
        if !self.phones.contains_key(&account) {
            return Err(Refused::PhoneNotRegistered);
        }
        let seat = self.seat(agent)?;
        seat.machine.handle_order(now.tick, Order::SignIn).map_err(refused)?;
        // Whoever signs in is there to work; who is not says "pause".
        seat.machine.handle_order(now.tick, Order::Ready).map_err(refused)
    }

    /// The agent has signed in by keys of this phone, whosever it usually is.
    pub(super) fn arrive_at(&mut self, now: Now, agent: AgentId, account: AccountId) -> Answer {
        self.phone_is_free(agent, account)?;
        let seat = self.seat(agent)?;
        seat.account = Some(account);
        seat.machine.handle_phone(now.tick, PhoneFact::Registered);
        if seat.machine.state() == State::SignedOut {
            seat.machine.handle_order(now.tick, Order::SignIn).map_err(refused)?;
        }
        match seat.reach {
            // Ready when the leg that is speaking has become the seat.
            Reach::NailedUp => Ok(()),
            Reach::PerCall => self.order(now, agent, Order::Ready),
        }
    }

    /// From now on this answered leg is the seat's.
    pub(super) fn take_seat_leg(&mut self, now: Now, agent: AgentId, leg: LegId) {
        let Some(seat) = self.seats.get_mut(&agent) else { return };
        if let Some(older) = seat.leg.replace(leg)
            && older != leg
        {
            seat.machine.handle_phone(now.tick, PhoneFact::SeatDown);
            self.end_leg(older, Cause::NormalClearing);
        }
        if let Some(seat) = self.seats.get_mut(&agent) {
            seat.machine.handle_phone(now.tick, PhoneFact::SeatUp);
        }
        self.switch.order(About::Leg(leg), Command::Mark { leg, tag: seat_tag(agent) });
        self.changed.insert(Changed::Agent(agent));
    }

    pub(super) fn sign_out(&mut self, now: Now, agent: AgentId) -> Answer {
        self.order(now, agent, Order::SignOut)
    }

    pub(super) fn ready(&mut self, now: Now, agent: AgentId) -> Answer {
        if !self.switch.is_up() {
            return Err(Refused::SwitchDown);
        }
        self.order(now, agent, Order::Ready)
    }

    pub(super) fn pause(&mut self, now: Now, agent: AgentId, reason: u8, ordered: bool) -> Answer {
        let reason = if ordered { Pause::Ordered } else { Pause::Asked(reason) };
        self.order(now, agent, Order::Pause(reason))
    }

    pub(super) fn order(&mut self, now: Now, agent: AgentId, order: Order) -> Answer {
        self.seat(agent)?.machine.handle_order(now.tick, order).map_err(refused)
    }

    /// The agent says what came of a talk. Gives back what is on its way to the disk by that.
    #[allow(clippy::too_many_arguments)] // one for each word of the sentence that the agent says
    pub(super) fn dispose(
        &mut self,
        now: Now,
        actor: Actor,
        agent: AgentId,
        attempt: AttemptId,
        digit: u8,
        note: String,
        call_back_at: Option<Stamp>,
    ) -> Result<Ticket, Refused> {
        let seat = self.seat(agent)?;
        let tenant = seat.tenant;
        if seat.machine.state().attempt() != Some(attempt) {
            return Err(Refused::NoTalk);
        }
        let talk = self.talked.get(&agent).filter(|talk| talk.attempt == attempt);
        let campaign = talk.and_then(|talk| self.office.campaigns.get(&talk.campaign));
        let said = campaign.ok_or(Refused::NoTalk)?.settings.dispositions.by_digit(digit);
        let said = said.ok_or(Refused::NoDisposition(digit))?.clone();
        if said.category == Category::Callback && call_back_at.is_none() {
            return Err(Refused::NoTime);
        }
        let change = TenantChange::SaveDisposition {
            attempt,
            category: said.category,
            label: said.label,
            note,
            call_back_at,
        };
        let seat = self.seat(agent)?;
        seat.machine.handle_call(now.tick, CallFact::Disposed { attempt }).map_err(refused)?;
        self.changed.insert(Changed::Attempt(attempt));
        Ok(self.outbox.put(store::Job::of_tenant(now.stamp, actor, tenant, change)))
    }

    pub(super) fn hang_up_customer(&mut self, agent: AgentId) -> Answer {
        let leg = self.customer_of(agent)?;
        self.end_leg(leg, Cause::NormalClearing);
        Ok(())
    }

    pub(super) fn customer_of(&mut self, agent: AgentId) -> Result<LegId, Refused> {
        let state = self.seat(agent)?.machine.state();
        let (State::Talking { attempt } | State::Holding { attempt }) = state else {
            return Err(Refused::WrongState { state: state.word() });
        };
        let live = self.attempts.get(&attempt).and_then(|live| live.leg);
        if self.switch.is_up() { live.ok_or(Refused::NoTalk) } else { Err(Refused::SwitchDown) }
    }

    /// A key of a seat's phone: a disposition in wrap-up, or `*12`, `*13`, `*14`.
    pub(super) fn seat_key(&mut self, now: Now, agent: AgentId, key: char) {
        let Some(seat) = self.seats.get_mut(&agent) else { return };
        if key == '*' || !seat.keys.is_empty() {
            if key == '*' {
                seat.keys.clear();
            }
            seat.keys.push(key);
            if seat.keys.len() < 3 {
                return;
            }
            let code = std::mem::take(&mut seat.keys);
            let done = match code.as_str() {
                "*12" => self.sign_out(now, agent),
                "*13" => self.ready(now, agent),
                "*14" => self.pause(now, agent, 0, false),
                _ => return self.say(agent, "try_again"),
            };
            return self.say(
                agent,
                match (done, code.as_str()) {
                    (Err(_), _) => "not_available",
                    (Ok(()), "*12") => "signed_out",
                    (Ok(()), "*13") => "ready",
                    (Ok(()), _) => "paused",
                },
            );
        }
        let (State::WrapUp { attempt }, Some(digit)) = (seat.machine.state(), key.to_digit(10))
        else {
            return;
        };
        let digit = u8::try_from(digit).unwrap_or(0);
        let said =
            self.dispose(now, Actor::Agent(agent), agent, attempt, digit, String::new(), None);
        self.say(agent, if said.is_ok() { "saved" } else { "try_again" });
    }

    /// An agent without a console is asked by voice; the others press a key or click.
    fn ask_for_disposition(&mut self, now: Now, agent: AgentId, attempt: AttemptId) {
        let by_voice = self.office.agents.get(&agent).is_some_and(|row| row.person.is_none());
        let campaign = self.talked.get(&agent).filter(|talk| talk.attempt == attempt);
        let campaign = campaign.and_then(|talk| self.office.campaigns.get(&talk.campaign));
        let (true, Some(campaign)) = (by_voice, campaign) else { return };
        // A callback needs a time, which no key can tell.
        let keys =
            campaign.settings.dispositions.iter().filter(|d| d.category != Category::Callback);
        let keys = keys.map(|d| d.digit).collect();
        let Some(seat) = self.seats.get_mut(&agent).filter(|seat| seat.leg.is_some()) else {
            return;
        };
        seat.question = Some(Disposition::new(now.tick, attempt, keys));
        self.drain_question(now, agent);
    }

    pub(super) fn disposition_collected(
        &mut self,
        now: Now,
        leg: LegId,
        digits: &str,
        end: CollectEnd,
    ) {
        self.on_question(now, leg, |question| question.handle_collected(now.tick, digits, end));
    }

    pub(super) fn disposition_played(&mut self, now: Now, leg: LegId) {
        self.on_question(now, leg, |question| question.handle_played(now.tick));
    }

    fn on_question(&mut self, now: Now, leg: LegId, tell: impl FnOnce(&mut Disposition)) {
        let seat = self.seats.iter_mut().find(|(_, seat)| seat.leg == Some(leg));
        if let Some((&agent, Seat { question: Some(question), .. })) = seat {
            tell(question);
            self.drain_question(now, agent);
        }
    }

    fn drain_question(&mut self, now: Now, agent: AgentId) {
        let language =
            self.office.agents.get(&agent).map_or("", |row| super::word_of(row.language));
        let mut prompts = Vec::new();
        loop {
            let Some(seat) = self.seats.get_mut(&agent) else { return };
            let (Some(question), Some(leg)) = (&mut seat.question, seat.leg) else { return };
            match question.poll() {
                Some(Asked::Play(prompt)) => prompts.push(Prompt::new(language, prompt.word())),
                Some(Asked::Collect(collect)) => {
                    self.ask(leg, std::mem::take(&mut prompts), collect);
                }
                Some(Asked::Save { attempt, digit }) => {
                    let by = Actor::Agent(agent);
                    // The word of thanks is said on the leg of a seat that is ready again already.
                    let saved = self.dispose(now, by, agent, attempt, digit, String::new(), None);
                    if let Some(Seat { question: Some(question), .. }) = self.seats.get_mut(&agent)
                    {
                        question.handle_saved(now.tick, saved.is_ok());
                    }
                }
                Some(Asked::Done) => seat.question = None,
                None => {
                    if !prompts.is_empty() {
                        self.play(leg, prompts);
                    }
                    return;
                }
            }
        }
    }

    /// Lets the agent hear a prompt in the agent's language.
    fn say(&mut self, agent: AgentId, prompt: &str) {
        let language =
            self.office.agents.get(&agent).map_or("", |row| super::word_of(row.language));
        let prompt = Prompt::new(language, prompt);
        if let Some(leg) = self.seats.get(&agent).and_then(|seat| seat.leg) {
            self.play(leg, vec![prompt]);
        }
    }

    pub(super) fn play(&mut self, leg: LegId, prompts: Vec<Prompt>) {
        let command = Command::Play { leg, play: 0, prompts, repeat: false, barge_in: false };
        self.switch.order(About::Leg(leg), command);
    }

    /// Does what the machines have decided.
    pub(super) fn drain_seats(&mut self, now: Now) {
        // An output of one machine may feed another (a seat that is lost gives its call to a free
        // one), so it goes round until all are quiet.
        while let Some((agent, output)) =
            self.seats.iter_mut().find_map(|(id, seat)| Some((*id, seat.machine.poll()?)))
        {
            self.seat_output(now, agent, output);
        }
    }

    fn seat_output(&mut self, now: Now, agent: AgentId, output: Output) {
        self.changed.insert(Changed::Agent(agent));
        match output {
            Output::CallSeat => self.call_seat(now, agent),
            Output::HangUpSeat => {
                if let Some(leg) = self.seats.get(&agent).and_then(|seat| seat.leg) {
                    self.end_leg(leg, Cause::NormalClearing);
                }
            }
            Output::OfferSeat { offer, attempt } => self.offered(now, agent, offer, attempt),
            Output::WithdrawSeat { offer } => self.withdraw(now, offer),
            Output::Missed { attempt } => self.give_back(now, attempt),
            Output::Beep => {
                if let Some(leg) = self.seats.get(&agent).and_then(|seat| seat.leg) {
                    self.play(leg, vec![Prompt::new("", "beep")]);
                }
            }
            Output::WrapUpOver { .. } => {
                self.talked.remove(&agent);
                if let Some(seat) = self.seats.get_mut(&agent) {
                    seat.question = None;
                }
            }
            Output::StateChanged { to, .. } => self.note_state(now, agent, to),
        }
    }

    fn call_seat(&mut self, now: Now, agent: AgentId) {
        let leg = self.new_leg();
        let Some(seat) = self.seats.get_mut(&agent) else { return };
        let Some(account) = seat.account.filter(|_| self.switch.is_up()) else {
            return seat.machine.handle_phone(now.tick, PhoneFact::SeatDown);
        };
        seat.leg = Some(leg);
        let caller =
            self.office.agents.get(&agent).map(|row| row.number.clone()).unwrap_or_default();
        let command = Command::Originate {
            leg,
            tag: seat_tag(agent),
            to: Destination::Account { account, caller, auto_answer: true },
            ring_timeout_ms: u32::try_from(dialer::limits::SEAT_RING_MS).unwrap_or(u32::MAX),
            on_answer: OnAnswer::Tell,
        };
        self.switch.order(About::Leg(leg), command);
    }

    /// The switch would not call the seat's phone.
    pub(super) fn seat_leg_refused(&mut self, now: Now, leg: LegId) {
        if let Some(seat) = self.seats.values_mut().find(|seat| seat.leg == Some(leg)) {
            seat.leg = None;
            seat.machine.handle_phone(now.tick, PhoneFact::SeatDown);
        }
    }

    /// The switch has confirmed that an offer is no more.
    pub(super) fn offer_gone(&mut self, now: Now, offer: OfferId) {
        for seat in self.seats.values_mut() {
            // Only the seat that has made this promise takes it.
            let _ = seat.machine.handle_call(now.tick, CallFact::Withdrawn { offer });
        }
    }

    fn note_state(&mut self, now: Now, agent: AgentId, to: State) {
        let Some(seat) = self.seats.get_mut(&agent) else { return };
        seat.since = now.stamp;
        if !matches!(to, State::Talking { .. } | State::Holding { .. }) {
            seat.held_by_console = false;
        }
        let reason = match to {
            State::Paused { reason: Pause::Asked(code) } => Some(format!("asked:{code}")),
            State::Paused { reason } => Some(reason.word().to_owned()),
            State::SignedOut
            | State::Ready
            | State::Reserved { .. }
            | State::Ringing { .. }
            | State::Talking { .. }
            | State::Holding { .. }
            | State::WrapUp { .. } => None,
        };
        if to == State::SignedOut {
            seat.account = seat.home;
        }
        let tenant = seat.tenant;
        let attempt = to.attempt();
        if let State::WrapUp { attempt } = to {
            self.ask_for_disposition(now, agent, attempt);
        }
        let of_attempt = attempt.and_then(|attempt| self.attempts.get(&attempt));
        let campaign = of_attempt.map(|live| live.campaign);
        let campaign = campaign.or_else(|| self.talked.get(&agent).map(|talk| talk.campaign));
        let campaign = campaign.filter(|_| attempt.is_some());
        let state = AgentState { agent, state: to.word(), reason, campaign, attempt };
        self.write(now, tenant, TenantChange::AgentState(state));
        self.look_at = now.tick;
    }

    fn phone_is_free(&self, agent: AgentId, account: AccountId) -> Answer {
        let other = self.seats.iter().find(|(id, seat)| {
            **id != agent
                && seat.account == Some(account)
                && seat.machine.state() != State::SignedOut
        });
        let number = |id: &AgentId| {
            self.office.agents.get(id).map(|row| row.number.clone()).unwrap_or_default()
        };
        other.map_or(Ok(()), |(id, _)| Err(Refused::PhoneTaken(number(id))))
    }

    pub(super) fn seat(&mut self, agent: AgentId) -> Result<&mut Seat, Refused> {
        self.seats.get_mut(&agent).ok_or(Refused::NoAgent(agent))
    }

    /// Seats by who has waited longest, so that work is spread.
    pub(super) fn free_seats(&self) -> Vec<AgentId> {
        let free = self.seats.iter().filter(|(_, seat)| seat.is_free());
        let by_since: BTreeMap<(Tick, AgentId), AgentId> =
            free.map(|(id, seat)| ((seat.machine.snapshot().since, *id), *id)).collect();
        by_since.into_values().collect()
    }
}

fn refused(refused: agent::Refused) -> Refused {
    match refused {
        agent::Refused::PhoneGone => Refused::PhoneNotRegistered,
        agent::Refused::NotSignedIn => Refused::WrongState { state: State::SignedOut.word() },
        agent::Refused::AlreadySignedIn => Refused::WrongState { state: "signed_in" },
        agent::Refused::NotReady(state) => Refused::WrongState { state: state.word() },
        agent::Refused::Stale => Refused::NoTalk,
    }
}
