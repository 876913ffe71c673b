//! Calling hours: weekly windows and special dates on the wall clock of one time zone.
//!
//! A window is written in local wall-clock minutes, and an instant is open when its local time lies
//! in a window of its local date. So on the day of a change of the clock a window may be an hour
//! shorter, longer, or (rarely) open twice; never is anything dialled that a person in the zone
//! would read as outside the hours on their own clock.

use std::collections::BTreeMap;

use call::Stamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::limits;

/// Minutes of one day.
const DAY_MINUTES: u16 = 24 * 60;

/// From one wall-clock minute of a day to another: `from_minute` is inside, `to_minute` is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// Minutes after midnight, 0 to 1439.
    pub from_minute: u16,
    /// Minutes after midnight, 1 to 1440 (midnight at the end of the day).
    pub to_minute: u16,
}

impl Window {
    /// From `from` to `to`, each as (hour, minute).
    #[must_use]
    pub const fn new(from: (u16, u16), to: (u16, u16)) -> Window {
        Window { from_minute: from.0 * 60 + from.1, to_minute: to.0 * 60 + to.1 }
    }
}

/// Calling hours as they are configured and stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// IANA name of the zone whose wall clock counts, for example `Asia/Shanghai`.
    pub zone: String,
    /// The windows of each weekday, Monday first. A day without windows is closed.
    pub weekly: [Vec<Window>; 7],
    /// Dates (`2026-10-01`) whose windows replace those of their weekday; none: a holiday.
    #[serde(default)]
    pub special: BTreeMap<String, Vec<Window>>,
}

impl Default for Hours {
    /// 09:00-12:00 and 14:00-20:00 in China, every day.
    fn default() -> Hours {
        let day = vec![Window::new((9, 0), (12, 0)), Window::new((14, 0), (20, 0))];
        Hours {
            zone: "Asia/Shanghai".to_owned(),
            weekly: core::array::from_fn(|_| day.clone()),
            special: BTreeMap::new(),
        }
    }
}

impl Hours {
    /// The whole week, every minute: for tests and for lines inside the house.
    #[must_use]
    pub fn always(zone: &str) -> Hours {
        let day = vec![Window { from_minute: 0, to_minute: DAY_MINUTES }];
        Hours {
            zone: zone.to_owned(),
            weekly: core::array::from_fn(|_| day.clone()),
            special: BTreeMap::new(),
        }
    }
}

/// Why calling hours were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursRefused {
    /// The zone has no such name.
    #[error("{0:?} is not a time zone: write an IANA name such as Asia/Shanghai")]
    Zone(String),
    /// A window ends before it begins, or leaves its day.
    #[error(
        "{day}: a window from {} to {} is empty or leaves the day: it ends later than it begins, at \
         24:00 at the latest; a night is two windows, up to 24:00 and from 00:00",
        clock(*.from),
        clock(*.to)
    )]
    Window {
        /// Of which day.
        day: String,
        /// Its begin.
        from: u16,
        /// Its end.
        to: u16,
    },
    /// Two windows of one day overlap.
    #[error("{day}: two windows overlap at {}: join them", clock(*.minute))]
    Overlap {
        /// Of which day.
        day: String,
        /// Where.
        minute: u16,
    },
    /// A day has too many windows.
    #[error("{day}: {count} windows, at most {} are taken", limits::WINDOWS_PER_DAY_MAX)]
    TooMany {
        /// Which day.
        day: String,
        /// How many.
        count: usize,
    },
    /// A special date is no date.
    #[error("{0:?} is not a date: write it as 2026-10-01")]
    Date(String),
    /// Too many special dates.
    #[error("{count} special dates, at most {} are taken", limits::SPECIAL_DATES_MAX)]
    TooManyDates {
        /// How many.
        count: usize,
    },
}

/// Calling hours that were checked and can be asked.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    weekly: [Vec<Window>; 7],
    special: BTreeMap<Date, Vec<Window>>,
}

impl Calendar {
    /// The calendar of these hours.
    ///
    /// # Errors
    /// Names the field that is wrong and what would be right.
    pub fn new(hours: &Hours) -> Result<Calendar, HoursRefused> {
        const DAYS: [&str; 7] =
            ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let zone =
            TimeZone::get(&hours.zone).map_err(|_| HoursRefused::Zone(hours.zone.clone()))?;
        let mut weekly: [Vec<Window>; 7] = Default::default();
        for ((slot, windows), day) in weekly.iter_mut().zip(&hours.weekly).zip(DAYS) {
            *slot = checked(day, windows)?;
        }
        if hours.special.len() > limits::SPECIAL_DATES_MAX {
            return Err(HoursRefused::TooManyDates { count: hours.special.len() });
        }
        let mut special = BTreeMap::new();
        for (text, windows) in &hours.special {
            let date: Date = text.parse().map_err(|_| HoursRefused::Date(text.clone()))?;
            special.insert(date, checked(text, windows)?);
        }
        Ok(Calendar { zone, weekly, special })
    }

