//! Calls in fair weather: the ladders of RFC 3665 and what their owners are told.

use super::*;
use LegPhase::{Alerting, Answered, Dialing, Ended, Proceeding, Releasing};

const ONE: CallKey = CallKey(1);

fn plain(phase: LegPhase) -> (LegPhase, Option<Cause>, Option<Side>) {
    (phase, None, None)
}

fn over(phase: LegPhase, cause: Cause, by: Side) -> (LegPhase, Option<Cause>, Option<Side>) {
    (phase, Some(cause), Some(by))
}

/// The box calls through the carrier; the key at the carrier comes back.
fn call_out(town: &mut Town) -> CallKey {
    town.act(BOX, |e, now| e.invite(now, to_number(1, "+8613800138000"))).unwrap();
    town.run(10);
    town.incoming(CARRIER)
}

fn talk(town: &mut Town) -> CallKey {
    let far = call_out(town);
    town.act(CARRIER, |e, now| e.answer(now, far, ANSWER));
    town.run(10);
    far
}

#[test]
fn a_call_rings_is_answered_and_is_hung_up_by_the_far_end() {
    let mut town = Town::with_everybody(1);
    let far = call_out(&mut town);
    town.act(CARRIER, |e, now| e.progress(now, far, StatusCode::SESSION_PROGRESS, Some(ANSWER)));
    town.act(CARRIER, |e, now| e.progress(now, far, StatusCode::RINGING, None));
    town.run(5_000);
    town.act(CARRIER, |e, now| e.answer(now, far, ANSWER));
    town.run(5_000);
    town.act(CARRIER, |e, now| e.hang_up(now, far, Cause::NormalClearing));
    town.run(10);
    assert_eq!(
        town.ladder,
        [
            "box INVITE",
            "carrier 100",
            "carrier 183",
            "carrier 180",
            "carrier 200",
            "box ACK",
            "carrier BYE",
            "box 200"
        ]
    );
    let told = town.told(BOX);
    let expected = [
        plain(Dialing),
        plain(Proceeding),
        plain(Proceeding),
        plain(Alerting),
        plain(Answered),
        over(Ended, Cause::NormalClearing, Side::Far),
    ];
    assert_eq!(phases(&told, ONE), expected);
    let sounds =
        told.iter().filter(|f| matches!(f, Output::Phase { sdp: Some(s), .. } if s == ANSWER));
    assert_eq!(sounds.count(), 2);
    town.run(40_000);
    assert_quiet(&town);
}

#[test]
fn who_calls_and_whom_and_with_what_offer_is_told() {
    let mut town = Town::with_everybody(2);
    let spec = CallSpec {
        display: Some("Linebox \"one\"".to_owned()),
        asserted: Some("+861012345678".to_owned()),
        ..to_number(1, "#31#95588")
    };
    town.act(BOX, |e, now| e.invite(now, spec)).unwrap();
    town.run(10);
    let told = town.told(CARRIER);
    let Some(Output::Incoming { from, caller, called, offer, .. }) = told.first() else {
        panic!("{told:?}")
    };
    assert_eq!((from, called.as_str()), (&Party::Trunk(TRUNK), "#31#95588"));
    assert_eq!(caller.number.as_deref(), Some("+861012345678"));
    assert_eq!(caller.display.as_deref(), Some("Linebox \"one\""));
    assert_eq!(offer.as_deref(), Some(OFFER));
}

#[test]
fn a_trunk_known_by_its_address_is_named_with_its_port_and_one_with_a_domain_by_that() {
    let mut town = Town::new(19);
    let mut config = box_config();
    config.trunks[0].address = at("198.51.100.1:5090");
    for (domain, uri) in [
        ("198.51.100.1", "sip:1234567@198.51.100.1:5090"),
        ("carrier.example", "sip:1234567@carrier.example"),
    ] {
        config.trunks[0].domain = domain.to_owned();
        town.add(BOX, config.clone());
        town.act(BOX, |e, now| e.invite(now, to_number(1, "1234567"))).unwrap();
        assert_eq!(town.end(BOX).legs[&ONE].session.invite().uri.to_string(), uri);
    }
}

