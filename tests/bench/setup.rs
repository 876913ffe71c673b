//! Set-ups a second: calls that are placed, answered and hung up at once, without sound, at rates
//! that grow until something fails. A call here is one leg: INVITE, 180, 200, ACK, BYE, 200.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use call::LegPhase;
use link::OnAnswer;

use crate::broken::{Broken, Doing};
use crate::child::Part;
use crate::cpu::Window;
use crate::figure::quantile;
use crate::floor::Exchanged;
use crate::limits::LEGS_WAIT;
use crate::office::{CUSTOMERS, Known, Office};

/// From one piece of a second's set-ups to the next.
const PIECE: Duration = Duration::from_millis(10);

/// What one rate showed.
#[derive(Clone, Copy, Debug)]
pub struct SetUps {
    /// Set-ups a second that were asked for.
    pub rate: u32,
    /// Set-ups a second that were begun: less when the machine is too slow for the bench itself.
    pub reached: f64,
    /// Answered and hung up in order.
    pub good: u32,
    /// Refused, lost, or ended otherwise.
    pub failed: u32,
    /// CPU of one, ms.
    pub cpu_ms: f64,
    /// From the order to the news of the answer, ms: median, 99th percentile.
    pub answer_ms: [f64; 2],
}

/// The switch at `rate` for `seconds`.
pub fn switch(pid: u32, office: &mut Office, rate: u32, seconds: u64) -> Result<SetUps, Broken> {
    office.forget();
    let calls = rate * seconds as u32;
    let watched = Window::open(pid)?;
    let begun = Instant::now();
    let mut placed = 0;
    let mut last = Duration::ZERO;
    while placed < calls {
        let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u32 + 1;
        while placed < due.min(calls) {
            // Nobody has this number: it is answered by a telephone without sound.
            office.originate(CUSTOMERS, format!("80{placed:05}"), OnAnswer::Tell)?;
            placed += 1;
            last = begun.elapsed();
        }
        hang_up_fresh(office)?;
        office.listen_for(PIECE)?;
    }
    let until = Instant::now() + LEGS_WAIT;
    while Instant::now() < until && office.count(|k| k.phase() != LegPhase::Ended) > 0 {
        if !office.refused.is_empty() && office.count(|k| k.record.is_some()) == 0 {
            break;
        }
        hang_up_fresh(office)?;
        office.listen_for(PIECE)?;
        let open = office.count(|k| k.phase() != LegPhase::Ended);
        if open <= office.refused.len() {
            break;
        }
    }
    let seen = watched.close()?;
    let good = office.count(Known::good) as u32;
    let answers = office.known.values().filter_map(|k| Some((k.answered? - k.asked).as_secs_f64()));
    let mut answer_ms: Vec<f64> = answers.map(|s| s * 1_000.0).collect();
    Ok(SetUps {
        rate,
        reached: f64::from(placed) / last.as_secs_f64().max(PIECE.as_secs_f64()),
        good,
        failed: placed - good,
        cpu_ms: seen.cpu.as_secs_f64() * 1_000.0 / f64::from(good.max(1)),
        answer_ms: [0.5, 0.99].map(|part| quantile(&mut answer_ms, part)),
    })
}

fn hang_up_fresh(office: &mut Office) -> Result<(), Broken> {
    for leg in std::mem::take(&mut office.fresh) {
        office.hang_up(leg)?;
    }
    Ok(())
}

/// The same number of datagrams, sent and answered with nothing done about them: CPU ms of one
/// set-up.
pub fn floor(program: &Path, rate: u32, seconds: u64) -> Result<f64, Broken> {
    let echo = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).doing("binding the echo's port")?;
    let address: SocketAddr = echo.local_addr().doing("binding the echo's port")?;
    echo.set_read_timeout(Some(Duration::from_secs(2))).doing("setting a time-out")?;
    let echoing = thread::spawn(move || {
        let mut bytes = [0; 2_048];
        // Ends by the silence after the last exchange.
        while let Ok((length, from)) = echo.recv_from(&mut bytes) {
            let _ = echo.send_to(bytes.get(..length).unwrap_or_default(), from);
        }
    });
    let words = ["--echo", &address.to_string(), "--rate", &rate.to_string(), "--calls"];
    let mut words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    words.push((rate * seconds as u32).to_string());
    let mut part = Part::start(program, "exchange", &words)?;
    let Exchanged { cpu_ms, .. } = part.hear_within(Duration::from_secs(3 * seconds + 10))?;
    let _ = echoing.join();
    Ok(cpu_ms)
}
