//! What a campaign decides, and which settings it takes.

use call::{AgentId, TrunkId};
use proptest::prelude::*;

use super::*;
use crate::lead::Retry;
use crate::outcome::{DispositionSet, Language, Outcome};

/// 2026-11-20 15:00 in China, inside the default hours.
const OPEN: Stamp = Stamp(1_795_158_000_000);

fn campaign() -> Campaign {
    let mut settings = Settings::new("Autumn", DispositionSet::built_in(Language::En));
    settings.trunks = vec![TrunkId(1)];
    settings.agents = (1..=3).map(AgentId).collect();
    let state = State::Running;
    Campaign { id: CampaignId(1), tenant: TenantId(1), settings, state, since: Stamp(0) }
}

fn view() -> View {
    View {
        seats: Seats { ready: 2, talking: 1, ..Seats::default() },
        lines: Lines { trunks_up: 1, trunks: 1, free: 10 },
        leads: Leads { due: 50, next_due: None, unfinished: 60 },
        calls_in_flight: 1,
    }
}

fn decide(campaign: &Campaign, now: Stamp, view: &View) -> Decision {
    campaign.decide(now, &campaign.settings.check().unwrap(), view)
}

#[test]
fn one_free_agent_triggers_one_call() {
    assert_eq!(decide(&campaign(), OPEN, &view()), Decision::Dial { calls: 2 });
}

#[test]
fn every_rule_that_says_no_is_named_with_what_clears_it() {
    let says = |campaign: &Campaign, now, view: &View| match decide(campaign, now, view) {
        Decision::Wait(why) => (why, why.clears()),
        Decision::Dial { .. } => panic!("it dials"),
    };
    let running = campaign();
    let paused = Campaign { state: State::Paused, ..campaign() };
    let night = OPEN.after_ms(6 * 3_600_000);
    let opens = OPEN.after_ms(18 * 3_600_000);
    assert_eq!(says(&running, Stamp(0), &view()), (Why::ClockNotSane, Clears::Person));
    assert_eq!(says(&paused, OPEN, &view()).0, Why::NotRunning { state: State::Paused });
    assert_eq!(
        says(&running, night, &view()),
        (Why::OutsideHours { opens: Some(opens) }, Clears::At(opens))
    );
    let mut empty = view();
    empty.leads = Leads::default();
    assert_eq!(says(&running, OPEN, &empty).0, Why::ListDone);
    empty.leads = Leads { due: 0, next_due: Some(opens), unfinished: 3 };
    assert_eq!(says(&running, OPEN, &empty).1, Clears::At(opens));
    empty.leads.next_due = None;
    assert_eq!(says(&running, OPEN, &empty), (Why::AllInFlight, Clears::CallEnds));
    let mut nobody = view();
    nobody.seats = Seats { signed_out: 3, ..Seats::default() };
    assert_eq!(says(&running, OPEN, &nobody).0, Why::NobodySignedIn { assigned: 3 });
    nobody.seats = Seats { paused: 2, signed_out: 1, ..Seats::default() };
    assert_eq!(says(&running, OPEN, &nobody).1, Clears::AgentReady);
    nobody.seats = Seats { wrap_up: 1, talking: 1, paused: 1, ..Seats::default() };
    assert_eq!(says(&running, OPEN, &nobody).0, Why::AllBusy { busy: 2 });
    let mut lines = view();
    lines.lines.free = 0;
    assert_eq!(says(&running, OPEN, &lines).0, Why::NoLineFree);
    lines.lines = Lines { trunks_up: 0, trunks: 2, free: 0 };
    assert_eq!(says(&running, OPEN, &lines), (Why::TrunksDown { trunks: 2 }, Clears::TrunkUp));
    let full = View { calls_in_flight: 3, ..view() };
    assert_eq!(says(&running, OPEN, &full).0, Why::CallsMax { max: 3 });
}

