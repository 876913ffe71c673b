//! The sound thread on attached spans: what comes on a channel is heard, and what is said goes out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod exchange;

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::sleep;
use std::time::Duration;

use exchange::{Block, Boxed, Exchange, Phone};
use media::detect::{level_dbm0, power_at_hz};
use media::{Codec, Command, LoopVerdict, OpenPort, PortId, g711};
use switchd::seam::{SoundOrder, SoundReport};

const SILENCE: Block = [0xD5; 160];

/// Block *n* of a tone without end, -15 dBm0.
fn tone(hz: f64, n: u64) -> Block {
    let turn = std::f64::consts::TAU * hz / 8000.0;
    let sample = |i: usize| (8000.0 * (turn * (n as f64 * 160.0 + i as f64)).sin() / 2.0) as i16;
    let samples: [i16; 160] = std::array::from_fn(sample);
    let mut block = SILENCE;
    g711::encode(Codec::Alaw, &samples, &mut block);
    block
}

fn decoded(octets: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; octets.len()];
    g711::decode(Codec::Alaw, octets, &mut samples);
    samples
}

fn bearer(boxed: &mut Boxed, port: PortId, channel: (u8, u8)) {
    boxed.apply(Command::OpenPort(OpenPort::bearer(port, Codec::Alaw)));
    boxed.order(SoundOrder::Bearer { port, channel: Some(channel) });
}

#[test]
fn a_phone_and_a_channel_hear_each_other() {
    let mut boxed = Boxed::start(1, 4);
    let (line, phone_port) = (PortId(0), PortId(1));
    let exchange = Exchange::attach(
        &boxed,
        1,
        Box::new(|tick, _, slot, _| (slot == 7).then(|| tone(440.0, tick))),
    );
    boxed.await_report(|report| *report == SoundReport::Master { span: Some(0) });
    bearer(&mut boxed, line, (0, 7));
    boxed.apply(Command::OpenPort(OpenPort::new(phone_port, Codec::Alaw, 1)));
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, boxed.rtp_first + 2));
    let phone = Phone::start(to, |n| tone(1000.0, u64::from(n)));
    boxed.order(SoundOrder::Remote { port: phone_port, address: Some(phone.address) });
    boxed.join(line, phone_port);
    sleep(Duration::from_secs(3));
    let packets = phone.stop();
    let heard = exchange.stop();
    boxed.stop();
    let by_phone: Vec<u8> = packets.iter().skip(50).flat_map(|p| p[12..].to_vec()).collect();
    let by_phone = decoded(&by_phone);
    // Tenths of a second, so that a stumble of the machine spoils one and not the whole.
    let pure = |samples: &[i16], hz: f64| {
        let parts = samples.chunks_exact(800);
        let good = parts.clone().filter(|part| power_at_hz(part, hz) > 0.95).count();
        (good, parts.len())
    };
    let (good, all) = pure(&by_phone, 440.0);
    assert!(all >= 10 && good * 10 >= all * 8, "{good} of {all} by the phone");
    assert!((level_dbm0(&by_phone) + 15).abs() <= 1);
    let by_line = heard.blocks[0][7].iter().skip(50).flatten().copied().collect::<Vec<u8>>();
    let (good, all) = pure(&decoded(&by_line), 1000.0);
    assert!(all >= 10 && good * 10 >= all * 8, "{good} of {all} on the line");
    // The exchange hears only the slot that is in use.
    let used = heard.blocks[0].iter().filter(|blocks| !blocks.is_empty()).count();
    assert_eq!(used, 1);
}

/// Block *n* of a slot: octets that name it.
fn numbered(n: u64, span: usize, slot: u8) -> Block {
    let mut block = [slot ^ (span as u8) << 5; 160];
    block[..8].copy_from_slice(&n.to_be_bytes());
    block[8] = span as u8;
    block[9] = slot;
    block
}

#[test]
fn a_hundred_and_twenty_channels_in_sixty_calls_miss_nothing_while_the_exchange_keeps_pace() {
    let mut boxed = Boxed::start(4, 120);
    let exchange = Exchange::attach(
        &boxed,
        4,
        Box::new(|tick, span, slot, _| Some(numbered(tick, span, slot))),
    );
    boxed.await_report(|report| *report == SoundReport::Master { span: Some(0) });
    let slots = || (1..32u8).filter(|slot| *slot != 16);
    let channels: Vec<(u8, u8)> =
        (0..4).flat_map(|span| slots().map(move |slot| (span, slot))).collect();
    for (n, channel) in channels.iter().enumerate() {
        bearer(&mut boxed, PortId(n as u16), *channel);
    }
    // Calls across the spans: a channel of the first half with one of the second.
    for n in 0..60 {
        boxed.join(PortId(n), PortId(n + 60));
    }
    // A machine that is full of other work stops the exchange now and then; it has to keep pace
    // for one window of two seconds.
    let mut windows = Vec::new();
    for _ in 0..10 {
        let before =
            (boxed.listen().len(), exchange.ticks.load(std::sync::atomic::Ordering::Relaxed));
        sleep(Duration::from_secs(2));
        let after = exchange.ticks.load(std::sync::atomic::Ordering::Relaxed);
        let told = boxed.listen()[before.0..].to_vec();
        let missed = told.iter().any(|report| matches!(report, SoundReport::Span { .. }));
        windows.push((before.1, after, told));
        if !missed {
            break;
        }
    }
    let (from, to, told) = windows.last().unwrap().clone();
    assert!(
        !told.iter().any(|report| matches!(report, SoundReport::Span { .. })),
        "in every window something was missed: {windows:?}"
    );
    let heard = exchange.stop();
    boxed.stop();
    // What a channel heard is what its partner said, block after block and octet by octet.
    for (n, (span, slot)) in channels.iter().enumerate() {
        let (far_span, far_slot) = channels[(n + 60) % 120];
        let blocks = &heard.blocks[usize::from(*span)][usize::from(*slot)];
        let inside = |block: &&Block| {
            let number = u64::from_be_bytes(block[..8].try_into().unwrap());
            block[8..10] == [far_span, far_slot] && (from + 5..to - 5).contains(&number)
        };
        let whole = (from + 5..to - 5).map(|n| numbered(n, usize::from(far_span), far_slot));
        let got: Vec<Block> = blocks.iter().filter(inside).copied().collect();
        assert!(got == whole.collect::<Vec<Block>>(), "span {span} slot {slot}: {}", got.len());
    }
}

