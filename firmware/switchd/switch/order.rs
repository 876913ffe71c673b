//! centerd's commands: each is obeyed or refused, in this turn.

use call::{LegId, OfferId, Side};
use link::limits::PLAN_SEATS_MAX;
use link::{AnswerPlan, Command, OfferEnd, PlayEnd, Refusal};
use media::{Ear, Gain, Source};

use super::Switch;
use super::leg::{Collecting, Leg, Plan};
use super::talk::wrong_phase;
use super::wire::Row;

impl Switch {
    pub(super) fn obey(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Desired(desired) => self.desire(*desired),
            Command::Originate { leg, tag, to, ring_timeout_ms, on_answer } => {
                self.originate(leg, tag, to, ring_timeout_ms, on_answer)
            }
            Command::Mark { leg, tag } => {
                self.known(leg)?;
                self.change(leg, |l| l.record.tag = tag);
                Ok(())
            }
            Command::Ring { leg } => self.ring(leg),
            Command::Answer { leg } => self.answer(leg),
            Command::HangUp { leg, cause } => {
                self.known(leg)?;
                self.end_leg(leg, cause, Side::Box);
                Ok(())
            }
            Command::Offer { offer, seat } => self.offer(offer, seat),
            Command::Withdraw { offer } => {
                self.end_offer(offer, OfferEnd::Withdrawn);
                Ok(())
            }
            Command::Extend { leg, seats } => self.extend(leg, &seats),
            Command::Join { customer, seat, record } => self.join_ordered(customer, seat, record),
            Command::Part { leg } => {
                self.known(leg)?;
                // Parted already is as good.
                if let Some(customer) = self.talks.customer(leg) {
                    self.part(customer);
                }
                Ok(())
            }
            Command::Hold { leg, on } => {
                self.known(leg)?;
                self.set_hold(leg, on)
            }
            Command::Hear { ear, source, gain_db } => self.hear(ear, source, gain_db),
            Command::Unhear { ear, source } => self.unhear(ear, source),
            Command::Play { leg, play, prompts, repeat, barge_in } => {
                self.start_play(leg, play, &prompts, repeat, barge_in)
            }
            Command::StopPlay { leg } => {
                self.known(leg)?;
                self.stop_play(leg, PlayEnd::Stopped);
                Ok(())
            }
            Command::Collect { leg, collect, digits_max, first_ms, inter_ms, end } => {
                let digits = String::new();
                let collecting =
                    Collecting { collect, digits, digits_max, first_ms, inter_ms, end };
                self.start_collection(leg, collecting)
            }
            Command::Record { recording, left, right } => self.record(recording, left, right),
            Command::StopRecord { recording } => {
                self.stop_recording(recording);
                Ok(())
            }
            Command::TraceSpan { span } => self.tell_trace(span),
            Command::TestLoop { channel } => self.test_loop(channel),
            Command::RestartSpan { span, slot } => self.restart_span(span, slot),
        }
    }

    fn known(&self, leg: LegId) -> Result<&Leg, Refusal> {
        self.leg(leg).ok_or(Refusal::NoSuchLeg { leg })
    }

    /// A leg that is answered and that nobody ends.
    fn talkable(&self, leg: LegId) -> Result<&Leg, Refusal> {
        let found = self.known(leg)?;
        if found.is_talkable() && !matches!(found.plan, Plan::Leaving(_)) {
            return Ok(found);
        }
        let phase = format!("{:?}", found.record.phase).to_lowercase();
        Err(wrong_phase(leg, &phase))
    }

    pub(super) fn check_plan(&self, plan: &AnswerPlan) -> Result<(), Refusal> {
        if plan.seats.len() > PLAN_SEATS_MAX {
            return Err(Refusal::Full { bound: "PLAN_SEATS_MAX".to_owned() });
        }
        if let Some(recording) = plan.record.filter(|r| self.knows_recording(*r)) {
            return Err(Refusal::InUse { name: recording.to_string() });
        }
        match &plan.no_seat.prompt {
            Some(p) if self.setup.library.find(p).is_none() => {
                Err(Refusal::Unknown { name: format!("prompt {}/{}", p.language, p.name) })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn offer(&mut self, offer: OfferId, seat: LegId) -> Result<(), Refusal> {
        if self.offers.seat(offer) == Some(seat) {
            return Ok(());
        }
        if self.offers.knows(offer) {
            return Err(Refusal::InUse { name: offer.to_string() });
        }
        if self.talkable(seat)?.plan != Plan::None {
            return Err(wrong_phase(seat, "a customer who waits for a seat"));
        }
        if self.talks.has(seat) {
            return Err(wrong_phase(seat, "joined"));
        }
        if let Some(other) = self.offers.of_seat(seat) {
            return Err(Refusal::InUse { name: format!("{seat}, which stands as {other},") });
        }
        self.offers.stand(offer, seat);
        self.offer_to_waiting(offer);
        Ok(())
    }

    fn extend(&mut self, leg: LegId, seats: &[OfferId]) -> Result<(), Refusal> {
        let found = self.legs.get_mut(&leg).ok_or(Refusal::NoSuchLeg { leg })?;
        let (Plan::Armed(plan) | Plan::Waiting(plan)) = &mut found.plan else {
            return Err(wrong_phase(leg, "without a plan that waits"));
        };
        let new: Vec<OfferId> = seats.iter().filter(|o| !plan.seats.contains(o)).copied().collect();
        if plan.seats.len() + new.len() > PLAN_SEATS_MAX {
            return Err(Refusal::Full { bound: "PLAN_SEATS_MAX".to_owned() });
        }
        plan.seats.extend(new);
        if matches!(found.plan, Plan::Waiting(_)) {
            self.follow_plan(leg);
        }
        Ok(())
    }

    fn join_ordered(
        &mut self,
        customer: LegId,
        seat: LegId,
        record: Option<call::RecordingId>,
    ) -> Result<(), Refusal> {
        if self.talks.get(customer).is_some_and(|talk| talk.seat == seat) {
            return Ok(());
        }
        if customer == seat {
            let reason = "is the customer itself".to_owned();
            return Err(Refusal::Invalid { field: "seat".to_owned(), reason });
        }
        for leg in [customer, seat] {
            self.talkable(leg)?;
            if self.talks.has(leg) {
                return Err(wrong_phase(leg, "joined"));
            }
        }
        if let Some(recording) = record.filter(|r| self.knows_recording(*r)) {
            return Err(Refusal::InUse { name: recording.to_string() });
        }
        self.join(customer, seat, record);
        Ok(())
    }

    fn row(&self, ear: LegId, source: LegId) -> Result<Row, Refusal> {
        if ear == source {
            let reason = "is the ear itself".to_owned();
            return Err(Refusal::Invalid { field: "source".to_owned(), reason });
        }
        let ear = self.talkable(ear)?.port;
        let source = self.talkable(source)?.port;
        Ok((Ear::Port(ear), Source::Port(source)))
    }

    fn hear(&mut self, ear: LegId, source: LegId, gain_db: i8) -> Result<(), Refusal> {
        if !(-30..=12).contains(&gain_db) {
            let reason = "-30 to +12".to_owned();
            return Err(Refusal::Invalid { field: "gain_db".to_owned(), reason });
        }
        let row = self.row(ear, source)?;
        let command = self.wires.hear(row, Gain::from_db(f32::from(gain_db)));
        self.order_all(command.into_iter().collect());
        Ok(())
    }

    fn unhear(&mut self, ear: LegId, source: LegId) -> Result<(), Refusal> {
        let row = self.row(ear, source)?;
        let command = self.wires.unhear(row);
        self.order_all(command.into_iter().collect());
        Ok(())
    }
}
