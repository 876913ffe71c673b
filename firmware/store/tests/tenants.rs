//! Two tenants do everything they can, also with each other's ids: nothing leaks.
#![allow(clippy::unwrap_used, missing_docs)]

mod office;

use call::{AttemptId, CampaignId, Cause, LeadId, LegId, PersonId, RecordingId, Side, TenantId};
use dialer::attempt::Moment;
use dialer::outcome::Category;
use office::*;
use proptest::prelude::*;
use store::calls::{CallKind, NoteCall};
use store::persons::{Role, SavePerson};
use store::recordings::{Ending, RecordingState};
use store::sessions::TokenHash;
use store::{BatchId, DncId, Filter, Page, Progress, RuleId, Store, TenantChange, View};

/// What one tenant asks; every id may be the other's.
fn change() -> impl Strategy<Value = TenantChange> {
    let id = 1i64..6;
    prop_oneof![
        (id.clone(), 1usize..3).prop_map(|(c, count)| TenantChange::ClaimLeads {
            campaign: CampaignId(c),
            count,
            epoch: call::Epoch(1),
        }),
        (id.clone(), 1i64..3).prop_map(|(n, agent)| TenantChange::AttemptProgress {
            attempt: AttemptId(n),
            progress: Progress {
                moments: vec![(Moment::Dialled, NOON), (Moment::Joined, NOON)],
                agent: Some(call::AgentId(agent)),
                ..Progress::default()
            },
        }),
        id.clone().prop_map(|n| TenantChange::EndAttempt {
            attempt: AttemptId(n),
            cause: Cause::NormalClearing,
            by: Side::Far,
        }),
        id.clone().prop_map(|n| TenantChange::SaveDisposition {
            attempt: AttemptId(n),
            category: Category::DoNotCall,
            label: "never".into(),
            note: "secret note".into(),
            call_back_at: None,
        }),
        id.clone().prop_map(|n| TenantChange::GiveBack(AttemptId(n))),
        id.clone().prop_map(|n| TenantChange::WithdrawLead(LeadId(n))),
        id.clone().prop_map(|n| TenantChange::ReopenLead(LeadId(n))),
        id.clone().prop_map(|n| TenantChange::EraseLead(LeadId(n))),
        (id.clone(), 0u64..9).prop_map(|(c, n)| TenantChange::AddDnc {
            campaign: (c < 4).then_some(CampaignId(c)),
            number: number(n),
            reason: "asked".into(),
        }),
        id.clone().prop_map(|n| TenantChange::RemoveDnc(DncId(n))),
        id.clone().prop_map(|n| TenantChange::NoteListening {
            recording: RecordingId(n),
            download: true,
        }),
        (1i64..3).prop_map(|n| TenantChange::NoteOrder { agent: call::AgentId(n), order: "pause" }),
        id.clone().prop_map(|c| TenantChange::OpenBatch {
            campaign: CampaignId(c),
            file_name: "more.csv".into(),
        }),
        (id.clone(), 0u64..9).prop_map(|(b, n)| TenantChange::ImportRows {
            batch: BatchId(b),
            rows: vec![row(100, n), row(101, n + 1)],
        }),
        id.clone().prop_map(|b| TenantChange::CloseBatch(BatchId(b))),
        (1u64..9, id.clone()).prop_map(|(leg, n)| {
            let mut note = NoteCall::new(LegId(leg), CallKind::Inbound, "+8613800000000", NOON);
            note.agent = (n > 2).then_some(call::AgentId(n));
            note.attempt = (leg > 4).then_some(AttemptId(n));
            note.ended = (n > 3).then_some((NOON, Cause::UserBusy, Side::Far));
            TenantChange::NoteCall(Box::new(note))
        }),
        id.clone().prop_map(|n| TenantChange::StartRecording {
            recording: RecordingId(n),
            path: format!("{n}.lbr"),
        }),
        id.clone().prop_map(|n| TenantChange::EndRecording {
            recording: RecordingId(n),
            ending: Ending { state: RecordingState::Complete, duration_ms: 9, bytes: 9 },
        }),
        id.clone().prop_map(|n| TenantChange::AgentState(store::agent_states::AgentState {
            agent: call::AgentId(n),
            state: "ready",
            reason: None,
            campaign: None,
            attempt: None,
        })),
        id.clone().prop_map(|n| TenantChange::SetPassword {
            person: PersonId(n),
            hash: "$taken-over$".into(),
            must_change: false,
        }),
        id.clone().prop_map(|n| TenantChange::OpenSession {
            person: PersonId(n),
            token: TokenHash::of(&n.to_string()),
            expires_at: NOON.after_ms(1_000),
            remote: "127.0.0.1".into(),
        }),
        id.clone()
            .prop_map(|n| TenantChange::CloseSession { token: TokenHash::of(&n.to_string()) }),
        id.clone().prop_map(|n| TenantChange::SaveRule {
            prefix: n.to_string(),
            allow: true,
            note: String::new(),
        }),
        id.clone().prop_map(|n| TenantChange::RemoveRule(RuleId(n))),
        id.prop_map(|n| TenantChange::SaveCampaign {
            campaign: Some(CampaignId(n)),
            settings: Box::new(settings(&format!("renamed {n}"))),
        }),
    ]
}

