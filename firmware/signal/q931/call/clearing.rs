//! The end of a call: Q.931 §5.3, with tones §5.4.1, and what the data link does to it (§5.8.8,
//! §5.8.9).

use call::{Cause, Side, Tick};

use super::{Call, End, Output, cause_of};
use crate::q921::Role;
use crate::q931::cause;
use crate::q931::state::{Origin, Stage, State};
use crate::q931::timer::Timer;
use crate::q931::wire::{Element, Message, MessageType, ProgressIndicator};

impl Call {
    /// Ends the call as its state demands; of two reasons the first counts. `tone`: a network keeps
    /// the channel for a tone or announcement until T306 or the next `hang_up`. Returns whether there
    /// is anything to end.
    pub fn hang_up(&mut self, now: Tick, cause: Cause, tone: bool) -> bool {
        let tone = tone && self.role == Role::Network;
        match self.state {
            State::Null | State::ReleaseRequest => return false,
            State::DisconnectRequest | State::DisconnectIndication => {
                // Only a tone waits for us: the far end's, or our own.
                let Some((_, Timer::Listen | Timer::T306)) = self.timer else { return false };
                self.send_release(now, true);
            }
            State::CallInitiated | State::CallPresent if self.origin == Origin::Theirs && !tone => {
                let end = End::new(cause, Side::Box);
                self.send_cause(MessageType::ReleaseComplete, &end);
                self.finish(end.cause, end.by);
            }
            State::CallInitiated
            | State::CallPresent
            | State::OverlapSending
            | State::OverlapReceiving
            | State::OutgoingCallProceeding
            | State::IncomingCallProceeding
            | State::CallDelivered
            | State::CallReceived
            | State::ConnectRequest
            | State::Active => {
                // A tone needs a channel that both sides know.
                let tone = tone && (self.proceed(false) || self.state.stage() != Stage::Begun);
                self.disconnect(now, End::new(cause, Side::Box), tone);
            }
        }
        true
    }

    /// The channel of this call is restarted by that side: everything of it is forgotten, without a
    /// message (§5.5).
    pub fn restarted(&mut self, by: Side) {
        self.finish(Cause::TemporaryFailure, by);
    }

    /// The data link came anew while it was up. If messages may be lost (§5.8.8), digits are, and a
    /// call with overlap ends. Every other call asks how the far end stands.
    pub fn handle_link_reset(&mut self, now: Tick, lost: bool) {
        match self.state.stage() {
            Stage::Overlap if !lost => {}
            Stage::Overlap => self.clear(now, End::new(Cause::TemporaryFailure, Side::Box)),
            Stage::Proceeding | Stage::Ringing | Stage::Active => {
                if lost {
                    // A question of before is lost with the rest.
                    self.stop_enquiry();
                }
                self.enquire(now);
            }
            // Their own timers repeat what is lost.
            Stage::Null | Stage::Begun | Stage::Answered | Stage::Clearing => {}
        }
    }

    /// The data link is gone (§5.8.9): an active call waits T309 for it, every other one ends.
    pub fn handle_link_lost(&mut self, now: Tick) {
        match self.state.stage() {
            Stage::Active => {
                self.t322 = None;
                let at = now + self.timers.of(Timer::T309);
                self.t309.get_or_insert(at);
            }
            Stage::Null
            | Stage::Begun
            | Stage::Overlap
            | Stage::Proceeding
            | Stage::Ringing
            | Stage::Answered
            | Stage::Clearing => self.finish(Cause::TemporaryFailure, Side::Box),
        }
    }

    /// The data link is back (§5.8.9): an active call asks whether the far end has kept it too.
    pub fn handle_link_up(&mut self, now: Tick) {
        if self.t309.take().is_some() && self.state == State::Active {
            self.enquire(now);
        }
    }

