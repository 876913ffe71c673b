//! Calls on spans: what a D-channel says about a leg, and what centerd and a person see of a span.

use board_port::SpanStatus;
use call::{LegId, LegPhase, SpanId};
use link::{
    Alarm, Channel, ChannelRecord, ChannelState, Event, LoopResult, Refusal, SpanCounters,
    SpanLink, SpanRecord, TraceLine, TrunkState, Way,
};
use media::{Codec, Command, Ear, Gain, OpenPort, Source, Transport};
use signal::q931::dchannel;

use super::leg::LegSound;
use super::port::player_of;
use super::span::{PhaseNews, Span, SpanSaid, Traced};
use super::way::LineCall;
use super::{Output, Switch, Timer, trace};
use crate::limits::SPAN_TELL_MS;
use crate::seam::SoundOrder;

impl Switch {
    pub(super) fn handle_span_said(&mut self, said: SpanSaid) {
        match said {
            SpanSaid::Frame { span, bytes } => self.out.push_back(Output::Frame { span, bytes }),
            SpanSaid::Arrived(arrival) => self.arrived_on_span(*arrival),
            SpanSaid::Phase { leg, news } => self.channel_news(leg, news),
        }
    }

    fn channel_news(&mut self, leg: LegId, news: PhaseNews) {
        let PhaseNews { phase, cause, by, slot, inband } = news;
        if let Some(slot) = slot
            && self.leg(leg).is_some_and(|l| l.record.channel.is_none_or(|c| c.slot != slot))
        {
            self.change(leg, |l| {
                if let Some(channel) = &mut l.record.channel {
                    channel.slot = slot;
                }
            });
        }
        let audible = inband || phase == LegPhase::Answered;
        if audible && phase < LegPhase::Releasing {
            self.open_bearer(leg);
        }
        if phase == LegPhase::Releasing {
            // The far end's tone behind its DISCONNECT is for a person who is not there.
            let call = self.leg(leg).filter(|l| l.ending.is_none()).map(|l| l.call);
            if let Some(call) = call {
                self.hang_up_call(call, cause.unwrap_or(call::Cause::NormalClearing));
            }
            return;
        }
        self.moved_on(leg, phase, cause, by);
    }

    /// Connects the leg's port with its channel, once.
    pub(super) fn open_bearer(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let (LineCall::Span(span, _), Some(channel), None) =
            (found.call, found.record.channel, &found.sound)
        else {
            return;
        };
        found.sound = Some(LegSound::Bearer);
        let port = found.port;
        let turnaround_ticks = self.spans.get(span).map_or(1, |s| s.setup.turnaround_ticks);
        self.order_sound(Command::OpenPort(OpenPort {
            transport: Transport::Bearer { turnaround_ticks },
            ..OpenPort::bearer(port, Codec::Alaw)
        }));
        let index = u8::try_from(span.0 - 1).unwrap_or(u8::MAX);
        let to = SoundOrder::Bearer { port, channel: Some((index, channel.slot)) };
        self.out.push_back(Output::Sound(to));
        if self.spans.get(span).is_some_and(|span| span.setup.echo) {
            self.order_sound(Command::SetEcho(port, true));
        }
        let player = Source::Player(player_of(port));
        self.order_sound(Command::Hear(Ear::Port(port), player, Gain::UNITY));
    }

    // ---- the state of spans

    /// Something of a span changed in this turn: trunks follow at once, the telling waits a little.
    pub(super) fn notice_spans(&mut self) {
        let changed = self.spans.take_changed();
        if changed.is_empty() {
            return;
        }
        self.untold_spans.extend(changed);
        self.judge_channel_trunks();
        self.judge_spans();
        if !self.deadlines.runs(Timer::Spans) {
            self.deadlines.set(Timer::Spans, self.now.tick + SPAN_TELL_MS);
        }
    }

    pub(super) fn tell_spans(&mut self) {
        for span in std::mem::take(&mut self.untold_spans) {
            self.tell_span(span);
        }
    }

    /// Called with each report of health: counters have moved.
    pub(super) fn tell_all_spans(&mut self) {
        let spans: Vec<SpanId> = self.spans.all().map(|span| span.id).collect();
        for span in spans {
            self.tell_span(span);
        }
    }

    fn tell_span(&mut self, span: SpanId) {
        if let Some(record) = self.spans.get(span).map(|span| self.span_record(span)) {
            self.tell(Event::Span(Box::new(record)));
        }
    }

    /// A trunk of channels takes calls as long as one of its spans does.
    pub(super) fn judge_channel_trunks(&mut self) {
        let by_channel = self.desired.trunks.iter().filter_map(|trunk| match &trunk.way {
            Way::Channels { groups, .. } => Some((trunk.id, self.spans.serves(groups))),
            Way::Sip(_) => None,
        });
        let judged: Vec<_> = by_channel.collect();
        for (trunk, up) in judged {
            let (state, text) = match up {
                true => (TrunkState::Up, String::new()),
                false => (TrunkState::Down, "no D-channel of its spans is up".to_owned()),
            };
            self.trunk_is(trunk, state, text);
        }
    }

    /// The alarm stands while a configured span cannot carry calls, and says what to look at.
    fn judge_spans(&mut self) {
        let down = self.spans.all().filter(|s| s.wish.is_some() && s.link != SpanLink::Up);
        let texts: Vec<String> =
            down.map(|span| format!("span {}: {}", span.id.0, advice(span))).collect();
        if texts.is_empty() {
            return self.lower(Alarm::SpanDown);
        }
        self.raise(Alarm::SpanDown, texts.join("; "));
    }

