//! Spans and numbers: all or none, owned once, told to switchd.

#![allow(clippy::unwrap_used)]

use call::{LegId, SpanId, Stamp, TenantId, TrunkId};
use serde_json::json;
use store::calls::{CallKind, NoteCall};
use store::numbers::SaveNumbers;
use store::spans::Span;
use store::trunks::SaveTrunk;
use store::{Actor, Applied, BoxChange, BoxKey, Error, Job, Store, TenantChange};

const NOW: Stamp = Stamp(1_795_000_000_000);

fn store() -> Store {
    Store::in_memory(BoxKey::from_bytes([7; 32]), "spans", NOW).unwrap()
}

fn apply(store: &mut Store, change: BoxChange) -> Result<Applied, Error> {
    store.apply(&Job::of_box(NOW, Actor::Box, change))
}

fn trunk(store: &mut Store, name: &str) -> TrunkId {
    let save = SaveTrunk {
        id: None,
        name: name.to_owned(),
        settings: json!({}),
        secret: None,
        disabled: false,
    };
    TrunkId(apply(store, BoxChange::SaveTrunk(save)).unwrap().id().unwrap())
}

fn numbers(trunk: TrunkId, numbers: &[&str], tenant: Option<TenantId>) -> BoxChange {
    BoxChange::SaveNumbers(SaveNumbers {
        trunk,
        numbers: numbers.iter().map(|&n| n.to_owned()).collect(),
        tenant,
        route: json!({ "to": "announcement" }),
        note: String::new(),
    })
}

#[test]
fn a_span_keeps_its_place_and_its_last_settings() {
    let mut store = store();
    for (name, side) in [("first", "user"), ("exchange", "network")] {
        let span = Span { id: SpanId(2), name: name.to_owned(), settings: json!({ "role": side }) };
        apply(&mut store, BoxChange::SaveSpan(span)).unwrap();
    }
    let spans = store.whole().spans().unwrap();
    assert_eq!(spans.len(), 1);
    assert_eq!((spans[0].id, spans[0].name.as_str()), (SpanId(2), "exchange"));
    assert_eq!(spans[0].settings["role"], "network");
}

#[test]
fn a_number_has_one_trunk_and_a_refused_range_leaves_nothing() {
    let mut store = store();
    let (one, two) = (trunk(&mut store, "one"), trunk(&mut store, "two"));
    apply(&mut store, numbers(one, &["+861062000000", "+861062000001"], None)).unwrap();
    let taken = apply(&mut store, numbers(two, &["+861062000002", "+861062000001"], None));
    assert!(
        matches!(&taken, Err(Error::Exists(what)) if what.contains("+861062000001")),
        "{taken:?}"
    );
    assert_eq!(store.whole().numbers().unwrap().len(), 2);
    let gone = vec!["+861062000000".to_owned(), "+861000000000".to_owned()];
    apply(&mut store, BoxChange::RemoveNumbers { trunk: one, numbers: gone.clone() }).unwrap();
    let again = apply(&mut store, BoxChange::RemoveNumbers { trunk: one, numbers: gone });
    assert_eq!(again, Ok(Applied::Unchanged));
    assert_eq!(store.whole().numbers().unwrap().len(), 1);
}

#[test]
fn a_tenant_sees_its_own_numbers_only() {
    let mut store = store();
    let one = trunk(&mut store, "one");
    let change = BoxChange::AddTenant { name: "other".to_owned() };
    let other = TenantId(apply(&mut store, change).unwrap().id().unwrap());
    apply(&mut store, numbers(one, &["101", "102"], Some(other))).unwrap();
    apply(&mut store, numbers(one, &["103"], None)).unwrap();
    let seen = store.tenant(other).numbers().unwrap();
    assert_eq!(seen.iter().map(|n| n.number.as_str()).collect::<Vec<_>>(), ["101", "102"]);
}

#[test]
fn more_numbers_than_the_bound_are_refused() {
    let mut store = store();
    let one = trunk(&mut store, "one");
    let many: Vec<String> = (0..=store::limits::NUMBERS_MAX).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = apply(&mut store, numbers(one, &many, None));
    assert!(matches!(refused, Err(Error::TooMany { .. })), "{refused:?}");
    assert!(store.whole().numbers().unwrap().is_empty());
}

#[test]
fn a_call_keeps_the_channel_it_came_to_at_last() {
    let mut store = store();
    let change = BoxChange::AddTenant { name: "office".to_owned() };
    let tenant = TenantId(apply(&mut store, change).unwrap().id().unwrap());
    for slot in [7, 9] {
        let note = NoteCall {
            channel: Some((SpanId(1), slot)),
            called: Some("+861062000000".to_owned()),
            ..NoteCall::new(LegId(5), CallKind::Inbound, "13900139000", NOW)
        };
        let change = TenantChange::NoteCall(Box::new(note));
        store.apply(&Job::of_tenant(NOW, Actor::Box, tenant, change)).unwrap();
    }
    let call = store.tenant(tenant).call_of_leg(LegId(5)).unwrap().unwrap().call;
    assert_eq!(call.channel, Some((SpanId(1), 9)));
    assert_eq!(call.called.as_deref(), Some("+861062000000"));
}
