//! The engine as its shell sees it: phones at the far ends, sound measured where it is heard.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod phone;

use media::{
    Barge, Channel, Codec, Command, DigitPath, Digits, Ear, Fact, Gain, Listening, OpenPort,
    PacketRefusal, Play, PlayEnd, PlayerId, PortId, PromptId, RecorderId, Refusal, Repeat, Source,
    Tone,
};
use phone::{A, B, C, Switchbox};
use proptest::prelude::*;

const TAPE: RecorderId = RecorderId(0);
const MUSIC: PlayerId = PlayerId(0);

#[test]
fn pitch_and_level_survive_both_laws_and_a_change_between_them() {
    let laws = [Codec::Alaw, Codec::Ulaw];
    for (a, b) in laws.iter().flat_map(|&a| laws.map(|b| (a, b))) {
        let mut x = Switchbox::new();
        x.open_as(A, a);
        x.open_as(B, b);
        x.join(A, B);
        x.phone(A).say_tone(440, -15);
        x.phone(B).say_tone(1000, -20);
        x.run(100);
        let heard = x.phone(B).heard_after(40);
        assert!(phone::purity(heard, 440.0) > 0.99, "{a:?} to {b:?}");
        assert!((phone::level(heard) + 15).abs() <= 1, "{a:?} to {b:?}");
        let heard = x.phone(A).heard_after(40);
        assert!(phone::purity(heard, 1000.0) > 0.99, "{b:?} to {a:?}");
        assert!((phone::level(heard) + 20).abs() <= 1, "{b:?} to {a:?}");
    }
}

#[test]
fn bytes_of_one_law_pass_untouched_through_a_joined_call() {
    let mut x = Switchbox::new();
    x.open(A);
    x.open(B);
    x.join(A, B);
    x.phone(A).say_noise(7);
    x.run(60);
    let said = x.phone(A).said_bytes().to_vec();
    let heard = x.phone(B).heard_bytes();
    assert_eq!(&heard[20 * 160..], &said[19 * 160..59 * 160]);
}

#[test]
fn a_row_said_before_a_tick_is_heard_in_that_tick() {
    let mut x = Switchbox::new();
    x.open(A);
    x.open(B);
    x.phone(A).say_tone(440, -15);
    x.run(50);
    assert_eq!(phone::level(x.phone(B).heard_after(0)), -66, "digital silence of A-law");
    x.apply(Command::Hear(Ear::Port(B), Source::Port(A), Gain::UNITY));
    x.run(1);
    assert!(phone::level(x.phone(B).heard_after(50)) > -16);
    x.apply(Command::Unhear(Ear::Port(B), Source::Port(A)));
    x.run(1);
    assert_eq!(phone::level(x.phone(B).heard_after(51)), -66);
}

#[test]
fn three_in_a_conference_hear_each_other_and_not_themselves() {
    let mut x = Switchbox::new();
    for (port, hz) in [(A, 400), (B, 700), (C, 1100)] {
        x.open(port);
        x.phone(port).say_tone(hz, -20);
    }
    x.join(A, B);
    x.join(A, C);
    x.join(B, C);
    x.run(100);
    let heard = x.phone(A).heard_after(40);
    assert!(phone::purity(heard, 700.0) > 0.45 && phone::purity(heard, 1100.0) > 0.45);
    assert!(phone::purity(heard, 400.0) < 0.01);
}

#[test]
fn a_whisper_is_heard_by_the_agent_only_and_at_its_gain() {
    let mut x = Switchbox::new();
    for port in [A, B, C] {
        x.open(port);
    }
    x.join(A, B);
    x.apply(Command::Hear(Ear::Port(B), Source::Port(C), Gain::from_db(-6.0)));
    x.phone(C).say_tone(1100, -14);
    x.run(100);
    assert!((phone::level(x.phone(B).heard_after(40)) + 20).abs() <= 1);
    assert!(phone::level(x.phone(A).heard_after(40)) <= -55, "the customer hears the whisper");
}

