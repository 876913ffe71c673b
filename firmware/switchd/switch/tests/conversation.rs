//! One call after another, as centerd, a phone and the carrier would have them.

use call::{AccountId, Cause, Epoch, LegId, LegPhase, OfferId, RecordingId, Side, TrunkId};
use link::{
    Alarm, Collected, Command, Destination, Event, OfferEnd, OnAnswer, PlayEnd, Prompt,
    RecordingState, Refusal, ToCenter, ToSwitch,
};
use media::Fact;

use super::town::{PROMPT_MS, TRUNK, Town, carrier, desired, phone, plan, recorded};
use crate::limits::{MUTE_MS, ORPHANS_MS, RELEASE_MS};
use crate::switch::Parting;

fn consumed(offer: i64, by: LegId) -> (OfferId, OfferEnd) {
    (OfferId(offer), OfferEnd::Consumed { by })
}

#[test]
fn phones_register_and_the_trunk_answers() {
    let town = Town::new();
    let registered = town.switch.snapshot();
    assert_eq!(registered.registrations.len(), 3);
    assert_eq!(registered.registrations[0].1[0].agent, "town");
    assert_eq!(registered.trunks[0].1, link::TrunkState::Up);
    assert_eq!(town.book.contacts.len(), 3);
}

#[test]
fn who_answers_is_joined_in_the_same_turn_with_centerd_away() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    let customer = town.dial(recorded(&[7], 70));
    town.customer_rings(0);
    town.lose_center();
    let told = town.heard.len();
    let at = town.now;
    town.customer_answers(0);
    assert_eq!(town.now, at);
    assert!(town.hears(customer, seat) && town.hears(seat, customer));
    assert!(town.plays(seat), "the seat hears a beep");
    assert_eq!(town.taping.len(), 1);
    assert_eq!(town.heard.len(), told, "nobody is there to be told");

    town.greet(Epoch(1));
    let snapshot = town.snapshot();
    let record = snapshot.legs.iter().find(|r| r.leg == customer).unwrap();
    assert_eq!(record.joined_to, Some(seat));
    assert_eq!((record.offer, record.recording), (Some(OfferId(7)), Some(RecordingId(70))));
    assert_eq!(record.joined, record.answered);
    assert_eq!(snapshot.offers, []);
}

#[test]
fn the_call_ends_with_its_customer_and_the_seat_stays() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    let customer = town.dial(recorded(&[7], 70));
    town.customer_answers(0);
    town.pass(10_000);
    town.far_hangs_up(carrier(), 0);
    let record = town.record(customer);
    assert_eq!(record.phase, LegPhase::Ended);
    assert_eq!(record.cause, Some(Cause::NormalClearing));
    assert_eq!(record.ended_by, Some(Side::Far));
    assert_eq!(town.record(seat).phase, LegPhase::Answered);
    let sealed = town.events().any(
        |e| matches!(e, Event::Recording(r) if r.state == RecordingState::Sealed && r.tag.0 == 100),
    );
    assert!(sealed && town.taping.is_empty());
    // The seat may be offered again.
    town.offer(8, seat);
}

#[test]
fn a_seat_that_hangs_up_takes_its_customer_with_it() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    let customer = town.dial(plan(&[7]));
    town.customer_answers(0);
    town.far_hangs_up(phone(1), 0);
    town.pass(100);
    assert_eq!(town.record(customer).ended_by, Some(Side::Peer));
    assert_eq!(town.record(customer).phase, LegPhase::Ended);
    assert_eq!(town.record(seat).ended_by, Some(Side::Far));
    assert_eq!(town.fars[&carrier()].live(), 0, "the customer's phone was hung up");
}

#[test]
fn two_calls_for_one_offer_and_the_second_hears_a_farewell() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    let first = town.dial(plan(&[7]));
    let second = town.dial(plan(&[7]));
    town.customer_answers(1);
    town.customer_answers(0);
    assert_eq!(town.offer_ends(), [consumed(7, second)]);
    assert!(town.hears(second, seat));
    town.pass(5_000);
    assert!(town.plays(first), "the farewell plays");
    town.pass(u64::from(PROMPT_MS) + 100);
    let record = town.record(first);
    assert_eq!((record.phase, record.cause), (LegPhase::Ended, Some(Cause::Abandoned)));
    assert_eq!(record.ended_by, Some(Side::Box));
    assert!(town.hears(second, seat));
}

