//! Legs that came in: desk phones that dial `*11` to `*14`, and calls from outside, which hear that
//! nobody can be reached until there are queues.

use std::collections::VecDeque;

use call::{AccountId, AgentId, Cause, LegId, LegPhase, Now, TenantId, Tick};
use dialer::agent::{Order, Reach, State};
use flow::signin::{Checked, Feature, Output as Said, SignIn};
use flow::{Collect, CollectEnd};
use link::{Collected, Command, Direction, LegRecord, Line, PlayEnd, Prompt};
use store::{Actor, BoxChange, Job};

use super::switch::About;
use super::{Center, Output, limits};

/// Who called, and what is being said.
pub(super) struct Caller {
    tenant: TenantId,
    account: Option<AccountId>,
    language: String,
    talk: Talk,
    /// Prompts that wait for the one that is playing.
    prompts: VecDeque<Prompt>,
    /// Outside a menu: when the caller has heard enough, whatever became of the announcement. Set at
    /// the end of the turn in which the caller came.
    until: Option<Tick>,
}

enum Talk {
    /// Answered soon; then this.
    Arriving(Option<Feature>),
    /// A sign-in and its like.
    Menu(Box<SignIn>),
    /// Hears that this is not possible, and is hung up.
    TurnedAway,
}

/// Wrong PINs of one agent number; forgotten when nobody has guessed for as long as a lock lasts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guesses {
    wrong: u32,
    last: Tick,
    locked: bool,
}

impl Caller {
    pub(super) fn next_timeout(&self) -> Option<Tick> {
        match &self.talk {
            Talk::Menu(flow) => flow.next_timeout().map(|(at, _)| at),
            Talk::Arriving(_) | Talk::TurnedAway => self.until,
        }
    }
}

impl Center {
    /// Somebody calls: it is answered at once, and what follows is said when it is.
    pub(super) fn incoming(&mut self, leg: LegId) {
        let Some(record) = self.legs.get(&leg).cloned() else { return };
        let Some(tenant) = self.tenant_of_leg(&record) else {
            return self.end_leg(leg, Cause::NoRoute);
        };
        if self.ring_for(&record, tenant) {
            return;
        }
        self.expect(&record, tenant);
        self.switch.order(About::Leg(leg), Command::Answer { leg });
    }

    /// A caller whom an earlier epoch of ours has answered, and whom nobody remembers: what is said
    /// begins anew. `false`: there is nobody to say it to.
    pub(super) fn welcome_back(&mut self, record: &LegRecord) -> bool {
        let alone = record.direction == Direction::In && record.joined_to.is_none();
        let Some(tenant) = self.tenant_of_leg(record) else { return false };
        let here = alone && record.phase == LegPhase::Answered;
        if here {
            self.expect(record, tenant);
        }
        here
    }

    /// Something is said to this leg as soon as it is answered.
    fn expect(&mut self, record: &LegRecord, tenant: TenantId) {
        let (account, feature) = match record.line {
            Line::Account(account) => (Some(account), Feature::of(&record.called)),
            Line::Trunk(_) => (None, None),
        };
        let at_phone = account.and_then(|account| self.agent_at(account));
        let language = match at_phone.and_then(|agent| self.office.agents.get(&agent)) {
            Some(row) => super::word_of(row.language).to_owned(),
            None => self.office.language.clone(),
        };
        let talk = Talk::Arriving(feature);
        let (prompts, until) = (VecDeque::new(), None);
        let caller = Caller { tenant, account, language, talk, prompts, until };
        self.callers.insert(record.leg, caller);
    }

    /// A caller from outside hears that nobody can be reached.
    pub(super) fn announce(&mut self, leg: LegId) {
        let tenant = self.legs.get(&leg).and_then(|record| self.tenant_of_leg(record));
        let Some(tenant) = tenant else { return self.end_leg(leg, Cause::NoRoute) };
        let caller = Caller {
            tenant,
            account: None,
            language: self.office.language.clone(),
            talk: Talk::Arriving(None),
            prompts: VecDeque::new(),
            until: None,
        };
        self.callers.insert(leg, caller);
        self.switch.order(About::Leg(leg), Command::Answer { leg });
    }

    /// A caller's leg has changed.
    pub(super) fn caller_leg(&mut self, now: Now, record: &LegRecord) {
        if self.bell_leg(now, record) {
            return;
        }
        let leg = record.leg;
        if record.phase == LegPhase::Ended {
            if let Some(Caller { talk: Talk::Menu(mut flow), .. }) = self.callers.remove(&leg) {
                flow.handle_hang_up(now.tick);
            }
            return;
        }
        let Some(caller) = self.callers.get_mut(&leg) else { return };
        let Talk::Arriving(feature) = &caller.talk else { return };
        if record.phase != LegPhase::Answered {
            return;
        }
        match *feature {
            Some(feature) => {
                let account = caller.account;
                let nailed_up = account.and_then(|account| self.reach_at(account));
                let flow = SignIn::new(now.tick, feature, nailed_up != Some(Reach::PerCall));
                if let Some(caller) = self.callers.get_mut(&leg) {
                    caller.talk = Talk::Menu(Box::new(flow));
                }
                self.drain_caller(now, leg);
            }
            None => {
                caller.talk = Talk::TurnedAway;
                let prompt = Prompt::new(&caller.language, flow::Prompt::NotAvailable.word());
                self.play(leg, vec![prompt]);
            }
        }
    }

