//! From the answer to the join: one call after another, with a seat that is up and talking.
//!
//! The clock starts when the customer's telephone gives its 200 OK to the socket, and stops when a
//! frame of the other side is here. The customer hears the seat as soon as the join is applied: the
//! seat's sound flows already. The seat hears the customer later, by the jitter buffer that fills.

use std::time::Duration;

use call::LegPhase;
use link::OnAnswer;

use crate::broken::Broken;
use crate::figure::quantile;
use crate::joined::{Phones, surprise};
use crate::limits::{LEGS_WAIT, SETTLE};
use crate::office::{Office, SEATS};
use crate::phones::number_of;
use crate::say::{Answer, Order};

/// From 200 OK to sound, ms.
#[derive(Clone, Debug, Default)]
pub struct Delay {
    /// Until the customer heard the seat: median, 90th percentile, worst.
    pub customer_ms: [f64; 3],
    /// Until the seat heard the customer: the same.
    pub seat_ms: [f64; 3],
    /// Calls.
    pub calls: usize,
    /// Calls in which somebody heard nothing for two seconds.
    pub mute: usize,
}

/// Makes `calls` calls to one seat.
pub fn delay(office: &mut Office, phones: &mut Phones, calls: usize) -> Result<Delay, Broken> {
    office.forget();
    let seat = office.originate(SEATS, number_of(0), OnAnswer::Tell)?;
    let up = |office: &Office| office.count(|k| k.phase() == LegPhase::Answered) > 0;
    if !office.listen_until(LEGS_WAIT, up)? {
        return Err(Broken::Switch("a seat does not answer".to_owned()));
    }
    office.listen_for(SETTLE)?;
    let mut delay = Delay { calls, ..Delay::default() };
    let (mut customer_ms, mut seat_ms) = (Vec::new(), Vec::new());
    for call in 0..calls {
        let offer = office.offer(seat)?;
        phones.order(&Order::Watch { customer: 1 })?;
        let customer = office.originate_joined(number_of(1), offer, false)?;
        office.listen_for(Duration::from_millis(1))?;
        let heard = phones.0.hear()?;
        let Answer::Joined { customer_ms: by_customer, seat_ms: by_seat } = heard else {
            return Err(surprise(&heard));
        };
        if let (Some(by_customer), Some(by_seat)) = (by_customer, by_seat) {
            customer_ms.push(by_customer);
            seat_ms.push(by_seat);
        } else {
            delay.mute += 1;
        }
        office.admit()?;
        office.hang_up(customer)?;
        let ended =
            |o: &Office| o.known.get(&customer).is_some_and(|k| k.phase() == LegPhase::Ended);
        if !office.listen_until(LEGS_WAIT, ended)? {
            return Err(Broken::Switch("a customer that was hung up does not end".to_owned()));
        }
        // So that answers fall on every part of the tick.
        office.listen_for(Duration::from_millis(103 + 7 * (call as u64 % 20)))?;
    }
    office.hang_up(seat)?;
    office.listen_until(LEGS_WAIT, |o| o.count(|k| k.phase() != LegPhase::Ended) == 0)?;
    phones.order(&Order::Hush)?;
    delay.customer_ms = [0.5, 0.9, 1.0].map(|part| quantile(&mut customer_ms, part));
    delay.seat_ms = [0.5, 0.9, 1.0].map(|part| quantile(&mut seat_ms, part));
    Ok(delay)
}
