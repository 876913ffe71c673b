//! What the driver says of hardware that is not there or cannot, and stop and start of a span.

use std::io::ErrorKind;
use std::time::Duration;

use board_linux::OpenError;
use board_linux::dahdi::{self, Settings};
use board_port::{EchoPlace, Loop};

use crate::calls;
use crate::far::Exchange;
use crate::line::Line;

/// A span that no card has, and one that is open already.
pub fn what_is_not_there() {
    let missing = dahdi::open(Settings::of(9)).err().unwrap();
    assert!(matches!(missing, OpenError::NoSpan(9)), "{missing}");
    let twice = dahdi::open(Settings::of(1)).err().unwrap();
    assert!(matches!(twice, OpenError::Channel { span: 1, slot: 16, .. }), "{twice}");
    println!("test: a span that is missing and one that is taken are told apart");
    println!("  {missing}");
    println!("  {twice}");
}

/// A dynamic span has no loops and no echo canceller, and the driver says so.
pub fn loops_and_cancellers(line: &mut Line) {
    for wanted in [Loop::Local, Loop::Remote] {
        let refused = line.span.set_loop(wanted).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
    }
    assert_eq!(line.span.set_echo(3, true).unwrap(), EchoPlace::Ours);
    assert_eq!(line.span.set_echo(3, false).unwrap(), EchoPlace::Nobody);
    println!("test: no loop and no echo canceller on this span, and the driver says so");
}

/// The span is stopped and started again with its channels open; everything works as before.
pub fn stop_and_start(line: &mut Line, exchange: &mut Exchange) {
    line.span.set_running(false).unwrap();
    line.work(Duration::from_millis(300));
    assert!(line.status.alarms.not_open, "{:?}", line.status);
    line.span.set_running(true).unwrap();
    line.work(Duration::from_millis(300));
    assert!(line.status.alarms.clear(), "{:?}", line.status);
    line.wait("link after the stop", |fact| {
        matches!(fact, signal::q931::dchannel::Output::Link { up: true }).then_some(())
    });
    let call = line.call("8800199");
    let slot = line.answered(call);
    calls::hear(line, exchange, &[slot]);
    line.calls.hang_up(line.now(), call, call::Cause::NormalClearing);
    line.ended(call);
    println!("test: stopped, started, and a call with sound as before");
}
