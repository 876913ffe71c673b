//! The desired state, applied while everything runs, and what an earlier switchd left behind.

use std::collections::BTreeSet;

use call::{AccountId, Cause, LegPhase, Side, TrunkId};
use link::{Alarm, Contact, DesiredState, Event, RecordingState, Refusal, Trunk, TrunkState};

use super::line::{Guarded, Said, address_of};
use super::{Note, Output, Switch};
use crate::journal::{Book, Entry, KeptContact};
use crate::limits::{ACCOUNTS_MAX, TRUNKS_MAX};

impl Switch {
    /// centerd's new document. An older one than the one held changes nothing.
    pub(super) fn desire(&mut self, desired: DesiredState) -> Result<(), Refusal> {
        if desired.version <= self.desired.version {
            return Ok(());
        }
        check(&desired)?;
        if desired.realm != self.lines.realm() && !desired.realm.is_empty() && !self.legs.is_empty()
        {
            let reason = "cannot change while calls run".to_owned();
            return Err(Refusal::Invalid { field: "realm".to_owned(), reason });
        }
        self.out.push_back(Output::KeepDesired(Box::new(desired.clone())));
        self.apply_desired(desired);
        Ok(())
    }

    /// Makes the endpoint serve these accounts and trunks. Calls that run go on, also those of an
    /// account or trunk that is gone.
    pub(super) fn apply_desired(&mut self, mut desired: DesiredState) {
        if desired.realm.is_empty() {
            desired.realm.clone_from(&self.setup.realm);
        }
        let before = std::mem::replace(&mut self.desired, desired);
        let version = self.desired.version;
        self.lines.configure(self.now.tick, &self.desired);
        self.spans.configure(self.now, &self.desired.spans);
        let same = |trunk: &Trunk| before.trunks.contains(trunk);
        let fresh = self.desired.trunks.iter().filter(|t| !same(t)).map(|t| t.id);
        let fresh: Vec<TrunkId> = fresh.collect();
        let stay: BTreeSet<TrunkId> = self.desired.trunks.iter().map(|t| t.id).collect();
        self.trunks.retain(|id, _| stay.contains(id));
        for trunk in fresh {
            self.trunks.insert(trunk, (TrunkState::Trying, String::new()));
        }
        self.judge_channel_trunks();
        self.judge_trunks();
        self.note(Note::Desired { version });
    }

    /// What an earlier switchd left: BYE to what was up, ends to tell, contacts to call.
    pub(super) fn recover(&mut self, book: &Book) {
        let mut contacts = 0;
        for (&account, kept) in &book.contacts {
            let known = self.desired.accounts.iter().any(|a| a.id == account);
            for contact in kept.iter().filter(|c| known && c.expires > self.now.stamp) {
                contacts += 1;
                self.lines.restore(self.now, account, contact);
            }
            if self.lines.contacts(self.now, account).is_empty() {
                self.write(Entry::Contacts { account, contacts: Vec::new() });
            }
        }
        for record in book.ended.values() {
            self.session.keep_leg(record.clone(), None);
        }
        for (record, dialogs) in book.legs.values() {
            for dialog in dialogs {
                self.lines.end_kept(self.now.tick, dialog);
            }
            let mut lost = record.clone();
            lost.phase = LegPhase::Ended;
            lost.ended = Some(self.now.stamp);
            lost.cause = Some(Cause::Lost);
            lost.ended_by = Some(Side::Box);
            self.keep_end(lost);
        }
        for record in book.recordings.values() {
            match record.state {
                RecordingState::Growing => self.mend_recording(record.clone()),
                RecordingState::Sealed | RecordingState::Cut | RecordingState::Stopped => {
                    self.session.keep_recording(record.clone(), None);
                }
            }
        }
        if !book.is_empty() {
            self.note(Note::Recovered { legs: book.legs.len(), contacts });
        }
    }

    /// Everything that the endpoint says, sorted.
    pub(super) fn handle_said(&mut self, said: Said) {
        match said {
            Said::Send { to, bytes } => self.out.push_back(Output::Sip { to, bytes }),
            Said::Arrived(arrival) => self.arrived(*arrival),
            Said::Fact { leg, fact } => self.handle_fact(leg, fact),
            Said::Contacts { account } => self.registered(account),
            Said::Trunk { trunk, state, text } => self.trunk_is(trunk, state, text),
            Said::Guard(what) => self.guarded(what),
        }
    }

