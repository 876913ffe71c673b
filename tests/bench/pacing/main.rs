//! `pacing_bench [days] [cap,cap..]`: the table of pacing beside its rivals, in the bench's worlds.
//!
//! Two threads, one world each at a time; every policy learns from day to day and starts cold.
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use call::Tick;
use dialer::pacing::{Day, Event, Pacer};
use nix::time::{ClockId, clock_gettime};
use pacing_bench::floor::Policy;
use pacing_bench::measure::{Row, geometric_mean, measure};
use pacing_bench::rivals::{Adaptive, Clairvoyant, OneToOne, Shipped};
use pacing_bench::world::{World, worlds};

const POLICIES: [&str; 4] = ["pacing", "one-to-one", "adaptive", "clairvoyant"];

fn main() {
    let mut words = std::env::args().skip(1);
    let days = words.next().and_then(|word| word.parse().ok()).unwrap_or(12);
    let caps = words.next().unwrap_or_else(|| "0.03,0.01".to_owned());
    for cap in caps.split(',').filter_map(|word| word.parse().ok()) {
        table(days, cap);
    }
    latency();
}

fn policy(name: &str) -> Box<dyn Policy> {
    match name {
        "one-to-one" => Box::<OneToOne>::default(),
        "adaptive" => Box::<Adaptive>::default(),
        "clairvoyant" => Box::<Clairvoyant>::default(),
        _ => Box::<Shipped>::default(),
    }
}

fn table(days: u64, cap: f64) {
    println!("\ncap {:.1} %, {days} days, cold start", 100.0 * cap);
    println!("world\tagents\tpolicy\tidle_pct\tlost_pct\tdays_kept_pct\tmost_over\tidle_to_1:1");
    let worlds = worlds();
    let next = AtomicUsize::new(0);
    let mut rows: Vec<(usize, Vec<Row>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(world) = worlds.get(at) else { return done };
                        let row = |name: &&str| measure(world, policy(name).as_mut(), days, cap);
                        done.push((at, POLICIES.iter().map(row).collect()));
                    }
                })
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    rows.sort_by_key(|row| row.0);
    for (at, rows) in &rows {
        for (name, row) in POLICIES.iter().zip(rows) {
            print_row(&worlds[*at], name, row, rows[1].idle_pct);
        }
    }
    for (size, many) in [("8 and more agents", true), ("2 to 5 agents", false)] {
        for (nth, name) in POLICIES.iter().enumerate() {
            let ratios: Vec<f64> = rows
                .iter()
                .filter(|(at, _)| (worlds[*at].agents >= 8) == many)
                .map(|(_, rows)| rows[nth].idle_pct / rows[1].idle_pct)
                .collect();
            println!(
                "{size}\t{name}\tidle to one-to-one, geometric mean {:.3}",
                geometric_mean(&ratios)
            );
        }
    }
}

fn print_row(world: &World, name: &str, row: &Row, beside_pct: f64) {
    println!(
        "{}\t{}\t{name}\t{:.2}\t{:.2}\t{:.0}\t{}\t{:.3}",
        world.name,
        world.agents,
        row.idle_pct,
        row.lost_pct,
        row.kept_pct,
        row.most_over,
        row.idle_pct / beside_pct
    );
}

/// The processor's time of a decision (others who run beside it do not count) with 100 agents on calls and 300 of 400 lines ringing.
fn latency() {
    let mut pacer = Pacer::default();
    pacer.start_day(Day {
        end_s: 28_800.0,
        seats: 100,
        lines: 400,
        cap: 0.03,
        ring_timeout_s: 25.0,
        connect_s: 2.0,
    });
    for seat in 0..100 {
        pacer.handle_event(Tick(0), Event::Ready(seat));
        pacer.handle_event(Tick(seat as u64 * 900), Event::Talk(seat, seat as u64));
    }
    for attempt in 0..300u64 {
        pacer.handle_event(Tick(90_000 + attempt * 80), Event::Dialed(1_000 + attempt));
    }
    let mut took: Vec<f64> = (0..10_000u64)
        .map(|nth| {
            let start = cpu();
            std::hint::black_box(pacer.decide(Tick(114_000 + nth), 100));
            cpu().saturating_sub(start).as_secs_f64() * 1e6
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let p99_us = took[took.len() * 99 / 100];
    println!(
        "\ndecision at 100 agents, 400 lines: p50 {:.0} us, p99 {p99_us:.0} us of CPU, limit 1000 us, {:.2}",
        took[took.len() / 2],
        p99_us / 1000.0
    );
}

/// What this thread has used of the processor.
fn cpu() -> Duration {
    let told = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    told.map(Duration::from).expect("every thread has a clock of its own")
}
