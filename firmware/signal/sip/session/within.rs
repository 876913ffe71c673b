//! What the far end asks inside a dialog: BYE, re-INVITE, UPDATE, INFO, OPTIONS (RFC 3261 §12.2.2,
//! §14.2, §15.1.2; RFC 3311; RFC 6086).

use call::{Cause, Side, Tick};

use super::{Fact, Output, Reoffered, Session, State, reasons, sdp_of};
use crate::limits::REOFFER_LIMIT_MS;
use crate::sip::cause;
use crate::sip::flow::Flow;
use crate::sip::transactions::TxId;
use crate::sip::wire::{HeaderName, Method, Request, StatusCode};

impl Session {
    /// A request of the far end in this dialog; every one is answered, now or by the owner.
    pub fn handle_request(&mut self, now: Tick, tx: TxId, from: Flow, request: &Request) {
        let in_order = self.dialog.as_mut().is_none_or(|dialog| dialog.admit(&request.cseq));
        if !in_order {
            return self.reply(tx, request, StatusCode::SERVER_INTERNAL_ERROR);
        }
        if matches!(request.method, Method::Invite | Method::Update)
            && let Some(dialog) = &mut self.dialog
        {
            dialog.refresh(&request.headers, Some(from));
        }
        match &request.method {
            Method::Bye => self.far_bye(tx, request),
            Method::Invite => self.reinvited(now, tx, request),
            Method::Update => self.updated(now, tx, request),
            Method::Info => self.informed(tx, request),
            Method::Options => self.reply(tx, request, StatusCode::OK),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Other(_) => self.reply(tx, request, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// Takes the far end's new offer with our answer; or, if it made none, answers with our offer.
    pub fn accept_reoffer(&mut self, now: Tick, sdp: &str) {
        let Some(Reoffered { tx, request, .. }) = self.reoffered.take() else { return };
        let mut response = self.answer_to(&request, StatusCode::OK);
        response.set_body("application/sdp", sdp);
        let awaits_answer = sdp_of(&request.headers, &request.body).is_none();
        self.accept(now, tx, response, awaits_answer);
    }

    /// Refuses the far end's new offer; the call goes on as it was (RFC 3261 §14.2).
    pub fn refuse_reoffer(&mut self) {
        if let Some(Reoffered { tx, request, .. }) = self.reoffered.take() {
            self.reply(tx, &request, StatusCode::NOT_ACCEPTABLE_HERE);
        }
    }

    /// A final answer without a body.
    fn reply(&mut self, tx: TxId, request: &Request, status: StatusCode) {
        let response = self.answer_to(request, status);
        self.respond(tx, response);
    }

    fn far_bye(&mut self, tx: TxId, request: &Request) {
        self.reply(tx, request, StatusCode::OK);
        let cause = cause::of_release(reasons(&request.headers));
        let cause = cause.unwrap_or(Cause::NormalClearing);
        match self.state {
            // RFC 3261 §15.1.2: a pending INVITE is answered too.
            State::Incoming => {
                let response = self.answer_to(&self.invite, StatusCode::REQUEST_TERMINATED);
                self.respond_invite(response);
                self.end(cause, Side::Far);
            }
            // Before the answer: the 2xx is still on its way and has been overtaken by its BYE.
            State::Calling
            | State::Proceeding
            | State::Cancelling { .. }
            | State::Answered
            | State::Leaving
            | State::Confirmed
            // Both have hung up at once: ours came first here, and that is what we tell.
            | State::Releasing => self.end(cause, Side::Far),
            State::Ended => {}
        }
    }

    fn reinvited(&mut self, now: Tick, tx: TxId, request: &Request) {
        match self.state {
            // Our own INVITE is not finished: glare (RFC 3261 §14.2).
            State::Calling | State::Proceeding | State::Cancelling { .. } | State::Answered => {
                self.reply(tx, request, StatusCode::REQUEST_PENDING);
            }
            State::Incoming => self.not_yet(tx, request),
            State::Confirmed => self.reoffer(now, tx, request),
            State::Leaving | State::Releasing | State::Ended => {
                self.reply(tx, request, StatusCode::NO_SUCH_CALL);
            }
        }
    }

    fn updated(&mut self, now: Tick, tx: TxId, request: &Request) {
        if sdp_of(&request.headers, &request.body).is_none() {
            // Nothing but a refreshed target or session timer.
            return self.reply(tx, request, StatusCode::OK);
        }
        self.reinvited(now, tx, request);
    }

    fn reoffer(&mut self, now: Tick, tx: TxId, request: &Request) {
        if self.reoffered.is_some() {
            return self.not_yet(tx, request);
        }
        // A new INVITE says that the far end has our last 2xx, whatever became of its ACK.
        self.unacknowledged = None;
        let until = now + REOFFER_LIMIT_MS;
        self.reoffered = Some(Reoffered { tx, request: request.clone(), until });
        if request.method == Method::Invite {
            self.reply(tx, request, StatusCode::TRYING);
        }
        let offer = sdp_of(&request.headers, &request.body);
        self.out.push_back(Output::Fact(Fact::Reoffer { offer }));
    }

    /// RFC 3261 §14.2, RFC 3311 §5.2: a second offer before the first is answered.
    fn not_yet(&mut self, tx: TxId, request: &Request) {
        let mut response = self.answer_to(request, StatusCode::SERVER_INTERNAL_ERROR);
        response.headers.push(HeaderName::RetryAfter, 3);
        self.respond(tx, response);
    }

    fn informed(&mut self, tx: TxId, request: &Request) {
        let media_type = request.headers.content_type();
        match media_type.as_deref() {
            Some("application/dtmf-relay") => {
                if let Some((digit, duration_ms)) = dtmf_relay(&request.body) {
                    self.out.push_back(Output::Fact(Fact::Digit { digit, duration_ms }));
                }
                self.reply(tx, request, StatusCode::OK);
            }
            None => self.reply(tx, request, StatusCode::OK),
            Some(_) => {
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                let mut response = self.answer_to(request, status);
                response.headers.push(HeaderName::Accept, super::ACCEPT);
                self.respond(tx, response);
            }
        }
    }
}

/// `Signal=5` and `Duration=160`, one a line; a phone that tells no duration means the usual one.
fn dtmf_relay(body: &[u8]) -> Option<(char, u32)> {
    let text = core::str::from_utf8(body).ok()?;
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let signal = field("Signal")?.to_ascii_uppercase();
    // Some phones send the numbers of RFC 4733 for the two that are no digits.
    let digit = match signal.as_str() {
        "10" => '*',
        "11" => '#',
        other => {
            let mut chars = other.chars();
            let digit = chars.next().filter(|c| "0123456789*#ABCD".contains(*c))?;
            if chars.next().is_some() {
                return None;
            }
            digit
        }
    };
    let duration = field("Duration").and_then(|d| d.parse().ok()).unwrap_or(160);
    Some((digit, duration))
}
