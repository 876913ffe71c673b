//! Channels of a span at the engine: octets in and out on virtual time, beside phones on RTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod phone;

use media::{
    Channel, Codec, Command, DigitPath, Digits, Ear, Engine, Fact, Gain, OpenPort, PacketRefusal,
    PlayEnd, PlayerId, PortId, RecorderId, Refusal, Setup, Source, Tone, g711,
};
use phone::{level, packet, purity, sine};

const A: PortId = PortId(0);
const B: PortId = PortId(1);
const PHONE: PortId = PortId(2);

type Octets = [u8; 160];

/// A box with bearers whose lines say and hear what the test wants.
struct Exchange {
    engine: Engine,
    facts: Vec<Fact>,
}

impl Exchange {
    fn new() -> Exchange {
        let engine = Engine::new(Setup { ports: 4, players: 2, recorders: 1, echoes: 1 });
        Exchange { engine, facts: Vec::new() }
    }

    fn with(bearers: &[PortId]) -> Exchange {
        let mut x = Exchange::new();
        for &port in bearers {
            x.apply(Command::OpenPort(OpenPort::bearer(port, Codec::Alaw)));
        }
        x
    }

    fn apply(&mut self, command: Command) {
        self.engine.apply(command).unwrap();
    }

    fn join(&mut self, a: PortId, b: PortId) {
        self.apply(Command::Hear(Ear::Port(a), Source::Port(b), Gain::UNITY));
        self.apply(Command::Hear(Ear::Port(b), Source::Port(a), Gain::UNITY));
    }

    /// One tick in which these blocks have come.
    fn tick(&mut self, blocks: &[(PortId, Octets)]) {
        for (port, block) in blocks {
            self.engine.handle_bearer(*port, block).unwrap();
        }
        self.engine.tick();
        self.facts.extend(std::iter::from_fn(|| self.engine.poll_fact()));
    }

    /// What went out to a bearer's line in this tick.
    fn out(&self, port: PortId) -> Octets {
        let sent = self.engine.bearers().find(|(which, _)| *which == port);
        *sent.expect("an open bearer sends").1
    }

    fn digits(&self, port: PortId) -> Vec<u8> {
        let pressed = |fact: &Fact| {
            let Fact::Digit { port: p, digit, by: DigitPath::InBand } = *fact else {
                return None;
            };
            (p == port).then_some(digit)
        };
        self.facts.iter().filter_map(pressed).collect()
    }
}

fn encoded(samples: &[i16]) -> Vec<Octets> {
    let block = |part: &[i16]| {
        let mut octets = [0xD5; 160];
        g711::encode(Codec::Alaw, part, &mut octets);
        octets
    };
    samples.chunks(160).map(block).collect()
}

fn decoded(blocks: &[Octets]) -> Vec<i16> {
    let mut samples = vec![0; blocks.len() * 160];
    g711::decode(Codec::Alaw, &blocks.concat(), &mut samples);
    samples
}

/// Every octet there is, in an order that no voice has.
fn all_octets(turn: usize) -> Octets {
    std::array::from_fn(|n| ((turn * 160 + n) * 167 + turn / 8) as u8)
}

#[test]
fn octets_of_a_channel_reach_the_other_untouched_in_the_same_tick() {
    let mut x = Exchange::with(&[A, B]);
    x.join(A, B);
    let mut seen = [false; 256];
    for turn in 0..64 {
        let (ours, idle) = (all_octets(turn), [if turn % 2 == 0 { 0x55 } else { 0xD5 }; 160]);
        ours.iter().for_each(|&octet| seen[usize::from(octet)] = true);
        x.tick(&[(A, ours), (B, idle)]);
        assert_eq!(x.out(B), ours, "turn {turn}");
        assert_eq!(x.out(A), idle, "turn {turn}");
    }
    assert!(seen.iter().all(|&seen| seen), "an octet was not tried");
    assert_eq!(x.engine.packets().count(), 0, "a bearer sends no packet");
}

#[test]
fn octets_pass_untouched_beside_a_recorder_and_a_detector_and_through_echo_cancelling() {
    let mut x = Exchange::with(&[A, B]);
    x.join(A, B);
    x.apply(Command::StartRecorder(RecorderId(0)));
    x.apply(Command::Hear(
        Ear::Recorder(RecorderId(0), Channel::Left),
        Source::Port(A),
        Gain::UNITY,
    ));
    for turn in 0..8 {
        x.tick(&[(A, all_octets(turn)), (B, [0xD5; 160])]);
        assert_eq!(x.out(B), all_octets(turn));
        let left = x.engine.poll_block().unwrap().samples.iter().step_by(2).copied();
        assert_eq!(left.collect::<Vec<i16>>(), decoded(&[all_octets(turn)]));
    }
    // Nothing is sent to A, so there is no echo to take out: linear and back is exact.
    x.apply(Command::SetEcho(A, true));
    for turn in 8..16 {
        x.tick(&[(A, all_octets(turn)), (B, [0xD5; 160])]);
        assert_eq!(x.out(B), all_octets(turn));
    }
}