    fn registered(&mut self, account: AccountId) {
        let kept = self.lines.contacts(self.now, account);
        let contact = |k: &KeptContact| Contact {
            address: k.peer.to_string(),
            agent: k.agent.clone(),
            expires: k.expires,
        };
        let contacts: Vec<Contact> = kept.iter().map(contact).collect();
        self.write(Entry::Contacts { account, contacts: kept });
        let before = match contacts.is_empty() {
            true => self.registrations.remove(&account),
            false => self.registrations.insert(account, contacts.clone()),
        };
        // A refresh alone is no news.
        let places = |c: &[Contact]| c.iter().map(|c| c.address.clone()).collect::<Vec<_>>();
        if places(&before.unwrap_or_default()) != places(&contacts) {
            self.tell(Event::Registration { account, contacts });
        }
    }

    pub(super) fn trunk_is(&mut self, trunk: TrunkId, state: TrunkState, text: String) {
        if !self.desired.trunks.iter().any(|t| t.id == trunk) {
            return;
        }
        let now = (state, text.clone());
        if self.trunks.insert(trunk, now.clone()) != Some(now) {
            self.tell(Event::Trunk { trunk, state, text });
            self.judge_trunks();
        }
    }

    /// The alarm stands while any trunk is down, and names them.
    fn judge_trunks(&mut self) {
        let down = |t: &&Trunk| {
            self.trunks.get(&t.id).is_some_and(|(state, _)| *state == TrunkState::Down)
        };
        let names: Vec<&str> =
            self.desired.trunks.iter().filter(down).map(|t| t.name.as_str()).collect();
        if names.is_empty() {
            return self.lower(Alarm::TrunkDown);
        }
        let text = format!(
            "trunk {} is down; look at its address, user and password, and at the network",
            names.join(", ")
        );
        self.raise(Alarm::TrunkDown, text);
    }

    /// Guessing and floods stand as alarms until a report of health finds them over.
    fn guarded(&mut self, what: Guarded) {
        if matches!(what, Guarded::Flood { .. }) && self.alarms.contains_key(&Alarm::Flood) {
            // It counts each datagram, and nobody is to be flooded with that.
            return;
        }
        let (alarm, text) = match what {
            Guarded::LockedOut { who } => {
                (Alarm::Guessing, format!("{who} is locked out after too many wrong passwords"))
            }
            Guarded::Flood { dropped } => (
                Alarm::Flood,
                format!("{dropped} SIP requests were dropped; somebody floods the box"),
            ),
        };
        self.raise(alarm, text);
    }

    /// Called with each report of health.
    pub(super) fn tell_guard(&mut self) {
        let (locked, flooded) = self.lines.guard_now(self.now.tick);
        if !locked {
            self.lower(Alarm::Guessing);
        }
        if !flooded {
            self.lower(Alarm::Flood);
        }
    }
}

fn check(desired: &DesiredState) -> Result<(), Refusal> {
    let full = |bound: &str| Err(Refusal::Full { bound: bound.to_owned() });
    if desired.accounts.len() > ACCOUNTS_MAX {
        return full("ACCOUNTS_MAX");
    }
    if desired.trunks.len() > TRUNKS_MAX {
        return full("TRUNKS_MAX");
    }
    let hex = |b: u8| b.is_ascii_hexdigit();
    for account in &desired.accounts {
        if account.ha1.len() != 32 || !account.ha1.bytes().all(hex) {
            return Err(Refusal::Invalid {
                field: format!("accounts[{}].ha1", account.user),
                reason: "is not 32 hexadecimal digits".to_owned(),
            });
        }
    }
    for trunk in &desired.trunks {
        let Some(sip) = trunk.sip() else { continue };
        let mut all = sip.sources.iter().chain([&sip.address]);
        if let Some(wrong) = all.find(|text| address_of(text).is_none()) {
            return Err(Refusal::Invalid {
                field: format!("trunks[{}].address", trunk.name),
                reason: format!("{wrong:?} is not ADDRESS:PORT with a numeric address"),
            });
        }
    }
    Ok(())
}
