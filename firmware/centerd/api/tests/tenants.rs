//! Several tenants on one box: what each has, sees and may not touch; and who did what.

use super::*;

async fn sign_in(house: &House, login: &str, first: &str) -> Page {
    let got = house.login(login, first).await;
    assert_eq!(got.status, StatusCode::OK, "{login}");
    let page = Page { cookie: cookie_of(&got) };
    let change = json!({ "old": first, "new": PASSWORD });
    let done = house.as_page(&page, Method::POST, "/api/v1/me/password", change).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    Page { cookie: cookie_of(&done) }
}

fn tenant(name: &str, login: &str) -> Value {
    let administrator = json!({ "login": login, "password": "a first password" });
    json!({ "name": name, "administrator": administrator })
}

async fn add(house: &House, operator: &Page, name: &str, login: &str) -> (i64, Page) {
    let made = house.as_page(operator, Method::POST, "/api/v1/tenants", tenant(name, login)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    let id = made.json()["id"].as_i64().unwrap();
    (id, sign_in(house, login, "a first password").await)
}

#[tokio::test]
async fn a_tenant_comes_with_its_administrator_or_not_at_all() {
    let house = House::open("");
    let operator = house.person(Role::Operator).await;
    let post = |body| house.as_page(&operator, Method::POST, "/api/v1/tenants", body);
    add(&house, &operator, "Acme", "ada").await;
    let taken = post(tenant("Beta", "ada")).await;
    assert_eq!((taken.status, taken.code().as_str()), (StatusCode::CONFLICT, "exists"));
    assert_eq!(taken.json()["error"]["field"], "login");
    let names = house.get(&operator, "/api/v1/tenants").await.json();
    let names: Vec<_> = names["items"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["Office", "Acme"]);
    assert_eq!(post(tenant("Acme", "ben")).await.status, StatusCode::CONFLICT);
    assert_eq!(house.login("ben", "a first password").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(post(tenant("Beta", "ben")).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_tenant_sees_and_changes_nothing_of_another() {
    let house = House::open("");
    let operator = house.person(Role::Operator).await;
    let ours = house.campaign(&operator, "Ours").await;
    let phone = json!({ "user": "8001" });
    let phone = house.as_page(&operator, Method::POST, "/api/v1/phones", phone).await.json();
    let agent = json!({ "number": "801", "name": "Ada", "pin": "4711" });
    let agent = house.as_page(&operator, Method::POST, "/api/v1/agents", agent).await.json();
    let batch = house.upload(&operator, ours, "phone\n13800000001\n").await.json();
    let (_, theirs) = add(&house, &operator, "Acme", "ada").await;
    for list in ["campaigns", "phones", "agents", "trunks", "attempts", "calls", "dnc", "tokens"] {
        let rows = house.get(&theirs, &format!("/api/v1/{list}")).await.json();
        assert_eq!(rows["items"], json!([]), "{list}");
    }
    let (phone, agent) = (phone["id"].as_i64().unwrap(), agent["id"].as_i64().unwrap());
    let batch = batch["batch_id"].as_i64().unwrap();
    for (method, path, body) in [
        (Method::GET, format!("campaigns/{ours}"), Value::Null),
        (Method::PUT, format!("campaigns/{ours}"), json!({ "name": "Mine" })),
        (Method::DELETE, format!("campaigns/{ours}"), Value::Null),
        (Method::POST, format!("campaigns/{ours}/start"), Value::Null),
        (Method::GET, format!("campaigns/{ours}/leads"), Value::Null),
        (Method::GET, format!("campaigns/{ours}/batches"), Value::Null),
        (Method::GET, format!("batches/{batch}/rows"), Value::Null),
        (Method::PUT, format!("phones/{phone}"), json!({ "label": "mine" })),
        (Method::DELETE, format!("phones/{phone}"), Value::Null),
        (Method::PUT, format!("agents/{agent}"), json!({ "name": "mine" })),
        (Method::POST, format!("agents/{agent}/sign_in"), Value::Null),
        (Method::DELETE, format!("agents/{agent}"), Value::Null),
    ] {
        let got = house.as_page(&theirs, method.clone(), &format!("/api/v1/{path}"), body).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    assert_eq!(house.upload(&theirs, ours, "phone\n13800000002\n").await.code(), "not_found");
    // A row of theirs cannot point at one of ours.
    let form = json!({ "number": "1", "name": "x", "pin": "1234", "phone_id": phone });
    let got = house.as_page(&theirs, Method::POST, "/api/v1/agents", form).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "no_such_row")
    );
}

#[tokio::test]
async fn the_operator_grants_a_trunk_to_whom_and_how_much_and_takes_it_back() {
    let house = House::open("");
    let operator = house.person(Role::Operator).await;
    let (tenant, theirs) = add(&house, &operator, "Acme", "ada").await;
    let form = json!({ "name": "carrier", "address": "192.0.2.7", "numbers": ["010 6200 0000"],
        "channels_max": 8 });
    let trunk = house.as_page(&operator, Method::POST, "/api/v1/trunks", form).await.json();
    let id = trunk["id"].as_i64().unwrap();
    let path = format!("/api/v1/trunks/{id}/grants");
    let one = format!("{path}/{tenant}");
    let put = |body| house.as_page(&operator, Method::PUT, &one, body);
    for (wrong, field) in [
        (json!({ "calls_max": 9 }), "calls_max"),
        (json!({ "calls_max": 0 }), "calls_max"),
        (json!({ "caller_id": "01063000000" }), "caller_id"),
    ] {
        let got = put(wrong).await.json();
        assert_eq!(got["error"]["field"], field, "{got}");
    }
    let got = put(json!({ "calls_max": 2, "caller_id": "01062000000" })).await.json();
    assert_eq!((got["tenant"].as_str(), got["calls_max"].as_u64()), (Some("Acme"), Some(2)));
    let seen = house.get(&theirs, "/api/v1/trunks").await.json();
    assert_eq!(seen["items"][0]["id"], id);
    // A campaign of theirs may dial on it.
    let campaign = format!("/api/v1/campaigns/{}", house.campaign(&theirs, "Theirs").await);
    let form = json!({ "trunk_ids": [id] });
    let changed = house.as_page(&theirs, Method::PUT, &campaign, form).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.json());
    // A smaller trunk has no larger grants, and one of the whole trunk stays one.
    let form = json!({ "channels_max": 1 });
    house.as_page(&operator, Method::PUT, &format!("/api/v1/trunks/{id}"), form).await;
    let form = json!({ "channels_max": 6 });
    house.as_page(&operator, Method::PUT, &format!("/api/v1/trunks/{id}"), form).await;
    let grants = house.get(&operator, &path).await.json();
    let calls: Vec<_> =
        grants["items"].as_array().unwrap().iter().map(|grant| &grant["calls_max"]).collect();
    assert_eq!(calls, [6, 6]);
    // What is taken back stays so when the trunk is changed.
    let own = grants["items"][0]["tenant_id"].as_i64().unwrap();
    let gone =
        house.as_page(&operator, Method::DELETE, &format!("{path}/{own}"), Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let form = json!({ "channels_max": 5 });
    house.as_page(&operator, Method::PUT, &format!("/api/v1/trunks/{id}"), form).await;
    let grants = house.get(&operator, &path).await.json();
    assert_eq!(grants["items"].as_array().unwrap().len(), 1, "{grants}");
    let none = house.as_page(&operator, Method::PUT, &format!("{path}/99"), json!({})).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get(&theirs, &path).await.status, StatusCode::FORBIDDEN);
    // The operator finds all of it in the audit, and for whom it was.
    let audit = house.get(&operator, "/api/v1/audit?limit=500").await.json();
    let told = |kind: &str| {
        let events = audit["items"].as_array().unwrap().iter();
        events
            .filter(|event| event["kind"] == kind)
            .map(|e| e["payload"].clone())
            .collect::<Vec<_>>()
    };
    assert!(told("tenant_added").contains(&json!({ "name": "Acme" })), "{audit}");
    let granted = json!({ "tenant": tenant, "calls_max": 2, "caller_id": "+861062000000" });
    assert!(told("trunk_granted").contains(&granted), "{audit}");
    assert_eq!(told("trunk_revoked"), [json!({ "tenant": own })]);
}

#[tokio::test]
async fn an_agent_whose_number_is_taken_leaves_no_console_user_behind() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    let form = |number: &str| {
        let login = json!({ "name": "ada", "password": "a first password" });
        json!({ "number": number, "name": "Ada", "pin": "4711", "login": login })
    };
    let plain = json!({ "number": "801", "name": "Ben", "pin": "4711" });
    house.as_page(&page, Method::POST, "/api/v1/agents", plain).await;
    let taken = house.as_page(&page, Method::POST, "/api/v1/agents", form("801")).await;
    assert_eq!((taken.status, taken.code().as_str()), (StatusCode::CONFLICT, "exists"));
    let made = house.as_page(&page, Method::POST, "/api/v1/agents", form("802")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    let person = made.json()["person_id"].as_i64().unwrap();
    let changed = json!({ "name": "Ada L" });
    let path = format!("/api/v1/persons/{person}");
    let changed = house.as_page(&page, Method::PUT, &path, changed).await.json();
    assert_eq!(
        (changed["name"].as_str(), changed["agent_id"].clone()),
        (Some("Ada L"), made.json()["id"].clone())
    );
}

async fn chain(house: &House, page: &Page, kind: &str) -> Vec<Value> {
    let all = house.get(page, "/api/v1/audit?limit=500").await.json();
    let of_kind = |event: &&Value| event["kind"] == kind;
    all["items"].as_array().unwrap().iter().filter(of_kind).cloned().collect()
}

#[tokio::test]
async fn who_heard_a_recording_is_in_the_chain() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    record(&house, 1, 3, true).await;
    let me = house.get(&page, "/api/v1/me").await.json()["person"]["id"].as_i64().unwrap();
    house.as_page(&page, Method::HEAD, "/api/v1/recordings/1", Value::Null).await;
    house.get(&page, "/api/v1/recordings/1/record").await;
    assert_eq!(house.get(&page, "/api/v1/recordings/9").await.status, StatusCode::NOT_FOUND);
    assert!(chain(&house, &page, "recording_heard").await.is_empty(), "nobody has heard it");
    for _ in 0..3 {
        // As a player asks, part by part.
        assert_eq!(house.get(&page, "/api/v1/recordings/1").await.status, StatusCode::OK);
    }
    house.get(&page, "/api/v1/recordings/1?download=1").await;
    let heard = chain(&house, &page, "recording_heard").await;
    let told = |event: &Value| {
        (event["actor"].clone(), event["row"].clone(), event["payload"]["download"].clone())
    };
    let by = json!(format!("p{me}"));
    let expected = [(by.clone(), json!(1), json!(false)), (by, json!(1), json!(true))];
    assert_eq!(heard.iter().map(told).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn who_ordered_something_at_anothers_seat_is_in_the_chain() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    let agent = json!({ "number": "801", "name": "Ada", "pin": "4711" });
    let agent = house.as_page(&page, Method::POST, "/api/v1/agents", agent).await.json();
    let id = agent["id"].as_i64().unwrap();
    let path = format!("/api/v1/agents/{id}/sign_in");
    let refused = house.as_page(&page, Method::POST, &path, Value::Null).await;
    assert_eq!(refused.code(), "no_phone");
    assert!(chain(&house, &page, "agent_ordered").await.is_empty(), "nothing was done");
    // Without a switch no seat takes an order; what is asked of the office matters nothing here.
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, page.cookie.parse().unwrap());
    let who = auth::identify(&house.front, &headers, &"/".parse().unwrap()).await.unwrap();
    let agent = call::AgentId(id);
    let _ = agents::order(&house.front, &who, agent, "pause", Wish::Reload).await.unwrap();
    let own: Who = rights::Asker { agent: Some(agent), ..(*who).clone() }.into();
    let _ = agents::order(&house.front, &own, agent, "ready", Wish::Reload).await.unwrap();
    let ordered = chain(&house, &page, "agent_ordered").await;
    assert_eq!(ordered.len(), 1, "one's own orders are in the log of states");
    let told = (ordered[0]["row"].as_i64(), ordered[0]["payload"]["order"].as_str());
    assert_eq!(told, (Some(id), Some("pause")));
}

#[tokio::test]
async fn a_token_of_all_that_its_maker_may_makes_neither_persons_nor_tokens_nor_tenants() {
    let house = House::open("");
    let page = house.person(Role::Operator).await;
    let post = |body| house.as_page(&page, Method::POST, "/api/v1/tokens", body);
    let made = post(json!({ "name": "crm" })).await.json();
    let rights = made["rights"].as_array().unwrap();
    assert!(rights.contains(&json!("edit_trunks")), "{rights:?}");
    for word in ["edit_persons", "edit_tokens", "edit_tenants"] {
        assert!(!rights.contains(&json!(word)), "{word}");
    }
    let past = post(json!({ "name": "old", "expires": 1 })).await.json();
    assert_eq!(past["error"]["field"], "expires", "{past}");
}

#[tokio::test]
async fn a_token_that_is_taken_back_ends_its_stream_wherever_it_was_given() {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    let form = json!({ "name": "board", "rights": ["see", "see_agents"] });
    let made = house.as_page(&page, Method::POST, "/api/v1/tokens", form).await.json();
    let token = made["token"].as_str().unwrap();
    let mut by_header = HeaderMap::new();
    by_header.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let address = format!("/api/v1/events?token={token}").parse().unwrap();
    let proofs = [(by_header, "/api/v1/events".parse().unwrap()), (HeaderMap::new(), address)];
    for (headers, uri) in &proofs {
        let who = auth::identify(&house.front, headers, uri).await.unwrap();
        assert!(events::still_signed_in(&house.front, &who, &(headers.clone(), uri.clone())).await);
    }
    let who = auth::identify(&house.front, &proofs[0].0, &proofs[0].1).await.unwrap();
    let path = format!("/api/v1/tokens/{}", made["id"]);
    house.as_page(&page, Method::DELETE, &path, Value::Null).await;
    for proof in &proofs {
        assert!(!events::still_signed_in(&house.front, &who, proof).await);
    }
}

#[tokio::test]
async fn guesses_at_names_that_nobody_has_are_told_to_the_operator() {
    let house = House::open("");
    let operator = house.person(Role::Operator).await;
    let admin = house.person(Role::Administrator).await;
    for _ in 0..crate::limits::LOGIN_FAILURES_MAX {
        house.login("root", "wrong").await;
    }
    let told = chain(&house, &operator, "guessing_locked").await;
    assert_eq!((told.len(), told[0]["personal"].as_str()), (1, Some("name root")));
    assert!(chain(&house, &admin, "guessing_locked").await.is_empty(), "it is the box's");
}

#[tokio::test]
async fn a_session_that_is_used_lasts_longer_and_one_that_is_not_runs_out() {
    let house = House::open("");
    let page = house.person(Role::Leader).await;
    let me = house.get(&page, "/api/v1/me").await.json()["person"]["id"].as_i64().unwrap();
    let (person, now) = (call::PersonId(me), house.front.now());
    let hash = store::sessions::TokenHash::of;
    let end = |token: &'static str| {
        let read = house.front.read_box(move |view| view.session(hash(token), Stamp(0)));
        async { read.await.unwrap().unwrap().expires_at }
    };
    // Nearly run out; just begun; over.
    let soon = now.after_ms(crate::limits::SESSION_RENEW_MS);
    let late = now.after_ms(crate::limits::SESSION_MS);
    for (token, expires_at) in [("soon", soon), ("late", late), ("over", now)] {
        let (token, remote) = (hash(token), "127.0.0.1".to_owned());
        house.apply(TenantChange::OpenSession { person, token, expires_at, remote }).await;
    }
    let ask = |token: &str| {
        let page = Page { cookie: format!("{}={token}", auth::COOKIE_NAME) };
        let house = &house;
        async move { house.get(&page, "/api/v1/me").await.status }
    };
    assert_eq!(ask("soon").await, StatusCode::OK);
    assert_eq!(ask("late").await, StatusCode::OK);
    assert_eq!(ask("over").await, StatusCode::UNAUTHORIZED);
    for _ in 0..2_000 {
        if end("soon").await >= late {
            break;
        }
        tokio::time::sleep(core::time::Duration::from_millis(5)).await;
    }
    assert!(end("soon").await >= late);
    assert_eq!(end("late").await, late, "not every click is written");
}
