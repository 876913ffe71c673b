//! A whole D-channel whose far end says anything at any time.

use std::collections::BTreeSet;

use call::{Cause, LegPhase, Tick};
use signal::q921::{self, Link, Request, Role};
use signal::q931::dchannel::{
    CallId, CallSetup, ChannelState, ChannelWish, Config, DChannel, Output,
};
use signal::q931::wire::{MessageType, NumberType, Party, decode};

/// Outputs that one step may bring out, of both ends of the line together.
const OUTPUTS_A_STEP: usize = 4_096;

/// Timers that run out until every call has ended once layer 1 is gone.
const TIMERS_TO_THE_END: usize = 1_024;

/// Reads the octets as a play: each step is a kind, an argument, a length, and what the far end
/// says. Whatever it is: each call ends exactly once, nothing is told of a call that is not there,
/// no time slot has two calls, what goes out are messages without fault, and when layer 1 goes for
/// good every call ends.
///
/// # Panics
/// When it does not hold.
pub fn dchannel(octets: &[u8]) {
    if let Some((first, rest)) = octets.split_first() {
        play(Line::new(*first), rest);
    }
}

/// Returns what was reached on the way.
fn play(mut line: Line, mut rest: &[u8]) -> BTreeSet<LegPhase> {
    while let [kind, argument, length, behind @ ..] = rest {
        let (given, behind) = behind.split_at(behind.len().min(usize::from(*length)));
        rest = behind;
        line.step(*kind, *argument, given);
        line.pump();
        line.check();
    }
    line.end();
    line.phases
}

/// The D-channel, and a data link of the far end that works.
struct Line {
    now: Tick,
    near: DChannel,
    far: Link,
    live: BTreeSet<CallId>,
    phases: BTreeSet<LegPhase>,
}

impl Line {
    fn new(first: u8) -> Line {
        let now = Tick(1_000);
        let role = if first & 1 == 0 { Role::User } else { Role::Network };
        let config = Config {
            channels: vec![1, 2, 17],
            overlap: first & 2 != 0,
            restart_at_start: first & 4 != 0,
            ..Config::new(role)
        };
        let mut far = Link::new(role.other(), q921::Settings::default());
        far.handle_layer1(now, true);
        let near = DChannel::new(now, config);
        let (live, phases) = (BTreeSet::new(), BTreeSet::new());
        let mut line = Line { now, near, far, live, phases };
        line.pump();
        line
    }

    fn step(&mut self, kind: u8, argument: u8, given: &[u8]) {
        let (now, call) = (self.now, self.chosen(argument));
        let on = argument & 0x80 != 0;
        match kind % 16 {
            0 => self.far.handle_request(now, Request::Data(given.to_vec())),
            1..=3 => {
                let message = message(kind, argument, given);
                self.far.handle_request(now, Request::Data(message));
            }
            4 => self.near.handle_frame(now, given),
            5 => self.place(argument),
            6 => self.near.dial(now, call, "7", on),
            7 => self.near.proceed(now, call, on),
            8 => self.near.alert(now, call, on),
            9 => self.near.answer(now, call),
            10 => self.near.hang_up(now, call, Cause::NormalClearing),
            11 => self.near.disconnect_with_tone(now, call, Cause::UserBusy),
            12 => match argument % 5 {
                0 => self.near.enquire(now, call),
                1 => self.near.restart(now, on.then_some(17)),
                2 => self.near.block(now, 2, on),
                3 => self.near.progress(now, call, on),
                _ => self.near.handle_layer1(now, on),
            },
            13 => self.far.handle_request(now, Request::Release),
            _ => self.timeout(),
        }
    }

    fn chosen(&self, argument: u8) -> CallId {
        let place = usize::from(argument & 0x7F) % self.live.len().max(1);
        self.live.iter().nth(place).copied().unwrap_or(CallId(u64::from(argument)))
    }

    fn place(&mut self, argument: u8) {
        let channel = match argument % 4 {
            0 => ChannelWish::Exclusive(argument >> 3),
            1 => ChannelWish::Preferred(argument >> 3),
            _ => ChannelWish::Any,
        };
        let called = Some(Party::new(NumberType::Unknown, "100"));
        let complete = argument & 4 == 0;
        let setup = CallSetup { called, channel, complete, ..CallSetup::default() };
        if let Ok(call) = self.near.place(self.now, setup) {
            assert!(self.live.insert(call), "{call:?} is given twice");
        }
    }

    /// Time goes on to the next timer of either end.
    fn timeout(&mut self) {
        let near = self.near.next_timeout().map(|(at, _)| at);
        let far = self.far.next_timeout().map(|(at, _)| at);
        let Some(at) = near.into_iter().chain(far).min() else { return };
        self.now = self.now.max(at);
        self.near.handle_timeout(self.now);
        self.far.handle_timeout(self.now);
    }

