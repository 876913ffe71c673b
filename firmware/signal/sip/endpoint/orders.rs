//! The owner's orders: call somebody, and lead a call to its end.

use call::{AccountId, Cause, Tick, TrunkId};

use super::fork::{Fork, branch_key};
use super::trunks::{host_of, uri_at};
use super::{CallKey, Endpoint, Leg, Party};
use crate::limits::CALLS_MAX;
use crate::sip::dialog::Hop;
use crate::sip::flow::Flow;
use crate::sip::registrar::Binding;
use crate::sip::session::{Birth, Session};
use crate::sip::wire::{
    CSeq, HeaderName, Headers, Host, Method, NameAddr, Request, SipUri, StatusCode, Uri,
};

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A phone of ours, at all its contacts; the first that answers has the call.
    Account(AccountId),
    /// A number through a trunk.
    Number {
        /// The trunk.
        trunk: TrunkId,
        /// What to dial, as the trunk wants it written.
        number: String,
    },
}

/// A call to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSpec {
    /// Its key, chosen by the owner, below 2^63 and not in use.
    pub call: CallKey,
    /// Whom to call.
    pub to: Callee,
    /// The number that the far end is to see: the user of From. Empty: it sees none.
    pub caller: String,
    /// The name that the far end is to see.
    pub display: Option<String>,
    /// The number that the provider is to bill and believe (RFC 3325 P-Asserted-Identity).
    pub asserted: Option<String>,
    /// The phone is to answer by itself, where it supports that.
    pub auto_answer: bool,
    /// Our offer.
    pub sdp: String,
}

/// Why a call was not even begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// The key belongs to another call, or to the endpoint's own range.
    #[error("the call's key is in use or not the owner's to give")]
    KeyTaken,
    /// No such account.
    #[error("the account does not exist: it was deleted, or never pushed to switchd")]
    NoSuchAccount,
    /// Its phone is not registered.
    #[error("the account's phone is not registered: look at its network and its password")]
    NotRegistered,
    /// No such trunk.
    #[error("the trunk does not exist: it was deleted, or never pushed to switchd")]
    NoSuchTrunk,
    /// There are [`CALLS_MAX`] calls already.
    #[error("too many calls at once: wait for one to end")]
    Full,
}

impl OrderRefused {
    /// The same as a cause of a leg that ended before it began.
    #[must_use]
    pub const fn cause(self) -> Cause {
        match self {
            OrderRefused::KeyTaken => Cause::ProtocolError,
            OrderRefused::NoSuchAccount => Cause::UnallocatedNumber,
            OrderRefused::NotRegistered => Cause::SubscriberAbsent,
            OrderRefused::NoSuchTrunk => Cause::NoRoute,
            OrderRefused::Full => Cause::ResourceUnavailable,
        }
    }
}

/// Where an INVITE goes and what stands in it.
struct Way {
    party: Party,
    flow: Flow,
    hop: Hop,
    uri: Uri,
    to: Uri,
    /// The host of From.
    own_host: Host,
    contact: SipUri,
    login: Option<crate::sip::login::Login>,
}

impl Endpoint {
    /// Begins a call. Everything further is told by [`super::Output::Phase`].
    pub fn invite(&mut self, now: Tick, spec: CallSpec) -> Result<(), OrderRefused> {
        let call = spec.call;
        let taken = self.legs.contains_key(&call) || self.forks.contains_key(&call);
        if call.is_incoming() || taken {
            return Err(OrderRefused::KeyTaken);
        }
        let ways = self.ways_to(&spec.to)?;
        if self.legs.len() + ways.len() > CALLS_MAX {
            return Err(OrderRefused::Full);
        }
        let mut calls = vec![call];
        if ways.len() > 1 {
            calls = (self.next_branch..).map(branch_key).take(ways.len()).collect();
            self.next_branch += ways.len() as u64;
            self.fork_of.extend(calls.iter().map(|branch| (*branch, call)));
            self.forks.insert(call, Fork::new(calls.iter().copied()));
        }
        for (call, way) in calls.into_iter().zip(ways) {
            self.begin(now, call, &spec, way);
        }
        self.settle(now);
        Ok(())
    }

    fn begin(&mut self, now: Tick, call: CallKey, spec: &CallSpec, way: Way) {
        let (tag, call_id) = (self.tokens.word(), self.tokens.word());
        let invite = invite(spec, &way, &tag, &call_id);
        let birth = Birth {
            flow: way.flow,
            hop: way.hop,
            contact: NameAddr::new(way.contact),
            agent: self.config.agent.clone(),
            login: way.login,
            tokens: self.tokens.fork(&call_id),
        };
        let session = Session::call(now, birth, invite);
        let tag = (call_id, tag);
        self.by_tag.insert(tag.clone(), call);
        let leg = Leg { session, party: way.party, invite: None, tag, caller_tag: None };
        self.legs.insert(call, leg);
        self.drain(now, call);
    }

