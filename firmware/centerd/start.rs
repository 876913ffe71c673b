//! How the daemon comes up and goes down: port, database, office, server; and back.

use core::time::Duration;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use call::TenantId;
use link::key::KeyError;
use store::{Actor, Applied, BoxChange, BoxKey, Job, Reader, Store, Writer};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::api::{self, Front};
use crate::center::{Beginning, Center};
use crate::config::{Config, ConfigError};
use crate::first_run::{self, FirstRunError};
use crate::reactor::{Clock, Parts, Reactor};
use crate::ready::Ready;
use crate::secrets::{Cost, NoSecret, Proofs};
use crate::{load, server};

/// The box's key, below the data folder. switchd reads the same file.
pub const KEY_FILE: &str = "key";

/// The daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used: starting again would not help.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key file.
    #[error("the box key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The database.
    #[error("the database cannot be used: {0}")]
    Store(#[from] store::Error),
    /// The first start.
    #[error("the first start failed: {0}")]
    FirstRun(#[from] FirstRunError),
    /// No random bytes.
    #[error(transparent)]
    Secret(#[from] NoSecret),
    /// The machine refused.
    #[error("the machine refused: {0}")]
    System(#[from] std::io::Error),
}

/// The database and what was read of it, before anything runs.
pub struct Opened {
    /// The database.
    pub store: Store,
    /// Opens recordings.
    pub key: link::key::BoxKey,
    /// The office as the last epoch left it.
    pub center: Center,
    /// Its tick zero.
    pub clock: Clock,
    /// To be shown once, on a first start.
    pub password: Option<String>,
}

/// Opens what lies in the data folder, sets a new box up, and begins an epoch.
///
/// # Errors
/// [`StartError`].
pub fn open(config: &Config, proofs: &Proofs) -> Result<Opened, StartError> {
    let folder = &config.place.dir;
    for place in [folder.clone(), folder.join("run"), folder.join("recordings")] {
        make_folder(&place)?;
    }
    let key = link::key::load_or_make(&folder.join(KEY_FILE))?;
    let clock = Clock::start();
    let now = clock.now();
    let path = folder.join("linebox.db");
    let box_key = BoxKey::from_bytes(key.0);
    let mut store = Store::open(&path, box_key, &config.about.name, now.stamp)?;
    let password = first_run::set_up(&mut store, config, proofs, now.stamp)?;
    let begun = store.apply(&Job::of_box(now.stamp, Actor::Box, BoxChange::BeginEpoch))?;
    let Applied::Epoch(epoch) = begun else {
        return Err(store::Error::Bug(format!("an epoch began as {begun:?}")).into());
    };
    let office = load::office(store.whole(), config)?;
    let attempts = store.recover()?;
    let agents = agents_then(&store)?;
    let center = Center::new(now, epoch, Beginning { office, attempts, agents });
    Ok(Opened { store, key, center, clock, password })
}

fn make_folder(path: &Path) -> Result<(), ConfigError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| ConfigError::Folder { path: path.to_owned(), source })
}

fn agents_then(store: &Store) -> Result<Vec<(call::AgentId, String)>, store::Error> {
    let mut agents = Vec::new();
    let tenants: Vec<TenantId> = store.whole().tenants()?.iter().map(|row| row.id).collect();
    for tenant in tenants {
        let now = store.tenant(tenant).agent_states_now()?;
        agents.extend(now.into_iter().map(|interval| (interval.agent, interval.state)));
    }
    Ok(agents)
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`StartError`].
pub async fn run(config: Config) -> Result<(), StartError> {
    let listener = server::bind(&config)?;
    let proofs = Proofs::new(Cost::SHIPPED)?;
    let mut opened = open(&config, &proofs)?;
    if let Some(password) = &opened.password {
        // The one line that an operator must see; the supervisor hands it on.
        let mut out = std::io::stdout().lock();
        writeln!(out, "first-run administrator password: {password}")?;
        out.flush()?;
        first_run::shown(&mut opened.store, opened.clock.now().stamp)?;
    }
    let path = config.place.dir.join("linebox.db");
    let readers = |key: &BoxKey| Reader::open(&path, key.clone());
    let (for_office, for_pages) = (readers(opened.store.key())?, readers(opened.store.key())?);
    let (writer, thread) = Writer::start(opened.store)?;
    let socket = config.place.dir.join("run/switchd.sock");
    let config = Arc::new(config);
    let (reactor, line) = Reactor::new(Parts {
        center: opened.center,
        writer: writer.clone(),
        reader: for_office,
        proofs: proofs.clone(),
        config: Arc::clone(&config),
        socket,
        ready: Ready::open(),
        clock: opened.clock,
    });
    let front = Front::new(api::Parts {
        writer: writer.clone(),
        reader: for_pages,
        line,
        proofs,
        config: Arc::clone(&config),
        key: opened.key,
    });
    let (stop, stopping) = watch::channel(false);
    let serving = tokio::spawn(server::serve(listener, api::router(front), stopping));
    tracing::info!(address = %config.ports.listen, port = config.ports.console, "the console is up");
    let asked = asked_to_stop()?;
    reactor
        .run(async {
            asked.await;
            tracing::info!("stopping; calls go on in switchd");
            // Whoever is being answered still is; nobody new is let in.
            stop.send_replace(true);
        })
        .await;
    serving.abort();
    writer.stop();
    let joined = tokio::task::spawn_blocking(move || thread.join());
    // What was submitted is written before the thread ends; a dead disk must not hold the end up.
    match tokio::time::timeout(Duration::from_millis(1_000), joined).await {
        Ok(Ok(Ok(_))) => {}
        Ok(Ok(Err(error))) => tracing::error!(%error, "the writer ended badly"),
        Ok(Err(_)) | Err(_) => tracing::error!("the disk did not take everything in time"),
    }
    Ok(())
}

fn asked_to_stop() -> Result<impl Future<Output = ()>, std::io::Error> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
