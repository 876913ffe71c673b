//! The registrar (RFC 3261 §10.3): which account is reachable where, and until when.
//!
//! It is told only of REGISTERs whose account the guard has let pass. A binding remembers where
//! its REGISTER came from: calls go there, not to what a phone behind NAT writes into Contact. The
//! AOR of an account is its user name at whatever host of ours. Path and GRUU are not spoken.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use call::{AccountId, Tick};

use super::deadline::Agenda;
use super::flow::Flow;
use super::wire::{Contacts, HeaderName, NameAddr, Request, Response, StatusCode};
use crate::limits::{
    AGENT_CHARS_MAX, CONTACTS_MAX, REGISTER_DEFAULT_S, REGISTER_MAX_S, REGISTER_MIN_S,
};

/// Why a binding is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The phone asked for it.
    Asked,
    /// It was not refreshed in time.
    Expired,
    /// A newer contact of the account took its place.
    Displaced,
    /// The account does not exist any more.
    Removed,
}

/// A fact for the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A binding is there or was refreshed.
    Registered {
        /// Whose.
        account: AccountId,
        /// Its contact URI.
        contact: String,
        /// Where the phone really is.
        flow: Flow,
        /// For how long, in seconds.
        expires_s: u32,
        /// It was not there before.
        fresh: bool,
    },
    /// A binding is gone.
    Unregistered {
        /// Whose.
        account: AccountId,
        /// Its contact URI.
        contact: String,
        /// Why.
        reason: Gone,
        /// How many contacts the account still has; with none its phone is out of reach.
        remaining: usize,
    },
}

/// The registrar has one timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The earliest binding expires.
    BindingExpires,
}

/// One contact of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The contact as the phone wrote it.
    pub contact: NameAddr,
    /// Where its REGISTER came from.
    pub flow: Flow,
    /// When it ends.
    pub expires_at: Tick,
    /// When it was last refreshed.
    pub refreshed_at: Tick,
    /// Of the REGISTER that made it: orders requests (§10.3 step 7).
    pub call_id: String,
    /// As above.
    pub cseq: u32,
    /// What the phone calls itself (User-Agent), as far as anybody reads it.
    pub agent: String,
}

/// A binding in plain values, for the owner's journal over a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingRecord {
    /// Whose.
    pub account: AccountId,
    /// The contact in header form, with its parameters.
    pub contact: String,
    /// Where the phone really is.
    pub peer: SocketAddr,
    /// How long it still lives, in milliseconds from the moment of the record.
    pub expires_in_ms: u64,
    /// Of its REGISTER.
    pub call_id: String,
    /// Of its REGISTER.
    pub cseq: u32,
    /// Of its REGISTER.
    pub agent: String,
}

/// Every binding of every account.
#[derive(Clone, Debug, Default)]
pub struct Registrar {
    bindings: BTreeMap<AccountId, Vec<Binding>>,
    /// How many bindings each address has, for the door.
    sources: BTreeMap<IpAddr, usize>,
    /// Keyed by account, at its earliest expiry.
    agenda: Agenda<AccountId>,
    out: VecDeque<Output>,
}

impl Registrar {
    /// Serves a REGISTER of `account`, whose user name is `user`; gives the answer.
    pub fn handle_register(
        &mut self,
        now: Tick,
        account: AccountId,
        user: &str,
        from: Flow,
        request: &Request,
    ) -> Response {
        let status = match self.change(now, account, user, from, request) {
            Ok(()) => StatusCode::OK,
            Err(status) => status,
        };
        let mut response = Response::to_request(request, status);
        if status == StatusCode::INTERVAL_TOO_BRIEF {
            response.headers.push(HeaderName::MinExpires, REGISTER_MIN_S);
        }
        if status.is_success() {
            for binding in self.bindings(account) {
                let mut contact = binding.contact.clone();
                let left_s = binding.expires_at.since_ms(now).div_ceil(1_000);
                contact.params.set("expires", left_s.to_string());
                response.headers.push(HeaderName::Contact, contact);
            }
        }
        response
    }

    /// Ends what has expired.
    pub fn handle_timeout(&mut self, now: Tick) {
        while let Some(account) = self.agenda.take_due(now) {
            self.remove(account, Gone::Expired, |binding| binding.expires_at <= now);
        }
    }

