//! Our registration at somebody else's registrar (RFC 3261 §10.2): a trunk's, or a simulated
//! phone's at the box.
//!
//! It keeps one contact registered: answers challenges, refreshes before the end, gives way when
//! refused, takes the contact back when stopped. A wrong password is tried again only at the
//! slowest pace, because providers lock accounts that insist.

use std::collections::VecDeque;

use call::Tick;

use super::flow::Flow;
use super::login::{Challenged, Login};
use super::token::Tokens;
use super::wire::{
    CSeq, HeaderName, Headers, Method, NameAddr, Request, Response, StatusCode, Uri,
};
use crate::limits::{REGISTER_MAX_S, REGISTRATION_RETRY_MAX_MS, REGISTRATION_RETRY_MIN_MS};

/// What to register, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the registrar listens.
    pub to: Flow,
    /// The registrar's domain: the request URI.
    pub registrar: Uri,
    /// The address of record.
    pub aor: Uri,
    /// What is registered for it.
    pub contact: NameAddr,
    /// For how long we ask, in seconds.
    pub expires_s: u32,
    /// What we answer a challenge with.
    pub login: Option<Login>,
    /// What we call ourselves.
    pub agent: String,
}

/// Where a registration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The REGISTER is out.
    Registering,
    /// Registered; waits for the next refresh.
    Registered,
    /// Refused or unanswered; waits for the next try.
    Waiting,
    /// The REGISTER that takes the contact back is out.
    Leaving,
    /// Not registered, and not trying.
    Stopped,
}

/// The timers of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Registers again: before the end, or after a failure.
    NextTry,
}

/// What a registration asks for and tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this request in a client transaction.
    Request {
        /// Where to.
        to: Flow,
        /// Without Via.
        request: Box<Request>,
    },
    /// Registered (told once, not at each refresh).
    Up,
    /// Not registered any more, or the first try has failed.
    Down {
        /// The refusal's status; nothing if nobody answered or we have left.
        status: Option<StatusCode>,
    },
}

/// One contact at one registrar.
#[derive(Clone, Debug)]
pub struct Registration {
    plan: Plan,
    state: State,
    /// Told to the owner: `Some(true)` is up, `None` is nothing yet.
    told_up: Option<bool>,
    call_id: String,
    tag: String,
    cseq: u32,
    expires_s: u32,
    challenged: Option<Challenged>,
    /// Challenges and 423 answered since the last success or pause.
    tries: u32,
    /// Failures in a row, for the pace.
    failures: u32,
    next_try: Option<Tick>,
    tokens: Tokens,
    out: VecDeque<Output>,
}

impl Registration {
    /// A registration that begins at once.
    #[must_use]
    pub fn start(plan: Plan, mut tokens: Tokens) -> Registration {
        let (call_id, tag) = (tokens.word(), tokens.word());
        let mut new = Registration {
            expires_s: plan.expires_s.clamp(1, REGISTER_MAX_S),
            plan,
            state: State::Waiting,
            told_up: None,
            call_id,
            tag,
            cseq: 0,
            challenged: None,
            tries: 0,
            failures: 0,
            next_try: None,
            tokens,
            out: VecDeque::new(),
        };
        new.try_now();
        new
    }

    /// Takes the contact back and tries no more. The end is told as [`Output::Down`].
    pub fn stop(&mut self) {
        self.next_try = None;
        match self.state {
            State::Registered | State::Registering => {
                self.state = State::Leaving;
                self.tries = 0;
                self.send(0);
            }
            State::Waiting => {
                self.state = State::Stopped;
                self.tell(false, None);
            }
            State::Leaving | State::Stopped => {}
        }
    }

    /// The registrar has answered.
    pub fn handle_response(&mut self, now: Tick, response: &Response) {
        if !response.status.is_final() || response.cseq.number != self.cseq {
            return;
        }
        match (self.state, response.status.code()) {
            (State::Registering, 200..=299) => self.registered(now, response),
            (State::Registering | State::Leaving, 401 | 407) if self.take_challenge(response) => {
                let expires_s = if self.state == State::Leaving { 0 } else { self.expires_s };
                self.send(expires_s);
            }
            (State::Registering, 423) if self.take_min_expires(response) => {
                self.send(self.expires_s);
            }
            (State::Registering, _) => self.failed(now, Some(response.status)),
            (State::Leaving, _) => self.left(),
            (State::Registered | State::Waiting | State::Stopped, _) => {}
        }
    }

    /// Nobody has answered, or the request could not go out.
    pub fn handle_failure(&mut self, now: Tick) {
        match self.state {
            State::Registering => self.failed(now, None),
            State::Leaving => self.left(),
            State::Registered | State::Waiting | State::Stopped => {}
        }
    }

    /// Registers again if it is time.
    pub fn handle_timeout(&mut self, now: Tick) {
        if self.next_try.take_if(|at| *at <= now).is_some() {
            self.try_now();
        }
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Tick, Timer)> {
        self.next_try.map(|at| (at, Timer::NextTry))
    }

