//! One box under test: the supervisor and its daemons, started and stopped like the product.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::console::Console;
use crate::wait_for;

/// The new administrator password of every box under test.
pub const PASSWORD: &str = "a long enough password";

/// A running box.
pub struct Unit {
    /// Its folder: model file and data.
    pub dir: tempfile::TempDir,
    /// UDP port of SIP on 127.0.0.1.
    pub sip: u16,
    /// TCP port of the console.
    pub console: u16,
    /// Signed in as administrator.
    pub api: Console,
    supervisor: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Unit {
    /// Starts a fresh box without simulated town and signs in, changing the first-run password.
    #[must_use]
    pub fn start() -> Unit {
        let dir = tempfile::Builder::new().prefix("linebox-peer-").tempdir().unwrap();
        let (sip, console, rtp) = (free_udp(), free_tcp(), free_rtp_range(400));
        let model = format!(
            "[box]\nname = \"peer\"\nlanguage = \"en\"\ntimezone = \"Asia/Shanghai\"\ncountry = \"CN\"\n\
             [ports]\nlisten = \"127.0.0.1\"\nsip = {sip}\nconsole = {console}\nrtp = \"{}-{}\"\n\
             [sound]\nprompts = \"{}\"\n[limits]\nrecordings_free_mb = 10\n",
            rtp,
            rtp + 399,
            repository().join("rootfs/overlay/share/prompts").display()
        );
        fs::write(dir.path().join("box.toml"), model).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let supervisor = spawn(dir.path(), &lines);
        let mut unit = Unit { dir, sip, console, api: Console::new(console), supervisor, lines };
        unit.wait_healthy();
        let first = unit.line_after("first-run administrator password:");
        unit.api.sign_in("admin", first.trim());
        let change = json!({ "old": first.trim(), "new": PASSWORD });
        unit.api.post("/api/v1/me/password", &change);
        unit.api.sign_in("admin", PASSWORD);
        unit
    }

    /// Where the box keeps its data.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("var")
    }

    /// Waits until health says that everything is up.
    pub fn wait_healthy(&self) {
        wait_for(
            &format!("a healthy box; it said\n{}", self.log()),
            Duration::from_secs(30),
            || {
                let health = self.api.try_get("/api/v1/health")?;
                (health["status"] == "ok" && health["link"] == "up").then_some(())
            },
        );
    }

    /// The process id of a daemon, as the supervisor tells it.
    #[must_use]
    pub fn pid(&self, name: &str) -> Option<i32> {
        let health = self.api.try_get("/api/v1/health")?;
        let process = health["processes"].as_array()?.iter().find(|p| p["name"] == name)?.clone();
        process["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok())
    }

    /// Everything the daemons have said.
    #[must_use]
    pub fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Stops the box as Ctrl-C does and says whether it ended well.
    pub fn stop(&mut self) -> bool {
        let _ = Command::new("kill").arg("-INT").arg(self.supervisor.id().to_string()).status();
        let ended = wait_for("the supervisor to stop", Duration::from_secs(15), || {
            self.supervisor.try_wait().unwrap()
        });
        ended.success()
    }

    /// Starts a stopped box again on the same data.
    pub fn start_again(&mut self) {
        self.supervisor = spawn(self.dir.path(), &self.lines);
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
            self.stop();
        }
        if thread::panicking() {
            let kept = std::env::temp_dir().join("linebox-peer-last.log");
            let _ = fs::write(&kept, self.log());
            eprintln!("what the box said: {}", kept.display());
        }
    }
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

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn spawn(dir: &Path, lines: &Arc<Mutex<Vec<String>>>) -> Child {
    let mut child = Command::new(program("supervisor"))
        .arg("--model")
        .arg(dir.join("box.toml"))
        .arg("--data")
        .arg(dir.join("var"))
        .current_dir(repository())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = Arc::new(Mutex::new(File::create(dir.join("box.log")).unwrap()));
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

fn free_udp() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn free_tcp() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An even port from which `count` ports are free.
fn free_rtp_range(count: u16) -> u16 {
    let free = |first: u16| {
        (first..first + count).all(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok())
    };
    (12_000..30_000).step_by(usize::from(count)).find(|&first| free(first)).unwrap()
}
