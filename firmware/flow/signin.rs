//! Signing in and out from the desk phone alone.
//!
//! ```text
//! *11  agent_number? ──► pin? ──► Check ──► SignIn ──► "signed in" ──► keep the leg, or hang up
//!            ▲                      │ wrong, at most 3 times
//!            └──────────────────────┘ then "goodbye", hang up
//! *12  SignOut ──► "signed out"      *13  Ready ──► "ready"      *14[n]  Pause ──► "paused"
//! ```
//!
//! Who signs out, or is made ready or paused, is the agent who is signed in at the calling phone;
//! the daemon knows that, not the flow. A wrong number sounds like a wrong PIN, and both are asked
//! for before either is checked, so that the phone does not tell which agents there are.
//!
//! | waiting for | timer | then |
//! |---|---|---|
//! | digits | [`Timer::Answer`] | as if nothing had been dialled |
//! | the check, the order | [`Timer::Order`] | "not available", hang up |
//! | the last prompt's end | [`Timer::Prompt`] | goes on as if it had ended |

use core::fmt;
use std::collections::VecDeque;

use call::{AgentId, Tick};

use crate::limits;
use crate::prompt::{Collect, CollectEnd, Prompt};

/// What a code dialled from a desk phone asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `*11`: sign in.
    SignIn,
    /// `*12`: sign out.
    SignOut,
    /// `*13`: ready.
    Ready,
    /// `*14`, or `*14` and a digit: paused, with that reason code; 0: none given.
    Pause(u8),
}

impl Feature {
    /// The feature behind what was dialled.
    #[must_use]
    pub fn of(dialled: &str) -> Option<Feature> {
        match dialled.as_bytes() {
            b"*11" => Some(Feature::SignIn),
            b"*12" => Some(Feature::SignOut),
            b"*13" => Some(Feature::Ready),
            b"*14" => Some(Feature::Pause(0)),
            [b'*', b'1', b'4', digit] if digit.is_ascii_digit() => {
                Some(Feature::Pause(digit - b'0'))
            }
            _ => None,
        }
    }
}

/// A PIN on its way to the check. It never shows in a dump.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// The digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

/// Every effect of the flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Say this.
    Play(Prompt),
    /// Collect digits; answer with [`SignIn::handle_collected`].
    Collect(Collect),
    /// Check number and PIN; answer with [`SignIn::handle_checked`].
    Check {
        /// The agent number as dialled.
        agent: String,
        /// The PIN as dialled.
        pin: Pin,
    },
    /// Sign this agent in at the calling phone; answer with [`SignIn::handle_followed`].
    SignIn(AgentId),
    /// Sign out whoever is signed in here; answer likewise.
    SignOut,
    /// Make ready whoever is signed in here; answer likewise.
    Ready,
    /// Pause whoever is signed in here, with this reason code; answer likewise.
    Pause(u8),
    /// The conversation is over and the leg stays up as the agent's nailed-up seat.
    KeepSeat,
    /// The conversation is over: hang up.
    HangUp,
}

/// The verdict on number and PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// They belong to this agent.
    Right(AgentId),
    /// They do not belong together.
    Wrong,
    /// Too many wrong ones: locked for a while.
    Locked,
}

/// The timers of the flow; at most one runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The caller's digits.
    Answer,
    /// The daemon's check, or its following an order.
    Order,
    /// The end of the last prompt.
    Prompt,
}

/// Where the conversation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for the agent number.
    AgentNumber,
    /// Waits for the PIN of this agent number.
    Pin {
        /// As dialled.
        agent: String,
    },
    /// Waits for the check.
    Checking,
    /// Waits until the order is followed.
    Ordered,
    /// Says its last word; then the leg is kept, or ended.
    Closing {
        /// The leg stays up as the seat.
        keep: bool,
    },
    /// Over.
    Over,
}

/// One conversation.
#[derive(Clone, Debug)]
pub struct SignIn {
    feature: Feature,
    nailed_up: bool,
    state: State,
    tries: u8,
    timer: Option<(Tick, Timer)>,
    outputs: VecDeque<Output>,
}

