//! Without the feature `tracing`.

use std::fmt::Display;
use std::time::Duration;

/// No events are emitted.
pub(crate) const ON: bool = false;

#[inline(always)]
pub(crate) fn attempt(_task: u64, _attempt: u32) {}

#[inline(always)]
pub(crate) fn retry(_task: u64, _attempt: u32) {}

#[inline(always)]
pub(crate) fn unhandled(_task: u64, _name: Option<&str>, _error: &impl Display) {}

#[inline(always)]
pub(crate) fn slow_poll(_task: Option<u64>, _name: Option<&str>, _elapsed: Duration) {}

#[inline(always)]
pub(crate) fn missed(_job: &str, _slots: u64) {}

#[inline(always)]
pub(crate) fn overlapped(_job: &str) {}

#[inline(always)]
pub(crate) fn refused(_reason: &str) {}

#[inline(always)]
#[cfg(feature = "cron")]
#[allow(dead_code, reason = "not every system reports problems of its zone")]
pub(crate) fn zone(_problem: &impl Display) {}
