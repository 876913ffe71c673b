//! Which of several numbers a campaign shows. One number that calls all day is soon blocked by the
//! people it calls; several share the burden.

use std::collections::BTreeMap;

use call::{CampaignId, Number};

words! {
    /// How one of a campaign's numbers is chosen.
    #[derive(Default)]
    pub enum Rule {
        /// One after the other.
        #[default]
        InTurn = "in_turn",
        /// The one shown least since the start, whoever showed it.
        LeastUsed = "least_used",
    }
}

/// How often each number was shown, and which each campaign has shown last. As large as the numbers
/// and campaigns of the box are many.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    times: BTreeMap<Number, u64>,
    last: BTreeMap<CampaignId, Number>,
}

impl Shown {
    /// The number that `campaign` shows next, of `choices` in the campaign's order.
    #[must_use]
    pub fn next<'a>(
        &self,
        rule: Rule,
        campaign: CampaignId,
        choices: &'a [Number],
    ) -> Option<&'a Number> {
        match rule {
            Rule::InTurn => {
                let last = self.last.get(&campaign);
                let at = choices.iter().position(|number| Some(number) == last);
                choices.get(at.map_or(0, |at| at + 1)).or_else(|| choices.first())
            }
            Rule::LeastUsed => {
                choices.iter().min_by_key(|number| self.times.get(number).copied().unwrap_or(0))
            }
        }
    }

    /// `campaign` has shown `number`.
    pub fn shown(&mut self, campaign: CampaignId, number: &Number) {
        *self.times.entry(number.clone()).or_default() += 1;
        self.last.insert(campaign, number.clone());
    }

    /// Forgets campaigns and numbers that are gone.
    pub fn keep(
        &mut self,
        campaign: impl Fn(CampaignId) -> bool,
        number: impl Fn(&Number) -> bool,
    ) {
        self.times.retain(|known, _| number(known));
        self.last.retain(|known, _| campaign(*known));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(last: &[u8]) -> Vec<Number> {
        last.iter().map(|digit| format!("+86106300000{digit}").parse().unwrap()).collect()
    }

    #[test]
    fn numbers_take_turns_within_a_campaign() {
        let (mut shown, choices) = (Shown::default(), numbers(&[1, 2, 3]));
        let mut seen = Vec::new();
        for _ in 0..5 {
            let next = shown.next(Rule::InTurn, CampaignId(1), &choices).unwrap().clone();
            shown.shown(CampaignId(1), &next);
            seen.push(next);
        }
        assert_eq!(seen, numbers(&[1, 2, 3, 1, 2]));
        // Another campaign begins at its own beginning.
        assert_eq!(shown.next(Rule::InTurn, CampaignId(2), &choices), Some(&choices[0]));
        // The last one is no longer among them: the turn begins anew.
        let other = numbers(&[7, 8]);
        assert_eq!(shown.next(Rule::InTurn, CampaignId(1), &other), Some(&other[0]));
        assert_eq!(shown.next(Rule::InTurn, CampaignId(1), &[]), None);
    }

    #[test]
    fn the_least_used_number_is_counted_over_all_campaigns() {
        let (mut shown, choices) = (Shown::default(), numbers(&[1, 2]));
        for _ in 0..3 {
            shown.shown(CampaignId(9), &choices[0]);
        }
        for _ in 0..3 {
            let next = shown.next(Rule::LeastUsed, CampaignId(1), &choices).unwrap().clone();
            assert_eq!(next, choices[1]);
            shown.shown(CampaignId(1), &next);
        }
        assert_eq!(shown.next(Rule::LeastUsed, CampaignId(1), &choices), Some(&choices[0]));
        shown.keep(|_| false, |number| *number == choices[1]);
        assert_eq!((shown.times.len(), shown.last.len()), (1, 0));
    }
}
