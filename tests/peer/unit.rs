//! One box under test: the supervisor and its daemons, started and stopped like the product, and
//! killed as nothing should ever kill a product.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::console::Console;
use crate::wait_for;

/// The new administrator password of every box under test.
pub const PASSWORD: &str = "a long enough password";

/// The daemons of a box without a simulated town, in order of starting.
pub const DAEMONS: [&str; 2] = ["switchd", "centerd"];

/// A running box.
pub struct Unit {
    /// Its folder: model file and, unless it lies elsewhere, what it remembers.
    pub dir: tempfile::TempDir,
    /// UDP port of SIP on 127.0.0.1.
    pub sip: u16,
    /// TCP port of the console.
    pub console: u16,
    /// Signed in as administrator.
    pub api: Console,
    storage: PathBuf,
    sets: Vec<String>,
    supervisor: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

/// A daemon, as the supervisor tells it.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// `starting`, `up`, `backoff`, …
    pub state: String,
    /// Its process id, while a copy runs.
    pub pid: Option<u32>,
    /// Copies after the first.
    pub restarts: u64,
    /// In this state since, UTC milliseconds.
    pub since_ms: i64,
}

impl Unit {
    /// Starts a fresh box without simulated town and signs in, changing the first-run password.
    #[must_use]
    pub fn start() -> Unit {
        Unit::start_with(&[], None)
    }

    /// The same with settings over the model's, and with its memory in another folder.
    #[must_use]
    pub fn start_with(sets: &[&str], storage: Option<&Path>) -> Unit {
        Unit::start_whole("", sets, storage)
    }

    /// The same with further tables behind the model's own.
    #[must_use]
    pub fn start_whole(tables: &str, sets: &[&str], storage: Option<&Path>) -> Unit {
        let dir = tempfile::Builder::new().prefix("linebox-peer-").tempdir().unwrap();
        let (sip, console) = (free_udp(), free_tcp());
        let model = model(sip, console, free_rtp_range(400)) + tables;
        fs::write(dir.path().join("box.toml"), model).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let storage = storage.map_or(dir.path().join("var"), Path::to_owned);
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let supervisor = spawn(dir.path(), &storage, &sets, &lines);
        let api = Console::new(console);
        let mut unit = Unit { dir, sip, console, api, storage, sets, supervisor, lines };
        unit.wait_healthy();
        let first = unit.line_after("first-run administrator password:");
        unit.api.sign_in("admin", first.trim());
        let change = json!({ "old": first.trim(), "new": PASSWORD });
        unit.api.post("/api/v1/me/password", &change);
        unit.api.sign_in("admin", PASSWORD);
        unit
    }