    pub(super) fn span_record(&self, span: &Span) -> SpanRecord {
        let channel = |&slot: &u8| {
            let state = span.states.get(&slot).copied();
            let leg = match state {
                Some(dchannel::ChannelState::Taken(call)) => span.leg_of(call),
                Some(_) | None => None,
            };
            ChannelRecord { slot, state: self.channel_state(state, leg), leg }
        };
        SpanRecord {
            span: span.id,
            device: span.setup.device.clone(),
            alarms: span.alarms(),
            link: span.link,
            since: span.since,
            channels: span.setup.slots.iter().map(channel).collect(),
            counters: counters(span),
        }
    }

    fn channel_state(
        &self,
        state: Option<dchannel::ChannelState>,
        leg: Option<LegId>,
    ) -> ChannelState {
        match state {
            None | Some(dchannel::ChannelState::Blocked { ours: false, .. }) => {
                ChannelState::OutOfService
            }
            Some(dchannel::ChannelState::Idle) => ChannelState::Idle,
            Some(dchannel::ChannelState::Restarting) => ChannelState::Restarting,
            Some(dchannel::ChannelState::Blocked { ours: true, .. }) => ChannelState::Blocked,
            Some(dchannel::ChannelState::Taken(_)) => {
                let phase = leg.and_then(|leg| self.leg(leg)).map(|l| l.record.phase);
                match phase {
                    Some(phase) if phase >= LegPhase::Answered => ChannelState::Talking,
                    Some(_) | None => ChannelState::Ringing,
                }
            }
        }
    }

    // ---- orders about spans

    /// The latest lines of a D-channel's trace.
    pub(super) fn tell_trace(&mut self, span: SpanId) -> Result<(), Refusal> {
        let found = self.known_span(span)?;
        let (ours, theirs) = found.sides();
        let line = |(at, entry): &(call::Stamp, Traced)| {
            let (sent, text) = match entry {
                Traced::Frame(true, frame) => (true, Some(trace::line(frame, ours))),
                Traced::Frame(false, frame) => (false, Some(trace::line(frame, theirs))),
                Traced::Trouble(trouble) => (false, trace::note(trouble)),
            };
            Some(TraceLine { at: *at, sent, text: text? })
        };
        let newest = found.trace.len().saturating_sub(link::limits::TRACE_LINES_MAX);
        let lines = found.trace.iter().skip(newest).filter_map(line).collect();
        self.tell(Event::Trace { span, lines });
        Ok(())
    }

    /// Tries whether a loop is closed on an idle channel.
    pub(super) fn test_loop(&mut self, channel: Channel) -> Result<(), Refusal> {
        let span = self.known_span(channel.span)?;
        let idle = span.states.get(&channel.slot) == Some(&dchannel::ChannelState::Idle);
        if !idle {
            self.tell(Event::LoopTested { channel, result: LoopResult::NotNow });
            return Ok(());
        }
        let index = u8::try_from(channel.span.0 - 1).unwrap_or(u8::MAX);
        self.out.push_back(Output::Sound(SoundOrder::LoopTest { span: index, slot: channel.slot }));
        Ok(())
    }

    pub(super) fn restart_span(&mut self, span: SpanId, slot: Option<u8>) -> Result<(), Refusal> {
        self.known_span(span)?;
        self.spans.restart(self.now, span, slot);
        Ok(())
    }

    fn known_span(&self, span: SpanId) -> Result<&Span, Refusal> {
        self.spans.get(span).ok_or(Refusal::Unknown { name: format!("span {}", span.0) })
    }
}

/// What to look at when a span is down, from the cable upwards.
fn advice(span: &Span) -> &'static str {
    let alarms = span.layer1.alarms;
    if alarms.not_open {
        "the card is not there or stopped; look at the model file and the slot"
    } else if alarms.red {
        "no signal; look at the cable, and whether its two pairs are exchanged"
    } else if alarms.blue {
        "the provider's line is interrupted behind its first device; call the provider"
    } else if alarms.yellow {
        "the far end does not hear us; look at the sending pair of the cable"
    } else if alarms.loopback {
        "a loop is closed; open it"
    } else if alarms.recovering {
        "the signal is back and is being watched"
    } else if span.link_snapshot().is_some_and(|s| s.link.counters.same_side > 0) {
        "both ends play the same side, or the line is looped; change the side of this span"
    } else {
        "the D-channel does not answer; ask the provider whether it is PRI, and which side is the network"
    }
}

fn counters(span: &Span) -> SpanCounters {
    let SpanStatus { counters: line, .. } = span.layer1;
    let link = span.link_snapshot().map(|snapshot| snapshot.link.counters).unwrap_or_default();
    SpanCounters {
        slips: line.slips,
        bipolar_violations: line.bipolar_violations,
        crc4_errors: line.crc4_errors,
        far_crc4_errors: line.e_bits,
        frame_errors: line.frame_alignment,
        missed_blocks: line.overruns,
        frames: span.frames,
        retransmitted: link.retransmitted,
        bad_frames: line.aborts + line.bad_fcs + line.malformed + link.bad,
        calls: span.calls,
    }
}
