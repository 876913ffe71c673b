//! The running box against libpri as its exchange: the D-channel alone, nobody has sound.

use std::collections::BTreeMap;
use std::time::Duration;

use call::Cause;
use peer::baresip::Baresip;
use peer::isdn::{Event, Options, Peer, Side};
use peer::unit::Unit;
use peer::wait_for;
use serde_json::{Value, json};

use crate::{call_of, instants, plug, seat, start, wait_up, work};

const LEADS: usize = 40;
/// What becomes of a number, by its last digits.
const RULES: [&str; 8] = [
    "alert=60 answer=250 hold=1200",
    "ending=2 reject=17",
    "ending=13 alert=60 answer=-1",
    "ending=33 alert=60 answer=-1",
    "ending=4 reject=21",
    "ending=5 alert=60 answer=250 hold=0",
    "ending=7 reject=1",
    "ending=9 alert=60 answer=250 hold=0",
];

/// libpri as the exchange of this box, its link up.
fn attach(unit: &Unit) -> Peer {
    let path = plug(unit).with_extension("d");
    wait_for("the span's socket", Duration::from_secs(5), || path.exists().then_some(()));
    let options = Options { fcs: false, ..Options::new(Side::Network) };
    let mut peer = Peer::attach(&options, &path);
    for rule in RULES {
        peer.tell(&format!("rule {rule}"));
    }
    peer.wait("up", Duration::from_secs(10));
    wait_up(unit);
    peer
}

#[test]
fn e1_libpris_records_of_a_campaign_are_the_boxs() {
    let (mut unit, trunk) = start();
    let mut peer = attach(&unit);
    let seats: Vec<_> = (0..3).map(|place| seat(&mut unit, place)).collect();
    let agents: Vec<i64> = seats.iter().map(|(agent, _)| *agent).collect();
    let numbers: Vec<String> = (0..LEADS).map(|n| format!("138000030{n:02}")).collect();
    let changes = json!({ "ring_timeout_ms": 15_000 });
    let campaign = unit.add_campaign(&[trunk], &agents, &numbers, &changes);
    unit.dial(campaign);
    let to_agents = |number: &str| number.ends_with(['5', '9']);
    let attempts = work(&unit, campaign, &agents, LEADS, 1_000, to_agents);

    let mut theirs = BTreeMap::new();
    for _ in 0..LEADS {
        let record = peer.wait("record", Duration::from_secs(5));
        let called = record.text("called").to_owned();
        assert!(theirs.insert(called, record).is_none(), "one call to each number");
    }
    let mut kinds: BTreeMap<(String, i64), usize> = BTreeMap::new();
    for attempt in &attempts {
        let number = attempt["number"].as_str().unwrap().trim_start_matches("+86");
        let mut its = theirs.iter().filter(|(called, _)| called.ends_with(number));
        let (_, record) = its.next().unwrap_or_else(|| panic!("{number}: {theirs:?}"));
        agrees(&unit, attempt, record);
        let outcome = attempt["outcome"].as_str().unwrap().to_owned();
        *kinds.entry((outcome, record.number("cause"))).or_default() += 1;
    }
    println!("outcomes with libpri's causes: {kinds:?}");
    let count = |outcome: &str, cause| kinds.get(&(outcome.to_owned(), cause)).copied();
    assert_eq!(count("answered", 16), Some(26), "{kinds:?}");
    for (outcome, cause) in [("busy", 17), ("rejected", 21), ("invalid_number", 1)] {
        assert_eq!(count(outcome, cause), Some(4), "{kinds:?}");
    }
    assert!(theirs.values().all(|record| record.text("direction") == "in"));
    assert_eq!(unit.api.get("/api/v1/audit/verify")["ok"], true);
    assert!(unit.stop());
}

