//! In which order waiting agents get calls.
//!
//! The best agent of those who wait, where best is the lowest rank for the campaign; among equals
//! the one who has waited longest; among those the lower seat. Pacing asks for the pool by rank
//! because a campaign may count only on agents up to the rank it accepts.

use call::Tick;

/// An agent who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The seat.
    pub seat: usize,
    /// Rank for this campaign, 0 is best.
    pub rank: u8,
    /// Since when.
    pub since: Tick,
}

/// The agent who gets the next answer, if any has a rank of `worst` or better.
pub fn next(waiting: &[Waiting], worst: u8) -> Option<Waiting> {
    waiting
        .iter()
        .filter(|agent| agent.rank <= worst)
        .min_by_key(|agent| (agent.rank, agent.since, agent.seat))
        .copied()
}

/// How many waiting agents a campaign may count on that accepts ranks up to `worst`.
pub fn countable(waiting: &[Waiting], worst: u8) -> usize {
    waiting.iter().filter(|agent| agent.rank <= worst).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_rank_goes_first_then_the_longest_wait_then_the_lower_seat() {
        let agent = |seat, rank, since| Waiting { seat, rank, since: Tick(since) };
        let floor = [agent(0, 2, 10), agent(1, 1, 500), agent(2, 1, 400), agent(3, 1, 400)];
        assert_eq!(next(&floor, 9).map(|a| a.seat), Some(2));
        assert_eq!(next(&floor[..1], 9).map(|a| a.seat), Some(0));
        assert_eq!(next(&floor[..1], 1), None);
        assert_eq!(countable(&floor, 1), 3);
    }
}
