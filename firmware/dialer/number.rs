//! What lists and people write, turned into one stored [`Number`], and the class of its destination.
//!
//! Our own table of short codes comes first (the numbering-plan crate calls 110 and 95588 invalid),
//! then what people and spreadsheets do to a number is undone, each repair by name, and only
//! then the plan (crate `phonenumber`, the public metadata of E.164 plans) says whether it is one.
//! It is asked only for validity, country and class: what it silently strips itself (an IP-dialling
//! prefix such as 17912) is stripped here before, so that it is told.

use core::str::FromStr;

use call::Number;
use phonenumber::country;

use crate::limits;

/// The numbering plan of the place where the box stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    country: country::Id,
    outside_prefix: String,
    area_code: String,
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
    /// The area code is no digits.
    #[error("{0:?} is not an area code: write up to 4 digits without the leading 0, or nothing")]
    AreaCode(String),
}

words! {
    /// Something that was undone to read a number.
    pub enum Repair {
        /// Full-width digits or signs were written as half-width ones.
        FullWidth = "full_width",
        /// Spaces, hyphens, brackets, dots, slashes or invisible signs were left out.
        Separators = "separators",
        /// A spreadsheet's leading apostrophe or ="..." was left out.
        SpreadsheetText = "spreadsheet_text",
        /// A spreadsheet's 1.3800138000E+10 was written out. Only where no digit was lost.
        Scientific = "scientific",
        /// A spreadsheet's trailing .0 was left out.
        TrailingZero = "trailing_zero",
        /// The digit that fetches an outside line was left out.
        OutsidePrefix = "outside_prefix",
        /// An IP-dialling prefix (17909, 17912, ...) was left out.
        IpPrefix = "ip_prefix",
        /// 00 or another international prefix was written as a plus sign.
        InternationalPrefix = "international_prefix",
        /// A country code without plus sign was recognised.
        CountryCode = "country_code",
        /// The trunk zero before a number that has none was left out.
        TrunkZero = "trunk_zero",
        /// The box's area code was added to a local number.
        AreaCode = "area_code",
    }
}

words! {
    /// Where a number leads, seen from the box's country.
    pub enum Class {
        /// A mobile phone of the country.
        Mobile = "mobile",
        /// A fixed line of the country, or one that may be either.
        Fixed = "fixed",
        /// A number of the country that is free or costs a local call (400, 800).
        Service = "service",
        /// A premium or shared-cost number of whatever country, or a satellite network.
        Premium = "premium",
        /// A number of another country.
        International = "international",
        /// Police, fire, ambulance and their like.
        Emergency = "emergency",
        /// A short code (10086, 95588).
        Short = "short",
    }
}

/// A number that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normal {
    /// In stored form.
    pub number: Number,
    /// What was undone, each once, in the order of [`Repair::ALL`]; none: accepted as it was.
    pub repairs: Vec<Repair>,
    /// Where it leads.
    pub class: Class,
}

words! {
    /// Why a text is not a number that can be dialled.
    #[derive(thiserror::Error)]
    pub enum NumberRefused {
        /// Nothing is written.
        #[error("no number is written")]
        Empty = "empty",
        /// The text is longer than [`limits::NUMBER_TEXT_MAX`] bytes.
        #[error("longer than any number")]
        TooLong = "too_long",
        /// There are letters or other signs.
        #[error("letters or signs that no number has")]
        Letters = "letters",
        /// A spreadsheet has rounded it: digits are lost.
        #[error("a spreadsheet has rounded it: format the column as text and export again")]
        Rounded = "rounded",
        /// Fewer digits than any number of the plan.
        #[error("too few digits")]
        TooShort = "too_short",
        /// More digits than any number has.
        #[error("too many digits")]
        TooManyDigits = "too_many_digits",
        /// The right length perhaps, but no such number exists in its country's plan.
        #[error("no such number in its country's plan")]
        NotInPlan = "not_in_plan",
    }
}

/// Numbers of emergency services somewhere; none of them is ever dialled by a machine.
const EMERGENCY: [&str; 8] = ["110", "119", "120", "122", "112", "911", "999", "000"];

