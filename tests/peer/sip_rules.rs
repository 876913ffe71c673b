//! What the box answers to single SIP messages, decent and not, and how it behaves towards phones
//! and carriers in the corners of a call: over UDP, against the running programs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::time::{Duration, Instant};

use peer::baresip::Baresip;
use peer::probe::{Probe, digest_response};
use peer::sipp::{Progress, Sipp, Voice};
use peer::unit::Unit;
use peer::{joined_at_once, tone, wait_for};
use serde_json::json;

/// Who may register, with nonces, replays and wrong passwords; where a phone is reached.
#[test]
fn a_phone_registers_by_the_rules_and_a_guesser_is_locked_out() {
    let mut unit = Unit::start();
    let phone = unit.add_phone("201", "the right one");
    unit.add_phone("202", "another of them");

    registers_queries_and_leaves(&unit, phone);
    replays_are_refused(&unit);
    guessers_are_locked_out(&unit);
}

fn registers_queries_and_leaves(unit: &Unit, phone: i64) {
    let mut probe = Probe::at(21, unit.sip);
    let challenge = probe.challenged("201");
    assert_eq!(challenge.challenge("realm"), "linebox");
    assert!(challenge.challenge("qop").contains("auth"), "{challenge:?}");
    let brief = probe.register(&challenge, "201", "the right one", 1, &probe.contact(5));
    assert_eq!(brief.status(), 423);
    assert!(brief.header("Min-Expires").parse::<u32>().unwrap() >= 10, "{brief:?}");

    let both = format!(
        "Contact: <sip:desk@{0}>;q=0.9, <sip:soft@{0}>;q=0.1\r\nExpires: 120\r\n",
        probe.address
    );
    let two = probe.register(&challenge, "201", "the right one", 2, &both);
    assert_eq!((two.status(), contacts(&two)), (200, 2), "{two:?}");
    wait_for("both contacts in the console", Duration::from_secs(1), || {
        let known = unit.api.get(&format!("/api/v1/phones/{phone}"));
        let contacts = known["contacts"].as_array().map(Vec::len);
        (known["registered"] == true && contacts == Some(2)).then_some(())
    });

    let query = probe.register(&challenge, "201", "the right one", 3, "");
    assert_eq!((query.status(), contacts(&query)), (200, 2));
    let desk = format!("Contact: <sip:desk@{}>;expires=0\r\n", probe.address);
    let one = probe.register(&challenge, "201", "the right one", 4, &desk);
    assert_eq!((one.status(), contacts(&one)), (200, 1));
    let bare = probe.register(&challenge, "201", "the right one", 5, "Contact: *\r\n");
    assert_eq!(bare.status(), 400, "`*` without Expires: 0");
    let star = "Contact: *\r\nExpires: 0\r\n";
    let none = probe.register(&challenge, "201", "the right one", 6, star);
    assert_eq!((none.status(), contacts(&none)), (200, 0));
    let asked = Instant::now();
    wait_for("the phone to be gone", Duration::from_secs(1), || {
        (unit.api.get(&format!("/api/v1/phones/{phone}"))["registered"] == false).then_some(())
    });
    println!("two contacts in, query, one out, all out; gone after {:?}", asked.elapsed());
}

fn replays_are_refused(unit: &Unit) {
    let mut probe = Probe::at(22, unit.sip);
    let challenge = probe.challenged("201");
    let contact = probe.contact(120);
    let first = probe.register(&challenge, "201", "the right one", 1, &contact);
    assert_eq!(first.status(), 200);
    let again = probe.register(&challenge, "201", "the right one", 1, &contact);
    assert_eq!((again.status(), again.challenge("stale").as_str()), (401, "true"), "a replay");
    let older = probe.register(&challenge, "201", "the right one", 3, &contact);
    assert_eq!(older.status(), 200);
    let back = probe.register(&challenge, "201", "the right one", 2, &contact);
    assert_eq!(back.status(), 401, "a count below the highest");
    let mut invented = challenge.clone();
    for (_, value) in invented.headers.iter_mut().filter(|(n, _)| n == "WWW-Authenticate") {
        *value = value.replace("nonce=\"", "nonce=\"0");
    }
    let foreign = probe.register(&invented, "201", "the right one", 1, &contact);
    assert_eq!(foreign.status(), 401, "a nonce that the box did not make");
    let other = probe.register(&challenge, "202", "the right one", 9, &contact);
    assert_eq!(other.status(), 401, "another's password");
    println!("replayed, older, invented and another's credentials were refused");
}

