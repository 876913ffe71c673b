//! The table of transactions: matching (RFC 3261 §17.1.3, §17.2.3), their messages, their timers.
//!
//! A machine of [`super::transaction`] has no bytes; here they are. The table stamps the Via of
//! what goes out, recognises what comes in, and hands up only what is news. A request that opens
//! no transaction yet is given back to its user, who either [opens](Transactions::open) one or
//! refuses [without state](Transactions::refuse_stateless), so that strangers cannot fill the table
//! (RFC 3261 §26.3.2.4).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use call::Tick;

use super::deadline::Agenda;
use super::flow::{Carrier, Flow};
use super::token::Tokens;
use super::transaction::{self, Class, Timer, Transaction};
use super::wire::{
    CSeq, Header, HeaderName, Headers, MAGIC_COOKIE, Method, Request, Response, Transport, Via,
};
use crate::limits::TRANSACTIONS_MAX;

/// A transaction in the table; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(u64);

/// The table holds [`TRANSACTIONS_MAX`] transactions already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many SIP transactions at once: wait for calls to end, or lower the rate of calls")]
pub struct Full;

/// What the table asks for, or tells its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Put these bytes on the wire.
    Send {
        /// Where to.
        to: Flow,
        /// One message.
        bytes: Vec<u8>,
    },
    /// An answer to a request of ours.
    Response {
        /// Which request.
        id: TxId,
        /// The answer.
        response: Box<Response>,
    },
    /// No answer came (client) or our refusal was never acknowledged (server INVITE).
    TimedOut {
        /// Which transaction.
        id: TxId,
    },
    /// The transaction is over and forgotten.
    Terminated {
        /// Which one.
        id: TxId,
    },
}

/// By what a message names its transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// §17.1.3: our branch and the method of CSeq.
    Client { branch: String, method: Method },
    /// §17.2.3: the branch, who made it, and the method (an ACK names its INVITE).
    Server { branch: String, sent_by: String, method: Method },
    /// §17.2.3 for RFC 2543: no magic cookie. To tags are left out: an ACK carries ours, which
    /// the INVITE had not, and the CSeq tells requests of one dialog apart.
    Rfc2543 {
        uri: String,
        from_tag: String,
        call_id: String,
        cseq: u32,
        via: String,
        method: Method,
    },
}

#[derive(Clone, Debug)]
enum Messages {
    /// The request as a value, because its ACK and its CANCEL are made from it.
    Client { request: Box<Request>, bytes: Vec<u8> },
    /// The last answer given, if any.
    Server { answer: Option<Vec<u8>> },
}

#[derive(Clone, Debug)]
struct Entry {
    key: Key,
    machine: Transaction,
    messages: Messages,
    flow: Flow,
}

/// How full the table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Transactions of requests that we sent.
    pub client: usize,
    /// Transactions of requests that we received.
    pub server: usize,
    /// Requests that found the table full, since the start.
    pub refused_full: u64,
}

/// Every transaction of the endpoint.
#[derive(Clone, Debug)]
pub struct Transactions {
    /// What our Via says: the address at which answers reach us.
    sent_by: SocketAddr,
    tokens: Tokens,
    next_id: u64,
    entries: BTreeMap<TxId, Entry>,
    /// The way from a message to its entry; one for each entry.
    by_key: BTreeMap<Key, TxId>,
    agenda: Agenda<TxId>,
    refused_full: u64,
    out: VecDeque<Output>,
}

impl Transactions {
    /// An empty table whose answers come to `sent_by`.
    #[must_use]
    pub fn new(sent_by: SocketAddr, tokens: Tokens) -> Transactions {
        Transactions {
            sent_by,
            tokens,
            next_id: 1,
            entries: BTreeMap::new(),
            by_key: BTreeMap::new(),
            agenda: Agenda::default(),
            refused_full: 0,
            out: VecDeque::new(),
        }
    }

    /// Sends a request (not an ACK, not a CANCEL) in a transaction of its own, with a fresh Via.
    pub fn request(&mut self, now: Tick, to: Flow, mut request: Request) -> Result<TxId, Full> {
        request.via = vec![self.fresh_via(to)];
        self.start(now, to, request)
    }

    /// Cancels an INVITE of ours (RFC 3261 §9.1). The INVITE ends at latest 64·T1 from now.
    /// Nothing if it is over or is no INVITE of ours.
    pub fn cancel(
        &mut self,
        now: Tick,
        invite: TxId,
        extra: &[(HeaderName, String)],
    ) -> Option<Result<TxId, Full>> {
        let entry = self.entries.get_mut(&invite)?;
        let Messages::Client { request, .. } = &entry.messages else { return None };
        if request.method != Method::Invite {
            return None;
        }
        let (to, mut cancel) = (entry.flow, beside(request, Method::Cancel));
        for (name, value) in extra {
            cancel.headers.push(name.clone(), value);
        }
        entry.machine.abandon(now);
        self.drain(now, invite);
        Some(self.start(now, to, cancel))
    }

