//! Bit sets of a cron expression, and the next reading.
//!
//! This is calendar arithmetic without a zone: a reading of a wall clock is counted in nanoseconds as if the clock had always
//! shown UTC. The search goes month by month: the days of a month that match are one word, made from
//! the set of days and from the set of weekdays repeated from the weekday of the first. The `cron` crate's own iterator
//! would end in the year 2100 and knows days AND weekdays only.

use super::offsets::{DAY, Nanos, SECOND};
use chrono::{Datelike, Days, NaiveDate};

/// The Gregorian calendar, weekdays included, repeats after this many years: what has not matched until then never does.
const CALENDAR_CYCLE_YEARS: i32 = 400;

/// Answers which wall-clock readings a schedule asks for.
pub(super) trait Readings {
    /// The first reading at or after `from`.
    fn first_from(&self, from: Nanos) -> Option<Nanos>;
}

/// The relation between day of month and day of week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayRule {
    /// Both must match.
    Both,
    /// One of the two is enough.
    Either,
}

/// The values of each field: bit `n` stands for the value `n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u64,
    /// Bits 1 to 31.
    pub(super) days: u64,
    /// Bits 1 to 12.
    pub(super) months: u64,
    /// Bits 0 (Sunday) to 6.
    pub(super) weekdays: u64,
    /// Days in addition to the two sets above.
    pub(super) by_month: MonthDays,
    pub(super) join: DayRule,
    /// In ascending order; `None` is every year.
    pub(super) years: Option<Vec<i32>>,
}

/// Days whose number depends on the month: those of the extended syntax.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MonthDays {
    /// Bit `n`: `n` days before the last day.
    pub(super) before_last: u64,
    /// Bit `n`: the working day, Monday to Friday, nearest to day `n`; bit 0: the last one.
    pub(super) near: u64,
    /// Bit `7 * (n - 1) + weekday`: the n-th such weekday, from the first to the fifth.
    pub(super) nth: u64,
    /// Bit `weekday`: the last such weekday.
    pub(super) last: u64,
}

/// One month, as far as its days are concerned.
#[derive(Clone, Copy)]
struct Month {
    /// Days in it.
    length: u32,
    /// The weekday of its first day, 0 is Sunday.
    first_weekday: u32,
}

impl Month {
    fn weekday(self, day: u32) -> u32 {
        (self.first_weekday + day - 1) % 7
    }

    /// The working day nearest to `day` within the month; the last one for 0.
    fn working_day(self, day: u32) -> u32 {
        let day = if day == 0 { self.length } else { day };
        match self.weekday(day) {
            6 if day == 1 => 3,
            6 => day - 1,
            0 if day == self.length => day - 2,
            0 => day + 1,
            _ => day,
        }
    }
}

/// The values of the bits of a set, in ascending order.
pub(super) fn bits(set: u64) -> impl Iterator<Item = u32> {
    std::iter::successors(next_bit(set, 0), move |bit| next_bit(set, bit + 1))
}

impl MonthDays {
    pub(super) fn add(&mut self, other: &Self) {
        self.before_last |= other.before_last;
        self.near |= other.near;
        self.nth |= other.nth;
        self.last |= other.last;
    }

    /// Returns the days of the day-of-month field, as bits 1 to 31.
    fn days(&self, month: Month) -> u64 {
        let length = month.length;
        let before_last = bits(self.before_last).filter(|back| *back < length).map(|back| length - back);
        let near = bits(self.near).filter(|day| *day <= length).map(|day| month.working_day(day));
        before_last.chain(near).fold(0, |days, day| days | 1 << day)
    }

    /// Returns the days of the day-of-week field, as bits 1 to 31.
    fn weekdays(&self, month: Month) -> u64 {
        let first = |weekday: u32| 1 + (weekday + 7 - month.first_weekday) % 7;
        let nth = bits(self.nth).map(|bit| first(bit % 7) + bit / 7 * 7).filter(|day| *day <= month.length);
        let last = bits(self.last).map(|weekday| first(weekday) + (month.length - first(weekday)) / 7 * 7);
        nth.chain(last).fold(0, |days, day| days | 1 << day)
    }
}

