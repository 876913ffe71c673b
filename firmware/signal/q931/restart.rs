//! RESTART of channels that this side asks for (Q.931 §5.5.1): one at a time, repeated, given up.
//!
//! ```text
//!  Rest 0 ──RESTART──► Rest 1 ──RESTART ACKNOWLEDGE──► Rest 0, channels idle
//!                        │ T316: RESTART again; at the last: channels out of service
//! ```
//!
//! The answering side (§5.5.2) needs no machine: its calls are cleared in the same turn.

use std::collections::BTreeSet;

use call::Tick;

use crate::limits::RESTART_TRIES;

/// What a restart is for. All channels come first: they make single ones needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Every channel of the interface.
    Interface,
    /// One time slot.
    Slot(u8),
}

/// What the restart procedure asks of its D-channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send RESTART for this.
    Send(Scope),
    /// It was acknowledged.
    Done(Scope),
    /// It never was.
    Unanswered(Scope),
}

/// The call state of the global call reference (§4.5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Rest 0.
    Null = 0,
    /// Rest 1.
    RestartRequest = 61,
}

/// The restarts of one D-channel. At most one waits for each time slot.
#[derive(Clone, Debug, Default)]
pub struct Restart {
    running: Option<(Scope, u32, Tick)>,
    waiting: BTreeSet<Scope>,
    out: Vec<Output>,
}

impl Restart {
    /// Restarts this, at once or when the one before is done.
    pub fn request(&mut self, now: Tick, scope: Scope, t316_ms: u64) {
        if scope == Scope::Interface {
            self.waiting.clear();
        }
        self.waiting.insert(scope);
        self.next(now, t316_ms);
    }

    /// RESTART ACKNOWLEDGE has come. Returns whether one was awaited.
    pub fn handle_acknowledge(&mut self, now: Tick, t316_ms: u64) -> bool {
        let Some((scope, ..)) = self.running.take() else { return false };
        self.out.push(Output::Done(scope));
        self.next(now, t316_ms);
        true
    }

    /// The data link came back: what was asked may be lost, so it is asked again.
    pub fn handle_link_up(&mut self, now: Tick, t316_ms: u64) {
        if let Some((scope, _, at)) = &mut self.running {
            *at = now + t316_ms;
            self.out.push(Output::Send(*scope));
        }
    }

    /// Fires T316 when it is due.
    pub fn handle_timeout(&mut self, now: Tick, t316_ms: u64) {
        let Some((scope, tries, at)) = &mut self.running else { return };
        if *at > now {
            return;
        }
        if *tries < RESTART_TRIES {
            *tries += 1;
            *at = now + t316_ms;
            return self.out.push(Output::Send(*scope));
        }
        let scope = *scope;
        self.running = None;
        self.out.push(Output::Unanswered(scope));
        self.next(now, t316_ms);
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        if self.out.is_empty() { None } else { Some(self.out.remove(0)) }
    }

    /// When `handle_timeout` is wanted.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        self.running.map(|(_, _, at)| at)
    }

    /// The state of the global call reference.
    #[must_use]
    pub const fn state(&self) -> State {
        if self.running.is_some() { State::RestartRequest } else { State::Null }
    }

    fn next(&mut self, now: Tick, t316_ms: u64) {
        if self.running.is_some() {
            return;
        }
        let Some(scope) = self.waiting.pop_first() else { return };
        self.running = Some((scope, 1, now + t316_ms));
        self.out.push(Output::Send(scope));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_repeated_and_given_up() {
        let mut restart = Restart::default();
        let (now, t316) = (Tick(0), 100);
        restart.request(now, Scope::Slot(3), t316);
        restart.request(now, Scope::Slot(4), t316);
        restart.request(now, Scope::Slot(4), t316);
        assert_eq!(restart.poll(), Some(Output::Send(Scope::Slot(3))));
        assert_eq!((restart.poll(), restart.state()), (None, State::RestartRequest));
        restart.handle_timeout(Tick(99), t316);
        assert_eq!(restart.poll(), None);
        restart.handle_timeout(Tick(100), t316);
        assert_eq!(restart.poll(), Some(Output::Send(Scope::Slot(3))));
        restart.handle_timeout(Tick(200), t316);
        assert_eq!(restart.poll(), Some(Output::Unanswered(Scope::Slot(3))));
        assert_eq!(restart.poll(), Some(Output::Send(Scope::Slot(4))));
        assert!(restart.handle_acknowledge(Tick(210), t316));
        assert_eq!(restart.poll(), Some(Output::Done(Scope::Slot(4))));
        assert!(!restart.handle_acknowledge(Tick(210), t316));
        assert_eq!((restart.next_timeout(), restart.state()), (None, State::Null));
    }

    #[test]
    fn the_whole_interface_makes_single_channels_needless() {
        let mut restart = Restart::default();
        restart.request(Tick(0), Scope::Slot(1), 100);
        restart.request(Tick(0), Scope::Slot(2), 100);
        restart.request(Tick(0), Scope::Interface, 100);
        restart.handle_link_up(Tick(5), 100);
        restart.handle_acknowledge(Tick(10), 100);
        let sent: Vec<Output> = std::iter::from_fn(|| restart.poll()).collect();
        assert_eq!(
            sent,
            [
                Output::Send(Scope::Slot(1)),
                Output::Send(Scope::Slot(1)),
                Output::Done(Scope::Slot(1)),
                Output::Send(Scope::Interface),
            ]
        );
        assert_eq!(restart.next_timeout(), Some(Tick(110)));
    }
}