    /// Nobody waits for this INVITE any more: it ends at latest 64·T1 from now.
    pub fn abandon(&mut self, now: Tick, invite: TxId) {
        if let Some(entry) = self.entries.get_mut(&invite) {
            entry.machine.abandon(now);
            self.drain(now, invite);
        }
    }

    /// Sends an ACK of a 2xx, which is no transaction (RFC 3261 §13.2.2.4): its user asks for one
    /// at each repetition of the 2xx.
    pub fn acknowledge(&mut self, to: Flow, mut ack: Request) {
        ack.via = vec![self.fresh_via(to)];
        self.out.push_back(Output::Send { to, bytes: ack.emit() });
    }

    /// A request has arrived. Gives it back, with its Via stamped (RFC 3581 §4), if it is news:
    /// it repeats no request that we have and acknowledges no refusal of ours.
    pub fn handle_request(
        &mut self,
        now: Tick,
        from: Flow,
        mut request: Request,
    ) -> Option<Request> {
        request.via.first_mut()?.stamp(from.peer);
        let is_ack = request.method == Method::Ack;
        let Some(&id) = self.by_key.get(&server_key(&request)) else { return Some(request) };
        let entry = self.entries.get_mut(&id)?;
        if is_ack {
            entry.machine.handle_ack(now);
        } else {
            entry.machine.handle_request(now);
        }
        let delivered = self.drain(now, id);
        delivered.then_some(request)
    }

    /// Opens the transaction of a request that [`Self::handle_request`] gave back. `Full` is
    /// already answered with 503.
    pub fn open(&mut self, from: Flow, request: &Request) -> Result<TxId, Full> {
        if self.entries.len() >= TRANSACTIONS_MAX {
            self.refused_full += 1;
            let status = super::wire::StatusCode::SERVICE_UNAVAILABLE;
            let mut busy = Response::to_request(request, status);
            busy.headers.push(HeaderName::RetryAfter, 5);
            self.refuse_stateless(from, busy);
            return Err(Full);
        }
        let reliable = from.is_reliable();
        let mut machine = if request.method == Method::Invite {
            Transaction::server_invite(reliable)
        } else {
            Transaction::server_non_invite(reliable)
        };
        // The delivery is this very call.
        while machine.poll().is_some() {}
        let flow = way_back(request.via.first(), from);
        let messages = Messages::Server { answer: None };
        Ok(self.insert(Entry { key: server_key(request), machine, messages, flow }))
    }

