//! Settings that cannot work are refused before anything starts; what a box remembers it finds
//! again, without any network.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use peer::unit::{self, Unit};
use peer::wait_for;
use serde_json::json;

/// What a supervisor says whose settings cannot be used (`sysexits.h`).
const EX_CONFIG: Option<i32> = Some(78);

/// File, line, field, reason and the nearest valid value.
#[test]
fn a_wrong_setting_is_refused_with_its_place_and_reason() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("wrong.toml");
    let cases: [(&str, &[&str], &[&str]); 5] = [
        ("[ports]\nsip = 70000\n", &[], &["wrong.toml:2", "ports.sip", "70000", "65535"]),
        ("[box]\n\nlanguage = \"fr\"\n", &[], &["wrong.toml:3", "box.language", "fr", "zh"]),
        ("[ports]\nsipp = 5060\n", &[], &["wrong.toml:2", "ports.sipp", "ports.sip"]),
        ("[box]\nname = \n", &[], &["wrong.toml:2"]),
        ("", &["ports.rtp=2-1"], &["--set", "ports.rtp"]),
    ];
    for (text, sets, told) in cases {
        fs::write(&model, text).unwrap();
        let (status, said) = unit::refused(&model, &dir.path().join("var"), sets);
        assert_eq!(status.code(), EX_CONFIG, "{said}");
        for word in told {
            assert!(said.contains(word), "`{word}` is missing in: {said}");
        }
        println!("{}", said.trim());
    }
}

/// Each of the three, held by somebody else.
#[test]
fn a_port_in_use_is_told_with_its_number_and_its_setting() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("box.toml");
    let (sip, console) = (unit::free_udp(), unit::free_tcp());
    let rtp = unit::free_rtp_range(400);
    fs::write(&model, unit::model(sip, console, rtp)).unwrap();
    let refused = |port: u16, setting: &str| {
        let (status, said) = unit::refused(&model, &dir.path().join("var"), &[]);
        assert_eq!(status.code(), EX_CONFIG, "{said}");
        assert!(said.contains(&port.to_string()) && said.contains(setting), "{said}");
        println!("{}", said.trim().lines().last().unwrap_or_default());
    };
    let held = UdpSocket::bind(("127.0.0.1", sip)).unwrap();
    refused(sip, "ports.sip");
    drop(held);
    let held = UdpSocket::bind(("127.0.0.1", rtp + 20)).unwrap();
    refused(rtp + 20, "ports.rtp");
    drop(held);
    let _held = TcpListener::bind(("127.0.0.1", console)).unwrap();
    refused(console, "ports.console");
}

/// The second start, and one in a network namespace that has nothing but loopback.
#[test]
fn a_second_start_finds_everything_and_needs_no_network() {
    let mut unit = Unit::start();
    let phone = unit.add_phone("201", "the right one");
    let agent = unit.add_agent("1001", "4711", phone);
    let trunk = unit.add_trunk("carrier", "127.0.0.30:5060", 4);
    let number = ["13800000013".to_owned()];
    let campaign = unit.add_campaign(&[trunk], &[agent], &number, &json!({}));
    let kept = [
        "/api/v1/phones".to_owned(),
        "/api/v1/agents".to_owned(),
        "/api/v1/campaigns".to_owned(),
        format!("/api/v1/campaigns/{campaign}/leads"),
    ];
    let look = |unit: &Unit| kept.clone().map(|path| unit.api.all(&path).len());
    let before = look(&unit);
    assert!(unit.stop(), "the box stops cleanly");
    starts_without_network(&unit);
    unit.start_again();
    assert_eq!(look(&unit), before);
    assert_eq!(unit.log().matches("first-run administrator password").count(), 1);
    assert_eq!(unit.api.get("/api/v1/audit/verify")["ok"], true);
    assert!(unit.stop());
}

/// Starts the box where there is no network but loopback, and stops it when it says that it is up.
fn starts_without_network(unit: &Unit) {
    let script = "ip link set lo up && exec \"$@\"";
    let mut alone = Command::new("unshare");
    alone.args(["--net", "sh", "-c", script, "sh"]);
    let mut trial = Command::new("unshare");
    trial.args(["--net", "ip", "link", "set", "lo", "up"]).stderr(Stdio::null());
    if !trial.status().is_ok_and(|status| status.success()) {
        println!("left out: the start without network needs root and the tools unshare and ip");
        return;
    }
    let mut child = alone
        .arg(unit::program("supervisor"))
        .arg("--model")
        .arg(unit.dir.path().join("box.toml"))
        .arg("--data")
        .arg(unit.folder())
        .current_dir(unit::repository())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut up = false;
    for line in lines {
        if line.contains("console: http") {
            up = true;
            unit::interrupt(child.id());
        }
    }
    let status = wait_for("its end", Duration::from_secs(15), || child.try_wait().unwrap());
    assert!(up && status.success(), "without network: up {up}, {status}");
    println!("started and stopped with nothing but loopback");
}
