//! Kill -9 at seeded instants under a running campaign, and every promise checked afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use peer::baresip::Baresip;
use peer::sipp::{Fate, Sipp, Voice, fate_of};
use peer::unit::{DAEMONS, Unit, now_ms};
use peer::wait_for;
use serde_json::{Value, json};

use crate::{CUSTOMER_HZ, instants, recordings, seat};

/// How often something is killed.
const KILLS: u32 = 20;
/// Which of the kills takes the supervisor, and with it everything.
const WHOLE_BOX: u32 = 11;
const LEADS: u32 = 300;
const ATTEMPTS_MAX: usize = 2;
const INTERVAL_MS: i64 = 120_000;

/// Xorshift: the same seed, the same victims and pauses.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A campaign with its agents, who do what agents do as far as the box lets them.
struct Office {
    campaign: i64,
    agents: Vec<i64>,
    desks: Vec<Baresip>,
    trunks: Vec<Sipp>,
    code: String,
    /// Attempts whose disposition the box has acknowledged.
    said: BTreeSet<i64>,
    /// Why agents were found paused.
    pauses: BTreeSet<String>,
}

impl Office {
    fn open(unit: &mut Unit) -> Office {
        let dir = unit.dir.path().to_owned();
        let voices = [Voice::Tone(CUSTOMER_HZ), Voice::Echo];
        let trunks: Vec<Sipp> =
            (30..).zip(voices).map(|(host, voice)| Sipp::start(&dir, host, voice)).collect();
        let ids: Vec<i64> =
            trunks.iter().map(|t| unit.add_trunk(&t.address(), &t.address(), 8)).collect();
        let seats = [440, 540, 620].into_iter().zip(1u8..).map(|(hz, n)| seat(unit, n, hz));
        let (agents, desks): (Vec<i64>, Vec<Baresip>) = seats.unzip();
        let numbers: Vec<String> = (0..LEADS).map(|n| format!("13800{n:06}")).collect();
        let changes = json!({
            "attempts_max": ATTEMPTS_MAX, "interval_ms": INTERVAL_MS, "wrap_up_ms": 4_000,
        });
        let campaign = unit.add_campaign(&ids, &agents, &numbers, &changes);
        let code = unit.disposition(campaign).0;
        let (said, pauses) = (BTreeSet::new(), BTreeSet::new());
        Office { campaign, agents, desks, trunks, code, said, pauses }
    }

    /// One look at every agent. Nothing here fails because a daemon is dead just now.
    fn work(&mut self, unit: &Unit) {
        for agent in self.agents.clone() {
            let path = |what: &str| format!("/api/v1/agents/{agent}{what}");
            let Some(state) = unit.api.try_get(&path("")) else { return };
            let attempt = state["call"]["attempt_id"].as_i64();
            let number = state["call"]["number"].as_str().unwrap_or_default();
            let since = state["call"]["since"].as_i64().unwrap_or(i64::MAX);
            match (state["state"].as_str().unwrap_or_default(), attempt) {
                ("paused", _) => {
                    let reason = state["pause_reason"].as_str().expect("a reason of the pause");
                    self.pauses.insert(reason.to_owned());
                    let _ = unit.api.try_post(&path("/ready"), &json!({}));
                }
                ("signed_out", _) => panic!("agent {agent} was signed out by nobody"),
                ("talking", Some(_))
                    if fate_of(number) == Fate::AgentLeaves && now_ms() > since + 2_500 =>
                {
                    let _ = unit.api.try_post(&path("/hang_up"), &json!({}));
                }
                ("wrap_up", Some(attempt)) => {
                    let said = json!({ "attempt_id": attempt, "code": self.code, "note": "n" });
                    let answer = unit.api.try_post(&path("/disposition"), &said);
                    if answer.is_some_and(|answer| (200..300).contains(&answer.status)) {
                        self.said.insert(attempt);
                    }
                }
                _ => {}
            }
        }
    }

    fn work_for(&mut self, unit: &Unit, span: Duration) {
        let until = Instant::now() + span;
        while Instant::now() < until {
            self.work(unit);
            std::thread::sleep(Duration::from_millis(150));
        }
    }
}

