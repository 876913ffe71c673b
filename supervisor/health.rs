//! `run/supervisor.json`: what runs, for the health page and for tests that kill.
//!
//! ```json
//! {"supervisor_pid": 1, "written_ms": 1763600000000, "processes": [
//!   {"name": "switchd", "state": "up", "pid": 11, "restarts": 0, "since_ms": 1763599990000}]}
//! ```
//! Times are UTC milliseconds. The file is replaced as a whole at each change of a state, so a
//! reader sees the old one or the new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The file's content.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Process id of the supervisor.
    pub supervisor_pid: u32,
    /// When this was written, UTC milliseconds.
    pub written_ms: u64,
    /// In order of starting.
    pub processes: Vec<Process>,
}

/// One process.
#[derive(Clone, Debug, Serialize)]
pub struct Process {
    /// `switchd`, `centerd` or `town`.
    pub name: String,
    /// `down`, `queued`, `starting`, `up`, `aborting`, `stopping`, `backoff` or `refused`.
    pub state: &'static str,
    /// Its process id, while a copy runs.
    pub pid: Option<u32>,
    /// Copies started after the first.
    pub restarts: u32,
    /// When it entered this state, UTC milliseconds.
    pub since_ms: u64,
}

/// Where the file lies below the data directory.
pub fn path(data: &Path) -> PathBuf {
    data.join("run/supervisor.json")
}

/// Replaces the file. It is not synced: after a power cut nothing in it would be true.
pub fn write(data: &Path, health: &Health) -> io::Result<()> {
    let target = path(data);
    let fresh = target.with_extension("json.new");
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&fresh, serde_json::to_vec(health)?)?;
    fs::rename(&fresh, &target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_replaced_and_reads_as_documented() {
        let data = tempfile::tempdir().unwrap();
        for restarts in 0..2 {
            let process = Process {
                name: "switchd".into(),
                state: "up",
                pid: Some(11),
                restarts,
                since_ms: 5,
            };
            let health = Health { supervisor_pid: 1, written_ms: 6, processes: vec![process] };
            write(data.path(), &health).unwrap();
        }
        let text = fs::read_to_string(path(data.path())).unwrap();
        assert_eq!(
            text,
            "{\"supervisor_pid\":1,\"written_ms\":6,\"processes\":[{\"name\":\"switchd\",\
             \"state\":\"up\",\"pid\":11,\"restarts\":1,\"since_ms\":5}]}"
        );
        assert_eq!(fs::read_dir(data.path().join("run")).unwrap().count(), 1);
    }
}
