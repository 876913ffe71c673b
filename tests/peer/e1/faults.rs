//! Daemons die and plugs are pulled in the middle of talks over a span.

use std::time::Duration;

use call::Side;
use peer::baresip::Baresip;
use peer::unit::{Unit, now_ms};
use peer::{SAME_INSTANT_MS, tone, wait_for};
use serde_json::{Value, json};

use crate::exchange::{Call, Customers, Exchange, customer_hz};
use crate::{AGENTS_HZ, call_of, instants, plug, recorded, seat, span, start, wait_up};

/// Nobody leaves by themselves here.
const CUSTOMERS: Customers =
    Customers { ring: Duration::from_millis(300), talk: Duration::from_secs(300) };

/// A box with one agent who talks with a customer over the span.
struct Talk {
    unit: Unit,
    trunk: i64,
    exchange: Exchange,
    agent: i64,
    desk: Baresip,
}

impl Talk {
    fn start() -> Talk {
        let (mut unit, trunk) = start();
        let exchange = Exchange::start(&plug(&unit), CUSTOMERS);
        wait_up(&unit);
        let (agent, desk) = seat(&mut unit, 0);
        Talk { unit, trunk, exchange, agent, desk }
    }

    /// The agent is joined with this customer, and both are heard.
    fn with(&mut self, number: &str) -> i64 {
        let list = [number.to_owned()];
        let once = json!({ "wrap_up_ms": 1_000 });
        let campaign = self.unit.add_campaign(&[self.trunk], &[self.agent], &list, &once);
        self.unit.dial(campaign);
        self.wait_attempt(campaign, "a talk", |attempt| !attempt["joined"].is_null());
        self.wait_heard(number);
        campaign
    }

    fn wait_attempt(&self, campaign: i64, what: &str, look: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, Duration::from_secs(25), || {
            self.unit.attempts(campaign).into_iter().next().filter(&look)
        })
    }

    fn call(&self, number: &str) -> Call {
        self.exchange.call_to(number).expect("the call")
    }

    /// Waits until two whole seconds at both ends are nothing but the other's tone.
    fn wait_heard(&self, number: &str) {
        wait_for("both to hear each other", Duration::from_secs(8), || {
            let there = tone::samples_of_alaw(&self.call(number).heard);
            let agent = tone::share_in_whole(tone::last_seconds(&there, 2), AGENTS_HZ[0]);
            let here = self.desk.hearing();
            let tone_hz = customer_hz(number);
            let customer = tone::share_in_whole(tone::last_seconds(&here, 2), tone_hz);
            (agent > 0.9 && customer > 0.9).then_some(())
        });
    }

    /// The agent hangs up; the records of both ends are whole and agree.
    fn end(&self, campaign: i64, number: &str) -> Value {
        self.unit.api.post(&format!("/api/v1/agents/{}/hang_up", self.agent), &json!({}));
        let attempt = self.wait_attempt(campaign, "its end", |a| !a["ended"].is_null());
        let theirs = self.call(number);
        let (over, _, by) = theirs.ended.expect("an end at the exchange");
        assert_eq!((attempt["ended_by"].as_str(), by), (Some("box"), Side::Far), "{attempt}");
        assert_eq!(attempt["cause"], "normal_clearing", "{attempt}");
        let times = instants(&attempt);
        assert!(times.len() == 7 && times.is_sorted(), "{attempt}");
        assert!(
            (times[6] - over).abs() < SAME_INSTANT_MS,
            "ended {} and {over}: {attempt}",
            times[6]
        );
        let call = call_of(&self.unit, &attempt);
        assert_eq!(call["channel"], json!({ "span": 1, "slot": theirs.slot }), "{call}");
        attempt
    }
}

#[test]
fn e1_centerd_is_killed_in_mid_call_and_nobody_hears_it() {
    const DEAD: Duration = Duration::from_secs(4);
    const NUMBER: &str = "13800002002";
    let mut talk = Talk::start();
    let campaign = talk.with(NUMBER);
    let before = talk.call(NUMBER).heard.len();
    let copies = talk.unit.keep_dead("centerd", DEAD);
    let after = talk.call(NUMBER).heard;
    // Not an octet of the agent is missing in what went out meanwhile.
    let there = tone::samples_of_alaw(&after[before..]);
    let agent = tone::share_in_whole(&there, AGENTS_HZ[0]);
    println!(
        "{copies} copies of centerd killed; {} octets heard meanwhile, {agent:.4}",
        there.len()
    );
    assert!(there.len() + 8_000 >= 8_000 * DEAD.as_secs() as usize && agent > 0.9, "{agent:.3}");
    talk.wait_heard(NUMBER);
    talk.unit.wait_healthy();
    wait_for("the agent to talk on", Duration::from_secs(10), || {
        (talk.unit.agent(talk.agent)["state"] == "talking").then_some(())
    });
    assert_eq!(span(&talk.unit)["state"], "up");
    let attempt = talk.end(campaign, NUMBER);
    let [left, _] = recorded(&talk.unit, &attempt);
    let customer = tone::share_in_whole(tone::last_seconds(&left, 3), customer_hz(NUMBER));
    assert!(customer > 0.9, "the customer at the end of the recording: {customer:.2}");
    let seen = talk.exchange.seen();
    assert_eq!((seen.attached, seen.calls.len()), (1, 1), "the exchange has noticed nothing");
    assert!(talk.unit.stop());
}

