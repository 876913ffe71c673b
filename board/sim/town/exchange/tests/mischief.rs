//! A bad exchange: each of its faults, and the calls that outlive them.

use super::*;

fn bad(bad: Bad) -> Bench {
    Bench::new(Setup { bad, ..setup() })
}

/// A hundred calls, of which the box ends those that do not end.
fn hundred(bench: &mut Bench, number: impl Fn(u64) -> String) -> Vec<Key> {
    let mut keys = Vec::new();
    for n in 0..100 {
        let setup = CallSetup { complete: true, ..outgoing(&number(n)) };
        keys.extend(bench.place((n % bench.linebox.len() as u64) as u8, setup));
        bench.run(500);
    }
    bench.run(20_000);
    keys
}

#[test]
fn glare_is_met_on_the_very_channel_and_both_calls_live() {
    let mut bench = bad(Bad { glare: 1.0, ..Bad::NONE });
    bench.answers = true;
    let setup =
        CallSetup { complete: true, channel: ChannelWish::Preferred(9), ..outgoing(NUMBER) };
    let key = bench.place(0, setup).unwrap();
    bench.run(6_000);
    assert_eq!(bench.faults(), BTreeSet::from([Fault::Glare { channel: 9 }]));
    let met = bench.incoming().remove(0).0;
    assert_eq!(bench.phases(met).last(), Some(&LegPhase::Answered));
    assert_eq!(bench.calls[&met].channel, Some(9), "the network's call has it");
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Answered));
    assert_ne!(bench.calls[&key].channel, Some(9));
    bench.finish();
}

#[test]
fn a_wrong_cause_is_told_in_place_of_the_right_one() {
    for tells in [true, false] {
        let mut setup = Setup { bad: Bad { wrong_cause: 1.0, ..Bad::NONE }, ..setup() };
        setup.spans[0].tells = tells;
        let mut bench = Bench::new(setup);
        bench.town.fix(WHO, Some(Lot::sure(Fate::Busy)));
        let key = bench.dial(NUMBER);
        bench.run(10_000);
        let fault = *bench.faults().first().unwrap();
        let Fault::WrongCause { right: Cause::UserBusy, told } = fault else { panic!("{fault:?}") };
        assert_ne!(told, Cause::UserBusy);
        assert_eq!(bench.end(key), Some((told, Side::Far)));
        bench.finish();
    }
}

#[test]
fn an_answer_without_alerting_and_an_alerting_that_never_comes() {
    let mut bench = bad(Bad { no_alerting: 1.0, ..Bad::NONE });
    let key = bench.dial(NUMBER);
    bench.run(4_000);
    let expected = [LegPhase::Proceeding, LegPhase::Answered];
    assert_eq!(bench.phases(key), expected);
    bench.finish();
    let mut bench = bad(Bad { never_alerting: 1.0, ..Bad::NONE });
    let key = bench.dial(NUMBER);
    bench.run(25_000);
    assert_eq!(bench.phases(key), [LegPhase::Proceeding]);
    bench.hang_up(key);
    bench.run(1_000);
    assert!(bench.end(key).is_some());
    bench.finish();
}

#[test]
fn one_way_sound_and_echo_are_told_to_whoever_makes_the_sound() {
    let mut bench = bad(Bad { one_way: 1.0, echo: 0.5, ..Bad::NONE });
    hundred(&mut bench, number);
    let terms = bench.sounds.iter().filter_map(|order| match order {
        SoundOrder::OpenBearer(terms) => Some(*terms),
        _ => None,
    });
    let terms: Vec<_> = terms.collect();
    assert!(terms.iter().all(|terms| terms.hears != terms.speaks));
    let count = |is: fn(&BearerTerms) -> bool| terms.iter().filter(|terms| is(terms)).count();
    assert!((20..80).contains(&count(|terms| terms.hears)));
    assert!((20..80).contains(&count(|terms| terms.echoes)));
    bench.finish();
}