#[test]
fn a_recording_has_the_customer_left_and_the_agent_right() {
    let mut x = Switchbox::new();
    x.open(A);
    x.open_as(B, Codec::Ulaw);
    x.join(A, B);
    x.apply(Command::StartRecorder(TAPE));
    let channels = [(Channel::Left, A), (Channel::Right, B)];
    for (channel, port) in channels {
        x.apply(Command::Hear(Ear::Recorder(TAPE, channel), Source::Port(port), Gain::UNITY));
    }
    x.phone(A).say_tone(440, -15);
    x.phone(B).say_tone(1000, -20);
    x.run(100);
    let (left, right) = x.recorded();
    assert_eq!(left.len(), 100 * 160);
    assert!(phone::purity(&left[6400..], 440.0) > 0.99);
    assert!(phone::purity(&right[6400..], 1000.0) > 0.99);
    x.apply(Command::StopRecorder(TAPE));
    x.run(10);
    assert_eq!(x.recorded().0.len(), 100 * 160, "a stopped recorder writes nothing");
    assert!(x.facts.iter().all(|f| !matches!(f, Fact::RecorderOverrun { .. })));
}

#[test]
fn one_packet_in_twenty_lost_is_heard_without_clicks_and_counted() {
    let mut x = Switchbox::new();
    x.open(A);
    x.open(B);
    x.join(A, B);
    x.phone(A).say_tone(300, -12);
    x.phone(A).lose_every(20);
    x.run(510);
    let heard = x.phone(B).heard_after(40).to_vec();
    // 300 Hz at -12 dBm0: peak 5734, at most 1350 from sample to sample
    let step = heard.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap();
    assert!(step < 2700, "a click of {step}");
    assert!(phone::level(&heard) >= -13, "the sound has holes");
    assert!(phone::purity(&heard[..1600], 300.0) > 0.85);
    let stats = x.engine.stats(A).unwrap();
    assert_eq!((stats.lost_ms, stats.stretched_ms, stats.late), (500, 0, 0));
}

#[test]
fn a_pressed_key_is_told_once_and_reaches_nobody_as_sound() {
    let mut x = Switchbox::new();
    x.open(A);
    x.run(10);
    x.phone(A).press_events(b"159#");
    x.run(60);
    assert_eq!(x.digits(A, DigitPath::Event), b"159#");
    assert_eq!(x.digits(A, DigitPath::InBand), b"");
}

#[test]
fn a_key_pressed_in_mid_sound_is_no_loss_and_adds_no_delay() {
    let mut x = Switchbox::new();
    x.open(A);
    x.phone(A).say_tone(440, -15);
    x.run(50);
    x.phone(A).press_events(b"7");
    x.run(50);
    assert_eq!(x.digits(A, DigitPath::Event), b"7");
    let stats = x.engine.stats(A).unwrap();
    assert_eq!((stats.lost_ms, stats.stretched_ms, stats.depth_ms), (0, 0, 20));
}

#[test]
fn keys_in_the_sound_are_found_where_a_detector_listens() {
    let mut x = Switchbox::new();
    x.engine
        .apply(Command::OpenPort(OpenPort {
            digit_payload: None,
            listening: Listening::VoiceAndDigits,
            ..OpenPort::new(A, Codec::Ulaw, 5)
        }))
        .unwrap();
    x.phone(A).law = Codec::Ulaw;
    x.phone(A).press_tones("2580*");
    x.run(80);
    assert_eq!(x.digits(A, DigitPath::InBand), b"2580*");
}

#[test]
fn digits_we_send_are_understood_by_another_port_as_events_and_as_sound() {
    for payload in [Some(101), None] {
        let mut x = Switchbox::new();
        for port in [A, B] {
            x.engine
                .apply(Command::OpenPort(OpenPort {
                    digit_payload: payload,
                    listening: Listening::VoiceAndDigits,
                    ..OpenPort::new(port, Codec::Alaw, u32::from(port.0) + 1)
                }))
                .unwrap();
        }
        x.wire(A, B);
        x.apply(Command::SendDigits(A, Digits::new("0123456789*#").unwrap()));
        x.run(150);
        let by = if payload.is_some() { DigitPath::Event } else { DigitPath::InBand };
        assert_eq!(x.digits(B, by), b"0123456789*#");
        assert!(x.facts.contains(&Fact::DigitsSent { port: A }));
    }
}

