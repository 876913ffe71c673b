//! The program itself with small shell scripts as daemons: real processes, real signals.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Longest that anything here is waited for; a loaded machine is slow, a hung one is not.
const PATIENCE: Duration = Duration::from_secs(20);

/// Says that it is ready, then lives until it is told to end, and says that too.
const GOOD: &str = "trap 'echo ending; exit 0' TERM\n\
    echo > /proc/self/fd/$LINEBOX_READY_FD\n\
    while :; do sleep 0.05; done\n";

struct BoxUnderTest {
    folder: TempDir,
    supervisor: Child,
}

impl BoxUnderTest {
    fn start(switchd: &str, centerd: &str, extra: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("m.toml"), "[box]\nname = \"t\"\n").unwrap();
        script(&folder.path().join("switchd"), switchd);
        script(&folder.path().join("centerd"), centerd);
        let supervisor = Command::new(env!("CARGO_BIN_EXE_supervisor"))
            .arg("--model")
            .arg(folder.path().join("m.toml"))
            .arg("--data")
            .arg(folder.path().join("var"))
            .arg("--programs")
            .arg(folder.path())
            .args(extra)
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.path().join("out")).unwrap())
            .stderr(fs::File::create(folder.path().join("err")).unwrap())
            .spawn()
            .unwrap();
        BoxUnderTest { folder, supervisor }
    }

    fn file(&self, name: &str) -> String {
        let mut text = String::new();
        if let Ok(mut file) = fs::File::open(self.folder.path().join(name)) {
            let _ = file.read_to_string(&mut text);
        }
        text
    }

    /// State, process id and restarts of a process, as the health page reads them.
    fn process(&self, name: &str) -> Option<(String, i32, u64)> {
        let json: serde_json::Value =
            serde_json::from_str(&self.file("var/run/supervisor.json")).ok()?;
        let all = json.get("processes")?.as_array()?.clone();
        let one = all.into_iter().find(|p| p["name"] == name)?;
        let pid = one["pid"].as_i64().unwrap_or(0);
        Some((one["state"].as_str()?.to_owned(), pid as i32, one["restarts"].as_u64()?))
    }

    fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for {what}\n{}\n{}",
                self.file("out"),
                self.file("err")
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The process id of a process that is up in its `restarts`-th restart.
    fn up(&self, name: &str, restarts: u64) -> i32 {
        self.wait_for(&format!("{name} up, restart {restarts}"), |this| {
            let (state, pid, count) = this.process(name)?;
            (state == "up" && count == restarts).then_some(pid)
        })
    }

    fn send(&self, pid: i32, signal: Signal) {
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    fn end(&mut self) -> i32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.supervisor.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(start.elapsed() < PATIENCE, "did not end\n{}", self.file("out"));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for BoxUnderTest {
    fn drop(&mut self) {
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
    }
}

fn script(path: &PathBuf, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn exists(pid: i32) -> bool {
    // A zombie whose parent has gone is reaped by init in its own time; it runs no more.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn both_come_up_in_order_and_a_stop_ends_both_in_reverse_with_zero() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut it = BoxUnderTest::start(GOOD, GOOD, &[]);
        let pids = [it.up("switchd", 0), it.up("centerd", 0)];
        it.wait_for("the address of the console", |this| {
            this.file("out").contains("console: http://127.0.0.1:8080/").then_some(())
        });
        it.send(it.supervisor.id() as i32, signal);
        assert_eq!(it.end(), 0, "{}", it.file("err"));
        let out = it.file("out");
        let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("no `{text}` in\n{out}"));
        assert!(at("switchd: up") < at("centerd: starting"));
        assert!(at("centerd | ending") < at("switchd | ending"));
        assert!(at("centerd: down") < at("switchd: stopping"));
        assert!(!pids.into_iter().any(exists));
    }
}

#[test]
fn a_killed_daemon_is_back_within_a_second_and_the_other_does_not_notice() {
    let it = BoxUnderTest::start(GOOD, GOOD, &[]);
    let other = it.up("switchd", 0);
    let first = it.up("centerd", 0);
    let start = Instant::now();
    it.send(first, Signal::SIGKILL);
    let second = it.up("centerd", 1);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "took {took:?}");
    assert_ne!(first, second);
    assert_eq!(it.process("switchd").map(|p| (p.1, p.2)), Some((other, 0)));
}

