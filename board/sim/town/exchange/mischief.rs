//! What goes wrong on purpose at one span of the exchange, by chance and repeatably.
//!
//! ```text
//!   frames   lost, doubled, one bit wrong: both ways, each frame drawn alone
//!   calls    drawn once for each call that comes: glare, wrong cause, no ALERTING, silence for ever,
//!            one-way sound, echo, a channel that is never given back
//!   span     the D-channel falls silent for a while; layer 1 shows an alarm for a while
//! ```
//!
//! A frame with a wrong bit is found out by its check sequence where the span has one, and dropped
//! like a lost one. Without it the box is given the wrong octets.

use std::collections::BTreeSet;

use call::{Cause, Tick};
use signal::q931::wire::{self, CallReference, MessageType};

use super::super::chance::Chance;
use super::super::people::Setup;

/// How bad an exchange is. Parts of 1, of frames or of calls that come from the box.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bad {
    /// Of the frames: never arrive.
    pub lose: f64,
    /// Of the frames: arrive twice.
    pub double: f64,
    /// Of the frames: arrive with one bit wrong.
    pub corrupt: f64,
    /// Of the calls: in the same instant the exchange calls the box on the channel asked for.
    pub glare: f64,
    /// Of the calls that fail: end with a cause that is not theirs.
    pub wrong_cause: f64,
    /// Of the calls: CONNECT comes without ALERTING.
    pub no_alerting: f64,
    /// Of the calls: nothing comes after CALL PROCEEDING.
    pub never_alerting: f64,
    /// Of the calls: one of the two hears nothing.
    pub one_way: f64,
    /// Of the calls: what the box says comes back to it.
    pub echo: f64,
    /// Of the calls: the exchange never says that they are over, and never restarts their channels.
    /// Only a pulled plug helps.
    pub stuck: f64,
    /// The D-channel passes no frame.
    pub link_down: Outage,
    /// Layer 1 shows an alarm.
    pub alarm: Outage,
}

impl Bad {
    /// A good exchange.
    pub const NONE: Bad = Bad {
        lose: 0.0,
        double: 0.0,
        corrupt: 0.0,
        glare: 0.0,
        wrong_cause: 0.0,
        no_alerting: 0.0,
        never_alerting: 0.0,
        one_way: 0.0,
        echo: 0.0,
        stuck: 0.0,
        link_down: Outage::NEVER,
        alarm: Outage::NEVER,
    };
}

/// Something that fails now and then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outage {
    /// From the end of one to the beginning of the next, in milliseconds; drawn from half to one and
    /// a half of it. 0: never.
    pub every_ms: u64,
    /// For so long, in milliseconds.
    pub for_ms: u64,
}

impl Outage {
    /// It does not happen.
    pub const NEVER: Outage = Outage { every_ms: 0, for_ms: 0 };
}

/// Something that has gone wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The exchange called on the channel that the box had just asked for.
    Glare {
        /// Its time slot.
        channel: u8,
    },
    /// A call ended with another cause than its own.
    WrongCause {
        /// Its own.
        right: Cause,
        /// What the box was told.
        told: Cause,
    },
    /// A call was answered without ALERTING.
    NoAlerting,
    /// A call stays without ALERTING and without answer.
    NeverAlerting,
    /// The customer hears nothing.
    Deaf,
    /// The customer is not heard.
    Mute,
    /// The box hears itself.
    Echo,
    /// A call is never given back.
    Stuck,
    /// The D-channel passes no frame.
    LinkDown {
        /// For so long, in milliseconds.
        for_ms: u64,
    },
    /// Layer 1 shows an alarm.
    Alarm {
        /// For so long, in milliseconds.
        for_ms: u64,
    },
}

/// What was drawn for one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    pub(super) told: Option<Cause>,
    pub(super) no_alerting: bool,
    pub(super) never_alerting: bool,
    pub(super) deaf: bool,
    pub(super) mute: bool,
    pub(super) echo: bool,
    pub(super) stuck: bool,
}

/// What an exchange says in place of the right cause.
const WRONG_CAUSES: [Cause; 4] =
    [Cause::NormalClearing, Cause::NormalUnspecified, Cause::TemporaryFailure, Cause::Interworking];

