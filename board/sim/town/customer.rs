//! A customer in one call: what was drawn for it comes about, in time.
//!
//! ```text
//!  Answers      180 ─ring_ms─► answer, "hello", sentences in turn ─talk_ms─► hang up
//!  Machine      180 ─ring_ms─► answer, greeting, beep, silence    ─talk_ms─► hang up
//!  Refuses      180 ─ring_ms─► 603
//!  RingsOut     180 until the caller gives up
//!  Busy         486
//!  Unallocated  183, announcement ─► 404
//! ```
//! A person lets the other finish: the next sentence comes when the other has fallen silent, or
//! after [`PATIENCE_MS`] in which nothing was heard.

use std::collections::{BTreeMap, VecDeque};

use call::{Cause, Tick};
use media::{Country, Tone};

use super::chance::Chance;
use super::people::{Fate, Lot};
use crate::voice::{Language, Voice, Words};

/// From the INVITE to a busy or a dead number, in milliseconds: what an exchange takes.
const LOOKUP_MS: u64 = 300;
/// From lifting the handset to the first word, in milliseconds.
const LIFT_MS: u64 = 400;
/// After a sentence, in milliseconds, before a person who hears nothing speaks again.
const PATIENCE_MS: u64 = 3_500;
/// While the other speaks, in milliseconds, before a person interrupts.
const INTERRUPT_MS: u64 = 9_000;

/// What a customer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// 180.
    Ring,
    /// 183 with sound.
    Progress,
    /// 200.
    Answer,
    /// A final refusal.
    Reject(Cause),
    /// BYE.
    HangUp,
    /// Into the call.
    Say(Voice),
    /// Into the call.
    Sound(Tone),
}

/// Why a customer wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The exchange has looked the number up.
    LookUp,
    /// Picks up, or presses the red key.
    Decide,
    /// The network's announcement is over.
    AnnouncementEnd,
    /// The next sentence.
    Speak,
    /// The machine's greeting is over.
    Beep,
    /// Has talked enough.
    HangUp,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    lot: Lot,
    language: Language,
    tones: Country,
    chance: Chance,
    talking: bool,
    sentences: usize,
    due: BTreeMap<Timer, Tick>,
    out: VecDeque<Act>,
}

impl Customer {
    /// Somebody who is called. Times in `lot` are already scaled.
    pub(super) fn called(now: Tick, lot: Lot, language: Language, chance: Chance) -> Customer {
        let mut new = Customer::new(lot, language, chance);
        new.due.insert(Timer::LookUp, now + LOOKUP_MS.min(lot.ring_ms));
        new
    }

    /// Somebody who calls the box, and talks once it answers.
    pub(super) fn calling(lot: Lot, language: Language, chance: Chance) -> Customer {
        Customer::new(lot, language, chance)
    }

    fn new(lot: Lot, language: Language, chance: Chance) -> Customer {
        let tones = Country::China;
        let (due, out) = (BTreeMap::new(), VecDeque::new());
        Customer { lot, language, tones, chance, talking: false, sentences: 0, due, out }
    }

    /// The box has answered the call of this customer.
    pub(super) fn handle_answered(&mut self, now: Tick) {
        self.due.insert(Timer::HangUp, now + self.lot.talk_ms);
        self.due.insert(Timer::Speak, now + LIFT_MS);
        self.talking = true;
    }

    /// The other side begins to speak.
    pub(super) fn handle_started(&mut self, now: Tick) {
        if self.talking {
            self.due.insert(Timer::Speak, now + INTERRUPT_MS);
        }
    }

    /// The other side has finished.
    pub(super) fn handle_ended(&mut self, now: Tick) {
        if self.talking {
            self.due.insert(Timer::Speak, now + self.chance.between(100, 900));
        }
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Tick) {
        while let Some((timer, at)) = self.next().filter(|(_, at)| *at <= now) {
            self.due.remove(&timer);
            self.expired(at.max(now), timer);
        }
    }

    pub(super) fn poll(&mut self) -> Option<Act> {
        self.out.pop_front()
    }

