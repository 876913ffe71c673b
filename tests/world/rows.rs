//! What an administrator types in before the day: agents with their phones, trunks, numbers.

use std::net::SocketAddr;

use board_sim::town::{Habit, Phone, Span};
use call::{AccountId, AgentId, Now, SpanId, TenantId, TrunkId};
use centerd::load::{SpanSettings, TrunkKind, TrunkSettings};
use dialer::outcome::Language;
use link::ChannelGroup;
use signal::sip::digest::{Algorithm, Ha1};
use store::accounts::{AccountSecrets, SaveAccount};
use store::agents::SaveAgent;
use store::numbers::SaveNumbers;
use store::trunks::SaveTrunk;
use store::{Actor, BoxChange, Job, Secret, TenantChange};

use crate::day::CARRIER;
use crate::unit::Unit;

const REALM: &str = "linebox";

/// How many numbers the box has at a span.
const SPAN_NUMBERS: u64 = 50;
/// The first of them.
const SPAN_NUMBER: u64 = 861_062_010_000;

/// The numbers of the box at a span, as they are written.
pub fn span_numbers() -> impl Iterator<Item = String> {
    (SPAN_NUMBER..SPAN_NUMBER + SPAN_NUMBERS).map(|number| format!("+{number}"))
}

/// The same as the exchange knows them.
#[must_use]
pub fn town_numbers() -> board_sim::town::Numbers {
    let last = SPAN_NUMBER + SPAN_NUMBERS - 1;
    board_sim::town::Numbers::Range { first: SPAN_NUMBER, last, digits: 12 }
}

pub(crate) fn applied_id(unit: &mut Unit, job: Job) -> i64 {
    unit.store.apply(&job).expect("a row").id().expect("an id")
}

pub(crate) fn phone(n: u32, habit: Habit) -> Phone {
    Phone {
        address: SocketAddr::from(([10, 0, 1, n as u8], 5060)),
        account: format!("{}", 8001 + n),
        secret: format!("secret {n}"),
        agent: format!("{}", 801 + n),
        pin: "4711".into(),
        name: format!("Agent {n}"),
        habit,
    }
}

pub(crate) fn add_agent(
    unit: &mut Unit,
    now: Now,
    tenant: TenantId,
    phone: &Phone,
) -> (AgentId, AccountId) {
    let ha1 = Ha1::new(Algorithm::Md5, &phone.account, REALM, &phone.secret);
    let account = TenantChange::SaveAccount(SaveAccount {
        id: None,
        user: phone.account.clone(),
        label: phone.name.clone(),
        secrets: Some(AccountSecrets {
            secret: Secret::new(phone.secret.clone()),
            ha1: Secret::new(ha1.expose()),
        }),
        calls_max: 4,
        disabled: false,
    });
    let account =
        AccountId(applied_id(unit, Job::of_tenant(now.stamp, Actor::Box, tenant, account)));
    let agent = TenantChange::SaveAgent(SaveAgent {
        id: None,
        number: phone.agent.clone(),
        name: phone.name.clone(),
        pin_hash: Some("the world knows it".into()),
        person: None,
        account: Some(account),
        language: Language::En,
        seat: dialer::agent::Reach::NailedUp,
        disabled: false,
    });
    let agent = AgentId(applied_id(unit, Job::of_tenant(now.stamp, Actor::Box, tenant, agent)));
    unit.know_pin(&phone.agent, &phone.pin, agent);
    (agent, account)
}

pub(crate) fn add_trunk(unit: &mut Unit, now: Now, tenant: TenantId) -> TrunkId {
    let settings = serde_json::json!({
        "address": CARRIER.to_string(), "numbers": ["+861062000000"], "channels_max": 30,
    });
    let name = "town".to_owned();
    let save =
        BoxChange::SaveTrunk(SaveTrunk { id: None, name, settings, secret: None, disabled: false });
    let trunk = TrunkId(applied_id(unit, Job::of_box(now.stamp, Actor::Box, save)));
    let grant = BoxChange::GrantTrunk { trunk, tenant, calls_max: 30, caller_id: None };
    unit.store.apply(&Job::of_box(now.stamp, Actor::Box, grant)).expect("a grant");
    trunk
}

/// Span 1 with a trunk of all its channels, which owns the numbers of the exchange, as the first
/// start of a demonstration makes them.
pub(crate) fn add_span(unit: &mut Unit, now: Now, tenant: TenantId, span: &Span) -> TrunkId {
    let id = SpanId(1);
    let settings = SpanSettings { overlap: span.overlap, ..SpanSettings::default() };
    let settings = serde_json::to_value(settings).expect("JSON");
    let row = BoxChange::SaveSpan(store::spans::Span { id, name: "span1".into(), settings });
    unit.store.apply(&Job::of_box(now.stamp, Actor::Box, row)).expect("a span");
    let settings = TrunkSettings {
        kind: TrunkKind::Channels,
        groups: vec![ChannelGroup { span: id, slots: span.channels.clone() }],
        channels_max: 30,
        simulated: true,
        ..TrunkSettings::default()
    };
    let settings = serde_json::to_value(settings).expect("JSON");
    let name = "town-span1".to_owned();
    let save =
        BoxChange::SaveTrunk(SaveTrunk { id: None, name, settings, secret: None, disabled: false });
    let trunk = TrunkId(applied_id(unit, Job::of_box(now.stamp, Actor::Box, save)));
    let route = serde_json::json!({ "to": "announcement" });
    route_numbers(unit, now, (trunk, tenant), span_numbers().collect(), route);
    let caller_id = span_numbers().next();
    let grant = BoxChange::GrantTrunk { trunk, tenant, calls_max: 30, caller_id };
    unit.store.apply(&Job::of_box(now.stamp, Actor::Box, grant)).expect("a grant");
    trunk
}

/// Where calls to these numbers of a trunk go.
pub(crate) fn route_numbers(
    unit: &mut Unit,
    now: Now,
    (trunk, tenant): (TrunkId, TenantId),
    numbers: Vec<String>,
    route: serde_json::Value,
) {
    let tenant = Some(tenant);
    let save = SaveNumbers { trunk, numbers, tenant, route, note: String::new() };
    let save = BoxChange::SaveNumbers(save);
    unit.store.apply(&Job::of_box(now.stamp, Actor::Box, save)).expect("numbers");
}
