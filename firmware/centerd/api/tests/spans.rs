//! Spans, trunks of channels and numbers, with a switch that says what the test wants.

use call::id::LegOrigin;
use call::{LegId, LegPhase};
use link::frame::{Lines, emit};
use link::{
    Channel, ChannelRecord, ChannelState, Command, DesiredState, Direction, Event, LegRecord, Line,
    LoopResult, Snapshot, SpanAlarm, SpanCounters, SpanLink, SpanRecord, ToCenter, ToSwitch,
    TraceLine, VERSION,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::*;

/// Two spans, the first in the town.
const MODEL: &str = r#"
[[span]]
name = "e1"
attach = "run/span1"
[[span]]
name = "spare"
attach = "run/span2"
channels = "1-15"
"#;

/// The test's end of the link.
struct Stub {
    reading: OwnedReadHalf,
    writing: OwnedWriteHalf,
    lines: Lines,
    seq: u64,
}

impl Stub {
    /// Waits for centerd and tells it these spans.
    async fn open(listener: UnixListener, spans: Vec<SpanRecord>) -> Stub {
        let (stream, _) = listener.accept().await.unwrap();
        let (reading, writing) = stream.into_split();
        let mut stub = Stub { reading, writing, lines: Lines::default(), seq: 0 };
        let ToSwitch::Hello { .. } = stub.hear().await else { panic!("no greeting") };
        stub.say(ToCenter::Hello {
            version: VERSION,
            epoch: call::Epoch(1),
            started: call::Stamp(1),
        })
        .await;
        stub.say(ToCenter::Snapshot(Box::new(Snapshot { spans, ..Snapshot::default() }))).await;
        stub
    }

    async fn say(&mut self, message: ToCenter) {
        self.writing.write_all(&emit(&message).unwrap()).await.unwrap();
    }

    async fn tell(&mut self, event: Event) {
        self.seq += 1;
        let at = crate::reactor::stamp();
        self.say(ToCenter::Event { seq: self.seq, at, event }).await;
    }

    async fn hear(&mut self) -> ToSwitch {
        loop {
            if let Some(message) = self.lines.next_message().unwrap() {
                return message;
            }
            let mut piece = vec![0; 64 << 10];
            let count = self.reading.read(&mut piece).await.unwrap();
            assert!(count > 0, "centerd has closed the link");
            self.lines.push(&piece[..count]);
        }
    }

    /// The next command of a kind; others are done and passed over.
    async fn command<T>(&mut self, wanted: impl Fn(&Command) -> Option<T>) -> (u64, T) {
        loop {
            let ToSwitch::Command { n, command } = self.hear().await else { continue };
            match wanted(&command) {
                Some(found) => return (n, found),
                None => self.say(ToCenter::Done { n }).await,
            }
        }
    }

    async fn desired(&mut self, fits: impl Fn(&DesiredState) -> bool) -> DesiredState {
        let wanted = |command: &Command| match command {
            Command::Desired(desired) if fits(desired) => Some((**desired).clone()),
            _ => None,
        };
        let (n, desired) = self.command(wanted).await;
        self.say(ToCenter::Done { n }).await;
        desired
    }
}

fn record(span: i64, alarms: Vec<SpanAlarm>, link: SpanLink) -> SpanRecord {
    let channel = |slot| ChannelRecord { slot, state: ChannelState::Idle, leg: None };
    SpanRecord {
        span: call::SpanId(span),
        device: format!("run/span{span}"),
        alarms,
        link,
        since: call::Stamp(1_795_158_000_000),
        channels: link::span::all_slots().into_iter().map(channel).collect(),
        counters: SpanCounters { slips: 3, frames: [10, 12], ..SpanCounters::default() },
    }
}

async fn house(spans: Vec<SpanRecord>) -> (House, Stub, Page) {
    let house = House::open(MODEL);
    let listener = UnixListener::bind(house.place.join("run/switchd.sock")).unwrap();
    let stub = Stub::open(listener, spans).await;
    let page = house.person(Role::Operator).await;
    (house, stub, page)
}

impl House {
    async fn put(&self, page: &Page, path: &str, body: Value) -> Got {
        self.as_page(page, Method::PUT, path, body).await
    }

    async fn post(&self, page: &Page, path: &str, body: Value) -> Got {
        self.as_page(page, Method::POST, path, body).await
    }

    /// Asks until the answer fits.
    async fn until(&self, page: &Page, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..500 {
            let answer = self.get(page, path).await.json();
            if fits(&answer) {
                return answer;
            }
            tokio::time::sleep(core::time::Duration::from_millis(20)).await;
        }
        panic!("{path} never fits: {}", self.get(page, path).await.json());
    }

    async fn trunk_of(&self, page: &Page, name: &str, slots: Value) -> Got {
        let groups = json!([{ "span_id": 1, "slots": slots }]);
        let form = json!({ "name": name, "kind": "channels", "groups": groups });
        self.post(page, "/api/v1/trunks", form).await
    }
}

fn field(got: &Got) -> (String, String) {
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", got.json());
    let error = &got.json()["error"];
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    (text("field"), text("message"))
}

#[tokio::test]
async fn a_span_is_configured_once_and_the_switch_is_told() {
    let (house, mut stub, page) = house(vec![record(1, vec![], SpanLink::Up)]).await;
    let all = house.until(&page, "/api/v1/spans", |all| all["items"][0]["state"] == "unused").await;
    let spans = all["items"].as_array().unwrap();
    assert_eq!((spans.len(), spans[0]["configured"].clone()), (2, json!(false)));
    assert_eq!(
        (spans[1]["name"].clone(), spans[1]["state"].clone()),
        (json!("spare"), json!("unknown"))
    );
    for (form, wrong, value) in [
        (json!({ "role": "boss" }), "role", "boss"),
        (json!({ "did_digits": 16 }), "did_digits", "16"),
        (json!({ "blocked": [16] }), "blocked", "16"),
        (json!({ "name": " " }), "name", "1 to"),
    ] {
        let (field, text) = field(&house.put(&page, "/api/v1/spans/1", form).await);
        assert!(field == wrong && text.contains(value), "{field}: {text}");
    }
    let form = json!({ "name": "telecom", "role": "user", "did_digits": 4, "blocked": [3, 2] });
    let made = house.put(&page, "/api/v1/spans/1", form).await.json();
    assert_eq!((made["state"].clone(), made["blocked"].clone()), (json!("up"), json!([2, 3])));
    let desired = stub.desired(|desired| !desired.spans.is_empty()).await;
    assert_eq!((desired.spans[0].did_digits, &desired.spans[0].blocked), (4, &vec![2, 3]));
    let taken = house.put(&page, "/api/v1/spans/2", json!({ "name": "telecom" })).await;
    assert!(field(&taken).1.contains("span 1"));
    assert_eq!(house.put(&page, "/api/v1/spans/3", json!({})).await.status, StatusCode::NOT_FOUND);
    // One channel more, and back.
    let block = |on: bool| json!({ "blocked": on });
    house.post(&page, "/api/v1/spans/1/channels/31", block(true)).await;
    let after = house.post(&page, "/api/v1/spans/1/channels/2", block(false)).await.json();
    assert_eq!(after["blocked"], json!([3, 31]));
    let none = house.post(&page, "/api/v1/spans/1/channels/16", block(true)).await;
    assert_eq!(field(&none).0, "slot");
    let events = house.get(&page, "/api/v1/audit?limit=500").await.json();
    let saved = events["items"].as_array().unwrap().iter().filter(|e| e["kind"] == "span_saved");
    assert!(saved.clone().count() == 3 && saved.clone().all(|e| e["actor"] != "box"));
}

#[tokio::test]
async fn alarms_of_a_span_come_and_go_in_its_history() {
    let (house, mut stub, page) =
        house(vec![record(1, vec![SpanAlarm::Red], SpanLink::Down)]).await;
    house.put(&page, "/api/v1/spans/1", json!({ "name": "telecom" })).await;
    stub.tell(Event::Span(Box::new(record(1, vec![SpanAlarm::Red], SpanLink::Down)))).await;
    let path = "/api/v1/spans/1/history";
    let red = house.until(&page, path, |all| all["items"][0]["alarm"] == "red").await;
    assert_eq!(
        (red["items"].as_array().unwrap().len(), red["items"][0]["cleared"].clone()),
        (1, Value::Null)
    );
    let span = house.get(&page, "/api/v1/spans/1").await.json();
    assert_eq!((span["state"].clone(), span["next_step"].clone()), (json!("down"), json!("cable")));
    let up = house.get(&page, "/api/v1/alarms").await.json();
    assert!(up["items"].as_array().unwrap().iter().any(|alarm| alarm["id"] == "span_red:span 1"));
    // The cable is in; the exchange is silent.
    stub.tell(Event::Span(Box::new(record(1, vec![], SpanLink::Establishing)))).await;
    let silent = house.until(&page, path, |all| all["items"][0]["alarm"] == "d_channel").await;
    assert!(silent["items"][1]["cleared"].is_i64(), "{silent}");
    // And answers: a repeated word is no news.
    for _ in 0..3 {
        stub.tell(Event::Span(Box::new(record(1, vec![], SpanLink::Up)))).await;
    }
    let over = house.until(&page, path, |all| all["items"][0]["cleared"].is_i64()).await;
    assert_eq!(over["items"].as_array().unwrap().len(), 2);
    let none = house.get(&page, "/api/v1/alarms").await.json();
    assert_eq!(none["items"], json!([]));
    assert_eq!(house.get(&page, "/api/v1/spans/2/history").await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_is_asked_of_a_span_is_answered_by_the_switch() {
    let (house, mut stub, page) = house(vec![record(1, vec![], SpanLink::Up)]).await;
    house.until(&page, "/api/v1/spans/1", |span| span["device"] == "run/span1").await;
    let at = Channel { span: call::SpanId(1), slot: 7 };
    let stub = tokio::spawn(async move {
        let (n, ()) = stub.command(|c| matches!(c, Command::TraceSpan { .. }).then_some(())).await;
        stub.say(ToCenter::Done { n }).await;
        let line = TraceLine { at: call::Stamp(5), sent: true, text: "SETUP ...1234".into() };
        stub.tell(Event::Trace { span: at.span, lines: vec![line] }).await;
        let test =
            |c: &Command| if let Command::TestLoop { channel } = c { Some(*channel) } else { None };
        let (n, channel) = stub.command(test).await;
        assert_eq!(channel, at);
        stub.say(ToCenter::Done { n }).await;
        let result = LoopResult::Closed { errors_per_mille: 0, delay_ms: 20 };
        stub.tell(Event::LoopTested { channel, result }).await;
        let restart = |c: &Command| {
            if let Command::RestartSpan { slot, .. } = c { Some(*slot) } else { None }
        };
        let (n, slot) = stub.command(restart).await;
        assert_eq!(slot, None);
        stub.say(ToCenter::Done { n }).await;
        let (n, slot) = stub.command(restart).await;
        assert_eq!(slot, Some(9));
        let refusal = link::Refusal::Unknown { name: "span 1".into() };
        stub.say(ToCenter::Refused { n, refusal }).await;
        // A test that nobody answers.
        let (n, _) = stub.command(test).await;
        stub.say(ToCenter::Done { n }).await;
        stub
    });
    let trace = house.get(&page, "/api/v1/spans/1/trace").await.json();
    assert_eq!(trace["lines"][0], json!({ "at": 5, "sent": true, "text": "SETUP ...1234" }));
    let test = |slot: u8| json!({ "slot": slot });
    let found = house.post(&page, "/api/v1/spans/1/test", test(7)).await.json();
    assert_eq!((found["result"].clone(), found["delay_ms"].clone()), (json!("closed"), json!(20)));
    let span = house.get(&page, "/api/v1/spans/1").await.json();
    assert_eq!(span["channels"][6]["tested"]["result"], "closed");
    let restart = "/api/v1/spans/1/restart";
    assert_eq!(house.post(&page, restart, Value::Null).await.status, StatusCode::NO_CONTENT);
    let events = house.get(&page, "/api/v1/audit?limit=500").await.json();
    let restarted = events["items"].as_array().unwrap().iter();
    assert!(restarted.clone().any(|e| e["kind"] == "span_restarted" && e["actor"] != "box"));
    let refused = house.post(&page, restart, test(9)).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::CONFLICT, "refused_by_switch".into())
    );
    assert_eq!(field(&house.post(&page, "/api/v1/spans/1/test", test(32)).await).0, "slot");
    let silent = house.post(&page, "/api/v1/spans/1/test", test(8)).await.json();
    assert_eq!(silent["result"], "no_answer");
    drop(stub.await.unwrap());
    house.until(&page, "/api/v1/health", |health| health["link"] == "down").await;
    let gone = house.get(&page, "/api/v1/spans/1/trace").await;
    assert_eq!((gone.status, gone.code()), (StatusCode::SERVICE_UNAVAILABLE, "switch_down".into()));
}

#[tokio::test]
async fn a_channel_is_in_one_trunk_and_a_number_is_of_one_trunk() {
    let (house, mut stub, page) = house(vec![record(1, vec![], SpanLink::Up)]).await;
    let made = house.trunk_of(&page, "sales", json!([1, 2, 3])).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    let sales = made.json()["id"].as_i64().unwrap();
    assert_eq!(made.json()["channels_max"], 3);
    for (slots, value) in [
        (json!([3, 4]), "slot 3 belongs to trunk sales"),
        (json!([16]), "slot 16"),
        (json!([5, 5]), "slot 5 is named twice"),
        (json!([]), "at least one"),
    ] {
        let (field, text) = field(&house.trunk_of(&page, "support", slots).await);
        assert!(field == "groups" && text.contains(value), "{field}: {text}");
    }
    for (span, slot, value) in [(9, 1, "no span 9"), (2, 17, "slot 17 carries no calls")] {
        let groups = json!([{ "span_id": span, "slots": [slot] }]);
        let form = json!({ "name": "support", "kind": "channels", "groups": groups });
        let (field, text) = field(&house.post(&page, "/api/v1/trunks", form).await);
        assert!(field == "groups" && text.contains(value), "{field}: {text}");
    }
    let support = house.trunk_of(&page, "support", json!([4])).await.json()["id"].as_i64().unwrap();
    // A trunk keeps its own channels when it is changed.
    let path = format!("/api/v1/trunks/{sales}");
    let groups = json!([{ "span_id": 1, "slots": [1, 2, 3, 31] }]);
    let changed = house.put(&page, &path, json!({ "groups": groups, "hunt": "ascending" })).await;
    assert_eq!(changed.json()["hunt"], "ascending", "{}", changed.json());
    assert_eq!(field(&house.put(&page, &path, json!({ "kind": "sip" })).await).0, "kind");

    let range = |trunk: i64, range: &str| json!({ "trunk_id": trunk, "range": range });
    let path = "/api/v1/numbers";
    let made = house.post(&page, path, range(sales, "+861063000000-0029")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    let item = &made.json()["items"][0];
    assert_eq!(
        (item["range"].clone(), item["count"].clone()),
        (json!("+861063000000-0029"), json!(30))
    );
    assert_eq!(
        (item["route"]["to"].clone(), item["tenant_id"].clone()),
        (json!("announcement"), json!(1))
    );
    for (form, wrong, value) in [
        (range(support, "+861063000029-0031"), "range", "+861063000029 belongs to trunk sales"),
        (range(support, "+861063000031-0030"), "range", "+861063000031-0030"),
        (range(support, "12ab"), "range", "12ab"),
        (range(99, "+861063000050"), "trunk_id", "99"),
        (
            json!({ "trunk_id": support, "range": "+861063000050", "tenant_id": 7 }),
            "tenant_id",
            "7",
        ),
        (json!({ "trunk_id": support, "range": "+861063000050", "count": 0 }), "count", "0"),
    ] {
        let (field, text) = field(&house.post(&page, path, form).await);
        assert!(field == wrong && text.contains(value), "{field}: {text}");
    }
    let more = json!({ "trunk_id": support, "range": "+861063000100", "count": 3 });
    assert_eq!(house.post(&page, path, more).await.json()["items"][0]["last"], "+861063000102");
    let sip = json!({ "name": "sip", "address": "192.0.2.7", "numbers": ["+861063000101"] });
    let (wrong, text) = field(&house.post(&page, "/api/v1/trunks", sip).await);
    assert!(wrong == "numbers" && text.contains("trunk support"), "{text}");
    let full = |desired: &DesiredState| desired.trunks.iter().any(|t| t.numbers.len() == 3);
    let desired = stub.desired(full).await;
    let counts: Vec<usize> = desired.trunks.iter().map(|trunk| trunk.numbers.len()).collect();
    assert_eq!(counts, [30, 3]);
    // The numbers of a trunk that is removed are free.
    house.as_page(&page, Method::DELETE, &format!("/api/v1/trunks/{support}"), Value::Null).await;
    let again = house.post(&page, path, range(sales, "+861063000100-0102")).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.json());
}

#[tokio::test]
async fn a_part_of_a_range_is_routed_to_a_phone_and_a_tenant_routes_its_own_alone() {
    let (house, _stub, page) = house(vec![record(1, vec![], SpanLink::Up)]).await;
    let trunk = house.trunk_of(&page, "sales", json!([1])).await.json()["id"].as_i64().unwrap();
    let path = "/api/v1/numbers";
    let range = |tenant: Value, range: &str| json!({ "trunk_id": trunk, "range": range, "tenant_id": tenant });
    house.post(&page, path, range(json!(1), "+861063000000-0009")).await;
    house.post(&page, path, range(Value::Null, "+861063000010-0019")).await;
    let phone =
        house.post(&page, "/api/v1/phones", json!({ "user": "8001" })).await.json()["id"].clone();
    let admin = house.person(Role::Administrator).await;
    let ring = |range: &str, phone: &Value| json!({ "range": range, "route": { "to": "phone", "phone_id": phone } });
    let routed = house.put(&admin, path, ring("+861063000003-0004", &phone)).await.json();
    assert_eq!(
        (routed["items"][0]["count"].clone(), routed["items"][0]["route"]["phone"].clone()),
        (json!(2), json!("8001"))
    );
    let mine = house.get(&admin, path).await.json();
    let ranges: Vec<&str> =
        mine["items"].as_array().unwrap().iter().map(|r| r["range"].as_str().unwrap()).collect();
    assert_eq!(ranges, ["+861063000000-0002", "+861063000003-0004", "+861063000005-0009"]);
    assert_eq!(house.get(&page, path).await.json()["items"].as_array().unwrap().len(), 4);
    for (form, wrong, value) in [
        (ring("+861063000003", &json!(77)), "phone_id", "77"),
        (ring("+861063000009-0010", &phone), "range", "+861063000010"),
        (json!({ "range": "+861063000003", "route": { "to": "moon" } }), "route", "moon"),
    ] {
        let (field, text) = field(&house.put(&admin, path, form).await);
        assert!(field == wrong && text.contains(value), "{field}: {text}");
    }
    let grab = house.put(&admin, path, json!({ "range": "+861063000010", "tenant_id": 1 })).await;
    assert_eq!(grab.code(), "not_allowed");
    // Whoever loses a number loses its phone, too.
    let taken =
        house.put(&page, path, json!({ "range": "+861063000003", "tenant_id": null })).await.json();
    assert_eq!(taken["items"][0]["route"]["to"], "announcement");
    let gone = house
        .as_page(&page, Method::DELETE, "/api/v1/numbers?range=%2B861063000000-0019", Value::Null)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&page, path).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_campaign_shows_numbers_that_its_trunk_owns_and_that_are_granted_to_its_tenant() {
    let (house, _stub, page) = house(vec![record(1, vec![], SpanLink::Up)]).await;
    let trunk = house.trunk_of(&page, "sales", json!([1])).await.json()["id"].as_i64().unwrap();
    let id = house.campaign(&page, "Autumn").await;
    let path = format!("/api/v1/campaigns/{id}");
    let add = |range: &str, tenant: Value| json!({ "trunk_id": trunk, "range": range, "tenant_id": tenant });
    house.post(&page, "/api/v1/numbers", add("+861063000000-0004", Value::Null)).await;
    let none = house.put(&page, &path, json!({ "trunk_ids": [trunk] })).await;
    let (wrong, text) = field(&none);
    assert!(wrong == "trunk_ids" && text.contains("sales"), "{text}");
    house.post(&page, "/api/v1/numbers", add("+861063000005-0009", json!(1))).await;
    let form = |numbers: Value| json!({ "trunk_ids": [trunk], "caller_ids": numbers, "caller_rule": "least_used" });
    let (wrong, text) =
        field(&house.put(&page, &path, form(json!(["+861063000006", "+861063000004"]))).await);
    assert!(wrong == "caller_ids" && text.contains("+861063000004"), "{text}");
    let twice = house.put(&page, &path, form(json!(["+861063000006", "+861063000006"]))).await;
    assert_eq!(field(&twice).0, "caller_ids");
    let rule = house.put(&page, &path, json!({ "caller_rule": "dice" })).await;
    assert_eq!(field(&rule).0, "caller_rule");
    let good =
        house.put(&page, &path, form(json!(["+861063000006", "+861063000007"]))).await.json();
    assert_eq!(good["caller_ids"], json!(["+861063000006", "+861063000007"]));
    assert_eq!(
        (good["caller_rule"].clone(), good["caller_id"].clone()),
        (json!("least_used"), json!("+861063000006"))
    );
    let ranged = house.put(&page, &path, form(json!(["+861063000006-0008"]))).await.json();
    assert_eq!(ranged["caller_ids"].as_array().unwrap().len(), 3, "{ranged}");
    // The number is taken away: the campaign does not start with it.
    let agent = json!({ "number": "801", "name": "A", "pin": "4711" });
    let agent = house.post(&page, "/api/v1/agents", agent).await.json()["id"].clone();
    house.put(&page, &path, json!({ "agent_ids": [agent] })).await;
    house
        .put(&page, "/api/v1/numbers", json!({ "range": "+861063000006", "tenant_id": null }))
        .await;
    let start = house.post(&page, &format!("{path}/start"), Value::Null).await;
    assert!(field(&start).1.contains("+861063000006"), "{}", start.json());
}

/// A leg at some phase, begun at a fixed instant.
fn leg(leg: LegId, line: Line, direction: Direction, phase: LegPhase) -> LegRecord {
    let at = call::Stamp(1_795_158_000_000);
    let (answered, ended) = (phase >= LegPhase::Answered, phase == LegPhase::Ended);
    LegRecord {
        phase,
        answered: answered.then_some(at.after_ms(3_000)),
        ended: ended.then_some(at.after_ms(9_000)),
        cause: ended.then_some(call::Cause::NormalClearing),
        ended_by: ended.then_some(call::Side::Far),
        ..LegRecord::new(leg, call::LegTag(0), line, direction, at)
    }
}

#[tokio::test]
async fn a_number_rings_a_desk_phone_and_the_call_is_in_the_records_with_its_channel() {
    let (house, mut stub, page) = house(vec![record(1, vec![], SpanLink::Up)]).await;
    let trunk = house.trunk_of(&page, "sales", json!([31])).await.json()["id"].as_i64().unwrap();
    let phone = house.post(&page, "/api/v1/phones", json!({ "user": "8001" })).await.json();
    let account = call::AccountId(phone["id"].as_i64().unwrap());
    let route = json!({ "to": "phone", "phone_id": phone["id"] });
    let form = json!({ "trunk_id": trunk, "range": "+861063000000-0009", "route": route });
    house.post(&page, "/api/v1/numbers", form).await;
    let contact = link::Contact {
        address: "192.0.2.9:5060".into(),
        agent: "desk".into(),
        expires: call::Stamp(1_895_158_000_000),
    };
    stub.tell(Event::Registration { account, contacts: vec![contact] }).await;
    let from_outside = |phase| LegRecord {
        channel: Some(Channel { span: call::SpanId(1), slot: 31 }),
        called: "+861063000003".into(),
        caller: "+8613800001000".into(),
        ..leg(
            LegId::new(LegOrigin::Switch, call::Epoch(1), 7),
            Line::Trunk(call::TrunkId(trunk)),
            Direction::In,
            phase,
        )
    };
    stub.tell(Event::Incoming(Box::new(from_outside(LegPhase::Seized)))).await;
    let originate = |command: &Command| match command {
        Command::Originate {
            leg,
            to: link::Destination::Account { account, caller, .. },
            on_answer: link::OnAnswer::Connect(connect),
            ..
        } => Some((*leg, *account, caller.clone(), connect.clone())),
        _ => None,
    };
    let (n, (desk, rung, shown, connect)) = stub.command(originate).await;
    assert_eq!((rung, shown.as_str()), (account, "+8613800001000"));
    assert_eq!(connect.caller, from_outside(LegPhase::Seized).leg);
    assert!(connect.record.is_some(), "talks with callers are recorded");
    stub.say(ToCenter::Done { n }).await;
    let at_phone = |phase| Box::new(leg(desk, Line::Account(account), Direction::Out, phase));
    stub.tell(Event::Leg(at_phone(LegPhase::Answered))).await;
    stub.tell(Event::Leg(Box::new(from_outside(LegPhase::Answered)))).await;
    stub.tell(Event::Leg(Box::new(from_outside(LegPhase::Ended)))).await;
    let inbound = |all: &Value| {
        let calls = all["items"].as_array().unwrap().iter();
        calls.clone().find(|c| c["kind"] == "inbound" && !c["ended"].is_null()).cloned()
    };
    let calls = house.until(&page, "/api/v1/calls", |all| inbound(all).is_some()).await;
    let call = inbound(&calls).unwrap();
    assert_eq!(
        (call["called"].clone(), call["caller"].clone(), call["line"].clone()),
        (json!("+861063000003"), json!("+8613800001000"), json!("sales"))
    );
    assert_eq!(call["channel"], json!({ "span": 1, "slot": 31 }));
    assert_eq!(
        (call["cause"].clone(), call["ended_by"].clone()),
        (json!("normal_clearing"), json!("far"))
    );
}
