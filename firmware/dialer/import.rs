//! A list file, row by row: every row ends in exactly one of five places, and the counts add up.
//!
//! [`crate::rows`] takes the file apart; the caller hands its cells over as text. Here nothing is
//! read and nothing is written. What is already known of a number (in the campaign, on the do-not-call list)
//! the caller answers through [`Known`], so that the same code serves a dry run.

use std::collections::{BTreeMap, BTreeSet};

use call::Number;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::number::{NumberRefused, Plan, Repair};
use crate::route::{Denied, Destinations, Origin};
use crate::rows::Broken;

/// Header names of the columns that we know, in both languages, compared without case and spaces.
const PHONE_NAMES: [&str; 21] = [
    "电话",
    "手机",
    "手机号",
    "手机号码",
    "电话号码",
    "联系电话",
    "联系方式",
    "号码",
    "客户电话",
    "移动电话",
    "固定电话",
    "座机",
    "phone",
    "phonenumber",
    "mobile",
    "mobilephone",
    "tel",
    "telephone",
    "number",
    "cell",
    "msisdn",
];
const NAME_NAMES: [&str; 10] = [
    "姓名",
    "名字",
    "客户",
    "客户姓名",
    "客户名称",
    "联系人",
    "称呼",
    "name",
    "fullname",
    "customer",
];

/// Which column holds what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// The columns with numbers, in order of preference: the first that is filled is dialled.
    pub phones: Vec<usize>,
    /// The column with the person's name.
    pub name: Option<usize>,
    /// The name of every column, as the file says it; generated where the file has no header.
    pub titles: Vec<String>,
    /// The first row is a header, not a person.
    pub header: bool,
}

/// Why a file cannot be imported at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRefused {
    /// No column holds numbers.
    #[error("no column is named like a phone number (电话, 手机, phone, ...) among {seen:?}")]
    NoPhone {
        /// The first row.
        seen: Vec<String>,
    },
    /// Too many columns.
    #[error("{count} columns, at most {} are taken", limits::COLUMNS_MAX)]
    TooMany {
        /// How many.
        count: usize,
    },
}

impl Columns {
    /// The columns that the first row names. A first row without known names but with exactly one
    /// number in it is taken for a person: the file has no header.
    ///
    /// # Errors
    /// Says what was seen when no column can be dialled.
    pub fn read(first: &[&str], plan: &Plan) -> Result<Columns, HeaderRefused> {
        if first.len() > limits::COLUMNS_MAX {
            return Err(HeaderRefused::TooMany { count: first.len() });
        }
        let titles = distinct(first.iter().map(|title| bare(title)));
        let named = |names: &[&str]| -> Vec<usize> {
            let columns = first.iter().enumerate();
            let is = |title: &str| names.contains(&folded(title).as_str());
            columns.filter(|(_, title)| is(bare(title))).map(|(column, _)| column).collect()
        };
        let phones = named(&PHONE_NAMES);
        if !phones.is_empty() {
            let name = named(&NAME_NAMES).first().copied();
            return Ok(Columns { phones, name, titles, header: true });
        }
        let numbers: Vec<usize> = (0..first.len())
            .filter(|i| first.get(*i).is_some_and(|text| plan.read(bare(text)).is_ok()))
            .collect();
        let [only] = numbers.as_slice() else {
            return Err(HeaderRefused::NoPhone { seen: some_of(&titles) });
        };
        let name = first.iter().position(|text| text.chars().any(char::is_alphabetic));
        let titles = (1..=titles.len()).map(|column| format!("column {column}")).collect();
        Ok(Columns { phones: vec![*only], name, titles, header: false })
    }

    /// The column whose number is dialled, as a message names it.
    #[must_use]
    pub fn phone_title(&self) -> String {
        self.title(self.phones.first().copied().unwrap_or(0))
    }

    /// How a message names the column with this index.
    fn title(&self, column: usize) -> String {
        self.titles.get(column).cloned().unwrap_or_else(|| format!("column {}", column + 1))
    }
}

/// A person of the list who can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// In stored form.
    pub number: Number,
    /// As the list wrote it.
    pub raw: String,
    /// The name, if the list has one.
    pub name: Option<String>,
    /// Every other filled field, by its column's title.
    pub fields: Vec<(String, String)>,
    /// What was undone to read the number.
    pub repairs: Vec<Repair>,
}

