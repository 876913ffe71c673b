//! One running copy: its newline, its heartbeats, its lines, its signals and its end.
//!
//! The task that waits for a copy is also the one that signals it. Until it has been waited for,
//! its process id cannot belong to anybody else, so no signal goes astray.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::EX_CONFIG;
use crate::limits::LAST_WORDS_MS;
use crate::order::{Ending, Life, Which};
use crate::spawn::Spawned;
use crate::voice::{self, Channel};

/// What a copy tells the loop.
#[derive(Clone, Debug)]
pub enum News {
    /// It wrote its newline.
    Ready,
    /// It wrote a further byte.
    Beat,
    /// It ended, and everything it had written has been passed on.
    Ended {
        /// Whether a restart may cure it.
        ending: Ending,
        /// The end in words, with its last line where that explains it.
        told: String,
    },
}

/// News with its sender.
pub type Letter = (Which, Life, News);

/// Follows a copy to its end.
pub async fn follow(
    name: String,
    (which, life): (Which, Life),
    spawned: Spawned,
    mut signals: mpsc::Receiver<Signal>,
    news: mpsc::Sender<Letter>,
) {
    let Spawned { mut child, ready } = spawned;
    let out = child.stdout.take().map(|s| pass_on(&name, Channel::Out, s));
    let err = child.stderr.take().map(|s| pass_on(&name, Channel::Err, s));
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
    let beats = tokio::spawn(listen(ready, which, life, news.clone()));
    let ended = loop {
        tokio::select! {
            biased;
            ended = child.wait() => break ended,
            Some(signal) = signals.recv() => send(&child, pid, signal),
        }
    };
    let last = (last_words(out).await, last_words(err).await);
    beats.abort();
    let (ending, told) = account(ended, &last.1);
    let _ = news.send((which, life, News::Ended { ending, told })).await;
}

fn pass_on(
    name: &str,
    channel: Channel,
    stream: impl tokio::io::AsyncRead + Unpin + Send + 'static,
) -> JoinHandle<String> {
    let name = name.to_owned();
    tokio::spawn(voice::pass_on(stream, move |line| voice::say(channel, &name, line)))
}

/// What the stream had still to say; a grandchild that holds it open is not waited for.
async fn last_words(stream: Option<JoinHandle<String>>) -> String {
    let Some(mut task) = stream else { return String::new() };
    match timeout(Duration::from_millis(LAST_WORDS_MS), &mut task).await {
        Ok(Ok(line)) => line,
        Ok(Err(_)) | Err(_) => String::new(),
    }
}

/// Reads the readiness descriptor: the first newline, then signs of life.
async fn listen(ready: pipe::Receiver, which: Which, life: Life, news: mpsc::Sender<Letter>) {
    let mut is_ready = false;
    let mut bytes = [0u8; 256];
    loop {
        if ready.readable().await.is_err() {
            return;
        }
        let count = match ready.try_read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        };
        let read = bytes.get(..count).unwrap_or_default();
        let what = match (is_ready, read.contains(&b'\n')) {
            (false, true) => News::Ready,
            (false, false) => continue,
            (true, _) => News::Beat,
        };
        is_ready = true;
        if news.send((which, life, what)).await.is_err() {
            return;
        }
    }
}

/// Sends a signal to a copy that has not been waited for. One that is already dead is no error:
/// its end is on its way.
fn send(child: &Child, pid: Option<Pid>, signal: Signal) {
    if let (Some(_), Some(pid)) = (child.id(), pid) {
        let _ = kill(pid, signal);
    }
}

fn account(ended: io::Result<ExitStatus>, last_line: &str) -> (Ending, String) {
    match ended {
        Ok(status) if status.code() == Some(EX_CONFIG) => {
            let why = if last_line.is_empty() { "it did not say why" } else { last_line };
            (Ending::BadSetting, format!("its settings cannot work: {why}"))
        }
        Ok(status) => (Ending::Curable, format!("ended with {status}")),
        Err(error) => (Ending::Curable, format!("ended, and how is not known: {error}")),
    }
}
