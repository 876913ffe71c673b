//! The caller's side: our INVITE and what comes of it (RFC 3261 §13.2, §9.1).

use call::{Cause, LegPhase, Side, Tick};

use super::{Ask, Birth, Failure, Output, Session, State, reasons, sdp_of};
use crate::limits::RING_LIMIT_MS;
use crate::sip::cause;
use crate::sip::dialog::{Dialog, Hop};
use crate::sip::wire::{CSeq, HeaderName, Method, Request, Response, StatusCode};

impl Session {
    /// Calls somebody. `invite` is whole but for Via, Contact, Allow and User-Agent.
    #[must_use]
    pub fn call(now: Tick, birth: Birth, mut invite: Request) -> Session {
        invite.headers.set(HeaderName::Contact, &birth.contact);
        invite.headers.set(HeaderName::Allow, super::ALLOW);
        invite.headers.set(HeaderName::UserAgent, &birth.agent);
        let mut session = Session::new(State::Calling, birth, invite);
        session.ring_limit = Some(now + RING_LIMIT_MS);
        session.tell(LegPhase::Dialing, None);
        session.send_invite();
        session
    }

    /// An answer has come to a request of ours.
    pub fn handle_response(&mut self, ask: Ask, response: &Response) {
        match ask {
            Ask::Invite => self.invite_answered(response),
            Ask::Bye => self.bye_answered(response),
            // The INVITE's own answer tells how a CANCEL ended; a stray BYE concerns nobody.
            Ask::Cancel | Ask::StrayBye => {}
        }
    }

    /// A request of ours will have no answer.
    pub fn handle_failure(&mut self, failure: Failure, ask: Ask) {
        let cause = match (failure, self.state, self.birth.hop) {
            // Not even a 100 has come: there is no trunk, or no phone, where we look for it. Of the
            // person behind it this says nothing.
            (Failure::TimedOut, State::Calling, Hop::Routed) => Cause::NetworkOutOfOrder,
            (Failure::TimedOut, State::Calling, Hop::Symmetric) => Cause::SubscriberAbsent,
            (Failure::TimedOut, _, _) => Cause::NoUserResponding,
            (Failure::Full, _, _) => Cause::ResourceUnavailable,
        };
        match (ask, self.state) {
            (
                Ask::Invite,
                State::Calling | State::Proceeding | State::Cancelling { .. },
            )
            | (Ask::Bye, State::Releasing) => self.end(cause, Side::Box),
            (
                Ask::Invite,
                State::Incoming
                | State::Answered
                | State::Leaving
                | State::Confirmed
                | State::Releasing
                | State::Ended,
            )
            | (
                Ask::Bye,
                State::Calling
                | State::Proceeding
                | State::Cancelling { .. }
                | State::Incoming
                | State::Answered
                | State::Leaving
                | State::Confirmed
                | State::Ended,
            )
            // Without its CANCEL the INVITE ends by TimerB or by its own answer.
            | (Ask::Cancel | Ask::StrayBye, _) => {}
        }
    }

    /// Asks for the CANCEL.
    pub(super) fn cancel(&mut self) {
        self.state = State::Cancelling { asked: true };
        self.out.push_back(Output::Cancel { reason: self.reason() });
    }

    fn send_invite(&mut self) {
        let mut invite = self.invite.clone();
        self.authorize(&mut invite);
        let (to, request) = (self.birth.flow, Box::new(invite));
        self.out.push_back(Output::Request { ask: Ask::Invite, to, request });
    }

    fn invite_answered(&mut self, response: &Response) {
        if response.cseq.number != self.invite.cseq.number {
            return;
        }
        let status = response.status;
        match (self.state, status.code()) {
            (State::Calling | State::Proceeding, ..=199) => self.proceed(response),
            (State::Cancelling { asked: false }, ..=199) => self.cancel(),
            (State::Calling | State::Proceeding, 200..=299) => {
                self.confirm(response);
                self.state = State::Confirmed;
                self.tell(LegPhase::Answered, sdp_of(&response.headers, &response.body));
            }
            // The answer has crossed our CANCEL: it stands, and only a BYE ends it now.
            (State::Cancelling { .. }, 200..=299) => {
                self.confirm(response);
                self.bye();
            }
            (State::Confirmed | State::Releasing, 200..=299) => self.acknowledge_again(response),
            (State::Calling | State::Proceeding, 401 | 407) if self.take_challenge(response) => {
                self.invite.cseq.number += 1;
                self.state = State::Calling;
                self.send_invite();
            }
            (State::Calling | State::Proceeding, 300..) => {
                let cause = cause::of_refusal(status.code(), reasons(&response.headers));
                self.end(cause, Side::Far);
            }
            (State::Cancelling { .. }, 300..) => self.end(Cause::Cancelled, Side::Box),
            (State::Cancelling { asked: true }, ..=199)
            | (State::Confirmed | State::Releasing, ..=199 | 300..)
            | (State::Incoming | State::Answered | State::Leaving | State::Ended, _) => {}
        }
    }

    /// A 1xx: the far end works on it, rings, or sends sound before the answer.
    fn proceed(&mut self, response: &Response) {
        self.state = State::Proceeding;
        if response.to.tag().is_some() && response.status != StatusCode::TRYING {
            let birth = &self.birth;
            let dialog = Dialog::of_response(&self.invite, response, birth.flow, birth.hop);
            self.dialog = Some(dialog);
        }
        let ringing = response.status == StatusCode::RINGING;
        let phase = if ringing { LegPhase::Alerting } else { LegPhase::Proceeding };
        self.tell(phase, sdp_of(&response.headers, &response.body));
    }

    /// The first 2xx makes the dialog.
    fn confirm(&mut self, response: &Response) {
        self.ring_limit = None;
        self.tries = 0;
        let birth = &self.birth;
        let dialog = Dialog::of_response(&self.invite, response, birth.flow, birth.hop);
        self.send_ack(&dialog);
        self.dialog = Some(dialog);
    }

    /// A further 2xx: the same again, because our ACK was lost; or another phone's, because a
    /// proxy has forked: that one is let go at once (RFC 3261 §13.2.2.4).
    fn acknowledge_again(&mut self, response: &Response) {
        let Some(dialog) = self.dialog.clone() else { return };
        if response.to.tag() == dialog.remote_tag() {
            return self.send_ack(&dialog);
        }
        let birth = &self.birth;
        let mut stray = Dialog::of_response(&self.invite, response, birth.flow, birth.hop);
        self.send_ack(&stray);
        let mut request = Box::new(stray.request(Method::Bye));
        self.authorize(&mut request);
        self.out.push_back(Output::Request { ask: Ask::StrayBye, to: stray.next_hop(), request });
    }

    fn send_ack(&mut self, dialog: &Dialog) {
        let mut ack = dialog.ack(self.invite.cseq.number);
        ack.cseq = CSeq { number: self.invite.cseq.number, method: Method::Ack };
        // RFC 3261 §22.1: an ACK carries the credentials of its INVITE.
        self.authorize(&mut ack);
        let request = Box::new(ack);
        self.out.push_back(Output::Ack { to: dialog.next_hop(), request });
    }

    fn bye_answered(&mut self, response: &Response) {
        let challenged = matches!(
            response.status,
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        );
        if self.state != State::Releasing || !response.status.is_final() {
            return;
        }
        if challenged && self.take_challenge(response) {
            return self.bye();
        }
        // Whatever the far end says, it does not know this call any more.
        self.end(Cause::NormalClearing, Side::Box);
    }
}