fn guessers_are_locked_out(unit: &Unit) {
    let mut guesser = Probe::at(23, unit.sip);
    let mut unknown = Probe::at(24, unit.sip);
    let mut tried = 0;
    let locked = loop {
        let challenge = guesser.ask("REGISTER", "201", "").unwrap();
        assert_eq!(challenge.status(), 401);
        tried += 1;
        let answer = guesser.register(&challenge, "201", &format!("guess {tried}"), 1, "");
        // Who exists must not be told by how a guess is answered.
        let challenge = unknown.ask("REGISTER", "nobody", "").unwrap();
        let other = unknown.register(&challenge, "nobody", "guess", 1, "");
        assert_eq!(answer.status(), other.status());
        if answer.status() != 401 {
            break answer;
        }
        assert!(tried < 20, "twenty guesses were free");
    };
    assert_eq!(locked.status(), 403);
    let mut probe = Probe::at(23, unit.sip);
    let challenge = probe.ask("REGISTER", "201", "").unwrap();
    let right = probe.register(&challenge, "201", "the right one", 1, "");
    assert_eq!(right.status(), 403, "the right password comes too late from there");
    let mut elsewhere = Probe::at(25, unit.sip);
    let challenge = elsewhere.challenged("201");
    let contact = elsewhere.contact(120);
    let right = elsewhere.register(&challenge, "201", "the right one", 1, &contact);
    assert_eq!(right.status(), 200, "the owner elsewhere is not shut out");
    println!("locked out after {tried} guesses; the owner elsewhere was not");
}

fn contacts(answer: &peer::probe::Message) -> usize {
    answer.all("Contact").iter().map(|line| line.matches('<').count()).sum()
}

/// Every unfit request is refused by its own number, and nothing is remembered of it.
#[test]
fn unfit_requests_are_refused_each_by_its_number() {
    let mut unit = Unit::start();
    unit.add_phone("201", "the right one");
    let mut probe = Probe::at(26, unit.sip);
    let mut status = |method: &str, extra: &str| {
        probe.ask(method, "201", extra).map_or(0, |answer| answer.status())
    };
    assert_eq!(status("OPTIONS", ""), 200);
    assert_eq!(status("FROBNICATE", ""), 501);
    for known in ["SUBSCRIBE", "REFER", "PUBLISH", "MESSAGE", "NOTIFY", "PRACK"] {
        assert_eq!(status(known, ""), 405, "{known}");
    }
    assert_eq!(status("OPTIONS", "Max-Forwards: 0\r\n"), 483);
    assert_eq!(status("OPTIONS", "Max-Forwards: many\r\n"), 400);
    assert_eq!(status("BYE", ""), 481);
    assert_eq!(status("CANCEL", ""), 481);
    assert_eq!(status("INVITE", "Require: 100rel\r\n"), 420);
    assert_eq!(status("INVITE", "Content-Encoding: gzip\r\n"), 415);

    let options = probe.ask("OPTIONS", "201", "").unwrap();
    assert!(options.header("Allow").contains("INVITE"), "{options:?}");
    assert!(options.header("Accept").contains("application/sdp"), "{options:?}");
    let refused = probe.ask("SUBSCRIBE", "201", "").unwrap();
    assert!(refused.header("Allow").contains("INVITE"), "405 says what is allowed: {refused:?}");
    let required = probe.ask("INVITE", "201", "Require: 100rel\r\n").unwrap();
    assert_eq!(required.header("Unsupported"), "100rel");

    malformed_is_400(&mut probe);
    lengths_that_lie(&mut probe);
    let calls = unit.api.all("/api/v1/calls");
    assert!(calls.is_empty(), "nobody was let in: {calls:?}");
    let health = wait_for("the next health report", Duration::from_secs(12), || {
        let health = unit.health();
        (health["switch"]["sip_malformed"].as_u64() > Some(0)).then_some(health)
    });
    println!("malformed messages counted: {}", health["switch"]["sip_malformed"]);
}

