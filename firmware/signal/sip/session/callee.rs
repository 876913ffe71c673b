//! The callee's side: somebody's INVITE and our answer (RFC 3261 §13.3, §9.2).

use call::{Cause, LegPhase, Side, Tick};

use super::{Birth, Fact, Output, Session, State, Unacknowledged, reasons, sdp_of};
use crate::limits::{REMIND_MS, RING_LIMIT_MS};
use crate::sip::cause;
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{GIVE_UP_MS, T1_MS, T2_MS};
use crate::sip::transactions::TxId;
use crate::sip::wire::{HeaderName, Method, Request, Response, StatusCode};

impl Session {
    /// Is called by somebody. `tag` is our tag of this dialog.
    #[must_use]
    pub fn ring(now: Tick, birth: Birth, tx: TxId, invite: Request, tag: &str) -> Session {
        let dialog = Dialog::of_request(&invite, tag, birth.flow, birth.hop);
        let mut session = Session::new(State::Incoming, birth, invite);
        session.phase = LegPhase::Dialing;
        session.invite_tx = Some(tx);
        session.dialog = Some(dialog);
        session.ring_limit = Some(now + RING_LIMIT_MS);
        session.respond_invite(Response::to_request(&session.invite, StatusCode::TRYING));
        session
    }

    /// Tells the caller that it rings, or that the call proceeds; with `sdp`, sound flows already.
    pub fn progress(&mut self, now: Tick, status: StatusCode, sdp: Option<&str>) {
        let fits = status.is_provisional() && status != StatusCode::TRYING;
        if self.state != State::Incoming || !fits {
            return;
        }
        let mut response = self.answer_to(&self.invite, status);
        if let Some(sdp) = sdp {
            response.set_body("application/sdp", sdp);
        }
        self.reminder = Some((now + REMIND_MS, response.clone()));
        self.respond_invite(response);
        let ringing = status == StatusCode::RINGING;
        self.tell(if ringing { LegPhase::Alerting } else { LegPhase::Proceeding }, None);
    }

    /// Answers the call. `sdp` is our answer, or our offer if the caller made none.
    pub fn answer(&mut self, now: Tick, sdp: &str) {
        let (State::Incoming, Some(tx)) = (self.state, self.invite_tx) else { return };
        let mut response = self.answer_to(&self.invite, StatusCode::OK);
        response.set_body("application/sdp", sdp);
        let awaits_answer = sdp_of(&self.invite.headers, &self.invite.body).is_none();
        self.state = State::Answered;
        self.ring_limit = None;
        self.reminder = None;
        self.accept(now, tx, response, awaits_answer);
        self.tell(LegPhase::Answered, None);
    }

    /// Refuses the call.
    pub fn reject(&mut self, cause: Cause) {
        if self.state != State::Incoming {
            return;
        }
        let status = StatusCode::new(cause::to_status(cause));
        let status = status.unwrap_or(StatusCode::TEMPORARILY_UNAVAILABLE);
        let mut response = self.answer_to(&self.invite, status);
        response.headers.push(HeaderName::Reason, cause::reason_header(cause));
        self.respond_invite(response);
        self.end(cause, Side::Box);
    }

    /// The caller has cancelled; the CANCEL itself is answered already.
    pub fn handle_cancel(&mut self, cancelled: TxId, cancel: &Request) {
        if self.state == State::Incoming && self.invite_tx == Some(cancelled) {
            let response = self.answer_to(&self.invite, StatusCode::REQUEST_TERMINATED);
            self.respond_invite(response);
            let cause = cause::of_release(reasons(&cancel.headers));
            self.end(cause.unwrap_or(Cause::NormalClearing), Side::Far);
        } else if let Some(reoffered) = self.reoffered.take_if(|r| r.tx == cancelled) {
            let response = self.answer_to(&reoffered.request, StatusCode::REQUEST_TERMINATED);
            self.respond(reoffered.tx, response);
        }
    }

    /// An ACK has come.
    pub fn handle_ack(&mut self, ack: &Request) {
        let ours = |u: &mut Unacknowledged| u.response.cseq.number == ack.cseq.number;
        let Some(acknowledged) = self.unacknowledged.take_if(ours) else { return };
        match self.state {
            State::Answered => self.state = State::Confirmed,
            State::Leaving => return self.bye(),
            // The ACK of an answer to a re-INVITE.
            State::Confirmed => {}
            State::Calling
            | State::Proceeding
            | State::Cancelling { .. }
            | State::Incoming
            | State::Releasing
            | State::Ended => return,
        }
        let answer = sdp_of(&ack.headers, &ack.body).filter(|_| acknowledged.awaits_answer);
        if let Some(sdp) = answer {
            self.out.push_back(Output::Fact(Fact::LateAnswer { sdp }));
        }
    }

    pub(super) fn respond_invite(&mut self, response: Response) {
        if let Some(tx) = self.invite_tx {
            self.respond(tx, response);
        }
    }

    /// Gives a 2xx to an INVITE and repeats it until its ACK.
    pub(super) fn accept(&mut self, now: Tick, tx: TxId, response: Response, awaits_answer: bool) {
        if response.cseq.method == Method::Invite {
            self.unacknowledged = Some(Unacknowledged {
                tx,
                response: response.clone(),
                interval_ms: T1_MS,
                again: now + T1_MS,
                until: now + GIVE_UP_MS,
                awaits_answer,
            });
        }
        self.respond(tx, response);
    }

    /// The timers of a 2xx that waits for its ACK.
    pub(super) fn repeat_2xx(&mut self, now: Tick) {
        let Some(unacknowledged) = &mut self.unacknowledged else { return };
        if unacknowledged.until <= now {
            // RFC 3261 §13.3.1.4: the session ends with a BYE.
            if self.release.is_none() {
                self.releasing(Cause::TimerExpiry);
            }
            return self.bye();
        }
        if unacknowledged.again <= now {
            unacknowledged.interval_ms = (unacknowledged.interval_ms * 2).min(T2_MS);
            unacknowledged.again = now + unacknowledged.interval_ms;
            let (tx, response) = (unacknowledged.tx, unacknowledged.response.clone());
            self.respond(tx, response);
        }
    }
}
