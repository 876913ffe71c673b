//! How switchd is put together: files, sockets, threads, switch, reactor; and taken apart again.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket as StdUdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;
use std::{fs, process};

use board_port::{Bearers, EchoPlace, Span};
use link::key::{self, KeyError};
use tokio::net::{UdpSocket, UnixDatagram, UnixListener};

use crate::archive::{Archive, ArchiveError};
use crate::config::{Config, ConfigError, EX_CONFIG};
use crate::disk::Disk;
use crate::hardware::Absent;
use crate::journal::file::next_epoch;
use crate::journal::{Journal, JournalError};
use crate::keep::Keeper;
use crate::limits::{DISK_ORDERS_MAX, MEDIA_TIMEOUT_MS};
use crate::live_span::{LiveSpan, Watched};
use crate::reactor::{self, Shell, now};
use crate::ready::Ready;
use crate::seam::{DiskOrder, Doorbell, SoundPulse, rings};
use crate::shelf::{self, ShelfError};
use crate::sound::{Sound, bind_ports};
use crate::switch::{Setup, SpanSetup, Switch};

/// switchd cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The prompts cannot be read.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The box's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The journal cannot be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder of recordings cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The socket for centerd cannot be made.
    #[error("{path}: {source}; check the rights of the data folder")]
    Socket {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused something else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl StartError {
    /// The exit code that tells the supervisor whether to try again.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            StartError::Config(_) | StartError::Shelf(_) => EX_CONFIG,
            StartError::Key(_)
            | StartError::Journal(_)
            | StartError::Archive(_)
            | StartError::Socket { .. }
            | StartError::Io(_) => 1,
        }
    }
}

/// Runs switchd until it is told to stop.
///
/// # Errors
/// [`StartError`].
pub fn run(config: &Config) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(assemble(config));
    // A desired state that is being written is waited for.
    drop(runtime);
    let (disk_orders, threads) = ended?;
    // The sound thread was told to stop; its last blocks are in the ring when it is gone.
    let [sound, disk] = threads;
    let _ = sound.join();
    let _ = disk_orders.send(DiskOrder::Stop);
    let _ = disk.join();
    Ok(())
}

type Threads = (SyncSender<DiskOrder>, [JoinHandle<()>; 2]);

async fn assemble(config: &Config) -> Result<Threads, StartError> {
    let born = Instant::now();
    let folder = config.data.join("switchd");
    // The ports first: a box that is started twice must not touch the files of the first.
    let sip = bind_sip(config)?;
    let (first, last) = config.rtp;
    let sockets = bind_ports(config.listen, first, last)
        .map_err(|e| not_bound(SocketAddr::new(config.listen, e.port), "ports.rtp", e.source))?;
    fs::create_dir_all(&folder).map_err(|source| JournalError { path: folder.clone(), source })?;
    let box_key = key::load_or_make(&config.data.join("key"))?;
    let journal = Journal::open(&folder)?;
    let epoch = next_epoch(&folder)?;
    let keeper = Keeper::new(&folder, box_key.clone());
    let (library, sounds) = shelf::read(&config.prompts)?;
    let archive = Archive::open(&config.data.join("recordings"), box_key)?;
    let listener = listen_for_center(&config.data)?;

    let (mut rings, sound_ends, disk_ends) = rings()?;
    for order in sounds {
        // The ring is larger than the library (both are bounded), and nothing else is in it yet.
        let _ = rings.orders.enqueue(order);
    }
    let (bell, heard) = Doorbell::pair()?;
    let pulse = Arc::new(SoundPulse::default());
    let legs_max = usize::from(config.legs).min(sockets.len()).min(media::limits::PLAYERS - 1);
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(KeyError::NoRandom)?;
    let address = advertised(config.listen);
    let spans = open_spans(config);
    let setup = Setup {
        epoch,
        seed,
        sip: SocketAddr::new(address, config.sip),
        rtp: address,
        rtp_first: first,
        legs_max: legs_max as u16,
        recorders: media::limits::RECORDERS as u16,
        alaw_first: config.alaw_first,
        agent: format!("Linebox/{} ({})", env!("CARGO_PKG_VERSION"), config.name),
        media_timeout_ms: MEDIA_TIMEOUT_MS,
        realm: config.realm.clone(),
        library,
        spans: spans.setups,
    };
    let switch = Switch::new(now(born), setup, journal.book(), keeper.load());

    let sound = Sound {
        sockets,
        realtime_priority: Some(config.realtime_priority),
        ends: sound_ends,
        bell: bell.another()?,
        pulse: Arc::clone(&pulse),
        spans: spans.bearers,
    };
    let (disk_orders, orders) = sync_channel(DISK_ORDERS_MAX);
    let (reports, disk_reports) = sync_channel(DISK_ORDERS_MAX);
    let free_bytes_min = config.recordings_free_mb << 20;
    let disk = Disk { archive, free_bytes_min, orders, reports, bell };
    let threads = [sound.start()?, disk.start(disk_ends)?];

    let shell = Shell {
        sip: UdpSocket::from_std(sip)?,
        listener,
        bell: UnixDatagram::from_std(heard)?,
        rings,
        disk_orders: disk_orders.clone(),
        disk_reports,
        pulse,
        journal,
        keeper,
        ready: Ready::open(),
        born,
        spans: spans.watched.into_iter().map(LiveSpan::new).collect::<io::Result<_>>()?,
    };
    tracing::info!(epoch = epoch.0, sip = %config.sip, legs = legs_max, "switchd serves");
    reactor::serve(shell, switch).await?;
    Ok((disk_orders, threads))
}

