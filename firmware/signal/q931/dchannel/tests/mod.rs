//! Conversations. A `Desk` is one D-channel whose far end is a data link with a hand on it; a `Pair`
//! is a user and a network back to back, over a wire that may be bad.

// Here only the outputs asked for matter; the rest is kept for the failure message.
#![allow(clippy::wildcard_enum_match_arm)]

mod called;
mod calling;
mod channels;
mod clearing;
mod errors;
mod flows;
mod garbage;
mod link;
mod pair;
mod storm;
mod table;

use call::{Cause, LegPhase, Side, Tick};

use super::*;
use crate::q921::Role;
use crate::q931::call::cause_of;
use crate::q931::wire::{
    self, BearerCapability, CallReference, ChannelIdentification, Decoded, Digits, Element,
    MessageType, NumberType, Party, ProgressIndicator,
};

/// One D-channel under test.
struct Desk {
    now: Tick,
    us: DChannel,
    peer: Link,
    /// What we have said since it was last asked for.
    said: Vec<Decoded>,
    /// What we have told our owner since it was last asked for.
    facts: Vec<Output>,
}

impl Desk {
    fn new(role: Role, change: impl FnOnce(&mut Config)) -> Desk {
        let mut config = Config::new(role);
        config.channels = vec![1, 2, 3];
        change(&mut config);
        let now = Tick(1_000);
        let peer = Link::new(role.other(), config.link);
        let us = DChannel::new(now, config);
        let mut desk = Desk { now, us, peer, said: Vec::new(), facts: Vec::new() };
        desk.pump();
        assert!(desk.facts.contains(&Output::Link { up: true }), "{:?}", desk.facts);
        desk.facts.clear();
        desk
    }

    fn user() -> Desk {
        Desk::new(Role::User, |_| {})
    }

    fn network() -> Desk {
        Desk::new(Role::Network, |_| {})
    }

    /// Carries frames to and fro until nobody has any.
    fn pump(&mut self) {
        loop {
            if let Some(output) = self.us.poll() {
                match output {
                    Output::Send(frame) => self.peer.handle_frame(self.now, &frame),
                    fact => self.facts.push(fact),
                }
            } else if let Some(output) = self.peer.poll() {
                match output {
                    q921::Output::Send(frame) => self.us.handle_frame(self.now, &frame),
                    q921::Output::Data(bytes) => self.said.push(wire::decode(&bytes).unwrap()),
                    _ => {}
                }
            } else {
                return;
            }
        }
    }

