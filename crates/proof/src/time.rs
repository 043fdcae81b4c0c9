//! Times as records carry them: exactly 30 characters, nine decimals, UTC, years 2000 to 9999.
//!
//! Owns the text form (`docs/spec/record.md`, *Times*) and the sums over it. Knows no clock: whoever has one brings the numbers.
//! Leap seconds do not exist here, as in POSIX: a second is 00 to 59.

use core::fmt;

/// 2000-01-01T00:00:00Z and 9999-12-31T23:59:59Z in seconds since 1970-01-01T00:00:00Z.
const SECS_MIN: u64 = 946_684_800;
const SECS_MAX: u64 = 253_402_300_799;
const NANOS_PER_SEC: u32 = 1_000_000_000;
const SECS_PER_DAY: u64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01. Counting years from March puts the leap day last (Hinnant, `chrono`-compatible low-level
/// date algorithms).
const DAYS_TO_1970: u64 = 719_468;
const DAYS_PER_400_YEARS: u64 = 146_097;

/// A moment between the years 2000 and 9999, in nanoseconds. Ordered as time runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z, from `SECS_MIN` to `SECS_MAX`.
    secs: u64,
    /// Below `NANOS_PER_SEC`.
    nanos: u32,
}

impl Time {
    /// From seconds since 1970 and nanoseconds. `None` outside the years 2000–9999, or from a thousand million nanoseconds on.
    #[must_use]
    pub fn new(secs: u64, nanos: u32) -> Option<Time> {
        ((SECS_MIN..=SECS_MAX).contains(&secs) && nanos < NANOS_PER_SEC)
            .then_some(Time { secs, nanos })
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`: 30 bytes, a real date of the Gregorian calendar, no other form.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Time> {
        let text: &[u8; 30] = text.try_into().ok()?;
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', rest @ ..] = *text else {
            return None;
        };
        let [h1, h2, b':', n1, n2, b':', s1, s2, b'.', nanos @ .., b'Z'] = rest else {
            return None;
        };
        let year = number(&[y1, y2, y3, y4])?;
        let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
        let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
        if year < 2000
            || day == 0
            || day > days_in_month(year, month)?
            || hour > 23
            || minute > 59
            || second > 59
        {
            return None;
        }
        let secs =
            days_since_1970(year, month, day) * SECS_PER_DAY + hour * 3_600 + minute * 60 + second;
        Time::new(secs, u32::try_from(number(&nanos)?).ok()?)
    }

    /// The 30 characters.
    #[must_use]
    pub fn text(&self) -> [u8; 30] {
        let (year, month, day) = date(self.secs / SECS_PER_DAY);
        let second = self.secs % SECS_PER_DAY;
        let nanos = u64::from(self.nanos);
        let ([y1, y2], [y3, y4]) = (pair(year / 100), pair(year % 100));
        let ([m1, m2], [d1, d2]) = (pair(month), pair(day));
        let ([h1, h2], [n1, n2], [s1, s2]) = (
            pair(second / 3_600),
            pair(second / 60 % 60),
            pair(second % 60),
        );
        let [f1, f2] = pair(nanos / 10_000_000);
        let [f3, f4] = pair(nanos / 100_000 % 100);
        let [f5, f6] = pair(nanos / 1_000 % 100);
        let [f7, f8] = pair(nanos / 10 % 100);
        let [_, f9] = pair(nanos % 10);
        [
            y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2,
            b'.', f1, f2, f3, f4, f5, f6, f7, f8, f9, b'Z',
        ]
    }

    /// The 30 characters, given those of a time within the same second: only the nanoseconds are written.
    #[must_use]
    pub fn text_within(&self, text: &[u8; 30]) -> [u8; 30] {
        let nanos = u64::from(self.nanos);
        let [f1, f2] = pair(nanos / 10_000_000);
        let [f3, f4] = pair(nanos / 100_000 % 100);
        let [f5, f6] = pair(nanos / 1_000 % 100);
        let [f7, f8] = pair(nanos / 10 % 100);
        let [_, f9] = pair(nanos % 10);
        let mut text = *text;
        let digits = [f1, f2, f3, f4, f5, f6, f7, f8, f9];
        text.iter_mut()
            .skip(20)
            .zip(digits)
            .for_each(|(place, digit)| *place = digit);
        text
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn secs(&self) -> u64 {
        self.secs
    }

    /// Nanoseconds within the second.
    #[must_use]
    pub fn nanos(&self) -> u32 {
        self.nanos
    }

    /// The moment so many nanoseconds later. `None` past the year 9999.
    #[must_use]
    pub fn plus_nanos(&self, nanos: u128) -> Option<Time> {
        let sum = u128::from(self.nanos).checked_add(nanos)?;
        let secs = u64::try_from(sum / u128::from(NANOS_PER_SEC)).ok()?;
        Time::new(
            self.secs.checked_add(secs)?,
            u32::try_from(sum % u128::from(NANOS_PER_SEC)).ok()?,
        )
    }

    /// Nanoseconds from `earlier` to here. `None` if `earlier` is later.
    #[must_use]
    pub fn nanos_since(&self, earlier: &Time) -> Option<u128> {
        self.count().checked_sub(earlier.count())
    }

    fn count(&self) -> u128 {
        u128::from(self.secs) * u128::from(NANOS_PER_SEC) + u128::from(self.nanos)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text()
            .iter()
            .try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Two decimal digits of a number below 100.
fn pair(value: u64) -> [u8; 2] {
    let [low, ..] = value.to_le_bytes();
    [b'0' + low / 10 % 10, b'0' + low % 10]
}

/// The value of at most nine decimal digits.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + u64::from(digit - b'0'))
    })
}

fn days_in_month(year: u64, month: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days from 1970-01-01 to a real date in the years 2000–9999.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, year) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * DAYS_PER_400_YEARS + year * 365 + year / 4 - year / 100 + day_of_year - DAYS_TO_1970
}

/// Year, month and day of a number of days since 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_1970;
    let (era, day) = (days / DAYS_PER_400_YEARS, days % DAYS_PER_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year + era * 400;
    if month < 10 {
        (year, month + 3, day_of_month)
    } else {
        (year + 1, month - 9, day_of_month)
    }
}

#[cfg(test)]
mod tests;
