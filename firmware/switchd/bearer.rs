//! The channels of the spans as the sound thread has them: which port's sound is on which time slot,
//! and what each span's clock does beside the tick.
//!
//! The master of the tick brings one block a tick. Any other span has its own phase and clock: one
//! of its blocks waits in reserve, so that the phase does not matter, and what the clock brings too
//! little or too much is given to the sound core as it comes, which meets the drift without losing a
//! block. What goes out is one block a tick; where a span's clock takes fewer, its driver refuses
//! some (*slips*).
//!
//! A slot that no port has carries silence, which is the driver's business; one whose port says
//! nothing gets silence from here.

use std::os::fd::BorrowedFd;

use board_port::{BLOCK, Bearers, SILENCE, Slots};
use media::{Engine, LoopTest, LoopTurn, LoopVerdict, PortId};

use crate::beat;
use crate::limits::SPANS_MAX;
use crate::seam::SpanSound;

/// Time slots of a span.
const SLOTS: usize = Slots::COUNT as usize;

/// Ticks without a block after which a span does not beat.
const GAP_MAX: u8 = 3;

/// Ticks for which a span must have beaten to be master: half a second.
const STEADY_TICKS: u16 = 25;

/// Blocks that wait beside the tick of another clock.
const RESERVE: usize = 1;

/// Blocks of one span that are taken in one tick beyond the first: what a driver may hold.
const MORE_MAX: u64 = 4;

/// Where a port's sound is: span, from 0, and time slot.
type Channel = (u8, u8);

/// See the module.
pub struct Channels {
    lines: Vec<Line>,
    /// By port.
    channels: Vec<Option<Channel>>,
    test: Option<Test>,
    /// The verdict of a test that has just ended.
    tested: Option<Tested>,
}

struct Line {
    bearers: Box<dyn Bearers>,
    ports: [Option<PortId>; SLOTS],
    /// Slots that were given a block in this tick.
    written: Slots,
    /// Its reserve was laid by since it beats.
    reserved: bool,
    /// This tick is left out, so that its block becomes the reserve.
    rests: bool,
    /// Ticks in which it has beaten, with no gap; ticks since its last block.
    steady_ticks: u16,
    gap_ticks: u8,
    sound: SpanSound,
    told: SpanSound,
}

struct Test {
    channel: Channel,
    test: LoopTest,
    say: [u8; BLOCK],
}

/// What became of a loop test; `None`: the channel was not free for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    /// Span, from 0, and time slot.
    pub channel: Channel,
    /// What was found.
    pub verdict: Option<LoopVerdict>,
}

impl Channels {
    /// The spans' channels, none in use, for so many ports.
    pub fn new(mut spans: Vec<Box<dyn Bearers>>, ports: usize) -> Channels {
        spans.truncate(SPANS_MAX);
        let line = |bearers| Line {
            bearers,
            ports: [None; SLOTS],
            written: Slots::NONE,
            reserved: false,
            rests: false,
            steady_ticks: 0,
            gap_ticks: 0,
            sound: SpanSound::default(),
            told: SpanSound::default(),
        };
        let lines = spans.into_iter().map(line).collect();
        Channels { lines, channels: vec![None; ports], test: None, tested: None }
    }

    /// Puts a port on a channel, or takes it off. The last order holds: who had the channel before
    /// is taken off it, and a loop test of it is over.
    pub fn connect(&mut self, port: PortId, channel: Option<Channel>) {
        self.disconnect(port);
        let (Some(channel), Some(place)) = (channel, self.channels.get_mut(port.index())) else {
            return;
        };
        let Some(line) = self.lines.get_mut(usize::from(channel.0)) else { return };
        let Some(holder) = line.ports.get_mut(usize::from(channel.1)) else { return };
        *place = Some(channel);
        let before = holder.replace(port);
        line.bearers.open(channel.1);
        if let Some(place) = before.and_then(|before| self.channels.get_mut(before.index())) {
            *place = None;
        }
        if self.test.as_ref().is_some_and(|test| test.channel == channel) {
            self.test = None;
            self.tested = Some(Tested { channel, verdict: None });
        }
    }

    /// Takes a port off its channel, if it has one.
    pub fn disconnect(&mut self, port: PortId) {
        let channel = self.channels.get_mut(port.index()).and_then(Option::take);
        let Some((span, slot)) = channel else { return };
        let Some(line) = self.lines.get_mut(usize::from(span)) else { return };
        line.bearers.close(slot);
        if let Some(holder) = line.ports.get_mut(usize::from(slot)) {
            *holder = None;
        }
    }

