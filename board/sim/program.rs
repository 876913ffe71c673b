//! The shell around the town: sockets, the clock, 20 ms of sound at a time, signals. It decides
//! nothing.
//!
//! ```text
//!   1 SIP datagrams   sockets ► town      each turn of the loop takes one input, then carries out
//!   2 timers          clock   ► town      everything the town asks for, until it asks no more
//!   3 the 20 ms tick  sound  ◄► town
//!   4 SIGTERM, SIGINT: everybody hangs up, at most LEAVE_MS, and the program ends with 0
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use call::Tick;
use tokio::net::UdpSocket;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use crate::config::{Config, ConfigError};
use crate::limits::DATAGRAMS;
use crate::sound::Sound;
use crate::town::{Event, Output, Setup, Sight, SoundOrder, Town};

/// For how long the end may take, in milliseconds: a BYE is answered within a few, on loopback.
const LEAVE_MS: u64 = 1_500;
/// Ticks of sound that are made up for after the program was kept from running.
const CATCH_UP: u32 = 10;
/// The longest SIP datagram that is read, in bytes.
const DATAGRAM: usize = 65_536;
/// The variable that names the descriptor which takes the signs of life.
const READY_FD: &str = "LINEBOX_READY_FD";

/// Why the program ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system refused something that has no setting.
    #[error("{what}: {source}; look at the limits of this machine")]
    System {
        /// What was wanted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A voice is broken, so the build is.
    #[error("a voice of the town is broken: {0}; build the program again")]
    Voice(#[from] media::wav::WavError),
}

/// Runs the town until a signal ends it.
///
/// # Errors
/// [`ProgramError`].
pub fn run(config: &Config) -> Result<(), ProgramError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(system("the event loop"))?.block_on(live(config))
}

type Arrival = (SocketAddr, SocketAddr, Vec<u8>);

struct Shell {
    begun: Instant,
    town: Town,
    sound: Sound,
    sockets: Vec<(SocketAddr, Arc<UdpSocket>)>,
}

