//! The shell around the town: sockets, the clock, 20 ms of sound at a time, signals. It decides
//! nothing.
//!
//! ```text
//!   1 SIP datagrams   sockets ► town      each turn of the loop takes one input, then carries out
//!     frames of spans                     everything the town asks for, until it asks no more
//!   2 timers          clock   ► town
//!   3 the 20 ms tick  sound  ◄► town
//!   4 SIGTERM, SIGINT: everybody hangs up, at most LEAVE_MS, and the program ends with 0
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use call::Tick;
use jiff::Zoned;
use tokio::net::UdpSocket;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::attach::{self, Errand, News};
use crate::bearers::Bearers;
use crate::config::{Config, ConfigError};
use crate::limits::{DATAGRAMS, FRAMES_WAITING};
use crate::sound::Sound;
use crate::town::{Citizen, Event, Output, Setup, Sight, SoundOrder, SoundPort, Span, Town};

/// For how long the end may take, in milliseconds: a BYE is answered within a few, on loopback.
const LEAVE_MS: u64 = 1_500;
/// For how long the last frames of a span may take, in milliseconds.
const PART_MS: u64 = 200;
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
    bearers: Bearers,
    sockets: Vec<(SocketAddr, Arc<UdpSocket>)>,
    /// By span.
    plugs: Vec<Plug>,
}

/// The way to one span's sockets.
struct Plug {
    errands: mpsc::Sender<Errand>,
    is_attached: bool,
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
    let setup = Setup {
        words: entropy(setup.seed),
        day_ms: day_ms(&Zoned::now().with_time_zone(config.timezone.clone())),
        ..setup.clone()
    };
    let mut town = Town::new(Tick::ZERO, setup.clone());
    let bearers = Bearers::new(setup.spans.len())?;
    let (news, mut told) = mpsc::channel(DATAGRAMS);
    let (plugs, attending) = plug_in(config, &mut town, &news);
    let (arrived, mut arrivals) = mpsc::channel(DATAGRAMS);
    let sockets = bind(&town, &arrived).await?;
    let mut shell = Shell { begun, town, sound, bearers, sockets, plugs };
    let mut ready = Ready::open(config.watchdog_ms);
    let seats = setup.phones.len();
    tracing::info!(
        "the town lives: carrier at {}, {seats} simulated phones, {} spans, box expected at {}; \
         {} entries of subscribers, seed {}, scale {}",
        setup.carrier,
        setup.spans.len(),
        setup.linebox,
        setup.subscribers.len(),
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
            Some((span, news)) = told.recv() => shell.attached(span, news),
            () = tokio::time::sleep_until(wake) => shell.town.handle_timeout(shell.now()),
        }
        shell.carry_out();
        if leaving_until.is_some_and(|until| shell.town.is_quiet() || shell.now() >= until) {
            break;
        }
    }
    part(shell.plugs, attending).await;
    Ok(())
}

/// Begins to look for the box at every span. Until it is there the line is dead.
fn plug_in(
    config: &Config,
    town: &mut Town,
    news: &mpsc::Sender<(u8, News)>,
) -> (Vec<Plug>, Vec<JoinHandle<()>>) {
    let spans = (0u8..).zip(&config.setup.spans);
    let plug = |(n, span): (u8, &Span)| {
        town.handle_span(Tick::ZERO, n, false);
        let (errands, taken) = mpsc::channel(FRAMES_WAITING);
        let path = config.data.join(&span.attach);
        let attending = tokio::spawn(attach::attend(path, n, news.clone(), taken));
        (Plug { errands, is_attached: false }, attending)
    };
    spans.map(plug).unzip()
}

/// Lets the last frames go out.
async fn part(plugs: Vec<Plug>, attending: Vec<JoinHandle<()>>) {
    drop(plugs);
    for task in attending {
        let _ = tokio::time::timeout(Duration::from_millis(PART_MS), task).await;
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
        if self.plugs.is_empty() {
            return;
        }
        self.bearers.tick();
        while let Some(fact) = self.bearers.poll() {
            self.town.handle_sound(now, fact);
        }
        for (n, plug) in (0u8..).zip(&self.plugs).filter(|(_, plug)| plug.is_attached) {
            if let Some(message) = self.bearers.message(n) {
                // Where frames pile up, sound is late anyway.
                let _ = plug.errands.try_send(Errand::Block(message.to_vec()));
            }
        }
    }

    fn attached(&mut self, span: u8, news: News) {
        let now = self.now();
        let Some(plug) = self.plugs.get_mut(usize::from(span)) else { return };
        match news {
            News::Attached => {
                tracing::info!("{}: the box is there", Citizen::Span(span));
                plug.is_attached = true;
                self.town.handle_span(now, span, true);
            }
            News::Gone => {
                tracing::info!("{}: the box is gone", Citizen::Span(span));
                plug.is_attached = false;
                self.town.handle_span(now, span, false);
            }
            News::Frame(bytes) => self.town.handle_frame(now, span, &bytes),
            News::Block(message) => self.bearers.handle_message(span, &message),
        }
    }

    fn tell_plug(&self, span: u8, errand: Errand) {
        if let Some(plug) = self.plugs.get(usize::from(span)) {
            // What does not fit is lost; Q.921 says it again.
            let _ = plug.errands.try_send(errand);
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
                Output::Frame { span, bytes } => self.tell_plug(span, Errand::Frame(bytes)),
                Output::Span { span, up } => self.tell_plug(span, Errand::Plug(up)),
                Output::Sound(order) => self.make(order),
                Output::Event(event) => tell(&event),
            }
        }
    }

    fn make(&mut self, order: SoundOrder) {
        tracing::debug!("sound: {order:?}");
        let made = if order.port().0 < SoundPort::BEARERS {
            self.sound.apply(order)
        } else {
            self.bearers.apply(order)
        };
        if let Err(error) = made {
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

/// How old the day is, in milliseconds.
fn day_ms(now: &Zoned) -> u64 {
    let at = [(now.hour(), 3_600_000), (now.minute(), 60_000), (now.second(), 1_000)];
    at.into_iter().map(|(count, ms)| u64::from(count.unsigned_abs()) * ms).sum()
}

/// Unguessable where the system allows it, else the town's own seed.
fn entropy(seed: u64) -> u64 {
    getrandom::u64().unwrap_or(seed)
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> ProgramError {
    move |source| ProgramError::System { what, source }
}