#[test]
fn a_stuck_channel_is_never_given_back_until_the_plug_is_pulled() {
    let mut bench = bad(Bad { stuck: 1.0, ..Bad::NONE });
    let key = bench.dial(NUMBER);
    bench.run(4_000);
    let slot = bench.calls[&key].channel.unwrap();
    bench.hang_up(key);
    bench.run(3_000);
    assert_eq!(bench.end(key), None, "the box waits for RELEASE");
    bench.run(400_000);
    assert!(bench.end(key).is_some());
    let state = |bench: &Bench| {
        let channels = bench.linebox[0].snapshot().channels;
        channels.into_iter().find(|(of, _)| *of == slot).map(|(_, state)| state)
    };
    assert!(matches!(state(&bench), Some(ChannelState::Blocked { theirs: true, .. })));
    bench.setup.bad = Bad::NONE;
    bench.town.harm(bench.now, 0, Fault::Alarm { for_ms: 2_000 });
    bench.drain();
    bench.run(10_000);
    bench.linebox[0].restart(bench.now, Some(slot));
    bench.drain();
    bench.run(2_000);
    assert_eq!(state(&bench), Some(ChannelState::Idle));
    bench.finish();
}

#[test]
fn whoever_hangs_up_at_a_stuck_channel_is_not_noticed() {
    let mut bench = bad(Bad { stuck: 1.0, ..Bad::NONE });
    let key = bench.dial(NUMBER);
    bench.run(60_000);
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Answered));
    assert_eq!(bench.faults(), BTreeSet::from([Fault::Stuck]));
    bench.finish();
}

#[test]
fn frames_are_lost_doubled_and_spoilt_and_every_call_is_the_same_at_both_ends() {
    let harm = Bad { lose: 0.03, double: 0.03, corrupt: 0.03, ..Bad::NONE };
    let mut setup = Setup { bad: harm, ..setup() };
    setup.spans[0].fcs = true;
    let mut bench = Bench::new(setup);
    bench.run(5_000);
    let keys = hundred(&mut bench, number);
    assert!(keys.len() > 90, "{}", keys.len());
    for key in keys {
        assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Far)), "{key:?}");
    }
    let talked = |event: &&Event| {
        matches!(event.what, Sight::Ended { cause: Cause::NormalClearing, talked_ms: Some(_), .. })
    };
    assert_eq!(bench.events.iter().filter(talked).count(), bench.calls.len());
    bench.finish();
}

#[test]
fn the_d_channel_falls_silent_and_comes_back_and_talks_go_on() {
    let mut bench = Bench::new(setup());
    bench.town.fix(WHO, Some(Lot { talk_ms: 60_000, ..Lot::sure(Fate::Answers) }));
    let key = bench.dial(NUMBER);
    bench.run(4_000);
    let fault = Fault::LinkDown { for_ms: 15_000 };
    assert!(bench.town.harm(bench.now, 0, fault));
    assert!(!bench.town.harm(bench.now, 3, fault));
    bench.drain();
    bench.run(40_000);
    assert_eq!(bench.end(key), None);
    assert!(bench.faults().contains(&fault));
    assert!(bench.linebox[0].snapshot().up);
    bench.run(40_000);
    assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Far)));
    bench.finish();
}

#[test]
fn an_alarm_comes_and_goes_by_itself() {
    let alarm = Outage { every_ms: 60_000, for_ms: 3_000 };
    let link_down = Outage { every_ms: 100_000, for_ms: 2_000 };
    let mut bench = bad(Bad { alarm, link_down, ..Bad::NONE });
    bench.run(600_000);
    let spans = bench.seen(&Citizen::Span(0));
    let count = |is: Sight| spans.iter().filter(|sight| **sight == is).count();
    let alarms = count(Sight::Misbehaved(Fault::Alarm { for_ms: 3_000 }));
    assert!((6..=14).contains(&alarms), "{alarms}");
    let downs = count(Sight::Misbehaved(Fault::LinkDown { for_ms: 2_000 }));
    assert!((3..=9).contains(&downs), "{downs}");
    assert!(count(Sight::Linked(true)) >= alarms);
    bench.run(10_000);
    bench.finish();
}

#[test]
fn a_dead_line_is_silent_until_the_box_is_there() {
    let mut bench = Bench::new(setup());
    bench.town.handle_span(bench.now, 0, false);
    bench.linebox[0].handle_layer1(bench.now, false);
    bench.drain();
    bench.run(10_000);
    assert!(!bench.town.snapshot().spans[0].is_up);
    assert_eq!(bench.order(WHO, Order::Dial(OURS.to_owned())), Err(OrderError::NoWay));
    bench.town.handle_span(bench.now, 0, true);
    bench.linebox[0].handle_layer1(bench.now, true);
    bench.drain();
    bench.run(10_000);
    assert!(bench.town.snapshot().spans[0].is_up);
    bench.town.handle_frame(bench.now, 9, &[0, 1, 0x7F]);
    bench.town.handle_span(bench.now, 9, true);
    bench.finish();
}
