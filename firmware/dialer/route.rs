//! Which trunk a call takes, and whether its destination is allowed at all.
//!
//! Deny by default: a tenant may call mobiles, fixed lines and service numbers of the box's
//! country, and whatever else its own list allows by prefix. Emergency numbers are never dialled by
//! a machine, whatever any list says.

use std::collections::BTreeMap;

use call::{Number, TrunkId};
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::number::Class;

words! {
    /// How a trunk is chosen among those that can be used.
    #[derive(Default)]
    pub enum Rule {
        /// The first in the campaign's order that has a free channel.
        #[default]
        InOrder = "in_order",
        /// The one with the smallest share of its channels in use.
        LeastUsed = "least_used",
    }
}

/// Who wants to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A campaign.
    Machine,
    /// A person at a phone.
    Person,
}

/// What one entry of a tenant's list allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    /// What begins so, premium numbers excepted.
    Ordinary,
    /// Premium numbers too.
    Premium,
}

/// What a tenant may call beyond the ordinary numbers of its country.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Allowed>", into = "BTreeMap<String, Allowed>")]
pub struct Destinations(BTreeMap<String, Allowed>);

/// Why a list of allowed destinations was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationsRefused {
    /// A prefix is neither `+` and digits nor a short code.
    #[error("{0:?} is not a prefix: write + and 1 to 15 digits (+44), or a whole short code")]
    Prefix(String),
    /// Too many entries.
    #[error("{count} entries, at most {} are taken", limits::ALLOWED_DESTINATIONS_MAX)]
    TooMany {
        /// How many.
        count: usize,
    },
}

words! {
    /// Why a destination is not allowed.
    #[derive(thiserror::Error)]
    pub enum Denied {
        /// Machines do not call emergency services.
        #[error("emergency numbers are not dialled by a machine")]
        Emergency = "emergency",
        /// A premium number that the tenant's list does not allow.
        #[error("premium numbers are denied: an administrator can allow this prefix")]
        Premium = "premium",
        /// A number abroad that the tenant's list does not allow.
        #[error("numbers abroad are denied: an administrator can allow this prefix")]
        International = "international",
        /// A short code, which a machine calls only when the tenant's list allows it.
        #[error("short codes are not dialled by a machine: an administrator can allow this one")]
        Short = "short",
    }
}

impl Destinations {
    /// The list of these prefixes: `+44` for a country, `+8621` for an area, `95588` for one code.
    ///
    /// # Errors
    /// Names the entry that is wrong.
    pub fn new(allowed: BTreeMap<String, Allowed>) -> Result<Destinations, DestinationsRefused> {
        if allowed.len() > limits::ALLOWED_DESTINATIONS_MAX {
            return Err(DestinationsRefused::TooMany { count: allowed.len() });
        }
        for prefix in allowed.keys() {
            let (digits, most) = match prefix.strip_prefix('+') {
                Some(digits) => (digits, call::number::DIGITS_MAX),
                None => (prefix.as_str(), 6),
            };
            let fits = (1..=most).contains(&digits.len());
            if !fits || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(DestinationsRefused::Prefix(prefix.clone()));
            }
        }
        Ok(Destinations(allowed))
    }

    /// Whether `origin` may call `number`, which is of `class`.
    ///
    /// # Errors
    /// Names the rule that denies it.
    pub fn permit(&self, origin: Origin, class: Class, number: &Number) -> Result<(), Denied> {
        let listed = self.listed(number);
        match (class, origin) {
            (Class::Mobile | Class::Fixed | Class::Service, _) => Ok(()),
            (Class::Emergency, Origin::Person) | (Class::Short, Origin::Person) => Ok(()),
            (Class::Emergency, Origin::Machine) => Err(Denied::Emergency),
            (Class::Short, Origin::Machine) => listed.map(|_| ()).ok_or(Denied::Short),
            (Class::International, _) => listed.map(|_| ()).ok_or(Denied::International),
            (Class::Premium, _) => match listed {
                Some(Allowed::Premium) => Ok(()),
                Some(Allowed::Ordinary) | None => Err(Denied::Premium),
            },
        }
    }

    /// What the longest matching prefix allows. A short code matches only as a whole.
    fn listed(&self, number: &Number) -> Option<Allowed> {
        let text = number.as_str();
        if !number.is_e164() {
            return self.0.get(text).copied();
        }
        (2..=text.len()).rev().find_map(|length| self.0.get(text.get(..length)?).copied())
    }
}

impl TryFrom<BTreeMap<String, Allowed>> for Destinations {
    type Error = DestinationsRefused;
    fn try_from(allowed: BTreeMap<String, Allowed>) -> Result<Destinations, DestinationsRefused> {
        Destinations::new(allowed)
    }
}

impl From<Destinations> for BTreeMap<String, Allowed> {
    fn from(destinations: Destinations) -> BTreeMap<String, Allowed> {
        destinations.0
    }
}

/// What is known of a trunk now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Which one.
    pub id: TrunkId,
    /// It can be used: registered, or reachable where it does not register.
    pub up: bool,
    /// Calls that it carries at most.
    pub channels: u32,
    /// Calls that it carries or that are promised to it.
    pub busy: u32,
}

impl Trunk {
    const fn has_room(&self) -> bool {
        self.up && self.busy < self.channels
    }
}

