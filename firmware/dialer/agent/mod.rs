//! An agent at a seat: what the person wants and what the phone does, made one state.
//!
//! ```text
//!             sign in                ready                reserve
//!  SignedOut ────────► Paused ─┬──────────────► Ready ─┬──────────► Reserved ──┐ joined
//!      ▲                  ▲    │ (nailed-up leg │  ▲   │ (per call)     ▲      ▼
//!      │ sign out         │    ▼   is down)     │  │   ▼                │    Talking ⇄ Holding
//!      └── from any ──    └─ Ringing ───────────┘  │ Ringing ───────────┘      │ over
//!                                                  └───────── WrapUp ◄─────────┘
//! ```
//!
//! A seat is ready only if its agent is signed in and wants to be, its phone is registered, and its
//! leg is up (nailed up) or free (per call). Whatever is asked during a call holds after it
//! ([`Next`]). A promised seat is freed only when switchd has confirmed the withdrawal, or said
//! that the attempt is over: until then a join may still win, and is accepted.
//!
//! | transient state | timer | then |
//! |---|---|---|
//! | `Ringing` | [`Timer::SeatRing`] | a miss; paused after too many, or at once when nailing up |
//! | `Reserved` | [`Timer::Reserved`] | the seat is withdrawn |
//! | `Reserved`, withdrawing | [`Timer::WithdrawAgain`] | asked again; after many times, paused |
//! | `WrapUp` | [`Timer::WrapUp`] | ready or paused, as the policy says |
//!
//! A talk has no timer here: its legs have theirs in switchd. The daemon passes facts of the seat's
//! newest leg only, so that the end of an older one is never taken for the end of this.

mod event;
mod state;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use call::{AgentId, AttemptId, OfferId, Tick};

use crate::limits;

pub use event::{CallFact, Order, Output, PhoneFact, Refused, Snapshot, Timer};
pub use state::{Next, Pause, Policy, Reach, State};

/// One agent at one seat.
#[derive(Clone, Debug)]
pub struct Agent {
    id: AgentId,
    policy: Policy,
    state: State,
    since: Tick,
    registered: bool,
    seat_up: bool,
    next: Next,
    misses: u8,
    /// A disposition has come before the end of the call.
    disposed: bool,
    /// How often the present withdrawal was asked for.
    withdrawals: u8,
    timer: Option<(Tick, Timer)>,
    outputs: VecDeque<Output>,
}

impl Agent {
    /// An agent who is not at work.
    #[must_use]
    pub fn new(now: Tick, id: AgentId, policy: Policy) -> Agent {
        Agent {
            id,
            policy,
            state: State::SignedOut,
            since: now,
            registered: false,
            seat_up: false,
            next: Next::Ready,
            misses: 0,
            disposed: false,
            withdrawals: 0,
            timer: None,
            outputs: VecDeque::new(),
        }
    }

    /// An agent who was signed in when centerd died. Paused until the daemon has told the facts of
    /// phone and call from switchd's snapshot and, where the agent was ready, orders that again.
    #[must_use]
    pub fn restarted(now: Tick, id: AgentId, policy: Policy) -> Agent {
        let state = State::Paused { reason: Pause::Restarted };
        Agent { state, ..Agent::new(now, id, policy) }
    }

    /// Takes a new policy; it holds from the next state on.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// A person's order.
    ///
    /// # Errors
    /// Says why it cannot be followed.
    pub fn handle_order(&mut self, now: Tick, order: Order) -> Result<(), Refused> {
        match (self.state, order) {
            (State::SignedOut, Order::SignIn) => {
                self.misses = 0;
                self.next = Next::Ready;
                self.enter(now, State::Paused { reason: Pause::SignedIn });
                Ok(())
            }
            (State::SignedOut, Order::SignOut | Order::Ready | Order::Pause(_)) => {
                Err(Refused::NotSignedIn)
            }
            (
                State::Ready
                | State::Reserved { .. }
                | State::Ringing { .. }
                | State::Talking { .. }
                | State::Holding { .. }
                | State::WrapUp { .. }
                | State::Paused { .. },
                Order::SignIn,
            ) => Err(Refused::AlreadySignedIn),

            (_, Order::Ready) if !self.registered => Err(Refused::PhoneGone),
            (State::Paused { .. }, Order::Ready) => {
                self.become_ready(now);
                Ok(())
            }
            (State::Ready, Order::Ready) => Ok(()),
            (State::WrapUp { .. }, Order::Ready) => {
                self.next = Next::Ready;
                self.end_wrap_up(now, false);
                Ok(())
            }
            (
                State::Reserved { .. }
                | State::Ringing { .. }
                | State::Talking { .. }
                | State::Holding { .. },
                Order::Ready,
            ) => {
                self.next = Next::Ready;
                Ok(())
            }

            (_, Order::SignOut) => {
                self.stop(now, Next::SignOut);
                Ok(())
            }
            (_, Order::Pause(reason)) => {
                self.stop(now, Next::Pause(reason));
                Ok(())
            }
        }
    }

