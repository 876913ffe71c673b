//! The peer against itself, an exchange and a PBX: that it does what its commands say, and that both
//! ends tell the same. Whoever tests our calls against it can then blame ours.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use peer::isdn::{Event, Options, Peer, Side, Wire};

/// One span between two peers.
struct Span {
    exchange: Peer,
    pbx: Peer,
    wires: [Wire; 2],
}

impl Span {
    fn start(overlap: bool) -> Span {
        let options = |side| Options { overlap, ..Options::new(side) };
        let (exchange, first) = Peer::start(&options(Side::Network));
        let (pbx, second) = Peer::start(&options(Side::User));
        let mut span = Span { exchange, pbx, wires: [first, second] };
        span.wait("up", |span| span.exchange.take("up"));
        span.wait("up", |span| span.pbx.take("up"));
        // Both begin at once; what the second SABME resets is over after this.
        span.carry(Duration::from_millis(300));
        span
    }

    /// Carries frames between the two for so long.
    fn carry(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let [a, b] = &mut self.wires;
            while let Some(frame) = a.receive(Duration::ZERO) {
                b.send(&frame);
            }
            if let Some(frame) = b.receive(Duration::from_millis(1)) {
                a.send(&frame);
            }
        }
    }

    fn wait<T>(&mut self, what: &str, mut look: impl FnMut(&mut Span) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            self.carry(Duration::from_millis(5));
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < until, "no {what}:{}", self.wires[1].story());
        }
    }

    fn exchange_tells(&mut self, event: &str) -> Event {
        self.wait(event, |span| span.exchange.take(event))
    }

    fn pbx_tells(&mut self, event: &str) -> Event {
        self.wait(event, |span| span.pbx.take(event))
    }

    /// So many records of both ends, which must agree but for who is who.
    fn records(&mut self, count: usize) -> Vec<Event> {
        let mut ours = BTreeMap::new();
        let mut theirs = BTreeMap::new();
        for _ in 0..count {
            // Either end numbers its own calls: who placed it belongs to the reference.
            let record = self.exchange_tells("record");
            ours.insert((record.text("direction") == "out", record.number("cref")), record);
            let record = self.pbx_tells("record");
            theirs.insert((record.text("direction") == "in", record.number("cref")), record);
        }
        assert!(ours.keys().eq(theirs.keys()), "{ours:?} {theirs:?}");
        for (our, their) in ours.values().zip(theirs.values()) {
            for same in ["channel", "answered", "cause"] {
                assert_eq!(our.number(same), their.number(same), "{} {}", our.fields, their.fields);
            }
            for same in ["called", "calling"] {
                assert_eq!(our.text(same), their.text(same), "{} {}", our.fields, their.fields);
            }
            assert_ne!(our.text("direction"), their.text("direction"));
            assert_ne!(our.text("cleared"), their.text("cleared"), "{our:?} {their:?}");
        }
        ours.into_values().collect()
    }
}

#[test]
fn isdn_pair_answers_rejects_and_lets_ring_as_its_rules_say() {
    let mut span = Span::start(false);
    for rule in ["ending=1 hold=200", "ending=2 reject=17", "ending=3 alert=50 answer=-1"] {
        span.pbx.tell(&format!("rule {rule}"));
    }
    span.exchange.tell("call called=5551 from=13800138000");
    let ring = span.pbx_tells("ring");
    assert_eq!((ring.text("called"), ring.text("calling")), ("5551", "13800138000"));
    assert_eq!((ring.number("channel"), ring.number("flexible")), (1, 0));
    span.exchange_tells("connect");
    let record = span.records(1).remove(0);
    assert_eq!((record.number("answered"), record.number("cause")), (1, 16));
    assert_eq!(record.text("cleared"), "there");

    span.exchange.tell("call called=5552 from=1");
    let record = span.records(1).remove(0);
    assert_eq!((record.number("answered"), record.number("cause")), (0, 17));

    span.exchange.tell("call called=5553 from=1");
    let call = span.wait("ringing", |span| span.exchange.take_of("alerting", 3)).number("call");
    span.exchange.tell(&format!("hangup {call} 16"));
    let record = span.records(1).remove(0);
    assert_eq!((record.number("answered"), record.text("cleared")), (0, "here"));
}

#[test]
fn isdn_pair_talks_on_every_channel_at_once_in_both_directions() {
    let mut span = Span::start(false);
    span.pbx.tell("rule hold=1500");
    span.exchange.tell("rule hold=1500");
    span.exchange.tell("call called=100 from=1 count=15");
    span.pbx.tell("call called=200 from=2 count=15");
    for _ in 0..15 {
        span.exchange_tells("connect");
        span.pbx_tells("connect");
    }
    span.exchange.tell("count");
    assert_eq!(span.exchange_tells("count").number("calls"), 30);
    // The thirty-first finds no channel.
    span.exchange.tell("call called=300");
    assert_eq!(span.exchange_tells("refused").text("called"), "300");
    let records = span.records(30);
    let channels: std::collections::BTreeSet<_> =
        records.iter().map(|record| record.number("channel")).collect();
    assert!(channels.iter().copied().eq((1..=31).filter(|channel| *channel != 16)));
}

#[test]
fn isdn_pair_dials_digit_by_digit() {
    let mut span = Span::start(true);
    span.exchange.tell("rule digits=8 hold=100");
    span.pbx.tell("call called=6258 then=1000 from=8001");
    span.pbx_tells("setup-ack");
    // The PBX's record knows only the digits of its SETUP.
    let ours = span.pbx_tells("record");
    assert_eq!((ours.number("answered"), ours.number("cause")), (1, 16));
    let theirs = span.exchange_tells("record");
    assert_eq!((theirs.number("answered"), theirs.text("called")), (1, "62581000"));
}

#[test]
fn isdn_pair_keeps_a_blocked_channel_free_and_restarts_one() {
    let mut span = Span::start(false);
    span.pbx.tell("block 7");
    span.exchange.tell("call called=1 from=1 channel=7 exclusive=1");
    let record = span.records(1).remove(0);
    assert_eq!((record.number("cause"), record.number("channel")), (44, 7));
    span.pbx.tell("unblock 7");
    span.pbx.tell("rule hold=0");
    span.exchange.tell("call called=2 from=1 channel=7 exclusive=1");
    span.exchange_tells("connect");
    span.pbx.tell("restart 7");
    let record = span.records(1).remove(0);
    assert_eq!((record.number("answered"), record.number("cause")), (1, 41));
    assert_eq!(span.exchange_tells("restart").number("channel"), 7);
    assert_eq!(span.pbx_tells("restart-ack").number("channel"), 7);
}

#[test]
fn isdn_pair_refuses_what_it_does_not_understand() {
    let mut span = Span::start(false);
    for command in ["hangup 99", "dance", "restart 32", "timer T999 1"] {
        span.exchange.tell(command);
        assert_eq!(span.exchange_tells("refused").text("command"), command);
    }
}
