//! What the tables of the states share: the macros of Q.921 figure B.9, the arms that states 7 and 8
//! have in common, and the handling of N(S) and N(R) (§5.6).

use call::Tick;

use super::code::Code;
use super::frame::{Frame, Seq, Supervision, Turn};
use super::link::{By, Link, Output, Why};
use super::state::State;

impl Link {
    /// V(S): the number of the next I frame.
    pub(super) fn vs(&self) -> Seq {
        // The window is at most 127, so the cast never cuts.
        let in_flight = u8::try_from(self.queue.in_flight()).unwrap_or(u8::MAX);
        Seq::new(self.va.number().wrapping_add(in_flight))
    }

    /// Tells layer 3 or layer management.
    pub(super) fn tell(&mut self, output: Output) {
        self.out.push_back(output);
    }

    /// MDL-ERROR indication.
    pub(super) fn error(&mut self, code: Code) {
        self.counters.errors.count(code);
        self.tell(Output::Error(code));
    }

    /// Sends anything but an I frame.
    pub(super) fn send(&mut self, frame: Frame<'_>) {
        self.counters.frames_out += 1;
        self.tell(Output::Send(frame.encode(self.role)));
    }

    /// Puts information into the I queue, or says that it is full.
    pub(super) fn enqueue(&mut self, info: Vec<u8>) {
        if self.queue.push(info).is_err() {
            self.counters.queue_full += 1;
            self.tell(Output::QueueFull);
        }
    }

    pub(super) fn start_t200(&mut self, now: Tick) {
        self.t203 = None;
        self.t200 = Some(now + self.settings.t200_ms);
    }

    pub(super) fn stop_t200_start_t203(&mut self, now: Tick) {
        self.t200 = None;
        self.t203 = Some(now + self.settings.t203_ms);
    }

    /// "Establish data link".
    pub(super) fn establish_link(&mut self, now: Tick) {
        self.clear_exception_conditions();
        self.rc = 0;
        self.sabme_open = 0;
        self.send_sabme(now);
    }

    pub(super) fn send_sabme(&mut self, now: Tick) {
        self.sabme_open = self.sabme_open.saturating_add(1);
        self.send(Frame::Sabme { p: true });
        self.start_t200(now);
    }

    /// States 7 and 8: the link is to be set up anew, by layer 3's wish or by our own.
    pub(super) fn establish_again(&mut self, now: Tick, layer_3_initiated: bool) -> State {
        if layer_3_initiated {
            self.queue.discard();
        }
        self.establish_link(now);
        self.layer_3_initiated = layer_3_initiated;
        State::AwaitingEstablishment
    }

    /// "N(R) error recovery".
    pub(super) fn nr_error_recovery(&mut self, now: Tick) -> State {
        self.error(Code::J);
        self.establish_again(now, false)
    }

    /// "Clear exception conditions".
    fn clear_exception_conditions(&mut self) {
        self.peer_busy = false;
        self.reject_exception = false;
        self.own_busy = false;
        self.acknowledge_pending = false;
    }

    /// Enters state 7 with everything at zero.
    pub(super) fn begin(&mut self, now: Tick) {
        self.clear_exception_conditions();
        self.queue.rewind();
        self.va = Seq::ZERO;
        self.vr = Seq::ZERO;
        self.stop_t200_start_t203(now);
        // The standard forgets a busy receiver with the old link; ours is as busy as before.
        if self.busy_wanted {
            self.set_own_busy();
        }
    }

    /// There is no link any more.
    pub(super) fn no_link(&mut self, why: Why) -> State {
        self.queue.discard();
        self.clear_exception_conditions();
        self.sabme_open = 0;
        self.layer_3_initiated = false;
        (self.t200, self.t203) = (None, None);
        self.tell(Output::Released(why));
        State::TeiAssigned
    }

    /// DL-RELEASE request in states 7 and 8.
    pub(super) fn release(&mut self, now: Tick) -> State {
        self.queue.discard();
        self.rc = 0;
        self.send(Frame::Disc { p: true });
        self.start_t200(now);
        State::AwaitingRelease
    }

    /// SABME in states 7 and 8. Layer 3 hears of it only if something of ours may be lost.
    pub(super) fn established_by_peer(&mut self, now: Tick, p: bool) -> State {
        self.send(Frame::Ua { f: p });
        self.error(Code::F);
        self.sabme_open = 0;
        if self.queue.in_flight() > 0 {
            self.queue.discard();
            self.tell(Output::Established(By::Peer));
        }
        self.begin(now);
        State::MultipleFrameEstablished
    }

    /// DISC in states 7 and 8.
    pub(super) fn released_by_peer(&mut self, p: bool) -> State {
        self.send(Frame::Ua { f: p });
        self.no_link(Why::Peer)
    }