/// Why there is no trunk for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NoRoute {
    /// The destination is not allowed. Clears when an administrator allows it.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// No trunk is chosen for this campaign.
    #[error("no trunk is chosen")]
    NoTrunk,
    /// No trunk is up.
    #[error("no trunk is up")]
    AllDown,
    /// Every channel is in use. Clears when a call ends.
    #[error("every channel of every trunk is in use")]
    AllBusy,
}

/// The trunk by which a call shall go. `trunks` lie in the order of preference.
///
/// # Errors
/// Says why there is none.
pub fn choose(rule: Rule, trunks: &[Trunk]) -> Result<TrunkId, NoRoute> {
    if trunks.is_empty() {
        return Err(NoRoute::NoTrunk);
    }
    if !trunks.iter().any(|trunk| trunk.up) {
        return Err(NoRoute::AllDown);
    }
    let mut usable = trunks.iter().filter(|trunk| trunk.has_room());
    let chosen = match rule {
        Rule::InOrder => usable.next(),
        // a.busy / a.channels against b.busy / b.channels, without division; the first of equals.
        Rule::LeastUsed => usable.min_by(|a, b| {
            let left = u64::from(a.busy) * u64::from(b.channels);
            left.cmp(&(u64::from(b.busy) * u64::from(a.channels)))
        }),
    };
    chosen.map(|trunk| trunk.id).ok_or(NoRoute::AllBusy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Plan;
    use proptest::prelude::*;

    fn permit(list: &[(&str, Allowed)], origin: Origin, text: &str) -> Result<(), Denied> {
        let list = list.iter().map(|(prefix, allowed)| ((*prefix).to_owned(), *allowed)).collect();
        let normal = Plan::default().read(text).unwrap();
        Destinations::new(list).unwrap().permit(origin, normal.class, &normal.number)
    }

    #[test]
    fn what_is_costly_is_denied_until_an_administrator_allows_it() {
        use Origin::Machine;
        assert_eq!(permit(&[], Machine, "13800138000"), Ok(()));
        assert_eq!(permit(&[], Machine, "+442079460000"), Err(Denied::International));
        assert_eq!(permit(&[("+44", Allowed::Ordinary)], Machine, "+442079460000"), Ok(()));
        assert_eq!(permit(&[], Machine, "+449098790879"), Err(Denied::Premium));
        let ordinary = permit(&[("+44", Allowed::Ordinary)], Machine, "+449098790879");
        assert_eq!(ordinary, Err(Denied::Premium));
        let both = [("+44", Allowed::Ordinary), ("+44909", Allowed::Premium)];
        assert_eq!(permit(&both, Machine, "+449098790879"), Ok(()));
    }

    #[test]
    fn no_list_lets_a_machine_call_the_police() {
        let list = [("110", Allowed::Premium), ("+86", Allowed::Premium)];
        assert_eq!(permit(&list, Origin::Machine, "110"), Err(Denied::Emergency));
        assert_eq!(permit(&[], Origin::Person, "110"), Ok(()));
        assert_eq!(permit(&[], Origin::Machine, "95588"), Err(Denied::Short));
        assert_eq!(permit(&[("95588", Allowed::Ordinary)], Origin::Machine, "95588"), Ok(()));
    }

    #[test]
    fn a_prefix_that_is_none_is_refused_by_name() {
        for wrong in ["+", "44x", "+1234567890123456", "1234567", ""] {
            let list = BTreeMap::from([(wrong.to_owned(), Allowed::Ordinary)]);
            let refused = Destinations::new(list);
            assert_eq!(refused, Err(DestinationsRefused::Prefix(wrong.to_owned())));
        }
    }

    fn trunk(id: i64, up: bool, channels: u32, busy: u32) -> Trunk {
        Trunk { id: TrunkId(id), up, channels, busy }
    }

    #[test]
    fn the_rule_chooses_among_the_trunks_that_are_up_and_have_room() {
        let trunks = [
            trunk(1, true, 4, 4),
            trunk(2, false, 9, 0),
            trunk(3, true, 4, 2),
            trunk(4, true, 30, 3),
        ];
        assert_eq!(choose(Rule::InOrder, &trunks), Ok(TrunkId(3)));
        assert_eq!(choose(Rule::LeastUsed, &trunks), Ok(TrunkId(4)));
        assert_eq!(choose(Rule::InOrder, &trunks[..2]), Err(NoRoute::AllBusy));
        assert_eq!(choose(Rule::InOrder, &trunks[1..2]), Err(NoRoute::AllDown));
        assert_eq!(choose(Rule::InOrder, &[]), Err(NoRoute::NoTrunk));
    }

    proptest! {
        #[test]
        fn a_chosen_trunk_always_has_room_and_is_never_missed(
            facts in prop::collection::vec((any::<bool>(), 0u32..4, 0u32..4), 0..6),
            rule in prop::sample::select(Rule::ALL),
        ) {
            let trunks: Vec<_> =
                (0i64..).zip(facts).map(|(id, (up, ch, busy))| trunk(id, up, ch, busy)).collect();
            match choose(rule, &trunks) {
                Ok(id) => prop_assert!(trunks.iter().any(|t| t.id == id && t.has_room())),
                Err(_) => prop_assert!(!trunks.iter().any(Trunk::has_room)),
            }
        }
    }
}
