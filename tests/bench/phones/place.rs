//! Calls that the phones place themselves: through Asterisk, which has no link to be told by.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

use super::wire::{self, Message, Request};
use crate::figure::quantile;
use crate::limits::ANSWER_WAIT;
use crate::say::Answer;

/// One call of ours.
struct Call {
    leg: Option<usize>,
    server: SocketAddr,
    uri: String,
    to: String,
    placed: Instant,
    answered: bool,
}

/// Short calls at a rate.
struct Rate {
    number: String,
    to: SocketAddr,
    sdp: String,
    rate: f64,
    calls: u32,
    begun: Instant,
    placed: u32,
    good: u32,
    failed: u32,
    answer_ms: Vec<f64>,
}

/// All calls that we placed.
#[derive(Default)]
pub struct Placed {
    calls: BTreeMap<String, Call>,
    count: u64,
    rate: Option<Rate>,
}

impl Placed {
    /// Sends an INVITE.
    pub fn call(
        &mut self,
        leg: Option<usize>,
        number: &str,
        server: SocketAddr,
        sdp: &str,
        socket: &UdpSocket,
        us: SocketAddr,
    ) {
        self.count += 1;
        let id = format!("bench{}x{}", us.port(), self.count);
        let uri = format!("sip:{number}@{server}");
        let to = format!("<{uri}>");
        let invite =
            Request { method: "INVITE", uri: &uri, to: &to, call: &id, seq: 1, branch: "i", us };
        let _ = socket.send_to(invite.text(sdp).as_bytes(), server);
        let placed = Instant::now();
        self.calls.insert(id, Call { leg, server, uri, to, placed, answered: false });
    }

    /// A response came in. The leg that may talk now, and to where.
    pub fn answered(
        &mut self,
        status: u16,
        response: &Message<'_>,
        from: SocketAddr,
        socket: &UdpSocket,
        us: SocketAddr,
    ) -> Option<(usize, SocketAddr)> {
        let id = response.one("Call-ID");
        let call = self.calls.get_mut(id)?;
        if response.method() != "INVITE" || status < 200 {
            return None;
        }
        call.to = response.one("To").to_owned();
        if status < 300
            && let Some(contact) = response.contact()
        {
            call.uri = contact.to_owned();
        }
        let (uri, to) = (call.uri.as_str(), call.to.as_str());
        let ask = |method, seq, branch| Request { method, uri, to, call: id, seq, branch, us };
        // The ACK of a refusal belongs to the INVITE's transaction, that of an answer does not
        // (RFC 3261 §17.1.1.3, §13.2.2.4).
        let branch = if status < 300 { "a" } else { "i" };
        let _ = socket.send_to(ask("ACK", 1, branch).text("").as_bytes(), from);
        let heard = call.leg.zip(wire::sound_of(response.body)).filter(|_| status < 300);
        let short = call.leg.is_none();
        if short && status < 300 && !call.answered {
            let _ = socket.send_to(ask("BYE", 2, "b").text("").as_bytes(), call.server);
        }
        let first = !std::mem::replace(&mut call.answered, true);
        let waited_ms = call.placed.elapsed().as_secs_f64() * 1_000.0;
        if let Some(rate) = self.rate.as_mut().filter(|_| short && first) {
            if status < 300 {
                rate.good += 1;
                rate.answer_ms.push(waited_ms);
            } else {
                rate.failed += 1;
            }
        }
        if short || status >= 300 {
            self.calls.remove(id);
        }
        heard.filter(|_| first)
    }

    /// The far end has hung up.
    pub fn ended(&mut self, id: &str) -> Option<usize> {
        self.calls.remove(id)?.leg
    }

    /// Sends BYE to all that is up. Their legs.
    pub fn hang_up_all(&mut self, socket: &UdpSocket, us: SocketAddr) -> Vec<usize> {
        let mut legs = Vec::new();
        for (id, call) in std::mem::take(&mut self.calls) {
            let Call { uri, to, .. } = &call;
            let bye = Request { method: "BYE", uri, to, call: &id, seq: 2, branch: "b", us };
            let _ = socket.send_to(bye.text("").as_bytes(), call.server);
            legs.extend(call.leg);
        }
        legs
    }

    /// From now on short calls are placed at a rate.
    pub fn begin_rate(
        &mut self,
        number: String,
        to: SocketAddr,
        rate: u32,
        calls: u32,
        sdp: String,
    ) {
        self.calls.clear();
        self.rate = Some(Rate {
            number,
            to,
            sdp,
            rate: f64::from(rate),
            calls,
            begun: Instant::now(),
            placed: 0,
            good: 0,
            failed: 0,
            answer_ms: Vec::new(),
        });
    }

    /// Places the short calls that are due; their sum when all are over.
    pub fn tick(&mut self, now: Instant, socket: &UdpSocket, us: SocketAddr) -> Option<Answer> {
        let rate = self.rate.as_mut()?;
        let elapsed_s = now.saturating_duration_since(rate.begun).as_secs_f64();
        let due = ((elapsed_s * rate.rate) as u32).min(rate.calls);
        let missing = due.saturating_sub(rate.placed);
        rate.placed += missing;
        let (number, to, sdp) = (rate.number.clone(), rate.to, rate.sdp.clone());
        for _ in 0..missing {
            self.call(None, &number, to, &sdp, socket, us);
        }
        let rate = self.rate.as_mut()?;
        let stale: Vec<String> = self
            .calls
            .iter()
            .filter(|(_, call)| now.saturating_duration_since(call.placed) > ANSWER_WAIT)
            .map(|(id, _)| id.clone())
            .collect();
        for id in stale {
            self.calls.remove(&id);
            rate.failed += 1;
        }
        if rate.placed < rate.calls || !self.calls.is_empty() {
            return None;
        }
        let answer_ms = [0.5, 0.99].map(|part| quantile(&mut rate.answer_ms, part));
        let (good, failed) = (rate.good, rate.failed);
        self.rate = None;
        Some(Answer::SetUp { good, failed, answer_ms })
    }
}