#[test]
fn a_prompt_is_played_and_a_key_ends_it() {
    let mut x = Switchbox::new();
    x.open(A);
    let sound: &'static [i16] = phone::sine(600, -15, 3 * 8000).leak();
    x.apply(Command::SetPrompt(PromptId(4), sound));
    x.apply(Command::Hear(Ear::Port(A), Source::Player(MUSIC), Gain::UNITY));
    let play = Play { barge: Barge::Digit(A), ..Play::once(MUSIC, PromptId(4)) };
    x.apply(Command::Play(play));
    x.run(50);
    assert!(phone::purity(x.phone(A).heard_after(0), 600.0) > 0.99);
    x.phone(A).press_events(b"1");
    x.run(10);
    assert!(x.facts.contains(&Fact::PlayEnded { player: MUSIC, why: PlayEnd::Digit(b'1') }));
    assert_eq!(phone::level(x.phone(A).heard_after(51)), -66);
    x.apply(Command::Play(play));
    x.run(160);
    assert!(x.facts.contains(&Fact::PlayEnded { player: MUSIC, why: PlayEnd::Finished }));
}

#[test]
fn music_is_heard_by_all_who_hold() {
    let mut x = Switchbox::new();
    x.apply(Command::SetPrompt(PromptId(0), phone::sine(500, -20, 1600).leak()));
    let forever = Repeat::Forever;
    x.apply(Command::Play(Play { repeat: forever, ..Play::once(MUSIC, PromptId(0)) }));
    for port in [A, B, C] {
        x.open(port);
        x.apply(Command::Hear(Ear::Port(port), Source::Player(MUSIC), Gain::UNITY));
    }
    x.run(100);
    for port in [A, B, C] {
        assert!(phone::purity(x.phone(port).heard_after(0), 500.0) > 0.99);
    }
    x.apply(Command::Stop(MUSIC));
    x.run(5);
    assert_eq!(phone::level(x.phone(A).heard_after(101)), -66);
}

#[test]
fn a_seat_hears_the_beep() {
    let mut x = Switchbox::new();
    x.open(A);
    x.apply(Command::Hear(Ear::Port(A), Source::Player(MUSIC), Gain::UNITY));
    x.apply(Command::PlayTone(MUSIC, Tone::Beep, Barge::None));
    x.run(20);
    assert!(phone::purity(&x.phone(A).heard_after(0)[..1600], 1000.0) > 0.99);
    assert_eq!(phone::level(x.phone(A).heard_after(11)), -66);
}

#[test]
fn a_silent_far_end_is_told_once_and_its_return_too() {
    let mut x = Switchbox::new();
    x.open(A);
    x.apply(Command::SetMediaTimeout(A, 1000));
    x.phone(A).say_tone(440, -15);
    x.run(100);
    assert!(x.facts.contains(&Fact::MediaStarted { port: A, codec: Codec::Alaw }));
    x.phone(A).mute();
    x.run(200);
    let timeouts: Vec<_> =
        x.facts.iter().filter(|f| matches!(f, Fact::MediaTimeout { .. })).collect();
    assert_eq!(timeouts, [&Fact::MediaTimeout { port: A, silent_ms: 1000 }]);
    x.phone(A).say_tone(440, -15);
    x.run(5);
    assert!(x.facts.contains(&Fact::MediaResumed { port: A }));
}

#[test]
fn a_voice_is_told_where_a_detector_listens() {
    let mut x = Switchbox::new();
    x.open(A);
    x.apply(Command::SetDetector(A, Listening::Voice));
    x.run(20);
    x.phone(A).say_tone(300, -20);
    x.run(50);
    x.phone(A).mute();
    x.run(100);
    let told: Vec<_> = x
        .facts
        .iter()
        .filter(|f| matches!(f, Fact::SoundStarted { .. } | Fact::SoundEnded { .. }))
        .collect();
    assert!(
        matches!(
            told[..],
            [Fact::SoundStarted { level_dbm0: -22..=-18, .. }, Fact::SoundEnded { lasted_ms, .. }]
                if (950..=1200).contains(lasted_ms)
        ),
        "{told:?}"
    );
}