/// Prefixes of IP dialling in China, dialled before a whole number.
const IP_PREFIXES: [&str; 14] = [
    "17900", "17901", "17908", "17909", "17910", "17911", "17912", "17931", "17950", "17951",
    "17968", "17969", "12593", "11808",
];

/// Country codes that no country has: satellite networks and international premium rate.
const COUNTRYLESS_COSTLY: [u16; 5] = [870, 881, 882, 883, 979];

impl Default for Plan {
    /// China, 9 fetches an outside line, no area code.
    fn default() -> Plan {
        Plan { country: country::CN, outside_prefix: "9".to_owned(), area_code: String::new() }
    }
}

impl Plan {
    /// The plan of a country (ISO 3166 letters), with the digits that fetch an outside line and the
    /// box's own area code without its trunk zero; both may be empty.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn new(country: &str, outside_prefix: &str, area_code: &str) -> Result<Plan, PlanRefused> {
        let short_digits = |text: &str| {
            text.len() <= limits::OUTSIDE_PREFIX_MAX && text.bytes().all(|b| b.is_ascii_digit())
        };
        if !short_digits(outside_prefix) {
            return Err(PlanRefused::OutsidePrefix(outside_prefix.to_owned()));
        }
        if !short_digits(area_code) || area_code.starts_with('0') {
            return Err(PlanRefused::AreaCode(area_code.to_owned()));
        }
        let country = country::Id::from_str(&country.to_ascii_uppercase())
            .map_err(|_| PlanRefused::Country(country.to_owned()))?;
        let outside_prefix = outside_prefix.to_owned();
        Ok(Plan { country, outside_prefix, area_code: area_code.to_owned() })
    }

    /// Reads what a list or a person wrote.
    ///
    /// # Errors
    /// Says why it is not a number that can be dialled.
    pub fn read(&self, text: &str) -> Result<Normal, NumberRefused> {
        let written = Written::of(text)?;
        let mut repairs = written.repairs;
        let dialled = if written.plus {
            self.international(&written.digits)?
        } else {
            self.as_dialled(&written.digits)?
        };
        repairs.extend(dialled.repairs);
        repairs.sort_unstable();
        repairs.dedup();
        Ok(Normal { number: dialled.number, repairs, class: dialled.class })
    }

    /// Where a stored number leads. What the plan does not know is premium: denied by default.
    #[must_use]
    pub fn class(&self, number: &Number) -> Class {
        if !number.is_e164() {
            return if is_emergency(number.digits()) { Class::Emergency } else { Class::Short };
        }
        if self.country == country::CN
            && let Some(subscriber) = number.digits().strip_prefix("86")
        {
            if is_chinese_short_code(subscriber) {
                return Class::Short;
            }
            if is_chinese_mobile(subscriber) {
                return Class::Mobile;
            }
        }
        phonenumber::parse(None, number.as_str()).map_or(Class::Premium, |n| self.class_of(&n))
    }

    /// Digits without a plus sign, as somebody would key them on the desk: what is a number as it
    /// stands wins, then what is one behind an IP prefix, then behind the outside-line digit.
    fn as_dialled(&self, digits: &str) -> Result<Normal, NumberRefused> {
        if let Some(short) = self.short_code(digits) {
            return Ok(short);
        }
        if let Some(mobile) = self.chinese_mobile(digits) {
            return Ok(mobile);
        }
        if let Some(rest) = self.without_ip_prefix(digits) {
            return self.national(rest).map(|n| repaired(n, Repair::IpPrefix));
        }
        let as_it_stands = self.national(digits);
        if as_it_stands.is_ok() || self.outside_prefix.is_empty() {
            return as_it_stands;
        }
        let Some(rest) = digits.strip_prefix(&self.outside_prefix) else { return as_it_stands };
        let behind = match (self.short_code(rest), self.without_ip_prefix(rest)) {
            (Some(short), _) => Ok(short),
            (None, Some(inner)) => self.national(inner).map(|n| repaired(n, Repair::IpPrefix)),
            (None, None) => self.national(rest),
        };
        behind.map(|n| repaired(n, Repair::OutsidePrefix)).or(as_it_stands)
    }

    /// The plan's answer for nearly every row of a list, without asking it: a million rows take it
    /// 15 s, and this none. A test holds the two together.
    fn chinese_mobile(&self, digits: &str) -> Option<Normal> {
        if self.country != country::CN || !is_chinese_mobile(digits) {
            return None;
        }
        let number = Number::from_str(&format!("+86{digits}")).ok()?;
        Some(Normal { number, repairs: Vec::new(), class: Class::Mobile })
    }

    fn without_ip_prefix<'a>(&self, digits: &'a str) -> Option<&'a str> {
        if self.country != country::CN {
            return None;
        }
        let rest = IP_PREFIXES.iter().find_map(|prefix| digits.strip_prefix(prefix))?;
        (rest.len() >= 7).then_some(rest)
    }

    /// Our own table, before the plan: codes that only a local exchange knows.
    fn short_code(&self, digits: &str) -> Option<Normal> {
        let emergency = is_emergency(digits);
        let service = self.country == country::CN && is_chinese_short_code(digits);
        if !emergency && !service {
            return None;
        }
        // A service code of eight digits is stored behind its country code, as no short code is
        // that long.
        let number =
            Number::from_str(digits).or_else(|_| Number::from_str(&format!("+86{digits}"))).ok()?;
        let class = if emergency { Class::Emergency } else { Class::Short };
        Some(Normal { number, repairs: Vec::new(), class })
    }

    /// Digits as dialled inside the country: national, local, or with some international prefix.
    fn national(&self, digits: &str) -> Result<Normal, NumberRefused> {
        if let Some(rest) = digits.strip_prefix(self.international_prefix()) {
            return self.international(rest).map(|n| repaired(n, Repair::InternationalPrefix));
        }
        if digits.len() < 3 {
            return Err(NumberRefused::TooShort);
        }
        let parsed = phonenumber::parse(Some(self.country), digits).ok();
        if let Some(parsed) = parsed.filter(phonenumber::PhoneNumber::is_valid) {
            let mut normal = self.normal(&parsed)?;
            normal.repairs.extend(self.stripped_by_the_plan(digits, &normal));
            return Ok(normal);
        }
        if !self.area_code.is_empty() && (7..=8).contains(&digits.len()) {
            let local = format!("0{}{digits}", self.area_code);
            let parsed = phonenumber::parse(Some(self.country), &local).ok();
            if let Some(parsed) = parsed.filter(phonenumber::PhoneNumber::is_valid) {
                return self.normal(&parsed).map(|n| repaired(n, Repair::AreaCode));
            }
        }
        let code = country_code(self.country);
        if let Some(rest) = digits.strip_prefix(code.as_str())
            && let Ok(normal) = self.international(digits)
            && !rest.starts_with('0')
        {
            return Ok(repaired(normal, Repair::CountryCode));
        }
        Err(refusal_by_length(digits))
    }

    /// What the plan itself took off the front of `digits`, told as a repair.
    fn stripped_by_the_plan(&self, digits: &str, normal: &Normal) -> Option<Repair> {
        let code = country_code(self.country);
        let Some(subscriber) = normal.number.digits().strip_prefix(code.as_str()) else {
            return Some(Repair::InternationalPrefix);
        };
        match digits.strip_suffix(subscriber) {
            Some("") => None,
            Some("0") if normal.class == Class::Fixed => None,
            Some("0") => Some(Repair::TrunkZero),
            Some(front) if front == code => Some(Repair::CountryCode),
            Some(_) | None => Some(Repair::InternationalPrefix),
        }
    }

    /// Digits behind a plus sign.
    fn international(&self, digits: &str) -> Result<Normal, NumberRefused> {
        if digits.len() > call::number::DIGITS_MAX {
            return Err(NumberRefused::TooManyDigits);
        }
        let mobile = digits.strip_prefix("86").and_then(|rest| self.chinese_mobile(rest));
        if let Some(mobile) = mobile {
            return Ok(mobile);
        }
        let parsed = valid_international(digits).ok_or(refusal_by_length(digits))?;
        let normal = self.normal(&parsed)?;
        // +86 (0)138...: the plan leaves out a trunk zero that belongs to national dialling only.
        let as_written = normal.number.digits() == digits;
        Ok(if as_written { normal } else { repaired(normal, Repair::TrunkZero) })
    }

    /// What is dialled before a country code (ITU-T operational bulletin; 00 nearly everywhere).
    fn international_prefix(&self) -> &'static str {
        match country_code(self.country).as_str() {
            "1" => "011",
            "7" => "810",
            "61" => "0011",
            "81" => "010",
            _ => "00",
        }
    }

    fn normal(&self, parsed: &phonenumber::PhoneNumber) -> Result<Normal, NumberRefused> {
        let text = parsed.format().mode(phonenumber::Mode::E164).to_string();
        let number = Number::from_str(&text).map_err(|_| refusal_by_length(&text))?;
        Ok(Normal { number, repairs: Vec::new(), class: self.class_of(parsed) })
    }

    fn class_of(&self, parsed: &phonenumber::PhoneNumber) -> Class {
        use phonenumber::Type;
        if COUNTRYLESS_COSTLY.contains(&parsed.code().value()) {
            return Class::Premium;
        }
        let home = parsed.country().id() == Some(self.country);
        let here = |class| if home { class } else { Class::International };
        match parsed.number_type(&phonenumber::metadata::DATABASE) {
            Type::Mobile => here(Class::Mobile),
            Type::FixedLine | Type::FixedLineOrMobile | Type::Voip | Type::Uan => {
                here(Class::Fixed)
            }
            Type::TollFree | Type::StandardRate => here(Class::Service),
            // 400 numbers: the caller pays a local call.
            Type::SharedCost if home && self.country == country::CN => Class::Service,
            Type::SharedCost
            | Type::PremiumRate
            | Type::PersonalNumber
            | Type::Pager
            | Type::Voicemail
            | Type::Carrier
            | Type::NoInternational
            | Type::Unknown => Class::Premium,
            Type::Emergency => Class::Emergency,
            Type::ShortCode => here(Class::Short),
        }
    }
}