    /// A fact about the seat's phone.
    pub fn handle_phone(&mut self, now: Tick, fact: PhoneFact) {
        match fact {
            PhoneFact::Registered => self.registered = true,
            PhoneFact::Gone => {
                self.registered = false;
                self.lose_phone(now, Pause::PhoneGone);
            }
            PhoneFact::SeatUp => {
                self.seat_up = true;
                self.seat_answered(now);
            }
            PhoneFact::SeatDown => {
                self.seat_up = false;
                self.seat_ended(now);
            }
        }
    }

    /// A fact about the call that the agent is meant for.
    ///
    /// # Errors
    /// Says why it does not concern the present state.
    pub fn handle_call(&mut self, now: Tick, fact: CallFact) -> Result<(), Refused> {
        match fact {
            CallFact::Reserve { offer, attempt } => self.reserve(now, offer, attempt),
            CallFact::Withdrawn { offer: named } => {
                if !matches!(self.state, State::Reserved { offer, .. } if offer == named) {
                    return Err(Refused::Stale);
                }
                self.free(now);
                Ok(())
            }
            CallFact::Joined { attempt } => self.joined(now, attempt),
            CallFact::Held { attempt } => {
                self.swap(now, State::Talking { attempt }, State::Holding { attempt })
            }
            CallFact::Unheld { attempt } => {
                self.swap(now, State::Holding { attempt }, State::Talking { attempt })
            }
            CallFact::Over { attempt } => self.over(now, attempt),
            CallFact::Disposed { attempt } => self.dispose(now, attempt),
        }
    }

    /// Lets the timer act that is due.
    pub fn handle_timeout(&mut self, now: Tick) {
        let Some((_, timer)) = self.timer.filter(|(at, _)| *at <= now) else { return };
        self.timer = None;
        match timer {
            Timer::SeatRing => self.miss(now),
            Timer::Reserved => self.withdraw(now, self.next),
            Timer::WithdrawAgain => self.withdraw_again(now),
            Timer::WrapUp => {
                if self.policy.pause_after_wrap_up && self.next == Next::Ready {
                    self.next = Next::Pause(Pause::WrapUpExpired);
                }
                self.end_wrap_up(now, false);
            }
        }
    }

