//! `make bench`: what the switch costs, beside the least that the same work can cost here.
//!
//! # How to read it
//!
//! * Every figure stands beside its **floor**: the simplest program that can do the same work, run
//!   on the same machine in the same run, between the same telephones ([`floor`]). `x floor` is
//!   switchd divided by floor. Machines differ, neighbours differ from hour to hour; the ratio is
//!   what can be compared. Aim: at most 2.0 per recorded call-minute.
//! * **CPU** is user and system time of the one process, as the kernel counts it. The telephones
//!   have a process of their own and cost nothing here. On loopback the sender pays for carrying a
//!   packet to the receiver's socket; the floor pays the same.
//! * **lost** is sound: frames that one telephone said and the other never heard, whatever RTP
//!   said about it. `foreign` counts the listening points (four a packet) at which there was
//!   silence, concealment or a mixture instead. `ear ms` is from mouth to ear, p50/p99, rounded up to
//!   the telephones' tick of 20 ms.
//! * **phones** is how late the telephones themselves were at worst. Beyond 20 ms the machine was
//!   too full to measure anything: run again when it is calm.
//! * **Sound thread**: how late its ticks began, in switchd's own count.
//! * **Set-ups** are legs: INVITE, 180, 200, ACK, BYE, 200, journal included. Their floor is six
//!   datagrams with nothing done about them. Asterisk's are two legs a call.
//! * **Channels** are those of E1 spans over attached sockets, all joined in pairs. Their floor reads
//!   every block message and writes the same blocks, swapped, and no more; the sound thread runs
//!   table and concealment on each of them in between, and the receiver for keys where `keys` is
//!   said, under sound that never rests ([`bearer`]).
//! * **D-channel**: a message of Q.931 that two machines with their data links exchange, beside
//!   reading its octets once ([`dchannel`]).
//! * Asterisk takes part where `--peer-asterisk` (or `LINEBOX_BENCH_ASTERISK`) and `--peer-pid`
//!   (`LINEBOX_BENCH_ASTERISK_PID`) name one whose dial plan sends `5NNN` (recorded) and `6NNN` to 127.0.0.30:5060.
//!
//! The last line is the same as JSON. The bench fails only if something is broken (no start, no
//! answer, no end), never because it was slow. It ends by itself within [`limits::WHOLE`] and a bit,
//! and ends only processes that it has started.
#![allow(clippy::print_stderr)]

mod answer;
mod asterisk;
mod bearer;
mod broken;
mod child;
mod cpu;
mod dchannel;
mod figure;
mod floor;
mod joined;
mod limits;
mod office;
mod phones;
mod report;
mod say;
mod setup;
mod socket;
mod switch;
mod voice;

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Instant;

use clap::{Parser, Subcommand};

use asterisk::Asterisk;
use broken::{Broken, Doing};
use child::Part;
use joined::{Phones, surprise};
use limits::{HEALTH_WAIT, LEGS_MAX, WHOLE};
use office::Office;
use report::{Report, Row};
use say::Answer;
use switch::Switch;

/// Calls of which the delay from answer to join is measured.
const JOINS: usize = 30;
/// Length of one rate of set-ups, s.
const SETUP_SECONDS: u64 = 5;
/// The rate at which the floor of a set-up is measured.
const EXCHANGE_RATE: u32 = 200;
/// Channels in use, one round each: one span, and all that a box may have.
const CHANNELS: [usize; 2] = [30, 120];
/// Longest window of channels, s: there are six of them.
const SPAN_SECONDS: u64 = 8;
/// Batches of thirty calls over the D-channel.
const BATCHES: usize = 1_000;
/// Warnings of switchd that are shown.
const COMPLAINTS_MAX: usize = 5;

/// What the switch costs, beside its floor.
#[derive(Parser)]
struct Arguments {
    /// Length of a window in which CPU is counted, s.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Joined calls at once, one round each.
    #[arg(long, value_delimiter = ',', default_value = "50,100,200")]
    calls: Vec<usize>,
    /// Set-ups a second, one round each, until one fails.
    #[arg(long, value_delimiter = ',', default_value = "25,50,100,200,400")]
    rates: Vec<u32>,
    /// An Asterisk to measure beside, HOST:PORT.
    #[arg(long)]
    peer_asterisk: Option<SocketAddr>,
    /// The process whose CPU is Asterisk's.
    #[arg(long)]
    peer_pid: Option<u32>,
    /// Measure the spans only: their channels and their D-channel.
    #[arg(long)]
    spans_only: bool,
    /// The switch; beside this program when not given.
    #[arg(long)]
    switchd: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<PartOf>,
}