#[test]
fn a_refusal_tells_its_cause_to_the_caller() {
    for (cause, heard) in [
        (Cause::UserBusy, Cause::UserBusy),
        (Cause::NoAnswer, Cause::NoAnswer),
        (Cause::UnallocatedNumber, Cause::UnallocatedNumber),
        (Cause::Congestion, Cause::Congestion),
        (Cause::Forbidden, Cause::CallRejected),
        (Cause::Shutdown, Cause::TemporaryFailure),
    ] {
        let mut town = Town::with_everybody(3);
        let far = call_out(&mut town);
        town.act(CARRIER, |e, now| e.reject(now, far, cause));
        town.run(100);
        let told = town.told(BOX);
        assert_eq!(phases(&told, ONE).last(), Some(&over(Ended, heard, Side::Far)), "{cause}");
        town.run(40_000);
        assert_quiet(&town);
    }
}

#[test]
fn a_ringing_call_is_cancelled_with_its_reason() {
    let mut town = Town::with_everybody(4);
    let far = call_out(&mut town);
    town.act(BOX, |e, now| e.hang_up(now, ONE, Cause::NoAnswer));
    town.run(100);
    assert_eq!(
        town.ladder,
        ["box INVITE", "carrier 100", "box CANCEL", "carrier 200", "carrier 487", "box ACK"]
    );
    let told = town.told(BOX);
    let expected = [
        plain(Dialing),
        plain(Proceeding),
        over(Releasing, Cause::NoAnswer, Side::Box),
        over(Ended, Cause::NoAnswer, Side::Box),
    ];
    assert_eq!(phases(&told, ONE), expected);
    assert_eq!(phases(&town.told(CARRIER), far), [over(Ended, Cause::NoAnswer, Side::Far)]);
    town.run(40_000);
    assert_quiet(&town);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended_by_bye() {
    let mut town = Town::with_everybody(5);
    let far = call_out(&mut town);
    town.act(BOX, |e, now| e.hang_up(now, ONE, Cause::Cancelled));
    town.act(CARRIER, |e, now| e.answer(now, far, ANSWER));
    town.run(100);
    assert_eq!(
        town.ladder[2..],
        ["box CANCEL", "carrier 200", "carrier 200", "box ACK", "box BYE", "carrier 200"]
    );
    let told = town.told(CARRIER);
    let expected = [plain(Answered), over(Ended, Cause::NormalClearing, Side::Far)];
    assert_eq!(phases(&told, far), expected);
    let ended = over(Ended, Cause::Cancelled, Side::Box);
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&ended));
}

#[test]
fn a_call_to_nobody_is_given_up() {
    let mut town = Town::with_everybody(6);
    town.kill(CARRIER);
    town.act(BOX, |e, now| e.invite(now, to_number(1, "1234567"))).unwrap();
    town.run(33_000);
    assert_eq!(town.ladder.iter().filter(|l| *l == "box INVITE").count(), 7);
    // The trunk is out of order; of the person behind it this says nothing.
    let ended = over(Ended, Cause::NetworkOutOfOrder, Side::Box);
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&ended));
    assert_quiet(&town);
}

#[test]
fn a_call_cancelled_before_any_answer_ends_when_its_invite_does() {
    let mut town = Town::with_everybody(7);
    town.kill(CARRIER);
    town.act(BOX, |e, now| e.invite(now, to_number(1, "1234567"))).unwrap();
    town.act(BOX, |e, now| e.hang_up(now, ONE, Cause::NoAnswer));
    town.run(33_000);
    assert!(!town.ladder.contains(&"box CANCEL".to_owned()));
    let ended = over(Ended, Cause::NoAnswer, Side::Box);
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&ended));
    assert_quiet(&town);
}

#[test]
fn an_answer_that_nobody_acknowledges_is_repeated_and_then_ended_by_bye() {
    let mut town = Town::with_everybody(8);
    let far = call_out(&mut town);
    town.kill(BOX);
    town.kill(PHONE);
    town.act(CARRIER, |e, now| e.answer(now, far, ANSWER));
    town.run(31_900);
    assert_eq!(town.ladder.iter().filter(|l| *l == "carrier 200").count(), 11);
    town.run(40_000);
    assert!(town.ladder.contains(&"carrier BYE".to_owned()));
    let ended = over(Ended, Cause::TimerExpiry, Side::Box);
    assert_eq!(phases(&town.told(CARRIER), far).last(), Some(&ended));
    town.run(40_000);
    assert_quiet(&town);
}

