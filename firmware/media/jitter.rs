//! The jitter buffer of one port: packets come when they like, 20 ms go out each tick.
//!
//! It is a ring of encoded samples on the sender's own timeline (RTP timestamps), with a bit for
//! each sample that has come. So packets of any length up to 180 ms, in any order and twice, find
//! their place by themselves, and a change of law inside the stream is played rightly.
//!
//! ```text
//!            play                                   newest
//!   played     |###############......###########....|      # came   . missing
//!              |<- 20 ms ->|    hole, concealed
//! ```
//!
//! How delay is kept small and sufficient, without ever cutting into sound:
//!
//! - *Slack* of a packet is how far ahead of the cursor it comes. Zero is just in time.
//! - **Nothing ahead** (late packets, or a sender slower than we): sound is made up and the cursor
//!   *waits*. If the missing packet then comes, the delay has grown by what was made up
//!   (`stretched`); if only its followers come, it was lost and the cursor leaps over the hole by
//!   as much as it had waited, so that a loss never adds delay.
//! - **A hole with sound behind it** is a loss: concealed, and the cursor goes on. If its packet
//!   comes yet, the delay is raised once (`late`).
//! - **Too much slack for seconds** (a burst is over, or a sender faster than we): one pitch period
//!   (5 to 15 ms) is left out by overlapping the sound with itself where it is most alike
//!   (`squeezed`), in silence and in speech alike. How many seconds doubles with each stretch.
//! - **Nothing for 200 ms**: the stream is dry, and its next packet starts afresh.
//!
//! A bearer's blocks go the same way with nothing in reserve: while its line beats the tick, each
//! block is played untouched in the tick in which it came. Where another clock beats, the first
//! block that comes late becomes the reserve, and the rules above keep it.
//!
//! Drift between clocks needs nothing else: it shows as slack that slowly shrinks or grows.

use crate::command::Codec;
use crate::conceal::Concealer;
use crate::g711;
use crate::limits::{JITTER_CHUNKS as CHUNKS, JITTER_DEPTH_SAMPLES};
use crate::slack::Slack;
use crate::{FRAME, Frame};

/// Samples of one chunk: 10 ms.
const CHUNK: usize = 80;
const CHUNK_LONG: u64 = CHUNK as u64;

/// Samples a new stream waits before it is played: one packet in reserve.
const PREFILL: u32 = FRAME as u32;

/// Longest prefill after streams that needed much, samples.
const PREFILL_MAX: u32 = 480;

/// Ticks without sound after which a stream is dry.
const DRY_TICKS: u8 = 10;

/// Shortest and longest piece left out at once, samples: pitch periods of 200 Hz to 66 Hz.
const LAG_MIN: usize = 40;
const LAG_MAX: usize = 120;

/// Samples over which the sound is overlapped with itself.
const OVERLAP: usize = 80;

/// Ticks between two pieces left out, and between two raises after late packets.
const REST_TICKS: u16 = 10;

/// A timestamp further behind the cursor than a second is a new timeline, not a late packet.
const BEHIND_MAX_SAMPLES: i64 = 8000;

/// Counts of one buffer since its port was opened; samples unless packets are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets after their time.
    pub late: u32,
    /// Packets on a new timeline.
    pub jumps: u32,
    /// Never came.
    pub lost: u64,
    /// Made up; the delay grew.
    pub stretched: u64,
    /// Left out; the delay shrank.
    pub squeezed: u64,
}

/// What a tick took out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// No stream: the frame is zero.
    Silence,
    /// Sound that was partly made up or changed.
    Made,
    /// Exactly what was sent; the bytes are given too.
    Exact(Codec),
}

