//! What was measured, as one table with the ratios first, and as one line of JSON.
#![allow(clippy::print_stdout)]

use serde_json::{Value, json};

use crate::answer::Delay;
use crate::bearer::Line;
use crate::dchannel::Messages;
use crate::figure::quantile;
use crate::joined::Load;
use crate::setup::SetUps;
use crate::switch::LastWords;

/// At most so many times the floor per recorded call-minute.
const AIM_RATIO: f64 = 2.0;
/// At most so long from the answer to the join, ms: two ticks.
const AIM_JOIN_MS: f64 = 40.0;
/// Phones that are later than this disturb what they judge.
const TICK_MS: f64 = 20.0;

/// One number of calls, recorded or not, by everybody.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The floor.
    pub floor: Load,
    /// The switch.
    pub switch: Load,
    /// Asterisk, if there is one.
    pub asterisk: Option<Load>,
}

/// How the sound thread kept time.
#[derive(Clone, Debug, Default)]
pub struct Punctuality {
    /// What switchd told each five seconds while calls were up: of the second before, µs.
    pub told_us: Vec<[u32; 3]>,
    /// Ticks missed, by switchd's last health report.
    pub overruns: u64,
    /// Packets that its jitter buffers missed, by the same.
    pub sound_lost: u64,
    /// What it said at its end.
    pub last_words: Option<LastWords>,
    /// Each tick of the floor's loops, µs.
    pub floor_us: Vec<u32>,
}

/// Everything.
#[derive(Debug, Default)]
pub struct Report {
    /// Joined calls.
    pub rows: Vec<Row>,
    /// From the answer to the join.
    pub delay: Option<Delay>,
    /// Set-ups by the switch.
    pub setups: Vec<SetUps>,
    /// Set-ups by Asterisk.
    pub asterisk_setups: Vec<SetUps>,
    /// CPU of the bare exchange of a set-up's datagrams, ms.
    pub exchange_ms: Option<f64>,
    /// Channels of spans.
    pub lines: Vec<Line>,
    /// Messages of a D-channel.
    pub dchannel: Option<Messages>,
    /// The sound thread.
    pub sound: Punctuality,
    /// What was left out, and why.
    pub left_out: Vec<String>,
    /// Warnings of switchd.
    pub complaints: Vec<String>,
    /// Length of a window, s.
    pub seconds: u64,
    /// From the beginning to the end, s.
    pub took_s: u64,
}

/// Says where a row is worth little.
fn full(phones_late_ms: f64) -> &'static str {
    if phones_late_ms > TICK_MS { "  (the machine was full)" } else { "" }
}

impl Report {
    /// Prints all.
    pub fn print(&self) {
        self.print_joined();
        self.print_asterisk();
        self.print_sound();
        self.print_delay();
        self.print_setups();
        self.print_spans();
        for line in &self.left_out {
            println!("{line}");
        }
        for line in &self.complaints {
            println!("switchd said: {line}");
        }
        println!("took {} s", self.took_s);
        println!("{}", self.json());
    }

    fn print_joined(&self) {
        println!("\nJoined calls: CPU seconds per call-minute, windows of {} s", self.seconds);
        println!(
            "{:>7} {:>6} {:>9} | {:>8} {:>8} {:>8} | {:>6} {:>9} {:>6} {:>11} {:>13} {:>7}",
            "x floor",
            "calls",
            "",
            "switchd",
            "floor",
            "Asterisk",
            "cores",
            "lost",
            "foreign",
            "ear ms",
            "sealed/gap",
            "phones"
        );
        for row in &self.rows {
            let s = &row.switch;
            let ratio = s.per_call_minute_s / row.floor.per_call_minute_s;
            let aim = match s.recorded {
                true if ratio <= AIM_RATIO => "  aim 2.0 met",
                true => "  AIM 2.0 MISSED",
                false => "",
            };
            let phones_late_ms = s.phones_late_ms.max(row.floor.phones_late_ms);
            let full = full(phones_late_ms);
            let sealed = s.sealed.map_or("-".to_owned(), |(n, gap)| format!("{n}/{gap} ms"));
            println!(
                "{:>7} {:>6} {:>9} | {:>8.4} {:>8.4} {:>8} | {:>6.3} {:>8.4}% {:>6} {:>5.0}/{:<5.0} {:>13} {:>4.1} ms{aim}{full}",
                format!("{ratio:.2}"),
                s.calls,
                if s.recorded { "recorded" } else { "" },
                s.per_call_minute_s,
                row.floor.per_call_minute_s,
                row.asterisk.map_or("-".into(), |a| format!("{:.4}", a.per_call_minute_s)),
                s.cores,
                s.frames_lost_share() * 100.0,
                s.heard.foreign,
                s.delay_ms[0],
                s.delay_ms[1],
                sealed,
                phones_late_ms,
            );
        }
    }

