//! A customer in one call: what was drawn for it comes about, in time. On which line, nobody here
//! knows.
//!
//! ```text
//!  Answers      ring ─ring_ms─► answer, "hello", sentences in turn ─talk_ms─► hang up
//!  Machine      ring ─ring_ms─► answer, greeting, beep, silence    ─talk_ms─► hang up
//!  Refuses      ring ─ring_ms─► refuse
//!  RingsOut     ring until the caller gives up
//!  Busy         refuse;  where the network has tones: clear, busy tone       ─► refuse
//!  Congested    refuse;  where the network has tones: clear, congestion tone ─► refuse
//!  Unallocated  early sound, or clear; announcement or tone ─► refuse
//! ```
//! A person lets the other finish: the next sentence comes when the other has fallen silent, or
//! after [`PATIENCE_MS`] in which nothing was heard.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use call::{Cause, Tick};

use super::chance::Chance;
use super::directory::Person;
use super::people::Setup;
use super::subscriber::{Dead, DeadBy, DeadSays, Fate, Lot, Press};
use crate::tones::{Nation, Tone};
use crate::voice::{Language, Voice, Words};

/// From the call's arrival to a busy or a dead number, in milliseconds: what an exchange takes.
const LOOKUP_MS: u64 = 300;
/// From lifting the handset to the first word, in milliseconds.
const LIFT_MS: u64 = 400;
/// After a sentence, in milliseconds, before a person who hears nothing speaks again.
const PATIENCE_MS: u64 = 3_500;
/// While the other speaks, in milliseconds, before a person interrupts.
const INTERRUPT_MS: u64 = 9_000;
/// For how long a network lets a tone be heard before it gives the line back, in milliseconds.
const TONE_MS: u64 = 5_000;

/// What a customer, or the network in the customer's place, does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It rings (SIP 180, ALERTING).
    Ring {
        /// The network lets something be heard meanwhile (SIP 183, indicator 8).
        heard: bool,
    },
    /// Sound comes before the answer (SIP 183, PROGRESS with indicator 8).
    Early,
    /// Picks up (SIP 200, CONNECT).
    Answer,
    /// Clears, and lets sound be heard meanwhile (DISCONNECT with indicator 8). Where a line cannot,
    /// it is [`Act::Early`].
    Clear(Cause),
    /// It is over before it was answered.
    Refuse(Cause),
    /// It is over.
    HangUp,
    /// Into the call.
    Say(Voice),
    /// Into the call.
    Sound(Tone),
    /// Into the call.
    Press(String),
}

/// Why a customer wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The exchange has looked the number up.
    LookUp,
    /// Picks up, or presses the red key.
    Decide,
    /// The network's announcement or tone is over.
    AnnouncementEnd,
    /// The next sentence.
    Speak,
    /// The machine's greeting is over.
    Beep,
    /// The next keys.
    Press,
    /// Has talked enough.
    HangUp,
}

/// What the network of a line does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// Whose tones it has.
    pub(super) nation: Nation,
    /// It tells by a tone why a call has failed, before it gives the line back.
    pub(super) tells: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    lot: Lot,
    keys: Arc<[Press]>,
    language: Language,
    manner: Manner,
    scale: f64,
    chance: Chance,
    talking_since: Option<Tick>,
    sentences: usize,
    /// How many of `keys` were pressed.
    pressed: usize,
    due: BTreeMap<Timer, Tick>,
    out: VecDeque<Act>,
}

impl Customer {
    /// Somebody who is called.
    pub(super) fn called(now: Tick, setup: &Setup, person: Person, manner: Manner) -> Customer {
        let mut new = Customer::calling(setup, person, manner);
        new.due.insert(Timer::LookUp, now + LOOKUP_MS.min(new.lot.ring_ms));
        new
    }

    /// Somebody who calls the box, and talks once it answers.
    pub(super) fn calling(setup: &Setup, person: Person, manner: Manner) -> Customer {
        let Person { lot, keys, language, chance, .. } = person;
        let ring_ms = setup.scaled_ms(lot.ring_ms);
        let talk_ms = setup.scaled_ms(lot.talk_ms);
        Customer {
            lot: Lot { ring_ms, talk_ms, ..lot },
            keys,
            language,
            manner,
            scale: setup.scale,
            chance,
            talking_since: None,
            sentences: 0,
            pressed: 0,
            due: BTreeMap::new(),
            out: VecDeque::new(),
        }
    }

    /// The call was answered.
    pub(super) fn handle_answered(&mut self, now: Tick) {
        self.be_present(now);
        self.due.insert(Timer::Speak, now + LIFT_MS);
    }

