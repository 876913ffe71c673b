//! The conversation with switchd as centerd holds it: greeting, numbered commands, their answers.

use std::collections::{BTreeMap, VecDeque};

use call::{AttemptId, Epoch, LegId};
use link::{Command, ToSwitch, VERSION};

/// What a command is about: who must know when it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The call of this attempt.
    Attempt(AttemptId),
    /// This leg.
    Leg(LegId),
    /// An offer to be taken back.
    Withdraw(call::OfferId),
    /// The document of phones, trunks and spans.
    Desired,
    /// A person's question of this name.
    Question(u64),
    /// Nobody.
    Nothing,
}

/// Where the conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Down,
    Greeted,
    Up,
}

/// The conversation.
#[derive(Debug, Default)]
pub struct Switch {
    phase: Phase,
    commands: u64,
    out: VecDeque<ToSwitch>,
    /// Commands without an answer yet.
    unanswered: BTreeMap<u64, About>,
    /// switchd's epoch: another one means that it was dead in between.
    epoch: Epoch,
}

impl Switch {
    /// The connection stands.
    pub fn greet(&mut self, epoch: Epoch) {
        self.lost();
        self.phase = Phase::Greeted;
        self.out.push_back(ToSwitch::Hello { version: VERSION, epoch });
    }

    /// switchd has said its epoch; its snapshot follows.
    pub fn greeted(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// The snapshot has been taken: from here on commands are given.
    pub fn up(&mut self) {
        self.phase = Phase::Up;
    }

    /// The connection is gone, and with it everything unsaid.
    pub fn lost(&mut self) {
        self.phase = Phase::Down;
        self.out.clear();
        self.unanswered.clear();
    }

    /// Whether commands are taken.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Gives a command; without a connection it is dropped, because the next snapshot decides anew.
    pub fn order(&mut self, about: About, command: Command) {
        if self.phase == Phase::Up {
            self.commands += 1;
            self.unanswered.insert(self.commands, about);
            self.out.push_back(ToSwitch::Command { n: self.commands, command });
        }
    }

    /// Command `n` was answered: what it was about.
    pub fn answered(&mut self, n: u64) -> Option<About> {
        self.unanswered.remove(&n)
    }

    /// The next message.
    pub fn poll(&mut self) -> Option<ToSwitch> {
        self.out.pop_front()
    }
}
