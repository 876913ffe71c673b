//! What switchd tells: single events, and the snapshot with which every conversation begins.
//!
//! After the snapshot the two agree: each leg is adopted or ended, each attempt in flight is adopted,
//! ended with what switchd knows of its leg, or ended `lost`; offers that nobody remembers are taken
//! back.

use std::collections::BTreeSet;

use call::{AttemptId, Cause, LegId, LegPhase, Now, Side, Stamp};
use dialer::agent::Order;
use dialer::attempt::Attempt;
use link::sealed::{HEADER_BYTES, SOUND_BYTES};
use link::{
    Command, Direction, Event, LegRecord, Line, OfferEnd, RecordingRecord, RecordingState, Refusal,
    Snapshot,
};
use store::alarms::Severity;
use store::calls::{CallKind, NoteCall};
use store::recordings::{Ending, RecordingState as Kept};
use store::{Actor, BoxChange, Job, TenantChange};

use super::Center;
use super::attempts::Live;
use super::seats::read_tag;
use super::switch::About;
use super::view::Changed;

/// The alarm that stands while the switch refuses our document.
const DESIRED_REFUSED: &str = "desired_refused";

impl Center {
    /// One event.
    pub(super) fn handle_event(&mut self, now: Now, at: Stamp, event: Event) {
        match event {
            Event::Leg(record) => self.leg_changed(now, *record),
            Event::Incoming(record) => {
                let leg = record.leg;
                self.leg_changed(now, *record);
                self.incoming(leg);
            }
            Event::Digit { leg, digit } => self.key_pressed(now, leg, digit),
            Event::Collected { leg, digits, how, .. } => self.collected(now, leg, &digits, how),
            Event::Played { leg, how, .. } => self.played(now, leg, how),
            Event::OfferEnded { offer, how } => match how {
                // The join itself comes with the customer's leg.
                OfferEnd::Consumed { .. } => {}
                OfferEnd::Withdrawn | OfferEnd::Gone => self.offer_ended(now, offer),
            },
            Event::Recording(record) => self.recording_changed(Now { stamp: at, ..now }, &record),
            Event::Registration { account, contacts } => self.registration(now, account, contacts),
            Event::Trunk { trunk, state, text } => {
                self.trunks.insert(trunk, (state, text));
                self.changed.insert(Changed::Trunk(trunk));
                self.look_at = now.tick;
            }
            Event::Span(record) => self.span_changed(now, *record),
            Event::Trace { span, lines } => self.traced(at, span, lines),
            Event::LoopTested { channel, result } => self.loop_tested(at, channel, result),
            Event::Alarm { alarm, raised, text } => {
                if raised {
                    self.alarms.insert(alarm, text);
                } else {
                    self.alarms.remove(&alarm);
                }
                self.changed.insert(Changed::Health);
            }
            Event::Health(health) => {
                self.health = health;
                self.changed.insert(Changed::Health);
            }
        }
    }

    /// All that switchd knows.
    pub(super) fn reconcile(&mut self, now: Now, snapshot: Snapshot) {
        self.switch.up();
        self.outbox.begin_events(snapshot.seq);
        if snapshot.desired_version != self.office.desired_version {
            self.push_desired();
        }
        self.health = snapshot.health;
        self.spans_told(now, snapshot.spans);
        self.alarms = snapshot.alarms.into_iter().collect();
        self.trunks =
            snapshot.trunks.into_iter().map(|(id, state, text)| (id, (state, text))).collect();
        let known: BTreeSet<_> =
            snapshot.registrations.iter().map(|(account, _)| *account).collect();
        let gone = self.phones.keys().copied().filter(|account| !known.contains(account));
        for account in gone.collect::<Vec<_>>() {
            self.registration(now, account, Vec::new());
        }
        for (account, contacts) in snapshot.registrations {
            self.registration(now, account, contacts);
        }
        self.reconcile_legs(now, snapshot.ended, snapshot.legs);
        for record in &snapshot.recordings {
            self.recording_changed(now, record);
        }
        self.back_to_work(now);
        for (offer, seat) in snapshot.offers {
            if !self.take_up_offer(now, offer, seat) {
                self.switch.order(About::Withdraw(offer), Command::Withdraw { offer });
            }
        }
        self.changed.insert(Changed::Health);
        self.look_at = now.tick;
    }

