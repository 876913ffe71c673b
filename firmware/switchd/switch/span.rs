//! The spans of the box: a D-channel each, with what only the switch adds to it: which leg a call
//! belongs to, which trunk may use which channel, and what a person sees of the span.

use std::collections::{BTreeMap, VecDeque};

use board_port::SpanStatus;
use call::{Cause, LegId, LegPhase, Now, Side, SpanId, Stamp, Tick};
use link::{ChannelGroup, Hunt, SpanAlarm, SpanLink, SpanRole};
use signal::q921;
use signal::q931::dchannel::{
    self, CallId, CallSetup, ChannelState, ChannelWish, Config, DChannel, Output, Trouble,
};

use super::number::{self, Shown};
use crate::limits::TRACE_FRAMES_MAX;

/// What the model says of one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanSetup {
    /// What it is plugged into, for a person.
    pub device: String,
    /// Time slots that carry calls.
    pub slots: Vec<u8>,
    /// We cancel the echo, as the card does not.
    pub echo: bool,
    /// Ticks from handing out a block until its echo can come back: see
    /// [`media::Transport::Bearer`].
    pub turnaround_ticks: u8,
}

impl SpanSetup {
    /// A whole E1 that plays a block as soon as it has it, without an echo canceller.
    #[must_use]
    pub fn plain(device: &str) -> SpanSetup {
        let slots = link::span::all_slots();
        SpanSetup { device: device.to_owned(), slots, echo: false, turnaround_ticks: 1 }
    }
}

/// What a call that goes out needs.
#[derive(Clone, Debug)]
pub(super) struct SpanDial {
    pub(super) groups: Vec<ChannelGroup>,
    pub(super) hunt: Hunt,
    pub(super) number: String,
    pub(super) caller: String,
}

/// What the spans say, in the switch's words.
#[derive(Clone, Debug)]
pub(super) enum SpanSaid {
    Frame { span: SpanId, bytes: Vec<u8> },
    Arrived(Box<SpanArrival>),
    Phase { leg: LegId, news: PhaseNews },
}

/// A call that has come in, its number complete.
#[derive(Clone, Debug)]
pub(super) struct SpanArrival {
    pub(super) span: SpanId,
    pub(super) call: CallId,
    pub(super) slot: u8,
    pub(super) called: String,
    pub(super) caller: Shown,
}

/// A call moved on, or there is something to be heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct PhaseNews {
    pub(super) phase: LegPhase,
    pub(super) cause: Option<Cause>,
    pub(super) by: Option<Side>,
    pub(super) slot: Option<u8>,
    pub(super) inband: bool,
}

/// One span.
pub(super) struct Span {
    pub(super) id: SpanId,
    pub(super) setup: SpanSetup,
    /// `None` until centerd has configured it.
    pub(super) wish: Option<link::Span>,
    dchannel: Option<DChannel>,
    /// The side that the D-channel was born as.
    side: Option<q921::Role>,
    pub(super) layer1: SpanStatus,
    pub(super) link: SpanLink,
    pub(super) since: Stamp,
    legs: BTreeMap<CallId, LegId>,
    /// Calls that came in and whose number is not complete.
    dialling: BTreeMap<CallId, (u8, CallSetup)>,
    pub(super) states: BTreeMap<u8, ChannelState>,
    /// How many calls each channel has carried.
    carried: BTreeMap<u8, u32>,
    /// Calls that came, and that went out.
    pub(super) calls: [u64; 2],
    pub(super) frames: [u64; 2],
    /// The latest frames, and what our side said of them.
    pub(super) trace: VecDeque<(Stamp, Traced)>,
}

/// One entry of a D-channel's trace.
pub(super) enum Traced {
    /// A frame, and whether we sent it.
    Frame(bool, Vec<u8>),
    /// Our side found something wrong outside.
    Trouble(Trouble),
}

pub(super) struct Spans {
    spans: Vec<Span>,
    /// Spans that a person would see changed.
    changed: Vec<SpanId>,
    waiting: VecDeque<SpanSaid>,
}