/// See the module.
#[derive(Debug)]
pub struct JitterBuffer {
    sound: [[u8; CHUNK]; CHUNKS],
    /// Bit *n* of a chunk: its sample *n* has come.
    present: [u128; CHUNKS],
    codec: [Codec; CHUNKS],
    /// Whether a stream starts without reserve.
    prompt: bool,
    running: bool,
    /// Timestamp of position 0.
    origin: u32,
    /// Position of the next sample to play.
    play: u64,
    /// Position after the newest sample.
    newest: u64,
    /// Samples still to be made up before the cursor moves.
    wait: u32,
    /// Samples made up while nothing was ahead, their fate not yet known.
    held: u32,
    /// The sender said that it rests; the hole that follows is no loss.
    rested: bool,
    starved_ticks: u8,
    /// Stretched less squeezed: what this sender's jitter has needed, samples.
    grown: u32,
    slack: Slack,
    rest_ticks: u16,
    counts: Counts,
}

impl JitterBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> JitterBuffer {
        JitterBuffer {
            sound: [[0; CHUNK]; CHUNKS],
            present: [0; CHUNKS],
            codec: [Codec::Alaw; CHUNKS],
            prompt: false,
            running: false,
            origin: 0,
            play: 0,
            newest: 0,
            wait: 0,
            held: 0,
            rested: false,
            starved_ticks: 0,
            grown: 0,
            slack: Slack::NEW,
            rest_ticks: 0,
            counts: Counts::default(),
        }
    }

    /// Empties it and forgets its counts. `prompt`: streams start without reserve from now on,
    /// their first sound is played in the tick in which it came.
    pub fn reset(&mut self, prompt: bool) {
        self.prompt = prompt;
        self.present = [0; CHUNKS];
        self.running = false;
        self.grown = 0;
        self.slack = Slack::NEW;
        self.counts = Counts::default();
    }

    /// The stream has ended (a new source speaks): its next packet starts afresh.
    pub fn restart(&mut self) {
        self.running = false;
    }

    /// Its counts.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Sound that lies ready, samples.
    #[must_use]
    pub const fn depth_samples(&self) -> u32 {
        if self.running { self.newest.saturating_sub(self.play) as u32 + self.wait } else { 0 }
    }

    /// Takes the sound of one packet; duplicates were sorted out before.
    pub fn handle_packet(&mut self, timestamp: u32, codec: Codec, payload: &[u8]) {
        if payload.is_empty() {
            return;
        }
        if !self.running {
            self.start(timestamp);
        }
        let mut ahead = self.ahead_of_play(timestamp);
        let beyond = ahead + payload.len() as i64 > ((CHUNKS - 1) * CHUNK) as i64;
        if beyond || ahead < -BEHIND_MAX_SAMPLES {
            self.counts.jumps += 1;
            self.start(timestamp);
            ahead = 0;
        }
        let from = (-ahead).max(0) as usize;
        let Some(fresh) = payload.get(from..).filter(|fresh| !fresh.is_empty()) else {
            self.handle_late(-ahead);
            return;
        };
        let at = self.play + ahead.max(0) as u64;
        self.slack.handle_packet(ahead.max(0) as u32 + self.wait);
        self.store(at, codec, fresh);
        self.newest = self.newest.max(at + fresh.len() as u64);
    }

    /// Takes 20 ms out: samples into `frame`, and if they are exactly what was sent, the bytes
    /// into `bytes`. `resting`: the sender is known to send no sound now (a key is pressed).
    pub fn handle_tick(
        &mut self,
        concealer: &mut Concealer,
        resting: bool,
        frame: &mut Frame,
        bytes: &mut [u8; FRAME],
    ) -> Pulled {
        if !self.running {
            frame.fill(0);
            return Pulled::Silence;
        }
        self.slack.handle_tick();
        self.rest_ticks = self.rest_ticks.saturating_add(1);
        if self.slack.spare() >= LAG_MIN as u32
            && self.rest_ticks >= REST_TICKS
            && self.squeeze(concealer, frame)
        {
            return Pulled::Made;
        }
        self.rested |= resting;
        let pulled = self.pull(concealer, frame, bytes);
        if self.starved_ticks > DRY_TICKS {
            self.running = false;
        }
        if resting && self.starved_ticks > 0 {
            frame.fill(0);
        }
        pulled
    }

    fn start(&mut self, timestamp: u32) {
        self.present = [0; CHUNKS];
        self.running = true;
        self.origin = timestamp;
        self.play = 0;
        self.newest = 0;
        self.wait = if self.prompt { 0 } else { (PREFILL + self.grown).min(PREFILL_MAX) };
        self.held = 0;
        self.rested = false;
        self.starved_ticks = 0;
        self.slack.handle_start();
    }

    fn ahead_of_play(&self, timestamp: u32) -> i64 {
        let cursor = self.origin.wrapping_add(self.play as u32);
        i64::from(timestamp.wrapping_sub(cursor) as i32)
    }

    fn handle_late(&mut self, by: i64) {
        self.counts.late += 1;
        let depth = self.depth_samples();
        if self.rest_ticks >= REST_TICKS && depth < JITTER_DEPTH_SAMPLES as u32 {
            self.rest_ticks = 0;
            let raise = by.clamp(0, FRAME as i64) as u32;
            self.wait += raise;
            self.stretched(raise);
        }
    }

    fn stretched(&mut self, samples: u32) {
        self.counts.stretched += u64::from(samples);
        self.grown = (self.grown + samples).min(PREFILL_MAX);
        self.slack.handle_stretch();
    }

    fn store(&mut self, mut at: u64, codec: Codec, mut payload: &[u8]) {
        while !payload.is_empty() {
            let (chunk, offset) = place(at);
            let n = payload.len().min(CHUNK - offset);
            let (now, later) = payload.split_at(n);
            self.sound[chunk][offset..offset + n].copy_from_slice(now);
            self.present[chunk] |= ((1u128 << n) - 1) << offset;
            self.codec[chunk] = codec;
            at += n as u64;
            payload = later;
        }
    }

    fn pull(
        &mut self,
        concealer: &mut Concealer,
        frame: &mut Frame,
        bytes: &mut [u8; FRAME],
    ) -> Pulled {
        let mut at = 0;
        let mut exact = None;
        let mut made = false;
        while at < FRAME {
            let room = FRAME - at;
            match self.next_run(room) {
                Run::Wait(n) => {
                    concealer.fill(&mut frame[at..at + n]);
                    self.wait -= n as u32;
                    made = true;
                    at += n;
                }
                Run::Sound(n) => {
                    let (chunk, offset) = place(self.play);
                    let (from, codec) = (&self.sound[chunk][offset..offset + n], self.codec[chunk]);
                    bytes[at..at + n].copy_from_slice(from);
                    g711::decode(codec, from, &mut frame[at..at + n]);
                    made |= !concealer.handle_sound(&mut frame[at..at + n]);
                    made |= exact.is_some_and(|exact| exact != codec);
                    exact = Some(codec);
                    self.rested = false;
                    self.settle_held();
                    self.advance(n as u64);
                    at += n;
                }
                Run::Hole(n) if self.held > 0 => {
                    let skipped = n.min(self.held as usize);
                    self.held -= skipped as u32;
                    self.count_lost(skipped);
                    self.advance(skipped as u64);
                }
                Run::Hole(n) => {
                    concealer.fill(&mut frame[at..at + n]);
                    self.count_lost(n);
                    self.advance(n as u64);
                    made = true;
                    at += n;
                }
                Run::Nothing => {
                    concealer.fill(&mut frame[at..]);
                    self.held = self.held.saturating_add(room as u32);
                    made = true;
                    at = FRAME;
                }
            }
        }
        self.starved_ticks = match exact {
            Some(_) => 0,
            None if self.play >= self.newest => self.starved_ticks.saturating_add(1),
            None => self.starved_ticks,
        };
        match exact {
            Some(codec) if !made => Pulled::Exact(codec),
            Some(_) | None => Pulled::Made,
        }
    }

    /// What lies at the cursor, as far as it is of one kind, at most `room` samples.
    fn next_run(&self, room: usize) -> Run {
        if self.wait > 0 {
            return Run::Wait(room.min(self.wait as usize));
        }
        if self.play >= self.newest {
            return Run::Nothing;
        }
        let (chunk, offset) = place(self.play);
        let room = room.min(CHUNK - offset);
        let bits = self.present[chunk] >> offset;
        match bits.trailing_ones() as usize {
            0 => Run::Hole((bits.trailing_zeros() as usize).min(room)),
            n => Run::Sound(n.min(room)),
        }
    }

    fn count_lost(&mut self, samples: usize) {
        if !self.rested {
            self.counts.lost += samples as u64;
        }
    }

    /// Sound goes on where the cursor had waited: what was made up has become delay.
    fn settle_held(&mut self) {
        if self.held > 0 {
            let held = core::mem::take(&mut self.held);
            self.stretched(held);
        }
    }

    fn advance(&mut self, samples: u64) {
        let to = self.play + samples;
        for chunk in self.play / CHUNK_LONG..to / CHUNK_LONG {
            self.present[chunk as usize % CHUNKS] = 0;
        }
        self.play = to;
    }

    /// Leaves out one period if enough sound lies ahead without a hole; `false` if not.
    fn squeeze(&mut self, concealer: &mut Concealer, frame: &mut Frame) -> bool {
        let mut sound = [0i16; FRAME + LAG_MAX];
        if self.wait > 0 || !self.peek(&mut sound) {
            return false;
        }
        let most = LAG_MAX.min(self.slack.spare() as usize);
        let lag = most_alike(&sound, LAG_MIN, most);
        for (n, out) in frame.iter_mut().enumerate() {
            let (old, new) = (i32::from(sound[n]), i32::from(sound[n + lag]));
            let weight = n.min(OVERLAP) as i32;
            *out = ((old * (OVERLAP as i32 - weight) + new * weight) / OVERLAP as i32) as i16;
        }
        concealer.handle_sound(frame);
        self.settle_held();
        self.advance((FRAME + lag) as u64);
        self.counts.squeezed += lag as u64;
        self.grown = self.grown.saturating_sub(lag as u32);
        self.slack.handle_squeeze(lag as u32);
        self.rest_ticks = 0;
        true
    }

    /// Decodes what lies ahead without taking it; `false` at a hole.
    fn peek(&self, sound: &mut [i16]) -> bool {
        let mut at = self.play;
        let mut rest = sound;
        while !rest.is_empty() {
            let (chunk, offset) = place(at);
            let n = rest.len().min(CHUNK - offset);
            if ((self.present[chunk] >> offset).trailing_ones() as usize) < n {
                return false;
            }
            let (now, later) = rest.split_at_mut(n);
            g711::decode(self.codec[chunk], &self.sound[chunk][offset..offset + n], now);
            at += n as u64;
            rest = later;
        }
        true
    }
}

