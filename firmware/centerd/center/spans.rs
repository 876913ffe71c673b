//! E1 spans: their alarms as a history, and what people ask of one: its trace, a loop test, a
//! restart. The answer to a question is in the view when it is given.

use std::collections::BTreeMap;
use std::sync::Arc;

use call::{Now, SpanId, Stamp, Tick};
use link::{Channel, Command, LoopResult, Refusal, SpanAlarm, SpanLink, SpanRecord, TraceLine};
use store::alarms::Severity;
use store::{Actor, BoxChange, Job};

use super::request::Refused;
use super::switch::About;
use super::view::Changed;
use super::{Center, Output, limits};

/// A question of a person about a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// What its D-channel carried lately; answered when [`super::view::View::traces`] has it.
    Trace(SpanId),
    /// Whether a loop is closed on a channel; answered when [`super::view::View::loops`] has it.
    Loop(Channel),
    /// To start a channel or all of them anew; answered when switchd has taken the order.
    Restart(SpanId, Option<u8>),
}

impl Question {
    const fn command(self) -> Command {
        match self {
            Question::Trace(span) => Command::TraceSpan { span },
            Question::Loop(channel) => Command::TestLoop { channel },
            Question::Restart(span, slot) => Command::RestartSpan { span, slot },
        }
    }
}

/// Who waits for what, and until when.
#[derive(Clone, Debug, Default)]
pub(super) struct Questions(BTreeMap<u64, (Question, Tick)>);

impl Questions {
    pub(super) fn next_timeout(&self) -> Option<Tick> {
        self.0.values().map(|(_, until)| *until).min()
    }
}

/// The latest lines of a trace, and when they were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// When.
    pub at: Stamp,
    /// Oldest first.
    pub lines: Arc<[TraceLine]>,
}

/// An alarm as the history keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// An alarm of layer 1.
    Line(SpanAlarm),
    /// Layer 1 is in order and the D-channel is not up.
    DChannel,
}

impl Trouble {
    /// All that are kept. A signal that is back and being watched is no trouble.
    pub const ALL: [Trouble; 6] = [
        Trouble::Line(SpanAlarm::NotOpen),
        Trouble::Line(SpanAlarm::Red),
        Trouble::Line(SpanAlarm::Yellow),
        Trouble::Line(SpanAlarm::Blue),
        Trouble::Line(SpanAlarm::Loopback),
        Trouble::DChannel,
    ];

    /// Its word in the table of alarms.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Trouble::Line(alarm) => match alarm {
                SpanAlarm::NotOpen => "span_not_open",
                SpanAlarm::Red => "span_red",
                SpanAlarm::Yellow => "span_yellow",
                SpanAlarm::Blue => "span_blue",
                SpanAlarm::Recovering => "span_recovering",
                SpanAlarm::Loopback => "span_loopback",
            },
            Trouble::DChannel => "span_d_channel",
        }
    }

    /// Whether no call can be made over the span.
    const fn severity(self) -> Severity {
        match self {
            Trouble::Line(SpanAlarm::Recovering | SpanAlarm::Loopback) => Severity::Warning,
            Trouble::Line(
                SpanAlarm::NotOpen | SpanAlarm::Red | SpanAlarm::Yellow | SpanAlarm::Blue,
            )
            | Trouble::DChannel => Severity::Critical,
        }
    }

    /// What it is and what to do.
    const fn advice(self) -> &'static str {
        match self {
            Trouble::Line(alarm) => match alarm {
                SpanAlarm::NotOpen => {
                    "the card or socket of the model could not be opened; look at the model file \
                     and whether the card sits in its slot"
                }
                SpanAlarm::Red => {
                    "no signal comes in; look at the cable, and whether its two pairs are exchanged"
                }
                SpanAlarm::Yellow => {
                    "the far end does not hear us; look at the sending pair of the cable"
                }
                SpanAlarm::Blue => {
                    "the line is interrupted behind the first device; call the provider"
                }
                SpanAlarm::Recovering => "the signal is back and is being watched",
                SpanAlarm::Loopback => "a loop is closed; open it",
            },
            Trouble::DChannel => {
                "the line is in order and the D-channel does not answer; ask the provider whether \
                 it is PRI, and which side is the network"
            }
        }
    }

    fn stands(self, record: &SpanRecord) -> bool {
        match self {
            Trouble::Line(alarm) => record.alarms.contains(&alarm),
            // While the line itself is not in order the D-channel says nothing new.
            Trouble::DChannel => record.alarms.is_empty() && record.link != SpanLink::Up,
        }
    }
}

/// What the history calls a span.
#[must_use]
pub fn subject(span: SpanId) -> String {
    format!("span {}", span.0)
}