impl Spans {
    pub(super) fn new(now: Now, setups: &[SpanSetup]) -> Spans {
        let span = |(index, setup): (usize, &SpanSetup)| Span {
            id: SpanId(index as i64 + 1),
            setup: setup.clone(),
            wish: None,
            dchannel: None,
            side: None,
            layer1: not_open(),
            link: SpanLink::Down,
            since: now.stamp,
            legs: BTreeMap::new(),
            dialling: BTreeMap::new(),
            states: BTreeMap::new(),
            carried: BTreeMap::new(),
            calls: [0; 2],
            frames: [0; 2],
            trace: VecDeque::new(),
        };
        let spans = setups.iter().enumerate().map(span).collect();
        Spans { spans, changed: Vec::new(), waiting: VecDeque::new() }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter()
    }

    pub(super) fn get(&self, id: SpanId) -> Option<&Span> {
        self.spans.iter().find(|span| span.id == id)
    }

    fn get_mut(&mut self, id: SpanId) -> Option<&mut Span> {
        self.spans.iter_mut().find(|span| span.id == id)
    }

    /// How many digits of a called number the exchange behind a span sends; 0: all.
    pub(super) fn did_digits(&self, id: SpanId) -> u8 {
        self.get(id).and_then(|span| span.wish.as_ref()).map_or(0, |wish| wish.did_digits)
    }