/// The spans of the model, each cut into what the threads need of it. One that cannot be opened keeps
/// its place: it is shown with its alarm.
#[derive(Default)]
struct OpenSpans {
    setups: Vec<SpanSetup>,
    bearers: Vec<Box<dyn Bearers>>,
    watched: Vec<Option<Watched>>,
}

fn open_spans(config: &Config) -> OpenSpans {
    let mut open = OpenSpans::default();
    for hardware in &config.spans {
        match hardware.open(&config.data) {
            Ok(mut parts) => {
                let by_card = hardware.echo && cancels_echo(parts.span.as_mut(), &hardware.slots);
                open.setups.push(hardware.setup(by_card));
                open.bearers.push(parts.bearers);
                open.watched.push(Some((parts.frames, parts.span)));
            }
            Err(error) => {
                tracing::error!(%error, device = ?hardware.device, "a span was not opened");
                open.setups.push(hardware.setup(false));
                open.bearers.push(Box::new(Absent));
                open.watched.push(None);
            }
        }
    }
    open
}

/// Whether the card cancels the echo of every channel by itself.
fn cancels_echo(span: &mut dyn Span, slots: &[u8]) -> bool {
    let mut by_card = |slot: &u8| matches!(span.set_echo(*slot, true), Ok(EchoPlace::Card));
    // Every slot is asked, also behind one that cannot.
    slots.iter().filter(|slot| !by_card(slot)).count() == 0
}

fn bind_sip(config: &Config) -> Result<StdUdpSocket, ConfigError> {
    let address = SocketAddr::new(config.listen, config.sip);
    let bound = StdUdpSocket::bind(address);
    let socket = bound.and_then(|s| s.set_nonblocking(true).map(|()| s));
    socket.map_err(|source| not_bound(address, "ports.sip", source))
}

fn not_bound(address: SocketAddr, setting: &'static str, source: io::Error) -> ConfigError {
    if source.kind() == io::ErrorKind::AddrInUse {
        return ConfigError::PortInUse { port: address.port(), setting, source };
    }
    ConfigError::CannotListen { address: address.to_string(), setting, source }
}

/// The address that far ends are told. Where we listen on every network it is that of the network
/// that leads outside; nothing is sent to find it.
fn advertised(listen: IpAddr) -> IpAddr {
    if !listen.is_unspecified() {
        return listen;
    }
    // An address of TEST-NET-1 (RFC 5737) is routed as any address outside is.
    let outside = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let found = StdUdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .and_then(|socket| socket.connect(outside).and_then(|()| socket.local_addr()));
    found.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

/// The socket for centerd, for nobody but our own user.
fn listen_for_center(data: &Path) -> Result<UnixListener, StartError> {
    let folder = data.join("run");
    let path = folder.join("switchd.sock");
    let failed = |source| StartError::Socket { path: path.clone(), source };
    fs::create_dir_all(&folder).map_err(failed)?;
    // Made under another name first: nobody can connect before only we may.
    let draft = folder.join(format!("switchd.{}.draft", process::id()));
    let _ = fs::remove_file(&draft);
    let listener = UnixListener::bind(&draft).map_err(failed)?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    fs::rename(&draft, &path).map_err(failed)?;
    Ok(listener)
}
