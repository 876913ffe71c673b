//! One SIP transaction: RFC 3261 §17 with the `Accepted` states of RFC 6026.
//!
//! The four machines of the standard's figures, each one `match (state, event)` without a
//! wildcard. A machine knows states and timers and nothing else: no bytes, no addresses, no header.
//! It never builds a message and never answers by itself, except that it asks for the ACK of a
//! refused INVITE ([`Output::SendAck`]), which RFC 3261 §17.1.1.3 gives to the transaction. The
//! table beside it (`transactions`) holds the messages and does the matching.
//!
//! ```text
//!  client INVITE (figure 5, RFC 6026 figure 3)     server INVITE (figure 7, RFC 6026 figure 5)
//!
//!     Calling ──1xx──► Proceeding                     Proceeding ──2xx──► Accepted ──L──► ∎
//!        │ A again        │                               │ INVITE again: last 1xx again
//!        │ B gives up     │                               │ 300-699
//!        ├──300-699+ACK───┤                               ▼
//!        │                ▼                           Completed ──ACK──► Confirmed ──I──► ∎
//!        │            Completed ──D──► ∎                  G again, H gives up
//!        └──2xx──► Accepted ──M──► ∎
//!
//!  client non-INVITE (figure 6)                    server non-INVITE (figure 8)
//!
//!     Trying ──1xx──► Proceeding                      Trying ──1xx──► Proceeding
//!        │ E again, F gives up  │                        └──200-699──┬────┘
//!        └──200-699──┬──────────┘                                    ▼
//!                    ▼                                           Completed ──J──► ∎
//!                Completed ──K──► ∎
//!
//!  milliseconds after the first sending over UDP (T1 = 500, T2 = 4 000, T4 = 5 000)
//!
//!     A   500 1500 3500 7500 15500 31500          doubles without a ceiling; B at 32 000
//!     E   500 1500 3500 7500 11500 15500 … 31500  doubles up to T2;          F at 32 000
//!     E   every 4 000 once a 1xx has come
//!     G   500 1500 3500 7500 11500 15500 … 31500  doubles up to T2;          H at 32 000
//! ```

use std::collections::VecDeque;

use call::Tick;

/// Estimate of a round trip, in milliseconds (RFC 3261 §17.1.1.1).
pub const T1_MS: u64 = 500;
/// Ceiling between two sendings of a non-INVITE request or of an INVITE's answer, in milliseconds.
pub const T2_MS: u64 = 4_000;
/// The longest that a message stays in the network, in milliseconds.
pub const T4_MS: u64 = 5_000;
/// How long a transaction waits for an answer, in milliseconds: 64 × T1.
pub const GIVE_UP_MS: u64 = 64 * T1_MS;
/// How long a refused client INVITE absorbs repeated answers over UDP (Timer D: "at least 32 s").
const TIMER_D_MS: u64 = 32_000;

/// Every timer of RFC 3261 table 4 that a user agent needs, with those of RFC 6026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Client INVITE, Calling, UDP: sends the INVITE again after T1, then after twice as long each.
    TimerA,
    /// Client INVITE: gives up 64·T1 after the INVITE, or after its CANCEL (RFC 3261 §9.1).
    TimerB,
    /// Client INVITE, Completed: leaves 32 s (0 over TCP) after the refusal.
    TimerD,
    /// Client non-INVITE, UDP: sends the request again after T1, twice as long each up to T2.
    TimerE,
    /// Client non-INVITE: gives up 64·T1 after the request.
    TimerF,
    /// Server INVITE, Completed, UDP: sends the refusal again after T1, twice as long each up to T2.
    TimerG,
    /// Server INVITE, Completed: gives up waiting for the ACK 64·T1 after the refusal.
    TimerH,
    /// Server INVITE, Confirmed: leaves T4 (0 over TCP) after the ACK.
    TimerI,
    /// Server non-INVITE, Completed: leaves 64·T1 (0 over TCP) after the answer.
    TimerJ,
    /// Client non-INVITE, Completed: leaves T4 (0 over TCP) after the answer.
    TimerK,
    /// Server INVITE, Accepted: leaves 64·T1 after the 2xx (RFC 6026 §8.7).
    TimerL,
    /// Client INVITE, Accepted: leaves 64·T1 after the 2xx (RFC 6026 §8.4).
    TimerM,
}