    /// Which spans have changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> Vec<SpanId> {
        std::mem::take(&mut self.changed)
    }

    // ---- inputs

    pub(super) fn receive(&mut self, now: Now, id: SpanId, frame: &[u8]) {
        let Some(span) = self.get_mut(id) else { return };
        span.remember(now.stamp, false, frame);
        if let Some(dchannel) = &mut span.dchannel {
            dchannel.handle_frame(now.tick, frame);
        }
        self.drain(now, id);
    }

    /// What layer 1 says. Counters alone are no change.
    pub(super) fn layer1(&mut self, now: Now, id: SpanId, status: SpanStatus) {
        let Some(span) = self.get_mut(id) else { return };
        let before = std::mem::replace(&mut span.layer1, status);
        if before.alarms == status.alarms {
            return;
        }
        span.since = now.stamp;
        let up = carries(&status);
        if up != carries(&before)
            && let Some(dchannel) = &mut span.dchannel
        {
            dchannel.handle_layer1(now.tick, up);
            span.link = if up { SpanLink::Establishing } else { SpanLink::Down };
        }
        self.mark(id);
        self.drain(now, id);
    }

    pub(super) fn expire(&mut self, now: Now) {
        let ids: Vec<SpanId> = self.spans.iter().map(|span| span.id).collect();
        for id in ids {
            if let Some(dchannel) = self.get_mut(id).and_then(|s| s.dchannel.as_mut())
                && dchannel.next_timeout().is_some_and(|(due, _)| due <= now.tick)
            {
                dchannel.handle_timeout(now.tick);
                self.drain(now, id);
            }
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Tick> {
        let dchannels = self.spans.iter().filter_map(|span| span.dchannel.as_ref());
        dchannels.filter_map(|d| d.next_timeout().map(|(due, _)| due)).min()
    }

    pub(super) fn poll(&mut self) -> Option<SpanSaid> {
        self.waiting.pop_front()
    }

    /// Whether layer 1 of a span carried nothing when it was last looked at.
    pub(super) fn is_dark(&self, id: SpanId) -> bool {
        self.get(id).is_some_and(|span| !carries(&span.layer1))
    }

    // ---- configuration

    /// Takes the settings of all spans over. Calls go on, but for those of a span whose side is
    /// exchanged: its D-channel is born anew.
    pub(super) fn configure(&mut self, now: Now, wishes: &[link::Span]) {
        let ids: Vec<SpanId> = self.spans.iter().map(|span| span.id).collect();
        for id in ids {
            let wish = wishes.iter().find(|wish| wish.id == id).cloned();
            let Some(span) = self.get_mut(id) else { continue };
            if span.wish == wish {
                continue;
            }
            span.wish = wish;
            span.reconfigure(now);
            self.mark(id);
            self.drain(now, id);
        }
    }

    // ---- calls

    /// Begins a call on a free channel of these groups.
    ///
    /// # Errors
    /// None is free, or the D-channel is down.
    pub(super) fn dial(
        &mut self,
        now: Now,
        leg: LegId,
        dial: &SpanDial,
    ) -> Result<(SpanId, CallId, u8), Unplaced> {
        let (id, slot) = self.free_channel(&dial.groups, dial.hunt).ok_or(Unplaced::NoChannel)?;
        let setup = CallSetup {
            called: Some(number::called_party(&dial.number)),
            calling: number::calling_party(&dial.caller),
            // No other channel: those beyond the group belong to somebody else.
            channel: ChannelWish::Exclusive(slot),
            complete: true,
            ..CallSetup::default()
        };
        let span = self.get_mut(id).ok_or(Unplaced::NoChannel)?;
        let dchannel = span.dchannel.as_mut().ok_or(Unplaced::NoChannel)?;
        let call = dchannel.place(now.tick, setup).map_err(Unplaced::Refused)?;
        span.legs.insert(call, leg);
        span.calls[1] += 1;
        *span.carried.entry(slot).or_default() += 1;
        self.drain(now, id);
        Ok((id, call, slot))
    }

    /// Whether a call could be placed on one of these groups at all.
    pub(super) fn serves(&self, groups: &[ChannelGroup]) -> bool {
        // A link that has just come up restarts every channel first.
        let in_service =
            |state: &ChannelState| matches!(state, ChannelState::Idle | ChannelState::Taken(_));
        let up = |group: &ChannelGroup| {
            self.get(group.span).filter(|span| span.link == SpanLink::Up).is_some_and(|span| {
                group.slots.iter().any(|slot| span.states.get(slot).is_some_and(in_service))
            })
        };
        groups.iter().any(up)
    }

    fn free_channel(&self, groups: &[ChannelGroup], hunt: Hunt) -> Option<(SpanId, u8)> {
        let idle = |&(span, slot): &(&Span, u8)| {
            span.link == SpanLink::Up && span.states.get(&slot) == Some(&ChannelState::Idle)
        };
        let spans = groups.iter().filter_map(|group| Some((self.get(group.span)?, &group.slots)));
        let mut free = spans.flat_map(|(span, slots)| slots.iter().map(move |&slot| (span, slot)));
        let found = match hunt {
            Hunt::Ascending => free.find(idle),
            Hunt::Descending => free.rfind(idle),
            Hunt::LeastUsed => free.filter(idle).min_by_key(|(span, slot)| {
                (span.carried.get(slot).copied().unwrap_or(0), span.id, *slot)
            }),
        };
        found.map(|(span, slot)| (span.id, slot))
    }

    pub(super) fn belongs(&mut self, id: SpanId, call: CallId, leg: LegId) {
        if let Some(span) = self.get_mut(id) {
            span.legs.insert(call, leg);
        }
    }

    /// The leg of this call is over for the switch; the D-channel may still be clearing it.
    pub(super) fn forget(&mut self, id: SpanId, call: CallId) {
        if let Some(span) = self.get_mut(id) {
            span.legs.remove(&call);
        }
    }

    pub(super) fn ring(&mut self, now: Now, id: SpanId, call: CallId) {
        self.order(now, id, |d| d.alert(now.tick, call, false));
    }

    pub(super) fn accept(&mut self, now: Now, id: SpanId, call: CallId) {
        self.order(now, id, |d| d.answer(now.tick, call));
    }

    pub(super) fn hang_up(&mut self, now: Now, id: SpanId, call: CallId, cause: Cause) {
        self.order(now, id, |d| d.hang_up(now.tick, call, cause));
    }

    pub(super) fn restart(&mut self, now: Now, id: SpanId, slot: Option<u8>) {
        self.order(now, id, |d| d.restart(now.tick, slot));
    }

    fn order(&mut self, now: Now, id: SpanId, order: impl FnOnce(&mut DChannel)) {
        if let Some(dchannel) = self.get_mut(id).and_then(|span| span.dchannel.as_mut()) {
            order(dchannel);
            self.drain(now, id);
        }
    }

    // ---- what a D-channel says

    fn mark(&mut self, id: SpanId) {
        if !self.changed.contains(&id) {
            self.changed.push(id);
        }
    }

    /// Takes everything that the D-channel has to say.
    fn drain(&mut self, now: Now, id: SpanId) {
        while let Some(span) = self.get_mut(id)
            && let Some(output) = span.dchannel.as_mut().and_then(DChannel::poll)
        {
            let (said, changed) = span.sort(now, output);
            self.waiting.extend(said);
            if changed {
                self.mark(id);
            }
        }
    }
}

/// Why a call could not be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unplaced {
    /// Every channel of the trunk is taken or out of service.
    NoChannel,
    /// The D-channel refused it.
    Refused(dchannel::Refused),
}

