//! Q.921 and Q.931: what a message costs the two machines that exchange it, beside reading it.
//!
//! Two D-channels, user and network, lie back to back in memory and make calls: placed, alerted,
//! answered, cleared, thirty at a time, with every acknowledgement of the data link. A message of
//! this bench is one that one side has written and numbered and the other has checked, read and
//! acted upon. The floor reads the same octets of Q.931 once more and does nothing about them.

use std::hint::black_box;
use std::time::Duration;

use call::{Cause, LegPhase, Tick};
use nix::time::{ClockId, clock_gettime};
use signal::q921::{Frame, Role};
use signal::q931::dchannel::{CallId, CallSetup, Config, DChannel, Output};
use signal::q931::wire::{NumberType, Party, decode};

use crate::broken::{Broken, Doing};

/// Calls at once: the channels of a span.
const AT_ONCE: usize = 30;

/// Rounds of calls that are made before anything is counted.
const WARM_UP: usize = 20;

/// Longest frame looked at, octets (N201 of the default settings and a header).
const INFORMATION_MAX: usize = 260;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    /// Calls made and cleared.
    pub calls: usize,
    /// Q.931 messages exchanged.
    pub messages: usize,
    /// CPU of both machines for one of them, ns.
    pub machine_ns: f64,
    /// CPU of reading one of them, ns.
    pub read_ns: f64,
}

impl Messages {
    /// Messages a second that one core exchanges, both sides on it.
    pub fn per_core(&self) -> f64 {
        1e9 / self.machine_ns
    }

    /// Machines divided by reading.
    pub fn ratio(&self) -> f64 {
        self.machine_ns / self.read_ns
    }
}

/// Makes `rounds` times thirty calls.
pub fn measure(rounds: usize) -> Result<Messages, Broken> {
    let mut bench = Bench::new();
    bench.settle();
    for _ in 0..WARM_UP {
        bench.round()?;
    }
    bench.frames.clear();
    let before = cpu()?;
    for _ in 0..rounds {
        bench.round()?;
    }
    let machine = cpu()? - before;
    let messages: Vec<&[u8]> =
        bench.frames.iter().filter_map(|(sender, frame)| message_of(*sender, frame)).collect();
    let before = cpu()?;
    for message in &messages {
        let read = decode(message).map_err(|e| broken(&format!("{e}")))?;
        black_box(&read);
    }
    let read = cpu()? - before;
    let each = |time: Duration| time.as_nanos() as f64 / messages.len().max(1) as f64;
    Ok(Messages {
        calls: rounds * AT_ONCE,
        messages: messages.len(),
        machine_ns: each(machine),
        read_ns: each(read),
    })
}

/// The Q.931 message in a frame, if it carries one.
fn message_of(sender: Role, frame: &[u8]) -> Option<&[u8]> {
    match Frame::decode(frame, sender, INFORMATION_MAX).ok()? {
        Frame::I { info, .. } => Some(info),
        Frame::Rr(_)
        | Frame::Rnr(_)
        | Frame::Rej(_)
        | Frame::Sabme { .. }
        | Frame::Dm { .. }
        | Frame::Ui { .. }
        | Frame::Disc { .. }
        | Frame::Ua { .. }
        | Frame::Frmr { .. }
        | Frame::Xid { .. } => None,
    }
}

struct Side {
    role: Role,
    machine: DChannel,
    answered: usize,
    ended: usize,
}

struct Bench {
    now: Tick,
    sides: [Side; 2],
    /// Everything that crossed, with its sender.
    frames: Vec<(Role, Vec<u8>)>,
}

impl Bench {
    fn new() -> Bench {
        let now = Tick(0);
        let side = |role| {
            let mut machine = DChannel::new(now, Config::new(role));
            machine.handle_layer1(now, true);
            Side { role, machine, answered: 0, ended: 0 }
        };
        Bench { now, sides: [side(Role::User), side(Role::Network)], frames: Vec::new() }
    }

    /// One batch of calls from the first ring to the last release.
    fn round(&mut self) -> Result<(), Broken> {
        let mut calls: Vec<CallId> = Vec::with_capacity(AT_ONCE);
        for _ in 0..AT_ONCE {
            let placed = self.sides[0].machine.place(self.now, setup());
            calls.push(placed.map_err(|e| broken(&format!("a call was refused: {e}")))?);
        }
        self.settle();
        if self.sides[0].answered != AT_ONCE {
            return Err(broken(&format!("{} calls were answered", self.sides[0].answered)));
        }
        for call in calls {
            self.sides[0].machine.hang_up(self.now, call, Cause::NormalClearing);
        }
        self.settle();
        let ended = [self.sides[0].ended, self.sides[1].ended];
        if ended != [AT_ONCE; 2] {
            return Err(broken(&format!("{ended:?} calls have ended")));
        }
        for side in &mut self.sides {
            (side.answered, side.ended) = (0, 0);
        }
        Ok(())
    }

    /// Carries frames over until neither side has anything to say.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            self.now = Tick(self.now.0 + 1);
            for from in [0, 1] {
                let (one, other) = self.sides.split_at_mut(1);
                let (Some(one), Some(other)) = (one.first_mut(), other.first_mut()) else { return };
                let (side, far) = if from == 0 { (one, other) } else { (other, one) };
                if side.machine.next_timeout().is_some_and(|(at, _)| at <= self.now) {
                    side.machine.handle_timeout(self.now);
                }
                while let Some(output) = side.machine.poll() {
                    moved = true;
                    if let Some(frame) = side.act(self.now, output) {
                        far.machine.handle_frame(self.now, &frame);
                        self.frames.push((side.role, frame));
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }
}

impl Side {
    /// Does what the owner of a D-channel does; a frame is to be carried over.
    fn act(&mut self, now: Tick, output: Output) -> Option<Vec<u8>> {
        match output {
            Output::Send(frame) => return Some(frame),
            Output::Incoming { call, .. } => {
                self.machine.alert(now, call, false);
                self.machine.answer(now, call);
            }
            Output::Phase { phase: LegPhase::Answered, .. } => self.answered += 1,
            Output::Phase { phase: LegPhase::Ended, .. } => self.ended += 1,
            Output::Phase { .. }
            | Output::Link { .. }
            | Output::Digits { .. }
            | Output::Channel { .. }
            | Output::Display { .. }
            | Output::Error(_)
            | Output::Counted(_) => {}
        }
        None
    }
}

fn setup() -> CallSetup {
    CallSetup {
        called: Some(Party::new(NumberType::National, "01062001234")),
        calling: Some(Party::new(NumberType::National, "02187654321")),
        complete: true,
        ..CallSetup::default()
    }
}

/// CPU time of this thread.
fn cpu() -> Result<Duration, Broken> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).doing("reading our clock")
}

fn broken(what: &str) -> Broken {
    Broken::Child { child: "D-channel", what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_calls_are_made_and_cleared_with_at_least_six_messages_each() {
        let found = measure(2).unwrap();
        // SETUP, CALL PROCEEDING or ALERTING, CONNECT, its acknowledgement, and three to clear.
        assert!(found.messages >= 60 * 6, "{found:?}");
        assert!(found.machine_ns > 0.0 && found.read_ns > 0.0);
    }
}
