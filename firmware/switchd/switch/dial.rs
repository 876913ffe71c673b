//! Calling out, and what the far end of any leg says about its call and its sound.

use call::{Cause, LegId, LegPhase, LegTag, Side};
use link::{Channel, Destination, Direction, LegRecord, Line, OnAnswer, Refusal, Way};
use media::{Command, Ear, Gain, Listening, Mapping, OpenPort, PortId, Source};
use signal::sip::sdp::{self, Negotiated};

use super::leg::{Leg, LegSound, Plan};
use super::line::{Dial, Fact};
use super::port::player_of;
use super::span::{SpanDial, Unplaced};
use super::way::LineCall;
use super::{Note, Output, Switch, Timer};
use crate::limits::{LEGS_PER_ACCOUNT_MAX, MUTE_MS, RING_BEGINS_MS, RING_TIMEOUT_MAX_MS};
use crate::seam::SoundOrder;

/// How a number is called.
enum WayDial {
    Sip(Dial),
    Span(SpanDial),
}

impl Switch {
    pub(super) fn originate(
        &mut self,
        leg: LegId,
        tag: LegTag,
        to: Destination,
        ring_timeout_ms: u32,
        on_answer: OnAnswer,
    ) -> Result<(), Refusal> {
        if self.knows_leg(leg) {
            return Err(Refusal::InUse { name: leg.to_string() });
        }
        self.may_begin()?;
        let plan = match on_answer {
            OnAnswer::Tell => Plan::None,
            OnAnswer::Plan(plan) => {
                self.check_plan(&plan)?;
                Plan::Armed(plan)
            }
            OnAnswer::Connect(connect) => {
                self.take_caller(&connect)?;
                Plan::Connect(connect)
            }
        };
        let (line, called, caller, dial) = self.resolve(to)?;
        let Some(port) = self.ports.take() else {
            return Err(Refusal::Full { bound: "limits.legs".to_owned() });
        };
        let (call, channel) = match self.dial_way(leg, dial, &called, port) {
            Ok(dialled) => dialled,
            Err(refusal) => {
                self.ports.give_back(port);
                return Err(refusal);
            }
        };
        let mut record = LegRecord::new(leg, tag, line, Direction::Out, self.now.stamp);
        record.called = called;
        record.caller = caller;
        record.channel = channel;
        record.phase = LegPhase::Dialing;
        record.dialled = Some(self.now.stamp);
        let ring_timeout_ms = ring_timeout_ms.min(RING_TIMEOUT_MAX_MS);
        let patience_ms = RING_BEGINS_MS + u64::from(ring_timeout_ms);
        self.deadlines.set(Timer::Ring(leg), self.now.tick + patience_ms);
        self.begin_leg(Leg::new(record, port, call, plan, ring_timeout_ms));
        Ok(())
    }

    /// Sends the INVITE or the SETUP.
    fn dial_way(
        &mut self,
        leg: LegId,
        dial: WayDial,
        called: &str,
        port: PortId,
    ) -> Result<(LineCall, Option<Channel>), Refusal> {
        match dial {
            WayDial::Sip(dial) => {
                let call = self.lines.dial(self.now.tick, leg, dial, port).map_err(|refused| {
                    Refusal::Unknown { name: format!("a way to {called} ({refused})") }
                })?;
                Ok((LineCall::Sip(call), None))
            }
            WayDial::Span(dial) => {
                let placed = self.spans.dial(self.now, leg, &dial);
                let (span, call, slot) = placed.map_err(|unplaced| Refusal::Full {
                    bound: match unplaced {
                        Unplaced::NoChannel => "channels of the trunk".to_owned(),
                        Unplaced::Refused(refused) => refused.to_string(),
                    },
                })?;
                Ok((LineCall::Span(span, call), Some(Channel { span, slot })))
            }
        }
    }

    /// A new leg enters the tables; the journal hears of it before anything is sent.
    pub(super) fn begin_leg(&mut self, leg: Leg) {
        let id = leg.id();
        self.call_belongs(leg.call, id);
        self.legs.insert(id, leg);
        self.changed.insert(id);
    }

