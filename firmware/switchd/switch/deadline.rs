//! Every time-out of the switch, and when it is due.
//!
//! ```text
//! timer        runs from … to …                            then
//! Ring         dialling (+10 s) or ringing … answer        CANCEL, NoAnswer
//! Seat         answer … a seat is found                    the plan's no_seat
//! Leave        no_seat or fallback prompt … its end        hang up
//! Talk         join … end of the call                      hang up
//! FirstKey     end of the play … first digit               Collected, TimedOut
//! NextKey      digit … next digit                          Collected, TimedOut
//! PlayEnd      play … its end, should the fact be lost     Played
//! Fallback     INVITE, or its phone stopped … it is taken  fallback route
//! Unanswered   centerd took it … answered                  hang up
//! Mute         answered without an offer … its ACK's     hang up
//! Release      our BYE or CANCEL … its confirmation        ended all the same
//! Port         the port was closed … its last fact         the port is free all the same
//! Recorder     the recorder was stopped … it is sealed     reported as cut
//! Orphans      centerd went away … it is back              legs that wait for it are hung up
//! Spans        a span changed … a moment later             told, once for many changes
//! Health       every five seconds                          told
//! ```

use std::collections::{BTreeMap, BTreeSet};

use call::{LegId, RecordingId, Tick};

/// What is due. The table in the module's documentation says when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// We give up calling.
    Ring(LegId),
    /// No seat was found for a person who answered.
    Seat(LegId),
    /// The farewell should have been heard.
    Leave(LegId),
    /// The longest talk.
    Talk(LegId),
    /// No first digit came.
    FirstKey(LegId),
    /// No further digit came.
    NextKey(LegId),
    /// A play must have ended.
    PlayEnd(LegId),
    /// centerd has not taken an incoming leg.
    Fallback(LegId),
    /// An incoming leg was taken and never answered.
    Unanswered(LegId),
    /// A caller who made no offer has not answered ours either.
    Mute(LegId),
    /// The far end has not confirmed the end.
    Release(LegId),
    /// A closed port may be used again.
    Port(u16),
    /// A stopped recording was not sealed.
    Recorder(RecordingId),
    /// centerd is away for long.
    Orphans,
    /// Tell the spans that changed.
    Spans,
    /// Tell the state.
    Health,
}

/// Timers by name and by time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    at: BTreeMap<Timer, Tick>,
    order: BTreeSet<(Tick, Timer)>,
}

impl Deadlines {
    /// Starts a timer, or starts it afresh.
    pub(crate) fn set(&mut self, timer: Timer, due: Tick) {
        if let Some(before) = self.at.insert(timer, due) {
            self.order.remove(&(before, timer));
        }
        self.order.insert((due, timer));
    }

    /// Starts a timer, or brings a running one forward to `due`.
    pub(crate) fn set_no_later(&mut self, timer: Timer, due: Tick) {
        if self.at.get(&timer).is_none_or(|before| due < *before) {
            self.set(timer, due);
        }
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        if let Some(before) = self.at.remove(&timer) {
            self.order.remove(&(before, timer));
        }
    }

    pub(crate) fn runs(&self, timer: Timer) -> bool {
        self.at.contains_key(&timer)
    }

    pub(crate) fn next(&self) -> Option<(Tick, Timer)> {
        self.order.first().copied()
    }

    /// Takes the first timer that is due.
    pub(crate) fn expired(&mut self, now: Tick) -> Option<Timer> {
        let (due, timer) = self.next()?;
        if due > now {
            return None;
        }
        self.stop(timer);
        Some(timer)
    }

    /// Stops every timer of a leg.
    pub(crate) fn stop_leg(&mut self, leg: LegId) {
        for timer in [
            Timer::Ring(leg),
            Timer::Seat(leg),
            Timer::Leave(leg),
            Timer::Talk(leg),
            Timer::FirstKey(leg),
            Timer::NextKey(leg),
            Timer::PlayEnd(leg),
            Timer::Fallback(leg),
            Timer::Unanswered(leg),
            Timer::Mute(leg),
            Timer::Release(leg),
        ] {
            self.stop(timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_in_order_of_time_and_a_stopped_one_never() {
        let mut d = Deadlines::default();
        let (a, b) = (Timer::Ring(LegId(1)), Timer::Talk(LegId(1)));
        d.set(a, Tick(50));
        d.set(b, Tick(20));
        d.set(Timer::Health, Tick(30));
        d.set_no_later(a, Tick(90));
        d.set_no_later(a, Tick(40));
        assert_eq!(d.next(), Some((Tick(20), b)));
        d.stop_leg(LegId(1));
        assert!(!d.runs(a));
        assert_eq!(d.expired(Tick(29)), None);
        assert_eq!(d.expired(Tick(30)), Some(Timer::Health));
        assert_eq!(d.next(), None);
    }
}