/// The lowest bit of `set` at or above `from`.
fn next_bit(set: u64, from: u32) -> Option<u32> {
    let rest = set.checked_shr(from)?;
    (rest != 0).then(|| from + rest.trailing_zeros())
}

impl Fields {
    /// The first second of a day, at or after `from`, that matches.
    fn second_of_day(&self, from: u32) -> Option<u32> {
        let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        let first_second = next_bit(self.seconds, 0)?;
        let first_minute = next_bit(self.minutes, 0)?;
        if next_bit(self.hours, hour) == Some(hour) {
            if next_bit(self.minutes, minute) == Some(minute)
                && let Some(second) = next_bit(self.seconds, second)
            {
                return Some(hour * 3600 + minute * 60 + second);
            }
            if let Some(minute) = next_bit(self.minutes, minute + 1) {
                return Some(hour * 3600 + minute * 60 + first_second);
            }
        }
        let hour = next_bit(self.hours, hour + 1)?;
        Some(hour * 3600 + first_minute * 60 + first_second)
    }

    /// The days of a month that match, as bits 1 to 31. `first` is the first day of the month.
    fn days_of(&self, first: NaiveDate) -> u64 {
        let length = u32::from(first.num_days_in_month());
        let in_month = ((1_u64 << length) - 1) << 1;
        // Turn the week so that bit 0 is the weekday of the first, repeat it five times, move bit 0 to day 1.
        let turn = first.weekday().num_days_from_sunday();
        let month = Month { length, first_weekday: turn };
        let week = ((self.weekdays >> turn) | (self.weekdays << (7 - turn))) & 0x7f;
        let by_week = (0..5).fold(0, |days, n| days | week << (7 * n)) << 1;
        let days = self.days | self.by_month.days(month);
        let by_week = by_week | self.by_month.weekdays(month);
        in_month
            & match self.join {
                DayRule::Both => days & by_week,
                DayRule::Either => days | by_week,
            }
    }

    fn year_from(&self, year: i32) -> Option<i32> {
        match &self.years {
            None => Some(year),
            Some(years) => years.get(years.partition_point(|&y| y < year)).copied(),
        }
    }

    /// The first day at or after `from` that matches.
    fn day_from(&self, from: NaiveDate) -> Option<NaiveDate> {
        let last_year = from.year().checked_add(CALENDAR_CYCLE_YEARS)?;
        let mut year = self.year_from(from.year())?;
        // Years given by number may lie further ahead than one cycle, but not more of them than a list holds.
        while self.years.is_some() || year <= last_year {
            let mut month = if year == from.year() { from.month() } else { 1 };
            while let Some(found) = next_bit(self.months, month) {
                let first = NaiveDate::from_ymd_opt(year, found, 1)?;
                let earliest = if (year, found) == (from.year(), from.month()) { from.day() } else { 1 };
                if let Some(day) = next_bit(self.days_of(first), earliest) {
                    return first.with_day(day);
                }
                month = found + 1;
            }
            year = self.year_from(year + 1)?;
        }
        None
    }
}

impl Readings for Fields {
    fn first_from(&self, from: Nanos) -> Option<Nanos> {
        let second = i64::try_from(-(-from).div_euclid(SECOND)).ok()?;
        let moment = chrono::DateTime::from_timestamp(second, 0)?;
        let today = moment.date_naive();
        let second_of_today = u32::try_from(second.rem_euclid(86_400)).ok()?;
        let mut day = self.day_from(today)?;
        let mut found = None;
        if day == today {
            found = self.second_of_day(second_of_today);
            if found.is_none() {
                day = self.day_from(today.checked_add_days(Days::new(1))?)?;
            }
        }
        let second_of_day = match found {
            Some(second) => second,
            None => self.second_of_day(0)?,
        };
        let epoch = NaiveDate::default();
        Some(Nanos::from((day - epoch).num_days()) * DAY + Nanos::from(second_of_day) * SECOND)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