#[test]
fn both_hang_up_at_once_and_each_keeps_its_own_reason() {
    let mut town = Town::with_everybody(9);
    let far = talk(&mut town);
    town.act(BOX, |e, now| e.hang_up(now, ONE, Cause::NormalClearing));
    town.act(CARRIER, |e, now| e.hang_up(now, far, Cause::MediaTimeout));
    town.run(100);
    let ours = over(Ended, Cause::NormalClearing, Side::Box);
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&ours));
    let theirs = over(Ended, Cause::MediaTimeout, Side::Box);
    assert_eq!(phases(&town.told(CARRIER), far).last(), Some(&theirs));
    town.run(40_000);
    assert_quiet(&town);
}

/// A request inside the call that the box has made, as the carrier would send it.
fn inside(town: &Town, method: &str, cseq: u32, extra: &str, body: &str) -> Vec<u8> {
    let record = town.end(CARRIER).dialog_records(town.incoming(CARRIER)).remove(0);
    format!(
        "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bKt{cseq};rport\r\n\
         From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:{CARRIER}>\r\n{extra}Content-Length: {}\r\n\r\n{body}",
        record.target,
        record.local,
        record.remote,
        record.call_id,
        body.len()
    )
    .into_bytes()
}

const SDP_TYPE: &str = "Content-Type: application/sdp\r\n";

#[test]
fn a_hold_is_told_answered_and_acknowledged() {
    let mut town = Town::with_everybody(10);
    talk(&mut town);
    town.ladder.clear();
    let hold = inside(&town, "INVITE", 50, SDP_TYPE, OFFER);
    town.throw(CARRIER, BOX, &hold);
    town.run(10);
    let offered = Output::Reoffer { call: ONE, offer: Some(OFFER.to_owned()) };
    assert!(town.told(BOX).contains(&offered));
    let second = inside(&town, "INVITE", 51, SDP_TYPE, OFFER);
    town.throw(CARRIER, BOX, &second);
    town.run(10);
    town.act(BOX, |e, now| e.accept_reoffer(now, ONE, ANSWER));
    town.run(700);
    let ack = inside(&town, "ACK", 50, "", "");
    town.throw(CARRIER, BOX, &ack);
    town.run(3_000);
    // The second one is refused while the first waits; its refusal is never acknowledged here.
    let count = |what: &str| town.ladder.iter().filter(|l| *l == what).count();
    assert_eq!(count("box 200"), 2, "{:?}", town.ladder);
    assert!(count("box 500") > 1 && count("box 100") == 1);
    let update = inside(&town, "UPDATE", 52, SDP_TYPE, OFFER);
    town.throw(CARRIER, BOX, &update);
    town.run(10);
    town.act(BOX, |e, now| e.refuse_reoffer(now, ONE));
    assert!(town.ladder.contains(&"box 488".to_owned()));
    assert_eq!(town.end(BOX).snapshot().calls.len(), 1);
}

#[test]
fn a_hold_that_its_owner_forgets_is_refused_and_the_call_goes_on() {
    let mut town = Town::with_everybody(11);
    talk(&mut town);
    let hold = inside(&town, "INVITE", 50, SDP_TYPE, OFFER);
    town.throw(CARRIER, BOX, &hold);
    town.run(6_000);
    assert!(town.ladder.contains(&"box 488".to_owned()));
    assert_eq!(town.end(BOX).snapshot().calls.len(), 1);
}

#[test]
fn digits_options_and_overtaken_requests_inside_a_call_are_answered() {
    let mut town = Town::with_everybody(12);
    talk(&mut town);
    town.ladder.clear();
    let relay = "Content-Type: application/dtmf-relay\r\n";
    for (method, cseq, extra, body) in [
        ("INFO", 50, relay, "Signal=5\r\nDuration=160\r\n"),
        ("OPTIONS", 51, "", ""),
        ("UPDATE", 52, "", ""),
        ("OPTIONS", 49, "", ""),
        ("REFER", 53, "", ""),
        ("INFO", 54, "Content-Type: text/plain\r\n", "x"),
    ] {
        let request = inside(&town, method, cseq, extra, body);
        town.throw(CARRIER, BOX, &request);
        town.run(10);
    }
    assert_eq!(town.ladder, ["box 200", "box 200", "box 200", "box 500", "box 405", "box 415"]);
    let digit = Output::Digit { call: ONE, digit: '5', duration_ms: 160 };
    assert!(town.told(BOX).contains(&digit));
}