#[test]
fn a_far_end_that_restarts_is_followed_and_a_stranger_is_not() {
    let mut x = Switchbox::new();
    x.open(A);
    x.open(B);
    x.join(A, B);
    x.phone(A).say_tone(440, -15);
    x.run(50);
    let stray = phone::packet(0xBAD, 9, 9, 8, &[0x2A; 160]);
    assert_eq!(x.engine.handle_packet(A, 0, &stray), Err(PacketRefusal::Source(0xBAD)));
    x.phone(A).restart(0x77);
    x.phone(A).say_tone(900, -15);
    x.run(50);
    assert!(x.facts.contains(&Fact::SourceChanged { port: A, ssrc: 0x77 }));
    assert!(phone::purity(x.phone(B).heard_after(60), 900.0) > 0.99);
    assert_eq!(x.engine.stats(A).unwrap().refused, 2, "the stranger and the probation");
}

#[test]
fn a_closed_port_is_forgotten_by_every_ear() {
    let mut x = Switchbox::new();
    x.open(A);
    x.open(B);
    x.join(A, B);
    x.apply(Command::ClosePort(A));
    x.apply(Command::ClosePort(A));
    x.open(A);
    x.phone(A).say_tone(440, -15);
    x.run(50);
    assert_eq!(phone::level(x.phone(B).heard_after(0)), -66, "a stranger is heard");
    let closed = x.facts.iter().filter(|f| matches!(f, Fact::PortClosed { .. })).count();
    assert_eq!(closed, 1);
}

#[test]
fn what_is_not_there_is_refused_and_changes_nothing() {
    let mut x = Switchbox::new();
    let hear = |a, b| Command::Hear(Ear::Port(a), Source::Port(b), Gain::UNITY);
    x.open(A);
    assert_eq!(x.engine.apply(hear(A, B)), Err(Refusal::PortClosed(B)));
    assert_eq!(x.engine.apply(hear(B, A)), Err(Refusal::PortClosed(B)));
    let far = PortId(9999);
    assert_eq!(x.engine.apply(hear(A, far)), Err(Refusal::NoPort(far)));
    assert_eq!(x.engine.apply(Command::ClosePort(far)), Err(Refusal::NoPort(far)));
    let play = Play::once(MUSIC, PromptId(3));
    assert_eq!(x.engine.apply(Command::Play(play)), Err(Refusal::NoPrompt(PromptId(3))));
    let tape = RecorderId(700);
    let start = Command::StartRecorder(tape);
    assert_eq!(x.engine.apply(start), Err(Refusal::NoRecorder(tape)));
    let digits = Digits::new("12345678901234567890").unwrap();
    x.apply(Command::SendDigits(A, digits));
    assert_eq!(x.engine.apply(Command::SendDigits(A, digits)), Err(Refusal::DigitsFull(A)));
    assert_eq!(x.engine.handle_packet(B, 0, &[0; 172]), Err(PacketRefusal::PortClosed));
    assert_eq!(x.engine.handle_packet(far, 0, &[0; 172]), Err(PacketRefusal::PortClosed));
}

#[test]
fn wrong_packets_are_refused_by_name_and_counted() {
    let mut x = Switchbox::new();
    x.open(A);
    let sound = |pt, n: usize| phone::packet(1, 1, 1, pt, &vec![0xD5; n]);
    let mut refused = |bytes: &[u8]| x.engine.handle_packet(A, 0, bytes).unwrap_err();
    assert_eq!(refused(b"OPTIONS sip:x SIP/2.0"), PacketRefusal::NotRtp);
    assert_eq!(refused(&sound(96, 160)), PacketRefusal::PayloadType(96));
    assert_eq!(refused(&sound(8, media::limits::PAYLOAD_SAMPLES + 1)), PacketRefusal::TooLong);
    assert_eq!(refused(&sound(8, 3000)), PacketRefusal::TooLong);
    assert_eq!(refused(&sound(101, 3)), PacketRefusal::NotRtp);
    assert!(x.engine.handle_packet(A, 0, &sound(8, 160)).unwrap().new_source);
    assert_eq!(x.engine.handle_packet(A, 0, &sound(8, 160)), Err(PacketRefusal::Duplicate));
    let stats = x.engine.stats(A).unwrap();
    assert_eq!((stats.refused, stats.duplicate, stats.received), (5, 1, 1));
}