    /// Whether another leg may begin at all.
    pub(super) fn may_begin(&self) -> Result<(), Refusal> {
        let full = |bound: &str| Refusal::Full { bound: bound.to_owned() };
        if self.stopping {
            return Err(full("the box is stopping"));
        }
        if self.session.unacknowledged_legs() >= link::limits::JOURNAL_ENDED_MAX {
            return Err(full("JOURNAL_ENDED_MAX"));
        }
        if self.legs.len() >= usize::from(self.setup.legs_max) {
            return Err(full("limits.legs"));
        }
        Ok(())
    }

    /// Legs that live on a line.
    pub(super) fn legs_on(&self, line: Line) -> usize {
        self.legs.values().filter(|leg| leg.record.line == line).count()
    }

    /// Line, number called, number shown, and how it is dialled.
    fn resolve(&self, to: Destination) -> Result<(Line, String, String, WayDial), Refusal> {
        match to {
            Destination::Account { account, caller, auto_answer } => {
                let found = self.desired.accounts.iter().find(|a| a.id == account);
                let found = found.ok_or_else(|| unknown(account))?;
                if self.registrations.get(&account).is_none_or(Vec::is_empty) {
                    return Err(Refusal::NotRegistered { account });
                }
                let line = Line::Account(account);
                if self.legs_on(line) >= LEGS_PER_ACCOUNT_MAX {
                    return Err(Refusal::Full { bound: "LEGS_PER_ACCOUNT_MAX".to_owned() });
                }
                let dial = Dial::Account { account, caller: caller.clone(), auto_answer };
                Ok((line, found.user.clone(), caller, WayDial::Sip(dial)))
            }
            Destination::Trunk { trunk, number, caller_id } => {
                let found = self.desired.trunks.iter().find(|t| t.id == trunk);
                let found = found.ok_or_else(|| unknown(trunk))?;
                let line = Line::Trunk(trunk);
                if self.legs_on(line) >= usize::from(found.channels_max) {
                    return Err(Refusal::Full { bound: format!("channels_max of {}", found.name) });
                }
                let shown = match caller_id {
                    Some(id) if found.numbers.contains(&id) => id,
                    Some(id) => {
                        return Err(Refusal::Unknown { name: format!("caller id {id}") });
                    }
                    None => found.numbers.first().cloned().unwrap_or_default(),
                };
                check_dialable(&number)?;
                let (caller, called) = (shown.clone(), number.clone());
                let dial = match &found.way {
                    Way::Sip(_) => WayDial::Sip(Dial::Trunk { trunk, number, caller }),
                    Way::Channels { groups, hunt } => {
                        let (groups, hunt) = (groups.clone(), *hunt);
                        WayDial::Span(SpanDial { groups, hunt, number, caller })
                    }
                };
                Ok((line, called, shown, dial))
            }
        }
    }

    /// What the endpoint says about a leg's call.
    pub(super) fn handle_fact(&mut self, leg: LegId, fact: Fact) {
        match fact {
            Fact::Phase { phase, cause, by, sdp } => {
                if let Some(sdp) = sdp {
                    self.sound_answered(leg, &sdp);
                }
                self.moved_on(leg, phase, cause, by);
            }
            Fact::Reoffer { offer } => self.reoffered(leg, offer.as_deref()),
            Fact::LateAnswer { sdp } => self.sound_answered(leg, &sdp),
            Fact::Digit { digit, .. } => self.pressed(leg, digit),
        }
    }

