//! One try to reach one lead, from the claim to the outcome.
//!
//! ```text
//!  claimed ─► a seat is reserved ─► offered ─► `dialled` is written ─► ordered ─► rings ─► ends
//!    │            │ none free          │ the seat is lost: another one, or the call is withdrawn
//!    └────────────┴─► given back       └─► Cancelled
//! ```

use call::{
    AgentId, AttemptId, CampaignId, Cause, LeadId, LegId, LegPhase, Now, Number, OfferId,
    RecordingId, Side, Stamp, TenantId, TrunkId,
};
use dialer::agent::CallFact;
use dialer::attempt::{Attempt, Moment};
use link::{AnswerPlan, Command, Destination, LegRecord, NoSeat, OnAnswer, Prompt};
use store::{Progress, TenantChange};

use super::campaigns::Talk;
use super::seats::attempt_tag;
use super::switch::About;
use super::view::Changed;
use super::{Center, Pending, limits};

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A seat is being had.
    Seating,
    /// `dialled` is on its way to the disk.
    Writing,
    /// switchd has the order.
    Ordered,
}

/// An attempt in flight.
pub(super) struct Live {
    pub(super) tenant: TenantId,
    pub(super) campaign: CampaignId,
    pub(super) lead: LeadId,
    pub(super) number: Number,
    pub(super) agent: Option<AgentId>,
    pub(super) leg: Option<LegId>,
    pub(super) trunk: Option<TrunkId>,
    offer: Option<OfferId>,
    caller: Option<Number>,
    recording: Option<RecordingId>,
    answered: bool,
    joined: bool,
    /// Its offer stands at switchd from an earlier epoch of ours and need not be made again.
    stands: bool,
    stage: Stage,
}

impl Live {
    pub(super) fn of(attempt: &Attempt) -> Live {
        Live {
            tenant: attempt.tenant,
            campaign: attempt.campaign,
            lead: attempt.lead,
            number: attempt.number.clone(),
            agent: attempt.agent,
            leg: attempt.leg,
            trunk: attempt.trunk,
            offer: None,
            caller: attempt.caller.clone(),
            recording: attempt.recording,
            answered: false,
            joined: false,
            stands: false,
            stage: Stage::Ordered,
        }
    }
}

impl Live {
    pub(super) fn is_ordered(&self) -> bool {
        self.stage == Stage::Ordered
    }
}

impl Center {
    /// Leads were claimed: each gets a free seat, or is given back.
    pub(super) fn claimed(
        &mut self,
        now: Now,
        campaign: CampaignId,
        count: u32,
        attempts: &[Attempt],
    ) {
        if let Some(running) = self.campaigns.get_mut(&campaign) {
            running.claimed(count, attempts.len());
        }
        for attempt in attempts {
            let live = Live { stage: Stage::Seating, ..Live::of(attempt) };
            self.attempts.insert(attempt.id, live);
            self.changed.insert(Changed::Attempt(attempt.id));
            if !self.reserve_seat(now, attempt.id) {
                self.give_back(now, attempt.id);
            }
        }
        self.changed.insert(Changed::Campaign(campaign));
    }

    /// Reserves the free seat that has waited longest. Returns whether there was one.
    fn reserve_seat(&mut self, now: Now, attempt: AttemptId) -> bool {
        let Some(live) = self.attempts.get(&attempt) else { return false };
        let Some(campaign) = self.office.campaigns.get(&live.campaign) else { return false };
        let agents = &campaign.settings.agents;
        let wrap_up_ms = campaign.settings.wrap_up_ms;
        let Some(agent) = self.free_seats().into_iter().find(|agent| agents.contains(agent)) else {
            return false;
        };
        self.offer_count += 1;
        let offer = OfferId((i64::from(self.epoch.0) << 32) | i64::from(self.offer_count));
        let Some(seat) = self.seats.get_mut(&agent) else { return false };
        seat.set_wrap_up(wrap_up_ms);
        let reserved = seat.machine.handle_call(now.tick, CallFact::Reserve { offer, attempt });
        if reserved.is_ok()
            && let Some(live) = self.attempts.get_mut(&attempt)
        {
            live.agent = Some(agent);
            live.offer = Some(offer);
        }
        reserved.is_ok()
    }

    /// The seat is promised to the attempt: it may be dialled, or, where it rings already, be told.
    pub(super) fn offered(&mut self, now: Now, agent: AgentId, offer: OfferId, attempt: AttemptId) {
        if let Some(live) = self.attempts.get_mut(&attempt)
            && std::mem::take(&mut live.stands)
        {
            return;
        }
        match self.attempts.get(&attempt).map(|live| (live.stage, live.leg)) {
            None => self.offer_gone(now, offer),
            Some((Stage::Ordered, Some(leg))) => {
                self.order_offer(agent, offer);
                self.switch
                    .order(About::Attempt(attempt), Command::Extend { leg, seats: vec![offer] });
            }
            Some((Stage::Writing, _)) => {}
            Some((Stage::Seating | Stage::Ordered, _)) => self.prepare(now, attempt),
        }
    }

