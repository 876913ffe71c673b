//! The disk fills up under a call, to the last byte, and has room again.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use peer::sipp::{Sipp, Voice};
use peer::unit::Unit;
use peer::{tone, wait_for};
use serde_json::json;

use crate::{CUSTOMER_HZ, customer_now, seat, sound_of};

/// A small disk of its own. Taken away when it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`: this machine lets us mount nothing.
    fn mount(megabytes: u32) -> Option<SmallDisk> {
        let dir = tempfile::Builder::new().prefix("linebox-disk-").tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "linebox-peer"]);
        let mounted = mount.arg(dir.path()).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(SmallDisk(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file until no more than so many megabytes are free.
    fn fill(&self, leave_mb: u64) -> PathBuf {
        let path = self.path().join(format!("filler-{leave_mb}"));
        let mut file = File::create(&path).unwrap();
        while self.free_bytes() > leave_mb << 20 {
            if file.write_all(&[0; 64 << 10]).is_err() {
                break;
            }
        }
        path
    }

    fn free_bytes(&self) -> u64 {
        let df = Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output();
        let text = String::from_utf8_lossy(&df.unwrap().stdout).into_owned();
        text.lines().nth(1).and_then(|line| line.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Below the limit recording stops with an alarm; with no byte left calls still go on; with room
/// again everything is as before.
#[test]
fn a_full_disk_stops_recordings_and_no_call() {
    let Some(disk) = SmallDisk::mount(64) else {
        println!("left out: a small disk of its own needs root and a kernel that mounts tmpfs");
        return;
    };
    let mut unit = Unit::start_with(&[], Some(&disk.path().join("var")));
    let dir = unit.dir.path().to_owned();
    let carrier = Sipp::start(&dir, 30, Voice::Tone(CUSTOMER_HZ));
    let trunk = unit.add_trunk("carrier", &carrier.address(), 4);
    let (agent, desk) = seat(&mut unit, 1, 440);
    let numbers: Vec<String> = (0..4).map(|n| format!("138000{n}0013")).collect();
    let changes = json!({ "wrap_up_ms": 1_000 });
    let campaign = unit.add_campaign(&[trunk], &[agent], &numbers, &changes);
    unit.dial(campaign);
    let talking_about = |unit: &Unit, not: &[i64]| {
        wait_for("a talk", Duration::from_secs(25), || {
            let agent = unit.agent(agent);
            let attempt = agent["call"]["attempt_id"].as_i64()?;
            (agent["state"] == "talking" && !not.contains(&attempt)).then_some(attempt)
        })
    };
    let hang_up = |unit: &Unit| {
        unit.api.post(&format!("/api/v1/agents/{agent}/hang_up"), &json!({}));
    };
    let full = |unit: &Unit| {
        unit.api.all("/api/v1/alarms").iter().any(|alarm| alarm["kind"] == "recording_disk")
    };
    let restarts = |unit: &Unit| {
        ["switchd", "centerd"].map(|name| unit.daemon(name).map_or(99, |daemon| daemon.restarts))
    };

    let first = talking_about(&unit, &[]);
    std::thread::sleep(Duration::from_secs(4));
    let filler = disk.fill(6);
    wait_for("the alarm", Duration::from_secs(6), || full(&unit).then_some(()));
    std::thread::sleep(Duration::from_secs(2));
    assert!(customer_now(&desk) > 0.8, "the talk goes on: {:.2}", customer_now(&desk));
    hang_up(&unit);

    let second = talking_about(&unit, &[first]);
    let rest = disk.fill(0);
    println!("bytes free: {}", disk.free_bytes());
    std::thread::sleep(Duration::from_secs(6));
    assert!(customer_now(&desk) > 0.8, "with a full disk: {:.2}", customer_now(&desk));
    assert_eq!(restarts(&unit), [0, 0], "nothing has died of it");

    fs::remove_file(&rest).unwrap();
    fs::remove_file(&filler).unwrap();
    wait_for("the end of the alarm", Duration::from_secs(10), || (!full(&unit)).then_some(()));
    unit.wait_healthy();
    hang_up(&unit);
    let third = talking_about(&unit, &[first, second]);
    std::thread::sleep(Duration::from_secs(4));
    hang_up(&unit);
    unit.api.post(&format!("/api/v1/campaigns/{campaign}/pause"), &json!({}));

    let ended = |attempt: i64| {
        wait_for("the end of an attempt", Duration::from_secs(10), || {
            let attempt = unit.api.get(&format!("/api/v1/attempts/{attempt}"));
            (!attempt["ended"].is_null()).then_some(attempt)
        })
    };
    let [first, second, third] = [first, second, third].map(ended);
    for attempt in [&first, &second, &third] {
        assert_eq!(attempt["outcome"], "answered", "{attempt}");
    }
    let seconds = |attempt| sound_of(&unit, attempt)[0].len() / tone::RATE_HZ as usize;
    let (cut, whole) = (seconds(&first), seconds(&third));
    println!("recorded: {cut} s before the disk was full, {whole} s with room again");
    assert!(cut >= 3 && whole >= 3);
    let share = tone::share_in_loudest_second(&sound_of(&unit, &first)[0], CUSTOMER_HZ);
    assert!(share > 0.9, "what was recorded before is good: {share:.2}");
    assert_eq!(unit.api.get("/api/v1/audit/verify")["ok"], true);
    assert!(unit.stop());
    unit.start_again();
    assert_eq!(unit.attempts(campaign).iter().filter(|a| a["joined"].is_number()).count(), 3);
    assert!(unit.stop());
}
