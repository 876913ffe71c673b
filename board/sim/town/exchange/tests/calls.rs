//! Calls as they should be, in either direction, and what is heard in them.

use super::*;

#[test]
fn the_link_comes_up_at_both_ends() {
    let bench = Bench::new(setup());
    assert_eq!(bench.seen(&Citizen::Span(0)), [Sight::Linked(true)]);
    assert!(bench.town.snapshot().spans[0].is_up);
    assert!(bench.linebox[0].snapshot().up);
}

#[test]
fn a_person_rings_answers_is_heard_and_hangs_up_first() {
    let (mut bench, key) = lot(Lot::sure(Fate::Answers));
    let expected = [LegPhase::Proceeding, LegPhase::Alerting, LegPhase::Answered];
    assert_eq!(bench.phases(key), expected);
    let slot = bench.calls[&key].channel.unwrap();
    let sight = &bench.town.snapshot().customers[0];
    assert_eq!((sight.bearer, sight.remote), (Some((0, slot)), None));
    bench.run(20_000);
    assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Far)));
    let port = SoundPort::of_bearer(0, slot);
    let opened = matches!(
        bench.sounds[0],
        SoundOrder::OpenBearer(t) if t.port == port && t.slot == slot && t.hears && t.speaks
    );
    assert!(opened, "{:?}", bench.sounds[0]);
    assert_eq!(
        bench.sounds[1..3],
        [SoundOrder::Hush(port), SoundOrder::Say(port, zh(Words::Hello))]
    );
    assert_eq!(bench.sounds.last(), Some(&SoundOrder::Close(port)));
    let seen = bench.seen(&customer());
    let lot = Lot::sure(Fate::Answers);
    assert_eq!(seen[0], Sight::Rung { caller: Some(OURS.to_owned()), lot });
    assert_eq!(seen[1], Sight::Answered);
    let Sight::Ended { cause: Cause::NormalClearing, by: Side::Box, talked_ms: Some(ms) } = seen[2]
    else {
        panic!("{seen:?}")
    };
    assert!((10_000..=10_010).contains(&ms), "{ms}");
    bench.finish();
}

#[test]
fn the_box_hangs_up_first_and_the_customer_knows() {
    let (mut bench, key) = lot(Lot::sure(Fate::Answers));
    bench.hang_up(key);
    bench.run(1_000);
    let last = bench.seen(&customer()).pop().unwrap();
    assert!(matches!(last, Sight::Ended { cause: Cause::NormalClearing, by: Side::Far, .. }));
    assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Box)));
    bench.finish();
}

#[test]
fn why_a_call_fails_is_heard_in_the_channel_and_told() {
    let nation = Nation::China;
    for (fate, cause, tone) in [
        (Fate::Busy, Cause::UserBusy, Tone::Busy(nation)),
        (Fate::Congested, Cause::Congestion, Tone::Congestion(nation)),
    ] {
        let (mut bench, key) = lot(Lot::sure(fate));
        assert_eq!(bench.phases(key).last(), Some(&LegPhase::Releasing), "{fate:?}");
        assert!(bench.calls[&key].inband, "{fate:?}");
        let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
        assert_eq!(bench.sounds.last(), Some(&SoundOrder::Sound(port, tone)));
        bench.run(4_000);
        assert_eq!(bench.end(key), Some((cause, Side::Far)), "{fate:?}");
        assert_eq!(bench.sounds.last(), Some(&SoundOrder::Close(port)));
        let end = Sight::Ended { cause, by: Side::Box, talked_ms: None };
        assert_eq!(bench.seen(&customer()).last(), Some(&end));
        bench.finish();
    }
}

#[test]
fn a_box_that_does_not_listen_ends_the_tone_at_once() {
    let (mut bench, key) = lot(Lot::sure(Fate::Busy));
    bench.hang_up(key);
    bench.run(500);
    assert_eq!(bench.end(key).map(|(cause, _)| cause), Some(Cause::UserBusy));
    assert_eq!(bench.town.snapshot().customers, []);
    bench.finish();
}

#[test]
fn a_span_without_tones_gives_the_channel_back_at_once() {
    let mut quiet = setup();
    quiet.spans[0].tells = false;
    for (fate, cause) in [
        (Fate::Busy, Cause::UserBusy),
        (Fate::Congested, Cause::Congestion),
        (Fate::Refuses, Cause::CallRejected),
    ] {
        let mut bench = Bench::new(quiet.clone());
        bench.town.fix(WHO, Some(Lot::sure(fate)));
        let key = bench.dial(NUMBER);
        bench.run(2_000);
        assert_eq!(bench.end(key), Some((cause, Side::Far)), "{fate:?}");
        assert_eq!(bench.phases(key).contains(&LegPhase::Alerting), fate == Fate::Refuses);
        bench.finish();
    }
}