impl Default for JitterBuffer {
    fn default() -> JitterBuffer {
        JitterBuffer::new()
    }
}

/// What lies at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// So many samples are to be made up before it moves.
    Wait(usize),
    /// So many samples have come.
    Sound(usize),
    /// So many are missing, and later ones have come.
    Hole(usize),
    /// Nothing has come.
    Nothing,
}

/// Chunk and offset in it of a position.
const fn place(at: u64) -> (usize, usize) {
    ((at / CHUNK_LONG) as usize % CHUNKS, (at % CHUNK_LONG) as usize)
}

/// The lag between `least` and `most` at which the sound is most like itself.
fn most_alike(sound: &[i16; FRAME + LAG_MAX], least: usize, most: usize) -> usize {
    let difference = |lag: usize| -> i32 {
        let (old, new) = (&sound[..OVERLAP], &sound[lag..lag + OVERLAP]);
        old.iter().zip(new).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs()).sum()
    };
    (least..=most).min_by_key(|&lag| difference(lag)).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A port's receive side driven by a script: what comes before each tick.
    struct Line {
        buffer: JitterBuffer,
        concealer: Concealer,
        out: Vec<i16>,
        exact: usize,
    }

    impl Line {
        fn new() -> Line {
            let concealer = Concealer::new();
            Line { buffer: JitterBuffer::new(), concealer, out: Vec::new(), exact: 0 }
        }

        fn packet(&mut self, samples: &[i16], n: usize) {
            self.packet_of(samples, n, FRAME);
        }

        fn packet_of(&mut self, samples: &[i16], n: usize, len: usize) {
            let mut bytes = vec![0; len];
            g711::encode(Codec::Alaw, &samples[n * len..(n + 1) * len], &mut bytes);
            let timestamp = 0xFFFF_F000u32.wrapping_add((n * len) as u32);
            self.buffer.handle_packet(timestamp, Codec::Alaw, &bytes);
        }

        fn tick(&mut self) -> Pulled {
            let (mut frame, mut bytes) = ([0; FRAME], [0; FRAME]);
            let concealer = &mut self.concealer;
            let pulled = self.buffer.handle_tick(concealer, false, &mut frame, &mut bytes);
            self.exact += usize::from(matches!(pulled, Pulled::Exact(_)));
            self.out.extend(frame);
            pulled
        }

        fn largest_step(&self) -> i32 {
            let steps = self.out.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs());
            steps.max().unwrap()
        }
    }

    /// A voice-like sound: 150 Hz with harmonics, peak about 6000.
    fn voice(n: usize) -> Vec<i16> {
        let at = |n: usize, hz: f64| (2.0 * std::f64::consts::PI * hz * n as f64 / 8000.0).sin();
        (0..n)
            .map(|n| (3000.0 * at(n, 150.0) + 2000.0 * at(n, 300.0) + 1000.0 * at(n, 450.0)) as i16)
            .collect()
    }

    fn through_alaw(samples: &[i16]) -> Vec<i16> {
        let mut bytes = vec![0; samples.len()];
        let mut back = vec![0; samples.len()];
        g711::encode(Codec::Alaw, samples, &mut bytes);
        g711::decode(Codec::Alaw, &bytes, &mut back);
        back
    }

    #[test]
    fn a_steady_stream_comes_out_as_it_was_after_one_packet_of_delay() {
        let sound = voice(FRAME * 500);
        let mut line = Line::new();
        for n in 0..500 {
            line.packet(&sound, n);
            line.tick();
        }
        let tail = through_alaw(&sound);
        // the return from the made-up first tick is faded in over a quarter of a period
        assert_eq!(line.out[2 * FRAME..], tail[FRAME..499 * FRAME]);
        assert_eq!(line.buffer.counts(), Counts::default());
        assert_eq!(line.exact, 498);
    }

    #[test]
    fn packets_of_10_30_and_40_ms_are_played_whole() {
        for len in [80, 240, 320] {
            let sound = voice(240 * 320);
            let mut line = Line::new();
            let (mut sent, ticks) = (0, 400);
            for tick in 0..ticks {
                while (sent + 1) * len <= (tick + 1) * FRAME {
                    line.packet_of(&sound, sent, len);
                    sent += 1;
                }
                line.tick();
            }
            let counts = line.buffer.counts();
            assert_eq!((counts.lost, counts.late, counts.jumps), (0, 0, 0), "{len}");
            assert!(counts.stretched <= 160, "{len}: {counts:?}");
            let played = through_alaw(&sound);
            let end = &line.out[line.out.len() - 4000..];
            assert!(played.windows(4000).any(|w| w == end), "{len}: sound is not what was sent");
        }
    }

    #[test]
    fn order_and_doubles_do_not_matter_inside_the_delay() {
        let sound = voice(FRAME * 100);
        let mut line = Line::new();
        for n in (0..100).step_by(2) {
            line.packet(&sound, n + 1 - usize::from(n == 0));
            line.packet(&sound, n);
            line.packet(&sound, n);
            line.packet(&sound, n + 1);
            line.tick();
            line.tick();
        }
        assert_eq!(line.buffer.counts().lost, 0);
        assert_eq!(line.buffer.counts().late, 0);
        assert_eq!(line.out[2 * FRAME..99 * FRAME], through_alaw(&sound)[FRAME..98 * FRAME]);
    }

    #[test]
    fn a_lost_packet_is_concealed_and_adds_no_delay() {
        let sound = voice(FRAME * 300);
        let mut line = Line::new();
        let mut lost = 0;
        for n in 0..300 {
            if n > 10 && n % 20 == 7 {
                lost += 1;
            } else {
                line.packet(&sound, n);
            }
            line.tick();
        }
        assert_eq!(line.buffer.counts().lost, lost * FRAME as u64);
        assert_eq!(line.buffer.counts().stretched, 0);
        let clean = through_alaw(&sound).windows(2).map(|w| (w[1] - w[0]).abs()).max().unwrap();
        assert!(line.largest_step() < 2 * i32::from(clean), "a click of {}", line.largest_step());
        assert_eq!(line.out[290 * FRAME..], through_alaw(&sound)[289 * FRAME..299 * FRAME]);
    }

    #[test]
    fn a_burst_late_by_60_ms_raises_the_delay_and_later_gives_it_back() {
        let sound = voice(FRAME * 1000);
        let mut line = Line::new();
        for n in 0..1000 {
            match n {
                100..=102 => {}
                103 => (100..=103).for_each(|n| line.packet(&sound, n)),
                _ => line.packet(&sound, n),
            }
            line.tick();
            if n == 110 {
                assert_eq!(line.buffer.counts().lost, 0, "late is not lost");
                assert_eq!(line.buffer.counts().stretched, 320);
                assert_eq!(line.buffer.depth_samples(), 480);
            }
        }
        let counts = line.buffer.counts();
        assert!(counts.squeezed >= 240, "{counts:?}");
        assert!(line.buffer.depth_samples() <= 240);
        assert!(line.largest_step() < 6000, "a click of {}", line.largest_step());
    }

    #[test]
    fn a_sender_faster_by_a_thousandth_is_squeezed_without_loss() {
        drift(1.001, |counts| {
            assert!(counts.squeezed > 0);
            assert_eq!((counts.lost, counts.late, counts.jumps), (0, 0, 0));
        });
    }

    #[test]
    fn a_sender_slower_by_a_thousandth_is_stretched_without_loss() {
        drift(0.999, |counts| {
            assert!(counts.stretched > 0);
            assert_eq!((counts.lost, counts.late, counts.jumps), (0, 0, 0));
        });
    }

    /// Two minutes of a sender with another clock.
    fn drift(rate: f64, check: impl Fn(Counts)) {
        let ticks = 6000;
        let sound = voice((ticks as f64 * 1.01) as usize * FRAME);
        let mut line = Line::new();
        let mut sent = 0;
        for tick in 0..ticks {
            while (sent as f64) <= tick as f64 * rate {
                line.packet(&sound, sent);
                sent += 1;
            }
            line.tick();
            assert!(line.buffer.depth_samples() <= 800);
        }
        check(line.buffer.counts());
        assert!(line.largest_step() < 3500, "a click of {}", line.largest_step());
    }

    #[test]
    fn a_minute_of_50_ms_of_jitter_soon_costs_nothing_but_delay() {
        let ticks = 3000;
        let sound = voice((ticks + 10) * FRAME);
        let mut line = Line::new();
        let mut random = 1u32;
        let mut comes: Vec<Vec<usize>> = vec![Vec::new(); ticks + 10];
        for n in 0..ticks {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let late_ms = (random >> 16) as usize % 51;
            comes[n + late_ms.div_ceil(20)].push(n);
        }
        let mut settled = Counts::default();
        for (tick, packets) in comes.iter().enumerate().take(ticks) {
            packets.iter().for_each(|&n| line.packet(&sound, n));
            line.tick();
            if tick == 250 {
                settled = line.buffer.counts();
            }
            assert!(line.buffer.depth_samples() <= 1120, "140 ms at tick {tick}");
        }
        let counts = line.buffer.counts();
        assert!(counts.late <= 3 && counts.lost <= 480, "{counts:?}");
        assert_eq!(counts.lost, settled.lost, "sound was lost after five seconds");
        assert!(counts.stretched <= 960, "{counts:?}");
    }

    #[test]
    fn a_stream_that_rests_comes_back_with_its_timeline() {
        let sound = voice(FRAME * 200);
        let mut line = Line::new();
        for n in 0..200 {
            if !(50..55).contains(&n) && !(100..150).contains(&n) {
                line.packet(&sound, n);
            }
            let pulled = line.tick();
            if (120..150).contains(&n) {
                assert_eq!(pulled, Pulled::Silence, "tick {n}");
            }
        }
        assert_eq!(line.buffer.counts().stretched, 0);
        assert_eq!(line.out[180 * FRAME..], through_alaw(&sound)[179 * FRAME..199 * FRAME]);
    }

    #[test]
    fn a_new_timeline_is_taken_up_and_counted() {
        let sound = voice(FRAME * 50);
        let mut line = Line::new();
        for n in 0..20 {
            line.packet(&sound, n);
            line.tick();
        }
        let bytes = [0x2A; FRAME];
        for n in 0..5u32 {
            line.buffer.handle_packet(0x5000_0000 + n * 160, Codec::Alaw, &bytes);
            line.tick();
        }
        assert_eq!(line.buffer.counts().jumps, 1);
        assert_eq!(line.out.last(), Some(&-32256));
    }

    #[test]
    fn a_change_of_law_inside_the_stream_is_heard_rightly() {
        let sound = voice(FRAME * 40);
        let mut line = Line::new();
        for n in 0..40 {
            let codec = if n < 20 { Codec::Alaw } else { Codec::Ulaw };
            let mut bytes = [0; FRAME];
            g711::encode(codec, &sound[n * FRAME..(n + 1) * FRAME], &mut bytes);
            line.buffer.handle_packet(n as u32 * 160, codec, &bytes);
            line.tick();
        }
        let error = line.out[2 * FRAME..].iter().zip(&sound[FRAME..]);
        let worst = error.map(|(a, b)| (a - b).abs()).max().unwrap();
        assert!(worst <= 136, "off by {worst}");
    }

    proptest! {
        /// Whatever comes, what goes out exactly is in the sender's order: each sample bears its
        /// position, and positions never go back, except over a restart of the timeline.
        #[test]
        fn sound_is_never_played_backwards(
            script in proptest::collection::vec(
                proptest::collection::vec((0i64..12, 1usize..5), 0..4), 1..200)
        ) {
            let mut buffer = JitterBuffer::new();
            let mut concealer = Concealer::new();
            let (mut frame, mut bytes) = ([0; FRAME], [0; FRAME]);
            let mut last = None;
            for (tick, packets) in script.iter().enumerate() {
                for &(behind, tens) in packets {
                    let at = (tick as i64 * 2 - behind + 12) * 80;
                    // a byte per 10 ms, so that 2.5 s are distinguishable
                    let payload: Vec<u8> =
                        (0..tens * 80).map(|n| ((at + n as i64) / 80) as u8).collect();
                    buffer.handle_packet(at as u32, Codec::Alaw, &payload);
                }
                let pulled = buffer.handle_tick(&mut concealer, false, &mut frame, &mut bytes);
                prop_assert!(buffer.depth_samples() < 6000);
                if let Pulled::Exact(_) = pulled {
                    for &byte in &bytes {
                        if let Some(last) = last {
                            let step = byte.wrapping_sub(last);
                            prop_assert!(step < 128, "{} after {}", byte, last);
                        }
                        last = Some(byte);
                    }
                }
            }
        }

        #[test]
        fn any_timestamps_and_lengths_are_survived(
            storm in proptest::collection::vec(
                (any::<u32>(), 0usize..321, any::<bool>(), any::<bool>()), 0..300)
        ) {
            let mut buffer = JitterBuffer::new();
            let mut concealer = Concealer::new();
            let (mut frame, mut bytes) = ([0; FRAME], [0; FRAME]);
            for (timestamp, len, small, tick) in storm {
                let timestamp = if small { timestamp % 9000 } else { timestamp };
                buffer.handle_packet(timestamp, Codec::Ulaw, &vec![0x55; len]);
                if tick {
                    buffer.handle_tick(&mut concealer, len % 2 == 0, &mut frame, &mut bytes);
                }
                prop_assert!(buffer.depth_samples() < 8000);
            }
        }
    }
}