impl Span {
    fn reconfigure(&mut self, now: Now) {
        let Some(wish) = &self.wish else {
            self.dchannel = None;
            self.link = SpanLink::Down;
            self.states.clear();
            return;
        };
        let role = role_of(wish);
        let config = Config {
            channels: self.setup.slots.clone(),
            overlap: wish.overlap,
            restart_at_start: true,
            ..Config::new(role)
        };
        let same_side = self.side == Some(role) && self.dchannel.is_some();
        if !same_side {
            let mut dchannel = DChannel::new(now.tick, config.clone());
            dchannel.handle_layer1(now.tick, carries(&self.layer1));
            self.dchannel = Some(dchannel);
            self.side = Some(role);
            self.link = if carries(&self.layer1) { SpanLink::Establishing } else { SpanLink::Down };
            self.states = self.setup.slots.iter().map(|&s| (s, ChannelState::Idle)).collect();
        }
        let Some(dchannel) = &mut self.dchannel else { return };
        dchannel.configure(now.tick, config);
        for &slot in &self.setup.slots {
            let blocked = wish.blocked.contains(&slot);
            let is_blocked =
                matches!(self.states.get(&slot), Some(ChannelState::Blocked { ours: true, .. }));
            if blocked != is_blocked {
                dchannel.block(now.tick, slot, blocked);
            }
        }
    }

    /// One output: what the switch must hear of it, and whether a person would see a change.
    fn sort(&mut self, now: Now, output: Output) -> (Option<SpanSaid>, bool) {
        let span = self.id;
        match output {
            Output::Send(bytes) => {
                self.remember(now.stamp, true, &bytes);
                (Some(SpanSaid::Frame { span, bytes }), false)
            }
            Output::Link { up } => {
                self.link = match (up, carries(&self.layer1)) {
                    (true, _) => SpanLink::Up,
                    (false, true) => SpanLink::Establishing,
                    (false, false) => SpanLink::Down,
                };
                self.since = now.stamp;
                (None, true)
            }
            Output::Incoming { call, channel, setup } => {
                self.calls[0] += 1;
                *self.carried.entry(channel).or_default() += 1;
                self.dialling.insert(call, (channel, setup));
                (self.number_grew(now, call, "", false), false)
            }
            Output::Digits { call, digits, complete } => {
                (self.number_grew(now, call, &digits, complete), false)
            }
            Output::Phase { call, phase, cause, by, channel, inband } => {
                if phase == LegPhase::Ended {
                    self.dialling.remove(&call);
                }
                let leg = self.legs.get(&call).copied();
                let news = PhaseNews { phase, cause, by, slot: channel, inband };
                (leg.map(|leg| SpanSaid::Phase { leg, news }), true)
            }
            Output::Channel { channel, state } => {
                self.states.insert(channel, state);
                (None, true)
            }
            Output::Error(trouble) => {
                self.trace(now.stamp, Traced::Trouble(trouble));
                (None, false)
            }
            Output::Display { .. } | Output::Counted(_) => (None, false),
        }
    }