#[test]
fn a_seat_that_comes_within_the_deadline_is_joined_at_once() {
    let mut town = Town::new();
    let seat = town.seat(1);
    let customer = town.dial(plan(&[]));
    town.customer_answers(0);
    town.pass(3_000);
    town.offer(7, seat);
    assert!(!town.hears(customer, seat));
    town.command(Command::Extend { leg: customer, seats: vec![OfferId(7)] }).unwrap();
    assert!(town.hears(customer, seat));
    town.pass(10_000);
    assert_eq!(town.record(customer).phase, LegPhase::Answered);
}

#[test]
fn an_offer_that_a_waiting_plan_names_already_is_taken_as_it_comes() {
    let mut town = Town::new();
    let seat = town.seat(1);
    let customer = town.dial(plan(&[7]));
    town.customer_answers(0);
    town.offer(7, seat);
    assert!(town.hears(customer, seat));
}

#[test]
fn a_seat_that_is_gone_ends_its_offer_and_the_next_is_tried() {
    let mut town = Town::new();
    let (one, two) = (town.seat(1), town.seat(2));
    town.offer(7, one);
    town.offer(8, two);
    let customer = town.dial(plan(&[7, 8]));
    town.far_hangs_up(phone(1), 0);
    town.customer_answers(0);
    assert_eq!(town.offer_ends(), [(OfferId(7), OfferEnd::Gone), consumed(8, customer)]);
    assert!(town.hears(customer, two));
}

#[test]
fn a_withdrawal_that_comes_late_hears_who_was_first() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    let customer = town.dial(plan(&[7]));
    town.customer_answers(0);
    town.command(Command::Withdraw { offer: OfferId(7) }).unwrap();
    assert_eq!(town.offer_ends(), [consumed(7, customer), consumed(7, customer)]);
    assert!(town.hears(customer, seat));
}

#[test]
fn a_withdrawn_offer_is_no_more_and_its_name_is_used_up() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    town.command(Command::Withdraw { offer: OfferId(7) }).unwrap();
    town.dial(plan(&[7]));
    town.customer_answers(0);
    assert_eq!(town.offer_ends(), [(OfferId(7), OfferEnd::Withdrawn)]);
    let again = town.command(Command::Offer { offer: OfferId(7), seat });
    assert!(matches!(again, Err(Refusal::InUse { .. })));
    town.command(Command::Withdraw { offer: OfferId(99) }).unwrap();
    assert_eq!(town.offer_ends().last(), Some(&(OfferId(99), OfferEnd::Gone)));
}

#[test]
fn a_plan_without_patience_lets_go_at_once() {
    let mut town = Town::new();
    let mut hasty = plan(&[]);
    (hasty.deadline_ms, hasty.no_seat.prompt) = (0, None);
    let customer = town.dial(hasty);
    town.customer_answers(0);
    town.pass(50);
    assert_eq!(town.record(customer).cause, Some(Cause::Abandoned));
    assert_eq!(town.fars[&carrier()].live(), 0);
}

#[test]
fn the_longest_talk_is_an_end() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    let customer = town.dial(link::AnswerPlan { talk_max_ms: 20_000, ..plan(&[7]) });
    town.customer_answers(0);
    town.pass(19_900);
    assert!(town.hears(customer, seat));
    town.pass(200);
    assert_eq!(town.record(customer).ended_by, Some(Side::Box));
    assert_eq!(town.record(seat).phase, LegPhase::Answered);
}

#[test]
fn who_does_not_answer_is_cancelled() {
    let mut town = Town::new();
    let (leg, done) = town.try_dial(20_000, OnAnswer::Tell);
    done.unwrap();
    town.customer_rings(0);
    town.pass(19_000);
    assert_eq!(town.record(leg).phase, LegPhase::Alerting);
    town.pass(1_500);
    let record = town.record(leg);
    assert_eq!((record.phase, record.cause), (LegPhase::Ended, Some(Cause::NoAnswer)));
    assert!(record.ringing.is_some() && record.answered.is_none());
    assert_eq!(town.fars[&carrier()].live(), 0);
}

#[test]
fn a_line_that_never_rings_is_given_up_ten_seconds_later() {
    let mut town = Town::new();
    let (leg, _) = town.try_dial(20_000, OnAnswer::Tell);
    town.pass(29_800);
    assert_eq!(town.record(leg).ended, None);
    town.pass(1_000);
    assert_eq!(town.record(leg).cause, Some(Cause::NoAnswer));
}