    /// Where the box keeps what it remembers.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.storage.clone()
    }

    /// Waits until health says that everything is up, and says how long that took.
    pub fn wait_healthy(&self) -> Duration {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            let health = self.api.try_get("/api/v1/health").unwrap_or_default();
            if is_well(&health) {
                return start.elapsed();
            }
            thread::sleep(Duration::from_millis(20));
        }
        let health = self.api.try_get("/api/v1/health");
        panic!("the box is not healthy: {health:?}; it said\n{}", self.log());
    }

    /// What the health answer says now.
    #[must_use]
    pub fn health(&self) -> Value {
        self.api.get("/api/v1/health")
    }

    /// A daemon, as `run/supervisor.json` tells it: that file speaks with centerd dead, too.
    #[must_use]
    pub fn daemon(&self, name: &str) -> Option<Daemon> {
        let text = fs::read_to_string(self.storage.join("run/supervisor.json")).ok()?;
        let json: Value = serde_json::from_str(&text).ok()?;
        let one = json["processes"].as_array()?.iter().find(|p| p["name"] == name)?.clone();
        Some(Daemon {
            state: one["state"].as_str()?.to_owned(),
            pid: one["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()),
            restarts: one["restarts"].as_u64()?,
            since_ms: one["since_ms"].as_i64()?,
        })
    }

    /// Kills a daemon as a fault would (SIGKILL), if a copy of it runs under our supervisor.
    /// Returns what it was.
    pub fn kill(&self, name: &str) -> Option<Daemon> {
        let daemon = self.daemon(name)?;
        let pid = daemon.pid?;
        // Only a child of our own supervisor: a process id may have been given away again.
        if parent_of(pid) != Some(self.supervisor.id()) {
            return None;
        }
        signal("-KILL", pid).then_some(daemon)
    }

    /// Waits until a daemon runs that was killed; returns it.
    pub fn wait_restarted(&self, name: &str, killed: &Daemon) -> Daemon {
        wait_for(&format!("{name} to be restarted"), Duration::from_secs(20), || {
            self.daemon(name).filter(|d| d.state == "up" && d.restarts > killed.restarts)
        })
    }

    /// Keeps a daemon dead for so long: each copy is killed as soon as it is started. Returns how
    /// many were.
    pub fn keep_dead(&self, name: &str, span: Duration) -> u32 {
        let until = Instant::now() + span;
        let mut killed = 0;
        let mut last = None;
        while Instant::now() < until {
            let pid = self.daemon(name).and_then(|d| d.pid);
            if pid.is_some() && pid != last && self.kill(name).is_some() {
                killed += 1;
                last = pid;
            }
            thread::sleep(Duration::from_millis(5));
        }
        killed
    }

    /// Kills the supervisor (SIGKILL) and waits until all that ran under it is gone too.
    pub fn kill_everything(&mut self) {
        let children: Vec<u32> = DAEMONS.iter().filter_map(|name| self.daemon(name)?.pid).collect();
        self.supervisor.kill().unwrap();
        self.supervisor.wait().unwrap();
        wait_for("the children to die with their supervisor", Duration::from_secs(2), || {
            children.iter().all(|pid| !self.is_ours(*pid)).then_some(())
        });
    }

    /// Process ids of all daemons that work on this box's folder.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(|pid| self.is_ours(*pid)).collect()
    }

    fn is_ours(&self, pid: u32) -> bool {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let program = words.split('\0').next().unwrap_or_default();
        let program = Path::new(program).file_name().and_then(|name| name.to_str());
        program.is_some_and(|name| name == "supervisor" || DAEMONS.contains(&name))
            && words.split('\0').any(|word| Path::new(word) == self.storage)
    }

    /// Everything the daemons have said.
    #[must_use]
    pub fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Stops the box as Ctrl-C does and says whether it ended well.
    pub fn stop(&mut self) -> bool {
        signal("-INT", self.supervisor.id());
        let ended = wait_for("the supervisor to stop", Duration::from_secs(15), || {
            self.supervisor.try_wait().unwrap()
        });
        ended.success()
    }

    /// Starts a stopped box again on what it remembers, and signs in with the new password.
    pub fn start_again(&mut self) {
        self.supervisor = spawn(self.dir.path(), &self.storage, &self.sets, &self.lines);
        self.wait_healthy();
        self.api.sign_in("admin", PASSWORD);
    }

    /// Makes a phone account and returns its id.
    pub fn add_phone(&mut self, user: &str, secret: &str) -> i64 {
        let phone = json!({ "user": user, "label": format!("Phone {user}"), "secret": secret });
        id(&self.api.post("/api/v1/phones", &phone))
    }

    /// Makes an agent at a phone and returns its id.
    pub fn add_agent(&mut self, number: &str, pin: &str, phone: i64) -> i64 {
        let agent = json!({
            "number": number, "name": format!("Agent {number}"), "pin": pin, "phone_id": phone,
            "language": "en", "seat": "nailed_up",
        });
        id(&self.api.post("/api/v1/agents", &agent))
    }

    /// Makes a trunk without registration and returns its id.
    pub fn add_trunk(&mut self, name: &str, address: &str, channels_max: u16) -> i64 {
        let trunk = json!({
            "name": name, "address": address, "register": false, "sources": [],
            "numbers": ["+861062000000"], "channels_max": channels_max,
        });
        id(&self.api.post("/api/v1/trunks", &trunk))
    }

    /// Makes a campaign that may dial at any hour, with `changes` over its settings, uploads its
    /// numbers, and returns its id. It is not started.
    pub fn add_campaign(
        &mut self,
        trunks: &[i64],
        agents: &[i64],
        numbers: &[String],
        changes: &Value,
    ) -> i64 {
        let mut campaign = json!({
            "name": format!("Campaign from {}", numbers[0]), "mode": "precise",
            "trunk_ids": trunks, "agent_ids": agents, "ring_timeout_ms": 15_000,
            "attempts_max": 1, "interval_ms": 3_600_000, "wrap_up_ms": 20_000, "record": true,
            "hours": { "timezone": "Asia/Shanghai", "windows": [
                { "days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "to": "24:00" } ], "holidays": [] },
        });
        for (key, value) in changes.as_object().into_iter().flatten() {
            campaign[key] = value.clone();
        }
        let campaign = id(&self.api.post("/api/v1/campaigns", &campaign));
        let rows = numbers.iter().enumerate().map(|(n, number)| format!("Person {n},{number}\n"));
        let list = format!("name,phone\n{}", rows.collect::<String>());
        let report = self.api.upload(campaign, "list.csv", &list);
        let taken = report["accepted"].as_u64().unwrap() + report["repaired"].as_u64().unwrap();
        assert_eq!((&report["rows"], taken), (&json!(numbers.len()), numbers.len() as u64));
        campaign
    }

    /// Lets a campaign dial.
    pub fn dial(&self, campaign: i64) {
        self.api.post(&format!("/api/v1/campaigns/{campaign}/start"), &json!({}));
    }

    /// All attempts of a campaign.
    #[must_use]
    pub fn attempts(&self, campaign: i64) -> Vec<Value> {
        self.api.all(&format!("/api/v1/attempts?campaign={campaign}"))
    }

    /// What an agent says who has merely talked: its code, and its key on the phone.
    #[must_use]
    pub fn disposition(&self, campaign: i64) -> (String, String) {
        let campaign = self.api.get(&format!("/api/v1/campaigns/{campaign}"));
        let all = campaign["dispositions"].as_array().expect("dispositions");
        let said = all.iter().find(|d| d["category"] == "contact").expect("a plain contact");
        (said["code"].as_str().expect("a code").to_owned(), said["digit"].to_string())
    }

    /// An agent, whole.
    #[must_use]
    pub fn agent(&self, agent: i64) -> Value {
        self.api.get(&format!("/api/v1/agents/{agent}"))
    }

    /// Signs an agent in by the console, lets the box call the phone, and makes the agent ready.
    pub fn to_work(&self, agent: i64) {
        self.api.post(&format!("/api/v1/agents/{agent}/sign_in"), &json!({}));
        self.wait_seated(agent);
        if self.agent(agent)["state"] != "ready" {
            self.api.post(&format!("/api/v1/agents/{agent}/ready"), &json!({}));
        }
    }

    /// Waits until an agent is signed in and the seat's phone is off hook.
    pub fn wait_seated(&self, agent: i64) {
        let what = format!("agent {agent} signed in with a phone off hook");
        wait_for(&what, Duration::from_secs(20), || {
            let agent = self.agent(agent);
            (agent["leg_up"] == true && agent["state"] != "signed_out").then_some(())
        });
    }

    /// Waits until so many phones are registered.
    pub fn wait_registered(&self, count: usize) {
        wait_for(&format!("{count} registered phones"), Duration::from_secs(15), || {
            let phones = self.api.all("/api/v1/phones");
            (phones.iter().filter(|p| p["registered"] == true).count() == count).then_some(())
        });
    }

    fn line_after(&self, mark: &str) -> String {
        wait_for(mark, Duration::from_secs(20), || {
            let lines = self.lines.lock().unwrap();
            lines.iter().find_map(|line| line.split_once(mark).map(|(_, after)| after.to_owned()))
        })
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        if self.supervisor.try_wait().ok().flatten().is_none() {
            signal("-INT", self.supervisor.id());
            let until = Instant::now() + Duration::from_secs(15);
            while self.supervisor.try_wait().ok().flatten().is_none() && Instant::now() < until {
                thread::sleep(Duration::from_millis(50));
            }
            let _ = self.supervisor.kill();
            let _ = self.supervisor.wait();
        }
        if thread::panicking() {
            let kept = std::env::temp_dir().join("linebox-peer-last.log");
            let _ = fs::write(&kept, self.log());
            eprintln!("what the box said: {}", kept.display());
        }
    }
}

/// How a supervisor ended that could not start a box, and what it said.
pub fn refused(model: &Path, storage: &Path, sets: &[&str]) -> (ExitStatus, String) {
    let mut command = Command::new(program("supervisor"));
    command.arg("--model").arg(model).arg("--data").arg(storage).current_dir(repository());
    for set in sets {
        command.args(["--set", set]);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status, String::from_utf8_lossy(&said).into_owned())
}

/// The model file of a small box on these ports.
#[must_use]
pub fn model(sip: u16, console: u16, rtp: u16) -> String {
    format!(
        "[box]\nname = \"peer\"\nlanguage = \"en\"\ntimezone = \"Asia/Shanghai\"\ncountry = \"CN\"\n\
         [ports]\nlisten = \"127.0.0.1\"\nsip = {sip}\nconsole = {console}\nrtp = \"{rtp}-{}\"\n\
         [sound]\nprompts = \"{}\"\n[limits]\nrecordings_free_mb = 10\n",
        rtp + 399,
        repository().join("rootfs/overlay/share/prompts").display()
    )
}

/// The id in an answer to a creation.
#[must_use]
pub fn id(answer: &Value) -> i64 {
    answer["id"].as_i64().unwrap_or_else(|| panic!("no id in {answer}"))
}

/// A program of the release build.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let program = target.unwrap_or_else(|| repository().join("target")).join("release").join(name);
    assert!(program.exists(), "{} is not built: run make build first", program.display());
    program
}

/// Where the sources lie.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// A free UDP port on loopback.
#[must_use]
pub fn free_udp() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A free TCP port on loopback.
#[must_use]
pub fn free_tcp() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An even port from which `count` ports are free.
#[must_use]
pub fn free_rtp_range(count: u16) -> u16 {
    let free = |first: u16| {
        (first..first + count).all(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok())
    };
    let places: Vec<u16> = (12_000..30_000).step_by(usize::from(count)).collect();
    let begin = std::process::id() as usize % places.len();
    let mut from_there = places.iter().cycle().skip(begin).take(places.len());
    *from_there.find(|first| free(**first)).expect("free ports for sound")
}

fn spawn(dir: &Path, storage: &Path, sets: &[String], lines: &Arc<Mutex<Vec<String>>>) -> Child {
    let mut command = Command::new(program("supervisor"));
    command.arg("--model").arg(dir.join("box.toml")).arg("--data").arg(storage);
    for set in sets {
        command.args(["--set", set]);
    }
    let mut child = command
        .current_dir(repository())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = File::options().create(true).append(true).open(dir.join("box.log")).unwrap();
    let log = Arc::new(Mutex::new(log));
    let out = child.stdout.take().map(|out| Box::new(out) as Box<dyn std::io::Read + Send>);
    let err = child.stderr.take().map(|err| Box::new(err) as Box<dyn std::io::Read + Send>);
    for stream in [out, err].into_iter().flatten() {
        let (lines, log) = (lines.clone(), log.clone());
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = writeln!(log.lock().unwrap(), "{line}");
                lines.lock().unwrap().push(line);
            }
        });
    }
    child
}

/// Asks one process to end, as Ctrl-C does.
pub fn interrupt(pid: u32) {
    signal("-INT", pid);
}

fn signal(which: &str, pid: u32) -> bool {
    let ended = Command::new("kill").arg(which).arg(pid.to_string()).stderr(Stdio::null()).status();
    ended.is_ok_and(|status| status.success())
}

/// The parent of a process: the fourth word of its `stat`, behind the name in brackets.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Everything is up. That the sound thread was late for a moment is an alarm of the box for a
/// minute, and rightly so; here it says that the machine of the test is busy, and no more.
fn is_well(health: &Value) -> bool {
    let no_alarms = Vec::new();
    let alarms = health["alarms"].as_array().unwrap_or(&no_alarms);
    let late = !alarms.is_empty() && alarms.iter().all(|alarm| alarm["kind"] == "sound_overrun");
    health["link"] == "up" && (health["status"] == "ok" || (health["status"] == "degraded" && late))
}