impl SignIn {
    /// A caller has dialled `feature`, and the leg is answered. `nailed_up`: after signing in, or
    /// becoming ready, the leg stays up as the agent's seat.
    #[must_use]
    pub fn new(now: Tick, feature: Feature, nailed_up: bool) -> SignIn {
        let mut flow = SignIn {
            feature,
            nailed_up,
            state: State::Ordered,
            tries: 0,
            timer: None,
            outputs: VecDeque::new(),
        };
        match feature {
            Feature::SignIn => flow.ask_number(now),
            Feature::SignOut => flow.order(now, Output::SignOut),
            Feature::Ready => flow.order(now, Output::Ready),
            Feature::Pause(reason) => flow.order(now, Output::Pause(reason)),
        }
        flow
    }

    /// Digits were collected, the hash key left out.
    pub fn handle_collected(&mut self, now: Tick, digits: &str, end: CollectEnd) {
        match self.state.clone() {
            State::AgentNumber => match answer(digits, end, limits::AGENT_DIGITS_MAX) {
                Some(agent) => self.ask_pin(now, agent),
                None => self.try_again(now, Prompt::TryAgain),
            },
            State::Pin { agent } => match answer(digits, end, limits::PIN_DIGITS_MAX) {
                Some(pin) => {
                    self.state = State::Checking;
                    self.timer = Some((now.after_ms(limits::ORDER_MS), Timer::Order));
                    self.put(Output::Check { agent, pin: Pin(pin) });
                }
                None => self.try_again(now, Prompt::TryAgain),
            },
            State::Checking | State::Ordered | State::Closing { .. } | State::Over => {}
        }
    }

    /// Number and PIN were checked.
    pub fn handle_checked(&mut self, now: Tick, checked: Checked) {
        if self.state != State::Checking {
            return;
        }
        match checked {
            Checked::Right(agent) => self.order(now, Output::SignIn(agent)),
            Checked::Wrong => self.try_again(now, Prompt::WrongNumberOrPin),
            Checked::Locked => self.close(now, Prompt::NotAvailable, false),
        }
    }

    /// The order was followed, or could not be.
    pub fn handle_followed(&mut self, now: Tick, followed: bool) {
        if self.state != State::Ordered {
            return;
        }
        let (prompt, seat) = match self.feature {
            Feature::SignIn => (Prompt::SignedIn, true),
            Feature::SignOut => (Prompt::SignedOut, false),
            Feature::Ready => (Prompt::Ready, true),
            Feature::Pause(_) => (Prompt::Paused, false),
        };
        if followed {
            self.close(now, prompt, seat && self.nailed_up);
        } else {
            self.close(now, Prompt::NotAvailable, false);
        }
    }

    /// Everything that was to be played has been played.
    pub fn handle_played(&mut self, _now: Tick) {
        let State::Closing { keep } = self.state else { return };
        self.end(if keep { Output::KeepSeat } else { Output::HangUp });
    }

    /// The caller has hung up. What was ordered stays ordered.
    pub fn handle_hang_up(&mut self, _now: Tick) {
        self.state = State::Over;
        self.timer = None;
        self.outputs.clear();
    }

    /// Lets the timer act that is due.
    pub fn handle_timeout(&mut self, now: Tick) {
        let Some((_, timer)) = self.timer.filter(|(at, _)| *at <= now) else { return };
        self.timer = None;
        match timer {
            Timer::Answer => self.handle_collected(now, "", CollectEnd::Silence),
            Timer::Order => self.close(now, Prompt::NotAvailable, false),
            Timer::Prompt => self.handle_played(now),
        }
    }

    /// The next effect; to be drained after every input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`SignIn::handle_timeout`], and why.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.timer
    }

    /// Where the conversation is.
    #[must_use]
    pub const fn snapshot(&self) -> &State {
        &self.state
    }

    fn ask_number(&mut self, now: Tick) {
        self.state = State::AgentNumber;
        self.put(Output::Play(Prompt::AgentNumber));
        self.collect(now, limits::AGENT_DIGITS_MAX);
    }

    fn ask_pin(&mut self, now: Tick, agent: String) {
        self.state = State::Pin { agent };
        self.put(Output::Play(Prompt::Pin));
        self.collect(now, limits::PIN_DIGITS_MAX);
    }

    fn collect(&mut self, now: Tick, digits_max: u8) {
        self.timer = Some((now.after_ms(limits::ANSWER_MS), Timer::Answer));
        self.put(Output::Collect(Collect {
            digits_max,
            hash_ends: true,
            first_ms: limits::FIRST_DIGIT_MS,
            next_ms: limits::NEXT_DIGIT_MS,
        }));
    }

    fn try_again(&mut self, now: Tick, prompt: Prompt) {
        self.tries += 1;
        if self.tries >= limits::TRIES_MAX {
            self.close(now, Prompt::Goodbye, false);
            return;
        }
        self.put(Output::Play(prompt));
        self.ask_number(now);
    }

    fn order(&mut self, now: Tick, order: Output) {
        self.state = State::Ordered;
        self.timer = Some((now.after_ms(limits::ORDER_MS), Timer::Order));
        self.put(order);
    }

    fn close(&mut self, now: Tick, prompt: Prompt, keep: bool) {
        self.state = State::Closing { keep };
        self.timer = Some((now.after_ms(limits::PROMPT_MS), Timer::Prompt));
        self.put(Output::Play(prompt));
    }

    fn end(&mut self, last: Output) {
        self.state = State::Over;
        self.timer = None;
        self.put(last);
    }

    fn put(&mut self, output: Output) {
        assert!(self.outputs.len() < limits::OUTPUTS_MAX, "outputs of a sign-in not drained");
        self.outputs.push_back(output);
    }
}