    /// More of an incoming call's number is known. It is taken when the exchange says that this is
    /// all, or when it is as long as this exchange's numbers are.
    fn number_grew(
        &mut self,
        now: Now,
        call: CallId,
        digits: &str,
        complete: bool,
    ) -> Option<SpanSaid> {
        let (slot, setup) = self.dialling.get_mut(&call)?;
        if !digits.is_empty() {
            // A SETUP of an overlap exchange may come without any digit.
            setup.called.get_or_insert_with(|| number::called_party("")).digits.push_str(digits);
        }
        setup.complete |= complete;
        let wish = self.wish.as_ref()?;
        let length = setup.called.as_ref().map_or(0, |called| called.digits.len());
        let long_enough = wish.did_digits > 0 && length >= usize::from(wish.did_digits);
        if !(setup.complete || long_enough) {
            return None;
        }
        let slot = *slot;
        let (_, setup) = self.dialling.remove(&call)?;
        if let Some(dchannel) = &mut self.dchannel {
            dchannel.proceed(now.tick, call, false);
        }
        Some(SpanSaid::Arrived(Box::new(SpanArrival {
            span: self.id,
            call,
            slot,
            called: number::written(setup.called.as_ref()),
            caller: Shown {
                number: number::written(setup.calling.as_ref()),
                redirecting: setup.redirecting.map(|last| number::written(Some(&last.party))),
                display: setup.display,
            },
        })))
    }

    fn remember(&mut self, at: Stamp, sent: bool, frame: &[u8]) {
        self.frames[usize::from(sent)] += 1;
        self.trace(at, Traced::Frame(sent, frame.to_vec()));
    }

    fn trace(&mut self, at: Stamp, entry: Traced) {
        if self.trace.len() >= TRACE_FRAMES_MAX {
            self.trace.pop_front();
        }
        self.trace.push_back((at, entry));
    }

    /// Our side of the D-channel and the far end's.
    pub(super) fn sides(&self) -> (q921::Role, q921::Role) {
        match self.side {
            Some(q921::Role::Network) => (q921::Role::Network, q921::Role::User),
            Some(q921::Role::User) | None => (q921::Role::User, q921::Role::Network),
        }
    }

    /// The leg of a call that has a channel.
    pub(super) fn leg_of(&self, call: CallId) -> Option<LegId> {
        self.legs.get(&call).copied()
    }

    /// The data link's own counters, once it is configured.
    pub(super) fn link_snapshot(&self) -> Option<dchannel::Snapshot> {
        self.dchannel.as_ref().map(DChannel::snapshot)
    }

    /// Alarms of layer 1 that stand.
    pub(super) fn alarms(&self) -> Vec<SpanAlarm> {
        let alarms = self.layer1.alarms;
        let all = [
            (alarms.not_open, SpanAlarm::NotOpen),
            (alarms.red, SpanAlarm::Red),
            (alarms.yellow, SpanAlarm::Yellow),
            (alarms.blue, SpanAlarm::Blue),
            (alarms.recovering, SpanAlarm::Recovering),
            (alarms.loopback, SpanAlarm::Loopback),
        ];
        all.into_iter().filter(|(stands, _)| *stands).map(|(_, alarm)| alarm).collect()
    }
}

const fn role_of(wish: &link::Span) -> q921::Role {
    match wish.role {
        SpanRole::User => q921::Role::User,
        SpanRole::Network => q921::Role::Network,
    }
}

/// Whether frames pass. A yellow alarm is the far end's complaint: it may still hear us.
fn carries(status: &SpanStatus) -> bool {
    let alarms = status.alarms;
    !(alarms.not_open || alarms.red || alarms.blue || alarms.recovering)
}

/// A span before its device has spoken.
fn not_open() -> SpanStatus {
    let mut status = SpanStatus::default();
    status.alarms.not_open = true;
    status
}
