//! Our calls against libpri's, both sides of the interface: every direction and ending, over good
//! wires and bad; both ends' records must be the same.

use std::time::{Duration, Instant};

use peer::isdn::Side;
use signal::q931::dchannel::{
    CallId, ChannelState, ChannelWish, Counted, Output, Refused, Trouble,
};

use crate::span::Span;

/// Calls of one whole round.
const ROUND: usize = 200;

/// Numbers of every ending, the direction changing with each.
fn number(n: usize) -> String {
    format!("6258100{}", n / 2 % 8 + 1)
}

/// Places `count` calls from both ends by turns, at most `at_once` open, and waits for their ends.
fn round(span: &mut Span, count: usize, at_once: usize, pause_ms: u64) {
    for n in 0..count {
        span.until("a free place", |span| span.open() < at_once && span.up);
        let name = format!("138{n:05}");
        if n % 2 == 0 {
            span.place(&number(n), &name, ChannelWish::Any).unwrap();
        } else {
            span.peer_places(&number(n), &name, "");
        }
        span.run(pause_ms);
    }
    span.until("an end of every call", |span| span.is_quiet() && span.ours.len() == count);
}

fn every_ending(side: Side) {
    let mut span = Span::start(side, 1, |_| {});
    round(&mut span, ROUND, 20, 10);
    let kinds = span.agree();
    // Twelve or thirteen times each ending, and always cleared by whom its number says.
    for (cause, calls) in [(1, 12), (17, 13), (21, 12), (31, 12), (16, 51)] {
        assert_eq!((kinds[&(cause, true)], kinds[&(cause, false)]), (calls, calls), "{kinds:?}");
    }
    assert!(span.is_clean());
    // libpri complains of what crosses its DISCONNECT on the way; of nothing else.
    let crossed = |fact: &&Output| {
        matches!(fact, Output::Error(Trouble::Complaint { cause: 101, state: 11 | 12 | 19, .. }))
    };
    let errors = span.facts.iter().filter(|fact| matches!(fact, Output::Error(_)));
    let errors: Vec<&Output> = errors.filter(|fact| !crossed(fact)).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn isdn_calls_to_an_exchange_and_from_it_end_in_every_way() {
    every_ending(Side::Network);
}

#[test]
fn isdn_calls_to_a_pbx_and_from_it_end_in_every_way() {
    every_ending(Side::User);
}

fn every_ending_in_bad_weather(side: Side) {
    let mut span = Span::start(side, 5, |_| {});
    span.spoil(2);
    round(&mut span, ROUND, 8, 5);
    span.agree();
    assert!(span.is_clean());
    let counters = span.us.snapshot().link.counters;
    assert!(counters.retransmitted > 20 && counters.rej_out > 5, "{counters:?}");
    span.heal();
}

#[test]
fn isdn_calls_to_an_exchange_survive_lost_doubled_and_spoilt_frames() {
    every_ending_in_bad_weather(Side::Network);
}

#[test]
fn isdn_calls_to_a_pbx_survive_lost_doubled_and_spoilt_frames() {
    every_ending_in_bad_weather(Side::User);
}

/// Numbers digit by digit, in both directions.
fn digit_by_digit(side: Side) {
    let rule = "digits=8 alert=20 answer=60 hold=200";
    let mut span = Span::with_rules(side, 1, &[rule], |config| config.overlap = true);
    for n in 0..10 {
        let name = format!("139{n:05}");
        if n % 2 == 0 {
            let call = span.place_in_parts("625", &name, ChannelWish::Any, false).unwrap();
            for digit in ["8", "10", "01"] {
                span.run(20);
                span.act(|us, now| us.dial(now, call, digit, false));
            }
        } else {
            span.peer_places("625", &name, "then=81001");
        }
        span.run(50);
    }
    span.until("an end of every call", |span| span.is_quiet() && span.ours.len() == 10);
    let kinds = span.agree();
    assert_eq!(kinds.values().sum::<usize>(), 10);
    assert!(span.ours.values().all(|record| record.answered && record.cause == 16));
    let digits = span.facts.iter().filter(|fact| matches!(fact, Output::Digits { .. }));
    assert_eq!(digits.count(), 5 * 5);
    assert!(span.is_clean());
}

#[test]
fn isdn_numbers_go_to_an_exchange_and_come_from_it_digit_by_digit() {
    digit_by_digit(Side::Network);
}

#[test]
fn isdn_numbers_go_to_a_pbx_and_come_from_it_digit_by_digit() {
    digit_by_digit(Side::User);
}

/// Both ends take the same channel in the same instant, again and again.
fn glare(side: Side) {
    let mut span = Span::start(side, 1, |_| {});
    let exclusive = u8::from(side == Side::Network);
    for n in 0..12 {
        let slot = [3, 9, 27][n % 3];
        let more = format!("channel={slot} exclusive={exclusive}");
        span.peer_places("62581001", &format!("1391{n:04}"), &more);
        // Its SETUP is on the way, and not read, when ours goes out.
        span.peer_has_placed();
        let wish = ChannelWish::Preferred(slot);
        span.place("62581004", &format!("1390{n:04}"), wish).unwrap();
        span.until("both ends", |span| span.is_quiet() && span.ours.len() == 2 * (n + 1));
    }
    span.agree();
    assert!(span.ours.values().all(|record| record.answered));
    assert!(span.is_clean());
    assert_eq!(span.us.snapshot().counts.get(&Counted::Glare), Some(&12));
}

#[test]
fn isdn_calls_that_meet_an_exchanges_calls_on_one_channel() {
    glare(Side::Network);
}

#[test]
fn isdn_calls_that_meet_a_pbxs_calls_on_one_channel() {
    glare(Side::User);
}

/// Channels out of service at either end.
fn out_of_service(side: Side) {
    let mut span = Span::start(side, 1, |config| config.channels = vec![5, 6, 7]);
    // Theirs: an exclusive call is refused, any other gets another channel.
    for slot in (1..=31).filter(|slot| ![6, 16].contains(slot)) {
        span.peer.tell(&format!("block {slot}"));
    }
    span.place("62581001", "1", ChannelWish::Exclusive(5)).unwrap();
    span.until("its end", |span| span.is_quiet() && span.ours.len() == 1);
    let refused = &span.ours[&(true, "1".into())];
    assert_eq!((refused.cause, refused.cleared_here, refused.answered), (44, false, false));
    span.place("62581001", "2", ChannelWish::Any).unwrap();
    span.until("its end", |span| span.is_quiet() && span.ours.len() == 2);
    let moved = &span.ours[&(true, "2".into())];
    assert_eq!((moved.channel, moved.answered), (Some(6), true));
    // Ours: neither end gets it.
    span.peer.tell("unblock 5");
    span.peer.tell("unblock 7");
    span.act(|us, now| us.block(now, 7, true));
    assert_eq!(span.channel(7), ChannelState::Blocked { ours: true, theirs: false });
    span.peer_places("62581001", "3", "channel=7 exclusive=1");
    span.until("its end", |span| span.ended_there(3));
    let refused = &span.theirs[&(false, "3".into())];
    assert_eq!((refused.cause, refused.cleared_here), (44, false));
    assert_eq!(
        span.place("62581001", "4", ChannelWish::Exclusive(7)),
        Err(Refused::ChannelTaken(7))
    );
    span.act(|us, now| us.block(now, 7, false));
    span.peer_places("62581001", "5", "channel=7 exclusive=1");
    span.until("its end", |span| span.ours.contains_key(&(false, "5".into())));
    span.run(100);
    assert!(span.is_clean());
}

#[test]
fn isdn_channels_out_of_service_at_us_or_at_an_exchange() {
    out_of_service(Side::Network);
}

#[test]
fn isdn_channels_out_of_service_at_us_or_at_a_pbx() {
    out_of_service(Side::User);
}

/// RESTART in both directions, with a call on the channel.
fn restart(side: Side) {
    let mut span = Span::start(side, 1, |_| {});
    let talk = |span: &mut Span, name: &str| {
        span.peer.tell("rule ending=9 answer=0");
        span.place("62581009", name, ChannelWish::Exclusive(4)).unwrap();
        span.until("an answer", |span| span.talking() == 1);
    };
    talk(&mut span, "1");
    span.act(|us, now| us.restart(now, Some(4)));
    span.until("the end", |span| span.is_quiet() && span.channel(4) == ChannelState::Idle);
    talk(&mut span, "2");
    span.peer.tell("restart 4");
    span.until("the end", |span| span.is_quiet() && span.heard("restart-ack"));
    let kinds = span.agree();
    assert_eq!((kinds[&(41, true)], kinds[&(41, false)]), (1, 1));
    talk(&mut span, "3");
    span.act(|us, now| us.restart(now, None));
    span.until("the end", |span| span.is_quiet() && span.channel(31) == ChannelState::Idle);
    assert!(span.is_clean());
}

#[test]
fn isdn_channels_are_restarted_by_us_or_by_an_exchange() {
    restart(Side::Network);
}

#[test]
fn isdn_channels_are_restarted_by_us_or_by_a_pbx() {
    restart(Side::User);
}

#[test]
fn isdn_both_ends_hang_up_in_the_same_instant() {
    for side in [Side::Network, Side::User] {
        let mut span = Span::start(side, 1, |_| {});
        span.peer.tell("rule ending=9 answer=0");
        let call = span.place("62581009", "1", ChannelWish::Any).unwrap();
        span.until("an answer", |span| span.talking() == 1);
        // A command is obeyed before the frames behind it.
        span.peer.tell("hangup 1 17");
        span.act(|us, now| us.hang_up(now, call, call::Cause::CallRejected));
        span.until("the end", |span| span.is_quiet() && span.ours.len() == 1);
        let name = (true, "1".to_owned());
        let (ours, theirs) = (&span.ours[&name], &span.theirs[&name]);
        assert_eq!((ours.cause, ours.cleared_here), (21, true));
        assert_eq!((theirs.cause, theirs.cleared_here), (17, true));
        assert_eq!(ours.channel, theirs.channel);
        assert!(span.is_clean());
    }
}

#[test]
fn isdn_a_cut_in_mid_call_is_outlived_by_the_call() {
    for side in [Side::Network, Side::User] {
        let mut span = Span::start(side, 1, |config| config.link.n200 = 2);
        span.peer.tell("timer N200 2");
        span.peer.tell("rule ending=9 answer=0");
        let call = span.place("62581009", "1", ChannelWish::Any).unwrap();
        span.until("an answer", |span| span.talking() == 1);
        span.wire.cut(true);
        span.act(|us, now| us.enquire(now, call));
        span.until("a lost link", |span| !span.up);
        span.run(500);
        span.wire.cut(false);
        span.until("the link", |span| span.up);
        span.run(1_000);
        assert_eq!(span.talking(), 1);
        span.act(|us, now| us.hang_up(now, CallId(1), call::Cause::NormalClearing));
        span.until("the end", |span| span.is_quiet() && span.ours.len() == 1);
        span.agree();
        assert!(span.is_clean());
    }
}

#[test]
fn isdn_a_hundred_and_twenty_calls_at_once_over_four_spans() {
    let sides = [Side::Network, Side::User, Side::Network, Side::User];
    let mut spans: Vec<Span> =
        sides.iter().enumerate().map(|(n, side)| Span::start(*side, n as u64, |_| {})).collect();
    for span in &mut spans {
        span.peer.tell("rule ending=9 alert=10 answer=50");
    }
    for n in 0..15 {
        for span in &mut spans {
            span.place("62581009", &format!("1380{n:04}"), ChannelWish::Any).unwrap();
            // We answer, and nobody hangs up before it is told.
            span.peer.tell(&format!("call called=62581004 from=1390{n:04}"));
        }
        turn(&mut spans);
    }
    let until = Instant::now() + Duration::from_secs(60);
    while spans.iter().map(Span::talking).sum::<usize>() < 120 {
        assert!(
            Instant::now() < until,
            "{:?}",
            spans.iter().map(Span::talking).collect::<Vec<_>>()
        );
        turn(&mut spans);
    }
    for span in &mut spans {
        let full = span.place("1", "1", ChannelWish::Any);
        assert_eq!(full, Err(Refused::NoChannel));
        for call in span.us.snapshot().calls {
            span.act(|us, now| us.hang_up(now, call.call, call::Cause::NormalClearing));
        }
    }
    for span in &mut spans {
        span.until("the end", |span| span.is_quiet() && span.ours.len() == 30);
        assert_eq!(span.agree()[&(16, true)], 30);
        assert!(span.ours.values().all(|record| record.answered));
        assert!(span.is_clean());
    }
}

/// Every span has its turn: none waits for another.
fn turn(spans: &mut [Span]) {
    for span in spans {
        span.turn(Duration::from_millis(1));
    }
}

/// Seconds of 50 set-ups each; the whole minute with `LINEBOX_ISDN_SECONDS=60`.
fn seconds() -> u64 {
    std::env::var("LINEBOX_ISDN_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

#[test]
fn isdn_fifty_setups_a_second() {
    let calls = usize::try_from(seconds() * 50).unwrap();
    let mut spans = [Span::start(Side::Network, 1, |_| {}), Span::start(Side::User, 2, |_| {})];
    let begun = Instant::now();
    for n in 0..calls {
        // A machine that is too slow for it fills the channels; then it waits.
        while spans[n % 2].open() > 24 {
            turn(&mut spans);
        }
        // One span at a time has its turn to call; both directions, every ending.
        let span = &mut spans[n % 2];
        let name = format!("1{n:07}");
        if n / 2 % 2 == 0 {
            span.place(&number(n / 2), &name, ChannelWish::Any).unwrap();
        } else {
            span.peer_places(&number(n / 2), &name, "");
        }
        let next = begun + Duration::from_millis(20 * (n as u64 + 1));
        while Instant::now() < next {
            turn(&mut spans);
        }
    }
    for span in &mut spans {
        span.until("the end", |span| span.is_quiet() && span.ours.len() == calls / 2);
        span.agree();
        assert!(span.is_clean());
    }
}
