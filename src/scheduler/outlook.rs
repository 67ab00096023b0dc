//! [`Outlook`]: the slots of a job as far as they can be known ahead.

#[cfg(feature = "cron")]
use crate::schedule::Trigger;
#[cfg(feature = "cron")]
use chrono::{DateTime, Utc};
use std::time::{Duration, SystemTime};

/// The runs after the next one. It may have user code, so it is dropped with the job's work.
pub(crate) enum Outlook {
    /// Nothing is known: runs that are asked for, or that depend on the run before.
    Unknown,
    Every(Duration),
    #[cfg(feature = "cron")]
    Trigger(Trigger),
}

impl Outlook {
    /// The runs from `first` on, which is the next one.
    pub(super) fn from(&self, first: SystemTime) -> impl Iterator<Item = SystemTime> + '_ {
        std::iter::successors(Some(first), |last| match self {
            Self::Unknown => None,
            Self::Every(period) => last.checked_add(*period),
            #[cfg(feature = "cron")]
            Self::Trigger(trigger) => trigger.next_after(DateTime::<Utc>::from(*last)).map(SystemTime::from),
        })
    }

    pub(super) fn describe(&self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Every(period) => Some(format!("every {period:?}")),
            #[cfg(feature = "cron")]
            Self::Trigger(trigger) => Some(trigger.describe()),
        }
    }
}
