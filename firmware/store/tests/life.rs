//! The life of a list: imported, claimed, dialled, ended, due again, and what a crash leaves.
#![allow(clippy::unwrap_used, missing_docs)]

mod office;

use call::{Cause, Stamp};
use dialer::attempt::Moment;
use dialer::lead::{Reason, Refused, State};
use dialer::outcome::{Category, Outcome};
use office::*;
use store::batches::{ImportRow, Parsed, Verdict, Why};
use store::{Applied, Error, Filter, Page, TenantChange};

#[test]
fn a_lead_is_claimed_dialled_talked_to_and_finished() {
    let (mut store, tenant, campaign) = office(2);
    let agent = agent(&mut store, tenant, "801");
    let attempts = claim(&mut store, NOON, tenant, campaign, 1);
    let attempt = attempts[0].clone();
    assert_eq!(attempt.number, number(1), "in the order of the list");
    let moments = [
        (Moment::Dialled, 10),
        (Moment::Ringing, 900),
        (Moment::Answered, 5_000),
        (Moment::Joined, 5_040),
    ]
    .map(|(m, ms)| (m, NOON.after_ms(ms)));
    progress(&mut store, tenant, attempt.id, &moments, Some(agent)).unwrap();
    let over = NOON.after_ms(65_040);
    let ended = end(&mut store, over, tenant, attempt.id, Cause::NormalClearing).unwrap();
    assert!(matches!(ended, Applied::Ended(e) if e.outcome == Outcome::Answered));
    // Told twice (an event, then a snapshot): nothing changes.
    let head = store.head();
    let again = end(&mut store, over.after_ms(9), tenant, attempt.id, Cause::Lost).unwrap();
    assert_eq!((again, store.head()), (Applied::Unchanged, head));

    let view = store.tenant(tenant);
    let kept = view.attempt(attempt.id).unwrap().attempt;
    assert_eq!(kept.times.talk_ms(), Some(60_000));
    assert_eq!(kept.agent, Some(agent));
    let lead = view.lead(attempt.lead).unwrap();
    assert_eq!(lead.life.state, State::Finished { reason: Reason::Reached, at: over });
    let hours = view.campaign_hours(Some(campaign), Stamp(0), Stamp(i64::MAX)).unwrap();
    assert_eq!((hours[0].attempts, hours[0].joined, hours[0].talk_ms), (1, 1, 60_000));
    let days = view.agent_days(Stamp(0), Stamp(i64::MAX), 28_800_000).unwrap();
    assert_eq!((days[0].agent, days[0].joined, days[0].talk_ms), (agent, 1, 60_000));
    assert!(store.verify(1, None, None).unwrap().is_ok());
}

#[test]
fn what_is_due_comes_before_what_is_new_and_nothing_is_claimed_twice() {
    let (mut store, tenant, campaign) = office(3);
    let first = claim(&mut store, NOON, tenant, campaign, 1).remove(0);
    end(&mut store, NOON, tenant, first.id, Cause::UserBusy).unwrap();
    let early = claim(&mut store, NOON, tenant, campaign, 1).remove(0);
    assert_ne!(early.lead, first.lead, "its interval is not over");
    let State::Due { at } = store.tenant(tenant).lead(first.lead).unwrap().life.state else {
        panic!("a busy number is due again");
    };
    assert_eq!(store.tenant(tenant).next_due(campaign).unwrap(), Some(Stamp(0)), "one is new");
    let both = claim(&mut store, at, tenant, campaign, 10);
    let leads: Vec<_> = both.iter().map(|a| a.lead).collect();
    assert_eq!((leads.len(), leads[0]), (2, first.lead));
    assert!(claim(&mut store, at, tenant, campaign, 10).is_empty());
}

