//! A `q921::Link` over a wire, in real time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use call::Tick;
use signal::q921::{Link, Output, Request, Role, Settings, Snapshot};

use super::Wire;

/// A link of ours that is running.
pub struct Line {
    link: Link,
    /// Its D-channel.
    pub wire: Wire,
    born: Instant,
    facts: VecDeque<Output>,
}

impl Line {
    /// A link without any request yet.
    #[must_use]
    pub fn new(role: Role, settings: Settings, wire: Wire) -> Line {
        let link = Link::new(role, settings);
        Line { link, wire, born: Instant::now(), facts: VecDeque::new() }
    }

    /// Milliseconds since it was made.
    #[must_use]
    pub fn now(&self) -> Tick {
        Tick(u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Asks as layer 3 does.
    pub fn request(&mut self, request: Request) {
        self.link.handle_request(self.now(), request);
        self.settle();
    }

    /// Layer 1 fails or comes back.
    pub fn layer1(&mut self, up: bool) {
        self.link.handle_layer1(self.now(), up);
        self.settle();
    }

    /// Where the link stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.link.snapshot()
    }

    /// Waits at most so long for a frame or a timer, and carries out what comes of it.
    pub fn turn(&mut self, at_most: Duration) {
        let due = self.link.next_timeout().map(|(at, _)| at.since_ms(self.now()));
        let wait = due.map_or(at_most, |ms| Duration::from_millis(ms).min(at_most));
        if let Some(frame) = self.wire.receive(wait) {
            self.link.handle_frame(self.now(), &frame);
        } else {
            self.link.handle_timeout(self.now());
        }
        self.settle();
    }

    /// The next thing that the link tells layer 3 or its management, in order.
    pub fn next(&mut self, patience: Duration) -> Option<Output> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.facts.is_empty() && !left.is_zero() {
                self.turn(left);
            } else {
                return self.facts.pop_front();
            }
        }
    }

    /// The next fact that `looks` so; those before it are dropped.
    ///
    /// # Panics
    /// When it does not come within `patience`.
    pub fn wait(
        &mut self,
        what: &str,
        patience: Duration,
        looks: impl Fn(&Output) -> bool,
    ) -> Output {
        let until = Instant::now() + patience;
        while let Some(fact) = self.next(until.saturating_duration_since(Instant::now())) {
            if looks(&fact) {
                return fact;
            }
        }
        panic!("waited {patience:?} for {what} in {:?}:{}", self.snapshot(), self.wire.story())
    }

    fn settle(&mut self) {
        while let Some(output) = self.link.poll() {
            match output {
                Output::Send(frame) => self.wire.send(&frame),
                Output::Established(_)
                | Output::Released(_)
                | Output::Data(_)
                | Output::UnitData(_)
                | Output::Error(_)
                | Output::QueueFull
                | Output::NoLink
                | Output::TooLong => self.facts.push_back(output),
            }
        }
    }
}
