//! The far ends of every call, in a process of their own so that their CPU time is not counted:
//! telephones that answer at once, talk all the time and judge what they hear.
//!
//! ```text
//! one loop:   every 20 ms   each leg that is in a call says its next frame and hears what came
//!             in between    SIP on two sockets, orders on standard input, ears under watch
//! ```
//!
//! Legs 2 i and 2 i + 1 are one call. The number called says which leg is meant ([`leg_of`]).

mod leg;
mod place;
mod wire;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use crate::broken::{Broken, Doing};
use crate::figure::quantile;
use crate::limits::{LEGS_MAX, SOUND_WAIT, TICK};
use crate::say::{Answer, Order};
use crate::voice::{Heard, Spoken};
use leg::Leg;
use place::Placed;
use wire::Message;

/// Lateness after which lost ticks are not made up for.
const GIVE_UP: Duration = Duration::from_millis(100);
/// SIP datagrams taken at one look.
const DATAGRAMS_A_LOOK: usize = 64;

/// The number under which leg `leg` is called through our own switch.
pub fn number_of(leg: usize) -> String {
    format!("90{leg:04}")
}

/// The leg that a number means: `90` and the leg, or `5` or `6` and the call, whose called leg is the
/// odd one. Any other number is answered by a telephone without sound.
fn leg_of(number: &str) -> Option<usize> {
    match (number.len(), number.as_bytes().first()?) {
        (6, b'9') => number.strip_prefix("90")?.parse().ok(),
        (4, b'5' | b'6') => number.get(1..)?.parse::<usize>().ok().map(|call| 2 * call + 1),
        _ => None,
    }
}

/// Two ears under close watch.
struct Watch {
    customer: usize,
    zero: Option<Instant>,
    customer_at: Option<Instant>,
    seat_at: Option<Instant>,
    until: Instant,
}

struct Phones {
    sip: [UdpSocket; 2],
    us: [SocketAddr; 2],
    legs: Vec<Leg>,
    spoken: Spoken,
    /// Calls that came to us: Call-ID to leg.
    taken: BTreeMap<String, Option<usize>>,
    /// Calls that we placed.
    placed: Placed,
    watch: Option<Watch>,
    delays: Vec<Duration>,
    sent: u64,
    late: Duration,
    typed: Vec<u8>,
    ended: bool,
}