fn malformed_is_400(probe: &mut Probe) {
    let good = |probe: &mut Probe| probe.request("OPTIONS", "201", "", "");
    let broken = [
        ("CSeq: ", "CSeq: many "),
        ("Call-ID: ", "Call-ID- "),
        ("From: <", "From: <<"),
        ("To: <sip:201@linebox>", "To: "),
    ];
    for (right, wrong) in broken {
        let text = good(probe).replace(right, wrong);
        probe.throw(text.as_bytes());
        let answer = probe.answer().unwrap_or_else(|| panic!("no answer to {wrong}"));
        assert_eq!(answer.status(), 400, "{wrong}: {answer:?}");
    }
    let version = good(probe).replacen("SIP/2.0", "SIP/3.0", 1);
    probe.throw(version.as_bytes());
    assert_eq!(probe.answer().map(|a| a.status()), Some(505));
    for noise in
        [&b"\r\n\r\n"[..], b"GET / HTTP/1.1\r\n\r\n", &[0xff; 700], b"SIP/2.0 200 OK\r\n\r\n"]
    {
        probe.throw(noise);
    }
    assert!(probe.hear(Duration::from_millis(300)).is_none(), "noise is not answered");
    println!("broken requests got 400, another version 505, noise nothing");
}

/// RFC 3261 §18.3: on UDP a length beyond the datagram is an error, bytes beyond it are dropped.
fn lengths_that_lie(probe: &mut Probe) {
    let long = probe.request("OPTIONS", "201", "", "").replace("Length: 0", "Length: 500");
    probe.throw(long.as_bytes());
    assert_eq!(probe.answer().map(|a| a.status()), Some(400), "the body is cut short");
    for wrong in ["-1", "x", "99999999999999999999"] {
        let text = probe.request("OPTIONS", "201", "", "").replace("Length: 0", wrong);
        let text = text.replace("Content-", "Content-Length: ");
        probe.throw(text.as_bytes());
        assert_eq!(probe.answer().map(|a| a.status()), Some(400), "{wrong}");
    }
    let short = probe.request("OPTIONS", "201", "", "") + "behind the end";
    probe.throw(short.as_bytes());
    assert_eq!(probe.answer().map(|a| a.status()), Some(200), "what is behind is ignored");
}

