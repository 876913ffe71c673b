//! What a box survives: its processes killed in the middle of calls, its disk full, its settings
//! wrong. Real programs, real phones and trunks; every fault is the one that its name says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod disk;
mod instant;
mod mid_call;
mod setting;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use peer::baresip::Baresip;
use peer::unit::Unit;
use peer::{tone, wait_for};
use serde_json::Value;

const CUSTOMER_HZ: u32 = 700;

/// An agent at a phone that says a tone, at work.
fn seat(unit: &mut Unit, n: u8, tone_hz: u32) -> (i64, Baresip) {
    let (user, secret) = (format!("{}", 100 + u32::from(n)), format!("a-secret-of-{n}"));
    let phone = unit.add_phone(&user, &secret);
    let agent = unit.add_agent(&format!("{}", 1000 + u32::from(n)), "4711", phone);
    let dir = unit.dir.path().to_owned();
    let desk = Baresip::start(&dir, 100 + n, unit.sip, &user, &secret, tone_hz);
    let what = format!("phone {user} to be registered");
    wait_for(&what, Duration::from_secs(15), || {
        (unit.api.get(&format!("/api/v1/phones/{phone}"))["registered"] == true).then_some(())
    });
    unit.to_work(agent);
    (agent, desk)
}

/// The attempt of a campaign of one number, once it satisfies `look`.
fn wait_attempt(unit: &Unit, campaign: i64, what: &str, look: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, Duration::from_secs(25), || {
        unit.attempts(campaign).into_iter().next().filter(&look)
    })
}

/// How loud the customer is in the last two seconds that a phone has heard.
fn customer_now(desk: &Baresip) -> f64 {
    tone::share_in_loudest_second(tone::last_seconds(&desk.hearing(), 2), CUSTOMER_HZ)
}

/// The sealed recordings on disk, with their sizes.
fn recordings(unit: &Unit) -> BTreeMap<PathBuf, u64> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, u64>) {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "lbr") {
                found.insert(path, entry.metadata().unwrap().len());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&unit.folder().join("recordings"), &mut found);
    found
}

/// The epochs of centerd that switchd has greeted, in their order.
fn epochs(unit: &Unit) -> Vec<u64> {
    let log = unit.log();
    let greeted = log.lines().filter(|line| line.contains("centerd is here"));
    let number = |line: &str| {
        let tail = &line[line.find("epoch")? + 5..];
        let digits = tail.chars().skip_while(|c| !matches!(c, '=' | ':'));
        let digits: String = digits
            .skip(1)
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().ok()
    };
    greeted.filter_map(number).collect()
}

/// The instants of an attempt that came about, in the order in which they must lie.
fn instants(attempt: &Value) -> Vec<i64> {
    ["created", "claimed", "dialled", "ringing", "answered", "joined", "ended"]
        .iter()
        .filter_map(|moment| attempt[*moment].as_i64())
        .collect()
}

/// Both channels of an attempt's recording: customer, agent.
fn sound_of(unit: &Unit, attempt: &Value) -> [Vec<i16>; 2] {
    let wav = unit.api.bytes(&format!("/api/v1/recordings/{}", attempt["recording_id"]), "");
    assert_eq!(wav.status, 200, "{attempt}");
    [0, 1].map(|which| tone::channel(&wav.body, which, 2))
}
