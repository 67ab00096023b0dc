//! Triggers made of triggers: union, intersection, and exceptions by date.

use super::error::SearchError;
use super::fields::Readings;
use super::offsets::{DAY, Nanos};
use super::trigger::Trigger;
use super::walk::Passage;
use super::zone::Zone;
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// The most steps of one search. A step costs a search of each part.
const STEP_LIMIT: u32 = 1_000;

/// Two triggers of which one or both must agree.
pub(super) struct Combined(pub(super) [Trigger; 2]);

impl Combined {
    pub(super) fn first_of_any(&self, after: Nanos) -> Result<Option<Nanos>, SearchError> {
        let [one, other] = &self.0;
        let (one, other) = (one.next(after)?, other.next(after)?);
        Ok(one.into_iter().chain(other).min())
    }

    pub(super) fn first_of_both(&self, after: Nanos) -> Result<Option<Nanos>, SearchError> {
        let [one, other] = &self.0;
        let mut after = after;
        for _ in 0..STEP_LIMIT {
            let (Some(first), Some(second)) = (one.next(after)?, other.next(after)?) else { return Ok(None) };
            if first == second {
                return Ok(Some(first));
            }
            // Neither has a run that the other could meet before the later of the two.
            after = first.max(second) - 1;
        }
        Err(SearchError::Steps { limit: STEP_LIMIT })
    }
}

/// A trigger without its runs on some dates of a zone.
pub(super) struct Except {
    pub(super) inner: Trigger,
    pub(super) dates: BTreeSet<NaiveDate>,
    pub(super) zone: Zone,
}

/// The start of every day, as readings.
struct Midnights;

impl Readings for Midnights {
    fn first_from(&self, from: Nanos) -> Option<Nanos> {
        Some(-(-from).div_euclid(DAY) * DAY)
    }
}

impl Except {
    pub(super) fn next(&self, after: Nanos) -> Result<Option<Nanos>, SearchError> {
        let mut after = after;
        for _ in 0..STEP_LIMIT {
            let Some(run) = self.inner.next(after)? else { return Ok(None) };
            if !self.is_excluded(run) {
                return Ok(Some(run));
            }
            // A day begins once after a gap at midnight, and twice in a fold at midnight: take the earlier instant of the two.
            let once = self.zone.next_run(&Midnights, Passage::Once, run)?;
            let elapsed = self.zone.next_run(&Midnights, Passage::Elapsed, run)?;
            let Some(day_start) = once.into_iter().chain(elapsed).min() else { return Ok(None) };
            after = day_start - 1;
        }
        Err(SearchError::Steps { limit: STEP_LIMIT })
    }

    /// The number of dates, in words.
    pub(super) fn count(&self) -> String {
        match self.dates.len() {
            1 => "1 date".to_owned(),
            count => format!("{count} dates"),
        }
    }

    fn is_excluded(&self, run: Nanos) -> bool {
        let days = i64::try_from(self.zone.reading(run).div_euclid(DAY)).ok();
        let date = days.and_then(|days| NaiveDate::default().checked_add_signed(chrono::TimeDelta::try_days(days)?));
        date.is_some_and(|date| self.dates.contains(&date))
    }
}
