//! One call as its user agent sees it: an INVITE session (RFC 3261 §13–15), caller or callee.
//!
//! A session turns messages into the phases of a leg and the owner's orders into messages. It does
//! not know transactions (the endpoint opens them for it), nor sockets, nor what an SDP means.
//! How long it may ring is the owner's business; the session's own limit only catches an owner who
//! has forgotten it. It never follows a redirection and never offers 100rel.
//!
//! ```text
//!  caller                                       callee
//!
//!   Calling ─1xx► Proceeding ─2xx► Confirmed      Incoming ─answer► Answered ─ACK► Confirmed
//!      │ hang_up      │ hang_up       │              │ reject,          │ hang_up      │
//!      ▼              ▼               │              │ CANCEL           ▼              │
//!   Cancelling ──1xx─► (CANCEL)       │              ▼               Leaving           │
//!      │   └──2xx──► ACK, BYE         │            Ended                │ ACK: BYE      │
//!      ▼                 └──►  Releasing ◄─── hang_up ──────────────────┴───────────────┘
//!    Ended ◄── 3xx-6xx           │ answer, 64·T1 or the far end's BYE
//!                                ▼
//!                              Ended
//!
//!  a 2xx that is not acknowledged (callee), in milliseconds after it was given:
//!     again at 500 1500 3500 7500 11500 15500 … 31500, BYE at 32 000 (RFC 3261 §13.3.1.4)
//! ```

mod callee;
mod caller;
mod within;

use std::collections::VecDeque;

use call::{Cause, LegPhase, Side, Tick};

use super::cause;
use super::dialog::{Dialog, Hop};
use super::flow::Flow;
use super::login::{Challenged, Login};
use super::token::Tokens;
use super::transactions::TxId;
use super::wire::{HeaderName, Headers, Method, NameAddr, Request, Response, StatusCode};
use crate::limits::CHALLENGES_MAX;

/// What we take, for Allow (RFC 3261 §20.5).
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE";
/// The bodies we read, for Accept (RFC 3261 §20.1).
pub const ACCEPT: &str = "application/sdp, application/dtmf-relay";

/// The Reason of a call that another phone has taken (RFC 3326 §3.1): none was missed.
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Caller: the INVITE is out, nothing has come back.
    Calling,
    /// Caller: a 1xx has come.
    Proceeding,
    /// Caller: the owner has hung up before the answer.
    Cancelling {
        /// Whether the CANCEL is out. It must wait for a 1xx (RFC 3261 §9.1).
        asked: bool,
    },
    /// Callee: an INVITE waits for its final answer.
    Incoming,
    /// Callee: our 2xx waits for its ACK.
    Answered,
    /// Callee: the owner has hung up while our 2xx waits for its ACK (no BYE before it, §15).
    Leaving,
    /// Both may talk.
    Confirmed,
    /// Our BYE waits for its answer.
    Releasing,
    /// Over.
    Ended,
}

/// The timers of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Gives our 2xx again: T1 after the first, twice as long each up to T2.
    Repeat2xx,
    /// Gives up waiting for the ACK 64·T1 after our 2xx.
    AwaitAck,
    /// Gives our last 18x again each minute (RFC 3261 §13.3.1.1).
    Repeat18x,
    /// Ends a ringing that its owner has forgotten.
    RingLimit,
    /// Refuses a new offer of the far end that the owner has not answered.
    ReofferLimit,
}

/// What a request of ours is for; the endpoint keeps it beside the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// The INVITE that began the call.
    Invite,
    /// Its CANCEL.
    Cancel,
    /// The BYE.
    Bye,
    /// The BYE of a second 2xx that a forking proxy let through.
    StrayBye,
}

/// Why a request of ours will have no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing came in 64·T1.
    TimedOut,
    /// The table of transactions was full.
    Full,
}

/// A fact for the owner of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The leg is now in this phase, or still is and has news about its sound. Never goes back.
    Phase {
        /// The phase.
        phase: LegPhase,
        /// Why, when it is releasing or ended.
        cause: Option<Cause>,
        /// Who ended it, when it is releasing or ended.
        by: Option<Side>,
        /// The far end's answer, or its early media. An answer that came early is not always given
        /// again with `Answered`: then the early one stands.
        sdp: Option<String>,
    },
    /// The far end wants other sound (hold, resume, a new address): accept or refuse it.
    Reoffer {
        /// Its offer; without one, ours is asked for.
        offer: Option<String>,
    },
    /// The far end's answer to an offer of ours that went out in a 2xx (RFC 3264 §4).
    LateAnswer {
        /// Its answer.
        sdp: String,
    },
    /// A key was pressed, told by INFO (`application/dtmf-relay`).
    Digit {
        /// One of `0-9 * # A-D`.
        digit: char,
        /// For how long, in milliseconds.
        duration_ms: u32,
    },
}