/// The answer, if digits were dialled and ended as asked. An answer cut by silence is none: half a
/// PIN must not count as a wrong one.
fn answer(digits: &str, end: CollectEnd, digits_max: u8) -> Option<String> {
    let fits = (1..=usize::from(digits_max)).contains(&digits.len());
    let good = fits && digits.bytes().all(|b| b.is_ascii_digit());
    match end {
        CollectEnd::Hash | CollectEnd::Full if good => Some(digits.to_owned()),
        CollectEnd::Hash | CollectEnd::Full | CollectEnd::Silence => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A conversation and its clock.
    struct Talk {
        flow: SignIn,
        now: Tick,
    }

    impl Talk {
        fn dials(code: &str) -> Talk {
            let flow = SignIn::new(Tick(0), Feature::of(code).unwrap(), true);
            Talk { flow, now: Tick(0) }
        }

        /// What the box says and does, collecting left out.
        fn hears(&mut self) -> Vec<Output> {
            let all = core::iter::from_fn(|| self.flow.poll());
            all.filter(|output| !matches!(output, Output::Collect(_))).collect()
        }

        fn keys(&mut self, digits: &str) -> Vec<Output> {
            self.flow.handle_collected(self.now, digits, CollectEnd::Hash);
            self.hears()
        }

        fn checked(&mut self, checked: Checked) -> Vec<Output> {
            self.flow.handle_checked(self.now, checked);
            self.hears()
        }

        fn followed(&mut self, followed: bool) -> Vec<Output> {
            self.flow.handle_followed(self.now, followed);
            self.hears()
        }

        fn waits(&mut self) -> Vec<Output> {
            self.now = self.flow.next_timeout().unwrap().0;
            self.flow.handle_timeout(self.now);
            self.hears()
        }
    }

    #[test]
    fn the_codes_of_the_desk_phone_are_known_and_nothing_else() {
        assert_eq!(Feature::of("*11"), Some(Feature::SignIn));
        assert_eq!(Feature::of("*14"), Some(Feature::Pause(0)));
        assert_eq!(Feature::of("*143"), Some(Feature::Pause(3)));
        for other in ["", "*1", "*15", "*14x", "*1433", "11", "*111"] {
            assert_eq!(Feature::of(other), None, "{other}");
        }
    }

    #[test]
    fn an_agent_signs_in_with_number_and_pin_and_stays_on_the_line() {
        let mut talk = Talk::dials("*11");
        assert_eq!(talk.hears(), [Output::Play(Prompt::AgentNumber)]);
        assert_eq!(talk.keys("1001"), [Output::Play(Prompt::Pin)]);
        let check = talk.keys("4321");
        assert_eq!(check, [Output::Check { agent: "1001".into(), pin: Pin("4321".into()) }]);
        assert!(!format!("{check:?}").contains("4321"), "the PIN shows in a dump");
        assert_eq!(talk.checked(Checked::Right(AgentId(7))), [Output::SignIn(AgentId(7))]);
        assert_eq!(talk.followed(true), [Output::Play(Prompt::SignedIn)]);
        talk.flow.handle_played(talk.now);
        assert_eq!(talk.hears(), [Output::KeepSeat]);
        assert_eq!(talk.flow.next_timeout(), None);
    }

    #[test]
    fn three_wrong_tries_end_the_call() {
        let mut talk = Talk::dials("*11");
        talk.hears();
        for _ in 0..2 {
            talk.keys("1001");
            talk.keys("0000");
            assert_eq!(
                talk.checked(Checked::Wrong),
                [Output::Play(Prompt::WrongNumberOrPin), Output::Play(Prompt::AgentNumber)]
            );
        }
        talk.keys("1001");
        talk.keys("0000");
        assert_eq!(talk.checked(Checked::Wrong), [Output::Play(Prompt::Goodbye)]);
        assert_eq!(talk.waits(), [Output::HangUp]);
    }

    #[test]
    fn silence_counts_as_a_try_and_half_a_pin_is_not_checked() {
        let mut talk = Talk::dials("*11");
        talk.hears();
        let again = [Output::Play(Prompt::TryAgain), Output::Play(Prompt::AgentNumber)];
        assert_eq!(talk.waits(), again);
        talk.keys("1001");
        talk.flow.handle_collected(talk.now, "43", CollectEnd::Silence);
        assert_eq!(talk.hears(), again);
        assert_eq!(talk.keys(""), [Output::Play(Prompt::Goodbye)]);
    }

    #[test]
    fn the_other_codes_order_say_so_and_hang_up() {
        for (code, order, prompt, end) in [
            ("*12", Output::SignOut, Prompt::SignedOut, Output::HangUp),
            ("*13", Output::Ready, Prompt::Ready, Output::KeepSeat),
            ("*142", Output::Pause(2), Prompt::Paused, Output::HangUp),
        ] {
            let mut talk = Talk::dials(code);
            assert_eq!(talk.hears(), [order]);
            assert_eq!(talk.followed(true), [Output::Play(prompt)]);
            talk.flow.handle_played(talk.now);
            assert_eq!(talk.hears(), [end]);
        }
    }

    #[test]
    fn what_cannot_be_done_is_said_and_so_is_a_daemon_that_does_not_answer() {
        let mut talk = Talk::dials("*13");
        talk.hears();
        assert_eq!(talk.followed(false), [Output::Play(Prompt::NotAvailable)]);
        let mut talk = Talk::dials("*11");
        talk.keys("1");
        talk.keys("2");
        assert_eq!(talk.waits(), [Output::Play(Prompt::NotAvailable)]);
        assert_eq!(talk.waits(), [Output::HangUp]);
    }

    proptest! {
        #[test]
        fn whatever_happens_it_ends_and_nobody_signs_in_without_a_right_pin(
            code in prop::sample::select(vec!["*11", "*12", "*13", "*14"]),
            steps in prop::collection::vec((0u8..6, "[0-9#*a]{0,14}", any::<bool>()), 0..40),
        ) {
            let mut talk = Talk::dials(code);
            let mut asked = false;
            let mut right = false;
            let mut checks = 0;
            let mut over = false;
            let steps = steps.into_iter().map(Some).chain((0..40).map(|_| None));
            for step in steps {
                match step {
                    None => {
                        let Some((at, _)) = talk.flow.next_timeout() else { break };
                        talk.now = at;
                        talk.flow.handle_timeout(at);
                    }
                    Some((0 | 1, digits, full)) => {
                        let end = if full { CollectEnd::Full } else { CollectEnd::Silence };
                        talk.flow.handle_collected(talk.now, &digits, end);
                    }
                    Some((2, _, good)) => {
                        right |= asked && good;
                        let checked =
                            if good { Checked::Right(AgentId(1)) } else { Checked::Wrong };
                        talk.flow.handle_checked(talk.now, checked);
                    }
                    Some((3, _, good)) => talk.flow.handle_followed(talk.now, good),
                    Some((4, _, _)) => talk.flow.handle_played(talk.now),
                    Some((_, _, true)) => talk.flow.handle_timeout(talk.now + 60_000),
                    Some(_) => {}
                }
                while let Some(output) = talk.flow.poll() {
                    prop_assert!(!over, "{:?} after the end", output);
                    match output {
                        Output::Check { agent, pin } => {
                            checks += 1;
                            asked = true;
                            prop_assert!(agent.bytes().all(|b| b.is_ascii_digit()));
                            prop_assert!(!pin.digits().is_empty());
                        }
                        Output::SignIn(_) => prop_assert!(right, "signed in unchecked"),
                        Output::KeepSeat | Output::HangUp => over = true,
                        _ => {}
                    }
                }
                prop_assert_eq!(talk.flow.next_timeout().is_none(), over);
            }
            prop_assert!(over, "it never ends: {:?}", talk.flow.snapshot());
            prop_assert!(checks <= limits::TRIES_MAX);
        }
    }
}
