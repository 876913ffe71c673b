//! Several campaigns that share agents and lines, and lines that are kept for people who call us.
//!
//! Each campaign decides for itself what it would dial. What is here divides the means: a line
//! or a waiting agent is promised once. Shares follow weights by the method of the highest
//! average (Sainte-Laguë), so that nobody who wants something starves and the sum is exact.

use super::limits::CAMPAIGNS_MAX;

/// What one campaign would like, and how much it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its weight; zero takes only what nobody else wants.
    pub weight: u32,
    /// Units (lines or agents) it could use now.
    pub wants: usize,
}

/// Lines that outbound dialling leaves alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Always kept for inbound calls.
    pub least: usize,
    /// Inbound calls expected during the next ring time, which hold lines too.
    pub expected: usize,
}

/// Lines that may be dialled on when `free` are free and `inbound` are already in inbound use:
/// calls that are already there fill the promise of [`Held`].
pub fn dialable(free: usize, inbound: usize, held: Held) -> usize {
    let kept = held.least.max(held.expected).saturating_sub(inbound);
    free.saturating_sub(kept)
}

/// Divides `units` among `wishes` (at most [`CAMPAIGNS_MAX`]; the rest get nothing) into
/// `shares`. Deterministic: at equal right the earlier campaign is served first.
pub fn divide(units: usize, wishes: &[Wish], shares: &mut [usize]) {
    shares.iter_mut().for_each(|share| *share = 0);
    let wishes = wishes.get(..wishes.len().min(CAMPAIGNS_MAX).min(shares.len())).unwrap_or(&[]);
    for _ in 0..units {
        let next = wishes
            .iter()
            .zip(shares.iter())
            .enumerate()
            .filter(|(_, (wish, share))| **share < wish.wants)
            .max_by(|(a, left), (b, right)| {
                quotient(left).total_cmp(&quotient(right)).then(b.cmp(a))
            })
            .map(|(at, _)| at);
        match next.and_then(|at| shares.get_mut(at)) {
            Some(share) => *share += 1,
            None => return,
        }
    }
}

fn quotient((wish, share): &(&Wish, &usize)) -> f64 {
    f64::from(wish.weight) / (2.0 * **share as f64 + 1.0)
}

/// The waiting agents that each campaign may count on, when agents may work for several. `able`
/// says for each waiting agent in which campaigns (bit = index) the agent works; `wants` what
/// each campaign can use. Every agent is promised once: the least versatile agents first, each to
/// the campaign that is furthest from what it wants.
pub fn promise(able: &[u64], wants: &[usize], promised: &mut [usize]) {
    promised.iter_mut().for_each(|count| *count = 0);
    for versatility in 1..=wants.len().min(CAMPAIGNS_MAX) as u32 {
        for &campaigns in able.iter().filter(|campaigns| campaigns.count_ones() == versatility) {
            let neediest = (0..wants.len().min(promised.len()).min(CAMPAIGNS_MAX))
                .filter(|&at| campaigns >> at & 1 == 1 && promised[at] < wants[at])
                .max_by_key(|&at| (wants[at] - promised[at], usize::MAX - at));
            if let Some(at) = neediest {
                promised[at] += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shared(units: usize, wishes: &[(u32, usize)]) -> Vec<usize> {
        let wishes: Vec<Wish> =
            wishes.iter().map(|&(weight, wants)| Wish { weight, wants }).collect();
        let mut shares = vec![9; wishes.len()];
        divide(units, &wishes, &mut shares);
        shares
    }

    #[test]
    fn lines_follow_the_weights_and_what_one_does_not_want_goes_to_the_others() {
        assert_eq!(shared(9, &[(2, 100), (1, 100)]), [6, 3]);
        assert_eq!(shared(9, &[(2, 2), (1, 100)]), [2, 7]);
        assert_eq!(shared(9, &[(1, 3), (0, 100)]), [3, 6]);
        assert_eq!(shared(1, &[(1, 5), (1, 5)]), [1, 0]);
    }

    #[test]
    fn a_held_line_is_left_alone_until_an_inbound_call_has_it() {
        let held = Held { least: 2, expected: 1 };
        assert_eq!(dialable(10, 0, held), 8);
        assert_eq!(dialable(9, 1, held), 8);
        assert_eq!(dialable(1, 0, held), 0);
    }

    #[test]
    fn an_agent_who_can_do_only_one_thing_is_promised_to_it_first() {
        let mut promised = [0; 2];
        promise(&[0b11, 0b01], &[1, 1], &mut promised);
        assert_eq!(promised, [1, 1]);
    }

    proptest! {
        #[test]
        fn no_unit_is_given_twice_nor_kept_from_a_wish(
            units in 0usize..200,
            wishes in prop::collection::vec((0u32..9, 0usize..60), 0..12)
        ) {
            let shares = shared(units, &wishes);
            let wanted: usize = wishes.iter().map(|wish| wish.1).sum();
            prop_assert_eq!(shares.iter().sum::<usize>(), units.min(wanted));
            prop_assert!(shares.iter().zip(&wishes).all(|(share, wish)| *share <= wish.1));
        }

        #[test]
        fn an_agent_is_promised_once_and_only_where_able(
            able in prop::collection::vec(0u64..16, 0..40),
            wants in prop::collection::vec(0usize..20, 4)
        ) {
            let mut promised = [0; 4];
            promise(&able, &wants, &mut promised);
            prop_assert!(promised.iter().sum::<usize>() <= able.len());
            for at in 0..4 {
                let here = able.iter().filter(|a| *a >> at & 1 == 1).count();
                prop_assert!(promised[at] <= here.min(wants[at]));
            }
        }
    }
}