    /// Answers a request whose transaction is open. An answer after the final one is dropped, but
    /// a 2xx of an INVITE may be given again (its user repeats it until the ACK).
    pub fn respond(&mut self, now: Tick, id: TxId, response: &Response) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let class = Class::of(response.status.code());
        if let Messages::Server { answer } = &mut entry.messages
            && entry.machine.respond(now, class)
        {
            *answer = Some(response.emit());
        }
        self.drain(now, id);
    }

    /// Answers without a transaction: a repeated request will be judged, and answered, anew. The
    /// To tag is a mark of the request, so that every such answer has the same.
    pub fn refuse_stateless(&mut self, from: Flow, mut response: Response) {
        let branch = response.via.first().map(Via::branch).unwrap_or_default();
        let mark = self.tokens.mark(&format!("{} {branch}", response.call_id));
        response.tag_to(mark.get(..16).unwrap_or(&mark));
        let to = way_back(response.via.first(), from);
        self.out.push_back(Output::Send { to, bytes: response.emit() });
    }

    /// A response has arrived. Gives it back if no transaction of ours knows it.
    pub fn handle_response(&mut self, now: Tick, response: Response) -> Option<Response> {
        let branch = response.via.first().map(Via::branch).unwrap_or_default().to_owned();
        let key = Key::Client { branch, method: response.cseq.method.clone() };
        // More than one Via: the answer is on its way to somebody behind us, who is not there.
        let id = self.by_key.get(&key).copied().filter(|_| response.via.len() == 1);
        let Some((id, entry)) = id.and_then(|id| Some((id, self.entries.get_mut(&id)?))) else {
            return Some(response);
        };
        entry.machine.handle_response(now, Class::of(response.status.code()));
        self.drain_with(now, id, Some(response));
        None
    }

    /// The INVITE that a CANCEL means (RFC 3261 §9.2).
    #[must_use]
    pub fn invite_of(&self, cancel: &Request) -> Option<TxId> {
        self.by_key.get(&server_key_as(cancel, Method::Invite)).copied()
    }

    /// Wakes every machine that is due.
    pub fn handle_timeout(&mut self, now: Tick) {
        while let Some(id) = self.agenda.take_due(now) {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.machine.handle_timeout(now);
                self.drain(now, id);
            }
        }
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted, and for which timer.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        let (_, id) = self.agenda.next()?;
        self.entries.get(id)?.machine.next_timeout()
    }

    /// How full the table is.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let is_client = |entry: &&Entry| matches!(entry.messages, Messages::Client { .. });
        let client = self.entries.values().filter(is_client).count();
        Snapshot { client, server: self.entries.len() - client, refused_full: self.refused_full }
    }

    /// The branch of a request of ours, for the journal.
    #[must_use]
    pub fn branch_of(&self, id: TxId) -> Option<&str> {
        match &self.entries.get(&id)?.messages {
            Messages::Client { request, .. } => Some(request.via.first()?.branch()),
            Messages::Server { .. } => None,
        }
    }

    /// Sends a request whose Via stands already: a CANCEL, also one of a process before us.
    pub fn start(&mut self, now: Tick, to: Flow, request: Request) -> Result<TxId, Full> {
        if self.entries.len() >= TRANSACTIONS_MAX {
            self.refused_full += 1;
            return Err(Full);
        }
        let branch = request.via.first().map(Via::branch).unwrap_or_default().to_owned();
        let key = Key::Client { branch, method: request.method.clone() };
        let machine = if request.method == Method::Invite {
            Transaction::client_invite(now, to.is_reliable())
        } else {
            Transaction::client_non_invite(now, to.is_reliable())
        };
        let bytes = request.emit();
        let messages = Messages::Client { request: Box::new(request), bytes };
        let id = self.insert(Entry { key, machine, messages, flow: to });
        self.drain(now, id);
        Ok(id)
    }

    /// Our Via with a branch that nobody had before.
    #[must_use]
    pub fn fresh_via(&mut self, to: Flow) -> Via {
        let branch = format!("{MAGIC_COOKIE}{}", self.tokens.word());
        self.via(to, &branch)
    }

    /// Our Via with this branch.
    #[must_use]
    pub fn via(&self, to: Flow, branch: &str) -> Via {
        let transport = match to.carrier {
            Carrier::Udp => Transport::Udp,
        };
        Via::new(transport, self.sent_by, branch)
    }

    fn insert(&mut self, entry: Entry) -> TxId {
        let id = TxId(self.next_id);
        self.next_id += 1;
        self.by_key.insert(entry.key.clone(), id);
        self.entries.insert(id, entry);
        id
    }

    /// Does what a machine asks for. Returns whether a request that was handed in is news.
    fn drain(&mut self, now: Tick, id: TxId) -> bool {
        self.drain_with(now, id, None)
    }

    fn drain_with(&mut self, now: Tick, id: TxId, heard: Option<Response>) -> bool {
        let mut delivered = false;
        let mut heard = heard.map(Box::new);
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        let mut terminated = false;
        while let Some(output) = entry.machine.poll() {
            match (output, &entry.messages) {
                (transaction::Output::SendRequest, Messages::Client { bytes, .. }) => {
                    self.out.push_back(Output::Send { to: entry.flow, bytes: bytes.clone() });
                }
                (transaction::Output::SendAck, Messages::Client { request, .. }) => {
                    if let Some(refusal) = &heard {
                        let mut ack = beside(request, Method::Ack);
                        ack.to = refusal.to.clone();
                        let bytes = ack.emit();
                        self.out.push_back(Output::Send { to: entry.flow, bytes });
                    }
                }
                (transaction::Output::SendResponse, Messages::Server { answer }) => {
                    if let Some(bytes) = answer.clone() {
                        self.out.push_back(Output::Send { to: entry.flow, bytes });
                    }
                }
                (transaction::Output::Deliver, _) => {
                    delivered = true;
                    if let Some(response) = heard.take() {
                        self.out.push_back(Output::Response { id, response });
                    }
                }
                (transaction::Output::TimedOut | transaction::Output::TransportFailed, _) => {
                    self.out.push_back(Output::TimedOut { id })
                }
                (transaction::Output::Terminated, _) => terminated = true,
                // A client answers nothing and a server asks nothing: the machines' constructors
                // and the kind of messages are chosen together.
                (transaction::Output::SendRequest | transaction::Output::SendAck, _)
                | (transaction::Output::SendResponse, _) => {}
            }
        }
        let wake = entry.machine.next_timeout().map(|(at, _)| at.max(now));
        if terminated {
            self.forget(id);
        } else {
            self.agenda.set(&id, wake);
        }
        delivered
    }

    fn forget(&mut self, id: TxId) {
        self.agenda.set(&id, None);
        if let Some(entry) = self.entries.remove(&id) {
            // A reused branch may have been given to a younger transaction meanwhile.
            if self.by_key.get(&entry.key) == Some(&id) {
                self.by_key.remove(&entry.key);
            }
        }
        self.out.push_back(Output::Terminated { id });
    }
}