    /// UA that nobody waits for. If a SABME of ours was sent again and the answer to the first one was
    /// only slow, this is the answer to the second: the peer has begun anew once more, and what it
    /// sends behind this counts from zero. What we send does already: it went out behind both. The
    /// standard leaves the two ends to disagree by what the peer sent between its two answers.
    pub(super) fn unsolicited_ua(&mut self, f: bool) {
        self.error(if f { Code::C } else { Code::D });
        if f && self.sabme_open > 0 {
            self.sabme_open -= 1;
            self.vr = Seq::ZERO;
            self.reject_exception = false;
            self.acknowledge_pending = false;
        }
    }

    /// RR or RNR of ours, whichever is true, with V(R).
    fn ready(&mut self, turn: Turn, pf: bool) {
        let frame = Supervision { turn, nr: self.vr, pf };
        self.acknowledge_pending = false;
        if self.own_busy {
            self.counters.rnr_out += 1;
            self.send(Frame::Rnr(frame));
        } else {
            self.send(Frame::Rr(frame));
        }
    }

    /// "Transmit enquiry".
    pub(super) fn transmit_enquiry(&mut self, now: Tick) {
        self.ready(Turn::Command, true);
        self.start_t200(now);
    }

    pub(super) fn set_own_busy(&mut self) {
        if !self.own_busy {
            self.own_busy = true;
            self.ready(Turn::Response, false);
        }
    }

    pub(super) fn clear_own_busy(&mut self) {
        if self.own_busy {
            self.own_busy = false;
            self.ready(Turn::Response, false);
        }
    }

    /// State 7: a polled supervisory frame is answered, an unasked answer is told.
    pub(super) fn supervised(&mut self, frame: Supervision) {
        match (frame.turn, frame.pf) {
            (Turn::Command, true) => self.ready(Turn::Response, true),
            (Turn::Response, true) => self.error(Code::A),
            (Turn::Command | Turn::Response, false) => {}
        }
    }

    /// V(A) = N(R), if V(A) ≤ N(R) ≤ V(S). Otherwise nothing, and false.
    pub(super) fn acknowledged(&mut self, nr: Seq) -> bool {
        let arrived = usize::from(nr.since(self.va));
        if arrived > self.queue.in_flight() {
            return false;
        }
        if arrived > 0 {
            // It has come behind our last SABME, and so has whatever follows.
            self.sabme_open = 0;
        }
        self.queue.acknowledge(arrived);
        self.va = nr;
        true
    }

    /// N(R) of an RR or I frame in state 7, with its timers.
    pub(super) fn acknowledged_in_7(&mut self, now: Tick, nr: Seq) -> State {
        let news = nr != self.va;
        if !self.acknowledged(nr) {
            return self.nr_error_recovery(now);
        }
        // While the peer is busy T200 runs on, so that it is asked again and again.
        if !self.peer_busy {
            if self.queue.in_flight() == 0 {
                self.stop_t200_start_t203(now);
            } else if news {
                self.start_t200(now);
            }
        }
        State::MultipleFrameEstablished
    }

    /// N(R) of a supervisory frame in state 8, answered if it was polled.
    pub(super) fn acknowledged_in_8(&mut self, frame: Supervision) -> bool {
        if frame.turn == Turn::Command && frame.pf {
            self.ready(Turn::Response, true);
        }
        self.acknowledged(frame.nr)
    }

    /// N(S), P and information of an I frame in states 7 and 8.
    pub(super) fn received(&mut self, ns: Seq, p: bool, info: &[u8]) {
        if self.own_busy {
            if p {
                self.ready(Turn::Response, true);
            }
        } else if ns == self.vr {
            self.vr = self.vr.next();
            self.reject_exception = false;
            self.counters.information_in += 1;
            self.tell(Output::Data(info.to_vec()));
            if p {
                self.ready(Turn::Response, true);
            } else {
                self.acknowledge_pending = true;
            }
        } else if self.reject_exception {
            if p {
                self.ready(Turn::Response, true);
            }
        } else {
            self.reject_exception = true;
            self.acknowledge_pending = false;
            self.counters.rej_out += 1;
            self.send(Frame::Rej(Supervision { turn: Turn::Response, nr: self.vr, pf: p }));
        }
    }

    /// "I frame queued up", for as many as the window takes.
    pub(super) fn transmit_queue(&mut self, now: Tick) {
        let window = usize::from(self.settings.k);
        while self.state == State::MultipleFrameEstablished
            && !self.peer_busy
            && self.queue.in_flight() < window
        {
            let ns = self.vs();
            let Some(next) = self.queue.send_next() else { break };
            self.counters.retransmitted += u64::from(next.sent);
            self.counters.information_out += u64::from(!next.sent);
            self.counters.frames_out += 1;
            next.sent = true;
            let frame = Frame::I { ns, nr: self.vr, p: false, info: &next.info };
            self.out.push_back(Output::Send(frame.encode(self.role)));
            self.acknowledge_pending = false;
            if self.t200.is_none() {
                self.start_t200(now);
            }
        }
    }

    /// "Acknowledge pending": after everything else, so that an I frame saves the RR.
    pub(super) fn transmit_acknowledgement(&mut self) {
        if self.acknowledge_pending {
            self.ready(Turn::Response, false);
        }
    }
}