/// The class of an answer, which is all that a transaction needs to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 100-199.
    Provisional,
    /// 200-299.
    Success,
    /// 300-699.
    Failure,
}

impl Class {
    /// The class of a status code.
    #[must_use]
    pub const fn of(status: u16) -> Class {
        match status {
            0..=199 => Class::Provisional,
            200..=299 => Class::Success,
            300.. => Class::Failure,
        }
    }
}

/// States of a client INVITE transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientInvite {
    /// The INVITE is out, nothing has come back.
    Calling,
    /// A 1xx has come; from here on only a person or a ring time-out ends the wait.
    Proceeding,
    /// A 2xx has come; further 2xx go up, because each needs an ACK of its user.
    Accepted,
    /// A refusal has come and was acknowledged; its repetitions are acknowledged again.
    Completed,
    /// Over.
    Terminated,
}

/// States of a client transaction of any other method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientNonInvite {
    /// The request is out, nothing has come back.
    Trying,
    /// A 1xx has come.
    Proceeding,
    /// The final answer has come; its repetitions are swallowed.
    Completed,
    /// Over.
    Terminated,
}

/// States of a server INVITE transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerInvite {
    /// No final answer was given yet.
    Proceeding,
    /// A 2xx was given. Its user repeats it until the ACK (RFC 3261 §13.3.1.4), through us.
    Accepted,
    /// A refusal was given; we repeat it until the ACK.
    Completed,
    /// The refusal was acknowledged; late ACKs are swallowed.
    Confirmed,
    /// Over.
    Terminated,
}

/// States of a server transaction of any other method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerNonInvite {
    /// No answer was given yet.
    Trying,
    /// A 1xx was given.
    Proceeding,
    /// The final answer was given and is repeated for every repeated request.
    Completed,
    /// Over.
    Terminated,
}

/// Which machine, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// We sent an INVITE.
    ClientInvite(ClientInvite),
    /// We sent a request of another method.
    ClientNonInvite(ClientNonInvite),
    /// We received an INVITE.
    ServerInvite(ServerInvite),
    /// We received a request of another method.
    ServerNonInvite(ServerNonInvite),
}

/// What a transaction asks of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Client: send the request (again).
    SendRequest,
    /// Client INVITE: acknowledge the refusal just heard (RFC 3261 §17.1.1.3).
    SendAck,
    /// Server: send the last answer given (again).
    SendResponse,
    /// The message just handed in is news for the user.
    Deliver,
    /// The user must know: no answer (client) or no ACK (server) came in time.
    TimedOut,
    /// The user must know: the transport could not send.
    TransportFailed,
    /// Forget this transaction.
    Terminated,
}

/// What happens to a client transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientEvent {
    /// A 1xx arrived.
    Provisional,
    /// A 2xx arrived.
    Success,
    /// A 300-699 arrived.
    Failure,
    /// The transport reported that it could not send.
    TransportError,
    /// The timer of the next repetition fired (A or E).
    Again,
    /// The timer that bounds the present state fired (B, D, F, K or M).
    End,
    /// The user has cancelled and waits no longer than 64·T1 (RFC 3261 §9.1).
    Abandon,
}

/// What happens to a server transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerEvent {
    /// The request arrived again.
    Request,
    /// An ACK arrived.
    Ack,
    /// The user answers 1xx.
    Provisional,
    /// The user answers 2xx.
    Success,
    /// The user answers 300-699.
    Failure,
    /// The transport reported that it could not send.
    TransportError,
    /// The timer of the next repetition fired (G).
    Again,
    /// The timer that bounds the present state fired (H, I, J or L).
    End,
}

/// One transaction. No state has more than two timers: one that repeats and one that ends it.
#[derive(Clone, Debug)]
pub struct Transaction {
    state: State,
    /// The transport repeats by itself: no A, E, G, and nothing to absorb afterwards.
    reliable: bool,
    /// The wait before the next repetition, in milliseconds.
    interval_ms: u64,
    again: Option<(Tick, Timer)>,
    end: Option<(Tick, Timer)>,
    out: VecDeque<Output>,
}

