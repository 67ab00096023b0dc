//! Schedules: arithmetic on instants. Nothing here waits or runs anything.
//!
//! - `Cron` is a cron expression; `Trigger` is any schedule: a cron expression or a time of day in a zone, a fixed grid, an
//!   interval in phase with an instant, one instant, a function, or a combination of these.
//! - `Zone` is any `chrono::TimeZone` with its type erased, [`Period`] a length of time that is valid for an interval.
//! - [`JobStore`] keeps the last runs of jobs over restarts, so that a missed job can run once after the start.
//!
//! Without the feature `cron` there are [`Period`], the stores and the error types only. A job of a [`Scheduler`](crate::Scheduler) runs at
//! these times.
//!
//! # Daylight-saving time
//! | schedule | the clock skips its time | the clock shows its time twice |
//! |---|---|---|
//! | fixed minutes and hours (`30 2 * * *`), time of day, interval of a day or longer | one run, right after the gap | one run, the first time |
//! | a star in the minute or the hour field (`0 * * * *`, `*/5 0-6 * * *`) | no run | both times |
//! | interval shorter than a day, grid | elapsed time only | elapsed time only |
//!
//! A field that lists all its values counts as a star.
//!
//! Every next run is later than the one before it, in every zone, and none is later than the year 9999.
//!
//! # Limits
//! Each search takes a bounded number of steps: a zone that contradicts itself, or triggers that never agree, end it with a
//! [`SearchError`].
//!
//! Inside: `parse` makes bit sets of an expression, `fields` finds the next wall-clock reading that they match, `walk` maps
//! readings to instants across changes of the offset, `offsets` finds these changes.

#[cfg(feature = "cron")]
mod combine;
#[cfg(feature = "cron")]
mod cron;
#[cfg(feature = "cron")]
mod delta;
#[cfg(feature = "cron")]
mod describe;
mod error;
#[cfg(feature = "cron")]
mod fields;
#[cfg(feature = "cron")]
mod offsets;
#[cfg(feature = "cron")]
mod parse;
mod period;
mod store;
#[cfg(feature = "cron")]
mod trigger;
#[cfg(feature = "cron")]
mod walk;
#[cfg(feature = "cron")]
mod zone;

#[cfg(feature = "cron")]
pub use cron::{Cron, Upcoming};
pub use error::{CronError, CronField, CronProblem, SearchError, ZoneError};
pub use period::{Period, PeriodError};
pub use store::{FileStore, JobStore, MemoryStore, StoreError};
#[cfg(feature = "cron")]
pub use trigger::Trigger;
#[cfg(feature = "cron")]
pub use zone::Zone;
#[cfg(feature = "cron")]
pub(crate) use zone::machine_revision;