    /// The next fact, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.agenda.next().map(|(at, _)| (at, Timer::BindingExpires))
    }

    /// The contacts of an account.
    #[must_use]
    pub fn bindings(&self, account: AccountId) -> &[Binding] {
        self.bindings.get(&account).map_or(&[], Vec::as_slice)
    }

    /// The contacts to call, the most preferred first, and of equals the one refreshed last.
    #[must_use]
    pub fn by_preference(&self, account: AccountId) -> Vec<&Binding> {
        let mut all: Vec<&Binding> = self.bindings(account).iter().collect();
        all.sort_by_key(|b| core::cmp::Reverse((b.contact.q_milli(), b.refreshed_at)));
        all
    }

    /// Whether a phone is registered from this address.
    #[must_use]
    pub fn knows(&self, source: IpAddr) -> bool {
        self.sources.contains_key(&source)
    }

    /// Drops the bindings of accounts that are no more.
    pub fn retain_accounts(&mut self, exists: impl Fn(AccountId) -> bool) {
        let gone: Vec<AccountId> =
            self.bindings.keys().copied().filter(|account| !exists(*account)).collect();
        for account in gone {
            self.remove(account, Gone::Removed, |_| true);
        }
    }

    /// Every binding in plain values.
    #[must_use]
    pub fn snapshot(&self, now: Tick) -> Vec<BindingRecord> {
        let all = self.bindings.iter().flat_map(|(account, list)| {
            list.iter().map(move |binding| BindingRecord {
                account: *account,
                contact: binding.contact.to_string(),
                peer: binding.flow.peer,
                expires_in_ms: binding.expires_at.since_ms(now),
                call_id: binding.call_id.clone(),
                cseq: binding.cseq,
                agent: binding.agent.clone(),
            })
        });
        all.collect()
    }

    /// Takes over a binding of a process before us. One that does not read is left out: the phone
    /// will register again.
    pub fn restore(&mut self, now: Tick, record: &BindingRecord) {
        let mut headers = super::wire::Headers::new();
        headers.push(HeaderName::Contact, &record.contact);
        let Some(contact) = headers.contact() else { return };
        let binding = Binding {
            contact,
            flow: Flow::udp(record.peer),
            expires_at: now + record.expires_in_ms,
            refreshed_at: now,
            call_id: record.call_id.clone(),
            cseq: record.cseq,
            agent: record.agent.clone(),
        };
        self.bind(now, record.account, binding);
        self.schedule(record.account);
    }

    /// §10.3 steps 5 to 7: all of it or nothing.
    fn change(
        &mut self,
        now: Tick,
        account: AccountId,
        user: &str,
        from: Flow,
        request: &Request,
    ) -> Result<(), StatusCode> {
        if request.to.uri.dialled().as_deref() != Some(user) {
            return Err(StatusCode::FORBIDDEN);
        }
        let expires = request.headers.expires_s().map_err(|_| StatusCode::BAD_REQUEST)?;
        let (call_id, cseq) = (&request.call_id, request.cseq.number);
        let agent = request.headers.get(&HeaderName::UserAgent).unwrap_or_default();
        let agent: String = agent.chars().take(AGENT_CHARS_MAX).collect();
        let in_order = |b: &Binding| b.call_id != *call_id || b.cseq < cseq;
        let contacts = match request.headers.contacts().map_err(|_| StatusCode::BAD_REQUEST)? {
            Contacts::Star if expires != Some(0) => return Err(StatusCode::BAD_REQUEST),
            Contacts::Star => {
                if !self.bindings(account).iter().all(in_order) {
                    return Err(StatusCode::SERVER_INTERNAL_ERROR);
                }
                self.remove(account, Gone::Asked, |_| true);
                return Ok(());
            }
            Contacts::List(contacts) => contacts,
        };
        if contacts.len() > CONTACTS_MAX {
            return Err(StatusCode::FORBIDDEN);
        }
        let mut changes = Vec::new();
        for contact in contacts {
            let wanted_s = contact.expires_s().or(expires).unwrap_or(REGISTER_DEFAULT_S);
            if wanted_s > 0 && wanted_s < REGISTER_MIN_S {
                return Err(StatusCode::INTERVAL_TOO_BRIEF);
            }
            let before = self.bindings(account).iter().find(|b| same(&b.contact, &contact));
            if !before.is_none_or(in_order) {
                return Err(StatusCode::SERVER_INTERNAL_ERROR);
            }
            changes.push((contact, wanted_s.min(REGISTER_MAX_S)));
        }
        for (contact, expires_s) in changes {
            if expires_s == 0 {
                self.remove(account, Gone::Asked, |b| same(&b.contact, &contact));
                continue;
            }
            let binding = Binding {
                contact,
                flow: from,
                expires_at: now + u64::from(expires_s) * 1_000,
                refreshed_at: now,
                call_id: call_id.clone(),
                cseq,
                agent: agent.clone(),
            };
            self.bind(now, account, binding);
        }
        self.schedule(account);
        Ok(())
    }

    fn bind(&mut self, now: Tick, account: AccountId, binding: Binding) {
        let contact = binding.contact.uri.to_string();
        let (flow, expires_s) = (binding.flow, binding.expires_at.since_ms(now) / 1_000);
        let list = self.bindings.entry(account).or_default();
        let place = list.iter().position(|b| same(&b.contact, &binding.contact));
        let old = match place.and_then(|place| list.get_mut(place)) {
            Some(slot) => Some(core::mem::replace(slot, binding)),
            None => {
                list.push(binding);
                None
            }
        };
        *self.sources.entry(flow.peer.ip()).or_default() += 1;
        let fresh = old.is_none();
        if let Some(old) = old {
            self.forget_source(old.flow);
        }
        let expires_s = u32::try_from(expires_s).unwrap_or(u32::MAX);
        self.out.push_back(Output::Registered { account, contact, flow, expires_s, fresh });
        let list = self.bindings(account);
        if list.len() > CONTACTS_MAX {
            let oldest = list.iter().min_by_key(|b| b.refreshed_at).map(|b| b.contact.clone());
            self.remove(account, Gone::Displaced, |b| oldest.as_ref() == Some(&b.contact));
        }
    }

    fn remove(&mut self, account: AccountId, reason: Gone, goes: impl Fn(&Binding) -> bool) {
        let Some(list) = self.bindings.get_mut(&account) else { return };
        let (gone, stay): (Vec<Binding>, Vec<Binding>) = list.drain(..).partition(|b| goes(b));
        let remaining = stay.len();
        if stay.is_empty() {
            self.bindings.remove(&account);
        } else {
            *list = stay;
        }
        for binding in gone {
            self.forget_source(binding.flow);
            let contact = binding.contact.uri.to_string();
            self.out.push_back(Output::Unregistered { account, contact, reason, remaining });
        }
        self.schedule(account);
    }

    fn forget_source(&mut self, flow: Flow) {
        if let Some(count) = self.sources.get_mut(&flow.peer.ip()) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(&flow.peer.ip());
            }
        }
    }

    fn schedule(&mut self, account: AccountId) {
        let earliest = self.bindings(account).iter().map(|b| b.expires_at).min();
        self.agenda.set(&account, earliest);
    }
}