    /// Lets `ms` milliseconds pass.
    fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            let ours = self.us.next_timeout().map(|(at, _)| at);
            let peers = self.peer.next_timeout().map(|(at, _)| at);
            let next = [ours, peers].into_iter().flatten().min().filter(|at| *at <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            self.us.handle_timeout(self.now);
            self.peer.handle_timeout(self.now);
            self.pump();
        }
        self.now = end;
    }

    /// The owner does something.
    fn act<T>(&mut self, act: impl FnOnce(&mut DChannel, Tick) -> T) -> T {
        let done = act(&mut self.us, self.now);
        self.pump();
        done
    }

    fn place(&mut self, setup: CallSetup) -> CallId {
        self.act(|us, now| us.place(now, setup)).unwrap()
    }

    /// The far end says something.
    fn hear(&mut self, message: Message) {
        self.hear_bytes(message.to_bytes());
    }

    fn hear_bytes(&mut self, bytes: Vec<u8>) {
        self.peer.handle_request(self.now, Request::Data(bytes));
        self.pump();
    }

    /// The far end answers call 1 of ours.
    fn answers(&mut self, kind: MessageType, elements: &[Element]) {
        self.hear(Message { elements: elements.to_vec(), ..Message::new(theirs(1), kind) });
    }

    /// The far end says something about call 7 of its own.
    fn calls(&mut self, kind: MessageType, elements: &[Element]) {
        self.hear(Message { elements: elements.to_vec(), ..Message::new(ours(7), kind) });
    }

    /// What we have said, one line a message.
    fn said(&mut self) -> Vec<String> {
        let said = std::mem::take(&mut self.said);
        said.iter().map(|decoded| wire::show(decoded, Digits::Plain).join(" | ")).collect()
    }

    /// What we have said, without elements.
    fn kinds(&mut self) -> Vec<MessageType> {
        std::mem::take(&mut self.said).iter().map(|decoded| decoded.message.kind).collect()
    }

    /// What we have told our owner, but for counts and pictures.
    fn told(&mut self) -> Vec<Output> {
        let facts = std::mem::take(&mut self.facts).into_iter();
        let told = |fact: &Output| !matches!(fact, Output::Counted(_) | Output::Channel { .. });
        facts.filter(told).collect()
    }

    /// The end of a call, which must have been told once.
    fn ended(&mut self) -> (Cause, Side) {
        let ends: Vec<(Cause, Side)> = self.told().iter().filter_map(end_of).collect();
        assert_eq!(ends.len(), 1, "{ends:?}");
        ends[0]
    }

    fn counted(&self, what: Counted) -> u64 {
        self.us.snapshot().counts.get(&what).copied().unwrap_or_default()
    }

    /// The states of all calls, by their numbers.
    fn states(&self) -> Vec<u8> {
        self.us.snapshot().calls.iter().map(|call| call.state.number()).collect()
    }

    fn state_of(&self, slot: u8) -> ChannelState {
        let channels = self.us.snapshot().channels;
        channels.iter().find(|(channel, _)| *channel == slot).unwrap().1
    }

    /// A call of ours in state 10.
    fn talking(role: Role) -> (Desk, CallId) {
        let mut desk = Desk::new(role, |_| {});
        let call = desk.place(to("13800138000"));
        desk.answers(MessageType::Connect, &[channel(if role == Role::User { 3 } else { 1 })]);
        assert_eq!(desk.states(), [10]);
        desk.said();
        desk.told();
        (desk, call)
    }

    /// Whether nothing is left: no call, no timer but the link's, every channel idle.
    fn is_clean(&self) -> bool {
        let snapshot = self.us.snapshot();
        snapshot.calls.is_empty()
            && snapshot.channels.iter().all(|(_, state)| *state == ChannelState::Idle)
            && self.us.next_timeout().is_none_or(|(_, timer)| timer == Timer::Link)
    }
}

fn end_of(output: &Output) -> Option<(Cause, Side)> {
    match output {
        Output::Phase { phase: LegPhase::Ended, cause, by, .. } => {
            Some((cause.unwrap(), by.unwrap()))
        }
        _ => None,
    }
}

/// A phase as it is told, without an end.
fn phase(call: CallId, phase: LegPhase, channel: Option<u8>, inband: bool) -> Output {
    Output::Phase { call, phase, cause: None, by: None, channel, inband }
}

/// A call to a whole number.
fn to(number: &str) -> CallSetup {
    CallSetup {
        called: Some(Party::new(NumberType::Unknown, number)),
        calling: Some(Party::new(NumberType::National, "1060001234")),
        complete: true,
        ..CallSetup::default()
    }
}

/// The call reference of a message from the side that began call `value`.
fn ours(value: u16) -> CallReference {
    CallReference::Call { value, from_origin: true }
}

/// The call reference of a message to the side that began call `value`.
fn theirs(value: u16) -> CallReference {
    CallReference::Call { value, from_origin: false }
}

fn channel(slot: u8) -> Element {
    Element::ChannelIdentification(ChannelIdentification::slot(slot, true))
}

fn cause(value: u8) -> Element {
    cause_of(Role::Network, value, Vec::new())
}

fn tones() -> Element {
    let location = wire::Location::PublicLocal;
    Element::ProgressIndicator(ProgressIndicator::new(location, ProgressIndicator::IN_BAND))
}

/// The elements of a SETUP from the far end, to a whole number, on this channel.
fn setup_on(slot: u8, exclusive: bool) -> Vec<Element> {
    vec![
        Element::BearerCapability(BearerCapability::audio()),
        Element::ChannelIdentification(ChannelIdentification::slot(slot, exclusive)),
        Element::CalledParty(Party::new(NumberType::Subscriber, "60001234")),
        Element::SendingComplete,
    ]
}

/// The only call that has come in.
fn incoming(told: &[Output]) -> CallId {
    let came: Vec<CallId> = told
        .iter()
        .filter_map(|output| match output {
            Output::Incoming { call, .. } => Some(*call),
            _ => None,
        })
        .collect();
    assert_eq!(came.len(), 1, "{told:?}");
    came[0]
}