/// A text reduced to its digits.
struct Written {
    digits: String,
    plus: bool,
    repairs: Vec<Repair>,
}

impl Written {
    fn of(text: &str) -> Result<Written, NumberRefused> {
        if text.len() > limits::NUMBER_TEXT_MAX {
            return Err(NumberRefused::TooLong);
        }
        let mut repairs = Vec::new();
        let half: String = text.chars().map(half_width).collect();
        if half.chars().ne(text.chars()) {
            repairs.push(Repair::FullWidth);
        }
        let bare = half.trim_matches(is_separator);
        let bare = match spreadsheet_text(bare) {
            Some(inner) => {
                repairs.push(Repair::SpreadsheetText);
                inner.trim_matches(is_separator)
            }
            None => bare,
        };
        if bare.is_empty() {
            return Err(NumberRefused::Empty);
        }
        if let Some(digits) = scientific(bare) {
            repairs.push(Repair::Scientific);
            return Ok(Written { digits: digits?, plus: false, repairs });
        }
        let bare = match trailing_zero(bare) {
            Some(whole) => {
                repairs.push(Repair::TrailingZero);
                whole
            }
            None => bare,
        };
        let (plus, bare) = match bare.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, bare),
        };
        let separated = bare.chars().any(is_separator) || half.trim() != half;
        if separated {
            repairs.push(Repair::Separators);
        }
        let digits: String = bare.chars().filter(|c| !is_separator(*c)).collect();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NumberRefused::Letters);
        }
        Ok(Written { digits, plus, repairs })
    }
}

fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => {
            u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c)
        }
        other => other,
    }
}

/// Signs that people set between digits, and invisible ones that copying leaves behind.
fn is_separator(c: char) -> bool {
    matches!(
        c,
        '-' | '(' | ')' | '[' | ']' | '.' | '/' | '_' | '·' | '‐' | '‑' | '–' | '—' | '\u{200b}'
            ..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}'
    ) || c.is_whitespace()
}

/// `'138...` and `="138..."`: how spreadsheets are told to leave a number alone.
fn spreadsheet_text(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('\'') {
        return Some(rest.strip_suffix('\'').unwrap_or(rest));
    }
    text.strip_prefix("=\"")?.strip_suffix('"')
}

/// `1.3800138000E+10`: written out when the mantissa has all digits, refused when it has fewer.
fn scientific(text: &str) -> Option<Result<String, NumberRefused>> {
    let (mantissa, exponent) = text.split_once(['E', 'e'])?;
    let exponent: usize = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 1 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let (kept, rest) = match (fraction.get(..exponent), fraction.get(exponent..)) {
        (Some(kept), Some(rest)) => (kept, rest),
        _ => return Some(Err(NumberRefused::Rounded)),
    };
    if rest.bytes().any(|b| b != b'0') {
        return Some(Err(NumberRefused::Letters));
    }
    Some(Ok(format!("{whole}{kept}")))
}

