//! Run a job that was missed while the program was off.
//!
//! A report is due each night, but the laptop is closed then. It runs once after the next start, however many nights were missed.
//!
//! ```
//! use offtick::schedule::FileStore;
//! use offtick::{Runtime, Scheduler, TaskManager};
//! use std::sync::Arc;
//! # use chrono::{TimeZone, Utc};
//! # use offtick::schedule::JobStore;
//! # use offtick::time::WallClock;
//!
//! async fn send_report() -> Result<&'static str, std::io::Error> {
//!     Ok("sent")
//! }
//!
//! # let path = std::env::temp_dir().join(format!("offtick-cookbook-{}.jobs", std::process::id()));
//! # FileStore::open(&path)?.record("report", Utc.with_ymd_and_hms(2026, 7, 1, 3, 0, 0).unwrap().into())?;
//! let rt = Runtime::new()?;
//! let scheduler = Scheduler::new(&TaskManager::new(&rt));
//! # let wall = WallClock::manual(Utc.with_ymd_and_hms(2026, 7, 6, 9, 0, 0).unwrap());
//! # let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), wall);
//! let store = Arc::new(FileStore::open(&path)?);                         // 1
//! let report = scheduler
//!     .cron("0 3 * * *")
//!     .id("report")                                                      // 2
//!     .store(store)                                                      // 3
//!     .run(|_cx| send_report())?;
//!
//! while report.counts().runs < 1 {
//!     std::thread::yield_now(); // a tick
//! }
//! # assert_eq!(report.latest::<&str>()?.expect("it ran").wait().ok(), Some(&"sent"));
//! # std::fs::remove_file(&path).ok();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Line 1 reads the file; it is created by the first run. Line 2 is the name of the job in it. With line 3 the job runs at once if a
//! slot passed since its last run. A program that keeps its own records passes the time itself:
//! [`since`](crate::scheduler::JobBuilder::since).
//!
//! # When it fails or is cancelled
//! - A file that is damaged, cut off, or of a newer version is an error of line 1, and is left as it is. Restore it, or remove it to
//!   begin anew.
//! - A full or read-only disk loses nothing: the file keeps its old contents, the error is reported to
//!   [`on_unhandled_error`](crate::Builder::on_unhandled_error), and the next run is written with the one before.
//! - A run is recorded when it has finished, also with an error. A program that stops in the middle of a run, or cancels it, runs the job
//!   again after the next start: a job must bear to run twice.
//! - With [`coalesce(false)`](crate::scheduler::JobBuilder::coalesce) each missed night has a run, one after the other.
//!
//! # Threads
//! The file is written by a pool thread, never in a tick and never on the reactor thread. It is read by the thread that calls line 1.
//!
//! # Features
//! `cron` for the expression, which is a default. Intervals catch up without it.
//!
//! # What else
//! - A database instead of a file: implement [`JobStore`](crate::schedule::JobStore).
//! - A test of all that: [`MemoryStore`](crate::schedule::MemoryStore), and [fake time](super::test_with_fake_time).
