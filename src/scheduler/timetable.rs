//! What a schedule is to the driver: slots on the line of one of two clocks, taken in order, each once.

use crate::time::wall::system_time;
use std::time::SystemTime;

/// Nanoseconds: since the scheduler was made on the runtime's clock, since 1970 on the wall clock.
pub(super) type Nanos = i128;

/// How many slots a job that does not coalesce makes up for at once, how many runs wait for an overlap to end, and how many
/// missed slots of a calendar are counted one by one; beyond it, the rest counts as one.
pub(super) const CATCH_UP_LIMIT: usize = 1000;

/// What both clocks show at one look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) steady: Nanos,
    pub(super) wall: Nanos,
}

/// A point on one of the two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// Of the runtime's clock, which never jumps.
    Steady(Nanos),
    /// Of the wall clock.
    Wall(Nanos),
}

impl Moment {
    /// How long ago it was by its own clock; negative if it lies ahead.
    pub(super) fn age(self, now: Now) -> Nanos {
        match self {
            Self::Steady(at) => now.steady - at,
            Self::Wall(at) => now.wall - at,
        }
    }

    pub(super) fn after(self, delay: Nanos) -> Self {
        match self {
            Self::Steady(at) => Self::Steady(at.saturating_add(delay)),
            Self::Wall(at) => Self::Wall(at.saturating_add(delay)),
        }
    }

    /// What the wall clock shows then, as far as it can be known.
    pub(super) fn on_the_wall(self, now: Now) -> Option<SystemTime> {
        system_time(now.wall.checked_sub(self.age(now))?)
    }
}

/// What is to be done with slots that are late.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lateness {
    /// Slots that are later than this are missed; `None`: none is.
    pub(super) grace: Option<Nanos>,
    /// Of the others only the newest runs.
    pub(super) coalesce: bool,
}

/// Slots that were due, dealt out. Each is in exactly one of the three.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// To be run, oldest first.
    pub(super) runs: Vec<Moment>,
    /// Too late, or beyond [`CATCH_UP_LIMIT`].
    pub(super) missed: u64,
    pub(super) first_missed: Option<Moment>,
    /// Left to the newest one.
    pub(super) coalesced: u64,
}

/// The slots of one job. The methods that change it may search a calendar, and run the user's zone.
pub(super) trait Timetable: Send {
    /// The next slot; `None` once there are no more. It is known already: no search, no user code.
    fn next(&self, now: Now) -> Option<Moment>;

    /// Takes every slot that was due `delay` ago.
    fn take(&mut self, now: Now, delay: Nanos, lateness: Lateness) -> Batch;

    /// Forgets the slots until now.
    fn skip(&mut self, now: Now);

    /// The wall clock went back.
    fn look_again(&mut self, now: Now);
}

/// What a timetable is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) now: Now,
    /// No slot lies before this reading.
    pub(super) start: Option<Nanos>,
    /// No slot lies after this reading.
    pub(super) end: Option<Nanos>,
}