/// What a session asks of the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this request in a client transaction.
    Request {
        /// What for.
        ask: Ask,
        /// Where to.
        to: Flow,
        /// Without Via.
        request: Box<Request>,
    },
    /// Cancel the INVITE.
    Cancel {
        /// The value of its Reason header.
        reason: String,
    },
    /// Send this ACK of a 2xx.
    Ack {
        /// Where to.
        to: Flow,
        /// Without Via.
        request: Box<Request>,
    },
    /// Answer a request.
    Respond {
        /// Which one.
        tx: TxId,
        /// The answer.
        response: Box<Response>,
    },
    /// Tell the owner.
    Fact(Fact),
}

/// What both kinds of session are born with.
#[derive(Clone, Debug)]
pub struct Birth {
    /// The path to the far end.
    pub flow: Flow,
    /// How the next hop of later requests is found.
    pub hop: Hop,
    /// Our Contact.
    pub contact: NameAddr,
    /// What we call ourselves in User-Agent and Server.
    pub agent: String,
    /// What we answer a challenge with, if we are known there.
    pub login: Option<Login>,
    /// The session's own words.
    pub tokens: Tokens,
}

/// A 2xx that waits for its ACK.
#[derive(Clone, Debug)]
struct Unacknowledged {
    tx: TxId,
    response: Response,
    interval_ms: u64,
    again: Tick,
    until: Tick,
    /// Our offer went out in it, so the ACK brings the answer.
    awaits_answer: bool,
}

/// A new offer of the far end that waits for its owner.
#[derive(Clone, Debug)]
struct Reoffered {
    tx: TxId,
    request: Request,
    until: Tick,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Session {
    state: State,
    phase: LegPhase,
    birth: Birth,
    /// The INVITE that began the call: the caller's last sent, the callee's received.
    invite: Request,
    /// Callee: the transaction of that INVITE.
    invite_tx: Option<TxId>,
    dialog: Option<Dialog>,
    challenged: Option<Challenged>,
    /// Challenges answered for the request that is out.
    tries: u32,
    /// Why and by whom it will have ended, once somebody has hung up.
    release: Option<(Cause, Side)>,
    /// Another phone has taken the call.
    elsewhere: bool,
    unacknowledged: Option<Unacknowledged>,
    reoffered: Option<Reoffered>,
    /// Callee: the last 18x, and when it is given again.
    reminder: Option<(Tick, Response)>,
    ring_limit: Option<Tick>,
    out: VecDeque<Output>,
}

/// What the world may see of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The state.
    pub state: State,
    /// The phase last told to the owner.
    pub phase: LegPhase,
}

impl Session {
    /// Ends the call in whatever way its state demands: CANCEL, BYE, or a refusal. The end is told
    /// when the far end has confirmed it, or at latest 64·T1 after.
    pub fn hang_up(&mut self, cause: Cause) {
        match self.state {
            State::Calling => {
                self.releasing(cause);
                self.state = State::Cancelling { asked: false };
            }
            State::Proceeding => {
                self.releasing(cause);
                self.cancel();
            }
            State::Incoming => self.reject(cause),
            State::Answered => {
                self.releasing(cause);
                self.state = State::Leaving;
            }
            State::Confirmed => {
                self.releasing(cause);
                self.bye();
            }
            State::Cancelling { .. } | State::Leaving | State::Releasing | State::Ended => {}
        }
    }

    /// Another phone has taken the call that this one rings for: ends it, and says so, so that
    /// nobody finds a missed call here.
    pub fn give_way(&mut self) {
        self.elsewhere = true;
        self.hang_up(Cause::NormalClearing);
    }

