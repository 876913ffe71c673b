//! The disposition by digit: in wrap-up the box asks for the result of the call.
//!
//! Asked on the nailed-up leg, or on the agent's leg while it is still up. An agent who says
//! nothing is left alone: the console may be quicker, and wrap-up has its own end.

use std::collections::{BTreeSet, VecDeque};

use call::{AttemptId, Tick};

use crate::limits;
use crate::prompt::{Collect, CollectEnd, Prompt};

/// Every effect of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Say this.
    Play(Prompt),
    /// Collect digits; answer with [`Disposition::handle_collected`].
    Collect(Collect),
    /// The agent has chosen; answer with [`Disposition::handle_saved`].
    Save {
        /// Of which attempt.
        attempt: AttemptId,
        /// The key, one of those offered.
        digit: u8,
    },
    /// The conversation is over; the leg goes on.
    Done,
}

/// The timers of the flow; at most one runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The agent's digit.
    Answer,
    /// The daemon's saving.
    Order,
    /// The end of the last prompt.
    Prompt,
}

/// Where the conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for a digit.
    Asking,
    /// Waits until it is saved.
    Saving,
    /// Says its last word.
    Closing,
    /// Over.
    Over,
}

/// One question for the result of one attempt.
#[derive(Clone, Debug)]
pub struct Disposition {
    attempt: AttemptId,
    keys: BTreeSet<u8>,
    state: State,
    tries: u8,
    timer: Option<(Tick, Timer)>,
    outputs: VecDeque<Output>,
}

impl Disposition {
    /// Asks for the result of `attempt`, to be chosen by one of `keys` (1 to 9).
    #[must_use]
    pub fn new(now: Tick, attempt: AttemptId, keys: BTreeSet<u8>) -> Disposition {
        let mut flow = Disposition {
            attempt,
            keys,
            state: State::Asking,
            tries: 0,
            timer: None,
            outputs: VecDeque::new(),
        };
        flow.ask(now);
        flow
    }

    /// Digits were collected.
    pub fn handle_collected(&mut self, now: Tick, digits: &str, end: CollectEnd) {
        if self.state != State::Asking {
            return;
        }
        let key = match digits.as_bytes() {
            [digit] if digit.is_ascii_digit() => Some(digit - b'0'),
            _ => None,
        };
        match (key.filter(|key| self.keys.contains(key)), end) {
            (Some(digit), CollectEnd::Hash | CollectEnd::Full | CollectEnd::Silence) => {
                self.state = State::Saving;
                self.timer = Some((now.after_ms(limits::ORDER_MS), Timer::Order));
                self.put(Output::Save { attempt: self.attempt, digit });
            }
            (None, CollectEnd::Silence) if digits.is_empty() => self.end(),
            (None, CollectEnd::Hash | CollectEnd::Full | CollectEnd::Silence) => {
                self.tries += 1;
                if self.tries >= limits::TRIES_MAX {
                    self.end();
                } else {
                    self.put(Output::Play(Prompt::TryAgain));
                    self.ask(now);
                }
            }
        }
    }

    /// It was saved, or could not be (the console was quicker, or wrap-up is over).
    pub fn handle_saved(&mut self, now: Tick, saved: bool) {
        if self.state == State::Saving {
            self.close(now, if saved { Prompt::Saved } else { Prompt::NotAvailable });
        }
    }

    /// Everything that was to be played has been played.
    pub fn handle_played(&mut self, _now: Tick) {
        if self.state == State::Closing {
            self.end();
        }
    }

    /// The question is moot: the disposition came by the console, or the leg is over.
    pub fn handle_moot(&mut self, _now: Tick) {
        if self.state != State::Over {
            self.outputs.clear();
            self.end();
        }
    }

    /// Lets the timer act that is due.
    pub fn handle_timeout(&mut self, now: Tick) {
        let Some((_, timer)) = self.timer.filter(|(at, _)| *at <= now) else { return };
        self.timer = None;
        match timer {
            Timer::Answer => self.handle_collected(now, "", CollectEnd::Silence),
            Timer::Order => self.close(now, Prompt::NotAvailable),
            Timer::Prompt => self.handle_played(now),
        }
    }

