//! The data link against libpri's: both sides, good wires and bad, cut and mended.

use std::time::{Duration, Instant};

use peer::isdn::{Faults, Line, Options, Peer, Side};
use signal::q921::{By, Code, Output, Request, Role, Settings, State, Why};

/// For what takes milliseconds on an idle machine.
const SOON: Duration = Duration::from_secs(10);

/// A line with a link that is up, whoever began.
fn up(side: Side, settings: Settings) -> (Peer, Line) {
    let (peer, wire) = Peer::start(&Options::new(side));
    let role = if side == Side::Network { Role::User } else { Role::Network };
    let mut line = Line::new(role, settings, wire);
    line.request(Request::Establish);
    line.wait("the link", SOON, |fact| matches!(fact, Output::Established(_)));
    (peer, line)
}

/// Lets the line run until the peer tells this.
fn run_until(line: &mut Line, peer: &mut Peer, event: &str, patience: Duration) {
    let until = Instant::now() + patience;
    while peer.take(event).is_none() {
        assert!(Instant::now() < until, "no {event}: {:?}", line.snapshot());
        line.turn(Duration::from_millis(20));
    }
}

fn run_for(line: &mut Line, time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        line.turn(Duration::from_millis(20));
    }
}

/// STATUS ENQUIRY for a call that does not exist. libpri answers RELEASE COMPLETE with cause 81 to
/// the same reference, so that each message of ours brings exactly one that tells which it answers.
fn enquiry(call: u16) -> Vec<u8> {
    let [high, low] = call.to_be_bytes();
    vec![0x08, 0x02, high & 0x7F, low, 0x75]
}

/// The call reference that a message answers, without its flag.
fn answered(message: &[u8]) -> u16 {
    assert_eq!(message[..2], [0x08, 0x02], "{message:02x?}");
    u16::from_be_bytes([message[2] & 0x7F, message[3]])
}

/// Sends as many enquiries with a pause between, and returns the references answered, in order.
fn converse(line: &mut Line, count: u16, pause: Duration) -> Vec<u16> {
    let mut heard = Vec::new();
    for call in 1..=count {
        while line.snapshot().queued > 50 {
            line.turn(Duration::from_millis(20));
        }
        line.request(Request::Data(enquiry(call)));
        let until = Instant::now() + pause;
        while Instant::now() < until {
            line.turn(until.saturating_duration_since(Instant::now()));
        }
    }
    while let Some(fact) = line.next(SOON) {
        match fact {
            Output::Data(message) => heard.push(answered(&message)),
            Output::Error(_) => {}
            Output::Send(_)
            | Output::Established(_)
            | Output::Released(_)
            | Output::UnitData(_)
            | Output::QueueFull
            | Output::NoLink
            | Output::TooLong => panic!("{fact:?}: {}", line.wire.story()),
        }
        if heard.last() == Some(&count) {
            break;
        }
    }
    heard
}

#[test]
fn isdn_link_comes_up_as_user_and_as_network_and_carries_messages() {
    for side in [Side::Network, Side::User] {
        let (mut peer, mut line) = up(side, Settings::default());
        run_until(&mut line, &mut peer, "up", SOON);
        let heard = converse(&mut line, 300, Duration::ZERO);
        assert!(heard.iter().copied().eq(1..=300), "{heard:?}");
        let seen = line.snapshot();
        assert_eq!(seen.state, State::MultipleFrameEstablished);
        assert_eq!((seen.counters.retransmitted, seen.counters.bad), (0, 0));
        // Everything given is acknowledged at the end.
        run_for(&mut line, Duration::from_millis(200));
        assert_eq!(line.snapshot().queued, 0);
        let end = peer.quit();
        assert_eq!((end.number("up"), end.number("bad_fcs")), (1, 0));
    }
}

#[test]
fn isdn_link_without_check_sequence_is_the_same() {
    let options = Options { fcs: false, ..Options::new(Side::Network) };
    let (peer, wire) = Peer::start(&options);
    let mut line = Line::new(Role::User, Settings::default(), wire);
    line.request(Request::Establish);
    line.wait("the link", SOON, |fact| matches!(fact, Output::Established(_)));
    let heard = converse(&mut line, 20, Duration::ZERO);
    assert!(heard.iter().copied().eq(1..=20), "{heard:?}");
    drop(peer);
}

#[test]
fn isdn_link_loses_nothing_while_frames_are_lost_spoilt_and_doubled() {
    for (side, seed) in [(Side::Network, 31), (Side::User, 32)] {
        // Patient enough that no enquiry goes unanswered to the end, whatever the dice say.
        let patient = Settings { t200_ms: 300, n200: 12, ..Settings::default() };
        let (mut peer, mut line) = up(side, patient);
        run_until(&mut line, &mut peer, "up", SOON);
        peer.tell("timer T200 300");
        peer.tell("timer N200 12");
        peer.tell("faults drop=4 corrupt=3 double=4");
        line.wire.spoil(Faults { drop: 4, corrupt: 3, double: 4 }, seed);
        let heard = converse(&mut line, 400, Duration::from_millis(10));
        assert!(heard.iter().copied().eq(1..=400), "{heard:?} {:?}", line.snapshot());
        let counters = line.snapshot().counters;
        assert!(counters.rej_in + counters.rej_out > 0, "{counters:?}");
        assert!(counters.retransmitted > 0, "{counters:?}");
        assert!(line.wire.bad_fcs > 0);
        let end = peer.quit();
        for fault in ["dropped", "corrupted", "doubled", "bad_fcs"] {
            assert!(end.number(fault) > 0, "{fault}: {}", end.fields);
        }
    }
}

