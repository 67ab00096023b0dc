//! Run a job at a time of day, in a time zone.
//!
//! A backup on working days at 02:30 in Berlin, whatever the zone of the machine, and also in the night in which the clocks change.
//!
//! ```
//! use chrono_tz::Europe::Berlin;
//! use offtick::{Runtime, Scheduler, TaskManager};
//! # use chrono::{TimeZone, Utc};
//! # use offtick::time::{Clock, WallClock};
//!
//! fn copy_files() -> std::io::Result<u32> {
//!     Ok(7)
//! }
//!
//! let rt = Runtime::new()?;
//! let scheduler = Scheduler::new(&TaskManager::new(&rt));
//! # let wall = WallClock::manual(Utc.with_ymd_and_hms(2026, 3, 27, 12, 0, 0).unwrap());
//! # let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), wall.clone());
//! let backup = scheduler
//!     .cron("30 2 * * mon-fri")                                          // 1
//!     .zone(Berlin)                                                      // 2
//!     .id("backup")
//!     .run_blocking(|_cx| copy_files())?;                                // 3
//! assert_eq!(backup.describe(), "at 02:30, Monday to Friday (Europe/Berlin)");
//!
//! let mut label = String::new();
//! while label != "7 files" {
//!     // One tick.
//!     if let Some(newest) = backup.latest_finished::<u32>()? {           // 4
//!         label = match newest.result() {
//!             Some(Ok(files)) => format!("{files} files"),
//!             Some(Err(error)) => error.label(),
//!             None => label,
//!         };
//!     }
//! #   wall.set(Utc.with_ymd_and_hms(2026, 3, 30, 0, 30, 0).unwrap());
//!     std::thread::yield_now();
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Line 1 is a cron expression with five fields; [`Cron`](crate::schedule::Cron) lists all forms. Without line 2 the job is in the
//! zone of the machine, and follows it when the user travels. [`upcoming`](crate::scheduler::Job::upcoming) lists the next runs for a
//! screen.
//!
//! # When it fails or is cancelled
//! - A mistake in the expression is an error of line 3, which names the field and the position.
//! - A zone of the machine that is unknown (`TZ=Mars/Base`, or no tz database installed) is an error of line 3 as well: the job would
//!   run by UTC.
//! - When the clocks skip 02:30, it runs right after the gap; when they show it twice, the first time. An expression with a star in the
//!   minute or the hour follows elapsed time instead.
//! - A run that fails is the newest finished run until the next day; [`retry`](crate::scheduler::JobBuilder::retry) tries again
//!   earlier.
//! - With a `second` field in front there are six fields, and weekdays given by number count from 1 = Sunday. Names mean the same in
//!   both forms, so prefer them.
//!
//! # Threads
//! `run_blocking` runs its closure on a pool thread. Waiting holds no thread.
//!
//! # Features
//! `cron`, which is a default; the zones of the crate `chrono-tz`.
//!
//! # What else
//! - The last day of a month, the second Friday: [`Cron::parse_extended`](crate::schedule::Cron::parse_extended).
//! - Without holidays, or two schedules in one: [`Trigger`](crate::schedule::Trigger).
//! - A program that is off at night: [catch up after a restart](super::catch_up_after_a_restart).