/// `13800138000.0`: how a spreadsheet's number column looks after an export.
fn trailing_zero(text: &str) -> Option<&str> {
    let (whole, fraction) = text.split_once('.')?;
    let plain = whole.len() >= 3 && whole.bytes().all(|b| b.is_ascii_digit());
    let zeros = (1..=2).contains(&fraction.len()) && fraction.bytes().all(|b| b == b'0');
    (plain && zeros).then_some(whole)
}

fn is_emergency(digits: &str) -> bool {
    EMERGENCY.contains(&digits)
}

/// Service codes of the Chinese plan: 114, 100xx, 12xxx, 95xxx to 95xxxxxx, 96xxx and 96xxxx.
fn is_chinese_short_code(digits: &str) -> bool {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    match digits.len() {
        3 => digits == "114",
        5 => ["100", "12", "95", "96"].iter().any(|head| digits.starts_with(head)),
        6 => digits.starts_with("95") || digits.starts_with("96"),
        7 | 8 => digits.starts_with("95"),
        _ => false,
    }
}

/// Mobile numbers of the Chinese plan: eleven digits behind these heads. Newer or rarer heads are
/// the plan's business.
fn is_chinese_mobile(digits: &str) -> bool {
    let &[b'1', second, third, ..] = digits.as_bytes() else { return false };
    let head = match second {
        b'3' | b'8' => true,
        b'5' | b'9' => third != b'4',
        b'7' => matches!(third, b'0'..=b'3' | b'5'..=b'8'),
        _ => false,
    };
    head && digits.len() == 11 && digits.bytes().all(|b| b.is_ascii_digit())
}

fn valid_international(digits: &str) -> Option<phonenumber::PhoneNumber> {
    phonenumber::parse(None, format!("+{digits}")).ok().filter(phonenumber::PhoneNumber::is_valid)
}

fn country_code(country: country::Id) -> String {
    phonenumber::metadata::DATABASE
        .by_id(country.as_ref())
        .map_or_else(String::new, |metadata| metadata.country_code().to_string())
}

fn refusal_by_length(digits: &str) -> NumberRefused {
    match digits.len() {
        0..=6 => NumberRefused::TooShort,
        7..=call::number::DIGITS_MAX => NumberRefused::NotInPlan,
        _ => NumberRefused::TooManyDigits,
    }
}

