//! The product's main job, on real SIP and real sound: a list is dialled over a trunk (SIPp), people
//! answer or do not, agents at desk phones (baresip) talk with them, and every record is exact.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use peer::baresip::Baresip;
use peer::sipp::{Fate, Sipp, Voice, fate_of};
use peer::unit::{Unit, now_ms};
use peer::{joined_at_once, tone, wait_for};
use serde_json::{Value, json};

const NUMBERS: u32 = 40;
const CUSTOMER_HZ: u32 = 700;
const AGENTS_HZ: [u32; 3] = [440, 540, 620];

/// 3 baresip agents, 40 numbers behind two SIPp trunks (one says a tone, one echoes what it hears).
#[test]
fn forty_numbers_are_dialled_and_every_record_is_exact() {
    let mut unit = Unit::start();
    let dir = unit.dir.path().to_owned();
    let trunks =
        [Sipp::start(&dir, 30, Voice::Tone(CUSTOMER_HZ)), Sipp::start(&dir, 31, Voice::Echo)];
    // Trunks are taken in their order: what the first has no channel for goes to the second.
    let tone_trunk = unit.add_trunk("tone", &trunks[0].address(), 2);
    let echo_trunk = unit.add_trunk("echo", &trunks[1].address(), 10);

    let mut agents = Vec::new();
    let mut phones = Vec::new();
    for (n, tone_hz) in (0u8..).zip(AGENTS_HZ) {
        let (user, secret) = (format!("{}", 101 + n), format!("a-secret-of-{n}"));
        let phone = unit.add_phone(&user, &secret);
        agents.push(unit.add_agent(&format!("{}", 1001 + u32::from(n)), "4711", phone));
        phones.push(Baresip::start(&dir, 101 + n, unit.sip, &user, &secret, tone_hz));
    }
    unit.wait_registered(3);

    let numbers: Vec<String> = (1..=NUMBERS).map(|n| format!("138000000{n:02}")).collect();
    let trunk_ids = [tone_trunk, echo_trunk];
    let campaign = unit.add_campaign(&trunk_ids, &agents, &numbers, &json!({}));

    sign_in(&unit, &agents, &phones);
    unit.dial(campaign);
    let attempts = work_until_done(&unit, campaign, &agents, &phones);

    check_records(&unit, &attempts);
    check_sound(&unit, &attempts, tone_trunk, &agents, &phones);
    for trunk in &trunks {
        let errors = trunk.errors();
        assert!(!errors.contains("unexpected"), "a trunk saw something unexpected: {errors}");
    }
    assert!(unit.stop(), "the box stops cleanly");
}

/// The first agent signs in from the phone's keys, the others in the console.
fn sign_in(unit: &Unit, agents: &[i64], phones: &[Baresip]) {
    phones[0].sign_in("1001", "4711", unit.sip);
    unit.wait_seated(agents[0]);
    for agent in &agents[1..] {
        unit.to_work(*agent);
    }
}

/// Agents talk, hang up where the customer does not, and give dispositions: the first by a key of
/// the phone, the others in the console. Ends when every number has its attempt.
fn work_until_done(unit: &Unit, campaign: i64, agents: &[i64], phones: &[Baresip]) -> Vec<Value> {
    let (code, key) = unit.disposition(campaign);
    let mut hung_up = BTreeSet::new();
    let mut disposed = BTreeSet::new();
    wait_for("forty ended attempts", Duration::from_secs(300), || {
        for (n, agent) in agents.iter().enumerate() {
            let state = unit.agent(*agent);
            let Some(attempt) = state["call"]["attempt_id"].as_i64() else { continue };
            let since = state["call"]["since"].as_i64().unwrap_or(i64::MAX);
            let number = state["call"]["number"].as_str().unwrap_or_default();
            if state["state"] == "talking"
                && fate_of(number) == Fate::AgentLeaves
                && now_ms() - since > 3_500
                && hung_up.insert(attempt)
            {
                unit.api.post(&format!("/api/v1/agents/{agent}/hang_up"), &json!({}));
            }
            if state["state"] == "wrap_up" && disposed.insert(attempt) {
                if n == 0 {
                    phones[0].press(&key);
                } else {
                    let said = json!({ "attempt_id": attempt, "code": code, "note": "a note" });
                    unit.api.post(&format!("/api/v1/agents/{agent}/disposition"), &said);
                }
            }
        }
        let attempts = unit.attempts(campaign);
        let ended = attempts.iter().filter(|a| !a["ended"].is_null()).count();
        let wrapped =
            attempts.iter().filter(|a| !a["joined"].is_null() && a["disposition"].is_null());
        (ended == NUMBERS as usize && wrapped.count() == 0).then_some(attempts)
    })
}