#[test]
fn a_carrier_that_is_dead_ends_the_leg_and_frees_the_port() {
    let mut town = Town::new();
    let free = town.switch.ports.free_count();
    town.cut = true;
    let (leg, _) = town.try_dial(20_000, OnAnswer::Tell);
    town.pass(31_000 + RELEASE_MS);
    assert_eq!(town.record(leg).phase, LegPhase::Ended);
    assert_eq!(town.switch.ports.free_count(), free);
}

#[test]
fn an_order_may_join_hold_and_part_two_legs() {
    let mut town = Town::new();
    let (customer, seat) = (town.seat(1), town.seat(2));
    town.command(Command::Join { customer, seat, record: None }).unwrap();
    town.command(Command::Join { customer, seat, record: None }).unwrap();
    assert!(town.hears(customer, seat) && town.hears(seat, customer));
    town.command(Command::Hold { leg: customer, on: true }).unwrap();
    assert!(town.hears_music(customer) && !town.hears(seat, customer));
    assert!(!town.hears(customer, seat) && !town.hears_music(seat));
    town.command(Command::Hold { leg: customer, on: false }).unwrap();
    assert!(town.hears(customer, seat) && !town.hears_music(customer));
    let other = town.seat(3);
    let joined = town.command(Command::Join { customer, seat: other, record: None });
    assert!(matches!(joined, Err(Refusal::WrongPhase { .. })));
    town.command(Command::Part { leg: seat }).unwrap();
    assert!(!town.hears(customer, seat) && !town.hears(seat, customer));
    town.far_hangs_up(phone(2), 0);
    assert_eq!(town.record(customer).phase, LegPhase::Answered, "the link between them is gone");
}

#[test]
fn a_leader_listens_whispers_and_leaves_without_a_trace() {
    let mut town = Town::new();
    let (customer, seat, leader) = (town.seat(1), town.seat(2), town.seat(3));
    town.command(Command::Join { customer, seat, record: None }).unwrap();
    for source in [customer, seat] {
        town.command(Command::Hear { ear: leader, source, gain_db: 0 }).unwrap();
    }
    town.command(Command::Hear { ear: seat, source: leader, gain_db: -6 }).unwrap();
    assert!(town.hears(leader, customer) && town.hears(leader, seat));
    assert!(town.hears(seat, leader) && !town.hears(customer, leader));
    town.far_hangs_up(phone(3), 0);
    assert!(town.hears(customer, seat) && town.hears(seat, customer));
    let loud = Command::Hear { ear: seat, source: customer, gain_db: 13 };
    assert!(matches!(town.command(loud), Err(Refusal::Invalid { .. })));
}

#[test]
fn digits_are_gathered_after_the_menu_and_a_key_ends_it() {
    let mut town = Town::new();
    let leg = town.seat(1);
    let prompts = vec![Prompt::new("zh", "menu")];
    town.command(Command::Play { leg, play: 5, prompts, repeat: false, barge_in: false }).unwrap();
    let collect = Command::Collect {
        leg,
        collect: 6,
        digits_max: 4,
        first_ms: 3_000,
        inter_ms: 2_000,
        end: Some('#'),
    };
    town.command(collect.clone()).unwrap();
    town.pass(u64::from(PROMPT_MS) + 2_900);
    town.press(leg, '1');
    town.press(leg, '2');
    town.press(leg, '#');
    let gathered = |town: &Town| {
        let ends = town.events().filter_map(|e| match e {
            Event::Collected { digits, how, .. } => Some((digits.clone(), *how)),
            _ => None,
        });
        ends.collect::<Vec<_>>()
    };
    assert_eq!(gathered(&town), [("12".to_owned(), Collected::Ended)]);
    assert!(
        town.events().any(|e| matches!(e, Event::Played { play: 5, how: PlayEnd::Complete, .. }))
    );
    town.command(collect).unwrap();
    town.pass(2_900);
    town.press(leg, '9');
    town.pass(2_100);
    assert_eq!(gathered(&town)[1], ("9".to_owned(), Collected::TimedOut));
    town.press(leg, '*');
    assert!(matches!(town.events().last(), Some(Event::Digit { digit: '*', .. })));
}