/// The seed is told, so that a failure can be had again: `LINEBOX_SEED=… cargo test …`.
#[test]
fn twenty_kills_at_seeded_instants_break_no_promise() {
    let seed = std::env::var("LINEBOX_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(20_261_120);
    println!("LINEBOX_SEED={seed}");
    let mut chance = Chance(seed);
    let mut unit = Unit::start();
    let mut office = Office::open(&mut unit);
    unit.dial(office.campaign);
    office.work_for(&unit, Duration::from_secs(6));

    let mut killed: BTreeMap<&str, u32> = BTreeMap::new();
    for number in 1..=KILLS {
        office.work_for(&unit, Duration::from_millis(1_500 + chance.below(3_000)));
        let victim = if number == WHOLE_BOX {
            unit.kill_everything();
            assert!(unit.processes().is_empty(), "orphans: {:?}", unit.processes());
            unit.start_again();
            "supervisor"
        } else {
            let victim = DAEMONS[chance.below(2) as usize];
            let what = format!("{victim} to be there and be killed");
            let dead = wait_for(&what, Duration::from_secs(20), || unit.kill(victim));
            if number == KILLS {
                unit.wait_restarted(victim, &dead);
            }
            victim
        };
        *killed.entry(victim).or_default() += 1;
    }
    let last_kill = now_ms();
    let back = unit.wait_healthy();
    println!("killed {killed:?}; healthy {back:?} after the last");

    goes_on(&mut office, &unit, last_kill);
    settle(&mut office, &unit);
    check_leads(&office, &unit);
    check_calls(&office, &unit);
    check_recordings(&office, &unit);
    assert_eq!(unit.api.get("/api/v1/audit/verify")["ok"], true);
    assert_eq!(unit.processes().len(), 1 + DAEMONS.len(), "{:?}", unit.processes());
    assert!(unit.stop());
    assert!(unit.processes().is_empty(), "orphans: {:?}", unit.processes());
}

/// Every agent talks again, and new leads are dialled.
fn goes_on(office: &mut Office, unit: &Unit, since: i64) {
    let mut talked = BTreeSet::new();
    wait_for("every agent to talk again", Duration::from_secs(60), || {
        office.work(unit);
        for attempt in unit.attempts(office.campaign) {
            if attempt["created"].as_i64() > Some(since) && attempt["joined"].is_number() {
                talked.extend(attempt["agent_id"].as_i64());
            }
        }
        (talked.len() == office.agents.len()).then_some(())
    });
    let after = (now_ms() - since) / 1_000;
    println!("all agents talked again within {after} s; pauses met: {:?}", office.pauses);
}

/// No new calls; what runs comes to its end.
fn settle(office: &mut Office, unit: &Unit) {
    unit.api.post(&format!("/api/v1/campaigns/{}/pause", office.campaign), &json!({}));
    wait_for("all attempts to end", Duration::from_secs(60), || {
        office.work(unit);
        let attempts = unit.attempts(office.campaign);
        attempts.iter().all(|a| !a["ended"].is_null()).then_some(())
    });
    for agent in &office.agents {
        unit.api.post(&format!("/api/v1/agents/{agent}/sign_out"), &json!({}));
    }
    wait_for("all calls to end", Duration::from_secs(40), || {
        unit.api.all("/api/v1/calls?live=true").is_empty().then_some(())
    });
}

/// No lead dialled too often, twice at once, too early, unclaimed or without a record; every attempt
/// with one outcome; every acknowledged disposition there.
fn check_leads(office: &Office, unit: &Unit) {
    let mut of_lead: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    for attempt in unit.attempts(office.campaign) {
        let outcome = attempt["outcome"].as_str().unwrap_or_else(|| panic!("none: {attempt}"));
        *outcomes.entry(outcome.to_owned()).or_default() += 1;
        assert!(attempt["claimed"].is_number() && attempt["ended"].is_number(), "{attempt}");
        assert!(instants(&attempt).is_sorted(), "{attempt}");
        assert!(attempt["joined"].is_null() || attempt["answered"].is_number(), "{attempt}");
        if office.said.contains(&attempt["id"].as_i64().unwrap()) {
            assert_eq!(attempt["disposition_category"], "contact", "{attempt}");
            assert_eq!(attempt["note"], "n", "{attempt}");
        }
        of_lead.entry(attempt["lead_id"].as_i64().unwrap()).or_default().push(attempt);
    }
    let leads = unit.api.all(&format!("/api/v1/campaigns/{}/leads", office.campaign));
    assert_eq!(leads.len(), LEADS as usize, "no lead is lost");
    for lead in &leads {
        let state = lead["state"].as_str().unwrap();
        assert!(["new", "due", "finished"].contains(&state), "in flight for ever: {lead}");
    }
    for attempts in of_lead.values_mut() {
        attempts.sort_by_key(|attempt| attempt["created"].as_i64());
        let dialled = attempts.iter().filter(|attempt| attempt["dialled"].is_number());
        assert!(dialled.count() <= ATTEMPTS_MAX, "dialled too often: {attempts:?}");
        for pair in attempts.windows(2) {
            let rest = pair[1]["created"].as_i64().unwrap() - pair[0]["ended"].as_i64().unwrap();
            let least = if pair[0]["dialled"].is_number() { INTERVAL_MS } else { 0 };
            assert!(rest >= least, "dialled again after {rest} ms: {pair:?}");
        }
    }
    let dialled: usize = of_lead.values().map(|attempts| on_the_wire(office, attempts)).sum();
    println!("{dialled} calls at the trunks, {} acknowledged dispositions", office.said.len());
    println!("outcomes: {outcomes:?}");
}

/// How often a number was really called, which must never be more often than the records say.
fn on_the_wire(office: &Office, attempts: &[Value]) -> usize {
    let number = attempts[0]["number"].as_str().unwrap();
    let national = &number[number.len() - 11..];
    let mut calls = 0;
    for trunk in &office.trunks {
        let received = trunk.received("INVITE");
        let same = received.iter().filter(|(user, _)| user.ends_with(national));
        calls += same.map(|(_, calls)| calls.len()).sum::<usize>();
    }
    let written = attempts.iter().filter(|attempt| attempt["dialled"].is_number()).count();
    assert!(calls <= written, "{number} was called {calls} times, written {written} times");
    calls
}

/// Every call has its end, and at most one belongs to an attempt.
fn check_calls(office: &Office, unit: &Unit) {
    let mut of_attempt: BTreeMap<i64, u32> = BTreeMap::new();
    let calls = unit.api.all("/api/v1/calls?live=false");
    for call in &calls {
        assert!(call["ended"].is_number() && call["cause"].is_string(), "open for ever: {call}");
        if let Some(attempt) = call["attempt_id"].as_i64() {
            *of_attempt.entry(attempt).or_default() += 1;
        }
    }
    assert!(of_attempt.values().all(|calls| *calls == 1), "{of_attempt:?}");
    println!("{} calls closed, at {} desks", calls.len(), office.desks.len());
}

/// Every recording of the records is on disk and can be played, and every file has its record.
fn check_recordings(office: &Office, unit: &Unit) {
    let mut states: BTreeMap<String, u32> = BTreeMap::new();
    for attempt in unit.attempts(office.campaign) {
        let Some(recording) = attempt["recording_id"].as_i64() else { continue };
        let record = unit.api.get(&format!("/api/v1/recordings/{recording}/record"));
        let state = record["state"].as_str().unwrap_or_default().to_owned();
        assert_ne!(state, "growing", "{record} of {attempt}");
        *states.entry(state).or_default() += 1;
        let wav = unit.api.bytes(&format!("/api/v1/recordings/{recording}"), "");
        assert_eq!(wav.status, 200, "{record} of {attempt}");
        let talk_ms = attempt["ended"].as_i64().unwrap() - attempt["joined"].as_i64().unwrap();
        let sound_ms = (wav.body.len().saturating_sub(44) / 32) as i64;
        assert!(
            sound_ms + 2_500 > talk_ms || attempt["outcome"] == "lost",
            "{sound_ms}: {attempt}"
        );
    }
    for file in recordings(unit).keys() {
        let id = file.file_stem().and_then(|stem| stem.to_str()).unwrap().trim_start_matches('r');
        let record = unit.api.ask("GET", &format!("/api/v1/recordings/{id}/record"), &Value::Null);
        assert_eq!(record.status, 200, "{} has no record", file.display());
    }
    println!("recordings: {states:?}");
}