async fn live(config: &Config) -> Result<(), ProgramError> {
    let setup = &config.setup;
    let mut terminate = signal(SignalKind::terminate()).map_err(system("SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(system("SIGINT"))?;
    let listen = setup.carrier.ip();
    Sound::check(listen, setup.rtp_first, setup.rtp_ports)
        .map_err(|(port, source)| ConfigError::Port { port, setting: "town.rtp", source })?;
    let sound = Sound::new(listen, setup.rtp_first, setup.rtp_ports, entropy(setup.seed))?;
    let begun = Instant::now();
    // Tags and nonces of two runs must differ though the town is the same: the box still remembers
    // dialogs of the run before. What citizens do is drawn from the model's seed alone.
    let setup = Setup { words: entropy(setup.seed), ..setup.clone() };
    let town = Town::new(Tick::ZERO, setup.clone());
    let (arrived, mut arrivals) = mpsc::channel(DATAGRAMS);
    let sockets = bind(&town, &arrived).await?;
    let mut shell = Shell { begun, town, sound, sockets };
    let mut ready = Ready::open(config.watchdog_ms);
    let seats = setup.phones.len();
    tracing::info!(
        "the town lives: carrier at {}, {seats} simulated phones, box expected at {}; seed {}, \
         scale {}",
        setup.carrier,
        setup.linebox,
        setup.seed,
        setup.scale
    );
    ready.beat();
    let mut ticks = tokio::time::interval(Duration::from_millis(u64::from(media::TICK_MS)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    shell.carry_out();
    let mut leaving_until = None;
    loop {
        let wake = shell.next_wake();
        tokio::select! {
            biased;
            () = either(&mut terminate, &mut interrupt), if leaving_until.is_none() => {
                tracing::info!("everybody hangs up");
                leaving_until = Some(shell.now() + LEAVE_MS);
                shell.town.handle_shutdown(shell.now());
            }
            due = ticks.tick() => {
                if due.elapsed() > Duration::from_millis(u64::from(media::TICK_MS * CATCH_UP)) {
                    ticks.reset();
                }
                shell.tick();
                ready.beat_if_due(shell.now());
            }
            Some((from, to, bytes)) = arrivals.recv() => {
                shell.town.handle_datagram(shell.now(), from, to, &bytes);
            }
            () = tokio::time::sleep_until(wake) => shell.town.handle_timeout(shell.now()),
        }
        shell.carry_out();
        if leaving_until.is_some_and(|until| shell.town.is_quiet() || shell.now() >= until) {
            return Ok(());
        }
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

async fn bind(
    town: &Town,
    arrived: &mpsc::Sender<Arrival>,
) -> Result<Vec<(SocketAddr, Arc<UdpSocket>)>, ProgramError> {
    let mut sockets = Vec::new();
    for (at, address) in town.addresses().enumerate() {
        let setting = if at == 0 { "town.sip" } else { "town.sip, phones above it" };
        let port = address.port();
        let socket = UdpSocket::bind(address).await;
        let socket = socket.map_err(|source| ConfigError::Port { port, setting, source })?;
        let socket = Arc::new(socket);
        tokio::spawn(read(socket.clone(), address, arrived.clone()));
        sockets.push((address, socket));
    }
    Ok(sockets)
}

/// Hands on what comes to one socket, until the program ends.
async fn read(socket: Arc<UdpSocket>, to: SocketAddr, arrived: mpsc::Sender<Arrival>) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        // An error is the ICMP echo of a datagram that found nobody: the box is not up yet.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
        if arrived.send((from, to, bytes)).await.is_err() {
            return;
        }
    }
}

impl Shell {
    fn now(&self) -> Tick {
        Tick(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn next_wake(&self) -> Instant {
        const IDLE: Duration = Duration::from_secs(3_600);
        let due = self.town.next_timeout().map(|(at, _)| Duration::from_millis(at.0));
        due.map_or_else(|| Instant::now() + IDLE, |due| self.begun + due)
    }

    fn tick(&mut self) {
        self.sound.tick();
        let now = self.now();
        while let Some(fact) = self.sound.poll() {
            self.town.handle_sound(now, fact);
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.town.poll() {
            match output {
                Output::Send { from, to, bytes } => {
                    let socket = self.sockets.iter().find(|(address, _)| *address == from);
                    // What the kernel does not take is lost; SIP says it again.
                    let _ = socket.map(|(_, socket)| socket.try_send_to(&bytes, to));
                }
                Output::Sound(order) => self.make(order),
                Output::Event(event) => tell(&event),
            }
        }
    }

    fn make(&mut self, order: SoundOrder) {
        tracing::debug!("sound: {order:?}");
        if let Err(error) = self.sound.apply(order) {
            tracing::warn!("{error}");
        }
    }
}

/// Renders one event; what happens all the time is told only to whoever asks for it.
fn tell(Event { who, what, .. }: &Event) {
    if matches!(what, Sight::Heard { .. } | Sight::Key(_)) {
        tracing::debug!("{who}: {what}");
    } else {
        tracing::info!("{who}: {what}");
    }
}

/// The signs of life that the supervisor reads, if one does.
struct Ready {
    pipe: Option<File>,
    every_ms: u64,
    next: Tick,
}

impl Ready {
    fn open(watchdog_ms: u64) -> Ready {
        let number = std::env::var(READY_FD).ok().and_then(|n| n.parse::<u32>().ok());
        let open = |n| File::options().write(true).open(format!("/proc/self/fd/{n}")).ok();
        Ready { pipe: number.and_then(open), every_ms: watchdog_ms / 3, next: Tick::ZERO }
    }

    fn beat(&mut self) {
        if let Some(pipe) = &mut self.pipe
            && pipe.write_all(b"\n").is_err()
        {
            // Nobody reads any more.
            self.pipe = None;
        }
    }

    fn beat_if_due(&mut self, now: Tick) {
        if self.every_ms > 0 && now >= self.next {
            self.next = now + self.every_ms;
            self.beat();
        }
    }
}

/// Unguessable where the system allows it, else the town's own seed.
fn entropy(seed: u64) -> u64 {
    getrandom::u64().unwrap_or(seed)
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> ProgramError {
    move |source| ProgramError::System { what, source }
}