/// Five thousand requests at once: most are dropped and counted, and a registered phone beside them
/// is answered as if nothing were.
#[test]
fn a_flood_is_bounded_and_counted_and_a_registered_phone_is_served() {
    const FLOOD: u32 = 5_000;
    let mut unit = Unit::start();
    unit.add_phone("201", "the right one");
    let mut phone = Probe::at(27, unit.sip);
    let challenge = phone.challenged("201");
    let contact = phone.contact(600);
    assert_eq!(phone.register(&challenge, "201", "the right one", 1, &contact).status(), 200);
    let before = unit.health()["switch"]["sip_dropped"].as_u64().unwrap();

    let sip = unit.sip;
    let start = Instant::now();
    let flood = std::thread::spawn(move || {
        let mut stranger = Probe::at(28, sip);
        for n in 0..FLOOD {
            let request = stranger.request("OPTIONS", "x", "", "");
            stranger.throw(request.as_bytes());
            // The kernel's buffer is not what is tested.
            if n % 50 == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        let took = start.elapsed();
        let mut answered = 0u64;
        while stranger.hear(Duration::from_millis(300)).is_some() {
            answered += 1;
        }
        (answered, took)
    });
    let mut waits = Vec::new();
    while !flood.is_finished() {
        let asked = Instant::now();
        let answer = phone.ask("OPTIONS", "201", "").expect("the phone is answered in the flood");
        assert_eq!(answer.status(), 200);
        waits.push(asked.elapsed());
        std::thread::sleep(Duration::from_millis(10));
    }
    let (answered, took) = flood.join().unwrap();
    let dropped = wait_for("the flood to be counted", Duration::from_secs(12), || {
        let dropped = unit.health()["switch"]["sip_dropped"].as_u64()? - before;
        (dropped > 0).then_some(dropped)
    });
    waits.sort_unstable();
    let (usual, worst) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    println!(
        "{FLOOD} requests in {took:?}: {answered} answered, {dropped} dropped; the phone was \
         answered {} times, mostly within {usual:?}, at worst after {worst:?}",
        waits.len()
    );
    // A stranger has 400 at once and 200 a second.
    let admitted = 400 + 200 * (took.as_secs() + 1);
    assert!(answered <= admitted, "{answered} answered, {admitted} admitted");
    assert!(dropped >= u64::from(FLOOD) / 2, "{dropped}");
    assert!(usual < Duration::from_millis(500), "{usual:?}");
    assert!(unit.stop());
}

/// A provider that wants a registration, played by hand: challenge, digest, refresh, and a call from
/// it, which hears that nobody can be reached and is ended.
#[test]
fn a_trunk_is_registered_with_digest_and_its_calls_come_in() {
    let unit = Unit::start();
    let provider = Probe::at(29, unit.sip);
    let trunk = unit.api.post(
        "/api/v1/trunks",
        &json!({
            "name": "provider", "address": provider.address, "register": true, "user": "line7",
            "password": "of the line", "sources": [], "numbers": ["+861062000007"],
            "channels_max": 4,
        }),
    );
    let first = provider.hear_method("REGISTER", Duration::from_secs(10)).expect("a REGISTER");
    assert!(first.header("Authorization").is_empty());
    let challenge = "WWW-Authenticate: Digest realm=\"net\", nonce=\"abc\", qop=\"auth\", \
                     algorithm=MD5\r\n";
    provider.reply(&first, "401 Unauthorized", challenge, "");
    let second = provider.hear_method("REGISTER", Duration::from_secs(5)).expect("credentials");
    let given = second.header("Authorization").to_owned();
    let word = |name: &str| {
        let at = given.find(&format!("{name}=")).unwrap_or_else(|| panic!("{name} in {given}"));
        let value = given[at + name.len() + 1..].split(',').next().unwrap_or_default();
        value.trim().trim_matches('"').to_owned()
    };
    assert_eq!((word("username"), word("realm")), ("line7".to_owned(), "net".to_owned()));
    let uri = word("uri");
    let count = u32::from_str_radix(&word("nc"), 16).unwrap();
    let (who, cnonce) = (("line7", "of the line"), word("cnonce"));
    let ours = digest_response(("net", "abc"), ("REGISTER", &uri), who, (count, &cnonce));
    assert_eq!(word("response"), ours, "{given}");
    let contact = second.header("Contact").split(';').next().unwrap_or_default().to_owned();
    provider.reply(&second, "200 OK", &format!("Contact: {contact};expires=300\r\n"), "");
    wait_for("the trunk to be up", Duration::from_secs(5), || {
        (unit.api.get(&format!("/api/v1/trunks/{}", trunk["id"]))["state"] == "up").then_some(())
    });
    called_by_the_provider(&unit, provider);
}

fn called_by_the_provider(unit: &Unit, mut provider: Probe) {
    let host = provider.address.split(':').next().unwrap_or_default().to_owned();
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n\
         m=audio 17000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    );
    let extra =
        format!("Contact: <sip:net@{}>\r\nContent-Type: application/sdp\r\n", provider.address);
    let invite = provider.request("INVITE", "+861062000007", &extra, &sdp);
    provider.throw(invite.as_bytes());
    let answer = provider.answer().expect("a final answer to the INVITE");
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert!(answer.body.contains("m=audio"), "{answer:?}");
    let target = answer.header("Contact").trim_matches(['<', '>']).to_owned();
    let ack = format!(
        "ACK {target} SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bKack\r\n\
         From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
        provider.address,
        answer.header("From"),
        answer.header("To"),
        answer.header("Call-ID"),
        answer.header("CSeq").replace("INVITE", "ACK"),
    );
    provider.throw(ack.as_bytes());
    let bye = provider.hear_method("BYE", Duration::from_secs(20)).expect("the box says goodbye");
    provider.reply(&bye, "200 OK", "", "");
    wait_for("the call in the records", Duration::from_secs(5), || {
        let calls = unit.api.all("/api/v1/calls?live=false");
        let call = calls.into_iter().find(|call| call["direction"] == "in")?;
        (!call["ended"].is_null() && !call["answered"].is_null()).then_some(())
    });
}