#[test]
fn a_phone_and_a_channel_hear_each_other() {
    let mut x = Exchange::with(&[A]);
    x.apply(Command::OpenPort(OpenPort::new(PHONE, Codec::Ulaw, 1)));
    x.join(A, PHONE);
    let line = encoded(&sine(440, -15, 100 * 160));
    let mut said = vec![0; 100 * 160];
    g711::encode(Codec::Ulaw, &sine(1000, -20, 100 * 160), &mut said);
    let (mut line_heard, mut phone_heard) = (Vec::new(), Vec::new());
    for (n, block) in line.iter().enumerate() {
        let rtp = packet(9, n as u16, n as u32 * 160, 0, &said[n * 160..][..160]);
        x.engine.handle_packet(PHONE, n as u64 * 20_000, &rtp).unwrap();
        x.tick(&[(A, *block)]);
        line_heard.push(x.out(A));
        let (port, sent) = x.engine.packets().next().unwrap();
        assert_eq!((port, sent.len()), (PHONE, 172));
        phone_heard.extend_from_slice(&sent[12..]);
    }
    let line_heard = decoded(&line_heard[20..]);
    assert!(purity(&line_heard, 1000.0) > 0.99 && (level(&line_heard) + 20).abs() <= 1);
    let mut heard = vec![0; 80 * 160];
    g711::decode(Codec::Ulaw, &phone_heard[20 * 160..], &mut heard);
    assert!(purity(&heard, 440.0) > 0.99 && (level(&heard) + 15).abs() <= 1);
    let started = |port, codec| Fact::MediaStarted { port, codec };
    assert!(x.facts.contains(&started(A, Codec::Alaw)));
    assert!(x.facts.contains(&started(PHONE, Codec::Ulaw)));
}

#[test]
fn a_missing_block_is_concealed_counted_and_leaves_no_delay() {
    let mut x = Exchange::with(&[A, B]);
    x.join(A, B);
    let said = encoded(&sine(300, -12, 200 * 160));
    let mut heard = Vec::new();
    for (n, block) in said.iter().enumerate() {
        if n % 20 == 19 {
            x.tick(&[]);
        } else {
            x.tick(&[(A, *block)]);
            // The first block after a hole is faded in; the next is exact again.
            if n % 20 > 0 {
                assert_eq!(x.out(B), *block, "turn {n}");
            }
        }
        heard.push(x.out(B));
    }
    // 300 Hz at -12 dBm0: peak 5734, at most 1350 from sample to sample
    let heard = decoded(&heard);
    let step = heard.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap();
    assert!(step < 2700, "a click of {step}");
    assert!(level(&heard) >= -13, "the sound has holes");
    let stats = x.engine.stats(A).unwrap();
    assert_eq!((stats.received, stats.sent, stats.stretched_ms), (190, 200, 200 - 20));
    assert_eq!((stats.depth_ms, stats.lost_ms, stats.late, stats.jumps), (0, 0, 0, 0));
}

#[test]
fn a_line_beside_the_beat_gets_one_block_of_reserve_and_is_exact_then() {
    let mut x = Exchange::with(&[A, B]);
    x.join(A, B);
    let mut said = (0..).map(all_octets);
    let mut spoken: Vec<Octets> = Vec::new();
    let mut heard: Vec<Octets> = Vec::new();
    // Its blocks come now before, now after the tick: one, none, two, none, two ...
    for n in 0..500 {
        let count = if n < 4 { 1 } else { [0, 2][n % 2] };
        let come: Vec<(PortId, Octets)> = said.by_ref().take(count).map(|b| (A, b)).collect();
        spoken.extend(come.iter().map(|c| c.1));
        x.tick(&come);
        heard.push(x.out(B));
    }
    // From then on all is heard in order, one tick later at most.
    let from = spoken.iter().position(|b| *b == heard[10]).unwrap();
    assert_eq!(&heard[10..490], &spoken[from..from + 480]);
    let stats = x.engine.stats(A).unwrap();
    assert_eq!((stats.stretched_ms, stats.squeezed_ms, stats.lost_ms), (20, 0, 0));
    assert!(stats.depth_ms <= 40, "{stats:?}");
}