/// A request of the carrier inside the call that the box has made and nobody has answered.
fn inside_ringing(town: &Town, method: &str, far: CallKey) -> Vec<u8> {
    let leg = &town.end(CARRIER).legs[&far];
    let (invite, tag) = (leg.session.invite(), &leg.tag.1);
    format!(
        "{method} sip:{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bKearly\r\n\
         From: {};tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 {method}\r\n\
         Content-Length: 0\r\n\r\n",
        invite.to, invite.from, invite.call_id
    )
    .into_bytes()
}

#[test]
fn an_invite_inside_our_unanswered_call_is_glare() {
    let mut town = Town::with_everybody(13);
    let far = call_out(&mut town);
    town.act(CARRIER, |e, now| e.progress(now, far, StatusCode::RINGING, None));
    town.run(10);
    let glare = inside_ringing(&town, "INVITE", far);
    town.throw(CARRIER, BOX, &glare);
    town.run(10);
    assert_eq!(town.ladder.last().map(String::as_str), Some("box 491"));
}

#[test]
fn a_bye_that_overtakes_its_answer_ends_the_call_and_the_invite_is_not_kept() {
    let mut town = Town::with_everybody(18);
    let far = call_out(&mut town);
    let bye = inside_ringing(&town, "BYE", far);
    town.kill(CARRIER);
    town.kill(PHONE);
    town.throw(CARRIER, BOX, &bye);
    town.run(10);
    let ended = over(Ended, Cause::NormalClearing, Side::Far);
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&ended));
    assert_eq!(town.ladder.last().map(String::as_str), Some("box 200"));
    town.run(40_000);
    assert_quiet(&town);
}

#[test]
fn a_trunk_that_asks_for_a_password_gets_it_once() {
    let mut town = Town::new(14);
    let mut carrier = carrier_config();
    carrier.trunks.clear();
    carrier.accounts = vec![Account::with_password(AccountId(9), "line1", "carrier", "right")];
    town.add(CARRIER, carrier);
    for (password, ladder) in [
        ("right", &["box INVITE", "carrier 401", "box ACK", "box INVITE", "carrier 100"][..]),
        (
            "wrong",
            &["box INVITE", "carrier 401", "box ACK", "box INVITE", "carrier 401", "box ACK"],
        ),
    ] {
        let mut config = box_config();
        let login = Login { user: "line1".to_owned(), password: password.to_owned() };
        config.trunks[0].login = Some(login);
        town.add(BOX, config);
        town.ladder.clear();
        town.act(BOX, |e, now| e.invite(now, to_number(1, "1234567"))).unwrap();
        town.run(100);
        assert_eq!(town.ladder, ladder);
    }
    let refused = over(Ended, Cause::NotSubscribed, Side::Far);
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&refused));
}

#[test]
fn the_successor_of_a_killed_box_ends_its_calls() {
    for answered in [true, false] {
        let mut town = Town::with_everybody(15);
        let far = if answered { talk(&mut town) } else { call_out(&mut town) };
        let record = town.end(BOX).dialog_records(ONE).remove(0);
        town.kill(BOX);
        town.add(BOX, box_config());
        town.act(BOX, |e, now| e.bye_from_record(now, &record));
        town.run(1_000);
        let ended = over(Ended, Cause::TemporaryFailure, Side::Far);
        assert_eq!(phases(&town.told(CARRIER), far).last(), Some(&ended));
        let settled = Output::RecordEnded { call_id: record.call_id, confirmed: true };
        assert!(town.told(BOX).contains(&settled));
        town.run(60_000);
        assert_quiet(&town);
    }
}