    /// The next effect; to be drained after every input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Disposition::handle_timeout`], and why.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.timer
    }

    /// Where the conversation is.
    #[must_use]
    pub const fn snapshot(&self) -> State {
        self.state
    }

    fn ask(&mut self, now: Tick) {
        self.timer = Some((now.after_ms(limits::ANSWER_MS), Timer::Answer));
        self.put(Output::Play(Prompt::Disposition));
        self.put(Output::Collect(Collect {
            digits_max: 1,
            hash_ends: false,
            first_ms: limits::FIRST_DIGIT_MS,
            next_ms: limits::NEXT_DIGIT_MS,
        }));
    }

    fn close(&mut self, now: Tick, prompt: Prompt) {
        self.state = State::Closing;
        self.timer = Some((now.after_ms(limits::PROMPT_MS), Timer::Prompt));
        self.put(Output::Play(prompt));
    }

    fn end(&mut self) {
        self.state = State::Over;
        self.timer = None;
        self.put(Output::Done);
    }

    fn put(&mut self, output: Output) {
        assert!(self.outputs.len() < limits::OUTPUTS_MAX, "outputs of a disposition not drained");
        self.outputs.push_back(output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: AttemptId = AttemptId(4);

    fn flow() -> Disposition {
        Disposition::new(Tick(0), A, [1, 3, 9].into())
    }

    fn hears(flow: &mut Disposition) -> Vec<Output> {
        let all = core::iter::from_fn(|| flow.poll());
        all.filter(|output| !matches!(output, Output::Collect(_))).collect()
    }

    #[test]
    fn one_digit_is_enough_and_is_confirmed() {
        let mut flow = flow();
        assert_eq!(hears(&mut flow), [Output::Play(Prompt::Disposition)]);
        flow.handle_collected(Tick(1), "3", CollectEnd::Full);
        assert_eq!(hears(&mut flow), [Output::Save { attempt: A, digit: 3 }]);
        flow.handle_saved(Tick(2), true);
        flow.handle_played(Tick(3));
        assert_eq!(hears(&mut flow), [Output::Play(Prompt::Saved), Output::Done]);
    }

    #[test]
    fn a_digit_that_means_nothing_is_asked_again_and_silence_is_left_alone() {
        let mut flow = flow();
        hears(&mut flow);
        flow.handle_collected(Tick(1), "2", CollectEnd::Full);
        let again = [Output::Play(Prompt::TryAgain), Output::Play(Prompt::Disposition)];
        assert_eq!(hears(&mut flow), again);
        flow.handle_collected(Tick(2), "", CollectEnd::Silence);
        assert_eq!(hears(&mut flow), [Output::Done]);
    }

    #[test]
    fn when_the_console_is_quicker_the_question_ends() {
        let mut flow = flow();
        flow.handle_moot(Tick(1));
        assert_eq!(hears(&mut flow), [Output::Done]);
        flow.handle_collected(Tick(2), "1", CollectEnd::Full);
        flow.handle_moot(Tick(3));
        assert_eq!(hears(&mut flow), []);
    }

    proptest! {
        #[test]
        fn whatever_happens_it_ends_once_and_saves_at_most_once_what_was_offered(
            steps in prop::collection::vec((0u8..5, "[0-9#]{0,2}", any::<bool>()), 0..30),
        ) {
            let mut flow = flow();
            let (mut saves, mut dones) = (0, 0);
            let steps = steps.into_iter().map(Some).chain((0..20).map(|_| None));
            let mut now = Tick(0);
            for step in steps {
                match step {
                    None => {
                        let Some((at, _)) = flow.next_timeout() else { break };
                        now = now.max(at);
                        flow.handle_timeout(now);
                    }
                    Some((0..=2, digits, full)) => {
                        let end = if full { CollectEnd::Full } else { CollectEnd::Silence };
                        flow.handle_collected(now, &digits, end);
                    }
                    Some((3, _, saved)) => flow.handle_saved(now, saved),
                    Some((_, _, true)) => flow.handle_played(now),
                    Some(_) => flow.handle_moot(now),
                }
                while let Some(output) = flow.poll() {
                    prop_assert_eq!(dones, 0, "{:?} after the end", output);
                    match output {
                        Output::Save { digit, .. } => {
                            saves += 1;
                            prop_assert!([1, 3, 9].contains(&digit));
                        }
                        Output::Done => dones += 1,
                        Output::Play(_) | Output::Collect(_) => {}
                    }
                }
            }
            prop_assert_eq!((dones, flow.next_timeout()), (1, None));
            prop_assert!(saves <= 1);
        }
    }
}
