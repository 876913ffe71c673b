//! The five tables of Q.921 Annex B (figures B.4 to B.8), one function a state.
//!
//! ```text
//!                 establish request, DM F=0
//!   ┌───────────────► 5 Awaiting ──UA F=1──► 7 Multiple frame ──T200, T203──► 8 Timer
//!   │                 establishment ◄──────── established ◄────S with F=1──── recovery
//!   4 TEI assigned ◄──DM F=1, N200─┘  N(R), │   │   ▲                          │   │
//!   │  ▲  ▲           FRMR, DM F=0 errors───┘   │   └──────────SABME───────────┘   │
//!   │  │  └──────────────────DISC───────────────┼──────────────────────────────────┤
//!   │  └──UA, DM, N200── 6 Awaiting release ◄───┴───────release request────────────┘
//!   └────────────────SABME────────────────► 7
//!
//!   silence, T200 = 1 s, N200 = 3              SABME or DISC at 0 1 2 3 s, given up at 4 s
//!   I frame unanswered at 0                    RR P=1 at 1 2 3 s, SABME at 4 5 6 7 s, given up at 8 s
//!   nothing to say, T203 = 10 s                RR P=1 at 10 11 12 13 s, SABME from 14 s
//! ```

use call::Tick;

use super::code::Code;
use super::frame::{Frame, Seq, Supervision, Turn};
use super::link::{By, Link, Output, Why};

/// Where the link stands, with the number of the standard (§B.2). States 1 to 3 belong to lines
/// whose TEI is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// 4: no link.
    TeiAssigned,
    /// 5: SABME is out.
    AwaitingEstablishment,
    /// 6: DISC is out.
    AwaitingRelease,
    /// 7: frames flow.
    MultipleFrameEstablished,
    /// 8: an acknowledgement is missing, or silence was too long; the peer is asked.
    TimerRecovery,
}

impl State {
    /// The standard's number, 4 to 8.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            State::TeiAssigned => 4,
            State::AwaitingEstablishment => 5,
            State::AwaitingRelease => 6,
            State::MultipleFrameEstablished => 7,
            State::TimerRecovery => 8,
        }
    }
}

/// What happens to a link. UI and XID frames pass it by.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// DL-ESTABLISH request.
    Establish,
    /// DL-RELEASE request.
    Release,
    /// DL-DATA request.
    Information(Vec<u8>),
    /// Set own receiver busy.
    OwnBusy,
    /// Clear own receiver busy.
    OwnReady,
    /// PH-DEACTIVATE: persistent deactivation.
    Deactivated,
    /// T200 has fired.
    T200,
    /// T203 has fired.
    T203,
    /// SABME received.
    Sabme { p: bool },
    /// DISC received.
    Disc { p: bool },
    /// UA received.
    Ua { f: bool },
    /// DM received.
    Dm { f: bool },
    /// RR received.
    Rr(Supervision),
    /// REJ received.
    Rej(Supervision),
    /// RNR received.
    Rnr(Supervision),
    /// FRMR received.
    Frmr,
    /// I frame received.
    I { ns: Seq, nr: Seq, p: bool, info: &'a [u8] },
    /// A frame in rejection condition received (§5.8.5); its MDL-ERROR is told already.
    Rejected,
}

/// A request that comes while the link can not act on it, kept until it can ("save" of Annex B).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saved {
    Establish,
    Release,
}

use {Event as E, State as S};

impl Link {
    pub(super) fn step(&mut self, now: Tick, event: Event<'_>) {
        self.state = match self.state {
            S::TeiAssigned => self.tei_assigned(now, event),
            S::AwaitingEstablishment => self.awaiting_establishment(now, event),
            S::AwaitingRelease => self.awaiting_release(now, event),
            S::MultipleFrameEstablished => self.multiple_frame_established(now, event),
            S::TimerRecovery => self.timer_recovery(now, event),
        };
        match (self.saved, self.state) {
            (Some(Saved::Establish), S::TeiAssigned) => {
                self.saved = None;
                self.step(now, E::Establish);
            }
            (Some(Saved::Release), S::MultipleFrameEstablished | S::TimerRecovery) => {
                self.saved = None;
                self.step(now, E::Release);
            }
            // Layer 3 was just told that there is no link: what it wanted is so.
            (Some(Saved::Release), S::TeiAssigned | S::AwaitingRelease) => self.saved = None,
            (
                Some(Saved::Establish),
                S::AwaitingEstablishment
                | S::AwaitingRelease
                | S::MultipleFrameEstablished
                | S::TimerRecovery,
            )
            | (Some(Saved::Release), S::AwaitingEstablishment)
            | (
                None,
                S::TeiAssigned
                | S::AwaitingEstablishment
                | S::AwaitingRelease
                | S::MultipleFrameEstablished
                | S::TimerRecovery,
            ) => {}
        }
        self.transmit_queue(now);
        self.transmit_acknowledgement();
    }