#[test]
fn settings_with_one_number_or_none_are_read_as_they_were_written_before() {
    let settings = campaign().settings;
    let mut kept = serde_json::to_value(&settings).unwrap();
    let fields = kept.as_object_mut().unwrap();
    fields.remove("callers");
    fields.remove("caller_rule");
    for (caller, callers) in [
        (serde_json::Value::Null, vec![]),
        ("+861062000000".into(), vec!["+861062000000".parse().unwrap()]),
    ] {
        kept["caller"] = caller;
        let read: Settings = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!(read, Settings { callers, ..settings.clone() });
    }
}

#[test]
fn every_wrong_setting_is_named_at_once() {
    let mut settings = campaign().settings;
    settings.name = " ".to_owned();
    settings.ring_ms = 5_000;
    settings.retry.attempts_max = 0;
    settings.retry.by_outcome.insert(Outcome::Busy, Retry::AfterMs(1));
    settings.hours.zone = "Mars".to_owned();
    settings.trunks.push(TrunkId(1));
    settings.agents.push(AgentId(3));
    settings.wrap_up_ms = u64::MAX;
    settings.calls_max = Some(0);
    settings.callers = vec!["95588".parse().unwrap()];
    let fields: Vec<_> = settings.check().unwrap_err().iter().map(SettingRefused::field).collect();
    assert_eq!(
        fields,
        [
            "name",
            "ring_ms",
            "retry.attempts_max",
            "retry.by_outcome",
            "trunks",
            "agents",
            "callers",
            "wrap_up_ms",
            "calls_max",
            "hours"
        ]
    );
}

#[test]
fn a_campaign_without_trunk_or_agent_cannot_be_started() {
    let mut campaign = Campaign { state: State::Draft, ..campaign() };
    campaign.settings.agents.clear();
    assert_eq!(campaign.handle_order(OPEN, Order::Start), Err(OrderRefused::NoAgent));
    campaign.settings.trunks.clear();
    assert_eq!(campaign.handle_order(OPEN, Order::Start), Err(OrderRefused::NoTrunk));
    assert_eq!(campaign.handle_order(OPEN, Order::Pause), Err(OrderRefused::State(State::Draft)));
    assert_eq!(campaign.state, State::Draft);
}

#[test]
fn settings_survive_being_written_down() {
    let campaign = campaign();
    let json = serde_json::to_string(&campaign).unwrap();
    assert_eq!(serde_json::from_str::<Campaign>(&json).unwrap(), campaign);
}

fn any_view() -> impl Strategy<Value = View> {
    let seats = (0u32..4, 0u32..4, 0u32..4, 0u32..4, 0u32..4, 0u32..4);
    let leads = (0u32..3, prop::option::of(-5i64..5), 0u64..3);
    (seats, 0u32..3, 0u32..5, leads, 0u32..5).prop_map(|(s, up, free, leads, in_flight)| {
        let (ready, waiting, talking, wrap_up, paused, signed_out) = s;
        View {
            seats: Seats { ready, waiting, talking, wrap_up, paused, signed_out },
            lines: Lines { trunks_up: up, trunks: 2, free },
            leads: Leads {
                due: leads.0,
                next_due: leads.1.map(|ms| OPEN.after_ms(ms)),
                unfinished: leads.2 + u64::from(leads.0),
            },
            calls_in_flight: in_flight,
        }
    })
}

proptest! {
    #[test]
    fn it_dials_only_what_an_agent_a_line_and_a_lead_are_there_for(
        view in any_view(),
        minute in 0i64..3 * 24 * 60,
        state in prop::sample::select(State::ALL),
    ) {
        let campaign = Campaign { state, ..campaign() };
        let now = OPEN.after_ms(minute * 60_000);
        let calendar = campaign.settings.check().unwrap();
        match campaign.decide(now, &calendar, &view) {
            Decision::Dial { calls } => {
                prop_assert!(calls >= 1 && calls <= view.seats.ready);
                prop_assert!(calls <= view.lines.free && calls <= view.leads.due);
                prop_assert!(calls + view.calls_in_flight <= 3);
                prop_assert!(calendar.is_open(now), "dialled outside the hours");
                prop_assert_eq!(state, State::Running);
            }
            Decision::Wait(why) => {
                if let Clears::At(at) = why.clears() {
                    prop_assert!(at > now, "clears in the past: {:?}", why);
                }
                prop_assert!(!why.to_string().is_empty());
            }
        }
    }
}
