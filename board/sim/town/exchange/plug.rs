//! One span of the exchange: its D-channel, and the calls of the customers over it.

use std::collections::BTreeMap;

use board_port::fcs;
use call::{Cause, LegPhase, Tick};
use signal::q921::Role;
use signal::q931::dchannel::{CallId, ChannelState, ChannelWish, Config, DChannel, Output as Link};

use super::super::customer::{Act, Manner};
use super::super::output::{Citizen, Gate, Sight, SoundOrder, SoundPort};
use super::super::people::Setup;
use super::super::subscriber::plain;
use super::super::talk::Talk;
use super::super::{Around, Dialling, OrderError, Timer};
use super::Span;
use super::live::Live;
use super::mischief::{Asked, Fault, Mischief, Turn};
use crate::voice::Voice;

/// How a span stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanSight {
    /// Whether calls can be made.
    pub is_up: bool,
    /// Its calls, with their time slots.
    pub calls: Vec<CallRow>,
    /// Time slots that are neither free nor taken by a call.
    pub blocked: Vec<u8>,
}

/// One call of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    /// Whose; nobody's while digits are still missing.
    pub who: Option<Citizen>,
    /// Its time slot, once it is agreed on.
    pub slot: Option<u8>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(in crate::town) struct Plug {
    pub(super) index: u8,
    pub(super) who: Citizen,
    pub(super) span: Span,
    pub(super) manner: Manner,
    pub(super) link: DChannel,
    is_up: bool,
    pub(super) calls: BTreeMap<CallId, Live>,
    pub(super) mischief: Mischief,
    /// Layer 1 as the world outside has it.
    plugged: bool,
    /// The town ends.
    pub(super) leaving: bool,
}

impl Plug {
    pub(super) fn new(now: Tick, setup: &Setup, index: u8, span: &Span) -> Plug {
        let config = Config {
            channels: span.channels.clone(),
            overlap: span.overlap,
            restart_at_start: span.restarts,
            ..Config::new(Role::Network)
        };
        Plug {
            index,
            who: Citizen::Span(index),
            span: span.clone(),
            manner: Manner { nation: setup.tones, tells: span.tells },
            link: DChannel::new(now, config),
            is_up: false,
            calls: BTreeMap::new(),
            mischief: Mischief::new(now, setup, index),
            plugged: true,
            leaving: false,
        }
    }

    pub(super) const fn index(&self) -> u8 {
        self.index
    }

    /// Whether `called` is a number of the box at this span.
    pub(super) fn reaches(&self, called: &str) -> bool {
        let called = plain(called);
        self.span.numbers.iter().any(|numbers| numbers.contain(called))
    }

    pub(super) fn has_port(&self, port: SoundPort) -> bool {
        self.calls.values().any(|live| live.is_open && live.port(self.index) == Some(port))
    }

    pub(super) fn has_number(&self, number: &str) -> bool {
        self.calls.values().any(|live| live.is_of(number))
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.calls.is_empty()
    }

