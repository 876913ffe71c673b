//! Nothing is dialled when nothing may be.

use call::Stamp;
use dialer::campaign::Order;
use dialer::hours::Hours;
use world::day::MORNING;
use world::{Day, Plan};

fn number(n: u32) -> String {
    format!("+861380000{n:04}")
}

#[test]
fn nothing_is_dialled_outside_the_hours_and_it_says_when_they_begin() {
    let mut plan = Plan::new(11);
    plan.settings.hours = Hours { zone: "Asia/Shanghai".into(), ..Hours::default() };
    // Six in the morning in Shanghai.
    plan.start = MORNING.after_ms(-4 * 3_600_000);
    let mut day = Day::begin(&plan);
    day.import((0..20).map(number));
    day.order(Order::Start);
    day.run_ms(3_600_000);
    assert_eq!(day.attempts().len(), 0);
    let view = day.unit.view().expect("a center");
    let why = &view.campaigns[&day.campaign].why_not;
    assert_eq!(why[0].rule, "outside_hours", "{why:?}");
    assert!(why[0].clears_at.is_some_and(|at| at > day.now().stamp));
    let opens = why[0].clears_at.unwrap();
    day.run_ms(3 * 3_600_000);
    assert_eq!(day.leads_finished(), 20);
    for record in day.attempts() {
        assert!(record.attempt.times.dialled.unwrap() >= opens);
    }
    day.check();
}

#[test]
fn nothing_is_dialled_before_the_clock_is_sane() {
    let mut plan = Plan::new(12);
    plan.start = Stamp(1_000);
    let mut day = Day::begin(&plan);
    day.import((0..5).map(number));
    day.order(Order::Start);
    day.run_ms(600_000);
    assert_eq!(day.attempts().len(), 0);
    let view = day.unit.view().expect("a center");
    assert!(!view.clock_sane);
    assert_eq!(view.campaigns[&day.campaign].why_not[0].rule, "clock_not_sane");
    day.clock.set_wall(MORNING);
    assert!(day.run_while(600_000, |day| day.leads_finished() == 5));
}

#[test]
fn a_paused_campaign_dials_no_more_and_its_talks_go_on() {
    let mut day = Day::begin(&Plan::new(13));
    day.import((0..30).map(number));
    day.order(Order::Start);
    let talking = |day: &mut Day| {
        day.attempts().iter().any(|r| r.attempt.times.joined.is_some() && r.attempt.end.is_none())
    };
    assert!(day.run_while(120_000, talking));
    day.order(Order::Pause);
    let dialled = day.attempts().len();
    day.run_ms(300_000);
    assert_eq!(day.attempts().len(), dialled);
    assert!(day.attempts().iter().all(|record| record.attempt.end.is_some()));
    day.check();
}