    /// Where it stands.
    #[must_use]
    pub const fn snapshot(&self) -> State {
        self.state
    }

    /// What it registers.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    fn try_now(&mut self) {
        self.state = State::Registering;
        self.tries = 0;
        self.send(self.expires_s);
    }

    fn registered(&mut self, now: Tick, response: &Response) {
        let given_s = self.granted_s(response);
        if given_s == 0 {
            return self.failed(now, None);
        }
        self.failures = 0;
        self.state = State::Registered;
        // Early enough for a whole transaction to fail before the end, if the time permits.
        let early_ms = (u64::from(given_s) * 1_000 / 5).min(40_000);
        self.next_try = Some(now + (u64::from(given_s) * 1_000 - early_ms));
        self.tell(true, None);
    }

    /// For how long the registrar keeps our contact: what stands at it, else Expires, else what
    /// we asked (RFC 3261 §10.2.4).
    fn granted_s(&self, response: &Response) -> u32 {
        let contacts = response.headers.addresses(&HeaderName::Contact).unwrap_or_default();
        let ours = contacts.iter().find(|c| c.uri.same_as(&self.plan.contact.uri));
        let header = response.headers.expires_s().ok().flatten();
        ours.and_then(NameAddr::expires_s).or(header).unwrap_or(self.expires_s)
    }

    fn failed(&mut self, now: Tick, status: Option<StatusCode>) {
        let refused = matches!(
            status,
            Some(
                StatusCode::UNAUTHORIZED
                    | StatusCode::PROXY_AUTHENTICATION_REQUIRED
                    | StatusCode::FORBIDDEN
                    | StatusCode::NOT_FOUND
            )
        );
        let doubled = REGISTRATION_RETRY_MIN_MS.saturating_mul(1 << self.failures.min(16));
        let pause_ms = if refused {
            REGISTRATION_RETRY_MAX_MS
        } else {
            doubled.min(REGISTRATION_RETRY_MAX_MS)
        };
        self.failures = self.failures.saturating_add(1);
        self.challenged = None;
        self.state = State::Waiting;
        self.next_try = Some(now + pause_ms);
        self.tell(false, status);
    }

    fn left(&mut self) {
        self.state = State::Stopped;
        self.tell(false, None);
    }

    fn tell(&mut self, up: bool, status: Option<StatusCode>) {
        if self.told_up == Some(up) {
            return;
        }
        self.told_up = Some(up);
        self.out.push_back(if up { Output::Up } else { Output::Down { status } });
    }

    /// Whether a challenge is worth an answer: the first, or one whose nonce was only too old.
    fn take_challenge(&mut self, response: &Response) -> bool {
        let Some(challenged) = Challenged::by(response) else { return false };
        self.tries += 1;
        // The first refusal of a refresh means only that the old nonce has aged.
        let worth = self.plan.login.is_some()
            && (self.tries == 1 || (challenged.is_stale() && self.tries < 4));
        self.challenged = Some(challenged);
        worth
    }

    fn take_min_expires(&mut self, response: &Response) -> bool {
        let min = response.headers.get(&HeaderName::MinExpires).and_then(|v| v.trim().parse().ok());
        let Some(min) = min.filter(|min| *min > self.expires_s) else { return false };
        self.expires_s = min;
        true
    }

    fn send(&mut self, expires_s: u32) {
        self.cseq += 1;
        let own = NameAddr::new(self.plan.aor.clone());
        let mut headers = Headers::new();
        headers.push(HeaderName::MaxForwards, 70);
        headers.push(HeaderName::Contact, &self.plan.contact);
        headers.push(HeaderName::Expires, expires_s);
        headers.push(HeaderName::UserAgent, &self.plan.agent);
        let mut request = Request {
            method: Method::Register,
            uri: self.plan.registrar.clone(),
            via: Vec::new(),
            from: own.clone().with_tag(&self.tag),
            to: own,
            call_id: self.call_id.clone(),
            cseq: CSeq { number: self.cseq, method: Method::Register },
            headers,
            body: Vec::new(),
        };
        if let (Some(challenged), Some(login)) = (&mut self.challenged, &self.plan.login) {
            challenged.authorize(&mut request, login, self.tokens.word());
        }
        self.out.push_back(Output::Request { to: self.plan.to, request: Box::new(request) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::digest::{Algorithm, Challenge, Credentials, Ha1};
    use crate::sip::wire::SipUri;

    fn plan() -> Plan {
        let uri = |text: &str| Uri::parse(text).unwrap();
        Plan {
            to: Flow::udp("192.0.2.5:5060".parse().unwrap()),
            registrar: uri("sip:carrier.example"),
            aor: uri("sip:line1@carrier.example"),
            contact: NameAddr::new(SipUri::at(Some("line1"), "192.0.2.1:5060".parse().unwrap())),
            expires_s: 600,
            login: Some(Login { user: "line1".into(), password: "secret".into() }),
            agent: "test".into(),
        }
    }

    struct Talk(Registration);

    impl Talk {
        fn start() -> Talk {
            Talk(Registration::start(plan(), Tokens::new([4; 32])))
        }

        fn says(&mut self) -> Request {
            match self.0.poll() {
                Some(Output::Request { request, .. }) => *request,
                other => panic!("{other:?}"),
            }
        }

        fn hears(
            &mut self,
            now: u64,
            request: &Request,
            status: u16,
            lines: &[(HeaderName, &str)],
        ) {
            let mut response = Response::to_request(request, StatusCode::new(status).unwrap());
            for (name, value) in lines {
                response.headers.push(name.clone(), value);
            }
            self.0.handle_response(Tick(now), &response);
        }

        fn challenged(&mut self, now: u64, request: &Request, nonce: &str, stale: bool) {
            let challenge = Challenge {
                realm: "r".into(),
                nonce: nonce.into(),
                opaque: None,
                algorithm: Algorithm::Md5,
                qop_auth: true,
                stale,
            };
            let value = challenge.to_string();
            self.hears(now, request, 401, &[(HeaderName::WwwAuthenticate, value.as_str())]);
        }
    }

    fn answer_of(request: &Request) -> Credentials {
        Credentials::parse(request.headers.get(&HeaderName::Authorization).unwrap()).unwrap()
    }

    #[test]
    fn it_answers_the_challenge_refreshes_in_time_and_counts_the_nonce_up() {
        let mut t = Talk::start();
        let first = t.says();
        assert!(!first.headers.has(&HeaderName::Authorization));
        t.challenged(10, &first, "n1", false);
        let second = t.says();
        let ha1 = Ha1::new(Algorithm::Md5, "line1", "r", "secret");
        assert!(answer_of(&second).verify(&ha1, &Method::Register));
        assert_eq!((second.cseq.number, &second.call_id), (2, &first.call_id));
        t.hears(
            20,
            &second,
            200,
            &[(HeaderName::Contact, "<sip:line1@192.0.2.1:5060>;expires=120")],
        );
        assert_eq!(t.0.poll(), Some(Output::Up));
        assert_eq!(t.0.next_timeout(), Some((Tick(20 + 96_000), Timer::NextTry)));
        t.0.handle_timeout(Tick(96_020));
        let refresh = t.says();
        assert_eq!(answer_of(&refresh).counted.map(|c| c.nc), Some(2));
        t.challenged(96_030, &refresh, "n2", true);
        let again = t.says();
        assert_eq!(answer_of(&again).nonce, "n2");
        t.hears(96_040, &again, 200, &[]);
        assert_eq!(t.0.poll(), None);
    }

    #[test]
    fn a_wrong_password_is_told_and_tried_again_slowly() {
        let mut t = Talk::start();
        let first = t.says();
        t.challenged(10, &first, "n1", false);
        let second = t.says();
        t.challenged(20, &second, "n2", false);
        assert_eq!(t.0.poll(), Some(Output::Down { status: Some(StatusCode::UNAUTHORIZED) }));
        let next = t.0.next_timeout();
        assert_eq!(next, Some((Tick(20 + REGISTRATION_RETRY_MAX_MS), Timer::NextTry)));
    }

    #[test]
    fn a_silent_registrar_is_asked_less_and_less_often() {
        let mut t = Talk::start();
        let mut now = Tick(0);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            t.says();
            t.0.handle_failure(now);
            let (at, _) = t.0.next_timeout().unwrap();
            pauses.push(at.since_ms(now) / 1_000);
            now = at;
            while t.0.poll().is_some() {}
            t.0.handle_timeout(now);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn a_longer_time_is_taken_when_the_registrar_wants_it() {
        let mut t = Talk::start();
        let first = t.says();
        t.hears(10, &first, 423, &[(HeaderName::MinExpires, "1800")]);
        let second = t.says();
        assert_eq!(second.headers.expires_s(), Ok(Some(1_800)));
        t.hears(20, &second, 423, &[(HeaderName::MinExpires, "1800")]);
        assert_eq!(t.0.poll(), Some(Output::Down { status: StatusCode::new(423) }));
    }

    #[test]
    fn stopping_takes_the_contact_back_even_through_a_challenge() {
        let mut t = Talk::start();
        let first = t.says();
        t.hears(10, &first, 200, &[]);
        assert_eq!(t.0.poll(), Some(Output::Up));
        t.0.stop();
        let leave = t.says();
        assert_eq!(leave.headers.expires_s(), Ok(Some(0)));
        t.challenged(20, &leave, "n", false);
        let leave = t.says();
        assert_eq!(leave.headers.expires_s(), Ok(Some(0)));
        t.hears(30, &leave, 200, &[]);
        assert_eq!(t.0.poll(), Some(Output::Down { status: None }));
        assert_eq!((t.0.snapshot(), t.0.next_timeout()), (State::Stopped, None));
    }
}
