//! A daemon dies in the middle of calls.

use std::time::{Duration, Instant};

use peer::baresip::Baresip;
use peer::sipp::{Progress, Sipp, Voice};
use peer::unit::{Unit, now_ms};
use peer::{joined_at_once, tone, wait_for};
use serde_json::{Value, json};

use crate::{
    CUSTOMER_HZ, customer_now, epochs, instants, recordings, seat, sound_of, wait_attempt,
};

/// One talk goes on and one ringing call is answered and joined while centerd is dead.
#[test]
fn centerd_is_killed_in_mid_call_and_nobody_on_the_phone_notices() {
    const DEAD: Duration = Duration::from_secs(8);
    let mut unit = Unit::start();
    let dir = unit.dir.path().to_owned();
    let quick_sipp = Sipp::start(&dir, 30, Voice::Tone(CUSTOMER_HZ));
    let long = Duration::from_secs(5);
    let slow_sipp = Sipp::start_with(&dir, 31, Voice::Tone(CUSTOMER_HZ), Progress::Ringing, long);
    let quick = unit.add_trunk("quick", &quick_sipp.address(), 4);
    let slow = unit.add_trunk("slow", &slow_sipp.address(), 4);
    let (talker, talkers_desk) = seat(&mut unit, 1, 440);
    let (waiter, waiters_desk) = seat(&mut unit, 2, 540);
    let talk = ["13800000013".to_owned()];
    let ring = ["13800000014".to_owned()];
    let talk = unit.add_campaign(&[quick], &[talker], &talk, &json!({}));
    let ring = unit.add_campaign(&[slow], &[waiter], &ring, &json!({}));

    unit.dial(talk);
    wait_attempt(&unit, talk, "a talk", |a| !a["joined"].is_null());
    std::thread::sleep(Duration::from_secs(2));
    unit.dial(ring);
    wait_attempt(&unit, ring, "a call that rings", |a| !a["ringing"].is_null());
    let before = recordings(&unit);
    let epochs_before = epochs(&unit);
    let killed_at = now_ms();
    let copies = unit.keep_dead("centerd", DEAD);
    let dead_until = now_ms();

    // Nobody has told the daemons anything; the phones hear, the recordings grow.
    let (talks, joined) = (customer_now(&talkers_desk), customer_now(&waiters_desk));
    assert!(talks > 0.8 && joined > 0.8, "talk {talks:.2}, joined meanwhile {joined:.2}");
    let after = recordings(&unit);
    for (path, size) in &before {
        let grown_s = (after[path] - size) / 32_016;
        assert!(grown_s + 2 >= DEAD.as_secs(), "{} grew by {grown_s} s", path.display());
    }
    assert_eq!(after.len(), before.len() + 1, "the second talk is recorded too: {after:?}");

    let back = unit.wait_healthy();
    println!("centerd: {copies} copies killed over {DEAD:?}; back {back:?} later");
    let epochs = epochs(&unit);
    assert!(epochs.is_sorted_by(|a, b| a < b) && epochs.len() > epochs_before.len(), "{epochs:?}");
    for (agent, campaign) in [(talker, talk), (waiter, ring)] {
        // The session of the console outlives the daemon, and so does the agent's state.
        wait_for("the agent to talk on", Duration::from_secs(10), || {
            (unit.agent(agent)["state"] == "talking").then_some(())
        });
        unit.api.post(&format!("/api/v1/agents/{agent}/hang_up"), &json!({}));
        let attempt = wait_attempt(&unit, campaign, "its end", |a| !a["ended"].is_null());
        complete(&unit, &attempt);
        if campaign == ring {
            let joined = attempt["joined"].as_i64().unwrap();
            println!("joined {} ms after centerd died", joined - killed_at);
            assert!((killed_at..dead_until).contains(&joined), "{attempt}");
        }
    }
    assert_eq!(unit.api.get("/api/v1/audit/verify")["ok"], true);
    assert!(unit.stop());
}

