//! RESTART of channels that this side asks for (Q.931 §5.5.1): one at a time, repeated, given up.
//!
//! ```text
//!  Rest 0 ──RESTART──► Rest 1 ──RESTART ACKNOWLEDGE──► Rest 0, channels idle
//!                        ├──STATUS──► the far end can not: Rest 0, see `Output::Refused`
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send RESTART for this.
    Send(Scope),
    /// It was acknowledged, for these time slots only if there is a list.
    Done(Scope, Option<Vec<u8>>),
    /// The far end has said that it can not do it; false: because it has no such channel.
    Refused(Scope, bool),
    /// It never was answered.
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

    /// RESTART ACKNOWLEDGE has come, for these time slots or, without a list, for all of the
    /// interface. Returns whether this one was awaited: a late one for another channel was not.
    pub fn handle_acknowledge(&mut self, now: Tick, slots: Option<Vec<u8>>, t316_ms: u64) -> bool {
        let Some((scope, ..)) = self.running else { return false };
        match (scope, &slots) {
            (Scope::Slot(slot), Some(slots)) if !slots.contains(&slot) => return false,
            (Scope::Slot(_) | Scope::Interface, _) => {}
        }
        self.end(now, Output::Done(scope, slots), t316_ms);
        true
    }

    /// The far end has answered with STATUS that it can not do what was asked; `exists`: though it
    /// has such a channel. Nothing happens if nothing was asked.
    pub fn handle_refusal(&mut self, now: Tick, exists: bool, t316_ms: u64) {
        if let Some((scope, ..)) = self.running {
            self.end(now, Output::Refused(scope, exists), t316_ms);
        }
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
        self.end(now, Output::Unanswered(scope), t316_ms);
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

    fn end(&mut self, now: Tick, output: Output, t316_ms: u64) {
        self.running = None;
        self.out.push(output);
        self.next(now, t316_ms);
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
        assert!(!restart.handle_acknowledge(Tick(205), Some(vec![3]), t316), "late, of another");
        assert!(restart.handle_acknowledge(Tick(210), Some(vec![4]), t316));
        assert_eq!(restart.poll(), Some(Output::Done(Scope::Slot(4), Some(vec![4]))));
        assert!(!restart.handle_acknowledge(Tick(210), Some(vec![4]), t316));
        restart.handle_refusal(Tick(210), true, t316);
        assert_eq!(restart.poll(), None);
        assert_eq!((restart.next_timeout(), restart.state()), (None, State::Null));
    }

    #[test]
    fn the_whole_interface_makes_single_channels_needless() {
        let mut restart = Restart::default();
        restart.request(Tick(0), Scope::Slot(1), 100);
        restart.request(Tick(0), Scope::Slot(2), 100);
        restart.request(Tick(0), Scope::Interface, 100);
        restart.handle_link_up(Tick(5), 100);
        restart.handle_acknowledge(Tick(10), None, 100);
        let sent: Vec<Output> = std::iter::from_fn(|| restart.poll()).collect();
        assert_eq!(
            sent,
            [
                Output::Send(Scope::Slot(1)),
                Output::Send(Scope::Slot(1)),
                Output::Done(Scope::Slot(1), None),
                Output::Send(Scope::Interface),
            ]
        );
        assert_eq!(restart.next_timeout(), Some(Tick(110)));
    }
}