/// The ACK of a refusal (RFC 3261 §17.1.1.3) or the CANCEL (§9.1) of a request: same URI, Via,
/// From, To, Call-ID, CSeq number and Route.
pub(crate) fn beside(request: &Request, method: Method) -> Request {
    let mut headers = Headers::new();
    let kept = |h: &&Header| matches!(h.name, HeaderName::MaxForwards | HeaderName::Route);
    for header in request.headers.iter().filter(kept) {
        headers.push(header.name.clone(), &header.value);
    }
    Request {
        cseq: CSeq { number: request.cseq.number, method: method.clone() },
        method,
        uri: request.uri.clone(),
        via: request.via.iter().take(1).cloned().collect(),
        from: request.from.clone(),
        to: request.to.clone(),
        call_id: request.call_id.clone(),
        headers,
        body: Vec::new(),
    }
}

/// Where the answer to a request goes (RFC 3261 §18.2.2, RFC 3581 §4).
fn way_back(via: Option<&Via>, from: Flow) -> Flow {
    match from.carrier {
        Carrier::Udp => Flow::udp(via.and_then(Via::response_address).unwrap_or(from.peer)),
    }
}

fn server_key(request: &Request) -> Key {
    let is_ack = request.method == Method::Ack;
    server_key_as(request, if is_ack { Method::Invite } else { request.method.clone() })
}