/// Where the same person already is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicate {
    /// In this file, in an earlier row.
    InFile {
        /// Its row number.
        row: u64,
    },
    /// In the campaign already.
    InCampaign,
}

/// Why a row was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RowReason {
    /// The number cannot be read.
    #[error("{0}")]
    Number(#[from] NumberRefused),
    /// The number may not be called.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// The file is not UTF-8: the field holds signs that were lost in reading.
    #[error("the text is not UTF-8: save the file as \"CSV UTF-8\" and upload it again")]
    Encoding,
    /// The field is too long.
    #[error("longer than {} bytes", limits::FIELD_BYTES_MAX)]
    FieldTooLong,
    /// The row has more fields than are taken.
    #[error("more than {} fields", limits::COLUMNS_MAX)]
    TooManyFields,
    /// The row is too long.
    #[error("longer than {} bytes", limits::ROW_BYTES_MAX)]
    RowTooLong,
    /// A quote is opened and not closed.
    #[error("a quote is opened and not closed: close it, or leave it out")]
    QuoteOpen,
    /// The file has more rows than are taken.
    #[error("beyond row {}: split the file", limits::ROWS_MAX)]
    TooManyRows,
}

impl RowReason {
    /// The word for programs; it never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            RowReason::Number(why) => why.word(),
            RowReason::Denied(why) => why.word(),
            RowReason::Encoding => "encoding",
            RowReason::FieldTooLong => "field_too_long",
            RowReason::TooManyFields => "too_many_fields",
            RowReason::RowTooLong => "row_too_long",
            RowReason::QuoteOpen => "quote_open",
            RowReason::TooManyRows => "too_many_rows",
        }
    }

    /// The bound that the word speaks of.
    #[must_use]
    pub const fn most(self) -> Option<u64> {
        match self {
            RowReason::FieldTooLong => Some(limits::FIELD_BYTES_MAX as u64),
            RowReason::TooManyFields => Some(limits::COLUMNS_MAX as u64),
            RowReason::RowTooLong => Some(limits::ROW_BYTES_MAX as u64),
            RowReason::TooManyRows => Some(limits::ROWS_MAX),
            RowReason::Number(_)
            | RowReason::Denied(_)
            | RowReason::Encoding
            | RowReason::QuoteOpen => None,
        }
    }
}

impl From<Broken> for RowReason {
    fn from(broken: Broken) -> RowReason {
        match broken {
            Broken::QuoteOpen => RowReason::QuoteOpen,
            Broken::TooLong => RowReason::RowTooLong,
        }
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken. With repairs it counts as repaired, without as accepted.
    Taken(Person),
    /// The person is already there.
    Duplicate {
        /// Whose number.
        number: Number,
        /// Where.
        of: Duplicate,
    },
    /// The person is on the do-not-call list.
    DoNotCall {
        /// Whose number.
        number: Number,
    },
    /// Not taken.
    Refused {
        /// The column's title.
        field: String,
        /// Why.
        reason: RowReason,
    },
}

/// How many rows ended where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows in all, the header excepted.
    pub rows: u64,
    /// Taken as they were.
    pub accepted: u64,
    /// Taken after a repair.
    pub repaired: u64,
    /// Already in the file or in the campaign.
    pub duplicate: u64,
    /// On the do-not-call list.
    pub do_not_call: u64,
    /// Refused.
    pub refused: u64,
}

impl Counts {
    /// Whether every row is accounted for.
    #[must_use]
    pub const fn add_up(&self) -> bool {
        self.rows
            == self.accepted + self.repaired + self.duplicate + self.do_not_call + self.refused
    }
}

/// What the caller knows of a number.
pub trait Known {
    /// The campaign already has it.
    fn in_campaign(&self, number: &Number) -> bool;
    /// It is on the tenant's do-not-call list.
    fn do_not_call(&self, number: &Number) -> bool;
}

/// One import.
#[derive(Debug)]
pub struct Import<'a> {
    plan: &'a Plan,
    destinations: &'a Destinations,
    columns: Columns,
    /// The first row of every number that was met, by [`key`].
    seen: BTreeMap<u64, u64>,
    counts: Counts,
}