    /// An offer stands at switchd. Returns whether an attempt of ours still rings for it and its
    /// agent still takes calls: then the seat is reserved by it again.
    pub(super) fn take_up_offer(&mut self, now: Now, offer: OfferId, seat: LegId) -> bool {
        let agent = self.seats.iter().find(|(_, s)| s.leg == Some(seat)).map(|(agent, _)| *agent);
        let Some(agent) = agent else { return false };
        let mut ringing = self.attempts.iter_mut();
        let Some((&attempt, live)) = ringing.find(|(_, live)| {
            live.offer == Some(offer)
                || (live.agent == Some(agent) && !live.joined && live.is_ordered())
        }) else {
            return false;
        };
        if live.offer == Some(offer) {
            return true;
        }
        live.offer = Some(offer);
        let Some(seat) = self.seats.get_mut(&agent) else { return false };
        let reserved = seat.machine.handle_call(now.tick, CallFact::Reserve { offer, attempt });
        live.stands = reserved.is_ok();
        reserved.is_ok()
    }

    /// Chooses the line and writes that the attempt is dialled.
    fn prepare(&mut self, now: Now, attempt: AttemptId) {
        let Some(live) = self.attempts.get(&attempt) else { return };
        let (tenant, campaign, number) = (live.tenant, live.campaign, live.number.clone());
        let way = match self.way_out(campaign, tenant, &number) {
            Ok(way) => way,
            Err(cause) => return self.end_attempt(now, attempt, cause, Side::Box),
        };
        if let Some(caller) = &way.caller {
            self.shown.shown(campaign, caller);
        }
        let record = self.office.campaigns.get(&campaign).is_some_and(|c| c.settings.record);
        let leg = self.new_leg();
        let recording = if record { self.recordings.pop_front() } else { None };
        self.reserve_recordings(now);
        let Some(live) = self.attempts.get_mut(&attempt) else { return };
        live.leg = Some(leg);
        live.trunk = Some(way.trunk);
        live.caller = way.caller.clone();
        live.recording = recording;
        live.stage = Stage::Writing;
        let progress = Progress {
            moments: vec![(Moment::Dialled, now.stamp)],
            leg: Some(leg),
            trunk: Some(way.trunk),
            caller: way.caller,
            agent: live.agent,
            recording: None,
        };
        let ticket = self.write(now, tenant, TenantChange::AttemptProgress { attempt, progress });
        self.pending.insert(ticket, Pending::Dial(attempt));
    }

    /// It is on disk that the attempt is dialled: now the first digit may go out.
    pub(super) fn dial(&mut self, now: Now, attempt: AttemptId) {
        let seated = self.attempts.get(&attempt).is_some_and(|live| live.offer.is_some());
        if !self.switch.is_up() || (!seated && !self.reserve_seat(now, attempt)) {
            return self.forget_undialled(now, attempt);
        }
        let Some(live) = self.attempts.get_mut(&attempt) else { return };
        let (Some(agent), Some(offer), Some(leg), Some(trunk)) =
            (live.agent, live.offer, live.leg, live.trunk)
        else {
            return self.forget_undialled(now, attempt);
        };
        live.stage = Stage::Ordered;
        let (number, caller) = (live.number.clone(), live.caller.clone());
        let (campaign, recording) = (live.campaign, live.recording);
        let Some(campaign) = self.office.campaigns.get(&campaign) else {
            return self.forget_undialled(now, attempt);
        };
        let ring_timeout_ms = u32::try_from(campaign.settings.ring_ms).unwrap_or(u32::MAX);
        let apology = Prompt::new(&self.office.language, "no_seat");
        let plan = AnswerPlan {
            seats: vec![offer],
            deadline_ms: limits::ANSWER_DEADLINE_MS,
            no_seat: NoSeat { prompt: Some(apology), cause: Cause::Abandoned },
            record: recording,
            beep: true,
            talk_max_ms: limits::TALK_MAX_MS,
        };
        self.order_offer(agent, offer);
        let command = Command::Originate {
            leg,
            tag: attempt_tag(attempt),
            to: Destination::Trunk {
                trunk,
                number: number.as_str().to_owned(),
                caller_id: caller.map(|caller| caller.as_str().to_owned()),
            },
            ring_timeout_ms,
            on_answer: OnAnswer::Plan(plan),
        };
        self.switch.order(About::Attempt(attempt), command);
    }

    fn order_offer(&mut self, agent: AgentId, offer: OfferId) {
        if let Some(seat) = self.seats.get(&agent).and_then(|seat| seat.leg) {
            self.switch.order(About::Withdraw(offer), Command::Offer { offer, seat });
        }
    }