#[test]
fn the_timer_takes_over_when_the_span_stops_and_gives_back_when_it_beats_again() {
    let mut boxed = Boxed::start(1, 4);
    let phone_port = PortId(1);
    boxed.apply(Command::OpenPort(OpenPort::new(phone_port, Codec::Alaw, 1)));
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, boxed.rtp_first + 2));
    let phone = Phone::start(to, |_| SILENCE);
    boxed.order(SoundOrder::Remote { port: phone_port, address: Some(phone.address) });
    let exchange = Exchange::attach(&boxed, 1, Box::new(|_, _, _, _| None));
    let masters = |reports: &[SoundReport]| {
        let master = |report: &SoundReport| match report {
            SoundReport::Master { span } => Some(*span),
            SoundReport::Fact { .. }
            | SoundReport::Refused(_)
            | SoundReport::Lateness { .. }
            | SoundReport::Span { .. }
            | SoundReport::LoopTest { .. } => None,
        };
        reports.iter().filter_map(master).collect::<Vec<Option<u8>>>()
    };
    boxed.await_report(|report| *report == SoundReport::Master { span: Some(0) });
    bearer(&mut boxed, PortId(0), (0, 1));
    exchange.pause(true);
    boxed.await_report(|report| *report == SoundReport::Master { span: None });
    let ticks = boxed.pulse.ticks();
    sleep(Duration::from_secs(1));
    assert!(boxed.pulse.ticks() > ticks + 25, "the timer does not beat");
    let before = masters(boxed.listen()).len();
    exchange.pause(false);
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while masters(boxed.listen()).len() == before {
        assert!(std::time::Instant::now() < until, "the span is not master again");
        sleep(Duration::from_millis(10));
    }
    assert_eq!(masters(boxed.listen()).last(), Some(&Some(0)));
    exchange.stop();
    let packets = phone.stop();
    boxed.stop();
    // The phone was sent every packet in turn all the while.
    let sequence = |packet: &[u8]| u16::from_be_bytes([packet[2], packet[3]]);
    assert!(packets.len() > 50, "{} packets", packets.len());
    for pair in packets.windows(2) {
        assert_eq!(sequence(&pair[1]), sequence(&pair[0]).wrapping_add(1));
    }
}

#[test]
fn a_loop_on_an_idle_channel_is_found_and_a_channel_in_use_is_left_alone() {
    let mut boxed = Boxed::start(1, 2);
    let exchange = Exchange::attach(
        &boxed,
        1,
        Box::new(|_, _, slot, last| Some(if slot == 5 { *last } else { SILENCE })),
    );
    let test = |boxed: &mut Boxed, span, slot| {
        boxed.order(SoundOrder::LoopTest { span, slot });
        let answer = boxed.await_report(
            |r| matches!(r, SoundReport::LoopTest { span: s, slot: t, .. } if (*s, *t) == (span, slot)),
        );
        let SoundReport::LoopTest { verdict, .. } = answer else { unreachable!() };
        boxed.reports.clear();
        verdict
    };
    assert_eq!(test(&mut boxed, 1, 5), None, "there is no such span");
    boxed.await_report(|report| *report == SoundReport::Master { span: Some(0) });
    // A machine that stumbles while the pattern is under way tears it: then once more.
    let closed = (0..5).find_map(|_| match test(&mut boxed, 0, 5) {
        Some(LoopVerdict::Closed { delay_ms, level_dbm0: -12, errors_per_mille: 0 }) => {
            Some(delay_ms)
        }
        Some(LoopVerdict::Closed { .. } | LoopVerdict::Open { .. }) | None => None,
    });
    assert!(closed.is_some_and(|delay_ms| (20..=100).contains(&delay_ms)), "{closed:?}");
    assert!(matches!(test(&mut boxed, 0, 6), Some(LoopVerdict::Open { .. })));
    bearer(&mut boxed, PortId(0), (0, 5));
    assert_eq!(test(&mut boxed, 0, 5), None, "the channel carries a call");
    boxed.apply(Command::ClosePort(PortId(0)));
    assert!(test(&mut boxed, 0, 5).is_some(), "a closed port gives its channel back");
    exchange.stop();
    boxed.stop();
}
