//! A campaign over the simulated town's E1, in real time.

use std::net::UdpSocket;

use peer::unit::{Unit, free_udp};
use peer::{SAME_INSTANT_MS, joined_at_once, tone};
use serde_json::json;

use crate::{AGENTS_HZ, OWNED, SPAN, call_of, instants, recorded, seat, wait_up, work};

const LEADS: usize = 20;

/// The town behind the span of this box. Everybody answers, half of them by machine: those speak at
/// once, while people wait until the agent is silent, and these agents never are. Half of the lines
/// give the agent's voice back: in these what the town hears is heard again.
fn tables() -> String {
    let (sip, rtp) = (free_udp(), free_ports());
    format!(
        "{SPAN}[town]\nsimulated = true\nsip = {sip}\nrtp = \"{rtp}-{}\"\n[town.bad]\necho = 0.5\n\
         [[town.span]]\nattach = \"run/span1\"\nnumbers = \"{OWNED}\"\n\
         [[town.subscriber]]\nnumbers = \"+861380000\"\nanswer = 0.5\nbusy = 0.0\nrefuse = 0.0\n\
         unallocated = 0.0\nmachine = 0.5\nring_ms = [300, 600]\ntalk_ms = [3500, 4500]\n",
        rtp + 99
    )
}

/// The first of a hundred free ports, outside of those from which a box takes its own.
fn free_ports() -> u16 {
    let is_free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let mut places = (30_000..32_700_u16).step_by(100);
    places.find(|first| (*first..first + 100).all(is_free)).expect("free ports for the town")
}

#[test]
fn e1_a_campaign_over_the_town_is_recorded_and_heard_there() {
    let mut unit = Unit::start_whole(&tables(), &[], None);
    wait_up(&unit);
    let trunks = unit.api.all("/api/v1/trunks");
    let trunk = trunks.iter().find(|trunk| trunk["kind"] == "channels").expect("the town's span");
    let trunk = trunk["id"].as_i64().unwrap();
    let seats: Vec<_> = (0..3).map(|place| seat(&mut unit, place)).collect();
    let agents: Vec<i64> = seats.iter().map(|(agent, _)| *agent).collect();
    let numbers: Vec<String> = (0..LEADS).map(|n| format!("138000040{n:02}")).collect();
    let campaign = unit.add_campaign(&[trunk], &agents, &numbers, &json!({}));
    unit.dial(campaign);
    let attempts = work(&unit, campaign, &agents, LEADS, 60_000, |_| false);

    let told = unit.log();
    let told = |number: &str, what: &str| {
        let who = format!("customer {number}: ");
        told.lines()
            .filter_map(|line| line.split_once(&who))
            .find_map(|(_, said)| said.contains(what).then(|| said.to_owned()))
    };
    let (mut late, mut echoes, mut machines) = (Vec::new(), 0, 0);
    for attempt in &attempts {
        assert_eq!(attempt["outcome"], "answered", "{attempt}");
        let times = instants(attempt);
        assert!(times.len() == 7 && times.is_sorted(), "{attempt}");
        late.push(times[5] - times[4]);
        let end = (attempt["ended_by"].as_str(), attempt["cause"].as_str());
        assert_eq!(end, (Some("far"), Some("normal_clearing")), "{attempt}");
        let call = call_of(&unit, attempt);
        assert_eq!((&call["channel"]["span"], &call["called"]), (&json!(1), &attempt["number"]));

        // The town tells the same.
        let number = attempt["number"].as_str().unwrap();
        let came = told(number, "called by").unwrap_or_else(|| panic!("{number} never came"));
        let caller = attempt["caller_id"].as_str().unwrap().trim_start_matches('+');
        assert!(caller.starts_with("8610620100") && came.contains(caller), "{came}: {attempt}");
        let ended = told(number, "ended by this side after").unwrap_or_else(|| panic!("{number}"));
        let its_ms: i64 = ended.rsplit(' ').nth(1).and_then(|ms| ms.parse().ok()).unwrap();
        let talk_ms = times[6] - times[4];
        assert!(
            (talk_ms - its_ms).abs() < SAME_INSTANT_MS,
            "talked {talk_ms} ms, and {ended}: {attempt}"
        );

        let agent = agents.iter().position(|agent| attempt["agent_id"] == *agent).unwrap();
        let [left, right] = recorded(&unit, attempt);
        let said = tone::share_in_loudest_second(&right, AGENTS_HZ[agent]);
        let back = tone::share_in_best_second(&left, AGENTS_HZ[agent]);
        let loudest = left.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        println!("{number}: agent {said:.3}, back from the town {back:.3}, customer {loudest}");
        assert!(said > 0.95, "the agent in the recording: {said:.2}, {attempt}");
        if came.contains("Machine") {
            machines += 1;
            assert!(loudest > 3_000, "a machine that is not heard ({loudest}): {attempt}");
        }
        // Its own voice is louder than the echo, and other tones than the agent's are hardly in it.
        let gives_back = told(number, "misbehaves: Echo").is_some();
        assert_eq!(back > 0.05, gives_back, "{back:.3} of what is heard: {attempt}");
        echoes += usize::from(gives_back);
    }
    println!("{LEADS} talks, {machines} machines, {echoes} echoes");
    joined_at_once(&late);
    assert!(machines > 2 && echoes > 2, "too few to say anything");
    for (_, desk) in &seats {
        let loudest = desk.hearing().iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest > Some(1_000), "a desk has heard nobody: {loudest:?}");
    }
    assert_eq!(unit.api.get("/api/v1/audit/verify")["ok"], true);
    assert!(unit.stop());
}
