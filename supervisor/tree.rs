//! One process as a table: its state and an event give the next state and what to do.
//!
//! ```text
//!          Start           Turn: spawn            Ready
//!    Down ───────► Queued ────────────► Starting ───────► Up ◄─┐ Beat: the watchdog anew
//!     ▲                                  ▲  │  │          │ │──┘
//!     │ Died                     Timeout │  │  │ Died     │ │
//!     │                           spawn  │  │  └────┐ Died│ │ Timeout (silence): abort
//!     │                                  │  │       ▼     │ │
//!  Stopping ◄─ Stop, from every state    └──┼─── Backoff ◄┘ │
//!              with a copy:                 │       ▲       │
//!              terminate, then kill         │       │ Died  │
//!                                   Timeout └──► Aborting ◄─┘
//!                                     abort      then kill
//! ```
//!
//! `Refused` is the end of a process whose settings cannot work; it takes the whole tree down.
//!
//! Forbidden by default: an event that has no meaning in a state is `Odd`, by name. Never here: a
//! clock, a process id, a wait. Readiness is one newline on a descriptor, as in s6; every byte
//! after it is a sign of life.

/// What one process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing runs and nothing is wanted.
    Down,
    /// Wanted; waits until those before it have started.
    Queued,
    /// A copy runs and has not said that it is ready.
    Starting,
    /// A copy runs and has said so.
    Up,
    /// A copy was silent too long and has been told to die; another is wanted.
    Aborting,
    /// A copy has been told to end; no other is wanted.
    Stopping,
    /// No copy runs; the next starts after a delay.
    Backoff,
    /// No copy runs, and none will: its settings cannot work.
    Refused,
}

impl State {
    /// Every state, for tests and tables.
    pub const ALL: [State; 8] = [
        State::Down,
        State::Queued,
        State::Starting,
        State::Up,
        State::Aborting,
        State::Stopping,
        State::Backoff,
        State::Refused,
    ];

    /// True while a copy of the process exists.
    pub fn has_process(self) -> bool {
        match self {
            State::Starting | State::Up | State::Aborting | State::Stopping => true,
            State::Down | State::Queued | State::Backoff | State::Refused => false,
        }
    }

    /// The word that people and the health page read.
    pub fn name(self) -> &'static str {
        match self {
            State::Down => "down",
            State::Queued => "queued",
            State::Starting => "starting",
            State::Up => "up",
            State::Aborting => "aborting",
            State::Stopping => "stopping",
            State::Backoff => "backoff",
            State::Refused => "refused",
        }
    }
}

/// What can happen to one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is wanted.
    Start,
    /// Those before it have started.
    Turn,
    /// The first newline on its readiness descriptor.
    Ready,
    /// A later byte there: it lives.
    Beat,
    /// It ended, or could not be started, in a way that a restart may cure.
    Died,
    /// It ended, or could not be started, in a way that a restart will not cure.
    Refused,
    /// The one timer that its state has set.
    Timeout,
    /// It is no longer wanted.
    Stop,
}

impl Event {
    /// Every event, for tests and tables.
    pub const ALL: [Event; 8] = [
        Event::Start,
        Event::Turn,
        Event::Ready,
        Event::Beat,
        Event::Died,
        Event::Refused,
        Event::Timeout,
        Event::Stop,
    ];
}

/// Why the next wake-up of a process exists. A state has at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// `Starting`: readiness is overdue.
    Ready,
    /// `Up`: no sign of life for the time that the model allows; not set if it allows any.
    Watchdog,
    /// `Aborting` and `Stopping`: it did not die of what it was sent, so it is killed.
    Grace,
    /// `Backoff`: the next copy is due.
    Delay,
}

/// What the table asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Start a copy.
    Spawn,
    /// Send SIGTERM: end in order.
    Term,
    /// Send SIGABRT: a hung copy leaves a core for whoever looks.
    Abort,
    /// Send SIGKILL.
    Kill,
    /// Set the timer, replacing the one that was set.
    Arm(Timer),
    /// Clear the timer.
    Disarm,
    /// Take the whole tree down.
    Halt,
    /// This event has no meaning here; it is told with both names and dropped.
    Odd,
}