    /// What Asterisk's figure is worth: whether its calls carried the sound they were counted for.
    fn print_asterisk(&self) {
        for row in &self.rows {
            let (s, Some(a)) = (&row.switch, &row.asterisk) else { continue };
            println!(
                "Asterisk, {} calls{}: {:.1} times switchd; lost {:.4}%, foreign {}, ear {:.0}/{:.0} ms, \
                 phones {:.1} ms{}",
                a.calls,
                if a.recorded { " recorded" } else { "" },
                a.per_call_minute_s / s.per_call_minute_s,
                a.frames_lost_share() * 100.0,
                a.heard.foreign,
                a.delay_ms[0],
                a.delay_ms[1],
                a.phones_late_ms,
                full(a.phones_late_ms),
            );
        }
    }

    fn print_sound(&self) {
        let [p50, p99, p9999, worst] = self.floor_late();
        println!("\nSound thread: how late a tick of 20 ms begins, µs");
        println!(
            "{:>9} {:>8} {:>8} {:>8} {:>8} {:>9}",
            "", "p50", "p99", "p99.99", "worst", "overruns"
        );
        let [t50, t99, told_worst] = self.told();
        match self.sound.last_words {
            Some(w) => println!(
                "{:>9} {:>8} {:>8} {:>8} {:>8} {:>9}   of {} ticks",
                "switchd", w.late_us[0], w.late_us[1], w.late_us[2], "-", w.overruns, w.ticks
            ),
            None => println!(
                "{:>9} {t50:>8} {t99:>8} {:>8} {told_worst:>8} {:>9}   of {} seconds that it told of; it \
                 does not tell p99.99",
                "switchd",
                "-",
                self.sound.overruns,
                self.sound.told_us.len(),
            ),
        }
        println!(
            "{:>9} {p50:>8} {p99:>8} {p9999:>8} {worst:>8} {:>9}   of {} ticks (no real-time priority)",
            "floor",
            self.floor_overruns(),
            self.sound.floor_us.len(),
        );
        println!(
            "{:>9} packets missed by its jitter buffers: {}",
            "switchd", self.sound.sound_lost
        );
    }

    fn print_delay(&self) {
        let Some(d) = &self.delay else { return };
        let aim = if d.customer_ms[1] <= AIM_JOIN_MS { "met" } else { "MISSED" };
        println!("\nFrom our 200 OK to the other's sound, ms ({} calls, {} mute)", d.calls, d.mute);
        println!("{:>32} {:>7} {:>7} {:>7}", "", "p50", "p90", "worst");
        println!(
            "{:>32} {:>7.1} {:>7.1} {:>7.1}   aim {AIM_JOIN_MS} (p90) {aim}",
            "customer hears seat (the join)", d.customer_ms[0], d.customer_ms[1], d.customer_ms[2]
        );
        println!(
            "{:>32} {:>7.1} {:>7.1} {:>7.1}   with its jitter buffer",
            "seat hears customer", d.seat_ms[0], d.seat_ms[1], d.seat_ms[2]
        );
    }

    fn print_setups(&self) {
        let floor = self.exchange_ms.unwrap_or(0.0);
        println!(
            "\nSet-ups: placed, answered, hung up at once; no sound. Floor: {floor:.3} ms CPU a call"
        );
        println!(
            "{:>7} {:>9} | {:>6} {:>8} {:>7} {:>7} | {:>8} {:>15}",
            "x floor", "", "rate/s", "reached", "good", "failed", "CPU ms", "answer p50/p99"
        );
        let both = self.setups.iter().map(|s| ("switchd", s));
        for (who, s) in both.chain(self.asterisk_setups.iter().map(|s| ("Asterisk", s))) {
            println!(
                "{:>7} {who:>9} | {:>6} {:>8.1} {:>7} {:>7} | {:>8.3} {:>7.1}/{:<7.1}",
                if floor > 0.0 { format!("{:.1}", s.cpu_ms / floor) } else { "-".to_owned() },
                s.rate,
                s.reached,
                s.good,
                s.failed,
                s.cpu_ms,
                s.answer_ms[0],
                s.answer_ms[1],
            );
        }
        if !self.asterisk_setups.is_empty() {
            println!("A set-up of switchd is one leg; one of Asterisk is two, and a dial plan.");
        }
    }

