//! Instants, wall-clock readings, and the offsets between them.
//!
//! A zone answers one question: how far east of UTC is the wall clock at this instant? It always has one answer, unlike the
//! reverse question (which instant has this wall time?). Gaps and folds are found by comparing the offsets before and after: in
//! a gap the offset grows, in a fold it shrinks. `chrono` lists no changes, so [`Asked::first_change`] probes every [`PROBE`] and
//! halves the interval between two probes that differ.

use super::error::SearchError;
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone, Utc};
use std::cell::Cell;

/// Nanoseconds since 1970: of UTC for an instant, of the wall clock for a reading.
pub(super) type Nanos = i128;

/// Nanoseconds in a second.
pub(super) const SECOND: Nanos = 1_000_000_000;

/// Nanoseconds in a day.
pub(super) const DAY: Nanos = 86_400 * SECOND;

/// Nanoseconds between two probes. No zone of the tz database changes twice within six days (checked for all of them, from
/// 1843 to 2100).
const PROBE: Nanos = 3 * 3600 * SECOND;

/// No two offsets are further apart than this many nanoseconds: `chrono` keeps each below a day, east and west.
pub(super) const REACH: Nanos = 2 * DAY;

/// The first instant of schedules, in nanoseconds: the year 1.
pub(super) const EARLIEST: Nanos = -62_135_596_800 * SECOND;

/// The instant after the last one of a schedule, in nanoseconds: the year 10,000.
pub(super) const LATEST: Nanos = 253_402_300_800 * SECOND;

/// A zone as schedules see it.
pub(super) trait Offsets {
    /// The offset east of UTC at this instant, in seconds.
    fn seconds_east(&self, utc: &NaiveDateTime) -> i32;
}

impl<Tz: TimeZone> Offsets for Tz {
    fn seconds_east(&self, utc: &NaiveDateTime) -> i32 {
        self.offset_from_utc_datetime(utc).fix().local_minus_utc()
    }
}

/// The most offsets that one search reads. Those of real zones read fewer than 250, which takes microseconds.
const QUESTION_LIMIT: u32 = 5_000;

/// A zone during one search: it counts the questions, so that a zone that answers nonsense cannot make the search endless.
pub(super) struct Asked<'a> {
    zone: &'a dyn Offsets,
    left: Cell<u32>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(zone: &'a dyn Offsets) -> Self {
        Self { zone, left: Cell::new(QUESTION_LIMIT) }
    }

    /// The offset at an instant between [`EARLIEST`] and [`LATEST`], in nanoseconds.
    pub(super) fn offset_at(&self, instant: Nanos) -> Result<Nanos, SearchError> {
        let left = self.left.get().checked_sub(1).ok_or(SearchError::Zone)?;
        self.left.set(left);
        let second = i64::try_from(instant.clamp(EARLIEST - REACH, LATEST + REACH).div_euclid(SECOND));
        let utc = second.ok().and_then(|second| DateTime::from_timestamp(second, 0));
        Ok(utc.map_or(0, |utc| Nanos::from(self.zone.seconds_east(&utc.naive_utc())) * SECOND))
    }

    /// The first instant in `(from, until]` with another offset than `from` has.
    pub(super) fn first_change(&self, from: Nanos, until: Nanos) -> Result<Option<Nanos>, SearchError> {
        let offset = self.offset_at(from)?;
        let mut low = from;
        while low < until {
            let high = (low + PROBE).min(until);
            if self.offset_at(high)? != offset {
                let (mut same, mut other) = (low.div_euclid(SECOND), high.div_euclid(SECOND));
                while other - same > 1 {
                    let middle = same + (other - same) / 2;
                    if self.offset_at(middle * SECOND)? == offset {
                        same = middle;
                    } else {
                        other = middle;
                    }
                }
                return Ok(Some(other * SECOND));
            }
            low = high;
        }
        Ok(None)
    }

    /// The latest reading that the wall clock has shown until `now`: past a fold, it is later than the present one.
    pub(super) fn latest_reading(&self, now: Nanos) -> Result<Nanos, SearchError> {
        let mut at = now - REACH;
        let mut latest = now + self.offset_at(now)?;
        while let Some(change) = self.first_change(at, now)? {
            latest = latest.max(change + self.offset_at(at)? - 1);
            at = change;
        }
        Ok(latest)
    }
}

/// An instant of `chrono`, in nanoseconds.
pub(super) fn nanos_of<Tz: TimeZone>(instant: &DateTime<Tz>) -> Nanos {
    Nanos::from(instant.timestamp()) * SECOND + Nanos::from(instant.timestamp_subsec_nanos())
}

/// A reading of `chrono`, in nanoseconds.
pub(super) fn nanos_of_reading(reading: &NaiveDateTime) -> Nanos {
    nanos_of(&reading.and_utc())
}

/// The instant of `chrono`; `None` beyond [`LATEST`].
pub(super) fn instant_of(nanos: Nanos) -> Option<DateTime<Utc>> {
    if nanos >= LATEST {
        return None;
    }
    let second = i64::try_from(nanos.div_euclid(SECOND)).ok()?;
    DateTime::from_timestamp(second, u32::try_from(nanos.rem_euclid(SECOND)).ok()?)
}

#[cfg(all(test, not(loom)))]
mod tests;
