//! Two phones at one account: baresip, which answers, and one that only rings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use peer::baresip::Baresip;
use peer::probe::Probe;
use peer::unit::Unit;
use peer::wait_for;

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn every_phone_of_an_account_rings_and_the_one_that_answers_has_the_call() {
    let mut unit = Unit::start();
    let dir = unit.dir.path().to_owned();
    let phone = unit.add_phone("101", "secret-of-101");
    let agent = unit.add_agent("1001", "4711", phone);
    let mut rings = Probe::at(41, unit.sip);
    let challenge = rings.challenged("101");
    let contact = rings.contact(600);
    let registered = rings.register(&challenge, "101", "secret-of-101", 1, &contact);
    assert_eq!(registered.status(), 200);
    let _desk = Baresip::start(&dir, 101, unit.sip, "101", "secret-of-101", 440);
    let contacts = wait_for("both contacts", PATIENCE, || {
        let known = unit.api.get(&format!("/api/v1/phones/{phone}"));
        known["contacts"].as_array().filter(|all| all.len() == 2).cloned()
    });
    let named = contacts.iter().any(|c| c["agent"].as_str().is_some_and(|a| a.contains("baresip")));
    assert!(named, "a phone is shown by the name it has for itself: {contacts:?}");

    unit.to_work(agent);
    let invite = rings.hear_method("INVITE", PATIENCE).expect("it rings here too");
    rings.reply(&invite, "180 Ringing", "", "");
    let cancel = rings.hear_method("CANCEL", PATIENCE).expect("the other has answered");
    assert!(cancel.header("Reason").contains("elsewhere"), "{cancel:?}");
    rings.reply(&cancel, "200 OK", "", "");
    rings.reply(&invite, "487 Request Terminated", "", "");
    assert!(rings.hear_method("ACK", PATIENCE).is_some());
    wait_for("a ready seat at the phone that answered", PATIENCE, || {
        let agent = unit.agent(agent);
        (agent["state"] == "ready" && agent["leg_up"] == true).then_some(())
    });
}