    /// A collection of digits has ended.
    pub(super) fn collected(&mut self, now: Now, leg: LegId, digits: &str, how: Collected) {
        let end = match how {
            Collected::Ended => CollectEnd::Hash,
            Collected::Full => CollectEnd::Full,
            Collected::TimedOut => CollectEnd::Silence,
        };
        if let Some(Caller { talk: Talk::Menu(flow), prompts, .. }) = self.callers.get_mut(&leg) {
            prompts.clear();
            flow.handle_collected(now.tick, digits, end);
            return self.drain_caller(now, leg);
        }
        self.disposition_collected(now, leg, digits, end);
    }

    /// What was played to a leg has ended.
    pub(super) fn played(&mut self, now: Now, leg: LegId, how: PlayEnd) {
        let Some(caller) = self.callers.get_mut(&leg) else {
            return self.disposition_played(now, leg);
        };
        if let Some(prompt) = caller.prompts.pop_front() {
            return self.play(leg, vec![prompt]);
        }
        match &mut caller.talk {
            Talk::Menu(flow) => {
                flow.handle_played(now.tick);
                self.drain_caller(now, leg);
            }
            Talk::TurnedAway if how == PlayEnd::Complete => {
                self.end_leg(leg, Cause::NormalClearing);
            }
            // What an earlier epoch of ours was saying gave way to what is said now.
            Talk::TurnedAway | Talk::Arriving(_) => {}
        }
    }

    /// A key outside a collection: it means something only at a seat.
    pub(super) fn key_pressed(&mut self, now: Now, leg: LegId, key: char) {
        let seat = self.seats.iter().find(|(_, seat)| seat.leg == Some(leg));
        if let Some(agent) = seat.map(|(agent, _)| *agent) {
            self.seat_key(now, agent, key);
        }
    }

    pub(super) fn callers_timeout(&mut self, now: Now) {
        for leg in self.callers.keys().copied().collect::<Vec<_>>() {
            let Some(caller) = self.callers.get_mut(&leg) else { continue };
            match &mut caller.talk {
                Talk::Menu(flow) => {
                    flow.handle_timeout(now.tick);
                    self.drain_caller(now, leg);
                }
                Talk::Arriving(_) | Talk::TurnedAway => {
                    if caller.until.is_some_and(|until| now.tick >= until) {
                        // Asked again later where the switch does not hear it now.
                        caller.until = None;
                        self.end_leg(leg, Cause::NormalClearing);
                    }
                }
            }
        }
    }

    /// Whoever has come in this turn is not kept for ever.
    pub(super) fn bound_callers(&mut self, now: Now) {
        for caller in self.callers.values_mut() {
            caller.until.get_or_insert(now.tick + limits::CALLER_MS);
        }
    }

    /// Number and PIN were checked.
    pub(super) fn pin_checked(
        &mut self,
        now: Now,
        leg: LegId,
        number: &str,
        agent: Option<AgentId>,
    ) {
        let guesses = self.guesses.entry(number.to_owned()).or_default();
        let checked = match agent {
            Some(agent) => {
                self.guesses.remove(number);
                Checked::Right(agent)
            }
            None => {
                guesses.wrong += 1;
                guesses.last = now.tick;
                guesses.locked |= guesses.wrong >= limits::PIN_FAILURES_MAX;
                if guesses.locked {
                    let until = now.stamp.after_ms(limits::PIN_LOCK_MS.cast_signed());
                    let change = BoxChange::NoteGuessing { who: format!("agent {number}"), until };
                    self.outbox.put(Job::of_box(now.stamp, Actor::Box, change));
                }
                Checked::Wrong
            }
        };
        if let Some(Caller { talk: Talk::Menu(flow), .. }) = self.callers.get_mut(&leg) {
            flow.handle_checked(now.tick, checked);
            self.drain_caller(now, leg);
        }
    }