#[test]
fn a_faster_line_is_squeezed_and_a_slower_one_stretched_without_losing_a_block() {
    for (faster, every) in [(true, 100), (false, 100)] {
        let mut x = Exchange::with(&[A, B]);
        x.join(A, B);
        let ticks = 3050;
        let mut said = encoded(&sine(400, -15, (ticks + ticks / every) * 160)).into_iter();
        let mut heard = Vec::new();
        let mut sent = 0;
        for n in 0..ticks {
            let odd = n % every == every - 1;
            let count = if !odd {
                1
            } else if faster {
                2
            } else {
                0
            };
            let come: Vec<(PortId, Octets)> = said.by_ref().take(count).map(|b| (A, b)).collect();
            sent += come.len();
            x.tick(&come);
            heard.push(x.out(B));
        }
        let stats = x.engine.stats(A).unwrap();
        let heard = decoded(&heard[100..]);
        let step =
            heard.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap();
        // 400 Hz at -15 dBm0: peak 4059, at most 1276 from sample to sample
        assert!(step < 2600, "a click of {step}");
        assert_eq!(stats.received as usize, sent, "{stats:?}");
        assert_eq!((stats.lost_ms, stats.late, stats.jumps), (0, 0, 0));
        assert!(stats.depth_ms <= 60, "{stats:?}");
        let made_ms = u64::from(stats.stretched_ms);
        let left_ms = u64::from(stats.squeezed_ms) + u64::from(stats.depth_ms);
        assert_eq!(sent as u64 * 20 + made_ms, ticks as u64 * 20 + left_ms, "{stats:?}");
        assert_eq!(faster, stats.squeezed_ms > 400, "{stats:?}");
        assert_eq!(!faster, stats.stretched_ms > 400, "{stats:?}");
    }
}

#[test]
fn keys_come_and_go_in_band() {
    let mut x = Exchange::with(&[A, B]);
    x.apply(Command::SetDigitPayload(A, Some(101)));
    x.apply(Command::SendDigits(A, Digits::new("159#D").unwrap()));
    // What A sends comes to B: the engine hears its own digits.
    let mut between = [0xD5; 160];
    for _ in 0..60 {
        x.tick(&[(B, between), (A, [0xD5; 160])]);
        between = x.out(A);
    }
    assert_eq!(x.digits(B), b"159#D");
    assert!(x.digits(A).is_empty());
    assert!(x.facts.contains(&Fact::DigitsSent { port: A }));
}

#[test]
fn a_player_is_heard_on_the_line_and_a_key_silences_it() {
    let mut x = Exchange::with(&[A]);
    let player = PlayerId(0);
    x.apply(Command::Hear(Ear::Port(A), Source::Player(player), Gain::UNITY));
    let tone = Tone::Dial(media::Country::China);
    x.apply(Command::PlayTone(player, tone, media::Barge::Digit(A)));
    let mut heard = Vec::new();
    for _ in 0..50 {
        x.tick(&[(A, [0xD5; 160])]);
        heard.push(x.out(A));
    }
    assert!(purity(&decoded(&heard), 450.0) > 0.99);
    let key: Vec<i16> =
        sine(770, -9, 800).iter().zip(sine(1336, -7, 800)).map(|(a, b)| a + b).collect();
    for block in encoded(&key) {
        x.tick(&[(A, block)]);
    }
    let why = PlayEnd::Digit(b'5');
    assert!(x.facts.contains(&Fact::PlayEnded { player, why }), "{:?}", x.facts);
    x.tick(&[(A, [0xD5; 160])]);
    assert_eq!(x.out(A), [0xD5; 160], "silence is idle");
}

#[test]
fn silence_of_a_line_never_times_out() {
    let mut x = Exchange::new();
    let open = OpenPort { media_timeout_ms: 1000, ..OpenPort::bearer(A, Codec::Alaw) };
    x.apply(Command::OpenPort(open));
    x.tick(&[(A, [0xD5; 160])]);
    x.apply(Command::SetMediaTimeout(A, 1000));
    for _ in 0..500 {
        x.tick(&[]);
    }
    assert!(!x.facts.iter().any(|f| matches!(f, Fact::MediaTimeout { .. })), "{:?}", x.facts);
    // The line comes back: its first block is played at once, faded in.
    x.tick(&[(A, [0x2A; 160])]);
    assert_eq!(x.engine.stats(A).unwrap().depth_ms, 0);
}