    fn reconcile_legs(&mut self, now: Now, ended: Vec<LegRecord>, legs: Vec<LegRecord>) {
        let waiting = legs.iter().filter(|record| self.waits_for_us(record));
        let waiting: Vec<LegId> = waiting.map(|record| record.leg).collect();
        for record in legs.iter().filter(|record| !waiting.contains(&record.leg)) {
            self.adopt(record);
        }
        let mut seen: BTreeSet<LegId> = legs.iter().map(|record| record.leg).collect();
        seen.extend(ended.iter().map(|record| record.leg));
        for record in ended.into_iter().chain(legs) {
            self.leg_changed(now, record);
        }
        // What switchd has never heard of, or has forgotten because we had acknowledged its end.
        let lost_legs = self.legs.keys().copied().filter(|leg| !seen.contains(leg));
        for leg in lost_legs.collect::<Vec<_>>() {
            if let Some(record) = self.legs.get(&leg).cloned() {
                let ended = Some(now.stamp);
                let (cause, ended_by) = (Some(Cause::Lost), Some(Side::Box));
                let phase = LegPhase::Ended;
                self.leg_changed(now, LegRecord { phase, ended, cause, ended_by, ..record });
            }
        }
        let ordered = self.attempts.iter().filter(|(_, live)| live.is_ordered());
        let lost = ordered.filter(|(_, live)| live.leg.is_none_or(|leg| !seen.contains(&leg)));
        for attempt in lost.map(|(attempt, _)| *attempt).collect::<Vec<_>>() {
            self.end_attempt(now, attempt, Cause::Lost, Side::Box);
        }
        for (_, record) in std::mem::take(&mut self.left_over) {
            self.settle_left_over(now, &record.attempt);
        }
        self.settle_bells();
        for leg in waiting {
            self.incoming(leg);
        }
    }

    /// Whether this is a caller whom nobody has answered: who called while we were away, or was not
    /// answered before that. It is as if the call came now.
    fn waits_for_us(&self, record: &LegRecord) -> bool {
        let unanswered = record.direction == Direction::In && record.phase < LegPhase::Answered;
        let known = self.callers.contains_key(&record.leg) || self.bells.has(record.leg);
        unanswered && read_tag(record.tag).is_none() && !known
    }

    /// A leg of an earlier epoch of ours: its attempt or its seat takes it up again.
    fn adopt(&mut self, record: &LegRecord) {
        match read_tag(record.tag) {
            Some(Err(attempt)) => {
                if let Some(left) = self.left_over.remove(&attempt) {
                    self.attempts.insert(attempt, Live::of(&left.attempt));
                }
            }
            Some(Ok(agent)) if self.seats.contains_key(&agent) => {
                if let Some(seat) = self.seats.get_mut(&agent)
                    && seat.leg.is_none()
                {
                    seat.leg = Some(record.leg);
                }
            }
            Some(Ok(_)) => self.end_leg(record.leg, Cause::NormalClearing),
            None => {
                let known = self.callers.contains_key(&record.leg) || self.adopt_bell(record);
                // Whoever was being spoken to hears it from its beginning.
                let known = known || self.welcome_back(record);
                if !known && record.phase < LegPhase::Releasing {
                    self.end_leg(record.leg, Cause::TemporaryFailure);
                }
            }
        }
    }

    /// An attempt of an earlier epoch whose leg does not live.
    fn settle_left_over(&mut self, now: Now, attempt: &Attempt) {
        let change = if attempt.times.dialled.is_none() {
            TenantChange::GiveBack(attempt.id)
        } else {
            TenantChange::EndAttempt { attempt: attempt.id, cause: Cause::Lost, by: Side::Box }
        };
        self.write(now, attempt.tenant, change);
        self.changed.insert(Changed::Attempt(attempt.id));
    }

    /// Agents who were taking calls before a restart of ours take calls again.
    fn back_to_work(&mut self, now: Now) {
        for (agent, was_ready) in std::mem::take(&mut self.at_work) {
            let Some(seat) = self.seats.get_mut(&agent) else { continue };
            if was_ready {
                // At once, or after the talk that goes on. A phone that is gone keeps the agent
                // paused, with that reason.
                let _ = seat.machine.handle_order(now.tick, Order::Ready);
            }
        }
    }

    /// A leg changed: its record is kept, its row written, and whoever uses it told.
    pub(super) fn leg_changed(&mut self, now: Now, record: LegRecord) {
        let leg = record.leg;
        let of_earlier = match read_tag(record.tag) {
            Some(Err(attempt)) => self.left_over.remove(&attempt).map(|left| (attempt, left)),
            Some(Ok(_)) | None => None,
        };
        if let Some((attempt, left)) = of_earlier {
            self.attempts.insert(attempt, Live::of(&left.attempt));
        }
        if self.legs.get(&leg) == Some(&record) {
            return;
        }
        self.legs.insert(leg, record.clone());
        self.changed.insert(Changed::Call(leg));
        self.note_call(now, &record);
        match read_tag(record.tag) {
            Some(Err(attempt)) => self.attempt_leg(now, attempt, &record),
            Some(Ok(agent)) => self.seat_leg(now, agent, &record),
            None => self.caller_leg(now, &record),
        }
        if record.phase == LegPhase::Ended {
            self.legs.remove(&leg);
        }
    }

