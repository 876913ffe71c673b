//! Asterisk under the same load, where its address is given: calls to `6NNN` (joined) and `5NNN`
//! (joined and recorded) at its address, which it takes from 127.0.0.20 without a password and sends
//! on as `NNNN` to 127.0.0.30:5060. Both ends are our telephones.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::broken::Broken;
use crate::child::Part;
use crate::cpu::Window;
use crate::joined::{Load, Phones, load, surprise};
use crate::limits::{LEGS_WAIT, RAMP_PER_S, SETTLE};
use crate::say::{Answer, Order};
use crate::setup::SetUps;

/// Where the calls come from and where they arrive.
const FAR_ENDS: [&str; 2] = ["127.0.0.20:0", "127.0.0.30:5060"];

/// An Asterisk that somebody else has started.
#[derive(Clone, Copy, Debug)]
pub struct Asterisk {
    /// Its SIP.
    pub address: SocketAddr,
    /// Its process.
    pub pid: u32,
}

/// Telephones at the addresses that Asterisk knows.
pub fn phones(program: &Path) -> Result<Phones, Broken> {
    let words = ["--callers", FAR_ENDS[0], "--called", FAR_ENDS[1]];
    let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    let mut part = Part::start(program, "phones", &words)?;
    let answer = part.hear()?;
    let Answer::Ready { .. } = answer else { return Err(surprise(&answer)) };
    Ok(Phones(part))
}

impl Asterisk {
    /// Joined calls, as in [`crate::joined::switch`].
    pub fn joined(
        self,
        phones: &mut Phones,
        calls: usize,
        recorded: bool,
        seconds: u64,
    ) -> Result<Load, Broken> {
        let first = if recorded { 5_000 } else { 6_000 };
        for call in 0..calls {
            let number = (first + call).to_string();
            phones.order(&Order::Call { leg: 2 * call, number, to: self.address })?;
            thread::sleep(Duration::from_secs(1) / RAMP_PER_S);
        }
        self.await_legs(phones, 2 * calls)?;
        thread::sleep(SETTLE);
        let (seen, sum) = phones.window(self.pid, seconds, |time| {
            thread::sleep(time);
            Ok(())
        })?;
        phones.order(&Order::HangUpAll)?;
        self.await_legs(phones, 0)?;
        phones.order(&Order::Hush)?;
        load(calls, recorded, seen, &sum)
    }

    fn await_legs(self, phones: &mut Phones, wanted: usize) -> Result<(), Broken> {
        let until = Instant::now() + LEGS_WAIT;
        loop {
            let answer = phones.0.ask(&Order::Count)?;
            let Answer::Count { up } = answer else { return Err(surprise(&answer)) };
            if up == wanted {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Broken::Asterisk(format!("{up} legs are up instead of {wanted}")));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Short calls at `rate`; each is two legs here, because Asterisk places none by itself.
    pub fn setups(self, phones: &mut Phones, rate: u32, seconds: u64) -> Result<SetUps, Broken> {
        let calls = rate * seconds as u32;
        let watched = Window::open(self.pid)?;
        let begun = Instant::now();
        phones.0.tell(&Order::SetUp {
            number: "6999".to_owned(),
            to: self.address,
            rate,
            calls,
        })?;
        let answer = phones.0.hear_within(Duration::from_secs(seconds) + LEGS_WAIT)?;
        let Answer::SetUp { good, failed, answer_ms } = answer else {
            return Err(surprise(&answer));
        };
        let cpu_ms = watched.close()?.cpu.as_secs_f64() * 1_000.0 / f64::from(good.max(1));
        let reached = f64::from(calls) / begun.elapsed().as_secs_f64();
        Ok(SetUps { rate, reached, good, failed, cpu_ms, answer_ms })
    }
}