    /// Whether a call may be placed at this instant.
    #[must_use]
    pub fn is_open(&self, at: Stamp) -> bool {
        let Some(local) = self.local(at) else { return false };
        let minute = minute_of(local.time());
        self.windows(local.date()).iter().any(|w| (w.from_minute..w.to_minute).contains(&minute))
    }

    /// The earliest open instant at or after `from`; `None` when there is none within
    /// [`limits::OPENING_SEARCH_DAYS`] days.
    #[must_use]
    pub fn next_open(&self, from: Stamp) -> Option<Stamp> {
        self.next_where(from, true)
    }

    /// The earliest closed instant at or after `from`; `None` when it stays open for
    /// [`limits::OPENING_SEARCH_DAYS`] days.
    #[must_use]
    pub fn next_close(&self, from: Stamp) -> Option<Stamp> {
        self.next_where(from, false)
    }

    /// Openness changes only where the local clock reaches an edge of a window, at local midnight,
    /// or where the clock itself jumps. So those instants are the only candidates.
    fn next_where(&self, from: Stamp, open: bool) -> Option<Stamp> {
        if self.is_open(from) == open {
            self.local(from)?;
            return Some(from);
        }
        let mut date = self.local(from)?.date();
        for _ in 0..limits::OPENING_SEARCH_DAYS {
            let found = self.edges(date).filter(|&at| at > from && self.is_open(at) == open).min();
            if found.is_some() {
                return found;
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    /// Every instant of `date`, and of the jumps of the clock around it, where openness may change.
    fn edges(&self, date: Date) -> impl Iterator<Item = Stamp> {
        let windows = self.windows(date);
        let minutes = windows.iter().flat_map(|w| [w.from_minute, w.to_minute]).chain([0]);
        let walls = minutes.filter_map(move |minute| wall(date, minute));
        let instants = walls.flat_map(|wall| {
            let ambiguous = self.zone.to_ambiguous_timestamp(wall);
            [ambiguous.earlier().ok(), ambiguous.later().ok()].into_iter().flatten()
        });
        instants.chain(self.jumps(date)).map(|t| Stamp(t.as_millisecond()))
    }

    /// The jumps of the clock on `date`, its two midnights included.
    fn jumps(&self, date: Date) -> Vec<Timestamp> {
        let midnight =
            |date: Date| self.zone.to_ambiguous_timestamp(date.to_datetime(Time::midnight()));
        let from = midnight(date).earlier().and_then(|at| at.checked_sub(1.millisecond()));
        let to = date.checked_add(1.day()).and_then(|next| midnight(next).later());
        let (Ok(from), Ok(to)) = (from, to) else { return Vec::new() };
        let jumps = self.zone.following(from).map(|jump| jump.timestamp());
        jumps.take_while(|&at| at <= to).collect()
    }

    fn windows(&self, date: Date) -> &[Window] {
        if let Some(windows) = self.special.get(&date) {
            return windows;
        }
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.weekly.get(day).map_or(&[], Vec::as_slice)
    }

    fn local(&self, at: Stamp) -> Option<DateTime> {
        let instant = Timestamp::from_millisecond(at.0).ok()?;
        Some(self.zone.to_datetime(instant))
    }
}

fn checked(day: &str, windows: &[Window]) -> Result<Vec<Window>, HoursRefused> {
    let day = day.to_owned();
    if windows.len() > limits::WINDOWS_PER_DAY_MAX {
        return Err(HoursRefused::TooMany { day, count: windows.len() });
    }
    let mut sorted = windows.to_vec();
    sorted.sort_unstable();
    let mut end = 0;
    for &Window { from_minute: from, to_minute: to } in &sorted {
        if from >= to || to > DAY_MINUTES {
            return Err(HoursRefused::Window { day, from, to });
        }
        if from < end {
            return Err(HoursRefused::Overlap { day, minute: from });
        }
        end = to;
    }
    Ok(sorted)
}

/// A minute of a day as a clock shows it.
fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn minute_of(time: Time) -> u16 {
    let hour = u16::try_from(time.hour()).unwrap_or(0);
    let minute = u16::try_from(time.minute()).unwrap_or(0);
    hour * 60 + minute
}

fn wall(date: Date, minute: u16) -> Option<DateTime> {
    if minute >= DAY_MINUTES {
        return date.checked_add(1.day()).ok().map(|d| d.to_datetime(Time::midnight()));
    }
    let hour = i8::try_from(minute / 60).ok()?;
    let minute = i8::try_from(minute % 60).ok()?;
    Some(date.to_datetime(Time::new(hour, minute, 0, 0).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR_MS: i64 = 3_600_000;

    fn stamp(text: &str) -> Stamp {
        Stamp(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn china() -> Calendar {
        Calendar::new(&Hours::default()).unwrap()
    }

    fn weekdays(zone: &str, windows: &[Window]) -> Hours {
        Hours {
            zone: zone.to_owned(),
            weekly: core::array::from_fn(|day| if day < 5 { windows.to_vec() } else { vec![] }),
            special: BTreeMap::new(),
        }
    }

    #[test]
    fn the_edge_of_a_window_is_inside_at_its_begin_and_outside_at_its_end() {
        let china = china();
        assert!(!china.is_open(stamp("2026-11-20T08:59:59.999+08:00")));
        assert!(china.is_open(stamp("2026-11-20T09:00:00+08:00")));
        assert!(china.is_open(stamp("2026-11-20T11:59:59.999+08:00")));
        assert!(!china.is_open(stamp("2026-11-20T12:00:00+08:00")));
        assert!(!china.is_open(stamp("2026-11-20T20:00:00+08:00")));
    }

    #[test]
    fn it_says_when_it_opens_and_when_it_closes() {
        let china = china();
        let at = |text| stamp(text);
        let lunch = at("2026-11-20T12:30:00+08:00");
        assert_eq!(china.next_open(lunch), Some(at("2026-11-20T14:00:00+08:00")));
        assert_eq!(china.next_close(lunch), Some(lunch));
        let night = at("2026-11-20T23:00:00+08:00");
        assert_eq!(china.next_open(night), Some(at("2026-11-21T09:00:00+08:00")));
        let open = at("2026-11-20T15:00:00+08:00");
        assert_eq!(china.next_open(open), Some(open));
        assert_eq!(china.next_close(open), Some(at("2026-11-20T20:00:00+08:00")));
    }

    #[test]
    fn a_weekend_and_a_holiday_are_skipped_and_a_working_saturday_is_not() {
        let mut hours = weekdays("Asia/Shanghai", &[Window::new((9, 0), (18, 0))]);
        hours.special.insert("2026-10-01".to_owned(), vec![]);
        hours.special.insert("2026-10-10".to_owned(), vec![Window::new((10, 0), (12, 0))]);
        let calendar = Calendar::new(&hours).unwrap();
        let after = |text| calendar.next_open(stamp(text)).unwrap();
        assert_eq!(after("2026-09-30T18:00:00+08:00"), stamp("2026-10-02T09:00:00+08:00"));
        assert_eq!(after("2026-10-09T18:00:00+08:00"), stamp("2026-10-10T10:00:00+08:00"));
        assert_eq!(after("2026-10-10T12:00:00+08:00"), stamp("2026-10-12T09:00:00+08:00"));
    }

    #[test]
    fn a_window_inside_the_hour_that_spring_skips_does_not_open_that_day() {
        // New York, 2027-03-14: 02:00 EST becomes 03:00 EDT.
        let mut hours = Hours::always("America/New_York");
        hours.weekly = core::array::from_fn(|_| vec![Window::new((2, 0), (3, 0))]);
        let calendar = Calendar::new(&hours).unwrap();
        let open = calendar.next_open(stamp("2027-03-14T00:00:00-05:00"));
        assert_eq!(open, Some(stamp("2027-03-15T02:00:00-04:00")));
    }

    #[test]
    fn a_window_that_begins_in_the_skipped_hour_opens_at_the_jump() {
        let mut hours = Hours::always("America/New_York");
        hours.weekly = core::array::from_fn(|_| vec![Window::new((2, 30), (5, 0))]);
        let calendar = Calendar::new(&hours).unwrap();
        let open = calendar.next_open(stamp("2027-03-14T00:00:00-05:00"));
        assert_eq!(open, Some(stamp("2027-03-14T03:00:00-04:00")));
    }

    #[test]
    fn a_window_in_the_hour_that_autumn_repeats_is_open_twice() {
        // New York, 2026-11-01: 02:00 EDT becomes 01:00 EST.
        let mut hours = Hours::always("America/New_York");
        hours.weekly = core::array::from_fn(|_| vec![Window::new((0, 30), (1, 30))]);
        let calendar = Calendar::new(&hours).unwrap();
        let closed = stamp("2026-11-01T01:30:00-04:00");
        assert_eq!(calendar.next_close(stamp("2026-11-01T00:45:00-04:00")), Some(closed));
        assert_eq!(calendar.next_open(closed), Some(stamp("2026-11-01T01:00:00-05:00")));
    }

    #[test]
    fn hours_that_never_open_and_hours_that_never_close_say_so() {
        let never = Calendar::new(&weekdays("UTC", &[])).unwrap();
        assert_eq!(never.next_open(Stamp(0)), None);
        assert_eq!(never.next_close(Stamp(0)), Some(Stamp(0)));
        let always = Calendar::new(&Hours::always("Europe/London")).unwrap();
        assert_eq!(always.next_close(Stamp(1_790_000_000_000)), None);
        assert_eq!(always.next_open(Stamp(i64::MAX)), None);
        assert!(!always.is_open(Stamp(i64::MIN)));
    }

    #[test]
    fn wrong_hours_are_refused_by_field_and_reason() {
        let refused = |hours: &Hours| Calendar::new(hours).unwrap_err();
        let mut hours = Hours { zone: "Asia/Peking".to_owned(), ..Hours::default() };
        assert_eq!(refused(&hours), HoursRefused::Zone("Asia/Peking".to_owned()));
        hours = Hours::default();
        hours.weekly[0] = vec![Window::new((22, 0), (6, 0))];
        assert!(matches!(refused(&hours), HoursRefused::Window { day, .. } if day == "monday"));
        hours.weekly[0] = vec![Window::new((9, 0), (12, 0)), Window::new((11, 0), (13, 0))];
        assert!(matches!(refused(&hours), HoursRefused::Overlap { minute: 660, .. }));
        hours = Hours::default();
        hours.special.insert("1 Oct".to_owned(), vec![]);
        assert_eq!(refused(&hours), HoursRefused::Date("1 Oct".to_owned()));
    }

    #[test]
    fn hours_survive_being_written_down() {
        let mut hours = Hours::default();
        hours.special.insert("2026-10-01".to_owned(), vec![]);
        let json = serde_json::to_string(&hours).unwrap();
        assert_eq!(serde_json::from_str::<Hours>(&json).unwrap(), hours);
    }

    fn windows() -> impl Strategy<Value = Vec<Window>> {
        prop::collection::btree_set(0u16..=96, 0..7).prop_map(|quarters| {
            let edges: Vec<u16> = quarters.into_iter().map(|q| q * 15).collect();
            edges
                .chunks_exact(2)
                .map(|pair| Window { from_minute: pair[0], to_minute: pair[1] })
                .collect()
        })
    }

    fn hours() -> impl Strategy<Value = Hours> {
        let zones = vec![
            "Asia/Shanghai",
            "America/New_York",
            "Europe/London",
            "Australia/Lord_Howe",
            "Asia/Tehran",
            "America/St_Johns",
            "Africa/Casablanca",
        ];
        (prop::sample::select(zones), prop::array::uniform7(windows())).prop_map(
            |(zone, weekly)| Hours { zone: zone.to_owned(), weekly, special: BTreeMap::new() },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(120))]

        /// Checked against the definition, a quarter of an hour at a time, over the changes of the
        /// clock of two years.
        #[test]
        fn the_next_opening_is_open_and_nothing_before_it_is(
            hours in hours(),
            day in 0i64..730,
            quarter in 0i64..96,
        ) {
            let calendar = Calendar::new(&hours).unwrap();
            let from = Stamp(1_767_225_600_000 + day * 24 * HOUR_MS + quarter * HOUR_MS / 4 + 7);
            for open in [true, false] {
                let found = if open { calendar.next_open(from) } else { calendar.next_close(from) };
                let end = found.unwrap_or(Stamp(i64::MAX)).0.min(from.0 + 9 * 24 * HOUR_MS);
                let mut at = from.0;
                while at < end {
                    prop_assert_ne!(calendar.is_open(Stamp(at)), open, "{} at {}", hours.zone, at);
                    at += HOUR_MS / 4;
                }
                if let Some(found) = found {
                    prop_assert_eq!(calendar.is_open(found), open);
                    prop_assert!(found == from || calendar.is_open(Stamp(found.0 - 1)) != open);
                }
            }
        }
    }
}
