//! Jobs: work that runs again and again, when it is due.
//!
//! [`Scheduler`] runs them, [`JobBuilder`] describes them, [`Job`] is the handle of one. [`schedule`](crate::schedule) knows
//! when something is due; this module waits for it and runs it.
//!
//! # Rules
//! - A job's failure or panic, and a hook that panics, never stop its schedule, unless it was told to ([`ErrorPolicy`]).
//! - Every slot is accounted for: it runs, or it is missed, overlapped or coalesced; see [`JobCounts`].
//! - A driver that is late (a host that ticks every few seconds, a task that holds the reactor) misses nothing: slots that came due since
//!   it last looked run, as one run if they are [coalesced](JobBuilder::coalesce).
//! - An interval keeps its grid and never looks at the wall clock, but for its start and end.
//!
//! # When the wall clock is set
//! - **Forward**, or after a suspend: slots that were passed are as late as the clock showed right after the step. Within the
//!   [grace](JobBuilder::misfire_grace) they run, beyond it they are missed. What is still ahead runs on time by the new clock.
//! - **Back**, by at most three hours: jobs of a fixed time of day are not repeated. Jobs that follow elapsed time (a star in the hour
//!   or the minute) continue at once, with the slots that are shown again; a step that is shorter than their period, and than one minute, repeats nothing.
//! - **Back further**: every job follows the clock.
//! - An end (the last slot, [`end`](JobBuilder::end)) that a step forward brought about is final only after the clock has not stepped
//!   for an hour. Until then the job is active without a next run, and a step back revives it.
//!
//! A step is noticed at once for a clock that the program sets, and on Linux (with the feature `net`) for the clock of the system.
//! Elsewhere it is noticed within ten seconds.
//!
//! # Threads
//! None of its own. One future for each scheduler waits on the reactor of the manager's runtime, with one timer for all of
//! its jobs. It wakes when a job is due or changed, and once a minute (ten seconds, where a step is not noticed at once) while a job
//! waits for a wall clock that runs. A turn deals with 64 jobs at most and with a bounded number of searches of calendars; then other
//! tasks run. Hooks, and the closures that make the futures of runs, are called on the reactor thread; closures that may block run on
//! pool threads.
//!
//! All waits are timed by the runtime's clock: while a manual one stands still, nobody looks at the clock of the system.

mod builder;
#[cfg(feature = "cron")]
mod calendar;
mod catch_up;
mod cell;
mod core;
mod driver;
mod error;
mod event;
mod front;
mod job;
mod launch;
mod outlook;
mod owner;
mod process;
mod repeat;

pub use crate::repeat::{ErrorPolicy, JobCounts, JobStatus, Overlap};
pub use builder::{Every, JobBuilder, JobSource};
pub(crate) use builder::{Frame, Options, Source};
#[cfg(feature = "cron")]
pub(crate) use calendar::calendar;
#[cfg(feature = "cron")]
pub use calendar::{At, Calendar};
pub use error::ScheduleError;
pub use event::JobEvent;
pub use front::{Scheduler, SchedulerReport};
pub use job::Job;
pub(crate) use owner::repeat_kind;
pub use owner::{JobOwner, Owned, RepeatKind, Scheduled};
pub use process::scheduler;
pub use repeat::Repeat;
