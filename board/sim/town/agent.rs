//! An agent at a phone, who works as a person would: signs in by dialling `*11` and keying number
//! and PIN, stays off hook, talks when somebody is there, presses a digit when the talk is over.
//!
//! Signalling does not tell a seated agent that a customer was joined or has left, so the agent
//! listens:
//!
//! ```text
//!  seated   a voice begins                    ► somebody is there
//!           the voice falls silent            ► the agent says a sentence
//!           nothing for OVER_MS after it      ► the talk is over: a digit
//!           the voice lasted over RECORDED_MS ► not a person but the box's own prompt, which asks
//!                                               for a digit
//! ```
//! A voice that begins within [`ECHO_MS`] after keys is the box's confirmation and means nothing.
//! Without ears (a world without sound) the agent keys after fixed waits and presses a digit every
//! now and then; the box ignores a digit that it has not asked for.

use std::collections::{BTreeMap, VecDeque};

use call::{Cause, Tick};

use super::chance::Chance;
use super::people::Habit;
use crate::voice::{Language, Voice, Words};

/// The feature code that signs in.
pub const SIGN_IN: &str = "*11";
/// Dispositions that agents press.
const DIGITS: (u64, u64) = (1, 5);

/// Rest before dialling, in milliseconds, scaled: shortest and longest.
const REST_MS: (u64, u64) = (1_000, 3_000);
/// The longest rest after sign-ins that failed one after another, in milliseconds.
const REST_MAX_MS: u64 = 60_000;
/// A seat that ends sooner after the PIN, in milliseconds, was no seat: the sign-in was refused.
const SEATED_MS: u64 = 15_000;
/// Rest after a call of the box, in milliseconds: it will call again.
const RUNG_REST_MS: u64 = 60_000;
/// From ringing to the answer, in milliseconds.
const PICK_UP_MS: u64 = 300;
/// From the end of a prompt to the first key, in milliseconds.
const REACTION_MS: u64 = 400;
/// Without ears: from answer or keys to the next keys, in milliseconds. Prompts take longer, and a
/// key ends them.
const BLIND_MS: u64 = 3_000;
/// How long to wait for a prompt that does not come, in milliseconds.
const NO_PROMPT_MS: u64 = 8_000;
/// How long to wait for the end of a prompt that does not end, in milliseconds.
const LONG_PROMPT_MS: u64 = 15_000;
/// What one key takes on the line, in milliseconds.
const KEY_MS: u64 = 200;
/// A voice that begins so soon after keys, in milliseconds, confirms them.
const ECHO_MS: u64 = 2_500;
/// Nobody speaks so long in one breath, in milliseconds.
const RECORDED_MS: u32 = 3_500;
/// Silence after a sentence of one's own, in milliseconds, that says that nobody is there.
const OVER_MS: u64 = 4_000;
/// While the other speaks, in milliseconds, before the agent speaks too.
const INTERRUPT_MS: u64 = 6_000;
/// From the end of a talk to the digit, in milliseconds, scaled: shortest and longest.
const WRAP_UP_MS: (u64, u64) = (500, 2_500);
/// Without ears: from digit to digit, in milliseconds, scaled: shortest and longest.
const BLIND_DIGIT_MS: (u64, u64) = (8_000, 15_000);

/// What an agent does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Calls the box.
    Dial(String),
    /// Picks up.
    Answer,
    /// Presses keys.
    Press(String),
    /// Has keyed number and PIN.
    SignedIn,
    /// Into the call.
    Say(Voice),
    /// Puts the phone down.
    HangUp(Cause),
}

/// Why an agent wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Dials `*11`.
    Dial,
    /// Picks up.
    PickUp,
    /// Keys: number, PIN or a disposition.
    Key,
    /// The next sentence.
    Speak,
    /// Nobody is there any more.
    Over,
}

/// Where an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// The phone is not registered.
    Away,
    /// On hook.
    Resting,
    /// The box is called.
    Dialling,
    /// The phone rings.
    Ringing,
    /// The box asks for the number.
    AskedNumber,
    /// The box asks for the PIN.
    AskedPin,
    /// Off hook, at work.
    Seated,
}

/// Who an agent is.
#[derive(Clone, Debug)]
pub(super) struct Nature {
    pub(super) number: String,
    pub(super) pin: String,
    pub(super) language: Language,
    pub(super) hears: bool,
    pub(super) habit: Habit,
    pub(super) scale: f64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    nature: Nature,
    chance: Chance,
    duty: Duty,
    /// Until then, whatever begins to sound is a confirmation.
    echo_until: Tick,
    /// What sounds now is one.
    echoing: bool,
    /// The sign-ins that failed one after another.
    failures: u32,
    signed_in_at: Option<Tick>,
    was_rung: bool,
    sentences: usize,
    due: BTreeMap<Timer, Tick>,
    out: VecDeque<Act>,
}