/// A talk that is in the records as if nothing had happened.
fn complete(unit: &Unit, attempt: &Value) {
    assert_eq!(attempt["outcome"], "answered", "{attempt}");
    let times = instants(attempt);
    assert!(times.len() == 7 && times.is_sorted(), "{attempt}");
    let late_ms = attempt["joined"].as_i64().unwrap() - attempt["answered"].as_i64().unwrap();
    joined_at_once(&[late_ms]);
    assert_eq!(attempt["ended_by"], "box", "{attempt}");
    assert_eq!(attempt["cause"], "normal_clearing", "{attempt}");
    let calls = unit.api.all("/api/v1/calls?live=false");
    let calls: Vec<_> = calls.iter().filter(|c| c["attempt_id"] == attempt["id"]).collect();
    assert!(calls.len() == 1 && !calls[0]["ended"].is_null(), "{calls:?}");
    wait_for("the recording to be sealed", Duration::from_secs(5), || {
        let path = format!("/api/v1/recordings/{}/record", attempt["recording_id"]);
        (unit.api.get(&path)["state"] != "growing").then_some(())
    });
    let [customer, agent] = sound_of(unit, attempt);
    let talk_ms = attempt["ended"].as_i64().unwrap() - attempt["joined"].as_i64().unwrap();
    let recorded_ms = (customer.len() / 8) as i64;
    assert!((recorded_ms - talk_ms).abs() < 1_500, "{recorded_ms} of {talk_ms} ms: {attempt}");
    let customer = tone::share_in_loudest_second(tone::last_seconds(&customer, 4), CUSTOMER_HZ);
    let silent = tone::last_seconds(&agent, 4).iter().all(|sample| *sample == 0);
    assert!(customer > 0.8 && !silent, "customer {customer:.2} at the end of {attempt}");
    println!("talk of {talk_ms} ms, {recorded_ms} ms recorded");
}

/// switchd dies under a talk and under a call that rings.
#[test]
fn switchd_is_killed_in_mid_call_and_leaves_nobody_in_a_dead_call() {
    let mut unit = Unit::start();
    let dir = unit.dir.path().to_owned();
    let carrier = Sipp::start(&dir, 30, Voice::Tone(CUSTOMER_HZ));
    let trunk = unit.add_trunk("carrier", &carrier.address(), 4);
    let (talker, talkers_desk) = seat(&mut unit, 1, 440);
    let (waiter, waiters_desk) = seat(&mut unit, 2, 540);
    let again = json!({ "attempts_max": 3, "interval_ms": 120_000, "ring_timeout_ms": 60_000 });
    let talk = unit.add_campaign(&[trunk], &[talker], &["13800000013".to_owned()], &again);
    let ring = unit.add_campaign(&[trunk], &[waiter], &["13800000017".to_owned()], &again);
    unit.dial(talk);
    unit.dial(ring);
    wait_attempt(&unit, talk, "a talk", |a| !a["joined"].is_null());
    wait_attempt(&unit, ring, "a call that rings", |a| !a["ringing"].is_null());
    std::thread::sleep(Duration::from_millis(3_500));
    let registered = |desk: &Baresip| desk.log().matches("200 OK").count();
    let registrations = [registered(&talkers_desk), registered(&waiters_desk)];

    let killed_at = now_ms();
    let killed = unit.kill("switchd").expect("switchd runs");
    let back = unit.wait_restarted("switchd", &killed);
    println!("switchd up again after {} ms", back.since_ms - killed_at);
    assert!(back.since_ms - killed_at <= 1_000, "{back:?}");
    everybody_is_told(&carrier, &[&talkers_desk, &waiters_desk]);
    unit.wait_healthy();

    let rang = wait_attempt(&unit, ring, "its end", |a| !a["ended"].is_null());
    assert_eq!((&rang["outcome"], &rang["cause"]), (&json!("lost"), &json!("lost")), "{rang}");
    let lead = unit.api.all(&format!("/api/v1/campaigns/{ring}/leads")).remove(0);
    let rest_ms = lead["state_at"].as_i64().unwrap() - rang["ended"].as_i64().unwrap();
    assert_eq!(lead["state"], "due", "{lead}");
    assert!((120_000..125_000).contains(&rest_ms), "after its interval: {rest_ms} ms, {lead}");
    // Of the talk the journal knows that it was one; only how it ended is hidden.
    let talked = wait_attempt(&unit, talk, "its end", |a| !a["ended"].is_null());
    let fate = (&talked["outcome"], &talked["cause"]);
    assert_eq!(fate, (&json!("answered"), &json!("lost")), "{talked}");
    assert!(instants(&talked).len() == 7 && instants(&talked).is_sorted(), "{talked}");
    cut_but_playable(&unit, &talked, killed_at);
    let said = json!({ "attempt_id": talked["id"], "code": unit.disposition(talk).0, "note": "" });
    unit.api.post(&format!("/api/v1/agents/{talker}/disposition"), &said);
    for agent in [talker, waiter] {
        // The phone has not registered again: the box calls it by what it has remembered.
        assert_eq!(unit.agent(agent)["phone_registered"], true);
        back_to_work(&unit, agent);
    }
    assert_eq!([registered(&talkers_desk), registered(&waiters_desk)], registrations);
    assert_eq!(unit.attempts(talk).len() + unit.attempts(ring).len(), 2, "nobody is dialled again");
    assert!(unit.stop());
}