    pub(super) fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.next().map(|(timer, at)| (at, timer))
    }

    fn next(&self) -> Option<(Timer, Tick)> {
        self.due.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*timer, *at))
    }

    fn expired(&mut self, now: Tick, timer: Timer) {
        match timer {
            Timer::LookUp => self.looked_up(now),
            Timer::Decide => self.decide(now),
            Timer::AnnouncementEnd => self.out.push_back(Act::Reject(Cause::UnallocatedNumber)),
            Timer::Speak => self.speak(now),
            Timer::Beep => self.out.push_back(Act::Sound(Tone::Beep)),
            Timer::HangUp => {
                self.talking = false;
                self.due.clear();
                self.out.push_back(Act::HangUp);
            }
        }
    }

    fn looked_up(&mut self, now: Tick) {
        match self.lot.fate {
            Fate::Busy => self.out.push_back(Act::Reject(Cause::UserBusy)),
            Fate::Unallocated => {
                let voice = Voice { language: self.language, words: Words::DeadNumber };
                self.out.extend([Act::Progress, Act::Say(voice)]);
                let length_ms = voice.length_ms() + LOOKUP_MS;
                self.due.insert(Timer::AnnouncementEnd, now + length_ms);
            }
            Fate::Answers | Fate::Machine | Fate::Refuses => {
                self.ring();
                self.due.insert(Timer::Decide, now + self.lot.ring_ms);
            }
            Fate::RingsOut => self.ring(),
        }
    }

    fn ring(&mut self) {
        self.out.push_back(Act::Ring);
        if self.lot.ring_back {
            self.out.extend([Act::Progress, Act::Sound(Tone::RingBack(self.tones))]);
        }
    }

    fn decide(&mut self, now: Tick) {
        match self.lot.fate {
            Fate::Answers => {
                self.out.push_back(Act::Answer);
                self.handle_answered(now);
            }
            Fate::Machine => {
                let greeting = Voice { language: self.language, words: Words::Machine };
                self.out.extend([Act::Answer, Act::Say(greeting)]);
                self.due.insert(Timer::Beep, now + greeting.length_ms() + LIFT_MS);
                self.due.insert(Timer::HangUp, now + self.lot.talk_ms);
            }
            Fate::Refuses => self.out.push_back(Act::Reject(Cause::CallRejected)),
            Fate::Busy | Fate::Unallocated | Fate::RingsOut => {}
        }
    }

    fn speak(&mut self, now: Tick) {
        let words = match self.sentences {
            0 => Words::Hello,
            _ => {
                let at = self.chance.between(0, Words::CUSTOMER.len() as u64 - 1) as usize;
                Words::CUSTOMER.get(at).copied().unwrap_or(Words::Customer1)
            }
        };
        self.sentences += 1;
        let voice = Voice { language: self.language, words };
        self.out.push_back(Act::Say(voice));
        self.due.insert(Timer::Speak, now + voice.length_ms() + PATIENCE_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets time pass until `until`, and gives what was done and when.
    fn live(customer: &mut Customer, until: u64) -> Vec<(u64, Act)> {
        let mut done = Vec::new();
        while let Some((at, _)) = customer.next_timeout().filter(|(at, _)| at.0 <= until) {
            customer.handle_timeout(at);
            while let Some(act) = customer.poll() {
                done.push((at.0, act));
            }
        }
        done
    }

    fn called(lot: Lot) -> Customer {
        Customer::called(Tick(0), lot, Language::Zh, Chance::new(1))
    }

    fn zh(words: Words) -> Voice {
        Voice { language: Language::Zh, words }
    }

    #[test]
    fn a_person_rings_answers_says_hello_goes_on_talking_and_hangs_up() {
        let done = live(&mut called(Lot::sure(Fate::Answers)), 60_000);
        assert_eq!(done[0], (300, Act::Ring));
        assert_eq!(done[1], (1_300, Act::Answer));
        assert_eq!(done[2], (1_700, Act::Say(zh(Words::Hello))));
        assert!(matches!(done[3], (_, Act::Say(_))));
        assert_eq!(done.last(), Some(&(11_300, Act::HangUp)));
    }

    #[test]
    fn a_person_lets_the_other_finish() {
        let mut person = called(Lot::sure(Fate::Answers));
        live(&mut person, 2_000);
        person.handle_started(Tick(2_500));
        assert_eq!(live(&mut person, 8_000), []);
        person.handle_ended(Tick(8_000));
        let done = live(&mut person, 8_900);
        assert!(matches!(done[..], [(_, Act::Say(_))]), "{done:?}");
    }

    #[test]
    fn a_machine_greets_beeps_and_listens() {
        let done = live(&mut called(Lot::sure(Fate::Machine)), 60_000);
        let greeting = zh(Words::Machine);
        let beep_at = 1_300 + greeting.length_ms() + LIFT_MS;
        let expected = [
            (300, Act::Ring),
            (1_300, Act::Answer),
            (1_300, Act::Say(greeting)),
            (beep_at, Act::Sound(Tone::Beep)),
            (11_300, Act::HangUp),
        ];
        assert_eq!(done, expected);
    }

    #[test]
    fn busy_refused_dead_and_endless_end_as_they_should() {
        let done = |fate| live(&mut called(Lot::sure(fate)), 600_000);
        assert_eq!(done(Fate::Busy), [(300, Act::Reject(Cause::UserBusy))]);
        let refused = [(300, Act::Ring), (1_300, Act::Reject(Cause::CallRejected))];
        assert_eq!(done(Fate::Refuses), refused);
        let announcement = zh(Words::DeadNumber);
        let over_at = 600 + announcement.length_ms();
        let dead = [
            (300, Act::Progress),
            (300, Act::Say(announcement)),
            (over_at, Act::Reject(Cause::UnallocatedNumber)),
        ];
        assert_eq!(done(Fate::Unallocated), dead);
        assert_eq!(done(Fate::RingsOut), [(300, Act::Ring)]);
    }

    #[test]
    fn ring_back_is_heard_before_the_answer() {
        let lot = Lot { ring_back: true, ..Lot::sure(Fate::RingsOut) };
        let tone = Act::Sound(Tone::RingBack(Country::China));
        let expected = [(300, Act::Ring), (300, Act::Progress), (300, tone)];
        assert_eq!(live(&mut called(lot), 600_000), expected);
    }
}
