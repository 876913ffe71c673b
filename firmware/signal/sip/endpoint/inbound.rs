//! What becomes of a request that is news: the checks of RFC 3261 §8.2 in their order, then the
//! call, the registrar, or a refusal.
//!
//! Whoever is not a trunk by its address must be an account by its password. Refusals of strangers
//! open no transaction.

use call::{AccountId, Tick};

use super::{CallKey, Caller, Counted, Endpoint, Leg, Output, Party};
use crate::limits::CALLS_MAX;
use crate::sip::dialog::Hop;
use crate::sip::flow::Flow;
use crate::sip::guard::Verdict;
use crate::sip::login::Login;
use crate::sip::session::{ACCEPT, ALLOW, Birth, Session, sdp_of};
use crate::sip::wire::{HeaderName, Method, NameAddr, Request, Response, SipUri, StatusCode};

impl Endpoint {
    pub(super) fn request_arrived(&mut self, now: Tick, from: Flow, request: Request) {
        let Some(request) = self.transactions.handle_request(now, from, request) else { return };
        if let Err((status, why)) = self.inspect(&request) {
            if request.method != Method::Ack {
                self.count(why);
                self.refuse(from, &request, status);
            }
            return;
        }
        match &request.method {
            Method::Ack => {
                if let Some(call) = self.call_of(&request) {
                    self.with(now, call, |session| session.handle_ack(&request));
                }
            }
            Method::Cancel => self.cancelled(now, from, &request),
            _ if request.to.tag().is_some() => self.within_dialog(now, from, &request),
            Method::Invite => self.invited(now, from, request),
            Method::Register => self.registering(now, from, &request),
            Method::Options => self.refuse(from, &request, StatusCode::OK),
            // A BYE, INFO or UPDATE without a dialog.
            Method::Bye
            | Method::Info
            | Method::Prack
            | Method::Update
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                self.count(Counted::NoSuchCall);
                self.refuse(from, &request, StatusCode::NO_SUCH_CALL);
            }
        }
    }

    /// RFC 3261 §8.2.1 to §8.2.3, for requests inside and outside a dialog.
    fn inspect(&self, request: &Request) -> Result<(), (StatusCode, Counted)> {
        let no = |status| Err((status, Counted::Unacceptable));
        match &request.method {
            Method::Other(_) => {
                return Err((StatusCode::NOT_IMPLEMENTED, Counted::MethodUnknown));
            }
            Method::Prack
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish => {
                return Err((StatusCode::METHOD_NOT_ALLOWED, Counted::MethodNotAllowed));
            }
            Method::Register if self.guard.is_empty() => {
                return Err((StatusCode::METHOD_NOT_ALLOWED, Counted::MethodNotAllowed));
            }
            // Neither may be refused for its headers (§8.2.2.3): both belong to another request.
            Method::Ack | Method::Cancel => return Ok(()),
            Method::Invite
            | Method::Bye
            | Method::Register
            | Method::Options
            | Method::Info
            | Method::Update => {}
        }
        if request.headers.max_forwards() == Ok(Some(0)) {
            return no(StatusCode::TOO_MANY_HOPS);
        }
        if request.uri.dialled().is_none() && request.uri.sip().is_none() {
            return no(StatusCode::UNSUPPORTED_URI_SCHEME);
        }
        if request.headers.items(&HeaderName::Require).next().is_some() {
            return no(StatusCode::BAD_EXTENSION);
        }
        let encoded = request.headers.has(&HeaderName::ContentEncoding);
        let offers = matches!(request.method, Method::Invite | Method::Update);
        let unread = offers && sdp_of(&request.headers, &request.body).is_none();
        if encoded || (unread && !request.body.is_empty()) {
            return no(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        Ok(())
    }

    /// Answers without a transaction (also 200 to OPTIONS, which changes nothing).
    fn refuse(&mut self, from: Flow, request: &Request, status: StatusCode) {
        let mut response = Response::to_request(request, status);
        let headers = &mut response.headers;
        if matches!(status, StatusCode::OK | StatusCode::METHOD_NOT_ALLOWED) {
            let registrar = if self.guard.is_empty() { "" } else { ", REGISTER" };
            headers.push(HeaderName::Allow, format!("{ALLOW}{registrar}"));
        }
        if matches!(status, StatusCode::OK | StatusCode::UNSUPPORTED_MEDIA_TYPE) {
            headers.push(HeaderName::Accept, ACCEPT);
        }
        if status == StatusCode::BAD_EXTENSION {
            for tag in request.headers.items(&HeaderName::Require) {
                headers.push(HeaderName::Unsupported, tag);
            }
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.push(HeaderName::RetryAfter, 5);
        }
        headers.push(HeaderName::Server, &self.config.agent);
        self.transactions.refuse_stateless(from, response);
    }

    /// The call whose dialog a request names (§12.2.2).
    fn call_of(&self, request: &Request) -> Option<CallKey> {
        let key = (request.call_id.clone(), request.to.tag()?.to_owned());
        let call = *self.by_tag.get(&key)?;
        let dialog = self.legs.get(&call)?.session.dialog();
        // A caller whose INVITE is unanswered knows no far tag yet.
        let far = dialog.is_none_or(|dialog| dialog.remote_tag() == request.from.tag());
        far.then_some(call)
    }

    fn within_dialog(&mut self, now: Tick, from: Flow, request: &Request) {
        let Some(call) = self.call_of(request) else {
            self.count(Counted::NoSuchCall);
            return self.refuse(from, request, StatusCode::NO_SUCH_CALL);
        };
        match self.transactions.open(from, request) {
            Ok(tx) => {
                self.with(now, call, |session| session.handle_request(now, tx, from, request));
            }
            Err(_) => self.count(Counted::Full),
        }
    }

    /// §9.2: the CANCEL is answered by itself; the INVITE gets its 487 from its call.
    fn cancelled(&mut self, now: Tick, from: Flow, cancel: &Request) {
        let Some(invite) = self.transactions.invite_of(cancel) else {
            self.count(Counted::NoSuchCall);
            return self.refuse(from, cancel, StatusCode::NO_SUCH_CALL);
        };
        let Ok(tx) = self.transactions.open(from, cancel) else {
            return self.count(Counted::Full);
        };
        let call = self.by_invite.get(&invite).copied().or_else(|| self.call_of(cancel));
        let tag = call.and_then(|call| self.legs.get(&call)).map(|leg| leg.tag.1.clone());
        let mut response = Response::to_request(cancel, StatusCode::OK);
        response.tag_to(&tag.unwrap_or_else(|| self.tokens.word()));
        self.transactions.respond(now, tx, &response);
        if let Some(call) = call {
            self.with(now, call, |session| session.handle_cancel(invite, cancel));
        }
    }

    fn invited(&mut self, now: Tick, from: Flow, request: Request) {
        let party = match self.trunk_of(from, &request) {
            Some(party) => party,
            None => match self.admitted(now, from, &request) {
                Some(account) => Party::Account(account),
                None => return,
            },
        };
        let caller_tag =
            (request.call_id.clone(), request.from.tag().unwrap_or_default().to_owned());
        if self.by_caller.contains_key(&caller_tag) {
            self.count(Counted::Merged);
            return self.refuse(from, &request, StatusCode::LOOP_DETECTED);
        }
        if self.legs.len() >= CALLS_MAX {
            self.count(Counted::Full);
            return self.refuse(from, &request, StatusCode::SERVICE_UNAVAILABLE);
        }
        let Ok(tx) = self.transactions.open(from, &request) else {
            return self.count(Counted::Full);
        };
        let call = CallKey((1 << 63) | self.next_incoming);
        self.next_incoming += 1;
        let fact = Output::Incoming {
            call,
            from: party,
            caller: caller(&request, party),
            called: request.uri.dialled().unwrap_or_default(),
            offer: sdp_of(&request.headers, &request.body),
        };
        let tag = (request.call_id.clone(), self.tokens.word());
        let session = Session::ring(now, self.birth(from, party, &tag.0), tx, request, &tag.1);
        self.by_tag.insert(tag.clone(), call);
        self.by_caller.insert(caller_tag.clone(), call);
        self.by_invite.insert(tx, call);
        let (invite, caller_tag) = (Some(tx), Some(caller_tag));
        self.legs.insert(call, Leg { session, party, invite, tag, caller_tag });
        self.out.push_back(fact);
        self.drain(now, call);
    }

    fn registering(&mut self, now: Tick, from: Flow, request: &Request) {
        let Some(id) = self.admitted(now, from, request) else { return };
        let user = self.config.accounts.iter().find(|account| account.id == id);
        let user = user.map(|account| account.user.clone()).unwrap_or_default();
        let Ok(tx) = self.transactions.open(from, request) else {
            return self.count(Counted::Full);
        };
        let mut response = self.registrar.handle_register(now, id, &user, from, request);
        response.tag_to(&self.tokens.word());
        response.headers.push(HeaderName::Server, &self.config.agent);
        self.transactions.respond(now, tx, &response);
    }

    /// The account that a request is from; everybody else is answered here.
    fn admitted(&mut self, now: Tick, from: Flow, request: &Request) -> Option<AccountId> {
        let source = from.peer.ip();
        if self.guard.is_empty() {
            self.count(Counted::WrongCredentials);
            self.refuse(from, request, StatusCode::FORBIDDEN);
            return None;
        }
        let settled = self.registrar.knows(source);
        let (verdict, lock) = self.guard.judge(now, source, settled, request);
        if let Some(lock) = lock {
            let (user, source, until) = (lock.user, lock.source, lock.until);
            self.out.push_back(Output::LockedOut { user, source, until });
        }
        match verdict {
            Verdict::Is(account) => return Some(account),
            Verdict::Ask { stale, wrong, replayed } => {
                self.count(match (wrong, replayed) {
                    (true, _) => Counted::WrongCredentials,
                    (false, true) => Counted::Replayed,
                    (false, false) => Counted::Challenged,
                });
                let mut challenge = self.guard.challenge(now, request, stale);
                challenge.headers.push(HeaderName::Server, &self.config.agent);
                self.transactions.refuse_stateless(from, challenge);
            }
            Verdict::Locked => {
                self.count(Counted::Locked);
                self.refuse(from, request, StatusCode::FORBIDDEN);
            }
        }
        None
    }

    /// The trunk that a request comes from. Where several stand behind one address, the one
    /// whose own user was called.
    fn trunk_of(&self, from: Flow, request: &Request) -> Option<Party> {
        let called = request.uri.dialled();
        let trunks = self.config.trunks.iter().filter(|trunk| trunk.sends_from(from.peer));
        let best = trunks.max_by_key(|trunk| {
            let mine = called.is_some() && trunk.own_user() == called.as_deref();
            (mine, core::cmp::Reverse(trunk.id))
        });
        best.map(|trunk| Party::Trunk(trunk.id))
    }

    fn birth(&self, flow: Flow, party: Party, call_id: &str) -> Birth {
        let trunk = self.config.trunks.iter().find(|trunk| party == Party::Trunk(trunk.id));
        let login: Option<Login> = trunk.and_then(|trunk| trunk.login.clone());
        let contact = match trunk {
            Some(trunk) => self.contact_of(trunk),
            None => SipUri::at(None, self.config.address),
        };
        Birth {
            flow,
            hop: if trunk.is_some() { Hop::Routed } else { Hop::Symmetric },
            contact: NameAddr::new(contact),
            agent: self.config.agent.clone(),
            login,
            tokens: self.tokens.fork(call_id),
        }
    }
}

/// Who calls. A trunk is trusted to assert an identity (RFC 3325), a phone is not.
fn caller(request: &Request, party: Party) -> Caller {
    let first = |name: HeaderName| match party {
        Party::Trunk(_) => request.headers.addresses(&name).ok()?.into_iter().next(),
        Party::Account(_) => None,
    };
    let asserted = first(HeaderName::PAssertedIdentity);
    let identity = asserted.as_ref().unwrap_or(&request.from);
    let display = identity.display.clone().or_else(|| request.from.display.clone());
    let redirecting = first(HeaderName::Diversion).and_then(|last| last.uri.dialled());
    Caller { number: identity.uri.dialled(), display, redirecting }
}