impl Agent {
    pub(super) fn new(nature: Nature, chance: Chance) -> Agent {
        Agent {
            nature,
            chance,
            duty: Duty::Away,
            echo_until: Tick(0),
            echoing: false,
            failures: 0,
            signed_in_at: None,
            was_rung: false,
            sentences: 0,
            due: BTreeMap::new(),
            out: VecDeque::new(),
        }
    }

    pub(super) const fn duty(&self) -> Duty {
        self.duty
    }

    /// The phone is registered.
    pub(super) fn handle_registered(&mut self, now: Tick) {
        if self.duty == Duty::Away {
            self.duty = Duty::Resting;
            let rest_ms = self.draw(REST_MS);
            self.rest(now, rest_ms);
        }
    }

    /// The phone is not registered any more. A call goes on.
    pub(super) fn handle_unregistered(&mut self) {
        if self.duty == Duty::Resting {
            self.duty = Duty::Away;
            self.due.clear();
        }
    }

    /// Somebody else has dialled at this phone: the agent takes the call.
    pub(super) fn handle_dialled(&mut self) {
        self.duty = Duty::Dialling;
        self.due.clear();
    }

    /// The phone rings.
    pub(super) fn handle_rung(&mut self, now: Tick) {
        self.duty = Duty::Ringing;
        self.was_rung = true;
        self.due.clear();
        self.due.insert(Timer::PickUp, now + PICK_UP_MS);
    }

    /// The box has answered.
    pub(super) fn handle_answered(&mut self, now: Tick) {
        if !self.works() {
            self.duty = Duty::Seated;
        } else if self.duty == Duty::Dialling {
            self.duty = Duty::AskedNumber;
            self.due.insert(Timer::Key, now + self.wait_for_prompt());
        }
    }

    /// The call is over, or was never taken.
    pub(super) fn handle_ended(&mut self, now: Tick) {
        let seated = self.signed_in_at.take().is_some_and(|at| now.since_ms(at) >= SEATED_MS);
        let rung = core::mem::take(&mut self.was_rung);
        self.failures = if seated || rung { 0 } else { self.failures.saturating_add(1) };
        let base_ms = self.draw(REST_MS);
        let rest_ms = match (rung, self.failures) {
            (true, _) => RUNG_REST_MS,
            (false, 0) => base_ms,
            (false, n) => (base_ms.max(500) << n.min(8)).min(REST_MAX_MS),
        };
        self.duty = Duty::Resting;
        self.sentences = 0;
        self.echoing = false;
        self.due.clear();
        self.rest(now, rest_ms);
    }

    /// A voice begins.
    pub(super) fn handle_started(&mut self, now: Tick) {
        match self.duty {
            Duty::AskedNumber | Duty::AskedPin => {
                self.due.insert(Timer::Key, now + LONG_PROMPT_MS);
            }
            Duty::Seated if now < self.echo_until => self.echoing = true,
            Duty::Seated if self.works() => {
                self.due.remove(&Timer::Over);
                self.due.insert(Timer::Speak, now + INTERRUPT_MS);
            }
            Duty::Seated | Duty::Away | Duty::Resting | Duty::Dialling | Duty::Ringing => {}
        }
    }

    /// The voice fell silent a second ago.
    pub(super) fn handle_silence(&mut self, now: Tick, lasted_ms: u32) {
        match self.duty {
            Duty::AskedNumber | Duty::AskedPin => {
                self.due.insert(Timer::Key, now + REACTION_MS);
            }
            Duty::Seated if !self.works() => {}
            // Also after keys of the agent's own: they were not understood.
            Duty::Seated if lasted_ms >= RECORDED_MS => {
                self.echoing = false;
                self.due.clear();
                self.due.insert(Timer::Key, now + REACTION_MS);
            }
            Duty::Seated if core::mem::take(&mut self.echoing) => {}
            Duty::Seated => {
                self.due.insert(Timer::Speak, now + self.chance.between(100, 500));
            }
            Duty::Away | Duty::Resting | Duty::Dialling | Duty::Ringing => {}
        }
    }

    /// The line is dead: no RTP comes.
    pub(super) fn handle_lost(&mut self) {
        if self.works() {
            self.out.push_back(Act::HangUp(Cause::MediaTimeout));
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Tick) {
        while let Some((at, timer)) = self.next_timeout().filter(|(at, _)| *at <= now) {
            self.due.remove(&timer);
            self.expired(at.max(now), timer);
        }
    }

    pub(super) fn poll(&mut self) -> Option<Act> {
        self.out.pop_front()
    }

    pub(super) fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.due.iter().map(|(timer, at)| (*at, *timer)).min()
    }