#[test]
fn after_a_crash_every_attempt_without_an_outcome_is_found_and_ends_lost() {
    let (mut store, tenant, campaign) = office(3);
    let attempts = claim(&mut store, NOON, tenant, campaign, 2);
    let dialled = [(Moment::Dialled, NOON)];
    progress(&mut store, tenant, attempts[0].id, &dialled, None).unwrap();
    let hidden: Vec<_> = store.recover().unwrap().iter().map(|r| r.attempt.id).collect();
    assert_eq!(hidden, [attempts[0].id, attempts[1].id]);
    for id in hidden {
        end(&mut store, NOON.after_ms(1_000), tenant, id, Cause::Lost).unwrap();
        let lead = store.tenant(tenant).attempt(id).unwrap().attempt.lead;
        let life = store.tenant(tenant).lead(lead).unwrap().life;
        assert_eq!((life.dialled, life.last_outcome), (1, Some(Outcome::Lost)));
        assert!(matches!(life.state, State::Due { at } if at > NOON.after_ms(60_000)));
    }
    assert!(store.recover().unwrap().is_empty());
}

#[test]
fn a_withdrawn_claim_can_no_longer_go_out() {
    let (mut store, tenant, campaign) = office(1);
    let attempt = claim(&mut store, NOON, tenant, campaign, 1).remove(0);
    store.apply(&of(NOON, tenant, TenantChange::WithdrawLead(attempt.lead))).unwrap();
    let dialled = progress(&mut store, tenant, attempt.id, &[(Moment::Dialled, NOON)], None);
    assert_eq!(dialled, Err(Error::Lead(Refused::Stale(attempt.id))));
    let end = store.tenant(tenant).attempt(attempt.id).unwrap().attempt.end.unwrap();
    assert_eq!((end.outcome, end.cause), (Outcome::Cancelled, Cause::Cancelled));
}

#[test]
fn whoever_says_never_again_is_not_called_in_any_campaign() {
    let (mut store, tenant, spring) = office(1);
    let autumn = campaign(&mut store, tenant, "autumn");
    import(&mut store, tenant, autumn, 0, 1);
    let attempt = claim(&mut store, NOON, tenant, spring, 1).remove(0);
    let moments = [Moment::Dialled, Moment::Answered, Moment::Joined].map(|m| (m, NOON));
    progress(&mut store, tenant, attempt.id, &moments, None).unwrap();
    end(&mut store, NOON, tenant, attempt.id, Cause::NormalClearing).unwrap();
    let said = TenantChange::SaveDisposition {
        attempt: attempt.id,
        category: Category::DoNotCall,
        label: "Do not call again".into(),
        note: String::new(),
        call_back_at: None,
    };
    store.apply(&of(NOON, tenant, said)).unwrap();
    assert!(claim(&mut store, NOON, tenant, autumn, 10).is_empty());
    assert!(store.tenant(tenant).is_dnc(autumn, &number(1)).unwrap());
    let batch = batch(&mut store, tenant, autumn);
    let rows = vec![row(1, 1), row(2, 2)];
    let answer = store.apply(&of(NOON, tenant, TenantChange::ImportRows { batch, rows })).unwrap();
    let Applied::Imported(verdicts) = answer else { panic!("{answer:?}") };
    let verdicts: Vec<_> = verdicts.iter().map(|v| v.verdict).collect();
    assert_eq!(verdicts, [Verdict::DoNotCall, Verdict::Accepted]);
}