    /// State 4, figure B.4.
    fn tei_assigned(&mut self, now: Tick, event: Event<'_>) -> State {
        match event {
            E::Establish | E::Dm { f: false } => {
                self.establish_link(now);
                self.layer_3_initiated = true;
                S::AwaitingEstablishment
            }
            E::Release => {
                self.tell(Output::Released(Why::Request));
                S::TeiAssigned
            }
            E::Sabme { p } => {
                self.send(Frame::Ua { f: p });
                self.tell(Output::Established(By::Peer));
                self.begin(now);
                S::MultipleFrameEstablished
            }
            E::Disc { p } => {
                self.send(Frame::Dm { f: p });
                S::TeiAssigned
            }
            E::Ua { f } => {
                self.unsolicited_ua(f);
                S::TeiAssigned
            }
            E::Information(_) => {
                self.tell(Output::NoLink);
                S::TeiAssigned
            }
            E::Dm { f: true }
            | E::OwnBusy
            | E::OwnReady
            | E::Deactivated
            | E::T200
            | E::T203
            | E::Rr(_)
            | E::Rej(_)
            | E::Rnr(_)
            | E::Frmr
            | E::I { .. }
            | E::Rejected => S::TeiAssigned,
        }
    }

    /// State 5, figure B.5.
    fn awaiting_establishment(&mut self, now: Tick, event: Event<'_>) -> State {
        match event {
            // Only after a re-establishment of layer 2's own.
            E::Establish => {
                self.queue.discard();
                self.layer_3_initiated = true;
                self.saved = None;
                S::AwaitingEstablishment
            }
            E::Release => {
                self.saved = Some(Saved::Release);
                S::AwaitingEstablishment
            }
            E::Information(info) => {
                if self.layer_3_initiated {
                    self.tell(Output::NoLink);
                } else {
                    self.enqueue(info);
                }
                S::AwaitingEstablishment
            }
            E::Sabme { p } => {
                self.send(Frame::Ua { f: p });
                S::AwaitingEstablishment
            }
            E::Disc { p } => {
                self.send(Frame::Dm { f: p });
                S::AwaitingEstablishment
            }
            E::Ua { f: true } => {
                self.sabme_open = self.sabme_open.saturating_sub(1);
                if self.layer_3_initiated {
                    self.layer_3_initiated = false;
                    self.tell(Output::Established(By::Request));
                } else if self.queue.in_flight() > 0 {
                    self.queue.discard();
                    self.tell(Output::Established(By::Recovery));
                }
                self.begin(now);
                S::MultipleFrameEstablished
            }
            E::Ua { f: false } => {
                self.unsolicited_ua(false);
                S::AwaitingEstablishment
            }
            E::Dm { f: true } => self.no_link(Why::Refused),
            E::T200 if self.rc == self.settings.n200 => {
                self.error(Code::G);
                self.no_link(Why::NoAnswer)
            }
            E::T200 => {
                self.rc += 1;
                self.send_sabme(now);
                S::AwaitingEstablishment
            }
            E::Deactivated => self.no_link(Why::Layer1),
            E::Dm { f: false }
            | E::OwnBusy
            | E::OwnReady
            | E::T203
            | E::Rr(_)
            | E::Rej(_)
            | E::Rnr(_)
            | E::Frmr
            | E::I { .. }
            | E::Rejected => S::AwaitingEstablishment,
        }
    }

    /// State 6, figure B.6.
    fn awaiting_release(&mut self, now: Tick, event: Event<'_>) -> State {
        match event {
            E::Establish => {
                self.saved = Some(Saved::Establish);
                S::AwaitingRelease
            }
            E::Release => {
                self.saved = None;
                S::AwaitingRelease
            }
            E::Information(_) => {
                self.tell(Output::NoLink);
                S::AwaitingRelease
            }
            E::Sabme { p } => {
                self.send(Frame::Dm { f: p });
                S::AwaitingRelease
            }
            E::Disc { p } => {
                self.send(Frame::Ua { f: p });
                S::AwaitingRelease
            }
            E::Ua { f: true } | E::Dm { f: true } => self.no_link(Why::Request),
            E::Ua { f: false } => {
                self.unsolicited_ua(false);
                S::AwaitingRelease
            }
            E::T200 if self.rc == self.settings.n200 => {
                self.error(Code::H);
                self.no_link(Why::Request)
            }
            E::T200 => {
                self.rc += 1;
                self.send(Frame::Disc { p: true });
                self.start_t200(now);
                S::AwaitingRelease
            }
            E::Deactivated => self.no_link(Why::Request),
            E::Dm { f: false }
            | E::OwnBusy
            | E::OwnReady
            | E::T203
            | E::Rr(_)
            | E::Rej(_)
            | E::Rnr(_)
            | E::Frmr
            | E::I { .. }
            | E::Rejected => S::AwaitingRelease,
        }
    }

