//! What lists and people write, turned into one stored [`Number`], and the class of its destination.
//!
//! Our own table of short codes comes first (the numbering-plan crate calls 110 and 95588 invalid),
//! then what people and spreadsheets do to a number is undone, each repair by name, and only
//! then the plan (crate `phonenumber`, the public metadata of E.164 plans) says whether it is one.
//! It is asked only for validity, country and class: what it silently strips itself (an IP-dialling
//! prefix such as 17912) is stripped here before, so that it is told.

use core::fmt;
use core::str::FromStr;

use call::Number;
use phonenumber::country;
use serde::{Deserialize, Serialize};

use crate::limits;

/// The numbering plan of the place where the box stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    country: country::Id,
    outside_prefix: String,
}

/// Why a plan was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefused {
    /// No such country.
    #[error("{0:?} is not a country: write its ISO 3166 letters, such as CN")]
    Country(String),
    /// The outside prefix is no digits.
    #[error("{0:?} is not an outside-line prefix: write up to 4 digits, such as 9, or nothing")]
    OutsidePrefix(String),
}

/// Something that was undone to read a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// Full-width digits or signs were written as half-width ones.
    FullWidth,
    /// Spaces, hyphens, brackets, dots or slashes were left out.
    Separators,
    /// A spreadsheet's leading apostrophe or ="..." was left out.
    SpreadsheetText,
    /// A spreadsheet's 1.38E+10 was written out. Only where no digit was lost.
    Scientific,
    /// A spreadsheet's trailing .0 was left out.
    TrailingZero,
    /// The digit that fetches an outside line was left out.
    OutsidePrefix,
    /// An IP-dialling prefix (17909, 17912, ...) was left out.
    IpPrefix,
    /// 00 or another international prefix was written as a plus sign.
    InternationalPrefix,
    /// A country code without plus sign was recognised.
    CountryCode,
    /// The trunk zero before a mobile number was left out.
    TrunkZero,
    /// An area code was added to a local number.
    AreaCode,
}

/// Where a number leads, seen from the box's country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A mobile phone of the country.
    Mobile,
    /// A fixed line of the country, or one that may be either.
    Fixed,
    /// A number of the country that is free or costs a local call (400, 800).
    Service,
    /// A premium or shared-cost number, in whatever country, or a satellite network.
    Premium,
    /// A number of another country.
    International,
    /// Police, fire, ambulance and their like.
    Emergency,
    /// A short code (10086, 95588).
    Short,
}

/// A number that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normal {
    /// In stored form.
    pub number: Number,
    /// What was undone, in the order of [`Repair`]; none: accepted as it was.
    pub repairs: Vec<Repair>,
    /// Where it leads.
    pub class: Class,
}

/// Why a text is not a number that can be dialled.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum NumberRefused {
    /// Nothing is written.
    #[error("no number is written")]
    Empty,
    /// The text is longer than any number.
    #[error("longer than any number")]
    TooLong,
    /// There are letters or other signs.
    #[error("letters or signs that no number has")]
    Letters,
    /// A spreadsheet has rounded it: digits are lost.
    #[error("a spreadsheet has rounded it: format the column as text and export again")]
    Rounded,
    /// Too few digits for the country's plan.
    #[error("too few digits")]
    TooShort,
    /// Too many digits for the country's plan.
    #[error("too many digits")]
    TooManyDigits,
    /// The right length perhaps, but no such number exists in its country's plan.
    #[error("no such number in its country's plan")]
    NotInPlan,
}
