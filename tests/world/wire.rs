//! The wires of the spans: D-channel frames on their way between the box and the exchange, with
//! their check sequence where a span has one, and cut where layer 1 is.

use std::collections::BTreeMap;

use board_port::fcs;
use call::Tick;

/// How long a frame is on its way, ms.
const FRAME_MS: u64 = 1;

/// The two ends of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The box.
    Unit,
    /// The exchange.
    Exchange,
}

/// All frames on their way.
#[derive(Debug, Default)]
pub struct Wires {
    /// Whether the frames of each span carry a check sequence.
    fcs: Vec<bool>,
    /// By arrival, then by a count that keeps the order: for whom, on which span (from 0), what.
    on_the_way: BTreeMap<(Tick, u64), (End, u8, Vec<u8>)>,
    count: u64,
    /// Frames that the box dropped for their wrong check sequence.
    pub bad_fcs: u64,
}

impl Wires {
    /// One wire for each of these; whether its frames carry a check sequence.
    #[must_use]
    pub fn new(fcs: Vec<bool>) -> Wires {
        Wires { fcs, ..Wires::default() }
    }

    /// A frame goes out. The box's driver appends the check sequence; the exchange has its own.
    pub fn send(&mut self, now: Tick, to: End, span: u8, mut frame: Vec<u8>) {
        if to == End::Exchange && self.has_fcs(span) {
            frame.extend(fcs::of(&frame).to_le_bytes());
        }
        self.count += 1;
        self.on_the_way.insert((now + FRAME_MS, self.count), (to, span, frame));
    }

    /// Layer 1 of a span is cut: what is on its way is lost.
    pub fn cut(&mut self, span: u8) {
        self.on_the_way.retain(|_, (_, on, _)| *on != span);
    }

    /// When the next frame arrives.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        self.on_the_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next frame that has arrived by `now`. One for the box that is wrong is not among them.
    pub fn poll(&mut self, now: Tick) -> Option<(End, u8, Vec<u8>)> {
        while self.next_timeout().is_some_and(|at| at <= now) {
            let (_, (to, span, frame)) = self.on_the_way.pop_first()?;
            if to == End::Exchange || !self.has_fcs(span) {
                return Some((to, span, frame));
            }
            match fcs::check(&frame) {
                Some(right) => return Some((to, span, right.to_vec())),
                None => self.bad_fcs += 1,
            }
        }
        None
    }

    fn has_fcs(&self, span: u8) -> bool {
        self.fcs.get(usize::from(span)).copied().unwrap_or(false)
    }
}