/// The whole policy of one process: what it does next on each event in each state.
#[rustfmt::skip]
pub fn step(state: State, event: Event) -> (State, &'static [Act]) {
    use Act::{Abort, Arm, Disarm, Halt, Kill, Odd, Spawn, Term};
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Down, E::Start)         => (S::Queued, &[]),
        (S::Down, E::Stop)          => (S::Down, &[]),
        (S::Down, E::Turn | E::Ready | E::Beat | E::Died | E::Refused | E::Timeout)
                                    => (S::Down, &[Odd]),

        (S::Queued, E::Turn)        => (S::Starting, &[Spawn, Arm(Timer::Ready)]),
        (S::Queued, E::Stop)        => (S::Down, &[]),
        (S::Queued, E::Start)       => (S::Queued, &[]),
        (S::Queued, E::Ready | E::Beat | E::Died | E::Refused | E::Timeout)
                                    => (S::Queued, &[Odd]),

        (S::Starting, E::Ready)     => (S::Up, &[Arm(Timer::Watchdog)]),
        (S::Starting, E::Died)      => (S::Backoff, &[Arm(Timer::Delay)]),
        (S::Starting, E::Refused)   => (S::Refused, &[Disarm, Halt]),
        (S::Starting, E::Timeout)   => (S::Aborting, &[Abort, Arm(Timer::Grace)]),
        (S::Starting, E::Stop)      => (S::Stopping, &[Term, Arm(Timer::Grace)]),
        (S::Starting, E::Start)     => (S::Starting, &[]),
        (S::Starting, E::Turn | E::Beat)
                                    => (S::Starting, &[Odd]),

        (S::Up, E::Beat)            => (S::Up, &[Arm(Timer::Watchdog)]),
        (S::Up, E::Died)            => (S::Backoff, &[Arm(Timer::Delay)]),
        (S::Up, E::Refused)         => (S::Refused, &[Disarm, Halt]),
        (S::Up, E::Timeout)         => (S::Aborting, &[Abort, Arm(Timer::Grace)]),
        (S::Up, E::Stop)            => (S::Stopping, &[Term, Arm(Timer::Grace)]),
        (S::Up, E::Start)           => (S::Up, &[]),
        (S::Up, E::Turn | E::Ready) => (S::Up, &[Odd]),

        // What it says while it dies comes too late to matter.
        (S::Aborting, E::Ready | E::Beat | E::Start)
                                    => (S::Aborting, &[]),
        (S::Aborting, E::Died | E::Refused)
                                    => (S::Backoff, &[Arm(Timer::Delay)]),
        (S::Aborting, E::Timeout)   => (S::Aborting, &[Kill, Arm(Timer::Grace)]),
        // Its abort is under way; the grace that runs will kill it.
        (S::Aborting, E::Stop)      => (S::Stopping, &[]),
        (S::Aborting, E::Turn)      => (S::Aborting, &[Odd]),

        (S::Stopping, E::Ready | E::Beat | E::Stop)
                                    => (S::Stopping, &[]),
        (S::Stopping, E::Died | E::Refused)
                                    => (S::Down, &[Disarm]),
        (S::Stopping, E::Timeout)   => (S::Stopping, &[Kill, Arm(Timer::Grace)]),
        (S::Stopping, E::Start | E::Turn)
                                    => (S::Stopping, &[Odd]),

        (S::Backoff, E::Timeout)    => (S::Starting, &[Spawn, Arm(Timer::Ready)]),
        (S::Backoff, E::Stop)       => (S::Down, &[Disarm]),
        (S::Backoff, E::Start)      => (S::Backoff, &[]),
        (S::Backoff, E::Turn | E::Ready | E::Beat | E::Died | E::Refused)
                                    => (S::Backoff, &[Odd]),

        (S::Refused, E::Stop)       => (S::Down, &[]),
        (S::Refused, E::Start)      => (S::Refused, &[]),
        (S::Refused, E::Turn | E::Ready | E::Beat | E::Died | E::Refused | E::Timeout)
                                    => (S::Refused, &[Odd]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_spawns_only_where_no_copy_exists_and_signals_only_where_one_does() {
        for state in State::ALL {
            for event in Event::ALL {
                let (next, acts) = step(state, event);
                let spawns = acts.contains(&Act::Spawn);
                let signals = acts.iter().any(|a| matches!(a, Act::Term | Act::Abort | Act::Kill));
                let ends = matches!(event, Event::Died | Event::Refused);
                assert!(!(spawns && state.has_process()), "{state:?} {event:?}");
                assert!(!signals || state.has_process(), "{state:?} {event:?}");
                if spawns {
                    assert!(next.has_process(), "{state:?} {event:?} forgets its copy");
                } else if state.has_process() {
                    assert_eq!(next.has_process(), !ends, "{state:?} {event:?}");
                } else {
                    assert!(!next.has_process(), "{state:?} {event:?} invents a copy");
                }
                assert!(!(acts.contains(&Act::Odd) && next != state), "{state:?} {event:?}");
            }
        }
    }
}