#[test]
fn a_new_play_ends_the_old_one_and_its_end_is_not_mistaken() {
    let mut town = Town::new();
    let leg = town.seat(1);
    for play in [1, 2] {
        let prompts = vec![Prompt::new("zh", "menu"); 2];
        town.command(Command::Play { leg, play, prompts, repeat: false, barge_in: true }).unwrap();
    }
    let ends = |town: &Town| {
        let ends = town.events().filter_map(|e| match e {
            Event::Played { play, how, .. } => Some((*play, *how)),
            _ => None,
        });
        ends.collect::<Vec<_>>()
    };
    town.pass(u64::from(PROMPT_MS) + 500);
    assert_eq!(ends(&town), [(1, PlayEnd::Stopped)]);
    town.pass(u64::from(PROMPT_MS));
    assert_eq!(ends(&town), [(1, PlayEnd::Stopped), (2, PlayEnd::Complete)]);
}

#[test]
fn a_caller_rings_and_is_answered_by_order() {
    let mut town = Town::new();
    let call = town.far_calls(phone(1), "*11");
    let Some(Event::Incoming(incoming)) = town.events().last().cloned() else { panic!() };
    assert_eq!(
        (incoming.called.as_str(), incoming.line),
        ("*11", link::Line::Account(AccountId(1)))
    );
    let leg = incoming.leg;
    town.command(Command::Mark { leg, tag: call::LegTag(55) }).unwrap();
    town.command(Command::Ring { leg }).unwrap();
    assert_eq!(town.fars[&phone(1)].phases[&call], LegPhase::Alerting);
    town.command(Command::Answer { leg }).unwrap();
    assert_eq!(town.fars[&phone(1)].phases[&call], LegPhase::Answered);
    assert_eq!((town.record(leg).phase, town.record(leg).tag.0), (LegPhase::Answered, 55));
    town.pass(30_000);
    town.command(Command::HangUp { leg, cause: Cause::NormalClearing }).unwrap();
    assert_eq!(town.fars[&phone(1)].phases[&call], LegPhase::Ended);
    assert_eq!(town.record(leg).phase, LegPhase::Ended);
}

#[test]
fn a_caller_from_outside_whom_nobody_takes_hears_why() {
    let mut town = Town::new();
    let call = town.far_calls(carrier(), "01012345678");
    town.lose_center();
    town.pass(3_900);
    assert_eq!(town.fars[&carrier()].phases[&call], LegPhase::Proceeding);
    town.pass(200);
    assert_eq!(town.fars[&carrier()].phases[&call], LegPhase::Answered);
    town.pass(u64::from(PROMPT_MS) + 200);
    assert_eq!(town.fars[&carrier()].phases[&call], LegPhase::Ended);
}

#[test]
fn a_phone_whose_call_nobody_takes_is_told_by_status() {
    let mut town = Town::new();
    let call = town.far_calls(phone(1), "802");
    town.pass(4_100);
    let far = &town.fars[&phone(1)];
    assert_eq!(far.phases[&call], LegPhase::Ended);
    assert_eq!(far.causes[&call], Cause::SubscriberAbsent);
}

#[test]
fn a_caller_who_gives_up_ends_the_leg() {
    let mut town = Town::new();
    let call = town.far_calls(carrier(), "01012345678");
    let Some(Event::Incoming(incoming)) = town.events().last().cloned() else { panic!() };
    let now = town.now.tick;
    let far = town.fars.get_mut(&carrier()).unwrap();
    far.endpoint.hang_up(now, call, Cause::NormalClearing);
    town.pass(100);
    let record = town.record(incoming.leg);
    assert_eq!((record.phase, record.ended_by), (LegPhase::Ended, Some(Side::Far)));
    assert!(record.answered.is_none());
}

#[test]
fn orders_that_cannot_be_done_are_refused_by_name() {
    let mut town = Town::new();
    let ghost = LegId(999);
    let cause = Cause::NormalClearing;
    assert_eq!(
        town.command(Command::HangUp { leg: ghost, cause }),
        Err(Refusal::NoSuchLeg { leg: ghost })
    );
    let (leg, caller) = (town.new_leg(), String::new());
    let mut originate = |to| {
        town.command(Command::Originate {
            leg,
            tag: call::LegTag(1),
            to,
            ring_timeout_ms: 1_000,
            on_answer: OnAnswer::Tell,
        })
    };
    let account = |account| Destination::Account {
        account: AccountId(account),
        caller: caller.clone(),
        auto_answer: false,
    };
    let trunk = |trunk, number: &str, id: Option<&str>| Destination::Trunk {
        trunk: TrunkId(trunk),
        number: number.to_owned(),
        caller_id: id.map(str::to_owned),
    };
    assert!(matches!(originate(account(50)), Err(Refusal::Unknown { .. })));
    assert!(matches!(originate(trunk(9, "1", None)), Err(Refusal::Unknown { .. })));
    assert!(matches!(originate(trunk(1, "1", Some("110"))), Err(Refusal::Unknown { .. })));
    assert!(matches!(originate(trunk(1, "1\r\nX: y", None)), Err(Refusal::Invalid { .. })));
    let own = Some("01012345678");
    assert_eq!(originate(trunk(1, "13800000001", own)), Ok(()));
    assert!(matches!(originate(trunk(1, "13800000001", own)), Err(Refusal::InUse { .. })));
}

