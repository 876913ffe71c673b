//! Phones that register, are called, and call.

use super::*;
use crate::sip::registrar::Gone;

#[test]
fn a_phone_registers_with_a_password_and_stays_registered() {
    let mut town = Town::new(1);
    town.add(BOX, box_config());
    town.add(PHONE, phone_config("secret"));
    town.run(100);
    assert_eq!(town.ladder, ["phone REGISTER", "box 401", "phone REGISTER", "box 200"]);
    let told = town.told(BOX);
    let fresh = told.iter().any(|fact| {
        matches!(fact, Output::Registered { account: ACCOUNT, fresh: true, flow, .. }
            if flow.peer == at(PHONE))
    });
    assert!(fresh, "{told:?}");
    assert_eq!(town.told(PHONE), [Output::TrunkUp { trunk: TRUNK }]);
    town.run(3_600_000);
    assert_eq!(town.end(BOX).snapshot().bindings, 1);
    let lost = town.told(BOX).iter().any(|fact| matches!(fact, Output::Unregistered { .. }));
    assert!(!lost);
}

#[test]
fn a_phone_that_dies_expires_and_one_that_leaves_is_gone_at_once() {
    let mut town = Town::with_everybody(2);
    town.act(PHONE, |e, now| e.stop(now));
    town.run(100);
    let gone = |reason| Output::Unregistered {
        account: ACCOUNT,
        contact: format!("sip:100@{PHONE}"),
        reason,
        remaining: 0,
    };
    assert!(town.told(BOX).contains(&gone(Gone::Asked)));
    assert!(town.told(PHONE).contains(&Output::TrunkDown { trunk: TRUNK, status: None }));

    let mut town = Town::with_everybody(3);
    town.kill(PHONE);
    town.run(121_000);
    assert!(town.told(BOX).contains(&gone(Gone::Expired)));
    let refused = town.act(BOX, |e, now| e.invite(now, to_phone(1)));
    assert_eq!(refused, Err(OrderRefused::NotRegistered));
}

#[test]
fn a_phone_is_called_at_its_contact_and_told_to_answer_by_itself() {
    let mut town = Town::with_everybody(4);
    let spec = CallSpec { auto_answer: true, ..to_phone(1) };
    town.act(BOX, |e, now| e.invite(now, spec)).unwrap();
    town.run(10);
    let call = town.incoming(PHONE);
    let invite = town.end(PHONE).legs[&call].session.invite();
    let header = |name: &HeaderName| invite.headers.get(name).unwrap_or_default().to_owned();
    assert!(header(&HeaderName::CallInfo).ends_with(";answer-after=0"));
    assert!(header(&HeaderName::AlertInfo).ends_with(";info=alert-autoanswer"));
    assert_eq!(invite.uri.to_string(), format!("sip:100@{PHONE}"));
    town.act(PHONE, |e, now| e.answer(now, call, ANSWER));
    town.run(10);
    let told = phases(&town.told(BOX), CallKey(1));
    assert_eq!(told.last(), Some(&(LegPhase::Answered, None, None)));
}

#[test]
fn a_phone_calls_with_its_password() {
    let mut town = Town::with_everybody(5);
    town.act(PHONE, |e, now| e.invite(now, to_number(1, "*11"))).unwrap();
    town.run(100);
    assert_eq!(town.ladder, ["phone INVITE", "box 401", "phone ACK", "phone INVITE", "box 100"]);
    let told = town.told(BOX);
    let called = told.iter().find_map(|fact| match fact {
        Output::Incoming { from: Party::Account(ACCOUNT), called, .. } => Some(called.as_str()),
        _ => None,
    });
    assert_eq!(called, Some("*11"));
}

#[test]
fn many_phones_share_one_socket_and_each_is_called_by_its_user() {
    let mut town = Town::new(6);
    let mut config = box_config();
    let mut phones = phone_config("secret");
    let template = phones.trunks.remove(0);
    config.accounts.clear();
    for n in 0..20 {
        let user = format!("{}", 200 + n);
        config.accounts.push(Account::with_password(AccountId(n), &user, "linebox", "secret"));
        phones.trunks.push(Trunk {
            id: TrunkId(n),
            login: Some(Login { user: user.clone(), password: "secret".to_owned() }),
            register: Some(Register { user, expires_s: 120 }),
            ..template.clone()
        });
    }
    town.add(BOX, config);
    town.add(PHONE, phones);
    town.run(1_000);
    assert_eq!(town.end(BOX).snapshot().bindings, 20);
    let spec = CallSpec { to: Callee::Account(AccountId(13)), ..to_phone(1) };
    town.act(BOX, |e, now| e.invite(now, spec)).unwrap();
    town.run(10);
    let rang = town.told(PHONE).into_iter().find_map(|fact| match fact {
        Output::Incoming { from, called, .. } => Some((from, called)),
        _ => None,
    });
    assert_eq!(rang, Some((Party::Trunk(TrunkId(13)), "213".to_owned())));
}

#[test]
fn registrations_outlive_a_killed_box_by_its_journal() {
    let mut town = Town::with_everybody(7);
    let records = town.act(BOX, |e, now| e.binding_records(now));
    town.kill(BOX);
    town.add(BOX, box_config());
    town.act(BOX, |e, now| records.iter().for_each(|record| e.restore_binding(now, record)));
    town.act(BOX, |e, now| e.invite(now, to_phone(1))).unwrap();
    town.run(10);
    town.incoming(PHONE);
}

#[test]
fn a_deleted_account_loses_its_phone_and_a_changed_trunk_registers_anew() {
    let mut town = Town::with_everybody(8);
    let none = Config { accounts: Vec::new(), ..box_config() };
    town.act(BOX, |e, now| e.configure(now, none));
    let removed = town.told(BOX).iter().any(|fact| {
        matches!(fact, Output::Unregistered { reason: Gone::Removed, remaining: 0, .. })
    });
    assert!(removed);
    town.act(BOX, |e, now| e.configure(now, box_config()));
    let mut other = phone_config("secret");
    other.trunks[0].contact_user = Some("desk".to_owned());
    town.act(PHONE, |e, now| e.configure(now, other));
    town.run(1_000);
    let records = town.act(BOX, |e, now| e.binding_records(now));
    let contacts: Vec<String> = records.into_iter().map(|record| record.contact).collect();
    assert_eq!(contacts, [format!("<sip:desk@{PHONE}>")]);
}

#[test]
fn a_trunk_without_registration_is_asked_and_its_state_is_told() {
    let mut town = Town::new(9);
    let mut config = box_config();
    config.trunks[0].keep_alive_ms = Some(30_000);
    town.add(BOX, config);
    town.add(CARRIER, carrier_config());
    town.run(1_000);
    assert_eq!(town.told(BOX), [Output::TrunkUp { trunk: TRUNK }]);
    town.kill(CARRIER);
    town.run(70_000);
    assert_eq!(town.told(BOX), [Output::TrunkDown { trunk: TRUNK, status: None }]);
    town.add(CARRIER, carrier_config());
    town.run(70_000);
    assert_eq!(town.told(BOX), [Output::TrunkUp { trunk: TRUNK }]);
}
