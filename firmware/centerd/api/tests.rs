//! The API as programs and pages meet it: the real router, a real store on disk, the real running
//! office without a switch.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use call::{RecordingId, TenantId};
use link::sealed::{Header, SOUND_BYTES, Sealer};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::persons::{Role, SavePerson};
use tower::ServiceExt;

use super::*;
use crate::reactor::{Parts as ReactorParts, Reactor};
use crate::ready::Ready;
use crate::secrets::{Cost, ha1};
use crate::start;

mod lists;
mod spans;
mod tenants;

const PASSWORD: &str = "correct horse battery";

/// A box without a switch.
struct House {
    _folder: tempfile::TempDir,
    front: Front,
    router: Router,
    place: PathBuf,
    first: String,
}

/// What came back.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl House {
    fn open(model: &str) -> House {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::parse("m.toml", model, &[]).unwrap();
        config.place.dir = folder.path().to_owned();
        let proofs = Proofs::new(Cost::LEAST).unwrap();
        let opened = start::open(&config, &proofs).unwrap();
        let path = folder.path().join("linebox.db");
        let reader = || Reader::open(&path, opened.store.key().clone()).unwrap();
        let (for_office, for_pages) = (reader(), reader());
        let (writer, _) = Writer::start(opened.store).unwrap();
        let config = Arc::new(config);
        let (reactor, line) = Reactor::new(ReactorParts {
            center: opened.center,
            writer: writer.clone(),
            reader: for_office,
            proofs: proofs.clone(),
            config: Arc::clone(&config),
            socket: folder.path().join("run/switchd.sock"),
            ready: Ready::default(),
            clock: opened.clock,
        });
        tokio::spawn(reactor.run(core::future::pending()));
        let key = opened.key;
        let front = Front::new(Parts { writer, reader: for_pages, line, proofs, config, key });
        let router = router(front.clone());
        let place = folder.path().to_owned();
        House { _folder: folder, front, router, place, first: opened.password.unwrap() }
    }

    async fn send(&self, request: Request<Body>) -> Got {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Got { status: parts.status, headers: parts.headers, body }
    }

    async fn plain(&self, method: Method, path: &str) -> Got {
        self.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    async fn login(&self, name: &str, password: &str) -> Got {
        let body = json!({ "name": name, "password": password }).to_string();
        let request = Request::post("/api/v1/login").header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A person of this role who has changed their first password.
    async fn person(&self, role: Role) -> Page {
        let login = format!("{role:?}").to_lowercase();
        let save = SavePerson {
            id: None,
            login: login.clone(),
            name: login.clone(),
            role,
            password_hash: Some(self.front.proofs.hash_now(PASSWORD).unwrap()),
            must_change: false,
            disabled: false,
        };
        self.apply(TenantChange::SavePerson(save)).await;
        let got = self.login(&login, PASSWORD).await;
        assert_eq!(got.status, StatusCode::OK, "{login}");
        Page { cookie: cookie_of(&got) }
    }

    async fn apply(&self, change: TenantChange) -> Applied {
        let job = Job::of_tenant(self.front.now(), store::Actor::Box, TenantId(1), change);
        self.front.submit(job).await.unwrap()
    }

    async fn as_page(&self, page: &Page, method: Method, path: &str, body: Value) -> Got {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(COOKIE, &page.cookie)
            .header("x-linebox", "1")
            .header(CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }

    async fn get(&self, page: &Page, path: &str) -> Got {
        self.as_page(page, Method::GET, path, Value::Null).await
    }

    async fn upload(&self, page: &Page, campaign: i64, csv: impl Into<Body>) -> Got {
        let request = Request::post(format!("/api/v1/campaigns/{campaign}/leads?file=a.csv"))
            .header(COOKIE, &page.cookie)
            .header("x-linebox", "1")
            .header(CONTENT_TYPE, "text/csv");
        self.send(request.body(csv.into()).unwrap()).await
    }

    async fn campaign(&self, page: &Page, name: &str) -> i64 {
        let made =
            self.as_page(page, Method::POST, "/api/v1/campaigns", json!({ "name": name })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.json());
        made.json()["id"].as_i64().unwrap()
    }
}

struct Page {
    cookie: String,
}

fn cookie_of(got: &Got) -> String {
    let cookie = got.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_route_says_its_right_its_proof_and_how_it_refuses() {
    let house = House::open("");
    let api = house.plain(Method::GET, "/api/v1/openapi.json").await.json();
    assert_eq!(api["security"], json!([{ "session": [] }, { "token": [] }]));
    assert!(api["components"]["schemas"]["ErrorAnswer"].is_object());
    for (method, path, right) in rights::ROUTES {
        let operation = &api["paths"][*path][method.as_str().to_lowercase()];
        let refusal = &operation["responses"]["default"]["content"]["application/json"]["schema"];
        assert_eq!(refusal["$ref"], "#/components/schemas/ErrorAnswer", "{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
        let told = operation["description"].as_str().unwrap_or_default();
        let open = *right == rights::Right::Open;
        assert_eq!(told.contains(&format!("the right `{}`", right.word())), !open, "{path}");
        // Open ones say so themselves.
        assert_eq!(operation["security"] == json!([{}]), open, "{path}: {}", operation["security"]);
    }
}

#[test]
fn every_route_is_described_and_asks_for_a_right() {
    let (_, openapi) = routes().split_for_parts();
    let described: BTreeSet<(String, String)> = openapi
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("DELETE", &item.delete),
                ("PATCH", &item.patch),
            ];
            methods
                .into_iter()
                .filter(|(_, operation)| operation.is_some())
                .map(|(method, _)| (method.to_owned(), path.clone()))
                .collect::<Vec<_>>()
        })
        .collect();
    let listed: BTreeSet<(String, String)> = rights::ROUTES
        .iter()
        .map(|(method, path, _)| (method.to_string(), (*path).to_owned()))
        .collect();
    assert_eq!(listed.len(), rights::ROUTES.len(), "a route is listed twice");
    assert_eq!(described, listed, "left: described and served; right: in the table of rights");
    let text: Value = serde_json::from_str(&openapi.to_json().unwrap()).unwrap();
    for schema in [
        "Phone",
        "Trunk",
        "Span",
        "NumberRange",
        "Agent",
        "Campaign",
        "Attempt",
        "Call",
        "ErrorAnswer",
    ] {
        assert!(text["components"]["schemas"][schema].is_object(), "{schema} is not described");
    }
}

#[tokio::test]
async fn nothing_but_the_open_routes_answers_without_signing_in() {
    let house = House::open("");
    for (method, path, right) in rights::ROUTES {
        let got = house
            .plain(
                method.clone(),
                &path.replace("{id}", "1").replace("{slot}", "1").replace("{tenant}", "1"),
            )
            .await;
        if *right == rights::Right::Open {
            assert_ne!(got.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        } else {
            assert_eq!(
                (got.status, got.code().as_str()),
                (StatusCode::UNAUTHORIZED, "not_signed_in"),
                "{method} {path}"
            );
        }
    }
    assert_eq!(house.plain(Method::GET, "/api/v1/none").await.status, StatusCode::NOT_FOUND);
    let other = house.plain(Method::PATCH, "/api/v1/campaigns").await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, "wrong_method")
    );
    assert!(other.headers["allow"].to_str().unwrap().contains("POST"));
}