fn check_records(unit: &Unit, attempts: &[Value]) {
    let (mut by_number, mut late_ms) = (BTreeMap::new(), Vec::new());
    for attempt in attempts {
        let number = attempt["number"].as_str().unwrap();
        assert!(by_number.insert(number, attempt).is_none(), "{number} was dialled twice");
        let fate = fate_of(number);
        let outcome = match fate {
            Fate::CustomerLeaves | Fate::AgentLeaves => "answered",
            Fate::Busy => "busy",
            Fate::NoAnswer => "no_answer",
            Fate::Unallocated => "invalid_number",
            Fate::Refused => "rejected",
        };
        assert_eq!(attempt["outcome"], outcome, "{attempt}");
        let times: Vec<i64> =
            ["created", "claimed", "dialled", "ringing", "answered", "joined", "ended"]
                .iter()
                .filter_map(|moment| attempt[*moment].as_i64())
                .collect();
        assert!(times.is_sorted(), "{attempt}");
        assert!(!attempt["trunk_id"].is_null() && !attempt["caller_id"].is_null(), "{attempt}");
        if outcome == "answered" {
            assert_eq!(times.len(), 7, "all seven instants: {attempt}");
            late_ms.push(times[5] - times[4]);
            let by = if fate == Fate::CustomerLeaves { "far" } else { "box" };
            assert_eq!(attempt["ended_by"], by, "{attempt}");
            assert!(
                !attempt["agent_id"].is_null() && !attempt["recording_id"].is_null(),
                "{attempt}"
            );
            assert!(!attempt["disposition"].is_null(), "{attempt}");
        } else {
            assert!(attempt["joined"].is_null() && attempt["recording_id"].is_null(), "{attempt}");
        }
    }
    assert_eq!(by_number.len(), NUMBERS as usize);
    joined_at_once(&late_ms);
    let calls = unit.api.all("/api/v1/calls?live=false");
    for attempt in attempts {
        let of_attempt = calls.iter().filter(|c| c["attempt_id"] == attempt["id"]).count();
        assert_eq!(of_attempt, 1, "one call of {attempt}");
    }
    assert_eq!(unit.api.get("/api/v1/audit/verify")["ok"], true);
}

fn check_sound(
    unit: &Unit,
    attempts: &[Value],
    tone_trunk: i64,
    agents: &[i64],
    phones: &[Baresip],
) {
    let mut heard_by_trunk = BTreeMap::new();
    for attempt in attempts.iter().filter(|a| a["outcome"] == "answered") {
        let wav = unit.api.bytes(&format!("/api/v1/recordings/{}", attempt["recording_id"]), "");
        assert_eq!(wav.status, 200);
        let (left, right) = (tone::channel(&wav.body, 0, 2), tone::channel(&wav.body, 1, 2));
        let agent = agents.iter().position(|a| attempt["agent_id"] == *a).unwrap();
        let customer_hz =
            if attempt["trunk_id"] == tone_trunk { CUSTOMER_HZ } else { AGENTS_HZ[agent] };
        let left_share = tone::share_in_loudest_second(&left, customer_hz);
        let right_share = tone::share_in_loudest_second(&right, AGENTS_HZ[agent]);
        assert!(left_share > 0.9, "left (customer, {customer_hz} Hz) {left_share:.2}: {attempt}");
        assert!(
            right_share > 0.9,
            "right (agent, {} Hz) {right_share:.2}: {attempt}",
            AGENTS_HZ[agent]
        );
        *heard_by_trunk.entry(attempt["trunk_id"].as_i64()).or_insert(0) += 1;
    }
    println!("recordings checked by trunk: {heard_by_trunk:?}");
    assert!(heard_by_trunk.len() == 2, "both trunks were used: {heard_by_trunk:?}");
    for (phone, tone_hz) in phones.iter().zip(AGENTS_HZ) {
        // From one trunk the customer's tone, from the other the phone's own, echoed.
        let (customer, echo) = (phone.heard(CUSTOMER_HZ), phone.heard(tone_hz));
        println!("the phone that says {tone_hz} Hz heard {customer:.2}, and its echo {echo:.2}");
        assert!(customer > 0.8 || echo > 0.8, "it heard neither");
    }
}
