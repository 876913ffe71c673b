//! A span of the exchange plugged into the box: two `SOCK_SEQPACKET` sockets at which the box
//! listens, one for D-channel frames (`.d`), one for 20 ms of sound a message (`.b`).
//!
//! The box may come later, go, and come again: whoever is not there is looked for every
//! [`RETRY_MS`]. What is to be sent meanwhile is lost, as on a line that is cut.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use board_port::LONGEST_FRAME;
use board_port::block::LONGEST;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use tokio::net::UnixDatagram;
use tokio::sync::mpsc;

/// From one look for the box to the next, in milliseconds.
const RETRY_MS: u64 = 500;
/// Octets of an FCS, which a frame may carry.
const FCS: usize = 2;

/// What a span's sockets bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The box is there.
    Attached,
    /// It is gone.
    Gone,
    /// A D-channel frame.
    Frame(Vec<u8>),
    /// 20 ms of sound.
    Block(Vec<u8>),
}

/// What is to be done at a span's sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Send a D-channel frame.
    Frame(Vec<u8>),
    /// Send 20 ms of sound.
    Block(Vec<u8>),
    /// Pull the plug, or put it back.
    Plug(bool),
}

/// Both sockets of a box that is there.
struct Plugged {
    frames: UnixDatagram,
    blocks: UnixDatagram,
}

/// Keeps the span at `path` (without `.d` and `.b`) attached until nobody wants to hear of it any
/// more. `span` is given back with all news.
pub async fn attend(
    path: PathBuf,
    span: u8,
    news: mpsc::Sender<(u8, News)>,
    mut errands: mpsc::Receiver<Errand>,
) {
    let mut is_pulled = false;
    loop {
        let plugged = if is_pulled { None } else { Plugged::connect(&path).ok() };
        let Some(plugged) = plugged else {
            let retry = tokio::time::sleep(Duration::from_millis(RETRY_MS));
            match away(retry, &mut errands).await {
                Away::Ended => return,
                Away::Retry => {}
                Away::Plug(on) => is_pulled = !on,
            }
            continue;
        };
        if news.send((span, News::Attached)).await.is_err() {
            return;
        }
        let parting = converse(&plugged, span, &news, &mut errands).await;
        drop(plugged);
        if news.send((span, News::Gone)).await.is_err() {
            return;
        }
        match parting {
            Parting::Ended => return,
            Parting::Gone => {}
            Parting::Pulled => is_pulled = true,
        }
    }
}

enum Away {
    Ended,
    Retry,
    Plug(bool),
}

/// Nobody is there: what is to be sent is lost.
async fn away(retry: tokio::time::Sleep, errands: &mut mpsc::Receiver<Errand>) -> Away {
    tokio::pin!(retry);
    loop {
        tokio::select! {
            () = &mut retry => return Away::Retry,
            errand = errands.recv() => match errand {
                None => return Away::Ended,
                Some(Errand::Plug(on)) => return Away::Plug(on),
                Some(Errand::Frame(_) | Errand::Block(_)) => {}
            },
        }
    }
}

enum Parting {
    Ended,
    Gone,
    Pulled,
}

async fn converse(
    plugged: &Plugged,
    span: u8,
    news: &mpsc::Sender<(u8, News)>,
    errands: &mut mpsc::Receiver<Errand>,
) -> Parting {
    let mut frame = [0; LONGEST_FRAME + FCS];
    let mut block = [0; LONGEST];
    loop {
        let told = tokio::select! {
            got = receive(&plugged.frames, &mut frame) => {
                got.map(|length| News::Frame(frame.get(..length).unwrap_or_default().to_vec()))
            }
            got = receive(&plugged.blocks, &mut block) => {
                got.map(|length| News::Block(block.get(..length).unwrap_or_default().to_vec()))
            }
            errand = errands.recv() => {
                let sent = match errand {
                    None => return Parting::Ended,
                    Some(Errand::Plug(true)) => Ok(()),
                    Some(Errand::Plug(false)) => return Parting::Pulled,
                    Some(Errand::Frame(frame)) => send(&plugged.frames, &frame),
                    Some(Errand::Block(block)) => send(&plugged.blocks, &block),
                };
                if sent.is_err() {
                    return Parting::Gone;
                }
                continue;
            }
        };
        let Ok(told) = told else { return Parting::Gone };
        if news.send((span, told)).await.is_err() {
            return Parting::Ended;
        }
    }
}

impl Plugged {
    fn connect(path: &Path) -> io::Result<Plugged> {
        // Frames last: with them the alarm ends, and then the sound has to be there.
        let blocks = connect(path, "b")?;
        Ok(Plugged { frames: connect(path, "d")?, blocks })
    }
}

/// Connects to one of the two. Between messages that keep their bounds and messages that are numbered
/// there is no difference to whoever sends and receives: it is used as a datagram socket is.
fn connect(path: &Path, which: &str) -> io::Result<UnixDatagram> {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(which);
    let address = UnixAddr::new(Path::new(&name))?;
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket::socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    socket::connect(fd.as_raw_fd(), &address)?;
    UnixDatagram::from_std(fd.into())
}

/// The next message; an error when the box is gone. One that is too long for `buffer` is none of ours
/// and is cut, so that whoever reads it finds it wrong.
async fn receive(from: &UnixDatagram, buffer: &mut [u8]) -> io::Result<usize> {
    match from.recv(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => Ok(length),
    }
}

/// Sends one message. To a box that does not read it is lost.
fn send(to: &UnixDatagram, message: &[u8]) -> io::Result<()> {
    match to.try_send(message) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}