    /// The agent of this promise is leaving.
    pub(super) fn withdraw(&mut self, now: Now, offer: OfferId) {
        let live = self.attempts.values_mut().find(|live| live.offer == Some(offer));
        match live {
            Some(live) if live.stage != Stage::Ordered => {
                // switchd has never heard of it.
                live.offer = None;
                live.agent = None;
                self.offer_gone(now, offer);
            }
            Some(_) | None if self.switch.is_up() => {
                self.switch.order(About::Withdraw(offer), Command::Withdraw { offer });
            }
            // The machine asks again until the switch is back.
            Some(_) | None => {}
        }
    }

    /// The switch says that an offer has ended without a join.
    pub(super) fn offer_ended(&mut self, now: Now, offer: OfferId) {
        self.offer_gone(now, offer);
        let of =
            self.attempts.iter_mut().find(|(_, live)| live.offer == Some(offer) && !live.joined);
        let Some((&attempt, live)) = of else { return };
        live.offer = None;
        live.agent = None;
        let (leg, answered) = (live.leg, live.answered);
        // A person who rings must not pick up to silence: another seat, or nobody is called.
        if !self.reserve_seat(now, attempt)
            && !answered
            && let Some(leg) = leg
        {
            self.end_leg(leg, Cause::Cancelled);
        }
    }

    /// The leg of an attempt has changed.
    pub(super) fn attempt_leg(&mut self, now: Now, attempt: AttemptId, record: &LegRecord) {
        let Some(live) = self.attempts.get_mut(&attempt) else { return };
        let tenant = live.tenant;
        live.leg = Some(record.leg);
        live.answered |= record.answered.is_some();
        let newly_joined = record.joined.is_some() && !live.joined;
        live.joined |= newly_joined;
        if newly_joined {
            self.joined(now, attempt, record);
        }
        let moments = [
            (Moment::Dialled, record.dialled),
            (Moment::Ringing, record.ringing),
            (Moment::Answered, record.answered),
            (Moment::Joined, record.joined),
        ];
        let known = |(moment, at): (Moment, Option<Stamp>)| Some((moment, at?));
        let progress = Progress {
            moments: moments.into_iter().filter_map(known).collect(),
            leg: Some(record.leg),
            agent: self.attempts.get(&attempt).and_then(|live| live.agent),
            recording: record.recording,
            ..Progress::default()
        };
        self.write(now, tenant, TenantChange::AttemptProgress { attempt, progress });
        self.changed.insert(Changed::Attempt(attempt));
        if record.phase == LegPhase::Ended {
            let at = Now { stamp: record.ended.unwrap_or(now.stamp), ..now };
            let cause = record.cause.unwrap_or(Cause::Lost);
            self.end_attempt(at, attempt, cause, record.ended_by.unwrap_or(Side::Box));
        }
    }

    /// Customer and agent hear each other.
    fn joined(&mut self, now: Now, attempt: AttemptId, record: &LegRecord) {
        let by_leg = self
            .seats
            .iter()
            .find(|(_, seat)| seat.leg.is_some() && seat.leg == record.joined_to)
            .map(|(agent, _)| *agent);
        let Some(live) = self.attempts.get_mut(&attempt) else { return };
        live.agent = by_leg.or(live.agent);
        let Some(agent) = live.agent else { return };
        let (campaign, lead, number) = (live.campaign, live.lead, live.number.clone());
        self.talked.insert(agent, Talk { attempt, campaign, lead, number });
        if let Some(seat) = self.seats.get_mut(&agent) {
            // A seat that was given away meanwhile has hung up; the leg's end will say so.
            let _ = seat.machine.handle_call(now.tick, CallFact::Joined { attempt });
        }
        self.changed.insert(Changed::Agent(agent));
    }

    /// The attempt is over, with what the line said.
    pub(super) fn end_attempt(&mut self, now: Now, attempt: AttemptId, cause: Cause, by: Side) {
        let Some(live) = self.attempts.remove(&attempt) else { return };
        self.write(now, live.tenant, TenantChange::EndAttempt { attempt, cause, by });
        self.release(now, attempt, &live);
    }

    /// Nothing went out for this claim, and nothing will.
    pub(super) fn give_back(&mut self, now: Now, attempt: AttemptId) {
        let Some(live) = self.attempts.remove(&attempt) else { return };
        self.write(now, live.tenant, TenantChange::GiveBack(attempt));
        self.release(now, attempt, &live);
    }

    /// It is on disk as dialled, but the order was never given.
    pub(super) fn forget_undialled(&mut self, now: Now, attempt: AttemptId) {
        self.end_attempt(now, attempt, Cause::Cancelled, Side::Box);
    }

    fn release(&mut self, now: Now, attempt: AttemptId, live: &Live) {
        if let (Some(offer), Stage::Ordered, false) = (live.offer, live.stage, live.joined) {
            self.switch.order(About::Withdraw(offer), Command::Withdraw { offer });
        }
        for seat in self.seats.values_mut() {
            // Only the seat that works on it takes it.
            let _ = seat.machine.handle_call(now.tick, CallFact::Over { attempt });
        }
        self.changed.insert(Changed::Attempt(attempt));
        self.changed.insert(Changed::Campaign(live.campaign));
        self.look_at = now.tick;
    }
}