    fn expired(&mut self, now: Tick, timer: Timer) {
        match timer {
            Timer::Dial => {
                self.duty = Duty::Dialling;
                self.out.push_back(Act::Dial(SIGN_IN.to_owned()));
            }
            Timer::PickUp => {
                self.duty = Duty::Seated;
                self.out.push_back(Act::Answer);
                self.press_blindly(now);
            }
            Timer::Key => self.key(now),
            Timer::Speak => self.speak(now),
            Timer::Over => {
                self.due.remove(&Timer::Speak);
                self.sentences = 0;
                let wrap_up_ms = self.draw(WRAP_UP_MS);
                self.due.insert(Timer::Key, now + wrap_up_ms);
            }
        }
    }

    fn key(&mut self, now: Tick) {
        match self.duty {
            Duty::AskedNumber => {
                let number = format!("{}#", self.nature.number);
                let pressed = self.press(now, number);
                self.duty = Duty::AskedPin;
                self.due.insert(Timer::Key, pressed + self.wait_for_prompt());
            }
            Duty::AskedPin => {
                let pin = format!("{}#", self.nature.pin);
                self.press(now, pin);
                self.out.push_back(Act::SignedIn);
                self.duty = Duty::Seated;
                self.signed_in_at = Some(now);
                self.press_blindly(now);
            }
            Duty::Seated => {
                let digit = self.chance.between(DIGITS.0, DIGITS.1).to_string();
                self.press(now, digit);
                self.press_blindly(now);
            }
            Duty::Away | Duty::Resting | Duty::Dialling | Duty::Ringing => {}
        }
    }

    /// Presses keys, and says when the last is through.
    fn press(&mut self, now: Tick, keys: String) -> Tick {
        let through = now + keys.len() as u64 * KEY_MS;
        self.echo_until = through + ECHO_MS;
        self.out.push_back(Act::Press(keys));
        through
    }

    fn press_blindly(&mut self, now: Tick) {
        if self.works() && !self.nature.hears {
            let pause_ms = self.draw(BLIND_DIGIT_MS);
            self.due.insert(Timer::Key, now + pause_ms);
        }
    }

    fn speak(&mut self, now: Tick) {
        let words = match self.sentences {
            0 => Words::Agent1,
            _ => {
                let at = self.chance.between(1, Words::AGENT.len() as u64 - 1) as usize;
                Words::AGENT.get(at).copied().unwrap_or(Words::Agent2)
            }
        };
        self.sentences += 1;
        let voice = Voice { language: self.nature.language, words };
        self.out.push_back(Act::Say(voice));
        self.due.insert(Timer::Over, now + voice.length_ms() + OVER_MS);
    }

    fn rest(&mut self, now: Tick, rest_ms: u64) {
        if self.works() {
            self.due.insert(Timer::Dial, now + rest_ms);
        }
    }

    fn works(&self) -> bool {
        self.nature.habit == Habit::Works
    }

    const fn wait_for_prompt(&self) -> u64 {
        if self.nature.hears { NO_PROMPT_MS } else { BLIND_MS }
    }

