//! The two clocks of the engine, as numbers.

use crate::time::wall::system_time;
use std::time::{Duration, SystemTime};

/// Nanoseconds: since the engine was made on the runtime's clock, since 1970 on the wall clock.
pub(crate) type Nanos = i128;

pub(crate) const SECOND: Nanos = 1_000_000_000;
pub(crate) const MINUTE: Nanos = 60 * SECOND;
pub(crate) const HOUR: Nanos = 60 * MINUTE;

/// Readings of both clocks, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) steady: Nanos,
    pub(crate) wall: Nanos,
}

/// A point on one of the two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// On the runtime's clock, which never steps.
    Steady(Nanos),
    /// On the wall clock.
    Wall(Nanos),
}

impl Moment {
    /// Time since then by its own clock; negative if it lies ahead.
    pub(crate) fn age(self, now: Now) -> Nanos {
        match self {
            Self::Steady(at) => now.steady - at,
            Self::Wall(at) => now.wall - at,
        }
    }

    pub(crate) fn after(self, delay: Nanos) -> Self {
        match self {
            Self::Steady(at) => Self::Steady(at.saturating_add(delay)),
            Self::Wall(at) => Self::Wall(at.saturating_add(delay)),
        }
    }

    /// The reading of the wall clock then, if nobody sets it.
    pub(crate) fn on_the_wall(self, now: Now) -> Option<SystemTime> {
        system_time(now.wall.checked_sub(self.age(now))?)
    }
}

pub(crate) fn nanos(length: Duration) -> Nanos {
    // A Duration has fewer than 2^94 nanoseconds.
    length.as_nanos().cast_signed()
}