    /// Does what the menu has decided.
    fn drain_caller(&mut self, now: Now, leg: LegId) {
        loop {
            let Some(caller) = self.callers.get_mut(&leg) else { return };
            let Talk::Menu(flow) = &mut caller.talk else { return };
            let Some(said) = flow.poll() else { break };
            match said {
                Said::Play(prompt) => {
                    let prompt = Prompt::new(&caller.language, prompt.word());
                    caller.prompts.push_back(prompt);
                }
                Said::Collect(collect) => {
                    // All that is to be said before the answer is said in one go, so that the first
                    // digit stops it all.
                    let prompts: Vec<Prompt> = caller.prompts.drain(..).collect();
                    self.ask(leg, prompts, collect);
                }
                Said::Check { agent, pin } => {
                    let tenant = caller.tenant;
                    self.check_pin(now, leg, tenant, agent, pin.digits());
                }
                Said::SignIn(agent) => self.follow_menu(now, leg, Some(agent), Order::SignIn),
                Said::SignOut => self.follow_menu(now, leg, None, Order::SignOut),
                Said::Ready => self.follow_menu(now, leg, None, Order::Ready),
                Said::Pause(code) => {
                    let order = Order::Pause(dialer::agent::Pause::Asked(code));
                    self.follow_menu(now, leg, None, order);
                }
                Said::KeepSeat => return self.keep_seat(now, leg),
                Said::HangUp => self.end_leg(leg, Cause::NormalClearing),
            }
        }
        if let Some(caller) = self.callers.get_mut(&leg) {
            let prompts: Vec<Prompt> = caller.prompts.drain(..).collect();
            if !prompts.is_empty() {
                self.play(leg, prompts);
            }
        }
    }

    /// Says what there is to say and collects the answer.
    pub(super) fn ask(&mut self, leg: LegId, prompts: Vec<Prompt>, collect: Collect) {
        let play = Command::Play { leg, play: 0, prompts, repeat: false, barge_in: true };
        self.switch.order(About::Leg(leg), play);
        let ms = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        let command = Command::Collect {
            leg,
            collect: 0,
            digits_max: collect.digits_max,
            first_ms: ms(collect.first_ms),
            inter_ms: ms(collect.next_ms),
            end: collect.hash_ends.then_some('#'),
        };
        self.switch.order(About::Leg(leg), command);
    }

    fn check_pin(&mut self, now: Now, leg: LegId, tenant: TenantId, number: String, pin: &str) {
        // Two tenants may have the same agent number.
        let whose = format!("{number} of tenant {}", tenant.0);
        self.guesses.retain(|_, guesses| now.tick < guesses.last + limits::PIN_LOCK_MS);
        let locked = self.guesses.get(&whose).is_some_and(|guesses| guesses.locked);
        if locked || self.guesses.len() >= limits::GUESSED_NUMBERS_MAX {
            if let Some(Caller { talk: Talk::Menu(flow), .. }) = self.callers.get_mut(&leg) {
                flow.handle_checked(now.tick, Checked::Locked);
            }
            return;
        }
        self.check_count += 1;
        let check = self.check_count;
        self.checks.insert(check, (leg, whose));
        let pin = pin.to_owned();
        self.outputs.push_back(Output::CheckPin { check, tenant, number, pin });
    }

    /// Follows an order of the menu for the agent who was named, or who is signed in at the phone.
    fn follow_menu(&mut self, now: Now, leg: LegId, named: Option<AgentId>, order: Order) {
        let Some(account) = self.callers.get(&leg).and_then(|caller| caller.account) else {
            return;
        };
        let followed = match (named, order) {
            (Some(agent), _) => self.arrive_at(now, agent, account).is_ok(),
            // Being ready needs the leg that is still speaking: it follows with `KeepSeat`.
            (None, Order::Ready) => self.agent_at(account).is_some(),
            (None, order) => match self.agent_at(account) {
                Some(agent) => self.order(now, agent, order).is_ok(),
                None => false,
            },
        };
        if let Some(Caller { talk: Talk::Menu(flow), .. }) = self.callers.get_mut(&leg) {
            flow.handle_followed(now.tick, followed);
        }
    }

    /// The conversation is over and its leg becomes the seat.
    fn keep_seat(&mut self, now: Now, leg: LegId) {
        let Some(caller) = self.callers.remove(&leg) else { return };
        match caller.account.and_then(|account| self.agent_at(account)) {
            Some(agent) => {
                self.take_seat_leg(now, agent, leg);
                // The phone is off hook and registered, so nothing stands against it.
                let _ = self.order(now, agent, Order::Ready);
            }
            None => self.end_leg(leg, Cause::NormalClearing),
        }
    }

    /// The agent who is signed in at a phone.
    pub(super) fn agent_at(&self, account: AccountId) -> Option<AgentId> {
        let at_work = self.seats.iter().find(|(_, seat)| {
            seat.account == Some(account) && seat.machine.state() != State::SignedOut
        });
        at_work.map(|(agent, _)| *agent)
    }

    /// How the seats at a phone are reached; `None`: nobody's phone.
    fn reach_at(&self, account: AccountId) -> Option<Reach> {
        let row = self.office.agents.values().find(|row| row.account == Some(account));
        row.map(|row| row.seat)
    }
}