/// A protocol discriminator for national use (Q.931 table 4-1). Whoever speaks Q.931 alone ignores
/// the message (§5.8.1), and the data link goes on undisturbed.
const ANOTHER_PROTOCOL: u8 = 0x4F;

/// A SETUP of the box that is about to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) reference: u16,
    pub(super) channel: Option<u8>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Mischief {
    bad: Bad,
    frames: Chance,
    calls: Chance,
    times: Chance,
    /// Calls of the box whose end it is not told, by reference.
    gagged: BTreeSet<u16>,
    /// Their time slots, which are never restarted either.
    stuck: BTreeSet<u8>,
    last_setup: Option<u16>,
    link_down: Spell,
    alarm: Spell,
}

/// An outage that comes and goes.
#[derive(Clone, Copy, Debug, Default)]
struct Spell {
    begins: Option<Tick>,
    ends: Option<Tick>,
}

/// What has changed with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    LinkDown { for_ms: u64 },
    AlarmOn { for_ms: u64 },
    AlarmOff,
}

impl Mischief {
    pub(super) fn new(now: Tick, setup: &Setup, span: u8) -> Mischief {
        let own = Chance::new(setup.seed).branch(&format!("span {span}"));
        let mut new = Mischief {
            bad: setup.bad,
            frames: own.branch("frames"),
            calls: own.branch("calls"),
            times: own.branch("times"),
            gagged: BTreeSet::new(),
            stuck: BTreeSet::new(),
            last_setup: None,
            link_down: Spell::default(),
            alarm: Spell::default(),
        };
        new.link_down.begins = new.next(now, setup.bad.link_down);
        new.alarm.begins = new.next(now, setup.bad.alarm);
        new
    }

    /// The copies of a frame that arrive.
    pub(super) fn pass(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        let mut frame = frame.to_vec();
        if self.link_down.ends.is_some() || self.draws_frame(self.bad.lose) {
            return Vec::new();
        }
        if self.draws_frame(self.bad.corrupt) {
            let bit = self.frames.between(0, (frame.len() as u64 * 8).saturating_sub(1));
            if let Some(octet) = frame.get_mut(bit as usize / 8) {
                *octet ^= 1 << (bit % 8);
            }
        }
        if self.draws_frame(self.bad.double) { vec![frame.clone(), frame] } else { vec![frame] }
    }

    /// What a frame of the box asks for, if it is a SETUP that was not seen just before.
    pub(super) fn look_at(&mut self, frame: &[u8]) -> Option<Asked> {
        let decoded = wire::decode(layer_3(frame)?).ok()?;
        let MessageType::Setup = decoded.message.kind else { return None };
        let CallReference::Call { value: reference, from_origin: true } = decoded.message.reference
        else {
            return None;
        };
        // A reference that begins anew is whole again.
        self.gagged.remove(&reference);
        if self.last_setup.replace(reference) == Some(reference) {
            return None;
        }
        let channel = decoded.message.channel();
        let channel = channel.and_then(|channel| channel.which.slots().first().copied());
        Some(Asked { reference, channel })
    }

    /// What nobody else draws from.
    pub(super) const fn chance(&mut self) -> &mut Chance {
        &mut self.calls
    }

    pub(super) fn draws_glare(&mut self) -> bool {
        let part = self.bad.glare;
        part > 0.0 && self.calls.part() < part
    }

    /// What goes wrong with one call.
    pub(super) fn draw(&mut self) -> Flaws {
        let mut draws = |part: f64| part > 0.0 && self.calls.part() < part;
        let bad = self.bad;
        let one_way = draws(bad.one_way);
        let mut flaws = Flaws {
            no_alerting: draws(bad.no_alerting),
            never_alerting: draws(bad.never_alerting),
            echo: draws(bad.echo),
            stuck: draws(bad.stuck),
            ..Flaws::default()
        };
        if draws(bad.wrong_cause) {
            let at = self.calls.between(0, WRONG_CAUSES.len() as u64 - 1) as usize;
            flaws.told = WRONG_CAUSES.get(at).copied();
        }
        if one_way {
            flaws.deaf = self.calls.between(0, 1) == 0;
            flaws.mute = !flaws.deaf;
        }
        flaws
    }