#[test]
fn packets_and_blocks_are_not_taken_for_one_another() {
    let mut x = Exchange::with(&[A]);
    x.apply(Command::OpenPort(OpenPort::new(PHONE, Codec::Alaw, 1)));
    let rtp = packet(9, 1, 160, 8, &[0x55; 160]);
    assert_eq!(x.engine.handle_packet(A, 0, &rtp), Err(PacketRefusal::Bearer));
    assert_eq!(x.engine.stats(A).unwrap().refused, 1);
    let block = [0xD5; 160];
    assert_eq!(x.engine.handle_bearer(PHONE, &block), Err(Refusal::NotBearer(PHONE)));
    assert_eq!(x.engine.handle_bearer(B, &block), Err(Refusal::PortClosed(B)));
    assert_eq!(x.engine.handle_bearer(PortId(99), &block), Err(Refusal::NoPort(PortId(99))));
    assert_eq!(x.engine.apply(Command::SetEcho(PHONE, true)), Err(Refusal::NotBearer(PHONE)));
    x.apply(Command::SetSending(A, false));
    x.tick(&[(A, block)]);
    assert_eq!(x.engine.bearers().count(), 0, "a bearer that does not send has no block");
}

#[test]
fn an_echo_canceller_is_lent_to_a_line_and_comes_back() {
    let mut x = Exchange::with(&[A, B]);
    let taken = Err(Refusal::EchoesTaken(B));
    x.apply(Command::SetEcho(A, true));
    x.apply(Command::SetEcho(A, true));
    assert_eq!(x.engine.apply(Command::SetEcho(B, true)), taken);
    x.apply(Command::SetEcho(A, false));
    x.apply(Command::SetEcho(B, true));
    x.apply(Command::ClosePort(B));
    x.apply(Command::SetEcho(A, true));
    x.apply(Command::OpenPort(OpenPort::bearer(A, Codec::Alaw)));
    x.apply(Command::OpenPort(OpenPort::bearer(B, Codec::Alaw)));
    x.apply(Command::SetEcho(B, true));
}

#[test]
fn the_echo_of_a_prompt_is_taken_out_of_the_recording() {
    let mut x = Exchange::with(&[A]);
    x.apply(Command::SetEcho(A, true));
    // A prompt that sounds like a voice: noise in syllables.
    let mut random = 1u32;
    let prompt: Vec<i16> = (0..24_000)
        .map(|n| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let syllable = (f64::from(n) / 300.0).sin().max(0.0);
            (f64::from((random >> 16) as i16) * 0.1 * syllable) as i16
        })
        .collect();
    let prompt: &'static [i16] = prompt.leak();
    x.apply(Command::SetPrompt(media::PromptId(0), prompt));
    x.apply(Command::Hear(Ear::Port(A), Source::Player(PlayerId(0)), Gain::UNITY));
    x.apply(Command::Play(media::Play {
        repeat: media::Repeat::Forever,
        ..media::Play::once(PlayerId(0), media::PromptId(0))
    }));
    x.apply(Command::StartRecorder(RecorderId(0)));
    x.apply(Command::Hear(
        Ear::Recorder(RecorderId(0), Channel::Left),
        Source::Port(A),
        Gain::UNITY,
    ));
    let mut sent = vec![0i16; 160];
    let (mut echo, mut recorded) = (Vec::new(), Vec::new());
    for n in 0..200 {
        // 5 ms away and 10 dB down.
        let end = sent.len();
        let from = (end - 160).saturating_sub(40);
        let back: Vec<i16> = sent[from..from + 160].iter().map(|s| s / 3).collect();
        x.tick(&[(A, encoded(&back)[0])]);
        sent.extend(decoded(&[x.out(A)]));
        let left = x.engine.poll_block().unwrap().samples.iter().step_by(2).copied();
        if n >= 100 {
            recorded.extend(left);
            echo.extend(back);
        }
    }
    let (before, after) = (level(&echo), level(&recorded));
    assert!(before - after > 20, "{before} dBm0 of echo became {after}");
}

#[test]
fn a_bearer_that_is_opened_again_hears_the_next_call_begin() {
    let mut x = Exchange::new();
    let loud = encoded(&sine(440, -15, 160))[0];
    for _ in 0..2 {
        x.apply(Command::OpenPort(OpenPort::bearer(A, Codec::Alaw)));
        for _ in 0..10 {
            x.tick(&[(A, loud)]);
        }
        x.apply(Command::ClosePort(A));
        x.tick(&[]);
    }
    let begun = x.facts.iter().filter(|fact| matches!(fact, Fact::SoundStarted { .. }));
    assert_eq!(begun.count(), 2, "{:?}", x.facts);
}
