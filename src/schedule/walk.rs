//! The map from wall-clock readings to instants, with gaps and folds.
//!
//! The search walks through stretches of one offset. With `now` in a stretch and `from` the first reading that is not yet
//! handled:
//! 1. The next reading that matches would be due at `reading - offset`. Does the offset change before that?
//! 2. No: it is due then. (A reading further ahead than [`REACH`] is approached first: nothing in between can match, not
//!    even in a fold, because no fold reaches back that far.)
//! 3. Yes, at `change`, where the clock jumps from `expected` to `shown`:
//!    - [`Passage::Once`], gap (`shown > expected`): if a skipped reading matches, the run is due at `change`.
//!    - [`Passage::Once`], fold (`shown < expected`): continue at `expected`; the readings before it had their run.
//!    - [`Passage::Elapsed`]: continue at `shown` in both cases.
//!
//! Each round ends the search or moves `now` ahead, so the result is always later than `after`. Each round reads the zone, so
//! the limit of [`Asked`] bounds their number.

use super::error::SearchError;
use super::fields::Readings;
use super::offsets::{Asked, EARLIEST, LATEST, Nanos, Offsets, REACH};

/// The rule of a schedule for changes of the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Each reading has one run: in a gap right after it, in a fold the first time.
    Once,
    /// Each instant whose reading matches has a run: none in a gap, two in a fold.
    Elapsed,
}

/// The first instant later than `after` at which a run is due.
pub(super) fn next_run(
    readings: &dyn Readings,
    passage: Passage,
    zone: &dyn Offsets,
    after: Nanos,
) -> Result<Option<Nanos>, SearchError> {
    if after >= LATEST {
        return Ok(None);
    }
    let zone = Asked::new(zone);
    let mut now = after.max(EARLIEST - 1);
    let mut from = 1 + match passage {
        Passage::Once => zone.latest_reading(now)?,
        Passage::Elapsed => now + zone.offset_at(now)?,
    };
    loop {
        let offset = zone.offset_at(now)?;
        let reading = readings.first_from(from);
        let due = reading.map(|reading| reading - offset);
        let until = due.unwrap_or(Nanos::MAX).min(now + REACH);
        if let Some(change) = zone.first_change(now, until)? {
            let (expected, shown) = (change + offset, change + zone.offset_at(change)?);
            match passage {
                Passage::Once if reading.is_some_and(|reading| reading < shown) => return Ok(within_limit(change)),
                Passage::Once => from = from.max(expected).max(shown),
                Passage::Elapsed => from = shown,
            }
            now = change;
        } else if due == Some(until) {
            // Only a zone whose second answer is not its first one gets here with an earlier instant.
            return if until > after { Ok(within_limit(until)) } else { Err(SearchError::Zone) };
        } else {
            match due.filter(|&due| due < LATEST + REACH) {
                Some(due) => now = due - REACH,
                None => return Ok(None),
            }
        }
    }
}

fn within_limit(instant: Nanos) -> Option<Nanos> {
    (instant < LATEST).then_some(instant)
}

#[cfg(all(test, not(loom)))]
mod tests;
