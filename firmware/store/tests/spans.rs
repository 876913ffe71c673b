//! Spans and numbers: all or none, owned once, told to switchd.

#![allow(clippy::unwrap_used)]

use call::{LegId, SpanId, Stamp, TenantId, TrunkId};
use serde_json::json;
use store::calls::{CallKind, NoteCall};
use store::numbers::SaveNumbers;
use store::spans::Span;
use store::trunks::SaveTrunk;
use store::{Actor, Applied, BoxChange, BoxKey, Error, Filter, Job, Page, Store, TenantChange};

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
    let count = |kind| {
        let filter = Filter { kind: Some(kind), ..Filter::default() };
        store.tenant(tenant).calls(&filter, Page::first(10)).unwrap().len()
    };
    assert_eq!((count(CallKind::Inbound), count(CallKind::Outbound)), (1, 0));
}

fn raise(store: &mut Store, kind: &str, subject: &str) {
    let change = BoxChange::RaiseAlarm {
        tenant: None,
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        severity: store::alarms::Severity::Critical,
        detail: String::new(),
    };
    apply(store, change).unwrap();
}

fn clear(store: &mut Store, kind: &str, subject: &str) {
    let (kind, subject) = (kind.to_owned(), subject.to_owned());
    apply(store, BoxChange::ClearAlarm { tenant: None, kind, subject }).unwrap();
}

#[test]
fn the_alarms_of_a_span_are_its_own_and_come_in_pages() {
    let mut store = store();
    for _ in 0..3 {
        raise(&mut store, "span_red", "span 1");
        raise(&mut store, "span_red", "span 1");
        clear(&mut store, "span_red", "span 1");
    }
    raise(&mut store, "span_red", "span 11");
    raise(&mut store, "span_blue", "span 1");
    let about = |page| store.whole().alarms_about("span 1", page).unwrap();
    let first = about(Page::first(2));
    assert_eq!((first[0].kind.as_str(), first[0].cleared_at), ("span_blue", None));
    assert_eq!((first[1].kind.as_str(), first[1].cleared_at), ("span_red", Some(NOW)));
    let after = store::page::Cursor { at: Stamp(0), id: first[1].id.0 };
    let rest = about(Page { before: Some(after), rows: 10 });
    assert_eq!(rest.len(), 2);
    assert_eq!(about(Page::first(10)).len(), 4);
}

#[test]
fn a_line_that_flaps_does_not_fill_the_disk_and_what_stands_is_kept() {
    let mut store = store();
    raise(&mut store, "span_yellow", "span 2");
    let kept = store::limits::ALARMS_KEPT;
    let job = |change| Job::of_box(NOW, Actor::Box, change);
    let (kind, subject) = ("span_red".to_owned(), "span 1".to_owned());
    let flap = |raise: bool| {
        let (tenant, kind, subject) = (None, kind.clone(), subject.clone());
        if !raise {
            return job(BoxChange::ClearAlarm { tenant, kind, subject });
        }
        let (severity, detail) = (store::alarms::Severity::Critical, String::new());
        job(BoxChange::RaiseAlarm { tenant, kind, subject, severity, detail })
    };
    for _ in 0..kept + 50 {
        store.apply(&flap(true)).unwrap();
        store.apply(&flap(false)).unwrap();
    }
    let oldest = store.whole().alarms_about("span 2", Page::first(10)).unwrap();
    assert_eq!((oldest.len(), oldest[0].cleared_at), (1, None));
    let mut page = Page::first(500);
    let mut count = 0;
    loop {
        let rows = store.whole().alarms_about("span 1", page).unwrap();
        let Some(last) = rows.last() else { break };
        count += i64::try_from(rows.len()).unwrap();
        page = Page { before: Some(store::page::Cursor { at: NOW, id: last.id.0 }), rows: 500 };
    }
    assert_eq!(count, kept);
}