    /// Tells the caller of an incoming call that it rings (180) or proceeds (183); with `sdp`,
    /// sound flows already.
    pub fn progress(&mut self, now: Tick, call: CallKey, status: StatusCode, sdp: Option<&str>) {
        self.order(now, call, |session| session.progress(now, status, sdp));
    }

    /// Answers an incoming call.
    pub fn answer(&mut self, now: Tick, call: CallKey, sdp: &str) {
        self.order(now, call, |session| session.answer(now, sdp));
    }

    /// Refuses an incoming call.
    pub fn reject(&mut self, now: Tick, call: CallKey, cause: Cause) {
        self.order(now, call, |session| session.reject(cause));
    }

    /// Ends a call in whatever way its phase demands.
    pub fn hang_up(&mut self, now: Tick, call: CallKey, cause: Cause) {
        self.order(now, call, |session| session.hang_up(cause));
    }

    /// Takes the far end's new offer, with our answer.
    pub fn accept_reoffer(&mut self, now: Tick, call: CallKey, sdp: &str) {
        self.order(now, call, |session| session.accept_reoffer(now, sdp));
    }

    /// Refuses the far end's new offer; the call goes on as it was.
    pub fn refuse_reoffer(&mut self, now: Tick, call: CallKey) {
        self.order(now, call, Session::refuse_reoffer);
    }

    fn order(&mut self, now: Tick, call: CallKey, act: impl Fn(&mut Session)) {
        for session in self.sessions_of(call) {
            self.with(now, session, &act);
        }
        self.settle(now);
    }

    fn ways_to(&self, callee: &Callee) -> Result<Vec<Way>, OrderRefused> {
        match callee {
            Callee::Account(id) => {
                let account = self.config.accounts.iter().find(|account| account.id == *id);
                let account = account.ok_or(OrderRefused::NoSuchAccount)?;
                let own_host: Host = self.config.address.ip().into();
                let way = |binding: &Binding| Way {
                    party: Party::Account(*id),
                    flow: binding.flow,
                    hop: Hop::Symmetric,
                    uri: binding.contact.uri.clone(),
                    to: SipUri::new(&account.user, own_host.clone()).into(),
                    own_host: own_host.clone(),
                    contact: SipUri::at(None, self.config.address),
                    login: None,
                };
                let ways: Vec<Way> =
                    self.registrar.by_preference(*id).into_iter().map(way).collect();
                if ways.is_empty() { Err(OrderRefused::NotRegistered) } else { Ok(ways) }
            }
            Callee::Number { trunk: id, number } => {
                let trunk = self.config.trunks.iter().find(|trunk| trunk.id == *id);
                let trunk = trunk.ok_or(OrderRefused::NoSuchTrunk)?;
                let uri = Uri::from(uri_at(trunk, Some(number)));
                Ok(vec![Way {
                    party: Party::Trunk(*id),
                    flow: Flow::udp(trunk.address),
                    hop: Hop::Routed,
                    to: uri.clone(),
                    uri,
                    own_host: host_of(trunk),
                    contact: self.contact_of(trunk),
                    login: trunk.login.clone(),
                }])
            }
        }
    }
}

/// Who calls. A URI with an empty user is none, so whoever hides is called anonymous
/// (RFC 3323 §4.1.1.3).
fn own_name(spec: &CallSpec, way: &Way) -> NameAddr {
    if !spec.caller.is_empty() {
        return NameAddr::new(SipUri::new(&spec.caller, way.own_host.clone()));
    }
    let hidden = Host::Name("anonymous.invalid".to_owned());
    let mut nobody = NameAddr::new(SipUri::new("anonymous", hidden));
    nobody.display = Some("Anonymous".to_owned());
    nobody
}

/// The INVITE of a call, without Via.
fn invite(spec: &CallSpec, way: &Way, tag: &str, call_id: &str) -> Request {
    let mut from = own_name(spec, way).with_tag(tag);
    from.display = spec.display.clone().or(from.display);
    let mut headers = Headers::new();
    headers.push(HeaderName::MaxForwards, 70);
    if let Some(asserted) = &spec.asserted {
        let identity = NameAddr::new(SipUri::new(asserted, way.own_host.clone()));
        headers.push(HeaderName::PAssertedIdentity, identity);
    }
    if spec.auto_answer {
        // The two that desk phones know (Snom, Yealink, Grandstream; Cisco, Polycom) and the
        // standard's own (RFC 5373), each ignored by whoever does not know it.
        let here = NameAddr::new(way.contact.clone());
        headers.push(HeaderName::CallInfo, format!("{here};answer-after=0"));
        headers.push(HeaderName::AlertInfo, format!("{here};info=alert-autoanswer"));
        headers.push(HeaderName::AnswerMode, "Auto");
    }
    let mut request = Request {
        method: Method::Invite,
        uri: way.uri.clone(),
        via: Vec::new(),
        from,
        to: NameAddr::new(way.to.clone()),
        call_id: call_id.to_owned(),
        cseq: CSeq { number: 1, method: Method::Invite },
        headers,
        body: Vec::new(),
    };
    request.set_body("application/sdp", spec.sdp.as_str());
    request
}
