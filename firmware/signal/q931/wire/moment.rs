//! Date/time (Q.931 §4.5.15): the exchange's clock on the wall, without a time zone.

/// A moment as the exchange shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// 0 to 99, the last two digits.
    pub year: u8,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: Option<u8>,
    /// 0 to 59; only with an hour.
    pub minute: Option<u8>,
    /// 0 to 59; only with a minute.
    pub second: Option<u8>,
}

impl DateTime {
    pub(crate) fn parse(content: &[u8]) -> Option<DateTime> {
        let octet = |at: usize| content.get(at).copied();
        let moment = DateTime {
            year: octet(0)?,
            month: octet(1)?,
            day: octet(2)?,
            hour: octet(3),
            minute: octet(4),
            second: octet(5),
        };
        let fine = moment.year <= 99
            && (1..=12).contains(&moment.month)
            && (1..=31).contains(&moment.day)
            && moment.hour.is_none_or(|hour| hour <= 23)
            && moment.minute.is_none_or(|minute| minute <= 59)
            && moment.second.is_none_or(|second| second <= 59);
        fine.then_some(moment)
    }

    pub(crate) fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.year, self.month, self.day]);
        let minute = self.hour.and(self.minute);
        out.extend(self.hour.into_iter().chain(minute).chain(minute.and(self.second)));
    }
}