    /// DISCONNECT has come (§5.3.3, §5.3.4). `wrong` is what must be said of it in our RELEASE.
    pub(super) fn disconnected(&mut self, now: Tick, message: &Message, wrong: Option<Element>) {
        match self.state {
            State::Null => {}
            State::ReleaseRequest => self.wrong_state(message.kind),
            State::DisconnectRequest | State::DisconnectIndication => {
                if matches!(self.timer, Some((_, Timer::Listen))) {
                    // It came again while we listen to a tone.
                    return self.wrong_state(message.kind);
                }
                // Both have sent it (§5.3.5).
                self.reproach = wrong;
                self.send_release(now, false);
            }
            State::CallInitiated
            | State::CallPresent
            | State::OverlapSending
            | State::OverlapReceiving
            | State::OutgoingCallProceeding
            | State::IncomingCallProceeding
            | State::CallDelivered
            | State::CallReceived
            | State::ConnectRequest
            | State::Active => {
                self.stop_enquiry();
                self.end = Some(End::new(cause::of_element(message.cause()), Side::Far));
                self.reproach = wrong;
                let tone = message.progress().any(ProgressIndicator::is_tone);
                if tone
                    && self.role == Role::User
                    && self.timers.listen_ms > 0
                    && self.state.stage() != Stage::Begun
                {
                    self.state = State::DisconnectIndication;
                    self.start(now, Timer::Listen);
                    return self.tell_releasing(true);
                }
                self.send_release(now, true);
            }
        }
    }

    /// RELEASE has come.
    pub(super) fn released(&mut self, message: &Message, wrong: Option<Element>) {
        // Both have sent it (§5.3.5): then nobody answers.
        if self.state != State::ReleaseRequest {
            self.send(MessageType::ReleaseComplete, wrong.into_iter().collect());
        }
        self.finish(cause::of_element(message.cause()), Side::Far);
    }

    /// RELEASE COMPLETE has come.
    pub(super) fn release_completed(&mut self, message: &Message) {
        self.finish(cause::of_element(message.cause()), Side::Far);
    }

    /// Ends the call from our side by DISCONNECT.
    pub(super) fn clear(&mut self, now: Tick, end: End) {
        self.disconnect(now, end, false);
    }

    fn disconnect(&mut self, now: Tick, end: End, tone: bool) {
        self.stop_enquiry();
        let mut elements = vec![self.cause_element(&end)];
        elements.extend(self.inband(tone));
        self.send(MessageType::Disconnect, elements);
        self.state = State::after_disconnect_of(self.role);
        self.start(now, if tone { Timer::T306 } else { Timer::T305 });
        self.end = Some(end);
        self.tell_releasing(tone);
    }

    /// RELEASE, after a DISCONNECT of either side or as the first word of clearing. `tell`: with the
    /// cause, because the far end does not know it, or may not.
    pub(super) fn send_release(&mut self, now: Tick, tell: bool) {
        let first = self.state.stage() != Stage::Clearing;
        let end = self.end.as_ref().filter(|end| tell && end.by == Side::Box);
        let cause = end.map(|end| self.cause_element(end)).or_else(|| self.reproach.clone());
        self.send(MessageType::Release, cause.into_iter().collect());
        self.stop_enquiry();
        self.state = State::ReleaseRequest;
        self.start(now, Timer::T308);
        if first {
            self.tell_releasing(false);
        }
    }

    /// T308: RELEASE once more, then the channel is in question (§5.3.3).
    pub(super) fn release_unanswered(&mut self, now: Tick) {
        if self.again {
            self.out.push_back(Output::Unconfirmed);
            return self.finish(Cause::TimerExpiry, Side::Box);
        }
        self.send_release(now, true);
        self.again = true;
    }

    /// A message with the cause of this end.
    pub(super) fn send_cause(&mut self, kind: MessageType, end: &End) {
        let element = self.cause_element(end);
        self.send(kind, vec![element]);
    }

    fn cause_element(&self, end: &End) -> Element {
        cause_of(self.role, end.value, end.diagnostics.clone())
    }

    fn tell_releasing(&mut self, inband: bool) {
        let Some(End { cause, by, .. }) = self.end else { return };
        let phase = self.state.phase();
        self.out.push_back(Output::Phase { phase, cause: Some(cause), by: Some(by), inband });
    }

    /// The call is over, for the reason that was known first.
    pub(super) fn finish(&mut self, cause: Cause, by: Side) {
        if self.state == State::Null {
            return;
        }
        let end = self.end.take().unwrap_or_else(|| End::new(cause, by));
        self.state = State::Null;
        (self.timer, self.t309) = (None, None);
        self.stop_enquiry();
        let (phase, inband) = (self.state.phase(), false);
        let (cause, by) = (Some(end.cause), Some(end.by));
        self.out.push_back(Output::Phase { phase, cause, by, inband });
    }

    fn stop_enquiry(&mut self) {
        self.t322 = None;
    }
}