impl Transaction {
    /// An INVITE of ours: asks at once for its first sending.
    #[must_use]
    pub fn client_invite(now: Tick, reliable: bool) -> Transaction {
        let mut new = Self::new(State::ClientInvite(ClientInvite::Calling), reliable);
        new.out.push_back(Output::SendRequest);
        new.repeat_from_t1(now, Timer::TimerA);
        new.end_in(now, GIVE_UP_MS, Timer::TimerB);
        new
    }

    /// A request of ours of any other method but ACK: asks at once for its first sending.
    #[must_use]
    pub fn client_non_invite(now: Tick, reliable: bool) -> Transaction {
        let mut new = Self::new(State::ClientNonInvite(ClientNonInvite::Trying), reliable);
        new.out.push_back(Output::SendRequest);
        new.repeat_from_t1(now, Timer::TimerE);
        new.end_in(now, GIVE_UP_MS, Timer::TimerF);
        new
    }

    /// An INVITE that has arrived: asks at once to be delivered.
    #[must_use]
    pub fn server_invite(reliable: bool) -> Transaction {
        let mut new = Self::new(State::ServerInvite(ServerInvite::Proceeding), reliable);
        new.out.push_back(Output::Deliver);
        new
    }

    /// A request of any other method but ACK that has arrived: asks at once to be delivered.
    #[must_use]
    pub fn server_non_invite(reliable: bool) -> Transaction {
        let mut new = Self::new(State::ServerNonInvite(ServerNonInvite::Trying), reliable);
        new.out.push_back(Output::Deliver);
        new
    }

    /// An answer has arrived. A server has no use for it and ignores it.
    pub fn handle_response(&mut self, now: Tick, class: Class) {
        let event = match class {
            Class::Provisional => ClientEvent::Provisional,
            Class::Success => ClientEvent::Success,
            Class::Failure => ClientEvent::Failure,
        };
        self.client(now, event);
    }

    /// The request has arrived again. A client ignores it.
    pub fn handle_request(&mut self, now: Tick) {
        self.server(now, ServerEvent::Request);
    }

    /// An ACK has arrived for a server INVITE. Every other machine ignores it.
    pub fn handle_ack(&mut self, now: Tick) {
        self.server(now, ServerEvent::Ack);
    }

    /// The user of a server transaction gives an answer of this class; the table holds its bytes.
    /// Returns whether the answer is taken: a second final answer is not.
    pub fn respond(&mut self, now: Tick, class: Class) -> bool {
        let before = self.out.len();
        self.server(
            now,
            match class {
                Class::Provisional => ServerEvent::Provisional,
                Class::Success => ServerEvent::Success,
                Class::Failure => ServerEvent::Failure,
            },
        );
        self.out.len() > before
    }

    /// The transport could not send the last message.
    pub fn handle_transport_error(&mut self, now: Tick) {
        self.client(now, ClientEvent::TransportError);
        self.server(now, ServerEvent::TransportError);
    }

    /// The user has sent a CANCEL: when no final answer comes within 64·T1 of now, the transaction
    /// ends as if TimerB had fired (RFC 3261 §9.1). Only a client INVITE knows this.
    pub fn abandon(&mut self, now: Tick) {
        self.client(now, ClientEvent::Abandon);
    }

    /// Fires the timers that are due. A late call fires each at most once.
    pub fn handle_timeout(&mut self, now: Tick) {
        // The end goes first: what is over is not sent again.
        if self.end.take_if(|(at, _)| *at <= now).is_some() {
            self.client(now, ClientEvent::End);
            self.server(now, ServerEvent::End);
        }
        if self.again.take_if(|(at, _)| *at <= now).is_some() {
            self.client(now, ClientEvent::Again);
            self.server(now, ServerEvent::Again);
        }
    }

