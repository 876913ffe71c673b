//! Calls that come in, and what becomes of them when centerd does not take them.

use call::id::LegOrigin;
use call::{Cause, LegId, LegPhase, LegTag, Side};
use link::{Channel, Direction, Event, LegRecord, Line, Refusal};

use super::leg::{Leg, Plan};
use super::line::Arrival;
use super::number::{Shown, bounded, trunk_for};
use super::span::SpanArrival;
use super::talk::wrong_phase;
use super::way::LineCall;
use super::{Note, Switch, Timer, Turned};
use crate::limits::{LEGS_PER_ACCOUNT_MAX, UNANSWERED_MS};

impl Switch {
    /// Somebody calls.
    pub(super) fn arrived(&mut self, arrival: Arrival) {
        if let Err(why) = self.may_arrive(arrival.line) {
            let cause = match why {
                Turned::Full => Cause::NoCircuit,
                Turned::LineFull => Cause::UserBusy,
                Turned::NoSound => Cause::IncompatibleDestination,
                Turned::NotOurs => Cause::UnallocatedNumber,
                Turned::Stopping => Cause::TemporaryFailure,
            };
            return self.turn_away(LineCall::Sip(arrival.call), cause, why);
        }
        let call = LineCall::Sip(arrival.call);
        let Some(port) = self.ports.take() else {
            return self.turn_away(call, Cause::NoCircuit, Turned::Full);
        };
        let answer = match arrival.offer.as_deref().map(|o| self.lines.answer(port, o)) {
            None => None,
            Some(Ok(answer)) => Some(answer),
            Some(Err(_)) => {
                self.ports.give_back(port);
                let cause = Cause::IncompatibleDestination;
                return self.turn_away(call, cause, Turned::NoSound);
            }
        };
        let Arrival { line, called, caller, .. } = arrival;
        let record = self.arrival_record(line, &called, &caller);
        let mut new = Leg::new(record, port, call, Plan::None, 0);
        new.answer = answer;
        self.take_in(new);
    }

    /// Somebody calls over a span.
    pub(super) fn arrived_on_span(&mut self, arrival: SpanArrival) {
        let SpanArrival { span, call, slot, called, caller } = arrival;
        let call = LineCall::Span(span, call);
        let did_digits = self.spans.did_digits(span);
        let found = trunk_for(&self.desired.trunks, (span, slot), &called, did_digits);
        let Some((trunk, called)) = found else {
            return self.turn_away(call, Cause::UnallocatedNumber, Turned::NotOurs);
        };
        let line = Line::Trunk(trunk);
        if let Err(why) = self.may_arrive(line) {
            let cause = match why {
                Turned::Stopping => Cause::TemporaryFailure,
                Turned::Full | Turned::LineFull | Turned::NoSound | Turned::NotOurs => {
                    Cause::Congestion
                }
            };
            return self.turn_away(call, cause, why);
        }
        let Some(port) = self.ports.take() else {
            return self.turn_away(call, Cause::Congestion, Turned::Full);
        };
        let mut record = self.arrival_record(line, &called, &caller);
        record.channel = Some(Channel { span, slot });
        self.take_in(Leg::new(record, port, call, Plan::None, 0));
    }

    fn arrival_record(&mut self, line: Line, called: &str, caller: &Shown) -> LegRecord {
        self.legs_named += 1;
        let leg = LegId::new(LegOrigin::Switch, self.setup.epoch, self.legs_named);
        let mut record = LegRecord::new(leg, LegTag(0), line, Direction::In, self.now.stamp);
        record.called = bounded(called);
        record.caller = bounded(&caller.number);
        record.display = bounded(caller.display.as_deref().unwrap_or_default());
        record.redirected_from = bounded(caller.redirecting.as_deref().unwrap_or_default());
        record.phase = LegPhase::Dialing;
        record
    }

    /// A leg that came in enters the tables, and centerd is asked.
    fn take_in(&mut self, new: Leg) {
        let leg = new.id();
        let record = new.record.clone();
        self.begin_leg(new);
        self.changed.remove(&leg);
        self.keep(leg);
        self.await_center(leg);
        self.tell(Event::Incoming(Box::new(record)));
    }

    fn may_arrive(&self, line: Line) -> Result<(), Turned> {
        if self.stopping {
            return Err(Turned::Stopping);
        }
        if self.may_begin().is_err() {
            return Err(Turned::Full);
        }
        let bound = match line {
            Line::Account(_) => LEGS_PER_ACCOUNT_MAX,
            Line::Trunk(trunk) => {
                let found = self.desired.trunks.iter().find(|t| t.id == trunk);
                found.map_or(0, |t| usize::from(t.channels_max))
            }
        };
        if self.legs_on(line) >= bound { Err(Turned::LineFull) } else { Ok(()) }
    }