    /// Begins a loop test, if the channel is free, its span beats and no other test runs.
    pub fn test_loop(&mut self, channel: Channel) {
        let line = self.lines.get_mut(usize::from(channel.0)).filter(|line| line.steady_ticks > 0);
        let free = |line: &&mut Line| line.ports.get(usize::from(channel.1)) == Some(&None);
        match line.filter(free) {
            Some(line) if self.test.is_none() => {
                line.bearers.open(channel.1);
                let say = [SILENCE; BLOCK];
                self.test = Some(Test { channel, test: LoopTest::new(), say });
            }
            Some(_) | None => self.tested = Some(Tested { channel, verdict: None }),
        }
    }

    /// What a loop test found, once.
    pub fn tested(&mut self) -> Option<Tested> {
        self.tested.take()
    }

    /// The span that shall beat the tick: the first that beats steadily.
    pub fn steadiest(&self) -> Option<u8> {
        self.lines.iter().position(|line| line.steady_ticks >= STEADY_TICKS).map(|n| n as u8)
    }

    /// A span's beat, and the blocks of it that no tick has taken.
    pub fn beat(&self, span: u8) -> (Option<BorrowedFd<'_>>, usize) {
        let line = self.lines.get(usize::from(span));
        line.map_or((None, 0), |line| (line.bearers.beat_fd(), line.bearers.waiting()))
    }

    /// Takes what has come to the sound core.
    pub fn receive(&mut self, master: Option<u8>, engine: &mut Engine) {
        for (number, line) in self.lines.iter_mut().enumerate() {
            let number = number as u8;
            let is_master = master == Some(number);
            line.note_beat(is_master);
            if line.rests {
                continue;
            }
            line.bearers.begin_tick();
            line.hear(engine);
            // A master's further blocks are ticks of their own.
            let mut more = 0;
            while !is_master && more < MORE_MAX && line.bearers.waiting() > RESERVE {
                more += 1;
                line.bearers.begin_tick();
                line.hear(engine);
            }
            line.sound.more += more;
            let Some(test) = self.test.as_mut().filter(|test| test.channel.0 == number) else {
                continue;
            };
            let mut block = [SILENCE; BLOCK];
            let came = line.bearers.read(test.channel.1, &mut block).then_some(&block);
            match test.test.handle_tick(came) {
                LoopTurn::Say(block) => test.say = block,
                LoopTurn::Done(verdict) => {
                    line.bearers.close(test.channel.1);
                    self.tested = Some(Tested { channel: test.channel, verdict: Some(verdict) });
                    self.test = None;
                }
            }
        }
    }

    /// Gives the lines what the sound core has for them.
    pub fn send(&mut self, engine: &Engine) {
        for (port, block) in engine.bearers() {
            let Some((span, slot)) = self.channels.get(port.index()).copied().flatten() else {
                continue;
            };
            if let Some(line) = self.lines.get_mut(usize::from(span)) {
                line.say(slot, block);
            }
        }
        if let Some(test) = &self.test
            && let Some(line) = self.lines.get_mut(usize::from(test.channel.0))
        {
            line.say(test.channel.1, &test.say);
        }
        for line in &mut self.lines {
            line.end();
        }
    }

    /// What each span's clock has done, where it differs from what was told last.
    pub fn changes(&mut self) -> impl Iterator<Item = (u8, SpanSound)> {
        self.lines.iter_mut().enumerate().filter_map(|(number, line)| {
            let changed = line.told != line.sound;
            line.told = line.sound;
            changed.then_some((number as u8, line.sound))
        })
    }
}

impl Line {
    /// Whether it beats, by what has come since the last tick.
    fn note_beat(&mut self, is_master: bool) {
        let waits = self.bearers.waiting() > 0;
        self.rests = false;
        if waits || self.bearers.beat_fd().is_some_and(beat::is_readable) {
            self.steady_ticks = self.steady_ticks.saturating_add(1);
            self.gap_ticks = 0;
            self.rests = !is_master && !self.reserved;
            self.reserved = !is_master;
            return;
        }
        self.gap_ticks = self.gap_ticks.saturating_add(1);
        if self.gap_ticks > GAP_MAX {
            self.steady_ticks = 0;
            self.reserved = false;
        } else if self.steady_ticks > 0 && self.ports.iter().any(Option::is_some) {
            self.sound.underruns += 1;
        }
    }

    /// Gives the sound core this moment of every port.
    fn hear(&mut self, engine: &mut Engine) {
        let mut block = [SILENCE; BLOCK];
        for (slot, port) in self.ports.iter().enumerate() {
            let Some(port) = *port else { continue };
            if self.bearers.read(slot as u8, &mut block) {
                // A port that is not open, or no bearer, has no ear for it.
                let _ = engine.handle_bearer(port, &block);
            }
        }
    }