    /// Fires the timers that are due.
    pub fn handle_timeout(&mut self, now: Tick) {
        self.repeat_2xx(now);
        if let Some((at, response)) = self.reminder.clone().filter(|(at, _)| *at <= now) {
            self.reminder = Some((at + crate::limits::REMIND_MS, response.clone()));
            self.respond_invite(response);
        }
        if self.ring_limit.take_if(|at| *at <= now).is_some() {
            self.hang_up(Cause::NoAnswer);
        }
        if self.reoffered.as_ref().is_some_and(|reoffered| reoffered.until <= now) {
            self.refuse_reoffer();
        }
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted, and for which timer.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let unacknowledged = self.unacknowledged.as_ref();
        [
            unacknowledged.map(|u| (u.again, Timer::Repeat2xx)),
            unacknowledged.map(|u| (u.until, Timer::AwaitAck)),
            self.reminder.as_ref().map(|(at, _)| (*at, Timer::Repeat18x)),
            self.ring_limit.map(|at| (at, Timer::RingLimit)),
            self.reoffered.as_ref().map(|r| (r.until, Timer::ReofferLimit)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Where the session stands.
    #[must_use]
    pub const fn snapshot(&self) -> Snapshot {
        Snapshot { state: self.state, phase: self.phase }
    }

    /// The dialog, once there is one.
    #[must_use]
    pub const fn dialog(&self) -> Option<&Dialog> {
        self.dialog.as_ref()
    }

    /// The path on which the call began.
    #[must_use]
    pub const fn far_end(&self) -> Flow {
        self.birth.flow
    }

    /// The INVITE that began the call.
    #[must_use]
    pub const fn invite(&self) -> &Request {
        &self.invite
    }

    fn new(state: State, birth: Birth, invite: Request) -> Session {
        Session {
            state,
            phase: LegPhase::Idle,
            birth,
            invite,
            invite_tx: None,
            dialog: None,
            challenged: None,
            tries: 0,
            release: None,
            elsewhere: false,
            unacknowledged: None,
            reoffered: None,
            reminder: None,
            ring_limit: None,
            out: VecDeque::new(),
        }
    }

    /// Tells a phase, unless the leg is further already; news about sound are told in any case.
    fn tell(&mut self, phase: LegPhase, sdp: Option<String>) {
        if phase <= self.phase && sdp.is_none() {
            return;
        }
        self.phase = self.phase.max(phase);
        let (cause, by) = self.release.unzip();
        let fact = Fact::Phase { phase: self.phase, cause, by, sdp };
        self.out.push_back(Output::Fact(fact));
    }

    /// The owner has hung up.
    fn releasing(&mut self, cause: Cause) {
        self.release = Some((cause, Side::Box));
        self.ring_limit = None;
        self.tell(LegPhase::Releasing, None);
    }

    /// Over. If somebody had hung up before, that stays the reason.
    fn end(&mut self, cause: Cause, by: Side) {
        if self.state == State::Ended {
            return;
        }
        self.release.get_or_insert((cause, by));
        self.state = State::Ended;
        self.unacknowledged = None;
        self.reminder = None;
        self.ring_limit = None;
        if let Some(reoffered) = self.reoffered.take() {
            let refusal = self.answer_to(&reoffered.request, StatusCode::REQUEST_TERMINATED);
            self.respond(reoffered.tx, refusal);
        }
        self.tell(LegPhase::Ended, None);
    }

    /// Sends the BYE of a confirmed dialog.
    fn bye(&mut self) {
        let Some(dialog) = &mut self.dialog else {
            return self.end(Cause::ProtocolError, Side::Box);
        };
        let mut bye = dialog.request(Method::Bye);
        let to = dialog.next_hop();
        bye.headers.push(HeaderName::Reason, self.reason());
        bye.headers.push(HeaderName::UserAgent, &self.birth.agent);
        self.authorize(&mut bye);
        self.unacknowledged = None;
        self.state = State::Releasing;
        self.out.push_back(Output::Request { ask: Ask::Bye, to, request: Box::new(bye) });
    }

    /// Why we end the call, for the far end.
    fn reason(&self) -> String {
        if self.elsewhere {
            return ELSEWHERE.to_owned();
        }
        let (cause, _) = self.release.unwrap_or((Cause::NormalClearing, Side::Box));
        cause::reason_header(cause)
    }

    /// Puts our credentials on a request, if we were challenged before.
    fn authorize(&mut self, request: &mut Request) {
        if let (Some(challenged), Some(login)) = (&mut self.challenged, &self.birth.login) {
            challenged.authorize(request, login, self.birth.tokens.word());
        }
    }

    /// Takes a challenge over. Whether it is worth another try: once, or when only the nonce was
    /// too old, which nobody can say for ever.
    fn take_challenge(&mut self, response: &Response) -> bool {
        let Some(challenged) = Challenged::by(response) else { return false };
        let first = self.challenged.is_none() || challenged.is_stale();
        let worth = self.birth.login.is_some() && first && self.tries < CHALLENGES_MAX;
        if worth {
            self.tries += 1;
            self.challenged = Some(challenged);
        }
        worth
    }

    fn respond(&mut self, tx: TxId, response: Response) {
        self.out.push_back(Output::Respond { tx, response: Box::new(response) });
    }

    /// An answer to the far end's request with everything that is always there.
    fn answer_to(&self, request: &Request, status: StatusCode) -> Response {
        let mut response = Response::to_request(request, status);
        if let Some(dialog) = &self.dialog {
            response.tag_to(dialog.local_tag());
        }
        let method = &request.method;
        let offers_dialog = matches!(method, Method::Invite | Method::Update);
        if offers_dialog && status.code() > 100 && status.code() < 300 {
            for route in request.headers.all(&HeaderName::RecordRoute) {
                response.headers.push(HeaderName::RecordRoute, route);
            }
            response.headers.push(HeaderName::Contact, &self.birth.contact);
        }
        if status.is_success() && (offers_dialog || *method == Method::Options) {
            response.headers.push(HeaderName::Allow, ALLOW);
            response.headers.push(HeaderName::Accept, ACCEPT);
        }
        response.headers.push(HeaderName::Server, &self.birth.agent);
        response
    }
}

/// The session description of a message, if it has one that is text.
#[must_use]
pub fn sdp_of(headers: &Headers, body: &[u8]) -> Option<String> {
    let is_sdp = headers.content_type().as_deref() == Some("application/sdp");
    let text = if is_sdp { String::from_utf8(body.to_vec()).ok() } else { None };
    text.filter(|text| !text.is_empty())
}

/// Every Q.850 reason that a message gives.
fn reasons(headers: &Headers) -> impl Iterator<Item = &str> {
    headers.all(&HeaderName::Reason)
}