    /// Prints what belongs to E1 spans.
    pub fn print_spans(&self) {
        if !self.lines.is_empty() {
            println!("\nChannels of spans, joined: CPU ms per channel-minute");
            println!(
                "{:>7} {:>8} {:>4} | {:>8} {:>8} | {:>8} {:>7} {:>8} {:>15} {:>8}",
                "x floor",
                "channels",
                "",
                "thread",
                "floor",
                "good",
                "lost",
                "foreign",
                "under/more/slip",
                "exchange"
            );
        }
        for line in &self.lines {
            let late_ms = line.heard.late_ms.max(line.floor_heard.late_ms);
            let counted = line.counted;
            println!(
                "{:>7.2} {:>8} {:>4} | {:>8.3} {:>8.3} | {:>8} {:>7} {:>8} {:>15} {:>5.1} ms{}",
                line.ratio(),
                line.channels,
                if line.keys { "keys" } else { "" },
                line.thread_ms,
                line.floor_ms,
                line.heard.good,
                line.heard.lost,
                line.heard.foreign,
                format!("{}/{}/{}", counted.underruns, counted.more, counted.slips),
                late_ms,
                full(late_ms),
            );
        }
        if let Some(found) = &self.dchannel {
            println!(
                "\nD-channel: {:.0} messages a second and core, both sides on it ({} calls, {} messages)",
                found.per_core(),
                found.calls,
                found.messages,
            );
            println!(
                "{:>7.1} x floor | {:.0} ns a message, {:.0} ns to read it",
                found.ratio(),
                found.machine_ns,
                found.read_ns
            );
        }
    }

    /// Median of the medians, worst of the 99th percentiles, worst.
    fn told(&self) -> [u32; 3] {
        let mut medians: Vec<f64> = self.sound.told_us.iter().map(|t| f64::from(t[0])).collect();
        let worst = |at: usize| self.sound.told_us.iter().map(|t| t[at]).max().unwrap_or(0);
        [quantile(&mut medians, 0.5) as u32, worst(1), worst(2)]
    }

    fn floor_late(&self) -> [u32; 4] {
        let mut late: Vec<f64> = self.sound.floor_us.iter().map(|&us| f64::from(us)).collect();
        [0.5, 0.99, 0.9999, 1.0].map(|part| quantile(&mut late, part) as u32)
    }

    fn floor_overruns(&self) -> u64 {
        self.sound.floor_us.iter().map(|us| u64::from(us / 20_000)).sum()
    }

    /// The same for machines.
    fn json(&self) -> Value {
        let load = |l: &Load| {
            json!({
                "cpu_s_per_call_min": l.per_call_minute_s, "cores": l.cores, "sent": l.sent,
                "heard": l.heard, "delay_ms": l.delay_ms, "phones_late_ms": l.phones_late_ms,
                "sealed": l.sealed.map(|s| s.0), "gap_ms": l.sealed.map(|s| s.1),
            })
        };
        let rows = self.rows.iter().map(|r| {
            json!({
                "calls": r.switch.calls, "recorded": r.switch.recorded,
                "ratio": r.switch.per_call_minute_s / r.floor.per_call_minute_s,
                "switchd": load(&r.switch), "floor": load(&r.floor),
                "asterisk": r.asterisk.as_ref().map(load),
            })
        });
        let setup = |s: &SetUps| {
            json!({
                "rate": s.rate, "reached": s.reached, "good": s.good, "failed": s.failed,
                "cpu_ms": s.cpu_ms, "answer_ms": s.answer_ms,
            })
        };
        let words = self.sound.last_words.map(
            |w| json!({ "ticks": w.ticks, "overruns": w.overruns, "p50_p99_p9999_us": w.late_us }),
        );
        json!({
            "bench": "linebox", "window_s": self.seconds, "took_s": self.took_s,
            "joined": rows.collect::<Vec<_>>(),
            "sound": {
                "whole_life": words, "told_p50_p99_worst_us": self.told(),
                "overruns": self.sound.overruns, "sound_lost": self.sound.sound_lost,
                "floor_p50_p99_p9999_worst_us": self.floor_late(),
                "floor_overruns": self.floor_overruns(),
            },
            "join": self.delay.as_ref().map(|d| json!({
                "customer_ms_p50_p90_worst": d.customer_ms, "seat_ms_p50_p90_worst": d.seat_ms,
                "calls": d.calls, "mute": d.mute,
            })),
            "setups": {
                "floor_cpu_ms": self.exchange_ms,
                "switchd": self.setups.iter().map(setup).collect::<Vec<_>>(),
                "asterisk": self.asterisk_setups.iter().map(setup).collect::<Vec<_>>(),
            },
            "channels": self.lines.iter().map(|l| json!({
                "channels": l.channels, "keys": l.keys, "ratio": l.ratio(),
                "thread_cpu_ms_per_channel_min": l.thread_ms,
                "floor_cpu_ms_per_channel_min": l.floor_ms,
                "heard": l.heard, "floor_heard": l.floor_heard, "counted": l.counted,
            })).collect::<Vec<_>>(),
            "dchannel": self.dchannel.as_ref().map(|d| json!({
                "calls": d.calls, "messages": d.messages, "ratio": d.ratio(),
                "messages_per_core_s": d.per_core(),
                "machine_ns": d.machine_ns, "read_ns": d.read_ns,
            })),
            "left_out": self.left_out,
        })
    }
}