    /// Carries frames until both ends are silent.
    fn pump(&mut self) {
        for _ in 0..OUTPUTS_A_STEP {
            if let Some(output) = self.near.poll() {
                self.hear(output);
            } else if let Some(output) = self.far.poll() {
                match output {
                    q921::Output::Send(frame) => self.near.handle_frame(self.now, &frame),
                    q921::Output::Data(message) => read(&message),
                    q921::Output::UnitData(_)
                    | q921::Output::Established(_)
                    | q921::Output::Released(_)
                    | q921::Output::Error(_)
                    | q921::Output::QueueFull
                    | q921::Output::NoLink
                    | q921::Output::TooLong => {}
                }
            } else {
                return;
            }
        }
        unreachable!("the line is not silent after {OUTPUTS_A_STEP} outputs");
    }

    fn hear(&mut self, output: Output) {
        match output {
            Output::Send(frame) => self.far.handle_frame(self.now, &frame),
            Output::Incoming { call, .. } => {
                assert!(self.live.insert(call), "{call:?} is given twice");
            }
            Output::Digits { call, .. } | Output::Display { call, .. } => {
                assert!(self.live.contains(&call), "{call:?} is not there");
            }
            Output::Phase { call, phase, cause, .. } => {
                assert!(self.live.contains(&call), "{call:?} is not there: {phase:?}");
                self.phases.insert(phase);
                if phase == LegPhase::Ended {
                    assert!(cause.is_some(), "{call:?} ended without a cause");
                    self.live.remove(&call);
                }
            }
            Output::Link { .. }
            | Output::Channel { .. }
            | Output::Error(_)
            | Output::Counted(_) => {}
        }
    }

    fn check(&self) {
        let picture = self.near.snapshot();
        let calls: BTreeSet<CallId> = picture.calls.iter().map(|call| call.call).collect();
        assert_eq!(calls, self.live, "what was told and what is");
        let mut slots = BTreeSet::new();
        for call in &picture.calls {
            assert!(call.channel.is_none_or(|slot| slots.insert(slot)), "{:?}", picture.calls);
        }
        for (slot, state) in &picture.channels {
            if let ChannelState::Taken(call) = state {
                let holder = picture.calls.iter().find(|held| held.call == *call);
                assert_eq!(holder.and_then(|held| held.channel), Some(*slot), "{call:?}");
            }
        }
    }

    /// Layer 1 goes and does not come back.
    fn end(&mut self) {
        self.near.handle_layer1(self.now, false);
        self.pump();
        for _ in 0..TIMERS_TO_THE_END {
            self.check();
            let Some((at, _)) = self.near.next_timeout() else { break };
            self.now = self.now.max(at);
            self.near.handle_timeout(self.now);
            self.pump();
        }
        assert!(self.live.is_empty(), "no timer runs and {:?} are still there", self.live);
    }
}

/// Every message that goes out is one.
fn read(message: &[u8]) {
    let decoded = decode(message);
    assert!(decoded.as_ref().is_ok_and(|read| read.faults.is_empty()), "{decoded:?}");
}

/// A message of the far end: `argument` says whose and which call's, `given` begins with the type;
/// a SETUP gets what it must have in front.
fn message(kind: u8, argument: u8, given: &[u8]) -> Vec<u8> {
    let (which, elements) = given.split_first().unwrap_or((&0, &[]));
    let known = MessageType::KNOWN;
    let kind_of = known.get(usize::from(*which) % known.len()).map_or(0, |kind| kind.code());
    let flag = argument & 0x80;
    let mut message = vec![0x08, 2, flag, argument & 0x03, kind_of];
    if kind_of == MessageType::Setup.code() && kind.is_multiple_of(2) {
        message.extend([
            0x04,
            3,
            0x80,
            0x90,
            0xA3,
            0x18,
            3,
            0xA1,
            0x83,
            0x80 | argument >> 2 & 0x1F,
        ]);
    }
    message.extend_from_slice(elements);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_reaches_every_phase_of_a_call_on_both_sides() {
        let mut reached = [BTreeSet::new(), BTreeSet::new()];
        for octets in crate::replay::corpus("dchannel") {
            let Some((first, rest)) = octets.split_first() else { continue };
            reached[usize::from(first & 1)].extend(play(Line::new(*first), rest));
        }
        use LegPhase::{Alerting, Answered, Ended, Proceeding, Releasing};
        for side in reached {
            for phase in [Proceeding, Alerting, Answered, Releasing, Ended] {
                assert!(side.contains(&phase), "{phase:?} is never reached: {side:?}");
            }
        }
    }
}