    fn say(&mut self, slot: u8, block: &[u8; BLOCK]) {
        self.written.insert(slot);
        if !self.bearers.write(slot, block) {
            self.sound.slips += 1;
        }
    }

    /// Silence for ports that say nothing, and the end of the tick.
    fn end(&mut self) {
        if core::mem::take(&mut self.rests) {
            self.written = Slots::NONE;
            return;
        }
        for slot in 0..Slots::COUNT {
            let used = self.ports.get(usize::from(slot)).is_some_and(Option::is_some);
            if used && !self.written.contains(slot) {
                self.say(slot, &[SILENCE; BLOCK]);
            }
        }
        self.written = Slots::NONE;
        self.bearers.end_tick();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use media::{Codec, Command, Ear, Gain, OpenPort, Setup, Source};

    /// A line on which the test says when blocks come and how many are taken.
    #[derive(Clone, Default)]
    struct Wire(Arc<Mutex<Inside>>);

    #[derive(Default)]
    struct Inside {
        open: Slots,
        came: VecDeque<u8>,
        now: Option<u8>,
        sent: Vec<(u8, u8)>,
        ticks: usize,
        full: bool,
    }

    impl Bearers for Wire {
        fn beat_fd(&self) -> Option<BorrowedFd<'_>> {
            None
        }
        fn open(&mut self, slot: u8) {
            self.0.lock().unwrap().open.insert(slot);
        }
        fn close(&mut self, slot: u8) {
            self.0.lock().unwrap().open.remove(slot);
        }
        fn begin_tick(&mut self) {
            let mut inside = self.0.lock().unwrap();
            inside.now = inside.came.pop_front();
        }
        fn read(&mut self, slot: u8, block: &mut [u8; BLOCK]) -> bool {
            let inside = self.0.lock().unwrap();
            let came = inside.now.filter(|_| inside.open.contains(slot));
            came.map(|octet| block.fill(octet)).is_some()
        }
        fn write(&mut self, slot: u8, block: &[u8; BLOCK]) -> bool {
            let mut inside = self.0.lock().unwrap();
            inside.sent.push((slot, block[0]));
            inside.open.contains(slot) && !inside.full
        }
        fn end_tick(&mut self) {
            self.0.lock().unwrap().ticks += 1;
        }
        fn waiting(&self) -> usize {
            self.0.lock().unwrap().came.len()
        }
    }

    const A: PortId = PortId(0);
    const B: PortId = PortId(1);

    struct Bench {
        wires: Vec<Wire>,
        channels: Channels,
        engine: Engine,
        master: Option<u8>,
        next: u8,
    }

    impl Bench {
        fn new(spans: usize) -> Bench {
            let wires: Vec<Wire> = (0..spans).map(|_| Wire::default()).collect();
            let boxed = |wire: &Wire| Box::new(wire.clone()) as Box<dyn Bearers>;
            let channels = Channels::new(wires.iter().map(boxed).collect(), 4);
            let setup = Setup { ports: 4, players: 1, recorders: 1, echoes: 1 };
            Bench { wires, channels, engine: Engine::new(setup), master: None, next: 1 }
        }

        fn open(&mut self, port: PortId, channel: Channel) {
            self.engine.apply(Command::OpenPort(OpenPort::bearer(port, Codec::Alaw))).unwrap();
            self.channels.connect(port, Some(channel));
        }

        /// One tick, with so many blocks on each span.
        fn tick(&mut self, came: &[usize]) {
            for (wire, &count) in self.wires.iter().zip(came) {
                let blocks = (0..count).map(|n| self.next.wrapping_add(n as u8));
                wire.0.lock().unwrap().came.extend(blocks);
            }
            self.next = self.next.wrapping_add(2);
            self.channels.receive(self.master, &mut self.engine);
            self.engine.tick();
            self.channels.send(&self.engine);
        }

        fn sound(&self, span: usize) -> SpanSound {
            self.channels.lines[span].sound
        }

        fn sent(&self, span: usize) -> Vec<(u8, u8)> {
            std::mem::take(&mut self.wires[span].0.lock().unwrap().sent)
        }
    }

    #[test]
    fn a_span_is_master_when_it_has_beaten_for_half_a_second_and_the_first_wins() {
        let mut x = Bench::new(3);
        for _ in 0..30 {
            assert_eq!(x.channels.steadiest(), None);
            x.tick(&[0, 0, 0]);
        }
        for _ in 0..24 {
            x.tick(&[0, 0, 1]);
        }
        assert_eq!(x.channels.steadiest(), None);
        x.tick(&[0, 0, 1]);
        assert_eq!(x.channels.steadiest(), Some(2));
        for _ in 0..25 {
            x.tick(&[0, 1, 1]);
        }
        assert_eq!(x.channels.steadiest(), Some(1));
        for _ in 0..6 {
            x.tick(&[0, 0, 1]);
        }
        assert_eq!(x.channels.steadiest(), Some(2), "a span that stopped is left");
    }