impl Center {
    /// switchd tells of a span.
    pub(super) fn span_changed(&mut self, now: Now, record: SpanRecord) {
        let span = record.span;
        self.note_alarms(now, span, Some(&record));
        self.spans.insert(span, record);
        self.changed.insert(Changed::Span(span));
    }

    /// switchd tells of all spans.
    pub(super) fn spans_told(&mut self, now: Now, records: Vec<SpanRecord>) {
        self.spans.clear();
        // Of one that the model has no longer nothing stands.
        let gone = self.office.spans.iter().map(|span| span.id);
        let gone = gone.filter(|id| records.iter().all(|record| record.span != *id));
        for span in gone.collect::<Vec<_>>() {
            self.note_alarms(now, span, None);
            self.changed.insert(Changed::Span(span));
        }
        for record in records {
            self.span_changed(now, record);
        }
    }

    /// Writes which alarms came and went. What stood when an earlier epoch ended is not known, so
    /// the first word on a span says all of them.
    fn note_alarms(&mut self, now: Now, span: SpanId, record: Option<&SpanRecord>) {
        // One that nobody uses yet may hang unplugged.
        let used = self.office.spans.iter().any(|wish| wish.id == span);
        let stands =
            |trouble: &Trouble| used && record.is_some_and(|record| trouble.stands(record));
        let standing: Vec<Trouble> = Trouble::ALL.into_iter().filter(stands).collect();
        let before = self.troubles.insert(span, standing.clone());
        let was = |trouble: Trouble| before.as_ref().map(|before| before.contains(&trouble));
        for trouble in Trouble::ALL {
            let is = standing.contains(&trouble);
            if was(trouble) == Some(is) {
                continue;
            }
            let (kind, subject) = (trouble.kind().to_owned(), subject(span));
            let change = if is {
                BoxChange::RaiseAlarm {
                    tenant: None,
                    kind,
                    subject,
                    severity: trouble.severity(),
                    detail: format!("span {}: {}", span.0, trouble.advice()),
                }
            } else {
                BoxChange::ClearAlarm { tenant: None, kind, subject }
            };
            self.outbox.put(Job::of_box(now.stamp, Actor::Box, change));
            self.changed.insert(Changed::Health);
        }
    }

    /// A person asks something of a span; the answer follows.
    ///
    /// # Errors
    /// [`Refused`] at once.
    pub(super) fn ask_span(
        &mut self,
        now: Now,
        id: u64,
        question: Question,
    ) -> Result<(), Refused> {
        if !self.switch.is_up() {
            return Err(Refused::SwitchDown);
        }
        if self.questions.0.len() >= limits::QUESTIONS_MAX {
            return Err(Refused::TooMany);
        }
        self.questions.0.insert(id, (question, now.tick + limits::QUESTION_MS));
        self.switch.order(About::Question(id), question.command());
        Ok(())
    }

    /// switchd has taken the order of a question.
    pub(super) fn question_taken(&mut self, id: u64) {
        if let Some((Question::Restart(..), _)) = self.questions.0.get(&id) {
            self.answer_question(id, Ok(()));
        }
    }

    /// switchd has refused the order of a question.
    pub(super) fn question_refused(&mut self, id: u64, refusal: &Refusal) {
        self.answer_question(id, Err(Refused::BySwitch(refusal.to_string())));
    }

    /// A trace has come.
    pub(super) fn traced(&mut self, at: Stamp, span: SpanId, lines: Vec<TraceLine>) {
        self.traces.insert(span, Trace { at, lines: lines.into() });
        self.answer_questions(Question::Trace(span));
    }

    /// A loop test is over.
    pub(super) fn loop_tested(&mut self, at: Stamp, channel: Channel, result: LoopResult) {
        self.loops.insert(channel, (at, result));
        self.changed.insert(Changed::Span(channel.span));
        self.answer_questions(Question::Loop(channel));
    }

    fn answer_questions(&mut self, answered: Question) {
        let waiting = self.questions.0.iter().filter(|(_, (question, _))| *question == answered);
        for id in waiting.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.answer_question(id, Ok(()));
        }
    }

    fn answer_question(&mut self, id: u64, answer: Result<(), Refused>) {
        if self.questions.0.remove(&id).is_some() {
            self.outputs.push_back(Output::Answer { id, answer });
        }
    }

    pub(super) fn questions_timeout(&mut self, now: Now) {
        let late = self.questions.0.iter().filter(|(_, (_, until))| *until <= now.tick);
        for id in late.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.answer_question(id, Err(Refused::NoAnswer));
        }
    }

    /// The connection is gone, and with it every answer.
    pub(super) fn questions_lost(&mut self) {
        for id in self.questions.0.keys().copied().collect::<Vec<_>>() {
            self.answer_question(id, Err(Refused::SwitchDown));
        }
    }
}