    fn note_call(&mut self, now: Now, record: &LegRecord) {
        let (account, trunk) = match record.line {
            Line::Account(account) => (Some(account), None),
            Line::Trunk(trunk) => (None, Some(trunk)),
        };
        let (attempt, agent, kind) = match read_tag(record.tag) {
            Some(Err(attempt)) => (Some(attempt), None, CallKind::Campaign),
            Some(Ok(agent)) => (None, Some(agent), CallKind::Seat),
            None if account.is_some() => (None, None, CallKind::Internal),
            None if record.direction == Direction::In => (None, None, CallKind::Inbound),
            None => (None, None, CallKind::Outbound),
        };
        let live = attempt.and_then(|attempt| self.attempts.get(&attempt));
        let tenant = live
            .map(|live| live.tenant)
            .or_else(|| agent.and_then(|agent| self.seats.get(&agent)).map(|seat| seat.tenant))
            .or_else(|| self.tenant_of_leg(record));
        // A line that is granted to nobody has nobody whose record it would be.
        let Some(tenant) = tenant else { return };
        let other = match record.direction {
            Direction::In => &record.caller,
            Direction::Out => &record.called,
        };
        let talked_to = record.joined_to.and_then(|seat| {
            self.seats.iter().find(|(_, s)| s.leg == Some(seat)).map(|(agent, _)| *agent)
        });
        let call = NoteCall {
            attempt,
            campaign: live.map(|live| live.campaign),
            agent: agent.or(talked_to).or_else(|| live.and_then(|live| live.agent)),
            account,
            trunk,
            channel: record.channel.map(|channel| (channel.span, channel.slot)),
            display: Some(record.display.clone()).filter(|name| !name.is_empty()),
            redirected_from: Some(record.redirected_from.clone()).filter(|from| !from.is_empty()),
            called: (record.direction == Direction::In && trunk.is_some())
                .then(|| record.called.clone()),
            caller_id: (!record.caller.is_empty()).then(|| record.caller.clone()),
            recording: record.recording,
            dialled_at: record.dialled,
            ringing_at: record.ringing,
            answered_at: record.answered,
            joined_at: record.joined,
            ended: record.ended.map(|at| {
                let cause = record.cause.unwrap_or(Cause::Lost);
                (at, cause, record.ended_by.unwrap_or(Side::Box))
            }),
            ..NoteCall::new(record.leg, kind, other.clone(), record.created)
        };
        self.write(now, tenant, TenantChange::NoteCall(Box::new(call)));
    }

    /// A recording changed: it has a row from its first word, and its end is written once.
    fn recording_changed(&mut self, now: Now, record: &RecordingRecord) {
        let tenant = match read_tag(record.tag) {
            Some(Err(attempt)) => self.tenant_of_attempt(attempt),
            Some(Ok(agent)) => self.seats.get(&agent).map(|seat| seat.tenant),
            None => self.legs.get(&record.left).and_then(|leg| self.tenant_of_leg(leg)),
        };
        let recording = record.recording;
        let known = self.recorded.get(&recording).copied();
        // A recording that nobody can place any more is kept where it can be found.
        let first = || self.office.agents.values().next().map(|row| row.tenant);
        let Some(tenant) = known.or(tenant).or_else(first) else { return };
        if self.recorded.insert(recording, tenant).is_none() {
            let change = TenantChange::StartRecording { recording, path: record.path.clone() };
            self.write(Now { stamp: record.started, ..now }, tenant, change);
        }
        let state = match record.state {
            RecordingState::Growing => return,
            RecordingState::Sealed => Kept::Complete,
            RecordingState::Cut | RecordingState::Stopped => Kept::Damaged,
        };
        let seconds = record.length_ms / 1_000;
        let bytes = HEADER_BYTES as u64 + seconds * SOUND_BYTES as u64;
        let ending = Ending { state, duration_ms: record.length_ms, bytes };
        self.write(now, tenant, TenantChange::EndRecording { recording, ending });
        self.recorded.remove(&recording);
    }

    fn tenant_of_attempt(&self, attempt: AttemptId) -> Option<call::TenantId> {
        let live = self.attempts.get(&attempt).map(|live| live.tenant);
        live.or_else(|| self.left_over.get(&attempt).map(|left| left.attempt.tenant))
    }