    #[test]
    fn phase_beside_the_tick_costs_nothing_once_a_reserve_is_laid_by() {
        let mut x = Bench::new(1);
        x.open(A, (0, 3));
        for n in 0..100 {
            x.tick(&[[1, 0, 2][n % 3]]);
        }
        assert_eq!(x.sound(0), SpanSound::default());
        let stats = x.engine.stats(A).unwrap();
        assert_eq!((stats.received, stats.stretched_ms), (99, 0), "all but the reserve");
        // The tick in which the reserve was laid by was none of the line's.
        assert_eq!(x.wires[0].0.lock().unwrap().ticks, 99);
    }

    #[test]
    fn a_clock_that_differs_is_counted_and_its_blocks_are_all_taken() {
        let mut x = Bench::new(2);
        x.open(A, (0, 3));
        x.open(B, (1, 3));
        for n in 0..1000 {
            x.tick(&[if n % 100 == 99 { 2 } else { 1 }, usize::from(n % 100 != 99)]);
        }
        let (fast, slow) = (x.sound(0), x.sound(1));
        assert_eq!((fast.underruns, fast.more), (0, 10));
        // One of the ten was met by the reserve.
        assert_eq!((slow.underruns, slow.more), (9, 0));
        assert_eq!(x.engine.stats(A).unwrap().received, 1010 - 1);
        assert_eq!(x.engine.stats(B).unwrap().received, 990);
        assert_eq!(x.channels.changes().map(|(span, _)| span).collect::<Vec<u8>>(), [0, 1]);
        assert_eq!(x.channels.changes().count(), 0, "told once");
    }

    #[test]
    fn further_blocks_of_the_master_are_ticks_of_their_own() {
        let mut x = Bench::new(1);
        x.open(A, (0, 3));
        x.master = Some(0);
        x.tick(&[3]);
        assert_eq!(x.engine.stats(A).unwrap().received, 1);
        assert_eq!(x.channels.beat(0).1, 2);
        assert_eq!(x.sound(0).more, 0);
    }

    #[test]
    fn the_last_order_has_the_channel_and_what_is_silent_carries_silence() {
        let mut x = Bench::new(1);
        x.master = Some(0);
        x.open(A, (0, 3));
        x.open(B, (0, 4));
        let hear = Command::Hear(Ear::Port(B), Source::Port(A), Gain::UNITY);
        x.engine.apply(hear).unwrap();
        x.tick(&[1]);
        assert_eq!(x.sent(0), [(3, SILENCE), (4, 1)]);
        x.engine.apply(Command::SetSending(B, false)).unwrap();
        x.tick(&[1]);
        assert_eq!(x.sent(0), [(3, SILENCE), (4, SILENCE)]);
        x.channels.connect(B, Some((0, 3)));
        x.tick(&[1]);
        assert_eq!(x.sent(0), [(3, SILENCE)], "A has lost it, B has left the other");
        x.channels.disconnect(A);
        assert_eq!(x.wires[0].0.lock().unwrap().open.iter().collect::<Vec<u8>>(), [3]);
        x.channels.disconnect(B);
        x.channels.connect(A, Some((7, 3)));
        x.channels.connect(A, Some((0, 40)));
        x.channels.connect(PortId(99), Some((0, 3)));
        x.tick(&[1]);
        assert_eq!(x.sent(0), [], "what is not there is not connected");
    }

    #[test]
    fn what_a_line_does_not_take_is_a_slip() {
        let mut x = Bench::new(1);
        x.open(A, (0, 3));
        x.tick(&[1]);
        x.wires[0].0.lock().unwrap().full = true;
        x.tick(&[1]);
        x.tick(&[1]);
        assert_eq!(x.sound(0).slips, 2);
    }

    #[test]
    fn a_call_that_takes_the_channel_ends_its_loop_test() {
        let mut x = Bench::new(1);
        let channel = (0, 9);
        let busy = Some(Tested { channel, verdict: None });
        x.channels.test_loop(channel);
        assert_eq!(x.channels.tested(), busy, "the span does not beat");
        x.tick(&[1]);
        x.channels.test_loop(channel);
        assert_eq!(x.channels.tested(), None);
        x.channels.test_loop(channel);
        assert_eq!(x.channels.tested(), busy, "one at a time");
        x.tick(&[1]);
        assert_eq!(x.sent(0), [(9, SILENCE)]);
        x.open(A, channel);
        assert_eq!(x.channels.tested(), busy);
        x.tick(&[1]);
        assert_eq!(x.channels.tested(), None);
    }
}
