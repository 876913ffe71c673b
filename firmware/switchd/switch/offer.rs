//! The offers that stand: which seat centerd has put at the disposal of which plans.
//!
//! An offer ends once, in one of three ways, and how it ended is remembered for a while, so that a
//! late [`link::Command::Withdraw`] is answered with the truth. A seat has one offer at most.

use std::collections::{BTreeMap, VecDeque};

use call::{LegId, OfferId};
use link::OfferEnd;

use crate::limits::OFFERS_REMEMBERED;

#[derive(Clone, Debug, Default)]
pub(crate) struct Offers {
    standing: BTreeMap<OfferId, LegId>,
    of_seat: BTreeMap<LegId, OfferId>,
    over: BTreeMap<OfferId, OfferEnd>,
    over_order: VecDeque<OfferId>,
}

impl Offers {
    /// Whether this name was used before, as far as it is remembered.
    pub(crate) fn knows(&self, offer: OfferId) -> bool {
        self.standing.contains_key(&offer) || self.over.contains_key(&offer)
    }

    pub(crate) fn seat(&self, offer: OfferId) -> Option<LegId> {
        self.standing.get(&offer).copied()
    }

    pub(crate) fn of_seat(&self, seat: LegId) -> Option<OfferId> {
        self.of_seat.get(&seat).copied()
    }

    pub(crate) fn standing(&self) -> impl Iterator<Item = (OfferId, LegId)> + '_ {
        self.standing.iter().map(|(&offer, &seat)| (offer, seat))
    }

    /// A new offer. The caller has seen that neither the name nor the seat has one.
    pub(crate) fn stand(&mut self, offer: OfferId, seat: LegId) {
        self.standing.insert(offer, seat);
        self.of_seat.insert(seat, offer);
    }

    /// Ends an offer. How it ended: as told now, or as it had ended before.
    pub(crate) fn end(&mut self, offer: OfferId, how: OfferEnd) -> OfferEnd {
        let Some(seat) = self.standing.remove(&offer) else {
            return self.over.get(&offer).copied().unwrap_or(OfferEnd::Gone);
        };
        self.of_seat.remove(&seat);
        self.over.insert(offer, how);
        self.over_order.push_back(offer);
        if self.over_order.len() > OFFERS_REMEMBERED
            && let Some(oldest) = self.over_order.pop_front()
        {
            self.over.remove(&oldest);
        }
        how
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_ends_once_and_a_late_withdrawal_hears_how() {
        let mut offers = Offers::default();
        offers.stand(OfferId(7), LegId(1));
        let by = LegId(9);
        assert_eq!(offers.end(OfferId(7), OfferEnd::Consumed { by }), OfferEnd::Consumed { by });
        assert_eq!(offers.end(OfferId(7), OfferEnd::Withdrawn), OfferEnd::Consumed { by });
        assert_eq!(offers.of_seat(LegId(1)), None);
        assert!(offers.knows(OfferId(7)));
        assert_eq!(offers.end(OfferId(8), OfferEnd::Withdrawn), OfferEnd::Gone);
    }

    #[test]
    fn only_so_many_ends_are_remembered() {
        let mut offers = Offers::default();
        for n in 0..=OFFERS_REMEMBERED as i64 {
            offers.stand(OfferId(n), LegId(1));
            offers.end(OfferId(n), OfferEnd::Withdrawn);
        }
        assert!(!offers.knows(OfferId(0)));
        assert!(offers.knows(OfferId(1)));
    }
}