#[test]
fn e1_switchd_is_killed_in_mid_call_and_the_exchange_is_cleared() {
    let mut talk = Talk::start();
    let campaign = talk.with("13800002004");
    let before = talk.exchange.seen();
    let killed_at = now_ms();
    let killed = talk.unit.kill("switchd").expect("switchd runs");
    let back = talk.unit.wait_restarted("switchd", &killed);
    assert!(back.since_ms - killed_at <= 1_000, "{back:?}");
    let cleared = wait_for("the exchange's call to be cleared", Duration::from_secs(10), || {
        talk.call("13800002004").ended
    });
    let seen = talk.exchange.seen();
    assert!(seen.attached >= 2, "the exchange has not found the box again");
    assert!(seen.restarts.len() > before.restarts.len(), "no RESTART: {:?}", seen.restarts);
    println!(
        "switchd up {} ms after it was killed, RESTART after {} ms, the exchange's call over \
         after {} ms: {:?}",
        back.since_ms - killed_at,
        seen.restarts[before.restarts.len()] - killed_at,
        cleared.0 - killed_at,
        (cleared.1, cleared.2)
    );
    assert_eq!(cleared.2, Side::Far, "by RESTART, not by a timer of the exchange");
    talk.unit.wait_healthy();
    let attempt = talk.wait_attempt(campaign, "its end", |a| !a["ended"].is_null());
    let fate = (attempt["outcome"].as_str(), attempt["cause"].as_str());
    assert_eq!(fate, (Some("answered"), Some("lost")), "{attempt}");
    // The line and the agent are as good as new.
    wait_up(&talk.unit);
    wait_for("the agent ready with a phone off hook", Duration::from_secs(25), || {
        let state = talk.unit.agent(talk.agent);
        if state["state"] == "paused" {
            let ready = format!("/api/v1/agents/{}/ready", talk.agent);
            talk.unit.api.post(&ready, &json!({}));
        }
        (state["state"] == "ready" && state["leg_up"] == true).then_some(())
    });
    let campaign = talk.with("13800002006");
    talk.end(campaign, "13800002006");
    assert!(talk.unit.stop());
}

#[test]
fn e1_an_exchange_that_is_away_for_seconds_finds_the_talk_as_it_was() {
    const AWAY: Duration = Duration::from_secs(3);
    const NUMBER: &str = "13800002008";
    let mut talk = Talk::start();
    let campaign = talk.with(NUMBER);
    talk.exchange.plug(false);
    let red = wait_for("a red alarm", Duration::from_secs(5), || {
        Some(span(&talk.unit)).filter(|span| span["alarms"] == json!(["red"]))
    });
    assert_eq!((&red["state"], &red["next_step"]), (&json!("down"), &json!("cable")), "{red}");
    std::thread::sleep(AWAY);
    let slot = talk.call(NUMBER).slot;
    let channels = span(&talk.unit)["channels"].clone();
    let channel = channels.as_array().unwrap().iter().find(|c| c["slot"] == slot).unwrap().clone();
    assert_eq!(channel["state"], "talking", "{channel}");
    assert_eq!(talk.unit.agent(talk.agent)["state"], "talking");
    let before = talk.call(NUMBER).heard.len();
    talk.exchange.plug(true);
    wait_up(&talk.unit);
    wait_for("the end of the alarm", Duration::from_secs(5), || {
        (span(&talk.unit)["alarms"] == json!([])).then_some(())
    });
    wait_for("sound", Duration::from_secs(5), || {
        (talk.call(NUMBER).heard.len() > before + 16_000).then_some(())
    });
    talk.wait_heard(NUMBER);
    assert!(talk.exchange.seen().calls.iter().all(|call| call.ended.is_none()));
    talk.end(campaign, NUMBER);
    let history = talk.unit.api.all("/api/v1/spans/1/history");
    let mut red = history.iter().filter(|alarm| alarm["alarm"] == "red");
    // The first stood before the exchange was there at all.
    let stood = red.find(|alarm| alarm["raised"].as_i64() >= Some(talk.call(NUMBER).setup));
    let stood = stood.unwrap_or_else(|| panic!("no alarm in the history: {history:?}"));
    let stood_ms = stood["cleared"].as_i64().unwrap() - stood["raised"].as_i64().unwrap();
    println!("a red alarm of {stood_ms} ms, and the talk went on");
    assert!(stood_ms >= AWAY.as_millis() as i64 - 500, "{stood}");
    assert!(talk.unit.stop());
}
