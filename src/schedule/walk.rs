//! From wall-clock readings to instants: the one place that knows gaps and folds.
//!
//! Time is walked in stretches of one offset. With `now` in a stretch and `from` the first reading that is not dealt with:
//! 1. The next reading that matches would be due at `reading - offset`. Does the offset change before that?
//! 2. No: it is due then. (A reading further ahead than [`REACH`] is first approached: nothing in between can match, not
//!    even in a fold, because no fold reaches back that far.)
//! 3. Yes, at `change`, where the clock jumps from `expected` to `shown`:
//!    - [`Passage::Once`], gap (`shown > expected`): if a reading that was jumped over matches, the run is due at `change`.
//!    - [`Passage::Once`], fold (`shown < expected`): go on at `expected`; the readings before it have had their turn.
//!    - [`Passage::Elapsed`]: go on at `shown`, whatever it is.
//!
//! Each turn ends the search or moves `now` ahead, so the result is always later than `after`.

use super::fields::Readings;
use super::zone::{EARLIEST, LATEST, Nanos, Offsets, REACH, first_change, latest_reading, offset_at};

/// After so many changes of the offset within one search the zone is no zone.
const CHANGES_LIMIT: usize = 1000;

/// How a schedule passes a change of the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// Each reading has one run: in a gap right after it, in a fold the first time.
    Once,
    /// Each instant whose reading matches has a run: none in a gap, two in a fold.
    Elapsed,
}

/// The first instant later than `after` at which a run is due.
pub(super) fn next_run(readings: &dyn Readings, passage: Passage, zone: &dyn Offsets, after: Nanos) -> Option<Nanos> {
    if after >= LATEST {
        return None;
    }
    let mut now = after.max(EARLIEST - 1);
    let mut from = 1 + match passage {
        Passage::Once => latest_reading(zone, now),
        Passage::Elapsed => now + offset_at(zone, now),
    };
    for _ in 0..CHANGES_LIMIT {
        let offset = offset_at(zone, now);
        let reading = readings.first_from(from);
        let due = reading.map(|reading| reading - offset);
        let until = due.unwrap_or(Nanos::MAX).min(now + REACH);
        if let Some(change) = first_change(zone, now, until) {
            let (expected, shown) = (change + offset, change + offset_at(zone, change));
            match passage {
                Passage::Once if reading.is_some_and(|reading| reading < shown) => return within_limit(change),
                Passage::Once => from = from.max(expected).max(shown),
                Passage::Elapsed => from = shown,
            }
            now = change;
        } else if due == Some(until) {
            return within_limit(until);
        } else {
            now = due.filter(|&due| due < LATEST + REACH)? - REACH;
        }
    }
    None
}

fn within_limit(instant: Nanos) -> Option<Nanos> {
    (instant < LATEST).then_some(instant)
}
