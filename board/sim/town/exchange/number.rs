//! How an exchange writes numbers: what stands in a called or calling party element, and whose
//! number it is in full.

use signal::q931::wire::{
    NumberPlan, NumberType, Party, Presentation, Redirecting, RedirectionReason, Screening,
};

/// The dialling plan around one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The country's code, `86`.
    pub country_code: String,
    /// The area's code without the prefix 0, `10`; empty where there are no areas.
    pub area: String,
    /// How many digits a number has with its country code, where its beginning does not tell; needed
    /// for numbers that come digit by digit.
    pub digits: Option<usize>,
    /// In which form the box is given the called number.
    pub gives: Form,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            country_code: "86".to_owned(),
            area: "10".to_owned(),
            digits: Some(13),
            gives: Form::National,
        }
    }
}

/// How much of a number is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// With the country code.
    International,
    /// With the area code.
    #[default]
    National,
    /// Without either.
    Local,
}

/// A local number is no longer than this in any country.
const LOCAL_DIGITS_MAX: usize = 8;

impl Plan {
    /// The number in full, in digits alone with the country code first.
    pub(super) fn full(&self, party: &Party) -> String {
        let digits = party.digits.as_str();
        let (code, area) = (&self.country_code, &self.area);
        match party.kind {
            NumberType::International => digits.trim_start_matches("00").to_owned(),
            NumberType::National => format!("{code}{}", digits.trim_start_matches('0')),
            NumberType::Subscriber => format!("{code}{area}{digits}"),
            NumberType::Unknown
            | NumberType::NetworkSpecific
            | NumberType::Abbreviated
            | NumberType::Reserved(_) => self.dialled(digits),
        }
    }

    /// The number in full that somebody here has dialled with prefixes.
    fn dialled(&self, digits: &str) -> String {
        let (code, area) = (&self.country_code, &self.area);
        if let Some(rest) = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")) {
            return rest.to_owned();
        }
        if let Some(rest) = digits.strip_prefix('0') {
            return format!("{code}{rest}");
        }
        if digits.starts_with(code.as_str()) && Some(digits.len()) == self.digits {
            return digits.to_owned();
        }
        if digits.len() <= LOCAL_DIGITS_MAX {
            return format!("{code}{area}{digits}");
        }
        format!("{code}{digits}")
    }

    /// The called party element for a number of the box.
    pub(super) fn called(&self, full: &str) -> Party {
        let national = full.strip_prefix(self.country_code.as_str());
        let local = national.and_then(|digits| digits.strip_prefix(self.area.as_str()));
        match (self.gives, national, local) {
            (Form::Local, _, Some(local)) => Party::new(NumberType::Subscriber, local),
            (Form::National | Form::Local, Some(national), _) => {
                Party::new(NumberType::National, national)
            }
            (Form::International, _, _) | (_, None, _) => {
                Party::new(NumberType::International, full)
            }
        }
    }

    /// The calling party element for a customer. A withheld number stays in the network.
    pub(super) fn calling(&self, full: &str, withheld: bool) -> Party {
        if withheld {
            let none = Party { plan: NumberPlan::Unknown, ..Party::new(NumberType::Unknown, "") };
            return none.shown(Presentation::Restricted, Screening::Network);
        }
        let party = match full.strip_prefix(self.country_code.as_str()) {
            Some(national) => Party::new(NumberType::National, national),
            None => Party::new(NumberType::International, full),
        };
        party.shown(Presentation::Allowed, Screening::Network)
    }

    /// The redirecting number element: `full` sends its calls on to the box.
    pub(super) fn redirecting(&self, full: &str) -> Redirecting {
        let party = self.calling(full, false);
        Redirecting { party, reason: Some(RedirectionReason::Unconditional) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        let plan = Plan::default();
        let full = |kind, digits: &str| plan.full(&Party::new(kind, digits));
        for (kind, digits) in [
            (NumberType::International, "8613800001111"),
            (NumberType::National, "13800001111"),
            (NumberType::Unknown, "13800001111"),
            (NumberType::Unknown, "013800001111"),
            (NumberType::Unknown, "008613800001111"),
            (NumberType::Unknown, "8613800001111"),
        ] {
            assert_eq!(full(kind, digits), "8613800001111", "{kind:?} {digits}");
        }
        assert_eq!(full(NumberType::Subscriber, "62000000"), "861062000000");
        assert_eq!(full(NumberType::Unknown, "62000000"), "861062000000");
        assert_eq!(full(NumberType::Unknown, "01062000000"), "861062000000");
        assert_eq!(full(NumberType::Unknown, "004930123456"), "4930123456");
    }

    #[test]
    fn the_box_is_given_numbers_as_its_line_has_them() {
        let plan = |gives| Plan { gives, ..Plan::default() };
        let called = |gives, full: &str| {
            let party = plan(gives).called(full);
            (party.kind, party.digits)
        };
        let number = "861062000000";
        let local = (NumberType::Subscriber, "62000000".to_owned());
        let national = (NumberType::National, "1062000000".to_owned());
        let international = (NumberType::International, number.to_owned());
        assert_eq!(called(Form::Local, number), local);
        assert_eq!(called(Form::National, number), national);
        assert_eq!(called(Form::International, number), international);
        assert_eq!(called(Form::Local, "862162000000").0, NumberType::National);
        assert_eq!(called(Form::National, "4930123456").0, NumberType::International);
    }

    #[test]
    fn a_withheld_number_stays_in_the_network() {
        let plan = Plan::default();
        let shown = plan.calling("8613800001111", false);
        assert_eq!((shown.kind, shown.digits.as_str()), (NumberType::National, "13800001111"));
        assert_eq!(shown.screening, Some(Screening::Network));
        let withheld = plan.calling("8613800001111", true);
        assert_eq!(withheld.presentation, Some(Presentation::Restricted));
        assert_eq!(withheld.digits, "");
    }
}