/// Everything that a tenant can see, as text.
fn everything(view: &View<'_>) -> String {
    let page = Page::first(500);
    let mut seen = format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n",
        view.persons().unwrap(),
        view.agents().unwrap(),
        view.accounts().unwrap(),
        view.campaigns().unwrap(),
        view.attempts(&Filter::default(), page).unwrap(),
        view.calls(&Filter::default(), page).unwrap(),
        view.recordings(None, page).unwrap(),
        view.dnc(None, page).unwrap(),
        view.destination_rules().unwrap(),
        view.agent_states_now().unwrap(),
        view.campaign_hours(None, call::Stamp(0), call::Stamp(i64::MAX)).unwrap(),
    );
    for campaign in 1..9 {
        let leads = view.leads(CampaignId(campaign), &Default::default(), page).unwrap();
        let batches = view.batches(CampaignId(campaign)).unwrap();
        seen.push_str(&format!("{leads:?}\n{batches:?}\n"));
        for batch in &batches {
            seen.push_str(&format!("{:?}\n", view.import_rows(batch.id, 0, 500).unwrap()));
        }
    }
    seen
}

/// Which rows of this id a tenant may read.
fn readable(view: &View<'_>, id: i64) -> [bool; 8] {
    [
        view.person(PersonId(id)).is_ok(),
        view.agent(call::AgentId(id)).is_ok(),
        view.campaign(CampaignId(id)).is_ok(),
        view.batch(BatchId(id)).is_ok(),
        view.lead(LeadId(id)).is_ok(),
        view.attempt(AttemptId(id)).is_ok(),
        view.recording(RecordingId(id)).is_ok(),
        view.call_of_leg(LegId(id.cast_unsigned())).unwrap().is_some(),
    ]
}

fn two_offices() -> (Store, [TenantId; 2]) {
    let mut store = store();
    let tenants = ["one", "two"].map(|name| tenant(&mut store, name));
    for (tenant, first) in tenants.into_iter().zip([0, 4]) {
        for (number, name) in [("801", "spring"), ("802", "autumn")] {
            let campaign = campaign(&mut store, tenant, name);
            import(&mut store, tenant, campaign, first, 2);
            agent(&mut store, tenant, number);
            let person = SavePerson {
                id: None,
                login: format!("{tenant}.{name}"),
                name: name.into(),
                role: Role::Administrator,
                password_hash: Some("$argon2id$".into()),
                must_change: false,
                disabled: false,
            };
            store.apply(&of(NOON, tenant, TenantChange::SavePerson(person))).unwrap();
        }
    }
    (store, tenants)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_one_tenant_does_the_other_sees_no_difference(
        steps in prop::collection::vec((0usize..2, change()), 1..40)
    ) {
        let (mut store, tenants) = two_offices();
        for (who, change) in steps {
            let other = tenants[1 - who];
            let before = everything(&store.tenant(other));
            // Refused or done: either is an answer. What counts is what the other sees.
            let _ = store.apply(&of(NOON, tenants[who], change.clone()));
            let after = everything(&store.tenant(other));
            prop_assert!(before == after, "{change:?} of {} reached {other}", tenants[who]);
        }
        prop_assert!(store.verify(1, None, None).unwrap().is_ok());
        for id in 1..12 {
            let [one, two] = tenants.map(|tenant| readable(&store.tenant(tenant), id));
            for (kind, (mine, theirs)) in one.into_iter().zip(two).enumerate() {
                prop_assert!(!(mine && theirs), "both read row {id} of kind {kind}");
            }
        }
    }
}