#[test]
fn every_row_of_a_file_has_a_verdict_and_a_chunk_may_be_sent_twice() {
    let (mut store, tenant, campaign) = office(1);
    let batch = batch(&mut store, tenant, campaign);
    let mut repaired = row(2, 50);
    if let Parsed::Lead { repaired, .. } = &mut repaired.parsed {
        *repaired = Some(("number".into(), vec!["country_code".into()]));
    }
    let refused = ImportRow {
        row: 4,
        raw: "abc,nobody".into(),
        parsed: Parsed::Refused {
            field: "number".into(),
            why: Why::new("letters", serde_json::json!({}), "not a number"),
        },
    };
    let twin = ImportRow { parsed: Parsed::Twin { number: number(51), of: 3 }, ..row(5, 51) };
    let rows = vec![row(1, 1), repaired, row(3, 51), refused, twin];
    let chunk = of(NOON, tenant, TenantChange::ImportRows { batch, rows });
    let Applied::Imported(verdicts) = store.apply(&chunk).unwrap() else { panic!() };
    let words: Vec<_> = verdicts.iter().map(|v| v.verdict).collect();
    use Verdict::{Accepted, Duplicate, Refused, Repaired};
    assert_eq!(words, [Duplicate, Repaired, Accepted, Refused, Duplicate]);
    assert_eq!(store.apply(&chunk).unwrap(), Applied::Imported(vec![]), "sent again");
    let view = store.tenant(tenant);
    let kept = view.batch(batch).unwrap();
    assert_eq!((kept.counts.total(), kept.last_row), (5, 5));
    let reports = view.import_rows(batch, 0, 100).unwrap();
    let at: Vec<_> = reports.iter().map(|r| (r.row, r.verdict)).collect();
    assert_eq!(at, [(1, Duplicate), (2, Repaired), (4, Refused), (5, Duplicate)]);
    assert_eq!((&*reports[2].raw, &*reports[2].why.text), ("abc,nobody", "not a number"));
    let codes: Vec<_> = reports.iter().map(|r| &*r.why.code).collect();
    assert_eq!(codes, ["in_campaign", "repaired", "letters", "in_file"]);
    assert_eq!(reports[1].why.params, serde_json::json!({ "how": ["country_code"] }));
    assert_eq!(reports[3].why.params, serde_json::json!({ "row": 3 }));
}

#[test]
fn pages_join_up_without_a_gap_and_filters_narrow_them() {
    let (mut store, tenant, campaign) = office(25);
    let agent = agent(&mut store, tenant, "801");
    for step in 0..25 {
        let at = NOON.after_ms(step / 2);
        let attempt = claim(&mut store, at, tenant, campaign, 1).remove(0);
        let who = (step % 5 == 0).then_some(agent);
        progress(&mut store, tenant, attempt.id, &[(Moment::Dialled, at)], who).unwrap();
        let cause = if step % 2 == 0 { Cause::UserBusy } else { Cause::NoAnswer };
        end(&mut store, at, tenant, attempt.id, cause).unwrap();
    }
    let view = store.tenant(tenant);
    let mut seen = Vec::new();
    let mut page = Page::first(4);
    loop {
        let rows = view.attempts(&Filter::default(), page).unwrap();
        let Some(last) = rows.last() else { break };
        page = Page::after(last.cursor(), 4);
        seen.extend(rows.iter().map(|r| r.cursor()));
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.windows(2).all(|w| (w[0].at, w[0].id) > (w[1].at, w[1].id)));
    let count = |filter: Filter| view.attempts(&filter, Page::first(100)).unwrap().len();
    assert_eq!(count(Filter { agent: Some(agent), ..Filter::default() }), 5);
    assert_eq!(count(Filter { outcome: Some(Outcome::Busy), ..Filter::default() }), 13);
    assert_eq!(count(Filter { number: Some(number(3)), ..Filter::default() }), 1);
    assert_eq!(count(Filter { recorded: Some(true), ..Filter::default() }), 0);
    let until = Some(NOON.after_ms(3));
    assert_eq!(count(Filter { until, campaign: Some(campaign), ..Filter::default() }), 6);
}

