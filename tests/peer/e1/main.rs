//! The whole box over E1, in real time: its span attached to an exchange of the tests' own, to the
//! simulated town, and to libpri.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod campaign;
mod exchange;
mod faults;
mod libpri;
mod town;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use peer::baresip::Baresip;
use peer::unit::{Unit, id, now_ms};
use peer::{tone, wait_for};
use serde_json::{Value, json};

/// The span of every box here. Nobody's phone gives echo, and a canceller would change octets.
const SPAN: &str = "[[span]]\nname = \"e1\"\nattach = \"run/span1\"\necho = false\n";
/// The numbers of its trunk.
const OWNED: &str = "+861062010000-0049";
/// What the agents' phones say, Hz.
const AGENTS_HZ: [u32; 3] = [440, 540, 620];

/// A box with a span on which all channels are one trunk's.
fn start() -> (Unit, i64) {
    let unit = Unit::start_whole(SPAN, &[], None);
    let used = unit.api.ask("PUT", "/api/v1/spans/1", &json!({ "role": "user" }));
    assert_eq!(used.status, 200, "{}", used.json());
    let slots: Vec<u8> = (1..=31).filter(|slot| *slot != 16).collect();
    let groups = json!([{ "span_id": 1, "slots": slots }]);
    let trunk = json!({ "name": "exchange", "kind": "channels", "groups": groups });
    let trunk = id(&unit.api.post("/api/v1/trunks", &trunk));
    unit.api.post("/api/v1/numbers", &json!({ "range": OWNED, "trunk_id": trunk }));
    (unit, trunk)
}

/// Where an exchange finds the span, without `.d` and `.b`.
fn plug(unit: &Unit) -> PathBuf {
    unit.folder().join("run/span1")
}

/// The span, as the console shows it.
fn span(unit: &Unit) -> Value {
    unit.api.get("/api/v1/spans/1")
}

/// Waits until calls can be made: the link is up, and every channel's RESTART is over.
fn wait_up(unit: &Unit) {
    wait_for("the span to be up", Duration::from_secs(20), || {
        let span = span(unit);
        let channels = span["channels"].as_array().expect("channels");
        let ready = channels.iter().all(|one| one["state"] != "restarting");
        (span["state"] == "up" && ready).then_some(())
    });
}

/// An agent at a phone that says the tone of this place, at work.
fn seat(unit: &mut Unit, place: u8) -> (i64, Baresip) {
    let (user, secret) = (format!("{}", 101 + place), format!("a-secret-of-{place}"));
    let phone = unit.add_phone(&user, &secret);
    let agent = unit.add_agent(&format!("{}", 1001 + u32::from(place)), "4711", phone);
    let dir = unit.dir.path().to_owned();
    let tone_hz = AGENTS_HZ[usize::from(place)];
    let desk = Baresip::start(&dir, 101 + place, unit.sip, &user, &secret, tone_hz);
    wait_for(&format!("phone {user} to be registered"), Duration::from_secs(15), || {
        (unit.api.get(&format!("/api/v1/phones/{phone}"))["registered"] == true).then_some(())
    });
    unit.to_work(agent);
    (agent, desk)
}

/// Agents talk, hang up after `talk_ms` on customers for whom `leaves` says so, and give dispositions
/// in the console. Ends when all attempts are over and wrapped up.
fn work(
    unit: &Unit,
    campaign: i64,
    agents: &[i64],
    count: usize,
    talk_ms: i64,
    leaves: impl Fn(&str) -> bool,
) -> Vec<Value> {
    let (code, _) = unit.disposition(campaign);
    let (mut hung_up, mut disposed) = (BTreeSet::new(), BTreeSet::new());
    wait_for(&format!("{count} ended attempts"), Duration::from_secs(60 + 3 * count as u64), || {
        for agent in agents {
            let state = unit.agent(*agent);
            let Some(attempt) = state["call"]["attempt_id"].as_i64() else { continue };
            let since = state["call"]["since"].as_i64().unwrap_or(i64::MAX);
            let number = state["call"]["number"].as_str().unwrap_or_default();
            if state["state"] == "talking"
                && now_ms() - since > talk_ms
                && leaves(number)
                && hung_up.insert(attempt)
            {
                unit.api.post(&format!("/api/v1/agents/{agent}/hang_up"), &json!({}));
            }
            if state["state"] == "wrap_up" && disposed.insert(attempt) {
                let said = json!({ "attempt_id": attempt, "code": code, "note": "" });
                unit.api.post(&format!("/api/v1/agents/{agent}/disposition"), &said);
            }
        }
        let attempts = unit.attempts(campaign);
        let ended = attempts.iter().filter(|a| !a["ended"].is_null()).count();
        let talked = attempts.iter().filter(|a| !a["joined"].is_null());
        let unsaid = talked.filter(|a| a["disposition"].is_null()).count();
        (ended == count && unsaid == 0).then_some(attempts)
    })
}

/// The instants of an attempt that came about, in the order in which they must lie.
fn instants(attempt: &Value) -> Vec<i64> {
    ["created", "claimed", "dialled", "ringing", "answered", "joined", "ended"]
        .iter()
        .filter_map(|moment| attempt[*moment].as_i64())
        .collect()
}

/// The one call of an attempt in the records.
fn call_of(unit: &Unit, attempt: &Value) -> Value {
    let calls = unit.api.all("/api/v1/calls?live=false");
    let mut of_it = calls.into_iter().filter(|call| call["attempt_id"] == attempt["id"]);
    let call = of_it.next().unwrap_or_else(|| panic!("no call of {attempt}"));
    assert!(of_it.next().is_none(), "a second call of {attempt}");
    call
}

/// Both channels of an attempt's recording: customer, agent.
fn recorded(unit: &Unit, attempt: &Value) -> [Vec<i16>; 2] {
    let wav = unit.api.bytes(&format!("/api/v1/recordings/{}", attempt["recording_id"]), "");
    assert_eq!(wav.status, 200, "{attempt}");
    [0, 1].map(|which| tone::channel(&wav.body, which, 2))
}