    /// The next effect; to be drained after every input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Agent::handle_timeout`], and why.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.timer
    }

    /// Everything that this machine knows.
    #[must_use]
    pub const fn snapshot(&self) -> Snapshot {
        Snapshot {
            id: self.id,
            state: self.state,
            since: self.since,
            registered: self.registered,
            seat_up: self.seat_up,
            next: self.next,
            misses: self.misses,
            timer: self.timer,
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Makes the seat ready, calling its phone first where it must be nailed up.
    fn become_ready(&mut self, now: Tick) {
        self.next = Next::Ready;
        if !self.registered {
            self.enter(now, State::Paused { reason: Pause::PhoneGone });
            return;
        }
        match (self.policy.reach, self.seat_up) {
            (Reach::NailedUp, false) => self.ring(now, None),
            (Reach::NailedUp, true) => {
                self.enter(now, State::Ready);
                self.put(Output::Beep);
            }
            (Reach::PerCall, up) => {
                if up {
                    self.hang_up();
                }
                self.enter(now, State::Ready);
            }
        }
    }

    /// Goes where [`Next`] says.
    fn go_on(&mut self, now: Tick) {
        match self.next {
            Next::Ready => self.become_ready(now),
            Next::Pause(reason) => {
                self.next = Next::Ready;
                self.enter(now, State::Paused { reason });
            }
            Next::SignOut => {
                self.next = Next::Ready;
                if self.seat_up {
                    self.hang_up();
                }
                self.enter(now, State::SignedOut);
            }
        }
    }

    /// The seat shall take no further call: at once, or after the present one.
    fn stop(&mut self, now: Tick, next: Next) {
        match self.state {
            State::SignedOut => {}
            State::Ready | State::Paused { .. } => {
                self.next = next;
                self.go_on(now);
            }
            State::Ringing { purpose } => {
                self.next = next;
                self.hang_up();
                if let Some((_, attempt)) = purpose {
                    self.put(Output::Missed { attempt });
                }
                self.go_on(now);
            }
            State::Reserved { .. } => self.withdraw(now, next),
            State::Talking { .. } | State::Holding { .. } => self.next = next,
            State::WrapUp { .. } => {
                self.next = next;
                if next == Next::SignOut {
                    self.end_wrap_up(now, false);
                }
            }
        }
    }

    /// The phone cannot be reached: not ready at once. A sign-out that waits is kept.
    fn lose_phone(&mut self, now: Tick, reason: Pause) {
        let next = match self.next {
            Next::SignOut => Next::SignOut,
            Next::Ready | Next::Pause(_) => Next::Pause(reason),
        };
        match self.state {
            State::SignedOut | State::Paused { .. } => {}
            State::Ready
            | State::Ringing { .. }
            | State::Reserved { .. }
            | State::Talking { .. }
            | State::Holding { .. }
            | State::WrapUp { .. } => self.stop(now, next),
        }
    }

    fn seat_answered(&mut self, now: Tick) {
        match self.state {
            State::Ringing { purpose: None } => self.go_on(now),
            State::Ringing { purpose: Some((offer, attempt)) } => self.promise(now, offer, attempt),
            State::SignedOut
            | State::Ready
            | State::Reserved { .. }
            | State::Talking { .. }
            | State::Holding { .. }
            | State::WrapUp { .. }
            | State::Paused { .. } => {}
        }
    }

    fn seat_ended(&mut self, now: Tick) {
        match (self.state, self.policy.reach) {
            (State::Ready, Reach::NailedUp) | (State::Reserved { .. }, _) => {
                self.lose_phone(now, Pause::HungUp);
            }
            (State::Ringing { .. }, _) => self.miss(now),
            (State::Talking { attempt } | State::Holding { attempt }, _) => {
                self.begin_wrap_up(now, attempt);
            }
            (State::Ready, Reach::PerCall)
            | (State::SignedOut | State::WrapUp { .. } | State::Paused { .. }, _) => {}
        }
    }

    /// The phone was not picked up.
    fn miss(&mut self, now: Tick) {
        let State::Ringing { purpose } = self.state else { return };
        self.hang_up();
        match purpose {
            None => {
                if self.next == Next::Ready {
                    self.next = Next::Pause(Pause::NoAnswer);
                }
            }
            Some((_, attempt)) => {
                self.put(Output::Missed { attempt });
                self.misses = self.misses.saturating_add(1);
                if self.misses >= self.policy.misses_max && self.next == Next::Ready {
                    self.next = Next::Pause(Pause::Missed);
                    self.misses = 0;
                }
            }
        }
        self.go_on(now);
    }

    fn reserve(&mut self, now: Tick, offer: OfferId, attempt: AttemptId) -> Result<(), Refused> {
        if self.state != State::Ready {
            return Err(Refused::NotReady(self.state));
        }
        match self.policy.reach {
            Reach::NailedUp => self.promise(now, offer, attempt),
            Reach::PerCall => self.ring(now, Some((offer, attempt))),
        }
        Ok(())
    }

    fn promise(&mut self, now: Tick, offer: OfferId, attempt: AttemptId) {
        self.withdrawals = 0;
        self.enter(now, State::Reserved { offer, attempt, withdrawing: false });
        self.timer = Some((now.after_ms(self.policy.reserved_max_ms), Timer::Reserved));
        self.put(Output::OfferSeat { offer, attempt });
    }

    fn withdraw(&mut self, now: Tick, next: Next) {
        let State::Reserved { offer, attempt, withdrawing } = self.state else { return };
        self.next = next;
        if withdrawing {
            return;
        }
        self.state = State::Reserved { offer, attempt, withdrawing: true };
        self.withdraw_again(now);
    }

    fn withdraw_again(&mut self, now: Tick) {
        let State::Reserved { offer, .. } = self.state else { return };
        if self.withdrawals >= limits::WITHDRAWALS_MAX {
            self.withdrawals = 0;
            if self.next == Next::Ready {
                self.next = Next::Pause(Pause::NotConfirmed);
            }
            self.free(now);
            return;
        }
        self.withdrawals += 1;
        self.timer = Some((now.after_ms(limits::WITHDRAW_AGAIN_MS), Timer::WithdrawAgain));
        self.put(Output::WithdrawSeat { offer });
    }

    /// The promise is off: the seat goes on.
    fn free(&mut self, now: Tick) {
        if self.policy.reach == Reach::PerCall && self.seat_up {
            self.hang_up();
        }
        self.go_on(now);
    }

    /// switchd has joined; it is the truth, whatever this machine had meant.
    fn joined(&mut self, now: Tick, attempt: AttemptId) -> Result<(), Refused> {
        match self.state {
            State::SignedOut => return Err(Refused::NotSignedIn),
            State::Talking { attempt: present } | State::Holding { attempt: present } => {
                return if present == attempt { Ok(()) } else { Err(Refused::Stale) };
            }
            State::Reserved { attempt: present, .. } if present != attempt => {
                return Err(Refused::Stale);
            }
            State::Ringing { purpose: Some((_, present)) } if present != attempt => {
                return Err(Refused::Stale);
            }
            State::WrapUp { attempt: present } if present == attempt => {
                return Err(Refused::Stale);
            }
            State::WrapUp { attempt: old } => {
                self.put(Output::WrapUpOver { attempt: old, disposed: false });
            }
            State::Paused { reason } => self.next = Next::Pause(reason),
            State::Ready | State::Reserved { .. } | State::Ringing { .. } => {}
        }
        self.misses = 0;
        self.disposed = false;
        self.enter(now, State::Talking { attempt });
        Ok(())
    }

    fn swap(&mut self, now: Tick, from: State, to: State) -> Result<(), Refused> {
        if self.state == to {
            return Ok(());
        }
        if self.state != from {
            return Err(Refused::Stale);
        }
        self.enter(now, to);
        Ok(())
    }

    fn over(&mut self, now: Tick, attempt: AttemptId) -> Result<(), Refused> {
        if self.state.attempt() != Some(attempt) {
            return Err(Refused::Stale);
        }
        match self.state {
            State::Reserved { .. } => self.free(now),
            State::Ringing { .. } => {
                self.hang_up();
                self.go_on(now);
            }
            State::Talking { .. } | State::Holding { .. } => self.begin_wrap_up(now, attempt),
            State::SignedOut | State::Ready | State::WrapUp { .. } | State::Paused { .. } => {}
        }
        Ok(())
    }

    fn begin_wrap_up(&mut self, now: Tick, attempt: AttemptId) {
        if self.policy.reach == Reach::PerCall && self.seat_up {
            self.hang_up();
        }
        self.enter(now, State::WrapUp { attempt });
        if self.disposed || self.policy.wrap_up_ms == 0 {
            self.end_wrap_up(now, self.disposed);
        } else {
            self.timer = Some((now.after_ms(self.policy.wrap_up_ms), Timer::WrapUp));
        }
    }

    fn end_wrap_up(&mut self, now: Tick, disposed: bool) {
        let State::WrapUp { attempt } = self.state else { return };
        self.disposed = false;
        self.put(Output::WrapUpOver { attempt, disposed });
        self.go_on(now);
    }

    fn dispose(&mut self, now: Tick, attempt: AttemptId) -> Result<(), Refused> {
        match self.state {
            State::WrapUp { attempt: present } if present == attempt => {
                self.end_wrap_up(now, true);
                Ok(())
            }
            State::Talking { attempt: present } | State::Holding { attempt: present }
                if present == attempt =>
            {
                self.disposed = true;
                Ok(())
            }
            State::SignedOut
            | State::Ready
            | State::Reserved { .. }
            | State::Ringing { .. }
            | State::Talking { .. }
            | State::Holding { .. }
            | State::WrapUp { .. }
            | State::Paused { .. } => Err(Refused::Stale),
        }
    }

    fn ring(&mut self, now: Tick, purpose: Option<(OfferId, AttemptId)>) {
        self.enter(now, State::Ringing { purpose });
        self.timer = Some((now.after_ms(self.policy.seat_ring_ms), Timer::SeatRing));
        self.put(Output::CallSeat);
    }

    /// Ends the seat's leg, up or still ringing; nothing more is heard of it.
    fn hang_up(&mut self) {
        self.seat_up = false;
        self.put(Output::HangUpSeat);
    }

    fn enter(&mut self, now: Tick, to: State) {
        self.timer = None;
        if self.state == to {
            return;
        }
        let from = core::mem::replace(&mut self.state, to);
        let lasted_ms = now.since_ms(self.since);
        self.since = now.max(self.since);
        self.put(Output::StateChanged { from, to, lasted_ms });
    }

    fn put(&mut self, output: Output) {
        assert!(
            self.outputs.len() < limits::AGENT_OUTPUTS_MAX,
            "outputs of {} not drained",
            self.id
        );
        self.outputs.push_back(output);
    }
}