/// The box's record of a call that it made beside libpri's.
fn agrees(unit: &Unit, attempt: &Value, theirs: &Event) {
    let called = theirs.text("called");
    let outcome = match called.as_bytes().last() {
        Some(b'2') => "busy",
        Some(b'3') if called.ends_with("13") || called.ends_with("33") => "no_answer",
        Some(b'4') => "rejected",
        Some(b'7') => "invalid_number",
        _ => "answered",
    };
    assert_eq!(attempt["outcome"], outcome, "{attempt} {}", theirs.fields);
    let times = instants(attempt);
    assert!(times.is_sorted(), "{attempt}");
    assert_eq!(theirs.number("answered") == 1, outcome == "answered", "{attempt}");
    assert_eq!(times.len() == 7, outcome == "answered", "all seven instants: {attempt}");
    let by = if theirs.text("cleared") == "here" { "far" } else { "box" };
    assert_eq!(attempt["ended_by"], by, "{attempt} {}", theirs.fields);
    if by == "far" {
        let cause = attempt["cause"].as_str().and_then(Cause::from_word).expect("a cause");
        assert_eq!(
            cause.q850().map(i64::from),
            Some(theirs.number("cause")),
            "{attempt} {}",
            theirs.fields
        );
    }
    let call = call_of(unit, attempt);
    let channel = json!({ "span": 1, "slot": theirs.number("channel") });
    assert_eq!(call["channel"], channel, "{call} {}", theirs.fields);
    let caller = attempt["caller_id"].as_str().unwrap();
    assert_eq!(caller.trim_start_matches('+'), theirs.text("calling"), "{attempt}");
}

#[test]
fn e1_calls_of_libpri_reach_a_phone_or_an_announcement() {
    let (mut unit, trunk) = start();
    let phone = unit.add_phone("201", "a-secret-of-201");
    let desk = Baresip::start(unit.dir.path(), 111, unit.sip, "201", "a-secret-of-201", 500);
    unit.wait_registered(1);
    let route = json!({ "to": "phone", "phone_id": phone });
    let routed = json!({ "range": "+861062010003", "route": route });
    assert_eq!(unit.api.ask("PUT", "/api/v1/numbers", &routed).status, 200);
    let mut peer = attach(&unit);

    // A phone that answers; libpri hangs up, then the phone.
    peer.tell("call called=62010003 from=13912345678 hold=1500");
    peer.wait("connect", Duration::from_secs(10));
    let theirs = peer.wait("record", Duration::from_secs(10));
    received(&unit, &theirs, ("+861062010003", trunk, Some(phone), "far"));
    peer.tell("call called=01062010003 from=13912345679 hold=0");
    peer.wait("connect", Duration::from_secs(10));
    std::thread::sleep(Duration::from_millis(800));
    desk.hang_up();
    let theirs = peer.wait("record", Duration::from_secs(10));
    assert_eq!(theirs.number("cause"), 16);
    received(&unit, &theirs, ("+861062010003", trunk, Some(phone), "peer"));

    // Nobody's number: the box says so, and ends the call when it has said it.
    peer.tell("call called=62010020 from=13912345670 hold=0");
    let theirs = peer.wait("record", Duration::from_secs(30));
    received(&unit, &theirs, ("+861062010020", trunk, None, "box"));
    assert!(unit.stop());
}

/// The box's record of a call that came beside libpri's.
fn received(
    unit: &Unit,
    theirs: &Event,
    (called, trunk, phone, by): (&str, i64, Option<i64>, &str),
) {
    let call = wait_for("the call's record", Duration::from_secs(5), || {
        let calls = unit.api.all("/api/v1/calls?live=false");
        calls.into_iter().find(|call| {
            let caller = call["caller"].as_str().unwrap_or_default();
            caller.ends_with(theirs.text("calling")) && call["kind"] == "inbound"
        })
    });
    assert_eq!(
        (call["kind"].as_str(), &call["called"]),
        (Some("inbound"), &json!(called)),
        "{call}"
    );
    assert_eq!((&call["trunk_id"], &call["ended_by"]), (&json!(trunk), &json!(by)), "{call}");
    let channel = json!({ "span": 1, "slot": theirs.number("channel") });
    assert_eq!(call["channel"], channel, "{call} {}", theirs.fields);
    assert_eq!(theirs.text("direction"), "out");
    assert_eq!(theirs.text("cleared") == "here", by == "far", "{call} {}", theirs.fields);
    if phone.is_some() {
        assert!(theirs.number("answered") == 1 && !call["joined"].is_null(), "{call}");
    }
    let cause = call["cause"].as_str().and_then(Cause::from_word).expect("a cause");
    assert_eq!(
        cause.q850().map(i64::from),
        Some(theirs.number("cause")),
        "{call} {}",
        theirs.fields
    );
}
