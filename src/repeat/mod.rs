//! The repeating engine: which job runs when, and what becomes of its slots and runs. A pure state machine.
//!
//! It is given the time and runs nothing. There is no thread, no lock and no clock in it. One driver
//! ([`crate::scheduler`]) keeps it under a lock, passes it readings of both clocks, and does what it returns, without the lock. Every
//! repeating thing is a job of it: those of a scheduler, and the one of each `Periodic`, `OnTime` and `Background`.
//!
//! # A slot
//! ```text
//! a slot is due --> passed by a step of the wall clock, by more than the grace --> missed
//!               --> a newer one is due as well                                 --> coalesced
//!               --> otherwise, by the overlap policy  --> overlapped
//!                                                     --> waits --> runs
//!                                                     --> runs
//! ```
//! Each slot is in exactly one of these. A driver that looks late misses nothing: only a step of the wall clock makes a slot late
//! ([`steps`]).
//!
//! # A job
//! ```text
//!                start             pause
//! Idle <--------cancel--- Active <-resume-> Paused
//!                           | no slot ahead, or max_runs        --> Finished
//!                           | an error, under ErrorPolicy::Stop --> Failed
//! any ----------------------------- removed, replaced           --> Removed
//! any ----------------------------- the driver has ended        --> Stopped
//! ```
//! Idle, and a start from Finished or Failed, exist for jobs that restart. An end for which a step of the wall clock is to blame is
//! final only after the clock has not stepped for an hour: a clock that shows the year 2036 for a moment ends no job.
//!
//! # A run
//! ```text
//! begun (a decision) --> submitted --> over --> its body is gone
//! ```
//! It is forgotten once all of these have come, in any order after the first. It holds its slot of the limiter until its body is gone.
//!
//! # Who may touch what
//! - A [`Table`](table::Table) (slots) calls user code: zones and triggers. It leaves the engine for each [`Search`], which runs
//!   without the lock. All else is plain data.
//! - [`Instances`](instances::Instances) decides which slot runs, with the limiter of the groups and pools.
//! - A `Host` is told what changed, under the lock; it stores that for its handles, behind a lock that is the last of all.
//!
//! # Cost
//! A step deals with one job. It takes a logarithmic number of operations on maps, and at most [`COUNT_LIMIT`](table::COUNT_LIMIT) and
//! a few searches, however far a clock has jumped.

mod counts;
mod engine;
mod entry;
mod instances;
mod rules;
mod steps;
mod table;
#[cfg(all(test, not(loom)))]
mod tests;
mod time;

#[allow(unreachable_pub, reason = "public by way of `scheduler`")]
pub use counts::{JobCounts, JobStatus};
pub(crate) use counts::{Newest, Outcome, Shown};
pub(crate) use engine::{Action, Engine, Event, Host, NextStep, Step};
pub(crate) use entry::{Search, Slot};
#[allow(unreachable_pub, reason = "public by way of `scheduler`")]
pub use rules::{ErrorPolicy, Overlap};
pub(crate) use rules::{Grace, Rules};
#[cfg_attr(not(feature = "cron"), allow(unused_imports, reason = "for calendars"))]
pub(crate) use table::{Begin, Points};
pub(crate) use table::{Kind, Table};
pub(crate) use time::{MINUTE, Moment, Nanos, Now, SECOND, nanos};