#[tokio::test]
async fn every_role_is_held_to_its_rights_on_every_route() {
    let house = House::open("");
    for role in [Role::Agent, Role::Quality, Role::Leader, Role::Administrator] {
        let page = house.person(role).await;
        let may = rights::of_role(role);
        for (method, path, right) in rights::ROUTES {
            // These end or change the session that the test goes on with.
            if *right == rights::Right::Own || *right == rights::Right::Open {
                continue;
            }
            let path =
                path.replace("{id}", "999999").replace("{slot}", "1").replace("{tenant}", "1");
            let got = house.as_page(&page, method.clone(), &path, Value::Null).await;
            let denied = got.status == StatusCode::FORBIDDEN && got.code() == "not_allowed";
            if !may.contains(right) {
                assert!(denied, "{role:?} {method} {path}: {}", got.status);
            } else if *right != rights::Right::Seat {
                assert!(!denied, "{role:?} {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn the_first_administrator_changes_the_password_before_anything_else() {
    let house = House::open("");
    let got = house.login("admin", &house.first).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.json()["person"]["must_change_password"], true);
    let page = Page { cookie: cookie_of(&got) };
    let got = house.get(&page, "/api/v1/phones").await;
    assert_eq!((got.status, got.code().as_str()), (StatusCode::FORBIDDEN, "must_change_password"));
    assert_eq!(house.get(&page, "/api/v1/me").await.status, StatusCode::OK);
    let change = |old: &str, new: &str| json!({ "old": old, "new": new });
    let path = "/api/v1/me/password";
    let short = house.as_page(&page, Method::POST, path, change(&house.first, "short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = house.as_page(&page, Method::POST, path, change("nonsense", PASSWORD)).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let done = house.as_page(&page, Method::POST, path, change(&house.first, PASSWORD)).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    // The old session is over; the answer has brought a new one.
    assert_eq!(house.get(&page, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    let page = Page { cookie: cookie_of(&done) };
    assert_eq!(house.get(&page, "/api/v1/phones").await.status, StatusCode::OK);
    house.as_page(&page, Method::POST, "/api/v1/logout", Value::Null).await;
    assert_eq!(house.get(&page, "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_passwords_lock_a_name_whether_it_exists_or_not() {
    let house = House::open("");
    house.person(Role::Leader).await;
    for name in ["leader", "nobody"] {
        for _ in 0..crate::limits::LOGIN_FAILURES_MAX {
            let got = house.login(name, "wrong").await;
            assert_eq!(
                (got.status, got.code().as_str()),
                (StatusCode::UNAUTHORIZED, "wrong_login")
            );
        }
        let got = house.login(name, PASSWORD).await;
        assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS, "{name}");
        assert!(got.json()["error"]["retry_after_ms"].as_i64().unwrap() > 0);
    }
}

#[tokio::test]
async fn many_guesses_at_once_do_not_pass_the_lock() {
    let house = House::open("");
    house.person(Role::Leader).await;
    let guesses: Vec<_> = (0..20)
        .map(|n| {
            let (router, front) = (house.router.clone(), house.front.clone());
            tokio::spawn(async move {
                let _ = front;
                let body =
                    json!({ "name": "leader", "password": format!("guess {n}") }).to_string();
                let request =
                    Request::post("/api/v1/login").header(CONTENT_TYPE, "application/json");
                router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status()
            })
        })
        .collect();
    let mut proved = 0;
    for guess in guesses {
        proved += u32::from(guess.await.unwrap() == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(proved, crate::limits::LOGIN_FAILURES_MAX);
}

#[tokio::test]
async fn a_change_by_cookie_needs_the_mark_and_a_token_does_not() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    let request = Request::post("/api/v1/phones")
        .header(COOKIE, &page.cookie)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "user": "8001" }).to_string()))
        .unwrap();
    let got = house.send(request).await;
    assert_eq!((got.status, got.code().as_str()), (StatusCode::FORBIDDEN, "no_mark"));
    let made = house
        .as_page(
            &page,
            Method::POST,
            "/api/v1/tokens",
            json!({ "name": "crm", "rights": ["see_phones", "edit_phones"] }),
        )
        .await
        .json();
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let by_token = |method: Method, path: &str, body: Value| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", &bearer)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let got = house.send(by_token(Method::POST, "/api/v1/phones", json!({ "user": "8001" }))).await;
    assert_eq!(got.status, StatusCode::CREATED);
    let got = house.send(by_token(Method::GET, "/api/v1/agents", json!({}))).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    let id = made["id"].as_i64().unwrap();
    house.as_page(&page, Method::DELETE, &format!("/api/v1/tokens/{id}"), Value::Null).await;
    let got = house.send(by_token(Method::GET, "/api/v1/phones", json!({}))).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_phone_is_added_with_a_secret_that_is_shown_once_and_served_to_the_switch() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    let made = house
        .as_page(&page, Method::POST, "/api/v1/phones", json!({ "user": "8001", "label": "door" }))
        .await
        .json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let id = made["id"].as_i64().unwrap();
    let again = house.get(&page, &format!("/api/v1/phones/{id}")).await.json();
    assert_eq!((again["secret"].clone(), again["label"].clone()), (Value::Null, json!("door")));
    let expected = ha1("8001", "linebox", &secret);
    let config = house.front.config.clone();
    let office =
        house.front.read_box(move |view| crate::load::office(view, &config)).await.unwrap();
    assert_eq!(office.phones.values().next().unwrap().account.ha1, expected);
    let twice =
        house.as_page(&page, Method::POST, "/api/v1/phones", json!({ "user": "8001" })).await;
    assert_eq!((twice.status, twice.code().as_str()), (StatusCode::CONFLICT, "exists"));
    house.as_page(&page, Method::DELETE, &format!("/api/v1/phones/{id}"), Value::Null).await;
    assert_eq!(house.get(&page, "/api/v1/phones").await.json()["items"], json!([]));
    let back =
        house.as_page(&page, Method::POST, "/api/v1/phones", json!({ "user": "8001" })).await;
    assert_eq!(back.json()["id"].as_i64().unwrap(), id);
}

#[tokio::test]
async fn a_campaign_says_what_it_lacks_then_runs_and_says_why_it_does_not_dial() {
    let house = House::open("");
    let page = house.person(Role::Operator).await;
    let trunk = json!({ "name": "carrier", "address": "192.0.2.7", "numbers": ["010 6200 0000"] });
    let trunk = house.as_page(&page, Method::POST, "/api/v1/trunks", trunk).await.json();
    assert_eq!(trunk["numbers"], json!(["+861062000000"]));
    let agent = json!({ "number": "801", "name": "Ada", "pin": "4711" });
    let agent = house.as_page(&page, Method::POST, "/api/v1/agents", agent).await.json();
    assert_eq!(agent["state"], "signed_out");
    let id = house.campaign(&page, "Autumn").await;
    let start = format!("/api/v1/campaigns/{id}/start");
    let refused = house.as_page(&page, Method::POST, &start, Value::Null).await;
    assert_eq!(
        (refused.status, refused.json()["error"]["field"].clone()),
        (StatusCode::CONFLICT, json!("trunk_ids"))
    );
    let path = format!("/api/v1/campaigns/{id}");
    let hours = json!({ "timezone": "Asia/Shanghai", "windows": [{ "days": [1,2,3,4,5,6,7], "from": "00:00", "to": "24:00" }], "holidays": [] });
    let form = json!({ "trunk_ids": [trunk["id"]], "agent_ids": [agent["id"]], "hours": hours });
    let changed = house.as_page(&page, Method::PUT, &path, form).await.json();
    assert_eq!(changed["hours"], hours);
    let list = "name,phone\nAda,13800000001\n";
    assert_eq!(house.upload(&page, id, list).await.json()["accepted"], 1);
    let started = house.as_page(&page, Method::POST, &start, Value::Null).await;
    assert_eq!(started.status, StatusCode::OK, "{}", started.json());
    assert_eq!(started.json()["state"], "running");
    let now = house.get(&page, &path).await.json();
    assert_eq!(now["progress"]["new"], 1);
    assert_eq!(now["why_not"][0]["rule"], "switch_down", "{now}");
    for (form, field) in
        [(json!({ "agent_ids": [999] }), "agent_ids"), (json!({ "trunk_ids": [999] }), "trunk_ids")]
    {
        let wrong = house.as_page(&page, Method::PUT, &path, form).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert_eq!(wrong.json()["error"]["field"], field);
    }
    let wrong = house.as_page(&page, Method::PUT, &path, json!({ "ring_timeout_ms": 1 })).await;
    assert_eq!(
        (wrong.status, wrong.json()["error"]["field"].clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, json!("ring_timeout_ms"))
    );
}

#[tokio::test]
async fn every_row_of_an_upload_is_accounted_for() {
    let house = House::open("");
    let page = house.person(Role::Leader).await;
    let admin = house.person(Role::Administrator).await;
    let id = house.campaign(&admin, "Autumn").await;
    let barred = json!({ "number": "13900000009", "reason": "asked" });
    let barred = house.as_page(&page, Method::POST, "/api/v1/dnc", barred).await;
    assert_eq!(barred.json()["number"], "+8613900000009");
    let mut list = "\u{feff}姓名,手机\r\n张三,13800000001\r\n李四,138-0000-0002\r\n".to_owned();
    list.push_str("王五,13800000001\r\n赵六,13900000009\r\n孙七,12345\r\n");
    let mut list = list.into_bytes();
    list.extend_from_slice(b"\xd5\xc5,13800000003\r\n");
    let got = house.upload(&page, id, list).await.json();
    assert_eq!(got["rows"], 6, "{got}");
    for (count, expected) in
        [("accepted", 1), ("repaired", 1), ("duplicate", 1), ("dnc", 1), ("refused", 2)]
    {
        assert_eq!(got[count], expected, "{count}: {got}");
    }
    assert_eq!(
        (got["details_total"].as_u64(), got["details"].as_array().unwrap().len()),
        (Some(5), 5)
    );
    assert!(got["details"][4]["reason"].as_str().unwrap().contains("UTF-8"));
    let batch = got["batch_id"].as_i64().unwrap();
    let request = Request::get(format!("/api/v1/batches/{batch}/rows"))
        .header(COOKIE, &page.cookie)
        .header("accept", "text/csv");
    let file = house.send(request.body(Body::empty()).unwrap()).await;
    let text = String::from_utf8(file.body).unwrap();
    assert_eq!(text.lines().count(), 6, "{text}");
    let rows = house.get(&page, &format!("/api/v1/batches/{batch}/rows?limit=2")).await.json();
    let next = rows["next"].as_str().unwrap();
    let more =
        house.get(&page, &format!("/api/v1/batches/{batch}/rows?limit=9&after={next}")).await;
    assert_eq!(more.json()["items"].as_array().unwrap().len(), 3);
    let leads = house.get(&page, &format!("/api/v1/campaigns/{id}/leads?state=new")).await.json();
    assert_eq!(leads["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_with_what_to_do() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    let id = house.campaign(&page, "Autumn").await;
    let gbk = house.upload(&page, id, &b"\xd0\xd5\xc3\xfb,\xca\xd6\xbb\xfa\n1,2\n"[..]).await;
    assert_eq!((gbk.code().as_str(), gbk.json()["error"]["row"].clone()), ("not_utf8", json!(0)));
    assert_eq!(house.upload(&page, id, "").await.code(), "malformed");
    assert_eq!(house.upload(&page, id, "name,city\nAda,Wuhan\n").await.code(), "wrong_header");
    assert_eq!(house.upload(&page, 999, "phone\n13800000001\n").await.code(), "not_found");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_is_uploaded_the_counts_add_up_to_the_rows(
        rows in prop::collection::vec(
            prop_oneof![
                (0u32..40).prop_map(|n| format!("1380000{n:04}")),
                (0u32..40).prop_map(|n| format!("+86 138 0000 {n:04}")),
                Just("13900000009".to_owned()),
                "[0-9a-z+ -]{1,14}",
            ],
            1..60,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let house = House::open("");
            let page = house.person(Role::Administrator).await;
            let id = house.campaign(&page, "Autumn").await;
            let barred = json!({ "number": "13900000009" });
            house.as_page(&page, Method::POST, "/api/v1/dnc", barred).await;
            let list = format!("phone\n{}\n", rows.join("\n"));
            let got = house.upload(&page, id, list.clone()).await.json();
            let count = |name: &str| got[name].as_u64().unwrap();
            let sum = count("accepted") + count("repaired") + count("duplicate") + count("dnc") + count("refused");
            assert_eq!((count("rows"), sum), (rows.len() as u64, rows.len() as u64), "{got}");
            // Twice the same file brings nobody twice.
            let again = house.upload(&page, id, list).await.json();
            assert_eq!((again["accepted"].clone(), again["repaired"].clone()), (json!(0), json!(0)));
        });
    }
}

/// A recording of `seconds` and a half, that grows or is closed, with its row.
async fn record(house: &House, id: i64, seconds: usize, closed: bool) -> Vec<u8> {
    let path = format!("2026/11/20/r{id}.lbx");
    let recording = RecordingId(id);
    let at = house.front.now();
    house.apply(TenantChange::StartRecording { recording, path: path.clone() }).await;
    let header = Header { recording, started: at };
    let (mut sealer, head) = Sealer::begin(&house.front.key, header).unwrap();
    let mut bytes = head.to_vec();
    let mut sound = Vec::new();
    for second in 0..seconds {
        let mut one: Vec<u8> = (0..SOUND_BYTES).map(|i| (i * 7 + second) as u8).collect();
        sound.extend_from_slice(&one);
        let tag = sealer.seal(&mut one);
        bytes.extend(one);
        bytes.extend(tag);
    }
    let rest = vec![9; SOUND_BYTES / 2];
    if closed {
        sound.extend_from_slice(&rest);
        bytes.extend(sealer.finish(rest));
    }
    let file = house.place.join("recordings").join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::File::create(file).unwrap().write_all(&bytes).unwrap();
    sound
}

#[tokio::test]
async fn a_recording_is_played_in_parts_kept_and_followed_while_it_grows() {
    let house = House::open("");
    let page = house.person(Role::Quality).await;
    let sound = record(&house, 1, 3, true).await;
    let whole = house.get(&page, "/api/v1/recordings/1").await;
    assert_eq!((whole.status, &whole.body[44..]), (StatusCode::OK, sound.as_slice()));
    assert_eq!(whole.headers[CONTENT_TYPE], "audio/wav");
    assert!(!whole.headers.contains_key("content-encoding"));
    let head = house.as_page(&page, Method::HEAD, "/api/v1/recordings/1", Value::Null).await;
    assert_eq!(head.headers["content-length"], whole.body.len().to_string().as_str());
    assert!(head.body.is_empty());
    let part = |range: &str| {
        let request = Request::get("/api/v1/recordings/1?download=1")
            .header(COOKIE, &page.cookie)
            .header("range", range);
        house.send(request.body(Body::empty()).unwrap())
    };
    let got = part("bytes=32000-64100").await;
    assert_eq!(
        (got.status, got.body.as_slice()),
        (StatusCode::PARTIAL_CONTENT, &whole.body[32_000..=64_100])
    );
    let total = whole.body.len();
    assert_eq!(got.headers["content-range"], format!("bytes 32000-64100/{total}").as_str());
    assert!(got.headers["content-disposition"].to_str().unwrap().contains("linebox-r1.wav"));
    let behind = part(&format!("bytes={total}-")).await;
    assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(behind.headers["content-range"], format!("bytes */{total}").as_str());
    let growing = record(&house, 2, 2, false).await;
    let so_far = house.get(&page, "/api/v1/recordings/2").await;
    assert_eq!(&so_far.body[44..], growing.as_slice());
    let record = house.get(&page, "/api/v1/recordings/2/record").await.json();
    assert_eq!(
        (record["state"].clone(), record["length_ms"].clone()),
        (json!("growing"), json!(2_000))
    );
}

#[tokio::test]
async fn an_agent_hears_only_their_own_talks() {
    let house = House::open("");
    record(&house, 1, 1, true).await;
    let page = house.person(Role::Agent).await;
    let got = house.get(&page, "/api/v1/recordings/1").await;
    assert_eq!((got.status, got.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    assert_eq!(house.get(&page, "/api/v1/attempts").await.json()["items"], json!([]));
}

#[tokio::test]
async fn destinations_are_denied_until_an_administrator_lists_them() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    let id = house.campaign(&page, "Abroad").await;
    let list = "phone\n+442079460000\n";
    assert_eq!(house.upload(&page, id, list).await.json()["refused"], 1);
    let wrong = json!({ "premium": false, "international": ["44"] });
    let wrong = house.as_page(&page, Method::PUT, "/api/v1/destinations", wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = json!({ "premium": false, "international": ["+44"] });
    let got = house.as_page(&page, Method::PUT, "/api/v1/destinations", form.clone()).await;
    assert_eq!(got.json(), form);
    assert_eq!(house.upload(&page, id, list).await.json()["accepted"], 1);
}

#[tokio::test]
async fn what_was_done_is_in_the_chain_by_whom_and_the_chain_is_whole() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    house.campaign(&page, "Autumn").await;
    let me = house.get(&page, "/api/v1/me").await.json()["person"]["id"].as_i64().unwrap();
    let events = house.get(&page, "/api/v1/audit?limit=500").await.json();
    let saved = events["items"].as_array().unwrap().iter().find(|e| e["kind"] == "campaign_saved");
    assert_eq!(saved.unwrap()["actor"], format!("p{me}"));
    let seqs = |part: &serde_json::Value| -> Vec<i64> {
        part["items"].as_array().unwrap().iter().map(|e| e["seq"].as_i64().unwrap()).collect()
    };
    // What people look at: the newest first, part by part, without what the box did by itself.
    let of_people: Vec<i64> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .filter(|e| e["actor"] != "box")
        .map(|e| e["seq"].as_i64().unwrap())
        .collect();
    let (mut back, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/audit?newest=true&people=true&limit=2{next}");
        let part = house.get(&page, &path).await.json();
        assert!(seqs(&part).len() <= 2);
        back.extend(seqs(&part));
        let Some(after) = part["next"].as_str() else { break };
        next = format!("&after={after}");
    }
    assert!(of_people.len() > 2 && of_people.len() < seqs(&events).len());
    assert_eq!(back, of_people);
    let checked = house.get(&page, "/api/v1/audit/verify").await.json();
    assert_eq!(checked["ok"], true, "{checked}");
    assert!(checked["events"].as_u64().unwrap() > 3);
}

#[tokio::test]
async fn health_is_open_and_says_that_the_switch_is_away_and_names_nobody() {
    let model = include_str!("../../../board/models/demo.toml");
    let house = House::open(model);
    let got = house.plain(Method::GET, "/api/v1/health").await;
    let health = got.json();
    assert_eq!(
        (health["status"].clone(), health["link"].clone()),
        (json!("degraded"), json!("down"))
    );
    assert_eq!(
        (health["simulated"].clone(), health["database"]["ok"].clone()),
        (json!(true), json!(true))
    );
    let text = String::from_utf8(got.body).unwrap();
    assert!(!text.contains("8001") && !text.contains("+86"), "{text}");
    let page = house.person(Role::Administrator).await;
    for list in ["phones", "trunks", "agents", "campaigns"] {
        let rows = house.get(&page, &format!("/api/v1/{list}")).await.json();
        let rows = rows["items"].as_array().unwrap().clone();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["simulated"] == true), "{list}");
    }
}

#[tokio::test]
async fn every_answer_is_hardened_and_none_of_the_api_is_kept_by_caches() {
    let house = House::open("");
    for path in ["/", "/api/v1/health", "/api/v1/none"] {
        let got = house.plain(Method::GET, path).await;
        assert_eq!(got.headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(got.headers["x-content-type-options"], "nosniff", "{path}");
        let policy = got.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'"), "{path}");
    }
    let got = house.plain(Method::GET, "/api/v1/health").await;
    assert_eq!(got.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_page_hears_what_changed_and_only_what_it_may() {
    let house = House::open("");
    let admin = house.person(Role::Administrator).await;
    let hash = |page: &Page| store::sessions::TokenHash::of(page.cookie.split_once('=').unwrap().1);
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, admin.cookie.parse().unwrap());
    let who = auth::identify(&house.front, &headers, &"/".parse().unwrap()).await.unwrap();
    assert_eq!(who.session, Some(hash(&admin)));
    let mut pushes = house.front.stream.listen();
    house.as_page(&admin, Method::POST, "/api/v1/phones", json!({ "user": "8001" })).await;
    let heard = loop {
        let push = pushes.recv().await.unwrap();
        if push.text.contains("\"topic\":\"phone\"") {
            break push;
        }
    };
    let body: Value = serde_json::from_str(&heard.text).unwrap();
    assert_eq!(body["phone"]["user"], "8001");
    assert!(body["phone"].get("secret").is_none());
    assert!(heard.is_for(&who));
    let quality = house.person(Role::Quality).await;
    headers.insert(COOKIE, quality.cookie.parse().unwrap());
    let other = auth::identify(&house.front, &headers, &"/".parse().unwrap()).await.unwrap();
    assert!(!heard.is_for(&other), "a quality checker has no right to phones");
    let stranger = rights::Asker { tenant: TenantId(2), ..(*who).clone() };
    assert!(!heard.is_for(&stranger.into()));
}