    pub(super) fn moved_on(
        &mut self,
        leg: LegId,
        phase: LegPhase,
        cause: Option<Cause>,
        by: Option<Side>,
    ) {
        let ending = self.leg(leg).is_some_and(|l| l.ending.is_some());
        match phase {
            LegPhase::Idle | LegPhase::Seized | LegPhase::Dialing | LegPhase::Releasing => {}
            LegPhase::Proceeding if !ending => {
                self.change(leg, |l| {
                    l.record.phase = l.record.phase.max(LegPhase::Proceeding);
                    l.record.early_media |= l.sound.is_some();
                });
                // Sound without a word of ringing: carriers put the ringing tone into it.
                if self.leg(leg).is_some_and(|l| l.sound.is_some()) {
                    self.ringing_began(leg);
                }
            }
            LegPhase::Alerting if !ending => self.rings(leg),
            LegPhase::Answered if !ending => self.was_answered(leg),
            LegPhase::Proceeding | LegPhase::Alerting | LegPhase::Answered => {}
            LegPhase::Ended => {
                let cause = cause.unwrap_or(Cause::NormalUnspecified);
                self.finish_leg(leg, cause, by.unwrap_or(Side::Far));
            }
        }
    }

    fn rings(&mut self, leg: LegId) {
        self.change(leg, |l| {
            l.record.phase = l.record.phase.max(LegPhase::Alerting);
            l.record.early_media |= l.sound.is_some();
        });
        self.ringing_began(leg);
    }

    /// From now on our patience runs.
    fn ringing_began(&mut self, leg: LegId) {
        let at = self.now.stamp;
        self.change(leg, |l| {
            l.record.ringing.get_or_insert(at);
        });
        let outbound = self.leg(leg).filter(|l| l.record.direction == Direction::Out);
        if let Some(ring_ms) = outbound.map(|l| u64::from(l.ring_timeout_ms)) {
            self.deadlines.set_no_later(Timer::Ring(leg), self.now.tick + ring_ms);
        }
    }

    /// A leg is answered: by the far end, or by us at centerd's order.
    pub(super) fn was_answered(&mut self, leg: LegId) {
        let Some(found) = self.leg(leg) else { return };
        if found.record.phase >= LegPhase::Answered {
            return;
        }
        // A caller who made no offer answers ours with the ACK.
        let mute = found.sound.is_none() && found.record.direction == Direction::Out;
        self.deadlines.stop(Timer::Ring(leg));
        self.deadlines.stop(Timer::Fallback(leg));
        self.deadlines.stop(Timer::Unanswered(leg));
        if mute {
            // A 2xx whose description we could not use: nobody would hear anything.
            return self.end_leg(leg, Cause::IncompatibleDestination, Side::Box);
        }
        let at = self.now.stamp;
        self.change(leg, |l| {
            l.record.phase = LegPhase::Answered;
            l.record.answered = Some(at);
        });
        if self.leg(leg).is_some_and(|l| l.sound.is_none()) {
            self.deadlines.set(Timer::Mute(leg), self.now.tick + MUTE_MS);
        }
        self.watch_silence(leg);
        self.follow_plan(leg);
    }

    // ---- sound

    /// The far end has answered our offer, early or finally.
    fn sound_answered(&mut self, leg: LegId, answer: &str) {
        let Some(found) = self.leg(leg) else { return };
        match self.lines.answered(found.port, answer) {
            Ok(agreed) => self.agree(leg, agreed),
            Err(why) => self.note(Note::SoundRefused { leg, why }),
        }
    }

    /// The far end wants other sound, as a rule hold or its end.
    fn reoffered(&mut self, leg: LegId, offer: Option<&str>) {
        let Some(found) = self.leg(leg) else { return };
        let LineCall::Sip(call) = found.call else { return };
        let port = found.port;
        let Some(offer) = offer else {
            let ours = self.lines.offer(port);
            return self.lines.accept_reoffer(self.now.tick, call, &ours);
        };
        match self.lines.answer(port, offer) {
            Ok((answer, agreed)) => {
                self.lines.accept_reoffer(self.now.tick, call, &answer);
                self.agree(leg, agreed);
            }
            Err(why) => {
                self.lines.refuse_reoffer(self.now.tick, call);
                self.note(Note::SoundRefused { leg, why });
            }
        }
    }

