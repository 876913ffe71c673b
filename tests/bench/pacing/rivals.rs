//! The policies that pacing stands beside.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use call::Tick;
use dialer::pacing::{Day, Decision, Event, Outcome, Pacer};

use crate::floor::{Doing, Floor, Policy, takes_ms};

/// The shipped policy, and its last decision that dialled.
#[derive(Default)]
pub struct Shipped(pub Pacer, pub Option<Decision>);

impl Policy for Shipped {
    fn start_day(&mut self, day: Day) {
        self.0.start_day(day);
    }
    fn event(&mut self, now: Tick, event: Event) {
        self.0.handle_event(now, event);
    }
    fn decide(&mut self, now: Tick, free_lines: usize, _: &Floor<'_>) -> usize {
        let decision = self.0.decide(now, free_lines);
        if decision.dials > 0 {
            self.1 = Some(decision);
        }
        decision.dials
    }
}

/// What a simple dialer looks at.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    ringing: usize,
    answers: f64,
    lost: f64,
}

impl Counts {
    fn event(&mut self, event: Event) {
        match event {
            Event::Dialed(_) => self.ringing += 1,
            Event::Result(_, outcome) => {
                self.ringing = self.ringing.saturating_sub(1);
                self.answers += f64::from(u8::from(outcome == Outcome::Human));
            }
            Event::Abandoned(_) => self.lost += 1.0,
            Event::Ready(_)
            | Event::Talk(..)
            | Event::Wrap(_)
            | Event::Pause(_)
            | Event::Logoff(_) => {}
        }
    }
}

/// One line for each waiting agent.
#[derive(Default)]
pub struct OneToOne(Counts);

impl Policy for OneToOne {
    fn start_day(&mut self, _: Day) {
        self.0 = Counts::default();
    }
    fn event(&mut self, _: Tick, event: Event) {
        self.0.event(event);
    }
    fn decide(&mut self, _: Tick, free_lines: usize, floor: &Floor<'_>) -> usize {
        let waiting = floor.doing().filter(|&doing| doing == Doing::Waits).count();
        waiting.saturating_sub(self.0.ringing).min(free_lines)
    }
}

/// Lines per waiting agent, raised a little while few answers are lost and cut when too many are.
pub struct Adaptive {
    counts: Counts,
    level: f64,
    cap: f64,
    due: u64,
}

impl Default for Adaptive {
    fn default() -> Adaptive {
        Adaptive { counts: Counts::default(), level: 1.0, cap: 0.03, due: 0 }
    }
}

impl Policy for Adaptive {
    fn start_day(&mut self, day: Day) {
        (self.counts, self.cap, self.due) = (Counts::default(), day.cap, 0);
    }
    fn event(&mut self, _: Tick, event: Event) {
        self.counts.event(event);
    }
    fn decide(&mut self, now: Tick, free_lines: usize, floor: &Floor<'_>) -> usize {
        if now.0 >= self.due {
            self.due = now.0 + 15_000;
            let rate = self.counts.lost / self.counts.answers.max(30.0);
            let factor = if rate > self.cap * 0.95 { 0.9 } else { 1.01 };
            self.level = (self.level * factor).clamp(1.0, 6.0);
        }
        let waiting = floor.doing().filter(|&doing| doing == Doing::Waits).count();
        let goal = (self.level * waiting as f64).round() as usize;
        goal.saturating_sub(self.counts.ringing).min(free_lines)
    }
}

/// Knows the fate of everybody and the end of every call: what no pacing can beat by much.
#[derive(Default)]
pub struct Clairvoyant;

impl Policy for Clairvoyant {
    fn start_day(&mut self, _: Day) {}
    fn event(&mut self, _: Tick, _: Event) {}
    fn decide(&mut self, now: Tick, free_lines: usize, floor: &Floor<'_>) -> usize {
        let mut free: BinaryHeap<Reverse<u64>> = floor
            .doing()
            .filter_map(|doing| match doing {
                Doing::Waits => Some(Reverse(now.0)),
                Doing::Talks(until) | Doing::Wraps(until) => Some(Reverse(until)),
                Doing::Away => None,
            })
            .collect();
        let mut coming: Vec<(u64, u64)> = floor.answers_coming().collect();
        coming.sort_unstable();
        for (at, length) in coming {
            take(&mut free, at, length);
        }
        let mut dials = 0;
        while dials < free_lines {
            let Some(&Reverse(first)) = free.peek() else { break };
            let at_s = now.0 as f64 / 1000.0;
            let who = floor.next_attempt() + dials as u64;
            let (fate, after_s) = floor.world().fate(floor.day(), who, at_s);
            let at = now.0 + (after_s * 1000.0) as u64;
            match takes_ms(fate) {
                // Those who would not answer are cleared out of the way while somebody is due.
                None if first < now.0 + 60_000 && dials + 2 < free_lines => {}
                Some(length) if at + 1_000 >= first => take(&mut free, at, length),
                None | Some(_) => break,
            }
            dials += 1;
        }
        dials
    }
}

fn take(free: &mut BinaryHeap<Reverse<u64>>, at: u64, length: u64) {
    if let Some(Reverse(first)) = free.pop() {
        free.push(Reverse(first.max(at) + length));
    }
}