/// A phone that knows µ-law alone signs in by its keys (RFC 4733), talks with a carrier that knows
/// A-law alone, puts the customer on hold by a re-INVITE, takes the talk up again, and gives the
/// disposition by a key.
#[test]
fn a_phone_of_another_law_signs_in_holds_and_disposes_by_its_keys() {
    let mut unit = Unit::start();
    let dir = unit.dir.path().to_owned();
    let trunk_program = Sipp::start(&dir, 30, Voice::Echo);
    let trunk = unit.add_trunk("echo", &trunk_program.address(), 4);
    let phone = unit.add_phone("101", "secret-of-101");
    let agent = unit.add_agent("1001", "4711", phone);
    let desk = Baresip::start_with(&dir, 101, unit.sip, ("101", "secret-of-101"), 440, "PCMU");
    unit.wait_registered(1);
    desk.sign_in("1001", "4711", unit.sip);
    unit.wait_seated(agent);
    wait_for("the agent to be ready by the phone's keys", Duration::from_secs(10), || {
        (unit.agent(agent)["state"] == "ready").then_some(())
    });

    let numbers = ["13800000013".to_owned()];
    let campaign = unit.add_campaign(&[trunk], &[agent], &numbers, &json!({}));
    unit.dial(campaign);
    let attempt = wait_for("a talk", Duration::from_secs(15), || {
        unit.agent(agent)["call"]["attempt_id"].as_i64()
    });
    std::thread::sleep(Duration::from_secs(3));
    // The customer echoes: what the phone says comes back to it, both ways through both laws.
    let echo =
        |desk: &Baresip| tone::share_in_loudest_second(tone::last_seconds(&desk.hearing(), 2), 440);
    let before = echo(&desk);
    desk.hold();
    std::thread::sleep(Duration::from_secs(4));
    let calls = unit.api.all("/api/v1/calls?live=true");
    assert!(calls.iter().any(|call| call["attempt_id"] == attempt), "hold keeps the call");
    assert_eq!(unit.agent(agent)["state"], "holding");
    desk.resume();
    std::thread::sleep(Duration::from_secs(4));
    let after = echo(&desk);
    assert_eq!(unit.agent(agent)["state"], "talking");
    println!("the phone heard its echo at {before:.2} before hold, {after:.2} after");
    assert!(before > 0.8 && after > 0.8, "heard {before:.2} before hold, {after:.2} after");

    unit.api.post(&format!("/api/v1/agents/{agent}/hang_up"), &json!({}));
    wait_for("wrap-up", Duration::from_secs(5), || {
        (unit.agent(agent)["state"] == "wrap_up").then_some(())
    });
    std::thread::sleep(Duration::from_millis(500));
    desk.press(&unit.disposition(campaign).1);
    let attempt = wait_for("a disposition by key", Duration::from_secs(10), || {
        let attempt = unit.api.get(&format!("/api/v1/attempts/{attempt}"));
        (!attempt["disposition"].is_null()).then_some(attempt)
    });
    let wav = unit.api.bytes(&format!("/api/v1/recordings/{}", attempt["recording_id"]), "");
    assert_eq!(wav.status, 200, "{attempt}: {}", wav.json());
    let [customer, agent] = [0, 1].map(|which| tone::channel(&wav.body, which, 2));
    let share = tone::share_in_best_second(&agent, 440);
    assert!(share > 0.9, "the agent is recorded at {share:.2}");
    let music = customer.chunks_exact(8_000).filter(|second| {
        let loud = second.iter().any(|sample| sample.abs() > 200);
        loud && tone::share_in_loudest_second(second, 440) < 0.3
    });
    let (music_s, whole_s) = (music.count(), customer.len() / 8_000);
    println!("the customer heard something else than the agent for {music_s} s of {whole_s} s");
    assert!((2..=5).contains(&music_s), "music on hold for {music_s} s of {whole_s} s");
    assert_eq!(trunk_program.received("BYE").values().map(|calls| calls.len()).sum::<usize>(), 1);
}

