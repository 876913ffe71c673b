//! Giving up a ringing call that is one too many.
//!
//! A call may be given up only after it has rung for the country's floor (15 s or four rings in
//! the US), and only while nobody has answered it. It is worth it when the agents who may be free
//! are fewer than the answers that may come: then the oldest calls beyond the floor go first,
//! because they are the least likely to be answered and have had their chance. One-to-one never
//! gives anything up.

use super::convolution::Balance;

/// One ringing call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ringing {
    /// How long it has rung, seconds.
    pub rung_s: f64,
    /// The chance that it is answered before it rings out.
    pub answers: f64,
}

/// How many of `ringing` (oldest first) to give up, so that the chance that an answer finds
/// nobody falls to `risk`. `free` is the number of agents free now minus answers waiting,
/// `freeing` the chances of busy agents to be free in time. Calls younger than `floor_s` stay.
pub fn surplus(
    ringing: &[Ringing],
    free: i32,
    freeing: &[f64],
    floor_s: f64,
    risk: f64,
    balance: &mut Balance,
) -> usize {
    let may_go = ringing.iter().take_while(|call| call.rung_s >= floor_s).count();
    // Fewer and fewer stay until the promise holds; the first that suffices is the answer.
    (0..=may_go)
        .find(|&gone| {
            balance.reset(free);
            freeing.iter().for_each(|&p| balance.up(p));
            ringing.iter().skip(gone).for_each(|call| balance.down(call.answers));
            balance.at_most(-1) <= risk
        })
        .unwrap_or(may_go)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_up(rung_s: &[f64], free: i32, risk: f64) -> usize {
        let ringing: Vec<Ringing> =
            rung_s.iter().map(|&rung_s| Ringing { rung_s, answers: 0.3 }).collect();
        surplus(&ringing, free, &[0.1], 15.0, risk, &mut Balance::surely(0))
    }

    #[test]
    fn nothing_is_given_up_before_the_floor() {
        assert_eq!(given_up(&[14.9, 10.0, 5.0], 0, 0.0), 0);
        assert_eq!(given_up(&[15.0, 10.0, 5.0], 0, 0.0), 1);
    }

    #[test]
    fn only_as_many_go_as_the_promise_needs() {
        assert_eq!(given_up(&[20.0, 18.0, 16.0], 3, 0.0), 0);
        assert_eq!(given_up(&[20.0, 18.0, 16.0], 2, 0.03), 0);
        assert_eq!(given_up(&[20.0, 18.0, 16.0], 1, 0.1), 1);
        assert_eq!(given_up(&[20.0, 18.0, 16.0], 0, 0.01), 3);
    }
}