fn repaired(mut normal: Normal, repair: Repair) -> Normal {
    normal.repairs.push(repair);
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<(String, Vec<Repair>, Class), NumberRefused> {
        Plan::default().read(text).map(|n| (n.number.to_string(), n.repairs, n.class))
    }

    #[track_caller]
    fn reads(text: &str, number: &str, repairs: &[Repair], class: Class) {
        assert_eq!(read(text), Ok((number.to_owned(), repairs.to_vec(), class)), "{text:?}");
    }

    const MOBILE: &str = "+8613800138000";

    #[test]
    fn a_plain_number_is_accepted_as_it_is() {
        reads("13800138000", MOBILE, &[], Class::Mobile);
        reads(MOBILE, MOBILE, &[], Class::Mobile);
        reads("01088886666", "+861088886666", &[], Class::Fixed);
        reads("075588886666", "+8675588886666", &[], Class::Fixed);
        reads("4001234567", "+864001234567", &[], Class::Service);
        reads("8008101234", "+868008101234", &[], Class::Service);
    }

    #[test]
    fn short_codes_are_known_before_the_plan_is_asked() {
        reads("95588", "95588", &[], Class::Short);
        reads("10086", "10086", &[], Class::Short);
        reads("12345", "12345", &[], Class::Short);
        reads("114", "114", &[], Class::Short);
        reads("95013888", "+8695013888", &[], Class::Short);
        assert_eq!(Plan::default().class(&"+8695013888".parse().unwrap()), Class::Short);
    }

    #[test]
    fn emergency_numbers_are_emergency_however_they_are_dialled() {
        for number in EMERGENCY {
            reads(number, number, &[], Class::Emergency);
        }
        reads("9110", "110", &[Repair::OutsidePrefix], Class::Emergency);
        reads(" 1 1 0 ", "110", &[Repair::Separators], Class::Emergency);
        for disguised in ["+86110", "0086110", "010110", "0755120", "17909110", "+8610110"] {
            let read = read(disguised);
            assert!(
                read.is_err() || matches!(read, Ok((_, _, Class::Emergency))),
                "{disguised}: {read:?}"
            );
        }
    }

    #[test]
    fn what_people_put_around_a_number_is_undone_by_name() {
        use Repair::*;
        reads("138 0013 8000", MOBILE, &[Separators], Class::Mobile);
        reads("138-0013-8000", MOBILE, &[Separators], Class::Mobile);
        reads("(010) 8888-6666", "+861088886666", &[Separators], Class::Fixed);
        reads("１３８００１３８０００", MOBILE, &[FullWidth], Class::Mobile);
        reads("＋８６　138 0013 8000", MOBILE, &[FullWidth, Separators], Class::Mobile);
        reads("\u{202d}13800138000\u{202c}", MOBILE, &[], Class::Mobile);
        reads("008613800138000", MOBILE, &[InternationalPrefix], Class::Mobile);
        reads("8613800138000", MOBILE, &[CountryCode], Class::Mobile);
        reads("013800138000", MOBILE, &[TrunkZero], Class::Mobile);
        reads("+86(0)13800138000", MOBILE, &[Separators, TrunkZero], Class::Mobile);
        reads("913800138000", MOBILE, &[OutsidePrefix], Class::Mobile);
        reads("9013800138000", MOBILE, &[OutsidePrefix, TrunkZero], Class::Mobile);
        reads("1791213800138000", MOBILE, &[IpPrefix], Class::Mobile);
        reads("17909013800138000", MOBILE, &[IpPrefix, TrunkZero], Class::Mobile);
        reads(
            "9,17912,13800138000".replace(',', "").as_str(),
            MOBILE,
            &[OutsidePrefix, IpPrefix],
            Class::Mobile,
        );
    }

    #[test]
    fn what_spreadsheets_do_to_a_number_is_undone_where_no_digit_is_lost() {
        use Repair::*;
        reads("'13800138000", MOBILE, &[SpreadsheetText], Class::Mobile);
        reads("=\"13800138000\"", MOBILE, &[SpreadsheetText], Class::Mobile);
        reads("13800138000.0", MOBILE, &[TrailingZero], Class::Mobile);
        reads("1.3800138000E+10", MOBILE, &[Scientific], Class::Mobile);
        assert_eq!(read("1.38E+10"), Err(NumberRefused::Rounded));
        assert_eq!(read("1.38001E+10"), Err(NumberRefused::Rounded));
        assert_eq!(read("8.61380013E+12"), Err(NumberRefused::Rounded));
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_reason() {
        assert_eq!(read(""), Err(NumberRefused::Empty));
        assert_eq!(read("  \u{feff}"), Err(NumberRefused::Empty));
        assert_eq!(read("无"), Err(NumberRefused::Letters));
        assert_eq!(read("138x0138000"), Err(NumberRefused::Letters));
        assert_eq!(read("1380013"), Err(NumberRefused::NotInPlan));
        assert_eq!(read("12"), Err(NumberRefused::TooShort));
        assert_eq!(read("1380013800013900139000"), Err(NumberRefused::TooManyDigits));
        assert_eq!(read(&"1".repeat(65)), Err(NumberRefused::TooLong));
    }

    #[test]
    fn a_local_number_gets_the_area_code_of_the_box_and_only_that() {
        let plan = Plan::new("cn", "", "755").unwrap();
        let normal = plan.read("88886666").unwrap();
        assert_eq!(normal.number.as_str(), "+8675588886666");
        assert_eq!(normal.repairs, [Repair::AreaCode]);
        assert_eq!(read("88886666"), Err(NumberRefused::NotInPlan));
    }

    #[test]
    fn other_countries_and_costly_numbers_have_their_class() {
        reads("+442079460000", "+442079460000", &[], Class::International);
        reads(
            "00442079460000",
            "+442079460000",
            &[Repair::InternationalPrefix],
            Class::International,
        );
        reads("+85223456789", "+85223456789", &[], Class::International);
        let class = |text: &str| read(text).map(|(_, _, class)| class);
        assert_eq!(class("+449098790879"), Ok(Class::Premium));
        for satellite in ["+881612345678", "+870773111632"] {
            assert!(class(satellite).is_err() || class(satellite) == Ok(Class::Premium));
        }
        let us = Plan::new("US", "9", "").unwrap();
        assert_eq!(us.read("(212) 555-0123").unwrap().number.as_str(), "+12125550123");
        assert_eq!(us.read("011 86 138 0013 8000").unwrap().class, Class::International);
        assert_eq!(us.read("911").unwrap().class, Class::Emergency);
    }

    #[test]
    fn a_plan_with_a_wrong_field_is_refused_by_that_field() {
        assert_eq!(Plan::new("XX", "", ""), Err(PlanRefused::Country("XX".to_owned())));
        assert_eq!(Plan::new("CN", "x", ""), Err(PlanRefused::OutsidePrefix("x".to_owned())));
        assert_eq!(Plan::new("CN", "9", "0755"), Err(PlanRefused::AreaCode("0755".to_owned())));
    }

    fn chinese_mobile() -> impl Strategy<Value = String> {
        (prop::sample::select(vec!["138", "139", "186", "150", "177", "199"]), 0u32..100_000_000)
            .prop_map(|(head, tail)| format!("{head}{tail:08}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_text_makes_it_panic_and_what_is_read_is_read_again_unchanged(text in "\\PC{0,24}") {
            let plan = Plan::default();
            if let Ok(first) = plan.read(&text) {
                prop_assert_eq!(plan.class(&first.number), first.class);
                let again = plan.read(first.number.as_str());
                if first.class != Class::Short {
                    let again = again.unwrap();
                    prop_assert_eq!(&again.number, &first.number);
                    prop_assert_eq!(again.class, first.class);
                    prop_assert!(again.repairs.is_empty());
                }
            }
        }

        #[test]
        fn digits_in_any_dress_are_the_same_person(
            mobile in chinese_mobile(),
            front in prop::sample::select(vec!["", "0", "86", "+86", "0086", "9", "17912", "'", "+86 ", "(+86)"]),
            gap in prop::sample::select(vec!["", " ", "-", "."]),
        ) {
            let dressed = format!("{front}{}{gap}{}{gap}{}", &mobile[..3], &mobile[3..7], &mobile[7..]);
            // A bracket before the plus sign is the one dress that is not understood.
            if front != "(+86)" {
                let normal = Plan::default().read(&dressed).unwrap();
                prop_assert_eq!(normal.number.to_string(), format!("+86{}", mobile));
                prop_assert_eq!(normal.class, Class::Mobile);
            }
        }

        #[test]
        fn our_table_of_mobiles_never_says_other_than_the_plan(digits in "1[3-9][0-9]{9}") {
            if is_chinese_mobile(&digits) {
                let asked = valid_international(&format!("86{digits}")).unwrap();
                prop_assert_eq!(Plan::default().class_of(&asked), Class::Mobile);
            }
        }

        #[test]
        fn keyed_digits_never_reach_an_emergency_number_under_another_class(digits in "[0-9+]{1,9}") {
            if let Ok(normal) = Plan::default().read(&digits) {
                let tail = normal.number.digits();
                if EMERGENCY.contains(&tail) {
                    prop_assert_eq!(normal.class, Class::Emergency);
                }
            }
        }
    }
}