impl<'a> Import<'a> {
    /// An import of rows with these columns.
    #[must_use]
    pub const fn new(plan: &'a Plan, destinations: &'a Destinations, columns: Columns) -> Self {
        let counts =
            Counts { rows: 0, accepted: 0, repaired: 0, duplicate: 0, do_not_call: 0, refused: 0 };
        Import { plan, destinations, columns, seen: BTreeMap::new(), counts }
    }

    /// The verdict on row `row` (the header, if there is one, is not handed over).
    pub fn handle_row(&mut self, row: u64, fields: &[&str], known: &dyn Known) -> Verdict {
        self.counts.rows += 1;
        let verdict = self.judge(row, fields, known).unwrap_or_else(|refused| refused);
        let count = match &verdict {
            Verdict::Taken(person) if person.repairs.is_empty() => &mut self.counts.accepted,
            Verdict::Taken(_) => &mut self.counts.repaired,
            Verdict::Duplicate { .. } => &mut self.counts.duplicate,
            Verdict::DoNotCall { .. } => &mut self.counts.do_not_call,
            Verdict::Refused { .. } => &mut self.counts.refused,
        };
        *count += 1;
        verdict
    }

    /// A row that could not be taken apart, or is no text.
    pub fn handle_broken_row(&mut self, reason: RowReason) -> Verdict {
        self.counts.rows += 1;
        self.counts.refused += 1;
        self.refused(self.phone_column(), reason)
    }

    /// The counts so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn judge(&mut self, row: u64, fields: &[&str], known: &dyn Known) -> Result<Verdict, Verdict> {
        self.check_bounds(fields)?;
        let (column, raw) = self.phone(fields);
        let normal = self.plan.read(raw).map_err(|why| self.refused(column, why.into()))?;
        let number = normal.number;
        self.destinations
            .permit(Origin::Machine, normal.class, &number)
            .map_err(|why| self.refused(column, why.into()))?;
        let first = *self.seen.entry(key(&number)).or_insert(row);
        if first != row {
            return Ok(Verdict::Duplicate { number, of: Duplicate::InFile { row: first } });
        }
        if known.do_not_call(&number) {
            return Ok(Verdict::DoNotCall { number });
        }
        if known.in_campaign(&number) {
            return Ok(Verdict::Duplicate { number, of: Duplicate::InCampaign });
        }
        Ok(Verdict::Taken(self.person(fields, column, raw, number, normal.repairs)))
    }

    fn check_bounds(&self, fields: &[&str]) -> Result<(), Verdict> {
        if self.counts.rows > limits::ROWS_MAX {
            return Err(self.refused(self.phone_column(), RowReason::TooManyRows));
        }
        if fields.len() > limits::COLUMNS_MAX {
            return Err(self.refused(limits::COLUMNS_MAX, RowReason::TooManyFields));
        }
        for (column, field) in fields.iter().enumerate() {
            if field.len() > limits::FIELD_BYTES_MAX {
                return Err(self.refused(column, RowReason::FieldTooLong));
            }
            if field.contains(['\u{fffd}', '\0']) {
                return Err(self.refused(column, RowReason::Encoding));
            }
        }
        Ok(())
    }

    /// The first phone column that is filled, or else the first.
    fn phone<'f>(&self, fields: &[&'f str]) -> (usize, &'f str) {
        let field = |column: usize| fields.get(column).map_or("", |field| bare(field));
        let filled = self.columns.phones.iter().find(|column| !field(**column).is_empty());
        let column = filled.copied().unwrap_or(self.phone_column());
        (column, field(column))
    }

    fn phone_column(&self) -> usize {
        self.columns.phones.first().copied().unwrap_or(0)
    }

    fn person(
        &self,
        fields: &[&str],
        phone: usize,
        raw: &str,
        number: Number,
        repairs: Vec<Repair>,
    ) -> Person {
        let filled = fields.iter().enumerate().map(|(column, field)| (column, bare(field)));
        let filled = filled.filter(|(_, field)| !field.is_empty());
        let (names, others): (Vec<_>, Vec<_>) =
            filled.filter(|(c, _)| *c != phone).partition(|(c, _)| Some(*c) == self.columns.name);
        let name = names.first().map(|(_, name)| (*name).to_owned());
        let fields = others.iter().map(|(c, field)| (self.columns.title(*c), (*field).to_owned()));
        Person { number, raw: raw.to_owned(), name, fields: fields.collect(), repairs }
    }

    fn refused(&self, column: usize, reason: RowReason) -> Verdict {
        Verdict::Refused { field: self.columns.title(column), reason }
    }
}