#[test]
fn isdn_link_that_is_cut_is_given_up_and_comes_back_with_the_wire() {
    let quick = Settings { t200_ms: 300, t203_ms: 1_000, ..Settings::default() };
    for side in [Side::Network, Side::User] {
        let (mut peer, mut line) = up(side, quick);
        run_until(&mut line, &mut peer, "up", SOON);
        for timer in ["T200 300", "T203 1000"] {
            peer.tell(&format!("timer {timer}"));
        }
        line.wire.cut(true);
        peer.tell("cut");
        let lost = line.wait("the end", SOON, |fact| matches!(fact, Output::Released(_)));
        assert_eq!(lost, Output::Released(Why::NoAnswer));
        let errors = line.snapshot().counters.errors;
        assert_eq!((errors.of(Code::I), errors.of(Code::G)), (1, 1));
        run_until(&mut line, &mut peer, "down", Duration::from_secs(30));
        // Layer 3 asks again and again, as it must.
        line.wire.cut(false);
        peer.tell("mend");
        let until = Instant::now() + Duration::from_secs(30);
        while line.snapshot().state != State::MultipleFrameEstablished {
            assert!(Instant::now() < until, "{:?}", line.snapshot());
            if line.snapshot().state == State::TeiAssigned {
                line.request(Request::Establish);
            }
            line.turn(Duration::from_millis(50));
        }
        run_until(&mut line, &mut peer, "up", SOON);
        // What was told before the link came back is of no interest to the conversation.
        while line.next(Duration::from_millis(300)).is_some() {}
        let heard = converse(&mut line, 20, Duration::ZERO);
        assert!(heard.iter().copied().eq(1..=20), "{heard:?}");
        drop(peer);
    }
}

#[test]
fn isdn_link_released_by_us_is_established_anew_by_the_peer() {
    let (mut peer, mut line) = up(Side::Network, Settings::default());
    run_until(&mut line, &mut peer, "up", SOON);
    line.request(Request::Release);
    line.wait("the release", SOON, |fact| *fact == Output::Released(Why::Request));
    run_until(&mut line, &mut peer, "down", SOON);
    // libpri wants its link always, and asks by itself.
    line.wait("the link", SOON, |fact| *fact == Output::Established(By::Peer));
    run_until(&mut line, &mut peer, "up", SOON);
    let heard = converse(&mut line, 20, Duration::ZERO);
    assert!(heard.iter().copied().eq(1..=20), "{heard:?}");
}

#[test]
fn isdn_link_that_is_idle_is_watched_by_both_sides() {
    let quick = Settings { t203_ms: 300, ..Settings::default() };
    let (mut peer, mut line) = up(Side::User, quick);
    run_until(&mut line, &mut peer, "up", SOON);
    let before = line.snapshot().counters;
    run_for(&mut line, Duration::from_secs(2));
    let after = line.snapshot();
    let asked = after.counters.frames_out - before.frames_out;
    assert!((3..=8).contains(&asked), "{asked} enquiries in two seconds");
    assert_eq!(after.state, State::MultipleFrameEstablished);
    assert_eq!(after.counters.errors, before.errors);
    drop(peer);
}

#[test]
fn isdn_link_whose_receiver_is_busy_loses_nothing() {
    let (mut peer, mut line) = up(Side::Network, Settings::default());
    run_until(&mut line, &mut peer, "up", SOON);
    // libpri tells nobody that it is busy, but it must respect that we are.
    line.request(Request::Busy(true));
    for call in 1..=5 {
        line.request(Request::Data(enquiry(call)));
    }
    run_for(&mut line, Duration::from_secs(3));
    assert_eq!(line.next(Duration::ZERO), None, "nothing may arrive");
    line.request(Request::Busy(false));
    let mut heard = Vec::new();
    while heard.len() < 5 {
        let fact = line.wait("an answer", SOON, |fact| matches!(fact, Output::Data(_)));
        if let Output::Data(message) = fact {
            heard.push(answered(&message));
        }
    }
    assert_eq!(heard, [1, 2, 3, 4, 5]);
    drop(peer);
}

#[test]
fn isdn_link_between_two_of_the_same_side_does_not_come_up_and_says_why() {
    let (peer, wire) = Peer::start(&Options::new(Side::User));
    let mut line = Line::new(Role::User, Settings::default(), wire);
    line.request(Request::Establish);
    line.wait("the end", SOON, |fact| *fact == Output::Released(Why::NoAnswer));
    let counters = line.snapshot().counters;
    assert!(counters.same_side > 0 && counters.errors.of(Code::L) > 0, "{counters:?}");
    drop(peer);
}