    /// Sound of a leg was agreed on: its port is opened, or follows.
    pub(super) fn agree(&mut self, leg: LegId, agreed: Negotiated) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let port = found.port;
        let before = found.sound.replace(LegSound::Packets(agreed.clone()));
        self.deadlines.stop(Timer::Mute(leg));
        // The far end that no longer wants to hear us has put us on hold.
        let held = !agreed.direction.sends();
        let changed = found.record.held != held;
        let first = before.is_none();
        match before {
            None => self.open_port(port, &agreed),
            Some(LegSound::Packets(before)) if before == agreed => {}
            Some(_) => {
                self.order_sound(Command::SetCodec(port, codec_of(&agreed)));
                self.order_sound(Command::SetDigitPayload(port, agreed.dtmf_pt));
                self.order_sound(Command::SetDetector(port, listening_of(&agreed)));
                self.order_sound(Command::SetMapping(port, mapping_of(&agreed)));
            }
        }
        self.order_sound(Command::SetSending(port, agreed.direction.sends()));
        let reachable = !agreed.remote.ip().is_unspecified();
        self.out.push_back(Output::Sound(SoundOrder::Remote {
            port,
            address: reachable.then_some(agreed.remote),
        }));
        if changed {
            self.change(leg, |l| l.record.held = held);
            if let Some(customer) = self.talks.customer(leg) {
                self.rewire(customer);
            }
        }
        self.watch_silence(leg);
        if first {
            self.connect_waiting(leg);
        }
    }

    fn open_port(&mut self, port: PortId, agreed: &Negotiated) {
        let random = self.lines.random();
        self.order_sound(Command::OpenPort(OpenPort {
            digit_payload: agreed.dtmf_pt,
            sequence: (random >> 32) as u16,
            timestamp: (random >> 24) as u32,
            listening: listening_of(agreed),
            ..OpenPort::new(port, codec_of(agreed), random as u32)
        }));
        if mapping_of(agreed) != Mapping::default() {
            self.order_sound(Command::SetMapping(port, mapping_of(agreed)));
        }
        let player = Source::Player(player_of(port));
        self.order_sound(Command::Hear(Ear::Port(port), player, Gain::UNITY));
    }

    /// An answered leg must be heard from, unless its far end holds us or has said that it sends
    /// nothing.
    fn watch_silence(&mut self, leg: LegId) {
        let Some(found) = self.leg(leg).filter(|l| l.record.phase == LegPhase::Answered) else {
            return;
        };
        // A channel's silence is the line's business: it has alarms.
        let Some(LegSound::Packets(agreed)) = &found.sound else { return };
        let speaks = !found.record.held && agreed.direction.receives();
        let ms = if speaks { self.setup.media_timeout_ms } else { 0 };
        let port = found.port;
        self.order_sound(Command::SetMediaTimeout(port, ms));
    }
}

/// Keys come in the sound where the two ends have agreed on no other way.
fn listening_of(agreed: &Negotiated) -> Listening {
    match agreed.dtmf_pt {
        Some(_) => Listening::Off,
        None => Listening::VoiceAndDigits,
    }
}

/// Payload types that are not the usual ones.
fn mapping_of(agreed: &Negotiated) -> Mapping {
    let own = agreed.payload_type == agreed.codec.payload_type();
    Mapping {
        sound: (!own).then(|| (agreed.payload_type, codec_of(agreed))),
        digits: agreed.dtmf_received_pt.filter(|number| Some(*number) != agreed.dtmf_pt),
    }
}

fn codec_of(agreed: &Negotiated) -> media::Codec {
    match agreed.codec {
        sdp::Codec::Pcma => media::Codec::Alaw,
        sdp::Codec::Pcmu => media::Codec::Ulaw,
    }
}

fn unknown(what: impl ToString) -> Refusal {
    Refusal::Unknown { name: what.to_string() }
}

/// A number goes into a request line as it is: digits and what telephones have besides.
fn check_dialable(number: &str) -> Result<(), Refusal> {
    let fits = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'*' | b'#');
    if (1..=40).contains(&number.len()) && number.bytes().all(fits) {
        return Ok(());
    }
    let reason = "1 to 40 of 0-9 + * #".to_owned();
    Err(Refusal::Invalid { field: "number".to_owned(), reason })
}
