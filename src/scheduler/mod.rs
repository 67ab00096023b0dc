//! Jobs: work that runs again and again, when it is due.
//!
//! [`Scheduler`] runs them, [`JobBuilder`] describes them, [`Job`] is the handle of one. [`schedule`](crate::schedule) knows
//! when something is due; this module waits for it and runs it.
//!
//! # Rules
//! - A job's failure or panic, and a hook that panics, never stop its schedule.
//! - Every slot is accounted for: it runs, or it is missed, overlapped or coalesced; see [`JobCounts`].
//! - A slot that is seen later than the grace is missed. Of several slots within the grace the newest runs.
//! - An interval keeps its grid. A calendar follows its wall clock: forward steps make slots late, small steps back (a
//!   minute) repeat nothing, larger ones make the job follow the clock at once.
//! - A job that is removed or replaced leaves its runs alone.
//!
//! # Threads
//! None of its own. One future for each scheduler waits on the reactor of the manager's runtime, with one timer for all of
//! its jobs. It wakes when a job is due or changed, and once a minute while a job waits for a wall clock that runs. Hooks,
//! and the closures that make the futures of runs, are called on the reactor thread; closures that may block run on pool
//! threads.
//!
//! All waits are timed by the runtime's clock: while a manual one stands still, nobody looks at the clock of the system.

mod builder;
#[cfg(feature = "cron")]
mod calendar;
mod cell;
mod core;
mod driver;
mod entry;
mod error;
mod event;
mod front;
mod grid;
mod instances;
mod job;
mod launch;
mod process;
mod settings;
mod state;
mod timetable;

pub use builder::{Every, JobBuilder, JobSource};
#[cfg(feature = "cron")]
pub use calendar::{At, Calendar};
pub use cell::{JobCounts, JobStatus};
pub use error::ScheduleError;
pub use event::JobEvent;
pub use front::{Scheduler, SchedulerReport};
pub use job::Job;
pub use process::scheduler;
pub use settings::Overlap;
