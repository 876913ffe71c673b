//! How long the engine's turn takes, in nanoseconds a leg: `cargo run --release -p media
//! --example turn [calls] [seconds of sound]`. It prints and asserts nothing; every figure covers
//! receiving a packet, the tick, and walking over the packets and blocks that came out. The mean is
//! CPU time of this thread, the slowest tick is time on the wall (others on the machine included).
#![allow(clippy::print_stdout, reason = "a measuring program")]

#[path = "../tests/load/mod.rs"]
mod load;

use std::time::Instant;

use load::{Lines, Load};
use media::{Codec, Listening};

fn main() {
    let mut args = std::env::args().skip(1);
    let calls = args.next().and_then(|n| n.parse().ok()).unwrap_or(200);
    let ticks = args.next().and_then(|n| n.parse().ok()).unwrap_or(20) * 50;
    println!("{calls} calls, {ticks} ticks; ns for each leg and tick, and the slowest tick in µs");
    measure("one law", Load::calm(calls, Codec::Alaw, false), calls, ticks);
    measure("one law, recorded", Load::calm(calls, Codec::Alaw, true), calls, ticks);
    measure("two laws, recorded", Load::calm(calls, Codec::Ulaw, true), calls, ticks);
    measure("loss, keys, prompts, detectors", Load::new(calls), calls, ticks);
    let digits = Listening::VoiceAndDigits;
    for (name, listening, echo) in [
        ("bearers, recorded", Listening::Off, false),
        ("bearers, recorded, keys", digits, false),
        ("bearers, recorded, keys, echo", digits, true),
    ] {
        let mut lines = Lines::calm(calls, listening, echo);
        measure_turns(name, || lines.turn(), calls, ticks);
    }
    let mut lines = Lines::new(calls);
    measure_turns("bearers, everything", || lines.turn(), calls, ticks);
}

fn measure(name: &str, mut load: Load, calls: u16, ticks: u32) {
    measure_turns(name, || load.turn(), calls, ticks);
}

fn measure_turns(name: &str, mut turn: impl FnMut(), calls: u16, ticks: u32) {
    for _ in 0..50 {
        turn();
    }
    let mut slowest_us = 0;
    let start_ns = cpu_ns();
    for _ in 0..ticks {
        let begun = Instant::now();
        turn();
        slowest_us = slowest_us.max(begun.elapsed().as_micros());
    }
    let leg_ticks = u64::from(ticks) * u64::from(calls) * 2;
    let ns = (cpu_ns() - start_ns) / leg_ticks;
    let call_minute_ms = ns as f64 * 2.0 * 50.0 * 60.0 / 1e6;
    println!(
        "{name:32} {ns:6} ns {slowest_us:6} µs  ({call_minute_ms:.1} ms of CPU a call-minute)"
    );
}

/// CPU time of this thread so far, as Linux counts it; 0 where it does not.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}