#[test]
fn a_forked_second_answer_is_acknowledged_and_let_go() {
    let mut town = Town::with_everybody(16);
    talk(&mut town);
    town.ladder.clear();
    let invite = town.end(BOX).legs[&ONE].session.invite().clone();
    let tx = town.end(BOX).legs[&ONE].invite.unwrap();
    let branch = town.end(BOX).transactions.branch_of(tx).unwrap().to_owned();
    let second = format!(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {BOX};branch={branch}\r\nFrom: {}\r\n\
         To: {};tag=second\r\nCall-ID: {}\r\nCSeq: 1 INVITE\r\nContact: <sip:{CARRIER}>\r\n\
         Content-Length: 0\r\n\r\n",
        invite.from, invite.to, invite.call_id
    );
    town.throw(CARRIER, BOX, second.as_bytes());
    town.run(10);
    assert_eq!(town.ladder, ["box ACK", "box BYE", "carrier 481"]);
    assert_eq!(town.end(BOX).snapshot().calls.len(), 1);
}

#[test]
fn an_offer_made_in_our_answer_gets_its_answer_in_the_ack() {
    let mut town = Town::with_everybody(17);
    let invite = format!(
        "INVITE sip:200@{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bKx\r\n\
         From: <sip:x@c>;tag=f\r\nTo: <sip:200@{BOX}>\r\nCall-ID: late\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:{CARRIER}>\r\nContent-Length: 0\r\n\r\n"
    );
    town.throw(CARRIER, BOX, invite.as_bytes());
    town.run(10);
    let call = town.incoming(BOX);
    town.act(BOX, |e, now| e.answer(now, call, OFFER));
    let tag = town.end(BOX).legs[&call].tag.1.clone();
    let ack = format!(
        "ACK sip:200@{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER};branch=z9hG4bKy\r\n\
         From: <sip:x@c>;tag=f\r\nTo: <sip:200@{BOX}>;tag={tag}\r\nCall-ID: late\r\n\
         CSeq: 1 ACK\r\n{SDP_TYPE}Content-Length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    town.throw(CARRIER, BOX, ack.as_bytes());
    town.run(10);
    assert!(town.told(BOX).contains(&Output::LateAnswer { call, sdp: ANSWER.to_owned() }));
}

#[test]
fn a_trunk_that_finds_every_nonce_too_old_is_given_up() {
    let mut town = Town::new(20);
    let mut config = box_config();
    config.trunks[0].login = Some(Login { user: "line1".into(), password: "right".into() });
    town.add(BOX, config);
    town.act(BOX, |e, now| e.invite(now, to_number(1, "1234567"))).unwrap();
    let mut challenges = 0;
    while let Some(leg) = town.end(BOX).legs.get(&ONE) {
        assert!(challenges < 10, "it would go on for ever");
        challenges += 1;
        let (invite, tx) = (leg.session.invite().clone(), leg.invite.unwrap());
        let branch = town.end(BOX).transactions.branch_of(tx).unwrap().to_owned();
        let stale = format!(
            "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP {BOX};branch={branch}\r\nFrom: {}\r\n\
             To: {};tag=t\r\nCall-ID: {}\r\nCSeq: {} INVITE\r\nWWW-Authenticate: Digest \
             realm=\"r\", nonce=\"n{challenges}\", stale=true\r\nContent-Length: 0\r\n\r\n",
            invite.from, invite.to, invite.call_id, invite.cseq.number
        );
        town.throw(CARRIER, BOX, stale.as_bytes());
        town.run(10);
    }
    let refused = over(Ended, Cause::NotSubscribed, Side::Far);
    assert_eq!(phases(&town.told(BOX), ONE).last(), Some(&refused));
}

#[test]
fn the_successor_of_a_killed_box_refuses_who_waited_for_an_answer() {
    let mut town = Town::with_everybody(22);
    let call = CallKey(5);
    town.act(CARRIER, |e, now| e.invite(now, to_number(5, "1234567"))).unwrap();
    town.run(10);
    let here = town.incoming(BOX);
    town.act(BOX, |e, now| e.progress(now, here, StatusCode::RINGING, None));
    town.run(10);
    let record = town.end(BOX).dialog_records(here).remove(0);
    town.kill(BOX);
    town.add(BOX, box_config());
    town.ladder.clear();
    town.act(BOX, |e, now| e.bye_from_record(now, &record));
    town.run(1_000);
    assert_eq!(town.ladder, ["box 480", "carrier ACK"]);
    let ended = over(Ended, Cause::TemporaryFailure, Side::Far);
    assert_eq!(phases(&town.told(CARRIER), call).last(), Some(&ended));
    town.run(60_000);
    assert_quiet(&town);
}
