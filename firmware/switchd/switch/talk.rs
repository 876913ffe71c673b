//! Joins: who talks with whom, answer plans, hold, release links, and the end of a leg.

use std::collections::BTreeMap;

use call::{Cause, LegId, LegPhase, OfferId, RecordingId, Side};
use link::{AnswerPlan, Event, OfferEnd, PlayEnd, Prompt, Refusal};
use media::{Command, Ear, PortId, Source};

use super::leg::{Leg, Plan};
use super::port::{MUSIC_PLAYER, player_of};
use super::prompt::BEEP;
use super::way::LineCall;
use super::wire::Row;
use super::{Switch, Timer};
use crate::journal::Entry;
use crate::limits::{PLAY_LATE_MS, PORT_CLOSE_MS, RELEASE_MS};
use crate::seam::SoundOrder;

/// One join. Its customer is the key in [`Talks`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Talk {
    pub(super) seat: LegId,
    /// centerd has put the customer on hold.
    pub(super) held: bool,
    /// The seat ends with its customer, as a desk phone that rang for it.
    bound: bool,
    /// The recording that ends with the join.
    pub(super) recording: Option<RecordingId>,
}

/// All joins. A leg is in one at most, as customer or as seat.
#[derive(Clone, Debug, Default)]
pub(super) struct Talks {
    by_customer: BTreeMap<LegId, Talk>,
    customer_of: BTreeMap<LegId, LegId>,
}

impl Talks {
    pub(super) fn has(&self, leg: LegId) -> bool {
        self.by_customer.contains_key(&leg) || self.customer_of.contains_key(&leg)
    }

    /// The customer of the join in which `leg` is, as either.
    pub(super) fn customer(&self, leg: LegId) -> Option<LegId> {
        if self.by_customer.contains_key(&leg) {
            return Some(leg);
        }
        self.customer_of.get(&leg).copied()
    }

    pub(super) fn get(&self, customer: LegId) -> Option<&Talk> {
        self.by_customer.get(&customer)
    }

    fn get_mut(&mut self, customer: LegId) -> Option<&mut Talk> {
        self.by_customer.get_mut(&customer)
    }

    /// From now on the seat ends with its customer.
    pub(super) fn bind(&mut self, customer: LegId) {
        if let Some(talk) = self.by_customer.get_mut(&customer) {
            talk.bound = true;
        }
    }

    fn begin(&mut self, customer: LegId, talk: Talk) {
        self.customer_of.insert(talk.seat, customer);
        self.by_customer.insert(customer, talk);
    }

    fn end(&mut self, customer: LegId) -> Option<Talk> {
        let talk = self.by_customer.remove(&customer)?;
        self.customer_of.remove(&talk.seat);
        Some(talk)
    }
}

impl Switch {
    // ---- answer plans

    /// A leg with a plan was answered, or waits and may have a seat now.
    pub(super) fn follow_plan(&mut self, leg: LegId) {
        let Some(found) = self.leg(leg).filter(|l| l.is_talkable()) else { return };
        let (plan, waited) = match &found.plan {
            Plan::Armed(plan) => (plan.clone(), false),
            Plan::Waiting(plan) => (plan.clone(), true),
            Plan::Connect(connect) => return self.connect(leg, &connect.clone()),
            Plan::None | Plan::Leaving(_) => return,
        };
        if let Some((offer, seat)) = self.first_seat(&plan) {
            return self.take_seat(leg, &plan, offer, seat);
        }
        if waited {
            return;
        }
        if plan.deadline_ms == 0 {
            return self.no_seat(leg);
        }
        self.deadlines.set(Timer::Seat(leg), self.now.tick + u64::from(plan.deadline_ms));
        if let Some(found) = self.legs.get_mut(&leg) {
            found.plan = Plan::Waiting(plan);
        }
    }

    /// Lets every leg that waits for this offer try for it, the one that waits longest first.
    pub(super) fn offer_to_waiting(&mut self, offer: OfferId) {
        let names = |leg: &&Leg| match &leg.plan {
            Plan::Waiting(plan) => plan.seats.contains(&offer),
            Plan::None | Plan::Armed(_) | Plan::Connect(_) | Plan::Leaving(_) => false,
        };
        let waiting = self.legs.values().filter(names);
        let longest = waiting.min_by_key(|leg| (leg.record.answered, leg.id())).map(Leg::id);
        if let Some(leg) = longest {
            self.follow_plan(leg);
        }
    }

    fn first_seat(&self, plan: &AnswerPlan) -> Option<(OfferId, LegId)> {
        plan.seats.iter().find_map(|&offer| {
            let seat = self.offers.seat(offer)?;
            let free = self.leg(seat).is_some_and(Leg::is_talkable) && !self.talks.has(seat);
            free.then_some((offer, seat))
        })
    }

