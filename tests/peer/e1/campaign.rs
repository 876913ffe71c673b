//! A campaign over a span: every record beside what the exchange saw, every octet that was heard.

use std::collections::BTreeSet;
use std::time::Duration;

use call::{Cause, Side};
use peer::unit::Unit;
use peer::{SAME_INSTANT_MS, joined_at_once, tone};
use serde_json::{Value, json};

use crate::exchange::{Call, Customers, Exchange};
use crate::{AGENTS_HZ, call_of, instants, plug, recorded, seat, start, wait_up, work};

/// Leads of the campaign, unless `LINEBOX_E1_LEADS` says otherwise; a long run takes 200.
const LEADS: usize = 20;
/// What the campaign may show, in turn.
const SHOWN: [&str; 2] = ["+861062010007", "+861062010012"];
const CUSTOMERS: Customers =
    Customers { ring: Duration::from_millis(400), talk: Duration::from_millis(3_000) };

#[test]
fn e1_a_campaign_is_heard_in_both_directions_and_every_record_is_exact() {
    let (mut unit, trunk) = start();
    let exchange = Exchange::start(&plug(&unit), CUSTOMERS);
    wait_up(&unit);
    let seats: Vec<_> = (0..3).map(|place| seat(&mut unit, place)).collect();
    let agents: Vec<i64> = seats.iter().map(|(agent, _)| *agent).collect();
    let wanted = std::env::var("LINEBOX_E1_LEADS").ok().and_then(|leads| leads.parse().ok());
    let leads: usize = wanted.unwrap_or(LEADS).min(1_000);
    let numbers: Vec<String> = (0..leads).map(|n| format!("13800001{n:03}")).collect();
    let changes = json!({ "caller_ids": SHOWN, "caller_rule": "in_turn" });
    let campaign = unit.add_campaign(&[trunk], &agents, &numbers, &changes);
    unit.dial(campaign);
    // The exchange leaves those with an odd number to the agents.
    let odd = |number: &str| number.ends_with(['1', '3', '5', '7', '9']);
    let attempts = work(&unit, campaign, &agents, leads, 2_500, odd);

    let seen = exchange.seen();
    assert_eq!((seen.calls.len(), seen.attached), (leads, 1));
    let (mut shown, mut late, mut whole) = (BTreeSet::new(), Vec::new(), Vec::new());
    for attempt in &attempts {
        let number = attempt["number"].as_str().unwrap().trim_start_matches("+86");
        let mut theirs = seen.calls.iter().filter(|call| call.called.ends_with(number));
        let call = theirs.next().unwrap_or_else(|| panic!("{number} never came: {attempt}"));
        assert!(theirs.next().is_none(), "{number} came twice");
        late.push(agrees(&unit, attempt, call, odd(number)));
        shown.insert(call.caller.clone());
        let agent = agents.iter().position(|agent| attempt["agent_id"] == *agent).unwrap();
        whole.push(heard(&unit, attempt, call, AGENTS_HZ[agent]));
    }
    let owned = SHOWN.map(|number| number.trim_start_matches('+').to_owned());
    assert_eq!(shown, BTreeSet::from(owned));
    // A machine that stood still for a moment has lost a block in some of them, not in most.
    let both = whole.iter().filter(|[there, left]| *there > 8_000 && *left > 8_000).count();
    assert!(both > leads / 2, "a second to the octet in both directions: {both} of {whole:?}");
    println!(
        "{both} of {leads} talks to the octet for a second and more in both directions; at most {} \
         ms from the exchange's CONNECT to the join, {} ms to the agent's first octet; {} blocks \
         missed",
        late.iter().map(|late| late[1]).max().unwrap_or(0),
        late.iter().map(|late| late[2]).max().unwrap_or(0),
        seen.missed
    );
    joined_at_once(&late.iter().map(|late| late[0]).collect::<Vec<_>>());
    assert_eq!(unit.api.get("/api/v1/audit/verify")["ok"], true);
    assert!(unit.stop(), "the box stops cleanly");
}

/// The box's record of a call beside the exchange's. Returns how many milliseconds after the answer
/// it was joined, after the exchange's CONNECT, and when the agent was heard.
fn agrees(unit: &Unit, attempt: &Value, theirs: &Call, agent_leaves: bool) -> [i64; 3] {
    assert_eq!(attempt["outcome"], "answered", "{attempt}");
    let times = instants(attempt);
    assert!(times.len() == 7 && times.is_sorted(), "{attempt}");
    let [dialled, ringing, answered, joined, ended] = times[2..] else { panic!("{attempt}") };
    let (over, cause, by) = theirs.ended.expect("an end");
    let connected = theirs.connected.expect("an answer");
    for (what, here, there) in [
        ("dialled", dialled, theirs.setup),
        ("ringing", ringing, theirs.alerted.expect("ringing")),
        ("answered", answered, connected),
        ("ended", ended, over),
    ] {
        assert!((here - there).abs() < SAME_INSTANT_MS, "{what} {here} and {there}: {attempt}");
    }
    let (ours, them) = if agent_leaves { ("box", Side::Far) } else { ("far", Side::Box) };
    assert_eq!((attempt["ended_by"].as_str(), by), (Some(ours), them), "{attempt}");
    assert_eq!(
        (attempt["cause"].as_str(), cause),
        (Some("normal_clearing"), Cause::NormalClearing)
    );
    let call = call_of(unit, attempt);
    assert_eq!(call["channel"], json!({ "span": 1, "slot": theirs.slot }), "{call}");
    let caller = attempt["caller_id"].as_str().unwrap();
    assert_eq!(caller.trim_start_matches('+'), theirs.caller, "{attempt}");
    let heard_from = theirs.heard_from.expect("something heard");
    [joined - answered, joined - connected, heard_from - connected]
}

/// The agent's tone at the exchange, and both in the recording, in their channels. Returns for how
/// many octets in a row the agent was heard there, and the customer recorded, without a flaw.
fn heard(unit: &Unit, attempt: &Value, theirs: &Call, agent_hz: u32) -> [usize; 2] {
    let there = tone::samples_of_alaw(&theirs.heard);
    let [left, right] = recorded(unit, attempt);
    let agent_there = tone::share_in_loudest_second(&there, agent_hz);
    let customer = tone::share_in_loudest_second(&left, theirs.tone_hz);
    let agent = tone::share_in_loudest_second(&right, agent_hz);
    let whole = [tone::steady(&there), tone::unbroken(&left, theirs.tone_hz)];
    println!(
        "{}: {} and {} samples, {whole:?} without a flaw; agent {agent_there:.3} at the exchange, \
         recorded customer {customer:.3} agent {agent:.3}",
        theirs.called,
        there.len(),
        left.len(),
    );
    assert!(agent_there > 0.95 && customer > 0.95 && agent > 0.95, "{attempt}");
    whole
}