    fn turn_away(&mut self, call: LineCall, cause: Cause, why: Turned) {
        self.hang_up_call(call, cause);
        self.note(Note::Refused { why });
    }

    /// centerd has the fallback's time to take the leg, whether it is here now or not: it may be
    /// back in a second.
    pub(super) fn await_center(&mut self, leg: LegId) {
        let within_ms = u64::from(self.desired.fallback.route_within_ms);
        self.deadlines.set(Timer::Fallback(leg), self.now.tick + within_ms);
    }

    /// centerd is gone: what it had taken and not answered waits for it again.
    pub(super) fn await_center_for_incoming(&mut self) {
        let open = |leg: &&Leg| {
            leg.record.direction == Direction::In
                && leg.record.phase < LegPhase::Answered
                && leg.ending.is_none()
        };
        let waiting: Vec<LegId> = self.legs.values().filter(open).map(Leg::id).collect();
        // A phone that rings for a caller needs no centerd to be picked up.
        for leg in waiting {
            if self.phones_for(leg).is_empty() {
                self.await_center(leg);
            }
        }
    }

    /// centerd lets it ring.
    pub(super) fn ring(&mut self, leg: LegId) -> Result<(), Refusal> {
        let call = self.taken(leg)?;
        let at = self.now.stamp;
        self.change(leg, |l| {
            l.record.phase = LegPhase::Alerting;
            l.record.ringing.get_or_insert(at);
        });
        self.ring_call(call);
        Ok(())
    }

    /// centerd answers it.
    pub(super) fn answer(&mut self, leg: LegId) -> Result<(), Refusal> {
        let answered = |l: &Leg| l.record.phase == LegPhase::Answered && l.ending.is_none();
        if self.leg(leg).is_some_and(answered) {
            return Ok(());
        }
        self.taken(leg)?;
        self.accept(leg);
        Ok(())
    }

    /// An incoming, unanswered leg about which centerd has given an order.
    pub(super) fn taken(&mut self, leg: LegId) -> Result<LineCall, Refusal> {
        let found = self.legs.get_mut(&leg).ok_or(Refusal::NoSuchLeg { leg })?;
        let phase = found.record.phase;
        if found.record.direction == Direction::Out
            || phase >= LegPhase::Answered
            || found.plan != Plan::None
        {
            return Err(wrong_phase(leg, &format!("{phase:?}").to_lowercase()));
        }
        let call = found.call;
        self.deadlines.stop(Timer::Fallback(leg));
        if !self.deadlines.runs(Timer::Unanswered(leg)) {
            self.deadlines.set(Timer::Unanswered(leg), self.now.tick + UNANSWERED_MS);
        }
        Ok(call)
    }

    pub(super) fn accept(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let port = found.port;
        let call = match found.call {
            LineCall::Sip(call) => call,
            LineCall::Span(span, call) => {
                self.open_bearer(leg);
                self.spans.accept(self.now, span, call);
                return self.was_answered(leg);
            }
        };
        let sdp = match found.answer.take() {
            Some((answer, agreed)) => {
                self.agree(leg, agreed);
                answer
            }
            // The caller made no offer: ours goes out, and its answer comes with the ACK.
            None => self.lines.offer(port),
        };
        self.lines.accept(self.now.tick, call, &sdp);
        self.was_answered(leg);
    }

    /// Nobody took the leg: callers from outside hear why, everybody else is told by status.
    pub(super) fn fall_back(&mut self, leg: LegId) {
        let Some(found) = self.leg(leg) else { return };
        if found.record.phase >= LegPhase::Answered || found.ending.is_some() {
            return;
        }
        // Who made no offer of sound could not be spoken to before another round trip.
        let offered = match found.call {
            LineCall::Sip(_) => found.answer.is_some(),
            LineCall::Span(..) => true,
        };
        let spoken_to = matches!(found.record.line, Line::Trunk(_)) && offered;
        let prompt = self.desired.fallback.prompt.clone().filter(|_| spoken_to);
        let Some(prompt) = prompt.filter(|p| self.setup.library.find(p).is_some()) else {
            return self.end_leg(leg, Cause::SubscriberAbsent, Side::Box);
        };
        self.accept(leg);
        if let Some(found) = self.legs.get_mut(&leg).filter(|l| l.is_talkable()) {
            found.plan = Plan::Leaving(Cause::NormalClearing);
            self.say_farewell(leg, Some(&prompt));
        }
    }
}