#[test]
fn a_dead_number_is_announced_before_or_while_it_is_cleared() {
    for (by, says, before) in [
        (DeadBy::Progress, DeadSays::Announcement, LegPhase::Proceeding),
        (DeadBy::Disconnect, DeadSays::Announcement, LegPhase::Releasing),
        (DeadBy::Disconnect, DeadSays::Tone, LegPhase::Releasing),
        (DeadBy::Progress, DeadSays::Tone, LegPhase::Proceeding),
    ] {
        let dead = Dead { cause: Cause::NumberChanged, by, says };
        let (mut bench, key) = lot(Lot { dead, ..Lot::sure(Fate::Unallocated) });
        assert_eq!(bench.phases(key).last(), Some(&before), "{by:?} {says:?}");
        assert!(bench.calls[&key].inband, "{by:?} {says:?}");
        let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
        let sound = match says {
            DeadSays::Announcement => SoundOrder::Say(port, zh(Words::DeadNumber)),
            DeadSays::Tone => SoundOrder::Sound(port, Tone::SpecialInformation(Nation::China)),
        };
        assert_eq!(bench.sounds.last(), Some(&sound));
        bench.run(20_000);
        assert_eq!(bench.end(key), Some((Cause::NumberChanged, Side::Far)), "{by:?} {says:?}");
        bench.finish();
    }
}

#[test]
fn a_number_that_nobody_has_is_dead_and_one_that_is_none_is_invalid() {
    let mut bench = Bench::new(setup());
    let (vacant, empty) = (bench.dial("15500001111"), bench.dial(""));
    bench.run(20_000);
    assert_eq!(bench.end(vacant), Some((Cause::UnallocatedNumber, Side::Far)));
    let why = bench.end(empty).map(|(cause, _)| cause);
    assert!(matches!(why, Some(Cause::InvalidNumber | Cause::MissingElement)), "{why:?}");
    bench.finish();
}

#[test]
fn music_is_heard_while_it_rings_and_ends_with_the_answer() {
    let melody = Melody::Temple;
    let (mut bench, key) =
        lot(Lot { colour_ring: Some(melody), ring_ms: 6_000, ..Lot::sure(Fate::Answers) });
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Alerting));
    assert!(bench.calls[&key].inband);
    let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
    assert_eq!(bench.sounds[1], SoundOrder::Sound(port, Tone::ColourRing(melody)));
    bench.run(3_000);
    assert_eq!(bench.sounds[2], SoundOrder::Hush(port));
    bench.finish();
}

#[test]
fn a_machine_greets_beeps_and_listens() {
    let (mut bench, key) = lot(Lot { talk_ms: 12_000, ..Lot::sure(Fate::Machine) });
    bench.run(20_000);
    let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
    let said: Vec<_> = bench.sounds[2..].to_vec();
    let expected = [
        SoundOrder::Say(port, zh(Words::Machine)),
        SoundOrder::Sound(port, Tone::Beep),
        SoundOrder::Close(port),
    ];
    assert_eq!(said, expected);
    bench.finish();
}

#[test]
fn nobody_answers_until_the_box_gives_up() {
    let (mut bench, key) = lot(Lot::sure(Fate::RingsOut));
    bench.run(60_000);
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Alerting));
    bench.linebox[0].hang_up(bench.now, key.1, Cause::NoAnswer);
    bench.drain();
    bench.run(1_000);
    let end = Sight::Ended { cause: Cause::NoAnswer, by: Side::Far, talked_ms: None };
    assert_eq!(bench.seen(&customer()).last(), Some(&end));
    bench.finish();
}

#[test]
fn facts_about_sound_reach_whoever_has_the_channel() {
    let (mut bench, key) = lot(Lot { talk_ms: 30_000, ..Lot::sure(Fate::Answers) });
    let port = SoundPort::of_bearer(0, bench.calls[&key].channel.unwrap());
    for fact in [
        SoundFact::Started(port),
        SoundFact::Key(port, '5'),
        SoundFact::Ended { port, lasted_ms: 900 },
        SoundFact::Started(SoundPort::of_bearer(3, 9)),
    ] {
        bench.town.handle_sound(bench.now, fact);
    }
    bench.drain();
    let seen = bench.seen(&customer());
    assert!(seen.iter().any(|sight| matches!(sight, Sight::Heard { .. })), "{seen:?}");
    assert_eq!(seen.last(), Some(&Sight::Key('5')));
    bench.finish();
}

#[test]
fn a_number_may_come_digit_by_digit() {
    let mut late = setup();
    late.spans[0].overlap = true;
    let mut bench = Bench::new(late);
    let key = bench.place(0, CallSetup { complete: false, ..outgoing("138") }).unwrap();
    for digit in "00001111".chars() {
        bench.run(400);
        assert!(!bench.phases(key).contains(&LegPhase::Proceeding), "before {digit}");
        bench.linebox[0].dial(bench.now, key.1, &digit.to_string(), false);
        bench.drain();
    }
    bench.run(4_000);
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Answered));
    assert!(matches!(bench.seen(&customer())[0], Sight::Rung { .. }));
    // And whoever stops in the middle is told so, after T302.
    let key = bench.place(0, CallSetup { complete: false, ..outgoing("13") }).unwrap();
    bench.run(60_000);
    assert_eq!(bench.end(key), Some((Cause::UnallocatedNumber, Side::Far)));
    bench.finish();
}