/// Whether both are the same contact: the same instance of a phone on the same of its flows
/// (RFC 5626 §6), or the same URI.
fn same(a: &NameAddr, b: &NameAddr) -> bool {
    let instance = |contact: &NameAddr| {
        let reg_id = contact.params.get("reg-id").map(str::to_owned);
        contact.params.get("+sip.instance").map(|instance| (instance.to_owned(), reg_id))
    };
    match (instance(a), instance(b)) {
        (Some(a), Some(b)) => a == b,
        (_, _) => a.uri.same_as(&b.uri),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Message;

    const ACCOUNT: AccountId = AccountId(7);

    struct Talk {
        registrar: Registrar,
        cseq: u32,
    }

    impl Talk {
        fn new() -> Talk {
            Talk { registrar: Registrar::default(), cseq: 0 }
        }

        fn register(&mut self, now: u64, lines: &str) -> Response {
            self.cseq += 1;
            self.register_as(now, self.cseq, "100", lines)
        }

        fn register_as(&mut self, now: u64, cseq: u32, to: &str, lines: &str) -> Response {
            let text = format!(
                "REGISTER sip:box SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{cseq}\r\n\
                 From: <sip:{to}@box>;tag=f\r\nTo: <sip:{to}@box>\r\nCall-ID: r1\r\n\
                 CSeq: {cseq} REGISTER\r\n{lines}Content-Length: 0\r\n\r\n"
            );
            let request = Message::parse(text.as_bytes()).unwrap().request().unwrap();
            let flow = Flow::udp("10.0.0.9:5062".parse().unwrap());
            self.registrar.handle_register(Tick(now), ACCOUNT, "100", flow, &request)
        }

        fn contacts(&self) -> Vec<String> {
            let list = self.registrar.bindings(ACCOUNT);
            list.iter().map(|b| b.contact.uri.to_string()).collect()
        }

        fn gone(&mut self) -> Vec<(String, Gone, usize)> {
            std::iter::from_fn(|| self.registrar.poll())
                .filter_map(|output| match output {
                    Output::Unregistered { contact, reason, remaining, .. } => {
                        Some((contact, reason, remaining))
                    }
                    Output::Registered { .. } => None,
                })
                .collect()
        }
    }

    #[test]
    fn a_contact_lives_as_long_as_it_asked_and_is_told_gone() {
        let mut t = Talk::new();
        let ok = t.register(0, "Contact: <sip:100@10.0.0.9:5062>\r\nExpires: 120\r\n");
        assert_eq!(ok.status, StatusCode::OK);
        let contact = ok.headers.contact().unwrap();
        assert_eq!(contact.expires_s(), Some(120));
        assert!(t.registrar.knows("10.0.0.9".parse().unwrap()));
        assert_eq!(t.registrar.next_timeout(), Some((Tick(120_000), Timer::BindingExpires)));
        t.registrar.handle_timeout(Tick(120_000));
        assert_eq!(t.gone(), [("sip:100@10.0.0.9:5062".to_owned(), Gone::Expired, 0)]);
        assert!(!t.registrar.knows("10.0.0.9".parse().unwrap()));
        assert_eq!(t.registrar.next_timeout(), None);
    }

    #[test]
    fn the_preferred_contact_is_called_first_and_a_star_removes_all() {
        let mut t = Talk::new();
        t.register(0, "Contact: <sip:a@h>;q=0.5, <sip:b@h>;q=0.9, <sip:c@h>;q=0.1\r\n");
        let order = t.registrar.by_preference(ACCOUNT).into_iter();
        let order: Vec<String> = order.map(|b| b.contact.uri.to_string()).collect();
        assert_eq!(order, ["sip:b@h", "sip:a@h", "sip:c@h"]);
        assert_eq!(t.register(1, "Contact: *\r\n").status, StatusCode::BAD_REQUEST);
        assert_eq!(t.contacts().len(), 3);
        assert_eq!(t.register(1, "Contact: *\r\nExpires: 0\r\n").status, StatusCode::OK);
        assert_eq!(t.contacts().len(), 0);
        assert_eq!(t.gone().len(), 3);
    }

    #[test]
    fn a_restarted_phone_takes_its_own_place_by_its_instance() {
        let mut t = Talk::new();
        let instance = "+sip.instance=\"<urn:uuid:1>\"";
        t.register(0, &format!("Contact: <sip:100@10.0.0.9:5062>;{instance}\r\n"));
        t.register(1, &format!("Contact: <sip:100@10.0.0.9:7777>;{instance}\r\n"));
        assert_eq!(t.contacts(), ["sip:100@10.0.0.9:7777"]);
        assert_eq!(t.gone(), []);
    }

    #[test]
    fn too_short_is_423_and_too_long_is_shortened() {
        let mut t = Talk::new();
        let brief = t.register(0, "Contact: <sip:a@h>\r\nExpires: 5\r\n");
        assert_eq!(brief.status, StatusCode::INTERVAL_TOO_BRIEF);
        let min = brief.headers.get(&HeaderName::MinExpires).map(str::to_owned);
        assert_eq!(min, Some(REGISTER_MIN_S.to_string()));
        let long = t.register(0, "Contact: <sip:a@h>;expires=999999\r\n");
        assert_eq!(long.headers.contact().unwrap().expires_s(), Some(REGISTER_MAX_S));
    }

    #[test]
    fn a_query_changes_nothing_and_one_contact_can_leave() {
        let mut t = Talk::new();
        t.register(0, "Contact: <sip:a@h>, <sip:b@h>\r\n");
        let query = t.register(1_000, "");
        assert_eq!(query.headers.all(&HeaderName::Contact).count(), 2);
        t.register(2_000, "Contact: <sip:a@h>;expires=0\r\n");
        assert_eq!(t.gone(), [("sip:a@h".to_owned(), Gone::Asked, 1)]);
    }

    #[test]
    fn an_overtaken_register_and_one_for_somebody_else_change_nothing() {
        let mut t = Talk::new();
        t.register_as(0, 5, "100", "Contact: <sip:a@h>\r\n");
        let late = t.register_as(1, 4, "100", "Contact: <sip:a@h>;expires=0\r\n");
        assert_eq!(late.status, StatusCode::SERVER_INTERNAL_ERROR);
        let other = t.register_as(1, 6, "101", "Contact: <sip:x@h>\r\n");
        assert_eq!(other.status, StatusCode::FORBIDDEN);
        assert_eq!(t.contacts(), ["sip:a@h"]);
    }

    #[test]
    fn contacts_are_bounded_and_the_oldest_gives_way() {
        let mut t = Talk::new();
        for n in 0..=CONTACTS_MAX as u64 {
            t.register(n, &format!("Contact: <sip:p{n}@h>\r\n"));
        }
        assert_eq!(t.contacts().len(), CONTACTS_MAX);
        assert_eq!(t.gone(), [("sip:p0@h".to_owned(), Gone::Displaced, CONTACTS_MAX)]);
    }

    #[test]
    fn bindings_survive_a_restart_and_removed_accounts_do_not() {
        let mut t = Talk::new();
        t.register(0, "Contact: <sip:a@h>;q=0.5;+sip.instance=\"<urn:uuid:1>\"\r\n");
        let records = t.registrar.snapshot(Tick(1_000));
        let mut next = Registrar::default();
        next.restore(Tick(50), &records[0]);
        assert_eq!(next.snapshot(Tick(50)), records);
        next.retain_accounts(|_| false);
        assert!(next.snapshot(Tick(50)).is_empty());
    }
}