    /// State 7, figure B.7.
    fn multiple_frame_established(&mut self, now: Tick, event: Event<'_>) -> State {
        match event {
            E::Establish => self.establish_again(now, true),
            E::Release => self.release(now),
            E::Information(info) => {
                self.enqueue(info);
                S::MultipleFrameEstablished
            }
            E::OwnBusy => {
                self.set_own_busy();
                S::MultipleFrameEstablished
            }
            E::OwnReady => {
                self.clear_own_busy();
                S::MultipleFrameEstablished
            }
            E::Deactivated => self.no_link(Why::Layer1),
            E::T200 => {
                // The standard leaves the choice between the last I frame and an enquiry. The
                // enquiry asks less of a peer whose own T200 may be about to fire.
                self.transmit_enquiry(now);
                self.rc = 1;
                S::TimerRecovery
            }
            E::T203 => {
                self.transmit_enquiry(now);
                self.rc = 0;
                S::TimerRecovery
            }
            E::Sabme { p } => self.established_by_peer(now, p),
            E::Disc { p } => self.released_by_peer(p),
            E::Ua { f } => {
                self.unsolicited_ua(f);
                S::MultipleFrameEstablished
            }
            E::Dm { f: true } => {
                self.error(Code::B);
                S::MultipleFrameEstablished
            }
            E::Dm { f: false } => {
                self.error(Code::E);
                self.establish_again(now, false)
            }
            E::Rr(frame) => {
                self.peer_busy = false;
                self.supervised(frame);
                self.acknowledged_in_7(now, frame.nr)
            }
            E::Rej(frame) => {
                self.peer_busy = false;
                self.supervised(frame);
                if !self.acknowledged(frame.nr) {
                    return self.nr_error_recovery(now);
                }
                self.stop_t200_start_t203(now);
                self.queue.rewind();
                S::MultipleFrameEstablished
            }
            E::Rnr(frame) => {
                self.peer_busy = true;
                self.supervised(frame);
                if !self.acknowledged(frame.nr) {
                    return self.nr_error_recovery(now);
                }
                self.start_t200(now);
                S::MultipleFrameEstablished
            }
            E::Frmr => {
                self.error(Code::K);
                self.establish_again(now, false)
            }
            E::I { ns, nr, p, info } => {
                self.received(ns, p, info);
                self.acknowledged_in_7(now, nr)
            }
            E::Rejected => self.establish_again(now, false),
        }
    }

    /// State 8, figure B.8.
    fn timer_recovery(&mut self, now: Tick, event: Event<'_>) -> State {
        match event {
            E::Establish => self.establish_again(now, true),
            E::Release => self.release(now),
            E::Information(info) => {
                self.enqueue(info);
                S::TimerRecovery
            }
            E::OwnBusy => {
                self.set_own_busy();
                S::TimerRecovery
            }
            E::OwnReady => {
                self.clear_own_busy();
                S::TimerRecovery
            }
            E::Deactivated => self.no_link(Why::Layer1),
            E::T200 if self.rc == self.settings.n200 => {
                self.error(Code::I);
                self.establish_again(now, false)
            }
            E::T200 => {
                self.transmit_enquiry(now);
                self.rc += 1;
                S::TimerRecovery
            }
            E::T203 => S::TimerRecovery,
            E::Sabme { p } => self.established_by_peer(now, p),
            E::Disc { p } => self.released_by_peer(p),
            E::Ua { f } => {
                self.unsolicited_ua(f);
                S::TimerRecovery
            }
            E::Dm { f } => {
                self.error(if f { Code::B } else { Code::E });
                self.establish_again(now, false)
            }
            E::Rr(frame) | E::Rej(frame) => {
                self.peer_busy = false;
                if !self.acknowledged_in_8(frame) {
                    return self.nr_error_recovery(now);
                }
                if !answers(frame) {
                    return S::TimerRecovery;
                }
                self.stop_t200_start_t203(now);
                self.queue.rewind();
                S::MultipleFrameEstablished
            }
            E::Rnr(frame) => {
                self.peer_busy = true;
                if !self.acknowledged_in_8(frame) {
                    return self.nr_error_recovery(now);
                }
                if !answers(frame) {
                    return S::TimerRecovery;
                }
                self.start_t200(now);
                self.queue.rewind();
                S::MultipleFrameEstablished
            }
            E::Frmr => {
                self.error(Code::K);
                self.establish_again(now, false)
            }
            E::I { ns, nr, p, info } => {
                self.received(ns, p, info);
                if self.acknowledged(nr) { S::TimerRecovery } else { self.nr_error_recovery(now) }
            }
            E::Rejected => self.establish_again(now, false),
        }
    }
}

/// A response with F = 1 ends timer recovery.
fn answers(frame: Supervision) -> bool {
    frame.turn == Turn::Response && frame.pf
}