    /// The other side begins to speak.
    pub(super) fn handle_started(&mut self, now: Tick) {
        if self.due.contains_key(&Timer::Speak) {
            self.due.insert(Timer::Speak, now + INTERRUPT_MS);
        }
    }

    /// The other side has finished.
    pub(super) fn handle_ended(&mut self, now: Tick) {
        if self.due.contains_key(&Timer::Speak) {
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
            Timer::AnnouncementEnd => self.out.push_back(Act::Refuse(self.cause())),
            Timer::Speak => self.speak(now),
            Timer::Beep => self.out.push_back(Act::Sound(Tone::Beep)),
            Timer::Press => self.press(now),
            Timer::HangUp => {
                self.due.clear();
                self.out.push_back(Act::HangUp);
            }
        }
    }

    /// Why this call fails, if it does.
    const fn cause(&self) -> Cause {
        match self.lot.fate {
            Fate::Busy => Cause::UserBusy,
            Fate::Congested => Cause::Congestion,
            Fate::Unallocated => self.lot.dead.cause,
            Fate::Refuses => Cause::CallRejected,
            Fate::RingsOut => Cause::NoAnswer,
            Fate::Answers | Fate::Machine => Cause::NormalClearing,
        }
    }

    fn looked_up(&mut self, now: Tick) {
        match self.lot.fate {
            Fate::Busy => self.fail(now, Tone::Busy(self.manner.nation)),
            Fate::Congested => self.fail(now, Tone::Congestion(self.manner.nation)),
            Fate::Unallocated => self.announce(now),
            Fate::Answers | Fate::Machine | Fate::Refuses => {
                self.ring();
                self.due.insert(Timer::Decide, now + self.lot.ring_ms);
            }
            Fate::RingsOut => self.ring(),
        }
    }

    fn fail(&mut self, now: Tick, tone: Tone) {
        if self.manner.tells {
            self.out.extend([Act::Clear(self.cause()), Act::Sound(tone)]);
            self.due.insert(Timer::AnnouncementEnd, now + TONE_MS);
        } else {
            self.out.push_back(Act::Refuse(self.cause()));
        }
    }

    fn announce(&mut self, now: Tick) {
        let Dead { cause, by, says } = self.lot.dead;
        let voice = Voice { language: self.language, words: Words::DeadNumber };
        let (sound, length_ms) = match says {
            DeadSays::Announcement => (Act::Say(voice), voice.length_ms() + LOOKUP_MS),
            DeadSays::Tone => (Act::Sound(Tone::SpecialInformation(self.manner.nation)), TONE_MS),
        };
        let begin = match by {
            DeadBy::Progress => Act::Early,
            DeadBy::Disconnect => Act::Clear(cause),
        };
        self.out.extend([begin, sound]);
        self.due.insert(Timer::AnnouncementEnd, now + length_ms);
    }

