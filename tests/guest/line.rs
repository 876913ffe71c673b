//! Our end of a span: the driver's three parts under `signal`'s D-channel.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use board_linux::Parts;
use board_port::{FrameChannel, LONGEST_FRAME, Span, SpanStatus};
use call::{LegPhase, Tick};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal::q921::Role;
use signal::q931::dchannel::{CallId, CallSetup, Config, DChannel, Output};
use signal::q931::wire::{NumberType, Party};

use crate::far::Exchange;
use crate::sound::Sound;

/// How often layer 1 is asked.
const STATUS_EVERY: Duration = Duration::from_millis(50);
/// For what takes milliseconds on a machine that is no emulation and has no other work.
pub const SOON: Duration = Duration::from_secs(40);

/// One span at work.
pub struct Line {
    frames: Box<dyn FrameChannel>,
    /// Alarms and the rest.
    pub span: Box<dyn Span>,
    /// The sound thread.
    pub sound: Sound,
    /// Calls.
    pub calls: DChannel,
    /// Layer 1 when last asked.
    pub status: SpanStatus,
    asked: Instant,
    began: Instant,
    facts: VecDeque<Output>,
}

impl Line {
    /// Puts an open span to work.
    pub fn new(mut parts: Parts, role: Role) -> Line {
        let status = parts.span.status().unwrap();
        assert!(status.alarms.clear(), "{status:?}");
        let began = Instant::now();
        Line {
            frames: parts.frames,
            span: parts.span,
            sound: Sound::start(parts.bearers),
            calls: DChannel::new(Tick(0), Config::new(role)),
            status,
            asked: began,
            began,
            facts: VecDeque::new(),
        }
    }

    /// Milliseconds since it began to work.
    pub fn now(&self) -> Tick {
        Tick(self.began.elapsed().as_millis() as u64)
    }

    /// Works, and comes back after something or 20 ms.
    pub fn turn(&mut self) {
        self.hand_over();
        let mut fds = [PollFd::new(self.frames.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(20u8)).unwrap();
        let mut frame = [0; LONGEST_FRAME];
        while let Some(length) = self.frames.receive(&mut frame).unwrap() {
            self.calls.handle_frame(self.now(), &frame[..length]);
            self.hand_over();
        }
        let now = self.now();
        if self.calls.next_timeout().is_some_and(|(at, _)| at <= now) {
            self.calls.handle_timeout(now);
        }
        if self.asked.elapsed() >= STATUS_EVERY {
            self.look_at_layer1();
        }
        self.hand_over();
    }

    fn look_at_layer1(&mut self) {
        self.asked = Instant::now();
        let before = self.status.alarms;
        self.status = self.span.status().unwrap();
        let after = self.status.alarms;
        if before != after {
            println!("    layer 1 at {:?}: {after:?}", self.now());
        }
        if before.clear() != after.clear() {
            self.calls.handle_layer1(self.now(), after.clear());
        }
    }

    fn hand_over(&mut self) {
        while let Some(output) = self.calls.poll() {
            if let Output::Send(frame) = output {
                self.frames.send(&frame).unwrap();
            } else {
                println!("    ours {output:?}");
                self.facts.push_back(output);
            }
        }
    }

    /// Works until the D-channel tells what is looked for, and returns what `wanted` makes of it.
    pub fn wait<T>(&mut self, what: &str, wanted: impl Fn(&Output) -> Option<T>) -> T {
        let until = Instant::now() + SOON;
        loop {
            let at = self.facts.iter().position(|fact| wanted(fact).is_some());
            if let Some(fact) = at.and_then(|at| self.facts.remove(at)) {
                return wanted(&fact).unwrap();
            }
            assert!(
                Instant::now() < until,
                "no {what}; {:?} {:?}",
                self.status,
                self.calls.snapshot()
            );
            self.turn();
        }
    }

    /// Works for a while.
    pub fn work(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.turn();
        }
    }

    /// Works until both ends say that the D-channel is up.
    pub fn wait_for_link(&mut self, exchange: &mut Exchange) {
        let up = |fact: &Output| matches!(fact, Output::Link { up: true }).then_some(());
        self.wait("link", up);
        self.exchange_tells(exchange, "up");
    }

    /// Works until the far end tells this, and returns the rest that it told.
    pub fn exchange_tells(&mut self, exchange: &mut Exchange, name: &str) -> serde_json::Value {
        let until = Instant::now() + SOON;
        loop {
            if let Some(event) = exchange.wait(name, Duration::ZERO) {
                return event.fields;
            }
            assert!(Instant::now() < until, "libpri says no {name}");
            self.turn();
        }
    }

    /// Calls a number of the far end.
    pub fn call(&mut self, number: &str) -> CallId {
        let called = Some(Party::new(NumberType::Unknown, number));
        let setup = CallSetup { called, complete: true, ..CallSetup::default() };
        let call = self.calls.place(self.now(), setup);
        call.unwrap_or_else(|error| panic!("no call: {error}"))
    }

    /// Works until a call is answered, and returns its slot.
    pub fn answered(&mut self, wanted: CallId) -> u8 {
        self.wait("answer", |fact| match fact {
            Output::Phase { call, phase: LegPhase::Answered, channel, .. } if *call == wanted => {
                Some(channel.expect("an answered call has a channel"))
            }
            _ => None,
        })
    }

    /// Works until a call has ended, and returns its cause (Q.850) and whether the far end ended it.
    pub fn ended(&mut self, wanted: CallId) -> (call::Cause, bool) {
        self.wait("end", |fact| match fact {
            Output::Phase { call, phase: LegPhase::Ended, cause, by, .. } if *call == wanted => {
                Some((cause.expect("an end has a cause"), *by == Some(call::Side::Far)))
            }
            _ => None,
        })
    }
}