/// BYE for the talk and both seats, CANCEL for the call that rang.
fn everybody_is_told(carrier: &Sipp, desks: &[&Baresip]) {
    let start = Instant::now();
    wait_for("BYE and CANCEL at the carrier", Duration::from_secs(5), || {
        (carrier.received("BYE").len() == 1 && carrier.received("CANCEL").len() == 1).then_some(())
    });
    for desk in desks {
        wait_for("BYE at a desk phone", Duration::from_secs(5), || {
            let log = desk.log();
            (log.contains("terminated") || log.contains("session closed")).then_some(())
        });
    }
    println!("carrier and phones were told within {:?}", start.elapsed());
}

/// An agent whose seat broke is ready again by one word, or has remained so.
fn back_to_work(unit: &Unit, agent: i64) {
    let state = unit.agent(agent);
    if state["state"] == "paused" {
        assert!(state["pause_reason"].is_string(), "paused without a reason: {state}");
        unit.api.post(&format!("/api/v1/agents/{agent}/ready"), &json!({}));
    }
    wait_for("the agent ready with a phone off hook", Duration::from_secs(25), || {
        let state = unit.agent(agent);
        (state["state"] == "ready" && state["leg_up"] == true).then_some(())
    });
}

/// What was sealed before the kill can be heard to the last whole second.
fn cut_but_playable(unit: &Unit, attempt: &Value, killed_at: i64) {
    let path = format!("/api/v1/recordings/{}/record", attempt["recording_id"]);
    let record = wait_for("the recording to be mended", Duration::from_secs(5), || {
        Some(unit.api.get(&path)).filter(|record| record["state"] != "growing")
    });
    assert_ne!(record["state"], "complete", "{record}");
    let [customer, agent] = sound_of(unit, attempt);
    let talked_ms = killed_at - attempt["joined"].as_i64().unwrap();
    let (whole_s, rest) = (customer.len() / 8_000, customer.len() % 8_000);
    assert_eq!((rest, agent.len()), (0, customer.len()), "whole seconds only");
    assert!(whole_s as i64 >= talked_ms / 1_000 - 1, "{whole_s} s of {talked_ms} ms: {record}");
    assert!(tone::share_in_loudest_second(&customer, CUSTOMER_HZ) > 0.9, "{record}");
    println!("cut recording: {whole_s} s of {talked_ms} ms, {}", record["state"]);
}
