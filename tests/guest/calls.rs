//! Calls both ways and the sound in them.

use std::time::{Duration, Instant};

use board_port::BLOCK;
use call::Cause;
use signal::q931::dchannel::{CallId, Output};

use crate::far::Exchange;
use crate::line::Line;
use crate::pattern::Heard;

/// How many calls at once, each way.
const CALLS: usize = 5;
/// Octets that have to come through in each channel and direction: four seconds.
const ENOUGH: i64 = 4 * 50 * BLOCK as i64;
/// How long that may take on a machine that emulates and has other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// Five calls each way at once; all ten B-channels carry a pattern in both directions, looked at
/// octet by octet; some end here and some there, and both sides' records agree.
pub fn both_ways_with_sound(line: &mut Line, exchange: &mut Exchange) {
    exchange.tell("rule proceed=1 alert=100 answer=300");
    let ours: Vec<CallId> = (0..CALLS).map(|n| line.call(&format!("880010{n}"))).collect();
    let mut slots: Vec<u8> = ours.iter().map(|call| line.answered(*call)).collect();
    exchange.tell(&format!("call called=2001 from=13800138000 count={CALLS} gap=50"));
    let mut theirs = Vec::new();
    while theirs.len() < CALLS {
        let call = line.wait("incoming call", |fact| match fact {
            Output::Incoming { call, setup, .. } => {
                let called = setup.called.as_ref().map(|party| party.digits.as_str());
                assert_eq!((called, setup.complete), (Some("2001"), true));
                Some(*call)
            }
            _ => None,
        });
        line.calls.alert(line.now(), call, false);
        line.calls.answer(line.now(), call);
        slots.push(line.answered(call));
        theirs.push(call);
    }
    assert_eq!(exchange.calls(), 2 * CALLS as i64);
    println!("test: {} calls at once, half of them each way", slots.len());

    hear(line, exchange, &slots);

    for call in &ours {
        line.calls.hang_up(line.now(), *call, Cause::NormalClearing);
        assert_eq!(line.ended(*call), (Cause::NormalClearing, false));
    }
    for _ in &ours {
        let record = line.exchange_tells(exchange, "record");
        let told = (&record["direction"], &record["cleared"], &record["cause"]);
        assert_eq!(told, (&"in".into(), &"there".into(), &16.into()), "{record}");
    }
    // libpri numbers its calls as they come: five of ours, then its own.
    for number in CALLS + 1..=2 * CALLS {
        exchange.tell(&format!("hangup {number} 16"));
    }
    for call in &theirs {
        assert_eq!(line.ended(*call), (Cause::NormalClearing, true));
    }
    for _ in &theirs {
        let record = line.exchange_tells(exchange, "record");
        let told = (&record["direction"], &record["cleared"], &record["cause"]);
        assert_eq!(told, (&"out".into(), &"here".into(), &16.into()), "{record}");
    }
    assert_eq!(exchange.calls(), 0);
    assert!(line.calls.snapshot().calls.is_empty());
    println!("test: all cleared, by us and by them, and the records agree");
}

/// Lets both ends speak in these slots and looks at what each has heard.
pub fn hear(line: &mut Line, exchange: &Exchange, slots: &[u8]) {
    let slips = line.status.counters.slips;
    slots.iter().for_each(|slot| line.sound.open(*slot));
    let speaker = exchange.speak(slots, ENOUGH);
    let (until, mut far_has) = (Instant::now() + PATIENCE, false);
    while !(far_has && slots.iter().all(|slot| line.sound.heard(*slot).good >= ENOUGH)) {
        if Instant::now() > until {
            break; // what is missing is told below
        }
        line.work(Duration::from_millis(200));
        far_has |= speaker.has_enough();
    }
    let here: Vec<_> = slots.iter().map(|slot| (*slot, line.sound.heard(*slot))).collect();
    let there = speaker.finish();
    slots.iter().for_each(|slot| line.sound.close(*slot));
    for (slot, heard) in here {
        judge(&format!("slot {slot:2} here "), &heard);
    }
    for (slot, heard) in there {
        judge(&format!("slot {slot:2} there"), &heard);
    }
    let more = line.status.counters.slips - slips;
    println!("  slips {more}, {:?}", line.status.counters);
}

fn judge(what: &str, heard: &Heard) {
    let missing = heard.judge().unwrap_or_else(|wrong| panic!("{what}: {wrong}; {heard:?}"));
    let Heard { good, silent, breaks, .. } = heard;
    let late = breaks.len();
    println!(
        "  {what}: {good} octets, none wrong; late {late} times: {silent} silent, {missing} lost"
    );
    assert!(*good >= ENOUGH, "{what}: only {good} octets");
}