/// A seat is as ready as its phone: who hangs up or unregisters takes no call a second later, and one
/// word of the agent has the phone called again.
#[test]
fn a_seat_whose_phone_hangs_up_or_leaves_is_not_ready_within_a_second() {
    let mut unit = Unit::start();
    let dir = unit.dir.path().to_owned();
    let phone = unit.add_phone("101", "secret-of-101");
    let agent = unit.add_agent("1001", "4711", phone);
    let mut desk = Baresip::start(&dir, 101, unit.sip, "101", "secret-of-101", 440);
    unit.wait_registered(1);
    unit.to_work(agent);
    let ready = || {
        wait_for("a ready seat", Duration::from_secs(10), || {
            let agent = unit.agent(agent);
            (agent["state"] == "ready" && agent["leg_up"] == true).then_some(())
        });
    };
    let paused = |reason: &str| {
        let start = Instant::now();
        let state = wait_for("a seat that is not ready", Duration::from_secs(1), || {
            Some(unit.agent(agent)).filter(|agent| agent["state"] == "paused")
        });
        println!("{}: paused after {:?}", state["pause_reason"], start.elapsed());
        assert_eq!(state["pause_reason"], reason, "{state}");
    };
    ready();
    desk.hang_up();
    paused("hung_up");
    unit.api.post(&format!("/api/v1/agents/{agent}/ready"), &json!({}));
    ready();
    desk.leave();
    wait_for("the phone to be gone", Duration::from_secs(1), || {
        (unit.agent(agent)["phone_registered"] == false).then_some(())
    });
    let state = unit.agent(agent);
    assert_eq!(state["state"], "paused", "{state}");
    println!("left: paused, {}", state["pause_reason"]);
    let path = format!("/api/v1/agents/{agent}/ready");
    let refused = unit.api.ask("POST", &path, &json!({}));
    assert!(refused.status >= 400, "ready without a phone: {}", refused.json());
}

/// A network that plays sound before the answer: the answer after it is joined, and where nobody
/// answers the call is cancelled in time.
#[test]
fn early_media_is_followed_by_an_answer_or_by_a_cancel() {
    let mut unit = Unit::start();
    let dir = unit.dir.path().to_owned();
    let (early, ring) = (Progress::EarlyMedia, Duration::from_secs(3));
    let trunk_program = Sipp::start_with(&dir, 30, Voice::Tone(700), early, ring);
    let trunk = unit.add_trunk("early", &trunk_program.address(), 4);
    let phone = unit.add_phone("101", "secret-of-101");
    let agent = unit.add_agent("1001", "4711", phone);
    let desk = Baresip::start(&dir, 101, unit.sip, "101", "secret-of-101", 440);
    unit.wait_registered(1);
    unit.to_work(agent);

    let numbers = ["13800000017".to_owned(), "13800000011".to_owned()];
    let changes = json!({ "wrap_up_ms": 1_000 });
    let campaign = unit.add_campaign(&[trunk], &[agent], &numbers, &changes);
    unit.dial(campaign);
    let attempts = wait_for("two ended attempts", Duration::from_secs(60), || {
        let attempts = unit.attempts(campaign);
        let ended = attempts.iter().filter(|a| !a["ended"].is_null()).count();
        (ended == 2).then_some(attempts)
    });
    for attempt in &attempts {
        let number = attempt["number"].as_str().unwrap();
        let expected = if number.ends_with('7') { "no_answer" } else { "answered" };
        assert_eq!(attempt["outcome"], expected, "{attempt}");
        let span = |a: &str, b: &str| attempt[b].as_i64().unwrap() - attempt[a].as_i64().unwrap();
        if expected == "no_answer" {
            let rang = span("dialled", "ended");
            println!("cancelled after {rang} ms");
            assert!((14_500..17_000).contains(&rang), "{attempt}");
            assert!(span("dialled", "ringing") < 1_000, "{attempt}");
        } else {
            assert!((2_500..4_500).contains(&span("dialled", "answered")), "{attempt}");
            joined_at_once(&[span("answered", "joined")]);
        }
    }
    assert_eq!(trunk_program.received("CANCEL").len(), 1);
    assert!(desk.heard(700) > 0.8, "{}", desk.heard(700));
    assert!(!trunk_program.errors().contains("unexpected"), "{}", trunk_program.errors());
}