#[test]
fn a_phone_that_is_not_registered_cannot_be_called() {
    let mut town = Town::new();
    let mut new = desired();
    new.version = 2;
    new.accounts.retain(|a| a.id != AccountId(1));
    town.command(Command::Desired(Box::new(new.clone()))).unwrap();
    assert_eq!(town.switch.snapshot().registrations.len(), 2);
    new.version = 3;
    new.accounts = desired().accounts;
    town.command(Command::Desired(Box::new(new))).unwrap();
    assert_eq!(town.kept.as_ref().map(|d| d.version), Some(3));
    let leg = town.new_leg();
    let to =
        Destination::Account { account: AccountId(1), caller: String::new(), auto_answer: true };
    let tag = call::LegTag(1);
    let on_answer = OnAnswer::Tell;
    let order = Command::Originate { leg, tag, to, ring_timeout_ms: 1_000, on_answer };
    assert_eq!(town.command(order), Err(Refusal::NotRegistered { account: AccountId(1) }));
}

#[test]
fn a_trunk_takes_no_more_calls_than_it_has_channels() {
    let mut town = Town::new();
    for _ in 0..6 {
        town.try_dial(30_000, OnAnswer::Tell).1.unwrap();
    }
    let (_, done) = town.try_dial(30_000, OnAnswer::Tell);
    assert!(matches!(done, Err(Refusal::Full { bound }) if bound.contains("channels_max")));
    let call = town.far_calls(carrier(), "01012345678");
    assert_eq!(town.fars[&carrier()].causes[&call], Cause::UserBusy);
    assert_eq!(TRUNK, TrunkId(1));
}

#[test]
fn silence_of_the_far_end_is_an_end() {
    let mut town = Town::new();
    let leg = town.seat(1);
    let port = town.port(leg);
    town.sound(Fact::MediaTimeout { port, silent_ms: 60_000 });
    town.pass(100);
    assert_eq!(town.record(leg).cause, Some(Cause::MediaTimeout));
}

#[test]
fn an_older_centerd_is_fenced_off() {
    let mut town = Town::new();
    town.greet(Epoch(3));
    town.greet(Epoch(2));
    assert_eq!(town.partings, [Parting::Fenced { theirs: Epoch(2), newest: Epoch(3) }]);
    town.partings.clear();
    town.say(ToSwitch::Ack { seq: 1 });
    assert_eq!(town.partings, [Parting::NoGreeting]);
    town.greet(Epoch(3));
    assert!(matches!(town.heard.last(), Some(ToCenter::Snapshot(_))));
}

#[test]
fn an_end_is_told_until_it_is_acknowledged() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.lose_center();
    town.far_hangs_up(phone(1), 0);
    town.greet(Epoch(1));
    assert_eq!(town.snapshot().ended.len(), 1);
    town.greet(Epoch(1));
    assert_eq!(town.snapshot().ended[0].leg, seat);
    let seq = town.snapshot().seq;
    town.say(ToSwitch::Ack { seq });
    assert!(town.book.ended.is_empty());
    town.greet(Epoch(1));
    assert!(town.snapshot().ended.is_empty());
}

#[test]
fn calls_that_only_centerd_could_end_do_not_wait_for_it_for_ever() {
    let mut town = Town::new();
    let seat = town.seat(1);
    let (leg, _) = town.try_dial(30_000, OnAnswer::Tell);
    town.customer_answers(0);
    town.lose_center();
    town.pass(ORPHANS_MS - 1_000);
    assert_eq!(town.switch.snapshot().legs.len(), 2);
    town.pass(2_000);
    let legs = town.switch.snapshot().legs;
    assert_eq!(legs.iter().map(|r| r.leg).collect::<Vec<_>>(), [seat]);
    assert!(town.book.ended.contains_key(&leg));
}

