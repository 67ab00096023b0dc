//! Schedules: what is due when. Nothing here waits or runs anything; it is arithmetic on the instants that it is given.
//!
//! - `Cron` is a cron text; `Trigger` is everything a schedule can be: a cron text or a time of day in a zone, a fixed
//!   grid, an interval in phase with an instant, one instant.
//! - `Zone` is any `chrono::TimeZone` with its type forgotten, [`Period`] a length of time that is fit for an interval.
//!
//! Without the feature `cron` there are [`Period`] and the error types only. What runs at these times is a job of a
//! [`Scheduler`](crate::Scheduler).
//!
//! # Daylight-saving time
//! | schedule | the clock skips its time | the clock shows its time twice |
//! |---|---|---|
//! | fixed hours (`30 2 * * *`), time of day, interval of a day or longer | one run, right after the gap | one run, the first time |
//! | hours `*`, `*/n` or all 24 | no run | both times |
//! | interval shorter than a day, grid | elapsed time only | elapsed time only |
//!
//! Every next run is later than the one before it, in every zone, and none is later than the year 9999.
//!
//! Inside: `parse` makes bit sets of a text, `fields` finds the next wall-clock reading that they match, `walk` maps
//! readings to instants across changes of the offset, `zone` finds these changes.

#[cfg(feature = "cron")]
mod cron;
#[cfg(feature = "cron")]
mod delta;
mod error;
#[cfg(feature = "cron")]
mod fields;
#[cfg(feature = "cron")]
mod parse;
mod period;
#[cfg(feature = "cron")]
mod trigger;
#[cfg(feature = "cron")]
mod walk;
#[cfg(feature = "cron")]
mod zone;

#[cfg(feature = "cron")]
pub use cron::{Cron, Upcoming};
pub use error::{CronError, CronField, CronProblem};
pub use period::{Period, PeriodError};
#[cfg(feature = "cron")]
pub use trigger::Trigger;
#[cfg(feature = "cron")]
pub use zone::Zone;
