//! How the box is, for whoever looks from outside: without signing in, so without personal data.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Front;
use super::alarms;

/// How the box is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, `degraded` (it works, something is wrong) or `down` (nothing can be written).
    pub status: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The box's name.
    #[serde(rename = "box")]
    pub name: String,
    /// When centerd started.
    pub started: i64,
    /// Customers and phones are simulated.
    pub simulated: bool,
    /// Whether the wall clock can be trusted; nothing is dialled otherwise.
    pub clock_sane: bool,
    /// The processes, as the supervisor last wrote them; empty without one.
    pub processes: Vec<Process>,
    /// `up` when switchd is connected and has told everything, else `down`.
    pub link: &'static str,
    /// What switchd last said of itself.
    pub switch: SwitchHealth,
    /// The database.
    pub database: Database,
    /// What is wrong now. The full text is under `/api/v1/alarms`.
    pub alarms: Vec<alarms::ShortAlarm>,
}

/// A process of the box.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// `up`, or what it is instead.
    pub state: String,
    /// Its process id, while it runs.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u32,
    /// Since when it is in this state.
    pub since: i64,
}

/// The switch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SwitchHealth {
    /// Ticks of the sound thread so far.
    pub sound_ticks: u64,
    /// Ticks that began more than one tick late.
    pub sound_overruns: u64,
    /// Lateness of the last ticks, microseconds: median, 99th percentile, worst.
    pub late_us: [u32; 3],
    /// Legs that live now.
    pub legs: u32,
    /// Recordings that run now.
    pub recordings: u32,
    /// Events waiting for centerd.
    pub events_queued: u32,
    /// Requests dropped by admission control since the start.
    pub sip_dropped: u64,
    /// Malformed messages since the start.
    pub sip_malformed: u64,
    /// Packets of sound that came too late or not at all.
    pub sound_lost: u64,
}

/// The database.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Database {
    /// Whether it can be read and takes what is written.
    pub ok: bool,
    /// Jobs that wait for the disk.
    pub writer_queue: usize,
}

impl From<&link::Health> for SwitchHealth {
    fn from(health: &link::Health) -> SwitchHealth {
        SwitchHealth {
            sound_ticks: health.sound_ticks,
            sound_overruns: health.sound_overruns,
            late_us: health.late_us,
            legs: health.legs,
            recordings: health.recordings,
            events_queued: health.events_queued,
            sip_dropped: health.sip_dropped,
            sip_malformed: health.sip_malformed,
            sound_lost: health.sound_lost,
        }
    }
}

/// How the box is. No sign-in needed, no personal data given.
#[utoipa::path(
    get, path = "/api/v1/health", tag = "box", security(()),
    responses((status = 200, body = Health))
)]
pub async fn health(State(front): State<Front>) -> Json<Health> {
    Json(now(&front).await)
}

/// How the box is now.
pub async fn now(front: &Front) -> Health {
    let live = front.live();
    let kept = front.read_box(|view| view.alarms_up()).await;
    let readable = kept.is_ok();
    let alarms = alarms::short(&live, &kept.unwrap_or_default());
    let waiting = front.writer.waiting();
    let takes = live.outbox < crate::limits::OUTBOX_MAX;
    let database = Database { ok: readable && takes, writer_queue: waiting.urgent + waiting.bulk };
    let status = match (database.ok, live.link_up && live.clock_sane && alarms.is_empty()) {
        (false, _) => "down",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    Health {
        status,
        version: env!("CARGO_PKG_VERSION"),
        name: front.config.about.name.clone(),
        started: front.started.0,
        simulated: front.config.town.simulated,
        clock_sane: live.clock_sane,
        processes: processes(front).await,
        link: if live.link_up { "up" } else { "down" },
        switch: SwitchHealth::from(&live.health),
        database,
        alarms,
    }
}

/// The supervisor's file, as far as we read it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Supervised {
    processes: Vec<SupervisedOne>,
}

#[derive(Deserialize)]
struct SupervisedOne {
    name: String,
    state: String,
    pid: Option<u32>,
    restarts: u32,
    since_ms: i64,
}

async fn processes(front: &Front) -> Vec<Process> {
    let path = front.config.place.dir.join("run/supervisor.json");
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    let bytes = read.ok().and_then(Result::ok).unwrap_or_default();
    let found: Supervised = serde_json::from_slice(&bytes).unwrap_or_default();
    let one = |p: SupervisedOne| Process {
        name: p.name,
        state: p.state,
        pid: p.pid,
        restarts: p.restarts,
        since: p.since_ms,
    };
    found.processes.into_iter().map(one).collect()
}