    fn take_seat(&mut self, customer: LegId, plan: &AnswerPlan, offer: OfferId, seat: LegId) {
        self.change(customer, |leg| leg.record.offer = Some(offer));
        self.join(customer, seat, plan.record);
        if plan.beep
            && let Some(sound) = self.setup.library.find(&Prompt::new("", BEEP))
        {
            self.play_own(seat, sound);
        }
        if plan.talk_max_ms > 0 {
            self.deadlines.set(Timer::Talk(customer), self.now.tick + u64::from(plan.talk_max_ms));
        }
    }

    /// The deadline of a plan has come: the person hears that nobody is free, and is hung up.
    pub(super) fn no_seat(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let (Plan::Armed(plan) | Plan::Waiting(plan)) = &found.plan else { return };
        let no_seat = plan.no_seat.clone();
        found.plan = Plan::Leaving(no_seat.cause);
        self.say_farewell(leg, no_seat.prompt.as_ref());
    }

    /// Plays `prompt`, if there is one, and then ends the leg as its plan says.
    pub(super) fn say_farewell(&mut self, leg: LegId, prompt: Option<&Prompt>) {
        let Some(sound) = prompt.and_then(|p| self.setup.library.find(p)) else {
            return self.leave(leg);
        };
        self.play_own(leg, sound);
        let heard = self.now.tick + u64::from(sound.length_ms) + PLAY_LATE_MS;
        self.deadlines.set(Timer::Leave(leg), heard);
    }

    /// The farewell was heard.
    pub(super) fn leave(&mut self, leg: LegId) {
        if let Some(&Plan::Leaving(cause)) = self.leg(leg).map(|l| &l.plan) {
            self.end_leg(leg, cause, Side::Box);
        }
    }

    /// Ends an offer, if it stands, and tells how it ended.
    pub(super) fn end_offer(&mut self, offer: OfferId, how: OfferEnd) {
        let how = self.offers.end(offer, how);
        self.tell(Event::OfferEnded { offer, how });
    }

    // ---- joins

    /// Joins two legs that can be. The caller has seen that neither is joined.
    pub(super) fn join(&mut self, customer: LegId, seat: LegId, record: Option<RecordingId>) {
        self.stop_play(customer, PlayEnd::Stopped);
        self.stop_play(seat, PlayEnd::Stopped);
        self.deadlines.stop(Timer::Seat(customer));
        // A seat that becomes a customer is no seat any more.
        if let Some(offer) = self.offers.of_seat(customer) {
            self.end_offer(offer, OfferEnd::Gone);
        }
        if let Some(offer) = self.offers.of_seat(seat) {
            self.end_offer(offer, OfferEnd::Consumed { by: customer });
        }
        self.talks.begin(customer, Talk { seat, held: false, bound: false, recording: record });
        let at = self.now.stamp;
        for (leg, other) in [(customer, seat), (seat, customer)] {
            self.change(leg, |leg| {
                leg.plan = Plan::None;
                leg.record.joined.get_or_insert(at);
                leg.record.joined_to = Some(other);
            });
        }
        self.rewire(customer);
        if let Some(recording) = record {
            self.start_recording(recording, customer, seat);
        }
    }

    /// Ends the join that `customer` has; both legs live on.
    pub(super) fn part(&mut self, customer: LegId) -> Option<Talk> {
        let talk = self.talks.end(customer)?;
        self.deadlines.stop(Timer::Talk(customer));
        if let Some(recording) = talk.recording {
            self.stop_recording(recording);
        }
        let ports = [customer, talk.seat].map(|leg| self.leg(leg).map(|l| l.port));
        if let [Some(customer), Some(seat)] = ports {
            let commands = self.wires.part([customer, seat]);
            self.order_all(commands);
        }
        Some(talk)
    }

    pub(super) fn set_hold(&mut self, customer: LegId, on: bool) -> Result<(), Refusal> {
        let talk = self.talks.get_mut(customer);
        let talk = talk.ok_or_else(|| wrong_phase(customer, "not the customer of a join"))?;
        talk.held = on;
        self.rewire(customer);
        Ok(())
    }

    /// Lets the sound of a join follow its state: talk, hold, or held by a far end.
    pub(super) fn rewire(&mut self, customer: LegId) {
        let Some(talk) = self.talks.get(customer) else { return };
        let (Some(c), Some(s)) = (self.leg(customer), self.leg(talk.seat)) else { return };
        let rows = rows_of(talk, c, s);
        let commands = self.wires.join([c.port, s.port], &rows);
        self.order_all(commands);
    }

    pub(super) fn order_all(&mut self, commands: Vec<Command>) {
        for command in commands {
            self.order_sound(command);
        }
    }

    // ---- ends

