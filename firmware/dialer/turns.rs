//! Turns of campaigns that share agents and lines: each decision round starts with the campaign
//! after the one that was served last, so that none waits for ever behind another.
//!
//! Within a campaign the store's index decides whose turn it is: who is due earlier comes first, and
//! callbacks and retries before leads that were never tried.

use std::collections::BTreeSet;

use call::CampaignId;

/// Who was served last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    served: Option<CampaignId>,
}

impl Turns {
    /// The running campaigns in the order in which they may decide now.
    #[must_use]
    pub fn order(&self, running: &BTreeSet<CampaignId>) -> Vec<CampaignId> {
        let after = |id: &CampaignId| self.served.is_none_or(|served| *id > served);
        let (first, then): (Vec<_>, Vec<_>) = running.iter().copied().partition(after);
        first.into_iter().chain(then).collect()
    }

    /// Notes that `campaign` has placed a call.
    pub fn served(&mut self, campaign: CampaignId) {
        self.served = Some(campaign);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn campaigns_take_turns() {
        let mut turns = Turns::default();
        let running: BTreeSet<_> = [1, 2, 3].map(CampaignId).into();
        let mut served = Vec::new();
        for _ in 0..6 {
            let first = turns.order(&running)[0];
            turns.served(first);
            served.push(first.0);
        }
        assert_eq!(served, [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn a_campaign_that_is_gone_leaves_its_turn_to_the_next() {
        let mut turns = Turns::default();
        turns.served(CampaignId(2));
        let running = [1, 3].map(CampaignId).into();
        assert_eq!(turns.order(&running), [3, 1].map(CampaignId));
    }
}