/// A number as an integer: its digits behind a 1, so that leading zeros count, doubled and marked
/// for short codes. 15 digits fit.
fn key(number: &Number) -> u64 {
    let digits = number.as_str().bytes().filter(|b| *b != b'+').fold(1u64, |sum, byte| {
        let digit = match byte {
            b'*' => 10,
            b'#' => 11,
            digit => u64::from(digit.saturating_sub(b'0')),
        };
        sum.wrapping_mul(12).wrapping_add(digit)
    });
    digits.wrapping_mul(2) | u64::from(number.is_e164())
}

/// A field without the byte order mark and the white space around it.
fn bare(field: &str) -> &str {
    field.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Titles of which no two are the same and none is empty, so that no cell is written over another.
fn distinct<'t>(titles: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut named = Vec::new();
    for (column, title) in (1usize..).zip(titles) {
        // A title is kept beside every row.
        let title: String = title.chars().take(limits::TITLE_CHARS_MAX).collect();
        let title = if title.is_empty() { format!("column {column}") } else { title };
        let others = (2..).map(|n: usize| format!("{title} ({n})"));
        let mut wanted = core::iter::once(title.clone()).chain(others);
        let free = wanted.find(|title| !seen.contains(title)).unwrap_or(title);
        seen.insert(free.clone());
        named.push(free);
    }
    named
}

/// The beginning of a first row, for a message.
fn some_of(titles: &[String]) -> Vec<String> {
    let short = |title: &String| title.chars().take(limits::LABEL_CHARS_MAX).collect();
    titles.iter().take(8).map(short).collect()
}

