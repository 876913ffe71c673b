//! Whether a trunk without registration is there: OPTIONS at intervals (RFC 3261 §11).
//!
//! Any answer proves a living far end, except those by which it says that it cannot serve.

use std::collections::VecDeque;

use call::Tick;

use super::flow::Flow;
use super::token::Tokens;
use super::wire::{
    CSeq, HeaderName, Headers, Method, NameAddr, Request, Response, StatusCode, Uri,
};

/// Where a keep-alive stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// An OPTIONS is out.
    Asking,
    /// Waits for the next.
    Resting,
}

/// The timers of a keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Asks again.
    NextAsk,
}

/// What a keep-alive asks for and tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this request in a client transaction.
    Request {
        /// Where to.
        to: Flow,
        /// Without Via.
        request: Box<Request>,
    },
    /// The far end is there (told when it changes).
    Up,
    /// The far end is not there (told when it changes).
    Down {
        /// Its refusal; nothing if nobody answered.
        status: Option<StatusCode>,
    },
}

/// One trunk that is asked.
#[derive(Clone, Debug)]
pub struct KeepAlive {
    to: Flow,
    target: Uri,
    own: NameAddr,
    agent: String,
    every_ms: u64,
    state: State,
    told_up: Option<bool>,
    next_ask: Option<Tick>,
    tokens: Tokens,
    out: VecDeque<Output>,
}

impl KeepAlive {
    /// Asks `target` at `to` at once and then each `every_ms` milliseconds after the last answer.
    #[must_use]
    pub fn start(
        to: Flow,
        target: Uri,
        own: NameAddr,
        agent: &str,
        every_ms: u64,
        tokens: Tokens,
    ) -> KeepAlive {
        let mut new = KeepAlive {
            to,
            target,
            own,
            agent: agent.to_owned(),
            every_ms: every_ms.max(1_000),
            state: State::Resting,
            told_up: None,
            next_ask: None,
            tokens,
            out: VecDeque::new(),
        };
        new.ask();
        new
    }

    /// The far end has answered.
    pub fn handle_response(&mut self, now: Tick, response: &Response) {
        let status = response.status;
        if self.state != State::Asking || !status.is_final() {
            return;
        }
        let serves = !matches!(status.code(), 408 | 500 | 502 | 503 | 504 | 600);
        self.rest(now, serves, (!serves).then_some(status));
    }

    /// Nobody has answered, or the request could not go out.
    pub fn handle_failure(&mut self, now: Tick) {
        if self.state == State::Asking {
            self.rest(now, false, None);
        }
    }

    /// Asks again if it is time.
    pub fn handle_timeout(&mut self, now: Tick) {
        if self.next_ask.take_if(|at| *at <= now).is_some() {
            self.ask();
        }
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.next_ask.map(|at| (at, Timer::NextAsk))
    }

    fn rest(&mut self, now: Tick, up: bool, status: Option<StatusCode>) {
        self.state = State::Resting;
        self.next_ask = Some(now + self.every_ms);
        if self.told_up != Some(up) {
            self.told_up = Some(up);
            self.out.push_back(if up { Output::Up } else { Output::Down { status } });
        }
    }

    fn ask(&mut self) {
        self.state = State::Asking;
        let mut headers = Headers::new();
        headers.push(HeaderName::MaxForwards, 70);
        headers.push(HeaderName::Accept, "application/sdp");
        headers.push(HeaderName::Contact, &self.own);
        headers.push(HeaderName::UserAgent, &self.agent);
        let request = Box::new(Request {
            method: Method::Options,
            uri: self.target.clone(),
            via: Vec::new(),
            from: self.own.clone().with_tag(&self.tokens.word()),
            to: NameAddr::new(self.target.clone()),
            call_id: self.tokens.word(),
            cseq: CSeq { number: 1, method: Method::Options },
            headers,
            body: Vec::new(),
        });
        self.out.push_back(Output::Request { to: self.to, request });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trunk_is_up_while_it_answers_anything_sensible() {
        let to = Flow::udp("192.0.2.5:5060".parse().unwrap());
        let uri = Uri::parse("sip:192.0.2.5").unwrap();
        let own = NameAddr::new(Uri::parse("sip:192.0.2.1").unwrap());
        let mut k = KeepAlive::start(to, uri, own, "test", 30_000, Tokens::new([5; 32]));
        let mut heard = Vec::new();
        for (n, status) in [200, 404, 503, 503, 0, 405].into_iter().enumerate() {
            let now = Tick(n as u64 * 30_000);
            k.handle_timeout(now);
            let Some(Output::Request { request, .. }) = k.poll() else { panic!("not asked") };
            match StatusCode::new(status) {
                Some(status) => k.handle_response(now, &Response::to_request(&request, status)),
                None => k.handle_failure(now),
            }
            heard.extend(k.poll());
            assert_eq!(k.next_timeout(), Some((now + 30_000, Timer::NextAsk)));
        }
        let down = Output::Down { status: Some(StatusCode::SERVICE_UNAVAILABLE) };
        assert_eq!(heard, [Output::Up, down, Output::Up]);
    }
}