    fn ring(&mut self) {
        let music = self.lot.colour_ring.map(Tone::ColourRing);
        let tone = self.lot.ring_back.then_some(Tone::RingBack(self.manner.nation));
        let sound = music.or(tone);
        self.out.push_back(Act::Ring { heard: sound.is_some() });
        self.out.extend(sound.map(Act::Sound));
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
                self.be_present(now);
            }
            Fate::Refuses => self.out.push_back(Act::Refuse(self.cause())),
            Fate::Busy | Fate::Congested | Fate::Unallocated | Fate::RingsOut => {}
        }
    }

    /// From here on keys are pressed, and the end is near.
    fn be_present(&mut self, now: Tick) {
        self.talking_since = Some(now);
        if !self.lot.stays {
            self.due.insert(Timer::HangUp, now + self.lot.talk_ms);
        }
        self.wait_to_press();
    }

    fn wait_to_press(&mut self) {
        if let Some((since, next)) = self.talking_since.zip(self.keys.get(self.pressed)) {
            let after_ms = (next.after_ms as f64 / self.scale) as u64;
            self.due.insert(Timer::Press, since + after_ms);
        }
    }

    fn press(&mut self, now: Tick) {
        if let Some(Press { keys, .. }) = self.keys.get(self.pressed) {
            self.out.push_back(Act::Press(keys.clone()));
            // Nobody speaks and presses at once.
            if let Some(speak_at) = self.due.get_mut(&Timer::Speak) {
                *speak_at = (*speak_at).max(now + PATIENCE_MS);
            }
        }
        self.pressed += 1;
        self.wait_to_press();
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

    const PLAIN: Manner = Manner { nation: Nation::China, tells: false };
    const TELLING: Manner = Manner { nation: Nation::China, tells: true };

    fn called_over(manner: Manner, lot: Lot, keys: &[(u64, &str)]) -> Customer {
        let at = std::net::SocketAddr::from(([127, 0, 0, 1], 5070));
        let press = |(after_ms, keys): &(u64, &str)| Press {
            after_ms: *after_ms,
            keys: (*keys).to_owned(),
        };
        let person = Person {
            lot,
            keys: keys.iter().map(press).collect(),
            language: Language::Zh,
            chance: Chance::new(1),
        };
        Customer::called(Tick(0), &Setup::quiet(7, at, at), person, manner)
    }

    fn called(lot: Lot) -> Customer {
        called_over(PLAIN, lot, &[])
    }

    fn zh(words: Words) -> Voice {
        Voice { language: Language::Zh, words }
    }

    #[test]
    fn a_person_rings_answers_says_hello_goes_on_talking_and_hangs_up() {
        let done = live(&mut called(Lot::sure(Fate::Answers)), 60_000);
        assert_eq!(done[0], (300, Act::Ring { heard: false }));
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
            (300, Act::Ring { heard: false }),
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
        assert_eq!(done(Fate::Busy), [(300, Act::Refuse(Cause::UserBusy))]);
        let refused =
            [(300, Act::Ring { heard: false }), (1_300, Act::Refuse(Cause::CallRejected))];
        assert_eq!(done(Fate::Refuses), refused);
        let announcement = zh(Words::DeadNumber);
        let over_at = 600 + announcement.length_ms();
        let dead = [
            (300, Act::Early),
            (300, Act::Say(announcement)),
            (over_at, Act::Refuse(Cause::UnallocatedNumber)),
        ];
        assert_eq!(done(Fate::Unallocated), dead);
        assert_eq!(done(Fate::RingsOut), [(300, Act::Ring { heard: false })]);
    }

    #[test]
    fn ring_back_is_heard_before_the_answer() {
        let lot = Lot { ring_back: true, ..Lot::sure(Fate::RingsOut) };
        let tone = Act::Sound(Tone::RingBack(Nation::China));
        let expected = [(300, Act::Ring { heard: true }), (300, tone)];
        assert_eq!(live(&mut called(lot), 600_000), expected);
    }

    #[test]
    fn music_takes_the_place_of_ring_back() {
        let melody = crate::tones::Melody::Market;
        let lot = Lot { colour_ring: Some(melody), ring_back: true, ..Lot::sure(Fate::RingsOut) };
        let tone = Act::Sound(Tone::ColourRing(melody));
        let expected = [(300, Act::Ring { heard: true }), (300, tone)];
        assert_eq!(live(&mut called(lot), 600_000), expected);
    }

    #[test]
    fn a_network_with_tones_tells_why_and_then_gives_the_line_back() {
        let nation = Nation::China;
        for (fate, cause, tone) in [
            (Fate::Busy, Cause::UserBusy, Tone::Busy(nation)),
            (Fate::Congested, Cause::Congestion, Tone::Congestion(nation)),
        ] {
            let done = live(&mut called_over(TELLING, Lot::sure(fate), &[]), 600_000);
            let expected = [
                (300, Act::Clear(cause)),
                (300, Act::Sound(tone)),
                (300 + TONE_MS, Act::Refuse(cause)),
            ];
            assert_eq!(done, expected);
        }
    }

    #[test]
    fn a_dead_number_has_its_own_cause_way_and_sound() {
        let dead =
            Dead { cause: Cause::NumberChanged, by: DeadBy::Disconnect, says: DeadSays::Tone };
        let done = live(&mut called(Lot { dead, ..Lot::sure(Fate::Unallocated) }), 600_000);
        let expected = [
            (300, Act::Clear(Cause::NumberChanged)),
            (300, Act::Sound(Tone::SpecialInformation(Nation::China))),
            (300 + TONE_MS, Act::Refuse(Cause::NumberChanged)),
        ];
        assert_eq!(done, expected);
    }

    #[test]
    fn keys_are_pressed_when_it_is_time() {
        let keys = [(2_000, "1"), (5_000, "23#"), (60_000, "9")];
        let done = live(&mut called_over(PLAIN, Lot::sure(Fate::Answers), &keys), 60_000);
        let pressed: Vec<_> = done.iter().filter(|(_, act)| matches!(act, Act::Press(_))).collect();
        let (one, two) = (Act::Press("1".to_owned()), Act::Press("23#".to_owned()));
        assert_eq!(pressed, [&(3_300, one), &(6_300, two)]);
        assert_eq!(done.last(), Some(&(11_300, Act::HangUp)));
    }

    #[test]
    fn whoever_stays_leaves_it_to_the_other_to_hang_up() {
        let lot = Lot { stays: true, ..Lot::sure(Fate::Machine) };
        let done = live(&mut called(lot), 3_600_000);
        assert!(!done.iter().any(|(_, act)| *act == Act::HangUp), "{done:?}");
    }
}
