//! The zone of the machine as `chrono` reads it, without errors.

use crate::schedule::error::ZoneError;
use crate::schedule::offsets::Offsets;
use crate::sync::Arc;
use chrono::{Local, NaiveDateTime};

pub(super) struct Machine;

impl Machine {
    pub(super) fn name(&self) -> String {
        name()
    }

    pub(super) fn problem(&self) -> Option<&ZoneError> {
        None
    }

    pub(super) fn revision(&self) -> u64 {
        revision()
    }
}

impl Offsets for Machine {
    fn seconds_east(&self, utc: &NaiveDateTime) -> i32 {
        Local.seconds_east(utc)
    }
}

/// The zone now; the system is asked again by each search.
pub(super) fn current() -> Arc<Machine> {
    Arc::new(Machine)
}

pub(super) fn check() -> Arc<Machine> {
    current()
}

#[cfg(not(target_family = "wasm"))]
fn name() -> String {
    iana_time_zone::get_timezone().unwrap_or_else(|_| "Local".to_owned())
}

#[cfg(target_family = "wasm")]
fn name() -> String {
    "Local".to_owned()
}

/// A digest of the offsets of this year and the next one: another zone has other ones.
#[cfg(not(target_family = "wasm"))]
fn revision() -> u64 {
    use chrono::{Datelike, NaiveDate, TimeDelta, Utc};
    use std::hash::{DefaultHasher, Hash, Hasher};

    let mut digest = DefaultHasher::new();
    if let Some(new_year) = NaiveDate::from_ymd_opt(Utc::now().year(), 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0)) {
        for week in 0..104 {
            Local.seconds_east(&(new_year + TimeDelta::weeks(week))).hash(&mut digest);
        }
    }
    digest.finish()
}

/// A page follows its zone with each search; it is not noticed in between.
#[cfg(target_family = "wasm")]
fn revision() -> u64 {
    0
}