#[test]
fn the_state_is_told_every_five_seconds() {
    let mut town = Town::new();
    let before = town.events().filter(|e| matches!(e, Event::Health(_))).count();
    town.pass(20_000);
    let after = town.events().filter(|e| matches!(e, Event::Health(_))).count();
    assert_eq!(after - before, 4);
}

#[test]
fn a_box_that_stops_hangs_everybody_up() {
    let mut town = Town::new();
    let seat = town.seat(1);
    town.offer(7, seat);
    let customer = town.dial(recorded(&[7], 70));
    town.customer_answers(0);
    town.try_dial(20_000, OnAnswer::Tell).1.unwrap();
    town.switch.handle_shutdown(town.now);
    town.pass(500);
    assert!(town.switch.is_quiet());
    assert_eq!(town.record(customer).cause, Some(Cause::Shutdown));
    assert!(town.fars.values().all(|far| far.live() == 0));
    assert!(town.taping.is_empty());
    let call = town.far_calls(carrier(), "01012345678");
    assert_eq!(town.fars[&carrier()].phases[&call], LegPhase::Ended);
}

#[test]
fn a_far_end_that_holds_us_lets_the_other_hear_music() {
    let mut town = Town::new();
    let (customer, seat) = (town.seat(1), town.seat(2));
    town.command(Command::Join { customer, seat, record: None }).unwrap();
    town.far_reoffers(phone(1), 0, signal::sip::sdp::Direction::SendOnly);
    assert!(town.record(customer).held);
    assert!(town.hears_music(seat) && !town.hears(seat, customer));
    assert!(!town.core.sending.contains(&town.port(customer)));
    town.far_reoffers(phone(1), 0, signal::sip::sdp::Direction::SendRecv);
    assert!(!town.record(customer).held);
    assert!(town.hears(seat, customer) && !town.hears_music(seat));
    assert!(town.core.sending.contains(&town.port(customer)));
}

/// A caller from outside who makes no offer of sound; its leg, which centerd has answered.
fn answered_without_an_offer(town: &mut Town) -> LegId {
    town.receive(carrier(), offerless("INVITE", "", "").as_bytes());
    let Some(Event::Incoming(incoming)) = town.events().last().cloned() else { panic!() };
    town.command(Command::Answer { leg: incoming.leg }).unwrap();
    incoming.leg
}

pub(super) fn acknowledge(town: &mut Town, sound: &str) {
    let ours = town.last_sent(carrier());
    let tag = ours.lines().find_map(|l| l.strip_prefix("To: ")?.split_once(">;tag=")).unwrap().1;
    let ack = offerless("ACK", &format!(";tag={tag}"), sound);
    town.receive(carrier(), ack.as_bytes());
}

pub(super) fn offerless(method: &str, tag: &str, body: &str) -> String {
    let from = carrier();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:01012345678@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {from};branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\n\
         From: <sip:139@{from}>;tag=far\r\nTo: <sip:01012345678@127.0.0.1>{tag}\r\n\
         Call-ID: late\r\nCSeq: 1 {method}\r\nContact: <sip:139@{from}>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_caller_without_an_offer_is_heard_after_its_ack() {
    let mut town = Town::new();
    let leg = answered_without_an_offer(&mut town);
    let prompts = vec![Prompt::new("zh", "menu")];
    let play = Command::Play { leg, play: 1, prompts, repeat: false, barge_in: false };
    assert!(matches!(town.command(play.clone()), Err(Refusal::WrongPhase { .. })));
    acknowledge(&mut town, &super::town::offer_of(carrier()));
    town.command(play).unwrap();
    assert!(town.plays(leg));
}

#[test]
fn a_caller_who_never_says_how_to_be_heard_is_let_go() {
    let mut town = Town::new();
    let leg = answered_without_an_offer(&mut town);
    acknowledge(&mut town, "");
    town.pass(MUTE_MS - 100);
    assert_eq!(town.record(leg).phase, LegPhase::Answered);
    town.pass(200);
    assert_eq!(town.record(leg).cause, Some(Cause::IncompatibleDestination));
}

#[test]
fn a_flood_is_one_alarm_however_many_datagrams_it_has() {
    let mut town = Town::new();
    let stranger = std::net::SocketAddr::from(([203, 0, 113, 9], 5060));
    for _ in 0..2_000 {
        town.receive(stranger, b"\0\0nothing that anybody could read");
    }
    let told = town
        .events()
        .filter(|event| matches!(event, Event::Alarm { alarm: Alarm::Flood, raised: true, .. }));
    assert_eq!(told.count(), 1);
}
