//! How much delay a stream can give back: the least slack of its packets over the last seconds.
//!
//! A window is a second. What all packets of two windows had to spare, less a reserve of one
//! packet, was never needed. After a stretch the windows start anew and twice as many of them must
//! pass, so that a line with a burst every ten seconds keeps its delay instead of sawing.

use crate::FRAME;

/// Ticks of one window in which the least slack is sought.
const WINDOW_TICKS: u16 = 50;

/// Slack that stays when delay is given back, samples.
const SLACK_KEPT: u32 = FRAME as u32;

/// Delay is given back only if at least so much can be spared, samples.
const SLACK_SPARE: u32 = 80;

/// Windows of patience before delay is given back: at first.
const PATIENCE_MIN: u16 = 2;

/// And at most.
const PATIENCE_MAX: u16 = 32;

/// The least slack of the last two windows, and what of it can be spared.
#[derive(Clone, Copy, Debug)]
pub struct Slack {
    now: Option<u32>,
    before: Option<u32>,
    ticks: u16,
    windows_calm: u16,
    patience: u16,
    spare: u32,
}

impl Slack {
    /// Nothing seen yet.
    pub const NEW: Slack = Slack {
        now: None,
        before: None,
        ticks: 0,
        windows_calm: 0,
        patience: PATIENCE_MIN,
        spare: 0,
    };

    /// A packet came so many samples ahead of the cursor.
    pub fn handle_packet(&mut self, slack: u32) {
        self.now = Some(self.now.map_or(slack, |least| least.min(slack)));
    }

    /// One tick has passed.
    pub fn handle_tick(&mut self) {
        self.ticks += 1;
        if self.ticks < WINDOW_TICKS {
            return;
        }
        self.ticks = 0;
        self.windows_calm = self.windows_calm.saturating_add(1);
        if self.windows_calm >= 2 * PATIENCE_MAX {
            self.patience = PATIENCE_MIN;
        }
        self.spare = match (self.now, self.before) {
            (Some(now), Some(before)) if self.windows_calm >= self.patience => {
                now.min(before).saturating_sub(SLACK_KEPT)
            }
            _ => 0,
        };
        self.before = self.now.take();
        if self.spare < SLACK_SPARE {
            self.spare = 0;
        }
    }

    /// Delay had to be added: what was seen counts no more, and patience doubles.
    pub fn handle_stretch(&mut self) {
        let patience = (self.patience * 2).min(PATIENCE_MAX);
        *self = Slack { patience, ..Slack::NEW };
    }

    /// The stream starts afresh; what its jitter has taught stays.
    pub fn handle_start(&mut self) {
        *self = Slack { patience: self.patience, ..Slack::NEW };
    }

    /// Samples of delay that can be given back.
    #[must_use]
    pub const fn spare(&self) -> u32 {
        self.spare
    }

    /// So many samples were left out.
    pub fn handle_squeeze(&mut self, lag: u32) {
        self.spare -= lag.min(self.spare);
        self.now = self.now.map(|slack| slack.saturating_sub(lag));
        self.before = self.before.map(|slack| slack.saturating_sub(lag));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(slack: &mut Slack, count: u16, least: u32) {
        for tick in 0..count * WINDOW_TICKS {
            slack.handle_packet(least + u32::from(tick % 3) * 160);
            slack.handle_tick();
        }
    }

    #[test]
    fn what_two_seconds_never_needed_can_be_spared() {
        let mut slack = Slack::NEW;
        seconds(&mut slack, 1, 480);
        assert_eq!(slack.spare(), 0);
        seconds(&mut slack, 1, 480);
        assert_eq!(slack.spare(), 320);
        slack.handle_squeeze(100);
        assert_eq!(slack.spare(), 220);
    }

    #[test]
    fn one_late_packet_keeps_the_delay() {
        let mut slack = Slack::NEW;
        seconds(&mut slack, 1, 480);
        slack.handle_packet(0);
        seconds(&mut slack, 1, 480);
        assert_eq!(slack.spare(), 0);
    }

    #[test]
    fn each_stretch_doubles_the_patience_up_to_its_bound() {
        let mut slack = Slack::NEW;
        for expected in [4, 8, 16, 32, 32] {
            slack.handle_stretch();
            seconds(&mut slack, expected - 1, 480);
            assert_eq!(slack.spare(), 0);
            seconds(&mut slack, 1, 480);
            assert_eq!(slack.spare(), 320);
        }
        seconds(&mut slack, 2 * PATIENCE_MAX, 480);
        slack.handle_start();
        seconds(&mut slack, PATIENCE_MIN, 480);
        assert_eq!(slack.spare(), 320, "a long calm is forgiven");
    }
}
