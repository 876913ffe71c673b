//! The cable is pulled in the middle of a talk and put back.

use std::time::{Duration, Instant};

use call::Cause;

use crate::calls;
use crate::far::{self, Exchange};
use crate::line::{Line, SOON};

/// How long the cable is out once the alarm has been told: longer than the D-channel lives.
const OUT: Duration = Duration::from_secs(6);

/// The alarm is told, the call is kept at both ends, the D-channel comes back by itself, the sound
/// flows again, and the call ends as any other.
pub fn a_pulled_cable_in_the_middle_of_a_talk(line: &mut Line, exchange: &mut Exchange) {
    // As long as ours: libpri's own is 6 s, and the standard's 90 s.
    exchange.tell("timer T309 90000");
    exchange.tell("rule proceed=1 alert=100 answer=300");
    let call = line.call("8800123");
    let slot = line.answered(call);
    calls::hear(line, exchange, &[slot]);

    let pulled = Instant::now();
    far::set_cable(false);
    work_until(line, "red alarm", |line| line.status.alarms.red);
    println!("test: red alarm {} ms after the cable was pulled", pulled.elapsed().as_millis());
    line.work(OUT);
    assert_eq!(line.calls.snapshot().calls.len(), 1, "the call was not kept");
    assert!(!line.status.sound, "sound over no cable");

    far::set_cable(true);
    let plugged = Instant::now();
    work_until(line, "end of the alarm", |line| line.status.alarms.clear());
    println!("test: alarm over {} ms after it was put back", plugged.elapsed().as_millis());
    work_until(line, "link", |line| line.calls.snapshot().up);
    let calls = (line.calls.snapshot().calls.len(), exchange.calls());
    assert_eq!(calls, (1, 1), "the call was not kept");
    println!("test: the call was kept at both ends");
    calls::hear(line, exchange, &[slot]);

    line.calls.hang_up(line.now(), call, Cause::NormalClearing);
    assert_eq!(line.ended(call), (Cause::NormalClearing, false));
    let record = line.exchange_tells(exchange, "record");
    assert_eq!((&record["answered"], &record["cause"]), (&1.into(), &16.into()), "{record}");
    println!("test: its sound came back, and it ended as any other");
}

fn work_until(line: &mut Line, what: &str, reached: impl Fn(&Line) -> bool) {
    let until = Instant::now() + SOON;
    while !reached(line) {
        assert!(Instant::now() < until, "no {what}: {:?}", line.status);
        line.turn();
    }
}