    fn draw(&mut self, (low, high): (u64, u64)) -> u64 {
        (self.chance.between(low, high) as f64 / self.nature.scale) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(hears: bool) -> Agent {
        let nature = Nature {
            number: "801".into(),
            pin: "4711".into(),
            language: Language::Zh,
            hears,
            habit: Habit::Works,
            scale: 1.0,
        };
        Agent::new(nature, Chance::new(5))
    }

    fn live(agent: &mut Agent, until: u64) -> Vec<(u64, Act)> {
        let mut done = Vec::new();
        while let Some(act) = agent.poll() {
            done.push((0, act));
        }
        while let Some((at, _)) = agent.next_timeout().filter(|(at, _)| at.0 <= until) {
            agent.handle_timeout(at);
            while let Some(act) = agent.poll() {
                done.push((at.0, act));
            }
        }
        done
    }

    fn press(keys: &str) -> Act {
        Act::Press(keys.to_owned())
    }

    /// An agent with ears who is seated at 20 s.
    fn seated() -> Agent {
        let mut agent = agent(true);
        agent.handle_registered(Tick(0));
        live(&mut agent, 5_000);
        agent.handle_answered(Tick(5_000));
        agent.handle_started(Tick(5_100));
        agent.handle_silence(Tick(9_500), 3_400);
        assert_eq!(live(&mut agent, 10_000), [(9_900, press("801#"))]);
        agent.handle_started(Tick(11_000));
        agent.handle_silence(Tick(15_000), 3_000);
        assert_eq!(live(&mut agent, 20_000), [(15_400, press("4711#")), (15_400, Act::SignedIn)]);
        // "You are signed in" is nobody to talk to.
        agent.handle_started(Tick(17_000));
        agent.handle_silence(Tick(19_400), 1_400);
        assert_eq!(live(&mut agent, 20_000), []);
        assert_eq!(agent.duty(), Duty::Seated);
        agent
    }

    #[test]
    fn an_agent_with_ears_keys_when_the_prompt_is_over() {
        seated();
    }

    #[test]
    fn an_agent_without_ears_keys_after_fixed_waits_and_presses_digits_now_and_then() {
        let mut agent = agent(false);
        agent.handle_registered(Tick(0));
        let dialled = live(&mut agent, 5_000);
        assert!(matches!(&dialled[..], [(1_000..=3_000, Act::Dial(code))] if code == "*11"));
        agent.handle_answered(Tick(5_000));
        let keyed = live(&mut agent, 12_000);
        let expected = [(8_000, press("801#")), (11_800, press("4711#")), (11_800, Act::SignedIn)];
        assert_eq!(keyed, expected);
        let digits = live(&mut agent, 72_000);
        assert!((4..=7).contains(&digits.len()), "{digits:?}");
        for (_, act) in digits {
            let Act::Press(digit) = act else { panic!("{act:?}") };
            assert!(["1", "2", "3", "4", "5"].contains(&digit.as_str()));
        }
    }

    #[test]
    fn a_silent_box_is_keyed_at_anyway() {
        let mut agent = agent(true);
        agent.handle_registered(Tick(0));
        live(&mut agent, 5_000);
        agent.handle_answered(Tick(5_000));
        let keyed = live(&mut agent, 30_000);
        let expected = [(13_000, press("801#")), (21_800, press("4711#")), (21_800, Act::SignedIn)];
        assert_eq!(keyed, expected);
    }

    #[test]
    fn an_agent_answers_a_voice_and_presses_a_digit_when_nobody_speaks_any_more() {
        let mut agent = seated();
        agent.handle_started(Tick(30_000));
        agent.handle_silence(Tick(32_000), 1_000);
        let said = live(&mut agent, 35_000);
        let voice = Voice { language: Language::Zh, words: Words::Agent1 };
        assert!(matches!(said[..], [(32_100..=32_500, Act::Say(v))] if v == voice), "{said:?}");
        agent.handle_started(Tick(36_000));
        assert_eq!(live(&mut agent, 39_000), [], "the other is there");
        agent.handle_silence(Tick(39_000), 2_000);
        let done = live(&mut agent, 60_000);
        assert!(matches!(&done[..], [(_, Act::Say(_)), (_, Act::Press(_))]), "{done:?}");
        assert_eq!(live(&mut agent, 200_000), [], "one digit is enough");
    }

    #[test]
    fn a_recorded_prompt_is_answered_by_a_digit_at_once() {
        let mut agent = seated();
        agent.handle_started(Tick(30_000));
        agent.handle_silence(Tick(35_400), 4_400);
        let done = live(&mut agent, 60_000);
        assert!(matches!(&done[..], [(35_800, Act::Press(_))]), "{done:?}");
        // The digit meant nothing: the question comes again, at once.
        agent.handle_started(Tick(36_500));
        agent.handle_silence(Tick(43_000), 5_500);
        let again = live(&mut agent, 60_000);
        assert!(matches!(&again[..], [(43_400, Act::Press(_))]), "{again:?}");
    }

    #[test]
    fn a_lost_seat_is_taken_again_and_a_refused_one_more_and_more_slowly() {
        let mut agent = seated();
        agent.handle_ended(Tick(100_000));
        let again = live(&mut agent, 200_000);
        assert!(matches!(&again[..], [(101_000..=103_000, Act::Dial(_))]), "{again:?}");
        let mut now = 200_000;
        let mut rests = Vec::new();
        for _ in 0..8 {
            agent.handle_ended(Tick(now));
            let again = live(&mut agent, now + 100_000);
            rests.push(again[0].0 - now);
            now = again[0].0;
        }
        assert!(rests[0] < 7_000 && rests[7] == REST_MAX_MS, "{rests:?}");
    }

    #[test]
    fn a_ringing_phone_is_picked_up_and_the_box_is_left_to_call_again() {
        let mut agent = agent(true);
        agent.handle_registered(Tick(0));
        agent.handle_rung(Tick(100));
        assert_eq!(live(&mut agent, 60_000), [(400, Act::Answer)]);
        agent.handle_ended(Tick(60_000));
        let again = live(&mut agent, 200_000);
        assert_eq!(again, [(120_000, Act::Dial("*11".into()))]);
    }

    #[test]
    fn a_dead_line_is_hung_up() {
        let mut agent = seated();
        agent.handle_lost();
        assert_eq!(agent.poll(), Some(Act::HangUp(Cause::MediaTimeout)));
    }
}