    /// The next thing to do, in order; `None` when all is done.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted, and for which timer.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        match (self.again, self.end) {
            (Some(again), Some(end)) => Some(if again.0 < end.0 { again } else { end }),
            (again, end) => again.or(end),
        }
    }

    /// Where the machine stands.
    #[must_use]
    pub const fn snapshot(&self) -> State {
        self.state
    }

    fn new(state: State, reliable: bool) -> Transaction {
        let out = VecDeque::with_capacity(2);
        Transaction { state, reliable, interval_ms: T1_MS, again: None, end: None, out }
    }

    fn client(&mut self, now: Tick, event: ClientEvent) {
        self.state = match self.state {
            State::ClientInvite(state) => {
                State::ClientInvite(self.step_client_invite(now, state, event))
            }
            State::ClientNonInvite(state) => {
                State::ClientNonInvite(self.step_client_non_invite(now, state, event))
            }
            server @ (State::ServerInvite(_) | State::ServerNonInvite(_)) => server,
        };
    }

    fn server(&mut self, now: Tick, event: ServerEvent) {
        self.state = match self.state {
            State::ServerInvite(state) => {
                State::ServerInvite(self.step_server_invite(now, state, event))
            }
            State::ServerNonInvite(state) => {
                State::ServerNonInvite(self.step_server_non_invite(now, state, event))
            }
            client @ (State::ClientInvite(_) | State::ClientNonInvite(_)) => client,
        };
    }

    /// RFC 3261 figure 5 as amended by RFC 6026 §8.4.
    fn step_client_invite(
        &mut self,
        now: Tick,
        state: ClientInvite,
        event: ClientEvent,
    ) -> ClientInvite {
        use {ClientEvent as E, ClientInvite as S};
        match (state, event) {
            (S::Calling, E::Again) => {
                self.out.push_back(Output::SendRequest);
                self.repeat_doubled(now, u64::MAX, Timer::TimerA);
                S::Calling
            }
            (S::Calling | S::Proceeding, E::Provisional) => {
                self.out.push_back(Output::Deliver);
                // TimerB ends with Calling, unless a CANCEL has started it anew.
                self.again = None;
                if state == S::Calling {
                    self.end = None;
                }
                S::Proceeding
            }
            (S::Calling | S::Proceeding, E::Success) => {
                self.out.push_back(Output::Deliver);
                self.again = None;
                self.end_in(now, GIVE_UP_MS, Timer::TimerM);
                S::Accepted
            }
            (S::Calling | S::Proceeding, E::Failure) => {
                self.out.extend([Output::SendAck, Output::Deliver]);
                self.again = None;
                self.end_absorbing(now, TIMER_D_MS, Timer::TimerD);
                S::Completed
            }
            (S::Calling | S::Proceeding, E::Abandon) => {
                self.end_in(now, GIVE_UP_MS, Timer::TimerB);
                state
            }
            (S::Calling | S::Proceeding, E::End) => {
                self.terminate(Some(Output::TimedOut));
                S::Terminated
            }
            (S::Calling | S::Proceeding | S::Completed, E::TransportError) => {
                self.terminate(Some(Output::TransportFailed));
                S::Terminated
            }
            (S::Accepted, E::Success) => {
                self.out.push_back(Output::Deliver);
                S::Accepted
            }
            (S::Completed, E::Failure) => {
                self.out.push_back(Output::SendAck);
                S::Completed
            }
            (S::Accepted | S::Completed, E::End) => {
                self.terminate(None);
                S::Terminated
            }
            // Late, repeated or impossible: the standard's figures have no arrow.
            (S::Proceeding, E::Again)
            | (
                S::Accepted,
                E::Provisional | E::Failure | E::TransportError | E::Again | E::Abandon,
            )
            | (S::Completed, E::Provisional | E::Success | E::Again | E::Abandon)
            | (
                S::Terminated,
                E::Provisional
                | E::Success
                | E::Failure
                | E::TransportError
                | E::Again
                | E::End
                | E::Abandon,
            ) => state,
        }
    }

    /// RFC 3261 figure 6.
    fn step_client_non_invite(
        &mut self,
        now: Tick,
        state: ClientNonInvite,
        event: ClientEvent,
    ) -> ClientNonInvite {
        use {ClientEvent as E, ClientNonInvite as S};
        match (state, event) {
            (S::Trying, E::Again) => {
                self.out.push_back(Output::SendRequest);
                self.repeat_doubled(now, T2_MS, Timer::TimerE);
                S::Trying
            }
            (S::Proceeding, E::Again) => {
                self.out.push_back(Output::SendRequest);
                self.again = Some((now + T2_MS, Timer::TimerE));
                S::Proceeding
            }
            (S::Trying | S::Proceeding, E::Provisional) => {
                self.out.push_back(Output::Deliver);
                S::Proceeding
            }
            (S::Trying | S::Proceeding, E::Success | E::Failure) => {
                self.out.push_back(Output::Deliver);
                self.again = None;
                self.end_absorbing(now, T4_MS, Timer::TimerK);
                S::Completed
            }
            (S::Trying | S::Proceeding, E::End) => {
                self.terminate(Some(Output::TimedOut));
                S::Terminated
            }
            (S::Trying | S::Proceeding, E::TransportError) => {
                self.terminate(Some(Output::TransportFailed));
                S::Terminated
            }
            (S::Completed, E::End) => {
                self.terminate(None);
                S::Terminated
            }
            // A non-INVITE cannot be cancelled (RFC 3261 §9.1); the rest is late or repeated.
            (S::Trying | S::Proceeding, E::Abandon)
            | (
                S::Completed,
                E::Provisional
                | E::Success
                | E::Failure
                | E::TransportError
                | E::Again
                | E::Abandon,
            )
            | (
                S::Terminated,
                E::Provisional
                | E::Success
                | E::Failure
                | E::TransportError
                | E::Again
                | E::End
                | E::Abandon,
            ) => state,
        }
    }

    /// RFC 3261 figure 7 as amended by RFC 6026 §7.1 and §8.7.
    fn step_server_invite(
        &mut self,
        now: Tick,
        state: ServerInvite,
        event: ServerEvent,
    ) -> ServerInvite {
        use {ServerEvent as E, ServerInvite as S};
        match (state, event) {
            (S::Proceeding, E::Request | E::Provisional) => {
                self.out.push_back(Output::SendResponse);
                S::Proceeding
            }
            (S::Proceeding, E::Success) => {
                self.out.push_back(Output::SendResponse);
                self.end_in(now, GIVE_UP_MS, Timer::TimerL);
                S::Accepted
            }
            (S::Proceeding, E::Failure) => {
                self.out.push_back(Output::SendResponse);
                self.repeat_from_t1(now, Timer::TimerG);
                self.end_in(now, GIVE_UP_MS, Timer::TimerH);
                S::Completed
            }
            (S::Accepted, E::Success) => {
                self.out.push_back(Output::SendResponse);
                S::Accepted
            }
            (S::Accepted, E::Ack) => {
                self.out.push_back(Output::Deliver);
                S::Accepted
            }
            (S::Completed, E::Request) => {
                self.out.push_back(Output::SendResponse);
                S::Completed
            }
            (S::Completed, E::Again) => {
                self.out.push_back(Output::SendResponse);
                self.repeat_doubled(now, T2_MS, Timer::TimerG);
                S::Completed
            }
            (S::Completed, E::Ack) => {
                self.again = None;
                self.end_absorbing(now, T4_MS, Timer::TimerI);
                S::Confirmed
            }
            (S::Completed, E::End) => {
                self.terminate(Some(Output::TimedOut));
                S::Terminated
            }
            (S::Accepted | S::Confirmed, E::End) => {
                self.terminate(None);
                S::Terminated
            }
            // RFC 6026 §7.1: the state stays, its timers will end it.
            (S::Proceeding | S::Accepted | S::Completed, E::TransportError) => {
                self.out.push_back(Output::TransportFailed);
                state
            }
            // Late, repeated or impossible: the standard's figures have no arrow.
            (S::Proceeding, E::Ack | E::Again | E::End)
            | (S::Accepted, E::Request | E::Provisional | E::Failure | E::Again)
            | (S::Completed, E::Provisional | E::Success | E::Failure)
            | (
                S::Confirmed,
                E::Request
                | E::Ack
                | E::Provisional
                | E::Success
                | E::Failure
                | E::TransportError
                | E::Again,
            )
            | (
                S::Terminated,
                E::Request
                | E::Ack
                | E::Provisional
                | E::Success
                | E::Failure
                | E::TransportError
                | E::Again
                | E::End,
            ) => state,
        }
    }

    /// RFC 3261 figure 8.
    fn step_server_non_invite(
        &mut self,
        now: Tick,
        state: ServerNonInvite,
        event: ServerEvent,
    ) -> ServerNonInvite {
        use {ServerEvent as E, ServerNonInvite as S};
        match (state, event) {
            (S::Trying | S::Proceeding, E::Provisional) | (S::Proceeding, E::Request) => {
                self.out.push_back(Output::SendResponse);
                S::Proceeding
            }
            (S::Trying | S::Proceeding, E::Success | E::Failure) => {
                self.out.push_back(Output::SendResponse);
                self.end_absorbing(now, GIVE_UP_MS, Timer::TimerJ);
                S::Completed
            }
            (S::Completed, E::Request) => {
                self.out.push_back(Output::SendResponse);
                S::Completed
            }
            (S::Proceeding | S::Completed, E::TransportError) => {
                self.terminate(Some(Output::TransportFailed));
                S::Terminated
            }
            (S::Completed, E::End) => {
                self.terminate(None);
                S::Terminated
            }
            // Late, repeated or impossible: the standard's figure has no arrow.
            (S::Trying, E::Request | E::Ack | E::TransportError | E::Again | E::End)
            | (S::Proceeding, E::Ack | E::Again | E::End)
            | (S::Completed, E::Ack | E::Provisional | E::Success | E::Failure | E::Again)
            | (
                S::Terminated,
                E::Request
                | E::Ack
                | E::Provisional
                | E::Success
                | E::Failure
                | E::TransportError
                | E::Again
                | E::End,
            ) => state,
        }
    }

    /// Starts repeating: the first repetition comes after T1. Nothing is repeated over TCP.
    fn repeat_from_t1(&mut self, now: Tick, timer: Timer) {
        self.interval_ms = T1_MS;
        self.again = (!self.reliable).then_some((now + T1_MS, timer));
    }

    /// The next repetition comes after twice the last wait, at most `ceiling_ms`.
    fn repeat_doubled(&mut self, now: Tick, ceiling_ms: u64, timer: Timer) {
        self.interval_ms = self.interval_ms.saturating_mul(2).min(ceiling_ms);
        self.again = Some((now + self.interval_ms, timer));
    }

    fn end_in(&mut self, now: Tick, ms: u64, timer: Timer) {
        self.end = Some((now + ms, timer));
    }

    /// Stays to absorb late repetitions, which a reliable transport does not have.
    fn end_absorbing(&mut self, now: Tick, ms: u64, timer: Timer) {
        self.end_in(now, if self.reliable { 0 } else { ms }, timer);
    }

    fn terminate(&mut self, why: Option<Output>) {
        self.again = None;
        self.end = None;
        self.out.extend(why);
        self.out.push_back(Output::Terminated);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Class::{Failure, Provisional, Success};
    use Output::{Deliver, SendAck, SendRequest, SendResponse, Terminated, TimedOut};

    /// A transaction, a clock, and the whole vocabulary: `says` drains, `at` lets time pass.
    struct Talk {
        machine: Transaction,
        now: Tick,
    }

    impl Talk {
        fn with(machine: Transaction) -> Talk {
            Talk { machine, now: Tick::ZERO }
        }

        #[track_caller]
        fn says(&mut self, expected: &[Output]) -> &mut Talk {
            let said: Vec<Output> = std::iter::from_fn(|| self.machine.poll()).collect();
            assert_eq!(said, expected, "at {} in {:?}", self.now, self.machine.snapshot());
            self
        }

        /// Lets time pass up to `ms` and writes down at which milliseconds something was said.
        fn until(&mut self, ms: u64) -> Vec<(u64, Output)> {
            let mut heard = Vec::new();
            while let Some((at, _)) = self.machine.next_timeout().filter(|(at, _)| at.0 <= ms) {
                self.now = at;
                self.machine.handle_timeout(at);
                heard.extend(std::iter::from_fn(|| self.machine.poll()).map(|o| (at.0, o)));
            }
            self.now = Tick(ms);
            heard
        }

        fn hears(&mut self, class: Class) -> &mut Talk {
            self.machine.handle_response(self.now, class);
            self
        }

        fn hears_request(&mut self) -> &mut Talk {
            self.machine.handle_request(self.now);
            self
        }

        fn hears_ack(&mut self) -> &mut Talk {
            self.machine.handle_ack(self.now);
            self
        }

        fn answers(&mut self, class: Class) -> &mut Talk {
            self.machine.respond(self.now, class);
            self
        }
    }

    fn sent_at(heard: &[(u64, Output)], what: Output) -> Vec<u64> {
        heard.iter().filter(|(_, o)| *o == what).map(|(at, _)| *at).collect()
    }

    #[test]
    fn an_unanswered_invite_is_sent_seven_times_and_given_up_after_32_seconds() {
        let mut t = Talk::with(Transaction::client_invite(Tick::ZERO, false));
        t.says(&[SendRequest]);
        let heard = t.until(60_000);
        assert_eq!(sent_at(&heard, SendRequest), [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!(heard[6..], [(32_000, TimedOut), (32_000, Terminated)]);
        assert_eq!(t.machine.next_timeout(), None);
    }

    #[test]
    fn a_provisional_answer_stops_the_repetition_and_the_clock() {
        let mut t = Talk::with(Transaction::client_invite(Tick::ZERO, false));
        t.says(&[SendRequest]).hears(Provisional).says(&[Deliver]);
        assert_eq!(t.until(600_000), []);
        t.hears(Provisional).says(&[Deliver]);
    }

    #[test]
    fn a_refused_invite_is_acknowledged_as_often_as_the_refusal_comes() {
        let mut t = Talk::with(Transaction::client_invite(Tick::ZERO, false));
        t.says(&[SendRequest]).hears(Provisional).says(&[Deliver]);
        t.hears(Failure).says(&[SendAck, Deliver]);
        t.hears(Failure).says(&[SendAck]);
        t.hears(Success).hears(Provisional).says(&[]);
        assert_eq!(t.until(60_000), [(32_000, Terminated)]);
    }

    #[test]
    fn every_repeated_2xx_reaches_the_user_for_64_t1() {
        let mut t = Talk::with(Transaction::client_invite(Tick::ZERO, false));
        t.says(&[SendRequest]).hears(Success).says(&[Deliver]);
        t.hears(Success).says(&[Deliver]);
        t.hears(Failure).hears(Provisional).says(&[]);
        assert_eq!(t.until(60_000), [(32_000, Terminated)]);
        t.hears(Success).says(&[]);
    }

    #[test]
    fn a_cancelled_invite_that_nobody_ends_is_given_up_64_t1_after_the_cancel() {
        let mut t = Talk::with(Transaction::client_invite(Tick::ZERO, false));
        t.says(&[SendRequest]).hears(Provisional).says(&[Deliver]);
        assert_eq!(t.until(100_000), []);
        t.machine.abandon(t.now);
        t.hears(Provisional).says(&[Deliver]);
        assert_eq!(t.until(200_000), [(132_000, TimedOut), (132_000, Terminated)]);
    }

    #[test]
    fn a_request_is_repeated_with_at_most_t2_between() {
        let mut t = Talk::with(Transaction::client_non_invite(Tick::ZERO, false));
        t.says(&[SendRequest]);
        let heard = t.until(60_000);
        let ladder = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        assert_eq!(sent_at(&heard, SendRequest), ladder);
        assert_eq!(heard[10..], [(32_000, TimedOut), (32_000, Terminated)]);
    }

    #[test]
    fn a_request_that_is_worked_on_is_still_repeated_but_slowly() {
        let mut t = Talk::with(Transaction::client_non_invite(Tick::ZERO, false));
        t.says(&[SendRequest]).hears(Provisional).says(&[Deliver]);
        let heard = t.until(10_000);
        assert_eq!(sent_at(&heard, SendRequest), [500, 4_500, 8_500]);
        t.hears(Success).says(&[Deliver]).hears(Success).says(&[]);
        assert_eq!(t.until(60_000), [(15_000, Terminated)]);
    }

    #[test]
    fn a_repeated_invite_is_answered_by_the_last_provisional() {
        let mut t = Talk::with(Transaction::server_invite(false));
        t.says(&[Deliver]).answers(Provisional).says(&[SendResponse]);
        t.hears_request().says(&[SendResponse]);
        assert_eq!(t.until(600_000), []);
    }

    #[test]
    fn a_refusal_is_repeated_until_the_ack_and_late_acks_are_swallowed() {
        let mut t = Talk::with(Transaction::server_invite(false));
        t.says(&[Deliver]).answers(Failure).says(&[SendResponse]);
        assert_eq!(sent_at(&t.until(4_000), SendResponse), [500, 1_500, 3_500]);
        t.hears_ack().says(&[]).hears_ack().hears_request().says(&[]);
        assert_eq!(t.until(60_000), [(9_000, Terminated)]);
    }

    #[test]
    fn a_refusal_that_nobody_acknowledges_is_given_up() {
        let mut t = Talk::with(Transaction::server_invite(false));
        t.says(&[Deliver]).answers(Failure).says(&[SendResponse]);
        let heard = t.until(60_000);
        assert_eq!(sent_at(&heard, SendResponse).len(), 10);
        assert_eq!(heard[10..], [(32_000, TimedOut), (32_000, Terminated)]);
    }

    #[test]
    fn an_accepted_invite_passes_acks_up_and_swallows_repeated_invites() {
        let mut t = Talk::with(Transaction::server_invite(false));
        t.says(&[Deliver]).answers(Success).says(&[SendResponse]);
        t.hears_request().says(&[]).answers(Success).says(&[SendResponse]);
        t.hears_ack().says(&[Deliver]).answers(Failure).says(&[]);
        assert_eq!(t.until(60_000), [(32_000, Terminated)]);
    }

    #[test]
    fn a_repeated_request_gets_the_same_answer_again_and_a_second_answer_is_not_taken() {
        let mut t = Talk::with(Transaction::server_non_invite(false));
        t.says(&[Deliver]).hears_request().says(&[]);
        t.answers(Success).says(&[SendResponse]).hears_request().says(&[SendResponse]);
        assert!(!t.machine.respond(t.now, Failure));
        assert_eq!(t.until(60_000), [(32_000, Terminated)]);
    }

    #[test]
    fn a_reliable_transport_repeats_nothing_and_absorbs_nothing() {
        let mut t = Talk::with(Transaction::client_invite(Tick::ZERO, true));
        t.says(&[SendRequest]);
        assert_eq!(t.until(31_999), []);
        t.hears(Failure).says(&[SendAck, Deliver]);
        assert_eq!(t.until(60_000), [(31_999, Terminated)]);

        let mut t = Talk::with(Transaction::server_non_invite(true));
        t.says(&[Deliver]).answers(Success).says(&[SendResponse]);
        assert_eq!(t.until(60_000), [(0, Terminated)]);
    }

    #[test]
    fn a_client_hears_of_a_dead_transport_and_a_server_invite_outlives_it() {
        let mut t = Talk::with(Transaction::client_non_invite(Tick::ZERO, false));
        t.says(&[SendRequest]).machine.handle_transport_error(Tick::ZERO);
        t.says(&[Output::TransportFailed, Terminated]);

        let mut t = Talk::with(Transaction::server_invite(false));
        t.says(&[Deliver]).answers(Failure).says(&[SendResponse]);
        t.machine.handle_transport_error(Tick::ZERO);
        t.says(&[Output::TransportFailed]).hears_ack();
        assert_eq!(t.machine.snapshot(), State::ServerInvite(ServerInvite::Confirmed));
    }

    #[test]
    fn every_wake_up_says_which_timer_it_is() {
        let mut t = Talk::with(Transaction::client_invite(Tick::ZERO, false));
        assert_eq!(t.machine.next_timeout(), Some((Tick(500), Timer::TimerA)));
        t.until(31_900);
        assert_eq!(t.machine.next_timeout(), Some((Tick(32_000), Timer::TimerB)));
        t.hears(Failure);
        assert_eq!(t.machine.next_timeout(), Some((Tick(63_900), Timer::TimerD)));
    }
}