fn server_key_as(request: &Request, method: Method) -> Key {
    let Some(via) = request.via.first() else {
        // No parsed request lacks a Via; an empty branch matches nothing that is in the table.
        return Key::Server { branch: String::new(), sent_by: String::new(), method };
    };
    let sent_by = format!("{}:{}", via.host, via.sent_by_port());
    if via.has_magic_cookie() {
        return Key::Server { branch: via.branch().to_owned(), sent_by, method };
    }
    Key::Rfc2543 {
        uri: request.uri.to_string(),
        from_tag: request.from.tag().unwrap_or_default().to_owned(),
        call_id: request.call_id.clone(),
        cseq: request.cseq.number,
        via: format!("{sent_by} {}", via.branch()),
        method,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::{Message, StatusCode};

    const US: &str = "192.0.2.1:5060";

    fn flow() -> Flow {
        Flow::udp("192.0.2.9:5070".parse().unwrap())
    }

    fn table() -> Transactions {
        Transactions::new(US.parse().unwrap(), Tokens::new([3; 32]))
    }

    fn request(method: &str, via: &str) -> Request {
        let text = format!(
            "{method} sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\n\
             From: <sip:a@b>;tag=f\r\nTo: <sip:100@192.0.2.1>\r\nCall-ID: c1\r\n\
             CSeq: 7 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Message::parse(text.as_bytes()).unwrap().request().unwrap()
    }

    fn sent(table: &mut Transactions) -> Vec<Message> {
        std::iter::from_fn(|| table.poll())
            .filter_map(|output| match output {
                Output::Send { bytes, .. } => Some(Message::parse(&bytes).unwrap()),
                Output::Response { .. } | Output::TimedOut { .. } | Output::Terminated { .. } => {
                    None
                }
            })
            .collect()
    }

    fn statuses(table: &mut Transactions) -> Vec<u16> {
        sent(table).into_iter().filter_map(Message::response).map(|r| r.status.code()).collect()
    }

    #[test]
    fn a_repeated_request_is_answered_from_the_table_and_told_to_nobody() {
        let mut t = table();
        let bye = request("BYE", "192.0.2.9:5070;branch=z9hG4bKx;rport");
        let news = t.handle_request(Tick(0), flow(), bye.clone()).unwrap();
        let id = t.open(flow(), &news).unwrap();
        t.respond(Tick(1), id, &Response::to_request(&news, StatusCode::OK));
        assert_eq!(statuses(&mut t), [200]);
        assert_eq!(t.handle_request(Tick(2), flow(), bye), None);
        assert_eq!(statuses(&mut t), [200]);
        t.handle_timeout(Tick(40_000));
        assert_eq!(t.snapshot(), Snapshot::default());
    }

    #[test]
    fn an_ack_of_a_refusal_finds_its_invite_with_and_without_the_magic_cookie() {
        for via in ["192.0.2.9:5070;branch=z9hG4bKx", "192.0.2.9:5070", "192.0.2.9;branch=1"] {
            let mut t = table();
            let invite = t.handle_request(Tick(0), flow(), request("INVITE", via)).unwrap();
            let id = t.open(flow(), &invite).unwrap();
            let mut busy = Response::to_request(&invite, StatusCode::BUSY_HERE);
            busy.tag_to("mine");
            t.respond(Tick(0), id, &busy);
            let mut ack = request("ACK", via);
            ack.to = busy.to;
            assert_eq!(t.handle_request(Tick(10), flow(), ack), None, "{via}");
            assert_eq!(t.next_timeout(), Some((Tick(5_010), Timer::TimerI)));
        }
    }

    #[test]
    fn a_cancel_means_the_invite_with_its_branch() {
        let mut t = table();
        let via = "192.0.2.9:5070;branch=z9hG4bKx";
        let invite = t.handle_request(Tick(0), flow(), request("INVITE", via)).unwrap();
        let id = t.open(flow(), &invite).unwrap();
        let cancel = t.handle_request(Tick(1), flow(), request("CANCEL", via)).unwrap();
        assert_eq!(t.invite_of(&cancel), Some(id));
        let stray = request("CANCEL", "192.0.2.9:5070;branch=z9hG4bKy");
        assert_eq!(t.invite_of(&stray), None);
    }

    #[test]
    fn our_refused_invite_is_acknowledged_in_its_own_transaction() {
        let mut t = table();
        let id = t.request(Tick(0), flow(), request("INVITE", "x;branch=z9hG4bKold")).unwrap();
        let invite = sent(&mut t).remove(0).request().unwrap();
        assert_ne!(invite.via[0].branch(), "z9hG4bKold");
        let mut busy = Response::to_request(&invite, StatusCode::BUSY_HERE);
        busy.tag_to("theirs");
        assert_eq!(t.handle_response(Tick(5), busy.clone()), None);
        let outputs: Vec<Output> = std::iter::from_fn(|| t.poll()).collect();
        let [Output::Send { bytes, .. }, Output::Response { id: told, response }] = &outputs[..]
        else {
            panic!("{outputs:?}")
        };
        let ack = Message::parse(bytes).unwrap().request().unwrap();
        assert_eq!((ack.method, ack.via, ack.to), (Method::Ack, invite.via, busy.to.clone()));
        assert_eq!((*told, response.status), (id, StatusCode::BUSY_HERE));
        busy.via[0].params.set("branch", "z9hG4bKother");
        assert!(t.handle_response(Tick(6), busy).is_some());
    }

    #[test]
    fn a_full_table_answers_503_and_counts() {
        let mut t = table();
        for n in 0..=TRANSACTIONS_MAX {
            let via = format!("192.0.2.9:5070;branch=z9hG4bK{n}");
            let news = t.handle_request(Tick(0), flow(), request("OPTIONS", &via)).unwrap();
            assert_eq!(t.open(flow(), &news).is_ok(), n < TRANSACTIONS_MAX);
        }
        assert_eq!(statuses(&mut t), [503]);
        assert_eq!(t.snapshot().refused_full, 1);
        assert_eq!(t.request(Tick(0), flow(), request("OPTIONS", "x")), Err(Full));
    }

    #[test]
    fn a_cancelled_invite_is_forgotten_even_if_nobody_ever_answers() {
        let mut t = table();
        let id = t.request(Tick(0), flow(), request("INVITE", "x")).unwrap();
        let invite = sent(&mut t).remove(0).request().unwrap();
        t.handle_response(Tick(5), Response::to_request(&invite, StatusCode::RINGING));
        t.cancel(Tick(1_000), id, &[]).unwrap().unwrap();
        let cancel = sent(&mut t).remove(0).request().unwrap();
        assert_eq!((cancel.method, cancel.via), (Method::Cancel, invite.via));
        t.handle_timeout(Tick(33_000));
        let ended: Vec<Output> =
            std::iter::from_fn(|| t.poll()).filter(|o| !matches!(o, Output::Send { .. })).collect();
        assert!(ended.contains(&Output::TimedOut { id }));
        assert_eq!(t.snapshot(), Snapshot { refused_full: 0, ..Snapshot::default() });
    }
}