#[test]
fn a_customer_calls_a_number_of_the_box_and_talks() {
    let mut bench = Bench::new(setup());
    bench.answers = true;
    bench.order(WHO, Order::Dial(format!("+{OURS}"))).unwrap();
    assert_eq!(bench.order(WHO, Order::Dial("1".to_owned())), Err(OrderError::Busy));
    bench.run(2_000);
    let (key, setup) = bench.incoming().remove(0);
    assert_eq!(setup.called, Some(Party::new(NumberType::National, "1062010000")));
    let calling = setup.calling.unwrap();
    assert_eq!((calling.kind, calling.digits.as_str()), (NumberType::National, NUMBER));
    assert!(setup.complete);
    assert_eq!(bench.phases(key).last(), Some(&LegPhase::Answered));
    bench.order(WHO, Order::Press("42".to_owned())).unwrap();
    bench.order(WHO, Order::Say(zh(Words::Customer1))).unwrap();
    bench.run(1_000);
    let port = bench.town.snapshot().customers[0].port;
    assert!(bench.sounds.contains(&SoundOrder::Press(port, "42".to_owned())));
    bench.order(WHO, Order::HangUp).unwrap();
    bench.run(1_000);
    assert_eq!(bench.end(key), Some((Cause::NormalClearing, Side::Far)));
    let seen = bench.seen(&customer());
    assert_eq!(seen[0], Sight::Dialled(format!("+{OURS}")));
    assert!(matches!(seen.last(), Some(Sight::Ended { by: Side::Box, talked_ms: Some(_), .. })));
    assert_eq!(bench.order(WHO, Order::HangUp), Err(OrderError::NoCall));
    bench.finish();
}

#[test]
fn a_call_can_bring_everything_that_a_call_can() {
    let mut bench = Bench::new(setup());
    let dialling = Dialling {
        over: Way::Span(0),
        withheld: true,
        redirected: Some("+861088880000".to_owned()),
        display: Some("Wang".to_owned()),
        ..Dialling::to(OURS)
    };
    bench.order(WHO, Order::Call(dialling.clone())).unwrap();
    bench.run(500);
    let (_, setup) = bench.incoming().remove(0);
    let calling = setup.calling.unwrap();
    let withheld = (Some(Presentation::Restricted), "");
    assert_eq!((calling.presentation, calling.digits.as_str()), withheld);
    assert_eq!(setup.redirecting.unwrap().party.digits, "1088880000");
    assert_eq!(setup.display.as_deref(), Some("Wang"));
    let nowhere = Dialling { over: Way::Span(3), ..dialling };
    let ordered = bench.order("8613800002222", Order::Call(nowhere));
    assert_eq!(ordered, Err(OrderError::NoWay));
    bench.finish();
}

#[test]
fn the_exchange_gives_digits_one_by_one_where_it_is_wanted() {
    let mut late = setup();
    late.spans[0].overlap = true;
    let mut bench = Bench::new(late);
    bench.order(WHO, Order::Dial(OURS.to_owned())).unwrap();
    bench.run(5_000);
    let (key, setup) = bench.incoming().remove(0);
    assert!(!setup.complete);
    let mut digits = setup.called.unwrap().digits;
    assert_eq!(digits, "106201");
    let mut complete = false;
    for (_, told) in &bench.told {
        if let Link::Digits { digits: further, complete: last, .. } = told {
            digits.push_str(further);
            complete |= last;
        }
    }
    assert_eq!((digits.as_str(), complete), ("1062010000", true));
    bench.linebox[0].answer(bench.now, key.1);
    bench.drain();
    bench.run(1_000);
    assert!(bench.seen(&customer()).contains(&Sight::Answered));
    let en_bloc = Dialling { overlap: Some(false), ..Dialling::to(OURS) };
    bench.order("8613800002222", Order::Call(en_bloc)).unwrap();
    bench.run(500);
    assert!(bench.incoming()[1].1.complete);
    bench.finish();
}

#[test]
fn a_number_of_no_span_goes_to_the_carrier() {
    let mut bench = Bench::new(setup());
    let who = Citizen::Customer(WHO.to_owned());
    let done = bench.town.handle_order(bench.now, &who, Order::Dial("+861099990000".to_owned()));
    assert_eq!(done, Ok(()));
    assert!(matches!(bench.town.poll(), Some(Output::Event(_) | Output::Send { .. })));
    let dialled = bench.town.handle_order(bench.now, &who, Order::Dial(OURS.to_owned()));
    assert_eq!(dialled, Err(OrderError::Busy), "in a call over the carrier already");
}

#[test]
fn a_customer_in_a_call_over_one_span_is_found_on_it() {
    let mut two = setup();
    two.spans.push(Span::plain("run/span2"));
    let mut bench = Bench::new(two);
    let setup = CallSetup { complete: true, ..outgoing(NUMBER) };
    let key = bench.place(1, setup).unwrap();
    bench.run(4_000);
    assert_eq!(bench.town.snapshot().customers[0].bearer.map(|(span, _)| span), Some(1));
    bench.order(WHO, Order::HangUp).unwrap();
    bench.run(500);
    assert!(bench.end(key).is_some());
    bench.finish();
}