#[test]
fn erasing_a_lead_leaves_the_chain_whole_and_the_number_nowhere() {
    let (mut store, tenant, campaign) = office(1);
    let attempt = claim(&mut store, NOON, tenant, campaign, 1).remove(0);
    let erase = of(NOON, tenant, TenantChange::EraseLead(attempt.lead));
    progress(&mut store, tenant, attempt.id, &[(Moment::Dialled, NOON)], None).unwrap();
    assert_eq!(store.apply(&erase), Err(Error::Lead(Refused::InFlight(attempt.id))));
    end(&mut store, NOON, tenant, attempt.id, Cause::NoAnswer).unwrap();
    store.apply(&erase).unwrap();
    let view = store.tenant(tenant);
    let lead = view.lead(attempt.lead).unwrap();
    assert_eq!((lead.number, lead.name.as_str(), lead.raw.as_str()), (None, "", ""));
    assert_eq!(view.attempt(attempt.id).unwrap().attempt.number.as_str(), "00");
    let events = store.events(0, 500).unwrap();
    assert!(events.iter().all(|e| e.personal.is_none()));
    assert!(events.iter().all(|e| !e.payload.contains("13800000001")));
    assert_eq!(store.verify(1, None, None).unwrap().unwrap().erased, 1);
}

#[test]
fn an_agents_day_is_laid_over_its_hours() {
    let (mut store, tenant, _) = office(0);
    let agent = agent(&mut store, tenant, "801");
    let hour = store::rollup::HOUR_MS;
    let nine = Stamp(NOON.0 / hour * hour);
    let mut state = |at: Stamp, state: &'static str| {
        let change = store::agent_states::AgentState {
            agent,
            state,
            reason: None,
            campaign: None,
            attempt: None,
        };
        store.apply(&of(at, tenant, TenantChange::AgentState(change))).unwrap()
    };
    state(nine.after_ms(-1_000), "ready");
    assert_eq!(state(nine, "ready"), Applied::Unchanged);
    state(nine.after_ms(hour + 5), "paused");
    state(nine.after_ms(hour), "signed_out"); // the clock was set back: empty, not negative
    let view = store.tenant(tenant);
    let days = view.agent_state_days(Stamp(0), Stamp(i64::MAX), 0).unwrap();
    let of = |word: &str| days.iter().filter(|d| d.state == word).map(|d| d.state_ms).sum::<u64>();
    assert_eq!((of("ready"), of("paused")), (3_601_005, 0));
    assert_eq!(view.agent_states_now().unwrap()[0].state, "signed_out");
}

#[test]
fn what_an_auditor_asks_is_in_the_chain() {
    let (mut store, tenant, _) = office(0);
    let person = store::persons::SavePerson {
        id: None,
        login: "ada".into(),
        name: "Ada".into(),
        role: store::persons::Role::Leader,
        password_hash: Some("$argon2id$".into()),
        must_change: false,
        disabled: false,
    };
    let made = store.apply(&of(NOON, tenant, TenantChange::SavePerson(person))).unwrap();
    let person = call::PersonId(made.id().unwrap());
    let barred = TenantChange::AddDnc { campaign: None, number: number(7), reason: "asked".into() };
    let barred = store::DncId(store.apply(&of(NOON, tenant, barred)).unwrap().id().unwrap());
    for change in [
        TenantChange::OpenSession {
            person,
            token: store::sessions::TokenHash::of("x"),
            expires_at: NOON,
            remote: "192.0.2.9".into(),
        },
        TenantChange::SetSetting { key: "premium".into(), value: serde_json::json!(true) },
        TenantChange::RemoveDnc(barred),
    ] {
        store.apply(&of(NOON, tenant, change)).unwrap();
    }
    let events = store.events(0, 500).unwrap();
    let of_kind = |kind: &str| events.iter().find(|event| event.kind == kind).unwrap();
    assert_eq!(of_kind("person_saved").personal.as_deref(), Some("ada"));
    assert_eq!(of_kind("session_opened").personal.as_deref(), Some("192.0.2.9"));
    assert_eq!(of_kind("dnc_removed").personal.as_deref(), Some(number(7).as_str()));
    assert!(of_kind("setting_saved").payload.contains("\"value\":true"));
}
