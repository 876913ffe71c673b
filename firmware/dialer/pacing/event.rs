//! What pacing is told: a day, and what happens to seats and attempts in it.

/// One day (or shift) of one campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// No dialling at or after this instant, seconds from the start of the day.
    pub end_s: f64,
    /// Seats are named `0..seats`.
    pub seats: usize,
    /// Lines of the campaign: ringing, held and talking together.
    pub lines: usize,
    /// Highest allowed share of live answers that find nobody, per day. Zero is a mode of its own.
    pub cap: f64,
    /// An unanswered attempt ends this long after its ringing began, seconds.
    pub ring_timeout_s: f64,
    /// A live answer that waits longer than this is abandoned, seconds.
    pub connect_s: f64,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A live person answered and now waits for an agent.
    Human,
    /// A machine answered; it never reaches an agent.
    Machine,
    /// It rang out.
    NoAnswer,
    /// The person was on the phone.
    Busy,
    /// The number does not work.
    Dead,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The agent waits for a call from now on.
    Ready(usize),
    /// A live answer was given to the agent.
    Talk(usize, u64),
    /// The talk ended and wrap-up began.
    Wrap(usize),
    /// The agent paused.
    Pause(usize),
    /// The agent left.
    Logoff(usize),
    /// An attempt was started because of the last decision.
    Dialed(u64),
    /// The attempt ended, or was answered.
    Result(u64, Outcome),
    /// A live answer that no agent took in time.
    Abandoned(u64),
}
