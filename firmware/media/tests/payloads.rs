//! What far ends may do with payload types and the length of packets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use media::{
    Codec, Command, Digits, Ear, Engine, Fact, Gain, Mapping, OpenPort, PortId, Setup, Source,
};

const A: PortId = PortId(0);
const B: PortId = PortId(1);

/// Two joined ports of one law; A's far end numbers it otherwise.
fn joined(law: Codec, mapping: Mapping) -> Engine {
    let mut engine = Engine::new(Setup { ports: 2, players: 1, recorders: 1, echoes: 1 });
    for (port, ssrc) in [(A, 1), (B, 2)] {
        engine.apply(Command::OpenPort(OpenPort::new(port, law, ssrc))).unwrap();
    }
    engine.apply(Command::SetMapping(A, mapping)).unwrap();
    for (ear, source) in [(A, B), (B, A)] {
        engine.apply(Command::Hear(Ear::Port(ear), Source::Port(source), Gain::UNITY)).unwrap();
    }
    engine
}

fn packet(payload_type: u8, number: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, payload_type];
    bytes.extend(number.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(7_u32.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Octets that no law makes of silence.
fn noise(count: usize) -> Vec<u8> {
    (0..count as u32).map(|n| (n.wrapping_mul(0x9E37_79B9) >> 13) as u8).collect()
}

/// Says all of `said` to A in packets of `samples`, in time, and gives what B's far end gets.
fn passed(engine: &mut Engine, payload_type: u8, samples: usize, said: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    for tick in 0..said.len() / 160 {
        let at = tick * 160;
        if at % samples == 0 {
            let piece = said.get(at..at + samples).unwrap();
            let bytes = packet(payload_type, (at / samples) as u16, at as u32, piece);
            engine.handle_packet(A, tick as u64 * 20_000, &bytes).unwrap();
        }
        engine.tick();
        let (_, sent) = engine.packets().find(|(port, _)| *port == B).unwrap();
        heard.extend_from_slice(&sent[12..]);
    }
    heard
}

#[test]
fn sound_of_a_mapped_number_is_understood_and_sent_under_it() {
    for (number, law) in [(97, Codec::Ulaw), (0, Codec::Alaw), (8, Codec::Ulaw)] {
        let sound = Some((number, law));
        let mut engine = joined(law, Mapping { sound, digits: None });
        let said = noise(160 * 50);
        let heard = passed(&mut engine, number, 160, &said);
        // The very beginning is faded in.
        assert_eq!(&heard[320..], &said[160..said.len() - 160], "{number} is {law:?}");
        let (_, sent) = engine.packets().find(|(port, _)| *port == A).unwrap();
        assert_eq!(sent[1] & 0x7F, number);
    }
}

#[test]
fn keys_come_under_our_number_and_go_under_theirs() {
    let mut engine = joined(Codec::Alaw, Mapping { sound: None, digits: Some(101) });
    engine.apply(Command::SetDigitPayload(A, Some(96))).unwrap();
    for (n, (number, code)) in [(101, 5), (96, 7)].into_iter().enumerate() {
        let press = packet(number, n as u16, n as u32 * 4_000, &[code, 0x8A, 3, 32]);
        engine.handle_packet(A, 0, &press).unwrap();
    }
    engine.apply(Command::SendDigits(A, Digits::new("1").unwrap())).unwrap();
    engine.tick();
    let facts: Vec<Fact> = std::iter::from_fn(|| engine.poll_fact()).collect();
    let digits = facts.iter().filter_map(|fact| {
        let Fact::Digit { digit, .. } = fact else { return None };
        Some(*digit)
    });
    assert_eq!(digits.collect::<Vec<u8>>(), b"57");
    let (_, sent) = engine.packets().find(|(port, _)| *port == A).unwrap();
    assert_eq!(sent[1] & 0x7F, 96);
}

#[test]
fn packets_of_any_usual_length_pass_untouched() {
    for ms in [10, 20, 30, 40, 60, 100, 180] {
        let samples = ms * 8;
        let mut engine = joined(Codec::Alaw, Mapping::default());
        // A whole number of packets and of ticks.
        let said = noise(160 * 9 * 20);
        let mut heard = Vec::new();
        let mut given = 0;
        for tick in 0..said.len() / 160 {
            while given <= tick * 160 && given < said.len() {
                let piece = said.get(given..given + samples).unwrap();
                let bytes = packet(8, (given / samples) as u16, given as u32, piece);
                engine.handle_packet(A, tick as u64 * 20_000, &bytes).unwrap();
                given += samples;
            }
            engine.tick();
            let (_, sent) = engine.packets().find(|(port, _)| *port == B).unwrap();
            heard.extend_from_slice(&sent[12..]);
        }
        let stats = engine.stats(A).unwrap();
        assert_eq!((stats.refused, stats.lost_ms, stats.stretched_ms), (0, 0, 0), "{ms} ms");
        // After one packet in reserve all of it but the very beginning, which is faded in.
        let found = heard.windows(160).position(|heard| heard == &said[160..320]);
        let late = found.expect("it is heard") - 160;
        assert!(late <= 320, "{ms} ms: {late} samples late");
        if stats.squeezed_ms == 0 {
            assert_eq!(&heard[late + 160..], &said[160..said.len() - late], "{ms} ms");
        }
    }
}