    /// The switch refused a command.
    pub(super) fn refused_by_switch(&mut self, now: Now, about: About, refusal: &Refusal) {
        match about {
            About::Attempt(attempt) => {
                let cause = match refusal {
                    Refusal::Full { .. } => Cause::NoCircuit,
                    Refusal::Unknown { .. } | Refusal::Invalid { .. } => Cause::Forbidden,
                    Refusal::NotRegistered { .. } => Cause::NetworkOutOfOrder,
                    Refusal::NoSuchLeg { .. }
                    | Refusal::WrongPhase { .. }
                    | Refusal::InUse { .. } => return,
                };
                self.end_attempt(now, attempt, cause, Side::Box);
            }
            About::Leg(leg) => {
                if !self.legs.contains_key(&leg) {
                    self.seat_leg_refused(now, leg);
                    self.bell_refused(leg);
                }
            }
            About::Withdraw(offer) => self.offer_ended(now, offer),
            About::Question(id) => self.question_refused(id, refusal),
            About::Desired => {
                let change = BoxChange::RaiseAlarm {
                    tenant: None,
                    kind: DESIRED_REFUSED.to_owned(),
                    subject: String::new(),
                    severity: Severity::Critical,
                    detail: format!(
                        "the switch does not take the settings of phones, trunks and spans \
                         ({refusal}) and works by the last ones that it took: undo the last change"
                    ),
                };
                self.outbox.put(Job::of_box(now.stamp, Actor::Box, change));
                self.changed.insert(Changed::Health);
            }
            About::Nothing => {}
        }
    }

    /// The switch has the document: it stands against nothing any more.
    pub(super) fn desired_taken(&mut self, now: Now) {
        let (kind, subject) = (DESIRED_REFUSED.to_owned(), String::new());
        let change = BoxChange::ClearAlarm { tenant: None, kind, subject };
        self.outbox.put(Job::of_box(now.stamp, Actor::Box, change));
        self.changed.insert(Changed::Health);
    }

    pub(super) fn push_desired(&mut self) {
        let desired = Box::new(self.office.desired());
        self.switch.order(About::Desired, Command::Desired(desired));
    }

    pub(super) fn end_leg(&mut self, leg: LegId, cause: Cause) {
        self.switch.order(About::Nothing, Command::HangUp { leg, cause });
    }

    pub(super) fn new_leg(&mut self) -> LegId {
        self.leg_count = self.leg_count.wrapping_add(1);
        LegId::new(call::id::LegOrigin::Center, self.epoch, self.leg_count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::office::Office;
    use super::super::{Beginning, Output};
    use super::*;
    use call::{Epoch, Tick};
    use link::{ToCenter, ToSwitch};
    use store::Change;

    const NOW: Now = Now { tick: Tick(0), stamp: Stamp(1_795_158_000_000) };

    /// What the office writes about alarms, each as raised or not, and the document that it gives.
    fn outputs(center: &mut Center) -> (Vec<bool>, Option<u64>) {
        let (mut alarms, mut document) = (Vec::new(), None);
        while let Some(output) = center.poll() {
            match output {
                Output::Write(_, Job { change: Change::Box(change), .. }) => match change {
                    BoxChange::RaiseAlarm { kind, .. } if kind == DESIRED_REFUSED => {
                        alarms.push(true);
                    }
                    BoxChange::ClearAlarm { kind, .. } if kind == DESIRED_REFUSED => {
                        alarms.push(false);
                    }
                    _ => {}
                },
                Output::Link(ToSwitch::Command { n, command: Command::Desired(_) }) => {
                    document = Some(n);
                }
                _ => {}
            }
        }
        (alarms, document)
    }

    #[test]
    fn a_document_that_the_switch_refuses_is_an_alarm_until_it_takes_one() {
        let office = |desired_version| Office { desired_version, ..Office::default() };
        let beginning = Beginning { office: office(1), ..Beginning::default() };
        let mut center = Center::new(NOW, Epoch(1), beginning);
        center.handle_link_up(NOW);
        let epoch = Epoch(1);
        center.handle_link(
            NOW,
            ToCenter::Hello { version: link::VERSION, epoch, started: NOW.stamp },
        );
        center.handle_link(NOW, ToCenter::Snapshot(Box::default()));
        let (alarms, document) = outputs(&mut center);
        assert!(alarms.is_empty());
        let refusal = Refusal::Full { bound: "ACCOUNTS_MAX".into() };
        center.handle_link(NOW, ToCenter::Refused { n: document.unwrap(), refusal });
        assert_eq!(outputs(&mut center), (vec![true], None));
        center.handle_office(NOW, office(2));
        let (_, document) = outputs(&mut center);
        center.handle_link(NOW, ToCenter::Done { n: document.unwrap() });
        assert_eq!(outputs(&mut center), (vec![false], None));
    }
}
