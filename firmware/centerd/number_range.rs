//! Ranges of numbers as an administrator writes them: `+861062010000-0049`, the last digits of the
//! last number behind a dash, or a single number.

/// Numbers of one range: more than an E1 is ever sold with.
pub const RANGE_MAX: usize = 1_000;

/// Why a range cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It is not made of digits.
    #[error("{0:?} is not a number or a range: write +861062010000-0049 or +861062010000")]
    NoNumber(String),
    /// The end has more digits than the beginning.
    #[error("{0:?} ends with more digits than it begins with: write its last digits alone")]
    LongEnd(String),
    /// The end lies before the beginning.
    #[error("{0:?} ends before it begins: exchange the two")]
    Backwards(String),
    /// So many numbers do not follow it.
    #[error("{0:?} has no room for so many numbers: lessen the count")]
    Overflow(String),
    /// More numbers than any trunk has.
    #[error("{0:?} has more than {RANGE_MAX} numbers: write it in parts")]
    TooMany(String),
}

/// The numbers of a range, in order.
///
/// # Errors
/// [`RangeError`].
pub fn read(text: &str) -> Result<Vec<String>, RangeError> {
    let written = text.trim();
    let (first, end) = written.split_once('-').map_or((written, None), |(a, b)| (a, Some(b)));
    let (plus, digits) = match first.trim().strip_prefix('+') {
        Some(digits) => ("+", digits),
        None => ("", first.trim()),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(digits) || !(2..=call::number::DIGITS_MAX).contains(&digits.len()) {
        return Err(RangeError::NoNumber(text.to_owned()));
    }
    let Some(end) = end.map(str::trim) else { return Ok(vec![format!("{plus}{digits}")]) };
    if !all_digits(end) {
        return Err(RangeError::NoNumber(text.to_owned()));
    }
    if end.len() > digits.len() {
        return Err(RangeError::LongEnd(text.to_owned()));
    }
    let (head, tail) = digits.split_at(digits.len() - end.len());
    let no_number = |_| RangeError::NoNumber(text.to_owned());
    let (from, to): (u64, u64) =
        (tail.parse().map_err(no_number)?, end.parse().map_err(no_number)?);
    let count = to.checked_sub(from).ok_or_else(|| RangeError::Backwards(text.to_owned()))?;
    if count >= RANGE_MAX as u64 {
        return Err(RangeError::TooMany(text.to_owned()));
    }
    let width = end.len();
    Ok((from..=to).map(|n| format!("{plus}{head}{n:0width$}")).collect())
}

/// `count` numbers from `first` on.
///
/// # Errors
/// [`RangeError`], also when they do not fit into the digits of the first.
pub fn count_from(first: &str, count: usize) -> Result<Vec<String>, RangeError> {
    let digits = first.trim_start_matches('+');
    let no_number = || RangeError::NoNumber(first.to_owned());
    let from: u64 = digits.parse().map_err(|_| no_number())?;
    let more = u64::try_from(count.saturating_sub(1)).unwrap_or(u64::MAX);
    let last = from.saturating_add(more).to_string();
    if last.len() > digits.len() {
        return Err(RangeError::Overflow(first.to_owned()));
    }
    let width = digits.len();
    read(&format!("{first}-{last:0>width$}"))
}

/// Whether `next` is the number after `number`.
#[must_use]
pub fn follows(number: &str, next: &str) -> bool {
    let value = |text: &str| text.trim_start_matches('+').parse::<u64>().ok();
    let one_more = value(number).and_then(|value| value.checked_add(1));
    number.len() == next.len()
        && number.starts_with('+') == next.starts_with('+')
        && one_more.is_some()
        && one_more == value(next)
}

/// A range as [`read`] reads it; `first` and `last` are equally long.
#[must_use]
pub fn write(first: &str, last: &str) -> String {
    if first == last {
        return first.to_owned();
    }
    let same = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    // Four digits are read at a glance, where the number has so many.
    let start = if last.starts_with('+') { 1 } else { 0 };
    let at = same.min(last.len().saturating_sub(4)).max(start);
    let tail = last.get(at..).unwrap_or(last);
    format!("{first}-{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_counts_in_its_last_digits() {
        let range = read("+861062010098-0101").unwrap();
        assert_eq!(range.len(), 4);
        assert_eq!((range[0].as_str(), range[3].as_str()), ("+861062010098", "+861062010101"));
        assert_eq!(read(" 8001 ").unwrap(), ["8001"]);
        assert_eq!(read("8000-9").unwrap().len(), 10);
    }

    #[test]
    fn a_range_is_written_as_it_is_read() {
        for range in ["+861063000000-0029", "+861062010098-0101", "8000-8009", "95-96", "110"] {
            let numbers = read(range).unwrap();
            let written = write(&numbers[0], numbers.last().unwrap());
            assert_eq!(read(&written).unwrap(), numbers, "{written}");
            assert!(numbers.windows(2).all(|two| follows(&two[0], &two[1])));
        }
        assert_eq!(write("+861063000000", "+861063000029"), "+861063000000-0029");
        assert!(!follows("999", "1000") && !follows("+100", "101") && !follows("+12", "+14"));
    }

    #[test]
    fn a_count_says_the_same_as_a_range() {
        assert_eq!(count_from("+861063000098", 4), read("+861063000098-0101"));
        assert_eq!(count_from("8009", 1).unwrap(), ["8009"]);
        assert!(matches!(count_from("9999", 2), Err(RangeError::Overflow(_))));
        assert!(matches!(count_from("+861063000000", 5_000), Err(RangeError::TooMany(_))));
    }

    #[test]
    fn a_wrong_range_says_what_is_wrong() {
        assert!(matches!(read("+86a"), Err(RangeError::NoNumber(_))));
        assert!(matches!(read(""), Err(RangeError::NoNumber(_))));
        assert!(matches!(read("8001-"), Err(RangeError::NoNumber(_))));
        assert!(matches!(read("8001-18009"), Err(RangeError::LongEnd(_))));
        assert!(matches!(read("8009-1"), Err(RangeError::Backwards(_))));
        assert!(matches!(read("+861062000000-9999"), Err(RangeError::TooMany(_))));
    }
}