#[test]
fn a_port_that_may_not_send_does_not_and_marks_its_return() {
    let mut x = Switchbox::new();
    x.open(A);
    x.run(3);
    x.apply(Command::SetSending(A, false));
    x.run(5);
    assert_eq!(x.phone(A).packets.len(), 3);
    x.apply(Command::SetSending(A, true));
    x.run(2);
    let packets = &x.phone(A).packets;
    let marks: Vec<bool> = packets.iter().map(|p| p[1] & 0x80 != 0).collect();
    assert_eq!(marks, [true, false, false, true, false]);
    let timestamp = |p: &[u8]| u32::from_be_bytes([p[4], p[5], p[6], p[7]]);
    let gap = timestamp(&packets[3]).wrapping_sub(timestamp(&packets[2]));
    assert_eq!(gap, 6 * 160, "time goes on while nothing is sent");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is commanded and whatever comes, the engine goes on, and every packet it sends is
    /// a whole RTP packet.
    #[test]
    fn a_storm_of_packets_and_commands_is_survived(
        storm in proptest::collection::vec(
            (0u16..5, any::<[u8; 16]>(), 0usize..200, 0u8..24), 1..300)
    ) {
        let mut x = Switchbox::new();
        x.apply(Command::SetPrompt(PromptId(0), &[100; 300]));
        for (port, head, len, what) in storm {
            let (port, other) = (PortId(port), PortId(u16::from(head[15] % 5)));
            let (ear, source) = (Ear::Port(port), Source::Port(other));
            let command = match what {
                0 | 1 => Command::OpenPort(OpenPort {
                    listening: Listening::VoiceAndDigits,
                    ..OpenPort::new(port, Codec::Alaw, 7)
                }),
                2 => Command::ClosePort(port),
                3..=5 => Command::Hear(ear, source, Gain::from_db(f32::from(head[14]) / 9.0 - 9.0)),
                6 => Command::Unhear(ear, source),
                7 => Command::SendDigits(port, Digits::new("1#").unwrap()),
                8 => Command::Play(Play {
                    append: head[13] > 99,
                    barge: Barge::Digit(port),
                    ..Play::once(PlayerId(u16::from(head[12] % 4)), PromptId(0))
                }),
                9 => Command::Hear(ear, Source::Player(PlayerId(u16::from(head[12] % 4))), Gain::UNITY),
                10 => Command::StartRecorder(RecorderId(port.0)),
                11 => Command::Hear(Ear::Recorder(RecorderId(port.0), Channel::Left), source, Gain::UNITY),
                12 => Command::StopRecorder(RecorderId(port.0)),
                13 => Command::SetSending(port, head[12] > 99),
                14 => Command::SetDetector(port, Listening::Voice),
                _ => Command::Report(port),
            };
            let _ = x.engine.apply(command);
            let mut bytes = head[..12].to_vec();
            bytes[0] = if what < 20 { 0x80 } else { bytes[0] };
            bytes[1] = if what < 18 { [0, 8, 101][usize::from(head[1] % 3)] } else { bytes[1] };
            if what < 16 {
                bytes[2] = 0;
                bytes[4..].copy_from_slice(&[0, 0, head[6] % 16, head[7], 0, 0, 0, head[8] % 2]);
            }
            bytes.extend(std::iter::repeat_n(head[9], len));
            let _ = x.engine.handle_packet(port, 0, &bytes);
            if what % 2 == 0 {
                x.engine.tick();
                for (_, packet) in x.engine.packets() {
                    prop_assert!(packet.len() == 172 || packet.len() == 16);
                    prop_assert_eq!(packet[0], 0x80);
                }
                while x.engine.poll_block().is_some() {}
                while x.engine.poll_fact().is_some() {}
            }
        }
    }
}