fn folded(title: &str) -> String {
    let kept = title.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '.'));
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct House {
        campaign: BTreeSet<String>,
        barred: BTreeSet<String>,
    }

    impl Known for House {
        fn in_campaign(&self, number: &Number) -> bool {
            self.campaign.contains(number.as_str())
        }
        fn do_not_call(&self, number: &Number) -> bool {
            self.barred.contains(number.as_str())
        }
    }

    fn read(first: &[&str]) -> Result<Columns, HeaderRefused> {
        Columns::read(first, &Plan::default())
    }

    #[test]
    fn headers_are_known_in_both_languages_however_they_are_written() {
        let columns = read(&["\u{feff}姓名", " 手机 号码 ", "备注"]).unwrap();
        assert_eq!((columns.phones.as_slice(), columns.name), ([1].as_slice(), Some(0)));
        assert_eq!(columns.titles[0], "姓名");
        let columns = read(&["Mobile_Phone", "TEL", "Full Name"]).unwrap();
        assert_eq!((columns.phones.as_slice(), columns.name), ([0, 1].as_slice(), Some(2)));
        assert!(columns.header);
    }

    #[test]
    fn two_columns_of_one_title_are_told_apart_and_both_kept() {
        let columns = read(&["手机", "备注", "备注", "", "手机"]).unwrap();
        assert_eq!(columns.titles, ["手机", "备注", "备注 (2)", "column 4", "手机 (2)"]);
        assert_eq!(columns.phones, [0, 4]);
    }

    #[test]
    fn a_file_without_a_header_is_taken_when_its_first_row_has_one_number() {
        let columns = read(&["王五", "13800138000"]).unwrap();
        assert_eq!((columns.phones.as_slice(), columns.name), ([1].as_slice(), Some(0)));
        assert!(!columns.header);
        let seen = vec!["甲".to_owned(), "乙".to_owned()];
        assert_eq!(read(&["甲", "乙"]), Err(HeaderRefused::NoPhone { seen }));
        assert_eq!(read(&["x"; 65]), Err(HeaderRefused::TooMany { count: 65 }));
    }

    #[test]
    fn every_row_of_a_list_with_everything_in_it_is_accounted_for() {
        let plan = Plan::default();
        let destinations = Destinations::default();
        let mut known = House::default();
        known.campaign.insert("+8613900139000".to_owned());
        known.barred.insert("+8613700137000".to_owned());
        let columns = read(&["姓名", "手机", "座机", "城市"]).unwrap();
        let mut import = Import::new(&plan, &destinations, columns);
        let mut place = 0;
        let mut row = |fields: &[&str]| {
            place += 1;
            import.handle_row(place, fields, &known)
        };
        let refused = |field: &str, reason| Verdict::Refused { field: field.to_owned(), reason };

        let Verdict::Taken(person) = row(&["张三", "13800138000", "", "深圳"]) else {
            panic!()
        };
        assert_eq!(person.name.as_deref(), Some("张三"));
        assert_eq!(person.fields, [("城市".to_owned(), "深圳".to_owned())]);
        let Verdict::Taken(person) = row(&["李四", "", "0755-8888 6666", ""]) else { panic!() };
        assert_eq!(person.repairs, [Repair::Separators]);
        assert_eq!(person.raw, "0755-8888 6666");
        let number: Number = "+8613800138000".parse().unwrap();
        assert_eq!(
            row(&["张三", "+86 138 0013 8000"]),
            Verdict::Duplicate { number, of: Duplicate::InFile { row: 1 } }
        );
        assert!(matches!(
            row(&["赵六", "13900139000"]),
            Verdict::Duplicate { of: Duplicate::InCampaign, .. }
        ));
        assert!(matches!(row(&["孙七", "13700137000"]), Verdict::DoNotCall { .. }));
        assert_eq!(row(&["空"]), refused("手机", RowReason::Number(NumberRefused::Empty)));
        assert_eq!(row(&["", "1.38E+10"]), refused("手机", NumberRefused::Rounded.into()));
        assert_eq!(row(&["警", "110"]), refused("手机", Denied::Emergency.into()));
        assert_eq!(row(&["\u{fffd}\u{fffd}", "13800138001"]), refused("姓名", RowReason::Encoding));
        let long = "x".repeat(limits::FIELD_BYTES_MAX + 1);
        assert_eq!(row(&[&long, "13800138001"]), refused("姓名", RowReason::FieldTooLong));
        assert_eq!(row(&["1"; 65]), refused("column 65", RowReason::TooManyFields));
        import.handle_broken_row(Broken::QuoteOpen.into());

        let counts = *import.counts();
        assert!(counts.add_up());
        let expected =
            Counts { rows: 12, accepted: 1, repaired: 1, duplicate: 2, do_not_call: 1, refused: 7 };
        assert_eq!(counts, expected);
    }

    fn cell() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => (0u32..30).prop_map(|n| format!("138001380{n:02}")),
            1 => (0u32..30).prop_map(|n| format!("+86 138-0013-80{n:02}")),
            1 => "\\PC{0,12}",
            1 => prop::sample::select(vec!["", "110", "1.38E+10", "\u{fffd}"]).prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn the_counts_add_up_to_the_rows_and_nobody_is_taken_twice_or_against_their_will(
            rows in prop::collection::vec(prop::collection::vec(cell(), 0..4), 0..60),
            barred in prop::collection::btree_set(0u32..30, 0..5),
        ) {
            let plan = Plan::default();
            let destinations = Destinations::default();
            let barred = barred.iter().map(|n| format!("+86138001380{n:02}")).collect();
            let known = House { campaign: BTreeSet::new(), barred };
            let columns = read(&["phone", "name", "tel"]).unwrap();
            let mut import = Import::new(&plan, &destinations, columns);
            let mut taken = BTreeSet::new();
            for (place, row) in (1..).zip(&rows) {
                let fields: Vec<&str> = row.iter().map(String::as_str).collect();
                if let Verdict::Taken(person) = import.handle_row(place, &fields, &known) {
                    prop_assert!(!known.barred.contains(person.number.as_str()));
                    prop_assert!(taken.insert(person.number), "taken twice");
                }
            }
            prop_assert_eq!(import.counts().rows, rows.len() as u64);
            prop_assert!(import.counts().add_up());
        }

        #[test]
        fn two_numbers_never_share_a_key(a in "\\+[0-9]{7,15}|[0-9*#]{2,6}", b in "\\+[0-9]{7,15}|[0-9*#]{2,6}") {
            let a: Number = a.parse().unwrap();
            let b: Number = b.parse().unwrap();
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }
}