#[test]
fn a_setting_that_cannot_work_stops_all_with_its_own_message_and_78() {
    let bad = "echo 'ports.console: 8080 is in use' >&2; exit 78\n";
    let mut it = BoxUnderTest::start(GOOD, bad, &[]);
    assert_eq!(it.end(), 78);
    let told = it.file("err");
    let verdict = "centerd: its settings cannot work: ports.console: 8080 is in use";
    assert!(told.trim_end().ends_with(verdict), "{told}");
    assert!(it.file("out").contains("switchd | ending"), "the other was not stopped");
}

#[test]
fn silence_is_aborted_and_the_next_copy_runs() {
    // Ready, then never another byte; the second copy beats.
    let silent_once = "echo > /proc/self/fd/$LINEBOX_READY_FD\n\
        [ -e \"$0.again\" ] || { : > \"$0.again\"; exec sleep 60; }\n\
        while :; do echo > /proc/self/fd/$LINEBOX_READY_FD; sleep 0.05; done\n";
    let it = BoxUnderTest::start(
        GOOD,
        silent_once,
        &["--set", "watchdog.centerd_ms=500", "--set", "watchdog.switchd_ms=0"],
    );
    it.up("centerd", 1);
    assert!(it.file("err").contains("centerd: no sign of life"), "{}", it.file("err"));
}

#[test]
fn who_ignores_the_request_to_end_is_killed_after_the_grace() {
    let deaf = "trap '' TERM\necho > /proc/self/fd/$LINEBOX_READY_FD\n\
        while :; do sleep 0.05; done\n";
    let mut it = BoxUnderTest::start(deaf, GOOD, &["--set", "watchdog.grace_ms=300"]);
    let pid = it.up("switchd", 0);
    it.up("centerd", 0);
    it.send(it.supervisor.id() as i32, Signal::SIGTERM);
    assert_eq!(it.end(), 0);
    assert!(!exists(pid));
}

#[test]
fn children_die_with_a_killed_supervisor() {
    let mut it = BoxUnderTest::start(GOOD, GOOD, &[]);
    let pids = [it.up("switchd", 0), it.up("centerd", 0)];
    it.send(it.supervisor.id() as i32, Signal::SIGKILL);
    it.end();
    it.wait_for("the end of the children", |_| (!pids.into_iter().any(exists)).then_some(()));
}

#[test]
fn a_wrong_model_or_a_missing_program_is_told_before_anything_runs() {
    let mut it = BoxUnderTest::start(GOOD, GOOD, &["--set", "ports.sip=70000"]);
    assert_eq!(it.end(), 78);
    assert!(it.file("err").contains("ports.sip: 70000 is outside 1 to 65535"));
    assert!(!Path::new(&it.folder.path().join("var")).exists());

    let mut it = BoxUnderTest::start(GOOD, GOOD, &["--programs", "/nowhere"]);
    assert_eq!(it.end(), 1);
    let mut it = BoxUnderTest::start(GOOD, GOOD, &["--set", "town.simulated=true"]);
    assert_eq!(it.end(), 78);
    assert!(it.file("err").contains("town cannot be started"), "{}", it.file("err"));
}

#[test]
fn every_daemon_gets_the_model_the_folder_and_every_override() {
    let tells = "echo \"args: $*\"\necho > /proc/self/fd/$LINEBOX_READY_FD\n\
        while :; do sleep 0.05; done\n";
    let it = BoxUnderTest::start(tells, GOOD, &["--set", "ports.sip=15060"]);
    let out = it.wait_for("the arguments", |this| {
        let out = this.file("out");
        out.contains("--set ports.sip=15060").then_some(out)
    });
    let line = out.lines().find(|line| line.contains("args: ")).unwrap_or_default();
    assert!(line.contains("m.toml --data /") && line.contains("/var --set"), "{line}");
}