    /// Asks for the end of a leg in the way its phase demands. What it was in is over at once.
    pub(super) fn end_leg(&mut self, leg: LegId, cause: Cause, by: Side) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if found.ending.is_some() {
            return;
        }
        found.ending = Some((cause, by));
        let call = found.call;
        self.change(leg, |l| {
            l.record.phase = LegPhase::Releasing;
            l.record.cause = Some(cause);
            l.record.ended_by = Some(by);
        });
        self.leave_everything(leg);
        self.deadlines.set(Timer::Release(leg), self.now.tick + RELEASE_MS);
        self.hang_up_call(call, cause);
    }

    /// The far end has ended the leg, or has confirmed that we did.
    pub(super) fn finish_leg(&mut self, leg: LegId, cause: Cause, by: Side) {
        let Some(found) = self.leg(leg) else { return };
        let (cause, by) = found.ending.unwrap_or((cause, by));
        self.leave_everything(leg);
        let Some(mut gone) = self.legs.remove(&leg) else { return };
        self.changed.remove(&leg);
        self.deadlines.stop_leg(leg);
        self.close_port(&gone);
        self.forget_call(gone.call, gone.port);
        gone.record.phase = LegPhase::Ended;
        gone.record.ended = Some(self.now.stamp);
        gone.record.cause = Some(cause);
        gone.record.ended_by = Some(by);
        self.keep_end(gone.record);
    }

    /// An end goes to the journal first, then to centerd, and is kept until it is acknowledged.
    pub(super) fn keep_end(&mut self, record: link::LegRecord) {
        self.write(Entry::Ended { record: Box::new(record.clone()) });
        let told = self.tell(Event::Leg(Box::new(record.clone())));
        self.session.keep_leg(record, told);
    }

    /// Nothing came back on our BYE or CANCEL.
    pub(super) fn finish_unconfirmed(&mut self, leg: LegId) {
        self.finish_leg(leg, Cause::NoUserResponding, Side::Box);
    }

    /// Offers, join, recordings, plays: whatever a leg is in when it ends. A seat that ends takes
    /// its customer with it, and a customer the phone that rang for it.
    fn leave_everything(&mut self, leg: LegId) {
        if let Some(offer) = self.offers.of_seat(leg) {
            self.end_offer(offer, OfferEnd::Gone);
        }
        self.stop_play(leg, PlayEnd::Stopped);
        self.drop_collection(leg);
        self.stop_recordings_of(leg);
        self.leave_connect(leg);
        let Some(customer) = self.talks.customer(leg) else { return };
        let Some(talk) = self.part(customer) else { return };
        if customer != leg {
            self.end_leg(customer, Cause::NormalClearing, Side::Peer);
        } else if talk.bound {
            self.end_leg(talk.seat, Cause::NormalClearing, Side::Peer);
        }
    }

    fn close_port(&mut self, leg: &Leg) {
        self.wires.forget(leg.port);
        if leg.sound.is_none() {
            return self.ports.give_back(leg.port);
        }
        self.order_sound(Command::Stop(player_of(leg.port)));
        self.order_sound(Command::ClosePort(leg.port));
        let port = leg.port;
        let apart = match leg.call {
            LineCall::Sip(_) => SoundOrder::Remote { port, address: None },
            LineCall::Span(..) => SoundOrder::Bearer { port, channel: None },
        };
        self.out.push_back(super::Output::Sound(apart));
        self.ports.closing(leg.port);
        self.deadlines.set(Timer::Port(leg.port.0), self.now.tick + PORT_CLOSE_MS);
    }

    /// centerd is away for long: calls from and to the outside that nothing in the switch will end
    /// are ended. Seats stay: they are off hook for their shift.
    pub(super) fn end_orphans(&mut self) {
        let lonely = |leg: &&Leg| {
            let planned = leg.plan != Plan::None;
            matches!(leg.record.line, link::Line::Trunk(_))
                && leg.is_talkable()
                && !planned
                && !self.talks.has(leg.id())
        };
        let orphans: Vec<LegId> = self.legs.values().filter(lonely).map(Leg::id).collect();
        for leg in orphans {
            self.end_leg(leg, Cause::TemporaryFailure, Side::Box);
        }
        self.deadlines.set(Timer::Orphans, self.now.tick + crate::limits::ORPHANS_MS);
    }
}

/// Who hears whom in a join.
fn rows_of(talk: &Talk, customer: &Leg, seat: &Leg) -> Vec<Row> {
    let music = Source::Player(MUSIC_PLAYER);
    let row = |ear: PortId, source: Source| (Ear::Port(ear), source);
    let (c, s) = (customer.port, seat.port);
    if talk.held {
        return vec![row(c, music)];
    }
    // A far end that has put us on hold is not listened to: its partner hears music.
    let for_customer = if seat.record.held { music } else { Source::Port(s) };
    let for_seat = if customer.record.held { music } else { Source::Port(c) };
    vec![row(c, for_customer), row(s, for_seat)]
}

/// The refusal for a leg that is there but cannot do this now.
pub(super) fn wrong_phase(leg: LegId, phase: &str) -> Refusal {
    Refusal::WrongPhase { leg, phase: phase.to_owned() }
}