    /// From now on the box is not told of the end of this call, nor is its channel restarted.
    pub(super) fn gag(&mut self, reference: u16, slot: Option<u8>) {
        self.gagged.insert(reference);
        self.stuck.extend(slot);
    }

    /// The plug was pulled: whatever was stuck is no more.
    pub(super) fn forget(&mut self) {
        self.gagged.clear();
        self.stuck.clear();
    }

    /// A frame as the box is to get it: what would give a stuck channel back becomes another
    /// protocol's.
    pub(super) fn muffle(&self, frame: &mut [u8]) {
        if self.stuck.is_empty() && self.gagged.is_empty() {
            return;
        }
        let Some(Ok(decoded)) = layer_3(frame).map(wire::decode) else { return };
        let message = &decoded.message;
        let muffled = match message.reference {
            CallReference::Call { value, from_origin: false } => {
                use MessageType::{Disconnect, Release, ReleaseComplete};
                matches!(message.kind, Disconnect | Release | ReleaseComplete)
                    && self.gagged.contains(&value)
            }
            CallReference::Global { .. } => {
                use MessageType::{Restart, RestartAcknowledge};
                let slots = message.channel().map(|channel| channel.which.slots());
                matches!(message.kind, Restart | RestartAcknowledge)
                    && slots.is_some_and(|slots| slots.iter().any(|s| self.stuck.contains(s)))
            }
            CallReference::Call { from_origin: true, .. } | CallReference::Dummy => false,
        };
        if let Some(protocol) = frame.get_mut(4).filter(|_| muffled) {
            *protocol = ANOTHER_PROTOCOL;
        }
    }

    /// Whether layer 1 is in alarm by our own doing.
    pub(super) const fn is_alarmed(&self) -> bool {
        self.alarm.ends.is_some()
    }

    pub(super) fn take_link_down(&mut self, now: Tick, for_ms: u64) {
        self.link_down.ends = Some(now + for_ms);
    }

    pub(super) fn alarm(&mut self, now: Tick, for_ms: u64) {
        self.alarm.ends = Some(now + for_ms);
    }

    pub(super) fn next_timeout(&self) -> Option<Tick> {
        let Mischief { link_down, alarm, .. } = self;
        [link_down.begins, link_down.ends, alarm.begins, alarm.ends].into_iter().flatten().min()
    }

    /// What is due, one at a time.
    pub(super) fn handle_timeout(&mut self, now: Tick) -> Option<Turn> {
        let due = |at: &mut Tick| *at <= now;
        if self.alarm.ends.take_if(due).is_some() {
            self.alarm.begins = self.next(now, self.bad.alarm);
            return Some(Turn::AlarmOff);
        }
        if self.link_down.ends.take_if(due).is_some() {
            self.link_down.begins = self.next(now, self.bad.link_down);
        }
        if self.link_down.begins.take_if(due).is_some() {
            let for_ms = self.bad.link_down.for_ms;
            self.take_link_down(now, for_ms);
            return Some(Turn::LinkDown { for_ms });
        }
        if self.alarm.begins.take_if(due).is_some() {
            let for_ms = self.bad.alarm.for_ms;
            self.alarm(now, for_ms);
            return Some(Turn::AlarmOn { for_ms });
        }
        None
    }

    fn draws_frame(&mut self, part: f64) -> bool {
        part > 0.0 && self.frames.part() < part
    }

    fn next(&mut self, now: Tick, outage: Outage) -> Option<Tick> {
        let half = outage.every_ms / 2;
        (outage.every_ms > 0).then(|| now + self.times.between(half, outage.every_ms + half))
    }
}

/// What a numbered information frame carries (Q.921 §3.3.1: bit 1 of octet 3 is 0).
fn layer_3(frame: &[u8]) -> Option<&[u8]> {
    let control = frame.get(2)?;
    if control & 1 == 0 { frame.get(4..) } else { None }
}