/// Plays telephones at `sip` (callers' side and called side) until standard input ends.
pub fn run(sip: [SocketAddr; 2]) -> Result<(), Broken> {
    let sockets = [bind(sip[0])?, bind(sip[1])?];
    let us = [
        sockets[0].local_addr().doing("reading our address")?,
        sockets[1].local_addr().doing("reading our address")?,
    ];
    let legs = (0..LEGS_MAX).map(|number| Leg::new(sip[0].ip(), number));
    let legs = legs.collect::<io::Result<Vec<_>>>().doing("binding the phones' sound ports")?;
    let stdin = io::stdin();
    fcntl(stdin.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
        .doing("making standard input not wait")?;
    let mut phones = Phones {
        sip: sockets,
        us,
        legs,
        spoken: Spoken::new(Instant::now()),
        taken: BTreeMap::new(),
        placed: Placed::default(),
        watch: None,
        delays: Vec::new(),
        sent: 0,
        late: Duration::ZERO,
        typed: Vec::new(),
        ended: false,
    };
    tell(&Answer::Ready { sip: us })?;
    phones.serve(stdin.as_fd())
}

fn bind(address: SocketAddr) -> Result<UdpSocket, Broken> {
    let socket =
        UdpSocket::bind(address).doing(&format!("binding the phones' SIP at {address}"))?;
    socket.set_nonblocking(true).doing("making a socket not wait")?;
    Ok(socket)
}

fn tell(answer: &Answer) -> Result<(), Broken> {
    let mut line = link::frame::emit(answer)?;
    let mut out = io::stdout().lock();
    line.shrink_to_fit();
    out.write_all(&line).and_then(|()| out.flush()).doing("answering the bench")
}

impl Phones {
    fn serve(&mut self, stdin: BorrowedFd<'_>) -> Result<(), Broken> {
        let mut due = Instant::now() + TICK;
        while !self.ended {
            let now = Instant::now();
            if now < due {
                self.between(stdin, due - now)?;
                continue;
            }
            let late = now - due;
            self.late = self.late.max(late);
            due = if late > GIVE_UP { now + TICK } else { due + TICK };
            self.tick(now)?;
        }
        Ok(())
    }

    /// Says and hears, for every leg in a call.
    fn tick(&mut self, now: Instant) -> Result<(), Broken> {
        let k = self.spoken.say(now);
        for leg in &mut self.legs {
            self.sent += u64::from(leg.say(k));
        }
        for leg in &mut self.legs {
            if leg.to.is_some() {
                leg.listen(&self.spoken, &mut self.delays);
            }
        }
        if let Some(answer) = self.placed.tick(now, &self.sip[0], self.us[0]) {
            tell(&answer)?;
        }
        self.settle_watch(now)
    }

    /// Waits for anything but the next tick, and takes it.
    fn between(&mut self, stdin: BorrowedFd<'_>, left: Duration) -> Result<(), Broken> {
        let watched: Vec<usize> =
            self.watch.iter().flat_map(|w| [w.customer, w.customer ^ 1]).collect();
        let ready: Vec<bool> = {
            let ears = watched.iter().filter_map(|&w| self.legs.get(w)).map(|leg| &leg.socket);
            let sockets = self.sip.iter().chain(ears).map(AsFd::as_fd);
            let mut open: Vec<PollFd<'_>> = std::iter::once(stdin)
                .chain(sockets)
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
                .collect();
            match ppoll(&mut open, Some(TimeSpec::from(left)), None) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => return Ok(()),
                Ok(_) => open.iter().map(|fd| fd.any().unwrap_or(true)).collect(),
                Err(e) => return Err(e).doing("waiting for datagrams"),
            }
        };
        for side in 0..2 {
            if ready.get(1 + side) == Some(&true) {
                self.take_datagrams(side);
            }
        }
        for (leg, _) in watched.iter().zip(ready.iter().skip(3)).filter(|(_, ready)| **ready) {
            self.hear_watched(*leg);
        }
        self.settle_watch(Instant::now())?;
        if ready.first() == Some(&true) {
            self.take_orders()?;
        }
        Ok(())
    }

    // ---- the watch

    fn hear_watched(&mut self, number: usize) {
        let Some(leg) = self.legs.get_mut(number) else { return };
        let first = leg.listen(&self.spoken, &mut self.delays);
        let Some(watch) = &mut self.watch else { return };
        if watch.zero.is_none() {
            return;
        }
        let at = if number == watch.customer { &mut watch.customer_at } else { &mut watch.seat_at };
        *at = at.or(first);
    }

    fn settle_watch(&mut self, now: Instant) -> Result<(), Broken> {
        let Some(w) = &self.watch else { return Ok(()) };
        if now < w.until && (w.customer_at.is_none() || w.seat_at.is_none()) {
            return Ok(());
        }
        let since = |at: Option<Instant>| {
            let from = w.zero?;
            at.map(|at| at.saturating_duration_since(from).as_secs_f64() * 1_000.0)
        };
        let answer =
            Answer::Joined { customer_ms: since(w.customer_at), seat_ms: since(w.seat_at) };
        self.watch = None;
        tell(&answer)
    }

    // ---- SIP

    fn take_datagrams(&mut self, side: usize) {
        let mut bytes = [0; 8_192];
        for _ in 0..DATAGRAMS_A_LOOK {
            let Ok((length, from)) = self.sip[side].recv_from(&mut bytes) else { return };
            let Some(message) = bytes.get(..length).and_then(Message::parse) else { continue };
            match message.status() {
                Some(status) => self.take_response(status, &message, from),
                None => self.take_request(side, &message, from),
            }
        }
    }

    fn take_request(&mut self, side: usize, request: &Message<'_>, from: SocketAddr) {
        let us = self.us[side];
        let answer = |status: &str, body: &str| {
            let _ = self.sip[side].send_to(request.answered(status, us, body).as_bytes(), from);
        };
        match request.method() {
            "ACK" => {}
            "INVITE" => {
                let leg = leg_of(request.called()).filter(|&leg| leg < self.legs.len());
                answer("180 Ringing", "");
                let Some(phone) = self.legs.get_mut(leg.unwrap_or(0)) else { return };
                let sdp = wire::describe(phone.address, wire::digits_of(request.body));
                if let (Some(_), Some(to)) = (leg, wire::sound_of(request.body)) {
                    phone.talk_to(to);
                }
                if let Some(watch) = self.watch.as_mut().filter(|w| Some(w.customer) == leg) {
                    watch.zero = Some(Instant::now());
                }
                answer("200 OK", &sdp);
                self.taken.insert(request.one("Call-ID").to_owned(), leg);
            }
            "BYE" => {
                answer("200 OK", "");
                if let Some(Some(leg)) = self.taken.remove(request.one("Call-ID")) {
                    self.hush(leg);
                }
                if let Some(leg) = self.placed.ended(request.one("Call-ID")) {
                    self.hush(leg);
                }
            }
            "OPTIONS" | "CANCEL" => answer("200 OK", ""),
            _ => answer("405 Method Not Allowed", ""),
        }
    }

    fn take_response(&mut self, status: u16, response: &Message<'_>, from: SocketAddr) {
        let heard = self.placed.answered(status, response, from, &self.sip[0], self.us[0]);
        if let Some((leg, to)) = heard
            && let Some(leg) = self.legs.get_mut(leg)
        {
            leg.talk_to(to);
        }
    }

    fn hush(&mut self, leg: usize) {
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.to = None;
        }
    }

    // ---- orders

    fn take_orders(&mut self) -> Result<(), Broken> {
        let mut bytes = [0; 65_536];
        match io::stdin().read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(count) => self.typed.extend_from_slice(bytes.get(..count).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e).doing("reading orders"),
        }
        while let Some(end) = self.typed.iter().position(|&b| b == b'\n') {
            let line: Vec<u8> = self.typed.drain(..=end).collect();
            let order = serde_json::from_slice(&line).map_err(link::frame::FrameError::from)?;
            if let Some(answer) = self.obey(order) {
                tell(&answer)?;
            }
        }
        Ok(())
    }

    fn obey(&mut self, order: Order) -> Option<Answer> {
        match order {
            Order::TalkTo { to } => {
                for (leg, to) in self.legs.iter_mut().zip(to) {
                    leg.talk_to(to);
                }
            }
            Order::Hush => {
                self.legs.iter_mut().for_each(|leg| leg.to = None);
                self.taken.clear();
            }
            Order::Begin => {
                self.legs.iter_mut().for_each(|leg| leg.ear.heard = Heard::default());
                self.delays.clear();
                self.sent = 0;
                self.late = Duration::ZERO;
            }
            Order::End => return Some(self.sum()),
            Order::Watch { customer } => {
                for leg in [customer, customer ^ 1] {
                    self.legs.get_mut(leg)?.ear.restart();
                }
                let until = Instant::now() + SOUND_WAIT;
                self.watch =
                    Some(Watch { customer, zero: None, customer_at: None, seat_at: None, until });
            }
            Order::Call { leg, number, to } => {
                let sdp = wire::describe(self.legs.get(leg)?.address, Some(101));
                self.placed.call(Some(leg), &number, to, &sdp, &self.sip[0], self.us[0]);
            }
            Order::HangUpAll => {
                for leg in self.placed.hang_up_all(&self.sip[0], self.us[0]) {
                    self.hush(leg);
                }
            }
            Order::Count => {
                return Some(Answer::Count {
                    up: self.legs.iter().filter(|leg| leg.to.is_some()).count(),
                });
            }
            Order::SetUp { number, to, rate, calls } => {
                let sdp = wire::describe(self.legs.first()?.address, Some(101));
                self.placed.begin_rate(number, to, rate, calls, sdp);
                return None;
            }
        }
        Some(Answer::Done)
    }

    fn sum(&mut self) -> Answer {
        let heard = self.legs.iter().map(|leg| leg.ear.heard);
        let heard = heard.fold(Heard::default(), Heard::with);
        let mut delays: Vec<f64> =
            self.delays.iter().map(|delay| delay.as_secs_f64() * 1_000.0).collect();
        let delay_ms = [0.5, 0.99, 1.0].map(|part| quantile(&mut delays, part));
        Answer::Sum { heard, sent: self.sent, delay_ms, late_ms: self.late.as_secs_f64() * 1_000.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_which_leg_is_meant() {
        assert_eq!(leg_of(&number_of(17)), Some(17));
        assert_eq!(leg_of("5003"), Some(7));
        assert_eq!(leg_of("6000"), Some(1));
        assert_eq!(leg_of("80001"), None);
        assert_eq!(leg_of(""), None);
    }
}
