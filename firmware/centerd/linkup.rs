//! The connection to switchd: made again whenever it is gone, messages in and out, no decisions.

use core::time::Duration;
use std::path::{Path, PathBuf};

use link::frame::{self, Lines};
use link::{ToCenter, ToSwitch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use crate::api::limits::{LINK_IN_MAX, LINK_OUT_MAX, RECONNECT_FIRST_MS, RECONNECT_MAX_MS};

/// What the connection says.
#[derive(Debug)]
pub enum Heard {
    /// It stands; messages go out by this sender. Dropping the sender closes it.
    Up(mpsc::Sender<ToSwitch>),
    /// A message of switchd.
    Said(ToCenter),
    /// It is gone.
    Down,
}

/// Keeps a connection to the socket at `path` for as long as somebody listens.
#[must_use]
pub fn keep(path: PathBuf) -> mpsc::Receiver<Heard> {
    let (heard, listener) = mpsc::channel(LINK_IN_MAX);
    tokio::spawn(async move {
        let mut pause_ms = RECONNECT_FIRST_MS;
        while !heard.is_closed() {
            if let Ok(stream) = UnixStream::connect(&path).await {
                pause_ms = RECONNECT_FIRST_MS;
                if !converse(&path, stream, &heard).await {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 2).min(RECONNECT_MAX_MS);
        }
    });
    listener
}

/// One connection from its beginning to its end; `false` when nobody listens any more.
async fn converse(path: &Path, stream: UnixStream, heard: &mpsc::Sender<Heard>) -> bool {
    let (sender, outgoing) = mpsc::channel(LINK_OUT_MAX);
    if heard.send(Heard::Up(sender)).await.is_err() {
        return false;
    }
    let (reading, writing) = stream.into_split();
    let ended = tokio::select! {
        ended = read(reading, heard) => ended,
        ended = write(writing, outgoing) => ended,
    };
    tracing::info!(socket = %path.display(), reason = ended, "the link to switchd is down");
    heard.send(Heard::Down).await.is_ok()
}

async fn read(mut from: OwnedReadHalf, heard: &mpsc::Sender<Heard>) -> String {
    let mut lines = Lines::default();
    let mut piece = vec![0u8; 64 << 10];
    loop {
        match from.read(&mut piece).await {
            Ok(0) => return "switchd closed it".into(),
            Ok(count) => lines.push(piece.get(..count).unwrap_or_default()),
            Err(error) => return error.to_string(),
        }
        loop {
            match lines.next_message::<ToCenter>() {
                Ok(Some(message)) => {
                    if heard.send(Heard::Said(message)).await.is_err() {
                        return "centerd stops".into();
                    }
                }
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
    }
}

async fn write(mut to: OwnedWriteHalf, mut outgoing: mpsc::Receiver<ToSwitch>) -> String {
    while let Some(message) = outgoing.recv().await {
        match frame::emit(&message) {
            Ok(line) => {
                if let Err(error) = to.write_all(&line).await {
                    return error.to_string();
                }
            }
            Err(error) => tracing::error!(%error, "a message to switchd cannot be sent"),
        }
    }
    "centerd closed it".into()
}