/// Parts that the bench plays in processes of their own.
#[derive(Subcommand)]
enum PartOf {
    /// The telephones.
    #[command(hide = true)]
    Phones {
        /// Where the callers' SIP is.
        #[arg(long)]
        callers: SocketAddr,
        /// Where the called side's SIP is.
        #[arg(long)]
        called: SocketAddr,
    },
    /// The floor of joined calls.
    #[command(hide = true)]
    Floor {
        /// Calls.
        #[arg(long)]
        calls: usize,
        /// Where raw recordings go.
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// The sound thread with attached spans.
    #[command(hide = true)]
    LineThread(Spans),
    /// The floor of channels.
    #[command(hide = true)]
    LineFloor(Spans),
    /// The exchange at the spans.
    #[command(hide = true)]
    LineExchange(Spans),
    /// The floor of a set-up.
    #[command(hide = true)]
    Exchange {
        /// Who sends datagrams back.
        #[arg(long)]
        echo: SocketAddr,
        /// Set-ups a second.
        #[arg(long)]
        rate: u32,
        /// Set-ups.
        #[arg(long)]
        calls: u32,
    },
}

/// Attached spans.
#[derive(clap::Args)]
struct Spans {
    /// Where their sockets are.
    #[arg(long)]
    folder: PathBuf,
    /// Channels in use on all of them.
    #[arg(long)]
    channels: usize,
    /// Keys are listened for on all of them.
    #[arg(long)]
    keys: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ran = match &arguments.part {
        Some(PartOf::Phones { callers, called }) => phones::run([*callers, *called]),
        Some(PartOf::Floor { calls, folder }) => floor::forward(*calls, folder.as_deref()),
        Some(PartOf::LineThread(spans)) => bearer::sound(&spans.folder, spans.channels, spans.keys),
        Some(PartOf::LineFloor(spans)) => bearer::floor(&spans.folder, spans.channels),
        Some(PartOf::LineExchange(spans)) => bearer::exchange(&spans.folder, spans.channels),
        Some(PartOf::Exchange { echo, rate, calls }) => floor::exchange(*echo, *rate, *calls),
        None if arguments.spans_only => spans_only(&arguments).map(|report| report.print_spans()),
        None => bench(&arguments).map(|report| report.print()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            eprintln!("bench: {broken}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<Report, Broken> {
    let begun = Instant::now();
    let program = env::current_exe().doing("finding our own program")?;
    let folder = tempfile::tempdir().doing("making a folder for the bench")?;
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rootfs/overlay/share/prompts");
    let mut phones = start_phones(&program)?;
    let beside = program.with_file_name("switchd");
    let switchd = arguments.switchd.clone().unwrap_or(beside);
    let switch = Switch::start(&switchd, folder.path(), &prompts)?;
    let mut run = Run {
        report: Report { seconds: arguments.seconds, ..Report::default() },
        begun,
        program,
        folder: folder.path().to_owned(),
        office: Office::open(&switch.data.join("run/switchd.sock"), phones.sip)?,
        asterisk: None,
    };
    run.find_asterisk(arguments)?;
    for &calls in arguments.calls.iter().filter(|&&calls| 2 * calls <= LEGS_MAX) {
        for recorded in [false, true] {
            if !run.has_time(&format!("{calls} calls")) {
                continue;
            }
            run.round(&switch, &mut phones.phones, calls, recorded)?;
        }
    }
    if run.has_time("answer to join") {
        eprintln!("answer to join ...");
        run.report.delay = Some(answer::delay(&mut run.office, &mut phones.phones, JOINS)?);
    }
    run.setups(&switch, &arguments.rates)?;
    run.spans()?;
    // The last report is of a switch that has closed every port and counted its losses.
    if run.office.health.is_empty() {
        run.office.listen_until(HEALTH_WAIT, |office| !office.health.is_empty())?;
    }
    if let Some(health) = run.office.health.last() {
        run.report.sound.overruns = health.sound_overruns;
        run.report.sound.sound_lost = health.sound_lost;
    }
    run.report.complaints = switch.complaints(COMPLAINTS_MAX);
    run.report.sound.last_words = switch.stop()?;
    run.report.took_s = begun.elapsed().as_secs();
    Ok(run.report)
}

/// The spans alone, without a switch and its telephones.
fn spans_only(arguments: &Arguments) -> Result<Report, Broken> {
    let program = env::current_exe().doing("finding our own program")?;
    let folder = tempfile::tempdir().doing("making a folder for the bench")?;
    let mut report = Report { seconds: arguments.seconds, ..Report::default() };
    for channels in CHANNELS {
        eprintln!("{channels} channels ...");
        let seconds = arguments.seconds.min(SPAN_SECONDS);
        report.lines.extend(bearer::round(&program, folder.path(), channels, seconds)?);
    }
    eprintln!("D-channel ...");
    report.dchannel = Some(dchannel::measure(BATCHES)?);
    Ok(report)
}

fn from_env<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok()?.parse().ok()
}

/// Telephones for the switch, and where they are.
struct Town {
    phones: Phones,
    sip: [SocketAddr; 2],
}

fn start_phones(program: &Path) -> Result<Town, Broken> {
    let words = ["--callers", "127.0.0.1:0", "--called", "127.0.0.1:0"];
    let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    let mut part = Part::start(program, "phones", &words)?;
    let answer = part.hear()?;
    let Answer::Ready { sip } = answer else { return Err(surprise(&answer)) };
    Ok(Town { phones: Phones(part), sip })
}

/// One run of the bench.
struct Run {
    report: Report,
    begun: Instant,
    program: PathBuf,
    folder: PathBuf,
    office: Office,
    asterisk: Option<(Asterisk, Phones)>,
}

impl Run {
    fn has_time(&mut self, what: &str) -> bool {
        let there = self.begun.elapsed() < WHOLE;
        if !there {
            self.report.left_out.push(format!("{what}: left out, time was over"));
        }
        there
    }

    fn find_asterisk(&mut self, arguments: &Arguments) -> Result<(), Broken> {
        let address = arguments.peer_asterisk.or_else(|| from_env("LINEBOX_BENCH_ASTERISK"));
        let pid = arguments.peer_pid.or_else(|| from_env("LINEBOX_BENCH_ASTERISK_PID"));
        let left_out = match (address, pid) {
            (Some(address), Some(pid)) => {
                let asterisk = Asterisk { address, pid };
                self.asterisk = Some((asterisk, asterisk::phones(&self.program)?));
                return Ok(());
            }
            (Some(_), None) => "Asterisk: left out, no process given (--peer-pid)",
            (None, _) => "Asterisk: left out, no address given",
        };
        self.report.left_out.push(left_out.to_owned());
        Ok(())
    }

    fn round(
        &mut self,
        switch: &Switch,
        phones: &mut Phones,
        calls: usize,
        recorded: bool,
    ) -> Result<(), Broken> {
        eprintln!("{calls} calls{} ...", if recorded { ", recorded" } else { "" });
        let seconds = self.report.seconds;
        let tapes = recorded.then_some(self.folder.as_path());
        let (floor, late_us) = joined::floor(&self.program, phones, calls, tapes, seconds)?;
        self.report.sound.floor_us.extend(late_us);
        self.office.health.clear();
        let switched =
            joined::switch(switch.pid(), &mut self.office, phones, calls, recorded, seconds)?;
        let busy = self.office.health.iter().filter(|health| health.legs > 0);
        self.report.sound.told_us.extend(busy.map(|health| health.late_us));
        let asterisk = match &mut self.asterisk {
            Some((asterisk, phones)) => Some(asterisk.joined(phones, calls, recorded, seconds)?),
            None => None,
        };
        self.report.rows.push(Row { floor, switch: switched, asterisk });
        Ok(())
    }

    fn spans(&mut self) -> Result<(), Broken> {
        for channels in CHANNELS {
            if !self.has_time(&format!("{channels} channels")) {
                continue;
            }
            eprintln!("{channels} channels ...");
            let seconds = self.report.seconds.min(SPAN_SECONDS);
            self.report.lines.extend(bearer::round(
                &self.program,
                &self.folder,
                channels,
                seconds,
            )?);
        }
        if self.has_time("D-channel") {
            eprintln!("D-channel ...");
            self.report.dchannel = Some(dchannel::measure(BATCHES)?);
        }
        Ok(())
    }

    fn setups(&mut self, switch: &Switch, rates: &[u32]) -> Result<(), Broken> {
        if !self.has_time("set-ups") {
            return Ok(());
        }
        eprintln!("set-ups ...");
        let exchange_ms = setup::floor(&self.program, EXCHANGE_RATE, SETUP_SECONDS)?;
        self.report.exchange_ms = Some(exchange_ms);
        for &rate in rates {
            let setups = setup::switch(switch.pid(), &mut self.office, rate, SETUP_SECONDS)?;
            self.report.setups.push(setups);
            if setups.failed > 0 || !self.has_time("higher rates of set-ups") {
                break;
            }
        }
        let Some((asterisk, phones)) = &mut self.asterisk else { return Ok(()) };
        for &rate in rates {
            let setups = asterisk.setups(phones, rate, SETUP_SECONDS)?;
            self.report.asterisk_setups.push(setups);
            if setups.failed > 0 || self.begun.elapsed() > WHOLE {
                break;
            }
        }
        Ok(())
    }
}