    /// Customers in a call, with the span and the time slot.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&Talk, u8, u8)> {
        let calls = self.calls.values();
        calls.filter_map(|live| Some((live.talk.as_ref()?, self.index, live.slot?)))
    }

    pub(super) fn sight(&self) -> SpanSight {
        let row = |live: &Live| CallRow {
            who: live.talk.as_ref().map(|talk| talk.who.clone()),
            slot: live.slot,
        };
        let channels = self.link.snapshot().channels.into_iter();
        let blocked = channels.filter(|(_, state)| match state {
            ChannelState::Idle | ChannelState::Taken(_) => false,
            ChannelState::Restarting | ChannelState::Blocked { .. } => true,
        });
        SpanSight {
            is_up: self.is_up,
            calls: self.calls.values().map(row).collect(),
            blocked: blocked.map(|(slot, _)| slot).collect(),
        }
    }

    pub(super) fn handle_frame(&mut self, now: Tick, around: &mut Around<'_>, bytes: &[u8]) {
        if !self.is_live() {
            return;
        }
        for copy in self.mischief.pass(bytes) {
            let frame = if self.span.fcs { fcs::check(&copy) } else { Some(copy.as_slice()) };
            let Some(frame) = frame else { continue };
            let asked = self.mischief.look_at(frame);
            if let Some(Asked { channel: Some(channel), .. }) = asked
                && self.mischief.draws_glare()
            {
                self.meet(now, around, channel);
            }
            self.link.handle_frame(now, frame);
            self.settle(now, around, asked.map(|asked| asked.reference));
        }
    }

    pub(super) fn handle_layer1(&mut self, now: Tick, around: &mut Around<'_>, is_up: bool) {
        self.plugged = is_up;
        if !is_up {
            self.mischief.forget();
        }
        self.link.handle_layer1(now, self.is_live());
        self.settle(now, around, None);
    }

    /// Something goes wrong now; what is a matter of single calls is left to chance.
    pub(super) fn harm(&mut self, now: Tick, around: &mut Around<'_>, fault: Fault) {
        match fault {
            Fault::LinkDown { for_ms } => {
                self.mischief.take_link_down(now, for_ms);
                around.gate.tell(now, &self.who, Sight::Misbehaved(fault));
            }
            Fault::Alarm { for_ms } => {
                self.mischief.alarm(now, for_ms);
                self.alarm(now, around, fault);
            }
            Fault::Glare { channel } => self.meet(now, around, channel),
            Fault::WrongCause { .. }
            | Fault::NoAlerting
            | Fault::NeverAlerting
            | Fault::Deaf
            | Fault::Mute
            | Fault::Echo
            | Fault::Stuck => {}
        }
        self.settle(now, around, None);
    }

    pub(super) fn expire(&mut self, now: Tick, around: &mut Around<'_>) {
        while let Some(turn) = self.mischief.handle_timeout(now) {
            match turn {
                Turn::LinkDown { for_ms } => {
                    let fault = Fault::LinkDown { for_ms };
                    around.gate.tell(now, &self.who, Sight::Misbehaved(fault));
                }
                Turn::AlarmOn { for_ms } => self.alarm(now, around, Fault::Alarm { for_ms }),
                Turn::AlarmOff => {
                    around.gate.span(self.index, true);
                    self.link.handle_layer1(now, self.is_live());
                }
            }
        }
        self.link.handle_timeout(now);
        self.settle(now, around, None);
        let due: Vec<CallId> = self.calls.keys().copied().collect();
        for call in due {
            self.dial_on(now, call);
            let talk = self.calls.get_mut(&call).and_then(|live| live.talk.as_mut());
            if let Some(talk) = talk.filter(|talk| talk.is_due(now)) {
                talk.customer.handle_timeout(now);
            }
        }
        self.settle(now, around, None);
    }

    pub(super) fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let talks = self.calls.values().filter_map(|live| live.talk.as_ref());
        let customer = talks.filter_map(|talk| talk.customer.next_timeout()).min();
        let late = self.calls.values().filter_map(|live| live.late_at).min();
        [
            self.link.next_timeout().map(|(at, timer)| (at, Timer::Span(timer))),
            customer.map(|(at, timer)| (at, Timer::Customer(timer))),
            late.map(|at| (at, Timer::Digit)),
            self.mischief.next_timeout().map(|at| (at, Timer::Mischief)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(in crate::town) fn hear_start(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        port: SoundPort,
    ) {
        if let Some(talk) = self.talk_at(port) {
            talk.handle_started(now, around.gate);
        }
        self.settle(now, around, None);
    }

    pub(in crate::town) fn hear_end(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        port: SoundPort,
    ) {
        if let Some(talk) = self.talk_at(port) {
            talk.customer.handle_ended(now);
        }
        self.settle(now, around, None);
    }

    pub(in crate::town) fn hear_key(
        &mut self,
        now: Tick,
        gate: &mut Gate,
        port: SoundPort,
        key: char,
    ) {
        if let Some(talk) = self.talk_at(port) {
            gate.tell(now, &talk.who, Sight::Key(key));
        }
    }

    fn talk_at(&mut self, port: SoundPort) -> Option<&mut Talk> {
        let index = self.index;
        let mut open = self.calls.values_mut().filter(|live| live.is_open);
        open.find(|live| live.port(index) == Some(port))?.talk.as_mut()
    }

    /// The town ends: everybody hangs up.
    pub(super) fn leave(&mut self, now: Tick, around: &mut Around<'_>) {
        self.leaving = true;
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for call in calls {
            self.link.hang_up(now, call, Cause::NormalClearing);
        }
        self.settle(now, around, None);
    }

    /// A customer calls the box.
    pub(super) fn dial(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        number: &str,
        dialling: Dialling,
    ) -> Result<(), OrderError> {
        self.place(now, around, number, dialling, ChannelWish::Any)?;
        self.settle(now, around, None);
        Ok(())
    }

    pub(super) fn press(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        number: &str,
        keys: String,
    ) -> Result<(), OrderError> {
        let call = self.call_of(number).ok_or(OrderError::NoCall)?;
        self.act(now, around, call, Act::Press(keys));
        Ok(())
    }

    pub(super) fn say(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        number: &str,
        voice: Voice,
    ) -> Result<(), OrderError> {
        let call = self.call_of(number).ok_or(OrderError::NoCall)?;
        self.act(now, around, call, Act::Say(voice));
        Ok(())
    }

    pub(super) fn hang_up(
        &mut self,
        now: Tick,
        around: &mut Around<'_>,
        number: &str,
    ) -> Result<(), OrderError> {
        let call = self.call_of(number).ok_or(OrderError::NoCall)?;
        self.act(now, around, call, Act::HangUp);
        self.settle(now, around, None);
        Ok(())
    }

    fn call_of(&self, number: &str) -> Option<CallId> {
        self.calls.iter().find(|(_, live)| live.is_of(number)).map(|(call, _)| *call)
    }

    const fn is_live(&self) -> bool {
        self.plugged && !self.mischief.is_alarmed()
    }

    fn alarm(&mut self, now: Tick, around: &mut Around<'_>, fault: Fault) {
        around.gate.tell(now, &self.who, Sight::Misbehaved(fault));
        around.gate.span(self.index, false);
        self.mischief.forget();
        self.link.handle_layer1(now, false);
    }

    /// Takes what the D-channel and the customers have to say until all are silent. `asked`: the
    /// reference of the SETUP that was just taken.
    fn settle(&mut self, now: Tick, around: &mut Around<'_>, asked: Option<u16>) {
        loop {
            while let Some(output) = self.link.poll() {
                self.signalled(now, around, output, asked);
            }
            let mut acted = false;
            let calls: Vec<CallId> = self.calls.keys().copied().collect();
            for call in calls {
                while let Some(act) = self.next_act(call) {
                    self.act(now, around, call, act);
                    acted = true;
                }
            }
            if !acted {
                break;
            }
        }
    }

    fn next_act(&mut self, call: CallId) -> Option<Act> {
        self.calls.get_mut(&call)?.talk.as_mut()?.customer.poll()
    }

    fn act(&mut self, now: Tick, around: &mut Around<'_>, call: CallId, act: Act) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        let (gate, index) = (&mut *around.gate, self.index);
        if live.flaws.never_alerting && !live.ours {
            // The network has lost the call: nobody is ever told how the customer fares.
            return;
        }
        match act {
            Act::Ring { .. } if live.flaws.no_alerting => {}
            Act::Ring { heard } => self.link.alert(now, call, heard),
            Act::Early => self.link.progress(now, call, true),
            Act::Answer => {
                live.order(gate, index, SoundOrder::Hush);
                self.link.answer(now, call);
            }
            Act::Clear(cause) => {
                live.is_cleared = true;
                let cause = self.told(now, gate, call, cause);
                self.link.disconnect_with_tone(now, call, cause);
            }
            // The tone is over; the cause was told before it.
            Act::Refuse(cause) if live.is_cleared => self.link.hang_up(now, call, cause),
            Act::Refuse(cause) => {
                let cause = self.told(now, gate, call, cause);
                self.link.hang_up(now, call, cause);
            }
            Act::HangUp => self.link.hang_up(now, call, Cause::NormalClearing),
            Act::Say(voice) => live.order(gate, index, |port| SoundOrder::Say(port, voice)),
            Act::Sound(tone) => live.order(gate, index, |port| SoundOrder::Sound(port, tone)),
            Act::Press(keys) => {
                let pressed = keys.clone();
                live.order(gate, index, |port| SoundOrder::Press(port, keys));
                if let Some(talk) = &live.talk {
                    gate.tell(now, &talk.who, Sight::Pressed(pressed));
                }
            }
        }
    }

    /// The cause that the box is told when a call fails: its own, or another.
    fn told(&self, now: Tick, gate: &mut Gate, call: CallId, right: Cause) -> Cause {
        let Some(live) = self.calls.get(&call) else { return right };
        let told = live.flaws.told.unwrap_or(right);
        if let Some(talk) = live.talk.as_ref().filter(|_| told != right) {
            gate.tell(now, &talk.who, Sight::Misbehaved(Fault::WrongCause { right, told }));
        }
        told
    }

    fn signalled(&mut self, now: Tick, around: &mut Around<'_>, output: Link, asked: Option<u16>) {
        match output {
            Link::Send(frame) => self.send(around.gate, frame),
            Link::Link { up } => {
                self.is_up = up;
                around.gate.tell(now, &self.who, Sight::Linked(up));
            }
            Link::Incoming { call, channel, setup } => {
                self.come(now, around, (call, channel, asked), setup);
            }
            Link::Digits { call, digits, complete } => {
                if let Some(live) = self.calls.get_mut(&call) {
                    live.called.digits.push_str(&digits);
                }
                self.look_up(now, around, call, complete);
            }
            Link::Phase { call, phase, cause, by, channel, .. } => {
                let index = self.index;
                let Some(live) = self.calls.get_mut(&call) else { return };
                if let Some(slot) = channel.filter(|_| phase < LegPhase::Releasing) {
                    live.open(around.gate, index, slot);
                }
                match phase {
                    LegPhase::Answered => {
                        let ours = live.ours;
                        if let Some(talk) = &mut live.talk {
                            talk.handle_answered(now, around.gate, ours);
                        }
                    }
                    LegPhase::Ended => {
                        let Some(mut live) = self.calls.remove(&call) else { return };
                        live.close(around.gate, index);
                        if let Some(talk) = live.talk {
                            talk.end(now, around.gate, cause, by);
                        }
                    }
                    LegPhase::Idle
                    | LegPhase::Seized
                    | LegPhase::Dialing
                    | LegPhase::Proceeding
                    | LegPhase::Alerting
                    | LegPhase::Releasing => {}
                }
            }
            Link::Channel { .. } | Link::Display { .. } | Link::Error(_) | Link::Counted(_) => {}
        }
    }

    fn send(&mut self, gate: &mut Gate, mut frame: Vec<u8>) {
        if !self.is_live() {
            return;
        }
        self.mischief.muffle(&mut frame);
        if self.span.fcs {
            frame.extend(fcs::of(&frame).to_le_bytes());
        }
        for copy in self.mischief.pass(&frame) {
            gate.frame(self.index, copy);
        }
    }
}
